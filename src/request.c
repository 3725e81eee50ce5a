// SPDX-License-Identifier: MIT

#include "request.h"
#include "guest.h"
#include "rendezvous.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/un.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#define ACCEPT_SECONDS 5   /* a stopped collector must not stop the program */
#define ANSWER_SECONDS 600 /* names of a large program are looked up meanwhile, and a slow reader is waited for */

bool request_is_possible(void)
{
	return rendezvous_socket() && !load_relaxed(&guest.caged) && load_acquire(&guest.status) == GUEST_ACTIVE;
}

static void set_patience(int socket, long seconds)
{
	struct timeval patience = {.tv_sec = seconds};

	raw6(SYS_setsockopt, socket, SOL_SOCKET, SO_RCVTIMEO, (long)&patience, sizeof(patience), 0);
	raw6(SYS_setsockopt, socket, SOL_SOCKET, SO_SNDTIMEO, (long)&patience, sizeof(patience), 0);
}

static int dial(void)
{
	long fd = raw_call(SYS_socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, 0);

	if (fd < 0)
		return (int)fd;
	/* Out of the way of programs that have a number in mind. */
	long high = raw_call(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 200, 0);

	if (high >= 0) {
		raw_close((int)fd);
		fd = high;
	}
	set_patience((int)fd, ACCEPT_SECONDS);
	long failed = raw_call(SYS_connect, fd, rendezvous_socket(), sizeof(struct sockaddr_un), 0);

	if (!failed)
		return (int)fd;
	raw_close((int)fd);
	return (int)failed;
}

static long send_message(int socket, const void *message, size_t size, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec part = {(void *)message, size};
	struct msghdr whole = {.msg_iov = &part, .msg_iovlen = 1};
	long sent;

	if (fd >= 0) {
		whole.msg_control = control;
		whole.msg_controllen = sizeof(control);
		struct cmsghdr *head = CMSG_FIRSTHDR(&whole);

		head->cmsg_level = SOL_SOCKET;
		head->cmsg_type = SCM_RIGHTS;
		head->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(head), &fd, sizeof(fd));
	}
	do
		sent = raw_call(SYS_sendmsg, socket, &whole, MSG_NOSIGNAL, 0);
	while (sent == -EINTR);
	return sent;
}

static long receive_answer(int socket, struct ht_answer *answer)
{
	long got;

	do
		got = raw6(SYS_recvfrom, socket, (long)answer, sizeof(*answer), 0, 0, 0);
	while (got == -EINTR);
	if (got < 0)
		return got == -EAGAIN ? -ETIMEDOUT : got;
	if (got < (long)sizeof(*answer) || answer->magic != HT_REQUEST_MAGIC)
		return -ENOTCONN;
	return answer->status;
}

static void copy_word(char *out, const char *word, size_t size)
{
	for (size_t i = 0; word && word[i] && i + 1 < size; i++)
		out[i] = word[i];
}

/* The collector says first that it has understood, and later that it is done. @return the socket, or a negative error */
static int begin(const struct request_wish *wish, int out, struct ht_answer *answer)
{
	struct ht_request request = {
		.magic = HT_REQUEST_MAGIC, .version = HT_VERSION, .kind = wish->kind, .image = guest.header->image,
		.process = guest.number, .value = wish->value,
	};
	int socket = request_is_possible() ? dial() : -ENOTCONN;

	if (socket < 0)
		return socket;
	copy_word(request.format, wish->format, sizeof(request.format));
	copy_word(request.sort, wish->sort, sizeof(request.sort));
	long result = send_message(socket, &request, sizeof(request), out);

	if (result >= 0)
		result = receive_answer(socket, answer);
	if (result < 0) {
		raw_close(socket);
		return (int)result;
	}
	set_patience(socket, ANSWER_SECONDS);
	return socket;
}

int request_ask(const struct request_wish *wish, int out, uint64_t *value)
{
	struct ht_answer answer = {0};
	int socket = begin(wish, out, &answer);

	if (socket < 0)
		return socket;
	long result = receive_answer(socket, &answer);

	raw_close(socket);
	if (value)
		*value = answer.value;
	return (int)result;
}

void request_text_begin(struct request *request, int out)
{
	struct request_wish wish = {.kind = HT_REQUEST_TEXT};
	struct ht_answer answer = {0};

	request->out = out;
	request->error = 0;
	request->filled = 0;
	request->socket = begin(&wish, out, &answer);
	if (request->socket < 0)
		request->socket = -1;
}

/* Write it here. A descriptor that does not block is waited for. */
static void write_out(struct request *request)
{
	size_t done = 0;

	while (done < request->filled && !request->error) {
		long n = raw_call(SYS_write, request->out, request->text + done, request->filled - done, 0);
		struct pollfd ready = {.fd = request->out, .events = POLLOUT};

		if (n > 0)
			done += (size_t)n;
		else if (n == -EAGAIN && !load_relaxed(&guest.caged))
			raw_call(SYS_poll, &ready, 1, -1, 0);
		else if (n != -EINTR)
			request->error = n ? (int)-n : EIO;
	}
}

static void flush(struct request *request)
{
	if (!request->filled || request->error) {
		request->filled = 0;
		return;
	}
	if (request->socket < 0) {
		write_out(request);
	} else {
		long sent = send_message(request->socket, request->text, request->filled, -1);

		if (sent < 0)
			request->error = (int)-sent;
	}
	request->filled = 0;
}

void request_text(struct request *request, const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (request->filled == sizeof(request->text))
			flush(request);
		request->text[request->filled++] = text[i];
	}
}

/* A message never ends inside a mark. */
void request_symbol(struct request *request, uintptr_t address)
{
	if (request->socket < 0)
		return;
	if (request->filled + 32 > sizeof(request->text))
		flush(request);
	request_text(request, "\1", 1);
	request_hex(request, address, 0, ' ');
	request_text(request, "\n", 1);
}

int request_text_end(struct request *request)
{
	struct ht_answer answer = {0};
	long result;

	flush(request);
	if (request->socket < 0)
		return -request->error;
	raw_call(SYS_shutdown, request->socket, SHUT_WR, 0, 0);
	result = receive_answer(request->socket, &answer);
	raw_close(request->socket);
	request->socket = -1;
	return result < 0 ? (int)result : -request->error;
}

void request_string(struct request *request, const char *text)
{
	request_text(request, text, strlen(text));
}

static void number(struct request *request, uint64_t value, unsigned base, unsigned width, char fill)
{
	char digits[64];
	unsigned i = sizeof(digits);

	do
		digits[--i] = "0123456789abcdef"[value % base];
	while ((value /= base) && i);
	while (sizeof(digits) - i < width && i)
		digits[--i] = fill;
	request_text(request, digits + i, sizeof(digits) - i);
}

void request_decimal(struct request *request, uint64_t value, unsigned width, char fill)
{
	number(request, value, 10, width, fill);
}

void request_hex(struct request *request, uint64_t value, unsigned width, char fill)
{
	number(request, value, 16, width, fill);
}

void request_pointer(struct request *request, uintptr_t value)
{
	if (!value) {
		request_string(request, "(nil)");
		return;
	}
	request_string(request, "0x");
	request_hex(request, value, 0, ' ');
}
