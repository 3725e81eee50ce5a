#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A C++ program with threads, for a while: see soak.py."""

import os
import signal
import sys
import time

sys.dont_write_bytecode = True
from soak import BUILD, Run, done, ok, read, wait_until

run = Run(os.path.join(BUILD, "tests/soak/threads"))
ok(wait_until(lambda: "ready" in read(run.path("out"))), "it comes up", run.said())
run.under_load(lambda: time.sleep(0.1))
text = run.path("out")
status = run.stop(signal.SIGTERM)
words = read(text).split()
requests = int(words[words.index("requests") + 1]) if "requests" in words else 0
ok(requests > 100, "%d requests" % requests, read(text))
ok("answered %d sum %d expected %d" % (requests, 20 * requests, 20 * requests) in read(text), "each answered", read(text))
run.finish(signal.SIGTERM)
done()
