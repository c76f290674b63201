/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RFC 7857 (BCP 127): what experience changed in RFC 4787, 5382 and 5508; and the TCP machine of
 * RFC 6146 that it adapts. Which state a connection is in shows in which of its timers runs:
 * machine_setup() makes them all different.
 */
#include "tests/rfc/flow.h"

enum {
	ESTABLISHED_S = 1000,
	OPENING_S = 110,
	CLOSING_S = 120,
	RESET_S = 130,
	TIME_WAIT_S = 140,
};

static int machine_setup(void **state)
{
	/* clang-format off */
	static const char *const knobs[] = {
		"tcp.timeout-established", "1000s",
		"tcp.timeout-opening", "110s",
		"tcp.timeout-closing", "120s",
		"tcp.timeout-reset", "130s",
		"tcp.timeout-time-wait", "140s",
		"tcp.filtering", "eif",
		NULL
	};
	/* clang-format on */

	*state = lab_open_with(knobs);
	return 0;
}

#define machine_test(f) cmocka_unit_test_setup_teardown(f, machine_setup, lab_teardown)

/* One connection per side that begins it: H1's port tells them apart, the clock goes on. */
static struct endpoint host_of(enum nat_side side)
{
	return ep_port(H1, 5000 + (unsigned int)side);
}

/* --- section 2.2: the machine, row by row --------------------------------------------------- */

static void test_rfc7857_req2_closed_syn_from_inside_opens(void **state)
{
	struct lab *lab = *state;
	struct conn c = conn_of(lab, H1, Y1);

	assert_rewritten(conn_send(&c, I, S, AT_S(0)), REASON_MAPPING_CREATED);
	assert_conn_state(&c, TCP_INTERNAL_SYN);
	assert_conn_ends(&c, AT_S(OPENING_S));
}

/* A mapping of H1 that outlives the test, for strangers to come in by. */
static struct endpoint open_door(struct lab *lab, struct endpoint host, struct mono now)
{
	struct conn door = conn_open(lab, host, ep("198.51.100.77:1"), now);

	return door.external;
}

/* A connection from Y2, its SYN let in at @now. */
static struct conn conn_from_outside(struct lab *lab, struct endpoint host, struct mono now)
{
	struct conn c = conn_of(lab, host, Y2);

	c.external = open_door(lab, host, now);
	assert_rewritten(conn_send(&c, O, S, now), REASON_SESSION_CREATED);
	return c;
}

static void test_rfc7857_req2_closed_syn_from_outside_that_filtering_admits_opens(void **state)
{
	struct lab *lab = *state;
	struct conn c = conn_from_outside(lab, H1, AT_S(0));

	assert_conn_state(&c, TCP_EXTERNAL_SYN);
	assert_conn_ends(&c, AT_S(OPENING_S));
}

/* Whatever is no SYN opens nothing: dropped, no session, from either side. */
static void test_rfc7857_req2_closed_other_segments_are_dropped(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = open_door(lab, H1, AT_S(0));

	for (unsigned int flags = 0; flags < 64; flags++) {
		if ((flags & (S | A | R)) == S)
			continue;
		assert_dropped(lab_out(lab, wire_tcp(H1, Y2, flags), AT_S(1)),
			       REASON_TCP_NO_SESSION);
		assert_dropped(lab_out(lab, wire_tcp(H2, Y2, flags), AT_S(1)),
			       REASON_TCP_NO_SESSION);
		if (flags & R) /* forwarded where a mapping is, see req2c */
			continue;
		assert_dropped(lab_in(lab, wire_tcp(Y2, external, flags), AT_S(1)),
			       REASON_TCP_NO_SESSION);
	}
	assert_int_equal(lab->nat.sessions.arena.live, 1);
}

/* It matches a mapping that filtering lets it reach; there is no session, and it makes none. */
static void test_rfc7857_req2c_reset_that_matches_a_mapping_only_is_forwarded(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = open_door(lab, H1, AT_S(0));
	struct wire w = wire_tcp(Y2, external, R);

	assert_rewritten(lab_in(lab, w, AT_S(1)), REASON_ADMITTED);
	assert_same_endpoint(wire_destination(w), H1);
	assert_int_equal(lab->nat.sessions.arena.live, 1);
	lab_set(lab, "tcp.filtering", "apdf");
	assert_dropped(lab_in(lab, wire_tcp(Y2, external, R), AT_S(1)), REASON_FILTERED);
}

/* "Translate only if a mapping exists and policy says so": the policy is a knob. */
static void test_rfc7857_req2_closed_other_segments_are_picked_up_with_the_knob(void **state)
{
	struct lab *lab = *state;
	struct conn c = conn_of(lab, H1, Y1);

	lab_set(lab, "tcp.non-syn", "pick-up");
	assert_rewritten(conn_send_bytes(&c, I, A | P, 100, AT_S(0)), REASON_PICKED_UP);
	assert_conn_state(&c, TCP_ESTABLISHED);
	conn_data(&c, O, 100, AT_S(1));
	conn_pass(&c, I, F | A, AT_S(2));
	assert_conn_state(&c, TCP_INTERNAL_FIN);
	conn_pass(&c, O, F | A, AT_S(3));
	conn_pass(&c, I, A, AT_S(3));
	assert_conn_ends(&c, AT_S(3 + TIME_WAIT_S));
	/* from outside nothing is */
	assert_int_equal(conn_send(&c, O, A, AT_S(1000)).verdict, NAT_DROPPED);
}

/* Neither opens what a RST breaks off. */
static void test_rfc7857_req2_closed_reset_is_not_picked_up(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "tcp.non-syn", "pick-up");
	assert_dropped(lab_out(lab, wire_tcp(H1, Y1, R), AT_S(0)), REASON_TCP_NO_SESSION);
	assert_dropped(lab_out(lab, wire_tcp(H1, Y1, R | A), AT_S(0)), REASON_TCP_NO_SESSION);
	assert_int_equal(lab->nat.mappings.arena.live, 0);
}

/* CLOSED, and filtering does not admit the SYN: held for six seconds (RFC 5382 REQ-4). */
static void test_rfc7857_req2_closed_syn_that_filtering_does_not_admit_is_held(void **state)
{
	struct lab *lab = *state;
	struct conn c = conn_of(lab, H1, Y2);
	struct wire syn;

	lab_set(lab, "tcp.filtering", "apdf");
	c.external = open_door(lab, H1, AT_S(0));
	assert_dropped(conn_send(&c, O, S, AT_S(1)), REASON_SYN_HELD);
	syn = c.last;
	assert_conn_state(&c, TCP_CLOSED);
	nat_tick(&lab->nat, AT_MS(6999), 100);
	lab_check_silent(lab);
	nat_tick(&lab->nat, AT_S(7), 100);
	lab_take_error(lab, 3, 3, Y2, syn);
}

static void test_rfc7857_req2_i_init_syn_or_syn_ack_from_outside_establishes(void **state)
{
	static const unsigned int answers[] = { S, S | A };
	struct lab *lab = *state;

	for (int i = 0; i < 2; i++) {
		struct conn c = conn_of(lab, H1, Y1);

		conn_pass(&c, I, S, AT_S(10000 * i));
		conn_pass(&c, O, answers[i], AT_S(10000 * i + 50));
		assert_conn_state(&c, TCP_ESTABLISHED);
		assert_conn_ends(&c, AT_S(10000 * i + 50 + ESTABLISHED_S));
	}
}

static void test_rfc7857_req2_i_init_syn_again_from_inside_restarts_the_time(void **state)
{
	struct lab *lab = *state;
	struct conn c = conn_of(lab, H1, Y1);

	conn_pass(&c, I, S, AT_S(0));
	for (int t = 10; t <= 90; t += 40) {
		c.next[I] = 1000;
		conn_pass(&c, I, S, AT_S(t));
	}
	assert_conn_state(&c, TCP_INTERNAL_SYN);
	assert_conn_ends(&c, AT_S(90 + OPENING_S));
}

/* The table is silent on the rest: translated, and nothing changes. */
static void test_rfc7857_req2_i_init_other_segments_change_nothing(void **state)
{
	static const unsigned int others[] = { 0, A, P | A, F, F | A };
	struct lab *lab = *state;
	struct conn c = conn_of(lab, H1, Y1);

	conn_pass(&c, I, S, AT_S(0));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		conn_pass(&c, I, others[i], AT_S(50));
		conn_pass(&c, O, others[i], AT_S(50));
		assert_conn_state(&c, TCP_INTERNAL_SYN);
	}
	assert_conn_ends(&c, AT_S(OPENING_S));
}

/* Decided: a connection that is refused while it opens looks refused, and gets no more time. */
static void test_rfc7857_req2_i_init_reset_leads_to_trans(void **state)
{
	struct lab *lab = *state;
	struct conn c = conn_of(lab, H1, Y1);

	conn_pass(&c, I, S, AT_S(0));
	assert_rewritten(
		conn_send_raw(&c, O, (struct wire_tcp){ .flags = R | A, .ack = 1001 }, AT_S(5)),
		REASON_TRANSLATED);
	assert_conn_state(&c, TCP_TRANS);
	/* the next try is a connection as any other */
	c.next[I] = 5000;
	conn_pass(&c, I, S, AT_S(6));
	conn_pass(&c, O, S | A, AT_S(6));
	assert_conn_state(&c, TCP_ESTABLISHED);
	assert_conn_ends(&c, AT_S(6 + ESTABLISHED_S));
}

static void test_rfc7857_req2_o_init_syn_or_syn_ack_from_inside_establishes(void **state)
{
	static const unsigned int answers[] = { S, S | A };
	struct lab *lab = *state;

	for (int i = 0; i < 2; i++) {
		struct conn c = conn_from_outside(lab, H1, AT_S(10000 * i));

		conn_pass(&c, I, answers[i], AT_S(10000 * i + 50));
		assert_conn_state(&c, TCP_ESTABLISHED);
		assert_conn_ends(&c, AT_S(10000 * i + 50 + ESTABLISHED_S));
	}
}

