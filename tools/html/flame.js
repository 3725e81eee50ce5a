// SPDX-License-Identifier: MIT
/*
 * The flame graph: rows of boxes, outermost on top, as wide as their share of what is zoomed into. Boxes that would be
 * thinner than a pixel are drawn together, hatched. One box at a time can be reached by Tab, the others by arrow keys.
 */
const ROW_HEIGHT = 20, THINNEST = 1.4, MOST_BOXES = 12000;

const NOTHING = {
	live: "Nothing is live. Look at what was live at the peak, or at all that was ever allocated.",
	growth: "Nothing grew between these two.",
};

class Flame {
	constructor(host, parts, tip, state) {
		Object.assign(this, { host, parts, tip, state });
		this.boxes = new Map();
		host.addEventListener("click", event => this.zoom(this.nodeAt(event.target)));
		host.addEventListener("pointermove", event => this.hover(event));
		host.addEventListener("pointerleave", () => tip.hide());
		host.addEventListener("focusin", event => this.describe(this.nodeAt(event.target)));
		host.addEventListener("keydown", event => this.key(event));
		new ResizeObserver(() => this.trie && Math.abs(this.width - host.clientWidth) > 8 && this.draw()).observe(host);
	}

	/** Take a tree; colours go to the modules with most bytes. */
	show(trie) {
		this.trie = trie;
		this.node = 0;
		this.focused = 0;
		this.colours = this.colourModules();
		this.draw();
	}

	get key1() {
		return `${METRICS[this.state.metric].key}_${this.state.unit}`;
	}

	format(value, full) {
		return this.state.unit === "bytes" ? full ? bytesExact(value) : bytesText(value) : full ? blocksText(value) : countShort(value);
	}

	/** Ten modules have a colour of their own, in the order of what they have in the innermost frames; the last is for the rest. */
	colourModules() {
		const view = this.trie.view, sums = new Map(), figures = all.figures.total_bytes || all.figures.live_bytes;
		for (let row = view.rows[0]; row < view.rows[1]; row++) {
			const node = shownNode(all.node[row], this.state.keepAllocator), line = all.line[node];
			const module = line < 0 ? -1 : lines.module[line];
			sums.set(module, (sums.get(module) || 0) + figures[row]);
		}
		for (let label = 0; label < labels.name.length; label++)
			if (!sums.has(labels.module[label]))
				sums.set(labels.module[label], 0);
		sums.delete(-1);
		const sorted = [...sums].sort((a, b) => b[1] - a[1]).map(([module]) => module), colours = new Map();
		sorted.slice(0, 9).forEach((module, i) => colours.set(module, i));
		return colours;
	}

	colour(label) {
		const own = label >= 0 ? this.colours.get(labels.module[label]) : undefined;
		return own === undefined ? 9 : own;
	}

	/** Neighbours of one module differ by a shade, the same for a function wherever it stands. */
	tone(label) {
		return label < 0 ? 0 : (Math.imul(label + 1, 0x9e3779b1) >>> 28) % 4;
	}

	/** Which nodes have a match below them. */
	findHolders() {
		const { trie, found, values } = this;
		this.holds = null;
		if (!found)
			return;
		this.holds = new Uint8Array(trie.count);
		for (let node = trie.count - 1; node > 0; node--)
			if (values[node] > 0 && (this.holds[node] || (trie.label[node] >= 0 && found[trie.label[node]])))
				this.holds[trie.parent[node]] = 1;
	}

	draw() {
		const trie = this.trie, values = this.values = trieValues(trie, this.key1);
		this.width = this.host.clientWidth || 1000;
		this.host.textContent = "";
		this.boxes.clear();
		this.findHolders();
		while (this.node && !values[this.node])
			this.node = trie.parent[this.node];
		if (values[0] > 0)
			this.layOut();
		else
			this.host.append(make("p", "empty", NOTHING[this.state.metric] || "There is nothing to show."));
		if (!values[0])
			this.host.style.height = "auto";
		this.host.classList.toggle("searching", Boolean(this.found));
		this.drawCrumbs();
		this.drawModules();
		this.parts.reset.disabled = !this.node;
		this.describe(this.node);
	}

