/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hold.h - unsolicited SYNs that are left unanswered for a while
 * Owns:       a copy of the head of each such SYN, until it is answered or no longer unsolicited.
 * Invariants: one entry per pair of endpoints; first in, first out; a full store takes no more.
 *
 * Both ends of a simultaneous open may send their SYN first. An answer to the one that arrives
 * early would end the attempt, so nothing is said for six seconds (RFC 5382 REQ-4).
 */
#ifndef CORE_HOLD_H
#define CORE_HOLD_H

#include "common/clock.h"
#include "common/packet.h"
#include "nat/core/index.h"

enum { HOLD_BYTES = 120 }; /* the longest IP and TCP headers */

struct held_syn {
	struct endpoint external, remote;
	struct mono since;
	uint32_t next, previous; /* in the order they came; next also of the free list */
	uint16_t length;
	uint8_t bytes[HOLD_BYTES];
};

struct hold {
	struct held_syn *syns; /* owned; room of them */
	uint32_t room, count;
	uint32_t first, last, free; /* NAT_NONE at the ends */
	struct index by_pair;
	struct tuple_key key;
};

/* Room for @room SYNs; 0 or -ENOMEM. */
int hold_init(struct hold *h, uint32_t room, const struct tuple_key *key);
void hold_fini(struct hold *h);
/* Change the room; of what is held, the newest are let go if they no longer fit. 0 or -ENOMEM. */
int hold_set_room(struct hold *h, uint32_t room);

/* Keep @pkt, a SYN from its source to an external endpoint. Once only: one that is held already
 * keeps its time. False if there is no room. */
bool hold_syn(struct hold *h, const struct packet *pkt, struct mono now);
/* The SYN from @remote to @external is not unsolicited any more. */
void hold_cancel(struct hold *h, const struct endpoint *external, const struct endpoint *remote);

/* The one that is held longest, NULL if there is none. */
const struct held_syn *hold_first(const struct hold *h);
void hold_drop_first(struct hold *h);

#endif
