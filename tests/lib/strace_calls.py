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


def main():
    tasks = {}
    # A child may say something before strace has seen its parent come back: who belongs to us is known at the end only.
    lines, ours = list(read(sys.argv[1])), set()
    start = next(i for i, (_, text) in enumerate(lines) if text.startswith("getsid("))
    ours.add(lines[start][0])
    for task, text in lines[start + 1:]:
        match = NEW_TASK.search(text)
        if match and task in ours:
            ours.add(match.group(1))
    for task, text in lines[start + 1:]:
        name = re.match(r"(\w+)\(", text)
        if task in ours and name:
            calls = tasks.setdefault(task, [0, []])
            if name.group(1) in MEMORY:
                calls[0] += 1
            elif name.group(1) not in CHANCE:
                calls[1].append(name.group(1))
    for task in sorted(tasks, key=int):
        print("%d\t%s" % (tasks[task][0], " ".join(tasks[task][1])))


main()
