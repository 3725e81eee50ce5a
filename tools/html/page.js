// SPDX-License-Identifier: MIT
/* Puts the parts together: what is chosen, who has to be drawn again, theme, address. */

function byId(id) {
	return document.getElementById(id);
}

/** The box beside the pointer. */
class Tip {
	constructor(box) {
		this.box = box;
		addEventListener("scroll", () => this.hide(), { passive: true });
	}

	show(content, x, y, about) {
		if (about === undefined || this.about !== about || this.box.hidden)
			this.box.replaceChildren(content);
		this.about = about;
		this.box.hidden = false;
		const { width, height } = this.box.getBoundingClientRect();
		const left = x + 16 + width < innerWidth ? x + 16 : Math.max(8, Math.min(x - width - 12, innerWidth - width - 8));
		this.box.style.left = `${left < 8 ? 8 : left}px`;
		this.box.style.top = `${y + 18 + height < innerHeight ? y + 18 : Math.max(8, y - height - 12)}px`;
	}

	hide() {
		this.box.hidden = true;
	}
}

class Page {
	constructor() {
		this.state = { process: doc.processes.length > 1 ? -1 : 0, metric: "live", unit: "bytes", inverted: false, fold: false,
			keepAllocator: Boolean(doc.keep_allocator), query: "", filter: "", from: null, to: null };
		this.tip = new Tip(byId("tip"));
		this.summary = new Summary(index => this.choose(index));
		this.timeline = new Timeline(byId("timeline"), byId("timeline-legend"), byId("timeline-note"), this.tip,
			(from, to) => this.measure(from, to, "growth"));
		this.flame = new Flame(byId("flame"), { crumbs: byId("crumbs"), details: byId("flame-details"), modules: byId("modules"),
			reset: byId("reset"), zoomed: node => this.zoomed(node) }, this.tip, this.state);
		this.table = new Table(byId("table"), { result: byId("table-result"), pages: byId("pages"), sort: byId("sort"),
			show: row => this.showRow(row) }, this.state);
		this.makeMetrics();
		this.wire();
		if (compared)
			this.state.metric = "growth";
		else if (!makeView(-1).sums.live_bytes && doc.processes.length)
			this.state.metric = "at-peak"; /* a picture of nothing helps nobody */
		this.usualMetric = this.state.metric;
		this.readAddress();
		if (this.state.metric !== this.usualMetric)
			this.table.column = this.columnOf(this.state.metric);
		this.choose(this.state.process);
	}

	/** The table's column for a metric. */
	columnOf(metric) {
		return metric === "temporary" ? "temporary_blocks" : `${METRICS[metric].key}_bytes`;
	}

	makeMetrics() {
		for (const [id, { title, hint }] of Object.entries(METRICS)) {
			if (!hasMetric(id))
				continue;
			const button = make("button", "", title);
			button.type = "button";
			button.dataset.metric = id;
			button.title = hint;
			byId("metrics").append(button);
		}
	}

	wire() {
		const segments = (id, change) => byId(id).addEventListener("click", event => {
			const button = event.target.closest("button");
			if (button) {
				change(button.dataset);
				this.press();
			}
		});
		segments("metrics", ({ metric }) => {
			this.redraw({ metric });
			this.table.sortBy(this.columnOf(metric), true);
		});
		segments("units", ({ unit }) => this.redraw({ unit }));
		segments("directions", ({ inverted }) => this.rebuild({ inverted: Boolean(inverted) }));
		byId("fold").addEventListener("change", event => this.rebuild({ fold: event.target.checked }));
		byId("keep-allocator").addEventListener("change", event => this.rebuild({ keepAllocator: event.target.checked }));
		byId("reset").addEventListener("click", () => this.flame.zoom(0));
		byId("below").addEventListener("click", () => this.restrict(null));
		byId("search").addEventListener("input", soon(() => this.search(byId("search").value.trim())));
		byId("filter").addEventListener("input", soon(() => this.filterTable(byId("filter").value.trim())));
		for (const id of ["from", "to"])
			byId(id).addEventListener("change", () => this.measure(Number(byId("from").value), Number(byId("to").value)));
		byId("theme").addEventListener("click", () => this.turnTheme());
		addEventListener("keydown", event => this.shortcut(event));
		addEventListener("hashchange", () => {
			if (location.hash.slice(1) !== this.address) {
				this.readAddress();
				this.choose(this.state.process);
			}
		});
	}

