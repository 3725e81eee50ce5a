// SPDX-License-Identifier: MIT

#include "signals.h"
#include "guest.h"
#include "real.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>

/* Whether our handler is installed for the i-th of header->signals. */
static bool installed[HT_MAX_SIGNALS]; /* [atomic] */
static bool ours[HT_MAX_SIGNALS];      /* it was SIG_DFL at the start: ours again when the program gives it back */

static int index_of(int signal)
{
	if (load_acquire(&guest.status) != GUEST_ACTIVE || signal <= 0)
		return -1;
	for (int i = 0; i < (int)HT_MAX_SIGNALS && guest.header->signals[i]; i++)
		if (guest.header->signals[i] == (uint32_t)signal)
			return i;
	return -1;
}

static void handler(int signal)
{
	int i = index_of(signal);

	/* A fork child before its first event still has its parent's pointers: that request is not for the parent. */
	if (i >= 0 && load_relaxed(&wiped->secret))
		add_relaxed(&guest.process->requests[i], 1);
}

static void install(int i)
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};

	if (real.sigaction((int)guest.header->signals[i], &action, NULL) == 0)
		store_relaxed(&installed[i], true);
}

void signals_start(void)
{
	if (!real.sigaction)
		return;
	for (int i = 0; i < (int)HT_MAX_SIGNALS && guest.header->signals[i]; i++) {
		struct sigaction old;

		if (real.sigaction((int)guest.header->signals[i], NULL, &old) || old.sa_handler != SIG_DFL)
			continue;
		ours[i] = true;
		install(i);
	}
}

static void withdrawn(int i)
{
	store_relaxed(&installed[i], false);
	__atomic_fetch_or(&guest.process->flags, HT_PROCESS_SIGNAL_TAKEN, __ATOMIC_RELAXED);
}

EXPORT int sigaction(int signal, const struct sigaction *new, struct sigaction *old)
{
	guest_start();
	int i = index_of(signal);

	if (i < 0 || !ours[i])
		return real.sigaction(signal, new, old);
	if (!load_relaxed(&installed[i])) {
		int failed = real.sigaction(signal, new, old);

		if (!failed && new && new->sa_handler == SIG_DFL)
			install(i);
		return failed;
	}
	struct sigaction wanted = {.sa_handler = SIG_DFL};

	if (new)
		wanted = *new;
	if (new && new->sa_handler != SIG_DFL) {
		int failed = real.sigaction(signal, &wanted, NULL);

		if (failed)
			return failed;
		withdrawn(i);
	}
	if (old)
		*old = (struct sigaction){.sa_handler = SIG_DFL};
	return 0;
}

typedef void (*signal_handler)(int);

static signal_handler set_handler(signal_handler (*set)(int, signal_handler), int signal, signal_handler new)
{
	int i = index_of(signal);
	signal_handler old;

	if (!set) {
		errno = ENOSYS;
		return SIG_ERR;
	}
	if (i < 0 || !ours[i])
		return set(signal, new);
	if (load_relaxed(&installed[i]) && new == SIG_DFL)
		return SIG_DFL;
	old = set(signal, new);
	if (old == SIG_ERR)
		return old;
	if (load_relaxed(&installed[i])) {
		withdrawn(i);
		return SIG_DFL;
	}
	if (new == SIG_DFL)
		install(i);
	return old;
}

EXPORT signal_handler signal(int number, signal_handler new)
{
	guest_start();
	return set_handler(real.signal, number, new);
}

EXPORT signal_handler bsd_signal(int number, signal_handler new) __attribute__((alias("signal"), leaf, nothrow));

EXPORT signal_handler sysv_signal(int number, signal_handler new)
{
	guest_start();
	return set_handler(real.sysv_signal, number, new);
}

EXPORT signal_handler __sysv_signal(int number, signal_handler new) __attribute__((alias("sysv_signal"), leaf, nothrow));
