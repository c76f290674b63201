/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/daemon/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "nat/daemon/methods.h"

/* --- opening ------------------------------------------------------------------------------- */

static struct sockaddr_un address_of(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
	return address;
}

static int make_directory(const char *path)
{
	char directory[RPC_PATH_MAX];
	char *slash;

	strncpy(directory, path, sizeof(directory) - 1);
	directory[sizeof(directory) - 1] = '\0';
	slash = strrchr(directory, '/');
	if (slash == NULL || slash == directory)
		return 0;
	*slash = '\0';
	return mkdir(directory, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

/* Take away a socket that a dead daemon left; never anything else. */
static int clear_path(const char *path)
{
	struct sockaddr_un address = address_of(path);
	struct stat st;
	int fd, err;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	err = connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? errno : 0;
	close(fd);
	if (err != ECONNREFUSED)
		return err == 0 || err == EAGAIN ? -EADDRINUSE : -err;
	return unlink(path) < 0 ? -errno : 0;
}

static int listen_at(const char *path)
{
	struct sockaddr_un address = address_of(path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), err;
	mode_t mask;

	if (fd < 0)
		return -errno;
	mask = umask(0177); /* owner only: whoever may write here steers the NAT */
	err = bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
	umask(mask);
	if (err == 0 && listen(fd, CONTROL_CLIENTS) < 0)
		err = -errno;
	if (err < 0) {
		close(fd);
		return err;
	}
	return fd;
}

int control_open(struct control *c, const char *path, struct loop *loop)
{
	int err;

	c->loop = loop;
	c->streaming = 0;
	strncpy(c->path, path, sizeof(c->path) - 1);
	c->path[sizeof(c->path) - 1] = '\0';
	for (int i = 0; i < CONTROL_CLIENTS; i++)
		c->clients[i] = (struct control_client){ .fd = -1 };
	err = make_directory(path);
	if (err == 0)
		err = clear_path(path);
	if (err < 0)
		return err;
	c->fd = listen_at(path);
	if (c->fd < 0)
		return c->fd;
	err = loop_watch(loop, c->fd, LOOP_LISTEN, 0);
	if (err < 0) {
		close(c->fd);
		unlink(path);
	}
	return err;
}

static void drop_client(struct control *c, struct daemon *d, struct control_client *client)
{
	if (client->stream.kind != STREAM_NONE) {
		stream_end(&client->stream, d);
		c->streaming--;
	}
	close(client->fd);
	free(client->input);
	free(client->output);
	*client = (struct control_client){ .fd = -1 };
}

void control_close(struct control *c, struct daemon *d)
{
	for (int i = 0; i < CONTROL_CLIENTS; i++)
		if (c->clients[i].fd >= 0)
			drop_client(c, d, &c->clients[i]);
	close(c->fd);
	unlink(c->path);
}

/* --- clients ------------------------------------------------------------------------------- */

static int free_place(const struct control *c)
{
	for (int i = 0; i < CONTROL_CLIENTS; i++)
		if (c->clients[i].fd < 0)
			return i;
	return -1;
}

void control_accept(struct control *c)
{
	int fd = accept4(c->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	int place = free_place(c);

	if (fd < 0)
		return;
	if (place < 0) {
		static const char full[] =
			"{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32000,"
			"\"message\":\"too many clients; try again later\"}}\n";

		if (send(fd, full, sizeof(full) - 1, MSG_NOSIGNAL) < 0) {
			/* It is closed either way. */
		}
		close(fd);
		return;
	}
	c->clients[place] =
		(struct control_client){ .fd = fd, .input = malloc(RPC_LINE_MAX), .reads = true };
	if (c->clients[place].input == NULL ||
	    loop_watch(c->loop, fd, LOOP_CLIENT, (uint32_t)place) < 0)
		drop_client(c, NULL, &c->clients[place]); /* it has no subscription yet */
}

/* Take @text as the client's next output, which must be empty. */
static void set_text(struct control_client *client, char *text, size_t length)
{
	client->output = text;
	client->output_length = length;
	client->output_sent = 0;
}

/* The same for @answer, which may be NULL. */
static int set_output(struct control_client *client, json_t *answer)
{
	char *text;

	if (answer == NULL)
		return 0;
	text = json_dumps(answer, JSON_COMPACT);
	json_decref(answer);
	if (text == NULL)
		return -ENOMEM;
	set_text(client, text, strlen(text) + 1);
	text[client->output_length - 1] = '\n'; /* in place of the NUL */
	return 0;
}

/* Send what is left; 0 when all is out, -EAGAIN when the client must read first, or -errno. */
static int flush_output(struct control_client *client)
{
	while (client->output != NULL) {
		ssize_t n = send(client->fd, client->output + client->output_sent,
				 client->output_length - client->output_sent, MSG_NOSIGNAL);

		if (n < 0)
			return -errno;
		client->output_sent += (size_t)n;
		if (client->output_sent < client->output_length)
			continue;
		free(client->output);
		client->output = NULL;
	}
	return 0;
}

/* Answer the first whole line of the input, if there is one. */
static int answer_line(struct control_client *client, struct daemon *d, bool *answered)
{
	char *end = memchr(client->input, '\n', client->input_length);
	size_t length;
	int err;

	*answered = end != NULL;
	if (end == NULL) {
		if (client->input_length < RPC_LINE_MAX)
			return 0;
		client->ended = true; /* where its next request starts, nobody knows */
		client->input_length = 0;
		return set_output(
			client, rpc_error(NULL, RPC_INVALID_REQUEST, "request longer than 64 KiB"));
	}
	length = (size_t)(end - client->input);
	d->asking = &client->stream;
	err = length == 0 ? 0 : set_output(client, methods_answer(d, client->input, length));
	d->asking = NULL;
	client->input_length -= length + 1;
	memmove(client->input, end + 1, client->input_length);
	return err;
}

static int read_input(struct control_client *client)
{
	ssize_t n = recv(client->fd, client->input + client->input_length,
			 RPC_LINE_MAX - client->input_length, 0);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (n == 0)
		client->ended = true;
	client->input_length += (size_t)n;
	return 0;
}

/*
 * One line, and none while an answer waits to be read: 0 or -errno to close. Only one, so that no
 * client keeps packets and timers waiting for longer than one answer takes.
 */
static int converse(struct control_client *client, struct daemon *d, bool readable)
{
	bool answered = false;
	int err = flush_output(client);

	if (err == 0 && readable && !client->ended)
		err = read_input(client);
	if (err == 0)
		err = answer_line(client, d, &answered);
	if (err == 0)
		err = flush_output(client);
	if (err == -EAGAIN)
		return 0;
	return err < 0 || (client->ended && !answered && client->stream.kind == STREAM_NONE)
		       ? -EPIPE
		       : 0;
}

/*
 * What has happened, to a client that has had all before: 0 or -errno to close. A client that says no
 * more may listen on; only a file that is captured has an end.
 */
static int feed(struct control_client *client, struct daemon *d)
{
	size_t length;
	char *text;
	int err;

	if (client->stream.kind == STREAM_NONE || client->output != NULL)
		return 0;
	if (stream_has_more(&client->stream, d))
		text = stream_next(&client->stream, d, &length);
	else if (client->ended && client->stream.finished)
		return -EPIPE;
	else
		text = client->ended ? stream_last(&client->stream, &length) : NULL;
	if (text == NULL)
		return 0;
	set_text(client, text, length);
	err = flush_output(client);
	return err == -EAGAIN ? 0 : err;
}

/* Lines left over, and more of a subscription, come again by writability, which is at once unless the
 * client lags. */
static int watch_client(struct control *c, struct daemon *d, struct control_client *client)
{
	const struct stream *stream = &client->stream;
	bool waits = client->output != NULL;
	bool more = memchr(client->input, '\n', client->input_length) != NULL;
	bool ends =
		client->ended && (stream->kind == STREAM_NONE || stream->kind == STREAM_CAPTURE);
	bool reads = !waits && !more && !client->ended;
	bool writes = waits || more || ends || stream_has_more(stream, d);

	if (reads == client->reads && writes == client->writes)
		return 0;
	client->reads = reads;
	client->writes = writes;
	return loop_rewatch(c->loop, client->fd, LOOP_CLIENT, (uint32_t)(client - c->clients),
			    reads, writes);
}

static void serve_client(struct control *c, struct daemon *d, struct control_client *client,
			 bool readable)
{
	bool streamed = client->stream.kind != STREAM_NONE;
	/* Nobody asks whether there is more after the end: then all of it is closed. */
	int err = client->ended && readable && streamed && !client->reads && !client->writes
			  ? -EPIPE
			  : converse(client, d, readable);

	c->streaming += !streamed && client->stream.kind != STREAM_NONE;
	if (err == 0)
		err = feed(client, d);
	if (err == 0)
		err = watch_client(c, d, client);
	if (err < 0)
		drop_client(c, d, client);
}

void control_serve(struct control *c, struct daemon *d, const struct loop_event *event)
{
	struct control_client *client = &c->clients[event->number];

	if (client->fd >= 0) /* else closed earlier in this wake-up */
		serve_client(c, d, client, event->readable);
}

void control_feed(struct control *c, struct daemon *d)
{
	unsigned int left = c->streaming;

	for (int i = 0; left > 0 && i < CONTROL_CLIENTS; i++) {
		struct control_client *client = &c->clients[i];

		if (client->fd < 0 || client->stream.kind == STREAM_NONE)
			continue;
		left--;
		if (feed(client, d) < 0 || watch_client(c, d, client) < 0)
			drop_client(c, d, client);
	}
}
