/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/core/event.h"

#include "tests/unit/ask.h"

static struct nat_event memory[EVENT_RING];

static void add(struct event_ring *ring, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		const struct nat_event event = { .number = 4711,
						 .at = AT_MS((int64_t)ring->count),
						 .type = EVENT_BLOCK_FREED,
						 .last = (uint16_t)ring->count };

		event_add(ring, &event);
	}
}

static void assert_event(const struct event_ring *ring, uint64_t from, uint64_t wanted)
{
	const struct nat_event *e = event_from(ring, from);

	assert_non_null(e);
	assert_int_equal(e->number, wanted);
	assert_int_equal(e->last, (uint16_t)(wanted - 1));
	assert_int_equal(e->at.ms, wanted - 1);
}

static void test_events_are_numbered_from_one(void **state)
{
	struct event_ring ring = { .events = memory, .room = EVENT_RING };

	(void)state;
	assert_null(event_from(&ring, 0));
	assert_null(event_from(&ring, 1));
	add(&ring, 3);
	assert_event(&ring, 0, 1);
	assert_event(&ring, 1, 1);
	assert_event(&ring, 3, 3);
	assert_null(event_from(&ring, 4));
	assert_null(event_from(&ring, UINT64_MAX));
}

static void test_ring_keeps_the_last(void **state)
{
	struct event_ring ring = { .events = memory, .room = EVENT_RING };

	(void)state;
	add(&ring, EVENT_RING);
	assert_event(&ring, 0, 1);
	add(&ring, 1);
	assert_event(&ring, 0, 2);
	assert_event(&ring, 1, 2);
	add(&ring, 3 * EVENT_RING + 10);
	assert_event(&ring, 1, 3 * EVENT_RING + 12);
	for (uint64_t n = 3 * EVENT_RING + 12; n <= ring.count; n++)
		assert_event(&ring, n, n);
	assert_null(event_from(&ring, ring.count + 1));
}

static void test_names_are_those_people_read(void **state)
{
	static const char *const names[EVENT_TYPES] = {
		"limit-reached",   "block-allocated", "block-freed",	 "block-overflow",
		"options-changed", "preset-changed",  "forward-added",	 "forward-deleted",
		"mapping-created", "mapping-ended",   "session-created", "session-ended"
	};

	(void)state;
	for (int i = 0; i < EVENT_TYPES; i++)
		assert_string_equal(event_type_name((enum event_type)i), names[i]);
}

/* RFC 6888 REQ-11C: a condition is told once, and again when it has been over in between. */
static void test_rfc6888_req11c_limit_is_told_once_until_there_is_room(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "udp.port-range", "5000-5000");
	lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	for (int round = 1; round <= 3; round++) {
		int t = round * 1000;

		for (int i = 0; i < 5; i++)
			lab_out(lab, wire_udp(H2, Y1), AT_S(t - 701));
		assert_int_equal(lab->nat.events.count, round);
		assert_int_equal(event_from(&lab->nat.events, (uint64_t)round)->reason,
				 REASON_PORTS_EXHAUSTED);
		assert_int_equal(event_from(&lab->nat.events, (uint64_t)round)->at.ms,
				 1000 * (t - 701));
		nat_tick(&lab->nat, AT_S(t - 700), 10);
		lab_open(lab, NAT_UDP, H1, Y1, AT_S(t));
	}
}

static void test_full_tables_are_told(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "nat.max-mappings", "2");
	lab_set(lab, "nat.max-sessions", "3");
	lab_open(lab, NAT_UDP, ep_port(H1, 1), Y1, AT_S(0));
	lab_open(lab, NAT_UDP, ep_port(H1, 2), Y1, AT_S(0));
	assert_dropped(lab_out(lab, wire_udp(ep_port(H1, 3), Y1), AT_S(0)), REASON_MAPPINGS_FULL);
	assert_int_equal(event_from(&lab->nat.events, 1)->reason, REASON_MAPPINGS_FULL);
	lab_open(lab, NAT_UDP, ep_port(H1, 2), Y2, AT_S(0));
	assert_dropped(lab_out(lab, wire_udp(ep_port(H1, 1), Y2), AT_S(0)), REASON_SESSIONS_FULL);
	assert_int_equal(event_from(&lab->nat.events, 2)->reason, REASON_SESSIONS_FULL);
	assert_int_equal(lab->nat.events.count, 2);
}

