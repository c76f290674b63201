/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket and its clients.
 */
#include "tests/unit/control.h"

/* --- requests ------------------------------------------------------------------------------- */

static void test_client_is_answered(void **state)
{
	struct bench *b = *state;
	int fd = new_client(b);

	for (int i = 0; i < 5; i++)
		assert_served(b, fd);
	leave(b, fd);
	assert_int_equal(clients_of(b), 0);
}

static void test_requests_in_one_write_are_answered_in_order(void **state)
{
	struct bench *b = *state;
	int fd = new_client(b);
	char text[8192];

	send_text(fd, STATUS(1) STATUS(2) STATUS(3) STATUS(4) STATUS(5));
	pump(b);
	assert_true(receive(fd, text, sizeof(text)) > 0);
	assert_answers(text, 1, 5);
	leave(b, fd);
}

/* @count requests with the ids from 1 on, as one text. */
static char *many_requests(int count)
{
	char *text = malloc((size_t)count * 64 + 1), *at = text;

	assert_non_null(text);
	for (int i = 1; i <= count; i++)
		at += sprintf(at, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"status\"}\n", i);
	return text;
}

static void test_hundreds_of_requests_in_one_write_are_all_answered(void **state)
{
	static char answers[1 << 20];
	struct bench *b = *state;
	int counts[] = { 15, 16, 17, 32, 33, 300 };

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		char *requests = many_requests(counts[i]);
		int fd = new_client(b);

		send_text(fd, requests);
		receive_all(b, fd, answers, sizeof(answers));
		assert_answers(answers, 1, counts[i]);
		assert_false(is_closed(fd));
		leave(b, fd);
		free(requests);
	}
}

/* Packets and timers get their turn between two answers. */
static void test_one_wake_serves_one_request_of_a_client(void **state)
{
	static char answers[1 << 20];
	struct bench *b = *state;
	char *requests = many_requests(300);
	int fd = new_client(b);

	send_text(fd, requests);
	for (int i = 1; i <= 20; i++) {
		pump_once(b);
		assert_true(receive(fd, answers, sizeof(answers)) > 0);
		assert_answers(answers, i, i);
	}
	pump(b);
	leave(b, fd);
	free(requests);
}

static void test_request_in_many_writes_is_answered_once(void **state)
{
	static const char request[] = STATUS(1);
	struct bench *b = *state;
	int fd = new_client(b);
	char text[4096];

	for (size_t i = 0; i < strlen(request); i++) {
		assert_int_equal(receive(fd, text, sizeof(text)), 0);
		send_bytes(fd, request + i, 1);
		pump(b);
	}
	assert_true(receive(fd, text, sizeof(text)) > 0);
	assert_answers(text, 1, 1);
	leave(b, fd);
}

static void test_request_cut_anywhere_is_answered(void **state)
{
	static const char requests[] = STATUS(1) STATUS(2);
	struct bench *b = *state;
	int fd = new_client(b);
	char text[8192];

	for (size_t cut = 1; cut < strlen(requests); cut++) {
		send_bytes(fd, requests, cut);
		pump(b);
		send_bytes(fd, requests + cut, strlen(requests) - cut);
		pump(b);
		assert_true(receive(fd, text, sizeof(text)) > 0);
		assert_answers(text, 1, 2);
	}
	leave(b, fd);
}

static void test_empty_lines_are_passed_over(void **state)
{
	struct bench *b = *state;
	int fd = new_client(b);
	char text[8192];

	send_text(fd, "\n\n" STATUS(1) "\n" STATUS(2) "\n\n\n");
	pump(b);
	assert_true(receive(fd, text, sizeof(text)) > 0);
	assert_answers(text, 1, 2);
	leave(b, fd);
}

static void test_garbage_is_answered_and_the_connection_goes_on(void **state)
{
	static const char nul[] = "\0\0{\0\n";
	struct bench *b = *state;
	int fd = new_client(b);

	send_text(fd, "hello\n");
	pump(b);
	assert_error(fd, RPC_PARSE_ERROR, "");
	send_text(fd, "\xff\xfe\x80\n");
	pump(b);
	assert_error(fd, RPC_PARSE_ERROR, "");
	send_bytes(fd, nul, sizeof(nul) - 1);
	pump(b);
	assert_error(fd, RPC_PARSE_ERROR, "");
	assert_served(b, fd);
	leave(b, fd);
}

