/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * methods_describe.c - the protocol's table as JSON Schema (draft 2020-12)
 *
 * An object takes no members but its own, so that a schema finds what is new as well as what is gone.
 */
#include <stdio.h>

#include "nat/daemon/methods_parts.h"

static json_t *json_of_members(const struct member *members, json_t *types);

/* The texts that @m may be, and null where it may be that; NULL where it may be any. */
static json_t *json_of_values(const struct member *m)
{
	json_t *values;

	if (protocol_value(m, 0) == NULL)
		return NULL;
	values = json_array();
	for (unsigned int n = 0; protocol_value(m, n) != NULL; n++)
		json_array_append_new(values, json_string(protocol_value(m, n)));
	if (m->value & VALUE_NULL)
		json_array_append_new(values, json_null());
	return values;
}

/* A type goes into @types when it is first met. */
static void put_type(const struct type *type, json_t *types)
{
	const struct member values = { .type = type };
	json_t *schema;

	if (json_object_get(types, type->name) != NULL)
		return;
	member_put(types, type->name, json_null()); /* its place: in the order of use */
	schema = type->members != NULL ? json_of_members(type->members, types)
				       : json_pack("{s:s, s:o*}", "type", "string", "enum",
						   json_of_values(&values));
	member_put_text(schema, "description", type->meaning);
	member_put(types, type->name, schema);
}

/* "type": one name or several. */
static void put_kinds(json_t *schema, unsigned int value)
{
	static const struct {
		unsigned int bit;
		const char *name;
	} kinds[] = {
		{ VALUE_BOOLEAN | VALUE_TRUE, "boolean" },
		{ VALUE_NUMBER, "number" },
		{ VALUE_INTEGER, "integer" },
		{ VALUE_TEXT, "string" },
		{ VALUE_OBJECT, "object" },
		{ VALUE_NULL, "null" },
	};
	json_t *names = json_array();

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (value & kinds[i].bit)
			json_array_append_new(names, json_string(kinds[i].name));
	if (json_array_size(names) == 1)
		json_object_set(schema, "type", json_array_get(names, 0));
	else
		json_object_set(schema, "type", names);
	json_decref(names);
}

/* What is not of a named type. */
static json_t *json_of_plain(const struct member *m)
{
	json_t *schema = json_object(), *values = m->type == NULL ? json_of_values(m) : NULL;

	put_kinds(schema, m->value);
	if (m->value & VALUE_TRUE)
		values = json_pack("[b]", true);
	if (values != NULL)
		member_put(schema, "enum", values);
	if (m->value & VALUE_INTEGER && m->least != INT64_MIN)
		member_put(schema, "minimum", json_integer(m->least));
	if (m->value & VALUE_INTEGER && m->most != 0)
		member_put(schema, "maximum", json_integer(m->most));
	return schema;
}

/* One value of @m, be it of a list or alone. */
static json_t *json_of_one(const struct member *m, json_t *types)
{
	char path[64];
	json_t *reference;

	if (m->type == NULL)
		return json_of_plain(m);
	put_type(m->type, types);
	snprintf(path, sizeof(path), "#/types/%s", m->type->name);
	reference = json_pack("{s:s}", "$ref", path);
	if (!(m->value & VALUE_ANY))
		return reference;
	return json_pack("{s:[o, o]}", "anyOf", reference, json_of_plain(m));
}

static json_t *json_of_member(const struct member *m, json_t *types)
{
	json_t *schema = json_of_one(m, types);

	if (m->value & VALUE_LIST)
		schema = json_pack("{s:s, s:o}", "type", "array", "items", schema);
	else if (m->value & VALUE_MAP)
		schema = json_pack("{s:s, s:o}", "type", "object", "additionalProperties", schema);
	member_put_text(schema, "description", m->meaning);
	if (m->initial != NULL)
		member_put(schema, "default", json_loads(m->initial, JSON_DECODE_ANY, NULL));
	return schema;
}

static json_t *json_of_members(const struct member *members, json_t *types)
{
	json_t *properties = json_object(), *required = json_array();

	for (const struct member *m = members; m->name != NULL; m++) {
		member_put(properties, m->name, json_of_member(m, types));
		if (!(m->value & VALUE_OPTIONAL))
			json_array_append_new(required, json_string(m->name));
	}
	return json_pack("{s:s, s:o, s:o, s:b}", "type", "object", "properties", properties,
			 "required", required, "additionalProperties", false);
}

static json_t *json_of_method(const struct method *method, json_t *types)
{
	json_t *json = json_object(), *codes = json_pack("[i]", RPC_INVALID_PARAMS);
	json_t *notifications = json_array();

	if (method->failure != NULL)
		json_array_append_new(codes, json_integer(RPC_FAILED));
	member_put_text(json, "meaning", method->meaning);
	member_put(json, "params", json_of_members(method->parameters, types));
	member_put(json, "result", json_of_members(method->result, types));
	member_put(json, "errors", codes);
	member_put(json, "failure",
		   method->failure != NULL ? json_string(method->failure) : json_null());
	for (const struct notification *s = method->stream; s != NULL; s = s->also)
		json_array_append_new(notifications, json_string(s->name));
	member_put(json, "notifications", notifications);
	return json;
}

static json_t *json_of_notification(const struct notification *n, json_t *types)
{
	return json_pack("{s:s, s:o}", "meaning", n->meaning, "params",
			 json_of_members(n->parameters, types));
}

static json_t *json_of_errors(void)
{
	json_t *errors = json_array();
	const struct error_code *error;

	for (unsigned int n = 0; (error = protocol_error(n)) != NULL; n++)
		json_array_append_new(errors, json_pack("{s:i, s:s}", "code", error->code,
							"meaning", error->meaning));
	return errors;
}

json_t *method_system_describe(struct daemon *d, json_t *params, struct failure *failure)
{
	json_t *methods = json_object(), *notifications = json_object(), *types = json_object();
	const struct method *m;

	(void)d;
	(void)params;
	(void)failure;
	for (unsigned int n = 0; (m = protocol_method(n)) != NULL; n++) {
		member_put(methods, m->name, json_of_method(m, types));
		for (const struct notification *s = m->stream; s != NULL; s = s->also)
			member_put(notifications, s->name, json_of_notification(s, types));
	}
	return json_pack("{s:i, s:s, s:o, s:o, s:o, s:o}", "protocol", PROTOCOL_VERSION, "version",
			 NATEM_VERSION, "methods", methods, "notifications", notifications,
			 "errors", json_of_errors(), "types", types);
}
