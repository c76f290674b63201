/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "tests/unit/lab.h"

static struct options with_preset(const char *name)
{
	struct options o;

	options_init(&o);
	lab_value(&o, "nat.preset", name);
	return o;
}

static void test_every_preset_has_a_full_row_and_applies(void **state)
{
	unsigned int count = 0;

	(void)state;
	for (; preset_spec(count) != NULL; count++) {
		const struct preset_spec *spec = preset_spec(count);
		struct options o = with_preset(spec->name);
		char why[256];

		assert_int_equal(options_check(&o, why, sizeof(why)), 0);
		assert_true(strlen(spec->meaning) > 10);
		assert_true(strlen(spec->source) > 3);
		assert_non_null(spec->unverified);
		for (unsigned int i = 0; i < count; i++)
			assert_string_not_equal(spec->name, preset_spec(i)->name);
	}
	assert_true(count >= 5);
	assert_null(preset_spec(count + 100));
	assert_string_equal(preset_spec(0)->name, "home");
}

static void test_home_is_the_default(void **state)
{
	struct options o, home;

	(void)state;
	options_init(&o);
	home = with_preset("home");
	assert_memory_equal(&o, &home, sizeof(o));
}

/* The popular names in the terms of RFC 4787. */
static void test_generic_presets_are_what_their_names_say(void **state)
{
	static const struct {
		const char *name;
		enum mapping_behavior mapping;
		enum filtering_behavior filtering;
	} rows[] = {
		{ "full-cone", MAPPING_ENDPOINT_INDEPENDENT, FILTERING_ENDPOINT_INDEPENDENT },
		{ "restricted-cone", MAPPING_ENDPOINT_INDEPENDENT, FILTERING_ADDRESS_DEPENDENT },
		{ "port-restricted-cone", MAPPING_ENDPOINT_INDEPENDENT,
		  FILTERING_ADDRESS_AND_PORT_DEPENDENT },
		{ "symmetric", MAPPING_ADDRESS_AND_PORT_DEPENDENT,
		  FILTERING_ADDRESS_AND_PORT_DEPENDENT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct options o = with_preset(rows[i].name);

		for (int p = 0; p < NAT_OTHER; p++) {
			assert_int_equal(o.protocol[p].mapping, rows[i].mapping);
			assert_int_equal(o.protocol[p].filtering, rows[i].filtering);
		}
	}
}

static void test_preset_leaves_the_machine_alone(void **state)
{
	static const char *const machine[][2] = {
		{ "nat.lan", "eth1" },
		{ "nat.wan", "eth2" },
		{ "nat.external", "203.0.113.7" },
		{ "nat.reserved-ports", "22,80" },
		{ "nat.forwards", "tcp:8080=192.168.1.2:80" },
		{ "nat.one-to-one", "203.0.113.5=192.168.1.9" },
		{ "nat.dmz", "192.168.1.4" },
		{ "nat.exempt", "198.51.100.0/24:53" },
		{ "nat.internal", "10.0.0.0/22" },
		{ "nat.max-mappings", "77" },
		{ "nat.max-sessions", "88" },
		{ "nat.seed", "99" },
	};

	(void)state;
	for (unsigned int i = 0; preset_spec(i) != NULL; i++) {
		struct options o, plain = with_preset(preset_spec(i)->name);

		options_init(&o);
		for (size_t k = 0; k < sizeof(machine) / sizeof(machine[0]); k++) {
			lab_value(&o, machine[k][0], machine[k][1]);
			lab_value(&plain, machine[k][0], machine[k][1]);
		}
		lab_value(&o, "nat.preset", preset_spec(i)->name);
		assert_memory_equal(&o, &plain, sizeof(o));
	}
}

/* Everything else starts from the defaults, so that the order of presets does not matter. */
static void test_preset_forgets_what_was_set_before(void **state)
{
	struct options o, home = with_preset("home");

	(void)state;
	options_init(&o);
	lab_value(&o, "udp.timeout", "10s");
	lab_value(&o, "tcp.ports", "sequential");
	lab_value(&o, "nat.pooling", "arbitrary");
	lab_value(&o, "nat.preset", "symmetric");
	lab_value(&o, "nat.preset", "home");
	assert_memory_equal(&o, &home, sizeof(o));
}

static void test_knob_after_a_preset_changes_that_knob(void **state)
{
	struct options o = with_preset("full-cone");

	(void)state;
	lab_value(&o, "udp.timeout", "30s");
	assert_int_equal(o.timeout_ms[TIMEOUT_UDP], 30000);
	assert_int_equal(o.protocol[NAT_UDP].filtering, FILTERING_ENDPOINT_INDEPENDENT);
}

static void test_unknown_preset_is_refused_and_the_known_are_named(void **state)
{
	static const char *const names[] = { "", "cone", "no-such-thing" };

	(void)state;
	for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
		char why[512] = "";
		struct options o = with_preset("symmetric"), before = o;

		assert_int_equal(presets_set(&o, presets_key, names[n], why, sizeof(why)), -EINVAL);
		assert_memory_equal(&o, &before, sizeof(o));
		assert_non_null(strstr(why, names[n]));
		for (unsigned int i = 0; preset_spec(i) != NULL; i++)
			assert_non_null(strstr(why, preset_spec(i)->name));
	}
}

