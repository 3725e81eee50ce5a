# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# The Test Anything Protocol for end-to-end tests in POSIX sh, and helpers to run heaptrace. Source it first:
#	. "${0%/*}/../lib/tap.sh"
#
# BUILD        build directory, absolute (make sets it; default: build/ of the tree)
# SOURCE       the tree
# HT           the command under test
# GUESTS       where the guest programs are
# T            this test's own directory, removed at the end; also TMPDIR's parent
#
# `run CMD...` runs something and sets $status; its output is in $T/out and $T/err. Waiting is polling with a bound
# (wait_until), never a sleep that hopes.

SOURCE=$(cd "${TAP_SOURCE:-${0%/*}/../..}" && pwd -P)
BUILD=${BUILD:-$SOURCE/build}
HT=${HT:-$BUILD/heaptrace}
GUESTS=$BUILD/tests/guests
T=$(mktemp -d "${TMPDIR:-/tmp}/ht-test-XXXXXX") || exit 1
T=$(cd "$T" && pwd -P)
chmod 755 "$T"
mkdir "$T/tmp"

# Of each program the system's own: wrappers in front of it start programs of theirs.
PATH=/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin
export PATH

# One environment for all: small, and without anything that changes the figures.
unset LD_PRELOAD XDG_RUNTIME_DIR MALLOC_ARENA_MAX GLIBC_TUNABLES DEBUGINFOD_URLS
for tap_variable in $(env | sed -n 's/^\(HEAPTRACE_[A-Z_0-9]*\)=.*/\1/p'); do unset "$tap_variable"; done
export TMPDIR="$T/tmp" LC_ALL=C
export BUILD SOURCE HT GUESTS T

tap_count=0
tap_failures=0
tap_pids=
status=0

tap_end()
{
	for tap_process in $tap_pids; do
		[ "$(born "${tap_process%:*}")" != "${tap_process#*:}" ] || kill -9 "${tap_process%:*}" 2>/dev/null
	done
	if [ -n "${KEEP:-}" ]; then echo "# kept $T"; else rm -rf "$T"; fi
}
trap tap_end EXIT
trap 'exit 1' HUP INT TERM

diag() { printf '%s\n' "$*" | sed 's/^/# /'; }

