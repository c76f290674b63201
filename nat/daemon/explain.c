/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/daemon/explain.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/packet_make.h"
#include "nat/daemon/loop.h"

enum {
	PATIENCE_MS = 3000, /* how long packets wait for a copy that hangs; it takes milliseconds */
	COPY_LIFE_S = 5,    /* after which the copy ends itself, should nobody be left to end it */
	EXPIRIES = 2048,    /* sessions that end at once, as in the daemon's own loop */
	TICKS = 64,	    /* more than so often, and packets would not wait for all that is due */
	OUT = 3,	    /* the copy's only descriptor but the standard ones */
};

/* It comes in one piece: the reader never meets half an answer of a copy that was killed. */
_Static_assert(sizeof(struct explain_answer) <= PIPE_BUF, "one write() writes all of it");

/* --- in the copy --------------------------------------------------------------------------- */

/* The session there is between the two ends, or NAT_NONE. */
static uint32_t session_between(const struct nat *nat, const struct explain_question *q)
{
	enum nat_protocol protocol = explain_protocol(q);
	struct endpoint own = q->from == NAT_INTERNAL ? q->source : q->destination;
	struct endpoint remote = q->from == NAT_INTERNAL ? q->destination : q->source;
	uint32_t n;

	if (!nat_has_ports(protocol))
		remote.port = 0;
	if (protocol == NAT_OTHER)
		own.port = q->protocol;
	n = session_find(&nat->sessions, 0, q->from, protocol, &own, &remote);
	if (n != NAT_NONE &&
	    session_is_expired(session_at(&nat->sessions, n), &nat->options, nat->now))
		n = NAT_NONE;
	return n;
}

/* What the sender would send next: the numbers that the other end expects, if there is a session. */
static size_t make_segment(const struct nat *nat, const struct explain_question *q,
			   uint32_t session, uint8_t flags, uint8_t *buf)
{
	struct packet_segment s = {
		.from = q->source, .to = q->destination, .flags = flags, .window = UINT16_MAX
	};
	const struct tcp_end *ends;

	if (session != NAT_NONE) {
		ends = session_tcp(&nat->sessions, session)->end;
		s.sequence = ends[q->from].sent;
		if (flags & PACKET_TCP_ACK)
			s.acknowledgment = ends[!q->from].sent;
	}
	return packet_make_segment(buf, &s);
}

static size_t make_packet(const struct nat *nat, const struct explain_question *q,
			  struct explain_answer *a, uint8_t *buf)
{
	uint32_t session = session_between(nat, q);
	bool known = session != NAT_NONE;

	switch (explain_protocol(q)) {
	case NAT_UDP:
		return packet_make_datagram(buf, &q->source, &q->destination);
	case NAT_TCP:
		a->tcp_flags = q->tcp_flags != 0 ? q->tcp_flags
			       : known		 ? PACKET_TCP_ACK
						 : PACKET_TCP_SYN;
		return make_segment(nat, q, session, a->tcp_flags, buf);
	case NAT_ICMP:
		/* Whoever was asked answers, and nobody else may (RFC 5508 section 3). */
		a->icmp_type = known && session_at(&nat->sessions, session)->inbound !=
						       (q->from == NAT_EXTERNAL)
				       ? PACKET_ECHO_REPLY
				       : PACKET_ECHO;
		return packet_make_echo(buf, a->icmp_type, q->source.port, &q->source.addr,
					&q->destination.addr);
	case NAT_OTHER:
	case NAT_PROTOCOLS:
		break;
	}
	return packet_make_bare(buf, q->protocol, &q->source.addr, &q->destination.addr);
}

/* What is due has ended by the time a packet comes, and the packets about that are gone. */
static void end_what_is_due(struct nat *nat, struct mono now)
{
	struct mono due = now;

	for (int i = 0; i < TICKS && mono_reached(now, due); i++) {
		due = nat_tick(nat, now, EXPIRIES);
		while (nat_next_output(nat) != NULL) {
			/* not about our packet */
		}
	}
}

static void take_records(const struct nat *nat, struct explain_answer *a)
{
	if (a->outcome.mapping != NAT_NONE)
		a->mapping = *mapping_at(&nat->mappings, a->outcome.mapping);
	if (a->outcome.session != NAT_NONE)
		a->session = *session_at(&nat->sessions, a->outcome.session);
}

