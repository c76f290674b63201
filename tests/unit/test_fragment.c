/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Datagrams in pieces, through the whole NAT. */
#include "tests/unit/lab.h"

enum { PIECES = 3 };

/* A datagram in three fragments: bytes 0-79, 80-159 and the rest. */
struct train {
	struct wire whole, piece[PIECES];
};

static struct train train_of(struct wire whole, unsigned int id)
{
	struct train t = { .whole = wire_with_id(whole, id) };

	for (size_t i = 0; i < PIECES; i++)
		t.piece[i] = wire_fragment(t.whole, i * 80, i + 1 < PIECES ? 80 : 65535);
	return t;
}

static struct train udp_train(struct endpoint src, struct endpoint dst, unsigned int id)
{
	return train_of(wire_udp_with(src, dst, 0, 200), id);
}

/* The datagram of @pieces, in whatever order they are, as its receiver sees it. */
static struct wire assembled(const struct wire *pieces, size_t count)
{
	size_t header = wire_header(pieces[0]), total = 0, got = 0;
	struct wire w;

	for (size_t i = 0; i < count; i++) {
		size_t end = (size_t)(wire_get16(pieces[i].at + 6) & 0x1fff) * 8 + pieces[i].len -
			     header;

		assert_int_equal(wire_ip_error(pieces[i]), 0);
		assert_memory_equal(pieces[i].at + 4, pieces[0].at + 4, 2);
		assert_memory_equal(pieces[i].at + 12, pieces[0].at + 12, 8);
		got += pieces[i].len - header;
		if (!(wire_get16(pieces[i].at + 6) & WIRE_MORE))
			total = end;
	}
	assert_int_equal(got, total);
	w = wire_take(header + total);
	memcpy(w.at, pieces[0].at, header);
	for (size_t i = 0; i < count; i++)
		memcpy(w.at + header + (size_t)(wire_get16(pieces[i].at + 6) & 0x1fff) * 8,
		       pieces[i].at + header, pieces[i].len - header);
	wire_put16(w.at + 2, (unsigned int)w.len);
	wire_put16(w.at + 6, 0);
	wire_fix_ip(w);
	return w;
}

/* Send the pieces of @t in @order; all must come out, at once or when they are released. */
static struct wire passes(struct lab *lab, struct train t, const int *order, enum nat_side from,
			  struct mono now)
{
	struct wire out[PIECES] = { 0 };
	size_t count = 0;

	for (int i = 0; i < PIECES; i++) {
		struct wire w = wire_copy(t.piece[order[i]]);
		struct nat_outcome outcome = lab_packet(lab, w, false, from, now);
		struct lab_release released;
		bool had_first = false;

		for (int k = 0; k <= i; k++)
			had_first = had_first || order[k] == 0;
		assert_int_equal(outcome.verdict, had_first ? NAT_REWRITTEN : NAT_HELD);
		if (!had_first)
			assert_reason(outcome, REASON_FRAGMENT_HELD);
		else if (order[i] != 0)
			assert_reason(outcome, REASON_FRAGMENT_TRANSLATED);
		if (outcome.verdict == NAT_REWRITTEN)
			out[count++] = w;
		while (lab_release(lab, &released)) {
			assert_int_equal(order[i], 0);
			assert_int_equal(released.verdict, NAT_REWRITTEN);
			assert_int_equal(released.reason, REASON_FRAGMENT_RELEASED);
			assert_in_range(count, 0, PIECES - 1);
			out[count++] = released.wire;
		}
	}
	assert_int_equal(count, PIECES);
	assert_int_equal(lab->nat.fragments.by_key.count, 0); /* complete: forgotten */
	return assembled(out, PIECES);
}

static const int orders[][PIECES] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
				      { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };

static struct wire query_of(enum nat_protocol p, struct endpoint src, struct endpoint dst,
			    unsigned int flags)
{
	struct wire w;

	if (p == NAT_UDP)
		return wire_udp_with(src, dst, 0, 200);
	if (p == NAT_TCP)
		return wire_tcp_with(src, dst,
				     (struct wire_tcp){ .flags = flags, .seq = 7, .payload = 200 });
	w = wire_ip(1, src, dst, 0, WIRE_ICMP + 200);
	w.at[20] = flags == WIRE_SYN ? 8 : 0;
	wire_put16(w.at + 24, flags == WIRE_SYN ? src.port : dst.port);
	wire_fill(w.at + 28, 200);
	wire_fix(w);
	return w;
}

