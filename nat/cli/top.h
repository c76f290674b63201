/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * top.h - the parts of natem top
 * Owns:       what is on the screen and what the person has chosen.
 * Invariants: top_keys changes the choice and asks for things; top_view only looks; top.c talks to
 *             the daemon and has the clock.
 */
#ifndef CLI_TOP_H
#define CLI_TOP_H

#include "nat/cli/top_head.h"
#include "nat/cli/top_table.h"

enum top_view { TOP_VIEW_MAPPINGS, TOP_VIEW_SESSIONS, TOP_VIEW_HOSTS, TOP_VIEW_DROPS, TOP_VIEWS };

/* What keys mean now. */
enum top_mode {
	TOP_MODE_LIST,
	TOP_MODE_FILTER,  /* typing one */
	TOP_MODE_CONFIRM, /* y or n */
	TOP_MODE_PRESETS, /* choosing one */
	TOP_MODE_HELP,
};

/* What a key wants of the daemon; top.c asks when the answer before has come. */
enum top_errand { TOP_NO_ERRAND, TOP_FLUSH, TOP_GET_PRESETS, TOP_SET_PRESET };

enum { TOP_FILTER_MOST = 60, TOP_INTERVALS = 8 };

struct top {
	/* What the daemon has told. */
	struct top_head head;
	struct top_table tables[TOP_LISTS];
	json_t *presets; /* owned: the array of presets.list; NULL until asked for */
	int64_t now_ms;
	int64_t silent_ms; /* an answer is that long due; 0: it is not late */

	/* What the person has chosen. */
	enum top_view view;
	enum top_mode mode;
	enum top_order order[TOP_VIEWS];
	bool reverse[TOP_VIEWS];
	char filter[TOP_FILTER_MOST], filter_before[TOP_FILTER_MOST];
	bool paused;
	unsigned int interval;	/* of top_intervals_ms[] */
	bool opened;		/* a mapping's sessions are shown: */
	struct top_row mapping; /* that one, as it was when last seen */
	bool gone;		/* it is not there any more */
	enum top_view opened_from;
	uint32_t selected[TOP_VIEWS]; /* number of the row; a place in the list of drops */
	bool chosen[TOP_VIEWS];	      /* no: the first row, whichever that is */
	size_t place[TOP_VIEWS];      /* where it stood last: its neighbour follows when it goes */
	size_t first[TOP_VIEWS];      /* row at the top of the screen */
	size_t page;		      /* rows on the screen; the view sets it */
	size_t preset;		      /* place in the list */

	/* What is to be done. */
	bool quit, refresh; /* refresh: now, not when the interval is over */
	enum top_errand errand;
	json_t *errand_params;	 /* owned */
	char message[256];	 /* what came of it; "" for none */
	bool failed;		 /* it did not work */
	struct top_row flushing; /* what is to be flushed if the answer is y */
};

extern const int top_intervals_ms[TOP_INTERVALS];
extern const char *const top_order_names[TOP_ORDERS];

/* The table that the view shows; NULL for the drops. */
struct top_table *top_shown(struct top *t);
/* Its rows, filtered and in order; with the place of the selected one in @selected. */
size_t top_rows(struct top *t, size_t *selected);
/* Does the view have this order? The drops have none. */
bool top_has_order(enum top_view view, enum top_order order);

void top_keys_press(struct top *t, int key);

void top_view_draw(struct top *t);

#endif
