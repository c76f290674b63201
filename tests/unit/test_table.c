/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables for people: columns that line up, durations and amounts that read well.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nat/cli/table.h"

/* --- helpers -------------------------------------------------------------------------------- */

static void assert_duration(int64_t ms, const char *wanted)
{
	table_cell cell;

	table_duration(&cell, ms);
	assert_string_equal(cell, wanted);
}

static void assert_traffic(uint64_t packets, uint64_t bytes, const char *wanted)
{
	table_cell cell;

	table_traffic(&cell, packets, bytes);
	assert_string_equal(cell, wanted);
}

static void add(struct table *t, const char *a, const char *b, const char *c)
{
	table_cell *row = table_row(t);

	snprintf(row[0], TABLE_CELL, "%s", a);
	snprintf(row[1], TABLE_CELL, "%s", b);
	snprintf(row[2], TABLE_CELL, "%s", c);
}

/* @t as text, in memory of the caller. */
static void print(struct table *t, char *text, size_t size)
{
	FILE *out = fmemopen(text, size, "w");

	assert_non_null(out);
	table_print(t, out);
	assert_int_equal(fflush(out), 0);
	fclose(out);
}

static void assert_prints(struct table *t, const char *wanted)
{
	char text[1024];

	print(t, text, sizeof(text));
	assert_string_equal(text, wanted);
	table_fini(t);
}

static const struct table_column three[] = {
	{ .title = "NAME" },
	{ .title = "N", .right = true },
	{ .title = "WHAT" },
};

/* --- durations ------------------------------------------------------------------------------ */

static void test_duration_is_rounded_up_to_seconds(void **state)
{
	(void)state;
	assert_duration(0, "0s");
	assert_duration(1, "1s");
	assert_duration(999, "1s");
	assert_duration(1000, "1s");
	assert_duration(1001, "2s");
}

static void test_duration_has_at_most_two_units(void **state)
{
	(void)state;
	assert_duration(59000, "59s");
	assert_duration(59001, "1m00s");
	assert_duration(60000, "1m00s");
	assert_duration(247000, "4m07s");
	assert_duration(3599000, "59m59s");
	assert_duration(3599001, "1h00m");
	assert_duration(3600000, "1h00m");
	assert_duration(7440000, "2h04m");
	assert_duration(86399000, "23h59m");
	assert_duration(86400000, "1d00h");
	assert_duration((3 * 24 + 4) * 3600000LL, "3d04h");
	assert_duration(365 * 86400000LL, "365d00h");
}

/* --- amounts -------------------------------------------------------------------------------- */

static void test_traffic_below_a_thousand_is_plain(void **state)
{
	(void)state;
	assert_traffic(0, 0, "0/0");
	assert_traffic(1, 28, "1/28");
	assert_traffic(12, 999, "12/999");
}

static void test_traffic_units_are_powers_of_1024(void **state)
{
	(void)state;
	assert_traffic(1, 1000, "1/1.0K");
	assert_traffic(1, 1024, "1/1.0K");
	assert_traffic(12, 1331, "12/1.3K");
	assert_traffic(1, 1024 * 100, "1/100K");
	assert_traffic(1, 1024 * 999, "1/999K");
	assert_traffic(1, 1024 * 1024, "1/1.0M");
	assert_traffic(1, 1536ULL * 1024 * 1024, "1/1.5G");
	assert_traffic(1, 1ULL << 40, "1/1.0T");
	assert_traffic(1, 1ULL << 50, "1/1.0P");
}

static void test_traffic_largest_counts_fit(void **state)
{
	(void)state;
	assert_traffic(UINT64_MAX, UINT64_MAX, "18446744073709551615/16384P");
}

/* --- tables --------------------------------------------------------------------------------- */

static void test_table_without_rows_is_its_titles(void **state)
{
	struct table t;

	(void)state;
	table_init(&t, three, 3);
	assert_prints(&t, "NAME N WHAT\n");
}

static void test_table_columns_are_as_wide_as_their_widest_cell(void **state)
{
	struct table t;

	(void)state;
	table_init(&t, three, 3);
	add(&t, "a", "1", "x");
	add(&t, "longer", "12345", "the longest of all");
	add(&t, "", "", "");
	assert_prints(&t, "NAME       N WHAT\n"
			  "a          1 x\n"
			  "longer 12345 the longest of all\n"
			  "             \n");
}

static void test_table_last_column_is_not_padded(void **state)
{
	struct table t;
	char text[1024], *line;

	(void)state;
	table_init(&t, three, 3);
	add(&t, "a", "1", "x");
	add(&t, "b", "2", "long long long");
	print(&t, text, sizeof(text));
	line = strchr(text, '\n') + 1;
	assert_int_equal(strcspn(line, "\n"), strlen("a    1 x"));
	table_fini(&t);
}

static void test_table_hidden_column_is_left_out(void **state)
{
	struct table t;

	(void)state;
	table_init(&t, three, 3);
	t.columns[1].hidden = true;
	add(&t, "a", "1000000", "x");
	assert_prints(&t, "NAME WHAT\na    x\n");
}

static void test_table_hidden_first_column_is_left_out(void **state)
{
	struct table t;

	(void)state;
	table_init(&t, three, 3);
	t.columns[0].hidden = true;
	add(&t, "a", "1", "x");
	assert_prints(&t, "N WHAT\n1 x\n");
}

