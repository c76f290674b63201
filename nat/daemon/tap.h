/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tap.h - what passes, for those who look on
 * Owns:       the ring of records, one for each packet that passes while somebody looks on, with
 *             its bytes where somebody wants those too; and the last drops, which are kept always.
 * Invariants: a packet costs a copy of what is kept of it, and nothing while nobody looks on: no
 *             text, no allocation, no waiting for a reader. The newest record takes the place of
 *             the oldest; a reader that is too slow is told how many it has missed.
 */
#ifndef DAEMON_TAP_H
#define DAEMON_TAP_H

#include "nat/core/nat.h"

enum {
	TAP_BYTES = 4 * 1024 * 1024, /* of the ring */
	TAP_DROPS = 64,
	TAP_HEAD = 192, /* of a packet, as far as a NAT rewrites it; quoted headers included */
};

struct tap_record {
	uint64_t number; /* from 1 on */
	int64_t time_ns; /* time of day */
	enum nat_side from;
	struct nat_outcome outcome;
	bool parsed;   /* its IP header; else what follows is not known */
	bool whole;    /* and what is behind it; else no flags, no type and perhaps no ports */
	bool fragment; /* one of several */
	uint16_t fragment_offset;
	uint8_t protocol; /* IP */
	uint8_t tcp_flags, icmp_type, icmp_code;
	uint32_t length;		     /* IP, header included */
	struct endpoint source, destination; /* as it came; of one that was held: as it left */
	struct endpoint new_source, new_destination; /* as it left */
	/* Bytes kept after this record: those of its head as it came, then all as it left. */
	uint32_t head, bytes;
};

struct tap {
	uint8_t *ring;	      /* owned; NULL while nobody looks on */
	unsigned int lookers; /* readers that are attached */
	uint32_t snap;	      /* the most bytes of a packet that any of them wants */
	uint64_t first, end;  /* offsets since the start: of the oldest record, after the newest */
	uint64_t count;	      /* records ever */
	struct tap_record drops[TAP_DROPS];
	uint64_t drop_count; /* ever */
	struct {
		bool parsed;
		struct endpoint source, destination;
		uint32_t head;
		uint8_t bytes[TAP_HEAD];
	} came; /* the packet at hand, as it came */
};

/* Who looks on, and how far it has got. */
struct tap_reader {
	uint64_t at;	 /* offset of its next record */
	uint64_t number; /* of that record, if it has missed none */
};

struct tap_bytes {
	const uint8_t *head, *data; /* record->head and record->bytes of them */
};

/* @reader looks on from now on. @snap: bytes wanted of each packet; 0: none. 0 or -ENOMEM. */
int tap_attach(struct tap *t, struct tap_reader *reader, uint32_t snap);
void tap_detach(struct tap *t);

/* Is there a record that @reader has not had? */
static inline bool tap_has_more(const struct tap *t, const struct tap_reader *reader)
{
	return reader->at != t->end;
}

/*
 * tap_read() - the next record
 * @bytes:  gets what is kept of the packet
 * @missed: gets how many were lost before this one
 * Return: the record, with the bytes borrowed until the next packet; NULL if there is none.
 */
const struct tap_record *tap_read(const struct tap *t, struct tap_reader *reader,
				  struct tap_bytes *bytes, uint64_t *missed);

/* The drop of that number (from 1 on) or the first after it that is kept; NULL: none. */
const struct tap_record *tap_drop_from(const struct tap *t, uint64_t number);

/* Before and after nat_process(). The first only while somebody looks on; the second always. */
void tap_came(struct tap *t, struct packet *pkt);
void tap_left(struct tap *t, struct packet *pkt, enum nat_side from,
	      const struct nat_outcome *outcome);
/* One that was held goes on or is dropped. */
void tap_released(struct tap *t, const struct nat_release *release);

static inline bool tap_is_watched(const struct tap *t)
{
	return t->lookers > 0;
}

#endif
