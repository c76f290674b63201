/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/daemon/loop.h"

#include <errno.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static uint64_t event_data(enum loop_source source, uint32_t number)
{
	return (uint64_t)number << 32 | source;
}

static bool have_several_processors(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) < 0 || CPU_COUNT(&set) > 1;
}

int loop_open(struct loop *l, const sigset_t *signals, uint32_t busy_poll_us)
{
	int err;

	*l = (struct loop){ .armed = MONO_NEVER };
	/* On a single one, whom we wait for could not run meanwhile. */
	l->busy_poll_ns = have_several_processors() ? busy_poll_us * INT64_C(1000) : 0;
	if (sigprocmask(SIG_BLOCK, signals, NULL) < 0)
		return -errno;
	l->epfd = epoll_create1(EPOLL_CLOEXEC);
	if (l->epfd < 0)
		return -errno;
	l->sigfd = signalfd(-1, signals, SFD_NONBLOCK | SFD_CLOEXEC);
	if (l->sigfd < 0) {
		err = -errno;
		goto close_epfd;
	}
	l->timerfd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (l->timerfd < 0) {
		err = -errno;
		goto close_sigfd;
	}
	err = loop_watch(l, l->sigfd, LOOP_SIGNAL, 0);
	if (err == 0)
		err = loop_watch(l, l->timerfd, LOOP_TIMER, 0);
	if (err < 0)
		goto close_timerfd;
	return 0;

close_timerfd:
	close(l->timerfd);
close_sigfd:
	close(l->sigfd);
close_epfd:
	close(l->epfd);
	return err;
}

void loop_close(struct loop *l)
{
	close(l->timerfd);
	close(l->sigfd);
	close(l->epfd);
}

int loop_watch(struct loop *l, int fd, enum loop_source source, uint32_t number)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = event_data(source, number) };

	return epoll_ctl(l->epfd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

int loop_rewatch(struct loop *l, int fd, enum loop_source source, uint32_t number, bool readable,
		 bool writable)
{
	struct epoll_event event = {
		.events = (readable ? (uint32_t)EPOLLIN : 0) | (writable ? (uint32_t)EPOLLOUT : 0),
		.data.u64 = event_data(source, number),
	};

	return epoll_ctl(l->epfd, EPOLL_CTL_MOD, fd, &event) < 0 ? -errno : 0;
}

int loop_wake_at(struct loop *l, struct mono due)
{
	struct itimerspec spec = { 0 };

	if (due.ms >= l->armed.ms)
		return 0; /* wakes up before; whoever is woken asks again */
	/* One nanosecond past zero: a time of 0 would switch the timer off. */
	spec.it_value.tv_sec = due.ms > 0 ? due.ms / 1000 : 0;
	spec.it_value.tv_nsec = due.ms > 0 ? due.ms % 1000 * 1000000 + 1 : 1;
	if (timerfd_settime(l->timerfd, TFD_TIMER_ABSTIME, &spec, NULL) < 0)
		return -errno;
	l->armed = due;
	return 0;
}

void loop_timer_fired(struct loop *l)
{
	uint64_t expiries;

	if (read(l->timerfd, &expiries, sizeof(expiries)) == (ssize_t)sizeof(expiries))
		l->armed = MONO_NEVER;
}

struct mono loop_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (struct mono){ .ms = ts.tv_sec * 1000 + ts.tv_nsec / 1000000 };
}

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

/* Look for events without sleeping, for as long as may be; what epoll_wait() returns. */
static int poll_busily(const struct loop *l, struct epoll_event raw[LOOP_EVENTS])
{
	int64_t end = now_ns() + l->busy_poll_ns;
	int n;

	do {
		n = epoll_wait(l->epfd, raw, LOOP_EVENTS, 0);
		if (n != 0)
			return n;
		sched_yield(); /* whoever is to send the next packet may need this processor */
	} while (now_ns() < end);
	return 0;
}

int loop_wait(struct loop *l, struct loop_event events[LOOP_EVENTS], struct mono *now)
{
	struct epoll_event raw[LOOP_EVENTS];
	int n = l->had_packets && l->busy_poll_ns > 0 ? poll_busily(l, raw) : 0;

	if (n == 0)
		n = epoll_wait(l->epfd, raw, LOOP_EVENTS, -1);
	*now = loop_now();
	l->had_packets = false;
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	for (int i = 0; i < n; i++) {
		events[i] = (struct loop_event){
			.source = (enum loop_source)(raw[i].data.u64 & 0xff),
			.number = (uint32_t)(raw[i].data.u64 >> 32),
			/* A hang-up or error shows itself to whoever reads or writes next. */
			.readable = raw[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR),
			.writable = raw[i].events & EPOLLOUT,
		};
		l->had_packets |= events[i].source == LOOP_QUEUE;
	}
	return n;
}
