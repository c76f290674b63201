/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lifetime.c - how long sessions and mappings live
 * Ties together what session.c, mapping.c and ports.c each know a part of: when a session ends,
 * its mapping may end, and with that a port becomes free.
 */
#include "nat/core/steps.h"

static bool is_expired(const struct nat *nat, uint32_t session, struct mono now)
{
	return session_is_expired(session_at(&nat->sessions, session), &nat->options, now);
}

/* --- hosts ---------------------------------------------------------------------------------- */

void lifetime_tell_block(struct nat *nat, const struct nat_event *event)
{
	event_add(&nat->events, event);
	if (nat->listeners.mappings > 0)
		event_add(&nat->flows, event);
}

void lifetime_tell_freed(struct nat *nat, const struct host *host, uint32_t i)
{
	const struct nat_event event = {
		.at = nat->now,
		.type = EVENT_BLOCK_FREED,
		.internal = host->address,
		.external = host->blocks[i],
		.last = (uint16_t)(host->blocks[i].port + nat->ports.block_size - 1),
		.session = NAT_NONE,
	};

	lifetime_tell_block(nat, &event);
}

static void free_blocks(struct nat *nat, const struct host *host)
{
	for (uint32_t i = 0; i < host->block_count; i++) {
		ports_release_block(&nat->ports, &host->blocks[i]);
		lifetime_tell_freed(nat, host, i);
	}
}

static void remove_idle_host(struct nat *nat, uint32_t n)
{
	free_blocks(nat, host_at(&nat->hosts, n));
	host_remove(&nat->hosts, n);
}

void lifetime_unpin_host(struct nat *nat, uint32_t host)
{
	if (host_unpin(&nat->hosts, host))
		remove_idle_host(nat, host);
}

/* --- what is told of flows ------------------------------------------------------------------ */

static struct nat_event event_of(const struct nat *nat, uint32_t mapping, enum event_type type,
				 enum event_cause cause)
{
	const struct mapping *m = mapping_at(&nat->mappings, mapping);

	return (struct nat_event){
		.at = nat->now,
		.type = type,
		.protocol = (enum nat_protocol)m->protocol,
		.knob = OPT_NONE,
		.internal = m->internal.addr,
		.internal_port = m->internal.port,
		.external = m->external,
		.mapping = mapping,
		.session = NAT_NONE,
		.cause = cause,
		.in_block = m->in_block,
	};
}

static void tell_mapping(struct nat *nat, uint32_t n, enum event_type type, enum event_cause cause)
{
	struct nat_event event;

	if (nat->listeners.mappings == 0)
		return;
	event = event_of(nat, n, type, cause);
	event.remote = mapping_remote(&nat->mappings, n);
	event.duration_ms = nat->now.ms - mapping_at(&nat->mappings, n)->created.ms;
	event_add(&nat->flows, &event);
}

static void tell_session(struct nat *nat, uint32_t n, enum event_type type, enum event_cause cause)
{
	const struct session *s = session_at(&nat->sessions, n);
	struct nat_event event;

	if (nat->listeners.sessions == 0)
		return;
	event = event_of(nat, s->mapping, type, cause);
	event.session = n;
	event.remote = s->remote;
	event.duration_ms = nat->now.ms - s->created.ms;
	event_add(&nat->flows, &event);
}

/* Is the port of @m one of those that its host has as a block? */
static bool is_in_block(const struct nat *nat, const struct mapping *m)
{
	struct addr owner;

	if (!m->holds_port || m->protocol == NAT_OTHER)
		return false;
	switch (nat->options.blocks.behavior) {
	case BLOCKS_OFF:
		break;
	case BLOCKS_DYNAMIC:
		return ports_block_owner(&nat->ports, &m->external) == m->host;
	case BLOCKS_DETERMINISTIC:
		return ports_deterministic_owner(&nat->ports, &nat->options, &m->external,
						 &owner) &&
		       addr_equal(&owner, &m->internal.addr);
	}
	return false;
}

