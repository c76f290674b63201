/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/daemon/sender.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { IP_DESTINATION = 16 }; /* offset in the header, where the system looks as well */

int sender_open(struct sender *s)
{
	const int mark = SENDER_MARK;

	*s = (struct sender){ .fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
					   IPPROTO_RAW) };
	if (s->fd < 0)
		return -errno;
	if (setsockopt(s->fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) < 0) {
		int err = -errno;

		close(s->fd);
		return err;
	}
	return 0;
}

void sender_close(struct sender *s)
{
	close(s->fd);
}

void sender_serve(struct sender *s, struct nat *nat)
{
	const struct output *output;

	while ((output = nat_next_output(nat)) != NULL) {
		struct sockaddr_in to = { .sin_family = AF_INET };

		memcpy(&to.sin_addr, output->data + IP_DESTINATION, sizeof(to.sin_addr));
		if (sendto(s->fd, output->data, output->length, 0, (const struct sockaddr *)&to,
			   sizeof(to)) < 0)
			s->failed++;
		else
			s->sent++;
	}
}
