/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The session table alone: two mappings, sessions added, touched and removed by hand. */
#include "tests/unit/lab.h"

struct bench {
	struct mapping_table mappings;
	struct session_table sessions;
	uint32_t m1, m2; /* of H1 (UDP) and of H2 (TCP) */
};

static int setup(void **state)
{
	const struct tuple_key key = lab_hash_key(5);
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	assert_int_equal(mapping_table_init(&b->mappings, 10, &key), 0);
	assert_int_equal(session_table_init(&b->sessions, 60, &b->mappings), 0);
	peers_want(&b->sessions, 1 << NAT_UDP | 1 << NAT_TCP);
	b->m1 = mapping_add(&b->mappings,
			    &(struct mapping){ .protocol = NAT_UDP,
					       .internal = H1,
					       .external = ep_port(E1, 4000) },
			    &(struct endpoint){ 0 });
	b->m2 = mapping_add(&b->mappings,
			    &(struct mapping){ .protocol = NAT_TCP,
					       .internal = H2,
					       .external = ep_port(E1, 4000) },
			    &(struct endpoint){ 0 });
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	session_table_fini(&b->sessions);
	mapping_table_fini(&b->mappings);
	free(b);
	return 0;
}

static uint32_t add(struct bench *b, uint32_t mapping, struct endpoint remote, int at_s)
{
	enum timeout_class class = mapping == b->m1 ? TIMEOUT_UDP : TIMEOUT_TCP_OPENING;

	return session_add(&b->sessions, mapping, &remote, class, true, AT_S(at_s));
}

/* One that does not keep its mapping alive. */
static uint32_t add_stranger(struct bench *b, uint32_t mapping, struct endpoint remote)
{
	return session_add(&b->sessions, mapping, &remote, TIMEOUT_TCP_OPENING, false, AT_S(0));
}

static uint32_t by_internal(struct bench *b, enum nat_protocol protocol, struct endpoint internal,
			    struct endpoint remote)
{
	return session_find_internal(&b->sessions, protocol, &internal, &remote);
}

static uint32_t by_external(struct bench *b, enum nat_protocol protocol, struct endpoint external,
			    struct endpoint remote)
{
	return session_find_external(&b->sessions, protocol, &external, &remote);
}

static uint32_t by_peer(struct bench *b, uint32_t mapping, struct endpoint remote)
{
	return peers_find(&b->sessions, mapping, &remote);
}

static bool is_live(const struct bench *b, uint32_t n)
{
	return arena_is_live(&b->sessions.arena, n);
}

/* The walk of invariants.h, around the two tables of this bench. */
static void check(struct bench *b)
{
	bool mappings[16] = { false }, sessions[64] = { false };
	struct nat *nat = calloc(1, sizeof(*nat));
	const char *broken;

	assert_non_null(nat);
	nat->mappings = b->mappings;
	nat->sessions = b->sessions;
	assert_true(invariant_live(&b->mappings.arena, mappings));
	assert_true(invariant_live(&b->sessions.arena, sessions));
	broken = invariant_expiry(nat, sessions);
	for (uint32_t n = 0; n < b->sessions.arena.used && broken == NULL; n++)
		if (sessions[n])
			broken = invariant_session(nat, n, sessions, mappings);
	if (broken == NULL)
		broken = invariant_arena(&b->sessions.arena, sessions);
	if (broken == NULL)
		broken = invariant_index(&b->sessions.by_internal,
					 invariant_indexed(&b->sessions, sessions),
					 &b->sessions.arena, sessions);
	if (broken == NULL)
		broken = invariant_index(&b->sessions.by_external,
					 invariant_indexed(&b->sessions, sessions),
					 &b->sessions.arena, sessions);
	for (uint32_t m = 0; m < 2 && broken == NULL; m++)
		broken = invariant_sessions_of(nat, m == 0 ? b->m1 : b->m2, sessions);
	if (broken != NULL)
		fail_msg("inconsistent: %s", broken);
	free(nat);
}

