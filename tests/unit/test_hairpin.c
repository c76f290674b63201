/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From one internal host to the mapping of another (RFC 4787 section 6). */
#include "tests/unit/lab.h"

/* H2's mapping of @protocol, to which everybody may send. */
static struct endpoint open_target(struct lab *lab, enum nat_protocol protocol, struct mono now)
{
	char knob[32];

	snprintf(knob, sizeof(knob), "%s.filtering", nat_protocol_name(protocol));
	lab_set(lab, knob, "eif");
	return lab_open(lab, protocol, H2, Y1, now);
}

static struct nat_outcome hairpin(struct lab *lab, struct wire w, struct mono now)
{
	struct nat_outcome outcome = lab_out(lab, w, now);

	assert_rewritten(outcome, REASON_HAIRPIN);
	return outcome;
}

static void test_rfc4787_req9a_hairpinned_packet_has_an_external_source(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p <= NAT_TCP; p++) {
		struct endpoint target = open_target(lab, p, AT_S(0)), sender;
		struct wire w = lab_request(p, H1, target), answer;

		hairpin(lab, w, AT_S(1));
		assert_same_endpoint(wire_destination(w), H2);
		sender = wire_source(w);
		assert_same_endpoint(ep_port(sender, 0), E1);
		/* the answer finds its way back, from the endpoint that was sent to */
		answer = p == NAT_UDP ? wire_udp(H2, sender)
				      : wire_tcp(H2, sender, WIRE_SYN | WIRE_ACK);
		hairpin(lab, answer, AT_S(2));
		assert_same_endpoint(wire_destination(answer), H1);
		assert_same_endpoint(wire_source(answer), target);
		/* It is the mapping that remotes outside see, too. */
		assert_same_endpoint(lab_open(lab, p, H1, Y1, AT_S(3)), sender);
	}
}

static void test_rfc5382_req8_connection_between_internal_hosts_is_established(void **state)
{
	struct lab *lab = *state;
	struct endpoint target = open_target(lab, NAT_TCP, AT_S(0)), sender;
	struct wire w = wire_tcp(H1, target, WIRE_SYN);
	struct nat_outcome out, in;

	in = hairpin(lab, w, AT_S(1));
	sender = wire_source(w);
	assert_int_equal(lab_tcp_state(lab, in), TCP_EXTERNAL_SYN);
	assert_true(lab_session(lab, in)->inbound);
	out = hairpin(lab, wire_tcp(H2, sender, WIRE_SYN | WIRE_ACK), AT_S(1));
	assert_int_equal(lab_tcp_state(lab, in), TCP_ESTABLISHED);
	assert_int_equal(lab_tcp_state(lab, out), TCP_ESTABLISHED);
	assert_false(lab_session(lab, out)->inbound);
	assert_int_not_equal(in.session, out.session);
	/* Each packet counts once for the one that sends it and once for the one that gets it. */
	hairpin(lab, wire_tcp(H1, target, WIRE_ACK), AT_S(2));
	assert_int_equal(lab_session(lab, out)->traffic[NAT_INTERNAL].packets, 2);
	assert_int_equal(lab_session(lab, out)->traffic[NAT_EXTERNAL].packets, 1);
	assert_int_equal(lab_session(lab, in)->traffic[NAT_INTERNAL].packets, 1);
	assert_int_equal(lab_session(lab, in)->traffic[NAT_EXTERNAL].packets, 2);
}

/* The filter sees what it would see if the packet had been outside. */
static void test_filter_of_the_target_sees_the_senders_external_endpoint(void **state)
{
	struct lab *lab = *state;
	struct endpoint target = lab_open(lab, NAT_UDP, H2, Y1, AT_S(0));
	struct endpoint sender = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	struct nat_outcome outcome = lab_out(lab, wire_udp(H1, target), AT_S(1));

	assert_dropped(outcome, REASON_FILTERED);
	/* Both have sent to each other by now: a hole is punched. */
	hairpin(lab, wire_udp(H2, sender), AT_S(2));
	hairpin(lab, wire_udp(H1, target), AT_S(3));
	/* Address-dependent: who is behind one address with us. */
	lab_set(lab, "udp.filtering", "adf");
	hairpin(lab, wire_udp(ep_port(H1, 6000), target), AT_S(4));
}

