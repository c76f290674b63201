/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/lab.h"

static const struct endpoint nowhere;

static int setup(void **state)
{
	const struct tuple_key key = lab_hash_key(3);
	struct mapping_table *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	assert_int_equal(mapping_table_init(t, 50, &key), 0);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	mapping_table_fini(*state);
	free(*state);
	return 0;
}

static uint32_t add(struct mapping_table *t, enum nat_protocol protocol, struct endpoint internal,
		    struct endpoint remote, struct endpoint external)
{
	const struct mapping wanted = { .protocol = (uint8_t)protocol,
					.behavior = MAPPING_ADDRESS_AND_PORT_DEPENDENT,
					.internal = internal,
					.external = external,
					.created = AT_S(9),
					.sessions = 77,
					.has_past = true };

	return mapping_add(t, &wanted, &remote);
}

static uint32_t by_internal(struct mapping_table *t, enum nat_protocol protocol,
			    struct endpoint internal, struct endpoint remote)
{
	return mapping_find_internal(t, protocol, &internal, &remote);
}

static uint32_t by_external(struct mapping_table *t, enum nat_protocol protocol,
			    struct endpoint external)
{
	return mapping_find_external(t, protocol, &external);
}

static void test_added_mapping_is_found_by_both_keys(void **state)
{
	struct mapping_table *t = *state;
	uint32_t n = add(t, NAT_UDP, H1, nowhere, ep_port(E1, 4000));
	const struct mapping *m = mapping_at(t, n);

	assert_int_equal(by_internal(t, NAT_UDP, H1, nowhere), n);
	assert_int_equal(by_external(t, NAT_UDP, ep_port(E1, 4000)), n);
	assert_same_endpoint(m->internal, H1);
	assert_same_endpoint(m->external, ep_port(E1, 4000));
	assert_int_equal(m->behavior, MAPPING_ADDRESS_AND_PORT_DEPENDENT);
	assert_int_equal(m->created.ms, 9000);
	/* a new one has no sessions and no past, whatever the wish says */
	assert_int_equal(m->sessions, 0);
	assert_int_equal(m->first_session, NAT_NONE);
	assert_int_equal(mapping_past(t, n)[0].packets + mapping_past(t, n)[1].bytes, 0);
	assert_true(arena_is_live(&t->arena, n));
}

static void test_other_keys_find_nothing(void **state)
{
	struct mapping_table *t = *state;

	add(t, NAT_UDP, H1, Y1, ep_port(E1, 4000));
	assert_int_equal(by_internal(t, NAT_TCP, H1, Y1), NAT_NONE);
	assert_int_equal(by_internal(t, NAT_UDP, H2, Y1), NAT_NONE);
	assert_int_equal(by_internal(t, NAT_UDP, ep_port(H1, 5001), Y1), NAT_NONE);
	assert_int_equal(by_internal(t, NAT_UDP, H1, Y2), NAT_NONE);
	assert_int_equal(by_internal(t, NAT_UDP, H1, Y1_Q), NAT_NONE);
	assert_int_equal(by_internal(t, NAT_UDP, H1, nowhere), NAT_NONE);
	assert_int_equal(by_external(t, NAT_TCP, ep_port(E1, 4000)), NAT_NONE);
	assert_int_equal(by_external(t, NAT_UDP, ep_port(E1, 4001)), NAT_NONE);
	assert_int_equal(by_external(t, NAT_UDP, ep("203.0.113.2:4000")), NAT_NONE);
}

static void test_removed_mapping_is_gone_from_both(void **state)
{
	struct mapping_table *t = *state;
	uint32_t a = add(t, NAT_UDP, H1, nowhere, ep_port(E1, 4000));
	uint32_t b = add(t, NAT_TCP, H1, nowhere, ep_port(E1, 4000));

	mapping_remove(t, a);
	assert_int_equal(by_internal(t, NAT_UDP, H1, nowhere), NAT_NONE);
	assert_int_equal(by_external(t, NAT_UDP, ep_port(E1, 4000)), NAT_NONE);
	assert_int_equal(by_internal(t, NAT_TCP, H1, nowhere), b);
	assert_int_equal(by_external(t, NAT_TCP, ep_port(E1, 4000)), b);
	assert_false(arena_is_live(&t->arena, a));
	assert_int_equal(t->arena.live, 1);
}

