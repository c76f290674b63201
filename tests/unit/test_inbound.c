/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/lab.h"

static void test_rfc3022_dir_nobody_comes_in_without_a_mapping(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "tcp.unsolicited-syn", "drop");
	for (enum nat_protocol p = NAT_UDP; p < NAT_OTHER; p++) {
		struct nat_outcome outcome =
			lab_in(lab, lab_probe(p, Y1, ep_port(E1, 5000)), AT_S(0));

		assert_dropped(outcome, REASON_NO_MAPPING);
		assert_int_equal(outcome.mapping, NAT_NONE);
	}
	assert_int_equal(lab->nat.sessions.arena.live, 0);
}

static void test_reply_goes_back_to_the_internal_endpoint(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p < NAT_OTHER; p++) {
		struct endpoint external = lab_open(lab, p, H1, Y1, AT_S(0));
		struct wire w = p == NAT_TCP ? wire_tcp(Y1, external, WIRE_SYN | WIRE_ACK)
					     : lab_probe(p, Y1, external);

		assert_rewritten(lab_in(lab, w, AT_S(1)), REASON_TRANSLATED);
		assert_same_endpoint(wire_destination(w), H1);
		if (p != NAT_ICMP)
			assert_same_endpoint(wire_source(w), Y1);
	}
}

/* Addressed past us: it would walk round every filter. */
static void test_packet_addressed_to_an_internal_host_is_dropped(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p < NAT_OTHER; p++) {
		lab_open(lab, p, H1, Y1, AT_S(0));
		assert_dropped(lab_in(lab, lab_probe(p, Y1, H1), AT_S(0)), REASON_NOT_OURS);
	}
	assert_dropped(lab_in(lab, wire_query(8, Y1, H1, 5), AT_S(0)), REASON_NOT_OURS);
}

/* Trap 43: never mapped, even where the identifier is that of a mapping and all may come in. */
static void test_inbound_echo_request_is_for_the_router(void **state)
{
	struct lab *lab = *state;
	struct endpoint external;

	lab_set(lab, "icmp.filtering", "eif");
	external = lab_open(lab, NAT_ICMP, H1, Y1, AT_S(0));
	assert_dropped(lab_in(lab, wire_query(8, Y1, external, external.port), AT_S(1)),
		       REASON_NO_MAPPING);
	assert_dropped(lab_in(lab, wire_query(13, Y1, external, external.port), AT_S(1)),
		       REASON_NO_MAPPING);
}

/* Trap 42. */
static void test_icmp_types_that_may_come_in(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_open(lab, NAT_ICMP, H1, Y1, AT_S(0));

	for (unsigned int type = 0; type < 256; type++) {
		struct wire w = wire_query(type, Y1, external, external.port);
		struct nat_outcome outcome;

		if (type == 3 || type == 11 || type == 12)
			continue;
		outcome = lab_in(lab, w, AT_S(1));
		if (type == 0 || type == 14)
			assert_rewritten(outcome, REASON_TRANSLATED);
		else if (type == 8 || type == 13)
			assert_dropped(outcome, REASON_NO_MAPPING);
		else
			assert_dropped(outcome, REASON_ICMP_TYPE);
	}
}

static void test_rfc1624_zero_all_zero_echo_reply_arrives_right(void **state)
{
	struct lab *lab = *state;
	struct endpoint host = ep_port(H1, 0);
	struct endpoint external = lab_open(lab, NAT_ICMP, host, Y1, AT_S(0));
	struct wire w = wire_ip(1, Y1, external, 0, WIRE_ICMP + 56);

	wire_put16(w.at + 24, external.port);
	wire_fix(w);
	assert_rewritten(lab_in(lab, w, AT_S(1)), REASON_TRANSLATED);
	assert_int_equal(wire_get16(w.at + 24), 0);
	assert_int_equal(wire_get16(wire_check(w)), 0xffff);
}

static void test_admitted_udp_leaves_no_session_where_only_outbound_refreshes(void **state)
{
	struct lab *lab = *state;
	struct endpoint external;
	struct nat_outcome outcome;
	const struct traffic *past;

	lab_set(lab, "udp.filtering", "eif");
	external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	outcome = lab_in(lab, wire_udp_with(Y2, external, 0, 72), AT_S(1));
	assert_rewritten(outcome, REASON_ADMITTED);
	assert_int_equal(outcome.session, NAT_NONE);
	assert_int_equal(lab->nat.sessions.arena.live, 1);
	past = mapping_past(&lab->nat.mappings, outcome.mapping);
	assert_int_equal(past[NAT_EXTERNAL].packets, 1);
	assert_int_equal(past[NAT_EXTERNAL].bytes, 100);
	assert_int_equal(past[NAT_INTERNAL].packets, 0);
	/* the answer makes the session */
	assert_rewritten(lab_out(lab, wire_udp(H1, Y2), AT_S(2)), REASON_SESSION_CREATED);
	assert_rewritten(lab_in(lab, wire_udp(Y2, external), AT_S(3)), REASON_TRANSLATED);
}

