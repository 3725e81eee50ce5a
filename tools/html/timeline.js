// SPDX-License-Identifier: MIT
/*
 * Live bytes, RSS and the allocator's bytes over time. What was not sampled is known at three moments at least: the start,
 * the peak, the end; those are drawn as dots with broken lines between.
 */
const SVG = "http://www.w3.org/2000/svg";

function svg(parent, name, attributes, content) {
	const element = document.createElementNS(SVG, name);
	for (const [key, value] of Object.entries(attributes || {}))
		element.setAttribute(key, value);
	if (content !== undefined)
		element.textContent = content;
	parent.append(element);
	return element;
}

/**
 * The points of a process, oldest first: {ns, live, rss, heap}; null is unknown. The peak lies between samples: it is a point
 * that has nothing but live bytes.
 */
function pointsOf(process) {
	const series = process.timeline, totals = process.totals;
	const points = series.ns.map((ns, i) => ({ ns, live: series.live_bytes[i], rss: series.rss[i], heap: series.allocator[i] }));
	const sampled = points.length > 2, last = points[points.length - 1];
	if (last.rss === null && process.statm)
		last.rss = process.statm.resident;
	if (last.heap === null && process.allocator)
		last.heap = process.allocator.virtual;
	if (points.length < 2)
		points.unshift({ ns: process.started_ns, live: 0, rss: null, heap: null });
	const after = points.findIndex(point => point.ns >= totals.peak_ns);
	if (totals.whole_peak_bytes && after >= 0 && (!after || points[after].ns > totals.peak_ns))
		points.splice(Math.max(after, 1), 0, { ns: Math.max(totals.peak_ns, points[0].ns), live: totals.whole_peak_bytes });
	return { sampled, points };
}

/** Round marks for an axis from 0 to a maximum. */
function marksOf(maximum, wanted) {
	const rough = maximum / wanted, power = 10 ** Math.floor(Math.log10(rough || 1));
	const unit = [1, 2, 2.5, 5, 10].map(factor => factor * power).find(size => size >= rough * 0.9999);
	const marks = [];
	for (let at = 0; at <= maximum * 1.0001; at += unit)
		marks.push(at);
	return { marks, unit };
}

class Timeline {
	/** choose(from, to): a window was drawn with the pointer */
	constructor(host, legend, note, tip, choose) {
		Object.assign(this, { host, legend, note, tip, choose });
		this.hidden = new Set();
		new ResizeObserver(() => this.width !== host.clientWidth && this.view && this.draw()).observe(host);
	}

	show(view) {
		this.view = view;
		byId("timeline-card").hidden = view.processes.some(process => !process.timeline);
		if (byId("timeline-card").hidden)
			return;
		this.one = view.processes.length === 1;
		const biggest = view.processes.filter(process => this.one || process.totals.peak_bytes).sort((a, b) => b.totals.peak_bytes - a.totals.peak_bytes);
		this.shown = biggest.slice(0, 8).map(process => ({ process, ...pointsOf(process) }));
		this.start = Math.min(...view.processes.map(process => process.started_ns));
		this.end = Math.max(...view.processes.map(process => process.now_ns), this.start + 1);
		this.draw();
	}

	/** Scales: pixels of a moment and of a number of bytes. */
	scale() {
		let top = 1;
		for (const { process, points, sampled } of this.shown) {
			top = Math.max(top, process.totals.whole_peak_bytes);
			for (const point of this.one && sampled ? points : [])
				top = Math.max(top, this.hidden.has("rss") ? 0 : point.rss || 0, this.hidden.has("heap") ? 0 : point.heap || 0);
			for (const point of points)
				top = Math.max(top, point.live);
		}
		this.width = this.host.clientWidth || 900;
		this.height = this.width < 560 ? 190 : 230;
		this.left = 70;
		this.right = 14;
		this.top = 22;
		this.bottom = 26;
		this.yMarks = marksOf(top * 1.06, 4);
		this.yMax = top * 1.06;
		this.x = ns => this.left + (ns - this.start) / (this.end - this.start) * (this.width - this.left - this.right);
		this.y = bytes => this.height - this.bottom - bytes / this.yMax * (this.height - this.top - this.bottom);
	}

	path(points, key) {
		let path = "", pen = false;
		for (const point of points) {
			if (point[key] === undefined)
				continue;
			if (point[key] === null) {
				pen = false;
				continue;
			}
			path += `${pen ? "L" : "M"}${this.x(point.ns).toFixed(1)} ${this.y(point[key]).toFixed(1)}`;
			pen = true;
		}
		return path;
	}

	draw() {
		this.host.textContent = "";
		this.legend.textContent = "";
		if (!this.shown.length) {
			this.host.append(make("p", "empty", this.view.processes.length ? "Nothing was allocated." : "No process was traced."));
			this.note.textContent = "";
			return;
		}
		this.scale();
		this.picture = svg(this.host, "svg", { viewBox: `0 0 ${this.width} ${this.height}`, role: "img", tabindex: "0",
			"aria-label": this.summary() });
		this.axes();
		if (this.one)
			this.drawOne(this.shown[0]);
		else
			this.shown.forEach((shown, i) => this.drawOther(shown, i));
		this.note.textContent = this.remark();
		this.listen();
		if (momentsOf(this.view).length && !(compared && !compared.same_run))
			this.listenForWindows();
		this.mark(this.window);
	}

