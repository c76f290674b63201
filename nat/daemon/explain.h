/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * explain.h - what would become of a packet
 * Owns:       the trial: a copy of this process gives the packet to the real NAT, tells what has
 *             become of it, and ends.
 * Invariants: nothing of this process changes, and no packet leaves it. When explain_packet()
 *             returns, the copy is gone.
 *
 * A NAT that only pretended to translate would need every step twice, and would be wrong wherever the
 * two differ. A copy is right by itself, down to the port that would be picked: it has the random
 * stream too. fork() makes it, so that only pages that are written to are copied indeed.
 */
#ifndef DAEMON_EXPLAIN_H
#define DAEMON_EXPLAIN_H

#include "nat/core/nat.h"

struct explain_question {
	enum nat_side from;
	uint8_t protocol; /* IP's number for it */
	/* Of an ICMP query the identifier is in both ports; of other protocols both are 0. */
	struct endpoint source, destination;
	uint8_t tcp_flags; /* 0: ACK where there is a session, else SYN */
};

static inline enum nat_protocol explain_protocol(const struct explain_question *q)
{
	switch (q->protocol) {
	case PACKET_UDP:
		return NAT_UDP;
	case PACKET_TCP:
		return NAT_TCP;
	case PACKET_ICMP:
		return NAT_ICMP;
	default:
		return NAT_OTHER;
	}
}

struct explain_answer {
	uint8_t tcp_flags, icmp_type; /* of the packet that was tried */
	struct nat_outcome outcome;
	struct endpoint source, destination; /* what its own were rewritten to */
	/* Copies of the records that the outcome names, as they would be afterwards. */
	struct mapping mapping;
	struct session session;
	struct output reply; /* what the NAT itself would say to the sender; length 0: nothing */
};

/*
 * explain_packet() - try out the packet of @question, as if it came at @now
 * Nothing else is served meanwhile: 1 ms, measured with a million mappings. Where tables are not on
 * huge pages, there are more page tables to copy. Return: 0; or -errno with the reason in @why.
 */
int explain_packet(struct nat *nat, const struct explain_question *question, struct mono now,
		   struct explain_answer *answer, char *why, size_t why_size);

#endif