/* --- flows ---------------------------------------------------------------------------------- */

static void listen(struct lab *lab)
{
	lab->nat.listeners.mappings = lab->nat.listeners.sessions = 1;
}

static void assert_flow(const struct lab *lab, uint64_t number, enum event_type type,
			enum event_cause cause, int64_t duration_ms)
{
	const struct nat_event *e = event_from(&lab->nat.flows, number);

	assert_non_null(e);
	assert_int_equal(e->number, number);
	assert_int_equal(e->type, type);
	assert_int_equal(e->cause, cause);
	assert_int_equal(e->duration_ms, duration_ms);
}

static void assert_no_more(const struct lab *lab, uint64_t count)
{
	assert_int_equal(lab->nat.flows.count, count);
}

static void test_nobody_listens_and_nothing_is_written_down(void **state)
{
	struct lab *lab = *state;

	lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	nat_tick(&lab->nat, AT_S(300), 10);
	assert_int_equal(lab->nat.mappings.arena.live, 0);
	assert_no_more(lab, 0);
	lab->nat.listeners.mappings = 1;
	lab_open(lab, NAT_UDP, H1, Y1, AT_S(300));
	assert_no_more(lab, 1); /* no session */
	lab->nat.listeners.mappings = 0;
	lab->nat.listeners.sessions = 1;
	lab_open(lab, NAT_UDP, H2, Y1, AT_S(300));
	assert_no_more(lab, 2); /* no mapping */
	assert_flow(lab, 2, EVENT_SESSION_CREATED, CAUSE_NONE, 0);
}

static void test_a_mapping_and_its_session_begin_and_expire(void **state)
{
	struct lab *lab = *state;
	struct endpoint external;
	const struct nat_event *e;

	listen(lab);
	external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(7));
	nat_tick(&lab->nat, AT_S(307), 10);
	assert_flow(lab, 1, EVENT_MAPPING_CREATED, CAUSE_NONE, 0);
	assert_flow(lab, 2, EVENT_SESSION_CREATED, CAUSE_NONE, 0);
	assert_flow(lab, 3, EVENT_SESSION_ENDED, CAUSE_EXPIRED, 300000);
	assert_flow(lab, 4, EVENT_MAPPING_ENDED, CAUSE_EXPIRED, 300000);
	assert_no_more(lab, 4);
	for (uint64_t n = 1; n <= 4; n++) {
		e = event_from(&lab->nat.flows, n);
		assert_int_equal(e->at.ms, n <= 2 ? 7000 : 307000);
		assert_int_equal(e->protocol, NAT_UDP);
		assert_same_endpoint(((struct endpoint){ e->internal, e->internal_port }), H1);
		assert_same_endpoint(e->external, external);
		assert_false(e->in_block);
		assert_int_equal(e->mapping, 0);
		assert_int_equal(e->session, n == 2 || n == 3 ? 0 : NAT_NONE);
	}
	assert_same_endpoint(event_from(&lab->nat.flows, 2)->remote, Y1);
	assert_false(addr_is_ip4(&event_from(&lab->nat.flows, 1)->remote.addr));
}

static void test_a_mapping_kept_apart_by_its_remote_tells_it(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "udp.mapping", "apdm");
	listen(lab);
	lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	assert_same_endpoint(event_from(&lab->nat.flows, 1)->remote, Y1);
	nat_tick(&lab->nat, AT_S(300), 10);
	assert_same_endpoint(event_from(&lab->nat.flows, 4)->remote, Y1);
}

static void test_a_connection_that_was_closed_says_so(void **state)
{
	struct lab *lab = *state;
	struct endpoint external;

	listen(lab);
	external = lab_open(lab, NAT_TCP, H1, Y1, AT_S(0));
	lab_in(lab, wire_tcp(Y1, external, WIRE_SYN | WIRE_ACK), AT_S(0));
	lab_out(lab, wire_tcp(H1, Y1, WIRE_FIN | WIRE_ACK), AT_S(0));
	lab_in(lab, wire_tcp(Y1, external, WIRE_FIN | WIRE_ACK), AT_S(0));
	lab_open(lab, NAT_TCP, H2, Y1, AT_S(0));
	nat_tick(&lab->nat, AT_S(240), 10);
	assert_no_more(lab, 8);
	assert_flow(lab, 5, EVENT_SESSION_ENDED, CAUSE_EXPIRED, 240000);
	assert_flow(lab, 7, EVENT_SESSION_ENDED, CAUSE_CLOSED, 240000);
	assert_flow(lab, 8, EVENT_MAPPING_ENDED, CAUSE_EXPIRED, 240000);
}