/* A stranger's SYN that comes again is translated, but buys no time (section 7). */
static void test_rfc7857_req2_o_init_syn_again_from_outside_restarts_nothing(void **state)
{
	struct lab *lab = *state;
	struct conn c = conn_from_outside(lab, H1, AT_S(0));

	for (int t = 10; t < OPENING_S; t += 10) {
		c.next[O] = 700000;
		assert_rewritten(conn_send(&c, O, S, AT_S(t)), REASON_TRANSLATED);
	}
	assert_conn_state(&c, TCP_EXTERNAL_SYN);
	assert_conn_ends(&c, AT_S(OPENING_S));
}

/* O-INIT under APDF: sent again while held, it changes nothing and does not get through. */
static void test_rfc7857_req2_o_init_held_syn_again_is_not_translated(void **state)
{
	static const char *const filtering[] = { "adf", "apdf" };
	struct lab *lab = *state;

	for (unsigned int i = 0; i < 2; i++) {
		int start = 100 * (int)i;
		struct conn c = conn_of(lab, ep_port(H1, 5000 + i), Y2);

		lab_set(lab, "tcp.filtering", filtering[i]);
		c.external = open_door(lab, c.host, AT_S(start));
		for (int s = 1; s < 7; s++) {
			assert_int_equal(conn_send(&c, O, S, AT_S(start + s)).verdict, NAT_DROPPED);
			nat_tick(&lab->nat, AT_S(start + s), 100);
			lab_check_silent(lab);
		}
		nat_tick(&lab->nat, AT_S(start + 7), 100);
		lab_take_error(lab, 3, 3, Y2, c.last);
	}
}

/* "Unchanged": the FIN moves the state, and the time goes on from the packet before it. */
static void test_rfc7857_req2_established_fin_leaves_the_time_unchanged(void **state)
{
	struct lab *lab = *state;

	for (int side = I; side <= O; side++) {
		enum nat_side from = (enum nat_side)side;
		struct conn c = conn_open(lab, host_of(from), Y1, AT_S(10000 * side));

		conn_pass(&c, from, F | A, AT_S(10000 * side + 400));
		assert_conn_state(&c, from == I ? TCP_INTERNAL_FIN : TCP_EXTERNAL_FIN);
		assert_conn_ends(&c, AT_S(10000 * side + ESTABLISHED_S));
	}
}

static void test_rfc7857_req2_established_reset_leads_to_trans(void **state)
{
	struct lab *lab = *state;

	for (int side = I; side <= O; side++) {
		enum nat_side from = (enum nat_side)side;
		struct conn c = conn_open(lab, host_of(from), Y1, AT_S(10000 * side));

		conn_pass(&c, from, R, AT_S(10000 * side + 400));
		assert_conn_state(&c, TCP_TRANS);
		assert_conn_ends(&c, AT_S(10000 * side + 400 + RESET_S));
	}
}

static void test_rfc7857_req2_established_anything_else_restarts_the_time(void **state)
{
	static const unsigned int others[] = { 0, S, A, S | A, P | A, A | 0x20, A | 0xc0 };
	struct lab *lab = *state;
	int start = 0;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		for (int side = I; side <= O; side++, start += 10000) {
			struct conn c = conn_open(lab, H1, Y1, AT_S(start));

			conn_pass(&c, (enum nat_side)side, others[i], AT_S(start + 400));
			assert_conn_state(&c, TCP_ESTABLISHED);
			assert_conn_ends(&c, AT_S(start + 400 + ESTABLISHED_S));
		}
	}
}

/* The simple form: no probe, the connection is over. */
static void test_rfc7857_req2_established_timeout_closes(void **state)
{
	struct lab *lab = *state;
	struct conn c = conn_open(lab, H1, Y1, AT_S(0));

	nat_tick(&lab->nat, AT_MS(ESTABLISHED_S * 1000 - 1), 100);
	assert_int_equal(lab->nat.sessions.arena.live, 1);
	nat_tick(&lab->nat, AT_S(ESTABLISHED_S), 100);
	assert_int_equal(lab->nat.sessions.arena.live, 0);
	assert_int_equal(lab->nat.mappings.arena.live, 0);
	assert_dropped(conn_send(&c, I, A, AT_S(ESTABLISHED_S)), REASON_TCP_NO_SESSION);
}

static void test_rfc7857_req2_one_fin_then_the_other_closes(void **state)
{
	struct lab *lab = *state;

	for (int side = I; side <= O; side++) {
		enum nat_side first = (enum nat_side)side;
		struct conn c = conn_open(lab, host_of(first), Y1, AT_S(10000 * side));

		conn_pass(&c, first, F | A, AT_S(10000 * side + 1));
		/* acknowledges nothing, so that this is closing and not yet TIME_WAIT */
		conn_pass(&c, other_side(first), F, AT_S(10000 * side + 500));
		assert_conn_state(&c, TCP_BOTH_FIN);
		assert_conn_ends(&c, AT_S(10000 * side + 500 + CLOSING_S));
	}
}

static void test_rfc7857_req2_one_fin_anything_else_restarts_the_time(void **state)
{
	static const unsigned int others[] = { 0, S, A, S | A, P | A };
	struct lab *lab = *state;
	int start = 0;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		for (int k = 0; k < 4; k++, start += 10000) {
			enum nat_side first = k & 1 ? O : I, from = k & 2 ? O : I;
			struct conn c = conn_open(lab, H1, Y1, AT_S(start));
			enum tcp_state half = first == I ? TCP_INTERNAL_FIN : TCP_EXTERNAL_FIN;

			conn_pass(&c, first, F | A, AT_S(start));
			conn_pass(&c, from, others[i], AT_S(start + 600));
			assert_conn_state(&c, half);
			assert_conn_ends(&c, AT_S(start + 600 + ESTABLISHED_S));
		}
	}
}

/* Both closed, no acknowledgment seen. */
static struct conn conn_closing(struct lab *lab, struct mono now)
{
	struct conn c = conn_open(lab, H1, Y1, now);

	conn_pass(&c, I, F, now);
	conn_pass(&c, O, F, now);
	assert_conn_state(&c, TCP_BOTH_FIN);
	return c;
}

static void test_rfc7857_req2_both_fin_any_packet_is_translated_and_restarts_nothing(void **state)
{
	struct lab *lab = *state;
	struct conn c = conn_closing(lab, AT_S(0));

	for (unsigned int flags = 0; flags < 64; flags++) {
		if ((flags & (S | A | R)) == S)
			continue; /* opens the next connection */
		for (int side = I; side <= O; side++) {
			/* acknowledges all but the other side's FIN */
			const struct wire_tcp t = { .flags = flags,
						    .seq = c.next[side],
						    .ack = c.next[!side] - 1 };

			assert_rewritten(conn_send_raw(&c, (enum nat_side)side, t, AT_S(flags)),
					 REASON_TRANSLATED);
		}
	}
	assert_conn_state(&c, TCP_BOTH_FIN);
	assert_conn_ends(&c, AT_S(CLOSING_S));
}

static void test_rfc7857_req2_both_fin_syn_then_syn_ack_establishes(void **state)
{
	struct lab *lab = *state;

	for (int side = I; side <= O; side++) {
		enum nat_side from = (enum nat_side)side;
		struct conn c = conn_closing(lab, AT_S(10000 * side));

		c.next[from] += 100000;
		conn_pass(&c, from, S, AT_S(10000 * side + 10));
		assert_conn_state(&c, from == I ? TCP_INTERNAL_SYN : TCP_EXTERNAL_SYN);
		c.next[other_side(from)] += 200000;
		conn_pass(&c, other_side(from), S | A, AT_S(10000 * side + 20));
		assert_conn_state(&c, TCP_ESTABLISHED);
		assert_conn_ends(&c, AT_S(10000 * side + 20 + ESTABLISHED_S));
	}
}

/* Both FINs acknowledged: TIME_WAIT, its own timer, from the last acknowledgment on. */
static void test_rfc7857_req2_both_fin_acknowledged_is_time_wait(void **state)
{
	struct lab *lab = *state;
	struct conn c = conn_open(lab, H1, Y1, AT_S(0));

	conn_pass(&c, O, F | A, AT_S(1));
	conn_pass(&c, I, F | A, AT_S(2));
	conn_pass(&c, O, A, AT_S(10));
	assert_conn_state(&c, TCP_TIME_WAIT);
	for (int t = 11; t < 10 + TIME_WAIT_S; t += 5) {
		conn_pass(&c, I, A, AT_S(t));
		conn_pass(&c, O, A, AT_S(t));
	}
	assert_conn_ends(&c, AT_S(10 + TIME_WAIT_S));
}

static struct conn conn_reset(struct lab *lab, struct mono now)
{
	struct conn c = conn_open(lab, H1, Y1, now);

	conn_pass(&c, O, R, now);
	assert_conn_state(&c, TCP_TRANS);
	return c;
}

static void test_rfc7857_req2_trans_anything_but_syn_and_reset_establishes(void **state)
{
	static const unsigned int others[] = { 0, A, P | A, S | A, F | A };
	struct lab *lab = *state;
	int start = 0;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		for (int side = I; side <= O; side++, start += 10000) {
			struct conn c = conn_reset(lab, AT_S(start));

			conn_pass(&c, (enum nat_side)side, others[i], AT_S(start + 90));
			assert_conn_state(&c, TCP_ESTABLISHED);
			assert_conn_ends(&c, AT_S(start + 90 + ESTABLISHED_S));
		}
	}
}

