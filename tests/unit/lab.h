/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lab.h - one NAT on a bench: two sides to send from, a clock in the argument, eyes on all of it
 * Owns:       what the tests of core share: setup and teardown, sending a packet, and the
 *             promises that hold for every packet whatever the test is about.
 * Invariants: after each packet sent by lab_out() or lab_in(): a dropped or passed packet has
 *             its bytes unchanged; a rewritten one has each checksum as wrong as it was, which
 *             for a right one is right; exactly one counter went up, by one; nat_invariants().
 */
#ifndef TESTS_LAB_H
#define TESTS_LAB_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "nat/core/presets.h"
#include "nat/core/steps.h"
#include "tests/unit/invariants.h"
#include "tests/unit/wire.h"

struct lab {
	struct nat nat;
	struct options options;
};

#define AT_S(t)	 ((struct mono){ .ms = (int64_t)(t)*1000 })
#define AT_MS(t) ((struct mono){ .ms = (t) })

/* The bench of rfc-requirements: internal hosts, external hosts, a router far outside. */
#define H1     ep("192.168.1.2:5000")
#define H2     ep("192.168.1.3:5000")
#define Y1     ep("203.0.113.10:7000")
#define Y1_Q   ep("203.0.113.10:7001")
#define Y2     ep("203.0.113.11:7000")
#define ROUTER ep("198.51.100.1:0")
#define E1     ep("203.0.113.1:0")

#define assert_endpoint(actual, text)                                         \
	do {                                                                  \
		char buf_[ENDPOINT_TEXT_MAX];                                 \
		struct endpoint endpoint_ = (actual);                         \
		assert_string_equal(endpoint_format(&endpoint_, buf_), text); \
	} while (0)

#define assert_same_endpoint(a, b)                                                               \
	do {                                                                                     \
		char buf_a_[ENDPOINT_TEXT_MAX], buf_b_[ENDPOINT_TEXT_MAX];                       \
		struct endpoint a_ = (a), b_ = (b);                                              \
		assert_string_equal(endpoint_format(&a_, buf_a_), endpoint_format(&b_, buf_b_)); \
	} while (0)

#define assert_reason(outcome, wanted) \
	assert_string_equal(reason_spec((outcome).reason)->name, reason_spec(wanted)->name)

/* The packet was dropped, for this reason. */
#define assert_dropped(outcome, wanted)                          \
	do {                                                     \
		struct nat_outcome outcome_ = (outcome);         \
		assert_reason(outcome_, wanted);                 \
		assert_int_equal(outcome_.verdict, NAT_DROPPED); \
	} while (0)

#define assert_rewritten(outcome, wanted)                          \
	do {                                                       \
		struct nat_outcome outcome_ = (outcome);           \
		assert_reason(outcome_, wanted);                   \
		assert_int_equal(outcome_.verdict, NAT_REWRITTEN); \
	} while (0)

#define assert_consistent(nat)                                 \
	do {                                                   \
		const char *broken_ = nat_invariants(nat);     \
		if (broken_ != NULL)                           \
			fail_msg("inconsistent: %s", broken_); \
	} while (0)

/* --- setup ---------------------------------------------------------------------------------- */

static inline void lab_value(struct options *o, const char *key, const char *value)
{
	char why[512] = "";

	if (presets_set(o, key, value, why, sizeof(why)) != 0)
		fail_msg("%s=%s: %s", key, value, why);
}

static inline struct lab *lab_open_with(const char *const *knobs)
{
	struct lab *lab = calloc(1, sizeof(*lab));
	struct siphash_key key;

	assert_non_null(lab);
	options_init(&lab->options);
	lab_value(&lab->options, "nat.external", "203.0.113.1");
	lab_value(&lab->options, "nat.max-mappings", "200");
	lab_value(&lab->options, "nat.max-sessions", "400");
	lab_value(&lab->options, "nat.seed", "4787");
	for (; knobs != NULL && *knobs != NULL; knobs += 2)
		lab_value(&lab->options, knobs[0], knobs[1]);
	assert_int_equal(rng_key(lab->options.seed, &key), 0);
	assert_int_equal(nat_init(&lab->nat, &lab->options, &key), 0);
	return lab;
}

static inline int lab_setup(void **state)
{
	*state = lab_open_with(NULL);
	return 0;
}

static inline int lab_teardown(void **state)
{
	struct lab *lab = *state;

	nat_fini(&lab->nat);
	free(lab);
	wire_free_all();
	return 0;
}

#define lab_test(f) cmocka_unit_test_setup_teardown(f, lab_setup, lab_teardown)

/* Change one knob of the running NAT. */
static inline void lab_set(struct lab *lab, const char *key, const char *value)
{
	lab_value(&lab->options, key, value);
	assert_int_equal(nat_configure(&lab->nat, &lab->options), 0);
	assert_consistent(&lab->nat);
}

/* --- sending -------------------------------------------------------------------------------- */

/* Each checksum of @after as far from right as in @before. */
static inline void lab_check_sums(struct wire before, struct wire after)
{
	bool none = before.at[9] == 17 && wire_get16(wire_check(before)) == 0;

	assert_int_equal(wire_ip_error(after), wire_ip_error(before));
	if (none)
		assert_int_equal(wire_get16(wire_check(after)), 0);
	else
		assert_int_equal(wire_transport_error(after), wire_transport_error(before));
	if (before.at[9] == 17 && !none)
		assert_int_not_equal(wire_get16(wire_check(after)), 0);
	if (before.at[9] == 1 && !wire_is_query(before))
		assert_int_equal(wire_ip_error(wire_quote(after)),
				 wire_ip_error(wire_quote(before)));
}

