/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/core/mapping.h"

#include <string.h>

static const struct endpoint nowhere;

uint32_t mapping_hash_internal(const struct mapping_table *t, enum nat_protocol protocol,
			       const struct endpoint *internal, const struct endpoint *remote_part)
{
	return tuple_hash(&t->key, protocol, internal, remote_part);
}

uint32_t mapping_hash_external(const struct mapping_table *t, enum nat_protocol protocol,
			       const struct endpoint *external)
{
	return tuple_join(tuple_first(&t->key, protocol, external), 0); /* no remote part */
}

int mapping_table_init(struct mapping_table *t, uint32_t limit, const struct tuple_key *key)
{
	int err;

	*t = (struct mapping_table){
		.key = *key,
		.noted.record = NAT_NONE,
		.remotes.size = sizeof(struct endpoint),
		.pasts.size = 2 * sizeof(struct traffic),
	};
	err = arena_init(&t->arena, sizeof(struct mapping), limit);
	if (err < 0)
		return err;
	err = mapping_table_set_limit(t, limit);
	if (err < 0)
		mapping_table_fini(t);
	return err;
}

void mapping_table_fini(struct mapping_table *t)
{
	index_fini(&t->by_internal);
	index_fini(&t->by_external);
	column_fini(&t->remotes);
	column_fini(&t->pasts);
	arena_fini(&t->arena);
}

int mapping_table_set_limit(struct mapping_table *t, uint32_t limit)
{
	int err = index_reserve(&t->by_internal, limit);

	if (err == 0)
		err = index_reserve(&t->by_external, limit);
	if (err == 0)
		err = column_reserve(&t->remotes, limit);
	if (err == 0)
		err = column_reserve(&t->pasts, limit);
	if (err == 0)
		err = arena_set_limit(&t->arena, limit);
	return err;
}

struct endpoint mapping_remote_part(enum mapping_behavior behavior, const struct endpoint *remote)
{
	switch (behavior) {
	case MAPPING_ENDPOINT_INDEPENDENT:
		return nowhere;
	case MAPPING_ADDRESS_DEPENDENT:
		return (struct endpoint){ .addr = remote->addr };
	case MAPPING_ADDRESS_AND_PORT_DEPENDENT:
		return *remote;
	}
	return nowhere;
}

struct endpoint mapping_remote(const struct mapping_table *t, uint32_t n)
{
	if (mapping_at(t, n)->behavior == MAPPING_ENDPOINT_INDEPENDENT)
		return nowhere;
	return *(const struct endpoint *)column_at(&t->remotes, n);
}

const struct traffic *mapping_past(const struct mapping_table *t, uint32_t n)
{
	static const struct traffic none[2];

	return mapping_at(t, n)->has_past ? column_at(&t->pasts, n) : none;
}

void mapping_add_past(struct mapping_table *t, uint32_t n, enum nat_side from,
		      const struct traffic *more)
{
	struct traffic *past = column_at(&t->pasts, n);

	if (!mapping_at(t, n)->has_past)
		memset(past, 0, t->pasts.size);
	mapping_at(t, n)->has_past = true;
	past[from].packets += more->packets;
	past[from].bytes += more->bytes;
}

static uint32_t find_internal(const struct mapping_table *t, enum nat_protocol protocol,
			      const struct endpoint *internal, const struct endpoint *remote_part,
			      uint32_t hash)
{
	uint32_t n;

	for (uint32_t i = index_first(&t->by_internal, hash);
	     (n = index_record(&t->by_internal, hash, &i)) != NAT_NONE; i++) {
		const struct mapping *m = mapping_at(t, n);
		struct endpoint remote = mapping_remote(t, n);

		if (m->protocol == protocol && endpoint_equal(&m->internal, internal) &&
		    endpoint_equal(&remote, remote_part))
			return n;
	}
	return NAT_NONE;
}

uint32_t mapping_find_internal(const struct mapping_table *t, enum nat_protocol protocol,
			       const struct endpoint *internal, const struct endpoint *remote_part)
{
	return find_internal(t, protocol, internal, remote_part,
			     mapping_hash_internal(t, protocol, internal, remote_part));
}

