/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_flush.c - mappings removed by hand
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nat/cli/command.h"

static void print_flushed(const struct invocation *call, const json_t *result)
{
	json_int_t flushed = command_number(result, "flushed");

	(void)call;
	printf("%" JSON_INTEGER_FORMAT " mapping%s flushed\n", flushed, flushed == 1 ? "" : "s");
}

/* "12", but as a number; NULL if it is none. */
static json_t *number_of(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > 10 || text[digits] != '\0')
		return NULL;
	return json_integer(strtoll(text, NULL, 10));
}

/* What @selector says of @word: NULL if that cannot be. */
static json_t *value_of(const char *selector, const char *word)
{
	return strcmp(selector, "mapping") == 0 ? number_of(word) : json_string(word);
}

static bool is_selector(const char *word)
{
	static const char *const selectors[] = { "host", "protocol", "external", "mapping" };

	for (size_t i = 0; i < sizeof(selectors) / sizeof(selectors[0]); i++)
		if (strcmp(selectors[i], word) == 0)
			return true;
	return false;
}

/* {"SELECTOR": VALUE, ...} of the words after flush, or NULL with the reason in the client. */
static json_t *read_selectors(const struct invocation *call)
{
	json_t *params = json_object();

	for (int i = 0; i < call->argc; i += 2) {
		const char *selector = call->argv[i];
		json_t *value;

		if (strcmp(selector, "all") == 0)
			command_misused(call, "'all' goes with nothing else");
		else if (!is_selector(selector))
			command_misused(call,
					"flush has no '%.64s'; it has all, host ADDRESS, protocol "
					"udp|tcp|icmp|other, external ADDRESS:PORT and mapping ID",
					selector);
		else if (json_object_get(params, selector) != NULL)
			command_misused(call, "'%s' is given twice", selector);
		else if (i + 1 == call->argc)
			command_misused(call, "'%s' of what?", selector);
		else if ((value = value_of(selector, call->argv[i + 1])) == NULL)
			command_misused(call, "%s '%.64s': not %s", selector, call->argv[i + 1],
					strcmp(selector, "mapping") == 0 ? "a number" : "UTF-8");
		else if (json_object_set_new(params, selector, value) == 0)
			continue;
		json_decref(params);
		return NULL;
	}
	return params;
}

enum client_status cmd_flush(const struct invocation *call)
{
	json_t *params;

	if (call->argc == 1 && strcmp(call->argv[0], "all") == 0)
		params = json_pack("{s:b}", "all", 1);
	else
		params = read_selectors(call);
	if (params == NULL)
		return CLIENT_WRONG_USAGE;
	return command_show(call, "mappings.flush", params, print_flushed);
}
