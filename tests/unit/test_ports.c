/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pool: bitmaps, ports that are fixed, ports that rest, blocks. No strategy yet. */
#include "tests/unit/lab.h"

struct bench {
	struct ports ports;
	struct options options;
	struct rng rng;
};

static void bench_ports(struct bench *b)
{
	ports_fini(&b->ports);
	assert_int_equal(ports_init(&b->ports, &b->options), 0);
}

/* A pool of @external with the default knobs. */
static struct bench *bench_open(const char *external)
{
	struct bench *b = calloc(1, sizeof(*b));
	struct siphash_key key;

	assert_non_null(b);
	options_init(&b->options);
	lab_value(&b->options, "nat.external", external);
	assert_int_equal(ports_init(&b->ports, &b->options), 0);
	assert_int_equal(rng_key(6056, &key), 0);
	rng_init(&b->rng, &key);
	return b;
}

static int setup(void **state)
{
	*state = bench_open("203.0.113.1");
	return 0;
}

static int setup_pool(void **state)
{
	*state = bench_open("203.0.113.9,203.0.113.1-203.0.113.2,198.51.100.4/31");
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	ports_fini(&b->ports);
	free(b);
	return 0;
}

/* The same pool under other knobs, pairs of key and value; nothing is taken in it. */
static void bench_set(struct bench *b, const char *key, const char *value)
{
	lab_value(&b->options, key, value);
	bench_ports(b);
}

static struct port_range range(unsigned int first, unsigned int last)
{
	return (struct port_range){ .first = (uint16_t)first, .last = (uint16_t)last };
}

static uint16_t find(const struct port_map *map, unsigned int first, unsigned int last,
		     unsigned int start)
{
	return port_map_find(map, range(first, last), (uint16_t)start, PORTS_ALL);
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
	assert_int_equal(find(map, 1, UINT16_MAX, 1), 0);
	for (uint32_t port = 1; port <= UINT16_MAX; port++) {
		port_map_release(map, (uint16_t)port);
		assert_int_equal(find(map, 1, UINT16_MAX, 30000), port);
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
}

/* The plain way to find a port, to measure port_map_find() against. */
static uint16_t find_slowly(const struct port_map *map, uint32_t first, uint32_t last, uint32_t at,
			    uint64_t parity)
{
	for (uint32_t i = 0; i <= last - first; i++, at = at == last ? first : at + 1)
		if (!(map->taken[at / 64] >> (at % 64) & 1) && (parity >> (at % 64) & 1))
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

			uint64_t parity = i % 3 == 0   ? PORTS_ALL
					  : i % 3 == 1 ? PORTS_EVEN
						       : PORTS_ODD;

			assert_int_equal(
				port_map_find(map, range(first, last), (uint16_t)start, parity),
				find_slowly(map, first, last, start, parity));
		}
	}
}

static void test_find_in_ranges_of_one_port_and_at_the_ends(void **state)
{
	struct bench *b = *state;
	struct port_map *map = ports_map(&b->ports, 0, NAT_UDP);

	assert_int_equal(find(map, 65535, 65535, 65535), 65535);
	assert_true(port_map_take(map, 65535));
	assert_int_equal(find(map, 65535, 65535, 65535), 0);
	assert_int_equal(find(map, 65000, 65535, 65535), 65000);
	assert_int_equal(find(map, 1, 1, 1), 1);
	assert_true(port_map_take(map, 1));
	assert_int_equal(find(map, 1, 1, 1), 0);
	assert_int_equal(find(map, 63, 64, 64), 64);
	assert_true(port_map_take(map, 64));
	assert_int_equal(find(map, 63, 64, 64), 63);
}

