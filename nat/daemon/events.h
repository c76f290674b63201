/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * events.h - what has happened, in words
 * Owns:       the sentence for each kind of event, and how far the log has been told.
 * Invariants: each event is logged once; those that the ring has lost meanwhile, never. The time
 *             of day is read here and in eventlog.c alone, and only when there is a line to write.
 */
#ifndef DAEMON_EVENTS_H
#define DAEMON_EVENTS_H

#include "nat/daemon/daemon.h"

enum { EVENTS_TEXT_MAX = 256 }; /* longest sentence, with its NUL */

/* Log what has happened since the last call, a line each. */
void events_tell(struct daemon *d);
/* What happened, as one line, into @buf; returns @buf. */
const char *events_text(const struct nat_event *event, char buf[EVENTS_TEXT_MAX]);

#endif
