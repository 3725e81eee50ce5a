// SPDX-License-Identifier: MIT

/*
 * The model: one process of a segment, checked, summed up and ready to be named, sorted and written.
 * snapshot.c makes it; symbols.c names its frames; report_*.c write it. Plain structs, owned by the model, read-only
 * for everybody else. Strings are NUL-terminated and may hold any bytes.
 */

#ifndef HEAPTRACE_MODEL_H
#define HEAPTRACE_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../src/segment.h"

/** A loaded object at the time of the run. */
struct module {
	uint32_t number;
	uint32_t flags;           /* enum ht_module_flags */
	uint64_t bias, start, end;
	uint64_t loaded_ns, unloaded_ns;
	char *path;
	uint8_t build_id[64];
	uint32_t build_id_size;   /* 0: none */
	struct ht_phdr *phdrs;    /* PT_LOADs */
	uint32_t phdr_count;
	void *symbols;            /* symbols.c's, NULL until asked for */
	const char *remark;       /* symbols.c's: why there are no names ("file has changed"), or NULL */
};

/** A name for an address: filled by symbols.c; strings belong to it. Inlined functions are frames of their own. */
struct frame_name {
	const char *function;     /* demangled; NULL if in no symbol */
	const char *file;         /* NULL if unknown */
	uint64_t offset;          /* from the function's start, valid with `function`; UNKNOWN_OFFSET if not known */
	unsigned line;            /* 0 if unknown */
	bool inlined;
};

#define UNKNOWN_OFFSET UINT64_MAX

/** A distinct address of the process: frames of many backtraces share it. */
struct frame {
	uint64_t address;         /* return address */
	struct module *module;    /* NULL: in none */
	struct frame_name *names; /* innermost inlined first, the real function last; NULL until named; at least one then */
	unsigned name_count;
};

/** Frames of a backtrace that it went through more than once: see fold.h. */
struct fold {
	uint16_t at, length;      /* frames [at, at + length) */
	uint16_t least, most;     /* times; they differ where several backtraces were merged */
};

/** A thread that allocated, with --by-thread. */
struct thread {
	uint32_t label;           /* ht_trace.thread */
	uint32_t tid;             /* as the process sees it */
	uint64_t first_ns;        /* of its first allocation, since the start of the run */
	char name[17];            /* "" if unknown */
};

/** What --churn counts; see struct ht_churn. */
struct churn {
	uint64_t temporary_blocks, temporary_bytes;
	uint64_t reallocs, moved_blocks, moved_bytes;
	uint64_t sizes[HT_CHURN_CLASSES]; /* blocks of up to 8 << i bytes; the last class: larger ones too */
};

struct backtrace {
	enum ht_entry entry;      /* frame 0 */
	bool truncated;
	bool ignored;             /* by a rule or a filter; not in the report's totals */
	bool filtered;            /* by a filter (filter.h); then it is ignored too */
	unsigned depth;           /* frames, frame 0 not counted */
	struct frame **frames;    /* innermost first */
	uint64_t live_blocks, live_bytes;
	uint64_t peak_blocks, peak_bytes;
	uint64_t at_peak_blocks, at_peak_bytes;
	uint64_t total_blocks, total_bytes;
	uint64_t freed_blocks, freed_bytes;
	struct churn *churn;      /* NULL without --churn */
	const struct thread *thread; /* that allocated; NULL without --by-thread, or unknown */
	uint64_t first_ns, last_ns; /* since the start of the run */
	size_t folds;             /* index in the model's `folds` */
	unsigned fold_count;
	unsigned merged;          /* backtraces that folding added to this one; then its own peaks are at least what stands here */
};

/**
 * What a process looked like at one moment, sampled by the collector from outside. Any figure but the time may be
 * UNKNOWN_FIGURE.
 */
struct timeline_point {
	uint64_t ns;              /* since the start of the run */
	uint64_t live_bytes, live_blocks;
	uint64_t allocations, allocated_bytes; /* ever */
	uint64_t rss;             /* bytes */
	uint64_t allocator_arena, allocator_hblkhd, allocator_uordblks; /* mallinfo2()'s, bytes; known where asked for */
};

#define UNKNOWN_FIGURE HT_UNKNOWN

