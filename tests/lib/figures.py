#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What other formats have to say, worked out from the JSON report alone:

figures.py stacks FIELD REPORT          root;...;leaf N, the program's name as root
figures.py functions FIELD REPORT       FLAT CUMULATIVE NAME of each function; recursion counts once
figures.py sum FIELD REPORT             one number

FIELD is live_bytes, total_blocks and so on. Frames of allocators are left out, and backtraces of which nothing is left.
"""

import json
import os
import sys
from collections import Counter


def name(frame):
    if frame["function"]:
        return frame["function"]
    return f"{os.path.basename(frame['module'])} (+{frame['offset']})" if frame["module"] else "[anon]"


def samples(report, field):
    """(program, names from the leaf, value) of each backtrace."""
    for process in report["processes"]:
        for backtrace in process["backtraces"]:
            names = [name(frame) for frame in backtrace["frames"][backtrace["allocator_frames"]:]]
            if backtrace["truncated"]:
                names.append("[truncated]")
            if backtrace[field]:
                yield os.path.basename(process["command"][0]), names, backtrace[field]


def stacks(report, field):
    sums = Counter()
    for program, names, value in samples(report, field):
        sums[";".join([program] + [n.replace(";", ":") for n in reversed(names)])] += value
    return [f"{stack} {value}" for stack, value in sums.items()]


def functions(report, field):
    flat, cumulative = Counter(), Counter()
    for _, names, value in samples(report, field):
        flat[names[0]] += value
        for function in set(names):
            cumulative[function] += value
    return [f"{flat[function]} {value} {function}" for function, value in cumulative.items()]


mode, field, path = sys.argv[1:]
with open(path, encoding="utf-8") as file:
    document = json.load(file)
if mode == "sum":
    print(sum(value for _, _, value in samples(document, field)))
else:
    print("\n".join(sorted({"stacks": stacks, "functions": functions}[mode](document, field))))
