/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * column.h - an array with a cell for each record of a table
 * Owns:       a block of memory for as many cells as the table may have records.
 * Invariants: a cell that was never written to is zero and takes no memory: what only some records
 *             need lies in a column of its own.
 */
#ifndef CORE_COLUMN_H
#define CORE_COLUMN_H

#include <stddef.h>
#include <stdint.h>

struct column {
	uint8_t *cells; /* owned; NULL while there are none */
	size_t size;	/* of a cell */
	uint32_t room;	/* how many */
};

/* At least @room cells (of which there is one) of c->size; 0, or -ENOMEM and nothing has changed. */
int column_reserve(struct column *c, uint32_t room);
void column_fini(struct column *c);

static inline void *column_at(const struct column *c, uint32_t n)
{
	return c->cells + (size_t)n * c->size;
}

#endif
