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
 * It differs from RFC 6146 in three things. TIME_WAIT is told apart from BOTH_FIN, because people
 * want to see it and devices give it a timer of its own. A RST leads to TRANS from every open state, so that a
 * refused connection looks refused, and after a FIN too: RFC 7857 section 2.2 wants four minutes
 * after any RST, not two hours. And a SYN in TRANS opens a new connection on the transitory timer
 * instead of reviving the old one for two hours.
 */
#ifndef CORE_TCP_STATE_H
#define CORE_TCP_STATE_H

#include <stdbool.h>
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

/* What a segment does to the session's timer: nothing, or restart it as one of these. */
enum tcp_timer {
	TCP_TIMER_KEEP,
	TCP_TIMER_ESTABLISHED,
	TCP_TIMER_OPENING,
	TCP_TIMER_CLOSING,
	TCP_TIMER_RESET,
	TCP_TIMER_TIME_WAIT,
};

/* Beside the flags of the segment. */
enum {
	TCP_FINS_ACKNOWLEDGED = 0x100, /* both FINs are, by now */
	TCP_STRICT = 0x200,	/* open only with an ACK from both sides (RFC 5382 section 5) */
	TCP_BOTH_ACKED = 0x400, /* and there has been one from both */
};

struct tcp_step {
	enum tcp_state next;
	enum tcp_timer timer;
};

/* Do these flags open a connection? A SYN that is no answer to one, and not half a reset. */
bool tcp_opens(unsigned int flags);

/* The machine itself. @flags: of the TCP header (common/packet.h), and the bits above. */
struct tcp_step tcp_step(enum tcp_state state, unsigned int flags, enum nat_side from);

/* What one side has said about what it sends and takes. */
struct tcp_end {
	uint32_t initial;   /* sequence number of its SYN */
	uint32_t sent;	    /* sequence number after the last it sent */
	uint32_t next;	    /* what it expects: its last acknowledgment */
	uint32_t edge;	    /* end of the window it offers */
	uint32_t after_fin; /* what acknowledges its FIN */
	uint8_t scale;	    /* of its windows */
	uint8_t seen;	    /* bits of tcp_state.c */
};

/* What a session remembers of its connection; zero is CLOSED. */
struct tcp_track {
	uint8_t state; /* enum tcp_state */
	struct tcp_end end[2];
};

struct tcp_segment {
	unsigned int flags;
	uint32_t sequence, acknowledgment, payload;
	uint16_t window;
	uint8_t scale; /* as in struct packet */
};

/* How a connection is followed: the knobs tcp.strict-established and tcp.rst-check. */
struct tcp_rules {
	bool strict, rst_check;
};

/* Move @t by one segment. A SYN that opens a new connection forgets the old one's FINs. */
enum tcp_timer tcp_track(struct tcp_track *t, const struct tcp_segment *segment, enum nat_side from,
			 const struct tcp_rules *rules);

/* A connection met half-way: open, its windows not known yet. */
void tcp_pick_up(struct tcp_track *t);

/* "ESTABLISHED"; stable, shown to people and in JSON. */
const char *tcp_state_name(enum tcp_state state);

#endif
