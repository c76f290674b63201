/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench_checksum.c - each variant of the Internet checksum, over lengths from an address to a
 * whole GSO packet. The data stay where they are: in L1, the longest ones in L2.
 */
#include <stdio.h>
#include <time.h>

#include "common/checksum.h"

/* As in a netlink message: aligned to 4 bytes and no better. */
enum { START = 20, LONGEST = 65000, ROUNDS = 7, BYTES_A_ROUND = 10000000 };

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* The best round counts: what disturbs a round only ever makes it longer. */
static double time_sum(uint16_t (*sum)(const void *, size_t), const uint8_t *at, size_t len)
{
	unsigned int times = (unsigned int)(BYTES_A_ROUND / (len + 64));
	volatile uint16_t sink;
	double best = 0;

	for (int round = 0; round < ROUNDS; round++) {
		double start = now_ns(), spent;

		for (unsigned int i = 0; i < times; i++)
			sink = sum(at, len);
		spent = (now_ns() - start) / times;
		if (round == 0 || spent < best)
			best = spent;
	}
	(void)sink;
	return best;
}

static void bench(const char *name, uint16_t (*sum)(const void *, size_t))
{
	static const size_t lengths[] = { 4, 20, 64, 128, 256, 1500, 16000, LONGEST };
	static _Alignas(64) uint8_t bytes[START + LONGEST];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7 + i / 256);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		double ns = time_sum(sum, bytes + START, lengths[i]);

		printf("checksum, %-12s %7zu bytes %10.1f ns %7.1f GB/s\n", name, lengths[i], ns,
		       (double)lengths[i] / ns);
	}
}

int main(void)
{
	const struct checksum_variant *v;

	bench("as chosen", checksum_sum);
	for (unsigned int i = 0; (v = checksum_variant(i)) != NULL; i++)
		if (v->supported())
			bench(v->name, v->sum);
	return 0;
}
