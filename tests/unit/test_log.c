/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <unistd.h>

#include "common/log.h"
#include "tests/unit/lab.h"

/* Standard error goes into a file while a test writes, and is read back from there. */
struct capture {
	FILE *file;
	int saved;
	char text[4096];
};

static int setup(void **state)
{
	struct capture *c = calloc(1, sizeof(*c));

	assert_non_null(c);
	c->file = tmpfile();
	assert_non_null(c->file);
	fflush(stderr);
	c->saved = dup(STDERR_FILENO);
	assert_true(c->saved >= 0);
	assert_true(dup2(fileno(c->file), STDERR_FILENO) >= 0);
	*state = c;
	return 0;
}

/* Ends the capture, so that what cmocka has to say is seen. */
static const char *captured(struct capture *c)
{
	size_t length;

	fflush(stderr);
	dup2(c->saved, STDERR_FILENO);
	rewind(c->file);
	length = fread(c->text, 1, sizeof(c->text) - 1, c->file);
	c->text[length] = '\0';
	return c->text;
}

static int teardown(void **state)
{
	struct capture *c = *state;

	dup2(c->saved, STDERR_FILENO);
	close(c->saved);
	fclose(c->file);
	free(c);
	return 0;
}

static void speak(void)
{
	log_error("no %s %d", "way", 1);
	log_warning("look %s", "out");
	log_info("by the way");
}

static void test_lines_name_the_program_and_the_kind(void **state)
{
	log_open("natemd", LOG_LEVEL_INFO);
	speak();
	assert_string_equal(captured(*state), "natemd: error: no way 1\n"
					      "natemd: warning: look out\n"
					      "natemd: by the way\n");
}

static void test_level_warning_leaves_out_what_is_by_the_way(void **state)
{
	log_open("natem", LOG_LEVEL_WARNING);
	speak();
	assert_string_equal(captured(*state), "natem: error: no way 1\nnatem: warning: look out\n");
}

static void test_level_error_leaves_errors_only(void **state)
{
	log_open("natem", LOG_LEVEL_ERROR);
	speak();
	assert_string_equal(captured(*state), "natem: error: no way 1\n");
}

static void test_long_line_is_cut_and_ends(void **state)
{
	char text[3000];
	const char *line;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_open("natem", LOG_LEVEL_INFO);
	log_info("%s", text);
	line = captured(*state);
	assert_memory_equal(line, "natem: xxx", 10);
	assert_int_equal(strlen(line), strlen("natem: ") + 1023 + 1);
	assert_int_equal(line[strlen(line) - 1], '\n');
}

static void test_percent_signs_in_arguments_are_only_text(void **state)
{
	log_open("natem", LOG_LEVEL_INFO);
	log_error("%s", "100%s%n");
	assert_string_equal(captured(*state), "natem: error: 100%s%n\n");
}

int main(void)
{
#define log_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		log_test(test_lines_name_the_program_and_the_kind),
		log_test(test_level_warning_leaves_out_what_is_by_the_way),
		log_test(test_level_error_leaves_errors_only),
		log_test(test_long_line_is_cut_and_ends),
		log_test(test_percent_signs_in_arguments_are_only_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
