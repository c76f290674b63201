/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What natem top shows of the NAT as a whole, and how it draws amounts.
 */
#include "nat/cli/top_text.h"
#include "tests/unit/top.h"

static int setup(void **state)
{
	struct top_head *h = malloc(sizeof(*h));

	top_head_init(h);
	*state = h;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static void status(struct top_head *h, int packets, const char *scale, bool frozen, int64_t now_ms)
{
	json_t *s = json_pack("{s:{s:i, s:i}, s:{s:i, s:i}, s:i, s:i, s:[s, s], s:{s:b, s:s}, "
			      "s:{s:i}}",
			      "mappings", "live", 3, "limit", 10, "sessions", "live", 4, "limit",
			      20, "resting_ports", 5, "uptime_ms", 6000, "external", "203.0.113.1",
			      "203.0.113.2", "clock", "frozen", frozen, "scale", scale, "queue",
			      "packets", packets);

	assert_non_null(s);
	top_head_status(h, s, now_ms);
	json_decref(s);
}

static void test_status_gives_usage_addresses_and_packets_a_second(void **state)
{
	struct top_head *h = *state;

	status(h, 1000, "1", false, 5000);
	assert_int_equal(h->mappings.live, 3);
	assert_int_equal(h->mappings.limit, 10);
	assert_int_equal(h->sessions.live, 4);
	assert_int_equal(h->resting, 5);
	assert_string_equal(h->external, "203.0.113.1 and 1 more");
	assert_string_equal(h->clock, "");
	assert_int_equal(h->packet_rate.count, 0);
	status(h, 1500, "60", false, 7000);
	assert_true(top_samples_last(&h->packet_rate) == 250);
	assert_string_equal(h->clock, "clock scale 60");
	status(h, 1600, "60", true, 7010); /* too soon to be a rate */
	assert_int_equal(h->packet_rate.count, 1);
	assert_string_equal(h->clock, "clock frozen");
	status(h, 1700, "1", false, 8000);
	assert_true(top_samples_last(&h->packet_rate) == 200);
}

static void test_the_newest_samples_are_kept(void **state)
{
	struct top_samples s = { .count = 0 };

	(void)state;
	for (int i = 0; i < TOP_SAMPLES + 5; i++)
		top_samples_add(&s, i);
	assert_int_equal(s.count, TOP_SAMPLES);
	assert_true(s.values[0] == 5);
	assert_true(top_samples_last(&s) == TOP_SAMPLES + 4);
}

/* {NAME: VALUE, ...}, of which "passed" is no drop. */
static void counters(struct top_head *h, json_t *values, int64_t now_ms)
{
	json_t *all = json_object(), *result, *value;
	const char *name;

	json_object_foreach(values, name, value)
		json_object_set_new(all, name,
				    json_pack("{s:O, s:b, s:s, s:s, s:s}", "value", value, "drop",
					      strcmp(name, "passed") != 0, "meaning", "why",
					      "clause", "RFC 0", "advice", "do"));
	result = json_pack("{s:o}", "counters", all);
	top_head_drops(h, result, now_ms);
	json_decref(result);
	json_decref(values);
}

static void test_drops_that_rise_come_first_the_latest_on_top(void **state)
{
	struct top_head *h = *state;

	counters(h, json_pack("{s:i, s:i, s:i, s:i}", "passed", 9, "a", 5, "b", 7, "c", 0), 1000);
	assert_int_equal(h->drop_count, 2); /* they were there before us: the larger first */
	assert_string_equal(h->drops[0].name, "b");
	assert_int_equal(h->drops[0].last_ms, -1);
	assert_true(h->drop_rate == 0);
	counters(h, json_pack("{s:i, s:i, s:i, s:i}", "passed", 99, "a", 6, "b", 7, "c", 0), 2000);
	assert_string_equal(h->drops[0].name, "a");
	assert_int_equal(h->drops[0].last_ms, 2000);
	assert_true(h->drops[0].rate == 1);
	counters(h, json_pack("{s:i, s:i, s:i, s:i}", "passed", 99, "a", 6, "b", 7, "c", 8), 4000);
	assert_int_equal(h->drop_count, 3);
	assert_string_equal(h->drops[0].name, "c");
	assert_true(h->drops[0].rate == 4);
	assert_int_equal(h->drops[0].count, 8);
	assert_string_equal(h->drops[0].meaning, "why");
	assert_string_equal(h->drops[0].clause, "RFC 0");
	assert_string_equal(h->drops[0].advice, "do");
	assert_string_equal(h->drops[1].name, "a");
	assert_true(h->drops[1].rate == 0);
	assert_string_equal(h->drops[2].name, "b");
	assert_true(h->drop_rate == 4);
}

static void events(struct top_head *h, json_t *result, int64_t now_ms)
{
	assert_non_null(result);
	top_head_events(h, result, now_ms);
	json_decref(result);
}

static void test_the_last_event_stays_until_there_is_another(void **state)
{
	struct top_head *h = *state;

	assert_int_equal(h->event_next, 1);
	events(h,
	       json_pack("{s:[{s:s, s:i}, {s:s, s:i}], s:i}", "events", "text", "first", "age_ms",
			 9, "text", "second", "age_ms", 8, "next", 3),
	       1000);
	assert_string_equal(h->event, "second");
	assert_int_equal(h->event_next, 3);
	events(h, json_pack("{s:[], s:i}", "events", "next", 3), 2000);
	assert_string_equal(h->event, "second");
	assert_int_equal(h->event_age_ms, 8);
	assert_int_equal(h->event_ms, 1000);
}

static void test_ports_are_those_of_the_fullest_protocol(void **state)
{
	struct top_head *h = *state;
	struct top_table hosts;
	json_t *options = json_pack("{s:{s:{s:s}, s:{s:s}, s:{s:s}}}", "options", "udp.port-range",
				    "value", "1024-65535", "tcp.port-range", "value", "1024-1123",
				    "icmp.port-range", "value", "0-65535");

	top_table_init(&hosts, TOP_HOSTS);
	status(h, 0, "1", false, 0);
	top_head_options(h, options);
	json_decref(options);
	take(&hosts,
	     page_of("hosts",
		     json_pack("[{s:i, s:s, s:{s:{s:i}, s:{s:i}}}, {s:i, s:s, s:{s:{s:i}}}]", "id",
			       1, "address", "192.168.1.2", "mappings", "udp", "count", 900, "tcp",
			       "count", 20, "id", 2, "address", "192.168.1.3", "mappings", "tcp",
			       "count", 30),
		     -1),
	     0);
	top_head_ports(h, &hosts);
	assert_string_equal(h->ports.protocol, "tcp");
	assert_int_equal(h->ports.used, 50);
	assert_int_equal(h->ports.all, 200); /* a hundred of each of two addresses */
	top_table_fini(&hosts);
}

/* --- how amounts are drawn ------------------------------------------------------------------ */

static void assert_bar(double part, double whole, bool utf8, const char *wanted)
{
	table_cell cell;

	top_bar(&cell, part, whole, 4, utf8);
	assert_string_equal(cell, wanted);
}

static void test_bars(void **state)
{
	(void)state;
	assert_bar(0, 100, false, "....");
	assert_bar(1, 100, false, "#..."); /* something is not nothing */
	assert_bar(50, 100, false, "##..");
	assert_bar(99, 100, false, "###."); /* and not full is not full */
	assert_bar(100, 100, false, "####");
	assert_bar(200, 100, false, "####");
	assert_bar(1, 0, false, "#..."); /* of how many is not known */
	assert_bar(50, 100, true, "██··");
}

static void assert_spark(const float *values, unsigned int count, double most, unsigned int width,
			 bool utf8, const char *wanted)
{
	table_cell cell;

	top_spark(&cell, values, count, most, width, utf8);
	assert_string_equal(cell, wanted);
}

static void test_sparklines(void **state)
{
	static const float values[] = { 0, 1, 4, 8 };

	(void)state;
	assert_spark(values, 4, 0, 6, false, "   .-#");
	assert_spark(values, 4, 0, 2, false, "-#"); /* the newest */
	assert_spark(values, 4, 0, 4, true, " ▁▄█");
	assert_spark(values, 4, 80, 4, true, " ▁▁▁");
	assert_spark(values, 1, 0, 3, true, "   ");
	assert_spark(values, 0, 0, 3, true, "   ");
}

static void assert_rate(double rate, const char *wanted)
{
	table_cell cell;

	top_rate(&cell, rate);
	assert_string_equal(cell, wanted);
}

static void test_rates_take_five_columns_at_most(void **state)
{
	table_cell cell;

	(void)state;
	assert_rate(0, "0");
	assert_rate(0.2, "<1");
	assert_rate(999, "999");
	assert_rate(999.6, "1.0K");
	assert_rate(1250, "1.2K");
	assert_rate(9960, "10K");
	assert_rate(999900, "1.0M");
	assert_rate(12e6, "12M");
	assert_rate(3e18, "3000P");
	top_bytes(&cell, 1536);
	assert_string_equal(cell, "1.5K");
}

#define head_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		head_test(test_status_gives_usage_addresses_and_packets_a_second),
		head_test(test_the_newest_samples_are_kept),
		head_test(test_drops_that_rise_come_first_the_latest_on_top),
		head_test(test_the_last_event_stays_until_there_is_another),
		head_test(test_ports_are_those_of_the_fullest_protocol),
		cmocka_unit_test(test_bars),
		cmocka_unit_test(test_sparklines),
		cmocka_unit_test(test_rates_take_five_columns_at_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
