/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the control socket can be asked: the shape of each result, pages, every kind of bad
 * parameter, and that a set is all or none.
 */
#include "nat/json/preset_list.h"
#include "tests/unit/methods.h"

/* --- status --------------------------------------------------------------------------------- */

static void test_status_has_every_member(void **state)
{
	struct daemon *d = *state;
	json_t *s, *external, *mappings, *sessions, *held, *own, *queue, *clock, *pcp, *log;
	const char *version, *lan, *wan;
	json_int_t pid, uptime, resting;

	d->sender.sent = 21;
	d->sender.failed = 22;
	d->nat.outputs.made = 25;
	d->nat.outputs.lost = 2;
	d->queue.packets = 12;
	d->queue.batches = 4;
	d->queue.overruns = 2;
	d->queue.lost_verdicts = 1;
	d->nat.leases.count = 3;
	d->nat.asked.granted = 4;
	d->nat.asked.refused = 5;
	d->nat.asked.ignored = 6;
	d->eventlog = (struct eventlog){ .written = 31,
					 .lost = 32,
					 .errors = 33,
					 .failing = true,
					 .socket_sent = 34,
					 .socket_lost = 35 };
	open_udp(d, "192.168.1.2:5000", "203.0.113.10:7000");
	open_udp(d, "192.168.1.2:5000", "203.0.113.11:7000");
	d->now.ms += 100000; /* uptime is real time */
	s = result(d, "status", "");
	assert_shape(
		s,
		"{s:s, s:I, s:I, s:s, s:s, s:n, s:o, s:o, s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:o}",
		"version", &version, "pid", &pid, "uptime_ms", &uptime, "lan", &lan, "wan", &wan,
		"lan_address", "external", &external, "mappings", &mappings, "sessions", &sessions,
		"resting_ports", &resting, "held", &held, "pcp", &pcp, "own_packets", &own, "queue",
		&queue, "clock", &clock, "log", &log);
	assert_string_equal(version, NATEM_VERSION);
	assert_int_equal(pid, getpid());
	assert_int_equal(uptime, 4000);
	assert_string_equal(lan, "lan");
	assert_string_equal(wan, "wan");
	assert_int_equal(json_array_size(external), 1);
	assert_string_equal(json_string_value(json_array_get(external, 0)), "203.0.113.1");
	assert_number(mappings, "live", 1);
	assert_number(mappings, "limit", 3000);
	assert_number(sessions, "live", 2);
	assert_number(sessions, "limit", 6000);
	assert_int_equal(resting, 0);
	assert_int_equal(json_object_size(held), 2);
	assert_number(held, "fragments", 0);
	assert_number(held, "syns", 0);
	assert_int_equal(json_object_size(pcp), 4);
	assert_number(pcp, "leases", 3);
	assert_number(pcp, "granted", 4);
	assert_number(pcp, "refused", 5);
	assert_number(pcp, "ignored", 6);
	d->nat.leases.count = 0;
	assert_int_equal(json_object_size(own), 4);
	assert_number(own, "made", 25);
	assert_number(own, "lost", 2);
	assert_number(own, "sent", 21);
	assert_number(own, "failed", 22);
	assert_int_equal(json_object_size(queue), 5);
	assert_number(queue, "number", 7);
	assert_number(queue, "packets", 12);
	assert_number(queue, "batches", 4);
	assert_number(queue, "overruns", 2);
	assert_number(queue, "lost_verdicts", 1);
	assert_int_equal(json_object_size(log), 9);
	assert_true(json_is_null(json_object_get(log, "file")));
	assert_number(log, "written", 31);
	assert_number(log, "waiting", 0);
	assert_number(log, "lost", 32);
	assert_number(log, "errors", 33);
	assert_true(json_is_true(json_object_get(log, "failing")));
	assert_true(json_is_false(json_object_get(log, "syslog")));
	assert_number(log, "syslog_sent", 34);
	assert_number(log, "syslog_lost", 35);
	assert_number(clock, "nat_ms", 104000);
	assert_number(clock, "real_ms", 4000);
	json_decref(s);
}

/* What was flushed has not expired. */
static void test_status_counts_what_was_made_and_what_expired(void **state)
{
	struct daemon *d = *state;
	json_t *s;

	open_udp(d, "192.168.1.2:5000", "203.0.113.10:7000");
	open_udp(d, "192.168.1.2:5000", "203.0.113.11:7000");
	open_udp(d, "192.168.1.2:5000", "203.0.113.12:7000");
	open_udp(d, "192.168.1.3:5000", "203.0.113.10:7000");
	json_decref(result(d, "mappings.flush", "{\"host\":\"192.168.1.3\"}"));
	d->now.ms += 200000;
	open_udp(d, "192.168.1.2:5000", "203.0.113.10:7000");
	d->now.ms += 100000;
	nat_tick(&d->nat, d->now, 100);
	s = result(d, "status", "");
	assert_int_equal(json_object_size(json_object_get(s, "mappings")), 3);
	assert_number(json_object_get(s, "mappings"), "live", 1);
	assert_number(json_object_get(s, "mappings"), "created", 2);
	assert_int_equal(json_object_size(json_object_get(s, "sessions")), 4);
	assert_number(json_object_get(s, "sessions"), "live", 1);
	assert_number(json_object_get(s, "sessions"), "created", 4);
	assert_number(json_object_get(s, "sessions"), "expired", 2);
	json_decref(s);
}

static void test_status_names_every_external_address(void **state)
{
	struct daemon *d = *state;
	json_t *s;

	json_decref(result(d, "options.set",
			   "{\"options\":{\"nat.external\":\"203.0.113.1-203.0.113.9\"}}"));
	s = result(d, "status", "{}");
	assert_int_equal(json_array_size(json_object_get(s, "external")), 9);
	json_decref(s);
}

