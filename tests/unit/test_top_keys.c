/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys, without a screen.
 */
#include <ncurses.h>

#include "tests/unit/top.h"

enum { ENTER = '\n', ESCAPE = 27 };

static int setup(void **state)
{
	struct top *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	top_head_init(&t->head);
	for (int i = 0; i < TOP_LISTS; i++)
		top_table_init(&t->tables[i], (enum top_list)i);
	t->page = 2;
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	struct top *t = *state;

	for (int i = 0; i < TOP_LISTS; i++)
		top_table_fini(&t->tables[i]);
	json_decref(t->presets);
	json_decref(t->errand_params);
	free(t);
	return 0;
}

/* Mappings 1, 2 and 3, of which 1 has sent @one bytes, 2 has 20 and 3 has 10. */
static void fill(struct top *t, int one)
{
	take(&t->tables[TOP_MAPPINGS],
	     page_of("mappings",
		     json_pack("[o, o, o]", mapping(1, 2, 81, one, 0), mapping(2, 2, 82, 20, 0),
			       mapping(3, 3, 83, 10, 0)),
		     -1),
	     5000);
	t->order[TOP_VIEW_MAPPINGS] = TOP_BY_BYTES;
}

static void press(struct top *t, const char *keys)
{
	for (; *keys != '\0'; keys++)
		top_keys_press(t, *keys);
}

static uint32_t selected(struct top *t)
{
	size_t place, count = top_rows(t, &place);

	assert_true(place < count);
	return t->tables[TOP_MAPPINGS].picked[place]->id;
}

static void test_the_choice_follows_its_row(void **state)
{
	struct top *t = *state;

	fill(t, 30); /* 1 2 3 */
	assert_int_equal(selected(t), 1);
	press(t, "j");
	assert_int_equal(selected(t), 2);
	fill(t, 15); /* 2 1 3 */
	assert_int_equal(selected(t), 2);
	press(t, "r"); /* 3 1 2 */
	assert_int_equal(selected(t), 2);
	press(t, "k");
	assert_int_equal(selected(t), 1);
}

static void test_nobody_has_moved_the_first_row_is_chosen(void **state)
{
	struct top *t = *state;

	fill(t, 30);
	assert_int_equal(selected(t), 1);
	fill(t, 5); /* 2 3 1 */
	assert_int_equal(selected(t), 2);
	press(t, "jk"); /* back at the top: the same again */
	press(t, "r");
	assert_int_equal(selected(t), 1);
}

static void test_a_chosen_row_that_goes_leaves_the_choice_to_its_neighbour(void **state)
{
	struct top *t = *state;

	fill(t, 30); /* 1 2 3 */
	press(t, "j");
	take(&t->tables[TOP_MAPPINGS],
	     page_of("mappings",
		     json_pack("[o, o]", mapping(1, 2, 81, 30, 0), mapping(3, 3, 83, 10, 0)), -1),
	     6000);
	assert_int_equal(selected(t), 3);
}

static void test_moving_stays_within_the_rows(void **state)
{
	struct top *t = *state;

	press(t, "jkG"); /* none at all */
	top_keys_press(t, KEY_NPAGE);
	fill(t, 30);
	press(t, "kk");
	assert_int_equal(selected(t), 1);
	press(t, "jjjjj");
	assert_int_equal(selected(t), 3);
	press(t, "g");
	assert_int_equal(selected(t), 1);
	top_keys_press(t, KEY_END);
	assert_int_equal(selected(t), 3);
	top_keys_press(t, KEY_PPAGE);
	assert_int_equal(selected(t), 2);
}

static void test_flush_names_the_mapping_by_all_it_is_known_by(void **state)
{
	struct top *t = *state;
	json_t *wanted = json_pack("{s:i, s:s, s:s}", "mapping", 2, "protocol", "tcp", "external",
				   "203.0.113.1:40082");

	fill(t, 30);
	press(t, "jf");
	assert_int_equal(t->mode, TOP_MODE_CONFIRM);
	press(t, "x"); /* neither */
	assert_int_equal(t->mode, TOP_MODE_CONFIRM);
	press(t, "n");
	assert_int_equal(t->mode, TOP_MODE_LIST);
	assert_int_equal(t->errand, TOP_NO_ERRAND);
	press(t, "f");
	fill(t, 5); /* what is flushed is what was asked about */
	press(t, "gy");
	assert_int_equal(t->errand, TOP_FLUSH);
	assert_true(json_equal(t->errand_params, wanted));
	json_decref(wanted);
}

static void test_there_is_nothing_to_flush_among_hosts(void **state)
{
	struct top *t = *state;

	press(t, "hf");
	assert_int_equal(t->mode, TOP_MODE_LIST);
	assert_true(t->failed);
	assert_non_null(strstr(t->message, "flush which?"));
}

