/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NAT time: how it follows real time, that it never goes back, and that whoever wakes up for it
 * wakes up at the very millisecond.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "nat/daemon/nattime.h"

#define AT(t) ((struct mono){ .ms = (t) })

static struct nattime started_at(int64_t ms)
{
	struct nattime t;

	nattime_init(&t, AT(ms));
	return t;
}

static int64_t at(const struct nattime *t, int64_t real)
{
	return nattime_at(t, AT(real)).ms;
}

static int64_t wake(const struct nattime *t, int64_t due)
{
	return nattime_wake(t, AT(due)).ms;
}

static void test_untouched_it_is_real_time(void **state)
{
	struct nattime t = started_at(5000);

	(void)state;
	for (int64_t ms = 5000; ms < 9000; ms += 7) {
		assert_int_equal(at(&t, ms), ms);
		assert_int_equal(wake(&t, ms), ms);
	}
	assert_int_equal(at(&t, 100LL * 365 * 86400 * 1000), 100LL * 365 * 86400 * 1000);
}

static void test_advance_moves_it_at_once_and_no_more(void **state)
{
	struct nattime t = started_at(5000);

	(void)state;
	nattime_advance(&t, 301000);
	assert_int_equal(at(&t, 5000), 306000);
	assert_int_equal(at(&t, 6000), 307000);
	nattime_advance(&t, 1);
	assert_int_equal(at(&t, 6000), 307001);
	assert_int_equal(wake(&t, 307002), 6001);
}

static void test_scale_changes_the_speed_from_then_on(void **state)
{
	struct nattime t = started_at(1000);

	(void)state;
	nattime_scale(&t, 60000, AT(2000));
	assert_int_equal(at(&t, 2000), 2000);
	assert_int_equal(at(&t, 2001), 2060);
	assert_int_equal(at(&t, 3000), 62000);
	nattime_scale(&t, 500, AT(3000));
	assert_int_equal(at(&t, 3000), 62000);
	assert_int_equal(at(&t, 3001), 62000);
	assert_int_equal(at(&t, 3002), 62001);
	assert_int_equal(at(&t, 5000), 63000);
	nattime_scale(&t, NATTIME_REAL_SPEED, AT(5000));
	assert_int_equal(at(&t, 6000), 64000);
}

static void test_frozen_it_stands_and_nobody_wakes_up(void **state)
{
	struct nattime t = started_at(1000);

	(void)state;
	nattime_freeze(&t, AT(2000));
	assert_int_equal(at(&t, 2000), 2000);
	assert_int_equal(at(&t, 900000), 2000);
	assert_int_equal(wake(&t, 2001), MONO_NEVER.ms);
	/* What was due before it froze is due now. */
	assert_true(wake(&t, 2000) <= 2000);
	nattime_freeze(&t, AT(900000)); /* again: as before */
	assert_int_equal(at(&t, 900001), 2000);
	nattime_resume(&t, AT(1000000));
	assert_int_equal(at(&t, 1000000), 2000);
	assert_int_equal(at(&t, 1000005), 2005);
	assert_int_equal(wake(&t, 2010), 1000010);
}

static void test_frozen_it_can_be_advanced(void **state)
{
	struct nattime t = started_at(1000);

	(void)state;
	nattime_freeze(&t, AT(2000));
	nattime_advance(&t, 5000);
	assert_int_equal(at(&t, 3000), 7000);
	assert_true(wake(&t, 7000) <= 3000);
	assert_int_equal(wake(&t, 7001), MONO_NEVER.ms);
	nattime_resume(&t, AT(3000));
	assert_int_equal(at(&t, 3001), 7001);
}

static void test_resume_leaves_the_scale_alone(void **state)
{
	struct nattime t = started_at(1000);

	(void)state;
	nattime_scale(&t, 60000, AT(1000));
	nattime_freeze(&t, AT(2000));
	nattime_resume(&t, AT(3000));
	assert_int_equal(at(&t, 4000), 1000 + 60000 + 60000);
	nattime_resume(&t, AT(4000)); /* is running: as before */
	assert_int_equal(at(&t, 5000), 1000 + 3 * 60000);
	/* One set while frozen shows when it runs again. */
	nattime_freeze(&t, AT(5000));
	nattime_scale(&t, 2000, AT(6000));
	assert_true(t.frozen);
	assert_int_equal(at(&t, 7000), 1000 + 3 * 60000);
	nattime_resume(&t, AT(7000));
	assert_int_equal(at(&t, 8000), 1000 + 3 * 60000 + 2000);
}

static uint32_t random_number(void)
{
	static uint64_t x = 88172645463325252u; /* xorshift */

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (uint32_t)(x >> 32);
}

