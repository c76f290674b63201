/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/lab.h"

struct bench {
	struct ports ports;
	struct options options;
	struct rng rng;
};

/* A pool of @external with the default knobs. */
static void bench_open(struct bench *b, const char *external)
{
	struct siphash_key key;

	options_init(&b->options);
	lab_value(&b->options, "nat.external", external);
	assert_int_equal(ports_init(&b->ports, &b->options.external), 0);
	assert_int_equal(rng_key(6056, &key), 0);
	rng_init(&b->rng, &key);
}

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	bench_open(b, "203.0.113.1");
	*state = b;
	return 0;
}

static int setup_pool(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	bench_open(b, "203.0.113.9,203.0.113.1-203.0.113.2,198.51.100.4/31");
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	ports_fini(&b->ports);
	free(b);
	return 0;
}

static bool pick(struct bench *b, enum nat_protocol protocol, struct endpoint internal,
		 struct endpoint *external)
{
	return ports_pick(&b->ports, &b->options, protocol, &internal, addr_ip4(&internal.addr),
			  &b->rng, external);
}

static uint16_t pick_port(struct bench *b, enum nat_protocol protocol, unsigned int internal)
{
	struct endpoint external;

	assert_true(pick(b, protocol, ep_port(H1, internal), &external));
	return external.port;
}

/* --- the bitmap ----------------------------------------------------------------------------- */

static void test_port_can_be_taken_once_and_again_after_release(void **state)
{
	struct bench *b = *state;
	struct port_map *map = ports_map(&b->ports, 0, NAT_UDP);

	for (uint32_t port = 1; port <= UINT16_MAX; port++) {
		assert_true(port_map_take(map, (uint16_t)port));
		assert_int_equal(map->count, port);
		assert_false(port_map_take(map, (uint16_t)port));
		assert_int_equal(map->count, port);
	}
	assert_int_equal(port_map_find(map, 1, UINT16_MAX, 1), 0);
	for (uint32_t port = 1; port <= UINT16_MAX; port++) {
		port_map_release(map, (uint16_t)port);
		assert_int_equal(port_map_find(map, 1, UINT16_MAX, 30000), port);
		assert_true(port_map_take(map, (uint16_t)port));
	}
}

/* Trap 38. */
static void test_port_zero_is_never_given(void **state)
{
	struct bench *b = *state;
	struct port_map *map = ports_map(&b->ports, 0, NAT_UDP);

	assert_false(port_map_take(map, 0));
	assert_int_equal(map->count, 0);
	lab_value(&b->options, "udp.port-range", "1-70");
	for (int i = 0; i < 70; i++)
		assert_in_range(pick_port(b, NAT_UDP, 9), 1, 70);
	assert_false(pick(b, NAT_UDP, H1, &(struct endpoint){ 0 }));
}

/* The plain way to find a port, to measure port_map_find() against. */
static uint16_t find_slowly(const struct port_map *map, uint32_t first, uint32_t last, uint32_t at)
{
	for (uint32_t i = 0; i <= last - first; i++, at = at == last ? first : at + 1)
		if (!(map->taken[at / 64] >> (at % 64) & 1))
			return (uint16_t)at;
	return 0;
}

static void test_find_agrees_with_a_plain_search(void **state)
{
	struct bench *b = *state;
	struct port_map *map = ports_map(&b->ports, 0, NAT_UDP);

	/* From empty to all but full, with holes at the edges of words and groups. */
	for (int round = 0; round < 40; round++) {
		for (uint32_t port = 1; port <= UINT16_MAX; port++)
			if (rng_below(&b->rng, 40) < (uint32_t)round && port % 4096 != 0 &&
			    port != UINT16_MAX)
				port_map_take(map, (uint16_t)port);
		for (int i = 0; i < 300; i++) {
			uint32_t first = 1 + rng_below(&b->rng, UINT16_MAX);
			uint32_t last = first + rng_below(&b->rng, UINT16_MAX - first + 1);
			uint32_t start = first + rng_below(&b->rng, last - first + 1);

			assert_int_equal(port_map_find(map, (uint16_t)first, (uint16_t)last,
						       (uint16_t)start),
					 find_slowly(map, first, last, start));
		}
	}
}

static void test_find_in_ranges_of_one_port_and_at_the_ends(void **state)
{
	struct bench *b = *state;
	struct port_map *map = ports_map(&b->ports, 0, NAT_UDP);

	assert_int_equal(port_map_find(map, 65535, 65535, 65535), 65535);
	assert_true(port_map_take(map, 65535));
	assert_int_equal(port_map_find(map, 65535, 65535, 65535), 0);
	assert_int_equal(port_map_find(map, 65000, 65535, 65535), 65000);
	assert_int_equal(port_map_find(map, 1, 1, 1), 1);
	assert_true(port_map_take(map, 1));
	assert_int_equal(port_map_find(map, 1, 1, 1), 0);
	assert_int_equal(port_map_find(map, 63, 64, 64), 64);
	assert_true(port_map_take(map, 64));
	assert_int_equal(port_map_find(map, 63, 64, 64), 63);
}

