/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/cli/table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"

void table_init(struct table *t, const struct table_column *columns, unsigned int width)
{
	*t = (struct table){ .width = width };
	memcpy(t->columns, columns, width * sizeof(*columns));
	for (unsigned int i = 0; i < width; i++)
		t->columns[i].hidden |= t->columns[i].scarce;
}

void table_show_all(struct table *t)
{
	for (unsigned int i = 0; i < t->width; i++)
		if (t->columns[i].scarce)
			t->columns[i].hidden = false;
}

void table_fini(struct table *t)
{
	free(t->cells);
	*t = (struct table){ 0 };
}

table_cell *table_row(struct table *t)
{
	/* Room for a power of two of rows: it is used up when the count reaches the next one. */
	if ((t->rows & (t->rows - 1)) == 0) {
		size_t rows = t->rows == 0 ? 1 : t->rows * 2;

		t->cells = realloc(t->cells, rows * t->width * sizeof(*t->cells));
		if (t->cells == NULL) {
			log_error("out of memory");
			exit(EXIT_FAILURE);
		}
	}
	memset(&t->cells[t->rows * t->width], 0, t->width * sizeof(*t->cells));
	return &t->cells[t->rows++ * t->width];
}

static int column_width(const struct table *t, unsigned int column)
{
	size_t width = strlen(t->columns[column].title);

	if (width < (size_t)t->widths[column])
		width = (size_t)t->widths[column];
	for (size_t row = 0; row < t->rows; row++) {
		size_t length = strlen(t->cells[row * t->width + column]);

		if (length > width)
			width = length;
	}
	return (int)width;
}

static bool is_last(const struct table *t, unsigned int column)
{
	for (unsigned int i = column + 1; i < t->width; i++)
		if (!t->columns[i].hidden)
			return false;
	return true;
}

static void print_cell(const struct table *t, unsigned int column, const char *text, FILE *out)
{
	int width = t->widths[column];
	bool last = is_last(t, column);

	if (t->columns[column].right)
		fprintf(out, "%*s", width, text);
	else
		fprintf(out, "%-*s", last ? 0 : width, text);
	fputs(last ? "\n" : " ", out);
}

static void print_row(const struct table *t, size_t row, FILE *out)
{
	for (unsigned int i = 0; i < t->width; i++)
		if (!t->columns[i].hidden)
			print_cell(t, i, t->cells[row * t->width + i], out);
}

void table_print(struct table *t, FILE *out)
{
	for (unsigned int i = 0; i < t->width; i++)
		t->widths[i] = column_width(t, i);
	for (unsigned int i = 0; i < t->width && !t->headed; i++)
		if (!t->columns[i].hidden)
			print_cell(t, i, t->columns[i].title, out);
	for (size_t row = 0; row < t->rows; row++)
		print_row(t, row, out);
	t->headed = true;
	t->rows = 0;
}

static bool begins_character(char byte)
{
	return ((unsigned char)byte & 0xc0) != 0x80;
}

int table_columns_of(const char *text)
{
	int columns = 0;

	for (; *text != '\0'; text++)
		columns += begins_character(*text);
	return columns;
}

int table_bytes_of(const char *text, int columns)
{
	int bytes = 0;

	while (text[bytes] != '\0') {
		columns -= begins_character(text[bytes]);
		if (columns < 0)
			break;
		bytes++;
	}
	return bytes;
}

void table_text(table_cell *cell, const char *text)
{
	if (strlen(text) < sizeof(*cell))
		strcpy(*cell, text);
	else
		snprintf(*cell, sizeof(*cell), "%.*s...", (int)sizeof(*cell) - 4, text);
}

void table_duration(table_cell *cell, int64_t ms)
{
	int64_t s = (ms + 999) / 1000;

	if (s < 60)
		snprintf(*cell, sizeof(*cell), "%" PRId64 "s", s);
	else if (s < 3600)
		snprintf(*cell, sizeof(*cell), "%" PRId64 "m%02" PRId64 "s", s / 60, s % 60);
	else if (s < 86400)
		snprintf(*cell, sizeof(*cell), "%" PRId64 "h%02" PRId64 "m", s / 3600, s / 60 % 60);
	else
		snprintf(*cell, sizeof(*cell), "%" PRId64 "d%02" PRId64 "h", s / 86400,
			 s / 3600 % 24);
}

void table_traffic(table_cell *cell, uint64_t packets, uint64_t bytes)
{
	static const char *const units[] = { "", "K", "M", "G", "T", "P" };
	double amount = (double)bytes;
	unsigned int unit = 0;

	while (amount >= 1000 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		amount /= 1024;
		unit++;
	}
	snprintf(*cell, sizeof(*cell), "%" PRIu64 "/%.*f%s", packets, unit > 0 && amount < 100,
		 amount, units[unit]);
}
