/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "tests/unit/lab.h"

static const char *format(const struct options *o, enum option_id id)
{
	static char buf[OPTIONS_TEXT_MAX];

	return options_format(o, id, buf);
}

/* Sets @key, expects it to be taken, and returns how it is written. */
static const char *set(enum option_id id, const char *value)
{
	struct options o;

	options_init(&o);
	lab_value(&o, option_spec(id)->key, value);
	return format(&o, id);
}

/* Sets @key, expects a refusal that names key and value and changes nothing. */
static void refused(enum option_id id, const char *value)
{
	const char *key = option_spec(id)->key;
	char why[OPTIONS_TEXT_MAX + 200] = "";
	struct options o, before;
	int err;

	options_init(&o);
	before = o;
	err = options_set(&o, key, value, why, sizeof(why));
	if (err != -EINVAL)
		fail_msg("%s=%s: %d", key, value, err);
	assert_memory_equal(&o, &before, sizeof(o));
	assert_non_null(strstr(why, key));
	if (strlen(value) <= 64)
		assert_non_null(strstr(why, value));
}

static void test_every_knob_has_a_full_row(void **state)
{
	struct options o;
	char allowed[OPTIONS_TEXT_MAX];

	(void)state;
	options_init(&o);
	for (unsigned int i = 0; i < OPTION_COUNT; i++) {
		const struct option_spec *spec = option_spec((enum option_id)i);

		assert_non_null(spec->key);
		assert_non_null(strchr(spec->key, '.'));
		assert_non_null(spec->initial);
		if (spec->meaning == NULL || strlen(spec->meaning) < 10)
			fail_msg("%s has no meaning", spec->key);
		assert_null(strchr(spec->meaning, '\n'));
		assert_true(strlen(option_allowed((enum option_id)i, allowed)) > 3);
		assert_int_equal(spec->values != NULL, spec->type == OPTION_CHOICE);
		for (unsigned int k = 0; k < i; k++)
			assert_string_not_equal(spec->key, option_spec((enum option_id)k)->key);
	}
}

/* "" where there is none, so that whoever prints them need not ask. */
static void test_unit_and_clause_are_never_null(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < OPTION_COUNT; i++) {
		const struct option_spec *spec = option_spec((enum option_id)i);

		if (spec->unit == NULL)
			fail_msg("%s: unit is NULL", spec->key);
		if (spec->clause == NULL)
			fail_msg("%s: clause is NULL", spec->key);
	}
}

static void test_defaults_are_those_of_the_design(void **state)
{
	static const struct {
		const char *key, *value;
	} rows[] = {
		{ "nat.lan", "lan" },
		{ "nat.wan", "wan" },
		{ "nat.external", "auto" },
		{ "nat.pooling", "paired" },
		{ "nat.max-mappings", "262144" },
		{ "nat.max-sessions", "262144" },
		{ "nat.seed", "random" },
		{ "udp.mapping", "endpoint-independent" },
		{ "tcp.mapping", "endpoint-independent" },
		{ "icmp.mapping", "endpoint-independent" },
		{ "udp.filtering", "address-and-port-dependent" },
		{ "tcp.filtering", "address-and-port-dependent" },
		{ "icmp.filtering", "address-and-port-dependent" },
		{ "udp.ports", "random" },
		{ "tcp.ports", "random" },
		{ "icmp.ports", "random" },
		{ "udp.port-range", "1024-65535" },
		{ "tcp.port-range", "1024-65535" },
		{ "udp.refresh", "outbound" },
		{ "udp.timeout", "300s" },
		{ "tcp.timeout-established", "7440s" },
		{ "tcp.timeout-transitory", "240s" },
		{ "icmp.timeout", "60s" },
		{ "pcp.server", "off" },
		{ "pcp.min-lifetime", "120s" },
		{ "pcp.max-lifetime", "86400s" },
	};
	struct options o;

	(void)state;
	options_init(&o);
	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		unsigned int i = 0;

		while (i < OPTION_COUNT &&
		       strcmp(option_spec((enum option_id)i)->key, rows[r].key) != 0)
			i++;
		if (i == OPTION_COUNT)
			fail_msg("no knob %s", rows[r].key);
		assert_string_equal(format(&o, (enum option_id)i), rows[r].value);
		assert_string_equal(option_spec((enum option_id)i)->initial, rows[r].value);
	}
}

