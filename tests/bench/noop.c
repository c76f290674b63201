/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * noop.c - the empty NFQUEUE loop: what the kernel lets through userspace if nothing is done there
 *
 * The yardstick for natemd. Every packet is accepted as it came, but handed back with its bytes and
 * with its checksum computed, as a NAT must do it that has rewritten the packet. Socket buffers, queue
 * length and batches are natemd's (nat/daemon/queue.c).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "common/packet.h"

enum {
	BATCH = 32,
	COPY_RANGE = 0xffff,
	RECEIVE_SIZE = COPY_RANGE + 1025,
	VERDICT_SIZE = 64,
	SOCKET_BUFFER = 8 * 1024 * 1024,
	QUEUE_LENGTH = 4096,
	PIECES = 3,	  /* of a verdict: head, packet, padding */
	LOOK_UP_MS = 200, /* an idle loop looks this often whether it is to end */
};

struct noop {
	uint16_t number;
	bool gso, payload;
	struct mnl_socket *socket;
	unsigned long long packets, batches, overruns, lost_verdicts;
	struct mmsghdr messages[BATCH];
	struct iovec receive[BATCH], send[BATCH * PIECES];
	size_t pieces; /* of send in use */
	_Alignas(8) uint8_t heads[BATCH][VERDICT_SIZE];
	_Alignas(8) uint8_t buffers[BATCH][RECEIVE_SIZE];
};

static volatile sig_atomic_t ended;

static void on_signal(int number)
{
	(void)number;
	ended = 1;
}

static void usage(FILE *to)
{
	fputs("usage: noop [--queue N] [--no-gso] [--accept-only]\n"
	      "\n"
	      "Accepts every packet of an NFQUEUE and changes none. Prints 'ready' once it is\n"
	      "bound and, when SIGTERM or SIGINT ends it, on standard error what it did.\n"
	      "\n"
	      "      --queue N      the queue's number, 0 to 65535 (default: 0)\n"
	      "      --no-gso       have the kernel cut packets to the size of the link first\n"
	      "      --accept-only  do not hand back the packet's bytes, compute no checksum\n"
	      "  -h, --help         this text\n"
	      "\n"
	      "Exit status: 0 done, 1 failed, 2 wrong usage.\n",
	      to);
}

static _Noreturn void die(const char *what, const char *advice)
{
	fprintf(stderr, "noop: %s: %s%s%s\n", what, strerror(errno), advice != NULL ? "; " : "",
		advice != NULL ? advice : "");
	exit(1);
}

/* --- opening ------------------------------------------------------------------------------- */

static int configure(struct noop *n, struct nlmsghdr *message)
{
	uint8_t answer[256];
	ssize_t got;

	message->nlmsg_flags |= NLM_F_ACK;
	if (mnl_socket_sendto(n->socket, message, message->nlmsg_len) < 0)
		return -1;
	got = mnl_socket_recvfrom(n->socket, answer, sizeof(answer));
	if (got < 0)
		return -1;
	return mnl_cb_run(answer, (size_t)got, 0, mnl_socket_get_portid(n->socket), NULL, NULL);
}

static void bind_queue(struct noop *n)
{
	uint8_t buffer[256];
	struct nlmsghdr *message = nfq_nlmsg_put((char *)buffer, NFQNL_MSG_CONFIG, n->number);

	nfq_nlmsg_cfg_put_cmd(message, AF_INET, NFQNL_CFG_CMD_BIND);
	if (configure(n, message) < 0)
		die("cannot bind the queue", "run it as root, and end what holds the queue");
	message = nfq_nlmsg_put((char *)buffer, NFQNL_MSG_CONFIG, n->number);
	mnl_attr_put_u32(message, NFQA_CFG_FLAGS, htonl(n->gso ? NFQA_CFG_F_GSO : 0));
	mnl_attr_put_u32(message, NFQA_CFG_MASK, htonl(NFQA_CFG_F_GSO | NFQA_CFG_F_FAIL_OPEN));
	nfq_nlmsg_cfg_put_qmaxlen(message, QUEUE_LENGTH);
	if (configure(n, message) < 0)
		die("cannot set up the queue", NULL);
	/* Last, and with no answer asked for: a packet could come in its place. */
	message = nfq_nlmsg_put((char *)buffer, NFQNL_MSG_CONFIG, n->number);
	nfq_nlmsg_cfg_put_params(message, NFQNL_COPY_PACKET, COPY_RANGE);
	if (mnl_socket_sendto(n->socket, message, message->nlmsg_len) < 0)
		die("cannot start the queue", NULL);
}

