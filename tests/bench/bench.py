#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Speed and memory of heaptrace beside its peers.

    bench.py [--full] [--runs=N] [--only=SECTION[,SECTION]] BUILD

Everything that is compared runs in turns, so that a busy machine is unfair to all alike; figures are medians, with the
smallest and the largest in brackets; an added cost is the difference to the untraced run of the same turn. Times are CPU
times but where wall is written. What is not installed is skipped and said so. Writes BUILD/bench.md. Sections: drivers,
threads, peers, memory, programs, starts, sessions; whole only with --full.
"""

import argparse
import json
import os
import platform
import re
import shutil
import signal
import statistics
import subprocess
import sys
import time

HEAPTRACK = "/usr/lib/heaptrack/libheaptrack_preload.so"
MIB = 1024.0


class Bench:
    def __init__(self, build, full, runs):
        self.build = os.path.abspath(build)
        self.full = full
        self.runs = runs
        self.work = os.path.join(self.build, "bench", "work")
        self.lines = []
        self.notes = []
        shutil.rmtree(self.work, ignore_errors=True)
        os.makedirs(self.work)
        # Of each program the system's own, in a small environment. Nothing may stand between a tracer and its program:
        # heaptrack's library follows no exec.
        self.environment = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C", "HOME": self.work, "TMPDIR": self.work,
                            "PYTHONMALLOC": "malloc"}
        self.driver = os.path.join(self.build, "bench", "driver")
        self.heaptrace = os.path.join(self.build, "heaptrace")

    def path(self, name):
        return os.path.join(self.work, name)

    def say(self, *lines):
        for line in lines:
            print(line, flush=True)
            self.lines.append(line)

    def note(self, text):
        if text not in self.notes:
            self.notes.append(text)

    def run(self, command, tracer=None, timeout=120, keep=False):
        """Run under a tracer. A dictionary of what it cost and, with keep, what it printed; None if it failed."""
        tracer = tracer or UNTRACED
        figures = self.path("figures")
        inside = [*tracer.command(self), *command]
        if os.path.exists(figures):
            os.unlink(figures)
        with subprocess.Popen([os.path.join(self.build, "bench", "measure"), figures, *inside], env=self.environment,
                              cwd=self.work, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE if keep else subprocess.DEVNULL, start_new_session=True) as process:
            try:
                out, _ = process.communicate(timeout=timeout)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
                self.note(f"{tracer.name}: `{' '.join(command)[:60]}` took more than {timeout} s and was ended")
                return None
        tracer.clean(self)
        if process.returncode:
            self.note(f"{tracer.name}: `{' '.join(command)[:60]}` failed with status {process.returncode}")
            return None
        with open(figures, encoding="ascii") as file:
            result = {key: int(value) for key, value in (pair.split("=") for pair in file.read().split())}
        result["out"] = out
        return result

    def drive(self, arguments, tracer=None, timeout=120):
        """The driver's own figures."""
        result = self.run([self.driver, *arguments.split()], tracer, timeout, keep=True)
        lines = re.findall(r"^mode=.*", result["out"], re.M) if result else []
        if not lines:
            return None
        return [dict(pair.split("=") for pair in line.split()) for line in lines]


class Tracer:
    """A way to run a program."""

    def __init__(self, name, prefix=(), variables=None, preload=None, needs=None, files=()):
        self.name = name
        self.prefix = prefix
        self.variables = variables or {}
        self.library = preload
        self.needs = needs
        self.files = files

    def command(self, bench):
        """What to put before the program. A library is preloaded by env, so that nothing but the program has it."""
        fill = {"work": bench.work, "build": bench.build}
        words = [word.format(**fill) for word in self.prefix]
        if self.library:
            words += ["/usr/bin/env", "LD_PRELOAD=" + find_library(self.library.format(**fill))]
            words += [f"{key}={value.format(**fill)}" for key, value in self.variables.items()]
        return words

    def clean(self, bench):
        for name in os.listdir(bench.work):
            if name.startswith("trash"):
                os.unlink(bench.path(name))

    def missing(self):
        """What is not installed, or None."""
        if self.needs and not (shutil.which(self.needs) or find_library(self.needs)):
            return self.needs
        return None


