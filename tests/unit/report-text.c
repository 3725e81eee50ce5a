// SPDX-License-Identifier: MIT

/* The text report, to the letter. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../tools/report.h"
#include "../lib/build_segment.h"
#include "../lib/tap.h"

/** The example of the manual as a model, named. */
struct example {
	struct model model;
	struct backtrace backtraces[2];
	struct frame frames[5];
	struct frame *links[5];
	struct frame_name names[5][2];
	struct module libc;
	char *command[2];
};

static struct example *example(void)
{
	static struct example e;
	const struct frame_name names[5][2] = {
		{ { .function = "leak_a", .offset = 0x21, .file = "leak.c", .line = 6 } },
		{ { .function = "main", .offset = 0x9, .file = "leak.c", .line = 13 } },
		{ { .function = NULL } },
		{ { .function = "__libc_start_main", .offset = 0x85 } },
		{ { .function = "_start", .offset = 0x21 } },
	};
	const uint64_t addresses[] = { 0x55555555515a, 0x555555555179, 0x7ffff7df724a, 0x7ffff7df7305, 0xf27811 };

	e = (struct example) {
		.model = { .pid = 4242, .name = "leak", .command = e.command, .command_count = 1, .now_ns = 1152000,
			   .start_ns = 500, .modules = &e.libc, .module_count = 1, .frames = e.frames, .frame_count = 5,
			   .backtraces = e.backtraces, .backtrace_count = 2, .allocator_ns = 1152000,
			   .allocator_arena = 135168, .allocator_uordblks = 1856,
			   .host = { .how_it_ended = "exit:0", .statm = { 2535424, 1105920, 1007616, 1152000 } },
			   .totals = { .allocations = 11, .frees = 1, .allocated_bytes = 1045, .live_blocks = 10,
				       .live_bytes = 1045, .peak_blocks = 10, .peak_bytes = 1045 } },
		.libc = { .path = "/lib/x86_64-linux-gnu/libc.so.6", .bias = 0x7ffff7dd0000, .start = 0x7ffff7dd0000,
			  .end = 0x7ffff7fb0000 },
		.command = { "./leak" },
	};
	memcpy(e.names, names, sizeof(names));
	for (size_t i = 0; i < 5; i++) {
		e.frames[i] = (struct frame) { .address = addresses[i], .names = e.names[i], .name_count = 1 };
		e.links[i] = &e.frames[i];
	}
	e.frames[2].module = &e.libc;
	e.model.entries[HT_ENTRY_MALLOC] = 0x7ffff7f9f47c;
	e.backtraces[0] = (struct backtrace) { .depth = 5, .frames = e.links, .live_blocks = 10, .live_bytes = 1045,
					       .peak_blocks = 10, .peak_bytes = 1045, .total_blocks = 10,
					       .total_bytes = 1045, .first_ns = 1000000 };
	e.backtraces[1] = (struct backtrace) { .total_blocks = 1, .first_ns = 1000, .depth = 1, .frames = e.links + 4,
					       .peak_blocks = 1, .freed_blocks = 1 };
	return &e;
}

static char *render(struct model *model, const struct options *options, const struct report_occasion *occasion, int *status)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	*status = report_text(out, model, options, occasion);
	fclose(out);
	return text;
}

#define RULER "=================================================================\n"

static const char summary[] =
	"[heaptrace] heap traced num of backtrace : 1\n"
	"[heaptrace] heap traced allocation size  : 1.045 KB\n"
	"[heaptrace] heap traced peak / total     : 1.045 KB / 1.045 KB\n"
	"[heaptrace] allocator info (virtual)     : 135.168 KB\n"
	"[heaptrace] allocator info (resident)    : 1.856 KB\n"
	"[heaptrace] statm info (VSS/RSS/shared)  : 2.535 MB / 1.106 MB / 1.008 MB\n";

