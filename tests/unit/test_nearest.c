/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/nearest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char *guess(const char *given)
{
	static const char *const names[] = {
		"udp.mapping", "udp.ports", "udp.port-overlap", "tcp.ports",
		"a.name.that.is.longer.than.any.of.the.names.there.are"
	};
	struct nearest n = nearest_to(given);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		nearest_try(&n, names[i]);
	return n.name;
}

static void test_slips_of_the_hand_lead_to_the_name(void **state)
{
	(void)state;
	assert_string_equal(guess("udp.mapping"), "udp.mapping");
	assert_string_equal(guess("udp.maping"), "udp.mapping");
	assert_string_equal(guess("udp.mappings"), "udp.mapping");
	assert_string_equal(guess("upd.ports"), "udp.ports");
	assert_string_equal(guess("tpc.port"), "tcp.ports");
}

static void test_of_two_that_are_as_near_the_first_is_meant(void **state)
{
	(void)state;
	assert_string_equal(guess("cp.ports"), "tcp.ports");
	assert_string_equal(guess("xxp.ports"), "udp.ports");
}

static void test_what_is_far_from_all_leads_nowhere(void **state)
{
	(void)state;
	assert_null(guess("icmp.error-rate"));
	assert_null(guess(""));
	assert_null(guess("xyz"));
	assert_null(guess("a.name.that.is.longer.than.any.of.the.names.there.are"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slips_of_the_hand_lead_to_the_name),
		cmocka_unit_test(test_of_two_that_are_as_near_the_first_is_meant),
		cmocka_unit_test(test_what_is_far_from_all_leads_nowhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