static void test_rfc5382_req2a_simultaneous_open_of_internal_hosts(void **state)
{
	struct lab *lab = *state;
	struct endpoint a = lab_open(lab, NAT_TCP, H1, Y1, AT_S(0));
	struct endpoint b = lab_open(lab, NAT_TCP, H2, Y1, AT_S(0));
	struct nat_outcome outcome;

	assert_dropped(lab_out(lab, wire_tcp(H1, b, WIRE_SYN), AT_S(1)), REASON_FILTERED);
	lab_check_silent(lab); /* and not held either: its sender hears nothing */
	assert_int_equal(lab->nat.held_syns.count, 0);
	hairpin(lab, wire_tcp(H2, a, WIRE_SYN), AT_S(1));
	hairpin(lab, wire_tcp(H1, b, WIRE_SYN | WIRE_ACK), AT_S(2));
	outcome = hairpin(lab, wire_tcp(H2, a, WIRE_SYN | WIRE_ACK), AT_S(2));
	assert_int_equal(lab_tcp_state(lab, outcome), TCP_ESTABLISHED);
}

static void test_hairpin_to_nobody_is_dropped(void **state)
{
	struct lab *lab = *state;

	assert_dropped(lab_out(lab, wire_udp(H1, ep_port(E1, 4321)), AT_S(0)), REASON_NO_MAPPING);
	assert_dropped(lab_out(lab, wire_tcp(H1, ep_port(E1, 4321), WIRE_SYN), AT_S(0)),
		       REASON_NO_MAPPING);
	assert_dropped(lab_out(lab, wire_ping(H1, E1), AT_S(0)), REASON_NO_MAPPING);
	lab_check_silent(lab);
}

/* nat.unmatched: what is for the router itself, and what is refused openly. */
static void test_hairpin_to_nobody_as_the_knob_says(void **state)
{
	struct lab *lab = *state;
	struct nat_outcome outcome;
	struct wire w = wire_udp(H1, ep_port(E1, 4321)), sent = wire_copy(w);

	lab_set(lab, "nat.unmatched", "reject");
	outcome = lab_out(lab, w, AT_S(0));
	assert_dropped(outcome, REASON_UNMATCHED_REJECTED);
	assert_int_equal(outcome.knob, OPT_NAT_UNMATCHED);
	lab_take_error(lab, 3, 3, H1, sent);
	lab_set(lab, "nat.unmatched", "accept");
	outcome = lab_out(lab, sent, AT_S(0));
	assert_reason(outcome, REASON_ROUTER);
	assert_int_equal(outcome.verdict, NAT_PASS);
}

static void test_hairpin_off_drops_all_of_it(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p < NAT_OTHER; p++) {
		struct endpoint target = open_target(lab, p, AT_S(0));
		struct nat_outcome outcome;

		lab_set(lab, "nat.hairpin", "off");
		outcome = lab_out(lab, lab_request(p, H1, target), AT_S(0));
		assert_dropped(outcome, REASON_HAIRPIN_OFF);
		assert_int_equal(outcome.knob, OPT_NAT_HAIRPIN);
		lab_set(lab, "nat.hairpin", "external-source");
	}
	assert_int_equal(lab->nat.mappings.arena.live, 3);
}

/* A fault devices have: the target sees who it is, and answers past the NAT. */
static void test_internal_source_leaves_the_source_as_it_is(void **state)
{
	struct lab *lab = *state;
	struct endpoint target = open_target(lab, NAT_UDP, AT_S(0));
	struct wire w = wire_udp(H1, target);

	lab_set(lab, "nat.hairpin", "internal-source");
	hairpin(lab, w, AT_S(1));
	assert_same_endpoint(wire_source(w), H1);
	assert_same_endpoint(wire_destination(w), H2);
}

