/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/core/arena.h"

#include "nat/core/tuple.h"

int arena_init(struct arena *a, size_t record_size, uint32_t limit)
{
	*a = (struct arena){ .records.size = record_size, .free = NAT_NONE };
	return arena_set_limit(a, limit);
}

void arena_fini(struct arena *a)
{
	column_fini(&a->records);
	*a = (struct arena){ .free = NAT_NONE };
}

int arena_set_limit(struct arena *a, uint32_t limit)
{
	int err = column_reserve(&a->records, limit);

	if (err == 0)
		a->limit = limit;
	return err;
}

uint32_t arena_take(struct arena *a)
{
	uint32_t n;

	if (arena_full(a))
		return NAT_NONE;
	if (a->free != NAT_NONE) {
		n = a->free;
		memcpy(&a->free, arena_at(a, n), sizeof(a->free));
		memset(arena_at(a, n), 0, a->records.size);
	} else {
		n = a->used++; /* zero as it came */
	}
	a->live++;
	return n;
}

void arena_publish(struct arena *a, uint32_t n)
{
	const uint32_t mark = ARENA_LIVE;

	memcpy(arena_at(a, n), &mark, sizeof(mark));
}
