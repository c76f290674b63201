/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_draw.c - the NAT as a picture, once or live: what goes into it
 */
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "nat/cli/command.h"
#include "nat/cli/draw.h"
#include "nat/cli/watch.h"

enum {
	DRAWN_MOST = 500,	/* mappings: a picture of more shows nothing any more */
	LOOKED_AT_MOST = 20000, /* sessions, for theirs */
};

struct drawing {
	const struct invocation *call;
	json_t *data;  /* owned while it is gathered: what draw_picture() takes */
	json_t *index; /* owned: from a mapping's id, as text, to the mapping */
	size_t sessions;
	bool enough; /* the rest of the list is not wanted */
};

static enum client_status stop(struct drawing *d)
{
	d->enough = true;
	return CLIENT_FAILED;
}

static const char *id_text(const json_t *record, const char *name, char text[24])
{
	snprintf(text, 24, "%" JSON_INTEGER_FORMAT, command_number(record, name));
	return text;
}

static enum client_status take_mappings(void *data, json_t *records)
{
	struct drawing *d = data;
	json_t *mappings = json_object_get(d->data, "mappings"), *mapping;
	char id[24];
	size_t i;

	json_array_foreach(records, i, mapping) {
		if (json_array_size(mappings) == DRAWN_MOST)
			return stop(d);
		json_object_set_new(mapping, "sessions", json_array());
		json_array_append(mappings, mapping);
		json_object_set(d->index, id_text(mapping, "id", id), mapping);
	}
	return CLIENT_OK;
}

static enum client_status take_sessions(void *data, json_t *records)
{
	struct drawing *d = data;
	json_t *session;
	char id[24];
	size_t i;

	json_array_foreach(records, i, session) {
		json_t *mapping = json_object_get(d->index, id_text(session, "mapping", id));

		json_array_append(json_object_get(mapping, "sessions"), session);
	}
	d->sessions += json_array_size(records);
	return d->sessions >= LOOKED_AT_MOST ? stop(d) : CLIENT_OK;
}

static enum client_status list(struct drawing *d, const char *method, const char *name,
			       client_take *take)
{
	enum client_status status = client_list(d->call->client, method, name, take, d);

	return d->enough ? CLIENT_OK : status;
}

/* The picture's data into d->data, which the caller owns whatever comes of it. */
static enum client_status gather(struct drawing *d)
{
	json_t *result;
	enum client_status status = client_call(d->call->client, "status", NULL, &result);

	if (status != CLIENT_OK)
		return status;
	d->data = json_pack("{s:O?, s:O?, s:[], s:O?}", "lan_address",
			    json_object_get(result, "lan_address"), "external",
			    json_object_get(result, "external"), "mappings", "live",
			    json_object_get(json_object_get(result, "mappings"), "live"));
	json_decref(result);
	d->index = json_object();
	status = list(d, "mappings.list", "mappings", take_mappings);
	if (status == CLIENT_OK)
		status = list(d, "sessions.list", "sessions", take_sessions);
	json_decref(d->index);
	draw_sort(json_object_get(d->data, "mappings"));
	return status;
}

static void write_picture(const struct drawing *d, FILE *out)
{
	json_int_t live = command_number(d->data, "live");

	draw_picture(d->data, strcmp(nl_langinfo(CODESET), "UTF-8") == 0, out);
	if (json_array_size(json_object_get(d->data, "mappings")) == DRAWN_MOST &&
	    live > DRAWN_MOST)
		fprintf(out,
			"\nThese are %d of %" JSON_INTEGER_FORMAT
			" mappings; 'natem mappings' has all.\n",
			DRAWN_MOST, live);
}

static enum client_status draw(void *data, FILE *out)
{
	struct drawing d = { .call = data };
	struct client *client = d.call->client;
	enum client_status status = client_open(client);

	if (status != CLIENT_OK)
		return status;
	status = gather(&d);
	client_close(client);
	if (status == CLIENT_OK && d.call->json) {
		json_dumpf(d.data, out, JSON_COMPACT);
		fputc('\n', out);
	} else if (status == CLIENT_OK) {
		write_picture(&d, out);
	}
	json_decref(d.data);
	return status;
}

enum client_status cmd_draw(const struct invocation *call)
{
	/* watch_run() wants what it may change. */
	struct invocation copy = *call;

	setlocale(LC_CTYPE, "");
	if (!call->watch)
		return draw(&copy, stdout);
	return watch_run(draw, &copy, call->client, call->interval, call->json);
}
