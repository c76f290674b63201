/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/cli/list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "nat/cli/watch.h"

/* A list on its way from the pages to the text. */
struct writing {
	const struct list *list;
	FILE *out;
	bool begun;	    /* something is written */
	bool first;	    /* JSON: the next record is the first */
	json_t *held;	    /* table: records without a row yet, owned */
	struct table table; /* empty between two parts of it */
};

static enum client_status check_output(const struct writing *w)
{
	struct client *client = w->list->call->client;

	if (w->list->call->watch || !ferror(w->out))
		return CLIENT_OK; /* a watch ends by itself when its reader has gone */
	snprintf(client->why, sizeof(client->why), "cannot write the answer: %s", strerror(errno));
	return CLIENT_FAILED;
}

/* --- JSON ----------------------------------------------------------------------------------- */

static enum client_status take_json(void *data, json_t *records)
{
	struct writing *w = data;
	const json_t *record;
	size_t i;

	if (!w->begun)
		fprintf(w->out, "{\"%s\":[", w->list->name);
	w->begun = true;
	json_array_foreach(records, i, record) {
		if (!w->first)
			fputc(',', w->out);
		w->first = false;
		json_dumpf(record, w->out, JSON_COMPACT | JSON_ENCODE_ANY);
	}
	return check_output(w);
}

static enum client_status write_json(struct writing *w)
{
	const struct list *list = w->list;
	enum client_status status;

	w->first = true;
	status = client_list(list->call->client, list->method, list->name, take_json, w);
	if (w->begun)
		fputs(status == CLIENT_OK ? "]}\n" : "\n", w->out);
	return status;
}

/* --- tables --------------------------------------------------------------------------------- */

/* Write the rows of what is held, in their order. */
static void write_rows(struct writing *w)
{
	size_t count = json_array_size(w->held);
	const json_t **sorted = calloc(count + 1, sizeof(*sorted));

	if (sorted == NULL) {
		log_error("out of memory");
		exit(EXIT_FAILURE);
	}
	for (size_t i = 0; i < count; i++)
		sorted[i] = json_array_get(w->held, i);
	qsort(sorted, count, sizeof(*sorted), w->list->order);
	for (size_t i = 0; i < count; i++)
		w->list->add_row(&w->table, sorted[i]);
	free(sorted);
	table_print(&w->table, w->out);
	json_array_clear(w->held);
	w->begun = true;
}

/* A screen shows the first rows of all: there everything is held. */
static enum client_status take_rows(void *data, json_t *records)
{
	struct writing *w = data;

	json_array_extend(w->held, records);
	if (w->list->call->watch || json_array_size(w->held) <= LIST_TOGETHER)
		return CLIENT_OK;
	table_show_all(&w->table);
	write_rows(w);
	return check_output(w);
}

static enum client_status write_table(struct writing *w)
{
	const struct list *list = w->list;
	enum client_status status;

	w->held = json_array();
	table_init(&w->table, list->columns, list->width);
	status = client_list(list->call->client, list->method, list->name, take_rows, w);
	if (status == CLIENT_OK)
		write_rows(w);
	table_fini(&w->table);
	json_decref(w->held);
	return status;
}

/* --- both ----------------------------------------------------------------------------------- */

/* Say after the reason that what stands above it is not all. */
static void add_incomplete(struct client *client)
{
	size_t used = strlen(client->why);

	snprintf(client->why + used, sizeof(client->why) - used, "; the list is incomplete");
}

/* Write it to @out: what is printed once, or drawn again and again. */
static enum client_status draw(void *data, FILE *out)
{
	const struct list *list = data;
	struct client *client = list->call->client;
	struct writing w = { .list = list, .out = out };
	enum client_status status = client_open(client);

	if (status != CLIENT_OK)
		return status;
	status = list->call->json ? write_json(&w) : write_table(&w);
	client_close(client);
	if (status != CLIENT_OK && w.begun) {
		fflush(out); /* before the reason comes to the same terminal */
		add_incomplete(client);
	}
	return status;
}

enum client_status list_show(struct list *list)
{
	const struct invocation *call = list->call;

	if (!call->watch)
		return draw(list, stdout);
	return watch_run(draw, list, call->client, call->interval, call->json);
}
