// SPDX-License-Identifier: MIT

/*
 * `heaptrace report FILE.htrace`: render a snapshot, or the segment file of a program that runs with the library alone.
 * Reports go to stdout, or to --outfile. `heaptrace export` is the same for the formats that are not for people.
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "deliver.h"
#include "filter.h"
#include "models.h"
#include "options.h"
#include "report.h"
#include "rules.h"
#include "slices.h"
#include "stream.h"
#include "symbols.h"

static const char *command = "report";

static int complain(const char *text)
{
	fprintf(stderr, "heaptrace %s: %s\n", command, text);
	return EXIT_HEAPTRACE;
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

static int write_report(FILE *out, const void *what, const struct options *options, bool terminal)
{
	const struct models *models = what;

	if (options->format != FORMAT_TEXT)
		return report_document(out, models->models, models->count, options);
	return write_text(out, models, options, terminal);
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

static int write_stream(FILE *out, const void *what, const struct options *options, bool terminal)
{
	const struct stream *stream = what;

	return options->format == FORMAT_JSON ? stream_report_json(out, stream) : stream_report_text(out, stream, options);
}

static int report_stream(const char *path, const struct options *options)
{
	struct error error;
	struct stream *stream;
	int status;

	if (options->format != FORMAT_TEXT && options->format != FORMAT_JSON)
		return complain("a trace of heap_trace_init_tohost() is text or json; leave out the other --format");
	stream = stream_read(path, &error);
	if (!stream)
		return complain(error.text);
	if (stream->broken)
		fprintf(stderr, "heaptrace %s: %" PRIu64 " records of '%s' are broken; the report is of the others\n", command,
			stream->broken, path);
	if (options->format == FORMAT_TEXT && options->lines)
		symbols_name_all(stream->model, options);
	status = deliver(command, options, stream->model, write_stream, stream);
	stream_free(stream);
	return status;
}

static int report_file(const char *path, const struct options *options)
{
	struct models models;
	struct error error;
	int status;

	if (stream_is(path))
		return report_stream(path, options);
	if (options->events)
		return complain("only a trace of heap_trace_init_tohost() has events to be printed; leave out --print-events");

	if (models_read(&models, path, &error))
		return complain(error.text);
	if (filter_lacks_threads(models.models[0], options, &error))
		status = complain(error.text);
	else if (options->window)
		status = window_report(path, &models, options);
	else if (options->slices)
		status = slices_report(path, &models, options);
	else
		status = deliver(command, options, models.models[0], write_report, &models);
	models_free(&models);
	return status;
}

static int check_operands(enum option_scope scope, const struct options *options, int count)
{
	if (scope == SCOPE_EXPORT && options->format == FORMAT_TEXT)
		return complain("no format for another program was given; use --format= with html, collapsed, json, pprof, "
				"heap_v2, speedscope, dhat, massif or csv (text is what 'heaptrace report' prints)");
	if (options->window && options->slices)
		return complain("--slices lists the times, --window compares two of them; use one of both");
	if (options->window && options->format > FORMAT_JSON)
		return complain("a window is text, collapsed or json; other formats hold one moment");
	if (options->slices && options->format != FORMAT_TEXT && options->format != FORMAT_JSON)
		return complain("a list of slices is text or json; leave out the other --format");
	if (count < 1)
		return complain(scope == SCOPE_EXPORT ?
				"no FILE was given; name the snapshot: heaptrace export --format=NAME FILE.htrace" :
				"no FILE was given; name the snapshot: heaptrace report FILE.htrace");
	if (count > 1)
		return complain("more than one FILE was given; give one snapshot, or compare them: heaptrace diff A.htrace B.htrace");
	if ((!options->outfile || !strcmp(options->outfile, "-")) && report_spoils_terminal(options->format, STDOUT_FILENO))
		return complain(REPORT_SPOILS_TERMINAL);
	return check_rules(options);
}

static int run(enum option_scope scope, int argc, char **argv)
{
	struct options options;
	int next = 0, status;

	status = command_options(&options, scope, argc, argv, &next);
	if (status != GO_ON)
		return status;
	if (scope == SCOPE_EXPORT && options.format == FORMAT_COLLAPSED && argc - next > 1)
		return diff_command(argc, argv); /* a column for each snapshot */
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
