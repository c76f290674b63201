/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * methods_who.c - who has an external port: the live table, the rules, the blocks
 */
#include "nat/daemon/methods_parts.h"

/* --- blocks -------------------------------------------------------------------------------- */

static json_t *json_block(const char *kind, struct port_range ports, json_t *host)
{
	json_t *block = json_object();

	member_put_text(block, "kind", kind);
	member_put(block, "first", json_of_count(ports.first));
	member_put(block, "last", json_of_count(ports.last));
	member_put(block, "host", host);
	return block;
}

/* The block that @port is in; there are blocks, and it is in one. */
static struct port_range block_around(const struct ports *ports, uint16_t port)
{
	return ports_block(ports, (port - (uint32_t)PORTS_BLOCKS_FIRST) / ports->block_size);
}

static json_t *json_deterministic(const struct nat *nat, const struct endpoint *external)
{
	struct port_range overflow;
	struct addr host;

	if (ports_deterministic_owner(&nat->ports, &nat->options, external, &host))
		return json_block("deterministic", block_around(&nat->ports, external->port),
				  json_of_addr(&host));
	if (ports_overflow(&nat->ports, &nat->options, &overflow) &&
	    external->port >= overflow.first && external->port <= overflow.last)
		return json_block("overflow", overflow, json_null());
	return json_null();
}

/* Null where no block is. */
static json_t *json_of_block(const struct nat *nat, const struct endpoint *external)
{
	const struct ports *ports = &nat->ports;
	uint32_t host;

	if (ports->block_size == 0 || external->port < PORTS_BLOCKS_FIRST ||
	    ports_find(ports, &external->addr) == NAT_NONE)
		return json_null();
	if (nat->options.blocks.behavior == BLOCKS_DETERMINISTIC)
		return json_deterministic(nat, external);
	if ((external->port - (uint32_t)PORTS_BLOCKS_FIRST) / ports->block_size >= ports->blocks)
		return json_null();
	host = ports_block_owner(ports, external);
	return json_block("dynamic", block_around(ports, external->port),
			  host != NAT_NONE ? json_of_addr(&host_at(&nat->hosts, host)->address)
					   : json_null());
}

/* --- one protocol -------------------------------------------------------------------------- */

static json_t *json_mappings(const struct daemon *d, enum nat_protocol protocol,
			     const struct endpoint *external)
{
	const struct mapping_table *t = &d->nat.mappings;
	json_t *mappings = json_array();

	for (uint32_t n = mapping_find_external(t, protocol, external); n != NAT_NONE;
	     n = mapping_next_external(t, n)) {
		json_t *mapping = json_of_mapping(d, n);

		if (mapping != NULL)
			json_array_append_new(mappings, mapping);
	}
	return mappings;
}

/* When @external has rested enough: MONO_NEVER if it does not rest. */
static struct mono rests_until(const struct nat *nat, enum nat_protocol protocol,
			       const struct endpoint *external)
{
	const struct resting_ports *r;

	if (protocol == NAT_OTHER)
		return MONO_NEVER;
	r = &nat->ports.resting[protocol];
	for (uint32_t i = 0; i < r->count; i++) {
		const struct resting_port *p = &r->ring[(r->first + i) % nat->ports.resting_room];

		if (endpoint_equal(&p->external, external))
			return mono_add_ms(p->since,
					   nat->options.protocol[protocol].reuse_delay_ms);
	}
	return MONO_NEVER;
}

static bool is_mapped(const struct daemon *d, enum nat_protocol protocol,
		      const struct endpoint *external)
{
	const struct mapping_table *t = &d->nat.mappings;

	for (uint32_t n = mapping_find_external(t, protocol, external); n != NAT_NONE;
	     n = mapping_next_external(t, n))
		if (!mono_reached(d->now, nat_mapping_expiry(&d->nat, n)))
			return true;
	return false;
}

/* What is the case with an endpoint: the first of these that holds. */
enum finding { MAPPED, FORWARDED, RESERVED, RESTING, SHARED, FREE };

