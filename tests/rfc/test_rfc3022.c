/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RFC 3022, traditional NAT: what is translated, and the checksums with it. */
#include "tests/rfc/fragments.h"

/* --- who is translated ---------------------------------------------------------------------- */

static void test_rfc3022_napt_two_hosts_with_one_port_share_an_address(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p <= NAT_ICMP; p++) {
		struct endpoint a = lab_open(lab, p, H1, Y1, AT_S(0));
		struct endpoint b = lab_open(lab, p, H2, Y1, AT_S(0));
		struct wire to_a = rfc_answer(p, Y1, a), to_b = rfc_answer(p, Y1, b);

		assert_same_endpoint(ep_port(a, 0), E1);
		assert_same_endpoint(ep_port(b, 0), E1);
		assert_int_not_equal(a.port, b.port);
		assert_rewritten(lab_in(lab, to_a, AT_S(1)), REASON_TRANSLATED);
		assert_rewritten(lab_in(lab, to_b, AT_S(1)), REASON_TRANSLATED);
		assert_same_endpoint(wire_destination(to_a), H1);
		assert_same_endpoint(wire_destination(to_b), H2);
	}
}

static void test_rfc3022_dir_nothing_comes_in_unasked(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p <= NAT_ICMP; p++) {
		for (unsigned int port = 1; port <= 65535; port += 257) {
			struct wire w = lab_probe(p, Y1, ep_port(E1, port));

			assert_int_equal(lab_in(lab, w, AT_S(0)).verdict, NAT_DROPPED);
		}
		/* Nor past the NAT, straight to the host, also while that has a mapping. */
		lab_open(lab, p, H1, Y1, AT_S(1));
		assert_int_equal(lab_in(lab, lab_probe(p, Y1, H1), AT_S(2)).verdict, NAT_DROPPED);
	}
	assert_int_equal(lab->nat.mappings.arena.live, 3);
}

/* An answer at once, where one is asked for: the next host that sends there knows. */
static void test_rfc3022_dir_what_comes_unasked_is_refused_by_knob(void **state)
{
	struct lab *lab = *state;
	struct wire probe = wire_udp(Y1, ep_port(E1, 5000));
	const struct output *output;
	struct wire error;

	lab_set(lab, "nat.unmatched", "reject");
	assert_dropped(lab_in(lab, probe, AT_S(0)), REASON_UNMATCHED_REJECTED);
	output = nat_next_output(&lab->nat);
	assert_non_null(output);
	error = wire_take(output->length);
	memcpy(error.at, output->data, output->length);
	assert_same_endpoint(wire_source(error), E1);
	assert_same_endpoint(wire_destination(error), ep_port(Y1, 0));
	assert_int_equal(error.at[20], 3);
	assert_int_equal(error.at[21], 3);
	assert_same_wire(wire_quote(error), probe);
	assert_right_sums(error);
}

/* Or it is for the router, which then answers for itself; an internal host still never sees it. */
static void test_rfc3022_dir_what_comes_unasked_is_the_routers_by_knob(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "nat.unmatched", "accept");
	for (enum nat_protocol p = NAT_UDP; p <= NAT_ICMP; p++) {
		struct nat_outcome outcome =
			lab_in(lab, lab_request(p, Y1, ep_port(E1, 5000)), AT_S(0));

		assert_int_equal(outcome.verdict, NAT_PASS);
		assert_reason(outcome, REASON_ROUTER);
	}
}

/* --- static mappings ------------------------------------------------------------------------ */

#define H9 ep("192.168.1.9:5000")
#define E5 ep("203.0.113.5:0")

static int pair_setup(void **state)
{
	const char *const knobs[] = { "nat.external", "203.0.113.1,203.0.113.5", "nat.one-to-one",
				      "203.0.113.5=192.168.1.9", NULL };

	*state = lab_open_with(knobs);
	return 0;
}

#define pair_test(f) cmocka_unit_test_setup_teardown(f, pair_setup, lab_teardown)