/* RFC 4787 REQ-4. */
static void test_find_of_one_parity_sees_no_other_port(void **state)
{
	struct bench *b = *state;
	struct port_map *map = ports_map(&b->ports, 0, NAT_UDP);

	assert_int_equal(port_map_find(map, range(3000, 3003), 3001, PORTS_EVEN), 3002);
	assert_int_equal(port_map_find(map, range(3000, 3003), 3003, PORTS_EVEN), 3000);
	assert_int_equal(port_map_find(map, range(3000, 3003), 3000, PORTS_ODD), 3001);
	assert_int_equal(port_map_find(map, range(3000, 3000), 3000, PORTS_ODD), 0);
	for (unsigned int port = 1; port < 65535; port += 2)
		port_map_take(map, (uint16_t)port);
	assert_int_equal(port_map_find(map, range(1, 65535), 1, PORTS_ODD), 65535);
	assert_true(port_map_take(map, 65535));
	assert_int_equal(port_map_find(map, range(1, 65535), 1, PORTS_ODD), 0);
	assert_int_equal(port_map_find(map, range(1, 65535), 1, PORTS_EVEN), 2);
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

/* An address that stands for one host has no ports to give (Basic NAT). */
static void test_paired_address_is_not_in_the_pool(void **state)
{
	struct bench *b = *state;

	bench_set(b, "nat.one-to-one", "203.0.113.2=192.168.1.9,203.0.113.77=192.168.1.10");
	assert_int_equal(b->ports.count, 4);
	assert_int_equal(place(&b->ports, "203.0.113.2:0"), NAT_NONE);
	assert_int_equal(place(&b->ports, "203.0.113.9:0"), 3);
	bench_set(b, "nat.external", "203.0.113.2");
	assert_int_equal(b->ports.count, 0);
	assert_int_equal(place(&b->ports, "203.0.113.2:0"), NAT_NONE);
}

static bool is_fixed(const struct bench *b, const char *external, enum nat_protocol protocol)
{
	struct endpoint e = ep(external);
	const struct port_map *map = ports_map(&b->ports, ports_find(&b->ports, &e.addr), protocol);

	assert_int_equal(port_map_is_fixed(map, e.port), port_map_is_taken(map, e.port));
	return port_map_is_fixed(map, e.port);
}

static void test_reserved_ports_are_fixed_on_every_address(void **state)
{
	struct bench *b = *state;

	bench_set(b, "nat.reserved-ports", "22,5000-5002");
	for (uint32_t a = 0; a < b->ports.count; a++) {
		assert_int_equal(ports_map(&b->ports, a, NAT_UDP)->count, 4);
		assert_int_equal(ports_map(&b->ports, a, NAT_TCP)->count, 4);
		assert_int_equal(ports_map(&b->ports, a, NAT_ICMP)->count, 0);
	}
	assert_true(is_fixed(b, "203.0.113.9:22", NAT_TCP));
	assert_false(is_fixed(b, "203.0.113.9:23", NAT_TCP));
	assert_false(is_fixed(b, "203.0.113.9:4999", NAT_UDP));
	assert_true(is_fixed(b, "203.0.113.9:5000", NAT_UDP));
	assert_true(is_fixed(b, "203.0.113.9:5002", NAT_UDP));
	assert_false(is_fixed(b, "203.0.113.9:5003", NAT_UDP));
}

static void test_forwarded_ports_are_fixed_where_they_are_forwarded(void **state)
{
	struct bench *b = *state;

	bench_set(b, "nat.forwards",
		  "tcp:8080=192.168.1.2:80,udp:203.0.113.2:6000-6003=192.168.1.3:7000");
	assert_true(is_fixed(b, "203.0.113.1:8080", NAT_TCP));
	assert_true(is_fixed(b, "198.51.100.4:8080", NAT_TCP));
	assert_false(is_fixed(b, "203.0.113.1:8080", NAT_UDP));
	assert_true(is_fixed(b, "203.0.113.2:6003", NAT_UDP));
	assert_false(is_fixed(b, "203.0.113.2:6004", NAT_UDP));
	assert_false(is_fixed(b, "203.0.113.1:6000", NAT_UDP));
	assert_false(is_fixed(b, "203.0.113.2:6000", NAT_TCP));
}

static void test_fixed_port_cannot_be_given_back(void **state)
{
	struct bench *b = *state;
	struct port_map *map = ports_map(&b->ports, 0, NAT_UDP);
	const struct endpoint external = { E1.addr, 5000 };

	assert_true(port_map_take(map, 5000));
	port_map_fix(map, 5000); /* while it is in use */
	port_map_fix(map, 5001);
	assert_int_equal(map->count, 2);
	ports_release(&b->ports, &b->options, NAT_UDP, &external, true, AT_S(0));
	assert_true(port_map_is_taken(map, 5000));
	assert_int_equal(map->count, 2);
	assert_false(port_map_take(map, 5001));
}

static void test_release_for_an_address_that_is_gone_does_nothing(void **state)
{
	struct bench *b = *state;
	struct endpoint elsewhere = ep("203.0.113.77:5000");

	assert_true(port_map_take(ports_map(&b->ports, 0, NAT_UDP), 5000));
	ports_release(&b->ports, &b->options, NAT_UDP, &elsewhere, true, AT_S(0));
	assert_int_equal(ports_map(&b->ports, 0, NAT_UDP)->count, 1);
	for (uint32_t i = 1; i < b->ports.count * NAT_PROTOCOLS; i++)
		assert_int_equal(b->ports.maps[i].count, 0);
}

static void test_pool_is_made_anew_only_for_knobs_that_shape_it(void **state)
{
	static const char *const shaping[][2] = {
		{ "nat.external", "203.0.113.2" },
		{ "nat.reserved-ports", "22" },
		{ "nat.forwards", "tcp:80=192.168.1.2:80" },
		{ "nat.one-to-one", "203.0.113.5=192.168.1.9" },
		{ "nat.blocks", "dynamic" },
		{ "nat.block-size", "100" },
		{ "nat.block-overflow", "2" },
		{ "nat.internal", "10.0.0.0/24" },
		{ "nat.max-resting-ports", "9" },
	};
	struct bench *b = *state;
	struct options other = b->options;

	lab_value(&other, "udp.ports", "preserve");
	lab_value(&other, "udp.port-range", "3000-4000");
	lab_value(&other, "nat.pooling", "arbitrary");
	assert_true(ports_same(&b->options, &other));
	for (size_t i = 0; i < sizeof(shaping) / sizeof(shaping[0]); i++) {
		other = b->options;
		lab_value(&other, shaping[i][0], shaping[i][1]);
		assert_false(ports_same(&b->options, &other));
	}
}

/* --- rest: RFC 6888 REQ-8 -------------------------------------------------------------------- */

/* Take @port and give it back, to rest from @at on. */
static void lay(struct bench *b, enum nat_protocol protocol, uint16_t port, struct mono at)
{
	const struct endpoint external = { E1.addr, port };

	assert_true(port_map_take(ports_map(&b->ports, 0, protocol), port));
	ports_release(&b->ports, &b->options, protocol, &external, true, at);
}

static bool is_taken(const struct bench *b, enum nat_protocol protocol, uint16_t port)
{
	return port_map_is_taken(ports_map(&b->ports, 0, protocol), port);
}

static void test_rfc6888_req8_freed_port_rests_for_its_delay(void **state)
{
	struct bench *b = *state;

	lab_value(&b->options, "udp.port-reuse-delay", "120s");
	lab_value(&b->options, "tcp.port-reuse-delay", "10s");
	assert_int_equal(ports_wake(&b->ports, &b->options, AT_S(0)).ms, INT64_MAX);
	lay(b, NAT_UDP, 5000, AT_S(1));
	lay(b, NAT_UDP, 5001, AT_S(2));
	lay(b, NAT_TCP, 5000, AT_S(3));
	lay(b, NAT_ICMP, 5000, AT_S(3));
	assert_false(is_taken(b, NAT_ICMP, 5000)); /* no delay, no rest */
	assert_int_equal(ports_wake(&b->ports, &b->options, AT_S(3)).ms, 13000);
	assert_int_equal(ports_wake(&b->ports, &b->options, AT_MS(12999)).ms, 13000);
	assert_true(is_taken(b, NAT_TCP, 5000));
	assert_int_equal(ports_wake(&b->ports, &b->options, AT_S(13)).ms, 121000);
	assert_false(is_taken(b, NAT_TCP, 5000));
	assert_true(is_taken(b, NAT_UDP, 5000));
	assert_int_equal(ports_wake(&b->ports, &b->options, AT_S(121)).ms, 122000);
	assert_false(is_taken(b, NAT_UDP, 5000));
	assert_true(is_taken(b, NAT_UDP, 5001));
	assert_int_equal(ports_wake(&b->ports, &b->options, AT_S(1000)).ms, INT64_MAX);
	assert_int_equal(ports_map(&b->ports, 0, NAT_UDP)->count, 0);
}

static void test_port_that_needs_no_rest_is_free_at_once(void **state)
{
	struct bench *b = *state;
	const struct endpoint external = { E1.addr, 5000 };

	lab_value(&b->options, "udp.port-reuse-delay", "120s");
	assert_true(port_map_take(ports_map(&b->ports, 0, NAT_UDP), 5000));
	ports_release(&b->ports, &b->options, NAT_UDP, &external, false, AT_S(0));
	assert_false(is_taken(b, NAT_UDP, 5000));
	assert_int_equal(b->ports.resting[NAT_UDP].count, 0);
}

static void test_rfc6888_req8d_oldest_rests_no_longer_when_too_many_do(void **state)
{
	struct bench *b = *state;

	lab_value(&b->options, "udp.port-reuse-delay", "120s");
	lab_value(&b->options, "tcp.port-reuse-delay", "120s");
	bench_set(b, "nat.max-resting-ports", "3");
	for (uint16_t i = 0; i < 5; i++)
		lay(b, NAT_UDP, (uint16_t)(5000 + i), AT_S(i));
	for (uint16_t i = 0; i < 5; i++)
		assert_int_equal(is_taken(b, NAT_UDP, (uint16_t)(5000 + i)), i >= 2);
	/* The cap is over all protocols, and each makes way for its own. */
	lay(b, NAT_TCP, 6000, AT_S(6));
	assert_false(is_taken(b, NAT_TCP, 6000));
	assert_true(is_taken(b, NAT_UDP, 5002));
	assert_int_equal(ports_wake(&b->ports, &b->options, AT_S(122)).ms, 123000);
	lay(b, NAT_TCP, 6000, AT_S(122));
	assert_true(is_taken(b, NAT_TCP, 6000));
}

static void test_resting_ports_move_to_a_new_pool_that_has_their_address(void **state)
{
	struct bench *b = *state;
	struct options other;
	struct ports fresh;

	lab_value(&b->options, "udp.port-reuse-delay", "120s");
	other = b->options;
	lay(b, NAT_UDP, 5000, AT_S(1));
	lay(b, NAT_UDP, 5001, AT_S(2));
	lab_value(&other, "nat.external", "203.0.113.0/29");
	lab_value(&other, "nat.max-resting-ports", "1");
	assert_int_equal(ports_init(&fresh, &other), 0);
	ports_move_resting(&fresh, &b->ports);
	assert_int_equal(fresh.resting[NAT_UDP].count, 1);
	assert_int_equal(ports_map(&fresh, place(&fresh, "203.0.113.1:0"), NAT_UDP)->count, 1);
	assert_int_equal(ports_wake(&fresh, &other, AT_S(2)).ms, 121000);
	ports_fini(&fresh);
	lab_value(&other, "nat.external", "203.0.113.2");
	assert_int_equal(ports_init(&fresh, &other), 0);
	ports_move_resting(&fresh, &b->ports);
	assert_int_equal(fresh.resting[NAT_UDP].count, 0);
	assert_int_equal(fresh.maps[NAT_UDP].count, 0);
	ports_fini(&fresh);
}

/* --- rest, as hosts meet it ------------------------------------------------------------------ */

static const char *const protocols[] = { "udp", "tcp", "icmp" };

/* One port, or identifier, of each protocol for all. */
static int setup_one_port(void **state)
{
	const char *const knobs[] = {
		"udp.port-range", "40000-40000", "tcp.port-range", "40000-40000", "icmp.port-range",
		"40000-40000",	  NULL
	};

	*state = lab_open_with(knobs);
	return 0;
}

static void set_delay(struct lab *lab, enum nat_protocol protocol, const char *value)
{
	char knob[32];

	snprintf(knob, sizeof(knob), "%s.port-reuse-delay", protocols[protocol]);
	lab_set(lab, knob, value);
}

static struct nat_outcome try_port(struct lab *lab, enum nat_protocol protocol, struct mono now)
{
	struct wire w = lab_request(protocol, H2, Y1);
	struct nat_outcome outcome = lab_out(lab, w, now);

	if (outcome.verdict == NAT_REWRITTEN)
		assert_int_equal(wire_source(w).port, 40000);
	return outcome;
}

/* Seconds that H1's first packet holds the port. */
static int64_t idle_s(enum nat_protocol protocol)
{
	return protocol == NAT_UDP ? 300 : protocol == NAT_TCP ? 240 : 60;
}

static void test_each_protocol_rests_by_its_own_knob(void **state)
{
	static const enum nat_protocol in_turn[] = { NAT_ICMP, NAT_TCP, NAT_UDP };

	for (enum nat_protocol resting = NAT_UDP; resting < NAT_OTHER; resting++) {
		struct lab *lab;
		void *own;

		setup_one_port(&own);
		lab = own;
		set_delay(lab, resting, "30s");
		for (enum nat_protocol p = NAT_UDP; p < NAT_OTHER; p++)
			lab_open(lab, p, H1, Y1, AT_S(0));
		for (int i = 0; i < 3; i++) {
			enum nat_protocol p = in_turn[i];
			int64_t end = idle_s(p);

			if (p == resting) {
				assert_dropped(try_port(lab, p, AT_S(end)), REASON_PORTS_EXHAUSTED);
				assert_int_equal(lab->nat.ports.resting[p].count, 1);
				assert_dropped(try_port(lab, p, AT_MS((end + 30) * 1000 - 1)),
					       REASON_PORTS_EXHAUSTED);
				end += 30;
			}
			assert_rewritten(try_port(lab, p, AT_S(end)), REASON_MAPPING_CREATED);
		}
		lab_teardown(&own);
	}
	(void)state;
}

/* Who had it gets no more of what still comes for it. */
static void test_resting_port_is_nobodys(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "tcp.unsolicited-syn", "drop");
	for (enum nat_protocol p = NAT_UDP; p < NAT_OTHER; p++)
		set_delay(lab, p, "1h");
	for (enum nat_protocol p = NAT_UDP; p < NAT_OTHER; p++) {
		struct endpoint external = lab_open(lab, p, H1, Y1, AT_S(0));

		nat_tick(&lab->nat, AT_S(idle_s(p)), 10);
		assert_dropped(lab_in(lab, lab_probe(p, Y1, external), AT_S(idle_s(p))),
			       REASON_NO_MAPPING);
		assert_dropped(lab_out(lab, lab_request(p, H1, Y1), AT_S(idle_s(p))),
			       REASON_PORTS_EXHAUSTED);
	}
}

