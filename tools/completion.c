// SPDX-License-Identifier: MIT

/*
 * What is made from the table of options when heaptrace is built: completions for shells (completion_bash.c, _zsh.c and
 * _fish.c) and the lists of options in the manual pages of the subcommands. And what completions ask for when they are
 * used: the processes that are traced at this moment.
 */

#include "completion.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "procfs.h"

const struct completed_command completed_commands[] = {
	{"run", SCOPE_RUN, OPERAND_PROGRAM, "run a program"}, /* the first: it has no name on the command line */
	{"report", SCOPE_REPORT, OPERAND_SNAPSHOT, "render a snapshot"},
	{"export", SCOPE_EXPORT, OPERAND_SNAPSHOT, "render a snapshot for other programs to read"},
	{"diff", SCOPE_DIFF, OPERAND_SNAPSHOT, "say what grew from one snapshot to another"},
	{"dump", SCOPE_DUMP, OPERAND_PROCESS, "report on a running traced process"},
	{"top", SCOPE_TOP, OPERAND_PROCESS, "watch a running traced process"},
	{"ctl", SCOPE_CTL, OPERAND_CONTROL, "start and stop the tracing of a running process"},
	{NULL, 0, OPERAND_PROGRAM, NULL},
};

const char completed_controls[] = "start stop resume reset status dump";

enum value_type value_type(const struct option_description *option)
{
	if (!option->value)
		return VALUE_IS_NONE;
	if (option->word_count)
		return VALUE_IS_WORD;
	if (strstr(option->value, "FILE") || strstr(option->value, "PATH") || strstr(option->value, ".htrace"))
		return VALUE_IS_FILE;
	return strcmp(option->value, "DIR") == 0 ? VALUE_IS_DIRECTORY : VALUE_IS_OTHER;
}

void put_quoted(const char *text, const char *special)
{
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\'", stdout);
		else if (strchr(special, *text))
			putchar('\\');
		putchar(*text);
	}
}

static int visit_process(pid_t pid, void *unused)
{
	char directory[PATH_MAX], name[64];
	if (procfs_run_directory(pid, directory, sizeof(directory)))
		return 0;
	procfs_name(pid, name, sizeof(name));
	printf("%d\t%s\n", (int)pid, name);
	return 0;
}

/** An option as mdoc(7) has it in a list. */
static void put_manual_option(const struct option_description *option)
{
	char first = (char)toupper((unsigned char)option->help[0]);
	fputs(".It Fl ", stdout);
	if (option->letter)
		printf("%c%s%s , Fl ", option->letter, option->value ? " Ar " : "", option->value ? option->value : "");
	printf("-%s", option->flag);
	if (option->value)
		printf(option->needs_value ? " Ns = Ns Ar %s" : " Ns Op = Ns Ar %s", option->value);
	printf("\n%c%s.\n", first, option->help + 1);
}

/** The options of one command, grouped as in its help. */
static void put_manual(unsigned scope)
{
	struct option_description option;
	const char *group = NULL;
	bool listing = false;
	for (size_t i = 0; options_describe(i, &option); i++) {
		if (option.group)
			group = option.group;
		if (!(option.scope & scope))
			continue;
		if (group && listing)
			puts(".El");
		if (group)
			printf(".Ss %s\n.Bl -tag -width Ds\n", group);
		listing = true;
		group = NULL;
		put_manual_option(&option);
	}
	puts(".It Fl -version\nPrint the version.\n.It Fl h , Fl -help\nPrint the options.\n.El");
}

int completion_command(const char *what)
{
	bool known = true;
	if (strcmp(what, "bash") == 0)
		completion_bash();
	else if (strcmp(what, "zsh") == 0)
		completion_zsh();
	else if (strcmp(what, "fish") == 0)
		completion_fish();
	else if (strcmp(what, "pids") == 0)
		procfs_each(visit_process, NULL);
	else
		known = false;
	for (const struct completed_command *command = completed_commands + 1; command->name; command++) {
		if (strncmp(what, "man-", 4) != 0 || strcmp(what + 4, command->name) != 0)
			continue;
		known = true;
		put_manual(command->scope);
	}
	if (known && !fflush(stdout) && !ferror(stdout))
		return 0;
	if (known)
		fprintf(stderr, "heaptrace: standard output cannot be written: %s\n", strerror(errno));
	else
		fprintf(stderr, "heaptrace: --completion=%s: it takes bash, zsh or fish\n", what);
	return EXIT_HEAPTRACE;
}
