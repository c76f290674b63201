/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/daemon/methods.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "nat/core/presets.h"

enum {
	PAGE_DEFAULT = 200, /* records in a page */
	PAGE_MOST = 1000,
	PAGE_WALK = 16384, /* records looked at for one page, so that a thin table costs no more */
};

/* Why a method failed: its code and message go into the error response. */
struct failure {
	enum rpc_code code;
	char why[CONFIG_WHY_MAX];
};

struct method {
	struct method_spec spec;
	/* The result, owned by the caller, or NULL with @failure filled. */
	json_t *(*run)(struct daemon *d, json_t *params, struct failure *failure);
};

/* --- values -------------------------------------------------------------------------------- */

static json_t *json_count(uint64_t n)
{
	return json_integer((json_int_t)n);
}

static json_t *json_endpoint(const struct endpoint *e)
{
	char text[ENDPOINT_TEXT_MAX];

	return json_string(endpoint_format(e, text));
}

static json_t *json_addr(const struct addr *a)
{
	char text[ADDR_TEXT_MAX];

	return json_string(addr_format(a, text));
}

static json_t *json_traffic(const struct traffic *t)
{
	return json_pack("{s:o, s:o}", "packets", json_count(t->packets), "bytes",
			 json_count(t->bytes));
}

static json_t *json_left(struct mono end, struct mono now)
{
	return json_integer(end.ms > now.ms ? end.ms - now.ms : 0);
}

/* The remote part of a mapping's key: null, an address or an endpoint. */
static json_t *json_remote_part(const struct mapping *m)
{
	switch ((enum mapping_behavior)m->behavior) {
	case MAPPING_ENDPOINT_INDEPENDENT:
		break;
	case MAPPING_ADDRESS_DEPENDENT:
		return json_addr(&m->remote.addr);
	case MAPPING_ADDRESS_AND_PORT_DEPENDENT:
		return json_endpoint(&m->remote);
	}
	return json_null();
}

static json_t *json_state(const struct mapping *m, const struct session *s)
{
	if (m->protocol != NAT_TCP)
		return json_null();
	return json_string(tcp_state_name((enum tcp_state)s->tcp.state));
}

static json_t *json_mapping(const struct daemon *d, uint32_t n)
{
	const struct mapping *m = mapping_at(&d->nat.mappings, n);
	const struct session *latest =
		session_at(&d->nat.sessions, nat_mapping_latest(&d->nat, n));
	struct traffic sum[2] = { m->past[0], m->past[1] };

	for (uint32_t i = m->first_session; i != NAT_NONE;) {
		const struct session *s = session_at(&d->nat.sessions, i);

		for (int side = 0; side < 2; side++) {
			sum[side].packets += s->traffic[side].packets;
			sum[side].bytes += s->traffic[side].bytes;
		}
		i = s->mapping_next;
	}
	return json_pack("{s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
			 "id", json_count(n),
			 "protocol", nat_protocol_name((enum nat_protocol)m->protocol),
			 "internal", json_endpoint(&m->internal),
			 "external", json_endpoint(&m->external),
			 "remote", json_remote_part(m),
			 "state", json_state(m, latest),
			 "sessions", json_count(m->sessions),
			 "age_ms", json_integer(d->now.ms - m->created.ms),
			 "expires_in_ms", json_left(nat_mapping_expiry(&d->nat, n), d->now),
			 "outbound", json_traffic(&sum[NAT_INTERNAL]),
			 "inbound", json_traffic(&sum[NAT_EXTERNAL]));
}

/* An ICMP query has an identifier at our end only: its remote is an address. */
static json_t *json_remote(const struct mapping *m, const struct session *s)
{
	return m->protocol == NAT_ICMP ? json_addr(&s->remote.addr) : json_endpoint(&s->remote);
}

