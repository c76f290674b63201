/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/cli/client.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { ANSWER_TIMEOUT_S = 10 };

static enum client_status fail(struct client *c, int err)
{
	const char *fix = "";

	if (err == ENOENT)
		fix = "; no natemd runs there: bring a lab up with netns-scripts/setup.sh, or "
		      "name another with --lab NAME or -s PATH; in a lab that is up, "
		      "netns-scripts/restart.sh starts it again";
	else if (err == ECONNREFUSED)
		fix = "; its natemd has ended: netns-scripts/restart.sh (with --lab NAME, where it "
		      "is "
		      "not natem) starts it again";
	else if (err == EACCES || err == EPERM)
		fix = "; only its owner may steer it: try sudo natem";
	else if (err == EAGAIN)
		fix = "; natemd gives no answer: is it stopped?";
	snprintf(c->why, sizeof(c->why), "%s: %s%s", c->path,
		 err == EAGAIN ? "timed out" : strerror(err), fix);
	return CLIENT_FAILED;
}

enum client_status client_open(struct client *c)
{
	const struct timeval timeout = { .tv_sec = ANSWER_TIMEOUT_S };
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return fail(c, errno);
	setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)); /* connect()'s too */
	strcpy(address.sun_path, c->path);
	if (connect(c->fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		int err = errno;

		client_close(c);
		return fail(c, err);
	}
	return CLIENT_OK;
}

void client_close(struct client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

static int send_line(struct client *c, const json_t *call)
{
	char *text = json_dumps(call, JSON_COMPACT);
	size_t length = text != NULL ? strlen(text) : 0, sent = 0;
	int err = text != NULL ? 0 : ENOMEM;

	if (text != NULL)
		text[length++] = '\n'; /* in place of the NUL; the length says where it ends */
	while (err == 0 && sent < length) {
		ssize_t n = send(c->fd, text + sent, length - sent, MSG_NOSIGNAL);

		if (n < 0)
			err = errno;
		else
			sent += (size_t)n;
	}
	free(text);
	return err;
}

/* jansson asks for more bytes of the answer; it stops by itself at the end of the object. */
static size_t receive(void *buffer, size_t size, void *data)
{
	struct client *c = data;
	ssize_t n = recv(c->fd, buffer, size, 0);

	return n < 0 ? (size_t)-1 : (size_t)n;
}

/* What @answer says, which is taken; NULL is none. */
static enum client_status take_answer(struct client *c, json_t *answer, json_t **result)
{
	json_t *failure = json_object_get(answer, "error");
	enum client_status status = CLIENT_FAILED;

	*result = json_incref(json_object_get(answer, "result"));
	if (*result != NULL) {
		status = CLIENT_OK;
	} else if (failure != NULL) {
		const char *message = json_string_value(json_object_get(failure, "message"));
		json_int_t code = json_integer_value(json_object_get(failure, "code"));

		snprintf(c->why, sizeof(c->why), "%s", message != NULL ? message : "refused");
		if (code == RPC_INVALID_PARAMS)
			status = CLIENT_WRONG_USAGE;
	} else {
		snprintf(c->why, sizeof(c->why), "%s: not an answer of natemd (has it just ended?)",
			 c->path);
	}
	json_decref(answer);
	return status;
}

static enum client_status read_answer(struct client *c, json_t **result)
{
	json_error_t error;
	json_t *answer;

	errno = 0;
	answer = json_load_callback(receive, c, JSON_DISABLE_EOF_CHECK, &error);
	/* A daemon that ends with a request unread resets the connection; else it just closes it. */
	if (answer == NULL && errno != 0 && errno != ECONNRESET)
		return fail(c, errno);
	return take_answer(c, answer, result);
}

enum client_status client_call(struct client *c, const char *method, json_t *params,
			       json_t **result)
{
	json_t *call = rpc_call(++c->calls, method, params);
	int err = send_line(c, call);

	json_decref(call);
	/* A daemon that does not even read has perhaps said why. */
	return err != 0 && err != EPIPE ? fail(c, err) : read_answer(c, result);
}

enum client_status client_list(struct client *c, const char *method, const char *name,
			       client_take *take, void *data)
{
	json_t *cursor = json_integer(0);
	enum client_status status = CLIENT_OK;

	while (status == CLIENT_OK && json_is_integer(cursor)) {
		json_t *page;

		status = client_call(c, method, json_pack("{s:o}", "cursor", cursor), &page);
		cursor = NULL;
		if (status != CLIENT_OK)
			break;
		cursor = json_incref(json_object_get(page, "next"));
		status = take(data, json_object_get(page, name));
		json_decref(page);
	}
	json_decref(cursor);
	return status;
}

/* --- what goes on --------------------------------------------------------------------------- */

/* One line of @in as JSON; NULL at the end, or if it is none. */
static json_t *read_line(FILE *in)
{
	json_error_t error;
	char *line = NULL;
	size_t size = 0;
	ssize_t length = getline(&line, &size, in);
	json_t *json = length > 0 ? json_loadb(line, (size_t)length, 0, &error) : NULL;

	free(line);
	return json;
}

enum client_status client_subscribe(struct client *c, const char *method, json_t *params, FILE **in)
{
	const struct timeval for_ever = { 0 };
	json_t *call = rpc_call(++c->calls, method, params), *result;
	int err = send_line(c, call), fd = dup(c->fd);
	enum client_status status;

	json_decref(call);
	*in = fd >= 0 ? fdopen(fd, "r") : NULL;
	if (*in == NULL)
		return fail(c, errno);
	setvbuf(*in, NULL, _IONBF, 0); /* what follows the line may be read in another way */
	status = err != 0 && err != EPIPE ? fail(c, err) : take_answer(c, read_line(*in), &result);
	setvbuf(*in, NULL, _IOFBF, BUFSIZ);
	if (status != CLIENT_OK) {
		fclose(*in);
		return status;
	}
	json_decref(result);
	setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &for_ever, sizeof(for_ever));
	return CLIENT_OK;
}

json_t *client_next(FILE *in, char *name, size_t size)
{
	json_t *line = read_line(in), *params = json_incref(json_object_get(line, "params"));
	const char *method = json_string_value(json_object_get(line, "method"));

	snprintf(name, size, "%s", method != NULL ? method : "");
	json_decref(line);
	return params;
}

static volatile sig_atomic_t ended;
static int subscribed_fd = -1;

static void end(int signal)
{
	(void)signal;
	ended = 1;
	shutdown(subscribed_fd, SHUT_WR);
}

void client_end_by_signal(struct client *c)
{
	const struct sigaction action = { .sa_handler = end };

	subscribed_fd = c->fd;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
}

bool client_is_ended(void)
{
	return ended;
}
