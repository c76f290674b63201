/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_options.c - options, get, set: the knobs from outside
 */
#include <stdio.h>
#include <string.h>

#include "nat/cli/command.h"
#include "nat/cli/table.h"

static void print_options(const struct invocation *call, const json_t *result)
{
	static const struct table_column columns[] = {
		{ .title = "KNOB" },
		{ .title = "VALUE" },
		{ .title = "DEFAULT" },
		{ .title = "MEANING" },
	};
	struct table table;
	json_t *option;
	const char *key;

	(void)call;
	table_init(&table, columns, 4);
	json_object_foreach(json_object_get(result, "options"), key, option) {
		table_cell *row = table_row(&table);
		const char *value = command_text(option, "value");
		const char *initial = command_text(option, "default");

		table_text(&row[0], key);
		table_text(&row[1], value);
		table_text(&row[2], strcmp(value, initial) == 0 ? "=" : initial);
		table_text(&row[3], command_text(option, "meaning"));
	}
	table_print(&table, stdout);
	table_fini(&table);
}

enum client_status cmd_options(const struct invocation *call)
{
	return command_show(call, "options.get", NULL, print_options);
}

static void print_value(const struct invocation *call, const json_t *result)
{
	puts(command_text(json_object_get(json_object_get(result, "options"), call->argv[0]),
			  "value"));
}

enum client_status cmd_get(const struct invocation *call)
{
	json_t *params = json_pack("{s:[s]}", "keys", call->argv[0]);

	if (params == NULL)
		return command_misused(call, "'%s': not UTF-8", call->argv[0]);
	return command_show(call, "options.get", params, print_value);
}

/* {"KEY": "VALUE", ...} of the words, or NULL with the reason in the client. */
static json_t *read_assignments(const struct invocation *call)
{
	json_t *options = json_object();

	for (int i = 0; i < call->argc; i++) {
		const char *word = call->argv[i], *equals = strchr(word, '=');

		if (equals == NULL || equals == word) {
			command_misused(call, "'%s': expected KEY=VALUE", word);
			json_decref(options);
			return NULL;
		}
		if (json_object_setn_new(options, word, (size_t)(equals - word),
					 json_string(equals + 1)) < 0) {
			command_misused(call, "'%s': not UTF-8", word);
			json_decref(options);
			return NULL;
		}
	}
	return options;
}

void command_print_changes(const struct invocation *call, const json_t *result)
{
	json_t *changes = json_object_get(result, "changed"), *value;
	const char *key;

	(void)call;
	if (json_object_size(changes) == 0)
		puts("nothing changed: the knobs had these values already");
	json_object_foreach(changes, key, value)
		printf("%s = %s\n", key, json_string_value(value));
}

enum client_status cmd_set(const struct invocation *call)
{
	json_t *options = read_assignments(call);

	if (options == NULL)
		return CLIENT_WRONG_USAGE;
	return command_show(call, "options.set", json_pack("{s:o}", "options", options),
			    command_print_changes);
}
