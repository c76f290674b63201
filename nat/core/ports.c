/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/core/ports.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int compare_addresses(const void *a, const void *b)
{
	return addr_compare(a, b);
}

static void fix_range(struct port_map *map, const struct port_range *range)
{
	for (uint32_t port = range->first; port <= range->last; port++)
		port_map_fix(map, (uint16_t)port);
}

/* What no mapping may have: the router's own ports, and those that forwards lead through. */
static void fix_ports(struct ports *ports, const struct options *o)
{
	for (uint32_t a = 0; a < ports->count; a++) {
		for (uint32_t i = 0; i < o->reserved.count; i++) {
			fix_range(ports_map(ports, a, NAT_UDP), &o->reserved.ranges[i]);
			fix_range(ports_map(ports, a, NAT_TCP), &o->reserved.ranges[i]);
		}
		for (uint32_t i = 0; i < o->forwards.count; i++) {
			const struct forward *f = &o->forwards.forwards[i];

			if (f->any_address || addr_equal(&f->external, &ports->addresses[a]))
				fix_range(ports_map(ports, a, (enum nat_protocol)f->protocol),
					  &f->ports);
		}
	}
}

static uint64_t hosts_in(const struct addr_range *range)
{
	return (uint64_t)addr_ip4(&range->last) - addr_ip4(&range->first) + 1;
}

/* RFC 7422's C: how many internal hosts share one external address. */
static uint64_t compression(const struct ports *ports, const struct options *o)
{
	return (hosts_in(&o->blocks.internal) + ports->count - 1) / ports->count;
}

static int init_blocks(struct ports *ports, const struct options *o)
{
	const uint32_t room = 65536 - PORTS_BLOCKS_FIRST;
	uint64_t parts;

	if (o->blocks.behavior == BLOCKS_OFF || ports->count == 0)
		return 0;
	if (o->blocks.behavior == BLOCKS_DETERMINISTIC) {
		parts = compression(ports, o) + o->blocks.overflow;
		ports->block_size = parts > room ? 0 : (uint32_t)(room / parts);
	} else {
		ports->block_size = o->blocks.size > room ? room : (uint32_t)o->blocks.size;
	}
	if (ports->block_size == 0)
		return 0; /* more hosts than ports: nobody has a block */
	ports->blocks = room / ports->block_size;
	ports->owners = calloc((size_t)ports->count * ports->blocks, sizeof(*ports->owners));
	return ports->owners != NULL ? 0 : -ENOMEM;
}

static int init_resting(struct ports *ports, const struct options *o)
{
	ports->resting_room = (uint32_t)o->max_resting_ports;
	for (int p = 0; p < NAT_OTHER; p++) {
		ports->resting[p].ring = calloc(ports->resting_room, sizeof(struct resting_port));
		if (ports->resting[p].ring == NULL)
			return -ENOMEM;
	}
	return 0;
}

static int init_addresses(struct ports *ports, const struct options *o)
{
	const struct external_list *list = &o->external;

	ports->addresses = calloc(OPTIONS_ADDRESSES_MAX, sizeof(*ports->addresses));
	if (ports->addresses == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < list->count; i++) {
		uint32_t last = addr_ip4(&list->ranges[i].last);

		for (uint32_t ip = addr_ip4(&list->ranges[i].first);
		     ip <= last && ports->count < OPTIONS_ADDRESSES_MAX; ip++) {
			struct addr address = addr_from_ip4(ip);

			if (!options_is_paired(o, &address))
				ports->addresses[ports->count++] = address;
		}
	}
	qsort(ports->addresses, ports->count, sizeof(*ports->addresses), compare_addresses);
	ports->maps = calloc((size_t)ports->count * NAT_PROTOCOLS + 1, sizeof(*ports->maps));
	return ports->maps != NULL ? 0 : -ENOMEM;
}

