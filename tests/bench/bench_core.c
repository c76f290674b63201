/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench_core.c - the core alone: nanoseconds per packet
 * No kernel, no queue: what is left of a packet's time when everything around the NAT is free.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "nat/core/prefetch.h"
#include "nat/core/presets.h"
#include "nat/core/steps.h"

enum { PACKET = 64, UDP = 20, PAYLOAD = 28 };
enum { BATCH = 32 * PREFETCH_MAX }; /* packets made at a time */

/* Ports for four million mappings. */
#define POOL "203.0.113.1-203.0.113.80"

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void die(const char *what)
{
	fprintf(stderr, "bench_core: %s\n", what);
	exit(1);
}

/* One figure. */
static void say(const char *what, double value)
{
	printf("%s %.1f\n", what, value);
}

static void set(struct options *o, const char *key, const char *value)
{
	char why[256];

	if (presets_set(o, key, value, why, sizeof(why)) != 0)
		die(why);
}

static void open_nat(struct nat *nat, uint32_t records, const char *external)
{
	struct siphash_key key;
	struct options o;
	char number[16];

	options_init(&o);
	snprintf(number, sizeof(number), "%u", records);
	set(&o, "nat.external", external);
	set(&o, "nat.max-mappings", number);
	set(&o, "nat.max-sessions", number);
	set(&o, "nat.pooling", "soft-paired");
	if (rng_key(1, &key) != 0 || nat_init(nat, &o, &key) != 0)
		die("no memory");
}

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* A UDP packet of 64 bytes; checksums are updated by difference, so they need not be right. */
static void make_packet(uint8_t *at, const struct endpoint *src, const struct endpoint *dst)
{
	static const uint8_t start[UDP + 8] = { 0x45, 0, 0, PACKET, 0, 1,  0x40, 0, 64, 17,
						1,    1, 0, 0,	    0, 0,  0,	 0, 0,	0,
						0,    0, 0, 0,	    0, 44, 1,	 1 };

	memcpy(at, start, sizeof(start));
	memcpy(at + 12, src->addr.b + 12, 4);
	memcpy(at + 16, dst->addr.b + 12, 4);
	put16(at + UDP, src->port);
	put16(at + UDP + 2, dst->port);
	memset(at + PAYLOAD, 7, PACKET - PAYLOAD);
}

/* Internal endpoint number @i: 50000 ports a host. */
static struct endpoint host(uint32_t i)
{
	return (struct endpoint){ .addr = addr_from_ip4(0x0a000002 + i / 50000),
				  .port = (uint16_t)(10000 + i % 50000) };
}

static const struct endpoint *server(void)
{
	static struct endpoint e;

	e = (struct endpoint){ .addr = addr_from_ip4(0xc6336401), .port = 53 };
	return &e;
}

static struct nat_outcome send(struct nat *nat, uint8_t *at, enum nat_side from, int64_t ms)
{
	struct packet pkt;

	packet_init(&pkt, at, PACKET, PACKET, false);
	return nat_process(nat, &pkt, from, (struct mono){ .ms = ms });
}

static void open_sessions(struct nat *nat, uint32_t count)
{
	uint8_t at[PACKET];

	for (uint32_t i = 0; i < count; i++) {
		struct endpoint h = host(i);

		make_packet(at, &h, server());
		if (send(nat, at, NAT_INTERNAL, 0).verdict != NAT_REWRITTEN)
			die("a session was refused");
	}
}

/* --- packets of known sessions -------------------------------------------------------------- */

/* As the daemon does it: what a batch will touch is fetched first. */
static __attribute__((noinline)) uint32_t serve(struct nat *nat, uint8_t packets[][PACKET],
						uint32_t count, enum nat_side from)
{
	struct prefetch_packet coming[PREFETCH_MAX];
	struct packet views[PREFETCH_MAX];
	struct prefetch prefetch;
	uint32_t good = 0;

	for (uint32_t i = 0; i < count; i++) {
		packet_init(&views[i], packets[i], PACKET, PACKET, false);
		coming[i] = (struct prefetch_packet){ &views[i], from };
	}
	prefetch_start(&prefetch, nat, coming, count);
	for (uint32_t i = 0; i < count; i++) {
		prefetch_advance(&prefetch);
		good += nat_process(nat, &views[i], from, (struct mono){ .ms = 1 }).reason ==
			REASON_TRANSLATED;
	}
	return good;
}

/* Packets are made first and then timed, so that making them is not measured. */
static uint64_t time_known(struct nat *nat, uint32_t sessions, enum nat_side from, uint32_t rounds)
{
	static uint8_t packets[BATCH][PACKET];
	struct siphash_key key;
	struct rng rng;
	uint64_t spent = 0;

	if (rng_key(2, &key) != 0)
		die("no key");
	rng_init(&rng, &key);
	for (uint32_t round = 0; round < rounds; round++) {
		uint64_t start;
		uint32_t good = 0;

		for (uint32_t i = 0; i < BATCH; i++) {
			uint32_t n = rng_below(&rng, sessions);
			struct endpoint internal = host(n);

			if (from == NAT_INTERNAL)
				make_packet(packets[i], &internal, server());
			else
				make_packet(packets[i], server(),
					    &mapping_at(&nat->mappings, n)->external);
		}
		start = now_ns();
		for (uint32_t i = 0; i < BATCH; i += PREFETCH_MAX)
			good += serve(nat, packets + i, PREFETCH_MAX, from);
		spent += now_ns() - start;
		if (good != BATCH)
			die("a known session was not known");
	}
	return spent;
}

