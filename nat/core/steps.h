/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * steps.h - the steps of a packet inside the core, and what they share
 * Owns:       the calls between nat.c, outbound.c, inbound.c, icmp_error.c, filter.c and
 *             lifetime.c; nothing outside core includes it.
 * Invariants: a step returns the whole outcome; drop() is the only way to drop a packet.
 */
#ifndef CORE_STEPS_H
#define CORE_STEPS_H

#include "nat/core/nat.h"

static inline struct nat_outcome drop(enum nat_reason reason)
{
	return (struct nat_outcome){ NAT_DROPPED, reason, NAT_NONE, NAT_NONE, OPT_NONE };
}

/* Dropped because of what @knob says. */
static inline struct nat_outcome drop_by(enum nat_reason reason, enum option_id knob,
					 uint32_t mapping)
{
	return (struct nat_outcome){ NAT_DROPPED, reason, mapping, NAT_NONE, knob };
}

static inline struct nat_outcome rewritten(enum nat_reason reason, uint32_t mapping,
					   uint32_t session)
{
	return (struct nat_outcome){ NAT_REWRITTEN, reason, mapping, session, OPT_NONE };
}

/* outbound.c: from an internal endpoint to a remote one (RFC 3022 section 4.1). */
struct nat_outcome outbound_translate(struct nat *nat, struct packet *pkt,
				      enum nat_protocol protocol, struct mono now);

/* inbound.c: from a remote endpoint to an external one of ours. */
struct nat_outcome inbound_translate(struct nat *nat, struct packet *pkt,
				     enum nat_protocol protocol, struct mono now);

/* icmp_error.c: an ICMP error and the packet it quotes (RFC 5508 section 4). Never refreshes. */
struct nat_outcome icmp_error_translate(struct nat *nat, struct packet *pkt, enum nat_side from,
					struct mono now);

/* filter.c: may @remote send to mapping @m, with which it has no session? (RFC 4787 section 5) */
bool filter_admits(struct nat *nat, uint32_t m, const struct endpoint *remote, struct mono now);

/* lifetime.c: what is over is removed wherever it is met, so no answer depends on when the
 * timer last ran. */

/* @session (NAT_NONE is fine) if it is alive at @now. One that is not is removed, with its mapping
 * if it was the last, and NAT_NONE returned. */
uint32_t lifetime_live_session(struct nat *nat, uint32_t session, struct mono now);
/* The same for a mapping: expired sessions at the head of its list are removed. */
uint32_t lifetime_live_mapping(struct nat *nat, uint32_t mapping, struct mono now);
/* Remove what is over, so that it does not stand in the way of what is new. False if there was
 * nothing to remove. */
bool lifetime_make_room(struct nat *nat, struct mono now);
/* Remove a session, and its mapping and port if it was the last. */
void lifetime_remove_session(struct nat *nat, uint32_t session);
/* Remove a mapping with all its sessions. */
void lifetime_remove_mapping(struct nat *nat, uint32_t mapping);
/* New session, its timer class that of a first packet; there must be room (arena_full()). */
uint32_t lifetime_add_session(struct nat *nat, uint32_t mapping, const struct endpoint *remote,
			      struct mono now);
/* A packet of @session passed: count it, move the TCP machine, restart the timer as due. */
void lifetime_account(struct nat *nat, uint32_t session, const struct packet *pkt,
		      enum nat_side from, struct mono now);

#endif