/* Where natem is stricter than the table: a SYN after a reset opens a new connection. */
static void test_rfc7857_req2_trans_syn_opens_a_new_connection(void **state)
{
	struct lab *lab = *state;
	struct conn c = conn_reset(lab, AT_S(0));

	c.next[I] += 100000;
	conn_pass(&c, I, S, AT_S(10));
	assert_conn_state(&c, TCP_INTERNAL_SYN);
	assert_conn_ends(&c, AT_S(10 + OPENING_S));
}

static void test_rfc7857_req2_trans_reset_changes_nothing(void **state)
{
	struct lab *lab = *state;
	struct conn c = conn_reset(lab, AT_S(0));

	for (int t = 10; t < RESET_S; t += 10) {
		conn_pass(&c, I, R, AT_S(t));
		conn_pass(&c, O, R, AT_S(t));
	}
	assert_conn_state(&c, TCP_TRANS);
	assert_conn_ends(&c, AT_S(RESET_S));
}

static void test_rfc7857_req2_trans_timeout_closes(void **state)
{
	struct lab *lab = *state;
	struct conn c = conn_reset(lab, AT_S(0));

	nat_tick(&lab->nat, AT_S(RESET_S), 100);
	assert_int_equal(lab->nat.mappings.arena.live, 0);
	assert_dropped(conn_send(&c, O, A, AT_S(RESET_S)), REASON_NO_MAPPING);
}

/* --- section 2.1: timers -------------------------------------------------------------------- */

static void test_rfc7857_req2a_opening_and_closing_have_timers_of_their_own(void **state)
{
	struct lab *lab = *state;
	struct conn c = conn_of(lab, H1, Y1);

	lab_set(lab, "tcp.timeout-opening", "30s");
	lab_set(lab, "tcp.timeout-closing", "240s");
	conn_pass(&c, I, S, AT_S(0));
	assert_conn_ends(&c, AT_S(30));
	c = conn_open(lab, H1, Y1, AT_S(100));
	conn_pass(&c, I, F, AT_S(110));
	conn_pass(&c, O, F, AT_S(120));
	assert_conn_ends(&c, AT_S(360));
	lab_set(lab, "tcp.timeout-opening", "240s");
	lab_set(lab, "tcp.timeout-closing", "30s");
	c = conn_of(lab, H1, Y1);
	conn_pass(&c, I, S, AT_S(1000));
	assert_conn_ends(&c, AT_S(1240));
	c = conn_open(lab, H1, Y1, AT_S(2000));
	conn_pass(&c, I, F, AT_S(2010));
	conn_pass(&c, O, F, AT_S(2020));
	assert_conn_ends(&c, AT_S(2050));
}

static void test_rfc7857_req2b_transitory_time_is_four_minutes_by_default(void **state)
{
	struct lab *lab = *state;
	struct conn c = conn_of(lab, H1, Y1);

	conn_pass(&c, I, S, AT_S(0));
	assert_conn_ends(&c, AT_S(240));
	c = conn_open(lab, H1, Y1, AT_S(300));
	conn_close(&c, I, AT_S(300));
	assert_conn_ends(&c, AT_S(540));
}

static void test_rfc7857_req2b_opening_may_be_shorter(void **state)
{
	struct lab *lab = *state;
	struct conn c = conn_of(lab, H1, Y1);

	lab_set(lab, "tcp.timeout-transitory", "30s");
	conn_pass(&c, I, S, AT_S(0));
	assert_conn_ends(&c, AT_S(30));
}

static void test_rfc7857_req2b_opening_timer_may_be_below_four_minutes(void **state)
{
	struct lab *lab = *state;
	struct conn c = conn_of(lab, H1, Y1);

	lab_set(lab, "tcp.timeout-opening", "30s");
	conn_pass(&c, I, S, AT_S(0));
	assert_conn_ends(&c, AT_S(30));
	c = conn_open(lab, H1, Y1, AT_S(100));
	conn_close(&c, I, AT_S(100));
	assert_conn_ends(&c, AT_S(340)); /* the rest stays at four minutes */
}

/* --- section 2.2: resets -------------------------------------------------------------------- */

static void test_rfc7857_req2c_reset_from_either_side_is_forwarded(void **state)
{
	static const unsigned int resets[] = { R, R | A };
	struct lab *lab = *state;
	unsigned int port = 5000;

	for (int side = I; side <= O; side++) {
		for (int i = 0; i < 2; i++, port++) {
			struct conn c = conn_open(lab, ep_port(H1, port), Y1, AT_S(0));

			assert_rewritten(conn_send(&c, (enum nat_side)side, resets[i], AT_S(0)),
					 REASON_TRANSLATED);
			assert_int_equal(c.last.at[WIRE_IP + 13], resets[i]);
		}
	}
}

/* In every state there is: what is refused, and what is broken off late. */
static void test_rfc7857_req2c_reset_is_forwarded_in_every_state(void **state)
{
	struct lab *lab = *state;
	struct conn c = conn_of(lab, ep_port(H1, 6001), Y1);

	conn_pass(&c, I, S, AT_S(0));
	assert_rewritten(
		conn_send_raw(&c, O, (struct wire_tcp){ .flags = R | A, .ack = 1001 }, AT_S(0)),
		REASON_TRANSLATED);
	for (int side = I; side <= O; side++) {
		enum nat_side from = (enum nat_side)side;

		c = conn_open(lab, host_of(from), Y1, AT_S(0));
		conn_pass(&c, I, F | A, AT_S(0));
		assert_rewritten(conn_send(&c, from, R, AT_S(0)), REASON_TRANSLATED);
		assert_rewritten(conn_send(&c, from, R, AT_S(0)), REASON_TRANSLATED);
		c = conn_open(lab, host_of(from), Y2, AT_S(0));
		conn_close(&c, I, AT_S(0));
		assert_rewritten(conn_send(&c, from, R, AT_S(0)), REASON_TRANSLATED);
	}
}

/* One that filtering does not admit, or that is for nobody, matches no mapping. */
static void test_rfc7857_req2c_reset_of_no_connection_is_dropped(void **state)
{
	struct lab *lab = *state;
	struct conn c = conn_open(lab, H1, Y1, AT_S(0));

	assert_int_equal(lab_in(lab, wire_tcp(Y2, c.external, R), AT_S(0)).verdict, NAT_DROPPED);
	assert_dropped(lab_in(lab, wire_tcp(Y1, ep_port(c.external, 9), R), AT_S(0)),
		       REASON_NO_MAPPING);
	assert_conn_state(&c, TCP_ESTABLISHED);
}

static void test_rfc7857_req2d_reset_leaves_four_minutes(void **state)
{
	struct lab *lab = *state;

	for (int side = I; side <= O; side++) {
		struct conn c = conn_open(lab, host_of((enum nat_side)side), Y1, AT_S(1000 * side));

		conn_pass(&c, (enum nat_side)side, R, AT_S(1000 * side + 10));
		assert_conn_ends(&c, AT_S(1000 * side + 250));
	}
}

/* pf gives ninety seconds, Linux ten. */
static void test_rfc7857_req2d_how_long_is_a_knob(void **state)
{
	struct lab *lab = *state;
	struct conn c;

	lab_set(lab, "tcp.timeout-reset", "10s");
	c = conn_open(lab, H1, Y1, AT_S(0));
	conn_pass(&c, O, R, AT_S(1));
	assert_conn_ends(&c, AT_S(11));
}

static void test_rfc7857_req2d_data_within_them_revives_the_session(void **state)
{
	struct lab *lab = *state;

	for (int side = I; side <= O; side++) {
		enum nat_side from = (enum nat_side)side;
		struct conn c = conn_open(lab, host_of(from), Y1, AT_S(100000 * side));

		conn_pass(&c, other_side(from), R, AT_S(100000 * side + 10));
		conn_data(&c, from, 100, AT_S(100000 * side + 249));
		assert_conn_state(&c, TCP_ESTABLISHED);
		assert_conn_ends(&c, AT_S(100000 * side + 249 + 7440));
	}
}

/* Of a half-closed connection too: four minutes, not two hours. */
static void test_rfc7857_req2d_reset_after_a_fin_leaves_four_minutes(void **state)
{
	struct lab *lab = *state;

	for (int side = I; side <= O; side++) {
		struct conn c = conn_open(lab, host_of((enum nat_side)side), Y1, AT_S(1000 * side));

		conn_pass(&c, I, F | A, AT_S(1000 * side));
		conn_pass(&c, (enum nat_side)side, R | A, AT_S(1000 * side + 10));
		assert_conn_ends(&c, AT_S(1000 * side + 250));
	}
}

/* --- section 2.2: resets that belong to nobody ---------------------------------------------- */

/* The window that each side of wire_tcp() offers. */
enum { WINDOW = 0xfaf0 };

static void send_reset(struct conn *c, enum nat_side from, uint32_t seq, struct mono now)
{
	const struct wire_tcp t = { .flags = R, .seq = seq };

	assert_rewritten(conn_send_raw(c, from, t, now), REASON_TRANSLATED);
}

static void test_rfc7857_req2e_reset_outside_the_window_changes_nothing(void **state)
{
	static const int64_t outside[] = { -1, -100, WINDOW + 1, 1 << 20, INT32_MIN };
	struct lab *lab = *state;

	for (int side = I; side <= O; side++) {
		enum nat_side from = (enum nat_side)side;
		struct conn c = conn_open(lab, host_of(from), Y1, AT_S(10000 * side));

		for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++) {
			send_reset(&c, from, c.next[from] + (uint32_t)outside[i],
				   AT_S(10000 * side + 100));
			assert_conn_state(&c, TCP_ESTABLISHED);
		}
		assert_conn_ends(&c, AT_S(10000 * side + 7440)); /* not even its time */
	}
}

