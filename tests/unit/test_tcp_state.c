/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/lab.h"

enum {
	F = WIRE_FIN,
	S = WIRE_SYN,
	R = WIRE_RST,
	A = WIRE_ACK,
	ALL = TCP_FINS_ACKNOWLEDGED,
	STRICT = TCP_STRICT,
	BOTH = TCP_BOTH_ACKED,
};

struct row {
	enum tcp_state state;
	unsigned int flags;
	enum nat_side from;
	enum tcp_state next;
	enum tcp_timer timer;
};

#define I	    NAT_INTERNAL
#define O	    NAT_EXTERNAL
#define KEEP	    TCP_TIMER_KEEP
#define ESTABLISHED TCP_TIMER_ESTABLISHED
#define OPENING	    TCP_TIMER_OPENING
#define CLOSING	    TCP_TIMER_CLOSING
#define RESET	    TCP_TIMER_RESET
#define ENDED	    TCP_TIMER_TIME_WAIT

static void check_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct row *r = &rows[i];
		struct tcp_step step = tcp_step(r->state, r->flags, r->from);

		if (step.next != r->next || step.timer != r->timer)
			fail_msg("%s, flags 0x%x from %s: went to %s with timer %d, not to %s with "
				 "%d",
				 tcp_state_name(r->state), r->flags,
				 r->from == I ? "internal" : "external", tcp_state_name(step.next),
				 (int)step.timer, tcp_state_name(r->next), (int)r->timer);
	}
}

#define CHECK(rows) check_rows(rows, sizeof(rows) / sizeof((rows)[0]))

static void test_rfc6146_closed(void **state)
{
	static const struct row rows[] = {
		{ TCP_CLOSED, S, I, TCP_INTERNAL_SYN, OPENING },
		{ TCP_CLOSED, S, O, TCP_EXTERNAL_SYN, OPENING },
		{ TCP_CLOSED, A, I, TCP_CLOSED, KEEP },
		{ TCP_CLOSED, A, O, TCP_CLOSED, KEEP },
		{ TCP_CLOSED, F | A, I, TCP_CLOSED, KEEP },
		{ TCP_CLOSED, R, O, TCP_CLOSED, KEEP },
		{ TCP_CLOSED, 0, I, TCP_CLOSED, KEEP },
	};

	(void)state;
	CHECK(rows);
}

static void test_rfc6146_internal_syn(void **state)
{
	static const struct row rows[] = {
		{ TCP_INTERNAL_SYN, S, O, TCP_ESTABLISHED, ESTABLISHED },
		{ TCP_INTERNAL_SYN, S | A, O, TCP_ESTABLISHED, ESTABLISHED },
		{ TCP_INTERNAL_SYN, S, I, TCP_INTERNAL_SYN, OPENING },
		{ TCP_INTERNAL_SYN, A, I, TCP_INTERNAL_SYN, KEEP },
		{ TCP_INTERNAL_SYN, A, O, TCP_INTERNAL_SYN, KEEP },
		{ TCP_INTERNAL_SYN, R | A, O, TCP_TRANS, KEEP },
		{ TCP_INTERNAL_SYN, F | A, I, TCP_INTERNAL_SYN, KEEP },
	};

	(void)state;
	CHECK(rows);
}

static void test_rfc6146_external_syn(void **state)
{
	static const struct row rows[] = {
		{ TCP_EXTERNAL_SYN, S, I, TCP_ESTABLISHED, ESTABLISHED },
		{ TCP_EXTERNAL_SYN, S | A, I, TCP_ESTABLISHED, ESTABLISHED },
		{ TCP_EXTERNAL_SYN, S, O, TCP_EXTERNAL_SYN, KEEP },
		{ TCP_EXTERNAL_SYN, A, O, TCP_EXTERNAL_SYN, KEEP },
		{ TCP_EXTERNAL_SYN, R | A, I, TCP_TRANS, KEEP },
	};

	(void)state;
	CHECK(rows);
}