def find_library(name):
    if os.path.exists(name):
        return name
    listing = subprocess.run(["/sbin/ldconfig", "-p"], stdout=subprocess.PIPE, text=True, check=False).stdout
    found = re.search(r"^\s*%s .*=> (\S+)" % re.escape(name), listing, re.M)
    return found.group(1) if found else None


UNTRACED = Tracer("untraced")
OURS = Tracer("heaptrace", ["{build}/heaptrace", "--outfile={work}/trash"])
OURS_EXACT = Tracer("heaptrace --exact", ["{build}/heaptrace", "--exact", "--outfile={work}/trash"])
OURS_ALONE = Tracer("libheaptrace.so", preload="{build}/libheaptrace.so",
                    variables={"HEAPTRACE_SAVE": "{work}/trash.%p.htrace"})
HT_LIBRARY = Tracer("heaptrack's library", preload=HEAPTRACK, needs=HEAPTRACK,
                    variables={"DUMP_HEAPTRACK_OUTPUT": "/dev/null"})
# Its interpreter was seen to take 15 GB after 100,000 pairs of the driver.
HT_WHOLE = Tracer("heaptrack", ["prlimit", "--as=4294967296", "heaptrack", "-o", "{work}/trash"], needs="heaptrack")
GPERFTOOLS = Tracer("gperftools HEAPPROFILE", preload="libtcmalloc.so.4", needs="libtcmalloc.so.4",
                    variables={"HEAPPROFILE": "{work}/trash.heap"})
JEMALLOC = Tracer("jemalloc prof, every allocation", preload="libjemalloc.so.2", needs="libjemalloc.so.2",
                  variables={"MALLOC_CONF": "prof:true,lg_prof_sample:0,prof_prefix:{work}/trash.jeprof"})
JEMALLOC_SAMPLED = Tracer("jemalloc prof, sampled", preload="libjemalloc.so.2", needs="libjemalloc.so.2",
                          variables={"MALLOC_CONF": "prof:true,prof_prefix:{work}/trash.jeprof"})
MASSIF = Tracer("valgrind massif", ["valgrind", "--tool=massif", "--massif-out-file={work}/trash"], needs="valgrind")
DHAT = Tracer("valgrind dhat", ["valgrind", "--tool=dhat", "--dhat-out-file={work}/trash"], needs="valgrind")


def median(values):
    return statistics.median(values) if values else None


def shown(values, form="{:.0f}", sign=""):
    """Median (smallest ... largest)."""
    if not values:
        return "–"
    plus = sign if median(values) >= 0 else ""
    if len(values) == 1:
        return f"{plus}{form.format(values[0])}"
    return f"{plus}{form.format(median(values))} ({form.format(min(values))}…{form.format(max(values))})"


def table(bench, head, rows):
    bench.say("", "| " + " | ".join(head) + " |", "|" + "---|" * len(head))
    for row in rows:
        bench.say("| " + " | ".join(row) + " |")


def installed(bench, tracers):
    there = []
    for tracer in tracers:
        missing = tracer.missing()
        if missing:
            bench.note(f"skipped: {tracer.name}: {missing} is not installed")
        else:
            there.append(tracer)
    return there


def verdict(value, must, aim):
    """What was promised, and whether it is kept."""
    if value is None:
        return ""
    return "aim" if value <= aim else "must" if value <= must else "**missed**"


# ---------------------------------------------------------------------------------------------------------- drivers

