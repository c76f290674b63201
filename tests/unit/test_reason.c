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

static void test_every_drop_says_what_to_do(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < REASON_COUNT; i++) {
		const struct reason_spec *spec = reason_spec((enum nat_reason)i);
		size_t length;

		if (spec->advice == NULL || (spec->drop && strlen(spec->advice) < 20))
			fail_msg("'%s' has no advice", spec->name);
		length = strlen(spec->advice);
		assert_true(length == 0 || spec->advice[length - 1] == '.');
		assert_null(strchr(spec->advice, '\n'));
		assert_null(strstr(spec->advice, "  "));
	}
}

static bool is_knob(const char *word)
{
	for (unsigned int i = 0; i < OPTION_COUNT; i++)
		if (strcmp(option_spec((enum option_id)i)->key, word) == 0)
			return true;
	return false;
}

/* A word of an advice: if it is SECTION.KNOB, there must be that knob, and it must take a value that
 * is given to it. Returns whether it is one. */
static bool check_word(const char *word, const char *reason)
{
	static const char *const sections[] = { "nat.",	  "udp.",	"tcp.", "icmp.",
						"other.", "fragments.", "pcp." };
	char key[64], why[512];
	struct options o;
	bool knob = false;
	size_t length = strcspn(word, "=");

	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
		knob |= strncmp(word, sections[i], strlen(sections[i])) == 0;
	if (!knob)
		return false;
	assert_true(length < sizeof(key));
	memcpy(key, word, length);
	key[length] = '\0';
	if (!is_knob(key))
		fail_msg("the advice for '%s' names '%s', which is no knob", reason, key);
	options_init(&o);
	if (word[length] == '=' && options_set(&o, key, word + length + 1, why, sizeof(why)) < 0)
		fail_msg("the advice for '%s' says '%s': %s", reason, word, why);
	return true;
}

static void test_knobs_that_an_advice_names_exist_and_take_its_values(void **state)
{
	unsigned int knobs = 0;

	(void)state;
	for (unsigned int i = 0; i < REASON_COUNT; i++) {
		const struct reason_spec *spec = reason_spec((enum nat_reason)i);
		char text[1024], *rest = text, *word;

		assert_true(strlen(spec->advice) < sizeof(text));
		strcpy(text, spec->advice);
		while ((word = strsep(&rest, " ,;:()")) != NULL) {
			size_t length = strlen(word);

			if (length > 0 && word[length - 1] == '.')
				word[length - 1] = '\0';
			knobs += check_word(word, spec->name);
		}
	}
	assert_true(knobs > 60);
}

/* An advice for each knob that can drop, as the outcome names it: the one there is to turn. */
static void test_an_advice_names_the_knob_that_drops(void **state)
{
	static const struct {
		enum nat_reason reason;
		enum option_id knob;
	} cases[] = {
		{ REASON_NOT_OURS, OPT_NAT_EXTERNAL },
		{ REASON_FRAGMENT, OPT_FRAGMENTS_MODE },
		{ REASON_FRAGMENT, OPT_UDP_FRAGMENTS },
		{ REASON_FRAGMENT_ORDER, OPT_FRAGMENTS_MODE },
		{ REASON_FRAGMENTS_FULL, OPT_FRAGMENTS_MAX_HELD },
		{ REASON_PROTOCOL, OPT_OTHER_PROTOCOLS },
		{ REASON_PORT_ZERO, OPT_UDP_PORT_ZERO },
		{ REASON_ICMP_TYPE, OPT_ICMP_QUERIES },
		{ REASON_NO_MAPPING, OPT_NAT_UNMATCHED },
		{ REASON_UNMATCHED_REJECTED, OPT_NAT_UNMATCHED },
		{ REASON_FILTERED, OPT_UDP_FILTERING },
		{ REASON_FILTERED, OPT_TCP_FILTERING },
		{ REASON_FILTERED, OPT_ICMP_FILTERING },
		{ REASON_FILTERED, OPT_OTHER_FILTERING },
		{ REASON_MAPPING_KILLED, OPT_UDP_KILL_ON_UNSOLICITED },
		{ REASON_SYN_HELD, OPT_TCP_UNSOLICITED_SYN },
		{ REASON_SYNS_FULL, OPT_TCP_MAX_HELD_SYNS },
		{ REASON_SYN_ANSWERED, OPT_TCP_UNSOLICITED_SYN },
		{ REASON_HAIRPIN_OFF, OPT_NAT_HAIRPIN },
		{ REASON_TCP_NO_SESSION, OPT_TCP_NON_SYN },
		{ REASON_ICMP_ERRORS_OFF, OPT_ICMP_ERRORS },
		{ REASON_ICMP_ERROR_CHECKSUM, OPT_ICMP_ERROR_CHECKS },
		{ REASON_ICMP_QUOTE_CHECKSUM, OPT_ICMP_ERROR_CHECKS },
		{ REASON_PORTS_EXHAUSTED, OPT_NAT_EXTERNAL },
		{ REASON_PORTS_EXHAUSTED, OPT_UDP_PORTS },
		{ REASON_BLOCK_EXHAUSTED, OPT_NAT_BLOCKS },
		{ REASON_NO_BLOCK, OPT_NAT_INTERNAL },
		{ REASON_HOST_QUOTA, OPT_NAT_MAX_MAPPINGS_PER_HOST },
		{ REASON_HOST_QUOTA, OPT_NAT_MAX_SESSIONS_PER_HOST },
		{ REASON_HOST_QUOTA, OPT_UDP_MAX_MAPPINGS_PER_HOST },
		{ REASON_RATE_QUOTA, OPT_NAT_NEW_MAPPINGS_PER_SECOND },
		{ REASON_RATE_QUOTA, OPT_TCP_NEW_MAPPINGS_PER_SECOND },
		{ REASON_MAPPING_QUOTA, OPT_NAT_MAX_SESSIONS_PER_MAPPING },
		{ REASON_MAPPINGS_FULL, OPT_NAT_MAX_MAPPINGS },
		{ REASON_SESSIONS_FULL, OPT_NAT_MAX_SESSIONS },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct reason_spec *spec = reason_spec(cases[i].reason);

		if (strstr(spec->advice, option_spec(cases[i].knob)->key) == NULL)
			fail_msg("the advice for '%s' has no word of %s", spec->name,
				 option_spec(cases[i].knob)->key);
	}
}

static void test_reasons_are_found_by_name(void **state)
{
	const char *nearest;

	(void)state;
	for (unsigned int i = 0; i < REASON_COUNT; i++)
		assert_int_equal(reason_find(reason_spec((enum nat_reason)i)->name, &nearest), i);
	assert_int_equal(reason_find("fitered", &nearest), REASON_COUNT);
	assert_string_equal(nearest, "filtered");
	assert_int_equal(reason_find("", &nearest), REASON_COUNT);
	assert_null(nearest);
	assert_int_equal(reason_find("nothing-like-any-of-them", &nearest), REASON_COUNT);
	assert_null(nearest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_drop_says_what_to_do),
		cmocka_unit_test(test_knobs_that_an_advice_names_exist_and_take_its_values),
		cmocka_unit_test(test_an_advice_names_the_knob_that_drops),
		cmocka_unit_test(test_reasons_are_found_by_name),
		cmocka_unit_test(test_every_reason_has_a_row),
		cmocka_unit_test(test_names_are_unique_words_in_small_letters),
		cmocka_unit_test(test_what_drops_is_what_the_list_says),
		cmocka_unit_test(test_clauses_name_an_rfc),
		cmocka_unit_test(test_names_stay_as_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
