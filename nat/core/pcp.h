/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pcp.h - the Port Control Protocol, by which hosts ask for mappings (RFC 6887)
 * Owns:       its messages: what a request must look like, and the answer to it.
 * Invariants: no system call; a request is read within its length only, whatever it says; whoever
 *             sends it can ask for nobody but himself.
 *
 * MAP and ANNOUNCE are served, with the option PREFER_FAILURE. What else the protocol has is answered as
 * unsupported, by name: PEER, THIRD_PARTY, FILTER, other protocols than UDP and TCP, and NAT-PMP.
 */
#ifndef CORE_PCP_H
#define CORE_PCP_H

#include "nat/core/nat.h"

enum {
	PCP_PORT = 5351,
	PCP_MAX = 1100, /* longest message; RFC 6887 section 7 */
};

/* Hosts can ask from now on: the time that answers tell counts from here (RFC 6887 section 8.5). */
void pcp_start(struct nat *nat, struct mono now);

/*
 * pcp_answer() - what to answer to one datagram
 * @client:  address it came from
 * @request: its @length bytes
 * @answer:  gets the answer; PCP_MAX bytes
 * @now:     never before the last one given
 * Return: bytes of the answer; 0: none, it is no request.
 */
size_t pcp_answer(struct nat *nat, const struct addr *client, const uint8_t *request, size_t length,
		  uint8_t *answer, struct mono now);

#endif
