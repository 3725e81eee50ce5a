#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Make the pictures of the README anew: an HTML report of a real program, as a browser shows it. Needs a build (BUILD=DIR,
# default build/), sqlite3, chromium, node.
#	make-pictures.sh [DIRECTORY]    (default: tools/man)

set -eu
cd "$(dirname "$0")/.."
build=${BUILD:-build}
to=${1:-tools/man}

for command in "$build/heaptrace" sqlite3 chromium node; do
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
PICTURE=$to/report.png node tests/lib/browser.js chromium "$scratch/profile" "$scratch/report.html" "$scratch/picture.js" >/dev/null
size=$(wc -c <"$to/report.png")
echo "$to/report.png: $size bytes"
[ "$size" -lt 150000 ] || { echo "make-pictures.sh: that is too large for a README" >&2; exit 1; }
