# SPDX-License-Identifier: MIT
"""A server under load and under heaptrace, with a dump every second, for SOAK_SECONDS (60).

What must hold: every request is answered; every dump adds up (live = total - freed, the backtraces' sums are the totals,
nothing lost); and nothing of heaptrace's grows: neither its collector's memory nor the segment, which is the memory that
it takes of the program. The three tests beside this file each bring a server; they print TAP.
"""

import atexit
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

BUILD = os.environ.get("BUILD") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../build")
HT = os.path.join(BUILD, "heaptrace")
SECONDS = int(os.environ.get("SOAK_SECONDS") or 60)
# What the second half of a run may use more than the first: a rare path of the server's is a backtrace or two.
SEGMENT_SLACK = 8 * 65536
COLLECTOR_SLACK_KB = 512
PROGRAM_SLACK_KB = 4096  # allocators hold back more or less
HEADER_USED = 32  # struct ht_header.used
GRANULE = 65536
DUMP_TOTALS = ("allocations", "frees", "allocated_bytes")

tests = 0
failures = 0


def ok(passed, name, *details):
    global tests, failures
    tests += 1
    failures += not passed
    print("%sok %d - %s" % ("" if passed else "not ", tests, name))
    if not passed:
        for detail in details:
            for line in str(detail).splitlines()[:20]:
                print("#", line)
    sys.stdout.flush()


def skip_all(reason):
    print("1..0 # SKIP " + reason)
    sys.exit(0)


def done():
    print("1..%d" % tests)
    sys.exit(failures > 0)


def need(*programs):
    os.environ["PATH"] = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"
    for program in programs:
        if not shutil.which(program):
            skip_all(program + " is missing")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False


def read(path, mode="r"):
    with open(path, mode) as file:
        return file.read()


def children(pid):
    found = []
    for task in os.listdir("/proc/%d/task" % pid):
        found += [int(child) for child in read("/proc/%d/task/%s/children" % (pid, task)).split()]
    return found


def status_kb(pid, key):
    try:
        match = re.search(key + r":\s*(\d+)", read("/proc/%d/status" % pid))
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return int(match.group(1)) if match else 0


