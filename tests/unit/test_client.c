/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The client of the control socket against a server that says what the test wants. The server is
 * a thread: it reads one request for each answer it gives, and closes after the last.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "nat/cli/client.h"
#include "tests/unit/sockets.h"

enum { REQUESTS = 8, REQUEST_SIZE = 512, PATIENCE_S = 5, NOBODY = 65534 };

/* --- helpers -------------------------------------------------------------------------------- */

struct bench {
	struct client client;
	json_t *result; /* of the last call that went well, or the records of a list */
	int pages;	/* of that list */
	int enough;	/* so many, and then an error; 0: all */
	char directory[40];
	int descriptors; /* open before anything was */

	/* The server. */
	int listener; /* -1: none */
	pthread_t thread;
	bool running;
	bool eager;		    /* all answers at once, and no request read */
	const char *const *answers; /* ends with NULL */
	char requests[REQUESTS][REQUEST_SIZE];
	int received; /* requests; to be read when the thread has ended */
};

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	b->descriptors = open_descriptors();
	b->client.fd = b->listener = -1;
	strcpy(b->directory, "/tmp/natem-client.XXXXXX");
	assert_non_null(mkdtemp(b->directory));
	assert_int_equal(chmod(b->directory, 0711), 0); /* so that the socket's own mode counts */
	snprintf(b->client.path, sizeof(b->client.path), "%s/c.sock", b->directory);
	*state = b;
	return 0;
}

static void join_server(struct bench *b)
{
	if (b->running)
		pthread_join(b->thread, NULL);
	b->running = false;
}

/* Cleans up whatever state a failed test has left, and only then looks. */
static int teardown(void **state)
{
	struct bench *b = *state;
	int descriptors = b->descriptors;

	client_close(&b->client);
	if (b->listener >= 0)
		shutdown(b->listener, SHUT_RDWR);
	join_server(b);
	if (b->listener >= 0)
		close(b->listener);
	json_decref(b->result);
	unlink(b->client.path);
	assert_int_equal(rmdir(b->directory), 0);
	free(b);
	assert_int_equal(open_descriptors(), descriptors);
	return 0;
}

static void listen_at(struct bench *b)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	b->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(b->listener >= 0);
	strcpy(address.sun_path, b->client.path);
	assert_int_equal(bind(b->listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(b->listener, 4), 0);
}

static void send_all(int fd, const char *text)
{
	size_t length = strlen(text);
	ssize_t n;

	for (; length > 0; length -= (size_t)n, text += n) {
		n = send(fd, text, length, MSG_NOSIGNAL);
		if (n < 0)
			return;
	}
}

static void *serve(void *data)
{
	const struct timeval patience = { .tv_sec = PATIENCE_S };
	struct bench *b = data;
	struct pollfd p = { .fd = b->listener, .events = POLLIN };
	int fd = poll(&p, 1, PATIENCE_S * 1000) == 1 ? accept(b->listener, NULL, NULL) : -1;

	if (fd < 0)
		return NULL;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	for (int i = 0; b->answers[i] != NULL && i < REQUESTS; i++) {
		if (!b->eager && !read_request(fd, b->requests[b->received], REQUEST_SIZE))
			break;
		b->received += !b->eager;
		send_all(fd, b->answers[i]);
	}
	close(fd);
	return NULL;
}

static void start_server(struct bench *b, const char *const *answers)
{
	listen_at(b);
	b->answers = answers;
	b->received = 0;
	assert_int_equal(pthread_create(&b->thread, NULL, serve, b), 0);
	b->running = true;
}

/* Call a server that gives this one answer, byte for byte, and closes. */
static enum client_status call(struct bench *b, const char *answer)
{
	const char *const answers[] = { answer, NULL };
	enum client_status status;

	start_server(b, answers);
	assert_int_equal(client_open(&b->client), CLIENT_OK);
	status = client_call(&b->client, "status", NULL, &b->result);
	client_close(&b->client);
	join_server(b);
	return status;
}

static enum client_status take(void *data, json_t *records)
{
	struct bench *b = data;

	b->pages++;
	json_array_extend(b->result, records);
	return b->pages == b->enough ? CLIENT_WRONG_USAGE : CLIENT_OK;
}

