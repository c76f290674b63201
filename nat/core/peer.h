/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer.h - which remote addresses a mapping has sessions with
 * Owns:       an index that answers address-dependent filtering (RFC 4787 section 5) with one
 *             look-up, and the rings that make it small.
 * Invariants: a peer is a mapping's remote address, whatever the port. The sessions of one peer form
 *             a ring, and one of them stands in the index.
 *
 * Only that filtering asks, so it is there only for the protocols that are filtered so.
 */
#ifndef CORE_PEER_H
#define CORE_PEER_H

#include "nat/core/column.h"
#include "nat/core/index.h"

struct session_table;

struct peer_link {
	uint32_t next, previous; /* sessions, round the ring */
	uint32_t indexed;	 /* 1 where it stands in the index for its ring, else 0 */
};

struct peers {
	struct index index;
	struct column links; /* struct peer_link, by session */
	unsigned int wanted; /* bits by enum nat_protocol */
};

/* Room for those of @limit sessions; 0 or -ENOMEM. What is never used takes no memory. */
int peers_reserve(struct session_table *t, uint32_t limit);
void peers_fini(struct peers *p);
/* From now on those of the protocols whose bits are in @wanted, of the sessions there are too. */
void peers_want(struct session_table *t, unsigned int wanted);
/* Are they there for session @n? */
bool peers_have(const struct session_table *t, uint32_t n);

/* Session @n is new, or about to go. */
void peers_add(struct session_table *t, uint32_t n);
void peers_remove(struct session_table *t, uint32_t n);

/* Any session of mapping @mapping, of a wanted protocol, with the address of @remote; or NAT_NONE. */
uint32_t peers_find(const struct session_table *t, uint32_t mapping, const struct endpoint *remote);

static inline struct peer_link *peers_link(const struct peers *p, uint32_t n)
{
	return column_at(&p->links, n);
}

#endif