# ok STATUS NAME
ok()
{
	tap_count=$((tap_count + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $tap_count - $2"
	else
		echo "not ok $tap_count - $2"
		tap_failures=$((tap_failures + 1))
		return 1
	fi
}

# pass NAME, fail NAME [DIAGNOSTICS]
pass() { ok 0 "$1"; }
fail() { ok 1 "$1"; [ -z "${2:-}" ] || diag "$2"; return 1; }

# is GOT EXPECTED NAME
is()
{
	if [ "$1" = "$2" ]; then pass "$3"; else fail "$3" "     got: $1
expected: $2"; fi
}

# like TEXT BASIC-REGEX NAME: some line matches
like()
{
	if printf '%s\n' "$1" | grep -q -e "$2"; then pass "$3"; else fail "$3" "no line matches: $2
in: $1"; fi
}

unlike()
{
	if printf '%s\n' "$1" | grep -q -e "$2"; then fail "$3" "a line matches: $2
in: $1"; else pass "$3"; fi
}

# same FILE FILE NAME
same()
{
	if cmp -s "$1" "$2"; then pass "$3"; else fail "$3" "$(diff -a "$1" "$2" | head -20)"; fi
}

# at_least GOT LEAST NAME
at_least()
{
	if [ "$1" -ge "$2" ] 2>/dev/null; then pass "$3"; else fail "$3" "got $1, expected at least $2"; fi
}

# skip NAME REASON: one test that can not run here
skip() { tap_count=$((tap_count + 1)); echo "ok $tap_count - $1 # SKIP $2"; }

# skip_all REASON: none of this file's tests can run here
skip_all() { echo "1..0 # SKIP $1"; exit 0; }

# bail REASON: something is missing that must be there
bail() { fail "$1"; done_testing; }

done_testing()
{
	echo "1..$tap_count"
	[ "$tap_failures" -eq 0 ]
	exit
}

# run CMD...: sets $status; output in $T/out and $T/err. Nothing waits longer than two minutes.
# shellcheck disable=SC2034
run()
{
	env -u _ timeout -k 5 "${TIMEOUT:-120}" "$@" >"$T/out" 2>"$T/err" </dev/null
	status=$?
	out=$(tr -d '\000' <"$T/out" | head -c 100000)
	err=$(tr -d '\000' <"$T/err" | head -c 100000)
}

# ht ARGS...: run heaptrace
ht() { run "$HT" "$@"; }

# refused STATUS PATTERN NAME ARGS...: heaptrace ends with that status, says why, and nothing else
refused()
{
	tap_status=$1 tap_pattern=$2 tap_name=$3
	shift 3
	ht "$@"
	is "$status" "$tap_status" "$tap_name: $tap_status"
	like "$err" "$tap_pattern" "$tap_name: says why"
	is "$out" "" "$tap_name: nothing on stdout"
}

# ht_json ARGS...: run heaptrace and leave the report of all processes in $T/json
ht_json()
{
	rm -f "$T/json" "$T"/json.*
	run "$HT" --format=json --outfile="$T/json" "$@"
	merge_json
}

# FILE is the first process's, the others' are FILE.PID: put them together, in the order of their starts
merge_json()
{
	jq -s '.[0] + {processes: [.[].processes[]] | sort_by(.started_ns, .pid)}' "$T/json" "$T"/json.[0-9]* >"$T/json.merged" 2>"$T/jq.err" ||
		jq '.processes |= sort_by(.started_ns, .pid)' "$T/json" >"$T/json.merged" 2>"$T/jq.err"
	[ ! -s "$T/json.merged" ] || mv "$T/json.merged" "$T/json"
}

# Start something in the background: its pid in $pid, output in $T/bg.out and $T/bg.err. It is killed at the end.
start()
{
	rm -f "$T/bg.out" "$T/bg.err" # what the last one said is not to be taken for this one's
	"$@" >"$T/bg.out" 2>"$T/bg.err" </dev/null &
	pid=$!
	reap_later "$pid"
}

# converse CMD...: the same with something that says "ready" and then does what the lines it reads tell it. They are written
# to descriptor 9; it ends when that is closed.
converse()
{
	rm -f "$T/in" "$T/bg.out" "$T/bg.err"
	mkfifo "$T/in"
	"$@" <"$T/in" >>"$T/bg.out" 2>"$T/bg.err" & # appending: a test may empty it
	pid=$!
	reap_later "$pid"
	exec 9>"$T/in"
	wait_until 60 file_has "$T/bg.out" ready || bail "it came up: $*"
}

# serve OPTIONS... PROGRAM...: the same under heaptrace; the program's own pid in $program
serve()
{
	converse "$HT" "$@"
	program=$(children "$pid" | tr -d ' ')
}

# serve_alone VARIABLE=VALUE... PROGRAM...: the same with the library alone
serve_alone() { converse env LD_PRELOAD="$BUILD/libheaptrace.so" "$@"; }

# collector LAUNCHER [ENVIRONMENT]: the pid of a run's collector: another process of the same executable and environment
collector()
{
	for tap_process in /proc/[0-9]*; do
		[ "$(readlink "$tap_process/exe" 2>/dev/null)" = "$(readlink -f "$HT")" ] || continue
		[ "${tap_process#/proc/}" != "$1" ] && [ "$(cat "$tap_process/comm" 2>/dev/null)" != ht-witness ] || continue
		tr '\000' '\n' 2>/dev/null <"$tap_process/environ" | grep -qx "${2:-T=$T}" && echo "${tap_process#/proc/}"
	done
}

# Is the command built with the address sanitizer? Then it can not run under other allocators, nor without /proc.
sanitized() { nm -D "$HT" 2>/dev/null | grep -q __asan_init; }

# as_nobody CMD...: run as another user; a condition first: nobody_works
as_nobody() { run setpriv --reuid=nobody --clear-groups env TMPDIR=/tmp "$@"; }
nobody_works()
{
	[ "$(id -u)" -eq 0 ] && setpriv --reuid=nobody --clear-groups test -x "$HT" -a -x "$T" 2>/dev/null
}

# When a process has started: by then its number may be another's.
born() { [ -z "$1" ] || sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20; }

# Remember pids to be killed at the end, if they are still those processes'.
reap_later()
{
	for tap_pid; do
		tap_born=$(born "$tap_pid")
		[ -z "$tap_born" ] || tap_pids="$tap_pids $tap_pid:$tap_born"
	done
}

# wait_until SECONDS CMD...: poll until CMD succeeds; fails when the bound is reached.
wait_until()
{
	tap_tries=$(($1 * 20))
	shift
	while ! "$@" >/dev/null 2>&1; do
		tap_tries=$((tap_tries - 1))
		[ "$tap_tries" -gt 0 ] || return 1
		sleep 0.05
	done
}

# Conditions to poll for.
file_has() { grep -q -e "$2" "$1"; }
file_count() { [ "$(grep -c -e "$2" "$1")" -ge "$3" ]; }
gone() { ! kill -0 "$1" 2>/dev/null || grep -q '^State:.*Z' "/proc/$1/status" 2>/dev/null; }

# children PID: pids of its children; not what heaptrace itself has forked for a moment, which still looks like its parent
children()
{
	for tap_child in $(cat "/proc/$1/task/"*/children 2>/dev/null); do
		case $(readlink "/proc/$tap_child/exe") in
		*/heaptrace) cmp -s "/proc/$1/cmdline" "/proc/$tap_child/cmdline" || echo "$tap_child ";;
		'') ;; # a zombie
		*) echo "$tap_child ";;
		esac
	done | tr -d '\n'
}

