/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * model.c - the way of a packet through the reference model
 */
#include <stdlib.h>
#include <string.h>

#include "tests/model/model_steps.h"

struct flow {
	enum nat_protocol protocol;
	struct endpoint own, remote; /* as the tables have them */
	bool hairpin;
};

/* --- what we say ---------------------------------------------------------------------------- */

static struct m_output *answer(struct model *m)
{
	uint64_t rate = m->o.icmp.error_rate;
	struct m_output *out;

	if (rate == 0 || m->output_count == MODEL_OUTPUTS ||
	    !m_has_token(&m->answers_spent, &m->answers_at, rate, m->now, false))
		return NULL;
	m_has_token(&m->answers_spent, &m->answers_at, rate, m->now, true);
	out = &m->outputs[m->output_count++];
	out->optional = false;
	return out;
}

/* About the first @length bytes of @about. */
static void say_unreachable(struct model *m, const struct bytes *about, size_t length,
			    enum nat_side to, unsigned int code)
{
	struct addr from = to == NAT_EXTERNAL ? about->destination.addr : addr_from_ip4(0);
	enum icmp_mute mute = m->o.icmp.mute;
	struct m_output *out;

	if (mute == MUTE_BOTH || mute == (to == NAT_INTERNAL ? MUTE_INTERNAL : MUTE_EXTERNAL))
		return;
	if (about->protocol == BYTES_ICMP && !bytes_is_query(about))
		return;
	out = answer(m);
	if (out != NULL)
		out->length = bytes_unreachable(out->data, from, about, length, code);
}

static void say_reset(struct model *m, const struct bytes *about)
{
	struct bytes_reset reset = { about->destination, about->source, about->ack, 0, BYTES_RST };
	struct m_output *out;

	if (about->flags & BYTES_RST)
		return;
	if (!(about->flags & BYTES_ACK)) {
		reset.seq = 0;
		reset.ack = about->seq + about->payload + !!(about->flags & BYTES_SYN) +
			    !!(about->flags & BYTES_FIN);
		reset.flags = BYTES_RST | BYTES_ACK;
	}
	out = answer(m);
	if (out != NULL)
		out->length = bytes_reset(out->data, &reset);
}

/* --- SYNs that wait ------------------------------------------------------------------------- */

static bool keep_syn(struct model *m, const struct bytes *pkt)
{
	struct m_syn *syn;

	for (uint32_t i = 0; i < m->syn_count; i++)
		if (endpoint_equal(&m->syns[i].external, &pkt->destination) &&
		    endpoint_equal(&m->syns[i].remote, &pkt->source))
			return true;
	if (m->syn_count >= m->o.tcp.max_held_syns)
		return false;
	m->syns = realloc(m->syns, (m->syn_count + 1) * sizeof(*m->syns));
	if (m->syns == NULL)
		abort();
	syn = &m->syns[m->syn_count++];
	syn->external = pkt->destination;
	syn->remote = pkt->source;
	syn->since = m->now;
	syn->length = pkt->length < MODEL_HELD_BYTES ? pkt->length : MODEL_HELD_BYTES;
	memcpy(syn->bytes, pkt->at, syn->length);
	return true;
}

static void forget_syn(struct model *m, uint32_t i)
{
	memmove(&m->syns[i], &m->syns[i + 1], (m->syn_count - i - 1) * sizeof(*m->syns));
	m->syn_count--;
}

static void cancel_syn(struct model *m, const struct endpoint *external,
		       const struct endpoint *remote)
{
	for (uint32_t i = 0; i < m->syn_count; i++)
		if (endpoint_equal(&m->syns[i].external, external) &&
		    endpoint_equal(&m->syns[i].remote, remote)) {
			forget_syn(m, i);
			return;
		}
}

static void answer_syns(struct model *m)
{
	while (m->syn_count > 0 && m->syns[0].since + m->o.tcp.syn_hold_ms <= m->now) {
		struct bytes pkt = { .quoted = true };

		bytes_parse(&pkt, m->syns[0].bytes, m->syns[0].length, m->syns[0].length);
		say_unreachable(m, &pkt, m->syns[0].length, NAT_EXTERNAL, 3);
		forget_syn(m, 0);
	}
}

/* --- nobody wants it ------------------------------------------------------------------------ */

static struct m_outcome unsolicited(struct model *m, const struct bytes *pkt,
				    const struct flow *flow, enum nat_reason silent)
{
	if (flow->hairpin || !bytes_opens(pkt))
		return drop(silent);
	switch (m->o.tcp.unsolicited_syn) {
	case SYN_HOLD:
		return drop(keep_syn(m, pkt) ? REASON_SYN_HELD : REASON_SYNS_FULL);
	case SYN_DROP:
		return drop(silent);
	case SYN_RESET:
		say_reset(m, pkt);
		break;
	case SYN_REJECT:
		say_unreachable(m, pkt, pkt->length, NAT_EXTERNAL, 3);
		break;
	}
	return drop(REASON_SYN_ANSWERED);
}

