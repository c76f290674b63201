/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PCP (RFC 6887): what its messages look like, byte by byte. */
#include "tests/unit/ask.h"

/* RFC 6887 section 7.4. */
enum {
	SUCCESS,
	UNSUPP_VERSION,
	NOT_AUTHORIZED,
	MALFORMED_REQUEST,
	UNSUPP_OPCODE,
	UNSUPP_OPTION,
	MALFORMED_OPTION,
	NO_RESOURCES = 8,
	UNSUPP_PROTOCOL,
	USER_EX_QUOTA,
	CANNOT_PROVIDE_EXTERNAL,
	ADDRESS_MISMATCH,
};

static struct told told_of(struct lab *lab, struct wire w)
{
	return ask_bytes(lab, H1, w, AT_S(0));
}

/* An error has the request behind its header, whole words of it, and makes nothing. */
static void check_error(struct lab *lab, struct wire w, unsigned int result)
{
	struct told t = told_of(lab, w);
	size_t length = w.len < ASK_HEADER ? ASK_HEADER : w.len > PCP_MAX ? PCP_MAX : w.len;

	assert_int_equal(t.result, result);
	assert_int_equal(t.wire.len, (length + 3) / 4 * 4);
	for (size_t i = ASK_HEADER; i < t.wire.len; i++)
		assert_int_equal(t.wire.at[i], i < w.len ? w.at[i] : 0);
	assert_true(t.lifetime > 0);
	assert_int_equal(lab->nat.mappings.arena.live, 0);
}

/* --- header --------------------------------------------------------------------------------- */

static void test_rfc6887_hdr_what_is_too_short_is_met_with_silence(void **state)
{
	struct lab *lab = *state;

	for (size_t length = 0; length < 2; length++)
		assert_int_equal(told_of(lab, wire_cut(ask_wire(ask_map(H1)), length)).wire.len, 0);
}

static void test_rfc6887_hdr_an_answer_is_met_with_silence(void **state)
{
	struct lab *lab = *state;

	for (unsigned int opcode = 0; opcode < 0x80; opcode++) {
		struct wire w = ask_wire(ask_map(H1));

		w.at[1] = (uint8_t)(0x80 | opcode);
		assert_int_equal(told_of(lab, w).wire.len, 0);
	}
	assert_int_equal(lab->nat.mappings.arena.live, 0);
}

static void test_rfc6887_hdr_our_own_addresses_are_met_with_silence(void **state)
{
	struct lab *lab = *state;

	assert_int_equal(ask(lab, ask_map(ep("203.0.113.1:5000")), AT_S(0)).wire.len, 0);
	lab_set(lab, "nat.one-to-one", "203.0.113.3=192.168.1.9");
	assert_int_equal(ask(lab, ask_map(ep("203.0.113.3:5000")), AT_S(0)).wire.len, 0);
	assert_int_equal(lab->nat.mappings.arena.live, 0);
}

static void test_requests_are_counted_by_what_became_of_them(void **state)
{
	struct lab *lab = *state;
	struct wire w = ask_wire(ask_map(H1));

	told_of(lab, w);
	told_of(lab, w);
	w.at[0] = 3;
	told_of(lab, w);
	told_of(lab, wire_cut(w, 1));
	w.at[1] = 0x81;
	told_of(lab, w);
	ask(lab, ask_map(ep("203.0.113.1:5000")), AT_S(0));
	assert_int_equal(lab->nat.asked.granted, 2);
	assert_int_equal(lab->nat.asked.refused, 1);
	assert_int_equal(lab->nat.asked.ignored, 3);
}

/* MAP cut or lengthened to any length: with zeros behind, which read as options 0 that must be known. */
static void test_rfc6887_hdr_every_length(void **state)
{
	struct lab *lab = *state;
	struct wire map = ask_wire(ask_map(H1));

	for (size_t length = 2; length <= PCP_MAX + 10; length++) {
		struct wire w = wire_take(length);

		memcpy(w.at, map.at, length < map.len ? length : map.len);
		if (length != ASK_MAP)
			check_error(lab, w,
				    length < ASK_MAP || length > PCP_MAX || length % 4 != 0
					    ? MALFORMED_REQUEST
					    : UNSUPP_OPTION);
	}
	assert_int_equal(told_of(lab, map).result, SUCCESS);
}

