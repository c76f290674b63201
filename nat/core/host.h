/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * host.h - what the NAT knows of each internal host
 * Owns:       a record for every internal address that has a mapping: how many, the external
 *             address it is paired with, its blocks of ports, how fast it makes mappings.
 * Invariants: a host is there as long as a mapping of its, or a pin, is; its counts are those
 *             of its live mappings and their sessions.
 */
#ifndef CORE_HOST_H
#define CORE_HOST_H

#include "nat/core/arena.h"
#include "nat/core/bucket.h"
#include "nat/core/event.h"
#include "nat/core/index.h"
#include "nat/core/options.h"

enum {
	HOST_BLOCKS = 8, /* most of nat.blocks-per-host */
	HOST_LIMITS = 3, /* REASON_HOST_QUOTA, REASON_RATE_QUOTA, REASON_MAPPING_QUOTA */
};

struct host {
	uint32_t mark; /* the arena's */
	uint32_t pins;
	struct addr address;
	struct addr external; /* paired with; all zero: with none yet */
	uint32_t mappings[NAT_PROTOCOLS], sessions[NAT_PROTOCOLS];
	struct limit limits[HOST_LIMITS];		   /* of its quotas */
	uint32_t block_count;				   /* dynamic blocks it has */
	struct endpoint blocks[HOST_BLOCKS];		   /* their first ports */
	struct bucket created[NAT_PROTOCOLS], created_all; /* rates of new mappings */
};

struct host_table {
	struct arena arena;
	struct index by_address;
	struct tuple_key key;
};

/* Room for @limit hosts; 0 or -ENOMEM. */
int host_table_init(struct host_table *t, uint32_t limit, const struct tuple_key *key);
void host_table_fini(struct host_table *t);
int host_table_set_limit(struct host_table *t, uint32_t limit);

static inline struct host *host_at(const struct host_table *t, uint32_t n)
{
	return arena_at(&t->arena, n);
}

/* Does nothing hold it? */
static inline bool host_is_idle(const struct host *h)
{
	uint32_t holders = h->pins;

	for (int p = 0; p < NAT_PROTOCOLS; p++)
		holders += h->mappings[p];
	return holders == 0;
}

uint32_t host_find(const struct host_table *t, const struct addr *address);
/* The record of @address, made if need be and pinned: NAT_NONE if there is no room. */
uint32_t host_pin(struct host_table *t, const struct addr *address);
/* One pin less; true if nothing holds the host any more, and it must be removed. */
bool host_unpin(struct host_table *t, uint32_t n);
void host_remove(struct host_table *t, uint32_t n);

/* Does one more mapping, or session, exceed a quota? OPT_NONE, or the knob that says so. */
enum option_id host_refuses_mapping(const struct host *h, const struct options *o,
				    enum nat_protocol protocol, struct mono now);
enum option_id host_refuses_session(const struct host *h, const struct options *o,
				    enum nat_protocol protocol);
/* One more mapping was made. */
void host_count_mapping(struct host *h, const struct options *o, enum nat_protocol protocol,
			struct mono now);

#endif