static void test_rfc7857_req2e_reset_inside_the_window_counts(void **state)
{
	static const uint32_t inside[] = { 0, 1, 1000, WINDOW - 1 };
	struct lab *lab = *state;
	unsigned int port = 5000;

	for (int side = I; side <= O; side++) {
		for (size_t i = 0; i < sizeof(inside) / sizeof(inside[0]); i++, port++) {
			struct conn c = conn_open(lab, ep_port(H1, port), Y1, AT_S(0));

			send_reset(&c, (enum nat_side)side, c.next[side] + inside[i], AT_S(0));
			assert_conn_state(&c, TCP_TRANS);
		}
	}
}

/* The window moves with what is acknowledged: yesterday's sequence numbers are outside. */
static void test_rfc7857_req2e_window_moves_on(void **state)
{
	struct lab *lab = *state;
	struct conn c = conn_open(lab, H1, Y1, AT_S(0));
	uint32_t old = c.next[O];

	for (int i = 0; i < 10; i++) {
		conn_data(&c, O, 1400, AT_S(1));
		conn_pass(&c, I, A, AT_S(1));
	}
	send_reset(&c, O, old, AT_S(2));
	assert_conn_state(&c, TCP_ESTABLISHED);
	send_reset(&c, O, c.next[O], AT_S(2));
	assert_conn_state(&c, TCP_TRANS);
}

/* A SYN or SYN-ACK that offers to scale its windows by 2^7, and the rest of the handshake. */
static struct conn conn_open_scaled(struct lab *lab, enum nat_side only, bool both)
{
	static const uint8_t scale[] = { 1, 3, 3, 7 };
	struct conn c = conn_of(lab, host_of(both ? I : O), Y1);

	for (int side = I; side <= O; side++) {
		const struct wire_tcp t = { .flags = side == I ? S : S | A,
					    .seq = c.next[side],
					    .ack = side == I ? 0 : c.next[I],
					    .options = sizeof(scale) };
		struct wire w = side == I ? wire_tcp_with(c.host, c.remote, t)
					  : wire_tcp_with(c.remote, c.external, t);

		if (both || side == (int)only)
			memcpy(w.at + WIRE_IP + WIRE_TCP, scale, sizeof(scale));
		wire_fix(w);
		assert_int_equal(lab_packet(lab, w, false, (enum nat_side)side, AT_S(0)).verdict,
				 NAT_REWRITTEN);
		if (side == I)
			c.external = wire_source(w);
		c.next[side]++;
	}
	conn_pass(&c, I, A, AT_S(0));
	conn_pass(&c, O, A, AT_S(0));
	return c;
}

/* RFC 7323: windows are scaled if both sides said so. */
static void test_rfc7857_req2e_window_is_scaled_if_both_sides_agreed(void **state)
{
	struct lab *lab = *state;

	for (int side = I; side <= O; side++) {
		enum nat_side from = (enum nat_side)side;
		struct conn c = conn_open_scaled(lab, I, true);

		send_reset(&c, from, c.next[from] + (WINDOW << 7) + 1, AT_S(0));
		assert_conn_state(&c, TCP_ESTABLISHED);
		send_reset(&c, from, c.next[from] + (WINDOW << 7) - 1, AT_S(0));
		assert_conn_state(&c, TCP_TRANS);
		lab_set(lab, "nat.external", "203.0.113.2"); /* clears the table */
		lab_set(lab, "nat.external", "203.0.113.1");
		c = conn_open_scaled(lab, from, false);
		send_reset(&c, O, c.next[O] + WINDOW + 1, AT_S(0));
		send_reset(&c, I, c.next[I] + WINDOW + 1, AT_S(0));
		assert_conn_state(&c, TCP_ESTABLISHED);
		lab_set(lab, "nat.external", "203.0.113.2");
		lab_set(lab, "nat.external", "203.0.113.1");
	}
}

/* Off-path: a RST to a connection that opens must acknowledge its SYN. */
static void test_rfc7857_req2e_reset_of_an_opening_must_acknowledge_its_syn(void **state)
{
	struct lab *lab = *state;
	struct conn c = conn_of(lab, H1, Y1);

	conn_pass(&c, I, S, AT_S(0));
	send_reset(&c, O, 1001, AT_S(1));
	assert_conn_state(&c, TCP_INTERNAL_SYN);
	conn_send_raw(&c, O, (struct wire_tcp){ .flags = R | A, .ack = 999 }, AT_S(1));
	assert_conn_state(&c, TCP_INTERNAL_SYN);
	conn_send_raw(&c, O, (struct wire_tcp){ .flags = R | A, .ack = 1002 }, AT_S(1));
	assert_conn_state(&c, TCP_INTERNAL_SYN);
	conn_send_raw(&c, O, (struct wire_tcp){ .flags = R | A, .ack = 1001 }, AT_S(1));
	assert_conn_state(&c, TCP_TRANS);
}

/* Of two SYNs it is the last: the first attempt was given up. */
static void test_rfc7857_req2e_reset_must_acknowledge_the_last_syn(void **state)
{
	static const uint32_t first[] = { 500000, 0x70000000 };
	struct lab *lab = *state;

	for (unsigned int i = 0; i < 2; i++) {
		struct conn c = conn_of(lab, ep_port(H1, 5000 + i), Y1);

		conn_send_raw(&c, I, (struct wire_tcp){ .flags = S, .seq = first[i] }, AT_S(i));
		conn_send_raw(&c, I, (struct wire_tcp){ .flags = S, .seq = 1000 }, AT_S(i));
		conn_send_raw(&c, O, (struct wire_tcp){ .flags = R | A, .ack = first[i] + 1 },
			      AT_S(i));
		assert_conn_state(&c, TCP_INTERNAL_SYN);
		conn_send_raw(&c, O, (struct wire_tcp){ .flags = R | A, .ack = 1002 }, AT_S(i));
		assert_conn_state(&c, TCP_INTERNAL_SYN);
		conn_send_raw(&c, O, (struct wire_tcp){ .flags = R | A, .ack = 1001 }, AT_S(i));
		assert_conn_state(&c, TCP_TRANS);
	}
}

static void test_rfc7857_req2e_check_may_be_off(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "tcp.rst-check", "off");
	for (int side = I; side <= O; side++) {
		struct conn c = conn_open(lab, host_of((enum nat_side)side), Y1, AT_S(0));

		send_reset(&c, (enum nat_side)side, c.next[side] + (1 << 24), AT_S(0));
		assert_conn_state(&c, TCP_TRANS);
	}
}

/* --- section 3: port overlapping ------------------------------------------------------------ */

/* Both hosts ask for the port they have: 5000. */
static void overlap_setup(struct lab *lab, enum nat_protocol p, const char *overlap)
{
	rfc_set(lab, p, "ports", "preserve");
	rfc_set(lab, p, "mapping", "apdm");
	rfc_set(lab, p, "port-overlap", overlap);
}

static void test_rfc7857_req3_port_is_shared_towards_different_remotes(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p <= NAT_ICMP; p++) {
		struct endpoint a, b;
		struct wire w;

		overlap_setup(lab, p, "on");
		a = lab_open(lab, p, H1, Y1, AT_S(0));
		b = lab_open(lab, p, H2, Y2, AT_S(0));
		assert_same_endpoint(a, b);
		/* each gets what is its own */
		w = p == NAT_TCP ? wire_tcp(Y1, a, S | A) : lab_probe(p, Y1, a);
		assert_int_equal(lab_in(lab, w, AT_S(0)).verdict, NAT_REWRITTEN);
		assert_same_endpoint(wire_destination(w), H1);
		w = p == NAT_TCP ? wire_tcp(Y2, b, S | A) : lab_probe(p, Y2, b);
		assert_int_equal(lab_in(lab, w, AT_S(0)).verdict, NAT_REWRITTEN);
		assert_same_endpoint(wire_destination(w), H2);
	}
}

static void test_rfc7857_req3_port_is_not_shared_towards_one_remote(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p <= NAT_ICMP; p++) {
		overlap_setup(lab, p, "on");
		assert_int_not_equal(lab_open(lab, p, H1, Y1, AT_S(0)).port,
				     lab_open(lab, p, H2, Y1, AT_S(0)).port);
	}
}

static void test_rfc7857_req3_no_port_is_shared_by_default(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p <= NAT_ICMP; p++) {
		overlap_setup(lab, p, "off");
		assert_int_not_equal(lab_open(lab, p, H1, Y1, AT_S(0)).port,
				     lab_open(lab, p, H2, Y2, AT_S(0)).port);
	}
}

/* Where H1 then turns to H2's remote, its shared port will not do there: so no strict EIM. */
static void test_rfc7857_req3_shared_port_costs_endpoint_independence(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p <= NAT_TCP; p++) {
		struct endpoint shared, other;

		rfc_set(lab, p, "ports", "preserve");
		rfc_set(lab, p, "port-overlap", "on");
		shared = lab_open(lab, p, H1, Y1, AT_S(0));
		assert_same_endpoint(lab_open(lab, p, H2, Y2, AT_S(0)), shared);
		other = lab_open(lab, p, H1, Y2, AT_S(0));
		assert_int_not_equal(other.port, shared.port);
		/* all three go on as they began */
		assert_same_endpoint(lab_open(lab, p, H1, Y1, AT_S(1)), shared);
		assert_same_endpoint(lab_open(lab, p, H2, Y2, AT_S(1)), shared);
		assert_same_endpoint(lab_open(lab, p, H1, Y2, AT_S(1)), other);
	}
}

