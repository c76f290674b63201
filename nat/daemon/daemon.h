/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * daemon.h - the whole of a running natemd
 * Owns:       the struct that main creates and everything in the daemon hangs from, and the one
 *             way to change its knobs.
 * Invariants: `asked` is what the user set; `nat.options` is the same with auto resolved.
 */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

#include "nat/core/nat.h"
#include "nat/daemon/config.h"
#include "nat/daemon/eventlog.h"
#include "nat/daemon/nattime.h"
#include "nat/daemon/pcp_socket.h"
#include "nat/daemon/queue.h"
#include "nat/daemon/sender.h"
#include "nat/daemon/stream.h"
#include "nat/daemon/tap.h"

struct daemon {
	struct nat nat;
	struct queue queue;
	struct sender sender;
	struct pcp_socket pcp;
	struct eventlog eventlog;
	struct tap tap;
	struct stream *asking; /* of the client whose request is answered; borrowed */
	uint64_t events_told;  /* number of the last event that was logged */
	struct options asked;
	const char *preset; /* the one that knobs are about to be set from; NULL: none */
	struct nattime time;
	struct mono started, real; /* real time: of the start, of this wake-up */
	struct mono now;	   /* NAT time of this wake-up: what the core is given */
};

/* Let hosts ask for mappings if the knobs in force say so; to be closed with pcp_socket_close(). 0, or
 * -errno with the reason in @why. */
int daemon_open_pcp(struct daemon *d, struct loop *loop, char *why, size_t why_size);

/* Open the mapping log that the knobs in force ask for; to be closed with eventlog_close(). 0, or -errno
 * with the reason in @why. */
int daemon_open_log(struct daemon *d, char *why, size_t why_size);

/*
 * daemon_configure() - put new knobs in force, all or none
 * Return: 0; or -errno with the reason in @why and nothing changed.
 */
int daemon_configure(struct daemon *d, const struct options *asked, char *why, size_t why_size);

#endif
