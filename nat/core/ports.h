/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ports.h - external addresses and which of their ports are taken
 * Owns:       the pool of external addresses, one bitmap of 65536 ports per address and
 *             protocol, and the ways to pick from them.
 * Invariants: a port that ports_pick() gave stays taken until ports_release(); port 0 is never
 *             given. A pick costs about the same however few ports are left.
 */
#ifndef CORE_PORTS_H
#define CORE_PORTS_H

#include "common/rng.h"
#include "nat/core/options.h"

enum { PORTS_WORDS = 65536 / 64 };

/* Ports of one address and protocol: a bit each, and a bit for each word that is all taken. */
struct port_map {
	uint64_t taken[PORTS_WORDS];
	uint64_t full[PORTS_WORDS / 64];
	uint32_t count; /* taken in all */
	uint32_t next;	/* where a sequential pick goes on */
};

struct ports {
	uint32_t count;		/* external addresses, ascending */
	struct addr *addresses; /* owned */
	struct port_map *maps;	/* owned; NAT_PROTOCOLS for each address */
};

/* The pool of @list, which holds at least one range; 0 or -ENOMEM. */
int ports_init(struct ports *ports, const struct external_list *list);
void ports_fini(struct ports *ports);

/* Place of an address in the pool, NAT_NONE if it is not an external address. */
uint32_t ports_find(const struct ports *ports, const struct addr *address);
struct port_map *ports_map(const struct ports *ports, uint32_t address, enum nat_protocol protocol);

/*
 * ports_pick() - choose and take an external endpoint for an internal one
 * @host_hash: hash of the internal address, by which pairing picks the external one
 * Return: true with @external set, false if nothing is free where the knobs allow.
 * RFC 4787 REQ-2 (pooling), REQ-3 (no overloading), RFC 6056 algorithm 1 (random).
 */
bool ports_pick(struct ports *ports, const struct options *o, enum nat_protocol protocol,
		const struct endpoint *internal, uint32_t host_hash, struct rng *rng,
		struct endpoint *external);

/* Take one given port; false if it is taken already. */
bool port_map_take(struct port_map *map, uint16_t port);
void port_map_release(struct port_map *map, uint16_t port);
/* First free port of first..last at or after @start, going round; 0 if there is none. */
uint16_t port_map_find(const struct port_map *map, uint16_t first, uint16_t last, uint16_t start);

/* Give back the port of @external, if its address is (still) in the pool. */
void ports_release(struct ports *ports, enum nat_protocol protocol,
		   const struct endpoint *external);

#endif
