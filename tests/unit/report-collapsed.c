// SPDX-License-Identifier: MIT

/* Collapsed stacks: what flamegraph.pl can read, and nothing that it would misread. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../tools/allocators.h"
#include "../../tools/report.h"
#include "../../tools/report_common.h"
#include "../lib/tap.h"
#include "../lib/rendered.h"

static struct module module = { .path = "/usr/lib/libx.so.6", .bias = 0x1000 };

static struct frame_name names[][2] = {
	{ { .function = "main" } },
	{ { .function = "a;b\nc" } },
	{ { .function = "leaf 12" } },
	{ { .function = "operator new(unsigned long)" } },
	{ { .function = NULL } },
	{ { .function = "inner", .inlined = true }, { .function = "outer" } },
	{ { .function = "std::__new_allocator<int>::allocate(unsigned long, void const*)" } },
};
static struct frame frames[7];

/** Render backtraces given as indices into `names`, innermost first, -1 at the end. */
static char *render(const int (*stacks)[6], const uint64_t *bytes, size_t count, const struct options *options)
{
	struct backtrace *backtraces = calloc(count, sizeof(*backtraces));
	struct frame *links[8][6];
	struct model model = { .name = "prog", .frames = frames, .frame_count = 7, .backtraces = backtraces,
			       .backtrace_count = count };
	struct model *models[] = { &model, &model };
	char *text;

	for (size_t i = 0; i < 7; i++)
		frames[i] = (struct frame) { .address = 0x1234, .module = &module, .names = names[i],
					     .name_count = names[i][1].function ? 2 : 1 };
	for (size_t i = 0; i < count; i++) {
		backtraces[i].frames = links[i];
		backtraces[i].live_bytes = bytes[i];
		backtraces[i].total_bytes = bytes[i] * 10;
		backtraces[i].at_peak_bytes = bytes[i] * 2;
		for (unsigned j = 0; j < 6 && stacks[i][j] >= 0; j++)
			links[i][backtraces[i].depth++] = &frames[stacks[i][j]];
	}
	text = rendered(models, 1, FORMAT_COLLAPSED, options);
	free(backtraces);
	return text;
}

static void writes_stacks(void)
{
	const int stacks[][6] = { { 2, 1, 0, -1 }, { 3, 5, 0, -1 }, { 4, 0, -1 }, { 2, 1, 0, -1 }, { 0, -1 }, { -1 }, { 6, 3, 0, -1 } };
	const uint64_t bytes[] = { 5, 7, 11, 1, 0, 13, 17 };
	struct options options;
	char *text;

	options_defaults(&options);
	text = render(stacks, bytes, 7, &options);
	is_str(text, "prog;main 17\nprog;main;a:b c;leaf_12 6\nprog;main;outer;inner 7\nprog;main;libx.so.6 (+0x234) 11\n"
	       "prog;malloc 13\n", "root first, merged, cleaned, without the allocator");
	free(text);
	options.keep_allocator = true;
	options.metric = METRIC_TOTAL;
	text = render(stacks, bytes, 2, &options);
	is_str(text, "prog;main;a:b c;leaf_12;malloc 50\nprog;main;outer;inner;operator new(unsigned long);malloc 70\n",
	       "the allocator kept; bytes ever allocated");
	free(text);
	options.metric = METRIC_AT_PEAK;
	text = render(stacks, bytes, 1, &options);
	is_str(text, "prog;main;a:b c;leaf_12;malloc 10\n", "bytes at the peak");
	free(text);
	text = render(stacks + 4, bytes + 4, 1, &options);
	is_str(text, "", "stacks of nothing are left out");
	free(text);
}

static void knows_allocators(void)
{
	const char *const yes[] = { "malloc", "operator new[](unsigned long)",
				    "std::_Vector_base<int, std::allocator<int> >::_M_allocate(unsigned long)",
				    "std::allocator_traits<std::allocator<int> >::allocate(std::allocator<int>&, unsigned long)" };
	const char *const no[] = { "main", "my_malloc", "mallocs", "allocate", "std::allocator<int>::allocator()", "operator newest" };

	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		ok(is_allocator_function(yes[i]), "%s is the allocator's", yes[i]);
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		ok(!is_allocator_function(no[i]), "%s is not", no[i]);
}

int main(void)
{
	writes_stacks();
	knows_allocators();
	return tap_done();
}
