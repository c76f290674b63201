/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ports.who, hosts.list and events.list: who has what, and what has happened.
 */
#include "tests/unit/methods.h"

static void set(struct daemon *d, const char *key, const char *value)
{
	char params[256];

	snprintf(params, sizeof(params), "{\"options\":{\"%s\":\"%s\"}}", key, value);
	json_decref(result(d, "options.set", params));
}

/* --- who ------------------------------------------------------------------------------------ */

static json_t *who(struct daemon *d, const char *external)
{
	char params[128];

	snprintf(params, sizeof(params), "{\"external\":\"%s\"}", external);
	return result(d, "ports.who", params);
}

/* What is said of @protocol; borrowed from @answer_. */
static json_t *about(const json_t *answer_, const char *protocol)
{
	json_t *entry;
	size_t i;

	json_array_foreach(json_object_get(answer_, "protocols"), i, entry)
		if (strcmp(json_string_value(json_object_get(entry, "protocol")), protocol) == 0)
			return entry;
	fail_msg("nothing about %s", protocol);
	return NULL;
}

static void assert_state(struct daemon *d, const char *external, const char *protocol,
			 const char *wanted)
{
	json_t *answer_ = who(d, external);

	assert_text(about(answer_, protocol), "state", wanted);
	json_decref(answer_);
}

/* External endpoint of the first mapping there is. */
static void external_of_first(struct daemon *d, char text[64])
{
	json_t *page = result(d, "mappings.list", "");

	strcpy(text, json_string_value(json_object_get(first(page, "mappings"), "external")));
	json_decref(page);
}

static void test_who_has_every_member(void **state)
{
	struct daemon *d = *state;
	json_t *answer_, *protocols, *block, *mappings, *rule, *leads, *left, *page;
	const char *protocol, *it, *external;
	char text[64];
	int ours;

	open_udp(d, "192.168.1.2:5000", "203.0.113.10:7000");
	external_of_first(d, text);
	answer_ = who(d, text);
	assert_shape(answer_, "{s:s, s:b, s:o, s:o}", "external", &external, "is_external", &ours,
		     "protocols", &protocols, "block", &block);
	assert_string_equal(external, text);
	assert_true(ours);
	assert_true(json_is_null(block));
	assert_int_equal(json_array_size(protocols), 3);
	assert_shape(json_array_get(protocols, 0), "{s:s, s:s, s:o, s:o, s:o, s:o}", "protocol",
		     &protocol, "state", &it, "mappings", &mappings, "rule", &rule, "leads_to",
		     &leads, "free_in_ms", &left);
	assert_string_equal(protocol, "udp");
	assert_string_equal(it, "mapped");
	page = result(d, "mappings.list", "");
	assert_true(json_equal(mappings, json_object_get(page, "mappings")));
	json_decref(page);
	assert_true(json_is_null(rule) && json_is_null(leads) && json_is_null(left));
	assert_text(about(answer_, "tcp"), "state", "free");
	assert_text(about(answer_, "icmp"), "state", "free");
	json_decref(answer_);
}

static void test_who_leaves_out_what_is_over(void **state)
{
	struct daemon *d = *state;
	char text[64];

	open_udp(d, "192.168.1.2:5000", "203.0.113.10:7000");
	external_of_first(d, text);
	d->now.ms += 299999;
	assert_state(d, text, "udp", "mapped");
	d->now.ms += 1;
	assert_state(d, text, "udp", "free");
}

static void test_who_finds_every_mapping_of_a_shared_port(void **state)
{
	struct daemon *d = *state;
	json_t *answer_;
	char text[64];

	set(d, "udp.port-overlap", "on");
	set(d, "udp.port-range", "40000-40000");
	open_udp(d, "192.168.1.2:5000", "203.0.113.10:7000");
	open_udp(d, "192.168.1.3:5000", "203.0.113.11:7000");
	external_of_first(d, text);
	answer_ = who(d, text);
	assert_int_equal(json_array_size(json_object_get(about(answer_, "udp"), "mappings")), 2);
	json_decref(answer_);
}

