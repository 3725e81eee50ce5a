// SPDX-License-Identifier: MIT

/*
 * The collector's life. It is started before the program, forked twice and in a session of its own: no child of the
 * program's parent, out of reach of the terminal's signals. Of the launcher's descriptors it holds stderr, and stdout if
 * reports go there, until the launcher returns; then nothing that anybody could wait for.
 *
 * It ends when every traced process has ended and been reported, and no process is left that could still ask the loader
 * for the library in the run's directory.
 */

#include "collect.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "collect_requests.h"
#include "inherited.h"
#include "memory.h"
#include "procfs.h"

#define GRACE_NS 5000000u
#define NEEDED_WAIT_NS 50000000u
#define NEEDED_WAIT_MAX_NS 10000000000u
#define YOUNG_NS 1000000000u
#define NAMED_SURVIVORS 8u

uint64_t collect_now(void)
{
	return monotonic_ns();
}

uint64_t collect_run_ns(const struct run *run)
{
	return collect_now() - run->start_ns;
}

void collect_watch(struct run *run, struct watch *watch, int fd, void (*ready)(struct run *, struct watch *))
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = watch};
	watch->fd = fd;
	watch->ready = ready;
	epoll_ctl(run->epoll, EPOLL_CTL_ADD, fd, &event);
}

