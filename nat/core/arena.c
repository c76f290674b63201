/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/core/arena.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nat/core/tuple.h"

int arena_init(struct arena *a, size_t record_size, uint32_t limit)
{
	*a = (struct arena){ .record_size = record_size, .free = NAT_NONE };
	return arena_set_limit(a, limit);
}

void arena_fini(struct arena *a)
{
	free(a->records);
	*a = (struct arena){ .free = NAT_NONE };
}

int arena_set_limit(struct arena *a, uint32_t limit)
{
	if (limit > a->capacity) {
		/* Large blocks come and move as untouched pages: nothing is read or cleared here. */
		uint8_t *records = realloc(a->records, (size_t)limit * a->record_size);

		if (records == NULL)
			return -ENOMEM;
		a->records = records;
		a->capacity = limit;
	}
	a->limit = limit;
	return 0;
}

uint32_t arena_take(struct arena *a)
{
	uint32_t n;
	void *record;

	if (arena_full(a))
		return NAT_NONE;
	if (a->free != NAT_NONE) {
		n = a->free;
		memcpy(&a->free, arena_at(a, n), sizeof(a->free));
	} else {
		n = a->used++;
	}
	record = arena_at(a, n);
	memset(record, 0, a->record_size);
	a->live++;
	return n;
}

void arena_publish(struct arena *a, uint32_t n)
{
	const uint32_t mark = ARENA_LIVE;

	memcpy(arena_at(a, n), &mark, sizeof(mark));
}

void arena_give_back(struct arena *a, uint32_t n)
{
	memcpy(arena_at(a, n), &a->free, sizeof(a->free));
	a->free = n;
	a->live--;
}
