// SPDX-License-Identifier: MIT

/*
 * Writing the stream. All under the sessions' lock, so there is one writer, and its order is the order of the events.
 *
 * A file is written through a shared mapping, and its descriptor is closed at once: the program can not close it, nor
 * give its number to a file of its own, and what was written is in the file even if the program is killed in the next
 * moment. The disk's space is allocated before it is mapped. A FIFO needs a descriptor; before each record it is checked
 * that its number still means the FIFO. Whole records fit into the kernel's atomic writes, so a reader that is too slow
 * loses events, never halves of them.
 */

#include "tohost.h"
#include "clock.h"
#include "modules.h"
#include "rendezvous.h"
#include "tohost_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mman.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#define MAX_PATH 4096u
#define PAGE 4096u
#define FIRST_WINDOW (256u << 10)
#define LARGEST_WINDOW (16u << 20)
#define NUMBERS 65536u /* modules that can be remembered as described */
#define TIDS 256u
#define RETRY 1024u
#define PIPE_SIZE (1 << 20)

static struct {
	char path[MAX_PATH + 16]; /* absolute */
	bool open;                /* somebody wants the stream */
	bool is_file;
	bool begun;               /* BEGIN has been written to where the next record goes */
	bool fresh;               /* the file is to be made, not found */
	dev_t dev;
	ino_t ino;
	int fd;                   /* FIFO: -1 if it is not open */
	char *window;             /* file: mapped part, NULL: none */
	size_t window_size, window_used;
	uint64_t offset;          /* of the window in the file */
	uint64_t lost;            /* events since the last LOST */
	struct ht_stream_lost *lost_place; /* file: the LOST at the end of a window after which there is none */
	uint32_t epoch;           /* of the modules described */
	uint32_t tids[TIDS];      /* threads described */
	uint8_t described[NUMBERS / 8];
	char message[PAGE];       /* FIFO: a record on its way */
} stream = {.fd = -1};

static long open_place(int flags)
{
	return raw_open(stream.path, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0600);
}

/* Whether a descriptor is the place that was opened at first. */
static bool is_place(int fd)
{
	struct stat now;

	return !raw_call(SYS_fstat, fd, &now, 0, 0) && now.st_dev == stream.dev && now.st_ino == stream.ino;
}

static void forget_described(void)
{
	stream.begun = false;
	stream.epoch = load_relaxed(&guest.epoch);
	memset(stream.described, 0, sizeof(stream.described));
	memset(stream.tids, 0, sizeof(stream.tids));
}

static void drop_window(void)
{
	if (stream.window)
		memory_unmap(stream.window, stream.window_size);
	stream.offset += stream.window_used;
	stream.window = NULL;
	stream.lost_place = NULL;
	stream.window_size = stream.window_used = 0;
}

/* A limit on file sizes would be a deadly signal: look first. */
static bool allocate(int fd, uint64_t end)
{
	struct rlimit limit = {0};

	if (raw_call(SYS_prlimit64, 0, RLIMIT_FSIZE, NULL, &limit) || limit.rlim_cur < end)
		return false;
	return !raw_call(SYS_fallocate, fd, 0, 0, end);
}

static long open_file(void)
{
	long fd = open_place(stream.fresh ? O_RDWR | O_CREAT | O_TRUNC : O_RDWR);
	struct stat made = {0};

	if (fd < 0 || !stream.fresh)
		return fd;
	raw_call(SYS_fstat, fd, &made, 0, 0);
	stream.dev = made.st_dev;
	stream.ino = made.st_ino;
	stream.fresh = false;
	return fd;
}

/* The file's next part, in place of the one that is mapped. @return 0 or a negative errno value; then that one stays */
static int next_window(size_t least)
{
	uint64_t end = stream.offset + stream.window_used, skip = end % PAGE;
	size_t size = stream.window_size ? stream.window_size * 2 : FIRST_WINDOW;
	char *window = NULL;
	long fd = open_file();

	if (fd < 0)
		return (int)fd;
	size = size > LARGEST_WINDOW ? LARGEST_WINDOW : size;
	size = size < least + skip ? (least + skip + PAGE - 1) & ~(size_t)(PAGE - 1) : size;
	if (is_place((int)fd) && allocate((int)fd, end - skip + size))
		window = raw_mmap(size, PROT_READ | PROT_WRITE, MAP_SHARED, (int)fd, end - skip);
	raw_close((int)fd);
	if (!window)
		return -ENOSPC;
	raw_madvise(window, size, MADV_DONTDUMP);
	drop_window();
	stream.window = window;
	stream.window_size = size;
	stream.window_used = skip;
	stream.offset = end - skip;
	return 0;
}

