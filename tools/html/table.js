// SPDX-License-Identifier: MIT
/* The backtraces as a table: sorted by any column, filtered by text, a page at a time; each opens to its frames. */
const PAGE_ROWS = 100;

class Table {
	constructor(host, parts, state) {
		Object.assign(this, { host, parts, state });
		this.page = 0;
		this.open = new Set();
		this.column = { size: "live_bytes", count: "live_blocks", peak: "peak_bytes", "at-peak": "at_peak_bytes", total: "total_bytes",
			allocs: "total_blocks", age: "age", growth: "growth_bytes", temporary: "temporary_blocks" }[doc.sort] || "live_bytes";
		this.descending = true;
		host.addEventListener("click", event => this.click(event));
		parts.sort.addEventListener("change", () => this.sortBy(parts.sort.value, parts.sort.value !== "function"));
	}

	columns() {
		const several = this.view.processes.length > 1;
		return [
			{ id: "function", title: "Allocated by", kind: "left" },
			several && { id: "process", title: "Process", kind: "left" },
			hasThreads && { id: "thread", title: "Thread", kind: "left" },
			{ id: "live_bytes", title: METRICS.live.title }, { id: "live_blocks", title: "Blocks" },
			{ id: "growth_bytes", title: "Growth" },
			{ id: "at_peak_bytes", title: "At peak" }, { id: "peak_bytes", title: "Own peak" },
			{ id: "temporary_blocks", title: "Temporary" }, { id: "total_bytes", title: "Total" }, { id: "total_blocks", title: "Allocations" },
			{ id: "age", title: "Age" },
		].filter(column => column && this.isKnown(column.id)).map(column => ({ ...column, kind: `${column.kind || ""} ${this.isNarrow(column.id) ? "" : "wide"}`.trim() }));
	}

	isKnown(id) {
		return id === "function" || id === "process" || id === "thread" || hasFigure(id === "age" ? "first_ns" : id);
	}

	/** On a narrow screen there is room for what is sorted by. */
	isNarrow(id) {
		return id === "function" || id === this.column || (id === "live_bytes" && this.column === "function");
	}

	show(view) {
		this.view = view;
		this.subset = null;
		this.open.clear();
		this.parts.sort.textContent = "";
		for (const { id, title } of this.columns()) {
			const option = make("option", "", title);
			option.value = id;
			this.parts.sort.append(option);
		}
		if (this.column === "process" || !this.isKnown(this.column))
			this.column = "live_bytes";
		this.select();
	}

	filter(query) {
		this.query = query;
		this.select();
	}

	/** Show only these rows; null for all. */
	restrict(rows) {
		this.subset = rows;
		this.select();
	}

	select() {
		const { view, query } = this, [from, to] = view.rows;
		let rows = this.subset ? [...this.subset] : Array.from({ length: to - from }, (unused, i) => from + i);
		const found = query ? matchLabels(query) : null;
		this.unsound = Boolean(query) && !found;
		if (found) {
			const hit = matchNodes(found, ...view.nodes);
			rows = rows.filter(row => hit[all.node[row] - view.nodes[0]]);
		}
		this.rows = rows;
		this.page = 0;
		this.sort();
	}

	sortBy(id, descending) {
		this.column = id;
		this.descending = descending;
		this.page = 0;
		this.sort();
	}

	/** What a row is sorted by. */
	keys() {
		if (this.column === "function") {
			const order = labels.name.map((name, i) => i).sort((a, b) => labels.name[a] < labels.name[b] ? -1 : labels.name[a] > labels.name[b] ? 1 : a - b);
			const rank = new Int32Array(order.length);
			order.forEach((label, i) => { rank[label] = i; });
			return row => rank[labels.of[this.lineOf(row)]];
		}
		if (this.column === "process")
			return row => all.process[row];
		if (this.column === "thread")
			return threadOf;
		if (this.column === "age")
			return row => this.ageOf(row);
		const column = all.figures[this.column];
		return row => column[row];
	}

	ageOf(row) {
		return Math.max(0, doc.processes[all.process[row]].now_ns - all.figures.first_ns[row]);
	}

	/** The innermost line that is not the allocator's. */
	lineOf(row) {
		return all.line[shownNode(all.node[row], false)];
	}

	sort() {
		const key = this.keys(), sign = this.descending ? -1 : 1, { live_bytes: live, total_bytes: total = live } = all.figures;
		const [first, end] = this.view.rows, keys = new Float64Array(end - first);
		for (const row of this.rows)
			keys[row - first] = key(row);
		this.rows.sort((a, b) => (keys[a - first] - keys[b - first]) * sign || live[b] - live[a] || total[b] - total[a] || a - b);
		this.parts.sort.value = this.column;
		this.draw();
	}

