/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nearest.h - the name that somebody may have meant
 * Owns:       how far one word is from another, and how far is too far to ask "did you mean".
 * Invariants: of names equally near, the one offered first stays.
 */
#ifndef COMMON_NEAREST_H
#define COMMON_NEAREST_H

struct nearest {
	const char *word;      /* borrowed: what was typed */
	const char *name;      /* borrowed: the nearest so far, NULL if none is near enough */
	unsigned int distance; /* of @name, or one more than the most that is near enough */
};

/*
 * nearest_init() - begin to look for the name nearest to @word
 * @most: letters that may be wrong; 0: a third of the word, one at least
 */
void nearest_init(struct nearest *n, const char *word, unsigned int most);
/* One that there is. A name that only goes on after @word is as near as one with a letter wrong. */
void nearest_offer(struct nearest *n, const char *name);

#endif
