/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/cli/top_screen.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nat/cli/table.h"

enum { ESCAPE_MS = 25 };

bool screen_is_utf8(void)
{
	return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

int screen_open(void)
{
	const char *plain = getenv("NO_COLOR");

	setlocale(LC_CTYPE, "");
	if (newterm(NULL, stdout, stdin) == NULL)
		return -ENOTTY;
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(ESCAPE_MS);
	curs_set(0);
	if ((plain == NULL || *plain == '\0') && has_colors() && start_color() == OK) {
		use_default_colors();
		init_pair(COLOUR_GOOD, COLOR_GREEN, -1);
		init_pair(COLOUR_NEAR, COLOR_YELLOW, -1);
		init_pair(COLOUR_BAD, COLOR_RED, -1);
	}
	return 0;
}

void screen_close(void)
{
	/* Where a terminal has only one screen, the next words come into its last line. */
	move(LINES - 1, 0);
	clrtoeol();
	refresh();
	endwin();
}

attr_t screen_colour(short pair)
{
	return COLORS > 0 && COLOR_PAIRS > pair ? (attr_t)COLOR_PAIR(pair) : A_NORMAL;
}

int screen_put(int y, int x, int width, attr_t attributes, const char *text)
{
	int bytes, columns = table_columns_of(text);

	if (width > COLS - x)
		width = COLS - x;
	if (y >= LINES || width <= 0)
		return 0;
	bytes = table_bytes_of(text, width);
	attrset((int)attributes);
	mvaddnstr(y, x, text, bytes);
	attrset(A_NORMAL);
	return columns > width ? width : columns;
}

int screen_say(int y, int x, attr_t attributes, const char *format, ...)
{
	char text[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	return screen_put(y, x, COLS, attributes, text);
}

void screen_wrap(int y, int lines, const char *text)
{
	for (; lines > 0 && *text != '\0'; lines--, y++) {
		int bytes = table_bytes_of(text, COLS);
		const char *end = text + bytes;

		while (*end != '\0' && *end != ' ' && end > text)
			end--;
		if (end == text)
			end = text + bytes;
		if (bytes == 0)
			return;
		screen_say(y, 0, A_NORMAL, "%.*s", (int)(end - text), text);
		text = *end == ' ' ? end + 1 : end;
	}
}
