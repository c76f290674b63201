/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/lab.h"

static struct packet view(struct wire w)
{
	struct packet p;

	packet_init(&p, w.at, w.len, w.len, false);
	return p;
}

static struct packet parsed(struct wire w)
{
	struct packet p = view(w);

	assert_int_equal(packet_parse(&p), PACKET_OK);
	return p;
}

static enum packet_error parse_error(struct wire w)
{
	struct packet p = view(w);

	return packet_parse(&p);
}

static int free_wires(void **state)
{
	(void)state;
	wire_free_all();
	return 0;
}

/* --- taking apart --------------------------------------------------------------------------- */

static void test_udp_is_taken_apart(void **state)
{
	struct wire w = wire_udp_with(H1, Y1, 0, 13);
	struct packet p = parsed(w);

	(void)state;
	assert_endpoint(p.source, "192.168.1.2:5000");
	assert_endpoint(p.destination, "203.0.113.10:7000");
	assert_int_equal(p.protocol, PACKET_UDP);
	assert_int_equal(p.length, 41);
	assert_int_equal(p.transport, 20);
	assert_false(p.changed);
	assert_false(p.fragment);
	assert_false(packet_is_icmp_query(&p));
	assert_false(packet_is_icmp_error(&p));
}

static void test_tcp_is_taken_apart(void **state)
{
	struct wire w = wire_tcp_with(H1, Y1,
				      (struct wire_tcp){ .flags = WIRE_SYN | WIRE_ACK | WIRE_FIN,
							 .seq = 0x80000001,
							 .ack = 0xfffffffe,
							 .payload = 11,
							 .options = 12,
							 .ip_options = 8 });
	struct packet p = parsed(w);

	(void)state;
	assert_endpoint(p.source, "192.168.1.2:5000");
	assert_endpoint(p.destination, "203.0.113.10:7000");
	assert_int_equal(p.transport, 28);
	assert_int_equal(p.tcp_flags, PACKET_TCP_SYN | PACKET_TCP_ACK | PACKET_TCP_FIN);
	assert_int_equal(p.tcp_sequence, 0x80000001);
	assert_int_equal(p.tcp_acknowledgment, 0xfffffffe);
	assert_int_equal(p.tcp_payload, 11);
}

static void test_icmp_kinds_are_told_apart(void **state)
{
	(void)state;
	for (unsigned int type = 0; type < 256; type++) {
		struct packet p = parsed(wire_query(type, H1, Y1, 77));
		bool request = type == 8 || type == 13 || type == 15 || type == 17;
		bool reply = type == 0 || type == 14 || type == 16 || type == 18;
		bool query = request || reply;

		assert_int_equal(packet_is_icmp_request(&p), request);
		assert_int_equal(packet_is_icmp_query(&p), query);
		assert_int_equal(packet_is_icmp_error(&p), type == 3 || type == 11 || type == 12);
		assert_int_equal(p.icmp_type, type);
		assert_int_equal(p.source.port, query ? 77 : 0);
		assert_int_equal(p.destination.port, query ? 77 : 0);
	}
}

static void test_tcp_ports_never_make_it_an_icmp_query(void **state)
{
	struct packet p = parsed(wire_tcp(H1, Y1, WIRE_SYN));

	(void)state;
	assert_false(packet_is_icmp_query(&p));
	assert_false(packet_is_icmp_request(&p));
	assert_false(packet_is_icmp_error(&p));
}

static void test_packet_cut_by_the_kernel_is_refused(void **state)
{
	struct wire w = wire_udp(H1, Y1);
	struct packet p;

	(void)state;
	packet_init(&p, w.at, w.len, w.len + 1, false);
	assert_int_equal(packet_parse(&p), PACKET_CUT);
	packet_init(&p, w.at, w.len, w.len, false);
	assert_int_equal(packet_parse(&p), PACKET_OK);
}

static void test_link_padding_is_no_part_of_the_packet(void **state)
{
	struct wire w = wire_udp_with(H1, Y1, 0, 2), padded = wire_take(46);
	struct packet p;

	(void)state;
	memcpy(padded.at, w.at, w.len);
	memset(padded.at + w.len, 0xee, padded.len - w.len);
	p = parsed(padded);
	assert_int_equal(p.length, 30);
	assert_int_equal(p.captured, 46);
	packet_set_source(&p, &(struct endpoint){ .addr = E1.addr, .port = 40000 });
	packet_finish(&p);
	assert_int_equal(wire_ip_error(padded), 0);
	assert_int_equal(wire_transport_error(padded), 0);
	for (size_t i = w.len; i < padded.len; i++)
		assert_int_equal(padded.at[i], 0xee);
}

static void test_ip_version_other_than_4_is_refused(void **state)
{
	(void)state;
	for (unsigned int version = 0; version < 16; version++) {
		struct wire w = wire_udp(H1, Y1);

		w.at[0] = (uint8_t)(version << 4 | 5);
		assert_int_equal(parse_error(w), version == 4 ? PACKET_OK : PACKET_NOT_IPV4);
	}
}

