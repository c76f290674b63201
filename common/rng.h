/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rng.h - the random handle
 * Owns:       a random stream made from a key: SipHash of a counter, so that whoever sees the
 *             numbers cannot tell the next (RFC 6056 section 3.3 asks that of port choice).
 * Invariants: the same key gives the same stream; drawing makes no system call.
 */
#ifndef COMMON_RNG_H
#define COMMON_RNG_H

#include <stdint.h>

#include "common/siphash.h"

struct rng {
	struct siphash_key key;
	uint64_t drawn;
};

/* A key from a number (repeatable runs) or, where @seed is 0, from the kernel; 0 or -errno. */
int rng_key(uint64_t seed, struct siphash_key *key);
void rng_init(struct rng *rng, const struct siphash_key *key);
uint32_t rng_next(struct rng *rng);
/* A number from 0 to @bound - 1, each as likely (to 2^-32); @bound at least 1. */
uint32_t rng_below(struct rng *rng, uint32_t bound);

#endif
