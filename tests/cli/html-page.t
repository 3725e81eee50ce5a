#!/bin/sh
# SPDX-License-Identifier: MIT
# The page of the HTML report in a browser: what it shows after clicks and keys is what the JSON report has; it fetches
# nothing, and nothing that a program is called runs in it.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || skip_all "chromium is missing"
command -v node >/dev/null || skip_all "node is missing"
HOME=$T
TIMEOUT=400 # a browser on a busy machine
export HOME

# drive PAGE NAME <SCRIPT: what the script said is in $out
drive()
{
	cat >script.js
	run node "$SOURCE/tests/lib/browser.js" "$browser" "$T/profile" "$1" script.js
	is "$status" 0 "$2: driven" || diag "$err"
	is "$(said requests)" 0 "$2: nothing was fetched"
	is "$(said errors)" 0 "$2: no errors, no breach of the policy"
}

# said KEY: the rest of the line that begins so
said() { printf '%s\n' "$out" | sed -n "s/^$1 //p"; }

# report FILE.htrace: page and JSON of a snapshot
report() { "$HT" report --format=html --outfile=run.html "$1" && "$HT" report --format=json --outfile=run.json "$1"; }

printf 'int main(void) { return 0; }\n' >empty.c
${CC:-gcc} -o empty empty.c || bail "compiled"
"$HT" --format=html --outfile=empty.html ./empty 2>/dev/null
printf 'say("title", await page.text("h1"))\n' >probe.js
node "$SOURCE/tests/lib/browser.js" "$browser" "$T/profile" empty.html probe.js >probe.out 2>&1 || {
	diag "$(tail -n 5 probe.out)"
	skip_all "$browser does not run here"
}

cat >work.c <<'C'
#include <stdlib.h>
static void keep(int n, size_t size) { while (n--) if (!malloc(size)) abort(); }
static void drop(int n, size_t size) { while (n--) free(malloc(size)); }
void few_large(void) { keep(3, 4000); }
void many_small(void) { keep(100, 10); }
void only_past(void) { drop(50, 2000); }
void again(int n) { if (n) again(n - 1); else keep(1, 500); }
int main(void) { void *p = malloc(100000); free(p); few_large(); many_small(); only_past(); again(5); return 0; }
C
${CC:-gcc} -g -O0 -fno-builtin -o work work.c || bail "compiled"
ht --outfile=/dev/null --save=work.htrace ./work
report work.htrace
live=$(json '.processes[0].totals.live_bytes' run.json)
total=$(json '.processes[0].totals.allocated_bytes' run.json)
peak=$(json '.processes[0].totals.peak_bytes' run.json)
blocks=$(json '.processes[0].totals.allocations' run.json)
is "$live $total $peak" "13500 213500 100000" "what the program does"

# The flame graph: its root and a function by every metric, zoom, crumbs, keys, search; by real clicks and keys.
drive run.html "flame graph" <<'JS'
const box = name => `js:[...document.querySelectorAll(".f[data-node]")].find(e => e.textContent === ${JSON.stringify(name)})`;
const label = name => page.get(`${box(name).slice(3)}?.getAttribute("aria-label")`);
say("title", await page.text("h1"));
say("pictured", await page.get('[...document.querySelectorAll("#metrics [aria-pressed=true]")].map(e => e.textContent).join()'));
for (const metric of ["live", "at-peak", "total"]) {
	await page.click(`[data-metric="${metric}"]`);
	say(`root-${metric}`, await page.text("#flame-details"));
	say(`large-${metric}`, await label("few_large"));
	say(`past-${metric}`, await label("only_past"));
}
await page.click('[data-unit="blocks"]');
say("root-blocks", await page.text("#flame-details"));
await page.click('[data-unit="bytes"]');
await page.click('[data-metric="live"]');
await page.move(box("few_large"));
say("tip", await page.shown("#tip"), await page.get('[...document.querySelectorAll("#tip tr.on td")].map(e => e.textContent).join(" | ")'));
await page.click(box("few_large"));
say("zoomed", await page.text(".f"), "|", await page.get('[...document.querySelectorAll("#crumbs button")].map(e => e.textContent).slice(-2).join(" > ")'));
say("listed", await page.text("#table-result"), "|", await page.text("#below"));
await page.click("#reset");
say("reset", await page.text(".f"), await page.count("#crumbs button"), await page.text("#table-result"));
await page.click('[data-inverted="1"]');
say("inverted", await page.get('[...document.querySelectorAll(\'.f[aria-level="2"]\')].map(e => e.getAttribute("aria-label")).join("; ")'));
await page.click('[data-inverted=""]');
const again = () => page.get('[...document.querySelectorAll(".f")].filter(e => e.textContent === "again").length');
say("recursion", await again());
await page.click("#fold");
say("folded", await again());
await page.click("#fold");
await page.click("#keep-allocator");
say("allocator", await page.get('[...document.querySelectorAll(".f")].filter(e => e.textContent === "malloc").length > 0'));
await page.click("#keep-allocator");
for (const query of ["many_sm", "/^(few|many)_/", "work.c", "no such thing", "/(/"]) {
	await page.type("#search", query);
	say(`search-${query.replace(/\W/g, "")}`, await page.count(".f.match"), await page.text("#search-result"));
}
await page.type("#search", "");
say("unsearched", await page.count(".f.match"), `"${await page.text("#search-result")}"`);
await page.get('document.querySelector(".f").focus()');
for (let i = 0; i < 5; i++)
	await page.key("ArrowDown");
