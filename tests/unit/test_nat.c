/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The door: whatever comes in, what comes out is accounted for. */
#include <errno.h>

#include "tests/unit/lab.h"

/* So that an allocation too large for the machine fails under the sanitizer as it does without. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

/* --- every reason by name ------------------------------------------------------------------- */

static struct wire with_protocol(unsigned int protocol, struct endpoint src, struct endpoint dst)
{
	struct wire w = wire_ip(protocol, src, dst, 0, 40);

	wire_fix(w);
	return w;
}

static struct wire fragment_of(struct wire w, unsigned int field)
{
	wire_put16(w.at + 6, field);
	wire_fix(w);
	return w;
}

/* Count of @reason after one packet of @len bytes at @w, of which the kernel gave @captured. */
static void assert_drops(struct lab *lab, struct wire w, enum nat_side from, size_t original,
			 enum nat_reason wanted)
{
	struct wire before = wire_copy(w);
	uint64_t count = lab->nat.counters[wanted];
	struct nat_outcome outcome;
	struct packet pkt;

	packet_init(&pkt, w.at, w.len, original, false);
	outcome = nat_process(&lab->nat, &pkt, from, AT_S(0));
	assert_dropped(outcome, wanted);
	assert_true(reason_spec(wanted)->drop);
	assert_int_equal(lab->nat.counters[wanted], count + 1);
	assert_true(wire_same(w, before));
	assert_int_equal(outcome.session, NAT_NONE);
	assert_int_equal(lab->nat.mappings.arena.live, 0);
	assert_int_equal(lab->nat.sessions.arena.live, 0);
}

static void test_reason_cut_packet(void **state)
{
	struct wire w = wire_udp(H1, Y1);

	assert_drops(*state, w, NAT_INTERNAL, w.len + 1, REASON_CUT);
	assert_drops(*state, w, NAT_EXTERNAL, 65535, REASON_CUT);
}

static void test_reason_ip_header(void **state)
{
	struct wire w = wire_udp(H1, Y1);

	assert_drops(*state, wire_cut(w, 19), NAT_INTERNAL, 19, REASON_IP_HEADER);
	assert_drops(*state, wire_cut(w, 0), NAT_INTERNAL, 0, REASON_IP_HEADER);
	w.at[0] = 0x44;
	assert_drops(*state, w, NAT_INTERNAL, w.len, REASON_IP_HEADER);
	w.at[0] = 0x4f;
	assert_drops(*state, w, NAT_INTERNAL, w.len, REASON_IP_HEADER);
}

static void test_reason_not_ipv4(void **state)
{
	struct wire w = wire_udp(H1, Y1);

	w.at[0] = 0x65;
	assert_drops(*state, w, NAT_INTERNAL, w.len, REASON_NOT_IPV4);
}

static void test_reason_total_length(void **state)
{
	struct wire w = wire_udp(H1, Y1);

	wire_put16(w.at + 2, (unsigned int)w.len + 1);
	assert_drops(*state, w, NAT_INTERNAL, w.len, REASON_TOTAL_LENGTH);
	wire_put16(w.at + 2, 19);
	assert_drops(*state, w, NAT_INTERNAL, w.len, REASON_TOTAL_LENGTH);
}

static void test_reason_transport_short(void **state)
{
	static const unsigned int protocols[] = { 1, 6, 17 };
	static const size_t headers[] = { 8, 20, 8 };

	for (int i = 0; i < 3; i++) {
		struct wire w = wire_ip(protocols[i], H1, Y1, 0, headers[i] - 1);

		assert_drops(*state, w, NAT_INTERNAL, w.len, REASON_TRANSPORT_SHORT);
	}
}

static void test_reason_transport_length(void **state)
{
	struct wire udp = wire_udp(H1, Y1), tcp = wire_tcp(H1, Y1, WIRE_SYN);

	wire_put16(udp.at + 24, 7);
	assert_drops(*state, udp, NAT_INTERNAL, udp.len, REASON_TRANSPORT_LENGTH);
	wire_put16(udp.at + 24, 1000);
	assert_drops(*state, udp, NAT_INTERNAL, udp.len, REASON_TRANSPORT_LENGTH);
	tcp.at[32] = 0x40;
	assert_drops(*state, tcp, NAT_INTERNAL, tcp.len, REASON_TRANSPORT_LENGTH);
	tcp.at[32] = 0x60;
	assert_drops(*state, tcp, NAT_INTERNAL, tcp.len, REASON_TRANSPORT_LENGTH);
}

static void test_reason_wrong_interface(void **state)
{
	struct wire w = wire_udp(H1, Y1);

	assert_drops(*state, w, NAT_NOWHERE, w.len, REASON_WRONG_INTERFACE);
	w = wire_cut(w, 3); /* the side is judged before the bytes */
	assert_drops(*state, w, NAT_NOWHERE, w.len, REASON_WRONG_INTERFACE);
}

/* Trap 50. */
static void test_reason_not_unicast(void **state)
{
	static const char *const others[] = { "0.0.0.0:1",	   "0.255.255.255:1",
					      "127.0.0.1:1",	   "224.0.0.1:1",
					      "239.255.255.255:1", "240.0.0.1:1",
					      "255.255.255.255:1" };

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		for (enum nat_protocol p = NAT_UDP; p < NAT_OTHER; p++) {
			struct wire to = lab_request(p, H1, ep(others[i]));
			struct wire from = lab_request(p, ep(others[i]), Y1);

			assert_drops(*state, to, NAT_INTERNAL, to.len, REASON_NOT_UNICAST);
			assert_drops(*state, from, NAT_INTERNAL, from.len, REASON_NOT_UNICAST);
			assert_drops(*state, from, NAT_EXTERNAL, from.len, REASON_NOT_UNICAST);
		}
	}
}

static void test_reason_address_option(void **state)
{
	static const uint8_t holders[] = { 7, 68, 131, 137 };

	for (size_t i = 0; i < sizeof(holders); i++) {
		struct wire w = wire_udp_with(H1, Y1, 12, 4);

		memcpy(w.at + 20, (uint8_t[]){ holders[i], 11, 4, 192, 168, 1, 2, 0, 0, 0, 0, 0 },
		       12);
		wire_fix(w);
		assert_drops(*state, w, NAT_INTERNAL, w.len, REASON_ADDRESS_OPTION);
		assert_drops(*state, w, NAT_EXTERNAL, w.len, REASON_ADDRESS_OPTION);
	}
}

static void test_reason_fragment(void **state)
{
	struct wire first = fragment_of(wire_udp_with(H1, Y1, 0, 64), 0x2000);
	struct wire later = fragment_of(wire_udp_with(H1, Y1, 0, 64), 0x0009);
	struct wire inbound = fragment_of(wire_udp_with(Y1, E1, 0, 64), 0x0009);

	lab_set(*state, "fragments.mode", "drop");
	assert_drops(*state, first, NAT_INTERNAL, first.len, REASON_FRAGMENT);
	assert_drops(*state, later, NAT_INTERNAL, later.len, REASON_FRAGMENT);
	assert_drops(*state, inbound, NAT_EXTERNAL, inbound.len, REASON_FRAGMENT);
}

