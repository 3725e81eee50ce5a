// SPDX-License-Identifier: MIT

/*
 * The completion for bash. bash parts words at "=", so "--flag=value" comes in three of them; they are put together,
 * and the answer is only what stands behind the "=".
 */

#include <stdio.h>
#include <string.h>

#include "completion.h"

/** "run:--format|report:--format": all commands that have it. */
static void put_pattern(const struct option_description *option)
{
	bool any = false;
	for (const struct completed_command *command = completed_commands; command->name; command++) {
		if (!(option->scope & command->scope))
			continue;
		printf("%s%s:--%s", any ? "|" : "\t", command->name, option->flag);
		if (option->letter)
			printf("|%s:-%c", command->name, option->letter);
		any = true;
	}
	fputs(") ", stdout);
}

static void put_values(void)
{
	static const char *const kinds[] = {
		[VALUE_IS_WORD] = "word", [VALUE_IS_FILE] = "file", [VALUE_IS_DIRECTORY] = "directory", [VALUE_IS_OTHER] = "other",
	};
	struct option_description option;
	puts("# What stands for the value of a flag: sets kind, words and whether it needs one.\n"
	     "_heaptrace_value()\n{\n\tkind= words= needs=\n\tcase $1 in");
	for (size_t i = 0; options_describe(i, &option); i++) {
		if (!option.value)
			continue;
		put_pattern(&option);
		printf("kind=%s", kinds[value_type(&option)]);
		if (option.needs_value)
			printf(" needs=1");
		for (size_t j = 0; j < option.word_count; j++)
			printf("%s%s", j ? " " : " words='", option.words[j]);
		puts(option.word_count ? "';;" : ";;");
	}
	puts("\tesac\n}\n");
}

static void put_flags(void)
{
	struct option_description option;
	puts("_heaptrace_flags()\n{\n\tcase $1 in");
	for (const struct completed_command *command = completed_commands; command->name; command++) {
		printf("\t%s) flags='--help --version", command->name);
		for (size_t i = 0; options_describe(i, &option); i++) {
			if (option.scope & command->scope)
				printf(" --%s%s", option.flag, option.needs_value ? "=" : "");
		}
		puts("';;");
	}
	puts("\tesac\n}\n");
}

static void put_subcommands(const char *separator)
{
	for (const struct completed_command *command = completed_commands + 1; command->name; command++)
		printf("%s%s", command > completed_commands + 1 ? separator : "", command->name);
}

static void put_operands(void)
{
	static const char *const kinds[] = {
		[OPERAND_PROGRAM] = "program", [OPERAND_SNAPSHOT] = "snapshot", [OPERAND_PROCESS] = "process", [OPERAND_CONTROL] = "control",
	};
	puts("_heaptrace_operand()\n{\n\tcase $1 in");
	for (const struct completed_command *command = completed_commands; command->name; command++)
		printf("\t%s) kind=%s;;\n", command->name, kinds[command->operand]);
	puts("\tesac\n}\n");
}

