/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guesses must be right where they are meant to be, and never matter where they are wrong. */
#include "nat/core/prefetch.h"
#include "tests/unit/lab.h"

/* The hint that a packet gets. */
static uint32_t hint_of(struct lab *lab, struct wire w, enum nat_side from)
{
	struct prefetch prefetch;
	struct packet pkt;
	const struct prefetch_packet coming = { &pkt, from };

	packet_init(&pkt, w.at, w.len, w.len, false);
	prefetch_start(&prefetch, &lab->nat, &coming, 1);
	return pkt.hint;
}

static void test_hint_is_the_session_of_the_packet(void **state)
{
	struct lab *lab = *state;

	for (enum nat_protocol p = NAT_UDP; p <= NAT_TCP; p++) {
		struct nat_outcome other = lab_out(lab, lab_request(p, H2, Y1), AT_S(0));
		struct nat_outcome one = lab_out(lab, lab_request(p, H1, Y1), AT_S(0));
		struct endpoint external = mapping_at(&lab->nat.mappings, one.mapping)->external;

		assert_int_equal(hint_of(lab, lab_request(p, H1, Y1), NAT_INTERNAL),
				 one.session + 1);
		assert_int_equal(hint_of(lab, lab_request(p, H2, Y1), NAT_INTERNAL),
				 other.session + 1);
		assert_int_equal(hint_of(lab, lab_request(p, Y1, external), NAT_EXTERNAL),
				 one.session + 1);
	}
}

static void test_no_hint_where_there_is_no_session(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	struct wire cut = wire_udp(H1, Y1);

	assert_int_equal(hint_of(lab, wire_udp(H1, Y2), NAT_INTERNAL), 0);
	assert_int_equal(hint_of(lab, lab_request(NAT_TCP, H1, Y1), NAT_INTERNAL), 0);
	assert_int_equal(hint_of(lab, wire_udp(Y2, external), NAT_EXTERNAL), 0);
	assert_int_equal(hint_of(lab, wire_udp(H1, Y1), NAT_EXTERNAL), 0);
	assert_int_equal(hint_of(lab, wire_udp(H1, Y1), NAT_NOWHERE), 0);
	assert_int_equal(hint_of(lab, lab_request(NAT_ICMP, H1, Y1), NAT_INTERNAL), 0);
	for (cut.len = 0; cut.len < 28; cut.len++)
		assert_int_equal(hint_of(lab, cut, NAT_INTERNAL), 0);
}

/* As many packets as fit, each on its own way, and advanced past the end. */
static void test_a_whole_batch_gets_its_hints(void **state)
{
	struct lab *lab = *state;
	struct prefetch_packet coming[PREFETCH_MAX];
	struct packet packets[PREFETCH_MAX];
	struct prefetch prefetch;
	uint32_t sessions[PREFETCH_MAX];

	for (unsigned int i = 0; i < PREFETCH_MAX; i++) {
		struct wire w = wire_udp(ep_port(H1, 6000 + i), Y1);

		sessions[i] = lab_out(lab, wire_copy(w), AT_S(0)).session;
		packet_init(&packets[i], w.at, w.len, w.len, false);
		coming[i] = (struct prefetch_packet){ &packets[i], NAT_INTERNAL };
	}
	prefetch_start(&prefetch, &lab->nat, coming, PREFETCH_MAX);
	for (unsigned int i = 0; i < PREFETCH_MAX; i++) {
		prefetch_advance(&prefetch);
		assert_int_equal(packets[i].hint, sessions[i] + 1);
	}
	for (int i = 0; i < 100; i++)
		prefetch_advance(&prefetch);
	prefetch_start(&prefetch, &lab->nat, coming, 0);
	prefetch_advance(&prefetch);
	assert_consistent(&lab->nat);
}

/* Sessions that are no more, of others, that never were. */
static void test_wrong_hint_changes_nothing(void **state)
{
	static const uint32_t hints[] = { 0, 1, 2, 3, 4, 5, 100, 400, 401, 100000, UINT32_MAX };
	struct lab *lab = *state;
	struct nat_outcome gone = lab_out(lab, wire_udp(H2, Y2), AT_S(0));
	struct nat_outcome tcp = lab_out(lab, wire_tcp(H1, Y1, PACKET_TCP_SYN), AT_S(100));
	struct nat_outcome one = lab_out(lab, wire_udp(H1, Y1), AT_S(100));
	struct endpoint external = mapping_at(&lab->nat.mappings, one.mapping)->external;

	nat_tick(&lab->nat, AT_S(301), 100);
	assert_false(arena_is_live(&lab->nat.sessions.arena, gone.session));
	assert_int_not_equal(tcp.session, one.session);
	for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
		lab->hint = hints[i];
		assert_int_equal(lab_out(lab, wire_udp(H1, Y1), AT_S(301)).session, one.session);
		assert_true(lab_comes_in(lab, NAT_UDP, Y1, external, H1, AT_S(301)));
		assert_dropped(lab_in(lab, wire_udp(Y2, external), AT_S(301)), REASON_FILTERED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		lab_test(test_hint_is_the_session_of_the_packet),
		lab_test(test_no_hint_where_there_is_no_session),
		lab_test(test_a_whole_batch_gets_its_hints),
		lab_test(test_wrong_hint_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
