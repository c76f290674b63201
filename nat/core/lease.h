/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lease.h - mappings that a host has asked for, and until when
 * Owns:       beside each mapping record a cell for the lease it may have, and a heap of them all by
 *             when they end: whoever asks chooses for how long, so no list is in that order by itself.
 * Invariants: a mapping has a lease exactly if it is marked as leased. A leased mapping lives as long
 *             as its lease, whether it has sessions or not, and everybody may send to it.
 *
 * A lease is what makes a mapping an explicit one (RFC 6887 section 2). One that was there before, for
 * the sake of its sessions, stays as long as these do when the lease is over.
 */
#ifndef CORE_LEASE_H
#define CORE_LEASE_H

#include <stdbool.h>

#include "common/clock.h"
#include "nat/core/column.h"
#include "nat/core/tuple.h"

enum { LEASE_NONCE = 12 }; /* bytes; RFC 6887 section 11.1 */

struct lease {
	uint8_t nonce[LEASE_NONCE]; /* who knows it may renew and end the lease */
	uint32_t place;		    /* in the heap */
	struct mono end;
	uint64_t number; /* of two that end at once the one that was set first is first */
};

struct lease_table {
	struct column cells; /* struct lease, by mapping record */
	struct column
		heap; /* uint32_t, mapping records; none ends before the one at (place - 1) / 2 */
	uint32_t count;
	uint64_t set;	   /* ever */
	struct mono epoch; /* since when none was lost (RFC 6887 section 8.5) */
};

/* What a host asks for: it is told what it got in the same words. */
struct lease_request {
	enum nat_protocol protocol; /* NAT_UDP or NAT_TCP */
	struct endpoint internal;   /* the host's own; its port is not 0 */
	struct endpoint external;   /* suggested; all zero and 0: any */
	uint8_t nonce[LEASE_NONCE];
	/* Rather nothing than another external endpoint; an address alone is no endpoint. */
	bool exactly;
	int64_t lifetime_ms; /* from now; 0: end it */
};

enum lease_result {
	LEASE_GRANTED, /* or ended, as was asked */
	LEASE_FOREIGN, /* it has another nonce, or the host may have no mapping at all */
	LEASE_QUOTA,   /* the host has all it may have */
	LEASE_FULL,    /* no room, or no port */
	LEASE_TAKEN,   /* that external endpoint is not to be had */
};

/* Cells for @limit mappings; 0 or -ENOMEM. */
int lease_table_init(struct lease_table *t, uint32_t limit);
void lease_table_fini(struct lease_table *t);
int lease_table_set_limit(struct lease_table *t, uint32_t limit);

static inline struct lease *lease_at(const struct lease_table *t, uint32_t mapping)
{
	return column_at(&t->cells, mapping);
}

/* A lease for @mapping, which has none, until @end. */
void lease_add(struct lease_table *t, uint32_t mapping, const uint8_t nonce[LEASE_NONCE],
	       struct mono end);
void lease_remove(struct lease_table *t, uint32_t mapping);
/* Another end for one that there is. */
void lease_renew(struct lease_table *t, uint32_t mapping, struct mono end);
/* The mapping whose lease ends first; NAT_NONE if there is none. */
uint32_t lease_first(const struct lease_table *t);
/* When that is; MONO_NEVER if there is none. */
struct mono lease_due(const struct lease_table *t);

#endif
