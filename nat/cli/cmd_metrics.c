/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_metrics.c - all figures as OpenMetrics text, for whoever collects such
 */
#include <stdio.h>
#include <string.h>

#include "nat/cli/command.h"

/* Backslash, quote and the end of a line are escaped. */
static void print_escaped(const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\n')
			fputs("\\n", stdout);
		else if (*text == '\\' || *text == '"')
			printf("\\%c", *text);
		else
			putchar(*text);
	}
}

static void print_labels(json_t *labels)
{
	const char *separator = "{", *name;
	json_t *value;

	json_object_foreach(labels, name, value) {
		printf("%s%s=\"", separator, name);
		print_escaped(json_string_value(value));
		putchar('"');
		separator = ",";
	}
	if (*separator == ',')
		putchar('}');
}

static void print_sample(const char *family, const json_t *sample)
{
	printf("%s%s", family, command_text(sample, "suffix"));
	print_labels(json_object_get(sample, "labels"));
	putchar(' ');
	json_dumpf(json_object_get(sample, "value"), stdout, JSON_ENCODE_ANY);
	putchar('\n');
}

static void print_family(const json_t *family)
{
	const char *name = command_text(family, "name"), *unit = command_text(family, "unit");
	const json_t *sample;
	size_t i;

	printf("# TYPE %s %s\n", name, command_text(family, "type"));
	if (*unit != '\0')
		printf("# UNIT %s %s\n", name, unit);
	printf("# HELP %s ", name);
	print_escaped(command_text(family, "help"));
	putchar('\n');
	json_array_foreach(json_object_get(family, "samples"), i, sample)
		print_sample(name, sample);
}

static void print_metrics(const struct invocation *call, const json_t *result)
{
	const json_t *family;
	size_t i;

	(void)call;
	json_array_foreach(json_object_get(result, "families"), i, family)
		print_family(family);
	puts("# EOF");
}

enum client_status cmd_metrics(const struct invocation *call)
{
	return command_show(call, "metrics.get", NULL, print_metrics);
}
