/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nat/cli/command.h"

/* Not a table: a sentence may be longer than a cell. */
static void print_events(const struct invocation *call, const json_t *result)
{
	const json_t *event;
	table_cell age;
	size_t i;

	(void)call;
	printf("%6s %8s  EVENT\n", "NUMBER", "AGE");
	json_array_foreach(json_object_get(result, "events"), i, event) {
		table_duration(&age, command_number(event, "age_ms"));
		printf("%6" JSON_INTEGER_FORMAT " %8s  %s\n", command_number(event, "number"), age,
		       command_text(event, "text"));
	}
}

enum client_status cmd_events(const struct invocation *call)
{
	bool flows = call->argc > 0 && strcmp(call->argv[0], "flows") == 0;
	const char *from = call->argc > flows ? call->argv[flows] : "1";
	size_t digits = strspn(from, "0123456789");

	if (digits == 0 || digits > 18 || from[digits] != '\0' || call->argc > flows + 1)
		return command_misused(call, "'%.64s': not the number of an event",
				       call->argv[call->argc - 1]);
	return command_show(
		call, "events.list",
		flows ? json_pack("{s:I, s:b}", "from", (json_int_t)atoll(from), "flows", true)
		      : json_pack("{s:I}", "from", (json_int_t)atoll(from)),
		print_events);
}