static void test_rfc3022_basic_an_address_for_an_address(void **state)
{
	static const unsigned int ports[] = { 1, 22, 500, 1023, 1024, 5000, 65535 };
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p <= NAT_ICMP; p++) {
		for (unsigned int i = 0; i < 7; i++) {
			struct endpoint host = ep_port(H9, ports[i]);

			assert_same_endpoint(lab_open(lab, p, host, Y1, AT_S(0)),
					     ep_port(E5, ports[i]));
			assert_same_endpoint(lab_open(lab, p, host, Y2, AT_S(0)),
					     ep_port(E5, ports[i]));
		}
		/* The others share what is left. */
		assert_same_endpoint(ep_port(lab_open(lab, p, H1, Y1, AT_S(0)), 0), E1);
	}
}

static void test_rfc3022_basic_outside_may_begin_on_any_port(void **state)
{
	struct lab *lab = *state;

	for (unsigned int port = 1; port <= 65535; port += 1021) {
		struct wire udp = wire_udp(Y2, ep_port(E5, port));
		struct wire syn = wire_tcp(Y2, ep_port(E5, port), WIRE_SYN);
		struct wire ping = wire_query(8, Y2, E5, port);

		assert_int_equal(lab_in(lab, udp, AT_S(0)).verdict, NAT_REWRITTEN);
		assert_same_endpoint(wire_destination(udp), ep_port(H9, port));
		assert_int_equal(lab_in(lab, syn, AT_S(0)).verdict, NAT_REWRITTEN);
		assert_same_endpoint(wire_destination(syn), ep_port(H9, port));
		assert_int_equal(lab_in(lab, ping, AT_S(0)).verdict, NAT_REWRITTEN);
		assert_same_endpoint(wire_destination(ping), ep_port(H9, port));
		/* and the answers go back as from E5 */
		udp = wire_udp(ep_port(H9, port), Y2);
		assert_int_equal(lab_out(lab, udp, AT_S(0)).verdict, NAT_REWRITTEN);
		assert_same_endpoint(wire_source(udp), ep_port(E5, port));
		ping = wire_query(0, ep_port(H9, port), Y2, port);
		assert_int_equal(lab_out(lab, ping, AT_S(0)).verdict, NAT_REWRITTEN);
		assert_same_endpoint(wire_source(ping), ep_port(E5, port));
	}
}

static void test_rfc3022_static_address_pair_never_ends(void **state)
{
	struct lab *lab = *state;

	for (int t = 0; t < 100000; t += 9999) {
		struct wire w = wire_udp(Y1, ep_port(E5, 80));

		nat_tick(&lab->nat, AT_S(t), 1000);
		assert_int_equal(lab_in(lab, w, AT_S(t)).verdict, NAT_REWRITTEN);
		assert_same_endpoint(wire_destination(w), ep_port(H9, 80));
	}
}

static void test_rfc3022_static_forward_never_ends(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "nat.forwards",
		"tcp:8080=192.168.1.2:80, udp:203.0.113.1:5000-5009=192.168.1.3:6000");
	for (int t = 0; t < 100000; t += 3000) { /* ten times udp.timeout */
		struct wire syn = wire_tcp(ep_port(Y1, 1024 + (unsigned int)t / 3000),
					   ep_port(E1, 8080), WIRE_SYN);
		struct wire udp = wire_udp(Y1, ep_port(E1, 5007)), answer;

		nat_tick(&lab->nat, AT_S(t), 1000);
		assert_int_equal(lab_in(lab, syn, AT_S(t)).verdict, NAT_REWRITTEN);
		assert_same_endpoint(wire_destination(syn), ep("192.168.1.2:80"));
		answer = wire_tcp(ep("192.168.1.2:80"), wire_source(syn), WIRE_SYN | WIRE_ACK);
		assert_int_equal(lab_out(lab, answer, AT_S(t)).verdict, NAT_REWRITTEN);
		assert_same_endpoint(wire_source(answer), ep_port(E1, 8080));
		assert_int_equal(lab_in(lab, udp, AT_S(t)).verdict, NAT_REWRITTEN);
		assert_same_endpoint(wire_destination(udp), ep("192.168.1.3:6007"));
	}
	/* Its neighbours are nobody's. */
	assert_dropped(lab_in(lab, wire_udp(Y1, ep_port(E1, 5010)), AT_S(1)), REASON_NO_MAPPING);
	assert_dropped(lab_in(lab, wire_udp(Y1, ep_port(E1, 4999)), AT_S(1)), REASON_NO_MAPPING);
}

