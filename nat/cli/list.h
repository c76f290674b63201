/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * list.h - a list that comes in pages, shown once or live
 * Owns:       asking for page after page, and the choice of JSON or table, once or again and again.
 * Invariants: a list shown once needs the same memory however long it is: JSON is written record
 *             by record, a table in parts of LIST_TOGETHER rows. Only within a part are rows in
 *             order; a list that is no longer is all in order.
 */
#ifndef CLI_LIST_H
#define CLI_LIST_H

#include "nat/cli/command.h"

enum { LIST_TOGETHER = 4000 };

struct list {
	const struct invocation *call;
	const char *method;
	const char *name; /* of the array in the method's answer */
	const struct table_column *columns;
	unsigned int width; /* how many of these */
	/* The order of rows: two records, each as json_t *const *. */
	int (*order)(const void *a, const void *b);
	void (*add_row)(struct table *table, const json_t *record);
};

enum client_status list_show(struct list *list);

#endif
