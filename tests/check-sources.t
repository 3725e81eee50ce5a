#!/bin/sh
# SPDX-License-Identifier: MIT
# Scripts, spelling, man page, licence lines.
export TAP_SOURCE="${0%/*}/.."
# shellcheck source=tests/lib/tap.sh
. "${0%/*}/lib/tap.sh"
cd "$SOURCE" || exit 1

# lint NAME COMMAND...: silence and success
lint()
{
	name=$1
	shift
	if ! command -v "$1" >/dev/null; then
		skip "$name" "$1 is missing"
		return
	fi
	run "$@"
	is "$status:$out$err" 0: "$name"
}
lint "shellcheck" shellcheck -S warning -e SC2034,SC2154 -x scripts/*.sh .ci/run tests/lib/*.sh tests/fuzz/*.sh tests/cli/*.t tests/zoo/*.t tests/*.t
lint "man page" mandoc -Tlint -Wwarning tools/man/heaptrace.1 tools/man/heaptrace.3 tools/man/heaptrace-json.5
lint "spelling" codespell -q 3 -L 'nd,ba,fo,te,parm,parms,ue,sie,statics' README.md tools src include tests scripts Makefile
for file in src/*.[ch] tools/*.[ch] tests/*/*.[ch] tests/*/*.cc tests/*/*.t tests/*.t scripts/*.sh Makefile tests/tests.mk; do
	[ -e "$file" ] || continue
	head -n 2 "$file" | grep -q 'SPDX-License-Identifier: MIT' || missing="${missing:-} $file"
done
is "${missing:-}" "" "every source names its licence"
is "$(grep -n '[[:space:]]$' README.md Makefile src/*.[ch] tools/*.[ch] tests/*/*.[ch] tests/*/*.t | head)" "" "no white space at the end of lines"
is "$(awk '{ line = $0; gsub(/\t/, "        ", line); if (length(line) > 180) print FILENAME ":" FNR }' src/*.[ch] tools/*.[ch])" "" "no endless lines"
done_testing