static enum client_status list(struct bench *b, const char *const *answers)
{
	enum client_status status;

	start_server(b, answers);
	assert_int_equal(client_open(&b->client), CLIENT_OK);
	b->result = json_array();
	status = client_list(&b->client, "mappings.list", "mappings", take, b);
	client_close(&b->client);
	join_server(b);
	return status;
}

static void assert_why(const struct bench *b, const char *part)
{
	if (strstr(b->client.why, part) == NULL)
		fail_msg("'%s' is not in: %s", part, b->client.why);
}

static void assert_json(const json_t *value, const char *wanted)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS);

	assert_non_null(text);
	assert_string_equal(text, wanted);
	free(text);
}

/* Request number @i, as sorted JSON. */
static void assert_request(const struct bench *b, int i, const char *wanted)
{
	json_t *request = json_loads(b->requests[i], 0, NULL);

	assert_in_range(i, 0, b->received - 1);
	assert_non_null(request);
	assert_json(request, wanted);
	json_decref(request);
}

/* --- connecting ----------------------------------------------------------------------------- */

static void test_no_socket_is_an_error_that_names_the_fix(void **state)
{
	struct bench *b = *state;

	assert_int_equal(client_open(&b->client), CLIENT_FAILED);
	assert_int_equal(b->client.fd, -1);
	assert_why(b, b->client.path);
	assert_why(b, "No such file");
	assert_why(b, "netns-scripts/setup.sh");
	assert_why(b, "--lab");
}

static void test_socket_nobody_listens_at_is_an_error_that_names_the_fix(void **state)
{
	struct bench *b = *state;

	listen_at(b);
	close(b->listener);
	b->listener = -1;
	assert_int_equal(client_open(&b->client), CLIENT_FAILED);
	assert_int_equal(b->client.fd, -1);
	assert_why(b, b->client.path);
	assert_why(b, "Connection refused");
	assert_why(b, "netns-scripts/");
}

static void test_file_that_is_no_socket_is_an_error(void **state)
{
	struct bench *b = *state;
	FILE *f = fopen(b->client.path, "we");

	assert_non_null(f);
	fclose(f);
	assert_int_equal(client_open(&b->client), CLIENT_FAILED);
	assert_why(b, b->client.path);
	assert_why(b, "netns-scripts/");
}

static void test_socket_of_another_user_is_an_error_that_names_the_fix(void **state)
{
	struct bench *b = *state;
	enum client_status status;
	bool root = geteuid() == 0;

	listen_at(b);
	assert_int_equal(chmod(b->client.path, root ? 0600 : 0), 0);
	if (root)
		assert_int_equal(seteuid(NOBODY), 0);
	status = client_open(&b->client);
	if (root)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(status, CLIENT_FAILED);
	assert_int_equal(b->client.fd, -1);
	assert_why(b, b->client.path);
	assert_why(b, "Permission denied");
	assert_why(b, "sudo");
}

static void test_longest_path_can_be_connected_to(void **state)
{
	struct bench *b = *state;
	size_t length = strlen(b->client.path);

	/* DIRECTORY/////c.sock is the same place. */
	memset(b->client.path + strlen(b->directory), '/', RPC_PATH_MAX - strlen(b->directory));
	memcpy(b->client.path + RPC_PATH_MAX - 7, "c.sock", 7);
	assert_true(strlen(b->client.path) == RPC_PATH_MAX - 1 && length < RPC_PATH_MAX);
	listen_at(b);
	assert_int_equal(client_open(&b->client), CLIENT_OK);
}

static void test_close_twice_does_no_harm(void **state)
{
	struct bench *b = *state;

	listen_at(b);
	assert_int_equal(client_open(&b->client), CLIENT_OK);
	client_close(&b->client);
	assert_int_equal(b->client.fd, -1);
	client_close(&b->client);
}

/* --- answers -------------------------------------------------------------------------------- */

static void test_result_is_given_to_the_caller(void **state)
{
	struct bench *b = *state;

	assert_int_equal(call(b, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"a\":[1,\"x\"]}}\n"),
			 CLIENT_OK);
	assert_json(b->result, "{\"a\":[1,\"x\"]}");
	assert_request(b, 0, "{\"id\":1,\"jsonrpc\":\"2.0\",\"method\":\"status\"}");
}