static void test_rfc6146_established(void **state)
{
	static const struct row rows[] = {
		{ TCP_ESTABLISHED, A, I, TCP_ESTABLISHED, ESTABLISHED },
		{ TCP_ESTABLISHED, A, O, TCP_ESTABLISHED, ESTABLISHED },
		{ TCP_ESTABLISHED, S, I, TCP_ESTABLISHED, ESTABLISHED },
		{ TCP_ESTABLISHED, S | A, O, TCP_ESTABLISHED, ESTABLISHED },
		{ TCP_ESTABLISHED, 0, O, TCP_ESTABLISHED, ESTABLISHED },
		{ TCP_ESTABLISHED, F | A, I, TCP_INTERNAL_FIN, KEEP },
		{ TCP_ESTABLISHED, F | A, O, TCP_EXTERNAL_FIN, KEEP },
		{ TCP_ESTABLISHED, F, I, TCP_INTERNAL_FIN, KEEP },
		{ TCP_ESTABLISHED, R, I, TCP_TRANS, RESET },
		{ TCP_ESTABLISHED, R, O, TCP_TRANS, RESET },
		{ TCP_ESTABLISHED, R | A, I, TCP_TRANS, RESET },
		{ TCP_ESTABLISHED, F | R | A, O, TCP_TRANS, RESET },
	};

	(void)state;
	CHECK(rows);
}

/* Trap 25: one FIN is not closing; the other side may go on for hours. */
static void test_rfc6146_one_fin(void **state)
{
	static const struct row rows[] = {
		{ TCP_INTERNAL_FIN, F | A, O, TCP_BOTH_FIN, CLOSING },
		{ TCP_INTERNAL_FIN, F | A | ALL, O, TCP_TIME_WAIT, ENDED },
		{ TCP_INTERNAL_FIN, F | A, I, TCP_INTERNAL_FIN, ESTABLISHED },
		{ TCP_INTERNAL_FIN, A, O, TCP_INTERNAL_FIN, ESTABLISHED },
		{ TCP_INTERNAL_FIN, A, I, TCP_INTERNAL_FIN, ESTABLISHED },
		{ TCP_EXTERNAL_FIN, F | A, I, TCP_BOTH_FIN, CLOSING },
		{ TCP_EXTERNAL_FIN, F | A | ALL, I, TCP_TIME_WAIT, ENDED },
		{ TCP_EXTERNAL_FIN, F | A, O, TCP_EXTERNAL_FIN, ESTABLISHED },
		{ TCP_EXTERNAL_FIN, A, I, TCP_EXTERNAL_FIN, ESTABLISHED },
		{ TCP_EXTERNAL_FIN, A, O, TCP_EXTERNAL_FIN, ESTABLISHED },
	};

	(void)state;
	CHECK(rows);
}

/* Stricter than RFC 6146: four minutes after any reset, also of a half-closed connection. */
static void test_rfc7857_req2d_reset_after_a_fin_leaves_four_minutes(void **state)
{
	static const struct row rows[] = {
		{ TCP_INTERNAL_FIN, R, O, TCP_TRANS, RESET },
		{ TCP_INTERNAL_FIN, R, I, TCP_TRANS, RESET },
		{ TCP_EXTERNAL_FIN, R | A, I, TCP_TRANS, RESET },
		{ TCP_EXTERNAL_FIN, R | A, O, TCP_TRANS, RESET },
	};

	(void)state;
	CHECK(rows);
}

static void test_rfc6146_both_fin(void **state)
{
	static const struct row rows[] = {
		{ TCP_BOTH_FIN, A, I, TCP_BOTH_FIN, KEEP },
		{ TCP_BOTH_FIN, A, O, TCP_BOTH_FIN, KEEP },
		{ TCP_BOTH_FIN, F | A, I, TCP_BOTH_FIN, KEEP },
		{ TCP_BOTH_FIN, R, O, TCP_BOTH_FIN, KEEP },
		{ TCP_BOTH_FIN, S | A, O, TCP_BOTH_FIN, KEEP },
		{ TCP_BOTH_FIN, A | ALL, I, TCP_TIME_WAIT, ENDED },
		{ TCP_BOTH_FIN, R | ALL, I, TCP_TIME_WAIT, ENDED },
		{ TCP_TIME_WAIT, A | ALL, I, TCP_TIME_WAIT, KEEP },
		{ TCP_TIME_WAIT, F | A | ALL, O, TCP_TIME_WAIT, KEEP },
		{ TCP_TIME_WAIT, R | ALL, O, TCP_TIME_WAIT, KEEP },
		{ TCP_TIME_WAIT, S | A | ALL, O, TCP_TIME_WAIT, KEEP },
	};

	(void)state;
	CHECK(rows);
}

