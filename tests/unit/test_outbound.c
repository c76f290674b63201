/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/lab.h"

static void test_rfc3022_napt_source_becomes_external(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p < NAT_OTHER; p++) {
		struct wire w = lab_request(p, H1, Y1);
		struct nat_outcome outcome = lab_out(lab, w, AT_S(0));
		const struct mapping *m;

		assert_rewritten(outcome, REASON_MAPPING_CREATED);
		assert_int_equal(outcome.knob, option_of(OPT_UDP_MAPPING, p));
		assert_same_endpoint(ep_port(wire_source(w), 0), E1);
		assert_int_not_equal(wire_source(w).port, 0);
		m = mapping_at(&lab->nat.mappings, outcome.mapping);
		assert_int_equal(m->protocol, p);
		assert_same_endpoint(m->internal, H1);
		assert_same_endpoint(m->external, wire_source(w));
		assert_int_equal(m->created.ms, 0);
		assert_int_equal(lab_session(lab, outcome)->mapping, outcome.mapping);
	}
	assert_int_equal(lab->nat.mappings.arena.live, 3);
}

static void test_reasons_tell_mapping_session_and_known_apart(void **state)
{
	struct lab *lab = *state;
	struct nat_outcome a, b, c;

	for (enum nat_protocol p = NAT_UDP; p < NAT_OTHER; p++) {
		a = lab_out(lab, lab_request(p, H1, Y1), AT_S(0));
		assert_rewritten(a, REASON_MAPPING_CREATED);
		b = lab_out(lab, lab_request(p, H1, Y2), AT_S(1));
		assert_rewritten(b, REASON_SESSION_CREATED);
		assert_int_equal(b.mapping, a.mapping);
		assert_int_not_equal(b.session, a.session);
		c = lab_out(lab, lab_request(p, H1, Y1), AT_S(2));
		assert_rewritten(c, REASON_TRANSLATED);
		assert_int_equal(c.mapping, a.mapping);
		assert_int_equal(c.session, a.session);
	}
	assert_int_equal(lab->nat.mappings.arena.live, 3);
	assert_int_equal(lab->nat.sessions.arena.live, 6);
}

static void test_rfc4787_req3_hosts_with_one_source_port_get_different_ones(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p < NAT_OTHER; p++) {
		struct endpoint a = lab_open(lab, p, H1, Y1, AT_S(0));
		struct endpoint b = lab_open(lab, p, H2, Y1, AT_S(0));

		assert_true(addr_equal(&a.addr, &b.addr));
		assert_int_not_equal(a.port, b.port);
		/* each gets its own replies */
		assert_true(lab_comes_in(lab, p, Y1, a, H1, AT_S(1)));
		assert_true(lab_comes_in(lab, p, Y1, b, H2, AT_S(1)));
	}
}

/* Trap 47: a collision takes one other port, and keeps it for all destinations. */
static void test_rfc4787_req11_preserving_stays_endpoint_independent_in_a_collision(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p < NAT_OTHER; p++) {
		char knob[32];
		struct endpoint a, b;

		snprintf(knob, sizeof(knob), "%s.ports", nat_protocol_name(p));
		lab_set(lab, knob, "preserve");
		a = lab_open(lab, p, H1, Y1, AT_S(0));
		b = lab_open(lab, p, H2, Y1, AT_S(0));
		assert_int_equal(a.port, 5000);
		assert_int_not_equal(b.port, 5000);
		assert_same_endpoint(lab_open(lab, p, H2, Y2, AT_S(1)), b);
		assert_same_endpoint(lab_open(lab, p, H2, Y1_Q, AT_S(1)), b);
		assert_same_endpoint(lab_open(lab, p, H1, Y2, AT_S(1)), a);
	}
}

static void test_rfc7857_req5_protocols_have_mappings_of_their_own(void **state)
{
	struct lab *lab = *state;
	struct nat_outcome udp = lab_out(lab, wire_udp(H1, Y1), AT_S(0));
	struct nat_outcome tcp = lab_out(lab, wire_tcp(H1, Y1, WIRE_SYN), AT_S(0));
	struct nat_outcome icmp = lab_out(lab, wire_ping(H1, Y1), AT_S(0));

	assert_int_not_equal(udp.mapping, tcp.mapping);
	assert_int_not_equal(udp.mapping, icmp.mapping);
	assert_int_not_equal(tcp.mapping, icmp.mapping);
}

