#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""An independent reader of pprof's profile.proto: pprof.py FILE prints it as JSON; exits with 1 if pprof would refuse it.

The rules are those of CheckValid in pprof's profile/profile.go, and what its documentation of the format demands.
"""

import gzip
import json
import sys

REPEATED = {1, 2, 3, 4, 5, 6, 13}


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
        if shift > 63:
            raise ValueError("a varint of more than ten bytes")


def fields(data):
    """All (field, value) of a message; a value is a number or bytes."""
    at, found = 0, []
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 0:
            value, at = varint(data, at)
        elif key & 7 == 2:
            size, at = varint(data, at)
            value = data[at:at + size]
            if len(value) != size:
                raise ValueError("a field reaches beyond its message")
            at += size
        else:
            raise ValueError(f"wire type {key & 7}")
        found.append((key >> 3, value))
    return found


def one(data, names):
    """A message as a dictionary; names[field] is its name, a trailing * marks a repeated one."""
    result = {}
    for name in names.values():
        result[name.rstrip("*")] = [] if name.endswith("*") else 0
    for field, value in fields(data):
        name = names[field]
        if name.endswith("*"):
            result[name[:-1]].append(value)
        else:
            result[name] = value
    return result


def packed(values):
    numbers = []
    for value in values:
        if isinstance(value, int):
            numbers.append(value)
            continue
        at = 0
        while at < len(value):
            number, at = varint(value, at)
            numbers.append(number)
    return numbers


PROFILE = {1: "types*", 2: "samples*", 3: "mappings*", 4: "locations*", 5: "functions*", 6: "strings*", 7: "drop_frames",
           8: "keep_frames", 9: "time", 10: "duration", 11: "period_type", 12: "period", 13: "comments*", 14: "default"}


def check(condition, text):
    if not condition:
        raise ValueError(text)


def by_id(messages, what):
    result = {}
    for message in messages:
        check(message["id"] != 0, f"{what} with id 0")
        check(message["id"] not in result, f"two {what}s with id {message['id']}")
        result[message["id"]] = message
    return result


def read(path):
    with open(path, "rb") as file:
        raw = file.read()
    check(raw[:2] == b"\x1f\x8b", "not gzipped")
    profile = one(gzip.decompress(raw), PROFILE)
    strings = [string.decode("utf-8") for string in profile["strings"]]
    check(strings and strings[0] == "", "string 0 is not empty")
    types = [one(m, {1: "type", 2: "unit"}) for m in profile["types"]]
    mappings = by_id([one(m, {1: "id", 2: "start", 3: "limit", 4: "offset", 5: "file", 6: "build_id", 7: "functions",
                              8: "filenames", 9: "lines", 10: "inlines"}) for m in profile["mappings"]], "mapping")
    functions = by_id([one(m, {1: "id", 2: "name", 3: "system", 4: "file", 5: "start_line"})
                       for m in profile["functions"]], "function")
    locations = by_id([one(m, {1: "id", 2: "mapping", 3: "address", 4: "lines*", 5: "folded"})
                       for m in profile["locations"]], "location")
    for mapping in mappings.values():
        mapping["file"], mapping["build_id"] = strings[mapping["file"]], strings[mapping["build_id"]]
        check(mapping["start"] < mapping["limit"], "an empty mapping")
    for function in functions.values():
        function["name"], function["file"] = strings[function["name"]], strings[function["file"]]
        check(function["name"], "a function without a name")
    for location in locations.values():
        mapping = mappings.get(location["mapping"])
        check(mapping or not location["mapping"], "a location with a mapping that does not exist")
        check(not mapping or mapping["start"] <= location["address"] < mapping["limit"], "an address outside its mapping")
        location["module"] = mapping["file"] if mapping else None
        location["build_id"] = mapping["build_id"] if mapping else None
        lines = []
        for line in (one(m, {1: "function", 2: "line", 3: "column"}) for m in location["lines"]):
            check(line["function"] in functions, "a line with a function that does not exist")
            function = functions[line["function"]]
            lines.append({"function": function["name"], "file": function["file"], "line": line["line"]})
        location["lines"] = lines
    samples = []
    for sample in (one(m, {1: "locations*", 2: "values*", 3: "labels*"}) for m in profile["samples"]):
        values, ids = packed(sample["values"]), packed(sample["locations"])
        check(len(values) == len(types), "a sample with another number of values than types")
        check(ids and all(i in locations for i in ids), "a sample with a location that does not exist")
        labels = {}
        for label in (one(m, {1: "key", 2: "string", 3: "number", 4: "unit"}) for m in sample["labels"]):
            check(strings[label["key"]] not in labels, "a label twice")
            labels[strings[label["key"]]] = strings[label["string"]] if label["string"] else label["number"]
        samples.append({"values": values, "stack": [locations[i] for i in ids], "labels": labels})
    return {
        "types": [f"{strings[t['type']]}/{strings[t['unit']]}" for t in types],
        "default": strings[profile["default"]],
        "drop_frames": strings[profile["drop_frames"]],
        "period": profile["period"],
        "time": profile["time"],
        "duration": profile["duration"],
        "mappings": list(mappings.values()),
        "samples": samples,
        "strings": len(strings) - len(set(strings)),
    }


try:
    json.dump(read(sys.argv[1]), sys.stdout)
except (ValueError, IndexError, KeyError, EOFError, OSError) as error:
    sys.exit(f"pprof.py: {type(error).__name__}: {error}")
