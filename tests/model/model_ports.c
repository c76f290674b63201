/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * model_ports.c - which external endpoint a new mapping may get
 *
 * The real NAT chooses; this says whether it could, and if it refused, whether it had to. A port
 * is free, taken, or doubtful: left by a mapping whose end the real NAT may or may not have
 * noticed. A doubtful one may be chosen and may be refused.
 */
#include <stdio.h>
#include <string.h>

#include "tests/model/model.h"

/* --- addresses ------------------------------------------------------------------------------ */

static bool is_pair(const struct options *o, const struct addr *address)
{
	for (uint32_t i = 0; i < o->pairs.count; i++)
		if (addr_equal(&o->pairs.pairs[i].external, address))
			return true;
	return false;
}

bool m_in_pool(const struct options *o, const struct addr *address)
{
	for (uint32_t i = 0; i < o->external.count; i++)
		if (addr_compare(&o->external.ranges[i].first, address) <= 0 &&
		    addr_compare(address, &o->external.ranges[i].last) <= 0)
			return !is_pair(o, address);
	return false;
}

bool m_is_external(const struct options *o, const struct addr *address)
{
	return is_pair(o, address) || m_in_pool(o, address);
}

/* The address at @place in ascending order; false if there are not so many. */
static bool pool_address(const struct options *o, uint32_t place, struct addr *address)
{
	struct addr at = { 0 };

	for (uint32_t found = 0;; found++) {
		struct addr next;
		bool any = false;

		for (uint32_t i = 0; i < o->external.count; i++) {
			uint32_t last = addr_ip4(&o->external.ranges[i].last);

			for (uint32_t ip = addr_ip4(&o->external.ranges[i].first); ip <= last;
			     ip++) {
				struct addr a = addr_from_ip4(ip);

				if (is_pair(o, &a) || addr_compare(&a, &at) <= 0 ||
				    (any && addr_compare(&a, &next) >= 0))
					continue;
				next = a;
				any = true;
			}
		}
		if (!any)
			return false;
		at = next;
		if (found == place) {
			*address = at;
			return true;
		}
	}
}

uint32_t m_pool_count(const struct options *o)
{
	struct addr address;
	uint32_t count = 0;

	while (pool_address(o, count, &address))
		count++;
	return count;
}

/* --- one port ------------------------------------------------------------------------------- */

static bool in_list(const struct port_list *list, uint32_t port)
{
	for (uint32_t i = 0; i < list->count; i++)
		if (port >= list->ranges[i].first && port <= list->ranges[i].last)
			return true;
	return false;
}

/* Do two protocols have their ports together? (RFC 7857 section 5) */
bool m_share_ports(const struct options *o, enum nat_protocol a, enum nat_protocol b)
{
	return a == b || (o->scope == SCOPE_SHARED && a < NAT_ICMP && b < NAT_ICMP);
}

/* Reserved, or of a forward. */
bool m_is_fixed_port(const struct options *o, enum nat_protocol protocol,
		     const struct endpoint *external)
{
	if (protocol != NAT_UDP && protocol != NAT_TCP)
		return false;
	if (in_list(&o->reserved, external->port))
		return true;
	for (uint32_t i = 0; i < o->forwards.count; i++) {
		const struct forward *f = &o->forwards.forwards[i];

		if (m_share_ports(o, (enum nat_protocol)f->protocol, protocol) &&
		    external->port >= f->ports.first && external->port <= f->ports.last &&
		    (f->any_address || addr_equal(&f->external, &external->addr)))
			return true;
	}
	return false;
}

enum state { FREE, SHARED, DOUBTFUL, TAKEN };

static enum state rest_of(const struct model *m, enum nat_protocol protocol,
			  const struct endpoint *external)
{
	enum state state = FREE;

	for (uint32_t i = 0; i < m->resting_count; i++) {
		const struct m_resting *r = &m->resting[i];

		if (!m_share_ports(&m->o, r->protocol, protocol) ||
		    !endpoint_equal(&r->external, external))
			continue;
		if (r->rests && !r->maybe &&
		    r->from + m->o.protocol[r->protocol].reuse_delay_ms > m->now)
			return TAKEN;
		state = DOUBTFUL;
	}
	return state;
}

/* Had the real NAT nobody to give the packet to? */
bool m_was_unmatched(enum nat_reason reason)
{
	return reason == REASON_NO_MAPPING || reason == REASON_UNMATCHED_REJECTED ||
	       reason == REASON_ROUTER || reason == REASON_SYN_HELD ||
	       reason == REASON_SYN_ANSWERED;
}

