/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_counters.c - packets by reason; with --explain also how many a second, by two readings
 */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "nat/cli/command.h"
#include "nat/cli/table.h"

static void print_counters(const struct invocation *call, const json_t *result)
{
	static const struct table_column columns[] = {
		{ .title = "COUNTER" },
		{ .title = "PACKETS", .right = true },
		{ .title = "RATE/S", .right = true },
		{ .title = "VERDICT" },
		{ .title = "CLAUSE" },
		{ .title = "MEANING" },
	};
	struct table table;
	json_t *counter;
	const char *name;

	table_init(&table, columns, 6);
	table.columns[2].hidden = table.columns[4].hidden = !call->explain;
	json_object_foreach(json_object_get(result, "counters"), name, counter) {
		double rate = json_number_value(json_object_get(counter, "rate"));
		const char *clause = command_text(counter, "clause");
		table_cell *row = table_row(&table);

		table_text(&row[0], name);
		snprintf(row[1], TABLE_CELL, "%" JSON_INTEGER_FORMAT,
			 command_number(counter, "value"));
		snprintf(row[2], TABLE_CELL, "%.*f", rate > 0 && rate < 10, rate);
		table_text(&row[3],
			   json_is_true(json_object_get(counter, "drop")) ? "drop" : "pass");
		table_text(&row[4], *clause != '\0' ? clause : "-");
		table_text(&row[5], command_text(counter, "meaning"));
	}
	table_print(&table, stdout);
	table_fini(&table);
}

/* --- two readings --------------------------------------------------------------------------- */

static double seconds_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

enum { PATIENCE_S = 2 }; /* whoever waits longer is told how long it takes */

static void sleep_for(double seconds)
{
	struct timespec ts = { .tv_sec = (time_t)seconds };

	ts.tv_nsec = (long)((seconds - (double)ts.tv_sec) * 1e9);
	nanosleep(&ts, NULL);
}

/* On a terminal, with the seconds that are left, on a line that goes when it is over. */
static void wait_for(double seconds)
{
	double end = seconds_now() + seconds, left;
	bool tell = seconds > PATIENCE_S && isatty(STDERR_FILENO);

	while ((left = end - seconds_now()) > 0) {
		if (tell)
			fprintf(stderr, "\rcounting packets: %.0f s left ", left);
		sleep_for(tell && left > 1 ? 1 : left);
	}
	if (tell)
		fputs("\r\033[K", stderr);
}

/* Put into each counter of @now how fast it has risen since @before, @seconds ago. */
static void add_rates(json_t *now, const json_t *before, double seconds)
{
	json_t *counter;
	const char *name;

	json_object_foreach(json_object_get(now, "counters"), name, counter) {
		const json_t *old = json_object_get(json_object_get(before, "counters"), name);
		json_int_t value = command_number(counter, "value"), was = value;

		if (old != NULL)
			was = command_number(old, "value");
		json_object_set_new(counter, "rate", json_real((double)(value - was) / seconds));
	}
	json_object_set_new(now, "interval_ms", json_integer((json_int_t)(seconds * 1000 + 0.5)));
}

/* Both readings in one connection: with another natemd in between they would mean nothing. */
static enum client_status read_twice(const struct invocation *call, json_t **before, json_t **now)
{
	enum client_status status = client_open(call->client);
	double start;

	if (status != CLIENT_OK)
		return status;
	status = client_call(call->client, "counters.get", NULL, before);
	start = seconds_now();
	if (status == CLIENT_OK) {
		wait_for(call->interval);
		status = client_call(call->client, "counters.get", NULL, now);
	}
	if (status == CLIENT_OK)
		add_rates(*now, *before, seconds_now() - start);
	client_close(call->client);
	return status;
}

enum client_status cmd_counters(const struct invocation *call)
{
	json_t *before = NULL, *now = NULL;
	enum client_status status;

	if (!call->explain)
		return command_show(call, "counters.get", NULL, print_counters);
	status = read_twice(call, &before, &now);
	if (status == CLIENT_OK && call->json) {
		json_dumpf(now, stdout, JSON_COMPACT);
		putchar('\n');
	} else if (status == CLIENT_OK) {
		print_counters(call, now);
	}
	json_decref(before);
	json_decref(now);
	return status;
}
