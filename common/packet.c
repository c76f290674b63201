/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/packet.h"

#include <string.h>

#include "common/checksum.h"

/* Offsets in the headers (RFC 791, 9293, 768, 792). */
enum {
	IP_TOTAL_LENGTH = 2,
	IP_ID = 4,
	IP_FRAGMENT = 6,
	IP_PROTOCOL = 9,
	IP_CHECKSUM = 10,
	IP_SOURCE = 12,
	IP_DESTINATION = 16,
	IP_HEADER_MIN = 20,
	TCP_SEQUENCE = 4,
	TCP_ACKNOWLEDGMENT = 8,
	TCP_DATA_OFFSET = 12,
	TCP_FLAGS = 13,
	TCP_WINDOW = 14,
	TCP_CHECKSUM = 16,
	TCP_HEADER_MIN = 20,
	UDP_LENGTH = 4,
	UDP_CHECKSUM = 6,
	UDP_HEADER = 8,
	ICMP_CHECKSUM = 2,
	ICMP_IDENTIFIER = 4,
	ICMP_HEADER = 8,
	PORT_SOURCE = 0,
	PORT_DESTINATION = 2,
	QUOTED_TRANSPORT_MIN = 8, /* RFC 792: at least 64 bits of the original data */
};

/* IP options that hold addresses: of the router, the sender or the way (RFC 791 section 3.1). */
enum {
	IPOPT_END = 0,
	IPOPT_NOP = 1,
	IPOPT_RECORD_ROUTE = 7,
	IPOPT_TIMESTAMP = 68,
	IPOPT_LOOSE_ROUTE = 131,
	IPOPT_STRICT_ROUTE = 137,
};

enum { TCPOPT_END = 0, TCPOPT_NOP = 1, TCPOPT_WINDOW_SCALE = 3 }; /* RFC 9293, RFC 7323 */

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t get32(const uint8_t *at)
{
	return (uint32_t)get16(at) << 16 | get16(at + 2);
}

static void put16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, (uint16_t)(value >> 16));
	put16(at + 2, (uint16_t)value);
}

void packet_init(struct packet *p, uint8_t *data, size_t captured, size_t original, bool partial)
{
	memset(p, 0, sizeof(*p));
	p->data = data;
	p->captured = captured;
	p->length = original;
	p->partial = partial;
}

/* Bytes of the packet from the transport header on. */
static size_t transport_left(const struct packet *p)
{
	return p->length - p->transport;
}

static bool has_address_options(const uint8_t *option, size_t left)
{
	while (left > 0 && *option != IPOPT_END) {
		size_t length;

		switch (*option) {
		case IPOPT_RECORD_ROUTE:
		case IPOPT_TIMESTAMP:
		case IPOPT_LOOSE_ROUTE:
		case IPOPT_STRICT_ROUTE:
			return true;
		case IPOPT_NOP:
			length = 1;
			break;
		default:
			/* A length that lies ends the walk; what follows is no option. */
			if (left < 2 || option[1] < 2 || option[1] > left)
				return false;
			length = option[1];
		}
		option += length;
		left -= length;
	}
	return false;
}

/* Everything of the IP header; leaves p->transport within p->length within p->captured. */
static enum packet_error parse_ip(struct packet *p)
{
	size_t header, total;
	uint16_t fragment;

	if (p->captured < IP_HEADER_MIN)
		return PACKET_NO_IP_HEADER;
	if (p->data[0] >> 4 != 4)
		return PACKET_NOT_IPV4;
	header = (size_t)(p->data[0] & 0x0f) * 4;
	if (header < IP_HEADER_MIN || header > p->captured)
		return PACKET_NO_IP_HEADER;
	total = get16(p->data + IP_TOTAL_LENGTH);
	if (p->quoted)
		total = total < header || total > p->captured ? p->captured : total;
	else if (total < header || total > p->captured)
		return PACKET_BAD_TOTAL_LENGTH;
	p->length = total;
	p->transport = (uint16_t)header;
	p->protocol = p->data[IP_PROTOCOL];
	p->source.addr = addr_from_ip4(get32(p->data + IP_SOURCE));
	p->destination.addr = addr_from_ip4(get32(p->data + IP_DESTINATION));
	p->address_options = has_address_options(p->data + IP_HEADER_MIN, header - IP_HEADER_MIN);
	fragment = get16(p->data + IP_FRAGMENT);
	p->id = get16(p->data + IP_ID);
	p->dont_fragment = (fragment & 0x4000) != 0;
	p->fragment = (fragment & 0x3fff) != 0; /* all but the reserved and DF bits */
	p->fragment_offset = (uint16_t)((fragment & 0x1fff) * 8);
	p->fragment_first = p->fragment_offset == 0;
	p->fragment_last = (fragment & 0x2000) == 0;
	return PACKET_OK;
}

