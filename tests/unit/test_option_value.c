/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values of knobs as text: what is taken, what it becomes, what is refused. */
#include "nat/core/option_value.h"

#include <errno.h>

#include "tests/unit/lab.h"

static const struct option_spec *spec_of(const char *key)
{
	for (unsigned int id = 0; id < OPTION_COUNT; id++)
		if (strcmp(option_spec((enum option_id)id)->key, key) == 0)
			return option_spec((enum option_id)id);
	fail_msg("no knob %s", key);
	return NULL;
}

/* @value is taken, and written as @text (NULL: as it stands), which reads back as the same. */
static void takes(const char *key, const char *value, const char *text)
{
	char first[OPTIONS_TEXT_MAX], second[OPTIONS_TEXT_MAX];
	const struct option_spec *spec = spec_of(key);
	struct options o, again;

	options_init(&o);
	options_init(&again);
	if (option_value_parse(spec, value, &o) != 0)
		fail_msg("%s=%s is refused", key, value);
	option_value_format(spec, &o, first);
	assert_string_equal(first, text != NULL ? text : value);
	assert_int_equal(option_value_parse(spec, first, &again), 0);
	assert_memory_equal(&o, &again, sizeof(o));
	assert_string_equal(option_value_format(spec, &again, second), first);
}

static void refuses(const char *key, const char *value)
{
	struct options o, before;

	options_init(&o);
	before = o;
	if (option_value_parse(spec_of(key), value, &o) != -EINVAL)
		fail_msg("%s=%s is taken", key, value);
	assert_memory_equal(&o, &before, sizeof(o));
}

static void refuse_all(const char *key, const char *const *values, size_t count)
{
	for (size_t i = 0; i < count; i++)
		refuses(key, values[i]);
}

#define REFUSES(key, ...)                                                       \
	do {                                                                    \
		static const char *const values_[] = { __VA_ARGS__ };           \
		refuse_all(key, values_, sizeof(values_) / sizeof(values_[0])); \
	} while (0)

/* --- lists ---------------------------------------------------------------------------------- */

static void test_lists_of_ports(void **state)
{
	(void)state;
	takes("nat.reserved-ports", "none", NULL);
	takes("nat.reserved-ports", "22", NULL);
	takes("nat.reserved-ports", "22,80,5000-5010", NULL);
	takes("nat.reserved-ports", "  80 ,, 22\t1-5,65535", "80,22,1-5,65535");
	takes("nat.reserved-ports", "7-7", "7");
	REFUSES("nat.reserved-ports", "", ",", "0", "65536", "1-", "-1", "9-8", "22,22", "1-10,10",
		"5,1-10", "none,22", "22,none", "80 x", "1-2-3", "99999999999999999999");
}

static void test_forwards(void **state)
{
	(void)state;
	takes("nat.forwards", "none", NULL);
	takes("nat.forwards", "tcp:8080=192.168.1.2:80", NULL);
	takes("nat.forwards", "udp:203.0.113.1:5000-5009=192.168.1.3:6000", NULL);
	takes("nat.forwards", "tcp:1=192.168.1.2:80, udp:1=192.168.1.2:80",
	      "tcp:1=192.168.1.2:80,udp:1=192.168.1.2:80");
	/* One port of two addresses is two endpoints. */
	takes("nat.forwards", "tcp:203.0.113.1:80=192.168.1.2:80,tcp:203.0.113.2:80=192.168.1.3:80",
	      NULL);
	takes("nat.forwards", "tcp:1-65535=192.168.1.2:1", NULL);
	takes("nat.forwards", "tcp:65535=192.168.1.2:65535", NULL);
	REFUSES("nat.forwards", "", "tcp", "tcp:80", "tcp:80=", "80=192.168.1.2:80",
		"icmp:80=192.168.1.2:80", "tcp:0=192.168.1.2:80", "tcp:80=192.168.1.2:0",
		"tcp:80=192.168.1.2", "tcp:80=[2001:db8::1]:80", "tcp:80=224.0.0.1:80",
		"tcp:80=127.0.0.1:80", "tcp:203.0.113.1=192.168.1.2:80",
		"tcp:0.0.0.0:80=192.168.1.2:80", "tcp:90-80=192.168.1.2:80",
		"tcp:1-65535=192.168.1.2:2", "tcp:10-11=192.168.1.2:65535",
		"tcp:80=192.168.1.2:80,tcp:80=192.168.1.3:80",
		"tcp:80=192.168.1.2:80,tcp:203.0.113.1:70-90=192.168.1.3:80",
		"TCP:80=192.168.1.2:80", "tcp:80=192.168.1.2:80=1");
}

