/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RFC 6888, carrier-grade NAT: shares, limits, and what is told of them. */
#include "nat/daemon/events.h"
#include "tests/rfc/rfc.h"
#include "tests/unit/ask.h"

#define POOL "203.0.113.1-203.0.113.4"

/* The @n-th internal host. */
static struct endpoint host(unsigned int n, unsigned int port)
{
	return (struct endpoint){ addr_from_ip4(0x0a000001 + n), (uint16_t)port };
}

static struct nat_outcome try_open(struct lab *lab, enum nat_protocol protocol,
				   struct endpoint from, struct endpoint to, struct mono now)
{
	return lab_out(lab, lab_request(protocol, from, to), now);
}

/* As many mappings as there are to be had, from as many ports. */
static unsigned int open_all(struct lab *lab, enum nat_protocol protocol, unsigned int n,
			     unsigned int most, struct mono now)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < most; i++)
		count += try_open(lab, protocol, host(n, 2000 + i), Y1, now).verdict ==
			 NAT_REWRITTEN;
	return count;
}

static unsigned int events_of(struct lab *lab, enum event_type type)
{
	const struct nat_event *event;
	unsigned int count = 0;

	for (uint64_t n = 1; (event = event_from(&lab->nat.events, n)) != NULL;
	     n = event->number + 1)
		count += event->type == type;
	return count;
}

/* A new flow, and where it comes from outside. */
static bool opens(struct lab *lab, struct endpoint from, struct endpoint *external)
{
	struct wire w = wire_udp(from, Y1);

	if (rfc_pass(lab, w, NAT_INTERNAL, AT_S(0)).verdict != NAT_REWRITTEN)
		return false;
	*external = wire_source(w);
	return true;
}

/* --- 1: the RFCs of the protocols ----------------------------------------------------------- */

static int carrier_setup(void **state)
{
	const char *const knobs[] = { "nat.preset", "cgn-rfc6888", NULL };

	*state = lab_open_with(knobs);
	return 0;
}

#define carrier_test(f) cmocka_unit_test_setup_teardown(f, carrier_setup, lab_teardown)

static void test_rfc6888_req1_mapping_does_not_depend_on_the_remote(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p <= NAT_ICMP; p++) {
		struct endpoint a = lab_open(lab, p, H1, Y1, AT_S(0)), b;

		assert_same_endpoint(lab_open(lab, p, H1, Y1_Q, AT_S(0)), a);
		assert_same_endpoint(lab_open(lab, p, H1, Y2, AT_S(0)), a);
		b = lab_open(lab, p, H2, Y1, AT_S(0));
		assert_false(endpoint_equal(&a, &b));
		assert_true(lab_comes_in(lab, p, Y1, a, H1, AT_S(1)));
		assert_true(lab_comes_in(lab, p, Y1, b, H2, AT_S(1)));
	}
}

static void test_rfc6888_req1_timers_are_those_of_the_rfcs(void **state)
{
	static const int64_t least_ms[] = { 120000, 240000, 60000 };
	struct lab *lab = *state;
	struct endpoint external;

	for (enum nat_protocol p = NAT_UDP; p <= NAT_ICMP; p++) {
		struct rfc_flow f = rfc_open(lab, p, AT_S(0));

		assert_int_not_equal(f.outcome.mapping, NAT_NONE);
		assert_true(nat_mapping_expiry(&lab->nat, f.outcome.mapping).ms >= least_ms[p]);
	}
	external = lab_open(lab, NAT_TCP, H2, Y1, AT_S(0));
	lab_in(lab, wire_tcp(Y1, external, WIRE_SYN | WIRE_ACK), AT_S(0));
	lab_out(lab, wire_tcp(H2, Y1, WIRE_ACK), AT_S(0));
	assert_rewritten(lab_in(lab, wire_tcp(Y1, external, WIRE_ACK), AT_S(7439)),
			 REASON_TRANSLATED);
}

static void test_rfc6888_req1_subscribers_reach_each_other(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p < NAT_ICMP; p++) {
		struct endpoint x2 = lab_open(lab, p, H2, Y1, AT_S(0));
		struct wire w = lab_request(p, H1, x2);

		assert_rewritten(lab_out(lab, w, AT_S(0)), REASON_HAIRPIN);
		assert_same_endpoint(wire_source(w), lab_open(lab, p, H1, Y1, AT_S(0)));
		assert_same_endpoint(wire_destination(w), H2);
	}
}

/* --- 2, 3: the pool ------------------------------------------------------------------------- */

static void test_rfc6888_req2_a_subscriber_has_one_address(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "nat.external", POOL);
	for (unsigned int n = 0; n < 10; n++) {
		struct endpoint first = lab_open(lab, NAT_UDP, host(n, 1999), Y1, AT_S(0)), next;

		for (unsigned int i = 0; i < 12; i++) {
			next = lab_open(lab, (enum nat_protocol)(i % 3), host(n, 2000 + i), Y2,
					AT_S(0));
			assert_true(addr_equal(&first.addr, &next.addr));
		}
	}
}

static void test_rfc6888_req2_it_keeps_it_while_it_has_mappings(void **state)
{
	struct lab *lab = *state;
	struct endpoint first, next;

	lab_set(lab, "nat.external", "198.18.0.1");
	first = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	/* More addresses, of which a fresh draw might give another one. */
	for (unsigned int last = 2; last < 20; last++) {
		char pool[64];

		snprintf(pool, sizeof(pool), "198.18.0.1-198.18.0.%u", last);
		lab_set(lab, "nat.external", pool);
		next = lab_open(lab, NAT_UDP, ep_port(H1, 6000 + last), Y1, AT_S(last));
		assert_true(addr_equal(&first.addr, &next.addr));
	}
}

/* How many addresses of the pool one host with arbitrary pooling is seen on. */
static unsigned int addresses_used(struct lab *lab, unsigned int flows)
{
	struct addr seen[64];
	unsigned int count = 0;

	lab_set(lab, "nat.pooling", "arbitrary");
	for (unsigned int i = 0; i < flows; i++) {
		struct endpoint e = lab_open(lab, NAT_UDP, ep_port(H1, 2000 + i), Y1, AT_S(0));
		unsigned int k = 0;

		while (k < count && !addr_equal(&seen[k], &e.addr))
			k++;
		if (k == count)
			seen[count++] = e.addr;
	}
	return count;
}

