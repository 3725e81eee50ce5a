// SPDX-License-Identifier: MIT

/*
 * Text in columns for `heaptrace top`: figures of few characters, names that fit, a curve. Nothing here knows a
 * terminal; the caller says how many columns there are and whether they can show more than ASCII.
 */

#ifndef HEAPTRACE_TOP_TEXT_H
#define HEAPTRACE_TOP_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A figure; never more than 9 characters. */
struct short_text {
	char text[24];
};

/** "999 B", "1.05 KB", "12.3 MB", "123 GB": three digits, KB of 1,000 bytes; 7 characters. */
struct short_text short_bytes(uint64_t bytes);

/** The same with its sign, "0" for nothing; 8 characters. */
struct short_text short_growth(int64_t bytes);

/** "99999", then "100k", "1.23M"; 5 characters. */
struct short_text short_count(uint64_t count);

/** Of thousandths: "0", "0.5", "12.3", "1234", "123k"; 5 characters. */
struct short_text short_rate(uint64_t thousandths);

/** "0:07", "12:34", "3:00:12", "5d 03:00". */
struct short_text short_time(uint64_t ns);

/**
 * Make text fit to be shown: control characters, and what is no UTF-8 or cannot be shown, become '?'; what is too long
 * is cut, with an ellipsis at its end.
 *
 * @param columns  never more than these are taken
 * @param utf8     whether the terminal shows UTF-8; else only ASCII is let through
 * @return to be freed
 */
char *text_fit(const char *text, unsigned columns, bool utf8);

/** Columns that text_fit()'s result takes. */
unsigned text_columns(const char *text, bool utf8);

/**
 * A curve of one character for each value, from 0 to the largest; the last `columns` values of `count` are shown.
 * @return to be freed
 */
char *text_curve(const uint64_t *values, size_t count, unsigned columns, bool utf8);

/** Whether `text` holds `part`, in whatever case; an empty part is in every text. */
bool text_holds(const char *text, const char *part);

#endif