static void test_one_forward_alone(void **state)
{
	struct forward f, untouched;
	char text[OPTION_FORWARD_TEXT];

	(void)state;
	memset(&f, 0x5a, sizeof(f));
	untouched = f;
	assert_int_equal(option_parse_forward("tcp:80=nobody:80", &f), -EINVAL);
	assert_memory_equal(&f, &untouched, sizeof(f));
	assert_int_equal(option_parse_forward("udp:203.0.113.1:70-79=192.168.1.2:170", &f), 0);
	assert_int_equal(f.protocol, NAT_UDP);
	assert_false(f.any_address);
	assert_int_equal(addr_ip4(&f.external), 0xcb007101);
	assert_int_equal(f.ports.first, 70);
	assert_int_equal(f.ports.last, 79);
	assert_endpoint(f.internal, "192.168.1.2:170");
	assert_string_equal(option_format_forward(&f, text),
			    "udp:203.0.113.1:70-79=192.168.1.2:170");
}

static void test_pairs(void **state)
{
	(void)state;
	takes("nat.one-to-one", "none", NULL);
	takes("nat.one-to-one", "203.0.113.5=192.168.1.9", NULL);
	takes("nat.one-to-one", "203.0.113.5=192.168.1.9 203.0.113.6=192.168.1.10",
	      "203.0.113.5=192.168.1.9,203.0.113.6=192.168.1.10");
	REFUSES("nat.one-to-one", "", "203.0.113.5", "203.0.113.5=", "=192.168.1.9",
		"203.0.113.5=192.168.1.9,203.0.113.5=192.168.1.10",
		"203.0.113.5=192.168.1.9,203.0.113.6=192.168.1.9", "203.0.113.5=2001:db8::1",
		"203.0.113.5=255.255.255.255", "203.0.113.0/30=192.168.1.9");
}

static void test_addresses_and_ranges(void **state)
{
	(void)state;
	takes("nat.dmz", "none", NULL);
	takes("nat.dmz", "192.168.1.9", NULL);
	REFUSES("nat.dmz", "", "0.0.0.0", "127.0.0.1", "2001:db8::1", "192.168.1", "192.168.1.0/24",
		"auto");
	takes("nat.internal", "192.168.1.0/24", "192.168.1.0-192.168.1.255");
	takes("nat.internal", "10.0.0.7", NULL);
	takes("nat.internal", "10.0.0.1-10.0.0.9", NULL);
	REFUSES("nat.internal", "", "none", "10.0.0.9-10.0.0.1", "10.0.0.0/33", "2001:db8::/64");
}

static void test_remotes(void **state)
{
	(void)state;
	takes("nat.exempt", "none", NULL);
	takes("nat.exempt", "203.0.113.11,198.51.100.0-198.51.100.255:53", NULL);
	takes("nat.exempt", "198.51.100.0/24:53", "198.51.100.0-198.51.100.255:53");
	REFUSES("nat.exempt", "", "203.0.113.11:0", "203.0.113.11:65536",
		"203.0.113.11:", "203.0.113.11:x", ":53", "example.org", "203.0.113.11:53:53");
}

static void test_timers_by_port(void **state)
{
	struct options o;

	(void)state;
	takes("udp.port-timeouts", "none", NULL);
	takes("udp.port-timeouts", "53=10s,123=30s", NULL);
	takes("udp.port-timeouts", "53=1m40s", "53=100s");
	takes("udp.port-timeouts", "1=1s,2=1s,3=1s,4=1s,5=1s,6=1s,7=1s,8=1s", NULL);
	REFUSES("udp.port-timeouts", "", "53", "53=", "=10s", "0=10s", "65536=10s", "53=99ms",
		"53=366d", "53=10s,53=20s", "53=10x",
		"1=1s,2=1s,3=1s,4=1s,5=1s,6=1s,7=1s,8=1s,9=1s");
	options_init(&o);
	lab_value(&o, "udp.port-timeouts", "53=10s,123=30s");
	assert_int_equal(options_timeout_ms(&o, TIMEOUT_PORT), 10000);
	assert_int_equal(options_timeout_ms(&o, (enum timeout_class)(TIMEOUT_PORT + 1)), 30000);
	/* one that is gone from the list */
	assert_int_equal(options_timeout_ms(&o, (enum timeout_class)(TIMEOUT_PORT + 2)), 300000);
}

