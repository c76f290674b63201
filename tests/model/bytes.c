/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/model/bytes.h"

#include "tests/unit/wire.h"

/* --- taking apart --------------------------------------------------------------------------- */

static bool is_address_option(unsigned int type)
{
	return type == 7 || type == 68 || type == 131 || type == 137;
}

static bool find_address_option(const uint8_t *at, size_t left)
{
	size_t i = 0;

	while (i < left && at[i] != 0) {
		if (is_address_option(at[i]))
			return true;
		if (at[i] == 1) {
			i++;
			continue;
		}
		if (i + 1 >= left || at[i + 1] < 2 || i + at[i + 1] > left)
			return false;
		i += at[i + 1];
	}
	return false;
}

static unsigned int find_scale(const uint8_t *at, size_t left)
{
	size_t i = 0;

	while (i < left && at[i] != 0) {
		if (at[i] == 1) {
			i++;
			continue;
		}
		if (i + 1 >= left || at[i + 1] < 2 || i + at[i + 1] > left)
			return BYTES_NO_SCALE;
		if (at[i] == 3 && at[i + 1] == 3)
			return at[i + 2] > 14 ? 14 : at[i + 2];
		i += at[i + 1];
	}
	return BYTES_NO_SCALE;
}

static enum nat_reason parse_tcp(struct bytes *p, const uint8_t *tcp, size_t left)
{
	size_t header;

	if (left < (p->quoted ? 8U : 20U))
		return REASON_TRANSPORT_SHORT;
	p->source.port = wire_get16(tcp);
	p->destination.port = wire_get16(tcp + 2);
	if (p->quoted)
		return REASON_TRANSLATED;
	header = (size_t)(tcp[12] >> 4) * 4;
	if (header < 20 || header > left)
		return REASON_TRANSPORT_LENGTH;
	p->seq = wire_get32(tcp + 4);
	p->ack = wire_get32(tcp + 8);
	p->flags = tcp[13];
	p->window = wire_get16(tcp + 14);
	p->scale = BYTES_NO_SCALE;
	if (p->flags & BYTES_SYN)
		p->scale = find_scale(tcp + 20, header - 20);
	p->payload = (uint32_t)(left - header);
	return REASON_TRANSLATED;
}

static enum nat_reason parse_udp(struct bytes *p, const uint8_t *udp, size_t left)
{
	size_t length;

	if (left < 8)
		return REASON_TRANSPORT_SHORT;
	p->source.port = wire_get16(udp);
	p->destination.port = wire_get16(udp + 2);
	length = wire_get16(udp + 4);
	if (!p->quoted && !p->fragment && (length < 8 || length > left))
		return REASON_TRANSPORT_LENGTH;
	return REASON_TRANSLATED;
}

static enum nat_reason parse_icmp(struct bytes *p, const uint8_t *icmp, size_t left)
{
	if (left < 8)
		return REASON_TRANSPORT_SHORT;
	p->type = icmp[0];
	p->code = icmp[1];
	if (bytes_is_query(p))
		p->source.port = p->destination.port = wire_get16(icmp + 4);
	return REASON_TRANSLATED;
}

static enum nat_reason parse_transport(struct bytes *p)
{
	const uint8_t *transport = p->at + p->header;
	size_t left = p->length - p->header;

	if (p->fragment && !p->first)
		return REASON_TRANSLATED;
	if (p->protocol == BYTES_TCP)
		return parse_tcp(p, transport, left);
	if (p->protocol == BYTES_UDP)
		return parse_udp(p, transport, left);
	if (p->protocol == BYTES_ICMP)
		return parse_icmp(p, transport, left);
	return REASON_TRANSLATED;
}

enum nat_reason bytes_parse(struct bytes *p, uint8_t *at, size_t captured, size_t original)
{
	unsigned int word;
	size_t total;

