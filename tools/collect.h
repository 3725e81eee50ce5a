// SPDX-License-Identifier: MIT

/*
 * The collector: the process beside a run that gives guests their segments, ticks their clock, notices requests and
 * ends, and has the reports made. It is nobody's child, so the program sees nothing of it, and it outlives the launcher
 * where traced processes do. One thread, one epoll loop, nothing in it waits; whatever may take time is done in a child.
 *
 *	collect.c         life of the collector, its loop, the launcher's messages, the end of the run
 *	collect_client.c  the run's socket: guests that say hello, `heaptrace dump`
 *	collect_image.c   segments and the processes in them
 *	collect_extract.c one process's part of a segment
 *	collect_end.c     how a process ended
 *	collect_follow.c  which of them the user wants: --follow, --only
 *	collect_exec.c    programs that processes start, and which of them are not traced
 *	collect_clock.c   ticks, samples, requests
 *	collect_timeline.c  figures over time
 *	collect_slices.c    backtraces over time
 *	collect_jobs.c    the queue of reports
 *	collect_requests.c  what programs ask for through the API
 */

#ifndef HEAPTRACE_COLLECT_H
#define HEAPTRACE_COLLECT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "model.h"
#include "options.h"
#include "output.h"
#include "procfs.h"
#include "protocol.h"
#include "rundir.h"

struct run;

/** Something that the loop waits for. */
struct watch {
	int fd; /* -1: nothing */
	void (*ready)(struct run *run, struct watch *watch);
};

/** A chunk that belongs to a process. */
struct span {
	uint64_t offset, size;
	uint32_t kind; /* enum ht_chunk_kind */
};

/** A process that is traced, from its hello or its fork to its report. Then it is forgotten. */
struct process {
	struct watch watch;          /* pidfd; the first field, so that a watch leads here */
	struct process *next;        /* of the image */
	struct image *image;
	uint32_t number;             /* in the segment; 0: it has not claimed its chunk yet */
	pid_t pid;                   /* ours; 0: unknown */
	struct executable executable;
	uint64_t born_ns;            /* start of the process, CLOCK_MONOTONIC; 0: unknown */
	char name[64];               /* of the program */
	struct ht_chunk *chunk;      /* the mapped head of its chunk, NULL before and after */
	struct ht_process *record;   /* behind it */
	uint32_t requests_seen[HT_MAX_SIGNALS];
	struct host_facts facts;
	uint64_t cpu_ticks;          /* at the last sample */
	bool is_first;               /* of the run */
	bool unwanted;               /* a fork child that --follow leaves out: no report */
	bool ended;                  /* its report is in the queue, or made */
	bool reaped_by_launcher;     /* its pidfd is readable; the launcher's word is on its way */
	const char *outfile, *save;  /* assigned at its first report; run.names */
	bool outfile_begun;
	struct span *spans;          /* its chunks */
	size_t span_count, span_room;
	bool in_namespace;           /* its own pid is not ours */
	uint64_t notes_read;         /* exec notes that have been looked at */
	char *last_exec;             /* what it itself was about to execute last */
	bool check_exec;             /* whether it did is still to be found out */
	unsigned silent_checks;      /* times that it looked as if it had, and was not traced */
	struct start *starts;        /* programs that its vfork and spawn children should bring up */
	uint64_t point_due_ns;       /* the next sample of its timeline, since the start of the run */
	uint64_t slice_due_ns;       /* the next slice, since the start of the process; 0: not set */
	struct slicer *slicer;       /* collect_slices.c's; NULL: no slice has been taken */
};

/** A chunk that descendants of its process need too. */
struct common {
	uint32_t process;
	struct span span;
};

/** Who forked whom; stays when the processes are forgotten. */
struct family {
	uint32_t number, parent;
};

/** A segment: one program image and the children that it forked. */
struct image {
	struct image *next;
	unsigned number;
	int fd;
	uint64_t inode;
	struct ht_header *header;    /* mapped */
	uint64_t scanned;            /* offset of the next chunk to be looked at */
	uint64_t stuck_ns;           /* since when that chunk has had no head; 0: it has not been missing */
	struct process *processes;   /* in the order of their chunks */
	struct common *common;
	size_t common_count, common_room;
	struct family *families;
	size_t family_count, family_room;
};

enum job_kind { JOB_DUMP, JOB_FINAL, JOB_DOCUMENT, JOB_TREE };