static json_t *json_session(const struct daemon *d, uint32_t n)
{
	const struct session *s = session_at(&d->nat.sessions, n);
	const struct mapping *m = mapping_at(&d->nat.mappings, s->mapping);

	return json_pack("{s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
			 "id", json_count(n),
			 "mapping", json_count(s->mapping),
			 "protocol", nat_protocol_name((enum nat_protocol)m->protocol),
			 "internal", json_endpoint(&m->internal),
			 "external", json_endpoint(&m->external),
			 "remote", json_remote(m, s),
			 "state", json_state(m, s),
			 "age_ms", json_integer(d->now.ms - s->created.ms),
			 "expires_in_ms", json_left(session_expiry(s, &d->nat.options), d->now),
			 "outbound", json_traffic(&s->traffic[NAT_INTERNAL]),
			 "inbound", json_traffic(&s->traffic[NAT_EXTERNAL]));
}

/* --- parameters ---------------------------------------------------------------------------- */

static json_t *fail(struct failure *failure, enum rpc_code code, const char *why)
{
	failure->code = code;
	snprintf(failure->why, sizeof(failure->why), "%s", why);
	return NULL;
}

/* Parameters of these names only: a misspelt one is an error, not a default. */
static bool only_parameters(json_t *params, const char *const *names, struct failure *failure)
{
	const char *key;
	json_t *value;

	json_object_foreach(params, key, value) {
		const char *const *name = names;

		while (*name != NULL && strcmp(*name, key) != 0)
			name++;
		if (*name != NULL)
			continue;
		failure->code = RPC_INVALID_PARAMS;
		snprintf(failure->why, sizeof(failure->why), "no parameter '%.64s' here", key);
		return false;
	}
	return true;
}

static const char *const no_parameters[] = { NULL };

/* An optional whole number from @least to @most. */
static bool number_parameter(json_t *params, const char *name, json_int_t least, json_int_t most,
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
	failure->code = RPC_INVALID_PARAMS;
	snprintf(failure->why, sizeof(failure->why),
		 "%s: a whole number from %" JSON_INTEGER_FORMAT " to %" JSON_INTEGER_FORMAT
		 " is needed", name, least, most);
	return false;
}

/* --- lists --------------------------------------------------------------------------------- */

/* One page of the live records of @arena from record `cursor` on, under the name @what. */
static json_t *list(const struct daemon *d, const struct arena *arena, const char *what,
		    json_t *(*describe)(const struct daemon *d, uint32_t n), json_t *params,
		    struct failure *failure)
{
	static const char *const names[] = { "cursor", "limit", NULL };
	uint32_t n = 0, limit = PAGE_DEFAULT, walked = 0;
	json_t *page;

	if (!only_parameters(params, names, failure) ||
	    !number_parameter(params, "cursor", 0, UINT32_MAX, &n, failure) ||
	    !number_parameter(params, "limit", 1, PAGE_MOST, &limit, failure))
		return NULL;
	page = json_array();
	for (; n < arena->used && limit > 0 && walked < PAGE_WALK; n++, walked++) {
		if (!arena_is_live(arena, n))
			continue;
		json_array_append_new(page, describe(d, n));
		limit--;
	}
	return json_pack("{s:o, s:o}", what, page, "next",
			 n < arena->used ? json_count(n) : json_null());
}

static json_t *mappings_list(struct daemon *d, json_t *params, struct failure *failure)
{
	return list(d, &d->nat.mappings.arena, "mappings", json_mapping, params, failure);
}

static json_t *sessions_list(struct daemon *d, json_t *params, struct failure *failure)
{
	return list(d, &d->nat.sessions.arena, "sessions", json_session, params, failure);
}

/* --- status and counters ------------------------------------------------------------------- */

static json_t *json_usage(const struct arena *a)
{
	return json_pack("{s:o, s:o}", "live", json_count(a->live), "limit", json_count(a->limit));
}

static json_t *status_get(struct daemon *d, json_t *params, struct failure *failure)
{
	const struct ports *ports = &d->nat.ports;
	json_t *external;

	if (!only_parameters(params, no_parameters, failure))
		return NULL;
	external = json_array();
	for (uint32_t i = 0; i < ports->count; i++)
		json_array_append_new(external, json_addr(&ports->addresses[i]));
	return json_pack("{s:s, s:o, s:o, s:s, s:s, s:o, s:o, s:o, s:{s:i, s:o, s:o, s:o, s:o}}",
			 "version", NATEM_VERSION,
			 "pid", json_integer(getpid()),
			 "uptime_ms", json_integer(d->now.ms - d->started.ms),
			 "lan", d->asked.lan,
			 "wan", d->asked.wan,
			 "external", external,
			 "mappings", json_usage(&d->nat.mappings.arena),
			 "sessions", json_usage(&d->nat.sessions.arena),
			 "queue",
				 "number", (int)d->queue.number,
				 "packets", json_count(d->queue.packets),
				 "batches", json_count(d->queue.batches),
				 "overruns", json_count(d->queue.overruns),
				 "lost_verdicts", json_count(d->queue.lost_verdicts));
}

