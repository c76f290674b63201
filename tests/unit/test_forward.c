/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the knobs say leads where: forwards, one-to-one pairs, the DMZ, what is exempt. */
#include "tests/unit/lab.h"

#define SERVER ep("192.168.1.9:80")
#define PUBLIC ep("203.0.113.1:8080")

static const struct mapping *mapping_of(struct lab *lab, struct nat_outcome outcome)
{
	assert_int_not_equal(outcome.mapping, NAT_NONE);
	return mapping_at(&lab->nat.mappings, outcome.mapping);
}

static struct nat_outcome syn_in(struct lab *lab, struct endpoint from, struct endpoint to,
				 struct endpoint wanted, struct mono now)
{
	struct wire w = wire_tcp(from, to, WIRE_SYN);
	struct nat_outcome outcome = lab_in(lab, w, now);

	assert_rewritten(outcome, REASON_SESSION_CREATED);
	assert_same_endpoint(wire_destination(w), wanted);
	assert_same_endpoint(wire_source(w), from);
	return outcome;
}

/* --- forwards ------------------------------------------------------------------------------- */

static void test_rfc3022_static_forward_lets_anybody_open(void **state)
{
	struct lab *lab = *state;
	struct nat_outcome first;
	struct wire w;

	lab_set(lab, "nat.forwards", "tcp:8080=192.168.1.9:80");
	first = syn_in(lab, Y1, PUBLIC, SERVER, AT_S(0));
	assert_true(mapping_of(lab, first)->fixed);
	assert_false(mapping_of(lab, first)->holds_port);
	assert_int_equal(syn_in(lab, Y2, PUBLIC, SERVER, AT_S(1)).mapping, first.mapping);
	w = wire_tcp(SERVER, Y1, WIRE_SYN | WIRE_ACK);
	assert_rewritten(lab_out(lab, w, AT_S(2)), REASON_TRANSLATED);
	assert_same_endpoint(wire_source(w), PUBLIC);
	/* It does not expire: what expires is the mapping made from it. */
	nat_tick(&lab->nat, AT_S(100000), 100);
	assert_int_equal(lab->nat.mappings.arena.live, 0);
	syn_in(lab, Y1, PUBLIC, SERVER, AT_S(100000));
}

static void test_forwarded_segment_that_opens_nothing_leaves_nothing(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "nat.forwards", "tcp:8080=192.168.1.9:80");
	for (unsigned int flags = 0; flags < 256; flags++)
		if (!tcp_opens(flags))
			assert_dropped(lab_in(lab, wire_tcp(Y1, PUBLIC, flags), AT_S(0)),
				       REASON_TCP_NO_SESSION);
	assert_int_equal(lab->nat.mappings.arena.live, 0);
	assert_int_equal(lab->nat.hosts.arena.live, 0);
}

static void test_forward_is_for_its_protocol_and_ports_alone(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "tcp.unsolicited-syn", "drop");
	lab_set(lab, "nat.forwards", "udp:6000-6002=192.168.1.9:7000");
	for (unsigned int i = 0; i < 3; i++)
		assert_true(lab_comes_in(lab, NAT_UDP, Y1, ep_port(E1, 6000 + i),
					 ep_port(SERVER, 7000 + i), AT_S(0)));
	assert_dropped(lab_in(lab, wire_udp(Y1, ep_port(E1, 5999)), AT_S(0)), REASON_NO_MAPPING);
	assert_dropped(lab_in(lab, wire_udp(Y1, ep_port(E1, 6003)), AT_S(0)), REASON_NO_MAPPING);
	assert_dropped(lab_in(lab, wire_tcp(Y1, ep_port(E1, 6000), WIRE_SYN), AT_S(0)),
		       REASON_NO_MAPPING);
	assert_dropped(lab_in(lab, wire_pong(Y1, ep_port(E1, 6000)), AT_S(0)), REASON_NO_MAPPING);
}

