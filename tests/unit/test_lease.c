/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Leases: their table, and what a leased mapping is to packets. */
#include "tests/unit/ask.h"

#define HOUR 3600

/* --- the table ------------------------------------------------------------------------------ */

enum { CELLS = 64 };

static const uint8_t no_nonce[LEASE_NONCE];

/* The first is that which ends first, and of those that end at once the one that was set first. None in
 * the heap ends before the one above it. */
static void check_first(const struct lease_table *t, const int64_t *ends, const uint32_t *set)
{
	uint32_t first = NAT_NONE, count = 0;

	for (uint32_t n = 0; n < CELLS; n++) {
		if (ends[n] < 0)
			continue;
		count++;
		assert_int_equal(lease_at(t, n)->end.ms, ends[n]);
		if (first == NAT_NONE || ends[n] < ends[first] ||
		    (ends[n] == ends[first] && set[n] < set[first]))
			first = n;
	}
	assert_int_equal(t->count, count);
	for (uint32_t place = 1; place < count; place++) {
		const uint32_t *heap = column_at(&t->heap, 0);

		assert_true(ends[heap[(place - 1) / 2]] <= ends[heap[place]]);
	}
	assert_int_equal(lease_first(t), first);
	assert_int_equal(lease_due(t).ms, first != NAT_NONE ? ends[first] : MONO_NEVER.ms);
}

static void test_leases_are_in_the_order_of_their_ends(void **state)
{
	struct siphash_key key = { { 1, 2 } };
	int64_t ends[CELLS];
	uint32_t set[CELLS] = { 0 };
	struct lease_table t;
	struct rng rng;

	(void)state;
	rng_init(&rng, &key);
	memset(ends, -1, sizeof(ends));
	assert_int_equal(lease_table_init(&t, CELLS), 0);
	check_first(&t, ends, set);
	for (uint32_t i = 1; i < 5000; i++) {
		uint32_t n = rng_below(&rng, CELLS);
		struct mono end = AT_MS(rng_below(&rng, 100));

		if (ends[n] < 0)
			lease_add(&t, n, no_nonce, end);
		else if (rng_below(&rng, 2) == 0)
			lease_renew(&t, n, end);
		else
			lease_remove(&t, n), end.ms = -1;
		ends[n] = end.ms;
		set[n] = i;
		check_first(&t, ends, set);
	}
	for (uint32_t n; (n = lease_first(&t)) != NAT_NONE; check_first(&t, ends, set)) {
		lease_remove(&t, n);
		ends[n] = -1;
	}
	lease_table_fini(&t);
}

static void test_renewal_keeps_the_nonce(void **state)
{
	static const uint8_t nonce[LEASE_NONCE] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 };
	struct lease_table t;

	(void)state;
	assert_int_equal(lease_table_init(&t, CELLS), 0);
	lease_add(&t, 5, nonce, AT_S(1));
	lease_renew(&t, 5, AT_S(2));
	assert_memory_equal(lease_at(&t, 5)->nonce, nonce, sizeof(nonce));
	lease_table_fini(&t);
}

static void test_table_grows_with_the_limit(void **state)
{
	struct lease_table t;

	(void)state;
	assert_int_equal(lease_table_init(&t, 1), 0);
	lease_add(&t, 0, no_nonce, AT_S(7));
	assert_int_equal(lease_table_set_limit(&t, 10000), 0);
	lease_add(&t, 9999, no_nonce, AT_S(8));
	assert_int_equal(lease_first(&t), 0);
	assert_int_equal(lease_table_set_limit(&t, 10), 0); /* what there is stays */
	assert_int_equal(lease_at(&t, 9999)->end.ms, 8000);
	lease_table_fini(&t);
}

/* --- the mapping ---------------------------------------------------------------------------- */

static void test_mapping_that_is_there_gets_the_lease(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p <= NAT_TCP; p++) {
		struct endpoint external = lab_open(lab, p, H1, Y1, AT_S(0));

		assert_false(lab_comes_in(lab, p, Y2, external, H1, AT_S(0)));
		assert_same_endpoint(lab_lease(lab, p, H1, HOUR, AT_S(1)), external);
		assert_true(lab_comes_in(lab, p, Y2, external, H1, AT_S(1)));
	}
	assert_int_equal(lab->nat.mappings.arena.live, 2);
}