/* The last thing that has happened: a mapping of @internal ended after so long. */
static void assert_ended(const struct lab *lab, struct endpoint internal, enum event_cause cause,
			 int64_t duration_ms)
{
	const struct nat_event *e = event_from(&lab->nat.flows, lab->nat.flows.count);

	assert_non_null(e);
	assert_int_equal(e->type, EVENT_MAPPING_ENDED);
	assert_same_endpoint(((struct endpoint){ e->internal, e->internal_port }), internal);
	assert_int_equal(e->cause, cause);
	assert_int_equal(e->duration_ms, duration_ms);
}

static void test_causes_of_what_ends_by_hand(void **state)
{
	const struct nat_selection all = { .mapping = NAT_NONE, .protocol = NAT_PROTOCOLS };
	struct lab *lab = *state;

	listen(lab);
	lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	nat_flush(&lab->nat, &all, AT_S(9));
	assert_ended(lab, H1, CAUSE_FLUSHED, 9000);
	lab_open(lab, NAT_UDP, H1, Y1, AT_S(10));
	nat_tick(&lab->nat, AT_S(12), 0);
	lab_set(lab, "nat.external", "198.18.0.9");
	assert_ended(lab, H1, CAUSE_RENUMBERED, 2000);
	lab_set(lab, "nat.forwards", "udp:80=192.168.1.2:5000");
	lab_in(lab, wire_udp(Y1, ep("198.18.0.9:80")), AT_S(13));
	lab_set(lab, "nat.forwards", "none");
	assert_ended(lab, H1, CAUSE_RULE, 0);
}

static void test_causes_of_what_ends_by_itself(void **state)
{
	struct lab *lab = *state;
	struct lease_request back = lease_of(NAT_UDP, H1, 0);
	struct endpoint external;

	listen(lab);
	lab_lease(lab, NAT_UDP, H1, 100, AT_S(0));
	nat_tick(&lab->nat, AT_S(100), 10);
	assert_ended(lab, H1, CAUSE_EXPIRED, 100000);
	lab_lease(lab, NAT_UDP, H1, 100, AT_S(100));
	assert_int_equal(lab_request_lease(lab, &back, AT_S(101)), LEASE_GRANTED);
	assert_ended(lab, H1, CAUSE_RELEASED, 1000);
	lab_set(lab, "udp.kill-on-unsolicited", "on");
	external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(110));
	lab_in(lab, wire_udp(Y2, external), AT_S(119));
	assert_ended(lab, H1, CAUSE_KILLED, 9000);
	lab_set(lab, "udp.ports", "overload");
	lab_open(lab, NAT_UDP, H1, Y1, AT_S(200));
	lab_open(lab, NAT_UDP, H2, Y1, AT_S(201));
	assert_int_equal(event_from(&lab->nat.flows, lab->nat.flows.count - 2)->cause,
			 CAUSE_REPLACED);
}

/* The last of that type. */
static const struct nat_event *last_flow(const struct lab *lab, enum event_type type)
{
	const struct nat_event *e;
	uint64_t n = lab->nat.flows.count;

	do {
		e = event_from(&lab->nat.flows, n);
		assert_non_null(e);
	} while (e->type != type && --n > 0);
	assert_int_equal(e->type, type);
	return e;
}

