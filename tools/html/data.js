// SPDX-License-Identifier: MIT
/*
 * The data of the page, which report_html.c writes:
 *
 *	strings        all texts, by number
 *	lines          columns {function, file, module: strings or -1; line; offset in the module, or address; kind: 1 inlined,
 *	               2 the allocator's, 4 a thread, which stands in front of the outermost frame}
 *	processes[]    facts; nodes {up: distance to the parent's number, line}, 0 the root; backtraces: columns, "node" the
 *	               innermost node, the others figures; timeline: columns; slices, if there are any: {ns: moments; changes:
 *	               for each moment triples of distance to the row before, bytes and blocks more than at the moment before}
 *	compared       of a difference: {metric; same_run}; its one process is the newest snapshot's, the slices are the
 *	               snapshots, with their names
 *
 * Nodes and backtraces of all processes are put into one array each, so that a view of all is as simple as a view of one.
 */
const doc = JSON.parse(document.getElementById("heaptrace-data").textContent);

const METRICS = {
	live: { title: "Live", hint: "bytes that are still allocated", key: "live" },
	"at-peak": { title: "At peak", hint: "what was live when the whole heap was largest", key: "at_peak" },
	total: { title: "Total", hint: "all that was ever allocated", key: "total" },
	temporary: { title: "Temporary", hint: "what was freed before the same thread's next allocation", key: "temporary" },
	growth: { title: "Growth", hint: "what more is live at the later moment than at the earlier one", key: "growth" },
};

/** Of a difference "live" stands for the figure that was compared. */
const compared = doc.compared || null;
if (compared)
	Object.assign(METRICS.live, { title: METRICS[compared.metric].title, hint: METRICS[compared.metric].hint });

const COLUMNS = ["live_blocks", "live_bytes", "peak_blocks", "peak_bytes", "at_peak_blocks", "at_peak_bytes", "total_blocks",
	"total_bytes", "growth_blocks", "growth_bytes", "temporary_blocks", "temporary_bytes", "reallocs", "moved_bytes", "first_ns", "last_ns"];

const KIND_INLINED = 1, KIND_ALLOCATOR = 2, KIND_THREAD = 4;

const lines = doc.lines;
const text = number => number < 0 ? null : doc.strings[number];

/** All processes' nodes and backtraces; `process.rows` and `process.nodes` are their ranges. */
const all = (() => {
	let rowCount = 0, nodeCount = 0;
	doc.processes.sort((a, b) => a.started_ns - b.started_ns || a.pid - b.pid);
	doc.processes.forEach((process, index) => {
		process.index = index;
		process.rows = [rowCount, rowCount += process.backtraces.node.length];
		process.nodes = [nodeCount, nodeCount += process.nodes.up.length, process.nodes];
	});
	const made = { parent: new Int32Array(nodeCount), line: new Int32Array(nodeCount), node: new Int32Array(rowCount),
		process: new Int32Array(rowCount), figures: {} };
	for (const process of doc.processes) {
		const [from, , nodes] = process.nodes, [first] = process.rows;
		for (let i = 0; i < nodes.up.length; i++) {
			made.parent[from + i] = from + i - nodes.up[i];
			made.line[from + i] = nodes.line[i];
		}
		process.backtraces.node.forEach((node, i) => {
			made.node[first + i] = from + node;
			made.process[first + i] = process.index;
		});
		process.nodes = [from, process.nodes[1]];
	}
	for (const key of COLUMNS) {
		if (!doc.processes.some(process => process.backtraces[key] || (process.slices && key.startsWith("growth"))))
			continue;
		made.figures[key] = new Float64Array(rowCount);
		for (const process of doc.processes)
			made.figures[key].set(process.backtraces[key] || [], process.rows[0]);
	}
	for (const process of doc.processes)
		process.backtraces = null;
	return made;
})();

const hasFigure = key => Boolean(all.figures[key]);
const hasMetric = metric => hasFigure(`${METRICS[metric].key}_bytes`);

/** What a line is called in pictures: the function, or the place. Functions of two modules are two labels. */
const labels = (() => {
	const known = new Map(), made = { of: new Int32Array(lines.function.length), name: [], module: [], lines: [] };
	for (let i = 0; i < lines.function.length; i++) {
		const name = lines.function[i] < 0 ? placeOf(i) : text(lines.function[i]);
		const key = `${lines.module[i]} ${name}`;
		let label = known.get(key);
		if (label === undefined) {
			label = made.name.length;
			known.set(key, label);
			made.name.push(name);
			made.module.push(lines.module[i]);
			made.lines.push([]);
		}
		made.of[i] = label;
		made.lines[label].push(i);
	}
	return made;
})();

function offsetText(line) {
	const offset = lines.offset[line];
	return `0x${typeof offset === "number" ? offset.toString(16) : offset}`;
}

function placeOf(line) {
	const module = text(lines.module[line]);
	return module === null ? `[anon] ${offsetText(line)}` : `${baseName(module)} (+${offsetText(line)})`;
}

function sourceOf(line) {
	const file = text(lines.file[line]);
	return file === null ? "" : lines.line[line] ? `${file}:${lines.line[line]}` : file;
}

/** Whether a node is a frame, and not the root or a thread. */
const isFrame = node => all.line[node] >= 0 && !(lines.kind[all.line[node]] & KIND_THREAD);