static void test_who_follows_the_rules_where_no_mapping_is(void **state)
{
	static const struct {
		const char *external, *protocol, *state, *kind, *leads_to;
	} cases[] = {
		{ "203.0.113.1:8080", "tcp", "forwarded", "tcp", "192.168.1.2:80" },
		{ "203.0.113.1:8080", "udp", "forwarded", "dmz", "192.168.1.7:8080" },
		{ "203.0.113.1:8080", "icmp", "free", NULL, NULL },
		{ "203.0.113.1:5003", "udp", "forwarded", "udp", "192.168.1.3:6003" },
		{ "203.0.113.1:5010", "udp", "forwarded", "dmz", "192.168.1.7:5010" },
		{ "203.0.113.1:22", "tcp", "reserved", NULL, NULL },
		{ "203.0.113.1:22", "icmp", "free", NULL, NULL },
		{ "203.0.113.5:9", "icmp", "forwarded", "one-to-one", "192.168.1.9:9" },
		{ "203.0.113.5:22", "tcp", "forwarded", "one-to-one", "192.168.1.9:22" },
	};
	struct daemon *d = *state;

	set(d, "nat.forwards", "tcp:8080=192.168.1.2:80,udp:5000-5009=192.168.1.3:6000");
	set(d, "nat.one-to-one", "203.0.113.5=192.168.1.9");
	set(d, "nat.dmz", "192.168.1.7");
	set(d, "nat.reserved-ports", "22");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *answer_ = who(d, cases[i].external);
		json_t *entry = about(answer_, cases[i].protocol);

		assert_text(entry, "state", cases[i].state);
		if (cases[i].kind != NULL) {
			assert_text(json_object_get(entry, "rule"), "kind", cases[i].kind);
			assert_text(entry, "leads_to", cases[i].leads_to);
		} else {
			assert_true(json_is_null(json_object_get(entry, "rule")));
			assert_true(json_is_null(json_object_get(entry, "leads_to")));
		}
		json_decref(answer_);
	}
}

/* The packets go where it says they would. */
static void test_who_is_right_about_where_packets_go(void **state)
{
	static const char *const externals[] = { "203.0.113.1:5003", "203.0.113.1:77",
						 "203.0.113.5:5003" };
	struct daemon *d = *state;

	set(d, "nat.forwards", "udp:5000-5009=192.168.1.3:6000");
	set(d, "nat.one-to-one", "203.0.113.5=192.168.1.9");
	set(d, "nat.dmz", "192.168.1.7");
	for (size_t i = 0; i < 3; i++) {
		json_t *before = who(d, externals[i]), *after;
		json_t *mapping;

		pass(d, wire_udp(ep("203.0.113.10:9"), ep(externals[i])), NAT_EXTERNAL);
		after = who(d, externals[i]);
		assert_text(about(after, "udp"), "state", "mapped");
		mapping = json_array_get(json_object_get(about(after, "udp"), "mappings"), 0);
		assert_text(mapping, "internal",
			    json_string_value(json_object_get(about(before, "udp"), "leads_to")));
		json_decref(before);
		json_decref(after);
	}
}

static void test_who_says_how_long_a_port_rests(void **state)
{
	struct daemon *d = *state;
	json_t *answer_;
	char text[64];

	set(d, "udp.port-reuse-delay", "60s");
	open_udp(d, "192.168.1.2:5000", "203.0.113.10:7000");
	external_of_first(d, text);
	json_decref(result(d, "mappings.flush", "{\"all\":true}"));
	d->now.ms += 10000;
	answer_ = who(d, text);
	assert_text(about(answer_, "udp"), "state", "resting");
	assert_number(about(answer_, "udp"), "free_in_ms", 50000);
	assert_text(about(answer_, "tcp"), "state", "free");
	json_decref(answer_);
	d->now.ms += 50000;
	assert_state(d, text, "udp", "free");
}