static void test_rfc6888_req3_the_pool_may_have_gaps(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "nat.external", "203.0.113.1,203.0.113.5-203.0.113.7,198.51.100.8/31");
	assert_int_equal(addresses_used(lab, 150), 6);
}

static void test_rfc6888_req3_the_pool_may_be_large(void **state)
{
	struct lab *lab = *state;
	bool used[4096] = { false };
	unsigned int count = 0;

	lab_set(lab, "nat.max-mappings", "70000");
	lab_set(lab, "nat.max-sessions", "70000");
	lab_set(lab, "nat.external", "198.18.0.0/20");
	for (unsigned int n = 0; n < 65536; n++) {
		struct endpoint external;
		uint32_t place;

		assert_true(opens(lab, host(n, 5000), &external));
		place = addr_ip4(&external.addr) - 0xc6120000;
		assert_in_range(place, 0, 4095);
		count += !used[place];
		used[place] = true;
		if (n % 1000 == 0)
			wire_free_all();
	}
	assert_int_equal(count, 4096);
}

/* --- 4, 5: limits --------------------------------------------------------------------------- */

static void test_rfc6888_req4_ports_of_a_subscriber_are_limited(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "nat.max-mappings-per-host", "10");
	assert_int_equal(open_all(lab, NAT_UDP, 1, 4, AT_S(0)), 4);
	assert_int_equal(open_all(lab, NAT_TCP, 1, 4, AT_S(0)), 4);
	assert_int_equal(open_all(lab, NAT_ICMP, 1, 4, AT_S(0)), 2);
	assert_dropped(try_open(lab, NAT_UDP, host(1, 9), Y1, AT_S(0)), REASON_HOST_QUOTA);
	/* What is open goes on, to new remotes too; and so do the others. */
	assert_int_equal(try_open(lab, NAT_UDP, host(1, 2000), Y2, AT_S(1)).verdict, NAT_REWRITTEN);
	assert_int_equal(open_all(lab, NAT_UDP, 2, 10, AT_S(1)), 10);
	/* ICMP's are over after a minute, and make room. */
	assert_int_equal(open_all(lab, NAT_UDP, 1, 8, AT_S(61)), 6);
}

static void test_rfc6888_req4_there_is_no_limit_by_default(void **state)
{
	assert_int_equal(open_all(*state, NAT_UDP, 1, 150, AT_S(0)), 150);
}

static void test_rfc6888_req4a_the_limit_is_a_knob(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "nat.max-mappings-per-host", "5");
	assert_int_equal(open_all(lab, NAT_UDP, 1, 20, AT_S(0)), 5);
	lab_set(lab, "nat.max-mappings-per-host", "12");
	assert_int_equal(open_all(lab, NAT_UDP, 1, 20, AT_S(0)), 12);
	/* Lowered, it ends nothing. */
	lab_set(lab, "nat.max-mappings-per-host", "3");
	assert_int_equal(open_all(lab, NAT_UDP, 1, 20, AT_S(1)), 12);
	assert_int_equal(lab->nat.mappings.arena.live, 12);
}

static void test_rfc6888_req4b_each_protocol_has_a_limit_of_its_own(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "udp.max-mappings-per-host", "3");
	lab_set(lab, "tcp.max-mappings-per-host", "5");
	assert_int_equal(open_all(lab, NAT_UDP, 1, 20, AT_S(0)), 3);
	assert_int_equal(open_all(lab, NAT_TCP, 1, 20, AT_S(0)), 5);
	assert_int_equal(open_all(lab, NAT_ICMP, 1, 20, AT_S(0)), 20);
	assert_int_equal(open_all(lab, NAT_UDP, 2, 20, AT_S(0)), 3);
}

static void test_rfc6888_req4c_so_many_new_mappings_a_second(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "nat.new-mappings-per-second", "5");
	assert_int_equal(open_all(lab, NAT_UDP, 1, 4, AT_S(0)), 4);
	assert_int_equal(open_all(lab, NAT_TCP, 1, 4, AT_S(0)), 1);
	assert_dropped(try_open(lab, NAT_UDP, host(1, 9), Y1, AT_S(0)), REASON_RATE_QUOTA);
	assert_int_equal(open_all(lab, NAT_UDP, 2, 20, AT_S(0)), 5);
	/* A second later five more, and no more than that after an hour of quiet. */
	assert_int_equal(open_all(lab, NAT_TCP, 1, 20, AT_S(1)), 1 + 5);
	nat_tick(&lab->nat, AT_S(3600), 1000);
	assert_int_equal(open_all(lab, NAT_UDP, 1, 20, AT_S(3600)), 5);
}

static void test_rfc6888_req4c_each_protocol_has_a_rate_of_its_own(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "udp.new-mappings-per-second", "2");
	lab_set(lab, "icmp.new-mappings-per-second", "3");
	assert_int_equal(open_all(lab, NAT_UDP, 1, 20, AT_S(0)), 2);
	assert_int_equal(open_all(lab, NAT_TCP, 1, 20, AT_S(0)), 20);
	assert_int_equal(open_all(lab, NAT_ICMP, 1, 20, AT_S(0)), 3);
}

static void test_rfc6888_req5_sessions_of_a_mapping_are_limited(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "nat.max-sessions-per-mapping", "3");
	for (unsigned int i = 0; i < 3; i++)
		lab_open(lab, NAT_UDP, H1, ep_port(Y1, 100 + i), AT_S(0));
	assert_dropped(try_open(lab, NAT_UDP, H1, Y2, AT_S(0)), REASON_MAPPING_QUOTA);
	lab_open(lab, NAT_UDP, H1, ep_port(Y1, 100), AT_S(1));
	lab_open(lab, NAT_UDP, ep_port(H1, 5001), Y2, AT_S(1));
	assert_int_equal(lab->nat.sessions.arena.live, 4);
}

/* Also by those outside, where they may open them: nobody fills the table through one mapping. */
static void test_rfc6888_req5_strangers_cannot_fill_the_table(void **state)
{
	struct lab *lab = *state;
	struct endpoint external;

	lab_set(lab, "nat.max-sessions-per-mapping", "10");
	lab_set(lab, "tcp.filtering", "eif");
	external = lab_open(lab, NAT_TCP, H1, Y1, AT_S(0));
	for (unsigned int i = 0; i < 300; i++)
		lab_in(lab, wire_tcp(ep_port(Y2, 1000 + i), external, WIRE_SYN), AT_S(1));
	assert_int_equal(lab->nat.sessions.arena.live, 10);
	lab_open(lab, NAT_TCP, H2, Y1, AT_S(1));
}

