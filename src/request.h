// SPDX-License-Identifier: MIT

/*
 * What the program asks for through our API is written by the collector, which is handed the program's descriptor and
 * answers when it has written: names are found outside of the program. Without a collector (stand-alone, in a cage, cut
 * off by chroot or another user) text goes to the descriptor by write(2), with addresses for names.
 *
 * Only ever on behalf of a call of the API, never in a hook. errno is untouched. Nothing is allocated.
 */

#ifndef HEAPTRACE_REQUEST_H
#define HEAPTRACE_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "segment.h"

/** A conversation with the collector. */
struct request {
	int socket;    /* -1: none, `out` is written to */
	int out;       /* the program's descriptor */
	int error;     /* the first one, an errno value */
	size_t filled;
	char text[4000];
};

/** What the collector shall write; see struct ht_request. */
struct request_wish {
	enum ht_request_kind kind;
	const char *format, *sort; /* NULL: text, by size */
	uint64_t value;
};

/** Whether there is a collector to ask. */
bool request_is_possible(void);

/**
 * Ask, and wait until it is done.
 *
 * @param out    descriptor that the collector writes to; -1 for HT_REQUEST_MARK
 * @param value  out: struct ht_answer's, may be NULL
 * @return 0, or a negative errno value: -ENOTCONN without a collector, what writing failed with, ...
 */
int request_ask(const struct request_wish *wish, int out, uint64_t *value);

/** Begin to write text to a descriptor. Always succeeds: where nobody can be asked it is written here. */
void request_text_begin(struct request *request, int out);

/** A piece of text. Zero bytes and bytes 1 are not text. */
void request_text(struct request *request, const char *text, size_t size);

/**
 * A return address, alone on its line: the collector writes "--- 0xADDRESS: function at file:line" for it, and a line
 * for each inlined function; without one nothing is written.
 */
void request_symbol(struct request *request, uintptr_t address);

/** All is said. Returns when it is written. @return 0, or a negative errno value */
int request_text_end(struct request *request);

/* Words and numbers for the text: */
void request_string(struct request *request, const char *text);

/** @param width  at least so many characters, filled with spaces on the left (zeroes if `fill` is '0') */
void request_decimal(struct request *request, uint64_t value, unsigned width, char fill);
void request_hex(struct request *request, uint64_t value, unsigned width, char fill);

/** As printf's %p writes it: 0x and hexadecimal, "(nil)" for NULL. */
void request_pointer(struct request *request, uintptr_t value);

#endif
