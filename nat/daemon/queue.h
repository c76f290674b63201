/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * queue.h - packets from the kernel and verdicts back to it
 * Owns:       the NFQUEUE socket, the receive buffers of a batch and the verdicts made of it.
 * Invariants: every packet received gets exactly one verdict, in the batch it came in unless the
 *             NAT holds it; that is what its tag, the kernel's number for it, is for. The
 *             kernel is asked for whole GSO packets, and never to fail open: without a daemon
 *             nothing passes.
 */
#ifndef DAEMON_QUEUE_H
#define DAEMON_QUEUE_H

#include <libmnl/libmnl.h>

#include "nat/core/nat.h"
#include "nat/daemon/tap.h"

enum { QUEUE_BATCH = 32 }; /* packets received at once */

struct queue_batch;

struct queue {
	struct mnl_socket *socket;
	int kernel_fd; /* the kernel's own account of queues; -1 if it gives none */
	uint16_t number;
	unsigned int lan, wan;	   /* interface indexes */
	struct queue_batch *batch; /* owned */
	struct tap *tap;	   /* borrowed: is told of each packet; NULL for none */
	/* Counted since the start. */
	uint64_t packets, batches;
	uint64_t held;		/* of these packets, now: no verdict yet */
	uint64_t overruns;	/* times the kernel had no room for more (ENOBUFS) */
	uint64_t lost_verdicts; /* verdicts that the kernel did not take */
};

/* Bind NFQUEUE @number of this network namespace; 0, -EBUSY if another process has it, or -errno. */
int queue_open(struct queue *q, uint16_t number);
void queue_close(struct queue *q);
int queue_fd(const struct queue *q);

/* What the kernel says of this queue. */
struct queue_account {
	uint64_t waiting, dropped, user_dropped;
};

/* Read it; false if the kernel tells nothing. dropped: the queue was full; user_dropped: the socket. */
bool queue_account(const struct queue *q, struct queue_account *account);

/* Give the verdicts of the packets that @nat held and has decided on; 0 or -errno. */
int queue_release(struct queue *q, struct nat *nat);

/*
 * queue_serve() - translate the packets that wait, at most one batch
 * Return: how many were received, or -errno when the socket is broken. Less than QUEUE_BATCH: no more
 * wait, as far as it knows.
 */
int queue_serve(struct queue *q, struct nat *nat, struct mono now);

#endif