def added(bench, arguments, tracers, runs):
    """ns by pair: untraced, and what each tracer adds, as lists, by turns."""
    base, costs = [], {tracer: [] for tracer in tracers}
    for _ in range(runs):
        plain = bench.drive(arguments)
        if not plain:
            return base, costs
        base.append(float(plain[-1]["ns_per_pair"]))
        for tracer in tracers:
            traced = bench.drive(arguments, tracer)
            if traced:
                costs[tracer].append(float(traced[-1]["ns_per_pair"]) - base[-1])
    return base, costs


DRIVERS = [  # name, arguments, must and aim in ns, must and aim as share of heaptrack's
    ("depth-first, depth 5", "dfs -d 5", 70, 40, 1 / 4, 1 / 4),
    ("depth-first, depth 15", "dfs -d 15", 90, 45, 1 / 4, 1 / 8),
    ("depth-first, depth 40", "dfs -d 40", 130, 55, 1 / 4, 1 / 8),
    ("flat, depth 15", "flat -d 15", None, 200, 1, 1),
    ("16 pairs by path, depth 15", "leaf -d 15", None, None, None, None),
    ("churn, 1,000,000 live blocks", "churn -n 1e6", None, None, None, None),
    ("freed by another thread, 2 threads", "cross -t 2", None, None, None, None),
]


def section_drivers(bench):
    tracers = [OURS, *installed(bench, [HT_LIBRARY])]
    rows = []
    for name, arguments, must, aim, must_share, aim_share in DRIVERS:
        base, costs = added(bench, arguments + ("" if "-n" in arguments else " -n 1500000"), tracers, bench.runs)
        ours, theirs = costs[OURS], costs.get(HT_LIBRARY, [])
        share = median(ours) / median(theirs) if ours and theirs else None
        promised = [f"≤ {limit}" if limit else "" for limit in (must, aim)]
        if must_share:
            promised[0] += (", " if must else "") + (f"≤ 1/{1 / must_share:.0f}" if must_share < 1 else "≤ heaptrack's")
            promised[1] += f", ≤ 1/{1 / aim_share:.0f}" if aim_share < must_share else ""
        kept = ""
        if must_share:
            cost = verdict(median(ours), must or 1e9, aim)
            compared = verdict(share, must_share, aim_share)
            kept = f"{cost}; {compared}" if share is not None else cost
        rows.append([name, shown(base, "{:.1f}"), shown(ours, sign="+"), shown(theirs, sign="+"),
                     f"1/{1 / share:.1f}" if share else "–", *promised, kept])
    bench.say("", "## Drivers: CPU ns added to a malloc and free pair")
    table(bench, ["driver", "untraced", "heaptrace", "heaptrack's library", "ours/theirs", "must", "aim", "kept"], rows)


def section_threads(bench):
    tracers = [OURS, OURS_EXACT, *installed(bench, [HT_LIBRARY])]
    costs = {}
    bench.say("", "## Threads: CPU ns added to a pair, depth-first, depth 15",
              "", f"This machine has {os.cpu_count()} processors: with more threads than that they take turns.")
    rows = []
    for threads in (1, 2, 4):
        base, costs[threads] = added(bench, f"dfs -d 15 -n 1e6 -t {threads}", tracers, bench.runs)
        rows.append([str(threads), shown(base, "{:.1f}"), *[shown(costs[threads][tracer], sign="+") for tracer in tracers]])
    table(bench, ["threads", "untraced", *[tracer.name for tracer in tracers]], rows)
    if costs[1][OURS] and costs[4][OURS]:
        ratio = median(costs[4][OURS]) / median(costs[1][OURS])
        bench.say("", f"At 4 threads against 1: {ratio:.2f} (must ≤ 1.3, aim ≤ 1.1: {verdict(ratio, 1.3, 1.1)}).")


