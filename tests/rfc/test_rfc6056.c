/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RFC 6056: external ports that nobody can foretell, by each of its five algorithms. */
#include "tests/rfc/rfc.h"

enum { LOW = 1024, HIGH = 65535, RANGE = HIGH - LOW + 1, BINS = 63, PER_BIN = RANGE / BINS };

/* The port that a new mapping of @host gets; the mapping is gone afterwards. */
static uint16_t draw(struct lab *lab, struct endpoint host, struct endpoint remote)
{
	struct wire w = wire_udp(host, remote);
	struct nat_outcome outcome = rfc_pass(lab, w, NAT_INTERNAL, AT_S(0));
	uint16_t port;

	assert_rewritten(outcome, REASON_MAPPING_CREATED);
	port = wire_source(w).port;
	lifetime_remove_mapping(&lab->nat, outcome.mapping, CAUSE_FLUSHED);
	wire_free_all();
	return port;
}

/* The same, of a socket that differs with @n. */
static uint16_t draw_nth(struct lab *lab, unsigned int n, struct endpoint remote)
{
	return draw(lab, ep_port(H1, LOW + n % RANGE), remote);
}

/* Take port @first and those after it for H2. */
static void occupy(struct lab *lab, unsigned int first, unsigned int count)
{
	char range[32];

	lab_set(lab, "udp.ports", "sequential");
	snprintf(range, sizeof(range), "%u-%u", first, first + count - 1);
	lab_set(lab, "udp.port-range", range);
	for (unsigned int i = 0; i < count; i++)
		lab_open(lab, NAT_UDP, ep_port(H2, first + i), Y1, AT_S(0));
	lab_set(lab, "udp.ports", "random");
}

/* With 63 bins, so 62 degrees of freedom, chance alone goes beyond 105 once in 2000 runs. */
static double chi_square(const unsigned int *bins, unsigned int flows)
{
	double expected = (double)flows / BINS, sum = 0;

	for (unsigned int i = 0; i < BINS; i++)
		sum += ((double)bins[i] - expected) * ((double)bins[i] - expected) / expected;
	return sum;
}

/* --- the range ------------------------------------------------------------------------------ */

static void test_rfc6056_rng_ports_span_the_whole_range(void **state)
{
	struct lab *lab = *state;
	unsigned int lowest = 65536, highest = 0, bins[BINS] = { 0 };

	for (unsigned int n = 0; n < 100000; n++) {
		uint16_t port = draw_nth(lab, n, Y1);

		assert_in_range(port, LOW, HIGH);
		lowest = port < lowest ? port : lowest;
		highest = port > highest ? port : highest;
		bins[(port - LOW) / PER_BIN]++;
	}
	assert_in_range(lowest, LOW, LOW + 10);
	assert_in_range(highest, HIGH - 10, HIGH);
	assert_true(chi_square(bins, 100000) < 105);
}

static void test_rfc6056_rng_range_is_a_knob(void **state)
{
	struct lab *lab = *state;
	bool seen[100] = { false };
	unsigned int distinct = 0;

	lab_set(lab, "udp.port-range", "49152-49251");
	for (unsigned int n = 0; n < 2000; n++) {
		uint16_t port = draw_nth(lab, n, Y1);

		assert_in_range(port, 49152, 49251);
		distinct += !seen[port - 49152];
		seen[port - 49152] = true;
	}
	assert_int_equal(distinct, 100);
}

static void test_rfc6056_rng_every_protocol_has_its_own_range(void **state)
{
	static const struct {
		enum nat_protocol protocol;
		const char *range;
		unsigned int first, last;
	} ranges[] = { { NAT_UDP, "2000-2099", 2000, 2099 },
		       { NAT_TCP, "3000-3099", 3000, 3099 },
		       { NAT_ICMP, "7-106", 7, 106 } };
	struct lab *lab = *state;

	for (unsigned int i = 0; i < 3; i++) {
		rfc_set(lab, ranges[i].protocol, "port-range", ranges[i].range);
		for (unsigned int n = 0; n < 60; n++)
			assert_in_range(lab_open(lab, ranges[i].protocol, ep_port(H1, 5000 + n), Y1,
						 AT_S(0))
						.port,
					ranges[i].first, ranges[i].last);
	}
}