/* O_RDWR: it needs no reader to be opened, and none that goes away is a SIGPIPE. */
static int open_fifo(void)
{
	long fd = open_place(O_RDWR), high;

	if (fd < 0)
		return (int)fd;
	high = raw_call(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 200, 0);
	if (high >= 0) {
		raw_close((int)fd);
		fd = high;
	}
	stream.fd = (int)fd;
	raw_call(SYS_fcntl, fd, F_SETPIPE_SZ, PIPE_SIZE, 0); /* or as large as it is */
	if (is_place(stream.fd))
		return 0;
	raw_close(stream.fd);
	stream.fd = -1;
	return -ESTALE;
}

/* Room for a record, NULL if it can not be written. */
static void *room(size_t size)
{
	bool caged = load_relaxed(&guest.caged);

	if (!stream.is_file)
		return size <= sizeof(stream.message) && !caged && (stream.fd >= 0 || !open_fifo()) ? stream.message : NULL;
	size += sizeof(struct ht_stream_lost); /* that one must always fit */
	if (stream.window && !stream.lost_place && stream.window_used + size <= stream.window_size)
		return stream.window + stream.window_used;
	/* A full disk is asked again now and then. */
	if (caged || (stream.lost_place && stream.lost_place->events % RETRY) || next_window(size))
		return NULL;
	return stream.window + stream.window_used;
}

/* The record in the room is whole. */
static bool put(struct ht_stream_head *head, enum ht_stream_kind kind, size_t size)
{
	head->kind = (uint16_t)kind;
	head->spare = 0;
	store_release(&head->size, (uint32_t)size);
	if (stream.is_file) {
		stream.window_used += size;
		return true;
	}
	if (!is_place(stream.fd)) {
		/* The program has closed it; the number may be its own by now. */
		stream.fd = -1;
		forget_described();
		return false;
	}
	/* EAGAIN: the reader is slow. */
	return raw_call(SYS_write, stream.fd, head, size, 0) == (long)size;
}

static bool begin(void)
{
	struct ht_stream_begin *out = room(sizeof(*out));
	const char *name = guest.arguments && guest.arguments[0] ? guest.arguments[0] : "program";

	if (!out)
		return false;
	memset(out, 0, sizeof(*out));
	out->magic = HT_STREAM_MAGIC;
	out->version = HT_STREAM_VERSION;
	out->byte_order = HT_BYTE_ORDER;
	out->pid = guest.process->pid;
	out->machine = guest.header->machine;
	out->start_wall = guest.header->start_wall;
	for (const char *c = name; *c; c++)
		if (*c == '/' && c[1])
			name = c + 1;
	for (size_t i = 0; i + 1 < sizeof(out->name) && name[i]; i++)
		out->name[i] = name[i];
	stream.begun = put(&out->head, HT_STREAM_BEGIN, sizeof(*out));
	return stream.begun;
}

static bool describe_module(const struct ht_module *module)
{
	size_t size = sizeof(struct ht_stream_head) + module->size;
	struct ht_stream_head *out = room(size);

	if (!out) /* a path that is too long for a FIFO: its frames stay without names */
		return !stream.is_file && size > sizeof(stream.message);
	memcpy(out + 1, module, module->size);
	return put(out, HT_STREAM_MODULE, size);
}

/* The unwinder has recorded the modules of all frames; the loader is not asked here. */
static bool describe_modules(const struct session_event *event)
{
	for (uint32_t i = 0; i < event->depth; i++) {
		const struct ht_module *module = module_at(event->frames[i] - 1);

		if (!module || module->number >= NUMBERS)
			continue;
		uint8_t *byte = &stream.described[module->number / 8], bit = (uint8_t)(1u << module->number % 8);

		if (*byte & bit)
			continue;
		if (!describe_module(module))
			return false;
		*byte |= bit;
	}
	return true;
}