static void test_rfc6887_hdr_announce_of_every_length(void **state)
{
	struct lab *lab = *state;
	struct ask a = ask_map(H1);

	a.opcode = ASK_ANNOUNCE;
	for (size_t length = 2; length < ASK_HEADER; length++)
		check_error(lab, wire_cut(ask_wire(a), length), MALFORMED_REQUEST);
	assert_int_equal(ask(lab, a, AT_S(0)).result, SUCCESS);
}

static void test_rfc6887_hdr_longest_message_is_served(void **state)
{
	struct lab *lab = *state;
	struct wire w = ask_option(ask_wire(ask_map(H1)), 200, PCP_MAX - ASK_MAP - 4);

	assert_int_equal(w.len, PCP_MAX);
	assert_int_equal(told_of(lab, w).result, SUCCESS);
	assert_int_equal(told_of(lab, ask_option(w, 200, 0)).result, MALFORMED_REQUEST);
}

static void test_rfc6887_hdr_unknown_opcodes_are_named_so(void **state)
{
	struct lab *lab = *state;

	for (unsigned int opcode = ASK_PEER; opcode < 0x80; opcode++) {
		struct ask a = ask_map(H1);

		a.opcode = opcode;
		check_error(lab, ask_wire(a), UNSUPP_OPCODE);
		check_error(lab, wire_cut(ask_wire(a), ASK_HEADER), UNSUPP_OPCODE);
	}
}

static void test_rfc6887_ver_others_are_answered_with_ours(void **state)
{
	static const unsigned int versions[] = { 0, 1, 3, 255 };
	struct lab *lab = *state;

	for (unsigned int i = 0; i < 4; i++) {
		struct ask a = ask_map(H1);

		a.version = versions[i];
		/* Before all else: their messages may be of another form. */
		for (size_t length = 2; length <= ASK_MAP; length++)
			check_error(lab, wire_cut(ask_wire(a), length), UNSUPP_VERSION);
	}
}

/* NAT-PMP's two-byte question for the address, and its 12 bytes for a mapping. */
static void test_rfc6887_ver_nat_pmp_hears_that_it_is_not_spoken(void **state)
{
	static const size_t lengths[] = { 2, 12 };
	struct lab *lab = *state;

	for (unsigned int i = 0; i < 2; i++) {
		struct told t = told_of(lab, wire_take(lengths[i]));

		assert_int_equal(t.wire.len, ASK_HEADER);
		assert_int_equal(t.wire.at[0], 2);
		assert_int_equal(t.wire.at[1], 0x80);
		assert_int_equal(wire_get16(t.wire.at + 2), 1); /* its own word for the same */
	}
}

static void test_rfc6887_addr_another_than_the_senders_is_a_mismatch(void **state)
{
	struct lab *lab = *state;

	check_error(lab, ask_wire(ask_map(H2)), ADDRESS_MISMATCH);
	for (unsigned int i = 0; i < 16; i++) { /* all of it counts */
		struct wire w = ask_wire(ask_map(H1));

		w.at[8 + i] ^= 1;
		check_error(lab, w, ADDRESS_MISMATCH);
	}
}

static void test_announce_is_answered_by_a_header(void **state)
{
	struct lab *lab = *state;
	struct ask a = { .version = 2, .opcode = ASK_ANNOUNCE, .lifetime = 77, .internal = H1 };
	struct told t;

	pcp_start(&lab->nat, AT_S(100));
	t = ask(lab, a, AT_S(142));
	assert_int_equal(t.wire.len, ASK_HEADER);
	assert_int_equal(t.result, SUCCESS);
	assert_int_equal(t.lifetime, 0);
	assert_int_equal(t.epoch, 42);
}

/* --- MAP ------------------------------------------------------------------------------------ */

