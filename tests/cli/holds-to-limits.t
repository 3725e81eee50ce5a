#!/bin/sh
# SPDX-License-Identifier: MIT
# --max-live and its kin: status 120 when a program that succeeded exceeds a limit, and a message that names who did it.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

# limits STATUS NAME ARGS...: run the guest "leak" (10 blocks of 110 bytes unless told otherwise)
limits()
{
	expected=$1 name=$2
	shift 2
	ht --outfile=/dev/null "$@"
	is "$status" "$expected" "$name: $expected"
}
leak=$GUESTS/leak
limits 0 "live below the limit" --max-live=2k "$leak"
is "$err" "" "and silence"
limits 0 "live at the limit" --max-live=1100 "$leak"
limits 120 "live above the limit" --max-live=1099 "$leak"
like "$err" '^\[heaptrace\] limit exceeded: leak (pid [0-9]*): 1\.100 KB live, --max-live allows 1\.099 KB; 1\.100 KB in 10 blocks from leak (.*guest\.h:[0-9]*) < leak_a (.*leak\.c:5) < main (.*leak\.c:9)$' \
	"it says how much, and who did it"
is "$(printf '%s\n' "$err" | wc -l)" 1 "in one line"
limits 0 "a peak at the limit" --max-peak=59010 "$GUESTS/sorting"
limits 120 "a peak above the limit" --max-peak=59009 "$GUESTS/sorting"
like "$err" 'a peak of 59\.010 KB, --max-peak allows 59\.009 KB; 50\.000 KB then from use .* < passing .* < main' "the one to blame at the peak"
limits 0 "allocations at the limit" --max-allocs=3104 "$GUESTS/sorting"
limits 120 "allocations above the limit" --max-allocs=3103 "$GUESTS/sorting"
like "$err" '3104 allocations, --max-allocs allows 3103; 3000 from use .* < churning' "the one that allocates most"
limits 120 "something live" --fail-on-live "$leak" 1 0
like "$err" '1 blocks of 0 bytes live, --fail-on-live allows none' "even if it is nothing"
limits 0 "nothing live" --fail-on-live "$leak" 0
limits 120 "two limits" --max-live=1 --max-allocs=1 "$leak"
is "$(printf '%s\n' "$err" | grep -c 'limit exceeded')" 2 "a message for each"
for size in 1k:1000 1K:1000 1kB:1000 1Ki:1024 1M:1000000 1Mi:1048576 1G:1000000000; do
	limits 0 "--max-live=${size%:*} is ${size#*:} bytes" "--max-live=${size%:*}" "$leak" 1 "${size#*:}"
	limits 120 "and not one more" "--max-live=${size%:*}" "$leak" 1 $((${size#*:} + 1))
done

# The program's own failure goes first.
limits 3 "a program that fails" --max-live=1 "$leak" 10 110 3
like "$err" 'limit exceeded' "the message comes all the same"
cat >how.py <<'PY'
import subprocess, sys
print(subprocess.run(sys.argv[1:], stderr=subprocess.DEVNULL).returncode)
PY
run python3 how.py "$HT" --outfile=/dev/null --max-live=1 "$GUESTS/ends-segv"
is "$out" -11 "a program that dies of a signal"

# Rules.
echo leak_a >rules
limits 0 "what is ignored does not count" --fail-on-live --ignore=rules "$leak"
echo few_large >rules
limits 120 "the rest does" --max-live=1k --ignore=rules "$GUESTS/sorting"
like "$err" '1\.010 KB live, .*; 1\.000 KB in 100 blocks from leak .* < many_small' "without what is ignored"

# What runtimes keep is no leak of the program's.
cat >known.cc <<'C'
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <pthread.h>
void *volatile kept;
static void *nothing(void *) { return nullptr; }
int main(int argc, char **argv)
{
	pthread_t thread;
	printf("prints\n");
	setlocale(LC_ALL, "C.UTF-8");
	if (pthread_create(&thread, nullptr, nothing, nullptr) || pthread_join(thread, nullptr)) return 1;
	if (argc > 1) kept = argv[1][0] == 'f' ? (void *)fopen("/dev/null", "r") : malloc(99);
	return 0;
}
C
${CXX:-g++} -g -O0 -pthread -o known known.cc || bail "compiled"
limits 0 "buffers, pools, locales and threads of runtimes" --fail-on-live ./known
like "$err" '^\[heaptrace\] not counted as live: [0-9.]* KB in [0-9]* blocks that runtimes keep (--count-known)$' "which is said"
limits 0 "-q" -q --fail-on-live ./known
is "$err" "" "-q: not said"
limits 120 "--count-known" --fail-on-live --count-known ./known
unlike "$err" 'not counted' "--count-known: all is counted"
limits 120 "a block of the program's beside them" --fail-on-live ./known leak
like "$err" 'exceeded: known (pid [0-9]*): 1 blocks of 99 bytes live, .* from main (.*known\.cc:13)' "and only that"
limits 120 "an open FILE is the program's" --fail-on-live ./known file
limits 0 "--max-live" --max-live=98 ./known
limits 120 "--max-live with a block of the program's" --max-live=98 ./known leak

# In every format and to every place the verdict is the same.
for format in json collapsed pprof csv; do
	ht --format=$format --max-live=1 "$leak"
	is "$status:$(printf '%s\n' "$err" | grep -c 'limit exceeded')" "120:1" "$format on stdout"
	limits 120 "$format in a file" --format=$format --outfile="$T/file" --max-live=1 "$leak"
done
ht --max-live=1 --save=kept.htrace "$leak"
is "$status" 120 "beside the text report"
like "$err" '=== backtrace #1' "which is there"
[ -s kept.htrace ]
ok $? "and the snapshot"

# Children: each process is held to the limits; what exec replaced has nothing live.
limits 120 "a child above the limit" --max-live=20k sh -c "'$leak' 3 10000; exit 0"
like "$err" 'exceeded: leak (pid' "the child is named"
is "$(printf '%s\n' "$err" | grep -c 'limit exceeded')" 1 "and only the child"
limits 0 "two children below it" --max-live=20k sh -c "'$leak' 3 6000; '$leak' 3 6000; exit 0"
limits 0 "what is replaced by exec has nothing live" --max-live=500 python3 -c "import os; os.execv('$leak', ['leak', '4', '100'])"
limits 120 "what it becomes counts" --max-live=399 python3 -c "import os; os.execv('$leak', ['leak', '4', '100'])"

# Growth over a base.
ht --outfile=/dev/null --save=base.htrace "$leak" 10 110
limits 0 "as much as the base" --max-growth-over=base.htrace "$leak" 10 110
limits 0 "less" --max-growth-over=base.htrace "$leak" 9 110
limits 120 "more" --max-growth-over=base.htrace "$leak" 12 110
like "$err" '1\.320 KB live, 220 bytes more than in the base, --max-growth allows 0 bytes; 220 bytes more in +2 blocks from leak .* < leak_a' "who grew"
limits 0 "more, but allowed" --max-growth-over=base.htrace --max-growth=220 "$leak" 12 110
limits 120 "more than allowed" --max-growth-over=base.htrace --max-growth=219 "$leak" 12 110
limits 120 "another program: nothing can be compared" --max-growth-over=base.htrace "$GUESTS/sorting"
like "$err" 'growth could not be checked: .*base\.htrace' "which is said"
cp base.htrace gone.htrace
limits 120 "a base that is lost on the way" --max-growth-over=gone.htrace sh -c "rm gone.htrace; exec '$leak' 10 110"
like "$err" 'max-growth-over: .*gone\.htrace.*No such file' "which is said"
limits 0 "children of other programs are left alone" --max-growth-over=base.htrace sh -c "'$leak'; exit 0"

# Nothing traced: nothing is known to be within the limits.
printf 'int main(void) { return 0; }\n' >static.c
if ${CC:-gcc} -static -o static static.c 2>/dev/null; then
	limits 120 "an untraced program" --force --fail-on-live ./static
	like "$err" 'limits could not be checked' "which is said"
else
	skip "an untraced program" "no static C library"
fi

# Mistakes, before anything is run.
refuses()
{
	pattern=$1 name=$2
	shift 2
	refused 125 "^heaptrace: .*$pattern" "$name" "$@" sh -c 'echo ran >ran'
	[ ! -e ran ]
	ok $? "$name: nothing was run"
}
refuses 'max-live=1x.*bytes' "no size" --max-live=1x
refuses 'max-live=-1.*bytes' "a negative size" --max-live=-1
refuses 'max-live=.*bytes' "an empty size" --max-live=
refuses 'max-peak=99999999999T.*bytes' "a size that is too large" --max-peak=99999999999T
refuses 'max-allocs=many.*number' "no number" --max-allocs=many
refuses 'missing.htrace.*No such' "no base" --max-growth-over=missing.htrace
refuses 'not a' "a base that is none" --max-growth-over=/bin/ls
refuses 'max-growth-over' "an allowance over nothing" --max-growth=1k
refuses 'takes no value' "a switch with a value" --fail-on-live=yes
printf '{\n name\n Memcheck:Leak\n fun:malloc\n' >open.supp
refuses 'line 1 has no end' "rules that cannot be read" --fail-on-live --ignore=open.supp
run "$HT" report --max-live=1 base.htrace
is "$status" 125 "not for a report: 125"
ht --fail-on-live --max-live=40 --outfile=/dev/null "$GUESTS/leak" 2 20
is "$status:$(grep -c 'limit exceeded' err):$(grep -c max-live err)" 120:1:0 "a limit that is kept is not blamed beside one that is not"

done_testing
