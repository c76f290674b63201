/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * index.h - from the hash of a key to record numbers
 * Owns:       an open-addressing table of (hash, record number); the keys stay in the records.
 * Invariants: at most five sixths full, so most probes end in the cache line they begin in;
 *             removal moves entries back instead of leaving tombstones, so age does not slow it
 *             down. Rebuilt from the records at any time: it is never stored.
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
	struct index_slot *slots; /* owned */
	uint32_t size;		  /* how many: always more than records */
	uint32_t count;
};

/* Room for @records entries; 0 or -ENOMEM. */
int index_init(struct index *ix, uint32_t records);
void index_fini(struct index *ix);
/* Grow to hold @records entries, keeping those that are there; 0 or -ENOMEM, unchanged. */
int index_reserve(struct index *ix, uint32_t records);

/* The caller keeps count within what was reserved, and adds a record once per key. */
void index_add(struct index *ix, uint32_t hash, uint32_t record);
/* Take out the entry that index_add() made with the same two numbers; it must be there. */
void index_remove(struct index *ix, uint32_t hash, uint32_t record);
/* Let the entry (@hash, @from) name record @to instead; it must be there. */
void index_replace(struct index *ix, uint32_t hash, uint32_t from, uint32_t to);

/* Where the entries of @hash begin. */
static inline uint32_t index_first(const struct index *ix, uint32_t hash)
{
	return (uint32_t)((uint64_t)hash * ix->size >> 32);
}

static inline uint32_t index_next(const struct index *ix, uint32_t i)
{
	return i + 1 < ix->size ? i + 1 : 0;
}

/* Next record with this hash from position @*at on, NAT_NONE when there is none. */
static inline uint32_t index_record(const struct index *ix, uint32_t hash, uint32_t *at)
{
	for (uint32_t i = *at < ix->size ? *at : 0; ix->slots[i].record != 0;
	     i = index_next(ix, i)) {
		if (ix->slots[i].hash == hash) {
			*at = i;
			return ix->slots[i].record - 1;
		}
	}
	return NAT_NONE;
}

#endif
