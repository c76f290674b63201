/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * protocol_check.c - values held against the tables, and the words for what does not fit
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "nat/daemon/methods_parts.h"

const char *protocol_value(const struct member *m, unsigned int n)
{
	if (m->values != NULL)
		return m->values[n];
	return m->type != NULL && m->type->value_at != NULL ? m->type->value_at(n) : NULL;
}

/* --- what is allowed, in words -------------------------------------------------------------- */

static const char *text_of_kind(unsigned int value)
{
	if (value & VALUE_LIST)
		return "an array is needed";
	if (value & (VALUE_MAP | VALUE_OBJECT))
		return "an object is needed";
	if (value & VALUE_INTEGER)
		return "a whole number is needed";
	if (value & VALUE_NUMBER)
		return "a number is needed";
	if (value & VALUE_TRUE)
		return "true is needed";
	if (value & VALUE_BOOLEAN)
		return "true or false is needed";
	return "a string is needed";
}

/* "udp, tcp, icmp or other is needed" */
static void list_values(const struct member *m, char *text, size_t size)
{
	size_t used = 0;

	for (unsigned int n = 0; protocol_value(m, n) != NULL && used < size; n++) {
		bool last = protocol_value(m, n + 1) == NULL;

		used += (size_t)snprintf(text + used, size - used, "%s%s%s",
					 n == 0 ? ""
					 : last ? " or "
						: ", ",
					 protocol_value(m, n), last ? " is needed" : "");
	}
}

static bool refuse(const struct member *m, const json_t *given, struct failure *failure)
{
	char needed[sizeof(failure->why)];
	const char *not = NULL;

	if (m->needed != NULL) {
		snprintf(needed, sizeof(needed), "%s", m->needed);
	} else if (m->type != NULL && m->type->needed != NULL) {
		snprintf(needed, sizeof(needed), "%s", m->type->needed);
	} else if (protocol_value(m, 0) != NULL) {
		list_values(m, needed, sizeof(needed));
		not = json_string_value(given);
	} else if (m->most != 0) {
		snprintf(needed, sizeof(needed),
			 "a whole number from %" PRId64 " to %" PRId64 " is needed", m->least,
			 m->most);
	} else {
		snprintf(needed, sizeof(needed), "%s", text_of_kind(m->value));
	}
	failure_set(failure, RPC_INVALID_PARAMS, "%s: %.800s%s%.64s%s", m->name, needed,
		    not != NULL ? ", not '" : "", not != NULL ? not : "", not != NULL ? "'" : "");
	return false;
}

/* --- values --------------------------------------------------------------------------------- */

static bool fits_text(const struct member *m, const char *text)
{
	bool named = m->type != NULL && m->type->members == NULL;

	for (unsigned int n = 0; protocol_value(m, n) != NULL; n++)
		if (strcmp(protocol_value(m, n), text) == 0)
			return true;
	if (protocol_value(m, 0) != NULL || (!named && !(m->value & VALUE_TEXT)))
		return false;
	return !named || m->type->fits == NULL || m->type->fits(text);
}

static bool fits_integer(const struct member *m, json_int_t n)
{
	return m->value & VALUE_NUMBER ||
	       (m->value & VALUE_INTEGER && n >= m->least && (m->most == 0 || n <= m->most));
}

/* One value, be it of a list or alone. */
static bool fits(const struct member *m, json_t *value, struct failure *failure)
{
	bool members = m->type != NULL && m->type->members != NULL;

	switch (json_typeof(value)) {
	case JSON_NULL:
		return m->value & VALUE_NULL;
	case JSON_TRUE:
		return m->value & (VALUE_BOOLEAN | VALUE_TRUE);
	case JSON_FALSE:
		return m->value & VALUE_BOOLEAN;
	case JSON_INTEGER:
		return fits_integer(m, json_integer_value(value));
	case JSON_REAL:
		return m->value & VALUE_NUMBER;
	case JSON_STRING:
		return fits_text(m, json_string_value(value));
	case JSON_OBJECT:
		return m->value & VALUE_OBJECT ||
		       (members && protocol_check(m->type->members, value, failure));
	case JSON_ARRAY:
		break;
	}
	return false;
}

static bool fits_each(const struct member *m, json_t *value, struct failure *failure)
{
	const char *name;
	json_t *each;
	size_t i;

	if (m->value & VALUE_LIST ? !json_is_array(value) : !json_is_object(value))
		return false;
	json_array_foreach(value, i, each)
		if (!fits(m, each, failure))
			return false;
	json_object_foreach(value, name, each)
		if (!fits(m, each, failure))
			return false;
	return true;
}

static bool check_member(const struct member *m, json_t *value, struct failure *failure)
{
	bool good;

	if (value == NULL && m->value & VALUE_OPTIONAL)
		return true;
	*failure->why = '\0';
	if (value == NULL)
		good = false;
	else if (m->value & (VALUE_LIST | VALUE_MAP))
		good = fits_each(m, value, failure);
	else
		good = fits(m, value, failure);
	/* What is wrong within an object is said already. */
	return good || (*failure->why == '\0' && refuse(m, value, failure));
}

bool protocol_check(const struct member *members, json_t *object, struct failure *failure)
{
	const struct member *m;
	const char *name;
	json_t *value;

	json_object_foreach(object, name, value) {
		for (m = members; m->name != NULL && strcmp(m->name, name) != 0;)
			m++;
		if (m->name != NULL)
			continue;
		failure_set(failure, RPC_INVALID_PARAMS, "no parameter '%.64s' here", name);
		return false;
	}
	for (m = members; m->name != NULL; m++)
		if (!check_member(m, json_object_get(object, m->name), failure))
			return false;
	return true;
}

void protocol_complete(const struct member *members, json_t *params)
{
	for (const struct member *m = members; m->name != NULL; m++)
		if (m->initial != NULL && json_object_get(params, m->name) == NULL)
			json_object_set_new(params, m->name,
					    json_loads(m->initial, JSON_DECODE_ANY, NULL));
}
