/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The clock's methods: what each answers, what it does to the table, and what it refuses.
 */
#include "tests/unit/methods.h"

/* Real time goes on by @ms, as when the loop wakes up. */
static void pass_time(struct daemon *d, int64_t ms)
{
	d->real.ms += ms;
	d->now = nattime_at(&d->time, d->real);
}

static void assert_clock(json_t *clock, bool is_frozen, const char *factor, json_int_t real,
			 json_int_t nat)
{
	json_int_t real_ms, nat_ms;
	const char *scale;
	int frozen;

	assert_shape(clock, "{s:b, s:s, s:I, s:I}", "frozen", &frozen, "scale", &scale, "real_ms",
		     &real_ms, "nat_ms", &nat_ms);
	assert_int_equal(frozen, is_frozen);
	assert_string_equal(scale, factor);
	assert_int_equal(real_ms, real);
	assert_int_equal(nat_ms, nat);
	json_decref(clock);
}

static void test_clock_starts_as_real_time(void **state)
{
	struct daemon *d = *state;

	assert_clock(result(d, "clock.get", ""), false, "1", 4000, 4000);
	pass_time(d, 500);
	assert_clock(result(d, "clock.get", "{}"), false, "1", 4500, 4500);
}

static void test_clock_advance_ends_what_is_due_before_it_answers(void **state)
{
	struct daemon *d = *state;

	fill(d, 1000);
	assert_clock(result(d, "clock.advance", "{\"time\":\"299s999ms\"}"), false, "1", 4000,
		     303999);
	assert_int_equal(d->nat.mappings.arena.live, 1000);
	assert_listed(d, 1000);
	assert_clock(result(d, "clock.advance", "{\"time\":\"1ms\"}"), false, "1", 4000, 304000);
	assert_int_equal(d->nat.mappings.arena.live, 0);
	assert_listed(d, 0);
}

static void test_clock_advance_shows_in_what_is_left_and_in_the_age(void **state)
{
	struct daemon *d = *state;
	json_t *page;

	open_udp(d, "192.168.1.2:5000", "203.0.113.10:7000");
	json_decref(result(d, "clock.advance", "{\"time\":100}")); /* a bare number is seconds */
	page = result(d, "mappings.list", "");
	assert_number(first(page, "mappings"), "age_ms", 100000);
	assert_number(first(page, "mappings"), "expires_in_ms", 200000);
	json_decref(page);
}

static void test_clock_scale_ages_faster_or_slower(void **state)
{
	struct daemon *d = *state;

	open_udp(d, "192.168.1.2:5000", "203.0.113.10:7000");
	assert_clock(result(d, "clock.scale", "{\"factor\":\"60\"}"), false, "60", 4000, 4000);
	pass_time(d, 4999);
	assert_listed(d, 1);
	pass_time(d, 1);
	assert_listed(d, 0);
	assert_clock(result(d, "clock.scale", "{\"factor\":0.5}"), false, "0.5", 9000, 304000);
	pass_time(d, 1000);
	assert_clock(result(d, "clock.get", ""), false, "0.5", 10000, 304500);
	assert_clock(result(d, "clock.scale", "{\"factor\":2}"), false, "2", 10000, 304500);
	assert_clock(result(d, "clock.scale", "{\"factor\":0.1}"), false, "0.1", 10000, 304500);
}

static void test_clock_freeze_keeps_and_resume_goes_on(void **state)
{
	struct daemon *d = *state;

	open_udp(d, "192.168.1.2:5000", "203.0.113.10:7000");
	assert_clock(result(d, "clock.freeze", ""), true, "1", 4000, 4000);
	pass_time(d, 10000000);
	assert_listed(d, 1);
	assert_clock(result(d, "clock.get", ""), true, "1", 10004000, 4000);
	assert_clock(result(d, "clock.resume", ""), false, "1", 10004000, 4000);
	pass_time(d, 299999);
	assert_listed(d, 1);
	pass_time(d, 1);
	assert_listed(d, 0);
}

static void test_clock_advance_works_while_frozen(void **state)
{
	struct daemon *d = *state;

	open_udp(d, "192.168.1.2:5000", "203.0.113.10:7000");
	json_decref(result(d, "clock.freeze", ""));
	assert_clock(result(d, "clock.advance", "{\"time\":\"5m\"}"), true, "1", 4000, 304000);
	assert_listed(d, 0);
}

