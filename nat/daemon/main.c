/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * natemd - a NAT in userspace
 * main.c sets everything up in order, runs the loop, and takes it down in reverse.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/log.h"
#include "nat/daemon/control.h"
#include "nat/daemon/daemon.h"
#include "nat/daemon/events.h"
#include "nat/daemon/loop.h"

enum {
	EXIT_WRONG_USAGE = 2,
	BATCHES_PER_WAKE = 8,	  /* of packets, before timers and clients get their turn */
	EXPIRIES_PER_WAKE = 2048, /* sessions removed before packets get their turn */
};

static int open_nat(struct daemon *d, const struct options *asked, struct config_resolved *resolved)
{
	char why[CONFIG_WHY_MAX];
	struct siphash_key key;
	int err = config_resolve(asked, resolved, why, sizeof(why));

	if (err == 0)
		err = options_check(&resolved->options, why, sizeof(why));
	if (err < 0) {
		log_error("%s", why);
		return err;
	}
	err = rng_key(asked->seed, &key);
	if (err == 0)
		err = nat_init(&d->nat, &resolved->options, &key);
	if (err < 0)
		log_error("cannot make the tables: %s", strerror(-err));
	d->asked = *asked;
	return err;
}

static int open_queue(struct daemon *d, const struct config_resolved *resolved, uint16_t number)
{
	int err = queue_open(&d->queue, number);

	if (err == -EBUSY)
		log_error(
			"queue %u of this network namespace is taken by another process; end that "
			"one, or choose another with --queue (and in the iptables rules)",
			number);
	else if (err == -EPERM)
		log_error(
			"queue %u: not permitted; natemd needs root (CAP_NET_ADMIN) in its network "
			"namespace",
			number);
	else if (err < 0)
		log_error("queue %u: %s", number, strerror(-err));
	d->queue.lan = resolved->lan;
	d->queue.wan = resolved->wan;
	return err;
}

static int open_sender(struct sender *s)
{
	int err = sender_open(s);

	if (err < 0)
		log_error("raw socket for packets of our own: %s", strerror(-err));
	return err;
}

static int open_control(struct control *c, const char *path, struct loop *loop)
{
	int err = control_open(c, path, loop);

	if (err == -EADDRINUSE)
		log_error("%s: another natemd listens there; end that one, or choose another path "
			  "with --socket",
			  path);
	else if (err == -EEXIST)
		log_error("%s: something that is no socket lies there; move it away, or choose "
			  "another path with --socket",
			  path);
	else if (err < 0)
		log_error("%s: %s", path, strerror(-err));
	return err;
}

static int open_pcp(struct daemon *d, struct loop *loop)
{
	char why[CONFIG_WHY_MAX];
	int err = daemon_open_pcp(d, loop, why, sizeof(why));

	if (err < 0)
		log_error("%s", why);
	return err;
}

static int open_log(struct daemon *d)
{
	char why[CONFIG_WHY_MAX];
	int err = daemon_open_log(d, why, sizeof(why));

	if (err < 0)
		log_error("%s", why);
	return err;
}

/* Tell whoever started us that packets are served from now on. */
static void announce(const struct config *config, const struct daemon *d)
{
	char external[OPTIONS_TEXT_MAX];

	log_info("ready: lan=%s wan=%s external=%s queue=%u socket=%s", d->asked.lan, d->asked.wan,
		 options_format(&d->nat.options, OPT_NAT_EXTERNAL, external), d->queue.number,
		 config->socket);
	if (config->ready_fd < 0)
		return;
	if (write(config->ready_fd, "\n", 1) != 1)
		log_warning("--ready-fd %d: %s", config->ready_fd, strerror(errno));
	close(config->ready_fd);
}

static int serve_queue(struct daemon *d)
{
	int n = QUEUE_BATCH;

	for (int i = 0; i < BATCHES_PER_WAKE && n == QUEUE_BATCH; i++)
		n = queue_serve(&d->queue, &d->nat, d->now);
	return n < 0 ? n : 0;
}

