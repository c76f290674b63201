/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The protocol's table: what it lets through as parameters, and how system.describe tells it.
 */
#include "tests/unit/methods.h"

/* --- a table of every kind there is -------------------------------------------------------- */

static bool fits_even(const char *text)
{
	return strlen(text) % 2 == 0;
}

static const char *colour_at(unsigned int n)
{
	static const char *const colours[] = { "red", "green", "blue" };

	return n < 3 ? colours[n] : NULL;
}

/* A row leaves out what it does not have. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

static const struct type even = { "even", "", .fits = fits_even,
				  .needed = "an even text is needed" };
static const struct type colour = { "colour", "", .value_at = colour_at };
static const struct member point_members[] = {
	{ .name = "x", .value = VALUE_INTEGER, .meaning = "", .least = -5, .most = 5 },
	{ .name = "c", .value = VALUE_OPTIONAL | VALUE_NULL, .meaning = "", .type = &colour },
	{ 0 },
};
static const struct type point = { "point", "", point_members };

static const struct member members[] = {
	{ .name = "must", .value = VALUE_BOOLEAN, .meaning = "" },
	{ .name = "yes", .value = VALUE_TRUE | VALUE_OPTIONAL, .meaning = "" },
	{ .name = "count", .value = VALUE_INTEGER | VALUE_OPTIONAL, .meaning = "" },
	{ .name = "few",
	  .value = VALUE_INTEGER | VALUE_OPTIONAL,
	  .meaning = "",
	  .least = 2,
	  .most = 4,
	  .initial = "3" },
	{ .name = "any",
	  .value = VALUE_INTEGER | VALUE_OPTIONAL,
	  .meaning = "",
	  .least = INT64_MIN },
	{ .name = "part", .value = VALUE_NUMBER | VALUE_OPTIONAL, .meaning = "" },
	{ .name = "text", .value = VALUE_TEXT | VALUE_NULL | VALUE_OPTIONAL, .meaning = "" },
	{ .name = "side",
	  .value = VALUE_TEXT | VALUE_OPTIONAL,
	  .meaning = "",
	  .values = (const char *const[]){ "left", "right", NULL } },
	{ .name = "even", .value = VALUE_OPTIONAL, .meaning = "", .type = &even },
	{ .name = "colour", .value = VALUE_OPTIONAL, .meaning = "", .type = &colour },
	{ .name = "point", .value = VALUE_OPTIONAL | VALUE_NULL, .meaning = "", .type = &point },
	{ .name = "free", .value = VALUE_OBJECT | VALUE_OPTIONAL, .meaning = "" },
	{ .name = "list",
	  .value = VALUE_LIST | VALUE_INTEGER | VALUE_OPTIONAL,
	  .meaning = "",
	  .most = 9 },
	{ .name = "points", .value = VALUE_LIST | VALUE_OPTIONAL, .meaning = "", .type = &point },
	{ .name = "map", .value = VALUE_MAP | VALUE_TEXT | VALUE_OPTIONAL, .meaning = "" },
	{ .name = "own",
	  .value = VALUE_TEXT | VALUE_OPTIONAL,
	  .meaning = "",
	  .needed = "my own words" },
	{ 0 },
};

/* What is wrong with {"must": true, @rest}, or "" if nothing is. */
static const char *verdict(const char *rest)
{
	static struct failure failure;
	char text[256];
	json_t *object;

	snprintf(text, sizeof(text), "{\"must\":true%s%s}", *rest != '\0' ? "," : "", rest);
	object = json_loads(text, 0, NULL);
	if (object == NULL)
		fail_msg("the test is wrong: %s", text);
	failure = (struct failure){ .code = 0 };
	if (protocol_check(members, object, &failure)) {
		assert_int_equal(failure.code, 0);
		*failure.why = '\0';
	} else {
		assert_int_equal(failure.code, RPC_INVALID_PARAMS);
		assert_true(*failure.why != '\0');
	}
	json_decref(object);
	return failure.why;
}

