/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/daemon/pcp_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "nat/core/pcp.h"

enum { REQUESTS_PER_WAKE = 32 };

void pcp_socket_close(struct pcp_socket *s)
{
	if (s->open)
		close(s->fd); /* the loop forgets it with that */
	s->open = false;
}

static int set_up(int fd, const char *lan)
{
	const struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(PCP_PORT) };
	const int on = 1;

	/* On another interface the port may be another's. */
	if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, lan, (socklen_t)strlen(lan) + 1) < 0 ||
	    setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)) < 0 ||
	    bind(fd, (const struct sockaddr *)&any, sizeof(any)) < 0)
		return -errno;
	return 0;
}

int pcp_socket_prepare(const struct pcp_socket *s, const struct options *o,
		       struct pcp_socket *fresh)
{
	int err;

	*fresh = *s;
	if (o->pcp.server == SWITCH_OFF) {
		fresh->open = false;
		return 0;
	}
	fresh->interface = if_nametoindex(o->lan);
	if (s->open && s->interface == fresh->interface)
		return 0;
	fresh->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fresh->fd < 0)
		return -errno;
	fresh->open = true;
	err = set_up(fresh->fd, o->lan);
	if (err == 0)
		err = loop_watch(s->loop, fresh->fd, LOOP_PCP, 0);
	if (err < 0)
		pcp_socket_close(fresh);
	return err;
}

static bool is_same(const struct pcp_socket *a, const struct pcp_socket *b)
{
	return a->open && b->open && a->fd == b->fd;
}

bool pcp_socket_replace(struct pcp_socket *s, const struct pcp_socket *fresh)
{
	bool same = is_same(s, fresh);

	if (!same)
		pcp_socket_close(s);
	*s = *fresh;
	return !same && s->open;
}

void pcp_socket_drop(const struct pcp_socket *s, struct pcp_socket *fresh)
{
	if (!is_same(s, fresh))
		pcp_socket_close(fresh);
}

/* Answer with the address that was asked: the host waits for a word from there. */
static void answer_to(int fd, struct msghdr *request, const uint8_t *answer, size_t length)
{
	struct iovec bytes = { .iov_base = (void *)answer, .iov_len = length };
	struct msghdr message = { .msg_name = request->msg_name,
				  .msg_namelen = request->msg_namelen,
				  .msg_iov = &bytes,
				  .msg_iovlen = 1 };
	union {
		struct cmsghdr head;
		uint8_t room[CMSG_SPACE(sizeof(struct in_pktinfo))];
	} control = { 0 };
	struct cmsghdr *asked = CMSG_FIRSTHDR(request);
	struct in_pktinfo info;

	if (asked == NULL || asked->cmsg_level != IPPROTO_IP || asked->cmsg_type != IP_PKTINFO)
		return; /* the system always tells */
	memcpy(&info, CMSG_DATA(asked), sizeof(info));
	info = (struct in_pktinfo){ .ipi_spec_dst = info.ipi_spec_dst };
	message.msg_control = control.room;
	message.msg_controllen = sizeof(control.room);
	control.head = (struct cmsghdr){ .cmsg_level = IPPROTO_IP,
					 .cmsg_type = IP_PKTINFO,
					 .cmsg_len = CMSG_LEN(sizeof(info)) };
	memcpy(CMSG_DATA(&control.head), &info, sizeof(info));
	/* One that cannot be sent is lost like any datagram: the host asks again. */
	sendmsg(fd, &message, MSG_NOSIGNAL);
}

/* False if there was none. */
static bool serve_one(struct pcp_socket *s, struct nat *nat, struct mono now)
{
	uint8_t request[PCP_MAX + 1], answer[PCP_MAX]; /* one more: too long is to be seen */
	union {
		struct cmsghdr head; /* as it must be aligned */
		uint8_t room[CMSG_SPACE(sizeof(struct in_pktinfo))];
	} control;
	struct sockaddr_in from = { 0 };
	struct iovec bytes = { .iov_base = request, .iov_len = sizeof(request) };
	struct msghdr message = { .msg_name = &from,
				  .msg_namelen = sizeof(from),
				  .msg_iov = &bytes,
				  .msg_iovlen = 1,
				  .msg_control = control.room,
				  .msg_controllen = sizeof(control.room) };
	ssize_t length = recvmsg(s->fd, &message, 0);
	struct addr client;
	size_t answered;

	if (length < 0)
		return false;
	client = addr_from_ip4(ntohl(from.sin_addr.s_addr));
	answered = pcp_answer(nat, &client, request, (size_t)length, answer, now);
	if (answered > 0)
		answer_to(s->fd, &message, answer, answered);
	return true;
}

void pcp_socket_serve(struct pcp_socket *s, struct nat *nat, struct mono now)
{
	for (int i = 0; i < REQUESTS_PER_WAKE && s->open; i++)
		if (!serve_one(s, nat, now))
			break;
}
