/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inbound packets that nobody asked for: dropped, held, answered, or let through. */
#include "tests/unit/lab.h"

#define NOBODY ep_port(E1, 4321)

static void test_silence_is_the_default(void **state)
{
	struct lab *lab = *state;

	lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	assert_dropped(lab_in(lab, wire_udp(Y1, NOBODY), AT_S(0)), REASON_NO_MAPPING);
	assert_dropped(lab_in(lab, wire_tcp(Y1, NOBODY, WIRE_ACK), AT_S(0)), REASON_NO_MAPPING);
	assert_dropped(lab_in(lab, wire_query(8, Y1, E1, 9), AT_S(0)), REASON_NO_MAPPING);
	nat_tick(&lab->nat, AT_S(20), 10);
	lab_check_silent(lab);
}

/* --- SYNs that are held: RFC 5382 REQ-4 ------------------------------------------------------ */

static void test_rfc5382_req4_unsolicited_syn_is_answered_after_six_seconds(void **state)
{
	struct lab *lab = *state;
	struct wire syn = wire_tcp_with(
		Y1, NOBODY,
		(struct wire_tcp){ .flags = WIRE_SYN, .seq = 77, .options = 8, .ip_options = 4 });
	struct nat_outcome outcome = lab_in(lab, wire_copy(syn), AT_S(1));
	struct wire answer;

	assert_dropped(outcome, REASON_SYN_HELD);
	assert_int_equal(outcome.knob, OPT_TCP_UNSOLICITED_SYN);
	assert_int_equal(outcome.mapping, NAT_NONE);
	assert_int_equal(nat_tick(&lab->nat, AT_S(1), 10).ms, 7000);
	nat_tick(&lab->nat, AT_MS(6999), 10);
	lab_check_silent(lab);
	assert_int_equal(nat_tick(&lab->nat, AT_S(7), 10).ms, INT64_MAX);
	answer = lab_take_error(lab, 3, 3, Y1, syn);
	assert_same_endpoint(wire_source(answer), E1);
	assert_int_equal(lab->nat.held_syns.count, 0);
}

/* It may come again, as SYNs do: one answer, at the time of the first. */
static void test_held_syn_that_comes_again_keeps_its_time(void **state)
{
	struct lab *lab = *state;
	struct wire syn = wire_tcp(Y1, NOBODY, WIRE_SYN);

	for (int s = 0; s < 6; s++)
		assert_dropped(lab_in(lab, wire_copy(syn), AT_S(s)), REASON_SYN_HELD);
	assert_int_equal(lab->nat.held_syns.count, 1);
	nat_tick(&lab->nat, AT_S(6), 10);
	lab_take_error(lab, 3, 3, Y1, syn);
	assert_int_equal(nat_tick(&lab->nat, AT_S(20), 10).ms, INT64_MAX);
	lab_check_silent(lab);
}

static void test_rfc5382_req4b_outbound_syn_within_the_time_ends_the_wait(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_open(lab, NAT_TCP, H1, Y1, AT_S(0));
	struct wire syn = wire_tcp(Y2, external, WIRE_SYN),
		    other = wire_tcp(Y1_Q, external, WIRE_SYN);
	struct nat_outcome outcome = lab_in(lab, wire_copy(syn), AT_S(1));

	assert_dropped(outcome, REASON_SYN_HELD);
	assert_int_not_equal(outcome.mapping, NAT_NONE);
	assert_dropped(lab_in(lab, wire_copy(other), AT_S(1)), REASON_SYN_HELD);
	assert_same_endpoint(lab_open(lab, NAT_TCP, H1, Y2, AT_S(4)), external);
	nat_tick(&lab->nat, AT_S(7), 10);
	lab_take_error(lab, 3, 3, Y1_Q, other); /* that one was nobody's answer */
	assert_rewritten(lab_in(lab, syn, AT_S(8)), REASON_TRANSLATED);
}

/* A refused packet is no answer: it was translated by nobody. */
static void test_outbound_syn_that_is_refused_does_not_end_the_wait(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_open(lab, NAT_TCP, H1, Y1, AT_S(0));
	struct wire syn = wire_tcp(Y2, external, WIRE_SYN);

	lab_set(lab, "nat.on-full", "drop");
	lab_set(lab, "nat.max-sessions-per-host", "1");
	lab_in(lab, wire_copy(syn), AT_S(1));
	assert_dropped(lab_out(lab, wire_tcp(H1, Y2, WIRE_SYN), AT_S(2)), REASON_HOST_QUOTA);
	nat_tick(&lab->nat, AT_S(7), 10);
	lab_take_error(lab, 3, 3, Y2, syn);
}

