/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Internal hosts: their records, and the quotas that hang on them (RFC 6888 REQ-4, REQ-5). */
#include "tests/unit/lab.h"

/* --- the table ------------------------------------------------------------------------------ */

static void test_host_is_there_as_long_as_something_holds_it(void **state)
{
	const struct tuple_key key = lab_hash_key(1);
	const struct endpoint h1 = H1, h2 = H2;
	struct host_table t;
	uint32_t n;

	(void)state;
	assert_int_equal(host_table_init(&t, 2, &key), 0);
	assert_int_equal(host_find(&t, &h1.addr), NAT_NONE);
	n = host_pin(&t, &h1.addr);
	assert_int_equal(host_find(&t, &h1.addr), n);
	assert_int_equal(host_find(&t, &h2.addr), NAT_NONE);
	assert_int_equal(host_pin(&t, &h1.addr), n);
	assert_false(host_unpin(&t, n));
	host_at(&t, n)->mappings[NAT_ICMP] = 1;
	assert_false(host_unpin(&t, n));
	assert_false(host_is_idle(host_at(&t, n)));
	host_at(&t, n)->mappings[NAT_ICMP] = 0;
	assert_true(host_is_idle(host_at(&t, n)));
	host_remove(&t, n);
	assert_int_equal(host_find(&t, &h1.addr), NAT_NONE);
	assert_int_equal(t.by_address.count, 0);
	host_table_fini(&t);
}

static void test_full_table_of_hosts_takes_no_new_one(void **state)
{
	const struct tuple_key key = lab_hash_key(1);
	const struct endpoint h1 = H1, h2 = H2;
	struct host_table t;

	(void)state;
	assert_int_equal(host_table_init(&t, 1, &key), 0);
	assert_int_equal(host_pin(&t, &h1.addr), 0);
	assert_int_equal(host_pin(&t, &h2.addr), NAT_NONE);
	assert_int_equal(host_pin(&t, &h1.addr), 0);
	assert_int_equal(host_table_set_limit(&t, 2), 0);
	assert_int_equal(host_pin(&t, &h2.addr), 1);
	host_table_fini(&t);
}

/* --- through the NAT ------------------------------------------------------------------------ */

static struct nat_outcome open_more(struct lab *lab, enum nat_protocol p, struct endpoint host,
				    unsigned int i, struct mono now)
{
	return lab_out(lab, lab_request(p, ep_port(host, 5000 + i), Y1), now);
}

static void assert_limit_event(struct lab *lab, uint64_t number, enum nat_reason reason,
			       struct endpoint host)
{
	const struct nat_event *e = event_from(&lab->nat.events, number);

	assert_non_null(e);
	assert_int_equal(e->type, EVENT_LIMIT_REACHED);
	assert_string_equal(reason_spec(e->reason)->name, reason_spec(reason)->name);
	assert_true(addr_equal(&e->internal, &host.addr));
}

static void test_host_goes_with_its_last_mapping(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p < NAT_OTHER; p++)
		lab_open(lab, p, H1, Y1, AT_S(0));
	lab_open(lab, NAT_UDP, H2, Y1, AT_S(100));
	assert_int_equal(lab->nat.hosts.arena.live, 2);
	nat_tick(&lab->nat, AT_S(300), 10);
	assert_int_equal(lab->nat.hosts.arena.live, 1);
	nat_tick(&lab->nat, AT_S(400), 10);
	assert_int_equal(lab->nat.hosts.arena.live, 0);
}

static void test_rfc6888_req4_quota_of_mappings_is_per_host(void **state)
{
	struct lab *lab = *state;
	uint64_t events;
	struct nat_outcome outcome;
	struct wire w, sent;

	lab_set(lab, "nat.max-mappings-per-host", "10");
	for (unsigned int i = 0; i < 10; i++)
		assert_reason(open_more(lab, (enum nat_protocol)(i % 3), H1, i, AT_S(0)),
			      REASON_MAPPING_CREATED);
	events = lab->nat.events.count;
	for (unsigned int i = 10; i < 15; i++) {
		w = wire_udp(ep_port(H1, 5000 + i), Y1);
		sent = wire_copy(w);
		outcome = lab_out(lab, w, AT_S(0));
		assert_dropped(outcome, REASON_HOST_QUOTA);
		assert_int_equal(outcome.knob, OPT_NAT_MAX_MAPPINGS_PER_HOST);
		lab_take_error(lab, 3, 13, H1, sent); /* RFC 5508 REQ-8 */
	}
	/* Told once, for this host. */
	assert_int_equal(lab->nat.events.count, events + 1);
	assert_limit_event(lab, events + 1, REASON_HOST_QUOTA, H1);
	/* What it has, it keeps, to new remotes as well; others are not concerned. */
	assert_rewritten(lab_out(lab, wire_udp(H1, Y2), AT_S(0)), REASON_SESSION_CREATED);
	assert_reason(open_more(lab, NAT_UDP, H2, 0, AT_S(0)), REASON_MAPPING_CREATED);
	/* One that is over makes room, without a tick. */
	assert_reason(open_more(lab, NAT_UDP, H1, 20, AT_S(60)), REASON_MAPPING_CREATED);
}