static void test_rfc4787_req14_fragments_pass_in_every_order_both_ways(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p < NAT_OTHER; p++) {
		for (unsigned int o = 0; o < 6; o++) {
			struct mono now = AT_S(p * 1000 + o);
			struct train out = train_of(query_of(p, H1, Y1, WIRE_SYN), 100 + o), in;
			struct wire whole = passes(lab, out, orders[o], NAT_INTERNAL, now);
			struct endpoint external = wire_source(whole);

			assert_int_equal(wire_transport_error(whole), 0);
			assert_same_endpoint(ep_port(external, 0), E1);
			assert_memory_equal(whole.at + 28, out.whole.at + 28, 8);
			in = train_of(query_of(p, Y1, external, WIRE_SYN | WIRE_ACK), 200 + o);
			whole = passes(lab, in, orders[o], NAT_EXTERNAL, now);
			assert_int_equal(wire_transport_error(whole), 0);
			assert_same_endpoint(wire_destination(whole), H1);
			assert_int_equal(wire_get16(whole.at + 4), 200 + o);
		}
	}
}

static struct nat_outcome out_copy(struct lab *lab, struct wire w, struct mono now)
{
	return lab_out(lab, wire_copy(w), now);
}

static struct nat_outcome in_copy(struct lab *lab, struct wire w, struct mono now)
{
	return lab_in(lab, wire_copy(w), now);
}

/* Only the first has ports, so only that counts for the session. */
static void test_later_fragments_touch_no_session(void **state)
{
	struct lab *lab = *state;
	struct train t = udp_train(H1, Y1, 7);
	struct nat_outcome outcome = out_copy(lab, t.piece[0], AT_S(0));

	assert_rewritten(outcome, REASON_MAPPING_CREATED);
	assert_int_equal(lab_session(lab, outcome)->traffic[NAT_INTERNAL].packets, 1);
	outcome = out_copy(lab, t.piece[1], AT_S(5));
	assert_rewritten(outcome, REASON_FRAGMENT_TRANSLATED);
	assert_int_equal(outcome.mapping, NAT_NONE);
	assert_int_equal(outcome.session, NAT_NONE);
	assert_int_equal(nat_tick(&lab->nat, AT_S(5), 10).ms, 10000); /* the datagram's */
	assert_int_equal(nat_tick(&lab->nat, AT_S(10), 10).ms, 300000);
}

/* 3022-frag: their IDs are the same by chance, and must not be on the other side. */
static void test_rfc3022_frag_two_hosts_with_one_id_stay_apart(void **state)
{
	struct lab *lab = *state;
	struct train a = udp_train(H1, Y1, 7), b = udp_train(H2, Y1, 7);
	struct wire out[2][PIECES];

	for (int i = 0; i < PIECES; i++) {
		out[0][i] = wire_copy(a.piece[i]);
		out[1][i] = wire_copy(b.piece[i]);
		assert_int_equal(lab_out(lab, out[0][i], AT_S(0)).verdict, NAT_REWRITTEN);
		assert_int_equal(lab_out(lab, out[1][i], AT_S(0)).verdict, NAT_REWRITTEN);
	}
	assert_int_not_equal(wire_get16(out[0][0].at + 4), wire_get16(out[1][0].at + 4));
	assert_int_equal(wire_transport_error(assembled(out[0], PIECES)), 0);
	assert_int_equal(wire_transport_error(assembled(out[1], PIECES)), 0);
}

static void test_id_may_be_used_again_after_a_whole_datagram(void **state)
{
	struct lab *lab = *state;

	for (unsigned int o = 0; o < 6; o++)
		passes(lab, udp_train(H1, Y1, 7), orders[o], NAT_INTERNAL, AT_S(0));
}

