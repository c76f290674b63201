/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/core/tcp_state.h"

#include "common/packet.h"

static struct tcp_step to(enum tcp_state next, enum tcp_timer timer)
{
	return (struct tcp_step){ .next = next, .timer = timer };
}

static struct tcp_step open_again(enum nat_side from)
{
	return to(from == NAT_INTERNAL ? TCP_INTERNAL_SYN : TCP_EXTERNAL_SYN, TCP_TIMER_OPENING);
}

/* Waiting for the ACKs of both sides, not their SYNs only. */
static struct tcp_step step_strict(enum tcp_state state, unsigned int flags, enum nat_side from,
				   enum nat_side other)
{
	if (flags & TCP_BOTH_ACKED) { /* the segment may be a FIN as well */
		if (flags & PACKET_TCP_FIN)
			return to(from == NAT_INTERNAL ? TCP_INTERNAL_FIN : TCP_EXTERNAL_FIN,
				  TCP_TIMER_ESTABLISHED);
		return to(TCP_ESTABLISHED, TCP_TIMER_ESTABLISHED);
	}
	if ((flags & PACKET_TCP_SYN) && (from == NAT_INTERNAL || from == other))
		return to(state, TCP_TIMER_OPENING);
	return to(state, TCP_TIMER_KEEP);
}

/* One side has sent its SYN; @other is the side whose SYN is awaited. */
static struct tcp_step step_opening(enum tcp_state state, unsigned int flags, enum nat_side from,
				    enum nat_side other)
{
	if (flags & PACKET_TCP_RST)
		return to(TCP_TRANS, TCP_TIMER_KEEP);
	if (flags & TCP_STRICT)
		return step_strict(state, flags, from, other);
	if (!(flags & PACKET_TCP_SYN))
		return to(state, TCP_TIMER_KEEP);
	if (from == other)
		return to(TCP_ESTABLISHED, TCP_TIMER_ESTABLISHED);
	/* Again from the same side. A stranger's may not keep a mapping alive (RFC 7857 7). */
	return to(state, from == NAT_INTERNAL ? TCP_TIMER_OPENING : TCP_TIMER_KEEP);
}

bool tcp_opens(unsigned int flags)
{
	return (flags & (PACKET_TCP_SYN | PACKET_TCP_ACK | PACKET_TCP_RST)) == PACKET_TCP_SYN;
}

/*
 * After a RST: another changes nothing, data shows that it was not meant (RFC 7857 2.2). A SYN
 * from outside restarts no timer: who is refused again and again may not keep a mapping alive.
 */
static struct tcp_step step_reset(unsigned int flags, enum nat_side from)
{
	if (flags & PACKET_TCP_RST)
		return to(TCP_TRANS, TCP_TIMER_KEEP);
	if (tcp_opens(flags) && from == NAT_EXTERNAL)
		return to(TCP_EXTERNAL_SYN, TCP_TIMER_KEEP);
	if (tcp_opens(flags))
		return open_again(from);
	return to(TCP_ESTABLISHED, TCP_TIMER_ESTABLISHED);
}

/* Both closed: the timer runs from the second FIN, and again from its ACK, whatever comes. */
static struct tcp_step step_closing(enum tcp_state state, unsigned int flags, enum nat_side from)
{
	if (tcp_opens(flags))
		return open_again(from);
	if ((flags & TCP_FINS_ACKNOWLEDGED) && state == TCP_BOTH_FIN)
		return to(TCP_TIME_WAIT, TCP_TIMER_TIME_WAIT);
	return to(state, TCP_TIMER_KEEP);
}

/* One side has sent FIN; @other has not and may go on sending for hours (half-close). */
static struct tcp_step step_half_closed(enum tcp_state state, unsigned int flags,
					enum nat_side from, enum nat_side other)
{
	if (flags & PACKET_TCP_RST)
		return to(TCP_TRANS, TCP_TIMER_RESET);
	if ((flags & PACKET_TCP_FIN) && from == other)
		return flags & TCP_FINS_ACKNOWLEDGED ? to(TCP_TIME_WAIT, TCP_TIMER_TIME_WAIT)
						     : to(TCP_BOTH_FIN, TCP_TIMER_CLOSING);
	return to(state, TCP_TIMER_ESTABLISHED);
}