static void test_tcp_needs_a_syn_to_open(void **state)
{
	struct lab *lab = *state;

	for (unsigned int flags = 0; flags < 256; flags++) {
		if (flags & WIRE_SYN)
			continue;
		assert_dropped(lab_out(lab, wire_tcp(H1, Y1, flags), AT_S(0)),
			       REASON_TCP_NO_SESSION);
	}
	assert_dropped(lab_out(lab, wire_tcp(H1, Y1, WIRE_SYN | WIRE_RST), AT_S(0)),
		       REASON_TCP_NO_SESSION);
	/* the answer to a SYN that never came through here */
	assert_dropped(lab_out(lab, wire_tcp(H1, Y1, WIRE_SYN | WIRE_ACK), AT_S(0)),
		       REASON_TCP_NO_SESSION);
	assert_int_equal(lab->nat.mappings.arena.live, 0);
	assert_rewritten(lab_out(lab, wire_tcp(H1, Y1, WIRE_SYN), AT_S(0)), REASON_MAPPING_CREATED);
	assert_rewritten(lab_out(lab, wire_tcp(H1, Y1, WIRE_ACK), AT_S(0)), REASON_TRANSLATED);
	/* another remote is another connection */
	assert_dropped(lab_out(lab, wire_tcp(H1, Y2, WIRE_ACK), AT_S(0)), REASON_TCP_NO_SESSION);
}

/* RFC 5382 REQ-2: data on a SYN is legal. */
static void test_rfc5382_req2_syn_may_carry_data(void **state)
{
	struct wire w =
		wire_tcp_with(H1, Y1, (struct wire_tcp){ .flags = WIRE_SYN, .payload = 100 });

	assert_rewritten(lab_out(*state, w, AT_S(0)), REASON_MAPPING_CREATED);
}

/* Trap 39. lab_out() compares all that is not address, port or checksum. */
static void test_tcp_options_and_urgent_pointer_pass_untouched(void **state)
{
	struct lab *lab = *state;
	struct wire w = wire_tcp_with(
		H1, Y1,
		(struct wire_tcp){
			.flags = WIRE_SYN | 0xe0, .options = 40, .payload = 3, .ip_options = 4 });

	wire_put16(w.at + 24 + 18, 0xbeef);
	memcpy(w.at + 24 + 20, (uint8_t[]){ 2, 4, 5, 0xb4, 5, 10, 1, 2, 3, 4, 5, 6, 7, 8 }, 14);
	wire_fix(w);
	assert_rewritten(lab_out(lab, w, AT_S(0)), REASON_MAPPING_CREATED);
	assert_int_equal(wire_get16(w.at + 24 + 18), 0xbeef);
}

/* Trap 42: only requests go out, of Echo and Timestamp. */
static void test_icmp_types_that_may_go_out(void **state)
{
	struct lab *lab = *state;

	for (unsigned int type = 0; type < 256; type++) {
		struct nat_outcome outcome;

		if (type == 3 || type == 11 || type == 12)
			continue;
		outcome = lab_out(lab, wire_query(type, H1, Y1, 100 + type), AT_S(0));
		if (type == 8 || type == 13)
			assert_rewritten(outcome, REASON_MAPPING_CREATED);
		else
			assert_dropped(outcome, REASON_ICMP_TYPE);
	}
	assert_int_equal(lab->nat.mappings.arena.live, 2);
}

static void test_rfc5508_req1a_query_identifier_is_mapped_for_all_remotes(void **state)
{
	struct lab *lab = *state;
	struct wire ping = wire_ping(H1, Y1), timestamp = wire_query(13, H1, Y2, H1.port);

	assert_rewritten(lab_out(lab, ping, AT_S(0)), REASON_MAPPING_CREATED);
	assert_rewritten(lab_out(lab, timestamp, AT_S(0)), REASON_SESSION_CREATED);
	assert_same_endpoint(wire_source(ping), wire_source(timestamp));
}

static void test_identifier_zero_can_be_mapped(void **state)
{
	struct lab *lab = *state;
	struct endpoint host = ep_port(H1, 0), external;

	external = lab_open(lab, NAT_ICMP, host, Y1, AT_S(0));
	assert_int_not_equal(external.port, 0);
	assert_true(lab_comes_in(lab, NAT_ICMP, Y1, external, host, AT_S(0)));
}

static void test_traffic_is_counted_by_side_in_ip_bytes(void **state)
{
	struct lab *lab = *state;
	struct wire w = wire_udp_with(H1, Y1, 0, 100);
	struct nat_outcome outcome = lab_out(lab, w, AT_S(0));
	const struct session *s = lab_session(lab, outcome);
	struct wire padded = wire_take(60);

	assert_int_equal(s->traffic[NAT_INTERNAL].packets, 1);
	assert_int_equal(s->traffic[NAT_INTERNAL].bytes, 128);
	assert_int_equal(s->traffic[NAT_EXTERNAL].packets, 0);
	lab_in(lab, wire_udp_with(Y1, wire_source(w), 0, 1), AT_S(0));
	assert_int_equal(s->traffic[NAT_EXTERNAL].packets, 1);
	assert_int_equal(s->traffic[NAT_EXTERNAL].bytes, 29);
	memcpy(padded.at, wire_udp_with(H1, Y1, 0, 2).at, 30);
	lab_out(lab, padded, AT_S(0)); /* padding of the link is no part of the packet */
	assert_int_equal(s->traffic[NAT_INTERNAL].packets, 2);
	assert_int_equal(s->traffic[NAT_INTERNAL].bytes, 158);
}

