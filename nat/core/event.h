/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * event.h - the ring of things that happened
 * Owns:       what whoever manages the NAT wants to know without asking: limits reached, blocks
 *             of ports given and taken back, settings changed (RFC 6888 REQ-11C, RFC 7422).
 * Invariants: events have ascending numbers; the ring keeps the last EVENT_RING of them.
 */
#ifndef CORE_EVENT_H
#define CORE_EVENT_H

#include <stdbool.h>

#include "common/clock.h"
#include "nat/core/options.h"
#include "nat/core/reason.h"

enum event_type {
	EVENT_LIMIT_REACHED, /* `reason` began to refuse packets; once until there is room again */
	EVENT_BLOCK_ALLOCATED, /* `internal` has the ports external..last from now on */
	EVENT_BLOCK_FREED,
	EVENT_BLOCK_OVERFLOW,  /* `internal` got `external`, outside its own block */
	EVENT_OPTIONS_CHANGED, /* `knob`, and as many others as `last` says */
	EVENT_TYPES
};

enum { EVENT_RING = 256 };

struct nat_event {
	uint64_t number; /* from 1 on */
	struct mono at;
	enum event_type type;
	enum nat_reason reason;	    /* EVENT_LIMIT_REACHED */
	enum nat_protocol protocol; /* of the packet refused */
	enum option_id knob;	    /* that refuses, or was changed; OPT_NONE if none */
	struct addr internal;	    /* the host, all zero if it is about none */
	struct endpoint external;
	uint16_t last; /* last port of a block; how many more knobs */
};

/*
 * A limit that refuses packets: reported when it begins to, and again only after it has refused
 * none for EVENT_QUIET_MS, or somebody has flushed or set knobs. Room that comes and goes with the
 * traffic all the time is one condition.
 */
enum { EVENT_QUIET_MS = 60000 };

struct limit {
	bool reached;
	struct mono refused; /* the last time */
};

struct event_ring {
	struct nat_event events[EVENT_RING];
	uint64_t count; /* ever */
};

/* "limit-reached"; stable. */
const char *event_type_name(enum event_type type);
/* Add @event; number and place are given to it. */
void event_add(struct event_ring *ring, const struct nat_event *event);
/* @limit refuses a packet at @now: is that news? */
bool event_is_news(struct limit *limit, struct mono now);
/* The first event with a number from @number on that is still there, NULL if there is none. */
const struct nat_event *event_from(const struct event_ring *ring, uint64_t number);

#endif
