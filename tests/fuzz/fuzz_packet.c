/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_packet.c - a stream of packets, time and changed knobs through the one door
 *
 * Input: three bytes that choose the knobs, then records of
 *	flags | time step | pick | length | that many bytes of packet
 * A part of the packets is made likely by the flags: addresses and ports of the table, lengths
 * and checksums that are right. With CONFIGURE, three bytes more change any knob that there is.
 * After each packet all that the headers promise is checked, and what the NAT says by itself.
 */
#include "nat/core/nat.h"
#include "nat/core/presets.h"
/* The walk is no code to be covered, and it takes most of the time. */
#pragma clang attribute push(__attribute__((no_sanitize("coverage"))), apply_to = function)
#include "tests/unit/invariants.h"
#pragma clang attribute pop
#include "tests/fuzz/input.h"
#include "tests/unit/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	FROM_EXTERNAL = 1,
	LIKELY = 2, /* put endpoints into the packet that the table may know */
	FIX_SUMS = 4,
	PARTIAL = 8,
	TICK = 16,
	CONFIGURE = 32,
	CUT = 64,	 /* the kernel kept back a part */
	FIX_QUOTE = 128, /* LIKELY for the packet that an ICMP error quotes */
};

static void set(struct options *o, const char *key, const char *value)
{
	char why[256];

	if (presets_set(o, key, value, why, sizeof(why)) != 0)
		broken(why);
}

/* --- knobs ---------------------------------------------------------------------------------- */

static void choose_behaviors(struct options *o, uint8_t choice)
{
	static const char *const mapping[] = { "eim", "adm", "apdm" };
	static const char *const filtering[] = { "apdf", "adf", "eif" };
	static const char *const refresh[] = { "outbound", "inbound", "both" };
	static const char *const protocols[] = { "udp", "tcp", "icmp" };

	for (int i = 0; i < 3; i++) {
		char key[32];

		snprintf(key, sizeof(key), "%s.mapping", protocols[i]);
		set(o, key, mapping[choice % 3]);
		snprintf(key, sizeof(key), "%s.filtering", protocols[i]);
		set(o, key, filtering[choice / 3 % 3]);
	}
	set(o, "udp.refresh", refresh[choice / 9 % 3]);
}

static void choose_ports(struct options *o, uint8_t choice)
{
	static const char *const ports[] = { "random", "preserve", "sequential" };
	static const char *const pooling[] = { "paired", "soft-paired", "arbitrary" };
	static const char *const external[] = { "203.0.113.1", "203.0.113.1-203.0.113.2",
						"203.0.113.2" };

	set(o, "udp.ports", ports[choice % 3]);
	set(o, "tcp.ports", ports[choice / 3 % 3]);
	set(o, "icmp.ports", ports[choice % 3]);
	set(o, "nat.pooling", pooling[choice / 9 % 3]);
	set(o, "nat.external", external[choice / 27 % 3]);
	set(o, "udp.port-range", choice & 128 ? "1024-1031" : "5000-5100");
	set(o, "tcp.port-range", choice & 128 ? "1024-1031" : "5000-5100");
	set(o, "nat.max-resting-ports", "32");
}

/* Values worth trying for knobs of each type but choices. */
static const char *likely_value(enum option_type type, uint8_t pick)
{
	static const char *const values[][4] = {
		[OPTION_ADDRESSES] = { "203.0.113.1", "203.0.113.2", "203.0.113.1-203.0.113.3",
				       "203.0.113.1" },
		[OPTION_NUMBER] = { "0", "1", "2", "40" },
		[OPTION_DURATION] = { "0s", "2s", "6s", "300s" },
		[OPTION_PORT_RANGE] = { "1-65535", "1024-1027", "5000-5100", "1-1100" },
		[OPTION_PORT_LIST] = { "none", "5001", "22,5000-5002", "5100" },
		[OPTION_FORWARDS] = { "none", "udp:5000=192.168.1.3:5001",
				      "tcp:5000-5003=192.168.1.2:5000",
				      "udp:203.0.113.2:7=192.168.1.2:5000,tcp:5001=192.168.1.3:9" },
		[OPTION_PAIRS] = { "none", "203.0.113.2=192.168.1.3", "203.0.113.9=192.168.1.2",
				   "203.0.113.1=192.168.1.2" },
		[OPTION_ADDRESS] = { "none", "192.168.1.2", "192.168.1.3", "none" },
		[OPTION_ADDRESS_RANGE] = { "192.168.1.0/24", "192.168.1.2-192.168.1.3",
					   "10.0.0.0/16", "192.168.1.0/30" },
		[OPTION_REMOTES] = { "none", "203.0.113.11", "203.0.113.10:7000",
				     "198.51.100.0/24:53" },
		[OPTION_PORT_TIMERS] = { "none", "7000=10s", "7001=1s,7000=600s", "53=2s" },
		[OPTION_PROTOCOLS] = { "none", "gre", "gre,esp,sctp", "0" },
	};

	if ((size_t)type >= sizeof(values) / sizeof(values[0]) || values[type][0] == NULL)
		return NULL;
	return values[type][pick % 4];
}

