/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets of our own: what is in them, byte by byte, and that they fit. */
#include "common/packet_make.h"

#include "tests/unit/lab.h"

static struct packet parsed(struct wire w)
{
	struct packet p;

	packet_init(&p, w.at, w.len, w.len, false);
	assert_int_equal(packet_parse(&p), PACKET_OK);
	return p;
}

/* In memory of exactly the room that is promised to be enough. */
static struct wire unreachable(struct wire about, uint8_t code)
{
	const struct endpoint from = E1;
	struct packet quoted = parsed(about);
	struct wire w = wire_take(PACKET_MAKE_MAX);

	memset(w.at, 0xee, w.len);
	w.len = packet_make_unreachable(w.at, &from.addr, code, &quoted);
	return w;
}

static void test_unreachable_quotes_the_packet_it_is_about(void **state)
{
	static const uint8_t codes[] = { PACKET_HOST_UNREACHABLE, PACKET_PORT_UNREACHABLE,
					 PACKET_PROHIBITED };

	(void)state;
	for (size_t i = 0; i < sizeof(codes); i++) {
		struct wire about = wire_udp_with(Y1, E1, 8, 40);
		struct wire w = unreachable(about, codes[i]);

		assert_int_equal(w.len, 28 + about.len);
		assert_int_equal(w.at[0], 0x45);
		assert_int_equal(w.at[1], PACKET_MAKE_ICMP_DS);
		assert_int_equal(wire_get16(w.at + 2), w.len);
		assert_int_equal(wire_get16(w.at + 4), 0);
		assert_int_equal(wire_get16(w.at + 6), 0x4000);
		assert_int_equal(w.at[8], PACKET_MAKE_TTL);
		assert_int_equal(w.at[9], 1);
		assert_endpoint(wire_source(w), "203.0.113.1:0");
		assert_endpoint(wire_destination(w), "203.0.113.10:0");
		assert_int_equal(w.at[20], 3);
		assert_int_equal(w.at[21], codes[i]);
		assert_int_equal(wire_get32(w.at + 24), 0);
		assert_memory_equal(w.at + 28, about.at, about.len);
		assert_int_equal(wire_ip_error(w), 0);
		assert_int_equal(wire_transport_error(w), 0);
	}
}

/* RFC 1812 section 4.3.2.3: as much as fits into 576 bytes. */
static void test_rfc1812_unreachable_is_no_longer_than_576_bytes(void **state)
{
	(void)state;
	for (size_t payload = 0; payload < 1500;
	     payload += payload < 500 || payload > 540 ? 37 : 1) {
		struct wire about = wire_udp_with(Y1, E1, 0, payload);
		struct wire w = unreachable(about, 3);
		size_t quoted = about.len < 548 ? about.len : 548;

		assert_int_equal(w.len, 28 + quoted);
		assert_memory_equal(w.at + 28, about.at, quoted);
		assert_int_equal(wire_transport_error(w), 0);
	}
}

/* Padding behind a packet is not of it. */
static void test_quote_ends_where_the_packet_does(void **state)
{
	struct wire about = wire_udp_with(Y1, E1, 0, 3), padded = wire_take(60);

	(void)state;
	memset(padded.at, 0xaa, 60);
	memcpy(padded.at, about.at, about.len);
	assert_int_equal(unreachable(padded, 3).len, 28 + about.len);
}

static void test_segment_is_a_bare_tcp_header(void **state)
{
	const struct packet_segment s = { .from = Y1,
					  .to = H1,
					  .sequence = 0x80000001,
					  .acknowledgment = 0xfffffffe,
					  .flags = PACKET_TCP_RST | PACKET_TCP_ACK };
	struct wire w = wire_take(40);

	(void)state;
	memset(w.at, 0xee, 40);
	assert_int_equal(packet_make_segment(w.at, &s), 40);
	assert_int_equal(w.at[0], 0x45);
	assert_int_equal(w.at[1], 0);
	assert_int_equal(wire_get16(w.at + 2), 40);
	assert_int_equal(wire_get16(w.at + 6), 0x4000);
	assert_same_endpoint(wire_source(w), Y1);
	assert_same_endpoint(wire_destination(w), H1);
	assert_int_equal(wire_get32(w.at + 24), 0x80000001);
	assert_int_equal(wire_get32(w.at + 28), 0xfffffffe);
	assert_int_equal(w.at[32], 0x50);
	assert_int_equal(w.at[33], WIRE_RST | WIRE_ACK);
	assert_int_equal(wire_get16(w.at + 34), 0);
	assert_int_equal(wire_get16(w.at + 38), 0);
	assert_int_equal(wire_ip_error(w), 0);
	assert_int_equal(wire_transport_error(w), 0);
	assert_int_equal(parsed(w).tcp_payload, 0);
}