/* A host may send to its own mapping: one session is both ends'. */
static void test_host_reaches_its_own_mapping(void **state)
{
	struct lab *lab = *state;
	struct endpoint target = open_target(lab, NAT_UDP, AT_S(0));
	struct wire w = wire_udp(H2, target);
	struct nat_outcome outcome;

	outcome = hairpin(lab, w, AT_S(1));
	assert_same_endpoint(wire_source(w), target);
	assert_same_endpoint(wire_destination(w), H2);
	assert_int_equal(lab_session(lab, outcome)->traffic[NAT_INTERNAL].packets, 1);
	assert_int_equal(lab_session(lab, outcome)->traffic[NAT_EXTERNAL].packets, 0);
	/* The same for one it opens by that. */
	w = wire_udp(ep_port(H2, 6000), target);
	hairpin(lab, w, AT_S(1));
	assert_same_endpoint(wire_destination(w), H2);
}

static void test_hairpin_to_a_forward_and_to_a_paired_address(void **state)
{
	struct lab *lab = *state;
	struct wire w;

	lab_set(lab, "nat.forwards", "tcp:8080=192.168.1.9:80");
	lab_set(lab, "nat.one-to-one", "203.0.113.5=192.168.1.8");
	w = wire_tcp(H1, ep_port(E1, 8080), WIRE_SYN);
	hairpin(lab, w, AT_S(0));
	assert_same_endpoint(wire_destination(w), ep("192.168.1.9:80"));
	w = wire_udp(H1, ep("203.0.113.5:99"));
	hairpin(lab, w, AT_S(0));
	assert_same_endpoint(wire_destination(w), ep("192.168.1.8:99"));
	/* A server behind a forward, to itself. */
	w = wire_tcp(ep("192.168.1.9:1234"), ep_port(E1, 8080), WIRE_SYN);
	hairpin(lab, w, AT_S(0));
	assert_same_endpoint(wire_destination(w), ep("192.168.1.9:80"));
	assert_same_endpoint(ep_port(wire_source(w), 0), E1);
}

/* RFC 5508 REQ-7: queries hairpin where the target has an address of its own. */
static void test_rfc5508_req7_query_to_a_paired_address_hairpins_and_is_answered(void **state)
{
	struct lab *lab = *state;
	struct wire w = wire_query(8, H1, ep("203.0.113.5:0"), 77), answer;
	struct endpoint sender;

	lab_set(lab, "nat.one-to-one", "203.0.113.5=192.168.1.8");
	hairpin(lab, w, AT_S(0));
	sender = wire_source(w);
	assert_same_endpoint(ep_port(sender, 0), E1);
	assert_same_endpoint(wire_destination(w), ep_port(ep("192.168.1.8:0"), sender.port));
	answer = wire_query(0, ep("192.168.1.8:0"), E1, sender.port);
	hairpin(lab, answer, AT_S(1));
	assert_same_endpoint(wire_destination(answer), ep_port(H1, 77));
	assert_same_endpoint(ep_port(wire_source(answer), 0), ep("203.0.113.5:0"));
}

static void test_protocol_without_ports_hairpins(void **state)
{
	struct lab *lab = *state;
	struct wire w = wire_ip(47, H2, ep("203.0.113.5:0"), 0, 20);

	wire_fix(w);
	lab_set(lab, "other.protocols", "gre");
	lab_set(lab, "nat.one-to-one", "203.0.113.5=192.168.1.2");
	hairpin(lab, w, AT_S(0));
	assert_same_endpoint(wire_source(w), E1);
	assert_same_endpoint(wire_destination(w), ep_port(H1, 0));
}

