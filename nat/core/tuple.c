/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/core/tuple.h"

#include <endian.h>
#include <string.h>

const char *nat_protocol_name(enum nat_protocol protocol)
{
	static const char *const names[NAT_PROTOCOLS] = { "udp", "tcp", "icmp", "other" };

	return names[protocol];
}

void tuple_key_init(struct tuple_key *t, const struct siphash_key *key)
{
	for (uint64_t i = 0; i < TUPLE_WORDS + 1; i++)
		t->factor[i] = siphash(key, &i, sizeof(i));
}

/* Every product is of its own secret factor and 32 bits of the tuple. */
static uint64_t sum_endpoint(const uint64_t *factor, const struct endpoint *e)
{
	uint32_t word[4];

	memcpy(word, e->addr.b, sizeof(word));
	return factor[0] * le32toh(word[0]) + factor[1] * le32toh(word[1]) +
	       factor[2] * le32toh(word[2]) + factor[3] * le32toh(word[3]) + factor[4] * e->port;
}

uint64_t tuple_first(const struct tuple_key *key, enum nat_protocol protocol,
		     const struct endpoint *a)
{
	return key->factor[TUPLE_WORDS] + key->factor[0] * protocol +
	       sum_endpoint(key->factor + 1, a);
}

uint64_t tuple_second(const struct tuple_key *key, const struct endpoint *b)
{
	return sum_endpoint(key->factor + 6, b);
}

/*
 * A multilinear hash: whoever does not know the factors cannot make two tuples meet more often
 * than chance does (Carter and Wegman 1979; Lemire and Kaser 2014 for its forms). It sends
 * neighbours to places equally far apart, which linear probing does not like, so the sum is
 * scattered at the end, by the steps that MurmurHash3 ends with.
 */
uint32_t tuple_join(uint64_t first, uint64_t second)
{
	uint64_t sum = first + second;

	sum ^= sum >> 33;
	sum *= 0xff51afd7ed558ccd;
	sum ^= sum >> 33;
	sum *= 0xc4ceb9fe1a85ec53;
	return (uint32_t)(sum >> 32);
}

uint32_t tuple_hash(const struct tuple_key *key, enum nat_protocol protocol,
		    const struct endpoint *a, const struct endpoint *b)
{
	return tuple_join(tuple_first(key, protocol, a), tuple_second(key, b));
}
