/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The NFQUEUE socket, in a child process with a network namespace of its own, which ends with it.
 * Where such a namespace cannot be made, or the kernel has no queues, the test is skipped.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nat/daemon/queue.h"
#include "tests/unit/netns.h"

/* Last: its macros have names of ours. */
#include <netpacket/packet.h>

enum { PATIENCE_MS = 3000, NUMBER = 4787 };

/* --- helpers -------------------------------------------------------------------------------- */

static void must_open(struct queue *q, uint16_t number)
{
	int err = queue_open(q, number);

	if (err == -EINVAL || err == -EPROTONOSUPPORT || err == -EOPNOTSUPP) {
		errno = -err;
		give_up("no NFQUEUE in this kernel");
	}
	errno = -err;
	CHECK(err == 0);
}

static int open_descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void init_nat(struct nat *nat)
{
	struct siphash_key key = { { 1, 2 } };
	struct options o;
	char why[256];

	options_init(&o);
	CHECK(options_set(&o, "nat.external", "203.0.113.1", why, sizeof(why)) == 0);
	CHECK(options_set(&o, "nat.max-mappings", "100", why, sizeof(why)) == 0);
	CHECK(options_set(&o, "nat.max-sessions", "100", why, sizeof(why)) == 0);
	CHECK(nat_init(nat, &o, &key) == 0);
}

static void run(const char *command)
{
	errno = 0;
	if (system(command) != 0)
		give_up(command);
}

static bool readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, PATIENCE_MS) == 1;
}

/* --- opening and closing -------------------------------------------------------------------- */

static void open_and_close(void)
{
	int before = open_descriptors();
	struct queue q;

	enter_namespace();
	must_open(&q, NUMBER);
	CHECK(queue_fd(&q) >= 0);
	CHECK(fcntl(queue_fd(&q), F_GETFD) & FD_CLOEXEC);
	CHECK(q.number == NUMBER);
	CHECK(q.packets == 0 && q.batches == 0 && q.overruns == 0 && q.lost_verdicts == 0);
	queue_close(&q);
	CHECK(open_descriptors() == before);
}

static void test_queue_is_opened_and_closed(void **state)
{
	(void)state;
	in_child(open_and_close);
}

static void open_all_numbers(void)
{
	static const uint16_t numbers[] = { 0, 1, 255, 256, 65534, 65535 };
	struct queue q[sizeof(numbers) / sizeof(numbers[0])], second;

	enter_namespace();
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		must_open(&q[i], numbers[i]);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		CHECK(queue_open(&second, numbers[i]) == -EBUSY);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		queue_close(&q[i]);
}

static void test_queues_of_different_numbers_are_apart(void **state)
{
	(void)state;
	in_child(open_all_numbers);
}

static void open_twice(void)
{
	struct queue q, second;
	int before;

	enter_namespace();
	must_open(&q, NUMBER);
	before = open_descriptors();
	for (int i = 0; i < 3; i++)
		CHECK(queue_open(&second, NUMBER) == -EBUSY);
	CHECK(open_descriptors() == before);
	queue_close(&q);
	for (int i = 0; i < 3; i++) {
		must_open(&q, NUMBER);
		queue_close(&q);
	}
}

static void test_queue_that_is_taken_is_busy_until_it_is_closed(void **state)
{
	(void)state;
	in_child(open_twice);
}

static void open_unprivileged(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { { 0 } };
	int before = open_descriptors(), err;
	struct queue q;

	CHECK(syscall(SYS_capset, &header, none) == 0);
	err = queue_open(&q, NUMBER);
	if (err == -EINVAL || err == -EPROTONOSUPPORT)
		give_up("no NFQUEUE in this kernel");
	errno = -err;
	CHECK(err == -EPERM);
	CHECK(open_descriptors() == before);
}

static void test_queue_without_the_privilege_is_not_permitted(void **state)
{
	(void)state;
	in_child(open_unprivileged);
}

static void open_taken_unprivileged(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { { 0 } };
	struct queue q, second;

	enter_namespace();
	must_open(&q, NUMBER);
	CHECK(syscall(SYS_capset, &header, none) == 0);
	CHECK(queue_open(&second, NUMBER) == -EPERM); /* not -EBUSY: root would help first */
}

static void test_queue_that_is_taken_without_the_privilege_is_not_permitted(void **state)
{
	(void)state;
	in_child(open_taken_unprivileged);
}

static void serve_nothing(void)
{
	struct queue q;
	struct nat nat;

	enter_namespace();
	must_open(&q, NUMBER);
	init_nat(&nat);
	for (int i = 0; i < 3; i++)
		CHECK(queue_serve(&q, &nat, AT_S(1)) == 0);
	CHECK(q.packets == 0 && q.batches == 0);
	nat_fini(&nat);
	queue_close(&q);
}