/* A block is known to be its host's, so what comes out of it need not be told apart. */
static void test_mappings_in_a_block_are_marked(void **state)
{
	static const char *const behaviors[] = { "dynamic", "deterministic" };
	struct lab *lab = *state;

	lab->nat.listeners.mappings = 1;
	lab_set(lab, "nat.block-overflow", "1");
	for (int i = 0; i < 2; i++) {
		lab_set(lab, "nat.blocks", behaviors[i]);
		for (enum nat_protocol p = NAT_UDP; p <= NAT_ICMP; p++) {
			lab_open(lab, p, H1, Y1, AT_S(1000 * i));
			assert_true(last_flow(lab, EVENT_MAPPING_CREATED)->in_block);
		}
		nat_tick(&lab->nat, AT_S(1000 * i + 900), 10);
		assert_true(last_flow(lab, EVENT_MAPPING_ENDED)->in_block);
	}
	lab_set(lab, "nat.forwards", "udp:2000=192.168.1.2:80");
	lab_in(lab, wire_udp(Y1, ep("203.0.113.1:2000")), AT_S(3000));
	assert_false(last_flow(lab, EVENT_MAPPING_CREATED)->in_block);
	/* More than its own block has: the others come from what is for all. */
	lab_set(lab, "nat.internal", "192.168.1.0-192.168.65.255");
	for (unsigned int i = 0; i < 5; i++)
		lab_open(lab, NAT_UDP, ep_port(H2, 6000 + i), Y1, AT_S(3000));
	assert_false(last_flow(lab, EVENT_MAPPING_CREATED)->in_block);
}

/* A block that is none any more is told, and so are the mappings that go on without it. */
static void test_what_goes_on_without_its_block_is_told(void **state)
{
	struct lab *lab = *state;
	const struct nat_event *e;
	struct endpoint external;

	lab->nat.listeners.mappings = 1;
	lab_set(lab, "nat.blocks", "dynamic");
	external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	nat_tick(&lab->nat, AT_S(10), 10);
	lab_set(lab, "nat.block-size", "64");
	e = event_from(&lab->nat.events, 2);
	assert_non_null(e);
	assert_int_equal(e->type, EVENT_BLOCK_FREED);
	assert_int_equal(e->at.ms, 10000);
	assert_int_equal(e->last - e->external.port, 511);
	assert_int_equal(lab->nat.events.count, 2);
	e = last_flow(lab, EVENT_MAPPING_CREATED);
	assert_int_equal(e->cause, CAUSE_BLOCKS);
	assert_same_endpoint(e->external, external);
	assert_false(e->in_block);
	assert_no_more(lab, 4); /* the block, the mapping, both again */
	assert_int_equal(event_from(&lab->nat.flows, 1)->type, EVENT_BLOCK_ALLOCATED);
	assert_int_equal(event_from(&lab->nat.flows, 3)->type, EVENT_BLOCK_FREED);
	lab_set(lab, "nat.blocks", "off"); /* told already */
	assert_no_more(lab, 4);
	nat_tick(&lab->nat, AT_S(300), 10);
	assert_ended(lab, H1, CAUSE_EXPIRED, 300000);
	assert_false(last_flow(lab, EVENT_MAPPING_ENDED)->in_block);
}

static void test_a_reader_that_falls_behind_sees_the_gap(void **state)
{
	struct lab *lab = *state;
	const struct nat_selection all = { .mapping = NAT_NONE, .protocol = NAT_PROTOCOLS };

	lab->nat.listeners.mappings = 1;
	for (int i = 0; i < EVENT_FLOW_RING / 200 + 1; i++) {
		for (unsigned int port = 1; port <= 100; port++)
			lab_open(lab, NAT_UDP, ep_port(H1, port), Y1, AT_S(i));
		nat_flush(&lab->nat, &all, AT_S(i));
	}
	assert_true(lab->nat.flows.count > EVENT_FLOW_RING);
	assert_int_equal(event_from(&lab->nat.flows, 1)->number,
			 lab->nat.flows.count - EVENT_FLOW_RING + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		lab_test(test_events_are_numbered_from_one),
		lab_test(test_ring_keeps_the_last),
		lab_test(test_names_are_those_people_read),
		lab_test(test_rfc6888_req11c_limit_is_told_once_until_there_is_room),
		lab_test(test_full_tables_are_told),
		lab_test(test_nobody_listens_and_nothing_is_written_down),
		lab_test(test_a_mapping_and_its_session_begin_and_expire),
		lab_test(test_a_mapping_kept_apart_by_its_remote_tells_it),
		lab_test(test_a_connection_that_was_closed_says_so),
		lab_test(test_causes_of_what_ends_by_hand),
		lab_test(test_causes_of_what_ends_by_itself),
		lab_test(test_mappings_in_a_block_are_marked),
		lab_test(test_what_goes_on_without_its_block_is_told),
		lab_test(test_a_reader_that_falls_behind_sees_the_gap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
