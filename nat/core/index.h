/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * index.h - from the hash of a key to record numbers
 * Owns:       an open-addressing table of (hash, record number); the keys stay in the records.
 * Invariants: an entry lies at its place or after it, with no empty slot between, and all lie in the
 *             order of their hashes: who looks for one that is not there stops where it would be,
 *             and a removal moves only those back that are not at their places. Of one hash, those
 *             added first come first. At most five sixths of the places are taken. Rebuilt from
 *             the records at any time: it is never stored.
 *
 * The order is why nothing wraps round: behind the last place there are slots for as many records as
 * there may be. They are hardly ever reached, and what is never touched takes no memory.
 *
 * Several records may share a hash, by accident or on purpose; the caller compares keys:
 *	for (i = index_first(ix, hash); (n = index_record(ix, hash, &i)) != NAT_NONE; i++)
 *		if (record n has the key) ...
 */
#ifndef CORE_INDEX_H
#define CORE_INDEX_H

#include <stddef.h>
#include <stdint.h>

#include "nat/core/tuple.h"

struct index_slot {
	uint32_t hash;
	uint32_t record; /* record number + 1; 0 is an empty slot */
};

struct index {
	struct index_slot *slots; /* owned; places + records + 1, the last always empty */
	uint32_t places, records; /* how many hashes are spread over, how many entries fit */
	uint32_t count;
};

/* Room for @records entries; 0 or -ENOMEM. */
int index_init(struct index *ix, uint32_t records);
void index_fini(struct index *ix);
/* Grow to hold @records entries, keeping those that are there; 0 or -ENOMEM, unchanged. */
int index_reserve(struct index *ix, uint32_t records);

/* The caller keeps count within what was reserved, and adds a record once per key. */
void index_add(struct index *ix, uint32_t hash, uint32_t record);
/* Take out the entry that index_add() made with the same two numbers; it must be there. Is there
 * another with this hash? */
bool index_remove(struct index *ix, uint32_t hash, uint32_t record);
/* Let the entry (@hash, @from) name record @to instead; it must be there. */
void index_replace(struct index *ix, uint32_t hash, uint32_t from, uint32_t to);

/* The place of @hash: its entries are there or after it. */
static inline uint32_t index_first(const struct index *ix, uint32_t hash)
{
	return (uint32_t)((uint64_t)hash * ix->places >> 32);
}

/* Next record with this hash from position @*at on, NAT_NONE when there is none. */
static inline uint32_t index_record(const struct index *ix, uint32_t hash, uint32_t *at)
{
	const struct index_slot *slot = &ix->slots[*at];

	while (slot->record != 0 && slot->hash < hash)
		slot++;
	if (slot->record == 0 || slot->hash != hash)
		return NAT_NONE;
	*at = (uint32_t)(slot - ix->slots);
	return slot->record - 1;
}

#endif
