/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RFC 4787, UDP: each requirement, and what a NAT does that breaks it. */
#include "tests/rfc/fragments.h"

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

/* The newest owner wins, and the one before it is cut off: what boxes did before there were RFCs. */
static void test_rfc4787_req3_overloading_is_a_knob(void **state)
{
	struct lab *lab = *state;
	struct endpoint a, b;

	lab_set(lab, "udp.ports", "overload");
	a = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	assert_int_equal(a.port, H1.port);
	assert_true(reached(lab, a, H1, AT_S(0)));
	b = lab_open(lab, NAT_UDP, H2, Y1, AT_S(1));
	assert_same_endpoint(a, b);
	assert_true(reached(lab, a, H2, AT_S(2)));
	assert_int_equal(lab->nat.mappings.arena.live, 1);
	/* And back, as long as the two go on. */
	assert_same_endpoint(lab_open(lab, NAT_UDP, H1, Y1, AT_S(3)), a);
	assert_true(reached(lab, a, H1, AT_S(4)));
}

static void test_rfc4787_req3a_ports_keep_to_their_side_of_1024(void **state)
{
	static const char *const ways[] = { "random", "preserve", "sequential", "contiguous" };
	struct lab *lab = *state;

	for (unsigned int way = 0; way < 4; way++) {
		lab_set(lab, "udp.ports", ways[way]);
		for (unsigned int i = 0; i < 20; i++) {
			unsigned int low = 1 + (i * 53 + way * 211) % 1023;
			unsigned int high = 1024 + (i * 3001 + way * 211) % 64512;

			assert_in_range(lab_open(lab, NAT_UDP, ep_port(H1, low), Y1, AT_S(0)).port,
					1, 1023);
			assert_in_range(lab_open(lab, NAT_UDP, ep_port(H1, high), Y1, AT_S(0)).port,
					1024, 65535);
		}
	}
}

static void test_rfc4787_req3a_also_when_ports_collide(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "udp.ports", "preserve");
	for (unsigned int port = 500; port < 520; port++) {
		assert_int_equal(lab_open(lab, NAT_UDP, ep_port(H1, port), Y1, AT_S(0)).port, port);
		assert_in_range(lab_open(lab, NAT_UDP, ep_port(H2, port), Y1, AT_S(0)).port, 1,
				1023);
	}
	for (unsigned int port = 40000; port < 40020; port++) {
		assert_int_equal(lab_open(lab, NAT_UDP, ep_port(H1, port), Y1, AT_S(0)).port, port);
		assert_in_range(lab_open(lab, NAT_UDP, ep_port(H2, port), Y1, AT_S(0)).port, 1024,
				65535);
	}
}

/* Low ports that are all taken do not make a high one of the next. */
static void test_rfc4787_req3a_a_full_class_is_full(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "nat.reserved-ports", "1-1019");
	for (unsigned int port = 1; port <= 4; port++)
		assert_in_range(lab_open(lab, NAT_UDP, ep_port(H1, port), Y1, AT_S(0)).port, 1020,
				1023);
	assert_dropped(lab_out(lab, wire_udp(ep_port(H1, 5), Y1), AT_S(0)), REASON_PORTS_EXHAUSTED);
	assert_in_range(lab_open(lab, NAT_UDP, H1, Y1, AT_S(0)).port, 1024, 65535);
}

static void test_rfc4787_req3a_classes_are_a_knob(void **state)
{
	static const struct {
		const char *value;
		unsigned int from, low, high;
	} classes[] = {
		{ "ignore", 500, 1024, 65535 },	 { "ignore", 5000, 1024, 65535 },
		{ "linux", 100, 1, 511 },	 { "linux", 511, 1, 511 },
		{ "linux", 512, 600, 1023 },	 { "linux", 1023, 600, 1023 },
		{ "linux", 1024, 1024, 65535 },	 { "cisco", 511, 1, 511 },
		{ "cisco", 512, 512, 1023 },	 { "cisco", 1023, 512, 1023 },
		{ "cisco", 60000, 1024, 65535 },
	};
	struct lab *lab = *state;

	for (unsigned int i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		lab_set(lab, "udp.range-class", classes[i].value);
		for (unsigned int host = 0; host < 12; host++) {
			struct endpoint from = ep_port(H1, classes[i].from);
			uint16_t port;

			from.addr = addr_from_ip4(0xc0a80165 + i * 12 + host);
			port = lab_open(lab, NAT_UDP, from, Y1, AT_S(0)).port;
			assert_in_range(port, classes[i].low, classes[i].high);
		}
	}
}

