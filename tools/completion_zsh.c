// SPDX-License-Identifier: MIT

/* The completion for zsh: a function for each command, in the words of _arguments. */

#include <stdio.h>
#include <string.h>

#include "completion.h"

/** Behind the name of an option: its help, and how its value is completed. */
static void put_rest(const struct option_description *option)
{
	static const char *const actions[] = {
		[VALUE_IS_FILE] = "_files", [VALUE_IS_DIRECTORY] = "_files -/", [VALUE_IS_OTHER] = "",
	};
	putchar('[');
	put_quoted(option->help, "[]\\");
	putchar(']');
	if (option->value) {
		fputs(option->needs_value ? ":" : "::", stdout);
		put_quoted(option->value, ":\\");
		putchar(':');
	}
	if (option->word_count) {
		bool list = strstr(option->value, "[,") != NULL;
		fputs(list ? "_values -s , value" : "(", stdout);
		for (size_t i = 0; i < option->word_count; i++)
			printf("%s%s", i || list ? " " : "", option->words[i]);
		fputs(list ? "" : ")", stdout);
	} else if (option->value) {
		fputs(actions[value_type(option)], stdout);
	}
	fputs("'", stdout);
}

static void put_option(const struct option_description *option)
{
	if (option->letter) {
		printf(" \\\n\t\t'-%c%s", option->letter, option->needs_value ? "+" : "");
		put_rest(option);
	}
	printf(" \\\n\t\t'--%s%s", option->flag, !option->value ? "" : option->needs_value ? "=" : "=-");
	put_rest(option);
}

static void put_command(const struct completed_command *command)
{
	static const char *const operands[] = {
		[OPERAND_PROGRAM] = "'(-)1:program:_heaptrace_first' '*::arguments:_normal'",
		[OPERAND_SNAPSHOT] = "'*:snapshot:_files -g \"*.htrace\"'",
		[OPERAND_PROCESS] = "'1:traced process:_heaptrace_pids'",
		[OPERAND_CONTROL] = "'1:traced process:_heaptrace_pids' '2:what to do:(CONTROLS)'",
	};
	struct option_description option;
	printf("_heaptrace_%s()\n{\n\t_arguments -S :", command->name);
	for (size_t i = 0; options_describe(i, &option); i++) {
		if (option.scope & command->scope)
			put_option(&option);
	}
	fputs(" \\\n\t\t'--version[print the version]' '(-h --help)'{-h,--help}'[print the options]' \\\n\t\t", stdout);
	for (const char *c = operands[command->operand]; *c; c++) {
		if (*c != 'C')
			putchar(*c);
		else
			fputs(completed_controls, stdout), c += sizeof("CONTROLS") - 2;
	}
	puts("\n}\n");
}

void completion_zsh(void)
{
	puts("#compdef heaptrace\n# zsh completion for heaptrace, made from its table of options\n");
	puts("_heaptrace_pids()\n{\n\tlocal -a pids\n"
	     "\tpids=(${(f)\"$(_call_program pids heaptrace --completion=pids 2>/dev/null | tr '\\t' ':')\"})\n"
	     "\t_describe 'traced process' pids\n}\n");
	puts("_heaptrace_first()\n{\n\tlocal -a subcommands\n\tsubcommands=(");
	for (const struct completed_command *command = completed_commands + 1; command->name; command++)
		printf("\t\t'%s:%s'\n", command->name, command->help);
	puts("\t)\n\t((CURRENT != 2)) || _describe 'command' subcommands\n\t_command_names -e\n}\n");
	for (const struct completed_command *command = completed_commands; command->name; command++)
		put_command(command);
	puts("_heaptrace()\n{\n\tif ((CURRENT > 2)) && [[ $words[2] != -* && $words[2] != run ]] && "
	     "(($+functions[_heaptrace_$words[2]])); then\n"
	     "\t\tshift words\n\t\t((CURRENT--))\n\t\t_heaptrace_$words[1]\n\telse\n\t\t_heaptrace_run\n\tfi\n}\n\n"
	     "_heaptrace \"$@\"");
}