const focused = () => page.get('document.activeElement.getAttribute("aria-label")');
say("down", await focused());
await page.key("ArrowRight");
say("right", await focused());
await page.key("Enter");
say("enter", await page.text(".f"), await focused());
await page.key("Escape");
say("escape", await page.text(".f"));
JS
is "$(said title):$(said pictured)" "work:Live" "flame graph: the title, live first"
is "$(said root-live)" "work  13.500 KB (13,500 bytes), 100.0% of all" "live: the whole is the JSON report's live_bytes"
is "$(said root-at-peak)" "work  100.000 KB (100,000 bytes), 100.0% of all" "at peak: its peak_bytes"
is "$(said root-total)" "work  213.500 KB (213,500 bytes), 100.0% of all" "total: its allocated_bytes"
is "$(said root-blocks)" "work  $blocks ($blocks blocks), 100.0% of all" "in blocks: its allocations"
is "$(said large-live); $(said large-total)" "few_large, 12.000 KB, 88.9%; few_large, 12.000 KB, 5.6%" "a function's share by metric"
is "$(said past-live); $(said past-total)" "; only_past, 100.000 KB, 46.8%" "what is not live has no box"
like "$(said tip)" '^true Live | 12\.000 KB | 88\.9% | 12,000 bytes | 3 blocks$' "tooltip: exact figures"
is "$(said zoomed)" "few_large | main > few_large" "a click zooms, crumbs say where"
is "$(said listed)" "1 of 5 backtraces, 12.000 KB live (88.9%) | through few_large ✕" "and the table lists what is in it"
is "$(said reset)" "work 0 5 backtraces" "reset"
is "$(said inverted)" "keep, 13.500 KB, 100.0%" "inverted: who allocated"
is "$(said recursion) $(said folded)" "6 1" "recursion folded"
is "$(said allocator)" true "the allocator shown"
is "$(said search-many_sm)" "1 7.4% matches: 1.000 KB from 1 backtrace" "search: a part of a name"
is "$(said search-few\|many_ ; said search-fewmany_)" "2 96.3% matches: 13.000 KB from 2 backtraces" "a regular expression"
like "$(said search-workc)" '100\.0% matches: 13\.500 KB from 3 backtraces' "a file"
is "$(said search-nosuchthing)" "0 0.0% matches: 0 bytes from 0 backtraces" "nothing"
is "$(printf '%s\n' "$out" | sed -n 's/^search- //p')" "0 not a regular expression" "a broken expression is said"
is "$(said unsearched)" '0 ""' "and away again"
like "$(said down)" '^few_large, 12\.000 KB' "keys: down to the largest child"
like "$(said right)" '^many_small, 1\.000 KB' "right to its neighbour"
like "$(said enter)" '^many_small many_small, ' "Enter zooms"
is "$(said escape)" work "Escape zooms out"