static void test_result_that_is_null_is_a_result(void **state)
{
	struct bench *b = *state;

	assert_int_equal(call(b, "{\"id\":1,\"result\":null}\n"), CLIENT_OK);
	assert_true(json_is_null(b->result));
}

/* Nothing tells the client that this was the last byte; the object does. */
static void test_result_is_complete_without_a_newline_or_an_end(void **state)
{
	static const char answer[] = "{\"id\":1,\"result\":{\"a\":1}}";
	struct bench *b = *state;
	int fd;

	listen_at(b);
	assert_int_equal(client_open(&b->client), CLIENT_OK);
	fd = accept(b->listener, NULL, NULL);
	send_all(fd, answer);
	assert_int_equal(client_call(&b->client, "status", NULL, &b->result), CLIENT_OK);
	assert_json(b->result, "{\"a\":1}");
	close(fd);
}

static void test_large_result_is_read_whole(void **state)
{
	struct bench *b = *state;
	char *answer = malloc(1 << 20), *at = answer;

	assert_non_null(answer);
	at += sprintf(at, "{\"id\":1,\"result\":[0");
	for (int i = 1; i < 50000; i++)
		at += sprintf(at, ",%d", i);
	strcpy(at, "]}\n");
	assert_int_equal(call(b, answer), CLIENT_OK);
	free(answer);
	assert_int_equal(json_array_size(b->result), 50000);
	assert_int_equal(json_integer_value(json_array_get(b->result, 49999)), 49999);
}

static void test_calls_on_one_connection_are_numbered(void **state)
{
	static const char *const answers[] = { "{\"id\":1,\"result\":1}\n",
					       "{\"id\":2,\"result\":2}\n", NULL };
	struct bench *b = *state;
	json_t *params = json_pack("{s:[s]}", "keys", "nat.wan");

	start_server(b, answers);
	assert_int_equal(client_open(&b->client), CLIENT_OK);
	assert_int_equal(client_call(&b->client, "options.get", params, &b->result), CLIENT_OK);
	assert_json(b->result, "1");
	json_decref(b->result);
	assert_int_equal(client_call(&b->client, "status", NULL, &b->result), CLIENT_OK);
	assert_json(b->result, "2");
	join_server(b);
	assert_request(b, 0,
		       "{\"id\":1,\"jsonrpc\":\"2.0\",\"method\":\"options.get\","
		       "\"params\":{\"keys\":[\"nat.wan\"]}}");
	assert_request(b, 1, "{\"id\":2,\"jsonrpc\":\"2.0\",\"method\":\"status\"}");
}

static void test_invalid_params_are_wrong_usage(void **state)
{
	struct bench *b = *state;

	assert_int_equal(call(b, "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32602,"
				 "\"message\":\"no knob 'x'\"}}\n"),
			 CLIENT_WRONG_USAGE);
	assert_string_equal(b->client.why, "no knob 'x'");
}

static void test_other_errors_are_failures(void **state)
{
	static const int codes[] = { RPC_PARSE_ERROR, RPC_INVALID_REQUEST, RPC_METHOD_NOT_FOUND,
				     RPC_FAILED, 0 };
	struct bench *b = *state;
	char answer[128];

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		snprintf(answer, sizeof(answer),
			 "{\"id\":1,\"error\":{\"code\":%d,\"message\":\"it is %zu\"}}\n", codes[i],
			 i);
		assert_int_equal(call(b, answer), CLIENT_FAILED);
		snprintf(answer, sizeof(answer), "it is %zu", i);
		assert_string_equal(b->client.why, answer);
		close(b->listener);
		unlink(b->client.path);
		b->listener = -1;
	}
}

static void test_error_without_its_members_is_a_failure_with_a_reason(void **state)
{
	static const char *const answers[] = { "{\"id\":1,\"error\":{}}\n",
					       "{\"id\":1,\"error\":null}\n",
					       "{\"id\":1,\"error\":{\"message\":7}}\n" };
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		assert_int_equal(call(b, answers[i]), CLIENT_FAILED);
		assert_string_equal(b->client.why, "refused");
		close(b->listener);
		unlink(b->client.path);
		b->listener = -1;
	}
}

