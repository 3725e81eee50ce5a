#!/bin/sh
# SPDX-License-Identifier: MIT
# Completions in the shells themselves, on a terminal: subcommands, options, their values, snapshots, pids, and the words of
# the program that is to run.
. "${0%/*}/../lib/tap.sh"
# shellcheck source=tests/lib/screen.sh
. "$SOURCE/tests/lib/screen.sh"
command -v python3 >/dev/null || skip_all "python3 is missing"
cd "$T" || exit 1

mkdir bin zsh some-directory home
ln -s "$HT" bin/heaptrace
touch first.htrace firm.txt
for shell in bash zsh fish; do
	ht --completion=$shell
	is "$status:$err" 0: "--completion=$shell"
	cp out heaptrace.$shell
done
cp heaptrace.zsh zsh/_heaptrace
for flag in $("$HT" --help | sed -n 's/^  ... --\([a-z0-9-]*\).*/\1/p'); do
	case $flag in version | help) continue;; esac
	[ "$(grep -l -e "[- ]$flag\>" heaptrace.bash heaptrace.zsh heaptrace.fish | wc -l)" -eq 3 ] || missing="${missing:-} $flag"
done
is "${missing:-}" "" "every option is in every completion"
ht --completion=csh
is "$status" 125 "another shell: 125"
like "$err" 'bash, zsh or fish' "says which there are"

"$HT" --outfile=/dev/null "$GUESTS/hang" >hang.out 2>&1 &
reap_later $!
launcher=$!
wait_until 20 file_has hang.out ready || bail "a traced process"
program=$(children $launcher | tr -d ' ')
reap_later "$program"
ht --completion=pids
like "$out" "^$program	hang$" "--completion=pids lists traced processes"
unlike "$out" "^$launcher	" "and no others"

# Everything that a shell is asked; INIT makes it ready.
asked()
{
	cat <<EOF
size 120 24
env PATH=$T/bin:/usr/bin:/bin TERM=xterm HOME=$T/home XDG_CONFIG_HOME=$T/home XDG_DATA_HOME=$T/home PS1='>'
expect $1, a prompt: [%>#]
keys '$2' enter
shell_until $1, it is ready: test -e $T/ready
keys ctrl-l 'heaptrace rep' tab 'x'
expect $1, a subcommand: heaptrace report x
keys ctrl-u 'heaptrace report --wind' tab 'x'
expect $1, an option: report --window[= ]?x
keys ctrl-u 'heaptrace report --format=spee' tab 'x'
expect $1, a value: report --format=speedscope ?x
keys ctrl-u 'heaptrace top --sort gro' tab 'x'
expect $1, a value in a word of its own: top --sort growth ?x
keys ctrl-u 'heaptrace report --sort=size,all' tab 'x'
expect $1, a value in a list: --sort=size,allocs[, ]?x
keys ctrl-u 'heaptrace --debug-dir=some' tab 'x'
expect $1, a directory: --debug-dir=some-directory/ ?x
keys ctrl-u 'heaptrace report --no-lines fir' tab 'x'
expect $1, a snapshot, and no other file: --no-lines first.htrace ?x
keys ctrl-u 'heaptrace dump ${program%?}' tab tab
expect $1, a traced process: (dump |^)$program
keys ctrl-u 'heaptrace ctl $program sta' tab tab
expect $1, what to do with it: start.*status|status.*start
keys ctrl-u 'heaptrace --depth=3 --exact setpri' tab 'x'
expect $1, a program: --exact setpriv ?x
EOF
	# What begins with a dash is never an argument to fish.
	[ "$1" = fish ] || cat <<EOF
keys ctrl-u 'heaptrace --depth=3 --exact ls --author --inod' tab 'x'
expect $1, a word of the program: ls --author --inode ?x
EOF
	echo "keys ctrl-u exit enter"
}
if [ -e /usr/share/bash-completion/bash_completion ]; then
	asked bash ". /usr/share/bash-completion/bash_completion; . ./heaptrace.bash; touch ready" >script && screen bash --norc --noprofile -i <script
else
	skip "bash" "bash-completion is missing"
fi
rm -f ready
for shell in zsh fish; do
	if ! command -v $shell >/dev/null; then
		skip "$shell" "$shell is missing"
	elif [ $shell = zsh ]; then
		asked zsh "fpath=($T/zsh \$fpath); autoload -U compinit; compinit -u -d $T/dump; touch ready" >script && screen zsh -f -i <script
	else
		asked fish "source heaptrace.fish; touch ready" >script && screen fish --no-config -i <script
	fi
	rm -f ready
done
kill "$program"
done_testing
