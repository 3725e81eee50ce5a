#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Run the tests, after installing what they need: check.sh [--full] [MAKE-ARGUMENTS...]
# --full adds the real programs. As root or with sudo; can be run again at any time.

set -eu
cd "$(dirname "$0")/.."

target=check
need=--test
if [ "${1:-}" = --full ]; then
	target=check-full
	need=--full
	shift
fi
scripts/install-deps.sh $need
jobs=$(nproc 2>/dev/null || echo 2)
make -s -j"$jobs" "$@" test-programs
make -s "$@" lint
exec make -s "$@" $target