# The table: every column sorts as jq does, both ways; filter; rows open to their frames.
drive run.html "table" <<'JS'
const column = async id => page.get(`(() => { const i = [...document.querySelectorAll("#table th button")].findIndex(b => b.dataset.sort === ${JSON.stringify(id)});
	return [...document.querySelectorAll("#table tr.row")].map(r => r.cells[i].firstChild.nodeType === 3 ? r.cells[i].firstChild.data : r.cells[i].textContent).join("; "); })()`);
for (const id of ["live_bytes", "live_blocks", "at_peak_bytes", "peak_bytes", "total_bytes", "total_blocks"]) {
	if (id !== "live_bytes")
		await page.click(`[data-sort="${id}"]`);
	say(`down-${id}`, await column(id));
	say(`aria-${id}`, await page.get(`document.querySelector('[data-sort="${id}"]').parentNode.getAttribute("aria-sort")`));
	await page.click(`[data-sort="${id}"]`);
	say(`up-${id}`, await column(id));
}
await page.click('[data-sort="function"]');
say("by-function", await page.get('[...document.querySelectorAll("#table .fn")].map(e => e.textContent).join(" ")'));
await page.click('[data-sort="age"]');
say("by-age", await page.get('document.querySelector(\'[data-sort="age"]\').parentNode.getAttribute("aria-sort")'));
await page.type("#filter", "many_small");
say("filtered", await page.text("#table-result"), "|", await page.count("#table tr.row"));
await page.click("#table .expand");
say("open", await page.get('document.querySelector("#table .expand").getAttribute("aria-expanded")'));
say("frames", await page.get('[...document.querySelectorAll(".frames li")].map(e => e.querySelector(".n").textContent + " " + e.querySelector(".fn").textContent).slice(0, 4).join("; ")'));
say("source", await page.get('document.querySelectorAll(".frames .src")[2].textContent'));
say("exact", await page.get('[...document.querySelectorAll(".exact tbody tr")].slice(0, 4).map(r => [...r.cells].map(c => c.textContent).join(" ")).join("; ")'));
await page.click("[data-show]");
say("shown", await page.get('document.activeElement.getAttribute("aria-label")'), "|", await page.text(".f"));
await page.click("#table .expand");
say("closed", await page.count(".detail"));
await page.type("#filter", "nothing has this name");
say("none", await page.text("#table-result"), "|", await page.text("#table tbody"));
await page.type("#filter", "");
say("all", await page.count("#table tr.row"));
JS
for id in live_blocks total_blocks; do
	is "$(said down-$id)" "$(json "[.processes[0].backtraces[].$id] | sort | reverse | map(tostring) | join(\"; \")" run.json)" "$id sorts"
	is "$(said up-$id)" "$(json "[.processes[0].backtraces[].$id] | sort | map(tostring) | join(\"; \")" run.json)" "$id sorts the other way"
done
is "$(said down-live_bytes)" "12.000 KB; 1.000 KB; 500 bytes; 0; 0" "live_bytes sorts"
is "$(said up-live_bytes)" "0; 0; 500 bytes; 1.000 KB; 12.000 KB" "live_bytes sorts the other way"
is "$(said down-at_peak_bytes)" "100.000 KB; 0; 0; 0; 0" "at_peak_bytes sorts"
is "$(said down-peak_bytes)" "100.000 KB; 12.000 KB; 2.000 KB; 1.000 KB; 500 bytes" "peak_bytes sorts"
is "$(said down-total_bytes)" "100.000 KB; 100.000 KB; 12.000 KB; 1.000 KB; 500 bytes" "total_bytes sorts"
is "$(said up-total_bytes)" "500 bytes; 1.000 KB; 12.000 KB; 100.000 KB; 100.000 KB" "total_bytes sorts the other way"
is "$(said aria-total_bytes)" descending "the head says how"
is "$(said by-function)" "drop keep keep keep main" "by function"
is "$(said by-age)" descending "by age"
is "$(said filtered)" "1 of 5 backtraces, 1.000 KB live (7.4%) | 1" "the filter"
is "$(said open)" true "a row opens"
is "$(said frames)" "0 malloc; 1 keep; 2 many_small; 3 main" "to its frames"
like "$(said source)" 'work\.c:5 · work +0x' "with file and line, module and offset"
is "$(said exact)" "Live 100 1,000; At the heap’s peak 0 0; Own peak 100 1,000; Total 100 1,000" "and exact figures"
is "$(said shown)" "keep, 1.000 KB, 7.4% | many_small" "from there into the flame graph"
is "$(said closed)" 0 "a row closes"
is "$(said none)" "0 of 5 backtraces, 0 bytes live (0.0%) | No backtrace matches." "a filter that nothing matches"
is "$(said all)" 5 "and all again"