/* What rests already does so by what the knob says by now, not by what it said. */
static void test_delay_changed_while_ports_rest_counts_for_them(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p < NAT_OTHER; p++) {
		int64_t base = 10000 * (int64_t)p, end = base + idle_s(p);

		set_delay(lab, p, "30s");
		lab_open(lab, p, H1, Y1, AT_S(base));
		nat_tick(&lab->nat, AT_S(end), 10);
		set_delay(lab, p, "60s");
		assert_dropped(try_port(lab, p, AT_S(end + 59)), REASON_PORTS_EXHAUSTED);
		set_delay(lab, p, "0s");
		assert_rewritten(try_port(lab, p, AT_S(end + 59)), REASON_MAPPING_CREATED);
	}
}

/* --- blocks --------------------------------------------------------------------------------- */

static void test_rfc6888_req14_block_belongs_to_one_host(void **state)
{
	struct bench *b = *state;
	struct endpoint first;

	lab_value(&b->options, "nat.block-size", "1000");
	bench_set(b, "nat.blocks", "dynamic");
	assert_int_equal(b->ports.blocks, 64);
	assert_int_equal(ports_block(&b->ports, 0).first, 1024);
	assert_int_equal(ports_block(&b->ports, 0).last, 2023);
	assert_int_equal(ports_block(&b->ports, 63).last, 65023);
	for (uint32_t i = 0; i < 64; i++)
		assert_int_equal(ports_take_block(&b->ports, 1, 60, 100 + i), (60 + i) % 64);
	assert_int_equal(ports_take_block(&b->ports, 1, 0, 7), NAT_NONE);
	assert_int_equal(ports_take_block(&b->ports, 2, 5, 0), 5);
	first = (struct endpoint){ b->ports.addresses[1], 1024 };
	assert_int_equal(ports_block_owner(&b->ports, &first), 104);
	first.port = 2023;
	assert_int_equal(ports_block_owner(&b->ports, &first), 104);
	first.port = 2024;
	assert_int_equal(ports_block_owner(&b->ports, &first), 105);
	first.port = 1023;
	assert_int_equal(ports_block_owner(&b->ports, &first), NAT_NONE);
	first.port = 65024; /* the rest that makes no whole block */
	assert_int_equal(ports_block_owner(&b->ports, &first), NAT_NONE);
	first = (struct endpoint){ b->ports.addresses[2], 6500 };
	assert_int_equal(ports_block_owner(&b->ports, &first), 0);
	first = ep("192.0.2.1:1024");
	assert_int_equal(ports_block_owner(&b->ports, &first), NAT_NONE);
	ports_release_block(&b->ports, &first);
	first = (struct endpoint){ b->ports.addresses[1], 3024 };
	ports_release_block(&b->ports, &first);
	assert_int_equal(ports_block_owner(&b->ports, &first), NAT_NONE);
	assert_int_equal(ports_take_block(&b->ports, 1, 60, 3), 2);
}