/* Nothing but SIGHUP, whose meaning is usual for programs with a log, is no end: 1, else 0. */
static int serve_signal(struct loop *l, struct daemon *d)
{
	struct signalfd_siginfo info;

	if (read(l->sigfd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return 0;
	if (info.ssi_signo == SIGHUP) {
		eventlog_reopen(&d->eventlog, &d->nat, d->real);
		return 0;
	}
	log_info("ended by %s", info.ssi_signo == SIGINT ? "SIGINT" : "SIGTERM");
	return 1;
}

/* Serve one event: 0 to go on, 1 to end well, -errno to end badly. */
static int serve(struct loop *l, struct daemon *d, struct control *c,
		 const struct loop_event *event)
{
	switch (event->source) {
	case LOOP_SIGNAL:
		return serve_signal(l, d);
	case LOOP_TIMER:
		loop_timer_fired(l);
		return 0;
	case LOOP_QUEUE:
		return serve_queue(d);
	case LOOP_PCP:
		pcp_socket_serve(&d->pcp, &d->nat, d->now);
		return 0;
	case LOOP_LISTEN:
		control_accept(c);
		return 0;
	case LOOP_CLIENT:
		control_serve(c, d, event);
		return 0;
	}
	return 0;
}

/* Expire what is due, send what is to be sent, and wake up when the next is; the timer goes by
 * real time. */
static int tick(struct loop *l, struct daemon *d)
{
	struct mono due = nat_tick(&d->nat, d->now, EXPIRIES_PER_WAKE);
	int err = queue_release(&d->queue, &d->nat); /* fragments that waited in vain */
	struct mono log_due;

	if (err < 0)
		return err;
	sender_serve(&d->sender, &d->nat);
	events_tell(d);
	due = nattime_wake(&d->time, due);
	log_due = eventlog_serve(&d->eventlog, &d->nat, d->real);
	return loop_wake_at(l, log_due.ms < due.ms ? log_due : due);
}

static int run(struct loop *l, struct daemon *d, struct control *c)
{
	struct loop_event events[LOOP_EVENTS];
	int done = 0;

	while (done == 0) {
		int n = loop_wait(l, events, &d->real);

		d->now = nattime_at(&d->time, d->real);
		if (n < 0)
			done = n;
		for (int i = 0; i < n && done == 0; i++)
			done = serve(l, d, c, &events[i]);
		if (done == 0)
			done = tick(l, d);
		control_feed(c, d);
	}
	if (done < 0)
		log_error("stopped: %s", strerror(-done));
	return done < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int open_and_run(const struct config *config, struct daemon *d, struct control *c)
{
	struct config_resolved resolved;
	struct loop loop;
	sigset_t signals;
	int status = EXIT_FAILURE;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	if (open_nat(d, &config->options, &resolved) < 0)
		return EXIT_FAILURE;
	if (loop_open(&loop, &signals, config->busy_poll_us) < 0) {
		log_error("cannot make the event loop: %s", strerror(errno));
		goto fini_nat;
	}
	/* The queue first: a second daemon must fail before it touches the first one's socket. */
	if (open_queue(d, &resolved, config->queue) < 0)
		goto close_loop;
	d->queue.tap = &d->tap;
	if (open_sender(&d->sender) < 0)
		goto close_queue;
	d->started = d->real = d->now = loop_now(); /* NAT time begins as the real one */
	nattime_init(&d->time, d->started);
	if (open_pcp(d, &loop) < 0)
		goto close_sender;
	if (open_control(c, config->socket, &loop) < 0)
		goto close_pcp;
	if (open_log(d) < 0)
		goto close_control;
	if (loop_watch(&loop, queue_fd(&d->queue), LOOP_QUEUE, 0) == 0) {
		announce(config, d);
		status = run(&loop, d, c);
	} else {
		log_error("cannot watch the queue: %s", strerror(errno));
	}
	eventlog_close(&d->eventlog, &d->nat, d->real);
close_control:
	control_close(c, d);
close_pcp:
	pcp_socket_close(&d->pcp);
close_sender:
	sender_close(&d->sender);
close_queue:
	queue_close(&d->queue);
close_loop:
	loop_close(&loop);
fini_nat:
	nat_fini(&d->nat);
	return status;
}

int main(int argc, char **argv)
{
	static struct daemon daemon_state;
	static struct control control;
	struct config config;

	log_open("natemd", LOG_LEVEL_INFO);
	signal(SIGPIPE, SIG_IGN); /* whoever reads the log or waits for --ready-fd may go away */
	switch (config_read(&config, argc, argv)) {
	case CONFIG_RUN:
		return open_and_run(&config, &daemon_state, &control);
	case CONFIG_DONE:
		if (fflush(stdout) == 0 && !ferror(stdout))
			return EXIT_SUCCESS;
		log_error("cannot write the answer: %s", strerror(errno));
		return EXIT_FAILURE;
	case CONFIG_WRONG:
		return EXIT_WRONG_USAGE;
	}
	return EXIT_FAILURE;
}
