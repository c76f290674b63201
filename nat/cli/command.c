/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/cli/command.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/log.h"

enum client_status command_show(const struct invocation *call, const char *method, json_t *params,
				void (*print)(const struct invocation *call, const json_t *result))
{
	enum client_status status = client_open(call->client);
	json_t *result;

	if (status != CLIENT_OK) {
		json_decref(params);
		return status;
	}
	status = client_call(call->client, method, params, &result);
	client_close(call->client);
	if (status != CLIENT_OK)
		return status;
	if (call->json) {
		json_dumpf(result, stdout, JSON_COMPACT);
		putchar('\n');
	} else {
		print(call, result);
	}
	json_decref(result);
	return CLIENT_OK;
}

enum client_status command_misused(const struct invocation *call, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(call->client->why, sizeof(call->client->why), format, arguments);
	va_end(arguments);
	return CLIENT_WRONG_USAGE;
}

const char *command_text(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "";
}

const char *command_kind(const json_t *mapping)
{
	if (json_is_true(json_object_get(mapping, "fixed")))
		return "fixed";
	return json_is_integer(json_object_get(mapping, "lease_ms")) ? "leased" : "";
}

json_int_t command_number(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

enum client_status command_subscribe(const struct invocation *call, const char *method,
				     json_t *params, FILE **in)
{
	enum client_status status = client_open(call->client);

	if (status != CLIENT_OK) {
		json_decref(params);
		return status;
	}
	client_end_by_signal(call->client);
	status = client_subscribe(call->client, method, params, in);
	if (status != CLIENT_OK)
		client_close(call->client);
	else
		log_info("listening; Ctrl-C ends");
	return status;
}

enum client_status command_unsubscribed(const struct invocation *call, FILE *in)
{
	fclose(in);
	client_close(call->client);
	if (client_is_ended())
		return CLIENT_OK;
	snprintf(call->client->why, sizeof(call->client->why), "%s: natemd has ended",
		 call->client->path);
	return CLIENT_FAILED;
}
