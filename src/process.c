// SPDX-License-Identifier: MIT

#include "process.h"
#include "chunks.h"
#include "churn.h"
#include "clock.h"
#include "control.h"
#include "count.h"
#include "guest.h"
#include "labels.h"
#include "lookup.h"
#include "modules.h"
#include "real.h"
#include "rendezvous.h"
#include "session.h"
#include "signals.h"
#include "thread.h"
#include "traces.h"
#include "unwind.h"

#include <link.h>
#include <linux/mman.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>

#define CAGE_GROWTH (16u << 20) /* of the segment, for a process that can not map any more */
#define BYTE_QUANTUM 12 /* a thread publishes at each 4 KiB */
#define BLOCK_QUANTUM 6

struct guest guest;

extern void *__libc_stack_end;
void *malloc(size_t size);

/* argc, argv, NULL, envp, NULL, auxv: where _start found them; libc has not copied them yet when we may be called. */
static void read_initial_stack(void)
{
	const uintptr_t *stack = __libc_stack_end;
	struct rlimit limit = {.rlim_cur = 8u << 20};
	const char *const *p;

	guest.stack_end = (uintptr_t)stack;
	guest.arguments = (const char *const *)(stack + 1);
	p = guest.arguments + stack[0] + 1;
	guest.environment = p;
	while (*p)
		p++;
	guest.auxv = (const unsigned long *)(p + 1);
	raw_call(SYS_prlimit64, 0, RLIMIT_STACK, NULL, &limit);
	/* The kernel keeps at least 128 MiB below the stack free of mappings, and far more addresses than any limit. */
	guest.stack_limit = limit.rlim_cur < (128u << 20) ? 128u << 20 : limit.rlim_cur;
	if (guest.stack_limit > (1ull << 40))
		guest.stack_limit = 128u << 20;
}

static bool new_process(struct ht_process *parent, uint32_t parent_number, uint32_t pid, uint32_t ppid)
{
	struct ht_chunk *chunk = chunk_take(HT_CHUNK_PROCESS, HT_GRANULE, 0, 0);
	struct ht_process *process;

	if (!chunk)
		return false;
	process = (struct ht_process *)(chunk + 1);
	guest.number = chunk->process = chunk->number;
	guest.process = process;
	process->size = sizeof(*process);
	process->flags = parent ? HT_PROCESS_FORKED : 0;
	process->flags |= guest.glibc ? HT_PROCESS_GLIBC_MALLOC : 0;
	process->pid = pid;
	process->ppid = ppid;
	process->parent = parent_number;
	process->start_ns = clock_now();
	process->first_trace = parent ? (load_relaxed(&parent->next_trace) + 1023) & ~1023u : 0;
	process->next_trace = process->first_trace + (parent ? 1 : TRACE_UNCOUNTED + 1);
	process->next_node = 4;
	process->generation = 1;
	process->quantum_shift = guest.quantum_shift;
	process->block_shift = guest.block_shift;
	if (parent)
		process->flags |= parent->flags & (HT_PROCESS_STOPPED | HT_PROCESS_HAS_GAPS);
	return true;
}

/* Addresses of the entry points: what frame 0 of a backtrace shows. */
static void note_entries(void)
{
	static const char *const names[HT_ENTRY_COUNT] = {
		"malloc", "calloc", "realloc", "reallocarray", "memalign", "posix_memalign", "aligned_alloc", "valloc",
		"pvalloc", "_Znwm", "_Znam", "_ZnwmRKSt9nothrow_t", "_ZnamRKSt9nothrow_t", "_ZnwmSt11align_val_t",
		"_ZnamSt11align_val_t", "_ZnwmSt11align_val_tRKSt9nothrow_t", "_ZnamSt11align_val_tRKSt9nothrow_t",
	};

	lookup_self(names, HT_ENTRY_COUNT, guest.process->entries);
}

