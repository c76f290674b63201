/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * command.h - subcommands called as main.c calls them
 * Owns:       what the tests of subcommands share: a server in a thread that gives canned answers,
 *             a file without a name that catches standard output, and ways to look at both.
 */
#ifndef TESTS_COMMAND_H
#define TESTS_COMMAND_H

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "nat/cli/command.h"
#include "tests/unit/sockets.h"

enum { REQUESTS = 4, REQUEST_SIZE = 512, OUTPUT_SIZE = 1024 * 1024, PATIENCE_S = 5 };

typedef enum client_status subcommand(const struct invocation *call);

struct bench {
	struct client client;
	struct invocation call;
	char *words[8];
	char directory[40];
	char output[OUTPUT_SIZE]; /* of the last command */
	int descriptors;	  /* open before anything was */

	/* The server. */
	int listener; /* -1: none */
	pthread_t thread;
	bool running;
	const char *const *answers; /* ends with NULL */
	char requests[REQUESTS][REQUEST_SIZE];
	int received; /* requests; to be read when the thread has ended */
};

static inline int command_setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	b->descriptors = open_descriptors();
	b->client.fd = b->listener = -1;
	b->call = (struct invocation){ .client = &b->client, .interval = 0.01, .argv = b->words };
	strcpy(b->directory, "/tmp/natem-command.XXXXXX");
	assert_non_null(mkdtemp(b->directory));
	snprintf(b->client.path, sizeof(b->client.path), "%s/c.sock", b->directory);
	*state = b;
	return 0;
}

static inline void stop_server(struct bench *b)
{
	if (b->running) {
		shutdown(b->listener, SHUT_RDWR); /* in case nobody came */
		pthread_join(b->thread, NULL);
		close(b->listener);
	}
	b->running = false;
	unlink(b->client.path);
}

/* Cleans up whatever state a failed test has left, and only then looks. */
static inline int command_teardown(void **state)
{
	struct bench *b = *state;
	int descriptors = b->descriptors;

	stop_server(b);
	assert_int_equal(b->client.fd, -1); /* a command leaves no connection behind */
	assert_int_equal(rmdir(b->directory), 0);
	free(b);
	assert_int_equal(open_descriptors(), descriptors);
	return 0;
}

/* One connection; after it nobody listens any more. */
static inline void *serve(void *data)
{
	const struct timeval patience = { .tv_sec = PATIENCE_S };
	struct bench *b = data;
	struct pollfd p = { .fd = b->listener, .events = POLLIN };
	int fd = poll(&p, 1, PATIENCE_S * 1000) == 1 ? accept(b->listener, NULL, NULL) : -1;

	if (fd < 0)
		return NULL;
	shutdown(b->listener, SHUT_RDWR);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	for (int i = 0; b->answers[i] != NULL && i < REQUESTS; i++) {
		if (!read_request(fd, b->requests[b->received], REQUEST_SIZE))
			break;
		b->received++;
		send(fd, b->answers[i], strlen(b->answers[i]), MSG_NOSIGNAL);
	}
	close(fd);
	return NULL;
}

static inline void start_server(struct bench *b, const char *const *answers)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	b->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(b->listener >= 0);
	strcpy(address.sun_path, b->client.path);
	assert_int_equal(bind(b->listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(b->listener, 4), 0);
	b->answers = answers;
	b->received = 0;
	assert_int_equal(pthread_create(&b->thread, NULL, serve, b), 0);
	b->running = true;
}

/* Nothing may fail while standard output is elsewhere: the test's own words would go there. */
static inline enum client_status caught(struct bench *b, subcommand *run)
{
	int file = memfd_create("output", MFD_CLOEXEC), saved = dup(STDOUT_FILENO);
	enum client_status status;
	ssize_t length;

	assert_true(file >= 0 && saved >= 0);
	fflush(stdout);
	dup2(file, STDOUT_FILENO);
	status = run(&b->call);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	length = pread(file, b->output, sizeof(b->output) - 1, 0);
	close(file);
	assert_true(length >= 0);
	b->output[length] = '\0';
	return status;
}

static inline enum client_status run_pages(struct bench *b, subcommand *run,
					   const char *const *answers)
{
	enum client_status status;

	start_server(b, answers);
	status = caught(b, run);
	stop_server(b);
	return status;
}

/* Run a command whose request is answered with @result. */
static inline enum client_status run_with(struct bench *b, subcommand *run, const char *result)
{
	const char *answers[] = { NULL, NULL };
	enum client_status status;
	char *answer;

	assert_true(asprintf(&answer, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":%s}\n", result) >
		    0);
	answers[0] = answer;
	status = run_pages(b, run, answers);
	free(answer);
	return status;
}

static inline void say(struct bench *b, const char *const *words)
{
	for (b->call.argc = 0; words[b->call.argc] != NULL; b->call.argc++)
		b->words[b->call.argc] = (char *)(uintptr_t)words[b->call.argc];
}

#define SAY(b, ...) say(b, (const char *const[]){ __VA_ARGS__, NULL })

static inline void assert_prints(struct bench *b, subcommand *run, const char *result,
				 const char *wanted)
{
	assert_int_equal(run_with(b, run, result), CLIENT_OK);
	assert_string_equal(b->output, wanted);
}

/* --json gives the result as it came, on one line. */
static inline void assert_prints_json(struct bench *b, subcommand *run, const char *result)
{
	json_t *wanted = json_loads(result, 0, NULL), *printed;

	b->call.json = true;
	assert_non_null(wanted);
	assert_int_equal(run_with(b, run, result), CLIENT_OK);
	assert_ptr_equal(strchr(b->output, '\n'), b->output + strlen(b->output) - 1);
	printed = json_loads(b->output, 0, NULL);
	assert_non_null(printed);
	assert_true(json_equal(printed, wanted));
	json_decref(printed);
	json_decref(wanted);
}

static inline void assert_request(const struct bench *b, int i, const char *wanted)
{
	json_t *request = json_loads(b->requests[i], 0, NULL);
	char *text = json_dumps(request, JSON_COMPACT | JSON_SORT_KEYS);

	assert_in_range(i, 0, b->received - 1);
	assert_non_null(text);
	assert_string_equal(text, wanted);
	free(text);
	json_decref(request);
}

static inline void assert_why(const struct bench *b, const char *part)
{
	if (strstr(b->client.why, part) == NULL)
		fail_msg("'%s' is not in: %s", part, b->client.why);
}

/* It failed before anything was sent: nobody listens. */
static inline void assert_wrong_usage(struct bench *b, subcommand *run, const char *why)
{
	assert_int_equal(caught(b, run), CLIENT_WRONG_USAGE);
	assert_string_equal(b->output, "");
	assert_why(b, why);
}

#define command_test(f) cmocka_unit_test_setup_teardown(f, command_setup, command_teardown)

#endif
