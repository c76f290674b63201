/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * steps.h - the steps of a packet inside the core, and what they share
 * Owns:       the calls between the files that are one step each; nothing outside core includes it.
 * Invariants: a step returns the whole outcome; drop() is the only way to drop a packet.
 */
#ifndef CORE_STEPS_H
#define CORE_STEPS_H

#include "nat/core/nat.h"

static inline struct nat_outcome outcome_of(enum nat_verdict verdict, enum nat_reason reason,
					    uint32_t mapping, uint32_t session, enum option_id knob)
{
	return (struct nat_outcome){ .verdict = verdict,
				     .reason = reason,
				     .mapping = mapping,
				     .session = session,
				     .knob = knob };
}

static inline struct nat_outcome drop(enum nat_reason reason)
{
	return outcome_of(NAT_DROPPED, reason, NAT_NONE, NAT_NONE, OPT_NONE);
}

/* Dropped because of what @knob says. */
static inline struct nat_outcome drop_by(enum nat_reason reason, enum option_id knob,
					 uint32_t mapping)
{
	return outcome_of(NAT_DROPPED, reason, mapping, NAT_NONE, knob);
}

static inline struct nat_outcome rewritten(enum nat_reason reason, uint32_t mapping,
					   uint32_t session)
{
	return outcome_of(NAT_REWRITTEN, reason, mapping, session, OPT_NONE);
}

/* Let in, or given its mapping, because of what @knob says. */
static inline struct nat_outcome rewritten_by(enum nat_reason reason, enum option_id knob,
					      uint32_t mapping, uint32_t session)
{
	return outcome_of(NAT_REWRITTEN, reason, mapping, session, knob);
}

static inline struct nat_outcome pass(enum nat_reason reason, enum option_id knob)
{
	return outcome_of(NAT_PASS, reason, NAT_NONE, NAT_NONE, knob);
}

/* What a packet says about whom: our end (internal or external, by the side it comes from) and the
 * remote one, as the tables have them. */
struct flow {
	enum nat_protocol protocol;
	struct endpoint own, remote;
	bool hairpin;  /* the remote is an internal host too */
	uint32_t hint; /* the packet's */
};

/* @own and @remote as the tables have them: a query's remote end has no identifier of its own, and
 * other protocols have a number where there are ports. */
static inline struct flow flow_of(const struct packet *pkt, enum nat_protocol protocol,
				  struct endpoint own, struct endpoint remote)
{
	if (!nat_has_ports(protocol))
		remote.port = 0;
	if (protocol == NAT_OTHER)
		own.port = pkt->protocol;
	return (struct flow){
		.protocol = protocol, .own = own, .remote = remote, .hint = pkt->hint
	};
}

/* nat.c */
enum nat_protocol nat_protocol_of(const struct packet *pkt);
/* A first fragment, as if it were whole. */
struct nat_outcome translate_whole(struct nat *nat, struct packet *pkt, enum nat_side from,
				   struct mono now);
/* Report a limit that refuses a packet, once for as long as it goes on, and return @refused. @host:
 * the internal address it is about; all zero if it is not known. */
struct nat_outcome report_limit(struct nat *nat, struct nat_outcome refused,
				enum nat_protocol protocol, const struct addr *host,
				struct mono now);
/* The same for a quota of one host. */
struct nat_outcome report_host_limit(struct nat *nat, struct nat_outcome refused,
				     enum nat_protocol protocol, struct host *host,
				     struct mono now);

/* outbound.c: from an internal endpoint to a remote one (RFC 3022 section 4.1). */
struct nat_outcome outbound_translate(struct nat *nat, struct packet *pkt,
				      enum nat_protocol protocol, struct mono now);
/* The session of an outbound packet, found or made; nothing rewritten or counted yet. */
struct nat_outcome outbound_session(struct nat *nat, const struct packet *pkt,
				    const struct flow *flow, struct mono now);

/* The external endpoint that whoever asks for a mapping would like. */
struct wish {
	struct endpoint external; /* all zero and 0: any */
	bool exactly;		  /* rather none than another */
};

static inline bool wish_is_met(const struct endpoint *wished, const struct endpoint *external)
{
	return (wished->port == 0 || wished->port == external->port) &&
	       (!addr_is_ip4(&wished->addr) || addr_equal(&wished->addr, &external->addr));
}