	layOut() {
		const { trie, values } = this, { start, list } = trieChildren(trie);
		const boxes = document.createDocumentFragment(), queue = [[this.node, 0, 1, 0]];
		const least = THINNEST / this.width;
		let deepest = 0;
		for (let next = 0; next < queue.length && next < MOST_BOXES; next++) {
			const [node, x, width, depth] = queue[next];
			boxes.append(this.box(node, x, width, depth));
			deepest = Math.max(deepest, depth);
			const children = [];
			for (let i = start[node]; i < start[node + 1]; i++)
				if (values[list[i]] > 0)
					children.push(list[i]);
			children.sort((a, b) => values[b] - values[a] || a - b);
			let at = x, few = 0, fewWidth = 0;
			for (const child of children) {
				const share = width * values[child] / values[node];
				if (share >= least) {
					queue.push([child, at, share, depth + 1]);
					at += share;
				} else {
					few++;
					fewWidth += share;
				}
			}
			if (few && fewWidth >= least) {
				boxes.append(this.fewBox(few, at, fewWidth, depth + 1));
				deepest = Math.max(deepest, depth + 1);
			}
		}
		this.cut = Math.max(0, queue.length - MOST_BOXES);
		const space = make("div", "");
		space.style.height = `${(deepest + 1) * ROW_HEIGHT}px`;
		boxes.append(space);
		this.host.append(boxes);
		this.setFocus(this.boxes.has(this.focused) ? this.focused : this.node, false);
	}

	name(node) {
		const label = this.trie.label[node];
		return label === -1 ? this.rootName() : labelName(label);
	}

	rootName() {
		const processes = this.trie.view.processes;
		return processes.length === 1 ? processes[0].name : `${processes.length} processes`;
	}

	place(box, x, width, depth) {
		box.style.left = `${x * 100}%`;
		box.style.width = `${width * 100}%`;
		box.style.top = `${depth * ROW_HEIGHT}px`;
		box.classList.toggle("thin", width * this.width < 14);
		return box;
	}

	box(node, x, width, depth) {
		const label = this.trie.label[node], value = this.values[node];
		const box = make("div", `f c${this.colour(label)} t${this.tone(label)}`, width * this.width < 24 ? "" : this.name(node));
		box.dataset.node = node;
		box.tabIndex = -1;
		box.setAttribute("role", "treeitem");
		box.setAttribute("aria-level", depth + 1);
		box.setAttribute("aria-label", `${this.name(node)}, ${this.format(value)}, ${shareText(value, this.values[0])}`);
		if (this.found && label >= 0 && this.found[label])
			box.classList.add("match");
		else if (this.holds && this.holds[node])
			box.classList.add("holds");
		this.boxes.set(node, { box, x, depth });
		return this.place(box, x, width, depth);
	}

	fewBox(count, x, width, depth) {
		const box = make("div", "f few", width * this.width > 90 ? `${exact(count)} more` : "");
		box.title = `${exact(count)} ${count === 1 ? "function" : "functions"} too small to be drawn; zoom in`;
		box.setAttribute("aria-hidden", "true");
		return this.place(box, x, width, depth);
	}

	nodeAt(target) {
		const box = target.closest && target.closest("[data-node]");
		return box ? Number(box.dataset.node) : -1;
	}

	zoom(node) {
		if (node < 0)
			return;
		this.node = this.focused = node;
		this.tip.hide();
		this.draw();
		this.host.scrollTop = 0;
		this.parts.zoomed(node);
		this.setFocus(node, this.host.contains(document.activeElement) || document.activeElement === document.body);
	}

	/** Outermost first. */
	path(node) {
		const path = [];
		for (; node > 0; node = this.trie.parent[node])
			path.unshift(node);
		return [0, ...path];
	}

	drawCrumbs() {
		const crumbs = this.parts.crumbs, path = this.path(this.node);
		crumbs.textContent = "";
		if (!this.node)
			return;
		const shown = path.length > 12 ? [...path.slice(0, 3), -1, ...path.slice(-8)] : path;
		shown.forEach((node, i) => {
			if (i)
				crumbs.append(make("i", "", "\u203a"));
			if (node < 0) {
				crumbs.append(make("i", "", `\u2026 ${path.length - 11} more \u2026`));
				return;
			}
			const button = make("button", "", this.name(node));
			button.type = "button";
			button.title = this.name(node);
			if (node === this.node)
				button.setAttribute("aria-current", "true");
			button.addEventListener("click", () => this.zoom(node));
			crumbs.append(button);
		});
	}

	drawModules() {
		const host = this.parts.modules, used = new Set();
		host.textContent = "";
		for (const node of this.boxes.keys())
			if (this.trie.label[node] >= 0)
				used.add(labels.module[this.trie.label[node]]);
		const entries = [...this.colours].filter(([module]) => used.has(module)).map(([module, i]) => [baseName(text(module)), i, text(module)]);
		if ([...used].some(module => !this.colours.has(module)))
			entries.push(["others", 9, "all other modules, and code in none"]);
		for (const [name, colour, title] of entries) {
			const entry = make("span", "");
			entry.title = title;
			entry.append(make("i", `c${colour}`), name);
			host.append(entry);
		}
	}