/* Trap 21: a SYN on a closed connection opens the next one at once. */
static void test_syn_after_both_fins_opens_a_new_connection(void **state)
{
	static const struct row rows[] = {
		{ TCP_BOTH_FIN, S, I, TCP_INTERNAL_SYN, OPENING },
		{ TCP_BOTH_FIN, S, O, TCP_EXTERNAL_SYN, OPENING },
		{ TCP_TIME_WAIT, S | ALL, I, TCP_INTERNAL_SYN, OPENING },
		{ TCP_TIME_WAIT, S | ALL, O, TCP_EXTERNAL_SYN, OPENING },
	};

	(void)state;
	CHECK(rows);
}

/* Trap 20. */
static void test_rfc6146_trans(void **state)
{
	static const struct row rows[] = {
		{ TCP_TRANS, A, I, TCP_ESTABLISHED, ESTABLISHED },
		{ TCP_TRANS, A, O, TCP_ESTABLISHED, ESTABLISHED },
		{ TCP_TRANS, S, I, TCP_INTERNAL_SYN, OPENING },
		{ TCP_TRANS, S, O, TCP_EXTERNAL_SYN, KEEP },
		{ TCP_TRANS, S | A, O, TCP_ESTABLISHED, ESTABLISHED },
		{ TCP_TRANS, R, I, TCP_TRANS, KEEP },
		{ TCP_TRANS, R | A, O, TCP_TRANS, KEEP },
	};

	(void)state;
	CHECK(rows);
}

/* RFC 5382 section 5: open only when both sides have sent an ACK, not only a SYN. */
static void test_strict_connection_opens_with_the_acks_of_both_sides(void **state)
{
	static const struct row rows[] = {
		{ TCP_INTERNAL_SYN, S | A | STRICT, O, TCP_INTERNAL_SYN, OPENING },
		{ TCP_INTERNAL_SYN, S | STRICT, O, TCP_INTERNAL_SYN, OPENING },
		{ TCP_INTERNAL_SYN, S | STRICT, I, TCP_INTERNAL_SYN, OPENING },
		{ TCP_INTERNAL_SYN, A | STRICT, I, TCP_INTERNAL_SYN, KEEP },
		{ TCP_INTERNAL_SYN, A | STRICT | BOTH, I, TCP_ESTABLISHED, ESTABLISHED },
		{ TCP_INTERNAL_SYN, A | STRICT | BOTH, O, TCP_ESTABLISHED, ESTABLISHED },
		{ TCP_INTERNAL_SYN, R | A | STRICT, O, TCP_TRANS, KEEP },
		{ TCP_EXTERNAL_SYN, S | A | STRICT, I, TCP_EXTERNAL_SYN, OPENING },
		{ TCP_EXTERNAL_SYN, S | STRICT, O, TCP_EXTERNAL_SYN, KEEP },
		{ TCP_EXTERNAL_SYN, A | STRICT | BOTH, O, TCP_ESTABLISHED, ESTABLISHED },
		/* Who does not ask for it does not get it. */
		{ TCP_INTERNAL_SYN, A | BOTH, I, TCP_INTERNAL_SYN, KEEP },
	};

	(void)state;
	CHECK(rows);
}

static void test_state_names_are_those_people_know(void **state)
{
	static const char *const names[TCP_STATES] = {
		"CLOSED",	"INTERNAL_SYN", "EXTERNAL_SYN", "ESTABLISHED", "INTERNAL_FIN",
		"EXTERNAL_FIN", "BOTH_FIN",	"TIME_WAIT",	"TRANS",
	};

	(void)state;
	for (unsigned int i = 0; i < TCP_STATES; i++)
		assert_string_equal(tcp_state_name((enum tcp_state)i), names[i]);
	assert_string_equal(tcp_state_name(TCP_STATES), "CLOSED");
	assert_int_equal(tcp_step(TCP_STATES, S, I).next, TCP_CLOSED);
}

/* --- following a connection ----------------------------------------------------------------- */

