/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * feed.h - asking a daemon without waiting for it
 * Owns:       one question at a time, and what has come of its answer so far.
 * Invariants: never waits: a daemon that is slow or stopped keeps no keyboard from being read.
 */
#ifndef CLI_FEED_H
#define CLI_FEED_H

#include <stdbool.h>

#include "nat/cli/client.h"

struct feed {
	struct client *client; /* borrowed, connected */
	bool asked;	       /* an answer is due */
	char *line;	       /* owned: what has come of it */
	size_t used, size;
};

void feed_init(struct feed *f, struct client *client);
void feed_fini(struct feed *f);

/*
 * feed_ask() - send a request; the answer to the one before must have come
 * @params: taken; NULL for none
 * Return: CLIENT_OK, or CLIENT_FAILED with the reason in the client.
 */
enum client_status feed_ask(struct feed *f, const char *method, json_t *params);

/*
 * feed_read() - take what has come
 * @answer: NULL while it is not whole; else the answer, owned by the caller: an object with
 *          `result` or `error`
 * Return: CLIENT_OK, or CLIENT_FAILED, with the reason in the client, when there will be no more.
 */
enum client_status feed_read(struct feed *f, json_t **answer);

#endif
