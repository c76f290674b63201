/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/core/prefetch.h"

#include "nat/core/steps.h"

/* The compiler takes a function that does nothing but this for one without effect, and leaves out its
 * calls; the empty statement after it has an effect by definition. */
static void fetch(const void *at)
{
	__builtin_prefetch(at, 1);
	__asm__ volatile("");
}

static void fetch_slot(const struct index *ix, uint32_t hash)
{
	fetch(&ix->slots[index_first(ix, hash)]);
}

/* One that will be removed: those that follow it move back, some fifteen in an index that is full. */
static void fetch_slots_from(const struct index *ix, uint32_t hash)
{
	const struct index_slot *slot = &ix->slots[index_first(ix, hash)];

	fetch(slot);
	fetch(slot + BLOCK_LINE / sizeof(*slot));
}

/* --- packets of known sessions -------------------------------------------------------------- */

static struct prefetch_trail begin(const struct nat *nat, const struct prefetch_packet *coming)
{
	const struct session_table *t = &nat->sessions;
	struct packet *pkt = coming->packet;
	struct prefetch_trail trail = { NULL };

	if (coming->from == NAT_NOWHERE || packet_parse(pkt) != PACKET_OK ||
	    !nat_has_ports(nat_protocol_of(pkt)))
		return trail;
	trail.index = coming->from == NAT_INTERNAL ? &t->by_internal : &t->by_external;
	trail.hash = session_hash(t, nat_protocol_of(pkt),
				  coming->from == NAT_INTERNAL ? &pkt->source : &pkt->destination,
				  coming->from == NAT_INTERNAL ? &pkt->destination : &pkt->source);
	fetch_slot(trail.index, trail.hash);
	return trail;
}

static void fetch_session(const struct nat *nat, const struct prefetch_trail *trail,
			  struct packet *pkt)
{
	uint32_t at, n;

	if (trail->index == NULL)
		return;
	at = index_first(trail->index, trail->hash);
	n = index_record(trail->index, trail->hash, &at);
	if (n == NAT_NONE)
		return;
	pkt->hint = n + 1;
	fetch(session_at(&nat->sessions, n)); /* its first and its last line */
	fetch(&session_at(&nat->sessions, n)->mapping_previous);
}

/* Its mapping; and if its timer starts again, its neighbours in the expiry list let go of it. */
static void fetch_around(const struct nat *nat, const struct prefetch_packet *coming)
{
	const struct packet *pkt = coming->packet;
	const struct session_table *t = &nat->sessions;
	const struct session *s;

	if (pkt->hint == 0)
		return;
	s = session_at(t, pkt->hint - 1);
	fetch(mapping_at(&nat->mappings, s->mapping));
	if (pkt->protocol == PACKET_TCP) { /* perhaps in two lines */
		fetch(session_tcp(t, pkt->hint - 1));
		fetch(session_tcp(t, pkt->hint - 1) + 1);
	}
	if (!lifetime_refreshes(nat, nat_protocol_of(pkt), coming->from))
		return;
	if (s->expiry_next != NAT_NONE)
		fetch(&session_at(t, s->expiry_next)->expiry_previous);
	if (s->expiry_previous != NAT_NONE)
		fetch(&session_at(t, s->expiry_previous)->expiry_next);
}

/*
 * Each packet takes three steps, and each step reads what the one before has asked for. Between two
 * steps of one packet others are processed, so that their memory is waited for while there is work:
 * a processor has only so many fetches under way, and a whole batch at once is more.
 */
void prefetch_advance(struct prefetch *p)
{
	unsigned int at = p->at++;

	if (at < p->count)
		p->trails[at] = begin(p->nat, &p->coming[at]);
	if (at >= PREFETCH_DISTANCE && at - PREFETCH_DISTANCE < p->count)
		fetch_session(p->nat, &p->trails[at - PREFETCH_DISTANCE],
			      p->coming[at - PREFETCH_DISTANCE].packet);
	if (at >= 2 * PREFETCH_DISTANCE && at - 2 * PREFETCH_DISTANCE < p->count)
		fetch_around(p->nat, &p->coming[at - 2 * PREFETCH_DISTANCE]);
}

void prefetch_start(struct prefetch *p, const struct nat *nat, const struct prefetch_packet *coming,
		    unsigned int count)
{
	p->nat = nat;
	p->coming = coming;
	p->count = count;
	p->at = 0;
	while (p->at < 3 * PREFETCH_DISTANCE)
		prefetch_advance(p);
}

/* --- the end of sessions -------------------------------------------------------------------- */

/* One that was removed meanwhile leads astray, but to numbers of records that exist. */
static void fetch_mapping(struct prefetch_ends *p)
{
	const struct session *s;

	if (p->far == NAT_NONE)
		return;
	s = session_at(&p->nat->sessions, p->far);
	fetch(mapping_at(&p->nat->mappings, s->mapping));
	p->far = s->expiry_next;
}

/* Four entries of indexes go with a session and its mapping. */
static struct prefetch_end fetch_slots(struct prefetch_ends *p)
{
	const struct session_table *sessions = &p->nat->sessions;
	const struct mapping_table *mappings = &p->nat->mappings;
	const struct session *s = session_at(sessions, p->near);
	const struct mapping *m = mapping_at(mappings, s->mapping);
	const struct endpoint part = mapping_remote(mappings, s->mapping);
	const struct tuple_key *key = &mappings->key;
	uint64_t internal = tuple_first(key, (enum nat_protocol)m->protocol, &m->internal);
	uint64_t external = tuple_first(key, (enum nat_protocol)m->protocol, &m->external);
	uint64_t remote = tuple_second(key, &s->remote);
	const struct prefetch_end end = {
		.session = { p->near,
			     { tuple_join(internal, remote), tuple_join(external, remote) } },
		.mapping = { s->mapping,
			     { tuple_join(internal, tuple_second(key, &part)),
			       tuple_join(external, 0) } },
	};

	fetch_slots_from(&sessions->by_internal, end.session.hashes.internal);
	fetch_slots_from(&sessions->by_external, end.session.hashes.external);
	fetch_slots_from(&mappings->by_internal, end.mapping.hashes.internal);
	fetch_slots_from(&mappings->by_external, end.mapping.hashes.external);
	p->near = s->expiry_next;
	return end;
}

struct prefetch_end prefetch_end(struct prefetch_ends *p)
{
	struct prefetch_end *place = &p->ends[p->at++ % PREFETCH_DISTANCE], end = *place;

	fetch_mapping(p);
	if (p->near != NAT_NONE)
		*place = fetch_slots(p);
	return end;
}

void prefetch_ends(struct prefetch_ends *p, const struct nat *nat, enum timeout_class class)
{
	static const struct prefetch_end none = { .session.record = NAT_NONE,
						  .mapping.record = NAT_NONE };

	*p = (struct prefetch_ends){ .nat = nat };
	p->far = p->near = nat->sessions.expiry[class].head;
	for (int i = 0; i < PREFETCH_DISTANCE; i++)
		p->ends[i] = none;
	for (int i = 0; i < PREFETCH_DISTANCE; i++)
		fetch_mapping(p);
	for (int i = 0; i < PREFETCH_DISTANCE; i++)
		prefetch_end(p);
}