static void test_rfc4787_req3a_classes_allow_what_they_allow(void **state)
{
	static const struct {
		const char *value;
		unsigned int port;
		bool kept;
	} ports[] = {
		{ "keep", 1, true },	 { "keep", 1023, true },    { "keep", 1024, true },
		{ "ignore", 1, false },	 { "ignore", 1023, false }, { "ignore", 1024, true },
		{ "linux", 1, true },	 { "linux", 511, true },    { "linux", 512, false },
		{ "linux", 599, false }, { "linux", 600, true },    { "linux", 1023, true },
		{ "cisco", 1, true },	 { "cisco", 511, true },    { "cisco", 512, true },
		{ "cisco", 1023, true }, { "cisco", 1024, true },
	};
	struct lab *lab = *state;

	lab_set(lab, "udp.ports", "preserve");
	for (unsigned int i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
		struct nat_outcome outcome;
		struct wire w = wire_udp(ep_port(H1, ports[i].port), Y1);

		lab_set(lab, "udp.range-class", ports[i].value);
		outcome = lab_out(lab, w, AT_S(0));
		assert_rewritten(outcome, REASON_MAPPING_CREATED);
		assert_int_equal(wire_source(w).port == ports[i].port, ports[i].kept);
		lifetime_remove_mapping(&lab->nat, outcome.mapping, CAUSE_FLUSHED);
	}
}

static void test_rfc4787_req4_parity_is_kept_by_knob(void **state)
{
	static const char *const ways[] = { "random", "preserve", "sequential", "contiguous" };
	struct lab *lab = *state;

	lab_set(lab, "udp.parity", "on");
	for (unsigned int way = 0; way < 4; way++) {
		lab_set(lab, "udp.ports", ways[way]);
		for (unsigned int i = 0; i < 20; i++) {
			unsigned int port = 30000 + way * 100 + i;

			lab_open(lab, NAT_UDP, ep_port(H1, port), Y1, AT_S(0));
			assert_int_equal(
				lab_open(lab, NAT_UDP, ep_port(H2, port), Y1, AT_S(0)).port % 2,
				port % 2);
		}
	}
}

static void test_rfc4787_req4_no_port_of_that_parity_is_no_port(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "udp.parity", "on");
	lab_set(lab, "udp.port-range", "40000-40007");
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(
			lab_open(lab, NAT_UDP, ep_port(H1, 5001 + 2 * i), Y1, AT_S(0)).port % 2, 1);
	assert_dropped(lab_out(lab, wire_udp(ep_port(H1, 6001), Y1), AT_S(0)),
		       REASON_PORTS_EXHAUSTED);
	lab_open(lab, NAT_UDP, ep_port(H1, 6000), Y1, AT_S(0));
}

