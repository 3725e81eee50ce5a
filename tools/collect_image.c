// SPDX-License-Identifier: MIT

/*
 * Segments and the processes in them. A segment's memory is shared with strangers: heads of chunks are read by pread()
 * and checked, and only two kinds of pages are mapped, the header's (for the clock) and each living process's record
 * (for requests). The file's size is sealed, so a mapping cannot lose its pages.
 *
 * Whether a segment is still in use is asked of the kernel: F_SEAL_WRITE is refused while somebody has it mapped. That
 * covers fork children that have not allocated yet, and so have no chunk.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "collect.h"
#include "history.h"
#include "memory.h"
#include "procfs.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8u
#endif

#define PAGE 4096u
#define STUCK_NS 1000000000u /* a chunk without a head for so long will not get one */
#define BIRTH_SLACK_NS 20000000u
#define LARGEST (64ull << 30)
#define SMALLEST (64ull << 20)

static int make_memfd(uint64_t *limit)
{
	int fd = memfd_create("heaptrace", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
	if (fd < 0)
		fd = memfd_create("heaptrace", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -1;
	for (*limit = LARGEST; *limit >= SMALLEST; *limit /= 2) {
		if (ftruncate(fd, (off_t)*limit) == 0)
			return fd;
	}
	int error = errno;
	close(fd);
	errno = error;
	return -1;
}

static void fill_header(const struct run *run, struct ht_header *header, uint64_t limit)
{
	*header = (struct ht_header){
		.magic = HT_MAGIC,
		.version = HT_VERSION,
		.byte_order = HT_BYTE_ORDER,
		.kind = HT_LIVE_SEGMENT,
		.granule = HT_GRANULE,
		.limit = limit,
		.used = HT_GRANULE,
		.tick = (uint32_t)(collect_run_ns(run) >> HT_TICK_SHIFT),
		.flags = (run->options->exact ? HT_OPTION_EXACT : 0) | (run->options->start_off ? HT_OPTION_STOPPED : 0) |
			 (run->options->churn ? HT_OPTION_CHURN : 0) | (run->options->by_thread ? HT_OPTION_BY_THREAD : 0),
		.depth = run->options->depth,
		.start_ns = run->start_ns,
		.start_wall = run->start_wall,
		.machine = run->machine,
		.pointer_size = sizeof(void *),
		.header_size = HT_GRANULE,
		.release = HT_RELEASE,
	};
	for (size_t i = 0; i < run->options->signal_count; i++)
		header->signals[i] = (uint32_t)run->options->signals[i];
}

static void *map_page(int fd, uint64_t offset)
{
	void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)offset);
	return page == MAP_FAILED ? NULL : page;
}

static struct process *process_add(const struct run *run, struct image *image, pid_t pid)
{
	struct process *process = memory_zeroed(1, sizeof(*process));
	struct process **at = &image->processes;
	while (*at)
		at = &(*at)->next;
	*at = process;
	process->image = image;
	process->pid = pid;
	process->watch.fd = -1;
	process->facts.pid = pid;
	strcpy(process->facts.how_it_ended, "running");
	process->facts.history = history_new(TIMELINE_INTERVAL_NS);
	process->facts.history->slice_interval_ns = run->options->interval_ns;
	return process;
}

static void take_sample(const struct run *run, struct process *process)
{
	struct proc_stat stat;
	if (process->pid && procfs_statm(process->pid, &process->facts.statm) == 0)
		process->facts.statm.ns = collect_run_ns(run);
	if (process->pid && procfs_stat(process->pid, &stat) == 0) {
		process->born_ns = stat.start_ns;
		process->facts.ppid = stat.ppid;
	}
	procfs_executable(process->pid, &process->executable);
}

struct process *process_find(struct run *run, pid_t pid)
{
	for (struct image *image = run->images; image && pid; image = image->next) {
		for (struct process *process = image->processes; process; process = process->next) {
			if (process->pid == pid && !process->ended)
				return process;
		}
	}
	return NULL;
}

/** The process's earlier image is over: it has executed another program, or its pid has begun anew. */
static void end_earlier_image(struct run *run, pid_t pid)
{
	struct process *process = process_find(run, pid);
	struct proc_stat stat;
	if (!process)
		return;
	bool same = procfs_stat(pid, &stat) || !process->born_ns || stat.start_ns < process->born_ns + BIRTH_SLACK_NS;
	process_end(run, process, same ? "exec" : NULL);
}