static void test_message_of_any_length_fits(void **state)
{
	struct bench *b = *state;
	size_t size = 2 * sizeof(b->client.why);
	char *message = malloc(size + 1), *answer;

	memset(message, 'm', size);
	message[size] = '\0';
	assert_true(asprintf(&answer, "{\"error\":{\"code\":-32000,\"message\":\"%s\"}}\n",
			     message) > 0);
	free(message);
	assert_int_equal(call(b, answer), CLIENT_FAILED);
	free(answer);
	assert_int_equal(strlen(b->client.why), sizeof(b->client.why) - 1);
}

/* --- what is no answer ---------------------------------------------------------------------- */

static void test_what_is_no_answer_is_a_failure_that_says_so(void **state)
{
	static const char *const answers[] = {
		"garbage\n",  "\n",
		"\xff\xfe\n", "[]\n",
		"[1,2]\n",    "{}\n",
		"{\"id\":1",  "{\"id\":1,\"result\":[1,",
		"}{\n",	      "{\"id\":1,}\n",
	};
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		assert_int_equal(call(b, answers[i]), CLIENT_FAILED);
		assert_null(b->result);
		assert_why(b, b->client.path);
		assert_why(b, "not an answer of natemd");
		close(b->listener);
		unlink(b->client.path);
		b->listener = -1;
	}
}

static void test_connection_closed_without_an_answer_is_a_failure(void **state)
{
	struct bench *b = *state;

	assert_int_equal(call(b, ""), CLIENT_FAILED);
	assert_int_equal(b->received, 1);
	assert_why(b, "has it just ended?");
}

static void test_silence_ends_in_a_time_out_that_names_the_fix(void **state)
{
	const struct timeval soon = { .tv_usec = 10000 }; /* in place of the ten seconds */
	struct timeval limit;
	struct bench *b = *state;
	socklen_t size = sizeof(limit);

	listen_at(b); /* and never accepts: a stopped daemon */
	assert_int_equal(client_open(&b->client), CLIENT_OK);
	assert_int_equal(getsockopt(b->client.fd, SOL_SOCKET, SO_RCVTIMEO, &limit, &size), 0);
	assert_int_equal(limit.tv_sec, 10);
	assert_int_equal(getsockopt(b->client.fd, SOL_SOCKET, SO_SNDTIMEO, &limit, &size), 0);
	assert_int_equal(limit.tv_sec, 10);
	setsockopt(b->client.fd, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon));
	assert_int_equal(client_call(&b->client, "status", NULL, &b->result), CLIENT_FAILED);
	assert_why(b, b->client.path);
	assert_why(b, "timed out");
	assert_why(b, "is it stopped?");
}

static void test_half_an_answer_and_silence_end_in_a_time_out(void **state)
{
	const struct timeval soon = { .tv_usec = 10000 };
	struct bench *b = *state;
	int fd;

	listen_at(b);
	assert_int_equal(client_open(&b->client), CLIENT_OK);
	setsockopt(b->client.fd, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon));
	fd = accept(b->listener, NULL, NULL);
	send_all(fd, "{\"id\":1,\"result\":{");
	assert_int_equal(client_call(&b->client, "status", NULL, &b->result), CLIENT_FAILED);
	close(fd);
	assert_why(b, "timed out");
}

/* --- a server that does not read ------------------------------------------------------------ */

static void test_reason_given_before_the_request_was_sent_is_read(void **state)
{
	static const char *const answers[] = {
		"{\"id\":null,\"error\":{\"code\":-32000,\"message\":\"too many clients\"}}\n", NULL
	};
	struct bench *b = *state;

	b->eager = true;
	start_server(b, answers);
	assert_int_equal(client_open(&b->client), CLIENT_OK);
	join_server(b); /* it has answered and closed: sending is EPIPE */
	assert_int_equal(client_call(&b->client, "status", NULL, &b->result), CLIENT_FAILED);
	assert_string_equal(b->client.why, "too many clients");
}

