/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/daemon/queue.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "nat/core/prefetch.h"

enum {
	COPY_RANGE = 0xffff,		  /* the largest IPv4 packet; the kernel trims by a few */
	RECEIVE_SIZE = COPY_RANGE + 1025, /* and what netlink says about it */
	VERDICT_SIZE = 64,		  /* netlink header, verdict, head of the payload */
	SOCKET_BUFFER = 8 * 1024 * 1024,  /* a batch of the largest packets, several times over */
	QUEUE_LENGTH = 4096,		  /* packets that may wait in the kernel */
	LOOPBACK = 1,			  /* its interface's index in every network namespace */
};

/* One verdict is up to three pieces: head, payload where it lies, padding. */
enum { PIECES = 3 };

_Static_assert((int)QUEUE_BATCH <= (int)PREFETCH_MAX, "a batch is fetched at once");

struct queue_batch {
	/* The packets among what was received, as the NAT sees them. */
	struct packet packets[QUEUE_BATCH];
	struct prefetch_packet coming[QUEUE_BATCH];
	unsigned int count;
	struct mmsghdr messages[QUEUE_BATCH];
	struct iovec receive[QUEUE_BATCH];
	struct iovec send[QUEUE_BATCH * PIECES];
	size_t pieces; /* of send in use */
	_Alignas(8) uint8_t heads[QUEUE_BATCH][VERDICT_SIZE];
	_Alignas(8) uint8_t buffers[QUEUE_BATCH][RECEIVE_SIZE];
};

/* --- opening ------------------------------------------------------------------------------- */

/* Send one configuration message and wait for the kernel's answer; 0 or -errno. */
static int configure(struct queue *q, struct nlmsghdr *message)
{
	uint8_t answer[256];
	ssize_t n;

	message->nlmsg_flags |= NLM_F_ACK;
	if (mnl_socket_sendto(q->socket, message, message->nlmsg_len) < 0)
		return -errno;
	n = mnl_socket_recvfrom(q->socket, answer, sizeof(answer));
	if (n < 0 ||
	    mnl_cb_run(answer, (size_t)n, 0, mnl_socket_get_portid(q->socket), NULL, NULL) < 0)
		return -errno;
	return 0;
}

static int command(struct queue *q, uint8_t cmd)
{
	uint8_t buffer[256];
	struct nlmsghdr *message = nfq_nlmsg_put((char *)buffer, NFQNL_MSG_CONFIG, q->number);

	nfq_nlmsg_cfg_put_cmd(message, AF_INET, cmd);
	return configure(q, message);
}

/*
 * The kernel says EPERM both to a stranger and about a queue that is another's. A command that
 * has done nothing since Linux 3.8, but still needs the privilege, tells the two apart.
 */
static int bind_queue(struct queue *q)
{
	int err = command(q, NFQNL_CFG_CMD_BIND);

	if (err == -EPERM && command(q, NFQNL_CFG_CMD_PF_BIND) == 0)
		err = -EBUSY;
	return err;
}

static int set_flags(struct queue *q)
{
	uint8_t buffer[256];
	struct nlmsghdr *message = nfq_nlmsg_put((char *)buffer, NFQNL_MSG_CONFIG, q->number);

	mnl_attr_put_u32(message, NFQA_CFG_FLAGS, htonl(NFQA_CFG_F_GSO));
	mnl_attr_put_u32(message, NFQA_CFG_MASK, htonl(NFQA_CFG_F_GSO | NFQA_CFG_F_FAIL_OPEN));
	nfq_nlmsg_cfg_put_qmaxlen(message, QUEUE_LENGTH);
	return configure(q, message);
}

/* Last, and without asking for an answer: from here on packets come, and one of them could be
 * read in its place. The kernel does not refuse this to the owner of a queue. */
static int start_packets(struct queue *q)
{
	uint8_t buffer[256];
	struct nlmsghdr *message = nfq_nlmsg_put((char *)buffer, NFQNL_MSG_CONFIG, q->number);

	nfq_nlmsg_cfg_put_params(message, NFQNL_COPY_PACKET, COPY_RANGE);
	return mnl_socket_sendto(q->socket, message, message->nlmsg_len) < 0 ? -errno : 0;
}