def section_peers(bench):
    """Slow ones: few pairs, three turns; valgrind once."""
    tracers = installed(bench, [GPERFTOOLS, JEMALLOC, JEMALLOC_SAMPLED])
    whole = installed(bench, [HT_WHOLE])
    slow = installed(bench, [MASSIF, DHAT])
    drivers = [("dfs 5", "dfs -d 5"), ("dfs 15", "dfs -d 15"), ("dfs 40", "dfs -d 40"), ("flat 15", "flat -d 15")]
    columns = {tracer: [] for tracer in [OURS, *tracers, *whole, *slow]}
    for _, arguments in drivers:
        for group, runs, size in (([OURS], 3, "-n 1e6"), (whole, 3, "-n 30000 -w 10000"), (tracers, 3, "-n 50000 -w 10000"),
                                   (slow, 1, "-n 30000 -w 10000")):
            _, costs = added(bench, f"{arguments} {size}", group, runs)
            for tracer in group:
                columns[tracer].append(costs[tracer])
    bench.say("", "## Slower peers: CPU ns added to a pair (three turns, valgrind one)", "",
              "gperftools and jemalloc are compared with glibc's allocator, untraced; heaptrack's second process, which does"
              " half of its work, is not in its figure.")
    table(bench, ["", *[name for name, _ in drivers]],
          [[tracer.name, *[shown(values, "{:,.0f}", "+") for values in columns[tracer]]] for tracer in columns])


# ----------------------------------------------------------------------------------------------------------- memory

def section_memory(bench):
    tracers = [OURS, *installed(bench, [HT_LIBRARY])]
    rows = []
    plain = [bench.drive("churn -n 1e6 -w 1000") for _ in range(3)]
    heap = median([int(run[-1]["rss_kib"]) for run in plain if run])
    for tracer in tracers:
        runs = [bench.drive("churn -n 1e6 -w 1000", tracer) for _ in range(3)]
        more = [int(run[-1]["rss_kib"]) - heap for run in runs if run]
        share = (median(more) / heap, (median(more) - 4 * MIB) / heap, (median(more) - 2 * MIB) / heap) if more else None
        kept = "" if tracer is not OURS or not more else "aim" if share[2] <= 0.125 else "must" if share[1] <= 0.25 else "**missed**"
        rows.append(["churn of 1,000,000 live blocks", tracer.name, f"{heap / MIB:.0f}", shown([m / MIB for m in more], "{:.1f}", "+"),
                     f"{100 * share[0]:.1f} %" if share else "–", "≤ 25 % + 4 MiB", "≤ 12.5 % + 2 MiB", kept])
    many = "many -t 200 -p 10000"
    base = median([int(run[-1]["rss_kib"]) for run in [bench.drive(many) for _ in range(3)] if run])
    for tracer in tracers:
        runs = [bench.drive(many, tracer) for _ in range(bench.runs)]
        more = [(int(run[-1]["rss_kib"]) - base) / MIB for run in runs if run]
        rows.append(["200 threads × 10,000 backtraces", tracer.name, f"{base / MIB:.0f}", shown(more, "{:.1f}", "+"), "",
                     "≤ 128 MiB", "≤ 64 MiB", verdict(median(more), 128, 64) if tracer is OURS else ""])
    bench.say("", "## Memory: resident MiB of the program, and what is added")
    table(bench, ["", "", "untraced", "added", "of the heap", "must", "aim", "kept"], rows)
    lost = [process["unseen"]["table_full"] for _ in range(bench.runs) for process in reported(bench, [bench.driver, *many.split()])]
    bench.say("", f"Events of the 200 threads that were not counted, in {len(lost)} runs: {', '.join(f'{n:,}' for n in lost)}"
              " (must: none).")

    pairs = 5e8 if bench.full else 3e7
    series = bench.drive(f"long -l 10000 -n {pairs:.0f} -w 1000000", OURS, 1800)
    if series:
        grown = int(series[-2]["rss_kib"]) - int(series[0]["rss_kib"])
        bench.say("", f"{2 * pairs:,.0f} events with 10,000 live blocks: resident memory {int(series[0]['rss_kib']) / MIB:.1f} MiB"
                  f" after the first tenth, {grown:+d} KiB at the end (must: flat).")


# --------------------------------------------------------------------------------------------------- real programs

