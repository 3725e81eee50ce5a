// SPDX-License-Identifier: MIT

/*
 * System calls without libc: programs interpose open, mmap and friends by functions of their own that allocate, libc's
 * wrappers set errno, and some are cancellation points. These return -errno and touch nothing else.
 */

#ifndef HEAPTRACE_RAW_H
#define HEAPTRACE_RAW_H

#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

#ifndef __x86_64__
#error "the guest's system calls, unwinder and thread pointer are written for x86-64"
#endif

static inline long raw6(long n, long a, long b, long c, long d, long e, long f)
{
	long ret;
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

#define raw_call(n, a, b, c, d) raw6((n), (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)

static inline long raw_open(const char *path, int flags, int mode)
{
	return raw_call(SYS_openat, -100 /* AT_FDCWD */, path, flags, mode);
}

static inline long raw_close(int fd)
{
	return raw_call(SYS_close, fd, 0, 0, 0);
}

static inline long raw_read(int fd, void *data, size_t size)
{
	return raw_call(SYS_read, fd, data, size, 0);
}

/** mmap; NULL when it fails. */
static inline void *raw_mmap(size_t size, int protection, int flags, int fd, uint64_t offset)
{
	long ret = raw6(SYS_mmap, 0, (long)size, protection, flags, fd, (long)offset);

	return ret < 0 && ret > -4096 ? NULL : (void *)ret;
}

static inline long raw_munmap(void *address, size_t size)
{
	return raw_call(SYS_munmap, address, size, 0, 0);
}

static inline long raw_madvise(void *address, size_t size, int advice)
{
	return raw_call(SYS_madvise, address, size, advice, 0);
}

#endif
