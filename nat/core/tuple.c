/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/core/tuple.h"

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
