/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * record.h - one line of the mapping log (RFC 6888 section 4)
 * Owns:       the form of a record: natemd writes it, natem reads it back; docs/mapping-log.md tells it.
 * Invariants: record_parse() takes what record_format() makes, and nothing that is not a whole record.
 */
#ifndef CORE_RECORD_H
#define CORE_RECORD_H

#include "nat/core/tuple.h"

enum record_kind {
	RECORD_LOG_STARTED, /* nothing before it goes on, but what is told anew with cause "open" */
	RECORD_LOG_STOPPED, /* what goes on after it is not told */
	RECORD_MAPPING_CREATED,
	RECORD_MAPPING_ENDED,
	RECORD_SESSION_CREATED,
	RECORD_SESSION_ENDED,
	RECORD_BLOCK_ALLOCATED,
	RECORD_BLOCK_FREED,
	RECORD_DETERMINISTIC, /* from now on `hosts` have blocks of `pool` by RFC 7422's formula */
	RECORD_OPTIONS_CHANGED, /* `cause` is the first knob that was changed */
	RECORD_RECORDS_LOST,	/* `count` of them, before this one */
	RECORD_KINDS
};

/* Longest line, with its newline and NUL. */
enum { RECORD_LINE_MAX = 5120 };

struct record {
	int64_t utc_ms; /* since 1970 */
	enum record_kind kind;
	enum nat_protocol protocol; /* NAT_PROTOCOLS: none */
	struct endpoint internal;   /* of blocks: the host, port 0 */
	struct endpoint external;
	uint16_t last;		  /* last port of a block; of others that of `external` */
	struct endpoint remote;	  /* all zero: none */
	const char *cause;	  /* borrowed; NULL: none */
	int64_t duration_ms;	  /* -1: none */
	uint64_t count;		  /* of records lost; of blocks kept for all (RFC 7422's D) */
	const char *hosts, *pool; /* values of nat.internal and nat.external; borrowed */
};

/* "mapping-created"; stable. */
const char *record_kind_name(enum record_kind kind);

/* @utc_ms as "2026-11-24T14:05:12.123Z" into @buf; returns @buf. */
enum { RECORD_TIME_MAX = 32 };
const char *record_format_time(int64_t utc_ms, char buf[RECORD_TIME_MAX]);
/* The other way; also without a fraction, and with an offset, "+08:00", for the "Z". The time that is not told
 * is 0; @span_ms, which may be NULL, gets the length of what is told: a second or a millisecond. 0 or
 * -EINVAL. */
int record_parse_time(const char *text, int64_t *utc_ms, int64_t *span_ms);

/* One whole line with its newline; returns its length. */
size_t record_format(const struct record *r, char line[RECORD_LINE_MAX]);
/* Read one line without its newline, which is taken apart: @r borrows from it. 0 or -EINVAL. */
int record_parse(char *line, struct record *r);

#endif
