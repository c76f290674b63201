/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/lab.h"

/* Y's answer and its packet as the NAT sent it out: what an error from outside is about. */
struct path {
	struct wire sent;    /* as it left the internal host */
	struct wire outside; /* as Y saw it */
	struct endpoint external;
	struct nat_outcome outcome;
};

static struct path path_of(struct lab *lab, struct wire w, struct mono now)
{
	struct path f = { .sent = wire_copy(w) };

	f.outcome = lab_out(lab, w, now);
	assert_int_equal(f.outcome.verdict, NAT_REWRITTEN);
	f.outside = w;
	f.external = wire_source(w);
	return f;
}

static struct path open_flow(struct lab *lab, enum nat_protocol protocol)
{
	return path_of(lab, lab_request(protocol, H1, Y1), AT_S(0));
}

static struct endpoint without_port(struct endpoint e)
{
	return ep_port(e, 0);
}

/* --- from outside --------------------------------------------------------------------------- */

static void test_rfc3022_icmpe_host_gets_back_what_it_sent(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p < NAT_OTHER; p++) {
		struct path f = open_flow(lab, p);
		struct wire w = wire_error(3, 3, Y1, f.external, f.outside);
		struct nat_outcome outcome = lab_in(lab, w, AT_S(1));
		struct wire quote = wire_quote(w);

		assert_rewritten(outcome, REASON_ICMP_ERROR_TRANSLATED);
		assert_int_equal(outcome.mapping, f.outcome.mapping);
		assert_int_equal(outcome.session, f.outcome.session);
		assert_same_endpoint(wire_source(w), without_port(Y1));
		assert_same_endpoint(wire_destination(w), without_port(H1));
		assert_int_equal(quote.len, f.sent.len);
		assert_memory_equal(quote.at, f.sent.at, f.sent.len);
	}
}

static void test_rfc5508_req4b_type_and_code_are_kept(void **state)
{
	static const unsigned int types[] = { 3, 11, 12 };
	struct lab *lab = *state;
	struct path f = open_flow(lab, NAT_UDP);

	for (int t = 0; t < 3; t++) {
		for (unsigned int code = 0; code < 16; code++) {
			struct wire w = wire_error(types[t], code, Y1, f.external, f.outside);

			wire_put16(w.at + 26, 1400); /* next-hop MTU, or the pointer's neighbour */
			wire_fix(w);
			assert_rewritten(lab_in(lab, w, AT_S(1)), REASON_ICMP_ERROR_TRANSLATED);
			assert_int_equal(w.at[20], types[t]);
			assert_int_equal(w.at[21], code);
			assert_int_equal(wire_get16(w.at + 26), 1400);
		}
	}
}

/* Trap 11: the sender of an error is any router on the way; filtering is not for it. */
static void test_rfc4787_req12a_error_from_a_router_never_contacted_arrives(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p < NAT_OTHER; p++) {
		struct path f = open_flow(lab, p);
		struct wire w = wire_error(11, 0, ROUTER, f.external, f.outside);

		assert_rewritten(lab_in(lab, w, AT_S(1)), REASON_ICMP_ERROR_TRANSLATED);
		assert_same_endpoint(wire_source(w), ROUTER);
	}
}

