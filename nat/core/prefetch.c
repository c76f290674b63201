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

/* The first record under @hash, as good a guess as any. */
static uint32_t first_under(const struct index *ix, uint32_t hash)
{
	uint32_t at = index_first(ix, hash);

	return index_record(ix, hash, &at);
}

/* --- packets of known sessions -------------------------------------------------------------- */

static const struct endpoint *own_of(const struct prefetch_packet *coming)
{
	return coming->from == NAT_INTERNAL ? &coming->packet->source
					    : &coming->packet->destination;
}

static const struct endpoint *remote_of(const struct prefetch_packet *coming)
{
	return coming->from == NAT_INTERNAL ? &coming->packet->destination
					    : &coming->packet->source;
}

static const struct index *mapping_index(const struct nat *nat, enum nat_side from)
{
	return from == NAT_INTERNAL ? &nat->mappings.by_internal : &nat->mappings.by_external;
}

static const struct index *session_index(const struct nat *nat, enum nat_side from)
{
	return from == NAT_INTERNAL ? &nat->sessions.by_internal : &nat->sessions.by_external;
}

static void seek_mapping(const struct nat *nat, const struct prefetch_packet *coming,
			 struct prefetch_trail *trail)
{
	/* Its internal key may have a remote part; but then it leads to no session either. */
	trail->hash = mapping_hash_external(&nat->mappings, nat_protocol_of(coming->packet),
					    own_of(coming));
	trail->stage = PREFETCH_MAPPING_BY_KEY;
	fetch_slot(mapping_index(nat, coming->from), trail->hash);
}

static void seek_session(const struct nat *nat, const struct prefetch_packet *coming,
			 struct prefetch_trail *trail)
{
	trail->hash = session_hash(&nat->sessions, nat_protocol_of(coming->packet), own_of(coming),
				   remote_of(coming));
	trail->stage = PREFETCH_SESSION_BY_KEY;
	fetch_slot(session_index(nat, coming->from), trail->hash);
}

static void fetch_session(const struct nat *nat, uint32_t n, struct prefetch_trail *trail)
{
	trail->record = n;
	trail->stage = PREFETCH_SESSION;
	fetch(session_at(&nat->sessions, n)); /* its first and its last line */
	fetch(&session_at(&nat->sessions, n)->mapping_previous);
}

/* Its mapping; and if its timer starts again, its neighbours in the expiry list let go of it. */
static void fetch_around(const struct nat *nat, uint32_t n, const struct prefetch_packet *coming)
{
	const struct packet *pkt = coming->packet;
	const struct session_table *t = &nat->sessions;
	const struct session *s = session_at(t, n);

	fetch(mapping_at(&nat->mappings, s->mapping));
	if (pkt->protocol == PACKET_TCP) { /* perhaps in two lines */
		fetch(session_tcp(t, n));
		fetch(session_tcp(t, n) + 1);
	}
	if (!lifetime_refreshes(nat, nat_protocol_of(pkt), coming->from))
		return;
	if (s->expiry_next != NAT_NONE)
		fetch(&session_at(t, s->expiry_next)->expiry_previous);
	if (s->expiry_previous != NAT_NONE)
		fetch(&session_at(t, s->expiry_previous)->expiry_next);
}

/* Where an internal endpoint has a mapping for each remote, that leads nowhere. */
static bool may_lead(const struct nat *nat, const struct prefetch_packet *coming)
{
	return coming->from == NAT_EXTERNAL ||
	       nat->options.protocol[nat_protocol_of(coming->packet)].mapping ==
		       MAPPING_ENDPOINT_INDEPENDENT;
}

static struct prefetch_trail begin(const struct nat *nat, const struct prefetch_packet *coming)
{
	struct prefetch_trail trail = { .stage = PREFETCH_END };

	if (coming->from == NAT_NOWHERE || packet_parse(coming->packet) != PACKET_OK ||
	    !nat_has_ports(nat_protocol_of(coming->packet)))
		return trail;
	if (may_lead(nat, coming))
		seek_mapping(nat, coming, &trail);
	else
		seek_session(nat, coming, &trail);
	return trail;
}

/* One stage further: what the last one has asked for is there. */
static void follow(const struct nat *nat, const struct prefetch_packet *coming,
		   struct prefetch_trail *trail)
{
	const struct mapping *m;
	uint32_t n;

