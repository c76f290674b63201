/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bucket.h - so many a second
 * Owns:       the token bucket behind every rate: of new mappings, of answers of our own.
 * Invariants: a bucket holds at most one second's worth; one that is all zero starts full.
 */
#ifndef CORE_BUCKET_H
#define CORE_BUCKET_H

#include "common/clock.h"

struct bucket {
	uint64_t spent; /* thousandths of a token, as of `at` */
	struct mono at;
};

static inline uint64_t bucket_spent(const struct bucket *b, uint64_t rate, struct mono now)
{
	int64_t ms = now.ms - b->at.ms;
	uint64_t back = (uint64_t)ms * rate;

	return ms < 1000 && b->spent > back ? b->spent - back : 0;
}

/* Is there a token, at @rate a second? */
static inline bool bucket_has(const struct bucket *b, uint64_t rate, struct mono now)
{
	return bucket_spent(b, rate, now) + 1000 <= rate * 1000;
}

static inline void bucket_take(struct bucket *b, uint64_t rate, struct mono now)
{
	if (rate == 0)
		return; /* nobody counts */
	b->spent = bucket_spent(b, rate, now) + 1000;
	b->at = now;
}

#endif
