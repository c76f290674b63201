/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * output.h - packets of our own that wait to be sent
 * Owns:       the ring between the core, which makes them, and whoever can send them.
 * Invariants: a full ring takes no more and counts what it did not take.
 */
#ifndef CORE_OUTPUT_H
#define CORE_OUTPUT_H

#include "common/packet_make.h"

enum { OUTPUT_RING = 64 };

struct output {
	size_t length;
	uint8_t data[PACKET_MAKE_MAX]; /* from the IP header on */
};

struct output_ring {
	struct output packets[OUTPUT_RING];
	uint32_t first, count;
	uint64_t made, lost;
};

/* A place for one more packet, whose data and length the caller fills in; NULL if it is full. */
struct output *output_add(struct output_ring *ring);
/* The packet to be sent next, borrowed until the next call of either; NULL if there is none. */
const struct output *output_take(struct output_ring *ring);

#endif