static void test_remote_part_of_the_key_is_what_the_behavior_says(void **state)
{
	struct endpoint remote = Y1;

	(void)state;
	assert_same_endpoint(mapping_remote_part(MAPPING_ENDPOINT_INDEPENDENT, &remote), nowhere);
	assert_same_endpoint(mapping_remote_part(MAPPING_ADDRESS_DEPENDENT, &remote),
			     ep_port(Y1, 0));
	assert_same_endpoint(mapping_remote_part(MAPPING_ADDRESS_AND_PORT_DEPENDENT, &remote), Y1);
}

static void test_full_table_refuses_and_growing_helps(void **state)
{
	struct mapping_table *t = *state;

	for (unsigned int i = 0; i < 50; i++)
		assert_int_equal(add(t, NAT_UDP, ep_port(H1, i), nowhere, ep_port(E1, i)), i);
	assert_int_equal(add(t, NAT_UDP, ep_port(H1, 50), nowhere, ep_port(E1, 50)), NAT_NONE);
	assert_int_equal(mapping_table_set_limit(t, 5000), 0);
	for (unsigned int i = 50; i < 5000; i++)
		assert_int_equal(add(t, NAT_UDP, ep_port(H1, i), nowhere, ep_port(E1, i)), i);
	for (unsigned int i = 0; i < 5000; i++) {
		assert_int_equal(by_internal(t, NAT_UDP, ep_port(H1, i), nowhere), i);
		assert_int_equal(by_external(t, NAT_UDP, ep_port(E1, i)), i);
	}
	assert_int_equal(mapping_table_set_limit(t, 10), 0);
	assert_int_equal(add(t, NAT_UDP, H2, nowhere, ep_port(E1, 50001)), NAT_NONE);
	assert_int_equal(by_internal(t, NAT_UDP, ep_port(H1, 4999), nowhere), 4999);
}

/* Two keys of one hash are rare; here the index is told that they are. */
static void test_keys_with_one_hash_are_told_apart(void **state)
{
	struct mapping_table *t = *state;
	const struct endpoint external = ep_port(E1, 4000), internal = H1, remote = Y1;
	const struct endpoint others[] = { ep_port(E1, 4001), ep("203.0.113.2:4000") };
	const struct endpoint hosts[] = { H2, ep_port(H1, 5001) }, remotes[] = { Y2, Y1_Q };
	uint32_t n = add(t, NAT_UDP, internal, remote, external);

	index_add(&t->by_external, tuple_hash(&t->key, NAT_TCP, &external, &nowhere), n);
	assert_int_equal(by_external(t, NAT_TCP, external), NAT_NONE);
	index_add(&t->by_internal, tuple_hash(&t->key, NAT_TCP, &internal, &remote), n);
	assert_int_equal(by_internal(t, NAT_TCP, internal, remote), NAT_NONE);
	for (int i = 0; i < 2; i++) {
		index_add(&t->by_external, tuple_hash(&t->key, NAT_UDP, &others[i], &nowhere), n);
		assert_int_equal(by_external(t, NAT_UDP, others[i]), NAT_NONE);
		index_add(&t->by_internal, tuple_hash(&t->key, NAT_UDP, &hosts[i], &remote), n);
		assert_int_equal(by_internal(t, NAT_UDP, hosts[i], remote), NAT_NONE);
		index_add(&t->by_internal, tuple_hash(&t->key, NAT_UDP, &internal, &remotes[i]), n);
		assert_int_equal(by_internal(t, NAT_UDP, internal, remotes[i]), NAT_NONE);
	}
	assert_int_equal(by_external(t, NAT_UDP, external), n);
	assert_int_equal(by_internal(t, NAT_UDP, internal, remote), n);
}

