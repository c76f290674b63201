/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fragment.c - the way of a fragment
 *
 * The first fragment of a datagram is translated as any packet is. The others have no ports: they
 * follow it, or wait for it (RFC 4787 REQ-14). What the receiver would put together wrongly is
 * never let through (RFC 1858, RFC 3128).
 */
#include "nat/core/steps.h"

enum { LARGEST_DATAGRAM = 65535, TCP_HEADER_MIN = 20 };

static bool passes_none(const struct nat *nat, const struct packet *pkt, enum option_id *knob)
{
	enum nat_protocol protocol = nat_protocol_of(pkt);

	*knob = OPT_FRAGMENTS_MODE;
	if (nat->options.fragments.mode == FRAGMENTS_DROP)
		return true;
	*knob = option_of(OPT_UDP_FRAGMENTS, protocol);
	return nat->options.protocol[protocol].fragments == SWITCH_OFF;
}

/* Bytes that no honest sender would send so; REASON_FRAGMENT_TRANSLATED if there are none. */
static enum nat_reason malformed(const struct packet *pkt)
{
	size_t length = pkt->length - pkt->transport;

	if (length == 0 || (!pkt->fragment_last && length % 8 != 0) ||
	    pkt->transport + pkt->fragment_offset + length > LARGEST_DATAGRAM)
		return REASON_FRAGMENT_LENGTH;
	if (pkt->protocol == PACKET_TCP && !pkt->fragment_first &&
	    pkt->fragment_offset < TCP_HEADER_MIN)
		return REASON_FRAGMENT_TINY;
	return REASON_FRAGMENT_TRANSLATED;
}

static struct nat_outcome refuse(struct nat *nat, const struct packet *pkt, struct mono now)
{
	return report_limit(nat, drop_by(REASON_FRAGMENTS_FULL, OPT_FRAGMENTS_MAX_HELD, NAT_NONE),
			    nat_protocol_of(pkt), &pkt->source.addr, now);
}

/* Before its first: hold it, unless the store is full or the NAT keeps none. */
static struct nat_outcome hold_later(struct nat *nat, const struct packet *pkt, enum nat_side from,
				     uint32_t n, struct mono now)
{
	struct fragment_store *f = &nat->fragments;
	bool fresh = n == NAT_NONE;

	if (nat->options.fragments.mode == FRAGMENTS_IN_ORDER)
		return drop_by(REASON_FRAGMENT_ORDER, OPT_FRAGMENTS_MODE, NAT_NONE);
	if (fresh)
		n = fragment_begin(f, pkt, from, now);
	if (n == NAT_NONE)
		return refuse(nat, pkt, now);
	if (!fragment_hold(f, n, pkt, &nat->options.fragments)) {
		if (fresh)
			fragment_end(f, n);
		return refuse(nat, pkt, now);
	}
	fragment_note(f, n, pkt);
	return outcome_of(NAT_HELD, REASON_FRAGMENT_HELD, NAT_NONE, NAT_NONE, OPT_NONE);
}

/* A later fragment is traffic of the same sessions, if they have not ended meanwhile. */
static void count_traffic(struct nat *nat, const struct datagram *d, size_t length)
{
	for (int side = 0; side < 2; side++) {
		uint32_t n = d->sessions[side];
		struct session *s;

		if (n == NAT_NONE || !arena_is_live(&nat->sessions.arena, n))
			continue;
		s = session_at(&nat->sessions, n);
		if (s->number != d->session_numbers[side] ||
		    lifetime_live_session(nat, n, nat->now) == NAT_NONE)
			continue;
		s->traffic[side].packets++;
		s->traffic[side].bytes += length;
	}
}

/* What the first was counted for. */
static void note_sessions(const struct nat *nat, struct datagram *d)
{
	for (int side = 0; side < 2; side++) {
		d->sessions[side] = nat->counted[side];
		if (d->sessions[side] != NAT_NONE)
			d->session_numbers[side] =
				session_at(&nat->sessions, d->sessions[side])->number;
	}
}

