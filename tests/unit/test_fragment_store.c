/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The store alone: which bytes were seen, what is held, and what makes way for what. */
#include "tests/unit/lab.h"

struct bench {
	struct fragment_store store;
	struct fragment_options options;
};

static int setup(void **state)
{
	const struct tuple_key key = lab_hash_key(7);
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	assert_int_equal(fragment_init(&b->store, &key), 0);
	b->options = (struct fragment_options){ .max_held = 64,
						.max_bytes = 64 * 1024,
						.max_per_source = 64 };
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	fragment_fini(&b->store);
	free(b);
	wire_free_all();
	return 0;
}

/* The walk of invariants.h around this store. */
static void check(struct bench *b)
{
	struct nat *nat = calloc(1, sizeof(*nat));
	const char *broken;

	assert_non_null(nat);
	nat->fragments = b->store;
	broken = invariant_fragments(nat);
	if (broken != NULL)
		fail_msg("inconsistent: %s", broken);
	free(nat);
}

static struct packet parsed(struct wire w)
{
	struct packet p;

	packet_init(&p, w.at, w.len, w.len, false);
	assert_int_equal(packet_parse(&p), PACKET_OK);
	return p;
}

/* @length bytes from @first on, of a datagram of 800 bytes behind its IP header. */
static struct packet piece_of(struct endpoint src, struct endpoint dst, unsigned int id,
			      size_t first, size_t length)
{
	return parsed(
		wire_fragment(wire_with_id(wire_udp_with(src, dst, 0, 792), id), first, length));
}

static struct packet piece(unsigned int id, size_t first, size_t length)
{
	return piece_of(H1, Y1, id, first, length);
}

static uint32_t find(struct bench *b, struct packet pkt, enum nat_side side)
{
	return fragment_find(&b->store, &pkt, side);
}

/* Begin the datagram of @pkt, of which it was the first to come. */
static uint32_t begin(struct bench *b, struct packet pkt)
{
	uint32_t n = fragment_begin(&b->store, &pkt, NAT_INTERNAL, AT_S(1));

	assert_int_not_equal(n, NAT_NONE);
	fragment_note(&b->store, n, &pkt);
	check(b);
	return n;
}

static bool hold(struct bench *b, uint32_t n, struct packet pkt)
{
	bool held = fragment_hold(&b->store, n, &pkt, &b->options) == OPT_NONE;

	check(b);
	return held;
}

static bool overlaps(struct bench *b, uint32_t n, struct packet pkt)
{
	return fragment_overlaps(&b->store, n, &pkt);
}

/* --- datagrams ------------------------------------------------------------------------------ */

static void test_datagram_is_found_by_all_that_names_it(void **state)
{
	struct bench *b = *state;
	uint32_t n = begin(b, piece(7, 0, 80));
	struct packet tcp = piece(7, 80, 80);

	assert_int_equal(find(b, piece(7, 80, 80), NAT_INTERNAL), n);
	assert_int_equal(find(b, piece(8, 80, 80), NAT_INTERNAL), NAT_NONE);
	assert_int_equal(find(b, piece(7, 80, 80), NAT_EXTERNAL), NAT_NONE);
	assert_int_equal(find(b, piece_of(H2, Y1, 7, 80, 80), NAT_INTERNAL), NAT_NONE);
	assert_int_equal(find(b, piece_of(H1, Y2, 7, 80, 80), NAT_INTERNAL), NAT_NONE);
	/* of later fragments nobody knows the ports */
	assert_int_equal(find(b, piece_of(ep_port(H1, 9), Y1_Q, 7, 80, 80), NAT_INTERNAL), n);
	tcp.protocol = PACKET_TCP;
	assert_int_equal(find(b, tcp, NAT_INTERNAL), NAT_NONE);
	fragment_end(&b->store, n);
	assert_int_equal(find(b, piece(7, 80, 80), NAT_INTERNAL), NAT_NONE);
	check(b);
}

/* Two keys of one hash are rare; here the index is told that they are. */
static void test_datagrams_with_one_hash_are_told_apart(void **state)
{
	const struct packet others[] = { piece(8, 80, 80), piece_of(H2, Y1, 7, 80, 80),
					 piece_of(H1, Y2, 7, 80, 80) };
	struct bench *b = *state;
	uint32_t n = begin(b, piece(7, 0, 80));

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		const struct packet *p = &others[i];
		const struct endpoint x = { p->source.addr, p->id };
		const struct endpoint y = { p->destination.addr, p->protocol };

		index_add(&b->store.by_key, tuple_hash(&b->store.key, NAT_OTHER, &x, &y), n);
		assert_int_equal(find(b, *p, NAT_INTERNAL), NAT_NONE);
	}
	assert_int_equal(find(b, piece(7, 80, 80), NAT_INTERNAL), n);
}