static void test_rfc5508_req4_error_about_no_session_is_dropped(void **state)
{
	struct lab *lab = *state;
	struct path f = open_flow(lab, NAT_UDP);
	struct endpoint elsewhere = ep_port(f.external, f.external.port ^ 1);
	struct wire w;

	w = wire_error(3, 3, Y1, elsewhere, wire_udp(elsewhere, Y1));
	assert_dropped(lab_in(lab, w, AT_S(1)), REASON_ICMP_ERROR_NO_SESSION);
	/* Trap 8: the quoted destination counts as well */
	w = wire_error(3, 3, Y1, f.external, wire_udp(f.external, Y2));
	assert_dropped(lab_in(lab, w, AT_S(1)), REASON_ICMP_ERROR_NO_SESSION);
	w = wire_error(3, 3, Y1, f.external, wire_udp(f.external, Y1_Q));
	assert_dropped(lab_in(lab, w, AT_S(1)), REASON_ICMP_ERROR_NO_SESSION);
	/* and so does the protocol */
	w = wire_error(3, 3, Y1, f.external, wire_tcp(f.external, Y1, WIRE_SYN));
	assert_dropped(lab_in(lab, w, AT_S(1)), REASON_ICMP_ERROR_NO_SESSION);
	/* and the direction: a packet from Y1 to us is not what an outside router complains of */
	w = wire_error(3, 3, Y1, f.external, wire_udp(Y1, f.external));
	assert_dropped(lab_in(lab, w, AT_S(1)), REASON_ICMP_ERROR_NO_SESSION);
}

static void test_error_about_an_expired_session_is_dropped(void **state)
{
	struct lab *lab = *state;
	struct path f = open_flow(lab, NAT_UDP);
	struct wire w = wire_error(3, 3, Y1, f.external, f.outside), late = wire_copy(w);

	assert_rewritten(lab_in(lab, w, AT_MS(299999)), REASON_ICMP_ERROR_TRANSLATED);
	assert_dropped(lab_in(lab, late, AT_S(300)), REASON_ICMP_ERROR_NO_SESSION);
	assert_int_equal(lab->nat.sessions.arena.live, 0);
}

static void test_rfc5508_req3_error_with_wrong_checksum_is_dropped(void **state)
{
	struct lab *lab = *state;
	struct path f = open_flow(lab, NAT_UDP);
	struct wire whole = wire_error(3, 3, Y1, f.external, f.outside);

	for (size_t i = 20; i < whole.len; i++) {
		struct wire w = wire_copy(whole);

		if (i == 20)
			continue; /* the type: it would be no error any more */
		w.at[i] ^= 0x10;
		assert_dropped(lab_in(lab, w, AT_S(1)), REASON_ICMP_ERROR_CHECKSUM);
	}
}

static void test_rfc5508_req3a_error_with_wrong_quoted_header_checksum_is_dropped(void **state)
{
	struct lab *lab = *state;
	struct path f = open_flow(lab, NAT_UDP);
	struct wire w = wire_error(3, 3, Y1, f.external, f.outside);

	wire_quote(w).at[8] ^= 1; /* the hop count, without the checksum */
	wire_fix(w);
	assert_dropped(lab_in(lab, w, AT_S(1)), REASON_ICMP_QUOTE_CHECKSUM);
}

static void test_rfc5508_req3b_quoted_ip_options_are_skipped(void **state)
{
	struct lab *lab = *state;

	for (size_t options = 4; options <= 40; options += 4) {
		struct path f = path_of(lab, wire_udp_with(H1, Y1, options, 12), AT_S(0));
		struct wire w = wire_error(3, 3, Y1, f.external, f.outside);

		assert_rewritten(lab_in(lab, w, AT_S(1)), REASON_ICMP_ERROR_TRANSLATED);
		assert_memory_equal(wire_quote(w).at, f.sent.at, f.sent.len);
	}
}

static void test_rfc5508_req3c_wrong_quoted_transport_checksum_is_no_matter(void **state)
{
	struct lab *lab = *state;
	struct path f = open_flow(lab, NAT_UDP);
	struct wire w = wire_error(3, 3, Y1, f.external, f.outside);
	unsigned int error;

	wire_put16(wire_check(wire_quote(w)), 0x0101);
	wire_fix(w);
	error = wire_transport_error(wire_quote(w));
	assert_rewritten(lab_in(lab, w, AT_S(1)), REASON_ICMP_ERROR_TRANSLATED);
	assert_int_equal(wire_transport_error(wire_quote(w)), error);
}