/* Trap 52. */
static void test_reason_protocol(void **state)
{
	for (unsigned int protocol = 0; protocol < 256; protocol++) {
		struct wire w;

		if (protocol == 1 || protocol == 6 || protocol == 17)
			continue;
		w = with_protocol(protocol, H1, Y1);
		assert_drops(*state, w, NAT_INTERNAL, w.len, REASON_PROTOCOL);
		w = with_protocol(protocol, Y1, E1);
		assert_drops(*state, w, NAT_EXTERNAL, w.len, REASON_PROTOCOL);
	}
}

/* Trap 38. */
static void test_reason_port_zero(void **state)
{
	for (enum nat_protocol p = NAT_UDP; p <= NAT_TCP; p++) {
		struct wire w = lab_request(p, ep_port(H1, 0), Y1);

		assert_drops(*state, w, NAT_INTERNAL, w.len, REASON_PORT_ZERO);
		w = lab_request(p, H1, ep_port(Y1, 0));
		assert_drops(*state, w, NAT_INTERNAL, w.len, REASON_PORT_ZERO);
		w = lab_request(p, Y1, E1);
		assert_drops(*state, w, NAT_EXTERNAL, w.len, REASON_PORT_ZERO);
	}
}

static void test_reason_icmp_type(void **state)
{
	struct wire w = wire_query(5, H1, Y1, 1);

	assert_drops(*state, w, NAT_INTERNAL, w.len, REASON_ICMP_TYPE);
	w = wire_pong(H1, Y1); /* a reply nobody could have asked for */
	assert_drops(*state, w, NAT_INTERNAL, w.len, REASON_ICMP_TYPE);
	w = wire_query(15, Y1, E1, 1);
	assert_drops(*state, w, NAT_EXTERNAL, w.len, REASON_ICMP_TYPE);
}

static void test_reason_no_mapping(void **state)
{
	struct wire w = wire_udp(Y1, ep_port(E1, 5000));

	assert_drops(*state, w, NAT_EXTERNAL, w.len, REASON_NO_MAPPING);
}

static void test_reason_tcp_no_session(void **state)
{
	struct wire w = wire_tcp(H1, Y1, WIRE_ACK);

	assert_drops(*state, w, NAT_INTERNAL, w.len, REASON_TCP_NO_SESSION);
}

static void test_reason_icmp_error_reasons(void **state)
{
	struct wire about = wire_udp(ep_port(E1, 5000), Y1), w;

	w = wire_error(3, 3, Y1, E1, about);
	assert_drops(*state, w, NAT_EXTERNAL, w.len, REASON_ICMP_ERROR_NO_SESSION);
	assert_drops(*state, w, NAT_INTERNAL, w.len, REASON_ICMP_ERROR_NO_SESSION);
	w.at[23] ^= 1;
	assert_drops(*state, w, NAT_EXTERNAL, w.len, REASON_ICMP_ERROR_CHECKSUM);
	w = wire_error_with(3, 3, Y1, E1, about, 27);
	assert_drops(*state, w, NAT_EXTERNAL, w.len, REASON_ICMP_QUOTE);
	about.at[10] ^= 1;
	w = wire_error(3, 3, Y1, E1, about);
	assert_drops(*state, w, NAT_EXTERNAL, w.len, REASON_ICMP_QUOTE_CHECKSUM);
}

/* The reasons that need a table with something in it, so that above none is left out. */
static void test_reasons_of_a_table_in_use(void **state)
{
	struct lab *lab = *state;
	struct endpoint external, second;

	lab_set(lab, "nat.max-mappings", "2");
	lab_set(lab, "nat.max-sessions", "3");
	lab_set(lab, "tcp.mapping", "apdm");
	lab_set(lab, "tcp.unsolicited-syn", "drop");
	external = lab_open(lab, NAT_TCP, H1, Y1, AT_S(0));
	assert_dropped(lab_in(lab, wire_tcp(Y2, external, WIRE_SYN), AT_S(0)), REASON_FILTERED);
	second = lab_open(lab, NAT_TCP, H1, Y2, AT_S(0));
	assert_int_not_equal(second.port, external.port);
	assert_dropped(lab_out(lab, wire_udp(H1, Y1), AT_S(0)), REASON_MAPPINGS_FULL);
	lab_set(lab, "tcp.filtering", "eif");
	assert_dropped(lab_in(lab, wire_tcp(Y2, external, WIRE_SYN), AT_S(0)), REASON_TUPLE_TAKEN);
	assert_rewritten(lab_in(lab, wire_tcp(Y1_Q, external, WIRE_SYN), AT_S(0)),
			 REASON_SESSION_CREATED);
	assert_dropped(lab_in(lab, wire_tcp(ROUTER, external, WIRE_SYN), AT_S(0)),
		       REASON_PORT_ZERO);
	assert_dropped(lab_in(lab, wire_tcp(ep_port(ROUTER, 5), external, WIRE_SYN), AT_S(0)),
		       REASON_SESSIONS_FULL);
	lab_set(lab, "nat.max-sessions", "100");
	lab_set(lab, "nat.max-mappings", "100");
	lab_set(lab, "udp.port-range", "3000-3000");
	lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	assert_dropped(lab_out(lab, wire_udp(H2, Y1), AT_S(0)), REASON_PORTS_EXHAUSTED);
}

/* --- a TCP life ----------------------------------------------------------------------------- */

struct life {
	struct lab *lab;
	struct endpoint external;
	uint32_t session;
};

static enum tcp_state life_step(struct life *life, enum nat_side from, struct wire_tcp t,
				struct mono now)
{
	struct wire w = from == NAT_INTERNAL ? wire_tcp_with(H1, Y1, t)
					     : wire_tcp_with(Y1, life->external, t);
	struct nat_outcome outcome = lab_packet(life->lab, w, false, from, now);

	assert_int_equal(outcome.verdict, NAT_REWRITTEN);
	if (from == NAT_INTERNAL)
		life->external = wire_source(w);
	else
		assert_same_endpoint(wire_destination(w), H1);
	life->session = outcome.session;
	return lab_tcp_state(life->lab, outcome);
}

