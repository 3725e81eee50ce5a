// SPDX-License-Identifier: MIT

/*
 * Finding a running traced process and asking its collector for segments: for `heaptrace dump` and `heaptrace top`. The
 * program is not interrupted.
 */

#ifndef HEAPTRACE_INQUIRY_H
#define HEAPTRACE_INQUIRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "model.h"
#include "protocol.h"

/** A process's segment and what the collector knows. */
struct answer {
	int segment;              /* a descriptor */
	uint32_t number;          /* of the process in it */
	struct host_facts facts;
};

/** A question and what came of it. Zeroed but for `pid` and `flags` before it is asked. */
struct inquiry {
	pid_t pid;
	uint32_t flags;           /* enum dump_flags */
	struct answer *answers;
	size_t count, room;
	int follow;               /* with DUMP_FOLLOW: the connection, for inquiry_next(); -1: there is no collector */
	pid_t inner;              /* `pid` as the process sees itself, of a program without a collector */
	int refused;              /* an errno value that says more than "not found" */
	bool orphaned;            /* it is traced, but the collector of its run is gone */
	struct asked *asked;      /* directories whose collectors were asked; nobody waits for one twice */
	size_t asked_count, asked_room;
};

/** Ask. @return true if there are answers; else inquiry_explain() says why not */
bool inquiry_ask(struct inquiry *inquiry);

/** Why there are no answers, and what can be done. */
void inquiry_explain(const struct inquiry *inquiry, char *text, size_t size);

/** Follow a run from before its beginning. @return the connection, or -1 with errno */
int inquiry_follow(const char *directory, pid_t launcher);

/**
 * The next answer on a connection that is followed; its facts are to be freed.
 *
 * @param all  zeroed; out: if some were missed, all processes that there are now
 * @return 0; 1: some were missed; -1 at the connection's end
 */
int inquiry_next(int follow, struct answer *answer, struct inquiry *all);

/** Close all segments and forget the answers; the connection stays. */
void inquiry_free(struct inquiry *inquiry);

/** A process's number from the command line. @return 0 after a message in `error` */
pid_t inquiry_read_pid(const char *text, char *error, size_t size);

#endif