/* A mapping as @wanted, which lacks a host and an external endpoint, for packets to @remote; it has no
 * session yet. NAT_NONE, and in @refused why. @wish: NULL: none */
uint32_t outbound_make_mapping(struct nat *nat, struct mapping *wanted,
			       const struct endpoint *remote, const struct wish *wish,
			       struct mono now, struct nat_outcome *refused);

/* inbound.c: from a remote endpoint to an external one of ours. */
struct nat_outcome inbound_translate(struct nat *nat, struct packet *pkt,
				     enum nat_protocol protocol, struct mono now);
/* The same as above: the session may be NAT_NONE where filtering admits without one. */
struct nat_outcome inbound_session(struct nat *nat, const struct packet *pkt,
				   const struct flow *flow, struct mono now);
/* Does the external endpoint of @flow stand for anybody, or might it? */
bool inbound_leads_somewhere(struct nat *nat, const struct flow *flow, struct mono now);
/* A packet passed without a session of its own. */
void inbound_count_once(struct nat *nat, const struct packet *pkt, uint32_t mapping);

/* unmatched.c: inbound, and nobody to give it to. */
struct nat_outcome unmatched_answer(struct nat *nat, const struct packet *pkt,
				    const struct flow *flow, struct mono now);
/* The same for a mapping that does not admit it. */
struct nat_outcome filtered_answer(struct nat *nat, const struct packet *pkt,
				   const struct flow *flow, uint32_t mapping, struct mono now);
/* Answer the SYNs that were held long enough; returns when the next is due. */
struct mono unmatched_tick(struct nat *nat, struct mono now);

/* hairpin.c: from an internal host to a mapping of ours (RFC 4787 section 6). */
struct nat_outcome hairpin_translate(struct nat *nat, struct packet *pkt,
				     enum nat_protocol protocol, struct mono now);

/* icmp_error.c: an ICMP error and the packet it quotes (RFC 5508 section 4). Never refreshes. */
struct nat_outcome icmp_error_translate(struct nat *nat, struct packet *pkt, enum nat_side from,
					struct mono now);

/* fragment.c: a packet that is a piece of a datagram. */
struct nat_outcome fragment_translate(struct nat *nat, struct packet *pkt, enum nat_side from,
				      struct mono now);
/* Let go what has waited too long; returns when the next will have. */
struct mono fragment_tick(struct nat *nat, struct mono now);

/* filter.c: may @remote send to mapping @m, with which it has no session? (RFC 4787 section 5) */
bool filter_admits(struct nat *nat, uint32_t m, const struct endpoint *remote, struct mono now);

/* port_pick.c: an external endpoint for a new mapping of @internal, whose host is @host. */
enum nat_reason port_pick(struct nat *nat, enum nat_protocol protocol,
			  const struct endpoint *internal, const struct endpoint *remote,
			  uint32_t host, struct mono now, struct endpoint *external);
/* The same for the endpoint that is wished for, where it is free and the host may have it; or false. */
bool port_pick_wished(struct nat *nat, enum nat_protocol protocol, const struct endpoint *internal,
		      const struct endpoint *wished, uint32_t host, struct endpoint *external);
/* The pool address that @host's mappings get when it is paired; the pool is not empty. */
const struct addr *port_pick_address(const struct nat *nat, uint32_t host);

/* forward.c: what the knobs say leads where. Each true if they say anything. */
bool forward_inbound(const struct nat *nat, enum nat_protocol protocol,
		     const struct endpoint *external, struct endpoint *internal);
/* @any: the external address where the forward names none; NULL if there is none. */
bool forward_outbound(const struct nat *nat, enum nat_protocol protocol,
		      const struct endpoint *internal, const struct addr *any,
		      struct endpoint *external);
bool forward_dmz(const struct nat *nat, enum nat_protocol protocol, const struct endpoint *external,
		 struct endpoint *internal);
/* The knob that @m, which is fixed, comes from. */
enum option_id forward_knob(const struct nat *nat, const struct mapping *m);
/* Are any of its packets? Later fragments do not tell their port. */
bool forward_may_be_exempt(const struct options *o, const struct addr *remote);
/* @remote: the end of @pkt, whole or a first fragment, that may be exempt. */
bool forward_is_exempt(const struct options *o, const struct packet *pkt,
		       const struct endpoint *remote);

/* answer.c: what we say by ourselves, within the rate that icmp.error-rate allows. */
void answer_unreachable(struct nat *nat, const struct packet *about, enum nat_side to, uint8_t code,
			struct mono now);
