/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/core/nat.h"

#include <string.h>

#include "nat/core/steps.h"

int nat_init(struct nat *nat, const struct options *options, const struct siphash_key *key)
{
	int err;

	memset(nat, 0, sizeof(*nat));
	nat->options = *options;
	rng_init(&nat->rng, key);
	err = ports_init(&nat->ports, &options->external);
	if (err < 0)
		return err;
	err = mapping_table_init(&nat->mappings, (uint32_t)options->max_mappings, key);
	if (err < 0)
		goto fini_ports;
	err = session_table_init(&nat->sessions, (uint32_t)options->max_sessions, &nat->mappings);
	if (err < 0)
		goto fini_mappings;
	return 0;

fini_mappings:
	mapping_table_fini(&nat->mappings);
fini_ports:
	ports_fini(&nat->ports);
	return err;
}

void nat_fini(struct nat *nat)
{
	session_table_fini(&nat->sessions);
	mapping_table_fini(&nat->mappings);
	ports_fini(&nat->ports);
}

/* Take over @fresh as the pool: mappings on addresses that are gone go with them. */
static void change_pool(struct nat *nat, struct ports *fresh)
{
	for (uint32_t n = 0; n < nat->mappings.arena.used; n++) {
		const struct mapping *m = mapping_at(&nat->mappings, n);
		uint32_t address;

		if (!arena_is_live(&nat->mappings.arena, n))
			continue;
		address = ports_find(fresh, &m->external.addr);
		if (address == NAT_NONE)
			lifetime_remove_mapping(nat, n);
		else
			port_map_take(ports_map(fresh, address, (enum nat_protocol)m->protocol),
				      m->external.port);
	}
	ports_fini(&nat->ports);
	nat->ports = *fresh;
}

static bool same_pool(const struct external_list *a, const struct external_list *b)
{
	return a->count == b->count &&
	       memcmp(a->ranges, b->ranges, a->count * sizeof(a->ranges[0])) == 0;
}

int nat_configure(struct nat *nat, const struct options *options)
{
	bool new_pool = !same_pool(&options->external, &nat->options.external);
	struct ports fresh;
	int err;

	err = mapping_table_set_limit(&nat->mappings, (uint32_t)options->max_mappings);
	if (err == 0)
		err = session_table_set_limit(&nat->sessions, (uint32_t)options->max_sessions);
	if (err == 0 && new_pool)
		err = ports_init(&fresh, &options->external);
	if (err < 0) {
		/* Going back to smaller limits never fails. */
		mapping_table_set_limit(&nat->mappings, (uint32_t)nat->options.max_mappings);
		session_table_set_limit(&nat->sessions, (uint32_t)nat->options.max_sessions);
		return err;
	}
	if (new_pool)
		change_pool(nat, &fresh);
	nat->options = *options;
	return 0;
}

void nat_reseed(struct nat *nat, const struct siphash_key *key)
{
	rng_init(&nat->rng, key);
}

static enum nat_reason parse_reason(enum packet_error err)
{
	switch (err) {
	case PACKET_OK:
	case PACKET_CUT:
		return REASON_CUT;
	case PACKET_NO_IP_HEADER:
		return REASON_IP_HEADER;
	case PACKET_NOT_IPV4:
		return REASON_NOT_IPV4;
	case PACKET_BAD_TOTAL_LENGTH:
		return REASON_TOTAL_LENGTH;
	case PACKET_SHORT_TRANSPORT:
		return REASON_TRANSPORT_SHORT;
	case PACKET_BAD_TRANSPORT_LENGTH:
		return REASON_TRANSPORT_LENGTH;
	}
	return REASON_CUT;
}

/* One of the protocols with a table of its own, on its way in the direction it comes from. */
static struct nat_outcome translate_flow(struct nat *nat, struct packet *pkt,
					 enum nat_protocol protocol, enum nat_side from,
					 struct mono now)
{
	if (protocol != NAT_ICMP && (pkt->source.port == 0 || pkt->destination.port == 0))
		return drop(REASON_PORT_ZERO);
	return from == NAT_INTERNAL ? outbound_translate(nat, pkt, protocol, now)
				    : inbound_translate(nat, pkt, protocol, now);
}

static struct nat_outcome translate(struct nat *nat, struct packet *pkt, enum nat_side from,
				    struct mono now)
{
	enum packet_error err;