void lifetime_leave_blocks(struct nat *nat)
{
	for (uint32_t n = 0; n < nat->mappings.arena.used; n++) {
		struct mapping *m = mapping_at(&nat->mappings, n);

		if (!arena_is_live(&nat->mappings.arena, n) || !m->in_block || is_in_block(nat, m))
			continue;
		m->in_block = false;
		tell_mapping(nat, n, EVENT_MAPPING_CREATED, CAUSE_BLOCKS);
	}
}

/* --- mappings ------------------------------------------------------------------------------- */

uint32_t lifetime_add_mapping(struct nat *nat, const struct mapping *wanted,
			      const struct endpoint *remote, struct mono now)
{
	struct host *host = host_at(&nat->hosts, wanted->host);
	uint32_t n;

	host_count_mapping(host, &nat->options, (enum nat_protocol)wanted->protocol, now);
	n = mapping_add(&nat->mappings, wanted, remote);
	if (n == NAT_NONE)
		return NAT_NONE;
	mapping_at(&nat->mappings, n)->in_block = is_in_block(nat, wanted);
	tell_mapping(nat, n, EVENT_MAPPING_CREATED, CAUSE_NONE);
	return n;
}

/* Does the port of @m rest before it is used again, or is it one of RFC 6888 REQ-8's exceptions? */
static bool needs_rest(const struct nat *nat, const struct mapping *m)
{
	const struct options *o = &nat->options;

	/* What the DMZ host has is its own, and the newest owner of a port waits for nobody. */
	if (m->fixed || o->protocol[m->protocol].ports == PORTS_OVERLOAD)
		return false;
	if (o->reuse_static == SWITCH_ON && o->blocks.behavior == BLOCKS_DETERMINISTIC)
		return false;
	if (o->reuse_filtered == SWITCH_ON &&
	    o->protocol[m->protocol].filtering != FILTERING_ENDPOINT_INDEPENDENT)
		return false;
	return !(o->tcp.reuse_tracked == SWITCH_ON && m->protocol == NAT_TCP && !m->lingering);
}

/* A port that several share, by overlapping or by scope, is free when the last of them is gone.
 * @shared: others may have it by the same protocol */
static bool is_used(const struct nat *nat, enum nat_protocol protocol,
		    const struct endpoint *external, bool shared)
{
	uint32_t sibling = NAT_NONE;

	if (nat->ports.shared && nat_has_ports(protocol))
		sibling = mapping_find_external(&nat->mappings, sibling_of(protocol), external);
	return (shared && mapping_find_external(&nat->mappings, protocol, external) != NAT_NONE) ||
	       (sibling != NAT_NONE && mapping_at(&nat->mappings, sibling)->holds_port);
}

/* What strangers opened through a mapping that is gone now goes with it; their port is its. */
static void remove_borrowed(struct nat *nat, enum nat_protocol protocol,
			    const struct endpoint *external, enum event_cause cause)
{
	uint32_t sibling = NAT_NONE;

	if (nat->ports.shared && nat_has_ports(protocol))
		sibling = mapping_find_external(&nat->mappings, sibling_of(protocol), external);
	if (sibling == NAT_NONE || !mapping_at(&nat->mappings, sibling)->borrowed)
		return;
	mapping_at(&nat->mappings, sibling)->holds_port = false;
	lifetime_remove_mapping(nat, sibling, cause);
}

