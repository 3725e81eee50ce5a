// SPDX-License-Identifier: MIT

/*
 * Where a block lies, by the head of its chunk: glibc marks there what it mapped for one block, and what is not in the
 * main arena. Valid only for glibc's malloc. Never by the address or the size: thresholds move while a program runs.
 *
 * A head is read by the kernel, which says so where nothing can be read. Where that is not allowed (containers), by a pipe.
 */

#include "session.h"

#include <fcntl.h>
#include <sys/uio.h>

#define BATCH 128u
#define IS_MMAPPED 2u
#define NON_MAIN_ARENA 4u

/* Copy the words at `addresses`. @return how many could be read, in order */
static uint32_t read_words(const uintptr_t *addresses, uint64_t *words, uint32_t count)
{
	struct iovec from[BATCH], to = {words, count * sizeof(*words)};
	long got;

	for (uint32_t i = 0; i < count; i++)
		from[i] = (struct iovec){(void *)(addresses[i] - sizeof(uint64_t)), sizeof(uint64_t)};
	got = raw6(SYS_process_vm_readv, raw_call(SYS_getpid, 0, 0, 0, 0), (long)&to, 1, (long)from, count, 0);
	return got > 0 ? (uint32_t)got / sizeof(uint64_t) : 0;
}

static uint32_t read_word_by_pipe(uintptr_t address, uint64_t *word)
{
	int ends[2];
	uint32_t got = 0;

	if (raw_call(SYS_pipe2, ends, O_CLOEXEC, 0, 0))
		return 0;
	if (raw_call(SYS_write, ends[1], address - sizeof(*word), sizeof(*word), 0) == sizeof(*word))
		got = raw_read(ends[0], word, sizeof(*word)) == sizeof(*word);
	raw_close(ends[0]);
	raw_close(ends[1]);
	return got;
}

static uint8_t region_of(uint64_t head)
{
	return head & IS_MMAPPED ? REGION_MMAP : head & NON_MAIN_ARENA ? REGION_ARENA : REGION_HEAP;
}

static void label_batch(const uintptr_t *addresses, const uint32_t *places, uint32_t count, uint8_t *regions)
{
	uint64_t words[BATCH];

	for (uint32_t done = 0; done < count;) {
		uint32_t got = read_words(addresses + done, words, count - done);

		if (!got)
			got = read_word_by_pipe(addresses[done], words);
		for (uint32_t i = 0; i < got; i++)
			regions[places[done + i]] = region_of(words[i]);
		done += got ? got : 1; /* the one that can not be read */
	}
}

void session_regions(const uintptr_t *addresses, uint8_t *regions, uint32_t count)
{
	uintptr_t wanted[BATCH];
	uint32_t places[BATCH], waiting = 0;

	for (uint32_t i = 0; i < count; i++) {
		regions[i] = REGION_OTHER;
		if (addresses[i] < 4096 || !guest.glibc || load_relaxed(&guest.caged))
			continue;
		wanted[waiting] = addresses[i];
		places[waiting++] = i;
		if (waiting == BATCH) {
			label_batch(wanted, places, waiting, regions);
			waiting = 0;
		}
	}
	label_batch(wanted, places, waiting, regions);
}
