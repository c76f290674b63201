/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>

#include "nat/cli/command.h"
#include "nat/cli/table.h"

static void print_counters(const struct invocation *call, const json_t *result)
{
	static const struct table_column columns[] = {
		{ .title = "COUNTER" },
		{ .title = "PACKETS", .right = true },
		{ .title = "VERDICT" },
		{ .title = "MEANING" },
	};
	struct table table;
	json_t *counter;
	const char *name;

	(void)call;
	table_init(&table, columns, 4);
	json_object_foreach(json_object_get(result, "counters"), name, counter) {
		table_cell *row = table_row(&table);
		bool drop = json_is_true(json_object_get(counter, "drop"));

		table_text(&row[0], name);
		snprintf(row[1], TABLE_CELL, "%" JSON_INTEGER_FORMAT,
			 command_number(counter, "value"));
		table_text(&row[2], drop ? "drop" : "pass");
		table_text(&row[3], command_text(counter, "meaning"));
	}
	table_print(&table, stdout);
	table_fini(&table);
}

enum client_status cmd_counters(const struct invocation *call)
{
	return command_show(call, "counters.get", NULL, print_counters);
}
