/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/top.h"

static int setup(void **state)
{
	struct top_table *t = malloc(sizeof(*t));

	top_table_init(t, TOP_MAPPINGS);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	top_table_fini(*state);
	free(*state);
	return 0;
}

static const struct top_row *row(struct top_table *t, uint32_t id)
{
	for (size_t i = 0; i < top_table_count(t); i++)
		if (top_table_at(t, i)->id == id)
			return top_table_at(t, i);
	fail_msg("no row %u", id);
	return NULL;
}

static bool take_one(struct top_table *t, json_t *record, int64_t now_ms)
{
	return take(t, page_of("mappings", json_pack("[o]", record), -1), now_ms);
}

static void test_a_row_has_what_the_record_says(void **state)
{
	struct top_table *t = *state;

	assert_true(take_one(t, mapping(3, 2, 80, 10, 20), 5000));
	assert_int_equal(top_table_count(t), 1);
	assert_string_equal(row(t, 3)->protocol, "tcp");
	assert_string_equal(row(t, 3)->internal, "192.168.1.2:80");
	assert_string_equal(row(t, 3)->external, "203.0.113.1:40080");
	assert_string_equal(row(t, 3)->remote, "");
	assert_string_equal(row(t, 3)->state, "ESTABLISHED");
	assert_string_equal(row(t, 3)->kind, "");
	assert_int_equal(row(t, 3)->age_ms, 3000);
	assert_int_equal(row(t, 3)->left_ms, 6000);
	assert_int_equal(row(t, 3)->bytes[0], 10);
	assert_int_equal(row(t, 3)->bytes[1], 20);
}

static void test_rates_are_what_came_between_two_rounds(void **state)
{
	struct top_table *t = *state;
	double rates[2];

	take_one(t, mapping(3, 2, 80, 1000, 500), 5000);
	assert_true(row(t, 3)->rate[0] == 0); /* nobody knows when these came */
	assert_int_equal(row(t, 3)->trends, 0);
	take_one(t, mapping(3, 2, 80, 3000, 600), 7000);
	assert_true(row(t, 3)->rate[0] == 8000 && row(t, 3)->rate[1] == 400);
	take_one(t, mapping(3, 2, 80, 3000, 600), 8000);
	assert_true(row(t, 3)->rate[0] == 0);
	assert_int_equal(row(t, 3)->trends, 2);
	assert_true(row(t, 3)->trend[0] == 8400 && row(t, 3)->trend[1] == 0);
	take_one(t, mapping(3, 2, 80, 4000, 600), 9000);
	top_table_rates(t, rates);
	assert_true(rates[0] == 8000 && rates[1] == 0);
}

static void test_two_looks_in_short_order_make_no_rate(void **state)
{
	struct top_table *t = *state;

	take_one(t, mapping(3, 2, 80, 0, 0), 5000);
	take_one(t, mapping(3, 2, 80, 1000, 0), 6000);
	take_one(t, mapping(3, 2, 80, 2000, 0), 6010);
	assert_true(row(t, 3)->rate[0] == 8000);
	assert_int_equal(row(t, 3)->trends, 1);
	take_one(t, mapping(3, 2, 80, 3000, 0), 7000); /* counts from the look before that */
	assert_true(row(t, 3)->rate[0] == 16000);
}

static void test_all_traffic_of_a_new_row_came_since_the_last_round(void **state)
{
	struct top_table *t = *state;

	take_one(t, mapping(1, 2, 80, 0, 0), 5000);
	take(t,
	     page_of("mappings",
		     json_pack("[o, o]", mapping(1, 2, 80, 0, 0), mapping(2, 2, 81, 500, 0)), -1),
	     6000);
	assert_true(row(t, 2)->rate[0] == 4000);
}

static void test_a_number_that_is_anothers_now_starts_anew(void **state)
{
	struct top_table *t = *state;

	take_one(t, mapping(1, 2, 80, 90000, 0), 5000);
	take_one(t, mapping(1, 3, 80, 1000, 0), 6000); /* another host */
	assert_true(row(t, 1)->rate[0] == 8000);
	take_one(t, mapping(1, 3, 80, 10, 0), 7000); /* its count fell: another mapping */
	assert_true(row(t, 1)->rate[0] == 80);
}

