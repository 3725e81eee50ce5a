#!/bin/sh
# SPDX-License-Identifier: MIT
# A program that calls heap_trace runs without us: each code is ESP_ERR_NOT_SUPPORTED, counts are 0; position independent
# or not, C or C++. The same binary is traced when it is run under heaptrace.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

for program in esp-untraced esp-untraced-no-pie esp-untraced-cxx esp-untraced-cxx-no-pie; do
	run "$GUESTS/$program"
	is "$status" 0 "$program runs"
	is "$(grep -v -e ' 106$' -e '^count 0$' -e '^mark 0$' out)" "name ESP_ERR_NOT_SUPPORTED" "$program: nothing is supported"
	is "$(wc -l <out)" 16 "$program: every function was called"
	is "$(sort -u err)" 'heap trace: this program is not traced; run it as `heaptrace PROGRAM`' "$program: a dump is one line"
	is "$(ls)" "$(printf 'err\nout\ntmp')" "$program: no file is made"
	ht -q --outfile=report "$GUESTS/$program"
	like "$out" '^start 0$' "$program: traced, it is supported"
	rm -f report heaptrace.*.trace x
done

case $(${CC:-gcc} -dumpmachine 2>/dev/null) in
'') skip "the header is strict C and C++" "no compiler";;
*)
	printf '#include "esp_heap_trace.h"\nint main(void) { return heap_trace_stop() == ESP_ERR_NOT_SUPPORTED ? 0 : 1; }\n' >strict.c
	cp strict.c strict.cc
	run "${CC:-gcc}" -std=c99 -pedantic -Wall -Wextra -Werror -I"$SOURCE/include/heaptrace" -o strict strict.c
	is "$status:$err" 0: "the header is strict C99"
	./strict
	is $? 0 "and does what it should"
	run "${CXX:-g++}" -std=c++11 -pedantic -Wall -Wextra -Werror -I"$SOURCE/include/heaptrace" -o strict strict.cc
	is "$status:$err" 0: "and strict C++11"
	mkdir idf
	printf 'typedef int esp_err_t;\n#define ESP_OK 0\n#define ESP_FAIL -1\n#define ESP_ERR_NO_MEM 0x101\n#define ESP_ERR_INVALID_ARG 0x102\n' >idf/esp_err.h
	printf '#define ESP_ERR_INVALID_STATE 0x103\n#define ESP_ERR_NOT_SUPPORTED 0x106\n#define REAL 1\n' >>idf/esp_err.h
	printf '#include "esp_heap_trace.h"\n#ifndef REAL\n#error not taken\n#endif\nint main(void) { return heap_trace_stop() != 0x106; }\n' >strict.c
	run "${CC:-gcc}" -Wall -Werror -Iidf -I"$SOURCE/include/heaptrace" -o strict strict.c
	is "$status:$err" 0: "the real esp_err.h is taken where there is one";;
esac
done_testing