static void test_rfc6888_req4b_quota_of_mappings_per_protocol(void **state)
{
	static const enum option_id knobs[] = { OPT_UDP_MAX_MAPPINGS_PER_HOST,
						OPT_TCP_MAX_MAPPINGS_PER_HOST,
						OPT_ICMP_MAX_MAPPINGS_PER_HOST };
	struct lab *lab = *state;

	for (enum nat_protocol limited = NAT_UDP; limited < NAT_OTHER; limited++) {
		struct endpoint host = { addr_from_ip4(0xc0a80120 + limited), 5000 };

		lab_set(lab, option_spec(knobs[limited])->key, "2");
		for (enum nat_protocol p = NAT_UDP; p < NAT_OTHER; p++) {
			for (unsigned int i = 0; i < 3; i++) {
				struct nat_outcome outcome = open_more(lab, p, host, i, AT_S(0));

				if (p != limited || i < 2) {
					assert_reason(outcome, REASON_MAPPING_CREATED);
					continue;
				}
				assert_dropped(outcome, REASON_HOST_QUOTA);
				assert_int_equal(outcome.knob, knobs[limited]);
			}
		}
		lab_set(lab, option_spec(knobs[limited])->key, "0");
	}
}

static void test_rfc6888_req5_quota_of_sessions_per_host(void **state)
{
	struct lab *lab = *state;
	struct nat_outcome outcome;

	lab_set(lab, "nat.max-sessions-per-host", "5");
	for (unsigned int i = 0; i < 5; i++)
		lab_open(lab, NAT_UDP, H1, ep_port(Y1, 7000 + i), AT_S(0));
	outcome = lab_out(lab, wire_udp(H1, Y2), AT_S(0));
	assert_dropped(outcome, REASON_HOST_QUOTA);
	assert_int_equal(outcome.knob, OPT_NAT_MAX_SESSIONS_PER_HOST);
	outcome = lab_out(lab, wire_tcp(H1, Y2, WIRE_SYN), AT_S(0));
	assert_dropped(outcome, REASON_HOST_QUOTA);
	assert_int_equal(lab->nat.mappings.arena.live, 1);
	lab_open(lab, NAT_UDP, H2, Y1, AT_S(0));
	assert_rewritten(lab_out(lab, wire_udp(H1, ep_port(Y1, 7003)), AT_S(0)), REASON_TRANSLATED);
	/* and per protocol */
	lab_set(lab, "nat.max-sessions-per-host", "0");
	lab_set(lab, "tcp.max-sessions-per-host", "1");
	lab_open(lab, NAT_TCP, H1, Y1, AT_S(0));
	outcome = lab_out(lab, wire_tcp(H1, Y2, WIRE_SYN), AT_S(0));
	assert_dropped(outcome, REASON_HOST_QUOTA);
	assert_int_equal(outcome.knob, OPT_TCP_MAX_SESSIONS_PER_HOST);
	lab_open(lab, NAT_UDP, H1, Y2, AT_S(0));
}

static void test_quota_of_sessions_per_protocol(void **state)
{
	static const enum option_id knobs[] = { OPT_UDP_MAX_SESSIONS_PER_HOST,
						OPT_TCP_MAX_SESSIONS_PER_HOST,
						OPT_ICMP_MAX_SESSIONS_PER_HOST };
	struct lab *lab = *state;

	for (enum nat_protocol limited = NAT_UDP; limited < NAT_OTHER; limited++) {
		struct endpoint host = { addr_from_ip4(0xc0a80120 + limited), 5000 };

		lab_set(lab, option_spec(knobs[limited])->key, "2");
		for (enum nat_protocol p = NAT_UDP; p < NAT_OTHER; p++) {
			struct wire w = lab_request(p, host, ep("198.51.100.9:7000")), sent;
			struct nat_outcome outcome;

			lab_open(lab, p, host, Y1, AT_S(0));
			lab_open(lab, p, host, Y2, AT_S(0));
			sent = wire_copy(w);
			outcome = lab_out(lab, w, AT_S(0));
			if (p != limited) {
				assert_rewritten(outcome, REASON_SESSION_CREATED);
				continue;
			}
			assert_dropped(outcome, REASON_HOST_QUOTA);
			assert_int_equal(outcome.knob, knobs[limited]);
			lab_take_error(lab, 3, 13, host, sent);
			/* A mapping of its own needs a session as well. */
			outcome = lab_out(lab, lab_request(p, ep_port(host, 6000), Y1), AT_S(0));
			assert_dropped(outcome, REASON_HOST_QUOTA);
			assert_int_equal(outcome.knob, knobs[limited]);
			lab_output(lab, &w);
			/* What it has goes on, and other hosts are not concerned. */
			assert_rewritten(lab_out(lab, lab_request(p, host, Y2), AT_S(0)),
					 REASON_TRANSLATED);
			lab_open(lab, p, H1, Y1, AT_S(0));
		}
		lab_set(lab, option_spec(knobs[limited])->key, "0");
	}
}