static void test_session_is_found_from_both_sides(void **state)
{
	struct bench *b = *state;
	uint32_t n = add(b, b->m1, Y1, 5);
	const struct session *s = session_at(&b->sessions, n);

	assert_int_equal(by_internal(b, NAT_UDP, H1, Y1), n);
	assert_int_equal(by_external(b, NAT_UDP, ep_port(E1, 4000), Y1), n);
	assert_int_equal(by_peer(b, b->m1, Y1), n);
	assert_int_equal(by_peer(b, b->m1, Y1_Q), n); /* a peer has no port */
	assert_int_equal(s->mapping, b->m1);
	assert_int_equal(s->created.ms, 5000);
	assert_int_equal(s->last_use.ms, 5000);
	assert_int_equal(session_tcp_state(&b->sessions, n), TCP_CLOSED);
	assert_int_equal(mapping_at(&b->mappings, b->m1)->sessions, 1);
	check(b);
}

/* The only session of a mapping that its endpoints lead to needs no entry; with a second one both do. */
static void test_only_session_of_a_mapping_is_found_by_that(void **state)
{
	struct bench *b = *state;
	const struct index *ix = &b->sessions.by_internal;
	uint32_t first = add(b, b->m1, Y1, 0), second;

	assert_int_equal(ix->count, 0);
	second = add(b, b->m1, Y2, 0);
	assert_int_equal(ix->count, 2);
	check(b);
	session_remove(&b->sessions, second);
	assert_int_equal(ix->count, 1);
	assert_int_equal(by_internal(b, NAT_UDP, H1, Y1), first);
	assert_int_equal(by_external(b, NAT_UDP, ep_port(E1, 4000), Y1), first);
	assert_int_equal(by_internal(b, NAT_UDP, H1, Y2), NAT_NONE);
	second = add(b, b->m1, Y2, 0);
	check(b);
	session_remove(&b->sessions, first);
	session_remove(&b->sessions, second);
	assert_int_equal(ix->count, 0);
	add(b, b->m1, Y1, 0);
	assert_int_equal(ix->count, 0);
	check(b);
}

/* One that has a sibling, or a key with a remote part, leads nowhere. */
static void test_session_of_a_mapping_that_does_not_lead_is_indexed(void **state)
{
	const struct mapping wanted[] = {
		{ .protocol = NAT_UDP, .internal = H1, .external = ep_port(E1, 4001) },
		{ .protocol = NAT_UDP, .internal = H2, .external = ep_port(E1, 4000) },
		{ .protocol = NAT_UDP,
		  .behavior = MAPPING_ADDRESS_AND_PORT_DEPENDENT,
		  .internal = H2,
		  .external = ep_port(E1, 4002) },
	};
	const struct endpoint remote = Y1;
	struct bench *b = *state;

	for (uint32_t i = 0; i < 3; i++) {
		uint32_t mapping = mapping_add(&b->mappings, &wanted[i], &remote), n;

		assert_false(mapping_at(&b->mappings, mapping)->leads);
		n = session_add(&b->sessions, mapping, &remote, TIMEOUT_UDP, true, AT_S(0));
		assert_true(session_at(&b->sessions, n)->indexed);
		assert_int_equal(by_internal(b, NAT_UDP, wanted[i].internal, Y1), n);
		assert_int_equal(by_external(b, NAT_UDP, wanted[i].external, Y1), n);
		session_remove(&b->sessions, n);
	}
	assert_int_equal(b->sessions.by_internal.count, 0);
}

