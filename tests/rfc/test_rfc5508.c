/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RFC 5508 (BCP 148): what a NAT does with ICMP. */
#include "tests/rfc/flow.h"

enum { ICMP_HEADER = WIRE_IP, TYPE = WIRE_IP, CODE = WIRE_IP + 1 };

static struct nat_outcome error_in(struct lab *lab, const struct rfc_flow *f, unsigned int type,
				   unsigned int code, struct wire *w, struct mono now)
{
	*w = wire_error(type, code, ROUTER, f->external, f->outside);
	return lab_in(lab, *w, now);
}

/* --- REQ-1: queries ------------------------------------------------------------------------- */

static void test_rfc5508_req1_two_hosts_with_one_identifier_get_their_own_replies(void **state)
{
	struct lab *lab = *state;
	struct endpoint a = lab_open(lab, NAT_ICMP, H1, Y1, AT_S(0));
	struct endpoint b = lab_open(lab, NAT_ICMP, H2, Y1, AT_S(0));
	struct wire w;

	assert_int_not_equal(a.port, b.port);
	w = wire_pong(Y1, a);
	assert_rewritten(lab_in(lab, w, AT_S(1)), REASON_TRANSLATED);
	assert_same_endpoint(wire_destination(w), H1);
	w = wire_pong(Y1, b);
	assert_rewritten(lab_in(lab, w, AT_S(1)), REASON_TRANSLATED);
	assert_same_endpoint(wire_destination(w), H2);
}

static void test_rfc5508_req1_sequence_and_data_are_kept(void **state)
{
	struct lab *lab = *state;
	struct wire sent = wire_ping(H1, Y1), before = wire_copy(sent), reply;

	lab_out(lab, sent, AT_S(0));
	assert_memory_equal(sent.at + ICMP_HEADER + 6, before.at + ICMP_HEADER + 6,
			    before.len - ICMP_HEADER - 6);
	reply = wire_pong(Y1, wire_source(sent));
	lab_in(lab, reply, AT_S(0));
	assert_memory_equal(reply.at + ICMP_HEADER + 4, before.at + ICMP_HEADER + 4,
			    before.len - ICMP_HEADER - 4);
}

/* What nobody asked for is no answer. */
static void test_rfc5508_req1_reply_without_a_query_is_dropped(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_open(lab, NAT_ICMP, H1, Y1, AT_S(0));

	assert_dropped(lab_in(lab, wire_pong(Y2, external), AT_S(1)), REASON_FILTERED);
	assert_dropped(lab_in(lab, wire_pong(Y1, ep_port(external, external.port ^ 1)), AT_S(1)),
		       REASON_NO_MAPPING);
}

/* "unless policy says no": the policy is the filtering knob. */
static void test_rfc5508_req1_filtering_of_replies_is_a_knob(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_open(lab, NAT_ICMP, H1, Y1, AT_S(0));

	assert_false(lab_comes_in(lab, NAT_ICMP, Y2, external, H1, AT_S(1)));
	lab_set(lab, "icmp.filtering", "adf");
	assert_false(lab_comes_in(lab, NAT_ICMP, Y2, external, H1, AT_S(1)));
	lab_set(lab, "icmp.filtering", "eif");
	assert_true(lab_comes_in(lab, NAT_ICMP, Y2, external, H1, AT_S(1)));
}

static void test_rfc5508_req1a_identifier_is_the_same_for_all_remotes(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_open(lab, NAT_ICMP, H1, Y1, AT_S(0));

	assert_same_endpoint(lab_open(lab, NAT_ICMP, H1, Y2, AT_S(0)), external);
	assert_int_equal(lab->nat.mappings.arena.live, 1);
}

static void test_rfc5508_req1a_dependent_mapping_breaks_it(void **state)
{
	static const char *const mapping[] = { "adm", "apdm" };
	struct lab *lab = *state;

	for (unsigned int i = 0; i < 2; i++) {
		struct endpoint host = ep_port(H1, 5000 + i), external;

		lab_set(lab, "icmp.mapping", mapping[i]);
		external = lab_open(lab, NAT_ICMP, host, Y1, AT_S(0));
		assert_int_not_equal(lab_open(lab, NAT_ICMP, host, Y2, AT_S(0)).port,
				     external.port);
		assert_same_endpoint(lab_open(lab, NAT_ICMP, host, Y1, AT_S(0)), external);
	}
}

/* --- REQ-2: how long ------------------------------------------------------------------------ */

static void test_rfc5508_req2_query_session_lasts_sixty_seconds(void **state)
{
	struct lab *lab = *state;
	struct rfc_flow f = flow_open(lab, NAT_ICMP, H1, Y1, AT_S(0));

	assert_true(lab_comes_in(lab, NAT_ICMP, Y1, f.external, H1, AT_S(59)));
	assert_flow_ends(lab, &f, AT_S(60));
}

static void test_rfc5508_req2_each_query_restarts_the_time(void **state)
{
	struct lab *lab = *state;
	struct rfc_flow f = flow_open(lab, NAT_ICMP, H1, Y1, AT_S(0));

	for (int t = 59; t < 600; t += 59)
		assert_same_endpoint(lab_open(lab, NAT_ICMP, H1, Y1, AT_S(t)), f.external);
	assert_flow_ends(lab, &f, AT_S(590 + 60));
}

/* Whether replies do so too is a knob; by default they do not. */
static void test_rfc5508_req2_replies_may_restart_the_time(void **state)
{
	struct lab *lab = *state;
	struct rfc_flow f = flow_open(lab, NAT_ICMP, H1, Y1, AT_S(0));

	assert_true(lab_comes_in(lab, NAT_ICMP, Y1, f.external, H1, AT_S(50)));
	assert_flow_ends(lab, &f, AT_S(60));
	lab_set(lab, "icmp.refresh", "both");
	f = flow_open(lab, NAT_ICMP, H1, Y1, AT_S(100));
	assert_true(lab_comes_in(lab, NAT_ICMP, Y1, f.external, H1, AT_S(150)));
	assert_flow_ends(lab, &f, AT_S(210));
}

static void test_rfc5508_req2a_timeout_is_a_knob(void **state)
{
	struct lab *lab = *state;
	struct rfc_flow f;

	lab_set(lab, "icmp.timeout", "20s");
	f = flow_open(lab, NAT_ICMP, H1, Y1, AT_S(0));
	assert_flow_ends(lab, &f, AT_S(20));
	lab_set(lab, "icmp.timeout", "10m");
	f = flow_open(lab, NAT_ICMP, H1, Y1, AT_S(30));
	assert_flow_ends(lab, &f, AT_S(630));
}

/* --- REQ-3: what is checked in an error, and what is not ------------------------------------ */

static void test_rfc5508_req3_wrong_checksum_is_dropped(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p <= NAT_ICMP; p++) {
		struct rfc_flow f = flow_open(lab, p, H1, Y1, AT_S(0));
		struct wire whole = wire_error(3, 3, ROUTER, f.external, f.outside);

		for (size_t bit = 8; bit < 8 * (whole.len - ICMP_HEADER); bit++) {
			struct wire w = wire_copy(whole);

			w.at[ICMP_HEADER + bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
			assert_dropped(lab_in(lab, w, AT_S(1)), REASON_ICMP_ERROR_CHECKSUM);
		}
	}
}

static void test_rfc5508_req3_wrong_checksum_from_inside_is_dropped(void **state)
{
	struct lab *lab = *state;
	struct wire w;

	lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	w = wire_error(3, 3, H1, Y1, wire_udp(Y1, H1));
	w.at[w.len - 1] ^= 1;
	assert_dropped(lab_out(lab, w, AT_S(1)), REASON_ICMP_ERROR_CHECKSUM);
}

static void test_rfc5508_req3_checks_may_be_off(void **state)
{
	struct lab *lab = *state;
	struct rfc_flow f = flow_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	struct wire w = wire_error(3, 3, ROUTER, f.external, f.outside);
	unsigned int error;

	lab_set(lab, "icmp.error-checks", "off");
	w.at[w.len - 1] ^= 1;
	error = wire_transport_error(w);
	assert_rewritten(lab_in(lab, w, AT_S(1)), REASON_ICMP_ERROR_TRANSLATED);
	assert_int_equal(wire_transport_error(w), error); /* and stays as wrong as it was */
}

static void test_rfc5508_req3a_wrong_checksum_of_quoted_header_is_dropped(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p <= NAT_ICMP; p++) {
		struct rfc_flow f = flow_open(lab, p, H1, Y1, AT_S(0));

		for (size_t bit = 0; bit < 8 * WIRE_IP; bit++) {
			struct wire about = wire_copy(f.outside), w;
			struct nat_outcome outcome;

			about.at[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
			w = wire_error(11, 0, ROUTER, f.external, about);
			outcome = lab_in(lab, w, AT_S(1));
			assert_int_equal(outcome.verdict, NAT_DROPPED);
			if (bit < 8 || outcome.reason == REASON_ICMP_QUOTE)
				continue; /* version, length, protocol, offset: not even legible */
			assert_reason(outcome, REASON_ICMP_QUOTE_CHECKSUM);
		}
	}
}

