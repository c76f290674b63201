/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/core/ip_id.h"

enum { SHORT_SEGMENT = 512 }; /* the system cuts a long packet into segments no shorter than this */

void ip_id_rewrite(struct ip_ids *ids, const struct tuple_key *key, struct packet *pkt)
{
	const struct endpoint from = { .addr = pkt->source.addr };
	const struct endpoint to = { .addr = pkt->destination.addr, .port = pkt->protocol };
	uint32_t hash;
	uint16_t *next;

	if (packet_is_atomic(pkt))
		return;
	hash = tuple_hash(key, NAT_OTHER, &from, &to);
	next = &ids->next[hash % IP_ID_COUNTERS];
	packet_set_id(pkt, (uint16_t)((hash >> 16) + *next));
	/* Cut into segments later, it uses the IDs that follow as well. */
	*next = (uint16_t)(*next + 1 + pkt->length / SHORT_SEGMENT);
}
