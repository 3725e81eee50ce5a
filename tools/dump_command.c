// SPDX-License-Identifier: MIT

/*
 * `heaptrace dump PID`: finds the run that traces PID, asks its collector for the segments and renders them here. The
 * program is not interrupted, and a slow terminal holds up nobody but us.
 *
 * Where to ask: a traced process has the run's directory in LD_PRELOAD, a launcher's children have. Else all run
 * directories where they usually are: each collector knows its processes and its launcher. A program that was started
 * without heaptrace, with the library preloaded, has mapped its own segment's file.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "command.h"
#include "host_facts.h"
#include "memory.h"
#include "output.h"
#include "procfs.h"
#include "protocol.h"
#include "render.h"
#include "rundir.h"

#define ANSWER_SECONDS 10

/** A process's segment and what the collector knows. */
struct dumped {
	int segment;
	uint32_t number;
	struct host_facts facts;
};

/** What has been asked so far. */
struct inquiry {
	pid_t pid;
	pid_t inner; /* the same as the process sees itself */
	struct dumped *dumped;
	size_t count, room;
	int refused; /* an errno value that says more than "not found" */
};

static int complain(const char *text)
{
	fprintf(stderr, "heaptrace dump: %s\n", text);
	return EXIT_HEAPTRACE;
}

static int connect_to(const char *directory)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct timeval patience = {.tv_sec = ANSWER_SECONDS};
	if (snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", directory) >= (int)sizeof(address.sun_path))
		return errno = ENAMETOOLONG, -1;
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	int error = errno;
	close(fd);
	errno = error;
	return -1;
}

static void keep_answer(struct inquiry *inquiry, struct dump_answer *answer, int segment)
{
	inquiry->dumped = memory_grow(inquiry->dumped, inquiry->count, &inquiry->room, sizeof(*inquiry->dumped));
	struct dumped *dumped = &inquiry->dumped[inquiry->count++];
	*dumped = (struct dumped){.segment = segment, .number = answer->number};
	answer->facts[sizeof(answer->facts) - 1] = '\0';
	host_facts_read(&dumped->facts, answer->facts, strlen(answer->facts));
}

static void keep_standalone(struct inquiry *inquiry, uint32_t number, int segment)
{
	static struct dump_answer answer;
	answer.number = number;
	snprintf(answer.facts, sizeof(answer.facts), "%s", "");
	keep_answer(inquiry, &answer, segment);
	struct host_facts *facts = &inquiry->dumped[inquiry->count - 1].facts;
	facts->pid = inquiry->pid;
	strcpy(facts->how_it_ended, "running");
	procfs_statm(inquiry->pid, &facts->statm);
}

/** Ask one collector. @return true if it is the one */
static bool ask(struct inquiry *inquiry, const char *directory)
{
	static struct dump_answer answer;
	struct dump_request request = {.magic = DUMP_MAGIC, .pid = inquiry->pid};
	int segment, fd = connect_to(directory);
	if (fd < 0) {
		if (errno == EACCES || errno == EPERM)
			inquiry->refused = errno;
		return false;
	}
	if (protocol_send(fd, &request, sizeof(request), -1) == 0) {
		do {
			memset(&answer, 0, sizeof(answer));
			ssize_t got = protocol_receive(fd, &answer, sizeof(answer), &segment);
			if (got != sizeof(answer) || answer.magic != DUMP_MAGIC || answer.status || segment < 0)
				break;
			keep_answer(inquiry, &answer, segment);
		} while (answer.remaining);
	}
	close(fd);
	return inquiry->count > 0;
}

/** Ask all collectors whose directories lie in one place. */
static bool ask_place(struct inquiry *inquiry, const char *place)
{
	char path[PATH_MAX];
	struct dirent *entry;
	bool found = false;
	DIR *directory = *place ? opendir(place) : NULL;
	while (directory && !found && (entry = readdir(directory))) {
		if (strncmp(entry->d_name, "heaptrace-", 10) == 0 &&
		    snprintf(path, sizeof(path), "%s/%s", place, entry->d_name) < (int)sizeof(path))
			found = ask(inquiry, path);
	}
	if (directory)
		closedir(directory);
	return found;
}

static bool ask_all(struct inquiry *inquiry)
{
	char path[PATH_MAX];
	const char *place;
	if (procfs_run_directory(inquiry->pid, path, sizeof(path)) == 0) {
		if (ask(inquiry, path))
			return true;
	} else if (errno == EACCES || errno == EPERM) {
		inquiry->refused = errno;
	}
	for (unsigned n = 0; (place = rundir_place(n)); n++) {
		if (ask_place(inquiry, place))
			return true;
	}
	snprintf(path, sizeof(path), "/run/user/%d", (int)getuid());
	return ask_place(inquiry, path);
}

/** The program may run without a collector: then it has mapped the file that is its segment. */
static int visit_mapping(const char *path, uint64_t inode, void *data)
{
	struct inquiry *inquiry = data;
	struct error error;
	struct stat status;
	uint32_t numbers[256];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct snapshot *snapshot = NULL;
	if (fd >= 0 && fstat(fd, &status) == 0 && status.st_ino == inode && S_ISREG(status.st_mode))
		snapshot = snapshot_read(fd, path, &error);
	size_t count = snapshot ? snapshot_processes(snapshot, numbers, 256) : 0;
	for (size_t i = 0; i < count && i < 256; i++) {
		const struct ht_process *process = snapshot_process(snapshot, numbers[i]);
		if (process && (pid_t)process->pid == inquiry->inner)
			keep_standalone(inquiry, numbers[i], dup(fd));
	}
	if (snapshot)
		snapshot_close(snapshot);
	if (fd >= 0)
		close(fd);
	return inquiry->count > 0;
}