/* struct pthread's tid; see process.c. */
static uint32_t own_tid(void)
{
	uint32_t tid;

	__asm__ volatile("mov %%fs:0x2d0, %0" : "=r"(tid));
	return guest.tid_known || load_relaxed(&guest.caged) ? tid : (uint32_t)raw_call(SYS_gettid, 0, 0, 0, 0);
}

static bool describe_thread(uint32_t tid)
{
	struct ht_stream_thread *out;

	if (stream.tids[tid % TIDS] == tid)
		return true;
	out = room(sizeof(*out));
	if (!out)
		return false;
	*out = (struct ht_stream_thread){.tid = tid};
	if (!load_relaxed(&guest.caged))
		raw_call(SYS_prctl, PR_GET_NAME, out->name, 0, 0);
	if (!put(&out->head, HT_STREAM_THREAD, sizeof(*out)))
		return false;
	stream.tids[tid % TIDS] = tid;
	return true;
}

/* An event can not be written: say so where there was room left for that. */
static void lose(void)
{
	struct ht_stream_lost *out = stream.lost_place;

	if (out) {
		out->events++;
		return;
	}
	stream.lost++;
	if (!stream.is_file || !stream.window || stream.window_used + sizeof(*out) > stream.window_size)
		return;
	out = (struct ht_stream_lost *)(stream.window + stream.window_used);
	out->events = stream.lost;
	put(&out->head, HT_STREAM_LOST, sizeof(*out));
	stream.lost_place = out;
	stream.lost = 0;
}

static bool own_up(void)
{
	struct ht_stream_lost *out;

	if (!stream.lost)
		return true;
	out = room(sizeof(*out));
	if (!out)
		return false;
	out->events = stream.lost;
	if (!put(&out->head, HT_STREAM_LOST, sizeof(*out)))
		return false;
	stream.lost = 0;
	return true;
}

static bool write_event(enum ht_stream_kind kind, const struct session_event *event)
{
	size_t size = sizeof(struct ht_stream_event) + event->depth * sizeof(uint64_t);
	struct ht_stream_event *out = room(size);

	if (!out)
		return false;
	out->ns = event->ns;
	out->address = event->address;
	out->bytes = event->size;
	out->tid = own_tid();
	out->cpu = (uint16_t)event->cpu;
	out->depth = (uint16_t)event->depth;
	for (uint32_t i = 0; i < event->depth; i++)
		out->frames[i] = event->frames[i];
	return put(&out->head, kind, size);
}

static void take(enum ht_stream_kind kind, const struct session_event *event)
{
	if (unlikely(!stream.open))
		return;
	if (unlikely(stream.epoch != load_relaxed(&guest.epoch))) {
		stream.epoch = load_relaxed(&guest.epoch);
		memset(stream.described, 0, sizeof(stream.described));
	}
	if ((!stream.begun && !begin()) || !own_up() || !describe_modules(event) || !describe_thread(own_tid()) ||
	    !write_event(kind, event))
		lose();
}

static void allocated(struct session *session, const struct session_event *event)
{
	take(HT_STREAM_ALLOC, event);
}

static void freed(struct session *session, const struct session_event *event)
{
	take(HT_STREAM_FREE, event);
}

static void restored(struct session *session, const struct session_event *event)
{
	take(HT_STREAM_RESTORE, event);
}

static size_t append_number(char *out, size_t used, uint32_t value)
{
	char digits[12];
	size_t i = sizeof(digits);

	do
		digits[--i] = (char)('0' + value % 10);
	while (value /= 10);
	memcpy(out + used, digits + i, sizeof(digits) - i);
	return used + sizeof(digits) - i;
}