/* --- the algorithms ------------------------------------------------------------------------- */

static const char *const algorithms[] = { "simple", "redraw", "hash", "double-hash", "increments" };

/* Every pair of ports in a row, as a point in a square of 8 by 8 fields. */
static void assert_uncorrelated(struct lab *lab)
{
	unsigned int fields[64] = { 0 }, neighbours = 0;
	uint16_t before = draw_nth(lab, 0, Y1);

	for (unsigned int n = 1; n <= 12800; n++) {
		uint16_t port = draw_nth(lab, n, Y1);

		fields[(before - LOW) / (RANGE / 8) * 8 + (port - LOW) / (RANGE / 8)]++;
		neighbours += abs(port - before) < 10;
		before = port;
	}
	for (unsigned int i = 0; i < 64; i++)
		assert_in_range(fields[i], 140, 260);
	assert_in_range(neighbours, 0, 15);
}

static void test_rfc6056_req1_ports_in_a_row_have_nothing_in_common(void **state)
{
	assert_uncorrelated(*state);
}

/* Where half of the ports are taken in one block, the first one after it is next to every start
 * within the block: it comes far more often than any other. */
static void test_rfc6056_req1_a_collision_takes_the_next_free_port(void **state)
{
	struct lab *lab = *state;
	unsigned int hits[100] = { 0 };

	occupy(lab, 40000, 50);
	lab_set(lab, "udp.port-range", "40000-40099");
	for (unsigned int n = 0; n < 2000; n++)
		hits[draw_nth(lab, n, Y1) - 40000]++;
	for (unsigned int i = 0; i < 50; i++)
		assert_int_equal(hits[i], 0);
	assert_in_range(hits[50], 900, 1140); /* 51 in 100 */
	for (unsigned int i = 51; i < 100; i++)
		assert_in_range(hits[i], 5, 40); /* 1 in 100 each */
}

static void test_rfc6056_req1_all_algorithms_find_the_last_free_port(void **state)
{
	struct lab *lab = *state;

	occupy(lab, 40000, 90);
	lab_set(lab, "udp.port-range", "40000-40099");
	for (unsigned int a = 0; a < 5; a++) {
		struct nat_outcome opened[10];

		lab_set(lab, "udp.random", algorithms[a]);
		for (unsigned int n = 0; n < 10; n++) {
			struct wire w = wire_udp(ep_port(H1, 6000 + n), Y1);

			opened[n] = lab_out(lab, w, AT_S(0));
			assert_rewritten(opened[n], REASON_MAPPING_CREATED);
			assert_in_range(wire_source(w).port, 40090, 40099);
		}
		assert_dropped(lab_out(lab, wire_udp(ep_port(H1, 7000), Y1), AT_S(0)),
			       REASON_PORTS_EXHAUSTED);
		for (unsigned int n = 0; n < 10; n++)
			lifetime_remove_mapping(&lab->nat, opened[n].mapping, CAUSE_FLUSHED);
	}
}

static void test_rfc6056_req2_ports_in_a_row_have_nothing_in_common(void **state)
{
	lab_set(*state, "udp.random", "redraw");
	assert_uncorrelated(*state);
}

/* Drawn anew at a collision: every free port is as likely, whatever is taken beside it. */
static void test_rfc6056_req2_a_collision_draws_anew(void **state)
{
	struct lab *lab = *state;
	unsigned int hits[100] = { 0 };

	occupy(lab, 40000, 90);
	lab_set(lab, "udp.random", "redraw");
	lab_set(lab, "udp.port-range", "40000-40099");
	for (unsigned int n = 0; n < 2000; n++)
		hits[draw_nth(lab, n, Y1) - 40000]++;
	for (unsigned int i = 0; i < 90; i++)
		assert_int_equal(hits[i], 0);
	for (unsigned int i = 90; i < 100; i++)
		assert_in_range(hits[i], 150, 250);
}

/* From one port to the next, going round. */
static unsigned int step(uint16_t from, uint16_t to)
{
	return (unsigned int)(to - from + RANGE) % RANGE;
}

/* The @n-th of many destinations. */
static struct endpoint destination(unsigned int n)
{
	return (struct endpoint){ addr_from_ip4(0xc6336400 + n % 200), (uint16_t)(80 + n / 200) };
}

