/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Timers at one millisecond before and at the boundary, and what restarts them. */
#include "tests/unit/lab.h"

/* Is there a session of @outcome's mapping with Y1 left at @now? Asked from outside. */
static bool alive(struct lab *lab, enum nat_protocol protocol, struct endpoint external,
		  struct mono now)
{
	struct wire w = protocol == NAT_TCP ? wire_tcp(Y1, external, WIRE_ACK)
					    : lab_probe(protocol, Y1, external);

	return lab_in(lab, w, now).verdict == NAT_REWRITTEN;
}

/* Walk a TCP session to ESTABLISHED at @now. */
static struct endpoint tcp_established(struct lab *lab, struct mono now)
{
	struct endpoint external = lab_open(lab, NAT_TCP, H1, Y1, now);

	lab_in(lab, wire_tcp(Y1, external, WIRE_SYN | WIRE_ACK), now);
	lab_out(lab, wire_tcp(H1, Y1, WIRE_ACK), now);
	return external;
}

/* --- how long ------------------------------------------------------------------------------- */

static void test_rfc4787_req5_idle_udp_mapping_outlives_two_minutes(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));

	assert_true(alive(lab, NAT_UDP, external, AT_S(120)));
}

static void test_rfc4787_req5c_udp_lasts_five_minutes_by_default(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));

	assert_true(alive(lab, NAT_UDP, external, AT_MS(299999)));
	assert_false(alive(lab, NAT_UDP, external, AT_S(300)));
	assert_int_equal(lab->nat.mappings.arena.live, 0);
}

static void test_rfc4787_req5b_udp_timeout_is_a_knob(void **state)
{
	struct lab *lab = *state;
	struct endpoint external;

	lab_set(lab, "udp.timeout", "200s");
	external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	assert_true(alive(lab, NAT_UDP, external, AT_MS(199999)));
	assert_false(alive(lab, NAT_UDP, external, AT_S(200)));
}

static void test_timeout_changed_while_running_counts_for_what_is_there(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));

	lab_set(lab, "udp.timeout", "1000s");
	assert_true(alive(lab, NAT_UDP, external, AT_MS(999999)));
	lab_set(lab, "udp.timeout", "10s");
	assert_false(alive(lab, NAT_UDP, external, AT_MS(999999)));
}

static void test_rfc5508_req2_icmp_query_lasts_sixty_seconds(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_open(lab, NAT_ICMP, H1, Y1, AT_S(0));

	assert_true(alive(lab, NAT_ICMP, external, AT_MS(59999)));
	assert_false(alive(lab, NAT_ICMP, external, AT_S(60)));
}

static void test_rfc5382_req5_established_tcp_lasts_two_hours_four_minutes(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = tcp_established(lab, AT_S(0));
	struct wire w = wire_tcp(H1, Y1, WIRE_ACK);

	assert_rewritten(lab_out(lab, w, AT_MS(7439999)), REASON_TRANSLATED);
	assert_true(alive(lab, NAT_TCP, external, AT_MS(2 * 7440000LL - 2)));
	assert_false(alive(lab, NAT_TCP, external, AT_MS(3 * 7440000LL - 2)));
}

static void test_rfc5382_req5t_half_open_tcp_lasts_four_minutes(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_open(lab, NAT_TCP, H1, Y1, AT_S(0));
	struct wire w = wire_tcp(Y1, external, WIRE_SYN | WIRE_ACK);

	assert_rewritten(lab_in(lab, w, AT_MS(239999)), REASON_TRANSLATED);
	/* and that established it */
	assert_true(alive(lab, NAT_TCP, external, AT_S(240)));
	assert_true(alive(lab, NAT_TCP, external, AT_S(7440)));
}

static void test_rfc5382_req5t_unanswered_syn_is_forgotten_after_four_minutes(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_open(lab, NAT_TCP, H1, Y1, AT_S(0));
	struct wire w = wire_tcp(Y1, external, WIRE_SYN | WIRE_ACK);

	assert_dropped(lab_in(lab, w, AT_S(240)), REASON_NO_MAPPING);
}

static void test_syn_again_restarts_the_four_minutes(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_open(lab, NAT_TCP, H1, Y1, AT_S(0));

	assert_same_endpoint(lab_open(lab, NAT_TCP, H1, Y1, AT_S(100)), external);
	assert_true(alive(lab, NAT_TCP, external, AT_MS(339999)));
	assert_false(alive(lab, NAT_TCP, external, AT_S(340)));
}

/* Anything but a SYN proves nothing about the other side (and could go on for ever). */
static void test_other_segments_do_not_restart_an_opening(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_open(lab, NAT_TCP, H1, Y1, AT_S(0));

	assert_rewritten(lab_out(lab, wire_tcp(H1, Y1, WIRE_ACK), AT_S(100)), REASON_TRANSLATED);
	assert_false(alive(lab, NAT_TCP, external, AT_S(240)));
}

static void test_rfc5382_req5ph_half_closed_tcp_keeps_the_long_timer(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = tcp_established(lab, AT_S(0));

	lab_out(lab, wire_tcp(H1, Y1, WIRE_FIN | WIRE_ACK), AT_S(1));
	for (int64_t t = 7400; t < 50000; t += 7400)
		assert_true(alive(lab, NAT_TCP, external, AT_S(t)));
	assert_false(alive(lab, NAT_TCP, external, AT_S(6 * 7400 + 7440)));
}