static void remove_mapping(struct nat *nat, uint32_t n, enum event_cause cause)
{
	const struct mapping *m = mapping_at(&nat->mappings, n);
	enum nat_protocol protocol = (enum nat_protocol)m->protocol;
	const struct endpoint external = m->external;
	bool rest = needs_rest(nat, m), holds_port = m->holds_port, shared;
	uint32_t host = m->host;

	if (m->leased) {
		if (!mono_reached(nat->now, lease_at(&nat->leases, n)->end))
			nat->leases.epoch = nat->now; /* somebody counts on it */
		lease_remove(&nat->leases, n);
	}
	tell_mapping(nat, n, EVENT_MAPPING_ENDED, cause);
	histogram_add(&nat->lifetimes[protocol], (uint64_t)(nat->now.ms - m->created.ms) / 1000);
	shared = mapping_remove(&nat->mappings, n);
	if (holds_port)
		remove_borrowed(nat, protocol, &external, cause);
	if (holds_port && !is_used(nat, protocol, &external, shared))
		ports_release(&nat->ports, &nat->options, protocol, &external, rest, nat->now);
	host_at(&nat->hosts, host)->mappings[protocol]--;
	if (host_is_idle(host_at(&nat->hosts, host)))
		remove_idle_host(nat, host);
}

/* The connection was seen to end, so its port can serve another at once. */
static bool was_closed(const struct nat *nat, uint32_t session)
{
	enum tcp_state state = session_tcp_state(&nat->sessions, session);

	return state == TCP_BOTH_FIN || state == TCP_TIME_WAIT || state == TCP_TRANS;
}

static void remove_session(struct nat *nat, uint32_t session, enum event_cause cause)
{
	const struct session *s = session_at(&nat->sessions, session);
	struct mapping *m = mapping_at(&nat->mappings, s->mapping);
	bool closed = was_closed(nat, session);

	tell_session(nat, session, EVENT_SESSION_ENDED,
		     closed && cause == CAUSE_EXPIRED ? CAUSE_CLOSED : cause);
	m->lingering = m->lingering || !closed;
	host_at(&nat->hosts, m->host)->sessions[m->protocol]--;
	session_remove(&nat->sessions, session);
}

void lifetime_remove_session(struct nat *nat, uint32_t session)
{
	uint32_t mapping = session_at(&nat->sessions, session)->mapping;

	remove_session(nat, session, CAUSE_EXPIRED);
	if (!session_any_keeps(&nat->sessions, mapping) &&
	    !mapping_at(&nat->mappings, mapping)->leased)
		lifetime_remove_mapping(nat, mapping, CAUSE_EXPIRED);
}

void lifetime_end_lease(struct nat *nat, uint32_t mapping, enum event_cause cause)
{
	lease_remove(&nat->leases, mapping);
	mapping_at(&nat->mappings, mapping)->leased = false;
	if (!session_any_keeps(&nat->sessions, mapping))
		lifetime_remove_mapping(nat, mapping, cause);
}

void lifetime_expire_session(struct nat *nat, uint32_t session)
{
	const struct session *s = session_at(&nat->sessions, session);

	if (nat->options.tcp.expiry == TCP_EXPIRY_RESET && s->class == TIMEOUT_TCP_ESTABLISHED)
		answer_expiry(nat, session);
	nat->sessions.expired++;
	lifetime_remove_session(nat, session);
}

void lifetime_remove_mapping(struct nat *nat, uint32_t mapping, enum event_cause cause)
{
	const struct mapping *m = mapping_at(&nat->mappings, mapping);

	while (m->sessions > 0)
		remove_session(nat, m->first_session, cause);
	remove_mapping(nat, mapping, cause);
}

uint32_t lifetime_live_session(struct nat *nat, uint32_t session, struct mono now)
{
	const struct session *s;
	const struct mapping *m;

	if (session == NAT_NONE)
		return NAT_NONE;
	if (is_expired(nat, session, now)) {
		lifetime_expire_session(nat, session);
		return NAT_NONE;
	}
	/* One that keeps nothing is over when its mapping is, and goes with it; so is what was
	 * borrowed when the lender is. One that outlives a lease must not look leased. */
	s = session_at(&nat->sessions, session);
	m = mapping_at(&nat->mappings, s->mapping);
	if ((!s->keeping || m->borrowed || m->leased) &&
	    lifetime_live_mapping(nat, s->mapping, now) == NAT_NONE)
		return NAT_NONE;
	return session;
}