static void test_ip_header_length_that_lies_is_refused(void **state)
{
	(void)state;
	for (unsigned int words = 0; words < 16; words++) {
		struct wire w = wire_udp_with(H1, Y1, 0, 8); /* 36 bytes: 9 words */
		enum packet_error wanted = PACKET_OK;

		w.at[0] = (uint8_t)(0x40 | words);
		if (words < 5 || words > 9)
			wanted = PACKET_NO_IP_HEADER;
		else if (words > 7) /* less than 8 bytes are left */
			wanted = PACKET_SHORT_TRANSPORT;
		else if (words > 5) /* the payload reads as a UDP length */
			wanted = PACKET_BAD_TRANSPORT_LENGTH;
		assert_int_equal(parse_error(w), wanted);
	}
}

static void test_total_length_that_lies_is_refused(void **state)
{
	(void)state;
	for (unsigned int total = 0; total <= 0xffff; total++) {
		struct wire w = wire_udp_with(H1, Y1, 4, 5);
		enum packet_error wanted = PACKET_BAD_TRANSPORT_LENGTH, err;

		wire_put16(w.at + 2, total);
		if (total < 24 || total > w.len)
			wanted = PACKET_BAD_TOTAL_LENGTH;
		else if (total < 32)
			wanted = PACKET_SHORT_TRANSPORT;
		else if (total == w.len)
			wanted = PACKET_OK;
		err = parse_error(w);
		wire_free_all();
		if (err != wanted)
			fail_msg("total length %u: %d, wanted %d", total, err, wanted);
	}
}

static void test_tcp_data_offset_that_lies_is_refused(void **state)
{
	(void)state;
	for (unsigned int words = 0; words < 16; words++) {
		struct wire w = wire_tcp_with(H1, Y1, (struct wire_tcp){ .payload = 12 });
		struct packet p;

		w.at[20 + 12] = (uint8_t)(words << 4);
		p = view(w);
		if (words < 5 || words > 8) {
			assert_int_equal(packet_parse(&p), PACKET_BAD_TRANSPORT_LENGTH);
		} else {
			assert_int_equal(packet_parse(&p), PACKET_OK);
			assert_int_equal(p.tcp_payload, 32 - words * 4);
		}
	}
}

static void test_udp_length_that_lies_is_refused(void **state)
{
	(void)state;
	for (unsigned int length = 0; length <= 40; length++) {
		struct wire w = wire_udp_with(H1, Y1, 0, 12);

		wire_put16(w.at + 20 + 4, length);
		assert_int_equal(parse_error(w), length < 8 || length > 20
							 ? PACKET_BAD_TRANSPORT_LENGTH
							 : PACKET_OK);
	}
}

/* Every kind of packet cut at every length, the memory ending there: nothing reads past it. */
static void each_cut(struct wire whole, bool fix_length)
{
	for (size_t len = 0; len <= whole.len; len++) {
		struct wire w = wire_cut(whole, len);
		struct endpoint to = ep("203.0.113.1:40000");
		struct packet p, inner;
		enum packet_error err;

		if (fix_length && len >= 4)
			wire_put16(w.at + 2, (unsigned int)len);
		p = view(w);
		err = packet_parse(&p);
		if (!fix_length && len < whole.len)
			assert_int_not_equal(err, PACKET_OK);
		if (len < 20)
			assert_int_equal(err, PACKET_NO_IP_HEADER);
		if (err != PACKET_OK)
			continue;
		packet_ip_checksum_ok(&p);
		packet_icmp_checksum_ok(&p);
		if (packet_is_icmp_error(&p) && packet_open_quote(&p, &inner) == PACKET_OK) {
			packet_set_source(&inner, &to);
			packet_set_destination(&inner, &to);
			packet_close_quote(&p, &inner);
		}
		packet_set_source(&p, &to);
		packet_set_destination(&p, &to);
		p.partial = true;
		packet_finish(&p);
		assert_int_equal(p.length, len);
	}
}

static void test_cut_at_every_length_is_refused_without_overread(void **state)
{
	struct wire about_udp = wire_udp_with(H1, Y1, 8, 20);
	struct wire about_tcp = wire_tcp_with(H1, Y1, (struct wire_tcp){ .options = 20 });
	struct wire shapes[] = {
		wire_udp_with(H1, Y1, 0, 9),
		wire_udp_with(H1, Y1, 40, 9),
		wire_tcp_with(H1, Y1, (struct wire_tcp){ .payload = 5, .options = 40 }),
		wire_tcp_with(H1, Y1, (struct wire_tcp){ .ip_options = 12 }),
		wire_ping(H1, Y1),
		wire_error(3, 3, Y1, E1, about_udp),
		wire_error(11, 0, Y1, E1, about_tcp),
		wire_error(12, 0, Y1, E1, wire_ping(H1, Y1)),
		wire_error(3, 1, Y1, E1, wire_error(3, 3, Y1, E1, about_udp)),
		wire_ip(132, H1, Y1, 8, 30),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		each_cut(shapes[i], false);
		each_cut(shapes[i], true);
	}
}

