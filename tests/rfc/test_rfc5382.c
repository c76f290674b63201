/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RFC 5382 (BCP 142): what a NAT does with TCP. */
#include "tests/rfc/flow.h"

/* --- REQ-1: mapping ------------------------------------------------------------------------- */

static void test_rfc5382_req1_one_internal_endpoint_has_one_external_for_all_remotes(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_open(lab, NAT_TCP, H1, Y1, AT_S(0));

	assert_same_endpoint(lab_open(lab, NAT_TCP, H1, Y1_Q, AT_S(1)), external);
	assert_same_endpoint(lab_open(lab, NAT_TCP, H1, Y2, AT_S(2)), external);
	assert_int_equal(lab->nat.mappings.arena.live, 1);
	/* of the internal endpoint, not of its port alone */
	assert_int_not_equal(lab_open(lab, NAT_TCP, ep_port(H1, 5001), Y1, AT_S(2)).port,
			     external.port);
	assert_int_not_equal(lab_open(lab, NAT_TCP, H2, Y1, AT_S(2)).port, external.port);
}

static void test_rfc5382_req1_address_dependent_mapping_breaks_it(void **state)
{
	struct lab *lab = *state;
	struct endpoint external;

	lab_set(lab, "tcp.mapping", "adm");
	external = lab_open(lab, NAT_TCP, H1, Y1, AT_S(0));
	assert_same_endpoint(lab_open(lab, NAT_TCP, H1, Y1_Q, AT_S(1)), external);
	assert_int_not_equal(lab_open(lab, NAT_TCP, H1, Y2, AT_S(1)).port, external.port);
}

static void test_rfc5382_req1_address_and_port_dependent_mapping_breaks_it(void **state)
{
	struct lab *lab = *state;
	struct endpoint external;

	lab_set(lab, "tcp.mapping", "apdm");
	external = lab_open(lab, NAT_TCP, H1, Y1, AT_S(0));
	assert_int_not_equal(lab_open(lab, NAT_TCP, H1, Y1_Q, AT_S(1)).port, external.port);
	assert_int_not_equal(lab_open(lab, NAT_TCP, H1, Y2, AT_S(1)).port, external.port);
	assert_same_endpoint(lab_open(lab, NAT_TCP, H1, Y1, AT_S(1)), external);
}

/* --- REQ-2: all legal sequences of segments ------------------------------------------------- */

static void test_rfc5382_req2_three_way_handshake_from_inside(void **state)
{
	struct lab *lab = *state;
	struct conn c = conn_of(lab, H1, Y1);

	assert_rewritten(conn_send(&c, I, S, AT_S(0)), REASON_MAPPING_CREATED);
	assert_rewritten(conn_send(&c, O, S | A, AT_S(1)), REASON_TRANSLATED);
	assert_rewritten(conn_send(&c, I, A, AT_S(2)), REASON_TRANSLATED);
	conn_data(&c, I, 1000, AT_S(3));
	conn_data(&c, O, 1000, AT_S(3));
}

static void test_rfc5382_req2_handshake_from_outside_where_filtering_permits(void **state)
{
	struct lab *lab = *state;
	struct conn c = conn_of(lab, H1, Y2);

	lab_set(lab, "tcp.filtering", "eif");
	c.external = lab_open(lab, NAT_TCP, H1, Y1, AT_S(0));
	assert_rewritten(conn_send(&c, O, S, AT_S(0)), REASON_SESSION_CREATED);
	assert_rewritten(conn_send(&c, I, S | A, AT_S(1)), REASON_TRANSLATED);
	assert_rewritten(conn_send(&c, O, A, AT_S(2)), REASON_TRANSLATED);
	conn_data(&c, O, 100, AT_S(3));
	conn_data(&c, I, 100, AT_S(3));
	assert_conn_state(&c, TCP_ESTABLISHED);
}

/* RFC 9293 section 3.10.7.4, RFC 7413: a SYN may bring data, and so may the SYN-ACK. */
static void test_rfc5382_req2_data_on_syn_passes(void **state)
{
	struct lab *lab = *state;
	struct conn c = conn_of(lab, H1, Y1);

	assert_int_equal(conn_send_bytes(&c, I, S, 400, AT_S(0)).verdict, NAT_REWRITTEN);
	assert_rewritten(conn_send_bytes(&c, O, S | A, 300, AT_S(0)), REASON_TRANSLATED);
	assert_rewritten(conn_send_bytes(&c, I, A, 200, AT_S(0)), REASON_TRANSLATED);
	assert_conn_state(&c, TCP_ESTABLISHED);
}

static void test_rfc5382_req2_lost_segments_of_the_handshake_come_again(void **state)
{
	struct lab *lab = *state;
	struct conn c = conn_of(lab, H1, Y1);

	for (int t = 0; t < 4; t++) {
		assert_int_equal(
			conn_send_raw(&c, I, (struct wire_tcp){ .flags = S, .seq = 1000 }, AT_S(t))
				.verdict,
			NAT_REWRITTEN);
	}
	c.next[I] = 1001;
	for (int t = 4; t < 8; t++)
		assert_rewritten(conn_send_raw(&c, O,
					       (struct wire_tcp){
						       .flags = S | A, .seq = 700000, .ack = 1001 },
					       AT_S(t)),
				 REASON_TRANSLATED);
	c.next[O] = 700001;
	conn_data(&c, I, 5, AT_S(9));
	assert_conn_state(&c, TCP_ESTABLISHED);
}

/* Half-close: who has sent its FIN still acknowledges, and the other side still sends. */
static void test_rfc5382_req2_half_closed_connection_goes_on(void **state)
{
	struct lab *lab = *state;

	for (int first = I; first <= O; first++) {
		struct conn c = conn_open(lab, ep_port(H1, 5000 + (unsigned int)first), Y1,
					  AT_S(first * 100));
		enum nat_side closer = (enum nat_side)first;

		conn_pass(&c, closer, F | A, AT_S(first * 100 + 1));
		for (int i = 2; i < 50; i++) {
			conn_data(&c, other_side(closer), 1400, AT_S(first * 100 + i));
			conn_pass(&c, closer, A, AT_S(first * 100 + i));
		}
		conn_pass(&c, other_side(closer), F | A, AT_S(first * 100 + 50));
		conn_pass(&c, closer, A, AT_S(first * 100 + 51));
	}
}

/* A program that closes with unread data: FIN, and a reset after it. */
static void test_rfc5382_req2_fin_then_reset_passes(void **state)
{
	struct lab *lab = *state;

	for (int from = I; from <= O; from++) {
		struct conn c =
			conn_open(lab, ep_port(H1, 5000 + (unsigned int)from), Y1, AT_S(from));

		conn_pass(&c, (enum nat_side)from, F | A, AT_S(from));
		conn_data(&c, other_side((enum nat_side)from), 10, AT_S(from));
		conn_pass(&c, (enum nat_side)from, R, AT_S(from));
		assert_conn_state(&c, TCP_TRANS);
	}
}

/* RFC 9293 section 3.8.4: a sequence number already acknowledged, with one old byte or none. */
static void test_rfc5382_req2_keep_alive_passes(void **state)
{
	struct lab *lab = *state;
	struct conn c = conn_open(lab, H1, Y1, AT_S(0));

	for (size_t payload = 0; payload <= 1; payload++) {
		for (int from = I; from <= O; from++) {
			const struct wire_tcp probe = { .flags = A,
							.seq = c.next[from] - 1,
							.ack = c.next[!from],
							.payload = payload };

			assert_rewritten(conn_send_raw(&c, (enum nat_side)from, probe, AT_S(10)),
					 REASON_TRANSLATED);
			conn_pass(&c, other_side((enum nat_side)from), A, AT_S(10));
		}
	}
	assert_conn_state(&c, TCP_ESTABLISHED);
}

/* RFC 9293 section 3.8.6.1: one byte into a window of zero. */
static void test_rfc5382_req2_window_probe_passes(void **state)
{
	struct lab *lab = *state;
	struct conn c = conn_open(lab, H1, Y1, AT_S(0));
	struct wire closed = wire_tcp_with(
		H1, Y1, (struct wire_tcp){ .flags = A, .seq = c.next[I], .ack = c.next[O] });

	wire_put16(closed.at + WIRE_IP + 14, 0);
	wire_fix(closed);
	assert_rewritten(lab_out(lab, closed, AT_S(1)), REASON_TRANSLATED);
	assert_int_equal(wire_get16(closed.at + WIRE_IP + 14), 0);
	for (int t = 2; t < 10; t++) {
		const struct wire_tcp probe = {
			.flags = A, .seq = c.next[O], .ack = c.next[I], .payload = 1
		};

		assert_rewritten(conn_send_raw(&c, O, probe, AT_S(t)), REASON_TRANSLATED);
		conn_pass(&c, I, A, AT_S(t));
	}
}

static void test_rfc5382_req2_simultaneous_close_passes(void **state)
{
	struct lab *lab = *state;
	struct conn c = conn_open(lab, H1, Y1, AT_S(0));
	const uint32_t seq[2] = { c.next[I], c.next[O] };

	for (int from = I; from <= O; from++)
		assert_rewritten(conn_send_raw(&c, (enum nat_side)from,
					       (struct wire_tcp){ .flags = F | A,
								  .seq = seq[from],
								  .ack = seq[!from] },
					       AT_S(1)),
				 REASON_TRANSLATED);
	c.next[I]++;
	c.next[O]++;
	conn_pass(&c, I, A, AT_S(2));
	conn_pass(&c, O, A, AT_S(2));
	assert_conn_state(&c, TCP_TIME_WAIT);
}

