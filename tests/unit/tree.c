// SPDX-License-Identifier: MIT

/* The tree of processes: who started whom, what is left out or put together, and records in a file. */

#include <stdlib.h>
#include <unistd.h>

#include "../../tools/memory.h"
#include "../../tools/tree.h"
#include "../lib/tap.h"

/** "pid ppid start end flags name": flags f for a fork, r for one that was reported. */
static size_t parse(const char *text, struct tree_process **processes)
{
	size_t count = 0, room = 0;
	char flags[8];

	*processes = NULL;
	for (; *text; text += strcspn(text, ";"), text += *text == ';') {
		struct tree_process process = { .live_bytes = 10 * (count + 1), .peak_bytes = 1000 * (count + 1) };
		unsigned long start;

		if (sscanf(text, "%d %d %lu %31s %7s %63[^;]", &process.pid, &process.ppid, &start, process.how_it_ended, flags,
			   process.name) != 6)
			abort();
		process.start_ns = start;
		process.forked = strchr(flags, 'f');
		process.reported = strchr(flags, 'r');
		snprintf(process.command, sizeof(process.command), "%s", process.name);
		*processes = memory_grow(*processes, count, &room, sizeof(process));
		(*processes)[count++] = process;
	}
	return count;
}

/** The index of each process's parent: "-0110". */
static const char *parents(const char *text)
{
	static char result[64];
	struct tree_process *processes;
	size_t count = parse(text, &processes), found[64];

	tree_parents(processes, count, found);
	for (size_t i = 0; i < count; i++)
		result[i] = found[i] == TREE_NO_PARENT ? '-' : (char)('0' + found[i]);
	result[count] = '\0';
	free(processes);
	return result;
}

/** The printed tree without its figures: "pid.name" after a dot for each level, lines separated by spaces. */
static const char *shape(const char *text)
{
	static char result[8192];
	char *printed = NULL, *line, *rest, *end = result;
	struct tree_process *processes;
	size_t count = parse(text, &processes), size;
	FILE *out = open_memstream(&printed, &size);

	tree_print(out, processes, count);
	fclose(out);
	rest = strchr(strchr(printed, '\n') + 1, '\n') + 1;
	end += sprintf(end, "%s", strrchr(strtok_r(printed, "\n", &line), ' ') + 1);
	while ((line = strsep(&rest, "\n")) && *line) {
		const char *process = line + 43;

		*end++ = ' ';
		for (; *process == ' '; process += 2)
			*end++ = '.';
		for (; *process; process++)
			*end++ = *process == ' ' ? '_' : *process;
	}
	*end = '\0';
	free(printed);
	free(processes);
	return result;
}

static void finds_parents(void)
{
	is_str(parents("5 1 0 exit:0 r sh;6 5 10 exit:0 r ls;7 6 20 exit:0 r x;8 5 30 exit:0 r y"), "-010", "by the parent's pid");
	is_str(parents("5 1 0 exec r sh;5 1 10 exit:0 r ls;6 5 5 exit:0 r x;6 5 15 exit:0 r y"), "-001",
	       "what was executed comes from what was there before; the parent is the image of that time");
	is_str(parents("5 1 0 exit:0 r sh;6 5 10 exit:0 r ls;6 5 20 exit:0 f again"), "-00", "a pid that began anew is another process");
	is_str(parents("6 5 10 exit:0 r ls;5 1 0 exit:0 r sh"), "1-", "in any order");
	is_str(parents("5 5 0 exit:0 r own;6 6 1 exec r own"), "--", "nobody is its own parent");
	is_str(parents("5 6 3 exit:0 r a;6 5 3 exit:0 r b"), "--", "nor each other's");
	is_str(parents("5 0 0 exit:0 r a;6 0 1 exit:0 r b"), "--", "no parent known");
}

