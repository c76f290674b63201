/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * top_text.h - bars, sparklines and short numbers
 * Owns:       how natem top draws an amount in a few columns of the screen.
 * Invariants: what it writes takes exactly the columns it was asked for, in UTF-8 or in ASCII.
 */
#ifndef CLI_TOP_TEXT_H
#define CLI_TOP_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "nat/cli/table.h"

enum { TOP_BAR_MOST = 28 /* columns; of three bytes each they fit into a cell */ };

/* @part of @whole as a bar of @width columns; more than nothing is at least one column. */
void top_bar(table_cell *cell, double part, double whole, unsigned int width, bool utf8);
/*
 * A column for each of the last @width of @count values, the newest last, with spaces before them
 * where there are fewer. The highest is as high as @most, or as the highest there is if that is 0.
 */
void top_spark(table_cell *cell, const float *values, unsigned int count, double most,
	       unsigned int width, bool utf8);
/* "0", "950", "1.2K", "13K", "1.2M": at most five columns, by powers of 1000. */
void top_rate(table_cell *cell, double rate);
/* "0", "950", "1.2K": at most five columns, by powers of 1024, as table_traffic() has them. */
void top_bytes(table_cell *cell, double bytes);

#endif