/* No dynamic mapping ever gets such a port. */
static void test_rfc3022_static_ports_are_nobody_elses(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "nat.forwards", "udp:40000-40009=192.168.1.9:40000");
	lab_set(lab, "udp.port-range", "40000-40019");
	lab_set(lab, "udp.ports", "preserve");
	for (unsigned int i = 0; i < 10; i++)
		assert_in_range(lab_open(lab, NAT_UDP, ep_port(H1, 40000 + i), Y1, AT_S(0)).port,
				40010, 40019);
	assert_dropped(lab_out(lab, wire_udp(H2, Y1), AT_S(0)), REASON_PORTS_EXHAUSTED);
}

static void test_rfc3022_static_dmz_host_gets_the_rest(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));

	lab_set(lab, "nat.dmz", "192.168.1.9");
	for (int t = 0; t < 100000; t += 9999) {
		struct wire w = wire_udp(Y2, ep_port(E1, 81));

		nat_tick(&lab->nat, AT_S(t), 1000);
		assert_int_equal(lab_in(lab, w, AT_S(t)).verdict, NAT_REWRITTEN);
		assert_same_endpoint(wire_destination(w), ep_port(H9, 81));
		if (t == 0) /* but not what is another host's */
			assert_true(lab_comes_in(lab, NAT_UDP, Y1, external, H1, AT_S(t)));
	}
}

/* An internal host uses the address that everybody uses. */
static void test_rfc3022_static_forward_is_reached_from_inside_too(void **state)
{
	struct lab *lab = *state;
	struct endpoint server = ep("192.168.1.2:80");
	struct wire w = wire_tcp(H2, ep_port(E1, 8080), WIRE_SYN), answer;

	lab_set(lab, "nat.forwards", "tcp:8080=192.168.1.2:80");
	assert_rewritten(lab_out(lab, w, AT_S(0)), REASON_HAIRPIN);
	assert_same_endpoint(wire_destination(w), server);
	assert_same_endpoint(ep_port(wire_source(w), 0), E1);
	answer = wire_tcp(server, wire_source(w), WIRE_SYN | WIRE_ACK);
	assert_rewritten(lab_out(lab, answer, AT_S(0)), REASON_HAIRPIN);
	assert_same_endpoint(wire_source(answer), ep_port(E1, 8080));
	assert_same_endpoint(wire_destination(answer), H2);
}

static void test_rfc3022_static_address_pair_is_reached_from_inside_too(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p <= NAT_ICMP; p++) {
		struct wire w = lab_request(p, H1, ep_port(E5, 5000));

		assert_rewritten(lab_out(lab, w, AT_S(0)), REASON_HAIRPIN);
		assert_same_endpoint(ep_port(wire_destination(w), 0), ep_port(H9, 0));
		assert_same_endpoint(ep_port(wire_source(w), 0), E1);
	}
}

/* What is taken back lets nobody in any more, though the host went on talking. */
static void test_rfc3022_static_mappings_can_be_taken_back(void **state)
{
	static const char *const knobs[][2] = { { "nat.forwards", "udp:5000=192.168.1.3:5000" },
						{ "nat.one-to-one", "203.0.113.1=192.168.1.3" },
						{ "nat.dmz", "192.168.1.3" } };
	struct lab *lab = *state;
	struct endpoint external = ep_port(E1, 5000);

	for (unsigned int i = 0; i < 3; i++) {
		struct mono now = AT_S(i * 1000), later = AT_S(i * 1000 + 1);

		lab_set(lab, knobs[i][0], knobs[i][1]);
		assert_true(lab_comes_in(lab, NAT_UDP, Y1, external, H2, now));
		assert_int_equal(lab_out(lab, wire_udp(H2, Y1), now).verdict, NAT_REWRITTEN);
		lab_set(lab, knobs[i][0], "none");
		assert_false(lab_comes_in(lab, NAT_UDP, Y2, external, H2, later));
		assert_false(lab_comes_in(lab, NAT_UDP, Y1_Q, external, H2, later));
		assert_int_equal(lab_out(lab, wire_udp(H2, Y1), later).verdict, NAT_REWRITTEN);
		assert_false(lab_comes_in(lab, NAT_UDP, Y2, external, H2, later));
	}
}