static void test_rfc4787_req4_parity_is_not_kept_with_the_knob_off(void **state)
{
	struct lab *lab = *state;
	unsigned int odd = 0;

	lab_set(lab, "udp.parity", "off");
	for (unsigned int i = 0; i < 100; i++)
		odd += lab_open(lab, NAT_UDP, ep_port(H1, 6000 + 2 * i), Y1, AT_S(0)).port % 2;
	assert_in_range(odd, 30, 70);
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

/* DNS with a timer of its own; to another port the same socket's flow goes on, and the mapping. */
static void test_rfc4787_req5a_one_port_has_a_timer_of_its_own(void **state)
{
	struct lab *lab = *state;
	struct endpoint dns = ep_port(Y1, 53), external;

	lab_set(lab, "udp.port-timeouts", "53=10s,123=30s");
	external = lab_open(lab, NAT_UDP, H1, Y2, AT_S(0));
	assert_same_endpoint(lab_open(lab, NAT_UDP, H1, dns, AT_S(0)), external);
	assert_same_endpoint(lab_open(lab, NAT_UDP, H1, ep_port(Y1, 123), AT_S(0)), external);
	assert_true(lab_comes_in(lab, NAT_UDP, dns, external, H1, AT_MS(9999)));
	assert_false(lab_comes_in(lab, NAT_UDP, dns, external, H1, AT_S(10)));
	assert_true(lab_comes_in(lab, NAT_UDP, ep_port(Y1, 123), external, H1, AT_MS(29999)));
	assert_false(lab_comes_in(lab, NAT_UDP, ep_port(Y1, 123), external, H1, AT_S(30)));
	assert_true(lab_comes_in(lab, NAT_UDP, Y2, external, H1, AT_MS(299999)));
}

static void test_rfc4787_req5a_a_dns_socket_is_gone_with_its_timer(void **state)
{
	struct lab *lab = *state;
	struct endpoint dns = ep_port(Y1, 53);

	lab_set(lab, "udp.port-timeouts", "53=10s");
	lab_open(lab, NAT_UDP, H1, dns, AT_S(0));
	lab_open(lab, NAT_UDP, H1, dns, AT_S(8)); /* asked again: from now on ten seconds more */
	nat_tick(&lab->nat, AT_MS(17999), 100);
	assert_int_equal(lab->nat.mappings.arena.live, 1);
	nat_tick(&lab->nat, AT_S(18), 100);
	assert_int_equal(lab->nat.mappings.arena.live, 0);
}

static void test_rfc4787_req5a_no_port_is_special_by_default(void **state)
{
	struct lab *lab = *state;
	struct endpoint dns = ep_port(Y1, 53), external = lab_open(lab, NAT_UDP, H1, dns, AT_S(0));

	assert_true(lab_comes_in(lab, NAT_UDP, dns, external, H1, AT_MS(299999)));
}

/* Nobody has answered yet: Linux waits 30 s for it, and 120 s afterwards. */
static void test_rfc4787_req5_a_flow_without_an_answer_has_a_timer_by_knob(void **state)
{
	struct lab *lab = *state;
	struct endpoint external;

	lab_set(lab, "udp.timeout", "120s");
	lab_set(lab, "udp.timeout-unreplied", "30s");
	external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	assert_false(reached(lab, external, H1, AT_S(30)));
	external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(100));
	assert_true(reached(lab, external, H1, AT_S(101)));
	lab_open(lab, NAT_UDP, H1, Y1, AT_S(102));
	assert_true(reached(lab, external, H1, AT_MS(221999)));
	assert_false(reached(lab, external, H1, AT_S(222)));
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

/* A box that takes an unwelcome packet for an attack, and ends the mapping it was sent to. */
static void test_rfc4787_req8_a_filtered_packet_kills_by_knob(void **state)
{
	struct lab *lab = *state;
	struct endpoint external;

	lab_set(lab, "udp.kill-on-unsolicited", "on");
	external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	assert_true(reached(lab, external, H1, AT_S(1)));
	assert_dropped(lab_in(lab, wire_udp(Y2, external), AT_S(2)), REASON_MAPPING_KILLED);
	assert_false(reached(lab, external, H1, AT_S(3)));
	assert_int_equal(lab->nat.mappings.arena.live, 0);
	/* Without the knob, nothing of the kind. */
	lab_set(lab, "udp.kill-on-unsolicited", "off");
	external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(4));
	assert_dropped(lab_in(lab, wire_udp(Y2, external), AT_S(5)), REASON_FILTERED);
	assert_true(reached(lab, external, H1, AT_S(6)));
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

/* --- hairpin -------------------------------------------------------------------------------- */

/* H1 sends to @external, a mapping of H2's: the packet as H2 gets it. */
static struct wire hairpin(struct lab *lab, struct endpoint external, struct mono now)
{
	struct wire w = wire_udp(H1, external);

	assert_rewritten(lab_out(lab, w, now), REASON_HAIRPIN);
	assert_same_endpoint(wire_destination(w), H2);
	assert_right_sums(w);
	return w;
}

static void test_rfc4787_req9_one_host_reaches_another_by_its_mapping(void **state)
{
	struct lab *lab = *state;
	struct endpoint external;

	lab_set(lab, "udp.filtering", "eif");
	external = lab_open(lab, NAT_UDP, H2, Y1, AT_S(0));
	hairpin(lab, external, AT_S(1));
	/* As long as it wants, whatever else the mapping is used for. */
	hairpin(lab, external, AT_S(250));
	assert_true(reached(lab, external, H2, AT_S(251)));
}

/* Nobody but those the filter lets in: who comes from inside is no better. */
static void test_rfc4787_req9_the_filter_of_the_target_holds(void **state)
{
	struct lab *lab = *state;
	struct endpoint x1, x2;
	struct wire w;

	x2 = lab_open(lab, NAT_UDP, H2, Y1, AT_S(0));
	assert_dropped(lab_out(lab, wire_udp(H1, x2), AT_S(1)), REASON_FILTERED);
	/* Both send to the other's external endpoint, as peers behind one NAT do: then it works. */
	x1 = lab_open(lab, NAT_UDP, H1, Y1, AT_S(1));
	w = wire_udp(H2, x1);
	lab_out(lab, w, AT_S(2));
	assert_same_endpoint(wire_source(hairpin(lab, x2, AT_S(3))), x1);
	w = wire_udp(H2, x1);
	assert_rewritten(lab_out(lab, w, AT_S(4)), REASON_HAIRPIN);
	assert_same_endpoint(wire_source(w), x2);
	assert_same_endpoint(wire_destination(w), H1);
}

static void test_rfc4787_req9_unmapped_external_endpoints_lead_nowhere(void **state)
{
	struct lab *lab = *state;
	struct nat_outcome outcome;

	lab_set(lab, "udp.filtering", "eif");
	outcome = lab_out(lab, wire_udp(H1, ep_port(E1, 4444)), AT_S(0));
	assert_dropped(outcome, REASON_NO_MAPPING);
}

static void test_rfc4787_req9_hairpin_can_be_off(void **state)
{
	struct lab *lab = *state;
	struct endpoint external;

	lab_set(lab, "udp.filtering", "eif");
	lab_set(lab, "nat.hairpin", "off");
	external = lab_open(lab, NAT_UDP, H2, Y1, AT_S(0));
	assert_dropped(lab_out(lab, wire_udp(H1, external), AT_S(1)), REASON_HAIRPIN_OFF);
	assert_true(reached(lab, external, H2, AT_S(2)));
}

static void test_rfc4787_req9a_it_comes_from_the_senders_external_endpoint(void **state)
{
	struct lab *lab = *state;
	struct endpoint x1, x2;
	struct wire w;

	lab_set(lab, "udp.filtering", "eif");
	x2 = lab_open(lab, NAT_UDP, H2, Y1, AT_S(0));
	/* Trap 15: H1 has sent nothing yet, and gets a mapping by this. */
	x1 = wire_source(hairpin(lab, x2, AT_S(1)));
	assert_same_endpoint(ep_port(x1, 0), E1);
	assert_same_endpoint(lab_open(lab, NAT_UDP, H1, Y1, AT_S(2)), x1);
	/* The answer goes back the same way. */
	w = wire_udp(H2, x1);
	assert_rewritten(lab_out(lab, w, AT_S(3)), REASON_HAIRPIN);
	assert_same_endpoint(wire_source(w), x2);
	assert_same_endpoint(wire_destination(w), H1);
}

/* Trap 13. */
static void test_rfc4787_req9a_also_when_a_host_sends_to_itself(void **state)
{
	struct lab *lab = *state;
	struct endpoint own;
	struct wire w;

	lab_set(lab, "udp.filtering", "eif");
	own = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	w = wire_udp(H1, own);
	assert_rewritten(lab_out(lab, w, AT_S(1)), REASON_HAIRPIN);
	assert_same_endpoint(wire_source(w), own);
	assert_same_endpoint(wire_destination(w), H1);
	/* And from one socket of a host to another. */
	w = wire_udp(ep_port(H1, 5001), own);
	assert_rewritten(lab_out(lab, w, AT_S(2)), REASON_HAIRPIN);
	assert_same_endpoint(wire_source(w),
			     lab_open(lab, NAT_UDP, ep_port(H1, 5001), Y1, AT_S(3)));
	assert_same_endpoint(wire_destination(w), H1);
}

/* A fault: H2 sees where the packet really comes from, and answers past the NAT. */
static void test_rfc4787_req9a_internal_source_is_a_knob(void **state)
{
	struct lab *lab = *state;
	struct endpoint external;
	struct wire w;

	lab_set(lab, "udp.filtering", "eif");
	lab_set(lab, "nat.hairpin", "internal-source");
	external = lab_open(lab, NAT_UDP, H2, Y1, AT_S(0));
	w = wire_udp(H1, external);
	assert_rewritten(lab_out(lab, w, AT_S(1)), REASON_HAIRPIN);
	assert_same_endpoint(wire_source(w), H1);
	assert_same_endpoint(wire_destination(w), H2);
	assert_right_sums(w);
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
static void behave(const char *ports, const char *random, struct behavior wanted)
{
	const char *const knobs[] = { "nat.max-mappings",
				      "1000",
				      "nat.max-sessions",
				      "4000",
				      "udp.port-range",
				      "40000-40399",
				      "udp.ports",
				      ports,
				      "udp.random",
				      random,
				      "udp.mapping",
				      mappings[wanted.mapping],
				      "udp.filtering",
				      filterings[wanted.filtering],
				      NULL };
	struct lab *lab = lab_open_with(knobs);
	void *own = lab;

	assert_behavior(lab, wanted, 40000, AT_S(0));
	assert_behavior(lab, wanted, 40000, AT_S(1));
	for (unsigned int port = 40002; lab->nat.mappings.arena.live < 380; port++)
		rfc_pass(lab, wire_udp(ep_port(port % 2 ? H1 : H2, port), Y2), NAT_INTERNAL,
			 AT_S(2));
	assert_consistent(&lab->nat);
	assert_behavior(lab, wanted, 50000, AT_S(3));
	assert_behavior(lab, wanted, 40000, AT_S(90000));
	lab_teardown(&own);
}

static void test_rfc4787_req11_behavior_is_the_same_at_all_times(void **state)
{
	static const char *const ways[][2] = {
		{ "random", "simple" },	     { "random", "redraw" },	 { "random", "hash" },
		{ "random", "double-hash" }, { "random", "increments" }, { "preserve", "simple" },
		{ "sequential", "simple" },  { "contiguous", "simple" },
	};

	(void)state;
	for (unsigned int i = 0; i < 9 * 8; i++)
		behave(ways[i / 9][0], ways[i / 9][1],
		       (struct behavior){ (enum mapping_behavior)(i / 3 % 3),
					  (enum filtering_behavior)(i % 3) });
}

/* A NAT that shares ports cannot keep to it: where one is taken towards a remote, the mapping there
 * is another one than everywhere else. */
static void test_rfc4787_req11_sharing_ports_breaks_it(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "udp.ports", "preserve");
	lab_set(lab, "udp.port-overlap", "on");
	assert_int_equal(lab_open(lab, NAT_UDP, H1, Y1, AT_S(0)).port, H1.port);
	assert_int_equal(lab_open(lab, NAT_UDP, H2, Y2, AT_S(0)).port, H1.port);
	assert_int_not_equal(lab_open(lab, NAT_UDP, H2, Y1, AT_S(0)).port, H1.port);
	assert_int_equal(lab_open(lab, NAT_UDP, H2, Y1_Q, AT_S(0)).port, H1.port);
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

static void test_rfc4787_req12b_no_errors_at_all_is_a_knob(void **state)
{
	struct lab *lab = *state;
	struct rfc_flow f = rfc_open(lab, NAT_UDP, AT_S(0));

	lab_set(lab, "icmp.errors", "drop");
	for (unsigned int code = 0; code < 16; code++)
		assert_dropped(lab_in(lab, wire_error(3, code, Y1, f.external, f.outside), AT_S(1)),
			       REASON_ICMP_ERRORS_OFF);
	assert_true(reached(lab, f.external, H1, AT_S(2)));
}

static void test_rfc4787_req12b_no_error_outlives_the_mapping(void **state)
{
	struct lab *lab = *state;
	struct rfc_flow f = rfc_open(lab, NAT_UDP, AT_S(0));

	assert_dropped(lab_in(lab, wire_error(3, 3, Y1, f.external, f.outside), AT_S(300)),
		       REASON_ICMP_ERROR_NO_SESSION);
}

/* --- fragments ------------------------------------------------------------------------------ */

enum { PIECE = 400, PIECES = 3 };

/* All orders that three fragments can come in. */
static const unsigned int orders[6][PIECES] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
						{ 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };

/* A datagram from @from to @to in three pieces in this order; @wanted is how it arrives. */
static bool arrives(struct lab *lab, enum nat_side side, struct wire sent,
		    const unsigned int order[PIECES], struct mono now, struct wire wanted)
{
	struct pile pile = { 0 };
	struct wire got;

	for (unsigned int i = 0; i < PIECES; i++)
		fragment_pass(lab, fragment_of(sent, order[i] * PIECE, PIECE), side, now, &pile);
	got = pile_whole(&pile);
	if (got.len == 0)
		return false;
	assert_int_equal(pile.count, PIECES);
	wire_put16(got.at + 4, fragment_id(wanted)); /* outbound, the ID is the NAT's own */
	fragment_fix(got);
	assert_same_wire(got, wanted);
	return true;
}

static bool comes_in(struct lab *lab, struct endpoint external, const unsigned int order[PIECES],
		     unsigned int id, struct mono now)
{
	return arrives(lab, NAT_EXTERNAL, fragment_whole(Y1, external, id, 1000), order, now,
		       fragment_whole(Y1, H1, id, 1000));
}

static bool goes_out(struct lab *lab, struct endpoint external, const unsigned int order[PIECES],
		     unsigned int id, struct mono now)
{
	return arrives(lab, NAT_INTERNAL, fragment_whole(H1, Y1, id, 1000), order, now,
		       fragment_whole(external, Y1, id, 1000));
}

static void test_rfc4787_req14_fragments_pass_in_every_order(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));

	for (unsigned int i = 0; i < 6; i++) {
		assert_true(comes_in(lab, external, orders[i], 100 + i, AT_S(i)));
		assert_true(goes_out(lab, external, orders[i], 200 + i, AT_S(i)));
	}
}

