/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * answer.c - what the NAT says by itself: ICMP errors and resets
 *
 * Every answer goes through one rate limit and one list of what must never be answered (RFC 1812
 * section 4.3.2.7, RFC 5508 REQ-10). The packet it is about is quoted as its sender sent it.
 */
#include "nat/core/steps.h"

static bool is_muted(enum icmp_mute mute, enum nat_side to)
{
	switch (mute) {
	case MUTE_NONE:
		return false;
	case MUTE_INTERNAL:
		return to == NAT_INTERNAL;
	case MUTE_EXTERNAL:
		return to == NAT_EXTERNAL;
	case MUTE_BOTH:
		return true;
	}
	return false;
}

/* A place in the output ring, if the rate allows one more. */
static struct output *next_answer(struct nat *nat, struct mono now)
{
	uint64_t rate = nat->options.icmp.error_rate;
	struct output *output;

	if (rate == 0 || !bucket_has(&nat->answers, rate, now))
		return NULL;
	output = output_add(&nat->outputs);
	if (output != NULL)
		bucket_take(&nat->answers, rate, now);
	return output;
}

void answer_unreachable(struct nat *nat, const struct packet *about, enum nat_side to, uint8_t code,
			struct mono now)
{
	/* Towards the LAN the system fills in its own address there, which core does not know. */
	struct addr from = to == NAT_EXTERNAL ? about->destination.addr : addr_from_ip4(0);
	struct output *output;

	if (is_muted(nat->options.icmp.mute, to))
		return;
	if (about->fragment && !about->fragment_first)
		return;
	if (about->protocol == PACKET_ICMP && !packet_is_icmp_query(about))
		return;
	if (!addr_is_unicast(&about->source.addr) || !addr_is_unicast(&about->destination.addr))
		return;
	output = next_answer(nat, now);
	if (output != NULL)
		output->length = packet_make_unreachable(output->data, &from, code, about);
}

/* RFC 9293 section 3.10.7.1: a segment to a connection that does not exist. */
void answer_reset(struct nat *nat, const struct packet *about, struct mono now)
{
	struct packet_segment reset = {
		.from = about->destination,
		.to = about->source,
		.flags = PACKET_TCP_RST,
	};
	struct output *output;

	if (about->tcp_flags & PACKET_TCP_RST)
		return;
	if (about->tcp_flags & PACKET_TCP_ACK) {
		reset.sequence = about->tcp_acknowledgment;
	} else {
		reset.flags |= PACKET_TCP_ACK;
		reset.acknowledgment = about->tcp_sequence + about->tcp_payload +
				       ((about->tcp_flags & PACKET_TCP_SYN) != 0) +
				       ((about->tcp_flags & PACKET_TCP_FIN) != 0);
	}
	output = next_answer(nat, now);
	if (output != NULL)
		output->length = packet_make_segment(output->data, &reset);
}

/* Each end is told with the number it expects next, or it would not believe it. */
void answer_expiry(struct nat *nat, uint32_t session)
{
	const struct session *s = session_at(&nat->sessions, session);
	const struct mapping *m = mapping_at(&nat->mappings, s->mapping);
	const struct tcp_end *ends = session_tcp(&nat->sessions, session)->end;
	const struct packet_segment resets[2] = {
		{ .from = s->remote,
		  .to = m->internal,
		  .sequence = ends[NAT_INTERNAL].next,
		  .flags = PACKET_TCP_RST },
		{ .from = m->external,
		  .to = s->remote,
		  .sequence = ends[NAT_EXTERNAL].next,
		  .flags = PACKET_TCP_RST },
	};

	for (int i = 0; i < 2; i++) {
		struct output *output;

		/* A hairpinned connection has a session at each end, which tells that end. */
		if (nat_is_external(nat, &resets[i].to.addr))
			continue;
		output = output_add(&nat->outputs);

		if (output != NULL)
			output->length = packet_make_segment(output->data, &resets[i]);
	}
}

void answer_full(struct nat *nat, const struct packet *about, struct mono now)
{
	switch (nat->options.on_full) {
	case FULL_ICMP_PROHIBITED:
		answer_unreachable(nat, about, NAT_INTERNAL, PACKET_PROHIBITED, now);
		break;
	case FULL_ICMP_UNREACHABLE:
		answer_unreachable(nat, about, NAT_INTERNAL, PACKET_HOST_UNREACHABLE, now);
		break;
	case FULL_DROP:
		break;
	}
}