/* Whoever asks about a port has met its mapping, so that has ended by now. */
bool m_is_resting(const struct model *m, enum nat_protocol protocol,
		  const struct endpoint *external)
{
	enum state state = FREE;

	for (uint32_t i = 0; i < m->resting_count && state == FREE; i++)
		if (m->resting[i].rests && m_share_ports(&m->o, m->resting[i].protocol, protocol) &&
		    endpoint_equal(&m->resting[i].external, external))
			state = rest_of(m, protocol, external);
	return state == TAKEN || (state == DOUBTFUL && m_was_unmatched(m->oracle.reason));
}

static enum state state_of(struct model *m, enum nat_protocol protocol,
			   const struct endpoint *external, const struct endpoint *remote)
{
	enum state rest = rest_of(m, protocol, external);
	bool any = false, sibling = false, leased = false;

	if (external->port == 0 || m_is_fixed_port(&m->o, protocol, external))
		return TAKEN;
	for (uint32_t i = 0; i < m->mapping_count; i++) {
		const struct m_mapping *at = &m->mappings[i];

		if (!m_share_ports(&m->o, at->protocol, protocol) ||
		    !endpoint_equal(&at->external, external))
			continue;
		any = any || at->protocol == protocol;
		leased = leased || (at->leased && at->protocol == protocol);
		sibling = true;
	}
	if (!any)
		return sibling ? TAKEN : rest;
	/* Who is there for all remotes shares with nobody. */
	if (leased || !addr_is_ip4(&remote->addr) ||
	    m->o.protocol[protocol].overlap == SWITCH_OFF ||
	    m_session_external(m, protocol, external, remote) != 0)
		return TAKEN;
	return rest == FREE ? SHARED : DOUBTFUL;
}

/* --- rest ----------------------------------------------------------------------------------- */

static bool needs_rest(const struct options *o, const struct m_mapping *at)
{
	if (at->protocol == NAT_OTHER || o->protocol[at->protocol].reuse_delay_ms == 0)
		return false;
	/* The DMZ host's port is the DMZ host's, and the newest owner of a port waits for nobody. */
	if (at->fixed || o->protocol[at->protocol].ports == PORTS_OVERLOAD)
		return false;
	if (o->reuse_static == SWITCH_ON && o->blocks.behavior == BLOCKS_DETERMINISTIC)
		return false;
	if (o->reuse_filtered == SWITCH_ON &&
	    o->protocol[at->protocol].filtering != FILTERING_ENDPOINT_INDEPENDENT)
		return false;
	return !(o->tcp.reuse_tracked == SWITCH_ON && at->protocol == NAT_TCP && !at->lingering);
}

/* Do others have the port of @at? Then they may end before it as the real NAT sees it. */
static bool leave_to_others(struct model *m, const struct m_mapping *at, bool rests)
{
	bool any = false;

	for (uint32_t i = 0; i < m->mapping_count; i++) {
		struct m_mapping *other = &m->mappings[i];

		if (!m_share_ports(&m->o, other->protocol, at->protocol) ||
		    !endpoint_equal(&other->external, &at->external))
			continue;
		any = true;
		if (m->noticed)
			continue;
		other->left_to_rest = other->left_to_rest || at->left_to_rest || rests;
		other->left_free = other->left_free || at->left_free || !rests;
	}
	return any;
}

void m_release_port(struct model *m, const struct m_mapping *at)
{
	/* Of one that had the port too and is over, it may not know: then that has it still. */
	bool noticed = m->noticed && !at->left_free && !at->left_to_rest;
	bool rests = needs_rest(&m->o, at), sure;
	uint64_t resting = 0;

	if (leave_to_others(m, at, rests))
		return;
	sure = rests ? !at->left_free : !at->left_to_rest;
	rests = rests || at->left_to_rest;
	if (!m_in_pool(&m->o, &at->external.addr) ||
	    m_is_fixed_port(&m->o, at->protocol, &at->external))
		return; /* not ours to give any more */
	if (m->resting_count == MODEL_RESTING || (noticed && !rests))
		return;
	m->resting[m->resting_count++] = (struct m_resting){
		.protocol = at->protocol,
		.external = at->external,
		.rests = rests,
		.maybe = !sure,
		.others = at->left_to_rest,
		.from = m->now,
		.until = noticed ? m->now : INT64_MAX,
	};
	for (uint32_t i = 0; i < m->resting_count; i++)
		resting += m->resting[i].rests;
	for (uint32_t i = 0; i < m->resting_count && resting > m->o.max_resting_ports; i++)
		m->resting[i].maybe = true; /* some have made way */
}

/* How long it may rest at most. */
static int64_t longest_rest(const struct model *m, const struct m_resting *r)
{
	int64_t longest = m->o.protocol[r->protocol].reuse_delay_ms;

	for (int p = 0; p < NAT_ICMP && r->others; p++)
		if (m_share_ports(&m->o, (enum nat_protocol)p, r->protocol) &&
		    m->o.protocol[p].reuse_delay_ms > longest)
			longest = m->o.protocol[p].reuse_delay_ms;
	return longest;
}

