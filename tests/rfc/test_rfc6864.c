/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RFC 6864: what the ID of an IPv4 datagram is for, and whose it is behind a NAT. */
#include "tests/rfc/fragments.h"

enum { DF = 0x4000 };

static unsigned int id_of(struct wire w)
{
	return wire_get16(w.at + 4);
}

/* @w with this ID and these flags and offset. */
static struct wire with(struct wire w, unsigned int id, unsigned int field)
{
	wire_put16(w.at + 4, id);
	wire_put16(w.at + 6, field);
	wire_fix(w);
	return w;
}

/* The ID means nothing to anybody but who puts fragments together: any gets the same treatment. */
static void test_rfc6864_use_no_verdict_depends_on_the_id(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));

	for (unsigned int id = 0; id <= 0xffff; id += 51) {
		struct wire out = with(wire_udp(H1, Y1), id, id % 2 ? DF : 0);
		struct wire in = with(wire_udp(Y1, external), id, id % 2 ? DF : 0);
		struct wire probe = with(wire_udp(Y2, external), id, id % 2 ? DF : 0);

		assert_rewritten(lab_out(lab, out, AT_S(1)), REASON_TRANSLATED);
		assert_same_endpoint(wire_source(out), external);
		assert_rewritten(lab_in(lab, in, AT_S(1)), REASON_TRANSLATED);
		assert_same_endpoint(wire_destination(in), H1);
		assert_dropped(lab_in(lab, probe, AT_S(1)), REASON_FILTERED);
	}
	assert_int_equal(lab->nat.mappings.arena.live, 1);
}

/* DF set, not a fragment: nobody will ever put it together, so its ID is as good as any other. */
static void test_rfc6864_atomic_datagrams_pass_with_any_id(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));

	for (unsigned int id = 0; id <= 0xffff; id += 257) {
		struct wire out = with(wire_udp(H1, Y1), id, DF);
		struct wire in = with(wire_udp(Y1, external), id, DF);

		assert_rewritten(lab_out(lab, out, AT_S(1)), REASON_TRANSLATED);
		assert_int_equal(id_of(out), id);
		assert_rewritten(lab_in(lab, in, AT_S(1)), REASON_TRANSLATED);
		assert_int_equal(id_of(in), id);
	}
}

/* Nor do two hosts' datagrams with one ID need telling apart: 0 may come all the time. */
static void test_rfc6864_atomic_datagrams_may_share_an_id(void **state)
{
	struct lab *lab = *state;

	for (unsigned int i = 0; i < 20; i++) {
		struct wire a = with(wire_udp(H1, Y1), 0, DF), b = with(wire_udp(H2, Y1), 0, DF);

		assert_int_equal(lab_out(lab, a, AT_S(i)).verdict, NAT_REWRITTEN);
		assert_int_equal(lab_out(lab, b, AT_S(i)).verdict, NAT_REWRITTEN);
		assert_right_sums(a);
		assert_right_sums(b);
	}
}

/* Not atomic: it may be cut on its way, so the ID has to be one of a kind. */
static struct wire fragmentable(struct endpoint src, struct endpoint dst, unsigned int id)
{
	return with(wire_udp(src, dst), id, 0);
}

/* A hundred a second to one destination, all with one ID, from two hosts. */
static unsigned int repeated_ids(struct lab *lab)
{
	bool *seen = calloc(65536, sizeof(*seen));
	unsigned int repeated = 0;

	assert_non_null(seen);
	for (unsigned int n = 0; n < 12000; n++) {
		struct wire w = fragmentable(n % 3 ? H1 : H2, n % 2 ? Y1 : Y1_Q, 7);

		assert_int_equal(lab_out(lab, w, AT_MS(n * 10)).verdict, NAT_REWRITTEN);
		repeated += seen[id_of(w)];
		seen[id_of(w)] = true;
		wire_free_all();
	}
	free(seen);
	return repeated;
}

static void test_rfc6864_uniq_no_id_comes_back_within_two_minutes(void **state)
{
	assert_int_equal(repeated_ids(*state), 0);
}

/* Whatever else the NAT sends elsewhere in between. */
static void test_rfc6864_uniq_other_destinations_use_nothing_up(void **state)
{
	struct lab *lab = *state;
	bool seen[65536] = { false };

	for (unsigned int n = 0; n < 2000; n++) {
		struct wire w = fragmentable(H1, Y1, 7);

		lab_out(lab, w, AT_S(1));
		assert_false(seen[id_of(w)]);
		seen[id_of(w)] = true;
		for (unsigned int i = 0; i < 20; i++)
			lab_out(lab,
				fragmentable(H2,
					     (struct endpoint){ addr_from_ip4(0xc6336401 + i), 9 },
					     n),
				AT_S(1));
		wire_free_all();
	}
}

