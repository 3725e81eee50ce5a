#!/bin/sh
# SPDX-License-Identifier: MIT
# heap_trace from a language that can call a library, and over other allocators than glibc's.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

cat >calls.py <<'EOP'
import ctypes

lib = ctypes.CDLL(None)
lib.heap_trace_get_count.restype = ctypes.c_size_t
lib.heap_trace_mark.restype = ctypes.c_uint64


class Record(ctypes.Structure):
    _fields_ = [("ccount", ctypes.c_uint32), ("address", ctypes.c_void_p), ("size", ctypes.c_size_t), ("freed", ctypes.c_bool),
                ("alloced_by", ctypes.c_void_p * 16), ("freed_by", ctypes.c_void_p * 16)]


lib.malloc.restype = ctypes.c_void_p
lib.malloc(1)
record = Record()
records = (Record * 64)()
print(lib.heap_trace_init_auto(ctypes.c_size_t(1000), 2), lib.heap_trace_start(0), flush=True)
block = lib.malloc(123457)
lib.free(ctypes.c_void_p(block))
print(lib.heap_trace_alloc_pause(), lib.heap_trace_resume(), lib.heap_trace_stop())
for i in range(lib.heap_trace_get_count()):
    lib.heap_trace_get(ctypes.c_size_t(i), ctypes.byref(record))
    if record.size == 123457:
        print("found", record.address == block, record.freed, bool(record.alloced_by[0]), bool(record.freed_by[0]))
print(lib.heap_trace_mark() > 0, lib.heap_trace_dump_fd(1, -1), flush=True)
lib.heap_trace_dump_caps(0)
print(lib.heap_trace_init_standalone(records, ctypes.c_size_t(64)), lib.heap_trace_start(1))
lib.malloc(765)
lib.heap_trace_stop()
print("here", any(r.size == 765 for r in records))
print(lib.heap_trace_init_tohost_to(b"py.trace"), lib.heap_trace_start(0))
lib.malloc(4321)
lib.heap_trace_stop()
EOP
if python3 -c 'import ctypes' 2>/dev/null; then
	ht -q --outfile=report python3 calls.py
	is "$status:$err" 0: "Python calls by ctypes"
	is "$(sed '/^======/,/^=*$/d' out)" "0 0
0 0 0
found True True True True
True 258
0 0
here True
0 0" "and is answered"
	like "$out" '^====== Heap Trace Summary ======$' "and gets a dump"
	run "$HT" report py.trace
	like "$out" 'HEAP: Allocated 4321 bytes @ 0x[0-9a-f]* from task "python3' "and a trace"
else
	skip "Python calls by ctypes" "no python3 with ctypes"
fi

libs=/usr/lib/$(${CC:-gcc} -print-multiarch)
for library in libjemalloc.so.2 libtcmalloc_minimal.so.4 libmimalloc.so.2; do
	if [ ! -e "$libs/$library" ] || sanitized; then
		skip "over $library" "not installed, or the host is sanitized"
		continue
	fi
	for program in esp-operators esp-threads; do
		run env LD_PRELOAD="$libs/$library" "$HT" -q --outfile=report "$GUESTS/$program"
		is "$status:$(grep -v '^ok' out)" "0:1..$(grep -c '^ok' out)" "$program over $library"
	done
	run env LD_PRELOAD="$libs/$library" "$HT" -q --outfile=report "$GUESTS/esp-dump" shapes
	like "$out" '^    32 bytes (@ 0x[0-9a-f]*) allocated CPU' "no kind of memory is made up over $library"
done
done_testing
