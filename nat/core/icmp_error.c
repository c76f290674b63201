/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * icmp_error.c - ICMP errors and the packets they quote
 *
 * The quote runs against the error: an error from outside quotes a packet that we translated on
 * its way out, so its source is one of our external endpoints; an error from inside quotes a
 * packet that we translated on its way in, so its destination is an internal endpoint. Errors
 * never make, refresh or end a session (RFC 4787 REQ-12, RFC 5382 REQ-10, RFC 5508 REQ-6), and
 * filtering does not apply to their sender, which is any router on the way.
 *
 * A hairpinned packet was translated at both ends, and so is the quote of an error about it: its
 * destination by the session of the host that got it, then its source by that of its sender.
 */
#include "nat/core/steps.h"

/* The protocol of a quoted packet that can be in our tables; false if it cannot. */
static bool quoted_protocol(const struct packet *inner, enum nat_protocol *protocol)
{
	if (inner->fragment && !inner->fragment_first)
		return false;
	*protocol = nat_protocol_of(inner);
	return *protocol != NAT_ICMP || packet_is_icmp_query(inner);
}

/* An endpoint of the quote as the tables have it: at our end, or @remote. */
static struct endpoint quoted_endpoint(const struct packet *inner, const struct endpoint *quoted,
				       enum nat_protocol protocol, bool remote)
{
	struct endpoint e = *quoted;

	if (remote && !nat_has_ports(protocol))
		e.port = 0;
	if (!remote && protocol == NAT_OTHER)
		e.port = inner->protocol;
	return e;
}

/* The session of a quote that runs out from one of our external endpoints to @remote. */
static uint32_t session_of_source(struct nat *nat, const struct packet *inner,
				  enum nat_protocol protocol, const struct endpoint *remote,
				  struct mono now)
{
	struct endpoint own = quoted_endpoint(inner, &inner->source, protocol, false);

	return lifetime_live_session(
		nat, session_find_external(&nat->sessions, protocol, &own, remote), now);
}

/* The mapping a quoted packet came in through, where it left no session (filtering admitted it). */
static uint32_t sessionless_mapping(struct nat *nat, enum nat_protocol protocol,
				    const struct endpoint *internal, const struct endpoint *remote,
				    struct mono now)
{
	struct endpoint part = mapping_remote_part(nat->options.protocol[protocol].mapping, remote);

	return lifetime_live_internal(nat, protocol, internal, &part, now);
}

/* The mapping of a quote that runs in to one of our internal hosts; its session, if it has one. */
static uint32_t mapping_of_destination(struct nat *nat, const struct packet *inner,
				       enum nat_protocol protocol, struct mono now,
				       uint32_t *session)
{
	struct endpoint own = quoted_endpoint(inner, &inner->destination, protocol, false);
	struct endpoint remote = quoted_endpoint(inner, &inner->source, protocol, true);

	*session = lifetime_live_session(
		nat, session_find_internal(&nat->sessions, protocol, &own, &remote), now);
	return *session != NAT_NONE ? session_at(&nat->sessions, *session)->mapping
				    : sessionless_mapping(nat, protocol, &own, &remote, now);
}

/*
 * The quoted packet was hairpinned, and went in through mapping @target: give the quote back the
 * form it had when its sender sent it, and the error to that sender, from us (RFC 5508 REQ-7).
 */
static struct nat_outcome to_hairpin_sender(struct nat *nat, struct packet *pkt,
					    struct packet *inner, enum nat_protocol protocol,
					    uint32_t target, struct mono now)
{
	const struct mapping *to, *from;
	struct endpoint remote, sender, us;
	uint32_t session;

	if (nat->options.hairpin == HAIRPIN_OFF)
		return drop_by(REASON_HAIRPIN_OFF, OPT_NAT_HAIRPIN, NAT_NONE);
	if (target == NAT_NONE)
		return drop(REASON_ICMP_ERROR_NO_SESSION);
	to = mapping_at(&nat->mappings, target);
	remote = to->external;
	if (!nat_has_ports(protocol))
		remote.port = 0;
	session = session_of_source(nat, inner, protocol, &remote, now);
	if (session == NAT_NONE)
		return drop(REASON_ICMP_ERROR_NO_SESSION);
	from = mapping_at(&nat->mappings, session_at(&nat->sessions, session)->mapping);
	packet_set_destination(inner, &to->external);
	packet_set_source(inner, &from->internal);
	packet_close_quote(pkt, inner);
	us = (struct endpoint){ .addr = to->external.addr };
	sender = (struct endpoint){ .addr = from->internal.addr };
	packet_set_source(pkt, &us);
	packet_set_destination(pkt, &sender);
	if (nat->options.ip_id == IP_ID_REWRITE)
		ip_id_rewrite(&nat->ip_ids, &nat->mappings.key, pkt);
	return rewritten(REASON_ICMP_ERROR_TRANSLATED, session_at(&nat->sessions, session)->mapping,
			 session);
}

