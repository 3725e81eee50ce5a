// SPDX-License-Identifier: MIT

/* Groups of a model made by hand: who belongs to which, sums, order, and what rules have taken away. */

#include <stdlib.h>

#include "../../tools/group.h"
#include "../../tools/memory.h"
#include "../../tools/report_common.h"
#include "../lib/tap.h"

static struct module program = { .path = "/bin/app" }, library = { .path = "/lib/libx.so.1", .bias = 0x1000 };
static struct frame_name names[] = {
	{ .function = "xmalloc" },
	{ .function = "load", .file = "a.c", .line = 3 },
	{ .function = "load", .file = "a.c", .line = 7 },
	{ .function = "load", .file = "b.c", .line = 3 },
	{ .function = NULL },
	{ .function = "main", .file = "main.c", .line = 1 },
};
#define FRAMES 6
static struct frame frames[FRAMES];
static struct frame *stacks[][3] = {
	{ &frames[0], &frames[1], &frames[5] }, /* load a.c:3 */
	{ &frames[1], &frames[5] },             /* the same without a wrapper */
	{ &frames[2], &frames[5] },             /* load a.c:7 */
	{ &frames[3], &frames[5] },             /* load of the library */
	{ &frames[4], &frames[5] },             /* without a name */
	{ &frames[5] },                         /* main */
};
#define BACKTRACES 6
static const unsigned depths[BACKTRACES] = { 3, 2, 2, 2, 2, 1 };
static struct backtrace backtraces[BACKTRACES];
static const struct thread threads[] = { { .label = 1, .tid = 11, .name = "pool" }, { .label = 2, .tid = 12, .name = "pool" } };
static struct model model = { .frames = frames, .frame_count = FRAMES, .backtraces = backtraces, .backtrace_count = BACKTRACES,
			      .name = (char *)"app", .pid = 7, .now_ns = 1000 };

static void make_model(void)
{
	for (unsigned i = 0; i < FRAMES; i++)
		frames[i] = (struct frame) { .address = 0x1100 + i, .module = i == 3 || i == 4 ? &library : &program,
					     .names = &names[i], .name_count = 1 };
	for (unsigned i = 0; i < BACKTRACES; i++)
		backtraces[i] = (struct backtrace) { .frames = stacks[i], .depth = depths[i], .live_blocks = i + 1,
						     .live_bytes = 1ull << i, .at_peak_blocks = 2, .at_peak_bytes = 20, .peak_bytes = 99,
						     .total_blocks = 30, .total_bytes = 300, .first_ns = 50 - i, .last_ns = 60 + i };
}

/** "name live_bytes backtraces; ..." in the groups' order. */
static const char *grouped(enum group_key key)
{
	static char text[1024];
	struct options options;
	struct groups groups;
	uint64_t sum = 0;
	char *end = text;

	options_defaults(&options);
	options.group = key;
	*text = '\0';
	groups_make(&groups, &model, &options);
	for (size_t i = 0; i < groups.count; i++)
		end += sprintf(end, "%s%s %d %zu", i ? "; " : "", groups.groups[i].name, (int)groups.groups[i].sum.live_bytes,
			       groups.groups[i].backtraces);
	for (size_t i = 0; i < BACKTRACES; i++) {
		uint32_t group = groups.group_of[i];

		if (group != NO_GROUP)
			groups.groups[group].sum.live_bytes -= backtraces[i].live_bytes;
		ok(backtraces[i].ignored == (group == NO_GROUP), "backtrace %zu has a group unless it is left out", i);
	}
	for (size_t i = 0; i < groups.count; i++)
		sum += groups.groups[i].sum.live_bytes;
	is_int(sum, 0, "and finds its own");
	groups_free(&groups);
	return text;
}

static char *section(const char *option, const char *other, enum sort_key key)
{
	char program_name[] = "heaptrace", one[32], two[32], error[256] = "";
	char *arguments[] = { program_name, one, two, NULL };
	char *text = NULL;
	struct options options;
	size_t size;
	int next;
	FILE *out = open_memstream(&text, &size);

	snprintf(one, sizeof(one), "%s", option);
	snprintf(two, sizeof(two), "%s", other);
	options_defaults(&options);
	ok(options_parse(&options, SCOPE_REPORT, 3, arguments, &next, error, sizeof(error)) == OPTIONS_OK, "%s %s", option, other);
	report_groups_text(out, &model, &options, key, false);
	fclose(out);
	return text;
}

int main(void)
{
	char *text;

	make_model();
	is_str(grouped(GROUP_FUNCTION), "main 32 1; libx.so.1 (+0x104) 16 1; load 8 1; load 7 3",
	       "by function: not through wrappers, and two of a name in two modules are two");
	is_str(grouped(GROUP_MODULE), "/bin/app 39 4; /lib/libx.so.1 24 2", "by module");
	backtraces[1].thread = backtraces[4].thread = &threads[0];
	backtraces[2].thread = &threads[1];
	is_str(grouped(GROUP_THREAD), "unknown 41 3; pool 11 18 2; pool 12 4 1", "by thread: two of a name are two");
	is_str(grouped(GROUP_LINE), "main.c:1 32 1; libx.so.1 (+0x104) 16 1; b.c:3 8 1; a.c:7 4 1; a.c:3 3 2", "by line");
	backtraces[5].ignored = backtraces[2].ignored = true;
	is_str(grouped(GROUP_MODULE), "/lib/libx.so.1 24 2; /bin/app 3 2", "without what is left out");
	for (size_t i = 0; i < BACKTRACES; i++)
		backtraces[i].ignored = true;
	is_str(grouped(GROUP_LINE), "", "nothing left");
	make_model();

	text = section("--group=module", "--top=1", SORT_SIZE);
	is_str(text, "[heaptrace] dump allocation status for /proc/7/maps (app) by module, sorted by size\n"
	       "=== group #1: /bin/app === [count: 12] [size: 39 bytes] [at peak: 8/80 bytes] [total: 120/1.200 KB] [age: 955 ns]\n"
	       "    32 bytes in 6 blocks: main (main.c:1)\n    4 bytes in 3 blocks: load (a.c:7) < main (main.c:1)\n"
	       "    2 bytes in 2 blocks: load (a.c:3) < main (main.c:1)\n    1 bytes in 1 block: load (a.c:3) < main (main.c:1)\n\n",
	       "a section: the largest backtraces of the largest group");
	free(text);
	text = section("--group=function", "--top=0", SORT_AT_PEAK);
	has(text, "=== group #1: load in app === [count: 6] [size: 7 bytes] [at peak: 6/60 bytes] [total: 90/900 bytes] [age: 952 ns]\n"
	    "    20 bytes in 2 blocks: load (a.c:3) < main (main.c:1)\n", "sorted by another key, with the amounts of that");
	has(text, "=== group #2: main in app ===", "equals in the order of their live bytes");
	free(text);
	return tap_done();
}