static bool find_standalone(struct inquiry *inquiry)
{
	unsigned levels;
	pid_t inner = procfs_inner_pid(inquiry->pid, &levels);
	inquiry->inner = inner ? inner : inquiry->pid;
	return procfs_shared_files(inquiry->pid, visit_mapping, inquiry) > 0;
}

static int explain(const struct inquiry *inquiry)
{
	char text[256];
	errno = 0;
	if (kill(inquiry->pid, 0) && errno == ESRCH)
		snprintf(text, sizeof(text), "there is no process %d; 'ps' lists those that run", (int)inquiry->pid);
	else if (inquiry->refused && geteuid() == 0)
		snprintf(text, sizeof(text), "process %d may not be looked at: %s; ask from outside of this container or sandbox",
			 (int)inquiry->pid, strerror(inquiry->refused));
	else if (errno == EPERM || inquiry->refused)
		snprintf(text, sizeof(text), "process %d belongs to another user; ask as that user or as root", (int)inquiry->pid);
	else
		snprintf(text, sizeof(text), "process %d is not traced; start the program with 'heaptrace PROGRAM'",
			 (int)inquiry->pid);
	return complain(text);
}

static int render_all(const struct inquiry *inquiry, const struct options *options, const struct output *outfile,
		      const struct output *save)
{
	struct output_names names = {0}, saves = {0};
	struct render *renders = memory_zeroed(inquiry->count, sizeof(*renders));
	int result = 0;
	for (size_t i = 0; i < inquiry->count; i++) {
		const struct dumped *dumped = &inquiry->dumped[i];
		const char *(*name)(struct output_names *, const struct output *, pid_t, const char *) =
			i ? output_name_other : output_name;
		char program[64];
		procfs_name(dumped->facts.pid, program, sizeof(program));
		renders[i] = (struct render){
			.segment = dumped->segment,
			.number = dumped->number,
			.facts = &dumped->facts,
			.options = options,
			.occasion.reason = "heaptrace dump",
			.stream = outfile->stream,
			.path = outfile->pattern ? name(&names, outfile, dumped->facts.pid, program) : NULL,
			.save = save->pattern ? name(&saves, save, dumped->facts.pid, program) : NULL,
			.append = outfile->shared,
		};
	}
	bool document = options->format != FORMAT_TEXT && outfile->stream >= 0;
	for (size_t i = 0; i < inquiry->count; i++) {
		if (document)
			renders[i].stream = -1, renders[i].path = NULL;
		if (render_process(&renders[i]))
			result = -1;
		renders[i].stream = outfile->stream;
	}
	if (document && render_document(renders, inquiry->count))
		result = -1;
	free(renders);
	output_names_free(&names);
	output_names_free(&saves);
	return result ? EXIT_HEAPTRACE : 0;
}

static int dump(const struct options *options, pid_t pid)
{
	char directory[PATH_MAX], error[1024];
	struct output outfile, save;
	struct inquiry inquiry = {.pid = pid};
	if (!getcwd(directory, sizeof(directory)))
		strcpy(directory, "/");
	if (output_prepare(&outfile, options->outfile ? options->outfile : "-", directory, "outfile", error, sizeof(error)) ||
	    output_prepare(&save, options->save, directory, "save", error, sizeof(error)))
		return complain(error);
	if (report_spoils_terminal(options->format, outfile.stream))
		return complain("pprof's format is not for a terminal; use --outfile=FILE or a pipe");
	if (options->ignore && access(options->ignore, R_OK)) {
		snprintf(error, sizeof(error), "--ignore=%s cannot be read: %s; correct the name", options->ignore, strerror(errno));
		return complain(error);
	}
	return ask_all(&inquiry) || find_standalone(&inquiry) ? render_all(&inquiry, options, &outfile, &save) : explain(&inquiry);
}

int dump_command(int argc, char **argv)
{
	struct options options;
	char error[512];
	char *end;
	int next;
	options_defaults(&options);
	switch (options_parse(&options, SCOPE_DUMP, argc, argv, &next, error, sizeof(error))) {
	case OPTIONS_HELP:
		options_help(SCOPE_DUMP);
		return fflush(stdout) ? EXIT_HEAPTRACE : 0;
	case OPTIONS_VERSION:
		printf("heaptrace %s\n", HT_RELEASE);
		return fflush(stdout) ? EXIT_HEAPTRACE : 0;
	case OPTIONS_ERROR:
		return complain(error);
	default:
		break;
	}
	if (next != argc - 1)
		return complain(next >= argc ? "which process? give its PID" : "one PID at a time, and options before it");
	errno = 0;
	long pid = strtol(argv[next], &end, 10);
	if (pid <= 0 || pid > INT_MAX || *end || errno) {
		snprintf(error, sizeof(error), "'%.100s' is no PID; give a process's number", argv[next]);
		return complain(error);
	}
	return dump(&options, (pid_t)pid);
}
