/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wire.h - packets for tests, as bytes
 * Owns:       building IPv4, UDP, TCP and ICMP byte by byte and reading them back, with a
 *             checksum of its own. Uses nothing of common/packet or common/checksum: it is what
 *             they are measured against.
 * Invariants: each packet lies in memory of exactly its length, so that a sanitizer sees any
 *             read past its end. wire_free_all() gives everything back.
 */
#ifndef TESTS_WIRE_H
#define TESTS_WIRE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/addr.h"

enum { WIRE_IP = 20, WIRE_UDP = 8, WIRE_TCP = 20, WIRE_ICMP = 8 };
enum { WIRE_FIN = 1, WIRE_SYN = 2, WIRE_RST = 4, WIRE_PSH = 8, WIRE_ACK = 16 };

struct wire {
	uint8_t *at;
	size_t len;
};

/* What wire_take() has handed out. */
static struct {
	void **blocks;
	size_t count, room;
} wire_garbage;

static inline void wire_free_all(void)
{
	while (wire_garbage.count > 0)
		free(wire_garbage.blocks[--wire_garbage.count]);
	free(wire_garbage.blocks);
	wire_garbage.blocks = NULL;
	wire_garbage.room = 0;
}

static inline struct wire wire_take(size_t len)
{
	struct wire w = { .at = malloc(len > 0 ? len : 1), .len = len };

	if (wire_garbage.count == wire_garbage.room) {
		wire_garbage.room = wire_garbage.room * 2 + 64;
		wire_garbage.blocks = realloc(wire_garbage.blocks,
					      wire_garbage.room * sizeof(*wire_garbage.blocks));
	}
	if (w.at == NULL || wire_garbage.blocks == NULL)
		abort();
	memset(w.at, 0, len > 0 ? len : 1);
	wire_garbage.blocks[wire_garbage.count++] = w.at;
	return w;
}

/* The first @len bytes of @w, in memory of their own. */
static inline struct wire wire_cut(struct wire w, size_t len)
{
	struct wire copy = wire_take(len);

	memcpy(copy.at, w.at, len);
	return copy;
}

static inline struct wire wire_copy(struct wire w)
{
	return wire_cut(w, w.len);
}

static inline bool wire_same(struct wire a, struct wire b)
{
	return a.len == b.len && memcmp(a.at, b.at, a.len) == 0;
}

/* --- words ---------------------------------------------------------------------------------- */

