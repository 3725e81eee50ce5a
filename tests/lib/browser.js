// SPDX-License-Identifier: MIT
/*
 * A page in a real browser, driven over the DevTools protocol: node browser.js CHROMIUM PROFILE PAGE.html SCRIPT.js
 * The script is the body of an async function of `page` and `say`. What is said goes to stdout, a line each; at the end
 * "requests N" and "errors N" say what the browser fetched besides the page, and what it complained about.
 */
"use strict";
const { spawn } = require("child_process");
const { readFileSync, writeFileSync } = require("fs");
const { pathToFileURL } = require("url");

const [chromium, profile, file, script] = process.argv.slice(2);
const browser = spawn(chromium, ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
	"--disable-extensions", "--disable-background-networking", "--disable-component-update", "--remote-debugging-pipe",
	`--user-data-dir=${profile}`, "--window-size=1280,1000", "about:blank"], { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
const [, , , down, up] = browser.stdio;
const waiting = new Map(), heard = { requests: [], errors: [] };
let number = 0, rest = Buffer.alloc(0), session, loaded;

function send(method, params = {}) {
	down.write(JSON.stringify({ id: ++number, method, params, sessionId: session }) + "\0");
	return new Promise((resolve, reject) => waiting.set(number, { resolve, reject, method }));
}

function hear(message) {
	const { id, method, params, result, error } = message;
	if (id) {
		const { resolve, reject, method: asked } = waiting.get(id);
		waiting.delete(id);
		return error ? reject(new Error(`${asked}: ${error.message}`)) : resolve(result);
	}
	if (method === "Network.requestWillBeSent" && !/^(file|data|about):/.test(params.request.url))
		heard.requests.push(params.request.url);
	if (method === "Runtime.exceptionThrown")
		heard.errors.push(params.exceptionDetails.exception?.description || params.exceptionDetails.text);
	if (method === "Log.entryAdded" && params.entry.level === "error")
		heard.errors.push(params.entry.text);
	if (method === "Page.loadEventFired" && loaded)
		loaded();
	return undefined;
}

up.on("data", data => {
	rest = Buffer.concat([rest, data]);
	for (let end; (end = rest.indexOf(0)) >= 0; rest = rest.subarray(end + 1))
		hear(JSON.parse(rest.subarray(0, end).toString()));
});

const quote = JSON.stringify;
const say = (...words) => console.log(words.join(" "));

const page = {
	heard,
	send,
	async open(url) {
		const done = new Promise(resolve => { loaded = resolve; });
		await send("Page.navigate", { url: "about:blank" });
		await done;
		const again = new Promise(resolve => { loaded = resolve; });
		await send("Page.navigate", { url });
		await again;
	},
	load: (hash = "") => page.open(pathToFileURL(file).href + hash),
	/** The value of an expression in the page. */
	async get(expression) {
		const { result, exceptionDetails } = await send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
		if (exceptionDetails)
			throw new Error(`${expression}: ${exceptionDetails.exception?.description || exceptionDetails.text}`);
		return result.value;
	},
	text: selector => page.get(`document.querySelector(${quote(selector)}).textContent`),
	count: selector => page.get(`document.querySelectorAll(${quote(selector)}).length`),
	shown: selector => page.get(`document.querySelector(${quote(selector)}).getClientRects().length > 0`),
	/** Where something is; it is brought into view. An expression or a selector. */
	async place(what) {
		const element = what.startsWith("js:") ? what.slice(3) : `document.querySelector(${quote(what)})`;
		return page.get(`(async () => { const e = ${element}; e.scrollIntoView({ block: "center", behavior: "instant" });
			await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))); // what scrolling starts
			const r = e.getBoundingClientRect(); return { x: r.x + Math.min(r.width / 2, 40), y: r.y + Math.min(r.height / 2, 10) }; })()`);
	},
	async move(what) {
		await send("Input.dispatchMouseEvent", { type: "mouseMoved", ...await page.place(what) });
		await page.settle();
	},
	async click(what) {
		const at = { ...await page.place(what), button: "left", clickCount: 1 };
		await send("Input.dispatchMouseEvent", { type: "mouseMoved", x: at.x, y: at.y });
		await send("Input.dispatchMouseEvent", { type: "mousePressed", ...at });
		await send("Input.dispatchMouseEvent", { type: "mouseReleased", ...at });
		await page.settle();
	},
	async key(key) {
		const code = { Enter: 13, Escape: 27, ArrowDown: 40, ArrowUp: 38, ArrowLeft: 37, ArrowRight: 39, Tab: 9 }[key];
		await send("Input.dispatchKeyEvent", { type: "keyDown", key, code: key, windowsVirtualKeyCode: code, text: key === "Enter" ? "\r" : undefined });
		await send("Input.dispatchKeyEvent", { type: "keyUp", key, code: key, windowsVirtualKeyCode: code });
		await page.settle();
	},
	/** Type into a field in place of what it holds. */
	async type(selector, text) {
		await page.get(`(() => { const e = document.querySelector(${quote(selector)}); e.focus(); e.select(); })()`);
		if (text)
			await send("Input.insertText", { text });
		else
			await page.get(`(() => { const e = document.querySelector(${quote(selector)}); e.value = ""; e.dispatchEvent(new Event("input")); })()`);
		await page.settle();
	},
	/** Let what the page waits for (letters, frames) happen. */
	settle: () => page.get("new Promise(done => setTimeout(() => requestAnimationFrame(() => done(0)), 150))"),
	size: (width, height, mobile = false) => send("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile }),
	scheme: value => send("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value }] }),
	async picture(path) {
		writeFileSync(path, Buffer.from((await send("Page.captureScreenshot", { format: "png" })).data, "base64"));
	},
	async print() {
		return Buffer.from((await send("Page.printToPDF", { printBackground: true })).data, "base64");
	},
};

async function main() {
	const { targetId } = await send("Target.createTarget", { url: "about:blank" });
	session = (await send("Target.attachToTarget", { targetId, flatten: true })).sessionId;
	for (const domain of ["Page", "Runtime", "Network", "Log"])
		await send(`${domain}.enable`);
	await page.load();
	await new (Object.getPrototypeOf(main).constructor)("page", "say", readFileSync(script, "utf8"))(page, say);
	say("requests", heard.requests.length, ...heard.requests);
	say("errors", heard.errors.length, ...heard.errors.map(quote));
}

main().then(() => 0, error => {
	console.error(error);
	return 1;
}).then(code => {
	browser.kill("SIGKILL");
	browser.on("exit", () => process.exit(code));
});
browser.on("error", error => {
	console.error(`${chromium}: ${error.message}`);
	process.exit(1);
});