static void test_fin_itself_restarts_nothing(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = tcp_established(lab, AT_S(0));

	lab_out(lab, wire_tcp(H1, Y1, WIRE_FIN | WIRE_ACK), AT_S(1000));
	assert_false(alive(lab, NAT_TCP, external, AT_S(7440)));
}

static void test_closed_tcp_lasts_four_minutes_whatever_comes(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = tcp_established(lab, AT_S(0));

	lab_out(lab, wire_tcp(H1, Y1, WIRE_FIN | WIRE_ACK), AT_S(1));
	lab_in(lab, wire_tcp(Y1, external, WIRE_FIN | WIRE_ACK), AT_S(2));
	for (int t = 10; t < 240; t += 10)
		assert_true(alive(lab, NAT_TCP, external, AT_S(t)));
	assert_true(alive(lab, NAT_TCP, external, AT_MS(241999)));
	assert_false(alive(lab, NAT_TCP, external, AT_S(242)));
}

static void test_rfc7857_req2d_reset_leaves_four_minutes(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = tcp_established(lab, AT_S(0));

	assert_rewritten(lab_in(lab, wire_tcp(Y1, external, WIRE_RST), AT_S(10)),
			 REASON_TRANSLATED);
	/* more resets do not prolong it */
	for (int t = 20; t < 250; t += 10)
		assert_rewritten(lab_out(lab, wire_tcp(H1, Y1, WIRE_RST), AT_S(t)),
				 REASON_TRANSLATED);
	assert_dropped(lab_out(lab, wire_tcp(H1, Y1, WIRE_ACK), AT_S(250)), REASON_TCP_NO_SESSION);
}

static void test_rfc7857_req2d_data_after_a_reset_revives_the_session(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = tcp_established(lab, AT_S(0));

	lab_in(lab, wire_tcp(Y1, external, WIRE_RST), AT_S(10));
	assert_rewritten(lab_out(lab, wire_tcp(H1, Y1, WIRE_ACK), AT_S(249)), REASON_TRANSLATED);
	assert_true(alive(lab, NAT_TCP, external, AT_S(249 + 7439)));
}

static void test_rfc7857_req2a_tcp_timeouts_are_knobs(void **state)
{
	struct lab *lab = *state;
	struct endpoint external;

	lab_set(lab, "tcp.timeout-transitory", "5s");
	lab_set(lab, "tcp.timeout-established", "50s");
	external = lab_open(lab, NAT_TCP, H1, Y1, AT_S(0));
	assert_false(alive(lab, NAT_TCP, external, AT_S(5)));
	external = tcp_established(lab, AT_S(10));
	assert_true(alive(lab, NAT_TCP, external, AT_MS(59999)));
	assert_false(alive(lab, NAT_TCP, external, AT_MS(109999)));
}

/* --- what restarts -------------------------------------------------------------------------- */

static void test_rfc4787_req6_outbound_refreshes(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));

	for (int t = 100; t <= 1800; t += 100)
		assert_same_endpoint(lab_open(lab, NAT_UDP, H1, Y1, AT_S(t)), external);
	assert_true(alive(lab, NAT_UDP, external, AT_MS(2099999)));
	assert_false(alive(lab, NAT_UDP, external, AT_S(2100)));
}

/* The default: inbound packets pass and prolong nothing. */
static void test_rfc4787_req6a_inbound_does_not_refresh_by_default(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));

	for (int t = 10; t < 300; t += 10)
		assert_true(alive(lab, NAT_UDP, external, AT_S(t)));
	assert_false(alive(lab, NAT_UDP, external, AT_S(300)));
}

static void test_rfc4787_req6a_inbound_refreshes_with_both(void **state)
{
	struct lab *lab = *state;
	struct endpoint external;

	lab_set(lab, "udp.refresh", "both");
	external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	for (int t = 100; t <= 1800; t += 100)
		assert_true(alive(lab, NAT_UDP, external, AT_S(t)));
	assert_same_endpoint(lab_open(lab, NAT_UDP, H1, Y1, AT_S(2000)), external);
	assert_true(alive(lab, NAT_UDP, external, AT_MS(2299999)));
}

static void test_refresh_inbound_alone_ignores_outbound(void **state)
{
	struct lab *lab = *state;
	struct endpoint external;

	lab_set(lab, "udp.refresh", "inbound");
	external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	assert_same_endpoint(lab_open(lab, NAT_UDP, H1, Y1, AT_S(299)), external);
	assert_false(alive(lab, NAT_UDP, external, AT_S(300)));
	external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(400));
	assert_true(alive(lab, NAT_UDP, external, AT_S(600)));
	assert_true(alive(lab, NAT_UDP, external, AT_MS(899999)));
	assert_false(alive(lab, NAT_UDP, external, AT_MS(1199999)));
}

/* A dropped packet refreshes nothing, whatever the knob. */
static void test_rfc7857_req7_filtered_packet_does_not_refresh(void **state)
{
	struct lab *lab = *state;
	struct endpoint external;

	lab_set(lab, "udp.refresh", "both");
	external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	for (int t = 10; t < 300; t += 10)
		assert_dropped(lab_in(lab, wire_udp(Y2, external), AT_S(t)), REASON_FILTERED);
	assert_false(alive(lab, NAT_UDP, external, AT_S(300)));
}