/* @noticed: the real NAT knows of all that is over. */
void m_ports_tick(struct model *m, bool noticed)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < m->resting_count; i++) {
		struct m_resting *r = &m->resting[i];

		if (noticed && r->until == INT64_MAX)
			r->until = m->now;
		if (r->from + m->o.protocol[r->protocol].reuse_delay_ms <= m->now)
			r->maybe = true; /* even if the knob says more by and by */
		if (r->until == INT64_MAX || (r->rests && r->until + longest_rest(m, r) > m->now))
			m->resting[kept++] = *r;
	}
	m->resting_count = kept;
	for (uint32_t i = 0; i < m->mapping_count && noticed; i++)
		m->mappings[i].left_to_rest = m->mappings[i].left_free = false;
}

/* --- choices -------------------------------------------------------------------------------- */

struct choice {
	struct model *m;
	enum nat_protocol protocol;
	const struct protocol_options *po;
	const struct endpoint *internal, *remote;
	struct addr address;  /* that is looked at */
	struct endpoint real; /* what the real NAT chose; port 0: nothing */
};

static bool has_parity(const struct choice *c, uint32_t port)
{
	return c->po->parity == SWITCH_OFF || port % 2 == c->internal->port % 2U;
}

static enum state look(const struct choice *c, struct port_range range, uint32_t port)
{
	struct endpoint external = { .addr = c->address, .port = (uint16_t)port };
	enum state state;

	if (port < range.first || port > range.last || !has_parity(c, port))
		return TAKEN;
	state = state_of(c->m, c->protocol, &external, c->remote);
	return state == SHARED && c->po->ports == PORTS_SEQUENTIAL ? TAKEN : state;
}

static bool is_sure(enum state state)
{
	return state == FREE || state == SHARED;
}

static struct m_sequence *sequence_of(struct model *m, enum nat_protocol protocol,
				      const struct addr *address)
{
	struct m_sequence *s;

	for (uint32_t i = 0; i < m->sequence_count; i++)
		if (m_share_ports(&m->o, m->sequences[i].protocol, protocol) &&
		    addr_equal(&m->sequences[i].address, address))
			return &m->sequences[i];
	s = &m->sequences[m->sequence_count++];
	*s = (struct m_sequence){ .protocol = protocol, .address = *address };
	return s;
}

/* The next free one after the last that was given, going round (RFC 4787 section 4.2). */
static const char *check_sequential(const struct choice *c, struct port_range range)
{
	const struct m_sequence *s = sequence_of(c->m, c->protocol, &c->address);
	int32_t start = s->next, port;

	if (start == -1)
		return NULL;
	if (start < range.first || start > range.last)
		start = range.first;
	for (port = start; port != c->real.port;) {
		if (look(c, range, (uint32_t)port) == FREE)
			return "is not the next free one";
		port = port == range.last ? range.first : port + 1;
	}
	return NULL;
}

static const char *check_contiguous(const struct choice *c, struct port_range range)
{
	struct endpoint part = m_remote_part(c->po->mapping, c->remote);

	for (int step = -1; step <= 1; step += 2) {
		struct endpoint beside = *c->internal;
		const struct m_mapping *at;
		int port;

		if (beside.port + step < 0 || beside.port + step > 65535)
			continue;
		beside.port = (uint16_t)(beside.port + step);
		at = m_mapping_at(c->m, m_mapping_internal(c->m, c->protocol, &beside, &part));
		if (at == NULL || !addr_equal(&at->external.addr, &c->address))
			continue;
		port = at->external.port - step;
		if (port == c->real.port)
			return NULL;
		if (port > 0 && port < 65536 && is_sure(look(c, range, (uint32_t)port)))
			return "is not beside its neighbour's";
	}
	return NULL;
}

/* Why the strategy would not give the port that the real NAT chose; NULL if it would. */
static const char *check_strategy(const struct choice *c, struct port_range range)
{
	switch (c->po->ports) {
	case PORTS_RANDOM:
		return NULL;
	case PORTS_PRESERVE:
		return c->real.port != c->internal->port &&
				       is_sure(look(c, range, c->internal->port))
			       ? "is not the internal port, which was free"
			       : NULL;
	case PORTS_SEQUENTIAL:
		return check_sequential(c, range);
	case PORTS_CONTIGUOUS:
		return check_contiguous(c, range);
	case PORTS_PRESERVE_ONLY:
		return c->real.port != c->internal->port ? "is not the internal port" : NULL;
	case PORTS_OVERLOAD:
		break;
	}
	return NULL;
}

