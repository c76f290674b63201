/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nattime.h - the clock the NAT goes by
 * Owns:       the relation between real time, which the loop reads and the kernel's timers go by,
 *             and NAT time, by which mappings and sessions age.
 * Invariants: NAT time is real time until somebody asks for another. It never goes back, as long
 *             as real time does not: each change starts from where NAT time is.
 *
 * Two states, running and frozen. Running, NAT time moves by `scale` thousandths of real time;
 * frozen, it stands. Either way it can be advanced, and the scale changed (which shows when it
 * runs). nattime_freeze() and nattime_resume() move between the two and leave the scale alone.
 */
#ifndef DAEMON_NATTIME_H
#define DAEMON_NATTIME_H

#include "common/clock.h"

enum {
	NATTIME_REAL_SPEED = 1000,
	NATTIME_SCALE_LEAST = 1,	   /* a thousandth of real speed */
	NATTIME_SCALE_MOST = 10000 * 1000, /* 10000 times real speed */
	NATTIME_SCALE_TEXT = 16,	   /* bytes of a scale as text, with its NUL */
};

struct nattime {
	struct mono real, nat; /* at that real time it was this NAT time */
	uint32_t scale;	       /* NAT milliseconds in a second of real time */
	bool frozen;
};

/* NAT time is real time, from @real on. */
void nattime_init(struct nattime *t, struct mono real);

/* The NAT time at @real, which does not lie before the last change. */
struct mono nattime_at(const struct nattime *t, struct mono real);

/* When to wake up for what is due at NAT time @due: the first real time at which nattime_at() has
 * reached it; one that is past if it has already, MONO_NEVER if it is frozen before that. */
struct mono nattime_wake(const struct nattime *t, struct mono due);

/* Go forward by @ms, which is not negative. */
void nattime_advance(struct nattime *t, int64_t ms);
/* From @real on, @scale: from NATTIME_SCALE_LEAST to NATTIME_SCALE_MOST. */
void nattime_scale(struct nattime *t, uint32_t scale, struct mono real);
/* Both do nothing where it is so already. */
void nattime_freeze(struct nattime *t, struct mono real);
void nattime_resume(struct nattime *t, struct mono real);

/* A scale as people write it, "60" or "0.5"; 0, or -EINVAL if it is none or out of range. */
int nattime_parse_scale(const char *text, uint32_t *scale);
/* The same back, into @buf (NATTIME_SCALE_TEXT bytes). */
const char *nattime_format_scale(uint32_t scale, char *buf);

#endif
