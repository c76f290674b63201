/* SPDX-License-Identifier: GPL-2.0-or-later */
/* traffic_flood.c - UDP as fast as it goes, and the sink that counts what arrives */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "common/checksum.h"
#include "tests/bench/traffic.h"

enum { IP_HEADER = 20, UDP_HEADER = 8, MAX_PACKET = 65535 };

/* --- flood --------------------------------------------------------------------------------- */

static int *open_flows(const struct traffic *t)
{
	int *flows = calloc((size_t)t->flows, sizeof(*flows));

	if (flows == NULL)
		die("no memory for the flows", NULL);
	for (int64_t i = 0; i < t->flows; i++) {
		flows[i] = open_socket(SOCK_DGRAM, 0);
		if (connect(flows[i], (const struct sockaddr *)&t->to, sizeof(t->to)) < 0)
			die("cannot reach --to", "is there a route?");
	}
	return flows;
}

/* Many flows take turns packet by packet; few send a batch in as few calls as there are flows. */
int traffic_flood(const struct traffic *t)
{
	static uint8_t payload[MAX_PACKET];
	struct iovec piece = { .iov_base = payload,
			       .iov_len = (size_t)t->size - IP_HEADER - UDP_HEADER };
	struct mmsghdr messages[TRAFFIC_BATCH] = { 0 };
	const unsigned int batch =
		t->flows < TRAFFIC_BATCH ? TRAFFIC_BATCH / (unsigned int)t->flows : 1;
	int *flows = open_flows(t);
	int64_t start, end, now, sent = 0, refused = 0;

	for (int i = 0; i < TRAFFIC_BATCH; i++)
		messages[i].msg_hdr = (struct msghdr){ .msg_iov = &piece, .msg_iovlen = 1 };
	start = now = now_ns();
	end = start + t->seconds_ns;
	for (int64_t turn = 0; now < end; turn++) {
		int n = sendmmsg(flows[turn % t->flows], messages, batch, 0);

		/* The router's answer to a packet it had no room for comes back as an error. */
		if (n > 0)
			sent += n;
		else
			refused++;
		if (batch > 1 || turn % TRAFFIC_BATCH == 0)
			now = now_ns();
	}
	free(flows);
	print_rate("sent", sent, now - start);
	printf(", \"refused\": %lld}\n", (long long)refused);
	return 0;
}

/* --- fresh --------------------------------------------------------------------------------- */

static void put16(uint8_t *at, int64_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, int64_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value);
}

/* The kernel fills in the rest of the IP header: length, identification, checksum. */
static void make_packet(uint8_t *at, const struct traffic *t, int64_t number)
{
	const int64_t from = ntohl(t->at.sin_addr.s_addr) + number / t->ports;
	const size_t udp_length = (size_t)t->size - IP_HEADER;
	uint8_t *udp = at + IP_HEADER;
	uint16_t sum;

	memset(at, 0, IP_HEADER + UDP_HEADER);
	at[0] = 0x45;
	at[8] = 64;
	at[9] = IPPROTO_UDP;
	put32(at + 12, from);
	put32(at + 16, ntohl(t->to.sin_addr.s_addr));
	put16(udp, ntohs(t->at.sin_port) + number % t->ports);
	put16(udp + 2, ntohs(t->to.sin_port));
	put16(udp + 4, (int64_t)udp_length);
	sum = checksum_add(checksum_sum(at + 12, 8), checksum_sum(udp, udp_length));
	sum = checksum_add(sum, checksum_add(IPPROTO_UDP, (uint16_t)udp_length));
	sum = (uint16_t)~sum;
	put16(udp + 6, sum == 0 ? 0xffff : sum);
}

static void wait_until(int64_t when)
{
	const struct timespec at = { .tv_sec = when / 1000000000, .tv_nsec = when % 1000000000 };

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

/* A raw socket: to open and bind one for every port would cost more than the packet's whole way. */
int traffic_fresh(const struct traffic *t)
{
	static uint8_t packets[TRAFFIC_BATCH][MAX_PACKET];
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr = t->to.sin_addr };
	struct iovec pieces[TRAFFIC_BATCH];
	struct mmsghdr messages[TRAFFIC_BATCH] = { 0 };
	int64_t start, sent = 0;
	int fd = open_socket(SOCK_RAW, 0);

	if (t->count > t->ports * t->addresses) {
		fprintf(stderr, "traffic: --count is more than --ports times --addresses\n");
		return 2;
	}
	if (ntohs(t->at.sin_port) + t->ports - 1 > UINT16_MAX) {
		fprintf(stderr, "traffic: --ports runs past port 65535; start lower\n");
		return 2;
	}
	for (int i = 0; i < TRAFFIC_BATCH; i++) {
		pieces[i] = (struct iovec){ .iov_base = packets[i], .iov_len = (size_t)t->size };
		messages[i].msg_hdr = (struct msghdr){ .msg_name = &to,
						       .msg_namelen = sizeof(to),
						       .msg_iov = &pieces[i],
						       .msg_iovlen = 1 };
	}
	start = now_ns();
	while (sent < t->count) {
		int64_t n = t->count - sent < TRAFFIC_BATCH ? t->count - sent : TRAFFIC_BATCH;

		for (int64_t i = 0; i < n; i++)
			make_packet(packets[i], t, sent + i);
		for (int64_t done = 0, more; done < n; done += more) {
			more = sendmmsg(fd, messages + done, (unsigned int)(n - done), 0);
			if (more <= 0 && errno != ENOBUFS)
				die("cannot send to --to", "is there a route?");
			if (more < 0)
				more = 1; /* that one is lost */
		}
		sent += n;
		if (t->rate > 0)
			wait_until(start + sent * 1000000000 / t->rate);
	}
	print_rate("sent", sent, now_ns() - start);
	puts("}");
	return 0;
}

/* --- sink ---------------------------------------------------------------------------------- */

enum { SINK_BATCH = 64 };

/* One batch of packets, or none if it was idle; of their bytes only one is copied. */
static int64_t receive_some(int fd)
{
	static uint8_t byte[SINK_BATCH];
	static struct iovec pieces[SINK_BATCH];
	static struct mmsghdr messages[SINK_BATCH];
	int n;

	for (int i = 0; i < SINK_BATCH; i++) {
		pieces[i] = (struct iovec){ .iov_base = &byte[i], .iov_len = 1 };
		messages[i].msg_hdr = (struct msghdr){ .msg_iov = &pieces[i], .msg_iovlen = 1 };
	}
	n = recvmmsg(fd, messages, SINK_BATCH, MSG_WAITFORONE, NULL);
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		die("cannot receive", NULL);
	return n < 0 ? 0 : n;
}

int traffic_sink(const struct traffic *t)
{
	int fd = open_socket(SOCK_DGRAM, t->idle_ns);
	int64_t start, last, n, packets = 0;

	bind_socket(fd, &t->at);
	puts("ready");
	fflush(stdout);
	if (receive_some(fd) == 0) {
		fprintf(stderr, "traffic: nothing came to the sink\n");
		return 1;
	}
	start = last = now_ns();
	while (t->warm_up_ns > last - start && receive_some(fd) > 0)
		last = now_ns();
	for (start = last; last - start < t->seconds_ns; last = now_ns()) {
		n = receive_some(fd);
		if (n == 0)
			break;
		packets += n;
	}
	print_rate("packets", packets, last - start);
	puts("}");
	return 0;
}