static void test_rfc4787_req9_hairpinned_fragments_change_both_addresses(void **state)
{
	static const char *const modes[] = { "external-source", "internal-source" };
	struct lab *lab = *state;
	struct endpoint target, sender;

	lab_set(lab, "udp.filtering", "eif");
	target = lab_open(lab, NAT_UDP, H2, Y1, AT_S(0));
	sender = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	for (int m = 0; m < 2; m++) {
		lab_set(lab, "nat.hairpin", modes[m]);
		for (unsigned int o = 0; o < 6; o++) {
			struct train t = udp_train(H1, target, 7);
			struct wire whole = passes(lab, t, orders[o], NAT_INTERNAL, AT_S(0));

			assert_int_equal(wire_transport_error(whole), 0);
			assert_same_endpoint(wire_destination(whole), H2);
			assert_same_endpoint(wire_source(whole), m == 0 ? sender : H1);
		}
	}
}

static void test_fragments_of_protocols_without_ports_pass(void **state)
{
	struct lab *lab = *state;
	struct wire gre = wire_ip(47, H1, Y1, 0, 200);

	lab_set(lab, "other.protocols", "gre");
	wire_fill(gre.at + 20, 200);
	wire_fix_ip(gre);
	for (unsigned int o = 0; o < 6; o++)
		passes(lab, train_of(gre, 7), orders[o], NAT_INTERNAL, AT_S(0));
}

/* What is not translated goes by unchanged, whether it had to wait or not. */
static void test_fragments_of_exempt_flows_pass_untouched(void **state)
{
	struct lab *lab = *state;
	struct lab_release released;

	lab_set(lab, "nat.exempt", "203.0.113.10:7000");
	for (unsigned int o = 0; o < 6; o++) {
		struct train t = udp_train(H1, Y1, 7);
		unsigned int passed = 0;

		for (int i = 0; i < PIECES; i++) {
			struct nat_outcome outcome = out_copy(lab, t.piece[orders[o][i]], AT_S(0));

			assert_int_not_equal(outcome.verdict, NAT_DROPPED);
			passed += outcome.verdict == NAT_PASS;
			while (lab_release(lab, &released)) {
				assert_int_not_equal(released.verdict, NAT_DROPPED);
				assert_int_equal(wire_get16(released.wire.at + 4), 7);
				assert_int_equal(wire_get32(released.wire.at + 12), 0xc0a80102);
				passed++;
			}
		}
		assert_int_equal(passed, PIECES);
	}
}

static void test_fragments_from_exempt_remotes_pass_untouched(void **state)
{
	struct lab *lab = *state;
	struct train t = udp_train(Y1, H1, 7), other = udp_train(Y1_Q, H1, 8);

	lab_set(lab, "nat.exempt", "203.0.113.10:7000");
	for (int i = 0; i < PIECES; i++)
		assert_int_equal(in_copy(lab, t.piece[i], AT_S(0)).verdict, NAT_PASS);
	assert_dropped(in_copy(lab, other.piece[0], AT_S(0)), REASON_NOT_OURS);
	assert_dropped(in_copy(lab, other.piece[1], AT_S(0)), REASON_FRAGMENT_REFUSED);
}

/* --- knobs ---------------------------------------------------------------------------------- */

static void test_in_order_keeps_nothing_that_comes_before_its_first(void **state)
{
	struct lab *lab = *state;
	struct train t = udp_train(H1, Y1, 7);
	struct nat_outcome outcome;

	lab_set(lab, "fragments.mode", "in-order");
	outcome = out_copy(lab, t.piece[1], AT_S(0));
	assert_dropped(outcome, REASON_FRAGMENT_ORDER);
	assert_int_equal(outcome.knob, OPT_FRAGMENTS_MODE);
	assert_int_equal(lab->nat.fragments.by_key.count, 0);
	assert_rewritten(out_copy(lab, t.piece[0], AT_S(0)), REASON_MAPPING_CREATED);
	assert_rewritten(out_copy(lab, t.piece[2], AT_S(0)), REASON_FRAGMENT_TRANSLATED);
	assert_rewritten(out_copy(lab, t.piece[1], AT_S(0)), REASON_FRAGMENT_TRANSLATED);
}