static void test_rfc5508_req3a_checks_may_be_off(void **state)
{
	struct lab *lab = *state;
	struct rfc_flow f = flow_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	struct wire about = wire_copy(f.outside), w;
	unsigned int error;

	lab_set(lab, "icmp.error-checks", "off");
	about.at[8] ^= 1;
	w = wire_error(11, 0, ROUTER, f.external, about);
	error = wire_ip_error(wire_quote(w));
	assert_rewritten(lab_in(lab, w, AT_S(1)), REASON_ICMP_ERROR_TRANSLATED);
	assert_int_equal(wire_ip_error(wire_quote(w)), error);
}

static void test_rfc5508_req3b_options_of_the_quoted_header_are_skipped(void **state)
{
	struct lab *lab = *state;

	for (size_t options = 4; options <= 40; options += 4) {
		struct rfc_flow f = rfc_send(lab, wire_udp_with(H1, Y1, options, 12), AT_S(0));
		struct wire w;

		assert_rewritten(error_in(lab, &f, 3, 1, &w, AT_S(1)),
				 REASON_ICMP_ERROR_TRANSLATED);
		assert_same_endpoint(wire_destination(w), without_port(H1));
		assert_memory_equal(wire_quote(w).at, f.inside.at, f.inside.len);
	}
}

/* Options, and then no more than the eight bytes. */
static void test_rfc5508_req3b_options_and_eight_bytes_are_enough(void **state)
{
	struct lab *lab = *state;

	for (size_t options = 4; options <= 40; options += 4) {
		const struct wire_tcp syn = { .flags = S, .seq = 1, .ip_options = options };
		struct rfc_flow f = rfc_send(lab, wire_tcp_with(H1, Y1, syn), AT_S(0));
		size_t len = WIRE_IP + options + 8;
		struct wire w = wire_error_with(11, 0, ROUTER, f.external, f.outside, len);

		assert_rewritten(lab_in(lab, w, AT_S(1)), REASON_ICMP_ERROR_TRANSLATED);
		assert_memory_equal(wire_quote(w).at, f.inside.at, len);
	}
}

static void test_rfc5508_req3c_wrong_checksum_of_quoted_transport_is_no_matter(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p <= NAT_ICMP; p++) {
		struct rfc_flow f = flow_open(lab, p, H1, Y1, AT_S(0));
		struct wire about = wire_copy(f.outside), w;
		unsigned int error;

		wire_check(about)[0] ^= 0x55;
		w = wire_error(3, 3, ROUTER, f.external, about);
		error = wire_transport_error(wire_quote(w));
		assert_int_not_equal(error, 0);
		assert_rewritten(lab_in(lab, w, AT_S(1)), REASON_ICMP_ERROR_TRANSLATED);
		assert_same_endpoint(wire_source(wire_quote(w)), H1);
		assert_int_equal(wire_transport_error(wire_quote(w)), error);
	}
}

/*
 * RFC 4884: the quote filled up with zeros to 128 bytes, its length in words in the sixth byte of
 * the ICMP header, and behind it a structure of extensions.
 */
enum { QUOTE_PADDED = 128 };

static const uint8_t mpls[] = {
	0x20, 0x00, 0x00, 0x00, /* version 2, checksum filled in below */
	0x00, 0x08, 0x01, 0x01, /* an object of 8 bytes: MPLS label stack, RFC 4950 */
	0x00, 0x3e, 0x81, 0x01, /* label 1000, bottom of the stack, hop limit 1 */
};

static struct wire extended_error(unsigned int type, struct endpoint src, struct endpoint dst,
				  struct wire about)
{
	struct wire quote = wire_take(QUOTE_PADDED + sizeof(mpls)), w;
	size_t len = about.len < QUOTE_PADDED ? about.len : QUOTE_PADDED;
	uint8_t *extension = quote.at + QUOTE_PADDED;

	memcpy(quote.at, about.at, len);
	memcpy(extension, mpls, sizeof(mpls));
	wire_put16(extension + 2, (uint16_t)~wire_sum(0, extension, sizeof(mpls)));
	w = wire_error(type, 0, src, dst, quote);
	w.at[ICMP_HEADER + 5] = QUOTE_PADDED / 4;
	wire_fix(w);
	return w;
}

/* Of a quote cut at 128 bytes and of one filled up to them. */
static void test_rfc5508_req3d_extensions_are_kept(void **state)
{
	static const size_t payloads[] = { 0, 1, 12, 99, 100, 101, 500, 1400 };
	static const unsigned int types[] = { 3, 11, 12 };
	struct lab *lab = *state;

	for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++) {
		struct rfc_flow f = rfc_send(lab, wire_udp_with(H1, Y1, 0, payloads[i]), AT_S(0));

		for (int t = 0; t < 3; t++) {
			struct wire w = extended_error(types[t], ROUTER, f.external, f.outside);
			struct wire before = wire_copy(w);
			size_t same = f.inside.len < QUOTE_PADDED ? f.inside.len : QUOTE_PADDED;
			size_t after_quote = ICMP_HEADER + WIRE_ICMP + same;

			assert_rewritten(lab_in(lab, w, AT_S(1)), REASON_ICMP_ERROR_TRANSLATED);
			assert_int_equal(wire_transport_error(w), 0);
			assert_int_equal(w.at[ICMP_HEADER + 5], QUOTE_PADDED / 4);
			assert_memory_equal(wire_quote(w).at, f.inside.at, same);
			assert_memory_equal(w.at + after_quote, before.at + after_quote,
					    w.len - after_quote);
		}
	}
}

/* The quoted checksum is brought back by what changed; padding and extensions have no say in it. */
static void test_rfc5508_req3d_extensions_do_not_count_in_the_quoted_checksum(void **state)
{
	struct lab *lab = *state;
	struct rfc_flow f = rfc_send(lab, wire_udp_with(H1, Y1, 0, 5), AT_S(0));
	struct wire plain = wire_error(11, 0, ROUTER, f.external, f.outside);
	struct wire extended = extended_error(11, ROUTER, f.external, f.outside);

	assert_rewritten(lab_in(lab, plain, AT_S(1)), REASON_ICMP_ERROR_TRANSLATED);
	assert_rewritten(lab_in(lab, extended, AT_S(1)), REASON_ICMP_ERROR_TRANSLATED);
	assert_int_equal(wire_get16(wire_check(wire_quote(extended))),
			 wire_get16(wire_check(f.inside)));
	assert_int_equal(wire_get16(wire_check(wire_quote(plain))),
			 wire_get16(wire_check(f.inside)));
}

static void test_rfc5508_req3d_extensions_of_an_error_from_inside_are_kept(void **state)
{
	struct lab *lab = *state;
	struct rfc_flow f = flow_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	struct wire reply = wire_udp(Y1, f.external), original = wire_copy(reply), w, before;

	lab_in(lab, reply, AT_S(1));
	w = extended_error(11, ep("192.168.7.1:0"), Y1, reply);
	before = wire_copy(w);
	assert_rewritten(lab_out(lab, w, AT_S(1)), REASON_ICMP_ERROR_TRANSLATED);
	assert_memory_equal(wire_quote(w).at, original.at, original.len);
	assert_memory_equal(wire_quote(w).at + QUOTE_PADDED, wire_quote(before).at + QUOTE_PADDED,
			    sizeof(mpls));
	assert_int_equal(wire_transport_error(w), 0);
}

/* --- REQ-4: errors from outside ------------------------------------------------------------- */

static void test_rfc5508_req4_error_about_no_mapping_is_dropped(void **state)
{
	struct lab *lab = *state;
	struct rfc_flow f = flow_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	struct endpoint elsewhere = ep_port(f.external, f.external.port ^ 1);
	const struct wire quotes[] = {
		wire_udp(elsewhere, Y1),	    /* a port that stands for nobody */
		wire_udp(f.external, Y2),	    /* a remote it never spoke to */
		wire_udp(f.external, Y1_Q),	    /* nor this port of it */
		wire_tcp(f.external, Y1, S),	    /* the other protocol */
		wire_ping(f.external, Y1),	    /* and the third */
		wire_udp(Y1, f.external),	    /* the wrong way round */
		wire_udp(H1, Y1),		    /* what nobody outside can have seen */
		wire_udp(ep("198.51.100.9:1"), Y1), /* no address of ours */
	};

	for (size_t i = 0; i < sizeof(quotes) / sizeof(quotes[0]); i++) {
		struct wire w = wire_error(3, 3, Y1, f.external, quotes[i]);

		assert_dropped(lab_in(lab, w, AT_S(1)), REASON_ICMP_ERROR_NO_SESSION);
	}
}

