/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * New knobs for the whole daemon, on a machine with real interfaces: in a child process with a
 * network namespace of its own, which ends with it. Where none can be made, the test is skipped.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nat/daemon/daemon.h"
#include "tests/unit/netns.h"

/* --- helpers -------------------------------------------------------------------------------- */

static void run(const char *command)
{
	errno = 0;
	if (system(command) != 0)
		give_up(command);
}

struct site {
	struct daemon d;
	struct options wanted; /* what the next configure() asks for */
	char why[CONFIG_WHY_MAX];
	struct mono now;
};

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

/* A machine with lan0 and wan0 (two addresses), and a daemon as main.c has made it. */
static void open_site(struct site *s)
{
	struct config_resolved resolved;
	struct siphash_key key;

	enter_namespace();
	run("ip link add lan0 type veth peer name wan0 2>&1");
	run("ip address add 192.168.1.1/24 dev lan0");
	run("ip address add 203.0.113.1/24 dev wan0 && ip address add 203.0.113.2/24 dev wan0");
	memset(s, 0, sizeof(*s));
	options_init(&s->wanted);
	want(s, "nat.lan", "lan0");
	want(s, "nat.wan", "wan0");
	want(s, "nat.max-mappings", "100");
	want(s, "nat.max-sessions", "200");
	want(s, "nat.seed", "1");
	CHECK(config_resolve(&s->wanted, &resolved, s->why, sizeof(s->why)) == 0);
	CHECK(rng_key(1, &key) == 0);
	CHECK(nat_init(&s->d.nat, &resolved.options, &key) == 0);
	s->d.asked = s->wanted;
	s->d.queue.lan = resolved.lan;
	s->d.queue.wan = resolved.wan;
}

static void close_site(struct site *s)
{
	nat_fini(&s->d.nat);
	wire_free_all();
}

static bool has_external(const struct site *s, const char *address)
{
	struct endpoint e = ep(address);

	return ports_find(&s->d.nat.ports, &e.addr) != NAT_NONE;
}

/* Send a packet out; the external port it got. */
static uint16_t send_out(struct site *s, uint16_t port)
{
	struct endpoint from = ep("192.168.1.2:0");
	struct nat_outcome outcome;
	struct packet packet;
	struct wire w;

	from.port = port;
	w = wire_udp(from, Y1);
	packet_init(&packet, w.at, w.len, w.len, false);
	outcome = nat_process(&s->d.nat, &packet, NAT_INTERNAL, s->now);
	CHECK(outcome.verdict == NAT_REWRITTEN);
	return wire_get16(w.at + 20);
}

/* --- interfaces ----------------------------------------------------------------------------- */

static void set_interfaces(void)
{
	struct site s;

	open_site(&s);
	run("ip link add lan1 type veth peer name wan1 2>&1");
	run("ip address add 198.51.100.1/24 dev wan1");
	want(&s, "nat.lan", "lan1");
	want(&s, "nat.wan", "wan1");
	CHECK(configure(&s) == 0);
	CHECK(s.d.queue.lan == if_nametoindex("lan1"));
	CHECK(s.d.queue.wan == if_nametoindex("wan1"));
	CHECK(memcmp(&s.d.asked, &s.wanted, sizeof(s.wanted)) == 0);
	CHECK(strcmp(s.d.nat.options.wan, "wan1") == 0);
	CHECK(s.d.nat.ports.count == 1 && has_external(&s, "198.51.100.1:0"));
	close_site(&s);
}

static void test_other_interfaces_are_taken(void **state)
{
	(void)state;
	in_child(set_interfaces);
}

static void miss_interface(void)
{
	static const char *const keys[] = { "nat.lan", "nat.wan" };
	struct daemon before;
	struct site s;

	open_site(&s);
	for (size_t i = 0; i < 2; i++) {
		s.wanted = s.d.asked;
		before = s.d;
		want(&s, keys[i], "nowhere0");
		want(&s, "nat.max-mappings", "50");
		want(&s, "nat.seed", "2");
		want(&s, "udp.filtering", "endpoint-independent");
		CHECK(configure(&s) == -ENODEV);
		CHECK(memcmp(&s.d, &before, sizeof(before)) == 0);
		CHECK(strstr(s.why, keys[i]) != NULL);
		CHECK(strstr(s.why, "'nowhere0'") != NULL);
		CHECK(strstr(s.why, "lo") != NULL);
		CHECK(strstr(s.why, "lan0") != NULL && strstr(s.why, "wan0") != NULL);
	}
	close_site(&s);
}

static void test_missing_interface_changes_nothing_and_names_those_there_are(void **state)
{
	(void)state;
	in_child(miss_interface);
}

