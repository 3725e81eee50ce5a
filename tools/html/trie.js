// SPDX-License-Identifier: MIT
/*
 * The tree of a flame graph: backtraces of a view, merged by labels. From the outside in, node by node of the data; or, turned
 * round, from the function that allocated to those that called it. Children always have higher numbers than their parents.
 */
class Trie {
	constructor() {
		this.parent = new Int32Array(1024);
		this.label = new Int32Array(1024);
		this.slots = new Int32Array(4096).fill(-1);
		this.count = 1;
		this.label[0] = -1;
		this.parent[0] = -1;
	}

	/** The child with a label; made if there is none. */
	child(parent, label) {
		const mask = this.slots.length - 1;
		let slot = this.hash(parent, label) & mask;
		while (this.slots[slot] >= 0) {
			const at = this.slots[slot];
			if (this.parent[at] === parent && this.label[at] === label)
				return at;
			slot = (slot + 1) & mask;
		}
		return this.add(parent, label, slot);
	}

	hash(parent, label) {
		const mixed = Math.imul(parent + 1, 0x9e3779b1) ^ Math.imul(label + 0x10001, 0x85ebca6b);
		return (mixed ^ mixed >>> 15) >>> 0;
	}

	add(parent, label, slot) {
		if (this.count === this.parent.length) {
			this.parent = this.grown(this.parent);
			this.label = this.grown(this.label);
		}
		const at = this.count++;
		this.parent[at] = parent;
		this.label[at] = label;
		this.slots[slot] = at;
		if (2 * this.count > this.slots.length)
			this.rehash();
		return at;
	}

	grown(array) {
		const larger = new Int32Array(2 * array.length);
		larger.set(array);
		return larger;
	}

	rehash() {
		this.slots = new Int32Array(2 * this.slots.length).fill(-1);
		const mask = this.slots.length - 1;
		for (let at = 1; at < this.count; at++) {
			let slot = this.hash(this.parent[at], this.label[at]) & mask;
			while (this.slots[slot] >= 0)
				slot = (slot + 1) & mask;
			this.slots[slot] = at;
		}
	}
}

/** Labels beyond those of lines: -2 - n is process n by the first process of its name. */
const processLabels = (() => {
	const known = new Map();
	return doc.processes.map((process, index) => {
		if (!known.has(process.name))
			known.set(process.name, index);
		return -2 - known.get(process.name);
	});
})();

const labelName = label => label <= -2 ? doc.processes[-2 - label].name : labels.name[label];

/** The node of the trie for one more frame; a function that calls itself stays one frame if that is asked for. */
function step(trie, parent, label, fold) {
	return fold && trie.label[parent] === label ? parent : trie.child(parent, label);
}

function fillFromOutside(trie, view, options, ofRow) {
	const [from, to] = view.nodes, ofNode = new Int32Array(to - from);
	for (const process of view.processes) {
		const [first, end] = process.nodes;
		ofNode[first - from] = view.processes.length > 1 ? trie.child(0, processLabels[process.index]) : 0;
		for (let node = first + 1; node < end; node++)
			ofNode[node - from] = step(trie, ofNode[all.parent[node] - from], labels.of[all.line[node]], options.fold);
	}
	for (let row = view.rows[0]; row < view.rows[1]; row++)
		ofRow[row - view.rows[0]] = ofNode[shownNode(all.node[row], options.keepAllocator) - from];
}

function fillFromInside(trie, view, options, ofRow) {
	for (let row = view.rows[0]; row < view.rows[1]; row++) {
		let at = 0, node = shownNode(all.node[row], options.keepAllocator);
		for (; all.line[node] >= 0; node = all.parent[node])
			at = step(trie, at, labels.of[all.line[node]], options.fold);
		if (view.processes.length > 1)
			at = trie.child(at, processLabels[all.process[row]]);
		ofRow[row - view.rows[0]] = at;
	}
}

/** The tree with the node of each of the view's rows (`ofRow`). options: inverted, keepAllocator, fold */
function makeTrie(view, options) {
	const trie = new Trie();
	trie.view = view;
	trie.ofRow = new Int32Array(view.rows[1] - view.rows[0]);
	(options.inverted ? fillFromInside : fillFromOutside)(trie, view, options, trie.ofRow);
	trie.values = new Map();
	return trie;
}

/** A figure of each node, with all below it; computed once. What shrank is left out of growth. */
function trieValues(trie, key) {
	let values = trie.values.get(key);
	if (values)
		return values;
	const column = all.figures[key], first = trie.view.rows[0], grew = all.figures[`${key.split("_")[0]}_bytes`];
	values = new Float64Array(trie.count);
	for (let i = 0; i < trie.ofRow.length; i++) {
		if (!key.startsWith("growth") || grew[first + i] > 0)
			values[trie.ofRow[i]] += Math.max(0, column[first + i]);
	}
	for (let node = trie.count - 1; node > 0; node--)
		values[trie.parent[node]] += values[node];
	trie.values.set(key, values);
	return values;
}

/** Children of each node: numbers in `list` from start[node] to start[node + 1]. */
function trieChildren(trie) {
	if (trie.children)
		return trie.children;
	const start = new Int32Array(trie.count + 1), list = new Int32Array(Math.max(0, trie.count - 1));
	for (let node = 1; node < trie.count; node++)
		start[trie.parent[node] + 1]++;
	for (let node = 0; node < trie.count; node++)
		start[node + 1] += start[node];
	const next = start.slice();
	for (let node = 1; node < trie.count; node++)
		list[next[trie.parent[node]]++] = node;
	return trie.children = { start, list };
}

/** Which rows of the view lie below a node. */
function rowsBelow(trie, node) {
	const below = new Uint8Array(trie.count), rows = [];
	below[node] = 1;
	for (let at = node + 1; at < trie.count; at++)
		below[at] = below[trie.parent[at]];
	trie.ofRow.forEach((at, i) => {
		if (below[at])
			rows.push(trie.view.rows[0] + i);
	});
	return rows;
}
