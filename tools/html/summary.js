// SPDX-License-Identifier: MIT
/* The head of the page: what ran, how it ended, totals; what was not seen; the list of processes. */

function make(name, className, content) {
	const element = document.createElement(name);
	if (className)
		element.className = className;
	if (content !== undefined)
		element.textContent = content;
	return element;
}

function addRow(table, cells) {
	const row = table.insertRow();
	for (const cell of cells)
		row.insertCell().textContent = cell;
	return row;
}

function endText(how) {
	if (!how)
		return "its end was not seen";
	const [kind, detail] = how.split(":");
	return kind === "exit" ? `ended with status ${detail}` : kind === "signal" ? `killed by ${detail}` :
		kind === "exec" ? "became another program (exec)" : kind === "running" ? "was running" : how;
}

function commandText(process) {
	return process.command.map(word => /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`).join(" ");
}

const sumOf = (processes, key) => processes.reduce((sum, process) => sum + process.totals[key], 0);

class Summary {
	constructor(choose) {
		this.choose = choose;
		if (doc.processes.length > 1)
			this.fillChooser();
		this.tree = treeOf(doc.processes);
		this.fillFooter();
	}

	fillChooser() {
		const chooser = byId("chooser"), add = (value, title) => {
			const option = make("option", "", title);
			option.value = value;
			chooser.append(option);
		};
		byId("chooser-label").hidden = false;
		add(-1, `All ${doc.processes.length} processes`);
		doc.processes.forEach((process, i) => add(i, `${process.name} (${process.pid}): peak ${bytesText(process.totals.peak_bytes)}`));
		chooser.addEventListener("change", () => this.choose(Number(chooser.value)));
	}

	fillFooter() {
		const wall = doc.processes.length ? doc.processes[0].start_wall : 0;
		const start = wall ? ` The run started at ${new Date(wall / 1e6).toISOString().slice(0, 19).replace("T", " ")} UTC.` : "";
		byId("footer").textContent = `heaptrace ${doc.heaptrace}. KB is 1,000 bytes.${start}`;
	}

	show(view) {
		const [first] = view.processes, several = view.processes.length > 1;
		if (compared) {
			this.showCompared(first);
			this.fillNotes(view);
			return;
		}
		byId("title").textContent = !first ? "No process was traced" : several ? `${first.name} and its children` : first.name;
		byId("command").textContent = first ? commandText(first) : "";
		byId("facts").textContent = !first ? "" : several ?
			`${view.processes.length} processes \u00b7 the first (${first.pid}) ${endText(first.how_it_ended)} \u00b7 ${timeText(this.span(view))}` :
			`pid ${first.pid}${first.ppid ? ` \u00b7 started by ${first.ppid}` : ""} \u00b7 ${endText(first.how_it_ended)} \u00b7 ${timeText(this.span(view))}`;
		document.title = first ? `${first.name} \u2013 heaptrace` : "heaptrace";
		byId("chooser").value = view.index;
		this.fillCards(view);
		this.fillNotes(view);
		this.fillProcesses(view);
	}

	/** The head of a difference: the snapshots, and what changed from the first to the last. */
	showCompared(process) {
		const { names, changes } = process.slices, last = names.length - 1, what = METRICS.live.title.toLowerCase();
		const ends = [0, last].map(i => liveAfter(process, i)), sums = ends.map(({ bytes, blocks }) =>
			[bytes, blocks].map(column => column.reduce((sum, value) => sum + value, 0)));
		const grown = ends[1].bytes.filter((bytes, row) => bytes > ends[0].bytes[row]).length;
		const shrunk = ends[1].bytes.filter((bytes, row) => bytes < ends[0].bytes[row]).length;
		document.title = `${process.name}: ${names.map(baseName).join(" \u2192 ")} \u2013 heaptrace`;
		byId("title").textContent = `${process.name}: what changed`;
		byId("command").textContent = names.join(" \u2192 ");
		byId("facts").textContent = `${changes.length} snapshots${compared.same_run ? " of one process" : ""} \u00b7 compared by what is ${what}`;
		byId("cards").textContent = "";
		this.card("total", "Before", sums[0][0], blocksText(sums[0][1]));
		this.card("live", "After", sums[1][0], blocksText(sums[1][1]));
		this.card("growth", "Growth", sums[1][0] - sums[0][0], `${sums[1][1] < sums[0][1] ? "" : "+"}${blocksText(sums[1][1] - sums[0][1])}`);
		this.card("count", "Backtraces grown", null, `${exact(shrunk)} shrunk, of ${exact(ends[0].bytes.length)}`, exact(grown));
	}

	span(view) {
		return Math.max(0, Math.max(...view.processes.map(process => process.now_ns)) - Math.min(...view.processes.map(process => process.started_ns)));
	}

	fillCards(view) {
		const cards = byId("cards"), { processes } = view, [one] = processes, several = processes.length > 1;
		cards.textContent = "";
		if (!one)
			return;
		const biggest = processes.reduce((most, process) => process.totals.peak_bytes > most.totals.peak_bytes ? process : most);
		const live = all.figures.live_blocks, from = view.rows[0];
		let holding = 0;
		for (let row = from; row < view.rows[1]; row++)
			holding += live[row] > 0;
		const running = processes.every(process => process.how_it_ended === "running");
		this.card("live", running ? "Live now" : several ? "Live at their ends" : "Live at the end", sumOf(processes, "live_bytes"),
			`${blocksText(sumOf(processes, "live_blocks"))} from ${exact(holding)} ${holding === 1 ? "backtrace" : "backtraces"}`);
		this.card("peak", several ? "Largest peak" : "Peak", biggest.totals.peak_bytes, this.peakText(biggest, several));
		this.card("total", "Allocated in all", sumOf(processes, "allocated_bytes"),
			`${exact(sumOf(processes, "allocations"))} allocations, ${exact(sumOf(processes, "frees"))} frees`);
		if (!several)
			this.memoryCard(one);
		else
			this.card("count", "Processes", null, `${processes.filter(process => process.totals.live_bytes).length} with live memory at the end`,
				String(processes.length));
	}

	peakText(process, several) {
		const { peak_ns: ns, peak_bound_bytes: bound, peak_blocks: blocks } = process.totals;
		const when = ns > process.started_ns ? `after ${timeText(ns - process.started_ns)}` : "at the start";
		return (several ? `${process.name} (${process.pid}), ${when}` : `${when}, ${blocksText(blocks)} at most`) +
			(bound ? `; the true peak is less than ${bytesText(bound)} above (--exact)` : "");
	}

	memoryCard(process) {
		const { statm, allocator } = process;
		const sub = allocator ? `allocator: ${bytesText(allocator.virtual)} taken, ${bytesText(allocator.resident)} in use` : "allocator: not known";
		if (statm)
			this.card("rss", "Resident (RSS)", statm.resident, sub);
		else
			this.card("rss", "Resident (RSS)", null, sub, "n/a");
	}

	card(name, title, bytes, sub, big) {
		const card = make("div", ""), term = make("dt", ""), mark = make("i", ""), value = make("dd", "big", big === undefined ? bytesText(bytes) : big);
		mark.style.background = `var(--${{ live: "live", peak: "peak", rss: "rss" }[name] || "line"})`;
		term.append(mark, title);
		value.id = `card-${name}`;
		if (bytes !== null) {
			value.title = bytesExact(bytes);
			value.dataset.value = bytes;
		}
		card.append(term, value, make("dd", "sub", sub));
		byId("cards").append(card);
	}

	fillNotes(view) {
		const seen = new Map();
		for (const process of view.processes)
			for (const note of process.notes)
				seen.set(note, [...(seen.get(note) || []), process]);
		const lists = { unseen: byId("unseen"), notes: byId("notes") };
		lists.unseen.textContent = lists.notes.textContent = "";
		for (const [note, processes] of seen) {
			const unseen = note.startsWith("not seen: "), list = unseen ? lists.unseen : lists.notes;
			const who = view.processes.length < 2 ? "" : processes.length > 3 ? ` \u2014 ${processes.length} processes` :
				` \u2014 ${processes.map(process => `${process.name} (${process.pid})`).join(", ")}`;
			list.append(make("li", "", (unseen ? note.slice(10) : note) + who));
		}
		byId("unseen-card").hidden = !lists.unseen.children.length;
		byId("notes-card").hidden = !lists.notes.children.length;
	}

	fillProcesses(view) {
		byId("processes-card").hidden = doc.processes.length < 2;
		if (doc.processes.length < 2)
			return;
		const table = byId("processes"), body = document.createElement("tbody"), head = document.createElement("thead").insertRow();
		table.textContent = "";
		for (const [title, kind] of [["Program", "left"], ["Pid", "wide"], ["Live", ""], ["Peak", ""], ["Total", "wide"],
			["Allocations", "wide"], ["Ran", "wide"], ["End", "left wide"]])
			head.append(make("th", `plain ${kind}`, title));
		table.append(head.parentNode, body);
		for (const { process, depth } of this.tree)
			body.append(this.processRow(process, depth, view));
	}

	processRow(process, depth, view) {
		const row = make("tr", "row"), { totals } = process, name = make("td", "left"), button = make("button", "choose", process.name);
		button.type = "button";
		button.title = commandText(process);
		button.style.paddingLeft = `${Math.min(depth, 12) * 16}px`;
		button.addEventListener("click", () => this.choose(process.index));
		row.dataset.process = process.index;
		if (process.index === view.index)
			row.setAttribute("aria-current", "true");
		name.append(button);
		row.append(name);
		for (const [value, kind] of [[String(process.pid), "wide"], [bytesText(totals.live_bytes), ""], [bytesText(totals.peak_bytes), ""],
			[bytesText(totals.allocated_bytes), "wide"], [exact(totals.allocations), "wide"],
			[timeText(Math.max(0, process.now_ns - process.started_ns)), "wide"], [endText(process.how_it_ended), "left wide"]])
			row.append(make("td", kind, value));
		return row;
	}
}

/** Processes as a tree, in the order of their starts: {process, depth}. After an exec the pid is the same as before. */
function treeOf(processes) {
	const children = processes.map(() => []), roots = [];
	processes.forEach((process, i) => {
		let parent = i - 1;
		while (parent >= 0 && processes[parent].pid !== process.pid && processes[parent].pid !== process.ppid)
			parent--;
		(parent >= 0 ? children[parent] : roots).push(i);
	});
	const list = [], stack = roots.reverse().map(i => [i, 0]);
	while (stack.length) {
		const [i, depth] = stack.pop();
		list.push({ process: processes[i], depth });
		stack.push(...children[i].reverse().map(child => [child, depth + (processes[child].pid === processes[i].pid ? 0 : 1)]));
	}
	return list;
}