static void test_rfc6888_req5_sessions_of_a_subscriber_are_limited(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "nat.max-sessions-per-host", "5");
	for (unsigned int i = 0; i < 5; i++)
		lab_open(lab, (enum nat_protocol)(i % 3), H1, i % 2 ? Y1 : Y2, AT_S(0));
	assert_dropped(try_open(lab, NAT_UDP, H1, ep_port(Y1, 9), AT_S(0)), REASON_HOST_QUOTA);
	assert_dropped(try_open(lab, NAT_TCP, ep_port(H1, 9), Y1, AT_S(0)), REASON_HOST_QUOTA);
	lab_open(lab, NAT_UDP, H2, Y1, AT_S(0));
	lab_set(lab, "nat.max-sessions-per-host", "0");
	lab_set(lab, "udp.max-sessions-per-host", "3");
	lab_open(lab, NAT_TCP, ep_port(H1, 9), Y1, AT_S(0));
	lab_open(lab, NAT_UDP, H1, ep_port(Y1, 9), AT_S(0));
	assert_dropped(try_open(lab, NAT_UDP, H1, ep_port(Y1, 10), AT_S(0)), REASON_HOST_QUOTA);
}

/* --- 6: no translation ---------------------------------------------------------------------- */

static void test_rfc6888_req6_given_destinations_are_not_translated(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "nat.exempt", "203.0.113.11, 198.51.100.0/24:53");
	for (enum nat_protocol p = NAT_UDP; p <= NAT_ICMP; p++) {
		struct nat_outcome outcome = try_open(lab, p, H1, Y2, AT_S(0));

		assert_int_equal(outcome.verdict, NAT_PASS);
		assert_reason(outcome, REASON_EXEMPT);
		/* The answers are addressed to the host itself. */
		outcome = lab_in(lab, rfc_answer(p, Y2, H1), AT_S(0));
		assert_int_equal(outcome.verdict, NAT_PASS);
		assert_reason(outcome, REASON_EXEMPT);
	}
	assert_int_equal(try_open(lab, NAT_UDP, H1, ep("198.51.100.7:53"), AT_S(0)).verdict,
			 NAT_PASS);
	assert_int_equal(lab->nat.mappings.arena.live, 0);
	/* Everything else is, as always. */
	lab_open(lab, NAT_UDP, H1, ep("198.51.100.7:54"), AT_S(0));
	lab_open(lab, NAT_UDP, H1, ep("198.51.101.7:53"), AT_S(0));
	lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	assert_dropped(lab_in(lab, wire_udp(Y1, H1), AT_S(0)), REASON_NOT_OURS);
}

static void test_rfc6888_req6_everything_is_translated_by_default(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p <= NAT_ICMP; p++)
		lab_open(lab, p, H1, Y2, AT_S(0));
}

/* --- 7: filtering --------------------------------------------------------------------------- */

static void test_rfc6888_req7_filtering_is_open_for_carriers(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p <= NAT_ICMP; p++) {
		struct endpoint external = lab_open(lab, p, H1, Y1, AT_S(0));

		assert_true(lab_comes_in(lab, p, Y2, external, H1, AT_S(1)));
		assert_true(lab_comes_in(lab, p, Y1_Q, external, H1, AT_S(1)));
	}
}

static void test_rfc6888_req7_it_may_depend_on_the_address(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p <= NAT_ICMP; p++) {
		struct endpoint external;

		rfc_set(lab, p, "filtering", "adf");
		external = lab_open(lab, p, H1, Y1, AT_S(0));
		assert_false(lab_comes_in(lab, p, Y2, external, H1, AT_S(1)));
		assert_true(lab_comes_in(lab, p, Y1_Q, external, H1, AT_S(1)));
	}
}

/* --- 8: ports rest -------------------------------------------------------------------------- */

/* One port for all: who gets it when? */
static int one_port_setup(void **state)
{
	const char *const knobs[] = { "udp.port-range",
				      "40000-40000",
				      "tcp.port-range",
				      "40000-40000",
				      "udp.port-reuse-delay",
				      "120s",
				      "tcp.port-reuse-delay",
				      "120s",
				      "udp.filtering",
				      "eif",
				      "tcp.filtering",
				      "eif",
				      NULL };

	*state = lab_open_with(knobs);
	return 0;
}

#define one_port_test(f) cmocka_unit_test_setup_teardown(f, one_port_setup, lab_teardown)

/* The port of H1's mapping, which is over at @end: has it a new owner a millisecond before @free,
 * and at @free? */
static void assert_rests_until(struct lab *lab, enum nat_protocol protocol, int64_t end_ms,
			       int64_t free_ms)
{
	nat_tick(&lab->nat, AT_MS(end_ms), 100);
	assert_int_equal(lab->nat.mappings.arena.live, 0);
	if (free_ms > end_ms) {
		nat_tick(&lab->nat, AT_MS(free_ms - 1), 100);
		assert_dropped(try_open(lab, protocol, H2, Y1, AT_MS(free_ms - 1)),
			       REASON_PORTS_EXHAUSTED);
	}
	nat_tick(&lab->nat, AT_MS(free_ms), 100);
	assert_int_equal(lab_open(lab, protocol, H2, Y1, AT_MS(free_ms)).port, 40000);
}

static void test_rfc6888_req8_a_port_rests_for_two_minutes(void **state)
{
	struct lab *lab = *state;

	lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	assert_rests_until(lab, NAT_UDP, 300000, 420000);
}

/* Whoever had it may have it no sooner than anybody else, nor does it matter that no timer ran. */
static void test_rfc6888_req8_its_last_owner_waits_too(void **state)
{
	struct lab *lab = *state;

	lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	assert_dropped(try_open(lab, NAT_UDP, H1, Y1, AT_S(300)), REASON_PORTS_EXHAUSTED);
	assert_dropped(try_open(lab, NAT_UDP, H1, Y1, AT_S(419)), REASON_PORTS_EXHAUSTED);
	lab_open(lab, NAT_UDP, H1, Y1, AT_S(420));
}