def inputs(bench):
    """Work for real programs, the same each time."""
    with open(bench.path("in.sql"), "w", encoding="ascii") as file:
        file.write("create table t(a integer primary key, b text, c real);\nbegin;\n")
        for i in range(20000):
            file.write(f"insert into t values({i}, 'name {i * 7919 % 10007}', {i * 0.5});\n")
        file.write("commit;\ncreate index i on t(b);\n")
        for i in range(4000):
            file.write(f"select a, upper(b), c * 2 from t where b = 'name {i % 10007}' or a between {i} and {i + 3} order by c;\n")
        for i in range(45):
            file.write(f"select a % {i + 7} g, sum(c), max(b), count(*) from t where c > {i} group by g order by 2 desc limit 5;\n")
        file.write("select count(*) from t x join t y on x.a = y.a + 1 where x.b < y.b;\n")
    with open(bench.path("in.json"), "w", encoding="ascii") as file:
        json.dump([{"id": i, "name": f"name {i * 7919 % 10007}", "tags": [f"t{i % 17}", f"u{i % 29}"], "value": i / 3}
                   for i in range(50000)], file)
    with open(bench.path("in.xml"), "w", encoding="ascii") as file:
        file.write("<list>\n")
        for i in range(90000):
            file.write(f'<item id="{i}" kind="k{i % 13}"><name>name {i}</name><value unit="s">{i * 3}</value></item>\n')
        file.write("</list>\n")
    with open(bench.path("in.pl"), "w", encoding="ascii") as file:
        file.write("""my %h; my @l;
for my $i (1 .. 120000) { my $k = "key " . ($i * 7919 % 30011); push @{$h{$k}}, [$i, "value $i"]; }
for my $k (sort keys %h) { push @l, join ",", map { uc $_->[1] } @{$h{$k}}; }
my %c; for my $s (@l) { $c{$_}++ for split /[, ]/, $s; }
my $n = 0; for my $i (1 .. 2000000) { $n = ($n * 31 + $i) % 65521; }
for my $s (@l) { $n++ while $s =~ /E\s*(\d)\d*\1/g; }
print scalar(keys %c), "\\n";
""")
    with open(bench.path("in.py"), "w", encoding="ascii") as file:
        file.write("""import json, re
data = [{"id": i, "name": "name %d" % (i * 7919 % 10007), "tags": ["t%d" % (i % 17)] * 3} for i in range(60000)]
text = json.dumps(data)
back = json.loads(text)
words = {}
for word in re.findall(r"[a-z]+ [0-9]+", text):
    words.setdefault(word, []).append(len(words))
print(len(back), len(words), sorted(words)[0])
""")
    with open(bench.path("in.cc"), "w", encoding="ascii") as file:
        headers = ["algorithm", "map", "memory", "sstream", "string", "unordered_map", "vector"]
        if bench.full:
            headers += ["chrono", "fstream", "functional", "future", "iostream", "random", "regex", "thread"]
        file.write("".join(f"#include <{header}>\n" for header in headers))
        file.write("""template <int N> struct work {
	std::map<int, std::string> m;
	std::unordered_map<std::string, std::vector<int>> u;
	int run(int x)
	{
		std::ostringstream s;
		m[x + N] = std::to_string(x);
		for (auto &kv : m) { u[kv.second].push_back(kv.first * N); s << kv.second; }
		std::sort(u[""].begin(), u[""].end(), [](int a, int b) { return a % (N + 2) < b % (N + 2); });
		return (int)s.str().size() + work<N - 1>().run(x);
	}
};
template <> struct work<0> { int run(int x) { return x; } };
int main(int argc, char **) { return work<6>().run(argc); }
""")


def compiler():
    path = shutil.which("g++") and subprocess.run(["g++", "-print-prog-name=cc1plus"], stdout=subprocess.PIPE, text=True,
                                                  check=False).stdout.strip()
    return path if path and os.path.isabs(path) else None


