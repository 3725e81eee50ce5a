#!/bin/sh
# SPDX-License-Identifier: MIT
# Few descriptors, small files: either the program is traced, or heaptrace says which limit is in the way. It never leaves
# its directory behind, and never blames the loader. (With CAP_SYS_RESOURCE the limits are lifted.)
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

said_or_traced()
{
	case $err in
	*"no room for"*"limit -f"* | *"runs untraced"*"limit -"* | *"may run untraced"*"limit -n"* | *"cannot be started"*"limits"*) ;;
	*"dump allocation status"*) ;;
	*) return 1;;
	esac
}

for limit in "-n 4" "-n 5" "-n 6" "-n 7" "-n 8" "-n 9" "-n 10" "-n 11" "-n 12" "-f 0" "-f 1"; do
	run sh -c "{ ulimit $limit && exec \"\$HT\" \"\$GUESTS/leak\"; } 2>&1 | cat >&2" # the limit is not the pipe's
	said_or_traced
	ok $? "ulimit $limit: traced, or said why not" || diag "$err"
	unlike "$err" 'its loader\|not empty' "ulimit $limit: and nothing beside the point"
	is "$(ls "$TMPDIR")" "" "ulimit $limit: nothing left behind"
done
done_testing
