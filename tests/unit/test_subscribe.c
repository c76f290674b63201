/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Subscriptions over the control socket: what a client is sent, and what it cannot do to us.
 */
#include "tests/unit/control.h"

#include "tests/unit/wire.h"

#define SUBSCRIBE(method) "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"" method "\"}\n"

enum { MUCH = 30000 };

/* A packet from outside that nobody asked for, through the NAT and past the tap. */
static void drop_one(struct bench *b)
{
	struct wire w = wire_udp(ep("203.0.113.10:53"), ep("203.0.113.1:9999"));
	struct nat_outcome outcome;
	struct packet pkt;

	packet_init(&pkt, w.at, w.len, w.len, false);
	if (tap_is_watched(&b->d.tap))
		tap_came(&b->d.tap, &pkt);
	outcome = nat_process(&b->d.nat, &pkt, NAT_EXTERNAL, b->d.now);
	tap_left(&b->d.tap, &pkt, NAT_EXTERNAL, &outcome);
	wire_free_all();
}

/* As the main loop: first what has happened, then whoever can take more. */
static void tell(struct bench *b)
{
	control_feed(&b->control, &b->d);
	pump(b);
}

static int subscriber(struct bench *b, const char *request)
{
	char text[4096];
	int fd = new_client(b);

	send_text(fd, request);
	pump(b);
	assert_true(receive(fd, text, sizeof(text)) > 0);
	assert_answers(text, 5, 5);
	return fd;
}

static int count_of(const char *text, const char *part)
{
	int count = 0;

	for (; (text = strstr(text, part)) != NULL; text++)
		count++;
	return count;
}

static void test_subscriber_is_told_of_each_packet(void **state)
{
	struct bench *b = *state;
	char text[8192];
	int fd = subscriber(b, SUBSCRIBE("trace.subscribe"));

	for (int i = 0; i < 5; i++)
		drop_one(b);
	assert_true(is_quiet(b)); /* nothing is sent while packets are served */
	tell(b);
	assert_true(receive(fd, text, sizeof(text)) > 0);
	assert_int_equal(count_of(text, "\"trace.packet\""), 5);
	assert_int_equal(count_of(text, "\"reason\":\"no-mapping\""), 5);
	assert_served(b, fd); /* it may still ask */
	leave(b, fd);
	assert_null(b->d.tap.ring);
	assert_int_equal(b->control.streaming, 0);
}

static void test_more_than_a_batch_comes_without_further_packets(void **state)
{
	struct bench *b = *state;
	static char text[1 << 20];
	int fd = subscriber(b, SUBSCRIBE("trace.subscribe"));

	for (int i = 0; i < 10 * STREAM_BATCH; i++)
		drop_one(b);
	tell(b);
	receive_all(b, fd, text, sizeof(text));
	assert_int_equal(count_of(text, "\"trace.packet\""), 10 * STREAM_BATCH);
	leave(b, fd);
}

static void test_one_subscription_a_connection(void **state)
{
	struct bench *b = *state;
	int fd = subscriber(b, SUBSCRIBE("trace.subscribe"));

	send_text(fd, SUBSCRIBE("events.subscribe"));
	pump(b);
	assert_error(fd, RPC_FAILED, "has a subscription already");
	leave(b, fd);
	assert_null(b->d.tap.ring);
}

/* However much passes, no more than one piece waits for it, and the daemon comes to rest. */
static void test_subscriber_that_does_not_read_costs_no_memory(void **state)
{
	struct bench *b = *state;
	static char text[1 << 21];
	int fd = subscriber(b, SUBSCRIBE("trace.subscribe"));

	for (int i = 0; i < MUCH; i++) {
		drop_one(b);
		if (i % 100 == 0)
			tell(b);
	}
	assert_non_null(b->control.clients[0].output);
	assert_true(b->control.clients[0].output_length < 64 * 1024);
	receive_all(b, fd, text, sizeof(text));
	assert_int_equal(count_of(text, "\"trace.missed\""), 1);
	leave(b, fd);
	assert_null(b->d.tap.ring);
}

