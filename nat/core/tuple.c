/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/core/tuple.h"

#include <string.h>

const char *nat_protocol_name(enum nat_protocol protocol)
{
	static const char *const names[NAT_PROTOCOLS] = { "udp", "tcp", "icmp", "other" };

	return names[protocol];
}

uint32_t tuple_hash(const struct siphash_key *key, enum nat_protocol protocol,
		    const struct endpoint *a, const struct endpoint *b)
{
	struct {
		struct endpoint a, b;
		uint32_t protocol;
	} bytes = { *a, *b, protocol };

	_Static_assert(sizeof(bytes) == 40, "no padding, or the hash would read it");
	return (uint32_t)siphash(key, &bytes, sizeof(bytes));
}