def programs(bench):
    """name, command, must, aim"""
    cc1plus = compiler()
    if cc1plus:
        subprocess.run(["g++", "-std=gnu++17", "-E", "-o", bench.path("in.ii"), bench.path("in.cc")], check=True)
    found = [
        ("sqlite3", ["/usr/bin/sqlite3", ":memory:", ".read in.sql"], 1.3, 1.15),
        ("jq", ["/usr/bin/jq", "-c", "map(select(.id % 3 == 0) | .value += 1) | group_by(.tags[0]) | map({(.[0].name): length})",
                "in.json"], 1.3, 1.15),
        ("perl", ["/usr/bin/perl", "in.pl"], 1.3, 1.15),
        ("cc1plus", [cc1plus, "-quiet", "-O1", "-std=gnu++17", "-fpreprocessed", "in.ii", "-o", "/dev/null"], 1.3, 1.15),
        ("xmllint", ["/usr/bin/xmllint", "--noout", "in.xml"], 1.8, 1.4),
        ("python3, PYTHONMALLOC=malloc", ["/usr/bin/python3", "-s", "in.py"], 1.8, 1.4),
    ]
    there = []
    for name, command, must, aim in found:
        if command[0] and os.path.exists(command[0]):
            there.append((name, command, must, aim))
        else:
            bench.note(f"skipped: {name} is not installed")
    return there


def reported(bench, command):
    """What our reports say about a command's processes."""
    tracer = Tracer("heaptrace --format=json", ["{build}/heaptrace", "--format=json", "--no-lines", "--outfile={work}/json"])
    bench.run(command, tracer)
    found = []
    for name in os.listdir(bench.work):
        if name.startswith("json"):
            with open(bench.path(name), encoding="utf-8") as file:
                found += json.load(file)["processes"]
            os.unlink(bench.path(name))
    return found


def section_programs(bench):
    inputs(bench)
    alone = [OURS, OURS_ALONE, *installed(bench, [HT_LIBRARY])]
    whole = installed(bench, [HT_WHOLE])
    rows, memory = [], []
    for name, command, must, aim in programs(bench):
        cpu, rss, base, base_rss = {}, {}, [], []
        for turn in range(bench.runs):
            plain = bench.run(command)
            if not plain:
                break
            base.append(plain["cpu_ns"] / 1e9)
            base_rss.append(plain["rss_kib"])
            for tracer in [*alone, *whole]:
                if tracer is HT_WHOLE and (name == "cc1plus" or turn > 0):
                    continue
                result = bench.run(command, tracer)
                if result:
                    cpu.setdefault(tracer, []).append(result["cpu_ns"] / plain["cpu_ns"])
                    rss.setdefault(tracer, []).append((result["rss_kib"] - plain["rss_kib"]) / MIB)
                    if tracer is OURS:
                        cpu.setdefault("report", []).append(result["all_cpu_ns"] / plain["cpu_ns"])
        ours = cpu.get(OURS)
        processes = reported(bench, command)
        heap = max((process["totals"]["peak_bytes"] / 1024 for process in processes), default=None)
        events = sum(process["totals"]["allocations"] for process in processes) / 1e6
        rows.append([name, shown(base, "{:.2f}"), f"{events / median(base):.1f}" if base else "–", shown(ours, "{:.2f}"), shown(cpu.get("report"), "{:.2f}"),
                     *[shown(cpu.get(tracer), "{:.2f}") for tracer in [*alone[1:], *whole]], f"≤ {must}", f"≤ {aim}",
                     verdict(median(ours), must, aim)])
        more = median(rss.get(OURS))
        kept = ""
        if heap and more is not None:
            kept = "aim" if more * MIB <= heap / 8 + 2 * MIB else "must" if more * MIB <= heap / 4 + 4 * MIB else "**missed**"
        memory.append([name, f"{median(base_rss) / MIB:.1f}" if base_rss else "–", f"{heap / MIB:.1f}" if heap else "–",
                       *[shown(rss.get(tracer), "{:.1f}", "+") for tracer in [*alone, *whole]],
                       f"≤ {heap / MIB / 4 + 4:.1f}" if heap else "", f"≤ {heap / MIB / 8 + 2:.1f}" if heap else "", kept])
    names = [tracer.name for tracer in alone[1:]] + [f"{tracer.name} (one turn)" for tracer in whole]
    bench.say("", "## Real programs: CPU time, as a multiple of the untraced run", "",
              "*heaptrace* is the program and the launcher; *with the report* has the process beside it that reads the"
              " counters, finds names and writes the report. heaptrack's library writes to /dev/null.")
    table(bench, ["", "untraced s", "million allocations/s", "heaptrace", "with the report", *names, "must", "aim", "kept"], rows)
    bench.say("", "## Real programs: resident memory of the largest process, MiB", "",
              "The heap is what the program has asked for at its peak.")
    table(bench, ["", "untraced", "heap", "heaptrace", *names, "must", "aim", "kept"], memory)