static void test_notification_is_not_answered(void **state)
{
	struct bench *b = *state;
	int fd = new_client(b);
	char text[16];

	for (int i = 0; i < 100; i++)
		send_text(fd, "{\"jsonrpc\":\"2.0\",\"method\":\"status\"}\n");
	pump(b);
	assert_int_equal(receive(fd, text, sizeof(text)), 0);
	assert_served(b, fd);
	leave(b, fd);
}

/* --- long requests -------------------------------------------------------------------------- */

/* Send all of it while the other side reads. */
static void send_slowly(struct bench *b, int fd, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t n = send(fd, bytes, length < 4096 ? length : 4096, MSG_NOSIGNAL);

		pump(b);
		if (n < 0)
			return; /* refused already */
		bytes += n;
		length -= (size_t)n;
	}
}

static void test_request_of_64_kib_is_answered(void **state)
{
	static char request[RPC_LINE_MAX], text[4096];
	struct bench *b = *state;
	int fd = new_client(b);

	memset(request, ' ', sizeof(request));
	memcpy(request, STATUS(1), strlen(STATUS(1)) - 1);
	request[sizeof(request) - 1] = '\n';
	for (int i = 0; i < 3; i++) {
		send_slowly(b, fd, request, sizeof(request));
		assert_true(receive(fd, text, sizeof(text)) > 0);
		assert_answers(text, 1, 1);
	}
	leave(b, fd);
}

static void test_request_longer_than_64_kib_is_refused_and_the_client_closed(void **state)
{
	static char request[RPC_LINE_MAX + 1];
	struct bench *b = *state;
	int other = new_client(b), fd = new_client(b);

	memset(request, ' ', sizeof(request));
	request[sizeof(request) - 1] = '\n';
	send_slowly(b, fd, request, sizeof(request));
	assert_error(fd, RPC_INVALID_REQUEST, "64 KiB");
	assert_true(is_closed(fd));
	assert_int_equal(clients_of(b), 1);
	assert_served(b, other);
	leave(b, fd);
	leave(b, other);
}

static void test_request_without_end_is_refused_however_long(void **state)
{
	static char bytes[RPC_LINE_MAX];
	struct bench *b = *state;
	int fd = new_client(b);

	memset(bytes, '[', sizeof(bytes));
	for (int i = 0; i < 10; i++)
		send_slowly(b, fd, bytes, sizeof(bytes));
	assert_error(fd, RPC_INVALID_REQUEST, "64 KiB");
	assert_int_equal(clients_of(b), 0);
	close(fd);
}

static void test_requests_before_a_too_long_one_are_answered(void **state)
{
	static char bytes[2 * RPC_LINE_MAX];
	struct bench *b = *state;
	char text[8192], *rest = text;
	int fd = new_client(b);
	json_t *answer;

	memset(bytes, 'x', sizeof(bytes));
	memcpy(bytes, STATUS(1), strlen(STATUS(1)));
	send_slowly(b, fd, bytes, sizeof(bytes));
	assert_true(receive(fd, text, sizeof(text)) > 0);
	answer = next_line(&rest);
	assert_non_null(json_object_get(answer, "result"));
	json_decref(answer);
	answer = next_line(&rest);
	assert_non_null(json_object_get(answer, "error"));
	json_decref(answer);
	assert_true(is_closed(fd));
	close(fd);
}

/* --- clients that end ----------------------------------------------------------------------- */

static void test_half_closed_client_gets_its_answers_and_is_closed(void **state)
{
	static char answers[1 << 20];
	struct bench *b = *state;
	int counts[] = { 1, 16, 17, 300 };

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		char *requests = many_requests(counts[i]);
		int fd = new_client(b);

		send_text(fd, requests);
		assert_int_equal(shutdown(fd, SHUT_WR), 0);
		receive_all(b, fd, answers, sizeof(answers));
		assert_answers(answers, 1, counts[i]);
		assert_true(is_closed(fd));
		assert_int_equal(clients_of(b), 0);
		close(fd);
		free(requests);
	}
}

