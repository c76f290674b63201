/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * client.h - talking to a running natemd
 * Owns:       the connection, and the words for what can go wrong with it.
 * Invariants: every failure leaves one sentence in `why` that names the fix.
 */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include <stdbool.h>
#include <stdio.h>

#include "common/rpc.h"

/* Exit status of the command, and of a failed call. */
enum client_status { CLIENT_OK = 0, CLIENT_FAILED = 1, CLIENT_WRONG_USAGE = 2 };

struct client {
	int fd; /* -1: not connected */
	int calls;
	char path[RPC_PATH_MAX];
	char why[4096];
};

/* Connect to the socket at client->path. */
enum client_status client_open(struct client *c);
void client_close(struct client *c);

/*
 * client_call() - call @method and wait for its answer, at most ten seconds
 * @params: taken; NULL for none
 * @result: owned by the caller when CLIENT_OK
 */
enum client_status client_call(struct client *c, const char *method, json_t *params,
			       json_t **result);

/* Takes the records of one page, an array or NULL; other than CLIENT_OK ends the list. */
typedef enum client_status client_take(void *data, json_t *records);

/*
 * client_list() - ask for page after page of a list and give each to @take as it comes
 * @name: of the array in the answers. Return: CLIENT_OK when @take has had all of them.
 */
enum client_status client_list(struct client *c, const char *method, const char *name,
			       client_take *take, void *data);

/*
 * client_subscribe() - call @method, which goes on answering
 * @params: taken; NULL for none. @in: gets what follows the answer, to be read until it ends, which may
 * take as long as it likes; owned by the caller.
 */
enum client_status client_subscribe(struct client *c, const char *method, json_t *params,
				    FILE **in);
/* The next notification's params, owned by the caller, and in @name (@size bytes) which it is; NULL when there
 * will be none, by a signal or the daemon's end. */
json_t *client_next(FILE *in, char *name, size_t size);
/* A signal that ends a program ends what is subscribed to @c instead: first no more is asked for. */
void client_end_by_signal(struct client *c);
/* Has a signal ended it? */
bool client_is_ended(void);

#endif
