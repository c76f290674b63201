/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tcp_state.h - the TCP machine of one session
 * Owns:       the states a NAT sees a connection in, and every move between them.
 * Invariants: pure functions; no clock, no table.
 *
 * The machine is RFC 6146 section 3.5.2.2 as RFC 7857 section 2 adapts it, its "V6" being the
 * internal and its "V4" the external side:
 *
 *   CLOSED ── SYN from internal ─► INTERNAL_SYN ─┐ SYN from the other side
 *      └───── SYN from external ─► EXTERNAL_SYN ─┴─► ESTABLISHED ◄── data ── TRANS
 *                                    FIN from internal  │  FIN from external
 *                                        INTERNAL_FIN ◄─┴─► EXTERNAL_FIN
 *                                               └── other FIN ──┴─► BOTH_FIN
 *                                                   both FINs acknowledged ─► TIME_WAIT
 *   any state before BOTH_FIN ── RST ─► TRANS
 *   BOTH_FIN, TIME_WAIT, TRANS ── SYN ─► INTERNAL_SYN or EXTERNAL_SYN (a new connection)
 *
 * It differs from RFC 6146 in three things. TIME_WAIT is told apart from BOTH_FIN (their timer is
 * the same), because people want to see it. A RST leads to TRANS from every open state, so that a
 * refused connection looks refused, and after a FIN too: RFC 7857 section 2.2 wants four minutes
 * after any RST, not two hours. And a SYN in TRANS opens a new connection on the transitory timer
 * instead of reviving the old one for two hours.
 */
#ifndef CORE_TCP_STATE_H
#define CORE_TCP_STATE_H

#include <stdint.h>

#include "nat/core/tuple.h"

enum tcp_state {
	TCP_CLOSED,
	TCP_INTERNAL_SYN,
	TCP_EXTERNAL_SYN,
	TCP_ESTABLISHED,
	TCP_INTERNAL_FIN,
	TCP_EXTERNAL_FIN,
	TCP_BOTH_FIN,
	TCP_TIME_WAIT,
	TCP_TRANS,
	TCP_STATES
};

/* What a segment does to the session's timer. */
enum tcp_timer {
	TCP_TIMER_KEEP,	       /* neither restarted nor changed */
	TCP_TIMER_ESTABLISHED, /* restarted, tcp.timeout-established */
	TCP_TIMER_TRANSITORY,  /* restarted, tcp.timeout-transitory */
};

/* Beside the flags of the segment: with it, both FINs are acknowledged. */
enum { TCP_FINS_ACKNOWLEDGED = 0x100 };

struct tcp_step {
	enum tcp_state next;
	enum tcp_timer timer;
};

/* Do these flags open a connection? A SYN that is no answer to one, and not half a reset. */
bool tcp_opens(unsigned int flags);

/* The machine itself. @flags: of the TCP header (common/packet.h), and the bit above. */
struct tcp_step tcp_step(enum tcp_state state, unsigned int flags, enum nat_side from);

/* What a session remembers of its connection; zero is CLOSED. */
struct tcp_track {
	uint8_t state;	       /* enum tcp_state */
	uint8_t fins;	       /* seen and acknowledged, a bit each per side */
	uint32_t after_fin[2]; /* per side: sequence number that acknowledges its FIN */
};

struct tcp_segment {
	unsigned int flags;
	uint32_t sequence, acknowledgment, payload;
};

/* Move @t by one segment. A SYN that opens a new connection forgets the old one's FINs. */
enum tcp_timer tcp_track(struct tcp_track *t, const struct tcp_segment *segment,
			 enum nat_side from);

/* "ESTABLISHED"; stable, shown to people and in JSON. */
const char *tcp_state_name(enum tcp_state state);

#endif
