/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pcp_socket.h - where hosts ask for mappings
 * Owns:       the UDP socket that PCP requests come to (RFC 6887), while pcp.server is on.
 * Invariants: only what comes in by the LAN interface is ever read: nobody outside can ask
 *             (RFC 6887 section 18.1). Answers come from the address that was asked.
 */
#ifndef DAEMON_PCP_SOCKET_H
#define DAEMON_PCP_SOCKET_H

#include "nat/core/nat.h"
#include "nat/daemon/loop.h"

struct pcp_socket {
	struct loop *loop; /* borrowed; told of the socket */
	bool open;
	int fd;
	unsigned int interface; /* the LAN's: its name may become another's */
};

/* All zero but the loop: closed. */
void pcp_socket_close(struct pcp_socket *s);

/*
 * pcp_socket_prepare() - a socket as @o wants it, in @fresh; nothing has changed yet
 * Return: 0, -EADDRINUSE where another process has the port, or -errno.
 */
int pcp_socket_prepare(const struct pcp_socket *s, const struct options *o,
		       struct pcp_socket *fresh);
/* Use @fresh from now on; true if it opens what was closed, or was another's. */
bool pcp_socket_replace(struct pcp_socket *s, const struct pcp_socket *fresh);
/* Or do not. */
void pcp_socket_drop(const struct pcp_socket *s, struct pcp_socket *fresh);

/* Answer what has come, but no more than leaves others their turn. */
void pcp_socket_serve(struct pcp_socket *s, struct nat *nat, struct mono now);

#endif
