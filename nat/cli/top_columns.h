/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * top_columns.h - the columns of natem top's lists
 * Owns:       which there are, what stands in them, and which of them fit.
 * Invariants: what a list is ordered by is always among them, if anything is that is not needed to
 *             know the rows apart.
 */
#ifndef CLI_TOP_COLUMNS_H
#define CLI_TOP_COLUMNS_H

#include "nat/cli/table.h"
#include "nat/cli/top.h"

struct top_column {
	const char *title;
	bool right;
	enum top_order order; /* that it shows; TOP_ORDERS: none */
};

/* Those of a view, ended by a NULL title; as many as the table's are wide. */
const struct top_column *top_columns(enum top_view view);

/* A table for the rows of @view, without any. table_fini() it. */
void top_columns_init(struct table *table, enum top_view view);
void top_columns_add(struct table *table, enum top_view view, const struct top_row *row, bool utf8);
/* @drop: last seen to rise some time before @now_ms. */
void top_columns_add_drop(struct table *table, const struct top_drop *drop, int64_t now_ms);

/*
 * top_columns_fit() - hide what does not fit into @width, and set the widths of the rest
 * @order: TOP_ORDERS for none
 */
void top_columns_fit(struct table *table, enum top_view view, enum top_order order, int width);

#endif