static struct tcp_step step_established(unsigned int flags, enum nat_side from)
{
	if (flags & PACKET_TCP_RST)
		return to(TCP_TRANS, TCP_TIMER_RESET);
	if (flags & PACKET_TCP_FIN)
		return to(from == NAT_INTERNAL ? TCP_INTERNAL_FIN : TCP_EXTERNAL_FIN,
			  TCP_TIMER_KEEP);
	return to(TCP_ESTABLISHED, TCP_TIMER_ESTABLISHED);
}

struct tcp_step tcp_step(enum tcp_state state, unsigned int flags, enum nat_side from)
{
	switch (state) {
	case TCP_CLOSED:
		if (flags & PACKET_TCP_SYN)
			return open_again(from);
		return to(TCP_CLOSED, TCP_TIMER_KEEP);
	case TCP_INTERNAL_SYN:
		return step_opening(state, flags, from, NAT_EXTERNAL);
	case TCP_EXTERNAL_SYN:
		return step_opening(state, flags, from, NAT_INTERNAL);
	case TCP_ESTABLISHED:
		return step_established(flags, from);
	case TCP_INTERNAL_FIN:
		return step_half_closed(state, flags, from, NAT_EXTERNAL);
	case TCP_EXTERNAL_FIN:
		return step_half_closed(state, flags, from, NAT_INTERNAL);
	case TCP_BOTH_FIN:
	case TCP_TIME_WAIT:
		return step_closing(state, flags, from);
	case TCP_TRANS:
		return step_reset(flags, from);
	case TCP_STATES:
		break;
	}
	return to(TCP_CLOSED, TCP_TIMER_KEEP);
}

/* --- what the sides have said --------------------------------------------------------------- */

/* Bits of tcp_end.seen. */
enum {
	SENT_ANY = 1,	       /* `sent` is known */
	SENT_ACK = 2,	       /* `next` and `edge` are */
	SENT_FIN = 4,	       /* `after_fin` is */
	FIN_ACKNOWLEDGED = 8,  /* by the other side */
	SENT_OPENING_ACK = 16, /* an ACK since the connection's SYN */
};

static bool before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

static void note_sent(struct tcp_end *own, const struct tcp_segment *s)
{
	uint32_t after = s->sequence + s->payload;

	after += (s->flags & PACKET_TCP_SYN) != 0;
	after += (s->flags & PACKET_TCP_FIN) != 0;
	if (!(own->seen & SENT_ANY) || before(own->sent, after) || (s->flags & PACKET_TCP_SYN))
		own->sent = after; /* a SYN starts the numbers anew */
	own->seen |= SENT_ANY;
	if (s->flags & PACKET_TCP_FIN) {
		own->after_fin = after;
		own->seen |= SENT_FIN;
	}
	if (s->flags & PACKET_TCP_SYN) {
		own->initial = s->sequence;
		own->scale = s->scale;
	}
}

/* Windows are scaled only if both SYNs offered it, and never in a SYN (RFC 7323 section 2.2). */
static uint32_t window_of(const struct tcp_end *own, const struct tcp_end *other,
			  const struct tcp_segment *s)
{
	if ((s->flags & PACKET_TCP_SYN) || own->scale > 14 || other->scale > 14)
		return s->window;
	return (uint32_t)s->window << own->scale;
}

static void note_acknowledged(struct tcp_end *own, struct tcp_end *other,
			      const struct tcp_segment *s)
{
	uint32_t edge = s->acknowledgment + window_of(own, other, s);

	if (!(s->flags & PACKET_TCP_ACK))
		return;
	if (!(own->seen & SENT_ACK) || before(own->next, s->acknowledgment))
		own->next = s->acknowledgment;
	if (!(own->seen & SENT_ACK) || before(own->edge, edge))
		own->edge = edge;
	own->seen |= SENT_ACK | SENT_OPENING_ACK;
	if ((other->seen & SENT_FIN) && !before(s->acknowledgment, other->after_fin))
		other->seen |= FIN_ACKNOWLEDGED;
}

