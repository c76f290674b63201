/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * port_pick.c - which external endpoint a new mapping gets
 *
 * First the address (pooling), then the ports there that are allowed (range, class, blocks), then
 * one of them that is free, by the strategy of the knob. Where ports overlap, "free" also means
 * taken by mappings that do not use it towards this remote.
 */
#include "nat/core/steps.h"

enum {
	TRIES = 128,		 /* draws at random before a search from one end to the other */
	LARGEST_INCREMENT = 500, /* RFC 6056 section 3.3.5's N */
};

struct pick {
	struct nat *nat;
	enum nat_protocol protocol;
	const struct protocol_options *options;
	const struct endpoint *internal, *remote;
	uint32_t host;
	uint32_t address; /* place in the pool */
	struct port_map *map;
	uint64_t parity;
};

static struct endpoint endpoint_at(const struct pick *p, uint16_t port)
{
	return (struct endpoint){ .addr = p->nat->ports.addresses[p->address], .port = port };
}

/* Taken, but only by mappings that leave it free towards this remote? (RFC 7857 section 3) */
static bool is_shareable(const struct pick *p, uint16_t port)
{
	struct endpoint external = endpoint_at(p, port);

	uint32_t n;

	if (p->options->overlap == SWITCH_OFF || !addr_is_ip4(&p->remote->addr))
		return false; /* who asks for all remotes cannot share */
	if (lifetime_leased_external(p->nat, p->protocol, &external, p->nat->now) != NAT_NONE)
		return false; /* who has got them all does not */
	n = session_find_external(&p->nat->sessions, p->protocol, &external, p->remote);
	if (lifetime_live_session(p->nat, n, p->nat->now) != NAT_NONE)
		return false;
	/* With what was over, the last mapping may have gone and the port be free. */
	n = lifetime_live_external(p->nat, p->protocol, &external, p->nat->now);
	return n != NAT_NONE || !port_map_is_taken(p->map, port);
}

static bool is_usable(const struct pick *p, struct port_range range, uint32_t port)
{
	if (port < range.first || port > range.last || !(p->parity >> (port % 64) & 1))
		return false;
	if (!port_map_is_taken(p->map, (uint16_t)port))
		return true;
	return !port_map_is_fixed(p->map, (uint16_t)port) && is_shareable(p, (uint16_t)port);
}

/* --- random: RFC 6056 section 3.3 ------------------------------------------------------------ */

static uint32_t hash_remote(const struct pick *p, enum nat_protocol salt)
{
	const struct endpoint own = endpoint_at(p, 0);

	return tuple_hash(&p->nat->mappings.key, salt, &own, p->remote);
}

/* Where a random pick starts to look, counted from the start of the range. */
static uint32_t draw(struct pick *p, uint32_t width)
{
	struct ports *ports = &p->nat->ports;

	switch (p->options->random) {
	case RANDOM_SIMPLE:
	case RANDOM_REDRAW:
		break;
	case RANDOM_HASH:
		return (hash_remote(p, NAT_UDP) + ports->sequence++) % width;
	case RANDOM_DOUBLE_HASH:
		return (hash_remote(p, NAT_UDP) +
			ports->sequences[hash_remote(p, NAT_TCP) % PORTS_SEQUENCES]++) %
		       width;
	case RANDOM_INCREMENTS:
		if (p->map->random == 0)
			p->map->random = 1 + rng_below(&p->nat->rng, width);
		else
			p->map->random += 1 + rng_below(&p->nat->rng, LARGEST_INCREMENT);
		return (p->map->random - 1) % width;
	}
	return rng_below(&p->nat->rng, width);
}

static uint16_t pick_random(struct pick *p, struct port_range range)
{
	uint32_t width = (uint32_t)range.last - range.first + 1;
	uint32_t start = range.first + draw(p, width);

	for (int i = 0; i < TRIES && p->options->random == RANDOM_REDRAW; i++) {
		if (is_usable(p, range, start))
			return (uint16_t)start;
		start = range.first + draw(p, width);
	}
	for (uint32_t i = 0; i < TRIES && p->options->overlap == SWITCH_ON; i++) {
		uint32_t port = range.first + (start - range.first + i) % width;

		if (is_usable(p, range, port))
			return (uint16_t)port;
	}
	return port_map_find(p->map, range, (uint16_t)start, p->parity);
}

/* --- the other strategies ------------------------------------------------------------------- */