static void test_other_keys_find_nothing(void **state)
{
	struct bench *b = *state;

	add(b, b->m1, Y1, 0);
	assert_int_equal(by_internal(b, NAT_TCP, H1, Y1), NAT_NONE);
	assert_int_equal(by_internal(b, NAT_UDP, H2, Y1), NAT_NONE);
	assert_int_equal(by_internal(b, NAT_UDP, ep_port(H1, 5001), Y1), NAT_NONE);
	assert_int_equal(by_internal(b, NAT_UDP, H1, Y1_Q), NAT_NONE);
	assert_int_equal(by_internal(b, NAT_UDP, H1, Y2), NAT_NONE);
	assert_int_equal(by_external(b, NAT_TCP, ep_port(E1, 4000), Y1), NAT_NONE);
	assert_int_equal(by_external(b, NAT_UDP, ep_port(E1, 4001), Y1), NAT_NONE);
	assert_int_equal(by_external(b, NAT_UDP, ep_port(E1, 4000), Y1_Q), NAT_NONE);
	assert_int_equal(by_peer(b, b->m1, Y2), NAT_NONE);
	assert_int_equal(by_peer(b, b->m2, Y1), NAT_NONE);
}

/* Two keys of one hash are rare; here the index is told that they are. */
static void test_keys_with_one_hash_are_told_apart(void **state)
{
	struct bench *b = *state;
	struct session_table *t = &b->sessions;
	const struct tuple_key *key = &b->mappings.key;
	const struct endpoint external = ep_port(E1, 4000), remote = Y1, other = Y1_Q;
	const struct endpoint host = H1, host2 = H2, external2 = ep_port(E1, 4001);
	const struct endpoint peer = ep_port(Y1, 0), peer2 = ep_port(Y2, 0);
	uint32_t n = add(b, b->m1, remote, 0);

	index_add(&t->by_internal, tuple_hash(key, NAT_TCP, &host, &remote), n);
	assert_int_equal(by_internal(b, NAT_TCP, host, remote), NAT_NONE);
	index_add(&t->by_internal, tuple_hash(key, NAT_UDP, &host2, &remote), n);
	assert_int_equal(by_internal(b, NAT_UDP, host2, remote), NAT_NONE);
	index_add(&t->by_internal, tuple_hash(key, NAT_UDP, &host, &other), n);
	assert_int_equal(by_internal(b, NAT_UDP, host, other), NAT_NONE);
	index_add(&t->by_external, tuple_hash(key, NAT_TCP, &external, &remote), n);
	assert_int_equal(by_external(b, NAT_TCP, external, remote), NAT_NONE);
	index_add(&t->by_external, tuple_hash(key, NAT_UDP, &external2, &remote), n);
	assert_int_equal(by_external(b, NAT_UDP, external2, remote), NAT_NONE);
	index_add(&t->by_external, tuple_hash(key, NAT_UDP, &external, &other), n);
	assert_int_equal(by_external(b, NAT_UDP, external, other), NAT_NONE);
	index_add(&t->peers.index, tuple_hash(key, NAT_TCP, &external, &peer), n);
	assert_int_equal(by_peer(b, b->m2, remote), NAT_NONE);
	index_add(&t->peers.index, tuple_hash(key, NAT_UDP, &external, &peer2), n);
	assert_int_equal(by_peer(b, b->m1, Y2), NAT_NONE);
	assert_int_equal(by_peer(b, b->m1, Y1), n);
}

static void test_peer_ring_survives_any_order_of_removal(void **state)
{
	struct bench *b = *state;
	static const int orders[][4] = { { 0, 1, 2, 3 }, { 3, 2, 1, 0 }, { 1, 0, 3, 2 },
					 { 2, 3, 0, 1 }, { 1, 2, 3, 0 }, { 0, 3, 1, 2 } };

	for (size_t o = 0; o < sizeof(orders) / sizeof(orders[0]); o++) {
		uint32_t n[4];

		for (unsigned int i = 0; i < 4; i++) {
			n[i] = add(b, b->m1, ep_port(Y1, 7000 + i), 0);
			check(b);
		}
		for (int i = 0; i < 4; i++) {
			assert_int_not_equal(by_peer(b, b->m1, Y1), NAT_NONE);
			session_remove(&b->sessions, n[orders[o][i]]);
			check(b);
		}
		assert_int_equal(by_peer(b, b->m1, Y1), NAT_NONE);
		assert_int_equal(b->sessions.peers.index.count, 0);
		assert_int_equal(mapping_at(&b->mappings, b->m1)->sessions, 0);
		assert_int_equal(mapping_at(&b->mappings, b->m1)->first_session, NAT_NONE);
	}
}

