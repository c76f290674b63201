/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/cli/top_columns.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "nat/cli/top_text.h"

enum { TREND_SHOWN = 8, ORDER_MARK = 1 /* columns that the title of the order needs more */ };

enum flow {
	PROTO,
	INTERNAL,
	EXTERNAL,
	REMOTE,
	KIND,
	STATE,
	SESS,
	AGE,
	LEFT,
	BYTES,
	OUT,
	IN,
	RATE,
	TREND,
	FLOW_WIDTH
};
enum hosts {
	HOST,
	PAIRED,
	MAPPINGS,
	SESSIONS,
	PORTS,
	HOST_BYTES,
	HOST_OUT,
	HOST_IN,
	HOST_RATE,
	HOST_TREND,
	HOST_WIDTH
};
enum drops { REASON, COUNT, DROP_RATE, LAST, MEANING, DROP_WIDTH };

#define NO_ORDER .order = TOP_ORDERS

static const struct top_column flow_columns[FLOW_WIDTH + 1] = {
	[PROTO] = { .title = "PROTO", NO_ORDER },
	[INTERNAL] = { .title = "INTERNAL", .order = TOP_BY_HOST },
	[EXTERNAL] = { .title = "EXTERNAL", NO_ORDER },
	[REMOTE] = { .title = "REMOTE", NO_ORDER },
	[KIND] = { .title = "KIND", NO_ORDER },
	[STATE] = { .title = "STATE", NO_ORDER },
	[SESS] = { .title = "SESS", .right = true, .order = TOP_BY_SESSIONS },
	[AGE] = { .title = "AGE", .right = true, .order = TOP_BY_AGE },
	[LEFT] = { .title = "LEFT", .right = true, .order = TOP_BY_LEFT },
	[BYTES] = { .title = "BYTES", .right = true, .order = TOP_BY_BYTES },
	[OUT] = { .title = "OUT/S", .right = true, NO_ORDER },
	[IN] = { .title = "IN/S", .right = true, NO_ORDER },
	[RATE] = { .title = "BIT/S", .right = true, .order = TOP_BY_RATE },
	[TREND] = { .title = "TREND", NO_ORDER },
};

static const struct top_column host_columns[HOST_WIDTH + 1] = {
	[HOST] = { .title = "HOST", .order = TOP_BY_HOST },
	[PAIRED] = { .title = "EXTERNAL", NO_ORDER },
	[MAPPINGS] = { .title = "MAPPINGS/QUOTA", .right = true, .order = TOP_BY_MAPPINGS },
	[SESSIONS] = { .title = "SESSIONS/QUOTA", .right = true, .order = TOP_BY_SESSIONS },
	[PORTS] = { .title = "PORTS", .right = true, NO_ORDER },
	[HOST_BYTES] = { .title = "BYTES", .right = true, .order = TOP_BY_BYTES },
	[HOST_OUT] = { .title = "OUT/S", .right = true, NO_ORDER },
	[HOST_IN] = { .title = "IN/S", .right = true, NO_ORDER },
	[HOST_RATE] = { .title = "BIT/S", .right = true, .order = TOP_BY_RATE },
	[HOST_TREND] = { .title = "TREND", NO_ORDER },
};

static const struct top_column drop_columns[DROP_WIDTH + 1] = {
	[REASON] = { .title = "REASON", NO_ORDER },
	[COUNT] = { .title = "PACKETS", .right = true, NO_ORDER },
	[DROP_RATE] = { .title = "PER S", .right = true, NO_ORDER },
	[LAST] = { .title = "LAST", .right = true, NO_ORDER },
	[MEANING] = { .title = "MEANING", NO_ORDER },
};

/* The most needed first; as far as they fit. */
static const int flow_needs[FLOW_WIDTH] = {
	INTERNAL, EXTERNAL, REMOTE, PROTO, RATE, STATE, LEFT,
	BYTES,	  SESS,	    KIND,   TREND, AGE,	 OUT,	IN,
};
static const int host_needs[HOST_WIDTH] = {
	HOST,  MAPPINGS,   SESSIONS, HOST_RATE, PAIRED,
	PORTS, HOST_BYTES, HOST_OUT, HOST_IN,	HOST_TREND,
};
static const int drop_needs[DROP_WIDTH] = { REASON, COUNT, DROP_RATE, LAST, MEANING };

const struct top_column *top_columns(enum top_view view)
{
	return view == TOP_VIEW_HOSTS	? host_columns
	       : view == TOP_VIEW_DROPS ? drop_columns
					: flow_columns;
}

void top_columns_init(struct table *table, enum top_view view)
{
	const struct top_column *columns = top_columns(view);

	*table = (struct table){ 0 };
	for (; columns[table->width].title != NULL; table->width++) {
		table->columns[table->width].title = columns[table->width].title;
		table->columns[table->width].right = columns[table->width].right;
	}
	if (view == TOP_VIEW_MAPPINGS || view == TOP_VIEW_SESSIONS) {
		table->columns[REMOTE].hidden = table->columns[KIND].hidden = true;
		table->columns[SESS].hidden = view == TOP_VIEW_SESSIONS;
	}
}

/* --- cells ---------------------------------------------------------------------------------- */