int ports_init(struct ports *ports, const struct options *o)
{
	int err;

	memset(ports, 0, sizeof(*ports));
	ports->shared = o->scope == SCOPE_SHARED;
	err = init_addresses(ports, o);
	if (err == 0)
		err = init_blocks(ports, o);
	if (err == 0)
		err = init_resting(ports, o);
	if (err < 0) {
		ports_fini(ports);
		return err;
	}
	fix_ports(ports, o);
	return 0;
}

void ports_fini(struct ports *ports)
{
	free(ports->addresses);
	free(ports->maps);
	free(ports->owners);
	for (int p = 0; p < NAT_OTHER; p++)
		free(ports->resting[p].ring);
	memset(ports, 0, sizeof(*ports));
}

bool ports_same(const struct options *a, const struct options *b)
{
	return memcmp(&a->external, &b->external, sizeof(a->external)) == 0 &&
	       memcmp(&a->reserved, &b->reserved, sizeof(a->reserved)) == 0 &&
	       memcmp(&a->forwards, &b->forwards, sizeof(a->forwards)) == 0 &&
	       memcmp(&a->pairs, &b->pairs, sizeof(a->pairs)) == 0 &&
	       memcmp(&a->blocks, &b->blocks, sizeof(a->blocks)) == 0 &&
	       a->max_resting_ports == b->max_resting_ports && a->scope == b->scope;
}

uint32_t ports_find(const struct ports *ports, const struct addr *address)
{
	const struct addr *at;
	uint32_t guess;

	if (ports->count == 0)
		return NAT_NONE;
	/* Every packet asks, and most pools are one range. */
	guess = addr_ip4(address) - addr_ip4(&ports->addresses[0]);
	if (guess < ports->count && addr_equal(address, &ports->addresses[guess]))
		return guess;
	if (addr_compare(address, &ports->addresses[0]) < 0 ||
	    addr_compare(address, &ports->addresses[ports->count - 1]) > 0)
		return NAT_NONE;
	at = bsearch(address, ports->addresses, ports->count, sizeof(*address), compare_addresses);
	return at != NULL ? (uint32_t)(at - ports->addresses) : NAT_NONE;
}

struct port_map *ports_map(const struct ports *ports, uint32_t address, enum nat_protocol protocol)
{
	if (ports->shared && protocol == NAT_TCP)
		protocol = NAT_UDP;
	return &ports->maps[address * NAT_PROTOCOLS + protocol];
}

bool port_map_take(struct port_map *map, uint16_t port)
{
	uint64_t *word = &map->taken[port / 64];
	uint64_t bit = 1ULL << (port % 64);

	if (port == 0 || (*word & bit))
		return false;
	*word |= bit;
	if (*word == UINT64_MAX)
		map->full[port / 64 / 64] |= 1ULL << (port / 64 % 64);
	map->count++;
	return true;
}

bool port_map_is_taken(const struct port_map *map, uint16_t port)
{
	return (map->taken[port / 64] >> (port % 64) & 1) != 0;
}

bool port_map_is_fixed(const struct port_map *map, uint16_t port)
{
	return (map->fixed[port / 64] >> (port % 64) & 1) != 0;
}

void port_map_fix(struct port_map *map, uint16_t port)
{
	port_map_take(map, port);
	map->fixed[port / 64] |= 1ULL << (port % 64);
}

void port_map_release(struct port_map *map, uint16_t port)
{
	map->taken[port / 64] &= ~(1ULL << (port % 64));
	map->full[port / 64 / 64] &= ~(1ULL << (port / 64 % 64));
	map->count--;
}

/* First word from @word on that has a free port; PORTS_WORDS if there is none. */
static uint32_t next_free_word(const struct port_map *map, uint32_t word)
{
	uint32_t group = word / 64;
	uint64_t open = ~map->full[group] & (UINT64_MAX << (word % 64));

	while (open == 0) {
		if (++group == PORTS_WORDS / 64)
			return PORTS_WORDS;
		open = ~map->full[group];
	}
	return group * 64 + (uint32_t)__builtin_ctzll(open);
}

