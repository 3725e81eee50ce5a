// SPDX-License-Identifier: MIT

/*
 * What launcher, collector and `heaptrace dump` say to each other. (What guests say stands in segment.h.) All of it are
 * messages on SOCK_SEQPACKET sockets: one send, one receive, with at most one descriptor beside it.
 */

#ifndef HEAPTRACE_PROTOCOL_H
#define HEAPTRACE_PROTOCOL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum message_kind {
	/* launcher to collector */
	MESSAGE_PROGRAM = 1, /* pid: the program has been started */
	MESSAGE_ENDED,       /* pid, value, user: a child of the launcher ended with this wait status */
	MESSAGE_DUMP,        /* value: index of the signal that the launcher got; pid 1: all of its group had it */
	MESSAGE_STOPPED,     /* the launcher is about to stop itself as its program did; wake it when that runs again */
	MESSAGE_FINISH,      /* value 1: report on what still runs too; then MESSAGE_DONE */
	MESSAGE_ABANDON,     /* the program could not be started: clean up */
	/* collector to launcher */
	MESSAGE_IMAGE,       /* pid, value: number of the image; its segment comes with it, in case the collector dies */
	MESSAGE_DROP,        /* value: number of an image that is no longer needed */
	MESSAGE_DONE,        /* value: images seen in the run. Nothing of the launcher's is held any more */
};

struct message {
	uint32_t kind; /* enum message_kind */
	int32_t pid;
	int64_t value;
	int64_t user; /* that it ran as at last, -1: not known */
};

/** `heaptrace dump` and `heaptrace top` to the collector's socket, and the answer: one for each process, its segment beside it. */
#define DUMP_MAGIC 0x504d5544u
enum dump_flags {
	DUMP_QUIET = 1 << 0,  /* leave the program alone: its allocator's figures are not asked for */
	DUMP_RUN = 1 << 1,    /* all processes of the run that `pid` belongs to */
	DUMP_HISTORY = 1 << 3, /* the timeline and the slices too */
	DUMP_AHEAD = 1 << 4,   /* follow even if there is no process yet */
	DUMP_FOLLOW = 1 << 2, /* and go on: an answer for each process that comes, and for each that has ended */
};
struct dump_request {
	uint32_t magic; /* DUMP_MAGIC */
	int32_t pid;    /* a process of the run, or its launcher: then all */
	uint32_t flags; /* enum dump_flags; older commands do not send it */
};
struct dump_answer {
	uint32_t magic;
	int32_t status;     /* 0, or an errno value: ESRCH is "no process of this run"; EAGAIN: a follower has missed some */
	uint32_t number;    /* of the process in its segment */
	uint32_t remaining; /* answers that follow */
	uint32_t history;   /* 1: next comes a struct dump_history */
	char facts[8192];   /* host_facts_write()'s text, NUL-terminated; what is behind it is not sent */
};

/** What belongs to the answer before; history_to_file()'s descriptor is beside it. */
struct dump_history {
	uint32_t magic; /* DUMP_MAGIC */
};

/** Send a message, with a descriptor unless fd is -1. Never blocks. @return 0, or -1 with errno */
int protocol_send(int socket, const void *message, size_t size, int fd);

/** Receive one. *fd: what came with it (close-on-exec), or -1. @return its size, 0 at the end, -1 with errno */
ssize_t protocol_receive(int socket, void *message, size_t size, int *fd);

#endif
