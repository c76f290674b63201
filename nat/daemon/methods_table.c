/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * methods_table.c - mappings, sessions and hosts: their JSON form and pages, and the removal of
 * mappings
 */
#include <string.h>

#include "nat/daemon/methods_parts.h"

/* What goes into a page, counted in steps of about 100 ns: a page may take some 80 us, and
 * twice that while the other half of its core is busy; the round trip of a packet may meet two. */
enum {
	PAGE_STEPS = 800,
	STEPS_RECORD = 40,
	STEPS_HOST = 80,
	STEPS_BLOCK = 10,
};

/* --- records ------------------------------------------------------------------------------- */

static json_t *json_traffic(const struct traffic *t)
{
	json_t *traffic = json_object();

	member_put(traffic, "packets", json_of_count(t->packets));
	member_put(traffic, "bytes", json_of_count(t->bytes));
	return traffic;
}

/* The remote part of a mapping's key: null, an address or an endpoint. */
static json_t *json_remote_part(const struct nat *nat, uint32_t n)
{
	const struct mapping *m = mapping_at(&nat->mappings, n);
	const struct endpoint remote = mapping_remote(&nat->mappings, n);

	switch ((enum mapping_behavior)m->behavior) {
	case MAPPING_ENDPOINT_INDEPENDENT:
		break;
	case MAPPING_ADDRESS_DEPENDENT:
		return json_of_addr(&remote.addr);
	case MAPPING_ADDRESS_AND_PORT_DEPENDENT:
		return json_of_endpoint(&remote);
	}
	return json_null();
}

static json_t *json_state(const struct nat *nat, const struct mapping *m, uint32_t session)
{
	if (m->protocol != NAT_TCP || session == NAT_NONE)
		return json_null();
	return json_string(tcp_state_name(session_tcp_state(&nat->sessions, session)));
}

/* How long the mapping is leased to its host: milliseconds, or null if it is not. */
static json_t *json_lease(const struct daemon *d, uint32_t n)
{
	const struct lease *lease = lease_at(&d->nat.leases, n);

	if (!mapping_at(&d->nat.mappings, n)->leased || mono_reached(d->now, lease->end))
		return json_null();
	return json_integer(lease->end.ms - d->now.ms);
}

static void add_traffic(struct traffic sum[2], const struct traffic more[2])
{
	for (int side = 0; side < 2; side++) {
		sum[side].packets += more[side].packets;
		sum[side].bytes += more[side].bytes;
	}
}

/* What mappings and sessions are both told by. */
static json_t *json_record(uint32_t n, const struct mapping *m, json_t *remote, json_t *state)
{
	json_t *record = json_object();

	member_put(record, "id", json_of_count(n));
	member_put_text(record, "protocol", nat_protocol_name((enum nat_protocol)m->protocol));
	member_put(record, "internal", json_of_endpoint(&m->internal));
	member_put(record, "external", json_of_endpoint(&m->external));
	member_put(record, "remote", remote);
	member_put(record, "state", state);
	return record;
}

static void put_life(json_t *record, struct mono created, struct mono end, struct mono now,
		     const struct traffic traffic[2])
{
	member_put(record, "age_ms", json_integer(now.ms - created.ms));
	member_put(record, "expires_in_ms", json_integer(end.ms - now.ms));
	member_put(record, "outbound", json_traffic(&traffic[NAT_INTERNAL]));
	member_put(record, "inbound", json_traffic(&traffic[NAT_EXTERNAL]));
}

uint32_t live_sessions(const struct daemon *d, const struct mapping *m)
{
	const struct session *s;
	uint32_t count = 0;

	for (uint32_t i = m->first_session; i != NAT_NONE; i = s->mapping_next) {
		s = session_at(&d->nat.sessions, i);
		count += !session_is_expired(s, &d->nat.options, d->now);
	}
	return count;
}

/* The timer may lag behind what is due, the answer may not. */
json_t *json_of_mapping(const struct daemon *d, uint32_t n)
{
	const struct mapping *m = mapping_at(&d->nat.mappings, n);
	const struct traffic *past = mapping_past(&d->nat.mappings, n);
	struct mono end = nat_mapping_expiry(&d->nat, n);
	struct traffic sum[2] = { past[0], past[1] };
	const struct session *s;
	json_t *record;

	if (mono_reached(d->now, end))
		return NULL;
	record = json_record(n, m, json_remote_part(&d->nat, n),
			     json_state(&d->nat, m, nat_mapping_latest(&d->nat, n)));
	for (uint32_t i = m->first_session; i != NAT_NONE; i = s->mapping_next) {
		s = session_at(&d->nat.sessions, i);
		add_traffic(sum, s->traffic);
	}
	member_put(record, "sessions", json_of_count(live_sessions(d, m)));
	member_put(record, "fixed", json_boolean(m->fixed));
	member_put(record, "lease_ms", json_lease(d, n));
	put_life(record, m->created, end, d->now, sum);
	return record;
}

