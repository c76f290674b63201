/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_describe.c - the control protocol, for people who write a client
 */
#include <stdio.h>
#include <string.h>

#include "nat/cli/command.h"

/* --- what a value is ------------------------------------------------------------------------ */

/* Append to a cell as far as there is room; what is cut ends with "...". */
static void append(table_cell *cell, const char *text)
{
	size_t used = strlen(*cell);

	if (used + strlen(text) < sizeof(*cell)) {
		strcpy(*cell + used, text);
		return;
	}
	if (used > sizeof(*cell) - 4)
		used = sizeof(*cell) - 4;
	strcpy(*cell + used, "...");
}

/* The elements of @words, with @between them. */
static void append_each(table_cell *cell, const json_t *words, const char *between)
{
	const json_t *word;
	size_t i;

	json_array_foreach(words, i, word) {
		append(cell, i > 0 ? between : "");
		append(cell, json_is_string(word) ? json_string_value(word)
			     : json_is_true(word) ? "true"
						  : "null");
	}
}

static void append_range(table_cell *cell, const json_t *schema)
{
	char range[64];

	if (json_object_get(schema, "maximum") == NULL)
		return;
	snprintf(range, sizeof(range), " %" JSON_INTEGER_FORMAT "-%" JSON_INTEGER_FORMAT,
		 command_number(schema, "minimum"), command_number(schema, "maximum"));
	append(cell, range);
}

/* "integer 1-1000", "mapping list", "address or null" */
static void append_kind(table_cell *cell, const json_t *schema)
{
	const json_t *type = json_object_get(schema, "type"), *inner, *choice;
	const char *reference = command_text(schema, "$ref");
	size_t i;

	json_array_foreach(json_object_get(schema, "anyOf"), i, choice) {
		append(cell, i > 0 ? " or " : "");
		append_kind(cell, choice);
	}
	if (*reference != '\0')
		append(cell, strrchr(reference, '/') + 1);
	inner = json_object_get(schema, "items");
	if (inner == NULL && json_is_object(json_object_get(schema, "additionalProperties")))
		inner = json_object_get(schema, "additionalProperties");
	if (inner != NULL) {
		append_kind(cell, inner);
		append(cell, json_object_get(schema, "items") != NULL ? " list" : " by name");
	} else if (json_object_get(schema, "enum") != NULL) {
		append_each(cell, json_object_get(schema, "enum"), "|");
	} else if (json_is_string(type)) {
		append(cell, json_string_value(type));
	} else {
		append_each(cell, type, " or ");
	}
	append_range(cell, schema);
}

/* --- rows ----------------------------------------------------------------------------------- */

static bool is_required(const json_t *schema, const char *name)
{
	const json_t *required;
	size_t i;

	json_array_foreach(json_object_get(schema, "required"), i, required)
		if (strcmp(json_string_value(required), name) == 0)
			return true;
	return false;
}

/* The members of an object's schema, each in a row; @optional where some may be left out. */
static void add_members(struct table *table, const json_t *schema, const char *mark)
{
	const char *name;
	json_t *member;

	json_object_foreach(json_object_get(schema, "properties"), name, member) {
		table_cell *row = table_row(table);

		snprintf(row[0], TABLE_CELL, "  %s%s%s", mark, name,
			 is_required(schema, name) ? "" : "?");
		append_kind(&row[1], member);
		table_text(&row[2], command_text(member, "description"));
	}
}

static void add_title(struct table *table, const char *name, const char *kind, const char *meaning)
{
	table_cell *row = table_row(table);

	table_text(&row[0], name);
	table_text(&row[1], kind);
	table_text(&row[2], meaning);
}

static void add_described(struct table *table, const json_t *methods, const char *kind)
{
	const char *name;
	json_t *method;

	json_object_foreach((json_t *)methods, name, method) {
		add_title(table, name, kind, command_text(method, "meaning"));
		add_members(table, json_object_get(method, "params"), "> ");
		add_members(table, json_object_get(method, "result"), "< ");
	}
}

static void add_types(struct table *table, const json_t *types)
{
	const char *name;
	json_t *type;

	json_object_foreach((json_t *)types, name, type) {
		add_title(table, name, "type", command_text(type, "description"));
		if (json_object_get(type, "enum") != NULL)
			append_kind(&table_row(table)[1], type);
		add_members(table, type, "");
	}
}

static void print_protocol(const struct invocation *call, const json_t *result)
{
	static const struct table_column columns[] = {
		{ .title = "NAME" },
		{ .title = "WHAT IT IS" },
		{ .title = "MEANING" },
	};
	const json_t *error;
	struct table table;
	char code[16];
	size_t i;

	(void)call;
	table_init(&table, columns, 3);
	add_described(&table, json_object_get(result, "methods"), "method");
	add_described(&table, json_object_get(result, "notifications"), "notification");
	add_types(&table, json_object_get(result, "types"));
	json_array_foreach(json_object_get(result, "errors"), i, error) {
		snprintf(code, sizeof(code), "%" JSON_INTEGER_FORMAT,
			 command_number(error, "code"));
		add_title(&table, code, "error", command_text(error, "meaning"));
	}
	table_print(&table, stdout);
	table_fini(&table);
}

enum client_status cmd_describe(const struct invocation *call)
{
	return command_show(call, "system.describe", NULL, print_protocol);
}
