// SPDX-License-Identifier: MIT

/* Filters over a model made by hand: by caller, by functions, by size and age; and that they can be taken back. */

#include "../../tools/filter.h"
#include "../../tools/report_common.h"
#include "../lib/tap.h"

static struct module program = { .path = "/opt/app/bin/server" }, library = { .path = "/usr/lib/libparse.so.2", .bias = 0x1000 };
static struct frame_name names[][2] = {
	{ { .function = "main" } },
	{ { .function = "xmalloc" } },
	{ { .function = "parse_inner", .inlined = true }, { .function = "parse" } },
	{ { .function = "serve" } },
	{ { .function = NULL } },
};
#define FRAMES 5
static const struct thread threads[] = { { .tid = 11, .name = "pool-1" }, { .tid = 12, .name = "pool-2" } };
static struct frame frames[FRAMES];

/* Innermost first. */
static struct frame *stacks[][3] = {
	{ &frames[1], &frames[2], &frames[0] }, /* xmalloc < parse < main */
	{ &frames[3], &frames[0] },             /* serve < main */
	{ &frames[4], &frames[3], &frames[0] }, /* libparse.so.2 (+0x234) < serve < main */
	{ &frames[1] },                         /* xmalloc, and nothing else */
};
#define BACKTRACES 4

/** A letter for each backtrace that is left: "abcd". */
static const char *left(const struct options *options)
{
	static char text[BACKTRACES + 1];
	static struct backtrace backtraces[BACKTRACES];
	static struct model model;
	struct figures figures;
	uint64_t bytes = 0;
	char *end = text;

	model = (struct model) { .frames = frames, .frame_count = FRAMES, .backtraces = backtraces, .now_ns = 10000,
				 .backtrace_count = BACKTRACES, .name = (char *)"server" };
	for (unsigned i = 0; i < FRAMES; i++)
		frames[i] = (struct frame) { .address = 0x1234, .module = i == 2 || i == 4 ? &library : &program,
					     .names = names[i], .name_count = i == 2 ? 2 : 1 };
	for (unsigned i = 0; i < BACKTRACES; i++) {
		backtraces[i] = (struct backtrace) { .frames = stacks[i], .depth = i == 1 ? 2 : i == 3 ? 1 : 3, .live_blocks = 1,
						     .live_bytes = 100u << i, .at_peak_bytes = 1000u >> i,
						     .total_bytes = 5000, .first_ns = 1000 * i,
						     .thread = i < 2 ? &threads[i] : NULL };
		model.totals.live_bytes += 100u << i;
		model.totals.live_blocks++;
	}
	rules_free(figures_make(&figures, &model, options));
	for (unsigned i = 0; i < BACKTRACES; i++) {
		if (!backtraces[i].ignored)
			*end++ = (char)('a' + i);
		bytes += backtraces[i].ignored ? 0 : backtraces[i].live_bytes;
	}
	*end = '\0';
	ok(figures.totals.live_bytes == bytes && figures.filtered.bytes == 1500 - bytes && figures.totals.live_blocks == strlen(text) &&
	   figures.filtered.backtraces == BACKTRACES - strlen(text) && !figures.ignored.backtraces, "the figures are those of %s",
	   *text ? text : "nothing");
	filter_undo(&model);
	for (unsigned i = 0; i < BACKTRACES; i++)
		bytes += backtraces[i].ignored || backtraces[i].filtered;
	ok(figures.totals.live_bytes == bytes, "nothing is marked any more");
	return text;
}

/** The same with options as a user writes them. */
static const char *with(const char *a, const char *b)
{
	char program_name[] = "heaptrace", one[64], two[64];
	static char error[256];
	char *arguments[] = { program_name, one, two, NULL };
	struct options options;
	int next;

	snprintf(one, sizeof(one), "%s", a);
	snprintf(two, sizeof(two), "%s", b ? b : "");
	options_defaults(&options);
	if (options_parse(&options, SCOPE_REPORT, b ? 3 : 2, arguments, &next, error, sizeof(error)) != OPTIONS_OK)
		return error;
	return left(&options);
}

