// SPDX-License-Identifier: MIT

/*
 * Text of others (the Lua module), written with names: what is marked in it as an address goes to the collector as such.
 */

#include "guest.h"
#include "request.h"
#include "thread.h"

#include <errno.h>

#define MARK '\1'

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

static void write_text(struct request *request, const char *text, size_t size)
{
	size_t done = 0, start = 0, length;
	uintptr_t address;

	for (; done < size; done += length ? length : 1) {
		length = 0;
		if (text[done] != MARK && text[done])
			continue;
		request_text(request, text + start, done - start);
		if (text[done] == MARK)
			length = read_mark(text + done, size - done, &address);
		if (length)
			request_symbol(request, address);
		start = done + (length ? length : 1);
	}
	request_text(request, text + start, size - start);
}

/**
 * Write text to a descriptor. A line "\1ADDRESS\n" (hexadecimal) in it stands for the names of a return address, a line for
 * each function there; it is left out where nobody knows names.
 *
 * @return 0, or a negative errno value; -ENOSYS when this process is not traced
 */
int heaptrace_text_v1(int fd, const char *text, size_t size)
{
	struct request request;

	guest_start();
	if (load_acquire(&guest.status) != GUEST_ACTIVE || !thread_get())
		return -ENOSYS;
	request_text_begin(&request, fd);
	write_text(&request, text, size);
	return request_text_end(&request);
}