/* The filter is asked once the ports are known: what waits does not slip through. */
static void test_rfc4787_req14_fragments_of_a_stranger_stay_out(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));

	for (unsigned int i = 0; i < 6; i++) {
		struct wire sent = fragment_whole(Y2, external, i, 1000);
		struct pile pile = { 0 };

		for (unsigned int k = 0; k < PIECES; k++)
			fragment_pass(lab, fragment_of(sent, orders[i][k] * PIECE, PIECE),
				      NAT_EXTERNAL, AT_S(1), &pile);
		assert_int_equal(pile.count, 0);
	}
}

/* Receive Fragments Ordered, by the RFC's name: only those behind their first. */
static void test_rfc4787_req14_in_order_alone_is_a_knob(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));

	lab_set(lab, "fragments.mode", "in-order");
	for (unsigned int i = 0; i < 6; i++) {
		bool first_first = orders[i][0] == 0;

		assert_int_equal(comes_in(lab, external, orders[i], 100 + i, AT_S(i)), first_first);
		assert_int_equal(goes_out(lab, external, orders[i], 200 + i, AT_S(i)), first_first);
	}
}

static void test_rfc4787_req14_no_fragments_at_all_is_a_knob(void **state)
{
	static const char *const knobs[][3] = { { "fragments.mode", "drop", "any-order" },
						{ "udp.fragments", "off", "on" } };
	struct lab *lab = *state;
	struct endpoint external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));

	for (unsigned int i = 0; i < 2; i++) {
		lab_set(lab, knobs[i][0], knobs[i][1]);
		for (unsigned int k = 0; k < 6; k++) {
			assert_false(comes_in(lab, external, orders[k], 100 + k, AT_S(k)));
			assert_false(goes_out(lab, external, orders[k], 200 + k, AT_S(k)));
		}
		lab_set(lab, knobs[i][0], knobs[i][2]);
		assert_true(comes_in(lab, external, orders[5], 300 + i, AT_S(9)));
	}
}

