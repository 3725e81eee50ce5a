// SPDX-License-Identifier: MIT

/*
 * Memory and hash tables of the host: see memory.h. Both tables are open-addressed with linear probing and at most
 * half full; keys come from hostile files, but each is backed by bytes of the file, and the mixer leaves no cheap way to
 * make long runs.
 */

#include "memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SLOTS 64

struct table_slot {
	uint64_t a, b;
	uint32_t value;
	uint32_t taken;
};

struct string_slot {
	char *string;
	uint64_t hash;
};

static void *checked(void *memory)
{
	if (memory)
		return memory;
	fputs("heaptrace: out of memory: the report needs more than there is; close something and run "
	      "`heaptrace report` on a snapshot (--save=FILE.htrace)\n", stderr);
	exit(125);
}

void *memory_zeroed(size_t count, size_t size)
{
	return checked(calloc(count ? count : 1, size));
}

void *memory_resize(void *old, size_t count, size_t size)
{
	return checked(reallocarray(old, count ? count : 1, size));
}

char *memory_copy_string(const char *string)
{
	return checked(strdup(string));
}

char *memory_copy_bytes(const void *bytes, size_t size)
{
	char *copy = memory_zeroed(size + 1, 1);

	if (size)
		memcpy(copy, bytes, size);
	return copy;
}

char *memory_format(const char *format, ...)
{
	char *text = NULL;
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vasprintf(&text, format, arguments);
	va_end(arguments);
	return checked(length < 0 ? NULL : text);
}

void *memory_grow(void *array, size_t count, size_t *room, size_t size)
{
	if (count < *room)
		return array;
	*room = *room ? *room * 2 : 16;
	return memory_resize(array, *room, size);
}

static uint64_t mix(uint64_t a, uint64_t b)
{
	uint64_t h = a * 0x9e3779b97f4a7c15u ^ (b + 0x7f4a7c159e3779b9u) * 0xc2b2ae3d27d4eb4fu;

	h ^= h >> 32;
	h *= 0xd6e8feb86659fd93u;
	return h ^ h >> 29;
}

static struct table_slot *table_probe(const struct table *table, uint64_t a, uint64_t b)
{
	for (size_t i = mix(a, b) & table->mask;; i = (i + 1) & table->mask) {
		struct table_slot *slot = &table->slots[i];

		if (!slot->taken || (slot->a == a && slot->b == b))
			return slot;
	}
}

static void table_double(struct table *table)
{
	struct table old = *table;
	size_t count = old.slots ? 2 * (old.mask + 1) : FIRST_SLOTS;

	table->slots = memory_zeroed(count, sizeof(*table->slots));
	table->mask = count - 1;
	for (size_t i = 0; old.slots && i <= old.mask; i++) {
		if (old.slots[i].taken)
			*table_probe(table, old.slots[i].a, old.slots[i].b) = old.slots[i];
	}
	free(old.slots);
}

uint32_t *table_at(struct table *table, uint64_t a, uint64_t b, bool *fresh)
{
	struct table_slot *slot;

	if (!table->slots || 2 * table->used > table->mask)
		table_double(table);
	slot = table_probe(table, a, b);
	*fresh = !slot->taken;
	if (*fresh) {
		*slot = (struct table_slot) { .a = a, .b = b, .taken = 1 };
		table->used++;
	}
	return &slot->value;
}

const uint32_t *table_find(const struct table *table, uint64_t a, uint64_t b)
{
	const struct table_slot *slot = table->slots ? table_probe(table, a, b) : NULL;

	return slot && slot->taken ? &slot->value : NULL;
}

void table_free(struct table *table)
{
	free(table->slots);
	*table = (struct table) { 0 };
}

static uint64_t string_hash(const char *string)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (; *string; string++)
		h = (h ^ (unsigned char)*string) * 0x100000001b3u;
	return mix(h, 0);
}

static struct string_slot *strings_probe(const struct strings *strings, const char *string, uint64_t hash)
{
	for (size_t i = hash & strings->mask;; i = (i + 1) & strings->mask) {
		struct string_slot *slot = &strings->slots[i];

		if (!slot->string || (slot->hash == hash && (slot->string == string || !strcmp(slot->string, string))))
			return slot;
	}
}

static void strings_double(struct strings *strings)
{
	struct strings old = *strings;
	size_t count = old.slots ? 2 * (old.mask + 1) : FIRST_SLOTS;

	strings->slots = memory_zeroed(count, sizeof(*strings->slots));
	strings->mask = count - 1;
	for (size_t i = 0; old.slots && i <= old.mask; i++) {
		if (old.slots[i].string)
			*strings_probe(strings, old.slots[i].string, old.slots[i].hash) = old.slots[i];
	}
	free(old.slots);
}

const char *strings_keep(struct strings *strings, const char *string)
{
	uint64_t hash = string_hash(string);
	struct string_slot *slot;

	if (!strings->slots || 2 * strings->used > strings->mask)
		strings_double(strings);
	slot = strings_probe(strings, string, hash);
	if (!slot->string) {
		*slot = (struct string_slot) { memory_copy_string(string), hash };
		strings->used++;
	}
	return slot->string;
}

void strings_free(struct strings *strings)
{
	for (size_t i = 0; strings->slots && i <= strings->mask; i++)
		free(strings->slots[i].string);
	free(strings->slots);
	*strings = (struct strings) { 0 };
}
