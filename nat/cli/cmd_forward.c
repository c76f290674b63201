/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_forward.c - forwards and their kin: listed, added, deleted
 */
#include <stdio.h>
#include <string.h>

#include "nat/cli/command.h"
#include "nat/cli/table.h"

/* The words after a kind, by the parameters they are. */
struct kind {
	const char *name;
	const char *words[2];  /* of add */
	const char *example;   /* of those */
	unsigned int add, del; /* how many */
};

static const struct kind kinds[] = {
	{ "tcp", { "external", "internal" }, "8080 192.168.1.2:80", 2, 1 },
	{ "udp", { "external", "internal" }, "5000-5009 192.168.1.2:5000", 2, 1 },
	{ "one-to-one", { "external", "internal" }, "203.0.113.5 192.168.1.9", 2, 1 },
	{ "dmz", { "internal" }, "192.168.1.2", 1, 0 },
	{ "exempt", { "remote" }, "203.0.113.11", 1, 1 },
};

static const struct kind *find_kind(const char *name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	return NULL;
}

static void print_list(const struct invocation *call, const json_t *result)
{
	static const struct table_column columns[] = {
		{ .title = "KIND" },
		{ .title = "EXTERNAL" },
		{ .title = "INTERNAL" },
		{ .title = "SESS", .right = true },
	};
	const json_t *rule;
	struct table table;
	size_t i;

	(void)call;
	table_init(&table, columns, 4);
	json_array_foreach(json_object_get(result, "forwards"), i, rule) {
		table_cell *row = table_row(&table);
		const char *external = command_text(rule, "external");
		const char *remote = command_text(rule, "remote");
		const char *internal = command_text(rule, "internal");

		table_text(&row[0], command_text(rule, "kind"));
		table_text(&row[1], *remote != '\0'	? remote
				    : *external != '\0' ? external
							: "any");
		table_text(&row[2], *internal != '\0' ? internal : "-");
		if (json_is_integer(json_object_get(rule, "sessions")))
			snprintf(row[3], TABLE_CELL, "%" JSON_INTEGER_FORMAT,
				 command_number(rule, "sessions"));
		else
			table_text(&row[3], "-");
	}
	table_print(&table, stdout);
	table_fini(&table);
}

static void print_change(const struct invocation *call, const json_t *result)
{
	const char *verb = strcmp(call->argv[0], "add") == 0 ? "added" : "deleted";
	const json_t *rule = json_object_get(result, verb);
	const char *external = command_text(rule, "external");
	const char *internal = command_text(rule, "internal");

	if (*external == '\0')
		external = command_text(rule, "remote");
	printf("%s: %s%s%s%s%s\n", verb, command_text(rule, "kind"), *external != '\0' ? " " : "",
	       external, *internal != '\0' ? " to " : "", internal);
}

/* "add tcp 8080 192.168.1.2:80" as parameters, or NULL with the reason in the client. */
static json_t *read_words(const struct invocation *call, const struct kind *kind, bool add)
{
	unsigned int wanted = add ? kind->add : kind->del;
	json_t *params = json_pack("{s:s}", "kind", kind->name);

	for (unsigned int i = 0; i < wanted; i++) {
		if (json_object_set_new(params, kind->words[i], json_string(call->argv[i + 2])) ==
		    0)
			continue;
		command_misused(call, "'%s': not UTF-8", call->argv[i + 2]);
		json_decref(params);
		return NULL;
	}
	return params;
}

static enum client_status change(const struct invocation *call, bool add)
{
	const char *verb = call->argv[0];
	const struct kind *kind = call->argc > 1 ? find_kind(call->argv[1]) : NULL;
	unsigned int wanted;
	json_t *params;

	if (call->argc < 2)
		return command_misused(call,
				       "forward %s what? tcp, udp, one-to-one, dmz or exempt; "
				       "'natem forward --help' has examples",
				       verb);
	if (kind == NULL)
		return command_misused(call,
				       "forward %s has no '%.64s'; it has tcp, udp, one-to-one, "
				       "dmz and exempt",
				       verb, call->argv[1]);
	wanted = add ? kind->add : kind->del;
	if ((unsigned int)call->argc != wanted + 2)
		return command_misused(call,
				       "forward %s %s takes %u word%s after that, as in: natem "
				       "forward %s %s%s%.*s",
				       verb, kind->name, wanted, wanted == 1 ? "" : "s", verb,
				       kind->name, wanted > 0 ? " " : "",
				       wanted == kind->add ? (int)strlen(kind->example)
				       : wanted > 0	   ? (int)strcspn(kind->example, " ")
							   : 0,
				       kind->example);
	params = read_words(call, kind, add);
	if (params == NULL)
		return CLIENT_WRONG_USAGE;
	return command_show(call, add ? "forwards.add" : "forwards.del", params, print_change);
}

enum client_status cmd_forward(const struct invocation *call)
{
	const char *verb = call->argv[0];

	if (strcmp(verb, "add") == 0 || strcmp(verb, "del") == 0)
		return change(call, *verb == 'a');
	if (strcmp(verb, "list") != 0)
		return command_misused(call, "forward has no '%.64s'; it has list, add and del",
				       verb);
	if (call->argc > 1)
		return command_misused(call, "forward list takes no '%.64s'", call->argv[1]);
	return command_show(call, "forwards.list", NULL, print_list);
}
