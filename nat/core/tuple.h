/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tuple.h - the words every step of the NAT shares
 * Owns:       the protocols that have tables of their own, the two sides, "no record", and the
 *             hash of protocol and endpoints that all indexes use.
 * Invariants: none of its own; it holds no state.
 */
#ifndef CORE_TUPLE_H
#define CORE_TUPLE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/addr.h"
#include "common/siphash.h"

/*
 * UDP, TCP and ICMP queries have separate mappings, filters and knobs (RFC 7857 section 5). Other
 * IP protocols have neither ports nor identifiers: their endpoint's port is the protocol's number.
 */
enum nat_protocol { NAT_UDP, NAT_TCP, NAT_ICMP, NAT_OTHER, NAT_PROTOCOLS };

/* UDP and TCP do; they may share them (nat.protocol-scope). */
static inline bool nat_has_ports(enum nat_protocol protocol)
{
	return protocol == NAT_UDP || protocol == NAT_TCP;
}

static inline enum nat_protocol sibling_of(enum nat_protocol protocol)
{
	return protocol == NAT_UDP ? NAT_TCP : NAT_UDP;
}

/* Where a packet comes from. */
enum nat_side { NAT_INTERNAL, NAT_EXTERNAL, NAT_NOWHERE };

#define NAT_NONE UINT32_MAX /* no record, no address */

/* "udp", "tcp", "icmp", "other". */
const char *nat_protocol_name(enum nat_protocol protocol);

enum { TUPLE_WORDS = 11 }; /* protocol, and address (four) and port of each end */

/* The secret of tuple_hash(), spread out once. */
struct tuple_key {
	uint64_t factor[TUPLE_WORDS + 1];
};

void tuple_key_init(struct tuple_key *t, const struct siphash_key *key);

/* Hash of a protocol and two endpoints under a secret key. */
uint32_t tuple_hash(const struct tuple_key *key, enum nat_protocol protocol,
		    const struct endpoint *a, const struct endpoint *b);

/* The same in parts, for whoever needs several hashes with an end in common:
 * tuple_hash(key, protocol, a, b) is tuple_join(tuple_first(key, protocol, a), tuple_second(key, b)). */
uint64_t tuple_first(const struct tuple_key *key, enum nat_protocol protocol,
		     const struct endpoint *a);
uint64_t tuple_second(const struct tuple_key *key, const struct endpoint *b);
uint32_t tuple_join(uint64_t first, uint64_t second);

/* What one record stands under in the two indexes of its table. */
struct tuple_hashes {
	uint32_t internal, external;
};

#endif
