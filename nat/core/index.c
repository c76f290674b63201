/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/core/index.h"

#include <errno.h>

#include "common/block.h"

int index_init(struct index *ix, uint32_t records)
{
	*ix = (struct index){ 0 };
	return index_reserve(ix, records);
}

static size_t bytes(const struct index *ix)
{
	return ix->size * sizeof(*ix->slots);
}

void index_fini(struct index *ix)
{
	block_close(ix->slots, bytes(ix));
	*ix = (struct index){ 0 };
}

int index_reserve(struct index *ix, uint32_t records)
{
	struct index grown = { .size = records + records / 5 + 2 };

	if (grown.size <= ix->size)
		return 0;
	grown.slots = block_open(bytes(&grown));
	if (grown.slots == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < ix->size; i++)
		if (ix->slots[i].record != 0)
			index_add(&grown, ix->slots[i].hash, ix->slots[i].record - 1);
	index_fini(ix);
	*ix = grown;
	return 0;
}

void index_add(struct index *ix, uint32_t hash, uint32_t record)
{
	uint32_t i = index_first(ix, hash);

	while (ix->slots[i].record != 0)
		i = index_next(ix, i);
	ix->slots[i] = (struct index_slot){ .hash = hash, .record = record + 1 };
	ix->count++;
}

static uint32_t find(const struct index *ix, uint32_t hash, uint32_t record)
{
	uint32_t i = index_first(ix, hash);

	while (ix->slots[i].record != record + 1 || ix->slots[i].hash != hash)
		i = index_next(ix, i);
	return i;
}

/* How many steps of index_next() lead from @from to @to. */
static uint32_t distance(const struct index *ix, uint32_t from, uint32_t to)
{
	return to >= from ? to - from : to + ix->size - from;
}

void index_remove(struct index *ix, uint32_t hash, uint32_t record)
{
	uint32_t hole = find(ix, hash, record);

	/* Close the gap: an entry moves back into the hole if its own place is not after it. */
	for (uint32_t i = index_next(ix, hole); ix->slots[i].record != 0; i = index_next(ix, i)) {
		uint32_t home = index_first(ix, ix->slots[i].hash);

		if (distance(ix, home, i) >= distance(ix, hole, i)) {
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
