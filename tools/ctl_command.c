// SPDX-License-Identifier: MIT

/*
 * `heaptrace ctl PID start|stop|resume|reset|status|dump`: switches the tracing of a running process. The wish is written
 * into the process's segment, and the program's next allocation or free finds it there: nothing else runs in it.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "inquiry.h"
#include "memory.h"
#include "options.h"

#define PATIENCE_MS 1000
#define STEP_NS 1000000 /* a guest looks at each tick, 4 ms */

static const struct word {
	const char *name;
	uint32_t control; /* enum ht_control; 0: status */
	const char *done;
} words[] = {
	{"start", HT_CONTROL_START, "records from now on"},
	{"stop", HT_CONTROL_STOP, "records no new blocks"},
	{"resume", HT_CONTROL_RESUME, "records again"},
	{"reset", HT_CONTROL_RESET, "has forgotten what was recorded"},
	{"status", 0, NULL},
};

static int complain(const char *text)
{
	fprintf(stderr, "heaptrace ctl: %s\n", text);
	return EXIT_HEAPTRACE;
}

static const struct word *find_word(const char *name)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (strcmp(words[i].name, name) == 0)
			return &words[i];
	}
	return NULL;
}

/** The process's record in its segment, to be written to; NULL with a message. */
static struct ht_process *map_record(const struct answer *answer)
{
	char path[64];
	struct ht_chunk *chunk = MAP_FAILED;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", answer->segment); /* a stand-alone program's file was opened to be read */
	FILE *file = fopen(path, "r+e");
	if (file)
		chunk = mmap(NULL, HT_GRANULE, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(file),
			     (off_t)answer->number * HT_GRANULE);
	if (file)
		fclose(file);
	if (chunk != MAP_FAILED && chunk->magic == HT_CHUNK_MAGIC && chunk->kind == HT_CHUNK_PROCESS)
		return (struct ht_process *)(chunk + 1);
	complain("the process's segment cannot be written to; ask as the user that runs the program, or as root");
	return NULL;
}

static uint32_t wish(struct ht_process *record, uint32_t control)
{
	uint32_t old = __atomic_load_n(&record->control_wanted, __ATOMIC_RELAXED), new;
	do
		new = ((old >> 8) + 1) << 8 | control;
	while (!__atomic_compare_exchange_n(&record->control_wanted, &old, new, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
	return new;
}

static bool is_done(const struct ht_process *record, uint32_t wanted)
{
	struct timespec step = {0, STEP_NS};
	for (unsigned i = 0; i < PATIENCE_MS; i++) {
		uint32_t done = __atomic_load_n(&record->control_done, __ATOMIC_ACQUIRE);
		if (done == wanted || (int32_t)((done >> 8) - (wanted >> 8)) > 0)
			return true;
		nanosleep(&step, NULL);
	}
	return false;
}

static int control(const struct answer *answer, const struct word *word, const struct options *options)
{
	struct ht_process *record = map_record(answer);
	if (!record)
		return EXIT_HEAPTRACE;
	if (!word->control) {
		printf("%d %s\n", answer->facts.pid,
		       __atomic_load_n(&record->flags, __ATOMIC_RELAXED) & HT_PROCESS_STOPPED ? "stopped" : "recording");
	} else if (!is_done(record, wish(record, word->control))) {
		printf("process %d has neither allocated nor freed since; it obeys (%s) as soon as it does\n", answer->facts.pid,
		       word->name);
	} else if (!options->quiet) {
		printf("process %d %s\n", answer->facts.pid, word->done);
	}
	munmap((struct ht_chunk *)record - 1, HT_GRANULE);
	return fflush(stdout) ? EXIT_HEAPTRACE : 0;
}

static int control_all(char **operands, const struct options *options)
{
	char text[1024];
	struct inquiry inquiry = {0};
	const struct word *word = find_word(operands[1]);
	int status = 0;
	inquiry.pid = inquiry_read_pid(operands[0], text, sizeof(text));
	if (inquiry.pid <= 0)
		return complain(text);
	if (!word)
		return complain("the words are start, stop, resume, reset, status and dump");
	if (!inquiry_ask(&inquiry)) {
		inquiry_explain(&inquiry, text, sizeof(text));
		return complain(text);
	}
	for (size_t i = 0; i < inquiry.count; i++) {
		int one = control(&inquiry.answers[i], word, options);
		status = one ? one : status;
	}
	inquiry_free(&inquiry);
	return status;
}

/** "ctl PID dump OPTIONS" is "dump OPTIONS PID". */
static int dump(int argc, char **argv)
{
	char **line = memory_zeroed((size_t)argc + 1, sizeof(*line));
	line[0] = "dump";
	for (int i = 2; i < argc; i++)
		line[i - 1] = argv[i];
	line[argc - 1] = argv[0];
	int status = dump_command(argc, line);
	free(line);
	return status;
}

int ctl_command(int argc, char **argv)
{
	struct options options;
	int next = 0;
	int status = command_options(&options, SCOPE_CTL, argc, argv, &next);
	if (status != GO_ON)
		return status;
	if (argc - next >= 2 && strcmp(argv[next + 1], "dump") == 0)
		return dump(argc - next, argv + next);
	if (argc - next != 2)
		return complain("it takes a PID and a word: heaptrace ctl PID start|stop|resume|reset|status|dump");
	return control_all(argv + next, &options);
}
