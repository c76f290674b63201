/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unmatched.c - inbound packets that nobody asked for
 *
 * Most are dropped without a word. A SYN may be the early half of a simultaneous open, so its
 * sender is told only after a while, if at all (RFC 5382 REQ-4).
 */
#include <string.h>

#include "nat/core/steps.h"

/* @silent: what to say and do where no answer is given. */
static struct nat_outcome unsolicited_syn(struct nat *nat, const struct packet *pkt,
					  struct nat_outcome silent, struct mono now)
{
	static const struct addr nobody;

	switch (nat->options.tcp.unsolicited_syn) {
	case SYN_DROP:
		return silent;
	case SYN_HOLD:
		if (hold_syn(&nat->held_syns, pkt, now))
			return drop_by(REASON_SYN_HELD, OPT_TCP_UNSOLICITED_SYN, silent.mapping);
		return report_limit(
			nat, drop_by(REASON_SYNS_FULL, OPT_TCP_MAX_HELD_SYNS, silent.mapping),
			NAT_TCP, &nobody, now);
	case SYN_RESET:
		answer_reset(nat, pkt, now);
		break;
	case SYN_REJECT:
		answer_unreachable(nat, pkt, NAT_EXTERNAL, PACKET_PORT_UNREACHABLE, now);
		break;
	}
	return drop_by(REASON_SYN_ANSWERED, OPT_TCP_UNSOLICITED_SYN, silent.mapping);
}

static struct nat_outcome refuse(struct nat *nat, const struct packet *pkt, const struct flow *flow,
				 struct nat_outcome silent, struct mono now)
{
	if (flow->protocol == NAT_TCP && !flow->hairpin && tcp_opens(pkt->tcp_flags))
		return unsolicited_syn(nat, pkt, silent, now);
	return silent;
}

struct nat_outcome unmatched_answer(struct nat *nat, const struct packet *pkt,
				    const struct flow *flow, struct mono now)
{
	switch (nat->options.unmatched) {
	case UNMATCHED_ACCEPT:
		return pass(REASON_ROUTER, OPT_NAT_UNMATCHED);
	case UNMATCHED_REJECT:
		if (flow->protocol == NAT_TCP)
			answer_reset(nat, pkt, now);
		else
			answer_unreachable(nat, pkt, flow->hairpin ? NAT_INTERNAL : NAT_EXTERNAL,
					   PACKET_PORT_UNREACHABLE, now);
		return drop_by(REASON_UNMATCHED_REJECTED, OPT_NAT_UNMATCHED, NAT_NONE);
	case UNMATCHED_DROP:
		break;
	}
	return refuse(nat, pkt, flow, drop_by(REASON_NO_MAPPING, OPT_NAT_UNMATCHED, NAT_NONE), now);
}

struct nat_outcome filtered_answer(struct nat *nat, const struct packet *pkt,
				   const struct flow *flow, uint32_t mapping, struct mono now)
{
	if (nat->options.protocol[flow->protocol].kill_on_unsolicited == SWITCH_ON) {
		lifetime_remove_mapping(nat, mapping, CAUSE_KILLED);
		return drop_by(REASON_MAPPING_KILLED,
			       option_of(OPT_UDP_KILL_ON_UNSOLICITED, flow->protocol), NAT_NONE);
	}
	return refuse(
		nat, pkt, flow,
		drop_by(REASON_FILTERED, option_of(OPT_UDP_FILTERING, flow->protocol), mapping),
		now);
}

/* The head of a SYN, as its sender sent it. */
static void answer_held(struct nat *nat, const struct held_syn *syn, struct mono now)
{
	uint8_t bytes[HOLD_BYTES];
	struct packet pkt;

	memcpy(bytes, syn->bytes, syn->length);
	packet_init(&pkt, bytes, syn->length, syn->length, false);
	pkt.quoted = true; /* it may have carried data that was not kept */
	if (packet_parse(&pkt) == PACKET_OK)
		answer_unreachable(nat, &pkt, NAT_EXTERNAL, PACKET_PORT_UNREACHABLE, now);
}

struct mono unmatched_tick(struct nat *nat, struct mono now)
{
	const struct held_syn *syn;

	while ((syn = hold_first(&nat->held_syns)) != NULL) {
		struct mono due = mono_add_ms(syn->since, nat->options.tcp.syn_hold_ms);

		if (!mono_reached(now, due))
			return due;
		answer_held(nat, syn, now);
		hold_drop_first(&nat->held_syns);
	}
	return MONO_NEVER;
}