#define LIFE(from_, at, ...) \
	life_step(&life, NAT_##from_, (struct wire_tcp){ __VA_ARGS__ }, AT_S(at))

static void test_tcp_life_from_syn_to_the_end_of_time_wait(void **state)
{
	struct life life = { .lab = *state };
	struct nat *nat = &life.lab->nat;

	assert_int_equal(LIFE(INTERNAL, 0, .flags = WIRE_SYN, .seq = 99), TCP_INTERNAL_SYN);
	assert_int_equal(nat_tick(nat, AT_S(0), 10).ms, 240000);
	assert_int_equal(LIFE(EXTERNAL, 1, .flags = WIRE_SYN | WIRE_ACK, .seq = 499, .ack = 100),
			 TCP_ESTABLISHED);
	assert_int_equal(nat_tick(nat, AT_S(1), 10).ms, 7441000);
	assert_int_equal(LIFE(INTERNAL, 1, .flags = WIRE_ACK, .seq = 100, .ack = 500),
			 TCP_ESTABLISHED);
	assert_int_equal(
		LIFE(INTERNAL, 3600, .flags = WIRE_ACK, .seq = 100, .ack = 500, .payload = 50),
		TCP_ESTABLISHED);
	assert_int_equal(
		LIFE(EXTERNAL, 7000, .flags = WIRE_ACK, .seq = 500, .ack = 150, .payload = 1000),
		TCP_ESTABLISHED);
	assert_int_equal(nat_tick(nat, AT_S(7000), 10).ms, 14440000);
	/* half-close: the server goes on for a while */
	assert_int_equal(
		LIFE(INTERNAL, 7001, .flags = WIRE_FIN | WIRE_ACK, .seq = 150, .ack = 1500),
		TCP_INTERNAL_FIN);
	assert_int_equal(
		LIFE(EXTERNAL, 9000, .flags = WIRE_ACK, .seq = 1500, .ack = 151, .payload = 10),
		TCP_INTERNAL_FIN);
	assert_int_equal(nat_tick(nat, AT_S(9000), 10).ms, 16440000);
	assert_int_equal(
		LIFE(EXTERNAL, 9001, .flags = WIRE_FIN | WIRE_ACK, .seq = 1510, .ack = 151),
		TCP_BOTH_FIN);
	assert_int_equal(nat_tick(nat, AT_S(9001), 10).ms, 9241000);
	assert_int_equal(LIFE(INTERNAL, 9002, .flags = WIRE_ACK, .seq = 151, .ack = 1511),
			 TCP_TIME_WAIT);
	/* 3022-tcpend: the last ACK was lost, the FIN comes again and is still translated */
	assert_int_equal(
		LIFE(EXTERNAL, 9004, .flags = WIRE_FIN | WIRE_ACK, .seq = 1510, .ack = 151),
		TCP_TIME_WAIT);
	assert_int_equal(LIFE(INTERNAL, 9004, .flags = WIRE_ACK, .seq = 151, .ack = 1511),
			 TCP_TIME_WAIT);
	/* four minutes from the acknowledgment of the second FIN, whatever came since */
	assert_int_equal(nat_tick(nat, AT_MS(9241999), 10).ms, 9242000);
	assert_int_equal(nat->sessions.arena.live, 1);
	assert_int_equal(nat_tick(nat, AT_S(9242), 10).ms, INT64_MAX);
	assert_int_equal(nat->sessions.arena.live, 0);
	assert_int_equal(nat->mappings.arena.live, 0);
	assert_consistent(nat);
}

/* Trap 21. */
static void test_new_connection_in_time_wait_keeps_its_port(void **state)
{
	struct life life = { .lab = *state };
	struct endpoint before;

	LIFE(INTERNAL, 0, .flags = WIRE_SYN, .seq = 99);
	before = life.external;
	LIFE(EXTERNAL, 0, .flags = WIRE_SYN | WIRE_ACK, .seq = 499, .ack = 100);
	LIFE(EXTERNAL, 1, .flags = WIRE_FIN | WIRE_ACK, .seq = 500, .ack = 100);
	LIFE(INTERNAL, 1, .flags = WIRE_FIN | WIRE_ACK, .seq = 100, .ack = 501);
	assert_int_equal(LIFE(EXTERNAL, 1, .flags = WIRE_ACK, .seq = 501, .ack = 101),
			 TCP_TIME_WAIT);
	assert_int_equal(LIFE(INTERNAL, 100, .flags = WIRE_SYN, .seq = 5000), TCP_INTERNAL_SYN);
	assert_same_endpoint(life.external, before);
	assert_int_equal(nat_tick(&life.lab->nat, AT_S(100), 10).ms, 340000);
	assert_int_equal(LIFE(EXTERNAL, 101, .flags = WIRE_SYN | WIRE_ACK, .seq = 1, .ack = 5001),
			 TCP_ESTABLISHED);
	/* and from the other side */
	LIFE(EXTERNAL, 102, .flags = WIRE_FIN | WIRE_ACK, .seq = 2, .ack = 5001);
	LIFE(INTERNAL, 102, .flags = WIRE_FIN | WIRE_ACK, .seq = 5001, .ack = 3);
	assert_int_equal(LIFE(EXTERNAL, 102, .flags = WIRE_ACK, .seq = 3, .ack = 5002),
			 TCP_TIME_WAIT);
	assert_int_equal(LIFE(EXTERNAL, 200, .flags = WIRE_SYN, .seq = 70000), TCP_EXTERNAL_SYN);
	assert_int_equal(LIFE(INTERNAL, 200, .flags = WIRE_SYN | WIRE_ACK, .seq = 9, .ack = 70001),
			 TCP_ESTABLISHED);
}

static void test_rfc7857_req2c_reset_is_forwarded_both_ways(void **state)
{
	struct life life = { .lab = *state };

	LIFE(INTERNAL, 0, .flags = WIRE_SYN, .seq = 99);
	LIFE(EXTERNAL, 0, .flags = WIRE_SYN | WIRE_ACK, .seq = 499, .ack = 100);
	LIFE(INTERNAL, 0, .flags = WIRE_ACK, .seq = 100, .ack = 500);
	/* what its receiver will not believe is forwarded too, and changes nothing */
	assert_int_equal(LIFE(EXTERNAL, 1, .flags = WIRE_RST, .seq = 499), TCP_ESTABLISHED);
	assert_int_equal(nat_tick(&life.lab->nat, AT_S(1), 10).ms, 7440000);
	assert_int_equal(LIFE(EXTERNAL, 1, .flags = WIRE_RST, .seq = 500), TCP_TRANS);
	assert_int_equal(LIFE(INTERNAL, 2, .flags = WIRE_RST, .seq = 100), TCP_TRANS);
	assert_int_equal(nat_tick(&life.lab->nat, AT_S(2), 10).ms, 241000);
}

/* Connection refused, then tried again from the same port: as clients do. */
static void test_refused_connection_can_be_tried_again(void **state)
{
	struct life life = { .lab = *state };
	struct endpoint before;

	LIFE(INTERNAL, 0, .flags = WIRE_SYN, .seq = 99);
	before = life.external;
	LIFE(EXTERNAL, 0, .flags = WIRE_RST | WIRE_ACK, .ack = 100);
	assert_int_equal(LIFE(INTERNAL, 1, .flags = WIRE_SYN, .seq = 200), TCP_INTERNAL_SYN);
	assert_same_endpoint(life.external, before);
	assert_int_equal(LIFE(EXTERNAL, 1, .flags = WIRE_SYN | WIRE_ACK, .seq = 1, .ack = 201),
			 TCP_ESTABLISHED);
}

/* --- what arrives damaged or unusual -------------------------------------------------------- */

static void test_wrong_checksums_pass_and_stay_wrong(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p < NAT_OTHER; p++) {
		struct wire w = lab_request(p, H1, Y1);
		unsigned int error;

		wire_put16(wire_check(w), wire_get16(wire_check(w)) ^ 0x0101);
		error = wire_transport_error(w);
		assert_int_equal(lab_out(lab, w, AT_S(0)).verdict, NAT_REWRITTEN);
		assert_int_not_equal(error, 0);
		assert_int_equal(wire_transport_error(w), error);
		w = lab_request(p, H1, Y1);
		w.at[11] ^= 1;
		error = wire_ip_error(w);
		assert_int_equal(lab_out(lab, w, AT_S(0)).verdict, NAT_REWRITTEN);
		assert_int_not_equal(error, 0);
		assert_int_equal(wire_ip_error(w), error);
	}
}