static void test_leased_mapping_is_the_one_packets_use(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_lease(lab, NAT_UDP, H1, HOUR, AT_S(0));

	assert_same_endpoint(lab_open(lab, NAT_UDP, H1, Y1, AT_S(1)), external);
	assert_same_endpoint(lab_open(lab, NAT_UDP, H1, Y2, AT_S(1)), external);
}

static void test_leased_mapping_is_used_whatever_the_mapping_behavior(void **state)
{
	static const char *const behaviors[] = { "adm", "apdm" };
	struct lab *lab = *state;

	for (unsigned int i = 0; i < 2; i++) {
		struct endpoint host = ep_port(H1, 6000 + i), external;

		lab_set(lab, "udp.mapping", behaviors[i]);
		external = lab_lease(lab, NAT_UDP, host, HOUR, AT_S(0));
		assert_same_endpoint(lab_open(lab, NAT_UDP, host, Y1, AT_S(0)), external);
		assert_same_endpoint(lab_open(lab, NAT_UDP, host, Y2, AT_S(0)), external);
	}
}

/* A mapping that depends on the remote cannot let everybody in: the lease is for another. */
static void test_mapping_towards_one_remote_goes_on_beside_the_lease(void **state)
{
	struct lab *lab = *state;
	struct endpoint own, leased;

	lab_set(lab, "udp.mapping", "apdm");
	own = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	leased = lab_lease(lab, NAT_UDP, H1, HOUR, AT_S(0));
	assert_int_not_equal(own.port, leased.port);
	assert_same_endpoint(lab_open(lab, NAT_UDP, H1, Y1, AT_S(1)), own);
	assert_same_endpoint(lab_open(lab, NAT_UDP, H1, Y2, AT_S(1)), leased);
}

static void test_one_that_its_host_never_used_lives_to_the_end_of_its_lease(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_lease(lab, NAT_UDP, H1, HOUR, AT_S(0));

	nat_tick(&lab->nat, AT_MS(HOUR * 1000 - 1), 100);
	assert_int_equal(lab->nat.mappings.arena.live, 1);
	assert_true(ports_find(&lab->nat.ports, &external.addr) != NAT_NONE);
	nat_tick(&lab->nat, AT_S(HOUR), 100);
	assert_int_equal(lab->nat.mappings.arena.live, 0);
	assert_int_equal(lab->nat.hosts.arena.live, 0);
	assert_false(port_map_is_taken(ports_map(&lab->nat.ports, 0, NAT_UDP), external.port));
	assert_consistent(&lab->nat);
}

/* Nobody need have ticked for it to be over. */
static void test_a_lease_that_is_over_lets_nobody_in(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p <= NAT_TCP; p++) {
		struct endpoint external = lab_lease(lab, p, H1, HOUR, AT_S(0));
		struct wire w = lab_probe(p, Y1, external);

		assert_int_not_equal(lab_in(lab, w, AT_S(HOUR)).verdict, NAT_REWRITTEN);
		assert_int_equal(lab_mapping(lab, p, H1), NAT_NONE);
	}
}

static void test_lease_over_while_a_session_goes_on_leaves_the_mapping(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_lease(lab, NAT_UDP, H1, HOUR, AT_S(0));

	lab_open(lab, NAT_UDP, H1, Y1, AT_S(HOUR - 10));
	assert_true(lab_comes_in(lab, NAT_UDP, Y2, external, H1, AT_S(HOUR - 10)));
	nat_tick(&lab->nat, AT_S(HOUR), 100);
	assert_int_equal(lab->nat.mappings.arena.live, 1);
	assert_false(lab_is_leased(lab, NAT_UDP, H1));
	assert_true(lab_comes_in(lab, NAT_UDP, Y1, external, H1, AT_S(HOUR)));
	assert_false(lab_comes_in(lab, NAT_UDP, Y1_Q, external, H1, AT_S(HOUR)));
	assert_same_endpoint(lab_open(lab, NAT_UDP, H1, Y1, AT_S(HOUR)), external);
}

static void test_last_session_of_a_leased_mapping_does_not_take_it_along(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_lease(lab, NAT_UDP, H1, HOUR, AT_S(0));

	lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	nat_tick(&lab->nat, AT_S(300), 100);
	assert_int_equal(lab->nat.sessions.arena.live, 0);
	assert_int_equal(lab->nat.mappings.arena.live, 1);
	assert_true(lab_comes_in(lab, NAT_UDP, Y2, external, H1, AT_S(301)));
}

