/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_preset.c - presets: one put in force, or a table of all, which needs no daemon
 */
#include <stdio.h>
#include <string.h>

#include "nat/cli/command.h"
#include "nat/core/presets.h"
#include "nat/json/preset_list.h"

enum { KEYS = NAT_OTHER };

/* A column between a preset's name and its source: the knobs whose values stand in it. */
struct column {
	const char *title;
	const char *keys[KEYS];
	bool by_protocol; /* one knob of each, told apart only where they differ */
};

#define EACH(knob) { "udp." knob, "tcp." knob, "icmp." knob }, true

/* One whose first knob does not exist is left out. */
/* clang-format off */
static const struct column columns[] = {
	{ "MAPPING", EACH("mapping") },
	{ "FILTERING", EACH("filtering") },
	{ "PORTS", EACH("ports") },
	{ "HAIRPIN", { "nat.hairpin" }, false },
	{ "UDP", { "udp.timeout" }, false },
	{ "TCP", { "tcp.timeout-established", "tcp.timeout-opening", "tcp.timeout-closing" },
	  false },
	{ "ICMP", { "icmp.timeout" }, false },
};
/* clang-format on */

enum { COLUMNS = sizeof(columns) / sizeof(columns[0]), WIDTH = COLUMNS + 2 };

static const struct option_spec *find_option(const char *key)
{
	for (unsigned int id = 0; id < OPTION_COUNT; id++)
		if (strcmp(option_spec((enum option_id)id)->key, key) == 0)
			return option_spec((enum option_id)id);
	return NULL;
}

/* @value, or its short form if the knob has one: "eim". */
static const char *brief_form(const char *key, const char *value)
{
	const struct option_spec *spec = find_option(key);

	if (spec == NULL || spec->values == NULL)
		return value;
	for (const struct option_value *v = spec->values; v->name != NULL; v++)
		if (v->brief != NULL && strcmp(v->name, value) == 0)
			return v->brief;
	return value;
}

/* Append to a cell as far as there is room. */
static void append(table_cell *cell, const char *text)
{
	size_t used = strlen(*cell);

	snprintf(*cell + used, sizeof(*cell) - used, "%s", text);
}

static bool any_before(const char *const *values, int i)
{
	for (int j = 0; j < i; j++)
		if (strcmp(values[j], values[i]) == 0)
			return true;
	return false;
}

/* "eim", or where they differ "udp,icmp:eim tcp:apdm". */
static void write_by_protocol(table_cell *cell, const char *const *values)
{
	bool same = strcmp(values[0], values[1]) == 0 && strcmp(values[0], values[2]) == 0;

	if (same) {
		append(cell, values[0]);
		return;
	}
	for (int i = 0; i < KEYS; i++) {
		if (any_before(values, i))
			continue;
		for (int j = i; j < KEYS; j++) {
			if (strcmp(values[j], values[i]) != 0)
				continue;
			append(cell, j > i ? "," : i > 0 ? " " : "");
			append(cell, nat_protocol_name((enum nat_protocol)j));
		}
		append(cell, ":");
		append(cell, values[i]);
	}
}

static void write_cell(table_cell *cell, const struct column *column, const json_t *options)
{
	const char *values[KEYS];

	for (int i = 0; i < KEYS && column->keys[i] != NULL; i++) {
		values[i] = brief_form(column->keys[i], command_text(options, column->keys[i]));
		if (strcmp(values[i], "transitory") == 0) /* the same as that knob */
			values[i] = command_text(options, "tcp.timeout-transitory");
		if (column->by_protocol)
			continue;
		append(cell, i > 0 ? "/" : "");
		append(cell, values[i]);
	}
	if (column->by_protocol)
		write_by_protocol(cell, values);
}

void command_print_presets(const json_t *list)
{
	struct table_column titles[WIDTH] = { [0] = { .title = "PRESET" },
					      [WIDTH - 1] = { .title = "SOURCE" } };
	const json_t *preset;
	struct table table;
	size_t n;

	for (int i = 0; i < COLUMNS; i++)
		titles[i + 1] = (struct table_column){
			.title = columns[i].title,
			.hidden = find_option(columns[i].keys[0]) == NULL,
		};
	table_init(&table, titles, WIDTH);
	json_array_foreach(json_object_get(list, "presets"), n, preset) {
		table_cell *row = table_row(&table);

		table_text(&row[0], command_text(preset, "name"));
		for (int i = 0; i < COLUMNS; i++)
			write_cell(&row[i + 1], &columns[i], json_object_get(preset, "options"));
		table_text(&row[WIDTH - 1], command_text(preset, "source"));
		if (*command_text(preset, "unverified") != '\0')
			append(&row[WIDTH - 1], " (*)");
	}
	table_print(&table, stdout);
	table_fini(&table);
	puts("(*) not all of it was seen there; --json says what was not.");
}

static enum client_status list_presets(const struct invocation *call)
{
	json_t *list = preset_list();

	if (call->json) {
		json_dumpf(list, stdout, JSON_COMPACT);
		putchar('\n');
	} else {
		command_print_presets(list);
	}
	json_decref(list);
	return CLIENT_OK;
}

enum client_status cmd_preset(const struct invocation *call)
{
	json_t *params;

	if (call->list && call->argc == 0)
		return list_presets(call);
	if (call->list)
		return command_misused(call, "preset --list takes no '%.64s'", call->argv[0]);
	if (call->argc == 0)
		return command_misused(call, "preset needs a name; 'natem preset --list' shows "
					     "those there are");
	params = json_pack("{s:{s:s}}", "options", presets_key, call->argv[0]);
	if (params == NULL)
		return command_misused(call, "'%s': not UTF-8", call->argv[0]);
	return command_show(call, "options.set", params, command_print_changes);
}