# The head, the timeline, themes, widths, the address.
drive run.html "the rest" <<'JS'
for (const card of ["live", "peak", "total", "rss"])
	say(`card-${card}`, await page.get(`document.querySelector("#card-${card}").dataset.value`));
say("facts", await page.text("#facts"));
say("peak", await page.get('[...document.querySelectorAll("#timeline .peak-text")].map(e => e.textContent).join()'));
say("timeline", await page.get('document.querySelector("#timeline svg").getAttribute("aria-label")'));
await page.get('document.querySelector("#timeline svg").focus()');
await page.key("ArrowLeft");
say("cross", await page.shown("#tip"), await page.count("#timeline .cross"));
const background = () => page.get('getComputedStyle(document.body).backgroundColor');
await page.scheme("light");
const light = await background();
await page.scheme("dark");
const dark = await background();
say("auto", light !== dark);
await page.click("#theme");
say("light", await page.text("#theme"), await background() === light);
await page.click("#theme");
await page.scheme("light");
say("dark", await page.text("#theme"), await background() === dark);
await page.click("#theme");
await page.click('[data-metric="total"]');
await page.type("#search", "many");
const hash = await page.get("location.hash");
await page.load(hash);
say("reload", hash, await page.get('document.querySelector("#metrics [aria-pressed=true]").textContent'), await page.text("#search-result"));
await page.size(400, 800, true);
await page.load();
say("narrow", await page.get("document.documentElement.scrollWidth"), await page.shown("#sort"), await page.shown('[data-sort="age"]'));
await page.get('(() => { const s = document.querySelector("#sort"); s.value = "total_bytes"; s.dispatchEvent(new Event("change")); })()');
say("narrow-sort", await page.get('document.querySelector(\'[data-sort="total_bytes"]\').parentNode.getAttribute("aria-sort")'));
say("names", await page.get(`[...document.querySelectorAll("button, input, select, [role=tree], [role=img]")].filter(e => e.getClientRects().length &&
	!(e.textContent.trim() || e.getAttribute("aria-label") || e.title || e.closest("label") || e.labels?.length)).length`));
say("ids", await page.get('(() => { const ids = [...document.querySelectorAll("[id]")].map(e => e.id); return ids.length - new Set(ids).size; })()'));
say("printed", (await page.print()).subarray(0, 5).toString());
JS
is "$(said card-live) $(said card-peak) $(said card-total)" "$live $peak $total" "the totals"
is "$(said card-rss)" "$(json '.processes[0].timeline[-1].rss' run.json)" "RSS"
like "$(said facts)" 'ended with status 0' "how it ended"
is "$(said peak)" "Peak 100.000 KB" "the peak is marked"
like "$(said timeline)" 'at most 100\.000 KB after .*, 13\.500 KB at the end' "the timeline says it in words"
is "$(said cross)" "true 1" "and follows the keys"
is "$(said auto)" true "light and dark as the system is"
is "$(said light) $(said dark)" "☀ Light true ☾ Dark true" "and as the switch says"
is "$(said reload)" "#metric=total&search=many Total 0.5% matches: 1.000 KB from 1 backtrace" "the address keeps what is chosen"
is "$(said narrow)" "400 true false" "400 pixels are enough"
is "$(said narrow-sort)" descending "and sort by a list"
is "$(said names) $(said ids)" "0 0" "each control has a name, no id is there twice"
is "$(said printed)" "%PDF-" "it prints"