/* First free port from @first to @last, 0 if there is none. */
static uint16_t find_ascending(const struct port_map *map, uint32_t first, uint32_t last,
			       uint64_t parity)
{
	uint64_t from = UINT64_MAX << (first % 64);

	for (uint32_t word = first / 64; word <= last / 64; word = next_free_word(map, word + 1)) {
		uint64_t open = ~map->taken[word] & parity & from;

		from = UINT64_MAX;
		if (open != 0) {
			uint32_t port = word * 64 + (uint32_t)__builtin_ctzll(open);

			return port <= last ? (uint16_t)port : 0;
		}
		if (word + 1 == PORTS_WORDS)
			break;
	}
	return 0;
}

uint16_t port_map_find(const struct port_map *map, struct port_range range, uint16_t start,
		       uint64_t parity)
{
	uint16_t port = find_ascending(map, start, range.last, parity);

	if (port == 0 && start > range.first)
		port = find_ascending(map, range.first, (uint32_t)start - 1, parity);
	return port;
}

/* --- rest ----------------------------------------------------------------------------------- */

static void free_port(struct port_map *map, uint16_t port)
{
	if (!port_map_is_fixed(map, port))
		port_map_release(map, port);
}

static void wake_first(struct ports *ports, enum nat_protocol protocol)
{
	struct resting_ports *r = &ports->resting[protocol];
	const struct endpoint *external = &r->ring[r->first].external;
	uint32_t address = ports_find(ports, &external->addr);

	if (address != NAT_NONE)
		free_port(ports_map(ports, address, protocol), external->port);
	r->first = (r->first + 1) % ports->resting_room;
	r->count--;
}

static uint32_t all_resting(const struct ports *ports)
{
	uint32_t count = 0;

	for (int p = 0; p < NAT_OTHER; p++)
		count += ports->resting[p].count;
	return count;
}

static void lay_down(struct ports *ports, enum nat_protocol protocol,
		     const struct endpoint *external, struct mono now)
{
	struct resting_ports *r = &ports->resting[protocol];

	r->ring[(r->first + r->count) % ports->resting_room] =
		(struct resting_port){ .external = *external, .since = now };
	r->count++;
}

void ports_release(struct ports *ports, const struct options *o, enum nat_protocol protocol,
		   const struct endpoint *external, bool rest, struct mono now)
{
	uint32_t address = ports_find(ports, &external->addr);
	struct port_map *map;

	if (address == NAT_NONE)
		return; /* not ours to give any more */
	map = ports_map(ports, address, protocol);
	if (port_map_is_fixed(map, external->port))
		return;
	if (!rest || protocol == NAT_OTHER || o->protocol[protocol].reuse_delay_ms == 0) {
		free_port(map, external->port);
		return;
	}
	/* No room: the one that has rested longest makes way, or this one goes without. */
	if (all_resting(ports) >= ports->resting_room) {
		if (ports->resting[protocol].count == 0) {
			free_port(map, external->port);
			return;
		}
		wake_first(ports, protocol);
	}
	lay_down(ports, protocol, external, now);
}

struct mono ports_wake(struct ports *ports, const struct options *o, struct mono now)
{
	struct mono next = MONO_NEVER;

	for (int p = 0; p < NAT_OTHER; p++) {
		const struct resting_ports *r = &ports->resting[p];

		while (r->count > 0) {
			struct mono due =
				mono_add_ms(r->ring[r->first].since, o->protocol[p].reuse_delay_ms);

			if (!mono_reached(now, due)) {
				next = due.ms < next.ms ? due : next;
				break;
			}
			wake_first(ports, (enum nat_protocol)p);
		}
	}
	return next;
}

