/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/core/steps.h"

static bool is_rate(enum option_id knob)
{
	return knob == OPT_NAT_NEW_MAPPINGS_PER_SECOND || knob == OPT_UDP_NEW_MAPPINGS_PER_SECOND ||
	       knob == OPT_TCP_NEW_MAPPINGS_PER_SECOND || knob == OPT_ICMP_NEW_MAPPINGS_PER_SECOND;
}

/* Where UDP and TCP share their endpoints: the one that the other protocol has for it. */
static bool take_over_sibling(struct nat *nat, struct mapping *wanted, struct mono now)
{
	enum nat_protocol protocol = (enum nat_protocol)wanted->protocol;
	static const struct endpoint nowhere;
	struct endpoint forwarded;
	uint32_t n;

	if (!nat->ports.shared || !nat_has_ports(protocol) ||
	    wanted->behavior != MAPPING_ENDPOINT_INDEPENDENT)
		return false;
	n = mapping_find_internal(&nat->mappings, sibling_of(protocol), &wanted->internal,
				  &nowhere);
	n = lifetime_live_mapping(nat, n, now);
	if (n == NAT_NONE || !mapping_at(&nat->mappings, n)->holds_port)
		return false;
	/* A forward may have that endpoint by this protocol. */
	if (forward_inbound(nat, protocol, &mapping_at(&nat->mappings, n)->external, &forwarded))
		return false;
	wanted->external = mapping_at(&nat->mappings, n)->external;
	wanted->holds_port = true;
	return lifetime_live_external(nat, protocol, &wanted->external, now) == NAT_NONE;
}

/* An external endpoint that is not free to choose: that of a forward, or of the sibling. */
static bool has_external(struct nat *nat, struct mapping *wanted, struct mono now)
{
	enum nat_protocol protocol = (enum nat_protocol)wanted->protocol;
	const struct addr *any = nat->ports.count > 0 ? port_pick_address(nat, wanted->host) : NULL;

	if (!forward_outbound(nat, protocol, &wanted->internal, any, &wanted->external))
		return take_over_sibling(nat, wanted, now);
	wanted->fixed = true;
	wanted->behavior = MAPPING_ENDPOINT_INDEPENDENT;
	return true;
}

/* The knob that leaves no port: of some strategies a host has only its own. */
static enum option_id exhausting_knob(const struct nat *nat, enum nat_protocol protocol,
				      enum nat_reason reason)
{
	enum ports_strategy ports = nat->options.protocol[protocol].ports;

	if (reason == REASON_NO_BLOCK)
		return OPT_NAT_INTERNAL;
	if (reason == REASON_BLOCK_EXHAUSTED)
		return OPT_NAT_BLOCKS;
	return nat->ports.count > 0 && protocol != NAT_OTHER &&
			       (ports == PORTS_PRESERVE_ONLY || ports == PORTS_OVERLOAD)
		       ? option_of(OPT_UDP_PORTS, protocol)
		       : OPT_NAT_EXTERNAL;
}

/* A free one of the pool, if possible that of @wish, which may be NULL. */
static bool pick_external(struct nat *nat, struct mapping *wanted, const struct endpoint *remote,
			  const struct wish *wish, struct mono now, struct nat_outcome *refused)
{
	enum nat_protocol protocol = (enum nat_protocol)wanted->protocol;
	static const struct endpoint nowhere;
	enum nat_reason reason;

	ports_wake(&nat->ports, &nat->options, now);
	wanted->holds_port = true;
	if (wish != NULL && port_pick_wished(nat, protocol, &wanted->internal, &wish->external,
					     wanted->host, &wanted->external))
		return true;
	if (wish != NULL && wish->exactly && !endpoint_equal(&wish->external, &nowhere)) {
		*refused = drop(REASON_TUPLE_TAKEN);
		return false;
	}
	reason = port_pick(nat, protocol, &wanted->internal, remote, wanted->host, now,
			   &wanted->external);
	if (reason == REASON_MAPPING_CREATED)
		return true;
	*refused = drop_by(reason, exhausting_knob(nat, protocol, reason), NAT_NONE);
	report_limit(nat, *refused, protocol, &wanted->internal.addr, now);
	return false;
}