/* Put the ports or identifier and the checksum of @from into @to, where they are present. */
static inline void lab_forget_transport(struct wire to, struct wire from, size_t transport)
{
	size_t check = transport + wire_check_offset(from);

	if (from.at[9] == 6 || from.at[9] == 17)
		memcpy(to.at + transport, from.at + transport, 4);
	else if (wire_is_query(from))
		memcpy(to.at + transport + 4, from.at + transport + 4, 2);
	if (check + 2 <= from.len)
		memcpy(to.at + check, from.at + check, 2);
}

/* Whole, and not to be fragmented on its way. */
static inline bool lab_is_atomic(struct wire w)
{
	return (wire_get16(w.at + 6) & 0x7fff) == 0x4000;
}

/* What the NAT may never touch: everything but addresses, ports, identifier and checksums. */
static inline void lab_check_rest(struct wire before, struct wire after)
{
	struct wire copy = wire_copy(after);
	size_t transport = wire_header(before);
	struct wire quote_before, quote_copy;

	memcpy(copy.at + 10, before.at + 10, 10);
	if (!lab_is_atomic(before))
		memcpy(copy.at + 4, before.at + 4, 2); /* its ID is ours to give (RFC 6864) */
	lab_forget_transport(copy, before, transport);
	if (before.at[9] == 1 && !wire_is_query(before)) {
		quote_before = wire_quote(before);
		quote_copy = wire_quote(copy);
		transport = wire_header(quote_before);
		memcpy(quote_copy.at + 10, quote_before.at + 10, 10);
		lab_forget_transport(quote_copy, quote_before, transport);
	}
	assert_memory_equal(copy.at, before.at, before.len);
}

static inline struct nat_outcome lab_packet(struct lab *lab, struct wire w, bool partial,
					    enum nat_side from, struct mono now)
{
	struct wire before = wire_copy(w);
	uint64_t counters[REASON_COUNT];
	struct nat_outcome outcome;
	struct packet pkt;

	memcpy(counters, lab->nat.counters, sizeof(counters));
	packet_init(&pkt, w.at, w.len, w.len, partial);
	outcome = nat_process(&lab->nat, &pkt, from, now);
	assert_in_range(outcome.reason, 0, REASON_COUNT - 1);
	counters[outcome.reason]++;
	assert_memory_equal(counters, lab->nat.counters, sizeof(counters));
	assert_int_equal(reason_spec(outcome.reason)->drop, outcome.verdict == NAT_DROPPED);
	if (outcome.verdict != NAT_REWRITTEN)
		assert_memory_equal(w.at, before.at, w.len);
	else if (!partial)
		lab_check_sums(before, w);
	if (outcome.verdict == NAT_REWRITTEN)
		lab_check_rest(before, w);
	assert_consistent(&lab->nat);
	return outcome;
}

static inline struct nat_outcome lab_out(struct lab *lab, struct wire w, struct mono now)
{
	return lab_packet(lab, w, false, NAT_INTERNAL, now);
}

static inline struct nat_outcome lab_in(struct lab *lab, struct wire w, struct mono now)
{
	return lab_packet(lab, w, false, NAT_EXTERNAL, now);
}

/* --- the three protocols alike -------------------------------------------------------------- */

static inline struct wire lab_request(enum nat_protocol protocol, struct endpoint src,
				      struct endpoint dst)
{
	switch (protocol) {
	case NAT_UDP:
		return wire_udp(src, dst);
	case NAT_TCP:
		return wire_tcp(src, dst, WIRE_SYN);
	case NAT_ICMP:
	case NAT_OTHER:
	case NAT_PROTOCOLS:
		break;
	}
	return wire_ping(src, dst);
}

/* What an external host sends first: for TCP a SYN, for ICMP a reply nobody asked it for. */
static inline struct wire lab_probe(enum nat_protocol protocol, struct endpoint src,
				    struct endpoint dst)
{
	if (protocol == NAT_ICMP)
		return wire_pong(src, dst);
	return lab_request(protocol, src, dst);
}

/* Send a first packet out, which must pass, and return the external endpoint it got. */
static inline struct endpoint lab_open(struct lab *lab, enum nat_protocol protocol,
				       struct endpoint src, struct endpoint dst, struct mono now)
{
	struct wire w = lab_request(protocol, src, dst);
	struct nat_outcome outcome = lab_out(lab, w, now);

	assert_int_equal(outcome.verdict, NAT_REWRITTEN);
	if (protocol == NAT_ICMP)
		assert_same_endpoint(ep_port(wire_destination(w), 0), ep_port(dst, 0));
	else
		assert_same_endpoint(wire_destination(w), dst);
	return wire_source(w);
}

/* Does a packet from @src to @external come in? If so it must go to @internal. */
static inline bool lab_comes_in(struct lab *lab, enum nat_protocol protocol, struct endpoint src,
				struct endpoint external, struct endpoint internal, struct mono now)
{
	struct wire w = lab_probe(protocol, src, external);

	if (lab_in(lab, w, now).verdict != NAT_REWRITTEN)
		return false;
	assert_same_endpoint(wire_destination(w), internal);
	if (protocol != NAT_ICMP)
		assert_same_endpoint(wire_source(w), src);
	return true;
}

static inline const struct session *lab_session(struct lab *lab, struct nat_outcome outcome)
{
	assert_int_not_equal(outcome.session, NAT_NONE);
	return session_at(&lab->nat.sessions, outcome.session);
}

#endif
