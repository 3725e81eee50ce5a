// SPDX-License-Identifier: MIT

/*
 * A signal that somebody sends to the launcher is to reach the program, once. Sent to the launcher's pid alone, it has to
 * be passed on. Sent to the process group (kill -- -PGID, kill %1, killpg(), timeout(1), a script's `kill 0`), the program
 * has had it already. Nothing in siginfo tells one from the other, only the terminal's signals say that the kernel sent
 * them. What others do:
 *
 *	timeout(1)     sends to its child and to the group: the child may get it twice
 *	sudo(8)        drops what comes from its own group: right for timeout(1), wrong for a script that stops only sudo,
 *	               and an interactive shell's `kill %1` is passed on, so that it arrives twice
 *	strace, perf   do not pass on; they let go of the program or kill it
 *
 * Leaving the group would help (the program alone would get what the group gets), but a leader of a session cannot leave,
 * waitpid(-PGID) in whoever started us would lose its child, and timeout(1), which sends to both, would arrive twice.
 *
 * So there is a witness: a process in the group whose pid nobody knows. What it gets, the whole group has got. It holds no
 * descriptor of the launcher's, is nobody's child, does not bear the command's name (`pkill heaptrace` is meant for the
 * launcher), and goes when the launcher does. It takes the launcher some milliseconds to ask; without a witness, all is
 * passed on.
 */

#include "witness.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "inherited.h"

#define NAME "ht-witness"
#define PATIENCE_MS 2000 /* the machine may be busy */

/** Take our arguments' place in what ps shows; `pkill -f PROGRAM` must not find us. */
static void rename_ourselves(void)
{
	char bytes[4096];
	size_t size = 0, got;
	FILE *file = fopen("/proc/self/cmdline", "re");
	while (file && (got = fread(bytes, 1, sizeof(bytes), file)) > 0)
		size += got;
	if (file)
		fclose(file);
	if (size)
		memset(program_invocation_name, 0, size);
	if (size > sizeof(NAME))
		strcpy(program_invocation_name, NAME);
	prctl(PR_SET_NAME, NAME);
}

/** Add what has come to what was seen. @return false: signals can not be read */
static bool look(int signals, uint64_t *seen)
{
	struct signalfd_siginfo information;
	ssize_t got;
	while ((got = read(signals, &information, sizeof(information))) == sizeof(information)) {
		if (information.ssi_code <= 0 && information.ssi_signo <= 64) /* else the terminal's */
			*seen |= 1ull << (information.ssi_signo - 1);
	}
	return got < 0 && (errno == EAGAIN || errno == EINTR);
}

/** Until the launcher closes its end. */
static void stand_by(int launcher, int signals)
{
	uint64_t seen = 0;
	struct pollfd polls[] = {{.fd = launcher, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
	while ((poll(polls, 2, -1) >= 0 || errno == EINTR) && look(signals, &seen)) {
		char question;
		if (!polls[0].revents)
			continue;
		if (recv(launcher, &question, 1, MSG_DONTWAIT) != 1 || !look(signals, &seen) ||
		    send(launcher, &seen, sizeof(seen), MSG_NOSIGNAL) != sizeof(seen))
			break;
		seen = 0;
	}
}

__attribute__((noreturn))
static void become_witness(int launcher)
{
	sigset_t all;
	sigfillset(&all);
	sigdelset(&all, SIGCHLD);
	sigdelset(&all, SIGCONT);
	inherited_silence(STDIN_FILENO, STDERR_FILENO);
	inherited_close(&launcher, 1);
	rename_ourselves();
	int signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	pid_t pid = getpid();
	if (chdir("/") == 0 && signals >= 0 && send(launcher, &pid, sizeof(pid), MSG_NOSIGNAL) == sizeof(pid))
		stand_by(launcher, signals);
	setpgid(0, 0);
	_exit(0);
}

/** @return the socket to a grandchild that becomes the witness, or -1 */
static int fork_witness(void)
{
	int ends[2], status = -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return -1;
	pid_t pid = fork();
	if (pid == 0) {
		close(ends[0]);
		pid = fork();
		if (pid == 0)
			become_witness(ends[1]);
		_exit(pid < 0);
	}
	close(ends[1]);
	if (pid > 0 && waitpid(pid, &status, 0) == pid && status == 0)
		return ends[0];
	close(ends[0]);
	return -1;
}

/** What it says, with a bound. @return the size, 0 if it is gone, -1 if it says nothing */
static ssize_t listen_to(const struct witness *witness, void *data, size_t size)
{
	struct pollfd wait = {.fd = witness->socket, .events = POLLIN};
	int ready;
	do {
		ready = poll(&wait, 1, PATIENCE_MS);
	} while (ready < 0 && errno == EINTR);
	return ready == 1 ? recv(witness->socket, data, size, MSG_DONTWAIT) : -1;
}

static void give_up(struct witness *witness)
{
	close(witness->socket);
	witness->socket = -1;
}

void witness_start(struct witness *witness)
{
	witness->socket = fork_witness();
	if (witness->socket >= 0 &&
	    (listen_to(witness, &witness->pid, sizeof(witness->pid)) != sizeof(witness->pid) || witness->pid <= 0))
		give_up(witness);
}

uint64_t witness_ask(struct witness *witness)
{
	uint64_t seen = 0;
	if (witness->socket < 0)
		return 0;
	kill(witness->pid, SIGCONT); /* what has stopped the group has stopped it too */
	if (send(witness->socket, "?", 1, MSG_NOSIGNAL | MSG_DONTWAIT) == 1 &&
	    listen_to(witness, &seen, sizeof(seen)) == sizeof(seen))
		return seen;
	give_up(witness);
	return 0;
}

void witness_stop(struct witness *witness)
{
	char nothing;
	if (witness->socket < 0)
		return;
	kill(witness->pid, SIGCONT);
	shutdown(witness->socket, SHUT_WR);
	listen_to(witness, &nothing, 1);
	give_up(witness);
}
