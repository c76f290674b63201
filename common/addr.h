/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * addr.h - addresses and endpoints, and how a person writes them
 * Owns:       the one address type, the endpoint type, address ranges; their text forms.
 * Invariants: an address is 16 bytes in network order; IPv4 lies in it v4-mapped
 *             (RFC 4291 section 2.5.5.2), so two equal addresses are equal bytes.
 */
#ifndef COMMON_ADDR_H
#define COMMON_ADDR_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct addr {
	uint8_t b[16];
};

/* Address and port, the port in host order; for ICMP queries the port is the identifier. */
struct endpoint {
	struct addr addr;
	uint16_t port;
};

/* First and last address, both included; both IPv4. */
struct addr_range {
	struct addr first, last;
};

enum {
	ADDR_TEXT_MAX = 46,		       /* longest address, with its NUL */
	ENDPOINT_TEXT_MAX = ADDR_TEXT_MAX + 8, /* "[" "]:" and five digits more */
};

/* What stands before an IPv4 address. */
static const uint8_t ADDR_V4_MAPPED[12] = { [10] = 0xff, [11] = 0xff };

/* Make an address from an IPv4 address in host order. */
static inline struct addr addr_from_ip4(uint32_t ip4)
{
	struct addr a;

	ip4 = htobe32(ip4);
	memcpy(a.b, ADDR_V4_MAPPED, sizeof(ADDR_V4_MAPPED));
	memcpy(a.b + sizeof(ADDR_V4_MAPPED), &ip4, sizeof(ip4));
	return a;
}

/* The IPv4 address in host order; only for an address that addr_is_ip4(). */
static inline uint32_t addr_ip4(const struct addr *a)
{
	uint32_t ip4;

	memcpy(&ip4, a->b + sizeof(ADDR_V4_MAPPED), sizeof(ip4));
	return be32toh(ip4);
}

static inline bool addr_is_ip4(const struct addr *a)
{
	return memcmp(a->b, ADDR_V4_MAPPED, sizeof(ADDR_V4_MAPPED)) == 0;
}

/* By words: a call of memcmp() costs more than the comparison. */
static inline bool addr_equal(const struct addr *a, const struct addr *b)
{
	uint64_t x[2], y[2];

	memcpy(x, a->b, sizeof(x));
	memcpy(y, b->b, sizeof(y));
	return ((x[0] ^ y[0]) | (x[1] ^ y[1])) == 0;
}

/* Order as unsigned bytes: negative, zero or positive, for sorting and bsearch(). */
static inline int addr_compare(const struct addr *a, const struct addr *b)
{
	uint64_t x[2], y[2];
	int differs; /* the first word that does */

	memcpy(x, a->b, sizeof(x));
	memcpy(y, b->b, sizeof(y));
	differs = x[0] == y[0];
	x[differs] = be64toh(x[differs]);
	y[differs] = be64toh(y[differs]);
	return (x[differs] > y[differs]) - (x[differs] < y[differs]);
}

/* False for 0.0.0.0/8, 127/8, 224/4, 240/4: what a NAT never translates (RFC 1812 section 5.3.7). */
bool addr_is_unicast(const struct addr *a);

static inline bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && addr_equal(&a->addr, &b->addr);
}

/* Write the text form into @buf (ADDR_TEXT_MAX bytes, always terminated) and return @buf. */
const char *addr_format(const struct addr *a, char *buf);
/* "192.168.1.2:6789" or "[2001:db8::1]:80", into @buf (ENDPOINT_TEXT_MAX bytes); returns @buf. */
const char *endpoint_format(const struct endpoint *e, char *buf);

/* Read a whole string as one address; 0, or -EINVAL with @a untouched. */
int addr_parse(const char *text, struct addr *a);
/* Read "address:port"; 0, or -EINVAL with @e untouched. */
int endpoint_parse(const char *text, struct endpoint *e);
/* Read "a", "a-b" or "a/len" (IPv4); 0, or -EINVAL, also where b lies before a. */
int addr_range_parse(const char *text, struct addr_range *r);

#endif
