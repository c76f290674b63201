/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ip_id.h - an IP ID of our own for datagrams that may be fragmented
 * Owns:       the counters that new IDs come from.
 * Invariants: of one external address, destination and protocol, no ID comes again before 65536
 *             others have (RFC 6864 section 4.3, for a device that rewrites: section 5.3.1).
 */
#ifndef CORE_IP_ID_H
#define CORE_IP_ID_H

#include "common/packet.h"
#include "nat/core/tuple.h"

enum { IP_ID_COUNTERS = 4096 };

struct ip_ids {
	uint16_t next[IP_ID_COUNTERS];
};

/* Give @pkt, already translated, an ID; an atomic datagram keeps its own. */
void ip_id_rewrite(struct ip_ids *ids, const struct tuple_key *key, struct packet *pkt);

#endif