static void test_defaults_agree_and_read_back(void **state)
{
	struct options o, again;
	char why[256];

	(void)state;
	options_init(&o);
	assert_int_equal(options_check(&o, why, sizeof(why)), 0);
	memset(&again, 0xee, sizeof(again));
	options_init(&again);
	for (unsigned int i = 0; i < OPTION_COUNT; i++)
		lab_value(&again, option_spec((enum option_id)i)->key,
			  format(&o, (enum option_id)i));
	assert_memory_equal(&o, &again, sizeof(o));
}

static void test_every_choice_is_read_in_both_forms(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < OPTION_COUNT; i++) {
		const struct option_spec *spec = option_spec((enum option_id)i);
		char allowed[OPTIONS_TEXT_MAX];

		if (spec->type != OPTION_CHOICE)
			continue;
		option_allowed((enum option_id)i, allowed);
		for (const struct option_value *v = spec->values; v->name != NULL; v++) {
			assert_string_equal(set((enum option_id)i, v->name), v->name);
			assert_non_null(strstr(allowed, v->name));
			if (v->brief != NULL) {
				assert_string_equal(set((enum option_id)i, v->brief), v->name);
				assert_non_null(strstr(allowed, v->brief));
			}
		}
		refused((enum option_id)i, "");
		refused((enum option_id)i, "nonsense");
		refused((enum option_id)i, "Random");
		refused((enum option_id)i, " random");
	}
}

static void test_choices_mean_what_they_say(void **state)
{
	struct options o;

	(void)state;
	options_init(&o);
	lab_value(&o, "udp.mapping", "adm");
	lab_value(&o, "tcp.mapping", "apdm");
	lab_value(&o, "udp.filtering", "eif");
	lab_value(&o, "icmp.filtering", "adf");
	lab_value(&o, "tcp.ports", "sequential");
	lab_value(&o, "icmp.ports", "preserve");
	lab_value(&o, "udp.refresh", "both");
	lab_value(&o, "nat.pooling", "soft-paired");
	assert_int_equal(o.protocol[NAT_UDP].mapping, MAPPING_ADDRESS_DEPENDENT);
	assert_int_equal(o.protocol[NAT_TCP].mapping, MAPPING_ADDRESS_AND_PORT_DEPENDENT);
	assert_int_equal(o.protocol[NAT_ICMP].mapping, MAPPING_ENDPOINT_INDEPENDENT);
	assert_int_equal(o.protocol[NAT_UDP].filtering, FILTERING_ENDPOINT_INDEPENDENT);
	assert_int_equal(o.protocol[NAT_TCP].filtering, FILTERING_ADDRESS_AND_PORT_DEPENDENT);
	assert_int_equal(o.protocol[NAT_ICMP].filtering, FILTERING_ADDRESS_DEPENDENT);
	assert_int_equal(o.protocol[NAT_TCP].ports, PORTS_SEQUENTIAL);
	assert_int_equal(o.protocol[NAT_ICMP].ports, PORTS_PRESERVE);
	assert_int_equal(o.protocol[NAT_UDP].refresh, REFRESH_BOTH);
	assert_int_equal(o.pooling, POOLING_SOFT_PAIRED);
}

static void test_durations(void **state)
{
	static const struct {
		const char *text, *written;
	} rows[] = {
		{ "300", "300s" },	 { "300s", "300s" },	      { "5m", "300s" },
		{ "2h4m", "7440s" },	 { "1d", "86400s" },	      { "1h30m10s", "5410s" },
		{ "1500ms", "1500ms" },	 { "1s500ms", "1500ms" },     { "100ms", "100ms" },
		{ "365d", "31536000s" }, { "31536000", "31536000s" }, { "0h5m", "300s" },
	};
	static const char *const bad[] = {
		"",
		"0",
		"0s",
		"s",
		"5x",
		"5 m",
		"5m ",
		" 5m",
		"-5",
		"-5s",
		"+5",
		"1.5s",
		"99ms",
		"366d",
		"5mm",
		"5m5",
		"0x10",
		"31536001",
		"99999999999999999999",
		"99999999999999999999s",
		"9223372036854775807",
		"18446744073709551615",
		"9223372036854775807d",
		"9223372036854775807ms1ms",
		"never",
		"5S",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(set(OPT_UDP_TIMEOUT, rows[i].text), rows[i].written);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refused(OPT_UDP_TIMEOUT, bad[i]);
}

static void test_each_timeout_has_a_place_of_its_own(void **state)
{
	struct options o;

	(void)state;
	options_init(&o);
	lab_value(&o, "udp.timeout", "1s");
	lab_value(&o, "tcp.timeout-established", "2s");
	lab_value(&o, "tcp.timeout-transitory", "3s");
	lab_value(&o, "icmp.timeout", "4s");
	assert_int_equal(o.timeout_ms[TIMEOUT_UDP], 1000);
	assert_int_equal(o.timeout_ms[TIMEOUT_TCP_ESTABLISHED], 2000);
	assert_int_equal(o.tcp.transitory_ms, 3000);
	assert_int_equal(o.timeout_ms[TIMEOUT_ICMP], 4000);
}

static void test_numbers(void **state)
{
	static const char *const bad[] = { "",	  "0",	"-1",  "134217729", "1.0",
					   "1 ",  " 1", "0x1", "1k",	    "99999999999999999999",
					   "many" };

	(void)state;
	assert_string_equal(set(OPT_NAT_MAX_MAPPINGS, "1"), "1");
	assert_string_equal(set(OPT_NAT_MAX_MAPPINGS, "134217728"), "134217728");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		refused(OPT_NAT_MAX_MAPPINGS, bad[i]);
		refused(OPT_NAT_MAX_SESSIONS, bad[i]);
	}
}