static void test_who_tells_of_the_other_protocol_where_ports_are_shared(void **state)
{
	struct daemon *d = *state;
	char text[64];

	open_udp(d, "192.168.1.2:5000", "203.0.113.10:7000");
	external_of_first(d, text);
	assert_state(d, text, "tcp", "free");
	json_decref(result(d, "mappings.flush", "{\"all\":true}"));
	set(d, "nat.protocol-scope", "shared");
	set(d, "nat.dmz", "192.168.1.7");
	open_udp(d, "192.168.1.2:5000", "203.0.113.10:7000");
	external_of_first(d, text);
	assert_state(d, text, "udp", "mapped");
	assert_state(d, text, "tcp", "shared");
	assert_state(d, text, "icmp", "free");
	json_decref(result(d, "mappings.flush", "{\"all\":true}"));
	assert_state(d, text, "tcp", "forwarded");
	/* What the DMZ host has by the one, it has by the other. */
	assert_int_equal(pass(d, wire_udp(ep("203.0.113.10:9"), ep(text)), NAT_EXTERNAL).verdict,
			 NAT_REWRITTEN);
	assert_state(d, text, "udp", "mapped");
	assert_state(d, text, "tcp", "forwarded");
	assert_int_equal(
		pass(d, wire_tcp(ep("203.0.113.10:9"), ep(text), WIRE_SYN), NAT_EXTERNAL).verdict,
		NAT_REWRITTEN);
}

static void test_who_knows_dynamic_blocks(void **state)
{
	struct daemon *d = *state;
	json_t *answer_, *block;
	struct endpoint external;
	char text[64];

	set(d, "nat.blocks", "dynamic");
	open_udp(d, "192.168.1.2:5000", "203.0.113.10:7000");
	external_of_first(d, text);
	external = ep(text);
	answer_ = who(d, text);
	block = json_object_get(answer_, "block");
	assert_int_equal(json_object_size(block), 4);
	assert_text(block, "kind", "dynamic");
	assert_text(block, "host", "192.168.1.2");
	assert_number(block, "first", 1024 + (external.port - 1024) / 512 * 512);
	assert_number(block, "last", 1024 + (external.port - 1024) / 512 * 512 + 511);
	json_decref(answer_);
	snprintf(text, sizeof(text), "203.0.113.1:%d", external.port >= 30000 ? 1024 : 50000);
	answer_ = who(d, text);
	block = json_object_get(answer_, "block");
	assert_text(block, "kind", "dynamic");
	assert_true(json_is_null(json_object_get(block, "host")));
	json_decref(answer_);
	answer_ = who(d, "203.0.113.1:1023");
	assert_true(json_is_null(json_object_get(answer_, "block")));
	json_decref(answer_);
}

/* RFC 7422: also when nobody uses it. 14 hosts and 2 of overflow share 64512 ports: 4032 each. */
static void test_who_knows_deterministic_blocks_and_the_overflow(void **state)
{
	static const struct {
		const char *external, *kind, *host;
		json_int_t first, last;
	} cases[] = {
		{ "203.0.113.1:1024", "deterministic", "192.168.1.1", 1024, 5055 },
		{ "203.0.113.1:5055", "deterministic", "192.168.1.1", 1024, 5055 },
		{ "203.0.113.1:5056", "deterministic", "192.168.1.2", 5056, 9087 },
		{ "203.0.113.1:57471", "deterministic", "192.168.1.14", 53440, 57471 },
		{ "203.0.113.1:57472", "overflow", NULL, 57472, 65535 },
		{ "203.0.113.1:65535", "overflow", NULL, 57472, 65535 },
	};
	struct daemon *d = *state;
	json_t *answer_;

	json_decref(result(d, "options.set",
			   "{\"options\":{\"nat.blocks\":\"deterministic\","
			   "\"nat.internal\":\"192.168.1.1-192.168.1.14\","
			   "\"nat.block-overflow\":2}}"));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *block;

		answer_ = who(d, cases[i].external);
		block = json_object_get(answer_, "block");
		assert_text(block, "kind", cases[i].kind);
		if (cases[i].host != NULL)
			assert_text(block, "host", cases[i].host);
		else
			assert_true(json_is_null(json_object_get(block, "host")));
		assert_number(block, "first", cases[i].first);
		assert_number(block, "last", cases[i].last);
		json_decref(answer_);
	}
	answer_ = who(d, "203.0.113.1:1023");
	assert_true(json_is_null(json_object_get(answer_, "block")));
	json_decref(answer_);
}

