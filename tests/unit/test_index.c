/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/lab.h"

static int setup(void **state)
{
	struct index *ix = calloc(1, sizeof(*ix));

	assert_non_null(ix);
	assert_int_equal(index_init(ix, 100), 0);
	*state = ix;
	return 0;
}

static int teardown(void **state)
{
	index_fini(*state);
	free(*state);
	return 0;
}

/* How often @record is found under @hash. */
static unsigned int found(const struct index *ix, uint32_t hash, uint32_t record)
{
	unsigned int times = 0;
	uint32_t n;

	for (uint32_t i = index_first(ix, hash); (n = index_record(ix, hash, &i)) != NAT_NONE; i++)
		times += n == record;
	return times;
}

static unsigned int entries(const struct index *ix, uint32_t hash)
{
	unsigned int times = 0;

	for (uint32_t i = index_first(ix, hash); index_record(ix, hash, &i) != NAT_NONE; i++)
		times++;
	return times;
}

static void test_what_was_added_is_found_until_removed(void **state)
{
	struct index *ix = *state;

	assert_int_equal(entries(ix, 77), 0);
	index_add(ix, 77, 0);
	index_add(ix, 78, 5);
	assert_int_equal(found(ix, 77, 0), 1);
	assert_int_equal(found(ix, 78, 5), 1);
	assert_int_equal(found(ix, 77, 5), 0);
	assert_int_equal(ix->count, 2);
	index_remove(ix, 77, 0);
	assert_int_equal(found(ix, 77, 0), 0);
	assert_int_equal(found(ix, 78, 5), 1);
	assert_int_equal(ix->count, 1);
}

static void test_records_of_one_hash_are_all_found(void **state)
{
	struct index *ix = *state;

	for (uint32_t n = 0; n < 50; n++)
		index_add(ix, 0xfffffff0, n);
	assert_int_equal(entries(ix, 0xfffffff0), 50);
	for (uint32_t n = 0; n < 50; n += 2)
		index_remove(ix, 0xfffffff0, n);
	assert_int_equal(entries(ix, 0xfffffff0), 25);
	for (uint32_t n = 0; n < 50; n++)
		assert_int_equal(found(ix, 0xfffffff0, n), n % 2);
}

/* Whatever goes, and however the table grows. */
static void test_records_of_one_hash_are_found_in_the_order_of_their_age(void **state)
{
	struct index *ix = *state;
	uint32_t at;

	for (uint32_t n = 0; n < 50; n++)
		index_add(ix, 0x40000000 + n % 2, 50 - n);
	for (uint32_t n = 0; n < 50; n += 4)
		index_remove(ix, 0x40000000, 50 - n);
	assert_int_equal(index_reserve(ix, 1000), 0);
	at = index_first(ix, 0x40000000);
	for (uint32_t n = 2; n < 50; n += 4, at++)
		assert_int_equal(index_record(ix, 0x40000000, &at), 50 - n);
	assert_int_equal(index_record(ix, 0x40000000, &at), NAT_NONE);
	at = index_first(ix, 0x40000001);
	for (uint32_t n = 1; n < 50; n += 2, at++)
		assert_int_equal(index_record(ix, 0x40000001, &at), 50 - n);
	assert_int_equal(index_record(ix, 0x40000001, &at), NAT_NONE);
}

static void test_hashes_with_one_place_are_told_apart(void **state)
{
	struct index *ix = *state;
	for (uint32_t n = 0; n < 50; n++) {
		assert_int_equal(index_first(ix, 3 + n), index_first(ix, 3));
		index_add(ix, 3 + n, n);
	}
	for (uint32_t n = 0; n < 50; n++) {
		assert_int_equal(entries(ix, 3 + n), 1);
		assert_int_equal(found(ix, 3 + n, n), 1);
	}
}