static void prints_the_manual(void)
{
	struct options options;
	struct report_occasion occasion = { .final = true };
	char expected[4096], *text;
	int status;

	options_defaults(&options);
	text = render(&example()->model, &options, &occasion, &status);
	snprintf(expected, sizeof(expected),
		 "[heaptrace] initialized for /proc/4242/maps (leak)\n"
		 "[heaptrace] finalized for /proc/4242/maps (leak)\n" RULER
		 "[heaptrace] dump allocation status for /proc/4242/maps (leak) sorted by size\n"
		 "=== backtrace #1 === [count/peak: 10/10] [size/peak: 1.045 KB/1.045 KB] [age: 152.000 us]\n"
		 " 0 [0x7ffff7f9f47c] malloc +0x0\n"
		 " 1 [0x55555555515a] leak_a +0x21 (leak.c:6)\n"
		 " 2 [0x555555555179] main +0x9 (leak.c:13)\n"
		 " 3 [0x7ffff7df724a] /lib/x86_64-linux-gnu/libc.so.6 (+0x2724a)\n"
		 " 4 [0x7ffff7df7305] __libc_start_main +0x85\n"
		 " 5 [      0xf27811] _start +0x21\n\n%s" RULER, summary);
	is_str(text, expected, "the manual's example, to the letter");
	is_int(status, 0, "printed");
	free(text);
}

static void prints_inlined_and_truncated_frames(void)
{
	struct options options;
	struct report_occasion occasion = { .final = true };
	struct example *e = example();
	char *text;
	int status;

	options_defaults(&options);
	e->names[1][0] = (struct frame_name) { .function = "helper", .file = "a.h", .line = 3, .inlined = true };
	e->names[1][1] = (struct frame_name) { .function = "main", .offset = 9, .file = "a.c" };
	e->frames[1].name_count = 2;
	e->backtraces[0].truncated = true;
	text = render(&e->model, &options, &occasion, &status);
	has(text, " 2 [0x555555555179] helper (a.h:3) [inlined]\n 2 [0x555555555179] main +0x9 (a.c)\n",
	    "inlined functions first, with the same number and address");
	has(text, "_start +0x21\n   [truncated]\n\n", "a cut is said");
	free(text);
}

static void says_when_and_why(void)
{
	struct options options;
	struct report_occasion occasion = { .reason = "SIGUSR2", .force_sort = SORT_COUNT };
	char *text;
	int status;

	options_defaults(&options);
	text = render(&example()->model, &options, &occasion, &status);
	has(text, "[heaptrace] dump for /proc/4242/maps (leak) after 1.152 ms: SIGUSR2\n" RULER, "when and why");
	has(text, "sorted by count\n", "the signal's key");
	ok(!strstr(text, "finalized"), "not finalized");
	free(text);
}

static void is_silent_when_nothing_is_live(void)
{
	struct options options;
	struct report_occasion occasion = { .final = true };
	struct example *e = example();
	char *text;
	int status;

	options_defaults(&options);
	e->backtraces[0].live_blocks = e->backtraces[0].live_bytes = 0;
	e->model.totals.live_blocks = e->model.totals.live_bytes = 0;
	e->model.totals.allocations = 1011;
	e->model.totals.peak_bytes = 5141;
	text = render(&e->model, &options, &occasion, &status);
	is_str(text, "", "nothing live, nothing printed");
	is_int(status, 1, "that is told");
	free(text);
	options.verbose = true;
	text = render(&e->model, &options, &occasion, &status);
	is_str(text, "[heaptrace] nothing live: 1011 allocations, peak 5.141 KB\n", "-v: one line");
	free(text);
	options.verbose = false;
	options.sort[0] = SORT_TOTAL;
	options.sort_count = 1;
	text = render(&e->model, &options, &occasion, &status);
	has(text, "[count/peak: 0/10] [size/peak: 0 bytes/1.045 KB] [age: 152.000 us] [total: 10/1.045 KB]\n",
	    "sorted by total: what is gone as well");
	has(text, "=== backtrace #2 ===", "all of it");
	free(text);
	options_defaults(&options);
	e->model.table_full = 3;
	text = render(&e->model, &options, &occasion, &status);
	has(text, "not seen: 3 allocations, because a table could not grow", "what was missed is never silent");
	free(text);
}