static void test_status_counts_what_waits_and_what_rests(void **state)
{
	struct daemon *d = *state;
	json_t *s;

	json_decref(result(d, "options.set", "{\"options\":{\"udp.port-reuse-delay\":\"60s\"}}"));
	open_udp(d, "192.168.1.2:5000", "203.0.113.10:7000");
	json_decref(result(d, "mappings.flush", "{\"all\":true}"));
	pass(d, wire_tcp(ep("203.0.113.10:80"), ep("203.0.113.1:80"), WIRE_SYN), NAT_EXTERNAL);
	s = result(d, "status", "");
	assert_number(s, "resting_ports", 1);
	assert_number(json_object_get(s, "held"), "syns", 1);
	json_decref(s);
}

static void test_status_names_one_to_one_addresses_too(void **state)
{
	struct daemon *d = *state;
	json_t *s, *external;

	json_decref(result(d, "options.set",
			   "{\"options\":{\"nat.one-to-one\":\"203.0.113.5=192.168.1.9\"}}"));
	s = result(d, "status", "");
	external = json_object_get(s, "external");
	assert_int_equal(json_array_size(external), 2);
	assert_string_equal(json_string_value(json_array_get(external, 1)), "203.0.113.5");
	json_decref(s);
}

/* --- mappings and sessions ------------------------------------------------------------------ */

static void test_mapping_has_every_member(void **state)
{
	struct daemon *d = *state;
	json_t *page, *m, *remote, *tcp, *lease, *out, *in;
	const char *protocol, *internal, *external;
	json_int_t id, sessions, age, expires, packets, bytes;
	int fixed;

	open_udp(d, "192.168.1.2:5000", "203.0.113.10:7000");
	d->now.ms += 2500;
	page = result(d, "mappings.list", "");
	assert_int_equal(json_object_size(page), 2);
	assert_true(json_is_null(json_object_get(page, "next")));
	assert_int_equal(json_array_size(json_object_get(page, "mappings")), 1);
	m = first(page, "mappings");
	assert_shape(m, "{s:I, s:s, s:s, s:s, s:o, s:o, s:I, s:b, s:o, s:I, s:I, s:o, s:o}", "id",
		     &id, "protocol", &protocol, "internal", &internal, "external", &external,
		     "remote", &remote, "state", &tcp, "sessions", &sessions, "fixed", &fixed,
		     "lease_ms", &lease, "age_ms", &age, "expires_in_ms", &expires, "outbound",
		     &out, "inbound", &in);
	assert_false(fixed);
	assert_true(json_is_null(lease));
	assert_string_equal(protocol, "udp");
	assert_string_equal(internal, "192.168.1.2:5000");
	assert_memory_equal(external, "203.0.113.1:", 12);
	assert_true(json_is_null(remote));
	assert_true(json_is_null(tcp));
	assert_int_equal(sessions, 1);
	assert_int_equal(age, 2500);
	assert_int_equal(expires, 300000 - 2500);
	assert_shape(out, "{s:I, s:I}", "packets", &packets, "bytes", &bytes);
	assert_int_equal(packets, 1);
	assert_true(bytes >= 28);
	assert_shape(in, "{s:I, s:I}", "packets", &packets, "bytes", &bytes);
	assert_int_equal(packets, 0);
	assert_int_equal(bytes, 0);
	json_decref(page);
}

static void test_leased_mapping_tells_how_long_it_is(void **state)
{
	struct lease_request r = {
		.protocol = NAT_TCP,
		.internal = ep("192.168.1.2:5000"),
		.lifetime_ms = 600000,
	};
	struct daemon *d = *state;
	json_t *page;

	assert_int_equal(nat_lease(&d->nat, &r, d->now), LEASE_GRANTED);
	d->now.ms += 2500;
	page = result(d, "mappings.list", "");
	assert_number(first(page, "mappings"), "lease_ms", 597500);
	assert_number(first(page, "mappings"), "expires_in_ms", 597500);
	assert_number(first(page, "mappings"), "sessions", 0);
	assert_true(json_is_null(json_object_get(first(page, "mappings"), "state")));
	json_decref(page);
	d->now.ms += 597500; /* and nobody has ticked */
	page = result(d, "mappings.list", "");
	assert_int_equal(json_array_size(json_object_get(page, "mappings")), 0);
	json_decref(page);
}

/* A session keeps the mapping, which is its host's by its packets alone then. */
static void test_lease_that_is_over_is_told_no_more(void **state)
{
	struct lease_request r = {
		.protocol = NAT_UDP,
		.internal = ep("192.168.1.2:5000"),
		.lifetime_ms = 120000,
	};
	struct daemon *d = *state;
	json_t *page;

	assert_int_equal(nat_lease(&d->nat, &r, d->now), LEASE_GRANTED);
	open_udp(d, "192.168.1.2:5000", "203.0.113.10:7000");
	d->now.ms += 120000;
	page = result(d, "mappings.list", "");
	assert_true(json_is_null(json_object_get(first(page, "mappings"), "lease_ms")));
	assert_number(first(page, "mappings"), "expires_in_ms", 180000);
	json_decref(page);
}

static void test_mapping_remote_is_what_keeps_it_apart(void **state)
{
	static const struct {
		const char *behavior, *remote;
	} cases[] = { { "adm", "203.0.113.10" }, { "apdm", "203.0.113.10:7000" } };
	struct daemon *d = *state;

	for (size_t i = 0; i < 2; i++) {
		char params[128], internal[32];
		json_t *page;

		snprintf(params, sizeof(params), "{\"options\":{\"udp.mapping\":\"%s\"}}",
			 cases[i].behavior);
		json_decref(result(d, "options.set", params));
		snprintf(internal, sizeof(internal), "192.168.1.%zu:5000", i + 2);
		open_udp(d, internal, "203.0.113.10:7000");
		page = result(d, "mappings.list", "");
		assert_text(json_array_get(json_object_get(page, "mappings"), i), "remote",
			    cases[i].remote);
		json_decref(page);
	}
}

