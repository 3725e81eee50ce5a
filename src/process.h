// SPDX-License-Identifier: MIT

/*
 * The life of a process: start of an image, fork, end.
 */

#ifndef HEAPTRACE_PROCESS_H
#define HEAPTRACE_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

struct thread;

/** A new thread state: its number in the process. @param first  the first one's state, NULL if this is it */
uint32_t process_new_thread(struct thread *first);

/**
 * This is a fork child that nobody has set up (however it was made): give it a place of its own in the inherited
 * segment, empty tables and no history. No socket, no descriptor.
 *
 * @param through_libc  libc's fork() made it: then the thread control block knows its pid
 * @return false: the child goes on untraced
 */
bool process_forked(bool through_libc);

/** Note glibc's own figures. Takes the arenas' locks, so never where this thread may hold one. */
void process_take_figures(void);

/** A tick has passed since the thread's last event: answer the host's wish for the allocator's figures. */
void process_tick(void);

/** The program calls _exit() or quick_exit(). */
void process_note_exit(int status);

/** The program has waited for a child. @param status as wait() gives it; stops and continuations are not ends */
void process_note_child(int pid, int status);

/** A fork child: the notes of programs to be executed are the parent's. (interpose_exec.c) */
void exec_forked(void);

/** Before the program enters a seccomp cage: what needs system calls happens now. */
void process_enter_cage(void);

#endif
