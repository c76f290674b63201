/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RFC 7422, deterministic mapping: who had which port follows by calculation. */
#include "tests/rfc/rfc.h"

enum { FIRST = 1024, ALL = 65536 - FIRST };

/* 256 subscribers on four addresses. */
#define HOSTS	  256u
#define ADDRESSES 4u

/* The @n-th of 10.0.0.0/24, and the @n-th external address. */
static struct endpoint subscriber(unsigned int n, unsigned int port)
{
	return (struct endpoint){ addr_from_ip4(0x0a000000 + n), (uint16_t)port };
}

static struct endpoint external(unsigned int n, unsigned int port)
{
	return (struct endpoint){ addr_from_ip4(0xcb007101 + n), (uint16_t)port };
}

static struct lab *open_with(const char *pool, const char *overflow)
{
	const char *const knobs[] = { "nat.blocks",
				      "deterministic",
				      "nat.internal",
				      "10.0.0.0/24",
				      "nat.external",
				      pool,
				      "nat.block-overflow",
				      overflow,
				      "nat.max-mappings",
				      "3000",
				      "nat.max-sessions",
				      "3000",
				      NULL };

	return lab_open_with(knobs);
}

static int setup(void **state)
{
	*state = open_with("203.0.113.1-203.0.113.4", "0");
	return 0;
}

#define formula_test(f) cmocka_unit_test_setup_teardown(f, setup, lab_teardown)

/* One new flow, and where it comes from outside. */
static enum nat_verdict flow(struct lab *lab, struct endpoint from, struct endpoint *to)
{
	struct wire w = wire_udp(from, Y1);
	enum nat_verdict verdict = rfc_pass(lab, w, NAT_INTERNAL, AT_S(0)).verdict;

	*to = wire_source(w);
	wire_free_all();
	return verdict;
}

/* Use up what subscriber @n has, and see that it is exactly first..last of that address. */
static unsigned int use_up(struct lab *lab, unsigned int n, unsigned int address,
			   unsigned int first, unsigned int last)
{
	unsigned int count = 0;
	struct endpoint got;

	while (flow(lab, subscriber(n, 2000 + count), &got) == NAT_REWRITTEN) {
		assert_same_endpoint(ep_port(got, 0), external(address, 0));
		assert_in_range(got.port, first, last);
		count++;
	}
	assert_consistent(&lab->nat);
	return count;
}

static void test_rfc7422_in_every_input_is_a_knob(void **state)
{
	/* I, O, D, M, A, R by the RFC's letters; C follows from I and O. */
	static const enum option_id inputs[] = {
		OPT_NAT_INTERNAL,	OPT_NAT_EXTERNAL,
		OPT_NAT_BLOCK_OVERFLOW, OPT_NAT_MAX_MAPPINGS_PER_HOST,
		OPT_NAT_BLOCKS,		OPT_NAT_RESERVED_PORTS
	};
	struct lab *lab = *state;
	struct endpoint got;

	for (unsigned int i = 0; i < 6; i++)
		assert_non_null(option_spec(inputs[i])->key);
	/* I: who is not in it has no block. */
	assert_dropped(lab_out(lab, wire_udp(H1, Y1), AT_S(0)), REASON_NO_BLOCK);
	lab_set(lab, "nat.internal", "192.168.1.0/24");
	lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	/* M: no more than that, though the block has room. */
	lab_set(lab, "nat.internal", "10.0.0.0/24");
	lab_set(lab, "nat.max-mappings-per-host", "7");
	assert_int_equal(use_up(lab, 5, 0, FIRST + 5 * 1008, FIRST + 6 * 1008 - 1), 7);
	/* R: never given, also inside a block. */
	lab_set(lab, "nat.max-mappings-per-host", "0");
	lab_set(lab, "nat.reserved-ports", "1024-2021");
	assert_int_equal(use_up(lab, 0, 0, 2022, 2031), 10);
	assert_int_equal(flow(lab, subscriber(1, 9999), &got), NAT_REWRITTEN);
}