	shortcut(event) {
		if (event.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) {
			event.preventDefault();
			byId("search").focus();
		}
	}

	/** Another process, or -1 for all. */
	choose(index) {
		this.state.process = index;
		this.view = makeView(doc.processes.length ? index : -1);
		this.summary.show(this.view);
		this.chooseWindow();
		byId("window-hint").hidden = Boolean(compared && !compared.same_run);
		if (this.state.metric === "growth" && !this.moments.length)
			this.state.metric = "live";
		this.timeline.show(this.view);
		this.rebuild({});
		this.table.query = this.state.filter;
		this.restrict(null, true);
		this.table.show(this.view);
	}

	/** Growth is measured between two moments; at first in the second half of the run, or between first and last snapshot. */
	chooseWindow() {
		const moments = this.moments = momentsOf(this.view), { state } = this;
		if (!moments.length)
			return;
		if (!moments.includes(state.from))
			state.from = compared ? moments[0] : moments[moments.length >> 1];
		if (!moments.includes(state.to))
			state.to = moments[moments.length - 1];
		for (const id of ["from", "to"]) {
			byId(id).textContent = "";
			for (const ns of moments) {
				const option = make("option", "", momentText(this.view, ns));
				option.value = ns;
				byId(id).append(option);
			}
		}
		measureGrowth(this.view, state.from, state.to);
	}

	/** Growth between two moments, the nearest that there are. */
	measure(from, to, metric) {
		const { state, moments } = this;
		const nearest = ns => moments.reduce((best, moment) => Math.abs(moment - ns) < Math.abs(best - ns) ? moment : best);
		if (!moments.length)
			return;
		state.from = nearest(Math.min(from, to));
		state.to = nearest(Math.max(from, to));
		state.metric = metric || state.metric;
		measureGrowth(this.view, state.from, state.to);
		for (const key of this.flame.trie.values.keys())
			if (key.startsWith("growth"))
				this.flame.trie.values.delete(key);
		this.redraw({});
		this.table.sortBy("growth_bytes", true);
		this.press();
	}

	/** A flame graph of another shape. */
	rebuild(change) {
		Object.assign(this.state, change);
		this.flame.found = null;
		this.flame.show(makeTrie(this.view, this.state));
		this.search(this.state.query);
		this.press();
	}

	/** The same shape, other figures. */
	redraw(change) {
		Object.assign(this.state, change);
		this.flame.draw();
		this.search(this.state.query);
	}

	press() {
		const { metric, unit, inverted } = this.state;
		for (const button of document.querySelectorAll(".segments button")) {
			const { metric: ofMetric, unit: ofUnit, inverted: ofInverted } = button.dataset;
			button.setAttribute("aria-pressed", String(ofMetric === metric || ofUnit === unit ||
				(ofInverted !== undefined && Boolean(ofInverted) === inverted)));
		}
		const growth = metric === "growth";
		byId("window").hidden = !growth;
		byId("from").value = this.state.from;
		byId("to").value = this.state.to;
		this.timeline.mark(growth ? this.state : null);
		document.querySelector('[data-metric="growth"]')?.toggleAttribute("disabled", !this.moments.length);
		byId("fold").checked = this.state.fold;
		byId("keep-allocator").checked = this.state.keepAllocator;
		this.writeAddress();
	}

	search(query) {
		this.state.query = query;
		const input = byId("search"), result = byId("search-result"), found = query ? matchLabels(query) : null;
		if (input.value.trim() !== query)
			input.value = query;
		input.setAttribute("aria-invalid", String(Boolean(query) && !found));
		const matched = query || this.flame.found ? this.flame.search(found) : null;
		result.textContent = "";
		delete result.dataset.value;
		if (query && !found)
			result.textContent = "not a regular expression";
		if (matched) {
			result.dataset.value = matched.value;
			result.append(make("b", "", shareText(matched.value, matched.whole)), ` matches: ${this.flame.format(matched.value)} from ` +
				`${exact(matched.rows)} ${matched.rows === 1 ? "backtrace" : "backtraces"}`);
		}
		this.writeAddress();
	}