/* Who may be meant by a stranger's packet, where several share the port? Refused together. */
static void test_rfc7857_req3_is_refused_with_endpoint_independent_filtering(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p <= NAT_ICMP; p++) {
		char why[512] = "", key[64], filtering[64];
		struct options o = lab->options;

		snprintf(key, sizeof(key), "%s.port-overlap", nat_protocol_name(p));
		snprintf(filtering, sizeof(filtering), "%s.filtering", nat_protocol_name(p));
		lab_value(&o, key, "on");
		assert_int_equal(options_check(&o, why, sizeof(why)), 0);
		lab_value(&o, filtering, "eif");
		assert_int_not_equal(options_check(&o, why, sizeof(why)), 0);
		assert_non_null(strstr(why, key));
		assert_non_null(strstr(why, filtering));
	}
}

/* --- section 4: address pooling ------------------------------------------------------------- */

/* Fill the two ports that H1's address has; what it got. */
static struct endpoint fill_first_address(struct lab *lab)
{
	struct endpoint external;

	lab_set(lab, "nat.external", "203.0.113.1-203.0.113.2");
	lab_set(lab, "udp.port-range", "5000-5001");
	external = lab_open(lab, NAT_UDP, ep_port(H1, 6001), Y1, AT_S(0));
	assert_same_endpoint(without_port(lab_open(lab, NAT_UDP, ep_port(H1, 6002), Y1, AT_S(0))),
			     without_port(external));
	return without_port(external);
}

static void test_rfc7857_req4_paired_host_out_of_ports_is_refused(void **state)
{
	struct lab *lab = *state;

	fill_first_address(lab);
	assert_dropped(lab_out(lab, wire_udp(ep_port(H1, 6003), Y1), AT_S(0)),
		       REASON_PORTS_EXHAUSTED);
	/* what is open goes on */
	assert_rewritten(lab_out(lab, wire_udp(ep_port(H1, 6001), Y2), AT_S(0)),
			 REASON_SESSION_CREATED);
}

static void test_rfc7857_req4_soft_paired_host_moves_to_another_address(void **state)
{
	struct lab *lab = *state;
	struct endpoint first, second;

	lab_set(lab, "nat.pooling", "soft-paired");
	first = fill_first_address(lab);
	second = lab_open(lab, NAT_UDP, ep_port(H1, 6003), Y1, AT_S(0));
	assert_int_not_equal(addr_ip4(&first.addr), addr_ip4(&second.addr));
	lab_open(lab, NAT_UDP, ep_port(H1, 6004), Y1, AT_S(0));
	assert_dropped(lab_out(lab, wire_udp(ep_port(H1, 6005), Y1), AT_S(0)),
		       REASON_PORTS_EXHAUSTED);
}

/* --- sections 5 and 6: each protocol by itself ---------------------------------------------- */

static void test_rfc7857_req5_mapping_of_one_protocol_is_none_of_another(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p <= NAT_ICMP; p++) {
		struct rfc_flow f = flow_open(lab, p, H1, Y1, AT_S(0));

		for (enum nat_protocol other = NAT_UDP; other <= NAT_ICMP; other++)
			if (other != p)
				assert_int_equal(mapping_find_external(&lab->nat.mappings, other,
								       &f.external),
						 NAT_NONE);
		assert_int_equal(f.outcome.reason, REASON_MAPPING_CREATED);
	}
	assert_int_equal(lab->nat.mappings.arena.live, 3);
}

/* What is drawn for UDP says nothing of TCP: over many hosts they differ. */
static void test_rfc7857_req5_ports_are_drawn_for_each_protocol(void **state)
{
	struct lab *lab = *state;
	int differ = 0;

	for (unsigned int i = 0; i < 50; i++) {
		struct endpoint host = ep_port(H1, 5000 + i);

		differ += lab_open(lab, NAT_UDP, host, Y1, AT_S(0)).port !=
			  lab_open(lab, NAT_TCP, host, Y1, AT_S(0)).port;
	}
	assert_in_range(differ, 49, 50);
}

/* And each protocol's mapping knob is its own. */
static void test_rfc7857_req5_mapping_behavior_is_set_for_each_protocol(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol one = NAT_UDP; one <= NAT_ICMP; one++) {
		rfc_set(lab, one, "mapping", "apdm");
		for (enum nat_protocol p = NAT_UDP; p <= NAT_ICMP; p++) {
			struct endpoint host = ep_port(H1, 6000 + one), external;

			external = lab_open(lab, p, host, Y1, AT_S(0));
			if (p == one)
				assert_int_not_equal(lab_open(lab, p, host, Y2, AT_S(0)).port,
						     external.port);
			else
				assert_same_endpoint(lab_open(lab, p, host, Y2, AT_S(0)), external);
		}
		rfc_set(lab, one, "mapping", "eim");
	}
}

/* The knob that the section allows: one external endpoint for both, for as long as either lives. */
static void test_rfc7857_req5_shared_scope_gives_both_protocols_one_endpoint(void **state)
{
	struct lab *lab = *state;
	struct endpoint udp, tcp;

	lab_set(lab, "nat.protocol-scope", "shared");
	udp = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	tcp = lab_open(lab, NAT_TCP, H1, Y2, AT_S(1));
	assert_same_endpoint(tcp, udp);
	for (unsigned int i = 0; i < 50; i++)
		assert_int_not_equal(
			lab_open(lab, NAT_TCP, ep_port(H2, 6000 + i), Y1, AT_S(1)).port, udp.port);
	assert_true(lab_comes_in(lab, NAT_UDP, Y1, udp, H1, AT_S(2)));
	/* TCP's ends first; the port is UDP's still. */
	nat_tick(&lab->nat, AT_S(250), UINT32_MAX);
	assert_int_equal(lab->nat.mappings.arena.live, 1);
	assert_consistent(&lab->nat);
	assert_same_endpoint(lab_open(lab, NAT_TCP, H1, Y2, AT_S(251)), udp);
	lab_set(lab, "nat.protocol-scope", "per-protocol");
	assert_true(lab_comes_in(lab, NAT_UDP, Y1, udp, H1, AT_S(252)));
}

static void test_rfc7857_req6_mapping_of_one_protocol_lets_no_other_in(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "nat.preset", "full-cone");
	for (enum nat_protocol p = NAT_UDP; p <= NAT_ICMP; p++) {
		struct endpoint external = lab_open(lab, p, H1, Y1, AT_S(100 * p));

		for (enum nat_protocol other = NAT_UDP; other <= NAT_ICMP; other++)
			assert_int_equal(lab_comes_in(lab, other, Y2, external, H1, AT_S(100 * p)),
					 other == p);
		nat_tick(&lab->nat, AT_S(100 * (int)p), 100);
		lab_set(lab, "nat.external", "203.0.113.2"); /* clears the table */
		lab_set(lab, "nat.external", "203.0.113.1");
	}
}

static void test_rfc7857_req6_shared_scope_lets_the_other_protocol_in(void **state)
{
	struct lab *lab = *state;
	struct endpoint udp;
	struct wire w;

	lab_set(lab, "nat.protocol-scope", "shared");
	lab_set(lab, "tcp.unsolicited-syn", "drop");
	udp = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	assert_false(lab_comes_in(lab, NAT_TCP, Y2, udp, H1, AT_S(1)));
	lab_set(lab, "tcp.filtering", "eif");
	assert_true(lab_comes_in(lab, NAT_TCP, Y2, udp, H1, AT_S(1)));
	w = wire_tcp(H1, Y2, WIRE_SYN | WIRE_ACK);
	assert_rewritten(lab_out(lab, w, AT_S(1)), REASON_TRANSLATED);
	assert_same_endpoint(wire_source(w), udp);
}

static void test_rfc7857_req6_filtering_is_set_for_each_protocol(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol one = NAT_UDP; one <= NAT_ICMP; one++) {
		rfc_set(lab, one, "filtering", "eif");
		for (enum nat_protocol p = NAT_UDP; p <= NAT_ICMP; p++) {
			struct endpoint host = ep_port(H1, 6000 + one);
			struct endpoint external = lab_open(lab, p, host, Y1, AT_S(0));

			assert_int_equal(lab_comes_in(lab, p, Y2, external, host, AT_S(0)),
					 p == one);
		}
		rfc_set(lab, one, "filtering", "apdf");
	}
}

/* --- section 7: what may not refresh -------------------------------------------------------- */

static void test_rfc7857_req7_blocked_probe_does_not_refresh(void **state)
{
	struct lab *lab = *state;
	struct rfc_flow f;

	lab_set(lab, "udp.refresh", "both");
	f = flow_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	for (int t = 60; t < 300; t += 60)
		assert_dropped(lab_in(lab, wire_udp(Y2, f.external), AT_S(t)), REASON_FILTERED);
	assert_flow_ends(lab, &f, AT_S(300));
	assert_int_equal(lab->nat.mappings.arena.live, 0);
}

static void test_rfc7857_req7_blocked_syn_does_not_refresh(void **state)
{
	struct lab *lab = *state;
	struct conn c = conn_open(lab, H1, Y1, AT_S(0));

	for (int t = 60; t < 7440; t += 60)
		assert_int_equal(lab_in(lab, wire_tcp(Y2, c.external, S), AT_S(t)).verdict,
				 NAT_DROPPED);
	assert_conn_ends(&c, AT_S(7440));
	assert_int_equal(lab->nat.mappings.arena.live, 0);
}

/* An EIF mapping and a table that has no room: the packet makes no session. */
static void test_rfc7857_req7_probe_refused_for_room_does_not_refresh(void **state)
{
	struct lab *lab = *state;
	struct rfc_flow f;

	lab_set(lab, "udp.refresh", "both");
	lab_set(lab, "udp.filtering", "eif");
	lab_set(lab, "nat.max-sessions", "1");
	f = flow_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	for (int t = 60; t < 300; t += 60)
		assert_dropped(lab_in(lab, wire_udp(Y2, f.external), AT_S(t)),
			       REASON_SESSIONS_FULL);
	assert_flow_ends(lab, &f, AT_S(300));
	assert_int_equal(lab->nat.mappings.arena.live, 0);
}

