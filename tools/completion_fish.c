// SPDX-License-Identifier: MIT

/* The completion for fish. */

#include <stdio.h>
#include <string.h>

#include "completion.h"

static void put_condition(unsigned scope)
{
	fputs("complete -c heaptrace -n '__heaptrace_is", stdout);
	for (const struct completed_command *command = completed_commands; command->name; command++) {
		if (scope & command->scope)
			printf(" %s", command->name);
	}
	putchar('\'');
}

static void put_option(const struct option_description *option)
{
	static const char *const values[] = {
		[VALUE_IS_NONE] = " -f", [VALUE_IS_WORD] = " -x", [VALUE_IS_FILE] = " -r -F", [VALUE_IS_OTHER] = " -x",
		[VALUE_IS_DIRECTORY] = " -x -a '(__fish_complete_directories (commandline -ct))'",
	};
	enum value_type type = value_type(option);
	put_condition(option->scope);
	if (option->letter)
		printf(" -s %c", option->letter);
	printf(" -l %s%s", option->flag, type == VALUE_IS_WORD && !option->needs_value ? " -f" : values[type]);
	bool list = option->word_count && strstr(option->value, "[,");
	for (size_t i = 0; i < option->word_count; i++)
		printf("%s%s", i ? " " : list ? " -a '(__fish_append , " : " -a '", option->words[i]);
	fputs(list ? ")' -d '" : option->word_count ? "' -d '" : " -d '", stdout);
	for (const char *c = option->help; *c; c++) {
		if (*c == '\'' || *c == '\\')
			putchar('\\');
		putchar(*c);
	}
	puts("'");
}

static void put_operands(const struct completed_command *command)
{
	put_condition(command->scope);
	switch (command->operand) {
	case OPERAND_PROGRAM:
		puts(" -x -a '(__fish_complete_subcommand)'");
		break;
	case OPERAND_SNAPSHOT:
		puts(" -x -a '(__heaptrace_snapshots)'");
		break;
	case OPERAND_PROCESS:
		puts(" -x -a '(heaptrace --completion=pids 2>/dev/null)'");
		break;
	case OPERAND_CONTROL:
		puts(" -x -a '(__heaptrace_control)'");
		break;
	}
}

void completion_fish(void)
{
	struct option_description option;
	fputs("# fish completion for heaptrace, made from its table of options\n\n"
	      "function __heaptrace_is\n\tset -l words (commandline -opc)\n\tset -l command run\n"
	      "\tif set -q words[2]; and contains -- $words[2]", stdout);
	for (const struct completed_command *command = completed_commands + 1; command->name; command++)
		printf(" %s", command->name);
	puts("\n\t\tset command $words[2]\n\tend\n\tcontains -- $command $argv\nend\n");
	puts("function __heaptrace_snapshots\n"
	     "\t__fish_complete_path (commandline -ct) | string match -r '^[^\\t]*(?:\\.htrace|/)(?=\\t|$)'\nend");
	printf("function __heaptrace_control\n\tif string match -qr '^[0-9]+$' -- (commandline -opc)[-1]\n"
	       "\t\tstring split ' ' '%s'\n\telse\n\t\theaptrace --completion=pids 2>/dev/null\n\tend\nend\n\n", completed_controls);
	for (const struct completed_command *command = completed_commands + 1; command->name; command++)
		printf("complete -c heaptrace -n 'test (count (commandline -opc)) -eq 1' -f -a %s -d '%s'\n", command->name, command->help);
	for (const struct completed_command *command = completed_commands; command->name; command++)
		put_operands(command);
	for (size_t i = 0; options_describe(i, &option); i++)
		put_option(&option);
	puts("complete -c heaptrace -f -l version -d 'print the version'\ncomplete -c heaptrace -f -s h -l help -d 'print the options'");
}