/* Is any port of the range free for sure? */
static bool has_room(const struct choice *c, struct port_range range)
{
	bool searched = range.last - range.first < 128; /* the real one gives up sharing sooner */

	if (c->po->ports == PORTS_PRESERVE_ONLY)
		return is_sure(look(c, range, c->internal->port));

	for (uint32_t port = range.first; port <= range.last; port++) {
		enum state state = look(c, range, port);

		if (state == FREE || (state == SHARED && searched))
			return true;
	}
	return false;
}

enum found { GIVEN, NOTHING, ILLEGAL };

/* A fault: the internal port, whoever has it. */
static enum found try_overload(const struct choice *c)
{
	struct endpoint external = { .addr = c->address, .port = c->internal->port };
	bool given = endpoint_equal(&c->real, &external);
	struct model *m = c->m;
	enum state state;

	if (external.port == 0 || m_is_fixed_port(&m->o, c->protocol, &external))
		return given ? ILLEGAL : NOTHING;
	for (uint32_t i = 0; i < m->mapping_count;) {
		if (m->mappings[i].protocol == c->protocol &&
		    endpoint_equal(&m->mappings[i].external, &external)) {
			m_remove_mapping(m, m->mappings[i].serial);
			i = 0;
		} else {
			i++;
		}
	}
	state = state_of(m, c->protocol, &external, c->remote);
	if (given)
		return state == TAKEN ? ILLEGAL : GIVEN;
	if (state != FREE)
		return NOTHING;
	m_wrong(m, "port %u was not overloaded", external.port);
	return ILLEGAL;
}

static enum found try_range(const struct choice *c, struct port_range range)
{
	struct m_sequence *s = sequence_of(c->m, c->protocol, &c->address);
	const char *why = NULL;

	if (c->po->ports == PORTS_OVERLOAD)
		return try_overload(c);
	if (c->real.port != 0 && addr_equal(&c->real.addr, &c->address) &&
	    look(c, range, c->real.port) != TAKEN) {
		why = check_strategy(c, range);
		if (why != NULL) {
			m_wrong(c->m, "port %u %s", c->real.port, why);
			return ILLEGAL;
		}
		if (c->po->ports == PORTS_SEQUENTIAL)
			s->next = c->real.port + 1;
		return GIVEN;
	}
	if (c->po->ports == PORTS_SEQUENTIAL)
		s->next = 1; /* it starts anew */
	if (!has_room(c, range))
		return NOTHING;
	if (c->real.port == 0)
		m_wrong(c->m, "refused, though of ports %u-%u one was free", range.first,
			range.last);
	else
		m_wrong(c->m, "port %u, though of ports %u-%u one was free", c->real.port,
			range.first, range.last);
	return ILLEGAL;
}

/* RFC 4787 REQ-3a, and the classes that devices have; identifiers have none. */
static struct port_range class_range(const struct choice *c)
{
	static const struct {
		enum range_class class;
		struct port_range from, to;
	} low[] = {
		{ RANGE_KEEP, { 0, 1023 }, { 1, 1023 } },
		{ RANGE_LINUX, { 0, 511 }, { 1, 511 } },
		{ RANGE_LINUX, { 512, 1023 }, { 600, 1023 } },
		{ RANGE_CISCO, { 0, 511 }, { 1, 511 } },
		{ RANGE_CISCO, { 512, 1023 }, { 512, 1023 } },
	};
	struct port_range range = c->po->port_range;

	if (c->protocol == NAT_ICMP || c->po->range_class == RANGE_IGNORE)
		return range;
	for (size_t i = 0; i < sizeof(low) / sizeof(low[0]); i++) {
		if (low[i].class != c->po->range_class || c->internal->port < low[i].from.first ||
		    c->internal->port > low[i].from.last)
			continue;
		/* The ports of the range that are in the class; if none are, all of the class. */
		if (range.first > low[i].to.last)
			return low[i].to;
		if (range.first < low[i].to.first)
			range.first = low[i].to.first;
		range.last = low[i].to.last;
		return range;
	}
	if (range.first < 1024)
		range.first = 1024;
	return range;
}

/* --- blocks --------------------------------------------------------------------------------- */

enum { BLOCKS_FROM = 1024, BLOCKS_ROOM = 65536 - BLOCKS_FROM };

static uint64_t internal_hosts(const struct options *o)
{
	return (uint64_t)addr_ip4(&o->blocks.internal.last) - addr_ip4(&o->blocks.internal.first) +
	       1;
}

/* How many hosts share an address: RFC 7422's C. */
static uint64_t hosts_per_address(const struct options *o)
{
	uint64_t count = m_pool_count(o);

	return (internal_hosts(o) + count - 1) / count;
}