static struct m_outcome unmatched(struct model *m, const struct bytes *pkt, const struct flow *flow)
{
	if (m->o.unmatched == UNMATCHED_ACCEPT)
		return pass(REASON_ROUTER);
	if (m->o.unmatched == UNMATCHED_DROP)
		return unsolicited(m, pkt, flow, REASON_NO_MAPPING);
	if (flow->protocol == NAT_TCP)
		say_reset(m, pkt);
	else
		say_unreachable(m, pkt, pkt->length, flow->hairpin ? NAT_INTERNAL : NAT_EXTERNAL,
				3);
	return drop(REASON_UNMATCHED_REJECTED);
}

static struct m_outcome filtered(struct model *m, const struct bytes *pkt, const struct flow *flow,
				 uint32_t mapping)
{
	if (m->o.protocol[flow->protocol].kill_on_unsolicited == SWITCH_OFF)
		return unsolicited(m, pkt, flow, REASON_FILTERED);
	m_remove_mapping(m, mapping);
	return drop(REASON_MAPPING_KILLED);
}

/* --- what is fixed by the knobs ------------------------------------------------------------- */

/* Where a pair or a forward leads what comes to @external. */
static bool forward_in(const struct options *o, enum nat_protocol protocol,
		       const struct endpoint *external, struct endpoint *internal)
{
	*internal = *external;
	for (uint32_t i = 0; i < o->pairs.count; i++)
		if (addr_equal(&o->pairs.pairs[i].external, &external->addr)) {
			internal->addr = o->pairs.pairs[i].internal;
			return true;
		}
	for (uint32_t i = 0; i < o->forwards.count; i++) {
		const struct forward *f = &o->forwards.forwards[i];

		if (!has_ports(protocol) || f->protocol != protocol ||
		    external->port < f->ports.first || external->port > f->ports.last ||
		    !(f->any_address || addr_equal(&f->external, &external->addr)))
			continue;
		internal->addr = f->internal.addr;
		internal->port = (uint16_t)(f->internal.port + (external->port - f->ports.first));
		return true;
	}
	return false;
}

/* What such an internal endpoint is outside. @any: the forward names no address. */
static bool forward_out(const struct options *o, enum nat_protocol protocol,
			const struct endpoint *internal, struct endpoint *external, bool *any)
{
	*external = *internal;
	*any = false;
	for (uint32_t i = 0; i < o->pairs.count; i++)
		if (addr_equal(&o->pairs.pairs[i].internal, &internal->addr)) {
			external->addr = o->pairs.pairs[i].external;
			return true;
		}
	for (uint32_t i = 0; i < o->forwards.count; i++) {
		const struct forward *f = &o->forwards.forwards[i];
		int place = internal->port - f->internal.port;

		if (!has_ports(protocol) || f->protocol != protocol ||
		    !addr_equal(&f->internal.addr, &internal->addr) || place < 0 ||
		    place > f->ports.last - f->ports.first ||
		    (f->any_address ? m_pool_count(o) == 0 : !m_in_pool(o, &f->external)))
			continue;
		*any = f->any_address;
		external->addr = f->external;
		external->port = (uint16_t)(f->ports.first + place);
		return true;
	}
	return false;
}

static bool to_dmz(struct model *m, enum nat_protocol protocol, const struct endpoint *external)
{
	bool own = false, others = false;

	if (!addr_is_ip4(&m->o.dmz) || !has_ports(protocol) || !m_in_pool(&m->o, &external->addr) ||
	    m_is_fixed_port(&m->o, protocol, external) || m_is_resting(m, protocol, external))
		return false;
	for (uint32_t i = 0; i < m->mapping_count; i++) {
		const struct m_mapping *at = &m->mappings[i];

		if (!m_share_ports(&m->o, at->protocol, protocol) ||
		    !endpoint_equal(&at->external, external))
			continue;
		if (at->fixed && addr_equal(&at->internal.addr, &m->o.dmz))
			own = true;
		else
			others = true;
	}
	/* Somebody's, be it by the other protocol. If it is the DMZ host's as well, which shared it
	 * when they could, it is one's or the other's. */
	return !others || (own && !m_was_unmatched(m->oracle.reason));
}

/* Is what goes to @remote, or comes from there, not translated? @ports: the packet has any. */
bool m_is_exempt(const struct options *o, const struct endpoint *remote, bool ports)
{
	for (uint32_t i = 0; i < o->exempt.count; i++) {
		const struct remote_range *r = &o->exempt.ranges[i];

		if (addr_compare(&r->addresses.first, &remote->addr) <= 0 &&
		    addr_compare(&remote->addr, &r->addresses.last) <= 0 &&
		    (r->port == 0 || (ports && r->port == remote->port)))
			return true;
	}
	return false;
}

static bool may_be_exempt(const struct options *o, const struct addr *address)
{
	for (uint32_t i = 0; i < o->exempt.count; i++)
		if (addr_compare(&o->exempt.ranges[i].addresses.first, address) <= 0 &&
		    addr_compare(address, &o->exempt.ranges[i].addresses.last) <= 0)
			return true;
	return false;
}