/* The first with this external endpoint from index position @at on. */
static uint32_t find_external(const struct mapping_table *t, enum nat_protocol protocol,
			      const struct endpoint *external, uint32_t hash, uint32_t *at)
{
	uint32_t n;

	for (; (n = index_record(&t->by_external, hash, at)) != NAT_NONE; (*at)++) {
		const struct mapping *m = mapping_at(t, n);

		if (m->protocol == protocol && endpoint_equal(&m->external, external))
			return n;
	}
	return NAT_NONE;
}

uint32_t mapping_find_external(const struct mapping_table *t, enum nat_protocol protocol,
			       const struct endpoint *external)
{
	uint32_t hash = mapping_hash_external(t, protocol, external);
	uint32_t at = index_first(&t->by_external, hash);

	return find_external(t, protocol, external, hash, &at);
}

uint32_t mapping_next_external(const struct mapping_table *t, uint32_t n)
{
	const struct mapping *m = mapping_at(t, n);
	enum nat_protocol protocol = (enum nat_protocol)m->protocol;
	uint32_t hash = mapping_hash_external(t, protocol, &m->external);
	uint32_t at = index_first(&t->by_external, hash), found;

	do {
		found = find_external(t, protocol, &m->external, hash, &at);
		at++;
	} while (found != n);
	return find_external(t, protocol, &m->external, hash, &at);
}

/* Put mapping @n, whose remote part is @part, where packets find it. */
static void add_to_indexes(struct mapping_table *t, uint32_t n, const struct endpoint *part)
{
	struct mapping *m = mapping_at(t, n);
	enum nat_protocol protocol = (enum nat_protocol)m->protocol;
	uint32_t internal = mapping_hash_internal(t, protocol, &m->internal, part);
	uint32_t external = mapping_hash_external(t, protocol, &m->external);
	uint32_t at = index_first(&t->by_external, external);

	m->secondary = find_internal(t, protocol, &m->internal, part, internal) != NAT_NONE;
	m->leads = m->behavior == MAPPING_ENDPOINT_INDEPENDENT && !m->secondary &&
		   find_external(t, protocol, &m->external, external, &at) == NAT_NONE;
	if (!m->secondary)
		index_add(&t->by_internal, internal, n);
	index_add(&t->by_external, external, n);
}

uint32_t mapping_add(struct mapping_table *t, const struct mapping *wanted,
		     const struct endpoint *remote)
{
	const struct endpoint part =
		mapping_remote_part((enum mapping_behavior)wanted->behavior, remote);
	uint32_t n = arena_take(&t->arena);
	struct mapping *m;

	if (n == NAT_NONE)
		return NAT_NONE;
	m = mapping_at(t, n);
	*m = *wanted;
	m->mark = 0; /* not live yet */
	m->sessions = 0;
	m->first_session = NAT_NONE;
	m->lingering = m->borrowed = m->has_past = m->leased = false;
	if (m->behavior != MAPPING_ENDPOINT_INDEPENDENT)
		memcpy(column_at(&t->remotes, n), &part, sizeof(part));
	arena_publish(&t->arena, n);
	t->created++;
	add_to_indexes(t, n, &part);
	return n;
}

/* Of mapping @n, which goes. */
static struct tuple_hashes last_hashes(struct mapping_table *t, uint32_t n)
{
	const struct mapping *m = mapping_at(t, n);
	enum nat_protocol protocol = (enum nat_protocol)m->protocol;
	struct endpoint part;

	if (t->noted.record == n) {
		t->noted.record = NAT_NONE;
		return t->noted.hashes;
	}
	part = mapping_remote(t, n);
	return (struct tuple_hashes){
		.internal = mapping_hash_internal(t, protocol, &m->internal, &part),
		.external = mapping_hash_external(t, protocol, &m->external),
	};
}

bool mapping_remove(struct mapping_table *t, uint32_t n)
{
	const struct tuple_hashes hashes = last_hashes(t, n);
	bool shared;

	if (!mapping_at(t, n)->secondary)
		index_remove(&t->by_internal, hashes.internal, n);
	shared = index_remove(&t->by_external, hashes.external, n);
	arena_give_back(&t->arena, n);
	return shared;
}