static uint32_t block_size(const struct options *o)
{
	uint64_t size = o->blocks.size < BLOCKS_ROOM ? o->blocks.size : BLOCKS_ROOM;

	if (o->blocks.behavior == BLOCKS_OFF || m_pool_count(o) == 0)
		return 0;
	if (o->blocks.behavior == BLOCKS_DETERMINISTIC)
		size = BLOCKS_ROOM / (hosts_per_address(o) + o->blocks.overflow);
	return (uint32_t)size;
}

static struct port_range block_at(const struct options *o, uint64_t first, uint64_t count)
{
	uint64_t size = block_size(o), from = BLOCKS_FROM + first * size;

	return (struct port_range){ (uint16_t)from, (uint16_t)(from + count * size - 1) };
}

/* The n-th host has the n-th block, one address after the other (RFC 7422 section 2.2). */
/* Where the formula puts a host: its number of the address, and the address; false if nowhere. */
static bool by_formula(const struct options *o, const struct addr *host, uint64_t *number,
		       struct addr *external)
{
	if (m_pool_count(o) == 0 || block_size(o) == 0 ||
	    addr_compare(host, &o->blocks.internal.first) < 0 ||
	    addr_compare(host, &o->blocks.internal.last) > 0)
		return false;
	*number = (uint64_t)addr_ip4(host) - addr_ip4(&o->blocks.internal.first);
	return pool_address(o, (uint32_t)(*number / hosts_per_address(o)), external);
}

static enum found try_deterministic(struct choice *c, enum nat_reason *refusal)
{
	const struct options *o = &c->m->o;
	uint64_t number;
	enum found found;

	*refusal = REASON_NO_BLOCK;
	if (!by_formula(o, &c->internal->addr, &number, &c->address))
		return c->real.port == 0 ? NOTHING : ILLEGAL;
	*refusal = REASON_BLOCK_EXHAUSTED;
	found = try_range(c, block_at(o, number % hosts_per_address(o), 1));
	if (found == NOTHING && o->blocks.overflow > 0)
		found = try_range(c, block_at(o, hosts_per_address(o), o->blocks.overflow));
	return found;
}

static bool block_is_owned(const struct model *m, const struct endpoint *first)
{
	for (uint32_t i = 0; i < m->host_count; i++)
		for (uint32_t j = 0; j < m->hosts[i].block_count; j++)
			if (endpoint_equal(&m->hosts[i].blocks[j], first))
				return true;
	return false;
}

/* The block that the real NAT has given the host by now, if that was legal. */
static bool new_block(struct choice *c, const struct m_host *host, struct endpoint *block)
{
	uint32_t size = block_size(&c->m->o);
	struct m_host real;

	if (!c->m->oracle.host(c->m->oracle.nat, &host->address, &real) ||
	    real.block_count != host->block_count + 1)
		return false;
	*block = real.blocks[host->block_count];
	if (!addr_equal(&block->addr, &c->address))
		return false;
	if (block->port < BLOCKS_FROM || (block->port - BLOCKS_FROM) % (int)size != 0 ||
	    block->port + size > 65536 || block_is_owned(c->m, block)) {
		m_wrong(c->m, "the block at %u could not be given", block->port);
		return false;
	}
	return true;
}

/* Are there free blocks, and has each of them a port for sure? It tries but one. */
static bool is_any_block_good(const struct choice *c)
{
	uint32_t size = block_size(&c->m->o);
	struct endpoint first = { .addr = c->address };
	bool any = false;

	for (uint32_t port = BLOCKS_FROM; port + size <= 65536; port += size) {
		first.port = (uint16_t)port;
		if (block_is_owned(c->m, &first))
			continue;
		if (!has_room(c, (struct port_range){ first.port, (uint16_t)(port + size - 1) }))
			return false;
		any = true;
	}
	return any;
}

/* One whose mappings are all over may not have been forgotten yet, nor its blocks. */
static void remember_blocks(struct choice *c, struct m_host *host)
{
	struct m_host real;

	if (!c->m->late || host->block_count > 0 ||
	    !c->m->oracle.host(c->m->oracle.nat, &host->address, &real))
		return;
	for (uint32_t i = 0; i < real.block_count; i++)
		if (!block_is_owned(c->m, &real.blocks[i]))
			host->blocks[host->block_count++] = real.blocks[i];
}

static enum found try_dynamic(struct choice *c)
{
	struct m_host *host = m_host_get(c->m, &c->internal->addr);
	uint32_t size = block_size(&c->m->o);
	struct endpoint block;
	enum found found;