static void test_reason_given_without_reading_the_request_is_read(void **state)
{
	struct bench *b = *state;
	pthread_t *thread = &b->thread;
	static const char *const answers[] = {
		"{\"id\":null,\"error\":{\"code\":-32000,\"message\":\"too many clients\"}}\n", NULL
	};

	/* The request lies there unread when the server closes: ECONNRESET, after the answer. */
	listen_at(b);
	assert_int_equal(client_open(&b->client), CLIENT_OK);
	assert_int_equal(send(b->client.fd, " ", 1, MSG_NOSIGNAL), 1);
	b->eager = true;
	b->answers = answers;
	assert_int_equal(pthread_create(thread, NULL, serve, b), 0);
	b->running = true;
	join_server(b);
	assert_int_equal(client_call(&b->client, "status", NULL, &b->result), CLIENT_FAILED);
	assert_string_equal(b->client.why, "too many clients");
}

static void test_connection_closed_before_the_request_is_a_failure(void **state)
{
	static const char *const answers[] = { NULL };
	struct bench *b = *state;

	start_server(b, answers);
	assert_int_equal(client_open(&b->client), CLIENT_OK);
	join_server(b);
	assert_int_equal(client_call(&b->client, "status", NULL, &b->result), CLIENT_FAILED);
	assert_why(b, "has it just ended?");
}

static void test_connection_reset_for_an_unread_request_is_a_failure(void **state)
{
	static const char *const answers[] = { NULL };
	struct bench *b = *state;

	listen_at(b);
	assert_int_equal(client_open(&b->client), CLIENT_OK);
	assert_int_equal(send(b->client.fd, " ", 1, MSG_NOSIGNAL), 1);
	b->answers = answers;
	assert_int_equal(pthread_create(&b->thread, NULL, serve, b), 0);
	b->running = true;
	join_server(b);
	assert_int_equal(client_call(&b->client, "status", NULL, &b->result), CLIENT_FAILED);
	assert_why(b, "has it just ended?");
}

/* --- lists ---------------------------------------------------------------------------------- */

static void test_list_of_one_page(void **state)
{
	static const char *const answers[] = { "{\"id\":1,\"result\":{\"mappings\":[1,2]}}\n",
					       NULL };
	struct bench *b = *state;

	assert_int_equal(list(b, answers), CLIENT_OK);
	assert_json(b->result, "[1,2]");
	assert_int_equal(b->received, 1);
	assert_request(b, 0,
		       "{\"id\":1,\"jsonrpc\":\"2.0\",\"method\":\"mappings.list\","
		       "\"params\":{\"cursor\":0}}");
}

static void test_list_that_is_empty(void **state)
{
	static const char *const answers[] = {
		"{\"id\":1,\"result\":{\"mappings\":[],\"next\":null}}\n", NULL
	};
	struct bench *b = *state;

	assert_int_equal(list(b, answers), CLIENT_OK);
	assert_json(b->result, "[]");
}

static void test_pages_come_in_order_and_each_is_asked_for_by_the_cursor_of_the_last(void **state)
{
	static const char *const answers[] = {
		"{\"id\":1,\"result\":{\"mappings\":[1,2],\"next\":1000}}\n",
		"{\"id\":2,\"result\":{\"mappings\":[],\"next\":1007}}\n",
		"{\"id\":3,\"result\":{\"mappings\":[{\"a\":3}],\"next\":null}}\n", NULL
	};
	struct bench *b = *state;

	assert_int_equal(list(b, answers), CLIENT_OK);
	assert_json(b->result, "[1,2,{\"a\":3}]");
	assert_int_equal(b->pages, 3);
	assert_int_equal(b->received, 3);
	assert_request(b, 0,
		       "{\"id\":1,\"jsonrpc\":\"2.0\",\"method\":\"mappings.list\","
		       "\"params\":{\"cursor\":0}}");
	assert_request(b, 1,
		       "{\"id\":2,\"jsonrpc\":\"2.0\",\"method\":\"mappings.list\","
		       "\"params\":{\"cursor\":1000}}");
	assert_request(b, 2,
		       "{\"id\":3,\"jsonrpc\":\"2.0\",\"method\":\"mappings.list\","
		       "\"params\":{\"cursor\":1007}}");
}

