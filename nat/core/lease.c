/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/core/lease.h"

#include <string.h>

int lease_table_init(struct lease_table *t, uint32_t limit)
{
	int err;

	*t = (struct lease_table){
		.cells.size = sizeof(struct lease),
		.heap.size = sizeof(uint32_t),
	};
	err = lease_table_set_limit(t, limit);
	if (err < 0)
		lease_table_fini(t);
	return err;
}

void lease_table_fini(struct lease_table *t)
{
	column_fini(&t->cells);
	column_fini(&t->heap);
}

int lease_table_set_limit(struct lease_table *t, uint32_t limit)
{
	int err = column_reserve(&t->cells, limit);

	return err == 0 ? column_reserve(&t->heap, limit) : err;
}

static uint32_t mapping_in(const struct lease_table *t, uint32_t place)
{
	return *(const uint32_t *)column_at(&t->heap, place);
}

static void put(struct lease_table *t, uint32_t place, uint32_t mapping)
{
	*(uint32_t *)column_at(&t->heap, place) = mapping;
	lease_at(t, mapping)->place = place;
}

static bool ends_before(const struct lease_table *t, uint32_t a, uint32_t b)
{
	const struct lease *x = lease_at(t, a), *y = lease_at(t, b);

	return x->end.ms != y->end.ms ? x->end.ms < y->end.ms : x->number < y->number;
}

/* Up to where nothing above it ends later. */
static void rise(struct lease_table *t, uint32_t mapping)
{
	uint32_t place = lease_at(t, mapping)->place;

	while (place > 0 && ends_before(t, mapping, mapping_in(t, (place - 1) / 2))) {
		put(t, place, mapping_in(t, (place - 1) / 2));
		place = (place - 1) / 2;
	}
	put(t, place, mapping);
}

/* Down to where nothing below it ends sooner. */
static void sink(struct lease_table *t, uint32_t mapping)
{
	uint32_t place = lease_at(t, mapping)->place, below;

	while ((below = 2 * place + 1) < t->count) {
		if (below + 1 < t->count &&
		    ends_before(t, mapping_in(t, below + 1), mapping_in(t, below)))
			below++;
		if (!ends_before(t, mapping_in(t, below), mapping))
			break;
		put(t, place, mapping_in(t, below));
		place = below;
	}
	put(t, place, mapping);
}

static void set_end(struct lease_table *t, uint32_t mapping, struct mono end)
{
	lease_at(t, mapping)->end = end;
	lease_at(t, mapping)->number = t->set++;
	rise(t, mapping);
	sink(t, mapping);
}

void lease_add(struct lease_table *t, uint32_t mapping, const uint8_t nonce[LEASE_NONCE],
	       struct mono end)
{
	memcpy(lease_at(t, mapping)->nonce, nonce, LEASE_NONCE);
	put(t, t->count++, mapping);
	set_end(t, mapping, end);
}

void lease_remove(struct lease_table *t, uint32_t mapping)
{
	uint32_t place = lease_at(t, mapping)->place, last = mapping_in(t, --t->count);

	if (last == mapping)
		return;
	put(t, place, last);
	rise(t, last);
	sink(t, last);
}

void lease_renew(struct lease_table *t, uint32_t mapping, struct mono end)
{
	set_end(t, mapping, end);
}

uint32_t lease_first(const struct lease_table *t)
{
	return t->count > 0 ? mapping_in(t, 0) : NAT_NONE;
}

struct mono lease_due(const struct lease_table *t)
{
	return t->count > 0 ? lease_at(t, lease_first(t))->end : MONO_NEVER;
}