	for (uint32_t i = 0; i < c->m->host_count; i++)
		remember_blocks(c, &c->m->hosts[i]);
	for (uint32_t i = 0; i < host->block_count; i++) {
		struct port_range range = { host->blocks[i].port,
					    (uint16_t)(host->blocks[i].port + size - 1) };

		if (!addr_equal(&host->blocks[i].addr, &c->address))
			continue;
		found = try_range(c, range);
		if (found != NOTHING)
			return found;
	}
	if (host->block_count >= c->m->o.blocks.per_host)
		return NOTHING;
	if (!new_block(c, host, &block)) {
		if (!is_any_block_good(c))
			return NOTHING;
		m_wrong(c->m, "no new block, though one was free");
		return ILLEGAL;
	}
	host->blocks[host->block_count++] = block;
	return try_range(c, (struct port_range){ block.port, (uint16_t)(block.port + size - 1) });
}

/* --- which address -------------------------------------------------------------------------- */

static enum found try_address(struct choice *c, const struct addr *address)
{
	struct port_range number = { c->internal->port, c->internal->port };

	c->address = *address;
	if (c->protocol == NAT_OTHER) {
		if (c->real.port != 0 && addr_equal(&c->real.addr, address))
			return look(c, number, c->real.port) != TAKEN ? GIVEN : ILLEGAL;
		return is_sure(look(c, number, number.first)) ? ILLEGAL : NOTHING;
	}
	if (c->m->o.blocks.behavior == BLOCKS_DYNAMIC)
		return try_dynamic(c);
	return try_range(c, class_range(c));
}

/* The address a host without a pair gets is the same each time. */
bool m_paired_address(struct model *m, const struct addr *host, const struct addr *chosen,
		      struct addr *external)
{
	const struct m_host *h = m_host_at(m, host);
	uint64_t number;

	if (m->o.blocks.behavior == BLOCKS_DETERMINISTIC &&
	    by_formula(&m->o, host, &number, external))
		return true;
	if (h != NULL && m_in_pool(&m->o, &h->external)) {
		*external = h->external;
		return true;
	}
	if (m_pool_count(&m->o) == 1)
		return pool_address(&m->o, 0, external);
	if (m->late) { /* it may know another pair */
		*external = chosen != NULL ? *chosen : (struct addr){ 0 };
		return chosen != NULL && m_in_pool(&m->o, chosen);
	}
	for (uint32_t i = 0; i < m->pair_count; i++)
		if (addr_equal(&m->pairs[i].host, host)) {
			*external = m->pairs[i].external;
			return true;
		}
	if (chosen == NULL || !m_in_pool(&m->o, chosen) || m->pair_count == MODEL_RECORDS)
		return false;
	m->pairs[m->pair_count++] = (struct m_pair){ *host, *chosen };
	*external = *chosen;
	return true;
}

/* Every address from that of the pair on, going round; the first that has a port gives it. */
static enum found try_soft(struct choice *c, const struct addr *first, bool first_only)
{
	uint32_t count = m_pool_count(&c->m->o), start = 0;
	struct addr address;
	enum found found;

	while (pool_address(&c->m->o, start, &address) && !addr_equal(&address, first))
		start++;
	for (uint32_t i = 0; i < (first_only ? 1 : count); i++) {
		pool_address(&c->m->o, (start + i) % count, &address);
		found = try_address(c, &address);
		if (found != NOTHING)
			return found;
	}
	return NOTHING;
}

static enum found try_pool(struct choice *c)
{
	const struct addr *chosen = c->real.port != 0 ? &c->real.addr : NULL;
	bool paired = c->m->o.pooling == POOLING_PAIRED;
	uint32_t count = m_pool_count(&c->m->o);
	struct addr first, address;

	if (c->m->o.pooling == POOLING_ARBITRARY) {
		for (uint32_t i = 0; i < m_pool_count(&c->m->o) && chosen != NULL; i++) {
			pool_address(&c->m->o, i, &address);
			if (!addr_equal(&address, chosen)) /* it may have been tried before */
				sequence_of(c->m, c->protocol, &address)->next = -1;
		}
		if (chosen != NULL)
			return try_address(c, chosen);
		for (uint32_t i = 0; i < count; i++) {
			enum found found;

			pool_address(&c->m->o, i, &address);
			found = try_address(c, &address);
			if (found != NOTHING)
				return found;
		}
		return NOTHING;
	}
	if (count == 1) {
		pool_address(&c->m->o, 0, &first);
		return try_soft(c, &first, paired);
	}
	if (c->m->late && m_host_get(c->m, &c->internal->addr)->external.b[15] == 0)
		return chosen != NULL ? try_address(c, chosen) : NOTHING; /* it may know a pair */
	/* Chosen for the first time: the hash may have said any, if that one has what it should. */
	if (!m_paired_address(c->m, &c->internal->addr, paired ? chosen : NULL, &first))
		return chosen != NULL ? try_address(c, chosen) : NOTHING;
	return try_soft(c, &first, paired);
}