/* And what leads elsewhere from now on, leads there. */
static void test_rfc3022_static_mappings_can_be_led_elsewhere(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = ep_port(E1, 5000);

	lab_set(lab, "nat.forwards", "udp:5000=192.168.1.3:5000");
	assert_true(lab_comes_in(lab, NAT_UDP, Y1, external, H2, AT_S(0)));
	assert_int_equal(lab_out(lab, wire_udp(H2, Y1), AT_S(0)).verdict, NAT_REWRITTEN);
	lab_set(lab, "nat.forwards", "udp:5000=192.168.1.2:5000");
	assert_true(lab_comes_in(lab, NAT_UDP, Y2, external, H1, AT_S(1)));
}

/* --- fragments ------------------------------------------------------------------------------ */

/* Two hosts, one ID, one destination, the first fragment last: both datagrams arrive whole. */
static void test_rfc3022_frag_datagrams_of_two_hosts_do_not_mix(void **state)
{
	struct lab *lab = *state;
	struct endpoint x1 = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	struct endpoint x2 = lab_open(lab, NAT_UDP, H2, Y1, AT_S(0));
	struct wire a = fragment_whole(H1, Y1, 4242, 900), b = fragment_whole(H2, Y1, 4242, 900);

	for (unsigned int round = 0; round < 2; round++) {
		struct pile from_a = { 0 }, from_b = { 0 };

		for (size_t i = 0; i < 3; i++) {
			size_t at = (round ? 2 - i : i) * 320;

			fragment_pass(lab, fragment_of(a, at, 320), NAT_INTERNAL, AT_S(1), &from_a);
			fragment_pass(lab, fragment_of(b, at, 320), NAT_INTERNAL, AT_S(1), &from_b);
		}
		assert_int_not_equal(fragment_id(from_a.first), fragment_id(from_b.first));
		assert_same_wire(pile_whole(&from_a),
				 fragment_whole(x1, Y1, fragment_id(from_a.first), 900));
		assert_same_wire(pile_whole(&from_b),
				 fragment_whole(x2, Y1, fragment_id(from_b.first), 900));
	}
}

/* Ports are in the first one alone; the others follow it, and change in their address only. */
static void test_rfc3022_frag_later_fragments_follow_the_first(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	struct wire sent = fragment_whole(Y1, external, 9, 900), piece;
	struct pile pile = { 0 };

	piece = fragment_of(sent, 0, 320);
	assert_rewritten(fragment_pass(lab, piece, NAT_EXTERNAL, AT_S(1), &pile),
			 REASON_TRANSLATED);
	piece = fragment_of(sent, 320, 320);
	assert_rewritten(fragment_pass(lab, piece, NAT_EXTERNAL, AT_S(1), &pile),
			 REASON_FRAGMENT_TRANSLATED);
	assert_memory_equal(piece.at + 20, sent.at + 20 + 320, 320);
	piece = fragment_of(sent, 640, 320);
	assert_rewritten(fragment_pass(lab, piece, NAT_EXTERNAL, AT_S(1), &pile),
			 REASON_FRAGMENT_TRANSLATED);
	assert_same_wire(pile_whole(&pile), fragment_whole(Y1, H1, 9, 900));
}

/* Between H1 and Y1, with some data behind the header. */
static struct wire with_data(enum nat_protocol protocol, struct endpoint from, struct endpoint to,
			     bool request)
{
	unsigned int flags = request ? WIRE_SYN : WIRE_SYN | WIRE_ACK;

	if (protocol == NAT_TCP)
		return wire_tcp_with(from, to,
				     (struct wire_tcp){ .flags = flags, .seq = 9, .payload = 13 });
	return request ? lab_request(protocol, from, to) : lab_probe(protocol, from, to);
}

/* Both ways, for every protocol, and in either order: what arrives is the datagram, translated. */
static void test_rfc3022_frag_datagrams_of_every_protocol_arrive(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p <= NAT_ICMP; p++) {
		struct endpoint external = lab_open(lab, p, H1, Y1, AT_S(0));
		size_t piece = p == NAT_TCP ? 24 : 16;

		for (unsigned int i = 0; i < 4; i++) {
			bool out = i % 2;
			struct wire w = out ? with_data(p, H1, Y1, true)
					    : with_data(p, Y1, external, false);
			struct pile pile = { 0 };
			struct wire got;

			fragment_able(w, i);
			for (size_t k = 0; k < 2; k++)
				fragment_pass(lab, fragment_of(w, (k ^ (i / 2)) * piece, piece),
					      out ? NAT_INTERNAL : NAT_EXTERNAL, AT_S(1), &pile);
			got = pile_whole(&pile);
			assert_int_not_equal(got.len, 0);
			assert_same_endpoint(out ? wire_source(got) : wire_destination(got),
					     out ? external : H1);
			assert_right_sums(got);
		}
	}
}