static void try_out(struct nat *nat, const struct explain_question *q, struct mono now,
		    struct explain_answer *a)
{
	uint8_t bytes[PACKET_MAKE_MAX];
	const struct output *output;
	struct packet packet;
	size_t length;

	*a = (struct explain_answer){ 0 };
	end_what_is_due(nat, now);
	length = make_packet(nat, q, a, bytes);
	packet_init(&packet, bytes, length, length, false);
	a->outcome = nat_process(nat, &packet, q->from, now);
	a->source = packet.source;
	a->destination = packet.destination;
	take_records(nat, a);
	output = nat_next_output(nat);
	if (output != NULL)
		a->reply = *output;
}

/*
 * All memory of this process is private: the tables, the rings and the heap, so what is written here
 * stays here. Memory that is shared with others (a state file, say) would have to be mapped
 * MAP_PRIVATE again before anything else. No descriptor of the daemon is left: a packet could not
 * be sent from here, nor a verdict given, and no client or queue stays open for us. And it ends by
 * _exit(), so that nothing is flushed twice and no handler runs.
 */
_Noreturn static void be_the_copy(int out, struct nat *nat, const struct explain_question *q,
				  struct mono now)
{
	struct explain_answer answer;
	sigset_t alarms;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGALRM, SIG_DFL);
	sigemptyset(&alarms);
	sigaddset(&alarms, SIGALRM);
	sigprocmask(SIG_UNBLOCK, &alarms, NULL);
	alarm(COPY_LIFE_S);
	if (out != OUT && dup2(out, OUT) < 0)
		_exit(1);
	close_range(OUT + 1, UINT_MAX, 0);
	try_out(nat, q, now, &answer);
	_exit(write(OUT, &answer, sizeof(answer)) == (ssize_t)sizeof(answer) ? 0 : 1);
}

/* --- in the daemon ------------------------------------------------------------------------- */

/* Wait for something to read, until @deadline; 0 or -errno. */
static int wait_until(int fd, struct mono deadline)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int n = -1;

	do {
		int64_t left = deadline.ms - loop_now().ms;

		if (left <= 0)
			return -ETIMEDOUT;
		n = poll(&p, 1, (int)left);
	} while (n == 0 || (n < 0 && errno == EINTR));
	return n < 0 ? -errno : 0;
}

/* 0, -ETIMEDOUT, -EPIPE if the copy ended without an answer, or -errno. */
static int read_answer(int fd, struct explain_answer *answer)
{
	struct mono deadline = mono_add_ms(loop_now(), PATIENCE_MS);
	ssize_t n = -1;
	int err;

	do {
		err = wait_until(fd, deadline);
		if (err < 0)
			return err;
		n = read(fd, answer, sizeof(*answer));
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return n == (ssize_t)sizeof(*answer) ? 0 : -EPIPE;
}

/* It has said all that it will, or too little: either way it is to be gone. */
static void end_copy(pid_t pid)
{
	kill(pid, SIGKILL); /* ours until it has been waited for, so nobody else can be meant */
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
		/* again */
	}
}

static int fail(int err, char *why, size_t why_size)
{
	const char *what = "";

	if (err == -ENOMEM || err == -EAGAIN)
		what = "; the packet is tried out in a copy of natemd, which needs memory and a "
		       "process more: look at the limits it runs under (ulimit -u, cgroup)";
	else if (err == -ETIMEDOUT)
		what = "; the copy of natemd that was to try it out hung, and was killed";
	else if (err == -EPIPE)
		what = "; the copy of natemd that was to try it out has died: please tell us";
	snprintf(why, why_size, "the packet could not be tried out: %s%s", strerror(-err), what);
	return err;
}

int explain_packet(struct nat *nat, const struct explain_question *question, struct mono now,
		   struct explain_answer *answer, char *why, size_t why_size)
{
	int ends[2], err;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return fail(-errno, why, why_size);
	pid = fork();
	if (pid == 0)
		be_the_copy(ends[1], nat, question, now);
	err = pid < 0 ? -errno : 0;
	close(ends[1]);
	if (err == 0)
		err = read_answer(ends[0], answer);
	if (pid > 0)
		end_copy(pid);
	close(ends[0]);
	return err < 0 ? fail(err, why, why_size) : 0;
}
