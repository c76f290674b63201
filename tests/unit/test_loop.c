/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The event loop: who is woken, by what, and when. Nothing here waits for long: a timer that is
 * due fires at once, one that is not is seen armed and asked how much it has left.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "nat/daemon/loop.h"

static int setup(void **state)
{
	struct loop *l = malloc(sizeof(*l));
	sigset_t quit;

	assert_non_null(l);
	sigemptyset(&quit);
	sigaddset(&quit, SIGUSR1);
	assert_int_equal(loop_open(l, &quit, 0), 0);
	*state = l;
	return 0;
}

static int teardown(void **state)
{
	loop_close(*state);
	free(*state);
	return 0;
}

/* Is anything to be served now? */
static bool is_quiet(const struct loop *l)
{
	struct pollfd p = { .fd = l->epfd, .events = POLLIN };

	return poll(&p, 1, 0) == 0;
}

/* The one event there is to serve. */
static struct loop_event one_event(struct loop *l)
{
	struct loop_event events[LOOP_EVENTS];
	struct mono now;

	assert_false(is_quiet(l));
	assert_int_equal(loop_wait(l, events, &now), 1);
	return events[0];
}

static int64_t timer_left_ms(const struct loop *l)
{
	struct itimerspec spec;

	assert_int_equal(timerfd_gettime(l->timerfd, &spec), 0);
	return spec.it_value.tv_sec * 1000 + spec.it_value.tv_nsec / 1000000;
}