/* Segments overtake one another: the FIN comes before the data it ends. */
static void test_rfc5382_req2_segments_out_of_order_pass(void **state)
{
	struct lab *lab = *state;
	struct conn c = conn_open(lab, H1, Y1, AT_S(0));
	const uint32_t seq = c.next[O];

	assert_rewritten(conn_send_raw(&c, O,
				       (struct wire_tcp){ .flags = F | A,
							  .seq = seq + 2800,
							  .ack = c.next[I],
							  .payload = 100 },
				       AT_S(1)),
			 REASON_TRANSLATED);
	assert_rewritten(conn_send_raw(&c, O,
				       (struct wire_tcp){ .flags = A,
							  .seq = seq + 1400,
							  .ack = c.next[I],
							  .payload = 1400 },
				       AT_S(1)),
			 REASON_TRANSLATED);
	assert_rewritten(
		conn_send_raw(&c, O,
			      (struct wire_tcp){
				      .flags = A, .seq = seq, .ack = c.next[I], .payload = 1400 },
			      AT_S(1)),
		REASON_TRANSLATED);
	assert_conn_state(&c, TCP_EXTERNAL_FIN);
}

/* ECN, urgent data, no flag at all: what stands in an open connection is the hosts' business. */
static void test_rfc5382_req2_every_set_of_flags_passes_in_an_open_connection(void **state)
{
	struct lab *lab = *state;

	for (unsigned int flags = 0; flags < 256; flags++) {
		for (int from = I; from <= O; from++) {
			struct conn c = conn_open(lab, ep_port(H1, 5000 + flags),
						  ep_port(Y1, 7000 + (unsigned int)from),
						  AT_S(1000 * flags));

			assert_rewritten(
				conn_send(&c, (enum nat_side)from, flags, AT_S(1000 * flags)),
				REASON_TRANSLATED);
			assert_int_equal(c.last.at[WIRE_IP + 13], flags);
		}
		lab_set(lab, "tcp.timeout-established", "999s");
		nat_tick(&lab->nat, AT_S(1000 * flags + 999), 400);
	}
}

/* Trap 39: urgent pointer, options, data: byte by byte as they came. */
static void test_rfc5382_req2_options_and_urgent_pointer_are_kept(void **state)
{
	struct lab *lab = *state;
	struct conn c = conn_open(lab, H1, Y1, AT_S(0));
	static const uint8_t sack[] = { 1, 1, 5, 10, 0, 0, 4, 0, 0, 0, 8, 0 };

	for (int from = I; from <= O; from++) {
		const struct wire_tcp t = { .flags = A | P | 0x20,
					    .seq = c.next[from],
					    .ack = c.next[!from],
					    .payload = 40,
					    .options = sizeof(sack) };
		struct wire w =
			from == I ? wire_tcp_with(H1, Y1, t) : wire_tcp_with(Y1, c.external, t);
		struct wire before;

		memcpy(w.at + WIRE_IP + WIRE_TCP, sack, sizeof(sack));
		wire_put16(w.at + WIRE_IP + 18, 17);
		wire_fix(w);
		before = wire_copy(w);
		assert_rewritten(lab_packet(lab, w, false, (enum nat_side)from, AT_S(1)),
				 REASON_TRANSLATED);
		assert_memory_equal(w.at + WIRE_IP + 4, before.at + WIRE_IP + 4, 12);
		assert_memory_equal(w.at + WIRE_IP + 18, before.at + WIRE_IP + 18,
				    w.len - WIRE_IP - 18);
	}
}

/* RFC 9293 figure 8: the SYNs cross, and then the SYN-ACKs do. */
static void test_rfc5382_req2a_simultaneous_open_passes(void **state)
{
	struct lab *lab = *state;
	struct conn c = conn_of(lab, H1, Y1);

	conn_pass(&c, I, S, AT_S(0));
	assert_rewritten(
		conn_send_raw(&c, O, (struct wire_tcp){ .flags = S, .seq = 700000 }, AT_S(1)),
		REASON_TRANSLATED);
	c.next[O] = 700001;
	assert_rewritten(
		conn_send_raw(&c, I,
			      (struct wire_tcp){ .flags = S | A, .seq = 1000, .ack = 700001 },
			      AT_S(2)),
		REASON_TRANSLATED);
	assert_rewritten(
		conn_send_raw(&c, O,
			      (struct wire_tcp){ .flags = S | A, .seq = 700000, .ack = 1001 },
			      AT_S(2)),
		REASON_TRANSLATED);
	conn_data(&c, I, 10, AT_S(3));
	conn_data(&c, O, 10, AT_S(3));
	assert_conn_state(&c, TCP_ESTABLISHED);
	assert_conn_ends(&c, AT_S(3 + 7440));
}

/* The same under each filtering that looks at who was sent to: the outbound SYN permits it. */
static void test_rfc5382_req2a_simultaneous_open_passes_under_every_filtering(void **state)
{
	static const char *const filtering[] = { "eif", "adf", "apdf" };
	struct lab *lab = *state;

	for (unsigned int i = 0; i < 3; i++) {
		struct conn c = conn_of(lab, ep_port(H1, 5000 + i), Y1);

		lab_set(lab, "tcp.filtering", filtering[i]);
		conn_pass(&c, I, S, AT_S(i));
		conn_pass(&c, O, S, AT_S(i));
		assert_conn_state(&c, TCP_ESTABLISHED);
	}
}

/* "No inbound SYN ever" is its meaning, so connection-dependent filtering breaks it. */
static void test_rfc5382_req2a_connection_dependent_filtering_breaks_it(void **state)
{
	struct lab *lab = *state;
	struct conn c = conn_of(lab, H1, Y1);

	lab_set(lab, "tcp.filtering", "cdf");
	conn_pass(&c, I, S, AT_S(0));
	assert_int_equal(conn_send(&c, O, S, AT_S(1)).verdict, NAT_DROPPED);
	assert_conn_state(&c, TCP_INTERNAL_SYN);
	conn_pass(&c, O, S | A, AT_S(1)); /* the usual answer is none */
	assert_conn_state(&c, TCP_ESTABLISHED);
}

/* --- REQ-3: filtering ----------------------------------------------------------------------- */

/* Which of the probes of 4787-8 come in: from Y2:p, from Y1:q, from Y1:p again? */
static void assert_probes(struct lab *lab, bool y2, bool y1_q, bool y1)
{
	struct endpoint external = lab_open(lab, NAT_TCP, H1, Y1, AT_S(0));

	assert_int_equal(lab_comes_in(lab, NAT_TCP, Y2, external, H1, AT_S(1)), y2);
	assert_int_equal(lab_comes_in(lab, NAT_TCP, Y1_Q, external, H1, AT_S(1)), y1_q);
	assert_int_equal(lab_comes_in(lab, NAT_TCP, Y1, external, H1, AT_S(1)), y1);
}

static void test_rfc5382_req3_full_cone_lets_everyone_connect(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "nat.preset", "full-cone");
	assert_probes(lab, true, true, true);
}

static void test_rfc5382_req3_restricted_cone_lets_known_addresses_connect(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "nat.preset", "restricted-cone");
	assert_probes(lab, false, true, true);
}

static void test_rfc5382_req3a_filtering_is_a_knob(void **state)
{
	struct lab *lab = *state;
	struct endpoint external;
	struct nat_outcome outcome;

	assert_probes(lab, false, false, true); /* address-and-port-dependent, the default */
	external = lab_open(lab, NAT_TCP, H1, Y1, AT_S(1));
	lab_set(lab, "tcp.unsolicited-syn", "drop");
	outcome = lab_in(lab, wire_tcp(Y1_Q, external, S), AT_S(1));
	assert_dropped(outcome, REASON_FILTERED);
	assert_int_equal(outcome.knob, OPT_TCP_FILTERING);
	lab_set(lab, "tcp.filtering", "adf");
	assert_true(lab_comes_in(lab, NAT_TCP, Y1_Q, external, H1, AT_S(2)));
	assert_false(lab_comes_in(lab, NAT_TCP, Y2, external, H1, AT_S(2)));
	lab_set(lab, "tcp.filtering", "eif");
	assert_true(lab_comes_in(lab, NAT_TCP, Y2, external, H1, AT_S(3)));
}

static void test_rfc5382_req3b_tcp_is_filtered_apart_from_udp(void **state)
{
	struct lab *lab = *state;
	struct endpoint tcp, udp;

	lab_set(lab, "udp.filtering", "eif");
	lab_set(lab, "tcp.filtering", "apdf");
	udp = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	tcp = lab_open(lab, NAT_TCP, H1, Y1, AT_S(0));
	assert_true(lab_comes_in(lab, NAT_UDP, Y2, udp, H1, AT_S(1)));
	assert_false(lab_comes_in(lab, NAT_TCP, Y2, tcp, H1, AT_S(1)));
	lab_set(lab, "udp.filtering", "apdf");
	lab_set(lab, "tcp.filtering", "eif");
	assert_false(lab_comes_in(lab, NAT_UDP, Y2, udp, H1, AT_S(2)));
	assert_true(lab_comes_in(lab, NAT_TCP, Y2, tcp, H1, AT_S(2)));
}

/* Section 4.3: address-and-port-dependent filtering lets the old peer connect in TIME_WAIT. */
static void test_rfc5382_cdf_old_peer_may_connect_in_time_wait_otherwise(void **state)
{
	struct lab *lab = *state;
	struct conn c = conn_open(lab, H1, Y1, AT_S(0));

	conn_close(&c, I, AT_S(1));
	assert_conn_state(&c, TCP_TIME_WAIT);
	c.next[O] = 900000;
	assert_rewritten(conn_send(&c, O, S, AT_S(2)), REASON_TRANSLATED);
	assert_conn_state(&c, TCP_EXTERNAL_SYN);
	c.next[I] = 50000;
	conn_pass(&c, I, S | A, AT_S(3));
	conn_pass(&c, O, A, AT_S(3));
	assert_conn_state(&c, TCP_ESTABLISHED);
}

/* Connection-dependent filtering: nobody connects from outside, not even the old peer. */
static void test_rfc5382_cdf_no_connection_comes_from_outside(void **state)
{
	struct lab *lab = *state;
	struct conn c;

	lab_set(lab, "tcp.filtering", "cdf");
	c = conn_open(lab, H1, Y1, AT_S(0));
	assert_int_equal(lab_in(lab, wire_tcp(Y2, c.external, S), AT_S(0)).verdict, NAT_DROPPED);
	assert_int_equal(lab_in(lab, wire_tcp(Y1_Q, c.external, S), AT_S(0)).verdict, NAT_DROPPED);
	conn_data(&c, O, 10, AT_S(0));
	conn_close(&c, I, AT_S(1));
	assert_conn_state(&c, TCP_TIME_WAIT);
	assert_int_equal(conn_send(&c, O, S, AT_S(2)).verdict, NAT_DROPPED);
	assert_conn_state(&c, TCP_TIME_WAIT);
	assert_conn_ends(&c, AT_S(241));
}

