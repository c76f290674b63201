/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Protocols without ports that we know: GRE, ESP and the like, told apart by address alone. */
#include "tests/unit/lab.h"

enum { GRE = 47, ESP = 50, SCTP = 132, PAYLOAD = 37 };

/* An odd number of bytes, none of which is ours to change. */
static struct wire other_with(unsigned int protocol, struct endpoint src, struct endpoint dst,
			      size_t options, size_t payload)
{
	struct wire w = wire_ip(protocol, src, dst, options, payload);

	wire_fill(w.at + WIRE_IP + options, payload);
	wire_fix(w);
	return w;
}

static struct wire other(unsigned int protocol, struct endpoint src, struct endpoint dst)
{
	return other_with(protocol, src, dst, 0, PAYLOAD);
}

/* An address is all they have. */
static struct endpoint at(struct endpoint e)
{
	return ep_port(e, 0);
}

static int setup(void **state)
{
	const char *const knobs[] = { "other.protocols", "gre,esp,sctp", NULL };

	*state = lab_open_with(knobs);
	return 0;
}

static int setup_pool(void **state)
{
	const char *const knobs[] = { "other.protocols", "gre", "nat.external",
				      "203.0.113.1-203.0.113.3", NULL };

	*state = lab_open_with(knobs);
	return 0;
}

#define other_test(f)	   cmocka_unit_test_setup_teardown(f, setup, lab_teardown)
#define other_pool_test(f) cmocka_unit_test_setup_teardown(f, setup_pool, lab_teardown)

/* A first packet, which must pass; the external address it got. */
static struct endpoint open_other(struct lab *lab, unsigned int protocol, struct endpoint src,
				  struct endpoint dst, struct mono now)
{
	struct wire w = other(protocol, src, dst);

	assert_int_equal(lab_out(lab, w, now).verdict, NAT_REWRITTEN);
	assert_same_endpoint(wire_destination(w), at(dst));
	return wire_source(w);
}

/* The @i-th internal host. */
static struct endpoint host_number(unsigned int i)
{
	return (struct endpoint){ .addr = addr_from_ip4(0xc0a80102 + i), .port = 5000 };
}

/* --- translation ---------------------------------------------------------------------------- */

/* The lab compares all bytes, and the sum of the header, each time; here it is once more in words. */
static void check_translated(const struct lab *lab, struct wire before, struct wire after)
{
	size_t header = wire_header(before);

	assert_int_equal(wire_ip_error(after), 0);
	assert_int_equal(after.len, before.len);
	assert_memory_equal(after.at + header, before.at + header, before.len - header);
	assert_int_equal(after.at[8], before.at[8]);
	assert_int_equal(after.at[9], before.at[9]);
	assert_consistent(&lab->nat);
}

static void test_address_is_translated_and_nothing_else(void **state)
{
	static const unsigned int protocols[] = { GRE, ESP, SCTP };
	struct lab *lab = *state;

	for (size_t i = 0; i < 3; i++) {
		for (size_t options = 0; options <= 8; options += 8) {
			struct wire w = other_with(protocols[i], H1, Y1, options, PAYLOAD);
			struct wire sent = wire_copy(w);

			assert_rewritten(lab_out(lab, w, AT_S(0)),
					 options == 0 ? REASON_MAPPING_CREATED : REASON_TRANSLATED);
			check_translated(lab, sent, w);
			assert_same_endpoint(wire_source(w), E1);
			assert_same_endpoint(wire_destination(w), at(Y1));
			w = other_with(protocols[i], Y1, E1, options, PAYLOAD);
			sent = wire_copy(w);
			assert_rewritten(lab_in(lab, w, AT_S(0)), REASON_TRANSLATED);
			check_translated(lab, sent, w);
			assert_same_endpoint(wire_source(w), at(Y1));
			assert_same_endpoint(wire_destination(w), at(H1));
		}
	}
	assert_int_equal(lab->nat.mappings.arena.live, 3);
}