/* 64512 ports for 64 subscribers an address. */
static void test_rfc7422_blk_ports_are_shared_out_by_the_ratio(void **state)
{
	struct lab *lab = *state;

	assert_int_equal(use_up(lab, 7, 0, FIRST + 7 * 1008, FIRST + 8 * 1008 - 1), 1008);
	assert_int_equal(use_up(lab, 255, 3, FIRST + 63 * 1008, 65535), 1008);
}

static void test_rfc7422_blk_overflow_makes_them_smaller(void **state)
{
	static const struct {
		const char *pool, *overflow;
		unsigned int size;
	} cases[] = {
		{ "203.0.113.1-203.0.113.4", "8", ALL / 72 },
		{ "203.0.113.1-203.0.113.2", "0", ALL / 128 },
		{ "203.0.113.1", "4", ALL / 260 },
	};
	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		struct lab *lab = open_with(cases[i].pool, cases[i].overflow);
		struct port_range block = ports_block(&lab->nat.ports, 1);
		void *own = lab;

		assert_int_equal(block.first, FIRST + cases[i].size);
		assert_int_equal(block.last - block.first + 1, cases[i].size);
		lab_teardown(&own);
	}
}

/* With more subscribers than ports there is nothing to share out. */
static void test_rfc7422_blk_too_many_subscribers_get_nothing(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "nat.external", "203.0.113.1");
	lab_set(lab, "nat.internal", "10.0.0.0/8");
	assert_dropped(lab_out(lab, wire_udp(subscriber(1, 5000), Y1), AT_S(0)), REASON_NO_BLOCK);
}

/* The table of the RFC: address by address, block by block, for every subscriber and protocol. */
static void test_rfc7422_seq_the_nth_subscriber_has_the_nth_block(void **state)
{
	struct lab *lab = *state;

	for (unsigned int n = 0; n < HOSTS; n++) {
		unsigned int first = FIRST + n % 64 * 1008;

		if (n == 0 || n == 255)
			continue; /* the network's own addresses, which are no host's */
		for (unsigned int i = 0; i < 9; i++) {
			struct endpoint got = lab_open(lab, (enum nat_protocol)(i % 3),
						       subscriber(n, 2000 + i), Y1, AT_S(0));

			assert_same_endpoint(ep_port(got, 0), external(n / 64, 0));
			assert_in_range(got.port, first, first + 1007);
		}
		wire_free_all();
	}
}

/* There is one order, and the knob offers no other. */
static void test_rfc7422_alg_the_order_is_sequential(void **state)
{
	struct lab *lab = *state;
	char allowed[OPTIONS_TEXT_MAX];

	assert_string_equal(option_allowed(OPT_NAT_BLOCKS, allowed), "off, dynamic, deterministic");
	for (uint32_t n = 0; n < HOSTS; n++) {
		struct endpoint s = subscriber(n, 0);
		uint32_t address;

		assert_int_equal(
			ports_deterministic(&lab->nat.ports, &lab->options, &s.addr, &address),
			n % 64);
		assert_int_equal(address, n / 64);
	}
}

/* Every port of every address is one subscriber's, and every subscriber's are as many; but for
 * those that are kept for all. */
static void every_port_tells(const char *overflow, unsigned int size)
{
	struct lab *lab = open_with("203.0.113.1-203.0.113.4", overflow);
	unsigned int owned[HOSTS] = { 0 };
	void *own = lab;

	for (unsigned int a = 0; a < ADDRESSES; a++) {
		for (unsigned int port = 0; port <= 65535; port++) {
			struct endpoint e = external(a, port);
			struct addr owner;
			unsigned int n;

			if (!ports_deterministic_owner(&lab->nat.ports, &lab->options, &e,
						       &owner)) {
				assert_true(port < FIRST || port >= FIRST + 64 * size);
				continue;
			}
			n = addr_ip4(&owner) - 0x0a000000;
			assert_in_range(n, 0, HOSTS - 1);
			assert_int_equal(n / 64, a);
			owned[n]++;
		}
	}
	for (unsigned int n = 0; n < HOSTS; n++)
		assert_int_equal(owned[n], size);
	lab_teardown(&own);
}

