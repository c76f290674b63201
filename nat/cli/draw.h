/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * draw.h - the NAT as a picture
 * Owns:       boxes and lines of `natem draw`.
 * Invariants: no line is longer than DRAW_WIDTH columns, as long as an address has 15 and a
 *             protocol 5; the same table gives the same picture.
 */
#ifndef CLI_DRAW_H
#define CLI_DRAW_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

enum { DRAW_WIDTH = 80 };

/*
 * draw_picture() - client, router and server, with a line for each mapping
 * @data: an object with `lan_address` (or null), `external` (array of addresses) and `mappings`, as
 *        mappings.list gives them, each with `sessions`, as sessions.list does
 * @utf8: draw with line characters, else in ASCII
 */
void draw_picture(const json_t *data, bool utf8, FILE *out);

/* Bring the mappings, and the sessions of each, into the order in which they are drawn. */
void draw_sort(json_t *mappings);

#endif