static void test_who_of_no_external_address_says_so(void **state)
{
	json_t *answer_ = who(*state, "203.0.113.2:80");

	assert_true(json_is_false(json_object_get(answer_, "is_external")));
	assert_int_equal(json_array_size(json_object_get(answer_, "protocols")), 0);
	assert_true(json_is_null(json_object_get(answer_, "block")));
	json_decref(answer_);
}

static void test_who_of_one_protocol_tells_of_that_alone(void **state)
{
	struct daemon *d = *state;
	json_t *answer_ =
		result(d, "ports.who", "{\"external\":\"203.0.113.1:47\",\"protocol\":\"tcp\"}");

	assert_int_equal(json_array_size(json_object_get(answer_, "protocols")), 1);
	assert_text(about(answer_, "tcp"), "state", "free");
	json_decref(answer_);
	/* Of protocols without ports only where one of that number is translated. */
	set(d, "other.protocols", "gre");
	answer_ = who(d, "203.0.113.1:47");
	assert_int_equal(json_array_size(json_object_get(answer_, "protocols")), 4);
	json_decref(answer_);
	answer_ = who(d, "203.0.113.1:48");
	assert_int_equal(json_array_size(json_object_get(answer_, "protocols")), 3);
	json_decref(answer_);
}

static void test_who_bad_params_are_refused(void **state)
{
	static const struct {
		const char *params, *part;
	} cases[] = {
		{ "", "external: an endpoint is needed, such as 203.0.113.1:40213" },
		{ "{\"external\":\"203.0.113.1\"}", "external: an endpoint" },
		{ "{\"external\":\"203.0.113.1:0\"}", "external: an endpoint" },
		{ "{\"external\":80}", "external: an endpoint" },
		{ "{\"external\":\"203.0.113.1:80\",\"protocol\":\"sctp\"}",
		  "protocol: udp, tcp, icmp or other is needed" },
		{ "{\"external\":\"203.0.113.1:80\",\"protocol\":6}", "protocol: udp" },
		{ "{\"external\":\"203.0.113.1:80\",\"port\":6}", "no parameter 'port'" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_refused(*state, "ports.who", cases[i].params, RPC_INVALID_PARAMS,
			       cases[i].part);
}

/* --- hosts ---------------------------------------------------------------------------------- */

static void assert_use(const json_t *uses, const char *name, json_int_t count, json_int_t quota)
{
	const json_t *use = json_object_get(uses, name);

	assert_int_equal(json_object_size(use), 2);
	assert_number(use, "count", count);
	if (quota == 0)
		assert_true(json_is_null(json_object_get(use, "quota")));
	else
		assert_number(use, "quota", quota);
}

static void test_host_has_every_member(void **state)
{
	struct daemon *d = *state;
	json_t *page, *mappings, *sessions, *blocks;
	const char *address, *external;
	json_int_t id;

	set(d, "udp.max-mappings-per-host", "10");
	set(d, "nat.max-sessions-per-host", "100");
	open_udp(d, "192.168.1.2:5000", "203.0.113.10:7000");
	open_udp(d, "192.168.1.2:5000", "203.0.113.11:7000");
	pass(d, wire_tcp(ep("192.168.1.2:5000"), ep("203.0.113.10:80"), WIRE_SYN), NAT_INTERNAL);
	page = result(d, "hosts.list", "");
	assert_true(json_is_null(json_object_get(page, "next")));
	assert_int_equal(json_array_size(json_object_get(page, "hosts")), 1);
	assert_shape(first(page, "hosts"), "{s:I, s:s, s:s, s:o, s:o, s:o}", "id", &id, "address",
		     &address, "external", &external, "mappings", &mappings, "sessions", &sessions,
		     "blocks", &blocks);
	assert_string_equal(address, "192.168.1.2");
	assert_string_equal(external, "203.0.113.1");
	assert_int_equal(json_object_size(mappings), 1 + NAT_PROTOCOLS);
	assert_use(mappings, "all", 2, 0);
	assert_use(mappings, "udp", 1, 10);
	assert_use(mappings, "tcp", 1, 0);
	assert_use(mappings, "icmp", 0, 0);
	assert_use(mappings, "other", 0, 0);
	assert_use(sessions, "all", 3, 100);
	assert_use(sessions, "udp", 2, 0);
	assert_use(sessions, "tcp", 1, 0);
	assert_int_equal(json_array_size(blocks), 0);
	json_decref(page);
}

static void test_hosts_come_in_pages(void **state)
{
	struct daemon *d = *state;
	json_t *page;

	fill(d, 7);
	page = result(d, "hosts.list", "{\"limit\":5}");
	assert_int_equal(json_array_size(json_object_get(page, "hosts")), 5);
	assert_number(page, "next", 5);
	json_decref(page);
	page = result(d, "hosts.list", "{\"cursor\":5}");
	assert_int_equal(json_array_size(json_object_get(page, "hosts")), 2);
	assert_true(json_is_null(json_object_get(page, "next")));
	json_decref(page);
}

static void test_host_of_its_own_address_has_that(void **state)
{
	struct daemon *d = *state;
	json_t *page;

	set(d, "nat.one-to-one", "203.0.113.5=192.168.1.9");
	open_udp(d, "192.168.1.9:5000", "203.0.113.10:7000");
	page = result(d, "hosts.list", "");
	assert_text(first(page, "hosts"), "external", "203.0.113.5");
	json_decref(page);
}

static void test_host_has_its_blocks(void **state)
{
	struct daemon *d = *state;
	json_t *page, *block;
	char text[64];

	set(d, "nat.blocks", "dynamic");
	open_udp(d, "192.168.1.2:5000", "203.0.113.10:7000");
	external_of_first(d, text);
	page = result(d, "hosts.list", "");
	block = json_array_get(json_object_get(first(page, "hosts"), "blocks"), 0);
	assert_int_equal(json_object_size(block), 3);
	assert_text(block, "external", "203.0.113.1");
	assert_number(block, "first", 1024 + (ep(text).port - 1024) / 512 * 512);
	assert_number(block, "last", 1024 + (ep(text).port - 1024) / 512 * 512 + 511);
	json_decref(page);
	json_decref(result(d, "mappings.flush", "{\"all\":true}"));
	json_decref(result(d, "options.set",
			   "{\"options\":{\"nat.blocks\":\"deterministic\","
			   "\"nat.internal\":\"192.168.1.1-192.168.1.16\"}}"));
	open_udp(d, "192.168.1.2:5000", "203.0.113.10:7000");
	page = result(d, "hosts.list", "");
	block = json_array_get(json_object_get(first(page, "hosts"), "blocks"), 0);
	assert_number(block, "first", 5056);
	assert_number(block, "last", 9087);
	json_decref(page);
}

/* --- events --------------------------------------------------------------------------------- */

static void test_event_has_every_member(void **state)
{
	struct daemon *d = *state;
	json_t *answer_, *events, *event;
	json_t *reason, *host, *external, *last, *protocol, *knob, *preset;
	json_t *internal, *remote, *mapping, *session, *cause, *duration;
	json_int_t number, age;
	const char *type, *text;

	set(d, "udp.max-mappings-per-host", "1");
	open_udp(d, "192.168.1.2:5000", "203.0.113.10:7000");
	pass(d, wire_udp(ep("192.168.1.2:5001"), ep("203.0.113.10:7000")), NAT_INTERNAL);
	d->now.ms += 2500;
	answer_ = result(d, "events.list", "");
	assert_int_equal(json_object_size(answer_), 2);
	assert_number(answer_, "next", 2);
	events = json_object_get(answer_, "events");
	assert_int_equal(json_array_size(events), 1);
	event = json_array_get(events, 0);
	assert_shape(event,
		     "{s:I, s:I, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
		     "s:o, s:s}",
		     "number", &number, "age_ms", &age, "type", &type, "reason", &reason,
		     "protocol", &protocol, "knob", &knob, "preset", &preset, "host", &host,
		     "external", &external, "last", &last, "internal", &internal, "remote", &remote,
		     "mapping", &mapping, "session", &session, "cause", &cause, "duration_ms",
		     &duration, "text", &text);
	assert_int_equal(number, 1);
	assert_int_equal(age, 2500);
	assert_string_equal(type, "limit-reached");
	assert_text(event, "reason", "host-quota");
	assert_text(event, "host", "192.168.1.2");
	assert_text(event, "protocol", "udp");
	assert_text(event, "knob", "udp.max-mappings-per-host");
	assert_true(json_is_null(external) && json_is_null(last) && json_is_null(preset));
	assert_true(json_is_null(internal) && json_is_null(remote) && json_is_null(mapping));
	assert_true(json_is_null(session) && json_is_null(cause) && json_is_null(duration));
	assert_memory_equal(text, "limit reached by 192.168.1.2, udp: host-quota: ", 47);
	json_decref(answer_);
}

static void test_event_of_a_block_names_its_ports(void **state)
{
	struct daemon *d = *state;
	json_t *answer_, *event;

	set(d, "nat.blocks", "dynamic");
	open_udp(d, "192.168.1.2:5000", "203.0.113.10:7000");
	answer_ = result(d, "events.list", "");
	event = first(answer_, "events");
	assert_text(event, "type", "block-allocated");
	assert_true(json_is_null(json_object_get(event, "reason")));
	assert_text(event, "host", "192.168.1.2");
	assert_int_equal(json_integer_value(json_object_get(event, "last")),
			 ep(json_string_value(json_object_get(event, "external"))).port + 511);
	json_decref(answer_);
}

static void add_events(struct daemon *d, int count)
{
	for (int i = 0; i < count; i++)
		event_add(&d->nat.events,
			  &(struct nat_event){ .at = d->now, .type = EVENT_OPTIONS_CHANGED });
}

static void test_events_are_listed_from_a_number_on(void **state)
{
	static const struct {
		const char *params;
		size_t count;
		json_int_t first, next;
	} cases[] = {
		{ "", 256, 45, 301 },
		{ "{\"from\":1,\"limit\":10}", 10, 45, 55 },
		{ "{\"from\":100,\"limit\":10}", 10, 100, 110 },
		{ "{\"from\":300}", 1, 300, 301 },
		{ "{\"from\":301}", 0, 0, 301 },
	};
	struct daemon *d = *state;

	add_events(d, 300); /* more than the ring has room for */
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *answer_ = result(d, "events.list", cases[i].params);
		json_t *events = json_object_get(answer_, "events"), *event;
		size_t n;

		assert_int_equal(json_array_size(events), cases[i].count);
		assert_number(answer_, "next", cases[i].next);
		json_array_foreach(events, n, event)
			assert_number(event, "number", cases[i].first + (json_int_t)n);
		json_decref(answer_);
	}
}

static void test_flows_are_listed_while_somebody_listens(void **state)
{
	struct daemon *d = *state;
	const struct nat_selection all = { .mapping = NAT_NONE, .protocol = NAT_PROTOCOLS };
	json_t *answer_, *event;

	open_udp(d, "192.168.1.3:5000", "203.0.113.10:7000");
	d->nat.listeners.mappings = d->nat.listeners.sessions = 1;
	open_udp(d, "192.168.1.2:5000", "203.0.113.10:7000");
	d->now.ms += 2500;
	nat_flush(&d->nat, &all, d->now);
	answer_ = result(d, "events.list", "{\"flows\":true,\"limit\":2}");
	assert_int_equal(json_array_size(json_object_get(answer_, "events")), 2);
	event = json_array_get(json_object_get(answer_, "events"), 0);
	assert_text(event, "type", "mapping-created");
	assert_text(event, "protocol", "udp");
	assert_text(event, "internal", "192.168.1.2:5000");
	assert_text(event, "host", "192.168.1.2");
	assert_number(event, "mapping", 1);
	assert_true(json_is_null(json_object_get(event, "session")));
	assert_true(json_is_null(json_object_get(event, "remote")));
	assert_true(json_is_null(json_object_get(event, "cause")));
	assert_true(json_is_null(json_object_get(event, "duration_ms")));
	assert_number(event, "age_ms", 2500);
	event = json_array_get(json_object_get(answer_, "events"), 1);
	assert_text(event, "type", "session-created");
	assert_text(event, "remote", "203.0.113.10:7000");
	assert_number(event, "session", 1);
	assert_number(answer_, "next", 3);
	json_decref(answer_);
	answer_ = result(d, "events.list", "{\"flows\":true,\"from\":6}");
	event = first(answer_, "events");
	assert_text(event, "type", "mapping-ended");
	assert_text(event, "cause", "flushed");
	assert_number(event, "duration_ms", 2500);
	assert_non_null(strstr(json_string_value(json_object_get(event, "text")),
			       "udp 192.168.1.2:5000 was 203.0.113.1:"));
	assert_non_null(
		strstr(json_string_value(json_object_get(event, "text")), " for 2.500 s: flushed"));
	json_decref(answer_);
}

static void test_events_bad_params_are_refused(void **state)
{
	static const char *const params[] = { "{\"from\":0}",	"{\"from\":\"1\"}",
					      "{\"limit\":0}",	"{\"limit\":257}",
					      "{\"cursor\":0}", "{\"flows\":1}" };
	static const char *const parts[] = { "from: a whole number from 1",
					     "from: a whole number",
					     "limit: a whole number from 1 to 256",
					     "limit",
					     "no parameter 'cursor'",
					     "flows: true or false" };

	for (size_t i = 0; i < 6; i++)
		assert_refused(*state, "events.list", params[i], RPC_INVALID_PARAMS, parts[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		methods_test(test_who_has_every_member),
		methods_test(test_who_leaves_out_what_is_over),
		methods_test(test_who_finds_every_mapping_of_a_shared_port),
		methods_test(test_who_follows_the_rules_where_no_mapping_is),
		methods_test(test_who_is_right_about_where_packets_go),
		methods_test(test_who_says_how_long_a_port_rests),
		methods_test(test_who_tells_of_the_other_protocol_where_ports_are_shared),
		methods_test(test_who_knows_dynamic_blocks),
		methods_test(test_who_knows_deterministic_blocks_and_the_overflow),
		methods_test(test_who_of_no_external_address_says_so),
		methods_test(test_who_of_one_protocol_tells_of_that_alone),
		methods_test(test_who_bad_params_are_refused),
		methods_test(test_host_has_every_member),
		methods_test(test_hosts_come_in_pages),
		methods_test(test_host_of_its_own_address_has_that),
		methods_test(test_host_has_its_blocks),
		methods_test(test_event_has_every_member),
		methods_test(test_event_of_a_block_names_its_ports),
		methods_test(test_events_are_listed_from_a_number_on),
		methods_test(test_flows_are_listed_while_somebody_listens),
		methods_test(test_events_bad_params_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