static void test_blocks_of_odd_sizes_fill_what_they_can(void **state)
{
	static const struct {
		const char *size;
		uint32_t blocks, last;
	} rows[] = { { "1", 64512, 65535 },
		     { "64512", 1, 65535 },
		     { "65535", 1, 65535 },
		     { "40000", 1, 41023 },
		     { "63", 1024, 65535 } };
	struct bench *b = *state;

	lab_value(&b->options, "nat.blocks", "dynamic");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bench_set(b, "nat.block-size", rows[i].size);
		assert_int_equal(b->ports.blocks, rows[i].blocks);
		assert_int_equal(ports_block(&b->ports, rows[i].blocks - 1).last, rows[i].last);
	}
	bench_set(b, "nat.blocks", "off");
	assert_int_equal(b->ports.blocks, 0);
}

static struct addr host_number(const struct bench *b, uint32_t number)
{
	return addr_from_ip4(addr_ip4(&b->options.blocks.internal.first) + number);
}

/* 256 hosts on 4 addresses: 64 share one, each has 64512 / 64 ports. */
static void test_rfc7422_seq_nth_host_has_nth_block(void **state)
{
	struct bench *b = *state;
	uint32_t address;

	lab_value(&b->options, "nat.external", "203.0.113.4/30");
	lab_value(&b->options, "nat.internal", "192.168.1.0/24");
	bench_set(b, "nat.blocks", "deterministic");
	assert_int_equal(b->ports.block_size, 1008);
	for (uint32_t n = 0; n < 256; n++) {
		struct addr host = host_number(b, n);

		assert_int_equal(ports_deterministic(&b->ports, &b->options, &host, &address),
				 n % 64);
		assert_int_equal(address, n / 64);
		assert_int_equal(ports_block(&b->ports, n % 64).first, 1024 + n % 64 * 1008);
	}
	assert_int_equal(ports_block(&b->ports, 63).last, 65535);
	for (uint32_t n = 0; n < 2; n++) {
		struct addr host = host_number(b, n == 0 ? UINT32_MAX : 256);

		assert_int_equal(ports_deterministic(&b->ports, &b->options, &host, &address),
				 NAT_NONE);
	}
}

