/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * checksum.h - the Internet checksum, in full and by difference
 * Owns:       RFC 1071 sums and RFC 1624 updates; knows nothing of packet layout.
 * Invariants: sums are 16-bit one's complement numbers in host order, as be16 words add up;
 *             no function reads past the length it is given.
 */
#ifndef COMMON_CHECKSUM_H
#define COMMON_CHECKSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One's complement sum of @len bytes, an odd last byte padded with zero; not complemented. */
uint16_t checksum_sum(const void *data, size_t len);

/* For the few sums of an update, in place. */
static inline uint16_t checksum_fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)(sum + (sum >> 16));
}

/* The sum of four bytes, given as a number in host order. */
static inline uint16_t checksum_sum32(uint32_t word)
{
	return checksum_fold((word >> 16) + (word & 0xffff));
}

/* Sum of two sums. */
static inline uint16_t checksum_add(uint16_t a, uint16_t b)
{
	return checksum_fold((uint32_t)a + b);
}

/*
 * checksum_update() - the checksum after bytes that summed up to @before now sum up to @after
 * RFC 1624 equation 3. Wrong checksums stay wrong by the same amount: nothing is repaired.
 * Valid as long as any word under the checksum is non-zero; for a message that may be all
 * zero (an ICMP Echo with identifier, sequence and data 0) compute the whole sum instead.
 */
static inline uint16_t checksum_update(uint16_t check, uint16_t before, uint16_t after)
{
	return (uint16_t)~checksum_fold((uint32_t)(uint16_t)~check + (uint16_t)~before + after);
}

/* The same for UDP over IPv4: 0 (no checksum) stays 0, a result of 0 becomes 0xffff (RFC 768). */
static inline uint16_t checksum_update_udp(uint16_t check, uint16_t before, uint16_t after)
{
	if (check == 0)
		return 0;
	check = checksum_update(check, before, after);
	return check == 0 ? 0xffff : check;
}

/* One way to compute a sum: checksum_sum() takes the first that the processor has. */
struct checksum_variant {
	const char *name;
	bool (*supported)(void);
	uint16_t (*sum)(const void *data, size_t len); /* call it only where supported */
};

/* For tests: the variants, best first; NULL past the last one, which is plain C. */
const struct checksum_variant *checksum_variant(unsigned int index);

#endif
