/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the NAT says by itself: to whom, how often, and about what it is silent. */
#include "tests/unit/lab.h"

#define NOBODY ep_port(E1, 4321)

/* H1 has all it may have: the next flow is refused. */
static void fill_host(struct lab *lab)
{
	lab_set(lab, "udp.max-mappings-per-host", "1");
	lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
}

static struct wire refused(struct lab *lab, struct wire w, struct mono now)
{
	struct wire sent = wire_copy(w);

	assert_int_equal(lab_out(lab, w, now).verdict, NAT_DROPPED);
	return sent;
}

static void test_rfc5508_req8_refused_host_is_told_as_the_knob_says(void **state)
{
	struct lab *lab = *state;
	struct wire answer, sent;

	fill_host(lab);
	sent = refused(lab, wire_udp(ep_port(H1, 6000), Y1), AT_S(0));
	answer = lab_take_error(lab, 3, 13, H1, sent);
	/* From whom, only the system knows. */
	assert_endpoint(wire_source(answer), "0.0.0.0:0");
	lab_set(lab, "nat.on-full", "icmp1"); /* RFC 6888 REQ-11B */
	sent = refused(lab, wire_udp(ep_port(H1, 6000), Y1), AT_S(0));
	lab_take_error(lab, 3, 1, H1, sent);
	lab_set(lab, "nat.on-full", "drop");
	refused(lab, wire_udp(ep_port(H1, 6000), Y1), AT_S(0));
	lab_check_silent(lab);
}

/* Every kind of full there is. */
static void test_rfc6888_req11b_every_refusal_is_told(void **state)
{
	static const char *const knobs[][3] = {
		{ "nat.max-mappings-per-host", "1", "host-quota" },
		{ "nat.max-sessions-per-host", "1", "host-quota" },
		{ "nat.new-mappings-per-second", "1", "rate-quota" },
		{ "nat.max-mappings", "1", "mappings-full" },
		{ "udp.port-range", "5000-5000", "ports-exhausted" },
	};

	(void)state;
	for (size_t k = 0; k < sizeof(knobs) / sizeof(knobs[0]); k++) {
		const char *const pair[] = { knobs[k][0], knobs[k][1], NULL };
		struct lab *lab = lab_open_with(pair);
		struct wire w = wire_udp(ep_port(H1, 6000), Y1), sent = wire_copy(w);
		struct nat_outcome outcome;

		lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
		outcome = lab_out(lab, w, AT_S(0));
		assert_string_equal(reason_spec(outcome.reason)->name, knobs[k][2]);
		lab_take_error(lab, 3, 13, H1, sent);
		lab_close(lab);
	}
}

/* What is dropped for what it is, and not for lack of room, is dropped in silence. */
static void test_other_drops_are_silent(void **state)
{
	struct lab *lab = *state;

	lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	refused(lab, wire_tcp(H1, Y1, WIRE_ACK), AT_S(0));
	refused(lab, wire_query(0, H1, Y1, 9), AT_S(0));
	refused(lab, wire_query(17, H1, Y1, 9), AT_S(0));
	refused(lab, wire_udp(ep_port(H1, 0), Y1), AT_S(0));
	refused(lab, wire_udp(H1, ep("224.0.0.1:9")), AT_S(0));
	lab_in(lab, wire_udp(Y2, NOBODY), AT_S(0));
	lab_check_silent(lab);
}

static void test_longest_quote_makes_576_bytes(void **state)
{
	struct lab *lab = *state;
	struct wire sent;

	fill_host(lab);
	for (size_t payload = 515; payload <= 525; payload++) {
		sent = refused(lab, wire_udp_with(ep_port(H1, 6000), Y1, 0, payload), AT_S(0));
		assert_int_equal(lab_take_error(lab, 3, 13, H1, sent).len,
				 payload < 520 ? 28 + 28 + payload : 576);
		nat_tick(&lab->nat, AT_S(0), 1);
		lab->nat.answers = (struct bucket){ 0 };
	}
}

/* --- whom nothing is said to: RFC 1812 section 4.3.2.7 --------------------------------------- */

static void test_rfc5508_req10e_nothing_is_said_about_errors_and_later_fragments(void **state)
{
	struct lab *lab = *state;
	struct wire w, whole = wire_with_id(wire_udp_with(ep_port(H1, 6000), Y1, 0, 200), 7);

	fill_host(lab);
	refused(lab, wire_error(3, 3, H1, Y1, wire_udp(Y1, ep_port(H1, 99))), AT_S(0));
	lab_check_silent(lab);
	refused(lab, wire_fragment(whole, 0, 80), AT_S(0)); /* the first is told */
	assert_true(lab_output(lab, &w));
	refused(lab, wire_fragment(whole, 80, 80), AT_S(0));
	lab_check_silent(lab);
	/* whoever asks for it */
	for (size_t first = 0; first <= 80; first += 80) {
		struct wire piece = wire_fragment(whole, first, 80);
		struct packet pkt;

		packet_init(&pkt, piece.at, piece.len, piece.len, false);
		assert_int_equal(packet_parse(&pkt), PACKET_OK);
		answer_unreachable(&lab->nat, &pkt, NAT_INTERNAL, 3, AT_S(0));
		assert_int_equal(lab_output(lab, &w), first == 0);
	}
	lab_set(lab, "nat.unmatched", "reject");
	lab_in(lab, wire_query(0, Y1, E1, 9), AT_S(0)); /* a reply is no error */
	assert_true(lab_output(lab, &w));
	lab_check_silent(lab);
}

