/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/lab.h"

static const struct siphash_key key = { { 1, 2 } };

static uint32_t hash(enum nat_protocol protocol, struct endpoint a, struct endpoint b)
{
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
	static const struct siphash_key other = { { 1, 3 } };
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

/* The same endpoint wherever it lies in memory, and whatever lay there before. */
static void test_hash_reads_nothing_but_the_endpoints(void **state)
{
	uint8_t dirt[2][sizeof(struct endpoint) + 8];
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
		cmocka_unit_test(test_hash_reads_nothing_but_the_endpoints),
		cmocka_unit_test(test_hashes_of_neighbours_spread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