/* There is no header that it could be too short for. */
static void test_empty_and_tiny_packets_are_translated(void **state)
{
	struct lab *lab = *state;

	for (size_t payload = 0; payload < 9; payload++) {
		struct wire w = other_with(GRE, H1, Y1, 0, payload);

		assert_int_equal(lab_out(lab, w, AT_S(0)).verdict, NAT_REWRITTEN);
		assert_int_equal(wire_get32(w.at + 12), 0xcb007101);
		w = other_with(GRE, Y1, E1, 0, payload);
		assert_rewritten(lab_in(lab, w, AT_S(0)), REASON_TRANSLATED);
		assert_int_equal(wire_get32(w.at + 16), 0xc0a80102);
	}
}

/* A wrong sum stays as wrong as it was, and is not mended on the way. */
static void test_wrong_header_sum_is_not_mended(void **state)
{
	struct lab *lab = *state;
	struct wire w = other(GRE, H1, Y1);

	wire_put16(w.at + 10, wire_get16(w.at + 10) ^ 0x0100);
	assert_int_not_equal(wire_ip_error(w), 0);
	assert_int_equal(lab_out(lab, w, AT_S(0)).verdict, NAT_REWRITTEN);
	assert_int_not_equal(wire_ip_error(w), 0);
}

static void test_mapping_serves_all_remotes(void **state)
{
	struct lab *lab = *state;
	struct nat_outcome first, second;

	first = lab_out(lab, other(GRE, H1, Y1), AT_S(0));
	assert_rewritten(first, REASON_MAPPING_CREATED);
	second = lab_out(lab, other(GRE, H1, Y2), AT_S(0));
	assert_rewritten(second, REASON_SESSION_CREATED);
	assert_int_equal(second.mapping, first.mapping);
	/* What would be a port elsewhere tells nobody apart here. */
	second = lab_out(lab, other(GRE, ep_port(H1, 6000), Y1_Q), AT_S(0));
	assert_rewritten(second, REASON_TRANSLATED);
	assert_int_equal(second.session, first.session);
	assert_int_equal(lab_session(lab, first)->traffic[NAT_INTERNAL].packets, 2);
	assert_int_equal(lab_session(lab, first)->traffic[NAT_INTERNAL].bytes,
			 2 * (WIRE_IP + PAYLOAD));
}

/* --- which protocols ------------------------------------------------------------------------ */

static void test_protocol_that_is_not_listed_is_dropped(void **state)
{
	struct lab *lab = *state;
	struct nat_outcome outcomes[3];

	outcomes[0] = lab_out(lab, other(51, H1, Y1), AT_S(0));
	outcomes[1] = lab_in(lab, other(51, Y1, E1), AT_S(0));
	outcomes[2] = lab_out(lab, other(51, H1, E1), AT_S(0));
	for (int i = 0; i < 3; i++) {
		assert_dropped(outcomes[i], REASON_PROTOCOL);
		assert_int_equal(outcomes[i].knob, OPT_OTHER_PROTOCOLS);
	}
	lab_check_silent(lab);
	assert_int_equal(lab->nat.mappings.arena.live, 0);
	assert_int_equal(lab->nat.hosts.arena.live, 0);
}

static void test_none_is_listed_by_default(void **state)
{
	struct lab *lab = *state;

	for (unsigned int protocol = 0; protocol < 256; protocol++)
		if (protocol != 1 && protocol != 6 && protocol != 17)
			assert_dropped(lab_out(lab, other(protocol, H1, Y1), AT_S(0)),
				       REASON_PROTOCOL);
}

/* Each has its own bit, and a host may have a mapping of each. */
static void test_exactly_the_listed_ones_pass(void **state)
{
	struct lab *lab = *state;
	unsigned int passed = 0;

	lab_set(lab, "other.protocols", "2,63,64,gre,127,128,255");
	for (unsigned int protocol = 0; protocol < 256; protocol++) {
		struct nat_outcome outcome;
		bool listed = protocol == 2 || protocol == 63 || protocol == 64 ||
			      protocol == GRE || protocol == 127 || protocol == 128 ||
			      protocol == 255;

		if (protocol == 1 || protocol == 6 || protocol == 17)
			continue;
		outcome = lab_out(lab, other(protocol, H1, Y1), AT_S(0));
		assert_reason(outcome, listed ? REASON_MAPPING_CREATED : REASON_PROTOCOL);
		passed += listed;
	}
	assert_int_equal(lab->nat.mappings.arena.live, passed);
}

