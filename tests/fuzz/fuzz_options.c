/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_options.c - lines of "key=value" into the knobs
 * Whatever is taken can be written and read back to the same; whatever is refused leaves no trace.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nat/core/presets.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void broken(const char *what, const char *line)
{
	fprintf(stderr, "broken: %s: %s\n", what, line);
	abort();
}

/* What lies behind the end of a name is no part of it. */
static struct options trimmed(const struct options *o)
{
	struct options t = *o;

	memset(t.lan, 0, sizeof(t.lan));
	memset(t.wan, 0, sizeof(t.wan));
	snprintf(t.lan, sizeof(t.lan), "%s", o->lan);
	snprintf(t.wan, sizeof(t.wan), "%s", o->wan);
	return t;
}

static void write_and_read_back(const struct options *o, const char *line)
{
	struct options again, same = trimmed(o);
	char text[OPTIONS_TEXT_MAX], twice[OPTIONS_TEXT_MAX], why[256];

	options_init(&again);
	for (unsigned int id = 0; id < OPTION_COUNT; id++) {
		options_format(o, (enum option_id)id, text);
		if (options_set(&again, option_spec((enum option_id)id)->key, text, why,
				sizeof(why)) != 0)
			broken(why, line);
		options_format(&again, (enum option_id)id, twice);
		if (strcmp(text, twice) != 0)
			broken("written differently the second time", line);
	}
	again = trimmed(&again);
	if (memcmp(&same, &again, sizeof(again)) != 0)
		broken("not the same when read back", line);
}

static void run_line(struct options *o, char *line)
{
	struct options before = *o;
	char why[64], *value = strchr(line, '=');

	memset(why, 'x', sizeof(why));
	if (value == NULL)
		return;
	*value++ = '\0';
	if (presets_set(o, line, value, why, sizeof(why)) == 0) {
		write_and_read_back(o, line);
		options_check(o, why, sizeof(why));
		return;
	}
	if (memchr(why, '\0', sizeof(why)) == NULL || *why == '\0')
		broken("refused without a word", line);
	if (memcmp(o, &before, sizeof(before)) != 0)
		broken("refused, but changed", line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct options o;
	char *text = malloc(size + 1), *rest = text, *line;

	if (text == NULL)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	options_init(&o);
	while ((line = strsep(&rest, "\n")) != NULL)
		run_line(&o, line);
	free(text);
	return 0;
}
