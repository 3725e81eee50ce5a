// SPDX-License-Identifier: MIT

#include "rendezvous.h"
#include "chunks.h"
#include "clock.h"
#include "guest.h"

#include <fcntl.h>
#include <linux/mman.h>
#include <linux/un.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

#define MAX_PATH 4096
#define ANSWER_SECONDS 5 /* a stopped collector must not stop the program */

static char standalone_path[MAX_PATH];
static struct sockaddr_un collector;

const struct sockaddr_un *rendezvous_socket(void)
{
	return collector.sun_path[0] ? &collector : NULL;
}

const char *environment(const char *name)
{
	for (const char *const *e = guest.environment; e && *e; e++) {
		size_t i = 0;

		while (name[i] && (*e)[i] == name[i])
			i++;
		if (!name[i] && (*e)[i] == '=')
			return *e + i + 1;
	}
	return NULL;
}

static size_t append(char *out, size_t used, const char *text, size_t limit)
{
	while (*text && used + 1 < limit)
		out[used++] = *text++;
	out[used] = 0;
	return used;
}

static size_t append_number(char *out, size_t used, uint64_t value, size_t limit)
{
	char digits[24];
	unsigned i = sizeof(digits) - 1;

	digits[i] = 0;
	do
		digits[--i] = (char)('0' + value % 10);
	while ((value /= 10) && i);
	return append(out, used, digits + i, limit);
}

/* "DIRECTORY/name" for the library's own directory. False: too long. */
static bool beside(const char *library, const char *name, char *out, size_t limit)
{
	size_t directory = 0, used = 0;

	for (size_t i = 0; library[i]; i++)
		if (library[i] == '/')
			directory = i + 1;
	for (; used < directory && used + 1 < limit; used++)
		out[used] = library[used];
	if (!directory || used + strlen(name) + 1 > limit)
		return false;
	append(out, used, name, limit);
	return true;
}

static long number_behind(const char *text, const char *key)
{
	const char *at = strstr(text, key);
	long value = 0;

	if (!at)
		return 0;
	for (at += strlen(key); *at == ' ' || *at == '\t' || *at == ':'; at++)
		;
	for (; *at >= '0' && *at <= '9'; at++)
		value = value * 10 + (*at - '0');
	return value;
}

static void read_text(const char *path, char *out, size_t size)
{
	long fd = raw_open(path, O_RDONLY | O_CLOEXEC, 0), got = 0;

	if (fd >= 0) {
		got = raw_read((int)fd, out, size - 1);
		raw_close((int)fd);
	}
	out[got > 0 ? got : 0] = 0;
}

/*
 * An image that was executed inside a seccomp cage must not call socket(): the kernel might kill it. Opening and reading
 * a file is what ld.so has just done. A cage that was there before the run (a container's) is not the program's.
 */
static bool is_caged(const char *library)
{
	char status[4096], settings[512], path[MAX_PATH];

	read_text("/proc/self/status", status, sizeof(status));
	if (!number_behind(status, "\nSeccomp:"))
		return false;
	if (!beside(library, "settings", path, sizeof(path)))
		return true;
	read_text(path, settings, sizeof(settings));
	return number_behind(status, "\nSeccomp_filters:") > number_behind(settings, "seccomp_filters");
}

static long receive_descriptor(int fd, struct ht_welcome *welcome)
{
	char control[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec part = {welcome, sizeof(*welcome)};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	long got;

	do
		got = raw_call(SYS_recvmsg, fd, &message, MSG_CMSG_CLOEXEC, 0);
	while (got == -4 /* EINTR */);
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);

	if (got < (long)sizeof(*welcome) || !head || head->cmsg_type != SCM_RIGHTS)
		return -1;
	int received;

	memcpy(&received, CMSG_DATA(head), sizeof(received));
	if (welcome->magic != HT_HELLO_MAGIC || welcome->status) {
		raw_close(received);
		return -1;
	}
	return received;
}