/* The shift of a window scale option, at most 14 (RFC 7323 section 2.3). */
static uint8_t window_scale(const uint8_t *option, size_t left)
{
	while (left > 0 && *option != TCPOPT_END) {
		size_t length = 1;

		if (*option != TCPOPT_NOP) {
			if (left < 2 || option[1] < 2 || option[1] > left)
				return PACKET_NO_SCALE;
			length = option[1];
		}
		if (*option == TCPOPT_WINDOW_SCALE && length == 3)
			return option[2] < 14 ? option[2] : 14;
		option += length;
		left -= length;
	}
	return PACKET_NO_SCALE;
}

static enum packet_error parse_tcp(struct packet *p)
{
	const uint8_t *tcp = p->data + p->transport;
	size_t left = transport_left(p), header;

	if (left < (p->quoted ? (size_t)QUOTED_TRANSPORT_MIN : TCP_HEADER_MIN))
		return PACKET_SHORT_TRANSPORT;
	p->source.port = get16(tcp + PORT_SOURCE);
	p->destination.port = get16(tcp + PORT_DESTINATION);
	p->tcp_sequence = get32(tcp + TCP_SEQUENCE);
	if (p->quoted)
		return PACKET_OK;
	header = (size_t)(tcp[TCP_DATA_OFFSET] >> 4) * 4;
	if (header < TCP_HEADER_MIN || header > left)
		return PACKET_BAD_TRANSPORT_LENGTH;
	p->tcp_acknowledgment = get32(tcp + TCP_ACKNOWLEDGMENT);
	p->tcp_flags = tcp[TCP_FLAGS];
	p->tcp_window = get16(tcp + TCP_WINDOW);
	p->tcp_scale = PACKET_NO_SCALE;
	if (p->tcp_flags & PACKET_TCP_SYN)
		p->tcp_scale = window_scale(tcp + TCP_HEADER_MIN, header - TCP_HEADER_MIN);
	p->tcp_payload = (uint32_t)(left - header);
	return PACKET_OK;
}

static enum packet_error parse_udp(struct packet *p)
{
	const uint8_t *udp = p->data + p->transport;
	size_t left = transport_left(p), length;

	if (left < UDP_HEADER)
		return PACKET_SHORT_TRANSPORT;
	p->source.port = get16(udp + PORT_SOURCE);
	p->destination.port = get16(udp + PORT_DESTINATION);
	length = get16(udp + UDP_LENGTH);
	if (!p->quoted && !p->fragment && (length < UDP_HEADER || length > left))
		return PACKET_BAD_TRANSPORT_LENGTH;
	return PACKET_OK;
}

static enum packet_error parse_icmp(struct packet *p)
{
	const uint8_t *icmp = p->data + p->transport;

	if (transport_left(p) < ICMP_HEADER)
		return PACKET_SHORT_TRANSPORT;
	p->icmp_type = icmp[0];
	p->icmp_code = icmp[1];
	if (packet_is_icmp_query(p)) {
		p->source.port = get16(icmp + ICMP_IDENTIFIER);
		p->destination.port = p->source.port;
	}
	return PACKET_OK;
}

static enum packet_error parse_transport(struct packet *p)
{
	if (p->fragment && !p->fragment_first)
		return PACKET_OK;
	switch (p->protocol) {
	case PACKET_TCP:
		return parse_tcp(p);
	case PACKET_UDP:
		return parse_udp(p);
	case PACKET_ICMP:
		return parse_icmp(p);
	default:
		return PACKET_OK;
	}
}

static enum packet_error parse(struct packet *p)
{
	enum packet_error err;

