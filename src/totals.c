// SPDX-License-Identifier: MIT

#include "totals.h"
#include "chunks.h"
#include "guest.h"

/* Where a walk adds up: one sum, or one for each of `count` numbers from `first` on. */
struct walk {
	struct ht_cell *sums;
	uint32_t first, count;
	bool together;
};

static void add_pair(struct ht_pair *to, const struct ht_pair *pair)
{
	to->blocks += load_relaxed(&pair->blocks);
	to->bytes += load_relaxed(&pair->bytes);
}

static void add_block(struct walk *walk, const struct ht_cell *cells, uint32_t trace)
{
	for (uint32_t i = 0; i < HT_BLOCK_CELLS; i++, trace++) {
		if (trace - walk->first >= walk->count)
			continue;
		struct ht_cell *to = walk->together ? walk->sums : &walk->sums[trace - walk->first];

		add_pair(&to->freed, &cells[i].freed);
		add_pair(&to->allocated, &cells[i].allocated);
	}
}

static void visit_cells(const struct ht_chunk *chunk, void *data)
{
	const struct ht_cells *cells = (const struct ht_cells *)chunk;

	for (uint32_t block = 1; block < HT_CHUNK_BLOCKS; block++) {
		uint32_t base = load_acquire(&cells->base[block]);

		if (base)
			add_block(data, &cells->cells[(block - 1) * HT_BLOCK_CELLS], base - 1);
	}
}

void totals_sum(struct ht_cell *sum)
{
	struct walk walk = {.sums = sum, .first = load_relaxed(&guest.process->first_trace), .count = HT_MAX_TRACES, .together = true};

	chunks_each(HT_CHUNK_CELLS, visit_cells, &walk);
}

void totals_by_trace(struct ht_cell *sums, uint32_t first, uint32_t count)
{
	struct walk walk = {.sums = sums, .first = first, .count = count};

	chunks_each(HT_CHUNK_CELLS, visit_cells, &walk);
}
