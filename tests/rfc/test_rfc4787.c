/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RFC 4787, UDP: each requirement, and what a NAT does that breaks it. */
#include "tests/rfc/rfc.h"

#define POOL "203.0.113.1-203.0.113.4"

static bool same(struct endpoint a, struct endpoint b)
{
	return endpoint_equal(&a, &b);
}

static bool same_address(struct endpoint a, struct endpoint b)
{
	return addr_equal(&a.addr, &b.addr);
}

/* Does what Y1 sends to @external reach @host? Sent from outside, it refreshes by knob only. */
static bool reached(struct lab *lab, struct endpoint external, struct endpoint host,
		    struct mono now)
{
	return lab_comes_in(lab, NAT_UDP, Y1, external, host, now);
}

/* --- mapping -------------------------------------------------------------------------------- */

/* What a host learns by sending from one socket to Y1, another port of it, and Y2. */
static enum mapping_behavior mapping_seen(struct lab *lab, struct endpoint host, struct mono now)
{
	struct endpoint a = lab_open(lab, NAT_UDP, host, Y1, now);
	struct endpoint b = lab_open(lab, NAT_UDP, host, Y1_Q, now);
	struct endpoint c = lab_open(lab, NAT_UDP, host, Y2, now);

	/* Whatever it is, the same again gives the same. */
	assert_same_endpoint(lab_open(lab, NAT_UDP, host, Y2, now), c);
	assert_same_endpoint(lab_open(lab, NAT_UDP, host, Y1, now), a);
	if (same(a, b) && same(a, c))
		return MAPPING_ENDPOINT_INDEPENDENT;
	assert_false(same(a, c) || same(b, c));
	return same(a, b) ? MAPPING_ADDRESS_DEPENDENT : MAPPING_ADDRESS_AND_PORT_DEPENDENT;
}

/* Who can send to a socket that has sent to Y1 alone. */
static enum filtering_behavior filtering_seen(struct lab *lab, struct endpoint host,
					      struct mono now)
{
	struct endpoint external = lab_open(lab, NAT_UDP, host, Y1, now);
	bool y2 = lab_comes_in(lab, NAT_UDP, Y2, external, host, now);
	bool q = lab_comes_in(lab, NAT_UDP, Y1_Q, external, host, now);

	assert_true(reached(lab, external, host, now));
	assert_true(q || !y2);
	return y2  ? FILTERING_ENDPOINT_INDEPENDENT
	       : q ? FILTERING_ADDRESS_DEPENDENT
		   : FILTERING_ADDRESS_AND_PORT_DEPENDENT;
}

static const char *const mappings[] = { "eim", "adm", "apdm" };
static const char *const filterings[] = { "apdf", "adf", "eif" };

static void test_rfc4787_req1_one_socket_has_one_external_endpoint(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));

	assert_same_endpoint(lab_open(lab, NAT_UDP, H1, Y1_Q, AT_S(1)), external);
	assert_same_endpoint(lab_open(lab, NAT_UDP, H1, Y2, AT_S(2)), external);
	assert_same_endpoint(lab_open(lab, NAT_UDP, H1, ep("198.51.100.7:9"), AT_S(3)), external);
	assert_int_equal(mapping_seen(lab, H2, AT_S(4)), MAPPING_ENDPOINT_INDEPENDENT);
}

/* By the whole internal endpoint, never by the port alone. */
static void test_rfc4787_req1_mapping_is_of_address_and_port(void **state)
{
	struct lab *lab = *state;
	struct endpoint a = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));

	assert_false(same(lab_open(lab, NAT_UDP, H2, Y1, AT_S(1)), a));
	assert_false(same(lab_open(lab, NAT_UDP, ep_port(H1, 5001), Y1, AT_S(1)), a));
}

static void test_rfc4787_req1_other_mappings_are_a_knob(void **state)
{
	struct lab *lab = *state;

	for (unsigned int m = 0; m < 3; m++) {
		lab_set(lab, "udp.mapping", mappings[m]);
		assert_int_equal(mapping_seen(lab, ep_port(H1, 6000 + m), AT_S(m)), m);
	}
}