static void set_socket(struct noop *n, int force, int plain, int size)
{
	const int fd = mnl_socket_get_fd(n->socket);

	if (setsockopt(fd, SOL_SOCKET, force, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, plain, &size, sizeof(size));
}

static void open_queue(struct noop *n)
{
	const struct timeval look_up = { .tv_usec = LOOK_UP_MS * 1000 };

	n->socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (n->socket == NULL || mnl_socket_bind(n->socket, 0, MNL_SOCKET_AUTOPID) < 0)
		die("cannot open a netlink socket", NULL);
	set_socket(n, SO_RCVBUFFORCE, SO_RCVBUF, SOCKET_BUFFER);
	set_socket(n, SO_SNDBUFFORCE, SO_SNDBUF, SOCKET_BUFFER);
	bind_queue(n);
	if (setsockopt(mnl_socket_get_fd(n->socket), SOL_SOCKET, SO_RCVTIMEO, &look_up,
		       sizeof(look_up)) < 0)
		die("cannot set the socket's time-out", NULL);
	for (int i = 0; i < BATCH; i++) {
		n->receive[i] =
			(struct iovec){ .iov_base = n->buffers[i], .iov_len = RECEIVE_SIZE };
		n->messages[i].msg_hdr.msg_iov = &n->receive[i];
		n->messages[i].msg_hdr.msg_iovlen = 1;
	}
}

/* --- packets ------------------------------------------------------------------------------- */

static void add_piece(struct noop *n, void *data, size_t length)
{
	n->send[n->pieces++] = (struct iovec){ .iov_base = data, .iov_len = length };
}

/* The bytes join the verdict where they lie, in their receive buffer. */
static void accept_packet(struct noop *n, uint8_t *head, uint32_t id, uint8_t *data, size_t length)
{
	static uint8_t padding[4];
	const size_t padded = (length + 3) & ~(size_t)3; /* NLA_ALIGN() */
	struct nlmsghdr *message = nfq_nlmsg_put((char *)head, NFQNL_MSG_VERDICT, n->number);
	struct nlattr *attribute;

	nfq_nlmsg_verdict_put(message, (int)id, NF_ACCEPT);
	if (data == NULL) {
		add_piece(n, head, message->nlmsg_len);
		return;
	}
	attribute = mnl_nlmsg_get_payload_tail(message);
	attribute->nla_type = NFQA_PAYLOAD;
	attribute->nla_len = (uint16_t)(sizeof(*attribute) + length);
	add_piece(n, head, message->nlmsg_len + sizeof(*attribute));
	add_piece(n, data, length);
	add_piece(n, padding, padded - length);
	message->nlmsg_len += (uint32_t)(sizeof(*attribute) + padded);
}

static void complete_checksum(uint8_t *data, size_t length)
{
	struct packet packet;

	packet_init(&packet, data, length, length, true);
	if (packet_parse(&packet) != PACKET_OK)
		return;
	packet.changed = true; /* or the kernel's half of a checksum would stay */
	packet_finish(&packet);
}

static void serve_packet(struct noop *n, const struct nlmsghdr *message, uint8_t *head)
{
	struct nlattr *attributes[NFQA_MAX + 1] = { NULL };
	const struct nfqnl_msg_packet_hdr *header;
	uint8_t *data = NULL;
	size_t length = 0;

	if (nfq_nlmsg_parse(message, attributes) < 0 || attributes[NFQA_PACKET_HDR] == NULL)
		return;
	header = mnl_attr_get_payload(attributes[NFQA_PACKET_HDR]);
	if (n->payload && attributes[NFQA_PAYLOAD] != NULL) {
		data = mnl_attr_get_payload(attributes[NFQA_PAYLOAD]);
		length = mnl_attr_get_payload_len(attributes[NFQA_PAYLOAD]);
	}
	if (attributes[NFQA_CAP_LEN] != NULL)
		data = NULL; /* cut short: what is missing must not be lost */
	if (data != NULL && attributes[NFQA_SKB_INFO] != NULL &&
	    ntohl(mnl_attr_get_u32(attributes[NFQA_SKB_INFO])) & NFQA_SKB_CSUMNOTREADY)
		complete_checksum(data, length);
	accept_packet(n, head, ntohl(header->packet_id), data, length);
	n->packets++;
}

static void serve_datagram(struct noop *n, int i)
{
	const struct nlmsghdr *message = (const void *)n->buffers[i];

	if (!mnl_nlmsg_ok(message, (int)n->messages[i].msg_len))
		return;
	if (message->nlmsg_type == NLMSG_ERROR)
		n->lost_verdicts++;
	else
		serve_packet(n, message, n->heads[i]);
}

static void send_verdicts(struct noop *n)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct msghdr message = {
		.msg_name = &kernel,
		.msg_namelen = sizeof(kernel),
		.msg_iov = n->send,
		.msg_iovlen = n->pieces,
	};

	if (n->pieces == 0)
		return;
	while (sendmsg(mnl_socket_get_fd(n->socket), &message, 0) < 0)
		if (errno != EINTR)
			die("cannot send verdicts", NULL);
	n->pieces = 0;
}