static void test_protocols(void **state)
{
	(void)state;
	takes("other.protocols", "none", NULL);
	takes("other.protocols", "gre", NULL);
	takes("other.protocols", "47", "gre");
	takes("other.protocols", "132,esp,2,gre,255,ah,ipip", "2,ipip,gre,esp,ah,sctp,255");
	takes("other.protocols", "47,gre", "gre");
	REFUSES("other.protocols", "", "0", "256", "1", "6", "17", "udp", "tcp", "icmp", "GRE",
		"gre;esp", "-1");
}

/* Every list is bounded, and a full one fits the room for its text. */
static void test_longest_lists(void **state)
{
	static const struct {
		const char *key, *entry; /* %u: the number of the entry */
	} rows[] = {
		{ "nat.reserved-ports", "%u-%u" },
		{ "nat.forwards", "udp:203.113.113.100:1%04u=192.168.100.100:10000" },
		{ "nat.one-to-one", "203.113.113.1%02u=192.168.100.1%02u" },
		{ "nat.exempt", "203.113.113.100-203.113.113.2%02u:65535" },
	};

	(void)state;
	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		char list[OPTIONS_TEXT_MAX] = "";
		size_t used = 0;

		for (unsigned int i = 0; i <= OPTIONS_LIST_MAX; i++) {
			unsigned int n = r == 0 ? 60000 + 2 * i : r == 3 ? i % 50 : i;

			if (i == OPTIONS_LIST_MAX)
				takes(rows[r].key, list, NULL);
			used += (size_t)snprintf(list + used, sizeof(list) - used, "%s",
						 i > 0 ? "," : "");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
			used += (size_t)snprintf(list + used, sizeof(list) - used, rows[r].entry, n,
						 r == 0 ? n + 1 : n);
#pragma GCC diagnostic pop
			assert_true(used < sizeof(list));
		}
		refuses(rows[r].key, list);
	}
}

/* --- single values -------------------------------------------------------------------------- */

static void test_times_that_may_be_those_of_another(void **state)
{
	struct options o;

	(void)state;
	takes("udp.timeout-unreplied", "same", NULL);
	takes("udp.timeout-unreplied", "30s", NULL);
	takes("tcp.timeout-reset", "transitory", NULL);
	REFUSES("udp.timeout-unreplied", "transitory", "0", "0s", "99ms", "", "366d");
	REFUSES("tcp.timeout-opening", "same", "0s");
	REFUSES("udp.timeout", "same", "transitory", "0s");
	options_init(&o);
	lab_value(&o, "udp.timeout", "77s");
	assert_int_equal(options_timeout_ms(&o, TIMEOUT_UDP_UNREPLIED), 77000);
	lab_value(&o, "udp.timeout-unreplied", "30s");
	assert_int_equal(options_timeout_ms(&o, TIMEOUT_UDP_UNREPLIED), 30000);
	assert_int_equal(options_timeout_ms(&o, TIMEOUT_UDP), 77000);
	for (enum timeout_class c = TIMEOUT_TCP_OPENING; c <= TIMEOUT_TCP_TIME_WAIT; c++)
		assert_int_equal(options_timeout_ms(&o, c), 240000);
	lab_value(&o, "tcp.timeout-transitory", "20s");
	lab_value(&o, "tcp.timeout-opening", "1s");
	lab_value(&o, "tcp.timeout-closing", "2s");
	lab_value(&o, "tcp.timeout-reset", "3s");
	assert_int_equal(options_timeout_ms(&o, TIMEOUT_TCP_OPENING), 1000);
	assert_int_equal(options_timeout_ms(&o, TIMEOUT_TCP_CLOSING), 2000);
	assert_int_equal(options_timeout_ms(&o, TIMEOUT_TCP_RESET), 3000);
	assert_int_equal(options_timeout_ms(&o, TIMEOUT_TCP_TIME_WAIT), 20000);
}

static void test_numbers_keep_to_their_bounds(void **state)
{
	(void)state;
	for (unsigned int id = 0; id < OPTION_COUNT; id++) {
		const struct option_spec *spec = option_spec((enum option_id)id);
		char text[32];

		if (spec->type != OPTION_NUMBER)
			continue;
		snprintf(text, sizeof(text), "%lld", (long long)spec->least);
		takes(spec->key, text, NULL);
		snprintf(text, sizeof(text), "%lld", (long long)spec->most);
		takes(spec->key, text, NULL);
		snprintf(text, sizeof(text), "%lld", (long long)spec->most + 1);
		refuses(spec->key, text);
		snprintf(text, sizeof(text), "%lld", (long long)spec->least - 1);
		refuses(spec->key, text);
		REFUSES(spec->key, "", " 5", "5 ", "0x10", "1e3", "five", "99999999999999999999");
	}
}

