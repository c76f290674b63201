/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * packet_make.h - packets of our own, byte by byte
 * Owns:       the layout of the ICMP errors and TCP resets that a NAT sends by itself, and of the
 *             smallest packets of each protocol, on which it can be tried out.
 * Invariants: what is made has all its checksums right and fits the buffer it is given.
 */
#ifndef COMMON_PACKET_MAKE_H
#define COMMON_PACKET_MAKE_H

#include "common/packet.h"

enum {
	PACKET_MAKE_MAX = 576,	    /* no ICMP error is longer (RFC 1812 section 4.3.2.3) */
	PACKET_MAKE_TTL = 64,	    /* RFC 1700's default */
	PACKET_MAKE_ICMP_DS = 0xc0, /* internetwork control (RFC 1812 section 4.3.2.5) */
};

/* Codes of Destination Unreachable (RFC 792, RFC 1812 section 5.2.7.1). */
enum {
	PACKET_HOST_UNREACHABLE = 1,
	PACKET_PORT_UNREACHABLE = 3,
	PACKET_PROHIBITED = 13,
};

/*
 * packet_make_unreachable() - Destination Unreachable, code @code, about @quoted
 * @buf:    PACKET_MAKE_MAX bytes
 * @from:   whom it comes from; IPv4
 * @quoted: the packet as its sender sent it; as much of it as fits is quoted
 * Return: the length.
 */
size_t packet_make_unreachable(uint8_t *buf, const struct addr *from, uint8_t code,
			       const struct packet *quoted);

/* The head of a TCP segment that carries no data. */
struct packet_segment {
	struct endpoint from, to;
	uint32_t sequence, acknowledgment;
	uint8_t flags;
	uint16_t window;
};

/* A segment without data or options into @buf (40 bytes); returns its length. */
size_t packet_make_segment(uint8_t *buf, const struct packet_segment *segment);

/* A UDP datagram without payload into @buf (28 bytes); returns its length. */
size_t packet_make_datagram(uint8_t *buf, const struct endpoint *from, const struct endpoint *to);

/* A first Echo or Echo Reply (@type) without payload into @buf (28 bytes); returns its length. */
size_t packet_make_echo(uint8_t *buf, uint8_t type, uint16_t identifier, const struct addr *from,
			const struct addr *to);

/* A packet of @protocol with nothing behind its IP header into @buf (20 bytes); returns its length. */
size_t packet_make_bare(uint8_t *buf, uint8_t protocol, const struct addr *from,
			const struct addr *to);

#endif
