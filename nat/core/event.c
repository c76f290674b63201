/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/core/event.h"

#include <errno.h>

#include "common/block.h"

int event_ring_init(struct event_ring *ring, uint32_t room)
{
	*ring = (struct event_ring){ .events = block_open(room * sizeof(*ring->events)),
				     .room = room };
	return ring->events == NULL ? -ENOMEM : 0;
}

void event_ring_fini(struct event_ring *ring)
{
	block_close(ring->events, ring->room * sizeof(*ring->events));
	ring->events = NULL;
}

const char *event_type_name(enum event_type type)
{
	static const char *const names[EVENT_TYPES] = {
		[EVENT_LIMIT_REACHED] = "limit-reached",
		[EVENT_BLOCK_ALLOCATED] = "block-allocated",
		[EVENT_BLOCK_FREED] = "block-freed",
		[EVENT_BLOCK_OVERFLOW] = "block-overflow",
		[EVENT_OPTIONS_CHANGED] = "options-changed",
		[EVENT_PRESET_CHANGED] = "preset-changed",
		[EVENT_FORWARD_ADDED] = "forward-added",
		[EVENT_FORWARD_DELETED] = "forward-deleted",
		[EVENT_MAPPING_CREATED] = "mapping-created",
		[EVENT_MAPPING_ENDED] = "mapping-ended",
		[EVENT_SESSION_CREATED] = "session-created",
		[EVENT_SESSION_ENDED] = "session-ended",
	};

	return names[type];
}

const char *event_cause_name(enum event_cause cause)
{
	static const char *const names[EVENT_CAUSES] = {
		[CAUSE_NONE] = "",
		[CAUSE_EXPIRED] = "expired",
		[CAUSE_CLOSED] = "closed",
		[CAUSE_RELEASED] = "released",
		[CAUSE_FLUSHED] = "flushed",
		[CAUSE_REPLACED] = "replaced",
		[CAUSE_KILLED] = "killed",
		[CAUSE_RENUMBERED] = "renumbered",
		[CAUSE_RULE] = "rule-changed",
		[CAUSE_REFUSED] = "refused",
		[CAUSE_BLOCKS] = "blocks-changed",
	};

	return names[cause];
}

void event_add(struct event_ring *ring, const struct nat_event *event)
{
	struct nat_event *place = &ring->events[ring->count & (ring->room - 1)];

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
	uint64_t oldest = ring->count > ring->room ? ring->count - ring->room + 1 : 1;

	if (number < oldest)
		number = oldest;
	return number <= ring->count ? &ring->events[(number - 1) & (ring->room - 1)] : NULL;
}
