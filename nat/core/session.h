/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * session.h - one mapping and one remote endpoint, and how long they go on
 * Owns:       the session records, their indexes, and the expiry lists.
 * Invariants: a live session is in by_internal and by_external, in the list of its mapping, in
 *             the ring of its peer, and in exactly one expiry list. Each expiry list is ordered
 *             by last use, so its head is always the next to go.
 *
 * A session that a stranger opened, and that the internal host has not answered, does not keep its
 * mapping alive: that would let anybody outside hold a port for ever (RFC 7857 section 7).
 *
 * A peer is a mapping's remote address, whatever the port. Sessions of one peer form a ring and
 * one of them stands in by_peer: that answers address-dependent filtering with one look-up.
 */
#ifndef CORE_SESSION_H
#define CORE_SESSION_H

#include "nat/core/mapping.h"
#include "nat/core/tcp_state.h"

struct session {
	uint32_t mark;	  /* the arena's */
	uint32_t mapping; /* record number */
	uint64_t number;  /* of all that were ever made; no other has it */
	struct endpoint remote;
	uint8_t class; /* enum timeout_class: which expiry list */
	bool indexed;  /* stands in by_peer for its ring */
	bool keeping;  /* keeps its mapping alive */
	bool replied;  /* packets have gone both ways */
	bool inbound;  /* opened from outside */
	struct tcp_track tcp;
	struct mono created, last_use;
	struct traffic traffic[2];		 /* by side sent from */
	uint32_t expiry_next, expiry_previous;	 /* NAT_NONE at the ends */
	uint32_t mapping_next, mapping_previous; /* sessions of the same mapping */
	uint32_t peer_next, peer_previous;	 /* ring: never NAT_NONE */
};

struct session_list {
	uint32_t head, tail; /* least and most recently used, or NAT_NONE */
};

struct session_table {
	struct arena arena;
	struct index by_internal, by_external, by_peer;
	struct session_list expiry[TIMEOUT_CLASSES];
	struct mapping_table *mappings; /* borrowed; outlives this table */
	uint64_t created, expired;	/* ever; expired: by their timer */
};

int session_table_init(struct session_table *t, uint32_t limit, struct mapping_table *mappings);
void session_table_fini(struct session_table *t);
int session_table_set_limit(struct session_table *t, uint32_t limit);

static inline struct session *session_at(const struct session_table *t, uint32_t n)
{
	return arena_at(&t->arena, n);
}

/* Record number or NAT_NONE. For ICMP queries the remote port is 0. */
uint32_t session_find_internal(const struct session_table *t, enum nat_protocol protocol,
			       const struct endpoint *internal, const struct endpoint *remote);
uint32_t session_find_external(const struct session_table *t, enum nat_protocol protocol,
			       const struct endpoint *external, const struct endpoint *remote);
/* Any session of mapping @mapping with the address of @remote. */
uint32_t session_find_peer(const struct session_table *t, uint32_t mapping,
			   const struct endpoint *remote);

/* A new session in expiry list @class, used at @now; NAT_NONE if full. It must not exist yet.
 * @keeping: it keeps its mapping alive from the start */
uint32_t session_add(struct session_table *t, uint32_t mapping, const struct endpoint *remote,
		     enum timeout_class class, bool keeping, struct mono now);
/* From now on it keeps its mapping alive. */
void session_keep(struct session_table *t, uint32_t n);
/* Its traffic goes to the mapping's past. Does not remove a mapping that has none left. */
void session_remove(struct session_table *t, uint32_t n);

/* Used at @now, which must not lie before any earlier use: goes to the end of list @class. */
void session_touch(struct session_table *t, uint32_t n, enum timeout_class class, struct mono now);

/* The timers by remote port were changed to those of @o: each session of one goes to the list of its
 * port, or to that of all others if its port has none any more. */
void session_sort_ports(struct session_table *t, const struct options *o);

/* When it ends if nothing comes. */
struct mono session_expiry(const struct session *s, const struct options *o);
bool session_is_expired(const struct session *s, const struct options *o, struct mono now);

#endif