/* What the connections of the inside bring back passes all the same. */
static void test_rfc5382_cdf_answers_come_in(void **state)
{
	struct lab *lab = *state;
	struct conn c;

	lab_set(lab, "tcp.filtering", "connection-dependent");
	c = conn_open(lab, H1, Y1, AT_S(0));
	conn_data(&c, O, 100, AT_S(1));
	conn_pass(&c, O, F | A, AT_S(2));
	conn_pass(&c, I, R, AT_S(3));
	conn_pass(&c, O, R, AT_S(3));
}

/* --- REQ-4: unsolicited SYNs ---------------------------------------------------------------- */

/* To a mapping that does not let Y2 in, and to a port that stands for nobody. */
static void unsolicited_targets(struct lab *lab, struct endpoint target[2])
{
	target[0] = lab_open(lab, NAT_TCP, H1, Y1, AT_S(0));
	target[1] = ep_port(target[0], target[0].port ^ 1);
}

static void test_rfc5382_req4_unsolicited_syn_is_not_answered_for_six_seconds(void **state)
{
	struct lab *lab = *state;
	struct endpoint target[2];

	unsolicited_targets(lab, target);
	for (int i = 0; i < 2; i++)
		assert_dropped(lab_in(lab, wire_tcp(Y2, target[i], S), AT_S(1)), REASON_SYN_HELD);
	for (int ms = 1000; ms < 7000; ms += 100) {
		nat_tick(&lab->nat, AT_MS(ms), 100);
		lab_check_silent(lab);
	}
	nat_tick(&lab->nat, AT_MS(6999), 100);
	lab_check_silent(lab);
	/* nor has it left a session behind */
	assert_int_equal(lab->nat.sessions.arena.live, 1);
}

/* The other values of the knob break it, and are there for that. */
static void test_rfc5382_req4_reset_answers_at_once(void **state)
{
	struct lab *lab = *state;
	struct endpoint target[2];

	lab_set(lab, "tcp.unsolicited-syn", "reset");
	unsolicited_targets(lab, target);
	for (int i = 0; i < 2; i++) {
		struct wire w;

		assert_int_equal(lab_in(lab, wire_tcp(Y2, target[i], S), AT_S(1)).verdict,
				 NAT_DROPPED);
		w = take_reset(lab, target[i], Y2);
		assert_int_equal(w.at[WIRE_IP + 13], R | A);
		assert_int_equal(wire_get32(w.at + WIRE_IP + 8), 1001); /* takes the SYN back */
	}
}

static void test_rfc5382_req4_reject_answers_at_once(void **state)
{
	struct lab *lab = *state;
	struct endpoint target[2];

	lab_set(lab, "tcp.unsolicited-syn", "reject");
	unsolicited_targets(lab, target);
	for (int i = 0; i < 2; i++) {
		struct wire syn = wire_tcp(Y2, target[i], S), w;

		assert_int_equal(lab_in(lab, syn, AT_S(1)).verdict, NAT_DROPPED);
		w = lab_take_error(lab, 3, 3, Y2, syn);
		assert_same_endpoint(wire_source(w), E1);
	}
}

/* The same where whatever is unmatched is refused openly. */
static void test_rfc5382_req4_rejecting_the_unmatched_answers_at_once(void **state)
{
	struct lab *lab = *state;
	struct endpoint target[2];

	lab_set(lab, "nat.unmatched", "reject");
	unsolicited_targets(lab, target);
	assert_dropped(lab_in(lab, wire_tcp(Y2, target[1], S), AT_S(1)), REASON_UNMATCHED_REJECTED);
	take_reset(lab, target[1], Y2);
	/* a mapping that does not let Y2 in is matched */
	assert_dropped(lab_in(lab, wire_tcp(Y2, target[0], S), AT_S(1)), REASON_SYN_HELD);
	lab_check_silent(lab);
}

static void test_rfc5382_req4_hold_is_a_knob(void **state)
{
	struct lab *lab = *state;
	struct endpoint target[2];
	struct wire syn;

	lab_set(lab, "tcp.syn-hold", "2s");
	unsolicited_targets(lab, target);
	syn = wire_tcp(Y2, target[0], S);
	lab_in(lab, syn, AT_S(1));
	nat_tick(&lab->nat, AT_MS(2999), 100);
	lab_check_silent(lab);
	nat_tick(&lab->nat, AT_S(3), 100);
	lab_take_error(lab, 3, 3, Y2, syn);
}

/* Only a SYN that opens is one: what else comes unasked for is dropped and forgotten. */
static void test_rfc5382_req4_other_segments_are_not_held(void **state)
{
	struct lab *lab = *state;
	struct endpoint target[2];

	unsolicited_targets(lab, target);
	for (unsigned int flags = 0; flags < 64; flags++) {
		if ((flags & (S | A | R)) == S)
			continue;
		for (int i = 0; i < 2; i++)
			assert_int_not_equal(
				lab_in(lab, wire_tcp(Y2, target[i], flags), AT_S(1)).reason,
				REASON_SYN_HELD);
	}
	nat_tick(&lab->nat, AT_S(10), 100);
	lab_check_silent(lab);
}

static void test_rfc5382_req4a_policy_may_forbid_the_answer(void **state)
{
	struct lab *lab = *state;
	struct endpoint target[2];

	lab_set(lab, "tcp.unsolicited-syn", "drop");
	unsolicited_targets(lab, target);
	for (int i = 0; i < 2; i++)
		assert_int_equal(lab_in(lab, wire_tcp(Y2, target[i], S), AT_S(1)).verdict,
				 NAT_DROPPED);
	for (int s = 1; s < 30; s++) {
		nat_tick(&lab->nat, AT_S(s), 100);
		lab_check_silent(lab);
	}
}

static void test_rfc5382_req4a_muted_side_gets_no_answer(void **state)
{
	struct lab *lab = *state;
	struct endpoint target[2];

	lab_set(lab, "icmp.mute", "external");
	unsolicited_targets(lab, target);
	lab_in(lab, wire_tcp(Y2, target[0], S), AT_S(1));
	nat_tick(&lab->nat, AT_S(10), 100);
	lab_check_silent(lab);
}

/* A flood: answers are bounded by the store and by the rate. */
static unsigned int answers_to_flood(struct lab *lab, unsigned int syns)
{
	struct endpoint target[2];
	unsigned int answers = 0;
	struct wire w;

	unsolicited_targets(lab, target);
	for (unsigned int i = 0; i < syns; i++)
		assert_int_equal(
			lab_in(lab, wire_tcp(ep_port(Y2, 1 + i), target[1], S), AT_S(1)).verdict,
			NAT_DROPPED);
	for (int s = 1; s < 30; s++) {
		nat_tick(&lab->nat, AT_S(s), 1000);
		while (lab_output(lab, &w))
			answers++;
	}
	return answers;
}

static void test_rfc5382_req4a_answers_to_a_flood_are_limited_in_rate(void **state)
{
	struct lab *lab = *state;

	assert_in_range(answers_to_flood(lab, 1000), 1, 20); /* icmp.error-rate: 10 a second */
}

static void test_rfc5382_req4a_held_syns_are_limited_in_number(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "tcp.max-held-syns", "7");
	lab_set(lab, "icmp.error-rate", "1000");
	assert_int_equal(answers_to_flood(lab, 1000), 7);
}

/* Who came first is answered: a flood pushes nobody out. */
static void test_rfc5382_req4a_flood_pushes_no_held_syn_out(void **state)
{
	struct lab *lab = *state;
	struct endpoint target[2];
	struct wire syn;

	lab_set(lab, "tcp.max-held-syns", "1");
	unsolicited_targets(lab, target);
	syn = wire_tcp(Y2, target[0], S);
	assert_dropped(lab_in(lab, syn, AT_S(1)), REASON_SYN_HELD);
	for (unsigned int i = 1; i < 1000; i++)
		assert_int_equal(
			lab_in(lab, wire_tcp(ep_port(Y1_Q, i), target[1], S), AT_S(1)).verdict,
			NAT_DROPPED);
	nat_tick(&lab->nat, AT_S(7), 100);
	lab_take_error(lab, 3, 3, Y2, syn);
}

static void test_rfc5382_req4a_rate_of_nought_is_silence(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "icmp.error-rate", "0");
	assert_int_equal(answers_to_flood(lab, 10), 0);
}

/* Trap 23: who knocks again is neither let in nor made to wait longer. */
static void test_rfc5382_req4a_syn_again_is_held_once(void **state)
{
	struct lab *lab = *state;
	struct endpoint target[2];
	struct wire syn;

	unsolicited_targets(lab, target);
	syn = wire_tcp(Y2, target[0], S);
	for (int s = 1; s < 7; s++) {
		assert_int_equal(lab_in(lab, wire_copy(syn), AT_S(s)).verdict, NAT_DROPPED);
		nat_tick(&lab->nat, AT_S(s), 100);
		lab_check_silent(lab);
	}
	nat_tick(&lab->nat, AT_S(7), 100);
	lab_take_error(lab, 3, 3, Y2, syn);
	nat_tick(&lab->nat, AT_S(30), 100);
	lab_check_silent(lab);
	/* a later one is a new one */
	lab_in(lab, wire_copy(syn), AT_S(40));
	nat_tick(&lab->nat, AT_MS(45999), 100);
	lab_check_silent(lab);
	nat_tick(&lab->nat, AT_S(46), 100);
	lab_take_error(lab, 3, 3, Y2, syn);
}

