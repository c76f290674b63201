/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer.h - which remote addresses a mapping has sessions with
 * Owns:       an index that answers address-dependent filtering (RFC 4787 section 5) with one
 *             look-up, and the rings that make it small.
 * Invariants: a peer is a mapping's remote address, whatever the port. The sessions of one peer form
 *             a ring, and one of them stands in the index.
 *
 * Only that filtering asks, so it is there only while it is wanted.
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
	struct column links; /* struct peer_link, by session; no cells: not wanted */
};

/* From now on wanted, for the sessions there are too; 0, or -ENOMEM and it is not. */
int peers_open(struct session_table *t);
void peers_close(struct session_table *t);
static inline bool peers_are_open(const struct peers *p)
{
	return p->links.cells != NULL;
}

/* Where they are open: room for @limit sessions, 0 or -ENOMEM. */
int peers_reserve(struct session_table *t, uint32_t limit);
/* Session @n is new, or about to go. */
void peers_add(struct session_table *t, uint32_t n);
void peers_remove(struct session_table *t, uint32_t n);

/* Any session of mapping @mapping with the address of @remote, or NAT_NONE; they are open. */
uint32_t peers_find(const struct session_table *t, uint32_t mapping, const struct endpoint *remote);

static inline struct peer_link *peers_link(const struct peers *p, uint32_t n)
{
	return column_at(&p->links, n);
}

#endif
