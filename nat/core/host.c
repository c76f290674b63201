/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/core/host.h"

static uint32_t address_hash(const struct host_table *t, const struct addr *address)
{
	const struct endpoint host = { .addr = *address };

	return tuple_hash(&t->key, NAT_UDP, &host, &host);
}

int host_table_init(struct host_table *t, uint32_t limit, const struct tuple_key *key)
{
	int err;

	*t = (struct host_table){ .key = *key };
	err = arena_init(&t->arena, sizeof(struct host), limit);
	if (err < 0)
		return err;
	err = host_table_set_limit(t, limit);
	if (err < 0)
		host_table_fini(t);
	return err;
}

void host_table_fini(struct host_table *t)
{
	index_fini(&t->by_address);
	arena_fini(&t->arena);
}

int host_table_set_limit(struct host_table *t, uint32_t limit)
{
	int err = index_reserve(&t->by_address, limit);

	return err < 0 ? err : arena_set_limit(&t->arena, limit);
}

uint32_t host_find(const struct host_table *t, const struct addr *address)
{
	uint32_t hash = address_hash(t, address), n;

	for (uint32_t i = index_first(&t->by_address, hash);
	     (n = index_record(&t->by_address, hash, &i)) != NAT_NONE; i++)
		if (addr_equal(&host_at(t, n)->address, address))
			return n;
	return NAT_NONE;
}

uint32_t host_pin(struct host_table *t, const struct addr *address)
{
	uint32_t n = host_find(t, address);

	if (n == NAT_NONE) {
		n = arena_take(&t->arena);
		if (n == NAT_NONE)
			return NAT_NONE;
		host_at(t, n)->address = *address;
		arena_publish(&t->arena, n);
		index_add(&t->by_address, address_hash(t, address), n);
	}
	host_at(t, n)->pins++;
	return n;
}

bool host_unpin(struct host_table *t, uint32_t n)
{
	host_at(t, n)->pins--;
	return host_is_idle(host_at(t, n));
}

void host_remove(struct host_table *t, uint32_t n)
{
	index_remove(&t->by_address, address_hash(t, &host_at(t, n)->address), n);
	arena_give_back(&t->arena, n);
}

/* --- quotas -------------------------------------------------------------------------------- */

static uint64_t sum(const uint32_t counts[NAT_PROTOCOLS])
{
	uint64_t all = 0;

	for (int p = 0; p < NAT_PROTOCOLS; p++)
		all += counts[p];
	return all;
}

static bool reached(uint64_t count, uint64_t quota)
{
	return quota != 0 && count >= quota;
}

enum option_id host_refuses_mapping(const struct host *h, const struct options *o,
				    enum nat_protocol protocol, struct mono now)
{
	const struct protocol_options *po = &o->protocol[protocol];

	if (reached(sum(h->mappings), o->max_mappings_per_host))
		return OPT_NAT_MAX_MAPPINGS_PER_HOST;
	if (reached(h->mappings[protocol], po->max_mappings_per_host))
		return option_of(OPT_UDP_MAX_MAPPINGS_PER_HOST, protocol);
	if (o->new_mappings_per_second != 0 &&
	    !bucket_has(&h->created_all, o->new_mappings_per_second, now))
		return OPT_NAT_NEW_MAPPINGS_PER_SECOND;
	if (po->new_mappings_per_second != 0 &&
	    !bucket_has(&h->created[protocol], po->new_mappings_per_second, now))
		return option_of(OPT_UDP_NEW_MAPPINGS_PER_SECOND, protocol);
	return OPT_NONE;
}

enum option_id host_refuses_session(const struct host *h, const struct options *o,
				    enum nat_protocol protocol)
{
	if (reached(sum(h->sessions), o->max_sessions_per_host))
		return OPT_NAT_MAX_SESSIONS_PER_HOST;
	if (reached(h->sessions[protocol], o->protocol[protocol].max_sessions_per_host))
		return option_of(OPT_UDP_MAX_SESSIONS_PER_HOST, protocol);
	return OPT_NONE;
}

void host_count_mapping(struct host *h, const struct options *o, enum nat_protocol protocol,
			struct mono now)
{
	h->mappings[protocol]++;
	bucket_take(&h->created_all, o->new_mappings_per_second, now);
	bucket_take(&h->created[protocol], o->protocol[protocol].new_mappings_per_second, now);
}