/* The server's own flows leave through its forward: one endpoint, both ways (RFC 4787 REQ-1). */
static void test_server_has_its_forward_outbound_too(void **state)
{
	struct lab *lab = *state;
	struct nat_outcome outcome;
	struct wire w = wire_udp(ep("192.168.1.9:7001"), Y1);

	lab_set(lab, "udp.mapping", "apdm");
	lab_set(lab, "udp.filtering", "apdf");
	lab_set(lab, "nat.forwards", "udp:6000-6002=192.168.1.9:7000");
	outcome = lab_out(lab, w, AT_S(0));
	assert_rewritten(outcome, REASON_MAPPING_CREATED);
	assert_same_endpoint(wire_source(w), ep_port(E1, 6001));
	assert_int_equal(mapping_of(lab, outcome)->behavior, MAPPING_ENDPOINT_INDEPENDENT);
	w = wire_udp(ep("192.168.1.9:7001"), Y2);
	assert_int_equal(lab_out(lab, w, AT_S(0)).mapping, outcome.mapping);
	/* Anybody may send to it, whatever the filter. */
	assert_true(lab_comes_in(lab, NAT_UDP, Y1_Q, ep_port(E1, 6001), ep("192.168.1.9:7001"),
				 AT_S(1)));
	/* Beside the range it is a host like any other. */
	assert_int_not_equal(lab_open(lab, NAT_UDP, ep("192.168.1.9:7003"), Y1, AT_S(1)).port,
			     6003);
}

static void test_forward_of_one_address_leaves_the_others(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "tcp.unsolicited-syn", "drop");
	lab_set(lab, "nat.external", "203.0.113.1-203.0.113.2");
	lab_set(lab, "nat.forwards",
		"tcp:203.0.113.1:8080=192.168.1.9:80, tcp:203.0.113.2:8080=192.168.1.8:80");
	syn_in(lab, Y1, PUBLIC, SERVER, AT_S(0));
	syn_in(lab, Y1, ep("203.0.113.2:8080"), ep("192.168.1.8:80"), AT_S(0));
	lab_set(lab, "nat.forwards", "tcp:203.0.113.1:9090=192.168.1.9:80");
	assert_dropped(lab_in(lab, wire_tcp(Y1, ep("203.0.113.2:9090"), WIRE_SYN), AT_S(0)),
		       REASON_NO_MAPPING);
}

/* Two doors to one server: the second mapping of its endpoint is secondary. */
static void test_two_forwards_to_one_server_are_both_open(void **state)
{
	struct lab *lab = *state;
	struct nat_outcome a, b;
	struct wire w;

	lab_set(lab, "nat.forwards", "tcp:8080=192.168.1.9:80,tcp:8081=192.168.1.9:80");
	a = syn_in(lab, Y1, PUBLIC, SERVER, AT_S(0));
	b = syn_in(lab, Y2, ep_port(E1, 8081), SERVER, AT_S(0));
	assert_false(mapping_of(lab, a)->secondary);
	assert_true(mapping_of(lab, b)->secondary);
	w = wire_tcp(SERVER, Y2, WIRE_SYN | WIRE_ACK);
	assert_rewritten(lab_out(lab, w, AT_S(1)), REASON_TRANSLATED);
	assert_same_endpoint(wire_source(w), ep_port(E1, 8081));
	/* The server cannot tell two connections of one remote apart. */
	assert_dropped(lab_in(lab, wire_tcp(Y2, PUBLIC, WIRE_SYN), AT_S(1)), REASON_TUPLE_TAKEN);
	/* With the first gone, the second still serves its own. */
	lab_out(lab, wire_tcp(SERVER, Y2, WIRE_ACK), AT_S(2));
	nat_tick(&lab->nat, AT_S(300), 10);
	assert_int_equal(lab->nat.mappings.arena.live, 1);
	w = wire_tcp(SERVER, Y2, WIRE_ACK);
	assert_rewritten(lab_out(lab, w, AT_S(301)), REASON_TRANSLATED);
	assert_same_endpoint(wire_source(w), ep_port(E1, 8081));
}

static void test_forward_is_refused_when_the_table_is_full(void **state)
{
	struct lab *lab = *state;
	struct nat_outcome outcome;

	lab_set(lab, "nat.max-mappings", "1");
	lab_set(lab, "nat.forwards", "tcp:8080=192.168.1.9:80");
	lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	outcome = lab_in(lab, wire_tcp(Y1, PUBLIC, WIRE_SYN), AT_S(299));
	assert_dropped(outcome, REASON_MAPPINGS_FULL);
	assert_int_equal(outcome.knob, OPT_NAT_MAX_MAPPINGS);
	assert_int_equal(lab->nat.hosts.arena.live, 1);
	/* What is over makes room. */
	syn_in(lab, Y1, PUBLIC, SERVER, AT_S(300));
}

