/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * forward.c - what is said once and for all: forwards, one-to-one pairs, the DMZ, exemptions
 *
 * None of these is a record in a table, so none expires and a forward of a thousand ports costs
 * nothing. A mapping is made from them when a packet comes, and goes with its last session.
 */
#include "nat/core/steps.h"

bool nat_is_external(const struct nat *nat, const struct addr *address)
{
	return options_is_paired(&nat->options, address) ||
	       ports_find(&nat->ports, address) != NAT_NONE;
}

uint32_t nat_rule_of(const struct options *o, enum nat_protocol protocol,
		     const struct endpoint *external, struct endpoint *internal)
{
	*internal = *external;
	for (uint32_t i = 0; i < o->pairs.count; i++) {
		internal->addr = o->pairs.pairs[i].internal;
		if (addr_equal(&o->pairs.pairs[i].external, &external->addr))
			return o->forwards.count + i;
	}
	for (uint32_t i = 0; i < o->forwards.count; i++) {
		const struct forward *f = &o->forwards.forwards[i];

		if (f->protocol != protocol || external->port < f->ports.first ||
		    external->port > f->ports.last ||
		    (!f->any_address && !addr_equal(&f->external, &external->addr)))
			continue;
		internal->addr = f->internal.addr;
		internal->port = (uint16_t)(f->internal.port + external->port - f->ports.first);
		return i;
	}
	return NAT_NONE;
}

bool forward_inbound(const struct nat *nat, enum nat_protocol protocol,
		     const struct endpoint *external, struct endpoint *internal)
{
	return nat_rule_of(&nat->options, protocol, external, internal) != NAT_NONE;
}

/* A forward may name an address that is not, or no longer, one of the pool. */
static bool has_address(const struct nat *nat, const struct forward *f, const struct addr *any)
{
	return f->any_address ? any != NULL : ports_find(&nat->ports, &f->external) != NAT_NONE;
}

bool forward_outbound(const struct nat *nat, enum nat_protocol protocol,
		      const struct endpoint *internal, const struct addr *any,
		      struct endpoint *external)
{
	const struct options *o = &nat->options;

	*external = *internal;
	for (uint32_t i = 0; i < o->pairs.count; i++) {
		external->addr = o->pairs.pairs[i].external;
		if (addr_equal(&o->pairs.pairs[i].internal, &internal->addr))
			return true;
	}
	for (uint32_t i = 0; i < o->forwards.count && nat_has_ports(protocol); i++) {
		const struct forward *f = &o->forwards.forwards[i];
		uint32_t last = (uint32_t)f->internal.port + (f->ports.last - f->ports.first);

		if (f->protocol != protocol || !addr_equal(&f->internal.addr, &internal->addr) ||
		    internal->port < f->internal.port || internal->port > last ||
		    !has_address(nat, f, any))
			continue;
		external->addr = f->any_address ? *any : f->external;
		external->port = (uint16_t)(f->ports.first + internal->port - f->internal.port);
		return true;
	}
	return false;
}

/* Where UDP and TCP share their ports, one that the DMZ host has by the one is its by the other. */
static bool is_dmz_sibling(const struct nat *nat, enum nat_protocol protocol,
			   const struct endpoint *external)
{
	uint32_t n = NAT_NONE;

	if (nat->ports.shared)
		n = mapping_find_external(&nat->mappings, sibling_of(protocol), external);
	return n != NAT_NONE && mapping_at(&nat->mappings, n)->fixed &&
	       addr_equal(&mapping_at(&nat->mappings, n)->internal.addr, &nat->options.dmz);
}

bool forward_dmz(const struct nat *nat, enum nat_protocol protocol, const struct endpoint *external,
		 struct endpoint *internal)
{
	uint32_t address = ports_find(&nat->ports, &external->addr);
	const struct port_map *map;

	if (!addr_is_ip4(&nat->options.dmz) || !nat_has_ports(protocol) || address == NAT_NONE)
		return false;
	map = ports_map(&nat->ports, address, protocol);
	if (port_map_is_fixed(map, external->port) ||
	    (port_map_is_taken(map, external->port) && !is_dmz_sibling(nat, protocol, external)))
		return false;
	*internal = (struct endpoint){ .addr = nat->options.dmz, .port = external->port };
	return true;
}

enum option_id forward_knob(const struct nat *nat, const struct mapping *m)
{
	struct endpoint internal;

	if (options_is_paired(&nat->options, &m->external.addr))
		return OPT_NAT_ONE_TO_ONE;
	return forward_inbound(nat, (enum nat_protocol)m->protocol, &m->external, &internal)
		       ? OPT_NAT_FORWARDS
		       : OPT_NAT_DMZ;
}

static bool covers(const struct remote_range *r, const struct addr *address)
{
	return addr_compare(&r->addresses.first, address) <= 0 &&
	       addr_compare(address, &r->addresses.last) <= 0;
}

bool forward_may_be_exempt(const struct options *o, const struct addr *remote)
{
	for (uint32_t i = 0; i < o->exempt.count; i++)
		if (covers(&o->exempt.ranges[i], remote))
			return true;
	return false;
}

bool forward_is_exempt(const struct options *o, const struct packet *pkt,
		       const struct endpoint *remote)
{
	bool ports = pkt->protocol == PACKET_TCP || pkt->protocol == PACKET_UDP;

	for (uint32_t i = 0; i < o->exempt.count; i++) {
		const struct remote_range *r = &o->exempt.ranges[i];

		if (covers(r, &remote->addr) &&
		    (r->port == 0 || (ports && r->port == remote->port)))
			return true;
	}
	return false;
}
