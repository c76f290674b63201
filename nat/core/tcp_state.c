/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/core/tcp_state.h"

#include "common/packet.h"

static struct tcp_step to(enum tcp_state next, enum tcp_timer timer)
{
	return (struct tcp_step){ .next = next, .timer = timer };
}

static struct tcp_step open_again(enum nat_side from)
{
	return to(from == NAT_INTERNAL ? TCP_INTERNAL_SYN : TCP_EXTERNAL_SYN, TCP_TIMER_TRANSITORY);
}

/* One side has sent its SYN; @other is the side whose SYN is awaited. */
static struct tcp_step step_opening(enum tcp_state state, unsigned int flags, enum nat_side from,
				    enum nat_side other)
{
	if (flags & PACKET_TCP_RST)
		return to(TCP_TRANS, TCP_TIMER_KEEP);
	if (!(flags & PACKET_TCP_SYN))
		return to(state, TCP_TIMER_KEEP);
	if (from == other)
		return to(TCP_ESTABLISHED, TCP_TIMER_ESTABLISHED);
	/* Again from the same side. A stranger's may not keep a mapping alive (RFC 7857 7). */
	return to(state, from == NAT_INTERNAL ? TCP_TIMER_TRANSITORY : TCP_TIMER_KEEP);
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

/* Both closed: four minutes from the second FIN on, whatever still comes. */
static struct tcp_step step_closing(enum tcp_state state, unsigned int flags, enum nat_side from)
{
	if (tcp_opens(flags))
		return open_again(from);
	if (flags & TCP_FINS_ACKNOWLEDGED)
		state = TCP_TIME_WAIT;
	return to(state, TCP_TIMER_KEEP);
}

/* One side has sent FIN; @other has not and may go on sending for hours (half-close). */
static struct tcp_step step_half_closed(enum tcp_state state, unsigned int flags,
					enum nat_side from, enum nat_side other)
{
	if (flags & PACKET_TCP_RST)
		return to(TCP_TRANS, TCP_TIMER_TRANSITORY);
	if ((flags & PACKET_TCP_FIN) && from == other)
		return to(flags & TCP_FINS_ACKNOWLEDGED ? TCP_TIME_WAIT : TCP_BOTH_FIN,
			  TCP_TIMER_TRANSITORY);
	return to(state, TCP_TIMER_ESTABLISHED);
}

static struct tcp_step step_established(unsigned int flags, enum nat_side from)
{
	if (flags & PACKET_TCP_RST)
		return to(TCP_TRANS, TCP_TIMER_TRANSITORY);
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

/* Bits of tcp_track.fins. */
static unsigned int fin_seen(enum nat_side side)
{
	return 1U << side;
}

static unsigned int fin_acknowledged(enum nat_side side)
{
	return 4U << side;
}

static bool fins_all_acknowledged(const struct tcp_track *t)
{
	const unsigned int all = fin_acknowledged(NAT_INTERNAL) | fin_acknowledged(NAT_EXTERNAL);

	return (t->fins & all) == all;
}

static void track_fins(struct tcp_track *t, const struct tcp_segment *s, enum nat_side from)
{
	enum nat_side other = from == NAT_INTERNAL ? NAT_EXTERNAL : NAT_INTERNAL;
	unsigned int fins = t->fins;

	if (s->flags & PACKET_TCP_FIN) {
		fins |= fin_seen(from);
		t->after_fin[from] = s->sequence + s->payload + 1;
	}
	if ((s->flags & PACKET_TCP_ACK) && (fins & fin_seen(other)) &&
	    (int32_t)(s->acknowledgment - t->after_fin[other]) >= 0)
		fins |= fin_acknowledged(other);
	t->fins = (uint8_t)fins;
}

/* States in which no FIN has been seen: an old connection's may not count for the new one. */
static bool before_fins(enum tcp_state state)
{
	return state == TCP_INTERNAL_SYN || state == TCP_EXTERNAL_SYN || state == TCP_ESTABLISHED;
}

enum tcp_timer tcp_track(struct tcp_track *t, const struct tcp_segment *segment, enum nat_side from)
{
	unsigned int flags = segment->flags & 0xff;
	struct tcp_step step;

	track_fins(t, segment, from);
	if (fins_all_acknowledged(t))
		flags |= TCP_FINS_ACKNOWLEDGED;
	step = tcp_step((enum tcp_state)t->state, flags, from);
	if (before_fins(step.next))
		t->fins = 0;
	t->state = (uint8_t)step.next;
	return step.timer;
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
