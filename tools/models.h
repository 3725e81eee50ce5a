// SPDX-License-Identifier: MIT

/* All processes of a snapshot. */

#ifndef HEAPTRACE_MODELS_H
#define HEAPTRACE_MODELS_H

#include "snapshot.h"

struct models {
	struct model **models; /* at least one, in the order of their starts */
	size_t count;
};

/** Read a file. @return 0, or -1 with *error filled; then there is nothing to be freed */
int models_read(struct models *models, const char *path, struct error *error);

void models_free(struct models *models);

#endif