/* One that is over makes room, without a tick, for whichever protocol. */
static void test_session_that_is_over_makes_room_in_its_quota(void **state)
{
	static const char *const names[] = { "udp", "tcp", "icmp" };
	static const int64_t idle_s[] = { 300, 240, 60 };
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p < NAT_OTHER; p++) {
		char knob[40];

		snprintf(knob, sizeof(knob), "%s.max-sessions-per-host", names[p]);
		lab_set(lab, knob, "1");
		lab_open(lab, p, H1, Y1, AT_S(1000 * p));
		assert_dropped(lab_out(lab, lab_request(p, ep_port(H1, 6000), Y1),
				       AT_MS((1000 * p + idle_s[p]) * 1000 - 1)),
			       REASON_HOST_QUOTA);
		lab_open(lab, p, ep_port(H1, 6000), Y1, AT_S(1000 * p + idle_s[p]));
	}
}

/* What strangers open counts as well, and they are told nothing. */
static void test_quota_of_sessions_is_for_inbound_ones_too(void **state)
{
	static const char *const names[] = { "udp", "tcp", "icmp" };
	static const enum option_id knobs[] = { OPT_UDP_MAX_SESSIONS_PER_HOST,
						OPT_TCP_MAX_SESSIONS_PER_HOST,
						OPT_ICMP_MAX_SESSIONS_PER_HOST };
	const struct endpoint third = ep("198.51.100.9:7000");
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p < NAT_OTHER; p++) {
		struct endpoint external;
		struct nat_outcome outcome;
		char knob[32];

		lab_set(lab, option_spec(knobs[p])->key, "2");
		snprintf(knob, sizeof(knob), "%s.filtering", names[p]);
		lab_set(lab, knob, "eif");
		snprintf(knob, sizeof(knob), "%s.refresh", names[p]);
		lab_set(lab, knob, "both"); /* so that what is admitted leaves a session */
		external = lab_open(lab, p, H1, Y1, AT_S(0));
		assert_rewritten(lab_in(lab, lab_probe(p, Y2, external), AT_S(0)),
				 REASON_SESSION_CREATED);
		outcome = lab_in(lab, lab_probe(p, third, external), AT_S(0));
		assert_dropped(outcome, REASON_HOST_QUOTA);
		assert_int_equal(outcome.knob, knobs[p]);
		lab_check_silent(lab);
	}
}

static void test_rfc6888_req5_quota_of_sessions_per_mapping(void **state)
{
	struct lab *lab = *state;
	struct nat_outcome outcome;
	uint64_t events = lab->nat.events.count;

	lab_set(lab, "nat.max-sessions-per-mapping", "3");
	for (unsigned int i = 0; i < 3; i++)
		lab_open(lab, NAT_UDP, H1, ep_port(Y1, 7000 + i), AT_S(0));
	for (int i = 0; i < 3; i++) {
		outcome = lab_out(lab, wire_udp(H1, Y2), AT_S(0));
		assert_dropped(outcome, REASON_MAPPING_QUOTA);
		assert_int_equal(outcome.knob, OPT_NAT_MAX_SESSIONS_PER_MAPPING);
		assert_int_not_equal(outcome.mapping, NAT_NONE);
	}
	assert_int_equal(lab->nat.events.count, events + 1);
	assert_limit_event(lab, events + 1, REASON_MAPPING_QUOTA, H1);
	/* Another mapping of the same host is not full. */
	lab_open(lab, NAT_UDP, ep_port(H1, 6000), Y2, AT_S(0));
	/* What is over makes room. */
	assert_rewritten(lab_out(lab, wire_udp(H1, Y2), AT_S(300)), REASON_MAPPING_CREATED);
}

