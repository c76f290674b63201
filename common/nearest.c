/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/nearest.h"

#include <stddef.h>
#include <string.h>

enum {
	NAME_MAX_LENGTH = 48, /* longer ones are no names of ours */
	FAR = 5,	      /* letters; further off is no help */
};

/* How many letters to change, add or take out to turn @a into @b (Levenshtein). */
static unsigned int edit_distance(const char *a, const char *b)
{
	unsigned int row[NAME_MAX_LENGTH];
	size_t width = strlen(b);

	if (width >= NAME_MAX_LENGTH)
		return FAR;
	for (size_t j = 0; j <= width; j++)
		row[j] = (unsigned int)j;
	for (size_t i = 0; a[i] != '\0'; i++) {
		unsigned int diagonal = row[0];

		row[0] = (unsigned int)i + 1;
		for (size_t j = 1; j <= width; j++) {
			unsigned int change = diagonal + (a[i] != b[j - 1]);
			unsigned int best = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;

			diagonal = row[j];
			row[j] = change < best ? change : best;
		}
	}
	return row[width];
}

struct nearest nearest_to(const char *given)
{
	return (struct nearest){ .given = given, .distance = FAR };
}

void nearest_try(struct nearest *n, const char *name)
{
	unsigned int distance = edit_distance(n->given, name);

	/* Three letters that are all others are no slip of the hand. */
	if (distance >= n->distance || distance >= strlen(n->given))
		return;
	n->distance = distance;
	n->name = name;
}
