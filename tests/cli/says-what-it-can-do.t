#!/bin/sh
# SPDX-License-Identifier: MIT
# --help, --version, and what happens without arguments.
. "${0%/*}/../lib/tap.sh"

for flag in --help -h; do
	ht $flag
	is "$status" 0 "$flag: 0"
	is "$err" "" "$flag: on stdout"
	like "$out" "^Usage:" "$flag: usage"
done
for command in report export diff dump top ctl; do
	ht $command --help
	is "$status" 0 "$command --help: 0"
	like "$out" "heaptrace $command" "$command --help: usage"
	ht $command --no-such-option
	is "$status" 125 "$command: an unknown option: 125"
	like "$err" "^heaptrace $command: .*no-such-option" "$command: names it"
	[ -w /dev/full ] || continue
	run sh -c '"$HT" '"$command"' --help >/dev/full'
	is "$status" 125 "$command --help that can not be written: 125"
	like "$err" "^heaptrace $command: standard output cannot be written" "$command: says so"
done
ht --version
is "$status:$out:$err" "0:heaptrace $(sed -n 's/^#define HT_RELEASE "\(.*\)"/\1/p' "$SOURCE/src/segment.h"):" "--version"
ht
is "$status" 125 "without arguments: 125"
like "$err" 'heaptrace --help' "and a hint"
run sh -c '"$HT" --help >/dev/full'
[ ! -w /dev/full ] || is "$status" 125 "--help that can not be written: 125"
done_testing