/* As large as allowed: with the privilege beyond the system's limit, else up to it. */
static void enlarge(int fd, int force, int plain)
{
	const int size = SOCKET_BUFFER;

	if (setsockopt(fd, SOL_SOCKET, force, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, plain, &size, sizeof(size));
}

static struct queue_batch *new_batch(void)
{
	struct queue_batch *b = calloc(1, sizeof(*b));

	for (int i = 0; b != NULL && i < QUEUE_BATCH; i++) {
		b->receive[i] =
			(struct iovec){ .iov_base = b->buffers[i], .iov_len = RECEIVE_SIZE };
		b->messages[i].msg_hdr.msg_iov = &b->receive[i];
		b->messages[i].msg_hdr.msg_iovlen = 1;
	}
	return b;
}

int queue_open(struct queue *q, uint16_t number)
{
	int err;

	*q = (struct queue){ .number = number, .kernel_fd = -1 };
	q->batch = new_batch();
	if (q->batch == NULL)
		return -ENOMEM;
	q->socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (q->socket == NULL) {
		err = -errno;
		goto free_batch;
	}
	if (mnl_socket_bind(q->socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		err = -errno;
		goto close_socket;
	}
	enlarge(queue_fd(q), SO_RCVBUFFORCE, SO_RCVBUF);
	enlarge(queue_fd(q), SO_SNDBUFFORCE, SO_SNDBUF);
	err = bind_queue(q);
	if (err == 0)
		err = set_flags(q);
	if (err == 0)
		err = start_packets(q);
	if (err < 0)
		goto close_socket;
	q->kernel_fd = open("/proc/self/net/netfilter/nfnetlink_queue", O_RDONLY | O_CLOEXEC);
	return 0;

close_socket:
	mnl_socket_close(q->socket);
free_batch:
	free(q->batch);
	return err;
}

void queue_close(struct queue *q)
{
	if (q->kernel_fd >= 0)
		close(q->kernel_fd);
	mnl_socket_close(q->socket);
	free(q->batch);
}

int queue_fd(const struct queue *q)
{
	return mnl_socket_get_fd(q->socket);
}

/* --- the kernel's account ------------------------------------------------------------------- */

/* A line a queue: number, port id, waiting, copy mode, copy range, dropped, dropped by the socket. */
static bool read_account(const char *line, uint16_t number, struct queue_account *account)
{
	unsigned int queue;

	return sscanf(line, "%u %*u %" SCNu64 " %*u %*u %" SCNu64 " %" SCNu64, &queue,
		      &account->waiting, &account->dropped, &account->user_dropped) == 4 &&
	       queue == number;
}

bool queue_account(const struct queue *q, struct queue_account *account)
{
	char text[4096], *rest = text, *line;
	ssize_t n = q->kernel_fd >= 0 ? pread(q->kernel_fd, text, sizeof(text) - 1, 0) : -1;

	if (n <= 0)
		return false;
	text[n] = '\0';
	while ((line = strsep(&rest, "\n")) != NULL)
		if (read_account(line, q->number, account))
			return true;
	return false;
}

/* --- verdicts ------------------------------------------------------------------------------ */

static void add_piece(struct queue_batch *b, void *data, size_t length)
{
	b->send[b->pieces++] = (struct iovec){ .iov_base = data, .iov_len = length };
}

/*
 * Add a verdict to the batch. A payload is not copied: the message's head is built here, and
 * the packet joins it where it lies, in its receive buffer.
 */
static void add_verdict(struct queue *q, uint8_t *head, uint32_t id, uint32_t verdict,
			uint8_t *payload, size_t length)
{
	static uint8_t padding[4];
	struct nlmsghdr *message = nfq_nlmsg_put((char *)head, NFQNL_MSG_VERDICT, q->number);

	nfq_nlmsg_verdict_put(message, (int)id, (int)verdict);
	if (payload != NULL) {
		const size_t padded = (length + 3) & ~(size_t)3; /* NLA_ALIGN() */
		struct nlattr *attribute = mnl_nlmsg_get_payload_tail(message);

		attribute->nla_type = NFQA_PAYLOAD;
		attribute->nla_len = (uint16_t)(sizeof(*attribute) + length);
		add_piece(q->batch, head, message->nlmsg_len + sizeof(*attribute));
		add_piece(q->batch, payload, length);
		add_piece(q->batch, padding, padded - length);
		message->nlmsg_len += (uint32_t)(sizeof(*attribute) + padded);
		return;
	}
	add_piece(q->batch, head, message->nlmsg_len);
}

static int send_verdicts(struct queue *q)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct msghdr message = {
		.msg_name = &kernel,
		.msg_namelen = sizeof(kernel),
		.msg_iov = q->batch->send,
		.msg_iovlen = q->batch->pieces,
	};

	if (q->batch->pieces == 0)
		return 0;
	q->batch->pieces = 0;
	while (sendmsg(queue_fd(q), &message, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

/* --- packets ------------------------------------------------------------------------------- */

static uint32_t attribute_u32(struct nlattr *const *attributes, int type)
{
	return attributes[type] != NULL ? ntohl(mnl_attr_get_u32(attributes[type])) : 0;
}

/* The rules queue at these four places only; anything else came by a rule that is not ours. */
static enum nat_side side_of(const struct queue *q, const struct nfqnl_msg_packet_hdr *header,
			     struct nlattr *const *attributes)
{
	unsigned int in = attribute_u32(attributes, NFQA_IFINDEX_INDEV);
	unsigned int out = attribute_u32(attributes, NFQA_IFINDEX_OUTDEV);

	if (header->hook == NF_INET_POST_ROUTING && out == q->wan)
		return NAT_INTERNAL;
	if (header->hook == NF_INET_PRE_ROUTING && in == q->wan)
		return NAT_EXTERNAL;
	/* To one of our own external addresses: a hairpin. */
	if (header->hook == NF_INET_PRE_ROUTING && in == q->lan)
		return NAT_INTERNAL;
	/* Our own system's ICMP errors about packets that were translated already. */
	if (header->hook == NF_INET_LOCAL_OUT && out == LOOPBACK)
		return NAT_EXTERNAL;
	return NAT_NOWHERE;
}

/* Take a message apart: one more packet of the batch. */
static void add_packet(struct queue *q, const struct nlmsghdr *message)
{
	struct nlattr *attributes[NFQA_MAX + 1] = { NULL };
	struct queue_batch *b = q->batch;
	struct packet *packet = &b->packets[b->count];
	const struct nfqnl_msg_packet_hdr *header;
	size_t captured = 0, original;
	uint8_t *data = NULL;

	if (nfq_nlmsg_parse(message, attributes) < 0 || attributes[NFQA_PACKET_HDR] == NULL)
		return; /* no packet, so no verdict is waited for */
	header = mnl_attr_get_payload(attributes[NFQA_PACKET_HDR]);
	if (attributes[NFQA_PAYLOAD] != NULL) {
		data = mnl_attr_get_payload(attributes[NFQA_PAYLOAD]);
		captured = mnl_attr_get_payload_len(attributes[NFQA_PAYLOAD]);
	}
	original = attributes[NFQA_CAP_LEN] != NULL ? attribute_u32(attributes, NFQA_CAP_LEN)
						    : captured;
	packet_init(packet, data, captured, original,
		    attribute_u32(attributes, NFQA_SKB_INFO) & NFQA_SKB_CSUMNOTREADY);
	packet->tag = ntohl(header->packet_id);
	b->coming[b->count++] = (struct prefetch_packet){ packet, side_of(q, header, attributes) };
}

/* One datagram of netlink: a packet, or the kernel's word that a verdict was not taken. */
static void add_datagram(struct queue *q, int i, size_t length)
{
	const struct nlmsghdr *message = (const void *)q->batch->buffers[i];

	if (!mnl_nlmsg_ok(message, (int)length))
		return;
	if (message->nlmsg_type == NLMSG_ERROR)
		q->lost_verdicts++;
	else
		add_packet(q, message);
}

static void serve_packet(struct queue *q, struct nat *nat, unsigned int i, struct mono now)
{
	struct queue_batch *b = q->batch;
	struct packet *packet = &b->packets[i];
	enum nat_side from = b->coming[i].from;
	struct nat_outcome outcome;

	if (q->tap != NULL && tap_is_watched(q->tap))
		tap_came(q->tap, packet);
	outcome = nat_process(nat, packet, from, now);
	if (q->tap != NULL)
		tap_left(q->tap, packet, from, &outcome);
	switch (outcome.verdict) {
	case NAT_DROPPED:
		add_verdict(q, b->heads[i], packet->tag, NF_DROP, NULL, 0);
		break;
	case NAT_PASS:
		add_verdict(q, b->heads[i], packet->tag, NF_ACCEPT, NULL, 0);
		break;
	case NAT_REWRITTEN:
		add_verdict(q, b->heads[i], packet->tag, NF_ACCEPT, packet->data, packet->captured);
		break;
	case NAT_HELD:
		q->held++;
		break;
	}
	q->packets++;
}

static void serve_packets(struct queue *q, struct nat *nat, struct mono now)
{
	struct prefetch prefetch;

	prefetch_start(&prefetch, nat, q->batch->coming, q->batch->count);
	for (unsigned int i = 0; i < q->batch->count; i++) {
		prefetch_advance(&prefetch);
		serve_packet(q, nat, i, now);
	}
}

/* The bytes stay where they are until the NAT is called again, so no copy is made here either. */
static int release_some(struct queue *q, struct nat *nat)
{
	struct nat_release release;
	int n = 0, err;

	while (n < QUEUE_BATCH && nat_next_release(nat, &release)) {
		bool drop = release.verdict == NAT_DROPPED;

		if (q->tap != NULL)
			tap_released(q->tap, &release);
		add_verdict(q, q->batch->heads[n++], release.tag, drop ? NF_DROP : NF_ACCEPT,
			    drop ? NULL : (uint8_t *)release.data, drop ? 0 : release.length);
	}
	q->held -= (uint64_t)n;
	err = send_verdicts(q);
	return err < 0 ? err : n;
}

int queue_release(struct queue *q, struct nat *nat)
{
	int n = QUEUE_BATCH;

	while (n == QUEUE_BATCH)
		n = release_some(q, nat);
	return n < 0 ? n : 0;
}

int queue_serve(struct queue *q, struct nat *nat, struct mono now)
{
	struct queue_batch *b = q->batch;
	int n = recvmmsg(queue_fd(q), b->messages, QUEUE_BATCH, MSG_DONTWAIT, NULL);
	int err;

	if (n < 0) {
		if (errno == ENOBUFS) {
			q->overruns++;
			return 0;
		}
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	}
	b->count = 0;
	for (int i = 0; i < n; i++)
		add_datagram(q, i, b->messages[i].msg_len);
	serve_packets(q, nat, now);
	q->batches++;
	err = send_verdicts(q);
	/* After their first, the fragments that waited for it. */
	if (err == 0)
		err = queue_release(q, nat);
	return err < 0 ? err : n;
}
