// SPDX-License-Identifier: MIT

/*
 * `heaptrace report FILE.htrace`: render a snapshot, or the segment file of a program that runs with the library alone.
 * Reports go to stdout, or to --outfile. `heaptrace export` is the same for the formats that are not for people.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "memory.h"
#include "options.h"
#include "output.h"
#include "report.h"
#include "rules.h"
#include "snapshot.h"

/** All processes of a file. */
struct models {
	struct model **models;
	size_t count;
};

static const char *command = "report";

static int complain(const char *text)
{
	fprintf(stderr, "heaptrace %s: %s\n", command, text);
	return EXIT_HEAPTRACE;
}

static int make_models(struct models *models, const struct snapshot *snapshot, struct error *error)
{
	size_t count = snapshot_processes(snapshot, NULL, 0);
	uint32_t *numbers = memory_zeroed(count, sizeof(*numbers));

	snapshot_processes(snapshot, numbers, count);
	models->models = memory_zeroed(count, sizeof(*models->models));
	for (; models->count < count; models->count++) {
		models->models[models->count] = snapshot_model(snapshot, numbers[models->count], NULL, error);
		if (!models->models[models->count])
			break;
	}
	free(numbers);
	return models->count == count ? 0 : -1;
}

static void free_models(struct models *models)
{
	for (size_t i = 0; i < models->count; i++)
		model_free(models->models[i]);
	free(models->models);
}

/** Whether the figures are those of the process's end. */
static bool has_ended(const struct model *model)
{
	if (model->host.how_it_ended[0])
		return strcmp(model->host.how_it_ended, "running") != 0;
	return (model->process_flags & HT_PROCESS_FINISHED) != 0;
}

static int write_text(FILE *out, const struct models *models, const struct options *options, bool terminal)
{
	for (size_t i = 0; i < models->count; i++) {
		struct report_occasion occasion = { .final = has_ended(models->models[i]), .terminal = terminal };

		occasion.reason = models->models[i]->host.how_it_ended[0] ? "it was running" : "its end was not seen";
		if (report_text(out, models->models[i], options, &occasion) < 0)
			return -1;
	}
	return 0;
}

static int write_report(FILE *out, const struct models *models, const struct options *options, bool terminal)
{
	if (options->format != FORMAT_TEXT)
		return report_document(out, models->models, models->count, options);
	return write_text(out, models, options, terminal);
}

static int write_stdout(const struct models *models, const struct options *options)
{
	errno = 0;
	if (!write_report(stdout, models, options, isatty(STDOUT_FILENO)) && !fflush(stdout))
		return 0;
	fprintf(stderr, "heaptrace %s: the report can not be written to stdout: %s\n", command,
		errno ? strerror(errno) : "write error");
	return EXIT_HEAPTRACE;
}

static int write_file(const struct models *models, const struct options *options, const struct output *output)
{
	struct output_names names = { 0 };
	const struct model *first = models->models[0];
	const char *path = output->stream >= 0 ? "the stream" : output_name(&names, output, first->pid, first->name);
	char *text = NULL;
	size_t size = 0;
	FILE *memory = open_memstream(&text, &size);
	bool terminal = output->stream >= 0 && isatty(output->stream);
	int failed = !memory || write_report(memory, models, options, terminal);

	if (memory && fclose(memory))
		failed = -1;
	if (!failed)
		failed = output->stream >= 0 ? output_stream(output->stream, text, size) : output_replace(path, text, size);
	if (failed)
		fprintf(stderr, "heaptrace %s: the report can not be written to %s: %s; give another --outfile\n", command,
			path, strerror(errno));
	free(text);
	output_names_free(&names);
	return failed ? EXIT_HEAPTRACE : 0;
}

static int deliver(const struct models *models, const struct options *options)
{
	struct output output = { .stream = -1 };
	char text[512], *directory;
	int status;

	if (!options->outfile || !strcmp(options->outfile, "-"))
		return write_stdout(models, options);
	directory = getcwd(NULL, 0);
	status = output_prepare(&output, options->outfile, directory ? directory : "/", "--outfile", text, sizeof(text));
	free(directory);
	if (status)
		return complain(text);
	status = write_file(models, options, &output);
	free(output.pattern);
	return status;
}

static int check_rules(const struct options *options)
{
	struct error error;
	struct rules *rules = options->ignore ? rules_read(options->ignore, &error) : NULL;

	if (options->ignore && !rules)
		return complain(error.text);
	rules_free(rules);
	return 0;
}

static int report_file(const char *path, const struct options *options)
{
	struct models models = { 0 };
	struct error error;
	struct snapshot *snapshot = snapshot_open(path, &error);
	int status;

	if (!snapshot)
		return complain(error.text);
	status = make_models(&models, snapshot, &error);
	snapshot_close(snapshot);
	status = status ? complain(error.text) : deliver(&models, options);
	free_models(&models);
	return status;
}

/** Bytes that nobody can read do not belong on a terminal. */
static bool is_for_nobody(const struct options *options)
{
	bool to_stdout = !options->outfile || !strcmp(options->outfile, "-");

	return options->format == FORMAT_PPROF && to_stdout && isatty(STDOUT_FILENO);
}

static int check_operands(enum option_scope scope, const struct options *options, int count)
{
	if (scope == SCOPE_EXPORT && options->format == FORMAT_TEXT)
		return complain("no format for another program was given; use --format= with collapsed, json, pprof, heap_v2, "
				"speedscope, dhat or csv (text is what 'heaptrace report' prints)");
	if (count < 1)
		return complain(scope == SCOPE_EXPORT ?
				"no FILE was given; name the snapshot: heaptrace export --format=NAME FILE.htrace" :
				"no FILE was given; name the snapshot: heaptrace report FILE.htrace");
	if (count > 1)
		return complain("more than one FILE was given; give one snapshot (FILE.htrace)");
	if (is_for_nobody(options))
		return complain("pprof's format is not for a terminal; use --outfile=FILE or a pipe");
	return check_rules(options);
}

static int run(enum option_scope scope, int argc, char **argv)
{
	struct options options;
	char error[512];
	int next = 0, status;

	options_defaults(&options);
	switch (options_parse(&options, scope, argc, argv, &next, error, sizeof(error))) {
	case OPTIONS_HELP:
		options_help(scope);
		return 0;
	case OPTIONS_VERSION:
		puts("heaptrace " HT_RELEASE);
		return 0;
	case OPTIONS_ERROR:
		return complain(error);
	default:
		break;
	}
	status = check_operands(scope, &options, argc - next);
	return status ? status : report_file(argv[next], &options);
}

int report_command(int argc, char **argv)
{
	return run(SCOPE_REPORT, argc, argv);
}

int export_command(int argc, char **argv)
{
	command = "export";
	return run(SCOPE_EXPORT, argc, argv);
}
