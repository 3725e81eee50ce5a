// SPDX-License-Identifier: MIT

/*
 * What /proc tells about other processes. Everything may be gone, or hidden from us, at any moment: then the functions
 * say so and nothing else happens.
 */

#ifndef HEAPTRACE_PROCFS_H
#define HEAPTRACE_PROCFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "model.h"

/** Some of /proc/PID/stat. */
struct proc_stat {
	char state;           /* 'Z' is a zombie */
	pid_t ppid;           /* 0: none that we see */
	uint64_t cpu_ticks;   /* user and system time */
	uint64_t start_ns;    /* CLOCK_MONOTONIC, to a hundredth of a second */
	int exit_code;        /* as waitpid() has it; 0 also where we may not know */
};

/** @return 0, or -1 if there is no such process */
int procfs_stat(pid_t pid, struct proc_stat *stat);

/** Sizes in bytes; `ns` is left to the caller. @return 0, or -1 */
int procfs_statm(pid_t pid, struct statm *statm);

/** Is a file with this inode, a memfd of ours, mapped there? @return 1, 0, or -1 if that cannot be told */
int procfs_maps_memfd(pid_t pid, uint64_t inode);

/** Call for every file mapped shared there until it returns nonzero. @return that, or 0 */
int procfs_shared_files(pid_t pid, int (*visit)(const char *path, uint64_t inode, void *data), void *data);

/** The pid as the process sees itself; *levels is 1 outside of pid namespaces. @return 0 if unknown */
pid_t procfs_inner_pid(pid_t pid, unsigned *levels);

/** Base name of the executable, else what the kernel calls the process. @return 0, or -1 with "?" written */
int procfs_name(pid_t pid, char *name, size_t size);

/**
 * Call with what a process may be called: the base names of argv[0] (without a login shell's dash) and of the executable,
 * and the kernel's name, which is a script's own. @return whether one of them made it return true
 */
bool procfs_names(pid_t pid, bool (*visit)(const char *name, void *data), void *data);

/** The file that a process executes; all zero: unknown. */
struct executable {
	uint64_t device, inode;
};
void procfs_executable(pid_t pid, struct executable *executable);

/** Where that file lies. @return 0, or -1 */
int procfs_executable_path(pid_t pid, char *path, size_t size);

/** Does its start environment hold this text? @return 1, 0, or -1 if we may not know */
int procfs_environment_has(pid_t pid, const char *text);

/** The directory of the library of ours that LD_PRELOAD names. @return 0; -1 and errno: EACCES, ENOENT (none), ESRCH */
int procfs_run_directory(pid_t pid, char *path, size_t size);

/** The first number behind "KEY:" in /proc/PID/status (PID "self" is 0), or -1. */
long procfs_status_number(pid_t pid, const char *key);

/** Call for every process until it returns nonzero. @return that, or 0 */
int procfs_each(int (*visit)(pid_t pid, void *data), void *data);

#endif
