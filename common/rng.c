/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/rng.h"

#include <errno.h>
#include <sys/random.h>

int rng_key(uint64_t seed, struct siphash_key *key)
{
	static const struct siphash_key stretch = { { 0x6e6174656d, 0x73656564 } };
	const uint64_t half[2] = { seed, ~seed };

	if (seed == 0) {
		if (getrandom(key, sizeof(*key), 0) != (ssize_t)sizeof(*key))
			return errno != 0 ? -errno : -EIO;
		return 0;
	}
	key->k[0] = siphash(&stretch, &half[0], sizeof(half[0]));
	key->k[1] = siphash(&stretch, &half[1], sizeof(half[1]));
	return 0;
}

void rng_init(struct rng *rng, const struct siphash_key *key)
{
	*rng = (struct rng){ .key = *key };
}

uint32_t rng_next(struct rng *rng)
{
	uint64_t counter = rng->drawn++;

	return (uint32_t)siphash(&rng->key, &counter, sizeof(counter));
}

uint32_t rng_below(struct rng *rng, uint32_t bound)
{
	return (uint32_t)(((uint64_t)rng_next(rng) * bound) >> 32);
}
