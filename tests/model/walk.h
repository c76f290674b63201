/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * walk.h - random steps: packets, time, knobs
 * Owns:       what a step may be, and making one from a number.
 * Invariants: a step is its seed. What it does depends on the seed and, so that packets meet what
 *             is open, on the model's tables: any list of seeds can be played, also one from
 *             which some were taken out.
 */
#ifndef TESTS_MODEL_WALK_H
#define TESTS_MODEL_WALK_H

#include "tests/model/model.h"
#include "tests/unit/wire.h" /* wire_free_all() of walk.c's packets is walk_free() */

enum walk_kind { WALK_PACKET, WALK_KNOBS, WALK_FLUSH, WALK_RESEED, WALK_TICK, WALK_LEASE };

/* What a run is most about. */
enum walk_profile {
	WALK_MIXED,
	WALK_TCP,
	WALK_FRAGMENTS,
	WALK_ERRORS,
	WALK_STATIC,
	WALK_PORTS,
	WALK_BLOCKS,
	WALK_LIMITS,
	WALK_LEASES,
	WALK_FLOOD,
	WALK_PROFILES
};

enum { WALK_KNOBS_MAX = 8, WALK_VALUE_MAX = 128, WALK_TEXT_MAX = 400 };

struct walk_knob {
	char key[48], value[WALK_VALUE_MAX];
};

struct walk_step {
	enum walk_kind kind;
	int64_t wait_ms; /* before it */
	struct wire packet;
	size_t original; /* length the kernel would say */
	bool partial;
	enum nat_side from;
	uint32_t knob_count;
	struct walk_knob knobs[WALK_KNOBS_MAX];
	struct nat_selection flush;
	struct addr flush_host;
	struct endpoint flush_external;
	struct lease_request lease;
	char text[WALK_TEXT_MAX]; /* for people */
};

/* A stream of numbers (splitmix64). */
uint64_t walk_next(uint64_t *state);

/* Make the step of @seed; @first: one that sets the knobs a run begins with. */
void walk_make(struct walk_step *step, uint64_t seed, enum walk_profile profile, bool first,
	       const struct model *m);
/* Give back the packets of all steps made so far. */
void walk_free(void);

#endif
