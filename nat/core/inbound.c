/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/core/steps.h"

void inbound_count_once(struct nat *nat, const struct packet *pkt, uint32_t mapping)
{
	const struct traffic once = { .packets = 1, .bytes = pkt->length };

	mapping_add_past(&nat->mappings, mapping, NAT_EXTERNAL, &once);
}

/*
 * May a packet that filtering admits leave a session? It would live on its own timer and keep the
 * mapping with it, and inbound traffic may not do that where only outbound traffic refreshes
 * (RFC 4787 REQ-6, RFC 7857 section 7). Connections, and what is fixed, are another matter.
 */
static bool leaves_session(const struct nat *nat, const struct flow *flow, const struct mapping *m)
{
	return flow->protocol == NAT_TCP || m->fixed ||
	       nat->options.protocol[flow->protocol].refresh != REFRESH_OUTBOUND;
}

/* The knob that lets a new remote send to @m: what made it open to everybody, or filtering. */
static enum option_id admitting_knob(const struct nat *nat, const struct mapping *m)
{
	if (m->fixed)
		return forward_knob(nat, m);
	if (m->leased)
		return OPT_PCP_SERVER;
	return option_of(OPT_UDP_FILTERING, (enum nat_protocol)m->protocol);
}

/* Admitted from a remote endpoint that has no session with the mapping yet. */
static struct nat_outcome admit(struct nat *nat, const struct packet *pkt, const struct flow *flow,
				uint32_t mapping, struct mono now)
{
	const struct mapping *m = mapping_at(&nat->mappings, mapping);
	enum option_id knob = admitting_knob(nat, m);
	bool tcp = flow->protocol == NAT_TCP;
	struct nat_outcome refused;
	uint32_t session;

	/* A RST that matches a mapping is forwarded, and changes nothing (RFC 7857 section 2.2). */
	if (tcp && (pkt->tcp_flags & PACKET_TCP_RST))
		return rewritten_by(REASON_ADMITTED, knob, mapping, NAT_NONE);
	if (tcp && !tcp_opens(pkt->tcp_flags))
		return drop(REASON_TCP_NO_SESSION);
	if (!leaves_session(nat, flow, m))
		return rewritten_by(REASON_ADMITTED, knob, mapping, NAT_NONE);
	/* The internal host tells its peers apart by their endpoint alone: where it already has
	 * this one through another mapping, a second session could never be told from the first. */
	session =
		session_find_internal(&nat->sessions, flow->protocol, &m->internal, &flow->remote);
	if (lifetime_live_session(nat, session, now) != NAT_NONE)
		return tcp ? drop(REASON_TUPLE_TAKEN)
			   : rewritten_by(REASON_ADMITTED, knob, mapping, NAT_NONE);
	/* The mapping itself is alive or just made, so making room leaves it where it is. */
	if (!lifetime_admits_session(nat, mapping, &refused, now) &&
	    !(lifetime_make_room(nat, now) && lifetime_admits_session(nat, mapping, &refused, now)))
		return refused;
	session = lifetime_add_session(nat, mapping, &flow->remote, NAT_EXTERNAL, now);
	return rewritten_by(REASON_SESSION_CREATED, knob, mapping, session);
}

/* A mapping of @internal that is over must not make a new one secondary. */
static void forget_over(struct nat *nat, enum nat_protocol protocol,
			const struct endpoint *internal, struct mono now)
{
	static const struct endpoint nowhere;

	lifetime_live_mapping(
		nat, mapping_find_internal(&nat->mappings, protocol, internal, &nowhere), now);
}

/* A mapping for what a forward, a pair or the DMZ leads to @internal; NAT_NONE: no room. */
static uint32_t make_fixed(struct nat *nat, const struct flow *flow,
			   const struct endpoint *internal, bool holds_port, struct mono now)
{
	struct mapping wanted = {
		.protocol = (uint8_t)flow->protocol,
		.behavior = MAPPING_ENDPOINT_INDEPENDENT,
		.fixed = true,
		.holds_port = holds_port,
		.internal = *internal,
		.external = flow->own,
		.created = now,
	};
	uint32_t address = ports_find(&nat->ports, &flow->own.addr), mapping;

	if (arena_full(&nat->mappings.arena) || arena_full(&nat->sessions.arena))
		lifetime_make_room(nat, now);
	if (arena_full(&nat->mappings.arena) || arena_full(&nat->sessions.arena))
		return NAT_NONE;
	forget_over(nat, flow->protocol, internal, now);
	wanted.host = host_pin(&nat->hosts, &internal->addr);
	if (wanted.host == NAT_NONE)
		return NAT_NONE;
	if (holds_port)
		port_map_take(ports_map(&nat->ports, address, flow->protocol), flow->own.port);
	mapping = lifetime_add_mapping(nat, &wanted, &flow->remote, now);
	lifetime_unpin_host(nat, wanted.host);
	return mapping;
}

