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

static void print_event(const struct invocation *call, const char *name, const json_t *params)
{
	bool missed = strcmp(name, "events.missed") == 0;

	if (call->json) {
		json_t *line =
			missed ? json_pack("{s:O}", "missed", json_object_get(params, "count"))
			       : json_incref((json_t *)params);

		json_dumpf(line, stdout, JSON_COMPACT);
		json_decref(line);
	} else if (missed) {
		printf("... %" JSON_INTEGER_FORMAT " events missed",
		       command_number(params, "count"));
	} else {
		printf("%6" JSON_INTEGER_FORMAT "  %s", command_number(params, "number"),
		       command_text(params, "text"));
	}
	putchar('\n');
}

static enum client_status follow(const struct invocation *call, json_t *params)
{
	enum client_status status;
	char name[32];
	FILE *in;

	status = command_subscribe(call, "events.subscribe", params, &in);
	if (status != CLIENT_OK)
		return status;
	while (!client_is_ended() && (params = client_next(in, name, sizeof(name))) != NULL) {
		print_event(call, name, params);
		json_decref(params);
		if (fflush(stdout) != 0)
			break; /* the reader has gone */
	}
	return command_unsubscribed(call, in);
}

enum client_status cmd_events(const struct invocation *call)
{
	bool flows = call->argc > 0 && strcmp(call->argv[0], "flows") == 0;
	const char *from = call->argc > flows ? call->argv[flows] : "1";
	size_t digits = strspn(from, "0123456789");
	json_t *params;

	if (digits == 0 || digits > 18 || from[digits] != '\0' || call->argc > flows + 1)
		return command_misused(call, "'%.64s': not the number of an event",
				       call->argv[call->argc - 1]);
	params = json_pack("{s:I}", "from", (json_int_t)atoll(from));
	if (flows)
		json_object_set_new(params, "flows", json_true());
	return call->follow ? follow(call, params)
			    : command_show(call, "events.list", params, print_events);
}
