/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RFC 1624, checksums by difference: the equations, and what comes of them in packets. */
#include "common/checksum.h"
#include "tests/rfc/rfc.h"

/* The example of section 4: this header's checksum, with one word changed. */
enum { EXAMPLE_CHECK = 0xdd2f, EXAMPLE_BEFORE = 0x5555, EXAMPLE_AFTER = 0x3285 };

/* RFC 1141, and the two forms RFC 1624 has for it, in plain arithmetic. */
static uint16_t folded(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static uint16_t not16(uint16_t value)
{
	return (uint16_t)~value;
}

static uint16_t equation2(uint16_t check, uint16_t before, uint16_t after)
{
	return folded((uint32_t)check + before + not16(after));
}

static uint16_t equation3(uint16_t check, uint16_t before, uint16_t after)
{
	return not16(folded((uint32_t)not16(check) + not16(before) + after));
}

static void test_rfc1624_eq3_example(void **state)
{
	(void)state;
	assert_int_equal(checksum_update(EXAMPLE_CHECK, EXAMPLE_BEFORE, EXAMPLE_AFTER), 0x0000);
}

static void test_rfc1624_eq3_holds_for_every_checksum(void **state)
{
	(void)state;
	for (uint32_t check = 0; check <= 0xffff; check++) {
		for (uint32_t i = 0; i < 8; i++) {
			uint16_t c = (uint16_t)check, before = (uint16_t)(0x2b1d * i);
			uint16_t after = (uint16_t)(check * 31 + i);

			assert_int_equal(checksum_update(c, before, after),
					 equation3(c, before, after));
		}
	}
}

static void test_rfc1624_eq2_is_not_what_we_do(void **state)
{
	(void)state;
	assert_int_equal(equation2(EXAMPLE_CHECK, EXAMPLE_BEFORE, EXAMPLE_AFTER), 0xffff);
	assert_int_not_equal(checksum_update(EXAMPLE_CHECK, EXAMPLE_BEFORE, EXAMPLE_AFTER), 0xffff);
}

/* The IP identification is free: with it every checksum can be had, so also one that equation 2
 * would get wrong. No IP header has the checksum 0xffff. */
static void test_rfc1624_eq2_no_ip_header_gets_ffff(void **state)
{
	struct lab *lab = *state;
	unsigned int zeros = 0;

	for (unsigned int id = 0; id <= 0xffff; id++) {
		struct wire w = wire_udp(H1, Y1);

		wire_put16(w.at + 4, id);
		wire_fix(w);
		assert_int_equal(rfc_pass(lab, w, NAT_INTERNAL, AT_S(0)).verdict, NAT_REWRITTEN);
		assert_int_not_equal(wire_get16(w.at + 10), 0xffff);
		assert_right_sums(w);
		zeros += wire_get16(w.at + 10) == 0;
		wire_free_all();
	}
	assert_in_range(zeros, 1, 2);
}

/* A receiver that recomputes and compares is the strict one; those that add all up see 0xffff in
 * place of 0 as right too, so only the strict one can prove us right. */
static void test_rfc1624_rx_checksums_are_those_of_recomputation(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p <= NAT_ICMP; p++) {
		struct wire request = lab_request(p, H1, Y1);

		for (unsigned int word = 0; word <= 0xffff; word++) {
			struct wire w = wire_copy(request);

			wire_put16(w.at + w.len - (p == NAT_TCP ? 4 : 6), word);
			wire_fix(w);
			assert_int_equal(rfc_pass(lab, w, NAT_INTERNAL, AT_S(0)).verdict,
					 NAT_REWRITTEN);
			assert_right_sums(w);
			if (word % 1024 == 1023) {
				wire_free_all();
				request = lab_request(p, H1, Y1);
			}
		}
	}
	/* With words that sum up to 0xffff, a checksum of 0 and one of 0xffff add up alike. */
	assert_int_equal(wire_sum(0xffff, (uint8_t[]){ 0, 0 }, 2), 0xffff);
	assert_int_equal(wire_sum(0xffff, (uint8_t[]){ 0xff, 0xff }, 2), 0xffff);
}

/* A request of @protocol from H1 whose word at @at makes the external side's checksum come out as 0
 * by the arithmetic; found by trying all. */
static struct wire crafted(struct lab *lab, enum nat_protocol protocol)
{
	for (unsigned int word = 0; word <= 0xffff; word++) {
		struct wire w = lab_request(protocol, H1, Y1), out;

		/* The last two words of the payload of either are free. */
		wire_put16(w.at + 20 + (protocol == NAT_TCP ? 14 : 12), word);
		wire_fix(w);
		out = wire_copy(w);
		assert_int_equal(rfc_pass(lab, out, NAT_INTERNAL, AT_S(0)).verdict, NAT_REWRITTEN);
		wire_put16(wire_check(out), 0);
		if (wire_sum(wire_pseudo(out, out.len - 20), out.at + 20, out.len - 20) == 0xffff)
			return w;
	}
	fail_msg("no such packet");
	return (struct wire){ 0 };
}

