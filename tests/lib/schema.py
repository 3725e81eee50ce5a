#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""JSON Schema, draft 2020-12:

schema.py check SCHEMA KIND FILE...     each FILE is a document of this KIND (report, difference, slices, trace, dump); wants
                                        python3-jsonschema
schema.py fields SCHEMA KIND            all fields of such a document, as .processes[].pid
"""

import json
import sys


def check(schema, kind, files):
    import jsonschema

    jsonschema.Draft202012Validator.check_schema(schema)
    whole = jsonschema.Draft202012Validator(schema)
    one = jsonschema.Draft202012Validator({"$ref": f"#/$defs/{kind}", "$defs": schema["$defs"]})
    bad = 0
    for path in files:
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
        errors = [f"{error.json_path}: {error.message[:200]}" for error in one.iter_errors(document)]
        if not errors and not whole.is_valid(document):
            errors = ["of two kinds at once"]
        for error in errors[:5]:
            print(f"{path}: {error}")
        bad += bool(errors)
    return 1 if bad else 0


def fields(schema, kind):
    found = set()

    def walk(node, path):
        if "$ref" in node:
            walk(schema["$defs"][node["$ref"].rsplit("/", 1)[1]], path)
        for name, child in node.get("properties", {}).items():
            found.add(f"{path}.{name}")
            walk(child, f"{path}.{name}")
        if "items" in node:
            walk(node["items"], path + "[]")

    walk(schema["$defs"][kind], "")
    print("\n".join(sorted(found)))
    return 0


with open(sys.argv[2], encoding="utf-8") as schema_file:
    loaded = json.load(schema_file)
sys.exit(check(loaded, sys.argv[3], sys.argv[4:]) if sys.argv[1] == "check" else fields(loaded, sys.argv[3]))