/* What is there goes on when the protocol comes back, if it is not over by then. */
static void test_protocol_taken_off_the_list_passes_no_more(void **state)
{
	struct lab *lab = *state;

	open_other(lab, GRE, H1, Y1, AT_S(0));
	lab_set(lab, "other.protocols", "esp");
	assert_dropped(lab_out(lab, other(GRE, H1, Y1), AT_S(1)), REASON_PROTOCOL);
	assert_dropped(lab_in(lab, other(GRE, Y1, E1), AT_S(1)), REASON_PROTOCOL);
	lab_set(lab, "other.protocols", "gre");
	assert_rewritten(lab_in(lab, other(GRE, Y1, E1), AT_S(299)), REASON_TRANSLATED);
	assert_dropped(lab_in(lab, other(GRE, Y1, E1), AT_S(300)), REASON_NO_MAPPING);
}

/* --- one host per address ------------------------------------------------------------------- */

static void test_second_host_is_refused_and_told(void **state)
{
	struct lab *lab = *state;
	struct wire w = other(GRE, H2, Y2), sent = wire_copy(w);
	struct nat_outcome outcome;
	uint64_t events;

	open_other(lab, GRE, H1, Y1, AT_S(0));
	events = lab->nat.events.count;
	outcome = lab_out(lab, w, AT_S(0));
	assert_dropped(outcome, REASON_PORTS_EXHAUSTED);
	assert_int_equal(outcome.knob, OPT_NAT_EXTERNAL);
	lab_take_error(lab, 3, 13, H2, sent);
	assert_int_equal(lab->nat.events.count, events + 1);
	assert_int_equal(event_from(&lab->nat.events, events + 1)->protocol, NAT_OTHER);
	assert_int_equal(lab->nat.hosts.arena.live, 1);
	/* The same remote is no better, and what the first has it keeps. */
	assert_dropped(lab_out(lab, other(GRE, H2, Y1), AT_S(0)), REASON_PORTS_EXHAUSTED);
	assert_rewritten(lab_in(lab, other(GRE, Y1, E1), AT_S(0)), REASON_TRANSLATED);
}

/* Another protocol, or one with ports, is none of its concern. */
static void test_address_is_taken_per_protocol(void **state)
{
	struct lab *lab = *state;
	struct wire w;

	lab_set(lab, "nat.reserved-ports", "47");
	open_other(lab, GRE, H1, Y1, AT_S(0));
	open_other(lab, SCTP, H2, Y1, AT_S(0));
	lab_set(lab, "icmp.port-range", "47-47");
	lab_set(lab, "icmp.ports", "preserve");
	assert_int_equal(lab_open(lab, NAT_ICMP, ep_port(H2, 9), Y1, AT_S(0)).port, 47);
	w = other(GRE, Y1, E1);
	assert_rewritten(lab_in(lab, w, AT_S(0)), REASON_TRANSLATED);
	assert_same_endpoint(wire_destination(w), at(H1));
	w = other(SCTP, Y1, E1);
	assert_rewritten(lab_in(lab, w, AT_S(0)), REASON_TRANSLATED);
	assert_same_endpoint(wire_destination(w), at(H2));
	assert_dropped(lab_in(lab, other(ESP, Y1, E1), AT_S(0)), REASON_NO_MAPPING);
}

/* No delay: who comes first when it is over has it, with no tick in between. */
static void test_address_is_free_when_the_mapping_is_over(void **state)
{
	struct lab *lab = *state;
	struct wire w;

	open_other(lab, GRE, H1, Y1, AT_S(0));
	assert_dropped(lab_out(lab, other(GRE, H2, Y1), AT_MS(299999)), REASON_PORTS_EXHAUSTED);
	assert_rewritten(lab_out(lab, other(GRE, H2, Y1), AT_S(300)), REASON_MAPPING_CREATED);
	w = other(GRE, Y1, E1);
	assert_rewritten(lab_in(lab, w, AT_S(300)), REASON_TRANSLATED);
	assert_same_endpoint(wire_destination(w), at(H2));
	assert_dropped(lab_out(lab, other(GRE, H1, Y1), AT_S(300)), REASON_PORTS_EXHAUSTED);
}