/* --- the external address ------------------------------------------------------------------- */

static void test_rfc4787_req2_all_mappings_of_a_host_are_on_one_address(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "nat.external", POOL);
	for (unsigned int host = 0; host < 3; host++) {
		struct endpoint from = H1, first;

		from.addr = addr_from_ip4(addr_ip4(&from.addr) + host);
		first = lab_open(lab, NAT_UDP, from, Y1, AT_S(0));
		for (unsigned int i = 0; i < 50; i++)
			assert_true(
				same_address(first, lab_open(lab, NAT_UDP, ep_port(from, 6000 + i),
							     Y2, AT_S(0))));
	}
}

/* All of them also across protocols: that is what an application with TCP and UDP counts on. */
static void test_rfc4787_req2_pairing_is_the_same_for_all_protocols(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "nat.external", POOL);
	for (unsigned int host = 0; host < 20; host++) {
		struct endpoint from = H1, udp, other;

		from.addr = addr_from_ip4(addr_ip4(&from.addr) + host);
		udp = lab_open(lab, NAT_UDP, from, Y1, AT_S(0));
		other = lab_open(lab, NAT_TCP, ep_port(from, 80), Y1, AT_S(0));
		assert_true(same_address(udp, other));
		other = lab_open(lab, NAT_ICMP, ep_port(from, 7), Y1, AT_S(0));
		assert_true(same_address(udp, other));
	}
}

static void test_rfc4787_req2_arbitrary_pooling_is_a_knob(void **state)
{
	struct lab *lab = *state;
	struct endpoint first;
	unsigned int elsewhere = 0;

	lab_set(lab, "nat.external", POOL);
	lab_set(lab, "nat.pooling", "arbitrary");
	first = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	for (unsigned int i = 0; i < 50; i++)
		elsewhere += !same_address(
			first, lab_open(lab, NAT_UDP, ep_port(H1, 6000 + i), Y1, AT_S(0)));
	assert_in_range(elsewhere, 20, 50);
}

/* --- the external port ---------------------------------------------------------------------- */

static void test_rfc4787_req3_no_two_hosts_hold_one_external_endpoint(void **state)
{
	static const char *const ways[] = { "random", "preserve", "sequential" };
	struct lab *lab = *state;

	for (unsigned int way = 0; way < 3; way++) {
		struct endpoint first = H1, second = H2, a, b;

		lab_set(lab, "udp.ports", ways[way]);
		first.port = second.port = (uint16_t)(7000 + way);
		a = lab_open(lab, NAT_UDP, first, Y1, AT_S(0));
		b = lab_open(lab, NAT_UDP, second, Y1, AT_S(0));
		assert_false(same(a, b));
		assert_true(reached(lab, a, first, AT_S(1)));
		assert_true(reached(lab, b, second, AT_S(1)));
	}
}

/* With every port of the range in use the next host gets none, rather than somebody's. */
static void test_rfc4787_req3_full_range_overloads_nothing(void **state)
{
	struct lab *lab = *state;
	struct endpoint owners[32];

	lab_set(lab, "udp.port-range", "40000-40031");
	lab_set(lab, "udp.ports", "preserve");
	for (unsigned int i = 0; i < 32; i++)
		owners[i] = lab_open(lab, NAT_UDP, ep_port(H1, 40000 + i), Y1, AT_S(0));
	for (unsigned int i = 0; i < 32; i++) {
		assert_int_equal(
			lab_out(lab, wire_udp(ep_port(H2, 40000 + i), Y1), AT_S(1)).verdict,
			NAT_DROPPED);
		assert_true(reached(lab, owners[i], ep_port(H1, 40000 + i), AT_S(1)));
	}
}

/* --- timers --------------------------------------------------------------------------------- */

static void test_rfc4787_req5_two_silent_minutes_end_nothing(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));

	assert_true(reached(lab, external, H1, AT_S(119)));
	assert_true(reached(lab, external, H1, AT_S(120)));
}

