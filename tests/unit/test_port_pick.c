/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which external endpoint a new mapping gets. Most tests call port_pick() alone, on ports that no
 * mapping has: what is taken stays taken.
 */
#include "tests/unit/lab.h"

static const char pool[] = "203.0.113.9,203.0.113.1-203.0.113.2,198.51.100.4/31";

static int setup_pool(void **state)
{
	const char *const knobs[] = { "nat.external", pool, NULL };

	*state = lab_open_with(knobs);
	return 0;
}

/* Change a knob; unlike lab_set() it does not ask whose the ports are that are taken. */
static void set(struct lab *lab, const char *key, const char *value)
{
	lab_value(&lab->options, key, value);
	assert_int_equal(nat_configure(&lab->nat, &lab->options), 0);
}

static enum nat_reason pick_for(struct lab *lab, enum nat_protocol protocol,
				struct endpoint internal, struct endpoint remote,
				struct endpoint *external)
{
	uint32_t host = host_find(&lab->nat.hosts, &internal.addr);

	if (host == NAT_NONE)
		host = host_pin(&lab->nat.hosts, &internal.addr);
	assert_int_not_equal(host, NAT_NONE);
	return port_pick(&lab->nat, protocol, &internal, &remote, host, AT_S(0), external);
}

static bool pick(struct lab *lab, enum nat_protocol protocol, struct endpoint internal,
		 struct endpoint *external)
{
	enum nat_reason reason = pick_for(lab, protocol, internal, Y1, external);

	if (reason == REASON_MAPPING_CREATED)
		return true;
	assert_int_equal(reason, REASON_PORTS_EXHAUSTED);
	return false;
}

static uint16_t pick_to(struct lab *lab, enum nat_protocol protocol, unsigned int internal,
			struct endpoint remote)
{
	struct endpoint external;

	assert_int_equal(pick_for(lab, protocol, ep_port(H1, internal), remote, &external),
			 REASON_MAPPING_CREATED);
	return external.port;
}

static uint16_t pick_port(struct lab *lab, enum nat_protocol protocol, unsigned int internal)
{
	return pick_to(lab, protocol, internal, Y1);
}

static void give_back(struct lab *lab, enum nat_protocol protocol, unsigned int port)
{
	const struct endpoint external = ep_port(E1, port);

	ports_release(&lab->nat.ports, &lab->nat.options, protocol, &external, false, AT_S(0));
}

static void empty(struct lab *lab, enum nat_protocol protocol)
{
	struct port_map *map = ports_map(&lab->nat.ports, 0, protocol);

	for (uint32_t port = 1; port <= UINT16_MAX; port++)
		if (port_map_is_taken(map, (uint16_t)port))
			port_map_release(map, (uint16_t)port);
	assert_int_equal(map->count, 0);
}

/* --- strategies ----------------------------------------------------------------------------- */

static void check_all_given(struct lab *lab)
{
	struct port_map *map = ports_map(&lab->nat.ports, 0, NAT_UDP);
	bool *seen = calloc(65536, sizeof(*seen));
	struct endpoint external;

	assert_non_null(seen);
	for (uint32_t i = 1024; i <= UINT16_MAX; i++) {
		uint16_t port = pick_port(lab, NAT_UDP, 4242);

		assert_in_range(port, 1024, UINT16_MAX);
		assert_false(seen[port]);
		seen[port] = true;
	}
	assert_int_equal(map->count, 65536 - 1024);
	assert_false(pick(lab, NAT_UDP, H1, &external));
	/* At 99.9 % taken the few free ones are found. */
	for (uint32_t port = 1030; port <= UINT16_MAX; port += 1000)
		give_back(lab, NAT_UDP, port);
	for (uint32_t port = 1030; port <= UINT16_MAX; port += 1000)
		assert_int_equal(pick_port(lab, NAT_UDP, 4242) % 1000, 30);
	assert_false(pick(lab, NAT_UDP, H1, &external));
	empty(lab, NAT_UDP);
	free(seen);
}

static void test_rfc6888_req13_every_port_of_the_range_is_given_once(void **state)
{
	static const char *const strategies[] = { "preserve", "sequential", "contiguous",
						  "random" };
	static const char *const algorithms[] = { "simple", "redraw", "hash", "double-hash",
						  "increments" };

	for (size_t s = 0; s < sizeof(strategies) / sizeof(strategies[0]); s++) {
		set(*state, "udp.ports", strategies[s]);
		check_all_given(*state);
	}
	for (size_t a = 0; a < sizeof(algorithms) / sizeof(algorithms[0]); a++) {
		set(*state, "udp.random", algorithms[a]);
		check_all_given(*state);
	}
}

static void test_rfc6056_random_ports_spread_over_the_range(void **state)
{
	static const char *const algorithms[] = { "simple", "redraw" };
	struct lab *lab = *state;

	for (size_t a = 0; a < sizeof(algorithms) / sizeof(algorithms[0]); a++) {
		unsigned int bins[64] = { 0 }, neighbours = 0;
		uint16_t before = 0;

		set(lab, "udp.random", algorithms[a]);
		for (int i = 0; i < 6400; i++) {
			uint16_t port = pick_port(lab, NAT_UDP, 5000);

			bins[(port - 1024) / 1008]++;
			neighbours += port == before + 1;
			before = port;
		}
		for (int i = 0; i < 64; i++)
			assert_in_range(bins[i], 60, 140);
		assert_in_range(neighbours, 0, 5);
		empty(lab, NAT_UDP);
	}
}

/* Algorithm 1 goes on from a taken port to the next, algorithm 2 draws again. */
static void test_rfc6056_simple_steps_on_and_redraw_does_not(void **state)
{
	static const char *const algorithms[] = { "simple", "redraw" };
	struct lab *lab = *state;

	for (unsigned int a = 0; a < 2; a++) {
		unsigned int after_block = 0;

		set(lab, "udp.random", algorithms[a]);
		for (uint32_t port = 2000; port <= UINT16_MAX; port++) /* all but a sixtieth */
			port_map_take(ports_map(&lab->nat.ports, 0, NAT_UDP), (uint16_t)port);
		for (int i = 0; i < 100; i++)
			after_block += pick_port(lab, NAT_UDP, 5000) < 1024 + 110;
		if (a == 0)
			assert_in_range(after_block, 90, 100); /* the first free ones, in a row */
		else
			assert_in_range(after_block, 0, 40);
		empty(lab, NAT_UDP);
	}
}

