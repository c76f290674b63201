/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * addr.h - addresses and endpoints, and how a person writes them
 * Owns:       the one address type, the endpoint type, address ranges; their text forms.
 * Invariants: an address is 16 bytes in network order; IPv4 lies in it v4-mapped
 *             (RFC 4291 section 2.5.5.2), so two equal addresses are equal bytes.
 */
#ifndef COMMON_ADDR_H
#define COMMON_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

/* Make an address from an IPv4 address in host order. */
struct addr addr_from_ip4(uint32_t ip4);
/* The IPv4 address in host order; only for an address that addr_is_ip4(). */
uint32_t addr_ip4(const struct addr *a);
bool addr_is_ip4(const struct addr *a);
bool addr_equal(const struct addr *a, const struct addr *b);
/* Order as unsigned bytes: negative, zero or positive, for sorting and bsearch(). */
int addr_compare(const struct addr *a, const struct addr *b);
/* False for 0.0.0.0/8, 127/8, 224/4, 240/4: what a NAT never translates (RFC 1812 section 5.3.7). */
bool addr_is_unicast(const struct addr *a);

bool endpoint_equal(const struct endpoint *a, const struct endpoint *b);

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
