/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/core/column.h"

#include <errno.h>

#include "common/block.h"

int column_reserve(struct column *c, uint32_t room)
{
	void *cells;

	if (room <= c->room)
		return 0;
	cells = c->cells == NULL ? block_open(room * c->size)
				 : block_grow(c->cells, c->room * c->size, room * c->size);
	if (cells == NULL)
		return -ENOMEM;
	c->cells = cells;
	c->room = room;
	return 0;
}

void column_fini(struct column *c)
{
	block_close(c->cells, c->room * c->size);
	*c = (struct column){ .size = c->size };
}