/* A fragment nobody asked for, the @n-th; its datagram never gets a first one. */
static struct nat_outcome lone_fragment(struct lab *lab, struct endpoint from, unsigned int n,
					struct mono now)
{
	struct wire w = fragment_of(fragment_whole(from, E1, n, 1000), PIECE, PIECE);
	struct nat_outcome outcome = rfc_pass(lab, w, NAT_EXTERNAL, now);

	assert_true(outcome.verdict == NAT_HELD || outcome.verdict == NAT_DROPPED);
	wire_free_all();
	return outcome;
}

/* While the store is full of fragments from everywhere, all but fragments out of order go on. */
static void test_rfc4787_req14a_a_flood_of_fragments_hurts_nobody_else(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	unsigned int held = 0;

	for (unsigned int n = 0; n < 100000; n++) {
		struct endpoint from = { addr_from_ip4(0x08000000 + n), 7000 };
		struct nat_outcome outcome = lone_fragment(lab, from, n & 0xffff, AT_MS(n / 100));

		held += outcome.verdict == NAT_HELD;
		if (outcome.verdict != NAT_HELD)
			assert_dropped(outcome, REASON_FRAGMENTS_FULL);
		if (n % 1000 != 999)
			continue;
		assert_true(reached(lab, external, H1, AT_MS(n / 100)));
		assert_same_endpoint(lab_open(lab, NAT_UDP, H1, Y1, AT_MS(n / 100)), external);
		assert_true(comes_in(lab, external, orders[0], n & 0xffff, AT_MS(n / 100)));
		assert_true(goes_out(lab, external, orders[0], n & 0xffff, AT_MS(n / 100)));
	}
	assert_int_equal(held, 256); /* fragments.max-held */
}