static bool choose_external(struct nat *nat, struct mapping *wanted, const struct endpoint *remote,
			    const struct wish *wish, struct mono now, struct nat_outcome *refused)
{
	if (!has_external(nat, wanted, now))
		return pick_external(nat, wanted, remote, wish, now, refused);
	*refused = drop(REASON_TUPLE_TAKEN);
	return wish == NULL || !wish->exactly || wish_is_met(&wish->external, &wanted->external);
}

static uint32_t make_for_host(struct nat *nat, struct mapping *wanted,
			      const struct endpoint *remote, const struct wish *wish,
			      struct mono now, struct nat_outcome *refused)
{
	struct host *host = host_at(&nat->hosts, wanted->host);
	enum nat_protocol protocol = (enum nat_protocol)wanted->protocol;
	enum option_id knob = host_refuses_mapping(host, &nat->options, protocol, now);

	if (knob != OPT_NONE) {
		*refused = report_host_limit(
			nat,
			drop_by(is_rate(knob) ? REASON_RATE_QUOTA : REASON_HOST_QUOTA, knob,
				NAT_NONE),
			protocol, host, now);
		return NAT_NONE;
	}
	knob = host_refuses_session(host, &nat->options, protocol);
	if (knob != OPT_NONE) {
		*refused = report_host_limit(nat, drop_by(REASON_HOST_QUOTA, knob, NAT_NONE),
					     protocol, host, now);
		return NAT_NONE;
	}
	if (!choose_external(nat, wanted, remote, wish, now, refused))
		return NAT_NONE;
	return lifetime_add_mapping(nat, wanted, remote, now);
}

uint32_t outbound_make_mapping(struct nat *nat, struct mapping *wanted,
			       const struct endpoint *remote, const struct wish *wish,
			       struct mono now, struct nat_outcome *refused)
{
	uint32_t mapping;

	*refused = drop_by(REASON_MAPPINGS_FULL, OPT_NAT_MAX_MAPPINGS, NAT_NONE);
	if (arena_full(&nat->mappings.arena))
		goto full;
	wanted->host = host_pin(&nat->hosts, &wanted->internal.addr);
	if (wanted->host == NAT_NONE)
		goto full;
	mapping = make_for_host(nat, wanted, remote, wish, now, refused);
	lifetime_unpin_host(nat, wanted->host);
	return mapping;

full:
	report_limit(nat, *refused, (enum nat_protocol)wanted->protocol, &wanted->internal.addr,
		     now);
	return NAT_NONE;
}

/* A mapping for @flow that has no session yet; the caller adds one at once. */
static uint32_t make_mapping(struct nat *nat, const struct flow *flow, struct mono now,
			     struct nat_outcome *refused)
{
	struct mapping wanted = {
		.protocol = (uint8_t)flow->protocol,
		.behavior = (uint8_t)nat->options.protocol[flow->protocol].mapping,
		.internal = flow->own,
		.created = now,
	};

	return outbound_make_mapping(nat, &wanted, &flow->remote, NULL, now, refused);
}

/*
 * Where ports overlap, or did when the mapping was made, another host may use the same external
 * port towards this remote: then this mapping cannot serve it, and a second one must.
 */
static bool serves(struct nat *nat, uint32_t mapping, const struct flow *flow, struct mono now)
{
	uint32_t other;

	other = session_find_external(&nat->sessions, flow->protocol,
				      &mapping_at(&nat->mappings, mapping)->external,
				      &flow->remote);
	return lifetime_live_session(nat, other, now) == NAT_NONE;
}

/* The mapping that a forward or a pair has for @flow already: a secondary one, where the host had
 * another before they were set. */
