/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * histogram.h - how often values of what size have been
 * Owns:       the buckets: a value is in the first whose bound, a power of two, it does not exceed.
 * Invariants: to add is two increments and no search; what exceeds every bound is counted in the
 *             last bucket, which has none.
 */
#ifndef CORE_HISTOGRAM_H
#define CORE_HISTOGRAM_H

#include <stdint.h>

enum { HISTOGRAM_BUCKETS = 26 }; /* bounds 2^0 to 2^24: 194 days in seconds */

struct histogram {
	uint64_t buckets[HISTOGRAM_BUCKETS];
	uint64_t sum; /* of the values */
};

/* The bucket of @value. */
static inline unsigned int histogram_bucket(uint64_t value)
{
	unsigned int bits = value > 1 ? 64 - (unsigned int)__builtin_clzll(value - 1) : 0;

	return bits < HISTOGRAM_BUCKETS ? bits : HISTOGRAM_BUCKETS - 1;
}

/* The largest value that bucket @n, which is not the last, may hold. */
static inline uint64_t histogram_bound(unsigned int n)
{
	return UINT64_C(1) << n;
}

static inline void histogram_add(struct histogram *h, uint64_t value)
{
	h->buckets[histogram_bucket(value)]++;
	h->sum += value;
}

#endif
