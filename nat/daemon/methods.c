/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/daemon/methods.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "nat/daemon/methods_parts.h"

struct method {
	struct method_spec spec;
	method_run *run;
};

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

bool params_only(json_t *params, const char *const *names, struct failure *failure)
{
	const char *key;
	json_t *value;

	json_object_foreach(params, key, value) {
		const char *const *name = names;

		while (*name != NULL && strcmp(*name, key) != 0)
			name++;
		if (*name != NULL)
			continue;
		failure_set(failure, RPC_INVALID_PARAMS, "no parameter '%.64s' here", key);
		return false;
	}
	return true;
}

bool params_none(json_t *params, struct failure *failure)
{
	static const char *const names[] = { NULL };

	return params_only(params, names, failure);
}

bool params_number(json_t *params, const char *name, json_int_t least, json_int_t most,
		   uint32_t *value, struct failure *failure)
{
	const json_t *given = json_object_get(params, name);

	if (given == NULL)
		return true;
	if (json_is_integer(given) && json_integer_value(given) >= least &&
	    json_integer_value(given) <= most) {
		*value = (uint32_t)json_integer_value(given);
		return true;
	}
	failure_set(failure, RPC_INVALID_PARAMS,
		    "%s: a whole number from %" JSON_INTEGER_FORMAT " to %" JSON_INTEGER_FORMAT
		    " is needed",
		    name, least, most);
	return false;
}

bool params_protocol(json_t *params, enum nat_protocol *protocol, struct failure *failure)
{
	const json_t *given = json_object_get(params, "protocol");
	const char *name = json_is_string(given) ? json_string_value(given) : "";

	if (given == NULL)
		return true;
	for (int i = 0; i < NAT_PROTOCOLS; i++) {
		if (strcmp(name, nat_protocol_name((enum nat_protocol)i)) != 0)
			continue;
		*protocol = (enum nat_protocol)i;
		return true;
	}
	failure_set(failure, RPC_INVALID_PARAMS, "protocol: udp, tcp, icmp or other is needed");
	return false;
}

const char *text_of_json(const json_t *value, char number[NUMBER_TEXT])
{
	if (!json_is_integer(value))
		return json_string_value(value);
	snprintf(number, NUMBER_TEXT, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	return number;
}

/* --- the table ----------------------------------------------------------------------------- */

static const struct method methods[] = {
	{ { "status", "", "version, interfaces, table use, queue figures" }, method_status },
	{ { "mappings.list", "cursor, limit", "a page of the mapping table" },
	  method_mappings_list },
	{ { "sessions.list", "cursor, limit", "a page of the session table" },
	  method_sessions_list },
	{ { "hosts.list", "cursor, limit", "a page of the internal hosts and what they use" },
	  method_hosts_list },
	{ { "ports.who", "external, protocol", "who has an external port" }, method_ports_who },
	{ { "events.list", "from, limit, flows",
	    "what has happened: limits, blocks, knobs, forwards" },
	  method_events_list },
	{ { "counters.get", "", "packets by reason, with what each means" }, method_counters_get },
	{ { "options.get", "keys", "knobs with value, default and meaning" }, method_options_get },
	{ { "options.set", "options", "change knobs, all or none" }, method_options_set },
	{ { "presets.list", "", "the presets with their knobs and sources" }, method_presets_list },
	{ { "forwards.list", "", "forwards, one-to-one pairs, DMZ host and exempt destinations" },
	  method_forwards_list },
	{ { "forwards.add", "kind, external, internal, remote", "one more of those" },
	  method_forwards_add },
	{ { "forwards.del", "kind, external, remote", "one less" }, method_forwards_del },
	{ { "mappings.flush", "all, host, protocol, external, mapping",
	    "remove mappings with their sessions" },
	  method_mappings_flush },
	{ { "clock.get", "", "NAT time: how far, how fast, or frozen" }, method_clock_get },
	{ { "clock.advance", "time", "move NAT time forward at once" }, method_clock_advance },
	{ { "clock.scale", "factor", "let NAT time run faster or slower" }, method_clock_scale },
	{ { "clock.freeze", "", "stop NAT time" }, method_clock_freeze },
	{ { "clock.resume", "", "let NAT time run again" }, method_clock_resume },
};

enum { METHODS = sizeof(methods) / sizeof(methods[0]) };

const struct method_spec *method_spec(unsigned int index)
{
	return index < METHODS ? &methods[index].spec : NULL;
}

static const struct method *find_method(const char *name)
{
	for (unsigned int i = 0; i < METHODS; i++)
		if (strcmp(methods[i].spec.name, name) == 0)
			return &methods[i];
	return NULL;
}

static json_t *no_such_method(json_t *id)
{
	char why[1024] = "no such method; there are:";
	size_t used = strlen(why);

	for (unsigned int i = 0; i < METHODS && used < sizeof(why); i++)
		used += (size_t)snprintf(why + used, sizeof(why) - used, "%s %s", i > 0 ? "," : "",
					 methods[i].spec.name);
	return rpc_error(id, RPC_METHOD_NOT_FOUND, why);
}

static json_t *run(struct daemon *d, const struct rpc_request *request)
{
	const struct method *method = find_method(request->method);
	struct failure failure = { .code = RPC_FAILED };
	json_t *result;

	if (method == NULL)
		return no_such_method(request->id);
	result = method->run(d, request->params, &failure);
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
