/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/core/bucket.h"

#include "tests/unit/lab.h"

static bool take(struct bucket *b, uint64_t rate, int64_t ms)
{
	bool has = bucket_has(b, rate, AT_MS(ms));

	if (has)
		bucket_take(b, rate, AT_MS(ms));
	return has;
}

static unsigned int take_all(struct bucket *b, uint64_t rate, int64_t ms)
{
	unsigned int count = 0;

	while (count < 5000 && take(b, rate, ms))
		count++;
	return count;
}

static void test_bucket_starts_full_and_fills_with_time(void **state)
{
	struct bucket b = { 0 };

	(void)state;
	assert_int_equal(take_all(&b, 5, 0), 5);
	assert_int_equal(take_all(&b, 5, 199), 0);
	assert_int_equal(take_all(&b, 5, 200), 1);
	assert_int_equal(take_all(&b, 5, 399), 0);
	assert_int_equal(take_all(&b, 5, 1000), 4);
	assert_int_equal(take_all(&b, 5, 10000000), 5);
	b = (struct bucket){ 0 };
	assert_int_equal(take_all(&b, 5, 10000000), 5);
}

/* As many as the rate says, over a long time and however they come. */
static void test_rate_is_kept_in_the_long_run(void **state)
{
	static const int64_t steps[] = { 1, 7, 13, 100, 333, 999, 1000 };

	(void)state;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct bucket b = { 0 };
		uint64_t count = 0;

		for (int64_t ms = 0; ms < 100000; ms += steps[i])
			count += take_all(&b, 10, ms);
		assert_in_range(count, 950, 1010); /* a full bucket runs over */
	}
}

static void test_one_a_second_is_one_a_second(void **state)
{
	struct bucket b = { 0 };

	(void)state;
	assert_true(take(&b, 1, 0));
	assert_false(take(&b, 1, 999));
	assert_true(take(&b, 1, 1000));
	assert_false(take(&b, 1, 1999));
	assert_true(take(&b, 1, 2000));
}

static void test_no_rate_counts_nothing(void **state)
{
	struct bucket b = { 0 };

	(void)state;
	for (int i = 0; i < 10; i++)
		bucket_take(&b, 0, AT_MS(0));
	assert_int_equal(b.spent, 0);
}

/* A knob may be turned while the bucket is in use. */
static void test_changed_rate_counts_from_then_on(void **state)
{
	struct bucket b = { 0 };

	(void)state;
	assert_int_equal(take_all(&b, 1000, 0), 1000);
	assert_int_equal(take_all(&b, 3, 500), 0);
	assert_int_equal(take_all(&b, 3, 1000), 3); /* not starved for what the old rate gave */
	assert_int_equal(take_all(&b, 3, 2000), 3);
	assert_int_equal(take_all(&b, 1000, 2000), 997);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bucket_starts_full_and_fills_with_time),
		cmocka_unit_test(test_rate_is_kept_in_the_long_run),
		cmocka_unit_test(test_one_a_second_is_one_a_second),
		cmocka_unit_test(test_no_rate_counts_nothing),
		cmocka_unit_test(test_changed_rate_counts_from_then_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
