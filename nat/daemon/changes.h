/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * changes.h - what a change of knobs is told as
 * Owns:       the way from two sets of knobs to events: a preset, rules that came and went, and the
 *             knobs that are neither.
 * Invariants: what is the same before and after is not told.
 */
#ifndef DAEMON_CHANGES_H
#define DAEMON_CHANGES_H

#include "nat/daemon/daemon.h"

/* @asked is about to take the place of @d->asked: add events for what differs, with their time, so that
 * a log of blocks can be read later (RFC 7422 section 3). */
void changes_tell(struct daemon *d, const struct options *asked);

#endif
