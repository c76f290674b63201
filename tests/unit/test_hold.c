/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The store of held SYNs alone. */
#include "tests/unit/lab.h"

static int setup(void **state)
{
	const struct tuple_key key = lab_hash_key(11);
	struct hold *h = calloc(1, sizeof(*h));

	assert_non_null(h);
	assert_int_equal(hold_init(h, 4, &key), 0);
	*state = h;
	return 0;
}

static int teardown(void **state)
{
	hold_fini(*state);
	free(*state);
	wire_free_all();
	return 0;
}

static bool hold(struct hold *h, struct endpoint remote, struct endpoint external, struct mono now)
{
	struct wire w = wire_tcp(remote, external, WIRE_SYN);
	struct packet p;

	packet_init(&p, w.at, w.len, w.len, false);
	assert_int_equal(packet_parse(&p), PACKET_OK);
	return hold_syn(h, &p, now);
}

#define EXTERNAL ep_port(E1, 4000)

static void cancel(struct hold *h, struct endpoint remote, struct endpoint external)
{
	hold_cancel(h, &external, &remote);
}

static void assert_first(struct hold *h, struct endpoint remote, int64_t since)
{
	const struct held_syn *syn = hold_first(h);

	assert_non_null(syn);
	assert_same_endpoint(syn->remote, remote);
	assert_int_equal(syn->since.ms, since);
}

static void test_first_in_first_out(void **state)
{
	struct hold *h = *state;

	assert_null(hold_first(h));
	assert_true(hold(h, Y1, EXTERNAL, AT_S(1)));
	assert_true(hold(h, Y2, EXTERNAL, AT_S(2)));
	assert_first(h, Y1, 1000);
	assert_first(h, Y1, 1000); /* looking takes nothing */
	hold_drop_first(h);
	assert_first(h, Y2, 2000);
	hold_drop_first(h);
	assert_null(hold_first(h));
	assert_int_equal(h->count, 0);
	assert_int_equal(h->by_pair.count, 0);
}

static void test_one_entry_for_each_pair(void **state)
{
	struct hold *h = *state;

	assert_true(hold(h, Y1, EXTERNAL, AT_S(1)));
	assert_true(hold(h, Y1, EXTERNAL, AT_S(2)));
	assert_int_equal(h->count, 1);
	assert_first(h, Y1, 1000);
	hold_drop_first(h);
	assert_true(hold(h, Y1, EXTERNAL, AT_S(3)));
	assert_first(h, Y1, 3000);
}

static void test_full_store_takes_no_more_but_what_it_has(void **state)
{
	struct hold *h = *state;

	for (unsigned int i = 0; i < 4; i++)
		assert_true(hold(h, ep_port(Y1, 1 + i), EXTERNAL, AT_S(i)));
	assert_false(hold(h, ep_port(Y1, 5), EXTERNAL, AT_S(4)));
	assert_true(hold(h, ep_port(Y1, 3), EXTERNAL, AT_S(4)));
	hold_drop_first(h);
	assert_true(hold(h, ep_port(Y1, 5), EXTERNAL, AT_S(5)));
	for (unsigned int i = 0; i < 4; i++) {
		assert_first(h, ep_port(Y1, 2 + i), i < 3 ? 1000 * (int64_t)(i + 1) : 5000);
		hold_drop_first(h);
	}
	assert_null(hold_first(h));
}

static void test_cancelled_ones_are_skipped(void **state)
{
	struct hold *h = *state;

	for (unsigned int i = 0; i < 4; i++)
		assert_true(hold(h, ep_port(Y1, 1 + i), EXTERNAL, AT_S(i)));
	cancel(h, ep_port(Y1, 1), EXTERNAL);
	cancel(h, ep_port(Y1, 3), EXTERNAL);
	cancel(h, ep_port(Y1, 3), EXTERNAL); /* again, and what is not there */
	cancel(h, ep_port(Y1, 9), EXTERNAL);
	cancel(h, ep_port(Y1, 2), ep_port(E1, 4001));
	assert_first(h, ep_port(Y1, 2), 1000);
	hold_drop_first(h);
	assert_first(h, ep_port(Y1, 4), 3000);
	/* what was cancelled may be held again */
	assert_true(hold(h, ep_port(Y1, 3), EXTERNAL, AT_S(9)));
	hold_drop_first(h);
	assert_first(h, ep_port(Y1, 3), 9000);
	hold_drop_first(h);
	assert_null(hold_first(h));
	assert_int_equal(h->by_pair.count, 0);
}

/* Two keys of one hash are rare; here the index is told that they are. */
static void test_pairs_with_one_hash_are_told_apart(void **state)
{
	const struct endpoint external = EXTERNAL, other = ep_port(E1, 4001), y1 = Y1, y2 = Y2;
	struct hold *h = *state;

	assert_true(hold(h, Y1, EXTERNAL, AT_S(0)));
	index_add(&h->by_pair, tuple_hash(&h->key, NAT_TCP, &external, &y2), h->first);
	index_add(&h->by_pair, tuple_hash(&h->key, NAT_TCP, &other, &y1), h->first);
	cancel(h, Y2, EXTERNAL);
	cancel(h, Y1, other);
	assert_first(h, Y1, 0);
}

static void test_head_of_the_syn_is_kept(void **state)
{
	struct hold *h = *state;
	struct wire w = wire_tcp_with(
		Y1, EXTERNAL,
		(struct wire_tcp){
			.flags = WIRE_SYN, .options = 40, .ip_options = 40, .payload = 500 });
	struct packet p;

	packet_init(&p, w.at, w.len, w.len, false);
	assert_int_equal(packet_parse(&p), PACKET_OK);
	assert_true(hold_syn(h, &p, AT_S(0)));
	assert_int_equal(hold_first(h)->length, HOLD_BYTES);
	assert_memory_equal(hold_first(h)->bytes, w.at, HOLD_BYTES);
	hold_drop_first(h);
	assert_true(hold(h, Y2, EXTERNAL, AT_S(0)));
	assert_int_equal(hold_first(h)->length, 40);
}

static void test_room_can_change(void **state)
{
	struct hold *h = *state;

	for (unsigned int i = 0; i < 4; i++)
		assert_true(hold(h, ep_port(Y1, 1 + i), EXTERNAL, AT_S(i)));
	cancel(h, ep_port(Y1, 2), EXTERNAL);
	assert_int_equal(hold_set_room(h, 10), 0);
	for (unsigned int i = 4; i < 11; i++)
		assert_true(hold(h, ep_port(Y1, 1 + i), EXTERNAL, AT_S(i)));
	assert_false(hold(h, ep_port(Y1, 12), EXTERNAL, AT_S(11)));
	/* the newest are let go */
	assert_int_equal(hold_set_room(h, 2), 0);
	assert_int_equal(h->count, 2);
	assert_first(h, ep_port(Y1, 1), 0);
	hold_drop_first(h);
	assert_first(h, ep_port(Y1, 3), 2000);
	assert_true(hold(h, ep_port(Y1, 3), EXTERNAL, AT_S(20)));
	hold_drop_first(h);
	assert_null(hold_first(h));
}

int main(void)
{
#define hold_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		hold_test(test_first_in_first_out),
		hold_test(test_one_entry_for_each_pair),
		hold_test(test_full_store_takes_no_more_but_what_it_has),
		hold_test(test_cancelled_ones_are_skipped),
		hold_test(test_pairs_with_one_hash_are_told_apart),
		hold_test(test_head_of_the_syn_is_kept),
		hold_test(test_room_can_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
