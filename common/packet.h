/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * packet.h - the bounded view of a packet, and every rewrite of its bytes
 * Owns:       IPv4, TCP, UDP and ICMP as they lie in memory: all parsing, all offsets, all
 *             checksum work. Nothing outside this module does arithmetic on packet bytes.
 * Invariants: a packet that packet_parse() accepted can be read and rewritten by every function
 *             below without a further check; no function reads past the bytes that were given,
 *             whatever the length fields say. Values are in host order.
 *
 * Life of a packet: packet_init() over borrowed bytes, packet_parse(), any number of rewrites,
 * packet_finish(). An ICMP error carries a second packet, the one it quotes: packet_open_quote()
 * gives a view of that too, and packet_close_quote() mends the outer checksum afterwards.
 */
#ifndef COMMON_PACKET_H
#define COMMON_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"

/* IP protocol numbers (IANA). */
enum { PACKET_ICMP = 1, PACKET_TCP = 6, PACKET_UDP = 17 };

/* Bits of the TCP flags byte (RFC 9293 section 3.1). */
enum {
	PACKET_TCP_FIN = 0x01,
	PACKET_TCP_SYN = 0x02,
	PACKET_TCP_RST = 0x04,
	PACKET_TCP_ACK = 0x10,
};

/* ICMP types by name (RFC 792, RFC 950). */
enum {
	PACKET_ECHO_REPLY = 0,
	PACKET_UNREACHABLE = 3,
	PACKET_ECHO = 8,
	PACKET_TIME_EXCEEDED = 11,
	PACKET_PARAMETER_PROBLEM = 12,
	PACKET_TIMESTAMP = 13,
	PACKET_TIMESTAMP_REPLY = 14,
	PACKET_INFORMATION = 15,
	PACKET_INFORMATION_REPLY = 16,
	PACKET_ADDRESS_MASK = 17,
	PACKET_ADDRESS_MASK_REPLY = 18,
};

/* No window scale option. */
enum { PACKET_NO_SCALE = 0xff };

/* What packet_parse() and packet_open_quote() found wrong. */
enum packet_error {
	PACKET_OK,
	PACKET_CUT,	     /* fewer bytes captured than the packet has */
	PACKET_NO_IP_HEADER, /* fewer than 20 bytes, or a header longer than the packet */
	PACKET_NOT_IPV4,
	PACKET_BAD_TOTAL_LENGTH,     /* total length below the header's or beyond the bytes */
	PACKET_SHORT_TRANSPORT,	     /* TCP, UDP or ICMP header not there in full */
	PACKET_BAD_TRANSPORT_LENGTH, /* TCP data offset or UDP length contradicts the packet */
};

struct packet {
	uint8_t *data;	 /* from the IP header on; borrowed by the caller's caller */
	size_t captured; /* bytes at data */
	size_t length;	 /* of the packet itself: captured without link padding */
	bool partial;	 /* transport checksum not computed yet (CHECKSUM_PARTIAL) */
	uint32_t tag;	 /* the caller's own: what it knows the packet by if it is held */
	uint32_t hint;	 /* the caller's own: 0, or one more than the record it may be about */

	/* Set by packet_parse(). */
	bool parsed;
	enum packet_error error;
	bool changed;  /* rewritten since */
	bool quoted;   /* this is the inside of an ICMP error */
	bool fragment; /* one of several; only the first (fragment_first) has ports */
	bool fragment_first;
	bool fragment_last; /* no more follow */
	bool dont_fragment;
	uint16_t fragment_offset; /* in bytes */
	uint16_t id;		  /* identification, the same in all fragments of a datagram */
	bool address_options;	  /* IP options that hold addresses (route, timestamp) */
	uint8_t protocol;
	uint16_t transport;  /* offset of the transport header */
	uint16_t sum_before; /* quoted only: sum of its headers before any rewrite */

	/* The tuple, kept true by packet_set_source() and packet_set_destination(). For an ICMP
	 * query both ports are the identifier; for another ICMP message or protocol they are 0. */
	struct endpoint source, destination;

	/* TCP only. */
	uint8_t tcp_flags;
	uint32_t tcp_sequence, tcp_acknowledgment;
	uint32_t tcp_payload; /* bytes */
	uint16_t tcp_window;  /* as it stands in the header */
	uint8_t tcp_scale;    /* of a SYN's window scale option, or PACKET_NO_SCALE */

	/* ICMP only. */
	uint8_t icmp_type, icmp_code;
};

/*
 * packet_init() - a view of @captured bytes at @data, which must outlive it
 * @original: length the kernel says the packet had; more than @captured means it was cut
 * @partial:  the kernel left the transport checksum to be completed (NFQA_SKB_CSUMNOTREADY)
 */
void packet_init(struct packet *p, uint8_t *data, size_t captured, size_t original, bool partial);

/* Check and take apart; on any error the packet must not be rewritten. A second call says what the
 * first one did. */
enum packet_error packet_parse(struct packet *p);

/* A message with an identifier: Echo, Timestamp, Information, Address Mask; request or reply. */
bool packet_is_icmp_query(const struct packet *p);
bool packet_is_icmp_request(const struct packet *p); /* of those, a request */
bool packet_is_icmp_error(const struct packet *p);   /* Unreachable, Time Exceeded, Parameter */

/* IPv4 header checksum right? Used for quoted headers; the kernel checks the outer ones. */
bool packet_ip_checksum_ok(const struct packet *p);
/* Checksum of a whole ICMP message right? (RFC 5508 REQ-3) */
bool packet_icmp_checksum_ok(const struct packet *p);

/* Whole, and never to be fragmented: its ID means nothing (RFC 6864 section 4). */
bool packet_is_atomic(const struct packet *p);
/* Rewrite the IP ID with the header's checksum. */
void packet_set_id(struct packet *p, uint16_t id);

/* Rewrite address and port (ICMP query: identifier) with the checksums that cover them. Only
 * what is present is touched: a quoted TCP header may end before its checksum. */
void packet_set_source(struct packet *p, const struct endpoint *to);
void packet_set_destination(struct packet *p, const struct endpoint *to);

/*
 * packet_open_quote() - view the packet that the ICMP error @outer quotes
 * The quote may be cut (RFC 792: IP header and eight bytes), so lengths beyond the bytes are
 * no error here; @inner must be closed again before @outer is used.
 */
enum packet_error packet_open_quote(struct packet *outer, struct packet *inner);
/* Carry the change of the quoted bytes into the checksum of @outer (RFC 1624). */
void packet_close_quote(struct packet *outer, const struct packet *inner);

/* Complete what the kernel left open: a partial packet that was changed gets its whole checksum. */
void packet_finish(struct packet *p);

#endif
