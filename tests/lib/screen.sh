# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# Commands on a terminal: source it after tap.sh.
#
# `screen COMMAND...` runs a command on a terminal of its own and obeys a script on stdin, one word a line:
#	size COLUMNS ROWS           before all others (80 24)
#	env NAME=VALUE...           before all others
#	keys WORD...                press: characters, up, down, enter, esc, ... (KEYS in screen.py)
#	expect NAME: REGEX          wait until some line of the screen matches
#	gone NAME: REGEX            wait until none does
#	resize COLUMNS ROWS
#	signal NAME                 to the command
#	shell COMMAND               run something; $SCREEN_PID is the command
#	shell_until NAME: COMMAND   run something until it succeeds
#	hangup                      the terminal goes away
#	ends NAME: STATUS           wait for its end; 128 + N for signal N
#	restored NAME               the terminal is as it was before
#	understood NAME             nothing was sent to it that it does not know
#	show                        print the screen as a remark
# expect, gone, ends, restored, understood and shell_until are tests.
screen()
{
	python3 "$SOURCE/tests/lib/screen.py" "$@" >"$T/screen.out" 2>"$T/screen.err"
	screen_status=$?
	while IFS='	' read -r screen_word screen_name screen_why; do
		case $screen_word in
		pass) pass "$screen_name";;
		fail) fail "$screen_name" "$screen_why" || :;;
		note) diag "|$screen_name";;
		esac
	done <"$T/screen.out"
	[ "$screen_status" -eq 0 ] || fail "the script ran" "$(tail -5 "$T/screen.err")"
}