/* A stranger's connection that was never answered keeps nothing: not after the lease either. */
static void test_strangers_go_with_the_lease(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_lease(lab, NAT_TCP, H1, 130, AT_S(0));

	assert_true(lab_comes_in(lab, NAT_TCP, Y1, external, H1, AT_S(129)));
	nat_tick(&lab->nat, AT_S(130), 100);
	assert_int_equal(lab->nat.sessions.arena.live, 0);
	assert_int_equal(lab->nat.mappings.arena.live, 0);
}

static void test_port_of_a_lease_that_is_over_rests(void **state)
{
	struct lab *lab = *state;
	struct endpoint external;
	const struct port_map *map;

	lab_set(lab, "udp.port-reuse-delay", "60s");
	external = lab_lease(lab, NAT_UDP, H1, HOUR, AT_S(0));
	map = ports_map(&lab->nat.ports, 0, NAT_UDP);
	nat_tick(&lab->nat, AT_S(HOUR), 100);
	assert_int_equal(lab->nat.mappings.arena.live, 0);
	nat_tick(&lab->nat, AT_S(HOUR + 59), 100);
	assert_true(port_map_is_taken(map, external.port));
	nat_tick(&lab->nat, AT_S(HOUR + 60), 100);
	assert_false(port_map_is_taken(map, external.port));
}

static void test_deleting_ends_a_mapping_at_once(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_lease(lab, NAT_UDP, H1, HOUR, AT_S(0));

	lab_lease(lab, NAT_UDP, H1, 0, AT_S(1));
	assert_int_equal(lab->nat.mappings.arena.live, 0);
	assert_false(port_map_is_taken(ports_map(&lab->nat.ports, 0, NAT_UDP), external.port));
	lab_lease(lab, NAT_UDP, H1, 0, AT_S(2)); /* none is there: that is what was asked */
}

static void test_deleting_leaves_a_mapping_that_was_not_leased(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));

	lab_lease(lab, NAT_UDP, H1, 0, AT_S(1));
	assert_true(lab_comes_in(lab, NAT_UDP, Y1, external, H1, AT_S(1)));
}

static void test_another_nonce_neither_renews_nor_deletes(void **state)
{
	struct lab *lab = *state;

	lab_lease(lab, NAT_UDP, H1, HOUR, AT_S(0));
	for (int64_t seconds = 0; seconds <= 2 * HOUR; seconds += 2 * HOUR) {
		struct lease_request r = lease_of(NAT_UDP, H1, seconds);

		r.nonce[LEASE_NONCE - 1] = 1;
		assert_int_equal(lab_request_lease(lab, &r, AT_S(1)), LEASE_FOREIGN);
		assert_int_equal(lease_due(&lab->nat.leases).ms, HOUR * 1000);
	}
}

/* --- what is asked for ---------------------------------------------------------------------- */

static enum lease_result wish_for(struct lab *lab, struct endpoint internal,
				  struct endpoint external, bool exactly, struct endpoint *got)
{
	struct lease_request r = lease_of(NAT_UDP, internal, HOUR);
	enum lease_result result;

	r.external = external;
	r.exactly = exactly;
	result = lab_request_lease(lab, &r, AT_S(0));
	*got = r.external;
	return result;
}

static void test_endpoint_that_is_free_is_given_as_wished(void **state)
{
	struct lab *lab = *state;
	struct endpoint got;

	assert_int_equal(wish_for(lab, H1, ep("203.0.113.1:4711"), false, &got), LEASE_GRANTED);
	assert_endpoint(got, "203.0.113.1:4711");
	assert_int_equal(wish_for(lab, H2, (struct endpoint){ .port = 4712 }, true, &got),
			 LEASE_GRANTED);
	assert_endpoint(got, "203.0.113.1:4712");
}

static void test_endpoint_that_is_not_to_be_had_is_replaced_or_refused(void **state)
{
	static const char *const wishes[] = {
		"203.0.113.1:4711", /* another's */
		"203.0.113.1:1023", /* out of the range of ports */
		"203.0.113.1:2222", /* reserved */
		"203.0.113.1:3333", /* a forward's */
		"203.0.113.9:4000", /* none of our addresses */
	};
	struct lab *lab = *state;
	struct endpoint got;

	lab_set(lab, "nat.reserved-ports", "2222");
	lab_set(lab, "nat.forwards", "udp:3333=192.168.1.9:1");
	assert_int_equal(wish_for(lab, H1, ep("203.0.113.1:4711"), false, &got), LEASE_GRANTED);
	for (unsigned int i = 0; i < sizeof(wishes) / sizeof(wishes[0]); i++) {
		struct endpoint host = ep_port(H2, 6000 + i);

		assert_int_equal(wish_for(lab, host, ep(wishes[i]), true, &got), LEASE_TAKEN);
		assert_int_equal(lab_mapping(lab, NAT_UDP, host), NAT_NONE);
		assert_int_equal(wish_for(lab, host, ep(wishes[i]), false, &got), LEASE_GRANTED);
		assert_int_not_equal(got.port, ep(wishes[i]).port);
	}
}

