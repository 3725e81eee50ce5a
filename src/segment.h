// SPDX-License-Identifier: MIT

/*
 * The segment: what the guest writes and the host reads.
 *
 * A segment is one file: a sparse memfd while a program runs under the launcher, a regular file for the
 * stand-alone library, and, compacted, a snapshot (.htrace). One program image (an exec) has one segment; the
 * children that it forks put their own chunks into the same one.
 *
 *	offset 0        struct ht_header, HT_GRANULE bytes
 *	offset 64 KiB   chunk, chunk, chunk ... up to header.used
 *
 * Every chunk begins with struct ht_chunk, which says what it holds, for which process, and how long it is. A live
 * segment's chunks begin at multiples of HT_GRANULE; where a guest died between taking a granule and writing the
 * chunk's head, the magic is missing and the reader goes on at the next granule. A snapshot's chunks follow each
 * other at multiples of 64 bytes.
 *
 * Items of a chunk are found by number: number n stands at (n - first) * item size from the chunk's start, the head
 * taking the place of the lowest numbers. So traces number 0, 1024, 2048 ... and nodes 0-3, 4096-4099 ... do not exist.
 *
 * Fields have fixed widths and the guest's byte order (header.byte_order); references are numbers or offsets, never
 * pointers. Readers treat everything as hostile: each size, offset and count is checked against the file first.
 * Version 1 may grow by fields at the end of a record (each record says its size) and by chunk kinds (skip unknown).
 */

#ifndef HEAPTRACE_SEGMENT_H
#define HEAPTRACE_SEGMENT_H

#include <stdint.h>

#define HT_MAGIC 0x3145434152545048ull /* "HPTRACE1" read as little endian */
#define HT_CHUNK_MAGIC 0x4b4e4843u     /* "CHNK" */
#define HT_VERSION 1u
#define HT_BYTE_ORDER 0x01020304u
#define HT_GRANULE 65536u
#define HT_RELEASE "0.1.0"

/** Limits that both worlds rely on. */
#define HT_MAX_DEPTH 256u
#define HT_MAX_TRACES (1u << 24)
#define HT_MAX_NODES (1u << 26)
#define HT_MAX_SIGNALS 8u
#define HT_REAPED 64u
#define HT_TICK_SHIFT 22 /* a tick is 2^22 ns, 4.19 ms */

enum ht_kind {
	HT_LIVE_SEGMENT = 1, /* memfd, or a stand-alone program's file: chunks at granules, checksum unused */
	HT_SNAPSHOT = 2,     /* compacted, checksummed, never changes again */
};

/** ht_header.flags: options that the guest obeys. */
enum ht_option_flags {
	HT_OPTION_EXACT = 1 << 0,      /* peaks exact with several threads too */
	HT_OPTION_STANDALONE = 1 << 1, /* no collector: the guest keeps time itself */
	HT_OPTION_STOPPED = 1 << 2,    /* nothing is recorded until somebody starts it */
	HT_OPTION_CHURN = 1 << 3,      /* CHURN chunks are kept */
	HT_OPTION_BY_THREAD = 1 << 4,  /* backtraces are kept apart by thread */
};