/* Trap 6. */
static void test_rfc792_quote_of_eight_bytes_is_enough(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p < NAT_OTHER; p++) {
		struct path f = open_flow(lab, p);

		for (size_t len = 0; len <= f.outside.len; len++) {
			struct wire w = wire_error_with(11, 0, ROUTER, f.external, f.outside, len);
			struct nat_outcome outcome;
			struct packet pkt;

			if (len < 28) { /* too little to read ports from: not by lab_in() either */
				packet_init(&pkt, w.at, w.len, w.len, false);
				outcome = nat_process(&lab->nat, &pkt, NAT_EXTERNAL, AT_S(1));
				assert_dropped(outcome, REASON_ICMP_QUOTE);
				continue;
			}
			assert_rewritten(lab_in(lab, w, AT_S(1)), REASON_ICMP_ERROR_TRANSLATED);
			assert_same_endpoint(wire_source(wire_quote(w)), H1);
			/* half of a TCP checksum cannot be mended */
			assert_memory_equal(wire_quote(w).at, f.sent.at,
					    p == NAT_TCP && len == 37 ? 36 : len);
		}
	}
}

static void test_quoted_udp_without_checksum_stays_without(void **state)
{
	struct lab *lab = *state;
	struct wire sent = wire_udp(H1, Y1), w;
	struct path f;

	wire_put16(wire_check(sent), 0);
	f = path_of(lab, sent, AT_S(0));
	w = wire_error(3, 3, Y1, f.external, f.outside);
	assert_rewritten(lab_in(lab, w, AT_S(1)), REASON_ICMP_ERROR_TRANSLATED);
	assert_int_equal(wire_get16(wire_check(wire_quote(w))), 0);
	assert_memory_equal(wire_quote(w).at, f.sent.at, f.sent.len);
}

static void test_error_about_a_fragment_error_or_untranslated_protocol_is_dropped(void **state)
{
	struct lab *lab = *state;
	struct path f = open_flow(lab, NAT_UDP);
	struct wire about, w;

	about = wire_copy(f.outside);
	wire_put16(about.at + 6, 0x0010); /* a later fragment has no ports to look up */
	wire_fix(about);
	w = wire_error(11, 1, Y1, f.external, about);
	assert_dropped(lab_in(lab, w, AT_S(1)), REASON_ICMP_QUOTE);
	about = wire_error(3, 3, f.external, Y1, f.outside);
	w = wire_error(3, 3, Y1, f.external, about);
	assert_dropped(lab_in(lab, w, AT_S(1)), REASON_ICMP_QUOTE);
	about = wire_ip(47, f.external, Y1, 0, 30);
	wire_fix(about);
	w = wire_error(3, 2, Y1, f.external, about);
	assert_dropped(lab_in(lab, w, AT_S(1)), REASON_ICMP_ERROR_NO_SESSION);
	about = wire_copy(f.outside);
	about.at[0] = 0x65;
	w = wire_error(3, 3, Y1, f.external, about);
	assert_dropped(lab_in(lab, w, AT_S(1)), REASON_ICMP_QUOTE);
}

/* The first fragment has the ports. */
static void test_error_about_a_first_fragment_is_translated(void **state)
{
	struct lab *lab = *state;
	struct path f = open_flow(lab, NAT_UDP);
	struct wire about = wire_copy(f.outside), w;

	wire_put16(about.at + 6, 0x2000);
	wire_fix(about);
	w = wire_error(11, 1, Y1, f.external, about);
	assert_rewritten(lab_in(lab, w, AT_S(1)), REASON_ICMP_ERROR_TRANSLATED);
}

/* --- from inside ---------------------------------------------------------------------------- */