static const char body[] =
	"# Answers of a kind to what has been typed of a value.\n"
	"_heaptrace_answer()\n"
	"{\n"
	"\tlocal typed=$1 done=\n"
	"\tlocal IFS=$'\\n'\n"
	"\tcase $kind in\n"
	"\tword)\n"
	"\t\t[[ $typed != *,* ]] || done=${typed%,*},\n"
	"\t\tCOMPREPLY=($(compgen -P \"$done\" -W \"${words// /$'\\n'}\" -- \"${typed##*,}\"));;\n"
	"\tfile) compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- \"$typed\"));;\n"
	"\tdirectory) compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -d -- \"$typed\"));;\n"
	"\tsnapshot)\n"
	"\t\tcompopt -o filenames 2>/dev/null\n"
	"\t\tCOMPREPLY=($(compgen -f -X '!*.htrace' -- \"$typed\") $(compgen -d -- \"$typed\"));;\n"
	"\tprocess) COMPREPLY=($(compgen -W \"$(\"$heaptrace\" --completion=pids 2>/dev/null | cut -f 1)\" -- \"$typed\"));;\n"
	"\tesac\n"
	"}\n"
	"\n"
	"# The program and its own words: as if it stood alone.\n"
	"_heaptrace_program()\n"
	"{\n"
	"\tif declare -F _command_offset >/dev/null; then\n"
	"\t\t_command_offset \"$1\"\n"
	"\telif ((COMP_CWORD == $1)); then\n"
	"\t\tCOMPREPLY=($(compgen -c -- \"$typed\"))\n"
	"\telse\n"
	"\t\tcompopt -o filenames 2>/dev/null\n"
	"\t\tCOMPREPLY=($(compgen -f -- \"$typed\"))\n"
	"\tfi\n"
	"}\n"
	"\n"
	"_heaptrace()\n"
	"{\n"
	"\tlocal kind words needs flags typed i word command=run value= operands=0 program= prefix=\n"
	"\tlocal heaptrace=$1 line=() place=()\n"
	"\tCOMPREPLY=()\n"
	"\tfor ((i = 0; i <= COMP_CWORD; i++)); do\n"
	"\t\tword=${COMP_WORDS[i]}\n"
	"\t\t((i == 0)) || typed=${line[${#line[@]} - 1]}\n"
	"\t\tif ((i > 1)) && [[ $typed == --?* && $word != -* && ($word == =* || $typed == *=) ]]; then\n"
	"\t\t\tline[${#line[@]} - 1]+=$word\n"
	"\t\telse\n"
	"\t\t\tline+=(\"$word\") place+=(\"$i\")\n"
	"\t\tfi\n"
	"\tdone\n"
	"\ttyped=${line[${#line[@]} - 1]}\n"
	"\tfor ((i = 1; i < ${#line[@]} - 1; i++)); do\n"
	"\t\tword=${line[i]}\n"
	"\t\tif [[ $value ]]; then\n"
	"\t\t\tvalue=\n"
	"\t\telif ((i == 1)) && [[ $word == @(SUBCOMMANDS) ]]; then\n"
	"\t\t\tcommand=$word\n"
	"\t\telif [[ $word == -- ]]; then\n"
	"\t\t\t[[ $command != @(run|top) ]] || program=$((i + 1))\n"
	"\t\t\tbreak\n"
	"\t\telif [[ $word == -?* ]]; then\n"
	"\t\t\t_heaptrace_value \"$command:$word\"\n"
	"\t\t\tvalue=${needs:+$word}\n"
	"\t\telse\n"
	"\t\t\t((operands += 1))\n"
	"\t\t\t[[ $command != run ]] || { program=$i; break; }\n"
	"\t\tfi\n"
	"\tdone\n"
	"\tif [[ $program ]]; then\n"
	"\t\t_heaptrace_program \"${place[program]}\"\n"
	"\telif [[ $value ]]; then\n"
	"\t\t_heaptrace_value \"$command:$value\"\n"
	"\t\t_heaptrace_answer \"$typed\"\n"
	"\telif [[ $typed == --*=* ]]; then\n"
	"\t\t_heaptrace_value \"$command:${typed%%=*}\"\n"
	"\t\t[[ $COMP_WORDBREAKS == *=* ]] || prefix=${typed%%=*}=\n"
	"\t\t_heaptrace_answer \"${typed#*=}\"\n"
	"\t\t[[ ! $prefix ]] || COMPREPLY=(\"${COMPREPLY[@]/#/$prefix}\")\n"
	"\telif [[ $typed == -* ]]; then\n"
	"\t\t_heaptrace_flags \"$command\"\n"
	"\t\tCOMPREPLY=($(compgen -W \"$flags\" -- \"$typed\"))\n"
	"\t\t[[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace 2>/dev/null\n"
	"\telse\n"
	"\t\t_heaptrace_operand \"$command\"\n"
	"\t\tif [[ $kind == program ]]; then\n"
	"\t\t\t_heaptrace_program \"${place[${#line[@]} - 1]}\"\n"
	"\t\t\t((${#line[@]} > 2)) || COMPREPLY+=($(compgen -W 'NAMES' -- \"$typed\"))\n"
	"\t\telif [[ $kind == control ]]; then\n"
	"\t\t\tkind=process\n"
	"\t\t\t((operands == 0)) || kind=word words='CONTROLS'\n"
	"\t\t\t_heaptrace_answer \"$typed\"\n"
	"\t\telif [[ $kind == snapshot || $operands == 0 ]]; then\n"
	"\t\t\t_heaptrace_answer \"$typed\"\n"
	"\t\tfi\n"
	"\tfi\n"
	"}\n"
	"\n"
	"complete -F _heaptrace heaptrace\n";

void completion_bash(void)
{
	puts("# bash completion for heaptrace, made from its table of options\n");
	put_values();
	put_flags();
	put_operands();
	for (const char *c = body; *c; c++) {
		if (strncmp(c, "SUBCOMMANDS", 11) == 0)
			put_subcommands("|"), c += 10;
		else if (strncmp(c, "NAMES", 5) == 0)
			put_subcommands(" "), c += 4;
		else if (strncmp(c, "CONTROLS", 8) == 0)
			fputs(completed_controls, stdout), c += 7;
		else
			putchar(*c);
	}
}