/*
 * Where UDP and TCP share their endpoints, a mapping of the one leads in for the other too, if
 * filtering lets everybody in.
 */
static uint32_t make_sibling(struct nat *nat, const struct flow *flow, struct mono now)
{
	struct mapping wanted = { .protocol = (uint8_t)flow->protocol,
				  .behavior = MAPPING_ENDPOINT_INDEPENDENT,
				  .external = flow->own,
				  .holds_port = true,
				  .created = now };
	uint32_t n;

	if (!nat->ports.shared || !nat_has_ports(flow->protocol) ||
	    nat->options.protocol[flow->protocol].filtering != FILTERING_ENDPOINT_INDEPENDENT)
		return NAT_NONE;
	if (arena_full(&nat->mappings.arena) || arena_full(&nat->sessions.arena))
		lifetime_make_room(nat, now);
	n = lifetime_live_external(nat, sibling_of(flow->protocol), &flow->own, now);
	if (n == NAT_NONE || !mapping_at(&nat->mappings, n)->holds_port ||
	    mapping_at(&nat->mappings, n)->borrowed || arena_full(&nat->mappings.arena) ||
	    arena_full(&nat->sessions.arena))
		return NAT_NONE;
	wanted.internal = mapping_at(&nat->mappings, n)->internal;
	wanted.host = mapping_at(&nat->mappings, n)->host;
	/* The host may have this remote through another mapping, as in admit(). */
	n = session_find_internal(&nat->sessions, flow->protocol, &wanted.internal, &flow->remote);
	if (lifetime_live_session(nat, n, now) != NAT_NONE)
		return NAT_NONE;
	forget_over(nat, flow->protocol, &wanted.internal, now);
	return lifetime_add_mapping(nat, &wanted, &flow->remote, now);
}

/* The first packet of a protocol to an endpoint that its sibling has. */
static struct nat_outcome open_sibling(struct nat *nat, const struct packet *pkt,
				       const struct flow *flow, struct mono now)
{
	uint32_t mapping, session;

	if (flow->protocol == NAT_TCP && !tcp_opens(pkt->tcp_flags))
		return unmatched_answer(nat, pkt, flow, now);
	mapping = make_sibling(nat, flow, now);
	if (mapping == NAT_NONE)
		return unmatched_answer(nat, pkt, flow, now);
	session = lifetime_add_session(nat, mapping, &flow->remote, NAT_EXTERNAL, now);
	session_keep(&nat->sessions, session); /* no mapping is without one that keeps it */
	mapping_at(&nat->mappings, mapping)->borrowed = true;
	return rewritten_by(REASON_MAPPING_CREATED, OPT_NAT_PROTOCOL_SCOPE, mapping, session);
}

/* Is the endpoint of @flow somebody's by the protocol that shares its ports, if one does? */
static bool sibling_has_mapping(struct nat *nat, const struct flow *flow, struct mono now)
{
	return nat->ports.shared && nat_has_ports(flow->protocol) &&
	       lifetime_live_external(nat, sibling_of(flow->protocol), &flow->own, now) != NAT_NONE;
}

/* Nobody has this external endpoint: who would get it? */
static struct nat_outcome open_fixed(struct nat *nat, const struct packet *pkt,
				     const struct flow *flow, struct mono now)
{
	struct endpoint internal;
	struct nat_outcome outcome;
	uint32_t mapping;
	bool dmz = false;

	if (!forward_inbound(nat, flow->protocol, &flow->own, &internal)) {
		sibling_has_mapping(nat, flow, now); /* one that is over is in nobody's way */
		dmz = forward_dmz(nat, flow->protocol, &flow->own, &internal);
		if (!dmz)
			return open_sibling(nat, pkt, flow, now);
	}
	if (flow->protocol == NAT_TCP && !tcp_opens(pkt->tcp_flags))
		return drop(REASON_TCP_NO_SESSION);
	if (flow->protocol == NAT_ICMP && !packet_is_icmp_request(pkt))
		return drop_by(REASON_NO_MAPPING, OPT_NAT_UNMATCHED, NAT_NONE);
	mapping = make_fixed(nat, flow, &internal, dmz, now);
	if (mapping == NAT_NONE)
		return report_limit(
			nat,
			arena_full(&nat->sessions.arena)
				? drop_by(REASON_SESSIONS_FULL, OPT_NAT_MAX_SESSIONS, NAT_NONE)
				: drop_by(REASON_MAPPINGS_FULL, OPT_NAT_MAX_MAPPINGS, NAT_NONE),
			flow->protocol, &internal.addr, now);
	outcome = admit(nat, pkt, flow, mapping, now);
	if (mapping_at(&nat->mappings, mapping)->sessions == 0) {
		/* Never one without a session. */
		lifetime_remove_mapping(nat, mapping, CAUSE_REFUSED);
		outcome.mapping = NAT_NONE;
	}
	if (outcome.session == NAT_NONE && outcome.verdict == NAT_REWRITTEN)
		return drop(REASON_TUPLE_TAKEN);
	return outcome;
}