	/** What is known of a node: the name, its module and file, all figures. */
	tell(node) {
		const label = this.trie.label[node], box = make("div", "");
		box.append(make("b", "", this.name(node)));
		if (label >= 0) {
			const files = [...new Set(labels.lines[label].map(line => text(lines.file[line])).filter(Boolean))];
			const where = [text(labels.module[label]), files.length ? files.slice(0, 2).join(", ") + (files.length > 2 ? ", \u2026" : "") : null];
			box.append(make("div", "muted", where.filter(Boolean).join(" \u00b7 ")));
		}
		const table = make("table", "");
		for (const metric of Object.keys(METRICS)) {
			if (!hasMetric(metric))
				continue;
			const { title, key } = METRICS[metric], bytes = trieValues(this.trie, `${key}_bytes`), blocks = trieValues(this.trie, `${key}_blocks`);
			const row = addRow(table, [title, bytesText(bytes[node]), shareText(bytes[node], bytes[0]), bytesExact(bytes[node]), blocksText(blocks[node])]);
			row.classList.toggle("on", metric === this.state.metric);
		}
		box.append(table);
		return box;
	}

	hover(event) {
		const node = this.nodeAt(event.target);
		if (node < 0)
			this.tip.hide();
		else
			this.tip.show(this.tell(node), event.clientX, event.clientY, node);
	}

	/** The line below the picture: for the keyboard and for those who do not see it. */
	describe(node) {
		const host = this.parts.details;
		host.textContent = "";
		if (node < 0 || !this.values || !this.values[0])
			return;
		const value = this.values[node];
		host.append(make("b", "", this.name(node)), `  ${this.format(value)} (${this.format(value, true)}), ${shareText(value, this.values[0])} of all`);
		if (this.node && node !== this.node)
			host.append(`, ${shareText(value, this.values[this.node])} of ${this.name(this.node)}`);
		if (this.cut)
			host.append(`. The innermost ${exact(this.cut)} frames are not drawn; zoom in for them.`);
	}

	setFocus(node, take) {
		const old = this.boxes.get(this.focused), now = this.boxes.get(node);
		if (old)
			old.box.tabIndex = -1;
		if (!now)
			return;
		this.focused = node;
		now.box.tabIndex = 0;
		if (take)
			now.box.focus({ preventScroll: false });
	}

	key(event) {
		const here = this.boxes.get(this.focused);
		if (!here || event.ctrlKey || event.metaKey || event.altKey)
			return;
		const parent = this.trie.parent[this.focused];
		let target = -1;
		if (event.key === "Enter" || event.key === " ")
			this.zoom(this.focused);
		else if (event.key === "Escape" || event.key === "Backspace")
			this.zoom(event.key === "Escape" ? 0 : Math.max(0, this.trie.parent[this.node]));
		else if (event.key === "ArrowUp")
			target = this.focused === this.node ? -1 : parent;
		else if (event.key === "ArrowDown")
			target = this.nearest(here, (there, node) => this.trie.parent[node] === this.focused, 1);
		else if (event.key === "ArrowRight")
			target = this.nearest(here, there => there.depth === here.depth && there.x > here.x, 1);
		else if (event.key === "ArrowLeft")
			target = this.nearest(here, there => there.depth === here.depth && there.x < here.x, -1);
		else
			return;
		event.preventDefault();
		if (this.boxes.has(target))
			this.setFocus(target, true);
	}

	/** Of the boxes that are wanted the leftmost (1) or rightmost (-1). */
	nearest(here, wanted, direction) {
		let best = -1, bestX = 0;
		for (const [node, there] of this.boxes) {
			if (wanted(there, node) && (best < 0 || (there.x - bestX) * direction < 0)) {
				best = node;
				bestX = there.x;
			}
		}
		return best;
	}

	/** Highlight what a query matches. @return what matched of the metric, {value, whole, rows}, or null without a query */
	search(found) {
		this.found = found;
		this.draw();
		if (!found)
			return null;
		const view = this.trie.view, hit = matchNodes(found, ...view.nodes), column = all.figures[this.key1];
		let value = 0, rows = 0;
		for (let row = view.rows[0]; row < view.rows[1]; row++) {
			const figure = Math.max(0, column[row]);
			if (figure && hit[shownNode(all.node[row], this.state.keepAllocator) - view.nodes[0]]) {
				value += figure;
				rows++;
			}
		}
		return { value, whole: this.values[0], rows };
	}
}