/* The first host from the @i-th on that is paired with @own, or, unless @same, with another. */
static struct endpoint host_paired(struct lab *lab, unsigned int i, struct endpoint own, bool same)
{
	for (; i < 100; i++) {
		struct endpoint its = lab_open(lab, NAT_UDP, host_number(i), Y1, AT_S(0));

		if (addr_equal(&its.addr, &own.addr) == same)
			return host_number(i);
	}
	fail_msg("all hosts have one address");
	return own;
}

static void test_next_host_gets_another_address_of_the_pool(void **state)
{
	struct lab *lab = *state;
	struct endpoint own = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));
	struct endpoint hosts[3] = { H1 }, got[3];

	hosts[1] = host_paired(lab, 1, own, true);
	hosts[2] = host_paired(lab, 50, own, true);
	lab_set(lab, "nat.pooling", "soft-paired");
	for (unsigned int i = 0; i < 3; i++) {
		got[i] = open_other(lab, GRE, hosts[i], Y1, AT_S(0));
		for (unsigned int k = 0; k < i; k++)
			assert_false(addr_equal(&got[k].addr, &got[i].addr));
	}
	assert_same_endpoint(got[0], at(own));
	assert_dropped(lab_out(lab, other(GRE, host_number(200), Y1), AT_S(0)),
		       REASON_PORTS_EXHAUSTED);
	for (unsigned int i = 0; i < 3; i++) {
		struct wire w = other(GRE, Y1, got[i]);

		assert_rewritten(lab_in(lab, w, AT_S(0)), REASON_TRANSLATED);
		assert_same_endpoint(wire_destination(w), at(hosts[i]));
	}
}

/* RFC 4787 REQ-2: the address of its ports, or none; the others of the pool may be free. */
static void test_paired_host_gets_its_own_address_or_none(void **state)
{
	struct lab *lab = *state;
	struct endpoint own = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0)), host, its;

	assert_same_endpoint(open_other(lab, GRE, H1, Y1, AT_S(0)), at(own));
	host = host_paired(lab, 1, own, true);
	assert_dropped(lab_out(lab, other(GRE, host, Y1), AT_S(0)), REASON_PORTS_EXHAUSTED);
	host = host_paired(lab, 1, own, false);
	its = lab_open(lab, NAT_UDP, host, Y1, AT_S(0));
	assert_same_endpoint(open_other(lab, GRE, host, Y1, AT_S(0)), at(its));
}

/* Blocks divide ports; an address that is another host's is no fault of theirs. */
static void test_refusal_has_nothing_to_do_with_blocks(void **state)
{
	static const char *const blocks[] = { "off", "dynamic", "deterministic" };

	for (size_t i = 0; i < 3; i++) {
		const char *const knobs[] = {
			"other.protocols", "gre", "nat.internal", "192.168.1.0/24", "nat.blocks",
			blocks[i],	   NULL
		};
		struct lab *lab = lab_open_with(knobs);
		struct nat_outcome outcome;
		void *own = lab;

		open_other(lab, GRE, H1, Y1, AT_S(0));
		assert_int_equal(lab->nat.events.count, 0); /* nor has it taken one */
		outcome = lab_out(lab, other(GRE, H2, Y1), AT_S(0));
		assert_dropped(outcome, REASON_PORTS_EXHAUSTED);
		assert_int_equal(outcome.knob, OPT_NAT_EXTERNAL);
		lab_teardown(&own);
	}
	(void)state;
}

/* RFC 4787 REQ-2: the formula says which address is a host's, and not only for its ports. */
static void test_deterministic_host_has_one_address_for_all(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "nat.internal", "192.168.1.2-192.168.1.4"); /* one on each */
	lab_set(lab, "nat.blocks", "deterministic");
	for (unsigned int i = 0; i < 3; i++) {
		struct endpoint own = open_other(lab, GRE, host_number(i), Y1, AT_S(0));

		assert_int_equal(addr_ip4(&own.addr), 0xcb007101 + i);
		assert_same_endpoint(at(lab_open(lab, NAT_UDP, host_number(i), Y1, AT_S(0))), own);
	}
}

/* --- filtering ------------------------------------------------------------------------------ */