	if (p->captured < p->length)
		return PACKET_CUT;
	err = parse_ip(p);
	return err != PACKET_OK ? err : parse_transport(p);
}

enum packet_error packet_parse(struct packet *p)
{
	if (!p->parsed)
		p->error = parse(p);
	p->parsed = true;
	return p->error;
}

bool packet_is_icmp_request(const struct packet *p)
{
	if (p->protocol != PACKET_ICMP)
		return false;
	switch (p->icmp_type) {
	case PACKET_ECHO:
	case PACKET_TIMESTAMP:
	case PACKET_INFORMATION:
	case PACKET_ADDRESS_MASK:
		return true;
	default:
		return false;
	}
}

bool packet_is_icmp_query(const struct packet *p)
{
	if (packet_is_icmp_request(p))
		return true;
	if (p->protocol != PACKET_ICMP)
		return false;
	switch (p->icmp_type) {
	case PACKET_ECHO_REPLY:
	case PACKET_TIMESTAMP_REPLY:
	case PACKET_INFORMATION_REPLY:
	case PACKET_ADDRESS_MASK_REPLY:
		return true;
	default:
		return false;
	}
}

bool packet_is_icmp_error(const struct packet *p)
{
	return p->protocol == PACKET_ICMP &&
	       (p->icmp_type == PACKET_UNREACHABLE || p->icmp_type == PACKET_TIME_EXCEEDED ||
		p->icmp_type == PACKET_PARAMETER_PROBLEM);
}

bool packet_ip_checksum_ok(const struct packet *p)
{
	return checksum_sum(p->data, p->transport) == 0xffff;
}

bool packet_icmp_checksum_ok(const struct packet *p)
{
	return p->partial || checksum_sum(p->data + p->transport, transport_left(p)) == 0xffff;
}

bool packet_is_atomic(const struct packet *p)
{
	return p->dont_fragment && !p->fragment;
}

void packet_set_id(struct packet *p, uint16_t id)
{
	uint8_t *check = p->data + IP_CHECKSUM;

	put16(check, checksum_update(get16(check), p->id, id));
	put16(p->data + IP_ID, id);
	p->id = id;
	p->changed = true;
}

/* Offset of the transport checksum in the packet; 0 where there is none to update. */
static size_t transport_checksum(const struct packet *p)
{
	size_t offset, left = transport_left(p);

	if (p->fragment && !p->fragment_first)
		return 0;
	switch (p->protocol) {
	case PACKET_TCP:
		offset = TCP_CHECKSUM;
		break;
	case PACKET_UDP:
		offset = UDP_CHECKSUM;
		break;
	case PACKET_ICMP:
		offset = ICMP_CHECKSUM;
		break;
	default:
		return 0;
	}
	return left >= offset + 2 ? p->transport + offset : 0;
}

static void update_transport(struct packet *p, uint16_t before, uint16_t after)
{
	size_t offset = transport_checksum(p);
	uint8_t *at = p->data + offset;

	if (offset == 0 || p->partial)
		return; /* absent, or computed whole by packet_finish() */
	if (p->protocol == PACKET_UDP)
		put16(at, checksum_update_udp(get16(at), before, after));
	else
		put16(at, checksum_update(get16(at), before, after));
}

/* What rewriting has done to the sum of the bytes that the transport checksum covers. */
struct change {
	uint16_t before, after;
};

static struct change set_address(struct packet *p, size_t offset, const struct addr *to)
{
	uint8_t *at = p->data + offset, *check = p->data + IP_CHECKSUM;
	uint32_t address = addr_ip4(to);
	const struct change change = { checksum_sum32(get32(at)), checksum_sum32(address) };

	put32(at, address);
	put16(check, checksum_update(get16(check), change.before, change.after));
	return change;
}

/*
 * The one case that RFC 1624 cannot update: an Echo Reply whose identifier, sequence and data
 * are all zero sums to +0, and a difference leads to -0 instead. Only an identifier that
 * becomes or stays 0 can get there. Only a message that was right is summed anew: no repairs.
 */