void ports_move_resting(struct ports *to, const struct ports *from)
{
	for (int p = 0; p < NAT_OTHER; p++) {
		const struct resting_ports *r = &from->resting[p];

		for (uint32_t i = 0; i < r->count; i++) {
			const struct resting_port *port =
				&r->ring[(r->first + i) % from->resting_room];
			uint32_t address = ports_find(to, &port->external.addr);

			if (address == NAT_NONE || all_resting(to) >= to->resting_room)
				continue;
			if (port_map_take(ports_map(to, address, (enum nat_protocol)p),
					  port->external.port))
				lay_down(to, (enum nat_protocol)p, &port->external, port->since);
		}
	}
}

/* --- blocks --------------------------------------------------------------------------------- */

struct port_range ports_block(const struct ports *ports, uint32_t block)
{
	uint32_t first = PORTS_BLOCKS_FIRST + block * ports->block_size;

	return (struct port_range){ .first = (uint16_t)first,
				    .last = (uint16_t)(first + ports->block_size - 1) };
}

/* Number of the block that @port is in, NAT_NONE if it is in none. */
static uint32_t block_of(const struct ports *ports, uint16_t port)
{
	uint32_t block;

	if (ports->block_size == 0 || port < PORTS_BLOCKS_FIRST)
		return NAT_NONE;
	block = (port - (uint32_t)PORTS_BLOCKS_FIRST) / ports->block_size;
	return block < ports->blocks ? block : NAT_NONE;
}

static uint32_t *owner_of(const struct ports *ports, const struct endpoint *external)
{
	uint32_t address = ports_find(ports, &external->addr);
	uint32_t block = block_of(ports, external->port);

	if (address == NAT_NONE || block == NAT_NONE)
		return NULL;
	return &ports->owners[address * ports->blocks + block];
}

uint32_t ports_take_block(struct ports *ports, uint32_t address, uint32_t start, uint32_t host)
{
	uint32_t *owners = &ports->owners[address * ports->blocks];

	for (uint32_t i = 0; i < ports->blocks; i++) {
		uint32_t block = (start + i) % ports->blocks;

		if (owners[block] == 0) {
			owners[block] = host + 1;
			return block;
		}
	}
	return NAT_NONE;
}

void ports_release_block(struct ports *ports, const struct endpoint *first_port)
{
	uint32_t *owner = owner_of(ports, first_port);

	if (owner != NULL)
		*owner = 0;
}

uint32_t ports_block_owner(const struct ports *ports, const struct endpoint *external)
{
	const uint32_t *owner = owner_of(ports, external);

	return owner != NULL && *owner != 0 ? *owner - 1 : NAT_NONE;
}

uint32_t ports_deterministic(const struct ports *ports, const struct options *o,
			     const struct addr *host, uint32_t *address)
{
	uint64_t number;

	if (ports->block_size == 0 || addr_compare(host, &o->blocks.internal.first) < 0 ||
	    addr_compare(host, &o->blocks.internal.last) > 0)
		return NAT_NONE;
	number = (uint64_t)addr_ip4(host) - addr_ip4(&o->blocks.internal.first);
	*address = (uint32_t)(number / compression(ports, o));
	return (uint32_t)(number % compression(ports, o));
}

bool ports_deterministic_owner(const struct ports *ports, const struct options *o,
			       const struct endpoint *external, struct addr *host)
{
	uint32_t address = ports_find(ports, &external->addr);
	uint32_t block = block_of(ports, external->port);
	uint64_t number;

	if (address == NAT_NONE || block == NAT_NONE || block >= compression(ports, o))
		return false;
	number = address * compression(ports, o) + block;
	if (number >= hosts_in(&o->blocks.internal))
		return false;
	*host = addr_from_ip4(addr_ip4(&o->blocks.internal.first) + (uint32_t)number);
	return true;
}

bool ports_overflow(const struct ports *ports, const struct options *o, struct port_range *range)
{
	uint64_t first;

	if (ports->block_size == 0 || o->blocks.overflow == 0)
		return false;
	first = compression(ports, o);
	*range = (struct port_range){
		.first = ports_block(ports, (uint32_t)first).first,
		.last = ports_block(ports, (uint32_t)(first + o->blocks.overflow - 1)).last,
	};
	return true;
}