static void test_hold_time_is_a_knob(void **state)
{
	struct lab *lab = *state;
	struct wire syn = wire_tcp(Y1, NOBODY, WIRE_SYN);

	lab_set(lab, "tcp.syn-hold", "200ms");
	lab_in(lab, wire_copy(syn), AT_S(0));
	assert_int_equal(nat_tick(&lab->nat, AT_MS(199), 10).ms, 200);
	lab_check_silent(lab);
	nat_tick(&lab->nat, AT_MS(200), 10);
	lab_take_error(lab, 3, 3, Y1, syn);
}

/* RFC 5382 REQ-4A: bounded, and what is beyond the bound is dropped without a word. */
static void test_rfc5382_req4a_flood_of_syns_is_held_up_to_the_bound(void **state)
{
	struct lab *lab = *state;
	uint64_t events = lab->nat.events.count;
	unsigned int held = 0;
	struct wire w;

	lab_set(lab, "tcp.max-held-syns", "10");
	lab_set(lab, "icmp.error-rate", "1000");
	for (unsigned int i = 0; i < 100; i++) {
		struct nat_outcome outcome =
			lab_in(lab, wire_tcp(ep_port(Y1, 1000 + i), NOBODY, WIRE_SYN), AT_S(0));

		if (outcome.reason == REASON_SYN_HELD)
			held++;
		else
			assert_dropped(outcome, REASON_SYNS_FULL);
	}
	assert_int_equal(held, 10);
	assert_int_equal(lab->nat.events.count, events + 1);
	assert_int_equal(event_from(&lab->nat.events, events + 1)->reason, REASON_SYNS_FULL);
	nat_tick(&lab->nat, AT_S(6), 10);
	for (unsigned int i = 0; i < 10; i++)
		assert_true(lab_output(lab, &w));
	lab_check_silent(lab);
	/* There is room again; and when it is full after a quiet minute, that is told again. */
	for (unsigned int i = 0; i < 11; i++)
		lab_in(lab, wire_tcp(ep_port(Y1, 1000 + i), NOBODY, WIRE_SYN), AT_S(67));
	assert_int_equal(lab->nat.events.count, events + 2);
}

/* Connections are held apart by both ends. */
static void test_syns_of_different_pairs_are_held_apart(void **state)
{
	struct lab *lab = *state;

	lab_in(lab, wire_tcp(Y1, NOBODY, WIRE_SYN), AT_S(0));
	lab_in(lab, wire_tcp(Y1_Q, NOBODY, WIRE_SYN), AT_S(0));
	lab_in(lab, wire_tcp(Y2, NOBODY, WIRE_SYN), AT_S(0));
	lab_in(lab, wire_tcp(Y1, ep_port(NOBODY, 4322), WIRE_SYN), AT_S(0));
	assert_int_equal(lab->nat.held_syns.count, 4);
}

/* --- other answers -------------------------------------------------------------------------- */

static struct wire assert_resets(struct lab *lab, struct endpoint from, struct endpoint to,
				 unsigned int flags, uint32_t seq, uint32_t ack)
{
	struct wire w = { 0 };

	assert_true(lab_output(lab, &w));
	lab_check_silent(lab);
	assert_int_equal(w.len, 40);
	assert_int_equal(w.at[9], 6);
	assert_same_endpoint(wire_source(w), from);
	assert_same_endpoint(wire_destination(w), to);
	assert_int_equal(w.at[33], flags);
	assert_int_equal(wire_get32(w.at + 24), seq);
	assert_int_equal(wire_get32(w.at + 28), ack);
	return w;
}

static void test_unsolicited_syn_may_be_answered_at_once(void **state)
{
	struct lab *lab = *state;
	struct wire syn = wire_tcp(Y1, NOBODY, WIRE_SYN);
	struct nat_outcome outcome;

	lab_set(lab, "tcp.unsolicited-syn", "reject");
	outcome = lab_in(lab, wire_copy(syn), AT_S(0));
	assert_dropped(outcome, REASON_SYN_ANSWERED);
	assert_int_equal(outcome.knob, OPT_TCP_UNSOLICITED_SYN);
	lab_take_error(lab, 3, 3, Y1, syn);
	lab_set(lab, "tcp.unsolicited-syn", "reset");
	assert_dropped(lab_in(lab, syn, AT_S(0)), REASON_SYN_ANSWERED);
	assert_resets(lab, NOBODY, Y1, WIRE_RST | WIRE_ACK, 0, 1001);
	lab_set(lab, "tcp.unsolicited-syn", "drop");
	assert_dropped(lab_in(lab, syn, AT_S(0)), REASON_NO_MAPPING);
	lab_check_silent(lab);
	/* the same for one that is filtered */
	lab_set(lab, "tcp.unsolicited-syn", "reset");
	syn = wire_tcp(Y2, lab_open(lab, NAT_TCP, H1, Y1, AT_S(0)), WIRE_SYN);
	assert_dropped(lab_in(lab, wire_copy(syn), AT_S(0)), REASON_SYN_ANSWERED);
	assert_resets(lab, wire_destination(syn), Y2, WIRE_RST | WIRE_ACK, 0, 1001);
}

