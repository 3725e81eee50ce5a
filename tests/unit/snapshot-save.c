// SPDX-License-Identifier: MIT

/* A saved snapshot says the same as the segment did, is small, and is there whole or not at all. */

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../tools/snapshot.h"
#include "../lib/build_segment.h"
#include "../lib/tap.h"

static char directory[] = "/tmp/saves.XXXXXX";

static size_t files_in_directory(void)
{
	DIR *dir = opendir(directory);
	size_t count = 0;

	while (dir && readdir(dir))
		count++;
	closedir(dir);
	return count - 2;
}

static bool same_backtraces(const struct model *a, const struct model *b)
{
	if (a->backtrace_count != b->backtrace_count)
		return false;
	for (size_t i = 0; i < a->backtrace_count; i++) {
		const struct backtrace *x = &a->backtraces[i], *y = &b->backtraces[i];

		if (x->live_bytes != y->live_bytes || x->total_blocks != y->total_blocks || x->depth != y->depth ||
		    x->first_ns != y->first_ns || x->at_peak_bytes != y->at_peak_bytes || x->entry != y->entry)
			return false;
		for (unsigned j = 0; j < x->depth; j++) {
			if (x->frames[j]->address != y->frames[j]->address ||
			    strcmp(x->frames[j]->module->path, y->frames[j]->module->path) != 0)
				return false;
		}
	}
	return true;
}

static void says_the_same(void)
{
	struct built built = build_seed();
	struct snapshot *before = build_read(&built), *after;
	char *reason = strdup("it is\nsetuid");
	struct host_facts host = { .pid = 4711, .how_it_ended = "signal:SIGKILL", .end_ns = 123456789012345, .taken_ns = 5,
				   .statm = { 1, 2, 3, 4 }, .untraced = malloc(sizeof(*host.untraced)), .untraced_count = 1 };
	uint32_t numbers[] = { 2 };
	struct error error = { "" };
	char path[64];
	struct model *a, *b;
	struct stat status;

	host.untraced[0].pid = 17;
	host.untraced[0].reason = reason;
	snprintf(path, sizeof(path), "%s/one.htrace", directory);
	is_int(snapshot_save(before, numbers, &host, 1, path, &error), 0, "saved %s", error.text);
	after = snapshot_open(path, &error);
	ok(after, "read again %s", error.text);
	is_int(snapshot_processes(after, NULL, 0), 1, "only the chosen process is in it");
	a = snapshot_model(before, 2, &host, &error);
	b = snapshot_model(after, 2, NULL, &error);
	ok(same_backtraces(a, b), "the same backtraces");
	is_int(b->corrupt_records, 0, "nothing corrupt");
	is_str(b->command[2], "a b", "the command that its parent had");
	is_int(b->pid, 4711, "pid");
	is_str(b->host.how_it_ended, "signal:SIGKILL", "how it ended");
	is_int(b->now_ns, 123456789012345, "its end");
	is_int(b->host.statm.shared, 3, "statm");
	is_int(b->host.untraced_count, 1, "untraced children");
	is_str(b->host.untraced[0].reason, "it is setuid", "and why, on one line");
	is_int(snapshot_header(after)->kind, HT_SNAPSHOT, "kind");
	stat(path, &status);
	ok(status.st_size < 32768, "it is small: %ld bytes", (long)status.st_size);
	is_int(status.st_mode & 0777, 0644, "permissions as open() gives them");
	model_free(a);
	model_free(b);
	snapshot_close(before);
	snapshot_close(after);
	free(reason);
	free(host.untraced);
	build_free(&built);
	unlink(path);
}

static void saves_a_snapshot_again(void)
{
	struct built built = build_seed();
	struct snapshot *snapshot = build_read(&built);
	struct host_facts hosts[2] = { { .pid = 7 }, { .pid = 8 } };
	uint32_t numbers[] = { 1, 2 };
	struct error error = { "" };
	char path[64];
	struct model *model;

	snprintf(path, sizeof(path), "%s/two.htrace", directory);
	snapshot_save(snapshot, numbers, hosts, 2, path, &error);
	snapshot_close(snapshot);
	snapshot = snapshot_open(path, &error);
	is_int(snapshot_save(snapshot, numbers, NULL, 2, path, &error), 0, "a snapshot can be saved over itself");
	snapshot_close(snapshot);
	snapshot = snapshot_open(path, &error);
	model = snapshot_model(snapshot, 2, NULL, &error);
	is_int(model->pid, 8, "what the host knew is still there");
	is_int(model->corrupt_records, 0, "nothing corrupt");
	model_free(model);
	snapshot_close(snapshot);
	unlink(path);
	build_free(&built);
}

static void leaves_nothing_half_written(void)
{
	struct built built = build_seed();
	struct snapshot *snapshot = build_read(&built);
	struct host_facts host = { .pid = 7 };
	uint32_t number = 1;
	struct error error = { "" };
	struct rlimit limit = { 6000, RLIM_INFINITY }, unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	char path[64];

	snprintf(path, sizeof(path), "%s/three.htrace", directory);
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
	is_int(snapshot_save(snapshot, &number, &host, 1, path, &error), -1, "a file that can not grow is an error");
	setrlimit(RLIMIT_FSIZE, &unlimited);
	has(error.text, "three.htrace can not be written: File too large", "that is said");
	is_int(files_in_directory(), 0, "and nothing is left behind");
	is_int(snapshot_save(snapshot, &number, &host, 1, "/nonexistent/x", &error), -1, "a missing directory is an error");
	is_int(snapshot_save(snapshot, &number, &host, 1, "/dev/full", &error), -1, "a full device is an error");
	has(error.text, "No space left", "that is said");
	is_int(snapshot_save(snapshot, &number, &host, 1, "/dev/null", &error), 0, "/dev/null takes it");
	ok(access("/dev/null", W_OK) == 0 && files_in_directory() == 0, "and stays a device");
	snapshot_close(snapshot);
	build_free(&built);
}

int main(void)
{
	struct stat status;

	umask(022);
	if (!mkdtemp(directory))
		return 1;
	says_the_same();
	saves_a_snapshot_again();
	leaves_nothing_half_written();
	ok(stat("/dev/null", &status) == 0 && S_ISCHR(status.st_mode), "no device was replaced");
	rmdir(directory);
	return tap_done();
}