static void test_rfc7857_req7_segment_of_no_connection_does_not_refresh(void **state)
{
	struct lab *lab = *state;
	struct conn c;

	lab_set(lab, "tcp.filtering", "eif");
	c = conn_open(lab, H1, Y1, AT_S(0));
	for (int t = 60; t < 7440; t += 60)
		assert_dropped(lab_in(lab, wire_tcp(Y2, c.external, A), AT_S(t)),
			       REASON_TCP_NO_SESSION);
	assert_conn_ends(&c, AT_S(7440));
	assert_int_equal(lab->nat.mappings.arena.live, 0);
}

/* Where UDP and TCP share an endpoint, strangers may not keep it by turns either. */
static void test_rfc7857_req7_strangers_do_not_keep_a_shared_endpoint(void **state)
{
	struct lab *lab = *state;
	struct endpoint external;

	lab_set(lab, "nat.protocol-scope", "shared");
	lab_set(lab, "udp.filtering", "eif");
	lab_set(lab, "tcp.filtering", "eif");
	external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	for (unsigned int t = 225; t < 5000; t += 225) {
		if (t / 225 % 2 != 0)
			lab_in(lab, wire_tcp(Y2, external, S), AT_S(t));
		else
			lab_in(lab, wire_udp(Y2, external), AT_S(t));
	}
	nat_tick(&lab->nat, AT_S(5000), 100);
	assert_int_equal(lab->nat.mappings.arena.live, 0);
}

/* The deviating value, for contrast: let in, with a session, it does keep the mapping. */
static void test_rfc7857_req7_admitted_packet_refreshes_with_the_knob(void **state)
{
	struct lab *lab = *state;
	struct endpoint external;

	lab_set(lab, "udp.refresh", "both");
	lab_set(lab, "udp.filtering", "eif");
	external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	for (int t = 200; t < 2000; t += 200)
		assert_true(lab_comes_in(lab, NAT_UDP, Y1, external, H1, AT_S(t)));
	assert_true(lab_comes_in(lab, NAT_UDP, Y2, external, H1, AT_S(2000)));
}

static void test_rfc7857_req7o_error_in_answer_does_not_refresh(void **state)
{
	struct lab *lab = *state;
	struct rfc_flow f = flow_open(lab, NAT_UDP, H1, Y1, AT_S(0));

	for (int t = 60; t < 300; t += 60) {
		struct wire w = wire_udp(Y1, f.external);

		assert_rewritten(lab_in(lab, w, AT_S(t)), REASON_TRANSLATED);
		assert_rewritten(lab_out(lab, wire_error(3, 3, H1, Y1, w), AT_S(t)),
				 REASON_ICMP_ERROR_TRANSLATED);
	}
	assert_flow_ends(lab, &f, AT_S(300));
	assert_int_equal(lab->nat.mappings.arena.live, 0);
}

/* It is the answer that does not count: what comes in does, where the knob says so. */
static void test_rfc7857_req7o_inbound_packet_refreshes_with_the_knob(void **state)
{
	struct lab *lab = *state;
	struct rfc_flow f;

	lab_set(lab, "udp.refresh", "both");
	f = flow_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	for (int t = 60; t <= 600; t += 60) {
		struct wire w = wire_udp(Y1, f.external);

		assert_rewritten(lab_in(lab, w, AT_S(t)), REASON_TRANSLATED);
		assert_rewritten(lab_out(lab, wire_error(3, 3, H1, Y1, w), AT_S(t + 30)),
				 REASON_ICMP_ERROR_TRANSLATED);
	}
	assert_flow_ends(lab, &f, AT_S(900));
}

static void test_rfc7857_req7o_error_in_answer_to_a_stranger_does_not_refresh(void **state)
{
	struct lab *lab = *state;
	struct rfc_flow f;

	lab_set(lab, "udp.filtering", "eif");
	f = flow_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	for (int t = 60; t < 300; t += 60) {
		struct wire w = wire_udp(Y2, f.external);

		assert_rewritten(lab_in(lab, w, AT_S(t)), REASON_ADMITTED);
		assert_rewritten(lab_out(lab, wire_error(3, 3, H1, Y2, w), AT_S(t)),
				 REASON_ICMP_ERROR_TRANSLATED);
	}
	assert_flow_ends(lab, &f, AT_S(300));
	assert_int_equal(lab->nat.mappings.arena.live, 0);
}

/* Strangers connect each minute, H1 refuses each time: no mapping lives on that. */
static void test_rfc7857_req7o_reset_in_answer_does_not_refresh(void **state)
{
	struct lab *lab = *state;
	struct rfc_flow f;

	lab_set(lab, "tcp.filtering", "eif");
	f = flow_open(lab, NAT_TCP, H1, Y1, AT_S(0));
	for (int t = 60; t < 240; t += 60) {
		const struct endpoint strangers[] = { Y2, ep_port(Y2, 8000 + (unsigned int)t) };

		for (int i = 0; i < 2; i++) {
			struct wire syn = wire_tcp(strangers[i], f.external, S);

			assert_int_equal(lab_in(lab, syn, AT_S(t)).verdict, NAT_REWRITTEN);
			assert_rewritten(lab_out(lab,
						 wire_tcp_with(H1, strangers[i],
							       (struct wire_tcp){ .flags = R | A,
										  .ack = 1001 }),
						 AT_S(t)),
					 REASON_TRANSLATED);
		}
	}
	assert_flow_ends(lab, &f, AT_S(240));
	assert_int_equal(lab->nat.mappings.arena.live, 0);
}

/* Nor on those it does not even answer. */
static void test_rfc7857_req7o_connection_that_is_not_answered_does_not_refresh(void **state)
{
	struct lab *lab = *state;
	struct rfc_flow f;

	lab_set(lab, "tcp.filtering", "eif");
	f = flow_open(lab, NAT_TCP, H1, Y1, AT_S(0));
	for (unsigned int t = 60; t < 240; t += 60)
		assert_rewritten(lab_in(lab, wire_tcp(ep_port(Y2, t), f.external, S), AT_S(t)),
				 REASON_SESSION_CREATED);
	assert_flow_ends(lab, &f, AT_S(240));
	assert_int_equal(lab->nat.mappings.arena.live, 0);
}

/* For contrast: one that is accepted keeps the mapping as long as any connection does. */
static void test_rfc7857_req7o_connection_that_is_accepted_keeps_the_mapping(void **state)
{
	struct lab *lab = *state;
	struct conn c = conn_of(lab, H1, Y2);

	lab_set(lab, "tcp.filtering", "eif");
	c.external = lab_open(lab, NAT_TCP, H1, Y1, AT_S(0));
	conn_pass(&c, O, S, AT_S(60));
	conn_pass(&c, I, S | A, AT_S(60));
	conn_pass(&c, O, A, AT_S(60));
	assert_conn_ends(&c, AT_S(60 + 7440));
	nat_tick(&lab->nat, AT_S(60 + 7440), 100);
	assert_int_equal(lab->nat.mappings.arena.live, 0);
}

/* --- section 8: parity ---------------------------------------------------------------------- */

static void test_rfc7857_req8_parity_is_off_by_default(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p <= NAT_TCP; p++) {
		unsigned int differ = 0;

		for (unsigned int i = 0; i < 60; i++) {
			unsigned int port =
				lab_open(lab, p, ep_port(H1, 5000 + i), Y1, AT_S(0)).port;

			differ += (port ^ i) & 1;
		}
		assert_in_range(differ, 15, 45);
	}
}

static void test_rfc7857_req8_parity_may_be_asked_for(void **state)
{
	static const char *const strategies[] = { "random", "preserve", "sequential" };
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p <= NAT_TCP; p++) {
		rfc_set(lab, p, "parity", "on");
		for (unsigned int s = 0; s < 3; s++) {
			rfc_set(lab, p, "ports", strategies[s]);
			for (unsigned int i = 0; i < 10; i++) {
				struct endpoint a = ep_port(H1, 5000 + 10 * s + i);
				struct endpoint b = ep_port(H2, a.port);

				assert_int_equal(lab_open(lab, p, a, Y1, AT_S(0)).port & 1,
						 a.port & 1);
				assert_int_equal(lab_open(lab, p, b, Y1, AT_S(0)).port & 1,
						 a.port & 1);
			}
		}
	}
}

/* --- section 9: ports ----------------------------------------------------------------------- */

static void test_rfc7857_req9_ports_are_random_by_default(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p <= NAT_ICMP; p++) {
		int ascending = 0, preserved = 0, high = 0;
		unsigned int last = 0;

		for (unsigned int i = 0; i < 60; i++) {
			unsigned int port =
				lab_open(lab, p, ep_port(H1, 5000 + i), Y1, AT_S(0)).port;

			ascending += port > last;
			preserved += port == 5000 + i;
			high += port >= 33280; /* the middle of 1024-65535 */
			last = port;
		}
		assert_in_range(ascending, 15, 45);
		assert_in_range(high, 15, 45);
		assert_in_range(preserved, 0, 1);
	}
}

static void test_rfc7857_req9_another_seed_gives_other_ports(void **state)
{
	struct lab *lab = *state, *other;
	const char *const knobs[] = { "nat.seed", "7857", NULL };
	int same = 0;

	other = lab_open_with(knobs);
	for (unsigned int i = 0; i < 50; i++)
		same += lab_open(lab, NAT_UDP, ep_port(H1, 5000 + i), Y1, AT_S(0)).port ==
			lab_open(other, NAT_UDP, ep_port(H1, 5000 + i), Y1, AT_S(0)).port;
	assert_in_range(same, 0, 1);
	lab_close(other);
}

