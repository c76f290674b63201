/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * history.h - who had an external endpoint at some time, by the mapping log
 * Owns:       what is kept of the records of one endpoint, and the way from them to an answer.
 * Invariants: files are read line by line and may be of any length; only records about the endpoint are
 *             kept, and those that end all others. Files may come in any order: records are sorted by
 *             time. Lines that are no record are counted and left out.
 */
#ifndef CLI_HISTORY_H
#define CLI_HISTORY_H

#include <jansson.h>

#include "nat/core/record.h"

struct history_question {
	struct endpoint external;
	enum nat_protocol protocol; /* NAT_PROTOCOLS: any */
	int64_t from_ms,
		to_ms; /* UTC, both included: a second, where no part of one is asked for */
};

struct history {
	struct history_question question;
	struct kept *kept; /* owned */
	size_t count, room;
	uint64_t records, damaged, lost;
	int64_t first_ms, last_ms; /* of all records; first > last: none */
};

void history_init(struct history *h, const struct history_question *question);
void history_fini(struct history *h);

/* Read a file, or standard input for "-"; 0 or -errno. */
int history_read(struct history *h, const char *path);

/* What the records say, as docs/mapping-log.md has it; owned by the caller. */
json_t *history_answer(struct history *h);

/* When @text says, into @from_ms and @to_ms: "2026-11-24T14:05:12Z", with a part of a second or an offset; UTC
 * without one; "14:05:12" of the day of @now_ms; "5m ago". 0 or -EINVAL. */
int history_parse_when(const char *text, int64_t now_ms, int64_t *from_ms, int64_t *to_ms);

#endif
