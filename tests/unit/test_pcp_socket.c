/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The socket that hosts ask, and what knobs do to it: in a child process with network namespaces of its
 * own, which end with it. Where none can be made, the test is skipped.
 *
 *	hosts: client0 192.168.1.2 --- lan0 192.168.1.1 .254   router
 *	       client1 192.168.2.2 --- lan1 192.168.2.1
 *	       server0 203.0.113.10 -- wan0 203.0.113.1
 */
#include <arpa/inet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>

#include "nat/daemon/daemon.h"
#include "tests/unit/ask.h"
#include "tests/unit/netns.h"

enum { PATIENCE_MS = 5000 };

/* --- helpers -------------------------------------------------------------------------------- */

static void run(const char *command)
{
	errno = 0;
	if (system(command) != 0)
		give_up(command);
}

struct site {
	struct daemon d;
	struct loop loop;
	struct options wanted; /* what the next configure() asks for */
	char why[CONFIG_WHY_MAX];
	int router, hosts; /* namespaces; the process is in the router's */
};

static int here(void)
{
	int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		give_up("/proc/self/ns/net");
	return fd;
}

static void go(int namespace)
{
	if (setns(namespace, CLONE_NEWNET) < 0)
		give_up("setns()");
}

/* A cable from @router_end to @host_end, with their addresses. */
static void lay_cable(struct site *s, const char *router_end, const char *address,
		      const char *host_end, const char *host_address)
{
	char command[512];

	go(s->router);
	snprintf(command, sizeof(command),
		 "ip link add %s type veth peer name %s && ip link set %s netns /proc/%d/fd/%d && "
		 "ip address add %s/24 dev %s && ip link set %s up",
		 router_end, host_end, host_end, (int)getpid(), s->hosts, address, router_end,
		 router_end);
	run(command);
	go(s->hosts);
	snprintf(command, sizeof(command), "ip address add %s/24 dev %s && ip link set %s up",
		 host_address, host_end, host_end);
	run(command);
	go(s->router);
}

static void want(struct site *s, const char *key, const char *value)
{
	char why[512];

	CHECK(options_set(&s->wanted, key, value, why, sizeof(why)) == 0);
}

static int configure(struct site *s)
{
	int err = daemon_configure(&s->d, &s->wanted, s->why, sizeof(s->why));

	errno = -err;
	return err;
}

static void must_set(struct site *s, const char *key, const char *value)
{
	want(s, key, value);
	CHECK(configure(s) == 0);
}

/* A daemon as main.c makes it. */
static void open_site(struct site *s, const char *server)
{
	struct config_resolved resolved;
	struct siphash_key key;
	sigset_t none;

	enter_namespace();
	memset(s, 0, sizeof(*s));
	s->router = here();
	if (unshare(CLONE_NEWNET) < 0)
		give_up("no second network namespace");
	s->hosts = here();
	lay_cable(s, "lan0", "192.168.1.1", "client0", "192.168.1.2");
	lay_cable(s, "lan1", "192.168.2.1", "client1", "192.168.2.2");
	lay_cable(s, "wan0", "203.0.113.1", "server0", "203.0.113.10");
	run("ip address add 192.168.1.254/24 dev lan0");
	options_init(&s->wanted);
	want(s, "nat.lan", "lan0");
	want(s, "nat.wan", "wan0");
	want(s, "nat.max-mappings", "100");
	want(s, "nat.max-sessions", "200");
	want(s, "nat.seed", "1");
	want(s, "pcp.server", server);
	CHECK(config_resolve(&s->wanted, &resolved, s->why, sizeof(s->why)) == 0);
	CHECK(rng_key(1, &key) == 0);
	CHECK(nat_init(&s->d.nat, &resolved.options, &key) == 0);
	s->d.asked = s->wanted;
	s->d.queue.lan = resolved.lan;
	s->d.queue.wan = resolved.wan;
	sigemptyset(&none);
	CHECK(loop_open(&s->loop, &none, 0) == 0);
	CHECK(daemon_open_pcp(&s->d, &s->loop, s->why, sizeof(s->why)) == 0);
}

static void close_site(struct site *s)
{
	pcp_socket_close(&s->d.pcp);
	loop_close(&s->loop);
	nat_fini(&s->d.nat);
	wire_free_all();
}

