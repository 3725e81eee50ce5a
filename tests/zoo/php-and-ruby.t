#!/bin/sh
# SPDX-License-Identifier: MIT
# php and ruby.
. "${0%/*}/../lib/zoo.sh"
need php ruby
behaves "php" php -n -r '$a = []; for ($i = 0; $i < 100000; $i++) $a[] = str_repeat("x", $i % 50); echo count($a), "\n"; exit(4);'
USE_ZEND_ALLOC=0
export USE_ZEND_ALLOC
exact "php without pools" php -n -r '$a = []; for ($i = 0; $i < 20000; $i++) $a["k$i"] = str_repeat("x", $i % 50); echo count($a), "\n";'
unset USE_ZEND_ALLOC
behaves "ruby" ruby --disable-gems -e 'h = {}; 50000.times { |i| h["k#{i % 1000}"] = "v" * (i % 100) }; puts h.size; exit 6'
behaves "ruby threads and a child" ruby --disable-gems -e 'puts 8.times.map { |n| Thread.new { ("x" * 100000 * n).size } }.map(&:value).sum; puts `echo child`'
done_testing