static void test_rfc7857_req7_admitted_packet_does_not_refresh_by_default(void **state)
{
	struct lab *lab = *state;
	struct endpoint external;

	lab_set(lab, "udp.filtering", "eif");
	external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	for (int t = 10; t < 300; t += 10)
		assert_rewritten(lab_in(lab, wire_udp(Y2, external), AT_S(t)), REASON_ADMITTED);
	assert_dropped(lab_in(lab, wire_udp(Y2, external), AT_S(300)), REASON_NO_MAPPING);
}

static void test_rfc7857_req7o_reset_that_answers_a_probe_does_not_refresh(void **state)
{
	struct lab *lab = *state;
	struct endpoint external;

	lab_set(lab, "tcp.filtering", "eif");
	external = lab_open(lab, NAT_TCP, H1, Y1, AT_S(0));
	lab_in(lab, wire_tcp(Y2, external, WIRE_SYN), AT_S(1));
	for (int t = 10; t < 240; t += 10)
		lab_out(lab, wire_tcp(H1, Y2, WIRE_RST | WIRE_ACK), AT_S(t));
	assert_false(alive(lab, NAT_TCP, external, AT_S(241)));
	assert_int_equal(lab->nat.mappings.arena.live, 0);
}

/* Trap 32: the mapping lives as long as its longest session. */
static void test_mapping_lives_as_long_as_its_longest_session(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));

	assert_same_endpoint(lab_open(lab, NAT_UDP, H1, Y2, AT_S(200)), external);
	assert_false(alive(lab, NAT_UDP, external, AT_S(300)));
	assert_same_endpoint(lab_open(lab, NAT_UDP, H1, Y1_Q, AT_S(499)), external);
	assert_int_equal(lab->nat.sessions.arena.live, 2);
	assert_same_endpoint(lab_open(lab, NAT_UDP, H1, Y1_Q, AT_S(700)), external);
	assert_int_not_equal(lab_open(lab, NAT_UDP, H1, Y1, AT_S(1000)).port, external.port);
}

static void test_expired_session_starts_anew_with_a_new_port(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p < NAT_OTHER; p++) {
		struct endpoint before = lab_open(lab, p, H1, Y1, AT_S(0));
		struct wire w = lab_request(p, H1, Y1);

		assert_rewritten(lab_out(lab, w, AT_S(300)), REASON_MAPPING_CREATED);
		assert_int_not_equal(wire_source(w).port, before.port);
		assert_int_equal(lab->nat.mappings.arena.live, p + 1);
	}
}

/* --- the sweep ------------------------------------------------------------------------------ */

static void test_tick_frees_what_is_due_and_says_when_to_come_again(void **state)
{
	struct lab *lab = *state;

	assert_int_equal(nat_tick(&lab->nat, AT_S(0), 100).ms, INT64_MAX);
	lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	lab_open(lab, NAT_ICMP, H1, Y1, AT_S(10));
	lab_open(lab, NAT_TCP, H1, Y1, AT_S(20));
	assert_int_equal(nat_tick(&lab->nat, AT_S(20), 100).ms, 70000);
	assert_int_equal(nat_tick(&lab->nat, AT_MS(69999), 100).ms, 70000);
	assert_int_equal(lab->nat.sessions.arena.live, 3);
	assert_int_equal(nat_tick(&lab->nat, AT_S(70), 100).ms, 260000);
	assert_int_equal(lab->nat.sessions.arena.live, 2);
	assert_int_equal(nat_tick(&lab->nat, AT_S(260), 100).ms, 300000);
	assert_int_equal(nat_tick(&lab->nat, AT_S(300), 100).ms, INT64_MAX);
	assert_int_equal(lab->nat.sessions.arena.live, 0);
	assert_int_equal(lab->nat.mappings.arena.live, 0);
	assert_consistent(&lab->nat);
}

static void test_tick_works_no_more_than_its_budget(void **state)
{
	struct lab *lab = *state;

	for (unsigned int i = 0; i < 30; i++)
		lab_open(lab, NAT_UDP, ep_port(H1, 5000 + i), Y1, AT_S(0));
	assert_int_equal(nat_tick(&lab->nat, AT_S(400), 0).ms, 300000);
	assert_int_equal(lab->nat.sessions.arena.live, 30);
	assert_int_equal(nat_tick(&lab->nat, AT_S(400), 12).ms, 300000);
	assert_int_equal(lab->nat.sessions.arena.live, 18);
	assert_consistent(&lab->nat);
	assert_int_equal(nat_tick(&lab->nat, AT_S(400), 18).ms, INT64_MAX);
	assert_int_equal(lab->nat.sessions.arena.live, 0);
}

static void test_tick_gives_ports_back(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "udp.port-range", "4000-4000");
	for (int round = 0; round < 5; round++) {
		int start = round * 300;

		assert_int_equal(lab_open(lab, NAT_UDP, H1, Y1, AT_S(start)).port, 4000);
		nat_tick(&lab->nat, AT_S(start + 300), 10);
		assert_consistent(&lab->nat);
	}
}