/* --- outbound ------------------------------------------------------------------------------- */

static enum nat_protocol sibling(enum nat_protocol protocol)
{
	return protocol == NAT_UDP ? NAT_TCP : NAT_UDP;
}

static bool shares(const struct model *m, enum nat_protocol protocol)
{
	return m->o.scope == SCOPE_SHARED && has_ports(protocol);
}

/* The mapping of @protocol with an external endpoint; of several, the real NAT's choice. */
static struct m_mapping *mapping_at_external(struct model *m, enum nat_protocol protocol,
					     const struct endpoint *external)
{
	struct m_mapping *best = NULL;

	for (uint32_t i = 0; i < m->mapping_count; i++)
		if (m->mappings[i].protocol == protocol &&
		    endpoint_equal(&m->mappings[i].external, external) &&
		    (best == NULL || m_is_chosen(m, &m->mappings[i])))
			best = &m->mappings[i];
	return best;
}

/* Where UDP and TCP share their endpoints: the one the other has (RFC 7857 section 5). */
static bool siblings_external(struct model *m, struct m_mapping *wanted)
{
	static const struct endpoint nowhere;
	const struct m_mapping *at;
	struct endpoint forwarded;

	if (!shares(m, wanted->protocol))
		return false;
	at = m_mapping_at(
		m, m_mapping_internal(m, sibling(wanted->protocol), &wanted->internal, &nowhere));
	if (at == NULL || !at->holds_port ||
	    forward_in(&m->o, wanted->protocol, &at->external, &forwarded) ||
	    mapping_at_external(m, wanted->protocol, &at->external) != NULL)
		return false;
	wanted->external = at->external;
	return true;
}

/* The one that is not free to choose will do, unless nothing but another would. */
static enum nat_reason take_given(const struct m_mapping *wanted, const struct lease_request *wish)
{
	return wish != NULL && wish->exactly && !m_is_met(&wish->external, &wanted->external)
		       ? REASON_TUPLE_TAKEN
		       : REASON_COUNT;
}

/* An external endpoint for @wanted; REASON_COUNT, or why there is none. */
static enum nat_reason give_external(struct model *m, struct m_mapping *wanted,
				     const struct endpoint *remote,
				     const struct lease_request *wish)
{
	/* Who asks gets one for all remotes, whatever the knob says. */
	bool independent = wish != NULL ||
			   m->o.protocol[wanted->protocol].mapping == MAPPING_ENDPOINT_INDEPENDENT;
	struct endpoint real;
	enum nat_reason reason;
	bool any;

	if (forward_out(&m->o, wanted->protocol, &wanted->internal, &wanted->external, &any)) {
		bool known = m->oracle.external(m->oracle.nat, wanted->protocol, &wanted->internal,
						remote, &real);

		if (any && !m_paired_address(m, &wanted->internal.addr, known ? &real.addr : NULL,
					     &wanted->external.addr))
			return wish != NULL && wish->exactly ? REASON_TUPLE_TAKEN
							     : REASON_PORTS_EXHAUSTED;
		for (uint32_t i = 0; i < m->mapping_count; i++)
			if (m->mappings[i].protocol == wanted->protocol &&
			    !endpoint_equal(&m->mappings[i].internal, &wanted->internal) &&
			    endpoint_equal(&m->mappings[i].external, &wanted->external))
				return REASON_PORTS_EXHAUSTED; /* somebody still has it */
		wanted->fixed = true;
		wanted->remote = (struct endpoint){ 0 };
		return take_given(wanted, wish);
	}
	wanted->holds_port = true;
	if (independent && siblings_external(m, wanted))
		return take_given(wanted, wish);
	reason = m_pick(m, wanted->protocol, &wanted->internal, remote, wish, &wanted->external);
	return reason == REASON_MAPPING_CREATED ? REASON_COUNT : reason;
}

enum nat_reason m_make_mapping(struct model *m, struct m_mapping *wanted,
			       const struct endpoint *remote, const struct lease_request *wish,
			       uint32_t *mapping)
{
	struct m_host *host;
	enum nat_reason reason;

	if (m->mapping_count >= m->o.max_mappings)
		return REASON_MAPPINGS_FULL;
	host = m_host_get(m, &wanted->internal.addr);
	reason = m_refuses_mapping(m, host, wanted->protocol);
	if (reason == REASON_COUNT)
		reason = m_refuses_host_session(m, &wanted->internal.addr, wanted->protocol);
	if (reason == REASON_COUNT)
		reason = give_external(m, wanted, remote, wish);
	if (reason == REASON_COUNT)
		*mapping = m_add_mapping(m, wanted);
	else
		m_host_forget_idle(m);
	return reason;
}

static enum nat_reason make_mapping(struct model *m, const struct flow *flow,
				    const struct endpoint *part, uint32_t *mapping)
{
	struct m_mapping wanted = { .protocol = flow->protocol,
				    .internal = flow->own,
				    .remote = *part };

	if (m->session_count >= m->o.max_sessions)
		return REASON_SESSIONS_FULL;
	return m_make_mapping(m, &wanted, &flow->remote, NULL, mapping);
}

