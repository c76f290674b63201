/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/nearest.h"

static const char *const names[] = { "status", "mappings", "sessions", "get",
				     "set",    "forward",  "flush",    NULL };

static const char *nearest_to(const char *word, unsigned int most)
{
	struct nearest n;

	nearest_init(&n, word, most);
	for (int i = 0; names[i] != NULL; i++)
		nearest_offer(&n, names[i]);
	return n.name;
}

static void assert_nearest(const char *word, const char *wanted)
{
	const char *got = nearest_to(word, 0);

	if (wanted == NULL ? got != NULL : got == NULL || strcmp(got, wanted) != 0)
		fail_msg("'%s': wanted '%s', got '%s'", word, wanted != NULL ? wanted : "nothing",
			 got != NULL ? got : "nothing");
}

static void test_a_letter_wrong_added_missing_or_swapped_is_forgiven(void **state)
{
	(void)state;
	assert_nearest("stetus", "status");
	assert_nearest("statuss", "status");
	assert_nearest("sttus", "status");
	assert_nearest("tsatus", "status");
	assert_nearest("fowrad", "forward"); /* two: one swapped, one missing */
	assert_nearest("gte", "get");
	assert_nearest("status", "status");
}

static void test_what_is_further_off_than_a_third_is_not_offered(void **state)
{
	(void)state;
	assert_nearest("stutis", "status");
	assert_nearest("stxtxx", NULL);
	assert_nearest("gxx", NULL);
	assert_nearest("frob", NULL);
	assert_nearest("", NULL);
	assert_nearest("averyveryverylongwordthatisnocommandbyanystretchofthemind", NULL);
}

static void test_an_abbreviation_is_understood_from_two_letters_on(void **state)
{
	(void)state;
	assert_nearest("ma", "mappings");
	assert_nearest("sess", "sessions");
	assert_nearest("m", NULL);
}

static void test_the_first_of_equals_stays(void **state)
{
	(void)state;
	assert_nearest("bet", "get"); /* set is as near */
}

static void test_the_limit_can_be_given(void **state)
{
	(void)state;
	assert_string_equal(nearest_to("stxtxx", 3), "status");
	assert_null(nearest_to("stxtxx", 2));
}

static void test_a_name_too_long_to_compare_is_never_near(void **state)
{
	static const char name[] = "a-name-of-more-letters-than-any-that-there-is-in-a-table";
	struct nearest n;

	(void)state;
	nearest_init(&n, "b-name-of-more-letters-than-any-that-there-is-in-a-table", 4);
	nearest_offer(&n, name);
	assert_null(n.name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_letter_wrong_added_missing_or_swapped_is_forgiven),
		cmocka_unit_test(test_what_is_further_off_than_a_third_is_not_offered),
		cmocka_unit_test(test_an_abbreviation_is_understood_from_two_letters_on),
		cmocka_unit_test(test_the_first_of_equals_stays),
		cmocka_unit_test(test_the_limit_can_be_given),
		cmocka_unit_test(test_a_name_too_long_to_compare_is_never_near),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
