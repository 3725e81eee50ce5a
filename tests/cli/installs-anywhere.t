#!/bin/sh
# SPDX-License-Identifier: MIT
# make install under any PREFIX, staged by DESTDIR, moved, through a symlink, from any directory; uninstall leaves nothing.
. "${0%/*}/../lib/tap.sh"

run make -C "$SOURCE" -s O="$BUILD" PREFIX=/usr DESTDIR="$T/root" install
is "$status" 0 "make install PREFIX=/usr DESTDIR=..."
like "$(cd "$T/root" && find . -type f)" './usr/bin/heaptrace' "the command"
like "$(cd "$T/root" && find . -type f)" './usr/lib/heaptrace/libheaptrace.so' "the library, in a directory of ours"
like "$(cd "$T/root" && find . -type f)" './usr/share/man/man1/heaptrace.1' "the man page"
like "$(cd "$T/root" && find . -type f)" './usr/share/man/man5/heaptrace-json.5' "and that of the JSON report"
like "$(cd "$T/root" && find . -type f)" './usr/share/heaptrace/heaptrace.schema.json' "and its schema"
like "$(cd "$T/root" && find . -type f)" './usr/share/man/man3/heaptrace.3' "and that of the functions"
if [ -e "$BUILD/lua/heaptrace.so" ]; then
	like "$(cd "$T/root" && find . -type f)" './usr/lib/lua/5.4/heaptrace.so' "the Lua module, where the interpreter looks for it"
fi
like "$(cd "$T/root" && find . -type f)" './usr/include/heaptrace.h' "the header"
like "$(cat "$T/root/usr/lib/pkgconfig/heaptrace.pc")" '^libdir=/usr/lib/heaptrace' "and what pkg-config says of it"
for page in report export diff dump top; do
	like "$(cd "$T/root" && find . -type f)" "./usr/share/man/man1/heaptrace-$page.1" "heaptrace-$page(1)"
done
for place in bash-completion/completions/heaptrace zsh/site-functions/_heaptrace fish/vendor_completions.d/heaptrace.fish; do
	like "$(cd "$T/root" && find . -type f)" "./usr/share/$place" "the completion in $place"
done
cd / || exit 1
run "$T/root/usr/bin/heaptrace" --color=never "$GUESTS/leak"
like "$err" '=== backtrace' "runs from another directory"
ln -s "$T/root/usr/bin/heaptrace" "$T/link"
run "$T/link" --color=never "$GUESTS/leak"
like "$err" '=== backtrace' "runs through a symlink"
mkdir "$T/bin"
ln -s ../link "$T/bin/heaptrace"
run env PATH="$T/bin:$PATH" heaptrace --color=never "$GUESTS/leak"
like "$err" '=== backtrace' "runs through PATH and two symlinks"
mv "$T/root" "$T/moved root"
run "$T/moved root/usr/bin/heaptrace" --color=never "$GUESTS/leak"
like "$err" '=== backtrace' "runs after it was moved, with a space in its path"
mv "$T/moved root" "$T/root"
run make -C "$SOURCE" -s O="$BUILD" PREFIX=/usr DESTDIR="$T/root" uninstall
is "$status" 0 "make uninstall"
is "$(find "$T/root" -mindepth 1)" "" "leaves nothing"

run make -C "$SOURCE" -s O="$BUILD" PREFIX="$T/opt/heap trace" install
if [ "$status" -eq 0 ]; then
	run "$T/opt/heap trace/bin/heaptrace" --color=never "$GUESTS/leak"
	like "$err" '=== backtrace' "a PREFIX with a space"
fi
run make -C "$SOURCE" -s O="$BUILD" PREFIX="$T/linked" install
cat >"$T/linked.c" <<'C'
#include <heaptrace.h>
#include <stdlib.h>
int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	struct heaptrace_totals t;
	char *block = malloc(1234);
	int traced = heaptrace_get_totals(&t);
	printf("%d %d %d\n", traced, (int)t.allocations, (int)t.live_bytes);
	return block == NULL;
}
C
words=$(PKG_CONFIG_PATH="$T/linked/lib/pkgconfig" pkg-config --cflags --libs heaptrace 2>/dev/null) ||
	words="-I$T/linked/include -L$T/linked/lib/heaptrace -Wl,-rpath,$T/linked/lib/heaptrace -lheaptrace"
# shellcheck disable=SC2086
(cd "$T" && ${CC:-gcc} -fno-builtin -o linked.out linked.c -Wl,--as-needed $words)
ok $? "a program links with -lheaptrace, as pkg-config says"
cd "$T" || exit 1
run ./linked.out
is "$out" "0 1 1234" "and is traced without a launcher"
run "$HT" report --format=json heaptrace.linked.out.*.htrace
is "$(jq '.processes[0].totals.live_bytes' out)" 1234 "with a snapshot"
rm -f heaptrace.linked.out.*
run "$T/linked/bin/heaptrace" --outfile=report.json --format=json ./linked.out
is "$out" "0 1 1234" "under the launcher its blocks are counted once"
is "$(jq '.processes[0].totals.live_bytes' report.json) $(ls heaptrace.linked.out.* 2>/dev/null)" "1234 " "and there is one report"

mkdir -p "$T/here/bin" && echo mine >"$T/here/bin/other"
run make -C "$SOURCE" -s O="$BUILD" PREFIX="$T/here" install
run make -C "$SOURCE" -s O="$BUILD" PREFIX="$T/here" uninstall
is "$(cd "$T/here" && find . -type f)" ./bin/other "what was there before stays"
cp "$BUILD/heaptrace" "$T/alone"
run "$T/alone" "$GUESTS/leak" 1 1 0
case $status in
0) like "$err" 'backtrace\|libheaptrace' "without its library: an installed one, or a message";;
*) is "$status" 125 "without its library: 125"; like "$err" 'libheaptrace\.so' "and says what is missing";;
esac
cd "$BUILD/tests" || exit 1
run ../heaptrace --color=never guests/leak
like "$err" '=== backtrace' "from the build tree, by a relative path"
done_testing
