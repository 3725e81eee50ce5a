#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Fetch what tests read exports with and npm alone has:
#	install-npm.sh DIRECTORY
# Tests look for it in npm/ of the build directory (make npm). What is there already is left alone.

set -eu

speedscope=1.25.0

[ $# -eq 1 ] || { sed -n '4,6s/^# \{0,1\}//p' "$0" >&2; exit 2; }
[ ! -d "$1/node_modules/speedscope" ] || exit 0
if ! command -v npm >/dev/null; then
	echo "install-npm.sh: npm is missing; scripts/install-deps.sh --full installs it" >&2
	exit 1
fi
mkdir -p "$1"
npm install --prefix "$1" --no-save --no-package-lock --no-audit --no-fund --ignore-scripts --loglevel=error "speedscope@$speedscope"
