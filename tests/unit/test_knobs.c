/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which knob decided: every outcome that a knob could have made another names that knob, and what
 * no knob can change names none.
 */
#include "nat/core/lease.h"
#include "tests/unit/lab.h"

static void assert_knob(struct nat_outcome outcome, enum nat_reason reason, enum option_id knob)
{
	assert_reason(outcome, reason);
	if (outcome.knob != knob)
		fail_msg("%s: decided by %s", reason_spec(reason)->name,
			 outcome.knob == OPT_NONE ? "none" : option_spec(outcome.knob)->key);
}

static void test_outbound_flows_name_the_mapping_knob(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p < NAT_OTHER; p++) {
		enum option_id knob = option_of(OPT_UDP_MAPPING, p);

		assert_knob(lab_out(lab, lab_request(p, H1, Y1), AT_S(0)), REASON_MAPPING_CREATED,
			    knob);
		assert_knob(lab_out(lab, lab_request(p, H1, Y2), AT_S(0)), REASON_SESSION_CREATED,
			    knob);
		assert_knob(lab_out(lab, lab_request(p, H1, Y1), AT_S(0)), REASON_TRANSLATED,
			    OPT_NONE);
	}
}

static void test_inbound_flows_name_the_filtering_knob(void **state)
{
	struct lab *lab = *state;
	struct endpoint e = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));

	lab_set(lab, "udp.filtering", "endpoint-independent");
	assert_knob(lab_in(lab, wire_udp(Y2, e), AT_S(0)), REASON_ADMITTED, OPT_UDP_FILTERING);
	lab_set(lab, "udp.refresh", "both");
	assert_knob(lab_in(lab, wire_udp(Y2, e), AT_S(0)), REASON_SESSION_CREATED,
		    OPT_UDP_FILTERING);
	lab_set(lab, "udp.filtering", "address-and-port-dependent");
	assert_knob(lab_in(lab, wire_udp(Y1_Q, e), AT_S(0)), REASON_FILTERED, OPT_UDP_FILTERING);
	e = lab_open(lab, NAT_TCP, H1, Y1, AT_S(0));
	lab_set(lab, "tcp.filtering", "endpoint-independent");
	assert_knob(lab_in(lab, wire_tcp(Y2, e, WIRE_SYN), AT_S(0)), REASON_SESSION_CREATED,
		    OPT_TCP_FILTERING);
	assert_knob(lab_in(lab, wire_tcp(Y1_Q, e, WIRE_RST), AT_S(0)), REASON_ADMITTED,
		    OPT_TCP_FILTERING);
	assert_knob(lab_in(lab, wire_tcp(Y1_Q, e, WIRE_ACK), AT_S(0)), REASON_TCP_NO_SESSION,
		    OPT_NONE);
}

static void test_what_a_rule_leads_to_names_the_rule(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "nat.forwards", "udp:8080=192.168.1.2:5000");
	assert_knob(lab_in(lab, wire_udp(Y1, ep("203.0.113.1:8080")), AT_S(0)),
		    REASON_SESSION_CREATED, OPT_NAT_FORWARDS);
	assert_knob(lab_out(lab, wire_udp(H1, Y2), AT_S(0)), REASON_SESSION_CREATED,
		    OPT_NAT_FORWARDS);
	lab_set(lab, "nat.one-to-one", "203.0.113.5=192.168.1.3");
	assert_knob(lab_in(lab, wire_ping(Y1, ep("203.0.113.5:7")), AT_S(0)),
		    REASON_SESSION_CREATED, OPT_NAT_ONE_TO_ONE);
	assert_knob(lab_out(lab, wire_udp(H2, Y1), AT_S(0)), REASON_MAPPING_CREATED,
		    OPT_NAT_ONE_TO_ONE);
	lab_set(lab, "nat.dmz", "192.168.1.4");
	assert_knob(lab_in(lab, wire_udp(Y1, ep("203.0.113.1:9")), AT_S(0)), REASON_SESSION_CREATED,
		    OPT_NAT_DMZ);
	lab_set(lab, "nat.exempt", "203.0.113.11");
	assert_knob(lab_out(lab, wire_udp(H1, Y2), AT_S(0)), REASON_EXEMPT, OPT_NAT_EXEMPT);
}

static void test_what_a_host_asked_for_names_the_server(void **state)
{
	struct lab *lab = *state;
	struct lease_request asked = { .protocol = NAT_UDP, .internal = H1, .lifetime_ms = 60000 };

	assert_int_equal(nat_lease(&lab->nat, &asked, AT_S(0)), LEASE_GRANTED);
	assert_knob(lab_in(lab, wire_udp(Y1, asked.external), AT_S(0)), REASON_ADMITTED,
		    OPT_PCP_SERVER);
}

static void test_what_shares_ports_names_the_scope(void **state)
{
	struct lab *lab = *state;
	struct endpoint e;

	lab_set(lab, "nat.protocol-scope", "shared");
	lab_set(lab, "tcp.filtering", "endpoint-independent");
	e = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	assert_knob(lab_in(lab, wire_tcp(Y1, e, WIRE_SYN), AT_S(0)), REASON_MAPPING_CREATED,
		    OPT_NAT_PROTOCOL_SCOPE);
}

