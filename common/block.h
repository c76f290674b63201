/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * block.h - large blocks of memory for tables
 * Owns:       how tables get their memory: whole pages, zeroed, huge ones where they pay.
 * Invariants: a page that nobody has written to takes no memory, so a table may be as large as its
 *             limit from the start. A block begins on a page, and so on a cache line.
 */
#ifndef COMMON_BLOCK_H
#define COMMON_BLOCK_H

#include <stddef.h>

/* The size of a cache line on the processors we know. */
#define BLOCK_LINE 64

/* @size zeroed bytes, owned by the caller; NULL if there is no memory. @size is not 0. */
void *block_open(size_t size);
/* The same bytes in a block of @size, which is larger than @before: perhaps elsewhere, zeroed where it
 * is new. NULL if there is no memory, and @block is as it was. */
void *block_grow(void *block, size_t before, size_t size);
/* Give back a block of @size; NULL is fine. */
void block_close(void *block, size_t size);

#endif