/* From outside: give the quote its internal source back and send the error to that host. */
static struct nat_outcome from_external(struct nat *nat, struct packet *pkt, struct packet *inner,
					enum nat_protocol protocol, struct mono now)
{
	struct endpoint remote = quoted_endpoint(inner, &inner->destination, protocol, true), host;
	uint32_t session = session_of_source(nat, inner, protocol, &remote, now), target;
	const struct mapping *m;

	if (session == NAT_NONE) {
		/* Our own system may have met a packet that was hairpinned already. */
		target = mapping_of_destination(nat, inner, protocol, now, &session);
		return target != NAT_NONE
			       ? to_hairpin_sender(nat, pkt, inner, protocol, target, now)
			       : drop(REASON_ICMP_ERROR_NO_SESSION);
	}
	m = mapping_at(&nat->mappings, session_at(&nat->sessions, session)->mapping);
	packet_set_source(inner, &m->internal);
	packet_close_quote(pkt, inner);
	host = (struct endpoint){ .addr = m->internal.addr };
	packet_set_destination(pkt, &host);
	return rewritten(REASON_ICMP_ERROR_TRANSLATED, session_at(&nat->sessions, session)->mapping,
			 session);
}

/* Whom an error from inside comes from: its sender if it has an address of its own, else us. */
static struct addr outer_source(const struct nat *nat, const struct addr *sender,
				const struct mapping *m)
{
	for (uint32_t i = 0; i < nat->options.pairs.count; i++)
		if (addr_equal(&nat->options.pairs.pairs[i].internal, sender))
			return nat->options.pairs.pairs[i].external;
	return m->external.addr;
}

/* The router itself, about a packet that it was let have? */
static bool is_routers_own(const struct nat *nat, const struct packet *pkt)
{
	return nat->options.unmatched == UNMATCHED_ACCEPT &&
	       nat_is_external(nat, &pkt->source.addr);
}

/* From inside: the quote's destination becomes external, the error comes from us (REQ-5). */
static struct nat_outcome from_internal(struct nat *nat, struct packet *pkt, struct packet *inner,
					enum nat_protocol protocol, struct mono now)
{
	uint32_t session, mapping = mapping_of_destination(nat, inner, protocol, now, &session);
	const struct mapping *m;
	struct endpoint self;

	if (session == NAT_NONE && forward_is_exempt(&nat->options, inner, &inner->source))
		return pass(REASON_EXEMPT, OPT_NAT_EXEMPT);
	if (mapping == NAT_NONE && is_routers_own(nat, pkt))
		return pass(REASON_ROUTER, OPT_NAT_UNMATCHED);
	if (nat_is_external(nat, &pkt->destination.addr))
		return to_hairpin_sender(nat, pkt, inner, protocol, mapping, now);
	if (mapping == NAT_NONE)
		return drop(REASON_ICMP_ERROR_NO_SESSION);
	m = mapping_at(&nat->mappings, mapping);
	self = (struct endpoint){ .addr = outer_source(nat, &pkt->source.addr, m) };
	packet_set_destination(inner, &m->external);
	packet_close_quote(pkt, inner);
	packet_set_source(pkt, &self);
	if (nat->options.ip_id == IP_ID_REWRITE)
		ip_id_rewrite(&nat->ip_ids, &nat->mappings.key, pkt);
	return rewritten(REASON_ICMP_ERROR_TRANSLATED, mapping, session);
}

struct nat_outcome icmp_error_translate(struct nat *nat, struct packet *pkt, enum nat_side from,
					struct mono now)
{
	bool checks = nat->options.icmp.error_checks == SWITCH_ON;
	enum nat_protocol protocol;
	struct packet inner;

	if (nat->options.icmp.errors == ERRORS_DROP)
		return drop_by(REASON_ICMP_ERRORS_OFF, OPT_ICMP_ERRORS, NAT_NONE);
	if (checks && !packet_icmp_checksum_ok(pkt))
		return drop_by(REASON_ICMP_ERROR_CHECKSUM, OPT_ICMP_ERROR_CHECKS, NAT_NONE);
	if (packet_open_quote(pkt, &inner) != PACKET_OK || !quoted_protocol(&inner, &protocol))
		return drop(REASON_ICMP_QUOTE);
	if (checks && !packet_ip_checksum_ok(&inner))
		return drop_by(REASON_ICMP_QUOTE_CHECKSUM, OPT_ICMP_ERROR_CHECKS, NAT_NONE);
	if (inner.address_options)
		return drop(REASON_ADDRESS_OPTION);
	return from == NAT_EXTERNAL ? from_external(nat, pkt, &inner, protocol, now)
				    : from_internal(nat, pkt, &inner, protocol, now);
}
