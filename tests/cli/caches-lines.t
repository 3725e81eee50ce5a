#!/bin/sh
# SPDX-License-Identifier: MIT
# What addr2line said is kept for the next run, unless that is switched off; and nobody is hurt where it cannot be kept.
. "${0%/*}/../lib/tap.sh"
command -v addr2line >/dev/null || skip_all "addr2line is missing"

cat >"$T/addr2line" <<S
#!/bin/sh
echo asked >>'$T/asked'
exec $(command -v addr2line) "\$@"
S
chmod +x "$T/addr2line"

# report [OPTION...]: which lines leak_a has, and whether the tool was asked for them
report()
{
	rm -f "$T/asked"
	ht_json --addr2line="$T/addr2line" "$@" "$GUESTS/leak" 1 10
	lines=$(json '[.processes[0].backtraces[].frames[] | select(.function == "leak_a") | "\(.file | sub(".*/"; "")):\(.line)"] | unique[]')
	asked=no
	[ ! -e "$T/asked" ] || asked=yes
}

report --no-cache
expected=$lines
like "$expected" '^leak\.c:[0-9]*$' "leak_a has a line"

export XDG_CACHE_HOME="$T/cache"
report --no-cache
is "$status $lines $asked" "0 $expected yes" "--no-cache: addr2line is asked"
[ ! -e "$T/cache" ]
ok $? "--no-cache: and nothing kept"
HEAPTRACE_CACHE=off report
is "$status $lines $asked" "0 $expected yes" "HEAPTRACE_CACHE=off: addr2line is asked"
[ ! -e "$T/cache" ]
ok $? "HEAPTRACE_CACHE=off: and nothing kept"
report
is "$status $lines $asked" "0 $expected yes" "the first time it is asked"
is "$(stat -c %a "$T/cache/heaptrace")" 700 "what it said is kept where nobody else can look"
report
is "$status $lines $asked" "0 $expected no" "the second time it is not"
report --no-cache
is "$status $lines $asked" "0 $expected yes" "unless --no-cache says so"

for file in "$T"/cache/heaptrace/*; do tr 'a-z' 'b-za' <"$file" >"$T/bad" && cp "$T/bad" "$file"; done
report
is "$status $lines $asked" "0 $expected yes" "broken files are not believed"
report
is "$status $lines $asked" "0 $expected no" "but replaced"

rm -rf "$T/cache"
for i in 1 2 3 4 5 6; do
	"$HT" --format=json --outfile="$T/many.$i" --addr2line="$T/addr2line" "$GUESTS/leak" 1 10 2>"$T/err.$i" &
	reap_later $!
	pids="${pids:-} $!"
done
for pid in $pids; do wait "$pid" || fail "a run among others"; done
is "$(jq -r '[.processes[0].backtraces[].frames[] | select(.function == "leak_a") | "\(.file | sub(".*/"; "")):\(.line)"] | unique[]' "$T"/many.[0-9] | uniq -c | tr -s ' ')" " 6 $expected" "six at once agree"
is "$(cat "$T"/err.[0-9])" "" "and say nothing"
is "$(find "$T/cache" -type f ! -name '*.lines')" "" "no half-written file is left"
report
is "$status $lines $asked" "0 $expected no" "what they kept serves"

mkdir "$T/sealed"
chmod 555 "$T/sealed"
for place in /dev/null "$T/addr2line" "$T/sealed/deep/er" /proc; do
	XDG_CACHE_HOME=$place report
	is "$status $lines $asked $err" "0 $expected yes " "XDG_CACHE_HOME=${place#"$T"/}: names without a cache"
done

# The bound: many keys that are older, and one more.
i=0
while [ $i -lt 40 ]; do
	head -c 1000 /dev/zero >"$T/cache/heaptrace/$i.lines"
	touch -d '2020-01-01' "$T/cache/heaptrace/$i.lines"
	i=$((i + 1))
done
rm -f "$T"/cache/heaptrace/*-*.lines
HEAPTRACE_CACHE_BYTES=20000 report
bytes=$(cat "$T"/cache/heaptrace/*.lines | wc -c)
at_least 20000 "$bytes" "HEAPTRACE_CACHE_BYTES bounds it: $bytes are left"
HEAPTRACE_CACHE_BYTES=20000 report
is "$status $lines $asked" "0 $expected no" "and what was used last stays"
done_testing
