/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/lab.h"

static struct rng stream(uint64_t seed)
{
	struct siphash_key key;
	struct rng rng;

	assert_int_equal(rng_key(seed, &key), 0);
	rng_init(&rng, &key);
	return rng;
}

static void test_same_seed_same_stream(void **state)
{
	struct rng a = stream(7), b = stream(7);

	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_int_equal(rng_next(&a), rng_next(&b));
}

static void test_other_seed_other_stream(void **state)
{
	struct rng a = stream(7), b = stream(8), c = stream(UINT64_MAX);
	unsigned int same = 0;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		uint32_t x = rng_next(&a), y = rng_next(&b), z = rng_next(&c);

		same += x == y || y == z || x == z;
	}
	assert_in_range(same, 0, 1);
}

static void test_rfc6056_key_seed_zero_is_never_the_same_twice(void **state)
{
	struct siphash_key a, b;

	(void)state;
	assert_int_equal(rng_key(0, &a), 0);
	assert_int_equal(rng_key(0, &b), 0);
	assert_memory_not_equal(&a, &b, sizeof(a));
}

static void test_seed_fills_both_halves_of_the_key(void **state)
{
	struct siphash_key a, b;

	(void)state;
	assert_int_equal(rng_key(1, &a), 0);
	assert_int_equal(rng_key(2, &b), 0);
	assert_true(a.k[0] != b.k[0]);
	assert_true(a.k[1] != b.k[1]);
	assert_true(a.k[0] != a.k[1]);
}

static void test_below_stays_below_and_reaches_all(void **state)
{
	struct rng rng = stream(9);

	(void)state;
	for (uint32_t bound = 1; bound < 50; bound++) {
		bool seen[50] = { false };

		for (uint32_t i = 0; i < bound * 40; i++) {
			uint32_t n = rng_below(&rng, bound);

			assert_in_range(n, 0, bound - 1);
			seen[n] = true;
		}
		for (uint32_t n = 0; n < bound; n++)
			assert_true(seen[n]);
	}
	for (int i = 0; i < 1000; i++)
		assert_in_range(rng_below(&rng, UINT32_MAX), 0, UINT32_MAX - 1);
}

static void test_numbers_are_spread_evenly(void **state)
{
	struct rng rng = stream(10);
	unsigned int bins[100] = { 0 }, bits[32] = { 0 };

	(void)state;
	for (int i = 0; i < 100000; i++) {
		uint32_t n = rng_next(&rng);

		for (int b = 0; b < 32; b++)
			bits[b] += n >> b & 1;
		bins[rng_below(&rng, 100)]++;
	}
	for (int i = 0; i < 100; i++)
		assert_in_range(bins[i], 850, 1150);
	for (int b = 0; b < 32; b++)
		assert_in_range(bits[b], 49000, 51000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_seed_same_stream),
		cmocka_unit_test(test_other_seed_other_stream),
		cmocka_unit_test(test_rfc6056_key_seed_zero_is_never_the_same_twice),
		cmocka_unit_test(test_seed_fills_both_halves_of_the_key),
		cmocka_unit_test(test_below_stays_below_and_reaches_all),
		cmocka_unit_test(test_numbers_are_spread_evenly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
