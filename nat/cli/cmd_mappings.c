/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_mappings.c - mappings and sessions: the two tables, once or live
 */
#include <stdio.h>
#include <string.h>

#include "nat/cli/list.h"

enum { PROTOCOL, INTERNAL, EXTERNAL, KIND, REMOTE, STATE, SESSIONS, LEFT, OUT, IN, WIDTH };

static const struct table_column columns[WIDTH] = {
	[PROTOCOL] = { .title = "PROTO" },
	[INTERNAL] = { .title = "INTERNAL" },
	[EXTERNAL] = { .title = "EXTERNAL" },
	[KIND] = { .title = "KIND", .scarce = true },
	[REMOTE] = { .title = "REMOTE", .scarce = true },
	[STATE] = { .title = "STATE" },
	[SESSIONS] = { .title = "SESS", .right = true },
	[LEFT] = { .title = "LEFT", .right = true },
	[OUT] = { .title = "OUT", .right = true },
	[IN] = { .title = "IN", .right = true },
};

/* Both tables have the same columns but one. */
static void add_row(struct table *table, const json_t *record)
{
	table_cell *row = table_row(table);
	const char *remote = command_text(record, "remote");
	const char *state = command_text(record, "state");
	const char *kind = command_kind(record);
	const json_t *out = json_object_get(record, "outbound");
	const json_t *in = json_object_get(record, "inbound");

	table_text(&row[PROTOCOL], command_text(record, "protocol"));
	table_text(&row[INTERNAL], command_text(record, "internal"));
	table_text(&row[EXTERNAL], command_text(record, "external"));
	table_text(&row[KIND], *kind != '\0' ? kind : "-");
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
	if (*kind != '\0')
		table->columns[KIND].hidden = false;
}

static json_int_t age_of(const void *record)
{
	return command_number(*(json_t *const *)record, "age_ms");
}

static int oldest_first(const void *a, const void *b)
{
	return (age_of(a) < age_of(b)) - (age_of(a) > age_of(b));
}

static int newest_first(const void *a, const void *b)
{
	return oldest_first(b, a);
}

/* Printed once, the newest record comes last, next to the prompt; on a screen it comes first,
 * where it is seen however many there are. */
static enum client_status show(const struct invocation *call, const char *method, const char *name,
			       bool sessions)
{
	struct table_column shown[WIDTH];
	struct list list = {
		.call = call,
		.method = method,
		.name = name,
		.columns = shown,
		.width = WIDTH,
		.order = call->watch ? newest_first : oldest_first,
		.add_row = add_row,
	};

	memcpy(shown, columns, sizeof(shown));
	shown[SESSIONS].hidden = !sessions;
	return list_show(&list);
}

enum client_status cmd_mappings(const struct invocation *call)
{
	return show(call, "mappings.list", "mappings", true);
}

enum client_status cmd_sessions(const struct invocation *call)
{
	return show(call, "sessions.list", "sessions", false);
}