static struct image *image_new(struct run *run)
{
	uint64_t limit;
	struct stat status;
	int fd = make_memfd(&limit);
	struct ht_header *header = fd < 0 ? NULL : map_page(fd, 0);
	if (!header || fstat(fd, &status)) {
		int error = errno;
		if (fd >= 0)
			close(fd);
		errno = error;
		return NULL;
	}
	fill_header(run, header, limit);
	header->image = run->image_count + 1;
	fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW);
	struct image *image = memory_zeroed(1, sizeof(*image));
	image->number = ++run->image_count;
	image->fd = fd;
	image->inode = status.st_ino;
	image->header = header;
	image->scanned = HT_GRANULE;
	image->next = run->images;
	run->images = image;
	return image;
}

void image_decline(struct run *run, pid_t pid)
{
	exec_greeted(run, pid);
	run->greeting = pid;
	image_scan_all(run);
	run->greeting = 0;
	end_earlier_image(run, pid);
}

struct image *image_create(struct run *run, pid_t pid, int pidfd)
{
	image_decline(run, pid);
	struct image *image = image_new(run);
	if (!image) {
		int error = errno;
		if (pidfd >= 0)
			close(pidfd);
		errno = error;
		return NULL;
	}
	struct process *process = process_add(run, image, pid);
	process->is_first = image->number == 1;
	procfs_name(pid, process->name, sizeof(process->name));
	take_sample(run, process);
	if (pidfd < 0 && pid)
		pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd >= 0)
		collect_watch(run, &process->watch, pidfd, process_pidfd_ready);
	clock_stir(run);
	return image;
}

/** What is looked for in /proc: a fork child that sees itself under another pid than we do. */
struct search {
	struct image *image;
	pid_t inner;
	uint64_t born_after_ns, born_before_ns;
	pid_t found;
	pid_t maybe; /* the right age, but without the segment: in the middle of exec? */
};

static bool has_the_age(pid_t pid, const struct search *search)
{
	struct proc_stat stat;
	return procfs_stat(pid, &stat) == 0 && stat.start_ns <= search->born_before_ns &&
	       stat.start_ns >= search->born_after_ns;
}

static int visit_namespaces(pid_t pid, void *data)
{
	struct search *search = data;
	unsigned levels;
	if (procfs_inner_pid(pid, &levels) != search->inner || levels < 2 || !has_the_age(pid, search))
		return 0;
	if (procfs_maps_memfd(pid, search->image->inode) == 1)
		search->found = pid;
	else
		search->maybe = pid;
	return search->found != 0;
}

/** Is it the process that says hello at this moment? Then it has left the segment, by exec. */
static bool is_greeting(const struct run *run, const struct search *search)
{
	unsigned levels;
	return run->greeting && procfs_inner_pid(run->greeting, &levels) == search->inner && levels > 1 &&
	       has_the_age(run->greeting, search) && !process_find((struct run *)run, run->greeting);
}

/** Our pid of a fork child; 0 if it is gone already. */
static pid_t find_child(const struct run *run, struct process *process, const struct ht_process *record)
{
	struct search search = {
		.image = process->image,
		.inner = (pid_t)record->pid,
		.born_after_ns = run->start_ns - BIRTH_SLACK_NS,
		.born_before_ns = run->start_ns + record->start_ns + BIRTH_SLACK_NS,
	};
	if (process->in_namespace && is_greeting(run, &search))
		return run->greeting;
	if (process->in_namespace) {
		procfs_each(visit_namespaces, &search);
		return search.found ? search.found : search.maybe;
	}
	return has_the_age(search.inner, &search) ? search.inner : 0;
}

struct process *process_numbered(struct image *image, uint32_t number)
{
	for (struct process *process = image->processes; process; process = process->next) {
		if (process->number == number)
			return process;
	}
	return NULL;
}

