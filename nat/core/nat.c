/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/core/nat.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nat/core/prefetch.h"
#include "nat/core/steps.h"

/* Every host has a mapping, but for the one that is about to get its first. */
static uint32_t hosts_for(const struct options *o)
{
	return (uint32_t)o->max_mappings + 1;
}

/* Only this filtering asks for them. */
static unsigned int peers_wanted(const struct options *o)
{
	unsigned int wanted = 0;

	for (int p = 0; p < NAT_PROTOCOLS; p++)
		if (o->protocol[p].filtering == FILTERING_ADDRESS_DEPENDENT)
			wanted |= 1U << p;
	return wanted;
}

int nat_init(struct nat *nat, const struct options *options, const struct siphash_key *key)
{
	struct tuple_key hash_key;
	int err;

	memset(nat, 0, sizeof(*nat));
	nat->options = *options;
	rng_init(&nat->rng, key);
	tuple_key_init(&hash_key, key);
	err = event_ring_init(&nat->events, EVENT_RING);
	if (err < 0)
		return err;
	err = event_ring_init(&nat->flows, EVENT_FLOW_RING);
	if (err < 0)
		goto fini_events;
	err = ports_init(&nat->ports, options);
	if (err < 0)
		goto fini_flows;
	err = mapping_table_init(&nat->mappings, (uint32_t)options->max_mappings, &hash_key);
	if (err < 0)
		goto fini_ports;
	err = session_table_init(&nat->sessions, (uint32_t)options->max_sessions, &nat->mappings);
	if (err < 0)
		goto fini_mappings;
	peers_want(&nat->sessions, peers_wanted(options));
	err = host_table_init(&nat->hosts, hosts_for(options), &hash_key);
	if (err < 0)
		goto fini_sessions;
	err = lease_table_init(&nat->leases, (uint32_t)options->max_mappings);
	if (err < 0)
		goto fini_hosts;
	err = hold_init(&nat->held_syns, (uint32_t)options->tcp.max_held_syns, &hash_key);
	if (err < 0)
		goto fini_leases;
	err = fragment_init(&nat->fragments, &hash_key);
	if (err < 0)
		goto fini_hold;
	return 0;

fini_hold:
	hold_fini(&nat->held_syns);
fini_leases:
	lease_table_fini(&nat->leases);
fini_hosts:
	host_table_fini(&nat->hosts);
fini_sessions:
	session_table_fini(&nat->sessions);
fini_mappings:
	mapping_table_fini(&nat->mappings);
fini_ports:
	ports_fini(&nat->ports);
fini_flows:
	event_ring_fini(&nat->flows);
fini_events:
	event_ring_fini(&nat->events);
	return err;
}

void nat_fini(struct nat *nat)
{
	fragment_fini(&nat->fragments);
	hold_fini(&nat->held_syns);
	lease_table_fini(&nat->leases);
	host_table_fini(&nat->hosts);
	session_table_fini(&nat->sessions);
	mapping_table_fini(&nat->mappings);
	ports_fini(&nat->ports);
	event_ring_fini(&nat->flows);
	event_ring_fini(&nat->events);
}

/* --- changing knobs ------------------------------------------------------------------------- */

/* Blocks of hosts that are still whole under the new rules stay theirs, the others are forgotten. */
static void move_blocks(struct nat *nat, struct ports *fresh)
{
	bool same = fresh->block_size == nat->ports.block_size &&
		    nat->options.blocks.behavior == BLOCKS_DYNAMIC;

	for (uint32_t n = 0; n < nat->hosts.arena.used; n++) {
		struct host *host = host_at(&nat->hosts, n);
		uint32_t kept = 0;

		if (!arena_is_live(&nat->hosts.arena, n))
			continue;
		for (uint32_t i = 0; i < host->block_count && same; i++) {
			uint32_t address = ports_find(fresh, &host->blocks[i].addr);
			uint32_t block = (host->blocks[i].port - (uint32_t)PORTS_BLOCKS_FIRST) /
					 fresh->block_size;

			if (address == NAT_NONE) {
				lifetime_tell_freed(nat, host, i);
				continue;
			}
			ports_take_block(fresh, address, block, n);
			host->blocks[kept++] = host->blocks[i];
		}
		for (uint32_t i = 0; i < host->block_count && !same; i++)
			lifetime_tell_freed(nat, host, i);
		host->block_count = kept;
	}
}