static void says_what_was_not_seen(void)
{
	struct options options;
	struct report_occasion occasion = { .final = true };
	struct example *e = example();
	char *text;
	int status;

	options_defaults(&options);
	e->model.host.untraced = calloc(1, sizeof(*e->model.host.untraced));
	e->model.host.untraced[0].pid = 99;
	e->model.host.untraced[0].reason = "/bin/su is setuid";
	e->model.host.untraced_count = 1;
	e->model.nested_allocations = 1;
	e->model.inherited_frees = 2;
	e->model.corrupt_records = 4;
	e->model.peak_bound_bytes = 128000;
	e->model.allocator_ns = 0;
	e->model.host.statm.ns = 0;
	text = render(&e->model, &options, &occasion, &status);
	has(text, "[heaptrace] not seen: child 99: /bin/su is setuid\n", "children");
	has(text, "[heaptrace] not seen: 1 allocation of signal handlers", "nested allocations");
	has(text, "[heaptrace] not seen: 2 blocks from before the start or from the parent", "inherited blocks");
	has(text, "[heaptrace] not seen: 4 records, because they were corrupt\n" RULER, "corrupt records");
	has(text, "1.045 KB / 1.045 KB (true peak less than 128.000 KB above; --exact)\n", "the bound of the peak");
	has(text, "(virtual)     : n/a\n", "no allocator figures");
	has(text, "(VSS/RSS/shared)  : n/a\n", "no statm");
	free(e->model.host.untraced);
	free(text);
}

static void colours_for_people_only(void)
{
	struct options options;
	struct report_occasion occasion = { .final = true, .terminal = true };
	struct example *e = example();
	char *text, *name = malloc(2001);
	int status;

	memset(name, 'n', 2000);
	name[2000] = '\0';
	e->names[1][0].function = name;
	options_defaults(&options);
	setenv("COLUMNS", "80", 1);
	text = render(&e->model, &options, &occasion, &status);
	has(text, "[size/peak: 1.045 KB (100.0%)/1.045 KB]", "a terminal sees the share");
	has(text, "\033[", "and colours");
	has(text, "nnn...nnn", "and long names shortened in the middle");
	ok(strstr(text, "(leak.c:13)") != NULL, "never the line");
	free(text);
	options.color = COLOR_NEVER;
	text = render(&e->model, &options, &occasion, &status);
	ok(!strstr(text, "\033["), "unless told not to");
	free(text);
	options.color = COLOR_AUTO;
	occasion.terminal = false;
	text = render(&e->model, &options, &occasion, &status);
	has(text, name, "elsewhere names are whole");
	ok(!strstr(text, "\033[") && !strstr(text, "100.0%"), "and plain");
	free(text);
	free(name);
}

static void sums_up_what_is_ignored(void)
{
	char path[] = "/tmp/rules.XXXXXX";
	int fd = mkstemp(path), status;
	struct options options;
	struct report_occasion occasion = { .final = true };
	struct example *e = example();
	char *text;

	dprintf(fd, "leak_a\nnobody\n");
	close(fd);
	options_defaults(&options);
	options.ignore = path;
	options.verbose = true;
	e->backtraces[1].live_blocks = 1;
	e->backtraces[1].live_bytes = 5;
	e->model.totals.live_blocks = 11;
	e->model.totals.live_bytes = 1050;
	text = render(&e->model, &options, &occasion, &status);
	has(text, "[heaptrace] ignored: 1.045 KB in 10 blocks of 1 backtraces (--ignore)\n", "one line sums them up");
	has(text, "[heaptrace] unused rule: nobody\n", "unused rules are named");
	has(text, "heap traced allocation size  : 5 bytes\n", "the totals are without them");
	ok(!strstr(text, "leak_a +"), "they are not listed");
	free(text);
	unlink(path);
}

static void shows_the_top(void)
{
	struct built built = build_seed();
	struct model *model = build_model(&built, 1, NULL);
	struct options options;
	struct report_occasion occasion = { .final = true };
	char *text;
	int status;

	options_defaults(&options);
	options.top = 3;
	options.sort[0] = SORT_SIZE;
	options.sort[1] = SORT_AGE;
	options.sort_count = 2;
	text = render(model, &options, &occasion, &status);
	has(text, "=== backtrace #3 ===", "three of them");
	ok(!strstr(text, "=== backtrace #4 ==="), "and no more");
	has(text, "sorted by size\n", "the first section");
	has(text, "sorted by age\n", "the second section");
	has(text, "(seed)", "the program's name");
	has(text, "/lib/libseed.so.1 (+0x", "a library that is not there has no names");
	free(text);
	model_free(model);
	build_free(&built);
}

int main(void)
{
	unsetenv("COLUMNS");
	prints_the_manual();
	prints_inlined_and_truncated_frames();
	says_when_and_why();
	is_silent_when_nothing_is_live();
	says_what_was_not_seen();
	sums_up_what_is_ignored();
	shows_the_top();
	colours_for_people_only();
	return tap_done();
}