/** The line that stands for the thread of a row, or -1. Threads are right below the root. */
function threadOf(row) {
	let node = all.node[row];
	while (all.line[all.parent[node]] >= 0)
		node = all.parent[node];
	return isFrame(node) ? -1 : all.line[node];
}

const hasThreads = lines.kind.some(kind => kind & KIND_THREAD);

/** The frames of a backtrace, innermost first: {number, line}; inlined functions have the number of what they are in. */
function framesOf(row) {
	const frames = [];
	let number = 0;
	for (let node = all.node[row]; isFrame(node); node = all.parent[node]) {
		const line = all.line[node];
		frames.push({ number, line });
		if (!(lines.kind[line] & KIND_INLINED))
			number++;
	}
	return frames;
}

/** The innermost node that is to be shown: the allocator's own are left out, unless there is nothing else. */
function shownNode(node, keepAllocator) {
	while (!keepAllocator && lines.kind[all.line[node]] & KIND_ALLOCATOR && isFrame(all.parent[node]))
		node = all.parent[node];
	return node;
}

/** A matcher of texts: a part, whatever its case, or a /regular expression/. */
function matcherOf(query) {
	const expression = /^\/(.+)\/$/.exec(query);
	if (expression) {
		try {
			const regular = new RegExp(expression[1], "i");
			return string => regular.test(string);
		} catch (error) {
			return null;
		}
	}
	const part = query.toLowerCase();
	return string => string.toLowerCase().includes(part);
}

/** Which labels a query matches by function, file or module: an array of 0 and 1, or null if the query is not sound. */
function matchLabels(query) {
	const matches = matcherOf(query);
	if (!matches)
		return null;
	const matched = new Uint8Array(doc.strings.length);
	doc.strings.forEach((string, i) => { matched[i] = matches(string) ? 1 : 0; });
	const found = new Uint8Array(labels.name.length);
	for (let label = 0; label < found.length; label++) {
		const module = labels.module[label];
		const here = matches(labels.name[label]) || (module >= 0 && matched[module]) ||
			labels.lines[label].some(line => lines.file[line] >= 0 && matched[lines.file[line]]);
		found[label] = here ? 1 : 0;
	}
	return found;
}

/** For each node between two numbers whether it or one further out has a label that matches. */
function matchNodes(found, from, to) {
	const hit = new Uint8Array(to - from);
	for (let node = from; node < to; node++) {
		const line = all.line[node];
		if (line >= 0)
			hit[node - from] = found[labels.of[line]] || hit[all.parent[node] - from];
	}
	return hit;
}

/** What was live of each row of a process after a slice; nothing before the first one. {bytes, blocks} */
function liveAfter(process, slice) {
	const size = process.rows[1] - process.rows[0], live = { bytes: new Float64Array(size), blocks: new Float64Array(size) };
	for (let i = 0; i <= slice; i++) {
		const changes = process.slices.changes[i];
		for (let at = 0, row = 0; at < changes.length; at += 3) {
			row += changes[at];
			live.bytes[row] += changes[at + 1];
			live.blocks[row] += changes[at + 2];
		}
	}
	return live;
}

/** The moments that growth can be measured between: those of the process that has most of them. */
const momentsOf = view => view.processes.reduce((most, { slices }) => slices && slices.ns.length > most.length ? slices.ns : most, []);

/** What a moment is called: when it was, or the snapshot's name. */
function momentText(view, ns) {
	const named = compared && view.processes[0].slices;
	return named ? named.names[named.ns.indexOf(ns)] : timeText(Math.max(0, ns - startOf(view)));
}

const startOf = view => Math.min(...view.processes.map(process => process.started_ns));

/** Fill the columns of growth: what was live at `to` less what was live at `from`. */
function measureGrowth(view, from, to) {
	const { growth_bytes: bytes, growth_blocks: blocks } = all.figures;
	for (const process of view.processes) {
		const [first, end] = process.rows;
		if (!process.slices) {
			bytes.fill(0, first, end);
			blocks.fill(0, first, end);
			continue;
		}
		const at = ns => process.slices.ns.findLastIndex(moment => moment <= ns);
		const before = liveAfter(process, at(from)), after = liveAfter(process, at(to));
		for (let row = first; row < end; row++) {
			bytes[row] = after.bytes[row - first] - before.bytes[row - first];
			blocks[row] = after.blocks[row - first] - before.blocks[row - first];
		}
	}
	view.sums.growth_bytes = view.sums.growth_blocks = 0;
	for (let row = view.rows[0]; row < view.rows[1]; row++) {
		view.sums.growth_bytes += Math.max(0, bytes[row]);
		view.sums.growth_blocks += Math.max(0, blocks[row]);
	}
}

/** A part of the data: one process, or all. */
function makeView(index) {
	const processes = index < 0 ? doc.processes : [doc.processes[index]];
	const first = processes[0], last = processes[processes.length - 1];
	const view = { index, processes, rows: first ? [first.rows[0], last.rows[1]] : [0, 0],
		nodes: first ? [first.nodes[0], last.nodes[1]] : [0, 0], sums: {} };
	for (const [key, column] of Object.entries(all.figures)) {
		let sum = 0;
		for (let row = view.rows[0]; row < view.rows[1]; row++)
			sum += column[row];
		view.sums[key] = sum;
	}
	return view;
}
