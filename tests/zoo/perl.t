#!/bin/sh
# SPDX-License-Identifier: MIT
# perl: hashes, strings, regular expressions, fork, pipes.
. "${0%/*}/../lib/zoo.sh"
need perl
exact "words" perl -e 'my %n; $n{$_ % 1013} .= "x" x ($_ % 7) for 1 .. 50000; print scalar(keys %n), "\n"'
exact "regular expressions" perl -e 'my $s = join ",", 1 .. 5000; my @m = $s =~ /(\d*7\d*)/g; print scalar(@m), "\n"'
exact "sort and sprintf" perl -e 'print join(" ", (sort { $a <=> $b } map { sprintf "%.3f", $_ / 7 } 1 .. 3000)[0 .. 5]), "\n"'
exact "die" perl -e 'die "this is the end\n"'
exact "fork" perl -e '$| = 1; for (1 .. 5) { if (!fork) { my @x = map { "x$_" } 1 .. 1000; print "child\n"; exit 3 } wait } print $? >> 8, "\n"'
behaves "pipe" perl -e 'open my $p, "-|", "sh", "-c", "echo one; echo two" or die; print while <$p>; close $p'
behaves "modules" perl -MPOSIX -MData::Dumper -MList::Util=sum -e '$Data::Dumper::Sortkeys = 1; print Dumper({a => [1 .. 5], b => sum(1 .. 10)})'
done_testing