static void test_rfc6888_req8_carriers_have_it_so(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "nat.blocks", "off");
	lab_set(lab, "udp.port-range", "40000-40000");
	lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	assert_rests_until(lab, NAT_UDP, 300000, 420000);
}

/* Not so by default, for a home router has few ports in use. */
static void test_rfc6888_req8_without_a_delay_it_is_free_at_once(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "udp.port-reuse-delay", "0s");
	assert_string_equal(option_spec(OPT_UDP_PORT_REUSE_DELAY)->initial, "0s");
	lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	assert_rests_until(lab, NAT_UDP, 300000, 300000);
}

/* A connection from H1 that both sides close at @now. */
static void closed_connection(struct lab *lab, struct mono now)
{
	struct endpoint external = lab_open(lab, NAT_TCP, H1, Y1, now);

	lab_in(lab, wire_tcp(Y1, external, WIRE_SYN | WIRE_ACK), now);
	lab_out(lab, wire_tcp(H1, Y1, WIRE_ACK), now);
	lab_out(lab, wire_tcp(H1, Y1, WIRE_FIN | WIRE_ACK), now);
	lab_in(lab, wire_tcp(Y1, external, WIRE_FIN | WIRE_ACK), now);
}

static void test_rfc6888_req8a_not_after_a_connection_that_was_closed(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "tcp.reuse-tracked", "on");
	closed_connection(lab, AT_S(0));
	assert_rests_until(lab, NAT_TCP, 240000, 240000);
}

/* But after one that was only forgotten: its ends may think it is still open. */
static void test_rfc6888_req8a_but_after_one_that_was_forgotten(void **state)
{
	struct lab *lab = *state;
	struct endpoint external;

	lab_set(lab, "tcp.reuse-tracked", "on");
	external = lab_open(lab, NAT_TCP, H1, Y1, AT_S(0));
	lab_in(lab, wire_tcp(Y1, external, WIRE_SYN | WIRE_ACK), AT_S(0));
	assert_rests_until(lab, NAT_TCP, 7440000, 7560000);
}

static void test_rfc6888_req8a_the_exception_is_off_by_default(void **state)
{
	struct lab *lab = *state;

	closed_connection(lab, AT_S(0));
	assert_rests_until(lab, NAT_TCP, 240000, 360000);
}

static void test_rfc6888_req8b_not_where_ports_are_assigned_for_good(void **state)
{
	static const char *const values[] = { "off", "on" };

	for (unsigned int i = 0; i < 2; i++) {
		const char *const knobs[] = { "nat.blocks",
					      "deterministic",
					      "nat.internal",
					      "192.168.1.0/24",
					      "udp.port-reuse-delay",
					      "120s",
					      "udp.filtering",
					      "eif",
					      "nat.reuse-static",
					      values[i],
					      NULL };
		struct lab *lab = lab_open_with(knobs);
		unsigned int count = 0;
		void *own = lab;

		/* The 252 ports of its block, used once, and again when all are over. */
		lab_set(lab, "nat.max-sessions", "1000");
		lab_set(lab, "nat.max-mappings", "1000");
		for (unsigned int k = 0; k < 252; k++)
			lab_open(lab, NAT_UDP, ep_port(H1, 2000 + k), Y1, AT_S(0));
		nat_tick(&lab->nat, AT_S(300), 1000);
		for (unsigned int k = 0; k < 252; k++)
			count += try_open(lab, NAT_UDP, ep_port(H1, 2000 + k), Y1, AT_S(300))
					 .verdict == NAT_REWRITTEN;
		assert_int_equal(count, i == 0 ? 0 : 252);
		lab_teardown(&own);
	}
	(void)state;
}

static void test_rfc6888_req8c_not_where_the_filter_was_strict(void **state)
{
	static const struct {
		const char *filtering, *exception;
		int64_t free_ms;
	} cases[] = {
		{ "apdf", "on", 300000 },  { "adf", "on", 300000 },  { "eif", "on", 420000 },
		{ "apdf", "off", 420000 }, { "adf", "off", 420000 },
	};

	for (unsigned int i = 0; i < 5; i++) {
		void *own;

		one_port_setup(&own);
		lab_set(own, "udp.filtering", cases[i].filtering);
		lab_set(own, "nat.reuse-filtered", cases[i].exception);
		lab_open(own, NAT_UDP, H1, Y1, AT_S(0));
		assert_rests_until(own, NAT_UDP, 300000, cases[i].free_ms);
		lab_teardown(&own);
	}
	(void)state;
}

static void test_rfc6888_req8d_how_long_is_a_knob(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "udp.port-reuse-delay", "30s");
	lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	assert_rests_until(lab, NAT_UDP, 300000, 330000);
}

/* Beyond it, the one that has rested longest is free before its time. */
static void test_rfc6888_req8d_how_many_is_a_knob(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "nat.max-resting-ports", "5");
	lab_set(lab, "udp.port-range", "40000-40007");
	lab_set(lab, "udp.ports", "sequential");
	for (unsigned int i = 0; i < 8; i++)
		lab_open(lab, NAT_UDP, ep_port(H1, 6000 + i), Y1, AT_S(i));
	nat_tick(&lab->nat, AT_S(310), 100);
	assert_int_equal(lab->nat.mappings.arena.live, 0);
	/* Eight are over, and five of them rest: the first three are free. */
	assert_int_equal(lab_open(lab, NAT_UDP, ep_port(H2, 5001), Y1, AT_S(310)).port, 40000);
	assert_int_equal(lab_open(lab, NAT_UDP, ep_port(H2, 5002), Y1, AT_S(310)).port, 40001);
	assert_int_equal(lab_open(lab, NAT_UDP, ep_port(H2, 5003), Y1, AT_S(310)).port, 40002);
	assert_dropped(try_open(lab, NAT_UDP, ep_port(H2, 5004), Y1, AT_S(310)),
		       REASON_PORTS_EXHAUSTED);
}

/* --- 9: subscribers control their mappings -------------------------------------------------- */

static struct ask ask_for(enum nat_protocol protocol, struct endpoint internal, uint32_t lifetime)
{
	struct ask a = ask_map(internal);

	a.protocol = protocol == NAT_UDP ? ASK_UDP : ASK_TCP;
	a.lifetime = lifetime;
	return a;
}

