/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * event.h - the rings of things that happened
 * Owns:       what whoever manages the NAT wants to know without asking: limits reached, blocks
 *             of ports given and taken back, settings changed (RFC 6888 REQ-11C, RFC 7422); and, in a
 *             ring of its own, each mapping and session that is made or ends (RFC 6888 section 4).
 * Invariants: events of a ring have ascending numbers; it keeps the last of them, as many as it has
 *             room for. Whoever reads keeps the number that is next: if event_from() gives a later
 *             one, those between are lost to that reader.
 *
 * There may be hundreds of thousands of mappings a second, so they crowd out nobody else's events, and
 * are written down only while somebody listens (struct nat's `listeners`).
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
	EVENT_PRESET_CHANGED,  /* the same by preset number `preset`, `knob` the first changed */
	/* A rule of list `knob`: a forward by `protocol` of ports external..last to `internal`; a pair
	 * of `external` and `internal`; the DMZ host `internal`; or addresses remote..external that
	 * are exempt, all ports (0) or that of `remote`. */
	EVENT_FORWARD_ADDED,
	EVENT_FORWARD_DELETED,
	/* In the ring of flows, where blocks that come and go are told too. A mapping's `remote` is the remote part of its key. */
	EVENT_MAPPING_CREATED, /* with a cause if it goes on, but not as part of a block */
	EVENT_MAPPING_ENDED,
	EVENT_SESSION_CREATED,
	EVENT_SESSION_ENDED,
	EVENT_TYPES
};

/* Why a mapping or session has ended. */
enum event_cause {
	CAUSE_NONE,
	CAUSE_EXPIRED,	  /* its timer ran out */
	CAUSE_CLOSED,	  /* the same, of a connection that was seen to end before */
	CAUSE_RELEASED,	  /* its host has given the lease back */
	CAUSE_FLUSHED,	  /* by hand */
	CAUSE_REPLACED,	  /* another host took its port (PORTS_OVERLOAD) */
	CAUSE_KILLED,	  /* by an unsolicited packet: the fault kill-on-unsolicited */
	CAUSE_RENUMBERED, /* its external address is not ours any more */
	CAUSE_RULE,	  /* a forward, pair or DMZ host went, or came in its way */
	CAUSE_REFUSED,	  /* the packet it was made for was refused after all */
	CAUSE_BLOCKS,	  /* it goes on: the block that it was part of is none any more */
	EVENT_CAUSES
};

/* Room in the two rings; powers of two. No single step of the NAT makes as many flow events, but the
 * flush of a larger table and a change of knobs that ends as many mappings. */
enum { EVENT_RING = 256, EVENT_FLOW_RING = 65536 };

struct nat_event {
	uint64_t number; /* from 1 on */
	struct mono at;
	enum event_type type;
	enum nat_reason reason;	    /* EVENT_LIMIT_REACHED */
	enum nat_protocol protocol; /* of the packet refused */
	enum option_id knob;	    /* that refuses, or was changed; OPT_NONE if none */
	struct addr internal;	    /* the host, all zero if it is about none */
	struct endpoint external;
	uint16_t last;		   /* last port of a block or forward; how many more knobs */
	uint16_t internal_port;	   /* of a mapping, a session, a forward */
	struct endpoint remote;	   /* all zero if there is none */
	uint32_t mapping, session; /* record numbers of flows; NAT_NONE */
	enum event_cause cause;
	uint32_t preset;     /* its place in the table of presets */
	int64_t duration_ms; /* how long what ended there was, in NAT time */
	bool in_block;	     /* a mapping whose port is in a block of its host: known without it */
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
	struct nat_event *events; /* owned */
	uint32_t room;		  /* a power of two */
	uint64_t count;		  /* ever */
};

/* Room for @room events, a power of two; what is not written to takes no memory. 0 or -ENOMEM. */
int event_ring_init(struct event_ring *ring, uint32_t room);
void event_ring_fini(struct event_ring *ring);

/* "limit-reached"; stable. */
const char *event_type_name(enum event_type type);
/* "expired"; "" for CAUSE_NONE. */
const char *event_cause_name(enum event_cause cause);
/* Add @event; number and place are given to it. */
void event_add(struct event_ring *ring, const struct nat_event *event);
/* @limit refuses a packet at @now: is that news? */
bool event_is_news(struct limit *limit, struct mono now);
/* The first event with a number from @number on that is still there, NULL if there is none. */
const struct nat_event *event_from(const struct event_ring *ring, uint64_t number);

#endif