static uint16_t pick_sequential(struct pick *p, struct port_range range)
{
	uint32_t start = p->map->next;
	uint16_t port;

	if (start < range.first || start > range.last)
		start = range.first;
	port = port_map_find(p->map, range, (uint16_t)start, p->parity);
	p->map->next = (uint32_t)port + 1;
	return port;
}

/* The internal port itself where it is free and allowed, else any (RFC 4787 section 4.2.1). */
static uint16_t pick_preserve(struct pick *p, struct port_range range)
{
	if (is_usable(p, range, p->internal->port))
		return p->internal->port;
	return pick_random(p, range);
}

/* The mapping that the internal port @step away has on this address, if any. */
static const struct mapping *neighbour(const struct pick *p, int step)
{
	struct endpoint internal = { .addr = p->internal->addr,
				     .port = (uint16_t)(p->internal->port + step) };
	struct endpoint part = mapping_remote_part(p->options->mapping, p->remote);
	uint32_t n = mapping_find_internal(&p->nat->mappings, p->protocol, &internal, &part);
	const struct mapping *m;

	n = lifetime_live_mapping(p->nat, n, p->nat->now);
	if (n == NAT_NONE)
		return NULL;
	m = mapping_at(&p->nat->mappings, n);
	return addr_equal(&m->external.addr, &p->nat->ports.addresses[p->address]) ? m : NULL;
}

/* Beside the port of its neighbour, as RTP and RTCP are (RFC 4787 section 4.2.3). */
static uint16_t pick_contiguous(struct pick *p, struct port_range range)
{
	for (int step = -1; step <= 1; step += 2) {
		const struct mapping *m = neighbour(p, step);
		uint32_t port = m != NULL ? (uint32_t)(m->external.port - step) : 0;

		if (port != 0 && is_usable(p, range, port))
			return (uint16_t)port;
	}
	return pick_random(p, range);
}

/* A fault: always the internal port, and whoever had it has it no more. */
static uint16_t pick_overload(struct pick *p)
{
	struct endpoint external = endpoint_at(p, p->internal->port);
	uint32_t n;

	if (external.port == 0 || port_map_is_fixed(p->map, external.port))
		return 0;
	while ((n = mapping_find_external(&p->nat->mappings, p->protocol, &external)) != NAT_NONE)
		lifetime_remove_mapping(p->nat, n, CAUSE_REPLACED);
	return port_map_is_taken(p->map, external.port) ? 0 : external.port;
}

static uint16_t pick_in(struct pick *p, struct port_range range)
{
	switch (p->options->ports) {
	case PORTS_RANDOM:
		return pick_random(p, range);
	case PORTS_PRESERVE:
		return pick_preserve(p, range);
	case PORTS_SEQUENTIAL:
		return pick_sequential(p, range);
	case PORTS_CONTIGUOUS:
		return pick_contiguous(p, range);
	case PORTS_OVERLOAD:
		return pick_overload(p);
	case PORTS_PRESERVE_ONLY:
		return is_usable(p, range, p->internal->port) ? p->internal->port : 0;
	}
	return 0;
}

/* --- which ports are allowed ---------------------------------------------------------------- */

static struct port_range at_least(struct port_range range, uint16_t first)
{
	if (range.first < first)
		range.first = first;
	return range;
}

/* The ports below 1024 that @port keeps to; those of the range if it has any, else all there are. */
static struct port_range low_class(const struct protocol_options *o, uint16_t port)
{
	struct port_range low = { .first = 1, .last = 1023 };

	if (o->range_class != RANGE_KEEP && port < 512)
		low.last = 511;
	else if (o->range_class == RANGE_LINUX)
		low.first = 600;
	else if (o->range_class == RANGE_CISCO)
		low.first = 512;
	if (o->port_range.first <= low.last && o->port_range.first > low.first)
		low.first = o->port_range.first;
	return low;
}

/* RFC 4787 REQ-3a, and the classes devices have. */
static struct port_range allowed_range(const struct pick *p)
{
	const struct protocol_options *o = p->options;

	if (o->range_class == RANGE_IGNORE)
		return o->port_range;
	return p->internal->port < 1024 ? low_class(o, p->internal->port)
					: at_least(o->port_range, 1024);
}

static void report_block(const struct pick *p, enum event_type type, struct port_range block,
			 struct mono now)
{
	const struct nat_event event = {
		.at = now,
		.type = type,
		.internal = p->internal->addr,
		.external = endpoint_at(p, block.first),
		.last = block.last,
		.session = NAT_NONE,
	};