/** What happened to a backtrace between two slices. */
struct slice_change {
	uint32_t backtrace;       /* its number in model.backtraces */
	uint64_t allocated_blocks, allocated_bytes;
	uint64_t freed_blocks, freed_bytes;
};

/** A moment of which the figures of all backtraces are known. */
struct slice {
	uint64_t ns;              /* since the start of the run */
	uint64_t live_bytes, live_blocks, allocations, allocated_bytes; /* of the whole process at that moment */
	struct slice_change *changes; /* since the slice before, in no order; a backtrace may be in it twice */
	size_t change_count;
};

struct history;

/** Three figures of /proc/PID/statm in bytes, and when they were read (ns since the start of the run; 0: never). */
struct statm {
	uint64_t size, resident, shared, ns;
};

/** A child that could not be traced. */
struct untraced {
	int pid;                  /* 0: unknown */
	char *reason;
};

/** What the segment does not tell: the collector's knowledge, kept in a snapshot's HOST chunk. */
struct host_facts {
	int pid;                  /* in the collector's pid namespace; 0 unknown */
	int ppid;                 /* of its parent, likewise */
	char how_it_ended[32];    /* "exit:N", "signal:SIGSEGV", "exec", "running", "" unknown */
	uint64_t end_ns;          /* since the start of the run; 0: unknown, the model then ends at `taken_ns` */
	uint64_t taken_ns;        /* when the figures were read */
	struct statm statm;
	struct untraced *untraced;
	size_t untraced_count;
	struct history *history;  /* history.h; NULL: none. Kept in chunks of its own, not copied into models */
};

struct totals {
	uint64_t allocations, frees, allocated_bytes, freed_bytes;
	uint64_t live_blocks, live_bytes;
	uint64_t peak_blocks, peak_bytes, peak_ns;
};

struct model {
	struct totals totals;     /* of the whole process, ignored backtraces included */
	uint32_t number, parent;  /* of the process in its segment */
	int pid, ppid;            /* the host's if known, else the process's own */
	uint32_t process_flags;   /* enum ht_process_flags */
	char **command;           /* argv, NULL-terminated; at least one string ("?" if unknown) */
	size_t command_count;
	char *name;               /* program's base name */
	uint64_t start_ns, start_wall; /* of the process since the start of the run; of the run since 1970 */
	uint64_t now_ns;          /* the moment that the figures are of, since the start of the run */
	uint64_t peak_bound_bytes, peak_bound_blocks; /* true peaks are less than this above the figures; 0: exact */
	uint64_t reset_ns;        /* the figures count from here, since the start of the run; 0: from the process's start */
	uint64_t nested_allocations, inherited_frees, table_full, corrupt_records;
	uint64_t allocator_ns, allocator_arena, allocator_hblkhd, allocator_uordblks;
	uint64_t entries[HT_ENTRY_COUNT]; /* addresses of the entry points */
	struct host_facts host;
	struct module *modules;
	size_t module_count;
	struct frame *frames;     /* distinct ones */
	size_t frame_count;
	struct backtrace *backtraces;
	size_t backtrace_count;
	struct thread *threads;   /* with --by-thread, by label */
	size_t thread_count;
	struct churn *churns;     /* of all backtraces, NULL without --churn */
	struct frame **frame_links; /* what all backtraces' `frames` point into */
	struct fold *folds;
	bool folded;              /* recursion is (fold.h) */
	/*
	 * By time, strictly ascending, all between start_ns and now_ns: first the process's start (all figures zero), then
	 * samples, last the figures of now_ns. Where the process lived for no time at all there is only the last. The true
	 * peak lies between samples: see totals.
	 */
	struct timeline_point *timeline;
	size_t timeline_count;
	/*
	 * With --interval: by time; first the process's start, without changes, last the figures of now_ns: the sum of all
	 * changes is what the backtraces say. None without --interval.
	 */
	struct slice *slices;
	size_t slice_count;
	uint64_t slice_interval_ns; /* that was asked for; 0: no slices */
	uint64_t slice_kept_ns;     /* distance of those kept, all but the first and the last taken one */
	bool slices_dear;           /* they were taken less often than was asked for, because they cost too much */
	uint32_t option_flags;      /* of the run: enum ht_option_flags */
};

#endif