static json_t *counters_get(struct daemon *d, json_t *params, struct failure *failure)
{
	json_t *counters;

	if (!only_parameters(params, no_parameters, failure))
		return NULL;
	counters = json_object();
	for (unsigned int i = 0; i < REASON_COUNT; i++) {
		const struct reason_spec *spec = reason_spec((enum nat_reason)i);

		json_object_set_new(counters, spec->name,
				    json_pack("{s:o, s:b, s:s, s:s}", "value",
					      json_count(d->nat.counters[i]), "drop", spec->drop,
					      "meaning", spec->explanation, "clause", spec->clause));
	}
	return json_pack("{s:o}", "counters", counters);
}

/* --- knobs --------------------------------------------------------------------------------- */

static json_t *json_option(const struct options *o, enum option_id id)
{
	const struct option_spec *spec = option_spec(id);
	char value[OPTIONS_TEXT_MAX], allowed[OPTIONS_TEXT_MAX];

	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "value", options_format(o, id, value),
			 "default", spec->initial, "allowed", option_allowed(id, allowed), "unit",
			 spec->unit != NULL ? spec->unit : "", "meaning", spec->meaning, "clause",
			 spec->clause != NULL ? spec->clause : "");
}

/* Is @key among the strings of @keys? Without @keys, every knob is asked for. */
static bool asked_for(json_t *keys, const char *key)
{
	json_t *name;
	size_t i;

	if (keys == NULL)
		return true;
	json_array_foreach(keys, i, name)
		if (json_is_string(name) && strcmp(json_string_value(name), key) == 0)
			return true;
	return false;
}

/* Each of @keys a string that names a knob? */
static bool known_keys(const struct options *o, json_t *keys, struct failure *failure)
{
	struct options scratch = *o;
	json_t *name;
	size_t i;

	failure->code = RPC_INVALID_PARAMS;
	if (keys != NULL && !json_is_array(keys)) {
		fail(failure, RPC_INVALID_PARAMS, "keys: an array of knob names is needed");
		return false;
	}
	json_array_foreach(keys, i, name) {
		if (!json_is_string(name)) {
			fail(failure, RPC_INVALID_PARAMS, "keys: an array of knob names is needed");
			return false;
		}
		/* No value is the empty string: an unknown name is the only -ENOENT. */
		if (options_set(&scratch, json_string_value(name), "", failure->why,
				sizeof(failure->why)) == -ENOENT)
			return false;
	}
	return true;
}

static json_t *options_get(struct daemon *d, json_t *params, struct failure *failure)
{
	static const char *const names[] = { "keys", NULL };
	json_t *keys = json_object_get(params, "keys"), *options;

	if (!only_parameters(params, names, failure) || !known_keys(&d->asked, keys, failure))
		return NULL;
	options = json_object();
	for (unsigned int id = 0; id < OPTION_COUNT; id++) {
		const char *key = option_spec((enum option_id)id)->key;

		if (asked_for(keys, key))
			json_object_set_new(options, key,
					    json_option(&d->asked, (enum option_id)id));
	}
	return json_pack("{s:o}", "options", options);
}

/* Apply @changes to @o; numbers are taken as their text. */
static bool apply_changes(struct options *o, json_t *changes, struct failure *failure)
{
	const char *key;
	json_t *value;

	failure->code = RPC_INVALID_PARAMS;
	if (!json_is_object(changes) || json_object_size(changes) == 0)
		return fail(failure, RPC_INVALID_PARAMS,
			    "options: an object of KEY: VALUE is needed") != NULL;
	json_object_foreach(changes, key, value) {
		char number[32];
		const char *text = json_string_value(value);

		if (json_is_integer(value)) {
			snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT,
				 json_integer_value(value));
			text = number;
		}
		if (text == NULL) {
			snprintf(failure->why, sizeof(failure->why),
				 "%.64s: a string or a whole number is needed", key);
			return false;
		}
		if (presets_set(o, key, text, failure->why, sizeof(failure->why)) < 0)
			return false;
	}
	return true;
}