static void test_rfc6056_key_decides_the_ports(void **state)
{
	struct lab *lab = *state;
	struct siphash_key key;
	unsigned int same = 0;
	uint16_t first[50];

	assert_int_equal(rng_key(6056, &key), 0);
	for (int round = 0; round < 2; round++) {
		nat_reseed(&lab->nat, &key);
		for (int i = 0; i < 50; i++) {
			uint16_t port = pick_port(lab, NAT_UDP, 5000);

			if (round == 0)
				first[i] = port;
			assert_int_equal(port, first[i]);
		}
		empty(lab, NAT_UDP);
	}
	assert_int_equal(rng_key(6057, &key), 0);
	nat_reseed(&lab->nat, &key);
	for (int i = 0; i < 50; i++)
		same += pick_port(lab, NAT_UDP, 5000) == first[i];
	assert_in_range(same, 0, 2);
}

static struct endpoint remote_number(unsigned int i)
{
	struct endpoint e = { .addr = addr_from_ip4(0xc6336401 + i), .port = 443 };

	return e;
}

/* Algorithm 3: one sequence for all, from an offset that each remote has of its own. */
static void test_rfc6056_hash_has_an_offset_per_remote_and_one_counter(void **state)
{
	struct lab *lab = *state;
	uint16_t first;
	unsigned int near = 0;

	set(lab, "udp.random", "hash");
	first = pick_port(lab, NAT_UDP, 5000);
	assert_int_equal(pick_port(lab, NAT_UDP, 5000), first + 1);
	for (unsigned int i = 0; i < 20; i++) {
		int offset = pick_to(lab, NAT_UDP, 5000, remote_number(i)) - first;

		near += offset > -100 && offset < 100;
	}
	assert_in_range(near, 0, 2);
	/* the 20 to others moved it on */
	assert_int_equal(pick_port(lab, NAT_UDP, 5000), first + 22);
	/* of the remote, the port counts too */
	assert_int_not_equal(pick_to(lab, NAT_UDP, 5000, Y1_Q), first + 23);
}

/* Algorithm 4: remotes of other sequences do not move it on. */
static void test_rfc6056_double_hash_has_sequences_apart(void **state)
{
	struct lab *lab = *state;
	uint16_t first;

	set(lab, "udp.random", "double-hash");
	first = pick_port(lab, NAT_UDP, 5000);
	for (unsigned int i = 0; i < 20; i++)
		pick_to(lab, NAT_UDP, 5000, remote_number(i));
	assert_int_equal(pick_port(lab, NAT_UDP, 5000), first + 1);
}

/* Algorithm 5: steps of 1 to 500, 250 on the average. */
static void test_rfc6056_increments_are_from_1_to_500(void **state)
{
	struct lab *lab = *state;
	uint32_t before, sum = 0, shortest = 500, longest = 0;

	set(lab, "udp.random", "increments");
	before = pick_port(lab, NAT_UDP, 5000);
	for (int i = 0; i < 2000; i++) {
		uint32_t port = pick_port(lab, NAT_UDP, 5000);
		uint32_t step = (port + 64512 - before) % 64512;

		assert_in_range(step, 1, 500);
		sum += step;
		shortest = step < shortest ? step : shortest;
		longest = step > longest ? step : longest;
		give_back(lab, NAT_UDP, port); /* so that no step is longer for a taken port */
		before = port;
	}
	assert_in_range(sum / 2000, 240, 260);
	assert_in_range(shortest, 1, 5);
	assert_in_range(longest, 495, 500);
}

static void test_preserve_keeps_the_port_while_it_is_free_and_in_range(void **state)
{
	struct lab *lab = *state;

	set(lab, "udp.ports", "preserve");
	assert_int_equal(pick_port(lab, NAT_UDP, 5000), 5000);
	assert_int_equal(pick_port(lab, NAT_UDP, 1024), 1024);
	assert_int_equal(pick_port(lab, NAT_UDP, 65535), 65535);
	assert_int_not_equal(pick_port(lab, NAT_UDP, 5000), 5000);
	assert_int_equal(pick_port(lab, NAT_UDP, 500), 500);
	assert_int_equal(pick_port(lab, NAT_UDP, 1023), 1023);
	set(lab, "udp.port-range", "2000-3000");
	assert_int_equal(pick_port(lab, NAT_UDP, 2000), 2000);
	assert_int_equal(pick_port(lab, NAT_UDP, 3000), 3000);
	assert_in_range(pick_port(lab, NAT_UDP, 3001), 2001, 2999);
	assert_in_range(pick_port(lab, NAT_UDP, 1999), 2001, 2999);
}

static void test_rfc4787_req3_collision_of_preserved_ports_is_random(void **state)
{
	struct lab *lab = *state;
	uint16_t a, c;

	set(lab, "udp.ports", "preserve");
	assert_int_equal(pick_port(lab, NAT_UDP, 5000), 5000);
	a = pick_port(lab, NAT_UDP, 5000);
	c = pick_port(lab, NAT_UDP, 5000);
	assert_int_not_equal(a, 5001);
	assert_int_not_equal(c, a + 1);
}

static void test_preserve_only_gives_that_port_or_none(void **state)
{
	struct lab *lab = *state;
	struct endpoint external;

	set(lab, "udp.ports", "preserve-only");
	assert_int_equal(pick_port(lab, NAT_UDP, 5000), 5000);
	assert_false(pick(lab, NAT_UDP, H2, &external));
	give_back(lab, NAT_UDP, 5000);
	assert_true(pick(lab, NAT_UDP, H2, &external));
	set(lab, "udp.port-range", "6000-7000");
	assert_false(pick(lab, NAT_UDP, ep_port(H1, 5999), &external));
}

static void test_sequential_goes_on_and_round(void **state)
{
	struct lab *lab = *state;
	struct endpoint external;

	set(lab, "udp.ports", "sequential");
	set(lab, "udp.port-range", "3000-3003");
	assert_int_equal(pick_port(lab, NAT_UDP, 2000), 3000);
	assert_int_equal(pick_port(lab, NAT_UDP, 2000), 3001);
	give_back(lab, NAT_UDP, 3001);
	assert_int_equal(pick_port(lab, NAT_UDP, 2000), 3002); /* not the one just given back */
	assert_int_equal(pick_port(lab, NAT_UDP, 2000), 3003);
	assert_int_equal(pick_port(lab, NAT_UDP, 2000), 3001);
	assert_false(pick(lab, NAT_UDP, H1, &external));
	set(lab, "udp.port-range", "2100-65535");
	assert_int_equal(pick_port(lab, NAT_UDP, 2000), 2100);
	set(lab, "udp.port-range", "65535-65535");
	assert_int_equal(pick_port(lab, NAT_UDP, 2000), 65535);
	set(lab, "udp.port-range", "65530-65535");
	assert_int_equal(pick_port(lab, NAT_UDP, 2000), 65530);
}

