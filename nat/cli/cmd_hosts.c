/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_hosts.c - the internal hosts, once or live
 */
#include <stdio.h>
#include <string.h>

#include "common/addr.h"
#include "nat/cli/list.h"

/* Append to a cell as far as there is room. */
static void append(table_cell *cell, const char *text)
{
	size_t used = strlen(*cell);

	snprintf(*cell + used, sizeof(*cell) - used, "%s", text);
}

/* "3", or "3/10" where there is a quota. */
static void append_use(table_cell *cell, const json_t *use)
{
	bool limited = json_is_integer(json_object_get(use, "quota"));
	char number[32];

	snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT, command_number(use, "count"));
	append(cell, number);
	if (!limited)
		return;
	snprintf(number, sizeof(number), "/%" JSON_INTEGER_FORMAT, command_number(use, "quota"));
	append(cell, number);
}

/* "4/100: udp 3/10, tcp 1" */
static void write_uses(table_cell *cell, json_t *uses)
{
	const char *separator = ": ", *protocol;
	json_t *use;

	append_use(cell, json_object_get(uses, "all"));
	json_object_foreach(uses, protocol, use) {
		if (strcmp(protocol, "all") == 0 ||
		    (command_number(use, "count") == 0 &&
		     !json_is_integer(json_object_get(use, "quota"))))
			continue;
		append(cell, separator);
		append(cell, protocol);
		append(cell, " ");
		append_use(cell, use);
		separator = ", ";
	}
}

/* "1024-1535, 2048-2559"; with its address where that is not the host's. */
static void write_blocks(table_cell *cell, const json_t *host)
{
	const char *paired = command_text(host, "external");
	const json_t *block;
	char range[64];
	size_t i;

	json_array_foreach(json_object_get(host, "blocks"), i, block) {
		const char *external = command_text(block, "external");
		bool own = strcmp(external, paired) == 0;

		snprintf(range, sizeof(range),
			 "%s%.40s%s%" JSON_INTEGER_FORMAT "-%" JSON_INTEGER_FORMAT,
			 i > 0 ? ", " : "", own ? "" : external, own ? "" : ":",
			 command_number(block, "first"), command_number(block, "last"));
		append(cell, range);
	}
}

static int by_address(const void *a, const void *b)
{
	struct addr left = { { 0 } }, right = { { 0 } };

	addr_parse(command_text(*(json_t *const *)a, "address"), &left);
	addr_parse(command_text(*(json_t *const *)b, "address"), &right);
	return addr_compare(&left, &right);
}

enum { HOST, EXTERNAL, MAPPINGS, SESSIONS, BLOCKS, WIDTH };

static const struct table_column columns[WIDTH] = {
	[HOST] = { .title = "HOST" },
	[EXTERNAL] = { .title = "EXTERNAL" },
	[MAPPINGS] = { .title = "MAPPINGS" },
	[SESSIONS] = { .title = "SESSIONS" },
	[BLOCKS] = { .title = "BLOCKS", .scarce = true },
};

static void add_row(struct table *table, const json_t *host)
{
	table_cell *row = table_row(table);
	const char *external = command_text(host, "external");

	table_text(&row[HOST], command_text(host, "address"));
	table_text(&row[EXTERNAL], *external != '\0' ? external : "-");
	write_uses(&row[MAPPINGS], json_object_get(host, "mappings"));
	write_uses(&row[SESSIONS], json_object_get(host, "sessions"));
	write_blocks(&row[BLOCKS], host);
	if (*row[BLOCKS] != '\0')
		table->columns[BLOCKS].hidden = false;
}

enum client_status cmd_hosts(const struct invocation *call)
{
	struct list list = {
		.call = call,
		.method = "hosts.list",
		.name = "hosts",
		.columns = columns,
		.width = WIDTH,
		.order = by_address,
		.add_row = add_row,
	};

	return list_show(&list);
}