/** The head of the file. Written by the host (stand-alone: by the guest) before any guest sees it, but for `used` and `modules`. */
struct ht_header {
	uint64_t magic;       /* HT_MAGIC */
	uint32_t version;     /* HT_VERSION */
	uint32_t byte_order;  /* HT_BYTE_ORDER as the writer stores it */
	uint32_t kind;        /* enum ht_kind */
	uint32_t granule;     /* HT_GRANULE */
	uint64_t limit;       /* bytes; no chunk may reach beyond */
	uint64_t used;        /* [atomic] bytes taken so far, header included; guests add to it to take a chunk */
	uint32_t tick;        /* [atomic, host writes] (CLOCK_MONOTONIC ns - start_ns) >> HT_TICK_SHIFT */
	uint32_t modules;     /* [atomic] last module number given out */
	uint32_t flags;       /* enum ht_option_flags */
	uint32_t depth;       /* frames kept, the entry point among them, 1..HT_MAX_DEPTH */
	uint64_t start_ns;    /* CLOCK_MONOTONIC at the start of the run; all times count from here */
	uint64_t start_wall;  /* CLOCK_REALTIME at the same moment, ns since 1970 */
	uint32_t signals[HT_MAX_SIGNALS]; /* dump on these, 0 = none; the first sorts by size, the second by count */
	uint32_t machine;     /* ELF e_machine of the guest */
	uint32_t pointer_size;
	uint32_t checksum;    /* snapshot: CRC-32 (zlib's crc32()) of the whole file, this field taken as 0 */
	uint32_t header_size; /* bytes from the start of the file to the first chunk: HT_GRANULE when live, 4096 in a snapshot */
	char release[32];     /* of the heaptrace that wrote it, NUL-padded */
	uint32_t image;       /* number of the segment in its run; 0: stand-alone */
};

enum ht_chunk_kind {
	HT_CHUNK_PROCESS = 1, /* struct ht_process right behind the head */
	HT_CHUNK_TRACES = 2,  /* struct ht_trace items; 1,024 a granule */
	HT_CHUNK_NODES = 3,   /* struct ht_node items; 4,096 a granule */
	HT_CHUNK_CELLS = 4,   /* struct ht_cells: one thread's counters */
	HT_CHUNK_MODULES = 5, /* struct ht_module records, variable length, the first behind the head; number 0 ends */
	HT_CHUNK_COMMAND = 6, /* struct ht_command: argv of the image */
	HT_CHUNK_HOST = 7,    /* only in snapshots: text lines "key value\n" by the host; `first` = bytes of text */
	HT_CHUNK_EXECS = 8,   /* struct ht_exec_note records, variable length: programs that the process started */
	HT_CHUNK_TIMELINE = 9, /* only in snapshots: struct ht_timeline, the process's figures over time */
	HT_CHUNK_CHURN = 11,    /* struct ht_churn items; 256 a granule. See there for their numbers */
	HT_CHUNK_THREADS = 12,  /* struct ht_thread items; 2,048 a granule */
	HT_CHUNK_SLICES = 10,  /* only in snapshots: struct ht_slices, each trace's figures over time */
};

/** 64 bytes at the start of every chunk. */
struct ht_chunk {
	uint32_t magic;   /* HT_CHUNK_MAGIC, stored last */
	uint32_t kind;    /* enum ht_chunk_kind */
	uint64_t size;    /* bytes, head included */
	uint32_t process; /* number of the process that owns it: offset of its PROCESS chunk / HT_GRANULE in the live segment; kept in snapshots */
	uint32_t first;   /* number of the item that the head's place stands for (TRACES, NODES) */
	uint32_t thread;  /* CELLS: number of the thread slot in the process */
	uint32_t number;  /* of this chunk: its offset in the live segment / HT_GRANULE; kept in snapshots */
	uint32_t pad[8];
};

/** Entry points of the allocator, in the order of their numbers. */
#define HT_ENTRIES(X) \
	X(MALLOC, "malloc") X(CALLOC, "calloc") X(REALLOC, "realloc") X(REALLOCARRAY, "reallocarray") \
	X(MEMALIGN, "memalign") X(POSIX_MEMALIGN, "posix_memalign") X(ALIGNED_ALLOC, "aligned_alloc") \
	X(VALLOC, "valloc") X(PVALLOC, "pvalloc") \
	X(NEW, "operator new(unsigned long)") X(NEW_ARRAY, "operator new[](unsigned long)") \
	X(NEW_NOTHROW, "operator new(unsigned long, std::nothrow_t const&)") \
	X(NEW_ARRAY_NOTHROW, "operator new[](unsigned long, std::nothrow_t const&)") \
	X(NEW_ALIGNED, "operator new(unsigned long, std::align_val_t)") \
	X(NEW_ARRAY_ALIGNED, "operator new[](unsigned long, std::align_val_t)") \
	X(NEW_ALIGNED_NOTHROW, "operator new(unsigned long, std::align_val_t, std::nothrow_t const&)") \
	X(NEW_ARRAY_ALIGNED_NOTHROW, "operator new[](unsigned long, std::align_val_t, std::nothrow_t const&)")