void answer_reset(struct nat *nat, const struct packet *about, struct mono now);
/* RST to both ends of a connection that timed out; not rate-limited. */
void answer_expiry(struct nat *nat, uint32_t session);
/* No room for a new flow: tell the host as nat.on-full says. */
void answer_full(struct nat *nat, const struct packet *about, struct mono now);

/* lifetime.c: what is over is removed wherever it is met, so no answer depends on when the
 * timer last ran. */

/* A mapping as @wanted, as mapping_add() makes it, for a host that is pinned; it has no session yet.
 * NAT_NONE if full. */
uint32_t lifetime_add_mapping(struct nat *nat, const struct mapping *wanted,
			      const struct endpoint *remote, struct mono now);
/* One pin of a host less; one that has nothing left is removed with its blocks. */
void lifetime_unpin_host(struct nat *nat, uint32_t host);
/* @session (NAT_NONE is fine) if it is alive at @now. One that is not is removed, with its mapping
 * if none is left that keeps it, and NAT_NONE returned. */
uint32_t lifetime_live_session(struct nat *nat, uint32_t session, struct mono now);
/* The same for a mapping: expired sessions at the head of its list are removed. */
uint32_t lifetime_live_mapping(struct nat *nat, uint32_t mapping, struct mono now);
/* The mapping alive that packets of @internal go through: that with @remote_part, or one that is open to
 * everybody, which has none; NAT_NONE. Those that are over are removed. */
uint32_t lifetime_live_internal(struct nat *nat, enum nat_protocol protocol,
				const struct endpoint *internal, const struct endpoint *remote_part,
				struct mono now);
/* The sibling that @mapping was borrowed from and ends with; NAT_NONE if it depends on none, as where
 * protocols share their ports no longer. */
uint32_t lifetime_lender(const struct nat *nat, uint32_t mapping);
/* The first mapping with this external endpoint that is alive; those before it are removed. */
uint32_t lifetime_live_external(struct nat *nat, enum nat_protocol protocol,
				const struct endpoint *external, struct mono now);
/* The one of them that has a lease; there is one at most. */
uint32_t lifetime_leased_external(struct nat *nat, enum nat_protocol protocol,
				  const struct endpoint *external, struct mono now);
/* Remove what is over, so that it does not stand in the way of what is new. False if there was
 * nothing to remove. */
bool lifetime_make_room(struct nat *nat, struct mono now);
/* The timer of @session ran out: remove it as below, and tell its ends if they are to be told. */
void lifetime_expire_session(struct nat *nat, uint32_t session);
/* Remove a session, and its mapping and port if none is left that keeps it. */
void lifetime_remove_session(struct nat *nat, uint32_t session);
/* The lease of @mapping is over: what is left are its sessions, and nothing if it has none that keeps it.
 * @cause: why it ends, if that ends the mapping. */
void lifetime_end_lease(struct nat *nat, uint32_t mapping, enum event_cause cause);
/* Remove a mapping with all its sessions. */
void lifetime_remove_mapping(struct nat *nat, uint32_t mapping, enum event_cause cause);
/* A block comes or goes: for those who listen to mappings it stands for many of them. */
void lifetime_tell_block(struct nat *nat, const struct nat_event *event);
/* Block number @i of @host is its no more. */
void lifetime_tell_freed(struct nat *nat, const struct host *host, uint32_t i);
/* The blocks are others: what was part of one, and is of none now, is told as a mapping of its own. */
void lifetime_leave_blocks(struct nat *nat);
/* May there be one more session of @mapping? If not, why not is in @refused. */
bool lifetime_admits_session(struct nat *nat, uint32_t mapping, struct nat_outcome *refused,
			     struct mono now);
/* New session, its timer class that of a first packet; there must be room (arena_full()). */
uint32_t lifetime_add_session(struct nat *nat, uint32_t mapping, const struct endpoint *remote,
			      enum nat_side opener, struct mono now);
/* Does a packet from that side restart the timer of its session? (RFC 4787 section 4.3) */
bool lifetime_refreshes(const struct nat *nat, enum nat_protocol protocol, enum nat_side from);
/* A packet of @session passed: count it, move the TCP machine, restart the timer as due. */
void lifetime_account(struct nat *nat, uint32_t session, const struct packet *pkt,
		      enum nat_side from, struct mono now);

#endif
