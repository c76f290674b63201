/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * loop.h - waiting for the next thing to happen
 * Owns:       the epoll set, the signalfd and the timerfd.
 * Invariants: the monotonic clock is read here and nowhere else in the daemon; the time that
 *             it serves by, at the start and once per wake-up. (The time
 *             of day, by which nothing happens, is for events.c and eventlog.c.)
 */
#ifndef DAEMON_LOOP_H
#define DAEMON_LOOP_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/clock.h"

/* Who is woken; LOOP_CLIENT comes with the number of the client. */
enum loop_source { LOOP_SIGNAL, LOOP_TIMER, LOOP_QUEUE, LOOP_PCP, LOOP_LISTEN, LOOP_CLIENT };

enum { LOOP_EVENTS = 32 };

struct loop_event {
	enum loop_source source;
	uint32_t number;
	bool readable, writable;
};

struct loop {
	int epfd, sigfd, timerfd;
	struct mono armed;    /* when the timer fires */
	int64_t busy_poll_ns; /* how long to look for the next packet before going to sleep */
	bool had_packets;     /* woken by the queue last time: another packet is likely */
};

/*
 * loop_open() - take over @signals and open all three descriptors
 * @busy_poll_us: after packets, look for further ones for so many microseconds before sleeping: to
 *                be woken takes longer than many a reply. Not done on a single processor.
 * Return: 0 or -errno.
 */
int loop_open(struct loop *l, const sigset_t *signals, uint32_t busy_poll_us);
void loop_close(struct loop *l);

/* Watch @fd for reading; 0 or -errno. */
int loop_watch(struct loop *l, int fd, enum loop_source source, uint32_t number);
/* Change what is watched for; the descriptor must be watched already. */
int loop_rewatch(struct loop *l, int fd, enum loop_source source, uint32_t number, bool readable,
		 bool writable);

/* Wake up at @due at the latest. Costs a system call only where that is sooner than before. */
int loop_wake_at(struct loop *l, struct mono due);

/* Wait for events and read the clock: how many (0 for a signal that came between), or -errno. */
int loop_wait(struct loop *l, struct loop_event events[LOOP_EVENTS], struct mono *now);

/* Consume the timer's expiry, so that it can be armed again. */
void loop_timer_fired(struct loop *l);

struct mono loop_now(void);

#endif