/* Every port of every address: back to the host whose it is, and from there here again. */
static void check_inverse(struct bench *b)
{
	uint32_t hosts = addr_ip4(&b->options.blocks.internal.last) -
			 addr_ip4(&b->options.blocks.internal.first) + 1;
	uint32_t *ports_of = calloc(hosts, sizeof(*ports_of));

	assert_non_null(ports_of);
	for (uint32_t a = 0; a < b->ports.count; a++) {
		for (uint32_t port = 0; port <= UINT16_MAX; port++) {
			struct endpoint e = { b->ports.addresses[a], (uint16_t)port };
			uint32_t address, block;
			struct addr host;

			if (!ports_deterministic_owner(&b->ports, &b->options, &e, &host))
				continue;
			block = ports_deterministic(&b->ports, &b->options, &host, &address);
			assert_int_equal(address, a);
			assert_in_range(port, ports_block(&b->ports, block).first,
					ports_block(&b->ports, block).last);
			ports_of[addr_ip4(&host) - addr_ip4(&b->options.blocks.internal.first)]++;
		}
	}
	for (uint32_t n = 0; n < hosts; n++)
		assert_int_equal(ports_of[n], b->ports.block_size);
	free(ports_of);
}

static void test_rfc7422_inv_port_leads_back_to_its_host(void **state)
{
	struct bench *b = *state;
	struct endpoint elsewhere;
	struct addr host;

	lab_value(&b->options, "nat.blocks", "deterministic");
	/* Ranges that fill the last address, and ranges that do not. */
	bench_set(b, "nat.internal", "10.0.0.0-10.0.0.99");
	assert_int_equal(b->ports.block_size, 64512 / 20);
	check_inverse(b);
	bench_set(b, "nat.internal", "10.0.0.7-10.0.0.19");
	assert_int_equal(b->ports.block_size, 64512 / 3);
	check_inverse(b);
	bench_set(b, "nat.block-overflow", "4");
	assert_int_equal(b->ports.block_size, 64512 / 7);
	check_inverse(b);
	assert_false(ports_deterministic_owner(
		&b->ports, &b->options, &(struct endpoint){ b->ports.addresses[0], 1023 }, &host));
	elsewhere = H1;
	assert_false(ports_deterministic_owner(&b->ports, &b->options, &elsewhere, &host));
}