/* Neighbours whose hashes and places are alike in all ways, taken out in any order. */
static void test_removal_tells_whether_others_have_the_hash(void **state)
{
	static const uint32_t hashes[] = { 0, 0, 1, 7, 7, 7, 8, 40000000, 40000000, 0xffffffff };
	enum { COUNT = sizeof(hashes) / sizeof(hashes[0]) };
	struct index *ix = *state;

	for (uint32_t first = 0; first < COUNT; first++) {
		for (uint32_t n = 0; n < COUNT; n++)
			index_add(ix, hashes[n], n);
		for (uint32_t i = 0; i < COUNT; i++) {
			uint32_t n = (first + 3 * i) % COUNT;
			bool others = entries(ix, hashes[n]) > 1;

			assert_int_equal(index_remove(ix, hashes[n], n), others);
		}
		assert_int_equal(ix->count, 0);
	}
}

static void test_replace_names_another_record(void **state)
{
	struct index *ix = *state;

	index_add(ix, 9, 1);
	index_add(ix, 9, 2);
	index_replace(ix, 9, 1, 3);
	assert_int_equal(found(ix, 9, 1), 0);
	assert_int_equal(found(ix, 9, 2), 1);
	assert_int_equal(found(ix, 9, 3), 1);
	assert_int_equal(ix->count, 2);
}

static void test_reserve_keeps_entries_and_never_shrinks(void **state)
{
	struct index *ix = *state;
	uint32_t places = ix->places;

	for (uint32_t n = 0; n < 100; n++)
		index_add(ix, n * 2654435761U, n);
	assert_int_equal(index_reserve(ix, 10), 0);
	assert_int_equal(ix->places, places);
	assert_int_equal(index_reserve(ix, 100000), 0);
	assert_true(ix->places >= 120000);
	assert_int_equal(ix->count, 100);
	for (uint32_t n = 0; n < 100; n++)
		assert_int_equal(found(ix, n * 2654435761U, n), 1);
}

static void test_it_is_at_most_five_sixths_full(void **state)
{
	(void)state;
	for (uint32_t records = 1; records < 3000; records += 7) {
		struct index ix;

		assert_int_equal(index_init(&ix, records), 0);
		assert_true(ix.places > records && ix.places * 5 >= records * 6);
		assert_true(ix.places * 5 <= records * 6 + 10);
		index_fini(&ix);
	}
}

/* Two for each of six places, the last among them. */
static uint32_t hash_number(uint32_t i)
{
	return 0xa0000000 + i / 2 * 0x10000000 + i % 2 * 0xfffffff;
}

/* Against a plain list: few places and few hashes, so that runs meet, collide and go past the last place. */
static void test_random_use_agrees_with_a_plain_list(void **state)
{
	struct index ix;
	uint32_t hash_of[12];
	bool in[12] = { false };
	struct siphash_key key;
	struct rng rng;

	(void)state;
	assert_int_equal(rng_key(11, &key), 0);
	rng_init(&rng, &key);
	assert_int_equal(index_init(&ix, 12), 0);
	assert_int_equal(ix.places, 15);
	for (int i = 0; i < 50000; i++) {
		uint32_t n = rng_below(&rng, 12);

		if (in[n]) {
			index_remove(&ix, hash_of[n], n);
		} else {
			hash_of[n] = hash_number(rng_below(&rng, 12));
			index_add(&ix, hash_of[n], n);
		}
		in[n] = !in[n];
		for (uint32_t k = 0; k < 12; k++)
			assert_int_equal(in[k] ? found(&ix, hash_of[k], k) : 1, 1);
		for (uint32_t h = 0; h < 12; h++) {
			unsigned int wanted = 0;

			for (uint32_t k = 0; k < 12; k++)
				wanted += in[k] && hash_of[k] == hash_number(h);
			assert_int_equal(entries(&ix, hash_number(h)), wanted);
		}
	}
	index_fini(&ix);
}

int main(void)
{
#define index_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		index_test(test_what_was_added_is_found_until_removed),
		index_test(test_records_of_one_hash_are_all_found),
		index_test(test_records_of_one_hash_are_found_in_the_order_of_their_age),
		index_test(test_hashes_with_one_place_are_told_apart),
		index_test(test_removal_tells_whether_others_have_the_hash),
		index_test(test_replace_names_another_record),
		index_test(test_reserve_keeps_entries_and_never_shrinks),
		cmocka_unit_test(test_it_is_at_most_five_sixths_full),
		cmocka_unit_test(test_random_use_agrees_with_a_plain_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