static void test_rfc5508_req4_error_about_an_expired_mapping_is_dropped(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p <= NAT_ICMP; p++) {
		struct rfc_flow f = flow_open(lab, p, H1, Y1, AT_S(1000 * p));
		int life = p == NAT_UDP ? 300 : p == NAT_TCP ? 240 : 60;

		assert_flow_ends(lab, &f, AT_S(1000 * (int)p + life));
	}
}

static void test_rfc5508_req4a_host_gets_back_the_packet_it_sent(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p <= NAT_ICMP; p++) {
		struct rfc_flow f = flow_open(lab, p, H1, Y1, AT_S(0));
		struct wire w;

		assert_rewritten(error_in(lab, &f, 3, 1, &w, AT_S(1)),
				 REASON_ICMP_ERROR_TRANSLATED);
		assert_int_equal(wire_quote(w).len, f.inside.len);
		assert_memory_equal(wire_quote(w).at, f.inside.at, f.inside.len);
	}
}

/* RFC 792: the IP header and eight bytes are all that an old router quotes. */
static void test_rfc5508_req4a_quote_may_be_cut_after_eight_bytes(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p <= NAT_ICMP; p++) {
		struct rfc_flow f = flow_open(lab, p, H1, Y1, AT_S(0));

		for (size_t len = WIRE_IP + 8; len <= f.outside.len; len++) {
			struct wire w = wire_error_with(11, 0, ROUTER, f.external, f.outside, len);

			assert_rewritten(lab_in(lab, w, AT_S(1)), REASON_ICMP_ERROR_TRANSLATED);
			assert_same_endpoint(wire_source(wire_quote(w)), H1);
			/* of a TCP checksum cut in half nothing can be mended */
			assert_memory_equal(wire_quote(w).at, f.inside.at,
					    p == NAT_TCP && len == 37 ? 36 : len);
		}
	}
}

/* Less than that names no port. */
static void test_rfc5508_req4a_quote_shorter_than_that_is_dropped(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p <= NAT_ICMP; p++) {
		struct rfc_flow f = flow_open(lab, p, H1, Y1, AT_S(0));

		for (size_t len = 0; len < WIRE_IP + 8; len++) {
			struct wire w = wire_error_with(11, 0, ROUTER, f.external, f.outside, len);
			struct packet pkt;

			/* not by lab_in(), which reads the quote itself */
			packet_init(&pkt, w.at, w.len, w.len, false);
			assert_dropped(nat_process(&lab->nat, &pkt, NAT_EXTERNAL, AT_S(1)),
				       REASON_ICMP_QUOTE);
		}
	}
}

/* Trap 1: a quoted UDP checksum of 0 is none, and stays none. */
static void test_rfc5508_req4a_quoted_udp_without_checksum_stays_without(void **state)
{
	struct lab *lab = *state;
	struct wire sent = wire_udp(H1, Y1), w;
	struct rfc_flow f;

	wire_put16(wire_check(sent), 0);
	f = rfc_send(lab, sent, AT_S(0));
	assert_rewritten(error_in(lab, &f, 3, 3, &w, AT_S(1)), REASON_ICMP_ERROR_TRANSLATED);
	assert_memory_equal(wire_quote(w).at, f.inside.at, f.inside.len);
}

/* Trap 27: what a quoted packet had left to live is told as it was. */
static void test_rfc5508_req4a_rest_of_the_quoted_header_is_kept(void **state)
{
	struct lab *lab = *state;
	struct rfc_flow f = flow_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	struct wire about = wire_copy(f.outside), w, quote;

	about.at[1] = 0xb8;
	about.at[8] = 1;
	wire_put16(about.at + 4, 0x7777);
	wire_fix(about);
	w = wire_error(11, 0, ROUTER, f.external, about);
	assert_rewritten(lab_in(lab, w, AT_S(1)), REASON_ICMP_ERROR_TRANSLATED);
	quote = wire_quote(w);
	assert_int_equal(quote.at[1], 0xb8);
	assert_int_equal(quote.at[8], 1);
	assert_int_equal(wire_get16(quote.at + 4), 0x7777);
}

/* NATs that eat them exist: the knob. */
static void test_rfc5508_req4a_errors_may_be_dropped(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "icmp.errors", "drop");
	for (enum nat_protocol p = NAT_UDP; p <= NAT_ICMP; p++) {
		struct rfc_flow f = flow_open(lab, p, H1, Y1, AT_S(0));
		struct nat_outcome outcome;
		struct wire w;

		outcome = error_in(lab, &f, 3, 3, &w, AT_S(1));
		assert_dropped(outcome, REASON_ICMP_ERRORS_OFF);
		assert_int_equal(outcome.knob, OPT_ICMP_ERRORS);
	}
}

static void test_rfc5508_req4b_type_and_code_are_kept(void **state)
{
	static const unsigned int types[] = { 3, 11, 12 };
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p <= NAT_ICMP; p++) {
		struct rfc_flow f = flow_open(lab, p, H1, Y1, AT_S(0));

		for (int t = 0; t < 3; t++) {
			for (unsigned int code = 0; code < 256; code++) {
				struct wire w =
					wire_error(types[t], code, ROUTER, f.external, f.outside);

				/* next-hop MTU, pointer: not ours to touch either */
				wire_put32(w.at + ICMP_HEADER + 4, 0x05000514);
				wire_fix(w);
				assert_rewritten(lab_in(lab, w, AT_S(1)),
						 REASON_ICMP_ERROR_TRANSLATED);
				assert_int_equal(w.at[TYPE], types[t]);
				assert_int_equal(w.at[CODE], code);
				assert_int_equal(wire_get32(w.at + ICMP_HEADER + 4), 0x05000514);
			}
		}
	}
}

static void test_rfc5508_req4c_error_goes_to_the_host_and_comes_from_its_sender(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p <= NAT_ICMP; p++) {
		struct rfc_flow f = flow_open(lab, p, H1, Y1, AT_S(0));
		struct wire w;

		assert_rewritten(error_in(lab, &f, 11, 0, &w, AT_S(1)),
				 REASON_ICMP_ERROR_TRANSLATED);
		assert_same_endpoint(wire_destination(w), without_port(H1));
		assert_same_endpoint(wire_source(w), ROUTER);
		w = wire_error(3, 3, Y1, f.external, f.outside);
		assert_rewritten(lab_in(lab, w, AT_S(1)), REASON_ICMP_ERROR_TRANSLATED);
		assert_same_endpoint(wire_source(w), without_port(Y1));
	}
}

/* Two hosts, one remote: the quoted port tells whose error it is. */
static void test_rfc5508_req4c_each_host_gets_its_own_error(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p <= NAT_ICMP; p++) {
		struct rfc_flow a = flow_open(lab, p, H1, Y1, AT_S(0));
		struct rfc_flow b = flow_open(lab, p, H2, Y1, AT_S(0));
		struct wire w;

		assert_rewritten(error_in(lab, &b, 3, 1, &w, AT_S(1)),
				 REASON_ICMP_ERROR_TRANSLATED);
		assert_same_endpoint(wire_destination(w), without_port(H2));
		assert_rewritten(error_in(lab, &a, 3, 1, &w, AT_S(1)),
				 REASON_ICMP_ERROR_TRANSLATED);
		assert_same_endpoint(wire_destination(w), without_port(H1));
	}
}

/* Trap 28: made by the router's own system, after translation: about and to our own address. */
static void test_rfc5508_req4c_error_of_our_own_system_goes_to_the_host(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p <= NAT_ICMP; p++) {
		struct rfc_flow f = flow_open(lab, p, H1, Y1, AT_S(0));
		struct wire w = wire_error(11, 0, E1, f.external, f.outside);

		assert_rewritten(lab_in(lab, w, AT_S(1)), REASON_ICMP_ERROR_TRANSLATED);
		assert_same_endpoint(wire_destination(w), without_port(H1));
		assert_memory_equal(wire_quote(w).at, f.inside.at, f.inside.len);
	}
}

/* --- REQ-5: errors from inside -------------------------------------------------------------- */

/* A packet that came in to H1 through @f's mapping, as Y1 sent it and as H1 got it. */
static struct wire came_in(struct lab *lab, const struct rfc_flow *f, struct wire *original,
			   struct mono now)
{
	struct wire w = lab_probe(flow_protocol(f), Y1, f->external);

	*original = wire_copy(w);
	assert_int_equal(lab_in(lab, w, now).verdict, NAT_REWRITTEN);
	return w;
}

static void test_rfc5508_req5_error_about_no_mapping_is_dropped(void **state)
{
	struct lab *lab = *state;
	struct rfc_flow f = flow_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	const struct wire quotes[] = {
		wire_udp(Y1, H2),	      /* a host with no mapping */
		wire_udp(Y1, ep_port(H1, 9)), /* a port of H1 without one */
		wire_tcp(Y1, H1, S),	      /* the other protocol */
		wire_udp(H1, Y1),	      /* what H1 sent itself */
		wire_udp(Y1, f.external),     /* what nobody inside can have seen */
	};

	for (size_t i = 0; i < sizeof(quotes) / sizeof(quotes[0]); i++)
		assert_dropped(lab_out(lab, wire_error(3, 3, H1, Y1, quotes[i]), AT_S(1)),
			       REASON_ICMP_ERROR_NO_SESSION);
}

