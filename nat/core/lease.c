/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/core/lease.h"

#include <string.h>

int lease_table_init(struct lease_table *t, uint32_t limit)
{
	*t = (struct lease_table){
		.cells.size = sizeof(struct lease),
		.first = NAT_NONE,
		.last = NAT_NONE,
	};
	return lease_table_set_limit(t, limit);
}

void lease_table_fini(struct lease_table *t)
{
	column_fini(&t->cells);
}

int lease_table_set_limit(struct lease_table *t, uint32_t limit)
{
	return column_reserve(&t->cells, limit);
}

/* Most ask for the same time, so that the place of a new one is the last or close to it. */
static void link_by_end(struct lease_table *t, uint32_t n)
{
	struct lease *l = lease_at(t, n);

	l->previous = t->last;
	while (l->previous != NAT_NONE && lease_at(t, l->previous)->end.ms > l->end.ms)
		l->previous = lease_at(t, l->previous)->previous;
	l->next = l->previous != NAT_NONE ? lease_at(t, l->previous)->next : t->first;
	if (l->previous != NAT_NONE)
		lease_at(t, l->previous)->next = n;
	else
		t->first = n;
	if (l->next != NAT_NONE)
		lease_at(t, l->next)->previous = n;
	else
		t->last = n;
}

static void unlink_lease(struct lease_table *t, uint32_t n)
{
	const struct lease *l = lease_at(t, n);

	if (l->previous != NAT_NONE)
		lease_at(t, l->previous)->next = l->next;
	else
		t->first = l->next;
	if (l->next != NAT_NONE)
		lease_at(t, l->next)->previous = l->previous;
	else
		t->last = l->previous;
}

void lease_add(struct lease_table *t, uint32_t mapping, const uint8_t nonce[LEASE_NONCE],
	       struct mono end)
{
	struct lease *l = lease_at(t, mapping);

	memcpy(l->nonce, nonce, LEASE_NONCE);
	l->end = end;
	link_by_end(t, mapping);
	t->count++;
}

void lease_remove(struct lease_table *t, uint32_t mapping)
{
	unlink_lease(t, mapping);
	t->count--;
}

void lease_renew(struct lease_table *t, uint32_t mapping, struct mono end)
{
	unlink_lease(t, mapping);
	lease_at(t, mapping)->end = end;
	link_by_end(t, mapping);
}

struct mono lease_due(const struct lease_table *t)
{
	return t->first != NAT_NONE ? lease_at(t, t->first)->end : MONO_NEVER;
}