	/** Shade what lies between two moments, {from, to}; null: nothing. */
	mark(between) {
		this.window = between;
		if (!this.picture || (compared && !compared.same_run))
			return;
		this.shade ??= svg(this.picture, "rect", { class: "window" });
		if (this.shade.parentNode !== this.picture)
			this.picture.prepend(this.shade);
		this.shade.setAttribute("visibility", between ? "visible" : "hidden");
		if (!between)
			return;
		const x = this.x(Math.max(between.from, this.start));
		this.shade.setAttribute("x", x);
		this.shade.setAttribute("width", Math.max(1, this.x(Math.min(between.to, this.end)) - x));
		this.shade.setAttribute("y", this.top);
		this.shade.setAttribute("height", this.height - this.top - this.bottom);
	}

	/** The moment under the pointer. */
	moment(event) {
		const box = this.picture.getBoundingClientRect(), x = (event.clientX - box.left) * this.width / box.width;
		return this.start + (x - this.left) / (this.width - this.left - this.right) * (this.end - this.start);
	}

	listenForWindows() {
		let begun = null;
		this.picture.addEventListener("pointerdown", event => {
			begun = this.moment(event);
			this.picture.setPointerCapture(event.pointerId);
		});
		this.picture.addEventListener("pointermove", event => {
			if (begun !== null && Math.abs(this.x(this.moment(event)) - this.x(begun)) > 4)
				this.mark({ from: Math.min(begun, this.moment(event)), to: Math.max(begun, this.moment(event)) });
		});
		this.picture.addEventListener("pointerup", event => {
			const from = begun;
			begun = null;
			if (from !== null && Math.abs(this.x(this.moment(event)) - this.x(from)) > 4)
				this.choose(from, this.moment(event));
		});
	}

	summary() {
		const [{ process, points }] = this.shown;
		return this.one ? `Live bytes over time: at most ${bytesText(process.totals.whole_peak_bytes)} after ` +
			`${timeText(process.totals.peak_ns - process.started_ns)}, ${bytesText(process.totals.live_bytes)} at the end; ` +
			`${points.length} points. Left and right arrow keys move along.` :
			`Live bytes over time of ${this.view.processes.length} processes.`;
	}

	remark() {
		if (!this.one)
			return this.shown.length === 8 ?
				`The 8 processes with the highest peaks are drawn; choose one for its RSS and allocator.` : "";
		const { process, sampled } = this.shown[0];
		if (compared && !compared.same_run)
			return `This is ${baseName(process.slices.names[process.slices.names.length - 1])} alone.`;
		const whole = process.totals.whole_peak_bytes > process.totals.peak_bytes ? "This is the whole process, with what is left out elsewhere. " : "";
		return !process.totals.allocations && !whole ? "This process allocated nothing." :
			whole + (sampled ? "" : "Nothing was sampled in between: only the start, the peak and the end are known.");
	}

	axes() {
		for (const mark of this.yMarks.marks) {
			svg(this.picture, "line", { class: "grid", x1: this.left, x2: this.width - this.right, y1: this.y(mark), y2: this.y(mark) });
			svg(this.picture, "text", { x: this.left - 8, y: this.y(mark) + 4, "text-anchor": "end" }, mark ? bytesShort(mark) : "0");
		}
		const span = this.end - this.start, { marks, unit } = marksOf(span, this.width < 560 ? 3 : 7);
		for (const mark of marks) {
			const x = this.x(this.start + mark);
			svg(this.picture, "text", { x, y: this.height - 8, "text-anchor": x > this.width - 40 ? "end" : "middle" }, timeShort(mark, unit));
		}
	}

	/** An entry of the legend; what can be hidden, because it makes the rest small, is a button. */
	key(colour, name, hides) {
		const entry = make(hides ? "button" : "span", ""), mark = make("i", hides ? "thin" : "");
		if (hides) {
			entry.type = "button";
			entry.dataset.series = hides;
			entry.title = `Show or hide ${name}`;
			entry.setAttribute("aria-pressed", String(!this.hidden.has(hides)));
			entry.addEventListener("click", () => {
				if (!this.hidden.delete(hides))
					this.hidden.add(hides);
				this.draw();
				this.legend.querySelector(`[data-series="${hides}"]`).focus();
			});
		}
		mark.style.background = colour;
		entry.append(mark, name);
		this.legend.append(entry);
	}