/* However large the store is: to translate a datagram in order takes none of it. */
static void test_rfc4787_req14a_in_order_needs_no_room_in_the_store(void **state)
{
	const char *const knobs[] = { "fragments.max-held",
				      "4096",
				      "fragments.max-bytes",
				      "4194304",
				      "fragments.max-per-source",
				      "4096",
				      NULL };
	struct lab *lab = lab_open_with(knobs);
	struct endpoint external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	void *own = lab;

	for (unsigned int n = 0; n < 10000; n++)
		lone_fragment(lab, Y2, n, AT_S(1));
	for (unsigned int n = 0; n < 100; n++) {
		assert_true(comes_in(lab, external, orders[0], n, AT_S(1)));
		assert_true(goes_out(lab, external, orders[0], n, AT_S(1)));
	}
	lab_teardown(&own);
	(void)state;
}

/* One source cannot even keep the others' fragments out. */
static void test_rfc4787_req14a_one_source_takes_its_part_alone(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	unsigned int held = 0;

	for (unsigned int n = 0; n < 1000; n++)
		held += lone_fragment(lab, Y2, n, AT_S(1)).verdict == NAT_HELD;
	assert_int_equal(held, 32); /* fragments.max-per-source */
	for (unsigned int i = 0; i < 6; i++)
		assert_true(comes_in(lab, external, orders[i], 100 + i, AT_S(1)));
}

