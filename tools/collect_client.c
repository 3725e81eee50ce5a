// SPDX-License-Identifier: MIT

/*
 * The run's socket. A guest sends struct ht_hello and waits for its segment; `heaptrace dump` sends a struct
 * dump_request and gets the segments that it renders itself. The kernel says who is at the other end.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/sockios.h>

#include "collect.h"
#include "collect_requests.h"
#include "host_facts.h"
#include "history.h"
#include "memory.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

#define DUMP_WAIT_NS 5000000u

/** A connection. */
struct client {
	struct watch watch; /* first, so that a watch leads here */
	struct client *next;
	pid_t pid;
	pid_t wanted;       /* by a dump command; 0: it has not asked yet */
	uint32_t flags;     /* enum dump_flags */
	bool following;     /* it has its answers, and waits for more */
	bool behind;        /* it has missed some, because it does not read as fast as processes come and go */
	uint64_t due_ns;
};

static void client_close(struct run *run, struct client *client)
{
	struct client **at = &run->clients;
	while (*at != client)
		at = &(*at)->next;
	*at = client->next;
	collect_unwatch(run, &client->watch);
	free(client);
}

/** A descriptor of the process at the other end, safe against pids that begin anew; -1 where the kernel has none. */
static int peer_pidfd(int socket)
{
	int pidfd = -1;
	socklen_t size = sizeof(pidfd);
	return getsockopt(socket, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size) ? -1 : pidfd;
}

/** What a user can do about an error that comes from a limit. */
static const char *remedy(int error)
{
	return error == EFBIG ? "; raise the limit 'ulimit -f'" :
	       error == EMFILE ? "; raise the limit 'ulimit -n'" :
	       error == ENOMEM ? "; make memory free, or see 'ulimit -v'" : "";
}

/** The guest runs on untraced, as if there were no collector. */
static void decline(struct run *run, struct client *client)
{
	struct ht_welcome answer = {.magic = HT_HELLO_MAGIC, .status = ECANCELED};
	image_decline(run, client->pid);
	protocol_send(client->watch.fd, &answer, sizeof(answer), -1);
	run->declined_count++;
}

static void welcome(struct run *run, struct client *client)
{
	struct ht_welcome answer = {.magic = HT_HELLO_MAGIC};
	if (!follow_admits(run, client->pid)) {
		decline(run, client);
		return;
	}
	struct image *image = image_create(run, client->pid, peer_pidfd(client->watch.fd));
	if (!image)
		answer.status = (uint32_t)errno;
	if (protocol_send(client->watch.fd, &answer, sizeof(answer), image ? image->fd : -1) == 0 && image)
		collect_tell_launcher(run, MESSAGE_IMAGE, client->pid, image->number, image->fd);
	if (image)
		return;
	run->refused_count++;
	collect_say(run, "pid %d runs untraced: no segment: %s%s", (int)client->pid, strerror((int)answer.status),
		    remedy((int)answer.status));
}

/** There is no descriptor for somebody who wants to say hello. */
static void refuse(struct run *run, int error)
{
	if (error != EMFILE && error != ENFILE)
		return;
	if (!run->refused_count++)
		collect_say(run, "a process cannot say hello, it may run untraced: %s%s", strerror(error), remedy(error));
	usleep(1000); /* it stays readable: do not spin */
}

/** Does a dump request for this pid mean this process? */
static bool is_wanted(const struct run *run, const struct process *process, pid_t wanted)
{
	return !process->ended && process->number && !process->unwanted && (wanted == run->launcher || wanted == process->pid);
}

/** Call for each wanted process. @return how many there are */
static unsigned each_wanted(struct run *run, pid_t wanted, void (*act)(struct process *, void *), void *data)
{
	unsigned count = 0;
	for (struct image *image = run->images; image; image = image->next) {
		for (struct process *process = image->processes; process; process = process->next) {
			if (!is_wanted(run, process, wanted))
				continue;
			count++;
			if (act)
				act(process, data);
		}
	}
	return count;
}

static void want_allocator(struct process *process, void *unused)
{
	if (process->record)
		__atomic_add_fetch(&process->record->allocator_wanted, 1, __ATOMIC_RELEASE);
}

/** Answers being sent. */
struct answers {
	int socket;
	uint32_t flags; /* of the request */
	unsigned remaining;
	bool failed;
};

/** @return 0, or -1 if the other side does not take it */
static int send_answer(int socket, const struct process *process, uint32_t flags, uint32_t remaining)
{
	struct dump_answer answer = {.magic = DUMP_MAGIC, .number = process->number, .remaining = remaining};
	struct dump_history message = {.magic = DUMP_MAGIC};
	int history = flags & DUMP_HISTORY && process->facts.history ? history_to_file(process->facts.history) : -1;
	size_t size;
	char *text = host_facts_write(&process->facts, &size);
	if (size >= sizeof(answer.facts))
		size = sizeof(answer.facts) - 1;
	memcpy(answer.facts, text, size);
	free(text);
	answer.history = history >= 0;
	int result = protocol_send(socket, &answer, offsetof(struct dump_answer, facts) + size + 1, process->image->fd);
	if (!result && history >= 0)
		result = protocol_send(socket, &message, sizeof(message), history);
	if (history >= 0)
		close(history);
	return result;
}

static void answer_one(struct process *process, void *data)
{
	struct answers *answers = data;
	answers->failed |= send_answer(answers->socket, process, answers->flags, --answers->remaining) != 0;
}