/* Nor does the sweep, which comes round in between. */
static void test_rfc4787_req5_the_sweep_is_not_early(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));

	for (int64_t ms = 0; ms < 300000; ms += 999)
		nat_tick(&lab->nat, AT_MS(ms), 1000);
	assert_true(reached(lab, external, H1, AT_MS(299999)));
}

/* A box with timers of two seconds, which there are. */
static void test_rfc4787_req5_two_seconds_are_a_knob(void **state)
{
	struct lab *lab = *state;
	struct endpoint external;

	lab_set(lab, "udp.timeout", "2s");
	external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	assert_true(reached(lab, external, H1, AT_MS(1999)));
	assert_false(reached(lab, external, H1, AT_S(2)));
	assert_int_equal(lab->nat.mappings.arena.live, 0);
}

static void test_rfc4787_req5b_timer_is_a_knob(void **state)
{
	struct lab *lab = *state;
	struct endpoint external;

	lab_set(lab, "udp.timeout", "200s");
	external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	assert_true(reached(lab, external, H1, AT_S(199)));
	assert_false(reached(lab, external, H1, AT_S(200)));
}

static void test_rfc4787_req5c_five_minutes_by_default(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));

	assert_true(reached(lab, external, H1, AT_MS(299999)));
	assert_false(reached(lab, external, H1, AT_S(300)));
}

static void test_rfc4787_req6_outbound_packets_keep_the_mapping(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));

	for (int t = 100; t <= 1800; t += 100)
		assert_same_endpoint(lab_open(lab, NAT_UDP, H1, Y1, AT_S(t)), external);
	assert_true(reached(lab, external, H1, AT_MS(2099999)));
	assert_false(reached(lab, external, H1, AT_S(2100)));
}

/* The mapping, not only the session: a packet to anywhere is one. */
static void test_rfc4787_req6_an_outbound_packet_to_another_host_counts(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));

	for (int t = 200; t <= 1800; t += 200)
		assert_same_endpoint(lab_open(lab, NAT_UDP, H1, t % 400 ? Y2 : Y1_Q, AT_S(t)),
				     external);
}

/* A NAT that breaks it: only what comes in refreshes. */
static void test_rfc4787_req6_outbound_refresh_can_be_off(void **state)
{
	struct lab *lab = *state;
	struct endpoint external;

	lab_set(lab, "udp.refresh", "inbound");
	external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	assert_same_endpoint(lab_open(lab, NAT_UDP, H1, Y1, AT_S(299)), external);
	assert_false(reached(lab, external, H1, AT_S(300)));
}

static void test_rfc4787_req6a_inbound_packets_refresh_by_knob(void **state)
{
	static const char *const values[] = { "both", "inbound" };
	struct lab *lab = *state;

	for (unsigned int i = 0; i < 2; i++) {
		struct endpoint host = ep_port(H1, 5000 + i), external;
		int start = (int)i * 10000;

		lab_set(lab, "udp.refresh", values[i]);
		external = lab_open(lab, NAT_UDP, host, Y1, AT_S(start));
		for (int t = 100; t <= 1800; t += 100)
			assert_true(reached(lab, external, host, AT_S(start + t)));
		assert_false(reached(lab, external, host, AT_S(start + 2100)));
	}
}

static void test_rfc4787_req6a_inbound_packets_do_not_refresh_by_default(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));

	for (int t = 100; t < 300; t += 100)
		assert_true(reached(lab, external, H1, AT_S(t)));
	assert_false(reached(lab, external, H1, AT_S(300)));
}

/* --- one network on both sides -------------------------------------------------------------- */

