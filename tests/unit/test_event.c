/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/core/event.h"

#include "tests/unit/lab.h"

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
	struct event_ring ring = { 0 };

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
	struct event_ring ring = { 0 };

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
	static const char *const names[EVENT_TYPES] = { "limit-reached", "block-allocated",
							"block-freed", "block-overflow",
							"options-changed" };

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		lab_test(test_events_are_numbered_from_one),
		lab_test(test_ring_keeps_the_last),
		lab_test(test_names_are_those_people_read),
		lab_test(test_rfc6888_req11c_limit_is_told_once_until_there_is_room),
		lab_test(test_full_tables_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