static void test_admitted_udp_makes_a_session_where_inbound_refreshes(void **state)
{
	static const char *const values[] = { "inbound", "both" };
	struct lab *lab = *state;

	lab_set(lab, "udp.filtering", "eif");
	for (int i = 0; i < 2; i++) {
		struct endpoint host = ep_port(H1, 5000 + (unsigned int)i), external;
		struct nat_outcome outcome;

		lab_set(lab, "udp.refresh", values[i]);
		external = lab_open(lab, NAT_UDP, host, Y1, AT_S(10 * i + 0));
		outcome = lab_in(lab, wire_udp(Y2, external), AT_S(10 * i + 1));
		assert_rewritten(outcome, REASON_SESSION_CREATED);
		assert_int_equal(lab_session(lab, outcome)->traffic[NAT_EXTERNAL].packets, 1);
		assert_rewritten(lab_in(lab, wire_udp(Y2, external), AT_S(10 * i + 2)),
				 REASON_TRANSLATED);
		assert_rewritten(lab_out(lab, wire_udp(host, Y2), AT_S(10 * i + 3)),
				 REASON_TRANSLATED);
	}
}

static void test_admitted_icmp_reply_leaves_no_session(void **state)
{
	struct lab *lab = *state;
	struct endpoint external;

	lab_set(lab, "icmp.filtering", "eif");
	external = lab_open(lab, NAT_ICMP, H1, Y1, AT_S(0));
	assert_rewritten(lab_in(lab, wire_pong(Y2, external), AT_S(1)), REASON_ADMITTED);
	assert_int_equal(lab->nat.sessions.arena.live, 1);
}

static void test_rfc5382_req2_permitted_connection_from_outside(void **state)
{
	struct lab *lab = *state;
	struct endpoint external;
	struct nat_outcome outcome;

	lab_set(lab, "tcp.filtering", "eif");
	external = lab_open(lab, NAT_TCP, H1, Y1, AT_S(0));
	outcome = lab_in(lab, wire_tcp(Y2, external, WIRE_SYN), AT_S(1));
	assert_rewritten(outcome, REASON_SESSION_CREATED);
	assert_int_equal(lab_tcp_state(lab, outcome), TCP_EXTERNAL_SYN);
	assert_rewritten(lab_out(lab, wire_tcp(H1, Y2, WIRE_SYN | WIRE_ACK), AT_S(2)),
			 REASON_TRANSLATED);
	assert_int_equal(lab_tcp_state(lab, outcome), TCP_ESTABLISHED);
	assert_rewritten(lab_in(lab, wire_tcp(Y2, external, WIRE_ACK), AT_S(3)), REASON_TRANSLATED);
}

static void test_only_a_plain_syn_opens_a_connection_from_outside(void **state)
{
	struct lab *lab = *state;
	struct endpoint external;

	lab_set(lab, "tcp.filtering", "eif");
	external = lab_open(lab, NAT_TCP, H1, Y1, AT_S(0));
	for (unsigned int flags = 0; flags < 256; flags++) {
		struct wire w = wire_tcp(Y2, external, flags);

		if ((flags & (WIRE_SYN | WIRE_ACK | WIRE_RST)) == WIRE_SYN)
			continue;
		if (flags & WIRE_RST) /* forwarded, but it opens nothing either */
			assert_rewritten(lab_in(lab, w, AT_S(1)), REASON_ADMITTED);
		else
			assert_dropped(lab_in(lab, w, AT_S(1)), REASON_TCP_NO_SESSION);
	}
	assert_int_equal(lab->nat.sessions.arena.live, 1);
}

/* Trap 22. */
static void test_rfc5382_req2a_simultaneous_open_passes(void **state)
{
	struct lab *lab = *state;
	struct wire w = wire_tcp(H1, Y1, WIRE_SYN);
	struct nat_outcome outcome = lab_out(lab, w, AT_S(0));
	struct endpoint external = wire_source(w);

	assert_rewritten(lab_in(lab, wire_tcp(Y1, external, WIRE_SYN), AT_S(1)), REASON_TRANSLATED);
	assert_rewritten(lab_out(lab, wire_tcp(H1, Y1, WIRE_SYN | WIRE_ACK), AT_S(2)),
			 REASON_TRANSLATED);
	assert_rewritten(lab_in(lab, wire_tcp(Y1, external, WIRE_SYN | WIRE_ACK), AT_S(2)),
			 REASON_TRANSLATED);
	assert_int_equal(lab_tcp_state(lab, outcome), TCP_ESTABLISHED);
}