enum ht_entry {
#define X(id, name) HT_ENTRY_##id,
	HT_ENTRIES(X)
#undef X
	HT_ENTRY_COUNT
};

/** Blocks and bytes, always written by one 16-byte store, so that a kill can not part them. */
struct ht_pair {
	uint64_t blocks;
	uint64_t bytes;
} __attribute__((aligned(16)));

/**
 * What one thread slot allocated and freed of one trace. One writer at a time; the reader sums the cells of all threads:
 * live = sum of allocated - sum of freed. A single cell's difference may be negative (freed by another thread).
 */
struct ht_cell {
	struct ht_pair allocated;
	struct ht_pair freed;
};

#define HT_BLOCK_CELLS 32u   /* cells in a block: traces 32 * n ... 32 * n + 31 */
#define HT_CHUNK_BLOCKS 64u  /* blocks of 1 KiB in a granule, the first of them being the head */

/** A CELLS chunk. base[j] - 1 is the number of the first trace in block j (1 <= j < 64); 0 means unused. */
struct ht_cells {
	struct ht_chunk head;
	uint32_t base[HT_CHUNK_BLOCKS];
	uint32_t pad[176];
	struct ht_cell cells[(HT_CHUNK_BLOCKS - 1) * HT_BLOCK_CELLS];
};

/** A frame: its caller is `parent`; the outermost frame has parent 0. */
struct ht_node {
	uint32_t parent; /* number of a node of the same process with a lower number, or 0 */
	uint32_t module; /* number of the module that the address lay in when it was first seen, 0 if in none */
	uint64_t address; /* return address; for a frame interrupted by a signal the address itself */
};

enum ht_trace_flags {
	HT_TRACE_VALID = 1 << 0,     /* stored last */
	HT_TRACE_TRUNCATED = 1 << 1, /* frames were cut: by depth, or because the stack could not be followed */
};

/**
 * A backtrace: an entry point and the frames below it. Two records of one process may have the same frames (two
 * threads saw it first at the same time): the reader adds them up.
 */
struct ht_trace {
	uint32_t node;        /* innermost frame, 0 if there is none */
	uint8_t entry;        /* enum ht_entry */
	uint8_t flags;        /* enum ht_trace_flags */
	uint16_t depth;       /* frames */
	uint64_t first_ns;    /* since header.start_ns */
	uint32_t last_tick;   /* tick of the last allocation or free */
	uint32_t generation;  /* of at_peak_*, see ht_process.generation */
	int64_t live_bytes;   /* published: see ht_process.quantum_shift. Only the guest uses it */
	uint64_t peak_bytes;
	uint64_t at_peak_bytes;
	int32_t live_blocks;  /* published */
	uint32_t peak_blocks;
	uint32_t at_peak_blocks;
	uint32_t thread;      /* with HT_OPTION_BY_THREAD: number of the THREADS item; 0: unknown */
};

#define HT_MAX_LABELS 65536u

/** With HT_OPTION_BY_THREAD: a thread that allocated. One that ends and another that begins are two, whatever they share. */
struct ht_thread {
	uint32_t tid;      /* as the process sees it; stored last, 0: not there */
	uint32_t spare;
	uint64_t first_ns; /* its first allocation, since header.start_ns */
	char name[16];     /* when last looked at; not always NUL-terminated */
};

#define HT_CHURN_CLASSES 27u
#define HT_CHURN_ITEMS 255u

