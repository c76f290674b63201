/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/lab.h"

static uint32_t hash(enum nat_protocol protocol, struct endpoint a, struct endpoint b)
{
	const struct tuple_key key = lab_hash_key(1);

	return tuple_hash(&key, protocol, &a, &b);
}

static void test_protocol_names(void **state)
{
	(void)state;
	assert_string_equal(nat_protocol_name(NAT_UDP), "udp");
	assert_string_equal(nat_protocol_name(NAT_TCP), "tcp");
	assert_string_equal(nat_protocol_name(NAT_ICMP), "icmp");
}

static void test_hash_depends_on_every_part(void **state)
{
	const struct tuple_key other = lab_hash_key(2);
	uint32_t h = hash(NAT_UDP, H1, Y1);
	struct endpoint a = H1, b = Y1;

	(void)state;
	assert_int_equal(hash(NAT_UDP, H1, Y1), h);
	assert_int_not_equal(hash(NAT_TCP, H1, Y1), h);
	assert_int_not_equal(hash(NAT_UDP, H2, Y1), h);
	assert_int_not_equal(hash(NAT_UDP, ep_port(H1, 5001), Y1), h);
	assert_int_not_equal(hash(NAT_UDP, H1, Y2), h);
	assert_int_not_equal(hash(NAT_UDP, H1, Y1_Q), h);
	assert_int_not_equal(hash(NAT_UDP, Y1, H1), h);
	assert_int_not_equal(tuple_hash(&other, NAT_UDP, &a, &b), h);
}

static void test_hash_is_that_of_its_parts(void **state)
{
	const struct tuple_key key = lab_hash_key(1);
	struct endpoint a = H1, b = Y1;

	(void)state;
	for (enum nat_protocol p = NAT_UDP; p < NAT_PROTOCOLS; p++)
		assert_int_equal(tuple_join(tuple_first(&key, p, &a), tuple_second(&key, &b)),
				 hash(p, H1, Y1));
}

/* The same endpoint wherever it lies in memory, and whatever lay there before. */
static void test_hash_reads_nothing_but_the_endpoints(void **state)
{
	uint8_t dirt[2][sizeof(struct endpoint) + 8];
	const struct tuple_key key = lab_hash_key(1);
	uint32_t h = hash(NAT_UDP, H1, Y1);

	(void)state;
	for (unsigned int fill = 0; fill < 256; fill += 51) {
		struct endpoint a, b;

		memset(dirt, (int)fill, sizeof(dirt));
		memset(&a, (int)fill, sizeof(a));
		memset(&b, (int)~fill, sizeof(b));
		a.addr = H1.addr;
		a.port = H1.port;
		b.addr = Y1.addr;
		b.port = Y1.port;
		assert_int_equal(tuple_hash(&key, NAT_UDP, &a, &b), h);
	}
}

/* Any bit of either end turns about half of the hash. */
static void test_every_bit_counts(void **state)
{
	uint32_t h = hash(NAT_UDP, H1, Y1);
	unsigned int turned = 0;

	(void)state;
	for (unsigned int bit = 0; bit < 2 * 144; bit++) {
		struct endpoint end[2] = { H1, Y1 };
		struct endpoint *e = &end[bit / 144];
		unsigned int at = bit % 144, now;

		if (at < 128)
			e->addr.b[at / 8] ^= (uint8_t)(1 << at % 8);
		else
			e->port ^= (uint16_t)(1 << (at - 128));
		now = (unsigned int)__builtin_popcount(hash(NAT_UDP, end[0], end[1]) ^ h);
		assert_in_range(now, 4, 28);
		turned += now;
	}
	assert_in_range(turned / (2 * 144), 14, 18);
}

static void test_hashes_of_neighbours_spread(void **state)
{
	unsigned int bins[64] = { 0 };

	(void)state;
	for (unsigned int port = 0; port < 6400; port++)
		bins[hash(NAT_UDP, ep_port(H1, port), Y1) % 64]++;
	for (int i = 0; i < 64; i++)
		assert_in_range(bins[i], 60, 140);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_protocol_names),
		cmocka_unit_test(test_hash_depends_on_every_part),
		cmocka_unit_test(test_hash_is_that_of_its_parts),
		cmocka_unit_test(test_hash_reads_nothing_but_the_endpoints),
		cmocka_unit_test(test_every_bit_counts),
		cmocka_unit_test(test_hashes_of_neighbours_spread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
