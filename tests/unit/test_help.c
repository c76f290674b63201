/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What goes to standard output is caught in a file without a name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/help.h"

static char output[4096];
static int file, saved;

static void begin(void)
{
	file = memfd_create("output", MFD_CLOEXEC);
	saved = dup(STDOUT_FILENO);
	assert_true(file >= 0 && saved >= 0);
	fflush(stdout);
	dup2(file, STDOUT_FILENO);
}

static void assert_printed(const char *wanted)
{
	ssize_t length;

	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	length = pread(file, output, sizeof(output) - 1, 0);
	close(file);
	assert_true(length >= 0);
	output[length] = '\0';
	assert_string_equal(output, wanted);
}

static void test_flags_stand_in_columns_and_meanings_wrap(void **state)
{
	static const struct help_flag flags[] = {
		{ 'o', "option", "KEY=VALUE", "sets a knob" },
		{ '\0', "queue", "N",
		  "a meaning that is a good deal longer than what there is room for beside it, and "
		  "goes on to a third line of it" },
		{ 'h', "help", NULL, "this" },
		{ '\0', NULL, NULL, NULL },
	};

	(void)state;
	begin();
	help_print_flags(flags);
	assert_printed(
		"  -o, --option KEY=VALUE  sets a knob\n"
		"      --queue N           a meaning that is a good deal longer than what there\n"
		"                          is room for beside it, and goes on to a third line of\n"
		"                          it\n"
		"  -h, --help              this\n");
}

static void test_entries_stand_in_columns(void **state)
{
	static const struct help_entry entries[] = {
		{ "a", "the first" },
		{ "add tcp|udp", "the second" },
		{ NULL, NULL },
	};

	(void)state;
	begin();
	help_print_entries(entries);
	assert_printed("  a            the first\n  add tcp|udp  the second\n");
}

static void test_text_is_wrapped_anew_but_for_indented_lines(void **state)
{
	(void)state;
	begin();
	help_print_text(
		"One\nline, and then as many more as it takes to come to the end of the line, "
		"where\nit goes on.\n  natem  x\n  y\nAnother\nparagraph.\n\nLast.");
	assert_printed(
		"One line, and then as many more as it takes to come to the end of the line,\n"
		"where it goes on.\n  natem  x\n  y\nAnother paragraph.\n\nLast.\n");
}

/* 80 columns are full, 81 too many. */
static void test_a_line_is_filled_to_the_last_column(void **state)
{
	char text[128], wanted[160];

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text + 77, " yy", 4);
	begin();
	help_print_text(text);
	snprintf(wanted, sizeof(wanted), "%s\n", text);
	assert_printed(wanted);
	memcpy(text + 77, " yyy", 5);
	begin();
	help_print_text(text);
	snprintf(wanted, sizeof(wanted), "%.77s\nyyy\n", text);
	assert_printed(wanted);
}

static void test_a_word_longer_than_a_line_stands_alone(void **state)
{
	char text[256], wanted[256];

	(void)state;
	snprintf(text, sizeof(text), "a %0120d b", 0);
	snprintf(wanted, sizeof(wanted), "a\n%0120d\nb\n", 0);
	begin();
	help_print_text(text);
	assert_printed(wanted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flags_stand_in_columns_and_meanings_wrap),
		cmocka_unit_test(test_entries_stand_in_columns),
		cmocka_unit_test(test_text_is_wrapped_anew_but_for_indented_lines),
		cmocka_unit_test(test_a_line_is_filled_to_the_last_column),
		cmocka_unit_test(test_a_word_longer_than_a_line_stands_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
