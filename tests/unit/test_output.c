/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/core/output.h"

#include "tests/unit/lab.h"

static int setup(void **state)
{
	*state = calloc(1, sizeof(struct output_ring));
	return *state != NULL ? 0 : -1;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static bool add(struct output_ring *ring, size_t length)
{
	struct output *output = output_add(ring);

	if (output == NULL)
		return false;
	output->length = length;
	memset(output->data, (int)length, length);
	return true;
}

static void assert_next(struct output_ring *ring, size_t length)
{
	const struct output *output = output_take(ring);

	assert_non_null(output);
	assert_int_equal(output->length, length);
	assert_int_equal(output->data[length - 1], (uint8_t)length);
}

static void test_first_in_first_out(void **state)
{
	struct output_ring *ring = *state;
	size_t next = 1;

	assert_null(output_take(ring));
	/* round and round */
	for (size_t i = 1; i <= 5 * OUTPUT_RING; i++) {
		assert_true(add(ring, i));
		if (i % 3 != 0)
			assert_next(ring, next++);
		if (i % 30 == 0)
			while (next <= i)
				assert_next(ring, next++);
	}
	while (next <= 5 * OUTPUT_RING)
		assert_next(ring, next++);
	assert_null(output_take(ring));
	assert_int_equal(ring->made, 5 * OUTPUT_RING);
	assert_int_equal(ring->lost, 0);
}

static void test_full_ring_counts_what_it_does_not_take(void **state)
{
	struct output_ring *ring = *state;

	for (size_t i = 1; i <= OUTPUT_RING; i++)
		assert_true(add(ring, i));
	assert_false(add(ring, 500));
	assert_false(add(ring, 501));
	assert_int_equal(ring->made, OUTPUT_RING);
	assert_int_equal(ring->lost, 2);
	assert_next(ring, 1);
	assert_true(add(ring, PACKET_MAKE_MAX));
	for (size_t i = 2; i <= OUTPUT_RING; i++)
		assert_next(ring, i);
	assert_next(ring, PACKET_MAKE_MAX);
	assert_null(output_take(ring));
}

int main(void)
{
#define output_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		output_test(test_first_in_first_out),
		output_test(test_full_ring_counts_what_it_does_not_take),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
