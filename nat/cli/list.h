/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * list.h - a list that comes in pages, shown once or live
 * Owns:       asking for all pages, and the choice of JSON or table, once or again and again.
 * Invariants: none of its own; it holds no state.
 */
#ifndef CLI_LIST_H
#define CLI_LIST_H

#include <stdio.h>

#include "nat/cli/command.h"

struct list {
	const struct invocation *call;
	const char *method;
	const char *name; /* of the array in the method's answer */
	void (*print)(const struct list *list, const json_t *records, FILE *out);
};

enum client_status list_show(struct list *list);

#endif
