/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/core/steps.h"

/*
 * Pass without a session: a session would live on its own timer and keep the mapping with it,
 * and inbound traffic may not do that where only outbound traffic refreshes (RFC 4787 REQ-6,
 * RFC 7857 section 7).
 */
static struct nat_outcome pass_once(struct nat *nat, const struct packet *pkt, uint32_t mapping)
{
	struct traffic *past = &mapping_at(&nat->mappings, mapping)->past[NAT_EXTERNAL];

	past->packets++;
	past->bytes += pkt->length;
	return rewritten(REASON_ADMITTED, mapping, NAT_NONE);
}

/* Admitted from a remote endpoint that has no session with the mapping yet. */
static struct nat_outcome admit(struct nat *nat, const struct packet *pkt,
				enum nat_protocol protocol, uint32_t mapping,
				const struct endpoint *remote, struct mono now)
{
	const struct endpoint *internal = &mapping_at(&nat->mappings, mapping)->internal;
	bool tcp = protocol == NAT_TCP;
	uint32_t session;

	if (tcp && !tcp_opens(pkt->tcp_flags))
		return drop(REASON_TCP_NO_SESSION);
	if (!tcp && nat->options.protocol[protocol].refresh == REFRESH_OUTBOUND)
		return pass_once(nat, pkt, mapping);
	/* The internal host tells its peers apart by their endpoint alone: where it already has
	 * this one through another mapping, a second session could never be told from the first. */
	session = session_find_internal(&nat->sessions, protocol, internal, remote);
	if (lifetime_live_session(nat, session, now) != NAT_NONE)
		return tcp ? drop(REASON_TUPLE_TAKEN) : pass_once(nat, pkt, mapping);
	/* The mapping itself is alive, so making room leaves it where it is. */
	if (arena_full(&nat->sessions.arena) && !lifetime_make_room(nat, now))
		return drop_by(REASON_SESSIONS_FULL, OPT_NAT_MAX_SESSIONS, mapping);
	session = lifetime_add_session(nat, mapping, remote, now);
	return rewritten(REASON_SESSION_CREATED, mapping, session);
}

struct nat_outcome inbound_translate(struct nat *nat, struct packet *pkt,
				     enum nat_protocol protocol, struct mono now)
{
	const struct endpoint external = pkt->destination;
	struct endpoint remote = pkt->source;
	struct nat_outcome outcome;
	uint32_t session, mapping;

	if (protocol == NAT_ICMP) {
		if (packet_is_icmp_request(pkt))
			return drop(REASON_NO_MAPPING); /* for the router itself, never mapped */
		remote.port = 0;
	}
	session = session_find_external(&nat->sessions, protocol, &external, &remote);
	session = lifetime_live_session(nat, session, now);
	if (session != NAT_NONE) {
		outcome = rewritten(REASON_TRANSLATED, session_at(&nat->sessions, session)->mapping,
				    session);
	} else {
		mapping = mapping_find_external(&nat->mappings, protocol, &external);
		mapping = lifetime_live_mapping(nat, mapping, now);
		if (mapping == NAT_NONE)
			return drop(REASON_NO_MAPPING);
		if (!filter_admits(nat, mapping, &remote, now))
			return drop_by(REASON_FILTERED, option_of(OPT_UDP_FILTERING, protocol),
				       mapping);
		outcome = admit(nat, pkt, protocol, mapping, &remote, now);
		if (outcome.verdict == NAT_DROPPED)
			return outcome;
	}
	if (outcome.session != NAT_NONE)
		lifetime_account(nat, outcome.session, pkt, NAT_EXTERNAL, now);
	packet_set_destination(pkt, &mapping_at(&nat->mappings, outcome.mapping)->internal);
	return outcome;
}
