#!/bin/sh
# SPDX-License-Identifier: MIT
#
# From a fresh clone to a first report: install what is missing (as root or with sudo), build, trace a real program,
# show what it left on the heap, and say where the flame graph lies. Can be run again at any time.

set -eu
cd "$(dirname "$0")/.."

scripts/install-deps.sh
make -s -j"$(nproc 2>/dev/null || echo 2)"

# What every machine has: perl builds an index of words and leaves it to the kernel to clean up.
mkdir -p build/quickstart
# shellcheck disable=SC2016
set -- perl -e 'open F, "<", shift or die; while (<F>) { $n{$_}++ for split } printf "%d words\n", scalar keys %n' README.md

printf '\n$ build/heaptrace --top=2 %s\n' "perl -e '...count words...' README.md"
build/heaptrace --top=2 --save=build/quickstart/perl.htrace "$@"

build/heaptrace report --format=html --outfile=build/quickstart/perl.html build/quickstart/perl.htrace
build/heaptrace report --flame-graph --outfile=build/quickstart/perl.collapsed build/quickstart/perl.htrace
echo
echo "snapshot:      build/quickstart/perl.htrace    (build/heaptrace report --sort=count build/quickstart/perl.htrace)"
echo "page:          build/quickstart/perl.html      (open it in a browser)"
flamegraph=$(command -v flamegraph.pl || command -v flamegraph || true)
case $flamegraph in
*.pl)
	"$flamegraph" --countname=bytes --title="live bytes of perl" build/quickstart/perl.collapsed >build/quickstart/perl.svg
	echo "flame graph:   build/quickstart/perl.svg"
	;;
*)
	echo "flame graph:   build/quickstart/perl.collapsed  (collapsed stacks: for flamegraph.pl, speedscope.app, inferno)"
	;;
esac
echo "yours:         build/heaptrace YOUR-PROGRAM ARGS..."
