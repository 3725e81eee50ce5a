// SPDX-License-Identifier: MIT

/*
 * A report is made in memory, then written at once: a program that writes to the same stderr cannot come between, and
 * a full disk leaves all or nothing.
 */

#include "render.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "filter.h"
#include "gate.h"
#include "host_facts.h"
#include "memory.h"
#include "output.h"
#include "tree.h"

/** A report's text. */
struct text {
	char *bytes;
	size_t size;
	FILE *file;
};

static int fail(const char *what, const char *why)
{
	fprintf(stderr, "[heaptrace] %s: %s\n", what, why);
	return -1;
}

static int text_open(struct text *text)
{
	text->file = open_memstream(&text->bytes, &text->size);
	return text->file ? 0 : fail("no report", strerror(errno));
}

static int text_close(struct text *text)
{
	bool failed = ferror(text->file);
	return fclose(text->file) || failed ? fail("no report", "out of memory") : 0;
}

/** Put the text where the report goes. */
static int deliver(const struct render *render, const struct text *text)
{
	int result;
	if (render->stream >= 0)
		result = output_stream(render->stream, text->bytes, text->size);
	else if (render->append)
		result = output_append(render->path, text->bytes, text->size);
	else
		result = output_replace(render->path, text->bytes, text->size);
	if (!result)
		return 0;
	int error = errno;
	fprintf(stderr, "[heaptrace] the report cannot be written to %s: %s; name another file with --outfile\n",
		render->stream < 0 ? render->path : "the output", strerror(error));
	return -1;
}

static struct snapshot *open_segment(const struct render *render)
{
	struct error error;
	struct snapshot *snapshot = render->segment >= 0 ? snapshot_read(render->segment, "the segment", &error)
							 : snapshot_open(render->snapshot, &error);
	if (!snapshot)
		fail("no report", error.text);
	return snapshot;
}

/** The facts with the moment of the figures filled in. */
static const struct host_facts *dated_facts(const struct render *render, const struct snapshot *snapshot,
					    struct host_facts *facts)
{
	if (!render->facts)
		return NULL;
	*facts = *render->facts;
	if (!facts->taken_ns)
		facts->taken_ns = monotonic_ns() - snapshot_header(snapshot)->start_ns;
	return facts;
}

static struct model *make_model(const struct render *render, const struct snapshot *snapshot)
{
	struct error error;
	struct host_facts facts;
	struct model *model = snapshot_model(snapshot, render->number, dated_facts(render, snapshot, &facts), &error);
	if (!model)
		fail("no report", error.text);
	if (model && !render->options->by_thread && filter_lacks_threads(model, render->options, &error)) {
		fail("no report", error.text);
		model_free(model);
		return NULL;
	}
	return model;
}

static void note_for_tree(const char *path, const struct model *model, const struct totals *totals, bool reported)
{
	struct tree_process process;
	tree_fill(&process, model, totals);
	process.reported = reported;
	tree_append(path, &process); /* where that fails there is a line less */
}

static int write_report(FILE *file, const struct render *render, struct model *model)
{
	struct report_occasion occasion = render->occasion;
	occasion.terminal = render->stream >= 0 && isatty(render->stream);
	if (render->options->format != FORMAT_TEXT)
		return report_document(file, &model, 1, render->options);
	struct totals totals;
	occasion.totals = &totals;
	int status = report_text(file, model, render->options, &occasion);
	if (render->tree)
		note_for_tree(render->tree, model, &totals, status == 0);
	return status < 0 ? -1 : 0;
}

static int make_report(const struct render *render, const struct snapshot *snapshot)
{
	struct text text = {0};
	struct model *model = make_model(render, snapshot);
	if (!model)
		return -1;
	int result = text_open(&text);
	if (!result) {
		result = write_report(text.file, render, model);
		result = text_close(&text) || result ? -1 : deliver(render, &text);
	}
	if (render->occasion.final)
		gate_check(render->options, model);
	free(text.bytes);
	model_free(model);
	return result;
}

static int save_snapshot(const struct render *render, const struct snapshot *snapshot, const char *path)
{
	struct error error;
	struct host_facts none = {0}, facts;
	const struct host_facts *known = dated_facts(render, snapshot, &facts);
	if (snapshot_save(snapshot, &render->number, known ? known : &none, 1, path, &error))
		return fail("no snapshot", error.text);
	return 0;
}

int render_process(const struct render *render)
{
	int result = 0;
	struct snapshot *snapshot = open_segment(render);
	if (!snapshot)
		return -1;
	if (render->stream >= 0 || render->path)
		result = make_report(render, snapshot);
	if (render->save && save_snapshot(render, snapshot, render->save))
		result = -1;
	if (render->save_too && save_snapshot(render, snapshot, render->save_too))
		result = -1;
	snapshot_close(snapshot);
	return result;
}

int render_tree(const char *records, int stream, const char *path)
{
	struct tree_process *processes;
	struct render render = {.stream = stream, .path = path, .append = true};
	struct text text = {0};
	size_t count = tree_read(records, &processes);
	int result = 0;
	if (tree_is_wanted(processes, count) && (stream >= 0 || path)) {
		result = text_open(&text);
		if (!result) {
			tree_print(text.file, processes, count);
			result = text_close(&text) ? -1 : deliver(&render, &text);
		}
	}
	free(text.bytes);
	free(processes);
	return result;
}

/** The models of all that can be read. @return how many */
static size_t make_models(const struct render *renders, size_t count, struct model **models)
{
	size_t made = 0;
	for (size_t i = 0; i < count; i++) {
		struct snapshot *snapshot = open_segment(&renders[i]);
		models[made] = snapshot ? make_model(&renders[i], snapshot) : NULL;
		made += models[made] != NULL;
		if (snapshot)
			snapshot_close(snapshot);
	}
	return made;
}

int render_document(const struct render *renders, size_t count)
{
	struct text text = {0};
	struct model **models = memory_zeroed(count + 1, sizeof(*models));
	const struct options *options = renders->options;
	size_t made = make_models(renders, count, models);
	int result = text_open(&text);
	if (!result) {
		result = report_document(text.file, models, made, options);
		result = text_close(&text) || result ? -1 : deliver(renders, &text);
	}
	free(text.bytes);
	for (size_t i = 0; i < made; i++) {
		gate_check(options, models[i]);
		model_free(models[i]);
	}
	free(models);
	return result || made < count ? -1 : 0;
}
