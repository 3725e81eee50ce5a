// SPDX-License-Identifier: MIT

#include "churn.h"

#include <inttypes.h>
#include <stdlib.h>

#include "json.h"
#include "memory.h"
#include "units.h"

static void add_item(struct model *model, const struct past *past, uint32_t trace, const struct ht_churn *item)
{
	uint32_t number = past->backtrace_of(past->builder, trace);
	struct churn churn = {
		.temporary_blocks = item->temporary_blocks,
		.temporary_bytes = item->temporary_bytes,
		.reallocs = item->reallocs,
		.moved_blocks = item->moved_blocks,
		.moved_bytes = item->moved_bytes,
	};

	if (number >= model->backtrace_count)
		return;
	for (unsigned i = 0; i < HT_CHURN_CLASSES; i++)
		churn.sizes[i] = item->sizes[i];
	churn_add(&model->churns[number], &churn);
}

size_t churn_read(struct model *model, const struct past *past)
{
	struct items items;
	size_t bad;

	if (!(model->option_flags & HT_OPTION_CHURN))
		return 0;
	bad = items_collect(&items, past->snapshot, model->number, HT_CHUNK_CHURN, sizeof(struct ht_churn), 0,
			    HT_MAX_TRACES / HT_CHURN_ITEMS * (HT_CHURN_ITEMS + 1) + HT_CHURN_ITEMS + 1);
	model->churns = memory_zeroed(model->backtrace_count + 1, sizeof(*model->churns));
	for (size_t i = 0; i < model->backtrace_count; i++)
		model->backtraces[i].churn = &model->churns[i];
	for (size_t i = 0; i < items.count; i++) {
		const struct item_run *run = &items.runs[i];

		if (run->first % (HT_CHURN_ITEMS + 1)) {
			bad++;
			continue;
		}
		for (uint32_t j = 1; j < run->end - run->first && j <= HT_CHURN_ITEMS; j++)
			add_item(model, past, run->first / (HT_CHURN_ITEMS + 1) * HT_CHURN_ITEMS + j - 1,
				 (const struct ht_churn *)run->data + j);
	}
	items_free(&items);
	return bad;
}

void churn_add(struct churn *to, const struct churn *from)
{
	to->temporary_blocks += from->temporary_blocks;
	to->temporary_bytes += from->temporary_bytes;
	to->reallocs += from->reallocs;
	to->moved_blocks += from->moved_blocks;
	to->moved_bytes += from->moved_bytes;
	for (unsigned i = 0; i < HT_CHURN_CLASSES; i++)
		to->sizes[i] += from->sizes[i];
}

struct churn churn_sum(const struct model *model)
{
	struct churn sum = { 0 };

	for (size_t i = 0; i < model->backtrace_count; i++) {
		if (!model->backtraces[i].ignored && model->backtraces[i].churn)
			churn_add(&sum, model->backtraces[i].churn);
	}
	return sum;
}

void churn_tags(FILE *out, const struct backtrace *backtrace)
{
	const struct churn *churn = backtrace->churn;

	if (churn && churn->temporary_blocks)
		fprintf(out, " [temporary: %" PRIu64 " of %" PRIu64 "]", churn->temporary_blocks, backtrace->total_blocks);
	if (churn && churn->reallocs)
		fprintf(out, " [reallocs: %" PRIu64 ", copied: %s]", churn->reallocs, units_bytes(churn->moved_bytes).text);
}

/** "<=8 bytes: 12, <=1 KiB: 3, ...": powers of two, so in binary units. */
static void put_sizes(FILE *out, const struct churn *churn)
{
	static const char *const units[] = { "", "Ki", "Mi", "Gi" };
	const char *before = "";

	for (unsigned i = 0; i < HT_CHURN_CLASSES; i++) {
		bool last = i == HT_CHURN_CLASSES - 1;
		unsigned bits = i + 3 - last;

		if (!churn->sizes[i])
			continue;
		fprintf(out, "%s%s%u%s: %" PRIu64, before, last ? ">" : "<=", 1u << bits % 10, units[bits / 10], churn->sizes[i]);
		before = ", ";
	}
	fputs(*before ? "\n" : "none\n", out);
}

void churn_summary(FILE *out, const struct model *model)
{
	struct churn sum = churn_sum(model);
	uint64_t blocks = 0;

	if (!(model->option_flags & HT_OPTION_CHURN))
		return;
	for (unsigned i = 0; i < HT_CHURN_CLASSES; i++)
		blocks += sum.sizes[i];
	fprintf(out, "[heaptrace] heap traced temporary        : %" PRIu64 " of %" PRIu64 " blocks, %s\n", sum.temporary_blocks,
		blocks, units_bytes(sum.temporary_bytes).text);
	fprintf(out, "[heaptrace] heap traced reallocs         : %" PRIu64 ", %" PRIu64 " moved, %s copied\n", sum.reallocs,
		sum.moved_blocks, units_bytes(sum.moved_bytes).text);
	fputs("[heaptrace] heap traced sizes in bytes   : ", out);
	put_sizes(out, &sum);
}

void churn_json(FILE *out, const struct churn *churn)
{
	if (!churn) {
		fputs("\"churn\":null", out);
		return;
	}
	fputs("\"churn\":{", out);
	json_numbers(out, { "temporary_blocks", churn->temporary_blocks }, { "temporary_bytes", churn->temporary_bytes },
		     { "reallocs", churn->reallocs }, { "moved_blocks", churn->moved_blocks },
		     { "moved_bytes", churn->moved_bytes });
	fputs(",\"sizes\":[", out);
	for (unsigned i = 0, any = 0; i < HT_CHURN_CLASSES; i++) {
		if (!churn->sizes[i])
			continue;
		fprintf(out, "%s{\"up_to\":", any++ ? "," : "");
		if (i == HT_CHURN_CLASSES - 1)
			fputs("null", out);
		else
			fprintf(out, "%" PRIu64, (uint64_t)8 << i);
		fprintf(out, ",\"blocks\":%" PRIu64 "}", churn->sizes[i]);
	}
	fputs("]}", out);
}
