// SPDX-License-Identifier: MIT

/*
 * What programs ask for through the API (heaptrace.h): reports and texts, written to a descriptor that the program has
 * sent. The program waits meanwhile, and whoever reads from that descriptor may be slow, so each is made in a child, side
 * by side with the queue of reports.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collect.h"
#include "collect_requests.h"
#include "diff.h"
#include "memory.h"
#include "render.h"
#include "request_text.h"

#define SILENCE_SECONDS 60 /* a program that was stopped in the middle of its text is not waited for longer */

static void answer(int socket, int status, uint64_t value)
{
	struct ht_answer answer = {.magic = HT_REQUEST_MAGIC, .status = status, .value = value};
	protocol_send(socket, &answer, sizeof(answer), -1);
}

/** Marks are snapshots in the run's directory. */
static void mark_path(const struct run *run, uint64_t number, char *path, size_t size)
{
	snprintf(path, size, "%s/mark-%llu.htrace", run->rundir.path, (unsigned long long)number);
}

static int read_mark(const struct asked *asked, struct models *models)
{
	char path[4200];
	struct error error;
	mark_path(asked->run, asked->request.value, path, sizeof(path));
	if (access(path, R_OK))
		return -ERANGE;
	return models_read(models, path, &error) ? -EIO : 0;
}

/** The process as it is now, kept in a file of its own. */
static int save_now(const struct asked *asked, const char *path)
{
	struct render render = {
		.segment = asked->segment, .number = asked->process->number, .facts = &asked->process->facts,
		.options = &asked->options, .stream = -1, .save = path,
	};
	return render_process(&render) ? -EIO : 0;
}

static struct diff *new_diff(const struct options *options, struct models *before, struct models *after)
{
	struct diff *diff = memory_zeroed(1, sizeof(*diff));
	diff->options = options;
	diff->files = memory_zeroed(2, sizeof(*diff->files));
	diff->file_count = 2;
	diff->files[0] = (struct diff_file){.path = "the mark", .label = "the mark", .models = *before};
	diff->files[1] = (struct diff_file){.path = "now", .label = "now", .models = *after};
	diff->same_run = true;
	for (size_t i = 0; i < 2; i++) {
		diff->files[i].taken_ns = diff->files[i].models.models[0]->now_ns;
		diff->files[i].time = (double)diff->files[i].taken_ns / 1e9;
	}
	return diff;
}

static int write_growth(const struct asked *asked, struct diff *diff)
{
	const struct options *options = &asked->options;
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);
	if (!file)
		return -ENOMEM;
	diff_make(diff);
	int failed = options->format == FORMAT_JSON ? diff_json(file, diff, options, false) :
		     options->format == FORMAT_COLLAPSED ? diff_collapsed(file, diff, options, false) :
		     options->format == FORMAT_TEXT ? diff_text(file, diff, options, false) : (errno = EINVAL, -1);
	int error = failed ? errno : 0;
	if (fclose(file) && !error)
		error = errno;
	if (!error && output_stream(asked->out, text, size))
		error = errno;
	free(text);
	return -error;
}

static int report_since(const struct asked *asked)
{
	struct models before, after;
	struct error error;
	char path[4200];
	int status = read_mark(asked, &before);
	if (status)
		return status;
	snprintf(path, sizeof(path), "%s/since-%d.htrace", asked->run->rundir.path, (int)getpid());
	status = save_now(asked, path);
	if (!status && models_read(&after, path, &error))
		status = -EIO;
	unlink(path);
	return status ? status : write_growth(asked, new_diff(&asked->options, &before, &after));
}

static int report_now(const struct asked *asked)
{
	struct render render = {
		.segment = asked->segment, .number = asked->process->number, .facts = &asked->process->facts,
		.options = &asked->options, .stream = asked->out, .occasion.reason = "heaptrace_dump()",
	};
	if (asked->options.format == FORMAT_TEXT)
		return render_process(&render) ? -EIO : 0;
	return render_document(&render, 1) ? -EIO : 0;
}

