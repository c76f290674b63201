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

/*
 * Adds 32-bit words into 64-bit lanes: the carries need no care within 2^32 words, and the
 * compiler turns the loop into vector code. The byte order is put right once, on the folded
 * sum (RFC 1071 section 2B). Four lanes, because one alone is a chain of dependent additions.
 */
uint16_t checksum_sum(const void *data, size_t len)
{
	const uint8_t *at = data;
	uint64_t lane[4] = { 0 };
	uint32_t word[4];
	uint16_t half;

	for (; len >= sizeof(word); at += sizeof(word), len -= sizeof(word)) {
		memcpy(word, at, sizeof(word));
		for (int i = 0; i < 4; i++)
			lane[i] += word[i];
	}
	for (; len >= sizeof(half); at += sizeof(half), len -= sizeof(half)) {
		memcpy(&half, at, sizeof(half));
		lane[0] += half;
	}
	if (len > 0) {
		half = 0;
		memcpy(&half, at, 1);
		lane[1] += half;
	}
	return be16toh(
		fold((uint64_t)fold(lane[0]) + fold(lane[1]) + fold(lane[2]) + fold(lane[3])));
}

uint16_t checksum_add(uint16_t a, uint16_t b)
{
	return fold((uint64_t)a + b);
}

uint16_t checksum_update(uint16_t check, uint16_t before, uint16_t after)
{
	return (uint16_t)~fold((uint64_t)(uint16_t)~check + (uint16_t)~before + after);
}

uint16_t checksum_update_udp(uint16_t check, uint16_t before, uint16_t after)
{
	if (check == 0)
		return 0;
	check = checksum_update(check, before, after);
	return check == 0 ? 0xffff : check;
}
