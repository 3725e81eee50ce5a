// SPDX-License-Identifier: MIT

/*
 * `heaptrace diff A.htrace B.htrace [C.htrace...]`: what grew between snapshots.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "deliver.h"
#include "diff.h"
#include "report_common.h"

static int complain(const char *text)
{
	fprintf(stderr, "heaptrace diff: %s\n", text);
	return EXIT_HEAPTRACE;
}

/** @return 0, or the exit code after a message; diff->file_count is what was read */
static int read_files(struct diff *diff, char **paths, size_t count)
{
	struct error error;

	diff->files = memory_zeroed(count, sizeof(*diff->files));
	for (; diff->file_count < count; diff->file_count++) {
		struct diff_file *file = &diff->files[diff->file_count];

		file->path = file->label = paths[diff->file_count];
		if (models_read(&file->models, file->path, &error))
			return complain(error.text);
	}
	return 0;
}

/** Marks what rules and filters leave out, in all files. */
static int apply_rules(struct diff *diff)
{
	struct error error;
	struct rules *rules = diff->options->ignore ? rules_read(diff->options->ignore, &error) : NULL;
	struct figures figures;

	if (diff->options->ignore && !rules)
		return complain(error.text);
	rules_free(rules);
	for (size_t i = 0; i < diff->file_count; i++) {
		for (size_t j = 0; j < diff->files[i].models.count; j++)
			rules_free(figures_make(&figures, diff->files[i].models.models[j], diff->options));
	}
	return 0;
}

static const struct model *first_model(const struct diff *diff, size_t file)
{
	return diff->files[file].models.models[0];
}

/** The programs that were traced: said if they are not the same. */
static void note_programs(struct diff *diff)
{
	for (size_t i = 1; i < diff->file_count; i++) {
		if (strcmp(first_model(diff, 0)->name, first_model(diff, i)->name) != 0) {
			diff_note(diff, memory_format("different programs: %s is of %s, %s is of %s; compared by the backtraces "
						      "that both have", diff->files[0].path, first_model(diff, 0)->name,
						      diff->files[i].path, first_model(diff, i)->name));
			return;
		}
	}
}

/** Whether two snapshots are of one process at two times. */
static bool is_same_process(const struct model *a, const struct model *b)
{
	return a->start_wall == b->start_wall && a->start_ns == b->start_ns && a->pid == b->pid;
}

/** Times of one process can be compared; otherwise a snapshot's number is its time. */
static void find_times(struct diff *diff)
{
	bool ascending = true;

	diff->same_run = true;
	for (size_t i = 1; i < diff->file_count; i++) {
		diff->same_run &= is_same_process(first_model(diff, 0), first_model(diff, i));
		ascending &= first_model(diff, i)->now_ns > first_model(diff, i - 1)->now_ns;
	}
	if (diff->same_run && !ascending) {
		diff_note(diff, memory_copy_string("the snapshots are of one process, but not in the order of their times"));
		diff->same_run = false;
	}
	for (size_t i = 0; i < diff->file_count; i++) {
		diff->files[i].taken_ns = first_model(diff, i)->now_ns;
		diff->files[i].time = diff->same_run ? (double)diff->files[i].taken_ns / 1e9 : (double)i;
	}
}

static int deliver_diff(struct diff *diff)
{
	const struct options *options = diff->options;
	const struct model *last = first_model(diff, diff->file_count - 1);
	deliver_writer *write = options->format == FORMAT_JSON ? diff_json :
				options->format == FORMAT_COLLAPSED ? diff_collapsed :
				options->format == FORMAT_HTML ? diff_html : diff_text;

	note_programs(diff);
	find_times(diff);
	diff_make(diff);
	return deliver("diff", options, last, write, diff);
}

static int run(const struct options *options, char **paths, size_t count)
{
	struct diff diff = { .options = options };
	int status = read_files(&diff, paths, count);

	if (!status)
		status = apply_rules(&diff);
	if (!status)
		status = deliver_diff(&diff);
	diff_free(&diff);
	for (size_t i = 0; i < diff.file_count; i++)
		models_free(&diff.files[i].models);
	free(diff.files);
	return status;
}

int diff_command(int argc, char **argv)
{
	struct options options;
	int next = 0;

	int status = command_options(&options, SCOPE_DIFF, argc, argv, &next);
	if (status != GO_ON)
		return status;
	if (options.format > FORMAT_JSON && options.format != FORMAT_HTML)
		return complain("a difference is text, html, collapsed or json; other formats hold one snapshot (heaptrace export)");
	if ((!options.outfile || !strcmp(options.outfile, "-")) && report_spoils_terminal(options.format, STDOUT_FILENO))
		return complain(REPORT_SPOILS_TERMINAL);
	if (argc - next < 2)
		return complain("two snapshots are needed; name them, the older one first: heaptrace diff A.htrace B.htrace");
	return run(&options, argv + next, (size_t)(argc - next));
}
