/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * capture.h - packets as a pcapng file
 * Owns:       the blocks of the file (draft-ietf-opsawg-pcapng): its head with two interfaces, a
 *             block for each side that a packet was seen on, and what was lost at its end.
 * Invariants: what is written is a whole number of blocks. A packet is seen on the side that it
 *             comes from, and again on the side that it goes to, with the same comment.
 */
#ifndef DAEMON_CAPTURE_H
#define DAEMON_CAPTURE_H

#include <stdio.h>

#include "nat/daemon/tap.h"

/* @lan, @wan: names of the interfaces on this machine. @snap: the most bytes of a packet */
void capture_begin(FILE *out, uint32_t snap, const char *lan, const char *wan);
void capture_packet(FILE *out, const struct tap_record *record, const struct tap_bytes *bytes,
		    uint32_t snap);
/* @missed: packets that were not taken in time. */
void capture_end(FILE *out, uint64_t missed);

#endif
