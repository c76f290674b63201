/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nat_flush(): what is selected goes, whole, and what is not stays. */
#include "tests/unit/lab.h"

static const struct nat_selection everything = { .mapping = NAT_NONE, .protocol = NAT_PROTOCOLS };

static struct endpoint opened[2][NAT_OTHER]; /* external endpoints by host and protocol */

/* Each of two hosts has a mapping of each protocol, with two remotes. */
static void open_six(struct lab *lab)
{
	for (int host = 0; host < 2; host++)
		for (int p = 0; p < NAT_OTHER; p++) {
			struct endpoint from = host == 0 ? H1 : H2;

			opened[host][p] = lab_open(lab, (enum nat_protocol)p, from, Y1, AT_S(0));
			lab_open(lab, (enum nat_protocol)p, from, Y2, AT_S(0));
		}
	assert_int_equal(lab->nat.mappings.arena.live, 6);
	assert_int_equal(lab->nat.sessions.arena.live, 12);
}

static uint32_t flush(struct lab *lab, struct nat_selection which)
{
	uint32_t flushed = nat_flush(&lab->nat, &which, AT_S(1));

	assert_consistent(&lab->nat);
	return flushed;
}

static bool is_there(struct lab *lab, int host, int p)
{
	return mapping_find_external(&lab->nat.mappings, (enum nat_protocol)p, &opened[host][p]) !=
	       NAT_NONE;
}

static void test_flush_of_everything_leaves_an_empty_table(void **state)
{
	struct lab *lab = *state;

	open_six(lab);
	assert_int_equal(flush(lab, everything), 6);
	assert_int_equal(lab->nat.mappings.arena.live, 0);
	assert_int_equal(lab->nat.sessions.arena.live, 0);
	assert_int_equal(flush(lab, everything), 0);
	assert_int_equal(nat_tick(&lab->nat, AT_S(1), 10).ms, MONO_NEVER.ms);
	/* Nobody comes in any more; whoever goes out begins anew. */
	assert_dropped(lab_in(lab, wire_udp(Y1, opened[0][NAT_UDP]), AT_S(1)), REASON_NO_MAPPING);
	open_six(lab);
}

static void test_flush_of_one_host_leaves_the_other(void **state)
{
	struct lab *lab = *state;
	struct nat_selection which = everything;
	struct endpoint host = H2;

	open_six(lab);
	which.host = &host.addr;
	assert_int_equal(flush(lab, which), 3);
	for (int p = 0; p < NAT_OTHER; p++) {
		assert_true(is_there(lab, 0, p));
		assert_false(is_there(lab, 1, p));
	}
}

static void test_flush_of_one_protocol_leaves_the_others(void **state)
{
	struct lab *lab = *state;
	struct nat_selection which = everything;

	open_six(lab);
	which.protocol = NAT_TCP;
	assert_int_equal(flush(lab, which), 2);
	for (int host = 0; host < 2; host++)
		for (int p = 0; p < NAT_OTHER; p++)
			assert_int_equal(is_there(lab, host, p), p != NAT_TCP);
}

static void test_flush_of_one_mapping_leaves_all_others(void **state)
{
	struct lab *lab = *state;
	struct nat_selection which = everything;

	open_six(lab);
	which.mapping = mapping_find_external(&lab->nat.mappings, NAT_UDP, &opened[1][NAT_UDP]);
	assert_int_equal(flush(lab, which), 1);
	assert_false(is_there(lab, 1, NAT_UDP));
	assert_int_equal(lab->nat.mappings.arena.live, 5);
	assert_int_equal(lab->nat.sessions.arena.live, 10);
	assert_int_equal(flush(lab, which), 0);
}

