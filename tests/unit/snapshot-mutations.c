// SPDX-License-Identifier: MIT

/*
 * HEAPTRACE_FUZZ=N mutates N words of a chunk instead of 40; HEAPTRACE_SEEDS=DIRECTORY writes the seeds there, for
 * tests/fuzz.
 *
 * Hostile files, made methodically: valid segments and snapshots with each field of each record set to 0, 1, its largest
 * value, its neighbours and its neighbours' offsets, and cut at many lengths. Under the sanitizers; what counts is that
 * the reader comes back, and that it keeps reading what is not broken.
 */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../tools/snapshot.h"
#include "../lib/build_segment.h"
#include "../lib/render_bytes.h"
#include "../lib/tap.h"

struct seed {
	const char *name;
	uint8_t *bytes;
	size_t size;
};

static size_t tried, refused;

static void try(const struct seed *seed, size_t size)
{
	tried++;
	refused += render_bytes(seed->bytes, size) == 0;
}

/** Give 4 bytes each of the values that boundary checks forget. */
static void mutate_word(const struct seed *seed, size_t at)
{
	uint32_t kept, values[] = { 0, 1, 3, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffff8, 65536, 0, 0, 0 };

	memcpy(&kept, seed->bytes + at, sizeof(kept));
	values[8] = kept + 1;
	values[9] = kept - 1;
	values[10] = kept ^ 0x10000;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		if (values[i] == kept)
			continue;
		memcpy(seed->bytes + at, &values[i], sizeof(kept));
		try(seed, seed->size);
	}
	memcpy(seed->bytes + at, &kept, sizeof(kept));
}

/** All words that hold something, and in each run of zeros the first one. */
static void mutate_words(const struct seed *seed, size_t start, size_t end, size_t most)
{
	uint32_t word, before = 1;
	size_t done = 0;

	for (size_t at = start; at + sizeof(word) <= end && done < most; at += sizeof(word), before = word) {
		memcpy(&word, seed->bytes + at, sizeof(word));
		if (!word && !before)
			continue;
		mutate_word(seed, at);
		done++;
	}
}

static void mutate_chunks(const struct seed *seed, size_t most)
{
	const struct ht_header *header = (const struct ht_header *)seed->bytes;
	size_t at = header->header_size, kinds[16] = { 0 }, before = tried;

	mutate_words(seed, 0, sizeof(*header), SIZE_MAX);
	while (at + sizeof(struct ht_chunk) <= seed->size) {
		struct ht_chunk head;

		memcpy(&head, seed->bytes + at, sizeof(head));
		if (head.magic != HT_CHUNK_MAGIC)
			break;
		if (kinds[head.kind & 15]++ < 2)
			mutate_words(seed, at, at + head.size, most);
		at += (head.size + 63) / 64 * 64;
	}
	ok(tried > before, "%s: %zu mutations survived, %zu refused", seed->name, tried - before, refused);
	refused = 0;
}

static void cut(const struct seed *seed)
{
	size_t before = tried;

	for (size_t size = 0; size < seed->size; size += size < 512 ? 1 : size / 61)
		try(seed, size);
	ok(tried > before, "%s: %zu cuts survived", seed->name, tried - before);
	refused = 0;
}

static void check_that_seeds_are_sound(const struct seed *seed)
{
	is_int(render_bytes(seed->bytes, seed->size), 2, "%s: two processes", seed->name);
}

static struct seed live_seed(void)
{
	struct built built = build_seed();

	return (struct seed) { "segment", built.bytes, built.header->used };
}

static struct seed saved_seed(void)
{
	struct built built = build_seed();
	struct snapshot *snapshot = build_read(&built);
	struct host_facts hosts[2] = { { .pid = 1, .how_it_ended = "exit:0" }, { .pid = 2 } };
	struct seed seed = { "snapshot", calloc(1, 1 << 20), 0 };
	uint32_t numbers[] = { 1, 2 };
	struct error error;
	char path[] = "/tmp/mutations.XXXXXX";
	int fd = mkstemp(path);

	close(fd);
	snapshot_save(snapshot, numbers, hosts, 2, path, &error);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	seed.size = (size_t)read(fd, seed.bytes, 1 << 20);
	close(fd);
	unlink(path);
	snapshot_close(snapshot);
	build_free(&built);
	return seed;
}

/** Leave a seed for the fuzzer. */
static void export_seed(const struct seed *seed)
{
	const char *directory = getenv("HEAPTRACE_SEEDS");
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory ? directory : "", seed->name);
	file = directory ? fopen(path, "w") : NULL;
	if (!file)
		return;
	fwrite(seed->bytes, 1, seed->size, file);
	fclose(file);
}

int main(void)
{
	const char *thorough = getenv("HEAPTRACE_FUZZ");
	size_t most = thorough && atoi(thorough) > 0 ? (size_t)atoi(thorough) : 40;
	struct seed seeds[] = { live_seed(), saved_seed() };

	for (size_t i = 0; i < 2; i++) {
		export_seed(&seeds[i]);
		check_that_seeds_are_sound(&seeds[i]);
		mutate_chunks(&seeds[i], most);
		cut(&seeds[i]);
		free(seeds[i].bytes);
	}
	return tap_done();
}
