/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/cli/top_columns.h"
#include "tests/unit/top.h"

static const struct top_row full = {
	.protocol = "tcp",
	.internal = "192.168.1.2:54450",
	.external = "203.0.113.1:40213",
	.remote = "203.0.113.10:7890",
	.state = "INTERNAL_FIN",
	.kind = "",
	.sessions = 12,
	.mappings = 3,
	.mapping_quota = 10,
	.age_ms = 61000,
	.left_ms = 7440000,
	.bytes = { 1000, 536 },
	.rate = { 1000, 500 },
};

static void init(struct table *table, enum top_view view)
{
	struct top_drop drop = { .name = "no-mapping", .meaning = "a long sentence about it" };

	top_columns_init(table, view);
	if (view == TOP_VIEW_DROPS)
		top_columns_add_drop(table, &drop, 0);
	else
		top_columns_add(table, view, &full, true);
}

/* The titles that are shown at @width, and how wide they and their gaps are. */
static int shown(enum top_view view, enum top_order order, int width, char titles[256])
{
	struct table table;
	int taken = -1;

	init(&table, view);
	top_columns_fit(&table, view, order, width);
	titles[0] = '\0';
	for (unsigned int i = 0; i < table.width; i++) {
		if (table.columns[i].hidden)
			continue;
		taken += table.widths[i] + 1;
		snprintf(titles + strlen(titles), 256 - strlen(titles), "%s ",
			 table.columns[i].title);
	}
	table_fini(&table);
	return taken;
}

static void test_columns_never_take_more_than_there_is(void **state)
{
	char titles[256];

	(void)state;
	for (int view = 0; view < TOP_VIEWS; view++)
		for (int order = 0; order <= TOP_ORDERS; order++)
			for (int width = 1; width < 200; width++) {
				int taken = shown((enum top_view)view, (enum top_order)order, width,
						  titles);

				if (taken > width)
					fail_msg("%d of %d: %s", taken, width, titles);
			}
}

static void test_what_rows_are_ordered_by_is_shown_at_80(void **state)
{
	char titles[256];

	(void)state;
	shown(TOP_VIEW_MAPPINGS, TOP_BY_AGE, 80, titles);
	assert_non_null(strstr(titles, "AGE "));
	shown(TOP_VIEW_SESSIONS, TOP_BY_LEFT, 80, titles);
	assert_non_null(strstr(titles, "LEFT "));
	shown(TOP_VIEW_SESSIONS, TOP_BY_BYTES, 80, titles);
	assert_non_null(strstr(titles, "BYTES "));
	shown(TOP_VIEW_HOSTS, TOP_BY_BYTES, 80, titles);
	assert_non_null(strstr(titles, "BYTES "));
	shown(TOP_VIEW_MAPPINGS, TOP_BY_HOST, 80, titles); /* there anyway, and once */
	assert_ptr_equal(strstr(titles, "INTERNAL "), strstr(titles, "PROTO ") + 6);
}

static void test_the_most_needed_stay_the_longest(void **state)
{
	char titles[256];

	(void)state;
	shown(TOP_VIEW_SESSIONS, TOP_BY_RATE, 60, titles);
	assert_string_equal(titles, "INTERNAL EXTERNAL REMOTE BIT/S ");
	shown(TOP_VIEW_SESSIONS, TOP_BY_RATE, 200, titles);
	assert_string_equal(titles,
			    "PROTO INTERNAL EXTERNAL REMOTE STATE AGE LEFT BYTES OUT/S IN/S "
			    "BIT/S TREND ");
	shown(TOP_VIEW_DROPS, TOP_ORDERS, 50, titles);
	assert_string_equal(titles, "REASON PACKETS PER S LAST MEANING ");
}

static void test_cells(void **state)
{
	struct table table;

	(void)state;
	init(&table, TOP_VIEW_SESSIONS);
	assert_string_equal(table.cells[5], "INTERNAL_FIN");
	assert_string_equal(table.cells[7], "1m01s");
	assert_string_equal(table.cells[8], "2h04m");
	assert_string_equal(table.cells[9], "1.5K");
	assert_string_equal(table.cells[10], "1.0K");
	assert_string_equal(table.cells[11], "500");
	assert_string_equal(table.cells[12], "1.5K");
	table_fini(&table);
	init(&table, TOP_VIEW_HOSTS);
	assert_string_equal(table.cells[2], "3/10");
	assert_string_equal(table.cells[3], "12");
	table_fini(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_columns_never_take_more_than_there_is),
		cmocka_unit_test(test_what_rows_are_ordered_by_is_shown_at_80),
		cmocka_unit_test(test_the_most_needed_stay_the_longest),
		cmocka_unit_test(test_cells),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