/* The address the provider gave us is one of the internal network's, and not in use there. */
static void test_rfc4787_req7_external_address_of_the_internal_network_is_translated(void **state)
{
	struct lab *lab = *state;
	struct endpoint a, b;

	lab_set(lab, "nat.external", "192.168.1.77");
	for (enum nat_protocol p = NAT_UDP; p <= NAT_ICMP; p++) {
		a = lab_open(lab, p, H1, Y1, AT_S(0));
		b = lab_open(lab, p, H2, Y1, AT_S(0));
		assert_same_endpoint(ep_port(a, 0), ep("192.168.1.77:0"));
		assert_same_endpoint(ep_port(b, 0), ep("192.168.1.77:0"));
		assert_true(lab_comes_in(lab, p, Y1, a, H1, AT_S(1)));
		assert_true(lab_comes_in(lab, p, Y1, b, H2, AT_S(1)));
	}
}

/* Worse: it is that of an internal host. */
static void test_rfc4787_req7_external_address_of_an_internal_host_is_translated(void **state)
{
	struct lab *lab = *state;
	struct endpoint a, b;

	lab_set(lab, "nat.external", "192.168.1.2");
	for (enum nat_protocol p = NAT_UDP; p <= NAT_ICMP; p++) {
		a = lab_open(lab, p, H1, Y1, AT_S(0));
		b = lab_open(lab, p, H2, Y1, AT_S(0));
		assert_false(same(a, H1));
		assert_false(same(b, H1));
		assert_true(lab_comes_in(lab, p, Y1, a, H1, AT_S(1)));
		assert_true(lab_comes_in(lab, p, Y1, b, H2, AT_S(1)));
		/* What is for nobody stays outside, also when the host itself has that endpoint. */
		assert_false(lab_comes_in(lab, p, Y1, H1, H1, AT_S(1)));
	}
}

/* An address that changes while packets flow takes its mappings along: nothing leaves by it. */
static void test_rfc4787_req7_lost_address_is_used_no_more(void **state)
{
	struct lab *lab = *state;
	struct endpoint before = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0)), after;

	lab_set(lab, "nat.external", "192.168.1.77");
	assert_false(reached(lab, before, H1, AT_S(1)));
	after = lab_open(lab, NAT_UDP, H1, Y1, AT_S(2));
	assert_same_endpoint(ep_port(after, 0), ep("192.168.1.77:0"));
}

/* --- filtering ------------------------------------------------------------------------------ */

static void test_rfc4787_req8_endpoint_independent_lets_anybody_in(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "udp.filtering", "endpoint-independent");
	assert_int_equal(filtering_seen(lab, H1, AT_S(0)), FILTERING_ENDPOINT_INDEPENDENT);
}

static void test_rfc4787_req8_address_dependent_lets_known_addresses_in(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "udp.filtering", "address-dependent");
	assert_int_equal(filtering_seen(lab, H1, AT_S(0)), FILTERING_ADDRESS_DEPENDENT);
	/* Known is who was sent to, now: not for ever. */
	lab_open(lab, NAT_UDP, H2, Y1, AT_S(0));
	assert_true(lab_comes_in(lab, NAT_UDP, Y1_Q, lab_open(lab, NAT_UDP, H2, Y2, AT_S(200)), H2,
				 AT_S(200)));
	assert_false(lab_comes_in(lab, NAT_UDP, Y1_Q, lab_open(lab, NAT_UDP, H2, Y2, AT_S(300)), H2,
				  AT_S(300)));
}

static void test_rfc4787_req8a_filtering_is_a_knob_that_works_at_once(void **state)
{
	struct lab *lab = *state;

	for (unsigned int i = 0; i < 9; i++) {
		unsigned int f = i * 2 % 3;

		lab_set(lab, "udp.filtering", filterings[f]);
		assert_int_equal(filtering_seen(lab, ep_port(H1, 5000 + i), AT_S(i)), f);
	}
}

/* Every mapping with every filtering: the two have nothing to do with each other. */
static void test_rfc4787_req8a_filtering_goes_with_any_mapping(void **state)
{
	struct lab *lab = *state;

	for (unsigned int i = 0; i < 9; i++) {
		lab_set(lab, "udp.mapping", mappings[i / 3]);
		lab_set(lab, "udp.filtering", filterings[i % 3]);
		assert_int_equal(filtering_seen(lab, ep_port(H1, 5000 + i), AT_S(0)), i % 3);
		assert_int_equal(mapping_seen(lab, ep_port(H2, 5000 + i), AT_S(0)), i / 3);
	}
}

