/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A line of the mapping log: written, read back, and refused where it is not whole. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nat/core/record.h"
#include "tests/unit/lab.h"

enum { AT = 1795529112 }; /* 2026-11-24T14:05:12Z */

static const char *const lines[] = {
	"2026-11-24T14:05:12.000Z log-started - - - - -\n",
	"2026-11-24T14:05:12.007Z mapping-created udp 192.168.1.2:6789 203.0.113.1:40213 - -\n",
	"2026-11-24T14:10:12.123Z mapping-ended tcp 192.168.1.2:6789 203.0.113.1:40213 expired "
	"300.116\n",
	"2026-11-24T14:10:12.123Z mapping-created icmp 192.168.1.2:0 203.0.113.1:65535 open "
	"0.009\n",
	"2026-11-24T14:10:12.123Z session-ended other 192.168.1.2:47 203.0.113.1:47 flushed 1.000 "
	"198.51.100.7:0\n",
	"2026-11-24T14:10:12.123Z block-allocated - 192.168.1.2 203.0.113.1:1024-1535 - -\n",
	"2026-11-24T14:10:12.123Z block-freed - 192.168.1.2 203.0.113.1:1024-1024 - -\n",
	"2026-11-24T14:10:12.123Z deterministic - 192.168.1.0-192.168.1.255 "
	"203.0.113.1,203.0.113.5-203.0.113.9 2 -\n",
	"2026-11-24T14:10:12.123Z options-changed - - - udp.timeout -\n",
	"2026-11-24T14:10:12.123Z records-lost - - - 123 -\n",
	"2026-11-24T14:10:12.123Z log-stopped - - - - -\n",
};

enum { LINES = sizeof(lines) / sizeof(lines[0]) };

/* In memory of just that size, so that a sanitizer sees what is beyond. */
static int parse(const char *line, size_t length, struct record *r, char **copy)
{
	*copy = strndup(line, length);
	assert_non_null(*copy);
	return record_parse(*copy, r);
}

static void test_what_is_read_is_what_was_written(void **state)
{
	char back[RECORD_LINE_MAX], *copy;
	struct record r;

	(void)state;
	for (size_t i = 0; i < LINES; i++) {
		assert_int_equal(parse(lines[i], strlen(lines[i]) - 1, &r, &copy), 0);
		assert_int_equal(record_format(&r, back), strlen(lines[i]));
		assert_string_equal(back, lines[i]);
		free(copy);
	}
}

static void test_fields_mean_what_they_should(void **state)
{
	struct record r;
	char *copy;

	(void)state;
	assert_int_equal(parse(lines[2], strlen(lines[2]) - 1, &r, &copy), 0);
	assert_int_equal(r.utc_ms, (AT + 300) * INT64_C(1000) + 123);
	assert_int_equal(r.kind, RECORD_MAPPING_ENDED);
	assert_int_equal(r.protocol, NAT_TCP);
	assert_same_endpoint(r.internal, ep("192.168.1.2:6789"));
	assert_same_endpoint(r.external, ep("203.0.113.1:40213"));
	assert_int_equal(r.last, 40213);
	assert_string_equal(r.cause, "expired");
	assert_int_equal(r.duration_ms, 300116);
	free(copy);
	assert_int_equal(parse(lines[5], strlen(lines[5]) - 1, &r, &copy), 0);
	assert_int_equal(r.external.port, 1024);
	assert_int_equal(r.last, 1535);
	assert_int_equal(r.duration_ms, -1);
	assert_null(r.cause);
	free(copy);
}

/* Cut before its last field, a line is no record. */
static void test_half_a_line_is_no_record(void **state)
{
	struct record r;
	char *copy;

	(void)state;
	for (size_t i = 0; i < LINES; i++) {
		size_t whole = strlen(lines[i]) - 1, least = whole;

		while (lines[i][least - 1] != ' ')
			least--;
		for (size_t n = 0; n < least; n++) {
			if (parse(lines[i], n, &r, &copy) == 0)
				fail_msg("taken: '%.*s'", (int)n, lines[i]);
			free(copy);
		}
	}
}

