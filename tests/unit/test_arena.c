/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "tests/unit/lab.h"

/* So that an allocation too large for the machine fails under the sanitizer as it does without. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

struct record {
	uint32_t mark;
	uint32_t value;
	uint64_t more[3];
};

static int setup(void **state)
{
	struct arena *a = calloc(1, sizeof(*a));

	assert_non_null(a);
	assert_int_equal(arena_init(a, sizeof(struct record), 10), 0);
	*state = a;
	return 0;
}

static int teardown(void **state)
{
	arena_fini(*state);
	free(*state);
	return 0;
}

static uint32_t take(struct arena *a, uint32_t value)
{
	uint32_t n = arena_take(a);

	if (n == NAT_NONE)
		return n;
	((struct record *)arena_at(a, n))->value = value;
	arena_publish(a, n);
	return n;
}

static uint32_t value_of(struct arena *a, uint32_t n)
{
	return ((struct record *)arena_at(a, n))->value;
}

static void test_record_is_live_from_publish_to_give_back(void **state)
{
	struct arena *a = *state;
	uint32_t n;

	assert_false(arena_is_live(a, 0));
	n = arena_take(a);
	assert_int_equal(n, 0);
	assert_false(arena_is_live(a, n));
	arena_publish(a, n);
	assert_true(arena_is_live(a, n));
	assert_false(arena_is_live(a, n + 1));
	assert_false(arena_is_live(a, NAT_NONE));
	arena_give_back(a, n);
	assert_false(arena_is_live(a, n));
}

/* The end of the free list must not look like a live record either. */
static void test_every_record_given_back_is_dead(void **state)
{
	struct arena *a = *state;

	for (uint32_t i = 0; i < 10; i++)
		take(a, i);
	for (uint32_t i = 0; i < 10; i++) {
		arena_give_back(a, i);
		for (uint32_t k = 0; k < 10; k++)
			assert_int_equal(arena_is_live(a, k), k > i);
	}
	assert_int_equal(a->live, 0);
}

static void test_full_arena_gives_none(void **state)
{
	struct arena *a = *state;

	for (uint32_t i = 0; i < 10; i++) {
		assert_false(arena_full(a));
		assert_int_equal(take(a, i), i);
	}
	assert_true(arena_full(a));
	assert_int_equal(arena_take(a), NAT_NONE);
	assert_int_equal(a->live, 10);
	arena_give_back(a, 4);
	assert_false(arena_full(a));
	assert_int_equal(take(a, 44), 4);
	assert_int_equal(arena_take(a), NAT_NONE);
}

static void test_record_comes_zeroed_after_use(void **state)
{
	struct arena *a = *state;
	static const struct record zero;
	uint32_t n = arena_take(a);

	memset(arena_at(a, n), 0xee, sizeof(zero));
	arena_publish(a, n);
	arena_give_back(a, n);
	assert_int_equal(arena_take(a), n);
	assert_memory_equal(arena_at(a, n), &zero, sizeof(zero));
}

static void test_growing_keeps_records_and_numbers(void **state)
{
	struct arena *a = *state;

	for (uint32_t i = 0; i < 10; i++)
		take(a, 100 + i);
	arena_give_back(a, 3);
	assert_int_equal(arena_set_limit(a, 10000), 0);
	for (uint32_t i = 0; i < 10; i++) {
		assert_int_equal(arena_is_live(a, i), i != 3);
		if (i != 3)
			assert_int_equal(value_of(a, i), 100 + i);
	}
	assert_int_equal(take(a, 1), 3);
	for (uint32_t i = 10; i < 10000; i++)
		assert_int_equal(take(a, i), i);
	assert_int_equal(arena_take(a), NAT_NONE);
}

static void test_shrinking_only_stops_new_ones(void **state)
{
	struct arena *a = *state;

	for (uint32_t i = 0; i < 10; i++)
		take(a, 100 + i);
	assert_int_equal(arena_set_limit(a, 5), 0);
	assert_true(arena_full(a));
	assert_int_equal(arena_take(a), NAT_NONE);
	for (uint32_t i = 0; i < 10; i++)
		assert_int_equal(value_of(a, i), 100 + i);
	for (uint32_t i = 0; i < 5; i++)
		arena_give_back(a, i);
	assert_int_equal(arena_take(a), NAT_NONE);
	arena_give_back(a, 9);
	assert_int_equal(take(a, 7), 9);
	assert_int_equal(arena_take(a), NAT_NONE);
	assert_int_equal(arena_set_limit(a, 6), 0);
	assert_int_not_equal(arena_take(a), NAT_NONE);
}

static void test_size_beyond_memory_is_refused_and_changes_nothing(void **state)
{
	struct arena *a = *state;
	struct arena huge;

	take(a, 42);
	a->records.size = (size_t)1 << 36; /* no machine has that times 2^27 */
	assert_int_equal(arena_set_limit(a, ARENA_MAX), -ENOMEM);
	a->records.size = sizeof(struct record);
	assert_int_equal(a->limit, 10);
	assert_int_equal(a->records.room, 10);
	assert_int_equal(value_of(a, 0), 42);
	assert_int_equal(arena_init(&huge, (size_t)1 << 36, ARENA_MAX), -ENOMEM);
	arena_fini(&huge);
}

static void test_random_use_never_hands_out_a_live_record(void **state)
{
	struct arena *a = *state;
	bool live[500] = { false };
	struct siphash_key key;
	struct rng rng;
	uint32_t count = 0;

	assert_int_equal(rng_key(7, &key), 0);
	rng_init(&rng, &key);
	assert_int_equal(arena_set_limit(a, 500), 0);
	for (int i = 0; i < 20000; i++) {
		uint32_t n = rng_below(&rng, 500);

		if (live[n]) {
			arena_give_back(a, n);
			live[n] = false;
			count--;
		} else {
			n = take(a, n);
			assert_in_range(n, 0, 499);
			assert_false(live[n]);
			live[n] = true;
			count++;
		}
		assert_int_equal(a->live, count);
	}
	for (uint32_t n = 0; n < 500; n++)
		assert_int_equal(arena_is_live(a, n), live[n]);
}

int main(void)
{
#define arena_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		arena_test(test_record_is_live_from_publish_to_give_back),
		arena_test(test_every_record_given_back_is_dead),
		arena_test(test_full_arena_gives_none),
		arena_test(test_record_comes_zeroed_after_use),
		arena_test(test_growing_keeps_records_and_numbers),
		arena_test(test_shrinking_only_stops_new_ones),
		arena_test(test_size_beyond_memory_is_refused_and_changes_nothing),
		arena_test(test_random_use_never_hands_out_a_live_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