static void test_rows_not_met_yet_stay_and_those_gone_go(void **state)
{
	struct top_table *t = *state;
	json_t *records = json_array();

	for (int id = 0; id < 6; id++)
		json_array_append_new(records, mapping(id, 2, 80 + id, 0, 0));
	assert_true(take(t, page_of("mappings", records, -1), 5000));
	assert_int_equal(t->cursor, 0);
	/* 1 is gone, 3 to 5 have not been come to. */
	assert_false(take(
		t,
		page_of("mappings",
			json_pack("[o, o]", mapping(0, 2, 80, 9, 0), mapping(2, 2, 82, 0, 0)), 3),
		6000));
	assert_int_equal(t->cursor, 3);
	assert_int_equal(top_table_count(t), 5);
	assert_int_equal(top_table_at(t, 0)->bytes[0], 9);
	assert_int_equal(top_table_at(t, 2)->id, 3);
	assert_true(
		take(t, page_of("mappings", json_pack("[o]", mapping(5, 2, 85, 0, 0)), -1), 6100));
	assert_int_equal(top_table_count(t), 3);
	assert_int_equal(top_table_at(t, 2)->id, 5);
	top_table_clear(t);
	assert_int_equal(top_table_count(t), 0);
}

static void test_a_round_ends_where_there_are_too_many(void **state)
{
	struct top_table *t = *state;
	bool over = false;
	int id = 0;

	while (!over) {
		json_t *records = json_array();

		for (int i = 0; i < 1000; i++, id++)
			json_array_append_new(records, mapping(id, 2, 80, 0, 0));
		assert_true(id <= TOP_ROWS_MOST + 1000);
		over = take(t, page_of("mappings", records, id), 5000);
	}
	assert_true(t->cut);
	assert_false(t->known); /* a row that is new to us may be old */
	assert_int_equal(top_table_count(t), TOP_ROWS_MOST);
	assert_int_equal(t->cursor, 0);
}

static void test_sessions_of_one_mapping_only(void **state)
{
	struct top_table *t = *state;
	json_t *mine = mapping(1, 2, 80, 0, 0), *other = mapping(2, 2, 80, 0, 0);

	t->list = TOP_SESSIONS;
	t->only = true;
	t->only_mapping = 7;
	json_object_set_new(mine, "mapping", json_integer(7));
	json_object_set_new(other, "mapping", json_integer(8));
	take(t, page_of("sessions", json_pack("[o, o]", mine, other), -1), 5000);
	assert_int_equal(top_table_count(t), 1);
	assert_int_equal(top_table_at(t, 0)->mapping, 7);
}

/* Their numbers, as "2 0 1". */
static void assert_picked(struct top_table *t, const char *filter, enum top_order order,
			  bool reverse, const char *wanted)
{
	size_t count = top_table_pick(t, filter, order, reverse);
	char got[64] = "";

	for (size_t i = 0; i < count; i++)
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%u", i > 0 ? " " : "",
			 t->picked[i]->id);
	assert_string_equal(got, wanted);
}

static void three_rows(struct top_table *t, int more, int64_t now_ms)
{
	take(t,
	     page_of("mappings",
		     json_pack("[o, o, o]", mapping(1, 3, 80, 500, 0),
			       mapping(2, 20, 81, 100 + more, 0), mapping(3, 3, 82, 300, 200)),
		     -1),
	     now_ms);
}

static void test_every_order_and_its_reverse(void **state)
{
	struct top_table *t = *state;

	three_rows(t, 0, 5000);
	three_rows(t, 100, 6000);
	assert_picked(t, "", TOP_BY_RATE, false, "2 1 3"); /* equal ones stay as they are */
	assert_picked(t, "", TOP_BY_RATE, true, "1 3 2");
	assert_picked(t, "", TOP_BY_BYTES, false, "1 3 2");
	assert_picked(t, "", TOP_BY_BYTES, true, "2 1 3");
	assert_picked(t, "", TOP_BY_AGE, false, "1 2 3");
	assert_picked(t, "", TOP_BY_AGE, true, "3 2 1");
	assert_picked(t, "", TOP_BY_LEFT, false, "3 2 1");
	assert_picked(t, "", TOP_BY_SESSIONS, false, "1 2 3");
}