static void test_checksums_are_right_whatever_is_in_it(void **state)
{
	struct siphash_key key;
	struct rng rng;

	(void)state;
	assert_int_equal(rng_key(40, &key), 0);
	rng_init(&rng, &key);
	for (int i = 0; i < 5000; i++) {
		const struct packet_segment s = {
			.from = { addr_from_ip4(rng_next(&rng)), (uint16_t)rng_next(&rng) },
			.to = { addr_from_ip4(rng_next(&rng)), (uint16_t)rng_next(&rng) },
			.sequence = rng_next(&rng),
			.acknowledgment = rng_next(&rng),
			.flags = (uint8_t)rng_next(&rng),
			.window = (uint16_t)rng_next(&rng),
		};
		uint8_t bytes[40];
		struct wire w = { bytes, 40 };

		assert_int_equal(packet_make_segment(bytes, &s), 40);
		assert_int_equal(wire_ip_error(w), 0);
		assert_int_equal(wire_transport_error(w), 0);
	}
}

static void test_datagram_is_a_bare_udp_header(void **state)
{
	const struct endpoint from = H1, to = Y1;
	struct wire w = wire_take(28);

	(void)state;
	memset(w.at, 0xee, 28);
	assert_int_equal(packet_make_datagram(w.at, &from, &to), 28);
	assert_int_equal(wire_get16(w.at + 2), 28);
	assert_same_endpoint(wire_source(w), H1);
	assert_same_endpoint(wire_destination(w), Y1);
	assert_int_equal(wire_get16(w.at + 24), 8);
	assert_int_equal(wire_ip_error(w), 0);
	assert_int_equal(wire_transport_error(w), 0);
	assert_int_equal(parsed(w).protocol, PACKET_UDP);
}

/* RFC 768: a checksum of 0 would say that there is none. */
static void test_rfc768_datagram_checksum_is_never_zero(void **state)
{
	struct endpoint from = H1, to = Y1;
	struct wire w = wire_take(28);
	unsigned int all_ones = 0;

	(void)state;
	for (unsigned int port = 1; port <= UINT16_MAX; port++) {
		from.port = (uint16_t)port;
		packet_make_datagram(w.at, &from, &to);
		assert_int_not_equal(wire_get16(w.at + 26), 0);
		all_ones += wire_get16(w.at + 26) == 0xffff;
	}
	assert_int_equal(all_ones, 1);
}

static void test_echo_is_a_query_with_its_identifier(void **state)
{
	const struct endpoint from = H1, to = Y1;
	struct wire w = wire_take(28);
	struct packet p;

	(void)state;
	memset(w.at, 0xee, 28);
	assert_int_equal(packet_make_echo(w.at, PACKET_ECHO, 0x1234, &from.addr, &to.addr), 28);
	assert_int_equal(wire_ip_error(w), 0);
	assert_int_equal(wire_transport_error(w), 0);
	p = parsed(w);
	assert_true(packet_is_icmp_request(&p));
	assert_int_equal(p.source.port, 0x1234);
	assert_int_equal(packet_make_echo(w.at, PACKET_ECHO_REPLY, 0, &from.addr, &to.addr), 28);
	assert_int_equal(wire_transport_error(w), 0);
	p = parsed(w);
	assert_true(packet_is_icmp_query(&p) && !packet_is_icmp_request(&p));
}

static void test_bare_packet_is_an_ip_header(void **state)
{
	const struct endpoint from = H1, to = Y1;
	struct wire w = wire_take(20);

	(void)state;
	memset(w.at, 0xee, 20);
	assert_int_equal(packet_make_bare(w.at, 47, &from.addr, &to.addr), 20);
	assert_int_equal(wire_ip_error(w), 0);
	assert_int_equal(parsed(w).protocol, 47);
	assert_same_endpoint(ep_port(parsed(w).destination, 0), ep_port(Y1, 0));
}

static int free_wires(void **state)
{
	(void)state;
	wire_free_all();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unreachable_quotes_the_packet_it_is_about),
		cmocka_unit_test(test_rfc1812_unreachable_is_no_longer_than_576_bytes),
		cmocka_unit_test(test_quote_ends_where_the_packet_does),
		cmocka_unit_test(test_segment_is_a_bare_tcp_header),
		cmocka_unit_test(test_checksums_are_right_whatever_is_in_it),
		cmocka_unit_test(test_datagram_is_a_bare_udp_header),
		cmocka_unit_test(test_rfc768_datagram_checksum_is_never_zero),
		cmocka_unit_test(test_echo_is_a_query_with_its_identifier),
		cmocka_unit_test(test_bare_packet_is_an_ip_header),
	};

	return cmocka_run_group_tests(tests, NULL, free_wires);
}