/* Where each of many destinations is sent from, less the part that the counter has in it. */
static void assert_offsets_unrelated(struct lab *lab, bool counted)
{
	unsigned int bins[8] = { 0 };

	for (unsigned int n = 0; n < 800; n++) {
		unsigned int port = draw_nth(lab, n, destination(n)) - (unsigned int)LOW;

		bins[(port + RANGE - (counted ? n : 0)) % RANGE / (RANGE / 8)]++;
	}
	for (unsigned int i = 0; i < 8; i++)
		assert_in_range(bins[i], 65, 135);
}

static void test_rfc6056_req3_one_destination_one_counter(void **state)
{
	struct lab *lab = *state;
	uint16_t before, port;

	lab_set(lab, "udp.random", "hash");
	before = draw_nth(lab, 0, Y1);
	for (unsigned int n = 1; n < 50; n++, before = port) {
		port = draw_nth(lab, n, Y1);
		assert_int_equal(step(before, port), 1);
	}
	/* It is the same counter for all destinations, so that each sees how busy the others are. */
	for (unsigned int n = 0; n < 20; n++)
		draw_nth(lab, 100 + n, destination(n));
	assert_int_equal(step(before, draw_nth(lab, 200, Y1)), 21);
}

static void test_rfc6056_req3_offsets_of_destinations_are_unrelated(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "udp.random", "hash");
	assert_offsets_unrelated(lab, true);
}

static void test_rfc6056_req4_destinations_do_not_see_each_other(void **state)
{
	struct lab *lab = *state;
	uint16_t before, port;

	lab_set(lab, "udp.random", "double-hash");
	before = draw_nth(lab, 0, Y1);
	for (unsigned int n = 1; n < 50; n++, before = port) {
		draw_nth(lab, n, Y2);
		draw_nth(lab, n, Y1_Q);
		port = draw_nth(lab, n, Y1);
		assert_int_equal(step(before, port), 1);
	}
}

static void test_rfc6056_req4_offsets_of_destinations_are_unrelated(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "udp.random", "double-hash");
	assert_offsets_unrelated(lab, false);
}

static void test_rfc6056_req5_increments_are_random_up_to_500(void **state)
{
	struct lab *lab = *state;
	unsigned int sum = 0, quarters[4] = { 0 };
	uint16_t before, port;

	lab_set(lab, "udp.random", "increments");
	before = draw_nth(lab, 0, Y1);
	for (unsigned int n = 1; n <= 4000; n++, before = port) {
		port = draw_nth(lab, n, n % 2 ? Y2 : Y1);
		assert_in_range(step(before, port), 1, 500);
		sum += step(before, port);
		quarters[(step(before, port) - 1) / 125]++;
	}
	assert_in_range(sum / 4000, 235, 265);
	for (unsigned int i = 0; i < 4; i++)
		assert_in_range(quarters[i], 880, 1120);
}

/* --- the secret ----------------------------------------------------------------------------- */

/* A NAT started anew; @seed "random" is what one gets unasked. */
static void first_ports(const char *algorithm, const char *seed, uint16_t ports[100])
{
	const char *const knobs[] = { "nat.seed", seed, "udp.random", algorithm, NULL };
	struct lab *lab = lab_open_with(knobs);
	void *state = lab;

	for (unsigned int n = 0; n < 100; n++)
		ports[n] = draw_nth(lab, n, n % 2 ? Y1 : Y2);
	lab_teardown(&state);
}

static unsigned int in_common(const uint16_t *a, const uint16_t *b)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < 100; i++)
		count += a[i] == b[i];
	return count;
}

static void test_rfc6056_key_is_another_one_with_each_run(void **state)
{
	uint16_t a[100], b[100];

	(void)state;
	assert_string_equal(option_spec(OPT_NAT_SEED)->initial, "random");
	for (unsigned int i = 0; i < 5; i++) {
		first_ports(algorithms[i], "random", a);
		first_ports(algorithms[i], "random", b);
		assert_in_range(in_common(a, b), 0, 4);
		first_ports(algorithms[i], "1", a);
		first_ports(algorithms[i], "2", b);
		assert_in_range(in_common(a, b), 0, 4);
	}
}