/* One that a forward has made for @flow beside another of the host; 0: none. */
static uint32_t forwarded_mapping(struct model *m, const struct flow *flow)
{
	struct endpoint external, real;
	bool any, known;

	if (!forward_out(&m->o, flow->protocol, &flow->own, &external, &any))
		return 0;
	known = m->oracle.external(m->oracle.nat, flow->protocol, &flow->own, &flow->remote, &real);
	if (any && !m_paired_address(m, &flow->own.addr, known ? &real.addr : NULL, &external.addr))
		return 0;
	for (uint32_t i = 0; i < m->mapping_count; i++) {
		const struct m_mapping *at = &m->mappings[i];

		if (at->protocol == flow->protocol && at->fixed &&
		    endpoint_equal(&at->internal, &flow->own) &&
		    endpoint_equal(&at->external, &external))
			return at->serial;
	}
	return 0;
}

/* The mapping that a new session of @flow goes through; 0: none. */
static uint32_t mapping_for(struct model *m, const struct flow *flow, const struct endpoint *part)
{
	static const struct endpoint nowhere;
	uint32_t n = m_mapping_internal(m, flow->protocol, &flow->own, part);
	const struct m_mapping *at;

	if (n == 0) {
		n = m_mapping_internal(m, flow->protocol, &flow->own, &nowhere);
		if (n == 0 || !m_is_open(m_mapping_at(m, n)))
			n = forwarded_mapping(m, flow);
		if (n == 0)
			return 0;
	}
	/* Another host may have the shared port for this remote. */
	at = m_mapping_at(m, n);
	if (m_session_external(m, flow->protocol, &at->external, &flow->remote) != 0)
		return 0;
	return n;
}

static struct m_outcome open_session(struct model *m, const struct flow *flow)
{
	struct endpoint part = m_remote_part(m->o.protocol[flow->protocol].mapping, &flow->remote);
	uint32_t mapping = mapping_for(m, flow, &part);
	enum nat_reason reason = REASON_SESSION_CREATED, refused;

	if (mapping != 0) {
		refused = m_refuses_session(m, mapping);
	} else {
		reason = REASON_MAPPING_CREATED;
		refused = make_mapping(m, flow, &part, &mapping);
	}
	if (refused != REASON_COUNT)
		return drop(refused);
	return rewritten(reason, mapping, m_add_session(m, mapping, &flow->remote, NAT_INTERNAL));
}

/* The router's own packets, where it is let have what nobody else wants. */
static bool is_routers(const struct model *m, const struct bytes *pkt, const struct flow *flow)
{
	const struct port_list *reserved = &m->o.reserved;

	if (m->o.unmatched != UNMATCHED_ACCEPT || !m_is_external(&m->o, &pkt->source.addr))
		return false;
	if (flow->protocol == NAT_ICMP)
		return !bytes_is_request(pkt);
	if (flow->protocol == NAT_TCP && !bytes_opens(pkt))
		return true;
	for (uint32_t i = 0; i < reserved->count && has_ports(flow->protocol); i++)
		if (pkt->source.port >= reserved->ranges[i].first &&
		    pkt->source.port <= reserved->ranges[i].last)
			return true;
	return false;
}

static struct m_outcome open_flow(struct model *m, const struct bytes *pkt, const struct flow *flow)
{
	struct m_outcome outcome;
	struct m_session *s;

	if (flow->protocol == NAT_ICMP && !bytes_is_request(pkt))
		return drop(REASON_ICMP_TYPE);
	if (flow->protocol != NAT_TCP || bytes_opens(pkt))
		return open_session(m, flow);
	if (m->o.tcp.non_syn == NON_SYN_RESET)
		say_reset(m, pkt);
	if (m->o.tcp.non_syn != NON_SYN_PICK_UP || (pkt->flags & (BYTES_RST | BYTES_SYN)))
		return drop(REASON_TCP_NO_SESSION);
	outcome = open_session(m, flow);
	if (outcome.verdict != NAT_REWRITTEN)
		return outcome;
	s = m_session_at(m, outcome.session);
	s->state = TCP_ESTABLISHED;
	s->end[0].scale = s->end[1].scale = 14; /* their SYNs were not seen */
	outcome.reason = REASON_PICKED_UP;
	return outcome;
}

static void say_full(struct model *m, const struct bytes *pkt)
{
	if (m->o.on_full != FULL_DROP)
		say_unreachable(m, pkt, pkt->length, NAT_INTERNAL,
				m->o.on_full == FULL_ICMP_PROHIBITED ? 13 : 1);
}

static struct m_outcome outbound(struct model *m, const struct bytes *pkt, const struct flow *flow)
{
	uint32_t n = m_session_internal(m, flow->protocol, &flow->own, &flow->remote);
	struct m_outcome outcome;