static void test_what_fits_the_table_passes(void **state)
{
	static const char *const good[] = {
		"",
		"\"yes\":true",
		"\"count\":0",
		"\"count\":9223372036854775807",
		"\"few\":2",
		"\"few\":4",
		"\"any\":-9223372036854775808",
		"\"part\":1.5,\"text\":\"\"",
		"\"part\":-1",
		"\"text\":null",
		"\"side\":\"left\"",
		"\"side\":\"right\"",
		"\"even\":\"\"",
		"\"even\":\"ab\"",
		"\"colour\":\"blue\"",
		"\"point\":null",
		"\"point\":{\"x\":-5}",
		"\"point\":{\"x\":5,\"c\":\"red\"}",
		"\"point\":{\"x\":5,\"c\":null}",
		"\"free\":{\"what\":[\"ever\"]}",
		"\"list\":[]",
		"\"list\":[0,9]",
		"\"points\":[{\"x\":1},{\"x\":2,\"c\":\"green\"}]",
		"\"map\":{}",
		"\"map\":{\"a\":\"b\",\"c\":\"d\"}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (*verdict(good[i]) != '\0')
			fail_msg("%s: %s", good[i], verdict(good[i]));
}

static void test_what_does_not_fit_is_refused_by_name(void **state)
{
	static const struct {
		const char *rest, *why;
	} bad[] = {
		{ "\"mus\":1", "no parameter 'mus' here" },
		{ "\"yes\":false", "yes: true is needed" },
		{ "\"count\":-1", "count: a whole number is needed" },
		{ "\"count\":1.0", "count: a whole number is needed" },
		{ "\"count\":null", "count: a whole number is needed" },
		{ "\"few\":1", "few: a whole number from 2 to 4 is needed" },
		{ "\"few\":5", "few: a whole number from 2 to 4 is needed" },
		{ "\"few\":\"3\"", "few: a whole number from 2 to 4 is needed" },
		{ "\"any\":0.5", "any: a whole number is needed" },
		{ "\"part\":\"1\"", "part: a number is needed" },
		{ "\"text\":1", "text: a string is needed" },
		{ "\"side\":\"up\"", "side: left or right is needed, not 'up'" },
		{ "\"side\":1", "side: left or right is needed" },
		{ "\"even\":\"abc\"", "even: an even text is needed" },
		{ "\"even\":2", "even: an even text is needed" },
		{ "\"even\":{}", "even: an even text is needed" },
		{ "\"colour\":\"grey\"", "colour: red, green or blue is needed, not 'grey'" },
		{ "\"colour\":null", "colour: red, green or blue is needed" },
		{ "\"point\":{}", "x: a whole number from -5 to 5 is needed" },
		{ "\"point\":{\"x\":6}", "x: a whole number from -5 to 5 is needed" },
		{ "\"point\":{\"x\":1,\"y\":1}", "no parameter 'y' here" },
		{ "\"point\":[]", "point: " },
		{ "\"free\":[]", "free: an object is needed" },
		{ "\"list\":0", "list: " },
		{ "\"list\":[0,10]", "list: " },
		{ "\"list\":{}", "list: " },
		{ "\"points\":[{\"x\":1},{}]", "x: a whole number" },
		{ "\"points\":[1]", "points: an array is needed" },
		{ "\"map\":{\"a\":1}", "map: an object is needed" },
		{ "\"map\":[]", "map: an object is needed" },
		{ "\"own\":0", "own: my own words" },
	};
	struct failure failure;
	json_t *nothing = json_object();

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (strncmp(verdict(bad[i].rest), bad[i].why, strlen(bad[i].why)) != 0)
			fail_msg("%s: '%s', not '%s'", bad[i].rest, verdict(bad[i].rest),
				 bad[i].why);
	assert_false(protocol_check(members, nothing, &failure));
	assert_string_equal(failure.why, "must: true or false is needed");
	json_decref(nothing);
}

static void test_defaults_come_where_nothing_was_given(void **state)
{
	json_t *params = json_object();

	(void)state;
	protocol_complete(members, params);
	assert_int_equal(json_object_size(params), 1);
	assert_number(params, "few", 3);
	json_object_set_new(params, "few", json_integer(4));
	protocol_complete(members, params);
	assert_number(params, "few", 4);
	json_decref(params);
}

/* --- the protocol's own --------------------------------------------------------------------- */

static void test_every_default_is_allowed(void **state)
{
	const struct method *m;

	(void)state;
	for (unsigned int n = 0; (m = protocol_method(n)) != NULL; n++)
		for (const struct member *p = m->parameters; p->name != NULL; p++) {
			const struct member alone[] = { *p, { 0 } };
			json_t *params = json_object();
			struct failure failure;

			protocol_complete(alone, params);
			if (p->initial != NULL && json_object_size(params) != 1)
				fail_msg("%s: '%s' is no JSON", p->name, p->initial);
			if (json_object_size(params) > 0 &&
			    !protocol_check(alone, params, &failure))
				fail_msg("%s: %s", m->name, failure.why);
			if (p->initial != NULL && !(p->value & VALUE_OPTIONAL))
				fail_msg("%s: %s has a default and is needed", m->name, p->name);
			json_decref(params);
		}
}

/* A way through the description: each object and what it is called. */
static void each_object(json_t *value, void (*visit)(json_t *root, json_t *object), json_t *root)
{
	const char *name;
	json_t *inner;
	size_t i;

	if (json_is_object(value))
		visit(root, value);
	json_object_foreach(value, name, inner)
		each_object(inner, visit, root);
	json_array_foreach(value, i, inner)
		each_object(inner, visit, root);
}

static void assert_leads_to_a_type(json_t *root, json_t *object)
{
	static const char start[] = "#/types/";
	const char *path = json_string_value(json_object_get(object, "$ref"));

	if (path == NULL)
		return;
	assert_memory_equal(path, start, strlen(start));
	if (!json_is_object(json_object_get(json_object_get(root, "types"), path + strlen(start))))
		fail_msg("%s leads nowhere", path);
}

static void test_description_has_every_method_and_its_references_lead_somewhere(void **state)
{
	json_t *description = result(*state, "system.describe", "");
	json_t *methods = json_object_get(description, "methods");
	const struct method *m;
	unsigned int count;

	for (count = 0; (m = protocol_method(count)) != NULL; count++)
		assert_text(json_object_get(methods, m->name), "meaning", m->meaning);
	assert_int_equal(json_object_size(methods), count);
	each_object(description, assert_leads_to_a_type, description);
	assert_number(description, "protocol", PROTOCOL_VERSION);
	json_decref(description);
}

/* @path, names with a slash between, is @wanted as JSON. */
static void assert_at(json_t *root, const char *path, const char *wanted)
{
	char names[128], *rest = names, *name, *found;
	json_t *at = root;

	strcpy(names, path);
	while ((name = strsep(&rest, "/")) != NULL)
		at = json_object_get(at, name);
	if (at == NULL)
		fail_msg("no %s", path);
	found = json_dumps(at, JSON_COMPACT | JSON_ENCODE_ANY);
	assert_string_equal(found, wanted);
	free(found);
}

static void test_description_is_json_schema(void **state)
{
	json_t *d = result(*state, "system.describe", "");

	assert_at(d, "methods/clock.get/params",
		  "{\"type\":\"object\",\"properties\":{},\"required\":[],"
		  "\"additionalProperties\":false}");
	assert_at(d, "methods/mappings.list/params/properties/limit",
		  "{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000,\"description\":"
		  "\"the most records wanted; there may be fewer\",\"default\":1000}");
	assert_at(d, "methods/mappings.list/params/required", "[]");
	assert_at(d, "methods/ports.who/params/required", "[\"external\"]");
	assert_at(d, "methods/mappings.list/result/properties/mappings",
		  "{\"type\":\"array\",\"items\":{\"$ref\":\"#/types/mapping\"},"
		  "\"description\":\"the page\"}");
	assert_at(d, "methods/counters.get/result/properties/counters/additionalProperties",
		  "{\"$ref\":\"#/types/counter\"}");
	assert_at(d, "types/mapping/properties/state/anyOf",
		  "[{\"$ref\":\"#/types/tcp-state\"},{\"type\":\"null\"}]");
	assert_at(d, "types/protocol/enum", "[\"udp\",\"tcp\",\"icmp\",\"other\"]");
	assert_at(d, "types/rule/properties/kind/enum",
		  "[\"udp\",\"tcp\",\"one-to-one\",\"dmz\",\"exempt\"]");
	assert_at(d, "types/mapping/properties/remote/type", "[\"string\",\"null\"]");
	assert_at(d, "methods/mappings.flush/params/properties/all/enum", "[true]");
	assert_at(d, "methods/mappings.flush/errors", "[-32602,-32000]");
	assert_at(d, "methods/clock.get/errors", "[-32602]");
	json_decref(d);
}

/* No longer than a request may be: a reader with a buffer of 64 KiB can read the whole protocol. */
static void test_description_is_bounded(void **state)
{
	json_t *description = result(*state, "system.describe", "");
	char *text = json_dumps(description, JSON_COMPACT);

	print_message("system.describe: %zu bytes\n", strlen(text));
	assert_in_range(strlen(text), 1, RPC_LINE_MAX);
	free(text);
	json_decref(description);
}

static void test_every_text_of_the_table_is_there(void **state)
{
	const struct method *m;

	(void)state;
	for (unsigned int n = 0; (m = protocol_method(n)) != NULL; n++) {
		assert_true(*m->meaning != '\0');
		assert_non_null(m->run);
		assert_non_null(m->parameters);
		assert_non_null(m->result->name);
		for (const struct member *p = m->parameters; p->name != NULL; p++)
			assert_non_null(p->meaning);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_fits_the_table_passes),
		cmocka_unit_test(test_what_does_not_fit_is_refused_by_name),
		cmocka_unit_test(test_defaults_come_where_nothing_was_given),
		cmocka_unit_test(test_every_default_is_allowed),
		cmocka_unit_test(test_every_text_of_the_table_is_there),
		methods_test(test_description_has_every_method_and_its_references_lead_somewhere),
		methods_test(test_description_is_json_schema),
		methods_test(test_description_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