/** Bytes that a follower has not read yet, as a part of what its socket holds: 0 to 100. */
static int filling(int socket)
{
	int queued = 0, room = 1;
	socklen_t size = sizeof(room);
	if (ioctl(socket, SIOCOUTQ, &queued) || getsockopt(socket, SOL_SOCKET, SO_SNDBUF, &room, &size) || room < 1)
		return 0;
	return (int)(queued * 100ll / room);
}

/** All processes anew, for a follower that has missed some. @return false: it does not take them */
static bool tell_all(struct run *run, struct client *client)
{
	struct answers answers = {.socket = client->watch.fd, .remaining = each_wanted(run, client->wanted, NULL, NULL)};
	struct dump_answer head = {.magic = DUMP_MAGIC, .status = EAGAIN, .remaining = answers.remaining};
	client->behind = false;
	if (protocol_send(client->watch.fd, &head, offsetof(struct dump_answer, facts) + 1, -1))
		return false;
	each_wanted(run, client->wanted, answer_one, &answers);
	return !answers.failed;
}

/**
 * Tell one follower. Where thousands of processes come and go it may not keep up: then it hears of the program itself only,
 * and when it has read all that, of all that there are then.
 * @return false: close it
 */
static bool tell(struct run *run, struct client *client, const struct process *process)
{
	int full = filling(client->watch.fd);
	bool is_program = process->pid == run->program;
	client->behind |= full > 50 && !is_program;
	if (client->behind && !is_program)
		return full > 0 || tell_all(run, client);
	return send_answer(client->watch.fd, process, 0, 0) == 0;
}

void client_tell(struct run *run, const struct process *process)
{
	for (struct client *client = run->clients, *next; client; client = next) {
		next = client->next;
		if (client->following && process->number && !tell(run, client, process))
			client_close(run, client);
	}
}

static void answer_dump(struct run *run, struct client *client)
{
	struct answers answers = {client->watch.fd, client->flags, each_wanted(run, client->wanted, NULL, NULL), false};
	/* A run may be followed from before its beginning. */
	bool ahead = client->flags & DUMP_AHEAD && client->wanted == run->launcher;
	client->following = client->flags & DUMP_FOLLOW && (answers.remaining || ahead);
	if (answers.remaining) {
		each_wanted(run, client->wanted, answer_one, &answers);
	} else if (!client->following) {
		struct dump_answer none = {.magic = DUMP_MAGIC, .status = ESRCH};
		protocol_send(client->watch.fd, &none, sizeof(none), -1);
	}
	if (!client->following)
		client_close(run, client);
}

void client_answer_due(struct run *run)
{
	uint64_t now = collect_now();
	for (struct client *client = run->clients, *next; client; client = next) {
		next = client->next;
		if (client->wanted && !client->following && client->due_ns <= now)
			answer_dump(run, client);
	}
}

bool client_is_waiting(const struct run *run)
{
	for (const struct client *client = run->clients; client; client = client->next) {
		if (client->wanted && !client->following)
			return true;
	}
	return false;
}

bool client_is_any(const struct run *run)
{
	for (const struct client *client = run->clients; client; client = client->next) {
		if (!client->following)
			return true;
	}
	return false;
}

/** Ask the guests for what only they can tell; the answer follows a little later. */
static void begin_dump(struct run *run, struct client *client, pid_t wanted, uint32_t flags)
{
	image_scan_all(run);
	clock_stir(run);
	client->wanted = wanted ? wanted : -1;
	client->flags = flags;
	bool any = each_wanted(run, client->wanted, flags & DUMP_QUIET ? NULL : want_allocator, NULL) > 0;
	if (any && flags & DUMP_RUN)
		client->wanted = run->launcher;
	client->due_ns = collect_now() + DUMP_WAIT_NS;
	if (!any || flags & DUMP_QUIET)
		answer_dump(run, client);
}

static void client_ready(struct run *run, struct watch *watch)
{
	struct client *client = (struct client *)watch;
	union {
		struct ht_hello hello;
		struct dump_request dump;
		struct ht_request request;
	} message = {0};
	int fd;
	ssize_t got = protocol_receive(watch->fd, &message, sizeof(message), &fd);
	if (got >= (ssize_t)sizeof(message.request) && message.request.magic == HT_REQUEST_MAGIC && !client->wanted) {
		requests_begin(run, fcntl(watch->fd, F_DUPFD_CLOEXEC, 0), &message.request, fd);
		client_close(run, client);
		return;
	}
	if (fd >= 0)
		close(fd);
	if (got < 0 && errno == EAGAIN)
		return;
	if (!client->wanted && got >= (ssize_t)offsetof(struct dump_request, flags) && message.dump.magic == DUMP_MAGIC) {
		begin_dump(run, client, message.dump.pid, message.dump.flags);
		return;
	}
	if (!client->wanted && got >= (ssize_t)sizeof(message.hello) && message.hello.magic == HT_HELLO_MAGIC &&
	    message.hello.version == HT_VERSION)
		welcome(run, client);
	client_close(run, client);
}

void client_accept(struct run *run, struct watch *listener)
{
	struct ucred peer = {0};
	socklen_t size = sizeof(peer);
	int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0) {
		refuse(run, errno);
		return;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) ||
	    (peer.uid != geteuid() && peer.uid != 0 && geteuid() != 0)) {
		close(fd);
		return;
	}
	struct client *client = memory_zeroed(1, sizeof(*client));
	client->pid = peer.pid;
	client->next = run->clients;
	run->clients = client;
	collect_watch(run, &client->watch, fd, client_ready);
	client_ready(run, &client->watch); /* most have sent their message already */
}