static void test_fragments_off_is_per_protocol(void **state)
{
	static const char *const knobs[] = { "udp.fragments", "tcp.fragments", "icmp.fragments" };
	static const enum option_id ids[] = { OPT_UDP_FRAGMENTS, OPT_TCP_FRAGMENTS,
					      OPT_ICMP_FRAGMENTS };
	struct lab *lab = *state;

	for (enum nat_protocol off = NAT_UDP; off < NAT_OTHER; off++) {
		lab_set(lab, knobs[off], "off");
		for (enum nat_protocol p = NAT_UDP; p < NAT_OTHER; p++) {
			struct train t = train_of(query_of(p, H1, Y1, WIRE_SYN), 10U * off + p);
			struct nat_outcome first = out_copy(lab, t.piece[0], AT_S(0));
			struct nat_outcome later = out_copy(lab, t.piece[1], AT_S(0));

			assert_int_equal(first.verdict == NAT_DROPPED, p == off);
			assert_int_equal(later.verdict == NAT_DROPPED, p == off);
			if (p != off)
				continue;
			assert_reason(first, REASON_FRAGMENT);
			assert_reason(later, REASON_FRAGMENT);
			assert_int_equal(later.knob, ids[off]);
		}
		lab_set(lab, knobs[off], "on");
	}
	/* What is whole is none of this knob's business. */
	lab_set(lab, "udp.fragments", "off");
	assert_int_equal(lab_out(lab, wire_udp(H1, Y1), AT_S(0)).verdict, NAT_REWRITTEN);
}

/* --- those that wait ------------------------------------------------------------------------ */

static void assert_released_expired(struct lab *lab, uint32_t tag)
{
	struct lab_release released;

	assert_true(lab_release(lab, &released));
	assert_int_equal(released.verdict, NAT_DROPPED);
	assert_int_equal(released.reason, REASON_FRAGMENT_EXPIRED);
	assert_int_equal(released.tag, tag);
}

static void test_fragment_waits_for_its_first_so_long_and_no_longer(void **state)
{
	struct lab *lab = *state;
	struct train t = udp_train(H1, Y1, 7);
	uint32_t tag;

	out_copy(lab, t.piece[1], AT_S(1));
	tag = lab->tag;
	out_copy(lab, t.piece[2], AT_S(4));
	assert_int_equal(nat_tick(&lab->nat, AT_MS(10999), 10).ms, 11000);
	assert_int_equal(lab_release_all(lab), 0);
	assert_int_equal(lab->held_count, 2);
	assert_int_equal(nat_tick(&lab->nat, AT_S(11), 10).ms, INT64_MAX);
	assert_released_expired(lab, tag);
	assert_released_expired(lab, tag + 1);
	assert_int_equal(lab->held_count, 0);
	/* Its first, late, is one whose others are still to come. */
	assert_rewritten(out_copy(lab, t.piece[0], AT_S(11)), REASON_MAPPING_CREATED);
	assert_rewritten(out_copy(lab, t.piece[1], AT_S(12)), REASON_FRAGMENT_TRANSLATED);
}

/* No answer depends on when the timer ran last. */
static void test_datagram_is_over_in_time_without_a_tick(void **state)
{
	struct lab *lab = *state;
	struct train a = udp_train(H1, Y1, 7), b = udp_train(H1, Y1, 8);
	uint32_t tag;

	lab_set(lab, "fragments.timeout", "2s");
	assert_rewritten(out_copy(lab, a.piece[0], AT_S(0)), REASON_MAPPING_CREATED);
	assert_int_equal(out_copy(lab, b.piece[1], AT_S(0)).verdict, NAT_HELD);
	tag = lab->tag;
	assert_rewritten(out_copy(lab, a.piece[1], AT_MS(1999)), REASON_FRAGMENT_TRANSLATED);
	assert_int_equal(lab_release_all(lab), 0);
	assert_rewritten(out_copy(lab, b.piece[0], AT_S(2)), REASON_TRANSLATED);
	assert_released_expired(lab, tag);
	assert_int_equal(lab_release_all(lab), 0);
	assert_int_equal(out_copy(lab, a.piece[2], AT_S(2)).verdict, NAT_HELD);
}

/* The first comes when its datagram is overdue, and finds the table full: both at once. */
static void test_first_fragment_that_makes_room_for_itself_is_late(void **state)
{
	struct lab *lab = *state;
	struct train t = udp_train(H2, Y1, 7);
	struct wire whole;

	lab_set(lab, "udp.port-range", "5000-5000");
	lab_set(lab, "udp.timeout", "5s");
	lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	assert_int_equal(out_copy(lab, t.piece[1], AT_S(0)).verdict, NAT_HELD);
	assert_int_equal(out_copy(lab, t.piece[2], AT_S(0)).verdict, NAT_HELD);
	assert_rewritten(out_copy(lab, t.piece[0], AT_S(100)), REASON_MAPPING_CREATED);
	assert_int_equal(lab_release_all(lab), 0);
	assert_int_equal(lab->held_count, 0);
	whole = passes(lab, udp_train(H2, Y1, 8), orders[5], NAT_INTERNAL, AT_S(120));
	assert_int_equal(wire_transport_error(whole), 0);
}

