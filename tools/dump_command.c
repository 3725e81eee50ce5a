// SPDX-License-Identifier: MIT

/*
 * `heaptrace dump PID`: finds the run that traces PID, asks its collector for the segments and renders them here. The
 * program is not interrupted, and a slow terminal holds up nobody but us.
 */

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "inquiry.h"
#include "memory.h"
#include "output.h"
#include "procfs.h"
#include "render.h"

static int complain(const char *text)
{
	fprintf(stderr, "heaptrace dump: %s\n", text);
	return EXIT_HEAPTRACE;
}

static int render_all(const struct inquiry *inquiry, const struct options *options, const struct output *outfile,
		      const struct output *save)
{
	struct output_names names = {0}, saves = {0};
	struct render *renders = memory_zeroed(inquiry->count, sizeof(*renders));
	char *one_page = options->format == FORMAT_HTML ? output_one_name(outfile) : NULL;
	bool document = options->format != FORMAT_TEXT && (outfile->stream >= 0 || one_page);
	int result = 0;
	for (size_t i = 0; i < inquiry->count; i++) {
		const struct answer *dumped = &inquiry->answers[i];
		const char *(*name)(struct output_names *, const struct output *, pid_t, const char *) =
			i ? output_name_other : output_name;
		char program[64];
		procfs_name(dumped->facts.pid, program, sizeof(program));
		renders[i] = (struct render){
			.segment = dumped->segment,
			.number = dumped->number,
			.facts = &dumped->facts,
			.options = options,
			.occasion.reason = "heaptrace dump",
			.stream = document ? -1 : outfile->stream,
			.path = outfile->pattern && !document ? name(&names, outfile, dumped->facts.pid, program) : NULL,
			.save = save->pattern ? name(&saves, save, dumped->facts.pid, program) : NULL,
			.append = outfile->shared,
		};
	}
	for (size_t i = 0; i < inquiry->count; i++)
		result = render_process(&renders[i]) ? -1 : result;
	if (document) {
		renders->stream = outfile->stream;
		renders->path = one_page;
		result = render_document(renders, inquiry->count) ? -1 : result;
	}
	free(one_page);
	free(renders);
	output_names_free(&names);
	output_names_free(&saves);
	return result ? EXIT_HEAPTRACE : 0;
}

static int dump(const struct options *options, pid_t pid)
{
	char directory[PATH_MAX], error[1024];
	struct output outfile, save;
	struct inquiry inquiry = {.pid = pid, .flags = DUMP_HISTORY};
	if (!getcwd(directory, sizeof(directory)))
		strcpy(directory, "/");
	if (output_prepare(&outfile, options->outfile ? options->outfile : "-", directory, "outfile", error, sizeof(error)) ||
	    output_prepare(&save, options->save, directory, "save", error, sizeof(error)))
		return complain(error);
	if (report_spoils_terminal(options->format, outfile.stream))
		return complain(REPORT_SPOILS_TERMINAL);
	if (options->ignore && access(options->ignore, R_OK)) {
		snprintf(error, sizeof(error), "--ignore=%s cannot be read: %s; correct the name", options->ignore, strerror(errno));
		return complain(error);
	}
	bool found = inquiry_ask(&inquiry);
	if (found && inquiry.orphaned && !options->quiet)
		fprintf(stderr, "[heaptrace] the collector of this run has been killed or does not answer; these figures are out of the "
				"process's own segment, and nobody will report when it ends\n");
	if (found)
		return render_all(&inquiry, options, &outfile, &save);
	inquiry_explain(&inquiry, error, sizeof(error));
	return complain(error);
}

int dump_command(int argc, char **argv)
{
	struct options options;
	char error[512];
	int next;
	int status = command_options(&options, SCOPE_DUMP, argc, argv, &next);
	if (status != GO_ON)
		return status;
	if (next != argc - 1)
		return complain(next >= argc ? "which process? give its PID" : "one PID at a time");
	pid_t pid = inquiry_read_pid(argv[next], error, sizeof(error));
	return pid ? dump(&options, pid) : complain(error);
}
