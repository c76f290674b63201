/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * model_steps.h - what the steps of a packet through the model share
 * Owns:       small words: outcomes, and how the tables name the ends of a packet.
 * Invariants: none of its own.
 */
#ifndef TESTS_MODEL_MODEL_STEPS_H
#define TESTS_MODEL_MODEL_STEPS_H

#include "tests/model/model.h"

static inline struct m_outcome drop(enum nat_reason reason)
{
	return (struct m_outcome){ .verdict = NAT_DROPPED, .reason = reason };
}

static inline struct m_outcome pass(enum nat_reason reason)
{
	return (struct m_outcome){ .verdict = NAT_PASS, .reason = reason };
}

static inline struct m_outcome rewritten(enum nat_reason reason, uint32_t mapping, uint32_t session)
{
	return (struct m_outcome){ NAT_REWRITTEN, reason, mapping, session };
}

static inline enum nat_protocol protocol_of(const struct bytes *pkt)
{
	return pkt->protocol == BYTES_UDP    ? NAT_UDP
	       : pkt->protocol == BYTES_TCP  ? NAT_TCP
	       : pkt->protocol == BYTES_ICMP ? NAT_ICMP
					     : NAT_OTHER;
}

static inline bool has_ports(enum nat_protocol protocol)
{
	return protocol == NAT_UDP || protocol == NAT_TCP;
}

/* An endpoint as the tables have it: remotes have a port only where there are ports, and other
 * protocols have their number for one. */
static inline struct endpoint own_end(const struct bytes *pkt, const struct endpoint *e)
{
	struct endpoint end = *e;

	if (protocol_of(pkt) == NAT_OTHER)
		end.port = (uint16_t)pkt->protocol;
	return end;
}

static inline struct endpoint remote_end(const struct bytes *pkt, const struct endpoint *e)
{
	struct endpoint end = *e;

	if (!has_ports(protocol_of(pkt)))
		end.port = 0;
	return end;
}

/* Is what goes to @remote, or comes from there, not translated? @ports: the packet has any. */
bool m_is_exempt(const struct options *o, const struct endpoint *remote, bool ports);
/* The ID the packet gets, -1 if it keeps its own. */
int m_new_id(struct model *m, const struct bytes *pkt, struct addr source, struct addr destination);

/* A mapping as @wanted, which lacks an external endpoint, for packets to @remote, or for a host that
 * asks as in @wish; REASON_COUNT, or why there is none. */
enum nat_reason m_make_mapping(struct model *m, struct m_mapping *wanted,
			       const struct endpoint *remote, const struct lease_request *wish,
			       uint32_t *mapping);

/* model_lease.c: does @external have all that is wished for? */
bool m_is_met(const struct endpoint *wished, const struct endpoint *external);

/* model_error.c: an ICMP error and what it quotes. */
struct m_outcome m_error(struct model *m, struct bytes *pkt, enum nat_side from);

#endif