static void test_rfc5508_req5_forged_errors_get_no_mapping_made(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p <= NAT_ICMP; p++)
		assert_dropped(
			lab_out(lab, wire_error(3, 3, H1, Y1, lab_probe(p, Y1, H1)), AT_S(1)),
			REASON_ICMP_ERROR_NO_SESSION);
	assert_int_equal(lab->nat.mappings.arena.live, 0);
}

static void test_rfc5508_req5a_remote_gets_back_the_packet_it_sent(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p <= NAT_ICMP; p++) {
		struct rfc_flow f = flow_open(lab, p, H1, Y1, AT_S(0));
		struct wire original, inside = came_in(lab, &f, &original, AT_S(1)), w;

		w = wire_error(3, 3, H1, Y1, inside);
		assert_rewritten(lab_out(lab, w, AT_S(1)), REASON_ICMP_ERROR_TRANSLATED);
		assert_int_equal(wire_quote(w).len, original.len);
		assert_memory_equal(wire_quote(w).at, original.at, original.len);
	}
}

/* The same where filtering let the packet in and no session came of it. */
static void test_rfc5508_req5a_admitted_stranger_gets_back_its_packet_too(void **state)
{
	struct lab *lab = *state;
	struct wire probe, original, w;

	lab_set(lab, "udp.filtering", "eif");
	probe = wire_udp(Y2, lab_open(lab, NAT_UDP, H1, Y1, AT_S(0)));
	original = wire_copy(probe);
	assert_rewritten(lab_in(lab, probe, AT_S(1)), REASON_ADMITTED);
	w = wire_error(3, 3, H1, Y2, probe);
	assert_rewritten(lab_out(lab, w, AT_S(2)), REASON_ICMP_ERROR_TRANSLATED);
	assert_memory_equal(wire_quote(w).at, original.at, original.len);
}

static void test_rfc5508_req5a_quote_may_be_cut_after_eight_bytes(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p <= NAT_ICMP; p++) {
		struct rfc_flow f = flow_open(lab, p, H1, Y1, AT_S(0));
		struct wire original, inside = came_in(lab, &f, &original, AT_S(1)), w;

		w = wire_error_with(3, 3, H1, Y1, inside, WIRE_IP + 8);
		assert_rewritten(lab_out(lab, w, AT_S(1)), REASON_ICMP_ERROR_TRANSLATED);
		assert_memory_equal(wire_quote(w).at, original.at, WIRE_IP + 8);
	}
}

static void test_rfc5508_req5a_errors_may_be_dropped(void **state)
{
	struct lab *lab = *state;
	struct rfc_flow f = flow_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	struct wire original, inside = came_in(lab, &f, &original, AT_S(1));

	lab_set(lab, "icmp.errors", "drop");
	assert_dropped(lab_out(lab, wire_error(3, 3, H1, Y1, inside), AT_S(1)),
		       REASON_ICMP_ERRORS_OFF);
}

static void test_rfc5508_req5b_type_and_code_are_kept(void **state)
{
	static const unsigned int types[] = { 3, 11, 12 };
	struct lab *lab = *state;
	struct rfc_flow f = flow_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	struct wire original, inside = came_in(lab, &f, &original, AT_S(1));

	for (int t = 0; t < 3; t++) {
		for (unsigned int code = 0; code < 256; code++) {
			struct wire w = wire_error(types[t], code, H1, Y1, inside);

			assert_rewritten(lab_out(lab, w, AT_S(1)), REASON_ICMP_ERROR_TRANSLATED);
			assert_int_equal(w.at[TYPE], types[t]);
			assert_int_equal(w.at[CODE], code);
		}
	}
}

static void test_rfc5508_req5c_error_comes_from_the_external_address(void **state)
{
	static const char *const senders[] = { "192.168.1.2:0", "192.168.7.1:0", "10.0.0.1:0" };
	struct lab *lab = *state;
	struct rfc_flow f = flow_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	struct wire original, inside = came_in(lab, &f, &original, AT_S(1));

	for (size_t i = 0; i < sizeof(senders) / sizeof(senders[0]); i++) {
		struct wire w = wire_error(11, 0, ep(senders[i]), Y1, inside);

		assert_rewritten(lab_out(lab, w, AT_S(1)), REASON_ICMP_ERROR_TRANSLATED);
		assert_same_endpoint(wire_source(w), E1);
		assert_same_endpoint(wire_destination(w), without_port(Y1));
	}
}

/* With a pool it is the address that the quoted packet was sent to. */
static void test_rfc5508_req5c_of_a_pool_it_is_the_address_of_the_mapping(void **state)
{
	struct lab *lab = *state;
	bool seen[3] = { false };

	lab_set(lab, "nat.external", "203.0.113.1-203.0.113.2");
	for (unsigned int i = 0; i < 20; i++) {
		char text[32];
		struct endpoint host, external;
		struct wire w;

		snprintf(text, sizeof(text), "192.168.1.%u:5000", 10 + i);
		host = ep(text);
		external = lab_open(lab, NAT_UDP, host, Y1, AT_S(0));
		w = wire_udp(Y1, external);
		lab_in(lab, w, AT_S(0));
		w = wire_error(3, 3, host, Y1, w);
		assert_rewritten(lab_out(lab, w, AT_S(0)), REASON_ICMP_ERROR_TRANSLATED);
		assert_same_endpoint(wire_source(w), without_port(external));
		seen[addr_ip4(&external.addr) & 3] = true;
	}
	assert_true(seen[1] && seen[2]);
}

/* Basic NAT: the sender's own external address, if it has one. */
static void test_rfc5508_req5c_one_to_one_host_is_seen_by_its_own_address(void **state)
{
	struct lab *lab = *state;
	struct wire w, probe;

	lab_set(lab, "nat.external", "203.0.113.1-203.0.113.5");
	lab_set(lab, "nat.one-to-one", "203.0.113.5=192.168.1.9");
	probe = wire_udp(Y1, ep("203.0.113.5:5000"));
	assert_int_equal(lab_in(lab, probe, AT_S(1)).verdict, NAT_REWRITTEN);
	assert_same_endpoint(wire_destination(probe), ep("192.168.1.9:5000"));
	w = wire_error(3, 3, ep("192.168.1.9:0"), Y1, probe);
	assert_int_equal(lab_out(lab, w, AT_S(1)).verdict, NAT_REWRITTEN);
	assert_same_endpoint(wire_source(w), ep("203.0.113.5:0"));
	assert_same_endpoint(wire_destination(wire_quote(w)), ep("203.0.113.5:5000"));
}

/* The sender's own, also where the packet was for a host that shares another: a router inside. */
static void test_rfc5508_req5c_one_to_one_router_is_seen_by_its_own_address(void **state)
{
	struct lab *lab = *state;
	struct wire w, reply;

	lab_set(lab, "nat.external", "203.0.113.1");
	lab_set(lab, "nat.one-to-one", "203.0.113.5=192.168.1.9");
	reply = wire_udp(Y1, lab_open(lab, NAT_UDP, H1, Y1, AT_S(0)));
	lab_in(lab, reply, AT_S(1));
	w = wire_error(11, 0, ep("192.168.1.9:0"), Y1, reply);
	assert_rewritten(lab_out(lab, w, AT_S(1)), REASON_ICMP_ERROR_TRANSLATED);
	assert_same_endpoint(wire_source(w), ep("203.0.113.5:0"));
	assert_same_endpoint(without_port(wire_destination(wire_quote(w))), E1);
}

/* --- REQ-6: errors and the session they are about ------------------------------------------- */

static void test_rfc5508_req6_errors_do_not_prolong_a_query_session(void **state)
{
	struct lab *lab = *state;
	struct rfc_flow f = flow_open(lab, NAT_ICMP, H1, Y1, AT_S(0));
	struct wire original, inside = came_in(lab, &f, &original, AT_S(1)), w;

	for (int t = 10; t < 60; t += 10) {
		assert_rewritten(error_in(lab, &f, 11, 0, &w, AT_S(t)),
				 REASON_ICMP_ERROR_TRANSLATED);
		assert_rewritten(lab_out(lab, wire_error(3, 3, H1, Y1, inside), AT_S(t)),
				 REASON_ICMP_ERROR_TRANSLATED);
	}
	assert_flow_ends(lab, &f, AT_S(60));
	assert_int_equal(lab->nat.mappings.arena.live, 0);
}