/* Both sides of a simultaneous open behind NATs: the held SYN is forgotten. */
static void test_rfc5382_req4b_outbound_syn_cancels_the_held_one(void **state)
{
	struct lab *lab = *state;
	struct conn c = conn_of(lab, H1, Y2);
	struct endpoint target[2];

	unsolicited_targets(lab, target);
	c.external = target[0];
	assert_dropped(conn_send(&c, O, S, AT_S(1)), REASON_SYN_HELD);
	conn_pass(&c, I, S, AT_S(4));
	for (int s = 4; s < 30; s++) {
		nat_tick(&lab->nat, AT_S(s), 100);
		lab_check_silent(lab);
	}
	/* and Y2's SYN, sent again, comes in */
	assert_rewritten(conn_send(&c, O, S, AT_S(30)), REASON_TRANSLATED);
	assert_conn_state(&c, TCP_ESTABLISHED);
}

/* The same where the port had no mapping when the SYN came. */
static void test_rfc5382_req4b_outbound_syn_that_makes_the_mapping_cancels_too(void **state)
{
	struct lab *lab = *state;
	struct conn c = conn_of(lab, H1, Y2);

	lab_set(lab, "tcp.ports", "preserve");
	c.external = ep_port(E1, H1.port);
	assert_dropped(conn_send(&c, O, S, AT_S(1)), REASON_SYN_HELD);
	conn_pass(&c, I, S, AT_S(4));
	nat_tick(&lab->nat, AT_S(30), 100);
	lab_check_silent(lab);
	assert_rewritten(conn_send(&c, O, S, AT_S(30)), REASON_TRANSLATED);
}

/* Of that connection: another one of the same host leaves it held. */
static void test_rfc5382_req4b_syn_of_another_connection_cancels_nothing(void **state)
{
	struct lab *lab = *state;
	struct endpoint target[2];
	struct wire syn;

	unsolicited_targets(lab, target);
	syn = wire_tcp(Y2, target[0], S);
	lab_in(lab, syn, AT_S(1));
	lab_open(lab, NAT_TCP, H1, ep_port(Y2, 7001), AT_S(2));
	lab_open(lab, NAT_TCP, H1, Y1, AT_S(2));
	lab_open(lab, NAT_TCP, H2, Y2, AT_S(2));
	nat_tick(&lab->nat, AT_S(7), 100);
	lab_take_error(lab, 3, 3, Y2, syn);
}

static void test_rfc5382_req4c_error_comes_after_six_seconds(void **state)
{
	struct lab *lab = *state;
	struct endpoint target[2];

	unsolicited_targets(lab, target);
	for (int i = 0; i < 2; i++) {
		struct wire syn = wire_tcp(Y2, target[i], S), before = wire_copy(syn), w;
		int64_t start = 1000 + 20000 * i;

		lab_in(lab, syn, AT_MS(start));
		/* whoever sleeps until the time that is told wakes up in time */
		assert_in_range(nat_tick(&lab->nat, AT_MS(start), 100).ms, start, start + 6000);
		nat_tick(&lab->nat, AT_MS(start + 5999), 100);
		lab_check_silent(lab);
		nat_tick(&lab->nat, AT_MS(start + 6000), 100);
		w = lab_take_error(lab, 3, 3, Y2, before);
		assert_same_endpoint(wire_source(w), E1);
		assert_int_equal(wire_quote(w).len, before.len);
	}
}

/* With data or options, only the head of it is kept: enough for its sender to know it by. */
static void test_rfc5382_req4c_error_quotes_the_head_of_a_long_syn(void **state)
{
	static const struct wire_tcp syns[] = {
		{ .flags = S, .seq = 1000, .payload = 1000 },
		{ .flags = S, .seq = 1000, .options = 40, .ip_options = 40 },
		{ .flags = S, .seq = 1000, .options = 40, .ip_options = 40, .payload = 500 },
	};
	struct lab *lab = *state;
	struct endpoint target[2];
	struct wire w;

	unsolicited_targets(lab, target);
	for (int i = 0; i < 3; i++) {
		struct wire syn =
			wire_tcp_with(ep_port(Y2, 1 + (unsigned int)i), target[0], syns[i]);

		assert_dropped(lab_in(lab, syn, AT_S(10 * i)), REASON_SYN_HELD);
		nat_tick(&lab->nat, AT_S(10 * i + 6), 100);
		assert_true(lab_output(lab, &w));
		lab_check_silent(lab);
		assert_int_equal(w.at[WIRE_IP], 3);
		assert_same_endpoint(wire_destination(w), without_port(Y2));
		assert_in_range(wire_quote(w).len, wire_header(syn) + 8, syn.len);
		assert_memory_equal(wire_quote(w).at, syn.at, wire_quote(w).len);
	}
}

static void test_rfc5382_req4d_service_of_the_router_answers_at_once(void **state)
{
	struct lab *lab = *state;
	struct endpoint sshd = ep_port(E1, 22), target[2];

	lab_set(lab, "nat.unmatched", "accept");
	lab_set(lab, "nat.reserved-ports", "22");
	assert_int_equal(lab_in(lab, wire_tcp(Y1, sshd, S), AT_S(1)).verdict, NAT_PASS);
	assert_int_equal(lab_out(lab, wire_tcp(sshd, Y1, S | A), AT_S(1)).verdict, NAT_PASS);
	assert_int_equal(lab_in(lab, wire_tcp(Y1, sshd, A), AT_S(1)).verdict, NAT_PASS);
	/* a mapping's port is no service: rule 4 holds there */
	unsolicited_targets(lab, target);
	assert_dropped(lab_in(lab, wire_tcp(Y2, target[0], S), AT_S(2)), REASON_SYN_HELD);
	nat_tick(&lab->nat, AT_MS(7999), 100);
	lab_check_silent(lab);
}

/* What the router begins from a reserved port passes too; from another port it is a host's flow. */
static void test_rfc5382_req4d_router_uses_its_reserved_ports_untranslated(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "nat.unmatched", "accept");
	lab_set(lab, "nat.reserved-ports", "53,5000-5010");
	for (enum nat_protocol p = NAT_UDP; p <= NAT_TCP; p++) {
		struct nat_outcome outcome;

		for (unsigned int i = 0; i < 3; i++)
			assert_int_equal(
				lab_out(lab, lab_request(p, ep_port(E1, 5000 + 5 * i), Y1), AT_S(0))
					.verdict,
				NAT_PASS);
		assert_int_equal(lab_out(lab, lab_request(p, ep_port(E1, 53), Y1), AT_S(0)).verdict,
				 NAT_PASS);
		outcome = lab_out(lab, lab_request(p, ep_port(E1, 5011), Y1), AT_S(0));
		assert_rewritten(outcome, REASON_MAPPING_CREATED);
		outcome = lab_out(lab, lab_request(p, ep_port(H1, 5000), Y1), AT_S(0));
		assert_rewritten(outcome, REASON_MAPPING_CREATED);
	}
}

/* Which is why no mapping is ever given such a port. */
static void test_rfc5382_req4d_reserved_ports_are_given_to_no_mapping(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "tcp.port-range", "4000-4009");
	lab_set(lab, "nat.reserved-ports", "4001,4003-4008");
	for (unsigned int i = 0; i < 3; i++) {
		unsigned int port = lab_open(lab, NAT_TCP, ep_port(H1, 5000 + i), Y1, AT_S(0)).port;

		assert_true(port == 4000 || port == 4002 || port == 4009);
	}
	assert_dropped(lab_out(lab, wire_tcp(ep_port(H1, 6000), Y1, S), AT_S(0)),
		       REASON_PORTS_EXHAUSTED);
	lab_set(lab, "tcp.ports", "preserve");
	lab_set(lab, "tcp.port-range", "1024-65535");
	assert_int_not_equal(lab_open(lab, NAT_TCP, ep_port(H2, 4003), Y1, AT_S(0)).port, 4003);
}

/* --- REQ-5: how long ------------------------------------------------------------------------ */

static void test_rfc5382_req5_idle_connection_lasts_two_hours_and_four_minutes(void **state)
{
	struct lab *lab = *state;
	struct conn c = conn_open(lab, H1, Y1, AT_S(0));

	conn_data(&c, I, 100, AT_S(7439));
	conn_data(&c, O, 100, AT_S(7439 + 7439));
	assert_conn_ends(&c, AT_S(7439 + 7439 + 7440));
}

/* Both directions count: what one side sends keeps the connection for the other. */
static void test_rfc5382_req5_data_of_either_side_restarts_the_time(void **state)
{
	struct lab *lab = *state;

	for (int from = I; from <= O; from++) {
		struct conn c = conn_open(lab, ep_port(H1, 5000 + (unsigned int)from), Y1,
					  AT_S(100000 * from));

		for (int i = 1; i < 5; i++)
			conn_data(&c, (enum nat_side)from, 1, AT_S(100000 * from + 7439 * i));
		assert_conn_ends(&c, AT_S(100000 * from + 7439 * 4 + 7440));
	}
}

/* Which direction counts is a knob. */
static void test_rfc5382_req5_one_direction_alone_may_count(void **state)
{
	static const struct {
		const char *refresh;
		enum nat_side counts;
	} rows[] = { { "outbound", I }, { "inbound", O } };
	struct lab *lab = *state;

	for (int i = 0; i < 2; i++) {
		int start = 100000 * i;
		struct conn c;

		lab_set(lab, "tcp.refresh", rows[i].refresh);
		c = conn_open(lab, H1, Y1, AT_S(start));
		conn_data(&c, rows[i].counts, 10, AT_S(start + 1000));
		conn_data(&c, other_side(rows[i].counts), 10, AT_S(start + 2000));
		assert_conn_ends(&c, AT_S(start + 1000 + 7440));
	}
}

static void test_rfc5382_req5t_partly_open_connection_lasts_four_minutes(void **state)
{
	struct lab *lab = *state;
	struct conn late = conn_of(lab, H1, Y1), never = conn_of(lab, H2, Y1);

	conn_pass(&late, I, S, AT_S(0));
	conn_pass(&never, I, S, AT_S(0));
	conn_pass(&late, O, S | A, AT_S(239));
	assert_conn_ends(&never, AT_S(240));
	conn_pass(&late, I, A, AT_S(240));
	assert_conn_ends(&late, AT_S(240 + 7440));
}

static void test_rfc5382_req5t_closing_connection_lasts_four_minutes(void **state)
{
	struct lab *lab = *state;
	struct conn c = conn_open(lab, H1, Y1, AT_S(0));

	conn_pass(&c, I, F | A, AT_S(10));
	conn_pass(&c, O, F, AT_S(20)); /* and its acknowledgment never comes */
	assert_conn_state(&c, TCP_BOTH_FIN);
	assert_conn_ends(&c, AT_S(20 + 240));
}

