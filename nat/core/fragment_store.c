/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/core/fragment_store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- opening ------------------------------------------------------------------------------- */

static void link_free(struct fragment_store *f)
{
	for (uint32_t i = 0; i < FRAGMENT_DATAGRAMS; i++)
		f->datagrams[i].newer = i + 1 < FRAGMENT_DATAGRAMS ? i + 1 : NAT_NONE;
	for (uint32_t i = 0; i < FRAGMENT_HELD_MAX; i++)
		f->held[i].next = i + 1 < FRAGMENT_HELD_MAX ? i + 1 : NAT_NONE;
	f->free_datagram = f->free_held = 0;
	f->oldest = f->newest = NAT_NONE;
	f->release_first = f->release_last = f->released = NAT_NONE;
}

int fragment_init(struct fragment_store *f, const struct tuple_key *key)
{
	memset(f, 0, sizeof(*f));
	f->key = *key;
	f->datagrams = calloc(FRAGMENT_DATAGRAMS, sizeof(*f->datagrams));
	f->held = calloc(FRAGMENT_HELD_MAX, sizeof(*f->held));
	f->bytes = calloc(FRAGMENT_CHUNKS, FRAGMENT_CHUNK);
	if (f->datagrams == NULL || f->held == NULL || f->bytes == NULL ||
	    index_init(&f->by_key, FRAGMENT_DATAGRAMS) < 0) {
		fragment_fini(f);
		return -ENOMEM;
	}
	link_free(f);
	return 0;
}

void fragment_fini(struct fragment_store *f)
{
	free(f->datagrams);
	free(f->held);
	free(f->bytes);
	index_fini(&f->by_key);
	memset(f, 0, sizeof(*f));
}

/* --- datagrams ----------------------------------------------------------------------------- */

static uint32_t key_hash(const struct fragment_store *f, const struct addr *source,
			 const struct addr *destination, uint16_t id, uint8_t protocol)
{
	const struct endpoint a = { .addr = *source, .port = id };
	const struct endpoint b = { .addr = *destination, .port = protocol };

	return tuple_hash(&f->key, NAT_OTHER, &a, &b);
}

static uint32_t datagram_hash(const struct fragment_store *f, const struct datagram *d)
{
	return key_hash(f, &d->source, &d->destination, d->id, d->protocol);
}

uint32_t fragment_find(const struct fragment_store *f, const struct packet *pkt, enum nat_side side)
{
	uint32_t hash =
		key_hash(f, &pkt->source.addr, &pkt->destination.addr, pkt->id, pkt->protocol);
	uint32_t n;

	for (uint32_t i = index_first(&f->by_key, hash);
	     (n = index_record(&f->by_key, hash, &i)) != NAT_NONE; i++) {
		const struct datagram *d = fragment_at(f, n);

		if (d->id == pkt->id && d->protocol == pkt->protocol && d->side == side &&
		    addr_equal(&d->source, &pkt->source.addr) &&
		    addr_equal(&d->destination, &pkt->destination.addr))
			return n;
	}
	return NAT_NONE;
}

static void unlink_datagram(struct fragment_store *f, const struct datagram *d)
{
	if (d->older != NAT_NONE)
		fragment_at(f, d->older)->newer = d->newer;
	else
		f->oldest = d->newer;
	if (d->newer != NAT_NONE)
		fragment_at(f, d->newer)->older = d->older;
	else
		f->newest = d->older;
}

/* The oldest that waits for no first fragment: its own later ones may still come, but need not. */
static uint32_t oldest_dispensable(const struct fragment_store *f)
{
	uint32_t n = f->oldest;

	while (n != NAT_NONE && fragment_at(f, n)->state == DATAGRAM_WAITING)
		n = fragment_at(f, n)->newer;
	return n;
}

uint32_t fragment_begin(struct fragment_store *f, const struct packet *pkt, enum nat_side side,
			struct mono now)
{
	bool waits = !pkt->fragment_first;
	struct datagram *d;
	uint32_t n;