static void test_rfc7857_req9_other_strategies_break_it(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p <= NAT_ICMP; p++) {
		unsigned int last;

		rfc_set(lab, p, "ports", "preserve");
		assert_int_equal(lab_open(lab, p, ep_port(H1, 40000), Y1, AT_S(0)).port, 40000);
		rfc_set(lab, p, "ports", "sequential");
		last = lab_open(lab, p, ep_port(H1, 41000), Y1, AT_S(0)).port;
		for (unsigned int i = 1; i < 10; i++)
			assert_int_equal(lab_open(lab, p, ep_port(H1, 41000 + i), Y1, AT_S(0)).port,
					 last + i);
	}
}

/* --- section 10: the IP ID ------------------------------------------------------------------ */

static void test_rfc7857_req10_same_id_of_two_hosts_becomes_two(void **state)
{
	struct lab *lab = *state;

	for (unsigned int i = 0; i < 20; i++) {
		struct wire a = wire_with_id(wire_udp(H1, Y1), 7),
			    b = wire_with_id(wire_udp(H2, Y1), 7);

		assert_int_equal(lab_out(lab, a, AT_S(0)).verdict, NAT_REWRITTEN);
		assert_int_equal(lab_out(lab, b, AT_S(0)).verdict, NAT_REWRITTEN);
		assert_int_not_equal(wire_get16(a.at + 4), wire_get16(b.at + 4));
	}
}

/* Between internal hosts too: H2 reassembles what comes from one external address. */
static void test_rfc7857_req10_same_id_of_two_hairpinned_becomes_two(void **state)
{
	struct lab *lab = *state;
	struct endpoint third = ep("192.168.1.4:5000"), target;
	struct wire a, b;

	lab_set(lab, "udp.filtering", "eif");
	target = lab_open(lab, NAT_UDP, H2, Y1, AT_S(0));
	a = wire_with_id(wire_udp(H1, target), 7);
	b = wire_with_id(wire_udp(third, target), 7);
	assert_int_equal(lab_out(lab, a, AT_S(0)).verdict, NAT_REWRITTEN);
	assert_int_equal(lab_out(lab, b, AT_S(0)).verdict, NAT_REWRITTEN);
	assert_same_endpoint(without_port(wire_source(a)), without_port(wire_source(b)));
	assert_int_not_equal(wire_get16(a.at + 4), wire_get16(b.at + 4));
}

static void test_rfc7857_req10_id_may_be_kept_with_the_knob(void **state)
{
	struct lab *lab = *state;
	struct wire a = wire_with_id(wire_udp(H1, Y1), 7), b = wire_with_id(wire_udp(H2, Y1), 7);

	lab_set(lab, "nat.ip-id", "keep");
	lab_out(lab, a, AT_S(0));
	lab_out(lab, b, AT_S(0));
	assert_int_equal(wire_get16(a.at + 4), 7);
	assert_int_equal(wire_get16(b.at + 4), 7);
}

/* --- section 11: query mappings ------------------------------------------------------------- */

static void test_rfc7857_req11_query_mapping_goes_with_its_last_session(void **state)
{
	struct lab *lab = *state;
	struct rfc_flow f;

	lab_set(lab, "icmp.ports", "preserve");
	f = flow_open(lab, NAT_ICMP, H1, Y1, AT_S(0));
	assert_int_equal(f.external.port, H1.port);
	lab_open(lab, NAT_ICMP, H1, Y2, AT_S(30));
	nat_tick(&lab->nat, AT_S(60), 100);
	assert_int_equal(lab->nat.mappings.arena.live, 1);
	assert_int_not_equal(lab_open(lab, NAT_ICMP, H2, Y1, AT_S(60)).port, f.external.port);
	nat_tick(&lab->nat, AT_S(120), 100);
	assert_int_equal(lab->nat.mappings.arena.live, 0);
	assert_same_endpoint(lab_open(lab, NAT_ICMP, H2, Y1, AT_S(120)), f.external);
}

/* --- section 12: hairpin of queries --------------------------------------------------------- */

/* An address mapping is usable inbound for ICMP: who is named one-to-one can be pinged. */
static void test_rfc7857_req12_one_to_one_host_is_pinged_from_inside_and_outside(void **state)
{
	struct lab *lab = *state;
	struct endpoint other = ep("203.0.113.5:0");
	struct wire w, reply;

	lab_set(lab, "nat.external", "203.0.113.1-203.0.113.5");
	lab_set(lab, "nat.one-to-one", "203.0.113.5=192.168.1.3");
	w = wire_ping(ep_port(Y1, 77), ep_port(other, 77));
	assert_int_equal(lab_in(lab, w, AT_S(0)).verdict, NAT_REWRITTEN);
	assert_same_endpoint(without_port(wire_destination(w)), without_port(H2));
	w = wire_ping(H1, other);
	assert_int_equal(lab_out(lab, w, AT_S(1)).verdict, NAT_REWRITTEN);
	assert_same_endpoint(without_port(wire_destination(w)), without_port(H2));
	reply = wire_pong(ep_port(H2, wire_source(w).port), wire_source(w));
	assert_int_equal(lab_out(lab, reply, AT_S(1)).verdict, NAT_REWRITTEN);
	assert_same_endpoint(wire_destination(reply), H1);
	assert_same_endpoint(without_port(wire_source(reply)), other);
}

/* --- RFC 6146 ------------------------------------------------------------------------------- */

/* One number in three tables: each protocol has the whole space, and nobody meets. */
static void test_rfc6146_bib_tables_of_the_protocols_are_separate(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p <= NAT_ICMP; p++) {
		rfc_set(lab, p, "ports", "preserve");
		rfc_set(lab, p, "filtering", "eif");
	}
	for (enum nat_protocol p = NAT_UDP; p <= NAT_ICMP; p++) {
		struct endpoint host = p == NAT_TCP ? H2 : H1;

		assert_same_endpoint(lab_open(lab, p, host, Y1, AT_S(0)), ep_port(E1, 5000));
	}
	assert_true(lab_comes_in(lab, NAT_UDP, Y2, ep_port(E1, 5000), H1, AT_S(1)));
	assert_true(lab_comes_in(lab, NAT_TCP, Y2, ep_port(E1, 5000), H2, AT_S(1)));
	assert_true(lab_comes_in(lab, NAT_ICMP, Y2, ep_port(E1, 5000), H1, AT_S(1)));
}

static void test_rfc6146_eim_one_external_endpoint_for_all_remotes(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p <= NAT_ICMP; p++) {
		struct endpoint external = lab_open(lab, p, H1, Y1, AT_S(0));

		assert_same_endpoint(lab_open(lab, p, H1, Y2, AT_S(0)), external);
		assert_same_endpoint(lab_open(lab, p, H1, Y1_Q, AT_S(0)), external);
	}
}

static void test_rfc6146_eim_filtering_is_eif_or_adf_by_policy(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p <= NAT_TCP; p++) {
		struct endpoint external = lab_open(lab, p, H1, Y1, AT_S(0));

		rfc_set(lab, p, "filtering", "adf");
		assert_true(lab_comes_in(lab, p, Y1_Q, external, H1, AT_S(0)));
		assert_false(lab_comes_in(lab, p, Y2, external, H1, AT_S(0)));
		rfc_set(lab, p, "filtering", "eif");
		assert_true(lab_comes_in(lab, p, Y2, external, H1, AT_S(0)));
	}
}

/* The default is RFC 6146's: SYN both ways, and a scanner's connection lasts two hours. */
static void test_rfc6146_syn_both_ways_establishes_by_default(void **state)
{
	struct lab *lab = *state;
	struct conn c = conn_of(lab, H1, Y1);

	conn_pass(&c, I, S, AT_S(0));
	conn_pass(&c, O, S | A, AT_S(0));
	assert_conn_ends(&c, AT_S(7440));
}

/* RFC 5382's way, with the knob: a scanner that never acknowledges gets four minutes. */
static void test_rfc6146_syn_strict_waits_for_acknowledgments_of_both_sides(void **state)
{
	struct lab *lab = *state;
	struct conn c = conn_of(lab, H1, Y1);

	lab_set(lab, "tcp.strict-established", "on");
	conn_pass(&c, I, S, AT_S(0));
	conn_pass(&c, O, S | A, AT_S(10));
	assert_conn_state(&c, TCP_INTERNAL_SYN);
	assert_conn_ends(&c, AT_S(10 + 240));
	c = conn_open(lab, H1, Y1, AT_S(1000)); /* with the ACK */
	assert_conn_state(&c, TCP_ESTABLISHED);
	assert_conn_ends(&c, AT_S(1000 + 7440));
}

static void test_rfc6146_syn_strict_for_connections_from_outside(void **state)
{
	struct lab *lab = *state;
	struct conn door, c = conn_of(lab, H1, Y2);

	lab_set(lab, "tcp.strict-established", "on");
	lab_set(lab, "tcp.filtering", "eif");
	door = conn_open(lab, H1, Y1, AT_S(0));
	c.external = door.external;
	conn_pass(&c, O, S, AT_S(1));
	conn_pass(&c, I, S | A, AT_S(2));
	assert_conn_state(&c, TCP_EXTERNAL_SYN);
	conn_pass(&c, O, A, AT_S(3));
	assert_conn_state(&c, TCP_ESTABLISHED);
	assert_conn_ends(&c, AT_S(3 + 7440));
}