static void test_address_dependent_filtering_is_the_default(void **state)
{
	struct lab *lab = *state;
	struct nat_outcome outcome;

	open_other(lab, GRE, H1, Y1, AT_S(0));
	assert_rewritten(lab_in(lab, other(GRE, Y1, E1), AT_S(0)), REASON_TRANSLATED);
	outcome = lab_in(lab, other(GRE, Y2, E1), AT_S(0));
	assert_dropped(outcome, REASON_FILTERED);
	assert_int_equal(outcome.knob, OPT_OTHER_FILTERING);
	assert_int_not_equal(outcome.mapping, NAT_NONE);
	lab_check_silent(lab);
}

/* Without ports the two strict ones are the same. */
static void test_filtering_is_a_knob(void **state)
{
	static const struct {
		const char *value;
		bool stranger;
	} cases[] = { { "eif", true }, { "adf", false }, { "apdf", false } };
	struct lab *lab = *state;

	open_other(lab, GRE, H1, Y1, AT_S(0));
	for (size_t i = 0; i < 3; i++) {
		struct wire w = other(GRE, Y2, E1);

		lab_set(lab, "other.filtering", cases[i].value);
		assert_reason(lab_in(lab, w, AT_S(1)),
			      cases[i].stranger ? REASON_ADMITTED : REASON_FILTERED);
		if (cases[i].stranger)
			assert_same_endpoint(wire_destination(w), at(H1));
		assert_rewritten(lab_in(lab, other(GRE, Y1, E1), AT_S(1)), REASON_TRANSLATED);
	}
	/* A stranger who got in once has left no session. */
	assert_int_equal(lab->nat.sessions.arena.live, 1);
	/* Nobody's is nobody's under any of them. */
	lab_set(lab, "other.filtering", "eif");
	assert_dropped(lab_in(lab, other(ESP, Y1, E1), AT_S(1)), REASON_NO_MAPPING);
}

static void test_permission_ends_with_the_session_of_that_remote(void **state)
{
	struct lab *lab = *state;

	open_other(lab, GRE, H1, Y1, AT_S(0));
	open_other(lab, GRE, H1, Y2, AT_S(100));
	assert_rewritten(lab_in(lab, other(GRE, Y1, E1), AT_S(299)), REASON_TRANSLATED);
	assert_dropped(lab_in(lab, other(GRE, Y1, E1), AT_S(300)), REASON_FILTERED);
	assert_rewritten(lab_in(lab, other(GRE, Y2, E1), AT_S(300)), REASON_TRANSLATED);
}

/* --- timeout -------------------------------------------------------------------------------- */

static void test_idle_mapping_lasts_five_minutes_by_default(void **state)
{
	struct lab *lab = *state;

	open_other(lab, GRE, H1, Y1, AT_S(0));
	nat_tick(&lab->nat, AT_MS(299999), 10);
	assert_int_equal(lab->nat.mappings.arena.live, 1);
	nat_tick(&lab->nat, AT_S(300), 10);
	assert_int_equal(lab->nat.mappings.arena.live, 0);
	assert_int_equal(lab->nat.hosts.arena.live, 0);
	assert_dropped(lab_in(lab, other(GRE, Y1, E1), AT_S(300)), REASON_NO_MAPPING);
}

/* Nor has any other protocol's timer to do with it. */
static void test_timeout_is_a_knob(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "udp.timeout", "200s");
	lab_set(lab, "icmp.timeout", "60s");
	open_other(lab, GRE, H1, Y1, AT_S(0));
	lab_set(lab, "other.timeout", "1000s"); /* what is there counts by it at once */
	assert_rewritten(lab_in(lab, other(GRE, Y1, E1), AT_MS(999999)), REASON_TRANSLATED);
	assert_dropped(lab_in(lab, other(GRE, Y1, E1), AT_S(1000)), REASON_NO_MAPPING);
	lab_set(lab, "other.timeout", "10s");
	open_other(lab, GRE, H1, Y1, AT_S(2000));
	assert_rewritten(lab_in(lab, other(GRE, Y1, E1), AT_MS(2009999)), REASON_TRANSLATED);
	assert_dropped(lab_in(lab, other(GRE, Y1, E1), AT_S(2010)), REASON_NO_MAPPING);
}