void collect_unwatch(struct run *run, struct watch *watch)
{
	if (watch->fd < 0)
		return;
	epoll_ctl(run->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
	close(watch->fd);
	watch->fd = -1;
}

void collect_tell_launcher(struct run *run, enum message_kind kind, pid_t pid, int64_t value, int fd)
{
	struct message message = {.kind = kind, .pid = pid, .value = value};
	if (run->launcher_watch.fd >= 0)
		protocol_send(run->launcher_watch.fd, &message, sizeof(message), fd);
}

void collect_say(const struct run *run, const char *format, ...)
{
	char line[2048] = "[heaptrace] ";
	size_t filled = strlen(line);
	va_list arguments;
	if (!run->attached)
		return;
	va_start(arguments, format);
	vsnprintf(line + filled, sizeof(line) - filled - 1, format, arguments);
	va_end(arguments);
	strcat(line, "\n");
	output_stream(STDERR_FILENO, line, strlen(line));
}

/** Hold nothing of the launcher's any more: whoever reads from its stderr sees its end. */
static void detach(struct run *run)
{
	if (!run->attached)
		return;
	run->attached = false;
	inherited_silence(STDOUT_FILENO, STDERR_FILENO);
	if (run->outfile.stream >= 0)
		close(run->outfile.stream);
	run->outfile.stream = -1;
	if (run->outfile.is_fifo)
		run->outfile.pattern = NULL;
	run->outfile.is_fifo = false;
}

/** Processes that the launcher leaves behind, for its message. */
struct survivors {
	struct run *run;
	char text[1024];
	size_t filled;
	unsigned count;
	pid_t pid; /* of the last one */
	char name[64];
	uint64_t inode; /* looking for unknown users of this segment */
};

static void add_survivor(struct survivors *survivors, pid_t pid, const char *name)
{
	survivors->pid = pid;
	snprintf(survivors->name, sizeof(survivors->name), "%.63s", name);
	if (survivors->count++ >= NAMED_SURVIVORS || survivors->filled > sizeof(survivors->text) - 100)
		return;
	survivors->filled += (size_t)snprintf(survivors->text + survivors->filled, 100, "%s%d %.60s",
					      survivors->filled ? ", " : "", (int)pid, name);
}

static int visit_unknown_user(pid_t pid, void *data)
{
	struct survivors *survivors = data;
	char name[64];
	if (pid == getpid() || procfs_maps_memfd(pid, survivors->inode) != 1)
		return 0;
	procfs_name(pid, name, sizeof(name));
	add_survivor(survivors, pid, name);
	return 0;
}

static void find_survivors(struct survivors *survivors)
{
	for (struct image *image = survivors->run->images; image; image = image->next) {
		for (struct process *process = image->processes; process; process = process->next) {
			if (!process->unwanted)
				add_survivor(survivors, process->pid, process->name);
		}
		survivors->inode = image->inode;
		if (!image->processes && follow_wants_forks(survivors->run))
			procfs_each(visit_unknown_user, survivors);
	}
}

static void say_what_still_runs(struct run *run)
{
	struct survivors survivors = {.run = run};
	if (run->options->quiet || run->takes_all_down)
		return;
	find_survivors(&survivors);
	if (!survivors.count)
		return;
	const struct output *output = run->outfile.pattern ? &run->outfile : run->save.pattern ? &run->save : &run->survivors;
	const char *kind = run->outfile.pattern ? "reports" :
			   survivors.count == 1 ? "its snapshot" : "snapshots";
	char more[32] = "", place[4200];
	if (survivors.count > NAMED_SURVIVORS)
		snprintf(more, sizeof(more), " and %u more", survivors.count - NAMED_SURVIVORS);
	if (output == &run->survivors && survivors.count == 1)
		snprintf(place, sizeof(place), "%s/heaptrace.%s.%d.htrace", run->directory, survivors.name,
			 (int)survivors.pid);
	else if (output == &run->survivors)
		snprintf(place, sizeof(place), "%s/heaptrace.NAME.PID.htrace", run->directory);
	else
		snprintf(place, sizeof(place), "%s%s", output->pattern,
			 output->shared || strstr(output->pattern, "%p") ? "" : ".PID"); /* FILE is the first process's */
	collect_say(run, "still running: %s%s; %s will go to %s", survivors.text, more, kind, place);
}

/** As PID 1 the launcher takes everything down with it: what still runs is reported now. */
static void end_all(struct run *run)
{
	for (struct image *image = run->images; image; image = image->next) {
		for (struct process *process = image->processes; process; process = process->next)
			process_end(run, process, "running"); /* does nothing the second time */
	}
}

static bool any_unended(const struct run *run)
{
	for (const struct image *image = run->images; image; image = image->next) {
		bool ended = image->processes;
		for (const struct process *process = image->processes; process; process = process->next)
			ended &= process->ended;
		if (!ended)
			return true;
	}
	return false;
}

/** What ends in these milliseconds ends with the program, as far as anybody can see. */
static bool grace_is_over(struct run *run)
{
	if (!any_unended(run))
		return true;
	if (!run->grace_ns) {
		clock_stir(run);
		run->grace_ns = collect_now() + GRACE_NS;
	}
	return collect_now() >= run->grace_ns;
}

static bool may_remove_directory(struct run *run)
{
	uint64_t now = collect_now();
	if (run->images || !jobs_are_done(run) || run->worker_count || client_is_any(run) || now < run->needed_ns)
		return false;
	if (!rundir_is_needed(&run->rundir, run->launcher, now - run->start_ns < YOUNG_NS))
		return true;
	run->needed_wait_ns = run->needed_wait_ns ? run->needed_wait_ns * 2 : NEEDED_WAIT_NS;
	if (run->needed_wait_ns > NEEDED_WAIT_MAX_NS)
		run->needed_wait_ns = NEEDED_WAIT_MAX_NS;
	run->needed_ns = now + run->needed_wait_ns;
	return false;
}

static void end_of_run(const struct run *run)
{
	rundir_remove(&run->rundir);
	collect_tell_launcher((struct run *)run, MESSAGE_DONE, 0, run->image_count + run->refused_count + run->declined_count, -1);
	rundir_remove_stale(&run->rundir); /* others' that were killed; nobody waits for this */
	_exit(0);
}

/** The launcher waits: bring what it waits for to an end. */
static void finish(struct run *run)
{
	if (!grace_is_over(run))
		return;
	if (run->takes_all_down)
		end_all(run);
	if (!jobs_are_done(run) || run->jobs)
		return;
	if (run->document) {
		jobs_document(run);
		return;
	}
	if (jobs_has_tree(run)) {
		jobs_tree(run);
		return;
	}
	follow_say_nothing(run);
	say_what_still_runs(run);
	bool over = run->takes_all_down || may_remove_directory(run);
	detach(run);
	if (over)
		end_of_run(run);
	run->done = true;
	collect_tell_launcher(run, MESSAGE_DONE, 0, run->image_count + run->refused_count + run->declined_count, -1);
}

/** The launcher is gone, one way or the other. */
static void linger(struct run *run)
{
	if (run->images || !jobs_are_done(run))
		return;
	if (run->document)
		jobs_document(run);
	else if (may_remove_directory(run))
		end_of_run(run);
}

static void program_ended(struct run *run, const struct message *message)
{
	image_scan_all(run);
	run->last_ended = message->pid;
	run->last_status = message->value;
	run->last_user = message->user;
	struct process *process = process_find(run, message->pid);
	if (process)
		process_end(run, process, NULL);
}

static void launcher_lost(struct run *run)
{
	collect_unwatch(run, &run->launcher_watch);
	detach(run);
	if (run->finishing && !run->done && run->renderer > 0 && run->running->streams)
		kill(run->renderer, SIGKILL); /* it waits for a reader, and somebody has lost patience */
	for (struct image *image = run->images; image; image = image->next) {
		for (struct process *process = image->processes; process; process = process->next) {
			if (process->reaped_by_launcher)
				process_end(run, process, NULL);
		}
	}
}

static void launcher_ready(struct run *run, struct watch *watch)
{
	struct message message;
	int fd;
	ssize_t got = protocol_receive(watch->fd, &message, sizeof(message), &fd);
	if (got < 0 && errno == EAGAIN)
		return;
	if (got < (ssize_t)sizeof(message)) {
		launcher_lost(run);
		return;
	}
	switch (message.kind) {
	case MESSAGE_PROGRAM:
		run->program = message.pid;
		break;
	case MESSAGE_ENDED:
		program_ended(run, &message);
		break;
	case MESSAGE_DUMP:
		jobs_dump_all(run, (int)message.value, message.pid == 1);
		break;
	case MESSAGE_STOPPED:
		run->launcher_stopped = true;
		break;
	case MESSAGE_FINISH:
		run->finishing = true;
		run->takes_all_down = message.value != 0;
		break;
	case MESSAGE_ABANDON:
		end_of_run(run);
	}
}

static void child_ready(struct run *run, struct watch *watch)
{
	struct signalfd_siginfo information;
	while (read(watch->fd, &information, sizeof(information)) == sizeof(information))
		;
	jobs_child_ended(run);
	requests_child_ended(run);
}

/** One turn after whatever has happened. */
static void settle(struct run *run)
{
	jobs_pump(run);
	if (run->launcher_watch.fd < 0)
		linger(run);
	else if (run->finishing && !run->done)
		finish(run);
	jobs_pump(run);
}

__attribute__((noreturn))
static void loop(struct run *run)
{
	for (;;) {
		struct epoll_event event;
		int count = epoll_wait(run->epoll, &event, 1, -1);
		if (count < 0 && errno != EINTR)
			_exit(1); /* the launcher sees our end, and reports what it holds */
		if (count == 1) {
			struct watch *watch = event.data.ptr;
			watch->ready(run, watch);
		}
		settle(run);
	}
}

/** What the collector cannot do without. @return 0, or errno */
static int prepare_collector(struct run *run, int launcher)
{
	int keep[] = {launcher, run->rundir.listener, run->outfile.stream};
	struct rlimit no_core = {0, 0};
	sigset_t child;
	inherited_silence(STDIN_FILENO, STDOUT_FILENO);
	inherited_close(keep, sizeof(keep) / sizeof(*keep));
	setrlimit(RLIMIT_CORE, &no_core);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	run->epoll = epoll_create1(EPOLL_CLOEXEC);
	run->signals.fd = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	if (run->epoll < 0 || run->signals.fd < 0 || clock_start(run) || chdir("/"))
		return errno;
	run->attached = true;
	collect_watch(run, &run->launcher_watch, launcher, launcher_ready);
	collect_watch(run, &run->listener, run->rundir.listener, client_accept);
	return 0;
}

/** The child in between: the collector's parent, for a moment. Its exit code is 0 or errno. */
__attribute__((noreturn))
static void start_detached(struct run *run, int launcher)
{
	setsid();
	int error = prepare_collector(run, launcher);
	pid_t pid = error ? -1 : fork();
	if (pid == 0) {
		collect_watch(run, &run->signals, run->signals.fd, child_ready); /* only now: they are the waiter's own */
		loop(run);
	}
	_exit(error ? error : pid < 0 ? errno : 0);
}

int collect_start(struct run *run)
{
	int ends[2], status = 0;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return -1;
	pid_t pid = fork();
	if (pid == 0) {
		close(ends[0]);
		fcntl(ends[1], F_SETFL, O_NONBLOCK);
		start_detached(run, ends[1]);
	}
	int error = errno;
	close(ends[1]);
	if (pid > 0 && waitpid(pid, &status, 0) != pid)
		pid = -1, error = errno;
	if (pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return ends[0];
	close(ends[0]);
	errno = pid < 0 ? error : WIFEXITED(status) ? WEXITSTATUS(status) : EAGAIN;
	return -1;
}