static void test_forward_counts_for_the_quota_of_its_host(void **state)
{
	struct lab *lab = *state;
	struct nat_outcome outcome;

	lab_set(lab, "nat.max-sessions-per-host", "2");
	lab_set(lab, "nat.forwards", "tcp:8080=192.168.1.9:80,tcp:8081=192.168.1.9:81");
	syn_in(lab, Y1, PUBLIC, SERVER, AT_S(0));
	syn_in(lab, Y2, PUBLIC, SERVER, AT_S(0));
	outcome = lab_in(lab, wire_tcp(Y1, ep_port(E1, 8081), WIRE_SYN), AT_S(0));
	assert_dropped(outcome, REASON_HOST_QUOTA);
	assert_int_equal(outcome.knob, OPT_NAT_MAX_SESSIONS_PER_HOST);
	/* and no mapping is left without a session */
	assert_int_equal(lab->nat.mappings.arena.live, 1);
}

/* A session that is made from outside keeps the mapping, where everybody may send anyway. */
static void test_forwarded_session_keeps_its_mapping(void **state)
{
	struct lab *lab = *state;
	struct nat_outcome outcome;

	lab_set(lab, "nat.forwards", "tcp:8080=192.168.1.9:80,udp:8080=192.168.1.9:80");
	outcome = syn_in(lab, Y1, PUBLIC, SERVER, AT_S(0));
	assert_true(lab_session(lab, outcome)->keeping);
	outcome = lab_in(lab, wire_udp(Y1, PUBLIC), AT_S(0));
	assert_rewritten(outcome, REASON_SESSION_CREATED);
	assert_true(lab_session(lab, outcome)->keeping);
}

/* A forward of every address there is, and there is none: they are all hosts' own. */
static void test_forward_without_an_address_needs_one(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "nat.forwards", "udp:8080=192.168.1.9:80");
	lab_set(lab, "nat.one-to-one", "203.0.113.1=192.168.1.8");
	assert_dropped(lab_out(lab, wire_udp(SERVER, Y1), AT_S(0)), REASON_PORTS_EXHAUSTED);
	/* nor is one that names an address that is not ours */
	lab_set(lab, "nat.forwards", "none");
	lab_set(lab, "nat.one-to-one", "none");
	lab_set(lab, "nat.forwards", "udp:203.0.113.2:8080=192.168.1.9:80");
	assert_same_endpoint(ep_port(lab_open(lab, NAT_UDP, SERVER, Y1, AT_S(0)), 0), E1);
	assert_dropped(lab_in(lab, wire_udp(Y1, ep("203.0.113.2:8080")), AT_S(0)), REASON_NOT_OURS);
	lab_set(lab, "nat.forwards", "none");
	lab_set(lab, "nat.one-to-one", "203.0.113.1=192.168.1.8");
	assert_same_endpoint(lab_open(lab, NAT_UDP, ep("192.168.1.8:80"), Y1, AT_S(0)),
			     ep("203.0.113.1:80"));
}

/* --- a forward that comes and goes ---------------------------------------------------------- */

static void test_forward_can_be_added_over_a_mapping_in_use(void **state)
{
	struct lab *lab = *state;
	struct endpoint external, server;

	lab_set(lab, "udp.ports", "preserve");
	external = lab_open(lab, NAT_UDP, ep_port(H1, 8080), Y1, AT_S(0));
	assert_same_endpoint(external, PUBLIC);
	lab_set(lab, "nat.forwards", "udp:8080=192.168.1.9:80");
	/* It is the forward's at once; who had it gets another. */
	assert_int_equal(lab->nat.mappings.arena.live, 0);
	assert_true(lab_comes_in(lab, NAT_UDP, Y1, PUBLIC, SERVER, AT_S(1)));
	server = lab_open(lab, NAT_UDP, SERVER, Y1, AT_S(1));
	assert_same_endpoint(server, PUBLIC);
	assert_int_not_equal(lab_open(lab, NAT_UDP, ep_port(H1, 8080), Y1, AT_S(1)).port, 8080);
}