/* RFC 4787 section 4.2.3: RTP on a port, RTCP on the next. */
static void test_contiguous_puts_neighbours_beside_each_other(void **state)
{
	struct lab *lab = *state;
	struct endpoint rtp, rtcp, before, other;

	lab_set(lab, "udp.ports", "contiguous");
	rtp = lab_open(lab, NAT_UDP, ep_port(H1, 5000), Y1, AT_S(0));
	rtcp = lab_open(lab, NAT_UDP, ep_port(H1, 5001), Y1_Q, AT_S(0));
	assert_int_equal(rtcp.port, rtp.port + 1);
	before = lab_open(lab, NAT_UDP, ep_port(H1, 4999), Y1, AT_S(0));
	assert_int_equal(before.port, rtp.port - 1);
	/* Another host's port is no neighbour, nor one that is further away. */
	other = lab_open(lab, NAT_UDP, ep_port(H2, 5002), Y1, AT_S(0));
	assert_int_not_equal(other.port, rtcp.port + 1);
	other = lab_open(lab, NAT_UDP, ep_port(H1, 5003), Y1, AT_S(0));
	assert_int_not_equal(other.port, rtcp.port + 2);
	/* Where the place is taken, any will do. */
	port_map_take(ports_map(&lab->nat.ports, 0, NAT_UDP), (uint16_t)(rtcp.port + 1));
	assert_int_not_equal(pick_port(lab, NAT_UDP, 5002), rtcp.port + 1);
}

/* A fault devices have (RFC 4787 REQ-3): the next host takes the port away from the last. */
static void test_overload_takes_the_port_from_whoever_has_it(void **state)
{
	struct lab *lab = *state;
	struct endpoint external;

	lab_set(lab, "udp.ports", "overload");
	external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	assert_int_equal(external.port, 5000);
	assert_true(lab_comes_in(lab, NAT_UDP, Y1, external, H1, AT_S(1)));
	assert_same_endpoint(lab_open(lab, NAT_UDP, H2, Y1, AT_S(2)), external);
	assert_true(lab_comes_in(lab, NAT_UDP, Y1, external, H2, AT_S(3)));
	assert_int_equal(lab->nat.mappings.arena.live, 1);
	assert_same_endpoint(lab_open(lab, NAT_UDP, H1, Y2, AT_S(4)), external);
	assert_false(lab_comes_in(lab, NAT_UDP, Y1, external, H1, AT_S(5)));
	/* But not from the router. */
	lab_set(lab, "nat.reserved-ports", "6000");
	assert_dropped(lab_out(lab, wire_udp(ep_port(H1, 6000), Y1), AT_S(6)),
		       REASON_PORTS_EXHAUSTED);
}

/* --- which ports are allowed ---------------------------------------------------------------- */

struct class_row {
	unsigned int internal, first, last;
};

static void check_class(struct lab *lab, const char *class, const char *range,
			const struct class_row *rows, size_t count)
{
	set(lab, "udp.port-range", range);
	set(lab, "udp.range-class", class);
	for (size_t i = 0; i < count; i++) {
		unsigned int lowest = UINT16_MAX, highest = 0, spread;

		for (int k = 0; k < 300; k++) {
			unsigned int port = pick_port(lab, NAT_UDP, rows[i].internal);

			lowest = port < lowest ? port : lowest;
			highest = port > highest ? port : highest;
		}
		if (lowest < rows[i].first || highest > rows[i].last)
			fail_msg("%s in %s: %u got %u-%u", class, range, rows[i].internal, lowest,
				 highest);
		spread = (rows[i].last - rows[i].first) / 10;
		assert_in_range(lowest, rows[i].first, rows[i].first + spread);
		assert_in_range(highest, rows[i].last - spread, rows[i].last);
		empty(lab, NAT_UDP);
	}
}

#define CHECK_CLASS(class, range, ...)                                                      \
	do {                                                                                \
		static const struct class_row rows_[] = { __VA_ARGS__ };                    \
		check_class(*state, class, range, rows_, sizeof(rows_) / sizeof(rows_[0])); \
	} while (0)

/* RFC 4787 REQ-3a: what is below 1024 stays below, what is above stays above. */
static void test_rfc4787_req3a_ports_keep_to_their_range(void **state)
{
	CHECK_CLASS("keep", "1024-65535", { 1, 1, 1023 }, { 1023, 1, 1023 }, { 1024, 1024, 65535 },
		    { 65535, 1024, 65535 });
	CHECK_CLASS("keep", "500-3000", { 1, 500, 1023 }, { 1024, 1024, 3000 });
	CHECK_CLASS("ignore", "1024-65535", { 1, 1024, 65535 }, { 2000, 1024, 65535 });
	CHECK_CLASS("ignore", "1-1000", { 2000, 1, 1000 });
}

/* What devices do instead. */
static void test_ports_keep_to_the_classes_of_devices(void **state)
{
	CHECK_CLASS("linux", "1024-65535", { 1, 1, 511 }, { 511, 1, 511 }, { 512, 600, 1023 },
		    { 1023, 600, 1023 }, { 1024, 1024, 65535 });
	CHECK_CLASS("cisco", "1024-65535", { 511, 1, 511 }, { 512, 512, 1023 }, { 1023, 512, 1023 },
		    { 1024, 1024, 65535 });
}

/* RFC 4787 REQ-4, RFC 7857 section 8. */
static void test_rfc4787_req4_parity_is_kept(void **state)
{
	static const char *const strategies[] = { "random", "preserve", "sequential",
						  "contiguous" };
	struct lab *lab = *state;
	struct endpoint external;

	set(lab, "udp.parity", "on");
	set(lab, "udp.port-range", "3000-3199");
	for (size_t s = 0; s < sizeof(strategies) / sizeof(strategies[0]); s++) {
		set(lab, "udp.ports", strategies[s]);
		for (unsigned int i = 0; i < 100; i++)
			assert_int_equal(pick_port(lab, NAT_UDP, 5001) % 2, 1);
		assert_false(pick(lab, NAT_UDP, ep_port(H1, 5001), &external));
		for (unsigned int i = 0; i < 100; i++)
			assert_int_equal(pick_port(lab, NAT_UDP, 5000) % 2, 0);
		assert_false(pick(lab, NAT_UDP, ep_port(H1, 5000), &external));
		empty(lab, NAT_UDP);
	}
	/* TCP has a knob of its own. */
	set(lab, "tcp.port-range", "3001-3001");
	assert_int_equal(pick_port(lab, NAT_TCP, 5000), 3001);
}

