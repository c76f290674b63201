/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RFC 6864: the ID of what may be fragmented. */
#include "tests/unit/lab.h"

static struct wire datagram(struct endpoint src, struct endpoint dst, unsigned int id)
{
	return wire_with_id(wire_udp(src, dst), id);
}

static unsigned int id_of(struct wire w)
{
	return wire_get16(w.at + 4);
}

static unsigned int sent_id(struct lab *lab, struct endpoint src, struct endpoint dst,
			    unsigned int id)
{
	struct wire w = datagram(src, dst, id);

	assert_int_equal(lab_out(lab, w, AT_S(0)).verdict, NAT_REWRITTEN);
	assert_int_equal(w.at[6], 0); /* 6864-df: the flags are not ours */
	return id_of(w);
}

/* Two hosts with one ID to one remote: on the other side they are one source. */
static void test_rfc6864_nat_ids_of_two_hosts_do_not_collide(void **state)
{
	struct lab *lab = *state;
	bool seen[65536] = { false };

	for (unsigned int i = 0; i < 300; i++) {
		unsigned int id = sent_id(lab, i % 2 ? H1 : H2, Y1, 7);

		assert_false(seen[id]);
		seen[id] = true;
	}
}

/* One ID in 65536 packets, as long as there are no more of them. */
static void test_rfc6864_uniq_all_ids_are_used_before_one_comes_again(void **state)
{
	struct lab *lab = *state;
	bool *seen = calloc(65536, sizeof(*seen));

	assert_non_null(seen);
	lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	for (unsigned int i = 0; i < 65536; i++) {
		struct wire w = datagram(H1, Y1, 7);
		struct packet pkt;

		packet_init(&pkt, w.at, w.len, w.len, false);
		nat_process(&lab->nat, &pkt, NAT_INTERNAL, AT_S(0));
		assert_false(seen[id_of(w)]);
		seen[id_of(w)] = true;
		if (i % 1000 == 0)
			wire_free_all();
	}
	free(seen);
}

/* Whoever sees the IDs of one flow learns nothing of another. */
static void test_remotes_and_protocols_have_ids_apart(void **state)
{
	struct lab *lab = *state;
	unsigned int near = 0;

	for (unsigned int i = 0; i < 30; i++) {
		struct endpoint a = { addr_from_ip4(0xc6336401 + 2 * i), 7 };
		struct endpoint b = { addr_from_ip4(0xc6336402 + 2 * i), 7 };
		unsigned int distance = (sent_id(lab, H1, a, 7) - sent_id(lab, H1, b, 7)) & 0xffff;

		near += distance < 100 || distance > 65436;
	}
	assert_in_range(near, 0, 2);
}

static void test_rfc6864_atomic_packets_keep_their_id(void **state)
{
	struct lab *lab = *state;
	struct wire w = wire_udp(H1, Y1);

	lab_out(lab, w, AT_S(0));
	assert_int_equal(id_of(w), 0x1234);
	/* one with DF that is a fragment all the same is not atomic */
	w = wire_fragment(datagram(H1, Y1, 7), 0, 16);
	wire_put16(w.at + 6, WIRE_DONT | WIRE_MORE);
	wire_fix_ip(w);
	assert_int_equal(lab_out(lab, w, AT_S(0)).verdict, NAT_REWRITTEN);
	assert_int_not_equal(id_of(w), 7);
	assert_int_equal(wire_get16(w.at + 6), WIRE_DONT | WIRE_MORE);
}

static void test_inbound_packets_keep_their_id(void **state)
{
	struct lab *lab = *state;
	struct wire w = datagram(Y1, lab_open(lab, NAT_UDP, H1, Y1, AT_S(0)), 7);

	assert_int_equal(lab_in(lab, w, AT_S(0)).verdict, NAT_REWRITTEN);
	assert_int_equal(id_of(w), 7);
}

static void test_knob_leaves_all_ids_alone(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "nat.ip-id", "keep");
	for (unsigned int id = 0; id < 10; id++)
		assert_int_equal(sent_id(lab, H1, Y1, id), id);
}

/* The system may cut a long packet into segments, which use the IDs that follow. */
static void test_long_packets_leave_ids_for_their_segments(void **state)
{
	struct lab *lab = *state;
	struct wire w = wire_with_id(wire_udp_with(H1, Y1, 0, 60000), 7);
	unsigned int first, next;

	assert_int_equal(lab_out(lab, w, AT_S(0)).verdict, NAT_REWRITTEN);
	first = id_of(w);
	next = sent_id(lab, H1, Y1, 7);
	assert_in_range((next - first) & 0xffff, 60000 / 512, 60000 / 512 + 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		lab_test(test_rfc6864_nat_ids_of_two_hosts_do_not_collide),
		lab_test(test_rfc6864_uniq_all_ids_are_used_before_one_comes_again),
		lab_test(test_remotes_and_protocols_have_ids_apart),
		lab_test(test_rfc6864_atomic_packets_keep_their_id),
		lab_test(test_inbound_packets_keep_their_id),
		lab_test(test_knob_leaves_all_ids_alone),
		lab_test(test_long_packets_leave_ids_for_their_segments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
