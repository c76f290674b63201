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

/* Where its mapping leads to it, where the mapping has others, and where there is one for each remote. */
static void test_hint_is_the_session_whatever_leads_to_it(void **state)
{
	static const char *const behaviors[] = { "eim", "adm", "apdm" };
	struct lab *lab = *state;

	for (uint16_t i = 0; i < 3; i++) {
		struct endpoint host = ep_port(H1, (uint16_t)(5000 + i)), external;
		struct nat_outcome first, second;

		lab_set(lab, "udp.mapping", behaviors[i]);
		first = lab_out(lab, wire_udp(host, Y1), AT_S(0));
		assert_int_equal(hint_of(lab, wire_udp(host, Y1), NAT_INTERNAL), first.session + 1);
		second = lab_out(lab, wire_udp(host, Y2), AT_S(0));
		assert_int_equal(hint_of(lab, wire_udp(host, Y1), NAT_INTERNAL), first.session + 1);
		assert_int_equal(hint_of(lab, wire_udp(host, Y2), NAT_INTERNAL),
				 second.session + 1);
		external = mapping_at(&lab->nat.mappings, second.mapping)->external;
		assert_int_equal(hint_of(lab, wire_udp(Y2, external), NAT_EXTERNAL),
				 second.session + 1);
	}
	/* The mappings stay as they were made. */
	lab_set(lab, "udp.mapping", "eim");
	for (uint16_t i = 0; i < 3; i++) {
		struct endpoint host = ep_port(H1, (uint16_t)(5000 + i));
		uint32_t hint = hint_of(lab, wire_udp(host, Y2), NAT_INTERNAL);

		assert_int_equal(lab_out(lab, wire_udp(host, Y2), AT_S(0)).session + 1, hint);
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

/* --- the end of sessions -------------------------------------------------------------------- */

static void assert_stands_under(struct lab *lab, const struct prefetch_end *end)
{
	const struct session_table *t = &lab->nat.sessions;
	const struct session *s = session_at(t, end->session.record);
	const struct mapping *m = mapping_at(t->mappings, s->mapping);
	const struct endpoint part = mapping_remote(t->mappings, s->mapping);
	enum nat_protocol p = (enum nat_protocol)m->protocol;

	if (s->indexed) {
		assert_int_equal(end->session.hashes.internal,
				 session_hash(t, p, &m->internal, &s->remote));
		assert_int_equal(end->session.hashes.external,
				 session_hash(t, p, &m->external, &s->remote));
	}
	assert_int_equal(end->mapping.record, s->mapping);
	assert_int_equal(end->mapping.hashes.internal,
			 mapping_hash_internal(t->mappings, p, &m->internal, &part));
	assert_int_equal(end->mapping.hashes.external,
			 mapping_hash_external(t->mappings, p, &m->external));
}

/* In the order in which they end, whatever the keys of their mappings, and though every fourth is a second
 * one of its mapping. */
static void test_ends_are_seen_with_what_they_stand_under(void **state)
{
	static const char *const behaviors[] = { "eim", "adm", "apdm" };
	struct lab *lab = *state;
	uint32_t sessions[6 * PREFETCH_DISTANCE], indexed = 0;
	struct prefetch_ends ends;

	for (uint16_t i = 0; i < 6 * PREFETCH_DISTANCE; i++) {
		struct endpoint host = ep_port(H1, (uint16_t)(5000 + (i % 4 == 3 ? i - 3 : i)));

		lab_set(lab, "udp.mapping", behaviors[i % 3]);
		sessions[i] = lab_out(lab, wire_udp(host, i % 4 == 3 ? Y2 : Y1), AT_S(i)).session;
	}
	for (uint16_t i = 0; i < 6 * PREFETCH_DISTANCE; i++)
		indexed += session_at(&lab->nat.sessions, sessions[i])->indexed;
	assert_in_range(indexed, 1, 6 * PREFETCH_DISTANCE - 1);
	prefetch_ends(&ends, &lab->nat, TIMEOUT_UDP);
	for (uint16_t i = 0; i < 6 * PREFETCH_DISTANCE; i++) {
		const struct prefetch_end *end = prefetch_end(&ends);

		assert_int_equal(end->session.record, sessions[i]);
		assert_stands_under(lab, end);
	}
}

static void test_end_of_an_empty_list_is_none(void **state)
{
	struct lab *lab = *state;
	struct prefetch_ends ends;

	prefetch_ends(&ends, &lab->nat, TIMEOUT_UDP);
	assert_int_equal(prefetch_end(&ends)->session.record, NAT_NONE);
}

/* A stranger's connection goes with the mapping, before its turn: what was seen of it must not be taken
 * for what the next session in its record stands under. */
static void test_what_was_seen_is_forgotten_with_its_record(void **state)
{
	struct lab *lab = *state;
	struct endpoint external;

	lab_set(lab, "tcp.filtering", "eif");
	for (uint16_t i = 0; i < 2 * PREFETCH_DISTANCE; i++) {
		external = lab_open(lab, NAT_TCP, ep_port(H1, (uint16_t)(5000 + i)), Y1, AT_S(0));
		for (uint16_t j = 0; j < 3; j++)
			lab_in(lab, wire_tcp(ep_port(Y2, (uint16_t)(80 + j)), external, WIRE_SYN),
			       AT_S(0));
	}
	assert_int_equal(lab->nat.sessions.arena.live, 8 * PREFETCH_DISTANCE);
	for (int64_t now = 1000; now <= 2000; now += 1000) {
		while (lab->nat.sessions.arena.live > 0) {
			nat_tick(&lab->nat, AT_S(now), 3);
			assert_int_equal(lab->nat.sessions.noted.record, NAT_NONE);
			assert_int_equal(lab->nat.mappings.noted.record, NAT_NONE);
			assert_consistent(&lab->nat);
		}
		for (uint16_t i = 0; i < 8 * PREFETCH_DISTANCE; i++)
			lab_out(lab, wire_udp(ep_port(H2, (uint16_t)(6000 + i)), Y2), AT_S(now));
	}
	nat_tick(&lab->nat, AT_S(9000), 1000);
	assert_int_equal(lab->nat.sessions.arena.live, 0);
	assert_consistent(&lab->nat);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		lab_test(test_hint_is_the_session_of_the_packet),
		lab_test(test_hint_is_the_session_whatever_leads_to_it),
		lab_test(test_no_hint_where_there_is_no_session),
		lab_test(test_a_whole_batch_gets_its_hints),
		lab_test(test_wrong_hint_changes_nothing),
		lab_test(test_ends_are_seen_with_what_they_stand_under),
		lab_test(test_end_of_an_empty_list_is_none),
		lab_test(test_what_was_seen_is_forgotten_with_its_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