static const struct tcp_rules by_default = { .rst_check = true };

static enum tcp_timer track_segment(struct tcp_track *t, struct tcp_segment segment,
				    enum nat_side from, const struct tcp_rules *rules)
{
	return tcp_track(t, &segment, from, rules);
}

static enum tcp_state track(struct tcp_track *t, unsigned int flags, enum nat_side from,
			    uint32_t seq, uint32_t ack, uint32_t payload)
{
	const struct tcp_segment segment = { .flags = flags,
					     .sequence = seq,
					     .acknowledgment = ack,
					     .payload = payload,
					     .window = 1000,
					     .scale = PACKET_NO_SCALE };

	track_segment(t, segment, from, &by_default);
	return (enum tcp_state)t->state;
}

static struct tcp_track opened(void)
{
	struct tcp_track t = { 0 };

	track(&t, S, I, 999, 0, 0);
	assert_int_equal(track(&t, S | A, O, 1999, 1000, 0), TCP_ESTABLISHED);
	assert_int_equal(track(&t, A, I, 1000, 2000, 0), TCP_ESTABLISHED);
	return t;
}

static void test_time_wait_begins_when_both_fins_are_acknowledged(void **state)
{
	struct tcp_track t = opened();

	(void)state;
	assert_int_equal(track(&t, F | A, I, 1000, 2000, 5),
			 TCP_INTERNAL_FIN); /* takes 1000-1005 */
	assert_int_equal(track(&t, A, O, 2000, 1005, 0), TCP_INTERNAL_FIN);
	assert_int_equal(track(&t, F | A, O, 2000, 1005, 0), TCP_BOTH_FIN);
	assert_int_equal(track(&t, A, I, 1006, 2000, 0), TCP_BOTH_FIN); /* 2001 would do */
	assert_int_equal(track(&t, A, I, 1006, 2001, 0), TCP_BOTH_FIN); /* O's is acknowledged */
	assert_int_equal(track(&t, A, O, 2001, 1005, 0), TCP_BOTH_FIN); /* 1006 would do */
	assert_int_equal(track(&t, A, O, 2001, 1006, 0), TCP_TIME_WAIT);
}

static void test_external_side_may_close_first(void **state)
{
	struct tcp_track t = opened();

	(void)state;
	assert_int_equal(track(&t, F | A, O, 2000, 1000, 0), TCP_EXTERNAL_FIN);
	assert_int_equal(track(&t, A, I, 1000, 2001, 100), TCP_EXTERNAL_FIN);
	assert_int_equal(track(&t, F | A, I, 1100, 2001, 0), TCP_BOTH_FIN);
	assert_int_equal(track(&t, A, O, 2001, 1101, 0), TCP_TIME_WAIT);
}

/* The second FIN acknowledges the first, and was itself acknowledged ahead: simultaneous. */
static void test_simultaneous_close(void **state)
{
	struct tcp_track t = opened();

	(void)state;
	assert_int_equal(track(&t, F | A, I, 1000, 2000, 0), TCP_INTERNAL_FIN);
	assert_int_equal(track(&t, F | A, O, 2000, 1000, 0), TCP_BOTH_FIN);
	assert_int_equal(track(&t, A, O, 2001, 1001, 0), TCP_BOTH_FIN);
	assert_int_equal(track(&t, A, I, 1001, 2001, 0), TCP_TIME_WAIT);
}

static void test_acknowledgments_wrap_around(void **state)
{
	struct tcp_track t = opened();

	(void)state;
	track(&t, F | A, I, 0xfffffffe, 2000, 4); /* acknowledged by 3 */
	track(&t, F | A, O, 2000, 0xfffffffe, 0);
	assert_int_equal(track(&t, A, I, 3, 2001, 0), TCP_BOTH_FIN);
	assert_int_equal(track(&t, A, O, 2001, 0xffffffff, 0), TCP_BOTH_FIN);
	assert_int_equal(track(&t, A, O, 2001, 2, 0), TCP_BOTH_FIN);
	assert_int_equal(track(&t, A, O, 2001, 3, 0), TCP_TIME_WAIT);
}

