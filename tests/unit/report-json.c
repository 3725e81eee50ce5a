// SPDX-License-Identifier: MIT

/* The JSON report: the fields, and validity whatever the strings hold. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../tools/report.h"
#include "../lib/build_segment.h"
#include "../lib/tap.h"
#include "../lib/rendered.h"

static char *render_named(const char *name)
{
	char *command[] = { (char *)name, NULL };
	struct model model = { .command = command, .command_count = 1, .name = "x" }, *models[] = { &model };

	return rendered(models, 1, FORMAT_JSON, NULL);
}

static void escapes_strings(void)
{
	const char *const cases[][2] = {
		{ "a\"b\\c", "\"a\\\"b\\\\c\"" }, { "\n\t\x01\x7f", "\"\\u000a\\u0009\\u0001\\u007f\"" },
		{ "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"" },
		{ "a\xff" "b", "\"a\\ufffdb\"" }, { "\xc3", "\"\\ufffd\"" }, { "\xe2\x82", "\"\\ufffd\\ufffd\"" },
		{ "\xc0\x80", "\"\\ufffd\\ufffd\"" }, { "\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"" },
		{ "\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"" }, { "\xe0\x80\xaf", "\"\\ufffd\\ufffd\\ufffd\"" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char expected[128], *text = render_named(cases[i][0]);

		snprintf(expected, sizeof(expected), "\"command\":[%s]", cases[i][1]);
		has(text, expected, "string %zu", i);
		free(text);
	}
}

static void holds_every_field(void)
{
	struct built built = build_seed();
	struct host_facts host = { .pid = 4711, .how_it_ended = "signal:SIGSEGV", .end_ns = 5000000000 };
	struct model *models[] = { build_model(&built, 1, &host), build_model(&built, 2, NULL) };
	char *text = rendered(models, 2, FORMAT_JSON, NULL);

	has(text, "{\"version\":1,\"heaptrace\":\"" HT_RELEASE "\",\"command\":[\"/usr/bin/seed\",\"--flag\",\"a b\"],"
	    "\"processes\":[\n{\"pid\":4711,\"ppid\":1,", "the head");
	has(text, "\"how_it_ended\":\"signal:SIGSEGV\",\"started_ns\":0,\"duration_ns\":5000000000,", "its life");
	has(text, "\"totals\":{\"allocations\":200,\"frees\":80,", "totals");
	has(text, "\"unseen\":{\"nested_allocations\":0,\"inherited_frees\":0,\"table_full\":0,\"corrupt_records\":0,"
	    "\"recording_stopped\":false,\"untraced_children\":[]}", "what was not seen");
	has(text, "\"unnamed_modules\":[{\"module\":\"/usr/bin/seed\",\"build_id\":\"0102030405060708\","
	    "\"reason\":\"file is gone\"},", "modules without names, and why");
	has(text, "\"peak_bound\":{\"blocks\":0,\"bytes\":12288}", "the peak's bound");
	has(text, "{\"live_blocks\":5,\"live_bytes\":50,\"peak_blocks\":5,\"peak_bytes\":50,\"at_peak_blocks\":5,"
	    "\"at_peak_bytes\":50,\"total_blocks\":5,\"total_bytes\":50,\"first_ns\":1000,\"last_ns\":1000,"
	    "\"truncated\":false,\"frames\":[{\"address\":\"0x7ffff7f9f000\",\"module\":null,\"build_id\":null,"
	    "\"offset\":null,\"function\":\"malloc\",\"file\":null,\"line\":null,\"inlined\":false},"
	    "{\"address\":\"0x7f0000001000\",\"module\":\"/lib/libseed.so.1\",\"build_id\":\"6162636465666768\","
	    "\"offset\":\"0x1000\",\"function\":null,\"file\":null,\"line\":null,\"inlined\":false}", "a backtrace");
	has(text, "\"how_it_ended\":null", "an end that nobody saw is null");
	free(text);
	model_free(models[0]);
	model_free(models[1]);
	build_free(&built);
	text = rendered(NULL, 0, FORMAT_JSON, NULL);
	is_str(text, "{\"version\":1,\"heaptrace\":\"" HT_RELEASE "\",\"command\":[],\"processes\":[\n]}\n", "no process at all");
	free(text);
}

static int fails_to_write(void)
{
	struct built built = build_seed();
	struct model *model = build_model(&built, 1, NULL);
	struct options options;
	FILE *full = fopen("/dev/full", "w");
	int status;

	options_defaults(&options);
	status = report_json(full, &model, 1, &options);
	fclose(full);
	model_free(model);
	build_free(&built);
	return status;
}

int main(void)
{
	escapes_strings();
	holds_every_field();
	is_int(fails_to_write(), -1, "a full device is told");
	return tap_done();
}