static void test_misspelt_preset_is_refused_and_the_one_meant_is_named(void **state)
{
	static const char *const rows[][2] = {
		{ "Home", "home" },
		{ "full cone", "full-cone" },
		{ "simetric", "symmetric" },
		{ "linux-masq", "linux-masquerade" },
		{ "restrict-cone", "restricted-cone" },
	};

	(void)state;
	for (size_t n = 0; n < sizeof(rows) / sizeof(rows[0]); n++) {
		char why[512] = "", wanted[128];
		struct options o = with_preset("symmetric"), before = o;

		assert_int_equal(presets_set(&o, presets_key, rows[n][0], why, sizeof(why)),
				 -EINVAL);
		assert_memory_equal(&o, &before, sizeof(o));
		snprintf(wanted, sizeof(wanted), "no preset '%s'; did you mean '%s'?", rows[n][0],
			 rows[n][1]);
		assert_string_equal(why, wanted);
	}
}

static void test_explanation_is_cut_to_its_buffer(void **state)
{
	struct options o;

	(void)state;
	options_init(&o);
	for (size_t size = 1; size < 120; size++) {
		char *why = malloc(size);

		assert_non_null(why);
		assert_int_equal(presets_set(&o, presets_key, "nope", why, size), -EINVAL);
		assert_in_range(strlen(why), 0, size - 1);
		free(why);
	}
}

static void test_other_keys_are_knobs(void **state)
{
	struct options o;
	char why[256];

	(void)state;
	options_init(&o);
	assert_int_equal(presets_set(&o, "udp.timeout", "7s", why, sizeof(why)), 0);
	assert_int_equal(o.timeout_ms[TIMEOUT_UDP], 7000);
	assert_int_equal(presets_set(&o, "udp.timeout", "x", why, sizeof(why)), -EINVAL);
	assert_int_equal(presets_set(&o, "nat.presets", "home", why, sizeof(why)), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_preset_has_a_full_row_and_applies),
		cmocka_unit_test(test_home_is_the_default),
		cmocka_unit_test(test_generic_presets_are_what_their_names_say),
		cmocka_unit_test(test_preset_leaves_the_machine_alone),
		cmocka_unit_test(test_preset_forgets_what_was_set_before),
		cmocka_unit_test(test_knob_after_a_preset_changes_that_knob),
		cmocka_unit_test(test_unknown_preset_is_refused_and_the_known_are_named),
		cmocka_unit_test(test_misspelt_preset_is_refused_and_the_one_meant_is_named),
		cmocka_unit_test(test_explanation_is_cut_to_its_buffer),
		cmocka_unit_test(test_other_keys_are_knobs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