/* --- strategies ----------------------------------------------------------------------------- */

static void test_rfc6888_req13_every_port_of_the_range_is_given_once(void **state)
{
	static const char *const strategies[] = { "random", "preserve", "sequential" };
	struct bench *b = *state;

	for (int s = 0; s < 3; s++) {
		struct port_map *map = ports_map(&b->ports, 0, NAT_UDP);
		bool *seen = calloc(65536, sizeof(*seen));
		struct endpoint external;

		assert_non_null(seen);
		lab_value(&b->options, "udp.ports", strategies[s]);
		for (uint32_t i = 1024; i <= UINT16_MAX; i++) {
			uint16_t port = pick_port(b, NAT_UDP, 4242);

			assert_in_range(port, 1024, UINT16_MAX);
			assert_false(seen[port]);
			seen[port] = true;
		}
		assert_int_equal(map->count, 65536 - 1024);
		assert_false(pick(b, NAT_UDP, H1, &external));
		/* At 99.9 % taken the few free ones are found. */
		for (uint32_t port = 1030; port <= UINT16_MAX; port += 1000) {
			external = (struct endpoint){ E1.addr, (uint16_t)port };
			ports_release(&b->ports, NAT_UDP, &external);
		}
		for (uint32_t port = 1030; port <= UINT16_MAX; port += 1000)
			assert_int_equal(pick_port(b, NAT_UDP, 4242) % 1000, 30);
		assert_false(pick(b, NAT_UDP, H1, &external));
		for (uint32_t port = 1024; port <= UINT16_MAX; port++)
			port_map_release(map, (uint16_t)port);
		assert_int_equal(map->count, 0);
		free(seen);
	}
}

static void test_rfc6056_random_ports_spread_over_the_range(void **state)
{
	struct bench *b = *state;
	unsigned int bins[64] = { 0 }, neighbours = 0;
	uint16_t before = 0;

	for (int i = 0; i < 6400; i++) {
		uint16_t port = pick_port(b, NAT_UDP, 5000);

		bins[(port - 1024) / 1008]++;
		neighbours += port == before + 1;
		before = port;
	}
	for (int i = 0; i < 64; i++)
		assert_in_range(bins[i], 60, 140);
	assert_in_range(neighbours, 0, 5);
}

static void test_rfc6056_key_decides_the_ports(void **state)
{
	struct bench *b = *state;
	uint16_t first[50];
	unsigned int same = 0;
	struct siphash_key key;

	for (int i = 0; i < 50; i++)
		first[i] = pick_port(b, NAT_UDP, 5000);
	ports_fini(&b->ports);
	bench_open(b, "203.0.113.1");
	for (int i = 0; i < 50; i++)
		assert_int_equal(pick_port(b, NAT_UDP, 5000), first[i]);
	ports_fini(&b->ports);
	bench_open(b, "203.0.113.1");
	assert_int_equal(rng_key(6057, &key), 0);
	rng_init(&b->rng, &key);
	for (int i = 0; i < 50; i++)
		same += pick_port(b, NAT_UDP, 5000) == first[i];
	assert_in_range(same, 0, 2);
}

static void test_preserve_keeps_the_port_while_it_is_free_and_in_range(void **state)
{
	struct bench *b = *state;

	lab_value(&b->options, "udp.ports", "preserve");
	assert_int_equal(pick_port(b, NAT_UDP, 5000), 5000);
	assert_int_equal(pick_port(b, NAT_UDP, 1024), 1024);
	assert_int_equal(pick_port(b, NAT_UDP, 65535), 65535);
	assert_int_not_equal(pick_port(b, NAT_UDP, 5000), 5000);
	assert_in_range(pick_port(b, NAT_UDP, 500), 1024, 65535);
	assert_in_range(pick_port(b, NAT_UDP, 1023), 1024, 65535);
	lab_value(&b->options, "udp.port-range", "2000-3000");
	assert_int_equal(pick_port(b, NAT_UDP, 2000), 2000);
	assert_int_equal(pick_port(b, NAT_UDP, 3000), 3000);
	assert_in_range(pick_port(b, NAT_UDP, 3001), 2001, 2999);
	assert_in_range(pick_port(b, NAT_UDP, 1999), 2001, 2999);
}

static void test_rfc4787_req3_collision_of_preserved_ports_is_random(void **state)
{
	struct bench *b = *state;
	uint16_t a, c;

	lab_value(&b->options, "udp.ports", "preserve");
	assert_int_equal(pick_port(b, NAT_UDP, 5000), 5000);
	a = pick_port(b, NAT_UDP, 5000);
	c = pick_port(b, NAT_UDP, 5000);
	assert_int_not_equal(a, 5001);
	assert_int_not_equal(c, a + 1);
}