static void test_flush_of_an_external_endpoint_takes_what_is_on_it(void **state)
{
	struct lab *lab = *state;
	struct nat_selection which = everything;
	struct endpoint other;

	open_six(lab);
	other = opened[0][NAT_UDP];
	other.port ^= 1;
	which.external = &other;
	assert_int_equal(flush(lab, which), 0);
	which.external = &opened[0][NAT_UDP];
	assert_int_equal(flush(lab, which), 1);
	assert_false(is_there(lab, 0, NAT_UDP));
	assert_int_equal(lab->nat.mappings.arena.live, 5);
}

static void test_flush_selectors_hold_together(void **state)
{
	struct lab *lab = *state;
	struct nat_selection which = everything;
	struct endpoint host = H1, nobody = ep("192.168.1.99:5000");

	open_six(lab);
	which.host = &nobody.addr;
	assert_int_equal(flush(lab, which), 0);
	which.host = &host.addr;
	which.protocol = NAT_ICMP;
	which.external = &opened[0][NAT_UDP];
	assert_int_equal(flush(lab, which), 0);
	which.external = NULL;
	assert_int_equal(flush(lab, which), 1);
	assert_false(is_there(lab, 0, NAT_ICMP));
	assert_int_equal(lab->nat.mappings.arena.live, 5);
}

/* What has ended anyway goes as well, but was not flushed. */
static void test_flush_does_not_count_what_has_ended(void **state)
{
	struct lab *lab = *state;
	struct nat_selection which = everything;

	open_six(lab);
	assert_int_equal(nat_flush(&lab->nat, &which, AT_S(60)), 4); /* icmp.timeout is 60s */
	assert_int_equal(lab->nat.mappings.arena.live, 0);
}

static void test_flush_gives_the_ports_back(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "udp.port-range", "4000-4000");
	for (int i = 0; i < 3; i++) {
		assert_int_equal(lab_open(lab, NAT_UDP, H1, Y1, AT_S(0)).port, 4000);
		assert_int_equal(flush(lab, everything), 1);
	}
}

/* Who listens to what ends takes it in between: no part makes more events than their ring keeps. */
static void test_flush_in_parts_takes_all_and_loses_no_event(void **state)
{
	enum { MAPPINGS = 10000 };
	struct lab *lab = *state;
	uint32_t at = 0, flushed = 0, parts = 0;

	lab_set(lab, "nat.max-sessions", "10000");
	lab_set(lab, "nat.max-mappings", "10000");
	for (unsigned int port = 1; port <= MAPPINGS; port++) {
		struct wire w = wire_udp(ep_port(H1, port), Y1);
		struct packet pkt;

		packet_init(&pkt, w.at, w.len, w.len, false);
		nat_process(&lab->nat, &pkt, NAT_INTERNAL, AT_S(0));
	}
	assert_int_equal(lab->nat.mappings.arena.live, MAPPINGS);
	lab->nat.listeners.mappings = lab->nat.listeners.sessions = 1;
	nat_flush_begin(&lab->nat, AT_S(1));
	while (at < lab->nat.mappings.arena.used) {
		uint64_t before = lab->nat.flows.count;

		flushed += nat_flush_some(&lab->nat, &everything, &at);
		assert_in_range(lab->nat.flows.count - before, 1, EVENT_FLOW_RING / 3);
		parts++;
	}
	assert_true(parts > 1);
	assert_int_equal(flushed, MAPPINGS);
	assert_int_equal(lab->nat.mappings.arena.live, 0);
	assert_int_equal(lab->nat.flows.count, 2 * MAPPINGS);
	assert_consistent(&lab->nat);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		lab_test(test_flush_of_everything_leaves_an_empty_table),
		lab_test(test_flush_of_one_host_leaves_the_other),
		lab_test(test_flush_of_one_protocol_leaves_the_others),
		lab_test(test_flush_of_one_mapping_leaves_all_others),
		lab_test(test_flush_of_an_external_endpoint_takes_what_is_on_it),
		lab_test(test_flush_selectors_hold_together),
		lab_test(test_flush_does_not_count_what_has_ended),
		lab_test(test_flush_gives_the_ports_back),
		lab_test(test_flush_in_parts_takes_all_and_loses_no_event),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