static void serve(struct noop *n)
{
	int got = recvmmsg(mnl_socket_get_fd(n->socket), n->messages, BATCH, MSG_WAITFORONE, NULL);

	if (got < 0) {
		if (errno == ENOBUFS)
			n->overruns++;
		else if (errno != EAGAIN && errno != EINTR)
			die("cannot receive packets", NULL);
		return;
	}
	for (int i = 0; i < got; i++)
		serve_datagram(n, i);
	n->batches++;
	send_verdicts(n);
}

/* --- the program --------------------------------------------------------------------------- */

static int parse(struct noop *n, int argc, char **argv)
{
	static const struct option options[] = {
		{ "queue", required_argument, NULL, 'q' },
		{ "no-gso", no_argument, NULL, 'g' },
		{ "accept-only", no_argument, NULL, 'a' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		char *end = NULL;
		long number;

		switch (c) {
		case 'q':
			number = strtol(optarg, &end, 10);
			if (end == optarg || *end != '\0' || number < 0 || number > UINT16_MAX) {
				fprintf(stderr, "noop: --queue takes 0 to 65535, not '%s'\n",
					optarg);
				return 2;
			}
			n->number = (uint16_t)number;
			break;
		case 'g':
			n->gso = false;
			break;
		case 'a':
			n->payload = false;
			break;
		case 'h':
			usage(stdout);
			exit(0);
		default:
			return 2;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "noop: unknown argument '%s'; --help tells more\n", argv[optind]);
		return 2;
	}
	return 0;
}

int main(int argc, char **argv)
{
	static struct noop noop = { .gso = true, .payload = true };
	const struct sigaction end = { .sa_handler = on_signal };
	const int wrong = parse(&noop, argc, argv);

	if (wrong != 0)
		return wrong;
	sigaction(SIGTERM, &end, NULL);
	sigaction(SIGINT, &end, NULL);
	open_queue(&noop);
	puts("ready");
	fflush(stdout);
	while (!ended)
		serve(&noop);
	mnl_socket_close(noop.socket);
	fprintf(stderr, "noop: %llu packets in %llu batches, %llu overruns, %llu lost verdicts\n",
		noop.packets, noop.batches, noop.overruns, noop.lost_verdicts);
	return 0;
}
