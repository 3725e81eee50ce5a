// SPDX-License-Identifier: MIT

/*
 * Signals. What the terminal sends goes to the whole foreground group, so the program has had it already, and so it is
 * with what processes send to the group: witness.c tells. What somebody sent to the launcher's pid is passed on, after the
 * moment that it takes to know. Dump signals go to the collector instead and never touch the program.
 *
 * Stops. When the program stops, the launcher stops too, so that a shell sees its job stopped. If only the program is
 * continued, nobody would wake the launcher: the collector does.
 */

#include "supervise.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "inherited.h"
#include "memory.h"
#include "procfs.h"
#include "witness.h"

#define MOST_TRIES 50000 /* about ten seconds */

/** Sent to us by a process; is it for us alone? */
struct arrival {
	struct signalfd_siginfo information;
	uint64_t due_ns; /* when that can be known */
};

struct supervision {
	struct run *run;
	int collector; /* -1: it has died */
	int signals;
	struct witness witness;
	struct arrival *arrivals;    /* the first one first */
	size_t arrival_count, arrival_room;
	uint64_t seen;               /* what the group has got since, as witness_ask() */
	pid_t program;
	bool ended;
	int status;
	bool done;        /* the collector holds nothing of ours any more */
	bool interrupted; /* somebody does not want to wait for reports */
	int64_t images;   /* seen by the collector */
	struct held *held;
	size_t held_count, held_room;
};

static void send_to_collector(struct supervision *supervision, struct message message)
{
	if (supervision->collector < 0)
		return;
	/* Its queue is long, and it never waits: a full one is a matter of microseconds, or somebody has stopped it. */
	for (int tries = 0; protocol_send(supervision->collector, &message, sizeof(message), -1) && errno == EAGAIN; tries++) {
		if (tries == MOST_TRIES) {
			close(supervision->collector);
			supervision->collector = -1;
			return;
		}
		usleep(100);
	}
}

static void tell_collector(struct supervision *supervision, enum message_kind kind, pid_t pid, int64_t value)
{
	send_to_collector(supervision, (struct message){.kind = kind, .pid = pid, .value = value});
}

static void stop_too(struct supervision *supervision)
{
	if (getpid() == 1 || supervision->collector < 0)
		return;
	tell_collector(supervision, MESSAGE_STOPPED, 0, 0);
	raise(SIGSTOP);
}

static void program_ended(struct supervision *supervision, int status, long user)
{
	supervision->ended = true;
	supervision->status = status;
	send_to_collector(supervision, (struct message){MESSAGE_ENDED, supervision->program, status, user});
	tell_collector(supervision, MESSAGE_FINISH, 0, getpid() == 1);
}

static void reap(struct supervision *supervision)
{
	int status;
	pid_t pid;
	long user = supervision->ended ? -1 : procfs_status_number(supervision->program, "Uid"); /* a zombie still has it */
	while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
		if (pid == supervision->program && WIFSTOPPED(status))
			stop_too(supervision);
		else if (pid == supervision->program)
			program_ended(supervision, status, user);
	}
}

/** @return index of a dump signal, or -1 */
static int dump_signal(const struct options *options, uint32_t number)
{
	for (size_t i = 0; i < options->signal_count; i++) {
		if (options->signals[i] == (int)number)
			return (int)i;
	}
	return -1;
}

static void pass_on(const struct supervision *supervision, const struct signalfd_siginfo *information)
{
	struct proc_stat stat;
	int number = (int)information->ssi_signo;
	if (number == SIGCONT && procfs_stat(supervision->program, &stat) == 0 && stat.state != 'T')
		return; /* it went to the whole group, or came from the collector */
	if (information->ssi_code == SI_QUEUE)
		sigqueue(supervision->program, number, (union sigval){.sival_ptr = (void *)(uintptr_t)information->ssi_ptr});
	else
		kill(supervision->program, number);
}

/** `by_group`: the program has had it already. */
static void act_on(struct supervision *supervision, const struct signalfd_siginfo *information, bool by_group)
{
	int index = dump_signal(supervision->run->options, information->ssi_signo);
	if (index >= 0)
		tell_collector(supervision, MESSAGE_DUMP, by_group, index);
	else if (!by_group)
		pass_on(supervision, information);
}

static void hold_back(struct supervision *supervision, const struct signalfd_siginfo *information)
{
	supervision->arrivals = memory_grow(supervision->arrivals, supervision->arrival_count, &supervision->arrival_room,
					    sizeof(*supervision->arrivals));
	supervision->arrivals[supervision->arrival_count++] =
		(struct arrival){*information, collect_now() + WITNESS_DELAY_NS};
}

/** Those with this number, if there is one: forget them. */
static void drop_arrivals(struct supervision *supervision, uint32_t number)
{
	size_t kept = 0;
	for (size_t i = 0; i < supervision->arrival_count; i++) {
		if (supervision->arrivals[i].information.ssi_signo != number)
			supervision->arrivals[kept++] = supervision->arrivals[i];
	}
	supervision->arrival_count = kept;
}

/** Judge the oldest one. Who sends to the launcher and to the group, as timeout(1), means it once. */
static void judge(struct supervision *supervision)
{
	struct signalfd_siginfo information = supervision->arrivals[0].information;
	uint64_t bit = information.ssi_signo <= 64 ? 1ull << (information.ssi_signo - 1) : 0;
	supervision->seen |= witness_ask(&supervision->witness);
	bool by_group = supervision->seen & bit && getpgid(supervision->program) == getpgrp();
	if (by_group)
		drop_arrivals(supervision, information.ssi_signo);
	else
		memmove(supervision->arrivals, supervision->arrivals + 1,
			--supervision->arrival_count * sizeof(*supervision->arrivals));
	supervision->seen &= ~bit;
	act_on(supervision, &information, by_group);
}