static void test_rfc5508_req9_muted_side_hears_nothing(void **state)
{
	static const struct {
		const char *mute;
		bool internal, external;
	} rows[] = { { "none", true, true },
		     { "internal", false, true },
		     { "external", true, false },
		     { "both", false, false } };
	struct lab *lab = *state;
	struct wire w;

	fill_host(lab);
	lab_set(lab, "nat.unmatched", "reject");
	for (size_t i = 0; i < 4; i++) {
		lab_set(lab, "icmp.mute", rows[i].mute);
		refused(lab, wire_udp(ep_port(H1, 6000), Y1), AT_S((int)i));
		assert_int_equal(lab_output(lab, &w), rows[i].internal);
		lab_in(lab, wire_udp(Y1, NOBODY), AT_S((int)i));
		assert_int_equal(lab_output(lab, &w), rows[i].external);
		/* a hairpinned packet comes from inside */
		lab_set(lab, "udp.max-mappings-per-host", "0");
		refused(lab, wire_udp(ep_port(H1, 7000), NOBODY), AT_S((int)i));
		assert_int_equal(lab_output(lab, &w), rows[i].internal);
		lab_set(lab, "udp.max-mappings-per-host", "1");
		/* and a RST is no ICMP error */
		lab_in(lab, wire_tcp(Y1, NOBODY, WIRE_SYN), AT_S((int)i));
		assert_true(lab_output(lab, &w));
	}
}

/* --- how often: RFC 5508 REQ-10F ------------------------------------------------------------- */

static unsigned int answers(struct lab *lab, unsigned int triggers, struct mono now)
{
	unsigned int count = 0;
	struct wire w;

	for (unsigned int i = 0; i < triggers; i++) {
		lab_in(lab, wire_udp(Y1, NOBODY), now);
		count += lab_output(lab, &w);
	}
	return count;
}

static void test_rfc5508_req10f_answers_are_limited_in_rate(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "nat.unmatched", "reject");
	assert_int_equal(answers(lab, 1000, AT_S(0)), 10);
	assert_int_equal(answers(lab, 10, AT_MS(99)), 0);
	assert_int_equal(answers(lab, 10, AT_MS(100)), 1);
	assert_int_equal(answers(lab, 10, AT_MS(350)), 2);
	assert_int_equal(answers(lab, 1000, AT_S(3600)), 10);
	lab_set(lab, "icmp.error-rate", "0");
	assert_int_equal(answers(lab, 10, AT_S(7200)), 0);
	lab_set(lab, "icmp.error-rate", "3");
	assert_int_equal(answers(lab, 10, AT_S(7300)), 3);
}

/* Nobody takes them away: no more than there is room for, and none is lost that counts. */
static void test_full_ring_of_answers_takes_no_more(void **state)
{
	struct lab *lab = *state;
	struct wire w;

	lab_set(lab, "nat.unmatched", "reject");
	lab_set(lab, "icmp.error-rate", "1000000");
	for (unsigned int i = 0; i < 100; i++)
		lab_in(lab, wire_udp(ep_port(Y1, 1000 + i), NOBODY), AT_S(0));
	for (unsigned int i = 0; i < OUTPUT_RING; i++) {
		assert_true(lab_output(lab, &w));
		assert_int_equal(wire_get16(wire_quote(w).at + 20), 1000 + i);
	}
	lab_check_silent(lab);
	assert_int_equal(lab->nat.outputs.made, OUTPUT_RING);
	assert_int_equal(lab->nat.outputs.lost, 100 - OUTPUT_RING);
}

/* --- segments of no connection -------------------------------------------------------------- */

static void assert_reset(struct lab *lab, struct endpoint from, struct endpoint to, uint32_t seq)
{
	struct wire w = { 0 };

	assert_true(lab_output(lab, &w));
	assert_int_equal(w.at[9], 6);
	assert_int_equal(w.len, 40);
	assert_int_equal(w.at[33], WIRE_RST);
	assert_same_endpoint(wire_source(w), from);
	assert_same_endpoint(wire_destination(w), to);
	assert_int_equal(wire_get32(w.at + 24), seq);
}

