/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * traffic.h - what the commands of `traffic` share
 * Owns:       the options of all commands, their limits and defaults; the clock; how an error ends
 *             the program.
 * Invariants: every number is within its limits, so whatever is sent ends by itself: by a count or
 *             by a time that has a cap.
 */
#ifndef TESTS_BENCH_TRAFFIC_H
#define TESTS_BENCH_TRAFFIC_H

#include <netinet/in.h>
#include <stdint.h>

enum { TRAFFIC_BATCH = 32 }; /* packets in one system call */

/* A side that only answers ends by idle time, and after this in any case. */
static const int64_t TRAFFIC_MOST_NS = 300LL * 1000000000;

struct traffic {
	struct sockaddr_in to; /* whom to send to */
	struct sockaddr_in at; /* where to listen, or the first source */
	int64_t size;	       /* bytes of a packet, IP header included */
	int64_t flows;	       /* sockets to send from */
	int64_t count;	       /* things to do */
	int64_t rate;	       /* packets a second at most; 0: as fast as it goes */
	int64_t ports;	       /* in a row, from the one of `to` or `at` on */
	int64_t addresses;     /* in a row, from the one of `at` on */
	int64_t in_flight;     /* connections at once */
	int64_t seconds_ns;    /* how long */
	int64_t warm_up_ns;    /* not counted, before that */
	int64_t idle_ns;       /* nothing for so long is the end */
};

/* Every command prints one line of JSON and returns the exit status. */
int traffic_flood(const struct traffic *t);
int traffic_fresh(const struct traffic *t);
int traffic_sink(const struct traffic *t);
int traffic_connect(const struct traffic *t);
int traffic_accept(const struct traffic *t);
int traffic_round_trip(const struct traffic *t);
int traffic_echo(const struct traffic *t);

int64_t now_ns(void);
/* End with exit status 1: what failed, why by errno, what to do about it (or NULL). */
_Noreturn void die(const char *what, const char *advice);
/* A socket with the largest buffers it may have and a receive time-out; ends the program if not. */
int open_socket(int type, int64_t timeout_ns);
void bind_socket(int fd, const struct sockaddr_in *at);
/* @base with @n added to its port. */
struct sockaddr_in port_after(const struct sockaddr_in *base, int64_t n);
/* What came of @count of @what in @ns, as JSON without the closing brace. */
void print_rate(const char *what, int64_t count, int64_t ns);

#endif
