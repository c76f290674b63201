/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * model_fragment.c - datagrams in pieces
 */
#include <stdlib.h>
#include <string.h>

#include "tests/model/model_steps.h"

static void out_of_memory(const void *p)
{
	if (p == NULL)
		abort();
}

/* --- datagrams ------------------------------------------------------------------------------ */

static struct m_datagram *find(struct model *m, const struct bytes *pkt, enum nat_side side)
{
	for (uint32_t i = 0; i < m->datagram_count; i++) {
		struct m_datagram *d = m->datagrams[i];

		if (d->side == side && d->id == pkt->id && d->protocol == pkt->protocol &&
		    addr_equal(&d->source, &pkt->source.addr) &&
		    addr_equal(&d->destination, &pkt->destination.addr))
			return d;
	}
	return NULL;
}

static void forget(struct model *m, struct m_datagram *d)
{
	uint32_t i = 0;

	while (m->datagrams[i] != d)
		i++;
	memmove(&m->datagrams[i], &m->datagrams[i + 1],
		(m->datagram_count - i - 1) * sizeof(*m->datagrams));
	m->datagram_count--;
	free(d->held);
	free(d);
}

/* Half of the room is kept for datagrams that come in order. */
static struct m_datagram *begin(struct model *m, const struct bytes *pkt, enum nat_side side)
{
	struct m_datagram *d;
	uint32_t waiting = 0, i;

	for (i = 0; i < m->datagram_count; i++)
		waiting += m->datagrams[i]->state == DATAGRAM_WAITING;
	if (!pkt->first && waiting >= FRAGMENT_DATAGRAMS / 2)
		return NULL;
	if (m->datagram_count == FRAGMENT_DATAGRAMS) {
		for (i = 0; m->datagrams[i]->state == DATAGRAM_WAITING; i++)
			;
		forget(m, m->datagrams[i]);
	}
	d = calloc(1, sizeof(*d));
	m->datagrams = realloc(m->datagrams, (m->datagram_count + 1) * sizeof(*m->datagrams));
	out_of_memory(d);
	out_of_memory(m->datagrams);
	m->datagrams[m->datagram_count++] = d;
	d->side = side;
	d->protocol = pkt->protocol;
	d->id = pkt->id;
	d->source = pkt->source.addr;
	d->destination = pkt->destination.addr;
	d->since = m->now;
	d->state = DATAGRAM_WAITING;
	return d;
}

static unsigned int first_unit(const struct bytes *pkt)
{
	return pkt->offset / 8;
}

static unsigned int end_unit(const struct bytes *pkt)
{
	return first_unit(pkt) + (unsigned int)(pkt->length - pkt->header + 7) / 8;
}

static bool overlaps(const struct m_datagram *d, const struct bytes *pkt)
{
	if (d->total != 0 && (pkt->last || end_unit(pkt) > d->total))
		return true;
	if (pkt->last && end_unit(pkt) < d->top)
		return true; /* it would end before what was seen */
	for (unsigned int u = first_unit(pkt); u < end_unit(pkt); u++)
		if (d->seen[u])
			return true;
	return false;
}

static void note(struct m_datagram *d, const struct bytes *pkt)
{
	for (unsigned int u = first_unit(pkt); u < end_unit(pkt); u++)
		d->seen[u] = true;
	if (end_unit(pkt) > d->top)
		d->top = end_unit(pkt);
	if (pkt->last)
		d->total = end_unit(pkt);
}

static bool is_complete(const struct m_datagram *d)
{
	for (unsigned int u = 0; u < d->total; u++)
		if (!d->seen[u])
			return false;
	return d->total != 0;
}

/* A piece is traffic of the sessions that the first belonged to, as long as they last. */
static void count(struct model *m, const struct m_datagram *d, size_t length)
{
	for (int side = 0; side < 2 && d->state == DATAGRAM_TRANSLATED; side++) {
		struct m_session *s = m_session_at(m, d->sessions[side]);

		if (s == NULL)
			continue;
		s->traffic[side].packets++;
		s->traffic[side].bytes += length;
	}
}

/* --- pieces that wait ----------------------------------------------------------------------- */

static void release(struct model *m, struct m_datagram *d, enum nat_reason reason)
{
	for (uint32_t i = 0; i < d->held_count; i++) {
		const struct m_held *h = &d->held[i];
		struct m_release *r;
		struct bytes pkt = { 0 };

		if (m->release_count == m->release_room) {
			m->release_room = m->release_room * 2 + 16;
			m->releases = realloc(m->releases, m->release_room * sizeof(*r));
			out_of_memory(m->releases);
		}
		r = &m->releases[m->release_count++];
		r->tag = h->tag;
		r->reason = reason;
		r->verdict = reason == REASON_FRAGMENT_RELEASED ? NAT_REWRITTEN : NAT_DROPPED;
		r->length = h->length;
		memcpy(r->bytes, h->bytes, h->length);
		if (d->state == DATAGRAM_TRANSLATED) {
			struct endpoint source = { .addr = d->new_source };
			struct endpoint destination = { .addr = d->new_destination };

			bytes_parse(&pkt, r->bytes, r->length, r->length);
			bytes_rewrite(&pkt,
				      (struct bytes_change){ &source, &destination, d->new_id });
		}
		m->counters[reason]++;
		count(m, d, h->length);
	}
	d->held_count = 0;
}

static size_t chunks_of(size_t length)
{
	return (length + FRAGMENT_CHUNK - 1) / FRAGMENT_CHUNK;
}