static void test_reserved_and_forwarded_ports_are_never_given(void **state)
{
	static const char *const strategies[] = { "random", "preserve", "sequential",
						  "contiguous" };
	struct lab *lab = *state;
	struct endpoint external;

	lab_value(&lab->options, "nat.reserved-ports", "3000-3003");
	set(lab, "nat.forwards", "udp:3006=192.168.1.9:80");
	set(lab, "udp.port-range", "3000-3007");
	for (size_t s = 0; s < sizeof(strategies) / sizeof(strategies[0]); s++) {
		unsigned int sum = 0;

		set(lab, "udp.ports", strategies[s]);
		for (int i = 0; i < 3; i++)
			sum += pick_port(lab, NAT_UDP, 3001);
		assert_int_equal(sum, 3004 + 3005 + 3007);
		assert_false(pick(lab, NAT_UDP, ep_port(H1, 3001), &external));
		give_back(lab, NAT_UDP, 3004);
		give_back(lab, NAT_UDP, 3005);
		give_back(lab, NAT_UDP, 3007);
	}
}

/* Trap 38. */
static void test_port_zero_is_never_given(void **state)
{
	static const char *const strategies[] = { "preserve", "contiguous", "sequential",
						  "random",   "overload",   "preserve-only" };
	struct lab *lab = *state;
	struct endpoint external;

	set(lab, "udp.range-class", "ignore");
	set(lab, "udp.port-range", "1-70");
	for (size_t s = 0; s < 4; s++) {
		set(lab, "udp.ports", strategies[s]);
		for (int i = 0; i < 70; i++)
			assert_in_range(pick_port(lab, NAT_UDP, 0), 1, 70);
		assert_false(pick(lab, NAT_UDP, ep_port(H1, 0), &external));
		empty(lab, NAT_UDP);
	}
	for (size_t s = 4; s < 6; s++) {
		set(lab, "udp.ports", strategies[s]);
		assert_false(pick(lab, NAT_UDP, ep_port(H1, 0), &external));
	}
}

static void test_icmp_identifiers_are_all_but_zero(void **state)
{
	struct lab *lab = *state;
	struct endpoint external;

	for (uint32_t i = 1; i <= UINT16_MAX; i++)
		assert_int_not_equal(pick_port(lab, NAT_ICMP, i % 2 ? 1 : 5000), 0);
	assert_false(pick(lab, NAT_ICMP, H1, &external));
	set(lab, "icmp.ports", "preserve");
	give_back(lab, NAT_ICMP, 7);
	assert_int_equal(pick_port(lab, NAT_ICMP, 0), 7);
}

/* Identifiers have no privileged range: all that counts is the knob. */
static void test_icmp_identifiers_keep_to_their_range(void **state)
{
	struct lab *lab = *state;
	struct endpoint external;

	set(lab, "icmp.port-range", "1-100");
	for (uint32_t i = 1; i <= 100; i++)
		assert_in_range(pick_port(lab, NAT_ICMP, i % 2 ? 1 : 5000), 1, 100);
	assert_false(pick(lab, NAT_ICMP, H1, &external));
	set(lab, "icmp.port-range", "60000-60099");
	for (uint32_t i = 1; i <= 100; i++)
		assert_in_range(pick_port(lab, NAT_ICMP, i % 2 ? 1 : 5000), 60000, 60099);
	assert_false(pick(lab, NAT_ICMP, H1, &external));
}

/* Trap 48. */
static void test_protocols_and_addresses_have_ports_of_their_own(void **state)
{
	struct lab *lab = *state;
	bool used[5] = { false };
	unsigned int addresses = 0;

	for (enum nat_protocol p = NAT_UDP; p < NAT_OTHER; p++) {
		char knob[32];

		snprintf(knob, sizeof(knob), "%s.ports", nat_protocol_name(p));
		set(lab, knob, "preserve");
		assert_int_equal(pick_port(lab, p, 5000), 5000);
		assert_int_not_equal(pick_port(lab, p, 5000), 5000);
	}
	/* Other hosts, on another address of the pool, get the same port. */
	for (unsigned int i = 0; i < 40 && addresses < 5; i++) {
		struct endpoint host = { addr_from_ip4(0xc0a80110 + i), 5000 }, external;
		uint32_t place;

		assert_true(pick(lab, NAT_UDP, host, &external));
		place = ports_find(&lab->nat.ports, &external.addr);
		addresses += !used[place] && external.port == 5000;
		used[place] = true;
	}
	assert_in_range(addresses, 4, 5); /* H1 has the port on one of them */
}

/* --- one port for several hosts: RFC 7857 section 3 ------------------------------------------ */

static void test_rfc7857_req3_overlapped_port_serves_hosts_towards_different_remotes(void **state)
{
	static const char *const strategies[] = { "random", "preserve", "preserve-only" };
	struct lab *lab = *state;

	lab_set(lab, "udp.port-overlap", "on");
	lab_set(lab, "udp.port-range", "5000-5000");
	for (int s = 0; s < 3; s++) {
		struct endpoint a, b;
		int t = s * 1000;

		lab_set(lab, "udp.ports", strategies[s]);
		a = lab_open(lab, NAT_UDP, H1, Y1, AT_S(t));
		b = lab_open(lab, NAT_UDP, H2, Y2, AT_S(t));
		assert_int_equal(a.port, 5000);
		assert_same_endpoint(a, b);
		assert_true(lab_comes_in(lab, NAT_UDP, Y1, a, H1, AT_S(t + 1)));
		assert_true(lab_comes_in(lab, NAT_UDP, Y2, a, H2, AT_S(t + 1)));
		/* Towards a remote that another host has through this port there is none. */
		assert_dropped(lab_out(lab, wire_udp(H2, Y1), AT_S(t + 2)), REASON_PORTS_EXHAUSTED);
		assert_dropped(lab_out(lab, wire_udp(H1, Y2), AT_S(t + 2)), REASON_PORTS_EXHAUSTED);
		/* Free when the last that uses it is gone. */
		lab_open(lab, NAT_UDP, H2, Y2, AT_S(t + 100));
		nat_tick(&lab->nat, AT_S(t + 300), 10);
		assert_int_equal(lab->nat.mappings.arena.live, 1);
		assert_true(port_map_is_taken(ports_map(&lab->nat.ports, 0, NAT_UDP), 5000));
		nat_tick(&lab->nat, AT_S(t + 400), 10);
		assert_false(port_map_is_taken(ports_map(&lab->nat.ports, 0, NAT_UDP), 5000));
	}
}

/* Where its port is taken towards a remote, a host gets a second mapping for that. */
static void test_overlap_gives_a_second_mapping_where_the_first_cannot_serve(void **state)
{
	struct lab *lab = *state;
	struct endpoint a, b, second;

	lab_set(lab, "udp.port-overlap", "on");
	lab_set(lab, "udp.port-range", "5000-5001");
	lab_set(lab, "udp.ports", "preserve");
	a = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	b = lab_open(lab, NAT_UDP, H2, Y2, AT_S(0)); /* H2 has the same port, and shares it */
	assert_same_endpoint(a, b);
	second = lab_open(lab, NAT_UDP, H2, Y1, AT_S(1));
	assert_int_not_equal(second.port, b.port);
	assert_int_equal(lab->nat.mappings.arena.live, 3);
	assert_true(lab_comes_in(lab, NAT_UDP, Y1, a, H1, AT_S(2)));
	assert_true(lab_comes_in(lab, NAT_UDP, Y1, second, H2, AT_S(2)));
	/* New remotes go through the first. */
	assert_same_endpoint(lab_open(lab, NAT_UDP, H2, Y1_Q, AT_S(3)), b);
}