/* Take over @fresh as the pool: mappings on addresses that are gone, or one host's alone from now
 * on, go with them. */
static void change_pool(struct nat *nat, const struct options *options, struct ports *fresh)
{
	for (uint32_t n = 0; n < nat->mappings.arena.used; n++) {
		struct mapping *m = mapping_at(&nat->mappings, n);
		uint32_t address;

		if (!arena_is_live(&nat->mappings.arena, n))
			continue;
		address = ports_find(fresh, &m->external.addr);
		if (address == NAT_NONE &&
		    (m->holds_port || !options_is_paired(options, &m->external.addr)))
			lifetime_remove_mapping(nat, n, CAUSE_RENUMBERED);
		else if (m->holds_port)
			port_map_take(ports_map(fresh, address, (enum nat_protocol)m->protocol),
				      m->external.port);
	}
	ports_move_resting(fresh, &nat->ports);
	move_blocks(nat, fresh);
	ports_fini(&nat->ports);
	nat->ports = *fresh;
}

static bool same_statics(const struct options *a, const struct options *b)
{
	return memcmp(&a->forwards, &b->forwards, sizeof(a->forwards)) == 0 &&
	       memcmp(&a->pairs, &b->pairs, sizeof(a->pairs)) == 0 && addr_equal(&a->dmz, &b->dmz);
}

/* Do the knobs still say what made @m, which is fixed? */
static bool still_leads(const struct nat *nat, const struct mapping *m)
{
	struct endpoint internal;

	if (forward_inbound(nat, (enum nat_protocol)m->protocol, &m->external, &internal))
		return endpoint_equal(&internal, &m->internal);
	/* Only what was made for the DMZ holds its port. */
	return m->holds_port && addr_equal(&nat->options.dmz, &m->internal.addr) &&
	       m->external.port == m->internal.port;
}

/* Does a forward or a pair give the external endpoint of @m, which is not fixed, away? If it gives
 * it to the same host, the mapping is fixed from now on. */
static bool is_given_away(const struct nat *nat, struct mapping *m)
{
	struct endpoint internal;

	if (!forward_inbound(nat, (enum nat_protocol)m->protocol, &m->external, &internal))
		return false;
	m->fixed = endpoint_equal(&internal, &m->internal) &&
		   m->behavior == MAPPING_ENDPOINT_INDEPENDENT;
	return !m->fixed;
}

/* What a forward, a pair or the DMZ led to goes with it: everybody may send to such a mapping. And
 * what is in the way of a new one goes: an external endpoint stands for one host only. */
static void change_statics(struct nat *nat)
{
	for (uint32_t n = 0; n < nat->mappings.arena.used; n++) {
		struct mapping *m = mapping_at(&nat->mappings, n);

		if (!arena_is_live(&nat->mappings.arena, n))
			continue;
		if (m->fixed ? !still_leads(nat, m) : is_given_away(nat, m))
			lifetime_remove_mapping(nat, n, CAUSE_RULE);
	}
}

static int set_limits(struct nat *nat, const struct options *o)
{
	int err = mapping_table_set_limit(&nat->mappings, (uint32_t)o->max_mappings);

	if (err == 0)
		err = session_table_set_limit(&nat->sessions, (uint32_t)o->max_sessions);
	if (err == 0)
		err = host_table_set_limit(&nat->hosts, hosts_for(o));
	if (err == 0)
		err = lease_table_set_limit(&nat->leases, (uint32_t)o->max_mappings);
	return err;
}

/* Somebody has made room, or may have: what still refuses then is news. */
static void forget_limits(struct nat *nat)
{
	memset(nat->limits, 0, sizeof(nat->limits));
	for (uint32_t n = 0; n < nat->hosts.arena.used; n++)
		if (arena_is_live(&nat->hosts.arena, n))
			memset(host_at(&nat->hosts, n)->limits, 0,
			       sizeof(host_at(&nat->hosts, n)->limits));
}