static void bench_known(uint32_t sessions, uint32_t packets)
{
	static const enum nat_side sides[] = { NAT_INTERNAL, NAT_EXTERNAL };
	static const char *const names[] = { "outbound_ns", "inbound_ns" };
	uint32_t rounds = packets / BATCH + 1;
	struct nat nat;

	open_nat(&nat, sessions, POOL);
	open_sessions(&nat, sessions);
	for (int s = 0; s < 2; s++) {
		time_known(&nat, sessions, sides[s], rounds / 10 + 1); /* warm up */
		say(names[s], (double)time_known(&nat, sessions, sides[s], rounds) /
				      ((double)rounds * BATCH));
	}
	nat_fini(&nat);
}

/* --- new mappings --------------------------------------------------------------------------- */

/* New mappings where @taken of 64512 ports are taken; each is ended again, which is not timed. */
static void bench_new(uint32_t taken)
{
	enum { WARM_UP = 20000, COUNT = 20000, FREE_AT_LEAST = 50 };
	uint8_t at[PACKET];
	uint64_t spent = 0;
	struct nat nat;

	if (taken > 64512 - FREE_AT_LEAST)
		die("so many ports cannot be taken");
	open_nat(&nat, 65536, "203.0.113.1");
	open_sessions(&nat, taken);
	for (uint32_t i = 0; i < WARM_UP + COUNT; i++) {
		struct endpoint h = host(100000 + i);
		struct nat_outcome outcome;
		uint64_t start;

		make_packet(at, &h, server());
		start = now_ns();
		outcome = send(&nat, at, NAT_INTERNAL, 1);
		if (i >= WARM_UP)
			spent += now_ns() - start;
		if (outcome.reason != REASON_MAPPING_CREATED)
			die("no mapping was made");
		if (i % FREE_AT_LEAST == FREE_AT_LEAST - 1) {
			struct nat_outcome last = outcome;

			/* those of this round go again: they are the last ones in the list */
			for (uint32_t k = 0; k < FREE_AT_LEAST; k++) {
				uint32_t before =
					session_at(&nat.sessions, last.session)->expiry_previous;

				lifetime_remove_session(&nat, last.session);
				last.session = before;
			}
		}
	}
	say("mapping_ns", (double)spent / COUNT);
	nat_fini(&nat);
}

/* --- the end of sessions -------------------------------------------------------------------- */

static void bench_expiry(uint32_t sessions)
{
	enum { PER_WAKE = 1000 }; /* as many as the daemon lets end before it looks at packets */
	uint64_t all = 0, longest = 0;
	struct nat nat;

	open_nat(&nat, sessions, POOL);
	open_sessions(&nat, sessions);
	while (nat.sessions.arena.live > 0) {
		uint64_t start = now_ns(), spent;

		nat_tick(&nat, (struct mono){ .ms = 300000 }, PER_WAKE);
		spent = now_ns() - start;
		all += spent;
		longest = spent > longest ? spent : longest;
	}
	say("session_ns", (double)all / sessions);
	say("longest_wake_ns", (double)longest);
	if (nat.mappings.arena.live != 0)
		die("something outlived its time");
	nat_fini(&nat);
}

/* --- memory --------------------------------------------------------------------------------- */

static unsigned long resident_bytes(void)
{
	FILE *statm = fopen("/proc/self/statm", "re");
	unsigned long pages;

	if (statm == NULL || fscanf(statm, "%*u %lu", &pages) != 1)
		die("/proc/self/statm cannot be read");
	fclose(statm);
	return pages * (unsigned long)sysconf(_SC_PAGESIZE);
}

/* Each session with a mapping of its own, the tables as large as they must be. */
static void bench_memory(uint32_t sessions)
{
	unsigned long before, start;
	struct nat nat;

	before = resident_bytes();
	open_nat(&nat, sessions, POOL);
	start = resident_bytes();
	open_sessions(&nat, sessions);
	say("start_bytes", (double)(start - before));
	say("session_bytes", (double)(resident_bytes() - start) / sessions);
	nat_fini(&nat);
}

static uint32_t number(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*end != '\0' || n < 1 || n > 4 * 1000 * 1000)
		die("a number from 1 to 4000000 is wanted");
	return (uint32_t)n;
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "known") == 0)
		bench_known(number(argv[2]), number(argv[3]));
	else if (argc == 3 && strcmp(argv[1], "new") == 0)
		bench_new(number(argv[2]));
	else if (argc == 3 && strcmp(argv[1], "expiry") == 0)
		bench_expiry(number(argv[2]));
	else if (argc == 3 && strcmp(argv[1], "memory") == 0)
		bench_memory(number(argv[2]));
	else {
		fprintf(stderr,
			"usage: bench_core known SESSIONS PACKETS | new PORTS-TAKEN |\n"
			"                  expiry SESSIONS | memory SESSIONS\n"
			"one measurement, a figure a line; core.py makes a table of many\n");
		return 2;
	}
	return 0;
}