/* Whoever wishes for nothing gets something, however much he insists on it. */
static void test_wish_for_anything_is_met(void **state)
{
	struct lab *lab = *state;
	struct endpoint got;

	assert_int_equal(wish_for(lab, H1, (struct endpoint){ 0 }, true, &got), LEASE_GRANTED);
	assert_int_equal(wish_for(lab, H2, ep("203.0.113.1:0"), false, &got), LEASE_GRANTED);
}

/* A packet's port would stay below 1024 (RFC 4787 REQ-3a). */
static void test_wish_crosses_the_classes_of_ports(void **state)
{
	struct lab *lab = *state;
	struct endpoint got;

	assert_int_equal(wish_for(lab, ep_port(H1, 80), ep("203.0.113.1:8080"), true, &got),
			 LEASE_GRANTED);
	assert_int_equal(got.port, 8080);
	assert_int_equal(wish_for(lab, ep_port(H1, 81), ep("203.0.113.1:81"), true, &got),
			 LEASE_GRANTED);
	assert_int_equal(wish_for(lab, ep_port(H1, 8080), ep("203.0.113.1:82"), true, &got),
			 LEASE_TAKEN);
}

/* Who insists must say on what. */
static void test_address_without_a_port_is_nothing_to_insist_on(void **state)
{
	struct lab *lab = *state;
	struct endpoint got;

	assert_int_equal(wish_for(lab, H1, ep("203.0.113.1:0"), true, &got), LEASE_TAKEN);
}

static void test_mapping_that_is_elsewhere_is_refused_to_those_who_insist(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0)), got;
	uint16_t other = external.port == 4711 ? 4712 : 4711;

	assert_int_equal(wish_for(lab, H1, ep_port(external, other), true, &got), LEASE_TAKEN);
	assert_int_equal(wish_for(lab, H1, external, true, &got), LEASE_GRANTED);
	assert_int_equal(wish_for(lab, H1, ep_port(external, other), false, &got), LEASE_GRANTED);
	assert_same_endpoint(got, external);
}

/* --- quotas and limits ---------------------------------------------------------------------- */

static enum lease_result result_for(struct lab *lab, struct endpoint internal, struct mono now)
{
	struct lease_request r = lease_of(NAT_UDP, internal, HOUR);

	return lab_request_lease(lab, &r, now);
}

static void test_leases_count_for_the_hosts_quota(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "nat.max-mappings-per-host", "2");
	lab_lease(lab, NAT_UDP, H1, HOUR, AT_S(0));
	lab_lease(lab, NAT_TCP, H1, HOUR, AT_S(0));
	assert_int_equal(result_for(lab, ep_port(H1, 6000), AT_S(0)), LEASE_QUOTA);
	assert_int_equal(lab_out(lab, wire_udp(ep_port(H1, 6001), Y1), AT_S(0)).reason,
			 REASON_HOST_QUOTA);
	lab_lease(lab, NAT_UDP, H1, 2 * HOUR, AT_S(1)); /* one more hour is no more mapping */
	lab_lease(lab, NAT_UDP, H2, HOUR, AT_S(0));
}

static void test_leases_count_for_the_rate(void **state)
{
	struct lab *lab = *state;
	unsigned int granted = 0;

	lab_set(lab, "nat.new-mappings-per-second", "2");
	for (unsigned int i = 0; i < 20; i++)
		granted += result_for(lab, ep_port(H1, 6000 + i), AT_S(0)) == LEASE_GRANTED;
	assert_in_range(granted, 1, 4);
	assert_int_equal(result_for(lab, ep_port(H1, 6100), AT_S(0)), LEASE_QUOTA);
	assert_int_equal(result_for(lab, ep_port(H1, 6100), AT_S(1)), LEASE_GRANTED);
}