static void test_subscriber_that_says_no_more_still_listens(void **state)
{
	struct bench *b = *state;
	char text[4096];
	int fd = subscriber(b, SUBSCRIBE("trace.subscribe"));

	shutdown(fd, SHUT_WR);
	pump(b);
	drop_one(b);
	tell(b);
	assert_true(receive(fd, text, sizeof(text)) > 0);
	assert_int_equal(count_of(text, "\"trace.packet\""), 1);
	leave(b, fd); /* now it does not: that is noticed without a packet */
	assert_int_equal(clients_of(b), 0);
	assert_null(b->d.tap.ring);
}

static uint32_t word_at(const char *bytes, ssize_t offset)
{
	uint32_t word;

	memcpy(&word, bytes + offset, sizeof(word));
	return word;
}

/* The types of the blocks in @length bytes, which are whole ones; how many. */
static int blocks_of(const char *bytes, ssize_t length, uint32_t types[16])
{
	int count = 0;

	for (ssize_t at = 0; at < length; count++) {
		uint32_t size = word_at(bytes, at + 4);

		assert_in_range(count, 0, 15);
		assert_true(size % 4 == 0 && size >= 12 && at + (ssize_t)size <= length);
		assert_int_equal(word_at(bytes, at + (ssize_t)size - 4), size);
		types[count] = word_at(bytes, at);
		at += (ssize_t)size;
	}
	return count;
}

static void test_capture_is_a_whole_file_and_ends_when_told(void **state)
{
	struct bench *b = *state;
	static const uint32_t wanted[] = { 0x0a0d0d0a, 1, 1, 6, 6, 5 };
	uint32_t types[16];
	static char bytes[1 << 16];
	ssize_t length;
	int fd = new_client(b);
	char *file;

	send_text(fd, SUBSCRIBE("capture.start"));
	pump(b);
	drop_one(b);
	drop_one(b);
	tell(b);
	shutdown(fd, SHUT_WR);
	pump(b);
	length = receive(fd, bytes, sizeof(bytes));
	assert_true(length > 0);
	file = strchr(bytes, '\n') + 1;
	assert_int_equal(blocks_of(file, length - (file - bytes), types),
			 sizeof(wanted) / sizeof(wanted[0]));
	assert_memory_equal(types, wanted, sizeof(wanted));
	assert_true(is_closed(fd));
	close(fd);
	assert_int_equal(clients_of(b), 0);
	assert_null(b->d.tap.ring);
}

static void test_wrong_filters_are_refused(void **state)
{
	static const char *const params[] = {
		"{\"host\":\"x\"}",  "{\"host\":7}",	     "{\"port\":65536}",
		"{\"port\":\"80\"}", "{\"protocol\":\"x\"}", "{\"reason\":\"nosuch\"}",
		"{\"reason\":1}",    "{\"drops\":1}",	     "{\"snaplen\":100}",
	};
	struct bench *b = *state;
	int fd = new_client(b);
	char line[256];

	for (size_t i = 0; i < sizeof(params) / sizeof(params[0]); i++) {
		snprintf(line, sizeof(line),
			 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"trace.subscribe\",\"params\":%"
			 "s}\n",
			 params[i]);
		send_text(fd, line);
		pump(b);
		assert_error(fd, RPC_INVALID_PARAMS, "");
	}
	assert_null(b->d.tap.ring);
	leave(b, fd);
}

#define subscribe_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		subscribe_test(test_subscriber_is_told_of_each_packet),
		subscribe_test(test_more_than_a_batch_comes_without_further_packets),
		subscribe_test(test_one_subscription_a_connection),
		subscribe_test(test_subscriber_that_does_not_read_costs_no_memory),
		subscribe_test(test_subscriber_that_says_no_more_still_listens),
		subscribe_test(test_capture_is_a_whole_file_and_ends_when_told),
		subscribe_test(test_wrong_filters_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
