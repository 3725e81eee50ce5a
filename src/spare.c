// SPDX-License-Identifier: MIT

#include "spare.h"
#include "fragile.h"
#include "guest.h"
#include "thread.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define MAIN_STACK (64u << 10) /* of the main thread's stack: with what is taken, less than any limit */
#define MUCH_STACK (32u << 10) /* taken at most; */
#define LITTLE_STACK (2u << 10) /* the same where it is not known how far the stack goes (a coroutine's, a handler's) */
#define STACK_BELOW (4u << 10) /* left for libc */
#define NO_PATH "/bin:/usr/bin" /* where execvp() looks without PATH */

static bool has_room(size_t size)
{
	uintptr_t sp = (uintptr_t)__builtin_frame_address(0), tp = thread_pointer();
	struct thread *thread = load_acquire(&guest.status) == GUEST_ACTIVE ? thread_get() : NULL;

	if (guest.stack_end - sp < MAIN_STACK)
		return size <= MUCH_STACK;
	if (thread && thread->tp == tp && tp != guest.main_tp && thread_owns(thread, sp))
		return size <= MUCH_STACK && sp - thread->stack_low > size + STACK_BELOW;
	return size <= LITTLE_STACK;
}

/*
 * A cage that the process has built itself may forbid anything. One that was there before its image (then it is off) has
 * let the loader open, read and close files a moment ago, and must do so for the next image.
 */
bool spare_may_look(void)
{
	int status = load_acquire(&guest.status);

	return (status == GUEST_ACTIVE || status == GUEST_OFF) && !load_relaxed(&guest.caged) &&
	       has_room(FRAGILE_STACK);
}

bool spare_file(int directory, const char *path)
{
	return path && *path && spare_may_look() && fragile_file(directory, path);
}

/* The value, if a variable has that name: "NAME=". */
static const char *value_of(const char *variable, const char *name)
{
	while (*name && *variable == *name)
		variable++, name++;
	return *name ? NULL : variable;
}

bool spare_in_path(const char *file)
{
	const char *directories = NULL;

	if (!file || file[strcspn(file, "/")])
		return spare_file(AT_FDCWD, file);
	for (char **at = __environ; !directories && at && *at; at++)
		directories = value_of(*at, "PATH=");
	return *file && spare_may_look() && fragile_in_path(file, directories ? directories : NO_PATH);
}

/* Is an entry of LD_PRELOAD this library? By its last name: a run within a run has two of them. */
static bool is_ours(const char *entry, size_t length)
{
	static const char *const names[] = {"libheaptrace.so", "libheaptrace-unwind.so"};
	size_t start = length;

	while (start && entry[start - 1] != '/')
		start--;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strlen(names[i]) == length - start && !memcmp(entry + start, names[i], length - start))
			return true;
	return false;
}

/* Is a variable LD_PRELOAD, with an entry of ours? */
static bool names_us(const char *variable)
{
	const char *entry = value_of(variable, "LD_PRELOAD=");

	while (entry) {
		size_t length = strcspn(entry, ": ");

		if (is_ours(entry, length))
			return true;
		entry = entry[length] ? entry + length + 1 : NULL;
	}
	return false;
}

bool spare_needs(struct spare_needs *needs, char *const environment[])
{
	*needs = (struct spare_needs){1, 0};
	for (; environment && *environment; environment++, needs->pointers++)
		if (names_us(*environment))
			needs->bytes += strlen(*environment) + 1;
	return needs->bytes && has_room(needs->pointers * sizeof(*environment) + needs->bytes);
}

/*
 * LD_PRELOAD without our entries. Each takes the separator behind it along, the last one that before it.
 * @return the bytes written, 0 if nothing is left of it
 */
static size_t strip(const char *variable, char *out, size_t room)
{
	const char *entry = value_of(variable, "LD_PRELOAD=");
	size_t name = (size_t)(entry - variable), used = name, length;

	if (name > room)
		return 0;
	memcpy(out, variable, name);
	for (bool last = false; !last; entry += length + 1) {
		length = strcspn(entry, ": ");
		last = !entry[length];
		if (is_ours(entry, length)) {
			used -= last && used > name;
			continue;
		}
		if (used + length + 1 > room) /* another thread is changing it */
			return 0;
		memcpy(out + used, entry, length + 1);
		used += length + !last;
	}
	out[used] = 0;
	return used > name ? used + 1 : 0;
}

void spare_environment(const struct spare_needs *needs, char *const environment[], char **out, char *text)
{
	size_t used = 0;

	for (size_t i = 0; i + 1 < needs->pointers && environment[i]; i++) {
		if (!names_us(environment[i])) {
			*out++ = environment[i];
			continue;
		}
		size_t size = strip(environment[i], text + used, needs->bytes - used);

		if (size)
			*out++ = text + used;
		used += size;
	}
	*out = NULL;
}