static void test_damaged_lines_are_refused(void **state)
{
	static const char *const bad[] = {
		"",
		" ",
		"hello",
		"2026-11-24T14:05:12.007Z mapping-created udp 192.168.1.2:6789 203.0.113.1:40213 - "
		" -",
		"2026-11-24T14:05:12.007Z mapping-created udp 192.168.1.2:6789 203.0.113.1:40213 - "
		"- "
		"1.2.3.4:5 6",
		"2026-11-24T14:05:12.007Z mapping-created - 192.168.1.2:6789 203.0.113.1:40213 - -",
		"2026-11-24T14:05:12.007Z mapping-created sctp 192.168.1.2:6789 203.0.113.1:40213 "
		"- -",
		"2026-11-24T14:05:12.007Z mapping-created udp 192.168.1.2 203.0.113.1:40213 - -",
		"2026-11-24T14:05:12.007Z mapping-created udp 192.168.1.2:6789 203.0.113.1:70000 - "
		"-",
		"2026-11-24T14:05:12.007Z mapping-moved udp 192.168.1.2:6789 203.0.113.1:40213 - -",
		"2026-02-30T14:05:12.007Z mapping-created udp 192.168.1.2:6789 203.0.113.1:40213 - "
		"-",
		"2026-11-24T24:05:12.007Z mapping-created udp 192.168.1.2:6789 203.0.113.1:40213 - "
		"-",
		"1960-11-24T14:05:12.007Z mapping-created udp 192.168.1.2:6789 203.0.113.1:40213 - "
		"-",
		"2026-11-24T14:05:12.007Z mapping-ended udp 192.168.1.2:6789 203.0.113.1:40213 "
		"expired "
		"3",
		"2026-11-24T14:05:12.007Z mapping-ended udp 192.168.1.2:6789 203.0.113.1:40213 "
		"expired "
		"-3.000",
		"2026-11-24T14:05:12.007Z mapping-ended udp 192.168.1.2:6789 203.0.113.1:40213 "
		"expired "
		"99999999999999999.000",
		"2026-11-24T14:05:12.007Z block-freed - 192.168.1.2 203.0.113.1:1535-1024 - -",
		"2026-11-24T14:05:12.007Z block-freed udp 192.168.1.2 203.0.113.1:1024-1535 - -",
		"2026-11-24T14:05:12.007Z block-freed - 192.168.1.2 203.0.113.1:1024-99999 - -",
		"2026-11-24T14:05:12.007Z records-lost - - - many -",
		"2026-11-24T14:05:12.007Z log-started - 192.168.1.2:1 - - -",
	};
	struct record r;
	char *copy;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (parse(bad[i], strlen(bad[i]), &r, &copy) == 0)
			fail_msg("taken: '%s'", bad[i]);
		free(copy);
	}
}

static void test_times_as_people_write_them(void **state)
{
	static const struct {
		const char *text;
		int64_t ms, span;
	} good[] = {
		{ "2026-11-24T14:05:12Z", AT * INT64_C(1000), 1000 },
		{ "2026-11-24 14:05:12Z", AT * INT64_C(1000), 1000 },
		{ "2026-11-24T14:05:12.5Z", AT * INT64_C(1000) + 500, 1 },
		{ "2026-11-24T14:05:12.123456Z", AT * INT64_C(1000) + 123, 1 },
		{ "2026-11-24T22:05:12+08:00", AT * INT64_C(1000), 1000 },
		{ "2026-11-24T09:35:12-0430", AT * INT64_C(1000), 1000 },
	};
	static const char *const bad[] = { "",
					   "2026",
					   "2026-11-24",
					   "2026-11-24T14:05",
					   "2026-11-24T14:05:12",
					   "2026-11-24T14:05:12.Z",
					   "2026-11-24T14:05:12Zz",
					   "2026-11-24T14:05:12+8",
					   "2026-11-24T14:05:12+08:60",
					   "2026-13-24T14:05:12Z",
					   "2026-11-24T14:60:12Z",
					   "2026-11-24T14:05:61Z" };
	char back[RECORD_TIME_MAX];
	int64_t ms, span;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(record_parse_time(good[i].text, &ms, &span), 0);
		assert_int_equal(ms, good[i].ms);
		assert_int_equal(span, good[i].span);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(record_parse_time(bad[i], &ms, &span), -EINVAL);
	assert_string_equal(record_format_time(AT * INT64_C(1000) + 7, back),
			    "2026-11-24T14:05:12.007Z");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_read_is_what_was_written),
		cmocka_unit_test(test_fields_mean_what_they_should),
		cmocka_unit_test(test_half_a_line_is_no_record),
		cmocka_unit_test(test_damaged_lines_are_refused),
		cmocka_unit_test(test_times_as_people_write_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
