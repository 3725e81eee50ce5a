// SPDX-License-Identifier: MIT

/*
 * Where reports go: names with %p and %n in them, and files that are whole or not there at all.
 */

#ifndef HEAPTRACE_OUTPUT_H
#define HEAPTRACE_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/** A destination that the user named. */
struct output {
	int stream;    /* a descriptor, for "-", /dev/stdout, /dev/fd/N and a FIFO with a reader; -1: a file */
	bool is_stdout;
	char *pattern; /* absolute, with % in it; NULL: none, or a stream */
	bool shared;   /* a device or a FIFO: all processes write into it as it is */
	bool is_fifo;
};

/** Open a FIFO whose reader was not there yet, as its stream. @return true if it is open, or no FIFO */
bool output_connect(struct output *output);

/**
 * Resolve a destination and try, where that can be known beforehand, whether it can be written.
 *
 * @param pattern    as the user gave it, or NULL
 * @param directory  relative names start here
 * @param flag       the option's name, for the message
 * @return 0, or -1 with a message
 */
int output_prepare(struct output *output, const char *pattern, const char *directory, const char *flag, char *error,
		   size_t error_size);

/** Names that a run has used; empty when zeroed. */
struct output_names {
	char **names;
	size_t count, room;
};

/**
 * The file of a run's first process: %p, %n and %% replaced. Where another process of the run has that name already, .PID
 * is put behind it (unless %p was in it), then .2, .3 and so on.
 * @return the name; it belongs to the set
 */
const char *output_name(struct output_names *names, const struct output *output, pid_t pid, const char *program);

/** The same for all others: a name that would be the same for all is not theirs, they get .PID in any case. */
const char *output_name_other(struct output_names *names, const struct output *output, pid_t pid, const char *program);

/** The file's name if it is the same for every process, to be freed; NULL if there is no file, or %p or %n in its name. */
char *output_one_name(const struct output *output);

/** Forget the set. */
void output_names_free(struct output_names *names);

/**
 * Write a file aside and rename it; what is no regular file is written in place, and so is a file in a directory
 * where none can be made. @return 0, or -1 with errno
 */
int output_replace(const char *path, const void *data, size_t size);

/** Put data behind what is in the file; what could not be written whole is taken off again. @return 0, or -1 */
int output_append(const char *path, const void *data, size_t size);

/** Write all to a descriptor, also to one that somebody made non-blocking. @return 0, or -1 */
int output_stream(int fd, const void *data, size_t size);

/** An absolute name; % in the directory is doubled if the name is a pattern. To be freed. */
char *output_absolute(const char *directory, const char *name, bool is_pattern);

/** Was this standard stream closed when we started? */
bool output_is_closed(int fd);

#endif