static void test_rfc6888_req9_a_host_that_asks_can_be_reached_from_outside(void **state)
{
	static const char *const filters[] = { "eif", "adf", "apdf" };
	struct lab *lab = *state;
	int64_t s = 0;

	for (enum nat_protocol p = NAT_UDP; p <= NAT_TCP; p++)
		for (unsigned int i = 0; i < 3; i++, s += 3600) {
			struct endpoint own = ep_port(H1, 6000 + i), external;

			rfc_set(lab, p, "filtering", filters[i]);
			external = ask_granted(lab, ask_for(p, own, 3600), AT_S(s));
			assert_true(nat_is_external(&lab->nat, &external.addr));
			assert_true(lab_comes_in(lab, p, Y1, external, own, AT_S(s)));
			assert_true(lab_comes_in(lab, p, Y2, external, own, AT_S(s + 3599)));
		}
}

static void test_rfc6888_req9_what_is_granted_does_not_depend_on_the_remote(void **state)
{
	static const char *const behaviors[] = { "eim", "adm", "apdm" };
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p <= NAT_TCP; p++)
		for (unsigned int i = 0; i < 3; i++) {
			struct endpoint own = ep_port(H1, 6000 + i), external;

			rfc_set(lab, p, "mapping", behaviors[i]);
			external = ask_granted(lab, ask_for(p, own, 3600), AT_S(0));
			assert_same_endpoint(lab_open(lab, p, own, Y1, AT_S(0)), external);
			assert_same_endpoint(lab_open(lab, p, own, Y2, AT_S(0)), external);
		}
}

static void test_rfc6888_req9_renewal_keeps_the_mapping(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = ask_granted(lab, ask_for(NAT_UDP, H1, 600), AT_S(0));

	for (unsigned int s = 300; s < 6000; s += 300)
		assert_same_endpoint(ask_granted(lab, ask_for(NAT_UDP, H1, 600), AT_S(s)),
				     external);
	assert_true(lab_comes_in(lab, NAT_UDP, Y1, external, H1, AT_S(6299)));
}

static void test_rfc6888_req9_what_is_not_renewed_ends(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = ask_granted(lab, ask_for(NAT_UDP, H1, 600), AT_S(0));

	assert_true(lab_comes_in(lab, NAT_UDP, Y1, external, H1, AT_MS(599999)));
	external = ask_granted(lab, ask_for(NAT_UDP, H2, 600), AT_S(600));
	assert_false(lab_comes_in(lab, NAT_UDP, Y1, external, H2, AT_S(1200)));
}

static void test_rfc6888_req9_a_host_ends_what_it_asked_for(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = ask_granted(lab, ask_for(NAT_UDP, H1, 600), AT_S(0));

	assert_int_equal(ask(lab, ask_for(NAT_UDP, H1, 0), AT_S(1)).result, 0);
	assert_false(lab_comes_in(lab, NAT_UDP, Y1, external, H1, AT_S(1)));
}

static void test_rfc6888_req9_nobody_controls_the_mapping_of_another(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = ask_granted(lab, ask_for(NAT_UDP, H1, 600), AT_S(0)), other;
	struct ask a = ask_for(NAT_UDP, H1, 0);

	/* In his name from elsewhere, in his name without his nonce, his port for oneself. */
	assert_int_not_equal(ask_bytes(lab, H2, ask_wire(a), AT_S(1)).result, 0);
	a.nonce++;
	assert_int_not_equal(ask(lab, a, AT_S(1)).result, 0);
	a = ask_for(NAT_UDP, H2, 600);
	a.external = external;
	other = ask_granted(lab, a, AT_S(1));
	assert_false(endpoint_equal(&other, &external));
	assert_true(lab_comes_in(lab, NAT_UDP, Y1, external, H1, AT_S(599)));
}

static void test_rfc6888_req9_carriers_limit_what_can_be_asked_for(void **state)
{
	struct lab *lab = *state;
	unsigned int granted = 0;

	lab_set(lab, "nat.max-mappings-per-host", "5");
	for (unsigned int i = 0; i < 20; i++)
		granted +=
			ask(lab, ask_for(NAT_UDP, ep_port(H1, 6000 + i), 600), AT_S(0)).result == 0;
	assert_int_equal(granted, 5);
	ask_granted(lab, ask_for(NAT_UDP, H2, 600), AT_S(0));
}

static void test_rfc6888_req9_how_long_is_a_knob(void **state)
{
	struct lab *lab = *state;

	assert_int_equal(ask(lab, ask_for(NAT_UDP, H1, 1), AT_S(0)).lifetime, 120);
	assert_int_equal(ask(lab, ask_for(NAT_UDP, H1, 100000), AT_S(0)).lifetime, 86400);
	lab_set(lab, "pcp.min-lifetime", "10s");
	lab_set(lab, "pcp.max-lifetime", "1h");
	assert_int_equal(ask(lab, ask_for(NAT_UDP, H1, 1), AT_S(0)).lifetime, 10);
	assert_int_equal(ask(lab, ask_for(NAT_UDP, H1, 100000), AT_S(0)).lifetime, 3600);
}

static void test_rfc6888_req9_carriers_have_it_so(void **state)
{
	struct lab *lab = *state;

	assert_int_equal(lab->nat.options.pcp.server, SWITCH_ON);
}

/* Where there is nobody to be asked, what is there already is all that lets anybody in. */
static void test_rfc6888_req9_at_home_it_is_off(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));

	assert_int_equal(lab->nat.options.pcp.server, SWITCH_OFF);
	assert_false(lab_comes_in(lab, NAT_UDP, Y2, external, H1, AT_S(0)));
	assert_int_equal(lab->nat.leases.count, 0);
}

/* --- 11: nothing left ----------------------------------------------------------------------- */

/* Ways for a host to find no room: by the ports, by a quota, by each table. */
static const char *const limits[][3] = {
	{ "udp.port-range", "40000-40000", "ports-exhausted" },
	{ "nat.max-mappings-per-host", "1", "host-quota" },
	{ "nat.new-mappings-per-second", "1", "rate-quota" },
	{ "nat.max-mappings", "1", "mappings-full" },
	{ "nat.max-sessions", "1", "sessions-full" },
};

enum { LIMITS = sizeof(limits) / sizeof(limits[0]) };