static void test_full_table_refuses_leases(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "nat.max-mappings", "3");
	for (unsigned int i = 0; i < 3; i++)
		lab_lease(lab, NAT_UDP, ep_port(H1, 6000 + i), HOUR, AT_S(0));
	assert_int_equal(result_for(lab, H2, AT_S(1)), LEASE_FULL);
	assert_int_equal(result_for(lab, ep_port(H1, 6001), AT_S(1)), LEASE_GRANTED);
}

/* What is over makes room, though no session has ended with it. */
static void test_leases_that_are_over_make_room(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "nat.max-mappings", "3");
	for (unsigned int i = 0; i < 3; i++)
		lab_lease(lab, NAT_UDP, ep_port(H1, 6000 + i), HOUR, AT_S(0));
	assert_int_equal(result_for(lab, H2, AT_S(HOUR)), LEASE_GRANTED);
	for (unsigned int i = 0; i < 2; i++)
		lab_lease(lab, NAT_UDP, ep_port(H1, 6000 + i), HOUR, AT_S(HOUR));
	assert_rewritten(lab_out(lab, wire_udp(ep_port(H2, 6000), Y1), AT_S(2 * HOUR)),
			 REASON_MAPPING_CREATED);
}

static void test_no_port_is_left(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "udp.port-range", "5000-5001");
	lab_lease(lab, NAT_UDP, H1, HOUR, AT_S(0));
	lab_lease(lab, NAT_UDP, H2, HOUR, AT_S(0));
	assert_int_equal(result_for(lab, ep_port(H2, 6000), AT_S(0)), LEASE_FULL);
	assert_dropped(lab_out(lab, wire_udp(ep_port(H2, 6000), Y1), AT_S(0)),
		       REASON_PORTS_EXHAUSTED);
}

/* --- other knobs ---------------------------------------------------------------------------- */

static void test_forward_to_the_host_is_what_it_gets(void **state)
{
	struct lab *lab = *state;
	struct endpoint got;

	lab_set(lab, "nat.forwards", "udp:8080=192.168.1.2:5000");
	assert_int_equal(wish_for(lab, H1, ep("203.0.113.1:4711"), true, &got), LEASE_TAKEN);
	assert_int_equal(wish_for(lab, H1, ep("203.0.113.1:4711"), false, &got), LEASE_GRANTED);
	assert_endpoint(got, "203.0.113.1:8080");
	nat_tick(&lab->nat, AT_S(HOUR), 100);
	assert_int_equal(lab->nat.mappings.arena.live, 0);
	assert_true(lab_comes_in(lab, NAT_UDP, Y1, got, H1, AT_S(HOUR))); /* the rule goes on */
}

static void test_host_with_an_address_of_its_own_keeps_its_port(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "nat.one-to-one", "203.0.113.3=192.168.1.2");
	assert_endpoint(lab_lease(lab, NAT_UDP, H1, HOUR, AT_S(0)), "203.0.113.3:5000");
}

/* What leads to nobody else leads to it; a mapping of its own is its own all the same. */
static void test_dmz_host_gets_a_port_like_any_other(void **state)
{
	struct lab *lab = *state;
	struct endpoint external;

	lab_set(lab, "nat.dmz", "192.168.1.2");
	external = lab_lease(lab, NAT_UDP, H1, HOUR, AT_S(0));
	assert_true(lab_comes_in(lab, NAT_UDP, Y1, external, H1, AT_S(0)));
	external = lab_lease(lab, NAT_UDP, H2, HOUR, AT_S(0));
	assert_true(lab_comes_in(lab, NAT_UDP, Y1, external, H2, AT_S(0)));
}

static void test_ports_come_from_the_hosts_dynamic_block(void **state)
{
	struct lab *lab = *state;
	struct endpoint first, next, got;

	lab_set(lab, "nat.blocks", "dynamic");
	lab_set(lab, "nat.block-size", "8");
	lab_set(lab, "nat.blocks-per-host", "1");
	lab_set(lab, "nat.block-overflow", "0");
	first = lab_lease(lab, NAT_UDP, H1, HOUR, AT_S(0));
	for (unsigned int i = 1; i < 8; i++) {
		next = lab_lease(lab, NAT_UDP, ep_port(H1, 6000 + i), HOUR, AT_S(0));
		assert_int_equal((next.port - 1024) / 8, (first.port - 1024) / 8);
	}
	assert_int_equal(result_for(lab, ep_port(H1, 7000), AT_S(0)), LEASE_QUOTA);
	/* Nobody else can have one of them, nor one of a block that is nobody's. */
	lab_lease(lab, NAT_UDP, ep_port(H1, 6001), 0, AT_S(0));
	for (uint16_t port = (uint16_t)(first.port - 8); port < first.port + 16; port++)
		assert_int_equal(wish_for(lab, H2, ep_port(first, port), true, &got), LEASE_TAKEN);
	/* But the one that is free again its own host can. */
	assert_int_equal(result_for(lab, ep_port(H1, 7000), AT_S(0)), LEASE_GRANTED);
}