/* Any knob to any value that is allowed and contradicts no other. */
static void choose_any(struct options *o, uint8_t knob, uint8_t pick)
{
	const struct option_spec *spec = option_spec((enum option_id)(knob % OPTION_COUNT));
	const char *value = likely_value(spec->type, pick);
	struct options wanted = *o;
	char why[1024];
	unsigned int count = 0;

	/* A table as large as any would take a second to look through. */
	if (strncmp(spec->key, "nat.max-", 8) == 0 || spec->type == OPTION_SEED)
		return;
	if (spec->type == OPTION_CHOICE) {
		while (spec->values[count].name != NULL)
			count++;
		value = spec->values[pick % count].name;
	}
	if (value != NULL && options_set(&wanted, spec->key, value, why, sizeof(why)) == 0 &&
	    options_check(&wanted, why, sizeof(why)) == 0)
		*o = wanted;
}

static void choose_limits(struct options *o, uint8_t choice)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", 1 + choice % 16);
	set(o, "nat.max-mappings", number);
	snprintf(number, sizeof(number), "%d", 1 + choice % 16 + choice / 16);
	set(o, "nat.max-sessions", number);
}

/* --- packets -------------------------------------------------------------------------------- */

static struct endpoint some_external(const struct nat *nat, uint8_t pick)
{
	uint32_t used = nat->mappings.arena.used;

	if (used > 0 && arena_is_live(&nat->mappings.arena, pick % used))
		return mapping_at(&nat->mappings, pick % used)->external;
	return ep("203.0.113.1:5000");
}

static void put_endpoint(struct wire w, size_t address, size_t port, struct endpoint e)
{
	size_t header = wire_header(w);

	wire_put32(w.at + address, addr_ip4(&e.addr));
	if (w.at[9] == 1)
		port = 4;
	if (header >= 20 && w.len >= header + port + 2 && (w.at[9] != 1 || wire_is_query(w)))
		wire_put16(w.at + header + port, e.port);
}

/* Let @w go between an internal (or external) endpoint of the table and a remote one. */
static void make_likely(const struct nat *nat, struct wire w, bool to_us, bool ours_internal,
			uint8_t pick)
{
	struct endpoint host = ep("192.168.1.2:5000"), remote = ep("203.0.113.10:7000");

	if (w.len < 28)
		return;
	w.at[0] = (uint8_t)(0x40 | (w.at[0] & 15));
	if (pick & 64) /* else it stays a fragment if it is one */
		wire_put16(w.at + 6, 0x4000);
	host.addr.b[15] = (uint8_t)(2 + (pick & 3));
	host.port = (uint16_t)(host.port + (pick >> 2 & 3));
	remote.addr.b[15] = (uint8_t)(10 + (pick >> 4 & 1));
	remote.port = (uint16_t)(remote.port + (pick >> 5 & 1));
	if (!ours_internal)
		host = some_external(nat, pick);
	/* The identifier of a query is one for both ends: ours goes in last. */
	put_endpoint(w, to_us ? 12 : 16, to_us ? 0 : 2, remote);
	put_endpoint(w, to_us ? 16 : 12, to_us ? 2 : 0, host);
}

static void fix_lengths_and_sums(struct wire w)
{
	size_t header;

	if (w.len < 20)
		return;
	header = wire_header(w);
	if (header < 20 || header > w.len)
		return;
	wire_put16(w.at + 2, (unsigned int)w.len);
	if (w.at[9] == 17 && w.len >= header + 8)
		wire_put16(w.at + header + 4, (unsigned int)(w.len - header));
	if (w.at[9] == 6 && w.len >= header + 20 && w.at[header + 12] >> 4 < 5)
		w.at[header + 12] = 0x50;
	wire_fix(w);
}