static void test_mapping_traffic_is_that_of_all_its_sessions(void **state)
{
	struct daemon *d = *state;
	json_t *page, *out;

	open_udp(d, "192.168.1.2:5000", "203.0.113.10:7000");
	open_udp(d, "192.168.1.2:5000", "203.0.113.11:7000");
	open_udp(d, "192.168.1.2:5000", "203.0.113.11:7000");
	page = result(d, "mappings.list", "");
	assert_number(first(page, "mappings"), "sessions", 2);
	out = json_object_get(first(page, "mappings"), "outbound");
	assert_number(out, "packets", 3);
	json_decref(page);
	/* Traffic of a session that has ended stays with the mapping. */
	d->now.ms += 299999;
	open_udp(d, "192.168.1.2:5000", "203.0.113.11:7000");
	d->now.ms += 10;
	nat_tick(&d->nat, d->now, 100);
	page = result(d, "mappings.list", "");
	assert_number(first(page, "mappings"), "sessions", 1);
	out = json_object_get(first(page, "mappings"), "outbound");
	assert_number(out, "packets", 4);
	json_decref(page);
}

static void test_session_has_every_member(void **state)
{
	struct daemon *d = *state;
	json_t *page, *s, *tcp, *out, *in;
	const char *protocol, *internal, *external, *remote, *opener;
	json_int_t id, mapping, age, expires;

	open_udp(d, "192.168.1.2:5000", "203.0.113.10:7000");
	d->now.ms += 10;
	page = result(d, "sessions.list", "{}");
	s = first(page, "sessions");
	assert_shape(s, "{s:I, s:I, s:s, s:s, s:s, s:s, s:s, s:o, s:I, s:I, s:o, s:o}", "id", &id,
		     "mapping", &mapping, "opened_by", &opener, "protocol", &protocol, "internal",
		     &internal, "external", &external, "remote", &remote, "state", &tcp, "age_ms",
		     &age, "expires_in_ms", &expires, "outbound", &out, "inbound", &in);
	assert_string_equal(remote, "203.0.113.10:7000");
	assert_string_equal(opener, "internal");
	assert_true(json_is_null(tcp));
	assert_int_equal(age, 10);
	assert_int_equal(expires, 300000 - 10);
	assert_number(out, "packets", 1);
	assert_number(in, "packets", 0);
	json_decref(page);
}

static void test_session_of_tcp_has_a_state(void **state)
{
	struct daemon *d = *state;
	json_t *page, *list;

	pass(d, wire_tcp(ep("192.168.1.2:5000"), ep("203.0.113.10:80"), WIRE_SYN), NAT_INTERNAL);
	page = result(d, "sessions.list", "");
	assert_text(first(page, "sessions"), "protocol", "tcp");
	assert_true(json_string_length(json_object_get(first(page, "sessions"), "state")) > 0);
	list = result(d, "mappings.list", "");
	assert_text(first(list, "mappings"), "state",
		    json_string_value(json_object_get(first(page, "sessions"), "state")));
	json_decref(list);
	json_decref(page);
}

static void test_session_of_icmp_has_an_address_as_remote(void **state)
{
	struct daemon *d = *state;
	json_t *page;

	pass(d, wire_ping(ep("192.168.1.2:99"), ep("203.0.113.10:99")), NAT_INTERNAL);
	page = result(d, "sessions.list", "");
	assert_text(first(page, "sessions"), "remote", "203.0.113.10");
	assert_text(first(page, "sessions"), "internal", "192.168.1.2:99");
	json_decref(page);
}

/* Whether the timer has run yet or not. */
static void test_expired_record_is_not_listed(void **state)
{
	struct daemon *d = *state;

	open_udp(d, "192.168.1.2:5000", "203.0.113.10:7000");
	d->now.ms += 299999;
	assert_listed(d, 1);
	d->now.ms += 1;
	assert_int_equal(d->nat.mappings.arena.live, 1);
	assert_listed(d, 0);
	nat_tick(&d->nat, d->now, 100);
	assert_listed(d, 0);
}

static void test_expired_session_does_not_count_in_its_mapping(void **state)
{
	struct daemon *d = *state;
	json_t *page;

	open_udp(d, "192.168.1.2:5000", "203.0.113.10:7000");
	d->now.ms += 100000;
	open_udp(d, "192.168.1.2:5000", "203.0.113.11:7000");
	d->now.ms += 200000;
	page = result(d, "mappings.list", "");
	assert_number(first(page, "mappings"), "sessions", 1);
	assert_number(first(page, "mappings"), "expires_in_ms", 100000);
	json_decref(page);
}

/* The record that ended first is the last of the free ones: it must not look like a living one. */
static void test_lists_of_a_table_that_has_been_used_are_empty(void **state)
{
	struct daemon *d = *state;

	pass(d, wire_tcp(ep("192.168.1.2:5000"), ep("203.0.113.10:80"), WIRE_SYN), NAT_INTERNAL);
	pass(d, wire_ping(ep("192.168.1.2:99"), ep("203.0.113.10:99")), NAT_INTERNAL);
	d->now.ms += 100000000;
	nat_tick(&d->nat, d->now, 100);
	for (int i = 0; i < 2; i++) {
		const char *name = i == 0 ? "sessions" : "mappings";
		json_t *page = result(d, i == 0 ? "sessions.list" : "mappings.list", "");

		assert_int_equal(json_array_size(json_object_get(page, name)), 0);
		json_decref(page);
	}
}