/* Trap 17: what would be put together otherwise than it was looked at (RFC 1858, RFC 3128). */
static void test_rfc3022_frag_tiny_and_overlapping_ones_are_refused(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_open(lab, NAT_TCP, H1, Y1, AT_S(0));
	struct wire tcp = fragment_able(rfc_answer(NAT_TCP, Y1, external), 1), udp;
	struct pile pile = { 0 };

	/* A first fragment without the flags, and one that would write over them. */
	assert_dropped(fragment_pass(lab, fragment_of(tcp, 0, 8), NAT_EXTERNAL, AT_S(1), &pile),
		       REASON_FRAGMENT_TINY);
	assert_dropped(fragment_pass(lab, fragment_of(tcp, 8, 8), NAT_EXTERNAL, AT_S(1), &pile),
		       REASON_FRAGMENT_TINY);
	assert_int_equal(pile.count, 0);
	external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(2));
	udp = fragment_whole(Y1, external, 2, 900);
	fragment_pass(lab, fragment_of(udp, 0, 320), NAT_EXTERNAL, AT_S(2), &pile);
	fragment_pass(lab, fragment_of(udp, 320, 320), NAT_EXTERNAL, AT_S(2), &pile);
	for (size_t at = 0; at < 640; at += 8)
		assert_dropped(
			fragment_pass(lab, fragment_of(udp, at, 16), NAT_EXTERNAL, AT_S(2), &pile),
			REASON_FRAGMENT_OVERLAP);
	fragment_pass(lab, fragment_of(udp, 640, 320), NAT_EXTERNAL, AT_S(2), &pile);
	assert_int_equal(pile.count, 3);
	assert_same_wire(pile_whole(&pile), fragment_whole(Y1, H1, 2, 900));
}

/* --- checksums ------------------------------------------------------------------------------ */

/* A packet of any size, protocol and content, as a host sends it. */
static struct wire any_packet(struct rng *rng, struct endpoint src, struct endpoint dst)
{
	size_t size = rng_below(rng, 600), options = 4 * rng_below(rng, 11), start;
	struct wire w;

	switch (rng_below(rng, 3)) {
	case 0:
		w = wire_udp_with(src, dst, options, size);
		start = wire_header(w) + WIRE_UDP;
		break;
	case 1:
		w = wire_tcp_with(src, dst,
				  (struct wire_tcp){ .flags = WIRE_SYN,
						     .seq = rng_next(rng),
						     .ack = rng_next(rng),
						     .payload = size,
						     .options = options,
						     .ip_options = 40 - options });
		start = wire_header(w) + WIRE_TCP + options;
		break;
	default:
		w = wire_ping(src, dst);
		start = wire_header(w) + 6; /* from the sequence number on */
		break;
	}
	for (size_t i = start; i < w.len; i++)
		w.at[i] = (uint8_t)(rng_next(rng) & (rng_below(rng, 2) ? 0xff : 0));
	wire_fix(w);
	return w;
}

/* Summed anew on the wire on both sides, for ten thousand packets and the answers to them. */
static void test_rfc3022_ck_checksums_are_right_after_every_rewrite(void **state)
{
	struct lab *lab = *state;
	struct siphash_key key;
	struct rng rng;

	assert_int_equal(rng_key(3022, &key), 0);
	rng_init(&rng, &key);
	for (int i = 0; i < 10000; i++) {
		struct endpoint host = ep_port(H1, 1024 + rng_below(&rng, 50));
		struct wire w = any_packet(&rng, host, Y1), answer;
		enum nat_protocol p = w.at[9] == 6 ? NAT_TCP : w.at[9] == 17 ? NAT_UDP : NAT_ICMP;

		assert_int_equal(lab_out(lab, w, AT_S(i / 100)).verdict, NAT_REWRITTEN);
		assert_right_sums(w);
		answer = rfc_answer(p, Y1, wire_source(w));
		assert_rewritten(lab_in(lab, answer, AT_S(i / 100)), REASON_TRANSLATED);
		assert_same_endpoint(wire_destination(answer), host);
		assert_right_sums(answer);
	}
}