/** A report to be made. */
struct job {
	struct job *next;
	enum job_kind kind;
	struct process *process;     /* NULL: of the whole run */
	int signal;                  /* index of the one that asked for the dump */
	unsigned count;              /* requests that this one dump answers */
	uint64_t due_ns;             /* not before: the guest may still be taking its allocator's figures */
	bool streams;                /* it goes where somebody reads it while it is written */
	bool again;                  /* it has been killed once */
	bool begins;                 /* it is the first one in its file */
};

/** An ended process that the document at the end of the run will hold. */
struct kept {
	char *path;
	uint32_t number;
};

#define HELLOS 1024u

/** A process that has said hello. */
struct hello {
	pid_t pid;
	uint64_t ns;
};

/** A run, as launcher and collector know it. Prepared by the launcher. */
struct run {
	const struct options *options;
	char library[4096];          /* the real one */
	unsigned machine;            /* that it is made for */
	struct rundir rundir;
	const char *directory;       /* where the run started */
	struct output outfile, save;
	struct output survivors;     /* where reports go that have no other place once the launcher is gone */
	bool document;               /* one document of all processes goes to outfile.stream at the end */
	char *document_path;         /* or to this file; NULL: each process has a file of its own */
	uint64_t start_ns, start_wall;
	pid_t launcher;

	/* The collector's own from here. */
	struct output_names outfile_names, save_names;
	struct watch launcher_watch, listener, timer, signals;
	int epoll;
	pid_t program;               /* the launcher's child, 0: not started yet */
	pid_t last_ended;            /* child that the launcher has reaped, in case its image comes to light later */
	int64_t last_status, last_user; /* as MESSAGE_ENDED says */
	bool attached;               /* the launcher has not returned: its stderr and stdout may be used */
	bool finishing;              /* the launcher waits for MESSAGE_DONE */
	bool takes_all_down;         /* with it, what still runs will be killed */
	bool launcher_stopped;
	uint64_t grace_ns;           /* what ends until then is still waited for; 0: not set */
	struct image *images;
	unsigned image_count;        /* ever */
	unsigned refused_count;      /* hellos that got no segment */
	unsigned declined_count;     /* that got none because --follow or --only do not want them */
	pid_t greeting;              /* says hello at this moment; 0: nobody */
	struct hello hellos[HELLOS]; /* the last ones, going round */
	size_t hello_count;          /* ever */
	struct client *clients;
	pid_t *workers;              /* that carry out requests of programs */
	size_t worker_count, worker_room;
	uint64_t mark_count;         /* ever; see collect_requests.c */
	struct job *jobs;            /* the first one first */
	struct job *running;         /* being made by `renderer` */
	pid_t renderer;
	struct kept *kept;
	size_t kept_count, kept_room;
	char *tree;                  /* file of records for the tree of processes; NULL: there are none (any more) */
	bool tree_done;              /* it has been printed: there is one in a run */
	unsigned tree_count;         /* records, at most */
	unsigned tree_missed;        /* processes for which there was no room */
	const char *tree_outfile;    /* where the tree goes that has no stream: the first process's file */
	bool done;                   /* MESSAGE_DONE has been sent */
	uint64_t busy_ns;            /* when a traced process was last seen at work */
	uint64_t sampled_ns, sample_cost_ns;
	bool said_no_slices;         /* that one is not complete */
	uint64_t points_due_ns;      /* no samples for timelines before, since the start of the run: they would cost too much */
	unsigned tick_ms;            /* the timer's interval, 0: off */
	uint64_t needed_ns;          /* when it is next checked whether the run directory is still needed */
	uint64_t needed_wait_ns;
};

/**
 * Start the collector of a prepared run. @return the socket to it (close-on-exec), or -1 with errno
 */
int collect_start(struct run *run);

/* collect.c */
uint64_t collect_now(void);                                /* CLOCK_MONOTONIC, ns */
uint64_t collect_run_ns(const struct run *run);            /* the same since the start of the run */
void collect_watch(struct run *run, struct watch *watch, int fd, void (*ready)(struct run *, struct watch *));
void collect_unwatch(struct run *run, struct watch *watch); /* closes the descriptor */
void collect_tell_launcher(struct run *run, enum message_kind kind, pid_t pid, int64_t value, int fd);

/** Write a line to the launcher's stderr, while there is one. */
__attribute__((format(printf, 2, 3)))
void collect_say(const struct run *run, const char *format, ...);

/* collect_client.c */
void client_accept(struct run *run, struct watch *listener);
void client_answer_due(struct run *run); /* dump commands whose processes have had their time */
bool client_is_waiting(const struct run *run);
bool client_is_any(const struct run *run); /* that the directory is needed for: followers have what they came for */
void client_tell(struct run *run, const struct process *process); /* followers: it has come, or ended */

