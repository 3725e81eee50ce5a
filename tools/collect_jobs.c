// SPDX-License-Identifier: MIT

/*
 * The queue of reports. One is made at a time, so that none comes between the lines of another, and each in a child of
 * its own, so that neither a large segment nor a slow terminal keeps the collector from its clock.
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collect.h"
#include "memory.h"
#include "render.h"

#define BACKLOG 64u /* dumps of one process for one reason; more requests are answered together */
#define MOST_RECORDS 100000u /* of the tree of processes: a run may go on for weeks */
#define ALLOCATOR_WAIT_NS 5000000u

static struct job *append_job(struct run *run, enum job_kind kind, struct process *process)
{
	struct job *job = memory_zeroed(1, sizeof(*job));
	struct job **at = &run->jobs;
	while (*at)
		at = &(*at)->next;
	*at = job;
	job->kind = kind;
	job->process = process;
	job->count = 1;
	return job;
}

void jobs_final(struct run *run, struct process *process)
{
	append_job(run, JOB_FINAL, process);
}

void jobs_document(struct run *run)
{
	append_job(run, JOB_DOCUMENT, NULL);
}

void jobs_tree(struct run *run)
{
	append_job(run, JOB_TREE, NULL);
}

bool jobs_has_tree(const struct run *run)
{
	return run->tree && run->tree_count > 1;
}

/** The last one in the queue for the same process and reason, and how many there are. */
static struct job *find_backlog(struct run *run, const struct process *process, int index, unsigned *backlog)
{
	struct job *last = NULL;
	*backlog = 0;
	for (struct job *job = run->jobs; job; job = job->next) {
		if (job->kind == JOB_DUMP && job->process == process && job->signal == index) {
			last = job;
			(*backlog)++;
		}
	}
	return last;
}

void jobs_dump(struct run *run, struct process *process, int index, unsigned count)
{
	unsigned backlog;
	if (process->unwanted)
		return;
	struct job *job = find_backlog(run, process, index, &backlog);
	clock_stir(run);
	if (process->record && !process->ended)
		__atomic_add_fetch(&process->record->allocator_wanted, 1, __ATOMIC_RELEASE);
	for (; count && backlog < BACKLOG; count--, backlog++) {
		job = append_job(run, JOB_DUMP, process);
		job->signal = index;
		job->due_ns = collect_now() + ALLOCATOR_WAIT_NS;
	}
	job->count += count;
}

/** Our handler is installed in it, and it is in the launcher's group. */
static bool asks_itself(const struct run *run, const struct process *process)
{
	return process->record && !(process->record->flags & HT_PROCESS_SIGNAL_TAKEN) &&
	       getpgid(process->pid) == getpgid(run->launcher);
}

void jobs_dump_all(struct run *run, int index, bool by_group)
{
	image_scan_all(run);
	for (struct image *image = run->images; image; image = image->next) {
		for (struct process *process = image->processes; process; process = process->next) {
			if (!process->ended && process->number && !(by_group && asks_itself(run, process)))
				jobs_dump(run, process, index, 1);
		}
	}
}

static const char *file_name(struct output_names *names, const struct output *output, const struct process *process)
{
	if (process->is_first)
		return output_name(names, output, process->pid, process->name);
	return output_name_other(names, output, process->pid, process->name);
}

/** Where a process's report goes that has no stream. */
static void choose_file(struct run *run, struct job *job, struct render *render)
{
	struct process *process = job->process;
	if (!run->outfile.pattern) {
		const struct output *output = run->save.pattern ? &run->save : &run->survivors;
		if (!process->save)
			process->save = file_name(&run->save_names, output, process);
		render->save = process->save;
		return;
	}
	if (!process->outfile)
		process->outfile = file_name(&run->outfile_names, &run->outfile, process);
	render->path = process->outfile;
	render->append = run->outfile.shared ||
			 (render->options->format == FORMAT_TEXT && process->outfile_begun && !job->begins);
	job->begins |= !process->outfile_begun;
	process->outfile_begun = true;
}

/** Ended processes wait as snapshots for the document at the end of the run. */
static void keep_for_document(struct run *run, const struct job *job, struct render *render)
{
	char path[128];
	if (job->again) { /* the last one */
		render->save = run->kept[run->kept_count - 1].path;
		return;
	}
	snprintf(path, sizeof(path), "%s/kept-%zu.htrace", run->rundir.path, run->kept_count);
	run->kept = memory_grow(run->kept, run->kept_count, &run->kept_room, sizeof(*run->kept));
	run->kept[run->kept_count].path = memory_copy_string(path);
	run->kept[run->kept_count].number = job->process->number;
	render->save = run->kept[run->kept_count++].path;
}