/* The real NAT notes the address that the host is paired with; only one that it had, or chose. */
static void note_pair(struct choice *c)
{
	struct m_host *host = m_host_get(c->m, &c->internal->addr);
	struct m_host real;

	if (!c->m->oracle.host(c->m->oracle.nat, &host->address, &real) ||
	    addr_equal(&real.external, &host->external))
		return;
	if (!addr_equal(&real.external, &c->real.addr) && !c->m->late)
		m_wrong(c->m, "the host is paired with an address that it did not get");
	host->external = real.external;
}

/* --- on request ----------------------------------------------------------------------------- */

static bool is_in(struct port_range range, uint32_t port)
{
	return port >= range.first && port <= range.last;
}

/* May the host have that port of c->address, if it is free? A wish opens no new block, and what is
 * kept for those whose block is full is for them alone. */
static enum state allows(const struct choice *c, uint32_t port)
{
	const struct options *o = &c->m->o;
	const struct m_host *host = m_host_get(c->m, &c->internal->addr);
	struct addr address;
	uint64_t number;

	if (o->blocks.behavior == BLOCKS_OFF)
		return is_in(class_range(c), port) || is_in(c->po->port_range, port) ? FREE : TAKEN;
	if (o->blocks.behavior == BLOCKS_DETERMINISTIC)
		return by_formula(o, &host->address, &number, &address) &&
				       addr_equal(&address, &c->address) &&
				       is_in(block_at(o, number % hosts_per_address(o), 1), port)
			       ? FREE
			       : TAKEN;
	for (uint32_t i = 0; i < host->block_count; i++)
		if (addr_equal(&host->blocks[i].addr, &c->address) &&
		    port >= host->blocks[i].port && port < host->blocks[i].port + block_size(o))
			return FREE;
	return c->m->late && host->block_count == 0 ? DOUBTFUL : TAKEN; /* it may have some still */
}

/* Whoever wishes for a port sees to it that those who are over have left it. */
static bool may_rest(const struct model *m, enum nat_protocol protocol,
		     const struct endpoint *external)
{
	for (uint32_t i = 0; i < m->resting_count; i++)
		if (m->resting[i].rests && m_share_ports(&m->o, m->resting[i].protocol, protocol) &&
		    endpoint_equal(&m->resting[i].external, external))
			return true;
	return false;
}

/* FREE: must be given, DOUBTFUL: may be. @wished: gets the address, where none is said */
static enum state look_wished(struct choice *c, struct endpoint *wished)
{
	bool hard = c->m->o.pooling == POOLING_PAIRED, sure = true;
	enum state allowed, state;
	struct addr paired;

	if (wished->port == 0)
		return TAKEN;
	if (!addr_is_ip4(&wished->addr) || hard) {
		sure = m_paired_address(c->m, &c->internal->addr, NULL, &paired);
		if (sure && addr_is_ip4(&wished->addr) && !addr_equal(&wished->addr, &paired))
			return TAKEN;
		if (!addr_is_ip4(&wished->addr))
			wished->addr = sure ? paired : c->real.addr;
	}
	if (!m_in_pool(&c->m->o, &wished->addr))
		return sure ? TAKEN : DOUBTFUL;
	c->address = wished->addr;
	allowed = allows(c, wished->port);
	state = state_of(c->m, c->protocol, wished, c->remote);
	if (allowed == TAKEN || state == TAKEN)
		return TAKEN;
	if (state == DOUBTFUL && !may_rest(c->m, c->protocol, wished))
		state = FREE;
	return sure && allowed == FREE ? state : DOUBTFUL;
}

static enum found try_wished(struct choice *c, const struct lease_request *wish)
{
	struct m_host *host = m_host_get(c->m, &c->internal->addr);
	struct endpoint wished = wish->external;
	enum state state = look_wished(c, &wished);
	struct addr paired;

	if (state != TAKEN && c->real.port != 0 && endpoint_equal(&c->real, &wished)) {
		remember_blocks(c, host);
		note_pair(c);
		if (m_paired_address(c->m, &host->address, NULL, &paired) &&
		    addr_equal(&paired, &wished.addr) && !addr_equal(&host->external, &paired))
			m_wrong(c->m, "the host is not paired with the address that it got");
		return GIVEN;
	}
	if (is_sure(state)) {
		m_wrong(c->m, "port %u was free, and wished for", wished.port);
		return ILLEGAL;
	}
	return NOTHING;
}

static bool is_exact(const struct lease_request *wish)
{
	return wish->exactly && (wish->external.port != 0 || addr_is_ip4(&wish->external.addr));
}