static void test_acknowledgment_without_ack_flag_counts_for_nothing(void **state)
{
	struct tcp_track t = opened();

	(void)state;
	track(&t, F | A, I, 1000, 2000, 0);
	track(&t, F | A, O, 2000, 1001, 0);
	assert_int_equal(track(&t, 0, I, 1001, 2001, 0), TCP_BOTH_FIN);
	assert_int_equal(track(&t, A, I, 1001, 2001, 0), TCP_TIME_WAIT);
}

/* Closes @t from both sides without any acknowledgment of the FINs: it must not know of any. */
static void assert_fins_forgotten(struct tcp_track *t)
{
	assert_int_equal(track(t, F | A, I, 50000, 60000, 0), TCP_INTERNAL_FIN);
	assert_int_equal(track(t, F | A, O, 60000, 50000, 0), TCP_BOTH_FIN);
	assert_int_equal(track(t, A, I, 50001, 60001, 0), TCP_BOTH_FIN);
	assert_int_equal(track(t, A, O, 60001, 50001, 0), TCP_TIME_WAIT);
}

/* What only the tracker may say is no flag that a segment can bring along. */
static void test_segment_cannot_claim_that_fins_are_acknowledged(void **state)
{
	struct tcp_track t = opened();

	(void)state;
	track(&t, F | A | ALL, I, 1000, 2000, 0);
	assert_int_equal(track(&t, F | A | ALL, O, 2000, 1000, 0), TCP_BOTH_FIN);
	assert_int_equal(track(&t, ALL, I, 1001, 2000, 0), TCP_BOTH_FIN);
}

static void test_new_connection_forgets_the_fins_of_the_old_one(void **state)
{
	struct tcp_track t = opened();

	(void)state;
	track(&t, F | A, I, 1000, 2000, 0);
	track(&t, F | A, O, 2000, 1001, 0);
	assert_int_equal(track(&t, A, I, 1001, 2001, 0), TCP_TIME_WAIT);
	assert_int_equal(track(&t, S, I, 49999, 0, 0), TCP_INTERNAL_SYN);
	assert_int_equal(track(&t, S | A, O, 59999, 50000, 0), TCP_ESTABLISHED);
	assert_fins_forgotten(&t);
}

static void test_connection_after_a_reset_forgets_the_fins_of_the_old_one(void **state)
{
	struct tcp_track t = opened();

	(void)state;
	track(&t, F | A, I, 1000, 2000, 0);
	track(&t, A, O, 2000, 1001, 0);
	assert_int_equal(track(&t, R | A, O, 2000, 1001, 0), TCP_TRANS);
	assert_int_equal(track(&t, S, I, 49999, 0, 0), TCP_INTERNAL_SYN);
	assert_int_equal(track(&t, S | A, O, 59999, 50000, 0), TCP_ESTABLISHED);
	assert_fins_forgotten(&t);
}

static void test_simultaneous_open_is_established(void **state)
{
	struct tcp_track t = { 0 };

	(void)state;
	assert_int_equal(track(&t, S, I, 999, 0, 0), TCP_INTERNAL_SYN);
	assert_int_equal(track(&t, S, O, 1999, 0, 0), TCP_ESTABLISHED);
	assert_int_equal(track(&t, S | A, I, 999, 2000, 0), TCP_ESTABLISHED);
	assert_int_equal(track(&t, S | A, O, 1999, 1000, 0), TCP_ESTABLISHED);
}

static void test_strict_handshake_ends_with_its_third_packet(void **state)
{
	static const struct tcp_rules strict = { .strict = true };
	struct tcp_track t = { 0 };

	(void)state;
	assert_int_equal(
		track_segment(&t, (struct tcp_segment){ .flags = S, .sequence = 999 }, I, &strict),
		TCP_TIMER_OPENING);
	assert_int_equal(track_segment(&t,
				       (struct tcp_segment){ .flags = S | A,
							     .sequence = 1999,
							     .acknowledgment = 1000 },
				       O, &strict),
			 TCP_TIMER_OPENING);
	assert_int_equal(t.state, TCP_INTERNAL_SYN);
	assert_int_equal(track_segment(&t,
				       (struct tcp_segment){ .flags = A,
							     .sequence = 1000,
							     .acknowledgment = 2000 },
				       I, &strict),
			 TCP_TIMER_ESTABLISHED);
	assert_int_equal(t.state, TCP_ESTABLISHED);
}