	draw() {
		const columns = this.columns(), body = document.createElement("tbody");
		const most = this.rows.reduce((most, row) => Math.max(most, this.weight(row)), 0);
		const shown = this.rows.slice(this.page * PAGE_ROWS, (this.page + 1) * PAGE_ROWS);
		this.host.textContent = "";
		this.host.append(make("caption", "sr", "Backtraces; the buttons in the head sort, those in the rows show the frames"));
		this.host.append(this.head(columns), body);
		for (const row of shown) {
			body.append(this.row(row, columns, most));
			if (this.open.has(row))
				body.append(this.detail(row, columns.length));
		}
		if (!shown.length) {
			const cell = make("td", "empty", this.view.rows[0] === this.view.rows[1] ? "No backtraces: nothing was allocated." : "No backtrace matches.");
			cell.colSpan = columns.length;
			body.insertRow().append(cell);
		}
		this.drawResult();
		this.drawPages();
	}

	/** What the bar behind the cell of the sorted column shows. */
	weight(row) {
		return this.column === "age" ? this.ageOf(row) : this.column in all.figures ? Math.max(0, all.figures[this.column][row]) : 0;
	}

	head(columns) {
		const head = document.createElement("thead"), line = head.insertRow();
		for (const { id, title, kind } of columns) {
			const cell = make("th", kind || ""), button = make("button", "", title);
			button.type = "button";
			button.dataset.sort = id;
			cell.scope = "col";
			if (id === this.column)
				cell.setAttribute("aria-sort", this.descending ? "descending" : "ascending");
			cell.append(button);
			line.append(cell);
		}
		return head;
	}

	row(row, columns, most) {
		const line = document.createElement("tr");
		line.className = "row";
		line.dataset.row = row;
		for (const { id, kind } of columns) {
			const cell = make("td", kind || "");
			if (id === "function")
				cell.append(this.opener(row));
			else
				cell.append(...this.figure(row, id));
			if (id === this.column && most > 0 && !["function", "process", "thread"].includes(id)) {
				cell.classList.add("key");
				cell.style.setProperty("--w", `${this.weight(row) / most * 100}%`);
			}
			line.append(cell);
		}
		return line;
	}

	figure(row, id) {
		if (id === "process") {
			const process = doc.processes[all.process[row]];
			return [`${process.name} `, make("small", "", String(process.pid))];
		}
		if (id === "thread")
			return [this.threadText(row)];
		if (id === "age")
			return [timeText(this.ageOf(row))];
		const value = all.figures[id][row];
		if (id.endsWith("_blocks"))
			return [exact(value)];
		if (!value)
			return [make("small", "", "0")];
		return id === "peak_bytes" || id === "growth_bytes" ? [bytesText(value)] :
			[bytesText(value), " ", make("small", "", shareText(value, this.view.sums[id]))];
	}

	threadText(row) {
		const thread = threadOf(row);
		return thread < 0 ? "" : text(lines.function[thread]).replace("thread ", "");
	}

	opener(row) {
		const line = this.lineOf(row), button = make("button", "expand");
		button.type = "button";
		button.setAttribute("aria-expanded", String(this.open.has(row)));
		button.append(make("span", "fn", labels.name[labels.of[line]]), make("span", "src", this.via(row, line)));
		return button;
	}

	/** Where: file and line, else the module; and by what it was called. */
	via(row, line) {
		const node = shownNode(all.node[row], false), outer = isFrame(all.parent[node]) ? all.line[all.parent[node]] : -1, module = text(lines.module[line]);
		const place = sourceOf(line) || (lines.function[line] < 0 || module === null ? "" : baseName(module));
		return [place, outer >= 0 ? `\u2190 ${labels.name[labels.of[outer]]}` : ""].filter(Boolean).join(" ");
	}

	detail(row, span) {
		const line = make("tr", "detail"), cell = document.createElement("td"), grid = make("div", "detail-grid"), side = make("div", "");
		cell.colSpan = span;
		side.append(this.exact(row));
		const show = make("button", "show", "Show in the flame graph");
		show.type = "button";
		show.dataset.show = row;
		side.append(show);
		grid.append(this.frames(row), side);
		cell.append(grid);
		line.append(cell);
		return line;
	}

	frames(row) {
		const list = make("ol", "frames");
		for (const { number, line } of framesOf(row)) {
			const item = document.createElement("li"), what = document.createElement("div"), module = text(lines.module[line]);
			const where = [sourceOf(line), lines.function[line] < 0 || module === null ? "" : `${baseName(module)} +${offsetText(line)}`];
			what.append(make("span", "fn", labels.name[labels.of[line]]));
			if (lines.kind[line] & KIND_INLINED)
				what.append(make("span", "tag", "inlined"));
			what.append(" ", make("span", "src", where.filter(Boolean).join(" \u00b7 ")));
			if (module !== null)
				what.title = module;
			item.append(make("span", "n", String(number)), what);
			list.append(item);
		}
		return list;
	}