/* A NAT with room for one flow by limit @n, and that one open. */
static struct lab *full_lab(unsigned int n, const char *on_full)
{
	const char *const knobs[] = { limits[n][0], limits[n][1], "nat.on-full", on_full, NULL };
	struct lab *lab = lab_open_with(knobs);

	if (strcmp(limits[n][0], "nat.max-sessions") == 0)
		lab_set(lab, "nat.max-mappings", "1");
	lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	return lab;
}

/* What H1's next flow gets to hear: the code of an ICMP 3, or -1. */
static int answer_when_full(struct lab *lab, unsigned int n)
{
	struct wire w = wire_udp(ep_port(H1, 5001), Y2), sent = wire_copy(w), error;
	struct nat_outcome outcome = lab_out(lab, w, AT_S(0));
	const struct output *output = nat_next_output(&lab->nat);

	assert_int_equal(outcome.verdict, NAT_DROPPED);
	if (strcmp(limits[n][0], "nat.max-sessions") !=
	    0) /* which the mapping finds full as well */
		assert_string_equal(reason_spec(outcome.reason)->name, limits[n][2]);
	assert_int_equal(lab->nat.mappings.arena.live, 1);
	if (output == NULL)
		return -1;
	error = wire_take(output->length);
	memcpy(error.at, output->data, output->length);
	assert_same_endpoint(wire_destination(error), ep_port(H1, 0));
	assert_int_equal(error.at[20], 3);
	assert_same_wire(wire_quote(error), sent);
	assert_null(nat_next_output(&lab->nat));
	return error.at[21];
}

static void test_rfc6888_req11a_the_packet_is_dropped(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < LIMITS; i++) {
		void *lab = full_lab(i, "drop");

		assert_int_equal(answer_when_full(lab, i), -1);
		lab_teardown(&lab);
	}
}

static void test_rfc6888_req11b_its_sender_is_told_that_the_host_is_unreachable(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < LIMITS; i++) {
		void *lab = full_lab(i, "icmp1");

		assert_int_equal(answer_when_full(lab, i), 1);
		lab_teardown(&lab);
	}
}

static void test_rfc6888_req11b_carriers_have_it_so(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "nat.max-mappings-per-host", "1");
	lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	assert_int_equal(answer_when_full(lab, 1), 1);
}

/* What RFC 5508 has instead; and the default here. */
static void test_rfc6888_req11b_or_that_it_is_prohibited(void **state)
{
	(void)state;
	assert_string_equal(option_spec(OPT_NAT_ON_FULL)->initial, "icmp13");
	for (unsigned int i = 0; i < LIMITS; i++) {
		void *lab = full_lab(i, "icmp13");

		assert_int_equal(answer_when_full(lab, i), 13);
		lab_teardown(&lab);
	}
}

static void test_rfc6888_req11c_the_operator_is_told_once(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < LIMITS; i++) {
		struct lab *lab = full_lab(i, "drop");
		void *own = lab;

		assert_int_equal(events_of(lab, EVENT_LIMIT_REACHED), 0);
		for (unsigned int k = 0; k < 100; k++)
			lab_out(lab, wire_udp(ep_port(H1, 5001 + k), Y2), AT_S(0));
		assert_int_equal(events_of(lab, EVENT_LIMIT_REACHED), 1);
		lab_teardown(&own);
	}
}

/* A condition that was over for a while is another one when it comes back. */
static void test_rfc6888_req11c_what_comes_back_is_told_again(void **state)
{
	struct lab *lab = full_lab(0, "drop");
	void *own = lab;

	for (int64_t t = 0; t <= 200; t += 50) {
		lab_out(lab, wire_udp(H2, Y2), AT_S(t));
		assert_int_equal(events_of(lab, EVENT_LIMIT_REACHED), 1);
	}
	lab_out(lab, wire_udp(H2, Y2), AT_S(261));
	assert_int_equal(events_of(lab, EVENT_LIMIT_REACHED), 2);
	lab_teardown(&own);
	(void)state;
}

/* Whoever flushes has made room: what is full after that is another condition. */
static void test_rfc6888_req11c_what_is_full_after_a_flush_is_told_again(void **state)
{
	const struct nat_selection all = { .mapping = NAT_NONE, .protocol = NAT_PROTOCOLS };
	struct lab *lab = *state;

	lab_set(lab, "udp.port-range", "40000-40001");
	for (unsigned int round = 1; round <= 3; round++) {
		for (unsigned int i = 0; i < 2; i++)
			lab_open(lab, NAT_UDP, ep_port(H1, 5000 + i), Y1, AT_S(round));
		for (unsigned int i = 2; i < 6; i++)
			assert_dropped(
				lab_out(lab, wire_udp(ep_port(H1, 5000 + i), Y1), AT_S(round)),
				REASON_PORTS_EXHAUSTED);
		assert_int_equal(events_of(lab, EVENT_LIMIT_REACHED), round);
		assert_int_equal(nat_flush(&lab->nat, &all, AT_S(round)), 2);
	}
}

/* Every condition: another subscriber that reaches its limit is news again. */
static void test_rfc6888_req11c_each_subscriber_is_told_of(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "nat.max-mappings-per-host", "2");
	for (unsigned int n = 0; n < 3; n++)
		open_all(lab, NAT_UDP, n, 5, AT_S(0));
	assert_int_equal(events_of(lab, EVENT_LIMIT_REACHED), 3);
}

/* The one that has been silent for longest, a millisecond before its end. */
static void test_rfc6888_req11d_nothing_makes_room(void **state)
{
	struct mono late = AT_MS(299999);

	(void)state;
	for (unsigned int i = 0; i < LIMITS; i++) {
		struct lab *lab = full_lab(i, "drop");
		void *own = lab;

		if (strcmp(limits[i][2], "rate-quota") == 0) {
			lab_teardown(&own); /* a limit that time alone lifts */
			continue;
		}
		for (unsigned int k = 0; k < 50; k++)
			assert_int_equal(
				lab_out(lab, wire_udp(ep_port(H1, 5001 + k), Y2), late).verdict,
				NAT_DROPPED);
		assert_int_equal(lab->nat.mappings.arena.live, 1);
		assert_rewritten(lab_out(lab, wire_udp(H1, Y1), late), REASON_TRANSLATED);
		lab_teardown(&own);
	}
}

/* --- 12, log: what is recorded -------------------------------------------------------------- */