static uint32_t find_forwarded(struct nat *nat, const struct flow *flow, struct mono now)
{
	uint32_t host = host_find(&nat->hosts, &flow->own.addr), n;
	const struct addr *any = NULL;
	struct endpoint external;

	if (host == NAT_NONE)
		return NAT_NONE;
	if (nat->ports.count > 0)
		any = port_pick_address(nat, host);
	if (!forward_outbound(nat, flow->protocol, &flow->own, any, &external))
		return NAT_NONE;
	n = lifetime_live_external(nat, flow->protocol, &external, now);
	if (n == NAT_NONE || !endpoint_equal(&mapping_at(&nat->mappings, n)->internal, &flow->own))
		return NAT_NONE;
	return mapping_at(&nat->mappings, n)->fixed ? n : NAT_NONE;
}

/* The mapping @flow goes through, if there is one. */
static uint32_t find_mapping(struct nat *nat, const struct flow *flow,
			     const struct endpoint *remote_part, struct mono now)
{
	uint32_t n = lifetime_live_internal(nat, flow->protocol, &flow->own, remote_part, now);

	return n != NAT_NONE ? n : find_forwarded(nat, flow, now);
}

/* The knob that leads a new session of @protocol to @mapping, or makes that for it. */
static enum option_id mapping_knob(const struct nat *nat, enum nat_protocol protocol,
				   uint32_t mapping)
{
	const struct mapping *m = mapping_at(&nat->mappings, mapping);

	return m->fixed ? forward_knob(nat, m) : option_of(OPT_UDP_MAPPING, protocol);
}

/* First packet between these two endpoints: find or make the mapping, make the session. */
static struct nat_outcome open_session(struct nat *nat, const struct flow *flow, struct mono now)
{
	struct endpoint part =
		mapping_remote_part(nat->options.protocol[flow->protocol].mapping, &flow->remote);
	enum nat_reason reason = REASON_SESSION_CREATED;
	struct nat_outcome refused;
	uint32_t mapping;

	mapping = find_mapping(nat, flow, &part, now);
	if (mapping != NAT_NONE && !serves(nat, mapping, flow, now))
		mapping = NAT_NONE;
	if (mapping != NAT_NONE && !lifetime_admits_session(nat, mapping, &refused, now))
		return refused;
	if (mapping == NAT_NONE) {
		reason = REASON_MAPPING_CREATED;
		if (arena_full(&nat->sessions.arena))
			return report_limit(
				nat, drop_by(REASON_SESSIONS_FULL, OPT_NAT_MAX_SESSIONS, NAT_NONE),
				flow->protocol, &flow->own.addr, now);
		mapping = make_mapping(nat, flow, now, &refused);
		if (mapping == NAT_NONE)
			return refused;
	}
	return rewritten_by(reason, mapping_knob(nat, flow->protocol, mapping), mapping,
			    lifetime_add_session(nat, mapping, &flow->remote, NAT_INTERNAL, now));
}

/* The router itself, with a packet of none of the connections that are translated. */
static bool is_routers_own(const struct nat *nat, const struct packet *pkt, const struct flow *flow)
{
	const struct port_range own = { flow->own.port, flow->own.port };

	if (nat->options.unmatched != UNMATCHED_ACCEPT || !nat_is_external(nat, &flow->own.addr))
		return false;
	if (flow->protocol == NAT_TCP && !tcp_opens(pkt->tcp_flags))
		return true;
	if (flow->protocol == NAT_ICMP)
		return !packet_is_icmp_request(pkt);
	return flow->protocol != NAT_OTHER && options_is_reserved(&nat->options, own);
}

