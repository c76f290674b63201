/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The nine mapping and filtering behaviors for each protocol, and what filtering remembers.
 * For ICMP queries a remote has no port, so what depends on the port is as what does not.
 */
#include "tests/unit/lab.h"

static const char *const mappings[] = { "eim", "adm", "apdm" };
static const char *const filterings[] = { "apdf", "adf", "eif" };

/* One of the 27 combinations. */
struct pair {
	enum nat_protocol protocol;
	enum mapping_behavior mapping;
	enum filtering_behavior filtering;
};

/* What the test function finds in *state. */
struct bench {
	const struct pair *pair;
	struct lab *lab;
};

static int pair_setup(void **state)
{
	const struct pair *pair = *state;
	const char *protocol = nat_protocol_name(pair->protocol);
	struct bench *bench = calloc(1, sizeof(*bench));
	char mapping[32], filtering[32];
	const char *knobs[] = { mapping, mappings[pair->mapping], filtering,
				filterings[pair->filtering], NULL };

	assert_non_null(bench);
	snprintf(mapping, sizeof(mapping), "%s.mapping", protocol);
	snprintf(filtering, sizeof(filtering), "%s.filtering", protocol);
	bench->pair = pair;
	bench->lab = lab_open_with(knobs);
	*state = bench;
	return 0;
}

static int pair_teardown(void **state)
{
	struct bench *bench = *state;
	void *lab = bench->lab;

	free(bench);
	return lab_teardown(&lab);
}

static bool same_mapping(struct endpoint a, struct endpoint b)
{
	return endpoint_equal(&a, &b);
}

static void test_mapping_of_pair(void **state)
{
	struct bench *b = *state;
	enum nat_protocol protocol = b->pair->protocol;
	enum mapping_behavior mapping = b->pair->mapping;
	struct endpoint p = lab_open(b->lab, protocol, H1, Y1, AT_S(0));
	struct endpoint q = lab_open(b->lab, protocol, H1, Y1_Q, AT_S(1));
	struct endpoint y2 = lab_open(b->lab, protocol, H1, Y2, AT_S(2));

	assert_int_equal(same_mapping(p, q),
			 protocol == NAT_ICMP || mapping != MAPPING_ADDRESS_AND_PORT_DEPENDENT);
	assert_int_equal(same_mapping(p, y2), mapping == MAPPING_ENDPOINT_INDEPENDENT);
	assert_int_equal(same_mapping(q, y2), mapping == MAPPING_ENDPOINT_INDEPENDENT);
	/* The same again gives the same. */
	assert_true(same_mapping(p, lab_open(b->lab, protocol, H1, Y1, AT_S(3))));
	assert_true(same_mapping(y2, lab_open(b->lab, protocol, H1, Y2, AT_S(3))));
	/* Another host, and another port of the same host, never share (RFC 4787 REQ-3). */
	assert_false(same_mapping(p, lab_open(b->lab, protocol, H2, Y1, AT_S(4))));
	assert_false(same_mapping(p, lab_open(b->lab, protocol, ep_port(H1, 5001), Y1, AT_S(4))));
}

static void test_filtering_of_pair(void **state)
{
	struct bench *b = *state;
	enum nat_protocol protocol = b->pair->protocol;
	enum filtering_behavior filtering = b->pair->filtering;
	struct endpoint external = lab_open(b->lab, protocol, H1, Y1, AT_S(0));
	bool eif = filtering == FILTERING_ENDPOINT_INDEPENDENT;

	assert_int_equal(lab_comes_in(b->lab, protocol, Y2, external, H1, AT_S(1)), eif);
	assert_int_equal(lab_comes_in(b->lab, protocol, Y1_Q, external, H1, AT_S(2)),
			 protocol == NAT_ICMP || filtering != FILTERING_ADDRESS_AND_PORT_DEPENDENT);
	assert_true(lab_comes_in(b->lab, protocol, Y1, external, H1, AT_S(3)));
	/* Nobody comes in where no mapping is. */
	assert_false(lab_comes_in(b->lab, protocol, Y1, ep_port(external, external.port ^ 1), H1,
				  AT_S(4)));
}

/* RFC 4787 REQ-11: load and collisions change neither class. */
static void test_pair_is_the_same_under_load(void **state)
{
	struct bench *b = *state;
	enum nat_protocol protocol = b->pair->protocol;

	for (unsigned int i = 0; i < 150; i++)
		lab_open(b->lab, protocol, ep_port(H2, 6000 + i), Y2, AT_S(0));
	test_mapping_of_pair(state);
	for (unsigned int i = 0; i < 20; i++)
		lab_open(b->lab, protocol, ep_port(H2, 9000 + i), Y2, AT_S(5));
}

/* --- what the filter remembers -------------------------------------------------------------- */

static void test_filtered_packet_names_the_knob_and_the_mapping(void **state)
{
	static const enum option_id knobs[] = { OPT_UDP_FILTERING, OPT_TCP_FILTERING,
						OPT_ICMP_FILTERING };
	struct lab *lab = *state;

	lab_set(lab, "tcp.unsolicited-syn", "drop");
	for (enum nat_protocol p = NAT_UDP; p < NAT_OTHER; p++) {
		struct wire w = lab_request(p, H1, Y1);
		struct nat_outcome opened = lab_out(lab, w, AT_S(0));
		struct nat_outcome outcome = lab_in(lab, lab_probe(p, Y2, wire_source(w)), AT_S(1));

		assert_dropped(outcome, REASON_FILTERED);
		assert_int_equal(outcome.knob, knobs[p]);
		assert_int_equal(outcome.mapping, opened.mapping);
		assert_int_equal(outcome.session, NAT_NONE);
	}
}

