/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/checksum.h"

#include <endian.h>
#include <string.h>

static uint16_t fold(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* Adds the bytes after the last whole round of the loop below; the result is in host order. */
static inline uint16_t finish(uint64_t sum, const uint8_t *at, size_t len)
{
	uint64_t word;
	uint16_t half;

	for (; len >= sizeof(word); at += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		sum += (word & 0xffffffff) + (word >> 32);
	}
	for (; len >= sizeof(half); at += sizeof(half), len -= sizeof(half)) {
		memcpy(&half, at, sizeof(half));
		sum += half;
	}
	if (len > 0) {
		half = 0;
		memcpy(&half, at, 1);
		sum += half;
	}
	return be16toh(fold(sum));
}

/*
 * One body for every width. Words are added as they lie in memory; the byte order is put right
 * once, on the folded sum (RFC 1071 section 2B). Carries out of a 64-bit lane are not caught but
 * never lost: @all is the sum modulo 2^64, @high that of the upper halves, so all - high * 2^32
 * is that of the lower halves, exactly. All fit up to 2^31 words, far more than any packet has.
 * That is three operations a vector and no comparison; two vectors a round keep the chain of
 * dependent additions short.
 */
#define DEFINE_SUM(name, vec, target)                                                           \
	target static uint16_t name(const void *data, size_t len)                               \
	{                                                                                       \
		const uint8_t *at = data;                                                       \
		vec all = { 0 }, high = { 0 }, a, b;                                            \
		uint64_t lane[sizeof(vec) / sizeof(uint64_t)], sum = 0;                         \
                                                                                                \
		for (; len >= 2 * sizeof(vec); at += 2 * sizeof(vec), len -= 2 * sizeof(vec)) { \
			memcpy(&a, at, sizeof(a));                                              \
			memcpy(&b, at + sizeof(a), sizeof(b));                                  \
			all += a + b;                                                           \
			high += (a >> 32) + (b >> 32);                                          \
		}                                                                               \
		all += high - (high << 32);                                                     \
		memcpy(lane, &all, sizeof(lane));                                               \
		for (size_t i = 0; i < sizeof(lane) / sizeof(lane[0]); i++)                     \
			sum += lane[i];                                                         \
		return finish(sum, at, len);                                                    \
	}

DEFINE_SUM(sum_plain, uint64_t, )

static bool always(void)
{
	return true;
}

#if defined(__x86_64__) || defined(__i386__)
typedef uint64_t vec128 __attribute__((vector_size(16)));
typedef uint64_t vec256 __attribute__((vector_size(32)));
typedef uint64_t vec512 __attribute__((vector_size(64)));

DEFINE_SUM(sum_sse2, vec128, __attribute__((target("sse2"))))
DEFINE_SUM(sum_avx2, vec256, __attribute__((target("avx2"))))
DEFINE_SUM(sum_avx512, vec512, __attribute__((target("avx512f"))))

static bool has_sse2(void)
{
	return __builtin_cpu_supports("sse2");
}

static bool has_avx2(void)
{
	return __builtin_cpu_supports("avx2");
}

static bool has_avx512(void)
{
	return __builtin_cpu_supports("avx512f");
}
#endif

/* Widest first. The last step gains least: a packet lies in L2 and comes no faster from there. */
static const struct checksum_variant variants[] = {
#if defined(__x86_64__) || defined(__i386__)
	{ "avx512", has_avx512, sum_avx512 },
	{ "avx2", has_avx2, sum_avx2 },
	{ "sse2", has_sse2, sum_sse2 },
#endif
	{ "plain", always, sum_plain },
};

enum { VARIANTS = sizeof(variants) / sizeof(variants[0]) };

const struct checksum_variant *checksum_variant(unsigned int index)
{
	return index < VARIANTS ? &variants[index] : NULL;
}

/*
 * The choice is made anew each time: it is a look at one bit that the compiler's library has found
 * before main(). A pointer kept here would be file-level state with a first use to guard, and
 * target_clones hides its variants from tests and needs ifuncs, which musl does not have.
 */
uint16_t checksum_sum(const void *data, size_t len)
{
	enum { WORTH_A_CHOICE = 64 }; /* below, choosing costs more than it gains */
	const struct checksum_variant *v = variants;

	if (len < WORTH_A_CHOICE)
		return sum_plain(data, len);
	while (!v->supported())
		v++;
	return v->sum(data, len);
}
