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

/* Add a member; @value is taken. */
static void put(json_t *object, const char *name, json_t *value)
{
	json_object_set_new(object, name, value);
}

static void put_text(json_t *object, const char *name, const char *text)
{
	put(object, name, json_string(text));
}

static json_t *json_traffic(const struct traffic *t)
{
	json_t *traffic = json_object();

	put(traffic, "packets", json_count(t->packets));
	put(traffic, "bytes", json_count(t->bytes));
	return traffic;
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

static void add_traffic(struct traffic sum[2], const struct traffic more[2])
{
	for (int side = 0; side < 2; side++) {
		sum[side].packets += more[side].packets;
		sum[side].bytes += more[side].bytes;
	}
}

/* What mappings and sessions are both told by. */
static json_t *json_record(uint32_t n, const struct mapping *m, json_t *remote, json_t *state)
{
	json_t *record = json_object();

	put(record, "id", json_count(n));
	put_text(record, "protocol", nat_protocol_name((enum nat_protocol)m->protocol));
	put(record, "internal", json_endpoint(&m->internal));
	put(record, "external", json_endpoint(&m->external));
	put(record, "remote", remote);
	put(record, "state", state);
	return record;
}

static void put_life(json_t *record, struct mono created, struct mono end, struct mono now,
		     const struct traffic traffic[2])
{
	put(record, "age_ms", json_integer(now.ms - created.ms));
	put(record, "expires_in_ms", json_integer(end.ms > now.ms ? end.ms - now.ms : 0));
	put(record, "outbound", json_traffic(&traffic[NAT_INTERNAL]));
	put(record, "inbound", json_traffic(&traffic[NAT_EXTERNAL]));
}

static json_t *json_mapping(const struct daemon *d, uint32_t n)
{
	const struct mapping *m = mapping_at(&d->nat.mappings, n);
	const struct session *s = session_at(&d->nat.sessions, nat_mapping_latest(&d->nat, n));
	json_t *record = json_record(n, m, json_remote_part(m), json_state(m, s));
	struct traffic sum[2] = { m->past[0], m->past[1] };

	for (uint32_t i = m->first_session; i != NAT_NONE; i = s->mapping_next) {
		s = session_at(&d->nat.sessions, i);
		add_traffic(sum, s->traffic);
	}
	put(record, "sessions", json_count(m->sessions));
	put_life(record, m->created, nat_mapping_expiry(&d->nat, n), d->now, sum);
	return record;
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
	json_t *record = json_record(n, m, json_remote(m, s), json_state(m, s));

	put(record, "mapping", json_count(s->mapping));
	put_life(record, s->created, session_expiry(s, &d->nat.options), d->now, s->traffic);
	return record;
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
		 " is needed",
		 name, least, most);
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
	json_t *usage = json_object();

	put(usage, "live", json_count(a->live));
	put(usage, "limit", json_count(a->limit));
	return usage;
}

static json_t *json_queue(const struct queue *q)
{
	json_t *queue = json_object();

	put(queue, "number", json_count(q->number));
	put(queue, "packets", json_count(q->packets));
	put(queue, "batches", json_count(q->batches));
	put(queue, "overruns", json_count(q->overruns));
	put(queue, "lost_verdicts", json_count(q->lost_verdicts));
	return queue;
}

static json_t *json_pool(const struct ports *ports)
{
	json_t *pool = json_array();

	for (uint32_t i = 0; i < ports->count; i++)
		json_array_append_new(pool, json_addr(&ports->addresses[i]));
	return pool;
}

static json_t *status(struct daemon *d, json_t *params, struct failure *failure)
{
	json_t *result;

	if (!only_parameters(params, no_parameters, failure))
		return NULL;
	result = json_object();
	put_text(result, "version", NATEM_VERSION);
	put(result, "pid", json_integer(getpid()));
	put(result, "uptime_ms", json_integer(d->now.ms - d->started.ms));
	put_text(result, "lan", d->asked.lan);
	put_text(result, "wan", d->asked.wan);
	put(result, "external", json_pool(&d->nat.ports));
	put(result, "mappings", json_usage(&d->nat.mappings.arena));
	put(result, "sessions", json_usage(&d->nat.sessions.arena));
	put(result, "queue", json_queue(&d->queue));
	return result;
}

static json_t *json_counter(const struct reason_spec *spec, uint64_t value)
{
	json_t *counter = json_object();

	put(counter, "value", json_count(value));
	put(counter, "drop", json_boolean(spec->drop));
	put_text(counter, "meaning", spec->explanation);
	put_text(counter, "clause", spec->clause);
	return counter;
}

static json_t *counters_get(struct daemon *d, json_t *params, struct failure *failure)
{
	json_t *counters;

	if (!only_parameters(params, no_parameters, failure))
		return NULL;
	counters = json_object();
	for (unsigned int i = 0; i < REASON_COUNT; i++) {
		const struct reason_spec *spec = reason_spec((enum nat_reason)i);

		put(counters, spec->name, json_counter(spec, d->nat.counters[i]));
	}
	return json_pack("{s:o}", "counters", counters);
}

/* --- knobs --------------------------------------------------------------------------------- */

static json_t *json_option(const struct options *o, enum option_id id)
{
	const struct option_spec *spec = option_spec(id);
	char text[OPTIONS_TEXT_MAX];
	json_t *option = json_object();

	put_text(option, "value", options_format(o, id, text));
	put_text(option, "default", spec->initial);
	put_text(option, "allowed", option_allowed(id, text));
	put_text(option, "unit", spec->unit);
	put_text(option, "meaning", spec->meaning);
	put_text(option, "clause", spec->clause);
	return option;
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
		if (strcmp(json_string_value(name), presets_key) == 0) {
			fail(failure, RPC_INVALID_PARAMS,
			     "nat.preset can only be set: it changes many knobs, which can be got");
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

static const struct method methods[] = {
	{ { "status", "", "version, interfaces, table use, queue figures" }, status },
	{ { "mappings.list", "cursor, limit", "a page of the mapping table" }, mappings_list },
	{ { "sessions.list", "cursor, limit", "a page of the session table" }, sessions_list },
	{ { "counters.get", "", "packets by reason, with what each means" }, counters_get },
	{ { "options.get", "keys", "knobs with value, default and meaning" }, options_get },
	{ { "options.set", "options", "change knobs, all or none" }, options_change },
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
	char why[256] = "no such method; there are:";
	size_t used = strlen(why);

	for (unsigned int i = 0; i < METHODS; i++)
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