static void test_rfc3022_udp0_no_checksum_stays_none_both_ways(void **state)
{
	struct lab *lab = *state;
	struct wire w = wire_udp(H1, Y1), back;

	wire_put16(wire_check(w), 0);
	assert_rewritten(lab_out(lab, w, AT_S(0)), REASON_MAPPING_CREATED);
	assert_int_equal(wire_get16(wire_check(w)), 0);
	back = wire_udp(Y1, wire_source(w));
	wire_put16(wire_check(back), 0);
	assert_rewritten(lab_in(lab, back, AT_S(0)), REASON_TRANSLATED);
	assert_int_equal(wire_get16(wire_check(back)), 0);
}

/* Payloads until one makes the sum zero on its way out: it leaves as 0xffff. */
static void test_rfc1624_udp_sum_of_zero_leaves_as_ffff(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	struct wire outside = wire_udp_with(external, Y1, 0, 2), w = wire_udp_with(H1, Y1, 0, 2);

	/* the payload that makes it come out so, from what is missing to 0xffff */
	wire_put16(outside.at + 28, 0);
	wire_fix(outside);
	wire_put16(w.at + 28, wire_get16(wire_check(outside)));
	wire_fix(w);
	assert_rewritten(lab_out(lab, w, AT_S(0)), REASON_TRANSLATED);
	assert_int_equal(wire_get16(wire_check(w)), 0xffff);
	assert_int_equal(wire_transport_error(w), 0);
}

/* Traps 33 and 34. */
static void test_partial_checksum_leaves_complete(void **state)
{
	struct lab *lab = *state;

	for (size_t payload = 0; payload < 200; payload += 7) {
		struct wire udp = wire_udp_with(H1, Y1, 0, payload), back;
		struct wire tcp = wire_tcp_with(
			H1, Y1, (struct wire_tcp){ .flags = WIRE_SYN, .payload = payload });

		wire_put16(wire_check(udp), wire_pseudo(udp, udp.len - 20));
		wire_put16(wire_check(tcp), wire_pseudo(tcp, tcp.len - 20));
		assert_int_equal(lab_packet(lab, udp, true, NAT_INTERNAL, AT_S(0)).verdict,
				 NAT_REWRITTEN);
		assert_int_equal(lab_packet(lab, tcp, true, NAT_INTERNAL, AT_S(0)).verdict,
				 NAT_REWRITTEN);
		assert_int_equal(wire_transport_error(udp), 0);
		assert_int_equal(wire_transport_error(tcp), 0);
		assert_int_equal(wire_ip_error(udp), 0);
		back = wire_udp_with(Y1, wire_source(udp), 0, payload);
		wire_put16(wire_check(back), wire_pseudo(back, back.len - 20));
		assert_int_equal(lab_packet(lab, back, true, NAT_EXTERNAL, AT_S(0)).verdict,
				 NAT_REWRITTEN);
		assert_int_equal(wire_transport_error(back), 0);
	}
}

static void test_dropped_partial_packet_is_left_as_it_was(void **state)
{
	struct wire w = wire_udp(Y1, ep_port(E1, 5000));

	wire_put16(wire_check(w), wire_pseudo(w, w.len - 20));
	assert_dropped(lab_packet(*state, w, true, NAT_EXTERNAL, AT_S(0)), REASON_NO_MAPPING);
}

/* Trap 26. lab_out() checks that the options come out as they went in. */
static void test_ip_options_of_every_length_pass_untouched(void **state)
{
	struct lab *lab = *state;

	for (size_t options = 0; options <= 40; options += 4) {
		struct endpoint host = ep_port(H1, 5000 + (unsigned int)options);
		struct wire udp = wire_udp_with(host, Y1, options, 9);
		struct wire tcp = wire_tcp_with(
			host, Y1, (struct wire_tcp){ .flags = WIRE_SYN, .ip_options = options });

		assert_rewritten(lab_out(lab, udp, AT_S(0)), REASON_MAPPING_CREATED);
		assert_rewritten(lab_out(lab, tcp, AT_S(0)), REASON_MAPPING_CREATED);
		assert_true(lab_comes_in(lab, NAT_UDP, Y1, wire_source(udp), host, AT_S(0)));
	}
}

/* Each kind of packet, cut at each length and its memory ending there; first with the length
 * fields as they were, then with the IP length made to agree. */
static void test_packets_cut_at_every_length_do_no_harm(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	struct wire about = wire_udp_with(external, Y1, 4, 10);
	struct wire shapes[] = {
		wire_udp_with(H1, Y1, 12, 10),
		wire_tcp_with(H1, Y1, (struct wire_tcp){ .flags = WIRE_SYN, .options = 12 }),
		wire_ping(H1, Y1),
		wire_udp_with(Y1, external, 0, 10),
		wire_pong(Y1, external),
		wire_error(3, 3, ROUTER, external, about),
		wire_error(11, 0, H1, Y1, wire_udp(Y1, H1)),
	};
	unsigned int rewritten_count = 0;

	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		for (size_t len = 0; len <= shapes[i].len * 2 + 1; len++) {
			bool agree = len > shapes[i].len;
			struct wire w = wire_cut(shapes[i], agree ? len - shapes[i].len - 1 : len);

			for (int from = NAT_INTERNAL; from <= NAT_EXTERNAL; from++) {
				struct wire copy = wire_copy(w);
				struct nat_outcome outcome;
				struct packet pkt;

				if (agree && w.len >= 4)
					wire_put16(copy.at + 2, (unsigned int)copy.len);
				packet_init(&pkt, copy.at, copy.len, copy.len, false);
				outcome =
					nat_process(&lab->nat, &pkt, (enum nat_side)from, AT_S(0));
				rewritten_count += outcome.verdict == NAT_REWRITTEN;
				if (!agree && w.len < shapes[i].len)
					assert_int_equal(outcome.verdict, NAT_DROPPED);
				assert_consistent(&lab->nat);
			}
		}
	}
	assert_true(rewritten_count >= sizeof(shapes) / sizeof(shapes[0]));
}

/* --- changing knobs while running ----------------------------------------------------------- */

static void test_limits_can_grow_while_running(void **state)
{
	struct lab *lab = *state;
	struct endpoint external[200];

	for (unsigned int i = 0; i < 200; i++)
		external[i] = lab_open(lab, NAT_UDP, ep_port(H1, 5000 + i), Y1, AT_S(0));
	lab_set(lab, "nat.max-sessions", "50000");
	lab_set(lab, "nat.max-mappings", "50000");
	for (unsigned int i = 0; i < 200; i++)
		assert_true(lab_comes_in(lab, NAT_UDP, Y1, external[i], ep_port(H1, 5000 + i),
					 AT_S(1)));
	for (unsigned int i = 0; i < 300; i++)
		lab_open(lab, NAT_UDP, ep_port(H2, 5000 + i), Y1, AT_S(1));
	assert_int_equal(lab->nat.mappings.arena.live, 500);
}

static void test_limits_can_shrink_below_what_is_there(void **state)
{
	struct lab *lab = *state;
	struct endpoint external[100];

	for (unsigned int i = 0; i < 100; i++)
		external[i] = lab_open(lab, NAT_UDP, ep_port(H1, 5000 + i), Y1, AT_S(0));
	lab_set(lab, "nat.max-mappings", "10");
	lab_set(lab, "nat.max-sessions", "10");
	assert_dropped(lab_out(lab, wire_udp(H2, Y1), AT_S(1)), REASON_SESSIONS_FULL);
	for (unsigned int i = 0; i < 100; i++)
		assert_true(lab_comes_in(lab, NAT_UDP, Y1, external[i], ep_port(H1, 5000 + i),
					 AT_S(1)));
	nat_tick(&lab->nat, AT_S(300), 1000);
	for (unsigned int i = 0; i < 10; i++)
		lab_open(lab, NAT_UDP, ep_port(H2, 5000 + i), Y1, AT_S(300));
	assert_dropped(lab_out(lab, wire_udp(H1, Y1), AT_S(300)), REASON_SESSIONS_FULL);
}