static void test_ports_come_from_the_hosts_deterministic_block(void **state)
{
	struct lab *lab = *state;
	const struct endpoint host = H1;
	struct port_range block;
	struct endpoint got;
	uint32_t address, n;

	lab_set(lab, "nat.internal", "192.168.1.2-192.168.1.3");
	lab_set(lab, "nat.blocks", "deterministic");
	n = ports_deterministic(&lab->nat.ports, &lab->nat.options, &host.addr, &address);
	block = ports_block(&lab->nat.ports, n);
	assert_int_equal(wish_for(lab, H1, ep_port(E1, block.first), true, &got), LEASE_GRANTED);
	assert_int_equal(wish_for(lab, ep_port(H1, 1), ep_port(E1, block.last), true, &got),
			 LEASE_GRANTED);
	assert_int_equal(wish_for(lab, H2, ep_port(E1, block.first + 1), true, &got), LEASE_TAKEN);
	assert_int_equal(wish_for(lab, H2, ep_port(E1, block.first + 1), false, &got),
			 LEASE_GRANTED);
	assert_false(got.port >= block.first && got.port <= block.last);
	assert_int_equal(result_for(lab, ep("192.168.1.4:5000"), AT_S(0)), LEASE_FOREIGN);
}

static void test_shared_scope_gives_both_protocols_one_port(void **state)
{
	struct lab *lab = *state;
	struct endpoint external;

	lab_set(lab, "nat.protocol-scope", "shared");
	external = lab_lease(lab, NAT_UDP, H1, HOUR, AT_S(0));
	assert_same_endpoint(lab_lease(lab, NAT_TCP, H1, 2 * HOUR, AT_S(0)), external);
	nat_tick(&lab->nat, AT_S(HOUR), 100);
	assert_consistent(&lab->nat);
	assert_true(port_map_is_taken(ports_map(&lab->nat.ports, 0, NAT_UDP), external.port));
	assert_true(lab_comes_in(lab, NAT_TCP, Y1, external, H1, AT_S(HOUR)));
	nat_tick(&lab->nat, AT_S(2 * HOUR), 100);
	assert_consistent(&lab->nat);
	assert_false(port_map_is_taken(ports_map(&lab->nat.ports, 0, NAT_UDP), external.port));
}

/* What a stranger borrowed becomes the host's own. */
static void test_shared_scope_borrowed_mapping_can_be_leased(void **state)
{
	struct lab *lab = *state;
	struct endpoint external;

	lab_set(lab, "nat.protocol-scope", "shared");
	lab_set(lab, "tcp.filtering", "eif");
	external = lab_lease(lab, NAT_UDP, H1, 130, AT_S(0));
	if (!lab_comes_in(lab, NAT_TCP, Y1, external, H1, AT_S(0)))
		fail_msg("nothing was borrowed");
	assert_same_endpoint(lab_lease(lab, NAT_TCP, H1, HOUR, AT_S(0)), external);
	nat_tick(&lab->nat, AT_S(130), 100);
	assert_consistent(&lab->nat);
	assert_true(lab_comes_in(lab, NAT_TCP, Y2, external, H1, AT_S(HOUR - 1)));
}

/* Ports that several could share: no two leases do. */
static void test_overlapping_leases_never_share_an_endpoint(void **state)
{
	struct lab *lab = *state;
	struct endpoint a, b;
	bool shared;

	lab_set(lab, "udp.port-overlap", "on");
	lab_set(lab, "udp.port-range", "5000-5001");
	a = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	lab_open(lab, NAT_UDP, ep_port(H1, 5001), Y1, AT_S(0));
	b = lab_open(lab, NAT_UDP, H2, Y2, AT_S(0));
	lab_open(lab, NAT_UDP, ep_port(H2, 5001), Y2, AT_S(0));
	shared = a.port == b.port;
	assert_int_equal(result_for(lab, H1, AT_S(0)), LEASE_GRANTED);
	assert_int_equal(result_for(lab, H2, AT_S(0)), shared ? LEASE_FULL : LEASE_GRANTED);
	assert_int_equal(result_for(lab, ep_port(H2, 5001), AT_S(0)),
			 shared ? LEASE_GRANTED : LEASE_FULL);
	assert_int_equal(result_for(lab, ep("192.168.1.4:5000"), AT_S(0)), LEASE_FULL);
}

