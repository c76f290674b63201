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
	return ((size_t)ix->places + ix->records + 1) * sizeof(*ix->slots);
}

void index_fini(struct index *ix)
{
	block_close(ix->slots, bytes(ix));
	*ix = (struct index){ 0 };
}

int index_reserve(struct index *ix, uint32_t records)
{
	struct index grown = { .places = records + records / 5 + 1, .records = records };

	if (records <= ix->records)
		return 0;
	grown.slots = block_open(bytes(&grown));
	if (grown.slots == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < ix->places + ix->records; i++)
		if (ix->slots[i].record != 0)
			index_add(&grown, ix->slots[i].hash, ix->slots[i].record - 1);
	index_fini(ix);
	*ix = grown;
	return 0;
}

/* After those with the same hash; what follows without a gap makes room. */
void index_add(struct index *ix, uint32_t hash, uint32_t record)
{
	struct index_slot entry = { .hash = hash, .record = record + 1 };
	struct index_slot *slot = &ix->slots[index_first(ix, hash)];

	while (slot->record != 0 && slot->hash <= hash)
		slot++;
	for (; slot->record != 0; slot++) {
		struct index_slot next = *slot;

		*slot = entry;
		entry = next;
	}
	*slot = entry;
	ix->count++;
}

static struct index_slot *find(const struct index *ix, uint32_t hash, uint32_t record)
{
	struct index_slot *slot = &ix->slots[index_first(ix, hash)];

	while (slot->record != record + 1 || slot->hash != hash)
		slot++;
	return slot;
}

bool index_remove(struct index *ix, uint32_t hash, uint32_t record)
{
	struct index_slot *hole = find(ix, hash, record);
	/* None with this hash lies before its place: what is there need not be looked at, nor waited for. */
	bool others = (hole[1].record != 0 && hole[1].hash == hash) ||
		      (hole > &ix->slots[index_first(ix, hash)] && hole[-1].hash == hash);

	/* Those that follow move back by one, up to the first that is at its place. */
	for (; hole[1].record != 0 && index_first(ix, hole[1].hash) <= hole - ix->slots; hole++)
		hole[0] = hole[1];
	hole->record = 0;
	ix->count--;
	return others;
}

void index_replace(struct index *ix, uint32_t hash, uint32_t from, uint32_t to)
{
	find(ix, hash, from)->record = to + 1;
}
