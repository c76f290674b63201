/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nearest.h - which of the names there are may be meant
 * Owns:       how near two names are, and from where on a guess helps nobody.
 * Invariants: none of its own; a guess borrows the names it is tried with.
 */
#ifndef COMMON_NEAREST_H
#define COMMON_NEAREST_H

/* A search: start with nearest_to(), try every name there is, and look at `name`. */
struct nearest {
	const char *given; /* borrowed: what nobody is called */
	const char *name;  /* borrowed: the nearest so far; NULL if none is near */
	unsigned int distance;
};

struct nearest nearest_to(const char *given);
/* Of several that are equally near, the first that was tried stays. */
void nearest_try(struct nearest *n, const char *name);

#endif