static void test_rfc5508_req6_errors_do_not_end_a_query_session(void **state)
{
	static const unsigned int types[] = { 3, 4, 5, 11, 12 };
	struct lab *lab = *state;
	struct rfc_flow f = flow_open(lab, NAT_ICMP, H1, Y1, AT_S(0));
	struct wire w;

	for (size_t t = 0; t < sizeof(types) / sizeof(types[0]); t++)
		for (unsigned int code = 0; code < 16; code++)
			error_in(lab, &f, types[t], code, &w, AT_S(1));
	assert_true(lab_comes_in(lab, NAT_ICMP, Y1, f.external, H1, AT_S(59)));
	assert_same_endpoint(lab_open(lab, NAT_ICMP, H1, Y2, AT_S(59)), f.external);
}

/* --- REQ-7: hairpin ------------------------------------------------------------------------- */

/* H1's packet to H2's mapping, as H1 sent it (@sent) and as H2 got it. */
static struct wire hairpinned(struct lab *lab, enum nat_protocol p, struct wire *sent,
			      struct mono now)
{
	struct endpoint target;
	struct wire w;

	rfc_set(lab, p, "filtering", "eif");
	target = lab_open(lab, p, H2, Y1, now);
	w = lab_request(p, H1, target);
	*sent = wire_copy(w);
	assert_int_equal(lab_out(lab, w, now).verdict, NAT_REWRITTEN);
	assert_same_endpoint(wire_destination(w), H2);
	return w;
}

/* Trap 12: what H2 says of a packet from H1 comes back to H1, about the packet that H1 sent. */
static void test_rfc5508_req7_hairpinned_error_quotes_what_was_sent(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p <= NAT_TCP; p++) {
		struct wire sent, got = hairpinned(lab, p, &sent, AT_S(p)), w;

		w = wire_error(3, 3, H2, wire_source(got), got);
		assert_int_equal(lab_out(lab, w, AT_S(p)).verdict, NAT_REWRITTEN);
		assert_same_endpoint(wire_source(w), E1);
		assert_int_equal(w.at[TYPE], 3);
		assert_int_equal(w.at[CODE], 3);
		assert_memory_equal(wire_quote(w).at, sent.at, sent.len);
	}
}

static void test_rfc5508_req7a_hairpinned_error_goes_to_the_quoted_sender(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p <= NAT_TCP; p++) {
		struct wire sent, got = hairpinned(lab, p, &sent, AT_S(p)), w;

		w = wire_error(3, 3, H2, wire_source(got), got);
		assert_int_equal(lab_out(lab, w, AT_S(p)).verdict, NAT_REWRITTEN);
		assert_same_endpoint(wire_destination(w), without_port(H1));
		assert_same_endpoint(wire_destination(w), without_port(wire_source(wire_quote(w))));
	}
}

/* Cut after eight bytes, as old hosts do it. */
static void test_rfc5508_req7_hairpinned_error_may_quote_eight_bytes(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p <= NAT_TCP; p++) {
		struct wire sent, got = hairpinned(lab, p, &sent, AT_S(p)), w;

		w = wire_error_with(11, 1, H2, wire_source(got), got, WIRE_IP + 8);
		assert_int_equal(lab_out(lab, w, AT_S(p)).verdict, NAT_REWRITTEN);
		assert_memory_equal(wire_quote(w).at, sent.at, WIRE_IP + 8);
	}
}

static void test_rfc5508_req7_hairpinned_error_about_no_session_is_dropped(void **state)
{
	struct lab *lab = *state;
	struct wire sent, got = hairpinned(lab, NAT_UDP, &sent, AT_S(0)), w;

	w = wire_error(3, 3, H2, E1, wire_udp(ep_port(wire_source(got), 9), H2));
	assert_dropped(lab_out(lab, w, AT_S(1)), REASON_ICMP_ERROR_NO_SESSION);
}

/* A hairpinned packet that our own system could not forward: it was translated twice by then. */
static void test_rfc5508_req7_error_of_our_own_system_about_a_hairpinned_packet(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p <= NAT_TCP; p++) {
		struct wire sent, got = hairpinned(lab, p, &sent, AT_S(p)), w;

		w = wire_error(3, 1, E1, wire_source(got), got);
		assert_int_equal(lab_in(lab, w, AT_S(p)).verdict, NAT_REWRITTEN);
		assert_same_endpoint(wire_destination(w), without_port(H1));
		assert_memory_equal(wire_quote(w).at, sent.at, sent.len);
	}
}

/* It prolongs nothing and ends nothing, like any other (REQ-6). */
static void test_rfc5508_req7_hairpinned_errors_do_not_refresh(void **state)
{
	struct lab *lab = *state;
	struct wire sent, got = hairpinned(lab, NAT_UDP, &sent, AT_S(0));

	for (int t = 10; t < 300; t += 10)
		assert_int_equal(
			lab_out(lab, wire_error(3, 3, H2, wire_source(got), got), AT_S(t)).verdict,
			NAT_REWRITTEN);
	assert_int_equal(
		lab_out(lab, wire_error(3, 3, H2, wire_source(got), got), AT_S(300)).verdict,
		NAT_DROPPED);
	nat_tick(&lab->nat, AT_S(300), 100);
	assert_int_equal(lab->nat.mappings.arena.live, 0);
}

/* Basic NAT: a ping of one internal host to the external address of another. */
static void test_rfc5508_req7_hairpinned_query_of_a_one_to_one_host(void **state)
{
	struct lab *lab = *state;
	struct endpoint other = ep("203.0.113.5:0"), source;
	struct wire w, reply;

	lab_set(lab, "nat.external", "203.0.113.1-203.0.113.5");
	lab_set(lab, "nat.one-to-one", "203.0.113.5=192.168.1.3");
	w = wire_ping(H1, other);
	assert_int_equal(lab_out(lab, w, AT_S(0)).verdict, NAT_REWRITTEN);
	assert_same_endpoint(without_port(wire_destination(w)), without_port(H2));
	source = wire_source(w);
	assert_in_range(addr_ip4(&source.addr), 0xcb007101, 0xcb007104);
	reply = wire_pong(ep_port(H2, source.port), source);
	assert_int_equal(lab_out(lab, reply, AT_S(0)).verdict, NAT_REWRITTEN);
	assert_same_endpoint(wire_destination(reply), H1);
	assert_same_endpoint(without_port(wire_source(reply)), other);
}

static void test_rfc5508_req7_hairpinned_error_about_a_query(void **state)
{
	struct lab *lab = *state;
	struct endpoint other = ep("203.0.113.5:0");
	struct wire sent = wire_ping(H1, other), got = wire_copy(sent), w;

	lab_set(lab, "nat.external", "203.0.113.1-203.0.113.5");
	lab_set(lab, "nat.one-to-one", "203.0.113.5=192.168.1.3");
	assert_int_equal(lab_out(lab, got, AT_S(0)).verdict, NAT_REWRITTEN);
	w = wire_error(3, 10, H2, wire_source(got), got);
	assert_int_equal(lab_out(lab, w, AT_S(0)).verdict, NAT_REWRITTEN);
	assert_same_endpoint(wire_source(w), other);
	assert_same_endpoint(wire_destination(w), without_port(H1));
	assert_memory_equal(wire_quote(w).at, sent.at, sent.len);
}

/* One identifier, both ways at once: such a host is asked and asks as if it were outside itself. */
static void test_rfc5508_req7_one_to_one_host_asks_and_is_asked_by_one_identifier(void **state)
{
	struct lab *lab = *state;
	struct endpoint outside = ep_port(Y1, 0), own = ep("203.0.113.5:777"), asked;
	struct wire w;

	lab_set(lab, "nat.external", "203.0.113.1-203.0.113.5");
	lab_set(lab, "nat.one-to-one", "203.0.113.5=192.168.1.3");
	asked = ep_port(H2, 777);
	assert_same_endpoint(lab_open(lab, NAT_ICMP, asked, outside, AT_S(0)), own);
	w = wire_query(8, outside, own, 777);
	assert_rewritten(lab_in(lab, w, AT_S(1)), REASON_TRANSLATED);
	assert_same_endpoint(without_port(wire_destination(w)), without_port(H2));
	w = wire_query(0, asked, outside, 777);
	assert_rewritten(lab_out(lab, w, AT_S(1)), REASON_TRANSLATED);
	/* And itself. */
	w = wire_ping(ep_port(H2, 778), without_port(own));
	assert_int_equal(lab_out(lab, w, AT_S(2)).verdict, NAT_REWRITTEN);
	assert_same_endpoint(without_port(wire_destination(w)), without_port(H2));
	assert_same_endpoint(without_port(wire_source(w)), without_port(own));
}

static void test_rfc5508_req7_off_drops_queries_and_errors(void **state)
{
	struct lab *lab = *state;
	struct wire sent, got = hairpinned(lab, NAT_UDP, &sent, AT_S(0)), w;

	lab_set(lab, "nat.hairpin", "off");
	w = wire_error(3, 3, H2, wire_source(got), got);
	assert_dropped(lab_out(lab, w, AT_S(1)), REASON_HAIRPIN_OFF);
	assert_dropped(lab_out(lab, wire_ping(H1, E1), AT_S(1)), REASON_HAIRPIN_OFF);
}