static void test_answer_to_map_byte_by_byte(void **state)
{
	static const uint8_t expected[] = {
		2,    0x81, 0,	  0,	0,    0,    0x0e, 0x10, 0,    0,    0,	  42,
		0,    0,    0,	  0,	0,    0,    0,	  0,	0,    0,    0,	  0,	/* header */
		0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xab, /* nonce */
		6,    0,    0,	  0,	0x13, 0x88, 0x12, 0x67, /* protocol, 5000, 4711 */
		0,    0,    0,	  0,	0,    0,    0,	  0,	0,    0,    0xff, 0xff,
		203,  0,    113,  1,
	};
	struct lab *lab = *state;
	struct ask a = ask_map(H1);
	struct wire w;
	struct told t;

	pcp_start(&lab->nat, AT_S(8));
	a.protocol = ASK_TCP;
	a.external = ep("203.0.113.1:4711");
	w = ask_wire(a);
	for (unsigned int i = 0; i < 12; i++)
		w.at[24 + i] = (uint8_t)(0xa0 + i);
	memset(w.at + 37, 0xff, 3); /* reserved: not looked at */
	w.at[2] = w.at[3] = 0xff;
	t = ask_bytes(lab, H1, w, AT_S(50));
	assert_int_equal(t.wire.len, sizeof(expected));
	assert_memory_equal(t.wire.at, expected, sizeof(expected));
}

static void test_option_that_was_obeyed_is_in_the_answer(void **state)
{
	static const uint8_t option[] = { 2, 0, 0, 0 };
	struct lab *lab = *state;
	struct wire w = ask_option(ask_wire(ask_map(H1)), 200, 5);
	struct told t;

	w = ask_option(w, 2, 0);
	w.at[w.len - 3] = 0x77; /* reserved */
	t = told_of(lab, ask_option(w, 255, 0));
	assert_int_equal(t.result, SUCCESS);
	assert_int_equal(t.wire.len, ASK_MAP + sizeof(option));
	assert_memory_equal(t.wire.at + ASK_MAP, option, sizeof(option));
}

static void test_rfc6887_res_other_protocols_are_named_so(void **state)
{
	struct lab *lab = *state;

	for (unsigned int protocol = 0; protocol < 256; protocol++) {
		struct ask a = ask_map(H1);

		a.protocol = protocol;
		if (protocol != ASK_UDP && protocol != ASK_TCP)
			check_error(lab, ask_wire(a), UNSUPP_PROTOCOL);
	}
}

static void test_rfc6887_res_all_ports_are_not_to_be_had(void **state)
{
	struct lab *lab = *state;

	check_error(lab, ask_wire(ask_map(ep_port(H1, 0))), UNSUPP_PROTOCOL);
}

static void test_both_protocols_are_served(void **state)
{
	struct lab *lab = *state;
	struct ask a = ask_map(H1);

	ask_granted(lab, a, AT_S(0));
	assert_true(lab_is_leased(lab, NAT_UDP, H1));
	assert_false(lab_is_leased(lab, NAT_TCP, H1));
	a.protocol = ASK_TCP;
	ask_granted(lab, a, AT_S(0));
	assert_true(lab_is_leased(lab, NAT_TCP, H1));
}

/* --- options -------------------------------------------------------------------------------- */

static void test_rfc6887_opt_unknown_ones(void **state)
{
	struct lab *lab = *state;

	for (unsigned int code = 0; code < 128; code++)
		if (code != 2)
			check_error(lab, ask_option(ask_wire(ask_map(H1)), code, 16),
				    UNSUPP_OPTION);
	for (unsigned int code = 128; code < 256; code++) {
		struct told t = told_of(lab, ask_option(ask_wire(ask_map(H1)), code, 16));

		assert_int_equal(t.result, SUCCESS);
		assert_int_equal(t.wire.len, ASK_MAP); /* nobody obeyed it */
	}
}

static void test_rfc6887_opt_prefer_failure_is_for_map_and_has_no_data_and_comes_once(void **state)
{
	struct lab *lab = *state;
	struct ask a = ask_map(H1);

	check_error(lab, ask_option(ask_wire(a), 2, 1), MALFORMED_OPTION);
	check_error(lab, ask_option(ask_wire(a), 2, 4), MALFORMED_OPTION);
	a.prefer_failure = true;
	check_error(lab, ask_option(ask_wire(a), 2, 0), MALFORMED_OPTION);
	a = (struct ask){ .version = 2, .opcode = ASK_ANNOUNCE, .internal = H1 };
	check_error(lab, ask_option(ask_wire(a), 2, 0), UNSUPP_OPTION);
}