static void test_rfc7422_inv_every_port_tells_its_subscriber(void **state)
{
	(void)state;
	every_port_tells("0", 1008);
	every_port_tells("8", 896);
}

/* And it is the one that had it. */
static void test_rfc7422_inv_it_is_the_one_that_had_the_port(void **state)
{
	struct lab *lab = *state;

	for (unsigned int n = 1; n < 255; n++) {
		struct endpoint host = subscriber(n, 5000), got;
		struct addr owner;

		assert_int_equal(flow(lab, host, &got), NAT_REWRITTEN);
		assert_true(
			ports_deterministic_owner(&lab->nat.ports, &lab->options, &got, &owner));
		assert_true(addr_equal(&owner, &host.addr));
	}
}

static unsigned int overflows(struct lab *lab)
{
	const struct nat_event *event;
	unsigned int count = 0;

	for (uint64_t n = 1; (event = event_from(&lab->nat.events, n)) != NULL;
	     n = event->number + 1)
		count += event->type == EVENT_BLOCK_OVERFLOW;
	return count;
}

/* 248 ports each, and four times that in common. */
static void test_rfc7422_ovf_a_full_block_goes_on_in_the_common_ports(void **state)
{
	const unsigned int size = ALL / 260, common = FIRST + 256 * size;
	struct lab *lab = open_with("203.0.113.1", "4");
	const struct nat_event *event;
	struct endpoint got, host = subscriber(9, 0);
	struct addr owner;
	void *own = lab;

	for (unsigned int i = 0; i < size; i++)
		assert_int_equal(flow(lab, subscriber(9, 2000 + i), &got), NAT_REWRITTEN);
	assert_int_equal(overflows(lab), 0);
	assert_int_equal(flow(lab, subscriber(9, 9000), &got), NAT_REWRITTEN);
	assert_in_range(got.port, common, common + 4 * size - 1);
	/* Such a port is nobody's by the formula: the record tells whose it was, and when. */
	assert_false(ports_deterministic_owner(&lab->nat.ports, &lab->options, &got, &owner));
	assert_int_equal(overflows(lab), 1);
	event = event_from(&lab->nat.events, lab->nat.events.count);
	assert_non_null(event);
	assert_true(addr_equal(&event->internal, &host.addr));
	assert_same_endpoint(event->external, got);
	assert_int_equal(event->at.ms, 0);
	/* The others' blocks are theirs still. */
	assert_int_equal(flow(lab, subscriber(10, 5000), &got), NAT_REWRITTEN);
	assert_in_range(got.port, FIRST + 10 * size, FIRST + 11 * size - 1);
	lab_teardown(&own);
	(void)state;
}

static void test_rfc7422_ovf_without_common_ports_a_full_block_is_full(void **state)
{
	struct lab *lab = *state;

	use_up(lab, 9, 0, FIRST + 9 * 1008, FIRST + 10 * 1008 - 1);
	assert_dropped(lab_out(lab, wire_udp(subscriber(9, 9000), Y1), AT_S(0)),
		       REASON_BLOCK_EXHAUSTED);
	assert_int_equal(overflows(lab), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		formula_test(test_rfc7422_in_every_input_is_a_knob),
		formula_test(test_rfc7422_blk_ports_are_shared_out_by_the_ratio),
		cmocka_unit_test(test_rfc7422_blk_overflow_makes_them_smaller),
		formula_test(test_rfc7422_blk_too_many_subscribers_get_nothing),
		formula_test(test_rfc7422_seq_the_nth_subscriber_has_the_nth_block),
		formula_test(test_rfc7422_alg_the_order_is_sequential),
		cmocka_unit_test(test_rfc7422_inv_every_port_tells_its_subscriber),
		formula_test(test_rfc7422_inv_it_is_the_one_that_had_the_port),
		cmocka_unit_test(test_rfc7422_ovf_a_full_block_goes_on_in_the_common_ports),
		formula_test(test_rfc7422_ovf_without_common_ports_a_full_block_is_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