	if (captured < original)
		return REASON_CUT;
	if (captured < 20)
		return REASON_IP_HEADER;
	if (at[0] / 16 != 4)
		return REASON_NOT_IPV4;
	p->at = at;
	p->header = at[0] % 16 * 4U;
	if (p->header < 20 || p->header > captured)
		return REASON_IP_HEADER;
	total = wire_get16(at + 2);
	if (total < p->header || total > captured) {
		if (!p->quoted)
			return REASON_TOTAL_LENGTH;
		total = captured; /* a quote may be cut, and its length tells of the whole */
	}
	p->length = total;
	p->id = wire_get16(at + 4);
	word = wire_get16(at + 6);
	p->df = word & 0x4000;
	p->last = !(word & 0x2000);
	p->offset = (word & 0x1fff) * 8;
	p->first = p->offset == 0;
	p->fragment = !p->first || !p->last;
	p->protocol = at[9];
	p->source.addr = addr_from_ip4(wire_get32(at + 12));
	p->destination.addr = addr_from_ip4(wire_get32(at + 16));
	p->address_options = find_address_option(at + 20, p->header - 20);
	return parse_transport(p);
}

bool bytes_is_request(const struct bytes *p)
{
	return p->protocol == BYTES_ICMP &&
	       (p->type == 8 || p->type == 13 || p->type == 15 || p->type == 17);
}

bool bytes_is_query(const struct bytes *p)
{
	return bytes_is_request(p) ||
	       (p->protocol == BYTES_ICMP &&
		(p->type == 0 || p->type == 14 || p->type == 16 || p->type == 18));
}

bool bytes_is_error(const struct bytes *p)
{
	return p->protocol == BYTES_ICMP && (p->type == 3 || p->type == 11 || p->type == 12);
}

bool bytes_opens(const struct bytes *p)
{
	return p->protocol == BYTES_TCP && (p->flags & BYTES_SYN) &&
	       !(p->flags & (BYTES_ACK | BYTES_RST));
}

bool bytes_has_ports(const struct bytes *p)
{
	return (p->protocol == BYTES_TCP || p->protocol == BYTES_UDP) && p->first;
}

/* --- sums ----------------------------------------------------------------------------------- */

bool bytes_ip_sum_ok(const struct bytes *p)
{
	return wire_sum(0, p->at, p->header) == 0xffff;
}

bool bytes_icmp_sum_ok(const struct bytes *p)
{
	return p->partial || wire_sum(0, p->at + p->header, p->length - p->header) == 0xffff;
}

/* Where the transport checksum is, NULL if there is none. */
static uint8_t *check_of(const struct bytes *p)
{
	size_t offset;

	if (!p->first)
		return NULL;
	switch (p->protocol) {
	case BYTES_TCP:
		offset = 16;
		break;
	case BYTES_UDP:
		offset = 6;
		break;
	case BYTES_ICMP:
		offset = 2;
		break;
	default:
		return NULL;
	}
	return p->length >= p->header + offset + 2 ? p->at + p->header + offset : NULL;
}

/* What the checksum at @check would be if it were right, over @length bytes from @at. */
static uint16_t right_sum(uint32_t pseudo, const uint8_t *at, size_t length, uint8_t *check)
{
	uint16_t stored = wire_get16(check), right;

	wire_put16(check, 0);
	right = (uint16_t)~wire_sum(pseudo, at, length);
	wire_put16(check, stored);
	return right;
}

static uint16_t right_ip(const struct bytes *p)
{
	return right_sum(0, p->at, p->header, p->at + 10);
}

static uint16_t right_transport(const struct bytes *p, size_t length)
{
	uint32_t pseudo = 0;

	if (p->protocol != BYTES_ICMP)
		pseudo = wire_sum(p->protocol + (uint32_t)length, p->at + 12, 8);
	return right_sum(pseudo, p->at + p->header, length, check_of(p));
}

/* How wrong @stored is, from 0 (right) to 0xfffe. */
static uint32_t how_wrong(uint16_t stored, uint16_t right)
{
	return ((uint32_t)stored + 0xffff - right % 0xffff) % 0xffff;
}

static uint16_t as_wrong(uint16_t right, uint32_t wrong)
{
	return wrong == 0 ? right : (uint16_t)((right + wrong) % 0xffff);
}

struct wrongs {
	uint32_t ip, transport;
	bool none; /* UDP without a checksum, or none there to keep */
};

static struct wrongs measure(const struct bytes *p)
{
	const uint8_t *check = check_of(p);
	struct wrongs w = { .ip = how_wrong(wire_get16(p->at + 10), right_ip(p)) };

