#!/bin/sh
# SPDX-License-Identifier: MIT
# Instructions that tracing adds to a malloc and free pair stay within tests/bench/budget.txt (make bench-budget).
. "${0%/*}/../lib/tap.sh"
for tool in valgrind readelf; do
	command -v $tool >/dev/null || skip_all "$tool is missing"
done
[ -x "$BUILD/bench/driver" ] || skip_all "$BUILD/bench/driver is missing"
cd "$T" || exit 1

TOLERANCE=2 # per cent
budget=$SOURCE/tests/bench/budget.txt
run sh "$SOURCE/tests/bench/instructions.sh" "$BUILD"
[ "$status" -eq 0 ] || bail "instructions cannot be counted: $err"
mv out now
[ "$(head -n 1 now)" = "$(head -n 1 "$budget")" ] ||
	skip_all "the budget is for '$(sed 's/^# //;q' "$budget")', this is '$(sed 's/^# //;q' now)'"
while read -r name now; do
	[ "$name" != '#' ] || continue
	most=$(awk -v name="$name" '$1 == name { print $2 }' "$budget")
	[ -n "$most" ] && [ $((now * 100)) -le $((most * (100 + TOLERANCE))) ]
	ok $? "$name: $now instructions more for a malloc and free pair, budget ${most:-none}"
	[ $((now * 100)) -ge $((${most:-0} * (100 - TOLERANCE))) ] || diag "cheaper than the budget: make bench-budget"
done <now
done_testing
