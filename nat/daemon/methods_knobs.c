/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * methods_knobs.c - the knobs, read and changed, and the presets
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "nat/core/presets.h"
#include "nat/daemon/methods_parts.h"
#include "nat/json/preset_list.h"

static json_t *json_option(const struct options *o, enum option_id id)
{
	const struct option_spec *spec = option_spec(id);
	char text[OPTIONS_TEXT_MAX];
	json_t *option = json_object();

	member_put_text(option, "value", options_format(o, id, text));
	member_put_text(option, "default", spec->initial);
	member_put_text(option, "allowed", option_allowed(id, text));
	member_put_text(option, "unit", spec->unit);
	member_put_text(option, "meaning", spec->meaning);
	member_put_text(option, "clause", spec->clause);
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
		if (strcmp(json_string_value(name), key) == 0)
			return true;
	return false;
}

/* Each of @keys the name of a knob? */
static bool known_keys(const struct options *o, json_t *keys, struct failure *failure)
{
	struct options scratch = *o;
	json_t *name;
	size_t i;

	failure->code = RPC_INVALID_PARAMS;
	json_array_foreach(keys, i, name) {
		if (strcmp(json_string_value(name), presets_key) == 0) {
			failure_set(failure, RPC_INVALID_PARAMS,
				    "nat.preset can only be set: it changes many knobs, which can "
				    "be got");
			return false;
		}
		/* No value is the empty string: an unknown name is the only -ENOENT. */
		if (options_set(&scratch, json_string_value(name), "", failure->why,
				sizeof(failure->why)) == -ENOENT)
			return false;
	}
	return true;
}

json_t *method_options_get(struct daemon *d, json_t *params, struct failure *failure)
{
	json_t *keys = json_object_get(params, "keys"), *options;

	if (!known_keys(&d->asked, keys, failure))
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
	if (json_object_size(changes) == 0)
		return failure_set(failure, RPC_INVALID_PARAMS,
				   "options: an object of KEY: VALUE is needed") != NULL;
	json_object_foreach(changes, key, value) {
		char number[NUMBER_TEXT];
		const char *text = text_of_json(value, number);

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

json_t *method_options_set(struct daemon *d, json_t *params, struct failure *failure)
{
	struct options before = d->asked, wanted = d->asked;
	int err;

	if (!apply_changes(&wanted, json_object_get(params, "options"), failure))
		return NULL;
	if (options_check(&wanted, failure->why, sizeof(failure->why)) < 0)
		return NULL;
	failure->code = RPC_FAILED;
	d->preset =
		json_string_value(json_object_get(json_object_get(params, "options"), presets_key));
	err = daemon_configure(d, &wanted, failure->why, sizeof(failure->why));
	d->preset = NULL;
	if (err < 0)
		return NULL;
	return json_pack("{s:o}", "changed", changed(&before, &d->asked));
}

json_t *method_presets_list(struct daemon *d, json_t *params, struct failure *failure)
{
	(void)d;
	(void)params;
	(void)failure;
	return preset_list();
}