/* Simultaneous open, strictly: the two SYN-ACKs are the acknowledgments. */
static void test_rfc6146_syn_strict_simultaneous_open(void **state)
{
	struct lab *lab = *state;
	struct conn c = conn_of(lab, H1, Y1);

	lab_set(lab, "tcp.strict-established", "on");
	conn_pass(&c, I, S, AT_S(0));
	conn_send_raw(&c, O, (struct wire_tcp){ .flags = S, .seq = 700000 }, AT_S(1));
	assert_conn_state(&c, TCP_INTERNAL_SYN);
	conn_send_raw(&c, I, (struct wire_tcp){ .flags = S | A, .seq = 1000, .ack = 700001 },
		      AT_S(2));
	assert_conn_state(&c, TCP_INTERNAL_SYN);
	conn_send_raw(&c, O, (struct wire_tcp){ .flags = S | A, .seq = 700000, .ack = 1001 },
		      AT_S(2));
	assert_conn_state(&c, TCP_ESTABLISHED);
}

static void test_rfc6146_hp_hairpin_of_each_protocol(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p <= NAT_TCP; p++) {
		struct endpoint target, source;
		struct wire w;

		rfc_set(lab, p, "filtering", "eif");
		target = lab_open(lab, p, H2, Y1, AT_S(0));
		w = lab_request(p, H1, target);
		assert_int_equal(lab_out(lab, w, AT_S(0)).verdict, NAT_REWRITTEN);
		assert_same_endpoint(wire_destination(w), H2);
		source = wire_source(w);
		assert_same_endpoint(without_port(source), E1);
		w = p == NAT_TCP ? wire_tcp(H2, source, S | A) : wire_udp(H2, source);
		assert_int_equal(lab_out(lab, w, AT_S(0)).verdict, NAT_REWRITTEN);
		assert_same_endpoint(wire_destination(w), H1);
		assert_same_endpoint(wire_source(w), target);
	}
}

static void test_rfc6146_hp_off_breaks_it(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "nat.hairpin", "off");
	for (enum nat_protocol p = NAT_UDP; p <= NAT_ICMP; p++) {
		struct endpoint target;

		rfc_set(lab, p, "filtering", "eif");
		target = lab_open(lab, p, H2, Y1, AT_S(0));
		assert_dropped(lab_out(lab, lab_request(p, H1, target), AT_S(0)),
			       REASON_HAIRPIN_OFF);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(test_rfc7857_req2_closed_syn_from_inside_opens),
		machine_test(test_rfc7857_req2_closed_syn_from_outside_that_filtering_admits_opens),
		machine_test(test_rfc7857_req2_closed_other_segments_are_dropped),
		machine_test(test_rfc7857_req2c_reset_that_matches_a_mapping_only_is_forwarded),
		machine_test(test_rfc7857_req2_closed_other_segments_are_picked_up_with_the_knob),
		machine_test(test_rfc7857_req2_closed_reset_is_not_picked_up),
		machine_test(test_rfc7857_req2_closed_syn_that_filtering_does_not_admit_is_held),
		machine_test(test_rfc7857_req2_i_init_syn_or_syn_ack_from_outside_establishes),
		machine_test(test_rfc7857_req2_i_init_syn_again_from_inside_restarts_the_time),
		machine_test(test_rfc7857_req2_i_init_other_segments_change_nothing),
		machine_test(test_rfc7857_req2_i_init_reset_leads_to_trans),
		machine_test(test_rfc7857_req2_o_init_syn_or_syn_ack_from_inside_establishes),
		machine_test(test_rfc7857_req2_o_init_syn_again_from_outside_restarts_nothing),
		machine_test(test_rfc7857_req2_o_init_held_syn_again_is_not_translated),
		machine_test(test_rfc7857_req2_established_fin_leaves_the_time_unchanged),
		machine_test(test_rfc7857_req2_established_reset_leads_to_trans),
		machine_test(test_rfc7857_req2_established_anything_else_restarts_the_time),
		machine_test(test_rfc7857_req2_established_timeout_closes),
		machine_test(test_rfc7857_req2_one_fin_then_the_other_closes),
		machine_test(test_rfc7857_req2_one_fin_anything_else_restarts_the_time),
		machine_test(
			test_rfc7857_req2_both_fin_any_packet_is_translated_and_restarts_nothing),
		machine_test(test_rfc7857_req2_both_fin_syn_then_syn_ack_establishes),
		machine_test(test_rfc7857_req2_both_fin_acknowledged_is_time_wait),
		machine_test(test_rfc7857_req2_trans_anything_but_syn_and_reset_establishes),
		machine_test(test_rfc7857_req2_trans_syn_opens_a_new_connection),
		machine_test(test_rfc7857_req2_trans_reset_changes_nothing),
		machine_test(test_rfc7857_req2_trans_timeout_closes),
		lab_test(test_rfc7857_req2a_opening_and_closing_have_timers_of_their_own),
		lab_test(test_rfc7857_req2b_transitory_time_is_four_minutes_by_default),
		lab_test(test_rfc7857_req2b_opening_may_be_shorter),
		lab_test(test_rfc7857_req2b_opening_timer_may_be_below_four_minutes),
		lab_test(test_rfc7857_req2c_reset_from_either_side_is_forwarded),
		lab_test(test_rfc7857_req2c_reset_is_forwarded_in_every_state),
		lab_test(test_rfc7857_req2c_reset_of_no_connection_is_dropped),
		lab_test(test_rfc7857_req2d_reset_leaves_four_minutes),
		lab_test(test_rfc7857_req2d_how_long_is_a_knob),
		lab_test(test_rfc7857_req2d_data_within_them_revives_the_session),
		lab_test(test_rfc7857_req2d_reset_after_a_fin_leaves_four_minutes),
		lab_test(test_rfc7857_req2e_reset_outside_the_window_changes_nothing),
		lab_test(test_rfc7857_req2e_reset_inside_the_window_counts),
		lab_test(test_rfc7857_req2e_window_moves_on),
		lab_test(test_rfc7857_req2e_window_is_scaled_if_both_sides_agreed),
		lab_test(test_rfc7857_req2e_reset_of_an_opening_must_acknowledge_its_syn),
		lab_test(test_rfc7857_req2e_reset_must_acknowledge_the_last_syn),
		lab_test(test_rfc7857_req2e_check_may_be_off),
		lab_test(test_rfc7857_req3_port_is_shared_towards_different_remotes),
		lab_test(test_rfc7857_req3_port_is_not_shared_towards_one_remote),
		lab_test(test_rfc7857_req3_no_port_is_shared_by_default),
		lab_test(test_rfc7857_req3_shared_port_costs_endpoint_independence),
		lab_test(test_rfc7857_req3_is_refused_with_endpoint_independent_filtering),
		lab_test(test_rfc7857_req4_paired_host_out_of_ports_is_refused),
		lab_test(test_rfc7857_req4_soft_paired_host_moves_to_another_address),
		lab_test(test_rfc7857_req5_mapping_of_one_protocol_is_none_of_another),
		lab_test(test_rfc7857_req5_ports_are_drawn_for_each_protocol),
		lab_test(test_rfc7857_req5_mapping_behavior_is_set_for_each_protocol),
		lab_test(test_rfc7857_req5_shared_scope_gives_both_protocols_one_endpoint),
		lab_test(test_rfc7857_req6_mapping_of_one_protocol_lets_no_other_in),
		lab_test(test_rfc7857_req6_shared_scope_lets_the_other_protocol_in),
		lab_test(test_rfc7857_req6_filtering_is_set_for_each_protocol),
		lab_test(test_rfc7857_req7_blocked_probe_does_not_refresh),
		lab_test(test_rfc7857_req7_blocked_syn_does_not_refresh),
		lab_test(test_rfc7857_req7_probe_refused_for_room_does_not_refresh),
		lab_test(test_rfc7857_req7_segment_of_no_connection_does_not_refresh),
		lab_test(test_rfc7857_req7_strangers_do_not_keep_a_shared_endpoint),
		lab_test(test_rfc7857_req7_admitted_packet_refreshes_with_the_knob),
		lab_test(test_rfc7857_req7o_error_in_answer_does_not_refresh),
		lab_test(test_rfc7857_req7o_inbound_packet_refreshes_with_the_knob),
		lab_test(test_rfc7857_req7o_error_in_answer_to_a_stranger_does_not_refresh),
		lab_test(test_rfc7857_req7o_reset_in_answer_does_not_refresh),
		lab_test(test_rfc7857_req7o_connection_that_is_not_answered_does_not_refresh),
		lab_test(test_rfc7857_req7o_connection_that_is_accepted_keeps_the_mapping),
		lab_test(test_rfc7857_req8_parity_is_off_by_default),
		lab_test(test_rfc7857_req8_parity_may_be_asked_for),
		lab_test(test_rfc7857_req9_ports_are_random_by_default),
		lab_test(test_rfc7857_req9_another_seed_gives_other_ports),
		lab_test(test_rfc7857_req9_other_strategies_break_it),
		lab_test(test_rfc7857_req10_same_id_of_two_hosts_becomes_two),
		lab_test(test_rfc7857_req10_same_id_of_two_hairpinned_becomes_two),
		lab_test(test_rfc7857_req10_id_may_be_kept_with_the_knob),
		lab_test(test_rfc7857_req11_query_mapping_goes_with_its_last_session),
		lab_test(test_rfc7857_req12_one_to_one_host_is_pinged_from_inside_and_outside),
		lab_test(test_rfc6146_bib_tables_of_the_protocols_are_separate),
		lab_test(test_rfc6146_eim_one_external_endpoint_for_all_remotes),
		lab_test(test_rfc6146_eim_filtering_is_eif_or_adf_by_policy),
		lab_test(test_rfc6146_syn_both_ways_establishes_by_default),
		lab_test(test_rfc6146_syn_strict_waits_for_acknowledgments_of_both_sides),
		lab_test(test_rfc6146_syn_strict_for_connections_from_outside),
		lab_test(test_rfc6146_syn_strict_simultaneous_open),
		lab_test(test_rfc6146_hp_hairpin_of_each_protocol),
		lab_test(test_rfc6146_hp_off_breaks_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