static void test_what_is_nobodys_names_the_unmatched_knob(void **state)
{
	const struct endpoint nobodys = ep("203.0.113.1:9");
	struct lab *lab = *state;

	assert_knob(lab_in(lab, wire_udp(Y1, nobodys), AT_S(0)), REASON_NO_MAPPING,
		    OPT_NAT_UNMATCHED);
	lab_set(lab, "nat.unmatched", "reject");
	assert_knob(lab_in(lab, wire_udp(Y1, nobodys), AT_S(0)), REASON_UNMATCHED_REJECTED,
		    OPT_NAT_UNMATCHED);
	lab_set(lab, "nat.unmatched", "accept");
	assert_knob(lab_in(lab, wire_udp(Y1, nobodys), AT_S(0)), REASON_ROUTER, OPT_NAT_UNMATCHED);
	assert_knob(lab_out(lab, wire_pong(ep("203.0.113.1:7"), Y1), AT_S(0)), REASON_ROUTER,
		    OPT_NAT_UNMATCHED);
	assert_knob(lab_in(lab, wire_udp(Y1, ep("198.51.100.7:9")), AT_S(0)), REASON_NOT_OURS,
		    OPT_NAT_EXTERNAL);
}

static void test_hairpins_name_their_knob(void **state)
{
	struct lab *lab = *state;
	struct endpoint e = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));

	lab_set(lab, "udp.filtering", "endpoint-independent");
	assert_knob(lab_out(lab, wire_udp(H2, e), AT_S(0)), REASON_HAIRPIN, OPT_NAT_HAIRPIN);
	lab_set(lab, "nat.hairpin", "off");
	assert_knob(lab_out(lab, wire_udp(H2, e), AT_S(0)), REASON_HAIRPIN_OFF, OPT_NAT_HAIRPIN);
}

static void test_no_port_left_names_the_pool_or_the_strategy(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "udp.port-range", "5000-5000");
	lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	assert_knob(lab_out(lab, wire_udp(H2, Y1), AT_S(0)), REASON_PORTS_EXHAUSTED,
		    OPT_NAT_EXTERNAL);
	lab_set(lab, "udp.ports", "preserve-only");
	assert_knob(lab_out(lab, wire_udp(H2, Y1), AT_S(0)), REASON_PORTS_EXHAUSTED, OPT_UDP_PORTS);
}

static void test_picked_up_names_its_knob(void **state)
{
	struct lab *lab = *state;

	assert_knob(lab_out(lab, wire_tcp(H1, Y1, WIRE_ACK), AT_S(0)), REASON_TCP_NO_SESSION,
		    OPT_TCP_NON_SYN);
	lab_set(lab, "tcp.non-syn", "pick-up");
	assert_knob(lab_out(lab, wire_tcp(H1, Y1, WIRE_ACK), AT_S(0)), REASON_PICKED_UP,
		    OPT_TCP_NON_SYN);
}

static void test_port_zero_names_a_knob_only_where_there_is_a_choice(void **state)
{
	struct lab *lab = *state;

	assert_knob(lab_out(lab, wire_udp(ep_port(H1, 0), Y1), AT_S(0)), REASON_PORT_ZERO,
		    OPT_UDP_PORT_ZERO);
	assert_knob(lab_out(lab, wire_udp(H1, ep_port(Y1, 0)), AT_S(0)), REASON_PORT_ZERO,
		    OPT_NONE);
	assert_knob(lab_out(lab, wire_tcp(ep_port(H1, 0), Y1, WIRE_SYN), AT_S(0)), REASON_PORT_ZERO,
		    OPT_NONE);
}

static void test_checks_of_icmp_errors_name_their_knob(void **state)
{
	struct lab *lab = *state;
	struct wire about, w;

	lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	about = wire_udp(lab_open(lab, NAT_UDP, H1, Y1, AT_S(0)), Y1);
	w = wire_error(3, 1, ROUTER, E1, about);
	w.at[WIRE_IP + 2] ^= 1;
	assert_knob(lab_in(lab, w, AT_S(0)), REASON_ICMP_ERROR_CHECKSUM, OPT_ICMP_ERROR_CHECKS);
	about.at[10] ^= 1;
	assert_knob(lab_in(lab, wire_error(3, 1, ROUTER, E1, about), AT_S(0)),
		    REASON_ICMP_QUOTE_CHECKSUM, OPT_ICMP_ERROR_CHECKS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		lab_test(test_outbound_flows_name_the_mapping_knob),
		lab_test(test_inbound_flows_name_the_filtering_knob),
		lab_test(test_what_a_rule_leads_to_names_the_rule),
		lab_test(test_what_a_host_asked_for_names_the_server),
		lab_test(test_what_shares_ports_names_the_scope),
		lab_test(test_what_is_nobodys_names_the_unmatched_knob),
		lab_test(test_hairpins_name_their_knob),
		lab_test(test_no_port_left_names_the_pool_or_the_strategy),
		lab_test(test_picked_up_names_its_knob),
		lab_test(test_port_zero_names_a_knob_only_where_there_is_a_choice),
		lab_test(test_checks_of_icmp_errors_name_their_knob),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