/** A fork child has claimed its chunk. */
static void adopt_child(struct run *run, struct image *image, struct process *process, const struct ht_process *record)
{
	struct process *parent = process_numbered(image, record->parent);
	process->unwanted = !follow_wants_forks(run);
	process->in_namespace = record->ppid == 0 || (parent && parent != process && parent->in_namespace);
	if (parent && parent != process)
		memcpy(process->name, parent->name, sizeof(process->name));
	pid_t pid = find_child(run, process, record);
	int pidfd = pid ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
	bool gone = !pid || (pidfd < 0 && errno == ESRCH);
	process->pid = pid ? pid : process->in_namespace ? 0 : (pid_t)record->pid;
	process->facts.pid = process->pid;
	if (!process->name[0])
		procfs_name(process->pid, process->name, sizeof(process->name));
	clock_stir(run);
	if (!gone)
		take_sample(run, process);
	if (parent && parent != process)
		process->facts.ppid = parent->pid; /* it may have ended already, and the child have another one */
	if (gone) {
		process_end(run, process, NULL);
		return;
	}
	if (pidfd >= 0)
		collect_watch(run, &process->watch, pidfd, process_pidfd_ready);
}

static void add_common(struct image *image, uint32_t process, const struct ht_chunk *chunk, uint64_t offset)
{
	image->common = memory_grow(image->common, image->common_count, &image->common_room, sizeof(*image->common));
	image->common[image->common_count++] = (struct common){process, {offset, chunk->size, chunk->kind}};
}

static void add_family(struct image *image, uint32_t number, uint32_t parent)
{
	image->families = memory_grow(image->families, image->family_count, &image->family_room, sizeof(*image->families));
	image->families[image->family_count++] = (struct family){number, parent};
}

static void found_process(struct run *run, struct image *image, uint64_t offset)
{
	struct ht_process record;
	struct process *process = image->processes;
	if (pread(image->fd, &record, sizeof(record), (off_t)(offset + sizeof(struct ht_chunk))) != sizeof(record))
		return;
	bool first = process && !process->number && !(record.flags & HT_PROCESS_FORKED);
	if (!first)
		process = process_add(run, image, 0);
	process->number = (uint32_t)(offset / HT_GRANULE);
	add_family(image, process->number, record.parent);
	process->chunk = map_page(image->fd, offset);
	process->record = process->chunk ? (struct ht_process *)(process->chunk + 1) : NULL;
	if (!first)
		adopt_child(run, image, process, &record);
	else if (process->pid != (pid_t)record.pid)
		process->in_namespace = true;
	client_tell(run, process);
}

/** The program's name as reports have it: the base name of argv[0]. */
static void read_name(struct process *process, uint64_t offset)
{
	char bytes[sizeof(struct ht_command) + 4096];
	ssize_t got = pread(process->image->fd, bytes, sizeof(bytes) - 1, (off_t)offset);
	if (got <= (ssize_t)sizeof(struct ht_command))
		return;
	bytes[got] = '\0';
	const char *name = ((struct ht_command *)bytes)->strings;
	const char *slash = strrchr(name, '/');
	if (slash && slash[1])
		name = slash + 1;
	name += name[0] == '-' && name[1];
	if (*name)
		snprintf(process->name, sizeof(process->name), "%.*s", (int)sizeof(process->name) - 1, name);
}

static void found_chunk(struct run *run, struct image *image, const struct ht_chunk *chunk, uint64_t offset)
{
	if (chunk->kind == HT_CHUNK_PROCESS) {
		add_common(image, (uint32_t)(offset / HT_GRANULE), chunk, offset);
		found_process(run, image, offset);
		return;
	}
	if (chunk->kind == HT_CHUNK_MODULES || chunk->kind == HT_CHUNK_COMMAND)
		add_common(image, chunk->process, chunk, offset);
	struct process *owner = process_numbered(image, chunk->process);
	if (owner && chunk->kind == HT_CHUNK_COMMAND)
		read_name(owner, offset);
	if (!owner || chunk->kind == HT_CHUNK_MODULES || chunk->kind == HT_CHUNK_COMMAND)
		return;
	owner->spans = memory_grow(owner->spans, owner->span_count, &owner->span_room, sizeof(*owner->spans));
	owner->spans[owner->span_count++] = (struct span){offset, chunk->size, chunk->kind};
}

/** There is no head (yet) at `scanned`. @return true if it was passed over */
static bool pass_headless(struct image *image, bool finally)
{
	uint64_t now = collect_now();
	if (!image->stuck_ns)
		image->stuck_ns = now;
	if (!finally && now - image->stuck_ns < STUCK_NS)
		return false;
	off_t data = lseek(image->fd, (off_t)(image->scanned + HT_GRANULE), SEEK_DATA);
	image->scanned = data < 0 ? image->header->limit : (uint64_t)data / HT_GRANULE * HT_GRANULE;
	image->stuck_ns = 0;
	return true;
}

