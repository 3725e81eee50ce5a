// SPDX-License-Identifier: MIT

/*
 * The processes of a run as a tree: who started whom, what each had live at its end and at its peak. Each text report
 * leaves a record in a file of the run's directory; at the end of the run the records are read and the tree is printed.
 */

#ifndef HEAPTRACE_TREE_H
#define HEAPTRACE_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "model.h"

/** One image of a process. */
struct tree_process {
	int pid, ppid;
	uint64_t start_ns;        /* since the start of the run */
	uint64_t live_blocks, live_bytes, peak_bytes; /* as its report shows them */
	bool forked;              /* it is a fork: nothing was executed for it */
	bool reported;            /* its report was not silent */
	char how_it_ended[32];
	char name[64];            /* of the program */
	char command[128];        /* with arguments, as far as they fit */
};

#define TREE_NO_PARENT SIZE_MAX

/**
 * For each process of a run the index of the one that started it: of the image that was there before it executed another
 * program, or of its parent process at that time. TREE_NO_PARENT where that is not among them.
 */
void tree_parents(const struct tree_process *processes, size_t count, size_t *parents);

/** What is in a tree of a process, its report made from these totals. */
void tree_fill(struct tree_process *process, const struct model *model, const struct totals *totals);

/** Put a record behind those in a file. @return 0, or -1 with errno */
int tree_append(const char *path, const struct tree_process *process);

/** Read a file of records. @return how many; *processes to be freed */
size_t tree_read(const char *path, struct tree_process **processes);

/** Whether there is something to be shown: several processes, and one that had something to say. */
bool tree_is_wanted(const struct tree_process *processes, size_t count);

/** Print the tree; sorts the processes by their starts. */
void tree_print(FILE *out, struct tree_process *processes, size_t count);

#endif