/* A connection from outside has the same four minutes to be answered. */
static void test_rfc5382_req5t_connection_from_outside_lasts_four_minutes(void **state)
{
	struct lab *lab = *state;
	struct conn c = conn_of(lab, H1, Y2);

	lab_set(lab, "tcp.filtering", "eif");
	conn_open(lab, H1, Y1, AT_S(0));
	c.external = lab_open(lab, NAT_TCP, H1, Y1, AT_S(0));
	conn_pass(&c, O, S, AT_S(10));
	assert_conn_ends(&c, AT_S(250));
}

static void test_rfc5382_req5a_timeouts_are_knobs(void **state)
{
	struct lab *lab = *state;
	struct conn c = conn_of(lab, H1, Y1);

	lab_set(lab, "tcp.timeout-established", "100s");
	lab_set(lab, "tcp.timeout-transitory", "10s");
	conn_pass(&c, I, S, AT_S(0));
	assert_conn_ends(&c, AT_S(10));
	c = conn_open(lab, H1, Y1, AT_S(20));
	assert_conn_ends(&c, AT_S(120));
	c = conn_open(lab, H1, Y1, AT_S(200));
	conn_close(&c, O, AT_S(210));
	assert_conn_ends(&c, AT_S(220));
}

/* Two-second boxes exist; so does Linux with its five days. */
static void test_rfc5382_req5a_timeouts_may_be_far_from_the_rfc(void **state)
{
	struct lab *lab = *state;
	struct conn c;

	lab_set(lab, "tcp.timeout-established", "2s");
	c = conn_open(lab, H1, Y1, AT_S(0));
	assert_conn_ends(&c, AT_S(2));
	lab_set(lab, "tcp.timeout-established", "432000s");
	c = conn_open(lab, H1, Y1, AT_S(10));
	assert_conn_ends(&c, AT_S(10 + 432000));
}

static void test_rfc5382_req5a_each_phase_has_a_knob(void **state)
{
	struct lab *lab = *state;
	struct conn c = conn_of(lab, H1, Y1);

	lab_set(lab, "tcp.timeout-established", "100s");
	lab_set(lab, "tcp.timeout-transitory", "10s");
	lab_set(lab, "tcp.timeout-opening", "20s");
	lab_set(lab, "tcp.timeout-closing", "30s");
	lab_set(lab, "tcp.timeout-reset", "40s");
	lab_set(lab, "tcp.timeout-time-wait", "50s");
	conn_pass(&c, I, S, AT_S(0));
	assert_conn_ends(&c, AT_S(20));
	c = conn_open(lab, H1, Y1, AT_S(1000));
	assert_conn_ends(&c, AT_S(1100));
	c = conn_open(lab, H1, Y1, AT_S(2000));
	conn_pass(&c, I, F, AT_S(2001));
	conn_pass(&c, O, F, AT_S(2002));
	assert_conn_ends(&c, AT_S(2032));
	c = conn_open(lab, H1, Y1, AT_S(3000));
	conn_pass(&c, I, R, AT_S(3001));
	assert_conn_ends(&c, AT_S(3041));
	c = conn_open(lab, H1, Y1, AT_S(4000));
	conn_close(&c, I, AT_S(4001));
	assert_conn_ends(&c, AT_S(4051));
	/* those that are not set are transitory */
	lab_set(lab, "tcp.timeout-reset", "transitory");
	c = conn_open(lab, H1, Y1, AT_S(5000));
	conn_pass(&c, O, R, AT_S(5001));
	assert_conn_ends(&c, AT_S(5011));
}

static void test_rfc5382_req5ph_half_closed_connection_keeps_the_long_timer(void **state)
{
	struct lab *lab = *state;

	for (int first = I; first <= O; first++) {
		struct conn c = conn_open(lab, ep_port(H1, 5000 + (unsigned int)first), Y1,
					  AT_S(100000 * first));

		conn_pass(&c, (enum nat_side)first, F | A, AT_S(100000 * first + 1));
		conn_data(&c, other_side((enum nat_side)first), 9, AT_S(100000 * first + 7000));
		assert_conn_ends(&c, AT_S(100000 * first + 7000 + 7440));
	}
}

/* Opening is what lies between the first SYN and the second side's; closing begins with both. */
static void test_rfc5382_req5ph_phases_have_their_own_timer(void **state)
{
	struct lab *lab = *state;
	struct conn c = conn_of(lab, H1, Y1);

	conn_pass(&c, I, S, AT_S(0));
	assert_true(conn_is_alive(&c, AT_S(239)));
	conn_pass(&c, O, S | A, AT_S(239));
	conn_pass(&c, I, A, AT_S(239));
	conn_pass(&c, I, F | A, AT_S(1000)); /* one FIN: established still */
	assert_true(conn_is_alive(&c, AT_S(7678)));
	conn_pass(&c, O, F | A, AT_S(7678)); /* two: closing */
	assert_conn_ends(&c, AT_S(7678 + 240));
}

static void test_rfc5382_req5tw_last_fin_and_its_acknowledgment_come_again(void **state)
{
	struct lab *lab = *state;

	for (int first = I; first <= O; first++) {
		enum nat_side closer = (enum nat_side)first, last = other_side(closer);
		struct conn c = conn_open(lab, ep_port(H1, 5000 + (unsigned int)first), Y1,
					  AT_S(1000 * first));

		conn_close(&c, closer, AT_S(1000 * first));
		assert_conn_state(&c, TCP_TIME_WAIT);
		for (int i = 1; i < 8; i++) {
			const struct wire_tcp fin = { .flags = F | A,
						      .seq = c.next[last] - 1,
						      .ack = c.next[closer] };

			assert_rewritten(conn_send_raw(&c, last, fin, AT_S(1000 * first + 30 * i)),
					 REASON_TRANSLATED);
			conn_pass(&c, closer, A, AT_S(1000 * first + 30 * i));
		}
		assert_conn_ends(&c, AT_S(1000 * first + 240));
	}
}

/* Trap 21: the next connection of the same endpoints does not wait for the old one to be over. */
static void test_rfc5382_req5tw_new_syn_opens_a_connection_at_once(void **state)
{
	struct lab *lab = *state;
	struct conn c = conn_open(lab, H1, Y1, AT_S(0));
	struct endpoint external = c.external;

	conn_close(&c, I, AT_S(1));
	c.next[I] = 400000;
	conn_pass(&c, I, S, AT_S(2));
	assert_same_endpoint(c.external, external);
	assert_conn_state(&c, TCP_INTERNAL_SYN);
	c.next[O] = 300000;
	conn_pass(&c, O, S | A, AT_S(3));
	conn_pass(&c, I, A, AT_S(3));
	assert_conn_ends(&c, AT_S(3 + 7440));
}

/* TIME_WAIT is not bound by the four minutes: a knob of its own, longer or next to nothing. */
static void test_rfc5382_req5tw_time_wait_is_a_knob(void **state)
{
	struct lab *lab = *state;
	struct conn c;

	lab_set(lab, "tcp.timeout-time-wait", "1s");
	c = conn_open(lab, H1, Y1, AT_S(0));
	conn_close(&c, I, AT_S(10));
	assert_conn_ends(&c, AT_S(11));
	lab_set(lab, "tcp.timeout-time-wait", "1000s");
	c = conn_open(lab, H1, Y1, AT_S(20));
	conn_close(&c, O, AT_S(30));
	assert_conn_ends(&c, AT_S(1030));
}

/* The default when a connection is dropped: nobody is told. */
static void test_rfc5382_req5rst_expiry_is_silent_by_default(void **state)
{
	struct lab *lab = *state;
	struct conn c = conn_open(lab, H1, Y1, AT_S(0));

	nat_tick(&lab->nat, AT_S(7440), 100);
	assert_int_equal(lab->nat.sessions.arena.live, 0);
	assert_dropped(conn_send(&c, I, A, AT_S(7441)), REASON_TCP_NO_SESSION);
	assert_int_equal(conn_send(&c, O, A, AT_S(7441)).verdict, NAT_DROPPED);
}

static void test_rfc5382_req5rst_expiry_resets_both_ends_with_the_knob(void **state)
{
	struct lab *lab = *state;
	struct conn c;
	struct wire first, second, inside, outside;
	struct endpoint to, host = H1;

	lab_set(lab, "tcp.expiry", "reset");
	c = conn_open(lab, H1, Y1, AT_S(0));
	conn_data(&c, I, 100, AT_S(1));
	conn_data(&c, O, 300, AT_S(1));
	conn_pass(&c, I, A, AT_S(1));
	nat_tick(&lab->nat, AT_S(7440), 100);
	lab_check_silent(lab);
	nat_tick(&lab->nat, AT_S(7441), 100);
	assert_true(lab_output(lab, &first));
	assert_true(lab_output(lab, &second));
	lab_check_silent(lab);
	to = wire_destination(first);
	inside = endpoint_equal(&to, &host) ? first : second;
	outside = inside.at == first.at ? second : first;
	assert_same_endpoint(wire_destination(inside), H1);
	assert_same_endpoint(wire_source(inside), Y1);
	assert_same_endpoint(wire_destination(outside), Y1);
	assert_same_endpoint(wire_source(outside), c.external);
	/* each with the sequence number that its receiver waits for, or it would be ignored */
	assert_int_equal(inside.at[WIRE_IP + 13] & R, R);
	assert_int_equal(outside.at[WIRE_IP + 13] & R, R);
	assert_int_equal(wire_get32(inside.at + WIRE_IP + 4), c.next[O]);
	assert_int_equal(wire_get32(outside.at + WIRE_IP + 4), c.next[I]);
}

/* Only what was established: who never answered is told nothing. */
static void test_rfc5382_req5rst_expiry_of_an_opening_is_silent(void **state)
{
	struct lab *lab = *state;
	struct conn c = conn_of(lab, H1, Y1);

	lab_set(lab, "tcp.expiry", "reset");
	conn_pass(&c, I, S, AT_S(0));
	nat_tick(&lab->nat, AT_S(240), 100);
	lab_check_silent(lab);
	c = conn_open(lab, H1, Y1, AT_S(300));
	conn_close(&c, I, AT_S(300));
	nat_tick(&lab->nat, AT_S(1000), 100);
	lab_check_silent(lab);
}

