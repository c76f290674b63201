/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * siphash.h - a keyed hash that an outsider cannot steer
 * Owns:       SipHash-1-3 (Aumasson and Bernstein 2012, in its faster variant): the mixing
 *             behind the hash indexes and the random stream.
 * Invariants: same key, same bytes, same result, on every machine.
 */
#ifndef COMMON_SIPHASH_H
#define COMMON_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

struct siphash_key {
	uint64_t k[2];
};

uint64_t siphash(const struct siphash_key *key, const void *data, size_t len);

#endif