/* The knobs whose value differs, with their new value. */
static json_t *changed(const struct options *before, const struct options *after)
{
	char old[OPTIONS_TEXT_MAX], new[OPTIONS_TEXT_MAX];
	json_t *result = json_object();

	for (unsigned int id = 0; id < OPTION_COUNT; id++)
		if (strcmp(options_format(before, (enum option_id)id, old),
			   options_format(after, (enum option_id)id, new)) != 0)
			json_object_set_new(result, option_spec((enum option_id)id)->key,
					    json_string(new));
	return result;
}

static json_t *options_change(struct daemon *d, json_t *params, struct failure *failure)
{
	static const char *const names[] = { "options", NULL };
	struct options before = d->asked, wanted = d->asked;

	if (!only_parameters(params, names, failure) ||
	    !apply_changes(&wanted, json_object_get(params, "options"), failure))
		return NULL;
	if (options_check(&wanted, failure->why, sizeof(failure->why)) < 0)
		return NULL;
	failure->code = RPC_FAILED;
	if (daemon_configure(d, &wanted, failure->why, sizeof(failure->why)) < 0)
		return NULL;
	return json_pack("{s:o}", "changed", changed(&before, &d->asked));
}

/* --- the table ----------------------------------------------------------------------------- */

static json_t *methods_list(struct daemon *d, json_t *params, struct failure *failure);

static const struct method methods[] = {
	{ { "status.get", "", "version, interfaces, table use, queue figures" }, status_get },
	{ { "mappings.list", "cursor, limit", "a page of the mapping table" }, mappings_list },
	{ { "sessions.list", "cursor, limit", "a page of the session table" }, sessions_list },
	{ { "counters.get", "", "packets by reason, with what each means" }, counters_get },
	{ { "options.get", "keys", "knobs with value, default and meaning" }, options_get },
	{ { "options.set", "options", "change knobs, all or none" }, options_change },
	{ { "methods.list", "", "this table" }, methods_list },
};

enum { METHODS = sizeof(methods) / sizeof(methods[0]) };

const struct method_spec *method_spec(unsigned int index)
{
	return index < METHODS ? &methods[index].spec : NULL;
}

static json_t *methods_list(struct daemon *d, json_t *params, struct failure *failure)
{
	json_t *all;

	(void)d;
	if (!only_parameters(params, no_parameters, failure))
		return NULL;
	all = json_array();
	for (unsigned int i = 0; i < METHODS; i++)
		json_array_append_new(all, json_pack("{s:s, s:s, s:s}", "name", methods[i].spec.name,
						     "parameters", methods[i].spec.parameters,
						     "meaning", methods[i].spec.meaning));
	return json_pack("{s:o}", "methods", all);
}

static const struct method *find_method(const char *name)
{
	for (unsigned int i = 0; i < METHODS; i++)
		if (strcmp(methods[i].spec.name, name) == 0)
			return &methods[i];
	return NULL;
}

static json_t *run(struct daemon *d, const struct rpc_request *request)
{
	const struct method *method = find_method(request->method);
	struct failure failure = { .code = RPC_FAILED };
	json_t *result;

	if (method == NULL)
		return rpc_error(request->id, RPC_METHOD_NOT_FOUND,
				 "no such method; methods.list names them");
	result = method->run(d, request->params, &failure);
	if (result == NULL)
		return rpc_error(request->id, failure.code, failure.why);
	if (request->id == NULL) {
		json_decref(result);
		return NULL;
	}
	return rpc_result(request->id, result);
}

json_t *methods_answer(struct daemon *d, const char *line, size_t length)
{
	struct rpc_request request;
	json_t *answer = rpc_parse(line, length, &request);

	if (answer != NULL)
		return answer;
	answer = run(d, &request);
	if (request.id == NULL && answer != NULL) { /* a notification is not answered, not even no */
		json_decref(answer);
		answer = NULL;
	}
	rpc_request_fini(&request);
	return answer;
}