static void test_outbound_refreshes_and_inbound_does_not(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "other.filtering", "eif");
	open_other(lab, GRE, H1, Y1, AT_S(0));
	assert_rewritten(lab_out(lab, other(GRE, H1, Y1), AT_S(299)), REASON_TRANSLATED);
	assert_rewritten(lab_in(lab, other(GRE, Y1, E1), AT_S(598)), REASON_TRANSLATED);
	assert_rewritten(lab_in(lab, other(GRE, Y2, E1), AT_S(598)), REASON_ADMITTED);
	assert_dropped(lab_in(lab, other(GRE, Y1, E1), AT_S(599)), REASON_NO_MAPPING);
	assert_rewritten(lab_out(lab, other(GRE, H1, Y1), AT_S(599)), REASON_MAPPING_CREATED);
}

/* --- quotas, fragments, hairpins, errors ---------------------------------------------------- */

/* They have no quotas of their own, and count for those of all. */
static void test_quotas_of_the_host_count_them(void **state)
{
	struct lab *lab = *state;
	struct nat_outcome outcome;

	lab_set(lab, "nat.max-mappings-per-host", "2");
	open_other(lab, GRE, H1, Y1, AT_S(0));
	open_other(lab, ESP, H1, Y1, AT_S(0));
	outcome = lab_out(lab, other(SCTP, H1, Y1), AT_S(0));
	assert_dropped(outcome, REASON_HOST_QUOTA);
	assert_int_equal(outcome.knob, OPT_NAT_MAX_MAPPINGS_PER_HOST);
	assert_dropped(lab_out(lab, wire_udp(H1, Y1), AT_S(0)), REASON_HOST_QUOTA);
	lab_set(lab, "nat.max-mappings-per-host", "0");
	lab_set(lab, "nat.max-sessions-per-host", "2");
	outcome = lab_out(lab, other(GRE, H1, Y2), AT_S(0));
	assert_dropped(outcome, REASON_HOST_QUOTA);
	assert_int_equal(outcome.knob, OPT_NAT_MAX_SESSIONS_PER_HOST);
	open_other(lab, SCTP, H2, Y1, AT_S(0));
}

/* H2 answers H1, each behind an address of its own. */
static void test_hosts_with_addresses_of_their_own_hairpin(void **state)
{
	struct lab *lab = *state;
	struct endpoint one, two;
	struct wire w;

	lab_set(lab, "nat.pooling", "soft-paired");
	one = open_other(lab, GRE, H1, Y1, AT_S(0));
	two = open_other(lab, GRE, H2, Y1, AT_S(0));
	assert_dropped(lab_out(lab, other(GRE, H1, two), AT_S(0)), REASON_FILTERED);
	w = other(GRE, H2, one); /* whom H1 has sent to by now */
	assert_rewritten(lab_out(lab, w, AT_S(0)), REASON_HAIRPIN);
	assert_same_endpoint(wire_source(w), two);
	assert_same_endpoint(wire_destination(w), at(H1));
	w = other(GRE, H1, two);
	assert_rewritten(lab_out(lab, w, AT_S(0)), REASON_HAIRPIN);
	assert_same_endpoint(wire_source(w), one);
	assert_same_endpoint(wire_destination(w), at(H2));
}

/* The only address is the target's already. */
static void test_hairpin_needs_an_address_for_the_sender(void **state)
{
	struct lab *lab = *state;
	struct wire w = other(GRE, H2, E1), sent = wire_copy(w);

	assert_dropped(lab_out(lab, wire_copy(w), AT_S(0)), REASON_NO_MAPPING);
	lab_set(lab, "other.filtering", "eif");
	open_other(lab, GRE, H1, Y1, AT_S(0));
	assert_dropped(lab_out(lab, w, AT_S(0)), REASON_PORTS_EXHAUSTED);
	lab_take_error(lab, 3, 13, H2, sent);
}