static void choose_destination(struct run *run, struct job *job, struct render *render)
{
	static struct options text_options;
	bool orphaned = !run->attached && !run->done; /* the launcher was killed */
	if (run->document && (run->attached || orphaned) && job->kind == JOB_FINAL) {
		keep_for_document(run, job, render);
	} else if (run->document && run->attached && !run->document_path) {
		text_options = *run->options; /* stdout is the document's: a dump is text on stderr */
		text_options.format = FORMAT_TEXT;
		render->options = &text_options;
		render->stream = STDERR_FILENO;
	} else if (run->attached && run->outfile.stream >= 0) {
		render->stream = run->outfile.stream;
	} else if (run->attached && !run->outfile.pattern) {
		render->stream = STDERR_FILENO;
	} else {
		choose_file(run, job, render);
	}
}

static void describe(struct run *run, const struct job *job, struct render *render, char *reason, size_t size)
{
	char name[24];
	render->occasion.final = job->kind == JOB_FINAL;
	if (job->kind != JOB_DUMP)
		return;
	signal_name(run->options->signals[job->signal], name, sizeof(name));
	if (job->count > 1)
		snprintf(reason, size, "%s, %u requests", name, job->count);
	else
		snprintf(reason, size, "%s", name);
	render->occasion.reason = reason;
	render->occasion.force_sort = job->signal == 0 ? SORT_SIZE : job->signal == 1 ? SORT_COUNT : SORT_NONE;
}

/** An extra snapshot, if --save asks for one and the report is not one anyway. */
static void choose_snapshot(struct run *run, const struct job *job, struct render *render)
{
	struct process *process = job->process;
	if (!run->save.pattern || job->kind != JOB_FINAL)
		return;
	if (!process->save)
		process->save = file_name(&run->save_names, &run->save, process);
	if (!render->save)
		render->save = process->save;
	else if (render->save != process->save)
		render->save_too = process->save;
}

/** A text report of a process's end leaves a record for the tree of processes, as long as somebody waits for that. */
static void choose_tree(struct run *run, const struct job *job, struct render *render)
{
	bool shown = render->stream >= 0 || render->path;
	if (job->kind != JOB_FINAL || render->options->format != FORMAT_TEXT || run->options->quiet || !run->attached ||
	    run->tree_done || !shown)
		return;
	if (run->tree_count == MOST_RECORDS) {
		run->tree_missed++;
		return;
	}
	if (!run->tree)
		run->tree = memory_format("%s/tree", run->rundir.path);
	if (!run->tree_outfile || job->process->is_first)
		run->tree_outfile = render->path;
	render->tree = run->tree;
	run->tree_count++;
}

static int make_tree(const struct run *run)
{
	return render_tree(run->tree, run->tree_outfile ? -1 : run->outfile.stream >= 0 ? run->outfile.stream : STDERR_FILENO,
			   run->tree_outfile);
}

static struct render plan_process(struct run *run, struct job *job, char *reason, size_t size)
{
	struct render render = {
		.segment = job->process->image->fd,
		.number = job->process->number,
		.facts = &job->process->facts,
		.options = run->options,
		.stream = -1,
	};
	describe(run, job, &render, reason, size);
	choose_destination(run, job, &render);
	choose_tree(run, job, &render);
	choose_snapshot(run, job, &render);
	return render;
}

/** The document of all ended processes; to a file if the launcher, and with it stdout, was lost. */
static int make_document(struct run *run)
{
	struct render *renders = memory_zeroed(run->kept_count + 1, sizeof(*renders));
	char path[4200];
	snprintf(path, sizeof(path), "%s/heaptrace.%d.%s", run->directory, (int)run->launcher,
		 report_suffix(run->options->format));
	for (size_t i = 0; i <= run->kept_count; i++) {
		renders[i] = (struct render){
			.segment = -1,
			.options = run->options,
			.stream = run->attached ? run->outfile.stream : -1,
			.path = run->document_path ? run->document_path : path,
		};
		if (i < run->kept_count) {
			renders[i].snapshot = run->kept[i].path;
			renders[i].number = run->kept[i].number;
		}
	}
	int result = render_document(renders, run->kept_count);
	free(renders);
	return result;
}

