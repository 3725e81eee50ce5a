// SPDX-License-Identifier: MIT

/* Where subcommands put what they make: see deliver.h. */

#include "deliver.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "output.h"

/** One delivery. */
struct delivery {
	const char *command;
	const struct options *options;
	const struct model *first;
	deliver_writer *write;
	const void *what;
};

static int write_stdout(const struct delivery *delivery)
{
	errno = 0;
	if (!delivery->write(stdout, delivery->what, delivery->options, isatty(STDOUT_FILENO)) && !fflush(stdout))
		return 0;
	fprintf(stderr, "heaptrace %s: the report can not be written to stdout: %s\n", delivery->command,
		errno ? strerror(errno) : "write error");
	return EXIT_HEAPTRACE;
}

static int write_file(const struct delivery *delivery, const struct output *output)
{
	struct output_names names = { 0 };
	const struct model *first = delivery->first;
	const char *path = output->stream >= 0 ? "the stream" : output_name(&names, output, first->pid, first->name);
	char *text = NULL;
	size_t size = 0;
	FILE *memory = open_memstream(&text, &size);
	bool terminal = output->stream >= 0 && isatty(output->stream);
	int failed = !memory || delivery->write(memory, delivery->what, delivery->options, terminal);

	if (memory && fclose(memory))
		failed = -1;
	if (!failed)
		failed = output->stream >= 0 ? output_stream(output->stream, text, size) : output_replace(path, text, size);
	if (failed)
		fprintf(stderr, "heaptrace %s: the report can not be written to %s: %s; give another --outfile\n",
			delivery->command, path, strerror(errno));
	free(text);
	output_names_free(&names);
	return failed ? EXIT_HEAPTRACE : 0;
}

int deliver(const char *command, const struct options *options, const struct model *first, deliver_writer *write,
	    const void *what)
{
	struct delivery delivery = { command, options, first, write, what };
	struct output output = { .stream = -1 };
	char text[512], *directory;
	int status;

	bool to_stdout = !options->outfile || !strcmp(options->outfile, "-");
	directory = getcwd(NULL, 0);
	status = output_prepare(&output, to_stdout ? "-" : options->outfile, directory ? directory : "/", "outfile", text,
				sizeof(text));
	free(directory);
	if (status) {
		fprintf(stderr, "heaptrace %s: %s\n", command, text);
		return EXIT_HEAPTRACE;
	}
	status = to_stdout ? write_stdout(&delivery) : write_file(&delivery, &output);
	free(output.pattern);
	return status;
}
