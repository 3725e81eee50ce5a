// SPDX-License-Identifier: MIT

/* The processes of a run as a tree: see tree.h. */

#include "tree.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memory.h"
#include "units.h"

#define FEW 3     /* children of a process that are alike and have none themselves: more are one line */
#define DEEPEST 20 /* levels that are indented */

static bool is_exec(const struct tree_process *process)
{
	return strcmp(process->how_it_ended, "exec") == 0;
}

/** By pid, then by start: what may have started a process is found by a binary search. */
struct entry {
	int pid;
	uint64_t start_ns;
	size_t index;
};

static int entry_order(const void *a, const void *b)
{
	const struct entry *left = a, *right = b;

	if (left->pid != right->pid)
		return left->pid < right->pid ? -1 : 1;
	if (left->start_ns != right->start_ns)
		return left->start_ns < right->start_ns ? -1 : 1;
	return left->index < right->index ? -1 : left->index > right->index;
}

/** The last image of a pid that had started before. */
static const struct entry *find_before(const struct entry *entries, size_t count, int pid, uint64_t start_ns)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (entries[middle].pid < pid || (entries[middle].pid == pid && entries[middle].start_ns < start_ns))
			low = middle + 1;
		else
			high = middle;
	}
	return low && entries[low - 1].pid == pid ? &entries[low - 1] : NULL;
}

void tree_parents(const struct tree_process *processes, size_t count, size_t *parents)
{
	struct entry *entries = memory_zeroed(count + 1, sizeof(*entries));

	for (size_t i = 0; i < count; i++)
		entries[i] = (struct entry) { processes[i].pid, processes[i].start_ns, i };
	qsort(entries, count, sizeof(*entries), entry_order);
	for (size_t i = 0; i < count; i++) {
		const struct tree_process *process = &processes[i];
		const struct entry *before = find_before(entries, count, process->pid, process->start_ns);

		/* The same pid is the same process only if that executed something. */
		if (!before || process->forked || !is_exec(&processes[before->index]))
			before = process->ppid ? find_before(entries, count, process->ppid, process->start_ns) : NULL;
		parents[i] = before ? before->index : TREE_NO_PARENT;
	}
	free(entries);
}

void tree_fill(struct tree_process *process, const struct model *model, const struct totals *totals)
{
	size_t used = 0;

	memset(process, 0, sizeof(*process));
	process->pid = model->pid;
	process->ppid = model->ppid;
	process->start_ns = model->start_ns;
	process->live_blocks = totals->live_blocks;
	process->live_bytes = totals->live_bytes;
	process->peak_bytes = totals->peak_bytes;
	process->forked = model->process_flags & HT_PROCESS_FORKED;
	snprintf(process->how_it_ended, sizeof(process->how_it_ended), "%s",
		 model->host.how_it_ended[0] ? model->host.how_it_ended : "unknown");
	snprintf(process->name, sizeof(process->name), "%s", model->name);
	for (size_t i = 0; i < model->command_count && used + 1 < sizeof(process->command); i++)
		used += (size_t)snprintf(process->command + used, sizeof(process->command) - used, "%s%s", i ? " " : "",
					 model->command[i]);
	if (used >= sizeof(process->command))
		strcpy(process->command + sizeof(process->command) - 4, "...");
}

int tree_append(const char *path, const struct tree_process *process)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	ssize_t put = fd < 0 ? -1 : write(fd, process, sizeof(*process));

	if (fd >= 0)
		close(fd);
	return put == (ssize_t)sizeof(*process) ? 0 : -1;
}

size_t tree_read(const char *path, struct tree_process **processes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	size_t count = 0, room = 0;
	struct tree_process process;

	*processes = NULL;
	while (fd >= 0 && read(fd, &process, sizeof(process)) == sizeof(process)) {
		*processes = memory_grow(*processes, count, &room, sizeof(process));
		process.how_it_ended[sizeof(process.how_it_ended) - 1] = '\0';
		process.name[sizeof(process.name) - 1] = '\0';
		process.command[sizeof(process.command) - 1] = '\0';
		(*processes)[count++] = process;
	}
	if (fd >= 0)
		close(fd);
	return count;
}

bool tree_is_wanted(const struct tree_process *processes, size_t count)
{
	bool several = false, reported = false;

	for (size_t i = 0; i < count; i++) {
		several |= processes[i].pid != processes[0].pid;
		reported |= processes[i].reported;
	}
	return several && reported;
}

/** A tree being printed. */
struct tree {
	FILE *out;
	struct tree_process *processes;
	size_t count;
	size_t *parents;
	size_t *first_child, *next_sibling; /* in the order of their starts */
};

static int start_order(const void *a, const void *b)
{
	const struct tree_process *left = a, *right = b;

	if (left->start_ns != right->start_ns)
		return left->start_ns < right->start_ns ? -1 : 1;
	return left->pid < right->pid ? -1 : left->pid > right->pid;
}

