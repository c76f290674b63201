/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "nat/cli/feed.h"

struct ends {
	struct client client;
	struct feed feed;
	int daemon; /* the other end; -1: it has ended */
};

static int setup(void **state)
{
	struct ends *e = calloc(1, sizeof(*e));
	int fds[2];

	assert_non_null(e);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	e->client.fd = fds[0];
	e->daemon = fds[1];
	strcpy(e->client.path, "/run/x.sock");
	feed_init(&e->feed, &e->client);
	*state = e;
	return 0;
}

static int teardown(void **state)
{
	struct ends *e = *state;

	feed_fini(&e->feed);
	client_close(&e->client);
	if (e->daemon >= 0)
		close(e->daemon);
	free(e);
	return 0;
}

static void answer(struct ends *e, const char *text)
{
	assert_int_equal(send(e->daemon, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void test_it_does_not_wait_and_takes_an_answer_in_pieces(void **state)
{
	struct ends *e = *state;
	char request[256] = "";
	json_t *got;

	assert_int_equal(feed_ask(&e->feed, "status", NULL), CLIENT_OK);
	assert_true(recv(e->daemon, request, sizeof(request) - 1, 0) > 0);
	assert_non_null(strstr(request, "\"method\":\"status\""));
	assert_int_equal(request[strlen(request) - 1], '\n');
	assert_true(e->feed.asked);
	assert_int_equal(feed_read(&e->feed, &got), CLIENT_OK);
	assert_null(got);
	answer(e, "{\"result\":");
	assert_int_equal(feed_read(&e->feed, &got), CLIENT_OK);
	assert_null(got);
	answer(e, "{\"a\":7}}\n");
	assert_int_equal(feed_read(&e->feed, &got), CLIENT_OK);
	assert_non_null(got);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(got, "result"), "a")),
			 7);
	assert_false(e->feed.asked);
	json_decref(got);
}

static void test_a_long_answer_has_room(void **state)
{
	struct ends *e = *state;
	char *text = malloc(100001);
	json_t *got = NULL;

	memset(text, 'x', 100000);
	memcpy(text, "{\"result\":\"", 11);
	memcpy(text + 100000 - 3, "\"}\n", 4);
	feed_ask(&e->feed, "status", NULL);
	for (int i = 0; i < 100000; i += 10000) {
		char piece[10001] = "";

		memcpy(piece, text + i, 10000);
		answer(e, piece);
		assert_null(got);
		assert_int_equal(feed_read(&e->feed, &got), CLIENT_OK);
	}
	assert_int_equal(json_string_length(json_object_get(got, "result")), 100000 - 14);
	json_decref(got);
	free(text);
}

static void test_the_end_of_the_daemon_is_told(void **state)
{
	struct ends *e = *state;
	json_t *got;

	close(e->daemon);
	e->daemon = -1;
	assert_int_equal(feed_read(&e->feed, &got), CLIENT_FAILED);
	assert_non_null(strstr(e->client.why, "/run/x.sock: its natemd has ended; netns-scripts"));
	e->client.why[0] = '\0';
	assert_int_equal(feed_ask(&e->feed, "status", json_object()), CLIENT_FAILED);
	assert_non_null(strstr(e->client.why, "its natemd has ended"));
}

static void test_what_is_no_answer_is_told(void **state)
{
	struct ends *e = *state;
	json_t *got;

	feed_ask(&e->feed, "status", NULL);
	answer(e, "hello\n");
	assert_int_equal(feed_read(&e->feed, &got), CLIENT_FAILED);
	assert_non_null(strstr(e->client.why, "not an answer of natemd"));
}

#define feed_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		feed_test(test_it_does_not_wait_and_takes_an_answer_in_pieces),
		feed_test(test_a_long_answer_has_room),
		feed_test(test_the_end_of_the_daemon_is_told),
		feed_test(test_what_is_no_answer_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