static void test_unmatched_reject_answers_each_in_its_way(void **state)
{
	struct lab *lab = *state;
	struct wire udp = wire_udp(Y1, NOBODY), ping = wire_query(8, Y1, E1, 9);
	struct wire answer;

	lab_set(lab, "nat.unmatched", "reject");
	assert_dropped(lab_in(lab, wire_copy(udp), AT_S(0)), REASON_UNMATCHED_REJECTED);
	answer = lab_take_error(lab, 3, 3, Y1, udp);
	assert_same_endpoint(wire_source(answer), E1);
	assert_dropped(lab_in(lab, wire_copy(ping), AT_S(0)), REASON_UNMATCHED_REJECTED);
	lab_take_error(lab, 3, 3, Y1, ping);
	/* RFC 9293 section 3.10.7.1 */
	assert_dropped(lab_in(lab, wire_tcp(Y1, NOBODY, WIRE_SYN), AT_S(0)),
		       REASON_UNMATCHED_REJECTED);
	assert_resets(lab, NOBODY, Y1, WIRE_RST | WIRE_ACK, 0, 1001);
	assert_dropped(lab_in(lab,
			      wire_tcp_with(Y1, NOBODY,
					    (struct wire_tcp){ .flags = WIRE_ACK, .ack = 4711 }),
			      AT_S(0)),
		       REASON_UNMATCHED_REJECTED);
	assert_resets(lab, NOBODY, Y1, WIRE_RST, 4711, 0);
	assert_dropped(lab_in(lab,
			      wire_tcp_with(Y1, NOBODY,
					    (struct wire_tcp){ .flags = WIRE_FIN,
							       .seq = 0xfffffff0,
							       .payload = 100 }),
			      AT_S(0)),
		       REASON_UNMATCHED_REJECTED);
	assert_resets(lab, NOBODY, Y1, WIRE_RST | WIRE_ACK, 0, 85);
	/* never about a reset */
	assert_dropped(lab_in(lab, wire_tcp(Y1, NOBODY, WIRE_RST), AT_S(0)),
		       REASON_UNMATCHED_REJECTED);
	lab_check_silent(lab);
}

/* The packets of the router itself go past the NAT, both ways. */
static void test_unmatched_accept_lets_the_router_talk(void **state)
{
	struct lab *lab = *state;
	struct endpoint ssh = ep_port(E1, 22);
	struct nat_outcome outcome;

	lab_set(lab, "nat.unmatched", "accept");
	lab_set(lab, "nat.reserved-ports", "22,53");
	outcome = lab_in(lab, wire_tcp(Y1, ssh, WIRE_SYN), AT_S(0));
	assert_reason(outcome, REASON_ROUTER);
	assert_int_equal(outcome.verdict, NAT_PASS);
	assert_reason(lab_out(lab, wire_tcp(ssh, Y1, WIRE_SYN | WIRE_ACK), AT_S(0)), REASON_ROUTER);
	assert_reason(lab_out(lab, wire_tcp(ssh, Y1, WIRE_ACK), AT_S(0)), REASON_ROUTER);
	assert_reason(lab_in(lab, wire_udp(Y1, ep_port(E1, 53)), AT_S(0)), REASON_ROUTER);
	assert_reason(lab_out(lab, wire_udp(ep_port(E1, 53), Y1), AT_S(0)), REASON_ROUTER);
	assert_reason(lab_in(lab, wire_query(8, Y1, E1, 9), AT_S(0)), REASON_ROUTER);
	assert_reason(lab_out(lab, wire_query(0, E1, Y1, 9), AT_S(0)), REASON_ROUTER);
	assert_reason(
		lab_out(lab, wire_error(3, 3, E1, Y1, wire_udp(Y1, ep_port(E1, 99))), AT_S(0)),
		REASON_ROUTER);
	/* what it opens from another port is one more internal endpoint */
	assert_rewritten(lab_out(lab, wire_udp(ep_port(E1, 40000), Y1), AT_S(0)),
			 REASON_MAPPING_CREATED);
	/* what the filter refuses is still refused */
	assert_dropped(lab_in(lab, wire_udp(Y2, lab_open(lab, NAT_UDP, H1, Y1, AT_S(0))), AT_S(0)),
		       REASON_FILTERED);
	/* and an internal host is no router */
	assert_dropped(lab_out(lab, wire_tcp(ep_port(H1, 22), Y1, WIRE_ACK), AT_S(0)),
		       REASON_TCP_NO_SESSION);
}

