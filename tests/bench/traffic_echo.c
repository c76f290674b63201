/* SPDX-License-Identifier: GPL-2.0-or-later */
/* traffic_echo.c - one UDP packet there and back, and how long it takes */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/bench/traffic.h"

enum { HEADERS = 28, PAYLOAD_MAX = 65535 - HEADERS, MOST_LOST = 20 };

static const int64_t LOST_AFTER_NS = 500000000;

static int by_size(const void *a, const void *b)
{
	const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* The answer to packet @number; false if it does not come. An earlier one that is late is passed. */
static bool receive_answer(int fd, int64_t number)
{
	static uint8_t buffer[PAYLOAD_MAX];
	int64_t got = -1;

	while (got != number) {
		ssize_t n = recv(fd, buffer, sizeof(buffer), 0);

		if (n < 0)
			return false;
		if (n >= (ssize_t)sizeof(got))
			memcpy(&got, buffer, sizeof(got));
	}
	return true;
}

static double quantile_us(const int64_t *sorted, int64_t n, double share)
{
	int64_t i = (int64_t)((double)n * share);

	return (double)sorted[i < n ? i : n - 1] / 1000;
}

static void print_quantiles(int64_t *taken, int64_t n, int64_t lost)
{
	qsort(taken, (size_t)n, sizeof(*taken), by_size);
	printf("{\"round_trips\": %lld, \"lost\": %lld, \"p50_us\": %.1f, \"p99_us\": %.1f, "
	       "\"p999_us\": %.1f, \"max_us\": %.1f}\n",
	       (long long)n, (long long)lost, quantile_us(taken, n, 0.5),
	       quantile_us(taken, n, 0.99), quantile_us(taken, n, 0.999), quantile_us(taken, n, 1));
}

int traffic_round_trip(const struct traffic *t)
{
	static uint8_t payload[PAYLOAD_MAX];
	int64_t *taken = calloc((size_t)t->count, sizeof(*taken));
	int64_t done = 0, lost = 0, end = now_ns() + t->seconds_ns;
	int fd = open_socket(SOCK_DGRAM, LOST_AFTER_NS);

	if (taken == NULL)
		die("no memory", "take a smaller --count");
	if (connect(fd, (const struct sockaddr *)&t->to, sizeof(t->to)) < 0)
		die("cannot reach --to", "is there a route?");
	while (done < t->count && lost < MOST_LOST) {
		const int64_t number = done + lost, start = now_ns();

		if (start > end)
			break;
		memcpy(payload, &number, sizeof(number));
		if (send(fd, payload, (size_t)t->size - HEADERS, 0) < 0 ||
		    !receive_answer(fd, number))
			lost++;
		else
			taken[done++] = now_ns() - start;
	}
	if (done == 0 || lost == MOST_LOST) {
		fprintf(stderr, "traffic: no answer; is 'traffic echo' there?\n");
		return 1;
	}
	print_quantiles(taken, done, lost);
	free(taken);
	return 0;
}

int traffic_echo(const struct traffic *t)
{
	static uint8_t buffer[PAYLOAD_MAX];
	int fd = open_socket(SOCK_DGRAM, t->idle_ns);
	int64_t start = now_ns(), now = start, answered = 0;

	bind_socket(fd, &t->at);
	puts("ready");
	fflush(stdout);
	for (; now - start < TRAFFIC_MOST_NS; now = now_ns()) {
		struct sockaddr_in peer;
		socklen_t length = sizeof(peer);
		ssize_t n =
			recvfrom(fd, buffer, sizeof(buffer), 0, (struct sockaddr *)&peer, &length);

		if (n < 0)
			break; /* idle for long enough */
		if (sendto(fd, buffer, (size_t)n, 0, (struct sockaddr *)&peer, length) == n)
			answered++;
	}
	print_rate("answered", answered, now - start);
	puts("}");
	return 0;
}