/* For tests one wants the very opposite. */
static void test_rfc6056_key_can_be_given(void **state)
{
	uint16_t a[100], b[100];

	(void)state;
	for (unsigned int i = 0; i < 5; i++) {
		first_ports(algorithms[i], "6056", a);
		first_ports(algorithms[i], "6056", b);
		assert_int_equal(in_common(a, b), 100);
	}
}

/* --- NAPT ----------------------------------------------------------------------------------- */

/* Whatever the port was inside; and for every protocol. */
static void test_rfc6056_nat_every_port_is_random_without_preservation(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p <= NAT_ICMP; p++) {
		unsigned int kept = 0, neighbours = 0;
		uint16_t before = 0;

		for (unsigned int i = 0; i < 60; i++) {
			struct endpoint host = ep_port(H1, 20000 + i);
			uint16_t port = lab_open(lab, p, host, Y1, AT_S(0)).port;

			kept += port == host.port;
			neighbours += abs(port - before) < 10;
			before = port;
		}
		assert_in_range(kept, 0, 1);
		assert_in_range(neighbours, 0, 2);
	}
}

static void test_rfc6056_nat_with_preservation_only_what_must_change_is_random(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p <= NAT_ICMP; p++) {
		unsigned int neighbours = 0;
		uint16_t before = 0;

		rfc_set(lab, p, "ports", "preserve");
		for (unsigned int i = 0; i < 30; i++)
			assert_int_equal(lab_open(lab, p, ep_port(H1, 20000 + i), Y1, AT_S(0)).port,
					 20000 + i);
		for (unsigned int i = 0; i < 30; i++) {
			uint16_t port = lab_open(lab, p, ep_port(H2, 20000 + i), Y1, AT_S(0)).port;

			assert_true(port < 20000 || port >= 20030);
			neighbours += abs(port - before) < 10;
			before = port;
		}
		assert_in_range(neighbours, 0, 1);
	}
}

/* Parity takes half of the ports away, and nothing else. */
static void test_rfc6056_nat_parity_leaves_the_rest_random(void **state)
{
	struct lab *lab = *state;
	unsigned int bins[8] = { 0 }, neighbours = 0;
	uint16_t before = 0;

	lab_set(lab, "udp.parity", "on");
	for (unsigned int a = 0; a < 2; a++) {
		lab_set(lab, "udp.random", algorithms[a]);
		for (unsigned int n = 0; n < 1600; n++) {
			uint16_t port = draw(lab, ep_port(H1, 20000 + n % 4), Y1);

			assert_int_equal(port % 2, n % 2);
			bins[(port - LOW) / (RANGE / 8)]++;
			neighbours += abs(port - before) < 10;
			before = port;
		}
	}
	for (unsigned int i = 0; i < 8; i++)
		assert_in_range(bins[i], 330, 470);
	assert_in_range(neighbours, 0, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		lab_test(test_rfc6056_rng_ports_span_the_whole_range),
		lab_test(test_rfc6056_rng_range_is_a_knob),
		lab_test(test_rfc6056_rng_every_protocol_has_its_own_range),
		lab_test(test_rfc6056_req1_ports_in_a_row_have_nothing_in_common),
		lab_test(test_rfc6056_req1_a_collision_takes_the_next_free_port),
		lab_test(test_rfc6056_req1_all_algorithms_find_the_last_free_port),
		lab_test(test_rfc6056_req2_ports_in_a_row_have_nothing_in_common),
		lab_test(test_rfc6056_req2_a_collision_draws_anew),
		lab_test(test_rfc6056_req3_one_destination_one_counter),
		lab_test(test_rfc6056_req3_offsets_of_destinations_are_unrelated),
		lab_test(test_rfc6056_req4_destinations_do_not_see_each_other),
		lab_test(test_rfc6056_req4_offsets_of_destinations_are_unrelated),
		lab_test(test_rfc6056_req5_increments_are_random_up_to_500),
		cmocka_unit_test(test_rfc6056_key_is_another_one_with_each_run),
		cmocka_unit_test(test_rfc6056_key_can_be_given),
		lab_test(test_rfc6056_nat_every_port_is_random_without_preservation),
		lab_test(test_rfc6056_nat_with_preservation_only_what_must_change_is_random),
		lab_test(test_rfc6056_nat_parity_leaves_the_rest_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