uint32_t lifetime_lender(const struct nat *nat, uint32_t mapping)
{
	const struct mapping *m = mapping_at(&nat->mappings, mapping);

	if (!m->borrowed || !nat->ports.shared)
		return NAT_NONE;
	return mapping_find_external(&nat->mappings, sibling_of((enum nat_protocol)m->protocol),
				     &m->external);
}

/* Is the sibling alive that @mapping was borrowed from, if it was? If not, both are removed. */
static bool lender_lives(struct nat *nat, uint32_t mapping, struct mono now)
{
	uint32_t lender = lifetime_lender(nat, mapping);

	return lender == NAT_NONE || lifetime_live_mapping(nat, lender, now) != NAT_NONE;
}

/* Does a lease keep @mapping alive? One that is over is ended, and may have taken the mapping along:
 * then @mapping is NAT_NONE. */
static bool is_leased(struct nat *nat, uint32_t *mapping, struct mono now)
{
	bool stays;

	if (*mapping == NAT_NONE || !mapping_at(&nat->mappings, *mapping)->leased)
		return false;
	if (!mono_reached(now, lease_at(&nat->leases, *mapping)->end))
		return true;
	stays = session_any_keeps(&nat->sessions, *mapping);
	lifetime_end_lease(nat, *mapping, CAUSE_EXPIRED);
	*mapping = stays ? *mapping : NAT_NONE;
	return false;
}

/*
 * The first of its sessions are those that keep it; one of them alive is enough. The walk is long
 * only over sessions that are due, and each of those is walked once.
 */
uint32_t lifetime_live_mapping(struct nat *nat, uint32_t mapping, struct mono now)
{
	if (is_leased(nat, &mapping, now))
		return mapping;
	if (mapping != NAT_NONE && !lender_lives(nat, mapping, now))
		return NAT_NONE;
	while (mapping != NAT_NONE) {
		const struct mapping *m = mapping_at(&nat->mappings, mapping);

		if (!is_expired(nat, m->first_session, now))
			return mapping;
		if (!session_several_keep(&nat->sessions, mapping))
			mapping = NAT_NONE; /* goes with this one */
		lifetime_expire_session(nat, m->first_session);
	}
	return NAT_NONE;
}

uint32_t lifetime_live_internal(struct nat *nat, enum nat_protocol protocol,
				const struct endpoint *internal, const struct endpoint *remote_part,
				struct mono now)
{
	static const struct endpoint nowhere;
	uint32_t n = mapping_find_internal(&nat->mappings, protocol, internal, remote_part);

	n = lifetime_live_mapping(nat, n, now);
	if (n != NAT_NONE)
		return n;
	n = mapping_find_internal(&nat->mappings, protocol, internal, &nowhere);
	n = lifetime_live_mapping(nat, n, now);
	return n != NAT_NONE && mapping_is_open(mapping_at(&nat->mappings, n)) ? n : NAT_NONE;
}

uint32_t lifetime_live_external(struct nat *nat, enum nat_protocol protocol,
				const struct endpoint *external, struct mono now)
{
	uint32_t n;

	while ((n = mapping_find_external(&nat->mappings, protocol, external)) != NAT_NONE)
		if (lifetime_live_mapping(nat, n, now) != NAT_NONE)
			break;
	return n;
}

uint32_t lifetime_leased_external(struct nat *nat, enum nat_protocol protocol,
				  const struct endpoint *external, struct mono now)
{
	uint32_t n, next;

	if (nat->leases.count == 0)
		return NAT_NONE; /* seldom is there any */
	n = mapping_find_external(&nat->mappings, protocol, external);
	for (; n != NAT_NONE; n = next) {
		next = mapping_next_external(&nat->mappings, n);
		if (lifetime_live_mapping(nat, n, now) != NAT_NONE &&
		    mapping_at(&nat->mappings, n)->leased)
			return n;
	}
	return NAT_NONE;
}