static void test_table_hidden_last_column_moves_the_line_end(void **state)
{
	struct table t;

	(void)state;
	table_init(&t, three, 3);
	t.columns[2].hidden = true;
	add(&t, "a", "1", "x");
	assert_prints(&t, "NAME N\na    1\n");
}

static void test_table_row_starts_empty(void **state)
{
	struct table t;

	(void)state;
	table_init(&t, three, 3);
	for (int i = 0; i < 100; i++) {
		table_cell *row = table_row(&t);

		for (int column = 0; column < 3; column++) {
			assert_string_equal(row[column], "");
			memset(row[column], 'x', TABLE_CELL - 1);
			row[column][TABLE_CELL - 1] = '\0';
		}
	}
	assert_int_equal(t.rows, 100);
	table_fini(&t);
}

static void test_table_keeps_many_rows_in_order(void **state)
{
	struct table t;
	static char text[65536];
	char number[16], *line;

	(void)state;
	table_init(&t, three, 3);
	for (int i = 0; i < 3000; i++) {
		snprintf(number, sizeof(number), "%d", i);
		add(&t, "row", number, "x");
	}
	print(&t, text, sizeof(text));
	line = strchr(text, '\n') + 1;
	for (int i = 0; i < 3000; i++) {
		char wanted[32];

		snprintf(wanted, sizeof(wanted), "row  %4d x\n", i);
		assert_memory_equal(line, wanted, strlen(wanted));
		line += strlen(wanted);
	}
	assert_string_equal(line, "");
	table_fini(&t);
}

static void test_table_may_use_every_column(void **state)
{
	struct table_column columns[TABLE_COLUMNS];
	struct table t;
	table_cell *row;

	(void)state;
	for (int i = 0; i < TABLE_COLUMNS; i++)
		columns[i] = (struct table_column){ .title = "T", .right = i % 2 };
	table_init(&t, columns, TABLE_COLUMNS);
	row = table_row(&t);
	for (int i = 0; i < TABLE_COLUMNS; i++)
		snprintf(row[i], TABLE_CELL, "%d", i % 10);
	assert_prints(&t, "T T T T T T T T T T T T T T T T\n0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5\n");
}

static void test_table_printed_in_parts_has_one_head_and_widths_that_only_grow(void **state)
{
	struct table t;
	char text[1024];

	(void)state;
	table_init(&t, three, 3);
	add(&t, "longer", "1", "x");
	print(&t, text, sizeof(text));
	assert_string_equal(text, "NAME   N WHAT\nlonger 1 x\n");
	add(&t, "b", "234", "y");
	print(&t, text, sizeof(text));
	assert_string_equal(text, "b      234 y\n");
	add(&t, "c", "5", "z");
	assert_prints(&t, "c        5 z\n");
}

static void test_table_scarce_column_is_hidden_until_it_is_shown(void **state)
{
	static const struct table_column columns[] = {
		{ .title = "A" },
		{ .title = "B", .scarce = true },
		{ .title = "C", .hidden = true },
	};
	struct table t;

	(void)state;
	for (int all = 0; all < 2; all++) {
		table_init(&t, columns, 3);
		add(&t, "1", "2", "3");
		if (all)
			table_show_all(&t);
		assert_prints(&t, all ? "A B\n1 2\n" : "A\n1\n");
	}
}

static void test_table_can_be_used_again_after_fini(void **state)
{
	struct table t;

	(void)state;
	table_init(&t, three, 3);
	add(&t, "a", "1", "x");
	table_fini(&t);
	table_fini(&t);
	table_init(&t, three, 3);
	add(&t, "b", "2", "y");
	assert_prints(&t, "NAME N WHAT\nb    2 y\n");
}

static void test_text_that_does_not_fit_shows_that_it_is_cut(void **state)
{
	char text[TABLE_CELL + 1];
	table_cell cell;

	(void)state;
	memset(text, 'x', sizeof(text));
	text[TABLE_CELL - 1] = '\0';
	table_text(&cell, text);
	assert_string_equal(cell, text);
	text[TABLE_CELL - 1] = 'x';
	text[TABLE_CELL] = '\0';
	table_text(&cell, text);
	assert_int_equal(strlen(cell), TABLE_CELL - 1);
	assert_string_equal(cell + TABLE_CELL - 5, "x...");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_that_does_not_fit_shows_that_it_is_cut),
		cmocka_unit_test(test_duration_is_rounded_up_to_seconds),
		cmocka_unit_test(test_duration_has_at_most_two_units),
		cmocka_unit_test(test_traffic_below_a_thousand_is_plain),
		cmocka_unit_test(test_traffic_units_are_powers_of_1024),
		cmocka_unit_test(test_traffic_largest_counts_fit),
		cmocka_unit_test(test_table_without_rows_is_its_titles),
		cmocka_unit_test(test_table_columns_are_as_wide_as_their_widest_cell),
		cmocka_unit_test(test_table_last_column_is_not_padded),
		cmocka_unit_test(test_table_hidden_column_is_left_out),
		cmocka_unit_test(test_table_hidden_first_column_is_left_out),
		cmocka_unit_test(test_table_hidden_last_column_moves_the_line_end),
		cmocka_unit_test(test_table_row_starts_empty),
		cmocka_unit_test(test_table_keeps_many_rows_in_order),
		cmocka_unit_test(test_table_may_use_every_column),
		cmocka_unit_test(
			test_table_printed_in_parts_has_one_head_and_widths_that_only_grow),
		cmocka_unit_test(test_table_scarce_column_is_hidden_until_it_is_shown),
		cmocka_unit_test(test_table_can_be_used_again_after_fini),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