/* An ICMP query has an identifier at our end only: its remote is an address. */
static json_t *json_remote(const struct mapping *m, const struct session *s)
{
	return m->protocol == NAT_ICMP ? json_of_addr(&s->remote.addr)
				       : json_of_endpoint(&s->remote);
}

/* NULL if it is over. */
static json_t *json_session(const struct daemon *d, uint32_t n)
{
	const struct session *s = session_at(&d->nat.sessions, n);
	const struct mapping *m = mapping_at(&d->nat.mappings, s->mapping);
	json_t *record;

	if (session_is_expired(s, &d->nat.options, d->now))
		return NULL;
	record = json_record(n, m, json_remote(m, s), json_state(&d->nat, m, n));
	member_put(record, "mapping", json_of_count(s->mapping));
	member_put_text(record, "opened_by", s->inbound ? "external" : "internal");
	put_life(record, s->created, session_expiry(s, &d->nat.options), d->now, s->traffic);
	return record;
}

/* --- hosts ---------------------------------------------------------------------------------- */

static json_t *json_use(uint64_t count, uint64_t quota)
{
	json_t *use = json_object();

	member_put(use, "count", json_of_count(count));
	member_put(use, "quota", quota != 0 ? json_of_count(quota) : json_null());
	return use;
}

/* @counts by protocol and in all, each with its quota. */
static json_t *json_uses(const uint32_t counts[NAT_PROTOCOLS], uint64_t quota,
			 const uint64_t quotas[NAT_PROTOCOLS])
{
	json_t *uses = json_object();
	uint64_t all = 0;

	for (int p = 0; p < NAT_PROTOCOLS; p++)
		all += counts[p];
	member_put(uses, "all", json_use(all, quota));
	for (int p = 0; p < NAT_PROTOCOLS; p++)
		member_put(uses, nat_protocol_name((enum nat_protocol)p),
			   json_use(counts[p], quotas[p]));
	return uses;
}

static json_t *json_ports(const struct addr *external, struct port_range range)
{
	json_t *ports = json_object();

	member_put(ports, "external", json_of_addr(external));
	member_put(ports, "first", json_of_count(range.first));
	member_put(ports, "last", json_of_count(range.last));
	return ports;
}

/* The blocks it was given, or the one that the formula gives it. */
static json_t *json_blocks(const struct nat *nat, const struct host *h)
{
	json_t *blocks = json_array();
	uint32_t address, block = NAT_NONE;

	for (uint32_t i = 0; i < h->block_count; i++) {
		const struct endpoint *b = &h->blocks[i];
		struct port_range range = {
			.first = b->port,
			.last = (uint16_t)(b->port + nat->ports.block_size - 1),
		};

		json_array_append_new(blocks, json_ports(&b->addr, range));
	}
	if (nat->options.blocks.behavior == BLOCKS_DETERMINISTIC)
		block = ports_deterministic(&nat->ports, &nat->options, &h->address, &address);
	if (block != NAT_NONE)
		json_array_append_new(blocks, json_ports(&nat->ports.addresses[address],
							 ports_block(&nat->ports, block)));
	return blocks;
}

/* The external address that is its own, or the one it is paired with. */
static json_t *json_paired(const struct nat *nat, const struct host *h)
{
	const struct pair_list *pairs = &nat->options.pairs;

	for (uint32_t i = 0; i < pairs->count; i++)
		if (addr_equal(&pairs->pairs[i].internal, &h->address))
			return json_of_addr(&pairs->pairs[i].external);
	return addr_is_ip4(&h->external) ? json_of_addr(&h->external) : json_null();
}

static json_t *json_host(const struct daemon *d, uint32_t n)
{
	const struct host *h = host_at(&d->nat.hosts, n);
	const struct options *o = &d->nat.options;
	uint64_t mappings[NAT_PROTOCOLS], sessions[NAT_PROTOCOLS];
	json_t *host = json_object();

	for (int p = 0; p < NAT_PROTOCOLS; p++) {
		mappings[p] = o->protocol[p].max_mappings_per_host;
		sessions[p] = o->protocol[p].max_sessions_per_host;
	}
	member_put(host, "id", json_of_count(n));
	member_put(host, "address", json_of_addr(&h->address));
	member_put(host, "external", json_paired(&d->nat, h));
	member_put(host, "mappings", json_uses(h->mappings, o->max_mappings_per_host, mappings));
	member_put(host, "sessions", json_uses(h->sessions, o->max_sessions_per_host, sessions));
	member_put(host, "blocks", json_blocks(&d->nat, h));
	return host;
}

