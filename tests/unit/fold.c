// SPDX-License-Identifier: MIT

/* Folding recursion in backtraces that are written as letters: a function for each, two lines of `a` as `a` and `A`. */

#include <stdlib.h>

#include "../../tools/fold.h"
#include "../../tools/memory.h"
#include "../lib/tap.h"

#define LETTERS "aAbcdexyz?!"
#define FRAMES (sizeof(LETTERS) - 1)
static struct frame_name names[FRAMES][2];
static struct frame frames[FRAMES];
static struct options options;

static void make_frames(void)
{
	static char functions[FRAMES][2];

	for (size_t i = 0; i < FRAMES; i++) {
		functions[i][0] = LETTERS[i] == 'A' ? 'a' : LETTERS[i];
		names[i][0].function = strchr("?!", LETTERS[i]) ? NULL : functions[i];
		frames[i] = (struct frame) { .address = 0x1000 + i, .names = names[i], .name_count = 1 };
	}
	/* x is inlined into y, so that the frame "x" is another function than the frame "y". */
	names[strchr(LETTERS, 'x') - LETTERS][0].inlined = true;
	names[strchr(LETTERS, 'x') - LETTERS][1].function = "y";
	frames[strchr(LETTERS, 'x') - LETTERS].name_count = 2;
}

/** A model with a backtrace for each word, of 1, 2, 4, ... blocks of 10 bytes. To be freed. */
static struct model *make_model(const char *words)
{
	struct model *model = memory_zeroed(1, sizeof(*model));
	struct frame **link = model->frame_links = memory_zeroed(strlen(words) + 1, sizeof(*link));

	model->frames = frames;
	model->frame_count = FRAMES;
	model->backtraces = memory_zeroed(strlen(words) + 1, sizeof(*model->backtraces));
	for (const char *word = words; *word; word += strspn(word, " ")) {
		size_t depth = strcspn(word, " ");
		uint64_t blocks = 1ull << model->backtrace_count;

		model->backtraces[model->backtrace_count++] = (struct backtrace) {
			.frames = link, .depth = (unsigned)depth, .live_blocks = blocks, .live_bytes = 10 * blocks,
			.peak_blocks = 2 * blocks, .peak_bytes = 20 * blocks, .at_peak_blocks = blocks, .total_blocks = 3 * blocks,
			.freed_blocks = 2 * blocks, .first_ns = 100 - blocks, .last_ns = 100 + blocks,
		};
		while (depth--)
			*link++ = &frames[strchr(LETTERS, *word++) - LETTERS];
	}
	return model;
}

static void free_model(struct model *model)
{
	free(model->frame_links);
	free(model->backtraces);
	free(model->folds);
	free(model);
}

/** As make_model()'s words; behind what stands several times "{2-3}" and how many letters from there to the front. */
static const char *folded(const char *words)
{
	static char text[4096];
	struct model *model = make_model(words);
	char *end = text;

	fold_recursion(model, &options);
	fold_recursion(model, &options); /* the second time there is nothing to do */
	for (size_t i = 0; i < model->backtrace_count; i++) {
		const struct backtrace *backtrace = &model->backtraces[i];

		end += sprintf(end, "%s", i ? " " : "");
		for (unsigned j = 0; j < backtrace->depth; j++) {
			*end++ = LETTERS[backtrace->frames[j] - frames];
			for (unsigned k = 0; k < backtrace->fold_count; k++) {
				const struct fold *fold = &model->folds[backtrace->folds + k];

				if (fold->at + fold->length == j + 1)
					end += sprintf(end, "%u{%u-%u}", fold->length, fold->least, fold->most);
			}
		}
	}
	*end = '\0';
	free_model(model);
	return text;
}

static void folds(void)
{
	is_str(folded("abc"), "abc", "nothing to fold");
	is_str(folded("aaa"), "a1{3-3}", "one function");
	is_str(folded("Aaab"), "A1{3-3}b", "other lines of it; the innermost is kept");
	is_str(folded("xababc"), "xab2{2-2}c", "two in turn");
	is_str(folded("abcabcabc"), "abc3{3-3}", "three in turn");
	is_str(folded("babab"), "ba2{2-2}b", "a half round is left");
	is_str(folded("aabaab"), "a1{2-2}b2{2-2}", "one in another, always as often");
	is_str(folded("aaabaab"), "a1{2-3}b2{2-2}", "the inner one twice or three times");
	is_str(folded("abaab"), "a1{1-2}b2{2-2}", "once or twice");
	is_str(folded("cabababc"), "cab2{3-3}c", "what stands around it stays");
	is_str(folded("!!?"), "!1{2-2}?", "places without names, if they are the same");
	is_str(folded("?!"), "?!", "else not");
	is_str(folded("xy"), "xy", "an inlined function and the one around it are not recursion");
	is_str(folded("aabb ccdd"), "a1{2-2}b1{2-2} c1{2-2}d1{2-2}", "several of them, and backtraces stay apart");
}

static void merges(void)
{
	struct model *model = make_model("ab aab aaab b");
	const struct backtrace *first = &model->backtraces[0];

	fold_recursion(model, &options);
	is_int(model->backtrace_count, 2, "three that only differed in depth are one");
	is_int(first->live_blocks, 7, "live blocks are added");
	is_int(first->live_bytes, 70, "live bytes");
	is_int(first->total_blocks, 21, "all blocks");
	is_int(first->freed_blocks, 14, "freed ones");
	is_int(first->at_peak_blocks, 7, "those at the peak");
	is_int(first->peak_blocks, 8, "the own peak is the largest that is sure");
	is_int(first->peak_bytes, 80, "in bytes too");
	is_int(first->first_ns, 96, "first seen");
	is_int(first->last_ns, 104, "last seen");
	is_int(first->merged, 2, "and it says how many they were");
	free_model(model);
	is_str(folded("ab aab aaab b"), "a1{1-3}b b", "one, two or three times");
	is_str(folded("aab ab"), "a1{1-2}b", "in any order");
	is_str(folded("acc aac"), "a1{1-2}c1{1-2}", "folds at different places");
	is_str(folded("Ab ab"), "Ab ab", "other lines of functions that do not recur stay apart");
}

static void bears_all_shapes(void)
{
	char words[2 * 256 + 8] = "";

	for (unsigned seed = 1; seed < 300; seed++) {
		unsigned random = seed * 2654435761u, length = seed % 255 + 1;

		for (unsigned i = 0; i < length; i++) {
			random = random * 1103515245 + 12345;
			words[i] = "aAbc"[random >> 16 & (seed % 4 ? 1 : 3)];
		}
		words[length] = '\0';
		has(folded(words), "", "%u letters", length);
	}
	memset(words, 'a', 256);
	words[256] = '\0';
	is_str(folded(words), "a1{256-256}", "as deep as can be");
	for (unsigned i = 0; i < 256; i++)
		words[i] = i % 32 ? "abcde"[__builtin_ctz(i % 32)] : 'z'; /* nothing in a round stands twice in turn */
	has(folded(words), "{8-8}", "the longest cycle");
	options.fold_recursion = false;
	is_str(folded("aaa"), "aaa", "not unless it is asked for");
}

int main(void)
{
	make_frames();
	options_defaults(&options);
	options.fold_recursion = true;
	folds();
	merges();
	bears_all_shapes();
	return tap_done();
}