/* Every kind of change in any order: time stands or goes on, and wake-ups are exact. */
static void test_it_never_goes_back_and_wakes_up_on_the_millisecond(void **state)
{
	struct nattime t = started_at(77);
	int64_t real = 77, last = 77;

	(void)state;
	for (int round = 0; round < 200000; round++) {
		int64_t due, when;

		real += random_number() % 5000;
		assert_true(at(&t, real) >= last);
		last = at(&t, real);
		switch (random_number() % 5) {
		case 0:
			nattime_advance(&t, random_number() % 10000);
			last = at(&t, real);
			break;
		case 1:
			nattime_scale(&t, 1 + random_number() % NATTIME_SCALE_MOST, AT(real));
			break;
		case 2:
			nattime_scale(&t, 1 + random_number() % 2000, AT(real));
			break;
		case 3:
			nattime_freeze(&t, AT(real));
			break;
		case 4:
			nattime_resume(&t, AT(real));
			break;
		}
		assert_int_equal(at(&t, real), last); /* no change but advance moves it */
		due = last + random_number() % 100000;
		when = wake(&t, due);
		if (t.frozen && due > last) {
			assert_int_equal(when, MONO_NEVER.ms);
			continue;
		}
		assert_true(at(&t, when) >= due);
		assert_true(when <= real || at(&t, when - 1) < due);
	}
}

static void test_nothing_due_is_never_under_any_scale(void **state)
{
	static const uint32_t scales[] = { NATTIME_SCALE_LEAST, 999, 1000, 1001,
					   NATTIME_SCALE_MOST };

	(void)state;
	for (size_t i = 0; i < sizeof(scales) / sizeof(scales[0]); i++) {
		struct nattime t = started_at(1000);

		nattime_scale(&t, scales[i], AT(1000));
		assert_int_equal(nattime_wake(&t, MONO_NEVER).ms, MONO_NEVER.ms);
	}
}

static void test_far_ends_do_not_run_over(void **state)
{
	struct nattime t = started_at(1000);

	(void)state;
	nattime_scale(&t, NATTIME_SCALE_LEAST, AT(1000));
	assert_int_equal(wake(&t, INT64_MAX - 1), MONO_NEVER.ms);
	nattime_scale(&t, NATTIME_SCALE_MOST, AT(1000));
	assert_int_equal(at(&t, INT64_MAX), MONO_NEVER.ms);
	nattime_advance(&t, INT64_MAX);
	assert_int_equal(at(&t, 1000), MONO_NEVER.ms);
	assert_int_equal(at(&t, 2000), MONO_NEVER.ms);
}

static void test_scale_is_read_and_written_as_people_write_it(void **state)
{
	static const struct {
		const char *text;
		uint32_t scale;
		const char *back;
	} cases[] = {
		{ "1", 1000, "1" },
		{ "60", 60000, "60" },
		{ "0.5", 500, "0.5" },
		{ "0.001", 1, "0.001" },
		{ "10000", 10000000, "10000" },
		{ "10000.000", 10000000, "10000" },
		{ "1.25", 1250, "1.25" },
		{ "007", 7000, "7" },
		{ "100", 100000, "100" },
		{ "0.010", 10, "0.01" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[NATTIME_SCALE_TEXT];
		uint32_t scale = 0;

		assert_int_equal(nattime_parse_scale(cases[i].text, &scale), 0);
		assert_int_equal(scale, cases[i].scale);
		assert_string_equal(nattime_format_scale(scale, text), cases[i].back);
	}
}

static void test_scale_that_is_none_or_out_of_range_is_refused(void **state)
{
	static const char *const cases[] = {
		"",	  "0",	     "0.000",	"0.0001", "10000.001", "10001", "100000",
		"999999", "1000000", "4294968", "-1",	  "+1",	       " 1",	"1 ",
		"1x",	  "x",	     ".5",	"1.",	  "1..2",      "1,5",	"1e3",
		"0x10",	  "nan",     "inf",	"1.2345", "1.5.5",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t scale = 4711;

		if (nattime_parse_scale(cases[i], &scale) != -EINVAL)
			fail_msg("'%s' is taken", cases[i]);
		assert_int_equal(scale, 4711);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_untouched_it_is_real_time),
		cmocka_unit_test(test_advance_moves_it_at_once_and_no_more),
		cmocka_unit_test(test_scale_changes_the_speed_from_then_on),
		cmocka_unit_test(test_frozen_it_stands_and_nobody_wakes_up),
		cmocka_unit_test(test_frozen_it_can_be_advanced),
		cmocka_unit_test(test_resume_leaves_the_scale_alone),
		cmocka_unit_test(test_it_never_goes_back_and_wakes_up_on_the_millisecond),
		cmocka_unit_test(test_nothing_due_is_never_under_any_scale),
		cmocka_unit_test(test_far_ends_do_not_run_over),
		cmocka_unit_test(test_scale_is_read_and_written_as_people_write_it),
		cmocka_unit_test(test_scale_that_is_none_or_out_of_range_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