static void test_rfc7422_ovf_overflow_follows_the_blocks_of_the_hosts(void **state)
{
	struct bench *b = *state;
	struct port_range overflow;
	struct addr host;

	lab_value(&b->options, "nat.blocks", "deterministic");
	bench_set(b, "nat.internal", "10.0.0.0-10.0.0.9"); /* two on each address */
	assert_false(ports_overflow(&b->ports, &b->options, &overflow));
	bench_set(b, "nat.block-overflow", "3");
	assert_int_equal(b->ports.block_size, 64512 / 5);
	assert_true(ports_overflow(&b->ports, &b->options, &overflow));
	assert_int_equal(overflow.first, 1024 + 2 * 12902);
	assert_int_equal(overflow.last, 1024 + 5 * 12902 - 1);
	for (uint32_t port = overflow.first; port <= overflow.last; port++)
		assert_false(ports_deterministic_owner(
			&b->ports, &b->options,
			&(struct endpoint){ b->ports.addresses[0], (uint16_t)port }, &host));
	bench_set(b, "nat.blocks", "off");
	assert_false(ports_overflow(&b->ports, &b->options, &overflow));
}

static void test_more_hosts_than_ports_is_nobodys_block(void **state)
{
	struct bench *b = *state;
	uint32_t address;
	struct addr host;

	lab_value(&b->options, "nat.blocks", "deterministic");
	bench_set(b, "nat.internal", "10.0.0.0/8");
	host = host_number(b, 0);
	assert_int_equal(b->ports.block_size, 0);
	assert_int_equal(b->ports.blocks, 0);
	assert_int_equal(ports_deterministic(&b->ports, &b->options, &host, &address), NAT_NONE);
	assert_false(ports_deterministic_owner(
		&b->ports, &b->options, &(struct endpoint){ b->ports.addresses[0], 5000 }, &host));
}

