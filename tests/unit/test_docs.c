/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The documents against the tables in the code: what one names, the other has. Run from the root
 * of the tree.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "nat/core/presets.h"
#include "nat/daemon/config.h"
#include "nat/daemon/daemon.h"

/* A whole file, owned by the caller. */
static char *read_file(const char *path)
{
	char *text = calloc(1, 256 * 1024);
	FILE *f = fopen(path, "r");
	size_t length;

	assert_non_null(f);
	length = fread(text, 1, 256 * 1024 - 1, f);
	assert_true(length > 0 && length < 256 * 1024 - 1);
	fclose(f);
	return text;
}

static void test_readme_names_every_preset(void **state)
{
	char *text = read_file("README.md"), name[64];

	(void)state;
	for (unsigned int i = 0; preset_spec(i) != NULL; i++) {
		snprintf(name, sizeof(name), "`%s`", preset_spec(i)->name);
		if (strstr(text, name) == NULL)
			fail_msg("no word of preset '%s'", preset_spec(i)->name);
	}
	free(text);
}

/* What config_print() writes, owned by the caller. */
static char *printed(const struct options *o)
{
	char path[] = "/tmp/natem-test-XXXXXX", *text;
	int fd = mkstemp(path), out = dup(STDOUT_FILENO);

	assert_true(fd >= 0 && out >= 0);
	fflush(stdout);
	dup2(fd, STDOUT_FILENO);
	config_print(o);
	fflush(stdout);
	dup2(out, STDOUT_FILENO);
	close(fd);
	close(out);
	text = read_file(path);
	unlink(path);
	return text;
}

static void test_shipped_configuration_is_the_defaults_and_reads_back(void **state)
{
	static const char licence[] = "; SPDX-License-Identifier: GPL-2.0-or-later\n";
	char *text = read_file("docs/natem.conf"), *defaults, why[CONFIG_WHY_MAX];
	const char *shipped = text + strlen(licence);
	struct options o;

	(void)state;
	assert_memory_equal(text, licence, strlen(licence));
	options_init(&o);
	defaults = printed(&o);
	assert_string_equal(shipped, defaults); /* made by: natemd -n */
	free(defaults);
	memset(&o, 0xff, sizeof(o));
	options_init(&o);
	assert_int_equal(config_read_file(&o, "docs/natem.conf", why, sizeof(why)), 0);
	defaults = printed(&o);
	assert_string_equal(shipped, defaults);
	free(defaults);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_readme_names_every_preset),
		cmocka_unit_test(test_shipped_configuration_is_the_defaults_and_reads_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