static void test_rfc5508_req5_error_from_inside_quotes_the_external_endpoint(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p < NAT_OTHER; p++) {
		struct path f = open_flow(lab, p);
		struct wire reply = lab_probe(p, Y1, f.external), original = wire_copy(reply), w;
		struct nat_outcome outcome;

		assert_int_equal(lab_in(lab, reply, AT_S(1)).verdict, NAT_REWRITTEN);
		w = wire_error(3, 3, H1, Y1, reply);
		outcome = lab_out(lab, w, AT_S(2));
		assert_rewritten(outcome, REASON_ICMP_ERROR_TRANSLATED);
		assert_int_equal(outcome.session, f.outcome.session);
		assert_same_endpoint(wire_source(w), without_port(f.external));
		assert_same_endpoint(wire_destination(w), without_port(Y1));
		assert_int_equal(w.at[20], 3);
		assert_int_equal(w.at[21], 3);
		assert_memory_equal(wire_quote(w).at, original.at, original.len);
	}
}

static void test_rfc5508_req5c_inner_router_is_hidden_behind_our_address(void **state)
{
	struct lab *lab = *state;
	struct path f = open_flow(lab, NAT_UDP);
	struct wire reply = wire_udp(Y1, f.external), w;

	lab_in(lab, reply, AT_S(1));
	w = wire_error(11, 0, ep("192.168.7.1:0"), Y1, reply);
	assert_rewritten(lab_out(lab, w, AT_S(2)), REASON_ICMP_ERROR_TRANSLATED);
	assert_same_endpoint(wire_source(w), E1);
}

static void test_rfc5508_req5_error_from_inside_about_no_session_is_dropped(void **state)
{
	struct lab *lab = *state;
	struct wire w;

	open_flow(lab, NAT_UDP);
	w = wire_error(3, 3, H2, Y1, wire_udp(Y1, H2));
	assert_dropped(lab_out(lab, w, AT_S(1)), REASON_ICMP_ERROR_NO_SESSION);
	w = wire_error(3, 3, H1, Y1, wire_tcp(Y1, H1, WIRE_SYN));
	assert_dropped(lab_out(lab, w, AT_S(1)), REASON_ICMP_ERROR_NO_SESSION);
	/* what the host itself sent is nothing for the world to hear of */
	w = wire_error(3, 3, H1, Y1, wire_udp(H1, Y1));
	assert_dropped(lab_out(lab, w, AT_S(1)), REASON_ICMP_ERROR_NO_SESSION);
}

static void test_error_about_an_admitted_packet_finds_its_mapping(void **state)
{
	struct lab *lab = *state;
	struct endpoint external;
	struct wire probe, original, w;
	struct nat_outcome outcome;

	lab_set(lab, "udp.filtering", "eif");
	external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	probe = wire_udp(Y2, external);
	original = wire_copy(probe);
	assert_rewritten(lab_in(lab, probe, AT_S(1)), REASON_ADMITTED);
	w = wire_error(3, 3, H1, Y2, probe);
	outcome = lab_out(lab, w, AT_S(2));
	assert_rewritten(outcome, REASON_ICMP_ERROR_TRANSLATED);
	assert_int_equal(outcome.session, NAT_NONE);
	assert_memory_equal(wire_quote(w).at, original.at, original.len);
	/* the mapping ends as if nothing had come */
	w = wire_error(3, 3, H1, Y2, probe);
	assert_dropped(lab_out(lab, w, AT_S(300)), REASON_ICMP_ERROR_NO_SESSION);
}

/* The mapping is still there, but the session it came in by is not: no stale number is told. */
static void test_error_about_a_session_that_ended_names_the_mapping_only(void **state)
{
	struct lab *lab = *state;
	struct path f = open_flow(lab, NAT_UDP);
	struct wire reply = wire_udp(Y1, f.external);
	struct nat_outcome outcome;

	lab_in(lab, reply, AT_S(1));
	lab_open(lab, NAT_UDP, H1, Y2, AT_S(200));
	outcome = lab_out(lab, wire_error(3, 3, H1, Y1, reply), AT_S(300));
	assert_rewritten(outcome, REASON_ICMP_ERROR_TRANSLATED);
	assert_int_equal(outcome.mapping, f.outcome.mapping);
	assert_int_equal(outcome.session, NAT_NONE);
	assert_int_equal(lab->nat.sessions.arena.live, 1);
}