/* The timer that fires next does so at the right real time. */
static void test_clock_moves_the_wake_up(void **state)
{
	struct daemon *d = *state;

	open_udp(d, "192.168.1.2:5000", "203.0.113.10:7000"); /* at 5000, until 305000 */
	json_decref(result(d, "clock.advance", "{\"time\":\"100s\"}"));
	assert_int_equal(nattime_wake(&d->time, nat_tick(&d->nat, d->now, 1)).ms, 205000);
	json_decref(result(d, "clock.scale", "{\"factor\":\"20\"}"));
	assert_int_equal(nattime_wake(&d->time, nat_tick(&d->nat, d->now, 1)).ms, 15000);
	json_decref(result(d, "clock.freeze", ""));
	assert_int_equal(nattime_wake(&d->time, nat_tick(&d->nat, d->now, 1)).ms, MONO_NEVER.ms);
}

static void test_clock_bad_params_are_refused_and_change_nothing(void **state)
{
	static const struct {
		const char *method, *params, *part;
	} cases[] = {
		{ "clock.advance", "", "time: a time is needed" },
		{ "clock.advance", "{\"time\":null}", "time: a time is needed" },
		{ "clock.advance", "{\"time\":1.5}", "time: a time is needed" },
		{ "clock.advance", "{\"time\":[\"1s\"]}", "time: a time is needed" },
		{ "clock.advance", "{\"time\":\"\"}", "from 1ms to 3650d" },
		{ "clock.advance", "{\"time\":\"0s\"}", "'0s' is not allowed" },
		{ "clock.advance", "{\"time\":0}", "'0' is not allowed" },
		{ "clock.advance", "{\"time\":-5}", "'-5' is not allowed" },
		{ "clock.advance", "{\"time\":\"-5s\"}", "'-5s' is not allowed" },
		{ "clock.advance", "{\"time\":\"soon\"}", "'soon' is not allowed" },
		{ "clock.advance", "{\"time\":\"3651d\"}", "'3651d' is not allowed" },
		{ "clock.advance", "{\"time\":9223372036854775807}", "is not allowed" },
		{ "clock.advance", "{\"time\":\"1s\",\"more\":1}", "no parameter 'more'" },
		{ "clock.scale", "{}", "factor: a number is needed" },
		{ "clock.scale", "{\"factor\":true}", "factor: a number is needed" },
		{ "clock.scale", "{\"factor\":0}", "from 0.001 to 10000" },
		{ "clock.scale", "{\"factor\":0}", "natem clock freeze" },
		{ "clock.scale", "{\"factor\":-1}", "'-1' is not allowed" },
		{ "clock.scale", "{\"factor\":-0.5}", "'-0.5' is not allowed" },
		{ "clock.scale", "{\"factor\":1e300}", "is not allowed" },
		{ "clock.scale", "{\"factor\":0.0001}", "'0.0001' is not allowed" },
		{ "clock.scale", "{\"factor\":\"10001\"}", "'10001' is not allowed" },
		{ "clock.scale", "{\"factor\":\"fast\"}", "'fast' is not allowed" },
		{ "clock.scale", "{\"Factor\":2}", "no parameter 'Factor'" },
		{ "clock.freeze", "{\"time\":\"1s\"}", "no parameter 'time'" },
		{ "clock.resume", "{\"factor\":1}", "no parameter 'factor'" },
		{ "clock.get", "{\"x\":1}", "no parameter 'x'" },
	};
	struct daemon *d = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_refused(d, cases[i].method, cases[i].params, RPC_INVALID_PARAMS,
			       cases[i].part);
		assert_clock(result(d, "clock.get", ""), false, "1", 4000, 4000);
	}
	json_decref(result(d, "clock.freeze", ""));
	assert_refused(d, "clock.resume", "{\"x\":1}", RPC_INVALID_PARAMS, "no parameter 'x'");
	assert_clock(result(d, "clock.get", ""), true, "1", 4000, 4000);
}

/* As often as one likes, as far as one may. */
static void test_clock_advance_never_runs_over(void **state)
{
	struct daemon *d = *state;
	int64_t last = d->now.ms;

	for (int i = 0; i < 2000; i++) {
		json_decref(result(d, "clock.advance", "{\"time\":\"3650d\"}"));
		assert_true(d->now.ms > last);
		last = d->now.ms;
		open_udp(d, "192.168.1.2:5000", "203.0.113.10:7000");
		assert_listed(d, 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		methods_test(test_clock_starts_as_real_time),
		methods_test(test_clock_advance_ends_what_is_due_before_it_answers),
		methods_test(test_clock_advance_shows_in_what_is_left_and_in_the_age),
		methods_test(test_clock_scale_ages_faster_or_slower),
		methods_test(test_clock_freeze_keeps_and_resume_goes_on),
		methods_test(test_clock_advance_works_while_frozen),
		methods_test(test_clock_moves_the_wake_up),
		methods_test(test_clock_bad_params_are_refused_and_change_nothing),
		methods_test(test_clock_advance_never_runs_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