static void by_names(void)
{
	is_str(with("--quiet", NULL), "abcd", "no filter");
	is_str(with("--from=parse", NULL), "ac", "who called the wrapper; a place stands for a name");
	is_str(with("--from=^parse_inner$", NULL), "a", "an inlined function, whole");
	is_str(with("--from=xmalloc", NULL), "d", "a wrapper is nobody's caller, but where there is nothing else");
	is_str(with("--from=main", "--from=serve"), "b", "one of two patterns is enough");
	is_str(with("--module=libparse", NULL), "ac", "the module of who called");
	is_str(with("--module=/opt/*/server$", NULL), "bd", "its path, with a star");
	is_str(with("--through=serve", NULL), "bc", "through");
	is_str(with("--through=libparse.so.2 (+0x234)", NULL), "c", "through a place without a name");
	is_str(with("--through=parse_inner", NULL), "a", "through an inlined function");
	is_str(with("--through=malloc", NULL), "abcd", "through the entry point");
	is_str(with("--not-through=serve", NULL), "ad", "not through");
	is_str(with("--not-through=serve", "--not-through=parse"), "d", "not through either");
	is_str(with("--through=main", "--not-through=serve"), "a", "through one and not the other");
	is_str(with("--through=main", "--module=libparse"), "ac", "filters of two kinds must both agree");
	is_str(with("--from=nothing_of_this_name", NULL), "", "nothing matches");
}

static void by_figures(void)
{
	is_str(with("--min-size=200", NULL), "bcd", "live bytes at least");
	is_str(with("--max-size=200", NULL), "ab", "at most");
	is_str(with("--min-size=200", "--max-size=400"), "bc", "between");
	is_str(with("--min-size=500", "--sort=at-peak"), "ab", "the bytes that the text is sorted by");
	is_str(with("--min-size=500", "--sort=count"), "d", "live ones where that is not bytes");
	is_str(with("--min-size=5k", "--sort=total,size"), "abcd", "the first key decides");
	is_str(with("--min-size=500", "--flame-graph=at-peak"), "ab", "the bytes that the picture shows");
	is_str(with("--min-age=8us", NULL), "abc", "seen first at least so long ago");
	is_str(with("--max-age=8us", NULL), "cd", "at most");
	is_str(with("--min-age=7.5us", "--max-age=9000ns"), "bc", "between");
}

static void by_thread(void)
{
	is_str(with("--thread=pool-1", NULL), "a", "the name of a thread");
	is_str(with("--thread=pool*", NULL), "ab", "with a star");
	is_str(with("--thread=pool", NULL), "", "not a part of it");
	is_str(with("--thread=12", "--thread=pool-1"), "ab", "a number");
	is_str(with("--thread=1", NULL), "", "not a part of that");
	is_str(with("--thread=*", NULL), "ab", "what no thread is known of passes for none");
}

static void refuses(void)
{
	has(with("--min-size=3", "--max-size=2"), "--min-size is more than --max-size", "sizes the wrong way round");
	has(with("--min-age=3s", "--max-age=2s"), "--min-age is more than --max-age", "ages the wrong way round");
	has(with("--min-age=3", NULL), "a time with its unit", "no unit");
	has(with("--min-age=s", NULL), "a time with its unit", "no number");
	has(with("--min-age=1.2.3s", NULL), "a time with its unit", "two dots");
	has(with("--min-age=-1s", NULL), "a time with its unit", "a sign");
	has(with("--min-age=1e9s", NULL), "a time with its unit", "an exponent");
	has(with("--min-age=9999999999999999999d", NULL), "285 years", "too long");
	has(with("--through=", NULL), "match everything", "an empty pattern");
	has(with("--through=^*$", NULL), "match everything", "one that matches all");
	is_str(with("--max-age=0.5h", "--min-age=0d"), "abcd", "other units");
}

int main(void)
{
	by_names();
	by_figures();
	by_thread();
	refuses();
	return tap_done();
}