/* --- pages ---------------------------------------------------------------------------------- */

/* Walk all pages of @limit records; each record once. Returns how many records. */
static size_t walk(struct daemon *d, const char *method, const char *name, int limit, size_t *pages)
{
	static bool seen[65536];
	json_int_t cursor = 0;
	size_t count = 0;

	memset(seen, 0, sizeof(seen));
	*pages = 0;
	for (;;) {
		char params[64];
		json_t *page, *record, *next;
		size_t i;

		snprintf(params, sizeof(params),
			 "{\"cursor\":%" JSON_INTEGER_FORMAT ",\"limit\":%d}", cursor, limit);
		page = result(d, method, params);
		assert_in_range(json_array_size(json_object_get(page, name)), 0, limit);
		json_array_foreach(json_object_get(page, name), i, record) {
			json_int_t id = json_integer_value(json_object_get(record, "id"));

			assert_in_range(id, 0, 65535);
			assert_false(seen[id]);
			seen[id] = true;
			count++;
		}
		++*pages;
		next = json_object_get(page, "next");
		if (json_is_null(next)) {
			json_decref(page);
			return count;
		}
		assert_true(json_integer_value(next) > cursor);
		cursor = json_integer_value(next);
		json_decref(page);
	}
}

static void test_pages_hold_every_record_once(void **state)
{
	struct daemon *d = *state;
	size_t pages;

	fill(d, 2500);
	assert_int_equal(walk(d, "mappings.list", "mappings", 1000, &pages), 2500);
	assert_int_equal(walk(d, "sessions.list", "sessions", 999, &pages), 2500);
	assert_int_equal(walk(d, "hosts.list", "hosts", 1000, &pages), 2500);
	assert_int_equal(walk(d, "mappings.list", "mappings", 1, &pages), 2500);
	assert_int_equal(pages, 2500);
	assert_int_equal(walk(d, "mappings.list", "mappings", 10, &pages), 2500);
	assert_int_equal(pages, 250);
}

static size_t page_size(struct daemon *d, const char *method, const char *name, const char *params)
{
	json_t *page = result(d, method, params);
	size_t size = json_array_size(json_object_get(page, name));

	assert_number(page, "next", (json_int_t)size);
	json_decref(page);
	return size;
}

/* Packets wait while a page is made. */
static void test_page_is_small_however_many_are_asked_for(void **state)
{
	static const struct {
		const char *method, *name;
	} lists[] = { { "mappings.list", "mappings" },
		      { "sessions.list", "sessions" },
		      { "hosts.list", "hosts" } };
	struct daemon *d = *state;

	fill(d, 1500);
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		size_t size = page_size(d, lists[i].method, lists[i].name, "{\"limit\":1000}");

		assert_in_range(size, 10, 40);
		assert_int_equal(page_size(d, lists[i].method, lists[i].name, ""), size);
	}
}

/* What a mapping's line says is summed up over its sessions. */
static void test_page_holds_fewer_mappings_where_they_have_many_sessions(void **state)
{
	struct daemon *d = *state;
	size_t pages;

	for (unsigned int i = 0; i < 4500; i++) {
		struct endpoint internal = ep("192.168.1.2:5000");

		internal.port = (uint16_t)(internal.port + i / 1500);
		pass(d, wire_udp(internal, ep_port(ep("203.0.113.10:0"), 1 + i % 1500)),
		     NAT_INTERNAL);
	}
	wire_free_all();
	assert_int_equal(page_size(d, "mappings.list", "mappings", ""), 1);
	assert_int_equal(walk(d, "mappings.list", "mappings", 1000, &pages), 3);
	assert_int_equal(pages, 3);
}

static void test_page_that_is_just_full_has_no_next(void **state)
{
	struct daemon *d = *state;
	json_t *page;

	fill(d, 10);
	page = result(d, "mappings.list", "{\"limit\":10}");
	assert_int_equal(json_array_size(json_object_get(page, "mappings")), 10);
	assert_true(json_is_null(json_object_get(page, "next")));
	json_decref(page);
}

static void test_page_of_an_empty_table_is_empty(void **state)
{
	struct daemon *d = *state;
	json_t *page = result(d, "mappings.list", "{\"limit\":1}");

	assert_int_equal(json_array_size(json_object_get(page, "mappings")), 0);
	assert_true(json_is_null(json_object_get(page, "next")));
	json_decref(page);
}

static void test_page_past_the_end_is_empty(void **state)
{
	static const char *const cursors[] = { "{\"cursor\":10}", "{\"cursor\":11}",
					       "{\"cursor\":4294967295}" };
	struct daemon *d = *state;

	fill(d, 10);
	for (size_t i = 0; i < 3; i++) {
		json_t *page = result(d, "mappings.list", cursors[i]);

		assert_int_equal(json_array_size(json_object_get(page, "mappings")), 0);
		assert_true(json_is_null(json_object_get(page, "next")));
		json_decref(page);
	}
}

static void test_pages_skip_records_that_are_gone(void **state)
{
	struct daemon *d = *state;
	size_t pages;

	fill(d, 2000);
	d->now.ms += 200000;
	for (int i = 0; i < 2000; i += 100) {
		char internal[32];

		snprintf(internal, sizeof(internal), "192.168.%d.%d:5000", i / 200, i % 200 + 2);
		open_udp(d, internal, "203.0.113.10:7000");
	}
	d->now.ms += 200000;
	nat_tick(&d->nat, d->now, 10000);
	assert_int_equal(walk(d, "mappings.list", "mappings", 7, &pages), 20);
}

