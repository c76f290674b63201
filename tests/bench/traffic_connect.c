/* SPDX-License-Identifier: GPL-2.0-or-later */
/* traffic_connect.c - TCP connections: connect, one byte each way, close; and who accepts them */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/traffic.h"

enum { EVENTS = 256, LOOK_UP_MS = 100, BACKLOG = 4096, MOST_FAILED = 100 };

/* --- connect ------------------------------------------------------------------------------- */

struct slot {
	int fd;
	bool asked; /* our byte is on its way */
};

struct connector {
	const struct traffic *traffic;
	int epoll;
	int64_t started, done, failed;
};

/* A connection to the next of the ports, so that one that rests in TIME_WAIT is not in the way. */
static void start_one(struct connector *c, struct slot *slot)
{
	struct epoll_event wanted = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = slot };
	struct sockaddr_in to = port_after(&c->traffic->to, c->started++ % c->traffic->ports);

	*slot = (struct slot){ .fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
					    0) };
	if (slot->fd < 0)
		die("cannot open a socket", "raise the limit: ulimit -n");
	if (connect(slot->fd, (struct sockaddr *)&to, sizeof(to)) < 0 && errno != EINPROGRESS)
		die("cannot connect", errno == EADDRNOTAVAIL ? "take more --ports" : NULL);
	if (epoll_ctl(c->epoll, EPOLL_CTL_ADD, slot->fd, &wanted) < 0)
		die("cannot watch a socket", NULL);
}

/* Returns whether the connection has come to its end, good or bad. */
static bool serve_one(struct connector *c, struct slot *slot, uint32_t events)
{
	char byte = 'n';

	if (events & EPOLLERR) {
		c->failed++;
		return true;
	}
	if (!slot->asked && events & EPOLLOUT) {
		slot->asked = send(slot->fd, &byte, 1, MSG_NOSIGNAL) == 1;
		if (!slot->asked) {
			c->failed++;
			return true;
		}
	}
	if (!(events & (EPOLLIN | EPOLLHUP)))
		return false;
	if (recv(slot->fd, &byte, 1, 0) == 1)
		c->done++;
	else if (errno == EAGAIN)
		return false;
	else
		c->failed++;
	return true;
}

int traffic_connect(const struct traffic *t)
{
	struct connector c = { .traffic = t, .epoll = epoll_create1(EPOLL_CLOEXEC) };
	struct slot *slots = calloc((size_t)t->in_flight, sizeof(*slots));
	struct epoll_event events[EVENTS];
	int64_t start = now_ns(), now = start;

	if (c.epoll < 0 || slots == NULL)
		die("cannot begin", NULL);
	for (int64_t i = 0; i < t->in_flight; i++)
		start_one(&c, &slots[i]);
	while (now < start + t->seconds_ns && c.failed < MOST_FAILED) {
		int n = epoll_wait(c.epoll, events, EVENTS, LOOK_UP_MS);

		for (int i = 0; i < n; i++) {
			struct slot *slot = events[i].data.ptr;

			if (!serve_one(&c, slot, events[i].events))
				continue;
			close(slot->fd);
			start_one(&c, slot);
		}
		now = now_ns();
	}
	free(slots);
	print_rate("connections", c.done, now - start);
	printf(", \"failed\": %lld}\n", (long long)c.failed);
	if (c.failed < MOST_FAILED)
		return 0;
	fprintf(stderr, "traffic: %d connections failed; is 'traffic accept' there?\n",
		MOST_FAILED);
	return 1;
}

/* --- accept -------------------------------------------------------------------------------- */

static void watch(int epoll, int fd, bool listener)
{
	struct epoll_event wanted = { .events = EPOLLIN, .data.u64 = (uint64_t)fd << 1 | listener };

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &wanted) < 0)
		die("cannot watch a socket", NULL);
}

static void listen_all(const struct traffic *t, int epoll)
{
	for (int64_t i = 0; i < t->ports; i++) {
		struct sockaddr_in at = port_after(&t->at, i);
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

		if (fd < 0)
			die("cannot open a socket", "raise the limit: ulimit -n");
		bind_socket(fd, &at);
		if (listen(fd, BACKLOG) < 0)
			die("cannot listen", NULL);
		watch(epoll, fd, true);
	}
}

static int64_t accept_all(int epoll, int listener)
{
	int64_t n = 0;

	for (;; n++) {
		int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0)
			return n;
		watch(epoll, fd, false);
	}
}

static void answer(int fd)
{
	char bytes[16];
	ssize_t n = recv(fd, bytes, sizeof(bytes), 0);

	if (n > 0 && send(fd, bytes, 1, MSG_NOSIGNAL) == 1)
		return;
	if (n < 0 && errno == EAGAIN)
		return;
	close(fd);
}

int traffic_accept(const struct traffic *t)
{
	const int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event events[EVENTS];
	int64_t start, now, last, accepted = 0;

	if (epoll < 0)
		die("cannot begin", NULL);
	listen_all(t, epoll);
	puts("ready");
	fflush(stdout);
	start = now = last = now_ns();
	while (now - start < TRAFFIC_MOST_NS && now - last < t->idle_ns) {
		int n = epoll_wait(epoll, events, EVENTS, LOOK_UP_MS);

		now = now_ns();
		for (int i = 0; i < n; i++) {
			int fd = (int)(events[i].data.u64 >> 1);

			last = now;
			if (events[i].data.u64 & 1)
				accepted += accept_all(epoll, fd);
			else
				answer(fd);
		}
	}
	print_rate("accepted", accepted, last - start);
	puts("}");
	return 0;
}
