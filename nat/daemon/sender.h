/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sender.h - packets of the NAT's own, on their way
 * Owns:       the raw socket that sends ICMP errors and resets.
 * Invariants: what it sends carries SENDER_MARK, which the router's rules let pass untranslated.
 *             It never waits: what the system does not take at once is lost and counted.
 */
#ifndef DAEMON_SENDER_H
#define DAEMON_SENDER_H

#include "nat/core/nat.h"

enum { SENDER_MARK = 0x6e61 }; /* "na"; netns-scripts/setup.sh has the rule */

struct sender {
	int fd;
	/* Counted since the start. */
	uint64_t sent, failed;
};

/* 0 or -errno. */
int sender_open(struct sender *s);
void sender_close(struct sender *s);
/* Send all that @nat has made. */
void sender_serve(struct sender *s, struct nat *nat);

#endif