static void test_mapping_expiry_and_latest_session_are_told(void **state)
{
	struct lab *lab = *state;
	struct nat_outcome a = lab_out(lab, wire_udp(H1, Y1), AT_S(0)), b, c;

	b = lab_out(lab, wire_udp(H1, Y2), AT_S(50));
	c = lab_out(lab, wire_udp(H1, Y1_Q), AT_S(60));
	assert_int_equal(a.mapping, c.mapping);
	assert_int_equal(nat_mapping_expiry(&lab->nat, a.mapping).ms, 360000);
	assert_int_equal(nat_mapping_latest(&lab->nat, a.mapping), c.session);
	lab_out(lab, wire_udp(H1, Y2), AT_S(70));
	assert_int_equal(nat_mapping_expiry(&lab->nat, a.mapping).ms, 370000);
	assert_int_equal(nat_mapping_latest(&lab->nat, a.mapping), b.session);
}

/* The longest is not always the latest: a connection that opened before another was closed. */
static void test_mapping_expiry_is_that_of_the_longest_timer(void **state)
{
	struct lab *lab = *state;
	struct nat_outcome other;

	tcp_established(lab, AT_S(0));
	other = lab_out(lab, wire_tcp(H1, Y2, WIRE_SYN), AT_S(100));
	assert_int_equal(nat_mapping_expiry(&lab->nat, other.mapping).ms, 7440000);
	assert_int_equal(nat_mapping_latest(&lab->nat, other.mapping), other.session);
}

static void test_traffic_of_a_session_that_ended_stays_with_its_mapping(void **state)
{
	struct lab *lab = *state;
	struct nat_outcome a = lab_out(lab, wire_udp_with(H1, Y1, 0, 72), AT_S(0));
	const struct mapping *m = mapping_at(&lab->nat.mappings, a.mapping);
	const struct traffic *past;

	lab_in(lab, wire_udp_with(Y1, m->external, 0, 2), AT_S(0));
	lab_out(lab, wire_udp(H1, Y2), AT_S(100));
	nat_tick(&lab->nat, AT_S(300), 10);
	assert_int_equal(m->sessions, 1);
	past = mapping_past(&lab->nat.mappings, a.mapping);
	assert_int_equal(past[NAT_INTERNAL].packets, 1);
	assert_int_equal(past[NAT_INTERNAL].bytes, 100);
	assert_int_equal(past[NAT_EXTERNAL].packets, 1);
	assert_int_equal(past[NAT_EXTERNAL].bytes, 30);
}

/* Trap 51: no answer depends on when the sweep ran. */
static void test_answers_do_not_depend_on_the_sweep(void **state)
{
	struct lab *swept = *state, *idle = lab_open_with(NULL);
	struct siphash_key key;
	struct rng rng;

	assert_int_equal(rng_key(51, &key), 0);
	rng_init(&rng, &key);
	lab_set(swept, "udp.filtering", "adf");
	lab_set(idle, "udp.filtering", "adf");
	for (int64_t t = 0; t < 20000; t += 13) {
		struct endpoint host = ep_port(H1, 5000 + rng_below(&rng, 4));
		struct endpoint remote =
			ep_port(rng_below(&rng, 2) ? Y1 : Y2, 7000 + rng_below(&rng, 4));
		struct wire a = wire_udp(host, remote), b;
		enum nat_side side = NAT_INTERNAL;
		uint32_t n = mapping_find_internal(&idle->nat.mappings, NAT_UDP, &host,
						   &(struct endpoint){ 0 });

		if (rng_below(&rng, 2) && n != NAT_NONE) {
			a = wire_udp(remote, mapping_at(&idle->nat.mappings, n)->external);
			side = NAT_EXTERNAL;
		}
		b = wire_copy(a);
		nat_tick(&swept->nat, AT_S(t), 1000);
		assert_int_equal(lab_packet(swept, a, false, side, AT_S(t)).reason,
				 lab_packet(idle, b, false, side, AT_S(t)).reason);
		assert_true(wire_same(a, b));
	}
	lab_close(idle);
}

/* The RST of @host that refuses a SYN of wire_tcp(). */
static struct wire refusal(struct endpoint host, struct endpoint remote)
{
	return wire_tcp_with(host, remote,
			     (struct wire_tcp){ .flags = WIRE_RST | WIRE_ACK, .ack = 1001 });
}

/* Refused every minute, from the same endpoint: the session made at first ends on its own time. */
static void test_rfc7857_req7o_strangers_session_ends_though_he_tries_again(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = tcp_established(lab, AT_S(0));

	lab_set(lab, "tcp.filtering", "eif");
	for (int s = 100; s < 340; s += 60) {
		lab_in(lab, wire_tcp(Y2, external, WIRE_SYN), AT_S(s));
		lab_out(lab, refusal(H1, Y2), AT_S(s));
	}
	assert_rewritten(lab_in(lab, wire_tcp(Y2, external, WIRE_SYN), AT_MS(339999)),
			 REASON_TRANSLATED);
	assert_rewritten(lab_in(lab, wire_tcp(Y2, external, WIRE_SYN), AT_S(340)),
			 REASON_SESSION_CREATED);
}

/* And the mapping with what its host made of it, whoever knocks. */
static void test_rfc7857_req7o_stranger_who_is_refused_keeps_no_mapping_alive(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_open(lab, NAT_TCP, H1, Y1, AT_S(0));

	lab_set(lab, "tcp.filtering", "eif");
	lab_set(lab, "tcp.unsolicited-syn", "drop");
	for (int s = 10; s < 240; s += 50) {
		lab_in(lab, wire_tcp(Y2, external, WIRE_SYN), AT_S(s));
		lab_out(lab, refusal(H1, Y2), AT_S(s));
	}
	assert_rewritten(lab_in(lab, wire_tcp(Y2, external, WIRE_SYN), AT_MS(239999)),
			 REASON_TRANSLATED);
	assert_dropped(lab_in(lab, wire_tcp(Y2, external, WIRE_SYN), AT_S(240)), REASON_NO_MAPPING);
	assert_int_equal(lab->nat.sessions.arena.live, 0);
}

