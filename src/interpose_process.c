// SPDX-License-Identifier: MIT

/*
 * Calls that change what the guest knows: fork, the ends, unloading of libraries, and entering a seccomp cage.
 */

#include "guest.h"
#include "modules.h"
#include "process.h"
#include "real.h"
#include "thread.h"

#include <dlfcn.h>
#include <errno.h>
#include <linux/seccomp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Set up the child at once: its first own event may come in a place where no system call is possible any more. */
EXPORT pid_t fork(void)
{
	guest_start();
	pid_t pid = real.fork();

	if (pid == 0 && load_acquire(&guest.status) == GUEST_ACTIVE) {
		int saved = errno;

		if (load_relaxed(&wiped->secret) || process_forked(true))
			thread_get();
		errno = saved;
	}
	return pid;
}

/*
 * How a child ended is known for sure to the parent that waits for it; the collector may come too late for a short one.
 */
EXPORT pid_t waitpid(pid_t pid, int *status, int options)
{
	int noted = 0;

	guest_start();
	pid_t got = real.waitpid(pid, &noted, options);

	if (got > 0)
		process_note_child(got, noted);
	if (status && got > 0)
		*status = noted;
	return got;
}

EXPORT pid_t wait(int *status)
{
	return waitpid(-1, status, 0);
}

EXPORT pid_t wait4(pid_t pid, int *status, int options, struct rusage *usage)
{
	int noted = 0;

	guest_start();
	pid_t got = real.wait4(pid, &noted, options, usage);

	if (got > 0)
		process_note_child(got, noted);
	if (status && got > 0)
		*status = noted;
	return got;
}

EXPORT pid_t wait3(int *status, int options, struct rusage *usage)
{
	return wait4(-1, status, options, usage);
}

EXPORT int waitid(idtype_t type, id_t id, siginfo_t *info, int options)
{
	siginfo_t own = {0};

	guest_start();
	int failed = real.waitid(type, id, info ? info : &own, options);
	const siginfo_t *got = info ? info : &own;

	if (!failed && got->si_pid && (options & WEXITED))
		process_note_child(got->si_pid, got->si_code == CLD_EXITED ? got->si_status << 8 : got->si_status);
	return failed;
}

EXPORT int dlclose(void *handle)
{
	guest_start();
	int result = real.dlclose(handle);

	if (load_acquire(&guest.status) == GUEST_ACTIVE && thread_get())
		modules_check();
	return result;
}

EXPORT void _exit(int status)
{
	guest_start();
	process_note_exit(status);
	real._exit(status);
	__builtin_unreachable();
}

EXPORT void _Exit(int status)
{
	_exit(status);
}

EXPORT void quick_exit(int status)
{
	guest_start();
	process_note_exit(status);
	real.quick_exit(status);
	__builtin_unreachable();
}

/* The place of real.syscall, for the assembler: the first member. */
#define REAL_SYSCALL "0"
_Static_assert(offsetof(struct real, syscall) == 0, "REAL_SYSCALL");

static long forward(long number, long a, long b, long c, long d, long e, long f)
{
	long result = raw6(number, a, b, c, d, e, f);

	if (result < 0 && result > -4096) {
		errno = (int)-result;
		return -1;
	}
	return result;
}

/* A process that is not traced has nothing to prepare, but exec's hooks must know (spare.c). */
static void enter_cage(void)
{
	process_enter_cage();
	if (load_acquire(&guest.status) == GUEST_OFF)
		store_relaxed(&guest.caged, true);
}

EXPORT int prctl(int option, ...)
{
	va_list list;

	va_start(list, option);
	long b = va_arg(list, long), c = va_arg(list, long), d = va_arg(list, long), e = va_arg(list, long);

	va_end(list);
	if (option == PR_SET_SECCOMP)
		enter_cage();
	if (option == PR_SET_TSC)
		store_relaxed(&guest.no_clock, true);
	return (int)forward(SYS_prctl, option, b, c, d, e, 0);
}

/*
 * syscall() stays a bare jump into libc: a program may make a child through it that returns on this very stack (vfork).
 * Only where the target is not known yet, or the call leads into a cage, C code runs first.
 */
__attribute__((used)) static void before_syscall(long number, long a)
{
	guest_start();
	if (number == SYS_seccomp || (number == SYS_prctl && a == PR_SET_SECCOMP))
		enter_cage();
}

__asm__(".pushsection .text\n"
	".globl syscall\n"
	".type syscall, @function\n"
	"syscall:\n"
	"	.cfi_startproc\n"
	"	cmpq $0, real+" REAL_SYSCALL "(%rip)\n"
	"	je 1f\n"
	"	cmp $317, %rdi\n" /* SYS_seccomp */
	"	je 1f\n"
	"	cmp $157, %rdi\n" /* SYS_prctl */
	"	je 1f\n"
	"0:	jmp *real+" REAL_SYSCALL "(%rip)\n"
	"1:	push %rdi\n"
	"	push %rsi\n"
	"	push %rdx\n"
	"	push %rcx\n"
	"	push %r8\n"
	"	push %r9\n"
	"	sub $8, %rsp\n"
	"	.cfi_adjust_cfa_offset 56\n"
	"	call before_syscall\n"
	"	add $8, %rsp\n"
	"	pop %r9\n"
	"	pop %r8\n"
	"	pop %rcx\n"
	"	pop %rdx\n"
	"	pop %rsi\n"
	"	pop %rdi\n"
	"	.cfi_adjust_cfa_offset -56\n"
	"	jmp 0b\n"
	"	.cfi_endproc\n"
	"	.size syscall, . - syscall\n"
	".popsection\n");