	if (type == EVENT_BLOCK_OVERFLOW)
		event_add(&p->nat->events, &event);
	else
		lifetime_tell_block(p->nat, &event);
}

/* From the host's own blocks, and a further one if they are full (RFC 6888 REQ-14). */
static uint16_t pick_dynamic_block(struct pick *p, struct mono now)
{
	struct ports *ports = &p->nat->ports;
	struct host *host = host_at(&p->nat->hosts, p->host);
	struct port_range block;
	struct endpoint first;
	uint32_t number;
	uint16_t port;

	for (uint32_t i = 0; i < host->block_count; i++) {
		if (!addr_equal(&host->blocks[i].addr, &ports->addresses[p->address]))
			continue;
		block = (struct port_range){ .first = host->blocks[i].port,
					     .last = (uint16_t)(host->blocks[i].port +
								ports->block_size - 1) };
		port = pick_in(p, block);
		if (port != 0)
			return port;
	}
	if (host->block_count >= p->nat->options.blocks.per_host || ports->blocks == 0)
		return 0;
	number = ports_take_block(ports, p->address, rng_below(&p->nat->rng, ports->blocks),
				  p->host);
	if (number == NAT_NONE)
		return 0;
	block = ports_block(ports, number);
	first = endpoint_at(p, block.first);
	port = pick_in(p, block);
	if (port == 0) { /* all reserved, or no port as it must be: of no use */
		ports_release_block(ports, &first);
		return 0;
	}
	host->blocks[host->block_count++] = first;
	report_block(p, EVENT_BLOCK_ALLOCATED, block, now);
	return port;
}

/* From the block that the formula gives the host, or from what is kept for all (RFC 7422). */
static uint16_t pick_deterministic(struct pick *p, uint32_t block, struct mono now)
{
	struct port_range overflow;
	uint16_t port = pick_in(p, ports_block(&p->nat->ports, block));

	if (port != 0 || !ports_overflow(&p->nat->ports, &p->nat->options, &overflow))
		return port;
	port = pick_in(p, overflow);
	if (port != 0)
		report_block(p, EVENT_BLOCK_OVERFLOW, (struct port_range){ port, port }, now);
	return port;
}

/* --- which address -------------------------------------------------------------------------- */

static bool take(struct pick *p, uint16_t port, struct endpoint *external)
{
	if (port == 0)
		return false;
	port_map_take(p->map, port); /* a shared one is taken already */
	*external = endpoint_at(p, port);
	return true;
}

static void look_at(struct pick *p, uint32_t address)
{
	p->address = address;
	p->map = ports_map(&p->nat->ports, address, p->protocol);
}

static enum nat_reason pick_by_formula(struct pick *p, struct endpoint *external, struct mono now)
{
	struct ports *ports = &p->nat->ports;
	uint32_t address, block;

	block = ports_deterministic(ports, &p->nat->options, &p->internal->addr, &address);
	if (block == NAT_NONE)
		return REASON_NO_BLOCK;
	look_at(p, address);
	return take(p, pick_deterministic(p, block, now), external) ? REASON_MAPPING_CREATED
								    : REASON_BLOCK_EXHAUSTED;
}

/* Where the formula puts the host, if it does; else the address it is paired with; else a hash of
 * the host, the same for all its mappings. */
static uint32_t paired_address(const struct nat *nat, uint32_t host)
{
	const struct host *h = host_at(&nat->hosts, host);
	const struct endpoint self = { .addr = h->address };
	uint32_t address;

	if (nat->options.blocks.behavior == BLOCKS_DETERMINISTIC &&
	    ports_deterministic(&nat->ports, &nat->options, &h->address, &address) != NAT_NONE)
		return address;
	address = ports_find(&nat->ports, &h->external);
	if (address != NAT_NONE)
		return address;
	return tuple_hash(&nat->mappings.key, NAT_UDP, &self, &self) % nat->ports.count;
}

const struct addr *port_pick_address(const struct nat *nat, uint32_t host)
{
	return &nat->ports.addresses[paired_address(nat, host)];
}

static uint16_t pick_at(struct pick *p, struct mono now)
{
	if (p->protocol == NAT_OTHER) {
		struct port_range number = { p->internal->port, p->internal->port };

		return is_usable(p, number, number.first) ? number.first : 0;
	}
	if (p->nat->options.blocks.behavior == BLOCKS_DYNAMIC)
		return pick_dynamic_block(p, now);
	return pick_in(p, allowed_range(p));
}

