/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * control.h - a control socket to test: a real one in a directory of its own, with clients in the
 * same process
 * Nothing waits: pump() serves all there is to serve, and then both sides are quiet.
 */
#ifndef TESTS_UNIT_CONTROL_H
#define TESTS_UNIT_CONTROL_H

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "nat/daemon/control.h"
#include "tests/unit/sockets.h"

/* A double of the one in main.c, which asks the machine what its interfaces are. */
int daemon_configure(struct daemon *d, const struct options *asked, char *why, size_t why_size)
{
	(void)why;
	(void)why_size;
	d->asked = *asked;
	return 0;
}

struct bench {
	struct daemon d;
	struct loop loop;
	struct control control;
	char directory[40], path[64];
	int descriptors; /* open before anything was */
};

#define STATUS(id) "{\"jsonrpc\":\"2.0\",\"id\":" #id ",\"method\":\"status\"}\n"

static inline int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));
	const struct siphash_key key = { { 1, 2 } };
	struct options resolved;
	sigset_t quit;
	char why[256];

	assert_non_null(b);
	b->descriptors = open_descriptors();
	strcpy(b->directory, "/tmp/natem-control.XXXXXX");
	assert_non_null(mkdtemp(b->directory));
	snprintf(b->path, sizeof(b->path), "%s/c.sock", b->directory);
	options_init(&b->d.asked);
	b->d.asked.max_mappings = b->d.asked.max_sessions = 100;
	resolved = b->d.asked;
	assert_int_equal(options_set(&resolved, "nat.external", "203.0.113.1", why, sizeof(why)),
			 0);
	assert_int_equal(nat_init(&b->d.nat, &resolved, &key), 0);
	sigemptyset(&quit);
	assert_int_equal(loop_open(&b->loop, &quit, 0), 0);
	assert_int_equal(control_open(&b->control, b->path, &b->loop), 0);
	*state = b;
	return 0;
}

/* Cleans up whatever state a failed test has left, and only then looks. */
static inline int teardown(void **state)
{
	static const char *const names[] = { "x", "y", "d.sock", "new/d.sock", "new" };
	struct bench *b = *state;
	int descriptors = b->descriptors, left;
	char path[80];

	control_close(&b->control, &b->d);
	loop_close(&b->loop);
	nat_fini(&b->d.nat);
	left = rmdir(b->directory); /* the socket has gone with control_close() */
	for (size_t i = 0; left != 0 && i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", b->directory, names[i]);
		remove(path);
	}
	if (left != 0) {
		unlink(b->path);
		rmdir(b->directory);
	}
	free(b);
	assert_int_equal(left, 0);
	assert_int_equal(open_descriptors(), descriptors);
	return 0;
}

static inline bool is_quiet(const struct bench *b)
{
	struct pollfd p = { .fd = b->loop.epfd, .events = POLLIN };

	return poll(&p, 1, 0) == 0;
}

/* Serve what there is now, once, as the main loop would. */
static inline void pump_once(struct bench *b)
{
	struct loop_event events[LOOP_EVENTS];
	int n = loop_wait(&b->loop, events, &b->d.now);

	for (int i = 0; i < n; i++) {
		if (events[i].source == LOOP_LISTEN)
			control_accept(&b->control);
		else if (events[i].source == LOOP_CLIENT)
			control_serve(&b->control, &b->d, &events[i]);
	}
}

static inline void pump(struct bench *b)
{
	for (int i = 0; !is_quiet(b); i++) {
		if (i == 100000)
			fail_msg("it never comes to rest");
		pump_once(b);
	}
}

static inline int new_client(struct bench *b)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	strcpy(address.sun_path, b->path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	pump(b);
	return fd;
}

static inline void send_bytes(int fd, const void *bytes, size_t length)
{
	assert_int_equal(send(fd, bytes, length, MSG_NOSIGNAL), length);
}

static inline void send_text(int fd, const char *text)
{
	send_bytes(fd, text, strlen(text));
}

/* All that has come, up to @size - 1 bytes, as a string; -1 at the end of the connection. */
static inline ssize_t receive(int fd, char *text, size_t size)
{
	size_t used = 0;

	while (used < size - 1) {
		ssize_t n = recv(fd, text + used, size - 1 - used, 0);

		if (n < 0)
			break;
		if (n == 0) {
			text[used] = '\0';
			return used > 0 ? (ssize_t)used : -1;
		}
		used += (size_t)n;
	}
	text[used] = '\0';
	return (ssize_t)used;
}

static inline bool is_closed(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_PEEK) == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

/* One line of @text, from @text on: a JSON object that the caller owns; @text moves on. */
static inline json_t *next_line(char **text)
{
	char *line = strsep(text, "\n");
	json_t *object;

	assert_non_null(line);
	object = json_loads(line, 0, NULL);
	if (object == NULL)
		fail_msg("not JSON: %.200s", line);
	return object;
}

/* @text is answers with a result and the ids from @first to @last, in that order, and no more. */
static inline void assert_answers(char *text, int first, int last)
{
	for (int id = first; id <= last; id++) {
		json_t *answer = next_line(&text);

		assert_int_equal(json_integer_value(json_object_get(answer, "id")), id);
		assert_non_null(json_object_get(answer, "result"));
		json_decref(answer);
	}
	assert_string_equal(text, "");
}

/* What has come to @fd is one error with that code. */
static inline void assert_error(int fd, int code, const char *part)
{
	char text[4096], *rest = text;
	json_t *answer, *error;

	assert_true(receive(fd, text, sizeof(text)) > 0);
	answer = next_line(&rest);
	assert_string_equal(rest, "");
	error = json_object_get(answer, "error");
	assert_int_equal(json_integer_value(json_object_get(error, "code")), code);
	assert_non_null(strstr(json_string_value(json_object_get(error, "message")), part));
	json_decref(answer);
}

/* Pump and read in turn until nothing more comes: more may be answered than a socket holds. */
static inline void receive_all(struct bench *b, int fd, char *text, size_t size)
{
	size_t used = 0;
	ssize_t n;

	do {
		pump(b);
		n = receive(fd, text + used, size - used);
		used += n > 0 ? (size_t)n : 0;
	} while (n > 0);
	text[used] = '\0';
}

/* The client at @fd asks and is answered. */
static inline void assert_served(struct bench *b, int fd)
{
	char text[4096];

	send_text(fd, STATUS(77));
	pump(b);
	assert_true(receive(fd, text, sizeof(text)) > 0);
	assert_answers(text, 77, 77);
}

static inline void leave(struct bench *b, int fd)
{
	close(fd);
	pump(b);
}

static inline int clients_of(const struct bench *b)
{
	int count = 0;

	for (int i = 0; i < CONTROL_CLIENTS; i++)
		count += b->control.clients[i].fd >= 0;
	return count;
}

#endif