static void test_a_filter_is_typed_kept_and_dropped(void **state)
{
	struct top *t = *state;

	fill(t, 30);
	press(t, "/q3");
	assert_false(t->quit); /* it is a letter now */
	top_keys_press(t, KEY_BACKSPACE);
	top_keys_press(t, KEY_BACKSPACE);
	press(t, ":82\n");
	assert_string_equal(t->filter, ":82");
	assert_int_equal(selected(t), 2);
	press(t, "/x");
	top_keys_press(t, ESCAPE);
	assert_string_equal(t->filter, ":82");
	top_keys_press(t, ESCAPE);
	assert_string_equal(t->filter, "");
	press(t, "/");
	for (int i = 0; i < 200; i++)
		press(t, "y");
	assert_int_equal(strlen(t->filter), TOP_FILTER_MOST - 1);
}

static void test_orders_go_round_those_that_the_view_has(void **state)
{
	struct top *t = *state;

	for (int view = 0; view < TOP_VIEWS; view++) {
		press(t, (const char *[]){ "m", "s", "h", "d" }[view]);
		t->order[view] = TOP_BY_RATE;
		for (int i = 0; i < 20; i++) {
			press(t, "o");
			if (view != TOP_VIEW_DROPS)
				assert_true(top_has_order(t->view, t->order[view]));
		}
	}
	press(t, "m");
	t->order[TOP_VIEW_MAPPINGS] = TOP_BY_RATE;
	press(t, "<");
	assert_int_equal(t->order[TOP_VIEW_MAPPINGS], TOP_BY_HOST);
	press(t, ">");
	assert_int_equal(t->order[TOP_VIEW_MAPPINGS], TOP_BY_RATE);
}

static void test_a_mapping_is_opened_and_closed(void **state)
{
	struct top *t = *state;

	fill(t, 30);
	press(t, "j\n");
	assert_true(t->opened && t->tables[TOP_SESSIONS].only);
	assert_int_equal(t->tables[TOP_SESSIONS].only_mapping, 2);
	assert_int_equal(t->view, TOP_VIEW_SESSIONS);
	press(t, "\n"); /* nothing further to open */
	top_keys_press(t, ESCAPE);
	assert_false(t->opened || t->tables[TOP_SESSIONS].only);
	assert_int_equal(t->view, TOP_VIEW_MAPPINGS);
	assert_int_equal(selected(t), 2);
	press(t, "\ns"); /* another view leaves it too */
	assert_false(t->opened || t->tables[TOP_SESSIONS].only);
	assert_int_equal(t->view, TOP_VIEW_SESSIONS);
}

static void test_a_preset_is_chosen_by_its_place(void **state)
{
	struct top *t = *state;

	press(t, "p");
	assert_int_equal(t->errand, TOP_GET_PRESETS);
	t->errand = TOP_NO_ERRAND;
	t->presets = json_pack("[{s:s}, {s:s}]", "name", "home", "name", "symmetric");
	t->mode = TOP_MODE_PRESETS;
	press(t, "jjjkj");
	assert_int_equal(t->preset, 1);
	press(t, "\n");
	assert_int_equal(t->errand, TOP_SET_PRESET);
	assert_string_equal(json_string_value(json_object_get(
				    json_object_get(t->errand_params, "options"), "nat.preset")),
			    "symmetric");
	assert_int_equal(t->mode, TOP_MODE_LIST);
}

static void test_pause_interval_and_quit(void **state)
{
	struct top *t = *state;

	press(t, " ");
	assert_true(t->paused);
	press(t, " ");
	assert_false(t->paused);
	press(t, "---");
	assert_int_equal(t->interval, 0);
	press(t, "++++++++++++");
	assert_int_equal(t->interval, TOP_INTERVALS - 1);
	press(t, "?q");
	assert_false(t->quit); /* that closed the help */
	press(t, "q");
	assert_true(t->quit);
}

#define keys_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		keys_test(test_the_choice_follows_its_row),
		keys_test(test_nobody_has_moved_the_first_row_is_chosen),
		keys_test(test_a_chosen_row_that_goes_leaves_the_choice_to_its_neighbour),
		keys_test(test_moving_stays_within_the_rows),
		keys_test(test_flush_names_the_mapping_by_all_it_is_known_by),
		keys_test(test_there_is_nothing_to_flush_among_hosts),
		keys_test(test_a_filter_is_typed_kept_and_dropped),
		keys_test(test_orders_go_round_those_that_the_view_has),
		keys_test(test_a_mapping_is_opened_and_closed),
		keys_test(test_a_preset_is_chosen_by_its_place),
		keys_test(test_pause_interval_and_quit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
