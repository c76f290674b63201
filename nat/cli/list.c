/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/cli/list.h"

#include "nat/cli/watch.h"

static enum client_status ask(const struct list *list, json_t **result)
{
	struct client *client = list->call->client;
	enum client_status status = client_open(client);

	if (status != CLIENT_OK)
		return status;
	status = client_list(client, list->method, list->name, result);
	client_close(client);
	return status;
}

/* Write it to @out: what is printed once, or drawn again and again. */
static enum client_status draw(void *data, FILE *out)
{
	const struct list *list = data;
	json_t *result;
	enum client_status status = ask(list, &result);

	if (status != CLIENT_OK)
		return status;
	if (list->call->json) {
		json_dumpf(result, out, JSON_COMPACT);
		fputc('\n', out);
	} else {
		list->print(list, json_object_get(result, list->name), out);
	}
	json_decref(result);
	return CLIENT_OK;
}

enum client_status list_show(struct list *list)
{
	const struct invocation *call = list->call;

	if (!call->watch)
		return draw(list, stdout);
	return watch_run(draw, list, call->client, call->interval, call->json);
}
