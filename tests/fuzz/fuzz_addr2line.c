// SPDX-License-Identifier: MIT

/*
 * libFuzzer entry: what addr2line answers. The helper process is replaced by the input: its first byte says how the tool
 * ends, the second how many bytes come at a time, the rest is what it prints.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../tools/child.h"
#include "../../tools/symbols_lines.h"

#define QUESTIONS 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t *answer;
static size_t answer_size;

const char *child_end_text(enum child_end end)
{
	return "ended";
}

enum child_end child_run(const struct child_job *job)
{
	size_t step = answer[1] ? answer[1] : answer_size;

	for (size_t at = 2; at < answer_size; at += step) {
		size_t part = answer_size - at < step ? answer_size - at : step;

		if (!job->take(job->context, (const char *)answer + at, part))
			return CHILD_STOPPED;
	}
	return (enum child_end)(answer[0] % (CHILD_STOPPED + 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct place places[QUESTIONS];
	struct options options;
	size_t answered;

	if (size < 2)
		return 0;
	answer = data;
	answer_size = size;
	options_defaults(&options);
	options.quiet = true;
	for (unsigned i = 0; i < QUESTIONS; i++)
		places[i] = (struct place) { .address = 0x1000 + i };
	answered = lines_find("/nonexistent", "module", places, QUESTIONS, &options);
	if (answered > QUESTIONS)
		abort();
	for (unsigned i = 0; i < QUESTIONS; i++) {
		if (places[i].address != 0x1000 + i || (i >= answered && places[i].count))
			abort(); /* an answer to a question that has none */
		place_clear(&places[i]);
	}
	return 0;
}