static void make_pair(int pair[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
}

/* --- events --------------------------------------------------------------------------------- */

static void test_loop_nothing_to_do_is_quiet(void **state)
{
	assert_true(is_quiet(*state));
}

static void test_loop_readable_descriptor_wakes_with_source_and_number(void **state)
{
	struct loop *l = *state;
	struct loop_event event;
	int pair[2];

	make_pair(pair);
	assert_int_equal(loop_watch(l, pair[0], LOOP_CLIENT, 63), 0);
	assert_true(is_quiet(l));
	assert_int_equal(write(pair[1], "x", 1), 1);
	event = one_event(l);
	assert_int_equal(event.source, LOOP_CLIENT);
	assert_int_equal(event.number, 63);
	assert_true(event.readable);
	assert_false(event.writable);
	close(pair[0]);
	close(pair[1]);
}

static void test_loop_source_and_number_are_kept_apart(void **state)
{
	struct loop *l = *state;
	struct loop_event event;
	int pair[2];

	make_pair(pair);
	assert_int_equal(loop_watch(l, pair[0], LOOP_QUEUE, UINT32_MAX), 0);
	assert_int_equal(write(pair[1], "x", 1), 1);
	event = one_event(l);
	assert_int_equal(event.source, LOOP_QUEUE);
	assert_int_equal(event.number, UINT32_MAX);
	close(pair[0]);
	close(pair[1]);
}

static void test_loop_rewatch_for_writing_only(void **state)
{
	struct loop *l = *state;
	struct loop_event event;
	int pair[2];

	make_pair(pair);
	assert_int_equal(loop_watch(l, pair[0], LOOP_CLIENT, 1), 0);
	assert_int_equal(write(pair[1], "x", 1), 1);
	assert_int_equal(loop_rewatch(l, pair[0], LOOP_CLIENT, 1, false, true), 0);
	event = one_event(l);
	assert_true(event.writable);
	assert_false(event.readable);
	assert_int_equal(loop_rewatch(l, pair[0], LOOP_CLIENT, 1, false, false), 0);
	assert_true(is_quiet(l));
	close(pair[0]);
	close(pair[1]);
}

static void test_loop_hang_up_shows_as_readable(void **state)
{
	struct loop *l = *state;
	int pair[2];

	make_pair(pair);
	assert_int_equal(loop_watch(l, pair[0], LOOP_CLIENT, 1), 0);
	assert_int_equal(loop_rewatch(l, pair[0], LOOP_CLIENT, 1, false, false), 0);
	close(pair[1]);
	assert_true(one_event(l).readable);
	close(pair[0]);
}

static void test_loop_more_events_than_fit_come_next_time(void **state)
{
	struct loop *l = *state;
	struct loop_event events[LOOP_EVENTS];
	struct mono now;
	int pairs[LOOP_EVENTS + 5][2];
	bool seen[LOOP_EVENTS + 5] = { false };
	int served = 0;

	for (int i = 0; i < LOOP_EVENTS + 5; i++) {
		make_pair(pairs[i]);
		assert_int_equal(loop_watch(l, pairs[i][0], LOOP_CLIENT, (uint32_t)i), 0);
		assert_int_equal(write(pairs[i][1], "x", 1), 1);
	}
	while (!is_quiet(l)) {
		int n = loop_wait(l, events, &now);

		assert_in_range(n, 1, LOOP_EVENTS);
		for (int i = 0; i < n; i++) {
			char byte;

			assert_int_equal(read(pairs[events[i].number][0], &byte, 1), 1);
			assert_false(seen[events[i].number]);
			seen[events[i].number] = true;
			served++;
		}
	}
	assert_int_equal(served, LOOP_EVENTS + 5);
	for (int i = 0; i < LOOP_EVENTS + 5; i++) {
		close(pairs[i][0]);
		close(pairs[i][1]);
	}
}

static void test_loop_watch_of_no_descriptor_fails(void **state)
{
	struct loop *l = *state;

	assert_int_equal(loop_watch(l, -1, LOOP_CLIENT, 0), -EBADF);
	assert_int_equal(loop_rewatch(l, l->epfd, LOOP_CLIENT, 0, true, true), -EINVAL);
}

static void test_loop_signal_of_the_set_is_an_event(void **state)
{
	struct loop *l = *state;
	struct signalfd_siginfo info;

	assert_int_equal(raise(SIGUSR1), 0);
	assert_int_equal(one_event(l).source, LOOP_SIGNAL);
	assert_int_equal(read(l->sigfd, &info, sizeof(info)), sizeof(info));
	assert_int_equal(info.ssi_signo, SIGUSR1);
	assert_true(is_quiet(l));
}

static void test_loop_descriptors_are_not_inherited(void **state)
{
	struct loop *l = *state;

	assert_true(fcntl(l->epfd, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(l->sigfd, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(l->timerfd, F_GETFD) & FD_CLOEXEC);
}

/* --- time ----------------------------------------------------------------------------------- */

static void test_loop_timer_that_is_due_fires_at_once(void **state)
{
	struct loop *l = *state;

	/* Also times long past, zero and before zero, none of which may switch the timer off. */
	static const int64_t past[] = { 1, 0, -1, -100000, INT64_MIN / 2 };

	for (size_t i = 0; i < sizeof(past) / sizeof(past[0]); i++) {
		assert_int_equal(loop_wake_at(l, (struct mono){ .ms = past[i] }), 0);
		assert_int_equal(one_event(l).source, LOOP_TIMER);
		loop_timer_fired(l);
		assert_true(is_quiet(l));
	}
	assert_int_equal(loop_wake_at(l, loop_now()), 0);
	assert_int_equal(one_event(l).source, LOOP_TIMER);
}

static void test_loop_timer_is_armed_for_the_time_asked(void **state)
{
	struct loop *l = *state;

	assert_int_equal(loop_wake_at(l, mono_add_ms(loop_now(), 3600000)), 0);
	assert_true(is_quiet(l));
	assert_in_range(timer_left_ms(l), 3590000, 3600000);
}

static void test_loop_sooner_time_wins_and_later_one_is_not_armed(void **state)
{
	struct loop *l = *state;
	struct mono now = loop_now();

	assert_int_equal(loop_wake_at(l, mono_add_ms(now, 3600000)), 0);
	assert_int_equal(loop_wake_at(l, mono_add_ms(now, 60000)), 0);
	assert_in_range(timer_left_ms(l), 50000, 60000);
	assert_int_equal(loop_wake_at(l, mono_add_ms(now, 7200000)), 0);
	assert_in_range(timer_left_ms(l), 50000, 60000);
}

static void test_loop_never_arms_nothing(void **state)
{
	struct loop *l = *state;

	assert_int_equal(loop_wake_at(l, MONO_NEVER), 0);
	assert_int_equal(timer_left_ms(l), 0);
	assert_true(is_quiet(l));
}

static void test_loop_timer_can_be_armed_again_after_it_fired(void **state)
{
	struct loop *l = *state;

	assert_int_equal(loop_wake_at(l, (struct mono){ .ms = 1 }), 0);
	assert_int_equal(one_event(l).source, LOOP_TIMER);
	loop_timer_fired(l);
	assert_int_equal(loop_wake_at(l, mono_add_ms(loop_now(), 3600000)), 0);
	assert_in_range(timer_left_ms(l), 3590000, 3600000);
	/* Told of a firing that has not been: what was armed stays so. */
	loop_timer_fired(l);
	assert_int_equal(loop_wake_at(l, mono_add_ms(loop_now(), 7200000)), 0);
	assert_in_range(timer_left_ms(l), 3590000, 3600000);
}

static void test_loop_timer_never_fires_before_its_time(void **state)
{
	struct loop *l = *state;
	struct loop_event events[LOOP_EVENTS];

	for (int i = 1; i <= 20; i++) {
		struct mono due = mono_add_ms(loop_now(), 1), now;

		assert_int_equal(loop_wake_at(l, due), 0);
		assert_int_equal(loop_wait(l, events, &now), 1);
		assert_int_equal(events[0].source, LOOP_TIMER);
		assert_true(mono_reached(now, due));
		loop_timer_fired(l);
	}
}

static void test_loop_wait_reads_the_clock(void **state)
{
	struct loop *l = *state;
	struct loop_event events[LOOP_EVENTS];
	struct mono before = loop_now(), now = { .ms = -1 };

	assert_int_equal(loop_wake_at(l, before), 0);
	assert_int_equal(loop_wait(l, events, &now), 1);
	assert_true(now.ms >= before.ms && now.ms <= loop_now().ms);
}

/* --- looking before sleeping ---------------------------------------------------------------- */

static long times_slept(void)
{
	struct rusage usage;

	assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
	return usage.ru_nvcsw;
}

/* An event of the queue, served: from now on packets are expected. */
static void serve_packet(struct loop *l, int pair[2])
{
	char byte;

	make_pair(pair);
	assert_int_equal(loop_watch(l, pair[0], LOOP_QUEUE, 0), 0);
	assert_int_equal(write(pair[1], "x", 1), 1);
	assert_int_equal(one_event(l).source, LOOP_QUEUE);
	assert_int_equal(read(pair[0], &byte, 1), 1);
}

static void test_loop_looks_for_packets_after_packets_without_sleeping(void **state)
{
	struct loop *l = *state;
	struct loop_event events[LOOP_EVENTS];
	struct mono now, due;
	long slept;
	int pair[2];

	l->busy_poll_ns = INT64_MAX / 2;
	serve_packet(l, pair);
	due = mono_add_ms(loop_now(), 3);
	assert_int_equal(loop_wake_at(l, due), 0);
	slept = times_slept();
	assert_int_equal(loop_wait(l, events, &now), 1);
	assert_int_equal(times_slept(), slept);
	assert_int_equal(events[0].source, LOOP_TIMER);
	assert_true(mono_reached(now, due));
	assert_false(l->had_packets); /* a timer promises no packet */
	close(pair[0]);
	close(pair[1]);
}

static void test_loop_sleeps_when_it_has_looked_long_enough(void **state)
{
	struct loop *l = *state;
	struct loop_event events[LOOP_EVENTS];
	long slept = times_slept();
	int pair[2];

	l->busy_poll_ns = 1;
	serve_packet(l, pair);
	/* Where we are kept from running until the timer is due there is no reason to sleep. */
	for (int i = 0; i < 100 && times_slept() == slept; i++) {
		struct mono due = mono_add_ms(loop_now(), 3), now;

		l->had_packets = true;
		assert_int_equal(loop_wake_at(l, due), 0);
		assert_int_equal(loop_wait(l, events, &now), 1);
		assert_int_equal(events[0].source, LOOP_TIMER);
		assert_true(mono_reached(now, due));
		loop_timer_fired(l);
	}
	assert_true(times_slept() > slept);
	close(pair[0]);
	close(pair[1]);
}

static void test_loop_on_one_processor_sleeps_at_once(void **state)
{
	struct loop other;
	cpu_set_t all, one;
	sigset_t none;
	size_t first = 0;

	(void)state;
	sigemptyset(&none);
	assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
	while (!CPU_ISSET(first, &all))
		first++;
	CPU_ZERO(&one);
	CPU_SET(first, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	assert_int_equal(loop_open(&other, &none, 50), 0);
	assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
	assert_int_equal(other.busy_poll_ns, 0);
	loop_close(&other);
	assert_int_equal(loop_open(&other, &none, 50), 0);
	assert_int_equal(other.busy_poll_ns, CPU_COUNT(&all) > 1 ? 50000 : 0);
	loop_close(&other);
}

#define loop_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		loop_test(test_loop_nothing_to_do_is_quiet),
		loop_test(test_loop_readable_descriptor_wakes_with_source_and_number),
		loop_test(test_loop_source_and_number_are_kept_apart),
		loop_test(test_loop_rewatch_for_writing_only),
		loop_test(test_loop_hang_up_shows_as_readable),
		loop_test(test_loop_more_events_than_fit_come_next_time),
		loop_test(test_loop_watch_of_no_descriptor_fails),
		loop_test(test_loop_signal_of_the_set_is_an_event),
		loop_test(test_loop_descriptors_are_not_inherited),
		loop_test(test_loop_timer_that_is_due_fires_at_once),
		loop_test(test_loop_timer_is_armed_for_the_time_asked),
		loop_test(test_loop_sooner_time_wins_and_later_one_is_not_armed),
		loop_test(test_loop_never_arms_nothing),
		loop_test(test_loop_timer_can_be_armed_again_after_it_fired),
		loop_test(test_loop_timer_never_fires_before_its_time),
		loop_test(test_loop_wait_reads_the_clock),
		loop_test(test_loop_looks_for_packets_after_packets_without_sleeping),
		loop_test(test_loop_sleeps_when_it_has_looked_long_enough),
		loop_test(test_loop_on_one_processor_sleeps_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