static void test_rfc1624_udp_zero_is_sent_as_ffff(void **state)
{
	struct lab *lab = *state;
	struct wire w = crafted(lab, NAT_UDP);

	assert_rewritten(lab_out(lab, w, AT_S(0)), REASON_TRANSLATED);
	assert_int_equal(wire_get16(wire_check(w)), 0xffff);
}

static void test_rfc1624_udp_zero_is_sent_as_ffff_inwards(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	unsigned int found = 0;

	for (unsigned int word = 0; word <= 0xffff; word++) {
		struct wire w = wire_udp(Y1, external);

		wire_put16(w.at + 32, word);
		wire_fix(w);
		assert_rewritten(rfc_pass(lab, w, NAT_EXTERNAL, AT_S(0)), REASON_TRANSLATED);
		assert_right_sums(w); /* for which wire_fix() puts 0xffff in place of 0 */
		found += wire_get16(wire_check(w)) == 0xffff;
		wire_free_all();
	}
	assert_in_range(found, 1, 2); /* words 0 and 0xffff are the same number */
}

/* Equation 3 makes 0 of 0xffff even where nothing changes; on the wire that would mean "none". */
static void test_rfc1624_udp_update_that_changes_nothing_keeps_ffff(void **state)
{
	(void)state;
	assert_int_equal(checksum_update(0xffff, 0x1234, 0x1234), 0);
	for (uint32_t word = 0; word <= 0xffff; word++)
		assert_int_equal(checksum_update_udp(0xffff, (uint16_t)word, (uint16_t)word),
				 0xffff);
}

static void test_rfc1624_udp0_is_skipped(void **state)
{
	struct lab *lab = *state;

	for (uint32_t word = 0; word <= 0xffff; word++)
		assert_int_equal(checksum_update_udp(0, (uint16_t)word, (uint16_t)(word * 7)), 0);
	for (unsigned int port = 1; port < 50; port++) {
		struct wire w = wire_udp(ep_port(H1, port), Y1);

		wire_put16(wire_check(w), 0);
		assert_rewritten(lab_out(lab, w, AT_S(0)), REASON_MAPPING_CREATED);
		assert_int_equal(wire_get16(wire_check(w)), 0);
	}
}

static void test_rfc1624_tcp_checksum_of_zero_stays(void **state)
{
	struct lab *lab = *state;
	struct wire w = crafted(lab, NAT_TCP);

	assert_rewritten(lab_out(lab, w, AT_S(0)), REASON_TRANSLATED);
	assert_int_equal(wire_get16(wire_check(w)), 0);
	assert_int_equal(wire_transport_error(w), 0);
}

/* Identifier 0, sequence 0, no data but zeros: the right checksum is 0xffff. */
static void test_rfc1624_zero_echo_reply_is_summed_anew(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_open(lab, NAT_ICMP, ep_port(H1, 0), Y1, AT_S(0));

	assert_int_not_equal(external.port, 0);
	for (size_t data = 0; data < 70; data++) {
		struct wire w = wire_ip(1, Y1, external, 0, WIRE_ICMP + data);

		wire_put16(w.at + 24, external.port);
		wire_fix(w);
		assert_rewritten(lab_in(lab, w, AT_S(1)), REASON_TRANSLATED);
		assert_int_equal(wire_get16(w.at + 24), 0);
		assert_int_equal(wire_get16(wire_check(w)), 0xffff);
		assert_right_sums(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		lab_test(test_rfc1624_eq3_example),
		lab_test(test_rfc1624_eq3_holds_for_every_checksum),
		lab_test(test_rfc1624_eq2_is_not_what_we_do),
		lab_test(test_rfc1624_eq2_no_ip_header_gets_ffff),
		lab_test(test_rfc1624_rx_checksums_are_those_of_recomputation),
		lab_test(test_rfc1624_udp_zero_is_sent_as_ffff),
		lab_test(test_rfc1624_udp_zero_is_sent_as_ffff_inwards),
		lab_test(test_rfc1624_udp_update_that_changes_nothing_keeps_ffff),
		lab_test(test_rfc1624_udp0_is_skipped),
		lab_test(test_rfc1624_tcp_checksum_of_zero_stays),
		lab_test(test_rfc1624_zero_echo_reply_is_summed_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
