/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * methods.h - what the control socket can be asked
 * Owns:       the way from a request to its answer, and what each method does; the JSON form of
 *             mappings, sessions, counters and knobs. What there is to ask is protocol.h's.
 * Invariants: a method answers at once and in bounded size: lists come in pages, each of bounded
 *             cost.
 */
#ifndef DAEMON_METHODS_H
#define DAEMON_METHODS_H

#include "common/rpc.h"
#include "nat/daemon/daemon.h"

/* Answer one line from a client: the response, owned by the caller; NULL if none is due. */
json_t *methods_answer(struct daemon *d, const char *line, size_t length);

#endif
