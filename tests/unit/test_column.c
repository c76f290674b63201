/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "common/block.h"
#include "nat/core/column.h"
#include "tests/unit/lab.h"

static uint64_t *cell(const struct column *c, uint32_t n)
{
	return column_at(c, n);
}

static void test_cells_come_zeroed_and_stay_when_it_grows(void **state)
{
	struct column c = { .size = 24 };

	(void)state;
	assert_int_equal(column_reserve(&c, 10), 0);
	assert_int_equal((uintptr_t)c.cells % BLOCK_LINE, 0);
	for (uint32_t n = 0; n < 10; n++) {
		for (int i = 0; i < 3; i++)
			assert_true(cell(&c, n)[i] == 0);
		cell(&c, n)[0] = n;
		cell(&c, n)[2] = n + 1;
	}
	/* enough to be moved, and for huge pages */
	assert_int_equal(column_reserve(&c, 1000000), 0);
	assert_int_equal((uintptr_t)c.cells % BLOCK_LINE, 0);
	for (uint32_t n = 0; n < 10; n++) {
		assert_true(cell(&c, n)[0] == n);
		assert_true(cell(&c, n)[2] == n + 1);
	}
	for (uint32_t n = 10; n < 1000000; n += 997)
		assert_true(cell(&c, n)[0] == 0 && cell(&c, n)[2] == 0);
	column_fini(&c);
	assert_null(c.cells);
}

static void test_it_never_shrinks(void **state)
{
	struct column c = { .size = 8 };
	uint8_t *cells;

	(void)state;
	assert_int_equal(column_reserve(&c, 5000), 0);
	cells = c.cells;
	assert_int_equal(column_reserve(&c, 10), 0);
	assert_int_equal(column_reserve(&c, 5000), 0);
	assert_int_equal(c.room, 5000);
	assert_ptr_equal(c.cells, cells);
	column_fini(&c);
}

static void test_no_memory_changes_nothing(void **state)
{
	struct column c = { .size = (size_t)1 << 36 };

	(void)state;
	assert_int_equal(column_reserve(&c, 1U << 27), -ENOMEM);
	assert_null(c.cells);
	assert_int_equal(c.room, 0);
	c.size = 8;
	assert_int_equal(column_reserve(&c, 100), 0);
	*cell(&c, 99) = 42;
	c.size = (size_t)1 << 36;
	assert_int_equal(column_reserve(&c, 1U << 27), -ENOMEM);
	c.size = 8;
	assert_int_equal(c.room, 100);
	assert_true(*cell(&c, 99) == 42);
	column_fini(&c);
}

/* Pages of memory this process has. */
static unsigned long resident(void)
{
	FILE *statm = fopen("/proc/self/statm", "re");
	unsigned long pages;

	assert_non_null(statm);
	assert_int_equal(fscanf(statm, "%*u %lu", &pages), 1);
	fclose(statm);
	return pages;
}

/* A table may be as large as its limit: what nobody has written to takes no memory. */
static void test_untouched_cells_take_no_memory(void **state)
{
	struct column c = { .size = 1024 };
	unsigned long before = resident();

	(void)state;
	assert_int_equal(column_reserve(&c, 1U << 20), 0);
	*cell(&c, 0) = 1;
	*cell(&c, c.room - 1) = 2;
	assert_in_range(resident() - before, 2, 2048); /* of 262144, were all there */
	column_fini(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cells_come_zeroed_and_stay_when_it_grows),
		cmocka_unit_test(test_it_never_shrinks),
		cmocka_unit_test(test_no_memory_changes_nothing),
		cmocka_unit_test(test_untouched_cells_take_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
