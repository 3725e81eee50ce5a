// SPDX-License-Identifier: MIT

/* Growth, rates and order from one refresh to the next. */

#include "../../tools/top_rows.h"

#include <stdlib.h>

#include "../lib/tap.h"

#define SECOND 1000000000ull

/** What one backtrace has at a moment; live 0 and total 0: not seen yet. */
struct moment {
	uint64_t live_bytes, live_blocks, total_blocks;
};

/** A model of backtraces with one frame each, as snapshot_model() makes it; addresses tell them apart. */
static struct model *model_of(uint64_t now_ns, const struct moment *moments, size_t count)
{
	struct model *model = memory_zeroed(1, sizeof(*model));

	model->now_ns = now_ns;
	model->backtraces = memory_zeroed(count, sizeof(*model->backtraces));
	model->frames = memory_zeroed(count, sizeof(*model->frames));
	model->frame_links = memory_zeroed(count, sizeof(*model->frame_links));
	for (size_t i = 0; i < count; i++) {
		struct backtrace *backtrace = &model->backtraces[model->backtrace_count];

		if (!moments[i].total_blocks)
			continue;
		model->frames[i].address = 0x1000 + i;
		model->frame_links[i] = &model->frames[i];
		*backtrace = (struct backtrace) {
			.depth = 1, .frames = &model->frame_links[i], .live_bytes = moments[i].live_bytes,
			.live_blocks = moments[i].live_blocks, .total_blocks = moments[i].total_blocks,
			.peak_bytes = 1000 - moments[i].live_bytes, .total_bytes = moments[i].total_blocks,
		};
		model->totals.live_bytes += moments[i].live_bytes;
		model->totals.allocations += moments[i].total_blocks;
		model->totals.frees += moments[i].total_blocks - moments[i].live_blocks;
		model->totals.allocated_bytes += 10 * moments[i].total_blocks;
		model->backtrace_count++;
	}
	model->frame_count = count;
	return model;
}

static void grows(void)
{
	struct top_memory memory = { 0 };
	struct moment first[] = { { 100, 1, 5 }, { 0 } }, second[] = { { 150, 2, 15 }, { 40, 4, 4 } },
		      third[] = { { 20, 1, 16 }, { 40, 4, 4 } };
	struct top_refresh *refresh = top_refresh_make(&memory, model_of(1 * SECOND, first, 2));

	is_int(refresh->count, 1, "a row for each backtrace");
	ok(!refresh->rates.known, "rates are not known at the first refresh");
	is_int(refresh->rows[0].growth, 0, "no growth yet");
	is_int(refresh->rows[0].since, 0, "none since the start either");
	top_refresh_free(refresh);

	refresh = top_refresh_make(&memory, model_of(3 * SECOND, second, 2));
	is_int(refresh->rows[0].growth, 50, "growth since the last refresh");
	is_int(refresh->rows[0].since, 50, "growth since the start");
	is_int(refresh->rows[0].allocs, 10, "allocations since the last refresh");
	is_int(refresh->rows[0].rate, 5000, "10 in 2 s are 5 a second");
	is_int(refresh->rows[1].since, 40, "what comes later has grown from nothing");
	is_int(refresh->rows[1].rate, 2000, "and all of its allocations are new");
	ok(refresh->rates.known, "rates are known");
	is_int(refresh->rates.allocations, 7000, "14 allocations in 2 s");
	is_int(refresh->rates.frees, 4500, "9 frees in 2 s");
	is_int(refresh->rates.allocated_bytes, 70000, "bytes too");
	is_int(refresh->baseline_ns, 1 * SECOND, "growth counts from the first refresh");
	top_refresh_free(refresh);

	top_memory_new_baseline(&memory);
	refresh = top_refresh_make(&memory, model_of(4 * SECOND, third, 2));
	is_int(refresh->rows[0].growth, -130, "shrunk since the last refresh");
	is_int(refresh->rows[0].since, 0, "a new baseline: nothing yet");
	is_int(refresh->baseline_ns, 4 * SECOND, "from then on");
	top_refresh_free(refresh);
	refresh = top_refresh_make(&memory, model_of(4 * SECOND, first, 2));
	is_int(refresh->rows[0].since, 80, "growth since the baseline");
	is_int(refresh->rows[0].rate, 0, "no time has passed, and totals went back: no rate");
	top_refresh_free(refresh);
	top_memory_free(&memory);
}

static void identities(void)
{
	struct top_memory memory = { 0 };
	struct moment moments[] = { { 1, 1, 1 }, { 1, 1, 1 } };
	struct model *model = model_of(SECOND, moments, 2);
	struct top_refresh *refresh;

	model->backtraces[1].frames = model->backtraces[0].frames;
	model->backtraces[1].entry = HT_ENTRY_CALLOC;
	refresh = top_refresh_make(&memory, model);
	ok(refresh->rows[0].id.a != refresh->rows[1].id.a && refresh->rows[0].id.b != refresh->rows[1].id.b,
	   "the same frames with another entry point are another backtrace");
	top_refresh_free(refresh);
	top_memory_free(&memory);
}

static bool is_second(const struct top_row *row, void *data)
{
	return row->backtrace->frames[0]->address == 0x1001;
}

/** Addresses of the rows in their order, as text. */
static const char *order_of(const struct top_refresh *refresh, enum sort_key key, bool (*is_shown)(const struct top_row *, void *))
{
	static char text[64];
	const struct top_row **order;
	size_t count = top_rows_sort(refresh, key, is_shown, NULL, &order), filled = 0;

	text[0] = '\0';
	for (size_t i = 0; i < count; i++)
		filled += (size_t)snprintf(text + filled, sizeof(text) - filled, "%d",
					   (int)(order[i]->backtrace->frames[0]->address - 0x1000));
	free(order);
	return text;
}

static void orders(void)
{
	struct top_memory memory = { 0 };
	struct moment first[] = { { 300, 1, 1 }, { 200, 2, 2 }, { 100, 3, 30 } },
		      second[] = { { 300, 1, 5 }, { 290, 2, 6 }, { 50, 3, 31 } };
	struct top_refresh *refresh;

	top_refresh_free(top_refresh_make(&memory, model_of(SECOND, first, 3)));
	refresh = top_refresh_make(&memory, model_of(2 * SECOND, second, 3));
	is_str(order_of(refresh, SORT_SIZE, NULL), "012", "by live bytes");
	is_str(order_of(refresh, SORT_COUNT, NULL), "210", "by blocks");
	is_str(order_of(refresh, SORT_GROWTH, NULL), "102", "by growth: what shrank is last");
	is_str(order_of(refresh, SORT_RATE, NULL), "012", "by rate, ties by live bytes");
	is_str(order_of(refresh, SORT_PEAK, NULL), "210", "by peak");
	is_str(order_of(refresh, SORT_TOTAL, NULL), "210", "by all bytes ever");
	is_str(order_of(refresh, SORT_SIZE, is_second), "1", "filtered");
	top_refresh_free(refresh);
	top_memory_free(&memory);
}

int main(void)
{
	grows();
	identities();
	orders();
	return tap_done();
}
