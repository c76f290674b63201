/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/core/steps.h"

/* All of one host's mappings hash alike, which is what pairs them with one external address. */
static uint32_t host_hash(const struct nat *nat, const struct endpoint *internal)
{
	const struct endpoint host = { .addr = internal->addr };

	return tuple_hash(&nat->mappings.key, NAT_UDP, &host, &host);
}

/* A mapping for @internal that has no session yet; the caller adds one at once. */
static uint32_t make_mapping(struct nat *nat, enum nat_protocol protocol,
			     const struct endpoint *internal, const struct endpoint *remote_part,
			     struct mono now, struct nat_outcome *refused)
{
	struct mapping wanted = {
		.protocol = (uint8_t)protocol,
		.behavior = (uint8_t)nat->options.protocol[protocol].mapping,
		.internal = *internal,
		.remote = *remote_part,
		.created = now,
	};

	*refused = drop_by(REASON_MAPPINGS_FULL, OPT_NAT_MAX_MAPPINGS, NAT_NONE);
	if (arena_full(&nat->mappings.arena))
		return NAT_NONE;
	if (!ports_pick(&nat->ports, &nat->options, protocol, internal, host_hash(nat, internal),
			&nat->rng, &wanted.external)) {
		*refused = drop_by(REASON_PORTS_EXHAUSTED, OPT_NAT_EXTERNAL, NAT_NONE);
		return NAT_NONE;
	}
	return mapping_add(&nat->mappings, &wanted);
}

/* First packet between these two endpoints: find or make the mapping, make the session. */
static struct nat_outcome open_session(struct nat *nat, enum nat_protocol protocol,
				       const struct endpoint *internal,
				       const struct endpoint *remote, struct mono now)
{
	struct endpoint part = mapping_remote_part(nat->options.protocol[protocol].mapping, remote);
	enum nat_reason reason = REASON_SESSION_CREATED;
	struct nat_outcome refused;
	uint32_t mapping;

	if (arena_full(&nat->sessions.arena))
		return drop_by(REASON_SESSIONS_FULL, OPT_NAT_MAX_SESSIONS, NAT_NONE);
	mapping = mapping_find_internal(&nat->mappings, protocol, internal, &part);
	mapping = lifetime_live_mapping(nat, mapping, now);
	if (mapping == NAT_NONE) {
		reason = REASON_MAPPING_CREATED;
		mapping = make_mapping(nat, protocol, internal, &part, now, &refused);
		if (mapping == NAT_NONE)
			return refused;
	}
	return rewritten(reason, mapping, lifetime_add_session(nat, mapping, remote, now));
}

struct nat_outcome outbound_translate(struct nat *nat, struct packet *pkt,
				      enum nat_protocol protocol, struct mono now)
{
	const struct endpoint internal = pkt->source;
	struct endpoint remote = pkt->destination;
	struct nat_outcome outcome;
	uint32_t session;

	if (protocol == NAT_ICMP) {
		if (!packet_is_icmp_request(pkt))
			return drop(REASON_ICMP_TYPE);
		remote.port = 0;
	}
	session = session_find_internal(&nat->sessions, protocol, &internal, &remote);
	session = lifetime_live_session(nat, session, now);
	if (session != NAT_NONE) {
		outcome = rewritten(REASON_TRANSLATED, session_at(&nat->sessions, session)->mapping,
				    session);
	} else {
		if (protocol == NAT_TCP && !tcp_opens(pkt->tcp_flags))
			return drop(REASON_TCP_NO_SESSION);
		outcome = open_session(nat, protocol, &internal, &remote, now);
		if (outcome.verdict == NAT_DROPPED && lifetime_make_room(nat, now))
			outcome = open_session(nat, protocol, &internal, &remote, now);
		if (outcome.verdict == NAT_DROPPED)
			return outcome;
	}
	lifetime_account(nat, outcome.session, pkt, NAT_INTERNAL, now);
	packet_set_source(pkt, &mapping_at(&nat->mappings, outcome.mapping)->external);
	return outcome;
}