static void test_rfc4787_req14a_fragments_wait_for_a_limited_time(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	struct wire sent = fragment_whole(Y1, external, 77, 700);
	struct pile pile = { 0 };

	lab_set(lab, "fragments.timeout", "5s");
	assert_int_equal(
		fragment_pass(lab, fragment_of(sent, PIECE, PIECE), NAT_EXTERNAL, AT_S(1), &pile)
			.verdict,
		NAT_HELD);
	nat_tick(&lab->nat, AT_MS(5999), 100);
	fragment_pass(lab, fragment_of(sent, 0, PIECE), NAT_EXTERNAL, AT_MS(5999), &pile);
	assert_same_wire(pile_whole(&pile), fragment_whole(Y1, H1, 77, 700));
	/* The same again, but for one millisecond. */
	sent = fragment_whole(Y1, external, 78, 700);
	pile = (struct pile){ 0 };
	fragment_pass(lab, fragment_of(sent, PIECE, PIECE), NAT_EXTERNAL, AT_S(10), &pile);
	nat_tick(&lab->nat, AT_S(15), 100);
	fragment_pass(lab, fragment_of(sent, 0, PIECE), NAT_EXTERNAL, AT_S(15), &pile);
	assert_int_equal(pile_whole(&pile).len, 0);
}

static void test_rfc4787_req14a_the_caps_are_knobs(void **state)
{
	static const struct {
		const char *knob, *value;
		unsigned int held;
	} caps[] = {
		{ "fragments.max-held", "10", 10 },
		{ "fragments.max-per-source", "7", 7 },
		{ "fragments.max-bytes", "2560", 5 }, /* of 420 bytes each, in pieces of 512 */
	};

	for (unsigned int i = 0; i < 3; i++) {
		const char *const knobs[] = { "fragments.max-per-source", "1000", caps[i].knob,
					      caps[i].value, NULL };
		struct lab *lab = lab_open_with(knobs);
		unsigned int held = 0;
		void *own = lab;

		for (unsigned int n = 0; n < 500; n++)
			held += lone_fragment(lab, Y2, n, AT_S(1)).verdict == NAT_HELD;
		assert_int_equal(held, caps[i].held);
		lab_teardown(&own);
	}
	(void)state;
}

/* From one internal host to another, in pieces. */
static void test_rfc4787_req14_fragments_are_hairpinned(void **state)
{
	struct lab *lab = *state;
	struct endpoint x1 = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0)), x2;

	lab_set(lab, "udp.filtering", "eif");
	x2 = lab_open(lab, NAT_UDP, H2, Y1, AT_S(0));
	for (unsigned int i = 0; i < 6; i++)
		assert_true(arrives(lab, NAT_INTERNAL, fragment_whole(H1, x2, i, 1000), orders[i],
				    AT_S(1), fragment_whole(x1, H2, i, 1000)));
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

