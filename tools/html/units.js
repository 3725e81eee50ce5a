// SPDX-License-Identifier: MIT
// Sizes, times and numbers, written as the text report writes them. The scripts of this folder are one script in the page
// and share one scope; html_page.c says in which order.
"use strict";

const nf = new Intl.NumberFormat("en-US");

const exact = number => nf.format(number);

/** "999 bytes", "1.045 KB": three decimals, rounded half up; KB is 1,000 bytes. */
function bytesText(bytes) {
	const size = Math.abs(bytes), sign = bytes < 0 ? "\u2212" : "";
	if (size < 1000)
		return `${sign}${size} bytes`;
	const names = ["KB", "MB", "GB", "TB"];
	let i = 0, unit = 1000;
	while (i < 3 && Math.floor(size / (unit / 1000) + 0.5) >= 1e6) {
		unit *= 1000;
		i++;
	}
	return `${sign}${(Math.floor(size / (unit / 1000) + 0.5) / 1000).toFixed(3)} ${names[i]}`;
}

/** The same with three digits, for axes and narrow places. */
function bytesShort(bytes) {
	const size = Math.abs(bytes), sign = bytes < 0 ? "\u2212" : "";
	if (size < 1000)
		return `${sign}${size} B`;
	const names = ["KB", "MB", "GB", "TB"];
	let i = 0, value = size / 1000;
	while (i < 3 && value >= 999.5) {
		value /= 1000;
		i++;
	}
	return `${sign}${value >= 99.95 ? value.toFixed(0) : value >= 9.995 ? value.toFixed(1) : value.toFixed(2)} ${names[i]}`;
}

function countShort(count) {
	const size = Math.abs(count), sign = count < 0 ? "\u2212" : "";
	if (size < 10000)
		return sign + exact(size);
	const names = ["k", "M", "G", "T"];
	let i = 0, value = size / 1000;
	while (i < 3 && value >= 999.5) {
		value /= 1000;
		i++;
	}
	return `${sign}${value >= 99.95 ? value.toFixed(0) : value >= 9.995 ? value.toFixed(1) : value.toFixed(2)} ${names[i]}`;
}

const bytesExact = bytes => `${exact(bytes)} ${Math.abs(bytes) === 1 ? "byte" : "bytes"}`;
const blocksText = blocks => `${exact(blocks)} ${Math.abs(blocks) === 1 ? "block" : "blocks"}`;

/** "152.000 us", "4 mins 5 secs", as the ages of the text report. */
function timeText(ns) {
	if (ns < 1e3)
		return `${ns} ns`;
	if (Math.round(ns) < 1e6)
		return `${(Math.floor(ns) / 1e3).toFixed(3)} us`;
	if (Math.round(ns / 1e3) < 1e6)
		return `${(Math.round(ns / 1e3) / 1e3).toFixed(3)} ms`;
	if (Math.round(ns / 1e6) < 60000)
		return `${(Math.round(ns / 1e6) / 1e3).toFixed(3)} secs`;
	const seconds = Math.floor(ns / 1e9);
	if (seconds < 3600)
		return `${Math.max(1, Math.floor(seconds / 60))} mins ${seconds % 60} secs`;
	return `${Math.floor(seconds / 3600)} hours ${Math.floor(seconds / 60) % 60} mins`;
}

/** For axes: as short as the step between two marks allows. */
function timeShort(ns, step) {
	const units = [[3600e9, "h"], [60e9, "min"], [1e9, "s"], [1e6, "ms"], [1e3, "us"], [1, "ns"]];
	const [unit, name] = units.find(([size]) => ns >= size * 0.9999 || size === 1);
	if (ns === 0)
		return "0";
	const decimals = Math.max(0, Math.min(3, Math.ceil(-Math.log10(step / unit) - 1e-9)));
	return `${(ns / unit).toFixed(decimals)} ${name}`;
}

function shareText(part, whole) {
	if (!whole)
		return "0.0%";
	const share = part * 100 / whole;
	return share > 0 && share < 0.05 ? "<0.1%" : `${share.toFixed(1)}%`;
}

const baseName = path => path.slice(path.lastIndexOf("/") + 1) || path;