static void note_command(void)
{
	size_t bytes = 0, count = 0;
	struct ht_command *command;
	char *out;

	for (; guest.arguments[count]; count++)
		bytes += strlen(guest.arguments[count]) + 1;
	command = (struct ht_command *)chunk_take(HT_CHUNK_COMMAND, sizeof(*command) + bytes, 0, 0);
	if (!command)
		return;
	command->count = (uint32_t)count;
	command->bytes = (uint32_t)bytes;
	out = command->strings;
	for (size_t i = 0; i < count; i++) {
		size_t length = strlen(guest.arguments[i]) + 1;

		memcpy(out, guest.arguments[i], length);
		out += length;
	}
	chunk_publish(&command->head);
}

/* A program whose executable has a malloc of its own never calls ours. */
static void note_hidden_malloc(void)
{
	uint64_t ours = guest.process->entries[HT_ENTRY_MALLOC];

	if ((uint64_t)(uintptr_t)lookup_first("malloc") != ours)
		guest.process->flags |= HT_PROCESS_MALLOC_HIDDEN;
}

static const char *find_self(void)
{
	struct object object;

	if (!object_find((uintptr_t)find_self, &object))
		return "";
	guest.self_start = object.start;
	guest.self_end = object.end;
	return object.path ? object.path : "";
}

/* struct pthread's tid, at the same place in glibc 2.28 ... 2.41; believed only if it was right at the start. */
static uint32_t tcb_tid(void)
{
	uint32_t tid;

	__asm__ volatile("mov %%fs:0x2d0, %0" : "=r"(tid));
	return tid;
}

static bool start_tracing(void)
{
	guest.header = rendezvous(find_self());
	if (!guest.header)
		return false;
	guest.depth = guest.header->depth ? guest.header->depth : HEAPTRACE_DEPTH;
	/* The entry point is the first frame. */
	guest.depth = (guest.depth > HT_MAX_DEPTH ? HT_MAX_DEPTH : guest.depth) - 1;
	guest.publishing = guest.header->flags & HT_OPTION_EXACT;
	if (!guest.publishing) {
		guest.quantum_shift = BYTE_QUANTUM;
		guest.block_shift = BLOCK_QUANTUM;
	}
	if (!thread_start() || !traces_start() || !unwind_start())
		return false;
	uint32_t pid = (uint32_t)raw_call(SYS_getpid, 0, 0, 0, 0);

	guest.tid_known = tcb_tid() == pid;
	if (!new_process(NULL, 0, pid, (uint32_t)raw_call(SYS_getppid, 0, 0, 0, 0)))
		return false;
	control_start();
	modules_start();
	note_entries();
	note_command();
	note_hidden_malloc();
	chunk_publish((struct ht_chunk *)guest.process - 1);
	return true;
}

