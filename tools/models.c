// SPDX-License-Identifier: MIT

/* All processes of a snapshot: see models.h. */

#include "models.h"

#include <stdlib.h>

#include "memory.h"

static int make_models(struct models *models, const struct snapshot *snapshot, struct error *error)
{
	size_t count = snapshot_processes(snapshot, NULL, 0);
	uint32_t *numbers = memory_zeroed(count, sizeof(*numbers));

	snapshot_processes(snapshot, numbers, count);
	models->models = memory_zeroed(count, sizeof(*models->models));
	for (; models->count < count; models->count++) {
		models->models[models->count] = snapshot_model(snapshot, numbers[models->count], NULL, error);
		if (!models->models[models->count])
			break;
	}
	free(numbers);
	return models->count == count ? 0 : -1;
}

int models_read(struct models *models, const char *path, struct error *error)
{
	struct snapshot *snapshot = snapshot_open(path, error);
	int status;

	*models = (struct models) { 0 };
	if (!snapshot)
		return -1;
	status = make_models(models, snapshot, error);
	snapshot_close(snapshot);
	if (status)
		models_free(models);
	return status;
}

void models_free(struct models *models)
{
	for (size_t i = 0; i < models->count; i++)
		model_free(models->models[i]);
	free(models->models);
	*models = (struct models) { 0 };
}