	/* Half of the room is for those that come in order: a flood of orphans cannot take it. */
	if (waits && f->waiting >= FRAGMENT_DATAGRAMS / 2)
		return NAT_NONE;
	if (f->free_datagram == NAT_NONE) {
		n = oldest_dispensable(f);
		if (n == NAT_NONE)
			return NAT_NONE;
		fragment_end(f, n);
	}
	n = f->free_datagram;
	d = fragment_at(f, n);
	f->free_datagram = d->newer;
	memset(d, 0, sizeof(*d));
	d->used = true;
	d->side = (uint8_t)side;
	d->protocol = pkt->protocol;
	d->id = pkt->id;
	d->source = pkt->source.addr;
	d->destination = pkt->destination.addr;
	d->since = now;
	d->first_held = NAT_NONE;
	d->state = DATAGRAM_WAITING;
	f->waiting++;
	d->older = f->newest;
	d->newer = NAT_NONE;
	if (f->newest != NAT_NONE)
		fragment_at(f, f->newest)->newer = n;
	else
		f->oldest = n;
	f->newest = n;
	index_add(&f->by_key, datagram_hash(f, d), n);
	return n;
}

void fragment_settle(struct fragment_store *f, uint32_t n, enum datagram_state state)
{
	struct datagram *d = fragment_at(f, n);

	f->waiting -= d->state == DATAGRAM_WAITING;
	d->state = (uint8_t)state;
}

void fragment_end(struct fragment_store *f, uint32_t n)
{
	struct datagram *d = fragment_at(f, n);

	index_remove(&f->by_key, datagram_hash(f, d), n);
	unlink_datagram(f, d);
	f->waiting -= d->state == DATAGRAM_WAITING;
	d->used = false;
	d->newer = f->free_datagram;
	f->free_datagram = n;
}

/* --- which bytes --------------------------------------------------------------------------- */

static uint32_t first_unit(const struct packet *pkt)
{
	return pkt->fragment_offset / 8;
}

static uint32_t unit_count(const struct packet *pkt)
{
	return (uint32_t)(pkt->length - pkt->transport + 7) / 8;
}

bool fragment_overlaps(const struct fragment_store *f, uint32_t n, const struct packet *pkt)
{
	const struct datagram *d = fragment_at(f, n);
	uint32_t first = first_unit(pkt), end = first + unit_count(pkt);

	if (d->total != 0 && (end > d->total || pkt->fragment_last))
		return true; /* beyond what the last fragment said was the end */
	if (pkt->fragment_last && d->furthest > end)
		return true; /* the same, the other way round */
	for (uint32_t u = first; u < end; u++)
		if (d->units[u / 64] >> (u % 64) & 1)
			return true;
	return false;
}

void fragment_note(struct fragment_store *f, uint32_t n, const struct packet *pkt)
{
	struct datagram *d = fragment_at(f, n);
	uint32_t first = first_unit(pkt), end = first + unit_count(pkt);

	for (uint32_t u = first; u < end; u++)
		d->units[u / 64] |= 1ULL << (u % 64);
	d->seen += end - first;
	if (d->furthest < end)
		d->furthest = end;
	if (pkt->fragment_last)
		d->total = end;
}

bool fragment_is_complete(const struct fragment_store *f, uint32_t n)
{
	const struct datagram *d = fragment_at(f, n);

	return d->total != 0 && d->seen >= d->total;
}

/* --- copies -------------------------------------------------------------------------------- */

static bool chunk_is_taken(const struct fragment_store *f, uint32_t chunk)
{
	return (f->chunk_taken[chunk / 64] >> (chunk % 64) & 1) != 0;
}

static void mark_chunks(struct fragment_store *f, uint32_t first, uint32_t count, bool taken)
{
	for (uint32_t c = first; c < first + count; c++) {
		if (taken)
			f->chunk_taken[c / 64] |= 1ULL << (c % 64);
		else
			f->chunk_taken[c / 64] &= ~(1ULL << (c % 64));
	}
}

/* The first @count free chunks in a row of the first @limit, NAT_NONE if there are none. */
static uint32_t find_chunks(const struct fragment_store *f, uint32_t count, uint32_t limit)
{
	uint32_t run = 0;

	for (uint32_t c = 0; c < limit; c++) {
		run = chunk_is_taken(f, c) ? 0 : run + 1;
		if (run == count)
			return c + 1 - count;
	}
	return NAT_NONE;
}

/* The free list gives low numbers first, but what was given back lies anywhere. */
static uint32_t held_from(const struct fragment_store *f, const struct addr *source)
{
	uint32_t count = 0, seen = 0;

	for (uint32_t h = 0; h < FRAGMENT_HELD_MAX && seen < f->held_count; h++) {
		if (f->held[h].chunks == 0)
			continue;
		seen++;
		count += addr_equal(&f->held[h].source, source);
	}
	return count;
}

