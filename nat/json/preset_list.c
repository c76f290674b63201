/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/json/preset_list.h"

#include "nat/core/presets.h"

static json_t *knobs_of(const struct options *o)
{
	char value[OPTIONS_TEXT_MAX];
	json_t *knobs = json_object();

	for (unsigned int id = 0; id < OPTION_COUNT; id++) {
		const struct option_spec *spec = option_spec((enum option_id)id);

		if (!spec->machine)
			json_object_set_new(
				knobs, spec->key,
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
	return json_pack("{s:s, s:s, s:s, s:s, s:o}", "name", spec->name, "meaning", spec->meaning,
			 "source", spec->source, "unverified", spec->unverified, "options",
			 knobs_of(&o));
}

json_t *preset_list(void)
{
	json_t *presets = json_array();

	for (unsigned int i = 0; preset_spec(i) != NULL; i++)
		json_array_append_new(presets, json_preset(preset_spec(i)));
	return json_pack("{s:o}", "presets", presets);
}