	filterTable(query) {
		this.state.filter = query;
		this.table.filter(query);
		byId("filter").setAttribute("aria-invalid", String(this.table.unsound));
		this.writeAddress();
	}

	zoomed(node) {
		this.restrict(node ? node : null);
	}

	/** Only the backtraces through what the flame graph is zoomed into are listed. */
	restrict(node, quiet) {
		const chip = byId("below");
		chip.hidden = node === null;
		if (node !== null)
			chip.textContent = `through ${this.flame.name(node)} \u2715`;
		chip.title = "List all backtraces again";
		if (!quiet)
			this.table.restrict(node === null ? null : rowsBelow(this.flame.trie, node));
	}

	/** Zoom to the innermost frame of a backtrace. */
	showRow(row) {
		const { trie } = this.flame, node = trie.ofRow[row - this.view.rows[0]];
		if (!trieValues(trie, this.flame.key1)[node])
			this.redraw({ metric: "total" });
		this.press();
		this.flame.node = trie.parent[node] > 0 ? trie.parent[node] : node;
		this.flame.draw();
		byId("flame-card").scrollIntoView();
		this.flame.setFocus(node, true);
	}

	/** auto, light, dark, auto ... */
	turnTheme() {
		const order = ["auto", "light", "dark"], now = document.documentElement.dataset.theme || "auto";
		this.setTheme(order[(order.indexOf(now) + 1) % 3]);
		try {
			localStorage.setItem("heaptrace-theme", document.documentElement.dataset.theme || "auto");
		} catch (error) { /* a file may have no storage */ }
	}

	setTheme(theme) {
		if (theme === "light" || theme === "dark")
			document.documentElement.dataset.theme = theme;
		else
			delete document.documentElement.dataset.theme;
		byId("theme").textContent = { light: "\u2600 Light", dark: "\u263e Dark" }[theme] || "\u25d0 Auto";
		byId("theme").setAttribute("aria-label", `Theme: ${theme || "auto"}`);
	}

	/** What is chosen stands behind the # of the address, so that it survives a reload and can be bookmarked. */
	writeAddress() {
		const { process, metric, unit, inverted, fold, keepAllocator, query, filter } = this.state, address = new URLSearchParams();
		const put = (key, value, usual) => value !== usual && address.set(key, value);
		put("process", process, doc.processes.length > 1 ? -1 : 0);
		put("metric", metric, this.usualMetric);
		put("unit", unit, "bytes");
		put("inverted", inverted ? 1 : 0, 0);
		put("fold", fold ? 1 : 0, 0);
		put("allocator", keepAllocator ? 1 : 0, doc.keep_allocator ? 1 : 0);
		if (metric === "growth") {
			address.set("from", this.state.from);
			address.set("to", this.state.to);
		}
		put("search", query, "");
		put("filter", filter, "");
		this.address = address.toString();
		try {
			history.replaceState(null, "", this.address ? `#${this.address}` : location.pathname + location.search);
		} catch (error) { /* some viewers have no history */ }
	}

	readAddress() {
		const address = new URLSearchParams(location.hash.slice(1)), state = this.state;
		const process = Number(address.get("process") ?? NaN);
		if (Number.isInteger(process) && process >= -1 && process < doc.processes.length)
			state.process = process;
		if (Object.hasOwn(METRICS, address.get("metric") || "") && hasMetric(address.get("metric")))
			state.metric = address.get("metric");
		if (address.get("unit") === "blocks" || address.get("unit") === "bytes")
			state.unit = address.get("unit");
		state.inverted = address.get("inverted") === "1";
		state.fold = address.get("fold") === "1";
		state.keepAllocator = address.has("allocator") ? address.get("allocator") === "1" : Boolean(doc.keep_allocator);
		state.from = Number(address.get("from") || NaN);
		state.to = Number(address.get("to") || NaN);
		state.query = address.get("search") || "";
		state.filter = byId("filter").value = address.get("filter") || "";
		let theme = address.get("theme");
		try {
			theme = theme || localStorage.getItem("heaptrace-theme");
		} catch (error) { /* see above */ }
		this.setTheme(theme);
	}
}

/** Wait until no more comes for a moment: letters of a search. */
function soon(action) {
	let timer = 0;
	return () => {
		clearTimeout(timer);
		timer = setTimeout(action, 80);
	};
}

const page = new Page();