static void test_flush_takes_leased_mappings_along(void **state)
{
	const struct nat_selection all = { .mapping = NAT_NONE, .protocol = NAT_PROTOCOLS };
	struct lab *lab = *state;

	lab_lease(lab, NAT_UDP, H1, HOUR, AT_S(0));
	lab_lease(lab, NAT_TCP, H1, HOUR, AT_S(0));
	assert_int_equal(nat_flush(&lab->nat, &all, AT_S(1)), 2);
	assert_int_equal(lab->nat.leases.count, 0);
	assert_consistent(&lab->nat);
}

static void test_leases_that_are_over_are_not_flushed(void **state)
{
	const struct nat_selection all = { .mapping = NAT_NONE, .protocol = NAT_PROTOCOLS };
	struct lab *lab = *state;

	lab_lease(lab, NAT_UDP, H1, HOUR, AT_S(0));
	assert_int_equal(nat_flush(&lab->nat, &all, AT_S(HOUR)), 0);
	assert_int_equal(lab->nat.mappings.arena.live, 0);
}

/* --- time ----------------------------------------------------------------------------------- */

static void test_tick_ends_no_more_than_its_budget(void **state)
{
	struct lab *lab = *state;
	struct mono due;

	for (unsigned int i = 0; i < 5; i++)
		lab_lease(lab, NAT_UDP, ep_port(H1, 6000 + i), HOUR, AT_S(0));
	lab_lease(lab, NAT_UDP, H2, 2 * HOUR, AT_S(0));
	due = nat_tick(&lab->nat, AT_S(1), 100);
	assert_int_equal(due.ms, HOUR * 1000);
	due = nat_tick(&lab->nat, AT_S(HOUR), 3);
	assert_int_equal(lab->nat.leases.count, 3);
	assert_true(due.ms <= HOUR * 1000); /* the rest at once */
	due = nat_tick(&lab->nat, AT_S(HOUR), 100);
	assert_int_equal(lab->nat.leases.count, 1);
	assert_int_equal(due.ms, 2 * HOUR * 1000);
	due = nat_tick(&lab->nat, AT_S(2 * HOUR), 100);
	assert_int_equal(due.ms, MONO_NEVER.ms);
}

static void test_mapping_ends_with_its_lease_or_its_longest_session(void **state)
{
	struct lab *lab = *state;
	uint32_t n;

	lab_lease(lab, NAT_UDP, H1, 130, AT_S(0));
	n = lab_mapping(lab, NAT_UDP, H1);
	assert_int_equal(nat_mapping_expiry(&lab->nat, n).ms, 130000);
	lab_open(lab, NAT_UDP, H1, Y1, AT_S(1));
	assert_int_equal(nat_mapping_expiry(&lab->nat, n).ms, 301000);
	lab_lease(lab, NAT_UDP, H1, HOUR, AT_S(2));
	assert_int_equal(nat_mapping_expiry(&lab->nat, n).ms, (HOUR + 2) * 1000);
}

static void test_mapping_without_sessions_has_no_latest(void **state)
{
	struct lab *lab = *state;

	lab_lease(lab, NAT_UDP, H1, HOUR, AT_S(0));
	assert_int_equal(nat_mapping_latest(&lab->nat, lab_mapping(lab, NAT_UDP, H1)), NAT_NONE);
}

/* --- packets -------------------------------------------------------------------------------- */

static void test_hairpin_leads_to_a_leased_mapping(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p <= NAT_TCP; p++) {
		struct endpoint external = lab_lease(lab, p, H2, HOUR, AT_S(0));
		struct wire w = lab_request(p, H1, external);

		assert_rewritten(lab_out(lab, w, AT_S(0)), REASON_HAIRPIN);
		assert_same_endpoint(wire_destination(w), H2);
	}
}