/* Not the sweep tells them but the end of the connection, whoever meets with it. */
static void test_rfc5382_req5rst_late_segment_finds_both_ends_told(void **state)
{
	struct lab *lab = *state;
	struct conn c;
	struct wire w;

	lab_set(lab, "tcp.expiry", "reset");
	c = conn_open(lab, H1, Y1, AT_S(0));
	assert_dropped(conn_send(&c, I, A, AT_S(7440)), REASON_TCP_NO_SESSION);
	assert_true(lab_output(lab, &w));
	assert_true(lab_output(lab, &w));
	lab_check_silent(lab);
}

/* The ring of our own packets is small: nobody is forgotten for that. */
static void test_rfc5382_req5rst_expiry_of_many_tells_them_all(void **state)
{
	struct lab *lab = *state;
	unsigned int told = 0;
	struct wire w;

	lab_set(lab, "tcp.expiry", "reset");
	for (unsigned int i = 0; i < 200; i++)
		conn_open(lab, ep_port(H1, 5000 + i), Y1, AT_S(0));
	for (int round = 0; round < 100; round++) {
		nat_tick(&lab->nat, AT_S(7440), 50);
		while (lab_output(lab, &w))
			told++;
	}
	assert_int_equal(told, 400);
	assert_int_equal(lab->nat.sessions.arena.live, 0);
}

static void test_rfc5382_req5rst_segment_of_no_connection_is_dropped_by_default(void **state)
{
	struct lab *lab = *state;

	assert_dropped(lab_out(lab, wire_tcp(H1, Y1, A), AT_S(0)), REASON_TCP_NO_SESSION);
	lab_check_silent(lab);
}

/* RFC 9293 section 3.10.7.1: how a RST for a connection that is not there looks. */
static void test_rfc5382_req5rst_segment_of_no_connection_is_reset_with_the_knob(void **state)
{
	struct lab *lab = *state;
	struct wire w;

	lab_set(lab, "tcp.non-syn", "reset");
	w = wire_tcp_with(
		H1, Y1, (struct wire_tcp){ .flags = A | P, .seq = 1000, .ack = 77, .payload = 10 });
	assert_int_equal(lab_out(lab, w, AT_S(0)).verdict, NAT_DROPPED);
	w = take_reset(lab, Y1, H1);
	assert_int_equal(w.at[WIRE_IP + 13], R);
	assert_int_equal(wire_get32(w.at + WIRE_IP + 4), 77);
	w = wire_tcp_with(H1, Y1, (struct wire_tcp){ .flags = F, .seq = 1000, .payload = 10 });
	assert_int_equal(lab_out(lab, w, AT_S(0)).verdict, NAT_DROPPED);
	w = take_reset(lab, Y1, H1);
	assert_int_equal(w.at[WIRE_IP + 13], R | A);
	assert_int_equal(wire_get32(w.at + WIRE_IP + 4), 0);
	assert_int_equal(wire_get32(w.at + WIRE_IP + 8), 1011);
	/* never a RST for a RST */
	assert_int_equal(lab_out(lab, wire_tcp(H1, Y1, R), AT_S(0)).verdict, NAT_DROPPED);
	assert_int_equal(lab_out(lab, wire_tcp(H1, Y1, R | A), AT_S(0)).verdict, NAT_DROPPED);
	lab_check_silent(lab);
	assert_int_equal(lab->nat.sessions.arena.live, 0);
}

/* --- REQ-6: no application level gateway ---------------------------------------------------- */

static void test_rfc5382_req6_payload_with_private_addresses_is_left_alone(void **state)
{
	static const char *const lines[] = {
		"PORT 192,168,1,2,19,136\r\n",
		"227 Entering Passive Mode (192,168,1,2,19,136)\r\n",
		"EPRT |1|192.168.1.2|5000|\r\n",
		"Via: SIP/2.0/TCP 192.168.1.2:5000;branch=z9hG4bK1\r\n",
	};
	static const unsigned int ports[] = { 20, 21, 554, 1720, 1723, 5060 };
	struct lab *lab = *state;

	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
		struct conn c = conn_open(lab, H1, ep_port(Y1, ports[i]), AT_S(1));

		for (size_t k = 0; k < sizeof(lines) / sizeof(lines[0]); k++) {
			for (int from = I; from <= O; from++) {
				size_t len = strlen(lines[k]);
				const struct wire_tcp t = { .flags = P | A,
							    .seq = c.next[from],
							    .ack = c.next[!from],
							    .payload = len };
				struct wire w = from == I ? wire_tcp_with(H1, c.remote, t)
							  : wire_tcp_with(c.remote, c.external, t);

				memcpy(w.at + WIRE_IP + WIRE_TCP, lines[k], len);
				wire_fix(w);
				assert_rewritten(
					lab_packet(lab, w, false, (enum nat_side)from, AT_S(1)),
					REASON_TRANSLATED);
				assert_int_equal(wire_total(w), WIRE_IP + WIRE_TCP + len);
				assert_memory_equal(w.at + WIRE_IP + WIRE_TCP, lines[k], len);
			}
		}
	}
	/* and nothing was opened on account of it */
	assert_int_equal(lab->nat.mappings.arena.live, 1);
}

/* --- REQ-7: no port overloading ------------------------------------------------------------- */

static void test_rfc5382_req7_same_port_of_two_hosts_to_one_remote_gets_two_ports(void **state)
{
	static const char *const strategies[] = { "random", "preserve", "sequential" };
	struct lab *lab = *state;

	for (unsigned int i = 0; i < 3; i++) {
		struct conn a, b;

		lab_set(lab, "tcp.ports", strategies[i]);
		a = conn_open(lab, ep_port(H1, 5000 + i), Y1, AT_S(i));
		b = conn_open(lab, ep_port(H2, 5000 + i), Y1, AT_S(i));
		assert_int_not_equal(a.external.port, b.external.port);
		conn_data(&a, O, 10, AT_S(i));
		conn_data(&b, O, 20, AT_S(i));
		conn_data(&a, I, 10, AT_S(i));
		conn_data(&b, I, 20, AT_S(i));
	}
}

/* The fault itself: the newest owner of a port gets what comes for it. */
static void test_rfc5382_req7_overloading_breaks_it(void **state)
{
	struct lab *lab = *state;
	struct conn a, b;
	struct wire w;

	lab_set(lab, "tcp.ports", "overload");
	a = conn_open(lab, H1, Y1, AT_S(0));
	assert_int_equal(a.external.port, H1.port);
	b = conn_of(lab, H2, Y1);
	conn_pass(&b, I, S, AT_S(1));
	assert_same_endpoint(b.external, a.external);
	w = wire_tcp(Y1, a.external, S | A);
	assert_int_equal(lab_in(lab, w, AT_S(1)).verdict, NAT_REWRITTEN);
	assert_same_endpoint(wire_destination(w), H2);
}

/* The range class of TCP ports is ours to choose: that of RFC 4787 REQ-3a by default. */
static void test_rfc5382_req7r_range_of_the_port_is_kept_by_default(void **state)
{
	static const char *const strategies[] = { "random", "preserve", "sequential" };
	struct lab *lab = *state;

	lab_set(lab, "tcp.port-range", "1-65535");
	for (unsigned int i = 0; i < 3; i++) {
		lab_set(lab, "tcp.ports", strategies[i]);
		for (unsigned int k = 0; k < 10; k++) {
			struct endpoint low = ep_port(H1, 500 + k + 20 * i);
			struct endpoint high = ep_port(H1, 5000 + k + 20 * i);

			assert_in_range(lab_open(lab, NAT_TCP, low, Y1, AT_S(0)).port, 1, 1023);
			assert_in_range(lab_open(lab, NAT_TCP, high, Y1, AT_S(0)).port, 1024,
					65535);
		}
	}
}

static void test_rfc5382_req7r_range_may_be_ignored(void **state)
{
	struct lab *lab = *state;
	int left = 0;

	lab_set(lab, "tcp.port-range", "1-65535");
	lab_set(lab, "tcp.range-class", "ignore");
	for (unsigned int i = 0; i < 20; i++)
		left += lab_open(lab, NAT_TCP, ep_port(H1, 500 + i), Y1, AT_S(0)).port > 1023;
	assert_in_range(left, 15, 20);
}

/* The classes that Linux and Cisco keep apart; those of RFC 4787 REQ-3a are but two. */
static void test_rfc5382_req7r_range_may_be_that_of_devices(void **state)
{
	static const struct {
		const char *class;
		unsigned int port, first, last;
	} rows[] = {
		{ "linux", 100, 1, 511 },	{ "linux", 511, 1, 511 },
		{ "linux", 512, 600, 1023 },	{ "linux", 1023, 600, 1023 },
		{ "linux", 1024, 1024, 65535 }, { "cisco", 101, 1, 511 },
		{ "cisco", 520, 512, 1023 },	{ "cisco", 1022, 512, 1023 },
		{ "cisco", 1025, 1024, 65535 },
	};
	struct lab *lab = *state;

	lab_set(lab, "tcp.port-range", "1-65535");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		lab_set(lab, "tcp.range-class", rows[i].class);
		for (unsigned int k = 0; k < 15; k++) {
			char text[32];

			snprintf(text, sizeof(text), "192.168.1.%u:%u", 100 + k, rows[i].port);
			assert_in_range(lab_open(lab, NAT_TCP, ep(text), Y1, AT_S(0)).port,
					rows[i].first, rows[i].last);
		}
	}
}

/* --- REQ-8: hairpin ------------------------------------------------------------------------- */

/* A connection between two internal hosts by way of H2's mapping. */
struct hairpin {
	struct lab *lab;
	struct endpoint target; /* H2 as the world sees it: what H1 sends to */
	struct endpoint source; /* what H2 sees of H1, and answers */
	uint32_t next[2];	/* of H1 and of H2 */
};

enum { CALLER, CALLED };

