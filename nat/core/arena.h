/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * arena.h - flat arrays of records
 * Owns:       one array of equal records, its free list and each record's live mark.
 * Invariants: a record is live, on the free list, or has never been used. Records are named by
 *             number, which stays the same while the array grows. Taking and giving back touch
 *             one record and allocate nothing.
 *
 * A record's first member is a uint32_t that the arena owns: ARENA_LIVE, or the next free
 * record's number. The mark is written last, so whoever reads the array after a crash sees
 * whole records or none.
 */
#ifndef CORE_ARENA_H
#define CORE_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "nat/core/column.h"

#define ARENA_LIVE (UINT32_MAX - 1) /* neither a record number nor NAT_NONE */
#define ARENA_MAX  (1U << 27)	    /* records; keeps every size below in range */

struct arena {
	struct column records;
	uint32_t limit; /* records that may be live; at most records.room */
	uint32_t used;	/* records ever touched: those from here on are all fresh */
	uint32_t free;	/* head of the free list, or NAT_NONE */
	uint32_t live;
};

/* @record_size a multiple of 8, @limit from 1 to ARENA_MAX; 0 or -ENOMEM. */
int arena_init(struct arena *a, size_t record_size, uint32_t limit);
void arena_fini(struct arena *a);
/* Change how many may be live; fewer than are live now only stops new ones. 0 or -ENOMEM. */
int arena_set_limit(struct arena *a, uint32_t limit);

/* A zeroed record that is not live yet, or NAT_NONE if the limit is reached. */
uint32_t arena_take(struct arena *a);
/* The record taken last is complete. */
void arena_publish(struct arena *a, uint32_t n);

static inline bool arena_full(const struct arena *a)
{
	return a->live >= a->limit;
}

static inline void *arena_at(const struct arena *a, uint32_t n)
{
	return column_at(&a->records, n);
}

static inline void arena_give_back(struct arena *a, uint32_t n)
{
	memcpy(arena_at(a, n), &a->free, sizeof(a->free));
	a->free = n;
	a->live--;
}

static inline bool arena_is_live(const struct arena *a, uint32_t n)
{
	return n < a->used && *(const uint32_t *)arena_at(a, n) == ARENA_LIVE;
}

#endif
