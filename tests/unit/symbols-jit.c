// SPDX-License-Identifier: MIT

/* Code that lies in no file: maps of JIT compilers, the vdso, anonymous memory. And symbols with and without a size. */

#include <elf.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../../tools/report_common.h"
#include "../../tools/symbols.h"
#include "../../tools/symbols_elf.h"
#include "../../tools/symbols_perf.h"
#include "../lib/naming.h"
#include "../lib/tap.h"

#define SECOND 1000000000ull

static char map_path[64];

static void write_map(const char *text)
{
	FILE *out = fopen(map_path, "w");

	fputs(text, out);
	fclose(out);
}

static struct model model_of_now(void)
{
	uint64_t now = (uint64_t)time(NULL) * SECOND;

	return (struct model) { .pid = 4000000 + getpid() % 1000, .start_wall = now - 100 * SECOND, .start_ns = 90 * SECOND,
				.now_ns = 101 * SECOND };
}

static void reads_perf_maps(void)
{
	struct model model = model_of_now();
	struct perf_map *map;
	uint64_t start = 0;

	snprintf(map_path, sizeof(map_path), "/tmp/perf-%d.map", model.pid);
	write_map("1000 100 first function\n1000 80 second\nnonsense\n\n2000 0 empty\n3000 10\nffffffffffffffff 10 wraps\n"
		  "1080 10 third\n4000 1000 around\n4100 10 inside\n");
	map = perf_map_read(&model);
	is_str(perf_map_find(map, 0x1010, &start), "second", "of two at one place the later one");
	is_str(perf_map_find(map, 0x1085, &start), "third", "an overlapping later one");
	is_str(perf_map_find(map, 0x10f0, &start), "first function", "what is left of the first; names may hold spaces");
	is_int(start, 0x1000, "where it begins");
	is_str(perf_map_find(map, 0x4105, &start), "inside", "one in another");
	is_str(perf_map_find(map, 0x4200, &start), "around", "and behind it");
	ok(!perf_map_find(map, 0x1100, &start), "no name behind the end");
	ok(!perf_map_find(map, 0x2000, &start) && !perf_map_find(map, 0, &start), "no name where nothing is");
	perf_map_free(map);
}

static void names_jit_frames(void)
{
	struct model model = model_of_now();
	struct frame frames[2] = { { .address = 0x1100 }, { .address = 0x9999 } };
	struct options options;
	char *place;

	options_defaults(&options);
	model.frames = frames;
	model.frame_count = 2;
	symbols_name_all(&model, &options);
	is_str(frames[0].names->function, "first function", "the byte in front of the return address counts");
	is_int(frames[0].names->offset, 0x100, "the offset is the return address's");
	ok(!frames[1].names->function, "anonymous code has no name");
	place = frame_place(&frames[1], false);
	is_str(place, "[anon]", "and says what it is");
	free(place);
	free(frames[0].names);
	free(frames[1].names);
	symbols_forget();
}

static void refuses_strange_maps(void)
{
	struct model model = model_of_now();
	char other[80];

	model.start_ns += 60 * SECOND;
	model.now_ns += 60 * SECOND;
	ok(!perf_map_read(&model), "a map from before the process is another's");
	model = model_of_now();
	model.now_ns = model.start_ns + 1;
	model.start_wall -= 60 * SECOND;
	ok(!perf_map_read(&model), "a map from after its end as well");
	model = model_of_now();
	snprintf(other, sizeof(other), "%s.real", map_path);
	rename(map_path, other);
	ok(symlink(other, map_path) == 0 && !perf_map_read(&model), "a link is not followed");
	unlink(other);
	unlink(map_path);
	ok(!perf_map_read(&model), "no map, no names");
}

static void names_the_vdso(void)
{
	struct elf_file *file = elf_file_vdso();
	struct symbol_table *table;
	struct module module = { .flags = HT_MODULE_VDSO, .path = "linux-vdso.so.1", .bias = 0x1000 };
	struct frame frame = { .address = 0x1234, .module = &module };
	char *place = frame_place(&frame, false);

	is_str(place, "[vdso] (+0x234)", "an address in the vdso says so");
	free(place);
	if (!file) {
		skip("the vdso's symbols", "this kernel gives none");
		return;
	}
	table = symbol_table_new();
	symbol_table_add(table, file);
	symbol_table_sort(table);
	ok(!symbol_table_is_empty(table), "the vdso has symbols");
	symbol_table_free(table);
	elf_file_close(file);
}

