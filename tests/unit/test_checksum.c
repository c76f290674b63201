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

/* What checksum_sum() and every variant that this processor has must agree on. */
static void check_sums(const uint8_t *at, size_t len)
{
	uint16_t expected = wire_sum(0, at, len);
	const struct checksum_variant *v;

	assert_int_equal(checksum_sum(at, len), expected);
	for (unsigned int i = 0; (v = checksum_variant(i)) != NULL; i++)
		if (v->supported() && v->sum(at, len) != expected)
			fail_msg("%s: %#x instead of %#x for %zu bytes at %p", v->name,
				 v->sum(at, len), expected, len, (const void *)at);
}

static void test_last_variant_is_plain_c_and_always_there(void **state)
{
	const struct checksum_variant *v, *last = NULL;

	(void)state;
	for (unsigned int i = 0; (v = checksum_variant(i)) != NULL; i++) {
		print_message("%s: %s\n", v->name,
			      v->supported() ? "tested" : "not supported here");
		last = v;
	}
	assert_non_null(last);
	assert_string_equal(last->name, "plain");
	assert_true(last->supported());
}

/* Memory that ends where the bytes do and starts 64 bytes aligned; the caller frees it. */
static uint8_t *take_aligned(size_t len)
{
	void *at = NULL;

	assert_int_equal(posix_memalign(&at, 64, len > 0 ? len : 1), 0);
	return at;
}

/* Once with other bytes around, which must not count, and once where nothing more may be read. */
static void test_sums_agree_with_a_plain_loop_at_every_length_and_alignment(void **state)
{
	enum { STARTS = 64, LENGTHS = 300, AFTER = 64 };
	struct wire bytes = { .at = take_aligned(STARTS + LENGTHS + AFTER),
			      .len = STARTS + LENGTHS + AFTER };

	(void)state;
	wire_fill(bytes.at, bytes.len);
	for (size_t start = 0; start < STARTS; start++) {
		for (size_t len = 0; len <= LENGTHS; len++) {
			uint8_t *exact = take_aligned(start + len);

			memcpy(exact, bytes.at, start + len);
			check_sums(bytes.at + start, len);
			check_sums(exact + start, len);
			free(exact);
		}
	}
	free(bytes.at);
}

static void test_sums_of_long_packets_agree_with_a_plain_loop(void **state)
{
	struct wire w = wire_take(65536 + 64);
	struct siphash_key key;
	struct rng rng;

	(void)state;
	assert_int_equal(rng_key(1071, &key), 0);
	rng_init(&rng, &key);
	for (int i = 0; i < 200; i++) {
		for (size_t k = 0; k < w.len; k += 4)
			wire_put32(w.at + k, rng_below(&rng, 4) ? rng_next(&rng) : 0xffffffff);
		check_sums(w.at + rng_below(&rng, 64), rng_below(&rng, 65536 + 1));
	}
}

/* Carries out of every 16, 32 and 64 bits, and a sum of 0xffff that must not become 0. */
static void test_sum_of_the_largest_packet_does_not_overflow(void **state)
{
	static const uint32_t words[] = { 0xffffffff, 0xfefefefe, 0xffff0000, 0x0000ffff,
					  0x80000000, 0x00000001, 0x00800080, 0 };
	struct wire w = wire_take(65536 + 16);

	(void)state;
	for (size_t even = 0; even < 8; even++) {
		for (size_t odd = 0; odd < 8; odd++) {
			for (size_t i = 0; i < w.len; i += 8) {
				wire_put32(w.at + i, words[even]);
				wire_put32(w.at + i + 4, words[odd]);
			}
			for (size_t len = 65534; len <= 65536; len++)
				check_sums(w.at + 3, len);
			check_sums(w.at, w.len);
		}
	}
	assert_int_equal(checksum_sum(w.at, w.len), 0);
	memset(w.at, 0xff, w.len);
	assert_int_equal(checksum_sum(w.at, 65534), 0xffff);
	check_sums(NULL, 0);
}

static void test_a_single_word_counts_wherever_it_is(void **state)
{
	struct wire w = wire_take(512);

	(void)state;
	for (size_t at = 0; at < w.len; at += 2) {
		wire_put16(w.at + at, 0xffff);
		check_sums(w.at, w.len);
		wire_put16(w.at + at, 1);
		check_sums(w.at, w.len);
		wire_put16(w.at + at, 0);
	}
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
		cmocka_unit_test(test_last_variant_is_plain_c_and_always_there),
		cmocka_unit_test(test_sums_agree_with_a_plain_loop_at_every_length_and_alignment),
		cmocka_unit_test_teardown(test_sums_of_long_packets_agree_with_a_plain_loop,
					  free_wires),
		cmocka_unit_test_teardown(test_sum_of_the_largest_packet_does_not_overflow,
					  free_wires),
		cmocka_unit_test_teardown(test_a_single_word_counts_wherever_it_is, free_wires),
		cmocka_unit_test(test_odd_last_byte_is_the_high_one),
		cmocka_unit_test(test_sums_add_up_end_around),
		cmocka_unit_test(test_rfc1624_eq3_example),
		cmocka_unit_test(test_update_agrees_with_summing_anew),
		cmocka_unit_test(test_wrong_checksum_stays_wrong_by_the_same_amount),
		cmocka_unit_test(test_rfc1624_udp_update),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
