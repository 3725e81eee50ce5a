// SPDX-License-Identifier: MIT

/* SHA-256 (FIPS 180-4), in base64 as a page's Content-Security-Policy wants it. */

#ifndef HEAPTRACE_SHA256_H
#define HEAPTRACE_SHA256_H

#include <stddef.h>

/** 44 digits of base64. */
struct sha256_text {
	char text[45];
};

struct sha256_text sha256_base64(const void *data, size_t size);

#endif