/* "A private address on the WAN side, in a header or inside an ICMP error": never. */
static void test_error_that_quotes_a_route_is_dropped(void **state)
{
	struct lab *lab = *state;
	struct path f = open_flow(lab, NAT_UDP);
	struct wire inside = wire_udp_with(Y1, H1, 8, 12);
	struct wire outside = wire_udp_with(f.external, Y1, 8, 12);

	memcpy(inside.at + 20, (uint8_t[]){ 7, 7, 8, 192, 168, 1, 2, 0 }, 8);
	wire_fix(inside);
	assert_dropped(lab_out(lab, wire_error(3, 3, H1, Y1, inside), AT_S(1)),
		       REASON_ADDRESS_OPTION);
	memcpy(outside.at + 20, (uint8_t[]){ 7, 7, 8, 203, 0, 113, 1, 0 }, 8);
	wire_fix(outside);
	assert_dropped(lab_in(lab, wire_error(3, 3, Y1, f.external, outside), AT_S(1)),
		       REASON_ADDRESS_OPTION);
}

/* --- what errors may not do ----------------------------------------------------------------- */

static void test_rfc4787_req12_errors_end_nothing(void **state)
{
	static const unsigned int types[] = { 3, 11, 12 };
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p < NAT_OTHER; p++) {
		struct path f = open_flow(lab, p);
		const struct session *s = lab_session(lab, f.outcome);
		struct session before = *s;
		enum tcp_state stood = lab_tcp_state(lab, f.outcome);

		for (int t = 0; t < 3; t++)
			for (unsigned int code = 0; code < 16; code++)
				lab_in(lab,
				       wire_error(types[t], code, ROUTER, f.external, f.outside),
				       AT_S(1));
		assert_int_equal(lab_tcp_state(lab, f.outcome), stood);
		assert_int_equal(s->last_use.ms, before.last_use.ms);
		assert_int_equal(s->class, before.class);
		assert_memory_equal(s->traffic, before.traffic, sizeof(before.traffic));
		assert_true(lab_comes_in(lab, p, Y1, f.external, H1, AT_S(2)));
	}
}

/* Source Quench and Redirect are not translated at all. */
static void test_rfc5508_req10c_source_quench_and_redirect_are_dropped(void **state)
{
	struct lab *lab = *state;
	struct path f = open_flow(lab, NAT_UDP);

	assert_dropped(lab_in(lab, wire_error(4, 0, Y1, f.external, f.outside), AT_S(1)),
		       REASON_ICMP_TYPE);
	assert_dropped(lab_in(lab, wire_error(5, 1, Y1, f.external, f.outside), AT_S(1)),
		       REASON_ICMP_TYPE);
}

static void test_rfc5508_req6_errors_both_ways_never_refresh(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "udp.refresh", "both");
	for (enum nat_protocol p = NAT_UDP; p < NAT_OTHER; p++) {
		struct path f = open_flow(lab, p);
		int64_t life = p == NAT_UDP ? 300 : p == NAT_TCP ? 240 : 60;
		struct wire reply = lab_probe(p, Y1, f.external), w;

		if (p == NAT_TCP) /* a SYN from outside would establish it */
			reply = wire_tcp(Y1, f.external, WIRE_RST | WIRE_ACK);
		assert_int_equal(lab_in(lab, reply, AT_S(0)).verdict, NAT_REWRITTEN);
		for (int64_t t = 10; t < life; t += 10) {
			w = wire_error(11, 0, ROUTER, f.external, f.outside);
			assert_rewritten(lab_in(lab, w, AT_S(t)), REASON_ICMP_ERROR_TRANSLATED);
			w = wire_error(3, 3, H1, Y1, reply);
			assert_rewritten(lab_out(lab, w, AT_S(t)), REASON_ICMP_ERROR_TRANSLATED);
		}
		w = wire_error(11, 0, ROUTER, f.external, f.outside);
		assert_dropped(lab_in(lab, w, AT_S(life)), REASON_ICMP_ERROR_NO_SESSION);
	}
	assert_int_equal(lab->nat.mappings.arena.live, 0);
}