static struct nat_outcome hairpin_send(struct hairpin *h, int from, unsigned int flags,
				       size_t payload, struct mono now)
{
	const struct wire_tcp t = { .flags = flags,
				    .seq = h->next[from],
				    .ack = flags & A ? h->next[!from] : 0,
				    .payload = payload };
	struct wire w =
		from == CALLER ? wire_tcp_with(H1, h->target, t) : wire_tcp_with(H2, h->source, t);
	struct nat_outcome outcome = lab_out(h->lab, w, now);

	if (outcome.verdict != NAT_REWRITTEN)
		return outcome;
	h->next[from] += (uint32_t)payload + !!(flags & S) + !!(flags & F);
	if (h->source.port == 0)
		h->source = wire_source(w);
	assert_same_endpoint(wire_source(w), from == CALLER ? h->source : h->target);
	assert_same_endpoint(wire_destination(w), from == CALLER ? H2 : H1);
	return outcome;
}

static void hairpin_pass(struct hairpin *h, int from, unsigned int flags, size_t payload,
			 struct mono now)
{
	assert_int_equal(hairpin_send(h, from, flags, payload, now).verdict, NAT_REWRITTEN);
}

static struct hairpin hairpin_of(struct lab *lab)
{
	struct hairpin h = { .lab = lab, .next = { 1000, 700000 } };

	lab_set(lab, "tcp.filtering", "eif");
	h.target = lab_open(lab, NAT_TCP, H2, Y1, AT_S(0));
	return h;
}

static void test_rfc5382_req8_connection_to_the_mapping_of_another_host(void **state)
{
	struct lab *lab = *state;
	struct hairpin h = hairpin_of(lab);

	hairpin_pass(&h, CALLER, S, 0, AT_S(1));
	hairpin_pass(&h, CALLED, S | A, 0, AT_S(1));
	hairpin_pass(&h, CALLER, A, 0, AT_S(1));
	for (int i = 0; i < 750; i++) { /* a megabyte, and its acknowledgments */
		hairpin_pass(&h, CALLER, A, 1400, AT_S(2));
		hairpin_pass(&h, CALLED, A, 0, AT_S(2));
	}
	hairpin_pass(&h, CALLER, F | A, 0, AT_S(3));
	hairpin_pass(&h, CALLED, F | A, 0, AT_S(3));
	hairpin_pass(&h, CALLER, A, 0, AT_S(3));
}

/* Long idle, and still open: both halves have the timer of an established connection. */
static void test_rfc5382_req8_idle_connection_lasts_as_long_as_any(void **state)
{
	struct lab *lab = *state;
	struct hairpin h = hairpin_of(lab);

	hairpin_pass(&h, CALLER, S, 0, AT_S(1));
	hairpin_pass(&h, CALLED, S | A, 0, AT_S(1));
	hairpin_pass(&h, CALLER, A, 0, AT_S(1));
	hairpin_pass(&h, CALLED, A | P, 10, AT_S(7440));
	hairpin_pass(&h, CALLER, A | P, 10, AT_S(7440 + 7439));
	hairpin_pass(&h, CALLED, A, 0, AT_S(7440 + 7439));
}

/* Trap 14: who may send to H2's mapping is asked of H1 too. */
static void test_rfc5382_req8_filter_of_the_target_holds(void **state)
{
	static const char *const filtering[] = { "apdf", "adf", "cdf" };
	struct lab *lab = *state;

	for (int i = 0; i < 3; i++) {
		struct hairpin h = hairpin_of(lab);

		lab_set(lab, "tcp.filtering", filtering[i]);
		assert_int_equal(hairpin_send(&h, CALLER, S, 0, AT_S(0)).verdict, NAT_DROPPED);
	}
}

/* Both hosts begin: each SYN opens the way for the other's. */
static void test_rfc5382_req8_simultaneous_open_between_hosts(void **state)
{
	struct lab *lab = *state;
	struct endpoint a, b;
	struct wire w;

	a = lab_open(lab, NAT_TCP, H1, Y1, AT_S(0));
	b = lab_open(lab, NAT_TCP, H2, Y1, AT_S(0));
	assert_int_equal(lab_out(lab, wire_tcp(H1, b, S), AT_S(1)).verdict, NAT_DROPPED);
	w = wire_tcp(H2, a, S);
	assert_int_equal(lab_out(lab, w, AT_S(1)).verdict, NAT_REWRITTEN);
	assert_same_endpoint(wire_source(w), b);
	assert_same_endpoint(wire_destination(w), H1);
	w = wire_tcp(H1, b, S);
	assert_int_equal(lab_out(lab, w, AT_S(2)).verdict, NAT_REWRITTEN);
	assert_same_endpoint(wire_source(w), a);
	assert_same_endpoint(wire_destination(w), H2);
	nat_tick(&lab->nat, AT_S(30), 100);
	lab_check_silent(lab);
}

/* Trap 13: to one's own mapping, from another port. */
static void test_rfc5382_req8_host_connects_to_itself(void **state)
{
	struct lab *lab = *state;
	struct endpoint caller = ep_port(H2, 6000), source;
	struct hairpin h = hairpin_of(lab);
	struct wire w = wire_tcp(caller, h.target, S);

	assert_int_equal(lab_out(lab, w, AT_S(1)).verdict, NAT_REWRITTEN);
	assert_same_endpoint(wire_destination(w), H2);
	source = wire_source(w);
	assert_same_endpoint(without_port(source), E1);
	w = wire_tcp(H2, source, S | A);
	assert_int_equal(lab_out(lab, w, AT_S(1)).verdict, NAT_REWRITTEN);
	assert_same_endpoint(wire_destination(w), caller);
	assert_same_endpoint(wire_source(w), h.target);
}

/* Told on expiry: each host by the address it knows the other by. */
static void test_rfc5382_req8_expiry_resets_both_hosts_with_the_knob(void **state)
{
	struct lab *lab = *state;
	struct hairpin h = hairpin_of(lab);
	bool told[2] = { false };
	struct wire w;

	lab_set(lab, "tcp.expiry", "reset");
	hairpin_pass(&h, CALLER, S, 0, AT_S(1));
	hairpin_pass(&h, CALLED, S | A, 0, AT_S(1));
	hairpin_pass(&h, CALLER, A, 0, AT_S(1));
	nat_tick(&lab->nat, AT_S(7441), 100);
	while (lab_output(lab, &w)) {
		struct endpoint to = wire_destination(w), from = wire_source(w);

		told[CALLER] |= wire_get32(w.at + 16) == 0xc0a80102 &&
				endpoint_equal(&from, &h.target) && to.port == H1.port;
		told[CALLED] |= wire_get32(w.at + 16) == 0xc0a80103 &&
				endpoint_equal(&from, &h.source) && to.port == H2.port;
	}
	assert_true(told[CALLER] && told[CALLED]);
}

static void test_rfc5382_req8_off_drops_it(void **state)
{
	struct lab *lab = *state;
	struct hairpin h = hairpin_of(lab);
	struct nat_outcome outcome;

	lab_set(lab, "nat.hairpin", "off");
	outcome = hairpin_send(&h, CALLER, S, 0, AT_S(1));
	assert_dropped(outcome, REASON_HAIRPIN_OFF);
	assert_int_equal(outcome.knob, OPT_NAT_HAIRPIN);
	assert_int_equal(lab->nat.mappings.arena.live, 1);
}

static void test_rfc5382_req8a_source_is_the_external_endpoint(void **state)
{
	struct lab *lab = *state;
	struct hairpin h = hairpin_of(lab);
	struct endpoint external = lab_open(lab, NAT_TCP, H1, Y2, AT_S(0));

	hairpin_pass(&h, CALLER, S, 0, AT_S(1));
	assert_same_endpoint(h.source, external); /* what getpeername() says at H2 */
	hairpin_pass(&h, CALLED, S | A, 0, AT_S(1));
}

/* A mapping is made for a caller that has none (trap 15). */
static void test_rfc5382_req8a_caller_without_a_mapping_gets_one(void **state)
{
	struct lab *lab = *state;
	struct hairpin h = hairpin_of(lab);

	hairpin_pass(&h, CALLER, S, 0, AT_S(1));
	assert_same_endpoint(without_port(h.source), E1);
	assert_same_endpoint(lab_open(lab, NAT_TCP, H1, Y2, AT_S(1)), h.source);
}

static void test_rfc5382_req8a_internal_source_breaks_it(void **state)
{
	struct lab *lab = *state;
	struct hairpin h = hairpin_of(lab);

	lab_set(lab, "nat.hairpin", "internal-source");
	hairpin_pass(&h, CALLER, S, 0, AT_S(1));
	assert_same_endpoint(h.source, H1);
}

/* --- REQ-9 and REQ-10: ICMP ----------------------------------------------------------------- */

static void test_rfc5382_req9_destination_unreachable_is_translated(void **state)
{
	struct lab *lab = *state;
	struct conn c = conn_open(lab, H1, Y1, AT_S(0));
	struct wire sent = wire_tcp_with(
		H1, Y1,
		(struct wire_tcp){
			.flags = A, .seq = c.next[I], .ack = c.next[O], .payload = 1400 });
	struct rfc_flow f = rfc_send(lab, sent, AT_S(1));

	for (unsigned int code = 0; code < 16; code++) {
		struct wire w = wire_error(3, code, ROUTER, f.external, f.outside);

		if (code == 4)
			wire_put16(w.at + WIRE_IP + 6, 1280); /* next-hop MTU, RFC 1191 */
		wire_fix(w);
		assert_rewritten(lab_in(lab, w, AT_S(1)), REASON_ICMP_ERROR_TRANSLATED);
		assert_int_equal(w.at[WIRE_IP], 3);
		assert_int_equal(w.at[WIRE_IP + 1], code);
		assert_int_equal(wire_get16(w.at + WIRE_IP + 6), code == 4 ? 1280 : 0);
		assert_same_endpoint(wire_destination(w), without_port(H1));
		assert_memory_equal(wire_quote(w).at, f.inside.at, f.inside.len);
	}
}

