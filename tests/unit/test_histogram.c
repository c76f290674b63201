/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/core/histogram.h"

#include "tests/unit/lab.h"

static void test_value_is_in_the_first_bucket_that_may_hold_it(void **state)
{
	(void)state;
	assert_int_equal(histogram_bucket(0), 0);
	for (unsigned int n = 1; n < HISTOGRAM_BUCKETS - 1; n++) {
		assert_int_equal(histogram_bucket(histogram_bound(n)), n);
		assert_int_equal(histogram_bucket(histogram_bound(n) + 1), n + 1);
		assert_int_equal(histogram_bucket(histogram_bound(n - 1) + 1), n);
	}
}

static void test_value_beyond_every_bound_is_in_the_last(void **state)
{
	(void)state;
	assert_int_equal(histogram_bucket(histogram_bound(HISTOGRAM_BUCKETS - 2) + 1),
			 HISTOGRAM_BUCKETS - 1);
	assert_int_equal(histogram_bucket(UINT64_MAX), HISTOGRAM_BUCKETS - 1);
}

static void test_sum_and_buckets_count_every_value(void **state)
{
	struct histogram h = { 0 };

	(void)state;
	for (unsigned int i = 1; i <= 100; i++)
		histogram_add(&h, i);
	assert_int_equal(h.sum, 5050);
	assert_int_equal(h.buckets[0], 1);
	assert_int_equal(h.buckets[6], 32); /* 33 to 64 */
	assert_int_equal(h.buckets[7], 36);
}

/* --- in the NAT ----------------------------------------------------------------------------- */

static void test_packets_and_lives_are_counted(void **state)
{
	struct lab *lab = *state;
	struct wire w = wire_udp(H1, Y1);

	lab_out(lab, w, AT_S(1));
	assert_int_equal(lab->nat.sizes[NAT_INTERNAL].sum, w.len);
	assert_int_equal(lab->nat.sizes[NAT_EXTERNAL].sum, 0);
	w = wire_udp(Y1, ep("203.0.113.1:9"));
	lab_in(lab, w, AT_S(1));
	assert_int_equal(lab->nat.sizes[NAT_EXTERNAL].sum, w.len);
	assert_int_equal(lab->nat.lifetimes[NAT_UDP].sum, 0);
	nat_tick(&lab->nat, AT_S(302), 100);
	assert_int_equal(lab->nat.lifetimes[NAT_UDP].sum, 301);
	assert_int_equal(lab->nat.lifetimes[NAT_UDP].buckets[9], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_value_is_in_the_first_bucket_that_may_hold_it),
		cmocka_unit_test(test_value_beyond_every_bound_is_in_the_last),
		cmocka_unit_test(test_sum_and_buckets_count_every_value),
		lab_test(test_packets_and_lives_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