static void test_rfc6864_uniq_keeping_ids_is_a_knob(void **state)
{
	lab_set(*state, "nat.ip-id", "keep");
	assert_int_equal(repeated_ids(*state), 11999);
}

static void test_rfc6864_nat_two_hosts_with_one_id_get_two(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p <= NAT_ICMP; p++) {
		struct wire a = with(lab_request(p, H1, Y1), 7, 0);
		struct wire b = with(lab_request(p, H2, Y1), 7, 0);

		assert_int_equal(lab_out(lab, a, AT_S(0)).verdict, NAT_REWRITTEN);
		assert_int_equal(lab_out(lab, b, AT_S(0)).verdict, NAT_REWRITTEN);
		assert_int_not_equal(id_of(a), id_of(b));
		assert_right_sums(a);
		assert_right_sums(b);
	}
}

/* A NAT that leaves the ID alone: the two may end up as one datagram at Y1. */
static void test_rfc6864_nat_keeping_ids_is_a_knob(void **state)
{
	struct lab *lab = *state;
	struct wire a = fragmentable(H1, Y1, 7), b = fragmentable(H2, Y1, 7);

	lab_set(lab, "nat.ip-id", "keep");
	lab_out(lab, a, AT_S(0));
	lab_out(lab, b, AT_S(0));
	assert_int_equal(id_of(a), 7);
	assert_int_equal(id_of(b), 7);
}

/* A hairpinned datagram leaves the NAT as well, with its address as the source. */
static void test_rfc6864_nat_hairpinned_datagrams_too(void **state)
{
	struct lab *lab = *state;
	struct endpoint external;
	struct wire a, b;

	lab_set(lab, "udp.filtering", "eif");
	external = lab_open(lab, NAT_UDP, H2, Y1, AT_S(0));
	a = fragmentable(H1, external, 7);
	b = fragmentable(ep("192.168.1.4:5000"), external, 7);
	assert_rewritten(lab_out(lab, a, AT_S(0)), REASON_HAIRPIN);
	assert_rewritten(lab_out(lab, b, AT_S(0)), REASON_HAIRPIN);
	assert_int_not_equal(id_of(a), id_of(b));
}

/* An ICMP error goes out under the NAT's address like everything else. */
static void test_rfc6864_nat_outbound_errors_too(void **state)
{
	struct lab *lab = *state;
	unsigned int ids[2];

	for (unsigned int i = 0; i < 2; i++) {
		struct endpoint host = i ? H2 : H1;
		struct wire answer = wire_udp(Y1, lab_open(lab, NAT_UDP, host, Y1, AT_S(0))), error;

		lab_in(lab, answer, AT_S(0));
		error = with(wire_error(3, 3, host, Y1, answer), 7, 0);
		assert_rewritten(lab_out(lab, error, AT_S(1)), REASON_ICMP_ERROR_TRANSLATED);
		ids[i] = id_of(error);
	}
	assert_int_not_equal(ids[0], ids[1]);
}

/* What the NAT sends by itself is never fragmented, so that its ID needs no care. */
static void test_rfc6864_nat_own_packets_are_atomic(void **state)
{
	struct lab *lab = *state;
	const struct output *output;
	unsigned int count = 0;

	lab_set(lab, "nat.unmatched", "reject");
	lab_in(lab, wire_udp(Y1, ep_port(E1, 5000)), AT_S(0));
	lab_in(lab, wire_tcp(Y1, ep_port(E1, 5000), WIRE_SYN), AT_S(0));
	while ((output = nat_next_output(&lab->nat)) != NULL) {
		assert_int_equal(wire_get16(output->data + 6), DF);
		count++;
	}
	assert_int_equal(count, 2);
}

/* Inwards there is one host behind each address still, and its IDs are its own. */
static void test_rfc6864_nat_inbound_ids_stay(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));

	for (unsigned int id = 0; id <= 0xffff; id += 257) {
		struct wire w = fragmentable(Y1, external, id);

		assert_rewritten(lab_in(lab, w, AT_S(1)), REASON_TRANSLATED);
		assert_int_equal(id_of(w), id);
	}
}

/* Two datagrams with one ID, cut in pieces that come mixed: each gets one new ID, and Y1 can put
 * both together. */