/* The oldest that waits for nothing goes; one that waits does not. */
static void test_oldest_that_does_not_wait_makes_way(void **state)
{
	struct bench *b = *state;
	uint32_t waiting = begin(b, piece(0, 80, 80)), oldest;

	for (unsigned int id = 1; id < FRAGMENT_DATAGRAMS; id++) {
		uint32_t n = begin(b, piece(id, 0, 80));

		fragment_settle(&b->store, n, DATAGRAM_TRANSLATED);
	}
	oldest = find(b, piece(1, 80, 80), NAT_INTERNAL);
	assert_int_not_equal(oldest, NAT_NONE);
	assert_int_equal(begin(b, piece(5000, 0, 80)), oldest);
	assert_int_equal(find(b, piece(1, 80, 80), NAT_INTERNAL), NAT_NONE);
	assert_int_equal(find(b, piece(0, 0, 80), NAT_INTERNAL), waiting);
	assert_int_not_equal(find(b, piece(2, 80, 80), NAT_INTERNAL), NAT_NONE);
}

/* RFC 4787 REQ-14a: fragments without a first cannot take the room of datagrams in order. */
static void test_rfc4787_req14a_orphans_take_half_of_the_room(void **state)
{
	struct bench *b = *state;
	struct packet orphan = piece(60000, 80, 80), first = piece(60001, 0, 80);

	for (unsigned int id = 0; id < FRAGMENT_DATAGRAMS / 2; id++)
		begin(b, piece(id, 80, 80));
	assert_int_equal(fragment_begin(&b->store, &orphan, NAT_INTERNAL, AT_S(1)), NAT_NONE);
	assert_int_not_equal(fragment_begin(&b->store, &first, NAT_INTERNAL, AT_S(1)), NAT_NONE);
	/* One of them that is no longer an orphan makes room for another. */
	fragment_settle(&b->store, find(b, piece(3, 0, 80), NAT_INTERNAL), DATAGRAM_TRANSLATED);
	fragment_settle(&b->store, find(b, first, NAT_INTERNAL), DATAGRAM_TRANSLATED);
	assert_int_not_equal(fragment_begin(&b->store, &orphan, NAT_INTERNAL, AT_S(1)), NAT_NONE);
	check(b);
}

/* --- which bytes ---------------------------------------------------------------------------- */

static void test_overlap_is_any_byte_seen_before(void **state)
{
	struct bench *b = *state;
	uint32_t n = begin(b, piece(7, 80, 80));

	assert_true(overlaps(b, n, piece(7, 80, 80)));
	assert_true(overlaps(b, n, piece(7, 72, 16)));
	assert_true(overlaps(b, n, piece(7, 152, 8)));
	assert_true(overlaps(b, n, piece(7, 0, 400)));
	assert_true(overlaps(b, n, piece(7, 0, 88)));
	assert_false(overlaps(b, n, piece(7, 0, 80)));
	assert_false(overlaps(b, n, piece(7, 160, 8)));
	assert_false(overlaps(b, n, piece(7, 792, 8)));
}

static void test_nothing_lies_beyond_the_last_fragment(void **state)
{
	struct bench *b = *state;
	struct wire longer = wire_with_id(wire_udp_with(H1, Y1, 0, 2000), 7);
	uint32_t n = begin(b, piece(7, 792, 8)); /* the last: 800 in all */

	assert_true(overlaps(b, n, parsed(wire_fragment(longer, 800, 8))));
	assert_true(overlaps(b, n, parsed(wire_fragment(longer, 1600, 8))));
	assert_true(overlaps(b, n, parsed(wire_fragment(longer, 784, 24))));
	/* a second last fragment, wherever it ends */
	longer = wire_with_id(wire_udp_with(H1, Y1, 0, 392), 7);
	assert_true(overlaps(b, n, parsed(wire_fragment(longer, 392, 8))));
	assert_false(overlaps(b, n, piece(7, 392, 8)));
}

/* The other way round: what was seen already lies beyond a last fragment that comes later. */
static void test_last_fragment_may_not_end_before_what_was_seen(void **state)
{
	struct bench *b = *state;
	struct wire shorter = wire_with_id(wire_udp_with(H1, Y1, 0, 392), 7);
	uint32_t n = begin(b, piece(7, 480, 80));

	assert_true(overlaps(b, n, parsed(wire_fragment(shorter, 392, 8))));
	assert_false(overlaps(b, n, piece(7, 792, 8)));
	shorter = wire_with_id(wire_udp_with(H1, Y1, 0, 552 + 3), 7);
	assert_false(overlaps(b, n, parsed(wire_fragment(shorter, 560, 8))));
}