/** A fork that went on to execute a program that is there itself: not worth a line. What it started counts as its parent's. */
static void drop_stepping_stones(struct tree *tree)
{
	bool *replaced = memory_zeroed(tree->count + 1, sizeof(*replaced));
	size_t *places = memory_zeroed(tree->count + 1, sizeof(*places));
	size_t *parents = memory_zeroed(tree->count + 1, sizeof(*parents)), kept = 0; /* of those that are kept */

	tree_parents(tree->processes, tree->count, tree->parents);
	for (size_t i = 0; i < tree->count; i++) {
		size_t parent = tree->parents[i];

		if (parent != TREE_NO_PARENT && tree->processes[parent].pid == tree->processes[i].pid)
			replaced[parent] = tree->processes[parent].forked && !tree->processes[parent].reported;
	}
	for (size_t i = 0; i < tree->count; i++) {
		size_t parent = tree->parents[i];

		while (parent != TREE_NO_PARENT && replaced[parent])
			parent = tree->parents[parent];
		if (replaced[i])
			continue;
		places[i] = kept;
		parents[kept] = parent == TREE_NO_PARENT ? TREE_NO_PARENT : places[parent];
		tree->processes[kept++] = tree->processes[i];
	}
	memcpy(tree->parents, parents, kept * sizeof(*parents));
	tree->count = kept;
	free(parents);
	free(places);
	free(replaced);
}

/** Lists of children; number `count` is above all. */
static void link_children(struct tree *tree)
{
	size_t *last = memory_zeroed(tree->count + 1, sizeof(*last));

	for (size_t i = 0; i <= tree->count; i++)
		tree->first_child[i] = tree->next_sibling[i] = last[i] = TREE_NO_PARENT;
	for (size_t i = 0; i < tree->count; i++) {
		size_t parent = tree->parents[i] == TREE_NO_PARENT ? tree->count : tree->parents[i];

		if (last[parent] == TREE_NO_PARENT)
			tree->first_child[parent] = i;
		else
			tree->next_sibling[last[parent]] = i;
		last[parent] = i;
	}
	free(last);
}

static void put_clean(FILE *out, const char *text)
{
	for (; *text; text++)
		fputc((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text, out);
}

static void put_figures(const struct tree *tree, uint64_t live, uint64_t peak, const char *how, unsigned level)
{
	fprintf(tree->out, "%12s %12s  %-15s %*s", units_bytes(live).text, units_bytes(peak).text, how,
		(int)(2 * (level < DEEPEST ? level : DEEPEST)), "");
}

static void put_process(const struct tree *tree, const struct tree_process *process, unsigned level)
{
	put_figures(tree, process->live_bytes, process->peak_bytes, process->how_it_ended, level);
	fprintf(tree->out, "%d ", process->pid);
	put_clean(tree->out, process->forked ? process->name : process->command);
	fputs(process->forked ? " (fork)\n" : "\n", tree->out);
}

static bool is_leaf(const struct tree *tree, size_t at)
{
	return tree->first_child[at] == TREE_NO_PARENT;
}

static bool are_alike(const struct tree *tree, size_t a, size_t b)
{
	const struct tree_process *left = &tree->processes[a], *right = &tree->processes[b];

	return is_leaf(tree, b) && left->forked == right->forked && !strcmp(left->name, right->name) &&
	       !strcmp(left->how_it_ended, right->how_it_ended);
}

/** Those that follow each other, are alike and have no children: one line if they are many. @return the next sibling */
static size_t put_alike(const struct tree *tree, size_t first, unsigned level)
{
	const struct tree_process *process = &tree->processes[first];
	uint64_t live = 0, peak = 0;
	size_t count = 0, at;

	for (at = first; at != TREE_NO_PARENT && are_alike(tree, first, at); at = tree->next_sibling[at], count++) {
		live += tree->processes[at].live_bytes;
		if (tree->processes[at].peak_bytes > peak)
			peak = tree->processes[at].peak_bytes;
	}
	if (count > FEW) {
		put_figures(tree, live, peak, process->how_it_ended, level);
		fprintf(tree->out, "%zu x ", count);
		put_clean(tree->out, process->name);
		fputs(process->forked ? " (forks)\n" : "\n", tree->out);
		return at;
	}
	for (at = first; count--; at = tree->next_sibling[at])
		put_process(tree, &tree->processes[at], level);
	return at;
}

/** Processes, not images: what a process executes goes on with its pid. */
static size_t count_processes(const struct tree *tree)
{
	size_t count = 0;

	for (size_t i = 0; i < tree->count; i++) {
		size_t parent = tree->parents[i];

		count += parent == TREE_NO_PARENT || tree->processes[parent].pid != tree->processes[i].pid;
	}
	return count;
}

/** All, a process before its children, without recursion: chains of them can be long. */
static void put_all(const struct tree *tree)
{
	size_t at = tree->first_child[tree->count];
	unsigned level = 0;

	for (;;) {
		while (at != TREE_NO_PARENT && is_leaf(tree, at)) {
			size_t parent = tree->parents[at];

			at = put_alike(tree, at, level);
			while (at == TREE_NO_PARENT && parent != TREE_NO_PARENT) {
				at = tree->next_sibling[parent];
				parent = tree->parents[parent];
				level--;
			}
		}
		if (at == TREE_NO_PARENT)
			return;
		put_process(tree, &tree->processes[at], level++);
		at = tree->first_child[at];
	}
}

void tree_print(FILE *out, struct tree_process *processes, size_t count)
{
	struct tree tree = { .out = out, .processes = processes, .count = count };

	tree.parents = memory_zeroed(count + 1, sizeof(*tree.parents));
	tree.first_child = memory_zeroed(count + 1, sizeof(*tree.first_child));
	tree.next_sibling = memory_zeroed(count + 1, sizeof(*tree.next_sibling));
	qsort(processes, count, sizeof(*processes), start_order);
	drop_stepping_stones(&tree);
	link_children(&tree);
	fprintf(out, "[heaptrace] processes of this run: %zu\n%12s %12s  %-15s %s\n", count_processes(&tree), "live", "peak", "ended",
		"process");
	put_all(&tree);
	free(tree.parents);
	free(tree.first_child);
	free(tree.next_sibling);
}
