// SPDX-License-Identifier: MIT

/*
 * Finding the segment: the collector's socket beside the link that LD_PRELOAD names, or a file when there is none.
 */

#ifndef HEAPTRACE_RENDEZVOUS_H
#define HEAPTRACE_RENDEZVOUS_H

#include "segment.h"

/**
 * @param library  path of this library as the loader knows it
 * @return the header of a mapped segment, or NULL: the program runs untraced. All descriptors are closed again
 */
struct ht_header *rendezvous(const char *library);

struct sockaddr_un;

/** Where the run's collector listens, NULL if there is none. */
const struct sockaddr_un *rendezvous_socket(void);

/** An environment variable, from the initial stack: libc may not have set `environ` yet. NULL if there is none. */
const char *environment(const char *name);

#endif