	if (from == NAT_NOWHERE)
		return drop(REASON_WRONG_INTERFACE);
	err = packet_parse(pkt);
	if (err != PACKET_OK)
		return drop(parse_reason(err));
	if (!addr_is_unicast(&pkt->source.addr) || !addr_is_unicast(&pkt->destination.addr))
		return drop(REASON_NOT_UNICAST);
	if (pkt->address_options)
		return drop(REASON_ADDRESS_OPTION);
	if (pkt->fragment)
		return drop(REASON_FRAGMENT);
	switch (pkt->protocol) {
	case PACKET_UDP:
		return translate_flow(nat, pkt, NAT_UDP, from, now);
	case PACKET_TCP:
		return translate_flow(nat, pkt, NAT_TCP, from, now);
	case PACKET_ICMP:
		if (packet_is_icmp_query(pkt))
			return translate_flow(nat, pkt, NAT_ICMP, from, now);
		if (packet_is_icmp_error(pkt))
			return icmp_error_translate(nat, pkt, from, now);
		return drop(REASON_ICMP_TYPE);
	default:
		return drop(REASON_PROTOCOL);
	}
}

struct nat_outcome nat_process(struct nat *nat, struct packet *pkt, enum nat_side from,
			       struct mono now)
{
	struct nat_outcome outcome = translate(nat, pkt, from, now);

	nat->counters[outcome.reason]++;
	if (outcome.verdict == NAT_REWRITTEN)
		packet_finish(pkt);
	return outcome;
}

/* The list whose head is due first, or TIMEOUT_CLASSES if all are empty. */
static int next_due(const struct nat *nat, struct mono *due)
{
	int next = TIMEOUT_CLASSES;

	*due = MONO_NEVER;
	for (int list = 0; list < TIMEOUT_CLASSES; list++) {
		uint32_t head = nat->sessions.expiry[list].head;
		struct mono at;

		if (head == NAT_NONE)
			continue;
		at = session_expiry(session_at(&nat->sessions, head), &nat->options);
		if (at.ms < due->ms) {
			*due = at;
			next = list;
		}
	}
	return next;
}

struct mono nat_tick(struct nat *nat, struct mono now, unsigned int budget)
{
	struct mono due;
	int list;

	list = next_due(nat, &due);
	for (; list < TIMEOUT_CLASSES && mono_reached(now, due) && budget > 0; budget--) {
		lifetime_remove_session(nat, nat->sessions.expiry[list].head);
		list = next_due(nat, &due);
	}
	return due;
}

static bool is_selected(const struct nat_selection *which, uint32_t n, const struct mapping *m)
{
	return (which->mapping == NAT_NONE || which->mapping == n) &&
	       (which->protocol == NAT_PROTOCOLS || which->protocol == m->protocol) &&
	       (which->host == NULL || addr_equal(which->host, &m->internal.addr)) &&
	       (which->external == NULL || endpoint_equal(which->external, &m->external));
}

uint32_t nat_flush(struct nat *nat, const struct nat_selection *which, struct mono now)
{
	uint32_t flushed = 0;

	for (uint32_t n = 0; n < nat->mappings.arena.used; n++) {
		if (!arena_is_live(&nat->mappings.arena, n) ||
		    !is_selected(which, n, mapping_at(&nat->mappings, n)))
			continue;
		flushed += !mono_reached(now, nat_mapping_expiry(nat, n));
		lifetime_remove_mapping(nat, n);
	}
	return flushed;
}

uint32_t nat_mapping_latest(const struct nat *nat, uint32_t n)
{
	uint32_t latest = mapping_at(&nat->mappings, n)->first_session;

	for (uint32_t s = latest; s != NAT_NONE; s = session_at(&nat->sessions, s)->mapping_next)
		if (session_at(&nat->sessions, s)->last_use.ms >
		    session_at(&nat->sessions, latest)->last_use.ms)
			latest = s;
	return latest;
}

struct mono nat_mapping_expiry(const struct nat *nat, uint32_t n)
{
	uint32_t s = mapping_at(&nat->mappings, n)->first_session;
	struct mono longest = { .ms = INT64_MIN };

	for (; s != NAT_NONE; s = session_at(&nat->sessions, s)->mapping_next) {
		struct mono end = session_expiry(session_at(&nat->sessions, s), &nat->options);

		if (end.ms > longest.ms)
			longest = end;
	}
	return longest;
}
