# SPDX-License-Identifier: MIT
"""What a program did, from the output of strace -f: strace_calls.py FILE

One line for each of its tasks, in the order of their starts: how often memory was mapped, and behind a tab the names of
all other system calls. Of the task that called getsid() those behind that call; of the tasks that came from it then, all.
"""

import re
import sys

MEMORY = {"mmap", "munmap", "mremap", "mprotect", "madvise", "brk"}
# Whether somebody has to wait for a lock, or for a thread that is about to end, is not ours to say.
CHANCE = {"futex", "exit", "restart_syscall", "sched_yield"}
NEW_TASK = re.compile(r"(?:clone3?|v?fork)(?:\(.*| resumed>.*)\) *= (\d+)$")


def read(path):
    """(task, text) of all lines; without pids there is one task only."""
    with open(path, errors="replace") as file:
        for line in file:
            match = re.match(r"(?:\[pid +)?(\d+)\]? +(.*)", line)
            yield (match.group(1), match.group(2)) if match else ("0", line.rstrip("\n"))


def family(first, lines):
    """The tasks that came from the first one, itself included."""
    # A child may say something, and have children, before strace has seen its parent come back.
    parents = [(task, match.group(1)) for task, text in lines if (match := NEW_TASK.search(text))]
    ours, known = {first}, 0
    while len(ours) > known:
        known = len(ours)
        ours.update(child for parent, child in parents if parent in ours)
    return ours


def main():
    lines = list(read(sys.argv[1]))
    start = next(i for i, (_, text) in enumerate(lines) if text.startswith("getsid("))
    ours = family(lines[start][0], lines[start + 1:])
    # In the order in which they are heard of first: numbers of processes begin anew when they have run out.
    tasks = {lines[start][0]: [0, []]}
    for task, text in lines[start + 1:]:
        name = re.match(r"(\w+)\(", text)
        if task in ours and name:
            calls = tasks.setdefault(task, [0, []])
            if name.group(1) in MEMORY:
                calls[0] += 1
            elif name.group(1) not in CHANCE:
                calls[1].append(name.group(1))
    for memory, calls in tasks.values():
        print("%d\t%s" % (memory, " ".join(calls)))


main()