static void test_peers_of_two_mappings_are_apart(void **state)
{
	struct bench *b = *state;
	uint32_t a = add(b, b->m1, Y1, 0), c = add(b, b->m2, Y1, 0);

	assert_int_equal(by_peer(b, b->m1, Y1), a);
	assert_int_equal(by_peer(b, b->m2, Y1), c);
	session_remove(&b->sessions, a);
	assert_int_equal(by_peer(b, b->m1, Y1), NAT_NONE);
	assert_int_equal(by_peer(b, b->m2, Y1), c);
	check(b);
}

/* Record numbers of one expiry list, from the next to go on. */
static void assert_list(struct bench *b, enum timeout_class class, const uint32_t *wanted,
			size_t count)
{
	uint32_t n = b->sessions.expiry[class].head;

	for (size_t i = 0; i < count; i++) {
		assert_int_equal(n, wanted[i]);
		n = session_at(&b->sessions, n)->expiry_next;
	}
	assert_int_equal(n, NAT_NONE);
}

static void test_expiry_list_is_in_order_of_last_use(void **state)
{
	struct bench *b = *state;
	uint32_t x = add(b, b->m1, Y1, 1), y = add(b, b->m1, Y2, 2), z = add(b, b->m1, Y1_Q, 3);

	assert_list(b, TIMEOUT_UDP, (uint32_t[]){ x, y, z }, 3);
	session_touch(&b->sessions, y, TIMEOUT_UDP, AT_S(4)); /* from the middle */
	assert_list(b, TIMEOUT_UDP, (uint32_t[]){ x, z, y }, 3);
	session_touch(&b->sessions, x, TIMEOUT_UDP, AT_S(5)); /* from the head */
	assert_list(b, TIMEOUT_UDP, (uint32_t[]){ z, y, x }, 3);
	session_touch(&b->sessions, x, TIMEOUT_UDP, AT_S(6)); /* the last stays */
	assert_list(b, TIMEOUT_UDP, (uint32_t[]){ z, y, x }, 3);
	assert_int_equal(session_at(&b->sessions, x)->last_use.ms, 6000);
	check(b);
	session_remove(&b->sessions, y);
	assert_list(b, TIMEOUT_UDP, (uint32_t[]){ z, x }, 2);
	session_remove(&b->sessions, x);
	assert_list(b, TIMEOUT_UDP, (uint32_t[]){ z }, 1);
	session_remove(&b->sessions, z);
	assert_list(b, TIMEOUT_UDP, NULL, 0);
	assert_int_equal(b->sessions.expiry[TIMEOUT_UDP].tail, NAT_NONE);
}

static void test_touch_moves_to_the_list_of_its_class(void **state)
{
	struct bench *b = *state;
	uint32_t x = add(b, b->m2, Y1, 1), y = add(b, b->m2, Y2, 2);

	session_touch(&b->sessions, y, TIMEOUT_TCP_ESTABLISHED, AT_S(3));
	assert_list(b, TIMEOUT_TCP_OPENING, (uint32_t[]){ x }, 1);
	assert_list(b, TIMEOUT_TCP_ESTABLISHED, (uint32_t[]){ y }, 1);
	session_touch(&b->sessions, x, TIMEOUT_TCP_ESTABLISHED, AT_S(4));
	assert_list(b, TIMEOUT_TCP_OPENING, NULL, 0);
	assert_list(b, TIMEOUT_TCP_ESTABLISHED, (uint32_t[]){ y, x }, 2);
	session_touch(&b->sessions, y, TIMEOUT_TCP_OPENING, AT_S(5));
	assert_list(b, TIMEOUT_TCP_OPENING, (uint32_t[]){ y }, 1);
	assert_list(b, TIMEOUT_TCP_ESTABLISHED, (uint32_t[]){ x }, 1);
	check(b);
}