/* A socket of @interface among the hosts that hears @server only. */
static int open_host(struct site *s, const char *interface, const char *server)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(PCP_PORT) };
	int fd;

	go(s->hosts);
	CHECK(inet_pton(AF_INET, server, &to.sin_addr) == 1);
	if (strcmp(interface, "server0") == 0) /* whoever is outside tries all ways */
		run("ip route replace 192.168.0.0/16 via 203.0.113.1 dev server0 metric 1 && "
		    "ip route del 192.168.1.0/24 && ip route del 192.168.2.0/24");
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	CHECK(fd >= 0);
	CHECK(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface,
			 (socklen_t)strlen(interface) + 1) == 0);
	CHECK(connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0);
	go(s->router);
	return fd;
}

/* Serve the daemon's socket until @fd has heard something. */
static void serve_until_heard(struct site *s, int fd)
{
	struct pollfd p[2] = { { .fd = fd, .events = POLLIN }, { .fd = -1, .events = POLLIN } };

	do {
		p[1].fd = s->d.pcp.open ? s->d.pcp.fd : -1;
		CHECK(poll(p, 2, PATIENCE_MS) > 0);
		if (p[1].revents != 0)
			pcp_socket_serve(&s->d.pcp, &s->d.nat, s->d.now);
	} while (p[0].revents == 0);
}

/* The answer to @w: its result, or -errno; -ECONNREFUSED where nobody listens. */
static int send_and_hear(struct site *s, int fd, struct wire w, struct told *t)
{
	uint8_t answer[PCP_MAX + 1];
	ssize_t length;

	if (send(fd, w.at, w.len, 0) < 0)
		return -errno;
	serve_until_heard(s, fd);
	length = recv(fd, answer, sizeof(answer), 0);
	if (length < 0)
		return -errno;
	CHECK(length >= ASK_HEADER);
	t->epoch = wire_get32(answer + 8);
	return answer[3];
}

static int ask_from(struct site *s, const char *interface, const char *own, const char *server)
{
	int fd = open_host(s, interface, server), result;
	struct told t;

	result = send_and_hear(s, fd, ask_wire(ask_map(ep(own))), &t);
	close(fd);
	return result;
}

#define LAN0(s)	  ask_from(s, "client0", "192.168.1.2:5000", "192.168.1.1")
#define LAN1(s)	  ask_from(s, "client1", "192.168.2.2:5000", "192.168.2.1")
#define REFUSED	  (-ECONNREFUSED)
#define SUCCESS	  0
#define MALFORMED 3

static uint32_t epoch(struct site *s)
{
	int fd = open_host(s, "client0", "192.168.1.1");
	struct told t = { 0 };

	CHECK(send_and_hear(s, fd, ask_wire(ask_map(ep("192.168.1.2:5000"))), &t) == SUCCESS);
	close(fd);
	return t.epoch;
}

static int open_descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

/* Another process's socket on the port; @interface may be NULL. */
static int take_port(const char *interface)
{
	const struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(PCP_PORT) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	CHECK(fd >= 0);
	CHECK(interface == NULL || setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface,
					      (socklen_t)strlen(interface) + 1) == 0);
	CHECK(bind(fd, (const struct sockaddr *)&any, sizeof(any)) == 0);
	return fd;
}

/* --- on and off ----------------------------------------------------------------------------- */

static void turn_on_and_off(void)
{
	struct site s;
	int before;

	open_site(&s, "off");
	CHECK(!s.d.pcp.open);
	before = open_descriptors();
	CHECK(LAN0(&s) == REFUSED);
	must_set(&s, "pcp.server", "on");
	CHECK(LAN0(&s) == SUCCESS);
	CHECK(s.d.nat.leases.count == 1);
	CHECK(fcntl(s.d.pcp.fd, F_GETFD) & FD_CLOEXEC);
	must_set(&s, "pcp.server", "off");
	CHECK(LAN0(&s) == REFUSED);
	CHECK(open_descriptors() == before);
	CHECK(s.d.nat.leases.count == 1); /* what was granted is */
	close_site(&s);
}

static void test_knob_opens_and_closes_the_socket(void **state)
{
	(void)state;
	in_child(turn_on_and_off);
}

static void start_with_it(void)
{
	struct site s;

	open_site(&s, "on");
	CHECK(LAN0(&s) == SUCCESS);
	close_site(&s);
}

static void test_daemon_starts_with_it(void **state)
{
	(void)state;
	in_child(start_with_it);
}

static void be_woken(void)
{
	struct loop_event events[LOOP_EVENTS];
	struct mono now;
	struct site s;
	int fd;

	open_site(&s, "on");
	fd = open_host(&s, "client0", "192.168.1.1");
	CHECK(send(fd, "??", 2, 0) == 2);
	CHECK(loop_wait(&s.loop, events, &now) == 1);
	CHECK(events[0].source == LOOP_PCP);
	close_site(&s);
}

