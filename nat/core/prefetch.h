/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * prefetch.h - fetch into the cache what is about to be touched
 * Owns:       the knowledge of which lines of which table a packet, or the end of a session, touches.
 * Invariants: it changes nothing and promises nothing: a wrong guess costs time, never correctness.
 *
 * In a table much larger than the cache a packet waits for one line after the other, as each tells
 * where the next one is. The lines of many packets can be waited for together.
 */
#ifndef CORE_PREFETCH_H
#define CORE_PREFETCH_H

#include "nat/core/nat.h"

enum {
	PREFETCH_MAX = 32,     /* packets of a batch */
	PREFETCH_DISTANCE = 4, /* packets, or sessions that end, from one step to the next */
};

/* A packet that comes next. */
struct prefetch_packet {
	struct packet *packet; /* gets parsed, and a hint at its session */
	enum nat_side from;
};

/* How far the way of a packet has been followed. */
enum prefetch_stage {
	PREFETCH_END,		 /* to the end, or it is not followed */
	PREFETCH_MAPPING_BY_KEY, /* each: this is on its way to the cache */
	PREFETCH_MAPPING,
	PREFETCH_SESSION_BY_KEY,
	PREFETCH_SESSION,
	PREFETCH_STAGES
};

struct prefetch_trail {
	enum prefetch_stage stage;
	uint32_t hash;	 /* of the mapping's or session's key */
	uint32_t record; /* of the mapping or session */
};

struct prefetch {
	const struct nat *nat;		      /* borrowed */
	const struct prefetch_packet *coming; /* borrowed */
	unsigned int count, at;
	struct prefetch_trail trails[PREFETCH_MAX];
};

/* Begin with a batch of @count packets, at most PREFETCH_MAX, which stay where they are. */
void prefetch_start(struct prefetch *p, const struct nat *nat, const struct prefetch_packet *coming,
		    unsigned int count);
/* The next packet of the batch is about to be processed. Helps those of known sessions; others find
 * their own way. */
void prefetch_advance(struct prefetch *p);

/* A session that ends soon, its mapping, and under what they stand. */
struct prefetch_end {
	struct noted_hashes session, mapping;
};

/* How far ahead of the end of sessions: the next of an expiry list. */
struct prefetch_ends {
	const struct nat *nat; /* borrowed */
	uint32_t far, near;
	unsigned int at;
	struct prefetch_end
		ends[2 * PREFETCH_DISTANCE]; /* ring; some are ahead, the last is read */
};

/* The sessions of list @class are about to end. */
void prefetch_ends(struct prefetch_ends *p, const struct nat *nat, enum timeout_class class);
/* The next of them is: this one, unless its turn came earlier. Good until the next call. */
const struct prefetch_end *prefetch_end(struct prefetch_ends *p);

#endif