# Growth between two moments of a run with slices; from its start on it is what is live.
cat >grow.c <<'C'
#include <stdlib.h>
#include <unistd.h>
static void leaks(void) { if (!malloc(1000)) abort(); }
static void *keeps(void) { return malloc(70000); }
int main(void) { void *p = keeps(); for (int i = 0; i < 60; i++) { leaks(); usleep(10000); } leaks(); free(p); return 0; }
C
${CC:-gcc} -g -O0 -fno-builtin -o grow grow.c || bail "compiled"
ht --interval=10ms --outfile=/dev/null --save=grow.htrace ./grow
report grow.htrace
drive run.html "growth" <<'JS'
say("hidden", await page.shown("#window"));
await page.click('[data-metric="growth"]');
say("shown", await page.shown("#window"), await page.text("#table .fn"), await page.get('document.querySelector(".timeline .window").getAttribute("visibility")'));
const choose = (id, last) => page.get(`(() => { const s = document.querySelector("#${id}"); s.selectedIndex = ${last ? "s.length - 1" : 0}; s.dispatchEvent(new Event("change")); })()`);
say("half", parseInt((await page.text("#flame-details")).replace(/.*\((.*) bytes\).*/, "$1").replaceAll(",", "")) < 61000);
await choose("from", false);
say("whole", await page.text("#flame-details"));
const box = await page.get('(() => { const r = document.querySelector("#timeline svg").getBoundingClientRect(); scrollTo(0, 0); return { x: r.x, y: r.y, w: r.width }; })()');
await page.settle();
const { y } = await page.get('document.querySelector("#timeline svg").getBoundingClientRect().toJSON()');
for (const [type, part] of [["mousePressed", 0.3], ["mouseMoved", 0.5], ["mouseReleased", 0.6]])
	await page.send("Input.dispatchMouseEvent", { type, x: box.x + box.w * part, y: y + 60, button: "left", buttons: 1, clickCount: 1 });
await page.settle();
const [from, to, count] = await page.get('["from", "to"].map(id => document.querySelector("#" + id).selectedIndex).concat(document.querySelectorAll("#from option").length)');
say("dragged", from > 0 && from < to && to < count - 1);
await page.click('[data-metric="live"]');
say("again", await page.shown("#window"), await page.text("#flame-details"));
JS
is "$(said hidden)" false "growth: no choice of moments until it is wanted"
is "$(said shown)" "true leaks visible" "growth: what grows comes first, the window is shaded"
is "$(said half)" true "growth: in the second half there is less than in all"
is "$(said whole)" "grow  61.000 KB (61,000 bytes), 100.0% of all" "growth since the start is what is live"
is "$(said dragged)" true "a window can be drawn with the pointer"
is "$(said again)" "false grow  61.000 KB (61,000 bytes), 100.0% of all" "and live again"

# Threads that were kept apart, and temporary blocks.
cat >churn.c <<'C'
#include <stdlib.h>
void passing(int n) { while (n--) { void *volatile p = malloc(100); free(p); } }
void staying(int n) { while (n--) if (!malloc(10)) abort(); }
int main(void) { passing(40); staying(5); return 0; }
C
${CC:-gcc} -g -O0 -fno-builtin -o churn churn.c || bail "compiled"
ht --churn --by-thread --outfile=/dev/null --save=churn.htrace ./churn
report churn.htrace
drive run.html "churn" <<'JS'
await page.click('[data-metric="temporary"]');
say("temporary", await page.text("#flame-details"), "|", await page.text("#table .fn"));
await page.click("#table .expand");
say("exact", await page.get('[...document.querySelectorAll(".exact tbody tr")].map(r => [...r.cells].map(c => c.textContent).join(" ")).filter(t => /^(Temporary|Reallocated)/.test(t)).join("; ")'));
say("frames", await page.get('[...document.querySelectorAll(".frames .fn")].map(e => e.textContent).slice(0, 3).join("; ")'));
await page.click('[data-metric="live"]');
say("thread", await page.get(`document.querySelector('.f[aria-level="2"]').textContent`), "|", await page.get('document.querySelector("#table tr.row").cells[1].textContent'));
await page.type("#filter", "thread churn");
say("filtered", await page.text("#table-result"));
JS
thread=$(json '.processes[0].backtraces[0].thread | "\(.name) (\(.tid))"' run.json)
is "$(said temporary)" "churn  4.000 KB (4,000 bytes), 100.0% of all | passing" "temporary blocks are a metric where they were counted"
is "$(said exact)" "Temporary 40 4,000; Reallocated, copied 0 0" "exactly"
is "$(said frames)" "malloc; passing; main" "a thread is no frame"
is "$(said thread)" "thread $thread | $thread" "threads are outermost, and a column"
is "$(said filtered)" "2 of 2 backtraces, 50 bytes live (100.0%)" "and can be searched for"