/* The ACKs of an old connection do not count for the next one. */
static void test_strict_connection_forgets_the_acks_of_the_one_before(void **state)
{
	static const struct tcp_rules strict = { .strict = true, .rst_check = true };
	struct tcp_track t = opened();

	(void)state;
	assert_int_equal(track(&t, R | A, I, 1000, 2000, 0), TCP_TRANS);
	track_segment(&t, (struct tcp_segment){ .flags = S, .sequence = 70 }, I, &strict);
	assert_int_equal(t.state, TCP_INTERNAL_SYN);
	track_segment(&t, (struct tcp_segment){ .flags = A, .sequence = 71, .acknowledgment = 90 },
		      I, &strict);
	assert_int_equal(t.state, TCP_INTERNAL_SYN);
	track_segment(&t,
		      (struct tcp_segment){ .flags = S | A, .sequence = 89, .acknowledgment = 71 },
		      O, &strict);
	assert_int_equal(t.state, TCP_ESTABLISHED);
}

/* --- resets --------------------------------------------------------------------------------- */

/* What a RST with @sequence from outside does to a connection that takes 2000-3000. */
static enum tcp_state reset_with(uint32_t sequence)
{
	struct tcp_track t = opened();

	return track(&t, R, O, sequence, 0, 0);
}

/* RFC 7857 section 2: what the receiver does not believe, the NAT does not either. */
static void test_rfc7857_req2_reset_outside_the_window_changes_nothing(void **state)
{
	struct tcp_track t = opened();

	(void)state;
	assert_int_equal(reset_with(1999), TCP_ESTABLISHED);
	assert_int_equal(reset_with(2000), TCP_TRANS);
	assert_int_equal(reset_with(2001), TCP_TRANS);
	assert_int_equal(reset_with(3000), TCP_TRANS);
	assert_int_equal(reset_with(3001), TCP_ESTABLISHED);
	assert_int_equal(reset_with(2000 + 0x80000000), TCP_ESTABLISHED);
	/* Not even the timer, and nothing of it is remembered. */
	assert_int_equal(track_segment(&t,
				       (struct tcp_segment){ .flags = R | A,
							     .sequence = 1999,
							     .acknowledgment = 0x70000000,
							     .window = 9 },
				       O, &by_default),
			 TCP_TIMER_KEEP);
	assert_int_equal(track(&t, R, I, 0x70000000, 0, 0), TCP_ESTABLISHED);
	assert_int_equal(track(&t, R, I, 1000, 0, 0), TCP_TRANS);
}

/* The window moves with what its owner acknowledges, and does not shrink. */
static void test_reset_is_checked_against_the_latest_window(void **state)
{
	struct tcp_track t = opened();

	(void)state;
	assert_int_equal(track(&t, A, I, 1000, 2500, 0), TCP_ESTABLISHED);
	assert_int_equal(track(&t, R, O, 2499, 0, 0), TCP_ESTABLISHED);
	assert_int_equal(track(&t, R, O, 3501, 0, 0), TCP_ESTABLISHED);
	/* An old ACK, late. */
	assert_int_equal(track(&t, A, I, 1000, 2100, 0), TCP_ESTABLISHED);
	assert_int_equal(track(&t, R, O, 2499, 0, 0), TCP_ESTABLISHED);
	assert_int_equal(track(&t, R, O, 3500, 0, 0), TCP_TRANS);
}

static void test_reset_window_wraps_around(void **state)
{
	struct tcp_track t = { 0 };

	(void)state;
	track(&t, S, I, 999, 0, 0);
	track(&t, S | A, O, 0xfffffdff, 1000, 0);
	track(&t, A, I, 1000, 0xfffffe00, 0); /* takes 0xfffffe00 to 488 */
	assert_int_equal(track(&t, R, O, 489, 0, 0), TCP_ESTABLISHED);
	assert_int_equal(track(&t, R, O, 0xfffffdff, 0, 0), TCP_ESTABLISHED);
	assert_int_equal(track(&t, R, O, 488, 0, 0), TCP_TRANS);
}

static struct tcp_track opened_with_scales(uint8_t internal, uint8_t external)
{
	struct tcp_track t = { 0 };

