/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/json/preset_list.h"

#include <stdbool.h>
#include <string.h>

#include "nat/core/presets.h"

/* What describes the machine: presets_set() leaves it alone. */
static bool is_of_machine(const char *key)
{
	static const char *const keys[] = {
		"nat.lan",	    "nat.wan",		"nat.external",
		"nat.max-mappings", "nat.max-sessions", "nat.seed",
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strcmp(keys[i], key) == 0)
			return true;
	return false;
}

static json_t *knobs_of(const struct options *o)
{
	char value[OPTIONS_TEXT_MAX];
	json_t *knobs = json_object();

	for (unsigned int id = 0; id < OPTION_COUNT; id++) {
		const char *key = option_spec((enum option_id)id)->key;

		if (!is_of_machine(key))
			json_object_set_new(
				knobs, key,
				json_string(options_format(o, (enum option_id)id, value)));
	}
	return knobs;
}

static json_t *json_preset(const struct preset_spec *spec)
{
	struct options o;
	char why[512];

	options_init(&o);
	presets_set(&o, presets_key, spec->name, why, sizeof(why)); /* its name is one it has */
	return json_pack("{s:s, s:s, s:s, s:o}", "name", spec->name, "meaning", spec->meaning,
			 "source", spec->source, "options", knobs_of(&o));
}

json_t *preset_list(void)
{
	json_t *presets = json_array();

	for (unsigned int i = 0; preset_spec(i) != NULL; i++)
		json_array_append_new(presets, json_preset(preset_spec(i)));
	return json_pack("{s:o}", "presets", presets);
}