static void test_rfc6864_frag_all_fragments_get_one_new_id(void **state)
{
	struct lab *lab = *state;
	struct wire a = fragment_whole(H1, Y1, 7, 1000), b = fragment_whole(H2, Y1, 7, 1000);
	struct endpoint from_a = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	struct endpoint from_b = lab_open(lab, NAT_UDP, H2, Y1, AT_S(0));
	struct pile at_a = { 0 }, at_b = { 0 };

	for (size_t i = 3; i-- > 0;) { /* the first one last */
		fragment_pass(lab, fragment_of(a, i * 400, 400), NAT_INTERNAL, AT_S(1), &at_a);
		fragment_pass(lab, fragment_of(b, i * 400, 400), NAT_INTERNAL, AT_S(1), &at_b);
	}
	assert_int_not_equal(fragment_id(at_a.first), fragment_id(at_b.first));
	assert_same_wire(pile_whole(&at_a),
			 fragment_whole(from_a, Y1, fragment_id(at_a.first), 1000));
	assert_same_wire(pile_whole(&at_b),
			 fragment_whole(from_b, Y1, fragment_id(at_b.first), 1000));
}

/* The other way as well, in either order; only there the ID is the sender's and stays. */
static void test_rfc6864_frag_inbound_fragments_keep_theirs(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));

	for (unsigned int id = 0; id < 20; id++) {
		struct wire sent = fragment_whole(Y1, external, id * 3001, 1000);
		struct pile pile = { 0 };

		for (size_t i = 0; i < 3; i++)
			fragment_pass(lab, fragment_of(sent, (id % 2 ? i : 2 - i) * 400, 400),
				      NAT_EXTERNAL, AT_S(1), &pile);
		assert_same_wire(pile_whole(&pile), fragment_whole(Y1, H1, id * 3001, 1000));
	}
}

static void test_rfc6864_frag_keeping_ids_is_a_knob(void **state)
{
	struct lab *lab = *state;
	struct wire sent = fragment_whole(H1, Y1, 7, 1000);
	struct pile pile = { 0 };

	lab_set(lab, "nat.ip-id", "keep");
	for (size_t i = 3; i-- > 0;)
		fragment_pass(lab, fragment_of(sent, i * 400, 400), NAT_INTERNAL, AT_S(1), &pile);
	assert_int_equal(fragment_id(pile.first), 7);
	assert_int_not_equal(pile_whole(&pile).len, 0);
}

static void test_rfc6864_df_is_the_same_on_both_sides(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p <= NAT_ICMP; p++) {
		for (unsigned int i = 0; i < 64; i++) {
			unsigned int df = i % 2 ? DF : 0;
			struct wire out = with(lab_request(p, H1, Y1), i * 1021, df), in;

			assert_int_equal(lab_out(lab, out, AT_S(0)).verdict, NAT_REWRITTEN);
			assert_int_equal(wire_get16(out.at + 6), df);
			in = with(rfc_answer(p, Y1, wire_source(out)), i * 1021, df);
			assert_rewritten(lab_in(lab, in, AT_S(0)), REASON_TRANSLATED);
			assert_int_equal(wire_get16(in.at + 6), df);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		lab_test(test_rfc6864_use_no_verdict_depends_on_the_id),
		lab_test(test_rfc6864_atomic_datagrams_pass_with_any_id),
		lab_test(test_rfc6864_atomic_datagrams_may_share_an_id),
		lab_test(test_rfc6864_uniq_no_id_comes_back_within_two_minutes),
		lab_test(test_rfc6864_uniq_other_destinations_use_nothing_up),
		lab_test(test_rfc6864_uniq_keeping_ids_is_a_knob),
		lab_test(test_rfc6864_nat_two_hosts_with_one_id_get_two),
		lab_test(test_rfc6864_nat_keeping_ids_is_a_knob),
		lab_test(test_rfc6864_nat_hairpinned_datagrams_too),
		lab_test(test_rfc6864_nat_outbound_errors_too),
		lab_test(test_rfc6864_nat_own_packets_are_atomic),
		lab_test(test_rfc6864_nat_inbound_ids_stay),
		lab_test(test_rfc6864_frag_all_fragments_get_one_new_id),
		lab_test(test_rfc6864_frag_inbound_fragments_keep_theirs),
		lab_test(test_rfc6864_frag_keeping_ids_is_a_knob),
		lab_test(test_rfc6864_df_is_the_same_on_both_sides),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