/* RFC 6888 REQ-4C: so many new mappings a second, as many at once. */
static void test_rfc6888_req4c_rate_of_new_mappings(void **state)
{
	static const struct {
		const char *key;
		enum option_id id;
	} knobs[] = { { "nat.new-mappings-per-second", OPT_NAT_NEW_MAPPINGS_PER_SECOND },
		      { "udp.new-mappings-per-second", OPT_UDP_NEW_MAPPINGS_PER_SECOND } };
	struct lab *lab = *state;

	for (unsigned int k = 0; k < 2; k++) {
		struct endpoint host = { addr_from_ip4(0xc0a80120 + k), 5000 };
		struct nat_outcome outcome;
		uint64_t events = lab->nat.events.count;
		unsigned int i = 0;
		int t = (int)k * 100000;

		lab_set(lab, knobs[k].key, "4");
		for (; i < 4; i++)
			assert_reason(open_more(lab, NAT_UDP, host, i, AT_MS(t)),
				      REASON_MAPPING_CREATED);
		outcome = open_more(lab, NAT_UDP, host, i, AT_MS(t));
		assert_dropped(outcome, REASON_RATE_QUOTA);
		assert_int_equal(outcome.knob, knobs[k].id);
		assert_limit_event(lab, events + 1, REASON_RATE_QUOTA, host);
		/* A quarter of a second for each. */
		assert_dropped(open_more(lab, NAT_UDP, host, i, AT_MS(t + 249)), REASON_RATE_QUOTA);
		assert_reason(open_more(lab, NAT_UDP, host, i++, AT_MS(t + 250)),
			      REASON_MAPPING_CREATED);
		assert_dropped(open_more(lab, NAT_UDP, host, i, AT_MS(t + 250)), REASON_RATE_QUOTA);
		/* Never more than a second's worth. */
		for (unsigned int n = 0; n < 4; n++)
			assert_reason(open_more(lab, NAT_UDP, host, i++, AT_MS(t + 5000)),
				      REASON_MAPPING_CREATED);
		assert_dropped(open_more(lab, NAT_UDP, host, i, AT_MS(t + 5000)),
			       REASON_RATE_QUOTA);
		/* Other hosts have rates of their own, and sessions are no mappings. */
		assert_reason(open_more(lab, NAT_UDP, H2, k, AT_MS(t + 5000)),
			      REASON_MAPPING_CREATED);
		assert_rewritten(lab_out(lab, wire_udp(ep_port(host, 5000), Y2), AT_MS(t + 5000)),
				 REASON_SESSION_CREATED);
		lab_set(lab, knobs[k].key, "0");
		assert_reason(open_more(lab, NAT_UDP, host, i, AT_MS(t + 5000)),
			      REASON_MAPPING_CREATED);
	}
}

static void test_rate_of_one_protocol_leaves_the_others(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "tcp.new-mappings-per-second", "1");
	assert_reason(open_more(lab, NAT_TCP, H1, 0, AT_S(0)), REASON_MAPPING_CREATED);
	assert_dropped(open_more(lab, NAT_TCP, H1, 1, AT_S(0)), REASON_RATE_QUOTA);
	assert_reason(open_more(lab, NAT_UDP, H1, 1, AT_S(0)), REASON_MAPPING_CREATED);
	assert_reason(open_more(lab, NAT_ICMP, H1, 1, AT_S(0)), REASON_MAPPING_CREATED);
}

/* A host that is refused and has nothing is not remembered. */
static void test_refused_host_leaves_no_record(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "udp.port-range", "5000-5000");
	lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	assert_dropped(open_more(lab, NAT_UDP, H2, 0, AT_S(0)), REASON_PORTS_EXHAUSTED);
	assert_int_equal(lab->nat.hosts.arena.live, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		lab_test(test_host_is_there_as_long_as_something_holds_it),
		lab_test(test_full_table_of_hosts_takes_no_new_one),
		lab_test(test_host_goes_with_its_last_mapping),
		lab_test(test_rfc6888_req4_quota_of_mappings_is_per_host),
		lab_test(test_rfc6888_req4b_quota_of_mappings_per_protocol),
		lab_test(test_rfc6888_req5_quota_of_sessions_per_host),
		lab_test(test_quota_of_sessions_per_protocol),
		lab_test(test_session_that_is_over_makes_room_in_its_quota),
		lab_test(test_quota_of_sessions_is_for_inbound_ones_too),
		lab_test(test_rfc6888_req5_quota_of_sessions_per_mapping),
		lab_test(test_rfc6888_req4c_rate_of_new_mappings),
		lab_test(test_rate_of_one_protocol_leaves_the_others),
		lab_test(test_refused_host_leaves_no_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