static void test_request_wakes_the_loop(void **state)
{
	(void)state;
	in_child(be_woken);
}

/* --- where it listens ----------------------------------------------------------------------- */

static void be_asked_by_another_address(void)
{
	struct site s;

	open_site(&s, "on");
	/* The host's socket is connected: it hears nobody else. */
	CHECK(ask_from(&s, "client0", "192.168.1.2:5000", "192.168.1.254") == SUCCESS);
	CHECK(LAN0(&s) == SUCCESS);
	close_site(&s);
}

static void test_answers_come_from_the_address_that_was_asked(void **state)
{
	(void)state;
	in_child(be_asked_by_another_address);
}

static void be_asked_from_outside(void)
{
	struct site s;

	open_site(&s, "on");
	CHECK(ask_from(&s, "client1", "192.168.2.2:5000", "192.168.2.1") == REFUSED);
	CHECK(ask_from(&s, "server0", "203.0.113.10:5000", "203.0.113.1") == REFUSED);
	CHECK(s.d.nat.leases.count == 0);
	close_site(&s);
}

static void test_only_the_lan_can_ask(void **state)
{
	(void)state;
	in_child(be_asked_from_outside);
}

static void move_lan(void)
{
	struct site s;
	int before;

	open_site(&s, "on");
	before = open_descriptors();
	must_set(&s, "nat.lan", "lan1");
	CHECK(LAN1(&s) == SUCCESS);
	CHECK(LAN0(&s) == REFUSED);
	must_set(&s, "nat.lan", "lan0");
	CHECK(LAN0(&s) == SUCCESS);
	CHECK(LAN1(&s) == REFUSED);
	CHECK(open_descriptors() == before);
	close_site(&s);
}

static void test_socket_goes_where_the_lan_goes(void **state)
{
	(void)state;
	in_child(move_lan);
}

/* The name is the same, the interface is not. */
static void renew_lan(void)
{
	struct site s;

	open_site(&s, "on");
	run("ip link del lan0");
	lay_cable(&s, "lan0", "192.168.1.1", "client0", "192.168.1.2");
	CHECK(configure(&s) == 0);
	CHECK(LAN0(&s) == SUCCESS);
	close_site(&s);
}

static void test_interface_that_was_made_anew_is_served_again(void **state)
{
	(void)state;
	in_child(renew_lan);
}

/* --- what goes wrong ------------------------------------------------------------------------ */

static void miss_port(void)
{
	struct daemon before;
	struct site s;
	int other, descriptors;

	open_site(&s, "off");
	other = take_port(NULL);
	descriptors = open_descriptors();
	before = s.d;
	want(&s, "pcp.server", "on");
	want(&s, "nat.max-mappings", "50");
	want(&s, "nat.seed", "2");
	CHECK(configure(&s) == -EADDRINUSE);
	CHECK(memcmp(&s.d, &before, sizeof(before)) == 0);
	CHECK(strstr(s.why, "pcp.server") != NULL && strstr(s.why, "5351") != NULL);
	CHECK(strstr(s.why, "'lan0'") != NULL);
	CHECK(open_descriptors() == descriptors);
	close(other);
	CHECK(configure(&s) == 0);
	CHECK(LAN0(&s) == SUCCESS);
	close_site(&s);
}

static void test_port_that_another_has_changes_nothing_and_is_named(void **state)
{
	(void)state;
	in_child(miss_port);
}

static void miss_port_elsewhere(void)
{
	struct site s;
	int other;

	open_site(&s, "on");
	other = take_port("lan1");
	want(&s, "nat.lan", "lan1");
	CHECK(configure(&s) == -EADDRINUSE);
	CHECK(strstr(s.why, "'lan1'") != NULL);
	CHECK(LAN0(&s) == SUCCESS); /* it is still where it was */
	close(other);
	close_site(&s);
}

static void test_socket_that_cannot_move_stays(void **state)
{
	(void)state;
	in_child(miss_port_elsewhere);
}

static void share_port(void)
{
	struct site s;
	int other;

	open_site(&s, "off");
	other = take_port("wan0");
	must_set(&s, "pcp.server", "on");
	CHECK(LAN0(&s) == SUCCESS);
	close(other);
	close_site(&s);
}

static void test_port_may_be_anothers_on_the_wan(void **state)
{
	(void)state;
	in_child(share_port);
}