/* All addresses are one-to-one: blocks are wanted, and there is nothing to divide. */
static void test_empty_pool_has_no_blocks(void **state)
{
	struct bench *b = *state;
	struct port_range overflow;
	const struct addr host = addr_from_ip4(0x0a000001);
	uint32_t address;

	lab_value(&b->options, "nat.blocks", "deterministic");
	lab_value(&b->options, "nat.internal", "10.0.0.0-10.0.0.9");
	lab_value(&b->options, "nat.block-overflow", "3");
	lab_value(&b->options, "nat.external", "203.0.113.9");
	bench_set(b, "nat.one-to-one", "203.0.113.9=192.168.1.9");
	assert_int_equal(b->ports.count, 0);
	assert_false(ports_overflow(&b->ports, &b->options, &overflow));
	assert_int_equal(ports_deterministic(&b->ports, &b->options, &host, &address), NAT_NONE);
}

int main(void)
{
#define pool_test(f)	 cmocka_unit_test_setup_teardown(f, setup_pool, teardown)
#define port_test(f)	 cmocka_unit_test_setup_teardown(f, setup, teardown)
#define one_port_test(f) cmocka_unit_test_setup_teardown(f, setup_one_port, lab_teardown)
	const struct CMUnitTest tests[] = {
		port_test(test_port_can_be_taken_once_and_again_after_release),
		port_test(test_port_zero_is_never_given),
		port_test(test_find_agrees_with_a_plain_search),
		port_test(test_find_in_ranges_of_one_port_and_at_the_ends),
		port_test(test_find_of_one_parity_sees_no_other_port),
		pool_test(test_rfc6888_req3_pool_of_scattered_ranges),
		pool_test(test_paired_address_is_not_in_the_pool),
		pool_test(test_reserved_ports_are_fixed_on_every_address),
		pool_test(test_forwarded_ports_are_fixed_where_they_are_forwarded),
		port_test(test_fixed_port_cannot_be_given_back),
		pool_test(test_release_for_an_address_that_is_gone_does_nothing),
		port_test(test_pool_is_made_anew_only_for_knobs_that_shape_it),
		port_test(test_rfc6888_req8_freed_port_rests_for_its_delay),
		port_test(test_port_that_needs_no_rest_is_free_at_once),
		port_test(test_rfc6888_req8d_oldest_rests_no_longer_when_too_many_do),
		port_test(test_resting_ports_move_to_a_new_pool_that_has_their_address),
		cmocka_unit_test(test_each_protocol_rests_by_its_own_knob),
		one_port_test(test_resting_port_is_nobodys),
		one_port_test(test_delay_changed_while_ports_rest_counts_for_them),
		pool_test(test_rfc6888_req14_block_belongs_to_one_host),
		port_test(test_blocks_of_odd_sizes_fill_what_they_can),
		port_test(test_rfc7422_seq_nth_host_has_nth_block),
		pool_test(test_rfc7422_inv_port_leads_back_to_its_host),
		pool_test(test_rfc7422_ovf_overflow_follows_the_blocks_of_the_hosts),
		pool_test(test_more_hosts_than_ports_is_nobodys_block),
		pool_test(test_empty_pool_has_no_blocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