/* Trap 5: nothing is laundered. lab_out() sees to it that the packet stays as wrong as it was. */
static void test_rfc3022_ck_a_wrong_checksum_stays_wrong(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p <= NAT_ICMP; p++) {
		for (unsigned int wrong = 1; wrong < 0xffff; wrong += 0x0fed) {
			struct wire w = lab_request(p, H1, Y1);
			uint32_t sum = wire_get16(wire_check(w)) + wrong;

			wire_put16(wire_check(w), (sum & 0xffff) + (sum >> 16));
			if (wire_get16(wire_check(w)) == 0)
				continue; /* which for UDP means none */
			assert_int_not_equal(wire_transport_error(w), 0);
			assert_int_equal(lab_out(lab, w, AT_S(0)).verdict, NAT_REWRITTEN);
			assert_int_not_equal(wire_transport_error(w), 0);
		}
	}
}

static void test_rfc3022_udp0_stays_0_both_ways(void **state)
{
	struct lab *lab = *state;
	struct wire w = wire_udp(H1, Y1), answer;

	wire_put16(wire_check(w), 0);
	assert_rewritten(lab_out(lab, w, AT_S(0)), REASON_MAPPING_CREATED);
	assert_int_equal(wire_get16(wire_check(w)), 0);
	answer = wire_udp(Y1, wire_source(w));
	wire_put16(wire_check(answer), 0);
	assert_rewritten(lab_in(lab, answer, AT_S(1)), REASON_TRANSLATED);
	assert_int_equal(wire_get16(wire_check(answer)), 0);
}

static void test_rfc3022_udp0_stays_0_in_a_quote(void **state)
{
	struct lab *lab = *state;
	struct wire w = wire_udp(H1, Y1), error;
	struct rfc_flow f;

	wire_put16(wire_check(w), 0);
	f = rfc_send(lab, w, AT_S(0));
	error = wire_error(3, 3, Y1, f.external, f.outside);
	assert_rewritten(lab_in(lab, error, AT_S(1)), REASON_ICMP_ERROR_TRANSLATED);
	assert_same_wire(wire_quote(error), f.inside);
	assert_int_equal(wire_get16(wire_check(wire_quote(error))), 0);
}

/* --- ICMP ----------------------------------------------------------------------------------- */

static void test_rfc3022_icmpq_only_identifier_and_checksum_change(void **state)
{
	struct lab *lab = *state;
	struct rfc_flow f = rfc_open(lab, NAT_ICMP, AT_S(0));
	struct wire reply, before;
	size_t length = f.outside.len - 20;

	assert_int_not_equal(f.external.port, H1.port);
	assert_right_sums(f.outside);
	/* Type and code, then everything from the sequence number on. */
	assert_memory_equal(f.outside.at + 20, f.inside.at + 20, 2);
	assert_memory_equal(f.outside.at + 26, f.inside.at + 26, length - 6);
	reply = wire_pong(Y1, f.external);
	before = wire_copy(reply);
	assert_rewritten(lab_in(lab, reply, AT_S(1)), REASON_TRANSLATED);
	assert_same_endpoint(wire_destination(reply), H1);
	assert_right_sums(reply);
	assert_memory_equal(reply.at + 20, before.at + 20, 2);
	assert_memory_equal(reply.at + 26, before.at + 26, length - 6);
}

/* The ICMP checksum covers no address: with the identifier kept, it is the same on both sides. */
static void test_rfc3022_icmpq_checksum_knows_no_address(void **state)
{
	struct lab *lab = *state;
	struct rfc_flow f;

	lab_set(lab, "icmp.ports", "preserve");
	f = rfc_open(lab, NAT_ICMP, AT_S(0));
	assert_int_equal(f.external.port, H1.port);
	assert_memory_equal(f.outside.at + 20, f.inside.at + 20, f.outside.len - 20);
}