/* What shares a port goes on sharing it when the knob is turned, and each has its own remotes. */
static void test_overlap_turned_off_leaves_no_two_hosts_one_remote(void **state)
{
	struct lab *lab = *state;
	struct endpoint a, b, second;

	lab_set(lab, "udp.port-overlap", "on");
	lab_set(lab, "udp.ports", "preserve");
	a = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	b = lab_open(lab, NAT_UDP, H2, Y2, AT_S(0));
	assert_same_endpoint(a, b);
	lab_set(lab, "udp.port-overlap", "off");
	second = lab_open(lab, NAT_UDP, H2, Y1, AT_S(1));
	assert_int_not_equal(second.port, b.port);
	assert_true(lab_comes_in(lab, NAT_UDP, Y1, a, H1, AT_S(2)));
	assert_true(lab_comes_in(lab, NAT_UDP, Y1, second, H2, AT_S(2)));
}

static void test_ports_do_not_overlap_by_default(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "udp.port-range", "5000-5000");
	lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	assert_dropped(lab_out(lab, wire_udp(H2, Y2), AT_S(0)), REASON_PORTS_EXHAUSTED);
}

static void test_fixed_port_is_not_shared(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "udp.port-overlap", "on");
	lab_set(lab, "nat.forwards", "udp:5000=192.168.1.9:80");
	lab_set(lab, "udp.port-range", "5000-5000");
	lab_open(lab, NAT_UDP, ep("192.168.1.9:80"), Y1, AT_S(0));
	assert_dropped(lab_out(lab, wire_udp(H2, Y2), AT_S(0)), REASON_PORTS_EXHAUSTED);
}

/* --- pooling -------------------------------------------------------------------------------- */

static void test_rfc4787_req2_paired_host_stays_on_one_address(void **state)
{
	struct lab *lab = *state;
	bool used[5] = { false };
	unsigned int addresses = 0;

	for (unsigned int host = 0; host < 50; host++) {
		struct endpoint h1 = ep_port(H1, 5000), first, next;

		h1.addr = addr_from_ip4(0xc0a80102 + host);
		assert_true(pick(lab, NAT_UDP, h1, &first));
		for (unsigned int i = 0; i < 50; i++) {
			assert_true(pick(lab, (enum nat_protocol)(i % 3), ep_port(h1, 6000 + i),
					 &next));
			assert_true(addr_equal(&next.addr, &first.addr));
		}
		used[ports_find(&lab->nat.ports, &first.addr)] = true;
	}
	for (int i = 0; i < 5; i++)
		addresses += used[i];
	assert_int_equal(addresses, 5);
}

/* What a host is paired with, it keeps when the pool grows, as long as it has a mapping. */
static void test_pairing_outlasts_a_change_of_the_pool(void **state)
{
	struct lab *lab = *state;
	struct endpoint external[20], host[20];

	for (unsigned int i = 0; i < 20; i++) {
		host[i] = (struct endpoint){ addr_from_ip4(0xc0a80110 + i), 5000 };
		external[i] = lab_open(lab, NAT_UDP, host[i], Y1, AT_S(0));
	}
	lab_set(lab, "nat.external", "203.0.113.1-203.0.113.9,198.51.100.4/31");
	for (unsigned int i = 0; i < 20; i++) {
		struct endpoint next = lab_open(lab, NAT_UDP, ep_port(host[i], 5001), Y1, AT_S(1));

		assert_true(addr_equal(&next.addr, &external[i].addr));
	}
}

static void fill(struct lab *lab, uint32_t address, uint32_t from, uint32_t to)
{
	for (uint32_t port = from; port <= to; port++)
		port_map_take(ports_map(&lab->nat.ports, address, NAT_UDP), (uint16_t)port);
}

static void test_rfc7857_req4_paired_host_is_refused_when_its_address_is_full(void **state)
{
	struct lab *lab = *state;
	struct endpoint first, next;

	assert_true(pick(lab, NAT_UDP, H1, &first));
	fill(lab, ports_find(&lab->nat.ports, &first.addr), 1024, 65535);
	assert_false(pick(lab, NAT_UDP, H1, &next));
	set(lab, "nat.pooling", "soft-paired");
	for (int i = 0; i < 20; i++) {
		assert_true(pick(lab, NAT_UDP, H1, &next));
		assert_false(addr_equal(&next.addr, &first.addr));
	}
	/* Other protocols are not full, and it is still paired with the first. */
	set(lab, "nat.pooling", "paired");
	assert_true(pick(lab, NAT_TCP, H1, &next));
	assert_true(addr_equal(&next.addr, &first.addr));
}

static void test_soft_paired_is_paired_while_there_is_room_and_full_when_all_is(void **state)
{
	struct lab *lab = *state;
	struct endpoint first, next;

	set(lab, "nat.pooling", "soft-paired");
	assert_true(pick(lab, NAT_UDP, H1, &first));
	for (int i = 0; i < 50; i++) {
		assert_true(pick(lab, NAT_UDP, H1, &next));
		assert_true(addr_equal(&next.addr, &first.addr));
	}
	for (uint32_t i = 0; i < 5; i++)
		fill(lab, i, 1024, 65535);
	assert_false(pick(lab, NAT_UDP, H1, &next));
}

static void test_arbitrary_pooling_uses_all_addresses_for_one_host(void **state)
{
	struct lab *lab = *state;
	unsigned int used[5] = { 0 };
	struct endpoint next;

	set(lab, "nat.pooling", "arbitrary");
	for (int i = 0; i < 500; i++) {
		assert_true(pick(lab, NAT_UDP, H1, &next));
		used[ports_find(&lab->nat.ports, &next.addr)]++;
	}
	for (int i = 0; i < 5; i++)
		assert_in_range(used[i], 50, 150);
	/* One free port anywhere is found. */
	for (uint32_t i = 0; i < 5; i++)
		fill(lab, i, 1024, 65535);
	port_map_release(ports_map(&lab->nat.ports, 3, NAT_UDP), 4444);
	assert_int_equal(pick_port(lab, NAT_UDP, 5000), 4444);
	assert_false(pick(lab, NAT_UDP, H1, &next));
}

