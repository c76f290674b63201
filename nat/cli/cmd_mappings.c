/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_mappings.c - mappings and sessions: the two tables, once or live
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "nat/cli/list.h"
#include "nat/cli/table.h"

enum { PROTOCOL, INTERNAL, EXTERNAL, KIND, REMOTE, STATE, SESSIONS, LEFT, OUT, IN, WIDTH };

static const struct table_column columns[WIDTH] = {
	[PROTOCOL] = { .title = "PROTO" },
	[INTERNAL] = { .title = "INTERNAL" },
	[EXTERNAL] = { .title = "EXTERNAL" },
	[KIND] = { .title = "KIND" },
	[REMOTE] = { .title = "REMOTE" },
	[STATE] = { .title = "STATE" },
	[SESSIONS] = { .title = "SESS", .right = true },
	[LEFT] = { .title = "LEFT", .right = true },
	[OUT] = { .title = "OUT", .right = true },
	[IN] = { .title = "IN", .right = true },
};

/* Both tables have the same columns but one; a column nobody has anything for is left out. */
static void add_row(struct table *table, const json_t *record)
{
	table_cell *row = table_row(table);
	const char *remote = command_text(record, "remote");
	const char *state = command_text(record, "state");
	bool fixed = json_is_true(json_object_get(record, "fixed"));
	const json_t *out = json_object_get(record, "outbound");
	const json_t *in = json_object_get(record, "inbound");

	table_text(&row[PROTOCOL], command_text(record, "protocol"));
	table_text(&row[INTERNAL], command_text(record, "internal"));
	table_text(&row[EXTERNAL], command_text(record, "external"));
	table_text(&row[KIND], fixed ? "fixed" : "-");
	table_text(&row[REMOTE], *remote != '\0' ? remote : "any");
	table_text(&row[STATE], *state != '\0' ? state : "-");
	snprintf(row[SESSIONS], TABLE_CELL, "%" JSON_INTEGER_FORMAT,
		 command_number(record, "sessions"));
	table_duration(&row[LEFT], command_number(record, "expires_in_ms"));
	table_traffic(&row[OUT], (uint64_t)command_number(out, "packets"),
		      (uint64_t)command_number(out, "bytes"));
	table_traffic(&row[IN], (uint64_t)command_number(in, "packets"),
		      (uint64_t)command_number(in, "bytes"));
	if (*remote != '\0')
		table->columns[REMOTE].hidden = false;
	if (fixed)
		table->columns[KIND].hidden = false;
}

static int by_age(const void *a, const void *b)
{
	json_int_t left = command_number(*(json_t *const *)a, "age_ms");
	json_int_t right = command_number(*(json_t *const *)b, "age_ms");

	return (left > right) - (left < right);
}

/* Printed once, the newest record comes last, next to the prompt; on a screen it comes first,
 * where it is seen however many there are. */
static void add_rows(struct table *table, const json_t *records, bool newest_first)
{
	size_t count = json_array_size(records);
	const json_t **sorted = calloc(count + 1, sizeof(*sorted));

	if (sorted == NULL) {
		log_error("out of memory");
		exit(EXIT_FAILURE);
	}
	for (size_t i = 0; i < count; i++)
		sorted[i] = json_array_get(records, i);
	qsort(sorted, count, sizeof(*sorted), by_age);
	for (size_t i = 0; i < count; i++)
		add_row(table, sorted[newest_first ? i : count - 1 - i]);
	free(sorted);
}

static void print_records(const struct list *list, const json_t *records, FILE *out)
{
	struct table table;

	table_init(&table, columns, WIDTH);
	table.columns[KIND].hidden = table.columns[REMOTE].hidden = true;
	table.columns[SESSIONS].hidden = strcmp(list->name, "sessions") == 0;
	add_rows(&table, records, list->call->watch);
	table_print(&table, out);
	table_fini(&table);
}

enum client_status cmd_mappings(const struct invocation *call)
{
	struct list list = { call, "mappings.list", "mappings", print_records };

	return list_show(&list);
}

enum client_status cmd_sessions(const struct invocation *call)
{
	struct list list = { call, "sessions.list", "sessions", print_records };

	return list_show(&list);
}