/* Never a byte past the end, which lies at the end of its memory. */
static void test_rfc6887_opt_length_past_the_end_is_malformed(void **state)
{
	static const unsigned int lengths[] = { 1, 4, 5, 1036, 1037, 0x7fff, 0xfffc, 0xffff };
	static const unsigned int codes[] = { 2, 128, 255 };
	struct lab *lab = *state;

	for (unsigned int i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		for (unsigned int k = 0; k < 3; k++) {
			struct wire w = ask_option(ask_wire(ask_map(H1)), codes[k], 0);

			wire_put16(w.at + ASK_MAP + 2, lengths[i]);
			check_error(lab, w, MALFORMED_OPTION);
		}
}

static void test_rfc6887_opt_padding_may_end_the_message(void **state)
{
	struct lab *lab = *state;

	for (size_t length = 0; length < 9; length++) {
		struct wire w = ask_option(ask_wire(ask_map(H1)), 200, length);

		assert_int_equal(told_of(lab, w).result, SUCCESS);
	}
}

/* --- what is suggested ---------------------------------------------------------------------- */

static struct endpoint with_ip6(struct endpoint e)
{
	memset(e.addr.b, 0x20, sizeof(e.addr.b));
	return e;
}

static void test_suggested_endpoint_is_given_if_it_can_be(void **state)
{
	struct lab *lab = *state;
	struct ask a = ask_map(H1);

	a.external = ep("203.0.113.1:4711");
	assert_endpoint(ask_granted(lab, a, AT_S(0)), "203.0.113.1:4711");
	a = ask_map(ep_port(H1, 5001));
	a.external = ep("0.0.0.0:4712");
	assert_endpoint(ask_granted(lab, a, AT_S(0)), "203.0.113.1:4712");
	a = ask_map(ep_port(H1, 5002));
	a.external = (struct endpoint){ .port = 4713 }; /* :: */
	assert_endpoint(ask_granted(lab, a, AT_S(0)), "203.0.113.1:4713");
	a = ask_map(ep_port(H1, 5003));
	a.external = with_ip6(ep("0.0.0.0:4714")); /* no help, but the port is */
	assert_endpoint(ask_granted(lab, a, AT_S(0)), "203.0.113.1:4714");
}

static void test_suggestion_of_what_is_anothers_gets_something_else(void **state)
{
	struct lab *lab = *state;
	struct ask a = ask_map(H1);
	struct endpoint got;

	a.external = ep("203.0.113.1:4711");
	ask_granted(lab, a, AT_S(0));
	a.internal = H2;
	got = ask_granted(lab, a, AT_S(0));
	assert_true(addr_equal(&got.addr, &a.external.addr));
	assert_int_not_equal(got.port, 4711);
	a.internal = ep_port(H2, 1);
	a.external = ep("198.51.100.1:4712"); /* not ours */
	assert_same_endpoint(ep_port(ask_granted(lab, a, AT_S(0)), 0), ep_port(got, 0));
}

static void test_rfc6887_res_prefer_failure_gets_that_or_nothing(void **state)
{
	struct endpoint wishes[] = { ep("203.0.113.1:4711"), ep("198.51.100.1:4712"),
				     ep("0.0.0.0:4711"), with_ip6(ep("0.0.0.0:4713")) };
	struct lab *lab = *state;
	struct ask a = ask_map(H1);

	a.external = wishes[0];
	a.prefer_failure = true;
	assert_endpoint(ask_granted(lab, a, AT_S(0)), "203.0.113.1:4711");
	a.internal = H2;
	for (unsigned int i = 0; i < 4; i++) {
		struct told t;

		a.external = wishes[i];
		t = ask(lab, a, AT_S(0));
		assert_int_equal(t.result, CANNOT_PROVIDE_EXTERNAL);
		assert_int_equal(t.lifetime, 30);
		assert_same_endpoint(t.external, wishes[i]); /* as it was asked */
	}
	assert_int_equal(lab->nat.mappings.arena.live, 1);
	a.external = ep("0.0.0.0:0");
	ask_granted(lab, a, AT_S(0));
}

/* --- lifetimes ------------------------------------------------------------------------------ */

static void test_rfc6887_life_is_between_its_bounds(void **state)
{
	static const struct {
		uint32_t asked, got;
	} lifetimes[] = {
		{ 1, 120 },	  { 119, 119 + 1 }, { 120, 120 },     { 121, 121 },
		{ 86399, 86399 }, { 86400, 86400 }, { 86401, 86400 }, { 4294967295, 86400 },
	};
	struct lab *lab = *state;

	for (unsigned int i = 0; i < sizeof(lifetimes) / sizeof(lifetimes[0]); i++) {
		struct ask a = ask_map(H1);

		a.lifetime = lifetimes[i].asked;
		assert_int_equal(ask(lab, a, AT_S(5)).lifetime, lifetimes[i].got);
		assert_int_equal(lease_due(&lab->nat.leases).ms, (5 + lifetimes[i].got) * 1000);
	}
}

static void test_rfc6887_life_bounds_are_knobs(void **state)
{
	struct lab *lab = *state;
	struct ask a = ask_map(H1);

	lab_set(lab, "pcp.min-lifetime", "10s");
	lab_set(lab, "pcp.max-lifetime", "20s");
	a.lifetime = 1;
	assert_int_equal(ask(lab, a, AT_S(0)).lifetime, 10);
	a.lifetime = 21;
	assert_int_equal(ask(lab, a, AT_S(0)).lifetime, 20);
}

/* No host may think that it has a mapping longer than it has. */
static void test_rfc6887_life_is_told_rounded_down(void **state)
{
	struct lab *lab = *state;
	struct ask a = ask_map(H1);

	lab_set(lab, "pcp.min-lifetime", "1500ms");
	a.lifetime = 1;
	assert_int_equal(ask(lab, a, AT_S(0)).lifetime, 1);
	assert_int_equal(lease_due(&lab->nat.leases).ms, 1500);
}

static void test_rfc6887_life_of_zero_deletes(void **state)
{
	struct lab *lab = *state;
	struct ask a = ask_map(H1);
	struct told t;

	ask_granted(lab, a, AT_S(0));
	a.lifetime = 0;
	a.external = ep("203.0.113.1:4711");
	for (unsigned int i = 0; i < 2; i++) { /* again: there is none, as was asked */
		t = ask(lab, a, AT_S(1));
		assert_int_equal(t.result, SUCCESS);
		assert_int_equal(t.lifetime, 0);
		assert_int_equal(t.wire.len, ASK_MAP);
		assert_memory_equal(t.wire.at + ASK_HEADER, ask_wire(a).at + ASK_HEADER, 36);
		assert_int_equal(lab->nat.mappings.arena.live, 0);
	}
}

/* --- results -------------------------------------------------------------------------------- */

static void test_rfc6887_nonce_must_be_that_of_the_mapping(void **state)
{
	struct lab *lab = *state;
	struct ask a = ask_map(H1);
	struct endpoint external = ask_granted(lab, a, AT_S(0));
	struct told t;

	for (unsigned int byte = 0; byte < 12; byte++)
		for (uint32_t lifetime = 0; lifetime <= 7200; lifetime += 7200) {
			struct wire w;

			a.lifetime = lifetime;
			w = ask_wire(a);
			w.at[24 + byte] ^= 1;
			t = ask_bytes(lab, H1, w, AT_S(1));
			assert_int_equal(t.result, NOT_AUTHORIZED);
			assert_int_equal(t.lifetime, 1800);
			assert_int_equal(lease_due(&lab->nat.leases).ms, 3600000);
		}
	a.lifetime = 7200;
	assert_same_endpoint(ask_granted(lab, a, AT_S(1)), external);
	assert_int_equal(lease_due(&lab->nat.leases).ms, 7201000);
}

static void test_rfc6887_res_no_resources(void **state)
{
	struct lab *lab = *state;
	struct told t;

	lab_set(lab, "udp.port-range", "5000-5000");
	ask_granted(lab, ask_map(H1), AT_S(0));
	t = ask(lab, ask_map(H2), AT_S(0));
	assert_int_equal(t.result, NO_RESOURCES);
	assert_int_equal(t.lifetime, 30);
	lab_set(lab, "udp.port-range", "5000-5100");
	lab_set(lab, "nat.max-mappings", "1");
	assert_int_equal(ask(lab, ask_map(H2), AT_S(0)).result, NO_RESOURCES);
}

static void test_rfc6887_res_quota(void **state)
{
	struct lab *lab = *state;
	struct told t;

	lab_set(lab, "udp.max-mappings-per-host", "1");
	ask_granted(lab, ask_map(H1), AT_S(0));
	t = ask(lab, ask_map(ep_port(H1, 5001)), AT_S(0));
	assert_int_equal(t.result, USER_EX_QUOTA);
	assert_int_equal(t.lifetime, 30);
	assert_int_equal(ask(lab, ask_map(H2), AT_S(0)).result, SUCCESS);
}

static void test_rfc6887_res_host_without_a_block_is_not_authorized(void **state)
{
	struct lab *lab = *state;

	lab_set(lab, "nat.internal", "192.168.1.2-192.168.1.3");
	lab_set(lab, "nat.blocks", "deterministic");
	assert_int_equal(ask(lab, ask_map(H1), AT_S(0)).result, SUCCESS);
	assert_int_equal(ask(lab, ask_map(ep("192.168.1.4:5000")), AT_S(0)).result, NOT_AUTHORIZED);
}

/* --- the mapping ---------------------------------------------------------------------------- */

static void test_rfc6887_eim_port_of_the_flow_that_is_there_is_kept(void **state)
{
	struct lab *lab = *state;
	struct endpoint external = lab_open(lab, NAT_UDP, H1, Y1, AT_S(0));

	assert_same_endpoint(ask_granted(lab, ask_map(H1), AT_S(1)), external);
	assert_true(lab_comes_in(lab, NAT_UDP, Y2, external, H1, AT_S(3600)));
}

/* --- epoch ---------------------------------------------------------------------------------- */

static uint32_t epoch_at(struct lab *lab, struct mono now)
{
	return ask(lab, (struct ask){ .version = 2, .internal = H2 }, now).epoch;
}

static void test_rfc6887_epoch_counts_from_the_start(void **state)
{
	struct lab *lab = *state;

	pcp_start(&lab->nat, AT_S(1000));
	assert_int_equal(epoch_at(lab, AT_S(1000)), 0);
	assert_int_equal(epoch_at(lab, AT_MS(1000999)), 0);
	assert_int_equal(epoch_at(lab, AT_S(1001)), 1);
	assert_int_equal(epoch_at(lab, AT_S(101000)), 100000);
	pcp_start(&lab->nat, AT_S(101000));
	assert_int_equal(epoch_at(lab, AT_S(101005)), 5);
}

/* An error tells it too: whoever hears it may have to renew. */
static void test_rfc6887_epoch_is_in_errors(void **state)
{
	struct lab *lab = *state;
	struct ask a = ask_map(H1);

	a.version = 3;
	assert_int_equal(ask(lab, a, AT_S(77)).epoch, 77);
}

static void test_rfc6887_epoch_goes_on_over_expiry_and_deletion(void **state)
{
	struct lab *lab = *state;
	struct ask a = ask_map(H1);

	ask_granted(lab, a, AT_S(0));
	a.lifetime = 0;
	ask(lab, a, AT_S(10));
	assert_int_equal(epoch_at(lab, AT_S(20)), 20);
	ask_granted(lab, ask_map(H1), AT_S(100));
	nat_tick(&lab->nat, AT_S(3700), 100);
	assert_int_equal(lab->nat.mappings.arena.live, 0);
	assert_int_equal(epoch_at(lab, AT_S(3700)), 3700);
	ask_granted(lab, ask_map(H1), AT_S(4000));
	assert_int_equal(epoch_at(lab, AT_S(7600)), 7600);
	assert_int_equal(ask(lab, ask_map(H1), AT_S(7600)).epoch, 7600); /* found to be over */
}

/* From the flush on, not from the packet that was the last before it. */
static void test_rfc6887_epoch_restarts_when_a_lease_is_flushed(void **state)
{
	const struct nat_selection all = { .mapping = NAT_NONE, .protocol = NAT_PROTOCOLS };
	struct lab *lab = *state;

	lab_open(lab, NAT_UDP, H1, Y1, AT_S(10));
	nat_flush(&lab->nat, &all, AT_S(100));
	assert_int_equal(epoch_at(lab, AT_S(100)), 100); /* it was nobody's by request */
	ask_granted(lab, ask_map(H1), AT_S(100));
	nat_flush(&lab->nat, &all, AT_S(500));
	assert_int_equal(epoch_at(lab, AT_S(501)), 1);
}

static void test_rfc6887_epoch_restarts_when_the_address_is_gone(void **state)
{
	struct lab *lab = *state;

	ask_granted(lab, ask_map(H1), AT_S(100));
	nat_tick(&lab->nat, AT_S(500), 0);
	lab_set(lab, "nat.external", "203.0.113.2");
	assert_int_equal(epoch_at(lab, AT_S(501)), 1);
	assert_endpoint(ep_port(ask_granted(lab, ask_map(H1), AT_S(501)), 0), "203.0.113.2:0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		lab_test(test_rfc6887_hdr_what_is_too_short_is_met_with_silence),
		lab_test(test_rfc6887_hdr_an_answer_is_met_with_silence),
		lab_test(test_rfc6887_hdr_our_own_addresses_are_met_with_silence),
		lab_test(test_requests_are_counted_by_what_became_of_them),
		lab_test(test_rfc6887_hdr_every_length),
		lab_test(test_rfc6887_hdr_announce_of_every_length),
		lab_test(test_rfc6887_hdr_longest_message_is_served),
		lab_test(test_rfc6887_hdr_unknown_opcodes_are_named_so),
		lab_test(test_rfc6887_ver_others_are_answered_with_ours),
		lab_test(test_rfc6887_ver_nat_pmp_hears_that_it_is_not_spoken),
		lab_test(test_rfc6887_addr_another_than_the_senders_is_a_mismatch),
		lab_test(test_announce_is_answered_by_a_header),
		lab_test(test_answer_to_map_byte_by_byte),
		lab_test(test_option_that_was_obeyed_is_in_the_answer),
		lab_test(test_rfc6887_res_other_protocols_are_named_so),
		lab_test(test_rfc6887_res_all_ports_are_not_to_be_had),
		lab_test(test_both_protocols_are_served),
		lab_test(test_rfc6887_opt_unknown_ones),
		lab_test(test_rfc6887_opt_prefer_failure_is_for_map_and_has_no_data_and_comes_once),
		lab_test(test_rfc6887_opt_length_past_the_end_is_malformed),
		lab_test(test_rfc6887_opt_padding_may_end_the_message),
		lab_test(test_suggested_endpoint_is_given_if_it_can_be),
		lab_test(test_suggestion_of_what_is_anothers_gets_something_else),
		lab_test(test_rfc6887_res_prefer_failure_gets_that_or_nothing),
		lab_test(test_rfc6887_life_is_between_its_bounds),
		lab_test(test_rfc6887_life_bounds_are_knobs),
		lab_test(test_rfc6887_life_is_told_rounded_down),
		lab_test(test_rfc6887_life_of_zero_deletes),
		lab_test(test_rfc6887_nonce_must_be_that_of_the_mapping),
		lab_test(test_rfc6887_res_no_resources),
		lab_test(test_rfc6887_res_quota),
		lab_test(test_rfc6887_res_host_without_a_block_is_not_authorized),
		lab_test(test_rfc6887_eim_port_of_the_flow_that_is_there_is_kept),
		lab_test(test_rfc6887_epoch_counts_from_the_start),
		lab_test(test_rfc6887_epoch_is_in_errors),
		lab_test(test_rfc6887_epoch_goes_on_over_expiry_and_deletion),
		lab_test(test_rfc6887_epoch_restarts_when_a_lease_is_flushed),
		lab_test(test_rfc6887_epoch_restarts_when_the_address_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