static void send_nonsense(void)
{
	struct told t;
	struct site s;
	int fd;

	open_site(&s, "on");
	fd = open_host(&s, "client0", "192.168.1.1");
	CHECK(send(fd, "", 0, 0) == 0); /* no answer, and the next is served */
	CHECK(send_and_hear(&s, fd, ask_wire(ask_map(ep("192.168.1.2:5000"))), &t) == SUCCESS);
	for (size_t length = PCP_MAX + 1; length <= 1472; length++) {
		struct wire w = wire_take(length);

		w.at[0] = 2;
		CHECK(send_and_hear(&s, fd, w, &t) == MALFORMED);
	}
	close(fd);
	close_site(&s);
}

static void test_nonsense_harms_nobody(void **state)
{
	(void)state;
	in_child(send_nonsense);
}

static void be_flooded(void)
{
	struct pollfd p = { .events = POLLIN };
	uint64_t asked = 0;
	struct site s;
	int fd;

	open_site(&s, "on");
	CHECK(LAN0(&s) == SUCCESS); /* so that both know where the other is */
	fd = open_host(&s, "client0", "192.168.1.1");
	for (unsigned int i = 0; i < 40; i++, asked++) {
		struct wire w = ask_wire(ask_map(ep_port(ep("192.168.1.2:0"), 6000 + i)));

		CHECK(send(fd, w.at, w.len, 0) == (ssize_t)w.len);
	}
	p.fd = s.d.pcp.fd;
	CHECK(poll(&p, 1, PATIENCE_MS) == 1);
	pcp_socket_serve(&s.d.pcp, &s.d.nat, s.d.now);
	CHECK(s.d.nat.leases.count == 1 + 32); /* then it is the turn of others */
	pcp_socket_serve(&s.d.pcp, &s.d.nat, s.d.now);
	CHECK(s.d.nat.leases.count == 1 + 40);
	pcp_socket_serve(&s.d.pcp, &s.d.nat, s.d.now); /* nothing: it does not wait */
	close(fd);
	close_site(&s);
}

static void test_flood_leaves_others_their_turn(void **state)
{
	(void)state;
	in_child(be_flooded);
}

/* --- epoch ---------------------------------------------------------------------------------- */

static void tell_epoch(void)
{
	struct site s;

	open_site(&s, "on");
	s.d.now = AT_S(100);
	CHECK(epoch(&s) == 100);
	must_set(&s, "udp.filtering", "eif"); /* nobody has lost anything */
	s.d.now = AT_S(200);
	CHECK(epoch(&s) == 200);
	must_set(&s, "pcp.server", "off");
	s.d.now = AT_S(300);
	must_set(&s, "pcp.server", "on");
	s.d.now = AT_S(310);
	CHECK(epoch(&s) == 10);
	close_site(&s);
}

static void test_epoch_counts_from_when_it_was_opened(void **state)
{
	(void)state;
	in_child(tell_epoch);
}

static void lose_leases(void)
{
	struct site s;

	open_site(&s, "on");
	s.d.now = AT_S(100);
	CHECK(epoch(&s) == 100);
	s.d.now = AT_S(500);
	must_set(&s, "nat.external", "203.0.113.2");
	CHECK(s.d.nat.leases.count == 0);
	s.d.now = AT_S(501);
	CHECK(epoch(&s) == 1); /* not 401: since the change, not since the last request */
	close_site(&s);
}

static void test_epoch_restarts_with_the_change_that_ended_leases(void **state)
{
	(void)state;
	in_child(lose_leases);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_knob_opens_and_closes_the_socket),
		cmocka_unit_test(test_daemon_starts_with_it),
		cmocka_unit_test(test_request_wakes_the_loop),
		cmocka_unit_test(test_answers_come_from_the_address_that_was_asked),
		cmocka_unit_test(test_only_the_lan_can_ask),
		cmocka_unit_test(test_socket_goes_where_the_lan_goes),
		cmocka_unit_test(test_interface_that_was_made_anew_is_served_again),
		cmocka_unit_test(test_port_that_another_has_changes_nothing_and_is_named),
		cmocka_unit_test(test_socket_that_cannot_move_stays),
		cmocka_unit_test(test_port_may_be_anothers_on_the_wan),
		cmocka_unit_test(test_nonsense_harms_nobody),
		cmocka_unit_test(test_flood_leaves_others_their_turn),
		cmocka_unit_test(test_epoch_counts_from_when_it_was_opened),
		cmocka_unit_test(test_epoch_restarts_with_the_change_that_ended_leases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
