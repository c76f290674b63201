/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_explain.c - what would become of a packet, or what a reason means; the latter needs no daemon
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nat/cli/command.h"
#include "nat/core/reason.h"

/* --- reasons -------------------------------------------------------------------------------- */

static json_t *json_reason(const struct reason_spec *spec)
{
	return json_pack("{s:s, s:b, s:s, s:s, s:s}", "reason", spec->name, "drop", spec->drop,
			 "meaning", spec->explanation, "clause", spec->clause, "advice",
			 spec->advice);
}

static enum client_status print_json(json_t *json)
{
	json_dumpf(json, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(json);
	return CLIENT_OK;
}

static void print_reasons(void)
{
	static const struct table_column columns[] = {
		{ .title = "REASON" },
		{ .title = "VERDICT" },
		{ .title = "CLAUSE" },
		{ .title = "MEANING" },
	};
	struct table table;

	table_init(&table, columns, 4);
	for (unsigned int i = 0; i < REASON_COUNT; i++) {
		const struct reason_spec *spec = reason_spec((enum nat_reason)i);
		table_cell *row = table_row(&table);

		table_text(&row[0], spec->name);
		table_text(&row[1], spec->drop ? "drop" : "pass");
		table_text(&row[2], *spec->clause != '\0' ? spec->clause : "-");
		table_text(&row[3], spec->explanation);
	}
	table_print(&table, stdout);
	table_fini(&table);
}

static enum client_status list_reasons(const struct invocation *call)
{
	json_t *reasons;

	if (call->argc > 0)
		return command_misused(call, "explain --list takes no '%.64s'", call->argv[0]);
	if (!call->json) {
		print_reasons();
		return CLIENT_OK;
	}
	reasons = json_array();
	for (unsigned int i = 0; i < REASON_COUNT; i++)
		json_array_append_new(reasons, json_reason(reason_spec((enum nat_reason)i)));
	return print_json(json_pack("{s:o}", "reasons", reasons));
}

static void print_reason(const struct reason_spec *spec)
{
	char text[1024];

	snprintf(text, sizeof(text), "%s (%s): %s%s%s%s.%s%s", spec->name,
		 spec->drop ? "dropped" : "let pass", spec->explanation,
		 *spec->clause != '\0' ? " (" : "", spec->clause, *spec->clause != '\0' ? ")" : "",
		 *spec->advice != '\0' ? "\n\n" : "", spec->advice);
	help_print_text(text);
}

static enum client_status explain_reason(const struct invocation *call)
{
	const char *name = call->argv[0], *nearest;
	enum nat_reason reason = reason_find(name, &nearest);

	if (call->inbound || call->flags != NULL)
		return command_misused(call,
				       "--inbound and --flags are for packets, and '%.64s' "
				       "is none",
				       name);
	if (reason == REASON_COUNT && nearest != NULL)
		return command_misused(call, "no reason '%.64s'; did you mean '%s'?", name,
				       nearest);
	if (reason == REASON_COUNT)
		return command_misused(call, "no reason '%.64s'; 'natem explain --list' lists them",
				       name);
	if (call->json)
		return print_json(json_reason(reason_spec(reason)));
	print_reason(reason_spec(reason));
	return CLIENT_OK;
}

/* --- packets -------------------------------------------------------------------------------- */

static bool is_protocol(const char *word)
{
	static const char *const names[] = { "udp", "tcp", "icmp", "other" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], word) == 0)
			return true;
	return false;
}

/* What to do as a paragraph of its own: the text ends with it. */
static void print_explanation(const struct invocation *call, const json_t *result)
{
	const char *advice = command_text(result, "advice");
	char *text = strdup(command_text(result, "text"));
	size_t tail = strlen(advice), length = text != NULL ? strlen(text) : 0;
	bool apart = tail > 0 && tail < length && strcmp(text + length - tail, advice) == 0;

	(void)call;
	if (apart)
		text[length - tail - 1] = '\0';
	help_print_text(text != NULL ? text : "");
	if (apart) {
		putchar('\n');
		help_print_text(advice);
	}
	free(text);
}

/* The packet's words as parameters; NULL with the reason in the client. */
static json_t *read_packet(const struct invocation *call)
{
	bool other = strcmp(call->argv[0], "other") == 0;
	char *const *ends = call->argv + (other ? 2 : 1);
	json_t *params;

	if (call->argc != (other ? 4 : 3)) {
		command_misused(call, "explain %s needs %sSOURCE and DESTINATION, such as %s",
				call->argv[0], other ? "NUMBER, " : "",
				other ? "other 47 192.168.1.2 203.0.113.10"
				      : "udp 192.168.1.2:6789 203.0.113.10:7890");
		return NULL;
	}
	if (other && (strspn(call->argv[1], "0123456789") != strlen(call->argv[1]) ||
		      strlen(call->argv[1]) > 3 || *call->argv[1] == '\0')) {
		command_misused(call, "'%.64s' is not the number of an IP protocol", call->argv[1]);
		return NULL;
	}
	params = json_pack("{s:s, s:s, s:s, s:s}", "protocol", call->argv[0], "source", ends[0],
			   "destination", ends[1], "from", call->inbound ? "external" : "internal");
	if (params != NULL && other)
		json_object_set_new(params, "number", json_integer(atoi(call->argv[1])));
	if (params != NULL && call->flags != NULL &&
	    json_object_set_new(params, "flags", json_string(call->flags)) < 0) {
		json_decref(params);
		params = NULL;
	}
	if (params == NULL)
		command_misused(call, "a word is not UTF-8");
	return params;
}

enum client_status cmd_explain(const struct invocation *call)
{
	json_t *params;

	if (call->list)
		return list_reasons(call);
	if (call->argc == 0)
		return command_misused(call, "explain what? A packet, such as udp "
					     "192.168.1.2:6789 203.0.113.10:7890, or a reason: "
					     "--list lists them");
	if (call->argc == 1 && !is_protocol(call->argv[0]))
		return explain_reason(call);
	if (!is_protocol(call->argv[0]))
		return command_misused(call,
				       "'%.64s' is no protocol: udp, tcp, icmp or other is "
				       "needed; or a reason alone",
				       call->argv[0]);
	params = read_packet(call);
	if (params == NULL)
		return CLIENT_WRONG_USAGE;
	return command_show(call, "packets.explain", params, print_explanation);
}