static void test_empty_pool_gives_nothing(void **state)
{
	struct lab *lab = *state;
	struct endpoint external;

	set(lab, "nat.one-to-one", "203.0.113.1=192.168.1.9");
	assert_int_equal(lab->nat.ports.count, 0);
	assert_false(pick(lab, NAT_UDP, H1, &external));
	set(lab, "nat.blocks", "dynamic");
	assert_false(pick(lab, NAT_UDP, H1, &external));
	set(lab, "nat.blocks", "deterministic");
	assert_false(pick(lab, NAT_UDP, H1, &external));
}

/* --- other protocols ------------------------------------------------------------------------ */

/* Nothing tells two hosts apart but the external address. */
static void test_other_protocol_has_one_host_per_address(void **state)
{
	const struct endpoint h1 = ep_port(H1, 47), h2 = ep_port(H2, 47), sctp = ep_port(H2, 132);
	struct lab *lab = *state;
	struct endpoint external;
	unsigned int hosts = 0;

	set(lab, "nat.external", "203.0.113.1");
	assert_true(pick(lab, NAT_OTHER, h1, &external));
	assert_endpoint(external, "203.0.113.1:47");
	assert_false(pick(lab, NAT_OTHER, h2, &external));
	assert_true(pick(lab, NAT_OTHER, sctp, &external));
	assert_endpoint(external, "203.0.113.1:132");
	set(lab, "nat.pooling", "soft-paired");
	set(lab, "nat.external", pool);
	while (pick(lab, NAT_OTHER, h2, &external))
		hosts++;
	assert_int_equal(hosts, 5);
}

/* --- blocks --------------------------------------------------------------------------------- */

static const struct nat_event *last_event(const struct lab *lab)
{
	assert_true(lab->nat.events.count > 0);
	return event_from(&lab->nat.events, lab->nat.events.count);
}

static void assert_block_event(const struct lab *lab, enum event_type type, struct endpoint host,
			       struct endpoint first, unsigned int last)
{
	const struct nat_event *e = last_event(lab);

	assert_string_equal(event_type_name(e->type), event_type_name(type));
	assert_true(addr_equal(&e->internal, &host.addr));
	assert_same_endpoint(e->external, first);
	assert_int_equal(e->last, last);
}

static unsigned int open_port(struct lab *lab, struct endpoint host, unsigned int i,
			      struct mono now)
{
	return lab_open(lab, NAT_UDP, ep_port(host, 5000 + i), Y1, now).port;
}

/* RFC 6888 REQ-14: one record for a block, none for a port. */
static void test_rfc6888_req14_hosts_ports_come_from_its_blocks(void **state)
{
	struct lab *lab = *state;
	unsigned int first, second, base;

	lab_set(lab, "nat.block-size", "16");
	lab_set(lab, "nat.blocks-per-host", "2");
	lab_set(lab, "nat.blocks", "dynamic");
	first = open_port(lab, H1, 0, AT_S(0));
	base = first - (first - 1024) % 16;
	assert_int_equal(lab->nat.events.count, 1);
	assert_block_event(lab, EVENT_BLOCK_ALLOCATED, H1, ep_port(E1, base), base + 15);
	for (unsigned int i = 1; i < 16; i++)
		assert_in_range(open_port(lab, H1, i, AT_S(0)), base, base + 15);
	assert_int_equal(lab->nat.events.count, 1);
	/* Another host, another block; a full one, a second. */
	second = open_port(lab, H2, 0, AT_S(1));
	assert_int_not_equal((second - 1024) / 16, (first - 1024) / 16);
	second = open_port(lab, H1, 16, AT_S(1));
	assert_int_not_equal((second - 1024) / 16, (first - 1024) / 16);
	base = second - (second - 1024) % 16;
	assert_int_equal(lab->nat.events.count, 3);
	assert_block_event(lab, EVENT_BLOCK_ALLOCATED, H1, ep_port(E1, base), base + 15);
	for (unsigned int i = 17; i < 32; i++)
		open_port(lab, H1, i, AT_S(1));
	assert_dropped(lab_out(lab, wire_udp(ep_port(H1, 6000), Y1), AT_S(2)),
		       REASON_BLOCK_EXHAUSTED);
	/* Protocols have maps of their own, and the same blocks. */
	assert_in_range(lab_open(lab, NAT_TCP, ep_port(H1, 6000), Y1, AT_S(2)).port, 1024, 65535);
}

static uint32_t blocks_of(const struct lab *lab, struct endpoint host)
{
	uint32_t n = host_find(&lab->nat.hosts, &host.addr);

	return n != NAT_NONE ? host_at(&lab->nat.hosts, n)->block_count : 0;
}

/* How many mappings of @protocol @host can make from its internal port @first on. */
static unsigned int open_all(struct lab *lab, enum nat_protocol protocol, struct endpoint host,
			     unsigned int first)
{
	struct nat_outcome outcome;
	unsigned int count = 0;

	for (;; count++) {
		struct wire w = lab_request(protocol, ep_port(host, first + count), Y1);
		struct wire sent = wire_copy(w);

		outcome = lab_out(lab, w, AT_S(0));
		if (outcome.verdict != NAT_REWRITTEN) {
			assert_dropped(outcome, REASON_BLOCK_EXHAUSTED);
			assert_int_equal(outcome.knob, OPT_NAT_BLOCKS);
			lab_take_error(lab, 3, 13, host, sent);
			return count;
		}
	}
}

/* RFC 6888 REQ-4: so many, each of so many ports, and no more. */
static void test_blocks_per_host_is_a_knob(void **state)
{
	static const struct {
		const char *text;
		unsigned int count;
	} values[] = { { "1", 1 }, { "3", 3 }, { "8", 8 } };

	for (size_t i = 0; i < 3; i++) {
		const char *const knobs[] = {
			"nat.block-size",      "16",	       "nat.blocks", "dynamic",
			"nat.blocks-per-host", values[i].text, NULL
		};
		struct lab *lab = lab_open_with(knobs);
		uint64_t events = lab->nat.events.count;
		void *own = lab;

		assert_int_equal(open_all(lab, NAT_UDP, H1, 5000), 16 * values[i].count);
		assert_int_equal(blocks_of(lab, H1), values[i].count);
		/* One event for a block, one for the limit. */
		assert_int_equal(lab->nat.events.count, events + values[i].count + 1);
		/* Another host has its own. */
		open_port(lab, H2, 0, AT_S(0));
		assert_int_equal(blocks_of(lab, H2), 1);
		lab_teardown(&own);
	}
	(void)state;
}