/* collect_image.c */

/** A new image for a process that said hello; pidfd may be -1. @return it, or NULL with errno */
struct image *image_create(struct run *run, pid_t pid, int pidfd);

/** A process says hello, but gets no image: what it was before it executed this program is over. */
void image_decline(struct run *run, pid_t pid);

/** Look at chunks that have come since; `finally`: those without a head will not get one any more. */
void image_scan(struct run *run, struct image *image, bool finally);
void image_scan_all(struct run *run);

/** Give an image back when nobody needs it any more. @return true if it is gone */
bool image_drop_if_unused(struct run *run, struct image *image);

/** Forget a process whose reports are made; the memory of its tables goes back while others still use the segment. */
void process_forget(struct process *process);

struct process *process_find(struct run *run, pid_t pid); /* a living one, or NULL */

/* collect_extract.c */

/** A segment with only what the process's report needs. @return a descriptor, or -1: take the whole */
int process_extract(const struct process *process);

/* collect_end.c */

/** The process of an image that has this number, NULL if there is none (any more). */
struct process *process_numbered(struct image *image, uint32_t number);

/** The process has ended; `how` as in host_facts, NULL: find out. Queues the final report. */
void process_end(struct run *run, struct process *process, const char *how);
void process_pidfd_ready(struct run *run, struct watch *watch);

/** "SIGTERM", "SIGRTMIN+2", ... @return text */
const char *signal_name(int number, char *text, size_t size);

/** "exit:N" or "signal:NAME" of a wait status. */
void how_of_status(int status, char *how, size_t size);

/* collect_follow.c */

/** Is the program that says hello one to be traced? */
bool follow_admits(const struct run *run, pid_t pid);

/** Are fork children that have not executed anything reported? */
bool follow_wants_forks(const struct run *run);

/** Is it a loss that `pid`, which is `process` itself or a child of its, has executed this without being traced? */
bool follow_misses(const struct run *run, const struct process *process, pid_t pid, const char *path);

/** What was not seen of the children of a process that has ended and is not reported goes to one that is. */
void follow_hand_over(struct run *run, struct process *process);

/** If nothing was traced because nothing was wanted, say so. */
void follow_say_nothing(const struct run *run);

/* collect_exec.c */

/** A process has said hello. */
void exec_greeted(struct run *run, pid_t pid);

/** Look at what the process noted before it executed programs. */
void process_read_notes(struct run *run, struct process *process);

/** Has it executed a program that is not traced? Then its image has ended. */
void process_check_exec(struct run *run, struct process *process);

/**
 * A process has ended whose last word was that it would execute something. Either that failed and it went on to its
 * end, or what ended, as `how` says, was another program, which did not say hello.
 */
bool process_ended_by_exec(struct run *run, struct process *process, const char *how);

/** What of its starts has not said hello, and will not? `finally`: it has ended. */
void process_judge_starts(struct run *run, struct process *process, bool finally);

/* collect_clock.c */
int clock_start(struct run *run);  /* -1: errno */
void clock_stir(struct run *run); /* something happens: tick at full speed */
void clock_poll_requests(struct run *run, struct process *process);

/* collect_timeline.c */

#define TIMELINE_INTERVAL_NS 4000000u /* at first */

/** Take the samples that are due, unless they have cost too much lately. */
void timeline_tick(struct run *run);

/** Called for each block of cells: those that one thread has for the traces base ... base + HT_BLOCK_CELLS - 1. */
typedef void cells_visitor(void *data, uint32_t base, const struct ht_cell *cells);

/** Visit all cells of a process, as they are. @return false if there are too many of them; then some were visited */
bool cells_read(const struct process *process, cells_visitor *visit, void *data);

/* collect_slices.c */
void slices_tick(struct run *run); /* take the slices that are due, if --interval asks for any */
void slicer_free(struct slicer *slicer);

/* collect_jobs.c */

/** `index` is of the signal that asked for it. */
void jobs_dump(struct run *run, struct process *process, int index, unsigned count);
void jobs_dump_all(struct run *run, int index, bool by_group); /* those that had the signal themselves ask themselves */
void jobs_final(struct run *run, struct process *process);
void jobs_pump(struct run *run);
void jobs_document(struct run *run);
void jobs_tree(struct run *run);   /* of the processes that have been reported */
bool jobs_has_tree(const struct run *run);
void jobs_child_ended(struct run *run);
bool jobs_are_done(const struct run *run);
void jobs_restore_signals(void); /* in a child that makes a report */

#endif