static bool quotes(struct wire w)
{
	return w.len >= 28 && wire_header(w) >= 20 && w.len > wire_header(w) + 8 && w.at[9] == 1 &&
	       !wire_is_query(w);
}

static struct wire take_packet(struct input *in, const struct nat *nat, uint8_t flags, uint8_t pick)
{
	size_t len = take(in);
	struct wire w = wire_take(len < in->left ? len : in->left);
	bool inbound = flags & FROM_EXTERNAL;

	memcpy(w.at, in->at, w.len);
	in->at += w.len;
	in->left -= w.len;
	if (flags & LIKELY)
		make_likely(nat, w, inbound, !inbound, pick);
	if ((flags & FIX_QUOTE) && quotes(w)) {
		struct wire quote = { w.at + wire_header(w) + 8, w.len - wire_header(w) - 8 };

		/* the quoted packet ran the other way */
		make_likely(nat, quote, !inbound, !inbound, pick);
		if (quote.len >= 20 && wire_header(quote) >= 20 &&
		    wire_header(quote) <= quote.len) {
			wire_put16(quote.at + 10, 0);
			wire_put16(quote.at + 10,
				   (uint16_t)~wire_sum(0, quote.at, wire_header(quote)));
		}
	}
	if (flags & FIX_SUMS)
		fix_lengths_and_sums(w);
	return w;
}

/* --- what must hold ------------------------------------------------------------------------- */

static bool is_external(const struct nat *nat, uint32_t ip4)
{
	struct addr a = addr_from_ip4(ip4);

	return nat_is_external(nat, &a);
}

/* The transport header is there, and its checksum covers nothing but this packet. */
static bool is_whole(struct wire w)
{
	return (wire_get16(w.at + 6) & 0x3fff) == 0;
}

/* Each checksum as far from right as it was; UDP's 0 stays 0, and no other becomes 0. */
static void check_sums(struct wire before, struct wire after)
{
	bool none = before.at[9] == 17 && wire_get16(wire_check(before)) == 0;

	if (wire_ip_error(before) != wire_ip_error(after))
		broken("IP checksum");
	if (before.at[9] == 17 && none != (wire_get16(wire_check(after)) == 0))
		broken("UDP checksum 0");
	if (!none && wire_transport_error(before) != wire_transport_error(after))
		broken("transport checksum");
}

/* From inside to one of our own addresses: both ends may change. */
static void check_hairpin(const struct nat *nat, struct wire after)
{
	if (is_external(nat, wire_get32(after.at + 16)))
		broken("hairpinned to an external address");
	if (nat->options.hairpin == HAIRPIN_EXTERNAL_SOURCE &&
	    !is_external(nat, wire_get32(after.at + 12)))
		broken("hairpinned from an internal address");
}

static void check_addresses(const struct nat *nat, struct wire before, struct wire after,
			    bool outbound)
{
	if (outbound && is_external(nat, wire_get32(before.at + 16))) {
		check_hairpin(nat, after);
		return;
	}
	if (outbound && !is_external(nat, wire_get32(after.at + 12)))
		broken("internal source on the external side");
	if (outbound && wire_get32(before.at + 16) != wire_get32(after.at + 16))
		broken("outbound destination changed");
	/* An error of the system's own about a hairpinned packet comes from us. */
	if (!outbound && !quotes(before) && wire_get32(before.at + 12) != wire_get32(after.at + 12))
		broken("inbound source changed");
	if (outbound && is_whole(after) && quotes(after) &&
	    !is_external(nat, wire_get32(wire_quote(after).at + 16)))
		broken("internal address in a quote on the external side");
}

static void check_rewritten(const struct nat *nat, struct wire before, struct wire after,
			    bool outbound, bool partial)
{
	size_t total = wire_total(before);

	if (memcmp(before.at, after.at, 4) != 0 || memcmp(before.at + 6, after.at + 6, 4) != 0)
		broken("IP header changed");
	if (memcmp(before.at + 4, after.at + 4, 2) != 0 && !outbound)
		broken("ID of an inbound packet changed");
	if (memcmp(before.at + total, after.at + total, before.len - total) != 0)
		broken("padding changed");
	check_addresses(nat, before, after, outbound);
	if (wire_ip_error(before) != wire_ip_error(after))
		broken("IP checksum");
	if (!is_whole(before))
		return;
	if (!partial)
		check_sums(before, after);
	else if (wire_check_offset(before) != 0 && wire_transport_error(after) != 0)
		broken("partial checksum left open");
}

