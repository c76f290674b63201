/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>

#include "tests/unit/lab.h"

static void test_every_reason_has_a_row(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < REASON_COUNT; i++) {
		const struct reason_spec *spec = reason_spec((enum nat_reason)i);

		if (spec->name == NULL || spec->explanation == NULL || spec->clause == NULL)
			fail_msg("reason %u has no row", i);
		assert_true(strlen(spec->name) > 2);
		assert_true(strlen(spec->explanation) > 10);
		assert_null(strchr(spec->explanation, '\n'));
	}
}

static void test_names_are_unique_words_in_small_letters(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < REASON_COUNT; i++) {
		const char *name = reason_spec((enum nat_reason)i)->name;

		for (const char *c = name; *c != '\0'; c++)
			assert_true(islower((unsigned char)*c) || isdigit((unsigned char)*c) ||
				    *c == '-');
		for (unsigned int k = 0; k < i; k++) {
			assert_string_not_equal(name, reason_spec((enum nat_reason)k)->name);
			assert_string_not_equal(reason_spec((enum nat_reason)i)->explanation,
						reason_spec((enum nat_reason)k)->explanation);
		}
	}
}

/* The list in the header is in two parts; the row must say which. */
static void test_what_drops_is_what_the_list_says(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < REASON_COUNT; i++)
		assert_int_equal(reason_spec((enum nat_reason)i)->drop, i >= REASON_CUT);
}

static void test_clauses_name_an_rfc(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < REASON_COUNT; i++) {
		const char *clause = reason_spec((enum nat_reason)i)->clause;

		if (*clause != '\0')
			assert_memory_equal(clause, "RFC ", 4);
	}
}

/* Names are in counters, JSON and scripts of users: a changed one is a broken promise. */
static void test_names_stay_as_they_are(void **state)
{
	static const char *const names[REASON_COUNT] = {
		[REASON_TRANSLATED] = "translated",
		[REASON_MAPPING_CREATED] = "mapping-created",
		[REASON_SESSION_CREATED] = "session-created",
		[REASON_ADMITTED] = "admitted",
		[REASON_ICMP_ERROR_TRANSLATED] = "icmp-error-translated",
		[REASON_CUT] = "cut-packet",
		[REASON_IP_HEADER] = "ip-header",
		[REASON_NOT_IPV4] = "not-ipv4",
		[REASON_TOTAL_LENGTH] = "total-length",
		[REASON_TRANSPORT_SHORT] = "transport-short",
		[REASON_TRANSPORT_LENGTH] = "transport-length",
		[REASON_WRONG_INTERFACE] = "wrong-interface",
		[REASON_NOT_UNICAST] = "not-unicast",
		[REASON_ADDRESS_OPTION] = "address-option",
		[REASON_FRAGMENT] = "fragment",
		[REASON_PROTOCOL] = "protocol",
		[REASON_PORT_ZERO] = "port-zero",
		[REASON_ICMP_TYPE] = "icmp-type",
		[REASON_NO_MAPPING] = "no-mapping",
		[REASON_FILTERED] = "filtered",
		[REASON_TCP_NO_SESSION] = "tcp-no-session",
		[REASON_TUPLE_TAKEN] = "tuple-taken",
		[REASON_ICMP_ERROR_CHECKSUM] = "icmp-error-checksum",
		[REASON_ICMP_QUOTE] = "icmp-quote",
		[REASON_ICMP_QUOTE_CHECKSUM] = "icmp-quote-checksum",
		[REASON_ICMP_ERROR_NO_SESSION] = "icmp-error-no-session",
		[REASON_PORTS_EXHAUSTED] = "ports-exhausted",
		[REASON_MAPPINGS_FULL] = "mappings-full",
		[REASON_SESSIONS_FULL] = "sessions-full",
	};

	(void)state;
	for (unsigned int i = 0; i < REASON_COUNT; i++)
		if (names[i] != NULL)
			assert_string_equal(reason_spec((enum nat_reason)i)->name, names[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_reason_has_a_row),
		cmocka_unit_test(test_names_are_unique_words_in_small_letters),
		cmocka_unit_test(test_what_drops_is_what_the_list_says),
		cmocka_unit_test(test_clauses_name_an_rfc),
		cmocka_unit_test(test_names_stay_as_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
