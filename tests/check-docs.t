#!/bin/sh
# SPDX-License-Identifier: MIT
# Every option stands in --help, in the man page and in the README's list, and those name no others.
export TAP_SOURCE="${0%/*}/.."
# shellcheck source=tests/lib/tap.sh
. "${0%/*}/lib/tap.sh"

page=$SOURCE/tools/man/heaptrace.1
run "$HT" --help
help=$out
run "$HT" report --help
help="$help
$out"
for command in export diff dump; do
	run "$HT" $command --help
	help="$help
$out"
done
flags=$(printf '%s\n' "$help" | grep -o -e '--[a-z][a-z0-9-]*' | sort -u)
[ "$(printf '%s\n' "$flags" | wc -l)" -ge 20 ]
ok $? "--help names the options"
for flag in $flags; do
	name=$(printf '%s' "${flag#--}" | sed 's/-/\\\\*-/g')
	grep -q -e "Fl \(Fl \|-\)$name\>" "$page"
	ok $? "man page: $flag"
	grep -q -e "\`[^\`]*$flag\>" "$SOURCE/README.md"
	ok $? "README: $flag"
done
for flag in $(sed -n 's/^\.It Fl.* \(Fl -[a-z-]*\).*/\1/p' "$page" | sed 's/Fl -/--/') $(grep -o '^| `[^|]*`' "$SOURCE/README.md" | grep -o -e '--[a-z][a-z-]*' | sort -u); do
	like "$help" "$flag" "a documented option exists: $flag"
done
done_testing