static void test_expiry_is_last_use_and_the_timeout_of_the_class(void **state)
{
	struct bench *b = *state;
	uint32_t n = add(b, b->m2, Y1, 1);
	struct options o;

	options_init(&o);
	assert_int_equal(session_expiry(session_at(&b->sessions, n), &o).ms, 241000);
	session_touch(&b->sessions, n, TIMEOUT_TCP_ESTABLISHED, AT_S(2));
	assert_int_equal(session_expiry(session_at(&b->sessions, n), &o).ms, 7442000);
	session_at(&b->sessions, n)->last_use.ms = INT64_MAX - 5;
	assert_int_equal(session_expiry(session_at(&b->sessions, n), &o).ms, INT64_MAX);
}

static void test_removed_sessions_traffic_goes_to_the_mappings_past(void **state)
{
	struct bench *b = *state;
	const struct traffic *past;

	add(b, b->m1, Y2, 0); /* goes on */
	for (unsigned int i = 0; i < 3; i++) {
		uint32_t n = add(b, b->m1, ep_port(Y1, 7000 + i), 0);

		session_at(&b->sessions, n)->traffic[NAT_INTERNAL] = (struct traffic){ 1, 100 };
		session_at(&b->sessions, n)->traffic[NAT_EXTERNAL] = (struct traffic){ 2, 1000 };
		session_remove(&b->sessions, n);
	}
	past = mapping_past(&b->mappings, b->m1);
	assert_int_equal(past[NAT_INTERNAL].packets, 3);
	assert_int_equal(past[NAT_INTERNAL].bytes, 300);
	assert_int_equal(past[NAT_EXTERNAL].packets, 6);
	assert_int_equal(past[NAT_EXTERNAL].bytes, 3000);
}

static void test_full_table_refuses_and_changes_nothing(void **state)
{
	struct bench *b = *state;

	for (unsigned int i = 0; i < 60; i++)
		assert_int_not_equal(add(b, b->m1, ep_port(Y1, i), 0), NAT_NONE);
	assert_int_equal(add(b, b->m1, Y2, 0), NAT_NONE);
	assert_int_equal(mapping_at(&b->mappings, b->m1)->sessions, 60);
	check(b);
	assert_int_equal(session_table_set_limit(&b->sessions, 61), 0);
	assert_int_not_equal(add(b, b->m1, Y2, 0), NAT_NONE);
	assert_int_equal(by_internal(b, NAT_UDP, H1, ep_port(Y1, 30)), 30);
}

static void assert_of_mapping(struct bench *b, uint32_t mapping, const uint32_t *wanted,
			      size_t count, uint32_t keeping)
{
	const struct mapping *m = mapping_at(&b->mappings, mapping);
	uint32_t n = m->first_session, before = NAT_NONE;

	for (size_t i = 0; i < count; i++) {
		assert_int_equal(n, wanted[i]);
		if (i > 0)
			assert_int_equal(session_at(&b->sessions, n)->mapping_previous, before);
		assert_int_equal(session_at(&b->sessions, n)->keeping, i < keeping);
		before = n;
		n = session_at(&b->sessions, n)->mapping_next;
	}
	assert_int_equal(n, NAT_NONE);
	if (count > 0)
		assert_int_equal(session_at(&b->sessions, m->first_session)->mapping_previous,
				 before);
	assert_int_equal(m->sessions, count);
	assert_int_equal(session_any_keeps(&b->sessions, mapping), keeping > 0);
	assert_int_equal(session_several_keep(&b->sessions, mapping), keeping > 1);
}