/* More than the timer takes at once: a packet is refused only if there is no room indeed. */
enum { ROOM_BUDGET = 4096 };

bool lifetime_make_room(struct nat *nat, struct mono now)
{
	/* A mapping that only its lease kept goes without a session. */
	uint32_t before = nat->sessions.arena.live + nat->mappings.arena.live;

	nat_tick(nat, now, ROOM_BUDGET);
	return nat->sessions.arena.live + nat->mappings.arena.live < before;
}

/* --- sessions ------------------------------------------------------------------------------- */

static enum timeout_class first_class(const struct options *o, enum nat_protocol protocol,
				      uint16_t remote_port)
{
	switch (protocol) {
	case NAT_UDP:
		for (uint32_t i = 0; i < o->port_timers.count; i++)
			if (o->port_timers.timers[i].port == remote_port)
				return (enum timeout_class)(TIMEOUT_PORT + i);
		return o->timeout_ms[TIMEOUT_UDP_UNREPLIED] != 0 ? TIMEOUT_UDP_UNREPLIED
								 : TIMEOUT_UDP;
	case NAT_TCP:
		return TIMEOUT_TCP_OPENING;
	case NAT_ICMP:
		return TIMEOUT_ICMP;
	case NAT_OTHER:
	case NAT_PROTOCOLS:
		break;
	}
	return TIMEOUT_OTHER;
}

bool lifetime_admits_session(struct nat *nat, uint32_t mapping, struct nat_outcome *refused,
			     struct mono now)
{
	const struct mapping *m = mapping_at(&nat->mappings, mapping);
	struct host *host = host_at(&nat->hosts, m->host);
	uint64_t quota = nat->options.max_sessions_per_mapping;
	enum nat_protocol protocol = (enum nat_protocol)m->protocol;
	enum option_id knob;

	if (arena_full(&nat->sessions.arena)) {
		*refused = drop_by(REASON_SESSIONS_FULL, OPT_NAT_MAX_SESSIONS, mapping);
		report_limit(nat, *refused, protocol, &host->address, now);
		return false;
	}
	if (quota != 0 && m->sessions >= quota) {
		*refused = drop_by(REASON_MAPPING_QUOTA, OPT_NAT_MAX_SESSIONS_PER_MAPPING, mapping);
		report_host_limit(nat, *refused, protocol, host, now);
		return false;
	}
	knob = host_refuses_session(host, &nat->options, protocol);
	if (knob == OPT_NONE)
		return true;
	*refused = drop_by(REASON_HOST_QUOTA, knob, mapping);
	report_host_limit(nat, *refused, protocol, host, now);
	return false;
}

uint32_t lifetime_add_session(struct nat *nat, uint32_t mapping, const struct endpoint *remote,
			      enum nat_side opener, struct mono now)
{
	const struct mapping *m = mapping_at(&nat->mappings, mapping);
	enum nat_protocol protocol = (enum nat_protocol)m->protocol;
	/* A stranger's connection keeps nothing until the internal host answers it. */
	bool keeping = opener == NAT_INTERNAL || m->fixed || protocol != NAT_TCP;
	uint32_t n = session_add(&nat->sessions, mapping, remote,
				 first_class(&nat->options, protocol, remote->port), keeping, now);

	session_at(&nat->sessions, n)->inbound = opener == NAT_EXTERNAL;
	host_at(&nat->hosts, m->host)->sessions[protocol]++;
	tell_session(nat, n, EVENT_SESSION_CREATED, CAUSE_NONE);
	return n;
}

bool lifetime_refreshes(const struct nat *nat, enum nat_protocol protocol, enum nat_side from)
{
	switch (nat->options.protocol[protocol].refresh) {
	case REFRESH_OUTBOUND:
		return from == NAT_INTERNAL;
	case REFRESH_INBOUND:
		return from == NAT_EXTERNAL;
	case REFRESH_BOTH:
		return true;
	}
	return false;
}