/* --- a filter that kills -------------------------------------------------------------------- */

static void test_kill_on_unsolicited_ends_the_mapping(void **state)
{
	static const enum option_id knobs[] = { OPT_UDP_KILL_ON_UNSOLICITED,
						OPT_TCP_KILL_ON_UNSOLICITED,
						OPT_ICMP_KILL_ON_UNSOLICITED };
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p < NAT_OTHER; p++) {
		struct endpoint external;
		struct nat_outcome outcome;

		lab_set(lab, option_spec(knobs[p])->key, "on");
		external = lab_open(lab, p, H1, Y1, AT_S(0));
		outcome = lab_in(lab, lab_probe(p, Y2, external), AT_S(1));
		assert_dropped(outcome, REASON_MAPPING_KILLED);
		assert_int_equal(outcome.knob, knobs[p]);
		assert_int_equal(outcome.mapping, NAT_NONE);
		assert_int_equal(lab->nat.mappings.arena.live, 0);
		assert_int_equal(lab->nat.hosts.arena.live, 0);
	}
}

static void test_kill_on_unsolicited_is_for_one_protocol(void **state)
{
	static const enum option_id knobs[] = { OPT_UDP_KILL_ON_UNSOLICITED,
						OPT_TCP_KILL_ON_UNSOLICITED,
						OPT_ICMP_KILL_ON_UNSOLICITED };
	struct lab *lab = *state;

	lab_set(lab, "tcp.unsolicited-syn", "drop");
	for (enum nat_protocol killed = NAT_UDP; killed < NAT_OTHER; killed++) {
		lab_set(lab, option_spec(knobs[killed])->key, "on");
		for (enum nat_protocol p = NAT_UDP; p < NAT_OTHER; p++) {
			struct endpoint external = lab_open(lab, p, H1, Y1, AT_S(0));

			assert_reason(lab_in(lab, lab_probe(p, Y2, external), AT_S(1)),
				      p == killed ? REASON_MAPPING_KILLED : REASON_FILTERED);
			assert_int_equal(lab_comes_in(lab, p, Y1, external, H1, AT_S(1)),
					 p != killed);
		}
		lab_set(lab, option_spec(knobs[killed])->key, "off");
	}
}

/* A connection from H1 to Y1 that both ends think is open. */
static struct endpoint establish(struct lab *lab, struct mono now)
{
	struct endpoint external = lab_open(lab, NAT_TCP, H1, Y1, now);

	assert_rewritten(lab_in(lab, wire_tcp(Y1, external, WIRE_SYN | WIRE_ACK), now),
			 REASON_TRANSLATED);
	assert_rewritten(lab_out(lab, wire_tcp(H1, Y1, WIRE_ACK), now), REASON_TRANSLATED);
	return external;
}

/* Whatever a stranger sends, it takes the whole mapping, and nobody hears of it. */
static void test_kill_on_unsolicited_ends_open_connections(void **state)
{
	static const unsigned int flags[] = { WIRE_SYN, WIRE_ACK, WIRE_RST, WIRE_SYN | WIRE_ACK,
					      WIRE_FIN | WIRE_ACK };
	struct lab *lab = *state;

	lab_set(lab, "tcp.kill-on-unsolicited", "on");
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		struct endpoint external = establish(lab, AT_S(i));

		assert_int_equal(lab_open(lab, NAT_TCP, H1, Y1_Q, AT_S(i)).port, external.port);
		assert_dropped(lab_in(lab, wire_tcp(Y2, external, flags[i]), AT_S(i)),
			       REASON_MAPPING_KILLED);
		assert_int_equal(lab->nat.held_syns.count, 0);
		assert_int_equal(lab->nat.mappings.arena.live, 0);
		assert_int_equal(lab->nat.sessions.arena.live, 0);
		/* Both ends go on, in vain. */
		assert_dropped(lab_in(lab, wire_tcp(Y1, external, WIRE_ACK), AT_S(i)),
			       REASON_NO_MAPPING);
		assert_dropped(lab_out(lab, wire_tcp(H1, Y1, WIRE_ACK), AT_S(i)),
			       REASON_TCP_NO_SESSION);
		lab_check_silent(lab);
	}
}