	drawOne({ process, sampled, points }) {
		const broken = sampled ? "" : " guess", live = this.path(points, "live"), last = points[points.length - 1];
		svg(this.picture, "path", { class: "area", d: `${live}L${this.x(last.ns).toFixed(1)} ${this.y(0)}L${this.x(points[0].ns).toFixed(1)} ${this.y(0)}Z` });
		this.key("var(--live)", "Live");
		for (const [key, name] of [["rss", "RSS"], ["heap", "Allocator"]]) {
			const known = points.filter(point => point[key] !== null && point[key] !== undefined);
			if (!known.length || !sampled)
				continue;
			this.key(`var(--${key})`, name, key);
			if (this.hidden.has(key))
				continue;
			svg(this.picture, "path", { class: key, d: this.path(points, key) });
			const latest = known[known.length - 1];
			if (this.x(latest.ns) - this.x(known[0].ns) < 8) /* too short a line to be seen */
				svg(this.picture, "circle", { class: "dot", r: 4, cx: this.x(latest.ns), cy: this.y(latest[key]) }).style.fill = `var(--${key})`;
		}
		svg(this.picture, "path", { class: `live${broken}`, d: live });
		for (const point of sampled ? [] : points)
			svg(this.picture, "circle", { class: "dot", r: 3.5, cx: this.x(point.ns), cy: this.y(point.live) });
		this.markPeak(process);
	}

	markPeak(process) {
		const { whole_peak_bytes: bytes, peak_ns: ns } = process.totals;
		if (!bytes)
			return;
		const x = this.x(Math.min(Math.max(ns, this.start), this.end)), y = this.y(bytes), left = x > this.width * 0.7;
		svg(this.picture, "line", { class: "peak", x1: x, x2: x, y1: y, y2: this.y(0) });
		svg(this.picture, "circle", { class: "peak-dot", id: "peak-mark", r: 5, cx: x, cy: y });
		svg(this.picture, "text", { class: "peak-text", x: x + (left ? -10 : 10), y: Math.max(y - 8, 12), "text-anchor": left ? "end" : "start" },
			`Peak ${bytesText(bytes)}`);
		this.key("var(--peak)", "Peak");
	}

	drawOther({ process, sampled, points }, i) {
		const colour = `var(--l${i})`;
		const path = svg(this.picture, "path", { class: sampled ? "other" : "other guess", d: this.path(points, "live") });
		path.style.stroke = colour;
		this.key(colour, `${process.name} (${process.pid})`);
	}

	/** The cross that follows the pointer or the arrow keys. */
	listen() {
		const moments = this.one ? this.shown[0].points.map(({ ns }) => ns) : this.momentsOfAll();
		let at = moments.length - 1, cross = null;
		const hide = () => {
			if (cross)
				cross.remove();
			cross = null;
			this.tip.hide();
		};
		const point = index => {
			hide();
			at = Math.max(0, Math.min(moments.length - 1, index));
			const x = this.x(moments[at]), box = this.picture.getBoundingClientRect();
			cross = svg(this.picture, "line", { class: "cross", x1: x, x2: x, y1: this.top, y2: this.height - this.bottom });
			this.tip.show(this.one ? this.describe(this.shown[0].points[at]) : this.describeAll(moments[at]),
				box.left + x * box.width / this.width, box.top + 20);
		};
		this.picture.addEventListener("pointermove", event => {
			const ns = this.moment(event), after = moments.findIndex(moment => moment >= ns);
			point(after < 0 ? moments.length - 1 : after > 0 && ns - moments[after - 1] < moments[after] - ns ? after - 1 : after);
		});
		this.picture.addEventListener("pointerleave", hide);
		this.picture.addEventListener("blur", hide);
		this.picture.addEventListener("keydown", event => {
			const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -20, PageDown: 20, Home: -moments.length, End: moments.length }[event.key];
			if (step) {
				event.preventDefault();
				point(at + step);
			}
		});
	}

	/** Of several processes the picture is stepped through evenly. */
	momentsOfAll() {
		return Array.from({ length: 201 }, (unused, i) => this.start + (this.end - this.start) * i / 200);
	}

	/** What the processes that lived at a moment had: what is drawn at it. */
	describeAll(ns) {
		const box = make("div", ""), table = make("table", "");
		box.append(make("b", "", `after ${timeText(Math.round(ns - this.start))}`), table);
		for (const { process, points } of this.shown) {
			const after = points.findIndex(point => point.ns >= ns), to = points[after], from = points[Math.max(0, after - 1)];
			if (after < 0 || ns < process.started_ns)
				continue;
			const share = to.ns > from.ns ? (ns - from.ns) / (to.ns - from.ns) : 1;
			addRow(table, [`${process.name} (${process.pid})`, bytesText(Math.round(from.live + (to.live - from.live) * share))]);
		}
		return box;
	}

	describe(point) {
		const rows = [["Live", point.live], ["RSS", point.rss], ["Allocator", point.heap]].filter(([, value]) => value !== null && value !== undefined);
		const box = make("div", "");
		box.append(make("b", "", `after ${timeText(point.ns - this.start)}`));
		const table = make("table", "");
		for (const [name, value] of rows)
			addRow(table, [name, bytesText(value), bytesExact(value)]);
		box.append(table);
		return box;
	}
}