/* Where it is translated it is one port like any other, but outside it is never 0. */
static void test_rfc4787_p0_source_port_0_is_translated_by_knob(void **state)
{
	struct lab *lab = *state;
	struct endpoint host = ep_port(H1, 0), external;

	lab_set(lab, "udp.port-zero", "translate");
	external = lab_open(lab, NAT_UDP, host, Y1, AT_S(0));
	assert_int_not_equal(external.port, 0);
	assert_same_endpoint(lab_open(lab, NAT_UDP, host, Y2, AT_S(1)), external);
	assert_true(reached(lab, external, host, AT_S(2)));
	lab_set(lab, "udp.ports", "preserve");
	assert_int_not_equal(lab_open(lab, NAT_UDP, ep_port(H2, 0), Y1, AT_S(3)).port, 0);
	/* To port 0 there is nothing to send. */
	assert_dropped(lab_out(lab, wire_udp(H1, ep_port(Y1, 0)), AT_S(4)), REASON_PORT_ZERO);
	assert_dropped(lab_in(lab, wire_udp(Y1, ep_port(external, 0)), AT_S(4)), REASON_PORT_ZERO);
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
		lab_test(test_rfc4787_req3_overloading_is_a_knob),
		lab_test(test_rfc4787_req3a_ports_keep_to_their_side_of_1024),
		lab_test(test_rfc4787_req3a_also_when_ports_collide),
		lab_test(test_rfc4787_req3a_a_full_class_is_full),
		lab_test(test_rfc4787_req3a_classes_are_a_knob),
		lab_test(test_rfc4787_req3a_classes_allow_what_they_allow),
		lab_test(test_rfc4787_req4_parity_is_kept_by_knob),
		lab_test(test_rfc4787_req4_no_port_of_that_parity_is_no_port),
		lab_test(test_rfc4787_req4_parity_is_not_kept_with_the_knob_off),
		lab_test(test_rfc4787_req5_two_silent_minutes_end_nothing),
		lab_test(test_rfc4787_req5_the_sweep_is_not_early),
		lab_test(test_rfc4787_req5_two_seconds_are_a_knob),
		lab_test(test_rfc4787_req5a_one_port_has_a_timer_of_its_own),
		lab_test(test_rfc4787_req5a_a_dns_socket_is_gone_with_its_timer),
		lab_test(test_rfc4787_req5a_no_port_is_special_by_default),
		lab_test(test_rfc4787_req5_a_flow_without_an_answer_has_a_timer_by_knob),
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
		lab_test(test_rfc4787_req8_a_filtered_packet_kills_by_knob),
		lab_test(test_rfc4787_req8a_filtering_is_a_knob_that_works_at_once),
		lab_test(test_rfc4787_req8a_filtering_goes_with_any_mapping),
		lab_test(test_rfc4787_req9_one_host_reaches_another_by_its_mapping),
		lab_test(test_rfc4787_req9_the_filter_of_the_target_holds),
		lab_test(test_rfc4787_req9_unmapped_external_endpoints_lead_nowhere),
		lab_test(test_rfc4787_req9_hairpin_can_be_off),
		lab_test(test_rfc4787_req9a_it_comes_from_the_senders_external_endpoint),
		lab_test(test_rfc4787_req9a_also_when_a_host_sends_to_itself),
		lab_test(test_rfc4787_req9a_internal_source_is_a_knob),
		lab_test(test_rfc4787_req10_payload_with_addresses_is_untouched),
		cmocka_unit_test(test_rfc4787_req10a_there_is_no_alg_to_switch),
		cmocka_unit_test(test_rfc4787_req11_behavior_is_the_same_at_all_times),
		lab_test(test_rfc4787_req11_sharing_ports_breaks_it),
		lab_test(test_rfc4787_req12_no_icmp_message_ends_a_mapping),
		lab_test(test_rfc4787_req12_errors_do_not_touch_the_timer),
		lab_test(test_rfc4787_req12a_error_from_anywhere_reaches_the_host),
		lab_test(test_rfc4787_req12b_unreachable_comes_with_the_packet_as_sent),
		lab_test(test_rfc4787_req12b_no_errors_at_all_is_a_knob),
		lab_test(test_rfc4787_req12b_no_error_outlives_the_mapping),
		lab_test(test_rfc4787_req14_fragments_pass_in_every_order),
		lab_test(test_rfc4787_req14_fragments_of_a_stranger_stay_out),
		lab_test(test_rfc4787_req14_in_order_alone_is_a_knob),
		lab_test(test_rfc4787_req14_no_fragments_at_all_is_a_knob),
		lab_test(test_rfc4787_req14a_a_flood_of_fragments_hurts_nobody_else),
		cmocka_unit_test(test_rfc4787_req14a_in_order_needs_no_room_in_the_store),
		lab_test(test_rfc4787_req14a_one_source_takes_its_part_alone),
		lab_test(test_rfc4787_req14a_fragments_wait_for_a_limited_time),
		cmocka_unit_test(test_rfc4787_req14a_the_caps_are_knobs),
		lab_test(test_rfc4787_req14_fragments_are_hairpinned),
		lab_test(test_rfc4787_p0_source_port_0_is_dropped),
		lab_test(test_rfc4787_p0_source_port_0_is_translated_by_knob),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