static void test_refused_packet_is_not_counted_as_traffic(void **state)
{
	struct lab *lab = *state;
	struct wire w = wire_udp(H1, Y1);
	struct nat_outcome outcome = lab_out(lab, w, AT_S(0));

	lab_in(lab, wire_udp(Y2, wire_source(w)), AT_S(0));
	assert_int_equal(lab_session(lab, outcome)->traffic[NAT_EXTERNAL].packets, 0);
	assert_int_equal(mapping_past(&lab->nat.mappings, outcome.mapping)[NAT_EXTERNAL].packets,
			 0);
}

static void test_rfc6888_req11_full_mapping_table_refuses_and_evicts_nothing(void **state)
{
	struct lab *lab = *state;
	struct nat_outcome outcome;

	for (unsigned int i = 0; i < 200; i++)
		lab_open(lab, NAT_UDP, ep_port(H1, 5000 + i), Y1, AT_S(i));
	outcome = lab_out(lab, wire_udp(H2, Y1), AT_S(250));
	assert_dropped(outcome, REASON_MAPPINGS_FULL);
	assert_int_equal(outcome.knob, OPT_NAT_MAX_MAPPINGS);
	assert_int_equal(lab->nat.mappings.arena.live, 200);
	/* those that are there go on, with new sessions too */
	assert_rewritten(lab_out(lab, wire_udp(ep_port(H1, 5000), Y1), AT_S(251)),
			 REASON_TRANSLATED);
	assert_rewritten(lab_out(lab, wire_udp(ep_port(H1, 5000), Y2), AT_S(251)),
			 REASON_SESSION_CREATED);
}

static void test_rfc6888_req5_full_session_table_refuses_and_evicts_nothing(void **state)
{
	struct lab *lab = *state;
	struct nat_outcome outcome;

	for (unsigned int i = 0; i < 400; i++)
		lab_open(lab, NAT_UDP, H1, ep_port(Y1, 5000 + i), AT_S(0));
	outcome = lab_out(lab, wire_udp(H1, Y2), AT_S(1));
	assert_dropped(outcome, REASON_SESSIONS_FULL);
	assert_int_equal(outcome.knob, OPT_NAT_MAX_SESSIONS);
	assert_dropped(lab_out(lab, wire_udp(H2, Y2), AT_S(1)), REASON_SESSIONS_FULL);
	assert_int_equal(lab->nat.sessions.arena.live, 400);
	assert_int_equal(lab->nat.mappings.arena.live, 1);
	assert_rewritten(lab_out(lab, wire_udp(H1, ep_port(Y1, 5000)), AT_S(2)), REASON_TRANSLATED);
}

static void test_rfc6888_req11a_no_free_port_refuses(void **state)
{
	struct lab *lab = *state;
	struct nat_outcome outcome;

	lab_set(lab, "udp.port-range", "4000-4009");
	for (unsigned int i = 0; i < 10; i++)
		assert_in_range(lab_open(lab, NAT_UDP, ep_port(H1, 5000 + i), Y1, AT_S(0)).port,
				4000, 4009);
	outcome = lab_out(lab, wire_udp(H2, Y1), AT_S(1));
	assert_dropped(outcome, REASON_PORTS_EXHAUSTED);
	assert_int_equal(outcome.knob, OPT_NAT_EXTERNAL);
	assert_int_equal(lab->nat.mappings.arena.live, 10);
	assert_rewritten(lab_out(lab, wire_udp(H1, Y2), AT_S(1)), REASON_SESSION_CREATED);
	assert_rewritten(lab_out(lab, wire_tcp(H2, Y1, WIRE_SYN), AT_S(1)), REASON_MAPPING_CREATED);
	lab_set(lab, "udp.port-range", "4000-4010");
	assert_int_equal(lab_open(lab, NAT_UDP, H2, Y1, AT_S(2)).port, 4010);
}