/* What the forward led to goes with it, and its port is like any other. */
static void test_port_of_a_forward_that_went_is_free(void **state)
{
	struct lab *lab = *state;
	struct endpoint other;

	lab_set(lab, "udp.ports", "preserve");
	lab_set(lab, "nat.forwards", "udp:8080=192.168.1.9:80");
	assert_true(lab_comes_in(lab, NAT_UDP, Y1, PUBLIC, SERVER, AT_S(0)));
	lab_set(lab, "nat.forwards", "none");
	assert_false(lab_comes_in(lab, NAT_UDP, Y1, PUBLIC, SERVER, AT_S(1)));
	other = lab_open(lab, NAT_UDP, ep_port(H1, 8080), Y1, AT_S(1));
	assert_same_endpoint(other, PUBLIC);
}

/* The same where a port was reserved, or an address was one host's, and is not any more. */
static void test_address_of_a_pair_that_went_is_shared_from_then_on(void **state)
{
	struct lab *lab = *state;
	struct endpoint other;

	lab_set(lab, "udp.ports", "preserve");
	lab_set(lab, "nat.one-to-one", "203.0.113.1=192.168.1.9");
	assert_true(lab_comes_in(lab, NAT_UDP, Y1, PUBLIC, ep_port(SERVER, 8080), AT_S(0)));
	lab_set(lab, "nat.one-to-one", "none");
	other = lab_open(lab, NAT_UDP, ep_port(H1, 8080), Y1, AT_S(1));
	assert_same_endpoint(other, PUBLIC);
	/* And one that becomes a host's own again: mappings on it were other hosts'. */
	lab_set(lab, "nat.one-to-one", "203.0.113.1=192.168.1.9");
	assert_true(
		lab_comes_in(lab, NAT_UDP, Y2, ep_port(E1, 9000), ep_port(SERVER, 9000), AT_S(3)));
}

/* --- one-to-one ----------------------------------------------------------------------------- */

static void open_pair(struct lab *lab)
{
	lab_set(lab, "nat.one-to-one", "203.0.113.5=192.168.1.9");
}

static void test_rfc3022_basic_nat_leaves_ports_alone(void **state)
{
	struct lab *lab = *state;

	open_pair(lab);
	for (enum nat_protocol p = NAT_UDP; p < NAT_OTHER; p++)
		assert_same_endpoint(lab_open(lab, p, ep("192.168.1.9:77"), Y1, AT_S(0)),
				     ep("203.0.113.5:77"));
	/* and from outside, whoever it is */
	assert_true(lab_comes_in(lab, NAT_UDP, Y2, ep("203.0.113.5:4321"), ep("192.168.1.9:4321"),
				 AT_S(0)));
	syn_in(lab, Y2, ep("203.0.113.5:4321"), ep("192.168.1.9:4321"), AT_S(0));
	/* no other host has a port there */
	for (unsigned int i = 0; i < 50; i++) {
		struct endpoint e = lab_open(lab, NAT_UDP, ep_port(H1, 5000 + i), Y1, AT_S(0));

		assert_same_endpoint(ep_port(e, 0), E1);
	}
}

/* RFC 5508 section 3: a host with an address of its own can be pinged, and answers. */
static void test_rfc5508_queries_from_outside_reach_a_host_of_its_own_address(void **state)
{
	struct lab *lab = *state;
	struct wire w = wire_query(8, Y1, ep("203.0.113.5:0"), 99);
	struct nat_outcome outcome;

	open_pair(lab);
	outcome = lab_in(lab, w, AT_S(0));
	assert_rewritten(outcome, REASON_SESSION_CREATED);
	assert_true(lab_session(lab, outcome)->inbound);
	assert_same_endpoint(wire_destination(w), ep("192.168.1.9:99"));
	w = wire_query(0, ep("192.168.1.9:0"), Y1, 99);
	assert_rewritten(lab_out(lab, w, AT_S(1)), REASON_TRANSLATED);
	assert_same_endpoint(ep_port(wire_source(w), 0), ep("203.0.113.5:0"));
}

static void test_one_to_one_carries_protocols_without_ports(void **state)
{
	struct lab *lab = *state;
	struct wire w = wire_ip(47, ep("192.168.1.9:0"), Y1, 0, 20);

	wire_fix(w);
	open_pair(lab);
	assert_dropped(lab_out(lab, wire_copy(w), AT_S(0)), REASON_PROTOCOL);
	lab_set(lab, "other.protocols", "gre");
	assert_rewritten(lab_out(lab, w, AT_S(0)), REASON_MAPPING_CREATED);
	assert_same_endpoint(wire_source(w), ep("203.0.113.5:0"));
	w = wire_ip(47, Y2, ep("203.0.113.5:0"), 0, 20);
	wire_fix(w);
	assert_rewritten(lab_in(lab, w, AT_S(0)), REASON_SESSION_CREATED);
	assert_same_endpoint(wire_destination(w), ep("192.168.1.9:0"));
}

