/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/core/index.h"

#include <errno.h>
#include <stdlib.h>

int index_init(struct index *ix, uint32_t records)
{
	*ix = (struct index){ 0 };
	return index_reserve(ix, records);
}

void index_fini(struct index *ix)
{
	free(ix->slots);
	*ix = (struct index){ 0 };
}

int index_reserve(struct index *ix, uint32_t records)
{
	struct index grown = { 0 };
	size_t size = 16;

	while (size < (size_t)records * 2)
		size *= 2;
	if (ix->slots != NULL && size <= (size_t)ix->mask + 1)
		return 0;
	grown.slots = calloc(size, sizeof(*grown.slots));
	if (grown.slots == NULL)
		return -ENOMEM;
	grown.mask = (uint32_t)(size - 1);
	if (ix->slots != NULL)
		for (size_t i = 0; i <= ix->mask; i++)
			if (ix->slots[i].record != 0)
				index_add(&grown, ix->slots[i].hash, ix->slots[i].record - 1);
	free(ix->slots);
	*ix = grown;
	return 0;
}

void index_add(struct index *ix, uint32_t hash, uint32_t record)
{
	uint32_t i = hash & ix->mask;

	while (ix->slots[i].record != 0)
		i = (i + 1) & ix->mask;
	ix->slots[i] = (struct index_slot){ .hash = hash, .record = record + 1 };
	ix->count++;
}

static uint32_t find(const struct index *ix, uint32_t hash, uint32_t record)
{
	uint32_t i = hash & ix->mask;

	while (ix->slots[i].record != record + 1 || ix->slots[i].hash != hash)
		i = (i + 1) & ix->mask;
	return i;
}

void index_remove(struct index *ix, uint32_t hash, uint32_t record)
{
	uint32_t hole = find(ix, hash, record);

	/* Close the gap: an entry moves back into the hole if its own place is not after it. */
	for (uint32_t i = (hole + 1) & ix->mask; ix->slots[i].record != 0; i = (i + 1) & ix->mask) {
		uint32_t home = ix->slots[i].hash & ix->mask;

		if (((i - home) & ix->mask) >= ((i - hole) & ix->mask)) {
			ix->slots[hole] = ix->slots[i];
			hole = i;
		}
	}
	ix->slots[hole].record = 0;
	ix->count--;
}

void index_replace(struct index *ix, uint32_t hash, uint32_t from, uint32_t to)
{
	ix->slots[find(ix, hash, from)].record = to + 1;
}
