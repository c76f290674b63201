/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lifetime.c - how long sessions and mappings live
 * Ties together what session.c, mapping.c and ports.c each know a part of: when a session ends,
 * its mapping may end, and with that a port becomes free.
 */
#include "nat/core/steps.h"

static bool is_expired(const struct nat *nat, uint32_t session, struct mono now)
{
	return session_is_expired(session_at(&nat->sessions, session), &nat->options, now);
}

static void remove_mapping(struct nat *nat, uint32_t n)
{
	const struct mapping *m = mapping_at(&nat->mappings, n);

	ports_release(&nat->ports, (enum nat_protocol)m->protocol, &m->external);
	mapping_remove(&nat->mappings, n);
}

void lifetime_remove_session(struct nat *nat, uint32_t session)
{
	uint32_t mapping = session_at(&nat->sessions, session)->mapping;

	session_remove(&nat->sessions, session);
	if (mapping_at(&nat->mappings, mapping)->sessions == 0)
		remove_mapping(nat, mapping);
}

void lifetime_remove_mapping(struct nat *nat, uint32_t mapping)
{
	const struct mapping *m = mapping_at(&nat->mappings, mapping);

	while (m->sessions > 0)
		session_remove(&nat->sessions, m->first_session);
	remove_mapping(nat, mapping);
}

uint32_t lifetime_live_session(struct nat *nat, uint32_t session, struct mono now)
{
	if (session == NAT_NONE || !is_expired(nat, session, now))
		return session;
	lifetime_remove_session(nat, session);
	return NAT_NONE;
}

/* The walk is long only over sessions that are due, and each of those is walked once. */
uint32_t lifetime_live_mapping(struct nat *nat, uint32_t mapping, struct mono now)
{
	const struct mapping *m;

	if (mapping == NAT_NONE)
		return NAT_NONE;
	m = mapping_at(&nat->mappings, mapping);
	while (m->sessions > 1 && is_expired(nat, m->first_session, now))
		session_remove(&nat->sessions, m->first_session);
	return lifetime_live_session(nat, m->first_session, now) != NAT_NONE ? mapping : NAT_NONE;
}

/* More than the timer takes at once: a packet is refused only if there is no room indeed. */
enum { ROOM_BUDGET = 4096 };

bool lifetime_make_room(struct nat *nat, struct mono now)
{
	uint32_t before = nat->sessions.arena.live;

	nat_tick(nat, now, ROOM_BUDGET);
	return nat->sessions.arena.live < before;
}

static enum timeout_class first_class(enum nat_protocol protocol)
{
	switch (protocol) {
	case NAT_UDP:
		return TIMEOUT_UDP;
	case NAT_TCP:
		return TIMEOUT_TCP_TRANSITORY;
	case NAT_ICMP:
	case NAT_PROTOCOLS:
		break;
	}
	return TIMEOUT_ICMP;
}

uint32_t lifetime_add_session(struct nat *nat, uint32_t mapping, const struct endpoint *remote,
			      struct mono now)
{
	enum nat_protocol protocol =
		(enum nat_protocol)mapping_at(&nat->mappings, mapping)->protocol;

	return session_add(&nat->sessions, mapping, remote, first_class(protocol), now);
}

static void account_tcp(struct nat *nat, uint32_t session, const struct packet *pkt,
			enum nat_side from, struct mono now)
{
	const struct tcp_segment segment = {
		.flags = pkt->tcp_flags,
		.sequence = pkt->tcp_sequence,
		.acknowledgment = pkt->tcp_acknowledgment,
		.payload = pkt->tcp_payload,
	};

	switch (tcp_track(&session_at(&nat->sessions, session)->tcp, &segment, from)) {
	case TCP_TIMER_KEEP:
		break;
	case TCP_TIMER_ESTABLISHED:
		session_touch(&nat->sessions, session, TIMEOUT_TCP_ESTABLISHED, now);
		break;
	case TCP_TIMER_TRANSITORY:
		session_touch(&nat->sessions, session, TIMEOUT_TCP_TRANSITORY, now);
		break;
	}
}

static bool refreshes(enum refresh_behavior refresh, enum nat_side from)
{
	switch (refresh) {
	case REFRESH_OUTBOUND:
		return from == NAT_INTERNAL;
	case REFRESH_INBOUND:
		return from == NAT_EXTERNAL;
	case REFRESH_BOTH:
		return true;
	}
	return false;
}

void lifetime_account(struct nat *nat, uint32_t session, const struct packet *pkt,
		      enum nat_side from, struct mono now)
{
	struct session *s = session_at(&nat->sessions, session);
	enum nat_protocol protocol =
		(enum nat_protocol)mapping_at(&nat->mappings, s->mapping)->protocol;

	s->traffic[from].packets++;
	s->traffic[from].bytes += pkt->length;
	if (protocol == NAT_TCP)
		account_tcp(nat, session, pkt, from, now);
	else if (refreshes(nat->options.protocol[protocol].refresh, from))
		session_touch(&nat->sessions, session, (enum timeout_class)s->class, now);
}
