/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_who.c - who has an external port, a line for each protocol
 */
#include <stdio.h>
#include <string.h>

#include "nat/cli/command.h"

static void print_mapping(const char *protocol, const json_t *mapping)
{
	const char *remote = command_text(mapping, "remote");
	json_int_t sessions = command_number(mapping, "sessions");
	bool leased = strcmp(command_kind(mapping), "leased") == 0;
	bool fixed = strcmp(command_kind(mapping), "fixed") == 0;
	table_cell age, lease;

	table_duration(&age, command_number(mapping, "age_ms"));
	table_duration(&lease, command_number(mapping, "lease_ms"));
	printf("%-6s %s%s%s, %smapping %" JSON_INTEGER_FORMAT " for %s, ", protocol,
	       command_text(mapping, "internal"), *remote != '\0' ? " towards " : "", remote,
	       fixed ? "fixed " : "", command_number(mapping, "id"), age);
	if (leased)
		printf("leased for another %s, ", lease);
	printf("%" JSON_INTEGER_FORMAT " session%s\n", sessions, sessions == 1 ? "" : "s");
}

static void print_rule(const char *protocol, const json_t *entry)
{
	const json_t *rule = json_object_get(entry, "rule");
	const char *external = command_text(rule, "external"), *kind = command_text(rule, "kind");

	printf("%-6s %s, by %s%s%s%s\n", protocol, command_text(entry, "leads_to"),
	       strcmp(kind, protocol) == 0 ? "forward " : "", kind, *external != '\0' ? " " : "",
	       external);
}

static void print_protocol(const json_t *entry)
{
	const char *protocol = command_text(entry, "protocol");
	const char *state = command_text(entry, "state");
	const json_t *mappings = json_object_get(entry, "mappings"), *mapping;
	table_cell left;
	size_t i;

	json_array_foreach(mappings, i, mapping)
		print_mapping(protocol, mapping);
	if (strcmp(state, "mapped") == 0)
		return;
	if (strcmp(state, "forwarded") == 0) {
		print_rule(protocol, entry);
	} else if (strcmp(state, "reserved") == 0) {
		printf("%-6s the router itself: nat.reserved-ports\n", protocol);
	} else if (strcmp(state, "resting") == 0) {
		table_duration(&left, command_number(entry, "free_in_ms"));
		printf("%-6s nobody, and nobody will for %s: it rests\n", protocol, left);
	} else if (strcmp(state, "shared") == 0) {
		printf("%-6s nobody: %s has it for both, nat.protocol-scope is shared\n", protocol,
		       strcmp(protocol, "udp") == 0 ? "tcp" : "udp");
	} else {
		printf("%-6s nobody\n", protocol);
	}
}

static void print_block(const json_t *block)
{
	const char *kind = command_text(block, "kind"), *host = command_text(block, "host");

	printf("%-6s %" JSON_INTEGER_FORMAT "-%" JSON_INTEGER_FORMAT, "block",
	       command_number(block, "first"), command_number(block, "last"));
	if (strcmp(kind, "overflow") == 0)
		puts(", for hosts whose own is used up");
	else if (*host == '\0')
		puts(", nobody's");
	else
		printf(" of %s, %s\n", host, kind);
}

static void print_who(const struct invocation *call, const json_t *result)
{
	const json_t *block = json_object_get(result, "block"), *entry;
	size_t i;

	(void)call;
	if (!json_is_true(json_object_get(result, "is_external")))
		printf("nobody: %s is at none of the NAT's external addresses, which 'natem "
		       "status' lists\n",
		       command_text(result, "external"));
	json_array_foreach(json_object_get(result, "protocols"), i, entry)
		print_protocol(entry);
	if (json_is_object(block))
		print_block(block);
}

enum client_status cmd_who(const struct invocation *call)
{
	json_t *params;

	if (call->at != NULL)
		return command_who_at(call);
	if (call->log_count > 0)
		return command_misused(call, "--log needs --at TIME: who has a port now, the "
					     "daemon itself knows");
	params = json_pack("{s:s}", "external", call->argv[0]);
	if (params != NULL && call->argc > 1 &&
	    json_object_set_new(params, "protocol", json_string(call->argv[1])) < 0) {
		json_decref(params);
		params = NULL;
	}
	if (params == NULL)
		return command_misused(call, "'%s': not UTF-8", call->argv[call->argc - 1]);
	return command_show(call, "ports.who", params, print_who);
}