/* All records there are after every kind of thing that makes one, as they stand in the log. */
static void test_rfc6888_req12_no_record_tells_a_destination(void **state)
{
	struct lab *lab = *state;
	const struct nat_event *event;
	unsigned int count = 0;

	lab_set(lab, "nat.max-mappings-per-host", "600");
	lab_set(lab, "nat.block-size", "16");
	for (unsigned int n = 0; n < 3; n++)
		open_all(lab, NAT_UDP, n, 100, AT_S(0));
	nat_tick(&lab->nat, AT_S(300), 1000);
	for (uint64_t n = 1; (event = event_from(&lab->nat.events, n)) != NULL;
	     n = event->number + 1, count++) {
		char text[EVENTS_TEXT_MAX];

		events_text(event, text);
		assert_null(strstr(text, "203.0.113.10"));
		assert_null(strstr(text, "7000"));
	}
	assert_true(count > 20);
	assert_int_equal(events_of(lab, EVENT_BLOCK_FREED), events_of(lab, EVENT_BLOCK_ALLOCATED));
	assert_true(events_of(lab, EVENT_LIMIT_REACHED) > 0);
}

static void test_rfc6888_log_a_record_tells_who_had_which_ports_and_when(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(7));
	const struct nat_event *event = event_from(&lab->nat.events, 1);
	char text[EVENTS_TEXT_MAX];

	assert_non_null(event);
	assert_int_equal(event->type, EVENT_BLOCK_ALLOCATED);
	assert_int_equal(event->at.ms, 7000);
	assert_same_endpoint(((struct endpoint){ event->internal, 0 }), ep_port(H1, 0));
	assert_true(addr_equal(&event->external.addr, &external.addr));
	assert_in_range(external.port, event->external.port, event->last);
	events_text(event, text);
	assert_non_null(strstr(text, "192.168.1.2"));
	assert_non_null(strstr(text, "203.0.113.1:"));
	nat_tick(&lab->nat, AT_S(307), 100);
	event = event_from(&lab->nat.events, 2);
	assert_non_null(event);
	assert_int_equal(event->type, EVENT_BLOCK_FREED);
	assert_int_equal(event->at.ms, 307000);
	assert_same_endpoint(((struct endpoint){ event->internal, 0 }), ep_port(H1, 0));
	events_text(event, text);
	assert_non_null(strstr(text, "192.168.1.2"));
}

/* --- 13, 14, 15: allocation ----------------------------------------------------------------- */

static void test_rfc6888_req13_nearly_every_port_can_be_used(void **state)
{
	static const char *const ways[] = { "random", "preserve", "sequential", "contiguous" };

	(void)state;
	for (unsigned int way = 0; way < 4; way++) {
		const char *const knobs[] = {
			"nat.max-mappings", "70000", "nat.max-sessions", "70000", "udp.ports",
			ways[way],	    NULL
		};
		struct lab *lab = lab_open_with(knobs);
		void *own = lab;
		struct endpoint external;
		unsigned int count = 0;

		for (unsigned int i = 0; i < 65536; i++) {
			count += opens(lab, host(i / 1000, 1024 + i % 1000), &external);
			if (i % 1000 == 0)
				wire_free_all();
		}
		assert_in_range(count, 65536 * 95 / 100, 65535);
		assert_int_equal(lab->nat.mappings.arena.live, count);
		assert_consistent(&lab->nat);
		lab_teardown(&own);
	}
}

static void test_rfc6888_req14_one_record_for_a_block_of_ports(void **state)
{
	struct lab *lab = *state;
	struct endpoint first;

	lab_set(lab, "nat.block-size", "64");
	first = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	for (unsigned int i = 1; i < 64; i++) {
		struct endpoint next = lab_open(lab, NAT_UDP, ep_port(H1, 6000 + i), Y1, AT_S(0));

		assert_int_equal((next.port - 1024) / 64, (first.port - 1024) / 64);
	}
	assert_int_equal(events_of(lab, EVENT_BLOCK_ALLOCATED), 1);
	assert_int_not_equal((lab_open(lab, NAT_UDP, ep_port(H1, 7000), Y1, AT_S(0)).port - 1024) /
				     64,
			     (first.port - 1024) / 64);
	assert_int_equal(events_of(lab, EVENT_BLOCK_ALLOCATED), 2);
	/* Nobody else gets a port of them. */
	for (unsigned int i = 0; i < 40; i++) {
		struct endpoint next = lab_open(lab, NAT_UDP, ep_port(H2, 6000 + i), Y1, AT_S(0));

		assert_int_not_equal((next.port - 1024) / 64, (first.port - 1024) / 64);
	}
	assert_int_equal(events_of(lab, EVENT_BLOCK_ALLOCATED), 3);
	/* A block goes back when its host has nothing open any more. */
	nat_tick(&lab->nat, AT_S(300), 1000);
	assert_int_equal(events_of(lab, EVENT_BLOCK_FREED), 3);
}

static void test_rfc6888_req14_without_blocks_nothing_is_recorded(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "nat.blocks", "off");
	open_all(lab, NAT_UDP, 1, 100, AT_S(0));
	assert_int_equal(lab->nat.events.count, 0);
}

/* Every port of the block is as likely to be the first, and the next tells nothing of the one after. */
static void test_rfc6888_req15_ports_are_hard_to_guess_inside_a_block(void **state)
{
	struct lab *lab = *state;
	unsigned int bins[8] = { 0 }, blocks[6] = { 0 }, neighbours = 0;

	for (unsigned int n = 0; n < 800; n++) {
		struct wire a = wire_udp(host(n, 5000), Y1), b = wire_udp(host(n, 5001), Y1);
		struct nat_outcome first = lab_out(lab, a, AT_S(0)),
				   second = lab_out(lab, b, AT_S(0));
		unsigned int port = wire_source(a).port, next = wire_source(b).port;

		assert_int_equal((port - 1024) / 512, (next - 1024) / 512);
		bins[(port - 1024) % 512 / 64]++;
		blocks[(port - 1024) / 512 / 21]++;
		neighbours += next == port + 1;
		lifetime_remove_mapping(&lab->nat, first.mapping, CAUSE_FLUSHED);
		lifetime_remove_mapping(&lab->nat, second.mapping, CAUSE_FLUSHED);
		wire_free_all();
	}
	for (unsigned int i = 0; i < 8; i++)
		assert_in_range(bins[i], 65, 140);
	for (unsigned int i = 0; i < 6; i++)
		assert_in_range(blocks[i], 95, 175); /* nor is it foretold which block it is */
	assert_in_range(neighbours, 0, 8);
}

