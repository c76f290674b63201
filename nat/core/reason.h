/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reason.h - why a packet passed, was rewritten or dropped
 * Owns:       the reasons table: each verdict's name, explanation, RFC clause and, for a drop, what
 *             to do about it. Counters, the command's output and the documents are made from it.
 * Invariants: every outcome of nat_process() has exactly one reason, and each has a counter.
 */
#ifndef CORE_REASON_H
#define CORE_REASON_H

#include <stdbool.h>

enum nat_reason {
	/* Translated or let through. */
	REASON_TRANSLATED,
	REASON_MAPPING_CREATED,
	REASON_SESSION_CREATED,
	REASON_ADMITTED,
	REASON_PICKED_UP,
	REASON_HAIRPIN,
	REASON_ICMP_ERROR_TRANSLATED,
	REASON_FRAGMENT_TRANSLATED,
	REASON_FRAGMENT_HELD,
	REASON_FRAGMENT_RELEASED,
	REASON_EXEMPT,
	REASON_ROUTER,
	/* Dropped: what the packet is. */
	REASON_CUT,
	REASON_IP_HEADER,
	REASON_NOT_IPV4,
	REASON_TOTAL_LENGTH,
	REASON_TRANSPORT_SHORT,
	REASON_TRANSPORT_LENGTH,
	REASON_WRONG_INTERFACE,
	REASON_NOT_UNICAST,
	REASON_ADDRESS_OPTION,
	REASON_NOT_OURS,
	REASON_FRAGMENT,
	REASON_FRAGMENT_ORDER,
	REASON_FRAGMENT_TINY,
	REASON_FRAGMENT_LENGTH,
	REASON_FRAGMENT_OVERLAP,
	REASON_FRAGMENT_REFUSED,
	REASON_FRAGMENT_DISCARDED,
	REASON_FRAGMENT_EXPIRED,
	REASON_FRAGMENTS_FULL,
	REASON_PROTOCOL,
	REASON_PORT_ZERO,
	REASON_ICMP_TYPE,
	/* Dropped: what the table says. */
	REASON_NO_MAPPING,
	REASON_UNMATCHED_REJECTED,
	REASON_FILTERED,
	REASON_MAPPING_KILLED,
	REASON_SYN_HELD,
	REASON_SYNS_FULL,
	REASON_SYN_ANSWERED,
	REASON_HAIRPIN_OFF,
	REASON_TCP_NO_SESSION,
	REASON_TUPLE_TAKEN,
	REASON_ICMP_ERRORS_OFF,
	REASON_ICMP_ERROR_CHECKSUM,
	REASON_ICMP_QUOTE,
	REASON_ICMP_QUOTE_CHECKSUM,
	REASON_ICMP_ERROR_NO_SESSION,
	REASON_PORTS_EXHAUSTED,
	REASON_BLOCK_EXHAUSTED,
	REASON_NO_BLOCK,
	REASON_HOST_QUOTA,
	REASON_RATE_QUOTA,
	REASON_MAPPING_QUOTA,
	REASON_MAPPINGS_FULL,
	REASON_SESSIONS_FULL,
	REASON_COUNT
};

struct reason_spec {
	const char *name; /* stable: in counters, JSON, documents */
	bool drop;
	const char *explanation; /* one line */
	const char *clause;	 /* RFC and section or requirement; "" where none speaks of it */
	const char *advice; /* what to look at or change so that it passes; of drops, never "" */
};

/* The table's row; @reason below REASON_COUNT. Never NULL, static. */
const struct reason_spec *reason_spec(enum nat_reason reason);

/* The reason of that name; or REASON_COUNT, and in @nearest the name that may be meant, or NULL. */
enum nat_reason reason_find(const char *name, const char **nearest);

#endif