static void test_error_gives_the_host_back_what_it_sent(void **state)
{
	struct lab *lab = *state;
	struct wire w = other(GRE, H1, Y1), sent = wire_copy(w), error;

	lab_set(lab, "nat.ip-id", "keep");
	assert_rewritten(lab_out(lab, w, AT_S(0)), REASON_MAPPING_CREATED);
	error = wire_error_with(3, 4, ROUTER, E1, w, WIRE_IP + 8);
	assert_rewritten(lab_in(lab, error, AT_S(0)), REASON_ICMP_ERROR_TRANSLATED);
	assert_same_endpoint(wire_destination(error), at(H1));
	assert_memory_equal(wire_quote(error).at, sent.at, WIRE_IP + 8);
	/* It is about that protocol, or nobody's. */
	w.at[9] = SCTP;
	wire_fix_ip(w);
	assert_dropped(lab_in(lab, wire_error(3, 4, ROUTER, E1, w), AT_S(0)),
		       REASON_ICMP_ERROR_NO_SESSION);
}

static void test_error_from_inside_quotes_the_external_address(void **state)
{
	struct lab *lab = *state;
	struct wire w, sent, error;

	lab_set(lab, "other.filtering", "eif");
	open_other(lab, GRE, H1, Y1, AT_S(0));
	for (int i = 0; i < 2; i++) { /* one with a session, one without */
		struct endpoint remote = i == 0 ? Y1 : Y2;

		w = other(GRE, remote, E1);
		sent = wire_copy(w);
		assert_int_equal(lab_in(lab, w, AT_S(0)).verdict, NAT_REWRITTEN);
		error = wire_error(3, 2, H1, remote, w);
		assert_rewritten(lab_out(lab, error, AT_S(0)), REASON_ICMP_ERROR_TRANSLATED);
		assert_same_endpoint(wire_source(error), E1);
		assert_memory_equal(wire_quote(error).at, sent.at, sent.len);
	}
}

/* nat.unmatched goes for them as well. */
static void test_unmatched_is_answered_as_the_knob_says(void **state)
{
	struct lab *lab = *state;
	struct wire w = other(GRE, Y1, E1), sent = wire_copy(w);

	assert_dropped(lab_in(lab, wire_copy(w), AT_S(0)), REASON_NO_MAPPING);
	lab_check_silent(lab);
	lab_set(lab, "nat.unmatched", "reject");
	assert_dropped(lab_in(lab, wire_copy(w), AT_S(0)), REASON_UNMATCHED_REJECTED);
	lab_take_error(lab, 3, 3, Y1, sent);
	lab_set(lab, "nat.unmatched", "accept");
	assert_reason(lab_in(lab, w, AT_S(0)), REASON_ROUTER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		other_test(test_address_is_translated_and_nothing_else),
		other_test(test_empty_and_tiny_packets_are_translated),
		other_test(test_wrong_header_sum_is_not_mended),
		other_test(test_mapping_serves_all_remotes),
		other_test(test_protocol_that_is_not_listed_is_dropped),
		lab_test(test_none_is_listed_by_default),
		lab_test(test_exactly_the_listed_ones_pass),
		other_test(test_protocol_taken_off_the_list_passes_no_more),
		other_test(test_second_host_is_refused_and_told),
		other_test(test_address_is_taken_per_protocol),
		other_test(test_address_is_free_when_the_mapping_is_over),
		other_pool_test(test_next_host_gets_another_address_of_the_pool),
		other_pool_test(test_paired_host_gets_its_own_address_or_none),
		other_test(test_refusal_has_nothing_to_do_with_blocks),
		other_pool_test(test_deterministic_host_has_one_address_for_all),
		other_test(test_address_dependent_filtering_is_the_default),
		other_test(test_filtering_is_a_knob),
		other_test(test_permission_ends_with_the_session_of_that_remote),
		other_test(test_idle_mapping_lasts_five_minutes_by_default),
		other_test(test_timeout_is_a_knob),
		other_test(test_outbound_refreshes_and_inbound_does_not),
		other_test(test_quotas_of_the_host_count_them),
		other_pool_test(test_hosts_with_addresses_of_their_own_hairpin),
		other_test(test_hairpin_needs_an_address_for_the_sender),
		other_test(test_error_gives_the_host_back_what_it_sent),
		other_test(test_error_from_inside_quotes_the_external_address),
		other_test(test_unmatched_is_answered_as_the_knob_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