/* For @protocol alone; @rule that leads to @internal, or NAT_NONE. */
static enum finding look(const struct daemon *d, enum nat_protocol protocol,
			 const struct endpoint *external, uint32_t *rule, struct endpoint *internal)
{
	const struct options *o = &d->nat.options;
	const struct port_range port = { external->port, external->port };
	struct mono rest = rests_until(&d->nat, protocol, external);

	*rule = nat_rule_of(o, protocol, external, internal);
	if (is_mapped(d, protocol, external))
		return MAPPED;
	if (*rule != NAT_NONE)
		return FORWARDED;
	if (nat_has_ports(protocol) && options_is_reserved(o, port))
		return RESERVED;
	return rest.ms != MONO_NEVER.ms && !mono_reached(d->now, rest) ? RESTING : FREE;
}

/* Where UDP and TCP share their endpoints: does the other one have it? What the DMZ host has by
 * the one is its by the other too. */
static bool is_siblings(const struct daemon *d, enum nat_protocol protocol,
			const struct endpoint *external)
{
	const struct mapping_table *t = &d->nat.mappings;
	struct endpoint internal;
	uint32_t rule, n;

	if (!d->nat.ports.shared || !nat_has_ports(protocol) ||
	    look(d, sibling_of(protocol), external, &rule, &internal) == FREE)
		return false;
	n = mapping_find_external(t, sibling_of(protocol), external);
	return n == NAT_NONE || !mapping_at(t, n)->fixed ||
	       !addr_equal(&mapping_at(t, n)->internal.addr, &d->nat.options.dmz);
}

static json_t *json_of_protocol(const struct daemon *d, enum nat_protocol protocol,
				const struct endpoint *external)
{
	static const char *const states[] = {
		[MAPPED] = "mapped",   [FORWARDED] = "forwarded", [RESERVED] = "reserved",
		[RESTING] = "resting", [SHARED] = "shared",	  [FREE] = "free",
	};
	struct mono rest = rests_until(&d->nat, protocol, external);
	json_t *entry = json_object();
	struct endpoint internal;
	uint32_t rule;
	enum finding finding = look(d, protocol, external, &rule, &internal);

	if (finding == FREE && is_siblings(d, protocol, external))
		finding = SHARED;
	/* The DMZ host gets what nobody else has. */
	if (finding == FREE && nat_has_ports(protocol)) {
		rule = rule_of_dmz(&d->nat.options);
		internal.addr = d->nat.options.dmz;
		finding = rule != NAT_NONE ? FORWARDED : FREE;
	}
	member_put_text(entry, "protocol", nat_protocol_name(protocol));
	member_put_text(entry, "state", states[finding]);
	member_put(entry, "mappings", json_mappings(d, protocol, external));
	member_put(entry, "rule",
		   rule != NAT_NONE ? json_of_rule(&d->nat.options, rule) : json_null());
	member_put(entry, "leads_to", rule != NAT_NONE ? json_of_endpoint(&internal) : json_null());
	member_put(entry, "free_in_ms",
		   finding == RESTING ? json_integer(rest.ms - d->now.ms) : json_null());
	return entry;
}

/* --- the method ---------------------------------------------------------------------------- */

/* Other protocols have no ports: the port is the protocol's number, if that one is translated. */
static bool is_asked(const struct nat *nat, enum nat_protocol asked, enum nat_protocol protocol,
		     uint16_t port)
{
	if (asked != NAT_PROTOCOLS)
		return asked == protocol;
	return protocol != NAT_OTHER ||
	       (port <= UINT8_MAX && (nat->options.other.bits[port / 64] >> (port % 64) & 1));
}

json_t *method_ports_who(struct daemon *d, json_t *params, struct failure *failure)
{
	const char *text = json_string_value(json_object_get(params, "external"));
	enum nat_protocol asked = params_protocol(params);
	json_t *result, *protocols;
	struct endpoint external;
	bool ours;

	if (endpoint_parse(text, &external) < 0 || external.port == 0)
		return failure_set(failure, RPC_INVALID_PARAMS,
				   "external: an endpoint is needed, such as 203.0.113.1:40213");
	ours = nat_is_external(&d->nat, &external.addr);
	protocols = json_array();
	for (int p = 0; p < NAT_PROTOCOLS && ours; p++)
		if (is_asked(&d->nat, asked, (enum nat_protocol)p, external.port))
			json_array_append_new(protocols,
					      json_of_protocol(d, (enum nat_protocol)p, &external));
	result = json_object();
	member_put(result, "external", json_of_endpoint(&external));
	member_put(result, "is_external", json_boolean(ours));
	member_put(result, "protocols", protocols);
	member_put(result, "block", json_of_block(&d->nat, &external));
	return result;
}