static int carry_out(const struct asked *asked, uint64_t mark)
{
	char path[4200];
	switch (asked->request.kind) {
	case HT_REQUEST_TEXT:
		return request_text_copy(asked);
	case HT_REQUEST_REPORT:
		return report_now(asked);
	case HT_REQUEST_MARK:
		mark_path(asked->run, mark, path, sizeof(path));
		return save_now(asked, path);
	case HT_REQUEST_SINCE:
		return report_since(asked);
	default:
		return -EINVAL;
	}
}

/** The run's options but for what the request says. @return 0 or -EINVAL */
static int choose_options(const struct run *run, struct asked *asked)
{
	char format[48], sort[48], error[512];
	char *words[4] = {"request"};
	int count = 1, next = 0;
	struct ht_request *request = &asked->request;
	asked->options = *run->options;
	asked->options.format = FORMAT_TEXT;
	request->format[sizeof(request->format) - 1] = request->sort[sizeof(request->sort) - 1] = '\0';
	snprintf(format, sizeof(format), "--format=%s", request->format);
	snprintf(sort, sizeof(sort), "--sort=%s", request->sort);
	if (request->format[0])
		words[count++] = format;
	if (request->sort[0]) {
		words[count++] = sort;
		asked->options.sort_count = 0;
	}
	return options_parse(&asked->options, SCOPE_DUMP, count, words, &next, error, sizeof(error)) == OPTIONS_OK ? 0 : -EINVAL;
}

static struct process *find_process(struct run *run, const struct ht_request *request)
{
	image_scan_all(run);
	for (struct image *image = run->images; image; image = image->next) {
		if (image->number == request->image)
			return process_numbered(image, request->process);
	}
	return NULL;
}

/** In a child: nothing here is waited for by the collector. */
__attribute__((noreturn))
static void work(struct asked *asked, uint64_t mark)
{
	struct timeval patience = {.tv_sec = SILENCE_SECONDS};
	jobs_restore_signals();
	fcntl(asked->socket, F_SETFL, 0); /* it did not wait, for the collector's sake */
	setsockopt(asked->socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	int extract = process_extract(asked->process);
	asked->segment = extract >= 0 ? extract : asked->process->image->fd;
	int status = carry_out(asked, mark);
	fflush(NULL);
	answer(asked->socket, status, mark);
	_exit(0);
}

/** Marks are few: the oldest gives way. */
static void forget_oldest_mark(struct run *run)
{
	char path[4200];
	if (run->mark_count <= REQUEST_MARKS)
		return;
	mark_path(run, run->mark_count - REQUEST_MARKS, path, sizeof(path));
	unlink(path);
}

static int start(struct run *run, struct asked *asked)
{
	uint64_t mark = 0;
	asked->process = find_process(run, &asked->request);
	if (!asked->process || asked->process->ended)
		return -ESRCH;
	int status = choose_options(run, asked);
	if (status)
		return status;
	if (asked->request.kind == HT_REQUEST_MARK) {
		mark = ++run->mark_count;
		forget_oldest_mark(run);
	}
	run->workers = memory_grow(run->workers, run->worker_count, &run->worker_room, sizeof(*run->workers));
	answer(asked->socket, 0, 0);
	pid_t worker = fork();
	if (worker == 0)
		work(asked, mark);
	if (worker < 0)
		return -errno;
	run->workers[run->worker_count++] = worker;
	return 0;
}

void requests_begin(struct run *run, int socket, const struct ht_request *request, int out)
{
	struct asked asked = {.run = run, .request = *request, .socket = socket, .out = out, .segment = -1};
	int status = request->version != HT_VERSION ? -EPROTO :
		     out < 0 && request->kind != HT_REQUEST_MARK ? -EBADF : start(run, &asked);
	if (status)
		answer(socket, status, 0);
	if (out >= 0)
		close(out);
	close(socket);
}

void requests_child_ended(struct run *run)
{
	for (size_t i = 0; i < run->worker_count;) {
		if (waitpid(run->workers[i], NULL, WNOHANG) == 0)
			i++;
		else
			run->workers[i] = run->workers[--run->worker_count];
	}
}