/* What was held, and what the NAT says by itself. */
static void drain(struct nat *nat)
{
	struct nat_release release;
	const struct output *output;

	while (nat_next_release(nat, &release)) {
		struct wire w = wire_take(release.length);

		memcpy(w.at, release.data, w.len);
		if (release.verdict == NAT_HELD || w.len < 20 || w.len < wire_header(w))
			broken("released something else");
	}
	while ((output = nat_next_output(nat)) != NULL) {
		struct wire w = wire_take(output->length);

		memcpy(w.at, output->data, w.len);
		if (wire_total(w) != w.len || wire_ip_error(w) != 0 || wire_transport_error(w) != 0)
			broken("a packet of our own is wrong");
		if (w.at[9] == 1 && is_external(nat, wire_get32(w.at + 16)))
			broken("an error to ourselves");
	}
}

static void send(struct nat *nat, struct wire w, uint8_t flags, struct mono now)
{
	enum nat_side from = flags & FROM_EXTERNAL ? NAT_EXTERNAL : NAT_INTERNAL;
	bool partial = flags & PARTIAL;
	struct wire before = wire_copy(w);
	uint64_t all_before = 0, all_after = 0;
	struct nat_outcome outcome;
	struct packet pkt;

	for (int i = 0; i < REASON_COUNT; i++)
		all_before += nat->counters[i];
	packet_init(&pkt, w.at, w.len, flags & CUT ? w.len + 1 : w.len, partial);
	outcome = nat_process(nat, &pkt, from, now);
	for (int i = 0; i < REASON_COUNT; i++)
		all_after += nat->counters[i];
	if (all_after != all_before + 1)
		broken("counted other than once");
	if (reason_spec(outcome.reason)->drop != (outcome.verdict == NAT_DROPPED))
		broken("reason and verdict differ");
	if (outcome.verdict == NAT_REWRITTEN)
		check_rewritten(nat, before, w, from == NAT_INTERNAL, partial);
	else if (!wire_same(before, w))
		broken("bytes of a packet that was not rewritten changed");
	drain(nat);
}

static void check_tables(const struct nat *nat)
{
	const char *wrong = nat_invariants(nat);

	if (wrong != NULL)
		broken(wrong);
}

static void run_record(struct nat *nat, struct options *o, struct input *in, struct mono *now)
{
	uint8_t flags = take(in), step = take(in), pick = take(in);
	char why[1024];

	now->ms += (int64_t)step * step * 20; /* up to 20 minutes */
	if (flags & CONFIGURE) {
		uint8_t knob = take(in), value = take(in);

		if (take(in) & 1) {
			choose_behaviors(o, pick);
			choose_ports(o, (uint8_t)(pick * 7 + step));
			choose_limits(o, (uint8_t)(pick * 3 + step));
		}
		choose_any(o, knob, value);
		if (options_check(o, why, sizeof(why)) != 0)
			return; /* those above may contradict what was chosen before */
		if (nat_configure(nat, o) != 0)
			broken("nat_configure()");
		check_tables(nat);
	}
	if (flags & TICK) {
		nat_tick(nat, *now, pick & 7);
		drain(nat);
		check_tables(nat);
	}
	send(nat, take_packet(in, nat, flags, pick), flags, *now);
	check_tables(nat);
	wire_free_all();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	struct siphash_key key;
	struct mono now = { 0 };
	struct options o;
	static struct nat nat;

	options_init(&o);
	choose_behaviors(&o, take(&in));
	choose_ports(&o, take(&in));
	choose_limits(&o, take(&in));
	if (rng_key(1, &key) != 0 || nat_init(&nat, &o, &key) != 0)
		broken("nat_init()");
	while (in.left >= 4)
		run_record(&nat, &o, &in, &now);
	/* Connections that end with a word take as many ticks as it takes to say it. */
	for (int i = 0; i < 100 && (i == 0 || nat.sessions.arena.live != 0); i++) {
		nat_tick(&nat, (struct mono){ .ms = INT64_MAX - 1 }, UINT32_MAX);
		drain(&nat);
	}
	if (nat.sessions.arena.live != 0 || nat.mappings.arena.live != 0 ||
	    nat.hosts.arena.live != 0 || nat.fragments.held_count != 0)
		broken("something outlives the end of time");
	nat_fini(&nat);
	return 0;
}