enum nat_reason port_pick(struct nat *nat, enum nat_protocol protocol,
			  const struct endpoint *internal, const struct endpoint *remote,
			  uint32_t host, struct mono now, struct endpoint *external)
{
	struct pick p = {
		.nat = nat,
		.protocol = protocol,
		.options = &nat->options.protocol[protocol],
		.internal = internal,
		.remote = remote,
		.host = host,
		.parity = PORTS_ALL,
	};
	enum pooling_behavior pooling = nat->options.pooling;
	uint32_t count = nat->ports.count, first;

	if (count == 0)
		return REASON_PORTS_EXHAUSTED;
	if (p.options->parity == SWITCH_ON)
		p.parity = internal->port % 2 != 0 ? PORTS_ODD : PORTS_EVEN;
	if (nat->options.blocks.behavior == BLOCKS_DETERMINISTIC && protocol != NAT_OTHER)
		return pick_by_formula(&p, external, now);
	first = pooling == POOLING_ARBITRARY ? rng_below(&nat->rng, count)
					     : paired_address(nat, host);
	for (uint32_t i = 0; i < (pooling == POOLING_PAIRED ? 1 : count); i++) {
		look_at(&p, (first + i) % count);
		if (!take(&p, pick_at(&p, now), external))
			continue;
		if (i == 0)
			host_at(&nat->hosts, host)->external = external->addr;
		return REASON_MAPPING_CREATED;
	}
	/* Blocks divide ports: other protocols have none. */
	return nat->options.blocks.behavior == BLOCKS_DYNAMIC && protocol != NAT_OTHER
		       ? REASON_BLOCK_EXHAUSTED
		       : REASON_PORTS_EXHAUSTED;
}

/* --- on request ----------------------------------------------------------------------------- */

static bool is_in(struct port_range range, uint16_t port)
{
	return port >= range.first && port <= range.last;
}

/* May the host have @port of p->address, if it is free? Who asks for one by number may ask across the
 * classes that a packet's port keeps to: a server on 80 as 8080. */
static bool may_have(const struct pick *p, uint16_t port)
{
	const struct ports *ports = &p->nat->ports;
	const struct endpoint external = endpoint_at(p, port);
	uint32_t address, block;

	switch (p->nat->options.blocks.behavior) {
	case BLOCKS_OFF:
		break;
	case BLOCKS_DYNAMIC:
		return ports_block_owner(ports, &external) == p->host;
	case BLOCKS_DETERMINISTIC:
		block = ports_deterministic(ports, &p->nat->options, &p->internal->addr, &address);
		return block != NAT_NONE && address == p->address &&
		       is_in(ports_block(ports, block), port);
	}
	return is_in(p->options->port_range, port) || is_in(allowed_range(p), port);
}

/* Who had @port and is over does not stand in the way, nor who had it by the other protocol. */
static void leave_by_those_over(const struct pick *p, uint16_t port)
{
	const struct endpoint external = endpoint_at(p, port);

	lifetime_live_external(p->nat, p->protocol, &external, p->nat->now);
	if (p->nat->ports.shared)
		lifetime_live_external(p->nat, sibling_of(p->protocol), &external, p->nat->now);
}

bool port_pick_wished(struct nat *nat, enum nat_protocol protocol, const struct endpoint *internal,
		      const struct endpoint *wished, uint32_t host, struct endpoint *external)
{
	struct pick p = {
		.nat = nat,
		.protocol = protocol,
		.options = &nat->options.protocol[protocol],
		.internal = internal,
		.host = host,
	};
	uint32_t paired, address;

	if (wished->port == 0 || nat->ports.count == 0)
		return false;
	address = paired = paired_address(nat, host);
	if (addr_is_ip4(&wished->addr))
		address = ports_find(&nat->ports, &wished->addr);
	if (address == NAT_NONE || (address != paired && nat->options.pooling == POOLING_PAIRED))
		return false;
	look_at(&p, address);
	if (!may_have(&p, wished->port))
		return false;
	leave_by_those_over(&p, wished->port);
	if (port_map_is_taken(p.map, wished->port))
		return false;
	if (address == paired)
		host_at(&nat->hosts, host)->external = nat->ports.addresses[address];
	return take(&p, wished->port, external);
}