# jq on the last JSON report
json() { jq -r "$1" "${2:-$T/json}"; }

# totals [FILE]: one line for each process: allocations frees allocated_bytes live_blocks live_bytes, in order of starts
totals()
{
	jq -r '.processes | sort_by(.started_ns, .pid)[] | .totals
		| "\(.allocations) \(.frees) \(.allocated_bytes) \(.live_blocks) \(.live_bytes)"' "${1:-$T/json}"
}

# function_totals NAME [FILE]: total_blocks total_bytes live_blocks live_bytes of the backtraces through a function
function_totals()
{
	jq -r --arg name "$1" '[.processes[].backtraces[] | select(any(.frames[]; .function == $name))] |
		"\(map(.total_blocks) | add // 0) \(map(.total_bytes) | add // 0) \(map(.live_blocks) | add // 0) \(map(.live_bytes) | add // 0)"' \
		"${2:-$T/json}"
}

# count CMD...: run under the tests' own counter, in an environment as large as heaptrace's; results for counted()
count()
{
	mkdir -p "$TMPDIR/heaptrace-CounTs" && rm -f "$TMPDIR"/heaptrace-CounTs/counts.*
	cp "$BUILD/tests/counter.so" "$TMPDIR/heaptrace-CounTs/libheaptrace.so"
	run env LD_PRELOAD="$TMPDIR/heaptrace-CounTs/libheaptrace.so" "$@"
}

# counted: as totals, from the counter's files
counted()
{
	for tap_file in "$TMPDIR"/heaptrace-CounTs/counts.*; do
		[ -s "$tap_file" ] && od -An -v -w64 -t u8 "$tap_file" | head -1
	done | sort -n | awk '{ print $3, $4, $5, $6, $7 }'
}

# report_of FILE NAME: a text report of the program NAME is in FILE
has_report() { grep -q "dump allocation status for /proc/[0-9]*/maps ($2)" "$1"; }
