/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/daemon/capture.h"

#include <string.h>

/* The numbers of the format. */
enum {
	BLOCK_SECTION = 0x0a0d0d0a,
	BLOCK_INTERFACE = 1,
	BLOCK_STATISTICS = 5,
	BLOCK_PACKET = 6,
	BYTE_ORDER_MAGIC = 0x1a2b3c4d,
	LINK_RAW = 101, /* begins with the IP header */
	OPTION_END = 0,
	OPTION_COMMENT = 1,
	OPTION_NAME = 2,	/* of an interface */
	OPTION_DESCRIPTION = 3, /* of an interface */
	OPTION_APPLICATION = 4, /* of a section */
	OPTION_DROPPED = 5,	/* of statistics */
	OPTION_RESOLUTION = 9,	/* of an interface's time stamps */
	NANOSECONDS = 9,	/* ten to the minus that */
};

enum interface { LAN, WAN };

enum { BODY_MAX = 1024, COMMENT_MAX = 256 }; /* a block's body without a packet */

/* A block's body while it is put together; numbers are in this machine's byte order. */
struct body {
	size_t length;
	uint8_t bytes[BODY_MAX];
};

static size_t padded(size_t length)
{
	return (length + 3) & ~(size_t)3;
}

static void put(struct body *b, const void *data, size_t length)
{
	memset(b->bytes + b->length, 0, padded(length));
	memcpy(b->bytes + b->length, data, length);
	b->length += padded(length);
}

static void put_u16(struct body *b, uint16_t low, uint16_t high)
{
	const uint16_t pair[] = { low, high };

	put(b, pair, sizeof(pair));
}

static void put_u32(struct body *b, uint32_t value)
{
	put(b, &value, sizeof(value));
}

static void put_option(struct body *b, uint16_t code, const void *data, size_t length)
{
	put_u16(b, code, (uint16_t)length);
	put(b, data, length);
}

static void put_text(struct body *b, uint16_t code, const char *text)
{
	put_option(b, code, text, strlen(text));
}

static void put_time(struct body *b, int64_t ns)
{
	put_u32(b, (uint32_t)((uint64_t)ns >> 32));
	put_u32(b, (uint32_t)ns);
}

/* A block of @first, @data (padded) and @last. */
static void write_block(FILE *out, uint32_t type, const struct body *first, const void *data,
			size_t length, const struct body *last)
{
	static const uint8_t zeros[4];
	const uint32_t total =
		(uint32_t)(12 + first->length + padded(length) + (last != NULL ? last->length : 0));

	fwrite(&type, sizeof(type), 1, out);
	fwrite(&total, sizeof(total), 1, out);
	fwrite(first->bytes, first->length, 1, out);
	if (length > 0)
		fwrite(data, length, 1, out);
	if (padded(length) > length)
		fwrite(zeros, padded(length) - length, 1, out);
	if (last != NULL)
		fwrite(last->bytes, last->length, 1, out);
	fwrite(&total, sizeof(total), 1, out);
}

static void write_interface(FILE *out, uint32_t snap, const char *name, const char *description)
{
	static const uint8_t resolution = NANOSECONDS;
	struct body b = { 0 };

	put_u16(&b, LINK_RAW, 0);
	put_u32(&b, snap);
	put_text(&b, OPTION_NAME, name);
	put_text(&b, OPTION_DESCRIPTION, description);
	put_option(&b, OPTION_RESOLUTION, &resolution, 1);
	put_u16(&b, OPTION_END, 0);
	write_block(out, BLOCK_INTERFACE, &b, NULL, 0, NULL);
}

void capture_begin(FILE *out, uint32_t snap, const char *lan, const char *wan)
{
	struct body b = { 0 };

	put_u32(&b, BYTE_ORDER_MAGIC);
	put_u16(&b, 1, 0); /* version */
	put_u32(&b, UINT32_MAX);
	put_u32(&b, UINT32_MAX); /* the section's length: not known */
	put_text(&b, OPTION_APPLICATION, "natem " NATEM_VERSION);
	put_u16(&b, OPTION_END, 0);
	write_block(out, BLOCK_SECTION, &b, NULL, 0, NULL);
	write_interface(out, snap, "lan", lan);
	write_interface(out, snap, "wan", wan);
}

/* Who touched the packet and why: "mapping-created, mapping 3, session 5". */
static void comment_of(const struct tap_record *r, char text[COMMENT_MAX])
{
	static const char *const verdicts[] = {
		[NAT_PASS] = "passed unchanged",
		[NAT_REWRITTEN] = "translated",
		[NAT_DROPPED] = "dropped",
		[NAT_HELD] = "held",
	};
	const struct nat_outcome *o = &r->outcome;
	const struct reason_spec *reason = reason_spec(o->reason);
	size_t n =
		(size_t)snprintf(text, COMMENT_MAX, "%s: %s", verdicts[o->verdict], reason->name);

	if (o->mapping != NAT_NONE)
		n += (size_t)snprintf(text + n, COMMENT_MAX - n, ", mapping %u", o->mapping);
	if (o->session != NAT_NONE)
		n += (size_t)snprintf(text + n, COMMENT_MAX - n, ", session %u", o->session);
	if (o->knob != OPT_NONE)
		n += (size_t)snprintf(text + n, COMMENT_MAX - n, ", by %s",
				      option_spec(o->knob)->key);
	if (*reason->clause != '\0')
		snprintf(text + n, COMMENT_MAX - n, " (%s)", reason->clause);
}

static void write_packet(FILE *out, enum interface interface, const struct tap_record *r,
			 const uint8_t *bytes, uint32_t length, const struct body *options)
{
	struct body b = { 0 };

	put_u32(&b, interface);
	put_time(&b, r->time_ns);
	put_u32(&b, length);
	put_u32(&b, r->length);
	write_block(out, BLOCK_PACKET, &b, bytes, length, options);
}

/* As it came: its own head, and the rest as it left, for nothing else is rewritten. */
static void write_came(FILE *out, enum interface interface, const struct tap_record *r,
		       const struct tap_bytes *bytes, uint32_t length, const struct body *options)
{
	static uint8_t whole[65536 + 8];
	uint32_t head = r->head < length ? r->head : length;

	memcpy(whole, bytes->head, head);
	memcpy(whole + head, bytes->data + head, length - head);
	write_packet(out, interface, r, whole, length, options);
}

static enum interface side_to(const struct tap_record *r)
{
	bool hairpin = r->outcome.reason == REASON_HAIRPIN;

	return (r->from == NAT_INTERNAL) == hairpin ? LAN : WAN;
}

void capture_packet(FILE *out, const struct tap_record *r, const struct tap_bytes *bytes,
		    uint32_t snap)
{
	uint32_t length = r->bytes < snap ? r->bytes : snap;
	char comment[COMMENT_MAX];
	struct body options = { 0 };

	comment_of(r, comment);
	put_text(&options, OPTION_COMMENT, comment);
	put_u16(&options, OPTION_END, 0);
	write_came(out, r->from == NAT_INTERNAL ? LAN : WAN, r, bytes, length, &options);
	if (r->outcome.verdict == NAT_REWRITTEN || r->outcome.verdict == NAT_PASS)
		write_packet(out, side_to(r), r, bytes->data, length, &options);
}

void capture_end(FILE *out, uint64_t missed)
{
	struct body b = { 0 };

	put_u32(&b, LAN);
	put_time(&b, 0);
	put_option(&b, OPTION_DROPPED, &missed, sizeof(missed));
	put_u16(&b, OPTION_END, 0);
	write_block(out, BLOCK_STATISTICS, &b, NULL, 0, NULL);
}