/* A path with %p and %%, in the working directory if it is relative. @return whether it fits */
static bool set_path(const char *pattern, uint32_t pid)
{
	size_t used = 0;

	if (*pattern != '/') {
		long length = raw_call(SYS_getcwd, stream.path, MAX_PATH - 1, 0, 0);

		if (length <= 0 || stream.path[0] != '/')
			return false;
		used = (size_t)length - 1;
		stream.path[used++] = '/';
	}
	for (; *pattern && used < MAX_PATH; pattern++) {
		if (*pattern == '%' && pattern[1] == 'p') {
			used = append_number(stream.path, used, pid);
			pattern++;
			continue;
		}
		pattern += *pattern == '%' && pattern[1] == '%';
		stream.path[used++] = *pattern;
	}
	stream.path[used] = 0;
	return !*pattern;
}

/* What is there already: a FIFO, or another thing that is written byte by byte; else a file is made. */
static int look_at_place(void)
{
	struct stat there;
	long error = raw_call(SYS_newfstatat, AT_FDCWD, stream.path, &there, AT_SYMLINK_NOFOLLOW);

	if (error && error != -ENOENT)
		return (int)error;
	stream.is_file = error || S_ISREG(there.st_mode);
	stream.fresh = stream.is_file;
	stream.dev = there.st_dev;
	stream.ino = there.st_ino;
	return stream.is_file ? next_window(0) : open_fifo();
}

int tohost_open(const char *path)
{
	struct session_hold hold;
	int error;

	if (!path || !*path)
		path = environment("HEAPTRACE_TOHOST");
	if (load_relaxed(&guest.caged) || !session_lock(&hold))
		return -EPERM;
	stream.offset = stream.lost = 0;
	forget_described();
	error = set_path(path && *path ? path : "heaptrace.%p.trace", guest.process->pid) ? look_at_place() : -ENAMETOOLONG;
	if (!error) {
		stream.open = true;
		begin();
	}
	session_unlock(&hold);
	return error;
}

/* The file ends where the records do. */
static void trim(void)
{
	uint64_t end = stream.offset + stream.window_used;
	long fd;

	if (!stream.window || load_relaxed(&guest.caged))
		return;
	drop_window();
	fd = open_place(O_RDWR);
	if (fd < 0)
		return;
	if (is_place((int)fd))
		raw_call(SYS_ftruncate, fd, end, 0, 0);
	raw_close((int)fd);
}

static void close_fifo(void)
{
	if (stream.fd >= 0 && !load_relaxed(&guest.caged) && is_place(stream.fd))
		raw_close(stream.fd);
	stream.fd = -1;
	forget_described();
}

/* A reader that has read all is told that this is the end; for one that has yet to come the FIFO must stay open. */
static bool is_drained(void)
{
	int left = 0;

	return stream.fd >= 0 && !load_relaxed(&guest.caged) && is_place(stream.fd) &&
	       !raw_call(SYS_ioctl, stream.fd, FIONREAD, &left, 0) && !left;
}

void tohost_pause(void)
{
	struct session_hold hold;

	if (!session_lock(&hold))
		return;
	if (stream.begun)
		own_up();
	if (stream.is_file)
		trim();
	else if (is_drained())
		close_fifo();
	session_unlock(&hold);
}

void tohost_close(void)
{
	struct session_hold hold;

	if (!session_lock(&hold))
		return;
	if (stream.is_file)
		trim();
	else
		close_fifo();
	stream.open = false;
	session_unlock(&hold);
}

/* The file is the parent's. The child's own is made when there is something to write; a FIFO can not be shared. */
static void forked(struct session *session)
{
	size_t length = strlen(stream.path);

	drop_window();
	stream.offset = stream.lost = 0;
	if (!stream.is_file)
		close_fifo();
	forget_described();
	stream.open &= stream.is_file && length < MAX_PATH;
	stream.fresh = true;
	stream.path[length] = '.';
	stream.path[append_number(stream.path, length + 1, guest.process->pid)] = 0;
}

/* What was allocated for more does not stay behind. Later events, of other destructors, get some again. */
__attribute__((destructor)) static void destructor(void)
{
	if (stream.open && stream.is_file && load_acquire(&guest.status) == GUEST_ACTIVE && thread_get())
		tohost_pause();
}

const struct session_listener tohost_listener = {
	.allocated = allocated, .freed = freed, .restored = restored, .forked = forked,
};
