/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/core/event.h"

const char *event_type_name(enum event_type type)
{
	static const char *const names[EVENT_TYPES] = {
		[EVENT_LIMIT_REACHED] = "limit-reached",
		[EVENT_BLOCK_ALLOCATED] = "block-allocated",
		[EVENT_BLOCK_FREED] = "block-freed",
		[EVENT_BLOCK_OVERFLOW] = "block-overflow",
		[EVENT_OPTIONS_CHANGED] = "options-changed",
	};

	return names[type];
}

void event_add(struct event_ring *ring, const struct nat_event *event)
{
	struct nat_event *place = &ring->events[ring->count % EVENT_RING];

	*place = *event;
	place->number = ++ring->count;
}

bool event_is_news(struct limit *limit, struct mono now)
{
	bool news =
		!limit->reached || mono_reached(now, mono_add_ms(limit->refused, EVENT_QUIET_MS));

	*limit = (struct limit){ .reached = true, .refused = now };
	return news;
}

const struct nat_event *event_from(const struct event_ring *ring, uint64_t number)
{
	uint64_t oldest = ring->count > EVENT_RING ? ring->count - EVENT_RING + 1 : 1;

	if (number < oldest)
		number = oldest;
	return number <= ring->count ? &ring->events[(number - 1) % EVENT_RING] : NULL;
}