/* Trap 49. */
static void test_mappings_go_with_the_external_address_they_are_on(void **state)
{
	struct lab *lab = *state;
	struct endpoint external[60], host[60];
	unsigned int gone = 0;

	lab_set(lab, "nat.external", "203.0.113.1-203.0.113.3");
	for (unsigned int i = 0; i < 60; i++) {
		host[i] = H1;
		host[i].addr = addr_from_ip4(0xc0a80102 + i);
		external[i] = lab_open(lab, (enum nat_protocol)(i % 3), host[i], Y1, AT_S(0));
	}
	lab_set(lab, "nat.external", "203.0.113.1,203.0.113.3");
	for (unsigned int i = 0; i < 60; i++) {
		bool lost = addr_ip4(&external[i].addr) == 0xcb007102;

		gone += lost;
		assert_int_equal(lab_comes_in(lab, (enum nat_protocol)(i % 3), Y1, external[i],
					      host[i], AT_S(1)),
				 !lost);
	}
	assert_in_range(gone, 5, 40);
	assert_int_equal(lab->nat.mappings.arena.live, 60 - gone);
	for (unsigned int i = 0; i < 60; i++) {
		struct endpoint now =
			lab_open(lab, (enum nat_protocol)(i % 3), host[i], Y1, AT_S(1));

		assert_int_not_equal(addr_ip4(&now.addr), 0xcb007102);
	}
}

/* The free list is where a walk over records can go wrong. */
static void test_pool_can_change_after_mappings_have_ended(void **state)
{
	struct lab *lab = *state;

	for (unsigned int i = 0; i < 5; i++)
		lab_open(lab, NAT_UDP, ep_port(H1, 5000 + i), Y1, AT_S(0));
	nat_tick(&lab->nat, AT_S(300), 2);
	lab_set(lab, "nat.external", "198.51.100.7");
	assert_int_equal(lab->nat.mappings.arena.live, 0);
	assert_int_equal(lab->nat.sessions.arena.live, 0);
	assert_endpoint(ep_port(lab_open(lab, NAT_UDP, H1, Y1, AT_S(301)), 0), "198.51.100.7:0");
	nat_tick(&lab->nat, AT_S(700), 100);
	lab_set(lab, "nat.external", "203.0.113.1");
	assert_int_equal(lab->nat.mappings.arena.live, 0);
}

static void test_ports_stay_taken_when_addresses_are_added(void **state)
{
	struct lab *lab = *state;
	struct endpoint external;

	lab_set(lab, "udp.ports", "preserve");
	external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	lab_set(lab, "nat.external", "203.0.113.1-203.0.113.4");
	for (unsigned int i = 0; i < 40; i++) {
		struct endpoint host = H1, other;

		host.addr = addr_from_ip4(0xc0a80110 + i);
		other = lab_open(lab, NAT_UDP, host, Y1, AT_S(1));
		assert_false(endpoint_equal(&other, &external));
	}
	assert_same_endpoint(lab_open(lab, NAT_UDP, H1, Y2, AT_S(1)), external);
}

static void test_no_memory_for_new_limits_leaves_all_as_it_was(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	struct options wanted = lab->options;

	/* a record so large that no machine has the memory: the failure, without its cost */
	lab_value(&wanted, "nat.max-sessions", "134217728");
	lab_value(&wanted, "nat.max-mappings", "1000");
	lab_value(&wanted, "udp.timeout", "10s");
	lab->nat.sessions.arena.records.size = (size_t)1 << 36;
	assert_int_equal(nat_configure(&lab->nat, &wanted), -ENOMEM);
	lab->nat.sessions.arena.records.size = sizeof(struct session);
	assert_int_equal(lab->nat.options.max_sessions, 400);
	assert_int_equal(lab->nat.sessions.arena.limit, 400);
	assert_int_equal(lab->nat.mappings.arena.limit, 200);
	assert_int_equal(lab->nat.options.timeout_ms[TIMEOUT_UDP], 300000);
	assert_consistent(&lab->nat);
	assert_true(lab_comes_in(lab, NAT_UDP, Y1, external, H1, AT_S(200)));
}

static void test_reseeding_starts_the_random_stream_again(void **state)
{
	static const struct siphash_key key = { { 8, 9 } };
	struct lab *lab = *state;
	struct endpoint first[5];

	for (int round = 0; round < 2; round++) {
		/* what is there is found all the same */
		struct endpoint kept = lab_open(lab, NAT_UDP, H2, Y1, AT_S(1000 * round));

		nat_reseed(&lab->nat, &key);
		assert_same_endpoint(lab_open(lab, NAT_UDP, H2, Y1, AT_S(1000 * round)), kept);
		for (unsigned int i = 0; i < 5; i++) {
			struct endpoint e = lab_open(lab, NAT_UDP, ep_port(H1, 5000 + i), Y1,
						     AT_S(1000 * round));

			if (round == 0)
				first[i] = e;
			else
				assert_same_endpoint(e, first[i]);
		}
		nat_tick(&lab->nat, AT_S(1000 * round + 300), 100);
	}
}

/* --- many packets --------------------------------------------------------------------------- */

enum { PENDING = 12 };

struct walk {
	struct rng rng;
	struct mono now;
	/* Fragments on their way. */
	struct {
		struct wire wire; /* owned */
		enum nat_side from;
	} pending[PENDING];
	uint32_t pending_count;
	uint64_t packets, released, outputs;
	uint64_t leases[LEASE_TAKEN + 1]; /* by their result */
};

static struct walk walk_start(uint64_t seed)
{
	struct walk walk = { .now = AT_S(0) };
	struct siphash_key key;

	assert_int_equal(rng_key(seed, &key), 0);
	rng_init(&walk.rng, &key);
	return walk;
}

static void walk_end(struct walk *w)
{
	while (w->pending_count > 0)
		free(w->pending[--w->pending_count].wire.at);
}

static bool one_in(struct walk *w, uint32_t n)
{
	return rng_below(&w->rng, n) == 0;
}

static struct endpoint walk_endpoint(struct walk *w, const char *base, unsigned int hosts,
				     unsigned int ports)
{
	struct endpoint e = ep(base);

	e.addr = addr_from_ip4(addr_ip4(&e.addr) + rng_below(&w->rng, hosts));
	e.port = (uint16_t)(e.port + rng_below(&w->rng, ports));
	return e;
}

/* An external endpoint, most often one that is in use. */
static struct endpoint walk_external(struct walk *w, const struct nat *nat)
{
	uint32_t used = nat->mappings.arena.used;
	uint32_t n = used > 0 ? rng_below(&w->rng, used) : 0;

	if (used > 0 && arena_is_live(&nat->mappings.arena, n) && !one_in(w, 8))
		return mapping_at(&nat->mappings, n)->external;
	return walk_endpoint(w, "203.0.113.1:3000", 4, 60);
}