	exact(row) {
		const table = make("table", "exact"), head = table.createTHead().insertRow(), figures = all.figures;
		for (const title of ["", "Blocks", "Bytes"])
			head.append(make("th", "", title));
		const body = table.createTBody();
		for (const [title, key] of [[METRICS.live.title, "live"], ["Growth", "growth"], ["At the heap\u2019s peak", "at_peak"],
			["Own peak", "peak"], ["Temporary", "temporary"], ["Total", "total"]]) {
			if (!hasFigure(`${key}_bytes`))
				continue;
			this.exactRow(body, title, exact(figures[`${key}_blocks`][row]), exact(figures[`${key}_bytes`][row]));
		}
		const process = doc.processes[all.process[row]];
		if (hasFigure("reallocs"))
			this.exactRow(body, "Reallocated, copied", exact(figures.reallocs[row]), exact(figures.moved_bytes[row]));
		if (hasThreads)
			this.exactRow(body, "Thread", "", this.threadText(row));
		if (compared)
			this.exactFiles(body, process, row - process.rows[0]);
		for (const [title, key] of !hasFigure("first_ns") ? [] : [["First seen after", "first_ns"], ["Last seen after", "last_ns"]]) {
			this.exactRow(body, title, "", timeText(Math.max(0, figures[key][row] - process.started_ns)));
		}
		return table;
	}

	exactRow(body, title, blocks, bytes) {
		const line = body.insertRow();
		line.append(make("th", "", title));
		line.insertCell().textContent = blocks;
		line.insertCell().textContent = bytes;
	}

	/** The row in each of the snapshots. */
	exactFiles(body, process, row) {
		process.slices.names.forEach((name, i) => {
			const live = liveAfter(process, i);
			this.exactRow(body, baseName(name), exact(live.blocks[row]), exact(live.bytes[row]));
		});
	}

	drawResult() {
		const result = this.parts.result, live = this.rows.reduce((sum, row) => sum + all.figures.live_bytes[row], 0);
		result.textContent = "";
		if (this.unsound) {
			result.append("not a regular expression");
			return;
		}
		const some = this.query || this.subset, { sums, rows: [first, end] } = this.view;
		result.append(make("b", "", exact(this.rows.length)), some ? ` of ${exact(end - first)}` : "",
			this.rows.length === 1 && !some ? " backtrace" : " backtraces");
		if (some)
			result.append(`, ${bytesText(live)} ${METRICS.live.title.toLowerCase()} (${shareText(live, sums.live_bytes)})`);
	}

	drawPages() {
		const host = this.parts.pages, count = Math.ceil(this.rows.length / PAGE_ROWS);
		host.textContent = "";
		if (count < 2)
			return;
		const button = (title, name, page) => {
			const made = make("button", "", title);
			made.type = "button";
			made.dataset.page = name;
			made.disabled = page < 0 || page >= count || page === this.page;
			made.addEventListener("click", () => {
				this.page = page;
				this.draw();
				const again = this.parts.pages.querySelector(`[data-page="${name}"]`);
				(again.disabled ? this.parts.pages.querySelector("button:not(:disabled)") : again).focus();
			});
			host.append(made);
		};
		const first = this.page * PAGE_ROWS, end = Math.min(first + PAGE_ROWS, this.rows.length);
		button("First", "first", 0);
		button("Previous", "previous", this.page - 1);
		host.append(`${exact(first + 1)} to ${exact(end)} of ${exact(this.rows.length)}`);
		button("Next", "next", this.page + 1);
		button("Last", "last", count - 1);
	}

	click(event) {
		const sort = event.target.closest("[data-sort]"), show = event.target.closest("[data-show]");
		const line = event.target.closest("tr.row");
		if (sort) {
			const id = sort.dataset.sort;
			this.sortBy(id, id === this.column ? !this.descending : id !== "function" && id !== "process" && id !== "thread");
			this.host.querySelector(`[data-sort="${id}"]`).focus();
		} else if (show) {
			this.parts.show(Number(show.dataset.show));
		} else if (line && !String(window.getSelection())) {
			this.toggle(line);
		}
	}

	/** Open or close a row. */
	toggle(line) {
		const row = Number(line.dataset.row), button = line.querySelector(".expand");
		if (this.open.delete(row)) {
			line.nextSibling.remove();
		} else {
			this.open.add(row);
			line.after(this.detail(row, line.cells.length));
		}
		button.setAttribute("aria-expanded", String(this.open.has(row)));
	}
}
