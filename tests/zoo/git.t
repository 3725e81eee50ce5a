#!/bin/sh
# SPDX-License-Identifier: MIT
# git log, status, a commit with its children.
. "${0%/*}/../lib/zoo.sh"
need git
export GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b \
	GIT_AUTHOR_DATE='2024-01-01T00:00:00Z' GIT_COMMITTER_DATE='2024-01-01T00:00:00Z'
git init -q -b main repo && cd repo || bail "git init"
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo "$i" >"file$i" && git add . && git commit -q -m "commit $i"; done
exact "git log" git log --stat -n 10
exact "git log -p" git --no-pager log -p
exact "git rev-list" git rev-list --objects HEAD
exact "git blame" git blame file3
exact "git of a mistake" git no-such-command
behaves "git gc" git gc -q
done_testing