/**
 * With HT_OPTION_CHURN, beside each trace. Trace n has the item number n / 255 * 256 + n % 255 + 1: the head of each chunk
 * takes the place of an item that no trace has.
 */
struct ht_churn {
	uint64_t temporary_blocks; /* [atomic] each: freed before the same thread's next allocation */
	uint64_t temporary_bytes;
	uint64_t reallocs;         /* of a block to this one */
	uint64_t moved_blocks;     /* that came to lie elsewhere */
	uint64_t moved_bytes;      /* copied then: the smaller of both sizes */
	uint64_t sizes[HT_CHURN_CLASSES]; /* blocks of up to 8, 16, 32 ... bytes; the last one: larger ones too */
};

enum ht_process_flags {
	HT_PROCESS_FORKED = 1 << 0,         /* a fork child: no start of an image */
	HT_PROCESS_THREADED = 1 << 1,       /* a second thread allocated: peaks are within bound, see below */
	HT_PROCESS_FINISHED = 1 << 2,       /* the library's finaliser ran: an orderly exit() */
	HT_PROCESS_MALLOC_HIDDEN = 1 << 3,  /* the program's own malloc wins the look-up: nothing can be seen */
	HT_PROCESS_SIGNAL_TAKEN = 1 << 4,   /* the program installed its own handler for a dump signal */
	HT_PROCESS_GLIBC_MALLOC = 1 << 5,   /* the next malloc is glibc's: allocator figures are valid */
	HT_PROCESS_EXIT_NOTED = 1 << 6,     /* exit_status is valid (_exit, quick_exit seen) */
	HT_PROCESS_FIGURES_FINAL = 1 << 7,  /* the allocator's figures are the finaliser's */
	HT_PROCESS_STOPPED = 1 << 8,        /* new blocks are not recorded at present */
	HT_PROCESS_HAS_GAPS = 1 << 9,       /* recording was stopped for a time, or from the start */
};

/** What the host may ask of a process: the low byte of ht_process.control_wanted; above it a count, never the same twice. */
enum ht_control {
	HT_CONTROL_START = 1, /* reset, and record */
	HT_CONTROL_STOP,
	HT_CONTROL_RESUME,
	HT_CONTROL_RESET,
};

/**
 * One process. Peaks: while HT_PROCESS_THREADED is not set they are exact. Then each thread publishes its share of a
 * trace, and of the whole, whenever it has crossed a multiple of 2^quantum_shift bytes (2^block_shift blocks): the
 * true peak is less than threads << quantum_shift above the figure. With HT_OPTION_EXACT the shifts are 0.
 *
 * What was live at the peak: `generation` grows when the process leaves a new maximum. A trace whose own generation is
 * the same had at_peak_* live at that moment; any other has not changed since and had what is live now. (While
 * peak_pending is set, the process still is at its maximum: what is live now is what was live at the peak, all traces.)
 */
