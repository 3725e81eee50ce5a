#!/usr/bin/env node
// SPDX-License-Identifier: MIT
//
// speedscope's own importer without a browser: speedscope.js RELEASE-DIRECTORY FILE prints what it makes of FILE as JSON,
// [{name, unit, total, stacks: {"root;...;leaf": weight}}]. The importer is in the bundle of its npm package; what follows
// behind it there wants a page and may fail.

"use strict";
const fs = require("fs"), path = require("path"), vm = require("vm");

const [directory, file] = process.argv.slice(2);
const bundle = fs.readdirSync(directory).find(name => /^speedscope.*\.js$/.test(name) && !/jfrview/.test(name));
const entrance = /async function ([\w$]+)\((\w+),(\w+)\)\{return\(await [\w$]+\)\.importProfilesFromArrayBuffer\(\2,\3\)\}/;
const source = fs.readFileSync(path.join(directory, bundle), "utf8");
if (!entrance.test(source)) {
	console.error("speedscope.js: no importer in " + bundle);
	process.exit(2);
}
const quiet = { log() {}, warn: console.error, error: console.error, time() {}, timeEnd() {} };
const page = { location: { href: "", hash: "", protocol: "file:" }, addEventListener() {} };
const context = vm.createContext({ console: quiet, TextDecoder, TextEncoder, URL, setTimeout, window: page, self: page, ...page });
try {
	vm.runInContext(source.replace(entrance, "$&globalThis.importProfiles=$1;"), context);
} catch (error) {
	if (!context.importProfiles) {
		console.error("speedscope.js: " + error.message);
		process.exit(2);
	}
}

function stacksOf(profile) {
	const stacks = {}, stack = [];
	let last = 0;

	// Weight belongs to the stack that is open while the value moves on.
	function advance(value) {
		const key = stack.join(";");

		if (value > last)
			stacks[key] = (stacks[key] || 0) + value - last;
		last = value;
	}
	profile.forEachCall((node, value) => { advance(value); stack.push(node.frame.name); },
		(node, value) => { advance(value); stack.pop(); });
	return stacks;
}

(async () => {
	const bytes = fs.readFileSync(file);
	const group = await context.importProfiles(path.basename(file), bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));

	if (!group) {
		console.error("speedscope.js: it does not know the format");
		process.exit(1);
	}
	console.log(JSON.stringify({ name: group.name, shown: group.indexToView, profiles: group.profiles.map(profile => ({
		name: profile.getName(), unit: profile.getWeightUnit(), total: profile.getTotalWeight(), stacks: stacksOf(profile) })) }));
})().catch(error => {
	console.error("speedscope.js: " + error.message);
	process.exit(1);
});