class Run:
    """A traced server: its launcher, its collector, and what was measured of them."""

    def __init__(self, *command):
        self.directory = tempfile.mkdtemp(prefix="ht-soak-")
        self.dumps = self.asked = 0
        self.problems = []
        self.collector_kb, self.program_kb, self.segment_bytes = [], [], []
        self.before = {}
        self.last_dump = 0
        os.chmod(self.directory, 0o755)  # as root, heaptrace wants a place that others can reach, too
        os.makedirs(self.path("tmp"))
        environment = {key: value for key, value in os.environ.items() if not key.startswith("HEAPTRACE_")}
        environment.pop("XDG_RUNTIME_DIR", None)
        environment.update(TMPDIR=self.path("tmp"), LC_ALL="C")
        self.launcher = subprocess.Popen(
            [HT, "--format=json", "--no-lines", "--outfile=" + self.path("report"), "--", *command],
            stdin=subprocess.DEVNULL, stdout=open(self.path("out"), "w"), stderr=open(self.path("err"), "w"),
            cwd=self.directory, env=environment)
        self.pid = self.launcher.pid
        atexit.register(self.clean)
        self.environment = environment

    def clean(self):
        """Whatever happened, leave no server behind."""
        if self.launcher.poll() is None:
            for pid in [*self.processes(), self.pid]:
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.directory, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.directory, name)

    def said(self):
        return read(self.path("out"))[-2000:] + read(self.path("err"))[-2000:]

    def find_collector(self):
        """The process, not the launcher, that has the socket in the run's directory."""
        for line in read("/proc/net/unix").splitlines():
            fields = line.split()
            if len(fields) != 8 or not fields[7].startswith(self.path("tmp") + "/"):
                continue
            for pid in filter(str.isdigit, os.listdir("/proc")):
                try:
                    links = [os.readlink("/proc/%s/fd/%s" % (pid, fd)) for fd in os.listdir("/proc/%s/fd" % pid)]
                except OSError:
                    continue
                if "socket:[%s]" % fields[6] in links and int(pid) != self.pid:
                    return int(pid)
        return 0

    def processes(self):
        """The server's, as far as they still run."""
        found, queue = [], children(self.pid)
        while queue:
            found.append(queue.pop())
            try:
                queue += children(found[-1])
            except (FileNotFoundError, ProcessLookupError):
                found.pop()
        return found

    def programs_kb(self):
        """Resident memory of the server's processes, in which heaptrace's tables are."""
        return sum(status_kb(pid, "VmRSS") for pid in self.processes())

    def segments(self):
        """Bytes used of all segments that the collector holds."""
        total = 0
        if not os.path.exists("/proc/%d/fd" % self.collector):
            self.problems.append("the collector is gone")
            return 0
        for fd in os.listdir("/proc/%d/fd" % self.collector):
            path = "/proc/%d/fd/%s" % (self.collector, fd)
            try:
                if not os.readlink(path).startswith("/memfd:heaptrace"):
                    continue
                with open(path, "rb") as segment:
                    used = struct.unpack_from("<Q", segment.read(HEADER_USED + 8), HEADER_USED)[0]
            except FileNotFoundError:
                continue  # a process has come or gone
            if used % GRANULE or not used or used > 1 << 30:
                self.problems.append("a segment of %d bytes?" % used)
            total += used
        return total

    def check_report(self, text, which):
        try:
            processes = json.loads(text)["processes"]
        except ValueError as error:
            self.problems.append("%s: no JSON: %s" % (which, error))
            return
        if not processes:
            self.problems.append(which + ": no process in it")
        for process in processes:
            problem = self.contradiction(process)
            if problem:
                self.problems.append("%s: pid %d: %s" % (which, process["pid"], problem))

    def contradiction(self, process):
        totals, unseen, backtraces = process["totals"], process["unseen"], process["backtraces"]
        sums = {key: sum(backtrace[key] for backtrace in backtraces)
                for key in ("live_blocks", "live_bytes", "total_blocks", "total_bytes")}
        before = self.before.setdefault(process["pid"], dict.fromkeys(DUMP_TOTALS, 0))
        self.before[process["pid"]] = {key: totals[key] for key in DUMP_TOTALS}
        checks = {
            "live = allocated - freed": totals["live_blocks"] == totals["allocations"] - totals["frees"],
            "live blocks are the backtraces'": sums["live_blocks"] == totals["live_blocks"],
            "live bytes are the backtraces'": sums["live_bytes"] == totals["live_bytes"],
            "allocations are the backtraces'": sums["total_blocks"] == totals["allocations"],
            "allocated bytes are the backtraces'": sums["total_bytes"] == totals["allocated_bytes"],
            "nothing is lost": unseen["table_full"] == 0 and unseen["corrupt_records"] == 0,
            "live <= total": all(b["live_blocks"] <= b["total_blocks"] and b["live_bytes"] <= b["total_bytes"]
                                 for b in backtraces),
            "totals never shrink": all(totals[key] >= before[key] for key in DUMP_TOTALS),
        }
        broken = [name for name, holds in checks.items() if not holds]
        return ", ".join(broken) + ": " + json.dumps([totals, sums, before]) if broken else None

    def dump(self):
        self.asked += 1
        result = subprocess.run([HT, "dump", "--format=json", "--no-lines", str(self.pid)], env=self.environment,
                                stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
        if result.returncode:
            self.problems.append("dump %d: status %d: %s" % (self.asked, result.returncode, result.stderr[-300:]))
            return
        self.dumps += 1
        self.check_report(result.stdout, "dump %d" % self.asked)

    def measure(self):
        """Once a second, between two requests."""
        if time.monotonic() - self.last_dump < 1:
            return
        self.last_dump = time.monotonic()
        self.dump()
        self.collector_kb.append(status_kb(self.collector, "VmRSS"))
        self.program_kb.append(self.programs_kb())
        self.segment_bytes.append(self.segments())

    def under_load(self, load):
        """Call load() again and again, and dump meanwhile."""
        self.collector = self.find_collector()
        if not self.collector:
            ok(False, "the collector is found", self.said())
            self.stop(signal.SIGKILL)
            done()
        end = time.monotonic() + SECONDS
        while time.monotonic() < end and self.launcher.poll() is None:
            load()
            self.measure()
        ok(self.launcher.poll() is None, "still runs after %d seconds" % SECONDS, self.said())

    def stop(self, number):
        if self.launcher.poll() is None:
            os.kill(self.pid, number)
        try:
            return self.launcher.wait(60)
        except subprocess.TimeoutExpired:
            self.launcher.kill()
            return "killed after a minute"

    def grown(self, values):
        """How much more the last quarter uses than the second one: the first is for warming up."""
        quarter = len(values) // 4
        return max(values[-quarter:]) - max(values[quarter:2 * quarter]) if quarter else 0

    def finish(self, number, status=0):
        got = self.stop(number)
        ok(got == status, "ends with status %s" % status, got, self.said())
        for name in sorted(os.listdir(self.directory)):
            if name.startswith("report"):
                self.check_report(read(self.path(name), "rb"), name)
        ok(self.dumps >= max(SECONDS // 3, 4), "%d dumps" % self.dumps, "asked for %d" % self.asked)
        ok(not self.problems, "each dump and report adds up", *self.problems[:5])
        growth = self.grown(self.collector_kb)
        ok(growth <= COLLECTOR_SLACK_KB, "the collector does not grow: %d KB more" % growth, self.collector_kb)
        growth = self.grown(self.program_kb)
        ok(growth <= PROGRAM_SLACK_KB, "nor does the program: %d KB more" % growth, self.program_kb)
        growth = self.grown(self.segment_bytes)
        ok(growth <= SEGMENT_SLACK, "the segments do not grow: %d bytes more of %d" % (growth, self.segment_bytes[-1]
           if self.segment_bytes else 0), self.segment_bytes)
        ok(wait_until(lambda: not os.path.exists("/proc/%d" % self.collector)), "the collector is gone")
        ok(wait_until(lambda: not os.listdir(self.path("tmp"))), "and the run's directory")
