/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_pcp.c - a stream of PCP requests, packets and time
 *
 * Input: three bytes that choose the knobs, then records of
 *	flags | time step | pick | length | that many bytes
 * The bytes are a datagram from one of a few hosts. By the flags they are put behind a header, or a MAP
 * request, that is right but for what the bytes of the pick say; or a packet goes out or comes in.
 * After each all that the headers promise is checked, and what an answer must look like.
 */
#include "nat/core/pcp.h"
#include "nat/core/presets.h"
/* The walk is no code to be covered, and it takes most of the time. */
#pragma clang attribute push(__attribute__((no_sanitize("coverage"))), apply_to = function)
#include "tests/unit/invariants.h"
#pragma clang attribute pop
#include "tests/fuzz/input.h"
#include "tests/unit/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	MAP_FIRST = 1,	  /* the bytes follow a MAP request that is right */
	HEADER_FIRST = 2, /* the bytes follow a header that is right */
	TCP = 4,
	KNOWN_PORT = 8, /* what is suggested is somebody's */
	PACKET = 16,	/* no datagram: a packet out, or in to somebody's endpoint */
	INBOUND = 32,
	TICK = 64,
	CONFIGURE = 128,
};

enum { HEADER = 24, MAP = 60 };

static void set(struct options *o, const char *key, const char *value)
{
	struct options wanted = *o;
	char why[1024];

	if (presets_set(&wanted, key, value, why, sizeof(why)) != 0)
		broken(why);
	if (options_check(&wanted, why, sizeof(why)) == 0)
		*o = wanted;
}

/* --- knobs ---------------------------------------------------------------------------------- */

/* What decides who gets which mapping, one knob at a time. */
static void choose(struct options *o, uint8_t choice)
{
	static const char *const knobs[][2] = {
		{ "udp.mapping", "eim" },
		{ "udp.mapping", "apdm" },
		{ "udp.filtering", "eif" },
		{ "udp.filtering", "apdf" },
		{ "tcp.filtering", "cdf" },
		{ "udp.port-range", "5000-5003" },
		{ "udp.port-range", "1024-65535" },
		{ "udp.ports", "preserve" },
		{ "udp.ports", "overload" },
		{ "tcp.ports", "contiguous" },
		{ "udp.port-overlap", "on" },
		{ "udp.port-overlap", "off" },
		{ "nat.protocol-scope", "shared" },
		{ "nat.protocol-scope", "per-protocol" },
		{ "nat.external", "203.0.113.1-203.0.113.2" },
		{ "nat.external", "203.0.113.2" },
		{ "nat.pooling", "arbitrary" },
		{ "nat.blocks", "dynamic" },
		{ "nat.blocks", "deterministic" },
		{ "nat.blocks", "off" },
		{ "nat.block-size", "4" },
		{ "nat.internal", "192.168.1.2-192.168.1.3" },
		{ "nat.forwards", "udp:5000-5001=192.168.1.2:5000" },
		{ "nat.forwards", "none" },
		{ "nat.one-to-one", "203.0.113.3=192.168.1.3" },
		{ "nat.dmz", "192.168.1.2" },
		{ "nat.max-mappings-per-host", "2" },
		{ "nat.max-mappings-per-host", "0" },
		{ "nat.new-mappings-per-second", "1" },
		{ "udp.port-reuse-delay", "120s" },
		{ "pcp.min-lifetime", "1s" },
		{ "pcp.max-lifetime", "10m" },
	};
	size_t n = choice % (sizeof(knobs) / sizeof(knobs[0]));

	set(o, knobs[n][0], knobs[n][1]);
}

/* --- requests ------------------------------------------------------------------------------- */

static struct endpoint host_of(uint8_t pick)
{
	struct endpoint host = ep("192.168.1.2:5000");

	host.addr.b[15] = (uint8_t)(2 + pick % 3);
	host.port = (uint16_t)(host.port + pick / 3 % 4);
	return host;
}

static struct endpoint some_external(const struct nat *nat, uint8_t pick)
{
	uint32_t used = nat->mappings.arena.used;

	if (used > 0 && arena_is_live(&nat->mappings.arena, pick % used))
		return mapping_at(&nat->mappings, pick % used)->external;
	return ep("203.0.113.1:5000");
}

static struct wire take_request(struct input *in, const struct nat *nat, uint8_t flags,
				uint8_t pick)
{
	static const uint32_t lifetimes[] = { 0, 0, 1, 120, 600, 3600, 86400, 4294967295 };
	size_t wanted = (size_t)take(in) * 5, length = wanted < in->left ? wanted : in->left;
	size_t before = flags & MAP_FIRST ? MAP : flags & HEADER_FIRST ? HEADER : 0;
	struct endpoint host = host_of(pick), external = some_external(nat, pick);
	struct wire w = wire_take(before + length);

	memcpy(w.at + before, in->at, length);
	in->at += length;
	in->left -= length;
	if (before == 0)
		return w;
	w.at[0] = 2;
	memcpy(w.at + 8, host.addr.b, 16);
	if (before == HEADER)
		return w;
	w.at[1] = 1;
	wire_put32(w.at + 4, lifetimes[pick >> 5]);
	w.at[24] = pick % 16 == 15; /* most have the same nonce */
	w.at[36] = flags & TCP ? 6 : 17;
	wire_put16(w.at + 40, host.port);
	if (flags & KNOWN_PORT) {
		wire_put16(w.at + 42, external.port);
		memcpy(w.at + 44, external.addr.b, 16);
	}
	return w;
}