void image_scan(struct run *run, struct image *image, bool finally)
{
	for (;;) {
		struct ht_chunk chunk;
		struct stat status;
		uint64_t used = __atomic_load_n(&image->header->used, __ATOMIC_ACQUIRE);
		if (image->scanned + HT_GRANULE > used)
			return;
		if (fstat(image->fd, &status) || image->scanned + HT_GRANULE > (uint64_t)status.st_size ||
		    pread(image->fd, &chunk, sizeof(chunk), (off_t)image->scanned) != sizeof(chunk))
			return;
		bool valid = chunk.magic == HT_CHUNK_MAGIC && chunk.number == image->scanned / HT_GRANULE && chunk.size >= sizeof(chunk) &&
			     chunk.size <= (uint64_t)status.st_size - image->scanned;
		if (!valid) {
			if (!pass_headless(image, finally))
				return;
			continue;
		}
		uint64_t offset = image->scanned;
		image->scanned += (chunk.size + HT_GRANULE - 1) / HT_GRANULE * HT_GRANULE;
		image->stuck_ns = 0;
		found_chunk(run, image, &chunk, offset);
	}
}

void image_scan_all(struct run *run)
{
	for (struct image *image = run->images; image; image = image->next)
		image_scan(run, image, false);
}

/** A process whose record names this one as its parent is still to be reported: its figures may refer to ours. */
static bool has_children(const struct process *process)
{
	for (struct process *other = process->image->processes; other; other = other->next) {
		struct ht_process record;
		off_t offset = (off_t)other->number * HT_GRANULE + (off_t)sizeof(struct ht_chunk);
		if (other != process && pread(process->image->fd, &record, sizeof(record), offset) == sizeof(record) &&
		    record.parent == process->number)
			return true;
	}
	return false;
}

/** Heads stay, so that the way from chunk to chunk does. */
static void punch(const struct process *process)
{
	if (!process->image->processes->next || has_children(process))
		return;
	for (size_t i = 0; i < process->span_count; i++) {
		const struct span *span = &process->spans[i];
		if (span->size > PAGE)
			fallocate(process->image->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				  (off_t)(span->offset + PAGE), (off_t)(span->size - PAGE));
	}
}

void process_forget(struct process *process)
{
	struct process **at = &process->image->processes;
	punch(process);
	while (*at != process)
		at = &(*at)->next;
	*at = process->next;
	if (process->chunk)
		munmap(process->chunk, PAGE);
	for (size_t i = 0; i < process->facts.untraced_count; i++)
		free(process->facts.untraced[i].reason);
	free(process->facts.untraced);
	history_free(process->facts.history);
	slicer_free(process->slicer);
	free(process->last_exec);
	free(process->spans);
	free(process);
}

static int visit_user(pid_t pid, void *image)
{
	return pid != getpid() && procfs_maps_memfd(pid, ((struct image *)image)->inode) == 1;
}

/** Nobody maps it? Our own mapping has to go for that question. Where fcntl() is forbidden, /proc knows. */
static bool is_unmapped(struct image *image)
{
	munmap(image->header, PAGE);
	if (fcntl(image->fd, F_ADD_SEALS, F_SEAL_WRITE) == 0 || (errno != EBUSY && !procfs_each(visit_user, image)))
		return true;
	image->header = map_page(image->fd, 0);
	return !image->header;
}

bool image_drop_if_unused(struct run *run, struct image *image)
{
	if (image->processes)
		return false;
	image_scan(run, image, false);
	if (image->processes || !is_unmapped(image))
		return false;
	image->header = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, image->fd, 0);
	if (image->header != MAP_FAILED) {
		image_scan(run, image, true); /* what a process that died meanwhile has left */
		if (image->processes)
			return false;
		munmap(image->header, PAGE);
	}
	struct image **at = &run->images;
	while (*at != image)
		at = &(*at)->next;
	*at = image->next;
	close(image->fd);
	collect_tell_launcher(run, MESSAGE_DROP, 0, image->number, -1);
	free(image->common);
	free(image->families);
	free(image);
	return true;
}
