// SPDX-License-Identifier: MIT

/*
 * libFuzzer entry: a file that a traced program is about to execute: any bytes, looked at by exec's hooks in that program's
 * own process. No descriptor may be left behind.
 */

#include "../../src/fragile.c"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("program", MFD_CLOEXEC), after;
	char path[64], name[16];

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	snprintf(name, sizeof(name), "%d", fd);
	if (fragile_file(AT_FDCWD, path) != fragile_in_path(name, "/nowhere::/proc/self/fd"))
		abort();
	after = dup(fd);
	if (after != fd + 1)
		abort();
	close(after);
	close(fd);
	return 0;
}
