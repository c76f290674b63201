/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/daemon/methods.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "nat/daemon/methods_parts.h"

/* --- values -------------------------------------------------------------------------------- */

json_t *json_of_count(uint64_t n)
{
	return json_integer((json_int_t)n);
}

json_t *json_of_endpoint(const struct endpoint *e)
{
	char text[ENDPOINT_TEXT_MAX];

	return json_string(endpoint_format(e, text));
}

json_t *json_of_addr(const struct addr *a)
{
	char text[ADDR_TEXT_MAX];

	return json_string(addr_format(a, text));
}

void member_put(json_t *object, const char *name, json_t *value)
{
	json_object_set_new(object, name, value);
}

void member_put_text(json_t *object, const char *name, const char *text)
{
	member_put(object, name, json_string(text));
}

/* --- parameters ---------------------------------------------------------------------------- */

json_t *failure_set(struct failure *failure, enum rpc_code code, const char *format, ...)
{
	va_list arguments;

	failure->code = code;
	va_start(arguments, format);
	vsnprintf(failure->why, sizeof(failure->why), format, arguments);
	va_end(arguments);
	return NULL;
}

uint32_t params_number(json_t *params, const char *name)
{
	return (uint32_t)json_integer_value(json_object_get(params, name));
}

enum nat_protocol params_protocol(json_t *params)
{
	const char *name = json_string_value(json_object_get(params, "protocol"));
	int p = name != NULL ? 0 : NAT_PROTOCOLS;

	while (p < NAT_PROTOCOLS && strcmp(nat_protocol_name((enum nat_protocol)p), name) != 0)
		p++;
	return (enum nat_protocol)p;
}

const char *text_of_json(const json_t *value, char number[NUMBER_TEXT])
{
	if (!json_is_integer(value))
		return json_string_value(value);
	snprintf(number, NUMBER_TEXT, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	return number;
}

/* --- requests ------------------------------------------------------------------------------ */

static const struct method *find_method(const char *name)
{
	const struct method *method;

	for (unsigned int i = 0; (method = protocol_method(i)) != NULL; i++)
		if (strcmp(method->name, name) == 0)
			return method;
	return NULL;
}

static json_t *no_such_method(json_t *id)
{
	char why[1024] = "no such method; there are:";
	size_t used = strlen(why);

	for (unsigned int i = 0; protocol_method(i) != NULL && used < sizeof(why); i++)
		used += (size_t)snprintf(why + used, sizeof(why) - used, "%s %s", i > 0 ? "," : "",
					 protocol_method(i)->name);
	return rpc_error(id, RPC_METHOD_NOT_FOUND, why);
}

/* What @method answers to @params, which are given their defaults. */
static json_t *call(const struct method *method, struct daemon *d, json_t *params,
		    struct failure *failure)
{
	if (!protocol_check(method->parameters, params, failure))
		return NULL;
	protocol_complete(method->parameters, params);
	failure->code = RPC_FAILED;
	return method->run(d, params, failure);
}

static json_t *run(struct daemon *d, const struct rpc_request *request)
{
	const struct method *method = find_method(request->method);
	json_t *params = request->params != NULL ? json_incref(request->params) : json_object();
	struct failure failure;
	json_t *result;

	result = method != NULL ? call(method, d, params, &failure) : NULL;
	json_decref(params);
	if (method == NULL)
		return no_such_method(request->id);
	if (result == NULL)
		return rpc_error(request->id, failure.code, failure.why);
	/* A notification has no id, and nobody waits for its result. */
	return rpc_result(request->id != NULL ? request->id : json_null(), result);
}

json_t *methods_answer(struct daemon *d, const char *line, size_t length)
{
	struct rpc_request request;
	json_t *answer = rpc_parse(line, length, &request);

	if (answer != NULL)
		return answer;
	answer = run(d, &request);
	if (request.id == NULL) {
		json_decref(answer);
		answer = NULL;
	}
	rpc_request_fini(&request);
	return answer;
}
