#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""redis-server (which brings jemalloc) under redis-benchmark, for a while: see soak.py."""

import re
import signal
import socket
import subprocess
import sys

sys.dont_write_bytecode = True
from soak import Run, free_port, need, done, ok, wait_until

need("redis-server", "redis-benchmark")
port = free_port()
run = Run("redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no")


class Client:
    """Requests whose answers are looked at one by one."""

    def __init__(self):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.file = self.socket.makefile("rb")
        self.sent = self.answered = 0

    def ask(self, *words):
        self.sent += 1
        self.socket.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words))
        head = self.file.readline()
        if head.startswith(b"$") and head != b"$-1\r\n":
            return self.file.read(int(head[1:]) + 2)[:-2]
        return head.strip()

    def expect(self, expected, *words):
        self.answered += self.ask(*words) == expected


def comes_up():
    try:
        return Client().ask(b"PING") == b"+PONG"
    except OSError:
        return False


ok(wait_until(comes_up), "redis comes up", run.said())
client = Client()
benchmarks, lost = 0, []


def load():
    """A short burst by redis-benchmark, and 200 requests whose answers are known."""
    global benchmarks
    result = subprocess.run(["redis-benchmark", "-p", str(port), "-q", "-n", "1500", "-c", "8", "-r", "1000", "-d", "100", "-t",
                             "set,get,incr,lpush,lpop,sadd,hset,spop,zadd,mset"], stdin=subprocess.DEVNULL,
                            capture_output=True, text=True, timeout=120, check=False)
    benchmarks += 1
    if result.returncode or len(re.findall(r"requests per second", result.stdout)) != 10:
        lost.append("redis-benchmark: %d %s" % (result.returncode, result.stdout[-300:] + result.stderr[-300:]))
    for i in range(100):
        key, value = b"own:%d" % i, b"%d:%d" % (benchmarks, i) * 20
        client.expect(b"+OK", b"SET", key, value)
        client.expect(value, b"GET", key)
    client.ask(b"DEL", b"mylist", b"myset", b"myzset", b"myhash")
    client.answered += 1


run.under_load(load)
stats = client.ask(b"INFO", b"stats").decode()
ok(not lost and benchmarks > 3, "%d runs of redis-benchmark" % benchmarks, *lost)
ok(client.answered == client.sent - 1, "%d requests, each with the right answer" % client.answered, client.sent)
ok("rejected_connections:0\r" in stats, "no connection was refused", stats)
run.finish(signal.SIGTERM)
done()