/* --- payload -------------------------------------------------------------------------------- */

static void test_rfc4787_req10_payload_with_addresses_is_untouched(void **state)
{
	static const char text[] = "INVITE sip:b@203.0.113.10 SIP/2.0\r\n"
				   "Via: SIP/2.0/UDP 192.168.1.2:5060\r\n"
				   "Contact: <sip:a@192.168.1.2:5060>\r\n\r\n"
				   "c=IN IP4 192.168.1.2\r\nm=audio 49170 RTP/AVP 0\r\n";
	static const unsigned int ports[] = { 69, 137, 138, 500, 1719, 5060, 161 };
	struct lab *lab = *state;

	for (unsigned int i = 0; i < 7; i++) {
		struct endpoint host = ep_port(H1, 5060 + i), remote = ep_port(Y1, ports[i]);
		struct wire w = wire_udp_with(host, remote, 0, sizeof(text) + 4), answer;

		memcpy(w.at + 28, text, sizeof(text));
		wire_put32(w.at + 28 + sizeof(text), 0xc0a80102); /* the address as bytes */
		wire_fix(w);
		answer = rfc_send(lab, w, AT_S(0)).outside;
		assert_memory_equal(answer.at + 28, text, sizeof(text));
		assert_int_equal(wire_get32(answer.at + 28 + sizeof(text)), 0xc0a80102);
		answer = wire_udp_with(remote, wire_source(w), 0, sizeof(text));
		memcpy(answer.at + 28, text, sizeof(text));
		wire_fix(answer);
		assert_rewritten(lab_in(lab, answer, AT_S(1)), REASON_TRANSLATED);
		assert_memory_equal(answer.at + 28, text, sizeof(text));
	}
}

static void test_rfc4787_req10a_there_is_no_alg_to_switch(void **state)
{
	(void)state;
	for (unsigned int id = 0; id < OPTION_COUNT; id++) {
		const char *key = option_spec((enum option_id)id)->key;

		assert_null(strstr(key, "alg"));
		assert_null(strstr(key, "helper"));
	}
}

/* --- the same at all times ------------------------------------------------------------------ */

struct behavior {
	enum mapping_behavior mapping;
	enum filtering_behavior filtering;
};

static void assert_behavior(struct lab *lab, struct behavior wanted, unsigned int port,
			    struct mono now)
{
	assert_int_equal(mapping_seen(lab, ep_port(H1, port), now), wanted.mapping);
	assert_int_equal(filtering_seen(lab, ep_port(H1, port + 1), now), wanted.filtering);
	assert_int_equal(mapping_seen(lab, ep_port(H2, port), now), wanted.mapping);
	assert_int_equal(filtering_seen(lab, ep_port(H2, port + 1), now), wanted.filtering);
}

/* Idle; with H2's ports taken by H1, so that they collide; with all but 5 % of the ports taken; and
 * long after. */
static void behave(const char *ports, struct behavior wanted)
{
	const char *const knobs[] = { "udp.mapping",
				      "eim",
				      "udp.filtering",
				      "apdf",
				      "nat.max-mappings",
				      "1000",
				      "nat.max-sessions",
				      "4000",
				      "udp.port-range",
				      "40000-40399",
				      NULL };
	struct lab *lab = lab_open_with(knobs);
	void *state = lab;

	lab_set(lab, "udp.ports", ports);
	lab_set(lab, "udp.mapping", mappings[wanted.mapping]);
	lab_set(lab, "udp.filtering", filterings[wanted.filtering]);
	assert_behavior(lab, wanted, 40000, AT_S(0));
	assert_behavior(lab, wanted, 40000, AT_S(1));
	for (unsigned int port = 40002; lab->nat.mappings.arena.live < 380; port++)
		lab_open(lab, NAT_UDP, ep_port(port % 2 ? H1 : H2, port), Y2, AT_S(2));
	assert_behavior(lab, wanted, 50000, AT_S(3));
	assert_behavior(lab, wanted, 40000, AT_S(90000));
	lab_teardown(&state);
}