/* Trap 32: permission is per peer and ends with the session that gave it. */
static void test_address_dependent_permission_ends_with_the_peers_last_session(void **state)
{
	struct lab *lab = *state;
	struct endpoint external;

	lab_set(lab, "udp.filtering", "adf");
	external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	lab_open(lab, NAT_UDP, H1, Y1_Q, AT_S(100));
	lab_open(lab, NAT_UDP, H1, Y2, AT_S(200));
	assert_true(lab_comes_in(lab, NAT_UDP, ep_port(Y1, 9), external, H1, AT_MS(299999)));
	/* The first session with Y1 is over, the second still speaks for the address. */
	assert_true(lab_comes_in(lab, NAT_UDP, ep_port(Y1, 9), external, H1, AT_S(300)));
	assert_true(lab_comes_in(lab, NAT_UDP, ep_port(Y1, 9), external, H1, AT_MS(399999)));
	assert_false(lab_comes_in(lab, NAT_UDP, ep_port(Y1, 9), external, H1, AT_S(400)));
	/* The mapping lives on with its session to Y2. */
	assert_true(lab_comes_in(lab, NAT_UDP, ep_port(Y2, 9), external, H1, AT_S(400)));
	assert_false(lab_comes_in(lab, NAT_UDP, ep_port(Y2, 9), external, H1, AT_S(500)));
	assert_int_equal(lab->nat.mappings.arena.live, 0);
}

static void test_address_and_port_dependent_permission_ends_with_its_session(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));

	lab_open(lab, NAT_UDP, H1, Y2, AT_S(100));
	assert_true(lab_comes_in(lab, NAT_UDP, Y1, external, H1, AT_MS(299999)));
	assert_false(lab_comes_in(lab, NAT_UDP, Y1, external, H1, AT_S(300)));
	assert_true(lab_comes_in(lab, NAT_UDP, Y2, external, H1, AT_S(300)));
}

static void test_rfc7857_req6_filtering_is_per_protocol(void **state)
{
	struct lab *lab = *state;
	struct endpoint external;

	lab_set(lab, "tcp.unsolicited-syn", "drop");
	lab_set(lab, "udp.filtering", "eif");
	external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	assert_true(lab_comes_in(lab, NAT_UDP, Y2, external, H1, AT_S(1)));
	assert_dropped(lab_in(lab, wire_tcp(Y2, external, WIRE_SYN), AT_S(1)), REASON_NO_MAPPING);
	assert_dropped(lab_in(lab, wire_pong(Y2, external), AT_S(1)), REASON_NO_MAPPING);
	external = lab_open(lab, NAT_TCP, H1, Y1, AT_S(2));
	assert_dropped(lab_in(lab, wire_tcp(Y2, external, WIRE_SYN), AT_S(3)), REASON_FILTERED);
}

static void test_filtering_can_change_while_running(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));

	assert_false(lab_comes_in(lab, NAT_UDP, Y2, external, H1, AT_S(1)));
	lab_set(lab, "udp.filtering", "eif");
	assert_true(lab_comes_in(lab, NAT_UDP, Y2, external, H1, AT_S(1)));
	lab_set(lab, "udp.filtering", "adf");
	assert_false(lab_comes_in(lab, NAT_UDP, Y2, external, H1, AT_S(1)));
	assert_true(lab_comes_in(lab, NAT_UDP, Y1_Q, external, H1, AT_S(1)));
}

int main(void)
{
	static struct pair pairs[27];
	static struct CMUnitTest tests[3 * 27 + 5];
	static char names[3 * 27][96];
	size_t count = 0;

	for (unsigned int i = 0; i < 27; i++) {
		struct pair *pair = &pairs[i];
		static const struct {
			const char *name;
			CMUnitTestFunction run;
		} kinds[] = { { "mapping", test_mapping_of_pair },
			      { "filtering", test_filtering_of_pair },
			      { "same_under_load", test_pair_is_the_same_under_load } };

		pair->protocol = (enum nat_protocol)(i / 9);
		pair->mapping = (enum mapping_behavior)(i / 3 % 3);
		pair->filtering = (enum filtering_behavior)(i % 3);
		for (unsigned int k = 0; k < 3; k++, count++) {
			snprintf(names[count], sizeof(names[count]), "test_%s_%s_%s_%s",
				 nat_protocol_name(pair->protocol), mappings[pair->mapping],
				 filterings[pair->filtering], kinds[k].name);
			tests[count] = (struct CMUnitTest){ names[count], kinds[k].run, pair_setup,
							    pair_teardown, pair };
		}
	}
	tests[count++] =
		(struct CMUnitTest)lab_test(test_filtered_packet_names_the_knob_and_the_mapping);
	tests[count++] = (struct CMUnitTest)lab_test(
		test_address_dependent_permission_ends_with_the_peers_last_session);
	tests[count++] = (struct CMUnitTest)lab_test(
		test_address_and_port_dependent_permission_ends_with_its_session);
	tests[count++] = (struct CMUnitTest)lab_test(test_rfc7857_req6_filtering_is_per_protocol);
	tests[count++] = (struct CMUnitTest)lab_test(test_filtering_can_change_while_running);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