# A difference: its snapshots are what growth is measured between.
for count in 2 30 12; do ht --outfile=/dev/null --save=leak-$count.htrace "$GUESTS/leak" $count 20; done
"$HT" diff --format=html --outfile=diff.html leak-2.htrace leak-30.htrace leak-12.htrace
drive diff.html "difference" <<'JS'
say("title", await page.text("h1"), "|", await page.text("#command"));
for (const card of ["total", "live", "growth", "count"])
	say(`card-${card}`, await page.text(`#card-${card}`));
say("growth", await page.text("#flame-details"), "|", await page.get('[...document.querySelectorAll("#metrics button")].map(e => e.textContent).join()'));
const choose = (id, i) => page.get(`(() => { const s = document.querySelector("#${id}"); s.selectedIndex = ${i}; s.dispatchEvent(new Event("change")); })()`);
await choose("to", 1);
say("middle", await page.text("#flame-details"));
await choose("from", 2);
say("turned", await page.text("#flame"));
await page.click("#table .expand");
say("exact", await page.get('[...document.querySelectorAll(".exact tbody tr")].map(r => [...r.cells].map(c => c.textContent).join(" ")).join("; ")'));
await page.click('[data-metric="live"]');
say("live", await page.text("#flame-details"));
JS
is "$(said title)" "leak: what changed | leak-2.htrace → leak-30.htrace → leak-12.htrace" "difference: what is compared"
is "$(said card-total), $(said card-live), $(said card-growth), $(said card-count)" "40 bytes, 240 bytes, 200 bytes, 1" "difference: before, after, growth"
is "$(said growth)" "leak  200 bytes (200 bytes), 100.0% of all | Live,Growth" "difference: growth is shown first, and what is not known is not offered"
is "$(said middle)" "leak  560 bytes (560 bytes), 100.0% of all" "difference: to another snapshot"
is "$(said turned)" "Nothing grew between these two." "difference: from the earlier one to the later, whichever was named first"
is "$(said exact)" "Live 12 240; Growth -18 -360; leak-2.htrace 2 40; leak-30.htrace 30 600; leak-12.htrace 12 240" "difference: a backtrace in each snapshot"
is "$(said live)" "leak  240 bytes (240 bytes), 100.0% of all" "difference: what is live now"

# Contrast of all text that is there, after WCAG 2: at least 4.5 in both themes.
cat >contrast.js <<'JS'
const contrast = `(() => {
	const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
	const rgb = css => {
		canvas.clearRect(0, 0, 1, 1);
		canvas.fillStyle = css;
		canvas.fillRect(0, 0, 1, 1);
		return [...canvas.getImageData(0, 0, 1, 1).data];
	};
	const light = colour => {
		const [r, g, b] = colour.map(value => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
		return 0.2126 * r + 0.7152 * g + 0.0722 * b;
	};
	const probe = document.body.appendChild(document.createElement("i"));
	probe.style.backgroundColor = "var(--bar)";
	const bar = rgb(getComputedStyle(probe).backgroundColor);
	const behind = element => {
		for (; element; element = element.parentElement) {
			const colour = rgb(getComputedStyle(element).backgroundColor);
			if (colour[3] === 255)
				return colour;
		}
		return [255, 255, 255];
	};
	const poor = new Set();
	let count = 0;
	for (const element of document.querySelectorAll("body *")) {
		const texts = [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
		if (!texts || !element.getClientRects().length || element.disabled || /SCRIPT|STYLE|OPTION/.test(element.tagName))
			continue;
		const style = getComputedStyle(element), text = rgb(element.namespaceURI.endsWith("svg") ? style.fill : style.color);
		for (const back of element.closest("td.key") ? [behind(element), bar] : [behind(element)]) {
			const [more, less] = [light(text.slice(0, 3)), light(back.slice(0, 3))].sort((a, b) => b - a);
			if ((more + 0.05) / (less + 0.05) < 4.5)
				poor.add(element.tagName + " " + element.className + " " + element.textContent.slice(0, 20));
		}
		count++;
	}
	probe.remove();
	return (count > 60) + " " + [...poor].join("; ");
})()`;
for (const theme of ["light", "dark"]) {
	await page.load(`#theme=${theme}&metric=total&search=leak`);
	await page.click("#table .expand");
	say(`contrast-${theme}`, await page.get(contrast));
}
JS
drive run.html "contrast" <contrast.js
is "$(said contrast-light)$(said contrast-dark)" "true true " "all text is readable, light and dark"