struct ht_process {
	uint32_t size;         /* of this record, bytes */
	uint32_t flags;        /* [atomic] enum ht_process_flags */
	uint32_t pid;          /* as the process sees itself */
	uint32_t ppid;
	uint32_t parent;       /* number of the process that forked it, 0 for the image's first */
	uint32_t threads;      /* [atomic] thread slots ever used */
	uint64_t start_ns;     /* since header.start_ns */
	uint32_t first_trace;  /* traces below belong to the parent, or to the time before a reset: they do not count */
	uint32_t next_trace;   /* [atomic] numbers below have been given out */
	uint32_t next_node;    /* [atomic] */
	uint32_t generation;
	uint32_t peak_pending;
	uint8_t quantum_shift; /* bytes */
	uint8_t block_shift;   /* blocks */
	uint16_t pad0;
	int64_t live_bytes;    /* published */
	int64_t live_blocks;   /* published */
	uint64_t peak_bytes;
	uint64_t peak_blocks;  /* the highest number of blocks; not necessarily at the same moment */
	uint64_t peak_ns;      /* of the peak of bytes, since header.start_ns, to a tick */
	/* What was not seen; [atomic] each. */
	uint64_t nested_allocations; /* made by a signal handler inside our own code */
	uint64_t inherited_frees;    /* of blocks from before the start or from the parent */
	uint64_t table_full;         /* allocations not recorded because a table could not grow */
	uint64_t truncated;          /* reserved */
	/* Requests: [atomic] a signal arrived in the program; counts, never reset. */
	uint32_t requests[HT_MAX_SIGNALS];
	/* glibc's own figures, taken when `wanted` differs from `taken`, at a safe point; and when the process finishes. */
	uint32_t allocator_wanted;   /* [atomic, host writes] */
	uint32_t allocator_taken;    /* [atomic] stored last */
	uint64_t allocator_ns;       /* when, since header.start_ns; 0 = never */
	uint64_t allocator_arena, allocator_hblkhd, allocator_uordblks;
	int32_t exit_status;
	uint32_t pad1;
	uint64_t entries[32];        /* addresses of our entry points, by enum ht_entry */
	/* Children that the process waited for: a ring; each is status << 32 | pid, as wait() gave them. */
	uint32_t reaped_count;       /* [atomic] ever */
	uint32_t pad2;
	uint64_t reaped[HT_REAPED];  /* [atomic] each */
	/* Requests of the host, answered at an event of the program: wanted by the host, seen and done by the guest. */
	uint32_t control_wanted;     /* [atomic] count << 8 | enum ht_control */
	uint32_t control_seen;       /* [atomic] */
	uint32_t control_done;       /* [atomic] */
	uint32_t pad3;
	uint64_t reset_ns;           /* when the figures were last set to 0, since header.start_ns; 0: never */
};

enum ht_module_flags {
	HT_MODULE_MAIN = 1 << 0, /* the executable */
	HT_MODULE_VDSO = 1 << 1,
	HT_MODULE_SELF = 1 << 2, /* libheaptrace.so */
};

struct ht_phdr {
	uint32_t type, flags;
	uint64_t offset, vaddr, filesz, memsz;
};

/** A loaded object; numbers are unique in the segment. Behind it: phdrs, build id, path (no NUL), padding to 8. */
struct ht_module {
	uint32_t number;       /* stored last; 0 ends the chunk */
	uint32_t size;         /* of the record with all that follows, bytes */
	uint64_t bias;         /* run-time address - ELF address (dlpi_addr) */
	uint64_t start, end;   /* run-time addresses */
	uint64_t loaded_ns;    /* first seen, since header.start_ns */
	uint64_t unloaded_ns;  /* 0 while loaded */
	uint32_t flags;        /* enum ht_module_flags */
	uint32_t phdrs;        /* number of struct ht_phdr */
	uint32_t build_id;     /* bytes */
	uint32_t path;         /* bytes */
};

/** argv of an image: `count` strings, each with its NUL, `bytes` in all. */
struct ht_command {
	struct ht_chunk head;
	uint32_t count;
	uint32_t bytes;
	char strings[];
};

/** A program that this process (or its vfork child `pid`) was about to execute. */
struct ht_exec_note {
	uint32_t size; /* of the record, multiple of 8; stored last; 0 ends the chunk */
	uint32_t pid;  /* who called exec; with posix_spawn the child: 0 until that has returned, HT_EXEC_FAILED if it failed */
	uint64_t ns;   /* since header.start_ns */
	char path[];   /* NUL-terminated, padded */
};

#define HT_EXEC_FAILED UINT32_MAX

#define HT_UNKNOWN UINT64_MAX /* a figure of a struct ht_point that is not known */

