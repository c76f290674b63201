/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fragment_store.h - datagrams that come in pieces
 * Owns:       for every datagram under way: which of its bytes were seen, what its first fragment
 *             was translated to, and copies of the fragments that came before that one.
 * Invariants: bounded in datagrams, fragments, bytes, fragments per source, and time. No two
 *             fragments that cover the same byte ever pass.
 *
 * Only the first fragment has ports. Those that come before it are held: their verdict waits, and
 * nat_next_release() tells when the first has come, or that it did not come in time.
 */
#ifndef CORE_FRAGMENT_STORE_H
#define CORE_FRAGMENT_STORE_H

#include "common/clock.h"
#include "common/packet.h"
#include "nat/core/index.h"
#include "nat/core/options.h"
#include "nat/core/reason.h"

enum {
	FRAGMENT_DATAGRAMS = 1024, /* under way at once */
	FRAGMENT_UNITS = 65536 / 8,
	FRAGMENT_CHUNK = 512, /* bytes; copies lie in whole chunks */
	/* Room there is, of which the knobs allow a part; memory is used when it is needed. */
	FRAGMENT_HELD_MAX = 4096,
	FRAGMENT_BYTES_MAX = 16 * 1024 * 1024,
	FRAGMENT_CHUNKS = FRAGMENT_BYTES_MAX / FRAGMENT_CHUNK,
};

enum datagram_state {
	DATAGRAM_WAITING,    /* for its first fragment */
	DATAGRAM_TRANSLATED, /* it came, and its rewrite is known */
	DATAGRAM_PASSED,     /* it came, and passed unchanged */
	DATAGRAM_REFUSED,    /* it came, and was dropped */
};

struct datagram {
	uint32_t older, newer; /* by when the first piece of it came; NAT_NONE at the ends */
	bool used;
	uint8_t side, protocol; /* enum nat_side; IP protocol */
	uint8_t state;		/* enum datagram_state */
	uint16_t id;
	struct addr source, destination;
	struct mono since;
	struct addr new_source, new_destination; /* of all fragments, once translated */
	uint16_t new_id;
	/* Those that the first belonged to, by side, each if it still is the one of that number. */
	uint32_t sessions[2];
	uint32_t session_numbers[2];
	uint32_t first_held;  /* of its held fragments, NAT_NONE */
	uint32_t seen, total; /* units seen; units in all, 0 while the last has not come */
	uint32_t furthest;    /* end of the units seen */
	uint64_t units[FRAGMENT_UNITS / 64];
};

struct held_fragment {
	uint32_t next; /* of the same datagram, of the release queue, or of the free list */
	uint32_t tag;
	struct addr source;
	uint32_t chunk, chunks;
	uint32_t length;
	uint8_t side; /* enum nat_side */
	bool pass;    /* once released */
	enum nat_reason reason;
};

struct fragment_store {
	struct datagram *datagrams;		    /* owned; FRAGMENT_DATAGRAMS */
	struct held_fragment *held;		    /* owned; FRAGMENT_HELD_MAX */
	uint8_t *bytes;				    /* owned; FRAGMENT_BYTES_MAX */
	uint64_t chunk_taken[FRAGMENT_CHUNKS / 64]; /* a bit per chunk */
	struct index by_key;
	struct tuple_key key;
	uint32_t oldest, newest, free_datagram, waiting;
	uint32_t held_count, chunks_held, free_held;
	uint32_t release_first, release_last, released; /* released: handed out, to be freed */
};

/* Empty; 0 or -ENOMEM. */
int fragment_init(struct fragment_store *f, const struct tuple_key *key);
void fragment_fini(struct fragment_store *f);

/* The datagram of @pkt, a fragment from @side; NAT_NONE if none of it was seen. */
uint32_t fragment_find(const struct fragment_store *f, const struct packet *pkt,
		       enum nat_side side);
/* Begin one. The oldest that does not wait makes way if there is no room; NAT_NONE if all wait. */
uint32_t fragment_begin(struct fragment_store *f, const struct packet *pkt, enum nat_side side,
			struct mono now);
static inline struct datagram *fragment_at(const struct fragment_store *f, uint32_t n)
{
	return &f->datagrams[n];
}

/* Does @pkt cover a byte of datagram @n that was seen before, or contradict where it ends? */
bool fragment_overlaps(const struct fragment_store *f, uint32_t n, const struct packet *pkt);
/* Its bytes are seen now. */
void fragment_note(struct fragment_store *f, uint32_t n, const struct packet *pkt);
/* All of its bytes were seen. */
bool fragment_is_complete(const struct fragment_store *f, uint32_t n);

/* Hold @pkt for datagram @n; false if there is no room for it. */
bool fragment_hold(struct fragment_store *f, uint32_t n, const struct packet *pkt,
		   const struct fragment_options *o);
/* What became of its first fragment. */
void fragment_settle(struct fragment_store *f, uint32_t n, enum datagram_state state);
/* The first fragment came: what is held for @n passes as datagram @n says, or is dropped. */
void fragment_release(struct fragment_store *f, uint32_t n, enum nat_reason reason);
/* The next that is released, its bytes at @data, borrowed until another is held. NULL: none. */
const struct held_fragment *fragment_next_release(struct fragment_store *f, const uint8_t **data);
/* Forget @n; what is held for it must have been released. */
void fragment_end(struct fragment_store *f, uint32_t n);

/* Rewrite a later fragment as the first of its datagram was. */
void fragment_rewrite(const struct datagram *d, struct packet *pkt);

#endif
