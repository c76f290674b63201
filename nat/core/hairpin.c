/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hairpin.c - from one internal host to the mapping of another
 *
 * The packet is outbound and inbound at once, and passes both steps: the sender gets a mapping as
 * towards any remote, and the target's filter sees the sender's external endpoint, as it would
 * if the packet had been outside in between (RFC 4787 section 6). So two hosts behind one NAT can
 * open a way to each other like any two others.
 */
#include "nat/core/steps.h"

/* One session is both ends' where a host sends to its own mapping. */
static void account(struct nat *nat, const struct packet *pkt, const struct nat_outcome *out,
		    const struct nat_outcome *in, struct mono now)
{
	lifetime_account(nat, out->session, pkt, NAT_INTERNAL, now);
	if (in->session == NAT_NONE)
		inbound_count_once(nat, pkt, in->mapping);
	else if (in->session != out->session)
		lifetime_account(nat, in->session, pkt, NAT_EXTERNAL, now);
}

struct nat_outcome hairpin_translate(struct nat *nat, struct packet *pkt,
				     enum nat_protocol protocol, struct mono now)
{
	struct flow sender = flow_of(pkt, protocol, pkt->source, pkt->destination);
	struct flow target = flow_of(pkt, protocol, pkt->destination, pkt->source);
	const struct endpoint *from;
	struct nat_outcome out, in;

	if (nat->options.hairpin == HAIRPIN_OFF)
		return drop_by(REASON_HAIRPIN_OFF, OPT_NAT_HAIRPIN, NAT_NONE);
	sender.hairpin = target.hairpin = true;
	/* Nobody's: then the sender needs no mapping either. */
	if (!inbound_leads_somewhere(nat, &target, now))
		return unmatched_answer(nat, pkt, &target, now);
	out = outbound_session(nat, pkt, &sender, now);
	if (out.verdict != NAT_REWRITTEN)
		return out;
	from = &mapping_at(&nat->mappings, out.mapping)->external;
	target = flow_of(pkt, protocol, target.own, *from);
	target.hairpin = true;
	if (protocol == NAT_ICMP)
		target.own.port = from->port; /* one identifier for both ends */
	in = inbound_session(nat, pkt, &target, now);
	if (in.verdict != NAT_REWRITTEN)
		return in;
	account(nat, pkt, &out, &in, now);
	if (nat->options.hairpin == HAIRPIN_EXTERNAL_SOURCE)
		packet_set_source(pkt, &mapping_at(&nat->mappings, out.mapping)->external);
	packet_set_destination(pkt, &mapping_at(&nat->mappings, in.mapping)->internal);
	if (nat->options.ip_id == IP_ID_REWRITE)
		ip_id_rewrite(&nat->ip_ids, &nat->mappings.key, pkt);
	return rewritten_by(REASON_HAIRPIN, OPT_NAT_HAIRPIN, in.mapping, in.session);
}
