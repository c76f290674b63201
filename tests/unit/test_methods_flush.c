/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mappings.flush: what each parameter selects, what is answered, and what is refused.
 */
#include "tests/unit/methods.h"

/* Two hosts with UDP, one of them with TCP and a ping as well. */
static void open_some(struct daemon *d)
{
	size_t before = d->nat.mappings.arena.live;

	open_udp(d, "192.168.1.2:5000", "203.0.113.10:7000");
	open_udp(d, "192.168.1.3:5000", "203.0.113.10:7000");
	pass(d, wire_tcp(ep("192.168.1.2:5000"), ep("203.0.113.10:80"), WIRE_SYN), NAT_INTERNAL);
	pass(d, wire_ping(ep("192.168.1.2:99"), ep("203.0.113.10:99")), NAT_INTERNAL);
	assert_listed(d, before + 4);
}

static void assert_flushes(struct daemon *d, const char *params, json_int_t wanted)
{
	json_t *answer_ = result(d, "mappings.flush", params);
	json_int_t flushed;

	assert_shape(answer_, "{s:I}", "flushed", &flushed);
	assert_int_equal(flushed, wanted);
	json_decref(answer_);
}

/* The first mapping of @protocol in the list; its member @name, owned by the caller. */
static json_t *member_of(struct daemon *d, const char *protocol, const char *name)
{
	json_t *page = result(d, "mappings.list", ""), *mapping, *value = NULL;
	size_t i;

	json_array_foreach(json_object_get(page, "mappings"), i, mapping)
		if (strcmp(json_string_value(json_object_get(mapping, "protocol")), protocol) == 0)
			value = json_incref(json_object_get(mapping, name));
	json_decref(page);
	assert_non_null(value);
	return value;
}

static void test_flush_all(void **state)
{
	open_some(*state);
	assert_flushes(*state, "{\"all\":true}", 4);
	assert_listed(*state, 0);
	assert_flushes(*state, "{\"all\":true}", 0);
}

static void test_flush_by_host(void **state)
{
	open_some(*state);
	assert_flushes(*state, "{\"host\":\"192.168.1.2\"}", 3);
	assert_flushes(*state, "{\"host\":\"192.168.1.2\"}", 0);
	assert_listed(*state, 1);
}

static void test_flush_by_protocol(void **state)
{
	static const char *const protocols[] = { "udp", "tcp", "icmp" };
	static const json_int_t flushed[] = { 2, 1, 1 };

	open_some(*state);
	for (size_t i = 0; i < 3; i++) {
		char params[64];

		snprintf(params, sizeof(params), "{\"protocol\":\"%s\"}", protocols[i]);
		assert_flushes(*state, params, flushed[i]);
	}
	assert_listed(*state, 0);
}

/* GRE, which has an endpoint with its number for a port. */
static void test_flush_by_protocol_takes_other_ones(void **state)
{
	struct daemon *d = *state;
	struct wire gre = wire_ip(47, ep("192.168.1.2:0"), ep("203.0.113.10:0"), 0, 8);

	wire_fix(gre);
	json_decref(result(d, "options.set", "{\"options\":{\"other.protocols\":\"gre\"}}"));
	assert_int_equal(pass(d, gre, NAT_INTERNAL).verdict, NAT_REWRITTEN);
	open_some(d);
	assert_flushes(d, "{\"protocol\":\"other\"}", 1);
	assert_listed(d, 4);
}

static void test_flush_by_external_endpoint(void **state)
{
	json_t *external;
	char params[64];

	open_some(*state);
	external = member_of(*state, "icmp", "external");
	snprintf(params, sizeof(params), "{\"external\":\"%s\"}", json_string_value(external));
	assert_flushes(*state, params, 1);
	assert_flushes(*state, params, 0);
	assert_listed(*state, 3);
	json_decref(external);
}

static void test_flush_by_id(void **state)
{
	json_t *id;
	char params[64];

	open_some(*state);
	id = member_of(*state, "tcp", "id");
	snprintf(params, sizeof(params), "{\"mapping\":%" JSON_INTEGER_FORMAT "}",
		 json_integer_value(id));
	assert_flushes(*state, params, 1);
	assert_listed(*state, 3);
	assert_refused(*state, "mappings.flush", params, RPC_FAILED, "there is no mapping");
	assert_refused(*state, "mappings.flush", "{\"mapping\":4294967294}", RPC_FAILED,
		       "no mapping 4294967294");
	json_decref(id);
}

static void test_flush_parameters_hold_together(void **state)
{
	open_some(*state);
	assert_flushes(*state, "{\"host\":\"192.168.1.3\",\"protocol\":\"tcp\"}", 0);
	assert_flushes(*state, "{\"host\":\"192.168.1.2\",\"protocol\":\"udp\"}", 1);
	assert_listed(*state, 3);
}

static void test_flush_does_not_count_what_is_over(void **state)
{
	struct daemon *d = *state;

	open_some(d);
	d->now.ms += 300000;
	assert_flushes(d, "{\"all\":true}", 0);
	assert_int_equal(d->nat.mappings.arena.live, 0);
}

static void test_flush_bad_params_are_refused_and_remove_nothing(void **state)
{
	static const struct {
		const char *params, *part;
	} cases[] = {
		{ "", "all, or one or more of host, protocol, external and mapping" },
		{ "{}", "all, or one or more of host, protocol, external and mapping" },
		{ "{\"all\":false}", "all: true is needed" },
		{ "{\"all\":1}", "all: true is needed" },
		{ "{\"all\":null}", "all: true is needed" },
		{ "{\"all\":true,\"protocol\":\"udp\"}", "no other parameter with it" },
		{ "{\"host\":\"client\"}", "host: an internal address is needed" },
		{ "{\"host\":\"192.168.1.2:5000\"}", "host: an internal address" },
		{ "{\"host\":7}", "host: an internal address" },
		{ "{\"host\":null}", "host: an internal address" },
		{ "{\"protocol\":\"sctp\"}", "protocol: udp, tcp, icmp or other is needed" },
		{ "{\"protocol\":\"UDP\"}", "protocol: udp" },
		{ "{\"protocol\":17}", "protocol: udp" },
		{ "{\"external\":\"203.0.113.1\"}", "external: an endpoint is needed" },
		{ "{\"external\":[]}", "external: an endpoint" },
		{ "{\"mapping\":-1}", "mapping: a whole number" },
		{ "{\"mapping\":4294967295}", "mapping: a whole number" },
		{ "{\"mapping\":\"1\"}", "mapping: a whole number" },
		{ "{\"mapping\":null}", "mapping: a whole number" },
		{ "{\"All\":true}", "no parameter 'All'" },
	};

	open_some(*state);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_refused(*state, "mappings.flush", cases[i].params, RPC_INVALID_PARAMS,
			       cases[i].part);
		assert_listed(*state, 4);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		methods_test(test_flush_all),
		methods_test(test_flush_by_host),
		methods_test(test_flush_by_protocol),
		methods_test(test_flush_by_protocol_takes_other_ones),
		methods_test(test_flush_by_external_endpoint),
		methods_test(test_flush_by_id),
		methods_test(test_flush_parameters_hold_together),
		methods_test(test_flush_does_not_count_what_is_over),
		methods_test(test_flush_bad_params_are_refused_and_remove_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