static void test_options_with_addresses_are_found(void **state)
{
	static const uint8_t holders[] = { 7, 68, 131, 137 };
	struct wire w;

	(void)state;
	for (size_t i = 0; i < sizeof(holders); i++) {
		w = wire_udp_with(H1, Y1, 8, 0); /* first, after NOPs, after another option */
		w.at[20] = holders[i];
		w.at[21] = 7;
		assert_true(parsed(w).address_options);
		w = wire_udp_with(H1, Y1, 12, 0);
		w.at[24] = holders[i];
		w.at[25] = 7;
		assert_true(parsed(w).address_options);
		w = wire_udp_with(H1, Y1, 12, 0);
		memcpy(w.at + 20, (uint8_t[]){ 148, 4, 0, 0, holders[i], 7 }, 6);
		assert_true(parsed(w).address_options);
	}
}

static void test_options_without_addresses_are_let_be(void **state)
{
	struct wire w = wire_udp_with(H1, Y1, 40, 0);

	(void)state;
	assert_false(parsed(w).address_options); /* no-operation only */
	w = wire_udp_with(H1, Y1, 4, 0);
	memcpy(w.at + 20, (uint8_t[]){ 148, 4, 0, 0 }, 4); /* router alert */
	assert_false(parsed(w).address_options);
	w = wire_udp_with(H1, Y1, 8, 0); /* behind the end of the list nothing counts */
	memcpy(w.at + 20, (uint8_t[]){ 0, 7, 7, 4, 7, 7, 7, 7 }, 8);
	assert_false(parsed(w).address_options);
	w = wire_udp_with(H1, Y1, 8, 0); /* the 7 is data of the option before */
	memcpy(w.at + 20, (uint8_t[]){ 148, 4, 7, 7, 1, 1, 1, 1 }, 8);
	assert_false(parsed(w).address_options);
}

static void test_option_length_that_lies_ends_the_walk(void **state)
{
	(void)state;
	for (unsigned int length = 0; length < 256; length++) {
		struct wire w = wire_udp_with(H1, Y1, 8, 0);

		w.at[20] = 148;
		w.at[21] = (uint8_t)length;
		w.at[27] = 148; /* its length would lie behind the header */
		assert_int_equal(parse_error(w), PACKET_OK);
		assert_false(parsed(w).address_options);
	}
}

static void test_fragments_are_told_apart(void **state)
{
	struct wire w = wire_udp_with(H1, Y1, 0, 40);
	struct packet p;

	(void)state;
	wire_put16(w.at + 6, 0x2000); /* more to come, offset 0 */
	p = parsed(w);
	assert_true(p.fragment);
	assert_true(p.fragment_first);
	assert_int_equal(p.source.port, 5000);
	wire_put16(w.at + 6, 0x2001);
	p = parsed(w);
	assert_true(p.fragment);
	assert_false(p.fragment_first);
	assert_int_equal(p.source.port, 0);
	wire_put16(w.at + 6, 0x1fff); /* the last one */
	p = parsed(w);
	assert_true(p.fragment);
	assert_false(p.fragment_first);
	wire_put16(w.at + 6, 0xc000); /* don't fragment, and the reserved bit: a whole packet */
	assert_false(parsed(w).fragment);
}

static void test_later_fragment_gets_a_new_address_and_nothing_else(void **state)
{
	struct wire w = wire_udp_with(H1, Y1, 0, 40), before;
	struct endpoint to = ep("203.0.113.1:40000");
	struct packet p;

	(void)state;
	wire_put16(w.at + 6, 0x2001);
	wire_fix(w);
	before = wire_copy(w);
	p = parsed(w);
	packet_set_source(&p, &to);
	assert_int_equal(wire_ip_error(w), 0);
	assert_int_equal(wire_get32(w.at + 12), addr_ip4(&to.addr));
	assert_memory_equal(w.at + 20, before.at + 20, w.len - 20);
}

/* --- rewriting ------------------------------------------------------------------------------ */

/* A repeatable stream for the tests below. */
static uint32_t draw(struct rng *rng, uint32_t bound)
{
	return rng_below(rng, bound);
}

static struct rng stream(uint64_t seed)
{
	struct siphash_key key;
	struct rng rng;

	assert_int_equal(rng_key(seed, &key), 0);
	rng_init(&rng, &key);
	return rng;
}

static struct endpoint any_endpoint(struct rng *rng)
{
	/* Often the values at the ends, where the sums wrap. */
	static const uint32_t edges[] = { 0, 1, 0xffff, 0xffff0000, 0xffffffff, 0xfffeffff };
	static const uint16_t ports[] = { 0, 1, 0xffff, 0xfffe, 0x8000 };
	uint32_t address = draw(rng, 3) == 0 ? edges[draw(rng, 6)] : rng_next(rng);
	uint16_t port = draw(rng, 3) == 0 ? ports[draw(rng, 5)] : (uint16_t)rng_next(rng);

	return (struct endpoint){ .addr = addr_from_ip4(address), .port = port };
}

static struct wire any_packet(struct rng *rng)
{
	struct endpoint a = any_endpoint(rng), b = any_endpoint(rng);
	size_t payload = draw(rng, 70), options = 4 * draw(rng, 4);