static struct wire walk_segment(struct walk *w, struct endpoint src, struct endpoint dst)
{
	unsigned int one = 1U << rng_below(&w->rng, 5), any = rng_below(&w->rng, 32);

	return wire_tcp_with(src, dst,
			     (struct wire_tcp){ .flags = rng_below(&w->rng, 3) ? one : any,
						.seq = rng_below(&w->rng, 8),
						.ack = rng_below(&w->rng, 8) });
}

static struct wire walk_other(struct walk *w, struct endpoint src, struct endpoint dst)
{
	static const unsigned int numbers[] = { 47, 50, 132, 4 };
	struct wire wire = wire_ip(numbers[rng_below(&w->rng, 4)], src, dst, 0, 30);

	wire_fill(wire.at + 20, 30);
	wire_fix_ip(wire);
	return wire;
}

static struct wire walk_datagram(struct walk *w, struct endpoint src, struct endpoint dst)
{
	size_t options = 4 * rng_below(&w->rng, 3);
	struct wire wire = wire_udp_with(src, dst, options, rng_below(&w->rng, 30));

	if (options > 0 && one_in(w, 20)) {
		wire.at[20] = 7; /* Record Route */
		wire_fix(wire);
	}
	return wire;
}

static struct wire walk_plain(struct walk *w, enum nat_protocol protocol, struct endpoint src,
			      struct endpoint dst, enum nat_side from)
{
	unsigned int type = from == NAT_INTERNAL ? 8 : 0;

	switch (protocol) {
	case NAT_UDP:
		return walk_datagram(w, src, dst);
	case NAT_TCP:
		return walk_segment(w, src, dst);
	case NAT_ICMP:
		break;
	case NAT_OTHER:
	case NAT_PROTOCOLS:
		return walk_other(w, src, dst);
	}
	if (one_in(w, 8))
		type = rng_below(&w->rng, 20);
	return wire_query(type, src, dst, from == NAT_INTERNAL ? src.port : dst.port);
}

/* Who talks: most often the two ends of a session there is. */
struct talk {
	enum nat_protocol protocol;
	struct endpoint host, external, remote;
};

static struct talk walk_talk(struct walk *w, const struct nat *nat)
{
	uint32_t used = nat->sessions.arena.used;
	uint32_t n = used > 0 ? rng_below(&w->rng, used) : 0;
	struct talk talk = { .protocol = (enum nat_protocol)rng_below(&w->rng, NAT_PROTOCOLS),
			     .host = walk_endpoint(w, "192.168.1.2:5000", 3, 6),
			     .external = walk_external(w, nat),
			     .remote = walk_endpoint(w, "203.0.113.10:7000", 2, 3) };
	const struct mapping *m;

	if (talk.protocol == NAT_OTHER && !one_in(w, 4))
		talk.protocol = NAT_UDP;
	if (used == 0 || !arena_is_live(&nat->sessions.arena, n) || one_in(w, 3))
		return talk;
	m = mapping_at(&nat->mappings, session_at(&nat->sessions, n)->mapping);
	talk.protocol = (enum nat_protocol)m->protocol;
	talk.host = m->internal;
	talk.external = m->external;
	if (!one_in(w, 4))
		talk.remote = session_at(&nat->sessions, n)->remote;
	return talk;
}

/* One that may be fragmented on its way, now and then. */
static struct wire walk_let_fragment(struct walk *w, struct wire wire)
{
	return one_in(w, 4) ? wire_with_id(wire, rng_below(&w->rng, 4)) : wire;
}

static struct wire walk_packet(struct walk *w, const struct nat *nat, enum nat_side from)
{
	struct talk t = walk_talk(w, nat);
	struct wire about;

	/* From one internal host to another's mapping, or to its own. */
	if (from == NAT_INTERNAL && one_in(w, 8))
		t.remote = walk_external(w, nat);
	if (!one_in(w, 6))
		return walk_let_fragment(
			w, from == NAT_INTERNAL
				   ? walk_plain(w, t.protocol, t.host, t.remote, from)
				   : walk_plain(w, t.protocol, t.remote, t.external, from));
	about = from == NAT_INTERNAL
			? walk_plain(w, t.protocol, t.remote, t.host, NAT_EXTERNAL)
			: walk_plain(w, t.protocol, t.external, t.remote, NAT_INTERNAL);
	if (wire_header(about) + 8 < about.len && one_in(w, 2))
		about = wire_cut(about, wire_header(about) + 8);
	return wire_error(one_in(w, 2) ? 3 : 11, rng_below(&w->rng, 4),
			  from == NAT_INTERNAL ? t.host : ROUTER,
			  from == NAT_INTERNAL ? t.remote : t.external, about);
}

static void walk_later(struct walk *w, struct wire wire, enum nat_side from)
{
	uint32_t i = w->pending_count;
	uint8_t *at = malloc(wire.len);

	if (i == PENDING) {
		i = rng_below(&w->rng, PENDING); /* one is lost */
		free(w->pending[i].wire.at);
	} else {
		w->pending_count++;
	}
	assert_non_null(at);
	memcpy(at, wire.at, wire.len);
	w->pending[i].wire = (struct wire){ at, wire.len };
	w->pending[i].from = from;
}

/* A datagram in pieces: they come later, in any order; some twice, some never. */
static void walk_train(struct walk *w, const struct nat *nat)
{
	static const size_t lengths[10] = { 40, 40, 40, 40, 40, 40, 40, 40, 56, 16 };
	enum nat_side from = one_in(w, 2) ? NAT_INTERNAL : NAT_EXTERNAL;
	struct talk t = walk_talk(w, nat);
	struct endpoint src = from == NAT_INTERNAL ? t.host : t.remote;
	struct endpoint dst = from == NAT_INTERNAL ? t.remote : t.external;
	struct wire whole;

	if (from == NAT_INTERNAL && one_in(w, 4))
		dst = walk_external(w, nat);
	whole = t.protocol == NAT_TCP
			? wire_tcp_with(src, dst,
					(struct wire_tcp){ .flags = WIRE_SYN, .payload = 100 })
			: wire_udp_with(src, dst, 0, 112);
	whole = wire_with_id(whole, rng_below(&w->rng, 3));
	for (size_t first = 0; first < 120; first += 40)
		if (!one_in(w, 10))
			walk_later(w, wire_fragment(whole, first, lengths[rng_below(&w->rng, 10)]),
				   from);
}

/* Damage a packet now and then: one byte, anywhere. */
static bool walk_damage(struct walk *w, struct wire wire)
{
	if (!one_in(w, 20))
		return false;
	wire.at[rng_below(&w->rng, (uint32_t)wire.len)] ^= (uint8_t)(1 + rng_below(&w->rng, 255));
	return true;
}

/* It may lie about anything now: not for lab_packet() to take apart. */
static void walk_send_damaged(struct walk *w, struct lab *lab, struct wire wire, enum nat_side from)
{
	struct wire before = wire_copy(wire);
	struct packet pkt;

	if (one_in(w, 20))
		from = NAT_NOWHERE;
	packet_init(&pkt, wire.at, wire.len, wire.len + one_in(w, 20), one_in(w, 2));
	pkt.tag = ++lab->tag;
	if (nat_process(&lab->nat, &pkt, from, w->now).verdict == NAT_HELD)
		lab_hold(lab, wire_cut(before, wire_total(before)), from);
	assert_consistent(&lab->nat);
}

/* --- knobs at random ------------------------------------------------------------------------ */

