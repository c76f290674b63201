/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * model_error.c - ICMP errors: both packets are translated, and nothing is refreshed (RFC 5508)
 */
#include "tests/model/model_steps.h"

/* A hairpinned packet went to @target's host and is quoted as that got it: back to its sender. */
static struct m_outcome error_to_sender(struct model *m, struct bytes *pkt, struct bytes *inner,
					uint32_t target)
{
	const struct m_mapping *to = m_mapping_at(m, target), *from;
	struct endpoint own = own_end(inner, &inner->source), remote;
	struct endpoint us = { 0 }, sender = { 0 }, target_end;
	uint32_t n = 0;

	if (m->o.hairpin == HAIRPIN_OFF)
		return drop(REASON_HAIRPIN_OFF);
	if (to != NULL) {
		remote = remote_end(inner, &to->external);
		n = m_session_external(m, to->protocol, &own, &remote);
		us.addr = to->external.addr;
	}
	if (n == 0)
		return drop(REASON_ICMP_ERROR_NO_SESSION);
	from = m_mapping_at(m, m_session_at(m, n)->mapping);
	sender.addr = from->internal.addr;
	target_end = to->external;
	if (inner->protocol == BYTES_ICMP)
		target_end.port = from->internal.port; /* its one identifier */
	bytes_rewrite_error(
		pkt, inner, (struct bytes_change){ &from->internal, &target_end, -1 },
		(struct bytes_change){ &us, &sender, m_new_id(m, pkt, us.addr, sender.addr) });
	return rewritten(REASON_ICMP_ERROR_TRANSLATED, from->serial, n);
}

/* The mapping through which the quoted packet came in; with or without a session. */
static uint32_t mapping_of_quote(struct model *m, const struct bytes *inner, uint32_t *session)
{
	enum nat_protocol protocol = protocol_of(inner);
	struct endpoint own = own_end(inner, &inner->destination);
	struct endpoint remote = remote_end(inner, &inner->source);
	struct endpoint part = m_remote_part(m->o.protocol[protocol].mapping, &remote);
	static const struct endpoint nowhere;
	uint32_t mapping;

	*session = m_session_internal(m, protocol, &own, &remote);
	if (*session != 0)
		return m_session_at(m, *session)->mapping;
	mapping = m_mapping_internal(m, protocol, &own, &part);
	if (mapping != 0)
		return mapping;
	mapping = m_mapping_internal(m, protocol, &own, &nowhere);
	return mapping != 0 && m_is_open(m_mapping_at(m, mapping)) ? mapping : 0;
}

static struct m_outcome error_in(struct model *m, struct bytes *pkt, struct bytes *inner)
{
	struct endpoint own = own_end(inner, &inner->source);
	struct endpoint remote = remote_end(inner, &inner->destination), host = { 0 };
	uint32_t n = m_session_external(m, protocol_of(inner), &own, &remote), target;
	const struct m_mapping *at;

	if (n == 0) {
		target = mapping_of_quote(m, inner, &n);
		return target != 0 ? error_to_sender(m, pkt, inner, target)
				   : drop(REASON_ICMP_ERROR_NO_SESSION);
	}
	at = m_mapping_at(m, m_session_at(m, n)->mapping);
	host.addr = at->internal.addr;
	bytes_rewrite_error(pkt, inner, (struct bytes_change){ &at->internal, NULL, -1 },
			    (struct bytes_change){ NULL, &host, -1 });
	return rewritten(REASON_ICMP_ERROR_TRANSLATED, at->serial, n);
}

static struct m_outcome error_out(struct model *m, struct bytes *pkt, struct bytes *inner)
{
	uint32_t session, mapping = mapping_of_quote(m, inner, &session);
	const struct m_mapping *at;
	struct endpoint us;

	if (session == 0 && m_is_exempt(&m->o, &inner->source, has_ports(protocol_of(inner))))
		return pass(REASON_EXEMPT);
	if (mapping == 0 && m->o.unmatched == UNMATCHED_ACCEPT &&
	    m_is_external(&m->o, &pkt->source.addr))
		return pass(REASON_ROUTER);
	if (m_is_external(&m->o, &pkt->destination.addr))
		return error_to_sender(m, pkt, inner, mapping);
	if (mapping == 0)
		return drop(REASON_ICMP_ERROR_NO_SESSION);
	at = m_mapping_at(m, mapping);
	us = (struct endpoint){ .addr = at->external.addr };
	for (uint32_t i = 0; i < m->o.pairs.count; i++)
		if (addr_equal(&m->o.pairs.pairs[i].internal, &pkt->source.addr))
			us.addr = m->o.pairs.pairs[i].external;
	bytes_rewrite_error(pkt, inner, (struct bytes_change){ NULL, &at->external, -1 },
			    (struct bytes_change){
				    &us, NULL, m_new_id(m, pkt, us.addr, pkt->destination.addr) });
	return rewritten(REASON_ICMP_ERROR_TRANSLATED, mapping, session);
}

struct m_outcome m_error(struct model *m, struct bytes *pkt, enum nat_side from)
{
	bool checks = m->o.icmp.error_checks == SWITCH_ON;
	struct bytes inner;

	if (m->o.icmp.errors == ERRORS_DROP)
		return drop(REASON_ICMP_ERRORS_OFF);
	if (checks && !bytes_icmp_sum_ok(pkt))
		return drop(REASON_ICMP_ERROR_CHECKSUM);
	if (bytes_quote(pkt, &inner) != REASON_TRANSLATED || !inner.first ||
	    (inner.protocol == BYTES_ICMP && !bytes_is_query(&inner)))
		return drop(REASON_ICMP_QUOTE);
	if (checks && !bytes_ip_sum_ok(&inner))
		return drop(REASON_ICMP_QUOTE_CHECKSUM);
	if (inner.address_options)
		return drop(REASON_ADDRESS_OPTION);
	return from == NAT_EXTERNAL ? error_in(m, pkt, &inner) : error_out(m, pkt, &inner);
}