static void test_half_closed_client_that_reads_later_gets_its_answers(void **state)
{
	static char answers[16 << 20];
	struct bench *b = *state;
	char request[128];
	int fd = new_client(b);

	for (int i = 1; i <= 200; i++) {
		snprintf(request, sizeof(request),
			 "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"options.get\"}\n", i);
		send_text(fd, request);
	}
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	pump(b);
	assert_int_equal(clients_of(b), 1); /* too much for a socket: it waits */
	receive_all(b, fd, answers, sizeof(answers));
	assert_answers(answers, 1, 200);
	assert_true(is_closed(fd));
	assert_int_equal(clients_of(b), 0);
	close(fd);
}

static void test_client_that_ends_within_a_request_is_closed(void **state)
{
	struct bench *b = *state;
	int fd = new_client(b);

	send_text(fd, "{\"jsonrpc\":\"2.0\"");
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	pump(b);
	assert_true(is_closed(fd));
	assert_int_equal(clients_of(b), 0);
	close(fd);
}

static void test_client_that_says_nothing_and_leaves_is_closed(void **state)
{
	struct bench *b = *state;

	for (int i = 0; i < 3 * CONTROL_CLIENTS; i++)
		leave(b, new_client(b));
	assert_int_equal(clients_of(b), 0);
}

static void test_client_that_leaves_before_its_answer_does_no_harm(void **state)
{
	struct bench *b = *state;
	int fd = new_client(b), other = new_client(b);
	char *requests = many_requests(300);

	send_text(fd, requests);
	close(fd);
	pump(b);
	assert_int_equal(clients_of(b), 1);
	assert_served(b, other);
	leave(b, other);
	free(requests);
}

/* --- a client that does not read ------------------------------------------------------------ */

