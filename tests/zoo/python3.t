#!/bin/sh
# SPDX-License-Identifier: MIT
# python3, with its own pools and with PYTHONMALLOC=malloc; threads, subprocesses, extension modules.
. "${0%/*}/../lib/zoo.sh"
need python3
python3=$(command -v /usr/bin/python3)
cat >work.py <<'PY'
import json, re, sqlite3, zlib, ctypes, decimal
data = {str(i): [i, str(i) * 3, {"x": i / 7}] for i in range(3000)}
text = json.dumps(data)
print(len(text), len(json.loads(text)), len(re.findall(r"\d+7", text)), zlib.crc32(zlib.compress(text.encode())))
base = sqlite3.connect(":memory:")
base.execute("create table t (a, b)")
base.executemany("insert into t values (?, ?)", [(i, str(i)) for i in range(2000)])
print(base.execute("select sum(a), count(distinct b) from t").fetchall(), decimal.Decimal(2).sqrt())
PY
behaves "pools" "$python3" work.py
PYTHONMALLOC=malloc
export PYTHONMALLOC
behaves "PYTHONMALLOC=malloc" "$python3" work.py
exact "loops" "$python3" -S -E -s -c 'print(sum(len(str(i)) for i in range(20000)))'
unset PYTHONMALLOC
cat >threads.py <<'PY'
import threading, subprocess, sys
results = []
def work(n):
    results.append(sum(len(bytearray(i % 3000)) for i in range(3000)))
threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
[t.start() for t in threads]; [t.join() for t in threads]
print(sorted(results) == [results[0]] * 8, subprocess.check_output(["sh", "-c", "echo child"]).decode().strip())
sys.exit(7)
PY
behaves "threads and a child" "$python3" threads.py
cat >pool.py <<'PY'
import multiprocessing
def square(x): return x * x
if __name__ == "__main__":
    with multiprocessing.Pool(4) as pool:
        print(sum(pool.map(square, range(1000))))
PY
behaves "multiprocessing" "$python3" pool.py
behaves "an exception" "$python3" -c 'raise SystemExit("bye")'
done_testing
