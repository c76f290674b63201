/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * clock.h - the time type
 * Owns:       monotonic time in milliseconds, as a type of its own so that seconds and wall
 *             time do not fit into it.
 * Invariants: whoever needs this time is given it; only the daemon's loop reads its clock. The
 *             time of day is no struct mono, and only the daemon's log has it.
 */
#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct mono {
	int64_t ms;
};

/* Later than any time that comes: "nothing is due". */
#define MONO_NEVER ((struct mono){ .ms = INT64_MAX })

static inline struct mono mono_add_ms(struct mono t, int64_t ms)
{
	return t.ms > INT64_MAX - ms ? MONO_NEVER : (struct mono){ .ms = t.ms + ms };
}

static inline bool mono_reached(struct mono now, struct mono due)
{
	return now.ms >= due.ms;
}

#endif