# Several processes.
ht --outfile=/dev/null --format=html sh -c true
ht --format=html --outfile=run.html sh -c "'$GUESTS/leak' 2 20; '$GUESTS/leak' 3 30; '$GUESTS/ends-segv'; true"
sed -n '/ id="heaptrace-data">$/,/^<\/script/p' run.html | sed '1d;$d' >run.data
drive run.html "processes" <<'JS'
say("all", await page.text("h1"), await page.get('document.querySelector("#card-live").dataset.value'), await page.count("#processes tbody tr"));
say("root", await page.text(".f"));
say("options", await page.count("#chooser option"));
await page.get('document.querySelector("#timeline svg").focus()');
await page.key("ArrowLeft");
say("cross", await page.shown("#tip"), await page.text("#tip"));
const choose = i => page.get(`(() => { const s = document.querySelector("#chooser"); s.value = ${i}; s.dispatchEvent(new Event("change")); })()`);
await choose(2);
say("second", await page.text("h1"), await page.get('document.querySelector("#card-live").dataset.value'), await page.text("#command"));
say("table", await page.text("#table-result"), "|", await page.text(".f"));
await page.click('#processes tr[data-process="3"] button');
say("clicked", await page.text("#facts"), await page.get('document.querySelector("#chooser").value'));
await choose(-1);
say("back", await page.text("h1"), await page.count('[data-sort="process"]'));
JS
is "$(said all)" "sh and its children $(jq '[.processes[].totals.live_bytes] | add' run.data) 4" "all: the sum of what is live"
is "$(said root) $(said options)" "4 processes 5" "all: one flame graph, and a choice"
like "$(said cross)" '^true after .*sh (' "all: the timeline says who had what"
like "$(said second)" '^leak 90 .*/leak 3 30$' "one process: its totals, its command"
is "$(said table)" "1 backtrace | leak" "one process: its backtraces"
like "$(said clicked)" 'killed by SIGSEGV.* 3$' "chosen from the list: how it ended"
is "$(said back)" "sh and its children 1" "and all again"
drive run.html "contrast of several" <contrast.js
is "$(said contrast-light)$(said contrast-dark)" "true true " "all text is readable there too"

# Nothing at all; and names that mean harm.
drive empty.html "an empty run" <<'JS'
say("empty", await page.text("h1"), "|", await page.text("#flame"), "|", await page.text("#table tbody"), "|", await page.text("#timeline-note"));
JS
is "$(said empty)" "empty | There is nothing to show. | No backtraces: nothing was allocated. | This process allocated nothing." "an empty run says so"
printf 'int main(void) { return 0; }\n' >static.c
${CC:-gcc} -static -o static static.c || bail "compiled"
"$HT" --force --format=html --outfile=none.html ./static 2>/dev/null
drive none.html "no process" <<'JS'
say("none", await page.text("h1"), "|", await page.text("#timeline"), "|", await page.shown("#processes-card"));
JS
is "$(said none)" "No process was traced | No process was traced. | false" "a run of which nothing was traced says so"

