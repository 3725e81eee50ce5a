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
lint "man page" mandoc -Tlint -Wwarning tools/man/heaptrace.1 tools/man/heaptrace.3 tools/man/heaptrace-json.5 "$BUILD"/man/*.1
if command -v node >/dev/null; then
	cat tools/html/units.js tools/html/data.js tools/html/trie.js tools/html/timeline.js tools/html/flame.js tools/html/table.js \
		tools/html/summary.js tools/html/page.js >"$T/page.js"
	lint "the page's script" node --check "$T/page.js"
	lint "the browser's driver" node --check tests/lib/browser.js
else
	skip "the page's script" "node is missing"
	skip "the browser's driver" "node is missing"
fi
lint "spelling" codespell -q 3 -L 'nd,ba,fo,te,parm,parms,ue,sie,statics' README.md tools src include tests scripts Makefile
for file in src/*.[ch] tools/*.[ch] tests/*/*.[ch] tests/*/*.cc tests/*/*.t tests/*.t tests/lib/*.js tests/lib/*.py tools/html/* scripts/*.sh Makefile tests/tests.mk; do
	[ -e "$file" ] || continue
	head -n 2 "$file" | grep -q 'SPDX-License-Identifier: MIT' || missing="${missing:-} $file"
done
is "${missing:-}" "" "every source names its licence"
is "$(find tests -name '*.t' ! -perm -u+x)" "" "every test can be executed"
is "$(grep -n '[[:space:]]$' README.md Makefile src/*.[ch] tools/*.[ch] tools/html/* tests/*/*.[ch] tests/*/*.t tests/lib/*.js | head)" "" "no white space at the end of lines"
is "$(awk '{ line = $0; gsub(/\t/, "        ", line); if (length(line) > 180) print FILENAME ":" FNR }' src/*.[ch] tools/*.[ch] tools/html/*.js)" "" "no endless lines"
is "$(grep -il '</script\|<!--\|https\?://[^w]' tools/html/*.js tools/html/*.css)" "" "nothing in the page's script ends it, nor names a place in the network"
is "$(grep -c 'innerHTML\|outerHTML\|insertAdjacentHTML\|document\.write\|eval(' tools/html/*.js | grep -v ':0$')" "" "nor makes markup of data"
done_testing