/* --- REQ-8: a session that is refused ------------------------------------------------------- */

/* Every way there is to be refused: a knob, its value, and how many flows of H1 it leaves. */
struct refusal {
	const char *knob, *value;
	unsigned int flows;
	bool same_remote; /* flows that differ in the internal port, not in the remote */
};

static const struct refusal refusals[] = {
	{ "nat.max-mappings-per-host", "1", 1, true },
	{ "nat.max-sessions-per-host", "1", 1, true },
	{ "nat.max-sessions-per-mapping", "1", 1, false },
	{ "nat.new-mappings-per-second", "1", 1, true },
	{ "udp.max-mappings-per-host", "2", 2, true },
	{ "udp.max-sessions-per-host", "2", 2, true },
	{ "udp.new-mappings-per-second", "2", 2, true },
	{ "udp.port-range", "4000-4002", 3, true },
	{ "nat.max-mappings", "2", 2, true },
	{ "nat.max-sessions", "3", 3, true },
};

static struct wire flow_number(const struct refusal *r, unsigned int i)
{
	return r->same_remote ? wire_udp(ep_port(H1, 5000 + i), Y1)
			      : wire_udp(H1, ep_port(Y1, 7000 + i));
}

/* Use up what @r leaves, and send one more; @sent is that one as H1 sent it. */
static void refuse(struct lab *lab, const struct refusal *r, struct wire *sent)
{
	struct wire w;

	lab_set(lab, r->knob, r->value);
	for (unsigned int i = 0; i < r->flows; i++)
		assert_int_equal(lab_out(lab, flow_number(r, i), AT_S(0)).verdict, NAT_REWRITTEN);
	lab_check_silent(lab);
	w = flow_number(r, r->flows);
	*sent = wire_copy(w);
	assert_int_equal(lab_out(lab, w, AT_S(0)).verdict, NAT_DROPPED);
}

static void refuse_all(const char *on_full, int code)
{
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		const char *const knobs[] = { "nat.on-full", on_full, NULL };
		struct lab *lab = lab_open_with(on_full != NULL ? knobs : NULL);
		struct wire sent;

		refuse(lab, &refusals[i], &sent);
		if (code >= 0)
			lab_take_error(lab, 3, (unsigned int)code, H1, sent);
		lab_check_silent(lab);
		/* what is open goes on, and of that nobody is told anything */
		assert_int_equal(lab_out(lab, flow_number(&refusals[i], 0), AT_S(1)).verdict,
				 NAT_REWRITTEN);
		lab_check_silent(lab);
		lab_close(lab);
	}
}

static void test_rfc5508_req8_refused_host_is_told_prohibited(void **state)
{
	(void)state;
	refuse_all(NULL, 13);
	refuse_all("icmp13", 13);
}

/* RFC 6888 REQ-11B asks for Host Unreachable instead. */
static void test_rfc5508_req8_or_unreachable_with_the_knob(void **state)
{
	(void)state;
	refuse_all("icmp1", 1);
}

static void test_rfc5508_req8_or_nothing_with_the_knob(void **state)
{
	(void)state;
	refuse_all("drop", -1);
}

/* TCP and ICMP queries are refused in the same words. */
static void test_rfc5508_req8_other_protocols_are_told_too(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p <= NAT_ICMP; p++) {
		struct wire w, sent;

		rfc_set(lab, p, "max-mappings-per-host", "1");
		lab_open(lab, p, H1, Y1, AT_S(p));
		w = lab_request(p, ep_port(H1, 6000), Y1);
		sent = wire_copy(w);
		assert_int_equal(lab_out(lab, w, AT_S(p)).verdict, NAT_DROPPED);
		lab_take_error(lab, 3, 13, H1, sent);
		/* another host is none the worse */
		lab_open(lab, p, H2, Y1, AT_S(p));
	}
}

/* --- REQ-9: muted sides --------------------------------------------------------------------- */

/* One error that is due to H1 and one that is due to Y2; which of them came? */
static void errors_of_own(struct lab *lab, bool *internal, bool *external)
{
	struct wire w;

	*internal = *external = false;
	lab_set(lab, "udp.max-mappings-per-host", "1");
	lab_set(lab, "nat.unmatched", "reject");
	lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	lab_out(lab, wire_udp(ep_port(H1, 6000), Y1), AT_S(0));
	lab_in(lab, wire_udp(Y2, ep_port(E1, 1)), AT_S(0));
	while (lab_output(lab, &w)) {
		struct endpoint to = wire_destination(w), host = without_port(H1);

		*internal |= endpoint_equal(&to, &host);
		*external |= !endpoint_equal(&to, &host);
	}
}

static void test_rfc5508_req9_sides_can_be_muted(void **state)
{
	static const struct {
		const char *value;
		bool internal, external;
	} rows[] = { { "none", true, true },
		     { "internal", false, true },
		     { "external", true, false },
		     { "both", false, false } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const knobs[] = { "icmp.mute", rows[i].value, NULL };
		struct lab *lab = lab_open_with(knobs);
		bool internal, external;

		errors_of_own(lab, &internal, &external);
		assert_int_equal(internal, rows[i].internal);
		assert_int_equal(external, rows[i].external);
		lab_close(lab);
	}
}

/* What others say is translated all the same: the policy is about our own. */
static void test_rfc5508_req9_errors_of_others_pass_a_muted_side(void **state)
{
	struct lab *lab = *state;
	struct rfc_flow f = flow_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	struct wire original, inside, w;

	lab_set(lab, "icmp.mute", "both");
	assert_rewritten(error_in(lab, &f, 3, 3, &w, AT_S(0)), REASON_ICMP_ERROR_TRANSLATED);
	inside = came_in(lab, &f, &original, AT_S(1));
	assert_rewritten(lab_out(lab, wire_error(3, 3, H1, Y1, inside), AT_S(1)),
			 REASON_ICMP_ERROR_TRANSLATED);
}

/* --- REQ-10 and REQ-11: which ICMP passes --------------------------------------------------- */

static void test_rfc5508_req10a_unreachable_time_exceeded_and_echo_pass(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p <= NAT_ICMP;
	     p++) { /* traceroute with UDP, TCP and Echo */
		struct rfc_flow f = flow_open(lab, p, H1, ep_port(Y1, 33434), AT_S(0));
		struct wire w;

		assert_rewritten(error_in(lab, &f, 11, 0, &w, AT_S(0)),
				 REASON_ICMP_ERROR_TRANSLATED);
		assert_same_endpoint(wire_source(w), ROUTER);
		assert_same_endpoint(wire_destination(w), without_port(H1));
		assert_rewritten(error_in(lab, &f, 3, 3, &w, AT_S(0)),
				 REASON_ICMP_ERROR_TRANSLATED);
	}
	assert_true(lab_comes_in(lab, NAT_ICMP, Y1, lab_open(lab, NAT_ICMP, H1, Y1, AT_S(0)), H1,
				 AT_S(0)));
}

static void test_rfc5508_req10b_timestamp_and_parameter_problem_pass(void **state)
{
	struct lab *lab = *state;
	struct rfc_flow f = rfc_send(lab, wire_query(13, H1, Y1, H1.port), AT_S(0));
	struct wire w = wire_query(14, Y1, f.external, f.external.port);

	assert_rewritten(lab_in(lab, w, AT_S(1)), REASON_TRANSLATED);
	assert_same_endpoint(wire_destination(w), H1);
	assert_rewritten(error_in(lab, &f, 12, 0, &w, AT_S(1)), REASON_ICMP_ERROR_TRANSLATED);
}

static void test_rfc5508_req10b_timestamps_may_be_off(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "icmp.queries", "echo");
	assert_dropped(lab_out(lab, wire_query(13, H1, Y1, 5), AT_S(0)), REASON_ICMP_TYPE);
	lab_open(lab, NAT_ICMP, H1, Y1, AT_S(0));
}

/* Redirect and router discovery speak of a link that ends at the NAT. */
static void test_rfc5508_req10b_redirect_and_router_discovery_are_dropped(void **state)
{
	struct lab *lab = *state;
	struct rfc_flow f = flow_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	struct wire w;

	for (unsigned int code = 0; code < 4; code++)
		assert_dropped(error_in(lab, &f, 5, code, &w, AT_S(1)), REASON_ICMP_TYPE);
	for (unsigned int type = 9; type <= 10; type++) {
		assert_dropped(lab_in(lab, wire_query(type, Y1, E1, 0), AT_S(1)), REASON_ICMP_TYPE);
		assert_dropped(lab_out(lab, wire_query(type, H1, Y1, 0), AT_S(1)),
			       REASON_ICMP_TYPE);
	}
}