/** The process's figures at one moment. Bytes and blocks; HT_UNKNOWN where a figure is not known. */
struct ht_point {
	uint64_t ns;              /* since header.start_ns */
	uint64_t live_bytes, live_blocks;
	uint64_t allocations, allocated_bytes; /* ever */
	uint64_t rss;
	uint64_t allocator_arena, allocator_hblkhd, allocator_uordblks;
};

/** The host's samples of a process: `count` items of `item_size` bytes (struct ht_point or longer), by time. */
struct ht_timeline {
	struct ht_chunk head;
	uint32_t count;
	uint32_t item_size;
	uint64_t interval_ns;     /* the last distance that samples were meant to have */
};

/** ht_slices.flags */
enum ht_slices_flags {
	HT_SLICES_DEAR = 1 << 0, /* slices were taken less often than was asked for: they cost too much */
};

/** The host's slices: `count` struct ht_slice, by time; the first one says what happened since the process's start. */
struct ht_slices {
	struct ht_chunk head;
	uint32_t count;
	uint32_t flags;           /* enum ht_slices_flags */
	uint64_t interval_ns;     /* as it was asked for */
	uint64_t kept_ns;         /* what the kept ones (all but the first and the last) have between them */
};

/** What happened to each trace since the slice before; tools/slice_code.h says how the bytes behind it are written. */
struct ht_slice {
	uint32_t size;            /* of the record, with zeros to a multiple of 8 */
	uint32_t spare;
	uint64_t ns;              /* since header.start_ns */
	uint8_t bytes[];
};

/** What a guest sends to the collector's socket (SOCK_SEQPACKET) and gets back, the segment's descriptor beside it. */
#define HT_HELLO_MAGIC 0x4f4c4548u
struct ht_hello {
	uint32_t magic; /* HT_HELLO_MAGIC */
	uint32_t version;
	uint32_t pid; /* as the guest sees itself */
	uint32_t machine;
};
struct ht_welcome {
	uint32_t magic;
	uint32_t status; /* 0: a descriptor comes with it; else an errno value */
};

/**
 * What a guest asks for when its program calls our API, on a connection of its own, with the descriptor beside it that
 * the collector shall write to. Two answers come: that it has been understood, and that it is done.
 */
#define HT_REQUEST_MAGIC 0x54535152u
enum ht_request_kind {
	HT_REQUEST_TEXT = 1, /* text follows in messages until the guest shuts its side; "\1ADDRESS\n" (hex) asks for names */
	HT_REQUEST_REPORT,   /* a report of the process in `format` */
	HT_REQUEST_MARK,     /* keep the figures of this moment; answer.value names them */
	HT_REQUEST_SINCE,    /* what has changed since the mark `value`, in `format` */
};
struct ht_request {
	uint32_t magic; /* HT_REQUEST_MAGIC */
	uint32_t version;
	uint32_t kind;  /* enum ht_request_kind */
	uint32_t image; /* ht_header.image */
	uint32_t process;
	uint32_t pad;
	uint64_t value;
	char format[24]; /* as --format has it; empty: text */
	char sort[24];   /* as --sort has it; empty: the run's */
};
struct ht_answer {
	uint32_t magic; /* HT_REQUEST_MAGIC */
	int32_t status; /* 0, or a negative errno value */
	uint64_t value;
};

_Static_assert(sizeof(struct ht_header) <= 4096, "the header fits its page");
_Static_assert(sizeof(struct ht_chunk) == 64, "a chunk's head is one cache line");
_Static_assert(sizeof(struct ht_cells) == HT_GRANULE, "a CELLS chunk is one granule");
_Static_assert(sizeof(struct ht_trace) == 64 && sizeof(struct ht_node) == 16, "item sizes are part of the format");
_Static_assert(sizeof(struct ht_thread) == 32, "item sizes are part of the format");
_Static_assert(sizeof(struct ht_churn) == 256, "item sizes are part of the format");
_Static_assert(HT_ENTRY_COUNT <= 32, "ht_process.entries");

#endif
