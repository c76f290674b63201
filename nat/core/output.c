/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/core/output.h"

struct output *output_add(struct output_ring *ring)
{
	if (ring->count == OUTPUT_RING) {
		ring->lost++;
		return NULL;
	}
	ring->made++;
	return &ring->packets[(ring->first + ring->count++) % OUTPUT_RING];
}

const struct output *output_take(struct output_ring *ring)
{
	const struct output *next = &ring->packets[ring->first];

	if (ring->count == 0)
		return NULL;
	ring->first = (ring->first + 1) % OUTPUT_RING;
	ring->count--;
	return next;
}