static void obeys_sizes(void)
{
	static const char source[] =
		".text\n.globl sized, around, inside, alias, __alias\n.type sized,@function\n.type around,@function\n"
		".type inside,@function\n.type alias,@function\n.type __alias,@function\n"
		"base: .skip 16\nsized: .skip 16\n.size sized, 16\n.skip 16\n"  /* 0 base, 0x10 sized, 0x20 nothing */
		"sizeless: .skip 16\n"                                        /* 0x30 */
		"around: .skip 16\ninside: .skip 16\n.size inside, 16\n.skip 16\n.size around, 48\n" /* 0x40, 0x50 */
		"alias: __alias: .skip 16\n.size alias, 16\n.size __alias, 16\n" /* 0x70 */
		".L1: .skip 4\n.data\ndatum: .skip 16\n";
	const struct {
		uint64_t address;
		const char *name;
		uint64_t start;
	} cases[] = {
		{ 0x00, "base", 0 }, { 0x0f, "base", 0 }, { 0x10, "sized", 0x10 }, { 0x1f, "sized", 0x10 }, { 0x20, NULL, 0 },
		{ 0x2f, NULL, 0 }, { 0x30, "sizeless", 0x30 }, { 0x3f, "sizeless", 0x30 }, { 0x40, "around", 0x40 },
		{ 0x50, "inside", 0x50 }, { 0x5f, "inside", 0x50 }, { 0x60, "around", 0x40 }, { 0x6f, "around", 0x40 },
		{ 0x70, "alias", 0x70 }, { 0x80, NULL, 0 }, { 0x100000, NULL, 0 },
	};
	char directory[] = "/tmp/sizes.XXXXXX", path[64];
	struct symbol_table *table;
	struct elf_file *file;
	FILE *out;

	if (!naming_have("gcc") || !mkdtemp(directory)) {
		skip("sizes of symbols", "gcc is missing");
		return;
	}
	snprintf(path, sizeof(path), "%s/a.s", directory);
	out = fopen(path, "w");
	fputs(source, out);
	fclose(out);
	ok(naming_run(directory, "gcc -nostdlib -shared -Wl,-Ttext=0x10000 -o a.so a.s"), "symbols in assembler");
	snprintf(path, sizeof(path), "%s/a.so", directory);
	file = elf_file_open(path);
	table = symbol_table_new();
	symbol_table_add(table, file);
	symbol_table_sort(table);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t start = 0x10000;
		const char *name = symbol_table_find(table, 0x10000 + cases[i].address, &start);

		is_str(name, cases[i].name, "0x%lx is in %s", (unsigned long)cases[i].address, cases[i].name ? cases[i].name : "nothing");
		is_int(start, 0x10000 + cases[i].start, "which begins there");
	}
	symbol_table_free(table);
	elf_file_close(file);
	naming_run(directory, "find . -mindepth 1 -delete");
	rmdir(directory);
}

static int find_bias(struct dl_phdr_info *info, size_t size, void *bias)
{
	*(uint64_t *)bias = info->dlpi_addr;
	return 1;
}

/** This very program, whose file the model says is elsewhere: reached through /proc while it runs. */
static void names_a_replaced_program(void)
{
	struct fixture fixture;
	struct options options;
	uint64_t bias = 0;
	char *text;

	dl_iterate_phdr(find_bias, &bias);
	options_defaults(&options);
	options.lines = false;
	naming_identify(&fixture, "/nonexistent/program", "/proc/self/exe");
	fixture.module.flags = HT_MODULE_MAIN;
	text = naming_describe(&fixture, (uint64_t)(uintptr_t)obeys_sizes + 1, bias, &options);
	is_str(text, "?", "a program that is gone has no names");
	is_str(fixture.module.remark, "file is gone", "and why");
	free(text);
	symbols_forget();
	fixture.model.pid = getpid();
	text = naming_describe(&fixture, (uint64_t)(uintptr_t)obeys_sizes + 1, bias, &options);
	is_str(text, "obeys_sizes", "but while it runs, its file can be reached");
	free(text);
	symbols_forget();
}

int main(void)
{
	reads_perf_maps();
	names_jit_frames();
	refuses_strange_maps();
	names_the_vdso();
	obeys_sizes();
	names_a_replaced_program();
	return tap_done();
}
