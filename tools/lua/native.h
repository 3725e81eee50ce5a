// SPDX-License-Identifier: MIT

/*
 * Under heaptrace: a session of its library (heap_trace) records all blocks of the process, with backtraces of C. What is
 * Lua's of them is known to the recorder, which goes side by side with it.
 */

#ifndef HEAPTRACE_LUA_NATIVE_H
#define HEAPTRACE_LUA_NATIVE_H

#include <stdbool.h>

#include "text.h"
#include "tracer.h"

/** Whether there is a library to ask. */
bool native_is_there(void);

/** Find out whose code is whose. */
void native_learn(struct tracer *tracer);

/** As the functions of the tracer. @return CODE_* */
int native_init(uint32_t records);
int native_start(enum recorder_mode mode);
int native_stop(void);
int native_pause(void);
int native_resume(void);

/** The session's figures, all but `alive`. */
void native_summarize(struct tracer_summary *summary);

/**
 * Write its records: a block of Lua's with the lines of Lua, every block with names of C where they help.
 *
 * @param since  records from the first one on whose block is Lua's and has a higher number
 * @return records of blocks that are not freed, listed or not
 */
size_t native_write(struct text *text, const struct tracer *tracer, uint64_t since, bool old_format);

/** Write a text with its marks resolved. @return 0 or an errno value; ENOSYS: nobody can do that */
int native_write_out(const struct text *text, int fd);

#endif