/* The class whose list a timer is kept in; TIMEOUT_CLASSES if it is left alone. */
static enum timeout_class class_of(enum tcp_timer timer)
{
	switch (timer) {
	case TCP_TIMER_KEEP:
		break;
	case TCP_TIMER_ESTABLISHED:
		return TIMEOUT_TCP_ESTABLISHED;
	case TCP_TIMER_OPENING:
		return TIMEOUT_TCP_OPENING;
	case TCP_TIMER_CLOSING:
		return TIMEOUT_TCP_CLOSING;
	case TCP_TIMER_RESET:
		return TIMEOUT_TCP_RESET;
	case TCP_TIMER_TIME_WAIT:
		return TIMEOUT_TCP_TIME_WAIT;
	}
	return TIMEOUT_CLASSES;
}

static void account_tcp(struct nat *nat, uint32_t session, const struct packet *pkt,
			enum nat_side from, struct mono now)
{
	const struct tcp_segment segment = {
		.flags = pkt->tcp_flags,
		.sequence = pkt->tcp_sequence,
		.acknowledgment = pkt->tcp_acknowledgment,
		.payload = pkt->tcp_payload,
		.window = pkt->tcp_window,
		.scale = pkt->tcp_scale,
	};
	const struct tcp_rules rules = {
		.strict = nat->options.tcp.strict_established == SWITCH_ON,
		.rst_check = nat->options.tcp.rst_check == SWITCH_ON,
	};
	struct session *s = session_at(&nat->sessions, session);
	struct tcp_track *track = session_tcp(&nat->sessions, session);
	uint8_t before = track->state;
	enum timeout_class class = class_of(tcp_track(track, &segment, from, &rules));

	nat->tcp_before = (enum tcp_state)before;
	nat->tcp_after = (enum tcp_state)track->state;
	if (from == NAT_INTERNAL && !(pkt->tcp_flags & PACKET_TCP_RST))
		session_keep(&nat->sessions, session);
	/* Plain traffic restarts the timer as the knob says, a change of state always. */
	if (class == TIMEOUT_CLASSES || (track->state == before && class == s->class &&
					 !lifetime_refreshes(nat, NAT_TCP, from)))
		return;
	session_touch(&nat->sessions, session, class, now);
}

/* The first answer: from now on the session is no one-way affair. */
static void note_reply(struct nat *nat, uint32_t session, enum nat_side from, struct mono now)
{
	struct session *s = session_at(&nat->sessions, session);

	if (s->replied || (from == NAT_EXTERNAL) == s->inbound)
		return;
	s->replied = true;
	if (s->class == TIMEOUT_UDP_UNREPLIED)
		session_touch(&nat->sessions, session, TIMEOUT_UDP, now);
}

/* Its host uses it: it is the host's own from now on. Almost none is borrowed, so look before writing:
 * a line that was only read need not go back to memory. */
static void keep_borrowed(struct mapping *m)
{
	if (m->borrowed)
		m->borrowed = false;
}

void lifetime_account(struct nat *nat, uint32_t session, const struct packet *pkt,
		      enum nat_side from, struct mono now)
{
	struct session *s = session_at(&nat->sessions, session);
	enum nat_protocol protocol =
		(enum nat_protocol)mapping_at(&nat->mappings, s->mapping)->protocol;

	s->traffic[from].packets++;
	s->traffic[from].bytes += pkt->length;
	if (from == NAT_INTERNAL && !(pkt->tcp_flags & PACKET_TCP_RST))
		keep_borrowed(mapping_at(&nat->mappings, s->mapping));
	nat->counted[from] = session;
	note_reply(nat, session, from, now);
	if (protocol == NAT_TCP)
		account_tcp(nat, session, pkt, from, now);
	else if (lifetime_refreshes(nat, protocol, from))
		session_touch(&nat->sessions, session, (enum timeout_class)s->class, now);
}