	track_segment(&t,
		      (struct tcp_segment){
			      .flags = S, .sequence = 999, .window = 100, .scale = internal },
		      I, &by_default);
	track_segment(&t,
		      (struct tcp_segment){ .flags = S | A,
					    .sequence = 1999,
					    .acknowledgment = 1000,
					    .window = 100,
					    .scale = external },
		      O, &by_default);
	track_segment(&t,
		      (struct tcp_segment){ .flags = A,
					    .sequence = 1000,
					    .acknowledgment = 2000,
					    .window = 100,
					    .scale = PACKET_NO_SCALE },
		      I, &by_default);
	return t;
}

/* RFC 7323 section 2.2: only if both SYNs offered it, and not in the SYNs themselves. */
static void test_rfc7323_window_scale_widens_the_window(void **state)
{
	struct tcp_track t = opened_with_scales(3, 0);

	(void)state;
	assert_int_equal(track(&t, R, O, 2801, 0, 0), TCP_ESTABLISHED);
	assert_int_equal(track(&t, R, O, 2800, 0, 0), TCP_TRANS);
	t = opened_with_scales(3, PACKET_NO_SCALE);
	assert_int_equal(track(&t, R, O, 2101, 0, 0), TCP_ESTABLISHED);
	assert_int_equal(track(&t, R, O, 2100, 0, 0), TCP_TRANS);
	t = opened_with_scales(PACKET_NO_SCALE, 3);
	assert_int_equal(track(&t, R, O, 2101, 0, 0), TCP_ESTABLISHED);
	t = opened_with_scales(3, 14); /* the external side's SYN offered 100, unscaled */
	assert_int_equal(track(&t, R, I, 1101, 0, 0), TCP_ESTABLISHED);
	assert_int_equal(track(&t, R, I, 1100, 0, 0), TCP_TRANS);
}

/* RFC 9293 section 3.10.7.3: a refusal must acknowledge the SYN. */
static void test_reset_that_refuses_a_connection_acknowledges_its_syn(void **state)
{
	struct tcp_track t = { 0 };

	(void)state;
	assert_int_equal(track(&t, S, I, 999, 0, 0), TCP_INTERNAL_SYN);
	assert_int_equal(track(&t, R, O, 0, 0, 0), TCP_INTERNAL_SYN);
	assert_int_equal(track(&t, R, O, 1000, 1000, 0), TCP_INTERNAL_SYN);
	assert_int_equal(track(&t, R | A, O, 0, 1001, 0), TCP_INTERNAL_SYN);
	assert_int_equal(track(&t, R | A, O, 0, 1000U - 65536, 0), TCP_INTERNAL_SYN);
	assert_int_equal(track(&t, R | A, O, 0, 1000, 0), TCP_TRANS);
}

/* An opener that gives up says so before it has heard of the other side: nothing to check. */
static void test_reset_to_a_side_that_was_silent_so_far_counts(void **state)
{
	struct tcp_track t = { 0 };

	(void)state;
	assert_int_equal(track(&t, S, I, 999, 0, 0), TCP_INTERNAL_SYN);
	assert_int_equal(track(&t, R, I, 1000, 0, 0), TCP_TRANS);
}

static void test_reset_is_believed_at_once_without_the_check(void **state)
{
	static const struct tcp_rules unchecked = { 0 };
	struct tcp_track t = opened();

	(void)state;
	assert_int_equal(
		track_segment(&t, (struct tcp_segment){ .flags = R, .sequence = 7 }, O, &unchecked),
		TCP_TIMER_RESET);
	assert_int_equal(t.state, TCP_TRANS);
}

/* Its SYNs were not seen: the widest scale there is may be in force. */
static void test_connection_met_half_way_is_open_and_takes_wide_windows(void **state)
{
	struct tcp_track t;

	(void)state;
	memset(&t, 0xff, sizeof(t));
	tcp_pick_up(&t);
	assert_int_equal(t.state, TCP_ESTABLISHED);
	assert_int_equal(track(&t, A, I, 1000, 2000, 0), TCP_ESTABLISHED);
	assert_int_equal(track(&t, R, O, 1999, 0, 0), TCP_ESTABLISHED);
	assert_int_equal(track(&t, R, O, 2001 + (1000 << 14), 0, 0), TCP_ESTABLISHED);
	assert_int_equal(track(&t, R, O, 2000 + (1000 << 14), 0, 0), TCP_TRANS);
}