static void test_rfc6888_req15_ports_are_hard_to_guess_in_the_pool(void **state)
{
	struct lab *lab = *state;
	unsigned int bins[8] = { 0 }, neighbours = 0;
	uint16_t before = 0;

	for (unsigned int i = 0; i < 190; i++) {
		uint16_t port = lab_open(lab, NAT_UDP, host(1, 2000 + i), Y1, AT_S(0)).port;

		bins[(port - 1024) / 8064]++;
		neighbours += port == before + 1;
		before = port;
	}
	for (unsigned int i = 0; i < 8; i++)
		assert_in_range(bins[i], 8, 45);
	assert_in_range(neighbours, 0, 1);
}

/* A NAT whose next port everybody knows. */
static void test_rfc6888_req15_sequential_ports_are_a_knob(void **state)
{
	struct lab *lab = *state;
	uint16_t before;

	lab_set(lab, "udp.ports", "sequential");
	before = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0)).port;
	for (unsigned int i = 0; i < 50; i++, before++)
		assert_int_equal(lab_open(lab, NAT_UDP, host(1, 2000 + i), Y1, AT_S(0)).port,
				 before + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		carrier_test(test_rfc6888_req1_mapping_does_not_depend_on_the_remote),
		carrier_test(test_rfc6888_req1_timers_are_those_of_the_rfcs),
		carrier_test(test_rfc6888_req1_subscribers_reach_each_other),
		lab_test(test_rfc6888_req2_a_subscriber_has_one_address),
		lab_test(test_rfc6888_req2_it_keeps_it_while_it_has_mappings),
		lab_test(test_rfc6888_req3_the_pool_may_have_gaps),
		lab_test(test_rfc6888_req3_the_pool_may_be_large),
		lab_test(test_rfc6888_req4_ports_of_a_subscriber_are_limited),
		lab_test(test_rfc6888_req4_there_is_no_limit_by_default),
		lab_test(test_rfc6888_req4a_the_limit_is_a_knob),
		lab_test(test_rfc6888_req4b_each_protocol_has_a_limit_of_its_own),
		lab_test(test_rfc6888_req4c_so_many_new_mappings_a_second),
		lab_test(test_rfc6888_req4c_each_protocol_has_a_rate_of_its_own),
		lab_test(test_rfc6888_req5_sessions_of_a_mapping_are_limited),
		lab_test(test_rfc6888_req5_strangers_cannot_fill_the_table),
		lab_test(test_rfc6888_req5_sessions_of_a_subscriber_are_limited),
		lab_test(test_rfc6888_req6_given_destinations_are_not_translated),
		lab_test(test_rfc6888_req6_everything_is_translated_by_default),
		carrier_test(test_rfc6888_req7_filtering_is_open_for_carriers),
		lab_test(test_rfc6888_req7_it_may_depend_on_the_address),
		one_port_test(test_rfc6888_req8_a_port_rests_for_two_minutes),
		one_port_test(test_rfc6888_req8_its_last_owner_waits_too),
		carrier_test(test_rfc6888_req8_carriers_have_it_so),
		one_port_test(test_rfc6888_req8_without_a_delay_it_is_free_at_once),
		one_port_test(test_rfc6888_req8a_not_after_a_connection_that_was_closed),
		one_port_test(test_rfc6888_req8a_but_after_one_that_was_forgotten),
		one_port_test(test_rfc6888_req8a_the_exception_is_off_by_default),
		cmocka_unit_test(test_rfc6888_req8b_not_where_ports_are_assigned_for_good),
		cmocka_unit_test(test_rfc6888_req8c_not_where_the_filter_was_strict),
		one_port_test(test_rfc6888_req8d_how_long_is_a_knob),
		one_port_test(test_rfc6888_req8d_how_many_is_a_knob),
		lab_test(test_rfc6888_req9_a_host_that_asks_can_be_reached_from_outside),
		lab_test(test_rfc6888_req9_what_is_granted_does_not_depend_on_the_remote),
		lab_test(test_rfc6888_req9_renewal_keeps_the_mapping),
		lab_test(test_rfc6888_req9_what_is_not_renewed_ends),
		lab_test(test_rfc6888_req9_a_host_ends_what_it_asked_for),
		lab_test(test_rfc6888_req9_nobody_controls_the_mapping_of_another),
		carrier_test(test_rfc6888_req9_carriers_limit_what_can_be_asked_for),
		lab_test(test_rfc6888_req9_how_long_is_a_knob),
		carrier_test(test_rfc6888_req9_carriers_have_it_so),
		lab_test(test_rfc6888_req9_at_home_it_is_off),
		cmocka_unit_test(test_rfc6888_req11a_the_packet_is_dropped),
		cmocka_unit_test(
			test_rfc6888_req11b_its_sender_is_told_that_the_host_is_unreachable),
		carrier_test(test_rfc6888_req11b_carriers_have_it_so),
		cmocka_unit_test(test_rfc6888_req11b_or_that_it_is_prohibited),
		cmocka_unit_test(test_rfc6888_req11c_the_operator_is_told_once),
		cmocka_unit_test(test_rfc6888_req11c_what_comes_back_is_told_again),
		lab_test(test_rfc6888_req11c_what_is_full_after_a_flush_is_told_again),
		lab_test(test_rfc6888_req11c_each_subscriber_is_told_of),
		cmocka_unit_test(test_rfc6888_req11d_nothing_makes_room),
		carrier_test(test_rfc6888_req12_no_record_tells_a_destination),
		carrier_test(test_rfc6888_log_a_record_tells_who_had_which_ports_and_when),
		cmocka_unit_test(test_rfc6888_req13_nearly_every_port_can_be_used),
		carrier_test(test_rfc6888_req14_one_record_for_a_block_of_ports),
		carrier_test(test_rfc6888_req14_without_blocks_nothing_is_recorded),
		carrier_test(test_rfc6888_req15_ports_are_hard_to_guess_inside_a_block),
		lab_test(test_rfc6888_req15_ports_are_hard_to_guess_in_the_pool),
		lab_test(test_rfc6888_req15_sequential_ports_are_a_knob),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