/* RFC 7857 section 7: so that the head of the list tells whether the mapping lives. */
static void test_sessions_that_keep_their_mapping_come_first(void **state)
{
	struct bench *b = *state;
	uint32_t x = add_stranger(b, b->m2, Y1), y = add(b, b->m2, Y2, 0), z;

	assert_of_mapping(b, b->m2, (uint32_t[]){ y, x }, 2, 1);
	z = add_stranger(b, b->m2, Y1_Q);
	assert_of_mapping(b, b->m2, (uint32_t[]){ y, x, z }, 3, 1);
	session_keep(&b->sessions, z);
	assert_of_mapping(b, b->m2, (uint32_t[]){ z, y, x }, 3, 2);
	session_keep(&b->sessions, z); /* once is enough */
	session_keep(&b->sessions, y);
	assert_of_mapping(b, b->m2, (uint32_t[]){ z, y, x }, 3, 2);
	check(b);
	session_remove(&b->sessions, y);
	assert_of_mapping(b, b->m2, (uint32_t[]){ z, x }, 2, 1);
	session_remove(&b->sessions, x);
	assert_of_mapping(b, b->m2, (uint32_t[]){ z }, 1, 1);
	session_remove(&b->sessions, z);
	assert_of_mapping(b, b->m2, NULL, 0, 0);
}

static void test_random_use_keeps_every_promise(void **state)
{
	struct bench *b = *state;
	struct siphash_key key;
	struct rng rng;

	assert_int_equal(rng_key(12, &key), 0);
	rng_init(&rng, &key);
	for (int i = 0; i < 20000; i++) {
		uint32_t m = rng_below(&rng, 2) ? b->m1 : b->m2;
		struct endpoint remote = ep_port(rng_below(&rng, 2) ? Y1 : Y2, rng_below(&rng, 20));
		enum nat_protocol protocol = m == b->m1 ? NAT_UDP : NAT_TCP;
		uint32_t n = by_internal(b, protocol, m == b->m1 ? H1 : H2, remote);

		if (n == NAT_NONE && m == b->m2 && rng_below(&rng, 3) == 0)
			session_add(&b->sessions, m, &remote, TIMEOUT_TCP_OPENING, false, AT_S(i));
		else if (n == NAT_NONE)
			add(b, m, remote, i);
		else if (rng_below(&rng, 4) == 0)
			session_keep(&b->sessions, n);
		else if (rng_below(&rng, 2))
			session_remove(&b->sessions, n);
		else
			session_touch(&b->sessions, n,
				      m == b->m1	   ? TIMEOUT_UDP
				      : rng_below(&rng, 2) ? TIMEOUT_TCP_ESTABLISHED
							   : TIMEOUT_TCP_OPENING,
				      AT_S(i));
		if (n != NAT_NONE && !is_live(b, n))
			assert_int_equal(by_internal(b, protocol, m == b->m1 ? H1 : H2, remote),
					 NAT_NONE);
		check(b);
	}
}

int main(void)
{
#define session_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		session_test(test_session_is_found_from_both_sides),
		session_test(test_only_session_of_a_mapping_is_found_by_that),
		session_test(test_session_of_a_mapping_that_does_not_lead_is_indexed),
		session_test(test_other_keys_find_nothing),
		session_test(test_keys_with_one_hash_are_told_apart),
		session_test(test_peer_ring_survives_any_order_of_removal),
		session_test(test_peers_of_two_mappings_are_apart),
		session_test(test_expiry_list_is_in_order_of_last_use),
		session_test(test_touch_moves_to_the_list_of_its_class),
		session_test(test_expiry_is_last_use_and_the_timeout_of_the_class),
		session_test(test_removed_sessions_traffic_goes_to_the_mappings_past),
		session_test(test_full_table_refuses_and_changes_nothing),
		session_test(test_sessions_that_keep_their_mapping_come_first),
		session_test(test_random_use_keeps_every_promise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
