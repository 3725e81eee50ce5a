// SPDX-License-Identifier: MIT

/* Everything that can be done with a file that claims to be a segment or a snapshot. For fuzzing and mutation tests. */

#ifndef HEAPTRACE_TESTS_RENDER_BYTES_H
#define HEAPTRACE_TESTS_RENDER_BYTES_H

#include <stddef.h>
#include <stdint.h>

/**
 * Read bytes as a file, make all its models, render them in all formats, save it and read that again. A snapshot's
 * checksum is put right first, or nothing would be looked at.
 *
 * @return processes that were found, 0 if the file was refused
 */
size_t render_bytes(const uint8_t *data, size_t size);

#endif
