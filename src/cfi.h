// SPDX-License-Identifier: MIT

/*
 * Call frame information (.eh_frame): how to get from a frame to its caller. Parsed in place, without allocation and
 * without system calls; the object is found by _dl_find_object() (no lock), or dl_iterate_phdr() with an older glibc.
 */

#ifndef HEAPTRACE_CFI_H
#define HEAPTRACE_CFI_H

#include <stdbool.h>
#include <stdint.h>

/** DWARF numbers of x86-64 registers. */
enum { CFI_RBX = 3, CFI_RBP = 6, CFI_RSP = 7, CFI_RA = 16, CFI_COUNT = 17 };

/**
 * A row packed into 64 bits for the common frames: what the fast unwinder keeps per address.
 *
 *	bits  0-2   kind
 *	bits  3-4   where the caller's rbp is: ROW_RBP_*
 *	bits  5-6   what the row does with rbp: ROW_USE_*
 *	bits  8-31  offset of the CFA, signed
 *	bits 32-47  offset of the saved rbp / 8, signed, from the CFA or from rbp
 *	bits 48-63  number of the module, 0 if none or too large
 *
 * A ROW_RSP is only made where its CFA lies above rsp, aligned, and the saved rbp between the two.
 */
enum row_kind {
	ROW_NONE,      /* no unwind information: JIT code, hand-written assembly */
	ROW_RSP,       /* CFA = rsp + offset, return address at CFA - 8 */
	ROW_RBP,       /* CFA = rbp + offset */
	ROW_RBP_DEREF, /* CFA = *(rbp + offset): realigned stacks */
	ROW_SIGNAL,    /* the kernel's signal frame: everything is in the ucontext at rsp */
	ROW_END,       /* the outermost frame */
	ROW_FULL,      /* anything else: cfi_step() with all registers */
};

enum row_rbp {
	ROW_RBP_SAME,     /* not changed by this function */
	ROW_RBP_AT_CFA,   /* saved at CFA + offset */
	ROW_RBP_AT_RBP,   /* saved at rbp + offset */
};

/** What a frame's row does with rbp. */
enum row_use {
	ROW_USE_PASSED,   /* neither needs nor changes it */
	ROW_USE_NEEDED,   /* the caller is found through it */
	ROW_USE_RESTORED, /* loads the caller's from the stack, without needing its own */
};

typedef uint64_t row;

#define ROW_USE_SHIFT 5
#define ROW_MODULE_SHIFT 48

static inline enum row_kind row_kind(row r) { return (enum row_kind)(r & 7); }
static inline enum row_rbp row_rbp(row r) { return (enum row_rbp)(r >> 3 & 3); }
static inline int64_t row_cfa_offset(row r) { return (int32_t)(uint32_t)r >> 8; }
static inline int64_t row_rbp_offset(row r) { return (int64_t)(int16_t)(r >> 32) * 8; }
static inline enum row_use row_use(row r) { return (enum row_use)(r >> ROW_USE_SHIFT & 3); }
static inline uint32_t row_module(row r) { return (uint32_t)(r >> ROW_MODULE_SHIFT); }

/** A loaded object as the loader knows it. */
struct object {
	uintptr_t start, end;   /* mapped range */
	uintptr_t bias;
	const void *eh_frame_hdr; /* PT_GNU_EH_FRAME, or NULL */
	const void *link_map;   /* struct link_map, NULL if not known */
	const char *path;
};

/** Find out where the executable lies, from the auxiliary vector. Once, at start-up. */
void objects_start(void);

/** Find the object that holds an address. Async-signal-safe with glibc 2.35 or later. */
bool object_find(uintptr_t address, struct object *object);

/**
 * Make the row for an address.
 *
 * @param pc      a return address, or with `exact` an interrupted address
 * @param object  out: the object it lies in, valid unless ROW_NONE is returned with object->start 0
 * @return the row, with its use of rbp still to be set and module number 0
 */
row cfi_row(uintptr_t pc, bool exact, struct object *object);

/** All registers of a frame, for cfi_step(). valid: a bit for each register that is known. */
struct registers {
	uintptr_t value[CFI_COUNT];
	uint32_t valid;
};

/**
 * Step to the caller by interpreting the whole call frame program: slow, any row.
 *
 * @param low, high  the stack: memory outside is never read
 * @param exact      in: value[CFI_RA] is an interrupted address; out: whether the caller's is one (signal frame)
 * @return false at the end of the stack or when it can not be followed
 */
bool cfi_step(struct registers *registers, bool *exact, uintptr_t low, uintptr_t high);

#endif