/* "3", or "3/10" where there is a quota. */
static void put_use(table_cell *cell, uint64_t count, uint64_t quota)
{
	if (quota > 0)
		snprintf(*cell, sizeof(*cell), "%" PRIu64 "/%" PRIu64, count, quota);
	else
		snprintf(*cell, sizeof(*cell), "%" PRIu64, count);
}

static void put_rates(table_cell *out, table_cell *in, table_cell *both, const struct top_row *row)
{
	top_rate(out, row->rate[0]);
	top_rate(in, row->rate[1]);
	top_rate(both, row->rate[0] + row->rate[1]);
}

static void add_host(struct table *table, const struct top_row *row, bool utf8)
{
	table_cell *cells = table_row(table);

	table_text(&cells[HOST], row->internal);
	table_text(&cells[PAIRED], *row->external != '\0' ? row->external : "-");
	put_use(&cells[MAPPINGS], row->mappings, row->mapping_quota);
	put_use(&cells[SESSIONS], row->sessions, row->session_quota);
	put_use(&cells[PORTS], (uint64_t)row->used[0] + row->used[1] + row->used[2], row->ports);
	top_bytes(&cells[HOST_BYTES], (double)(row->bytes[0] + row->bytes[1]));
	put_rates(&cells[HOST_OUT], &cells[HOST_IN], &cells[HOST_RATE], row);
	top_spark(&cells[HOST_TREND], row->trend, row->trends, 0, TREND_SHOWN, utf8);
}

void top_columns_add(struct table *table, enum top_view view, const struct top_row *row, bool utf8)
{
	table_cell *cells;

	if (view == TOP_VIEW_HOSTS) {
		add_host(table, row, utf8);
		return;
	}
	cells = table_row(table);
	table_text(&cells[PROTO], row->protocol);
	table_text(&cells[INTERNAL], row->internal);
	table_text(&cells[EXTERNAL], row->external);
	table_text(&cells[REMOTE], *row->remote != '\0' ? row->remote : "any");
	table_text(&cells[KIND], *row->kind != '\0' ? row->kind : "-");
	table_text(&cells[STATE], *row->state != '\0' ? row->state : "-");
	put_use(&cells[SESS], row->sessions, 0);
	table_duration(&cells[AGE], row->age_ms);
	table_duration(&cells[LEFT], row->left_ms);
	top_bytes(&cells[BYTES], (double)(row->bytes[0] + row->bytes[1]));
	put_rates(&cells[OUT], &cells[IN], &cells[RATE], row);
	top_spark(&cells[TREND], row->trend, row->trends, 0, TREND_SHOWN, utf8);
	if (*row->remote != '\0')
		table->columns[REMOTE].hidden = false;
	if (*row->kind != '\0')
		table->columns[KIND].hidden = false;
}

void top_columns_add_drop(struct table *table, const struct top_drop *drop, int64_t now_ms)
{
	table_cell *cells = table_row(table);

	table_text(&cells[REASON], drop->name);
	put_use(&cells[COUNT], drop->count, 0);
	top_rate(&cells[DROP_RATE], drop->rate);
	if (drop->last_ms < 0)
		table_text(&cells[LAST], "before");
	else if (now_ms <= drop->last_ms)
		table_text(&cells[LAST], "now");
	else
		table_duration(&cells[LAST], now_ms - drop->last_ms);
	table_text(&cells[MEANING], drop->meaning);
}

/* --- what fits ------------------------------------------------------------------------------ */

static int widest(const struct table *table, unsigned int column)
{
	int width = table_columns_of(table->columns[column].title);

	for (size_t row = 0; row < table->rows; row++) {
		int wide = table_columns_of(table->cells[row * table->width + column]);

		if (wide > width)
			width = wide;
	}
	return width;
}

static void fit_one(struct table *table, unsigned int column, int *left, bool last)
{
	int need = table->widths[column];

	if (table->columns[column].hidden && !last)
		return;
	/* A long text at the end is cut; anything else would look whole and not be. */
	if (last && need > *left && *left >= 10)
		need = table->widths[column] = *left;
	table->columns[column].hidden = need > *left;
	if (need <= *left)
		*left -= need + 1;
}

void top_columns_fit(struct table *table, enum top_view view, enum top_order order, int width)
{
	const struct top_column *columns = top_columns(view);
	const int *needs = view == TOP_VIEW_HOSTS   ? host_needs
			   : view == TOP_VIEW_DROPS ? drop_needs
						    : flow_needs;
	unsigned int ordered = table->width;
	int left = width, needed = view == TOP_VIEW_DROPS ? 1 : 2;

	for (unsigned int i = 0; i < table->width; i++) {
		table->widths[i] = widest(table, i);
		if (columns[i].order == order && order != TOP_ORDERS && !table->columns[i].hidden) {
			ordered = i;
			if (table->widths[i] < table_columns_of(columns[i].title) + ORDER_MARK)
				table->widths[i] = table_columns_of(columns[i].title) + ORDER_MARK;
		}
	}
	for (unsigned int i = 0; i < table->width; i++) {
		unsigned int column = (unsigned int)needs[i];

		if ((int)i == needed && ordered < table->width)
			fit_one(table, ordered, &left, false);
		if ((int)i < needed || column != ordered)
			fit_one(table, column, &left, view == TOP_VIEW_DROPS && column == MEANING);
		if ((int)i < needed && column == ordered)
			ordered = table->width; /* it has its place already */
	}
}