# ----------------------------------------------------------------------------------------------------------- starts

def section_starts(bench):
    plain, traced, loop, loop_traced = [], [], [], []
    command = ["/bin/sh", "-c", "i=0; while [ $i -lt 1000 ]; do /bin/true; i=$((i + 1)); done"]
    for _ in range(25):
        for results, tracer in ((plain, UNTRACED), (traced, OURS)):
            result = bench.run(["/bin/true"], tracer)
            if result:
                results.append(result["wall_ns"] / 1e6)
    for _ in range(bench.runs):
        for results, tracer in ((loop, UNTRACED), (loop_traced, OURS)):
            result = bench.run(command, tracer)
            if result:
                results.append(result["wall_ns"] / 1e6)
    more = [b - a for a, b in zip(plain, traced)]
    ratio = [b / a for a, b in zip(loop, loop_traced)]
    bench.say("", "## Starts: wall milliseconds")
    table(bench, ["", "untraced", "heaptrace", "cost", "must", "aim", "kept"], [
        ["`true` (25 turns)", shown(plain, "{:.1f}"), shown(traced, "{:.1f}"), shown(more, "{:.1f}", "+"), "≤ +30", "≤ +8",
         verdict(median(more), 30, 8)],
        ["a shell's loop of 1,000 commands", shown(loop, "{:.0f}"), shown(loop_traced, "{:.0f}"), shown(ratio, "× {:.2f}"),
         "≤ × 3", "≤ × 1.5", verdict(median(ratio), 3, 1.5)]])


# --------------------------------------------------------------------------------------------------------- sessions

def section_sessions(bench):
    """What heap_trace costs while it runs; nothing else does."""
    figures = {}
    for _ in range(bench.runs):
        result = bench.run([os.path.join(bench.build, "bench", "sessions")], OURS, 600, keep=True)
        for line in re.findall(r"^mode=.*", result["out"], re.M) if result else []:
            row = dict(pair.split("=") for pair in line.split())
            for key in set(row) & {"ns_per_pair", "ms", "longest_ms", "longest_before_ms"}:
                figures.setdefault((row["mode"], row.get("threads", ""), key), []).append(float(row[key]))
    bench.say("", "## heap_trace: wall ns for a malloc and free pair, 8 frames deep, under heaptrace")
    table(bench, ["", "threads", "ns"], [[mode, threads, shown(values)] for (mode, threads, key), values in figures.items()
                                         if key == "ns_per_pair"])
    dump = {key: values for (mode, _, key), values in figures.items() if mode == "dump"}
    if dump:
        bench.say("", "## heap_trace_dump() of 100,000 records: wall ms")
        table(bench, ["the dump", "longest wait of another thread's malloc", "the same before", "must", "kept"], [[
            shown(dump["ms"]), shown(dump["longest_ms"], "{:.1f}"), shown(dump["longest_before_ms"], "{:.1f}"), "≤ 50",
            verdict(median(dump["longest_ms"]), 50, 50)]])


