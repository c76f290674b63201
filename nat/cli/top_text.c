/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/cli/top_text.h"

#include <stdio.h>
#include <string.h>

static void append(table_cell *cell, const char *text)
{
	size_t used = strlen(*cell);

	snprintf(*cell + used, sizeof(*cell) - used, "%s", text);
}

void top_bar(table_cell *cell, double part, double whole, unsigned int width, bool utf8)
{
	double share = whole > 0 ? part / whole : 0;
	unsigned int full;

	if (width > TOP_BAR_MOST)
		width = TOP_BAR_MOST;
	full = share >= 1 ? width : (unsigned int)(share * width);
	if (full == 0 && part > 0)
		full = 1;
	**cell = '\0';
	for (unsigned int i = 0; i < width; i++)
		append(cell, i < full ? (utf8 ? "█" : "#") : (utf8 ? "·" : "."));
}

/* From nothing to the highest. What is not nothing does not look like it. */
static const char *level(double value, double most, bool utf8)
{
	static const char *const blocks[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	static const char *const ascii[] = { " ", ".", ",", ":", "-", "=", "+", "*", "#" };
	int n = most > 0 && value > 0 ? 1 + (int)(value / most * 7.5) : 0;

	if (n > 8)
		n = 8;
	return utf8 ? blocks[n] : ascii[n];
}

void top_spark(table_cell *cell, const float *values, unsigned int count, double most,
	       unsigned int width, bool utf8)
{
	bool find = most <= 0;

	if (width > TOP_BAR_MOST)
		width = TOP_BAR_MOST;
	if (count > width) {
		values += count - width;
		count = width;
	}
	for (unsigned int i = 0; i < count && find; i++)
		if ((double)values[i] > most)
			most = (double)values[i];
	**cell = '\0';
	for (unsigned int i = count; i < width; i++)
		append(cell, " ");
	for (unsigned int i = 0; i < count; i++)
		append(cell, level((double)values[i], most, utf8));
}

static void scaled(table_cell *cell, double amount, double step)
{
	static const char *const units[] = { "", "K", "M", "G", "T", "P" };
	unsigned int unit = 0;

	/* 999.5 would be written as 1000, and 9.95 as 10.0. */
	while (amount >= 999.5 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		amount /= step;
		unit++;
	}
	snprintf(*cell, sizeof(*cell), "%.*f%s", unit > 0 && amount < 9.95, amount, units[unit]);
}

void top_rate(table_cell *cell, double rate)
{
	/* Less than one a second is not nothing. */
	if (rate > 0 && rate < 0.5)
		snprintf(*cell, sizeof(*cell), "<1");
	else
		scaled(cell, rate, 1000);
}

void top_bytes(table_cell *cell, double bytes)
{
	scaled(cell, bytes, 1024);
}