static void test_held_fragments_share_the_fate_of_a_first_that_is_refused(void **state)
{
	struct lab *lab = *state;
	struct train t = udp_train(Y1, ep_port(E1, 5000), 7);
	struct lab_release released;

	assert_int_equal(in_copy(lab, t.piece[1], AT_S(0)).verdict, NAT_HELD);
	assert_dropped(in_copy(lab, t.piece[0], AT_S(0)), REASON_NO_MAPPING);
	assert_true(lab_release(lab, &released));
	assert_int_equal(released.reason, REASON_FRAGMENT_DISCARDED);
	assert_int_equal(released.verdict, NAT_DROPPED);
	assert_false(lab_release(lab, &released));
	assert_dropped(in_copy(lab, t.piece[2], AT_S(0)), REASON_FRAGMENT_REFUSED);
	assert_int_equal(lab->nat.fragments.by_key.count, 0); /* all of it was seen */
}

/* --- what is wrong with them ---------------------------------------------------------------- */

static void assert_drops_piece(struct lab *lab, struct wire w, enum nat_reason reason)
{
	uint32_t datagrams = lab->nat.fragments.by_key.count;
	uint32_t mappings = lab->nat.mappings.arena.live;

	assert_dropped(out_copy(lab, w, AT_S(0)), reason);
	assert_int_equal(lab->nat.fragments.by_key.count, datagrams);
	assert_int_equal(lab->nat.mappings.arena.live, mappings);
}

/* RFC 1858, RFC 3128: two fragments over one byte never pass, whichever the receiver would take. */
static void test_rfc1858_overlapping_fragments_do_not_pass(void **state)
{
	struct lab *lab = *state;
	struct train t = udp_train(H1, Y1, 7);

	/* held, and again */
	assert_int_equal(out_copy(lab, t.piece[1], AT_S(0)).verdict, NAT_HELD);
	assert_drops_piece(lab, t.piece[1], REASON_FRAGMENT_OVERLAP);
	assert_drops_piece(lab, wire_fragment(t.whole, 0, 88), REASON_FRAGMENT_OVERLAP);
	assert_rewritten(out_copy(lab, t.piece[0], AT_S(0)), REASON_MAPPING_CREATED);
	assert_int_equal(lab_release_all(lab), 1);
	/* passed, and again */
	assert_drops_piece(lab, t.piece[0], REASON_FRAGMENT_OVERLAP);
	assert_drops_piece(lab, wire_fragment(t.whole, 72, 8), REASON_FRAGMENT_OVERLAP);
	assert_drops_piece(lab, wire_fragment(t.whole, 152, 16), REASON_FRAGMENT_OVERLAP);
	assert_rewritten(out_copy(lab, t.piece[2], AT_S(0)), REASON_FRAGMENT_TRANSLATED);
}

static void test_rfc1858_tiny_first_fragment_is_dropped(void **state)
{
	struct lab *lab = *state;
	struct wire tcp = wire_with_id(query_of(NAT_TCP, H1, Y1, WIRE_SYN), 7);
	struct wire icmp = wire_with_id(query_of(NAT_ICMP, H1, Y1, WIRE_SYN), 7);

	assert_drops_piece(lab, wire_fragment(tcp, 0, 8), REASON_FRAGMENT_TINY);
	assert_drops_piece(lab, wire_fragment(tcp, 0, 16), REASON_FRAGMENT_TINY);
	/* one that would overwrite the flags */
	assert_drops_piece(lab, wire_fragment(tcp, 8, 80), REASON_FRAGMENT_TINY);
	assert_drops_piece(lab, wire_fragment(tcp, 16, 80), REASON_FRAGMENT_TINY);
	assert_int_equal(out_copy(lab, wire_fragment(tcp, 24, 80), AT_S(0)).verdict, NAT_HELD);
	assert_rewritten(out_copy(lab, wire_fragment(tcp, 0, 24), AT_S(0)), REASON_MAPPING_CREATED);
	assert_int_equal(lab_release_all(lab), 1);
	assert_rewritten(out_copy(lab, wire_fragment(icmp, 0, 8), AT_S(0)), REASON_MAPPING_CREATED);
}