/* A block is of ports of all protocols, and identifiers. */
static void test_blocks_per_host_are_for_all_protocols(void **state)
{
	struct lab *lab = *state;
	unsigned int base;

	lab_set(lab, "nat.block-size", "16");
	lab_set(lab, "nat.blocks", "dynamic");
	base = open_port(lab, H1, 0, AT_S(0));
	base -= (base - 1024) % 16;
	assert_int_equal(open_all(lab, NAT_UDP, H1, 5001), 15);
	for (enum nat_protocol p = NAT_TCP; p < NAT_OTHER; p++) {
		for (unsigned int i = 0; i < 16; i++)
			assert_in_range(lab_open(lab, p, ep_port(H1, 5000 + i), Y1, AT_S(0)).port,
					base, base + 15);
		assert_int_equal(open_all(lab, p, H1, 6000), 0);
	}
	assert_int_equal(blocks_of(lab, H1), 1);
}

/* More are to be had at once; what a host has too much of, it keeps. */
static void test_blocks_per_host_can_change_while_running(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "nat.block-size", "16");
	lab_set(lab, "nat.blocks", "dynamic");
	assert_int_equal(open_all(lab, NAT_UDP, H1, 5000), 16);
	lab_set(lab, "nat.blocks-per-host", "3");
	assert_int_equal(open_all(lab, NAT_UDP, H1, 5016), 32);
	lab_set(lab, "nat.blocks-per-host", "1");
	assert_int_equal(blocks_of(lab, H1), 3);
	assert_int_equal(open_all(lab, NAT_UDP, H1, 6000), 0);
	assert_int_equal(open_all(lab, NAT_TCP, H1, 5000), 48);
	assert_int_equal(open_all(lab, NAT_UDP, H2, 5000), 16);
}

/* They are the host's, not the address's: another of the pool gives it no further one. */
static void test_blocks_per_host_are_counted_over_all_addresses(void **state)
{
	static const char *const pooling[] = { "paired", "soft-paired", "arbitrary" };

	for (size_t i = 0; i < 3; i++) {
		const char *const knobs[] = { "nat.external",
					      "203.0.113.1-203.0.113.2",
					      "nat.pooling",
					      pooling[i],
					      "nat.block-size",
					      "16",
					      "nat.blocks",
					      "dynamic",
					      "nat.blocks-per-host",
					      "2",
					      NULL };
		struct lab *lab = lab_open_with(knobs);
		void *own = lab;

		assert_int_equal(open_all(lab, NAT_UDP, H1, 5000), 32);
		assert_int_equal(blocks_of(lab, H1), 2);
		lab_teardown(&own);
	}
	(void)state;
}

/* All blocks are somebody's: a host may have one more, but there is none. */
static void test_no_block_is_left_for_another_host(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "nat.block-size", "32256"); /* two in all */
	lab_set(lab, "nat.blocks", "dynamic");
	lab_set(lab, "nat.blocks-per-host", "8");
	open_port(lab, H1, 0, AT_S(0));
	open_port(lab, H2, 0, AT_S(0));
	assert_int_equal(open_all(lab, NAT_UDP, ep("192.168.1.4:0"), 5000), 0);
	assert_int_equal(blocks_of(lab, ep("192.168.1.4:0")), 0);
	assert_int_equal(lab->nat.hosts.arena.live, 2);
}

static void test_block_is_given_back_with_the_hosts_last_mapping(void **state)
{
	struct lab *lab = *state;
	unsigned int port, base;

	lab_set(lab, "nat.block-size", "64512");
	lab_set(lab, "nat.blocks", "dynamic");
	port = open_port(lab, H1, 0, AT_S(0));
	base = port - (port - 1024) % 64512;
	open_port(lab, H1, 1, AT_S(100));
	assert_dropped(lab_out(lab, wire_udp(H2, Y1), AT_S(299)), REASON_BLOCK_EXHAUSTED);
	nat_tick(&lab->nat, AT_S(300), 10);
	assert_dropped(lab_out(lab, wire_udp(H2, Y1), AT_S(300)), REASON_BLOCK_EXHAUSTED);
	nat_tick(&lab->nat, AT_S(400), 10);
	assert_block_event(lab, EVENT_BLOCK_FREED, H1, ep_port(E1, base), base + 64511);
	assert_int_equal(last_event(lab)->at.ms, 400000);
	open_port(lab, H2, 0, AT_S(400));
	assert_block_event(lab, EVENT_BLOCK_ALLOCATED, H2, ep_port(E1, base), base + 64511);
}

/* A refused flow leaves no block behind. */
static void test_refused_host_has_no_block(void **state)
{
	const struct endpoint host = H1;
	struct lab *lab = *state;

	lab_set(lab, "nat.blocks", "dynamic");
	lab_set(lab, "nat.max-sessions-per-host", "1");
	open_port(lab, H1, 0, AT_S(0));
	assert_dropped(lab_out(lab, wire_udp(ep_port(H1, 6000), Y1), AT_S(0)), REASON_HOST_QUOTA);
	assert_int_equal(
		host_at(&lab->nat.hosts, host_find(&lab->nat.hosts, &host.addr))->block_count, 1);
}

static void test_rfc7422_blk_hosts_ports_are_where_the_formula_says(void **state)
{
	struct lab *lab = *state;
	struct endpoint external;

	lab_set(lab, "nat.external", "203.0.113.1-203.0.113.2");
	lab_set(lab, "nat.internal", "192.168.1.0-192.168.1.7"); /* four on each, 16128 ports */
	lab_set(lab, "nat.blocks", "deterministic");
	for (uint32_t host = 0; host < 8; host++) {
		struct endpoint h = { addr_from_ip4(0xc0a80100 + host), 5000 };

		for (unsigned int i = 0; i < 20; i++) {
			external = lab_open(lab, (enum nat_protocol)(i % 3), ep_port(h, 5000 + i),
					    Y1, AT_S(0));
			assert_int_equal(addr_ip4(&external.addr), 0xcb007101 + host / 4);
			assert_int_equal((external.port - 1024) / 16128, host % 4);
		}
	}
	/* Nothing to record: it can be computed. */
	assert_int_equal(lab->nat.events.count, 0);
	assert_dropped(lab_out(lab, wire_udp(ep("192.168.1.8:5000"), Y1), AT_S(0)),
		       REASON_NO_BLOCK);
	assert_dropped(lab_out(lab, wire_udp(ep("192.168.0.255:5000"), Y1), AT_S(0)),
		       REASON_NO_BLOCK);
}

/* RFC 4787 REQ-2: what a forward gives a host at no address in particular is at that of the rest. */
static void test_deterministic_host_is_forwarded_at_the_address_of_its_block(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "nat.external", "203.0.113.1-203.0.113.5");
	lab_set(lab, "nat.internal", "192.168.1.2-192.168.1.6"); /* one on each */
	lab_set(lab, "nat.blocks", "deterministic");
	for (uint32_t i = 0; i < 5; i++) {
		struct endpoint h = { addr_from_ip4(0xc0a80102 + i), 80 }, external;
		char forward[64];

		snprintf(forward, sizeof(forward), "tcp:8080=192.168.1.%u:80", 2 + i);
		lab_set(lab, "nat.forwards", forward);
		external = lab_open(lab, NAT_TCP, h, Y1, AT_S(0));
		assert_int_equal(addr_ip4(&external.addr), 0xcb007101 + i);
		assert_int_equal(external.port, 8080);
		external = lab_open(lab, NAT_TCP, ep_port(h, 5000), Y1, AT_S(0));
		assert_int_equal(addr_ip4(&external.addr), 0xcb007101 + i);
	}
}