static void test_rfc5382_req5rst_segment_of_no_connection_as_the_knob_says(void **state)
{
	const struct wire_tcp ack = { .flags = WIRE_ACK, .seq = 5, .ack = 4711 };
	struct lab *lab = *state;
	struct nat_outcome outcome;

	outcome = lab_out(lab, wire_tcp_with(H1, Y1, ack), AT_S(0));
	assert_dropped(outcome, REASON_TCP_NO_SESSION);
	assert_int_equal(outcome.knob, OPT_TCP_NON_SYN);
	lab_check_silent(lab);
	lab_set(lab, "tcp.non-syn", "reset");
	assert_dropped(lab_out(lab, wire_tcp_with(H1, Y1, ack), AT_S(0)), REASON_TCP_NO_SESSION);
	assert_reset(lab, Y1, H1, 4711);
	assert_dropped(lab_out(lab, wire_tcp(H1, Y1, WIRE_RST), AT_S(0)), REASON_TCP_NO_SESSION);
	lab_check_silent(lab);
	lab_set(lab, "tcp.non-syn", "pick-up");
	assert_dropped(lab_out(lab, wire_tcp(H1, Y1, WIRE_RST), AT_S(0)), REASON_TCP_NO_SESSION);
	assert_dropped(lab_out(lab, wire_tcp(H1, Y1, WIRE_SYN | WIRE_ACK), AT_S(0)),
		       REASON_TCP_NO_SESSION);
	outcome = lab_out(lab, wire_tcp_with(H1, Y1, ack), AT_S(0));
	assert_rewritten(outcome, REASON_PICKED_UP);
	assert_int_equal(lab_tcp_state(lab, outcome), TCP_ESTABLISHED);
	assert_int_equal(lab_session(lab, outcome)->class, TIMEOUT_TCP_ESTABLISHED);
	lab_check_silent(lab);
}

/* RFC 5382 REQ-5: both ends of a connection that timed out, each in its own numbers. */
static void test_rfc5382_req5rst_ends_of_an_expired_connection_are_told(void **state)
{
	struct lab *lab = *state;
	struct wire w = wire_tcp_with(H1, Y1, (struct wire_tcp){ .flags = WIRE_SYN, .seq = 99 });
	struct endpoint external;

	lab_set(lab, "tcp.expiry", "reset");
	lab_out(lab, w, AT_S(0));
	external = wire_source(w);
	lab_in(lab,
	       wire_tcp_with(
		       Y1, external,
		       (struct wire_tcp){ .flags = WIRE_SYN | WIRE_ACK, .seq = 499, .ack = 100 }),
	       AT_S(0));
	lab_out(lab,
		wire_tcp_with(H1, Y1,
			      (struct wire_tcp){ .flags = WIRE_ACK, .seq = 100, .ack = 500 }),
		AT_S(0));
	lab_open(lab, NAT_TCP, H2, Y1, AT_S(0)); /* one that was never open is not told of */
	nat_tick(&lab->nat, AT_S(7439), 10);
	lab_check_silent(lab);
	nat_tick(&lab->nat, AT_S(7440), 10);
	assert_reset(lab, Y1, H1, 500);
	assert_reset(lab, external, Y1, 100);
	lab_check_silent(lab);
	assert_int_equal(lab->nat.sessions.arena.live, 0);
}

/* The ring is full: they wait, so that none ends without a word. */
static void test_expiry_waits_for_room_to_tell_of_it(void **state)
{
	struct lab *lab = *state;
	struct wire w;

	lab_set(lab, "tcp.expiry", "reset");
	for (unsigned int i = 0; i < 50; i++) {
		struct endpoint external =
			lab_open(lab, NAT_TCP, ep_port(H1, 5000 + i), Y1, AT_S(0));

		lab_in(lab, wire_tcp(Y1, external, WIRE_SYN | WIRE_ACK), AT_S(0));
	}
	nat_tick(&lab->nat, AT_S(7440), 1000);
	assert_int_equal(lab->nat.sessions.arena.live, 50 - OUTPUT_RING / 2);
	for (int i = 0; i < OUTPUT_RING; i++)
		assert_true(lab_output(lab, &w));
	nat_tick(&lab->nat, AT_S(7440), 1000);
	assert_int_equal(lab->nat.sessions.arena.live, 0);
	assert_int_equal(lab->nat.outputs.made, 100);
	assert_int_equal(lab->nat.outputs.lost, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		lab_test(test_rfc5508_req8_refused_host_is_told_as_the_knob_says),
		lab_test(test_rfc6888_req11b_every_refusal_is_told),
		lab_test(test_other_drops_are_silent),
		lab_test(test_longest_quote_makes_576_bytes),
		lab_test(test_rfc5508_req10e_nothing_is_said_about_errors_and_later_fragments),
		lab_test(test_rfc5508_req9_muted_side_hears_nothing),
		lab_test(test_rfc5508_req10f_answers_are_limited_in_rate),
		lab_test(test_full_ring_of_answers_takes_no_more),
		lab_test(test_rfc5382_req5rst_segment_of_no_connection_as_the_knob_says),
		lab_test(test_rfc5382_req5rst_ends_of_an_expired_connection_are_told),
		lab_test(test_expiry_waits_for_room_to_tell_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