int nat_configure(struct nat *nat, const struct options *options)
{
	bool new_pool = !ports_same(options, &nat->options);
	bool new_statics = !same_statics(options, &nat->options);
	bool had_blocks = nat->options.blocks.behavior != BLOCKS_OFF;
	bool new_timers = memcmp(&options->port_timers, &nat->options.port_timers,
				 sizeof(options->port_timers)) != 0;
	struct ports *fresh = NULL;
	int err = set_limits(nat, options);

	if (err == 0 && new_pool) {
		fresh = calloc(1, sizeof(*fresh));
		err = fresh == NULL ? -ENOMEM : ports_init(fresh, options);
	}
	if (err == 0)
		err = hold_set_room(&nat->held_syns, (uint32_t)options->tcp.max_held_syns);
	if (err < 0) {
		if (fresh != NULL)
			ports_fini(fresh);
		free(fresh);
		set_limits(nat, &nat->options); /* going back to smaller limits never fails */
		return err;
	}
	if (new_pool)
		change_pool(nat, options, fresh);
	free(fresh);
	nat->options = *options;
	peers_want(&nat->sessions, peers_wanted(options));
	forget_limits(nat);
	if (had_blocks)
		lifetime_leave_blocks(nat);
	if (new_statics)
		change_statics(nat);
	if (new_timers)
		session_sort_ports(&nat->sessions, options);
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

/* --- limits --------------------------------------------------------------------------------- */

static void add_limit_event(struct nat *nat, const struct nat_outcome *refused,
			    enum nat_protocol protocol, const struct addr *host, struct mono now)
{
	const struct nat_event event = {
		.at = now,
		.type = EVENT_LIMIT_REACHED,
		.reason = refused->reason,
		.protocol = protocol,
		.knob = refused->knob,
		.internal = *host,
	};

	event_add(&nat->events, &event);
}

struct nat_outcome report_limit(struct nat *nat, struct nat_outcome refused,
				enum nat_protocol protocol, const struct addr *host,
				struct mono now)
{
	if (event_is_news(&nat->limits[refused.reason][protocol], now))
		add_limit_event(nat, &refused, protocol, host, now);
	return refused;
}

struct nat_outcome report_host_limit(struct nat *nat, struct nat_outcome refused,
				     enum nat_protocol protocol, struct host *host, struct mono now)
{
	if (event_is_news(&host->limits[refused.reason - REASON_HOST_QUOTA], now))
		add_limit_event(nat, &refused, protocol, &host->address, now);
	return refused;
}

/* --- a packet ------------------------------------------------------------------------------- */

enum nat_protocol nat_protocol_of(const struct packet *pkt)
{
	switch (pkt->protocol) {
	case PACKET_UDP:
		return NAT_UDP;
	case PACKET_TCP:
		return NAT_TCP;
	case PACKET_ICMP:
		return NAT_ICMP;
	default:
		return NAT_OTHER;
	}
}

/* Port 0 names nobody (RFC 4787 section 4.2.1); a UDP source may be let have it all the same: only
 * then is there a choice, and a @knob. */
static bool has_port_zero(const struct nat *nat, const struct packet *pkt,
			  enum nat_protocol protocol, enum option_id *knob)
{
	*knob = OPT_NONE;
	if (!nat_has_ports(protocol))
		return false;
	if (pkt->destination.port == 0)
		return true;
	if (protocol == NAT_UDP)
		*knob = OPT_UDP_PORT_ZERO;
	return pkt->source.port == 0 &&
	       !(protocol == NAT_UDP && nat->options.port_zero == PORT_ZERO_TRANSLATE);
}

/* Where a packet is going, seen from us. */
enum way { WAY_OUT, WAY_IN, WAY_HAIRPIN, WAY_PAST };

static enum way way_of(const struct nat *nat, const struct packet *pkt, enum nat_side from)
{
	bool ours = nat_is_external(nat, &pkt->destination.addr);

	if (from == NAT_INTERNAL)
		return ours ? WAY_HAIRPIN : WAY_OUT;
	return ours ? WAY_IN : WAY_PAST;
}

/* From the WAN to an address that is not in the pool. */
static struct nat_outcome not_ours(void)
{
	return drop_by(REASON_NOT_OURS, OPT_NAT_EXTERNAL, NAT_NONE);
}

/* One of the protocols with a table of its own. */
static struct nat_outcome translate_flow(struct nat *nat, struct packet *pkt,
					 enum nat_protocol protocol, enum way way, struct mono now)
{
	enum option_id knob;

	if (has_port_zero(nat, pkt, protocol, &knob))
		return drop_by(REASON_PORT_ZERO, knob, NAT_NONE);
	switch (way) {
	case WAY_OUT:
		return outbound_translate(nat, pkt, protocol, now);
	case WAY_IN:
		return inbound_translate(nat, pkt, protocol, now);
	case WAY_HAIRPIN:
		return hairpin_translate(nat, pkt, protocol, now);
	case WAY_PAST:
		break;
	}
	return not_ours();
}

/* Which queries pass is a choice (RFC 5508 REQ-10). */
static bool passes_query(const struct nat *nat, const struct packet *pkt)
{
	bool echo = pkt->icmp_type == PACKET_ECHO || pkt->icmp_type == PACKET_ECHO_REPLY;

	switch (nat->options.icmp.queries) {
	case QUERIES_COMMON:
		return echo || pkt->icmp_type == PACKET_TIMESTAMP ||
		       pkt->icmp_type == PACKET_TIMESTAMP_REPLY;
	case QUERIES_ECHO:
		return echo;
	case QUERIES_ALL:
		return true;
	case QUERIES_NONE:
		return false;
	}
	return false;
}

static struct nat_outcome translate_icmp(struct nat *nat, struct packet *pkt, enum nat_side from,
					 enum way way, struct mono now)
{
	if (packet_is_icmp_error(pkt))
		return icmp_error_translate(nat, pkt, from, now);
	if (!packet_is_icmp_query(pkt))
		return drop(REASON_ICMP_TYPE);
	if (!passes_query(nat, pkt))
		return drop_by(REASON_ICMP_TYPE, OPT_ICMP_QUERIES, NAT_NONE);
	return translate_flow(nat, pkt, NAT_ICMP, way, now);
}

/* To or from a destination whose packets are left alone, whatever they are (RFC 6888 REQ-6). An
 * internal host's error goes by the packet it quotes. */
static bool is_left_alone(const struct nat *nat, const struct packet *pkt, enum way way)
{
	if (way == WAY_PAST)
		return forward_is_exempt(&nat->options, pkt, &pkt->source);
	return way == WAY_OUT && !packet_is_icmp_error(pkt) &&
	       forward_is_exempt(&nat->options, pkt, &pkt->destination);
}

static struct nat_outcome translate_on(struct nat *nat, struct packet *pkt, enum nat_side from,
				       enum way way, struct mono now)
{
	enum nat_protocol protocol = nat_protocol_of(pkt);

	if (is_left_alone(nat, pkt, way))
		return pass(REASON_EXEMPT, OPT_NAT_EXEMPT);
	if (way == WAY_PAST)
		return not_ours();
	if (protocol == NAT_ICMP)
		return translate_icmp(nat, pkt, from, way, now);
	if (protocol == NAT_OTHER &&
	    !(nat->options.other.bits[pkt->protocol / 64] >> (pkt->protocol % 64) & 1))
		return drop_by(REASON_PROTOCOL, OPT_OTHER_PROTOCOLS, NAT_NONE);
	return translate_flow(nat, pkt, protocol, way, now);
}

struct nat_outcome translate_whole(struct nat *nat, struct packet *pkt, enum nat_side from,
				   struct mono now)
{
	return translate_on(nat, pkt, from, way_of(nat, pkt, from), now);
}

static struct nat_outcome translate(struct nat *nat, struct packet *pkt, enum nat_side from,
				    struct mono now)
{
	enum packet_error err;
	enum way way;

	if (from == NAT_NOWHERE)
		return drop(REASON_WRONG_INTERFACE);
	err = packet_parse(pkt);
	if (err == PACKET_SHORT_TRANSPORT && pkt->fragment)
		return drop(REASON_FRAGMENT_TINY);
	if (err != PACKET_OK)
		return drop(parse_reason(err));
	if (!addr_is_unicast(&pkt->source.addr) || !addr_is_unicast(&pkt->destination.addr))
		return drop(REASON_NOT_UNICAST);
	if (pkt->address_options)
		return drop(REASON_ADDRESS_OPTION);
	way = way_of(nat, pkt, from);
	if (!pkt->fragment)
		return translate_on(nat, pkt, from, way, now);
	/* One for nobody here takes no room in the store. */
	if (way == WAY_PAST && !forward_may_be_exempt(&nat->options, &pkt->source.addr))
		return not_ours();
	return fragment_translate(nat, pkt, from, now);
}

struct nat_outcome nat_process(struct nat *nat, struct packet *pkt, enum nat_side from,
			       struct mono now)
{
	struct nat_outcome outcome;

	nat->now = now;
	nat->tcp_before = nat->tcp_after = TCP_CLOSED;
	outcome = translate(nat, pkt, from, now);
	outcome.tcp_before = nat->tcp_before;
	outcome.tcp_after = nat->tcp_after;
	nat->counters[outcome.reason]++;
	if (from != NAT_NOWHERE)
		histogram_add(&nat->sizes[from], pkt->length);
	if (outcome.verdict == NAT_REWRITTEN)
		packet_finish(pkt);
	return outcome;
}

bool nat_next_release(struct nat *nat, struct nat_release *release)
{
	const uint8_t *data;
	const struct held_fragment *h = fragment_next_release(&nat->fragments, &data);

	if (h == NULL)
		return false;
	*release = (struct nat_release){
		.tag = h->tag,
		.verdict = h->pass ? NAT_REWRITTEN : NAT_DROPPED,
		.reason = h->reason,
		.from = (enum nat_side)h->side,
		.data = data,
		.length = h->length,
	};
	nat->counters[h->reason]++;
	return true;
}

const struct output *nat_next_output(struct nat *nat)
{
	return output_take(&nat->outputs);
}

/* --- time ----------------------------------------------------------------------------------- */

/* When the head of expiry list @list ends; MONO_NEVER if it is empty. */
static struct mono head_due(const struct nat *nat, int list)
{
	uint32_t head = nat->sessions.expiry[list].head;

	return head == NAT_NONE ? MONO_NEVER
				: session_expiry(session_at(&nat->sessions, head), &nat->options);
}

/* The list whose head is due first, or TIMEOUT_CLASSES if all are empty. @next: when that of the
 * next list is. */
static int next_due(const struct nat *nat, struct mono *due, struct mono *next)
{
	int first = TIMEOUT_CLASSES;

	*due = *next = MONO_NEVER;
	for (int list = 0; list < TIMEOUT_CLASSES; list++) {
		struct mono at = head_due(nat, list);

		if (at.ms < due->ms) {
			*next = *due;
			*due = at;
			first = list;
		} else if (at.ms < next->ms) {
			*next = at;
		}
	}
	return first;
}

/* Connections that end with a word need room for it: two packets each. */
static bool can_tell(const struct nat *nat)
{
	return nat->options.tcp.expiry == TCP_EXPIRY_SILENT ||
	       nat->outputs.count + 2 <= OUTPUT_RING;
}

static struct mono earliest(struct mono a, struct mono b)
{
	return a.ms < b.ms ? a : b;
}

/* @session ends now. What was seen of it some time ago is as it was, if it is the one that was seen: it
 * and its mapping are alive, and nothing is made while sessions end. */
static void note_hashes(struct nat *nat, uint32_t session, const struct prefetch_end *seen)
{
	if (seen->session.record != session)
		return;
	nat->sessions.noted = seen->session;
	nat->mappings.noted = seen->mapping;
}

/* End what is due of the lists, the first first, as long as @budget lasts, and take it from that;
 * returns when the next is due. */
static struct mono expire_sessions(struct nat *nat, struct mono now, unsigned int *budget)
{
	struct prefetch_ends ends;
	struct mono due, next;
	int list = next_due(nat, &due, &next);

	if (list < TIMEOUT_CLASSES)
		prefetch_ends(&ends, nat, (enum timeout_class)list);
	while (list < TIMEOUT_CLASSES && mono_reached(now, due) && *budget > 0 && can_tell(nat)) {
		uint32_t session = nat->sessions.expiry[list].head;

		note_hashes(nat, session, prefetch_end(&ends));
		lifetime_expire_session(nat, session);
		(*budget)--;
		due = head_due(nat, list);
		if (due.ms < next.ms)
			continue;
		list = next_due(nat, &due, &next);
		if (list < TIMEOUT_CLASSES)
			prefetch_ends(&ends, nat, (enum timeout_class)list);
	}
	return due;
}

/* The same with the leases, each in its turn among the sessions: of those that have a mapping or a
 * port together the last decides what becomes of it. */
static struct mono expire(struct nat *nat, struct mono now, unsigned int budget)
{
	struct lease_table *t = &nat->leases;

	while (t->count > 0 && mono_reached(now, lease_due(t))) {
		expire_sessions(nat, lease_due(t), &budget);
		if (budget == 0)
			break;
		lifetime_end_lease(nat, lease_first(t), CAUSE_EXPIRED);
		budget--;
	}
	return earliest(expire_sessions(nat, now, &budget), lease_due(t));
}

struct mono nat_tick(struct nat *nat, struct mono now, unsigned int budget)
{
	struct mono due;

	nat->now = now;
	due = expire(nat, now, budget);
	due = earliest(due, fragment_tick(nat, now));
	due = earliest(due, unmatched_tick(nat, now));
	return earliest(due, ports_wake(&nat->ports, &nat->options, now));
}

static bool is_selected(const struct nat_selection *which, uint32_t n, const struct mapping *m)
{
	return (which->mapping == NAT_NONE || which->mapping == n) &&
	       (which->protocol == NAT_PROTOCOLS || which->protocol == m->protocol) &&
	       (which->host == NULL || addr_equal(which->host, &m->internal.addr)) &&
	       (which->external == NULL || endpoint_equal(which->external, &m->external));
}

void nat_flush_begin(struct nat *nat, struct mono now)
{
	nat->now = now;
	for (uint32_t n = 0; n < nat->mappings.arena.used; n++)
		if (arena_is_live(&nat->mappings.arena, n))
			lifetime_live_mapping(nat, n, now);
	forget_limits(nat);
}

/* Mappings looked at in one go: with their sessions and blocks they are less than the ring of flows has
 * room for, unless they have many. */
enum { FLUSH_STEPS = 8192 };

uint32_t nat_flush_some(struct nat *nat, const struct nat_selection *which, uint32_t *at)
{
	/* Some take another along, which was borrowed from them. */
	uint32_t before = nat->mappings.arena.live, used = nat->mappings.arena.used;
	uint32_t end = used - *at < FLUSH_STEPS ? used : *at + FLUSH_STEPS;

	for (; *at < end; (*at)++)
		if (arena_is_live(&nat->mappings.arena, *at) &&
		    is_selected(which, *at, mapping_at(&nat->mappings, *at)))
			lifetime_remove_mapping(nat, *at, CAUSE_FLUSHED);
	return before - nat->mappings.arena.live;
}

uint32_t nat_flush(struct nat *nat, const struct nat_selection *which, struct mono now)
{
	uint32_t flushed = 0, at = 0;

	nat_flush_begin(nat, now);
	while (at < nat->mappings.arena.used)
		flushed += nat_flush_some(nat, which, &at);
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

/* Those that keep it come first in its list. */
static struct mono own_expiry(const struct nat *nat, uint32_t n)
{
	uint32_t s = mapping_at(&nat->mappings, n)->first_session;
	struct mono longest = { .ms = INT64_MIN };

	if (mapping_at(&nat->mappings, n)->leased)
		longest = lease_at(&nat->leases, n)->end;
	for (; s != NAT_NONE && session_at(&nat->sessions, s)->keeping;
	     s = session_at(&nat->sessions, s)->mapping_next) {
		struct mono end = session_expiry(session_at(&nat->sessions, s), &nat->options);

		if (end.ms > longest.ms)
			longest = end;
	}
	return longest;
}

/* What is borrowed ends with its lender. */
struct mono nat_mapping_expiry(const struct nat *nat, uint32_t n)
{
	uint32_t lender = lifetime_lender(nat, n);
	struct mono end = own_expiry(nat, n);

	return lender != NAT_NONE ? earliest(end, own_expiry(nat, lender)) : end;
}
