/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * table.h - output forms for people
 * Owns:       aligned tables, and how durations and amounts are written.
 * Invariants: a table's columns are as wide as their widest cell, and its last is not padded.
 *             One that is printed in parts keeps its columns at least as wide from part to part.
 */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { TABLE_COLUMNS = 16, TABLE_CELL = 96 /* bytes of a cell, with its NUL */ };

struct table_column {
	const char *title;
	bool right;  /* numbers stand to the right */
	bool hidden; /* nothing to show in it this time */
	bool scarce; /* hidden until somebody has something to show in it */
};

typedef char table_cell[TABLE_CELL];

struct table {
	struct table_column columns[TABLE_COLUMNS];
	unsigned int width;	   /* columns in use */
	int widths[TABLE_COLUMNS]; /* of what is printed already */
	table_cell *cells;	   /* owned; rows one after the other */
	size_t rows;
	bool headed; /* its titles are printed already */
};

/* @columns: @width of them, copied. */
void table_init(struct table *t, const struct table_column *columns, unsigned int width);
void table_fini(struct table *t);
/* A row of empty cells to write into; borrowed until the next row. Exits when out of memory. */
table_cell *table_row(struct table *t);
/* Print the rows, under the titles if these are not printed yet, and forget them. */
void table_print(struct table *t, FILE *out);
/* Show the scarce columns too: there are more rows than can be known now. */
void table_show_all(struct table *t);

/* How many columns of the screen a UTF-8 text takes; each of its characters is taken to be one wide. */
int table_columns_of(const char *text);
/* How many bytes of it fit into @columns. */
int table_bytes_of(const char *text, int columns);

/* @text, or as much as fits and "..." */
void table_text(table_cell *cell, const char *text);
/* "59s", "4m07s", "2h03m", "3d04h", into @cell; @ms is rounded up: nothing lives 0s. */
void table_duration(table_cell *cell, int64_t ms);
/* "12/1.3K": packets and bytes (K, M, G are powers of 1024). */
void table_traffic(table_cell *cell, uint64_t packets, uint64_t bytes);

#endif
