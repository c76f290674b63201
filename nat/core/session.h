/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * session.h - one mapping and one remote endpoint, and how long they go on
 * Owns:       the session records, their indexes, and the expiry lists.
 * Invariants: a live session is in the list of its mapping, and in exactly one expiry list. Each expiry
 *             list is ordered by last use, so its head is always the next to go. It is in
 *             by_internal and by_external, both or neither: one that is in neither is the only
 *             one of a mapping that leads to it, being found by either endpoint alone.
 *
 * Most mappings have one session at a time. It costs half as many entries in indexes, and half as many
 * lines of memory when it begins or ends, if its mapping's entries serve for both.
 *
 * A session that a stranger opened, and that the internal host has not answered, does not keep its
 * mapping alive: that would let anybody outside hold a port for ever (RFC 7857 section 7).
 */
#ifndef CORE_SESSION_H
#define CORE_SESSION_H

#include "nat/core/mapping.h"
#include "nat/core/peer.h"
#include "nat/core/tcp_state.h"

/* In the order in which a packet asks; all that one of a known session needs are two cache lines. */
struct session {
	uint32_t mark;	  /* the arena's */
	uint32_t mapping; /* record number */
	struct endpoint remote;
	uint8_t class;	  /* enum timeout_class: which expiry list */
	bool keeping : 1; /* keeps its mapping alive */
	bool replied : 1; /* packets have gone both ways */
	bool inbound : 1; /* opened from outside */
	bool indexed : 1; /* in by_internal and by_external */
	uint32_t number;  /* how many were made before it, modulo 2^32 */
	struct mono last_use;
	uint32_t expiry_next, expiry_previous; /* NAT_NONE at the ends */
	struct traffic traffic[2];	       /* by side sent from */
	struct mono created;
	/* Sessions of the same mapping: NAT_NONE after the last; before the first is the last. */
	uint32_t mapping_next, mapping_previous;
};

_Static_assert(sizeof(struct session) <= BLOCK_LINE * 3 / 2, "a packet touches two lines of it");

struct session_list {
	uint32_t head, tail; /* least and most recently used, or NAT_NONE */
};

struct session_table {
	struct arena arena;
	struct column tracks; /* struct tcp_track, of TCP sessions */
	struct peers peers;
	struct index by_internal, by_external;
	struct session_list expiry[TIMEOUT_CLASSES];
	struct noted_hashes noted;
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

/* What session @n, of TCP, knows of its connection. */
static inline struct tcp_track *session_tcp(const struct session_table *t, uint32_t n)
{
	return column_at(&t->tracks, n);
}

/* The state of @n's connection; CLOSED where it is none. */
enum tcp_state session_tcp_state(const struct session_table *t, uint32_t n);

/* What a session stands under in by_internal or by_external, by whose endpoint @own is. */
static inline uint32_t session_hash(const struct session_table *t, enum nat_protocol protocol,
				    const struct endpoint *own, const struct endpoint *remote)
{
	return tuple_hash(&t->mappings->key, protocol, own, remote);
}

/* Record number or NAT_NONE. For ICMP queries the remote port is 0. */
uint32_t session_find_internal(const struct session_table *t, enum nat_protocol protocol,
			       const struct endpoint *internal, const struct endpoint *remote);
uint32_t session_find_external(const struct session_table *t, enum nat_protocol protocol,
			       const struct endpoint *external, const struct endpoint *remote);
/* One of the two, by the side that @own is on. @hint: 0, or one more than the number of the record that
 * it may be; if it is, that saves the look-up. */
uint32_t session_find(const struct session_table *t, uint32_t hint, enum nat_side side,
		      enum nat_protocol protocol, const struct endpoint *own,
		      const struct endpoint *remote);

/* A new session in expiry list @class, used at @now; NAT_NONE if full. It must not exist yet.
 * @keeping: it keeps its mapping alive from the start */
uint32_t session_add(struct session_table *t, uint32_t mapping, const struct endpoint *remote,
		     enum timeout_class class, bool keeping, struct mono now);
/* From now on it keeps its mapping alive. */
void session_keep(struct session_table *t, uint32_t n);
/* Is there a session that keeps mapping @mapping alive? Those that do are the first of its list. */
static inline bool session_any_keeps(const struct session_table *t, uint32_t mapping)
{
	uint32_t first = mapping_at(t->mappings, mapping)->first_session;

	return first != NAT_NONE && session_at(t, first)->keeping;
}

/* More than one? */
bool session_several_keep(const struct session_table *t, uint32_t mapping);
/* Its traffic goes to the mapping's past, if others go on. Does not remove a mapping that has none
 * left. */
void session_remove(struct session_table *t, uint32_t n);

/* Used at @now, which must not lie before any earlier use: goes to the end of list @class. */
void session_touch(struct session_table *t, uint32_t n, enum timeout_class class, struct mono now);

/* The timers by remote port were changed to those of @o: each session of one goes to the list of its
 * port, or to that of all others if its port has none any more. */
void session_sort_ports(struct session_table *t, const struct options *o);

/* When it ends if nothing comes. */
static inline struct mono session_expiry(const struct session *s, const struct options *o)
{
	return mono_add_ms(s->last_use, options_timeout_ms(o, (enum timeout_class)s->class));
}

static inline bool session_is_expired(const struct session *s, const struct options *o,
				      struct mono now)
{
	return mono_reached(now, session_expiry(s, o));
}

#endif