# A part of the heap: the timeline is of the whole, and says so.
"$HT" report --format=html --through=few_large --outfile=part.html work.htrace
drive part.html "a part" <<'JS'
say("part", await page.get('document.querySelector("#card-live").dataset.value'), "|", await page.text("#timeline .peak-text"), "|", await page.text("#timeline-note"));
say("notes", await page.text("#notes"));
JS
like "$(said part)" "^12000 | Peak 100\.000 KB | This is the whole process" "a filtered report: totals of the part, timeline of the whole"
like "$(said notes)" "^filtered out: 1\.500 KB in 101 blocks" "and what was filtered out"
cat >hostile.c <<'C'
#include <stdlib.h>
void *hostile(void);
__attribute__((noinline)) void *hostile(void) { return malloc(111); }
#line 5 "<!--<script>harm()</script>.c"
int main(void) { return !hostile(); }
C
${CC:-gcc} -g -O0 -c -o hostile.o hostile.c &&
	objcopy --redefine-sym "hostile=</script><script>window.harmed=1</script><img src=x onerror=window.harmed=2>" hostile.o &&
	${CC:-gcc} -o '<img src=x onerror=window.harmed=3>' hostile.o || bail "compiled"
ht --format=html --outfile=hostile.html './<img src=x onerror=window.harmed=3>' '</script><script>window.harmed=4</script>' "$(printf '\377')"
drive hostile.html "hostile names" <<'JS'
await page.click("#table .expand");
await page.move(".f[data-node]");
await page.type("#search", "<img");
say("harmed", await page.get("window.harmed ?? 'not'"), await page.count("img"), await page.count("script"));
say("title", await page.text("h1"));
say("function", await page.text("#table .fn"));
JS
is "$(said harmed)" "not 0 2" "hostile names: nothing of them runs, nothing is an element"
is "$(said title)" "<img src=x onerror=window.harmed=3>" "the program's name is shown as it is"
is "$(said function)" "</script><script>window.harmed=1</script><img src=x onerror=window.harmed=2>" "the function's too"
sed "s|onerror|&|; s|</head>|<script>window.harmed=5</script><img src=http://127.0.0.1:9/x></head>|" empty.html >injected.html
cat >script.js <<'JS'
say("harmed", await page.get("window.harmed ?? 'not'"));
JS
run node "$SOURCE/tests/lib/browser.js" "$browser" "$T/profile" injected.html script.js
is "$status:$(said harmed)" "0:not" "even a script that got into the page would not run"
at_least "$(printf '%s\n' "$out" | sed -n 's/^errors \([0-9]*\).*/\1/p')" 2 "nor an image be fetched: the policy forbids it"

# Many.
cat >many.c <<'C'
#include "edges-backtraces.h"
int main(void) { for (int i = 0; i < 50000; i++) down(1 << 16 | i); return 0; }
C
${CC:-gcc} -I "$SOURCE/tests/guests" -D_GNU_SOURCE -g -O1 -fno-builtin -fno-inline -fno-optimize-sibling-calls -pthread -o many many.c || bail "compiled"
ht --format=html --outfile=many.html ./many
drive many.html "50,000 backtraces" <<'JS'
say("many", await page.text("#table-result"), "|", await page.text("#pages"));
await page.click('[data-page="last"]');
say("last", await page.count("#table tr.row"), await page.text("#pages"));
await page.click('[data-page="previous"]');
say("previous", await page.text("#pages"));
await page.click('[data-sort="age"]');
say("sorted", await page.text("#pages"));
await page.type("#filter", "down");
say("filtered", await page.text("#table-result"));
await page.click('[data-inverted="1"]');
say("boxes", await page.count(".f") > 1);
JS
is "$(said many)" "50,000 backtraces | FirstPrevious1 to 100 of 50,000NextLast" "a page of 50,000 backtraces"
is "$(said last)" "100 FirstPrevious49,901 to 50,000 of 50,000NextLast" "the last page"
is "$(said previous)" "FirstPrevious49,801 to 49,900 of 50,000NextLast" "the one before"
is "$(said sorted)" "FirstPrevious1 to 100 of 50,000NextLast" "sorting begins at the first page"
is "$(said filtered)" "50,000 of 50,000 backtraces, 400.000 KB live (100.0%)" "filtered"
is "$(said boxes)" true "turned round"
done_testing
