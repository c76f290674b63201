/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tuple.h - the words every step of the NAT shares
 * Owns:       the protocols that have tables of their own, the two sides, "no record", and the
 *             hash of protocol and endpoints that all indexes use.
 * Invariants: none of its own; it holds no state.
 */
#ifndef CORE_TUPLE_H
#define CORE_TUPLE_H

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

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

/* Every product is of its own secret factor and 32 bits of the tuple. */
static inline uint64_t tuple_sum_endpoint(const uint64_t *factor, const struct endpoint *e)
{
	uint32_t word[4];

	memcpy(word, e->addr.b, sizeof(word));
	return factor[0] * le32toh(word[0]) + factor[1] * le32toh(word[1]) +
	       factor[2] * le32toh(word[2]) + factor[3] * le32toh(word[3]) + factor[4] * e->port;
}

/* The hash in parts, for whoever needs several with an end in common:
 * tuple_hash(key, protocol, a, b) is tuple_join(tuple_first(key, protocol, a), tuple_second(key, b)). */
static inline uint64_t tuple_first(const struct tuple_key *key, enum nat_protocol protocol,
				   const struct endpoint *a)
{
	return key->factor[TUPLE_WORDS] + key->factor[0] * protocol +
	       tuple_sum_endpoint(key->factor + 1, a);
}

/* 0 for an endpoint that is all zero. */
static inline uint64_t tuple_second(const struct tuple_key *key, const struct endpoint *b)
{
	return tuple_sum_endpoint(key->factor + 6, b);
}

/*
 * A multilinear hash: whoever does not know the factors cannot make two tuples meet more often
 * than chance does (Carter and Wegman 1979; Lemire and Kaser 2014 for its forms). It sends
 * neighbours to places equally far apart, which linear probing does not like, so the sum is
 * scattered at the end, by the steps that MurmurHash3 ends with.
 */
static inline uint32_t tuple_join(uint64_t first, uint64_t second)
{
	uint64_t sum = first + second;

	sum ^= sum >> 33;
	sum *= 0xff51afd7ed558ccd;
	sum ^= sum >> 33;
	sum *= 0xc4ceb9fe1a85ec53;
	return (uint32_t)(sum >> 32);
}

/* Hash of a protocol and two endpoints under a secret key. */
static inline uint32_t tuple_hash(const struct tuple_key *key, enum nat_protocol protocol,
				  const struct endpoint *a, const struct endpoint *b)
{
	return tuple_join(tuple_first(key, protocol, a), tuple_second(key, b));
}

/* What one record stands under in the two indexes of its table. */
struct tuple_hashes {
	uint32_t internal, external;
};

#endif
