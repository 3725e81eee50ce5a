// SPDX-License-Identifier: MIT

/* What is made from the table of options: see completion.c. */

#ifndef HEAPTRACE_COMPLETION_H
#define HEAPTRACE_COMPLETION_H

#include "options.h"

/** What stands behind the options. */
enum operand { OPERAND_PROGRAM, OPERAND_SNAPSHOT, OPERAND_PROCESS, OPERAND_CONTROL };

struct completed_command {
	const char *name;
	unsigned scope;
	enum operand operand;
	const char *help;
};

/** Ended by one without a name. */
extern const struct completed_command completed_commands[];

/** Words of `heaptrace ctl`, with spaces between them. */
extern const char completed_controls[];

enum value_type { VALUE_IS_NONE, VALUE_IS_WORD, VALUE_IS_FILE, VALUE_IS_DIRECTORY, VALUE_IS_OTHER };

enum value_type value_type(const struct option_description *option);

/** Print text that stands between single quotes, with a backslash before each special character. */
void put_quoted(const char *text, const char *special);

/* Each prints a completion to stdout. */
void completion_bash(void);
void completion_zsh(void);
void completion_fish(void);

#endif