static void test_refused_syn_leaves_nothing_behind(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_open(lab, NAT_TCP, H1, Y1, AT_S(0));

	lab_set(lab, "tcp.unsolicited-syn", "drop");
	for (int i = 0; i < 10; i++)
		assert_dropped(lab_in(lab, wire_tcp(Y2, external, WIRE_SYN), AT_S(i)),
			       REASON_FILTERED);
	assert_int_equal(lab->nat.sessions.arena.live, 1);
}

/* Two mappings of one internal endpoint, and a remote that the second one knows already. */
static void test_syn_for_a_tuple_of_another_mapping_is_refused(void **state)
{
	struct lab *lab = *state;
	struct endpoint to_y1;

	lab_set(lab, "tcp.filtering", "eif");
	lab_set(lab, "tcp.mapping", "apdm");
	to_y1 = lab_open(lab, NAT_TCP, H1, Y1, AT_S(0));
	lab_open(lab, NAT_TCP, H1, Y2, AT_S(0));
	assert_dropped(lab_in(lab, wire_tcp(Y2, to_y1, WIRE_SYN), AT_S(1)), REASON_TUPLE_TAKEN);
	/* once that session is over, it may */
	assert_rewritten(lab_out(lab, wire_tcp(H1, Y1, WIRE_SYN), AT_S(100)), REASON_TRANSLATED);
	assert_rewritten(lab_in(lab, wire_tcp(Y2, to_y1, WIRE_SYN), AT_S(240)),
			 REASON_SESSION_CREATED);
}

static void test_udp_for_a_tuple_of_another_mapping_passes_without_a_session(void **state)
{
	struct lab *lab = *state;
	struct endpoint to_y1, to_y2;

	lab_set(lab, "udp.filtering", "eif");
	lab_set(lab, "udp.mapping", "apdm");
	lab_set(lab, "udp.refresh", "both");
	to_y1 = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	to_y2 = lab_open(lab, NAT_UDP, H1, Y2, AT_S(0));
	assert_rewritten(lab_in(lab, wire_udp(Y2, to_y1), AT_S(1)), REASON_ADMITTED);
	assert_rewritten(lab_in(lab, wire_udp(Y2, to_y2), AT_S(1)), REASON_TRANSLATED);
	assert_same_endpoint(lab_open(lab, NAT_UDP, H1, Y2, AT_S(2)), to_y2);
}

static void test_full_session_table_refuses_admitted_packets(void **state)
{
	struct lab *lab = *state;
	struct endpoint external;
	struct nat_outcome outcome;

	lab_set(lab, "tcp.filtering", "eif");
	lab_set(lab, "udp.filtering", "eif");
	external = lab_open(lab, NAT_TCP, H1, Y1, AT_S(0));
	for (unsigned int i = 0; i < 399; i++)
		lab_open(lab, NAT_UDP, H1, ep_port(Y1, 5000 + i), AT_S(0));
	outcome = lab_in(lab, wire_tcp(Y2, external, WIRE_SYN), AT_S(1));
	assert_dropped(outcome, REASON_SESSIONS_FULL);
	assert_int_equal(outcome.knob, OPT_NAT_MAX_SESSIONS);
	/* what needs no session passes all the same */
	external = lab_open(lab, NAT_UDP, H1, ep_port(Y1, 5000), AT_S(1));
	assert_rewritten(lab_in(lab, wire_udp(Y2, external), AT_S(1)), REASON_ADMITTED);
}

static void test_expired_sessions_make_room_for_admitted_ones_without_a_tick(void **state)
{
	struct lab *lab = *state;
	struct endpoint external;

	lab_set(lab, "tcp.filtering", "eif");
	for (unsigned int i = 0; i < 399; i++)
		lab_open(lab, NAT_UDP, H1, ep_port(Y1, 5000 + i), AT_S(0));
	external = lab_open(lab, NAT_TCP, H1, Y1, AT_S(200));
	assert_dropped(lab_in(lab, wire_tcp(Y2, external, WIRE_SYN), AT_S(299)),
		       REASON_SESSIONS_FULL);
	assert_rewritten(lab_in(lab, wire_tcp(Y2, external, WIRE_SYN), AT_S(300)),
			 REASON_SESSION_CREATED);
}