static void test_paired_address_that_goes_takes_its_mappings(void **state)
{
	struct lab *lab = *state;

	open_pair(lab);
	lab_open(lab, NAT_UDP, ep("192.168.1.9:77"), Y1, AT_S(0));
	lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	lab_set(lab, "nat.one-to-one", "none");
	assert_int_equal(lab->nat.mappings.arena.live, 1);
	assert_dropped(lab_in(lab, wire_udp(Y1, ep("203.0.113.5:77")), AT_S(0)), REASON_NOT_OURS);
}

/* --- DMZ ------------------------------------------------------------------------------------ */

static void test_dmz_gets_what_is_for_nobody_else(void **state)
{
	struct lab *lab = *state;
	struct endpoint external;
	struct nat_outcome outcome;

	lab_set(lab, "nat.dmz", "192.168.1.9");
	lab_set(lab, "nat.reserved-ports", "22");
	lab_set(lab, "nat.forwards", "tcp:8080=192.168.1.8:80");
	outcome = syn_in(lab, Y1, ep_port(E1, 4444), ep("192.168.1.9:4444"), AT_S(0));
	assert_true(mapping_of(lab, outcome)->fixed);
	assert_true(mapping_of(lab, outcome)->holds_port);
	assert_true(lab_comes_in(lab, NAT_UDP, Y1, ep_port(E1, 53), ep("192.168.1.9:53"), AT_S(0)));
	/* a forward comes first, and the router's own ports are not to be had */
	syn_in(lab, Y1, PUBLIC, ep("192.168.1.8:80"), AT_S(0));
	assert_dropped(lab_in(lab, wire_udp(Y1, ep_port(E1, 22)), AT_S(0)), REASON_NO_MAPPING);
	/* nor are those of another host's mapping */
	external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	assert_dropped(lab_in(lab, wire_udp(Y2, external), AT_S(0)), REASON_FILTERED);
	/* pings are the router's */
	assert_dropped(lab_in(lab, wire_query(8, Y1, E1, 9), AT_S(0)), REASON_NO_MAPPING);
}

/* The port of a DMZ mapping is taken: no other host gets it, and it is given back. */
static void test_dmz_mapping_holds_its_port(void **state)
{
	struct lab *lab = *state;
	struct endpoint other;

	lab_set(lab, "udp.ports", "preserve");
	lab_set(lab, "nat.dmz", "192.168.1.9");
	assert_true(lab_comes_in(lab, NAT_UDP, Y1, PUBLIC, ep_port(SERVER, 8080), AT_S(0)));
	other = lab_open(lab, NAT_UDP, ep_port(H1, 8080), Y1, AT_S(0));
	assert_int_not_equal(other.port, 8080);
	nat_tick(&lab->nat, AT_S(300), 10);
	assert_int_equal(lab->nat.mappings.arena.live, 0);
	assert_same_endpoint(lab_open(lab, NAT_UDP, ep_port(H1, 8080), Y1, AT_S(300)), PUBLIC);
}

/* What was refused leaves no port behind, not even to rest. */
static void test_dmz_that_is_refused_takes_no_port(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "nat.dmz", "192.168.1.9");
	lab_set(lab, "nat.max-sessions-per-host", "1");
	lab_open(lab, NAT_UDP, ep("192.168.1.9:99"), Y1, AT_S(0));
	assert_dropped(lab_in(lab, wire_udp(Y1, PUBLIC), AT_S(0)), REASON_HOST_QUOTA);
	assert_false(port_map_is_taken(ports_map(&lab->nat.ports, 0, NAT_UDP), 8080));
	assert_int_equal(lab->nat.mappings.arena.live, 1);
}

/* --- exempt --------------------------------------------------------------------------------- */

