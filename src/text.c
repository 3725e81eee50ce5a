// SPDX-License-Identifier: MIT

/*
 * Text of others (the Lua module), written with names: what is marked in it as an address goes to the collector as such.
 */

#include "guest.h"
#include "request.h"
#include "thread.h"

#include <errno.h>

#define MARK '\1'
#define PART (16u << 20) /* bytes that the collector gets at once: it keeps them until they have names */

struct parts {
	struct request request;
	int fd, error;
	size_t size; /* of the part that is being written */
};

EXPORT int heaptrace_text_v1(int fd, const char *text, size_t size);

/* The address of a mark, "\1", hexadecimal digits, "\n". @return its length, 0 if it is none */
static size_t read_mark(const char *text, size_t size, uintptr_t *address)
{
	size_t i = 1;

	for (*address = 0; i < size && i <= 16; i++) {
		unsigned digit = text[i] >= '0' && text[i] <= '9' ? (unsigned)(text[i] - '0') :
				 text[i] >= 'a' && text[i] <= 'f' ? (unsigned)(text[i] - 'a') + 10 : 16;

		if (digit > 15)
			break;
		*address = *address << 4 | digit;
	}
	return i > 1 && i < size && text[i] == '\n' ? i + 1 : 0;
}

/* A long text goes out in parts. */
static void end_part(struct parts *parts)
{
	int error = request_text_end(&parts->request);

	if (!parts->error)
		parts->error = error;
}

static void begin_part(struct parts *parts)
{
	parts->size = 0;
	request_text_begin(&parts->request, parts->fd);
}

static void count_text(struct parts *parts, size_t size)
{
	parts->size += size;
	if (parts->size < PART)
		return;
	end_part(parts);
	begin_part(parts);
}

static void write_piece(struct parts *parts, const char *text, size_t size)
{
	while (size) {
		size_t now = size < PART ? size : PART;

		request_text(&parts->request, text, now);
		count_text(parts, now);
		text += now;
		size -= now;
	}
}

static void write_text(struct parts *parts, const char *text, size_t size)
{
	size_t done = 0, start = 0, length;
	uintptr_t address;

	for (; done < size; done += length ? length : 1) {
		length = 0;
		if (text[done] != MARK && text[done])
			continue;
		write_piece(parts, text + start, done - start);
		if (text[done] == MARK)
			length = read_mark(text + done, size - done, &address);
		if (length) {
			request_symbol(&parts->request, address);
			count_text(parts, length);
		}
		start = done + (length ? length : 1);
	}
	write_piece(parts, text + start, size - start);
}

/**
 * Write text to a descriptor. A line "\1ADDRESS\n" (hexadecimal) in it stands for the names of a return address, a line for
 * each function there; it is left out where nobody knows names.
 *
 * @return 0, or a negative errno value; -ENOSYS when this process is not traced
 */
int heaptrace_text_v1(int fd, const char *text, size_t size)
{
	struct parts parts = {.fd = fd};

	guest_start();
	if (load_acquire(&guest.status) != GUEST_ACTIVE || !thread_get())
		return -ENOSYS;
	begin_part(&parts);
	write_text(&parts, text, size);
	end_part(&parts);
	return parts.error;
}