static void test_datagram_is_complete_with_its_last_byte(void **state)
{
	static const size_t order[] = { 160, 720, 0, 640, 80, 240, 560, 320, 480, 400 };
	struct bench *b = *state;
	uint32_t n = begin(b, piece(7, order[0], 80));

	for (size_t i = 1; i < sizeof(order) / sizeof(order[0]); i++) {
		struct packet pkt = piece(7, order[i], 80);

		assert_false(fragment_is_complete(&b->store, n));
		assert_false(overlaps(b, n, pkt));
		fragment_note(&b->store, n, &pkt);
	}
	assert_true(fragment_is_complete(&b->store, n));
}

/* Trap: the largest datagram there is, up to its last byte. */
static void test_longest_datagram_fits(void **state)
{
	struct bench *b = *state;
	struct wire w = wire_take(65535);
	struct packet pkt;
	uint32_t n = NAT_NONE;

	memcpy(w.at, wire_udp(H1, Y1).at, 28);
	wire_put16(w.at + 2, 65535);
	wire_put16(w.at + 6, 0);
	wire_put16(w.at + 24, 65515);
	wire_fix_ip(w);
	n = begin(b, parsed(wire_fragment(w, 0, 32768)));
	pkt = parsed(wire_fragment(w, 32768, 32768));
	assert_false(overlaps(b, n, pkt));
	fragment_note(&b->store, n, &pkt);
	assert_true(fragment_is_complete(&b->store, n));
	assert_true(overlaps(b, n, parsed(wire_fragment(w, 65512, 8))));
}

/* --- copies --------------------------------------------------------------------------------- */

static void assert_releases(struct bench *b, uint32_t tag, struct packet wanted, bool pass)
{
	const uint8_t *data;
	const struct held_fragment *h = fragment_next_release(&b->store, &data);

	assert_non_null(h);
	assert_int_equal(h->tag, tag);
	assert_int_equal(h->pass, pass);
	assert_int_equal(h->length, wanted.length);
	assert_memory_equal(data, wanted.data, wanted.length);
	check(b);
}

static void assert_nothing_released(struct bench *b)
{
	const uint8_t *data;

	assert_null(fragment_next_release(&b->store, &data));
	check(b);
}

static void test_held_fragments_leave_in_the_order_they_came(void **state)
{
	static const size_t order[] = { 400, 80, 720, 160 };
	struct bench *b = *state;
	struct packet pkt[4];
	uint32_t n = NAT_NONE;

	for (uint32_t i = 0; i < 4; i++) {
		pkt[i] = piece(7, order[i], 80);
		pkt[i].tag = 100 + i;
		if (i == 0)
			n = begin(b, pkt[i]);
		assert_true(hold(b, n, pkt[i]));
	}
	assert_nothing_released(b);
	fragment_settle(&b->store, n, DATAGRAM_PASSED);
	fragment_release(&b->store, n, REASON_FRAGMENT_RELEASED);
	fragment_end(&b->store, n);
	for (uint32_t i = 0; i < 4; i++)
		assert_releases(b, 100 + i, pkt[i], true);
	assert_nothing_released(b);
	assert_int_equal(b->store.held_count, 0);
}

/* The copy is the store's: what becomes of the caller's bytes does not matter. */
static void test_released_fragments_are_rewritten_as_their_datagram_says(void **state)
{
	struct bench *b = *state;
	struct packet pkt = piece(7, 400, 80), wanted = piece_of(E1, Y2, 99, 400, 80);
	uint32_t n = begin(b, pkt);
	struct datagram *d = fragment_at(&b->store, n);

	assert_true(hold(b, n, pkt));
	memset(pkt.data, 0xee, pkt.length);
	d->new_source = wanted.source.addr;
	d->new_destination = wanted.destination.addr;
	d->new_id = 99;
	fragment_settle(&b->store, n, DATAGRAM_TRANSLATED);
	fragment_release(&b->store, n, REASON_FRAGMENT_RELEASED);
	assert_releases(b, 0, wanted, true);
}

static void test_refused_fragments_are_released_as_they_came(void **state)
{
	struct bench *b = *state;
	struct packet pkt = piece(7, 400, 80);
	uint32_t n = begin(b, pkt);

	assert_true(hold(b, n, pkt));
	fragment_settle(&b->store, n, DATAGRAM_REFUSED);
	fragment_release(&b->store, n, REASON_FRAGMENT_REFUSED);
	assert_releases(b, 0, pkt, false);
	assert_nothing_released(b);
}

