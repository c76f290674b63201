/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/core/ports.h"

#include <errno.h>
#include <stdlib.h>

static int compare_addresses(const void *a, const void *b)
{
	return addr_compare(a, b);
}

int ports_init(struct ports *ports, const struct external_list *list)
{
	uint32_t count = 0;

	*ports = (struct ports){ 0 };
	ports->addresses = calloc(OPTIONS_ADDRESSES_MAX, sizeof(*ports->addresses));
	if (ports->addresses == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < list->count; i++) {
		uint32_t last = addr_ip4(&list->ranges[i].last);

		for (uint32_t a = addr_ip4(&list->ranges[i].first);
		     a <= last && count < OPTIONS_ADDRESSES_MAX; a++)
			ports->addresses[count++] = addr_from_ip4(a);
	}
	qsort(ports->addresses, count, sizeof(*ports->addresses), compare_addresses);
	ports->count = count;
	ports->maps = calloc((size_t)count * NAT_PROTOCOLS, sizeof(*ports->maps));
	if (ports->maps == NULL) {
		ports_fini(ports);
		return -ENOMEM;
	}
	return 0;
}

void ports_fini(struct ports *ports)
{
	free(ports->addresses);
	free(ports->maps);
	*ports = (struct ports){ 0 };
}

uint32_t ports_find(const struct ports *ports, const struct addr *address)
{
	const struct addr *at;

	if (ports->count == 0)
		return NAT_NONE;
	at = bsearch(address, ports->addresses, ports->count, sizeof(*address), compare_addresses);
	return at != NULL ? (uint32_t)(at - ports->addresses) : NAT_NONE;
}

struct port_map *ports_map(const struct ports *ports, uint32_t address, enum nat_protocol protocol)
{
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
static uint16_t find_ascending(const struct port_map *map, uint32_t first, uint32_t last)
{
	uint32_t word = first / 64, port;
	uint64_t open = ~map->taken[word] & (UINT64_MAX << (first % 64));

	if (open == 0) {
		if (word + 1 == PORTS_WORDS)
			return 0;
		word = next_free_word(map, word + 1);
		if (word == PORTS_WORDS)
			return 0;
		open = ~map->taken[word];
	}
	port = word * 64 + (uint32_t)__builtin_ctzll(open);
	return port <= last ? (uint16_t)port : 0;
}

uint16_t port_map_find(const struct port_map *map, uint16_t first, uint16_t last, uint16_t start)
{
	uint16_t port = find_ascending(map, start, last);

	if (port == 0 && start > first)
		port = find_ascending(map, first, (uint32_t)start - 1);
	return port;
}

static uint16_t pick_random(const struct port_map *map, struct port_range range, struct rng *rng)
{
	uint32_t width = (uint32_t)range.last - range.first + 1;

	return port_map_find(map, range.first, range.last,
			     (uint16_t)(range.first + rng_below(rng, width)));
}

static uint16_t pick_sequential(struct port_map *map, struct port_range range)
{
	uint32_t start =
		map->next < range.first || map->next > range.last ? range.first : map->next;
	uint16_t port = port_map_find(map, range.first, range.last, (uint16_t)start);

	map->next = (uint32_t)port + 1;
	return port;
}

/* The internal port itself where it is free and in range, else any (RFC 4787 section 4.2.1). */
static uint16_t pick_preserve(const struct port_map *map, struct port_range range, uint16_t port,
			      struct rng *rng)
{
	if (port >= range.first && port <= range.last &&
	    !(map->taken[port / 64] & 1ULL << (port % 64)))
		return port;
	return pick_random(map, range, rng);
}

static uint16_t pick(struct port_map *map, const struct protocol_options *o, uint16_t internal_port,
		     struct rng *rng)
{
	switch (o->ports) {
	case PORTS_RANDOM:
		return pick_random(map, o->port_range, rng);
	case PORTS_PRESERVE:
		return pick_preserve(map, o->port_range, internal_port, rng);
	case PORTS_SEQUENTIAL:
		return pick_sequential(map, o->port_range);
	}
	return 0;
}

bool ports_pick(struct ports *ports, const struct options *o, enum nat_protocol protocol,
		const struct endpoint *internal, uint32_t host_hash, struct rng *rng,
		struct endpoint *external)
{
	bool arbitrary = o->pooling == POOLING_ARBITRARY;
	uint32_t first = arbitrary ? rng_below(rng, ports->count) : host_hash % ports->count;
	uint32_t tries = o->pooling == POOLING_PAIRED ? 1 : ports->count;

	for (uint32_t i = 0; i < tries; i++) {
		uint32_t at = (first + i) % ports->count;
		struct port_map *map = ports_map(ports, at, protocol);
		uint16_t port = pick(map, &o->protocol[protocol], internal->port, rng);

		if (port == 0)
			continue;
		port_map_take(map, port);
		*external = (struct endpoint){ .addr = ports->addresses[at], .port = port };
		return true;
	}
	return false;
}

void ports_release(struct ports *ports, enum nat_protocol protocol, const struct endpoint *external)
{
	uint32_t address = ports_find(ports, &external->addr);

	if (address != NAT_NONE)
		port_map_release(ports_map(ports, address, protocol), external->port);
}
