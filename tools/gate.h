// SPDX-License-Identifier: MIT

/*
 * Limits that a run is held to: --max-live and its kin, for continuous integration. Each process is checked where its
 * last report is made, in a child of the collector; the launcher reads the verdict from memory that both share.
 */

#ifndef HEAPTRACE_GATE_H
#define HEAPTRACE_GATE_H

#include "model.h"
#include "options.h"
#include "snapshot.h"

/** The verdict so far; shared between processes, [atomic]. */
struct gate {
	uint32_t checked;  /* processes */
	uint32_t compared; /* of them with the base of --max-growth-over */
	uint32_t exceeded; /* limits */
	uint32_t failed;   /* could not be checked */
	uint64_t known_blocks, known_bytes; /* live, but known to be a runtime's: not counted */
};

/**
 * If there are limits, make the shared memory (options->gate) and see whether the base can be read.
 * @return 0, or -1 with *error filled
 */
int gate_prepare(struct options *options, struct error *error);

/** Hold an ended process to the limits; says on stderr which it exceeds, and which backtrace is to blame. */
void gate_check(const struct options *options, struct model *model);

/** When the run has ended. @return 0, or EXIT_LIMIT; says what could not be checked */
int gate_verdict(const struct options *options);

#endif