/* Where no connection may be opened from outside, a known peer's SYN is a stranger's. */
static void test_kill_on_unsolicited_under_filtering_by_connection(void **state)
{
	struct lab *lab = *state;
	struct endpoint external;

	lab_set(lab, "tcp.kill-on-unsolicited", "on");
	lab_set(lab, "tcp.filtering", "connection-dependent");
	external = establish(lab, AT_S(0));
	assert_rewritten(lab_in(lab, wire_tcp(Y1, external, WIRE_ACK), AT_S(1)), REASON_TRANSLATED);
	assert_dropped(lab_in(lab, wire_tcp(Y1, external, WIRE_SYN), AT_S(1)),
		       REASON_MAPPING_KILLED);
	assert_int_equal(lab->nat.mappings.arena.live, 0);
}

static void test_kill_on_unsolicited_ends_queries_to_all_remotes(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "icmp.kill-on-unsolicited", "on");
	for (unsigned int i = 0; i < 2; i++) { /* a reply nobody asked for, a query */
		struct endpoint external = lab_open(lab, NAT_ICMP, H1, Y1, AT_S(i));

		assert_int_equal(lab_open(lab, NAT_ICMP, H1, ROUTER, AT_S(i)).port, external.port);
		assert_dropped(
			lab_in(lab, wire_query(i == 0 ? 0 : 8, Y2, E1, external.port), AT_S(i)),
			REASON_MAPPING_KILLED);
		assert_int_equal(lab->nat.mappings.arena.live, 0);
		assert_dropped(lab_in(lab, wire_pong(Y1, external), AT_S(i)), REASON_NO_MAPPING);
		assert_dropped(lab_in(lab, wire_pong(ROUTER, external), AT_S(i)),
			       REASON_NO_MAPPING);
		lab_check_silent(lab);
	}
}

/* Errors come from any router on the way, and are not filtered; so they end nothing. */
static void test_what_filtering_lets_in_kills_nothing(void **state)
{
	static const char *const names[] = { "udp", "tcp", "icmp" };
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p < NAT_OTHER; p++) {
		struct wire w = lab_request(p, H1, Y1);
		struct endpoint external;
		char knob[32];

		snprintf(knob, sizeof(knob), "%s.kill-on-unsolicited", names[p]);
		lab_set(lab, knob, "on");
		assert_reason(lab_out(lab, w, AT_S(0)), REASON_MAPPING_CREATED);
		external = wire_source(w);
		assert_rewritten(lab_in(lab, wire_error(3, 1, ROUTER, E1, w), AT_S(1)),
				 REASON_ICMP_ERROR_TRANSLATED);
		assert_true(lab_comes_in(lab, p, Y1, external, H1, AT_S(1)));
		snprintf(knob, sizeof(knob), "%s.filtering", names[p]);
		lab_set(lab, knob, "adf");
		assert_true(lab_comes_in(lab, p, Y1_Q, external, H1, AT_S(1)));
		lab_set(lab, knob, "eif");
		assert_true(lab_comes_in(lab, p, Y2, external, H1, AT_S(1)));
		/* Nor does what is for nobody touch what is there. */
		assert_int_not_equal(
			lab_in(lab, lab_probe(p, Y2, ep_port(external, external.port ^ 1)), AT_S(1))
				.reason,
			REASON_MAPPING_KILLED);
		assert_int_equal(lab->nat.mappings.arena.live, p + 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		lab_test(test_silence_is_the_default),
		lab_test(test_rfc5382_req4_unsolicited_syn_is_answered_after_six_seconds),
		lab_test(test_held_syn_that_comes_again_keeps_its_time),
		lab_test(test_rfc5382_req4b_outbound_syn_within_the_time_ends_the_wait),
		lab_test(test_outbound_syn_that_is_refused_does_not_end_the_wait),
		lab_test(test_hold_time_is_a_knob),
		lab_test(test_rfc5382_req4a_flood_of_syns_is_held_up_to_the_bound),
		lab_test(test_syns_of_different_pairs_are_held_apart),
		lab_test(test_unsolicited_syn_may_be_answered_at_once),
		lab_test(test_unmatched_reject_answers_each_in_its_way),
		lab_test(test_unmatched_accept_lets_the_router_talk),
		lab_test(test_kill_on_unsolicited_ends_the_mapping),
		lab_test(test_kill_on_unsolicited_is_for_one_protocol),
		lab_test(test_kill_on_unsolicited_ends_open_connections),
		lab_test(test_kill_on_unsolicited_under_filtering_by_connection),
		lab_test(test_kill_on_unsolicited_ends_queries_to_all_remotes),
		lab_test(test_what_filtering_lets_in_kills_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
