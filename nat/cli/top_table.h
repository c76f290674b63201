/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * top_table.h - the rows of one list as natem top knows them
 * Owns:       what the daemon has told page by page, how fast each row's traffic grows, and which
 *             rows are shown in which order.
 * Invariants: a round goes once through the daemon's list; until it is over, rows that it has not
 *             come to yet are shown as they were. There are never more than TOP_ROWS_MOST rows: a
 *             round that meets more ends there.
 */
#ifndef CLI_TOP_TABLE_H
#define CLI_TOP_TABLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"

enum top_list { TOP_MAPPINGS, TOP_SESSIONS, TOP_HOSTS, TOP_LISTS };

enum {
	TOP_ROWS_MOST = 50000,
	TOP_TREND = 16,	    /* rates that a row remembers */
	TOP_PROTOCOLS = 3,  /* with ports of their own: udp, tcp, icmp */
	TOP_LEAST_MS = 150, /* between two looks that a rate is made of */
};

enum top_order {
	TOP_BY_RATE,
	TOP_BY_BYTES,
	TOP_BY_AGE,	 /* the youngest first */
	TOP_BY_LEFT,	 /* what ends next first */
	TOP_BY_MAPPINGS, /* hosts; most first, as with sessions */
	TOP_BY_SESSIONS,
	TOP_BY_HOST,
	TOP_ORDERS
};

/* A mapping, a session or a host. */
struct top_row {
	uint32_t id;
	uint32_t mapping; /* a session's */
	char protocol[8];
	char internal[ENDPOINT_TEXT_MAX]; /* of a host, its address */
	struct endpoint endpoint;	  /* the same, to compare; a host's has port 0 */
	char external[ENDPOINT_TEXT_MAX]; /* of a host, the address it is paired with, or "" */
	char remote[ENDPOINT_TEXT_MAX];
	char state[16];
	const char *kind;					   /* "fixed", "leased" or "" */
	uint64_t mappings, mapping_quota, sessions, session_quota; /* quota 0: none */
	uint64_t ports;						   /* in a host's blocks; 0: none */
	uint32_t used[TOP_PROTOCOLS];				   /* a host's mappings */
	int64_t age_ms, left_ms;				   /* NAT time */
	uint64_t packets[2], bytes[2];				   /* out, in */
	double rate[2];						   /* bits a second */
	float trend[TOP_TREND]; /* bits a second both ways, the latest last */
	unsigned int trends;
	int64_t since_ms;	 /* real time: when it had... */
	uint64_t since_bytes[2]; /* ... these bytes; the next rate counts from there */
};

struct top_table {
	enum top_list list;
	struct top_row *rows, *fresh; /* owned; of the last round, and of this one */
	size_t count, room, fresh_count, fresh_room;
	size_t old;		     /* rows before it have been met in this round, or are gone */
	json_int_t cursor;	     /* where the round goes on */
	int64_t began_ms, before_ms; /* this round, and the one before */
	bool known;		     /* a round is over, and it has met all there were */
	bool cut;		     /* the last round, or this one, has met too many */
	unsigned int clears;	     /* how often it was cleared: pages asked for before are void */
	bool only;		     /* sessions: those of one mapping, */
	uint32_t only_mapping;	     /* which is this */
	const struct top_row **picked; /* owned: what top_table_pick() gives */
	size_t picked_room;
};

void top_table_init(struct top_table *t, enum top_list list);
void top_table_fini(struct top_table *t);
/* Forget the rows; the next round begins anew. */
void top_table_clear(struct top_table *t);

/* The method that gives its pages. */
const char *top_table_method(const struct top_table *t);

/*
 * top_table_take() - one more page, asked for with t->cursor
 * @page: the result of that method. @now_ms: real time. Exits when out of memory.
 * Return: is the round over?
 */
bool top_table_take(struct top_table *t, const json_t *page, int64_t now_ms);

size_t top_table_count(const struct top_table *t);
/* Row @i of them, in the daemon's order; borrowed until the next page. */
struct top_row *top_table_at(const struct top_table *t, size_t i);

/*
 * top_table_pick() - rows in which every word of @filter is found somewhere, in order
 * Rows that are equal in this order stand as the daemon has them, reversed or not.
 * Return: how many; in t->picked, borrowed until the next page.
 */
size_t top_table_pick(struct top_table *t, const char *filter, enum top_order order, bool reverse);

/* Bits a second, out and in, of all rows. */
void top_table_rates(const struct top_table *t, double rates[2]);

/* Give the hosts in @hosts the traffic of their mappings. */
void top_table_join(struct top_table *hosts, const struct top_table *mappings);

#endif