COLD void guest_start(void)
{
	int new = GUEST_NEW;

	if (!__atomic_compare_exchange_n(&guest.status, &new, GUEST_STARTING, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return;
	read_initial_stack();
	objects_start();
	real_find();
	bool tracing = start_tracing();

	store_release(&guest.status, tracing ? GUEST_ACTIVE : GUEST_OFF);
	if (tracing)
		signals_start();
}

uint32_t process_new_thread(struct thread *first)
{
	uint32_t number = add_relaxed(&guest.process->threads, 1) + 1;

	if (number > 1) {
		__atomic_fetch_or(&guest.process->flags, HT_PROCESS_THREADED, __ATOMIC_RELAXED);
		if (!__atomic_exchange_n(&guest.publishing, true, __ATOMIC_ACQ_REL) && first)
			count_publish_all(first);
	}
	return number;
}

/* The child of a fork that did not go through libc keeps the parent's words; then the kernel must be asked. */
COLD bool process_forked(bool through_libc)
{
	struct ht_process *parent = guest.process;
	uint32_t parent_number = guest.number;
	struct wiped *page = wiped;

	if (page->secret) /* a signal handler was faster */
		return true;
	if (guest.caged) {
		__atomic_store_n(&guest.status, GUEST_OFF, __ATOMIC_RELEASE);
		return false;
	}
	__atomic_store_n(&guest.status, GUEST_STARTING, __ATOMIC_RELEASE);
	traces_forked(parent);
	modules_forked();
	unwind_forked();
	churn_forked();
	labels_forked();
	exec_forked();
	guest.publishing = guest.header->flags & HT_OPTION_EXACT;
	bool known = through_libc && guest.tid_known;
	uint32_t pid = known ? tcb_tid() : (uint32_t)raw_call(SYS_getpid, 0, 0, 0, 0);
	uint32_t ppid = known ? parent->pid : (uint32_t)raw_call(SYS_getppid, 0, 0, 0, 0);

	if (!new_process(parent, parent_number, pid, ppid)) {
		__atomic_store_n(&guest.status, GUEST_OFF, __ATOMIC_RELEASE);
		return false;
	}
	memcpy(guest.process->entries, parent->entries, sizeof(parent->entries));
	thread_forked();
	chunk_publish((struct ht_chunk *)guest.process - 1);
	__atomic_store_n(&guest.status, GUEST_ACTIVE, __ATOMIC_RELEASE);
	session_forked();
	return true;
}

/*
 * mallinfo2() walks all free chunks, about 100 ns each when they are not in the cache. There are not many more of them than
 * there were blocks at once; at an exit nobody has asked, and it must not be felt.
 */
#define FIGURES_AT_EXIT 100000

void process_take_figures(void)
{
	struct ht_process *process = guest.process;

	if (!guest.glibc || !real.mallinfo2)
		return;
	struct mallinfo2_figures figures = real.mallinfo2();

	process->allocator_arena = figures.arena;
	process->allocator_hblkhd = figures.hblkhd;
	process->allocator_uordblks = figures.uordblks;
	process->allocator_ns = clock_now();
}

COLD void process_tick(void)
{
	uint32_t wanted = load_acquire(&guest.process->allocator_wanted);

	if (wanted == load_relaxed(&guest.process->allocator_taken))
		return;
	process_take_figures();
	store_release(&guest.process->allocator_taken, wanted);
}

void process_note_exit(int status)
{
	if (load_acquire(&guest.status) != GUEST_ACTIVE || !load_relaxed(&wiped->secret))
		return;
	guest.process->exit_status = status;
	__atomic_fetch_or(&guest.process->flags, HT_PROCESS_EXIT_NOTED, __ATOMIC_RELEASE);
}

void process_note_child(int pid, int status)
{
	if ((status & 0xff) == 0x7f || status == 0xffff) /* stopped, continued */
		return;
	if (load_acquire(&guest.status) != GUEST_ACTIVE || !load_relaxed(&wiped->secret))
		return;
	uint32_t place = add_relaxed(&guest.process->reaped_count, 1) % HT_REAPED;

	store_relaxed(&guest.process->reaped[place], (uint64_t)(uint32_t)status << 32 | (uint32_t)pid);
}

void process_enter_cage(void)
{
	if (load_acquire(&guest.status) != GUEST_ACTIVE || !thread_get())
		return;
	chunks_reserve(CAGE_GROWTH);
	memory_prepare_cage();
	store_relaxed(&guest.no_clock, true);
	store_relaxed(&guest.caged, true);
}

__attribute__((constructor)) static void constructor(void)
{
	guest_start();
}

/* Not the very end: later destructors are counted like everything else. Only the allocator's figures are of now. */
__attribute__((destructor)) static void destructor(void)
{
	struct thread *thread = load_acquire(&guest.status) == GUEST_ACTIVE ? thread_get() : NULL;

	if (!thread)
		return;
	uint32_t flags = HT_PROCESS_FINISHED;

	if (!thread->guard && load_relaxed(&guest.process->peak_blocks) < FIGURES_AT_EXIT) {
		process_take_figures();
		flags |= HT_PROCESS_FIGURES_FINAL;
	}
	__atomic_fetch_or(&guest.process->flags, flags, __ATOMIC_RELEASE);
}