	if (n != 0) {
		const struct m_session *s = m_session_at(m, n);

		/* A query's answer goes the other way, unless the host has an address of its own. */
		if (flow->protocol == NAT_ICMP && bytes_is_request(pkt) == s->inbound &&
		    !m_mapping_at(m, s->mapping)->fixed)
			return drop(REASON_ICMP_TYPE);
		outcome = rewritten(REASON_TRANSLATED, s->mapping, n);
	} else {
		if (is_routers(m, pkt, flow))
			return pass(REASON_ROUTER);
		outcome = open_flow(m, pkt, flow);
		if (outcome.verdict == NAT_DROPPED && outcome.reason != REASON_ICMP_TYPE &&
		    outcome.reason != REASON_TCP_NO_SESSION)
			say_full(m, pkt);
	}
	if (outcome.verdict == NAT_REWRITTEN && bytes_opens(pkt))
		cancel_syn(m, &m_mapping_at(m, outcome.mapping)->external, &flow->remote);
	return outcome;
}

/* --- inbound -------------------------------------------------------------------------------- */

static struct m_outcome admit(struct model *m, const struct bytes *pkt, const struct flow *flow,
			      uint32_t mapping)
{
	const struct m_mapping *at = m_mapping_at(m, mapping);
	enum nat_reason refused;

	if (flow->protocol == NAT_TCP && (pkt->flags & BYTES_RST))
		return rewritten(REASON_ADMITTED, mapping, 0); /* RFC 7857 section 2.2 */
	if (flow->protocol == NAT_TCP && !bytes_opens(pkt))
		return drop(REASON_TCP_NO_SESSION);
	/* Where only outbound packets refresh, nothing that comes in may live by itself. */
	if (flow->protocol != NAT_TCP && !at->fixed &&
	    m->o.protocol[flow->protocol].refresh == REFRESH_OUTBOUND)
		return rewritten(REASON_ADMITTED, mapping, 0);
	if (m_session_internal(m, flow->protocol, &at->internal, &flow->remote) != 0)
		return flow->protocol == NAT_TCP ? drop(REASON_TUPLE_TAKEN)
						 : rewritten(REASON_ADMITTED, mapping, 0);
	refused = m_refuses_session(m, mapping);
	if (refused != REASON_COUNT)
		return drop(refused);
	return rewritten(REASON_SESSION_CREATED, mapping,
			 m_add_session(m, mapping, &flow->remote, NAT_EXTERNAL));
}

/* Where they share endpoints, one that lets everybody in does so for both (RFC 7857 section 6). */
static struct m_outcome open_sibling(struct model *m, const struct bytes *pkt,
				     const struct flow *flow)
{
	struct m_mapping wanted = { .protocol = flow->protocol,
				    .external = flow->own,
				    .holds_port = true };
	const struct m_mapping *at = NULL;
	uint32_t mapping, session;

	if (shares(m, flow->protocol) &&
	    m->o.protocol[flow->protocol].filtering == FILTERING_ENDPOINT_INDEPENDENT)
		at = mapping_at_external(m, sibling(flow->protocol), &flow->own);
	if (at == NULL || !at->holds_port || at->borrowed ||
	    m->mapping_count >= m->o.max_mappings || m->session_count >= m->o.max_sessions ||
	    (flow->protocol == NAT_TCP && !bytes_opens(pkt)))
		return unmatched(m, pkt, flow);
	/* The host tells its peers apart by their endpoint alone, and has this one already. */
	if (m_session_internal(m, flow->protocol, &at->internal, &flow->remote) != 0)
		return unmatched(m, pkt, flow);
	wanted.internal = at->internal;
	mapping = m_add_mapping(m, &wanted);
	session = m_add_session(m, mapping, &flow->remote, NAT_EXTERNAL);
	m_session_at(m, session)->keeping = true;
	m_mapping_at(m, mapping)->borrowed = true;
	return rewritten(REASON_MAPPING_CREATED, mapping, session);
}

/* Does that endpoint stand for anybody, or might it? */
static bool leads_somewhere(struct model *m, const struct flow *flow)
{
	struct endpoint internal;

	return mapping_at_external(m, flow->protocol, &flow->own) != NULL ||
	       forward_in(&m->o, flow->protocol, &flow->own, &internal) ||
	       to_dmz(m, flow->protocol, &flow->own) ||
	       (shares(m, flow->protocol) &&
		mapping_at_external(m, sibling(flow->protocol), &flow->own) != NULL);
}