/* Where ports overlap, several mappings have one external endpoint (RFC 7857 section 3). */
static void test_mappings_that_share_an_external_endpoint_are_all_found(void **state)
{
	struct mapping_table *t = *state;
	bool seen[8] = { false };
	uint32_t n[4], found;

	for (unsigned int i = 0; i < 4; i++)
		n[i] = add(t, NAT_UDP, ep_port(H1, 5000 + i), nowhere, ep_port(E1, 4000));
	/* the oldest first */
	assert_int_equal(by_external(t, NAT_UDP, ep_port(E1, 4000)), n[0]);
	add(t, NAT_TCP, H1, nowhere, ep_port(E1, 4000));
	add(t, NAT_UDP, ep_port(H1, 6000), nowhere, ep_port(E1, 4001));
	found = by_external(t, NAT_UDP, ep_port(E1, 4000));
	for (int i = 0; i < 4; i++) {
		assert_in_range(found, 0, 3);
		assert_false(seen[found]);
		seen[found] = true;
		found = mapping_next_external(t, found);
	}
	assert_int_equal(found, NAT_NONE);
	mapping_remove(t, n[1]);
	mapping_remove(t, n[3]);
	found = by_external(t, NAT_UDP, ep_port(E1, 4000));
	assert_int_equal(found + mapping_next_external(t, found), n[0] + n[2]);
	assert_int_equal(mapping_next_external(t, mapping_next_external(t, found)), NAT_NONE);
}

static bool leads(struct mapping_table *t, struct mapping wanted)
{
	const struct endpoint remote = Y1;

	return mapping_at(t, mapping_add(t, &wanted, &remote))->leads;
}

/* Each of its endpoints must be enough to find it, as long as it lives. */
static void test_mapping_leads_if_both_its_endpoints_are_its_own(void **state)
{
	struct mapping_table *t = *state;
	const struct endpoint one = ep_port(E1, 4000), two = ep_port(E1, 4001);
	struct mapping wanted = { .internal = H1, .external = one };

	assert_true(leads(t, wanted));
	wanted.external = two;
	assert_false(leads(t, wanted)); /* secondary */
	wanted = (struct mapping){ .internal = H2, .external = one };
	assert_false(leads(t, wanted)); /* the second at this port */
	wanted.protocol = NAT_TCP;
	assert_true(leads(t, wanted));
	wanted = (struct mapping){ .protocol = NAT_ICMP,
				   .behavior = MAPPING_ADDRESS_DEPENDENT,
				   .internal = H1,
				   .external = one };
	assert_false(leads(t, wanted)); /* its internal endpoint may have others */
	wanted.behavior = MAPPING_ADDRESS_AND_PORT_DEPENDENT;
	wanted.external = two;
	assert_false(leads(t, wanted));
}

/* A further external endpoint of an internal one: the first stays the one that is found. */
static void test_second_mapping_of_one_internal_key_is_secondary(void **state)
{
	struct mapping_table *t = *state;
	uint32_t first = add(t, NAT_UDP, H1, nowhere, ep_port(E1, 4000));
	uint32_t second = add(t, NAT_UDP, H1, nowhere, ep_port(E1, 4001)), third;

	assert_false(mapping_at(t, first)->secondary);
	assert_true(mapping_at(t, second)->secondary);
	assert_int_equal(by_internal(t, NAT_UDP, H1, nowhere), first);
	assert_int_equal(by_external(t, NAT_UDP, ep_port(E1, 4001)), second);
	assert_int_equal(t->by_internal.count, 1);
	mapping_remove(t, second);
	assert_int_equal(by_internal(t, NAT_UDP, H1, nowhere), first);
	/* The first goes, and the next that is made takes its place. */
	second = add(t, NAT_UDP, H1, nowhere, ep_port(E1, 4001));
	mapping_remove(t, first);
	assert_int_equal(by_internal(t, NAT_UDP, H1, nowhere), NAT_NONE);
	third = add(t, NAT_UDP, H1, nowhere, ep_port(E1, 4002));
	assert_int_equal(by_internal(t, NAT_UDP, H1, nowhere), third);
	mapping_remove(t, second);
	assert_int_equal(by_internal(t, NAT_UDP, H1, nowhere), third);
}

int main(void)
{
#define mapping_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		mapping_test(test_added_mapping_is_found_by_both_keys),
		mapping_test(test_other_keys_find_nothing),
		mapping_test(test_keys_with_one_hash_are_told_apart),
		mapping_test(test_removed_mapping_is_gone_from_both),
		mapping_test(test_remote_part_of_the_key_is_what_the_behavior_says),
		mapping_test(test_mappings_that_share_an_external_endpoint_are_all_found),
		mapping_test(test_mapping_leads_if_both_its_endpoints_are_its_own),
		mapping_test(test_second_mapping_of_one_internal_key_is_secondary),
		mapping_test(test_full_table_refuses_and_growing_helps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