/* --- lists --------------------------------------------------------------------------------- */

struct listing {
	const char *name; /* of the array in the answer */
	const struct arena *arena;
	/* The record as JSON; NULL if it is over. */
	json_t *(*describe)(const struct daemon *d, uint32_t n);
	/* What that costs. */
	uint32_t (*steps)(const struct daemon *d, uint32_t n);
};

static uint32_t steps_of_mapping(const struct daemon *d, uint32_t n)
{
	return STEPS_RECORD + mapping_at(&d->nat.mappings, n)->sessions;
}

static uint32_t steps_of_session(const struct daemon *d, uint32_t n)
{
	(void)d;
	(void)n;
	return STEPS_RECORD;
}

static uint32_t steps_of_host(const struct daemon *d, uint32_t n)
{
	return STEPS_HOST + STEPS_BLOCK * host_at(&d->nat.hosts, n)->block_count;
}

/*
 * One page of the live records from number `cursor` on. It ends early where it has cost enough: a
 * packet that comes now waits for all of it.
 */
static json_t *list(const struct daemon *d, const struct listing *l, json_t *params)
{
	uint32_t n = params_number(params, "cursor"), limit = params_number(params, "limit");
	json_t *page = json_array();
	uint64_t steps = 0;

	for (; n < l->arena->used && limit > 0 && steps < PAGE_STEPS; n++, steps++) {
		json_t *record;

		if (!arena_is_live(l->arena, n))
			continue;
		steps += l->steps(d, n);
		record = l->describe(d, n);
		if (record == NULL)
			continue;
		json_array_append_new(page, record);
		limit--;
	}
	return json_pack("{s:o, s:o}", l->name, page, "next",
			 n < l->arena->used ? json_of_count(n) : json_null());
}

json_t *method_mappings_list(struct daemon *d, json_t *params, struct failure *failure)
{
	const struct listing l = { "mappings", &d->nat.mappings.arena, json_of_mapping,
				   steps_of_mapping };

	(void)failure;
	return list(d, &l, params);
}

json_t *method_sessions_list(struct daemon *d, json_t *params, struct failure *failure)
{
	const struct listing l = { "sessions", &d->nat.sessions.arena, json_session,
				   steps_of_session };

	(void)failure;
	return list(d, &l, params);
}

json_t *method_hosts_list(struct daemon *d, json_t *params, struct failure *failure)
{
	const struct listing l = { "hosts", &d->nat.hosts.arena, json_host, steps_of_host };

	(void)failure;
	return list(d, &l, params);
}

/* --- removal ------------------------------------------------------------------------------- */

/* What a selection points to. */
struct selected {
	struct nat_selection selection;
	struct addr host;
	struct endpoint external;
};

static void read_selection(json_t *params, struct selected *s)
{
	const char *host = json_string_value(json_object_get(params, "host"));
	const char *external = json_string_value(json_object_get(params, "external"));

	s->selection = (struct nat_selection){
		.mapping = NAT_NONE,
		.protocol = params_protocol(params),
	};
	if (host != NULL && addr_parse(host, &s->host) == 0)
		s->selection.host = &s->host;
	if (external != NULL && endpoint_parse(external, &s->external) == 0)
		s->selection.external = &s->external;
	if (json_object_get(params, "mapping") != NULL)
		s->selection.mapping = params_number(params, "mapping");
}

json_t *method_mappings_flush(struct daemon *d, json_t *params, struct failure *failure)
{
	struct selected s;
	uint32_t flushed = 0, at = 0;

	if (json_object_size(params) == 0)
		return failure_set(failure, RPC_INVALID_PARAMS,
				   "which mappings? Give all, or one or more of host, protocol, "
				   "external and mapping");
	if (json_object_get(params, "all") != NULL && json_object_size(params) > 1)
		return failure_set(failure, RPC_INVALID_PARAMS,
				   "all: true is needed, and no other parameter with it");
	read_selection(params, &s);
	nat_flush_begin(&d->nat, d->now);
	while (at < d->nat.mappings.arena.used) {
		flushed += nat_flush_some(&d->nat, &s.selection, &at);
		eventlog_take(&d->eventlog, &d->nat);
	}
	if (flushed == 0 && s.selection.mapping != NAT_NONE)
		return failure_set(failure, RPC_FAILED,
				   "there is no mapping %u for which all of this holds",
				   s.selection.mapping);
	return json_pack("{s:o}", "flushed", json_of_count(flushed));
}
