/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rfc.h - what the tests of the RFCs share on top of the bench in lab.h
 * Owns:       flows with what each side sees of them, right checksums, knobs by protocol.
 * Invariants: none of its own. How tests get their names is said in requirements.tsv.
 */
#ifndef TESTS_RFC_H
#define TESTS_RFC_H

#include "tests/unit/lab.h"

/* "udp." and "timeout" to the knob "udp.timeout". */
static inline void rfc_set(struct lab *lab, enum nat_protocol protocol, const char *knob,
			   const char *value)
{
	char key[64];

	snprintf(key, sizeof(key), "%s.%s", nat_protocol_name(protocol), knob);
	lab_set(lab, key, value);
}

/* @w through the NAT without all that lab_packet() looks at: for many thousands in a row. */
static inline struct nat_outcome rfc_pass(struct lab *lab, struct wire w, enum nat_side from,
					  struct mono now)
{
	struct packet pkt;

	packet_init(&pkt, w.at, w.len, w.len, false);
	return nat_process(&lab->nat, &pkt, from, now);
}

/* A packet that went out, as its two sides see it. */
struct rfc_flow {
	struct wire inside, outside;
	struct endpoint external;
	struct nat_outcome outcome;
};

static inline struct rfc_flow rfc_send(struct lab *lab, struct wire w, struct mono now)
{
	struct rfc_flow f = { .inside = wire_copy(w) };

	f.outcome = lab_out(lab, w, now);
	assert_int_equal(f.outcome.verdict, NAT_REWRITTEN);
	f.outside = w;
	f.external = wire_source(w);
	return f;
}

static inline struct rfc_flow rfc_open(struct lab *lab, enum nat_protocol protocol, struct mono now)
{
	return rfc_send(lab, lab_request(protocol, H1, Y1), now);
}

/* What answers a first packet: for TCP a SYN-ACK. */
static inline struct wire rfc_answer(enum nat_protocol protocol, struct endpoint from,
				     struct endpoint to)
{
	if (protocol == NAT_TCP)
		return wire_tcp(from, to, WIRE_SYN | WIRE_ACK);
	return lab_probe(protocol, from, to);
}

/* All its checksums are those that summing anew gives, not merely such that they add up. */
static inline void assert_right_sums(struct wire w)
{
	struct wire anew = wire_copy(w);

	wire_fix(anew);
	assert_memory_equal(w.at, anew.at, w.len);
}

#define assert_same_wire(a, b)                                            \
	do {                                                              \
		struct wire same_a_ = (a), same_b_ = (b);                 \
		assert_int_equal(same_a_.len, same_b_.len);               \
		assert_memory_equal(same_a_.at, same_b_.at, same_a_.len); \
	} while (0)

#endif
