/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/checksum.h"
#include "tests/unit/lab.h"

static int free_wires(void **state)
{
	(void)state;
	wire_free_all();
	return 0;
}

/* The worked example of RFC 1071 section 3. */
static void test_rfc1071_example(void **state)
{
	static const uint8_t bytes[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };

	(void)state;
	assert_int_equal(checksum_sum(bytes, sizeof(bytes)), 0xddf2);
}

static void test_sum_agrees_with_a_plain_loop_at_every_length_and_alignment(void **state)
{
	struct wire w = wire_take(200);

	(void)state;
	wire_fill(w.at, w.len);
	for (size_t start = 0; start < 9; start++) {
		for (size_t len = 0; start + len <= w.len; len++) {
			struct wire exact = wire_take(len);

			memcpy(exact.at, w.at + start, len);
			assert_int_equal(checksum_sum(w.at + start, len),
					 wire_sum(0, w.at + start, len));
			assert_int_equal(checksum_sum(exact.at, len), wire_sum(0, exact.at, len));
		}
	}
}

static void test_sum_of_the_largest_packet_does_not_overflow(void **state)
{
	struct wire w = wire_take(65535 + 16);

	(void)state;
	memset(w.at, 0xff, w.len);
	assert_int_equal(checksum_sum(w.at, 65534), 0xffff);
	assert_int_equal(checksum_sum(w.at, 65535), wire_sum(0, w.at, 65535));
	memset(w.at, 0xfe, w.len);
	assert_int_equal(checksum_sum(w.at, w.len), wire_sum(0, w.at, w.len));
	memset(w.at, 0, w.len);
	assert_int_equal(checksum_sum(w.at, w.len), 0);
	assert_int_equal(checksum_sum(NULL, 0), 0);
}

static void test_odd_last_byte_is_the_high_one(void **state)
{
	(void)state;
	assert_int_equal(checksum_sum((uint8_t[]){ 0x12, 0x34, 0x56 }, 3), 0x1234 + 0x5600);
	assert_int_equal(checksum_sum((uint8_t[]){ 0xab }, 1), 0xab00);
}

static void test_sums_add_up_end_around(void **state)
{
	(void)state;
	assert_int_equal(checksum_add(0, 0), 0);
	assert_int_equal(checksum_add(0xffff, 0), 0xffff);
	assert_int_equal(checksum_add(0xffff, 0xffff), 0xffff);
	assert_int_equal(checksum_add(0xffff, 1), 1);
	assert_int_equal(checksum_add(0x8000, 0x8001), 2);
}

/* RFC 1624 section 4: equation 3 is right where that of RFC 1141 is not. */
static void test_rfc1624_eq3_example(void **state)
{
	(void)state;
	assert_int_equal(checksum_update(0xdd2f, 0x5555, 0x3285), 0x0000);
	assert_int_not_equal(checksum_update(0xdd2f, 0x5555, 0x3285), 0xffff);
}

static void test_update_agrees_with_summing_anew(void **state)
{
	struct siphash_key key;
	struct rng rng;

	(void)state;
	assert_int_equal(rng_key(1624, &key), 0);
	rng_init(&rng, &key);
	for (int i = 0; i < 200000; i++) {
		uint16_t rest = (uint16_t)(1 + rng_below(&rng, 0xffff)); /* some word is not 0 */
		uint16_t before = (uint16_t)(rng_below(&rng, 4) ? rng_next(&rng) : 0xffff);
		uint16_t after = (uint16_t)(rng_below(&rng, 4) ? rng_next(&rng) : 0);
		uint16_t check = (uint16_t)~checksum_add(rest, before);

		assert_int_equal(checksum_update(check, before, after),
				 (uint16_t)~checksum_add(rest, after));
	}
}

/* Trap 5, for every amount a checksum can be wrong by. */
static void test_wrong_checksum_stays_wrong_by_the_same_amount(void **state)
{
	(void)state;
	for (uint32_t check = 0; check <= 0xffff; check++) {
		uint16_t updated = checksum_update((uint16_t)check, 0x1234, 0xabcd);
		uint32_t before = (checksum_add((uint16_t)check, 0x1234)) % 0xffff;
		uint32_t after = (checksum_add(updated, 0xabcd)) % 0xffff;

		assert_int_equal(before, after);
	}
}

static void test_rfc1624_udp_update(void **state)
{
	(void)state;
	assert_int_equal(checksum_update_udp(0, 0x1234, 0xabcd), 0);
	assert_int_equal(checksum_update_udp(0xdd2f, 0x5555, 0x3285), 0xffff);
	assert_int_equal(checksum_update_udp(0xffff, 0x1234, 0x1234), 0xffff);
	for (uint32_t check = 1; check <= 0xffff; check++) {
		uint16_t plain = checksum_update((uint16_t)check, 0x4321, 0x9999);

		assert_int_equal(checksum_update_udp((uint16_t)check, 0x4321, 0x9999),
				 plain == 0 ? 0xffff : plain);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc1071_example),
		cmocka_unit_test_teardown(
			test_sum_agrees_with_a_plain_loop_at_every_length_and_alignment,
			free_wires),
		cmocka_unit_test_teardown(test_sum_of_the_largest_packet_does_not_overflow,
					  free_wires),
		cmocka_unit_test(test_odd_last_byte_is_the_high_one),
		cmocka_unit_test(test_sums_add_up_end_around),
		cmocka_unit_test(test_rfc1624_eq3_example),
		cmocka_unit_test(test_update_agrees_with_summing_anew),
		cmocka_unit_test(test_wrong_checksum_stays_wrong_by_the_same_amount),
		cmocka_unit_test(test_rfc1624_udp_update),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