static void test_serving_when_nothing_waits_does_nothing(void **state)
{
	(void)state;
	in_child(serve_nothing);
}

/* --- packets -------------------------------------------------------------------------------- */

/* A WAN whose other end nobody serves, a host's address of ours, and a socket of that host. */
struct site {
	struct queue queue;
	struct nat nat;
	int host; /* sends from 192.168.1.2:5000 */
	int wire; /* sees what goes out of the WAN */
};

static void send_to(int fd, const char *address, uint16_t port, const char *text)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };

	inet_pton(AF_INET, address, &to.sin_addr);
	CHECK(sendto(fd, text, strlen(text), 0, (struct sockaddr *)&to, sizeof(to)) ==
	      (ssize_t)strlen(text));
}

static int bound_socket(const char *address, uint16_t port)
{
	struct sockaddr_in own = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	inet_pton(AF_INET, address, &own.sin_addr);
	CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&own, sizeof(own)) == 0);
	return fd;
}

static void open_site(struct site *s)
{
	struct sockaddr_ll wan = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };

	enter_namespace();
	setenv("XTABLES_LOCKFILE", "/dev/null", 1); /* nobody else has rules here */
	run("ip link set lo up");
	run("ip link add wan0 type veth peer name net0 2>&1");
	run("ip address add 203.0.113.1/24 dev wan0 && ip address add 192.168.1.2/32 dev lo");
	run("ip link set wan0 up && ip link set net0 up");
	run("ip neighbour add 203.0.113.10 lladdr 02:00:00:00:00:10 dev wan0");
	run("iptables -t mangle -A POSTROUTING -o wan0 -j NFQUEUE --queue-num 4787 2>&1");
	must_open(&s->queue, NUMBER);
	s->queue.wan = if_nametoindex("wan0");
	s->queue.lan = if_nametoindex("lo");
	init_nat(&s->nat);
	s->host = bound_socket("192.168.1.2", 5000);
	s->wire = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_P_ALL));
	wan.sll_ifindex = (int)if_nametoindex("wan0");
	CHECK(s->wire >= 0 && bind(s->wire, (struct sockaddr *)&wan, sizeof(wan)) == 0);
}

static void close_site(struct site *s)
{
	close(s->host);
	close(s->wire);
	queue_close(&s->queue);
	nat_fini(&s->nat);
}

/* The next IPv4 packet that went out of the WAN; its length, 0 if none has. */
static size_t next_packet(struct site *s, uint8_t *packet, size_t size)
{
	struct sockaddr_ll from;
	socklen_t length = sizeof(from);
	ssize_t n;

	while ((n = recvfrom(s->wire, packet, size, 0, (struct sockaddr *)&from, &length)) >= 0)
		if (from.sll_protocol == htons(ETH_P_IP) && from.sll_pkttype == PACKET_OUTGOING)
			return (size_t)n;
	return 0;
}

static void serve_one(void)
{
	static const uint8_t external[] = { 203, 0, 113, 1 }, remote[] = { 203, 0, 113, 10 };
	uint8_t packet[2048];
	struct site s;

	open_site(&s);
	send_to(s.host, "203.0.113.10", 7000, "hello");
	CHECK(readable(queue_fd(&s.queue)));
	CHECK(next_packet(&s, packet, sizeof(packet)) == 0); /* it waits for its verdict */
	CHECK(queue_serve(&s.queue, &s.nat, AT_S(1)) == 1);
	CHECK(queue_serve(&s.queue, &s.nat, AT_S(1)) == 0);
	CHECK(s.queue.packets == 1 && s.queue.batches == 1 && s.queue.lost_verdicts == 0);
	CHECK(s.nat.mappings.arena.live == 1 && s.nat.sessions.arena.live == 1);
	CHECK(readable(s.wire));
	CHECK(next_packet(&s, packet, sizeof(packet)) == 20 + 8 + 5);
	CHECK(memcmp(packet + 12, external, 4) == 0);
	CHECK(memcmp(packet + 16, remote, 4) == 0);
	CHECK(packet[22] == 7000 >> 8 && packet[23] == (7000 & 0xff));
	CHECK(memcmp(packet + 28, "hello", 5) == 0);
	close_site(&s);
}

static void test_packet_goes_out_translated(void **state)
{
	(void)state;
	in_child(serve_one);
}

