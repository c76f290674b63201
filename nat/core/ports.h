/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ports.h - external addresses and which of their ports are taken
 * Owns:       the pool of external addresses, one bitmap of 65536 ports per address and
 *             protocol, the ports that rest after use, and who has which block of ports.
 * Invariants: a taken port stays taken until ports_release() and, where ports rest, until its
 *             rest is over; a fixed port (reserved, or of a forward) is taken for ever; port 0
 *             is never given. A search costs about the same however few ports are left.
 */
#ifndef CORE_PORTS_H
#define CORE_PORTS_H

#include "common/clock.h"
#include "common/rng.h"
#include "nat/core/options.h"

enum {
	PORTS_WORDS = 65536 / 64,
	PORTS_BLOCKS_FIRST = 1024, /* blocks divide the ports from here on (RFC 7422) */
	PORTS_SEQUENCES = 1024,	   /* RFC 6056 algorithm 4: sequences of their own */
};

/* Ports of one address and protocol: a bit each, and a bit for each word that is all taken. */
struct port_map {
	uint64_t taken[PORTS_WORDS];
	uint64_t fixed[PORTS_WORDS]; /* of those, what no mapping can have */
	uint64_t full[PORTS_WORDS / 64];
	uint32_t count;	 /* taken in all */
	uint32_t next;	 /* where a sequential pick goes on */
	uint32_t random; /* where RFC 6056 algorithm 5 goes on; 0: nowhere yet */
};

/* A freed port, and when. */
struct resting_port {
	struct endpoint external;
	struct mono since;
};

/* First in, first out: all ports of a protocol rest equally long. */
struct resting_ports {
	struct resting_port *ring; /* owned; ports.resting_room of them */
	uint32_t first, count;
};

struct ports {
	uint32_t count;		     /* external addresses, ascending */
	struct addr *addresses;	     /* owned */
	struct port_map *maps;	     /* owned; NAT_PROTOCOLS for each address */
	bool shared;		     /* UDP and TCP use one map, that of UDP */
	uint32_t block_size, blocks; /* ports in a block, blocks of an address; 0: none */
	uint32_t *owners;	     /* owned; host record number + 1 per block, 0: nobody's */
	uint32_t resting_room;
	struct resting_ports resting[NAT_OTHER];
	uint32_t sequence;		     /* RFC 6056 algorithm 3 */
	uint32_t sequences[PORTS_SEQUENCES]; /* algorithm 4 */
};

/* The pool that @o describes, nothing taken but what is fixed; 0 or -ENOMEM. */
int ports_init(struct ports *ports, const struct options *o);
void ports_fini(struct ports *ports);
/* Would ports_init() make the same of both? */
bool ports_same(const struct options *a, const struct options *b);

/* Place of an address in the pool, NAT_NONE if it is not an external address. */
uint32_t ports_find(const struct ports *ports, const struct addr *address);
struct port_map *ports_map(const struct ports *ports, uint32_t address, enum nat_protocol protocol);

/* Take one given port; false if it is taken already. */
bool port_map_take(struct port_map *map, uint16_t port);
void port_map_release(struct port_map *map, uint16_t port);
/* Nobody will ever have it. */
void port_map_fix(struct port_map *map, uint16_t port);
bool port_map_is_taken(const struct port_map *map, uint16_t port);
bool port_map_is_fixed(const struct port_map *map, uint16_t port);

/* Which ports a search may find: all, or those of one parity (RFC 4787 REQ-4). */
#define PORTS_ALL  UINT64_MAX
#define PORTS_EVEN 0x5555555555555555ULL
#define PORTS_ODD  (~PORTS_EVEN)

/* First free port of first..last at or after @start, going round; 0 if there is none. */
uint16_t port_map_find(const struct port_map *map, struct port_range range, uint16_t start,
		       uint64_t parity);

/* Give back the port of @external, if its address is (still) in the pool. @rest: not before the
 * protocol's port-reuse-delay is over. */
void ports_release(struct ports *ports, const struct options *o, enum nat_protocol protocol,
		   const struct endpoint *external, bool rest, struct mono now);
/* Free what has rested enough; returns when the next will have. */
struct mono ports_wake(struct ports *ports, const struct options *o, struct mono now);
/* Move what rests in @from over to @to, as far as its addresses are there too. */
void ports_move_resting(struct ports *to, const struct ports *from);

/* --- blocks (RFC 6888 REQ-14, RFC 7422) ----------------------------------------------------- */

/* The ports of block @block of any address. */
struct port_range ports_block(const struct ports *ports, uint32_t block);
/* Give host record @host a free block of address @address, looked for from @start on; the
 * block's number or NAT_NONE. */
uint32_t ports_take_block(struct ports *ports, uint32_t address, uint32_t start, uint32_t host);
void ports_release_block(struct ports *ports, const struct endpoint *first_port);
/* Host record that has the dynamic block of @external, or NAT_NONE. */
uint32_t ports_block_owner(const struct ports *ports, const struct endpoint *external);

/*
 * ports_deterministic() - where RFC 7422's sequential formula puts an internal host
 * @address: gets the place of its external address
 * Return: its block, or NAT_NONE if the host is not in nat.internal.
 */
uint32_t ports_deterministic(const struct ports *ports, const struct options *o,
			     const struct addr *host, uint32_t *address);
/* The formula the other way: who has @external; false if no host has. */
bool ports_deterministic_owner(const struct ports *ports, const struct options *o,
			       const struct endpoint *external, struct addr *host);
/* The ports of each address kept for hosts that need more (RFC 7422's D); false if none. */
bool ports_overflow(const struct ports *ports, const struct options *o, struct port_range *range);

#endif