/* Fill the store as far as the knobs let it, with lone fragments from @src; how many. */
static unsigned int fill(struct bench *b, struct endpoint src, size_t length)
{
	unsigned int held = 0;

	for (unsigned int id = 0; id < 500; id++, held++) {
		struct packet pkt = piece_of(src, Y1, id, 80, length);
		uint32_t n = fragment_begin(&b->store, &pkt, NAT_INTERNAL, AT_S(1));

		if (n == NAT_NONE || !hold(b, n, pkt)) {
			if (n != NAT_NONE)
				fragment_end(&b->store, n);
			break;
		}
	}
	return held;
}

static void test_no_more_fragments_are_held_than_may_be(void **state)
{
	struct bench *b = *state;

	b->options.max_held = 10;
	assert_int_equal(fill(b, H1, 80), 10);
	assert_int_equal(fill(b, H2, 80), 0);
}

static void test_no_more_fragments_of_one_source_are_held_than_may_be(void **state)
{
	struct bench *b = *state;

	b->options.max_per_source = 7;
	assert_int_equal(fill(b, H1, 80), 7);
	assert_int_equal(fill(b, H2, 80), 7);
}

/* A copy takes whole chunks of 512 bytes. */
static void test_no_more_bytes_are_held_than_may_be(void **state)
{
	struct bench *b = *state;

	b->options.max_bytes = 2048;
	assert_int_equal(fill(b, H1, 80), 4); /* 100 bytes each */
	assert_int_equal(fill(b, H2, 80), 0);
}

static void test_copies_of_more_than_one_chunk_lie_in_one_piece(void **state)
{
	struct bench *b = *state;

	b->options.max_bytes = 5 * 512;
	assert_int_equal(fill(b, H1, 640), 2); /* two chunks each, and one that is no use */
	assert_int_equal(fill(b, H2, 80), 1);
	assert_int_equal(fill(b, H2, 8), 0);
}

/* Held, released and held again for a long time: no room gets lost. */
static void test_room_is_given_back(void **state)
{
	struct bench *b = *state;
	struct siphash_key key;
	struct rng rng;

	b->options.max_held = 16;
	b->options.max_bytes = 16 * 512;
	assert_int_equal(rng_key(14, &key), 0);
	rng_init(&rng, &key);
	for (unsigned int i = 0; i < 3000; i++) {
		struct packet pkt = piece(i % 20, 80, 8 * (1 + rng_below(&rng, 88)));
		uint32_t n = find(b, pkt, NAT_INTERNAL);
		const uint8_t *data;

		if (n == NAT_NONE) {
			n = begin(b, pkt);
			hold(b, n, pkt);
			continue;
		}
		fragment_settle(&b->store, n, DATAGRAM_PASSED);
		fragment_release(&b->store, n, REASON_FRAGMENT_RELEASED);
		fragment_end(&b->store, n);
		while (rng_below(&rng, 3) > 0 && fragment_next_release(&b->store, &data) != NULL)
			check(b);
		check(b);
	}
	for (unsigned int id = 0; id < 20; id++) {
		uint32_t n = find(b, piece(id, 80, 80), NAT_INTERNAL);

		if (n == NAT_NONE)
			continue;
		fragment_release(&b->store, n, REASON_FRAGMENT_EXPIRED);
		fragment_end(&b->store, n);
	}
	for (const uint8_t *data; fragment_next_release(&b->store, &data) != NULL;)
		;
	assert_int_equal(b->store.held_count, 0);
	for (size_t i = 0; i < FRAGMENT_CHUNKS / 64; i++)
		assert_int_equal(b->store.chunk_taken[i], 0);
	assert_int_equal(b->store.by_key.count, 0);
	assert_int_equal(fill(b, H1, 80), 16);
}

int main(void)
{
#define store_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		store_test(test_datagram_is_found_by_all_that_names_it),
		store_test(test_datagrams_with_one_hash_are_told_apart),
		store_test(test_oldest_that_does_not_wait_makes_way),
		store_test(test_rfc4787_req14a_orphans_take_half_of_the_room),
		store_test(test_overlap_is_any_byte_seen_before),
		store_test(test_nothing_lies_beyond_the_last_fragment),
		store_test(test_last_fragment_may_not_end_before_what_was_seen),
		store_test(test_datagram_is_complete_with_its_last_byte),
		store_test(test_longest_datagram_fits),
		store_test(test_held_fragments_leave_in_the_order_they_came),
		store_test(test_released_fragments_are_rewritten_as_their_datagram_says),
		store_test(test_refused_fragments_are_released_as_they_came),
		store_test(test_no_more_fragments_are_held_than_may_be),
		store_test(test_no_more_fragments_of_one_source_are_held_than_may_be),
		store_test(test_no_more_bytes_are_held_than_may_be),
		store_test(test_copies_of_more_than_one_chunk_lie_in_one_piece),
		store_test(test_room_is_given_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
