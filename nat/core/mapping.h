/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mapping.h - which external endpoint stands for which internal one
 * Owns:       the mapping records and their two indexes.
 * Invariants: a live mapping is in by_external, and in by_internal unless it is secondary. No two
 *             share a key in by_internal: (protocol, internal endpoint, remote part). Several
 *             share an external endpoint only if port overlapping made them so. A mapping has
 *             at least one session, or a lease; the last one that keeps it takes it along. A record
 *             is one cache line; what only some mappings need lies beside the records, in columns.
 *
 * The remote part is what the mapping behavior adds to the key (RFC 4787 section 4.1): nothing,
 * the remote address (port 0), or the remote endpoint. It is fixed when the mapping is made, so
 * a change of the knob leaves existing mappings as they are.
 *
 * A secondary mapping is a further external endpoint of an internal one that has a mapping already
 * (two forwards to one server; a remote for which a shared port is taken). It serves its own
 * sessions, and new ones from outside, but outbound packets to new remotes use the first.
 */
#ifndef CORE_MAPPING_H
#define CORE_MAPPING_H

#include "common/block.h"
#include "common/clock.h"
#include "nat/core/arena.h"
#include "nat/core/index.h"
#include "nat/core/options.h"

struct traffic {
	uint64_t packets, bytes; /* bytes of IP packets, headers included */
};

struct mapping {
	uint32_t mark;	  /* the arena's */
	uint8_t protocol; /* enum nat_protocol */
	uint8_t behavior; /* enum mapping_behavior it was made under */
	bool fixed : 1;	  /* by a forward, a one-to-one pair or the DMZ: everybody may send to it */
	bool secondary : 1;  /* not in by_internal */
	bool holds_port : 1; /* a port of the pool is taken for it */
	bool lingering : 1;  /* a TCP session of it ended without having been closed */
	/* Made for a stranger where its sibling led, and goes with that until its host uses it. */
	bool borrowed : 1;
	bool has_past : 1; /* its cell in the column of that name means something */
	bool leased : 1;   /* its host has asked for it: see lease.h */
	bool leads : 1;	   /* each of its endpoints alone is enough to find it */
	bool in_block : 1; /* its port was given to its host as part of a block */
	struct endpoint internal, external;
	uint32_t host; /* record number in the host table */
	struct mono created;
	uint32_t sessions;	/* how many */
	uint32_t first_session; /* head of their list, kept by session.c */
};

_Static_assert(sizeof(struct mapping) == BLOCK_LINE, "a packet touches one line of it");

/* Hashes of a record that goes soon, worked out by whoever has seen it coming. Good until it goes, and
 * forgotten then. */
struct noted_hashes {
	uint32_t record; /* NAT_NONE: none */
	struct tuple_hashes hashes;
};

struct mapping_table {
	struct arena arena;
	struct column remotes; /* struct endpoint: remote part of the key, where there is one */
	struct column pasts;   /* struct traffic [2]: see mapping_past() */
	struct index by_internal, by_external;
	struct tuple_key key;
	struct noted_hashes noted;
	uint64_t created; /* ever */
};

/* Room for @limit mappings; 0 or -ENOMEM. */
int mapping_table_init(struct mapping_table *t, uint32_t limit, const struct tuple_key *key);
void mapping_table_fini(struct mapping_table *t);
/* Change the limit; 0 or -ENOMEM with the old one still in force. */
int mapping_table_set_limit(struct mapping_table *t, uint32_t limit);

static inline struct mapping *mapping_at(const struct mapping_table *t, uint32_t n)
{
	return arena_at(&t->arena, n);
}

/* May everybody send to it, whatever filtering says? */
static inline bool mapping_is_open(const struct mapping *m)
{
	return m->fixed || m->leased;
}

/* The remote part of mapping @n's key; all zero if there is none. */
struct endpoint mapping_remote(const struct mapping_table *t, uint32_t n);

/* Traffic of mapping @n that is of no living session, by side sent from: two of them. */
const struct traffic *mapping_past(const struct mapping_table *t, uint32_t n);
void mapping_add_past(struct mapping_table *t, uint32_t n, enum nat_side from,
		      const struct traffic *more);

/* The remote part of a key under @behavior. */
struct endpoint mapping_remote_part(enum mapping_behavior behavior, const struct endpoint *remote);

/* What a mapping stands under in each index. @remote_part: from mapping_remote_part(). */
uint32_t mapping_hash_internal(const struct mapping_table *t, enum nat_protocol protocol,
			       const struct endpoint *internal, const struct endpoint *remote_part);
uint32_t mapping_hash_external(const struct mapping_table *t, enum nat_protocol protocol,
			       const struct endpoint *external);

/* Record number or NAT_NONE. @remote_part: from mapping_remote_part(). */
uint32_t mapping_find_internal(const struct mapping_table *t, enum nat_protocol protocol,
			       const struct endpoint *internal, const struct endpoint *remote_part);
uint32_t mapping_find_external(const struct mapping_table *t, enum nat_protocol protocol,
			       const struct endpoint *external);
/* The mapping after @n with the same external endpoint, NAT_NONE when there is none. */
uint32_t mapping_next_external(const struct mapping_table *t, uint32_t n);

/* A copy of @wanted (mark, sessions and counters aside) as a new live record, for packets to @remote if
 * its behavior asks to whom; NAT_NONE if full. Where its internal key exists already, it is
 * secondary. */
uint32_t mapping_add(struct mapping_table *t, const struct mapping *wanted,
		     const struct endpoint *remote);
/* May others have the same external endpoint? If not, none has. */
bool mapping_remove(struct mapping_table *t, uint32_t n);

#endif
