/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/core/peer.h"

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
	int err;

	t->peers.links.size = sizeof(struct peer_link);
	err = column_reserve(&t->peers.links, limit);
	return err == 0 ? index_reserve(&t->peers.index, limit) : err;
}

void peers_fini(struct peers *p)
{
	index_fini(&p->index);
	column_fini(&p->links);
}

bool peers_have(const struct session_table *t, uint32_t n)
{
	const struct mapping *m = mapping_at(t->mappings, session_at(t, n)->mapping);

	return (t->peers.wanted >> m->protocol & 1) != 0;
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

static void link_peer(struct session_table *t, uint32_t n)
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

static void unlink_peer(struct session_table *t, uint32_t n)
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

void peers_add(struct session_table *t, uint32_t n)
{
	if (peers_have(t, n))
		link_peer(t, n);
}

void peers_remove(struct session_table *t, uint32_t n)
{
	if (peers_have(t, n))
		unlink_peer(t, n);
}

void peers_want(struct session_table *t, unsigned int wanted)
{
	unsigned int before = t->peers.wanted;

	if (wanted == before)
		return;
	for (uint32_t n = 0; n < t->arena.used; n++) {
		if (!arena_is_live(&t->arena, n))
			continue;
		t->peers.wanted = before & ~wanted; /* those that go, and then those that come */
		peers_remove(t, n);
		t->peers.wanted = wanted & ~before;
		peers_add(t, n);
	}
	t->peers.wanted = wanted;
}