static long ask_collector(int fd, const struct sockaddr_un *address)
{
	struct timeval patience = {.tv_sec = ANSWER_SECONDS};
	struct ht_hello hello = {HT_HELLO_MAGIC, HT_VERSION, (uint32_t)raw_call(SYS_getpid, 0, 0, 0, 0), 62 /* EM_X86_64 */};
	struct ht_welcome welcome = {0};

	raw6(SYS_setsockopt, fd, SOL_SOCKET, SO_RCVTIMEO, (long)&patience, sizeof(patience), 0);
	raw6(SYS_setsockopt, fd, SOL_SOCKET, SO_SNDTIMEO, (long)&patience, sizeof(patience), 0);
	if (raw_call(SYS_connect, fd, address, sizeof(*address), 0) < 0 ||
	    raw6(SYS_sendto, fd, (long)&hello, sizeof(hello), MSG_NOSIGNAL, 0, 0) != sizeof(hello))
		return -1;
	return receive_descriptor(fd, &welcome);
}

static bool is_ours(const struct ht_header *header)
{
	return header->magic == HT_MAGIC && header->version == HT_VERSION && header->granule == HT_GRANULE;
}

static struct ht_header *open_collected(const struct sockaddr_un *address)
{
	long fd = raw_call(SYS_socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, 0), segment;
	struct ht_header *header;

	if (fd < 0)
		return NULL;
	segment = ask_collector((int)fd, address);
	raw_close((int)fd);
	if (segment < 0)
		return NULL;
	header = chunks_open((int)segment);
	raw_close((int)segment);
	return header && is_ours(header) ? header : NULL;
}

static uint32_t option_number(const char *name, uint32_t fallback, uint32_t limit)
{
	const char *text = environment(name);
	uint64_t value = 0;

	if (!text || !*text)
		return fallback;
	for (; *text >= '0' && *text <= '9' && value <= limit; text++)
		value = value * 10 + (uint64_t)(*text - '0');
	return *text || !value || value > limit ? fallback : (uint32_t)value;
}

static const struct {
	const char *name;
	uint32_t number;
} signal_names[] = {
	{"USR1", 10}, {"USR2", 12}, {"HUP", 1}, {"INT", 2}, {"QUIT", 3}, {"TERM", 15}, {"ALRM", 14}, {"CONT", 18},
	{"WINCH", 28}, {"URG", 23}, {"IO", 29}, {"PWR", 30}, {"PROF", 27}, {"VTALRM", 26},
};

static uint32_t signal_number(const char *text, size_t length)
{
	uint32_t value = 0;

	if (length > 3 && !memcmp(text, "SIG", 3)) {
		text += 3;
		length -= 3;
	}
	for (size_t i = 0; i < sizeof(signal_names) / sizeof(*signal_names); i++)
		if (strlen(signal_names[i].name) == length && !memcmp(signal_names[i].name, text, length))
			return signal_names[i].number;
	for (size_t i = 0; i < length; i++)
		value = text[i] >= '0' && text[i] <= '9' && value < 100 ? value * 10 + (uint32_t)(text[i] - '0') : 1000;
	return value > 0 && value < 65 ? value : 0;
}

static void option_signals(struct ht_header *header)
{
	const char *text = environment("HEAPTRACE_SIGNALS");
	unsigned count = 0;

	if (!text)
		text = "USR1,USR2";
	while (*text && count < HT_MAX_SIGNALS) {
		size_t length = strcspn(text, ",");
		uint32_t number = signal_number(text, length);

		if (number)
			header->signals[count++] = number;
		text += length + (text[length] == ',');
	}
}

/* A path pattern's %p, %n and %%. */
static size_t expand(const char *pattern, const char *name, uint32_t pid, char *out, size_t used)
{
	for (; *pattern; pattern++) {
		char one[2] = {*pattern, 0};

		if (*pattern == '%' && pattern[1] == 'p') {
			used = append_number(out, used, pid, MAX_PATH);
			pattern++;
		} else if (*pattern == '%' && pattern[1] == 'n') {
			used = append(out, used, name, MAX_PATH);
			pattern++;
		} else {
			pattern += *pattern == '%' && pattern[1] == '%';
			used = append(out, used, one, MAX_PATH);
		}
	}
	return used;
}

static const char *program_name(void)
{
	const char *name = guest.arguments && guest.arguments[0] ? guest.arguments[0] : "program";

	for (const char *c = name; *c; c++)
		if (*c == '/' && c[1])
			name = c + 1;
	return name;
}

