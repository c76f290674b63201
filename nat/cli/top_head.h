/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * top_head.h - what natem top shows of the NAT as a whole
 * Owns:       how full tables and ports are, packets and bits a second over the last refreshes, the
 *             drops, and the last event.
 * Invariants: rates are of real time; the newest sample is the last.
 */
#ifndef CLI_TOP_HEAD_H
#define CLI_TOP_HEAD_H

#include "nat/cli/top_table.h"

enum { TOP_SAMPLES = 60, TOP_DROPS = 128 };

struct top_usage {
	uint64_t live, limit;
};

struct top_samples {
	float values[TOP_SAMPLES];
	unsigned int count;
};

/* A reason for which packets were dropped. */
struct top_drop {
	char name[40];
	char meaning[200];
	char clause[100]; /* of an RFC; "" for none */
	char advice[500]; /* what to look at or change */
	uint64_t count;
	double rate;	 /* packets a second, since the refresh before */
	int64_t last_ms; /* real time when it was last seen to rise; -1: before we looked */
};

/* How many ports of one protocol are taken, of how many. */
struct top_ports {
	const char *protocol;
	uint64_t used, all; /* all 0: not known */
};

struct top_head {
	struct top_usage mappings, sessions;
	struct top_ports ports; /* of the protocol that has taken the largest share */
	uint64_t resting;
	char external[64]; /* "203.0.113.1", "203.0.113.1 and 2 more" */
	uint64_t externals;
	int64_t uptime_ms;
	char clock[64];		       /* "frozen", "scale 60"; "" where it is real time */
	uint64_t range[TOP_PROTOCOLS]; /* ports of each external address */
	bool counted;		       /* packets has a value to compare with */
	uint64_t packets;
	int64_t packets_ms;
	int64_t rates_ms;			 /* when out and in got their last */
	struct top_samples packet_rate, out, in; /* packets a second, bits a second */
	struct top_drop drops[TOP_DROPS];
	unsigned int drop_count;
	bool drops_known; /* their counts are there to compare with */
	int64_t drops_ms;
	double drop_rate; /* of all reasons */
	char event[256];  /* the last; "" for none */
	int64_t event_age_ms, event_ms;
	json_int_t event_next;
};

void top_head_init(struct top_head *h);
/* The results of status, of options.get for the port ranges, and of events.list from event_next on. */
void top_head_status(struct top_head *h, const json_t *status, int64_t now_ms);
void top_head_options(struct top_head *h, const json_t *result);
void top_head_events(struct top_head *h, const json_t *result, int64_t now_ms);
/* How much passes, by the sum of the mappings. */
void top_head_rates(struct top_head *h, const struct top_table *mappings, int64_t now_ms);
/* How many ports the hosts take, by their mappings. */
void top_head_ports(struct top_head *h, const struct top_table *hosts);

/*
 * top_head_drops() - the last drops, from the result of counters.get
 * The reasons of which packets were dropped since the first call stand first, the latest on top, then
 * those that had dropped some before.
 */
void top_head_drops(struct top_head *h, const json_t *result, int64_t now_ms);

void top_samples_add(struct top_samples *s, double value);
/* The newest; 0 for none. */
double top_samples_last(const struct top_samples *s);

#endif
