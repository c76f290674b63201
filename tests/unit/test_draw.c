/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nat/cli/draw.h"
#include "nat/cli/table.h"

/* A mapping without sessions. */
static json_t *mapping(int id, const char *protocol, const char *internal, const char *external)
{
	return json_pack("{s:i, s:s, s:s, s:s, s:[], s:b}", "id", id, "protocol", protocol,
			 "internal", internal, "external", external, "sessions", "fixed", 0);
}

static void add_session(json_t *mapping, const char *remote, const char *opened_by)
{
	json_t *sessions = json_object_get(mapping, "sessions");

	json_array_append_new(sessions,
			      json_pack("{s:i, s:s, s:s}", "id", (int)json_array_size(sessions),
					"remote", remote, "opened_by", opened_by));
}

static json_t *data_of(json_t *mappings)
{
	return json_pack("{s:s, s:[s], s:o}", "lan_address", "192.168.1.1", "external",
			 "203.0.113.1", "mappings", mappings);
}

/* The picture of @data, which is taken; owned by the caller. */
static char *picture(json_t *data, bool utf8)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(data);
	draw_sort(json_object_get(data, "mappings"));
	draw_picture(data, utf8, out);
	fclose(out);
	json_decref(data);
	return text;
}

static json_t *two_clients(void)
{
	json_t *first = mapping(1, "udp", "192.168.1.2:6789", "203.0.113.1:40213");
	json_t *second = mapping(2, "tcp", "192.168.1.10:80", "203.0.113.1:8080");
	json_t *third = mapping(3, "udp", "192.168.1.2:500", "203.0.113.1:500");

	add_session(first, "203.0.113.11:7890", "internal");
	add_session(first, "203.0.113.10:7890", "internal");
	add_session(second, "203.0.113.10:9000", "external");
	json_object_set_new(third, "fixed", json_true());
	return data_of(json_pack("[o, o, o]", second, first, third));
}

/* clang-format off */
static const char two_clients_drawn[] =
	"    clients                        router                         servers\n"
	"                     +-------------+-------------------+\n"
	"                     | 192.168.1.1 |    203.0.113.1    |\n"
	"+--------------+     |             |                   |   +-------------------+\n"
	"| 192.168.1.2  |     |             |                   |   |                   |\n"
	"|         :500 +-udp-+-------------+-203.0.113.1:500   |   | (anyone)          |\n"
	"|        :6789 +-udp-+-------------+-203.0.113.1:40213 +-->| 203.0.113.10:7890 |\n"
	"|              |     |             |                   +-->| 203.0.113.11:7890 |\n"
	"+--------------+     |             |                   |   |                   |\n"
	"+--------------+     |             |                   |   |                   |\n"
	"| 192.168.1.10 |     |             |                   |   |                   |\n"
	"|          :80 +-tcp-+-------------+-203.0.113.1:8080  +<--+ 203.0.113.10:9000 |\n"
	"+--------------+     |             |                   |   +-------------------+\n"
	"                     +-------------+-------------------+\n"
	"\n"
	"203.0.113.10:7890 believes it talks to 203.0.113.1:40213.\n"
	"The router knows better: that is 192.168.1.2:6789.\n";
/* clang-format on */

static void test_clients_router_and_servers_in_ascii(void **state)
{
	char *text = picture(two_clients(), false);

	(void)state;
	assert_string_equal(text, two_clients_drawn);
	free(text);
}

static void test_utf8_draws_the_same_with_line_characters(void **state)
{
	char *text = picture(two_clients(), true);

	(void)state;
	assert_non_null(strstr(text, ":6789 ├─udp─┼─────────────┼─203.0.113.1:40213 ├"));
	assert_non_null(strstr(text, "▶│ 203.0.113.10:7890 │\n"));
	assert_non_null(strstr(text, "┤ 203.0.113.10:9000 │\n"));
	free(text);
}

static void assert_fits(const char *text)
{
	char *copy = strdup(text), *rest = copy, *line;

	assert_non_null(copy);
	while ((line = strsep(&rest, "\n")) != NULL) {
		if (table_columns_of(line) > DRAW_WIDTH)
			fail_msg("%d columns: %s", table_columns_of(line), line);
		if (*line != '\0' && line[strlen(line) - 1] == ' ')
			fail_msg("a space at the end of: %s", line);
	}
	free(copy);
}

static void test_it_fits_80_columns_and_leaves_no_spaces_behind(void **state)
{
	static const char *const internal[] = { "10.0.0.1:1", "192.168.1.2:6789",
						"192.168.100.200:54321" };
	static const char *const external[] = { "1.2.3.4:1", "203.0.113.1:40213",
						"203.213.113.113:54321" };
	static const char *const remote[] = { "9.9.9.9", "203.0.113.10:7890",
					      "203.213.113.110:54321" };
	static const char *const protocols[] = { "udp", "icmp", "other" };

	(void)state;
	for (int i = 0; i < 81; i++) {
		json_t *m = mapping(1, protocols[i / 27], internal[i / 9 % 3], external[i / 3 % 3]);
		char *text;

		add_session(m, remote[i % 3], i % 2 ? "internal" : "external");
		text = picture(data_of(json_pack("[o]", m)), i % 2 == 0);
		assert_fits(text);
		assert_non_null(strstr(text, external[i / 3 % 3]));
		assert_non_null(strstr(text, remote[i % 3]));
		free(text);
	}
}

static void test_without_a_mapping_it_says_how_to_get_one(void **state)
{
	char *text = picture(data_of(json_array()), false);

	(void)state;
	assert_non_null(strstr(text, "| 192.168.1.1 | 203.0.113.1 |"));
	assert_non_null(strstr(text, "No mapping yet"));
	assert_fits(text);
	free(text);
}

static void test_the_order_of_the_table_does_not_matter(void **state)
{
	json_t *data = two_clients(), *mappings = json_object_get(data, "mappings");
	json_t *turned = json_array();
	char *text = picture(json_deep_copy(data), false), *other;

	(void)state;
	for (size_t i = json_array_size(mappings); i > 0; i--)
		json_array_append(turned, json_array_get(mappings, i - 1));
	json_object_set_new(data, "mappings", turned);
	other = picture(data, false);
	assert_string_equal(text, other);
	free(text);
	free(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clients_router_and_servers_in_ascii),
		cmocka_unit_test(test_utf8_draws_the_same_with_line_characters),
		cmocka_unit_test(test_it_fits_80_columns_and_leaves_no_spaces_behind),
		cmocka_unit_test(test_without_a_mapping_it_says_how_to_get_one),
		cmocka_unit_test(test_the_order_of_the_table_does_not_matter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