static void test_rfc6888_req6_exempt_destinations_are_not_translated(void **state)
{
	struct lab *lab = *state;
	struct wire gre = wire_ip(47, H1, Y2, 0, 20);

	wire_fix(gre);
	lab_set(lab, "nat.exempt", "203.0.113.11,198.51.100.0/24:53");
	for (enum nat_protocol p = NAT_UDP; p < NAT_OTHER; p++) {
		struct nat_outcome out = lab_out(lab, lab_request(p, H1, Y2), AT_S(0));
		struct nat_outcome in = lab_in(lab, lab_probe(p, Y2, H1), AT_S(0));

		assert_reason(out, REASON_EXEMPT);
		assert_int_equal(out.verdict, NAT_PASS);
		assert_reason(in, REASON_EXEMPT);
		assert_int_equal(in.verdict, NAT_PASS);
		assert_rewritten(lab_out(lab, lab_request(p, H1, Y1), AT_S(0)),
				 REASON_MAPPING_CREATED);
	}
	/* whatever is in it */
	assert_reason(lab_out(lab, gre, AT_S(0)), REASON_EXEMPT);
	assert_reason(lab_out(lab, wire_error(3, 3, H1, Y2, wire_udp(Y2, H1)), AT_S(0)),
		      REASON_EXEMPT);
	assert_reason(lab_out(lab, wire_tcp(H1, Y2, WIRE_ACK), AT_S(0)), REASON_EXEMPT);
	/* one port of it */
	assert_reason(lab_out(lab, wire_udp(H1, ep("198.51.100.7:53")), AT_S(0)), REASON_EXEMPT);
	assert_reason(lab_out(lab, wire_udp(H1, ep("198.51.100.7:54")), AT_S(0)),
		      REASON_SESSION_CREATED);
	assert_reason(lab_in(lab, wire_udp(ep("198.51.100.7:53"), H1), AT_S(0)), REASON_EXEMPT);
	assert_dropped(lab_in(lab, wire_udp(ep("198.51.100.7:54"), H1), AT_S(0)), REASON_NOT_OURS);
	/* To an address of ours it goes the usual way. */
	assert_dropped(lab_in(lab, wire_udp(Y2, ep_port(E1, 5000)), AT_S(0)), REASON_NO_MAPPING);
}

static void test_exempt_ranges_end_where_they_end(void **state)
{
	static const char *const in[] = { "10.0.0.5:1", "10.0.0.9:1", "10.0.0.7:65535",
					  "10.1.0.1:1" };
	static const char *const out[] = { "10.0.0.4:1", "10.0.0.10:1", "10.1.0.0:1",
					   "10.1.0.2:1" };
	struct lab *lab = *state;

	lab_set(lab, "nat.exempt", "10.0.0.5-10.0.0.9,10.1.0.1");
	for (size_t i = 0; i < 4; i++) {
		assert_reason(lab_out(lab, wire_udp(H1, ep(in[i])), AT_S(0)), REASON_EXEMPT);
		assert_int_equal(lab_out(lab, wire_udp(H1, ep(out[i])), AT_S(0)).verdict,
				 NAT_REWRITTEN);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		lab_test(test_rfc3022_static_forward_lets_anybody_open),
		lab_test(test_forwarded_segment_that_opens_nothing_leaves_nothing),
		lab_test(test_forward_is_for_its_protocol_and_ports_alone),
		lab_test(test_server_has_its_forward_outbound_too),
		lab_test(test_forward_of_one_address_leaves_the_others),
		lab_test(test_two_forwards_to_one_server_are_both_open),
		lab_test(test_forward_is_refused_when_the_table_is_full),
		lab_test(test_forward_counts_for_the_quota_of_its_host),
		lab_test(test_forwarded_session_keeps_its_mapping),
		lab_test(test_forward_without_an_address_needs_one),
		lab_test(test_forward_can_be_added_over_a_mapping_in_use),
		lab_test(test_port_of_a_forward_that_went_is_free),
		lab_test(test_address_of_a_pair_that_went_is_shared_from_then_on),
		lab_test(test_rfc3022_basic_nat_leaves_ports_alone),
		lab_test(test_rfc5508_queries_from_outside_reach_a_host_of_its_own_address),
		lab_test(test_one_to_one_carries_protocols_without_ports),
		lab_test(test_paired_address_that_goes_takes_its_mappings),
		lab_test(test_dmz_gets_what_is_for_nobody_else),
		lab_test(test_dmz_mapping_holds_its_port),
		lab_test(test_dmz_that_is_refused_takes_no_port),
		lab_test(test_rfc6888_req6_exempt_destinations_are_not_translated),
		lab_test(test_exempt_ranges_end_where_they_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