static struct m_outcome open_fixed(struct model *m, const struct bytes *pkt,
				   const struct flow *flow)
{
	struct m_mapping wanted = { .protocol = flow->protocol,
				    .external = flow->own,
				    .fixed = true };
	struct m_outcome outcome;
	uint32_t mapping;

	if (!forward_in(&m->o, flow->protocol, &flow->own, &wanted.internal)) {
		if (!to_dmz(m, flow->protocol, &flow->own))
			return open_sibling(m, pkt, flow);
		wanted.internal = (struct endpoint){ m->o.dmz, flow->own.port };
		wanted.holds_port = true;
	}
	if (flow->protocol == NAT_TCP && !bytes_opens(pkt))
		return drop(REASON_TCP_NO_SESSION);
	if (flow->protocol == NAT_ICMP && !bytes_is_request(pkt))
		return drop(REASON_NO_MAPPING);
	if (m->session_count >= m->o.max_sessions)
		return drop(REASON_SESSIONS_FULL);
	if (m->mapping_count >= m->o.max_mappings)
		return drop(REASON_MAPPINGS_FULL);
	mapping = m_add_mapping(m, &wanted);
	outcome = admit(m, pkt, flow, mapping);
	if (outcome.session != 0)
		return outcome;
	m_remove_mapping(m, mapping);
	return outcome.verdict == NAT_REWRITTEN ? drop(REASON_TUPLE_TAKEN) : outcome;
}

static bool has_peer(const struct model *m, uint32_t mapping, const struct addr *address)
{
	for (uint32_t i = 0; i < m->session_count; i++)
		if (m->sessions[i].mapping == mapping &&
		    addr_equal(&m->sessions[i].remote.addr, address))
			return true;
	return false;
}

static bool admits(const struct model *m, const struct m_mapping *at, const struct endpoint *remote)
{
	enum filtering_behavior filtering = m->o.protocol[at->protocol].filtering;

	return m_is_open(at) || filtering == FILTERING_ENDPOINT_INDEPENDENT ||
	       (filtering == FILTERING_ADDRESS_DEPENDENT && has_peer(m, at->serial, &remote->addr));
}

/* Of the mappings with this external endpoint, one that admits the remote, else any. If there
 * are several, it is the real NAT's choice. */
static uint32_t mapping_of(struct model *m, const struct flow *flow, bool *admitted)
{
	uint32_t best = 0;

	*admitted = false;
	for (uint32_t i = 0; i < m->mapping_count; i++) {
		const struct m_mapping *at = &m->mappings[i];
		bool may, chosen;

		if (at->protocol != flow->protocol || !endpoint_equal(&at->external, &flow->own))
			continue;
		may = admits(m, at, &flow->remote);
		chosen = m->oracle.reason == REASON_MAPPING_KILLED
				 ? !m->oracle.mapping(m->oracle.nat, at)
				 : m_is_chosen(m, at);
		if (best == 0 || (may && !*admitted) || (may == *admitted && chosen))
			best = at->serial;
		*admitted = *admitted || may;
	}
	return best;
}

static struct m_outcome inbound(struct model *m, const struct bytes *pkt, const struct flow *flow)
{
	uint32_t n = m_session_external(m, flow->protocol, &flow->own, &flow->remote), mapping;
	bool admitted = true, closed;

	mapping = n != 0 ? m_session_at(m, n)->mapping : mapping_of(m, flow, &admitted);
	if (mapping == 0)
		return open_fixed(m, pkt, flow);
	/* Nobody opens a connection from outside, whatever there was before (RFC 5382 4.3). */
	closed = bytes_opens(pkt) && !m_is_open(m_mapping_at(m, mapping)) &&
		 m->o.protocol[NAT_TCP].filtering == FILTERING_CONNECTION_DEPENDENT;
	if (!admitted || closed)
		return filtered(m, pkt, flow, mapping);
	if (flow->protocol == NAT_ICMP && n != 0 && !m_mapping_at(m, mapping)->fixed &&
	    m_session_at(m, n)->inbound != bytes_is_request(pkt))
		return m_session_at(m, n)->inbound ? drop(REASON_ICMP_TYPE)
						   : unmatched(m, pkt, flow);
	if (n != 0)
		return rewritten(REASON_TRANSLATED, mapping, n);
	if (flow->protocol == NAT_ICMP && bytes_is_request(pkt) && !m_mapping_at(m, mapping)->fixed)
		return unmatched(m, pkt, flow);
	return admit(m, pkt, flow, mapping);
}

/* --- rewriting ------------------------------------------------------------------------------ */

static bool is_atomic(const struct bytes *pkt)
{
	return pkt->df && !pkt->fragment;
}

/* The ID the packet gets: the real NAT's choice, but none that was used lately (RFC 6864). */
int m_new_id(struct model *m, const struct bytes *pkt, struct addr source, struct addr destination)
{
	struct m_id id = { source, destination, pkt->protocol, (unsigned int)m->oracle.id };

	if (m->o.ip_id == IP_ID_KEEP || is_atomic(pkt))
		return -1;
	for (uint32_t i = 0; i < m->id_count && i < MODEL_IDS; i++)
		if (m->ids[i].id == id.id && m->ids[i].protocol == id.protocol &&
		    addr_equal(&m->ids[i].source, &source) &&
		    addr_equal(&m->ids[i].destination, &destination))
			m_wrong(m, "IP ID %u was used for these addresses before", id.id);
	m->ids[m->id_count++ % MODEL_IDS] = id;
	return m->oracle.id;
}

