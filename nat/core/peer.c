/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/core/peer.h"

#include <errno.h>

#include "nat/core/session.h"

static uint32_t peer_hash(const struct session_table *t, uint32_t mapping,
			  const struct endpoint *remote)
{
	const struct mapping *m = mapping_at(t->mappings, mapping);
	const struct endpoint peer = { .addr = remote->addr };

	return tuple_hash(&t->mappings->key, (enum nat_protocol)m->protocol, &m->external, &peer);
}

static uint32_t hash_of(const struct session_table *t, uint32_t n)
{
	const struct session *s = session_at(t, n);

	return peer_hash(t, s->mapping, &s->remote);
}

int peers_reserve(struct session_table *t, uint32_t limit)
{
	int err = column_reserve(&t->peers.links, limit);

	return err == 0 ? index_reserve(&t->peers.index, limit) : err;
}

int peers_open(struct session_table *t)
{
	if (peers_are_open(&t->peers))
		return 0;
	t->peers = (struct peers){ .links.size = sizeof(struct peer_link) };
	if (peers_reserve(t, t->arena.records.room) < 0) {
		peers_close(t);
		return -ENOMEM;
	}
	for (uint32_t n = 0; n < t->arena.used; n++)
		if (arena_is_live(&t->arena, n))
			peers_add(t, n);
	return 0;
}

void peers_close(struct session_table *t)
{
	index_fini(&t->peers.index);
	column_fini(&t->peers.links);
}

uint32_t peers_find(const struct session_table *t, uint32_t mapping, const struct endpoint *remote)
{
	const struct index *ix = &t->peers.index;
	uint32_t hash = peer_hash(t, mapping, remote), n;

	for (uint32_t i = index_first(ix, hash); (n = index_record(ix, hash, &i)) != NAT_NONE;
	     i++) {
		const struct session *s = session_at(t, n);

		if (s->mapping == mapping && addr_equal(&s->remote.addr, &remote->addr))
			return n;
	}
	return NAT_NONE;
}

void peers_add(struct session_table *t, uint32_t n)
{
	const struct session *s = session_at(t, n);
	uint32_t other = peers_find(t, s->mapping, &s->remote);
	struct peer_link *link = peers_link(&t->peers, n);

	if (other == NAT_NONE) {
		*link = (struct peer_link){ .next = n, .previous = n, .indexed = 1 };
		index_add(&t->peers.index, hash_of(t, n), n);
		return;
	}
	*link = (struct peer_link){ .next = peers_link(&t->peers, other)->next, .previous = other };
	peers_link(&t->peers, link->next)->previous = n;
	peers_link(&t->peers, other)->next = n;
}

void peers_remove(struct session_table *t, uint32_t n)
{
	const struct peer_link *link = peers_link(&t->peers, n);

	peers_link(&t->peers, link->previous)->next = link->next;
	peers_link(&t->peers, link->next)->previous = link->previous;
	if (!link->indexed)
		return;
	if (link->next == n) {
		index_remove(&t->peers.index, hash_of(t, n), n);
		return;
	}
	index_replace(&t->peers.index, hash_of(t, n), n, link->next);
	peers_link(&t->peers, link->next)->indexed = 1;
}