/* Options that would carry an address across are refused, in a packet and in a quote. */
static void test_rfc5508_req10b_route_options_are_dropped(void **state)
{
	static const uint8_t options[] = { 7, 131, 137, 68 };
	struct lab *lab = *state;
	struct rfc_flow f = flow_open(lab, NAT_UDP, H1, Y1, AT_S(0));

	for (size_t i = 0; i < sizeof(options); i++) {
		struct wire w = wire_udp_with(H1, Y1, 8, 4), about;

		memcpy(w.at + WIRE_IP, (uint8_t[]){ options[i], 7, 4, 0, 0, 0, 0, 0 }, 8);
		wire_fix(w);
		assert_dropped(lab_out(lab, w, AT_S(1)), REASON_ADDRESS_OPTION);
		about = wire_udp_with(f.external, Y1, 8, 4);
		memcpy(about.at + WIRE_IP, (uint8_t[]){ options[i], 7, 8, 203, 0, 113, 1, 0 }, 8);
		wire_fix(about);
		assert_dropped(lab_in(lab, wire_error(12, 0, ROUTER, f.external, about), AT_S(1)),
			       REASON_ADDRESS_OPTION);
	}
}

/* 17 and 18; 15 and 16 are 10c's. */
static void assert_query_pair(struct lab *lab, unsigned int request, unsigned int reply)
{
	struct wire w = wire_query(request, H1, Y1, H1.port);
	struct endpoint external;

	assert_int_equal(lab_out(lab, w, AT_S(0)).verdict, NAT_REWRITTEN);
	external = ep_port(E1, wire_get16(w.at + ICMP_HEADER + 4));
	assert_same_endpoint(without_port(wire_source(w)), E1);
	w = wire_query(reply, Y1, external, external.port);
	assert_rewritten(lab_in(lab, w, AT_S(1)), REASON_TRANSLATED);
	assert_same_endpoint(without_port(wire_destination(w)), without_port(H1));
	assert_int_equal(wire_get16(w.at + ICMP_HEADER + 4), H1.port);
}

static void test_rfc5508_req10b_address_mask_passes_with_the_knob(void **state)
{
	struct lab *lab = *state;

	assert_dropped(lab_out(lab, wire_query(17, H1, Y1, 5), AT_S(0)), REASON_ICMP_TYPE);
	lab_set(lab, "icmp.queries", "all");
	assert_query_pair(lab, 17, 18);
}

static void test_rfc5508_req10c_source_quench_and_information_are_dropped(void **state)
{
	struct lab *lab = *state;
	struct rfc_flow f = flow_open(lab, NAT_ICMP, H1, Y1, AT_S(0));
	struct wire w;

	assert_dropped(error_in(lab, &f, 4, 0, &w, AT_S(1)), REASON_ICMP_TYPE);
	assert_dropped(lab_out(lab, wire_error(4, 0, H1, Y1, wire_pong(Y1, H1)), AT_S(1)),
		       REASON_ICMP_TYPE);
	for (unsigned int type = 15; type <= 16; type++) {
		assert_dropped(lab_out(lab, wire_query(type, H1, Y1, 1), AT_S(1)),
			       REASON_ICMP_TYPE);
		assert_dropped(
			lab_in(lab, wire_query(type, Y1, f.external, f.external.port), AT_S(1)),
			REASON_ICMP_TYPE);
	}
}

static void test_rfc5508_req10c_information_passes_with_the_knob(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "icmp.queries", "all");
	assert_query_pair(lab, 15, 16);
}

/* --- REQ-10: errors of our own -------------------------------------------------------------- */

static struct wire own_error(struct lab *lab, struct wire *about)
{
	lab_set(lab, "udp.max-mappings-per-host", "1");
	lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	*about = wire_udp_with(ep_port(H1, 6000), Y1, 8, 1000);
	assert_int_equal(lab_out(lab, *about, AT_S(0)).verdict, NAT_DROPPED);
	return lab_take_error(lab, 3, 13, H1, *about);
}

/* RFC 1812 section 4.3.2.5: internetwork control; not the quoted packet's. */
static void test_rfc5508_req10d_ds_field_is_constant(void **state)
{
	struct lab *lab = *state;
	struct wire about, w = own_error(lab, &about);

	assert_int_equal(w.at[1], 0xc0);
	assert_int_equal(w.at[8], 64);
	about = wire_udp(ep_port(H1, 6001), Y1);
	about.at[1] = 0x28;
	wire_fix(about);
	lab_out(lab, about, AT_S(1));
	assert_true(lab_output(lab, &w));
	assert_int_equal(w.at[1], 0xc0);
}

/* RFC 1812 section 4.3.2.3: as much of the packet as fits into 576 bytes. */
static void test_rfc5508_req10d_quote_is_as_long_as_it_may_be(void **state)
{
	struct lab *lab = *state;
	struct wire about, w = own_error(lab, &about);

	assert_int_equal(w.len, 576);
	assert_int_equal(wire_quote(w).len, 548);
	assert_memory_equal(wire_quote(w).at, about.at, 548);
}

/* A NAT that would complain of everything: no room for H1, and nobody else known. */
static void complain_of_everything(struct lab *lab)
{
	lab_set(lab, "nat.max-mappings", "1");
	lab_set(lab, "nat.unmatched", "reject");
	lab_set(lab, "tcp.unsolicited-syn", "reject");
	lab_set(lab, "icmp.error-rate", "1000");
	lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
}

static struct wire with_source(struct wire w, const char *address)
{
	struct endpoint e = ep(address);

	wire_put32(w.at + 12, addr_ip4(&e.addr));
	wire_fix(w);
	return w;
}

static struct wire with_destination(struct wire w, const char *address)
{
	struct endpoint e = ep(address);

	wire_put32(w.at + 16, addr_ip4(&e.addr));
	wire_fix(w);
	return w;
}

static void test_rfc5508_req10e_no_error_about_odd_addresses(void **state)
{
	static const char *const odd[] = { "0.0.0.0:0",	       "0.1.2.3:0",   "127.0.0.1:0",
					   "224.0.0.1:0",      "239.9.9.9:0", "240.0.0.1:0",
					   "255.255.255.255:0" };
	struct lab *lab = *state;

	complain_of_everything(lab);
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		lab_out(lab, with_source(wire_udp(H2, Y1), odd[i]), AT_S(1));
		lab_out(lab, with_destination(wire_udp(H2, Y1), odd[i]), AT_S(1));
		lab_out(lab, with_source(wire_tcp(H2, Y1, S), odd[i]), AT_S(1));
		lab_in(lab, with_source(wire_udp(Y2, ep_port(E1, 1)), odd[i]), AT_S(1));
		lab_in(lab, with_destination(wire_udp(Y2, ep_port(E1, 1)), odd[i]), AT_S(1));
		lab_in(lab, with_source(wire_tcp(Y2, ep_port(E1, 1), S), odd[i]), AT_S(1));
	}
	lab_check_silent(lab);
	/* about one that is not odd there would have been one */
	lab_out(lab, wire_udp(H2, Y1), AT_S(1));
	lab_take_error(lab, 3, 13, H2, wire_udp(H2, Y1));
	lab_in(lab, wire_udp(Y2, ep_port(E1, 1)), AT_S(1));
	lab_take_error(lab, 3, 3, Y2, wire_udp(Y2, ep_port(E1, 1)));
}

static void test_rfc5508_req10e_no_error_about_errors(void **state)
{
	static const unsigned int types[] = { 3, 4, 5, 11, 12 };
	struct lab *lab = *state;

	complain_of_everything(lab);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		lab_out(lab, wire_error(types[i], 0, H2, Y1, wire_udp(Y1, H2)), AT_S(1));
		lab_in(lab, wire_error(types[i], 0, Y2, E1, wire_udp(E1, Y2)), AT_S(1));
	}
	lab_check_silent(lab);
}

/* A later fragment; the first of that datagram was refused, and that was said once. */
static void test_rfc5508_req10e_no_error_about_later_fragments(void **state)
{
	struct lab *lab = *state;
	struct wire first = wire_udp_with(H2, Y1, 0, 16), later;

	complain_of_everything(lab);
	wire_put16(first.at + 6, 0x2000);
	wire_fix(first);
	later = wire_ip(17, H2, Y1, 0, 24);
	wire_put16(later.at + 6, 3);
	wire_put16(later.at + 10, 0);
	wire_put16(later.at + 10, (uint16_t)~wire_sum(0, later.at, WIRE_IP));
	lab_out(lab, first, AT_S(1));
	lab_take_error(lab, 3, 13, H2, first);
	lab_out(lab, later, AT_S(1));
	lab_check_silent(lab);
}

/* --- REQ-10f -------------------------------------------------------------------------------- */

