// SPDX-License-Identifier: MIT

/*
 * The stream of heap_trace's host-based mode: what the guest writes (tohost.c) and `heaptrace report` reads.
 *
 * Records follow each other, each of a multiple of 8 bytes, in the guest's byte order. A record's size is stored last: a
 * size of 0 is the end of what was written. The first record is a BEGIN; another BEGIN begins anew (a FIFO that was opened
 * again). Modules and threads are described before the first event that needs them, and again when that has changed.
 * Readers treat everything as hostile, and skip kinds that they do not know.
 */

#ifndef HEAPTRACE_TOHOST_STREAM_H
#define HEAPTRACE_TOHOST_STREAM_H

#include <stdint.h>

#define HT_STREAM_MAGIC 0x314d525453545048ull /* "HPTSTRM1" read as little endian */
#define HT_STREAM_VERSION 1u
#define HT_STREAM_MAX_RECORD 65536u /* bytes */
#define HT_STREAM_MAX_DEPTH 64u

enum ht_stream_kind {
	HT_STREAM_BEGIN = 1, /* struct ht_stream_begin */
	HT_STREAM_MODULE,    /* the head, then a struct ht_module with what follows it */
	HT_STREAM_THREAD,    /* struct ht_stream_thread */
	HT_STREAM_ALLOC,     /* struct ht_stream_event */
	HT_STREAM_FREE,      /* the same */
	HT_STREAM_RESTORE,   /* the same: a realloc failed, the thread's FREE of this address did not take place */
	HT_STREAM_LOST,      /* struct ht_stream_lost */
};

struct ht_stream_head {
	uint32_t size;  /* of the record, this head included; stored last */
	uint16_t kind;  /* enum ht_stream_kind */
	uint16_t spare;
};

struct ht_stream_begin {
	struct ht_stream_head head;
	uint64_t magic;      /* HT_STREAM_MAGIC */
	uint32_t version;    /* HT_STREAM_VERSION */
	uint32_t byte_order; /* HT_BYTE_ORDER */
	uint32_t pid;
	uint32_t machine;    /* ELF e_machine */
	uint64_t start_ns;   /* events' times count from here */
	uint64_t start_wall; /* the same moment, ns since 1970 */
	char name[64];       /* of the program, NUL-padded */
};

struct ht_stream_thread {
	struct ht_stream_head head;
	uint32_t tid;
	uint32_t pad;
	char name[16];       /* NUL-padded */
};

struct ht_stream_event {
	struct ht_stream_head head;
	uint64_t ns;         /* since the start of the run */
	uint64_t address;
	uint64_t bytes;      /* requested; 0 of a FREE */
	uint32_t tid;
	uint16_t cpu;
	uint16_t depth;
	uint64_t frames[];   /* return addresses, the caller of malloc or free first */
};

struct ht_stream_lost {
	struct ht_stream_head head;
	uint64_t events;     /* that could not be written, since the last such record */
};

#endif