/* No room for the sender's half is told to it; none for the target's is not. */
static void test_hairpin_that_finds_no_room(void **state)
{
	struct lab *lab = *state;
	struct endpoint target = open_target(lab, NAT_TCP, AT_S(0));
	struct wire w = wire_tcp(H1, target, WIRE_SYN), sent = wire_copy(w);

	lab_set(lab, "nat.max-mappings", "1");
	assert_dropped(lab_out(lab, w, AT_S(1)), REASON_MAPPINGS_FULL);
	lab_take_error(lab, 3, 13, H1, sent);
	lab_set(lab, "nat.max-mappings", "10");
	lab_set(lab, "nat.max-sessions", "10");
	lab_set(lab, "nat.max-sessions-per-mapping", "1");
	assert_dropped(lab_out(lab, w, AT_S(1)), REASON_MAPPING_QUOTA);
	lab_check_silent(lab);
}

static void test_port_zero_does_not_hairpin(void **state)
{
	struct lab *lab = *state;

	assert_dropped(lab_out(lab, wire_udp(H1, E1), AT_S(0)), REASON_PORT_ZERO);
	assert_dropped(lab_out(lab, wire_tcp(H1, E1, WIRE_SYN), AT_S(0)), REASON_PORT_ZERO);
}

/* The filter that kills, asked by a host that its own NAT does not let in. */
static void test_killed_mapping_of_the_sender_itself(void **state)
{
	struct lab *lab = *state;
	struct endpoint target = lab_open(lab, NAT_UDP, H2, Y1, AT_S(0));

	lab_set(lab, "udp.kill-on-unsolicited", "on");
	assert_dropped(lab_out(lab, wire_udp(ep_port(H2, 6000), target), AT_S(1)),
		       REASON_MAPPING_KILLED);
	target = lab_open(lab, NAT_UDP, H1, Y1, AT_S(2));
	assert_dropped(lab_out(lab, wire_udp(H2, target), AT_S(3)), REASON_MAPPING_KILLED);
}

/* --- errors about hairpinned packets: RFC 5508 REQ-7 ----------------------------------------- */

static void check_error(struct lab *lab, struct wire sent, struct wire got, struct endpoint sender)
{
	struct wire error = wire_error(3, 3, H2, wire_source(got), got);

	assert_rewritten(lab_out(lab, error, AT_S(2)), REASON_ICMP_ERROR_TRANSLATED);
	assert_same_endpoint(wire_destination(error), ep_port(sender, 0));
	assert_same_endpoint(wire_source(error), E1);
	assert_memory_equal(wire_quote(error).at, sent.at, sent.len);
}

static void test_rfc5508_req7_error_about_a_hairpinned_packet_reaches_its_sender(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "nat.ip-id", "keep");
	for (enum nat_protocol p = NAT_UDP; p <= NAT_TCP; p++) {
		struct endpoint target;
		struct wire got, sent;

		/* so that the packet leaves a session at its target */
		if (p == NAT_UDP)
			lab_set(lab, "udp.refresh", "both");
		target = open_target(lab, p, AT_S(0));
		got = lab_request(p, H1, target);
		sent = wire_copy(got);
		hairpin(lab, got, AT_S(1));
		check_error(lab, sent, got, H1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		lab_test(test_rfc4787_req9a_hairpinned_packet_has_an_external_source),
		lab_test(test_rfc5382_req8_connection_between_internal_hosts_is_established),
		lab_test(test_filter_of_the_target_sees_the_senders_external_endpoint),
		lab_test(test_rfc5382_req2a_simultaneous_open_of_internal_hosts),
		lab_test(test_hairpin_to_nobody_is_dropped),
		lab_test(test_hairpin_to_nobody_as_the_knob_says),
		lab_test(test_hairpin_off_drops_all_of_it),
		lab_test(test_internal_source_leaves_the_source_as_it_is),
		lab_test(test_host_reaches_its_own_mapping),
		lab_test(test_hairpin_to_a_forward_and_to_a_paired_address),
		lab_test(test_rfc5508_req7_query_to_a_paired_address_hairpins_and_is_answered),
		lab_test(test_protocol_without_ports_hairpins),
		lab_test(test_hairpin_that_finds_no_room),
		lab_test(test_port_zero_does_not_hairpin),
		lab_test(test_killed_mapping_of_the_sender_itself),
		lab_test(test_rfc5508_req7_error_about_a_hairpinned_packet_reaches_its_sender),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
