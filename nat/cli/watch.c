/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/cli/watch.h"

#include <locale.h>
#include <ncurses.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "nat/cli/table.h"

/* Set by a signal; the one thing a handler can do safely. */
static volatile sig_atomic_t ended;

static void end(int signal)
{
	(void)signal;
	ended = 1;
}

static void catch_signals(void)
{
	const struct sigaction action = { .sa_handler = end }; /* no SA_RESTART: waiting ends too */

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
}

/* Waits unless a signal has ended it; one that comes just before the waiting ends it as well. */
static void wait_seconds(double seconds)
{
	struct timespec ts = { .tv_sec = (time_t)seconds };
	sigset_t all, before;

	ts.tv_nsec = (long)((seconds - (double)ts.tv_sec) * 1e9);
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	if (!ended)
		ppoll(NULL, 0, &ts, &before);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

static enum client_status run_plain(watch_draw *draw, void *data, double interval)
{
	while (!ended) {
		enum client_status status = draw(data, stdout);

		if (status != CLIENT_OK)
			return ended ? CLIENT_OK : status; /* it was interrupted */
		if (fflush(stdout) != 0)
			return CLIENT_OK; /* the reader has gone */
		wait_seconds(interval);
	}
	return CLIENT_OK;
}

static int count_lines(const char *text)
{
	int lines = 0;

	for (; *text != '\0'; text++)
		lines += *text == '\n';
	return lines;
}

/* @text, a line of the screen for each of its lines, as much as fits. */
static void put_screen(char *text)
{
	int lines = count_lines(text), shown = lines > LINES ? LINES - 1 : lines;

	for (int row = 0; row < shown; row++) {
		const char *line = strsep(&text, "\n");

		mvaddnstr(row, 0, line, table_bytes_of(line, COLS));
		if (table_columns_of(line) > COLS) /* no number may look whole that is not */
			mvaddch(row, COLS - 1, '>');
	}
	if (shown < lines)
		mvprintw(shown, 0, "... %d more", lines - shown);
}

/* What draw() writes, or why it cannot. */
static void redraw(watch_draw *draw, void *data, const struct client *client)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	enum client_status status;

	if (out == NULL)
		return; /* the old screen stays */
	status = draw(data, out);
	fclose(out);
	erase();
	if (status == CLIENT_OK)
		put_screen(text);
	else
		printw("%s\n(waiting for it; q to quit)", client->why);
	refresh();
	free(text);
}

static enum client_status run_screen(watch_draw *draw, void *data, struct client *client,
				     double interval)
{
	int key = ERR;

	cbreak();
	noecho();
	curs_set(0);
	timeout((int)(interval * 1000));
	while (!ended && key != 'q') {
		redraw(draw, data, client);
		key = getch(); /* waits the interval; a resize comes as a key and redraws */
	}
	endwin();
	return CLIENT_OK;
}

enum client_status watch_run(watch_draw *draw, void *data, struct client *client, double interval,
			     bool plain)
{
	setlocale(LC_ALL, "");
	catch_signals();
	/* Without a keyboard getch() would return at once, again and again. */
	if (plain || !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) ||
	    newterm(NULL, stdout, stdin) == NULL)
		return run_plain(draw, data, interval);
	return run_screen(draw, data, client, interval);
}