static void test_error_about_a_packet_of_a_leased_mapping_comes_in(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_lease(lab, NAT_UDP, H1, HOUR, AT_S(0));
	struct wire answer = wire_udp(H1, Y1), error;

	assert_true(lab_comes_in(lab, NAT_UDP, Y1, external, H1, AT_S(0)));
	assert_int_equal(lab_out(lab, answer, AT_S(0)).verdict, NAT_REWRITTEN);
	error = wire_error(3, 3, Y1, external, answer);
	assert_int_equal(lab_in(lab, error, AT_S(0)).verdict, NAT_REWRITTEN);
	assert_same_endpoint(wire_destination(error), ep_port(H1, 0));
	assert_same_endpoint(wire_source(wire_quote(error)), H1);
}

static void test_leased_mapping_lets_connections_in_that_filtering_never_would(void **state)
{
	struct lab *lab = *state;
	struct endpoint external;

	lab_set(lab, "tcp.filtering", "cdf");
	external = lab_open(lab, NAT_TCP, H1, Y1, AT_S(0));
	assert_false(lab_comes_in(lab, NAT_TCP, Y1_Q, external, H1, AT_S(0)));
	assert_same_endpoint(lab_lease(lab, NAT_TCP, H1, HOUR, AT_S(0)), external);
	assert_true(lab_comes_in(lab, NAT_TCP, Y1_Q, external, H1, AT_S(0)));
	assert_true(lab_comes_in(lab, NAT_TCP, Y1, external, H1, AT_S(0)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_leases_are_in_the_order_of_their_ends),
		cmocka_unit_test(test_renewal_keeps_the_nonce),
		cmocka_unit_test(test_table_grows_with_the_limit),
		lab_test(test_mapping_that_is_there_gets_the_lease),
		lab_test(test_leased_mapping_is_the_one_packets_use),
		lab_test(test_leased_mapping_is_used_whatever_the_mapping_behavior),
		lab_test(test_mapping_towards_one_remote_goes_on_beside_the_lease),
		lab_test(test_one_that_its_host_never_used_lives_to_the_end_of_its_lease),
		lab_test(test_a_lease_that_is_over_lets_nobody_in),
		lab_test(test_lease_over_while_a_session_goes_on_leaves_the_mapping),
		lab_test(test_last_session_of_a_leased_mapping_does_not_take_it_along),
		lab_test(test_strangers_go_with_the_lease),
		lab_test(test_port_of_a_lease_that_is_over_rests),
		lab_test(test_deleting_ends_a_mapping_at_once),
		lab_test(test_deleting_leaves_a_mapping_that_was_not_leased),
		lab_test(test_another_nonce_neither_renews_nor_deletes),
		lab_test(test_endpoint_that_is_free_is_given_as_wished),
		lab_test(test_endpoint_that_is_not_to_be_had_is_replaced_or_refused),
		lab_test(test_wish_for_anything_is_met),
		lab_test(test_wish_crosses_the_classes_of_ports),
		lab_test(test_address_without_a_port_is_nothing_to_insist_on),
		lab_test(test_mapping_that_is_elsewhere_is_refused_to_those_who_insist),
		lab_test(test_leases_count_for_the_hosts_quota),
		lab_test(test_leases_count_for_the_rate),
		lab_test(test_full_table_refuses_leases),
		lab_test(test_leases_that_are_over_make_room),
		lab_test(test_no_port_is_left),
		lab_test(test_forward_to_the_host_is_what_it_gets),
		lab_test(test_host_with_an_address_of_its_own_keeps_its_port),
		lab_test(test_dmz_host_gets_a_port_like_any_other),
		lab_test(test_ports_come_from_the_hosts_dynamic_block),
		lab_test(test_ports_come_from_the_hosts_deterministic_block),
		lab_test(test_shared_scope_gives_both_protocols_one_port),
		lab_test(test_shared_scope_borrowed_mapping_can_be_leased),
		lab_test(test_overlapping_leases_never_share_an_endpoint),
		lab_test(test_flush_takes_leased_mappings_along),
		lab_test(test_leases_that_are_over_are_not_flushed),
		lab_test(test_tick_ends_no_more_than_its_budget),
		lab_test(test_mapping_ends_with_its_lease_or_its_longest_session),
		lab_test(test_mapping_without_sessions_has_no_latest),
		lab_test(test_hairpin_leads_to_a_leased_mapping),
		lab_test(test_error_about_a_packet_of_a_leased_mapping_comes_in),
		lab_test(test_leased_mapping_lets_connections_in_that_filtering_never_would),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