/* HEAPTRACE_SAVE, or heaptrace.NAME.PID.htrace in the working directory; never an existing file. */
static long create_file(void)
{
	const char *pattern = environment("HEAPTRACE_SAVE");
	uint32_t pid = (uint32_t)raw_call(SYS_getpid, 0, 0, 0, 0);
	size_t used = 0;
	long fd = -1;

	if (!pattern || !*pattern)
		pattern = "heaptrace.%n.%p.htrace";
	if (*pattern != '/') {
		long length = raw_call(SYS_getcwd, standalone_path, MAX_PATH - 256, 0, 0);

		if (length <= 0)
			return -1;
		used = append(standalone_path, (size_t)length - 1, "/", MAX_PATH);
	}
	used = expand(pattern, program_name(), pid, standalone_path, used);
	for (uint32_t i = 1; i < 100; i++) {
		if (i > 1)
			append_number(standalone_path, append(standalone_path, used, ".", MAX_PATH), i == 2 ? pid : i, MAX_PATH);
		fd = raw_open(standalone_path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd != -17 /* EEXIST */)
			break;
	}
	return fd;
}

/* Space on the disk before the first page is touched; a limit on file sizes would be a deadly signal: look first. */
static bool allocate(int fd, uint64_t size)
{
	struct rlimit limit = {0};

	if (raw_call(SYS_prlimit64, 0, RLIMIT_FSIZE, NULL, &limit) || limit.rlim_cur < (64u << 20))
		return false;
	return raw_call(SYS_fallocate, fd, 0, 0, size) == 0;
}

static void fill_header(struct ht_header *header)
{
	const char *start = environment("HEAPTRACE_START");

	header->version = HT_VERSION;
	header->byte_order = HT_BYTE_ORDER;
	header->kind = HT_LIVE_SEGMENT;
	header->granule = HT_GRANULE;
	header->limit = CHUNKS_FIRST_WINDOW;
	header->used = HT_GRANULE;
	header->flags = HT_OPTION_STANDALONE | (option_number("HEAPTRACE_EXACT", 0, 1) ? HT_OPTION_EXACT : 0);
	if (start && strlen(start) == 3 && !memcmp(start, "off", 3))
		header->flags |= HT_OPTION_STOPPED;
	header->depth = option_number("HEAPTRACE_DEPTH", HEAPTRACE_DEPTH, HT_MAX_DEPTH);
	header->start_ns = clock_absolute(CLOCK_MONOTONIC);
	header->start_wall = clock_absolute(CLOCK_REALTIME);
	header->machine = 62;
	header->pointer_size = 8;
	header->header_size = HT_GRANULE;
	memcpy(header->release, HT_RELEASE, sizeof(HT_RELEASE));
	header->flags |= option_number("HEAPTRACE_BY_THREAD", 0, 1) ? HT_OPTION_BY_THREAD : 0;
	header->flags |= option_number("HEAPTRACE_CHURN", 0, 1) ? HT_OPTION_CHURN : 0;
	option_signals(header);
	header->magic = HT_MAGIC;
}

static struct ht_header *open_standalone(void)
{
	long fd = create_file();
	struct ht_header *header = NULL;

	if (fd < 0)
		return NULL;
	if (allocate((int)fd, CHUNKS_FIRST_WINDOW))
		header = chunks_open((int)fd);
	raw_close((int)fd);
	if (!header) {
		raw_call(SYS_unlink, standalone_path, 0, 0, 0);
		return NULL;
	}
	fill_header(header);
	guest.standalone = true;
	chunks_grow_file(standalone_path);
	return header;
}

/* A directory of a run is named heaptrace-XXXXXX: without a collector there the program runs untraced, not stand-alone. */
static bool is_run_directory(const char *library)
{
	const char *slash = NULL, *before = NULL;

	for (const char *c = library; *c; c++)
		if (*c == '/') {
			before = slash;
			slash = c;
		}
	return before && slash - before == 17 && !memcmp(before + 1, "heaptrace-", 10);
}

struct ht_header *rendezvous(const char *library)
{
	if (!is_run_directory(library))
		return open_standalone();
	if (!beside(library, "socket", collector.sun_path, sizeof(collector.sun_path)) || is_caged(library))
		return NULL;
	collector.sun_family = AF_UNIX;
	return open_collected(&collector);
}