/* A thin table must not make one page walk all of it: packets wait meanwhile. */
static void test_page_walks_only_so_far(void **state)
{
	struct daemon *d = *state;
	json_t *page;
	size_t pages;

	json_decref(
		result(d, "options.set",
		       "{\"options\":{\"nat.max-sessions\":40000,\"nat.max-mappings\":40000}}"));
	for (unsigned int i = 0; i < 40000; i++)
		pass(d, wire_udp(ep_port(ep("192.168.1.2:0"), 5001 + i), ep("203.0.113.10:7000")),
		     NAT_INTERNAL);
	wire_free_all();
	d->now.ms += 400000;
	nat_tick(&d->nat, d->now, 100000);
	open_udp(d, "192.168.1.9:5000", "203.0.113.10:7000");
	page = result(d, "sessions.list", "{\"limit\":1000}");
	assert_in_range(json_integer_value(json_object_get(page, "next")), 1, 2000);
	json_decref(page);
	assert_int_equal(walk(d, "sessions.list", "sessions", 1000, &pages), 1);
	assert_in_range(pages, 20, 60);
}

/* --- counters ------------------------------------------------------------------------------- */

static void test_counters_name_every_reason(void **state)
{
	struct daemon *d = *state;
	json_t *all, *counters;

	open_udp(d, "192.168.1.2:5000", "203.0.113.10:7000");
	pass(d, wire_udp(ep("192.168.1.2:0"), ep("203.0.113.10:7000")), NAT_INTERNAL);
	all = result(d, "counters.get", "");
	counters = json_object_get(all, "counters");
	assert_int_equal(json_object_size(counters), REASON_COUNT);
	for (unsigned int i = 0; i < REASON_COUNT; i++) {
		const struct reason_spec *spec = reason_spec((enum nat_reason)i);
		const char *meaning, *clause, *advice;
		json_int_t value;
		int drop;

		assert_shape(json_object_get(counters, spec->name), "{s:I, s:b, s:s, s:s, s:s}",
			     "value", &value, "drop", &drop, "meaning", &meaning, "clause", &clause,
			     "advice", &advice);
		assert_int_equal(value, d->nat.counters[i]);
		assert_int_equal(drop, spec->drop);
		assert_string_equal(meaning, spec->explanation);
		assert_string_equal(clause, spec->clause);
		assert_string_equal(advice, spec->advice);
	}
	json_decref(all);
}

/* --- options.get ---------------------------------------------------------------------------- */

static void test_options_get_without_keys_has_every_knob(void **state)
{
	struct daemon *d = *state;
	json_t *all = result(d, "options.get", "");
	json_t *options = json_object_get(all, "options");

	assert_int_equal(json_object_size(options), OPTION_COUNT);
	for (unsigned int id = 0; id < OPTION_COUNT; id++) {
		const struct option_spec *spec = option_spec((enum option_id)id);
		const char *value, *initial, *allowed, *unit, *meaning, *clause;
		char text[OPTIONS_TEXT_MAX];

		assert_shape(json_object_get(options, spec->key), "{s:s, s:s, s:s, s:s, s:s, s:s}",
			     "value", &value, "default", &initial, "allowed", &allowed, "unit",
			     &unit, "meaning", &meaning, "clause", &clause);
		assert_string_equal(value, options_format(&d->asked, (enum option_id)id, text));
		assert_string_equal(initial, spec->initial);
		assert_string_equal(meaning, spec->meaning);
		assert_true(*allowed != '\0');
	}
	json_decref(all);
}

static void test_options_get_with_keys_has_those(void **state)
{
	struct daemon *d = *state;
	json_t *some = result(d, "options.get", "{\"keys\":[\"udp.timeout\",\"nat.lan\"]}");
	json_t *options = json_object_get(some, "options");

	assert_int_equal(json_object_size(options), 2);
	assert_text(json_object_get(options, "udp.timeout"), "value", "300s");
	assert_text(json_object_get(options, "nat.lan"), "value", "lan");
	json_decref(some);
}

static void test_options_get_with_no_keys_has_none(void **state)
{
	json_t *none = result(*state, "options.get", "{\"keys\":[]}");

	assert_int_equal(json_object_size(json_object_get(none, "options")), 0);
	json_decref(none);
}

/* --- options.set ---------------------------------------------------------------------------- */

static void test_options_set_says_what_changed(void **state)
{
	struct daemon *d = *state;
	json_t *answer = result(d, "options.set",
				"{\"options\":{\"udp.timeout\":\"2m\",\"tcp.mapping\":\"eim\","
				"\"udp.mapping\":\"adm\"}}");
	json_t *changed = json_object_get(answer, "changed");

	assert_int_equal(json_object_size(answer), 1);
	assert_int_equal(json_object_size(changed), 2);
	assert_text(changed, "udp.timeout", "120s");
	assert_text(changed, "udp.mapping", "address-dependent");
	json_decref(answer);
	assert_int_equal(d->nat.options.timeout_ms[TIMEOUT_UDP], 120000);
}

static void test_options_set_takes_a_whole_number(void **state)
{
	struct daemon *d = *state;

	json_decref(result(d, "options.set", "{\"options\":{\"nat.max-mappings\":500}}"));
	assert_int_equal(d->asked.max_mappings, 500);
	json_decref(result(d, "options.set", "{\"options\":{\"udp.timeout\":5}}"));
	assert_int_equal(d->asked.timeout_ms[TIMEOUT_UDP], 5000);
}

static void test_options_set_takes_members_in_order(void **state)
{
	struct daemon *d = *state;

	json_decref(result(d, "options.set",
			   "{\"options\":{\"nat.preset\":\"symmetric\",\"udp.mapping\":\"adm\"}}"));
	assert_int_equal(d->asked.protocol[NAT_UDP].mapping, MAPPING_ADDRESS_DEPENDENT);
	assert_int_equal(d->asked.protocol[NAT_TCP].mapping, MAPPING_ADDRESS_AND_PORT_DEPENDENT);
	json_decref(result(d, "options.set",
			   "{\"options\":{\"udp.mapping\":\"adm\",\"nat.preset\":\"home\"}}"));
	assert_int_equal(d->asked.protocol[NAT_UDP].mapping, MAPPING_ENDPOINT_INDEPENDENT);
}

