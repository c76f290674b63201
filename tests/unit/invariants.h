/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * invariants.h - is this NAT consistent with itself?
 * Owns:       a walk over everything that core's headers promise: records, indexes, lists,
 *             rings and port bitmaps must all tell the same story.
 * Invariants: reads only. Knows which records are live from the free list, not from their marks,
 *             and holds the marks to that. Takes time proportional to the tables.
 */
#ifndef TESTS_INVARIANTS_H
#define TESTS_INVARIANTS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nat/core/nat.h"

/* The first promise that is broken, or NULL; the text lasts until the next call. */
#define INVARIANT(condition)                                                              \
	do {                                                                              \
		if (!(condition)) {                                                       \
			snprintf(invariant_broken, sizeof(invariant_broken), "%s:%d: %s", \
				 __func__, __LINE__, #condition);                         \
			return invariant_broken;                                          \
		}                                                                         \
	} while (0)

static char invariant_broken[256];

/* Marks which records of @a are live; false if the free list is not a list. */
static inline bool invariant_live(const struct arena *a, bool *live)
{
	uint32_t free_records = 0;

	memset(live, true, a->used);
	for (uint32_t n = a->free; n != NAT_NONE; free_records++) {
		if (n >= a->used || !live[n])
			return false;
		live[n] = false;
		memcpy(&n, arena_at(a, n), sizeof(n));
	}
	return a->live == a->used - free_records;
}

static inline const char *invariant_arena(const struct arena *a, const bool *live)
{
	INVARIANT(a->used <= a->records.room);
	INVARIANT(a->limit <= a->records.room);
	for (uint32_t n = 0; n < a->used; n++)
		INVARIANT(arena_is_live(a, n) == live[n]);
	INVARIANT(!arena_is_live(a, a->used));
	return NULL;
}

/* As many slots are filled as are counted, and each names a live record. */
static inline const char *invariant_index(const struct index *ix, uint32_t count,
					  const struct arena *a, const bool *live)
{
	uint32_t filled = 0;

	INVARIANT(ix->count == count);
	INVARIANT(ix->count <= ix->records);
	for (uint32_t i = 0; i < ix->places + ix->records; i++) {
		if (ix->slots[i].record == 0)
			continue;
		filled++;
		INVARIANT(index_first(ix, ix->slots[i].hash) <= i);
		INVARIANT(index_first(ix, ix->slots[i].hash) == i ||
			  (ix->slots[i - 1].record != 0 &&
			   ix->slots[i - 1].hash <= ix->slots[i].hash));
		INVARIANT(ix->slots[i].record - 1 < a->used);
		INVARIANT(live[ix->slots[i].record - 1]);
	}
	INVARIANT(filled == count);
	return NULL;
}

/* Is @n among the mappings that have its external endpoint? */
static inline bool invariant_is_external(const struct nat *nat, uint32_t n)
{
	const struct mapping *m = mapping_at(&nat->mappings, n);
	uint32_t found =
		mapping_find_external(&nat->mappings, (enum nat_protocol)m->protocol, &m->external);

	while (found != NAT_NONE && found != n)
		found = mapping_next_external(&nat->mappings, found);
	return found == n;
}

/* The list of mapping @n: those that keep it come first, and all are counted. */
static inline const char *invariant_sessions_of(const struct nat *nat, uint32_t n,
						const bool *sessions)
{
	const struct mapping *m = mapping_at(&nat->mappings, n);
	uint32_t before = NAT_NONE, count = 0;
	bool keeping = true;

	for (uint32_t s = m->first_session; s != NAT_NONE; count++) {
		const struct session *session = session_at(&nat->sessions, s);

		INVARIANT(s < nat->sessions.arena.used && sessions[s]);
		INVARIANT(count < m->sessions);
		INVARIANT(session->mapping == n);
		INVARIANT(before == NAT_NONE || session->mapping_previous == before);
		INVARIANT(!session->keeping || keeping); /* those come first */
		keeping = session->keeping;
		before = s;
		s = session->mapping_next;
	}
	INVARIANT(count == 0 ||
		  session_at(&nat->sessions, m->first_session)->mapping_previous == before);
	INVARIANT(count == m->sessions);
	return NULL;
}

static inline const char *invariant_mapping(const struct nat *nat, uint32_t n, const bool *sessions)
{
	const struct mapping *m = mapping_at(&nat->mappings, n);
	const struct endpoint remote = mapping_remote(&nat->mappings, n);
	enum nat_protocol protocol = (enum nat_protocol)m->protocol;
	const char *broken = invariant_sessions_of(nat, n, sessions);
	const struct port_map *map;
	uint32_t address;

	if (broken != NULL)
		return broken;
	INVARIANT(m->protocol < NAT_PROTOCOLS);
	INVARIANT(m->leased || session_any_keeps(&nat->sessions, n));
	INVARIANT(!m->leased || m->behavior == MAPPING_ENDPOINT_INDEPENDENT);
	INVARIANT(!m->leased || nat_has_ports(protocol));
	INVARIANT(!m->leased || m->fixed || m->holds_port);
	INVARIANT(!m->leased || !m->borrowed);
	if (!m->secondary)
		INVARIANT(mapping_find_internal(&nat->mappings, protocol, &m->internal, &remote) ==
			  n);
	INVARIANT(invariant_is_external(nat, n));
	if (m->leads) {
		INVARIANT(!m->secondary && m->behavior == MAPPING_ENDPOINT_INDEPENDENT);
		INVARIANT(mapping_find_external(&nat->mappings, protocol, &m->external) == n);
	}
	/* A host with an address of its own keeps its ports, whatever they are. */
	INVARIANT(m->external.port != 0 || (m->fixed && m->internal.port == 0));
	INVARIANT(host_find(&nat->hosts, &m->internal.addr) == m->host);
	if (!m->holds_port)
		return NULL;
	address = ports_find(&nat->ports, &m->external.addr);
	INVARIANT(address != NAT_NONE);
	map = ports_map(&nat->ports, address, protocol);
	INVARIANT(port_map_is_taken(map, m->external.port));
	return NULL;
}

/* Of those that have its external endpoint, no other is leased: only one can let everybody in. */
static inline bool invariant_is_only_leased(const struct nat *nat, uint32_t n)
{
	const struct mapping *m = mapping_at(&nat->mappings, n);
	uint32_t other =
		mapping_find_external(&nat->mappings, (enum nat_protocol)m->protocol, &m->external);

	while (other != NAT_NONE && (other == n || !mapping_at(&nat->mappings, other)->leased))
		other = mapping_next_external(&nat->mappings, other);
	return other == NAT_NONE;
}

/* What is marked as leased is in the heap, nothing else is, and nothing is below what ends later. */
static inline const char *invariant_leases(const struct nat *nat, const bool *mappings)
{
	const struct lease_table *t = &nat->leases;
	const uint32_t *heap = column_at(&t->heap, 0);
	uint32_t marked = 0;

	for (uint32_t place = 0; place < t->count; place++) {
		uint32_t n = heap[place], above = heap[place > 0 ? (place - 1) / 2 : 0];

		INVARIANT(n < nat->mappings.arena.used && mappings[n]);
		INVARIANT(mapping_at(&nat->mappings, n)->leased);
		INVARIANT(lease_at(t, n)->place == place);
		INVARIANT(lease_at(t, above)->end.ms <= lease_at(t, n)->end.ms);
		INVARIANT(invariant_is_only_leased(nat, n));
	}
	for (uint32_t n = 0; n < nat->mappings.arena.used; n++)
		marked += mappings[n] && mapping_at(&nat->mappings, n)->leased;
	INVARIANT(marked == t->count);
	return NULL;
}

/* Each host's counts are those of its mappings and their sessions. */
static inline const char *invariant_hosts(const struct nat *nat, const bool *mappings)
{
	const struct arena *ha = &nat->hosts.arena;
	uint32_t counted = 0, live = 0;

	for (uint32_t h = 0; h < ha->used; h++) {
		const struct host *host = host_at(&nat->hosts, h);
		uint32_t of[NAT_PROTOCOLS] = { 0 }, sessions[NAT_PROTOCOLS] = { 0 };

		if (!arena_is_live(ha, h))
			continue;
		live++;
		INVARIANT(host->pins == 0);
		INVARIANT(!host_is_idle(host));
		INVARIANT(host_find(&nat->hosts, &host->address) == h);
		for (uint32_t n = 0; n < nat->mappings.arena.used; n++) {
			const struct mapping *m = mapping_at(&nat->mappings, n);

			if (!mappings[n] || m->host != h)
				continue;
			of[m->protocol]++;
			sessions[m->protocol] += m->sessions;
			counted++;
		}
		INVARIANT(memcmp(of, host->mappings, sizeof(of)) == 0);
		INVARIANT(memcmp(sessions, host->sessions, sizeof(sessions)) == 0);
		for (uint32_t i = 0; i < host->block_count; i++)
			INVARIANT(ports_block_owner(&nat->ports, &host->blocks[i]) == h);
	}
	INVARIANT(live == ha->live);
	INVARIANT(counted == nat->mappings.arena.live);
	return NULL;
}

/* Fragments that are held are in the lists of datagrams that wait, or wait to be taken. */
static inline const char *invariant_fragments(const struct nat *nat)
{
	const struct fragment_store *f = &nat->fragments;
	uint32_t held = 0, waiting = 0, count = 0, before = NAT_NONE;

	for (uint32_t n = f->oldest; n != NAT_NONE; n = f->datagrams[n].newer) {
		const struct datagram *d = &f->datagrams[n];

		INVARIANT(count++ < FRAGMENT_DATAGRAMS);
		INVARIANT(d->used);
		INVARIANT(d->older == before);
		waiting += d->state == DATAGRAM_WAITING;
		for (uint32_t h = d->first_held; h != NAT_NONE; h = f->held[h].next, held++) {
			INVARIANT(d->state == DATAGRAM_WAITING);
			INVARIANT(held < f->held_count);
		}
		before = n;
	}
	INVARIANT(f->newest == before);
	INVARIANT(count == f->by_key.count);
	INVARIANT(waiting == f->waiting);
	for (uint32_t h = f->release_first; h != NAT_NONE; h = f->held[h].next)
		held++;
	held += f->released != NAT_NONE;
	INVARIANT(held == f->held_count);
	return NULL;
}

/* Once round the ring: one mapping, one address, one of them in the index. */
static inline const char *invariant_ring(const struct nat *nat, uint32_t n, const bool *live)
{
	const struct session *s = session_at(&nat->sessions, n);
	const struct peers *p = &nat->sessions.peers;
	uint32_t indexed = 0, at = n, steps = 0, found;

	do {
		const struct session *here = session_at(&nat->sessions, at);

		INVARIANT(at < nat->sessions.arena.used && live[at]);
		INVARIANT(steps++ < nat->sessions.arena.live);
		INVARIANT(here->mapping == s->mapping);
		INVARIANT(addr_equal(&here->remote.addr, &s->remote.addr));
		INVARIANT(peers_link(p, peers_link(p, at)->next)->previous == at);
		indexed += peers_link(p, at)->indexed;
		at = peers_link(p, at)->next;
	} while (at != n);
	INVARIANT(indexed == 1);
	found = peers_find(&nat->sessions, s->mapping, &s->remote);
	INVARIANT(found != NAT_NONE);
	INVARIANT(peers_link(p, found)->indexed);
	return NULL;
}

static inline const char *invariant_session(const struct nat *nat, uint32_t n, const bool *live,
					    const bool *mappings)
{
	const struct session_table *t = &nat->sessions;
	const struct session *s = session_at(t, n);
	const struct mapping *m = mapping_at(&nat->mappings, s->mapping);
	enum nat_protocol protocol = (enum nat_protocol)m->protocol;

	INVARIANT(s->mapping < nat->mappings.arena.used && mappings[s->mapping]);
	INVARIANT(s->class < TIMEOUT_CLASSES);
	INVARIANT((s->class == TIMEOUT_UDP || s->class == TIMEOUT_UDP_UNREPLIED ||
		   s->class >= TIMEOUT_PORT) == (protocol == NAT_UDP));
	INVARIANT((s->class == TIMEOUT_ICMP) == (protocol == NAT_ICMP));
	INVARIANT((s->class == TIMEOUT_OTHER) == (protocol == NAT_OTHER));
	INVARIANT((protocol != NAT_ICMP && protocol != NAT_OTHER) || s->remote.port == 0);
	INVARIANT(session_tcp_state(t, n) < TCP_STATES);
	INVARIANT(s->indexed || (m->leads && m->sessions == 1));
	INVARIANT(session_find_internal(t, protocol, &m->internal, &s->remote) == n);
	INVARIANT(session_find_external(t, protocol, &m->external, &s->remote) == n);
	return peers_have(t, n) ? invariant_ring(nat, n, live) : NULL;
}

/* How many sessions stand in both indexes. */
static inline uint32_t invariant_indexed(const struct session_table *t, const bool *live)
{
	uint32_t indexed = 0;

	for (uint32_t n = 0; n < t->arena.used; n++)
		indexed += live[n] && session_at(t, n)->indexed;
	return indexed;
}

/* Every live session is in one list, and each list is in the order in which they end. */
static inline const char *invariant_expiry(const struct nat *nat, const bool *live)
{
	uint32_t listed = 0;

	for (unsigned int i = 0; i < TIMEOUT_CLASSES; i++) {
		const struct session_list *list = &nat->sessions.expiry[i];
		uint32_t before = NAT_NONE;

		for (uint32_t n = list->head; n != NAT_NONE;) {
			const struct session *s = session_at(&nat->sessions, n);

			INVARIANT(n < nat->sessions.arena.used && live[n]);
			INVARIANT(listed++ < nat->sessions.arena.live);
			INVARIANT(s->class == i);
			INVARIANT(s->expiry_previous == before);
			INVARIANT(before == NAT_NONE ||
				  session_at(&nat->sessions, before)->last_use.ms <=
					  s->last_use.ms);
			before = n;
			n = s->expiry_next;
		}
		INVARIANT(list->tail == before);
	}
	INVARIANT(listed == nat->sessions.arena.live);
	return NULL;
}

/* Does mapping @n hold a port? Of those that share one, only the first says so. */
static inline bool invariant_holds_port(const struct nat *nat, uint32_t n)
{
	const struct mapping *m = mapping_at(&nat->mappings, n);
	uint32_t first =
		mapping_find_external(&nat->mappings, (enum nat_protocol)m->protocol, &m->external);

	/* Where UDP and TCP share ports, UDP's mapping says so for both. */
	if (nat->ports.shared && m->protocol == NAT_TCP) {
		uint32_t udp = mapping_find_external(&nat->mappings, NAT_UDP, &m->external);

		if (udp != NAT_NONE && mapping_at(&nat->mappings, udp)->holds_port)
			return false;
	}
	while (first != NAT_NONE && !mapping_at(&nat->mappings, first)->holds_port)
		first = mapping_next_external(&nat->mappings, first);
	return first == n;
}

/* Bitmaps agree with their own counts; what is taken is held by a mapping, fixed, or rests. */
static inline const char *invariant_ports(const struct nat *nat, const bool *mappings)
{
	uint32_t taken = 0, fixed = 0, resting = 0, held = 0, overlaid = 0;

	for (uint32_t i = 0; i < nat->ports.count * NAT_PROTOCOLS; i++) {
		const struct port_map *map = &nat->ports.maps[i];
		uint32_t count = 0;

		for (uint32_t w = 0; w < PORTS_WORDS; w++) {
			bool full = map->full[w / 64] >> (w % 64) & 1;

			count += (uint32_t)__builtin_popcountll(map->taken[w]);
			fixed += (uint32_t)__builtin_popcountll(map->fixed[w]);
			INVARIANT((map->fixed[w] & ~map->taken[w]) == 0);
			INVARIANT(full == (map->taken[w] == UINT64_MAX));
		}
		INVARIANT(map->count == count);
		INVARIANT(!(map->taken[0] & 1));
		taken += count;
	}
	for (int p = 0; p < NAT_OTHER; p++)
		resting += nat->ports.resting[p].count;
	for (uint32_t n = 0; n < nat->mappings.arena.used; n++) {
		const struct mapping *m = mapping_at(&nat->mappings, n);
		uint32_t address = ports_find(&nat->ports, &m->external.addr);

		if (!mappings[n] || !invariant_holds_port(nat, n))
			continue;
		held++;
		/* A port may have become fixed while a mapping held it. */
		overlaid += address != NAT_NONE &&
			    port_map_is_fixed(
				    ports_map(&nat->ports, address, (enum nat_protocol)m->protocol),
				    m->external.port);
	}
	INVARIANT(taken + overlaid == held + fixed + resting);
	return NULL;
}

static inline const char *invariant_records(const struct nat *nat, const bool *mappings,
					    const bool *sessions)
{
	const struct arena *ma = &nat->mappings.arena, *sa = &nat->sessions.arena;
	uint32_t indexed = invariant_indexed(&nat->sessions, sessions);
	uint32_t peers = 0, of_mappings = 0, secondary = 0;
	const char *broken = NULL;

	for (uint32_t n = 0; n < ma->used && broken == NULL; n++) {
		if (!mappings[n])
			continue;
		of_mappings += mapping_at(&nat->mappings, n)->sessions;
		secondary += mapping_at(&nat->mappings, n)->secondary;
		broken = invariant_mapping(nat, n, sessions);
	}
	for (uint32_t n = 0; n < sa->used && broken == NULL; n++) {
		if (!sessions[n])
			continue;
		if (peers_have(&nat->sessions, n))
			peers += peers_link(&nat->sessions.peers, n)->indexed;
		broken = invariant_session(nat, n, sessions, mappings);
	}
	if (broken != NULL)
		return broken;
	INVARIANT(of_mappings == sa->live);
	broken = invariant_index(&nat->sessions.peers.index, peers, sa, sessions);
	if (broken == NULL)
		broken = invariant_index(&nat->sessions.by_internal, indexed, sa, sessions);
	if (broken == NULL)
		broken = invariant_index(&nat->sessions.by_external, indexed, sa, sessions);
	if (broken == NULL)
		broken = invariant_index(&nat->mappings.by_internal, ma->live - secondary, ma,
					 mappings);
	if (broken == NULL)
		broken = invariant_index(&nat->mappings.by_external, ma->live, ma, mappings);
	return broken;
}

static inline const char *nat_invariants(const struct nat *nat)
{
	const struct arena *ma = &nat->mappings.arena, *sa = &nat->sessions.arena;
	bool *mappings = malloc(ma->used + 1), *sessions = malloc(sa->used + 1);
	const char *broken = "a free list is broken";

	if (mappings == NULL || sessions == NULL)
		abort();
	if (invariant_live(ma, mappings) && invariant_live(sa, sessions)) {
		broken = invariant_arena(ma, mappings);
		if (broken == NULL)
			broken = invariant_arena(sa, sessions);
		if (broken == NULL)
			broken = invariant_records(nat, mappings, sessions);
		if (broken == NULL)
			broken = invariant_expiry(nat, sessions);
		if (broken == NULL)
			broken = invariant_ports(nat, mappings);
		if (broken == NULL)
			broken = invariant_leases(nat, mappings);
		if (broken == NULL)
			broken = invariant_hosts(nat, mappings);
		if (broken == NULL)
			broken = invariant_fragments(nat);
	}
	free(mappings);
	free(sessions);
	return broken;
}

#endif
