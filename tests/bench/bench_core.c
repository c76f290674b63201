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

enum { PACKET = 64, IP = 20, UDP = 8, TCP = 20 }; /* bytes: the whole, and its headers */
enum { BATCH = 32 * PREFETCH_MAX };		  /* packets made at a time */

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

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value);
}

/* Packets of 64 bytes; checksums are updated by difference, so they need not be right. */
static void make_packet(uint8_t *at, uint8_t protocol, const struct endpoint *src,
			const struct endpoint *dst)
{
	const uint8_t start[12] = { 0x45, 0, 0, PACKET, 0, 1, 0x40, 0, 64, protocol, 1, 1 };

	memcpy(at, start, sizeof(start));
	memcpy(at + 12, src->addr.b + 12, 4);
	memcpy(at + 16, dst->addr.b + 12, 4);
	put16(at + IP, src->port);
	put16(at + IP + 2, dst->port);
	memset(at + IP + 4, 7, PACKET - IP - 4);
}

static void make_datagram(uint8_t *at, const struct endpoint *src, const struct endpoint *dst)
{
	make_packet(at, PACKET_UDP, src, dst);
	put16(at + IP + 4, PACKET - IP);
}

/* @sequence: of both directions */
static void make_segment(uint8_t *at, const struct endpoint *src, const struct endpoint *dst,
			 uint8_t flags, uint32_t sequence)
{
	make_packet(at, PACKET_TCP, src, dst);
	put32(at + IP + 4, sequence);
	put32(at + IP + 8, flags & PACKET_TCP_ACK ? sequence : 0);
	at[IP + 12] = TCP / 4 << 4;
	at[IP + 13] = flags;
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

/* The session of internal endpoint number @i, by its first packet. */
static struct nat_outcome open_session(struct nat *nat, uint32_t i)
{
	uint8_t at[PACKET];
	struct endpoint h = host(i);
	struct nat_outcome outcome;

	make_datagram(at, &h, server());
	outcome = send(nat, at, NAT_INTERNAL, 0);
	if (outcome.verdict != NAT_REWRITTEN)
		die("a session was refused");
	return outcome;
}

static void open_sessions(struct nat *nat, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		open_session(nat, i);
}

/* The same of TCP: SYN, SYN-ACK, ACK. */
static struct nat_outcome open_connection(struct nat *nat, uint32_t i)
{
	uint8_t at[PACKET];
	struct endpoint h = host(i);
	struct nat_outcome outcome;

	make_segment(at, &h, server(), PACKET_TCP_SYN, 0);
	outcome = send(nat, at, NAT_INTERNAL, 0);
	if (outcome.verdict != NAT_REWRITTEN)
		die("a connection was refused");
	make_segment(at, server(), &mapping_at(&nat->mappings, outcome.mapping)->external,
		     PACKET_TCP_SYN | PACKET_TCP_ACK, 0);
	send(nat, at, NAT_EXTERNAL, 0);
	make_segment(at, &h, server(), PACKET_TCP_ACK, 1);
	send(nat, at, NAT_INTERNAL, 0);
	if (session_tcp_state(&nat->sessions, outcome.session) != TCP_ESTABLISHED)
		die("a connection was not established");
	return outcome;
}

/* --- packets of known sessions -------------------------------------------------------------- */

/*
 * As the daemon does it: what a batch will touch is fetched first. Neither inlined nor cloned, so that
 * callgrind can be told to count what happens in here and nothing else.
 */
static __attribute__((noinline, noclone)) uint32_t serve(struct nat *nat, uint8_t packets[][PACKET],
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

struct known {
	struct nat nat;
	struct rng rng; /* in which order */
	bool tcp;
	uint32_t sessions;
	struct endpoint *externals; /* owned; of each session, on huge pages as the tables are */
	uint64_t served;	    /* packets that serve() has seen */
};

static void known_open(struct known *k, uint32_t sessions, bool tcp)
{
	struct siphash_key key;

	*k = (struct known){ .sessions = sessions, .tcp = tcp };
	if (rng_key(2, &key) != 0)
		die("no key");
	rng_init(&k->rng, &key);
	k->externals = block_open(sessions * sizeof(*k->externals));
	if (k->externals == NULL)
		die("no memory");
	open_nat(&k->nat, sessions, POOL);
	for (uint32_t i = 0; i < sessions; i++) {
		struct nat_outcome made =
			tcp ? open_connection(&k->nat, i) : open_session(&k->nat, i);

		k->externals[i] = mapping_at(&k->nat.mappings, made.mapping)->external;
	}
}

static void known_close(struct known *k)
{
	nat_fini(&k->nat);
	block_close(k->externals, k->sessions * sizeof(*k->externals));
}

/* Of any session. The tables are not looked at: what lies in the cache is not to be our doing. */
static void make_known(struct known *k, uint8_t *at, enum nat_side from)
{
	uint32_t n = rng_below(&k->rng, k->sessions);
	struct endpoint internal = host(n);
	const struct endpoint *src = from == NAT_INTERNAL ? &internal : server();
	const struct endpoint *dst = from == NAT_INTERNAL ? server() : &k->externals[n];

	if (k->tcp)
		make_segment(at, src, dst, PACKET_TCP_ACK, 1);
	else
		make_datagram(at, src, dst);
}

/* Packets are made first and then timed, so that making them is not measured. */
static uint64_t time_known(struct known *k, enum nat_side from, uint32_t rounds)
{
	static uint8_t packets[BATCH][PACKET];
	uint64_t spent = 0;

	for (uint32_t round = 0; round < rounds; round++) {
		uint64_t start;
		uint32_t good = 0;

		for (uint32_t i = 0; i < BATCH; i++)
			make_known(k, packets[i], from);
		start = now_ns();
		for (uint32_t i = 0; i < BATCH; i += PREFETCH_MAX)
			good += serve(&k->nat, packets + i, PREFETCH_MAX, from);
		spent += now_ns() - start;
		if (good != BATCH)
			die("a known session was not known");
		k->served += BATCH;
	}
	return spent;
}

static void bench_known(uint32_t sessions, uint32_t packets, bool tcp)
{
	static const enum nat_side sides[] = { NAT_INTERNAL, NAT_EXTERNAL };
	static const char *const names[] = { "outbound_ns", "inbound_ns" };
	uint32_t rounds = packets / BATCH + 1;
	struct known k;

	known_open(&k, sessions, tcp);
	for (int s = 0; s < 2; s++) {
		time_known(&k, sides[s], rounds / 10 + 1); /* warm up */
		say(names[s], (double)time_known(&k, sides[s], rounds) / ((double)rounds * BATCH));
	}
	say("served_packets", (double)k.served);
	known_close(&k);
}

/* --- new mappings --------------------------------------------------------------------------- */

enum { FRESH = 50 }; /* mappings made at a time: at 99.9 % there are 65 free ports */

/* The sessions of internal endpoints from number @first on, timed, and ended again. */
static uint64_t time_new(struct nat *nat, uint32_t first, uint32_t count)
{
	uint8_t packets[FRESH][PACKET];
	struct nat_outcome made[FRESH];
	uint64_t start, spent;

	for (uint32_t i = 0; i < count; i++) {
		struct endpoint h = host(first + i);

		make_datagram(packets[i], &h, server());
	}
	start = now_ns();
	for (uint32_t i = 0; i < count; i++)
		made[i] = send(nat, packets[i], NAT_INTERNAL, 1);
	spent = now_ns() - start;
	for (uint32_t i = 0; i < count; i++) {
		if (made[i].reason != REASON_MAPPING_CREATED)
			die("no mapping was made");
		lifetime_remove_session(nat, made[i].session);
	}
	return spent;
}

/* New mappings where at least @taken of 64512 ports are taken. */
static void bench_new(uint32_t taken)
{
	enum { WARM_UP = 20000, COUNT = 100000 };
	uint64_t spent = 0;
	struct nat nat;

	if (taken > 64512 - FRESH)
		die("so many ports cannot be taken");
	open_nat(&nat, 65536, "203.0.113.1");
	open_sessions(&nat, taken);
	for (uint32_t i = 0; i < WARM_UP + COUNT; i += FRESH) {
		uint64_t one = time_new(&nat, 100000 + i, FRESH);

		spent += i < WARM_UP ? 0 : one;
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

static double slots_per_record(const struct index *ix)
{
	return (double)ix->places * sizeof(*ix->slots) / ix->records;
}

/* How much of the tables a session is, with a mapping of its own; bytes. Huge pages round up what is
 * resident, by up to 2 MiB a table. */
static void say_parts(const struct nat *nat)
{
	double sessions = nat->sessions.arena.live;
	double records =
		(double)(nat->sessions.arena.records.size + nat->mappings.arena.records.size);
	double indexes = slots_per_record(&nat->sessions.by_internal) +
			 slots_per_record(&nat->sessions.by_external) +
			 slots_per_record(&nat->mappings.by_internal) +
			 slots_per_record(&nat->mappings.by_external);
	double hosts =
		nat->hosts.arena.live / sessions *
		((double)nat->hosts.arena.records.size + slots_per_record(&nat->hosts.by_address));
	double maps = 0;

	for (uint32_t i = 0; i < nat->ports.count * NAT_PROTOCOLS; i++)
		maps += nat->ports.maps[i].count > 0;
	maps *= sizeof(struct port_map) / sessions;
	say("record_bytes", records);
	say("index_bytes", indexes);
	say("port_map_bytes", maps);
	say("host_bytes", hosts);
	say("parts_bytes", records + indexes + maps + hosts);
	say("tcp_bytes", (double)nat->sessions.tracks.size); /* on top, where it is TCP */
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
	say_parts(&nat);
	nat_fini(&nat);
}

static uint32_t number(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*end != '\0' || n < 1 || n > 4 * 1000 * 1000) {
		fprintf(stderr, "bench_core: '%s' is no number from 1 to 4000000\n", text);
		exit(2);
	}
	return (uint32_t)n;
}

static void usage(FILE *to)
{
	fputs("usage: bench_core known SESSIONS PACKETS [tcp] | new PORTS-TAKEN |\n"
	      "                  expiry SESSIONS | memory SESSIONS\n"
	      "one measurement, a figure a line; core.py makes a table of many\n",
	      to);
}

int main(int argc, char **argv)
{
	bool tcp = argc == 5 && strcmp(argv[4], "tcp") == 0;

	if ((argc == 4 || tcp) && strcmp(argv[1], "known") == 0)
		bench_known(number(argv[2]), number(argv[3]), tcp);
	else if (argc == 3 && strcmp(argv[1], "new") == 0)
		bench_new(number(argv[2]));
	else if (argc == 3 && strcmp(argv[1], "expiry") == 0)
		bench_expiry(number(argv[2]));
	else if (argc == 3 && strcmp(argv[1], "memory") == 0)
		bench_memory(number(argv[2]));
	else if (argc == 2 && strcmp(argv[1], "--help") == 0)
		usage(stdout);
	else {
		usage(stderr);
		return 2;
	}
	return 0;
}