static void test_client_that_does_not_read_is_not_read_from(void **state)
{
	struct bench *b = *state;
	static const char request[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"options.get\"}\n";
	int lazy = new_client(b), other = new_client(b);
	const struct control_client *client = &b->control.clients[0];
	static char text[65536];
	size_t sent = 0, answers = 0;
	ssize_t n;

	while (send(lazy, request, strlen(request), MSG_NOSIGNAL) > 0) {
		sent++;
		pump(b);
		/* It may hold one answer and one input buffer, however much is sent. */
		assert_in_range(client->output_length, 0, 65536);
		assert_in_range(client->input_length, 0, RPC_LINE_MAX);
		if (sent > 1000000)
			fail_msg("it takes requests without end");
	}
	assert_non_null(client->output);
	assert_true(is_quiet(b));
	assert_served(b, other);
	/* As soon as it reads, it gets the answer to each of its requests. */
	do {
		n = receive(lazy, text, sizeof(text));
		for (char *at = text; (at = strchr(at, '\n')) != NULL; at++)
			answers++;
		pump(b);
	} while (n > 0);
	assert_int_equal(answers, sent);
	assert_served(b, lazy);
	leave(b, lazy);
	leave(b, other);
}

static void test_client_that_does_not_read_and_leaves_is_closed(void **state)
{
	struct bench *b = *state;
	static const char request[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"options.get\"}\n";
	int lazy = new_client(b);

	while (send(lazy, request, strlen(request), MSG_NOSIGNAL) > 0)
		pump(b);
	leave(b, lazy);
	assert_int_equal(clients_of(b), 0);
}

static void test_all_clients_not_reading_leave_the_daemon_quiet(void **state)
{
	struct bench *b = *state;
	static const char request[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"options.get\"}\n";
	int fds[CONTROL_CLIENTS];

	for (int i = 0; i < CONTROL_CLIENTS; i++) {
		fds[i] = new_client(b);
		while (send(fds[i], request, strlen(request), MSG_NOSIGNAL) > 0)
			pump(b);
	}
	assert_true(is_quiet(b));
	for (int i = 0; i < CONTROL_CLIENTS; i++)
		close(fds[i]);
	pump(b);
	assert_int_equal(clients_of(b), 0);
}

/* --- many clients --------------------------------------------------------------------------- */

static void test_64_clients_are_served_and_one_more_is_told(void **state)
{
	struct bench *b = *state;
	int fds[CONTROL_CLIENTS], more;

	for (int i = 0; i < CONTROL_CLIENTS; i++)
		fds[i] = new_client(b);
	for (int i = 0; i < CONTROL_CLIENTS; i++)
		assert_served(b, fds[i]);
	more = new_client(b);
	assert_error(more, RPC_FAILED, "too many clients");
	assert_true(is_closed(more));
	close(more);
	for (int i = 0; i < CONTROL_CLIENTS; i++)
		assert_served(b, fds[i]);
	/* A place that becomes free is given away again. */
	leave(b, fds[40]);
	fds[40] = new_client(b);
	assert_served(b, fds[40]);
	for (int i = 0; i < CONTROL_CLIENTS; i++)
		close(fds[i]);
	pump(b);
	assert_int_equal(clients_of(b), 0);
}

static void test_client_that_is_one_too_many_and_has_left_does_no_harm(void **state)
{
	struct bench *b = *state;
	int fds[CONTROL_CLIENTS];

	for (int i = 0; i < CONTROL_CLIENTS; i++)
		fds[i] = new_client(b);
	for (int i = 0; i < 10; i++) {
		struct sockaddr_un address = { .sun_family = AF_UNIX };
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

		strcpy(address.sun_path, b->path);
		assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
		close(fd);
	}
	pump(b);
	assert_served(b, fds[0]);
	for (int i = 0; i < CONTROL_CLIENTS; i++)
		close(fds[i]);
	pump(b);
}

static void test_place_is_clean_for_the_next_client(void **state)
{
	struct bench *b = *state;
	int fd = new_client(b);

	send_text(fd, "{\"half a request");
	pump(b);
	leave(b, fd);
	fd = new_client(b);
	assert_served(b, fd);
	leave(b, fd);
}

/* --- opening and closing -------------------------------------------------------------------- */

static void test_socket_is_for_its_owner_only(void **state)
{
	struct bench *b = *state;
	struct stat st;

	assert_int_equal(stat(b->path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void test_close_removes_the_socket_and_its_clients(void **state)
{
	struct bench *b = *state;
	int fds[3];

	for (int i = 0; i < 3; i++)
		fds[i] = new_client(b);
	send_text(fds[1], "{\"half a request");
	pump(b);
	control_close(&b->control, &b->d);
	assert_int_equal(access(b->path, F_OK), -1);
	for (int i = 0; i < 3; i++) {
		assert_true(is_closed(fds[i]));
		close(fds[i]);
	}
	assert_int_equal(control_open(&b->control, b->path, &b->loop), 0);
}

static void test_socket_that_is_listened_on_is_refused(void **state)
{
	struct bench *b = *state;
	struct control second;
	int fd = new_client(b);

	assert_int_equal(control_open(&second, b->path, &b->loop), -EADDRINUSE);
	pump(b);
	assert_served(b, fd);
	leave(b, fd);
	fd = new_client(b);
	assert_served(b, fd);
	leave(b, fd);
	assert_int_equal(clients_of(b), 0);
}

/* Nobody accepts: the daemon is stopped, or busy. Its socket is not to be taken from it. */
static void test_socket_with_a_full_backlog_is_refused(void **state)
{
	struct bench *b = *state;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct control second;
	int fds[200], count = 0;

	strcpy(address.sun_path, b->path);
	for (; count < 200; count++) {
		fds[count] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (connect(fds[count], (struct sockaddr *)&address, sizeof(address)) < 0)
			break;
	}
	assert_in_range(count, 1, 199);
	assert_int_equal(control_open(&second, b->path, &b->loop), -EADDRINUSE);
	for (int i = 0; i <= count; i++)
		close(fds[i]);
	pump(b);
}

static void leave_stale_socket(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(address.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 1), 0);
	close(fd);
}

static void test_stale_socket_is_replaced(void **state)
{
	struct bench *b = *state;
	int fd;

	control_close(&b->control, &b->d);
	leave_stale_socket(b->path);
	assert_int_equal(control_open(&b->control, b->path, &b->loop), 0);
	fd = new_client(b);
	assert_served(b, fd);
	leave(b, fd);
}

static void test_what_is_no_socket_is_refused_and_left_alone(void **state)
{
	struct bench *b = *state;
	struct control second;
	char path[80], target[80];
	struct stat st;
	FILE *f;

	snprintf(path, sizeof(path), "%s/x", b->directory);
	snprintf(target, sizeof(target), "%s/y", b->directory);
	f = fopen(path, "we");
	fputs("precious", f);
	fclose(f);
	assert_int_equal(control_open(&second, path, &b->loop), -EEXIST);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 8);
	unlink(path);
	mkdir(path, 0700);
	assert_int_equal(control_open(&second, path, &b->loop), -EEXIST);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(symlink(target, path), 0);
	assert_int_equal(control_open(&second, path, &b->loop), -EEXIST);
	assert_int_equal(access(target, F_OK), -1);
	unlink(path);
	mkfifo(path, 0600);
	assert_int_equal(control_open(&second, path, &b->loop), -EEXIST);
	unlink(path);
}

static void test_directory_is_made_if_need_be(void **state)
{
	struct bench *b = *state;
	struct control second;
	char directory[64], path[80];
	struct stat st;

	snprintf(directory, sizeof(directory), "%s/new", b->directory);
	snprintf(path, sizeof(path), "%s/new/d.sock", b->directory);
	assert_int_equal(control_open(&second, path, &b->loop), 0);
	assert_int_equal(stat(directory, &st), 0);
	assert_int_equal(st.st_mode & 022, 0); /* nobody else may put a socket there */
	control_close(&second, &b->d);
	assert_int_equal(rmdir(directory), 0);
}

static void test_directory_that_cannot_be_made_is_refused(void **state)
{
	struct bench *b = *state;
	struct control second;
	char path[80];

	snprintf(path, sizeof(path), "%s/no/where/d.sock", b->directory);
	assert_int_equal(control_open(&second, path, &b->loop), -ENOENT);
	snprintf(path, sizeof(path), "%s/d.sock", b->path);
	assert_int_equal(control_open(&second, path, &b->loop), -ENOTDIR);
}

#define control_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		control_test(test_client_is_answered),
		control_test(test_requests_in_one_write_are_answered_in_order),
		control_test(test_hundreds_of_requests_in_one_write_are_all_answered),
		control_test(test_one_wake_serves_one_request_of_a_client),
		control_test(test_request_in_many_writes_is_answered_once),
		control_test(test_request_cut_anywhere_is_answered),
		control_test(test_empty_lines_are_passed_over),
		control_test(test_garbage_is_answered_and_the_connection_goes_on),
		control_test(test_notification_is_not_answered),
		control_test(test_request_of_64_kib_is_answered),
		control_test(test_request_longer_than_64_kib_is_refused_and_the_client_closed),
		control_test(test_request_without_end_is_refused_however_long),
		control_test(test_requests_before_a_too_long_one_are_answered),
		control_test(test_half_closed_client_gets_its_answers_and_is_closed),
		control_test(test_half_closed_client_that_reads_later_gets_its_answers),
		control_test(test_client_that_ends_within_a_request_is_closed),
		control_test(test_client_that_says_nothing_and_leaves_is_closed),
		control_test(test_client_that_leaves_before_its_answer_does_no_harm),
		control_test(test_client_that_does_not_read_is_not_read_from),
		control_test(test_client_that_does_not_read_and_leaves_is_closed),
		control_test(test_all_clients_not_reading_leave_the_daemon_quiet),
		control_test(test_64_clients_are_served_and_one_more_is_told),
		control_test(test_client_that_is_one_too_many_and_has_left_does_no_harm),
		control_test(test_place_is_clean_for_the_next_client),
		control_test(test_socket_is_for_its_owner_only),
		control_test(test_close_removes_the_socket_and_its_clients),
		control_test(test_socket_that_is_listened_on_is_refused),
		control_test(test_socket_with_a_full_backlog_is_refused),
		control_test(test_stale_socket_is_replaced),
		control_test(test_what_is_no_socket_is_refused_and_left_alone),
		control_test(test_directory_is_made_if_need_be),
		control_test(test_directory_that_cannot_be_made_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
