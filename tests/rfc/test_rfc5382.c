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
	outcome = lab_in(lab, wire_tcp(Y1_Q, external, S), AT_S(1));
	assert_int_equal(outcome.verdict, NAT_DROPPED);
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

/* --- REQ-9 and REQ-10: ICMP ----------------------------------------------------------------- */

static void test_rfc5382_req9_destination_unreachable_is_translated(void **state)
{
	struct lab *lab = *state;
	struct conn c = conn_open(lab, H1, Y1, AT_S(0));
	struct wire sent = wire_tcp_with(
		H1, Y1,
		(struct wire_tcp){
			.flags = A, .seq = c.next[I], .ack = c.next[O], .payload = 1400 });
	struct flow f = flow_of(lab, sent, AT_S(1));

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
		assert_memory_equal(wire_quote(w).at, f.sent.at, f.sent.len);
	}
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
		lab_test(test_rfc5382_req3_full_cone_lets_everyone_connect),
		lab_test(test_rfc5382_req3_restricted_cone_lets_known_addresses_connect),
		lab_test(test_rfc5382_req3a_filtering_is_a_knob),
		lab_test(test_rfc5382_req3b_tcp_is_filtered_apart_from_udp),
		lab_test(test_rfc5382_cdf_old_peer_may_connect_in_time_wait_otherwise),
		lab_test(test_rfc5382_req5_idle_connection_lasts_two_hours_and_four_minutes),
		lab_test(test_rfc5382_req5_data_of_either_side_restarts_the_time),
		lab_test(test_rfc5382_req5t_partly_open_connection_lasts_four_minutes),
		lab_test(test_rfc5382_req5t_closing_connection_lasts_four_minutes),
		lab_test(test_rfc5382_req5t_connection_from_outside_lasts_four_minutes),
		lab_test(test_rfc5382_req5a_timeouts_are_knobs),
		lab_test(test_rfc5382_req5a_timeouts_may_be_far_from_the_rfc),
		lab_test(test_rfc5382_req5ph_half_closed_connection_keeps_the_long_timer),
		lab_test(test_rfc5382_req5ph_phases_have_their_own_timer),
		lab_test(test_rfc5382_req5tw_last_fin_and_its_acknowledgment_come_again),
		lab_test(test_rfc5382_req5tw_new_syn_opens_a_connection_at_once),
		lab_test(test_rfc5382_req5rst_expiry_is_silent_by_default),
		lab_test(test_rfc5382_req6_payload_with_private_addresses_is_left_alone),
		lab_test(test_rfc5382_req7_same_port_of_two_hosts_to_one_remote_gets_two_ports),
		lab_test(test_rfc5382_req9_destination_unreachable_is_translated),
		lab_test(test_rfc5382_req10_icmp_ends_no_connection),
		lab_test(test_rfc5382_req10_icmp_leaves_a_partly_open_connection_its_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