static void rename_interface(void)
{
	struct site s;

	open_site(&s);
	run("ip link set wan0 name gone0");
	want(&s, "nat.max-mappings", "50");
	CHECK(configure(&s) == -ENODEV);
	CHECK(s.d.nat.mappings.arena.limit == 100);
	run("ip link set gone0 name wan0");
	CHECK(configure(&s) == 0);
	CHECK(s.d.nat.mappings.arena.limit == 50);
	close_site(&s);
}

static void test_interface_that_is_there_again_is_found(void **state)
{
	(void)state;
	in_child(rename_interface);
}

/* --- external addresses --------------------------------------------------------------------- */

static void resolve_auto(void)
{
	struct site s;

	open_site(&s);
	want(&s, "nat.external", "198.51.100.7");
	CHECK(configure(&s) == 0);
	CHECK(s.d.nat.ports.count == 1 && has_external(&s, "198.51.100.7:0"));
	want(&s, "nat.external", "auto");
	CHECK(configure(&s) == 0);
	CHECK(s.d.nat.ports.count == 2);
	CHECK(has_external(&s, "203.0.113.1:0") && has_external(&s, "203.0.113.2:0"));
	CHECK(s.d.asked.external.count == 0); /* what was asked for is still auto */
	CHECK(s.d.nat.options.external.count == 2);
	close_site(&s);
}

static void test_auto_takes_the_addresses_of_the_wan(void **state)
{
	(void)state;
	in_child(resolve_auto);
}

static void readdress(void)
{
	struct site s;

	open_site(&s);
	send_out(&s, 5000);
	CHECK(configure(&s) == 0); /* the same again: what there is stays */
	CHECK(s.d.nat.mappings.arena.live == 1);
	run("ip address flush dev wan0 && ip address add 203.0.113.9/24 dev wan0");
	CHECK(has_external(&s, "203.0.113.1:0")); /* nobody has told the daemon yet */
	CHECK(configure(&s) == 0);
	CHECK(s.d.nat.ports.count == 1 && has_external(&s, "203.0.113.9:0"));
	CHECK(s.d.nat.mappings.arena.live == 0);
	CHECK(s.d.nat.sessions.arena.live == 0);
	close_site(&s);
}

static void test_auto_is_looked_up_each_time(void **state)
{
	(void)state;
	in_child(readdress);
}

static void miss_address(void)
{
	struct daemon before;
	struct site s;

	open_site(&s);
	run("ip address flush dev wan0");
	before = s.d;
	want(&s, "nat.seed", "2");
	CHECK(configure(&s) == -EADDRNOTAVAIL);
	CHECK(memcmp(&s.d, &before, sizeof(before)) == 0);
	CHECK(strstr(s.why, "nat.external") != NULL && strstr(s.why, "wan0") != NULL);
	want(&s, "nat.external", "203.0.113.1");
	CHECK(configure(&s) == 0);
	CHECK(s.d.nat.ports.count == 1);
	close_site(&s);
}

static void test_auto_without_an_address_changes_nothing_and_says_why(void **state)
{
	(void)state;
	in_child(miss_address);
}

/* --- seed ----------------------------------------------------------------------------------- */

static bool is_at_start_of(const struct site *s, uint64_t seed)
{
	struct rng fresh, actual = s->d.nat.rng;
	struct siphash_key key;

	CHECK(rng_key(seed, &key) == 0);
	rng_init(&fresh, &key);
	for (int i = 0; i < 8; i++)
		if (rng_next(&actual) != rng_next(&fresh))
			return false;
	return true;
}

static void change_seed(void)
{
	uint16_t ports[8], again[8];
	struct site s;

	open_site(&s);
	send_out(&s, 4999);
	CHECK(!is_at_start_of(&s, 1));
	want(&s, "nat.seed", "7");
	CHECK(configure(&s) == 0);
	CHECK(is_at_start_of(&s, 7));
	want(&s, "nat.seed", "8");
	CHECK(configure(&s) == 0);
	CHECK(is_at_start_of(&s, 8));
	/* The same ports are picked again. */
	for (int i = 0; i < 8; i++)
		ports[i] = send_out(&s, (uint16_t)(5000 + i));
	s.now = AT_S(1000000);
	nat_tick(&s.d.nat, s.now, 1000);
	CHECK(s.d.nat.mappings.arena.live == 0);
	want(&s, "nat.seed", "7");
	CHECK(configure(&s) == 0);
	want(&s, "nat.seed", "8");
	CHECK(configure(&s) == 0);
	for (int i = 0; i < 8; i++)
		again[i] = send_out(&s, (uint16_t)(5000 + i));
	CHECK(memcmp(ports, again, sizeof(ports)) == 0);
	close_site(&s);
}

static void test_changed_seed_restarts_the_random_stream(void **state)
{
	(void)state;
	in_child(change_seed);
}

static void keep_seed(void)
{
	struct rng before;
	struct site s;

	open_site(&s);
	send_out(&s, 5000);
	before = s.d.nat.rng;
	want(&s, "udp.filtering", "endpoint-independent");
	CHECK(configure(&s) == 0);
	CHECK(memcmp(&s.d.nat.rng, &before, sizeof(before)) == 0);
	close_site(&s);
}