static void test_a_filter_wants_every_word_somewhere(void **state)
{
	struct top_table *t = *state;

	three_rows(t, 0, 5000);
	assert_picked(t, "192.168.1.3:", TOP_BY_AGE, false, "1 3");
	assert_picked(t, "TCP :40081", TOP_BY_AGE, false, "2");
	assert_picked(t, " established  ", TOP_BY_AGE, false, "1 2 3");
	assert_picked(t, "udp", TOP_BY_AGE, false, "");
	assert_picked(t, "192.168.1.3: udp", TOP_BY_AGE, false, "");
}

static json_t *host(int id, const char *address, int udp, int tcp)
{
	json_t *h = json_pack("{s:i, s:s, s:s, s:{s:{s:i, s:i}, s:{s:i, s:n}, s:{s:i, s:n}}, "
			      "s:{s:{s:i, s:n}}, s:[{s:s, s:i, s:i}]}",
			      "id", id, "address", address, "external", "203.0.113.1", "mappings",
			      "all", "count", udp + tcp, "quota", 10, "udp", "count", udp, "quota",
			      "tcp", "count", tcp, "quota", "sessions", "all", "count", 7, "quota",
			      "blocks", "external", "203.0.113.1", "first", 1024, "last", 1535);

	assert_non_null(h);
	return h;
}

static void test_hosts_have_their_quota_ports_and_traffic(void **state)
{
	struct top_table *mappings = *state, hosts;
	const struct top_row *h;

	top_table_init(&hosts, TOP_HOSTS);
	three_rows(mappings, 0, 5000);
	three_rows(mappings, 1000, 6000);
	for (int round = 0; round < 2; round++) {
		take(&hosts,
		     page_of("hosts",
			     json_pack("[o, o]", host(1, "192.168.1.20", 1, 2),
				       host(2, "192.168.1.3", 3, 1)),
			     -1),
		     6000 + round * 1000);
		top_table_join(&hosts, mappings);
	}
	h = row(&hosts, 1);
	assert_string_equal(h->internal, "192.168.1.20");
	assert_int_equal(h->mappings, 3);
	assert_int_equal(h->mapping_quota, 10);
	assert_int_equal(h->sessions, 7);
	assert_int_equal(h->session_quota, 0);
	assert_int_equal(h->ports, 512);
	assert_int_equal(h->used[0], 1);
	assert_int_equal(h->used[1], 2);
	assert_true(h->rate[0] == 8000);
	assert_int_equal(h->trends, 2);
	assert_int_equal(row(&hosts, 2)->bytes[0] + row(&hosts, 2)->bytes[1], 1000);
	assert_picked(&hosts, "", TOP_BY_HOST, false, "2 1"); /* .3 before .20 */
	assert_picked(&hosts, "", TOP_BY_MAPPINGS, false, "2 1");
	assert_picked(&hosts, "", TOP_BY_RATE, false, "1 2");
	top_table_fini(&hosts);
}

#define table_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		table_test(test_a_row_has_what_the_record_says),
		table_test(test_rates_are_what_came_between_two_rounds),
		table_test(test_two_looks_in_short_order_make_no_rate),
		table_test(test_all_traffic_of_a_new_row_came_since_the_last_round),
		table_test(test_a_number_that_is_anothers_now_starts_anew),
		table_test(test_rows_not_met_yet_stay_and_those_gone_go),
		table_test(test_a_round_ends_where_there_are_too_many),
		table_test(test_sessions_of_one_mapping_only),
		table_test(test_every_order_and_its_reverse),
		table_test(test_a_filter_wants_every_word_somewhere),
		table_test(test_hosts_have_their_quota_ports_and_traffic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