static void test_page_that_fails_in_the_middle_fails_the_list(void **state)
{
	static const char *const answers[] = {
		"{\"id\":1,\"result\":{\"mappings\":[1,2],\"next\":1000}}\n",
		"{\"id\":2,\"error\":{\"code\":-32602,\"message\":\"no such cursor\"}}\n", NULL
	};
	struct bench *b = *state;

	assert_int_equal(list(b, answers), CLIENT_WRONG_USAGE);
	assert_json(b->result, "[1,2]");
	assert_int_equal(b->pages, 1);
	assert_string_equal(b->client.why, "no such cursor");
}

static void test_connection_that_ends_between_pages_fails_the_list(void **state)
{
	static const char *const answers[] = {
		"{\"id\":1,\"result\":{\"mappings\":[1,2],\"next\":1000}}\n", NULL
	};
	struct bench *b = *state;

	assert_int_equal(list(b, answers), CLIENT_FAILED);
	assert_json(b->result, "[1,2]");
	assert_why(b, "has it just ended?");
}

static void test_page_without_the_list_is_an_empty_one(void **state)
{
	static const char *const answers[] = { "{\"id\":1,\"result\":{\"next\":5}}\n",
					       "{\"id\":2,\"result\":7}\n", NULL };
	struct bench *b = *state;

	assert_int_equal(list(b, answers), CLIENT_OK);
	assert_json(b->result, "[]");
}

static void test_list_ends_when_its_reader_has_enough(void **state)
{
	static const char *const answers[] = {
		"{\"id\":1,\"result\":{\"mappings\":[1],\"next\":1}}\n",
		"{\"id\":2,\"result\":{\"mappings\":[2],\"next\":2}}\n",
		"{\"id\":3,\"result\":{\"mappings\":[3],\"next\":null}}\n", NULL
	};
	struct bench *b = *state;

	b->enough = 2;
	assert_int_equal(list(b, answers), CLIENT_WRONG_USAGE);
	assert_json(b->result, "[1,2]");
	assert_int_equal(b->received, 2);
}

#define client_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		client_test(test_no_socket_is_an_error_that_names_the_fix),
		client_test(test_socket_nobody_listens_at_is_an_error_that_names_the_fix),
		client_test(test_file_that_is_no_socket_is_an_error),
		client_test(test_socket_of_another_user_is_an_error_that_names_the_fix),
		client_test(test_longest_path_can_be_connected_to),
		client_test(test_close_twice_does_no_harm),
		client_test(test_result_is_given_to_the_caller),
		client_test(test_result_that_is_null_is_a_result),
		client_test(test_result_is_complete_without_a_newline_or_an_end),
		client_test(test_large_result_is_read_whole),
		client_test(test_calls_on_one_connection_are_numbered),
		client_test(test_invalid_params_are_wrong_usage),
		client_test(test_other_errors_are_failures),
		client_test(test_error_without_its_members_is_a_failure_with_a_reason),
		client_test(test_message_of_any_length_fits),
		client_test(test_what_is_no_answer_is_a_failure_that_says_so),
		client_test(test_connection_closed_without_an_answer_is_a_failure),
		client_test(test_silence_ends_in_a_time_out_that_names_the_fix),
		client_test(test_half_an_answer_and_silence_end_in_a_time_out),
		client_test(test_reason_given_before_the_request_was_sent_is_read),
		client_test(test_reason_given_without_reading_the_request_is_read),
		client_test(test_connection_closed_before_the_request_is_a_failure),
		client_test(test_connection_reset_for_an_unread_request_is_a_failure),
		client_test(test_list_of_one_page),
		client_test(test_list_that_is_empty),
		client_test(
			test_pages_come_in_order_and_each_is_asked_for_by_the_cursor_of_the_last),
		client_test(test_page_that_fails_in_the_middle_fails_the_list),
		client_test(test_connection_that_ends_between_pages_fails_the_list),
		client_test(test_page_without_the_list_is_an_empty_one),
		client_test(test_list_ends_when_its_reader_has_enough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