static void test_rfc3022_icmpe_host_sees_its_own_packet_quoted(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p <= NAT_ICMP; p++) {
		struct rfc_flow f = rfc_open(lab, p, AT_S(0));
		struct wire w = wire_error(3, 3, Y1, f.external, f.outside);

		assert_rewritten(lab_in(lab, w, AT_S(1)), REASON_ICMP_ERROR_TRANSLATED);
		assert_same_endpoint(wire_source(w), ep_port(Y1, 0));
		assert_same_endpoint(wire_destination(w), ep_port(H1, 0));
		assert_same_wire(wire_quote(w), f.inside);
		assert_right_sums(w);
	}
}

static void test_rfc3022_icmpe_remote_host_sees_its_own_packet_quoted(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p <= NAT_ICMP; p++) {
		struct rfc_flow f = rfc_open(lab, p, AT_S(0));
		struct wire answer = rfc_answer(p, Y1, f.external), sent = wire_copy(answer), w;

		assert_rewritten(lab_in(lab, answer, AT_S(1)), REASON_TRANSLATED);
		w = wire_error(3, 3, H1, Y1, answer);
		assert_rewritten(lab_out(lab, w, AT_S(2)), REASON_ICMP_ERROR_TRANSLATED);
		assert_same_endpoint(wire_source(w), E1);
		assert_same_wire(wire_quote(w), sent);
		assert_right_sums(w);
	}
}

/* A box that eats ICMP: path MTU discovery ends here. */
static void test_rfc3022_icmpe_no_errors_at_all_is_a_knob(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "icmp.errors", "drop");
	for (enum nat_protocol p = NAT_UDP; p <= NAT_ICMP; p++) {
		struct rfc_flow f = rfc_open(lab, p, AT_S(0));
		struct wire answer = rfc_answer(p, Y1, f.external);

		lab_in(lab, answer, AT_S(0));
		assert_dropped(
			lab_in(lab, wire_error(3, 4, ROUTER, f.external, f.outside), AT_S(1)),
			REASON_ICMP_ERRORS_OFF);
		assert_dropped(lab_out(lab, wire_error(3, 3, H1, Y1, answer), AT_S(1)),
			       REASON_ICMP_ERRORS_OFF);
	}
}

/* --- the end of a connection ---------------------------------------------------------------- */

/* Connected, and closed from both sides: the last ACK, from H1, is yet to come. */
static struct endpoint closed_but_for_the_last_ack(struct lab *lab)
{
	struct endpoint external = lab_open(lab, NAT_TCP, H1, Y1, AT_S(0));

	lab_in(lab, wire_tcp(Y1, external, WIRE_SYN | WIRE_ACK), AT_S(1));
	lab_out(lab, wire_tcp(H1, Y1, WIRE_ACK), AT_S(1));
	lab_out(lab, wire_tcp(H1, Y1, WIRE_FIN | WIRE_ACK), AT_S(2));
	lab_in(lab, wire_tcp(Y1, external, WIRE_FIN | WIRE_ACK), AT_S(3));
	return external;
}

static void test_rfc3022_tcpend_retransmitted_fin_is_translated(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = closed_but_for_the_last_ack(lab);
	struct wire w = wire_tcp(H1, Y1, WIRE_ACK);

	lab_out(lab, wire_tcp(H1, Y1, WIRE_ACK), AT_S(4)); /* and is lost */
	for (int t = 5; t < 200; t += 30) {
		struct wire fin = wire_tcp(Y1, external, WIRE_FIN | WIRE_ACK);

		assert_rewritten(lab_in(lab, fin, AT_S(t)), REASON_TRANSLATED);
		assert_same_endpoint(wire_destination(fin), H1);
	}
	assert_rewritten(lab_out(lab, w, AT_S(200)), REASON_TRANSLATED);
	assert_same_endpoint(wire_source(w), external);
}

static void test_rfc3022_tcpend_reset_does_not_free_the_mapping(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = closed_but_for_the_last_ack(lab);
	struct wire w = wire_tcp(Y1, external, WIRE_RST);

	assert_rewritten(lab_in(lab, w, AT_S(4)), REASON_TRANSLATED);
	assert_rewritten(lab_in(lab, wire_tcp(Y1, external, WIRE_RST), AT_S(5)), REASON_TRANSLATED);
	assert_int_equal(lab->nat.mappings.arena.live, 1);
}