/*
 * Would the receiver take this RST? With its window known, the sequence number must lie in it;
 * before it has acknowledged anything, the RST must acknowledge its SYN (RFC 9293 section
 * 3.10.7). Where nothing is known, there is nothing to check against.
 */
static bool reset_belongs(const struct tcp_end *receiver, const struct tcp_segment *s)
{
	if (receiver->seen & SENT_ACK)
		return !before(s->sequence, receiver->next) && !before(receiver->edge, s->sequence);
	if (receiver->seen & SENT_ANY)
		return (s->flags & PACKET_TCP_ACK) &&
		       before(receiver->initial, s->acknowledgment) &&
		       !before(receiver->sent, s->acknowledgment);
	return true;
}

static bool both(const struct tcp_track *t, uint8_t bit)
{
	return (t->end[NAT_INTERNAL].seen & t->end[NAT_EXTERNAL].seen & bit) != 0;
}

/* States in which no FIN has been seen: an old connection's may not count for the new one. */
static bool before_fins(enum tcp_state state)
{
	return state == TCP_INTERNAL_SYN || state == TCP_EXTERNAL_SYN || state == TCP_ESTABLISHED;
}

/* A SYN that opens: what was said before belongs to another connection. */
static bool starts_anew(const struct tcp_track *t, unsigned int flags)
{
	return tcp_opens(flags) && (t->state == TCP_CLOSED || t->state == TCP_BOTH_FIN ||
				    t->state == TCP_TIME_WAIT || t->state == TCP_TRANS);
}

enum tcp_timer tcp_track(struct tcp_track *t, const struct tcp_segment *segment, enum nat_side from,
			 const struct tcp_rules *rules)
{
	struct tcp_end *own = &t->end[from], *other = &t->end[!from];
	unsigned int flags = segment->flags & 0xff;
	struct tcp_step step;

	if ((flags & PACKET_TCP_RST) && rules->rst_check && !reset_belongs(other, segment))
		return TCP_TIMER_KEEP;
	if (starts_anew(t, flags))
		t->end[NAT_INTERNAL] = t->end[NAT_EXTERNAL] = (struct tcp_end){ 0 };
	note_sent(own, segment);
	note_acknowledged(own, other, segment);
	if (both(t, FIN_ACKNOWLEDGED))
		flags |= TCP_FINS_ACKNOWLEDGED;
	if (rules->strict)
		flags |= TCP_STRICT;
	if (both(t, SENT_OPENING_ACK))
		flags |= TCP_BOTH_ACKED;
	step = tcp_step((enum tcp_state)t->state, flags, from);
	if (before_fins(step.next)) {
		own->seen &= (uint8_t) ~(SENT_FIN | FIN_ACKNOWLEDGED);
		other->seen &= (uint8_t) ~(SENT_FIN | FIN_ACKNOWLEDGED);
	}
	t->state = (uint8_t)step.next;
	return step.timer;
}

void tcp_pick_up(struct tcp_track *t)
{
	*t = (struct tcp_track){ .state = TCP_ESTABLISHED };
	/* Their SYNs were not seen: their windows may be as wide as the widest scale makes them. */
	t->end[NAT_INTERNAL].scale = t->end[NAT_EXTERNAL].scale = 14;
}

const char *tcp_state_name(enum tcp_state state)
{
	static const char *const names[TCP_STATES] = {
		[TCP_CLOSED] = "CLOSED",
		[TCP_INTERNAL_SYN] = "INTERNAL_SYN",
		[TCP_EXTERNAL_SYN] = "EXTERNAL_SYN",
		[TCP_ESTABLISHED] = "ESTABLISHED",
		[TCP_INTERNAL_FIN] = "INTERNAL_FIN",
		[TCP_EXTERNAL_FIN] = "EXTERNAL_FIN",
		[TCP_BOTH_FIN] = "BOTH_FIN",
		[TCP_TIME_WAIT] = "TIME_WAIT",
		[TCP_TRANS] = "TRANS",
	};

	return state < TCP_STATES ? names[state] : "CLOSED";
}