/* Is there room for @pkt? @maybe: it depends on how the others lie. */
static bool has_room(const struct model *m, const struct bytes *pkt, bool *maybe)
{
	const struct fragment_options *o = &m->o.fragments;
	uint64_t count = 0, from_source = 0, chunks = 0;

	for (uint32_t i = 0; i < m->datagram_count; i++) {
		const struct m_datagram *d = m->datagrams[i];

		count += d->held_count;
		if (addr_equal(&d->source, &pkt->source.addr))
			from_source += d->held_count;
		for (uint32_t j = 0; j < d->held_count; j++)
			chunks += chunks_of(d->held[j].length);
	}
	*maybe = chunks > 0 && chunks_of(pkt->length) > 1;
	return count < o->max_held && from_source < o->max_per_source &&
	       chunks + chunks_of(pkt->length) <= o->max_bytes / FRAGMENT_CHUNK;
}

static struct m_outcome hold(struct model *m, const struct bytes *pkt, uint32_t tag,
			     enum nat_side from, struct m_datagram *d)
{
	bool fresh = d == NULL, maybe, room;
	struct m_held *h;

	if (m->o.fragments.mode == FRAGMENTS_IN_ORDER)
		return drop(REASON_FRAGMENT_ORDER);
	if (fresh)
		d = begin(m, pkt, from);
	if (d == NULL)
		return drop(REASON_FRAGMENTS_FULL);
	room = has_room(m, pkt, &maybe);
	if (room && maybe && m->oracle.reason == REASON_FRAGMENTS_FULL)
		room = false;
	if (!room) {
		if (fresh)
			forget(m, d);
		return drop(REASON_FRAGMENTS_FULL);
	}
	d->held = realloc(d->held, (d->held_count + 1) * sizeof(*d->held));
	out_of_memory(d->held);
	h = &d->held[d->held_count++];
	h->tag = tag;
	h->length = pkt->length;
	memcpy(h->bytes, pkt->at, pkt->length);
	note(d, pkt);
	return (struct m_outcome){ .verdict = NAT_HELD, .reason = REASON_FRAGMENT_HELD };
}

/* --- a piece -------------------------------------------------------------------------------- */

static struct m_outcome first_piece(struct model *m, struct bytes *pkt, enum nat_side from,
				    struct m_datagram *d)
{
	struct m_outcome outcome;

	if (d == NULL)
		d = begin(m, pkt, from);
	if (d == NULL)
		return drop(REASON_FRAGMENTS_FULL);
	note(d, pkt);
	m->carried[0] = m->carried[1] = 0;
	outcome = m_whole(m, pkt, from);
	memcpy(d->sessions, m->carried, sizeof(d->sessions));
	d->new_source = pkt->source.addr;
	d->new_destination = pkt->destination.addr;
	d->new_id = (int)pkt->id;
	d->state = outcome.verdict == NAT_REWRITTEN ? DATAGRAM_TRANSLATED
		   : outcome.verdict == NAT_PASS    ? DATAGRAM_PASSED
						    : DATAGRAM_REFUSED;
	release(m, d,
		d->state == DATAGRAM_REFUSED ? REASON_FRAGMENT_DISCARDED
					     : REASON_FRAGMENT_RELEASED);
	if (is_complete(d))
		forget(m, d);
	return outcome;
}

static struct m_outcome later_piece(struct model *m, struct bytes *pkt, struct m_datagram *d)
{
	struct m_outcome outcome = drop(REASON_FRAGMENT_REFUSED);
	struct endpoint source = { .addr = d->new_source };
	struct endpoint destination = { .addr = d->new_destination };

	note(d, pkt);
	count(m, d, pkt->length);
	if (d->state == DATAGRAM_TRANSLATED) {
		bytes_rewrite(pkt, (struct bytes_change){ &source, &destination, d->new_id });
		outcome = (struct m_outcome){ NAT_REWRITTEN, REASON_FRAGMENT_TRANSLATED, 0, 0 };
	} else if (d->state == DATAGRAM_PASSED) {
		outcome = (struct m_outcome){ NAT_PASS, REASON_FRAGMENT_TRANSLATED, 0, 0 };
	}
	if (is_complete(d))
		forget(m, d);
	return outcome;
}

struct m_outcome m_fragment(struct model *m, struct bytes *pkt, uint32_t tag, enum nat_side from)
{
	size_t length = pkt->length - pkt->header;
	struct m_datagram *d;

	if (m->o.fragments.mode == FRAGMENTS_DROP ||
	    m->o.protocol[protocol_of(pkt)].fragments == SWITCH_OFF)
		return drop(REASON_FRAGMENT);
	if (length == 0 || (!pkt->last && length % 8 != 0) ||
	    pkt->header + pkt->offset + length > 65535)
		return drop(REASON_FRAGMENT_LENGTH);
	/* One that would overwrite the first's flags (RFC 1858 section 4.2). */
	if (pkt->protocol == BYTES_TCP && !pkt->first && pkt->offset < 20)
		return drop(REASON_FRAGMENT_TINY);
	d = find(m, pkt, from);
	if (d != NULL && overlaps(d, pkt))
		return drop(REASON_FRAGMENT_OVERLAP);
	if (pkt->first)
		return first_piece(m, pkt, from, d);
	if (d == NULL || d->state == DATAGRAM_WAITING)
		return hold(m, pkt, tag, from, d);
	return later_piece(m, pkt, d);
}

void m_fragment_tick(struct model *m)
{
	while (m->datagram_count > 0 &&
	       m->datagrams[0]->since + m->o.fragments.timeout_ms <= m->now) {
		release(m, m->datagrams[0], REASON_FRAGMENT_EXPIRED);
		forget(m, m->datagrams[0]);
	}
}

void m_fragment_close(struct model *m)
{
	while (m->datagram_count > 0)
		forget(m, m->datagrams[0]);
	free(m->datagrams);
	free(m->releases);
}