bool inbound_leads_somewhere(struct nat *nat, const struct flow *flow, struct mono now)
{
	struct endpoint internal;

	return lifetime_live_external(nat, flow->protocol, &flow->own, now) != NAT_NONE ||
	       sibling_has_mapping(nat, flow, now) ||
	       forward_inbound(nat, flow->protocol, &flow->own, &internal) ||
	       forward_dmz(nat, flow->protocol, &flow->own, &internal);
}

/* Of the mappings that have this external endpoint, the first that is alive and admits the remote;
 * else NAT_NONE, and in @any one that is alive, if there is one. */
static uint32_t find_mapping(struct nat *nat, const struct flow *flow, struct mono now,
			     uint32_t *any)
{
	uint32_t n = mapping_find_external(&nat->mappings, flow->protocol, &flow->own), next;

	*any = NAT_NONE;
	for (; n != NAT_NONE; n = next) {
		next = mapping_next_external(&nat->mappings, n);
		n = lifetime_live_mapping(nat, n, now);
		if (n == NAT_NONE)
			continue;
		*any = n;
		if (mapping_is_open(mapping_at(&nat->mappings, n)) ||
		    filter_admits(nat, n, &flow->remote, now))
			return n;
	}
	return NAT_NONE;
}

/* A connection that filtering by connection lets nobody open from outside (RFC 5382 section 4.3). */
static bool may_not_open(const struct nat *nat, const struct packet *pkt, const struct flow *flow,
			 uint32_t mapping)
{
	return flow->protocol == NAT_TCP && tcp_opens(pkt->tcp_flags) &&
	       nat->options.protocol[NAT_TCP].filtering == FILTERING_CONNECTION_DEPENDENT &&
	       !mapping_is_open(mapping_at(&nat->mappings, mapping));
}

static struct nat_outcome known_session(struct nat *nat, const struct packet *pkt,
					const struct flow *flow, uint32_t n, struct mono now)
{
	const struct session *s = session_at(&nat->sessions, n);

	if (may_not_open(nat, pkt, flow, s->mapping))
		return filtered_answer(nat, pkt, flow, s->mapping, now);
	/* A query's answer goes the other way than the query (RFC 5508 section 3); but a host with an
	 * address of its own may ask and be asked under one identifier, by itself even. */
	if (flow->protocol == NAT_ICMP && s->inbound != packet_is_icmp_request(pkt) &&
	    !mapping_at(&nat->mappings, s->mapping)->fixed)
		return s->inbound ? drop(REASON_ICMP_TYPE) : unmatched_answer(nat, pkt, flow, now);
	return rewritten(REASON_TRANSLATED, s->mapping, n);
}

struct nat_outcome inbound_session(struct nat *nat, const struct packet *pkt,
				   const struct flow *flow, struct mono now)
{
	uint32_t n = session_find(&nat->sessions, flow->hint, NAT_EXTERNAL, flow->protocol,
				  &flow->own, &flow->remote);
	uint32_t mapping, any;

	n = lifetime_live_session(nat, n, now);
	if (n != NAT_NONE)
		return known_session(nat, pkt, flow, n, now);
	mapping = find_mapping(nat, flow, now, &any);
	if (any == NAT_NONE)
		return open_fixed(nat, pkt, flow, now);
	if (mapping == NAT_NONE || may_not_open(nat, pkt, flow, mapping))
		return filtered_answer(nat, pkt, flow, any, now);
	/* Queries from outside are for hosts that have an address of their own. */
	if (flow->protocol == NAT_ICMP && packet_is_icmp_request(pkt) &&
	    !mapping_at(&nat->mappings, mapping)->fixed)
		return unmatched_answer(nat, pkt, flow, now);
	return admit(nat, pkt, flow, mapping, now);
}

struct nat_outcome inbound_translate(struct nat *nat, struct packet *pkt,
				     enum nat_protocol protocol, struct mono now)
{
	const struct flow flow = flow_of(pkt, protocol, pkt->destination, pkt->source);
	struct nat_outcome outcome;

	outcome = inbound_session(nat, pkt, &flow, now);
	if (outcome.verdict != NAT_REWRITTEN)
		return outcome;
	if (outcome.session != NAT_NONE)
		lifetime_account(nat, outcome.session, pkt, NAT_EXTERNAL, now);
	else
		inbound_count_once(nat, pkt, outcome.mapping);
	packet_set_destination(pkt, &mapping_at(&nat->mappings, outcome.mapping)->internal);
	return outcome;
}