static void test_seed(void **state)
{
	(void)state;
	assert_string_equal(set(OPT_NAT_SEED, "random"), "random");
	assert_string_equal(set(OPT_NAT_SEED, "1"), "1");
	assert_string_equal(set(OPT_NAT_SEED, "18446744073709551615"), "18446744073709551615");
	refused(OPT_NAT_SEED, "0");
	refused(OPT_NAT_SEED, "");
	refused(OPT_NAT_SEED, "-1");
	refused(OPT_NAT_SEED, "18446744073709551616");
	refused(OPT_NAT_SEED, "randomly");
}

static void test_port_ranges(void **state)
{
	static const char *const bad[] = { "",	      "1024",	  "0-5",     "5-4",  "1-65536",
					   "1-99999", "1-100000", "-5",	     "5-",   "a-b",
					   " 1-2",    "1-2 ",	  "1 -2",    "1- 2", "1-+2",
					   "1--2",    "1-2-3",	  "1-2,4-5", "0x1-2" };

	(void)state;
	assert_string_equal(set(OPT_UDP_PORT_RANGE, "1-65535"), "1-65535");
	assert_string_equal(set(OPT_UDP_PORT_RANGE, "5000-5000"), "5000-5000");
	assert_string_equal(set(OPT_TCP_PORT_RANGE, "49152-65535"), "49152-65535");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refused(OPT_UDP_PORT_RANGE, bad[i]);
}

static void test_interfaces(void **state)
{
	static const char *const bad[] = { "", "abcdefghijklmnop", "a/b", "a b", "a\tb", "a\n" };

	(void)state;
	assert_string_equal(set(OPT_NAT_LAN, "abcdefghijklmno"), "abcdefghijklmno");
	assert_string_equal(set(OPT_NAT_WAN, "eth0.100"), "eth0.100");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refused(OPT_NAT_LAN, bad[i]);
}

static void test_paths(void **state)
{
	char longest[OPTIONS_PATH_MAX + 1];

	(void)state;
	memset(longest, 'x', sizeof(longest));
	longest[0] = '/';
	longest[OPTIONS_PATH_MAX] = '\0';
	refused(OPT_LOG_FILE, longest);
	longest[OPTIONS_PATH_MAX - 1] = '\0';
	assert_string_equal(set(OPT_LOG_FILE, longest), longest);
	assert_string_equal(set(OPT_LOG_FILE, "/var/log/natem/mappings.log"),
			    "/var/log/natem/mappings.log");
	assert_string_equal(set(OPT_LOG_FILE, "none"), "none");
	refused(OPT_LOG_FILE, "");
	refused(OPT_LOG_FILE, "mappings.log");
	refused(OPT_LOG_FILE, "/var/log/a file");
	refused(OPT_LOG_FILE, "/var/log/a;b");
	refused(OPT_LOG_FILE, "/var/log/a\n");
}