/* One that answers has a connection like any other. */
static void test_rfc7857_req7_stranger_who_is_answered_keeps_the_mapping_alive(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_open(lab, NAT_TCP, H1, Y1, AT_S(0));
	const struct session *s;
	struct nat_outcome outcome;

	lab_set(lab, "tcp.filtering", "eif");
	outcome = lab_in(lab, wire_tcp(Y2, external, WIRE_SYN), AT_S(100));
	assert_rewritten(outcome, REASON_SESSION_CREATED);
	s = lab_session(lab, outcome);
	assert_false(s->keeping);
	assert_true(s->inbound);
	assert_int_equal(nat_mapping_expiry(&lab->nat, outcome.mapping).ms, 240000);
	lab_out(lab, refusal(H1, Y2), AT_S(101));
	assert_false(s->keeping);
	assert_rewritten(lab_in(lab, wire_tcp(Y2, external, WIRE_SYN), AT_S(102)),
			 REASON_TRANSLATED);
	lab_out(lab, wire_tcp(H1, Y2, WIRE_SYN | WIRE_ACK), AT_S(102));
	assert_true(s->keeping);
	assert_int_equal(nat_mapping_expiry(&lab->nat, outcome.mapping).ms, 7542000);
	assert_rewritten(lab_in(lab, wire_tcp(Y2, external, WIRE_ACK), AT_S(7541)),
			 REASON_TRANSLATED);
}

/* Whether the timer ran or not: a session that keeps nothing ends with its mapping. */
static void test_strangers_session_ends_with_the_mapping_with_and_without_a_tick(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "tcp.filtering", "eif");
	lab_set(lab, "tcp.unsolicited-syn", "drop");
	for (int swept = 0; swept < 2; swept++) {
		int t = swept * 1000;
		struct endpoint external = lab_open(lab, NAT_TCP, H1, Y1, AT_S(t));

		assert_rewritten(lab_in(lab, wire_tcp(Y2, external, WIRE_SYN), AT_S(t + 200)),
				 REASON_SESSION_CREATED);
		if (swept)
			nat_tick(&lab->nat, AT_S(t + 240), 100);
		assert_dropped(lab_in(lab, wire_tcp(Y2, external, WIRE_SYN), AT_S(t + 240)),
			       REASON_NO_MAPPING);
		assert_int_equal(lab->nat.mappings.arena.live, 0);
		/* the host's late answer is no answer any more */
		assert_dropped(lab_out(lab, wire_tcp(H1, Y2, WIRE_SYN | WIRE_ACK), AT_S(t + 241)),
			       REASON_TCP_NO_SESSION);
	}
}

static void test_at_the_end_of_time_everything_is_over(void **state)
{
	struct lab *lab = *state;

	lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	assert_true(nat_tick(&lab->nat, MONO_NEVER, 100).ms == MONO_NEVER.ms);
	assert_int_equal(lab->nat.mappings.arena.live, 0);
}

/* --- what is counted ------------------------------------------------------------------------ */

/* Ever made, and of the sessions those that their timer ended. */
static void check_counted(const struct lab *lab, uint64_t mappings, uint64_t sessions,
			  uint64_t expired)
{
	assert_int_equal(lab->nat.mappings.created, mappings);
	assert_int_equal(lab->nat.sessions.created, sessions);
	assert_int_equal(lab->nat.sessions.expired, expired);
}

static void test_session_that_the_tick_ends_counts_once(void **state)
{
	struct lab *lab = *state;

	check_counted(lab, 0, 0, 0);
	lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	check_counted(lab, 1, 1, 0);
	nat_tick(&lab->nat, AT_MS(299999), 100);
	check_counted(lab, 1, 1, 0);
	nat_tick(&lab->nat, AT_S(300), 100);
	check_counted(lab, 1, 1, 1);
	nat_tick(&lab->nat, AT_S(1000), 100);
	check_counted(lab, 1, 1, 1);
	assert_int_equal(lab->nat.mappings.arena.live, 0);
}

/* The packet that finds it over comes before the tick. */
static void test_session_that_a_packet_finds_over_counts_once(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));

	assert_false(alive(lab, NAT_UDP, external, AT_S(300)));
	check_counted(lab, 1, 1, 1);
	nat_tick(&lab->nat, AT_S(300), 100);
	check_counted(lab, 1, 1, 1);
	lab_open(lab, NAT_UDP, H1, Y1, AT_S(300));
	check_counted(lab, 2, 2, 1);
}

static void test_every_session_of_a_mapping_counts(void **state)
{
	struct lab *lab = *state;

	lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	lab_open(lab, NAT_UDP, H1, Y2, AT_S(100));
	lab_open(lab, NAT_UDP, H1, Y2, AT_S(100)); /* again: no other session */
	lab_open(lab, NAT_ICMP, H1, Y1, AT_S(100));
	check_counted(lab, 2, 3, 0);
	nat_tick(&lab->nat, AT_S(300), 100);
	check_counted(lab, 2, 3, 2);
	nat_tick(&lab->nat, AT_S(400), 100);
	check_counted(lab, 2, 3, 3);
}