static void set_icmp_identifier(struct packet *p, uint16_t to)
{
	uint8_t *icmp = p->data + p->transport, *at = icmp + ICMP_IDENTIFIER;
	uint16_t before = get16(at);
	bool anew = to == 0 && !p->quoted && packet_icmp_checksum_ok(p);

	put16(at, to);
	if (!anew) {
		update_transport(p, before, to);
		return;
	}
	put16(icmp + ICMP_CHECKSUM, 0);
	put16(icmp + ICMP_CHECKSUM, (uint16_t)~checksum_sum(icmp, transport_left(p)));
}

/* The port that goes with an address, and the checksum that covers both (with the pseudo-header). */
static void set_port(struct packet *p, size_t offset, uint16_t to, struct change address)
{
	if (!p->fragment || p->fragment_first) {
		uint8_t *at = p->data + p->transport + offset;

		address.before = checksum_add(address.before, get16(at));
		address.after = checksum_add(address.after, to);
		put16(at, to);
	}
	update_transport(p, address.before, address.after);
}

static void set_end(struct packet *p, size_t address_offset, size_t port_offset,
		    const struct endpoint *to)
{
	struct change change = set_address(p, address_offset, &to->addr);

	if (p->protocol == PACKET_TCP || p->protocol == PACKET_UDP)
		set_port(p, port_offset, to->port, change);
	else if (packet_is_icmp_query(p) && (!p->fragment || p->fragment_first))
		set_icmp_identifier(p, to->port);
	p->changed = true;
}

void packet_set_source(struct packet *p, const struct endpoint *to)
{
	set_end(p, IP_SOURCE, PORT_SOURCE, to);
	p->source = *to;
	if (packet_is_icmp_query(p))
		p->destination.port = to->port;
}

void packet_set_destination(struct packet *p, const struct endpoint *to)
{
	set_end(p, IP_DESTINATION, PORT_DESTINATION, to);
	p->destination = *to;
	if (packet_is_icmp_query(p))
		p->source.port = to->port;
}

/*
 * Sum of all quoted bytes a rewrite can reach: the IP header and the start of the transport
 * header, up to the TCP checksum. RFC 4884 extensions lie past byte 128 and are never in it.
 */
static uint16_t quoted_sum(const struct packet *inner)
{
	size_t reach = (size_t)inner->transport + TCP_HEADER_MIN;

	return checksum_sum(inner->data, reach < inner->length ? reach : inner->length);
}

enum packet_error packet_open_quote(struct packet *outer, struct packet *inner)
{
	size_t skip = (size_t)outer->transport + ICMP_HEADER;
	enum packet_error err;

	packet_init(inner, outer->data + skip, outer->length - skip, outer->length - skip, false);
	inner->quoted = true;
	err = packet_parse(inner);
	if (err == PACKET_OK)
		inner->sum_before = quoted_sum(inner);
	return err;
}

void packet_close_quote(struct packet *outer, const struct packet *inner)
{
	if (!inner->changed)
		return;
	update_transport(outer, inner->sum_before, quoted_sum(inner));
	outer->changed = true;
}

/* Sum of the pseudo-header, which ICMP does not have (RFC 768, RFC 9293 section 3.1). */
static uint16_t pseudo_header_sum(const struct packet *p, size_t length)
{
	uint16_t sum = checksum_sum(p->data + IP_SOURCE, 8); /* both addresses */

	if (p->protocol != PACKET_TCP && p->protocol != PACKET_UDP)
		return 0;
	return checksum_add(sum, checksum_add(p->protocol, (uint16_t)length));
}

void packet_finish(struct packet *p)
{
	const uint8_t *transport = p->data + p->transport;
	size_t offset, length;
	uint8_t *check;
	uint16_t sum;

	if (!p->partial || !p->changed)
		return;
	offset = transport_checksum(p);
	if (offset == 0)
		return;
	check = p->data + offset;
	length = transport_left(p);
	/* UDP may be shorter than its packet; a first fragment speaks of more than there is. */
	if (p->protocol == PACKET_UDP && get16(transport + UDP_LENGTH) < length)
		length = get16(transport + UDP_LENGTH);
	put16(check, 0);
	sum = checksum_add(checksum_sum(transport, length), pseudo_header_sum(p, length));
	sum = (uint16_t)~sum;
	put16(check, sum == 0 && p->protocol == PACKET_UDP ? 0xffff : sum);
	p->partial = false;
}
