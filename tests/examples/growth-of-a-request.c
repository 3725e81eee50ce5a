// SPDX-License-Identifier: MIT

/*
 * What of a request is still there when it has been answered? Builds without any library of ours, runs with and without
 * heaptrace.
 *
 *	cc -g -o growth-of-a-request growth-of-a-request.c && heaptrace ./growth-of-a-request
 *
 * 3 blocks of 100 bytes stay of the second request; 1 block of 1,000 bytes is the program's cache.
 */

#include <heaptrace.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *history[100];
static size_t remembered;

static char *answer(const char *question)
{
	char *text = malloc(100);

	snprintf(text, 100, "%s? yes", question);
	return text;
}

static void handle_request(void)
{
	for (int i = 0; i < 3; i++)
		history[remembered++] = answer("is it kept");
	free(answer("is this one"));
}

int main(void)
{
	char *cache = malloc(1000);

	memset(cache, 0, 1000);
	setvbuf(stdout, NULL, _IONBF, 0);
	handle_request(); /* the first one warms up */
	heaptrace_mark_t before = heaptrace_mark();

	handle_request();
	if (before > 0)
		heaptrace_since(before, STDOUT_FILENO, "text");
	else
		puts("not traced");
	return (int)(cache[0] + history[0][0] != 'i');
}
