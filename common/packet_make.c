/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/packet_make.h"

#include <string.h>

#include "common/checksum.h"

enum { IP_HEADER = 20, ICMP_HEADER = 8, TCP_HEADER = 20, UDP_HEADER = 8 };

static void put16(uint8_t *at, size_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value & 0xffff);
}

/* DF and an ID of 0: the packet is never fragmented (RFC 6864 section 4.1). */
static void make_ip(uint8_t *buf, size_t length, uint8_t ds, uint8_t protocol,
		    const struct addr *from, const struct addr *to)
{
	memset(buf, 0, IP_HEADER);
	buf[0] = 0x45;
	buf[1] = ds;
	put16(buf + 2, length);
	put16(buf + 6, 0x4000);
	buf[8] = PACKET_MAKE_TTL;
	buf[9] = protocol;
	put32(buf + 12, addr_ip4(from));
	put32(buf + 16, addr_ip4(to));
	put16(buf + 10, (uint16_t)~checksum_sum(buf, IP_HEADER));
}

size_t packet_make_unreachable(uint8_t *buf, const struct addr *from, uint8_t code,
			       const struct packet *quoted)
{
	const size_t room = PACKET_MAKE_MAX - IP_HEADER - ICMP_HEADER;
	size_t quote = quoted->length < room ? quoted->length : room;
	size_t length = IP_HEADER + ICMP_HEADER + quote;
	uint8_t *icmp = buf + IP_HEADER;

	make_ip(buf, length, PACKET_MAKE_ICMP_DS, PACKET_ICMP, from, &quoted->source.addr);
	memset(icmp, 0, ICMP_HEADER);
	icmp[0] = PACKET_UNREACHABLE;
	icmp[1] = code;
	memcpy(icmp + ICMP_HEADER, quoted->data, quote);
	put16(icmp + 2, (uint16_t)~checksum_sum(icmp, ICMP_HEADER + quote));
	return length;
}

/* Of @length bytes of @protocol behind an IP header, with its addresses (RFC 768, RFC 9293). */
static uint16_t transport_checksum(const uint8_t *buf, uint8_t protocol, size_t length)
{
	uint16_t sum = checksum_add(checksum_sum(buf + 12, 8), (uint16_t)(protocol + length));

	return (uint16_t)~checksum_add(sum, checksum_sum(buf + IP_HEADER, length));
}

size_t packet_make_segment(uint8_t *buf, const struct packet_segment *s)
{
	uint8_t *tcp = buf + IP_HEADER;

	make_ip(buf, IP_HEADER + TCP_HEADER, 0, PACKET_TCP, &s->from.addr, &s->to.addr);
	memset(tcp, 0, TCP_HEADER);
	put16(tcp, s->from.port);
	put16(tcp + 2, s->to.port);
	put32(tcp + 4, s->sequence);
	put32(tcp + 8, s->acknowledgment);
	tcp[12] = TCP_HEADER / 4 << 4;
	tcp[13] = s->flags;
	put16(tcp + 14, s->window);
	put16(tcp + 16, transport_checksum(buf, PACKET_TCP, TCP_HEADER));
	return IP_HEADER + TCP_HEADER;
}

size_t packet_make_datagram(uint8_t *buf, const struct endpoint *from, const struct endpoint *to)
{
	uint8_t *udp = buf + IP_HEADER;
	uint16_t checksum;

	make_ip(buf, IP_HEADER + UDP_HEADER, 0, PACKET_UDP, &from->addr, &to->addr);
	put16(udp, from->port);
	put16(udp + 2, to->port);
	put16(udp + 4, UDP_HEADER);
	put16(udp + 6, 0);
	checksum = transport_checksum(buf, PACKET_UDP, UDP_HEADER);
	put16(udp + 6, checksum != 0 ? checksum : 0xffff); /* 0 would say that there is none */
	return IP_HEADER + UDP_HEADER;
}

size_t packet_make_echo(uint8_t *buf, uint8_t type, uint16_t identifier, const struct addr *from,
			const struct addr *to)
{
	uint8_t *icmp = buf + IP_HEADER;

	make_ip(buf, IP_HEADER + ICMP_HEADER, 0, PACKET_ICMP, from, to);
	memset(icmp, 0, ICMP_HEADER);
	icmp[0] = type;
	put16(icmp + 4, identifier);
	put16(icmp + 6, 1);
	put16(icmp + 2, (uint16_t)~checksum_sum(icmp, ICMP_HEADER));
	return IP_HEADER + ICMP_HEADER;
}

size_t packet_make_bare(uint8_t *buf, uint8_t protocol, const struct addr *from,
			const struct addr *to)
{
	make_ip(buf, IP_HEADER, 0, protocol, from, to);
	return IP_HEADER;
}