static void test_fragments_of_impossible_lengths_are_dropped(void **state)
{
	struct lab *lab = *state;
	struct train t = udp_train(H1, Y1, 7);
	struct wire w = wire_cut(t.piece[1], 20), odd = wire_cut(t.piece[1], 20 + 13);

	wire_put16(w.at + 2, 20); /* no bytes */
	wire_fix_ip(w);
	assert_drops_piece(lab, w, REASON_FRAGMENT_LENGTH);
	wire_put16(w.at + 6, 10);
	wire_fix_ip(w);
	assert_drops_piece(lab, w, REASON_FRAGMENT_LENGTH);
	wire_put16(odd.at + 2, 33); /* more follow, within eight bytes */
	wire_fix_ip(odd);
	assert_drops_piece(lab, odd, REASON_FRAGMENT_LENGTH);
	odd = wire_cut(t.piece[0], 20 + 13);
	wire_put16(odd.at + 2, 33);
	wire_fix_ip(odd);
	assert_drops_piece(lab, odd, REASON_FRAGMENT_LENGTH);
	w = wire_copy(t.piece[1]); /* 20 + 65512 + 80: the ping of death */
	wire_put16(w.at + 6, 8189);
	wire_fix_ip(w);
	assert_drops_piece(lab, w, REASON_FRAGMENT_LENGTH);
	w = wire_cut(w, 20 + 3); /* up to the last byte there is */
	wire_put16(w.at + 2, 23);
	wire_fix_ip(w);
	assert_int_equal(out_copy(lab, w, AT_S(0)).verdict, NAT_HELD);
	w = wire_cut(t.piece[1], 20 + 4);
	wire_put16(w.at + 2, 24);
	wire_put16(w.at + 4, 8);
	wire_put16(w.at + 6, 8189);
	wire_fix_ip(w);
	assert_drops_piece(lab, w, REASON_FRAGMENT_LENGTH);
}

/* A fragment of a datagram that says one thing of its end, and another later. */
static void test_contradictory_ends_do_not_pass(void **state)
{
	struct lab *lab = *state;
	struct train t = udp_train(H1, Y1, 7);
	struct wire shorter = wire_with_id(wire_udp_with(H1, Y1, 0, 112), 7);

	assert_rewritten(out_copy(lab, t.piece[0], AT_S(0)), REASON_MAPPING_CREATED);
	assert_rewritten(out_copy(lab, wire_fragment(t.whole, 160, 40), AT_S(0)),
			 REASON_FRAGMENT_TRANSLATED);
	assert_drops_piece(lab, wire_fragment(shorter, 112, 80), REASON_FRAGMENT_OVERLAP);
	assert_rewritten(out_copy(lab, wire_fragment(t.whole, 200, 80), AT_S(0)),
			 REASON_FRAGMENT_TRANSLATED);
	assert_drops_piece(lab, wire_fragment(shorter, 80, 80), REASON_FRAGMENT_OVERLAP);
	assert_rewritten(out_copy(lab, t.piece[1], AT_S(0)), REASON_FRAGMENT_TRANSLATED);
}

/* --- room ----------------------------------------------------------------------------------- */

static void assert_first_passes(struct lab *lab, struct endpoint host, unsigned int id,
				struct mono now)
{
	struct train t = udp_train(host, Y1, id);

	for (int i = 0; i < PIECES; i++)
		assert_int_equal(out_copy(lab, t.piece[i], now).verdict, NAT_REWRITTEN);
}