/* Whatever comes, in whatever order: a state there is, and a timer. */
static void test_random_segments_never_leave_the_machine(void **state)
{
	struct siphash_key key;
	struct tcp_track t = { 0 };
	bool seen[TCP_STATES] = { false };
	struct tcp_rules rules = { 0 };
	struct rng rng;

	(void)state;
	assert_int_equal(rng_key(793, &key), 0);
	rng_init(&rng, &key);
	for (int i = 0; i < 100000; i++) {
		const struct tcp_segment segment = { .flags = rng_below(&rng, 256),
						     .sequence = rng_below(&rng, 8),
						     .acknowledgment = rng_below(&rng, 8),
						     .payload = rng_below(&rng, 3),
						     .window = (uint16_t)rng_below(&rng, 6),
						     .scale = (uint8_t)rng_below(&rng, 256) };
		enum tcp_timer timer = tcp_track(&t, &segment, rng_below(&rng, 2) ? I : O, &rules);

		assert_in_range(t.state, 0, TCP_STATES - 1);
		assert_in_range(timer, TCP_TIMER_KEEP, TCP_TIMER_TIME_WAIT);
		seen[t.state] = true;
		if (rng_below(&rng, 50) == 0)
			t = (struct tcp_track){ 0 };
		rules.strict = i / 1000 % 2 != 0;
		rules.rst_check = i / 2000 % 2 != 0;
	}
	for (unsigned int i = 0; i < TCP_STATES; i++)
		if (!seen[i])
			fail_msg("never in %s", tcp_state_name((enum tcp_state)i));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc6146_closed),
		cmocka_unit_test(test_rfc6146_internal_syn),
		cmocka_unit_test(test_rfc6146_external_syn),
		cmocka_unit_test(test_rfc6146_established),
		cmocka_unit_test(test_rfc6146_one_fin),
		cmocka_unit_test(test_rfc7857_req2d_reset_after_a_fin_leaves_four_minutes),
		cmocka_unit_test(test_rfc6146_both_fin),
		cmocka_unit_test(test_syn_after_both_fins_opens_a_new_connection),
		cmocka_unit_test(test_rfc6146_trans),
		cmocka_unit_test(test_strict_connection_opens_with_the_acks_of_both_sides),
		cmocka_unit_test(test_state_names_are_those_people_know),
		cmocka_unit_test(test_time_wait_begins_when_both_fins_are_acknowledged),
		cmocka_unit_test(test_external_side_may_close_first),
		cmocka_unit_test(test_simultaneous_close),
		cmocka_unit_test(test_acknowledgments_wrap_around),
		cmocka_unit_test(test_acknowledgment_without_ack_flag_counts_for_nothing),
		cmocka_unit_test(test_segment_cannot_claim_that_fins_are_acknowledged),
		cmocka_unit_test(test_new_connection_forgets_the_fins_of_the_old_one),
		cmocka_unit_test(test_connection_after_a_reset_forgets_the_fins_of_the_old_one),
		cmocka_unit_test(test_simultaneous_open_is_established),
		cmocka_unit_test(test_strict_handshake_ends_with_its_third_packet),
		cmocka_unit_test(test_strict_connection_forgets_the_acks_of_the_one_before),
		cmocka_unit_test(test_rfc7857_req2_reset_outside_the_window_changes_nothing),
		cmocka_unit_test(test_reset_is_checked_against_the_latest_window),
		cmocka_unit_test(test_reset_window_wraps_around),
		cmocka_unit_test(test_rfc7323_window_scale_widens_the_window),
		cmocka_unit_test(test_reset_that_refuses_a_connection_acknowledges_its_syn),
		cmocka_unit_test(test_reset_to_a_side_that_was_silent_so_far_counts),
		cmocka_unit_test(test_reset_is_believed_at_once_without_the_check),
		cmocka_unit_test(test_connection_met_half_way_is_open_and_takes_wide_windows),
		cmocka_unit_test(test_random_segments_never_leave_the_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