	switch (draw(rng, 3)) {
	case 0:
		return wire_udp_with(a, b, options, payload);
	case 1:
		return wire_tcp_with(a, b,
				     (struct wire_tcp){ .flags = draw(rng, 256),
							.seq = rng_next(rng),
							.payload = payload,
							.ip_options = options });
	default:
		return wire_query(8, a, b, a.port);
	}
}

static void rewrite_source(struct wire w, struct endpoint to)
{
	struct packet p = parsed(w);

	packet_set_source(&p, &to);
	packet_finish(&p);
	assert_true(p.changed);
	assert_same_endpoint(p.source, wire_source(w));
}

static void rewrite_destination(struct wire w, struct endpoint to)
{
	struct packet p = parsed(w);

	packet_set_destination(&p, &to);
	packet_finish(&p);
	assert_true(p.changed);
	assert_same_endpoint(p.destination, wire_destination(w));
}

/* The view says what the bytes say: a query's identifier is one for both ends. */
static void test_view_follows_every_rewrite(void **state)
{
	struct wire shapes[] = { wire_udp(H1, Y1), wire_tcp(H1, Y1, WIRE_SYN), wire_ping(H1, Y1) };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct endpoint a = ep("203.0.113.1:40000"), b = ep("198.51.100.9:50000");
		struct packet p = parsed(shapes[i]);

		packet_set_source(&p, &a);
		assert_same_endpoint(p.source, wire_source(shapes[i]));
		assert_same_endpoint(p.destination, wire_destination(shapes[i]));
		packet_set_destination(&p, &b);
		assert_same_endpoint(p.source, wire_source(shapes[i]));
		assert_same_endpoint(p.destination, wire_destination(shapes[i]));
	}
}

static void test_rfc3022_ck_random_rewrites_keep_every_checksum_right(void **state)
{
	struct rng rng = stream(3022);

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct wire w = any_packet(&rng), before = wire_copy(w);
		struct endpoint to = any_endpoint(&rng);
		bool source = draw(&rng, 2) == 0;

		(source ? rewrite_source : rewrite_destination)(w, to);
		assert_int_equal(wire_ip_error(w), 0);
		assert_int_equal(wire_transport_error(w), 0);
		assert_same_endpoint(source ? wire_source(w) : wire_destination(w), to);
		if (w.at[9] != 1)
			assert_same_endpoint(source ? wire_destination(w) : wire_source(w),
					     source ? wire_destination(before)
						    : wire_source(before));
		wire_free_all();
	}
}

/* Trap 5: a packet that was damaged on its way must not arrive looking whole. */
static void test_wrong_checksums_stay_wrong_by_the_same_amount(void **state)
{
	struct rng rng = stream(1624);

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct wire w = any_packet(&rng);
		unsigned int ip_error, transport_error;
		bool none;

		w.at[10] = (uint8_t)draw(&rng, 256);
		w.at[11] = (uint8_t)draw(&rng, 256);
		wire_put16(wire_check(w), draw(&rng, 65536));
		none = w.at[9] == 17 && wire_get16(wire_check(w)) == 0;
		ip_error = wire_ip_error(w);
		transport_error = wire_transport_error(w);
		rewrite_source(w, any_endpoint(&rng));
		rewrite_destination(w, any_endpoint(&rng));
		assert_int_equal(wire_ip_error(w), ip_error);
		if (none)
			assert_int_equal(wire_get16(wire_check(w)), 0);
		else
			assert_int_equal(wire_transport_error(w), transport_error);
		wire_free_all();
	}
}

static void test_rfc1624_udp0_no_checksum_stays_none(void **state)
{
	struct wire w = wire_udp(H1, Y1);

	(void)state;
	wire_put16(wire_check(w), 0);
	rewrite_source(w, ep("203.0.113.1:40000"));
	assert_int_equal(wire_get16(wire_check(w)), 0);
	rewrite_destination(w, ep("198.51.100.9:1"));
	assert_int_equal(wire_get16(wire_check(w)), 0);
	assert_int_equal(wire_ip_error(w), 0);
}

/* Among all ports one makes the sum come out as zero: that one is sent as 0xffff. */
static void test_rfc1624_udp_result_zero_is_sent_as_ffff(void **state)
{
	unsigned int found = 0;

	(void)state;
	for (unsigned int port = 0; port <= 0xffff; port++) {
		struct wire w = wire_udp(H1, Y1);

		rewrite_source(w, ep_port(E1, port));
		assert_int_not_equal(wire_get16(wire_check(w)), 0);
		found += wire_get16(wire_check(w)) == 0xffff;
		wire_free_all();
	}
	assert_int_equal(found, 1);
}

static void test_rfc1624_udp_ffff_survives_an_update_that_changes_nothing(void **state)
{
	struct wire w = wire_udp(H1, Y1), before;

	(void)state;
	/* A port that makes the right checksum 0xffff: what is missing goes into the port. */
	wire_put16(w.at + 20, 0);
	wire_fix(w);
	wire_put16(w.at + 20, wire_get16(wire_check(w)));
	wire_fix(w);
	assert_int_equal(wire_get16(wire_check(w)), 0xffff);
	before = wire_copy(w);
	rewrite_source(w, wire_source(w));
	rewrite_destination(w, wire_destination(w));
	assert_memory_equal(w.at, before.at, w.len);
}