/* A TCP segment that opens nothing, of a connection we do not know. */
static struct nat_outcome open_half_way(struct nat *nat, const struct packet *pkt,
					const struct flow *flow, struct mono now)
{
	struct nat_outcome outcome = drop_by(REASON_TCP_NO_SESSION, OPT_TCP_NON_SYN, NAT_NONE);

	switch (nat->options.tcp.non_syn) {
	case NON_SYN_DROP:
		return outcome;
	case NON_SYN_RESET:
		answer_reset(nat, pkt, now);
		return outcome;
	case NON_SYN_PICK_UP:
		break;
	}
	if (pkt->tcp_flags & (PACKET_TCP_RST | PACKET_TCP_SYN))
		return outcome;
	outcome = open_session(nat, flow, now);
	if (outcome.verdict != NAT_REWRITTEN)
		return outcome;
	tcp_pick_up(session_tcp(&nat->sessions, outcome.session));
	outcome.reason = REASON_PICKED_UP;
	outcome.knob = OPT_TCP_NON_SYN;
	return outcome;
}

static struct nat_outcome open_flow(struct nat *nat, const struct packet *pkt,
				    const struct flow *flow, struct mono now)
{
	if (flow->protocol == NAT_TCP && !tcp_opens(pkt->tcp_flags))
		return open_half_way(nat, pkt, flow, now);
	if (flow->protocol == NAT_ICMP && !packet_is_icmp_request(pkt))
		return drop(REASON_ICMP_TYPE);
	return open_session(nat, flow, now);
}

static bool is_refusal(enum nat_reason reason)
{
	return reason != REASON_TCP_NO_SESSION && reason != REASON_ICMP_TYPE;
}

struct nat_outcome outbound_session(struct nat *nat, const struct packet *pkt,
				    const struct flow *flow, struct mono now)
{
	uint32_t n = session_find(&nat->sessions, flow->hint, NAT_INTERNAL, flow->protocol,
				  &flow->own, &flow->remote);
	struct nat_outcome outcome;

	n = lifetime_live_session(nat, n, now);
	if (n != NAT_NONE) {
		const struct session *s = session_at(&nat->sessions, n);

		/* A query's answer goes the other way than the query (RFC 5508 section 3). */
		if (flow->protocol == NAT_ICMP && s->inbound == packet_is_icmp_request(pkt) &&
		    !mapping_at(&nat->mappings, s->mapping)->fixed)
			return drop(REASON_ICMP_TYPE);
		outcome = rewritten(REASON_TRANSLATED, s->mapping, n);
	} else {
		if (is_routers_own(nat, pkt, flow))
			return pass(REASON_ROUTER, OPT_NAT_UNMATCHED);
		outcome = open_flow(nat, pkt, flow, now);
		if (outcome.verdict == NAT_DROPPED && is_refusal(outcome.reason)) {
			if (lifetime_make_room(nat, now))
				outcome = open_flow(nat, pkt, flow, now);
			if (outcome.verdict == NAT_DROPPED)
				answer_full(nat, pkt, now);
		}
	}
	if (outcome.verdict == NAT_REWRITTEN && flow->protocol == NAT_TCP &&
	    tcp_opens(pkt->tcp_flags))
		hold_cancel(&nat->held_syns, &mapping_at(&nat->mappings, outcome.mapping)->external,
			    &flow->remote);
	return outcome;
}

struct nat_outcome outbound_translate(struct nat *nat, struct packet *pkt,
				      enum nat_protocol protocol, struct mono now)
{
	const struct flow flow = flow_of(pkt, protocol, pkt->source, pkt->destination);
	struct nat_outcome outcome;

	outcome = outbound_session(nat, pkt, &flow, now);
	if (outcome.verdict != NAT_REWRITTEN)
		return outcome;
	lifetime_account(nat, outcome.session, pkt, NAT_INTERNAL, now);
	packet_set_source(pkt, &mapping_at(&nat->mappings, outcome.mapping)->external);
	if (nat->options.ip_id == IP_ID_REWRITE)
		ip_id_rewrite(&nat->ip_ids, &nat->mappings.key, pkt);
	return outcome;
}