/* A random quote must not be read past its end, nor get anything through. */
static void test_random_quotes_are_dropped(void **state)
{
	struct lab *lab = *state;
	struct siphash_key key;
	struct rng rng;

	open_flow(lab, NAT_UDP);
	assert_int_equal(rng_key(5508, &key), 0);
	rng_init(&rng, &key);
	for (int i = 0; i < 3000; i++) {
		size_t len = rng_below(&rng, 90);
		struct wire about = wire_take(len), w;
		struct nat_outcome outcome;
		struct packet pkt;

		for (size_t k = 0; k < len; k++)
			about.at[k] = (uint8_t)rng_next(&rng);
		if (len > 0 && rng_below(&rng, 2))
			about.at[0] = (uint8_t)(0x40 | rng_below(&rng, 16));
		w = wire_error(3, 3, Y1, E1, about);
		packet_init(&pkt, w.at, w.len, w.len, false);
		outcome = nat_process(&lab->nat, &pkt, NAT_EXTERNAL, AT_S(1));
		assert_int_equal(outcome.verdict, NAT_DROPPED);
		assert_true(outcome.reason == REASON_ICMP_QUOTE ||
			    outcome.reason == REASON_ICMP_QUOTE_CHECKSUM);
	}
}

/* Trap 33: an error whose checksum the kernel left open is not wrong, only unfinished. */
static void test_error_with_partial_checksum_is_completed(void **state)
{
	struct lab *lab = *state;
	struct path f = open_flow(lab, NAT_UDP);
	struct wire w = wire_error(3, 3, Y1, f.external, f.outside);

	wire_put16(wire_check(w), 0);
	assert_rewritten(lab_packet(lab, w, true, NAT_EXTERNAL, AT_S(1)),
			 REASON_ICMP_ERROR_TRANSLATED);
	assert_int_equal(wire_transport_error(w), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		lab_test(test_rfc3022_icmpe_host_gets_back_what_it_sent),
		lab_test(test_rfc5508_req4b_type_and_code_are_kept),
		lab_test(test_rfc4787_req12a_error_from_a_router_never_contacted_arrives),
		lab_test(test_rfc5508_req4_error_about_no_session_is_dropped),
		lab_test(test_error_about_an_expired_session_is_dropped),
		lab_test(test_rfc5508_req3_error_with_wrong_checksum_is_dropped),
		lab_test(test_rfc5508_req3a_error_with_wrong_quoted_header_checksum_is_dropped),
		lab_test(test_rfc5508_req3b_quoted_ip_options_are_skipped),
		lab_test(test_rfc5508_req3c_wrong_quoted_transport_checksum_is_no_matter),
		lab_test(test_rfc792_quote_of_eight_bytes_is_enough),
		lab_test(test_quoted_udp_without_checksum_stays_without),
		lab_test(test_error_about_a_fragment_error_or_untranslated_protocol_is_dropped),
		lab_test(test_error_about_a_first_fragment_is_translated),
		lab_test(test_rfc5508_req5_error_from_inside_quotes_the_external_endpoint),
		lab_test(test_rfc5508_req5c_inner_router_is_hidden_behind_our_address),
		lab_test(test_rfc5508_req5_error_from_inside_about_no_session_is_dropped),
		lab_test(test_error_about_an_admitted_packet_finds_its_mapping),
		lab_test(test_error_about_a_session_that_ended_names_the_mapping_only),
		lab_test(test_error_that_quotes_a_route_is_dropped),
		lab_test(test_rfc4787_req12_errors_end_nothing),
		lab_test(test_rfc5508_req10c_source_quench_and_redirect_are_dropped),
		lab_test(test_rfc5508_req6_errors_both_ways_never_refresh),
		lab_test(test_random_quotes_are_dropped),
		lab_test(test_error_with_partial_checksum_is_completed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