static void test_same_seed_lets_the_random_stream_go_on(void **state)
{
	(void)state;
	in_child(keep_seed);
}

static void free_seed(void)
{
	struct siphash_key first;
	struct site s;

	open_site(&s);
	want(&s, "nat.seed", "random");
	CHECK(configure(&s) == 0);
	first = s.d.nat.rng.key;
	want(&s, "nat.seed", "1");
	CHECK(configure(&s) == 0);
	want(&s, "nat.seed", "random");
	CHECK(configure(&s) == 0);
	CHECK(memcmp(&s.d.nat.rng.key, &first, sizeof(first)) != 0);
	close_site(&s);
}

static void test_random_seed_is_another_each_time(void **state)
{
	(void)state;
	in_child(free_seed);
}

/* --- limits --------------------------------------------------------------------------------- */

static void change_limits(void)
{
	struct packet packet;
	struct site s;
	struct wire w;

	open_site(&s);
	for (uint16_t i = 0; i < 5; i++)
		send_out(&s, (uint16_t)(5000 + i));
	want(&s, "nat.max-mappings", "3");
	want(&s, "nat.max-sessions", "4");
	CHECK(configure(&s) == 0);
	CHECK(s.d.nat.mappings.arena.limit == 3 && s.d.nat.sessions.arena.limit == 4);
	CHECK(s.d.nat.mappings.arena.live == 5); /* what there is stays */
	w = wire_udp(H2, Y1);
	packet_init(&packet, w.at, w.len, w.len, false);
	CHECK(nat_process(&s.d.nat, &packet, NAT_INTERNAL, s.now).verdict == NAT_DROPPED);
	want(&s, "nat.max-sessions", "2000");
	want(&s, "nat.max-mappings", "1000");
	CHECK(configure(&s) == 0);
	CHECK(s.d.nat.mappings.arena.limit == 1000 && s.d.nat.sessions.arena.limit == 2000);
	for (uint16_t i = 0; i < 900; i++)
		send_out(&s, (uint16_t)(6000 + i));
	CHECK(s.d.nat.mappings.arena.live == 905);
	CHECK(nat_invariants(&s.d.nat) == NULL);
	close_site(&s);
}

static void test_limits_are_applied(void **state)
{
	(void)state;
	in_child(change_limits);
}

static void want_too_much(void)
{
	struct rlimit memory = { .rlim_cur = 48 << 20, .rlim_max = 48 << 20 };
	struct daemon before;
	struct site s;

	open_site(&s);
	send_out(&s, 5000);
	before = s.d;
	want(&s, "nat.max-mappings", "300"); /* for these there is, and they are taken back */
	want(&s, "nat.max-sessions", "1000000");
	want(&s, "nat.seed", "2");
	want(&s, "nat.external", "203.0.113.3");
	CHECK(setrlimit(RLIMIT_AS, &memory) == 0);
	CHECK(configure(&s) == -ENOMEM);
	CHECK(strstr(s.why, "memory") != NULL);
	CHECK(memcmp(&s.d.asked, &before.asked, sizeof(before.asked)) == 0);
	CHECK(memcmp(&s.d.nat.options, &before.nat.options, sizeof(before.nat.options)) == 0);
	CHECK(memcmp(&s.d.nat.rng, &before.nat.rng, sizeof(before.nat.rng)) == 0);
	CHECK(s.d.nat.mappings.arena.limit == 100 && s.d.nat.sessions.arena.limit == 200);
	CHECK(s.d.nat.mappings.arena.live == 1);
	CHECK(has_external(&s, "203.0.113.1:0") && !has_external(&s, "203.0.113.3:0"));
	CHECK(nat_invariants(&s.d.nat) == NULL);
	send_out(&s, 5001);
	close_site(&s);
}

static void test_tables_there_is_no_memory_for_change_nothing(void **state)
{
	(void)state;
#ifdef __SANITIZE_ADDRESS__
	skip(); /* its shadow is larger than any limit */
#endif
	in_child(want_too_much);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_other_interfaces_are_taken),
		cmocka_unit_test(test_missing_interface_changes_nothing_and_names_those_there_are),
		cmocka_unit_test(test_interface_that_is_there_again_is_found),
		cmocka_unit_test(test_auto_takes_the_addresses_of_the_wan),
		cmocka_unit_test(test_auto_is_looked_up_each_time),
		cmocka_unit_test(test_auto_without_an_address_changes_nothing_and_says_why),
		cmocka_unit_test(test_changed_seed_restarts_the_random_stream),
		cmocka_unit_test(test_same_seed_lets_the_random_stream_go_on),
		cmocka_unit_test(test_random_seed_is_another_each_time),
		cmocka_unit_test(test_limits_are_applied),
		cmocka_unit_test(test_tables_there_is_no_memory_for_change_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