static inline void wire_put16(uint8_t *at, unsigned int value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static inline void wire_put32(uint8_t *at, uint32_t value)
{
	wire_put16(at, value >> 16);
	wire_put16(at + 2, value & 0xffff);
}

static inline uint16_t wire_get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static inline uint32_t wire_get32(const uint8_t *at)
{
	return (uint32_t)wire_get16(at) << 16 | wire_get16(at + 2);
}

/* --- endpoints ------------------------------------------------------------------------------ */

/* "192.168.1.2:5000"; for ICMP the port is the identifier. */
static inline struct endpoint ep(const char *text)
{
	struct endpoint e;
	unsigned int a, b, c, d, port;

	if (sscanf(text, "%3u.%3u.%3u.%3u:%5u", &a, &b, &c, &d, &port) != 5)
		abort();
	e.addr = addr_from_ip4(a << 24 | b << 16 | c << 8 | d);
	e.port = (uint16_t)port;
	return e;
}

/* The same address with another port. */
static inline struct endpoint ep_port(struct endpoint e, unsigned int port)
{
	e.port = (uint16_t)port;
	return e;
}

/* --- sums ----------------------------------------------------------------------------------- */

/* RFC 1071, word by word, on top of @sum; folded, not complemented. */
static inline uint16_t wire_sum(uint32_t sum, const uint8_t *at, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		sum += i % 2 == 0 ? (uint32_t)at[i] << 8 : at[i];
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return (uint16_t)sum;
}

static inline size_t wire_header(struct wire w)
{
	return (size_t)(w.at[0] & 15) * 4;
}

/* Length of the packet itself: without padding, and no more than there is. */
static inline size_t wire_total(struct wire w)
{
	size_t total = wire_get16(w.at + 2);

	return total < w.len ? total : w.len;
}

/* Offset of the transport checksum in its header, 0 for protocols without one. */
static inline size_t wire_check_offset(struct wire w)
{
	switch (w.at[9]) {
	case 1:
		return 2;
	case 6:
		return 16;
	case 17:
		return 6;
	default:
		return 0;
	}
}

static inline uint8_t *wire_check(struct wire w)
{
	return w.at + wire_header(w) + wire_check_offset(w);
}

static inline uint16_t wire_pseudo(struct wire w, size_t length)
{
	return wire_sum(w.at[9] + (uint32_t)length, w.at + 12, 8);
}

/* Length that the transport checksum is over. */
static inline size_t wire_transport_length(struct wire w)
{
	size_t left = wire_total(w) - wire_header(w);
	size_t udp;

	if (w.at[9] != 17 || left < 8)
		return left;
	udp = wire_get16(w.at + wire_header(w) + 4);
	return udp >= 8 && udp < left ? udp : left;
}

/* How far the sums are from right: 0 is right, anything else is how wrong (0 to 0xfffe). */
static inline unsigned int wire_ip_error(struct wire w)
{
	return wire_sum(0, w.at, wire_header(w)) % 0xffff;
}

/* @full: as if the packet were @full bytes long, for a quote of which only a part is there. */
static inline unsigned int wire_transport_error(struct wire w)
{
	size_t length = wire_transport_length(w);
	uint16_t pseudo = w.at[9] == 1 ? 0 : wire_pseudo(w, length);

	return wire_sum(pseudo, w.at + wire_header(w), length) % 0xffff;
}

/* All sums of the packet made right; a UDP checksum of 0 is left as "none". */
static inline void wire_fix(struct wire w)
{
	size_t length = wire_transport_length(w), offset = wire_check_offset(w);
	uint8_t *check = wire_check(w);
	uint16_t pseudo = w.at[9] == 1 ? 0 : wire_pseudo(w, length);
	uint16_t sum;

	wire_put16(w.at + 10, 0);
	wire_put16(w.at + 10, (uint16_t)~wire_sum(0, w.at, wire_header(w)));
	if (offset == 0 || offset + 2 > length)
		return;
	wire_put16(check, 0);
	sum = (uint16_t)~wire_sum(pseudo, w.at + wire_header(w), length);
	wire_put16(check, sum == 0 && w.at[9] == 17 ? 0xffff : sum);
}

/* --- packets -------------------------------------------------------------------------------- */

/* IP header with @options bytes of no-operation options, and room for @payload bytes. */
static inline struct wire wire_ip(unsigned int protocol, struct endpoint src, struct endpoint dst,
				  size_t options, size_t payload)
{
	struct wire w = wire_take(WIRE_IP + options + payload);

	w.at[0] = (uint8_t)(0x40 | (WIRE_IP + options) / 4);
	wire_put16(w.at + 2, (unsigned int)w.len);
	wire_put16(w.at + 4, 0x1234);
	wire_put16(w.at + 6, 0x4000);
	w.at[8] = 64;
	w.at[9] = (uint8_t)protocol;
	wire_put32(w.at + 12, addr_ip4(&src.addr));
	wire_put32(w.at + 16, addr_ip4(&dst.addr));
	memset(w.at + WIRE_IP, 1, options);
	return w;
}

static inline void wire_fill(uint8_t *at, size_t len)
{
	for (size_t i = 0; i < len; i++)
		at[i] = (uint8_t)(i * 37 + 11);
}

/* UDP with @payload bytes and @options bytes of IP options. */
static inline struct wire wire_udp_with(struct endpoint src, struct endpoint dst, size_t options,
					size_t payload)
{
	struct wire w = wire_ip(17, src, dst, options, WIRE_UDP + payload);
	uint8_t *udp = w.at + wire_header(w);

	wire_put16(udp, src.port);
	wire_put16(udp + 2, dst.port);
	wire_put16(udp + 4, (unsigned int)(WIRE_UDP + payload));
	wire_fill(udp + WIRE_UDP, payload);
	wire_fix(w);
	return w;
}

static inline struct wire wire_udp(struct endpoint src, struct endpoint dst)
{
	return wire_udp_with(src, dst, 0, 13);
}

struct wire_tcp {
	unsigned int flags;
	uint32_t seq, ack;
	size_t payload, options, ip_options;
};

static inline struct wire wire_tcp_with(struct endpoint src, struct endpoint dst, struct wire_tcp t)
{
	struct wire w = wire_ip(6, src, dst, t.ip_options, WIRE_TCP + t.options + t.payload);
	uint8_t *tcp = w.at + wire_header(w);

	wire_put16(tcp, src.port);
	wire_put16(tcp + 2, dst.port);
	wire_put32(tcp + 4, t.seq);
	wire_put32(tcp + 8, t.ack);
	tcp[12] = (uint8_t)((WIRE_TCP + t.options) / 4 << 4);
	tcp[13] = (uint8_t)t.flags;
	wire_put16(tcp + 14, 0xfaf0);
	memset(tcp + WIRE_TCP, 1, t.options);
	wire_fill(tcp + WIRE_TCP + t.options, t.payload);
	wire_fix(w);
	return w;
}

static inline struct wire wire_tcp(struct endpoint src, struct endpoint dst, unsigned int flags)
{
	return wire_tcp_with(src, dst, (struct wire_tcp){ .flags = flags, .seq = 1000 });
}

/* An ICMP query; the identifier is @id. */
static inline struct wire wire_query(unsigned int type, struct endpoint src, struct endpoint dst,
				     unsigned int id)
{
	struct wire w = wire_ip(1, src, dst, 0, WIRE_ICMP + 21);
	uint8_t *icmp = w.at + wire_header(w);

	icmp[0] = (uint8_t)type;
	wire_put16(icmp + 4, id);
	wire_put16(icmp + 6, 7);
	wire_fill(icmp + WIRE_ICMP, 21);
	wire_fix(w);
	return w;
}

/* Echo request from @src, whose port is the identifier. */
static inline struct wire wire_ping(struct endpoint src, struct endpoint dst)
{
	return wire_query(8, src, dst, src.port);
}

/* Echo reply to @dst, whose port is the identifier. */
static inline struct wire wire_pong(struct endpoint src, struct endpoint dst)
{
	return wire_query(0, src, dst, dst.port);
}

/* ICMP error from @src to @dst about @about, of which it quotes the first @quote bytes. */
static inline struct wire wire_error_with(unsigned int type, unsigned int code, struct endpoint src,
					  struct endpoint dst, struct wire about, size_t quote)
{
	struct wire w = wire_ip(1, src, dst, 0, WIRE_ICMP + quote);
	uint8_t *icmp = w.at + wire_header(w);

	icmp[0] = (uint8_t)type;
	icmp[1] = (uint8_t)code;
	memcpy(icmp + WIRE_ICMP, about.at, quote);
	wire_fix(w);
	return w;
}

static inline struct wire wire_error(unsigned int type, unsigned int code, struct endpoint src,
				     struct endpoint dst, struct wire about)
{
	return wire_error_with(type, code, src, dst, about, about.len);
}

/* The packet that the ICMP error @w quotes; points into it. */
static inline struct wire wire_quote(struct wire w)
{
	size_t skip = wire_header(w) + WIRE_ICMP;

	return (struct wire){ .at = w.at + skip, .len = wire_total(w) - skip };
}

/* --- fragments ------------------------------------------------------------------------------ */

enum { WIRE_MORE = 0x2000, WIRE_DONT = 0x4000 };

/* The sum of the IP header alone: that of the transport is over the whole datagram. */
static inline void wire_fix_ip(struct wire w)
{
	wire_put16(w.at + 10, 0);
	wire_put16(w.at + 10, (uint16_t)~wire_sum(0, w.at, wire_header(w)));
}

/* @w as one that may be fragmented, with the ID @id. */
static inline struct wire wire_with_id(struct wire w, unsigned int id)
{
	struct wire copy = wire_copy(w);

	wire_put16(copy.at + 4, id);
	wire_put16(copy.at + 6, 0);
	wire_fix_ip(copy);
	return copy;
}

/* @length bytes of the datagram @w from @first on (a multiple of 8), counted behind its IP header;
 * the last fragment if they reach its end. */
static inline struct wire wire_fragment(struct wire w, size_t first, size_t length)
{
	size_t header = wire_header(w), left = w.len - header - first;
	struct wire f = wire_take(header + (length < left ? length : left));

	memcpy(f.at, w.at, header);
	memcpy(f.at + header, w.at + header + first, f.len - header);
	wire_put16(f.at + 2, (unsigned int)f.len);
	wire_put16(f.at + 6, (unsigned int)(first / 8) | (length < left ? WIRE_MORE : 0));
	wire_fix_ip(f);
	return f;
}

/* --- reading back --------------------------------------------------------------------------- */

static inline bool wire_is_query(struct wire w)
{
	unsigned int type = w.at[wire_header(w)];

	return w.at[9] == 1 && (type == 0 || type == 8 || (type >= 13 && type <= 18));
}

static inline struct endpoint wire_endpoint(struct wire w, size_t address, size_t port)
{
	const uint8_t *transport = w.at + wire_header(w);
	struct endpoint e = { .addr = addr_from_ip4(wire_get32(w.at + address)) };

	if (w.at[9] == 6 || w.at[9] == 17)
		e.port = wire_get16(transport + port);
	else if (wire_is_query(w))
		e.port = wire_get16(transport + 4);
	return e;
}

static inline struct endpoint wire_source(struct wire w)
{
	return wire_endpoint(w, 12, 0);
}

static inline struct endpoint wire_destination(struct wire w)
{
	return wire_endpoint(w, 16, 2);
}

#endif
