/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/cli/feed.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { LINE_FIRST = 16 * 1024, LINE_MOST = 64 * 1024 * 1024 };

void feed_init(struct feed *f, struct client *client)
{
	*f = (struct feed){ .client = client };
}

void feed_fini(struct feed *f)
{
	free(f->line);
	*f = (struct feed){ 0 };
}

static enum client_status ended(struct feed *f, const char *reason)
{
	snprintf(f->client->why, sizeof(f->client->why),
		 "%s: %s; netns-scripts/restart.sh (with --lab NAME, where it is not natem) starts "
		 "it again",
		 f->client->path, reason);
	return CLIENT_FAILED;
}

enum client_status feed_ask(struct feed *f, const char *method, json_t *params)
{
	json_t *call = rpc_call(++f->client->calls, method, params);
	char *text = json_dumps(call, JSON_COMPACT);
	size_t length = text != NULL ? strlen(text) : 0;
	ssize_t sent = -1;

	json_decref(call);
	if (text != NULL) {
		text[length++] = '\n'; /* in place of the NUL; the length says where it ends */
		/* One short request at a time: the socket has room for all of it, or is dead. */
		sent = send(f->client->fd, text, length, MSG_NOSIGNAL | MSG_DONTWAIT);
	}
	free(text);
	if (sent != (ssize_t)length)
		return ended(f, "its natemd has ended");
	f->asked = true;
	f->used = 0;
	return CLIENT_OK;
}

/* Room for more of the line; false if there is none. */
static bool grow(struct feed *f)
{
	size_t size = f->size == 0 ? LINE_FIRST : f->size * 2;
	char *line;

	if (f->used < f->size)
		return true;
	line = size <= LINE_MOST ? realloc(f->line, size) : NULL;
	if (line == NULL)
		return false;
	f->line = line;
	f->size = size;
	return true;
}

enum client_status feed_read(struct feed *f, json_t **answer)
{
	ssize_t n;

	*answer = NULL;
	do {
		if (!grow(f))
			return ended(f, "its answer is too long");
		n = recv(f->client->fd, f->line + f->used, f->size - f->used, MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return CLIENT_OK;
		if (n <= 0)
			return ended(f, "its natemd has ended");
		f->used += (size_t)n;
	} while (f->line[f->used - 1] != '\n');
	*answer = json_loadb(f->line, f->used, 0, NULL);
	f->asked = false;
	f->used = 0;
	return json_is_object(*answer) ? CLIENT_OK : ended(f, "not an answer of natemd");
}
