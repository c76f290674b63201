/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * flow.h - flows and connections over time
 * Owns:       struct conn, a TCP connection whose two ends count their sequence numbers; how long
 *             it and any flow last.
 * Invariants: flow_is_alive() and all that is made of it ask without touching: an ICMP error about
 *             a flow is let in as long as there is a session, and prolongs none (RFC 5508 REQ-6).
 */
#ifndef TESTS_FLOW_H
#define TESTS_FLOW_H

#include "tests/rfc/rfc.h"

enum {
	F = WIRE_FIN,
	S = WIRE_SYN,
	R = WIRE_RST,
	P = WIRE_PSH,
	A = WIRE_ACK,
};

#define I NAT_INTERNAL
#define O NAT_EXTERNAL

static inline struct endpoint without_port(struct endpoint e)
{
	return ep_port(e, 0);
}

/* Exactly one packet, a RST from @from to @to. */
static inline struct wire take_reset(struct lab *lab, struct endpoint from, struct endpoint to)
{
	struct wire w;

	assert_true(lab_output(lab, &w));
	lab_check_silent(lab);
	assert_int_equal(w.at[9], 6);
	assert_int_equal(w.at[WIRE_IP + 13] & R, R);
	assert_same_endpoint(wire_source(w), from);
	assert_same_endpoint(wire_destination(w), to);
	return w;
}

/* --- a flow --------------------------------------------------------------------------------- */

static inline enum nat_protocol flow_protocol(const struct rfc_flow *f)
{
	return f->outside.at[9] == 17 ? NAT_UDP : f->outside.at[9] == 6 ? NAT_TCP : NAT_ICMP;
}

static inline struct rfc_flow flow_open(struct lab *lab, enum nat_protocol protocol,
					struct endpoint host, struct endpoint remote,
					struct mono now)
{
	return rfc_send(lab, lab_request(protocol, host, remote), now);
}

/* Is there still a session of that flow? Asked by a router far outside, in an ICMP error. */
static inline bool flow_is_alive(struct lab *lab, const struct rfc_flow *f, struct mono now)
{
	struct wire w = wire_error(11, 0, ROUTER, f->external, f->outside);
	struct nat_outcome outcome = lab_in(lab, w, now);

	if (outcome.verdict == NAT_REWRITTEN)
		return true;
	assert_dropped(outcome, REASON_ICMP_ERROR_NO_SESSION);
	return false;
}

/* If nothing comes any more, the flow ends at @end, not a millisecond before or after. */
static inline void assert_flow_ends(struct lab *lab, const struct rfc_flow *f, struct mono end)
{
	assert_true(flow_is_alive(lab, f, AT_MS(end.ms - 1)));
	assert_false(flow_is_alive(lab, f, end));
}

/* --- a connection --------------------------------------------------------------------------- */

struct conn {
	struct lab *lab;
	struct endpoint host, remote, external; /* external: all zero until it is known */
	uint32_t next[2];			/* sequence number that each side sends next */
	struct wire last;			/* the last segment, as it came out */
};

static inline struct conn conn_of(struct lab *lab, struct endpoint host, struct endpoint remote)
{
	return (struct conn){
		.lab = lab, .host = host, .remote = remote, .next = { [I] = 1000, [O] = 700000 }
	};
}

static inline enum nat_side other_side(enum nat_side side)
{
	return side == I ? O : I;
}

/* A segment with sequence numbers of the sender's own choice; nothing is counted on. */
static inline struct nat_outcome conn_send_raw(struct conn *c, enum nat_side from,
					       struct wire_tcp t, struct mono now)
{
	struct wire w = from == I ? wire_tcp_with(c->host, c->remote, t)
				  : wire_tcp_with(c->remote, c->external, t);
	struct nat_outcome outcome = from == I ? lab_out(c->lab, w, now) : lab_in(c->lab, w, now);

	c->last = w;
	if (outcome.verdict != NAT_REWRITTEN)
		return outcome;
	if (from == O) {
		assert_same_endpoint(wire_destination(w), c->host);
		assert_same_endpoint(wire_source(w), c->remote);
		return outcome;
	}
	if (c->external.port == 0)
		c->external = wire_source(w);
	assert_same_endpoint(wire_source(w), c->external);
	assert_same_endpoint(wire_destination(w), c->remote);
	return outcome;
}

/* The next segment of one side, with @payload bytes. */
static inline struct nat_outcome conn_send_bytes(struct conn *c, enum nat_side from,
						 unsigned int flags, size_t payload,
						 struct mono now)
{
	const struct wire_tcp t = {
		.flags = flags,
		.seq = c->next[from],
		.ack = flags & A ? c->next[other_side(from)] : 0,
		.payload = payload,
	};
	struct nat_outcome outcome = conn_send_raw(c, from, t, now);

	if (outcome.verdict == NAT_REWRITTEN)
		c->next[from] += (uint32_t)payload + !!(flags & S) + !!(flags & F);
	return outcome;
}

static inline struct nat_outcome conn_send(struct conn *c, enum nat_side from, unsigned int flags,
					   struct mono now)
{
	return conn_send_bytes(c, from, flags, 0, now);
}

/* A segment that must get through. */
static inline void conn_pass(struct conn *c, enum nat_side from, unsigned int flags,
			     struct mono now)
{
	struct nat_outcome outcome = conn_send(c, from, flags, now);

	assert_int_equal(outcome.verdict, NAT_REWRITTEN);
}

static inline void conn_data(struct conn *c, enum nat_side from, size_t payload, struct mono now)
{
	assert_rewritten(conn_send_bytes(c, from, P | A, payload, now), REASON_TRANSLATED);
}

/* The three-way handshake, all of it at @now. */
static inline struct conn conn_open(struct lab *lab, struct endpoint host, struct endpoint remote,
				    struct mono now)
{
	struct conn c = conn_of(lab, host, remote);

	conn_pass(&c, I, S, now);
	conn_pass(&c, O, S | A, now);
	conn_pass(&c, I, A, now);
	return c;
}

/* From an established connection to one that both sides have closed. */
static inline void conn_close(struct conn *c, enum nat_side first, struct mono now)
{
	conn_pass(c, first, F | A, now);
	conn_pass(c, other_side(first), F | A, now);
	conn_pass(c, first, A, now);
}

static inline bool conn_is_alive(const struct conn *c, struct mono now)
{
	const struct rfc_flow f = { .outside = wire_tcp(c->external, c->remote, A),
				    .external = c->external };

	return flow_is_alive(c->lab, &f, now);
}

static inline void assert_conn_ends(const struct conn *c, struct mono end)
{
	assert_true(conn_is_alive(c, AT_MS(end.ms - 1)));
	assert_false(conn_is_alive(c, end));
}

static inline enum tcp_state conn_state(const struct conn *c)
{
	const struct session_table *t = &c->lab->nat.sessions;
	uint32_t n = session_find_internal(t, NAT_TCP, &c->host, &c->remote);

	return n == NAT_NONE ? TCP_CLOSED : session_tcp_state(t, n);
}

#define assert_conn_state(c, wanted) \
	assert_string_equal(tcp_state_name(conn_state(c)), tcp_state_name(wanted))

#endif