static void test_choices_have_long_and_short_names(void **state)
{
	(void)state;
	for (unsigned int id = 0; id < OPTION_COUNT; id++) {
		const struct option_spec *spec = option_spec((enum option_id)id);

		if (spec->type != OPTION_CHOICE)
			continue;
		for (unsigned int i = 0; spec->values[i].name != NULL; i++) {
			takes(spec->key, spec->values[i].name, NULL);
			if (spec->values[i].brief != NULL)
				takes(spec->key, spec->values[i].brief, spec->values[i].name);
		}
		REFUSES(spec->key, "", "nonsense", "ON", "on ", "0");
	}
	takes("tcp.filtering", "cdf", "connection-dependent");
	REFUSES("udp.filtering", "cdf", "connection-dependent");
	takes("udp.random", "4", "double-hash");
}

/* The default of each knob is one of its values, and what is allowed is said of each. */
static void test_every_knob_says_what_it_takes(void **state)
{
	(void)state;
	for (unsigned int id = 0; id < OPTION_COUNT; id++) {
		const struct option_spec *spec = option_spec((enum option_id)id);
		char allowed[OPTIONS_TEXT_MAX], text[OPTIONS_TEXT_MAX];
		struct options o;

		options_init(&o);
		takes(spec->key, spec->initial, option_value_format(spec, &o, text));
		assert_true(strlen(option_value_allowed(spec, allowed)) > 3);
	}
}

/* --- knobs that contradict each other ------------------------------------------------------- */

static void assert_contradict(const char *const *knobs, const char *first, const char *second)
{
	char why[512] = "";
	struct options o;

	options_init(&o);
	assert_int_equal(options_check(&o, why, sizeof(why)), 0);
	for (; *knobs != NULL; knobs += 2)
		lab_value(&o, knobs[0], knobs[1]);
	assert_int_equal(options_check(&o, why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, first));
	assert_non_null(strstr(why, second));
}

#define CONTRADICT(first, second, ...) \
	assert_contradict((const char *const[]){ __VA_ARGS__, NULL }, first, second)

static void test_rfc7857_req3_overlap_and_open_filtering_contradict(void **state)
{
	(void)state;
	CONTRADICT("udp.port-overlap", "udp.filtering", "udp.port-overlap", "on", "udp.filtering",
		   "eif");
	CONTRADICT("tcp.port-overlap", "tcp.filtering", "tcp.port-overlap", "on", "tcp.filtering",
		   "eif");
	CONTRADICT("icmp.port-overlap", "icmp.filtering", "icmp.port-overlap", "on",
		   "icmp.filtering", "eif");
	CONTRADICT("udp.port-overlap", "udp.ports", "udp.port-overlap", "on", "udp.ports",
		   "overload");
}

static void test_range_and_class_contradict(void **state)
{
	char why[512];
	struct options o;

	(void)state;
	CONTRADICT("udp.port-range", "udp.range-class", "udp.port-range", "1-1023");
	CONTRADICT("tcp.port-range", "tcp.range-class", "tcp.port-range", "500-600",
		   "tcp.range-class", "linux");
	options_init(&o);
	lab_value(&o, "udp.port-range", "1-1023");
	lab_value(&o, "udp.range-class", "ignore");
	lab_value(&o, "icmp.port-range", "1-5"); /* identifiers have no classes */
	assert_int_equal(options_check(&o, why, sizeof(why)), 0);
}

static void test_address_with_two_meanings_contradicts_itself(void **state)
{
	(void)state;
	CONTRADICT("nat.one-to-one", "nat.forwards", "nat.one-to-one", "203.0.113.5=192.168.1.9",
		   "nat.forwards", "tcp:203.0.113.5:80=192.168.1.2:80");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists_of_ports),
		cmocka_unit_test(test_forwards),
		cmocka_unit_test(test_one_forward_alone),
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_addresses_and_ranges),
		cmocka_unit_test(test_remotes),
		cmocka_unit_test(test_timers_by_port),
		cmocka_unit_test(test_protocols),
		cmocka_unit_test(test_longest_lists),
		cmocka_unit_test(test_times_that_may_be_those_of_another),
		cmocka_unit_test(test_numbers_keep_to_their_bounds),
		cmocka_unit_test(test_choices_have_long_and_short_names),
		cmocka_unit_test(test_every_knob_says_what_it_takes),
		cmocka_unit_test(test_rfc7857_req3_overlap_and_open_filtering_contradict),
		cmocka_unit_test(test_range_and_class_contradict),
		cmocka_unit_test(test_address_with_two_meanings_contradicts_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
