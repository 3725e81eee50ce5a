// SPDX-License-Identifier: MIT

/*
 * Making a model from the chunks of one process. The parts: items.c finds an item by its number; model_modules.c decodes
 * the loaded objects; model_frames.c turns nodes into distinct backtraces; model_history.c knows the past; model.c sums up
 * and puts it all together.
 */

#ifndef HEAPTRACE_MODEL_BUILD_H
#define HEAPTRACE_MODEL_BUILD_H

#include "memory.h"
#include "snapshot_internal.h"

/** The items of one chunk: numbers [first + skipped, end). */
struct item_run {
	uint32_t first, end;
	const uint8_t *data;
	void *notes;     /* one note per number of the run, see items_find() */
};

/** All items of a kind of one process, by number. */
struct items {
	struct item_run *runs;
	size_t count;
	size_t item_size, note_size;
	uint32_t skipped; /* numbers that each chunk's head takes away */
	size_t last;      /* the run of the last look-up */
};

/** @return runs that overlapped others or exceeded `limit`, and were dropped */
size_t items_collect(struct items *items, const struct snapshot *snapshot, uint32_t process, uint32_t kind,
		     size_t item_size, size_t note_size, uint32_t limit);

/** The item of that number, or NULL; *note is its place for a note. */
const void *items_find(struct items *items, uint32_t number, void **note);

void items_free(struct items *items);

/** Whether a module's record is aligned and its parts fit into its size, and that into `room`. */
bool module_is_sound(const struct ht_module *record, uint64_t room);

/** Decode a sound record. */
void module_decode(struct module *module, const struct ht_module *record);

/** Decode all modules of the segment into the model. @return broken records */
size_t modules_read(struct model *model, const struct snapshot *snapshot);

/** Read what is known of threads. @return broken records */
size_t threads_read(struct model *model, const struct snapshot *snapshot);

/** The thread of a label, or NULL. */
const struct thread *thread_of(const struct model *model, uint32_t label);

/** Where a model's past comes from. */
struct past {
	const struct snapshot *snapshot;
	const struct host_facts *host;    /* as in snapshot_model() */
	uint64_t reset_ns;                /* what happened before does not count; 0: all does */
	uint32_t (*backtrace_of)(void *builder, uint32_t trace); /* UINT32_MAX: of none */
	void *builder;
};

/** Set what the model knows of its past; its figures and times must be set. */
void model_set_history(struct model *model, const struct past *past);
void model_free_history(struct model *model);

/** Distinct frames and the tree of distinct chains of them. */
struct chains {
	struct items nodes;       /* note: number of the node's chain */
	struct model *model;
	struct module **same;     /* for each module of the model the one that stands for it */
	struct table frame_table; /* (address, module) to number of the frame + 1 */
	struct table chain_table; /* (parent chain, frame) to number of the chain */
	struct chain {
		uint32_t parent;  /* number of a chain, 0 at the outermost frame */
		uint32_t frame;
		uint16_t depth;   /* at most HT_MAX_DEPTH + 1 */
		bool broken;      /* its outer frames could not be read */
	} *chains;                /* number 0: no frames; 1: broken */
	size_t chain_count, chain_room;
	size_t frame_room;
};
#define CHAIN_EMPTY 0u
#define CHAIN_BROKEN 1u

/** Read all nodes of a process; the model gets its frames. @return broken chunks */
size_t chains_read(struct chains *chains, struct model *model, const struct snapshot *snapshot, uint32_t process);

/** The chain of a node: CHAIN_EMPTY for node 0, CHAIN_BROKEN for one that can not be read. */
uint32_t chains_of(struct chains *chains, uint32_t node);

void chains_free(struct chains *chains);

#endif
