/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * top_screen.h - the terminal of natem top
 * Owns:       curses' setting up and taking down, and text put into a place.
 * Invariants: nothing is written outside the screen, whatever its size; there are no colours where
 *             NO_COLOR is set or the terminal has none.
 */
#ifndef CLI_TOP_SCREEN_H
#define CLI_TOP_SCREEN_H

#include <ncurses.h>
#include <stdbool.h>

enum { COLOUR_GOOD = 1, COLOUR_NEAR, COLOUR_BAD };

/* 0, or -ENOTTY where the terminal is not known. */
int screen_open(void);
void screen_close(void);

bool screen_is_utf8(void);
/* A_NORMAL where there are no colours: everything is said in words or digits too. */
attr_t screen_colour(short pair);

/* As much of @text as fits into @width columns from @x on. Return: the columns it took. */
int screen_put(int y, int x, int width, attr_t attributes, const char *text);
__attribute__((format(printf, 4, 5))) int screen_say(int y, int x, attr_t attributes,
						     const char *format, ...);
/* @text on up to @lines lines, broken between words. */
void screen_wrap(int y, int lines, const char *text);

#endif
