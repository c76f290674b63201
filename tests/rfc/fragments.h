/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fragments.h - datagrams in pieces, and the host that puts them together again
 * Owns:       cutting a packet into fragments, sending those through the NAT with what it held
 *             and released, and reassembly.
 * Invariants: a pile takes fragments of one datagram alone: one source, destination, protocol and ID.
 */
#ifndef TESTS_FRAGMENTS_H
#define TESTS_FRAGMENTS_H

#include "tests/rfc/rfc.h"

enum { FRAGMENT_DF = 0x4000, FRAGMENT_MF = 0x2000, PILE_ROOM = 4096 };

static inline unsigned int fragment_id(struct wire w)
{
	return wire_get16(w.at + 4);
}

static inline size_t fragment_offset(struct wire w)
{
	return (size_t)(wire_get16(w.at + 6) & 0x1fff) * 8;
}

/* The IP header's checksum alone: that of the transport is over the whole datagram. */
static inline void fragment_fix(struct wire w)
{
	wire_put16(w.at + 10, 0);
	wire_put16(w.at + 10, (uint16_t)~wire_sum(0, w.at, wire_header(w)));
}

/* @w, from now on under this ID and such that it may be fragmented. */
static inline struct wire fragment_able(struct wire w, unsigned int id)
{
	wire_put16(w.at + 4, id);
	wire_put16(w.at + 6, 0);
	fragment_fix(w);
	return w;
}

/* UDP with @payload bytes. */
static inline struct wire fragment_whole(struct endpoint src, struct endpoint dst, unsigned int id,
					 size_t payload)
{
	return fragment_able(wire_udp_with(src, dst, 0, payload), id);
}

/* @length bytes of @w from @first on, counted behind its IP header; @first a multiple of 8. */
static inline struct wire fragment_of(struct wire w, size_t first, size_t length)
{
	size_t header = wire_header(w), left = w.len - header - first;
	struct wire f = wire_take(header + (length < left ? length : left));

	memcpy(f.at, w.at, header);
	memcpy(f.at + header, w.at + header + first, f.len - header);
	wire_put16(f.at + 2, (unsigned int)f.len);
	wire_put16(f.at + 6, (unsigned int)(first / 8) | (length < left ? FRAGMENT_MF : 0));
	fragment_fix(f);
	return f;
}

/* What has come of a datagram. */
struct pile {
	uint8_t bytes[PILE_ROOM];
	struct wire first; /* a fragment, for its header */
	size_t count, got; /* fragments, bytes */
	size_t total;	   /* bytes in all, 0 until the last is there */
	size_t order[16];  /* offsets as they came */
};

static inline void pile_add(struct pile *p, struct wire f)
{
	size_t header = wire_header(f), length = wire_total(f) - header, at = fragment_offset(f);

	if (p->count == 0)
		p->first = wire_copy(f);
	assert_int_equal(fragment_id(f), fragment_id(p->first));
	assert_memory_equal(f.at + 12, p->first.at + 12, 8); /* addresses */
	assert_int_equal(wire_ip_error(f), 0);
	assert_true(at + length <= PILE_ROOM && p->count < 16);
	memcpy(p->bytes + at, f.at + header, length);
	p->order[p->count++] = at;
	p->got += length;
	if (!(wire_get16(f.at + 6) & FRAGMENT_MF))
		p->total = at + length;
}

/* The datagram, if it is all there; else it has no bytes. */
static inline struct wire pile_whole(const struct pile *p)
{
	size_t header;
	struct wire w;

	if (p->total == 0 || p->got != p->total)
		return (struct wire){ 0 };
	header = wire_header(p->first);
	w = wire_take(header + p->total);
	memcpy(w.at, p->first.at, header);
	memcpy(w.at + header, p->bytes, p->total);
	wire_put16(w.at + 2, (unsigned int)w.len);
	wire_put16(w.at + 6, 0);
	fragment_fix(w);
	return w;
}

/* Send @w from @side; what comes out of the NAT, at once or because something held is released,
 * goes to @pile. */
static inline struct nat_outcome fragment_pass(struct lab *lab, struct wire w, enum nat_side side,
					       struct mono now, struct pile *pile)
{
	struct nat_outcome outcome;
	struct nat_release release;
	struct packet pkt;

	packet_init(&pkt, w.at, w.len, w.len, false);
	outcome = nat_process(&lab->nat, &pkt, side, now);
	if (outcome.verdict == NAT_REWRITTEN || outcome.verdict == NAT_PASS)
		pile_add(pile, w);
	while (nat_next_release(&lab->nat, &release)) {
		struct wire held = wire_take(release.length);

		if (release.verdict == NAT_DROPPED)
			continue;
		memcpy(held.at, release.data, release.length);
		pile_add(pile, held);
	}
	assert_consistent(&lab->nat);
	return outcome;
}

#endif