/* Values of knobs that are no choice; a NULL value ends each row. */
static const char *const *walk_values(enum option_id id)
{
	static const struct {
		enum option_type type;
		const char *values[6];
	} by_type[] = {
		{ OPTION_DURATION, { "100ms", "2s", "5s", "20s", "300s" } },
		{ OPTION_PORT_RANGE, { "3000-3059", "3000-3059", "2990-3010", "3000-3003" } },
		{ OPTION_PORT_LIST, { "none", "22", "3000-3010,3030" } },
		{ OPTION_FORWARDS,
		  { "none", "udp:3001-3004=192.168.1.2:5000", "tcp:3005=192.168.1.3:5001",
		    "tcp:203.0.113.2:3005=192.168.1.3:5001,tcp:3006-3009=192.168.1.3:5001" } },
		{ OPTION_PAIRS,
		  { "none", "203.0.113.3=192.168.1.4", "203.0.113.4=192.168.1.2",
		    "203.0.113.1=192.168.1.3" } },
		{ OPTION_ADDRESS, { "none", "192.168.1.4", "192.168.1.9" } },
		{ OPTION_ADDRESS_RANGE, { "192.168.1.0/30", "192.168.1.2-192.168.1.3" } },
		{ OPTION_REMOTES, { "none", "203.0.113.11", "203.0.113.10:7001" } },
		{ OPTION_PORT_TIMERS, { "none", "7000=3s,7001=40s", "7001=1s" } },
		{ OPTION_PROTOCOLS, { "none", "gre", "gre,esp,132" } },
		{ OPTION_ADDRESSES, { "203.0.113.1", "203.0.113.1-203.0.113.3", "203.0.113.2" } },
	};
	static const struct {
		enum option_id id;
		const char *values[6];
	} by_id[] = {
		{ OPT_NAT_MAX_MAPPINGS, { "20", "200", "5" } },
		{ OPT_NAT_MAX_SESSIONS, { "30", "400", "200" } },
		{ OPT_NAT_BLOCK_SIZE, { "20", "100", "3" } },
		{ OPT_NAT_BLOCKS_PER_HOST, { "1", "2", "8" } },
		{ OPT_NAT_BLOCK_OVERFLOW, { "0", "1", "1000" } },
		{ OPT_NAT_MAX_RESTING_PORTS, { "1", "10", "1000" } },
		{ OPT_ICMP_ERROR_RATE, { "0", "10", "1000000" } },
		{ OPT_TCP_MAX_HELD_SYNS, { "1", "5", "256" } },
		{ OPT_FRAGMENTS_MAX_HELD, { "1", "6", "256" } },
		{ OPT_FRAGMENTS_MAX_BYTES, { "2048", "1048576" } },
		{ OPT_FRAGMENTS_MAX_PER_SOURCE, { "2", "32" } },
	};
	static const char *const quotas[] = { "0", "0", "1", "4", "10", NULL };

	for (size_t i = 0; i < sizeof(by_id) / sizeof(by_id[0]); i++)
		if (by_id[i].id == id)
			return by_id[i].values;
	for (size_t i = 0; i < sizeof(by_type) / sizeof(by_type[0]); i++)
		if (by_type[i].type == option_spec(id)->type)
			return by_type[i].values;
	return option_spec(id)->type == OPTION_NUMBER ? quotas : NULL;
}

static const char *walk_value(struct walk *w, enum option_id id)
{
	const struct option_spec *spec = option_spec(id);
	const char *const *values = walk_values(id);
	uint32_t count = 0;

	bool bounded = id != OPT_NAT_MAX_MAPPINGS && id != OPT_NAT_MAX_SESSIONS &&
		       spec->type != OPTION_ADDRESSES;

	if (bounded && one_in(w, 3))
		return spec->initial;
	if (spec->type == OPTION_CHOICE) {
		while (spec->values[count].name != NULL)
			count++;
		return spec->values[rng_below(&w->rng, count)].name;
	}
	if (values == NULL)
		return spec->initial; /* interfaces, the seed */
	while (values[count] != NULL)
		count++;
	return values[rng_below(&w->rng, count)];
}

/* What comes of a step besides its packet. */
static void walk_drain(struct walk *w, struct lab *lab)
{
	struct lab_release released;
	struct wire own;

	while (lab_release(lab, &released))
		w->released++;
	while (lab_output(lab, &own))
		w->outputs++;
}

/* Any knob; not to a value out of its bounds, nor to one that contradicts another. */
static void walk_knob(struct walk *w, struct lab *lab)
{
	enum option_id id =
		(enum option_id)rng_below(&w->rng, OPT_LOG_FILE); /* the core has no others */
	struct options wanted = lab->options;
	char why[512];

	if (presets_set(&wanted, option_spec(id)->key, walk_value(w, id), why, sizeof(why)) < 0 ||
	    options_check(&wanted, why, sizeof(why)) < 0)
		return;
	/* Datagrams under way go on as they began: let them finish before. */
	if (!ports_same(&wanted, &lab->options) || wanted.ip_id != lab->options.ip_id ||
	    wanted.hairpin != lab->options.hairpin) {
		w->now.ms += 61000;
		nat_tick(&lab->nat, w->now, 10);
		walk_drain(w, lab);
	}
	lab->options = wanted;
	assert_int_equal(nat_configure(&lab->nat, &lab->options), 0);
	assert_consistent(&lab->nat);
}

/* One of the hosts asks for a mapping, renews it or ends it, or tries to with another's word. */
static void walk_lease(struct walk *w, struct lab *lab)
{
	static const int64_t lifetimes_ms[] = { 0, 500, 2000, 20000, 20000, 600000 };
	struct talk t = walk_talk(w, &lab->nat);
	struct lease_request r = {
		.protocol = one_in(w, 2) ? NAT_UDP : NAT_TCP,
		.internal = t.host,
		.nonce = { one_in(w, 5) },
		.exactly = one_in(w, 4),
		.lifetime_ms = lifetimes_ms[rng_below(&w->rng, 6)],
	};

	if (r.internal.port == 0)
		return; /* asked for by nobody: pcp.c refuses it */
	if (one_in(w, 2))
		r.external = walk_external(w, &lab->nat);
	w->leases[nat_lease(&lab->nat, &r, w->now)]++;
	assert_consistent(&lab->nat);
}

static void walk_step(struct walk *w, struct lab *lab)
{
	enum nat_side from = one_in(w, 2) ? NAT_INTERNAL : NAT_EXTERNAL;
	struct wire wire;

	w->now.ms += rng_below(&w->rng, 1000);
	if (one_in(w, 20))
		walk_train(w, &lab->nat);
	if (one_in(w, 30))
		walk_lease(w, lab);
	if (w->pending_count > 0 && one_in(w, 3)) {
		uint32_t i = rng_below(&w->rng, w->pending_count);

		wire = wire_copy(w->pending[i].wire);
		from = w->pending[i].from;
		if (!one_in(w, 10)) {
			free(w->pending[i].wire.at);
			w->pending[i] = w->pending[--w->pending_count];
		}
	} else {
		wire = walk_packet(w, &lab->nat, from);
	}
	w->packets++;
	if (walk_damage(w, wire))
		walk_send_damaged(w, lab, wire, from);
	else
		lab_packet(lab, wire, false, from, w->now);
	if (one_in(w, 5))
		nat_tick(&lab->nat, w->now, rng_below(&w->rng, 4));
	if (!one_in(w, 4))
		walk_drain(w, lab);
	assert_consistent(&lab->nat);
	wire_free_all();
}