static void test_options_set_takes_effect_for_the_next_session(void **state)
{
	struct daemon *d = *state;
	json_t *page;

	open_udp(d, "192.168.1.2:5000", "203.0.113.10:7000");
	json_decref(result(d, "options.set", "{\"options\":{\"udp.mapping\":\"apdm\"}}"));
	open_udp(d, "192.168.1.2:5000", "203.0.113.11:7000");
	page = result(d, "mappings.list", "");
	assert_int_equal(json_array_size(json_object_get(page, "mappings")), 2);
	json_decref(page);
}

/* Whatever @params are, they are refused with @code and no knob has changed. */
static void assert_changes_nothing(struct daemon *d, const char *params, int code, const char *part)
{
	struct options asked = d->asked, inside = d->nat.options;

	assert_refused(d, "options.set", params, code, part);
	assert_memory_equal(&asked, &d->asked, sizeof(asked));
	assert_memory_equal(&inside, &d->nat.options, sizeof(inside));
}

static void test_options_set_sets_all_or_none(void **state)
{
	struct daemon *d = *state;

	assert_changes_nothing(d, "{\"options\":{\"udp.timeout\":\"1s\",\"udp.mapping\":\"cone\"}}",
			       RPC_INVALID_PARAMS, "'cone' is not allowed");
	assert_changes_nothing(d, "{\"options\":{\"udp.timeout\":\"1s\",\"udp.maping\":\"adm\"}}",
			       RPC_INVALID_PARAMS, "did you mean 'udp.mapping'?");
	assert_changes_nothing(d, "{\"options\":{\"udp.timeout\":\"1s\",\"nat.preset\":\"x\"}}",
			       RPC_INVALID_PARAMS, "no preset 'x'");
	assert_changes_nothing(d, "{\"options\":{\"udp.timeout\":\"1s\",\"nat.wan\":\"lan\"}}",
			       RPC_INVALID_PARAMS, "a router has two sides");
	assert_changes_nothing(d, "{\"options\":{\"udp.timeout\":\"1s\",\"nat.max-sessions\":1}}",
			       RPC_INVALID_PARAMS, "below nat.max-mappings");
}

static void test_options_set_that_cannot_be_done_changes_nothing(void **state)
{
	assert_changes_nothing(*state,
			       "{\"options\":{\"udp.timeout\":\"1s\",\"nat.lan\":\"nosuch\"}}",
			       RPC_FAILED, "no such interface");
}