/** Only in a renderer: what a report starts (addr2line) expects signals as they usually are. */
void jobs_restore_signals(void)
{
	sigset_t none;
	sigemptyset(&none);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void start_job(struct run *run, struct job *job)
{
	char reason[48];
	struct render render = {0};
	if (job->process)
		render = plan_process(run, job, reason, sizeof(reason));
	job->streams = job->process ? render.stream >= 0 : run->attached && !run->document_path;
	run->running = job;
	run->renderer = fork();
	if (run->renderer > 0)
		return;
	if (run->renderer == 0)
		jobs_restore_signals();
	int extract = job->process ? process_extract(job->process) : -1;
	if (extract >= 0)
		render.segment = extract;
	int result = job->process ? render_process(&render) : job->kind == JOB_TREE ? make_tree(run) : make_document(run);
	if (extract >= 0)
		close(extract);
	if (run->renderer == 0) {
		fflush(NULL);
		_exit(result ? 1 : 0);
	}
	raise(SIGCHLD); /* no child to be had: it was made here and now */
}

/** The guest may still be about to take its allocator's figures. */
static bool is_due(const struct job *job)
{
	const struct ht_process *record = job->process ? job->process->record : NULL;
	if (job->kind != JOB_DUMP || job->process->ended || !record || job->due_ns <= collect_now())
		return true;
	return __atomic_load_n(&record->allocator_taken, __ATOMIC_ACQUIRE) == record->allocator_wanted;
}

static void forget_process(struct run *run, struct process *process)
{
	struct image *image = process->image;
	process_forget(process);
	image_drop_if_unused(run, image);
}

static void forget_kept(struct run *run)
{
	for (size_t i = 0; i < run->kept_count; i++) {
		unlink(run->kept[i].path);
		free(run->kept[i].path);
	}
	run->kept_count = 0;
	run->document = false;
}

static void forget_tree(struct run *run)
{
	if (run->tree_missed)
		collect_say(run, "%u more processes are not in the tree, which has room for %u", run->tree_missed, MOST_RECORDS);
	unlink(run->tree);
	free(run->tree);
	run->tree = NULL;
	run->tree_count = 0;
	run->tree_done = true;
}

static void finish_job(struct run *run, struct job *job)
{
	if (job->kind == JOB_FINAL)
		forget_process(run, job->process);
	else if (job->kind == JOB_DOCUMENT)
		forget_kept(run);
	else if (job->kind == JOB_TREE)
		forget_tree(run);
	free(job);
}

/** No record of the process was found: why may that be? */
static void say_that_it_is_lost(struct run *run, const struct job *job)
{
	const struct process *process = job->process;
	bool begun = process->image->header->used != HT_GRANULE;
	if (job->kind == JOB_FINAL)
		collect_say(run, "no report of %s (pid %d): %s", process->name, (int)process->pid, begun ?
			    "its segment has no record of the process; it was killed while it started, or it has written to memory "
			    "that is not its own" : "it ended before it had anything to tell");
}

void jobs_pump(struct run *run)
{
	while (!run->running && run->jobs && is_due(run->jobs) && output_connect(&run->outfile)) {
		struct job *job = run->jobs;
		run->jobs = job->next;
		if (job->process && (!job->process->number || job->process->unwanted)) {
			if (!job->process->number)
				say_that_it_is_lost(run, job);
			finish_job(run, job);
		} else {
			start_job(run, job);
		}
	}
}

void jobs_child_ended(struct run *run)
{
	int status = 0;
	struct job *job = run->running;
	if (!job || (run->renderer > 0 && waitpid(run->renderer, &status, WNOHANG) != run->renderer))
		return;
	run->running = NULL;
	run->renderer = 0;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && !job->streams && !job->again) {
		job->again = true; /* by the OOM killer, or somebody who meant another: nothing of it has been seen */
		job->next = run->jobs;
		run->jobs = job;
		return;
	}
	if (WIFSIGNALED(status))
		collect_say(run, "the report of %s (pid %d) failed: the process that makes it died of signal %d",
			    job->process ? job->process->name : "the run", job->process ? (int)job->process->pid : 0,
			    WTERMSIG(status));
	finish_job(run, job);
}

bool jobs_are_done(const struct run *run)
{
	return !run->jobs && !run->running;
}