/* A flush takes away first what is over anyway: that has expired, the rest has not. */
static void test_flushed_session_has_not_expired(void **state)
{
	const struct nat_selection everything = { .mapping = NAT_NONE, .protocol = NAT_PROTOCOLS };
	struct lab *lab = *state;

	lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	lab_open(lab, NAT_UDP, H2, Y1, AT_S(100));
	assert_int_equal(nat_flush(&lab->nat, &everything, AT_S(300)), 1);
	check_counted(lab, 2, 2, 1);
	nat_tick(&lab->nat, AT_S(1000), 100);
	check_counted(lab, 2, 2, 1);
}

static void test_session_of_a_forward_that_is_gone_has_not_expired(void **state)
{
	struct lab *lab = *state;
	struct wire w = wire_tcp(Y1, ep_port(E1, 8080), WIRE_SYN);

	lab_set(lab, "nat.forwards", "tcp:8080=192.168.1.2:80");
	assert_int_equal(lab_in(lab, w, AT_S(0)).verdict, NAT_REWRITTEN);
	check_counted(lab, 1, 1, 0);
	lab_set(lab, "nat.forwards", "none");
	assert_int_equal(lab->nat.sessions.arena.live, 0);
	nat_tick(&lab->nat, AT_S(1000), 100);
	check_counted(lab, 1, 1, 0);
}

/* It ends with the mapping, not by its timer. */
static void test_strangers_session_that_ends_with_the_mapping_has_not_expired(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_open(lab, NAT_TCP, H1, Y1, AT_S(0));

	lab_set(lab, "tcp.filtering", "eif");
	assert_rewritten(lab_in(lab, wire_tcp(Y2, external, WIRE_SYN), AT_S(200)),
			 REASON_SESSION_CREATED);
	check_counted(lab, 1, 2, 0);
	nat_tick(&lab->nat, AT_S(240), 100);
	assert_int_equal(lab->nat.sessions.arena.live, 0);
	check_counted(lab, 1, 2, 1);
}

/* Both of one host; its UDP mapping is for one remote only, so that it has another endpoint. */
static void test_mapping_that_is_over_does_not_make_a_borrowed_one_secondary(void **state)
{
	struct lab *lab = *state;
	struct nat_outcome outcome;
	struct endpoint external;

	lab_set(lab, "nat.protocol-scope", "shared");
	lab_set(lab, "tcp.filtering", "endpoint-independent");
	lab_set(lab, "udp.mapping", "address-and-port-dependent");
	lab_open(lab, NAT_TCP, H1, Y1, AT_S(0));
	external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(240));
	outcome = lab_in(lab, wire_tcp(Y2, external, WIRE_SYN), AT_S(240));
	assert_rewritten(outcome, REASON_MAPPING_CREATED);
	assert_false(mapping_at(&lab->nat.mappings, outcome.mapping)->secondary);
}

/* --- leases --------------------------------------------------------------------------------- */

/* @internal asks for @wished, or what else there is, for ten seconds; returns what it got. */
static struct endpoint lease(struct lab *lab, struct endpoint internal, struct endpoint wished,
			     struct mono now)
{
	struct lease_request request = {
		.protocol = NAT_UDP, .internal = internal, .external = wished, .lifetime_ms = 10000
	};

	assert_int_equal(nat_lease(&lab->nat, &request, now), LEASE_GRANTED);
	assert_consistent(&lab->nat);
	return request.external;
}

static const struct endpoint any_end;

static void test_mapping_whose_lease_is_over_makes_room_for_another(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "nat.max-mappings", "1");
	lease(lab, H1, any_end, AT_S(0));
	assert_dropped(lab_out(lab, wire_udp(H2, Y1), AT_MS(9999)), REASON_MAPPINGS_FULL);
	assert_rewritten(lab_out(lab, wire_udp(H2, Y1), AT_S(10)), REASON_MAPPING_CREATED);
}

static void test_lease_that_is_over_makes_room_for_another(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "nat.max-mappings", "1");
	lease(lab, H1, any_end, AT_S(0));
	lease(lab, H2, any_end, AT_S(10));
	assert_int_equal(lab->nat.leases.count, 1);
}

static void test_rfc6887_epoch_begins_anew_when_a_lease_is_lost(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "udp.ports", "overload");
	lease(lab, H1, any_end, AT_S(0));
	lab_open(lab, NAT_UDP, H2, Y1, AT_MS(9999)); /* takes the port */
	assert_int_equal(lab->nat.leases.epoch.ms, 9999);
}

static void test_rfc6887_epoch_goes_on_when_what_is_lost_was_over(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "udp.ports", "overload");
	lease(lab, H1, any_end, AT_S(0));
	lab_open(lab, NAT_UDP, H2, Y1, AT_S(10));
	assert_int_equal(lab->nat.leases.epoch.ms, 0);
}

/* Trap 51 again: the timer has not noticed yet. */
static void test_session_that_outlives_a_lease_is_filtered_again(void **state)
{
	struct lease_request request = { .protocol = NAT_TCP,
					 .internal = H1,
					 .lifetime_ms = 10000 };
	struct lab *lab = *state;

	lab_set(lab, "tcp.filtering", "connection-dependent");
	assert_int_equal(nat_lease(&lab->nat, &request, AT_S(0)), LEASE_GRANTED);
	lab_open(lab, NAT_TCP, H1, Y1, AT_S(9));
	assert_dropped(lab_in(lab, wire_tcp(Y1, request.external, WIRE_SYN), AT_S(10)),
		       REASON_SYN_HELD);
}