static void test_full_store_drops_what_it_cannot_hold_and_says_so_once(void **state)
{
	struct lab *lab = *state;
	struct nat_outcome outcome;
	uint64_t events = lab->nat.events.count;

	lab_set(lab, "fragments.max-held", "5");
	for (unsigned int id = 0; id < 5; id++)
		assert_int_equal(out_copy(lab, udp_train(H1, Y1, id).piece[1], AT_S(0)).verdict,
				 NAT_HELD);
	for (unsigned int id = 5; id < 10; id++) {
		outcome = out_copy(lab, udp_train(H1, Y1, id).piece[1], AT_S(0));
		assert_dropped(outcome, REASON_FRAGMENTS_FULL);
		assert_int_equal(outcome.knob, OPT_FRAGMENTS_MAX_HELD);
	}
	assert_int_equal(lab->nat.events.count, events + 1);
	assert_int_equal(event_from(&lab->nat.events, events + 1)->reason, REASON_FRAGMENTS_FULL);
	/* Those in order are not touched by that. */
	assert_first_passes(lab, H1, 5000, AT_S(0));
}

/* RFC 4787 REQ-14a: a flood of lone fragments takes no more than its share. */
static void test_rfc4787_req14a_flood_of_fragments_harms_nobody_else(void **state)
{
	struct lab *lab = *state;
	unsigned int held = 0;

	for (unsigned int i = 0; i < 3000; i++) {
		struct endpoint src = { addr_from_ip4(0xc6330000 + i % 700), 5000 };
		struct wire w = udp_train(src, E1, i).piece[1];

		held += in_copy(lab, w, AT_S(0)).verdict == NAT_HELD;
		if (i % 100 == 0) {
			assert_int_equal(lab_out(lab, wire_udp(H2, Y1), AT_S(0)).verdict,
					 NAT_REWRITTEN);
			assert_first_passes(lab, H1, i, AT_S(0));
		}
		if (i % 500 == 0)
			wire_free_all();
	}
	assert_int_equal(held, 256);
	nat_tick(&lab->nat, AT_S(10), 10);
	assert_int_equal(lab_release_all(lab), 0);
	assert_int_equal(lab->nat.fragments.by_key.count, 0);
	assert_int_equal(lab->nat.fragments.held_count, 0);
}

static void test_no_source_holds_more_than_its_share(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "fragments.max-per-source", "3");
	for (unsigned int id = 0; id < 6; id++) {
		assert_int_equal(out_copy(lab, udp_train(H1, Y1, id).piece[1], AT_S(0)).verdict,
				 id < 3 ? NAT_HELD : NAT_DROPPED);
		assert_int_equal(out_copy(lab, udp_train(H2, Y1, id).piece[1], AT_S(0)).verdict,
				 id < 3 ? NAT_HELD : NAT_DROPPED);
	}
	/* One that is released makes room. */
	assert_int_equal(out_copy(lab, udp_train(H1, Y1, 0).piece[0], AT_S(0)).verdict,
			 NAT_REWRITTEN);
	assert_int_equal(lab_release_all(lab), 1);
	assert_int_equal(out_copy(lab, udp_train(H1, Y1, 9).piece[1], AT_S(0)).verdict, NAT_HELD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		lab_test(test_rfc4787_req14_fragments_pass_in_every_order_both_ways),
		lab_test(test_later_fragments_touch_no_session),
		lab_test(test_rfc3022_frag_two_hosts_with_one_id_stay_apart),
		lab_test(test_id_may_be_used_again_after_a_whole_datagram),
		lab_test(test_rfc4787_req9_hairpinned_fragments_change_both_addresses),
		lab_test(test_fragments_of_protocols_without_ports_pass),
		lab_test(test_fragments_of_exempt_flows_pass_untouched),
		lab_test(test_fragments_from_exempt_remotes_pass_untouched),
		lab_test(test_in_order_keeps_nothing_that_comes_before_its_first),
		lab_test(test_fragments_off_is_per_protocol),
		lab_test(test_fragment_waits_for_its_first_so_long_and_no_longer),
		lab_test(test_datagram_is_over_in_time_without_a_tick),
		lab_test(test_first_fragment_that_makes_room_for_itself_is_late),
		lab_test(test_held_fragments_share_the_fate_of_a_first_that_is_refused),
		lab_test(test_rfc1858_overlapping_fragments_do_not_pass),
		lab_test(test_rfc1858_tiny_first_fragment_is_dropped),
		lab_test(test_fragments_of_impossible_lengths_are_dropped),
		lab_test(test_contradictory_ends_do_not_pass),
		lab_test(test_full_store_drops_what_it_cannot_hold_and_says_so_once),
		lab_test(test_rfc4787_req14a_flood_of_fragments_harms_nobody_else),
		lab_test(test_no_source_holds_more_than_its_share),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