	switch (trail->stage) {
	case PREFETCH_MAPPING_BY_KEY:
		n = first_under(mapping_index(nat, coming->from), trail->hash);
		if (n == NAT_NONE) {
			seek_session(nat, coming, trail);
			return;
		}
		trail->record = n;
		trail->stage = PREFETCH_MAPPING;
		fetch(mapping_at(&nat->mappings, n));
		return;
	case PREFETCH_MAPPING:
		m = mapping_at(&nat->mappings, trail->record);
		if (m->sessions == 1)
			fetch_session(nat, m->first_session, trail);
		else
			seek_session(nat, coming, trail);
		return;
	case PREFETCH_SESSION_BY_KEY:
		n = first_under(session_index(nat, coming->from), trail->hash);
		trail->stage = PREFETCH_END;
		if (n != NAT_NONE)
			fetch_session(nat, n, trail);
		return;
	case PREFETCH_SESSION:
		trail->stage = PREFETCH_END;
		if (!endpoint_equal(&session_at(&nat->sessions, trail->record)->remote,
				    remote_of(coming)))
			return; /* a new one, then */
		coming->packet->hint = trail->record + 1;
		fetch_around(nat, trail->record, coming);
		return;
	case PREFETCH_END:
	case PREFETCH_STAGES:
		return;
	}
}

/*
 * Each packet takes some steps, and each step reads what the one before has asked for. Between two
 * steps of one packet others are processed, so that their memory is waited for while there is work:
 * a processor has only so many fetches under way, and a whole batch at once is more.
 */
void prefetch_advance(struct prefetch *p)
{
	unsigned int at = p->at++;

	if (at < p->count)
		p->trails[at] = begin(p->nat, &p->coming[at]);
	for (int step = 1; step < PREFETCH_STAGES && at >= PREFETCH_DISTANCE; step++) {
		at -= PREFETCH_DISTANCE;
		if (at < p->count)
			follow(p->nat, &p->coming[at], &p->trails[at]);
	}
}

void prefetch_start(struct prefetch *p, const struct nat *nat, const struct prefetch_packet *coming,
		    unsigned int count)
{
	p->nat = nat;
	p->coming = coming;
	p->count = count;
	p->at = 0;
	while (p->at < PREFETCH_STAGES * PREFETCH_DISTANCE)
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

/* Two entries of indexes go with a mapping, and two with a session that has any. */
static void fetch_entries(const struct prefetch_ends *p, struct prefetch_end *end)
{
	const struct session_table *sessions = &p->nat->sessions;
	const struct mapping_table *mappings = &p->nat->mappings;
	const struct session *s = session_at(sessions, p->near);
	const struct mapping *m = mapping_at(mappings, s->mapping);
	const struct tuple_key *key = &mappings->key;
	uint64_t internal = tuple_first(key, (enum nat_protocol)m->protocol, &m->internal);
	uint64_t external = tuple_first(key, (enum nat_protocol)m->protocol, &m->external);
	uint64_t remote = 0;

	if (m->behavior != MAPPING_ENDPOINT_INDEPENDENT) {
		const struct endpoint part = mapping_remote(mappings, s->mapping);

		remote = tuple_second(key, &part);
	}
	end->session.record = p->near;
	end->mapping.record = s->mapping;
	end->mapping.hashes.internal = tuple_join(internal, remote);
	end->mapping.hashes.external = tuple_join(external, 0);
	fetch_slots_from(&mappings->by_internal, end->mapping.hashes.internal);
	fetch_slots_from(&mappings->by_external, end->mapping.hashes.external);
	if (!s->indexed)
		return;
	remote = tuple_second(key, &s->remote);
	end->session.hashes.internal = tuple_join(internal, remote);
	end->session.hashes.external = tuple_join(external, remote);
	fetch_slots_from(&sessions->by_internal, end->session.hashes.internal);
	fetch_slots_from(&sessions->by_external, end->session.hashes.external);
}

const struct prefetch_end *prefetch_end(struct prefetch_ends *p)
{
	unsigned int at = p->at++;

	fetch_mapping(p);
	if (p->near != NAT_NONE) {
		fetch_entries(p, &p->ends[(at + PREFETCH_DISTANCE) % (2 * PREFETCH_DISTANCE)]);
		p->near = session_at(&p->nat->sessions, p->near)->expiry_next;
	}
	return &p->ends[at % (2 * PREFETCH_DISTANCE)];
}

void prefetch_ends(struct prefetch_ends *p, const struct nat *nat, enum timeout_class class)
{
	static const struct prefetch_end none = { .session.record = NAT_NONE,
						  .mapping.record = NAT_NONE };

	*p = (struct prefetch_ends){ .nat = nat };
	p->far = p->near = nat->sessions.expiry[class].head;
	for (int i = 0; i < 2 * PREFETCH_DISTANCE; i++)
		p->ends[i] = none;
	for (int i = 0; i < PREFETCH_DISTANCE; i++)
		fetch_mapping(p);
	for (int i = 0; i < PREFETCH_DISTANCE; i++)
		prefetch_end(p);
}
