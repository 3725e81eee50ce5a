// SPDX-License-Identifier: MIT

/*
 * Segments made by hand for unit tests: the layout of src/segment.h in memory, with every record in reach of the test,
 * so that it can be broken on purpose.
 */

#ifndef HEAPTRACE_TESTS_BUILD_SEGMENT_H
#define HEAPTRACE_TESTS_BUILD_SEGMENT_H

#include <stddef.h>
#include <stdint.h>

#include "../../src/segment.h"
#include "../../tools/snapshot.h"

#define BUILD_GRANULES 64u

struct built {
	uint8_t *bytes;     /* BUILD_GRANULES granules, never moved */
	struct ht_header *header;
};

/** A live segment without processes, at depth 256, start_ns 1,000,000. */
struct built build_new(void);
void build_free(struct built *built);

/** A chunk of so many granules. */
struct ht_chunk *build_chunk(struct built *built, uint32_t kind, uint32_t process, uint32_t granules);

/** A process. @return its number; build_record() gives the record */
uint32_t build_process(struct built *built, uint32_t parent, uint32_t pid);
struct ht_process *build_record(const struct built *built, uint32_t number);

/** A node of a process; its chunk is made when needed. @return its number */
uint32_t build_node(struct built *built, uint32_t process, uint32_t parent, uint32_t module, uint64_t address);
struct ht_node *build_node_at(const struct built *built, uint32_t process, uint32_t number);

/** A valid trace. @return its number */
uint32_t build_trace(struct built *built, uint32_t process, enum ht_entry entry, uint32_t node);
struct ht_trace *build_trace_at(const struct built *built, uint32_t process, uint32_t number);

/** One thread's counters of a trace. */
struct ht_cell *build_cell(struct built *built, uint32_t process, uint32_t thread, uint32_t trace);

/** Blocks of `size` bytes: `allocated` of them allocated and `freed` freed by a thread. */
void build_count(struct built *built, uint32_t process, uint32_t thread, uint32_t trace, uint64_t size,
		 uint64_t allocated, uint64_t freed);

/** A module. @return its number */
uint32_t build_module(struct built *built, uint32_t process, const char *path, uint64_t start, uint64_t end,
		      const char *build_id);
struct ht_module *build_module_at(const struct built *built, uint32_t number);

/** A command line, NULL-terminated. */
void build_command(struct built *built, uint32_t process, const char *const *argv);

/** A memfd with the segment in it; granules of zeros are holes. */
int build_fd(const struct built *built);

/** Read it back; prints the error and returns NULL if that fails. */
struct snapshot *build_read(const struct built *built);

/** The model of one process, read back. */
struct model *build_model(const struct built *built, uint32_t process, const struct host_facts *host);

/** A segment with two processes, three threads, modules and commands: a seed that uses every kind of record. */
struct built build_seed(void);

#endif
