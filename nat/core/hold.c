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
	return &h->ring[place];
}

int hold_init(struct hold *h, uint32_t room, const struct siphash_key *key)
{
	*h = (struct hold){ .room = room, .key = *key };
	h->ring = calloc(room, sizeof(*h->ring));
	if (h->ring == NULL)
		return -ENOMEM;
	if (index_init(&h->by_pair, room) < 0) {
		hold_fini(h);
		return -ENOMEM;
	}
	return 0;
}

void hold_fini(struct hold *h)
{
	free(h->ring);
	index_fini(&h->by_pair);
	*h = (struct hold){ 0 };
}

static void append(struct hold *h, const struct held_syn *syn)
{
	uint32_t place = (h->first + h->count) % h->room;

	*at(h, place) = *syn;
	h->count++;
	index_add(&h->by_pair, pair_hash(h, &syn->external, &syn->remote), place);
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

	if (place == NAT_NONE)
		return;
	index_remove(&h->by_pair, pair_hash(h, external, remote), place);
	at(h, place)->cancelled = true;
}

static void skip_first(struct hold *h)
{
	h->first = (h->first + 1) % h->room;
	h->count--;
}

const struct held_syn *hold_first(struct hold *h)
{
	while (h->count > 0 && at(h, h->first)->cancelled)
		skip_first(h);
	return h->count > 0 ? at(h, h->first) : NULL;
}

void hold_drop_first(struct hold *h)
{
	const struct held_syn *syn = at(h, h->first);

	index_remove(&h->by_pair, pair_hash(h, &syn->external, &syn->remote), h->first);
	skip_first(h);
}