static void test_traffic_of_its_last_session_stays_with_a_leased_mapping(void **state)
{
	struct lab *lab = *state;
	struct nat_outcome outcome;
	const struct traffic *past;

	lab_set(lab, "udp.timeout", "5s");
	lease(lab, H1, any_end, AT_S(0));
	outcome = lab_out(lab, wire_udp_with(H1, Y1, 0, 2), AT_S(0));
	nat_tick(&lab->nat, AT_S(5), 10);
	assert_int_equal(lab->nat.sessions.arena.live, 0);
	past = mapping_past(&lab->nat.mappings, outcome.mapping);
	assert_int_equal(past[NAT_INTERNAL].packets, 1);
	assert_int_equal(past[NAT_INTERNAL].bytes, 30);
}

static void test_port_of_a_lease_that_is_over_is_given_to_who_wishes_for_it(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lease(lab, H1, any_end, AT_S(0));

	assert_same_endpoint(lease(lab, H2, external, AT_S(10)), external);
}

static void test_port_that_was_leased_by_the_other_protocol_is_given_too(void **state)
{
	struct lab *lab = *state;
	struct lease_request request = { .protocol = NAT_TCP,
					 .internal = H2,
					 .lifetime_ms = 10000 };
	struct endpoint external;

	lab_set(lab, "nat.protocol-scope", "shared");
	external = lease(lab, H1, any_end, AT_S(0));
	request.external = external;
	assert_int_equal(nat_lease(&lab->nat, &request, AT_S(10)), LEASE_GRANTED);
	assert_same_endpoint(request.external, external);
}

/* A port that several share leads to one of them only for a remote it was used with. */
static void test_leased_port_is_not_shared_where_ports_overlap(void **state)
{
	struct lab *lab = *state;
	struct endpoint external;

	lab_set(lab, "udp.filtering", "address-and-port-dependent");
	lab_set(lab, "udp.port-overlap", "on");
	lab_set(lab, "udp.ports", "preserve-only");
	external = lease(lab, H1, any_end, AT_S(0));
	assert_int_equal(external.port, H2.port);
	assert_dropped(lab_out(lab, wire_udp(H2, Y1), AT_S(0)), REASON_PORTS_EXHAUSTED);
}

static void test_who_wishes_for_nothing_exactly_gets_any(void **state)
{
	struct lease_request request = {
		.protocol = NAT_UDP, .internal = H1, .exactly = true, .lifetime_ms = 10000
	};
	struct lab *lab = *state;

	assert_int_equal(nat_lease(&lab->nat, &request, AT_S(0)), LEASE_GRANTED);
	assert_int_not_equal(request.external.port, 0);
}

/* RFC 5508 REQ-5: such a packet leaves no session, and the knob tells mappings apart by remotes. */
static void test_error_about_a_packet_that_a_lease_let_in_gets_out(void **state)
{
	struct lab *lab = *state;
	struct endpoint external;
	struct wire w, error;

	lab_set(lab, "udp.mapping", "address-and-port-dependent");
	external = lease(lab, H1, any_end, AT_S(0));
	w = wire_udp(Y1, external);
	assert_rewritten(lab_in(lab, w, AT_S(1)), REASON_ADMITTED);
	error = wire_error(3, 3, ep_port(H1, 0), ep_port(Y1, 0), w);
	assert_rewritten(lab_out(lab, error, AT_S(1)), REASON_ICMP_ERROR_TRANSLATED);
	assert_same_endpoint(wire_destination(wire_quote(error)), external);
}

/* The connection is the last that has the port, which does not rest after it. */
static void test_tick_that_comes_late_ends_leases_and_sessions_in_turn(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "nat.protocol-scope", "shared");
	lab_set(lab, "udp.port-reuse-delay", "30s");
	lab_set(lab, "tcp.port-reuse-delay", "0s");
	lab_open(lab, NAT_TCP, H1, Y1, AT_S(0));
	lease(lab, H1, any_end, AT_S(0));
	nat_tick(&lab->nat, AT_S(240), 10);
	assert_consistent(&lab->nat);
	assert_int_equal(lab->nat.mappings.arena.live, 0);
	assert_int_equal(lab->nat.ports.resting[NAT_UDP].count, 0);
}

static void test_tick_counts_leases_towards_its_budget(void **state)
{
	struct lab *lab = *state;

	for (unsigned int i = 0; i < 4; i++)
		lease(lab, ep_port(H1, 5000 + i), any_end, AT_S(0));
	assert_int_equal(nat_tick(&lab->nat, AT_S(10), 3).ms, 10000);
	assert_int_equal(lab->nat.leases.count, 1);
	nat_tick(&lab->nat, AT_S(10), 3);
	assert_int_equal(lab->nat.leases.count, 0);
}