def section_whole(bench):
    """Recording and report together, cc1plus."""
    inputs(bench)
    found = [program for program in programs(bench) if program[0] == "cc1plus"]
    if not found or not installed(bench, [HT_WHOLE]):
        return
    command = found[0][1]
    ours, theirs = [], []
    print_tracer = Tracer("heaptrack_print")
    for _ in range(3):
        result = bench.run(command, OURS, 600)
        if result:
            ours.append(result["wall_ns"] / 1e9)
        recording = Tracer("heaptrack", [*HT_WHOLE.prefix[:3], "-o", "{work}/keep"])
        result = bench.run(command, recording, 1200)
        data = [name for name in os.listdir(bench.work) if name.startswith("keep")]
        if result and data:
            printed = bench.run(["/bin/sh", "-c", 'exec heaptrack_print -f "$0" >trash.print', data[0]], print_tracer, 1200)
            if printed:
                theirs.append((result["wall_ns"] + printed["wall_ns"]) / 1e9)
        for name in data:
            os.unlink(bench.path(name))
    share = median(ours) / median(theirs) if ours and theirs else None
    bench.say("", "## Recording and report of cc1plus: wall seconds")
    table(bench, ["heaptrace", "heaptrack and heaptrack_print", "ours/theirs", "must", "aim", "kept"],
          [[shown(ours, "{:.1f}"), shown(theirs, "{:.1f}"), f"1/{1 / share:.1f}" if share else "–", "≤ 1/3", "≤ 1/8",
            verdict(share, 1 / 3, 1 / 8)]])


def head(bench):
    def first_line(*command):
        try:
            lines = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False).stdout
            return lines.strip().split("\n")[0]
        except OSError:
            return "not installed"

    def package(name):
        version = subprocess.run(["dpkg-query", "-W", "-f=${Version}", name], stdout=subprocess.PIPE,
                                 stderr=subprocess.DEVNULL, text=True, check=False).stdout if shutil.which("dpkg-query") else ""
        return f"{name} {version or '–'}"

    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = re.search(r"model name\s*: (.*)", file.read())
    bench.say("# heaptrace bench", "",
              f"- {first_line(bench.heaptrace, '--version')}, {'full' if bench.full else 'short'}, medians of {bench.runs}"
              " (smallest…largest) where no other number is given",
              f"- {os.cpu_count()} × {model.group(1) if model else platform.machine()}, Linux {platform.release()},"
              f" {' '.join(platform.libc_ver())}, load {os.getloadavg()[0]:.1f} at the start",
              "- " + ", ".join(package(name) for name in (
                  "heaptrack", "valgrind", "libgoogle-perftools4", "libjemalloc2", "sqlite3", "jq", "perl", "g++-12",
                  "libxml2-utils", "python3")))


def main():
    sections = {name[8:]: function for name, function in globals().items() if name.startswith("section_")}
    parser = argparse.ArgumentParser()
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", default="")
    parser.add_argument("build")
    options = parser.parse_args()
    chosen = options.only.split(",") if options.only else [name for name in sections if name != "whole" or options.full]
    unknown = [name for name in chosen if name not in sections]
    if unknown:
        parser.error(f"no section {unknown[0]}; there are {', '.join(sections)}")
    bench = Bench(options.build, options.full, options.runs)
    start = time.monotonic()
    head(bench)
    for name in chosen:
        before = time.monotonic()
        sections[name](bench)
        print(f"bench: {name}: {time.monotonic() - before:.0f} s", file=sys.stderr, flush=True)
    bench.say("", *[f"- {note}" for note in bench.notes], f"- took {time.monotonic() - start:.0f} s")
    with open(os.path.join(bench.build, "bench.md"), "w", encoding="utf-8") as file:
        file.write("\n".join(bench.lines) + "\n")
    shutil.rmtree(bench.work, ignore_errors=True)


if __name__ == "__main__":
    main()