/* --- what must hold ------------------------------------------------------------------------- */

static void check_tables(const struct nat *nat)
{
	const char *wrong = nat_invariants(nat);

	if (wrong != NULL)
		broken(wrong);
}

/* Is the mapping there that the answer speaks of, as long as it says? */
static void check_granted(const struct nat *nat, const struct endpoint *host, const uint8_t *answer,
			  struct mono now)
{
	enum nat_protocol protocol = answer[36] == 17 ? NAT_UDP : NAT_TCP;
	const struct endpoint nowhere = { 0 }, internal = { host->addr, wire_get16(answer + 40) };
	uint32_t n = mapping_find_internal(&nat->mappings, protocol, &internal, &nowhere);
	struct endpoint external = { .port = wire_get16(answer + 42) };
	int64_t left;

	memcpy(external.addr.b, answer + 44, 16);
	if (n == NAT_NONE || !mapping_at(&nat->mappings, n)->leased)
		broken("granted, but there is no lease");
	if (!endpoint_equal(&mapping_at(&nat->mappings, n)->external, &external))
		broken("granted another endpoint than told");
	if (!nat_is_external(nat, &external.addr))
		broken("granted an endpoint that is not ours");
	left = lease_at(&nat->leases, n)->end.ms - now.ms;
	if (left / 1000 != wire_get32(answer + 4))
		broken("granted for another time than told");
}

static void check_answer(const struct nat *nat, const struct endpoint *host, struct wire request,
			 const uint8_t *answer, size_t length, struct mono now)
{
	if (length == 0) {
		if (request.len >= 2 && !(request.at[1] & 0x80) &&
		    !nat_is_external(nat, &host->addr))
			broken("silence");
		return;
	}
	if (length < HEADER || length > PCP_MAX || length % 4 != 0)
		broken("length of an answer");
	if (answer[0] != 2 || answer[1] != (request.at[1] | 0x80) || answer[2] != 0)
		broken("header of an answer");
	if (answer[3] > 12)
		broken("no such result");
	if (answer[3] != 0 && wire_get32(answer + 4) == 0)
		broken("an error for no time");
	if (answer[3] == 0 && (answer[1] & 0x7f) == 1 && wire_get32(answer + 4) != 0)
		check_granted(nat, host, answer, now);
}

static void send_request(struct nat *nat, struct input *in, uint8_t flags, uint8_t pick,
			 struct mono now)
{
	struct wire w = take_request(in, nat, flags, pick), before = wire_copy(w);
	struct endpoint host = host_of(pick);
	struct wire answer = wire_take(PCP_MAX);
	size_t length = pcp_answer(nat, &host.addr, w.at, w.len, answer.at, now);

	if (!wire_same(before, w))
		broken("the request changed");
	check_answer(nat, &host, w, answer.at, length, now);
}

static void drain(struct nat *nat)
{
	struct nat_release release;

	while (nat_next_release(nat, &release))
		;
	while (nat_next_output(nat) != NULL)
		;
}

static void send_packet(struct nat *nat, struct input *in, uint8_t flags, uint8_t pick,
			struct mono now)
{
	struct endpoint remote = ep("203.0.113.10:7000"), host = host_of(pick);
	struct endpoint from = flags & INBOUND ? remote : host;
	struct endpoint to = flags & INBOUND ? some_external(nat, pick) : remote;
	struct packet pkt;
	struct wire w;

	if (!(flags & INBOUND) && (flags & KNOWN_PORT))
		to = some_external(nat, take(in)); /* to another host */
	w = flags & TCP ? wire_tcp(from, to, pick >> 6 == 0 ? WIRE_SYN : take(in) & 0x3f)
			: wire_udp(from, to);
	packet_init(&pkt, w.at, w.len, w.len, false);
	nat_process(nat, &pkt, flags & INBOUND ? NAT_EXTERNAL : NAT_INTERNAL, now);
}

static void run_record(struct nat *nat, struct options *o, struct input *in, struct mono *now)
{
	uint8_t flags = take(in), step = take(in), pick = take(in);

	now->ms += (int64_t)step * step * 20; /* up to 20 minutes */
	if (flags & CONFIGURE) {
		choose(o, take(in));
		if (nat_configure(nat, o) != 0)
			broken("nat_configure()");
		check_tables(nat);
	}
	if (flags & TICK) {
		nat_tick(nat, *now, pick & 7);
		check_tables(nat);
	}
	if (flags & PACKET)
		send_packet(nat, in, flags, pick, *now);
	else
		send_request(nat, in, flags, pick, *now);
	drain(nat);
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
	set(&o, "nat.external", "203.0.113.1");
	set(&o, "nat.max-mappings", "12");
	set(&o, "nat.max-sessions", "16");
	set(&o, "nat.max-resting-ports", "32");
	for (int i = 0; i < 3; i++)
		choose(&o, take(&in));
	if (rng_key(1, &key) != 0 || nat_init(&nat, &o, &key) != 0)
		broken("nat_init()");
	pcp_start(&nat, now);
	while (in.left >= 4)
		run_record(&nat, &o, &in, &now);
	for (int i = 0; i < 100 && (i == 0 || nat.mappings.arena.live != 0); i++) {
		nat_tick(&nat, (struct mono){ .ms = INT64_MAX - 1 }, UINT32_MAX);
		drain(&nat);
	}
	if (nat.leases.count != 0 || nat.mappings.arena.live != 0 || nat.hosts.arena.live != 0)
		broken("something outlives the end of time");
	nat_fini(&nat);
	return 0;
}
