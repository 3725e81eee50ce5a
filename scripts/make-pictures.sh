#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Make the pictures of the README anew: an HTML report of a real program, as a browser shows it, and the screen of
# `heaptrace top`. Needs a build (BUILD=DIR, default build/), sqlite3, python3, chromium, node.
#	make-pictures.sh [DIRECTORY]    (default: tools/man)

set -eu
cd "$(dirname "$0")/.."
build=${BUILD:-build}
to=${1:-tools/man}

for command in "$build/heaptrace" sqlite3 python3 chromium node; do
	command -v "$command" >/dev/null || { echo "make-pictures.sh: $command is missing" >&2; exit 1; }
done
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

heaptrace=$(cd "$(dirname "$build/heaptrace")" && pwd)/heaptrace
cat >"$scratch/words.sql" <<'SQL'
create table words(word, length, number);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 60000)
	insert into words select hex(randomblob(12)), i % 24, i from n;
create index by_word on words(word);
select length, count(*), group_concat(substr(word, 1, 2)) from words group by length order by 2 desc limit 1;
delete from words where number % 3;
vacuum;
SQL
(cd "$scratch" && "$heaptrace" --format=html --outfile=report.html --interval=20ms sqlite3 :memory: '.read words.sql' >words.out)
cat >"$scratch/picture.js" <<'JS'
await page.size(1120, 1070);
await page.send("Emulation.setScrollbarsHidden", { hidden: true });
await page.scheme("light");
await page.load("#metric=at-peak");
await page.settle();
await page.picture(process.env.PICTURE);
JS
picture() # FILE PAGE
{
	PICTURE=$1 node tests/lib/browser.js chromium "$scratch/profile" "$2" "$scratch/picture.js" >/dev/null
	size=$(wc -c <"$1")
	echo "$1: $size bytes"
	[ "$size" -lt 150000 ] || { echo "make-pictures.sh: that is too large for a README" >&2; exit 1; }
}
picture "$to/report.png" "$scratch/report.html"

# A program that grows, on a terminal; what is on the screen after some seconds, drawn by the browser.
cat >"$scratch/server.c" <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#define NOINLINE __attribute__((noinline))
static void *cache[4096], *history[1 << 20];
static int remembered;
static NOINLINE char *parse_header(int n) { char *h = malloc(200); sprintf(h, "header %d", n); return h; }
static NOINLINE void *read_body(int n) { return memset(malloc(1000 + n % 3000), 0, 1000); }
static NOINLINE void cache_insert(int n) { free(cache[n % 4096]); cache[n % 4096] = malloc(400 + n % 1000); }
static NOINLINE void log_request(int n) { if (n % 5 == 0) history[remembered++ % (1 << 20)] = malloc(96); }
static NOINLINE void session_open(int n) { if (n % 40 == 0) history[remembered++ % (1 << 20)] = calloc(1, 2048); }
static NOINLINE void handle_request(int n)
{
	char *header = parse_header(n);
	void *body = read_body(n);
	cache_insert(n); session_open(n); log_request(n);
	free(body); free(header);
}
int main(void) { for (int n = 0; n < 1000000; n++) { handle_request(n); if (n % 8 == 0) usleep(1000); } return 0; }
C
gcc -g -O1 -fno-builtin -w -o "$scratch/server" "$scratch/server.c"
python3 tests/lib/screen.py "$heaptrace" top --refresh=500ms -- "$scratch/server" >"$scratch/screen" <<'KEYS'
size 96 14
env TERM=xterm-256color LC_ALL=C.UTF-8
expect the list: log_request
shell sleep 9
show
keys q
KEYS
grep -q '^note' "$scratch/screen" || { echo "make-pictures.sh: heaptrace top showed nothing" >&2; exit 1; }
{
	echo '<!doctype html><meta charset="utf-8"><style>
		body { margin: 0; background: #16181d } pre { margin: 0; padding: 14px 18px; color: #d5d9e0;
		font: 14px/1.35 "DejaVu Sans Mono", monospace } b { color: #fff } u { text-decoration: none; background: #3a4150; color: #fff }
		i { font-style: normal; color: #6fb3ff }</style><pre>'
	sed -n 's/^note\t//p' "$scratch/screen" | sed 's/&/\&amp;/g; s/</\&lt;/g; 1s/.*/<b>&<\/b>/; s/^curve.*/<i>&<\/i>/;
		/LIVE.*BACKTRACE/s/.*/<b>&<\/b>/; s/^&gt;.*/<u>&<\/u>/; s/^>.*/<u>&<\/u>/'
	echo '</pre>'
} >"$scratch/top.html"
cat >"$scratch/picture.js" <<'JS'
await page.size(860, 296);
await page.send("Emulation.setScrollbarsHidden", { hidden: true });
await page.settle();
await page.picture(process.env.PICTURE);
JS
picture "$to/top.png" "$scratch/top.html"
