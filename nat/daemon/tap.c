/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/daemon/tap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* --- the ring ------------------------------------------------------------------------------- */

/* What lies in the ring: a record with its bytes, or room left over at its end (number 0). */
struct entry {
	uint64_t size; /* all of it; what follows begins at a multiple of 8 */
	struct tap_record record;
	uint8_t bytes[];
};

_Static_assert(sizeof(struct entry) % 8 == 0, "entries begin at multiples of 8");
_Static_assert(TAP_BYTES > 16 * (sizeof(struct entry) + TAP_HEAD + 65535), "several always fit");

static struct entry *entry_at(const struct tap *t, uint64_t offset)
{
	return (struct entry *)(void *)(t->ring + offset % TAP_BYTES);
}

/* Forget the oldest until @size more bytes fit. */
static void make_room(struct tap *t, uint64_t size)
{
	while (t->end + size - t->first > TAP_BYTES)
		t->first += entry_at(t, t->first)->size;
}

/* No record lies across the end of the ring: what is left there is skipped. */
static void fill_up(struct tap *t, uint64_t left)
{
	make_room(t, left);
	/* A rest may be too short for more than its size. */
	memset(t->ring + t->end % TAP_BYTES, 0,
	       left < sizeof(struct entry) ? left : sizeof(struct entry));
	entry_at(t, t->end)->size = left;
	t->end += left;
}

static struct entry *new_entry(struct tap *t, size_t bytes)
{
	uint64_t size = (sizeof(struct entry) + bytes + 7) & ~UINT64_C(7);
	uint64_t left = TAP_BYTES - t->end % TAP_BYTES;
	struct entry *e;

	if (left < size)
		fill_up(t, left);
	make_room(t, size);
	e = entry_at(t, t->end);
	e->size = size;
	t->end += size;
	return e;
}

static bool is_filler(const struct tap *t, uint64_t offset)
{
	return TAP_BYTES - offset % TAP_BYTES < sizeof(struct entry) ||
	       entry_at(t, offset)->record.number == 0;
}

int tap_attach(struct tap *t, struct tap_reader *reader, uint32_t snap)
{
	if (t->ring == NULL) {
		t->ring = malloc(TAP_BYTES);
		if (t->ring == NULL)
			return -ENOMEM;
		t->first = t->end = 0;
	}
	t->lookers++;
	if (snap > t->snap)
		t->snap = snap;
	*reader = (struct tap_reader){ .at = t->end, .number = t->count + 1 };
	return 0;
}

void tap_detach(struct tap *t)
{
	if (--t->lookers > 0)
		return;
	free(t->ring);
	t->ring = NULL;
	t->snap = 0;
}

const struct tap_record *tap_read(const struct tap *t, struct tap_reader *reader,
				  struct tap_bytes *bytes, uint64_t *missed)
{
	const struct entry *e;

	if (reader->at < t->first)
		reader->at = t->first;
	if (tap_has_more(t, reader) && is_filler(t, reader->at))
		reader->at += entry_at(t, reader->at)->size;
	if (!tap_has_more(t, reader))
		return NULL;
	e = entry_at(t, reader->at);
	reader->at += e->size;
	*missed = e->record.number - reader->number;
	reader->number = e->record.number + 1;
	*bytes = (struct tap_bytes){ e->bytes, e->bytes + e->record.head };
	return &e->record;
}

const struct tap_record *tap_drop_from(const struct tap *t, uint64_t number)
{
	uint64_t oldest = t->drop_count > TAP_DROPS ? t->drop_count - TAP_DROPS + 1 : 1;

	if (number < oldest)
		number = oldest;
	return number <= t->drop_count ? &t->drops[(number - 1) % TAP_DROPS] : NULL;
}

/* --- packets -------------------------------------------------------------------------------- */

static int64_t time_of_day_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

static uint32_t at_most(size_t length, uint32_t most)
{
	return length < most ? (uint32_t)length : most;
}

/* Is it known at least where it comes from and goes to? */
static bool has_ip_header(const struct packet *pkt)
{
	switch (pkt->error) {
	case PACKET_OK:
	case PACKET_SHORT_TRANSPORT:
	case PACKET_BAD_TRANSPORT_LENGTH:
		return true;
	case PACKET_CUT:
	case PACKET_NO_IP_HEADER:
	case PACKET_NOT_IPV4:
	case PACKET_BAD_TOTAL_LENGTH:
		break;
	}
	return false;
}

static struct tap_record record_of(struct packet *pkt, enum nat_side from,
				   const struct nat_outcome *outcome)
{
	/* One from a wrong interface has not been looked at yet. */
	bool whole = packet_parse(pkt) == PACKET_OK, parsed = has_ip_header(pkt);

	return (struct tap_record){
		.time_ns = time_of_day_ns(),
		.from = from,
		.outcome = *outcome,
		.parsed = parsed,
		.whole = whole,
		.fragment = parsed && pkt->fragment,
		.fragment_offset = pkt->fragment_offset,
		.protocol = pkt->protocol,
		.tcp_flags = pkt->tcp_flags,
		.icmp_type = pkt->icmp_type,
		.icmp_code = pkt->icmp_code,
		.length = (uint32_t)pkt->length,
		.source = pkt->source,
		.destination = pkt->destination,
		.new_source = pkt->source,
		.new_destination = pkt->destination,
	};
}

static void keep_drop(struct tap *t, const struct tap_record *record)
{
	struct tap_record *kept = &t->drops[t->drop_count++ % TAP_DROPS];

	*kept = *record;
	kept->number = t->drop_count;
	kept->head = kept->bytes = 0;
}

static void keep(struct tap *t, struct tap_record *record, const uint8_t *head, const uint8_t *data)
{
	struct entry *e = new_entry(t, (size_t)record->head + record->bytes);

	record->number = ++t->count;
	e->record = *record;
	memcpy(e->bytes, head, record->head);
	memcpy(e->bytes + record->head, data, record->bytes);
}

void tap_came(struct tap *t, struct packet *pkt)
{
	t->came.parsed = packet_parse(pkt) == PACKET_OK;
	t->came.source = pkt->source;
	t->came.destination = pkt->destination;
	t->came.head = at_most(pkt->captured, at_most(t->snap, TAP_HEAD));
	memcpy(t->came.bytes, pkt->data, t->came.head);
}

void tap_left(struct tap *t, struct packet *pkt, enum nat_side from,
	      const struct nat_outcome *outcome)
{
	struct tap_record record;
	bool drop = outcome->verdict == NAT_DROPPED;

	if (!drop && !tap_is_watched(t))
		return;
	record = record_of(pkt, from, outcome);
	if (drop)
		keep_drop(t, &record);
	if (!tap_is_watched(t))
		return;
	if (t->came.parsed) {
		record.source = t->came.source;
		record.destination = t->came.destination;
	}
	record.head = t->came.head;
	record.bytes = at_most(pkt->captured, t->snap);
	keep(t, &record, t->came.bytes, pkt->data);
}

void tap_released(struct tap *t, const struct nat_release *release)
{
	const struct nat_outcome outcome = {
		.verdict = release->verdict,
		.reason = release->reason,
		.mapping = NAT_NONE,
		.session = NAT_NONE,
		.knob = OPT_NONE,
	};
	struct packet pkt;

	/* It is only looked at. */
	packet_init(&pkt, (uint8_t *)release->data, release->length, release->length, false);
	if (tap_is_watched(t) || release->verdict == NAT_DROPPED) {
		tap_came(t, &pkt);
		tap_left(t, &pkt, release->from, &outcome);
	}
}
