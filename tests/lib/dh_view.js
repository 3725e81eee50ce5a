#!/usr/bin/env node
// SPDX-License-Identifier: MIT
//
// valgrind's dh_view.js on a page that is as large as it needs: dh_view.js VIEW FILE prints as JSON what it computes of
// FILE and what it shows, for each of its sort metrics that it allows. Exits with 1 where it shows an error.

"use strict";
const fs = require("fs"), vm = require("vm");

class Element {
	constructor(tag) { this.tag = tag; this.childNodes = []; this.own = ""; this.selectedIndex = 0; }
	appendChild(child) { child.parentNode = this; this.childNodes.push(child); return child; }
	replaceChild(fresh, old) { fresh.parentNode = this; this.childNodes[this.childNodes.indexOf(old)] = fresh; }
	cloneNode() { return new Element(this.tag); }
	set textContent(text) { this.own = text; this.childNodes = []; }
	get textContent() { return this.own + this.childNodes.map(child => child.textContent).join(""); }
}

const [view, file] = process.argv.slice(2);
const page = { body: new Element("body"), location: { search: "" }, createElement: tag => new Element(tag),
	createTextNode: text => { const node = new Element("text"); node.own = text; return node; } };
const context = vm.createContext({ document: page, window: {}, console, Intl, performance, URLSearchParams,
	text: fs.readFileSync(file, "utf8") });
vm.runInContext(fs.readFileSync(view, "utf8"), context);
try {
	console.log(vm.runInContext(`onLoad(); gFilename = "file"; gData = JSON.parse(text); buildTree();
		const shown = {};
		gSelectData.forEach((metric, i) => {
			if (gSelect.childNodes[i].disabled)
				return;
			gSelect.selectedIndex = i;
			displayTree();
			shown[metric.label()] = gMainDiv.textContent;
		});
		const leaves = [];
		(function walk(node, frames) {
			const all = frames.concat(node._frames);
			if (!node._kids)
				leaves.push([all.slice(1).map(frame => gData.ftbl[frame]), node._totalBytes, node._totalBlocks,
					node._maxBytes, node._maxBlocks, node._atTGmaxBytes, node._atTGmaxBlocks, node._atTEndBytes, node._atTEndBlocks]);
			(node._kids || []).forEach(kid => walk(kid, all));
		})(gRoot, []);
		JSON.stringify({ sums: [gRoot._totalBytes, gRoot._totalBlocks, gRoot._atTGmaxBytes, gRoot._atTGmaxBlocks,
			gRoot._atTEndBytes, gRoot._atTEndBlocks], leaves, shown })`, context));
} catch (error) {
	console.error("dh_view.js: " + error.message);
	process.exit(1);
}