static void test_rfc3022_tcpend_mapping_is_freed_when_the_closing_timer_ends(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = closed_but_for_the_last_ack(lab);

	assert_dropped(lab_in(lab, wire_tcp(Y1, external, WIRE_FIN | WIRE_ACK), AT_S(3 + 240)),
		       REASON_NO_MAPPING);
	assert_int_equal(lab->nat.mappings.arena.live, 0);
}

/* Boxes that are quicker about it, each with a knob. */
static void test_rfc3022_tcpend_how_long_it_stays_are_knobs(void **state)
{
	struct lab *lab = *state;
	struct endpoint external;

	lab_set(lab, "tcp.timeout-closing", "5s");
	external = closed_but_for_the_last_ack(lab);
	assert_rewritten(lab_in(lab, wire_tcp(Y1, external, WIRE_FIN | WIRE_ACK), AT_MS(7999)),
			 REASON_TRANSLATED);
	nat_tick(&lab->nat, AT_S(1000), 100);
	assert_int_equal(lab->nat.mappings.arena.live, 0);
	lab_set(lab, "tcp.timeout-reset", "2s");
	external = lab_open(lab, NAT_TCP, H1, Y1, AT_S(2000));
	lab_in(lab, wire_tcp(Y1, external, WIRE_SYN | WIRE_ACK), AT_S(2000));
	lab_in(lab,
	       wire_tcp_with(Y1, external,
			     (struct wire_tcp){ .flags = WIRE_RST | WIRE_ACK, .ack = 1001 }),
	       AT_S(2001));
	nat_tick(&lab->nat, AT_MS(2002999), 100);
	assert_int_equal(lab->nat.mappings.arena.live, 1);
	nat_tick(&lab->nat, AT_S(2003), 100);
	assert_int_equal(lab->nat.mappings.arena.live, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		lab_test(test_rfc3022_napt_two_hosts_with_one_port_share_an_address),
		lab_test(test_rfc3022_dir_nothing_comes_in_unasked),
		lab_test(test_rfc3022_dir_what_comes_unasked_is_refused_by_knob),
		lab_test(test_rfc3022_dir_what_comes_unasked_is_the_routers_by_knob),
		pair_test(test_rfc3022_basic_an_address_for_an_address),
		pair_test(test_rfc3022_basic_outside_may_begin_on_any_port),
		pair_test(test_rfc3022_static_address_pair_never_ends),
		lab_test(test_rfc3022_static_forward_never_ends),
		lab_test(test_rfc3022_static_ports_are_nobody_elses),
		lab_test(test_rfc3022_static_dmz_host_gets_the_rest),
		lab_test(test_rfc3022_static_forward_is_reached_from_inside_too),
		pair_test(test_rfc3022_static_address_pair_is_reached_from_inside_too),
		lab_test(test_rfc3022_static_mappings_can_be_taken_back),
		lab_test(test_rfc3022_static_mappings_can_be_led_elsewhere),
		lab_test(test_rfc3022_frag_datagrams_of_two_hosts_do_not_mix),
		lab_test(test_rfc3022_frag_later_fragments_follow_the_first),
		lab_test(test_rfc3022_frag_datagrams_of_every_protocol_arrive),
		lab_test(test_rfc3022_frag_tiny_and_overlapping_ones_are_refused),
		lab_test(test_rfc3022_ck_checksums_are_right_after_every_rewrite),
		lab_test(test_rfc3022_ck_a_wrong_checksum_stays_wrong),
		lab_test(test_rfc3022_udp0_stays_0_both_ways),
		lab_test(test_rfc3022_udp0_stays_0_in_a_quote),
		lab_test(test_rfc3022_icmpq_only_identifier_and_checksum_change),
		lab_test(test_rfc3022_icmpq_checksum_knows_no_address),
		lab_test(test_rfc3022_icmpe_host_sees_its_own_packet_quoted),
		lab_test(test_rfc3022_icmpe_remote_host_sees_its_own_packet_quoted),
		lab_test(test_rfc3022_icmpe_no_errors_at_all_is_a_knob),
		lab_test(test_rfc3022_tcpend_retransmitted_fin_is_translated),
		lab_test(test_rfc3022_tcpend_reset_does_not_free_the_mapping),
		lab_test(test_rfc3022_tcpend_mapping_is_freed_when_the_closing_timer_ends),
		lab_test(test_rfc3022_tcpend_how_long_it_stays_are_knobs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
