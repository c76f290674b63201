/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * control.h - the control socket and its clients
 * Owns:       the listening socket, each client's input and output, and their limits.
 * Invariants: a client that sends too much is told and closed; one that does not read its answer
 *             is not read from either, so it can neither grow memory nor hold up packets. One with
 *             a subscription gets the next piece when the last is out.
 */
#ifndef DAEMON_CONTROL_H
#define DAEMON_CONTROL_H

#include "nat/daemon/daemon.h"
#include "nat/daemon/loop.h"

enum { CONTROL_CLIENTS = 64 };

struct control_client {
	int fd;	     /* -1: free place */
	bool ended;  /* sends no more; closed when its answers are out */
	char *input; /* owned, RPC_LINE_MAX bytes */
	size_t input_length;
	char *output; /* owned; NULL when all is sent */
	size_t output_length, output_sent;
	struct stream stream;
	bool reads, writes; /* what its descriptor is watched for */
};

struct control {
	int fd;
	struct control_client clients[CONTROL_CLIENTS];
	unsigned int streaming; /* clients with a subscription */
	struct loop *loop;	/* borrowed */
	char path[RPC_PATH_MAX];
};

/*
 * control_open() - listen at @path, making its directory if need be
 * A socket that nobody listens on any more is replaced. Return: 0, -EADDRINUSE if a daemon
 * listens there, -EEXIST if something else lies there, or -errno.
 */
int control_open(struct control *c, const char *path, struct loop *loop);
void control_close(struct control *c, struct daemon *d);

/* A client knocks. */
void control_accept(struct control *c);
/* Client @number can be read from or written to. */
void control_serve(struct control *c, struct daemon *d, const struct loop_event *event);

/* Something has happened: tell those who have subscribed. */
void control_feed(struct control *c, struct daemon *d);

#endif