static void test_rfc4787_req11_behavior_is_the_same_at_all_times(void **state)
{
	static const char *const ways[] = { "random", "preserve", "sequential" };

	(void)state;
	for (unsigned int i = 0; i < 27; i++)
		behave(ways[i / 9], (struct behavior){ (enum mapping_behavior)(i / 3 % 3),
						       (enum filtering_behavior)(i % 3) });
}

/* --- ICMP errors ---------------------------------------------------------------------------- */

static void test_rfc4787_req12_no_icmp_message_ends_a_mapping(void **state)
{
	static const unsigned int types[] = { 3, 4, 5, 11, 12 };
	struct lab *lab = *state;
	struct rfc_flow f = rfc_open(lab, NAT_UDP, AT_S(0));

	for (unsigned int t = 0; t < 5; t++) {
		for (unsigned int code = 0; code < 256; code++) {
			lab_in(lab, wire_error(types[t], code, ROUTER, f.external, f.outside),
			       AT_S(1));
			lab_in(lab, wire_error(types[t], code, Y1, f.external, f.outside), AT_S(1));
			wire_free_all();
			f.outside = wire_udp(f.external, Y1);
		}
		/* Neither mapping nor filter. */
		assert_true(reached(lab, f.external, H1, AT_S(1)));
		assert_false(lab_comes_in(lab, NAT_UDP, Y2, f.external, H1, AT_S(1)));
		assert_same_endpoint(lab_open(lab, NAT_UDP, H1, Y1, AT_S(1)), f.external);
	}
}

static void test_rfc4787_req12_errors_do_not_touch_the_timer(void **state)
{
	struct lab *lab = *state;
	struct rfc_flow f = rfc_open(lab, NAT_UDP, AT_S(0));

	for (int t = 20; t < 300; t += 20)
		assert_rewritten(lab_in(lab, wire_error(3, 3, Y1, f.external, f.outside), AT_S(t)),
				 REASON_ICMP_ERROR_TRANSLATED);
	assert_true(reached(lab, f.external, H1, AT_MS(299999)));
	assert_false(reached(lab, f.external, H1, AT_S(300)));
}

static void test_rfc4787_req12a_error_from_anywhere_reaches_the_host(void **state)
{
	struct lab *lab = *state;

	for (unsigned int f = 0; f < 3; f++) {
		struct rfc_flow flow;
		struct wire w;

		lab_set(lab, "udp.filtering", filterings[f]);
		flow = rfc_send(lab, wire_udp(ep_port(H1, 5000 + f), Y1), AT_S(f));
		w = wire_error(11, 0, ROUTER, flow.external, flow.outside);
		assert_rewritten(lab_in(lab, w, AT_S(f)), REASON_ICMP_ERROR_TRANSLATED);
		assert_same_endpoint(wire_source(w), ROUTER);
		assert_same_endpoint(wire_destination(w), ep_port(H1, 0));
	}
}

static void test_rfc4787_req12b_unreachable_comes_with_the_packet_as_sent(void **state)
{
	struct lab *lab = *state;
	struct rfc_flow f = rfc_open(lab, NAT_UDP, AT_S(0));

	for (unsigned int code = 0; code < 16; code++) {
		struct wire w = wire_error(3, code, ROUTER, f.external, f.outside);

		wire_put16(w.at + 26, 1400); /* next-hop MTU of 3/4 */
		wire_fix(w);
		assert_rewritten(lab_in(lab, w, AT_S(299)), REASON_ICMP_ERROR_TRANSLATED);
		assert_same_wire(wire_quote(w), f.inside);
		assert_int_equal(w.at[21], code);
		assert_int_equal(wire_get16(w.at + 26), 1400);
		assert_right_sums(w);
	}
}

