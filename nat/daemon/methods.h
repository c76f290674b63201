/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * methods.h - what the control socket can be asked
 * Owns:       the method table (name, parameters, meaning) and what each method does; the JSON
 *             form of mappings, sessions, counters and knobs.
 * Invariants: a method answers at once and in bounded size: lists come in pages, each of bounded
 *             cost.
 */
#ifndef DAEMON_METHODS_H
#define DAEMON_METHODS_H

#include "common/rpc.h"
#include "nat/daemon/daemon.h"

struct method_spec {
	const char *name;	/* noun.verb */
	const char *parameters; /* their names, for people; "" for none */
	const char *meaning;	/* one line */
};

/* The method at @index, NULL past the last. */
const struct method_spec *method_spec(unsigned int index);

/* Answer one line from a client: the response, owned by the caller; NULL if none is due. */
json_t *methods_answer(struct daemon *d, const char *line, size_t length);

#endif
