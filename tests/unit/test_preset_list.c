/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The presets as JSON: all of them, whole, and with values that make the same NAT again. */
#include "nat/json/preset_list.h"
#include "tests/unit/lab.h"

static void assert_member(const json_t *object, const char *name, const char *wanted)
{
	assert_non_null(json_object_get(object, name));
	assert_string_equal(json_string_value(json_object_get(object, name)), wanted);
}

/* The preset at @i of @list. */
static json_t *preset_at(json_t *list, unsigned int i)
{
	return json_array_get(json_object_get(list, "presets"), i);
}

static void test_list_has_every_preset_with_meaning_and_source(void **state)
{
	json_t *list = preset_list();
	unsigned int i = 0;

	(void)state;
	assert_int_equal(json_object_size(list), 1);
	for (; preset_spec(i) != NULL; i++) {
		json_t *preset = preset_at(list, i);

		assert_int_equal(json_object_size(preset), 5);
		assert_member(preset, "name", preset_spec(i)->name);
		assert_member(preset, "meaning", preset_spec(i)->meaning);
		assert_member(preset, "source", preset_spec(i)->source);
		assert_member(preset, "unverified", preset_spec(i)->unverified);
	}
	assert_int_equal(json_array_size(json_object_get(list, "presets")), i);
	json_decref(list);
}

/* Its knobs, set one by one, make what the preset makes. */
static void test_listed_knobs_make_the_preset(void **state)
{
	json_t *list = preset_list(), *value;
	const char *key;

	(void)state;
	for (unsigned int i = 0; preset_spec(i) != NULL; i++) {
		struct options by_name, by_knobs;

		options_init(&by_name);
		options_init(&by_knobs);
		lab_value(&by_name, "nat.preset", preset_spec(i)->name);
		json_object_foreach(json_object_get(preset_at(list, i), "options"), key, value)
			lab_value(&by_knobs, key, json_string_value(value));
		assert_memory_equal(&by_name, &by_knobs, sizeof(by_name));
	}
	json_decref(list);
}

/* A knob that a preset leaves alone is not listed, and every other is. */
static void test_list_leaves_out_what_a_preset_leaves_alone(void **state)
{
	static const char *const alone[][2] = {
		{ "nat.lan", "inner" },
		{ "nat.wan", "outer" },
		{ "nat.external", "192.0.2.7" },
		{ "nat.reserved-ports", "22" },
		{ "nat.forwards", "tcp:80=192.168.1.2:80" },
		{ "nat.one-to-one", "192.0.2.8=192.168.1.3" },
		{ "nat.dmz", "192.168.1.4" },
		{ "nat.exempt", "198.51.100.1" },
		{ "nat.max-mappings", "12" },
		{ "nat.max-sessions", "34" },
		{ "nat.internal", "10.0.0.1-10.0.0.9" },
		{ "nat.seed", "56" },
		{ "log.file", "/var/log/x" },
		{ "log.syslog", "on" },
		{ "log.destinations", "on" },
	};
	enum { ALONE = sizeof(alone) / sizeof(alone[0]) };
	json_t *list = preset_list();
	const json_t *knobs = json_object_get(preset_at(list, 0), "options");
	struct options o;

	(void)state;
	options_init(&o);
	for (int i = 0; i < ALONE; i++)
		lab_value(&o, alone[i][0], alone[i][1]);
	lab_value(&o, "nat.preset", preset_spec(0)->name);
	for (unsigned int id = 0; id < OPTION_COUNT; id++) {
		const char *key = option_spec((enum option_id)id)->key;
		char value[OPTIONS_TEXT_MAX];
		bool stays = false;

		for (int i = 0; i < ALONE; i++)
			if (strcmp(alone[i][0], key) == 0)
				stays = strcmp(options_format(&o, (enum option_id)id, value),
					       alone[i][1]) == 0;
		assert_int_equal(json_object_get(knobs, key) == NULL, stays);
	}
	assert_int_equal(json_object_size(knobs), OPTION_COUNT - ALONE);
	json_decref(list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list_has_every_preset_with_meaning_and_source),
		cmocka_unit_test(test_listed_knobs_make_the_preset),
		cmocka_unit_test(test_list_leaves_out_what_a_preset_leaves_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