static void test_sequential_goes_on_and_round(void **state)
{
	struct bench *b = *state;
	struct endpoint external = { E1.addr, 3001 };

	lab_value(&b->options, "udp.ports", "sequential");
	lab_value(&b->options, "udp.port-range", "3000-3003");
	assert_int_equal(pick_port(b, NAT_UDP, 9), 3000);
	assert_int_equal(pick_port(b, NAT_UDP, 9), 3001);
	ports_release(&b->ports, NAT_UDP, &external);
	assert_int_equal(pick_port(b, NAT_UDP, 9), 3002); /* not the one just given back */
	assert_int_equal(pick_port(b, NAT_UDP, 9), 3003);
	assert_int_equal(pick_port(b, NAT_UDP, 9), 3001);
	assert_false(pick(b, NAT_UDP, H1, &external));
	lab_value(&b->options, "udp.port-range", "100-65535");
	assert_int_equal(pick_port(b, NAT_UDP, 9), 100);
	lab_value(&b->options, "udp.port-range", "65535-65535");
	assert_int_equal(pick_port(b, NAT_UDP, 9), 65535);
	lab_value(&b->options, "udp.port-range", "65530-65535");
	assert_int_equal(pick_port(b, NAT_UDP, 9), 65530);
}

static void test_icmp_identifiers_are_all_but_zero(void **state)
{
	struct bench *b = *state;
	struct endpoint external;

	for (uint32_t i = 1; i <= UINT16_MAX; i++)
		assert_int_not_equal(pick_port(b, NAT_ICMP, 1), 0);
	assert_false(pick(b, NAT_ICMP, H1, &external));
	lab_value(&b->options, "icmp.ports", "preserve");
	external = (struct endpoint){ E1.addr, 7 };
	ports_release(&b->ports, NAT_ICMP, &external);
	assert_int_equal(pick_port(b, NAT_ICMP, 0), 7);
}

/* Trap 48. */
static void test_protocols_and_addresses_have_ports_of_their_own(void **state)
{
	struct bench *b = *state;
	struct endpoint external[3];

	for (enum nat_protocol p = NAT_UDP; p < NAT_PROTOCOLS; p++) {
		lab_value(&b->options, "udp.ports", "preserve");
		lab_value(&b->options, "tcp.ports", "preserve");
		lab_value(&b->options, "icmp.ports", "preserve");
		assert_int_equal(pick_port(b, p, 5000), 5000);
		assert_int_not_equal(pick_port(b, p, 5000), 5000);
	}
	/* Another host, on another address of the pool. */
	for (uint32_t i = 0; i < 3; i++) {
		struct endpoint host = H1;

		assert_true(ports_pick(&b->ports, &b->options, NAT_UDP, &host, i + 10, &b->rng,
				       &external[i]));
	}
	assert_false(addr_equal(&external[0].addr, &external[1].addr));
	assert_false(addr_equal(&external[1].addr, &external[2].addr));
}

/* --- the pool ------------------------------------------------------------------------------- */

static uint32_t place(const struct ports *ports, const char *address)
{
	struct endpoint e = ep(address);

	return ports_find(ports, &e.addr);
}

static void test_rfc6888_req3_pool_of_scattered_ranges(void **state)
{
	static const char *const sorted[] = { "198.51.100.4:0", "198.51.100.5:0", "203.0.113.1:0",
					      "203.0.113.2:0", "203.0.113.9:0" };
	struct bench *b = *state;

	assert_int_equal(b->ports.count, 5);
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(place(&b->ports, sorted[i]), i);
	assert_int_equal(place(&b->ports, "203.0.113.3:0"), NAT_NONE);
	assert_int_equal(place(&b->ports, "203.0.113.0:0"), NAT_NONE);
	assert_int_equal(place(&b->ports, "198.51.100.6:0"), NAT_NONE);
	assert_int_equal(place(&(struct ports){ 0 }, "203.0.113.1:0"), NAT_NONE);
}

static void test_release_for_an_address_that_is_gone_does_nothing(void **state)
{
	struct bench *b = *state;
	struct endpoint elsewhere = ep("203.0.113.77:5000");

	pick_port(b, NAT_UDP, 5000);
	ports_release(&b->ports, NAT_UDP, &elsewhere);
	for (uint32_t i = 0; i < b->ports.count * NAT_PROTOCOLS; i++)
		assert_in_range(b->ports.maps[i].count, 0, 1);
}