static void test_rfc1624_tcp_result_zero_is_sent_as_zero(void **state)
{
	unsigned int zero = 0;

	(void)state;
	for (unsigned int port = 0; port <= 0xffff; port++) {
		struct wire w = wire_tcp(H1, Y1, WIRE_SYN);

		rewrite_source(w, ep_port(E1, port));
		zero += wire_get16(wire_check(w)) == 0;
		assert_int_not_equal(wire_get16(wire_check(w)), 0xffff);
		wire_free_all();
	}
	assert_int_equal(zero, 1);
}

/* Trap 4: an Echo Reply that is all zero once its identifier is 0. */
static void test_rfc1624_zero_all_zero_echo_reply_gets_ffff(void **state)
{
	struct wire w = wire_ip(1, Y1, E1, 0, WIRE_ICMP + 21);

	(void)state;
	wire_put16(w.at + 24, 40000);
	wire_fix(w);
	rewrite_destination(w, ep("192.168.1.2:0"));
	assert_int_equal(wire_get16(wire_check(w)), 0xffff);
	assert_int_equal(wire_sum(0, w.at + 20, w.len - 20), 0xffff);
	/* and back again */
	rewrite_destination(w, ep("192.168.1.2:40000"));
	assert_int_equal(wire_transport_error(w), 0);
	assert_int_equal(wire_sum(0, w.at + 20, w.len - 20), 0xffff);
}

static void test_rfc1624_zero_all_zero_echo_reply_survives_an_unchanged_identifier(void **state)
{
	struct wire w = wire_ip(1, Y1, E1, 0, WIRE_ICMP + 4);

	(void)state;
	wire_fix(w);
	assert_int_equal(wire_get16(wire_check(w)), 0xffff);
	rewrite_destination(w, ep("192.168.1.2:0"));
	assert_int_equal(wire_get16(wire_check(w)), 0xffff);
}

static void test_all_zero_echo_reply_with_a_wrong_checksum_stays_wrong(void **state)
{
	struct wire w = wire_ip(1, Y1, E1, 0, WIRE_ICMP + 4);

	(void)state;
	wire_put16(w.at + 24, 40000);
	wire_fix(w);
	w.at[23] ^= 1;
	assert_int_not_equal(wire_transport_error(w), 0);
	rewrite_destination(w, ep("192.168.1.2:0"));
	assert_int_not_equal(wire_transport_error(w), 0);
}

/* --- partial checksums ---------------------------------------------------------------------- */

/* As a sender with checksum offload leaves it: the pseudo-header's sum, not complemented. */
static void make_partial(struct wire w)
{
	wire_put16(wire_check(w), wire_pseudo(w, wire_transport_length(w)));
}

static void rewrite_partial(struct wire w, struct endpoint to)
{
	struct packet p;

	packet_init(&p, w.at, w.len, w.len, true);
	assert_int_equal(packet_parse(&p), PACKET_OK);
	packet_set_source(&p, &to);
	packet_set_destination(&p, &to);
	packet_finish(&p);
	assert_false(p.partial);
}

static void test_partial_checksum_is_completed_when_the_packet_changes(void **state)
{
	struct rng rng = stream(33);

	(void)state;
	for (int i = 0; i < 5000; i++) {
		struct endpoint a = any_endpoint(&rng), b = any_endpoint(&rng);
		size_t payload = draw(&rng, 1500), options = 4 * draw(&rng, 3);
		struct wire w = draw(&rng, 2) == 0
					? wire_udp_with(a, b, options, payload)
					: wire_tcp_with(a, b,
							(struct wire_tcp){ .payload = payload,
									   .ip_options = options });

		make_partial(w);
		rewrite_partial(w, any_endpoint(&rng));
		assert_int_equal(wire_ip_error(w), 0);
		assert_int_equal(wire_transport_error(w), 0);
		if (w.at[9] == 17)
			assert_int_not_equal(wire_get16(wire_check(w)), 0);
		wire_free_all();
	}
}

static void test_partial_super_packet_of_64k_is_completed(void **state)
{
	struct wire w = wire_tcp_with(H1, Y1, (struct wire_tcp){ .payload = 65535 - 40 });

	(void)state;
	make_partial(w);
	rewrite_partial(w, ep("203.0.113.1:40000"));
	assert_int_equal(wire_transport_error(w), 0);
}

static void test_partial_udp_result_zero_is_sent_as_ffff(void **state)
{
	unsigned int found = 0;

	(void)state;
	for (unsigned int port = 0; port <= 0xffff; port++) {
		struct wire w = wire_udp(H1, Y1);
		struct packet p;
		struct endpoint to = ep_port(E1, port);

		make_partial(w);
		packet_init(&p, w.at, w.len, w.len, true);
		assert_int_equal(packet_parse(&p), PACKET_OK);
		packet_set_source(&p, &to);
		packet_finish(&p);
		assert_int_not_equal(wire_get16(wire_check(w)), 0);
		found += wire_get16(wire_check(w)) == 0xffff;
		wire_free_all();
	}
	assert_int_equal(found, 1);
}