static void test_rfc7422_ovf_full_block_overflows_and_says_so(void **state)
{
	struct lab *lab = *state;
	struct endpoint external;

	set(lab, "nat.internal", "192.168.1.2-192.168.1.3");
	set(lab, "nat.blocks", "deterministic"); /* 32256 ports each */
	fill(lab, 0, 1024, 1024 + 32256 - 1);
	assert_int_equal(pick_for(lab, NAT_UDP, H1, Y1, &external), REASON_BLOCK_EXHAUSTED);
	assert_int_equal(lab->nat.events.count, 0);
	set(lab, "nat.block-overflow", "1"); /* 21504 each */
	fill(lab, 0, 1024, 1024 + 21504 - 1);
	assert_int_equal(pick_for(lab, NAT_UDP, H1, Y1, &external), REASON_MAPPING_CREATED);
	assert_in_range(external.port, 1024 + 2 * 21504, 65535);
	assert_block_event(lab, EVENT_BLOCK_OVERFLOW, H1, external, external.port);
	fill(lab, 0, 1024 + 2 * 21504, 65535);
	assert_int_equal(pick_for(lab, NAT_UDP, H1, Y1, &external), REASON_BLOCK_EXHAUSTED);
	/* The other host's block is not touched. */
	assert_int_equal(pick_for(lab, NAT_UDP, H2, Y1, &external), REASON_MAPPING_CREATED);
	assert_in_range(external.port, 1024 + 21504, 1024 + 2 * 21504 - 1);
}

static void test_refusal_of_a_block_names_the_knob(void **state)
{
	struct lab *lab = *state;
	struct nat_outcome outcome;

	lab_set(lab, "nat.blocks", "deterministic");
	lab_set(lab, "udp.ports", "preserve-only");
	outcome = lab_out(lab, wire_udp(ep_port(H1, 1000), Y1), AT_S(0));
	assert_dropped(outcome, REASON_BLOCK_EXHAUSTED);
	assert_int_equal(outcome.knob, OPT_NAT_BLOCKS);
	outcome = lab_out(lab, wire_udp(ep("10.0.0.1:1000"), Y1), AT_S(0));
	assert_dropped(outcome, REASON_NO_BLOCK);
	assert_int_equal(outcome.knob, OPT_NAT_INTERNAL);
	lab_set(lab, "nat.blocks", "off");
	outcome = lab_out(lab, wire_udp(ep_port(H1, 0xffff), Y1), AT_S(0));
	assert_rewritten(outcome, REASON_MAPPING_CREATED);
	outcome = lab_out(lab, wire_udp(ep_port(H2, 0xffff), Y1), AT_S(0));
	assert_dropped(outcome, REASON_PORTS_EXHAUSTED);
	assert_int_equal(outcome.knob, OPT_UDP_PORTS); /* there are others, but not for this host */
}

int main(void)
{
#define pool_test(f) cmocka_unit_test_setup_teardown(f, setup_pool, lab_teardown)
	const struct CMUnitTest tests[] = {
		lab_test(test_rfc6888_req13_every_port_of_the_range_is_given_once),
		lab_test(test_rfc6056_random_ports_spread_over_the_range),
		lab_test(test_rfc6056_simple_steps_on_and_redraw_does_not),
		lab_test(test_rfc6056_key_decides_the_ports),
		lab_test(test_rfc6056_hash_has_an_offset_per_remote_and_one_counter),
		lab_test(test_rfc6056_double_hash_has_sequences_apart),
		lab_test(test_rfc6056_increments_are_from_1_to_500),
		lab_test(test_preserve_keeps_the_port_while_it_is_free_and_in_range),
		lab_test(test_rfc4787_req3_collision_of_preserved_ports_is_random),
		lab_test(test_preserve_only_gives_that_port_or_none),
		lab_test(test_sequential_goes_on_and_round),
		lab_test(test_contiguous_puts_neighbours_beside_each_other),
		lab_test(test_overload_takes_the_port_from_whoever_has_it),
		lab_test(test_rfc4787_req3a_ports_keep_to_their_range),
		lab_test(test_ports_keep_to_the_classes_of_devices),
		lab_test(test_rfc4787_req4_parity_is_kept),
		lab_test(test_reserved_and_forwarded_ports_are_never_given),
		lab_test(test_port_zero_is_never_given),
		lab_test(test_icmp_identifiers_are_all_but_zero),
		lab_test(test_icmp_identifiers_keep_to_their_range),
		pool_test(test_protocols_and_addresses_have_ports_of_their_own),
		lab_test(test_rfc7857_req3_overlapped_port_serves_hosts_towards_different_remotes),
		lab_test(test_overlap_gives_a_second_mapping_where_the_first_cannot_serve),
		lab_test(test_overlap_turned_off_leaves_no_two_hosts_one_remote),
		lab_test(test_ports_do_not_overlap_by_default),
		lab_test(test_fixed_port_is_not_shared),
		pool_test(test_rfc4787_req2_paired_host_stays_on_one_address),
		pool_test(test_pairing_outlasts_a_change_of_the_pool),
		pool_test(test_rfc7857_req4_paired_host_is_refused_when_its_address_is_full),
		pool_test(test_soft_paired_is_paired_while_there_is_room_and_full_when_all_is),
		pool_test(test_arbitrary_pooling_uses_all_addresses_for_one_host),
		lab_test(test_empty_pool_gives_nothing),
		lab_test(test_other_protocol_has_one_host_per_address),
		lab_test(test_rfc6888_req14_hosts_ports_come_from_its_blocks),
		lab_test(test_blocks_per_host_is_a_knob),
		lab_test(test_blocks_per_host_are_for_all_protocols),
		lab_test(test_blocks_per_host_can_change_while_running),
		lab_test(test_blocks_per_host_are_counted_over_all_addresses),
		lab_test(test_no_block_is_left_for_another_host),
		lab_test(test_block_is_given_back_with_the_hosts_last_mapping),
		lab_test(test_refused_host_has_no_block),
		lab_test(test_rfc7422_blk_hosts_ports_are_where_the_formula_says),
		lab_test(test_deterministic_host_is_forwarded_at_the_address_of_its_block),
		lab_test(test_rfc7422_ovf_full_block_overflows_and_says_so),
		lab_test(test_refusal_of_a_block_names_the_knob),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