static void test_rfc4787_req12b_no_error_outlives_the_mapping(void **state)
{
	struct lab *lab = *state;
	struct rfc_flow f = rfc_open(lab, NAT_UDP, AT_S(0));

	assert_dropped(lab_in(lab, wire_error(3, 3, Y1, f.external, f.outside), AT_S(300)),
		       REASON_ICMP_ERROR_NO_SESSION);
}

/* --- port 0 --------------------------------------------------------------------------------- */

static void test_rfc4787_p0_source_port_0_is_dropped(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));

	assert_dropped(lab_out(lab, wire_udp(ep_port(H1, 0), Y1), AT_S(0)), REASON_PORT_ZERO);
	assert_dropped(lab_out(lab, wire_udp(H1, ep_port(Y1, 0)), AT_S(0)), REASON_PORT_ZERO);
	assert_dropped(lab_in(lab, wire_udp(ep_port(Y1, 0), external), AT_S(0)), REASON_PORT_ZERO);
	assert_dropped(lab_in(lab, wire_udp(Y1, ep_port(external, 0)), AT_S(0)), REASON_PORT_ZERO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		lab_test(test_rfc4787_req1_one_socket_has_one_external_endpoint),
		lab_test(test_rfc4787_req1_mapping_is_of_address_and_port),
		lab_test(test_rfc4787_req1_other_mappings_are_a_knob),
		lab_test(test_rfc4787_req2_all_mappings_of_a_host_are_on_one_address),
		lab_test(test_rfc4787_req2_pairing_is_the_same_for_all_protocols),
		lab_test(test_rfc4787_req2_arbitrary_pooling_is_a_knob),
		lab_test(test_rfc4787_req3_no_two_hosts_hold_one_external_endpoint),
		lab_test(test_rfc4787_req3_full_range_overloads_nothing),
		lab_test(test_rfc4787_req5_two_silent_minutes_end_nothing),
		lab_test(test_rfc4787_req5_the_sweep_is_not_early),
		lab_test(test_rfc4787_req5_two_seconds_are_a_knob),
		lab_test(test_rfc4787_req5b_timer_is_a_knob),
		lab_test(test_rfc4787_req5c_five_minutes_by_default),
		lab_test(test_rfc4787_req6_outbound_packets_keep_the_mapping),
		lab_test(test_rfc4787_req6_an_outbound_packet_to_another_host_counts),
		lab_test(test_rfc4787_req6_outbound_refresh_can_be_off),
		lab_test(test_rfc4787_req6a_inbound_packets_refresh_by_knob),
		lab_test(test_rfc4787_req6a_inbound_packets_do_not_refresh_by_default),
		lab_test(test_rfc4787_req7_external_address_of_the_internal_network_is_translated),
		lab_test(test_rfc4787_req7_external_address_of_an_internal_host_is_translated),
		lab_test(test_rfc4787_req7_lost_address_is_used_no_more),
		lab_test(test_rfc4787_req8_endpoint_independent_lets_anybody_in),
		lab_test(test_rfc4787_req8_address_dependent_lets_known_addresses_in),
		lab_test(test_rfc4787_req8a_filtering_is_a_knob_that_works_at_once),
		lab_test(test_rfc4787_req8a_filtering_goes_with_any_mapping),
		lab_test(test_rfc4787_req10_payload_with_addresses_is_untouched),
		lab_test(test_rfc4787_req10a_there_is_no_alg_to_switch),
		cmocka_unit_test(test_rfc4787_req11_behavior_is_the_same_at_all_times),
		lab_test(test_rfc4787_req12_no_icmp_message_ends_a_mapping),
		lab_test(test_rfc4787_req12_errors_do_not_touch_the_timer),
		lab_test(test_rfc4787_req12a_error_from_anywhere_reaches_the_host),
		lab_test(test_rfc4787_req12b_unreachable_comes_with_the_packet_as_sent),
		lab_test(test_rfc4787_req12b_no_error_outlives_the_mapping),
		lab_test(test_rfc4787_p0_source_port_0_is_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