static void serve_batches(void)
{
	uint8_t packet[2048];
	int sent = 2 * QUEUE_BATCH + 3, seen = 0;
	struct site s;

	open_site(&s);
	for (int i = 0; i < sent; i++)
		send_to(s.host, "203.0.113.10", 7000, "x");
	CHECK(readable(queue_fd(&s.queue)));
	CHECK(queue_serve(&s.queue, &s.nat, AT_S(1)) == QUEUE_BATCH);
	CHECK(queue_serve(&s.queue, &s.nat, AT_S(1)) == QUEUE_BATCH);
	CHECK(queue_serve(&s.queue, &s.nat, AT_S(1)) == 3);
	CHECK(queue_serve(&s.queue, &s.nat, AT_S(1)) == 0);
	CHECK(s.queue.packets == (uint64_t)sent && s.queue.batches == 3);
	while (next_packet(&s, packet, sizeof(packet)) > 0)
		seen++;
	CHECK(seen == sent);
	CHECK(s.nat.sessions.arena.live == 1);
	close_site(&s);
}

static void test_packets_are_served_a_batch_at_a_time(void **state)
{
	(void)state;
	in_child(serve_batches);
}

static void serve_odd_lengths(void)
{
	char text[9] = "";
	uint8_t packet[2048];
	struct site s;

	open_site(&s);
	for (size_t length = 1; length <= 8; length++) {
		text[length - 1] = (char)('0' + length);
		send_to(s.host, "203.0.113.10", 7000, text);
	}
	CHECK(readable(queue_fd(&s.queue)));
	CHECK(queue_serve(&s.queue, &s.nat, AT_S(1)) == 8);
	for (size_t length = 1; length <= 8; length++) {
		CHECK(next_packet(&s, packet, sizeof(packet)) == 28 + length);
		CHECK(memcmp(packet + 28, text, length) == 0);
	}
	CHECK(s.queue.lost_verdicts == 0);
	close_site(&s);
}

static void test_packets_of_every_length_keep_it(void **state)
{
	(void)state;
	in_child(serve_odd_lengths);
}

/* Each rule queues one packet of ours where the daemon's own rules never do. */
static void serve_elsewhere(void)
{
	static const struct {
		const char *rule, *address;
	} places[] = {
		{ "OUTPUT -o wan0", "203.0.113.10" },
		{ "POSTROUTING -o lo", "127.0.0.1" },
		{ "INPUT -i lo", "127.0.0.1" },
	};
	char command[128];
	struct site s;
	char byte;
	int receiver;

	open_site(&s);
	receiver = bound_socket("127.0.0.1", 7000);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		run("iptables -t mangle -F 2>&1");
		snprintf(command, sizeof(command),
			 "iptables -t mangle -A %s -j NFQUEUE --queue-num 4787 2>&1",
			 places[i].rule);
		run(command);
		send_to(s.host, places[i].address, 7000, "x");
		CHECK(readable(queue_fd(&s.queue)));
		CHECK(queue_serve(&s.queue, &s.nat, AT_S(1)) == 1);
		CHECK(s.nat.counters[REASON_WRONG_INTERFACE] == i + 1);
	}
	CHECK(s.nat.mappings.arena.live == 0);
	CHECK(recv(receiver, &byte, 1, 0) < 0 && errno == EAGAIN);
	close(receiver);
	close_site(&s);
}

static void test_packet_queued_at_another_place_is_dropped(void **state)
{
	(void)state;
	in_child(serve_elsewhere);
}

static void close_with_packet(void)
{
	uint8_t packet[2048];
	struct site s;

	open_site(&s);
	send_to(s.host, "203.0.113.10", 7000, "x");
	CHECK(readable(queue_fd(&s.queue)));
	queue_close(&s.queue);
	CHECK(next_packet(&s, packet, sizeof(packet)) == 0);
	must_open(&s.queue, NUMBER);
	CHECK(queue_serve(&s.queue, &s.nat, AT_S(1)) == 0);
	CHECK(next_packet(&s, packet, sizeof(packet)) == 0);
	close_site(&s);
}

static void test_packet_that_waits_when_the_queue_is_closed_is_dropped(void **state)
{
	(void)state;
	in_child(close_with_packet);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_queue_is_opened_and_closed),
		cmocka_unit_test(test_queues_of_different_numbers_are_apart),
		cmocka_unit_test(test_queue_that_is_taken_is_busy_until_it_is_closed),
		cmocka_unit_test(test_queue_without_the_privilege_is_not_permitted),
		cmocka_unit_test(test_queue_that_is_taken_without_the_privilege_is_not_permitted),
		cmocka_unit_test(test_serving_when_nothing_waits_does_nothing),
		cmocka_unit_test(test_packet_goes_out_translated),
		cmocka_unit_test(test_packets_are_served_a_batch_at_a_time),
		cmocka_unit_test(test_packets_of_every_length_keep_it),
		cmocka_unit_test(test_packet_queued_at_another_place_is_dropped),
		cmocka_unit_test(test_packet_that_waits_when_the_queue_is_closed_is_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