static void test_partial_packet_that_did_not_change_is_left_alone(void **state)
{
	struct wire w = wire_udp(H1, Y1), before;
	struct packet p;

	(void)state;
	make_partial(w);
	before = wire_copy(w);
	packet_init(&p, w.at, w.len, w.len, true);
	assert_int_equal(packet_parse(&p), PACKET_OK);
	packet_finish(&p);
	assert_memory_equal(w.at, before.at, w.len);
	assert_true(p.partial);
}

/* UDP may end before the IP packet does; the checksum is over what UDP says (RFC 768). */
static void test_partial_udp_shorter_than_its_ip_packet_is_summed_by_its_own_length(void **state)
{
	struct wire w = wire_udp_with(H1, Y1, 0, 20);

	(void)state;
	wire_put16(w.at + 24, 18);
	make_partial(w);
	rewrite_partial(w, ep("203.0.113.1:40000"));
	assert_int_equal(wire_transport_error(w), 0);
}

/* The length of a fragmented datagram is that of the whole, not of what is here. */
static void test_partial_first_fragment_is_not_read_past_its_end(void **state)
{
	static const unsigned int lengths[] = { 0, 7, 8, 28, 29, 1000, 65535 };

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct wire w = wire_udp_with(H1, Y1, 0, 20);

		wire_put16(w.at + 6, 0x2000);
		wire_fix(w);
		wire_put16(w.at + 24, lengths[i]);
		rewrite_partial(w, ep("203.0.113.1:40000"));
		assert_int_equal(wire_ip_error(w), 0);
	}
}

/* ICMP has no pseudo-header (RFC 792). */
static void test_partial_icmp_is_summed_without_pseudo_header(void **state)
{
	struct wire w = wire_ping(H1, Y1);

	(void)state;
	wire_put16(wire_check(w), 0);
	rewrite_partial(w, ep("203.0.113.1:40000"));
	assert_int_equal(wire_transport_error(w), 0);
}

/* --- quoted packets ------------------------------------------------------------------------- */

struct quote_sums {
	unsigned int outer, inner_ip, inner_transport;
};

static struct quote_sums quote_sums(struct wire w)
{
	return (struct quote_sums){ .outer = wire_transport_error(w),
				    .inner_ip = wire_ip_error(wire_quote(w)),
				    .inner_transport = wire_transport_error(wire_quote(w)) };
}

/* Rewrite both ends of the quoted packet and close it again. */
static void rewrite_quote(struct wire w, struct endpoint source, struct endpoint destination)
{
	struct packet p = parsed(w), inner;

	assert_int_equal(packet_open_quote(&p, &inner), PACKET_OK);
	assert_true(inner.quoted);
	packet_set_source(&inner, &source);
	packet_set_destination(&inner, &destination);
	packet_close_quote(&p, &inner);
	assert_true(p.changed);
	assert_same_endpoint(wire_source(wire_quote(w)), inner.source);
	assert_same_endpoint(wire_destination(wire_quote(w)), inner.destination);
}

static void test_quote_is_rewritten_with_all_checksums(void **state)
{
	struct rng rng = stream(792);

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct wire about = any_packet(&rng);
		struct wire w = wire_error(3, 3, Y1, E1, about);

		rewrite_quote(w, any_endpoint(&rng), any_endpoint(&rng));
		assert_int_equal(quote_sums(w).outer, 0);
		assert_int_equal(quote_sums(w).inner_ip, 0);
		assert_int_equal(quote_sums(w).inner_transport, 0);
		wire_free_all();
	}
}

/* Trap 6: only the IP header and eight bytes more need to be there. */
static void test_quote_cut_at_every_length_from_eight_bytes_on(void **state)
{
	struct wire abouts[] = {
		wire_udp_with(H1, Y1, 0, 20),
		wire_udp_with(H1, Y1, 40, 3),
		wire_tcp_with(H1, Y1, (struct wire_tcp){ .payload = 7 }),
		wire_tcp_with(H1, Y1, (struct wire_tcp){ .payload = 7, .ip_options = 8 }),
		wire_ping(H1, Y1),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(abouts) / sizeof(abouts[0]); i++) {
		size_t header = wire_header(abouts[i]);

		for (size_t len = 0; len <= abouts[i].len; len++) {
			struct wire w = wire_error_with(11, 0, Y1, E1, abouts[i], len);
			struct packet p = parsed(w), inner;
			enum packet_error err = packet_open_quote(&p, &inner);

			if (len < header) {
				assert_int_equal(err, PACKET_NO_IP_HEADER);
			} else if (len < header + 8) {
				assert_int_equal(err, PACKET_SHORT_TRANSPORT);
			} else {
				rewrite_quote(w, ep("10.9.8.7:65535"), ep("10.1.2.3:2"));
				assert_int_equal(quote_sums(w).outer, 0);
				assert_int_equal(quote_sums(w).inner_ip, 0);
			}
		}
	}
}

