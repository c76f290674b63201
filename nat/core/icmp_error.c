/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * icmp_error.c - ICMP errors and the packets they quote
 *
 * The quote runs against the error: an error from outside quotes a packet that we translated on
 * its way out, so its source is one of our external endpoints; an error from inside quotes a
 * packet that we translated on its way in, so its destination is an internal endpoint. Errors
 * never make, refresh or end a session (RFC 4787 REQ-12, RFC 5382 REQ-10, RFC 5508 REQ-6), and
 * filtering does not apply to their sender, which is any router on the way.
 */
#include "nat/core/steps.h"

/* The protocol of a quoted packet that can be in our tables; false if it cannot. */
static bool quoted_protocol(const struct packet *inner, enum nat_protocol *protocol)
{
	if (inner->fragment && !inner->fragment_first)
		return false;
	switch (inner->protocol) {
	case PACKET_UDP:
		*protocol = NAT_UDP;
		return true;
	case PACKET_TCP:
		*protocol = NAT_TCP;
		return true;
	case PACKET_ICMP:
		*protocol = NAT_ICMP;
		return packet_is_icmp_query(inner);
	default:
		return false;
	}
}

static struct endpoint remote_of(const struct endpoint *quoted, enum nat_protocol protocol)
{
	struct endpoint remote = *quoted;

	if (protocol == NAT_ICMP)
		remote.port = 0;
	return remote;
}

/* From outside: give the quote its internal source back and send the error to that host. */
static struct nat_outcome from_external(struct nat *nat, struct packet *pkt, struct packet *inner,
					enum nat_protocol protocol, struct mono now)
{
	struct endpoint remote = remote_of(&inner->destination, protocol), host;
	uint32_t session = session_find_external(&nat->sessions, protocol, &inner->source, &remote);
	const struct mapping *m;

	session = lifetime_live_session(nat, session, now);
	if (session == NAT_NONE)
		return drop(REASON_ICMP_ERROR_NO_SESSION);
	m = mapping_at(&nat->mappings, session_at(&nat->sessions, session)->mapping);
	packet_set_source(inner, &m->internal);
	packet_close_quote(pkt, inner);
	host = (struct endpoint){ .addr = m->internal.addr };
	packet_set_destination(pkt, &host);
	return rewritten(REASON_ICMP_ERROR_TRANSLATED, session_at(&nat->sessions, session)->mapping,
			 session);
}

/* The mapping a quoted packet came in through, where it left no session (filtering admitted it). */
static uint32_t sessionless_mapping(struct nat *nat, enum nat_protocol protocol,
				    const struct endpoint *internal, const struct endpoint *remote,
				    struct mono now)
{
	struct endpoint part = mapping_remote_part(nat->options.protocol[protocol].mapping, remote);
	uint32_t n = mapping_find_internal(&nat->mappings, protocol, internal, &part);

	return lifetime_live_mapping(nat, n, now);
}

/* From inside: the quote's destination becomes external, the error comes from us (REQ-5). */
static struct nat_outcome from_internal(struct nat *nat, struct packet *pkt, struct packet *inner,
					enum nat_protocol protocol, struct mono now)
{
	struct endpoint remote = remote_of(&inner->source, protocol), self;
	uint32_t session =
		session_find_internal(&nat->sessions, protocol, &inner->destination, &remote);
	const struct mapping *m;
	uint32_t mapping;

	session = lifetime_live_session(nat, session, now);
	if (session != NAT_NONE) {
		mapping = session_at(&nat->sessions, session)->mapping;
	} else {
		mapping = sessionless_mapping(nat, protocol, &inner->destination, &remote, now);
	}
	if (mapping == NAT_NONE)
		return drop(REASON_ICMP_ERROR_NO_SESSION);
	m = mapping_at(&nat->mappings, mapping);
	packet_set_destination(inner, &m->external);
	packet_close_quote(pkt, inner);
	self = (struct endpoint){ .addr = m->external.addr };
	packet_set_source(pkt, &self);
	return rewritten(REASON_ICMP_ERROR_TRANSLATED, mapping, session);
}

struct nat_outcome icmp_error_translate(struct nat *nat, struct packet *pkt, enum nat_side from,
					struct mono now)
{
	enum nat_protocol protocol;
	struct packet inner;

	if (!packet_icmp_checksum_ok(pkt))
		return drop(REASON_ICMP_ERROR_CHECKSUM);
	if (packet_open_quote(pkt, &inner) != PACKET_OK || !quoted_protocol(&inner, &protocol))
		return drop(REASON_ICMP_QUOTE);
	if (!packet_ip_checksum_ok(&inner))
		return drop(REASON_ICMP_QUOTE_CHECKSUM);
	if (inner.address_options)
		return drop(REASON_ADDRESS_OPTION);
	return from == NAT_EXTERNAL ? from_external(nat, pkt, &inner, protocol, now)
				    : from_internal(nat, pkt, &inner, protocol, now);
}