static void count_past(struct model *m, uint32_t mapping, const struct bytes *pkt)
{
	struct traffic *past = &m_mapping_at(m, mapping)->past[NAT_EXTERNAL];

	past->packets++;
	past->bytes += pkt->length;
}

static struct m_outcome do_inbound(struct model *m, struct bytes *pkt)
{
	struct flow flow = { .protocol = protocol_of(pkt),
			     .own = own_end(pkt, &pkt->destination),
			     .remote = remote_end(pkt, &pkt->source) };
	struct m_outcome outcome = inbound(m, pkt, &flow);
	struct endpoint to;

	if (outcome.verdict != NAT_REWRITTEN)
		return outcome;
	if (outcome.session != 0)
		m_account(m, outcome.session, pkt, NAT_EXTERNAL);
	else
		count_past(m, outcome.mapping, pkt);
	m->carried[NAT_EXTERNAL] = outcome.session;
	to = m_mapping_at(m, outcome.mapping)->internal;
	bytes_rewrite(pkt, (struct bytes_change){ NULL, &to, -1 });
	return outcome;
}

static struct m_outcome do_outbound(struct model *m, struct bytes *pkt)
{
	struct flow flow = { .protocol = protocol_of(pkt),
			     .own = own_end(pkt, &pkt->source),
			     .remote = remote_end(pkt, &pkt->destination) };
	struct m_outcome outcome = outbound(m, pkt, &flow);
	struct endpoint from;

	if (outcome.verdict != NAT_REWRITTEN)
		return outcome;
	m_account(m, outcome.session, pkt, NAT_INTERNAL);
	m->carried[NAT_INTERNAL] = outcome.session;
	from = m_mapping_at(m, outcome.mapping)->external;
	bytes_rewrite(pkt,
		      (struct bytes_change){ &from, NULL,
					     m_new_id(m, pkt, from.addr, pkt->destination.addr) });
	return outcome;
}

/* Outbound and inbound at once (RFC 4787 section 6). */
static struct m_outcome do_hairpin(struct model *m, struct bytes *pkt)
{
	struct flow sender = { .protocol = protocol_of(pkt),
			       .own = own_end(pkt, &pkt->source),
			       .remote = remote_end(pkt, &pkt->destination),
			       .hairpin = true };
	struct flow target = { .protocol = sender.protocol,
			       .own = own_end(pkt, &pkt->destination),
			       .remote = pkt->source,
			       .hairpin = true };
	struct m_outcome out, in;
	struct endpoint from, to;
	bool external = m->o.hairpin == HAIRPIN_EXTERNAL_SOURCE;

	if (m->o.hairpin == HAIRPIN_OFF)
		return drop(REASON_HAIRPIN_OFF);
	if (!leads_somewhere(m, &target))
		return unmatched(m, pkt, &target); /* then the sender needs no mapping either */
	out = outbound(m, pkt, &sender);
	if (out.verdict != NAT_REWRITTEN)
		return out;
	from = m_mapping_at(m, out.mapping)->external;
	if (sender.protocol == NAT_ICMP)
		target.own.port = from.port; /* a query has one identifier */
	target.remote = remote_end(pkt, &from);
	in = inbound(m, pkt, &target);
	if (in.verdict != NAT_REWRITTEN)
		return in;
	m_account(m, out.session, pkt, NAT_INTERNAL);
	if (in.session == 0)
		count_past(m, in.mapping, pkt);
	else if (in.session != out.session)
		m_account(m, in.session, pkt, NAT_EXTERNAL);
	m->carried[NAT_INTERNAL] = out.session;
	m->carried[NAT_EXTERNAL] = in.session != out.session ? in.session : 0;
	to = m_mapping_at(m, in.mapping)->internal;
	bytes_rewrite(pkt,
		      (struct bytes_change){
			      external ? &from : NULL, &to,
			      m_new_id(m, pkt, external ? from.addr : pkt->source.addr, to.addr) });
	return rewritten(REASON_HAIRPIN, in.mapping, in.session);
}

/* --- a packet ------------------------------------------------------------------------------- */

static bool is_translated_query(const struct model *m, const struct bytes *pkt)
{
	switch (m->o.icmp.queries) {
	case QUERIES_COMMON:
		return pkt->type == 0 || pkt->type == 8 || pkt->type == 13 || pkt->type == 14;
	case QUERIES_ECHO:
		return pkt->type == 0 || pkt->type == 8;
	case QUERIES_ALL:
		return true;
	case QUERIES_NONE:
		break;
	}
	return false;
}

static bool has_port_zero(const struct model *m, const struct bytes *pkt)
{
	bool source = pkt->source.port == 0 &&
		      !(pkt->protocol == BYTES_UDP && m->o.port_zero == PORT_ZERO_TRANSLATE);

	return bytes_has_ports(pkt) && (pkt->destination.port == 0 || source);
}

/* One that is whole, or the first of several. */
struct m_outcome m_whole(struct model *m, struct bytes *pkt, enum nat_side from)
{
	enum nat_protocol protocol = protocol_of(pkt);
	bool ours = m_is_external(&m->o, &pkt->destination.addr);