/* The first came, and became what @outcome says: those that wait for it follow. */
static void settle(struct nat *nat, uint32_t n, const struct packet *pkt,
		   const struct nat_outcome *outcome)
{
	struct datagram *d = fragment_at(&nat->fragments, n);

	switch (outcome->verdict) {
	case NAT_REWRITTEN:
		d->new_source = pkt->source.addr;
		d->new_destination = pkt->destination.addr;
		d->new_id = pkt->id;
		note_sessions(nat, d);
		for (uint32_t h = d->first_held; h != NAT_NONE; h = nat->fragments.held[h].next)
			count_traffic(nat, d, nat->fragments.held[h].length);
		fragment_settle(&nat->fragments, n, DATAGRAM_TRANSLATED);
		fragment_release(&nat->fragments, n, REASON_FRAGMENT_RELEASED);
		return;
	case NAT_PASS:
		fragment_settle(&nat->fragments, n, DATAGRAM_PASSED);
		fragment_release(&nat->fragments, n, REASON_FRAGMENT_RELEASED);
		return;
	case NAT_DROPPED:
	case NAT_HELD:
		fragment_settle(&nat->fragments, n, DATAGRAM_REFUSED);
		fragment_release(&nat->fragments, n, REASON_FRAGMENT_DISCARDED);
		return;
	}
}

static struct nat_outcome take_first(struct nat *nat, struct packet *pkt, enum nat_side from,
				     uint32_t n, struct mono now)
{
	struct nat_outcome outcome;

	if (n == NAT_NONE)
		n = fragment_begin(&nat->fragments, pkt, from, now);
	if (n == NAT_NONE)
		return refuse(nat, pkt, now);
	fragment_note(&nat->fragments, n, pkt);
	nat->counted[NAT_INTERNAL] = nat->counted[NAT_EXTERNAL] = NAT_NONE;
	outcome = translate_whole(nat, pkt, from, now);
	settle(nat, n, pkt, &outcome);
	if (fragment_is_complete(&nat->fragments, n))
		fragment_end(&nat->fragments, n);
	return outcome;
}

static struct nat_outcome follow_first(struct nat *nat, struct packet *pkt, uint32_t n)
{
	const struct datagram *d = fragment_at(&nat->fragments, n);
	struct nat_outcome outcome = drop(REASON_FRAGMENT_REFUSED);

	switch ((enum datagram_state)d->state) {
	case DATAGRAM_TRANSLATED:
		fragment_rewrite(d, pkt);
		count_traffic(nat, d, pkt->length);
		outcome = rewritten(REASON_FRAGMENT_TRANSLATED, NAT_NONE, NAT_NONE);
		break;
	case DATAGRAM_PASSED:
		outcome = pass(REASON_FRAGMENT_TRANSLATED, OPT_NONE);
		break;
	case DATAGRAM_REFUSED:
	case DATAGRAM_WAITING:
		break;
	}
	fragment_note(&nat->fragments, n, pkt);
	if (fragment_is_complete(&nat->fragments, n))
		fragment_end(&nat->fragments, n);
	return outcome;
}

struct nat_outcome fragment_translate(struct nat *nat, struct packet *pkt, enum nat_side from,
				      struct mono now)
{
	enum nat_reason wrong = malformed(pkt);
	enum option_id knob;
	uint32_t n;

	if (passes_none(nat, pkt, &knob))
		return drop_by(REASON_FRAGMENT, knob, NAT_NONE);
	if (wrong != REASON_FRAGMENT_TRANSLATED)
		return drop(wrong);
	fragment_tick(nat, now); /* what is over is over, whenever the timer last ran */
	n = fragment_find(&nat->fragments, pkt, from);
	if (n != NAT_NONE && fragment_overlaps(&nat->fragments, n, pkt))
		return drop(REASON_FRAGMENT_OVERLAP);
	if (pkt->fragment_first)
		return take_first(nat, pkt, from, n, now);
	if (n == NAT_NONE || fragment_at(&nat->fragments, n)->state == DATAGRAM_WAITING)
		return hold_later(nat, pkt, from, n, now);
	return follow_first(nat, pkt, n);
}

struct mono fragment_tick(struct nat *nat, struct mono now)
{
	struct fragment_store *f = &nat->fragments;

	while (f->oldest != NAT_NONE) {
		const struct datagram *d = fragment_at(f, f->oldest);
		struct mono due = mono_add_ms(d->since, nat->options.fragments.timeout_ms);
		uint32_t n = f->oldest;

		if (!mono_reached(now, due))
			return due;
		if (d->state == DATAGRAM_WAITING)
			fragment_release(f, n, REASON_FRAGMENT_EXPIRED);
		fragment_end(f, n);
	}
	return MONO_NEVER;
}
