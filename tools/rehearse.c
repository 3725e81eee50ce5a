// SPDX-License-Identifier: MIT

/*
 * Sandboxes forbid system calls one by one, and a call that fails where nobody expects it (epoll_wait, sendmsg, wait4)
 * leaves somebody waiting for ever. Filters cannot be lifted, and children inherit them: what works here works in the
 * collector, too.
 */

#include "rehearse.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "protocol.h"

#define WAIT_MS 1000

/** Who fails says its name. */
static const char *failed(const char *name)
{
	if (!errno)
		errno = EINVAL; /* it has neither failed nor done its work */
	return name;
}

/** A message with a descriptor from one end to the other, noticed in both ways. */
static const char *talk(const int ends[2], int epoll)
{
	struct message message = {0};
	struct epoll_event event = {.events = EPOLLIN};
	struct pollfd wait = {.fd = ends[1], .events = POLLIN};
	struct ucred peer;
	socklen_t length = sizeof(peer);
	int fd;
	if (getsockopt(ends[0], SOL_SOCKET, SO_PEERCRED, &peer, &length))
		return failed("getsockopt");
	if (protocol_send(ends[0], &message, sizeof(message), ends[0]))
		return failed("sendmsg");
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, ends[1], &event))
		return failed("epoll_ctl");
	if (epoll_wait(epoll, &event, 1, WAIT_MS) != 1)
		return failed("epoll_wait");
	if (poll(&wait, 1, WAIT_MS) != 1)
		return failed("poll");
	if (protocol_receive(ends[1], &message, sizeof(message), &fd) != sizeof(message))
		return failed("recvmsg");
	if (fd < 0) {
		errno = EMFILE; /* the message has come, but there is no room for what came with it */
		return "recvmsg";
	}
	close(fd);
	return NULL;
}

static const char *talk_to_ourselves(void)
{
	int ends[2], epoll;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return failed("socketpair");
	epoll = epoll_create1(EPOLL_CLOEXEC);
	const char *name = epoll < 0 ? failed("epoll_create1") : talk(ends, epoll);
	int error = errno;
	close(ends[0]);
	close(ends[1]);
	if (epoll >= 0)
		close(epoll);
	errno = error;
	return name;
}

static const char *start_and_wait(void)
{
	sigset_t blocked;
	int ends[2];
	sigemptyset(&blocked);
	if (sigprocmask(SIG_SETMASK, NULL, &blocked) || !sigismember(&blocked, SIGCHLD))
		return failed("rt_sigprocmask");
	if (getpid() <= 0)
		return failed("getpid"); /* who takes -1 for a pid means everybody */
	if (waitpid(getpid(), NULL, WNOHANG) != -1 || errno != ECHILD) /* we are no child of ours */
		return failed("wait4");
	if (pipe2(ends, O_CLOEXEC))
		return failed("pipe2");
	close(ends[0]);
	close(ends[1]);
	return NULL;
}

int rehearse(int listener, char *error, size_t size)
{
	errno = 0;
	const char *name = talk_to_ourselves();
	if (!name)
		name = start_and_wait();
	if (!name && accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK) < 0 && errno != EAGAIN)
		name = "accept4";
	if (!name)
		return 0;
	snprintf(error, size, "the collector cannot be started: %s; %s() does not work here, see the limits (ulimit -a) and seccomp "
		 "filters", strerror(errno), name);
	return -1;
}
