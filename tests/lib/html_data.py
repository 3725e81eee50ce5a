# SPDX-License-Identifier: MIT
"""What an HTML report holds: html_data.py PAGE.html says what the page is made of; with REPORT.json it is compared with that.

The page is read as a browser reads it: a script element ends at the first </script, whatever stands around it."""
import base64, hashlib, json, re, sys
from html.parser import HTMLParser


class Page(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=False)
        self.tags, self.addresses, self.parts, self.inside, self.policy = {}, [], {}, None, None

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags[tag] = self.tags.get(tag, 0) + 1
        self.addresses += [attrs[key] for key in ("src", "href", "action", "data", "srcset") if key in attrs]
        assert not any(key.startswith("on") or key == "style" for key in attrs), attrs
        if attrs.get("http-equiv", "").lower() == "content-security-policy":
            self.policy = attrs["content"]
        if tag in ("script", "style"):
            self.inside = attrs.get("id", tag)

    def handle_endtag(self, tag):
        if tag in ("script", "style"):
            self.inside = None

    def handle_data(self, data):
        if self.inside:
            self.parts[self.inside] = self.parts.get(self.inside, "") + data


def read(path):
    page = Page()
    page.feed(open(path, "rb").read().decode("utf-8"))  # strictly: it always is
    page.close()
    return page


def frame(document, line):
    lines, string = document["lines"], lambda number: None if number < 0 else document["strings"][number]
    offset = lines["offset"][line]
    inside = lines["module"][line] >= 0
    return {"function": string(lines["function"][line]), "file": string(lines["file"][line]), "line": lines["line"][line] or None,
            "module": string(lines["module"][line]), "inlined": bool(lines["kind"][line] & 1),
            "offset": (hex(offset) if isinstance(offset, int) else "0x" + offset) if inside else None}


def backtraces(document, process):
    up, line = process["nodes"]["up"], process["nodes"]["line"]
    columns = {key: column for key, column in process["backtraces"].items() if key != "node"}
    for i, node in enumerate(process["backtraces"]["node"]):
        frames, thread = [], None
        while line[node] >= 0:
            if document["lines"]["kind"][line[node]] & 4:
                thread = frame(document, line[node])["function"]
            else:
                frames.append(frame(document, line[node]))
            node -= up[node]
        yield {**{key: column[i] for key, column in columns.items()}, "frames": frames, "thread": thread}


def expected(process):
    for backtrace in process["backtraces"]:
        frames = [{key: value for key, value in frame.items() if key not in ("address", "build_id")} for frame in backtrace["frames"]]
        if backtrace["truncated"]:
            frames.append({"function": "[truncated]", "file": None, "line": None, "module": None, "inlined": False, "offset": None})
        thread = backtrace.get("thread")
        name = None if thread is None else f"thread {thread['name']} ({thread['tid']})" if thread["name"] else f"thread {thread['tid']}"
        churn = backtrace.get("churn") or dict.fromkeys(("temporary_blocks", "temporary_bytes", "reallocs", "moved_bytes"), 0)
        yield {**backtrace, **churn, "frames": frames, "thread": name}


def compare_slices(ours):
    """All changes together are what is live at the end."""
    live = [[0, 0] for _ in ours["backtraces"]["node"]]
    assert len(ours["slices"]["ns"]) == len(ours["slices"]["changes"])
    for changes in ours["slices"]["changes"]:
        row = 0
        for distance, size, blocks in zip(*[iter(changes)] * 3, strict=True):
            row += distance
            live[row][0] += size
            live[row][1] += blocks
    for row, key in enumerate(("live_bytes", "live_blocks")):
        assert [figures[row] for figures in live] == ours["backtraces"][key], "changes"


def compare(document, report):
    assert len(document["processes"]) == len(report["processes"]), "processes"
    count = 0
    for ours, theirs in zip(document["processes"], report["processes"]):
        for key in ("pid", "ppid", "command", "how_it_ended", "started_ns"):
            assert ours[key] == theirs[key], (key, ours[key], theirs[key])
        for key, value in theirs["totals"].items():
            assert ours["totals"].get(key, value) == value, (key, ours["totals"][key], value)
        assert {"live_bytes", "live_blocks", "peak_bytes", "allocations", "frees", "allocated_bytes", "peak_ns"} <= set(ours["totals"])
        assert ours["timeline"]["ns"] == [point["ns"] for point in theirs["timeline"]], "timeline"
        assert ours["timeline"]["live_bytes"] == [point["live_bytes"] for point in theirs["timeline"]], "timeline"
        pairs = list(zip(backtraces(document, ours), expected(theirs), strict=True))
        for mine, wanted in pairs:
            for key in mine:
                assert mine[key] == wanted[key], (key, mine[key], wanted[key])
        for key in ("live_bytes", "live_blocks"):
            assert sum(ours["backtraces"][key]) == ours["totals"][key], key
        assert sum(ours["backtraces"]["total_blocks"]) == ours["totals"]["allocations"]
        assert sum(ours["backtraces"]["total_bytes"]) == ours["totals"]["allocated_bytes"]
        if "slices" in ours:
            compare_slices(ours)
        count += len(pairs)
    return f"{len(report['processes'])} processes, {count} backtraces: as in the JSON report"


def compare_difference(document, report):
    """Each backtrace's figures in each of the files, in the order of the JSON report."""
    (process,), rows = document["processes"], len(report["backtraces"])
    assert len(process["backtraces"]["node"]) == rows and process["slices"]["names"] == [one["path"] for one in report["files"]]
    live = [[0, 0] for _ in range(rows)]
    for file, changes in enumerate(process["slices"]["changes"]):
        row = 0
        for distance, size, blocks in zip(*[iter(changes)] * 3, strict=True):
            row += distance
            live[row][0] += size
            live[row][1] += blocks
        assert live == [[one["bytes"][file], one["blocks"][file]] for one in report["backtraces"]], file
    assert [size for size, _ in live] == process["backtraces"]["live_bytes"]
    for mine, wanted in zip(backtraces(document, process), report["backtraces"], strict=True):
        assert mine["frames"] == next(expected({"backtraces": [wanted]}))["frames"]
    return f"{len(report['files'])} files, {rows} backtraces: as in the JSON report"


def digest(text):
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


page = read(sys.argv[1])
document = json.loads(page.parts["heaptrace-data"])
if len(sys.argv) > 2:
    report = json.load(open(sys.argv[2], encoding="utf-8"))
    print((compare_difference if "files" in report else compare)(document, report))
else:
    rules = dict(rule.strip().split(" ", 1) for rule in page.policy.split(";"))
    outside = [address for address in page.addresses if not re.match("data:|#", address)]
    print("scripts", page.tags["script"], "styles", page.tags["style"], "images", page.tags.get("img", 0))
    print("policy", rules["default-src"], rules["script-src"] == digest(page.parts["script"]), rules["style-src"] == digest(page.parts["style"]))
    print("outside", outside, re.findall(r"https?://(?!www\.w3\.org/2000/svg)[^\"' ]*", page.parts["script"] + page.parts["style"]))
    print("processes", len(document["processes"]), "backtraces", sum(len(p["backtraces"]["node"]) for p in document["processes"]))
