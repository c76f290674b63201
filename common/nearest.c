/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/nearest.h"

#include <string.h>

enum { WIDTH = 48, TOO_LONG = 99, ABBREVIATION = 2 };

static unsigned int least(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

/*
 * How many letters to change, add, take out or swap with the next to turn @a into @b: the optimal
 * string alignment distance, of which three rows of the table are enough.
 */
static unsigned int edit_distance(const char *a, const char *b)
{
	unsigned int rows[3][WIDTH];
	unsigned int *before = rows[0], *last = rows[1], *row = rows[2];
	size_t width = strlen(b);

	if (width >= WIDTH)
		return TOO_LONG;
	for (size_t j = 0; j <= width; j++)
		last[j] = (unsigned int)j;
	for (size_t i = 0; a[i] != '\0'; i++) {
		unsigned int *next = before;

		row[0] = (unsigned int)i + 1;
		for (size_t j = 1; j <= width; j++) {
			row[j] = least(last[j - 1] + (a[i] != b[j - 1]),
				       least(last[j], row[j - 1]) + 1);
			if (i > 0 && j > 1 && a[i] == b[j - 2] && a[i - 1] == b[j - 1])
				row[j] = least(row[j], before[j - 2] + 1);
		}
		before = last;
		last = row;
		row = next;
	}
	return last[width];
}

void nearest_init(struct nearest *n, const char *word, unsigned int most)
{
	unsigned int third = (unsigned int)(strnlen(word, WIDTH) / 3);

	if (most == 0)
		most = third > 0 ? third : 1;
	*n = (struct nearest){ .word = word, .distance = most + 1 };
}

void nearest_offer(struct nearest *n, const char *name)
{
	size_t length = strlen(n->word);
	unsigned int distance = edit_distance(n->word, name);

	if (length >= ABBREVIATION && strncmp(n->word, name, length) == 0)
		distance = least(distance, 1);
	if (distance >= n->distance)
		return;
	n->distance = distance;
	n->name = name;
}
