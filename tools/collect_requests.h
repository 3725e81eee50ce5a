// SPDX-License-Identifier: MIT

/*
 * Requests of programs: see struct ht_request in segment.h.
 */

#ifndef HEAPTRACE_COLLECT_REQUESTS_H
#define HEAPTRACE_COLLECT_REQUESTS_H

#include "collect.h"

#define REQUEST_MARKS 64u /* kept of a run at the same time */

/** A request that is being carried out. */
struct asked {
	struct run *run;
	struct process *process;
	struct ht_request request;
	struct options options; /* the run's, with what the request says */
	int socket;             /* to the program */
	int out;                /* the program's descriptor, -1 for a mark */
	int segment;            /* of the process */
};

/** Carry it out. Takes the socket and the descriptor over. */
void requests_begin(struct run *run, int socket, const struct ht_request *request, int out);

/** A child of the collector has ended, maybe one of these. */
void requests_child_ended(struct run *run);

#endif