static unsigned int errors_for(struct lab *lab, unsigned int triggers, int start_s)
{
	unsigned int count = 0;
	struct wire w;

	for (unsigned int i = 0; i < triggers; i++) {
		lab_out(lab, wire_udp(ep_port(H1, 6000 + i), Y1), AT_S(start_s));
		while (lab_output(lab, &w))
			count++;
	}
	return count;
}

static void test_rfc5508_req10f_own_errors_are_limited_in_rate(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "udp.max-mappings-per-host", "1");
	lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	assert_int_equal(errors_for(lab, 1000, 1), 10);
	assert_int_equal(errors_for(lab, 1000, 2), 10);
	lab_set(lab, "icmp.error-rate", "3");
	assert_int_equal(errors_for(lab, 1000, 10), 3);
	lab_set(lab, "icmp.error-rate", "0");
	assert_int_equal(errors_for(lab, 1000, 20), 0);
}

/* Within a second too: time is shared out, not granted at its strokes. */
static void test_rfc5508_req10f_rate_is_even(void **state)
{
	struct lab *lab = *state;
	unsigned int count = 0;
	struct wire w;

	lab_set(lab, "udp.max-mappings-per-host", "1");
	lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	for (int ms = 0; ms < 10000; ms += 10) {
		lab_out(lab, wire_udp(ep_port(H1, 6000), Y1), AT_MS(ms));
		while (lab_output(lab, &w))
			count++;
	}
	assert_in_range(count, 90, 110);
}

/* Our choice for every type that has no rule of its own: a named drop, both ways. */
static void test_rfc5508_req11_other_types_are_dropped(void **state)
{
	static const unsigned int ruled[] = { 0, 3, 8, 11, 12, 13, 14 };
	struct lab *lab = *state;
	struct endpoint external = lab_open(lab, NAT_ICMP, H1, Y1, AT_S(0));

	for (unsigned int type = 0; type < 256; type++) {
		bool has_rule = false;

		for (size_t i = 0; i < sizeof(ruled) / sizeof(ruled[0]); i++)
			has_rule |= type == ruled[i];
		if (has_rule)
			continue;
		assert_dropped(lab_out(lab, wire_query(type, H1, Y1, H1.port), AT_S(1)),
			       REASON_ICMP_TYPE);
		assert_dropped(lab_in(lab, wire_query(type, Y1, external, external.port), AT_S(1)),
			       REASON_ICMP_TYPE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		lab_test(test_rfc5508_req1_two_hosts_with_one_identifier_get_their_own_replies),
		lab_test(test_rfc5508_req1_sequence_and_data_are_kept),
		lab_test(test_rfc5508_req1_reply_without_a_query_is_dropped),
		lab_test(test_rfc5508_req1_filtering_of_replies_is_a_knob),
		lab_test(test_rfc5508_req1a_identifier_is_the_same_for_all_remotes),
		lab_test(test_rfc5508_req1a_dependent_mapping_breaks_it),
		lab_test(test_rfc5508_req2_query_session_lasts_sixty_seconds),
		lab_test(test_rfc5508_req2_each_query_restarts_the_time),
		lab_test(test_rfc5508_req2_replies_may_restart_the_time),
		lab_test(test_rfc5508_req2a_timeout_is_a_knob),
		lab_test(test_rfc5508_req3_wrong_checksum_is_dropped),
		lab_test(test_rfc5508_req3_wrong_checksum_from_inside_is_dropped),
		lab_test(test_rfc5508_req3_checks_may_be_off),
		lab_test(test_rfc5508_req3a_wrong_checksum_of_quoted_header_is_dropped),
		lab_test(test_rfc5508_req3a_checks_may_be_off),
		lab_test(test_rfc5508_req3b_options_of_the_quoted_header_are_skipped),
		lab_test(test_rfc5508_req3b_options_and_eight_bytes_are_enough),
		lab_test(test_rfc5508_req3c_wrong_checksum_of_quoted_transport_is_no_matter),
		lab_test(test_rfc5508_req3d_extensions_are_kept),
		lab_test(test_rfc5508_req3d_extensions_do_not_count_in_the_quoted_checksum),
		lab_test(test_rfc5508_req3d_extensions_of_an_error_from_inside_are_kept),
		lab_test(test_rfc5508_req4_error_about_no_mapping_is_dropped),
		lab_test(test_rfc5508_req4_error_about_an_expired_mapping_is_dropped),
		lab_test(test_rfc5508_req4a_host_gets_back_the_packet_it_sent),
		lab_test(test_rfc5508_req4a_quote_may_be_cut_after_eight_bytes),
		lab_test(test_rfc5508_req4a_quote_shorter_than_that_is_dropped),
		lab_test(test_rfc5508_req4a_quoted_udp_without_checksum_stays_without),
		lab_test(test_rfc5508_req4a_rest_of_the_quoted_header_is_kept),
		lab_test(test_rfc5508_req4a_errors_may_be_dropped),
		lab_test(test_rfc5508_req4b_type_and_code_are_kept),
		lab_test(test_rfc5508_req4c_error_goes_to_the_host_and_comes_from_its_sender),
		lab_test(test_rfc5508_req4c_each_host_gets_its_own_error),
		lab_test(test_rfc5508_req4c_error_of_our_own_system_goes_to_the_host),
		lab_test(test_rfc5508_req5_error_about_no_mapping_is_dropped),
		lab_test(test_rfc5508_req5_forged_errors_get_no_mapping_made),
		lab_test(test_rfc5508_req5a_remote_gets_back_the_packet_it_sent),
		lab_test(test_rfc5508_req5a_admitted_stranger_gets_back_its_packet_too),
		lab_test(test_rfc5508_req5a_quote_may_be_cut_after_eight_bytes),
		lab_test(test_rfc5508_req5a_errors_may_be_dropped),
		lab_test(test_rfc5508_req5b_type_and_code_are_kept),
		lab_test(test_rfc5508_req5c_error_comes_from_the_external_address),
		lab_test(test_rfc5508_req5c_of_a_pool_it_is_the_address_of_the_mapping),
		lab_test(test_rfc5508_req5c_one_to_one_host_is_seen_by_its_own_address),
		lab_test(test_rfc5508_req5c_one_to_one_router_is_seen_by_its_own_address),
		lab_test(test_rfc5508_req6_errors_do_not_prolong_a_query_session),
		lab_test(test_rfc5508_req6_errors_do_not_end_a_query_session),
		lab_test(test_rfc5508_req7_hairpinned_error_quotes_what_was_sent),
		lab_test(test_rfc5508_req7a_hairpinned_error_goes_to_the_quoted_sender),
		lab_test(test_rfc5508_req7_hairpinned_error_may_quote_eight_bytes),
		lab_test(test_rfc5508_req7_hairpinned_error_about_no_session_is_dropped),
		lab_test(test_rfc5508_req7_error_of_our_own_system_about_a_hairpinned_packet),
		lab_test(test_rfc5508_req7_hairpinned_errors_do_not_refresh),
		lab_test(test_rfc5508_req7_hairpinned_query_of_a_one_to_one_host),
		lab_test(test_rfc5508_req7_hairpinned_error_about_a_query),
		lab_test(test_rfc5508_req7_one_to_one_host_asks_and_is_asked_by_one_identifier),
		lab_test(test_rfc5508_req7_off_drops_queries_and_errors),
		lab_test(test_rfc5508_req8_refused_host_is_told_prohibited),
		lab_test(test_rfc5508_req8_or_unreachable_with_the_knob),
		lab_test(test_rfc5508_req8_or_nothing_with_the_knob),
		lab_test(test_rfc5508_req8_other_protocols_are_told_too),
		lab_test(test_rfc5508_req9_sides_can_be_muted),
		lab_test(test_rfc5508_req9_errors_of_others_pass_a_muted_side),
		lab_test(test_rfc5508_req10a_unreachable_time_exceeded_and_echo_pass),
		lab_test(test_rfc5508_req10b_timestamp_and_parameter_problem_pass),
		lab_test(test_rfc5508_req10b_timestamps_may_be_off),
		lab_test(test_rfc5508_req10b_redirect_and_router_discovery_are_dropped),
		lab_test(test_rfc5508_req10b_route_options_are_dropped),
		lab_test(test_rfc5508_req10b_address_mask_passes_with_the_knob),
		lab_test(test_rfc5508_req10c_source_quench_and_information_are_dropped),
		lab_test(test_rfc5508_req10c_information_passes_with_the_knob),
		lab_test(test_rfc5508_req10d_ds_field_is_constant),
		lab_test(test_rfc5508_req10d_quote_is_as_long_as_it_may_be),
		lab_test(test_rfc5508_req10e_no_error_about_odd_addresses),
		lab_test(test_rfc5508_req10e_no_error_about_errors),
		lab_test(test_rfc5508_req10e_no_error_about_later_fragments),
		lab_test(test_rfc5508_req10f_own_errors_are_limited_in_rate),
		lab_test(test_rfc5508_req10f_rate_is_even),
		lab_test(test_rfc5508_req11_other_types_are_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