/* Trap 48. */
static void test_one_port_on_two_addresses_is_two_mappings(void **state)
{
	struct lab *lab = *state;
	struct endpoint host = H1, external = E1;

	lab_set(lab, "nat.external", "203.0.113.1-203.0.113.2");
	lab_set(lab, "udp.ports", "preserve");
	/* hosts until one is paired with the second address */
	for (uint32_t i = 2; addr_ip4(&external.addr) != 0xcb007102; i++) {
		assert_in_range(i, 2, 30);
		host.addr = addr_from_ip4(0xc0a80100 + i);
		external = lab_open(lab, NAT_UDP, host, Y1, AT_S(0));
	}
	lab_set(lab, "udp.filtering", "eif");
	assert_same_endpoint(external, ep("203.0.113.2:5000"));
	assert_true(lab_comes_in(lab, NAT_UDP, Y2, external, host, AT_S(1)));
	lab_set(lab, "tcp.unsolicited-syn", "drop");
	assert_dropped(lab_in(lab, wire_tcp(Y2, external, WIRE_SYN), AT_S(1)), REASON_NO_MAPPING);
}

/* Where UDP and TCP share their endpoints, one leads in for the other too: not for a remote that
 * the host has through another mapping. */
static void test_sibling_of_a_mapping_does_not_take_a_remote_the_host_has(void **state)
{
	struct lab *lab = *state;
	struct endpoint udp = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	struct endpoint tcp = lab_open(lab, NAT_TCP, H1, Y1, AT_S(0));

	assert_int_not_equal(udp.port, tcp.port);
	lab_set(lab, "nat.protocol-scope", "shared");
	lab_set(lab, "udp.filtering", "eif");
	assert_dropped(lab_in(lab, wire_udp(Y1, tcp), AT_S(1)), REASON_NO_MAPPING);
	assert_rewritten(lab_in(lab, wire_udp(Y1, udp), AT_S(1)), REASON_TRANSLATED);
	assert_rewritten(lab_in(lab, wire_udp(Y2, tcp), AT_S(1)), REASON_MAPPING_CREATED);
}

static void test_endpoint_that_is_lent_ends_with_the_lender_without_a_tick(void **state)
{
	struct lab *lab = *state;
	struct endpoint tcp;

	lab_set(lab, "nat.protocol-scope", "shared");
	lab_set(lab, "udp.filtering", "eif");
	lab_set(lab, "udp.refresh", "both");
	for (int known = 0; known < 2; known++) {
		int t = known * 1000;

		tcp = lab_open(lab, NAT_TCP, H1, Y1, AT_S(t));
		assert_rewritten(lab_in(lab, wire_udp(Y1, tcp), AT_S(t + 200)),
				 REASON_MAPPING_CREATED);
		assert_rewritten(lab_in(lab, wire_udp(Y1, tcp), AT_S(t + 239)), REASON_TRANSLATED);
		/* by a stranger it knows and by one it does not */
		assert_dropped(lab_in(lab, wire_udp(known ? Y1 : Y2, tcp), AT_S(t + 240)),
			       REASON_NO_MAPPING);
		assert_int_equal(lab->nat.mappings.arena.live, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		lab_test(test_rfc3022_dir_nobody_comes_in_without_a_mapping),
		lab_test(test_reply_goes_back_to_the_internal_endpoint),
		lab_test(test_packet_addressed_to_an_internal_host_is_dropped),
		lab_test(test_inbound_echo_request_is_for_the_router),
		lab_test(test_icmp_types_that_may_come_in),
		lab_test(test_rfc1624_zero_all_zero_echo_reply_arrives_right),
		lab_test(test_admitted_udp_leaves_no_session_where_only_outbound_refreshes),
		lab_test(test_admitted_udp_makes_a_session_where_inbound_refreshes),
		lab_test(test_admitted_icmp_reply_leaves_no_session),
		lab_test(test_rfc5382_req2_permitted_connection_from_outside),
		lab_test(test_only_a_plain_syn_opens_a_connection_from_outside),
		lab_test(test_rfc5382_req2a_simultaneous_open_passes),
		lab_test(test_refused_syn_leaves_nothing_behind),
		lab_test(test_syn_for_a_tuple_of_another_mapping_is_refused),
		lab_test(test_udp_for_a_tuple_of_another_mapping_passes_without_a_session),
		lab_test(test_full_session_table_refuses_admitted_packets),
		lab_test(test_expired_sessions_make_room_for_admitted_ones_without_a_tick),
		lab_test(test_one_port_on_two_addresses_is_two_mappings),
		lab_test(test_sibling_of_a_mapping_does_not_take_a_remote_the_host_has),
		lab_test(test_endpoint_that_is_lent_ends_with_the_lender_without_a_tick),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