static void prints(void)
{
	is_str(shape("5 1 0 exit:0 r sh;6 5 10 exit:0 r ls;7 6 20 exit:0 r x;8 5 30 exit:0 r y"), "4 5_sh .6_ls ..7_x .8_y", "levels");
	is_str(shape("7 1 20 exit:0 r b;6 1 10 exit:0 r a"), "2 6_a 7_b", "several roots, in the order of their starts");
	is_str(shape("5 1 0 exit:0 r sh;6 5 10 exec f sh;6 5 20 exit:0 - ls;7 6 30 exit:0 - x"), "3 5_sh .6_ls ..7_x",
	       "a fork that only was to execute something is no line");
	is_str(shape("5 1 0 exit:0 r sh;6 5 10 exec fr sh;6 5 20 exit:0 - ls"), "2 5_sh .6_sh_(fork) ..6_ls", "but if it had something live");
	is_str(shape("5 1 0 exit:0 r sh;6 5 10 exec f sh"), "2 5_sh .6_sh_(fork)", "or what it executed was not traced");
	is_str(shape("5 1 0 exec r sh;5 1 9 exec r env;5 1 10 exit:0 r ls"), "1 5_sh .5_env ..5_ls", "one process executes one program after another");
	is_str(shape("5 1 0 exit:0 r sh;6 5 10 exit:0 - a;7 5 11 exit:0 - a;8 5 12 exit:0 - a;9 5 13 exit:0 - b"),
	       "5 5_sh .6_a .7_a .8_a .9_b", "three alike are three lines");
	is_str(shape("5 1 0 exit:0 r sh;6 5 10 exit:0 - a;7 5 11 exit:0 - a;8 5 12 exit:0 - a;9 5 13 exit:0 - a;10 5 14 exit:1 - a;11 5 15 exit:0 - b"),
	       "7 5_sh .4_x_a .10_a .11_b", "four are one, but not another end");
	is_str(shape("5 1 0 exit:0 r sh;6 5 10 exit:0 f s;7 5 11 exit:0 f s;8 5 12 exit:0 f s;9 5 13 exit:0 f s;4 9 20 exit:0 r c"),
	       "6 5_sh .6_s_(fork) .7_s_(fork) .8_s_(fork) .9_s_(fork) ..4_c", "and one with children stands by itself");
	is_str(shape("5 1 0 exit:0 r a\tb"), "1 5_a?b", "nothing in a name ends a line");
}

static void adds_up(void)
{
	struct tree_process *processes;
	size_t count = parse("5 1 0 exit:0 r sh;6 5 10 exit:0 - a;7 5 11 exit:0 - a;8 5 12 exit:0 - a;9 5 13 exit:0 - a", &processes), size;
	char *printed = NULL;
	FILE *out = open_memstream(&printed, &size);

	tree_print(out, processes, count);
	fclose(out);
	is_str(printed, "[heaptrace] processes of this run: 5\n        live         peak  ended           process\n"
	       "    10 bytes     1.000 KB  exit:0          5 sh\n   140 bytes     5.000 KB  exit:0            4 x a\n",
	       "live bytes are summed, peaks were at different times: the largest");
	free(printed);
	free(processes);
}

static void bears_chains(void)
{
	struct tree_process *processes = memory_zeroed(20000, sizeof(*processes));
	char *printed = NULL;
	size_t size, lines = 0;
	FILE *out = open_memstream(&printed, &size);

	for (int i = 0; i < 20000; i++)
		processes[i] = (struct tree_process) { .pid = i + 2, .ppid = i + 1, .start_ns = (uint64_t)i + 1, .name = "deep" };
	tree_print(out, processes, 20000);
	fclose(out);
	for (const char *c = printed; (c = strchr(c, '\n')); c++)
		lines++;
	is_int(lines, 20002, "a chain of 20,000 processes");
	ok(size < 20000 * 100, "and its lines do not grow with it");
	free(printed);
	free(processes);
}

static void keeps_records(void)
{
	char path[] = "/tmp/ht-tree-XXXXXX";
	struct tree_process *processes, *again;
	size_t count = parse("5 1 0 exit:0 r sh;6 5 10 signal:SIGSEGV f ls", &processes);
	int fd = mkstemp(path);

	ok(tree_append(path, &processes[0]) == 0 && tree_append(path, &processes[1]) == 0, "two records are written");
	ok(write(fd, "", 0) == 0 && lseek(fd, 0, SEEK_END) == (off_t)(2 * sizeof(*processes)) && write(fd, "cut", 3) == 3, "and part of a third");
	count = tree_read(path, &again);
	ok(count == 2 && !memcmp(again, processes, 2 * sizeof(*again)), "those that are whole are read");
	ok(tree_is_wanted(again, 2) && !tree_is_wanted(again, 1), "several processes make a tree, one does not");
	again[0].reported = false;
	ok(!tree_is_wanted(again, 2), "nor do several of which nothing was reported");
	again[1].pid = again[0].pid;
	again[0].reported = true;
	ok(!tree_is_wanted(again, 2), "nor several images of one");
	free(again);
	is_int(tree_read("/nowhere/at/all", &again), 0, "no file, no records");
	free(again);
	free(processes);
	close(fd);
	unlink(path);
}

int main(void)
{
	finds_parents();
	prints();
	adds_up();
	bears_chains();
	keeps_records();
	return tap_done();
}