enum nat_reason m_pick(struct model *m, enum nat_protocol protocol, const struct endpoint *internal,
		       const struct endpoint *remote, const struct lease_request *wish,
		       struct endpoint *external)
{
	struct choice c = { .m = m,
			    .protocol = protocol,
			    .po = &m->o.protocol[protocol],
			    .internal = internal,
			    .remote = remote };
	bool deterministic = m->o.blocks.behavior == BLOCKS_DETERMINISTIC && protocol != NAT_OTHER;
	bool dynamic = m->o.blocks.behavior == BLOCKS_DYNAMIC && protocol != NAT_OTHER;
	enum nat_reason refusal = dynamic ? REASON_BLOCK_EXHAUSTED : REASON_PORTS_EXHAUSTED;
	enum found found = NOTHING;

	if (m_pool_count(&m->o) == 0)
		return wish != NULL && is_exact(wish) ? REASON_TUPLE_TAKEN : REASON_PORTS_EXHAUSTED;
	if (!m->oracle.external(m->oracle.nat, protocol, internal, remote, &c.real))
		c.real = (struct endpoint){ 0 };
	/* Overloaded, sent to itself, and ended by its own filter: nobody is left to ask. */
	if (c.real.port == 0 && c.po->ports == PORTS_OVERLOAD &&
	    m->oracle.reason == REASON_MAPPING_KILLED && pool_address(&m->o, 0, &c.real.addr))
		c.real.port = internal->port;
	if (c.real.port != 0 && !m_in_pool(&m->o, &c.real.addr)) {
		m_wrong(m, "an external address that is not in the pool");
		return refusal;
	}
	if (wish != NULL)
		found = try_wished(&c, wish);
	if (found == GIVEN) {
		*external = c.real;
		return REASON_MAPPING_CREATED;
	}
	if (wish != NULL && is_exact(wish)) {
		if (c.real.port != 0)
			m_wrong(m, "port %u, which was not wished for", c.real.port);
		return REASON_TUPLE_TAKEN;
	}
	found = deterministic ? try_deterministic(&c, &refusal) : try_pool(&c);
	if (found == ILLEGAL)
		m_wrong(m, "port %u could not be given", c.real.port);
	if (found != GIVEN && c.real.port != 0)
		m_wrong(m, "port %u, where there was none", c.real.port);
	if (found != GIVEN)
		return refusal;
	if (!deterministic)
		note_pair(&c);
	*external = c.real;
	return REASON_MAPPING_CREATED;
}

/* --- changing knobs ------------------------------------------------------------------------- */

static bool same_pool(const struct options *a, const struct options *b)
{
	return memcmp(&a->external, &b->external, sizeof(a->external)) == 0 &&
	       memcmp(&a->reserved, &b->reserved, sizeof(a->reserved)) == 0 &&
	       memcmp(&a->forwards, &b->forwards, sizeof(a->forwards)) == 0 &&
	       memcmp(&a->pairs, &b->pairs, sizeof(a->pairs)) == 0 &&
	       memcmp(&a->blocks, &b->blocks, sizeof(a->blocks)) == 0 &&
	       a->max_resting_ports == b->max_resting_ports && a->scope == b->scope;
}

static void forget_resting(struct model *m, const struct options *o)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < m->resting_count; i++) {
		const struct m_resting *r = &m->resting[i];
		bool mapped = false;

		for (uint32_t j = 0; j < m->mapping_count; j++)
			mapped =
				mapped || (m_share_ports(o, m->mappings[j].protocol, r->protocol) &&
					   endpoint_equal(&m->mappings[j].external, &r->external));
		if (m_in_pool(o, &r->external.addr) && !mapped &&
		    !m_is_fixed_port(o, r->protocol, &r->external))
			m->resting[kept++] = *r;
	}
	m->resting_count = kept;
	for (uint32_t i = 0; i < kept && kept > o->max_resting_ports; i++)
		m->resting[i].maybe = true;
}

static void forget_blocks(struct model *m, const struct options *o)
{
	bool same = m->o.blocks.behavior == BLOCKS_DYNAMIC && block_size(o) == block_size(&m->o);

	for (uint32_t i = 0; i < m->host_count; i++) {
		struct m_host *h = &m->hosts[i];
		uint32_t kept = 0;

		for (uint32_t j = 0; j < h->block_count && same; j++)
			if (m_in_pool(o, &h->blocks[j].addr))
				h->blocks[kept++] = h->blocks[j];
		h->block_count = kept;
	}
}

void m_ports_configure(struct model *m, const struct options *o)
{
	if (same_pool(&m->o, o))
		return;
	for (uint32_t i = 0; i < m->mapping_count;)
		if (m_in_pool(o, &m->mappings[i].external.addr) ||
		    (!m->mappings[i].holds_port && is_pair(o, &m->mappings[i].external.addr)))
			i++;
		else
			m_remove_mapping(m, m->mappings[i].serial);
	forget_resting(m, o);
	forget_blocks(m, o);
	m->sequence_count = 0;
	m->pair_count = 0;
}