	if (from == NAT_EXTERNAL && !ours)
		return m_is_exempt(&m->o, &pkt->source, has_ports(protocol))
			       ? pass(REASON_EXEMPT)
			       : drop(REASON_NOT_OURS);
	if (!ours && !bytes_is_error(pkt) &&
	    m_is_exempt(&m->o, &pkt->destination, has_ports(protocol)))
		return pass(REASON_EXEMPT);
	if (bytes_is_error(pkt))
		return m_error(m, pkt, from);
	if (protocol == NAT_ICMP && (!bytes_is_query(pkt) || !is_translated_query(m, pkt)))
		return drop(REASON_ICMP_TYPE);
	if (protocol == NAT_OTHER &&
	    !(m->o.other.bits[pkt->protocol / 64] & (uint64_t)1 << pkt->protocol % 64))
		return drop(REASON_PROTOCOL);
	if (has_port_zero(m, pkt))
		return drop(REASON_PORT_ZERO);
	if (from == NAT_EXTERNAL)
		return do_inbound(m, pkt);
	return ours ? do_hairpin(m, pkt) : do_outbound(m, pkt);
}

static struct m_outcome process(struct model *m, struct bytes *pkt, uint32_t tag,
				enum nat_side from)
{
	if (!addr_is_unicast(&pkt->source.addr) || !addr_is_unicast(&pkt->destination.addr))
		return drop(REASON_NOT_UNICAST);
	if (pkt->address_options)
		return drop(REASON_ADDRESS_OPTION);
	if (from == NAT_EXTERNAL && !m_is_external(&m->o, &pkt->destination.addr) &&
	    !may_be_exempt(&m->o, &pkt->source.addr))
		return drop(REASON_NOT_OURS);
	return pkt->fragment ? m_fragment(m, pkt, tag, from) : m_whole(m, pkt, from);
}

struct m_outcome model_process(struct model *m, struct bytes *pkt, size_t captured, size_t original,
			       uint32_t tag, enum nat_side from)
{
	struct m_outcome outcome = drop(REASON_WRONG_INTERFACE);
	enum nat_reason reason;

	if (from != NAT_NOWHERE) {
		reason = bytes_parse(pkt, pkt->at, captured, original);
		if (reason == REASON_TRANSPORT_SHORT && pkt->fragment)
			reason = REASON_FRAGMENT_TINY;
		outcome = reason == REASON_TRANSLATED ? process(m, pkt, tag, from) : drop(reason);
	}
	m->counters[outcome.reason]++;
	return outcome;
}

/* --- all of it ------------------------------------------------------------------------------ */

struct model *model_open(const struct options *o)
{
	struct model *m = calloc(1, sizeof(*m));

	if (m == NULL)
		abort();
	m->o = *o;
	m->noticed = true;
	return m;
}

void model_close(struct model *m)
{
	m_fragment_close(m);
	free(m->syns);
	free(m);
}

void model_tick(struct model *m, int64_t now, bool sessions_too)
{
	model_advance(m, now);
	m_fragment_tick(m);
	answer_syns(m);
	m_ports_tick(m, sessions_too);
}

/* Is what made this mapping, which is fixed, still said by the knobs? */
static bool still_leads(const struct options *o, const struct m_mapping *at)
{
	struct endpoint internal;

	if (forward_in(o, at->protocol, &at->external, &internal))
		return endpoint_equal(&internal, &at->internal);
	return at->holds_port && addr_equal(&o->dmz, &at->internal.addr) &&
	       at->external.port == at->internal.port;
}

/* A new forward takes its endpoint from whoever has it; one who is to have it keeps it. */
static bool is_given_away(const struct options *o, struct m_mapping *at)
{
	static const struct endpoint nowhere;
	struct endpoint internal;

	if (!forward_in(o, at->protocol, &at->external, &internal))
		return false;
	at->fixed =
		endpoint_equal(&internal, &at->internal) && endpoint_equal(&at->remote, &nowhere);
	return !at->fixed;
}

static bool same_statics(const struct options *a, const struct options *b)
{
	return memcmp(&a->forwards, &b->forwards, sizeof(a->forwards)) == 0 &&
	       memcmp(&a->pairs, &b->pairs, sizeof(a->pairs)) == 0 && addr_equal(&a->dmz, &b->dmz);
}

void model_configure(struct model *m, const struct options *o)
{
	bool statics = !same_statics(o, &m->o);

	m_ports_configure(m, o);
	m->o = *o;
	m_forget_port_timers(m);
	for (uint32_t i = 0; i < m->mapping_count && statics;)
		if (m->mappings[i].fixed ? !still_leads(o, &m->mappings[i])
					 : is_given_away(o, &m->mappings[i]))
			m_remove_mapping(m, m->mappings[i].serial);
		else
			i++;
	while (m->syn_count > o->tcp.max_held_syns)
		forget_syn(m, m->syn_count - 1); /* the newest no longer fit */
}