static void test_quoted_tcp_without_its_checksum_keeps_the_bytes_behind_it(void **state)
{
	struct wire about = wire_tcp_with(H1, Y1, (struct wire_tcp){ .payload = 40 });

	(void)state;
	for (size_t len = 28; len < 60; len++) {
		struct wire w = wire_error_with(3, 3, Y1, E1, about, len), before = wire_copy(w);
		struct wire quote = wire_quote(w), quote_before = wire_quote(before);

		rewrite_quote(w, ep("10.9.8.7:65535"), ep("10.1.2.3:2"));
		if (len >= 38) /* the checksum is there, and moves */
			memcpy(quote.at + 36, quote_before.at + 36, 2);
		assert_memory_equal(quote.at + 24, quote_before.at + 24, len - 24);
	}
}

static void test_quoted_udp_without_checksum_stays_without(void **state)
{
	struct wire about = wire_udp(H1, Y1), w;

	(void)state;
	wire_put16(wire_check(about), 0);
	w = wire_error(3, 3, Y1, E1, about);
	rewrite_quote(w, ep("10.9.8.7:65535"), ep("10.1.2.3:2"));
	assert_int_equal(wire_get16(wire_check(wire_quote(w))), 0);
	assert_int_equal(quote_sums(w).outer, 0);
}

static void test_rfc5508_req3c_wrong_quoted_transport_checksum_stays_wrong(void **state)
{
	struct wire about = wire_udp(H1, Y1), w;
	unsigned int error;

	(void)state;
	wire_put16(wire_check(about), 0x1234);
	w = wire_error(3, 3, Y1, E1, about);
	error = quote_sums(w).inner_transport;
	rewrite_quote(w, ep("10.9.8.7:65535"), ep("10.1.2.3:2"));
	assert_int_not_equal(error, 0);
	assert_int_equal(quote_sums(w).inner_transport, error);
	assert_int_equal(quote_sums(w).outer, 0);
}

static void test_outer_checksum_that_is_wrong_stays_wrong_through_a_quote(void **state)
{
	struct wire w = wire_error(3, 3, Y1, E1, wire_udp(H1, Y1));
	unsigned int error;

	(void)state;
	wire_put16(wire_check(w), 0x4242);
	error = quote_sums(w).outer;
	rewrite_quote(w, ep("10.9.8.7:65535"), ep("10.1.2.3:2"));
	assert_int_not_equal(error, 0);
	assert_int_equal(quote_sums(w).outer, error);
}

/* Trap 7: routers quote what they have, the length in the quoted header stays as it was. */
static void test_quoted_total_length_beyond_the_quote_is_no_error(void **state)
{
	static const unsigned int totals[] = { 0, 19, 20, 27, 28, 33, 1500, 65535 };

	(void)state;
	for (size_t i = 0; i < sizeof(totals) / sizeof(totals[0]); i++) {
		struct wire about = wire_udp_with(H1, Y1, 0, 5), w;

		wire_put16(about.at + 2, totals[i]);
		wire_put16(about.at + 10, 0);
		wire_put16(about.at + 10, (uint16_t)~wire_sum(0, about.at, 20));
		w = wire_error(3, 3, Y1, E1, about);
		if (totals[i] >= 20 && totals[i] < 28) {
			struct packet p = parsed(w), inner;

			assert_int_equal(packet_open_quote(&p, &inner), PACKET_SHORT_TRANSPORT);
			continue;
		}
		rewrite_quote(w, ep("10.9.8.7:65535"), ep("10.1.2.3:2"));
		assert_int_equal(wire_transport_error(w), 0);
		assert_int_equal(wire_get16(wire_quote(w).at + 2), totals[i]);
	}
}

/* Trap 9: the extension behind a padded quote is covered by the outer checksum, and kept. */
static void test_rfc4884_extension_behind_the_quote_is_kept(void **state)
{
	struct wire about = wire_udp_with(H1, Y1, 0, 40), padded = wire_take(128 + 16), w;
	struct wire before;

	(void)state;
	memcpy(padded.at, about.at, about.len);
	wire_fill(padded.at + 128, 16);
	w = wire_error(11, 0, Y1, E1, padded);
	w.at[20 + 5] = 32; /* the quote's length in 32-bit words */
	wire_fix(w);
	before = wire_copy(w);
	rewrite_quote(w, ep("10.9.8.7:65535"), ep("10.1.2.3:2"));
	assert_int_equal(wire_transport_error(w), 0);
	assert_int_equal(w.at[20 + 5], 32);
	assert_memory_equal(w.at + 28 + 28, before.at + 28 + 28, w.len - 56);
}

static void test_quote_left_alone_leaves_the_error_alone(void **state)
{
	struct wire w = wire_error(3, 3, Y1, E1, wire_udp(H1, Y1)), before = wire_copy(w);
	struct packet p = parsed(w), inner;

	(void)state;
	assert_int_equal(packet_open_quote(&p, &inner), PACKET_OK);
	packet_close_quote(&p, &inner);
	assert_false(p.changed);
	assert_memory_equal(w.at, before.at, w.len);
}

static void test_quoted_later_fragment_has_no_ports(void **state)
{
	struct wire about = wire_udp_with(H1, Y1, 0, 20), w;
	struct packet p, inner;

	(void)state;
	wire_put16(about.at + 6, 100);
	wire_fix(about);
	w = wire_error(11, 1, Y1, E1, about);
	p = parsed(w);
	assert_int_equal(packet_open_quote(&p, &inner), PACKET_OK);
	assert_true(inner.fragment);
	assert_false(inner.fragment_first);
	assert_int_equal(inner.source.port, 0);
	assert_int_equal(inner.destination.port, 0);
}

