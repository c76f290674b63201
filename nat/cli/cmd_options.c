/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_options.c - options, get, set: the knobs from outside
 */
#include <stdio.h>
#include <string.h>

#include "nat/cli/command.h"
#include "nat/cli/table.h"

enum client_status cmd_options(const struct invocation *call)
{
	static const struct table_column columns[] = {
		{ .title = "KNOB" },
		{ .title = "VALUE" },
		{ .title = "DEFAULT" },
		{ .title = "MEANING" },
	};
	json_t *result, *option;
	struct table table;
	const char *key;
	enum client_status failed = command_ask(call, "options.get", NULL, &result);

	if (failed)
		return failed;
	if (call->json) {
		command_print_json(result);
		return CLIENT_OK;
	}
	table_init(&table, columns, 4);
	json_object_foreach(json_object_get(result, "options"), key, option) {
		table_cell *row = table_row(&table);
		const char *value = command_text(option, "value");
		const char *initial = command_text(option, "default");

		snprintf(row[0], TABLE_CELL, "%s", key);
		snprintf(row[1], TABLE_CELL, "%s", value);
		snprintf(row[2], TABLE_CELL, "%s", strcmp(value, initial) == 0 ? "=" : initial);
		snprintf(row[3], TABLE_CELL, "%s", command_text(option, "meaning"));
	}
	table_print(&table, stdout);
	table_fini(&table);
	json_decref(result);
	return CLIENT_OK;
}

enum client_status cmd_get(const struct invocation *call)
{
	json_t *result;
	const json_t *option;
	enum client_status failed = command_ask(
		call, "options.get", json_pack("{s:[s]}", "keys", call->argv[0]), &result);

	if (failed)
		return failed;
	if (call->json) {
		command_print_json(result);
		return CLIENT_OK;
	}
	option = json_object_get(json_object_get(result, "options"), call->argv[0]);
	puts(command_text(option, "value"));
	json_decref(result);
	return CLIENT_OK;
}

/* {"KEY": "VALUE", ...} of the words, or NULL with the reason in the client. */
static json_t *read_assignments(const struct invocation *call)
{
	json_t *options = json_object();

	for (int i = 0; i < call->argc; i++) {
		const char *word = call->argv[i], *equals = strchr(word, '=');

		if (equals == NULL || equals == word) {
			snprintf(call->client->why, sizeof(call->client->why),
				 "'%s': expected KEY=VALUE", word);
			json_decref(options);
			return NULL;
		}
		if (json_object_setn_new(options, word, (size_t)(equals - word),
					 json_string(equals + 1)) < 0) {
			snprintf(call->client->why, sizeof(call->client->why), "'%s': not UTF-8",
				 word);
			json_decref(options);
			return NULL;
		}
	}
	return options;
}

enum client_status cmd_set(const struct invocation *call)
{
	json_t *options = read_assignments(call), *result, *value;
	const char *key;
	enum client_status failed;

	if (options == NULL)
		return CLIENT_WRONG_USAGE;
	failed = command_ask(call, "options.set", json_pack("{s:o}", "options", options), &result);
	if (failed)
		return failed;
	if (call->json) {
		command_print_json(result);
		return CLIENT_OK;
	}
	if (json_object_size(json_object_get(result, "changed")) == 0)
		puts("nothing changed: the knobs had these values already");
	json_object_foreach(json_object_get(result, "changed"), key, value)
		printf("%s = %s\n", key, json_string_value(value));
	json_decref(result);
	return CLIENT_OK;
}
