// SPDX-License-Identifier: MIT

/*
 * Messages with descriptors beside them.
 */

#include "protocol.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/** Room for one descriptor. */
union control {
	struct cmsghdr head;
	char bytes[CMSG_SPACE(sizeof(int))];
};

int protocol_send(int socket, const void *message, size_t size, int fd)
{
	union control control;
	struct iovec part = {.iov_base = (void *)message, .iov_len = size};
	struct msghdr whole = {.msg_iov = &part, .msg_iovlen = 1};
	if (fd >= 0) {
		memset(&control, 0, sizeof(control));
		whole.msg_control = &control;
		whole.msg_controllen = sizeof(control.bytes);
		struct cmsghdr *head = CMSG_FIRSTHDR(&whole);
		head->cmsg_level = SOL_SOCKET;
		head->cmsg_type = SCM_RIGHTS;
		head->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(head), &fd, sizeof(int));
	}
	ssize_t sent;
	do {
		sent = sendmsg(socket, &whole, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (sent < 0 && errno == EINTR);
	return sent < 0 ? -1 : 0;
}

ssize_t protocol_receive(int socket, void *message, size_t size, int *fd)
{
	union control control;
	struct iovec part = {.iov_base = message, .iov_len = size};
	struct msghdr whole = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control.bytes),
	};
	ssize_t got;
	*fd = -1;
	do {
		got = recvmsg(socket, &whole, MSG_CMSG_CLOEXEC);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return -1;
	struct cmsghdr *head = CMSG_FIRSTHDR(&whole);
	if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS && head->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(fd, CMSG_DATA(head), sizeof(int));
	return got;
}
