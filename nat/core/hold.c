/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/core/hold.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint32_t pair_hash(const struct hold *h, const struct endpoint *external,
			  const struct endpoint *remote)
{
	return tuple_hash(&h->key, NAT_TCP, external, remote);
}

static struct held_syn *at(const struct hold *h, uint32_t place)
{
	return &h->syns[place];
}

int hold_init(struct hold *h, uint32_t room, const struct tuple_key *key)
{
	*h = (struct hold){ .room = room, .first = NAT_NONE, .last = NAT_NONE, .key = *key };
	h->syns = calloc(room, sizeof(*h->syns));
	if (h->syns == NULL)
		return -ENOMEM;
	if (index_init(&h->by_pair, room) < 0) {
		hold_fini(h);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < room; i++)
		at(h, i)->next = i + 1 < room ? i + 1 : NAT_NONE;
	return 0;
}

void hold_fini(struct hold *h)
{
	free(h->syns);
	index_fini(&h->by_pair);
	*h = (struct hold){ 0 };
}

/* There is room. */
static void append(struct hold *h, const struct held_syn *syn)
{
	uint32_t place = h->free;
	struct held_syn *own = at(h, place);

	h->free = own->next;
	*own = *syn;
	own->next = NAT_NONE;
	own->previous = h->last;
	if (h->last != NAT_NONE)
		at(h, h->last)->next = place;
	else
		h->first = place;
	h->last = place;
	h->count++;
	index_add(&h->by_pair, pair_hash(h, &syn->external, &syn->remote), place);
}

static void let_go(struct hold *h, uint32_t place)
{
	struct held_syn *syn = at(h, place);

	index_remove(&h->by_pair, pair_hash(h, &syn->external, &syn->remote), place);
	if (syn->previous != NAT_NONE)
		at(h, syn->previous)->next = syn->next;
	else
		h->first = syn->next;
	if (syn->next != NAT_NONE)
		at(h, syn->next)->previous = syn->previous;
	else
		h->last = syn->previous;
	syn->next = h->free;
	h->free = place;
	h->count--;
}

int hold_set_room(struct hold *h, uint32_t room)
{
	const struct held_syn *syn;
	struct hold fresh;

	if (room == h->room)
		return 0;
	if (hold_init(&fresh, room, &h->key) < 0)
		return -ENOMEM;
	while ((syn = hold_first(h)) != NULL) {
		if (fresh.count < room)
			append(&fresh, syn);
		hold_drop_first(h);
	}
	hold_fini(h);
	*h = fresh;
	return 0;
}

static uint32_t find(const struct hold *h, const struct endpoint *external,
		     const struct endpoint *remote)
{
	uint32_t hash = pair_hash(h, external, remote), place;

	for (uint32_t i = index_first(&h->by_pair, hash);
	     (place = index_record(&h->by_pair, hash, &i)) != NAT_NONE; i++)
		if (endpoint_equal(&at(h, place)->external, external) &&
		    endpoint_equal(&at(h, place)->remote, remote))
			return place;
	return NAT_NONE;
}

bool hold_syn(struct hold *h, const struct packet *pkt, struct mono now)
{
	struct held_syn syn = {
		.external = pkt->destination,
		.remote = pkt->source,
		.since = now,
		.length = (uint16_t)(pkt->length < HOLD_BYTES ? pkt->length : HOLD_BYTES),
	};

	if (find(h, &syn.external, &syn.remote) != NAT_NONE)
		return true;
	if (h->count == h->room)
		return false;
	memcpy(syn.bytes, pkt->data, syn.length);
	append(h, &syn);
	return true;
}

void hold_cancel(struct hold *h, const struct endpoint *external, const struct endpoint *remote)
{
	uint32_t place = h->count > 0 ? find(h, external, remote) : NAT_NONE;

	if (place != NAT_NONE)
		let_go(h, place);
}

const struct held_syn *hold_first(const struct hold *h)
{
	return h->count > 0 ? at(h, h->first) : NULL;
}

void hold_drop_first(struct hold *h)
{
	let_go(h, h->first);
}