static void test_rfc5382_req9_errors_may_be_eaten(void **state)
{
	struct lab *lab = *state;
	struct conn c = conn_open(lab, H1, Y1, AT_S(0));
	struct rfc_flow f = rfc_send(lab, wire_tcp(H1, Y1, A), AT_S(0));
	struct nat_outcome outcome;

	lab_set(lab, "icmp.errors", "drop");
	outcome = lab_in(lab, wire_error(3, 4, ROUTER, f.external, f.outside), AT_S(1));
	assert_dropped(outcome, REASON_ICMP_ERRORS_OFF);
	assert_int_equal(outcome.knob, OPT_ICMP_ERRORS);
	assert_conn_state(&c, TCP_ESTABLISHED);
}

/* Every type that could mean the end of something, every code, from both sides. */
static void send_all_errors(struct conn *c, struct mono now)
{
	static const unsigned int types[] = { 3, 4, 5, 11, 12 };
	struct lab *lab = c->lab;
	struct wire out = wire_tcp(c->external, c->remote, A), in = wire_tcp(c->remote, c->host, A);

	for (size_t t = 0; t < sizeof(types) / sizeof(types[0]); t++) {
		for (unsigned int code = 0; code < 16; code++) {
			lab_in(lab, wire_error(types[t], code, ROUTER, c->external, out), now);
			lab_in(lab, wire_error(types[t], code, c->remote, c->external, out), now);
			lab_out(lab, wire_error(types[t], code, c->host, c->remote, in), now);
		}
	}
}

static void test_rfc5382_req10_icmp_ends_no_connection(void **state)
{
	struct lab *lab = *state;
	struct conn c = conn_of(lab, H1, Y1);

	conn_pass(&c, I, S, AT_S(0));
	send_all_errors(&c, AT_S(1));
	assert_conn_state(&c, TCP_INTERNAL_SYN);
	conn_pass(&c, O, S | A, AT_S(2));
	send_all_errors(&c, AT_S(3));
	conn_pass(&c, I, A, AT_S(4));
	send_all_errors(&c, AT_S(5));
	assert_conn_state(&c, TCP_ESTABLISHED);
	conn_data(&c, I, 10, AT_S(6));
	conn_data(&c, O, 10, AT_S(6));
	conn_pass(&c, O, F | A, AT_S(7));
	send_all_errors(&c, AT_S(8));
	assert_conn_state(&c, TCP_EXTERNAL_FIN);
	conn_data(&c, I, 10, AT_S(9));
	send_all_errors(&c, AT_S(5000));
	assert_conn_ends(&c, AT_S(9 + 7440)); /* nor do they prolong it */
}

static void test_rfc5382_req10_icmp_leaves_a_partly_open_connection_its_time(void **state)
{
	struct lab *lab = *state;
	struct conn c = conn_of(lab, H1, Y1);

	conn_pass(&c, I, S, AT_S(0));
	for (int t = 10; t < 240; t += 10)
		send_all_errors(&c, AT_S(t));
	assert_conn_ends(&c, AT_S(240));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		lab_test(test_rfc5382_req1_one_internal_endpoint_has_one_external_for_all_remotes),
		lab_test(test_rfc5382_req1_address_dependent_mapping_breaks_it),
		lab_test(test_rfc5382_req1_address_and_port_dependent_mapping_breaks_it),
		lab_test(test_rfc5382_req2_three_way_handshake_from_inside),
		lab_test(test_rfc5382_req2_handshake_from_outside_where_filtering_permits),
		lab_test(test_rfc5382_req2_data_on_syn_passes),
		lab_test(test_rfc5382_req2_lost_segments_of_the_handshake_come_again),
		lab_test(test_rfc5382_req2_half_closed_connection_goes_on),
		lab_test(test_rfc5382_req2_fin_then_reset_passes),
		lab_test(test_rfc5382_req2_keep_alive_passes),
		lab_test(test_rfc5382_req2_window_probe_passes),
		lab_test(test_rfc5382_req2_simultaneous_close_passes),
		lab_test(test_rfc5382_req2_segments_out_of_order_pass),
		lab_test(test_rfc5382_req2_every_set_of_flags_passes_in_an_open_connection),
		lab_test(test_rfc5382_req2_options_and_urgent_pointer_are_kept),
		lab_test(test_rfc5382_req2a_simultaneous_open_passes),
		lab_test(test_rfc5382_req2a_simultaneous_open_passes_under_every_filtering),
		lab_test(test_rfc5382_req2a_connection_dependent_filtering_breaks_it),
		lab_test(test_rfc5382_req3_full_cone_lets_everyone_connect),
		lab_test(test_rfc5382_req3_restricted_cone_lets_known_addresses_connect),
		lab_test(test_rfc5382_req3a_filtering_is_a_knob),
		lab_test(test_rfc5382_req3b_tcp_is_filtered_apart_from_udp),
		lab_test(test_rfc5382_cdf_old_peer_may_connect_in_time_wait_otherwise),
		lab_test(test_rfc5382_cdf_no_connection_comes_from_outside),
		lab_test(test_rfc5382_cdf_answers_come_in),
		lab_test(test_rfc5382_req4_unsolicited_syn_is_not_answered_for_six_seconds),
		lab_test(test_rfc5382_req4_reset_answers_at_once),
		lab_test(test_rfc5382_req4_reject_answers_at_once),
		lab_test(test_rfc5382_req4_rejecting_the_unmatched_answers_at_once),
		lab_test(test_rfc5382_req4_hold_is_a_knob),
		lab_test(test_rfc5382_req4_other_segments_are_not_held),
		lab_test(test_rfc5382_req4a_policy_may_forbid_the_answer),
		lab_test(test_rfc5382_req4a_muted_side_gets_no_answer),
		lab_test(test_rfc5382_req4a_answers_to_a_flood_are_limited_in_rate),
		lab_test(test_rfc5382_req4a_held_syns_are_limited_in_number),
		lab_test(test_rfc5382_req4a_flood_pushes_no_held_syn_out),
		lab_test(test_rfc5382_req4a_rate_of_nought_is_silence),
		lab_test(test_rfc5382_req4a_syn_again_is_held_once),
		lab_test(test_rfc5382_req4b_outbound_syn_cancels_the_held_one),
		lab_test(test_rfc5382_req4b_outbound_syn_that_makes_the_mapping_cancels_too),
		lab_test(test_rfc5382_req4b_syn_of_another_connection_cancels_nothing),
		lab_test(test_rfc5382_req4c_error_comes_after_six_seconds),
		lab_test(test_rfc5382_req4c_error_quotes_the_head_of_a_long_syn),
		lab_test(test_rfc5382_req4d_service_of_the_router_answers_at_once),
		lab_test(test_rfc5382_req4d_router_uses_its_reserved_ports_untranslated),
		lab_test(test_rfc5382_req4d_reserved_ports_are_given_to_no_mapping),
		lab_test(test_rfc5382_req5_idle_connection_lasts_two_hours_and_four_minutes),
		lab_test(test_rfc5382_req5_data_of_either_side_restarts_the_time),
		lab_test(test_rfc5382_req5_one_direction_alone_may_count),
		lab_test(test_rfc5382_req5t_partly_open_connection_lasts_four_minutes),
		lab_test(test_rfc5382_req5t_closing_connection_lasts_four_minutes),
		lab_test(test_rfc5382_req5t_connection_from_outside_lasts_four_minutes),
		lab_test(test_rfc5382_req5a_timeouts_are_knobs),
		lab_test(test_rfc5382_req5a_timeouts_may_be_far_from_the_rfc),
		lab_test(test_rfc5382_req5a_each_phase_has_a_knob),
		lab_test(test_rfc5382_req5ph_half_closed_connection_keeps_the_long_timer),
		lab_test(test_rfc5382_req5ph_phases_have_their_own_timer),
		lab_test(test_rfc5382_req5tw_last_fin_and_its_acknowledgment_come_again),
		lab_test(test_rfc5382_req5tw_new_syn_opens_a_connection_at_once),
		lab_test(test_rfc5382_req5tw_time_wait_is_a_knob),
		lab_test(test_rfc5382_req5rst_expiry_is_silent_by_default),
		lab_test(test_rfc5382_req5rst_expiry_resets_both_ends_with_the_knob),
		lab_test(test_rfc5382_req5rst_expiry_of_an_opening_is_silent),
		lab_test(test_rfc5382_req5rst_late_segment_finds_both_ends_told),
		lab_test(test_rfc5382_req5rst_expiry_of_many_tells_them_all),
		lab_test(test_rfc5382_req5rst_segment_of_no_connection_is_dropped_by_default),
		lab_test(test_rfc5382_req5rst_segment_of_no_connection_is_reset_with_the_knob),
		lab_test(test_rfc5382_req6_payload_with_private_addresses_is_left_alone),
		lab_test(test_rfc5382_req7_same_port_of_two_hosts_to_one_remote_gets_two_ports),
		lab_test(test_rfc5382_req7_overloading_breaks_it),
		lab_test(test_rfc5382_req7r_range_of_the_port_is_kept_by_default),
		lab_test(test_rfc5382_req7r_range_may_be_ignored),
		lab_test(test_rfc5382_req7r_range_may_be_that_of_devices),
		lab_test(test_rfc5382_req8_connection_to_the_mapping_of_another_host),
		lab_test(test_rfc5382_req8_idle_connection_lasts_as_long_as_any),
		lab_test(test_rfc5382_req8_filter_of_the_target_holds),
		lab_test(test_rfc5382_req8_simultaneous_open_between_hosts),
		lab_test(test_rfc5382_req8_host_connects_to_itself),
		lab_test(test_rfc5382_req8_expiry_resets_both_hosts_with_the_knob),
		lab_test(test_rfc5382_req8_off_drops_it),
		lab_test(test_rfc5382_req8a_source_is_the_external_endpoint),
		lab_test(test_rfc5382_req8a_caller_without_a_mapping_gets_one),
		lab_test(test_rfc5382_req8a_internal_source_breaks_it),
		lab_test(test_rfc5382_req9_destination_unreachable_is_translated),
		lab_test(test_rfc5382_req9_errors_may_be_eaten),
		lab_test(test_rfc5382_req10_icmp_ends_no_connection),
		lab_test(test_rfc5382_req10_icmp_leaves_a_partly_open_connection_its_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