static void test_checksum_questions_are_answered_by_the_bytes(void **state)
{
	struct wire w = wire_error(3, 3, Y1, E1, wire_udp(H1, Y1));

	(void)state;
	for (size_t i = 0; i < w.len; i++) {
		struct wire damaged = wire_copy(w);
		struct packet p = view(damaged);

		damaged.at[i] ^= 0x40;
		p.transport = 20;
		assert_int_equal(packet_ip_checksum_ok(&p), i >= 20);
		assert_int_equal(packet_icmp_checksum_ok(&p), i < 20);
	}
}

#define packet_test(f) cmocka_unit_test_teardown(f, free_wires)

/* What looks ahead has parsed it already. */
static void test_parsing_again_says_the_same(void **state)
{
	struct wire good = wire_udp(H1, Y1), cut = wire_cut(wire_udp(H1, Y1), 24);
	struct packet p;

	(void)state;
	packet_init(&p, good.at, good.len, good.len, false);
	assert_int_equal(packet_parse(&p), PACKET_OK);
	packet_set_source(&p, &(struct endpoint){ .addr = E1.addr, .port = 4000 });
	assert_int_equal(packet_parse(&p), PACKET_OK);
	assert_true(p.changed);
	assert_int_equal(p.source.port, 4000);
	packet_init(&p, cut.at, cut.len, cut.len, false);
	assert_int_equal(packet_parse(&p), PACKET_BAD_TOTAL_LENGTH);
	assert_int_equal(packet_parse(&p), PACKET_BAD_TOTAL_LENGTH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		packet_test(test_udp_is_taken_apart),
		packet_test(test_tcp_is_taken_apart),
		packet_test(test_icmp_kinds_are_told_apart),
		packet_test(test_tcp_ports_never_make_it_an_icmp_query),
		packet_test(test_parsing_again_says_the_same),
		packet_test(test_packet_cut_by_the_kernel_is_refused),
		packet_test(test_link_padding_is_no_part_of_the_packet),
		packet_test(test_ip_version_other_than_4_is_refused),
		packet_test(test_ip_header_length_that_lies_is_refused),
		packet_test(test_total_length_that_lies_is_refused),
		packet_test(test_tcp_data_offset_that_lies_is_refused),
		packet_test(test_udp_length_that_lies_is_refused),
		packet_test(test_cut_at_every_length_is_refused_without_overread),
		packet_test(test_options_with_addresses_are_found),
		packet_test(test_options_without_addresses_are_let_be),
		packet_test(test_option_length_that_lies_ends_the_walk),
		packet_test(test_fragments_are_told_apart),
		packet_test(test_later_fragment_gets_a_new_address_and_nothing_else),
		packet_test(test_view_follows_every_rewrite),
		packet_test(test_rfc3022_ck_random_rewrites_keep_every_checksum_right),
		packet_test(test_wrong_checksums_stay_wrong_by_the_same_amount),
		packet_test(test_rfc1624_udp0_no_checksum_stays_none),
		packet_test(test_rfc1624_udp_result_zero_is_sent_as_ffff),
		packet_test(test_rfc1624_udp_ffff_survives_an_update_that_changes_nothing),
		packet_test(test_rfc1624_tcp_result_zero_is_sent_as_zero),
		packet_test(test_rfc1624_zero_all_zero_echo_reply_gets_ffff),
		packet_test(test_rfc1624_zero_all_zero_echo_reply_survives_an_unchanged_identifier),
		packet_test(test_all_zero_echo_reply_with_a_wrong_checksum_stays_wrong),
		packet_test(test_partial_checksum_is_completed_when_the_packet_changes),
		packet_test(test_partial_super_packet_of_64k_is_completed),
		packet_test(test_partial_udp_result_zero_is_sent_as_ffff),
		packet_test(test_partial_packet_that_did_not_change_is_left_alone),
		packet_test(
			test_partial_udp_shorter_than_its_ip_packet_is_summed_by_its_own_length),
		packet_test(test_partial_first_fragment_is_not_read_past_its_end),
		packet_test(test_partial_icmp_is_summed_without_pseudo_header),
		packet_test(test_quote_is_rewritten_with_all_checksums),
		packet_test(test_quote_cut_at_every_length_from_eight_bytes_on),
		packet_test(test_quoted_tcp_without_its_checksum_keeps_the_bytes_behind_it),
		packet_test(test_quoted_udp_without_checksum_stays_without),
		packet_test(test_rfc5508_req3c_wrong_quoted_transport_checksum_stays_wrong),
		packet_test(test_outer_checksum_that_is_wrong_stays_wrong_through_a_quote),
		packet_test(test_quoted_total_length_beyond_the_quote_is_no_error),
		packet_test(test_rfc4884_extension_behind_the_quote_is_kept),
		packet_test(test_quote_left_alone_leaves_the_error_alone),
		packet_test(test_quoted_later_fragment_has_no_ports),
		packet_test(test_checksum_questions_are_answered_by_the_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