/** @return milliseconds until the next one can be judged, -1: there is none */
static int judge_due(struct supervision *supervision)
{
	while (supervision->arrival_count && !supervision->ended) {
		uint64_t now = collect_now();
		if (supervision->arrivals[0].due_ns > now)
			return (int)((supervision->arrivals[0].due_ns - now) / 1000000) + 1;
		judge(supervision);
	}
	return -1;
}

static void handle_signal(struct supervision *supervision, const struct signalfd_siginfo *information)
{
	bool sent = information->ssi_code <= 0; /* by a process; SI_KERNEL is the terminal */
	if (information->ssi_signo == SIGCHLD) {
		reap(supervision);
	} else if (supervision->ended) {
		supervision->interrupted |= information->ssi_signo == SIGINT || information->ssi_signo == SIGTERM ||
					    information->ssi_signo == SIGHUP || information->ssi_signo == SIGQUIT;
	} else if (sent && information->ssi_signo == SIGCONT) {
		pass_on(supervision, information);
	} else if (sent && supervision->witness.socket >= 0) {
		hold_back(supervision, information);
	} else if (sent) {
		act_on(supervision, information, false);
	}
}

static void signals_ready(struct supervision *supervision)
{
	struct signalfd_siginfo information;
	while (read(supervision->signals, &information, sizeof(information)) == sizeof(information))
		handle_signal(supervision, &information);
}

static void hold(struct supervision *supervision, int64_t number, int fd)
{
	supervision->held = memory_grow(supervision->held, supervision->held_count, &supervision->held_room,
					sizeof(*supervision->held));
	supervision->held[supervision->held_count++] = (struct held){number, fd};
}

static void drop(struct supervision *supervision, int64_t number)
{
	for (size_t i = 0; i < supervision->held_count; i++) {
		if (supervision->held[i].number != number)
			continue;
		close(supervision->held[i].fd);
		memmove(&supervision->held[i], &supervision->held[i + 1],
			(--supervision->held_count - i) * sizeof(*supervision->held));
		return;
	}
}

static void collector_ready(struct supervision *supervision)
{
	struct message message;
	int fd;
	ssize_t got = protocol_receive(supervision->collector, &message, sizeof(message), &fd);
	if (got < (ssize_t)sizeof(message)) {
		close(supervision->collector);
		supervision->collector = -1;
	} else if (message.kind == MESSAGE_IMAGE && fd >= 0) {
		hold(supervision, message.value, fd);
	} else if (message.kind == MESSAGE_DROP) {
		drop(supervision, message.value);
	} else if (message.kind == MESSAGE_DONE) {
		supervision->images = message.value;
		supervision->done = true;
	}
}

/** Nothing of ours keeps a pipe open that the program closes: of the standard streams only stderr stays. */
static void let_go(const struct supervision *supervision)
{
	int keep[] = {supervision->collector, supervision->signals, supervision->witness.socket,
		      supervision->run->outfile.stream};
	inherited_silence(STDIN_FILENO, STDOUT_FILENO);
	inherited_close(keep, sizeof(keep) / sizeof(*keep));
}

static void wait_for_all(struct supervision *supervision)
{
	while (!supervision->interrupted && !supervision->done && !(supervision->ended && supervision->collector < 0)) {
		struct pollfd descriptors[] = {
			{.fd = supervision->signals, .events = POLLIN},
			{.fd = supervision->collector, .events = POLLIN},
		};
		if (poll(descriptors, 2, judge_due(supervision)) < 0) {
			if (errno != EINTR)
				usleep(1000);
			continue;
		}
		if (descriptors[0].revents)
			signals_ready(supervision);
		if (descriptors[1].revents)
			collector_ready(supervision);
	}
}

/** End as the program did, without a core file of our own on top of the program's. */
static int end_alike(int status)
{
	struct rlimit no_core = {0, 0};
	sigset_t signals;
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	if (getpid() != 1) {
		setrlimit(RLIMIT_CORE, &no_core);
		signal(WTERMSIG(status), SIG_DFL);
		sigemptyset(&signals);
		sigaddset(&signals, WTERMSIG(status));
		raise(WTERMSIG(status));
		sigprocmask(SIG_UNBLOCK, &signals, NULL);
	}
	return 128 + WTERMSIG(status);
}

static void say_why_nothing(const struct supervision *supervision, const struct target *target)
{
	if (!supervision->done || supervision->images)
		return;
	if (target->exit_code)
		fprintf(stderr, "[heaptrace] nothing was traced: %.*s\n", (int)strcspn(target->text, ";"), target->text);
	else
		fprintf(stderr, "[heaptrace] nothing was traced: %s ended before libheaptrace.so came up in it; if it should "
				"have, see whether its loader can open %s\n", target->path, supervision->run->library);
}

int supervise(struct run *run, int collector, pid_t program, const struct target *target)
{
	sigset_t all;
	struct supervision supervision = {.run = run, .collector = collector, .program = program};
	sigfillset(&all);
	supervision.signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	tell_collector(&supervision, MESSAGE_PROGRAM, program, 0);
	witness_start(&supervision.witness);
	let_go(&supervision);
	reap(&supervision);
	wait_for_all(&supervision);
	witness_stop(&supervision.witness);
	if (supervision.collector < 0 && !supervision.done) {
		rescue(run, supervision.held, supervision.held_count, program, supervision.status);
		if (!rundir_is_needed(&run->rundir, run->launcher, false))
			rundir_remove(&run->rundir);
	}
	say_why_nothing(&supervision, target);
	return end_alike(supervision.status);
}
