/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_record.c - lines of the mapping log
 * What is taken for a record can be written, and what is written is taken for the same record.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nat/core/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void broken(const char *what, const char *line)
{
	fprintf(stderr, "broken: %s: %s\n", what, line);
	abort();
}

/* @line is taken apart. */
static void read_write_read(char *line)
{
	char written[RECORD_LINE_MAX], copy[RECORD_LINE_MAX], again[RECORD_LINE_MAX];
	struct record r;
	size_t length;

	if (record_parse(line, &r) < 0)
		return;
	length = record_format(&r, written);
	if (length == 0)
		return; /* longer than any of ours */
	if (strlen(written) != length || written[length - 1] != '\n')
		broken("no line", written);
	memcpy(copy, written, length);
	copy[length - 1] = '\0';
	if (record_parse(copy, &r) < 0)
		broken("written and not taken", written);
	record_format(&r, again);
	if (strcmp(written, again) != 0)
		broken("another record", written);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Of just that size, so that a sanitizer sees what is read beyond. */
	char *text = malloc(size + 1), *rest = text, *line;

	if (text == NULL)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	while ((line = strsep(&rest, "\n")) != NULL)
		read_write_read(line);
	free(text);
	return 0;
}
