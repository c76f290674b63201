/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RFC 6864: what the ID of an IPv4 datagram is for, and whose it is behind a NAT. */
#include "tests/rfc/rfc.h"

enum { DF = 0x4000, MF = 0x2000 };

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
		lab_test(test_rfc6864_df_is_the_same_on_both_sides),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
