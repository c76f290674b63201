/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lab.h - one NAT on a bench: two sides to send from, a clock in the argument, eyes on all of it
 * Owns:       what the tests of core share: setup and teardown, sending a packet, taking what the
 *             NAT releases or sends by itself, and the promises that hold for every packet
 *             whatever the test is about.
 * Invariants: after each packet sent by lab_out() or lab_in(): a dropped, passed or held packet
 *             has its bytes unchanged; a rewritten one has each checksum as wrong as it was, which
 *             for a right one is right, and nothing else changed than may; exactly one counter
 *             went up, by one; nat_invariants(). The same for a held packet when lab_release()
 *             takes it, and what lab_output() takes is a whole and right packet.
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

/* A packet that is held: its bytes as they came. */
struct lab_held {
	uint32_t tag;
	enum nat_side from;
	struct wire wire; /* owned */
};

struct lab {
	struct nat nat;
	struct options options;
	uint32_t tag;	       /* of the last packet */
	uint32_t hint;	       /* of each packet */
	struct lab_held *held; /* owned */
	size_t held_count;
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

/* What hashes tuples in a table without a NAT around it. */
static inline struct tuple_key lab_hash_key(uint64_t secret)
{
	const struct siphash_key key = { { secret, secret + 1 } };
	struct tuple_key spread;

	tuple_key_init(&spread, &key);
	return spread;
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

static inline void lab_close(struct lab *lab)
{
	while (lab->held_count > 0)
		free(lab->held[--lab->held_count].wire.at);
	free(lab->held);
	nat_fini(&lab->nat);
	free(lab);
}

static inline int lab_teardown(void **state)
{
	lab_close(*state);
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

/* A fragment without ports or checksum. */
static inline bool lab_is_later_fragment(struct wire w)
{
	return (wire_get16(w.at + 6) & 0x1fff) != 0;
}

/* Has it a transport checksum that the NAT knows? */
static inline bool lab_has_sum(struct wire w)
{
	return !lab_is_later_fragment(w) && wire_check_offset(w) != 0;
}

static inline bool lab_is_error(struct wire w)
{
	return w.at[9] == 1 && !lab_is_later_fragment(w) && !wire_is_query(w);
}

/* Each checksum of @after as far from right as in @before. */
static inline void lab_check_sums(struct wire before, struct wire after)
{
	bool none = before.at[9] == 17 && wire_get16(wire_check(before)) == 0;

	assert_int_equal(wire_ip_error(after), wire_ip_error(before));
	if (!lab_has_sum(before))
		return;
	if (none)
		assert_int_equal(wire_get16(wire_check(after)), 0);
	else
		assert_int_equal(wire_transport_error(after), wire_transport_error(before));
	if (before.at[9] == 17 && !none)
		assert_int_not_equal(wire_get16(wire_check(after)), 0);
	if (lab_is_error(before))
		assert_int_equal(wire_ip_error(wire_quote(after)),
				 wire_ip_error(wire_quote(before)));
}

/* Put the ports or identifier and the checksum of @from into @to, where they are present. */
static inline void lab_forget_transport(struct wire to, struct wire from, size_t transport)
{
	size_t check = transport + wire_check_offset(from);

	if (!lab_has_sum(from))
		return;
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
static inline void lab_check_rest(const struct lab *lab, enum nat_side from, struct wire before,
				  struct wire after)
{
	struct wire copy = wire_copy(after);
	size_t transport = wire_header(before);
	struct wire quote_before, quote_copy;

	memcpy(copy.at + 10, before.at + 10, 10);
	if (from == NAT_INTERNAL && !lab_is_atomic(before) &&
	    lab->nat.options.ip_id == IP_ID_REWRITE)
		memcpy(copy.at + 4, before.at + 4, 2); /* its ID is ours to give (RFC 6864) */
	lab_forget_transport(copy, before, transport);
	if (lab_is_error(before)) {
		quote_before = wire_quote(before);
		quote_copy = wire_quote(copy);
		transport = wire_header(quote_before);
		memcpy(quote_copy.at + 10, quote_before.at + 10, 10);
		lab_forget_transport(quote_copy, quote_before, transport);
	}
	assert_memory_equal(copy.at, before.at, before.len);
}

static inline struct addr lab_address(struct wire w, size_t at)
{
	return addr_from_ip4(wire_get32(w.at + at));
}

/* Which of its addresses may have become what; ports and checksums are looked at elsewhere. */
static inline void lab_check_addresses(const struct lab *lab, enum nat_side from,
				       struct wire before, struct wire after)
{
	struct addr to = lab_address(before, 16), source = lab_address(after, 12);
	bool hairpin = from == NAT_INTERNAL && nat_is_external(&lab->nat, &to);
	bool hidden = !hairpin || lab->nat.options.hairpin == HAIRPIN_EXTERNAL_SOURCE;

	if (from == NAT_INTERNAL && hidden)
		assert_true(nat_is_external(&lab->nat, &source)); /* no internal address gets out */
	if (from == NAT_INTERNAL && !hairpin)
		assert_memory_equal(after.at + 16, before.at + 16, 4);
	if (lab_is_error(before))
		return; /* one about a hairpinned packet may change all of them */
	if (from == NAT_EXTERNAL || !hidden)
		assert_memory_equal(after.at + 12, before.at + 12, 4);
	if (lab_has_sum(before) && before.at[9] != 1) {
		size_t header = wire_header(before);

		if (from == NAT_EXTERNAL || !hidden)
			assert_memory_equal(after.at + header, before.at + header, 2);
		if (from == NAT_INTERNAL && !hairpin)
			assert_memory_equal(after.at + header + 2, before.at + header + 2, 2);
	}
}

/* A packet that was rewritten; @partial: its transport checksum is not ready yet. */
static inline void lab_check_rewritten(const struct lab *lab, enum nat_side from,
				       struct wire before, struct wire after, bool partial)
{
	if (!partial)
		lab_check_sums(before, after);
	lab_check_rest(lab, from, before, after);
	lab_check_addresses(lab, from, before, after);
}

static inline void lab_hold(struct lab *lab, struct wire w, enum nat_side from)
{
	struct lab_held *held = realloc(lab->held, (lab->held_count + 1) * sizeof(*held));

	assert_non_null(held);
	lab->held = held;
	held += lab->held_count++;
	*held = (struct lab_held){ lab->tag, from, { malloc(w.len), w.len } };
	assert_non_null(held->wire.at);
	memcpy(held->wire.at, w.at, w.len);
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
	pkt.tag = ++lab->tag;
	pkt.hint = lab->hint;
	outcome = nat_process(&lab->nat, &pkt, from, now);
	assert_in_range(outcome.reason, 0, REASON_COUNT - 1);
	counters[outcome.reason]++;
	assert_memory_equal(counters, lab->nat.counters, sizeof(counters));
	assert_int_equal(reason_spec(outcome.reason)->drop, outcome.verdict == NAT_DROPPED);
	if (outcome.verdict == NAT_REWRITTEN)
		lab_check_rewritten(lab, from, before, w, partial);
	else
		assert_memory_equal(w.at, before.at, w.len);
	if (outcome.verdict == NAT_HELD)
		lab_hold(lab, before, from);
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

/* --- what comes later ----------------------------------------------------------------------- */

/* A packet that was held. */
struct lab_release {
	uint32_t tag;
	enum nat_verdict verdict;
	enum nat_reason reason;
	struct wire wire; /* its bytes now */
};

/* The next held packet whose fate is decided; false if there is none. */
static inline bool lab_release(struct lab *lab, struct lab_release *released)
{
	uint64_t counters[REASON_COUNT];
	struct nat_release r;
	struct lab_held held;
	size_t i = 0;

	memcpy(counters, lab->nat.counters, sizeof(counters));
	if (!nat_next_release(&lab->nat, &r)) {
		assert_memory_equal(counters, lab->nat.counters, sizeof(counters));
		return false;
	}
	counters[r.reason]++;
	assert_memory_equal(counters, lab->nat.counters, sizeof(counters));
	assert_int_equal(reason_spec(r.reason)->drop, r.verdict == NAT_DROPPED);
	*released = (struct lab_release){ r.tag, r.verdict, r.reason, wire_take(r.length) };
	memcpy(released->wire.at, r.data, r.length);
	while (i < lab->held_count && lab->held[i].tag != r.tag)
		i++;
	assert_true(i < lab->held_count); /* each is released once */
	held = lab->held[i];
	lab->held[i] = lab->held[--lab->held_count];
	assert_int_equal(r.length, held.wire.len);
	if (r.verdict == NAT_DROPPED || memcmp(r.data, held.wire.at, r.length) == 0)
		assert_memory_equal(r.data, held.wire.at, r.length);
	else
		lab_check_rewritten(lab, held.from, held.wire, released->wire, false);
	free(held.wire.at);
	assert_consistent(&lab->nat);
	return true;
}

/* Let all that is decided go; how many of them pass. */
static inline unsigned int lab_release_all(struct lab *lab)
{
	struct lab_release released;
	unsigned int passed = 0;

	while (lab_release(lab, &released))
		passed += released.verdict != NAT_DROPPED;
	return passed;
}

/* The next packet of the NAT's own; false if there is none. */
static inline bool lab_output(struct lab *lab, struct wire *w)
{
	const struct output *output = nat_next_output(&lab->nat);

	if (output == NULL)
		return false;
	assert_in_range(output->length, WIRE_IP + WIRE_ICMP, PACKET_MAKE_MAX);
	*w = wire_take(output->length);
	memcpy(w->at, output->data, output->length);
	assert_int_equal(w->at[0], 0x45);
	assert_int_equal(wire_get16(w->at + 2), w->len);
	assert_true(lab_is_atomic(*w));
	assert_int_equal(w->at[8], 64);
	assert_int_equal(wire_ip_error(*w), 0);
	assert_int_equal(wire_transport_error(*w), 0);
	return true;
}

static inline void lab_check_silent(struct lab *lab)
{
	struct wire w;

	assert_false(lab_output(lab, &w));
}

/* The NAT sends an ICMP error of @type and @code to @to that quotes @about, and no more. */
static inline struct wire lab_take_error(struct lab *lab, unsigned int type, unsigned int code,
					 struct endpoint to, struct wire about)
{
	struct wire w = { 0 };
	size_t quoted;

	assert_true(lab_output(lab, &w));
	assert_int_equal(w.at[9], 1);
	assert_int_equal(w.at[1], 0xc0); /* RFC 1812 section 4.3.2.5 */
	assert_int_equal(w.at[20], type);
	assert_int_equal(w.at[21], code);
	assert_same_endpoint(wire_destination(w), ep_port(to, 0));
	quoted = w.len - WIRE_IP - WIRE_ICMP;
	assert_int_equal(quoted, about.len < 548 ? about.len : 548);
	assert_memory_equal(wire_quote(w).at, about.at, quoted);
	lab_check_silent(lab);
	return w;
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

static inline enum tcp_state lab_tcp_state(struct lab *lab, struct nat_outcome outcome)
{
	assert_int_not_equal(outcome.session, NAT_NONE);
	return session_tcp_state(&lab->nat.sessions, outcome.session);
}

#endif
