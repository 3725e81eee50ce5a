// SPDX-License-Identifier: MIT

/*
 * The functions that the program would have called without us: the next definition behind this library.
 */

#ifndef HEAPTRACE_REAL_H
#define HEAPTRACE_REAL_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/** C++ operators new, in the order of enum ht_entry from HT_ENTRY_NEW on. */
enum { REAL_NEWS = 8 };

/** C++ operators delete: plain and array alternate. */
enum real_delete {
	DELETE_PLAIN, DELETE_ARRAY, DELETE_SIZED, DELETE_ARRAY_SIZED, DELETE_NOTHROW, DELETE_ARRAY_NOTHROW,
	DELETE_ALIGNED, DELETE_ARRAY_ALIGNED, DELETE_ALIGNED_SIZED, DELETE_ARRAY_ALIGNED_SIZED,
	DELETE_ALIGNED_NOTHROW, DELETE_ARRAY_ALIGNED_NOTHROW, REAL_DELETES
};

struct mallinfo2_figures { /* struct mallinfo2, which glibc older than 2.33 does not have */
	size_t arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks, keepcost;
};

struct real {
	void *syscall; /* first: assembler code knows its place */
	void *(*malloc)(size_t);
	void (*free)(void *);
	void *(*calloc)(size_t, size_t);
	void *(*realloc)(void *, size_t);
	void *(*memalign)(size_t, size_t);
	int (*posix_memalign)(void **, size_t, size_t);
	void *(*aligned_alloc)(size_t, size_t);
	void *(*valloc)(size_t);
	void *(*pvalloc)(size_t);
	void (*free_sized)(void *, size_t);
	void (*free_aligned_sized)(void *, size_t, size_t);
	size_t (*malloc_usable_size)(void *);
	struct mallinfo2_figures (*mallinfo2)(void);
	void *news[REAL_NEWS];
	size_t new_sizes[REAL_NEWS]; /* bytes of each function: a malloc that returns into it is its own */
	void *deletes[REAL_DELETES];
	void (*throw_bad_alloc)(void);
	pid_t (*fork)(void);
	pid_t (*waitpid)(pid_t, int *, int);
	pid_t (*wait4)(pid_t, int *, int, void *);
	int (*waitid)(int, id_t, void *, int);
	int (*execve)(const char *, char *const[], char *const[]);
	int (*execv)(const char *, char *const[]);
	int (*execvp)(const char *, char *const[]);
	int (*execvpe)(const char *, char *const[], char *const[]);
	int (*fexecve)(int, char *const[], char *const[]);
	int (*execveat)(int, const char *, char *const[], char *const[], int);
	int (*posix_spawn)(pid_t *, const char *, const void *, const void *, char *const[], char *const[]);
	int (*posix_spawnp)(pid_t *, const char *, const void *, const void *, char *const[], char *const[]);
	int (*dlclose)(void *);
	int (*sigaction)(int, const struct sigaction *, struct sigaction *);
	void (*(*signal)(int, void (*)(int)))(int);
	void (*(*sysv_signal)(int, void (*)(int)))(int);
	void (*_exit)(int);
	void (*quick_exit)(int);
	int (*clock_gettime)(int, void *); /* the vdso's: no system call, cannot be interposed */
	void *dl_find_object;
};

extern struct real real __attribute__((visibility("hidden")));

/** Find everything but the C++ operators' late-comers. Once, from guest_start(). */
void real_find(void);

/** The C++ library came later (dlopen): look once more. Cheap when there is nothing new. */
void real_find_operators(void);

#endif
