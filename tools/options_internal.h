// SPDX-License-Identifier: MIT

/* What the files that read options share: options.c has the table, options_views.c the readers of what is shown. */

#ifndef HEAPTRACE_OPTIONS_INTERNAL_H
#define HEAPTRACE_OPTIONS_INTERNAL_H

#include "options.h"

/** Where a reader puts its complaint: why the value is wrong and what would be right. */
struct complaint {
	char *text;
	size_t size;
};

/** Reads one value (NULL: the flag came without one). @return 0, or -1 with the complaint written */
typedef int option_reader(struct options *options, const char *value, struct complaint *complaint);

/** @return -1, for the reader to return */
int options_complain(struct complaint *complaint, const char *text);

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/** Index of a word in a list, or -1. */
int options_find_word(const char *const *words, size_t count, const char *word, size_t length);

/** Bytes: 500, 64k, 10M, 64Ki, ... @return 0, or -1 with the complaint written */
int options_read_size(uint64_t *size, const char *value, struct complaint *complaint);

/** A reader that leaves it to another one, which reads into a member. */
#define OPTION_READER(name, reader, member)                                                   \
	int read_##name(struct options *options, const char *value, struct complaint *complaint) \
	{                                                                                        \
		return reader(&options->member, value, complaint);                               \
	}

/* options_views.c */
option_reader read_follow, read_only, read_group, read_wrapper, read_module, read_from, read_through,
	read_not_through, read_thread, read_min_size, read_max_size, read_min_age, read_max_age;

/** Whether options that were read one by one go together. @return 0, or -1 with the complaint written */
int options_check_views(const struct options *options, struct complaint *complaint);

#endif