/* At the end of time nothing is left, and each packet was counted once, held ones twice. */
static void walk_finish(struct walk *w, struct lab *lab)
{
	uint64_t all = 0;

	for (int i = 0; i < 1000 && lab->nat.mappings.arena.live > 0; i++) {
		nat_tick(&lab->nat, AT_S(1000000000), 100);
		walk_drain(w, lab);
	}
	nat_tick(&lab->nat, AT_S(1000000000), 100);
	walk_drain(w, lab);
	assert_int_equal(lab->nat.sessions.arena.live, 0);
	assert_int_equal(lab->nat.mappings.arena.live, 0);
	assert_int_equal(lab->nat.hosts.arena.live, 0);
	assert_int_equal(lab->nat.fragments.held_count, 0);
	assert_int_equal(lab->nat.held_syns.count, 0);
	assert_int_equal(lab->held_count, 0);
	assert_consistent(&lab->nat);
	for (int i = 0; i < REASON_COUNT; i++)
		all += lab->nat.counters[i];
	assert_int_equal(all, w->packets + w->released);
	assert_int_equal(lab->nat.outputs.made, w->outputs);
	walk_end(w);
}

/* From the knobs a NAT has by default, each walk on its own. */
static void test_random_walk_keeps_every_promise(void **state)
{
	uint64_t counters[REASON_COUNT] = { 0 }, leases[LEASE_TAKEN + 1] = { 0 };
	uint64_t outputs = 0, released = 0;
	unsigned int unseen = 0;

	(void)state;
	for (unsigned int seed = 1; seed <= 18; seed++) {
		/* Few ports, or few in a block (blocks divide them all, so not both), or few
		 * hosts that have a block and few sessions. */
		static const char *const narrow[] = { "udp.port-range", "3000-3059",
						      "tcp.port-range", "3000-3059", NULL };
		static const char *const blocks[] = {
			"nat.blocks", "dynamic", "nat.block-size", "4", "tcp.max-held-syns",
			"2",	      NULL
		};
		static const char *const formula[] = { "nat.blocks",
						       "deterministic",
						       "nat.internal",
						       "192.168.1.2-192.168.1.3",
						       "nat.max-sessions",
						       "20",
						       NULL };
		static const char *const *const starts[] = { narrow, blocks, formula };
		struct lab *lab = lab_open_with(starts[seed % 3]);
		struct walk walk = walk_start(20000 + seed);

		for (int i = 0; i < 4000; i++) {
			if (one_in(&walk, seed <= 9 ? 100 : 10))
				walk_knob(&walk, lab);
			walk_step(&walk, lab);
		}
		walk_finish(&walk, lab);
		for (int i = 0; i < REASON_COUNT; i++)
			counters[i] += lab->nat.counters[i];
		for (int i = 0; i <= LEASE_TAKEN; i++)
			leases[i] += walk.leases[i];
		outputs += walk.outputs;
		released += walk.released;
		lab_close(lab);
	}
	/* The walk is worth something only if it got about. */
	assert_true(outputs > 500);
	assert_true(released > 100);
	for (int i = 0; i <= LEASE_TAKEN; i++)
		assert_true(leases[i] > 20);
	for (int i = 0; i < REASON_COUNT; i++) {
		if (counters[i] == 0)
			print_message("never: %s\n", reason_spec((enum nat_reason)i)->name);
		unseen += counters[i] == 0;
	}
	assert_in_range(unseen, 0, 1);
}

/* Two of a kind, the same packets: the same bytes. Without a seed in common: not. */
static void test_seed_decides_every_byte(void **state)
{
	const char *const seeds[] = { "nat.seed", "4788", NULL };
	struct lab *lab = *state, *twin = lab_open_with(NULL), *other = lab_open_with(seeds);
	struct lab *all[3] = { lab, twin, other };
	struct walk walk = walk_start(77);
	unsigned int differ = 0, sent = 0;

	for (int i = 0; i < 2000; i++) {
		enum nat_side from = rng_below(&walk.rng, 2) ? NAT_INTERNAL : NAT_EXTERNAL;
		struct wire w = walk_packet(&walk, &lab->nat, from), copy[3];
		struct nat_outcome outcome[3];

		walk.now.ms += rng_below(&walk.rng, 1000);
		for (int k = 0; k < 3; k++) {
			copy[k] = wire_copy(w);
			outcome[k] = lab_packet(all[k], copy[k], false, from, walk.now);
		}
		assert_true(wire_same(copy[0], copy[1]));
		assert_int_equal(outcome[0].reason, outcome[1].reason);
		assert_int_equal(outcome[0].mapping, outcome[1].mapping);
		assert_int_equal(outcome[0].session, outcome[1].session);
		if (from == NAT_INTERNAL && outcome[0].verdict == NAT_REWRITTEN) {
			sent++;
			differ += !wire_same(copy[0], copy[2]);
		}
		wire_free_all();
	}
	assert_true(sent > 300);
	assert_true(differ > sent / 2);
	for (int k = 1; k < 3; k++) {
		lab_close(all[k]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		lab_test(test_reason_cut_packet),
		lab_test(test_reason_ip_header),
		lab_test(test_reason_not_ipv4),
		lab_test(test_reason_total_length),
		lab_test(test_reason_transport_short),
		lab_test(test_reason_transport_length),
		lab_test(test_reason_wrong_interface),
		lab_test(test_reason_not_unicast),
		lab_test(test_reason_address_option),
		lab_test(test_reason_fragment),
		lab_test(test_reason_protocol),
		lab_test(test_reason_port_zero),
		lab_test(test_reason_icmp_type),
		lab_test(test_reason_no_mapping),
		lab_test(test_reason_tcp_no_session),
		lab_test(test_reason_icmp_error_reasons),
		lab_test(test_reasons_of_a_table_in_use),
		lab_test(test_tcp_life_from_syn_to_the_end_of_time_wait),
		lab_test(test_new_connection_in_time_wait_keeps_its_port),
		lab_test(test_rfc7857_req2c_reset_is_forwarded_both_ways),
		lab_test(test_refused_connection_can_be_tried_again),
		lab_test(test_wrong_checksums_pass_and_stay_wrong),
		lab_test(test_rfc3022_udp0_no_checksum_stays_none_both_ways),
		lab_test(test_rfc1624_udp_sum_of_zero_leaves_as_ffff),
		lab_test(test_partial_checksum_leaves_complete),
		lab_test(test_dropped_partial_packet_is_left_as_it_was),
		lab_test(test_ip_options_of_every_length_pass_untouched),
		lab_test(test_packets_cut_at_every_length_do_no_harm),
		lab_test(test_limits_can_grow_while_running),
		lab_test(test_limits_can_shrink_below_what_is_there),
		lab_test(test_mappings_go_with_the_external_address_they_are_on),
		lab_test(test_pool_can_change_after_mappings_have_ended),
		lab_test(test_ports_stay_taken_when_addresses_are_added),
		lab_test(test_no_memory_for_new_limits_leaves_all_as_it_was),
		lab_test(test_reseeding_starts_the_random_stream_again),
		lab_test(test_random_walk_keeps_every_promise),
		lab_test(test_seed_decides_every_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