static void test_rfc4787_req2_paired_host_stays_on_one_address(void **state)
{
	struct bench *b = *state;
	bool used[5] = { false };
	unsigned int addresses = 0;

	for (unsigned int host = 0; host < 50; host++) {
		struct endpoint h1 = ep_port(H1, 5000), first, next;

		h1.addr = addr_from_ip4(0xc0a80102 + host);
		assert_true(pick(b, NAT_UDP, h1, &first));
		for (unsigned int i = 0; i < 50; i++) {
			assert_true(
				pick(b, (enum nat_protocol)(i % 3), ep_port(h1, 6000 + i), &next));
			assert_true(addr_equal(&next.addr, &first.addr));
		}
		used[ports_find(&b->ports, &first.addr)] = true;
	}
	for (int i = 0; i < 5; i++)
		addresses += used[i];
	assert_int_equal(addresses, 5);
}

static void fill(struct bench *b, uint32_t address, uint32_t from, uint32_t to)
{
	for (uint32_t port = from; port <= to; port++)
		port_map_take(ports_map(&b->ports, address, NAT_UDP), (uint16_t)port);
}

static void test_rfc7857_req4_paired_host_is_refused_when_its_address_is_full(void **state)
{
	struct bench *b = *state;
	struct endpoint first, next;

	assert_true(pick(b, NAT_UDP, H1, &first));
	fill(b, ports_find(&b->ports, &first.addr), 1024, 65535);
	assert_false(pick(b, NAT_UDP, H1, &next));
	lab_value(&b->options, "nat.pooling", "soft-paired");
	for (int i = 0; i < 20; i++) {
		assert_true(pick(b, NAT_UDP, H1, &next));
		assert_false(addr_equal(&next.addr, &first.addr));
	}
	/* Other protocols are not full. */
	lab_value(&b->options, "nat.pooling", "paired");
	assert_true(pick(b, NAT_TCP, H1, &next));
	assert_true(addr_equal(&next.addr, &first.addr));
}

static void test_soft_paired_is_paired_while_there_is_room_and_full_when_all_is(void **state)
{
	struct bench *b = *state;
	struct endpoint first, next;

	lab_value(&b->options, "nat.pooling", "soft-paired");
	assert_true(pick(b, NAT_UDP, H1, &first));
	for (int i = 0; i < 50; i++) {
		assert_true(pick(b, NAT_UDP, H1, &next));
		assert_true(addr_equal(&next.addr, &first.addr));
	}
	for (uint32_t i = 0; i < 5; i++)
		fill(b, i, 1024, 65535);
	assert_false(pick(b, NAT_UDP, H1, &next));
}

static void test_arbitrary_pooling_uses_all_addresses_for_one_host(void **state)
{
	struct bench *b = *state;
	unsigned int used[5] = { 0 };

	lab_value(&b->options, "nat.pooling", "arbitrary");
	for (int i = 0; i < 500; i++) {
		struct endpoint next;

		assert_true(pick(b, NAT_UDP, H1, &next));
		used[ports_find(&b->ports, &next.addr)]++;
	}
	for (int i = 0; i < 5; i++)
		assert_in_range(used[i], 50, 150);
	/* One free port anywhere is found. */
	for (uint32_t i = 0; i < 5; i++)
		fill(b, i, 1024, 65535);
	port_map_release(ports_map(&b->ports, 3, NAT_UDP), 4444);
	assert_int_equal(pick_port(b, NAT_UDP, 5000), 4444);
	assert_false(pick(b, NAT_UDP, H1, &(struct endpoint){ 0 }));
}

int main(void)
{
#define pool_test(f) cmocka_unit_test_setup_teardown(f, setup_pool, teardown)
#define port_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		port_test(test_port_can_be_taken_once_and_again_after_release),
		port_test(test_port_zero_is_never_given),
		port_test(test_find_agrees_with_a_plain_search),
		port_test(test_find_in_ranges_of_one_port_and_at_the_ends),
		port_test(test_rfc6888_req13_every_port_of_the_range_is_given_once),
		port_test(test_rfc6056_random_ports_spread_over_the_range),
		port_test(test_rfc6056_key_decides_the_ports),
		port_test(test_preserve_keeps_the_port_while_it_is_free_and_in_range),
		port_test(test_rfc4787_req3_collision_of_preserved_ports_is_random),
		port_test(test_sequential_goes_on_and_round),
		port_test(test_icmp_identifiers_are_all_but_zero),
		pool_test(test_protocols_and_addresses_have_ports_of_their_own),
		pool_test(test_rfc6888_req3_pool_of_scattered_ranges),
		pool_test(test_release_for_an_address_that_is_gone_does_nothing),
		pool_test(test_rfc4787_req2_paired_host_stays_on_one_address),
		pool_test(test_rfc7857_req4_paired_host_is_refused_when_its_address_is_full),
		pool_test(test_soft_paired_is_paired_while_there_is_room_and_full_when_all_is),
		pool_test(test_arbitrary_pooling_uses_all_addresses_for_one_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