/* At the end of its datagram's list, so that they leave in the order they came. */
static void append_held(struct fragment_store *f, struct datagram *d, uint32_t number)
{
	uint32_t *link = &d->first_held;

	while (*link != NAT_NONE)
		link = &f->held[*link].next;
	*link = number;
	f->held[number].next = NAT_NONE;
}

bool fragment_hold(struct fragment_store *f, uint32_t n, const struct packet *pkt,
		   const struct fragment_options *o)
{
	uint32_t chunks = (uint32_t)(pkt->length + FRAGMENT_CHUNK - 1) / FRAGMENT_CHUNK;
	uint32_t number = f->free_held, chunk;
	struct held_fragment *h;

	if (number == NAT_NONE || f->held_count >= o->max_held ||
	    f->chunks_held + chunks > o->max_bytes / FRAGMENT_CHUNK ||
	    held_from(f, &pkt->source.addr) >= o->max_per_source)
		return false;
	chunk = find_chunks(f, chunks, (uint32_t)(o->max_bytes / FRAGMENT_CHUNK));
	if (chunk == NAT_NONE)
		return false;
	mark_chunks(f, chunk, chunks, true);
	h = &f->held[number];
	f->free_held = h->next;
	*h = (struct held_fragment){ .tag = pkt->tag,
				     .source = pkt->source.addr,
				     .chunk = chunk,
				     .chunks = chunks,
				     .side = fragment_at(f, n)->side,
				     .length = (uint32_t)pkt->length };
	memcpy(f->bytes + (size_t)chunk * FRAGMENT_CHUNK, pkt->data, pkt->length);
	append_held(f, fragment_at(f, n), number);
	f->held_count++;
	f->chunks_held += chunks;
	return true;
}

void fragment_rewrite(const struct datagram *d, struct packet *pkt)
{
	const struct endpoint source = { .addr = d->new_source, .port = pkt->source.port };
	const struct endpoint destination = { .addr = d->new_destination,
					      .port = pkt->destination.port };

	if (!addr_equal(&source.addr, &pkt->source.addr))
		packet_set_source(pkt, &source);
	if (!addr_equal(&destination.addr, &pkt->destination.addr))
		packet_set_destination(pkt, &destination);
	if (d->new_id != pkt->id)
		packet_set_id(pkt, d->new_id);
}

static void rewrite_held(struct fragment_store *f, const struct datagram *d,
			 const struct held_fragment *h)
{
	struct packet pkt;

	packet_init(&pkt, f->bytes + (size_t)h->chunk * FRAGMENT_CHUNK, h->length, h->length,
		    false);
	if (packet_parse(&pkt) == PACKET_OK) /* it did when it was held */
		fragment_rewrite(d, &pkt);
}

void fragment_release(struct fragment_store *f, uint32_t n, enum nat_reason reason)
{
	struct datagram *d = fragment_at(f, n);
	uint32_t next;

	for (uint32_t number = d->first_held; number != NAT_NONE; number = next) {
		struct held_fragment *h = &f->held[number];

		next = h->next;
		h->reason = reason;
		h->pass = !reason_spec(reason)->drop;
		if (d->state == DATAGRAM_TRANSLATED)
			rewrite_held(f, d, h);
		h->next = NAT_NONE;
		if (f->release_last != NAT_NONE)
			f->held[f->release_last].next = number;
		else
			f->release_first = number;
		f->release_last = number;
	}
	d->first_held = NAT_NONE;
}

static void free_held(struct fragment_store *f, uint32_t number)
{
	struct held_fragment *h = &f->held[number];

	mark_chunks(f, h->chunk, h->chunks, false);
	f->chunks_held -= h->chunks;
	h->chunks = 0;
	h->next = f->free_held;
	f->free_held = number;
	f->held_count--;
}

const struct held_fragment *fragment_next_release(struct fragment_store *f, const uint8_t **data)
{
	uint32_t number = f->release_first;

	if (f->released != NAT_NONE)
		free_held(f, f->released);
	f->released = number;
	if (number == NAT_NONE)
		return NULL;
	f->release_first = f->held[number].next;
	if (f->release_first == NAT_NONE)
		f->release_last = NAT_NONE;
	*data = f->bytes + (size_t)f->held[number].chunk * FRAGMENT_CHUNK;
	return &f->held[number];
}