/* What is over makes room at once, whether the timer has run or not. */
static void test_expired_sessions_make_room_without_a_tick(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "udp.port-range", "4000-4000");
	lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	assert_dropped(lab_out(lab, wire_udp(H2, Y1), AT_MS(299999)), REASON_PORTS_EXHAUSTED);
	assert_rewritten(lab_out(lab, wire_udp(H2, Y1), AT_S(300)), REASON_MAPPING_CREATED);
	lab_set(lab, "udp.port-range", "1024-65535");
	for (unsigned int i = 0; i < 199; i++)
		lab_open(lab, NAT_UDP, ep_port(H1, 6000 + i), Y1, AT_S(301));
	assert_dropped(lab_out(lab, wire_udp(H1, Y1), AT_S(302)), REASON_MAPPINGS_FULL);
	assert_rewritten(lab_out(lab, wire_udp(H1, Y1), AT_S(700)), REASON_MAPPING_CREATED);
}

static void test_expired_sessions_make_room_for_sessions_without_a_tick(void **state)
{
	struct lab *lab = *state;

	for (unsigned int i = 0; i < 400; i++)
		lab_open(lab, NAT_UDP, H1, ep_port(Y1, 5000 + i), AT_S(0));
	assert_dropped(lab_out(lab, wire_udp(H2, Y2), AT_MS(299999)), REASON_SESSIONS_FULL);
	assert_rewritten(lab_out(lab, wire_udp(H2, Y2), AT_S(300)), REASON_MAPPING_CREATED);
}

/* A mapping is under the behavior it was made with; the knob is for new ones. */
static void test_mapping_behavior_can_change_while_running(void **state)
{
	struct lab *lab = *state;
	struct endpoint before = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0)), after;

	lab_set(lab, "udp.mapping", "apdm");
	assert_same_endpoint(lab_open(lab, NAT_UDP, H1, Y1, AT_S(1)), before);
	after = lab_open(lab, NAT_UDP, H1, Y2, AT_S(1));
	assert_int_not_equal(after.port, before.port);
	lab_set(lab, "udp.mapping", "eim");
	assert_same_endpoint(lab_open(lab, NAT_UDP, H1, Y2, AT_S(2)), after);
	assert_same_endpoint(lab_open(lab, NAT_UDP, H1, Y1_Q, AT_S(2)), before);
}

static void test_rfc4787_req2_host_keeps_its_address_of_the_pool(void **state)
{
	struct lab *lab = *state;
	struct endpoint first;

	lab_set(lab, "nat.external", "203.0.113.1-203.0.113.8");
	first = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	for (unsigned int i = 1; i < 50; i++) {
		struct endpoint next = lab_open(lab, (enum nat_protocol)(i % 3),
						ep_port(H1, 5000 + i), Y1, AT_S(1));

		assert_true(addr_equal(&next.addr, &first.addr));
	}
}

/* The router's own traffic: an internal endpoint like any other. */
static void test_external_address_as_source_is_mapped_like_any(void **state)
{
	struct lab *lab = *state;
	struct endpoint own = ep_port(E1, 5000);
	struct endpoint external = lab_open(lab, NAT_UDP, own, Y1, AT_S(0));

	assert_true(lab_comes_in(lab, NAT_UDP, Y1, external, own, AT_S(1)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		lab_test(test_rfc3022_napt_source_becomes_external),
		lab_test(test_reasons_tell_mapping_session_and_known_apart),
		lab_test(test_rfc4787_req3_hosts_with_one_source_port_get_different_ones),
		lab_test(test_rfc4787_req11_preserving_stays_endpoint_independent_in_a_collision),
		lab_test(test_rfc7857_req5_protocols_have_mappings_of_their_own),
		lab_test(test_tcp_needs_a_syn_to_open),
		lab_test(test_rfc5382_req2_syn_may_carry_data),
		lab_test(test_tcp_options_and_urgent_pointer_pass_untouched),
		lab_test(test_icmp_types_that_may_go_out),
		lab_test(test_rfc5508_req1a_query_identifier_is_mapped_for_all_remotes),
		lab_test(test_identifier_zero_can_be_mapped),
		lab_test(test_traffic_is_counted_by_side_in_ip_bytes),
		lab_test(test_refused_packet_is_not_counted_as_traffic),
		lab_test(test_rfc6888_req11_full_mapping_table_refuses_and_evicts_nothing),
		lab_test(test_rfc6888_req5_full_session_table_refuses_and_evicts_nothing),
		lab_test(test_rfc6888_req11a_no_free_port_refuses),
		lab_test(test_expired_sessions_make_room_without_a_tick),
		lab_test(test_expired_sessions_make_room_for_sessions_without_a_tick),
		lab_test(test_mapping_behavior_can_change_while_running),
		lab_test(test_rfc4787_req2_host_keeps_its_address_of_the_pool),
		lab_test(test_external_address_as_source_is_mapped_like_any),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