static void test_external_addresses(void **state)
{
	static const struct {
		const char *text, *written;
	} rows[] = {
		{ "auto", "auto" },
		{ "203.0.113.1", "203.0.113.1" },
		{ "203.0.113.1,203.0.113.3", "203.0.113.1,203.0.113.3" },
		{ "203.0.113.1, 203.0.113.3", "203.0.113.1,203.0.113.3" },
		{ "203.0.113.1 203.0.113.3", "203.0.113.1,203.0.113.3" },
		{ "203.0.113.5-203.0.113.7", "203.0.113.5-203.0.113.7" },
		{ "203.0.113.0/24", "203.0.113.0-203.0.113.255" },
		{ "203.0.113.9/31,198.51.100.1", "203.0.113.8-203.0.113.9,198.51.100.1" },
		{ "10.0.0.1/32", "10.0.0.1" },
	};
	static const char *const bad[] = {
		"",
		",",
		"auto,203.0.113.1",
		"203.0.113.1,auto",
		"203.0.96.0/19",
		"203.0.113.1,203.0.113.1",
		"203.0.113.1-203.0.113.5,203.0.113.5",
		"203.0.113.5,203.0.113.0/24",
		"127.0.0.1",
		"224.0.0.1",
		"0.0.0.0",
		"255.255.255.255",
		"::1",
		"203.0.113.5-203.0.113.4",
		"example.org",
		"10.0.0.0/20,203.0.114.1",
		"126.255.255.255-127.0.0.0",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(set(OPT_NAT_EXTERNAL, rows[i].text), rows[i].written);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refused(OPT_NAT_EXTERNAL, bad[i]);
}

/* As many ranges as there may be, each as long to write as can be; then one more. */
static void test_external_addresses_up_to_the_limit(void **state)
{
	char text[OPTIONS_TEXT_MAX] = "";
	size_t used = 0;

	(void)state;
	for (unsigned int i = 0; i < OPTIONS_EXTERNAL_MAX; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used,
					 "%s203.100.1%02u.100-203.100.1%02u.103", i > 0 ? "," : "",
					 i, i);
	assert_string_equal(set(OPT_NAT_EXTERNAL, text), text);
	snprintf(text + used, sizeof(text) - used, ",203.0.113.1");
	refused(OPT_NAT_EXTERNAL, text);
}

static void test_value_longer_than_any_is_refused(void **state)
{
	char *text = malloc(10000);

	(void)state;
	assert_non_null(text);
	memset(text, '1', 9999);
	text[9999] = '\0';
	for (unsigned int i = 0; i < OPTION_COUNT; i++)
		refused((enum option_id)i, text);
	free(text);
}

static void test_unknown_knob_suggests_the_nearest(void **state)
{
	static const struct {
		const char *key, *nearest;
	} rows[] = {
		{ "udp.timout", "udp.timeout" },
		{ "udp.mappings", "udp.mapping" },
		{ "tcp.filterng", "tcp.filtering" },
		{ "tcp.timeout-establish", "tcp.timeout-established" },
		{ "nat.sed", "nat.seed" },
		{ "UDP.timeout", "udp.timeout" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char why[256] = "", wanted[100];
		struct options o, before;

		options_init(&o);
		before = o;
		assert_int_equal(options_set(&o, rows[i].key, "300s", why, sizeof(why)), -ENOENT);
		assert_memory_equal(&o, &before, sizeof(o));
		assert_non_null(strstr(why, rows[i].key));
		snprintf(wanted, sizeof(wanted), "did you mean '%s'?", rows[i].nearest);
		assert_non_null(strstr(why, wanted));
	}
}

static void test_unknown_knob_far_from_any_suggests_none(void **state)
{
	static const char *const keys[] = {
		"", "quite.something.else", "x",
		"a.very.long.key.that.is.no.knob.and.never.will.be.one"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		char why[256] = "";
		struct options o;

		options_init(&o);
		assert_int_equal(options_set(&o, keys[i], "1", why, sizeof(why)), -ENOENT);
		assert_null(strstr(why, "did you mean"));
		assert_non_null(strstr(why, "no knob"));
	}
}

static void test_explanation_is_cut_to_its_buffer(void **state)
{
	char why[8];
	struct options o;

	(void)state;
	options_init(&o);
	memset(why, 0xee, sizeof(why));
	assert_int_equal(options_set(&o, "udp.timeout", "x", why, sizeof(why)), -EINVAL);
	assert_int_equal(strlen(why), 7);
	assert_int_equal(options_set(&o, "udp.nothing", "x", why, sizeof(why)), -ENOENT);
	assert_int_equal(strlen(why), 7);
}

static void test_knobs_must_agree(void **state)
{
	struct options o;
	char why[256];

	(void)state;
	options_init(&o);
	lab_value(&o, "nat.lan", "eth0");
	lab_value(&o, "nat.wan", "eth0");
	assert_int_equal(options_check(&o, why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "nat.lan"));
	assert_non_null(strstr(why, "nat.wan"));
	options_init(&o);
	lab_value(&o, "nat.max-sessions", "10");
	lab_value(&o, "nat.max-mappings", "11");
	assert_int_equal(options_check(&o, why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "nat.max-sessions"));
	assert_non_null(strstr(why, "nat.max-mappings"));
	lab_value(&o, "nat.max-mappings", "10");
	assert_int_equal(options_check(&o, why, sizeof(why)), 0);
}

static void test_lifetimes_must_leave_one_between_them(void **state)
{
	struct options o;
	char why[256];

	(void)state;
	options_init(&o);
	lab_value(&o, "pcp.min-lifetime", "1000s");
	lab_value(&o, "pcp.max-lifetime", "1000s");
	assert_int_equal(options_check(&o, why, sizeof(why)), 0);
	lab_value(&o, "pcp.max-lifetime", "999s");
	assert_int_equal(options_check(&o, why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "pcp.min-lifetime"));
	assert_non_null(strstr(why, "pcp.max-lifetime"));
}

/* A lifetime is told in seconds: none may be shorter than one. */
static void test_lifetimes_are_whole_seconds_at_least(void **state)
{
	(void)state;
	refused(OPT_PCP_MIN_LIFETIME, "999ms");
	refused(OPT_PCP_MAX_LIFETIME, "999ms");
	assert_string_equal(set(OPT_PCP_MIN_LIFETIME, "1s"), "1s");
}

static void test_knob_of_another_protocol(void **state)
{
	(void)state;
	assert_int_equal(option_of(OPT_UDP_MAPPING, NAT_UDP), OPT_UDP_MAPPING);
	assert_int_equal(option_of(OPT_UDP_MAPPING, NAT_TCP), OPT_TCP_MAPPING);
	assert_int_equal(option_of(OPT_UDP_MAPPING, NAT_ICMP), OPT_ICMP_MAPPING);
	assert_int_equal(option_of(OPT_UDP_FILTERING, NAT_UDP), OPT_UDP_FILTERING);
	assert_int_equal(option_of(OPT_UDP_FILTERING, NAT_TCP), OPT_TCP_FILTERING);
	assert_int_equal(option_of(OPT_UDP_FILTERING, NAT_ICMP), OPT_ICMP_FILTERING);
	assert_int_equal(option_of(OPT_UDP_PORTS, NAT_TCP), OPT_TCP_PORTS);
	assert_int_equal(option_of(OPT_UDP_PORTS, NAT_ICMP), OPT_ICMP_PORTS);
}

static void test_allowed_values_are_told(void **state)
{
	char text[OPTIONS_TEXT_MAX];

	(void)state;
	assert_string_equal(option_allowed(OPT_UDP_MAPPING, text),
			    "endpoint-independent (eim), address-dependent (adm), "
			    "address-and-port-dependent (apdm)");
	assert_string_equal(option_allowed(OPT_UDP_REFRESH, text), "outbound, inbound, both");
	assert_string_equal(option_allowed(OPT_NAT_MAX_MAPPINGS, text),
			    "a number from 1 to 134217728");
	option_allowed(OPT_UDP_TIMEOUT, text);
	assert_non_null(strstr(text, "100ms"));
	assert_non_null(strstr(text, "31536000s"));
	assert_non_null(strstr(option_allowed(OPT_NAT_EXTERNAL, text), "4096"));
	assert_non_null(strstr(option_allowed(OPT_UDP_PORT_RANGE, text), "1-65535"));
	assert_non_null(strstr(option_allowed(OPT_NAT_LAN, text), "15"));
	assert_non_null(strstr(option_allowed(OPT_NAT_SEED, text), "random"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_knob_has_a_full_row),
		cmocka_unit_test(test_unit_and_clause_are_never_null),
		cmocka_unit_test(test_defaults_are_those_of_the_design),
		cmocka_unit_test(test_defaults_agree_and_read_back),
		cmocka_unit_test(test_every_choice_is_read_in_both_forms),
		cmocka_unit_test(test_choices_mean_what_they_say),
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_each_timeout_has_a_place_of_its_own),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_seed),
		cmocka_unit_test(test_port_ranges),
		cmocka_unit_test(test_interfaces),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_external_addresses),
		cmocka_unit_test(test_external_addresses_up_to_the_limit),
		cmocka_unit_test(test_value_longer_than_any_is_refused),
		cmocka_unit_test(test_unknown_knob_suggests_the_nearest),
		cmocka_unit_test(test_unknown_knob_far_from_any_suggests_none),
		cmocka_unit_test(test_explanation_is_cut_to_its_buffer),
		cmocka_unit_test(test_knobs_must_agree),
		cmocka_unit_test(test_lifetimes_must_leave_one_between_them),
		cmocka_unit_test(test_lifetimes_are_whole_seconds_at_least),
		cmocka_unit_test(test_knob_of_another_protocol),
		cmocka_unit_test(test_allowed_values_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
