// SPDX-License-Identifier: MIT

/* See text.h. */

#include "text.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "recorder.h"

#define FIRST_ROOM (64u << 10)
#define LONGEST_PIECE 8192u

static bool make_room(struct text *text)
{
	size_t room = text->room ? text->room * 2 : FIRST_ROOM;
	char *memory;

	if (text->used + LONGEST_PIECE <= text->room)
		return true;
	memory = text->failed ? NULL : recorder_map(room);
	if (!memory) {
		text->failed = true;
		return false;
	}
	if (text->used)
		memcpy(memory, text->memory, text->used);
	recorder_unmap(text->memory, text->room);
	text->memory = memory;
	text->room = room;
	return true;
}

void text_add(struct text *text, const char *format, ...)
{
	va_list arguments;
	int length;

	if (!make_room(text))
		return;
	va_start(arguments, format);
	length = vsnprintf(text->memory + text->used, LONGEST_PIECE, format, arguments);
	va_end(arguments);
	if (length > 0)
		text->used += (size_t)length < LONGEST_PIECE ? (size_t)length : LONGEST_PIECE - 1;
}

static int write_all(const char *text, size_t size, int fd)
{
	while (size) {
		ssize_t written = write(fd, text, size);

		if (written >= 0) {
			text += written;
			size -= (size_t)written;
		} else if (errno == EAGAIN) {
			poll(&(struct pollfd){ .fd = fd, .events = POLLOUT }, 1, -1);
		} else if (errno != EINTR) {
			return errno;
		}
	}
	return 0;
}

int text_write(const struct text *text, int fd)
{
	const char *at = text->memory, *end = text->memory + text->used;
	int error = 0;

	while (!error && at < end) {
		const char *mark = memchr(at, 1, (size_t)(end - at)), *line;

		error = write_all(at, (size_t)((mark ? mark : end) - at), fd);
		line = mark ? memchr(mark, '\n', (size_t)(end - mark)) : NULL;
		at = line ? line + 1 : end;
	}
	return !error && text->failed ? ENOMEM : error;
}

void text_free(struct text *text)
{
	recorder_unmap(text->memory, text->room);
	*text = (struct text) { 0 };
}