	w.none = check == NULL || (p->protocol == BYTES_UDP && wire_get16(check) == 0);
	if (!w.none)
		w.transport =
			how_wrong(wire_get16(check), right_transport(p, p->length - p->header));
	return w;
}

static void restore(struct bytes *p, const struct wrongs *w)
{
	uint8_t *check = check_of(p);
	uint16_t sum;

	wire_put16(p->at + 10, as_wrong(right_ip(p), w->ip));
	if (p->partial && check != NULL) { /* nobody made it yet: it is made now */
		size_t length = p->length - p->header;

		if (p->protocol == BYTES_UDP && wire_get16(p->at + p->header + 4) < length)
			length = wire_get16(p->at + p->header + 4);
		sum = right_transport(p, length);
	} else if (!w->none) {
		sum = as_wrong(right_transport(p, p->length - p->header), w->transport);
	} else {
		return;
	}
	wire_put16(check, sum == 0 && p->protocol == BYTES_UDP ? 0xffff : sum);
}

/* --- rewriting ------------------------------------------------------------------------------ */

static void put_end(struct bytes *p, size_t address, size_t port, const struct endpoint *to)
{
	wire_put32(p->at + address, addr_ip4(&to->addr));
	if (bytes_has_ports(p))
		wire_put16(p->at + p->header + port, to->port);
	else if (p->first && bytes_is_query(p))
		wire_put16(p->at + p->header + 4, to->port);
}

static void put_change(struct bytes *p, struct bytes_change to)
{
	if (to.source != NULL) {
		put_end(p, 12, 0, to.source);
		p->source = *to.source;
	}
	if (to.destination != NULL) {
		put_end(p, 16, 2, to.destination);
		p->destination = *to.destination;
	}
	if (to.id >= 0) {
		wire_put16(p->at + 4, (unsigned int)to.id);
		p->id = (unsigned int)to.id;
	}
}

void bytes_rewrite(struct bytes *p, struct bytes_change to)
{
	struct wrongs wrongs = measure(p);

	put_change(p, to);
	restore(p, &wrongs);
}

enum nat_reason bytes_quote(const struct bytes *outer, struct bytes *inner)
{
	size_t skip = outer->header + 8;

	*inner = (struct bytes){ .quoted = true };
	return bytes_parse(inner, outer->at + skip, outer->length - skip, outer->length - skip);
}

void bytes_rewrite_error(struct bytes *outer, struct bytes *inner, struct bytes_change quote,
			 struct bytes_change to)
{
	struct wrongs wrongs = measure(outer);

	bytes_rewrite(inner, quote);
	put_change(outer, to);
	restore(outer, &wrongs);
}

/* --- making --------------------------------------------------------------------------------- */

static struct wire make_ip(uint8_t *buf, size_t length, unsigned int ds, unsigned int protocol,
			   struct addr from, struct addr to)
{
	memset(buf, 0, length);
	buf[0] = 0x45;
	buf[1] = (uint8_t)ds;
	wire_put16(buf + 2, (unsigned int)length);
	wire_put16(buf + 6, 0x4000);
	buf[8] = 64;
	buf[9] = (uint8_t)protocol;
	wire_put32(buf + 12, addr_ip4(&from));
	wire_put32(buf + 16, addr_ip4(&to));
	return (struct wire){ .at = buf, .len = length };
}

size_t bytes_unreachable(uint8_t *buf, struct addr from, const struct bytes *about, size_t length,
			 unsigned int code)
{
	size_t quote = length < 548 ? length : 548;
	struct wire w = make_ip(buf, 28 + quote, 0xc0, BYTES_ICMP, from, about->source.addr);

	buf[20] = 3;
	buf[21] = (uint8_t)code;
	memcpy(buf + 28, about->at, quote);
	wire_fix(w);
	return w.len;
}

size_t bytes_reset(uint8_t *buf, const struct bytes_reset *r)
{
	struct wire w = make_ip(buf, 40, 0, BYTES_TCP, r->from.addr, r->to.addr);

	wire_put16(buf + 20, r->from.port);
	wire_put16(buf + 22, r->to.port);
	wire_put32(buf + 24, r->seq);
	wire_put32(buf + 28, r->ack);
	buf[32] = 0x50;
	buf[33] = (uint8_t)r->flags;
	wire_fix(w);
	return w.len;
}