/* Of two protocols that shared a port and do so no longer, neither depends on the other. */
static void test_what_was_borrowed_is_its_own_when_ports_are_not_shared(void **state)
{
	struct lab *lab = *state;
	struct endpoint external;
	struct nat_outcome udp;

	lab_set(lab, "nat.protocol-scope", "shared");
	lab_set(lab, "udp.filtering", "eif");
	lab_set(lab, "tcp.timeout-transitory", "5s");
	external = lab_open(lab, NAT_TCP, H1, Y1, AT_S(0));
	udp = lab_in(lab, wire_udp(Y2, external), AT_S(0));
	assert_true(mapping_at(&lab->nat.mappings, udp.mapping)->borrowed);
	assert_int_equal(nat_mapping_expiry(&lab->nat, udp.mapping).ms, 5000);
	lab_set(lab, "nat.protocol-scope", "per-protocol");
	assert_int_equal(nat_mapping_expiry(&lab->nat, udp.mapping).ms, 300000);
	assert_rewritten(lab_in(lab, wire_udp(Y2, external), AT_S(6)), REASON_TRANSLATED);
	assert_consistent(&lab->nat);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		lab_test(test_at_the_end_of_time_everything_is_over),
		lab_test(test_rfc7857_req7o_strangers_session_ends_though_he_tries_again),
		lab_test(test_rfc7857_req7o_stranger_who_is_refused_keeps_no_mapping_alive),
		lab_test(test_rfc7857_req7_stranger_who_is_answered_keeps_the_mapping_alive),
		lab_test(test_strangers_session_ends_with_the_mapping_with_and_without_a_tick),
		lab_test(test_rfc4787_req5_idle_udp_mapping_outlives_two_minutes),
		lab_test(test_rfc4787_req5c_udp_lasts_five_minutes_by_default),
		lab_test(test_rfc4787_req5b_udp_timeout_is_a_knob),
		lab_test(test_timeout_changed_while_running_counts_for_what_is_there),
		lab_test(test_rfc5508_req2_icmp_query_lasts_sixty_seconds),
		lab_test(test_rfc5382_req5_established_tcp_lasts_two_hours_four_minutes),
		lab_test(test_rfc5382_req5t_half_open_tcp_lasts_four_minutes),
		lab_test(test_rfc5382_req5t_unanswered_syn_is_forgotten_after_four_minutes),
		lab_test(test_syn_again_restarts_the_four_minutes),
		lab_test(test_other_segments_do_not_restart_an_opening),
		lab_test(test_rfc5382_req5ph_half_closed_tcp_keeps_the_long_timer),
		lab_test(test_fin_itself_restarts_nothing),
		lab_test(test_closed_tcp_lasts_four_minutes_whatever_comes),
		lab_test(test_rfc7857_req2d_reset_leaves_four_minutes),
		lab_test(test_rfc7857_req2d_data_after_a_reset_revives_the_session),
		lab_test(test_rfc7857_req2a_tcp_timeouts_are_knobs),
		lab_test(test_rfc4787_req6_outbound_refreshes),
		lab_test(test_rfc4787_req6a_inbound_does_not_refresh_by_default),
		lab_test(test_rfc4787_req6a_inbound_refreshes_with_both),
		lab_test(test_refresh_inbound_alone_ignores_outbound),
		lab_test(test_rfc7857_req7_filtered_packet_does_not_refresh),
		lab_test(test_rfc7857_req7_admitted_packet_does_not_refresh_by_default),
		lab_test(test_rfc7857_req7o_reset_that_answers_a_probe_does_not_refresh),
		lab_test(test_mapping_lives_as_long_as_its_longest_session),
		lab_test(test_expired_session_starts_anew_with_a_new_port),
		lab_test(test_tick_frees_what_is_due_and_says_when_to_come_again),
		lab_test(test_tick_works_no_more_than_its_budget),
		lab_test(test_tick_gives_ports_back),
		lab_test(test_mapping_expiry_and_latest_session_are_told),
		lab_test(test_mapping_expiry_is_that_of_the_longest_timer),
		lab_test(test_traffic_of_a_session_that_ended_stays_with_its_mapping),
		lab_test(test_answers_do_not_depend_on_the_sweep),
		lab_test(test_session_that_the_tick_ends_counts_once),
		lab_test(test_session_that_a_packet_finds_over_counts_once),
		lab_test(test_every_session_of_a_mapping_counts),
		lab_test(test_flushed_session_has_not_expired),
		lab_test(test_session_of_a_forward_that_is_gone_has_not_expired),
		lab_test(test_strangers_session_that_ends_with_the_mapping_has_not_expired),
		lab_test(test_mapping_whose_lease_is_over_makes_room_for_another),
		lab_test(test_lease_that_is_over_makes_room_for_another),
		lab_test(test_rfc6887_epoch_begins_anew_when_a_lease_is_lost),
		lab_test(test_rfc6887_epoch_goes_on_when_what_is_lost_was_over),
		lab_test(test_session_that_outlives_a_lease_is_filtered_again),
		lab_test(test_traffic_of_its_last_session_stays_with_a_leased_mapping),
		lab_test(test_port_of_a_lease_that_is_over_is_given_to_who_wishes_for_it),
		lab_test(test_port_that_was_leased_by_the_other_protocol_is_given_too),
		lab_test(test_leased_port_is_not_shared_where_ports_overlap),
		lab_test(test_who_wishes_for_nothing_exactly_gets_any),
		lab_test(test_error_about_a_packet_that_a_lease_let_in_gets_out),
		lab_test(test_tick_that_comes_late_ends_leases_and_sessions_in_turn),
		lab_test(test_tick_counts_leases_towards_its_budget),
		lab_test(test_mapping_that_is_over_does_not_make_a_borrowed_one_secondary),
		lab_test(test_what_was_borrowed_is_its_own_when_ports_are_not_shared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
