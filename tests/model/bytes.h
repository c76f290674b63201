/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bytes.h - a packet as the reference model sees it
 * Owns:       taking a packet apart, rewriting it, and making the few packets a NAT sends by
 *             itself. Shares nothing with common/packet: it is what that is measured against.
 * Invariants: a checksum is made by summing everything, never by an update: how far it was from
 *             right is found first, and it is as far from right afterwards.
 */
#ifndef TESTS_MODEL_BYTES_H
#define TESTS_MODEL_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"
#include "nat/core/reason.h"

enum { BYTES_ICMP = 1, BYTES_TCP = 6, BYTES_UDP = 17 };
enum { BYTES_FIN = 1, BYTES_SYN = 2, BYTES_RST = 4, BYTES_ACK = 16 };
enum { BYTES_NO_SCALE = 255, BYTES_OUTPUT = 576 };

struct bytes {
	uint8_t *at;
	size_t length; /* of the packet: captured without padding */
	size_t header; /* of the IP header */
	bool quoted;   /* inside an ICMP error: may end anywhere */
	bool partial;  /* the transport checksum is still to be made */
	unsigned int protocol, id;
	bool df, fragment, first, last; /* first, last: of the fragments of a datagram */
	unsigned int offset;		/* in bytes */
	bool address_options;
	struct endpoint source, destination; /* port: also an ICMP query's identifier */
	unsigned int flags, window, scale;   /* TCP */
	uint32_t seq, ack, payload;
	unsigned int type, code; /* ICMP */
};

/* REASON_TRANSLATED, or why the packet is none. @quoted and @partial must be set. */
enum nat_reason bytes_parse(struct bytes *p, uint8_t *at, size_t captured, size_t original);

bool bytes_is_query(const struct bytes *p);
bool bytes_is_request(const struct bytes *p);
bool bytes_is_error(const struct bytes *p);
bool bytes_opens(const struct bytes *p);     /* a TCP connection */
bool bytes_has_ports(const struct bytes *p); /* TCP or UDP, and not a later fragment */
bool bytes_ip_sum_ok(const struct bytes *p);
bool bytes_icmp_sum_ok(const struct bytes *p);

/* What the packet is to become; NULL and -1: stays as it is. */
struct bytes_change {
	const struct endpoint *source, *destination;
	int id;
};

void bytes_rewrite(struct bytes *p, struct bytes_change to);
/* The packet that error @outer quotes; REASON_TRANSLATED if it is one. */
enum nat_reason bytes_quote(const struct bytes *outer, struct bytes *inner);
/* Rewrite the quote of @outer, then @outer itself. */
void bytes_rewrite_error(struct bytes *outer, struct bytes *inner, struct bytes_change quote,
			 struct bytes_change to);

/* Destination Unreachable about the first @length bytes of @about, into BYTES_OUTPUT bytes. */
size_t bytes_unreachable(uint8_t *buf, struct addr from, const struct bytes *about, size_t length,
			 unsigned int code);

struct bytes_reset {
	struct endpoint from, to;
	uint32_t seq, ack;
	unsigned int flags;
};

size_t bytes_reset(uint8_t *buf, const struct bytes_reset *r);

#endif
