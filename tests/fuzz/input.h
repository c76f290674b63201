/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * input.h - what fuzzers of streams share
 * Owns:       reading the input byte by byte, and the end of one that broke something.
 * Invariants: past its end the input is all zero.
 */
#ifndef TESTS_FUZZ_INPUT_H
#define TESTS_FUZZ_INPUT_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct input {
	const uint8_t *at;
	size_t left;
};

static inline uint8_t take(struct input *in)
{
	if (in->left == 0)
		return 0;
	in->left--;
	return *in->at++;
}

static inline void broken(const char *what)
{
	fprintf(stderr, "broken: %s\n", what);
	abort();
}

#endif