static void test_options_set_bad_params_are_refused(void **state)
{
	static const struct {
		const char *params, *part;
	} cases[] = {
		{ "", "options: an object" },
		{ "{}", "options: an object" },
		{ "{\"options\":{}}", "options: an object" },
		{ "{\"options\":[]}", "options: an object" },
		{ "{\"options\":null}", "options: an object" },
		{ "{\"options\":\"udp.timeout=1s\"}", "options: an object" },
		{ "{\"options\":{\"udp.timeout\":1.5}}", "a string or a whole number" },
		{ "{\"options\":{\"udp.timeout\":null}}", "a string or a whole number" },
		{ "{\"options\":{\"udp.timeout\":true}}", "a string or a whole number" },
		{ "{\"options\":{\"udp.timeout\":[\"1s\"]}}", "a string or a whole number" },
		{ "{\"options\":{\"udp.timeout\":{}}}", "a string or a whole number" },
		{ "{\"options\":{\"udp.timeout\":-1}}", "'-1' is not allowed" },
		{ "{\"options\":{\"udp.timeout\":9223372036854775807}}", "is not allowed" },
		{ "{\"options\":{\"\":\"x\"}}", "no knob ''" },
		{ "{\"option\":{\"udp.timeout\":\"1s\"}}", "no parameter 'option'" },
		{ "{\"options\":{\"udp.timeout\":\"1s\"},\"more\":1}", "no parameter 'more'" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_changes_nothing(*state, cases[i].params, RPC_INVALID_PARAMS, cases[i].part);
}

/* Messages quote what came, cut to fit; a cut in the middle of a character is no way out. */
static void test_options_set_long_text_is_answered_wherever_it_is_cut(void **state)
{
	struct daemon *d = *state;

	for (int shift = 0; shift < 4; shift++) {
		char text[256] = "", params[512];

		memset(text, 'x', (size_t)shift);
		for (int i = 0; i < 50; i++)
			strcat(text, "\xe4\xb8\xad");
		snprintf(params, sizeof(params), "{\"options\":{\"udp.timeout\":\"%s\"}}", text);
		assert_changes_nothing(d, params, RPC_INVALID_PARAMS, "is not allowed");
		snprintf(params, sizeof(params), "{\"options\":{\"%s\":\"1s\"}}", text);
		assert_changes_nothing(d, params, RPC_INVALID_PARAMS, "no knob");
		snprintf(params, sizeof(params), "{\"options\":{\"nat.preset\":\"%s\"}}", text);
		assert_changes_nothing(d, params, RPC_INVALID_PARAMS, "no preset");
		snprintf(params, sizeof(params), "{\"%s\":1}", text);
		assert_refused(d, "status", params, RPC_INVALID_PARAMS, "no parameter");
		snprintf(params, sizeof(params), "{\"keys\":[\"%s\"]}", text);
		assert_refused(d, "options.get", params, RPC_INVALID_PARAMS, "no knob");
	}
}

/* --- presets -------------------------------------------------------------------------------- */

static void test_presets_list_is_what_the_command_shows_without_a_daemon(void **state)
{
	json_t *wanted = preset_list(), *list = result(*state, "presets.list", "");

	assert_true(json_equal(list, wanted));
	json_decref(list);
	json_decref(wanted);
}

/* --- bad parameters ------------------------------------------------------------------------- */

static void test_lists_bad_params_are_refused(void **state)
{
	static const struct {
		const char *params, *part;
	} cases[] = {
		{ "{\"limit\":0}", "limit: a whole number from 1 to 1000" },
		{ "{\"limit\":1001}", "limit: a whole number from 1 to 1000" },
		{ "{\"limit\":-1}", "limit" },
		{ "{\"limit\":1.5}", "limit" },
		{ "{\"limit\":\"5\"}", "limit" },
		{ "{\"limit\":null}", "limit" },
		{ "{\"limit\":[]}", "limit" },
		{ "{\"limit\":9223372036854775807}", "limit" },
		{ "{\"cursor\":-1}", "cursor: a whole number from 0 to 4294967295" },
		{ "{\"cursor\":4294967296}", "cursor" },
		{ "{\"cursor\":true}", "cursor" },
		{ "{\"cursor\":\"0\"}", "cursor" },
		{ "{\"page\":1}", "no parameter 'page'" },
		{ "{\"limit\":5,\"Cursor\":1}", "no parameter 'Cursor'" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_refused(*state, "mappings.list", cases[i].params, RPC_INVALID_PARAMS,
			       cases[i].part);
		assert_refused(*state, "sessions.list", cases[i].params, RPC_INVALID_PARAMS,
			       cases[i].part);
		assert_refused(*state, "hosts.list", cases[i].params, RPC_INVALID_PARAMS,
			       cases[i].part);
	}
}

static void test_options_get_bad_params_are_refused(void **state)
{
	static const struct {
		const char *params, *part;
	} cases[] = {
		{ "{\"keys\":\"udp.timeout\"}", "an array of knob names" },
		{ "{\"keys\":{}}", "an array of knob names" },
		{ "{\"keys\":null}", "an array of knob names" },
		{ "{\"keys\":[1]}", "an array of knob names" },
		{ "{\"keys\":[\"udp.timeout\",null]}", "an array of knob names" },
		{ "{\"keys\":[\"udp.timeou\"]}", "did you mean 'udp.timeout'?" },
		{ "{\"keys\":[\"\"]}", "no knob ''" },
		{ "{\"key\":[]}", "no parameter 'key'" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_refused(*state, "options.get", cases[i].params, RPC_INVALID_PARAMS,
			       cases[i].part);
}

static void test_methods_without_params_take_none(void **state)
{
	assert_refused(*state, "status", "{\"x\":1}", RPC_INVALID_PARAMS, "no parameter 'x'");
	assert_refused(*state, "counters.get", "{\"x\":1}", RPC_INVALID_PARAMS, "no parameter 'x'");
	assert_refused(*state, "presets.list", "{\"x\":1}", RPC_INVALID_PARAMS, "no parameter 'x'");
	assert_refused(*state, "forwards.list", "{\"x\":1}", RPC_INVALID_PARAMS,
		       "no parameter 'x'");
}

/* --- requests ------------------------------------------------------------------------------- */

static void test_unknown_method_is_refused_with_those_there_are(void **state)
{
	static const char *const names[] = { "", "nosuch", "status ", "Status", "mappings" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		for (unsigned int m = 0; protocol_method(m) != NULL; m++)
			assert_refused(*state, names[i], "", RPC_METHOD_NOT_FOUND,
				       protocol_method(m)->name);
}

static bool is_method(const char *name)
{
	for (unsigned int m = 0; protocol_method(m) != NULL; m++)
		if (strcmp(protocol_method(m)->name, name) == 0)
			return true;
	return false;
}

static void test_method_table_names_the_promised_methods(void **state)
{
	static const char *const promised[] = {
		"status",	    "mappings.list",   "sessions.list", "hosts.list",
		"ports.who",	    "events.list",     "counters.get",	"options.get",
		"options.set",	    "presets.list",    "forwards.list", "forwards.add",
		"forwards.del",	    "mappings.flush",  "clock.get",	"clock.advance",
		"clock.scale",	    "clock.freeze",    "clock.resume",	"system.describe",
		"events.subscribe", "trace.subscribe", "capture.start", "drops.list",
	};

	(void)state;
	for (unsigned int m = 0; protocol_method(m) != NULL; m++) {
		assert_true(*protocol_method(m)->meaning != '\0');
		assert_non_null(protocol_method(m)->parameters);
		assert_non_null(protocol_method(m)->result);
	}
	for (size_t i = 0; i < sizeof(promised) / sizeof(promised[0]); i++)
		if (!is_method(promised[i]))
			fail_msg("no method %s", promised[i]);
}

static void test_line_that_is_no_json_is_a_parse_error(void **state)
{
	assert_code(answer(*state, "{"), RPC_PARSE_ERROR, "");
	assert_code(answer(*state, "GET / HTTP/1.1\r"), RPC_PARSE_ERROR, "");
	assert_code(answer(*state, "{\"method\":\"\xff\"}"), RPC_PARSE_ERROR, "");
}

static void test_line_nested_deeply_is_a_parse_error(void **state)
{
	char line[16384] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"status\",\"params\":{\"x\":";
	size_t used = strlen(line);

	memset(line + used, '[', 8000);
	line[used + 8000] = '\0';
	assert_code(answer(*state, line), RPC_PARSE_ERROR, "");
}

static void test_batch_is_an_invalid_request(void **state)
{
	assert_code(answer(*state, "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"status\"}]"),
		    RPC_INVALID_REQUEST, "");
	assert_code(answer(*state, "[]"), RPC_INVALID_REQUEST, "");
}

static void test_notification_is_carried_out_and_not_answered(void **state)
{
	struct daemon *d = *state;

	assert_null(answer(d, "{\"jsonrpc\":\"2.0\",\"method\":\"options.set\","
			      "\"params\":{\"options\":{\"udp.timeout\":\"9s\"}}}"));
	assert_int_equal(d->asked.timeout_ms[TIMEOUT_UDP], 9000);
}

static void test_notification_that_fails_is_not_answered_either(void **state)
{
	assert_null(answer(*state, "{\"jsonrpc\":\"2.0\",\"method\":\"nosuch\"}"));
	assert_null(answer(*state, "{\"jsonrpc\":\"2.0\",\"method\":\"status\","
				   "\"params\":{\"x\":1}}"));
	assert_null(answer(*state, "{\"jsonrpc\":\"2.0\",\"method\":\"options.set\"}"));
}

static void test_answer_has_the_id_of_its_request(void **state)
{
	static const char *const ids[] = { "0",	  "-5",	  "\"text\"",
					   "1.5", "null", "9223372036854775807" };

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		for (int good = 0; good < 2; good++) {
			char line[128], *text;
			json_t *response;

			snprintf(line, sizeof(line),
				 "{\"jsonrpc\":\"2.0\",\"id\":%s,\"method\":\"%s\"}", ids[i],
				 good ? "status" : "nosuch");
			response = answer(*state, line);
			assert_non_null(response);
			assert_non_null(json_object_get(response, good ? "result" : "error"));
			text = json_dumps(json_object_get(response, "id"), JSON_ENCODE_ANY);
			assert_string_equal(text, ids[i]);
			free(text);
			json_decref(response);
		}
}

/* Requests with bytes changed at random: always an answer that can be sent, or rightly none. */
static void test_garbled_request_never_gets_a_broken_answer(void **state)
{
	static const char whole[] =
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"options.set\",\"params\":"
		"{\"options\":{\"udp.timeout\":\"9s\",\"nat.max-mappings\":100}}}";
	struct daemon *d = *state;
	uint32_t x = 8259;

	for (int round = 0; round < 20000; round++) {
		char line[sizeof(whole)];
		json_t *response;

		memcpy(line, whole, sizeof(whole));
		for (int change = 0; change <= round % 3; change++) {
			x = x * 1664525 + 1013904223;
			line[(x >> 16) % (sizeof(whole) - 1)] =
				(char)(round % 2 ? x >> 8 : 0x20 + (x >> 8) % 0x5f);
		}
		response = methods_answer(d, line, sizeof(whole) - 1);
		if (response != NULL) {
			char *text = json_dumps(response, JSON_COMPACT);

			assert_non_null(text);
			assert_null(strchr(text, '\n'));
			free(text);
		}
		json_decref(response);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		methods_test(test_status_has_every_member),
		methods_test(test_status_counts_what_was_made_and_what_expired),
		methods_test(test_status_names_every_external_address),
		methods_test(test_status_counts_what_waits_and_what_rests),
		methods_test(test_status_names_one_to_one_addresses_too),
		methods_test(test_mapping_has_every_member),
		methods_test(test_leased_mapping_tells_how_long_it_is),
		methods_test(test_lease_that_is_over_is_told_no_more),
		methods_test(test_mapping_remote_is_what_keeps_it_apart),
		methods_test(test_mapping_traffic_is_that_of_all_its_sessions),
		methods_test(test_session_has_every_member),
		methods_test(test_session_of_tcp_has_a_state),
		methods_test(test_session_of_icmp_has_an_address_as_remote),
		methods_test(test_expired_record_is_not_listed),
		methods_test(test_expired_session_does_not_count_in_its_mapping),
		methods_test(test_lists_of_a_table_that_has_been_used_are_empty),
		methods_test(test_pages_hold_every_record_once),
		methods_test(test_page_is_small_however_many_are_asked_for),
		methods_test(test_page_holds_fewer_mappings_where_they_have_many_sessions),
		methods_test(test_page_that_is_just_full_has_no_next),
		methods_test(test_page_of_an_empty_table_is_empty),
		methods_test(test_page_past_the_end_is_empty),
		methods_test(test_pages_skip_records_that_are_gone),
		methods_test(test_page_walks_only_so_far),
		methods_test(test_counters_name_every_reason),
		methods_test(test_options_get_without_keys_has_every_knob),
		methods_test(test_options_get_with_keys_has_those),
		methods_test(test_options_get_with_no_keys_has_none),
		methods_test(test_options_set_says_what_changed),
		methods_test(test_options_set_takes_a_whole_number),
		methods_test(test_options_set_takes_members_in_order),
		methods_test(test_options_set_takes_effect_for_the_next_session),
		methods_test(test_options_set_sets_all_or_none),
		methods_test(test_options_set_that_cannot_be_done_changes_nothing),
		methods_test(test_options_set_bad_params_are_refused),
		methods_test(test_options_set_long_text_is_answered_wherever_it_is_cut),
		methods_test(test_presets_list_is_what_the_command_shows_without_a_daemon),
		methods_test(test_lists_bad_params_are_refused),
		methods_test(test_options_get_bad_params_are_refused),
		methods_test(test_methods_without_params_take_none),
		methods_test(test_unknown_method_is_refused_with_those_there_are),
		methods_test(test_method_table_names_the_promised_methods),
		methods_test(test_line_that_is_no_json_is_a_parse_error),
		methods_test(test_line_nested_deeply_is_a_parse_error),
		methods_test(test_batch_is_an_invalid_request),
		methods_test(test_notification_is_carried_out_and_not_answered),
		methods_test(test_notification_that_fails_is_not_answered_either),
		methods_test(test_answer_has_the_id_of_its_request),
		methods_test(test_garbled_request_never_gets_a_broken_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
