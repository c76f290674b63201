/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * packets.explain: what it foretells is what happens then, and foretelling changes nothing. The copy
 * of the process is real; fork() and the clock are doubles, so that a copy can fail or hang.
 */
#include <dlfcn.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include "nat/daemon/loop.h"
#include "tests/unit/methods.h"
#include "tests/unit/sockets.h"

/* --- doubles -------------------------------------------------------------------------------- */

static enum { COPY, REFUSE, DIE, HANG, STAMMER } fork_does;
static int64_t clock_step; /* how much later it is each time that somebody asks */

pid_t fork(void)
{
	union {
		void *symbol;
		pid_t (*call)(void);
	} real = { .symbol = dlsym(RTLD_NEXT, "fork") };
	pid_t pid;

	if (fork_does == REFUSE) {
		errno = ENOMEM;
		return -1;
	}
	pid = real.call();
	if (pid == 0 && fork_does == DIE)
		_exit(0);
	while (pid == 0 && fork_does == HANG)
		pause();
	if (pid == 0 && fork_does == STAMMER) { /* half an answer, into whatever pipe there is */
		for (int fd = 3; fd < 64; fd++)
			if (write(fd, "half", 4) == 4)
				break;
		_exit(0);
	}
	return pid;
}

struct mono loop_now(void)
{
	static int64_t later;
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	later += clock_step;
	return (struct mono){ .ms = ts.tv_sec * 1000 + ts.tv_nsec / 1000000 + later };
}

/* --- the bench ------------------------------------------------------------------------------ */

static int explain_setup(void **state)
{
	fork_does = COPY;
	clock_step = 0;
	return methods_setup(state);
}

#define explain_test(f) cmocka_unit_test_setup_teardown(f, explain_setup, methods_teardown)

static void set(struct daemon *d, const char *key, const char *value)
{
	char params[512];

	snprintf(params, sizeof(params), "{\"options\":{\"%s\":\"%s\"}}", key, value);
	json_decref(result(d, "options.set", params));
}

/* All that a client can see of the tables. */
static char *seen(struct daemon *d)
{
	static const char *const methods[] = { "status",     "mappings.list", "sessions.list",
					       "hosts.list", "events.list",   "counters.get",
					       "options.get" };
	json_t *all = json_array();
	char *text;

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		json_array_append_new(all, result(d, methods[i], ""));
	text = json_dumps(all, JSON_COMPACT);
	json_decref(all);
	return text;
}

/* The answer to a question that must change nothing, not even what nobody can see. */
static json_t *explained(struct daemon *d, const char *params)
{
	int descriptors = open_descriptors();
	struct daemon *before = malloc(sizeof(*before));
	char *text = seen(d), *after;
	json_t *answer;

	assert_non_null(before);
	memcpy(before, d, sizeof(*before));
	answer = result(d, "packets.explain", params);
	assert_memory_equal(before, d, sizeof(*before));
	after = seen(d);
	assert_string_equal(after, text);
	assert_int_equal(open_descriptors(), descriptors);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no copy is left, not even a dead one */
	assert_int_equal(errno, ECHILD);
	free(before);
	free(after);
	free(text);
	return answer;
}

static const char *text_at(const json_t *object, const char *member, const char *name)
{
	const char *text =
		json_string_value(json_object_get(json_object_get(object, member), name));

	return text != NULL ? text : "";
}

static bool flag_at(const json_t *object, const char *member, const char *name)
{
	return json_is_true(json_object_get(json_object_get(object, member), name));
}

/* Ask about @w, a packet that @params describes, then let it come: both times the same happens. */
static json_t *foretell(struct daemon *d, const char *params, struct wire w, enum nat_side from)
{
	json_t *answer = explained(d, params);
	char source[ENDPOINT_TEXT_MAX], destination[ENDPOINT_TEXT_MAX];
	struct nat_outcome outcome;
	struct packet pkt;

	packet_init(&pkt, w.at, w.len, w.len, false);
	outcome = nat_process(&d->nat, &pkt, from, d->now);
	assert_text(answer, "reason", reason_spec(outcome.reason)->name);
	assert_text(answer, "verdict",
		    outcome.verdict == NAT_REWRITTEN ? "rewritten"
		    : outcome.verdict == NAT_PASS    ? "passed"
						     : "dropped");
	assert_string_equal(text_at(answer, "knob", "key"),
			    outcome.knob != OPT_NONE ? option_spec(outcome.knob)->key : "");
	if (outcome.verdict == NAT_DROPPED) {
		assert_true(json_is_null(json_object_get(answer, "after")));
	} else if (pkt.protocol == PACKET_UDP || pkt.protocol == PACKET_TCP) {
		assert_string_equal(text_at(answer, "after", "source"),
				    endpoint_format(&pkt.source, source));
		assert_string_equal(text_at(answer, "after", "destination"),
				    endpoint_format(&pkt.destination, destination));
	}
	if (outcome.mapping == NAT_NONE)
		assert_true(json_is_null(json_object_get(answer, "mapping")));
	else
		assert_number(json_object_get(answer, "mapping"), "id", outcome.mapping);
	if (outcome.session == NAT_NONE)
		assert_true(json_is_null(json_object_get(answer, "session")));
	else
		assert_number(json_object_get(answer, "session"), "id", outcome.session);
	return answer;
}

static void foretell_as(struct daemon *d, const char *params, struct wire w, enum nat_side from,
			const char *reason)
{
	json_t *answer = foretell(d, params, w, from);

	assert_text(answer, "reason", reason);
	json_decref(answer);
}

#define UDP_OUT(from, to) \
	"{\"protocol\":\"udp\",\"source\":\"" from "\",\"destination\":\"" to "\"}"
#define IN(protocol, from, to)                                                         \
	"{\"protocol\":\"" protocol "\",\"source\":\"" from "\",\"destination\":\"" to \
	"\",\"from\":\"external\"}"

/* The endpoint that stands for H1 of UDP, in a question from outside. */
static const char *to_external(const char *protocol, const char *remote,
			       const struct endpoint *external)
{
	static char params[256];
	char text[ENDPOINT_TEXT_MAX];

	snprintf(params, sizeof(params),
		 "{\"protocol\":\"%s\",\"source\":\"%s\",\"destination\":\"%s\",\"from\":"
		 "\"external\"}",
		 protocol, remote, endpoint_format(external, text));
	return params;
}

static struct endpoint opened(struct daemon *d, const char *internal, const char *remote)
{
	struct wire w = wire_udp(ep(internal), ep(remote));

	assert_int_equal(pass(d, w, NAT_INTERNAL).verdict, NAT_REWRITTEN);
	return wire_source(w);
}

/* --- what is foretold ----------------------------------------------------------------------- */

static void test_explain_foretells_the_port_of_a_new_mapping(void **state)
{
	static const char *const strategies[] = { "random", "preserve", "sequential", "contiguous",
						  "overload" };
	struct daemon *d = *state;

	for (size_t i = 0; i < sizeof(strategies) / sizeof(strategies[0]); i++) {
		set(d, "udp.ports", strategies[i]);
		for (int k = 0; k < 20; k++) {
			char internal[32], params[256];
			json_t *answer;

			snprintf(internal, sizeof(internal), "192.168.1.%d:5000", k % 4 + 2);
			snprintf(params, sizeof(params),
				 "{\"protocol\":\"udp\",\"source\":\"%s\",\"destination\":\"203.0."
				 "113.10:%d\"}",
				 internal, 7000 + k);
			answer = foretell(d, params,
					  wire_udp(ep(internal), ep_port(ep("203.0.113.10:1"),
									 7000 + (unsigned)k)),
					  NAT_INTERNAL);
			assert_int_equal(
				flag_at(answer, "mapping", "new"),
				strcmp(json_string_value(json_object_get(answer, "reason")),
				       "mapping-created") == 0);
			json_decref(answer);
		}
		json_decref(result(d, "mappings.flush", "{\"all\":true}"));
	}
}

static void test_explain_foretells_what_a_known_session_does(void **state)
{
	struct daemon *d = *state;
	struct endpoint e = opened(d, "192.168.1.2:5000", "203.0.113.10:7000");
	json_t *answer;

	answer = foretell(d, UDP_OUT("192.168.1.2:5000", "203.0.113.10:7000"),
			  wire_udp(ep("192.168.1.2:5000"), ep("203.0.113.10:7000")), NAT_INTERNAL);
	assert_text(answer, "reason", "translated");
	assert_false(flag_at(answer, "mapping", "new"));
	assert_false(flag_at(answer, "session", "new"));
	json_decref(answer);
	answer = foretell(d, to_external("udp", "203.0.113.10:7000", &e),
			  wire_udp(ep("203.0.113.10:7000"), e), NAT_EXTERNAL);
	assert_text(answer, "reason", "translated");
	assert_string_equal(text_at(answer, "after", "destination"), "192.168.1.2:5000");
	json_decref(answer);
	/* One more remote: the same mapping, another session. */
	answer = foretell(d, UDP_OUT("192.168.1.2:5000", "203.0.113.11:7000"),
			  wire_udp(ep("192.168.1.2:5000"), ep("203.0.113.11:7000")), NAT_INTERNAL);
	assert_text(answer, "reason", "session-created");
	assert_false(flag_at(answer, "mapping", "new"));
	assert_true(flag_at(answer, "session", "new"));
	json_decref(answer);
}

static void test_explain_foretells_each_kind_of_filtering(void **state)
{
	static const struct {
		const char *filtering, *same, *port, *other;
	} cases[] = {
		{ "endpoint-independent", "translated", "admitted", "admitted" },
		{ "address-dependent", "translated", "admitted", "filtered" },
		{ "address-and-port-dependent", "translated", "filtered", "filtered" },
	};
	struct daemon *d = *state;
	struct endpoint e;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		set(d, "udp.filtering", cases[i].filtering);
		json_decref(result(d, "mappings.flush", "{\"all\":true}"));
		e = opened(d, "192.168.1.2:5000", "203.0.113.10:7000");
		foretell_as(d, to_external("udp", "203.0.113.10:7000", &e),
			    wire_udp(ep("203.0.113.10:7000"), e), NAT_EXTERNAL, cases[i].same);
		foretell_as(d, to_external("udp", "203.0.113.10:7001", &e),
			    wire_udp(ep("203.0.113.10:7001"), e), NAT_EXTERNAL, cases[i].port);
		foretell_as(d, to_external("udp", "203.0.113.11:7000", &e),
			    wire_udp(ep("203.0.113.11:7000"), e), NAT_EXTERNAL, cases[i].other);
	}
}

static void test_explain_foretells_hairpins(void **state)
{
	struct daemon *d = *state;
	struct endpoint e = opened(d, "192.168.1.3:5000", "203.0.113.10:7000");
	char params[256], text[ENDPOINT_TEXT_MAX];
	json_t *answer;

	set(d, "udp.filtering", "endpoint-independent");
	snprintf(params, sizeof(params),
		 "{\"protocol\":\"udp\",\"source\":\"192.168.1.2:5000\",\"destination\":\"%s\"}",
		 endpoint_format(&e, text));
	answer = foretell(d, params, wire_udp(ep("192.168.1.2:5000"), e), NAT_INTERNAL);
	assert_text(answer, "reason", "hairpin");
	assert_string_equal(text_at(answer, "after", "destination"), "192.168.1.3:5000");
	assert_string_equal(text_at(answer, "knob", "key"), "nat.hairpin");
	json_decref(answer);
	set(d, "nat.hairpin", "off");
	foretell_as(d, params, wire_udp(ep("192.168.1.2:5000"), e), NAT_INTERNAL, "hairpin-off");
}

static void test_explain_foretells_limits(void **state)
{
	struct daemon *d = *state;
	json_t *answer;

	set(d, "udp.port-range", "5000-5001");
	opened(d, "192.168.1.2:5000", "203.0.113.10:7000");
	opened(d, "192.168.1.2:5001", "203.0.113.10:7000");
	answer = foretell(d, UDP_OUT("192.168.1.2:5002", "203.0.113.10:7000"),
			  wire_udp(ep("192.168.1.2:5002"), ep("203.0.113.10:7000")), NAT_INTERNAL);
	assert_text(answer, "reason", "ports-exhausted");
	assert_string_equal(text_at(answer, "knob", "key"), "nat.external");
	assert_string_equal(text_at(answer, "reply", "kind"), "icmp");
	assert_number(json_object_get(answer, "reply"), "code", 13);
	assert_string_equal(text_at(answer, "reply", "destination"), "192.168.1.2");
	json_decref(answer);
	set(d, "udp.port-range", "1024-65535");
	set(d, "udp.max-mappings-per-host", "2");
	foretell_as(d, UDP_OUT("192.168.1.2:5002", "203.0.113.10:7000"),
		    wire_udp(ep("192.168.1.2:5002"), ep("203.0.113.10:7000")), NAT_INTERNAL,
		    "host-quota");
	set(d, "nat.max-sessions-per-mapping", "1");
	foretell_as(d, UDP_OUT("192.168.1.2:5001", "203.0.113.11:7000"),
		    wire_udp(ep("192.168.1.2:5001"), ep("203.0.113.11:7000")), NAT_INTERNAL,
		    "mapping-quota");
	set(d, "udp.max-mappings-per-host", "0");
	set(d, "udp.new-mappings-per-second", "1");
	opened(d, "192.168.1.2:6000", "203.0.113.10:7000");
	foretell_as(d, UDP_OUT("192.168.1.2:6001", "203.0.113.10:7000"),
		    wire_udp(ep("192.168.1.2:6001"), ep("203.0.113.10:7000")), NAT_INTERNAL,
		    "rate-quota");
}

static void test_explain_foretells_what_rules_lead_where(void **state)
{
	struct daemon *d = *state;
	json_t *answer;

	foretell_as(d, IN("udp", "203.0.113.10:7000", "203.0.113.1:8080"),
		    wire_udp(ep("203.0.113.10:7000"), ep("203.0.113.1:8080")), NAT_EXTERNAL,
		    "no-mapping");
	set(d, "nat.forwards", "udp:8080=192.168.1.2:80");
	answer = foretell(d, IN("udp", "203.0.113.10:7000", "203.0.113.1:8080"),
			  wire_udp(ep("203.0.113.10:7000"), ep("203.0.113.1:8080")), NAT_EXTERNAL);
	assert_text(answer, "reason", "session-created");
	assert_string_equal(text_at(answer, "knob", "key"), "nat.forwards");
	assert_true(flag_at(answer, "mapping", "fixed"));
	assert_true(flag_at(answer, "mapping", "new"));
	assert_string_equal(text_at(answer, "session", "opened_by"), "external");
	json_decref(answer);
	set(d, "nat.exempt", "203.0.113.11");
	foretell_as(d, UDP_OUT("192.168.1.2:5000", "203.0.113.11:53"),
		    wire_udp(ep("192.168.1.2:5000"), ep("203.0.113.11:53")), NAT_INTERNAL,
		    "exempt");
}

/* What would end mappings ends none here. */
static void test_explain_of_a_fault_harms_nobody(void **state)
{
	struct daemon *d = *state;
	struct endpoint e = opened(d, "192.168.1.2:5000", "203.0.113.10:7000");

	set(d, "udp.kill-on-unsolicited", "on");
	foretell_as(d, to_external("udp", "203.0.113.11:9", &e), wire_udp(ep("203.0.113.11:9"), e),
		    NAT_EXTERNAL, "mapping-killed");
	assert_listed(d, 0);
	set(d, "udp.ports", "overload");
	opened(d, "192.168.1.2:5000", "203.0.113.10:7000");
	foretell_as(d, UDP_OUT("192.168.1.3:5000", "203.0.113.10:7000"),
		    wire_udp(ep("192.168.1.3:5000"), ep("203.0.113.10:7000")), NAT_INTERNAL,
		    "mapping-created");
	assert_listed(d, 1);
}

static void test_explain_foretells_icmp_and_other_protocols(void **state)
{
	struct daemon *d = *state;
	struct endpoint e;
	struct wire w;
	json_t *answer;

	answer = foretell(d,
			  "{\"protocol\":\"icmp\",\"source\":\"192.168.1.2:77\","
			  "\"destination\":\"203.0.113.10\"}",
			  w = wire_ping(ep("192.168.1.2:77"), ep("203.0.113.10:0")), NAT_INTERNAL);
	assert_text(answer, "reason", "mapping-created");
	e = wire_source(w);
	assert_number(json_object_get(answer, "packet"), "type", 8);
	assert_string_equal(text_at(answer, "after", "destination"), "203.0.113.10");
	json_decref(answer);
	/* Who was asked answers. */
	answer = foretell(d, to_external("icmp", "203.0.113.10", &e),
			  wire_pong(ep("203.0.113.10:0"), e), NAT_EXTERNAL);
	assert_text(answer, "reason", "translated");
	assert_number(json_object_get(answer, "packet"), "type", 0);
	assert_string_equal(text_at(answer, "after", "destination"), "192.168.1.2:77");
	json_decref(answer);
	answer = explained(d, "{\"protocol\":\"other\",\"number\":47,\"source\":\"192.168.1.2\","
			      "\"destination\":\"203.0.113.10\"}");
	assert_text(answer, "reason", "protocol");
	json_decref(answer);
	set(d, "other.protocols", "47");
	answer = explained(d, "{\"protocol\":\"other\",\"number\":47,\"source\":\"192.168.1.2\","
			      "\"destination\":\"203.0.113.10\"}");
	assert_text(answer, "reason", "mapping-created");
	assert_string_equal(text_at(answer, "after", "source"), "203.0.113.1");
	assert_string_equal(text_at(answer, "after", "destination"), "203.0.113.10");
	json_decref(answer);
}

/* --- TCP ------------------------------------------------------------------------------------ */

#define SEGMENT(from, to, bits, sequence, acknowledgment) \
	wire_tcp_with(from, to,                           \
		      (struct wire_tcp){ .flags = bits, .seq = sequence, .ack = acknowledgment })

static json_t *tcp(struct daemon *d, const char *flags, const char *states[2])
{
	char params[256];
	json_t *answer;

	snprintf(params, sizeof(params),
		 "{\"protocol\":\"tcp\",\"source\":\"192.168.1.2:5000\",\"destination\":\"203.0."
		 "113.10:80\"%s%s%s}",
		 *flags != '\0' ? ",\"flags\":\"" : "", flags, *flags != '\0' ? "\"" : "");
	answer = explained(d, params);
	states[0] = text_at(answer, "session", "tcp_before");
	states[1] = text_at(answer, "session", "tcp_after");
	return answer;
}

static void assert_tcp(struct daemon *d, const char *flags, const char *sent, const char *before,
		       const char *after)
{
	const char *states[2];
	json_t *answer = tcp(d, flags, states);

	assert_string_equal(text_at(answer, "packet", "flags"), sent);
	assert_string_equal(states[0], before);
	assert_string_equal(states[1], after);
	json_decref(answer);
}

static void test_explain_of_a_connection_follows_its_states(void **state)
{
	const struct endpoint host = ep("192.168.1.2:5000"), peer = ep("203.0.113.10:80");
	struct daemon *d = *state;
	struct wire w = SEGMENT(host, peer, WIRE_SYN, 0x70000000, 0);
	struct endpoint e;

	assert_tcp(d, "", "SYN", "CLOSED", "INTERNAL_SYN");
	pass(d, w, NAT_INTERNAL);
	e = wire_source(w);
	assert_tcp(d, "", "ACK", "INTERNAL_SYN", "INTERNAL_SYN");
	pass(d, SEGMENT(peer, e, WIRE_SYN | WIRE_ACK, 0xf0000000, 0x70000001), NAT_EXTERNAL);
	assert_tcp(d, "", "ACK", "ESTABLISHED", "ESTABLISHED");
	assert_tcp(d, "fin|ack", "ACK,FIN", "ESTABLISHED", "INTERNAL_FIN");
	assert_tcp(d, "RST", "RST", "ESTABLISHED", "TRANS");
	assert_tcp(d, "rst+ack", "ACK,RST", "ESTABLISHED", "TRANS");
	pass(d, SEGMENT(host, peer, WIRE_RST, 0x70000001, 0), NAT_INTERNAL);
	assert_tcp(d, "syn", "SYN", "TRANS", "INTERNAL_SYN");
}

static void test_explain_of_segments_that_nobody_awaits(void **state)
{
	struct daemon *d = *state;
	const char *states[2];
	json_t *answer = tcp(d, "ack", states);

	assert_text(answer, "reason", "tcp-no-session");
	assert_string_equal(text_at(answer, "knob", "key"), "tcp.non-syn");
	assert_true(json_is_null(json_object_get(answer, "reply")));
	json_decref(answer);
	set(d, "tcp.non-syn", "reset");
	answer = tcp(d, "fin", states);
	assert_string_equal(text_at(answer, "reply", "kind"), "rst");
	json_decref(answer);
	answer = explained(d, IN("tcp", "203.0.113.10:80", "203.0.113.1:81"));
	assert_text(answer, "reason", "syn-held");
	assert_true(json_is_null(json_object_get(answer, "reply")));
	json_decref(answer);
	set(d, "tcp.unsolicited-syn", "reject");
	answer = explained(d, IN("tcp", "203.0.113.10:80", "203.0.113.1:81"));
	assert_text(answer, "reason", "syn-answered");
	assert_number(json_object_get(answer, "reply"), "code", 3);
	json_decref(answer);
}

/* A session that is over has ended when the packet comes, though nobody has taken it away yet. */
static void test_explain_counts_what_is_over_as_gone(void **state)
{
	struct daemon *d = *state;
	json_t *answer;

	set(d, "udp.port-range", "5000-5000");
	opened(d, "192.168.1.2:5000", "203.0.113.10:7000");
	d->now.ms += 300000;
	answer = foretell(d, UDP_OUT("192.168.1.3:5000", "203.0.113.10:7000"),
			  wire_udp(ep("192.168.1.3:5000"), ep("203.0.113.10:7000")), NAT_INTERNAL);
	assert_text(answer, "reason", "mapping-created");
	assert_string_equal(text_at(answer, "after", "source"), "203.0.113.1:5000");
	assert_true(flag_at(answer, "mapping", "new")); /* though it has the old one's number */
	assert_true(flag_at(answer, "session", "new"));
	json_decref(answer);
	/* The same host again, with the same port: that is a new mapping all the same. */
	d->now.ms += 300000;
	answer = explained(d, UDP_OUT("192.168.1.3:5000", "203.0.113.10:7000"));
	assert_text(answer, "reason", "mapping-created");
	assert_number(json_object_get(answer, "mapping"), "id", 0);
	assert_true(flag_at(answer, "mapping", "new"));
	json_decref(answer);
}

/* And its port is free, as it will be: the daemon takes away what is due before it looks at packets. */
static void test_explain_gives_ports_of_what_is_over(void **state)
{
	struct daemon *d = *state;
	json_t *answer;

	set(d, "udp.ports", "preserve");
	opened(d, "192.168.1.2:5000", "203.0.113.10:7000");
	answer = explained(d, UDP_OUT("192.168.1.3:5000", "203.0.113.10:7000"));
	assert_string_not_equal(text_at(answer, "after", "source"), "203.0.113.1:5000");
	json_decref(answer);
	d->now.ms += 300000;
	answer = explained(d, UDP_OUT("192.168.1.3:5000", "203.0.113.10:7000"));
	assert_string_equal(text_at(answer, "after", "source"), "203.0.113.1:5000");
	json_decref(answer);
	nat_tick(&d->nat, d->now, 100);
	assert_int_equal(opened(d, "192.168.1.3:5000", "203.0.113.10:7000").port, 5000);
}

/* Connections that end with a word fill the ring of our own packets many times over. */
static void test_explain_waits_for_all_that_is_due(void **state)
{
	struct daemon *d = *state;
	struct endpoint last;
	json_t *answer;

	set(d, "tcp.expiry", "reset");
	set(d, "tcp.ports", "preserve");
	for (unsigned int i = 0; i < 100; i++) {
		struct endpoint host = ep_port(ep("192.168.1.2:1"), 5000 + i);
		struct endpoint peer = ep("203.0.113.10:80");
		struct wire w = wire_tcp(host, peer, WIRE_SYN);

		pass(d, w, NAT_INTERNAL);
		last = wire_source(w);
		pass(d, wire_tcp(peer, last, WIRE_SYN | WIRE_ACK), NAT_EXTERNAL);
	}
	d->now.ms += 7440000;
	answer = explained(d, IN("tcp", "203.0.113.10:80", "203.0.113.1:5099"));
	assert_text(answer, "reason", "syn-held"); /* not what is known of the connection */
	assert_true(json_is_null(json_object_get(answer, "reply")));
	json_decref(answer);
	answer = explained(d, "{\"protocol\":\"tcp\",\"source\":\"192.168.1.3:5098\","
			      "\"destination\":\"203.0.113.10:80\"}");
	assert_string_equal(text_at(answer, "after", "source"), "203.0.113.1:5098");
	assert_true(json_is_null(json_object_get(answer, "reply")));
	json_decref(answer);
}

/* The packets that are about to be sent are not about this one. */
static void test_explain_tells_only_replies_to_the_packet(void **state)
{
	struct daemon *d = *state;
	json_t *answer;

	set(d, "nat.unmatched", "reject");
	pass(d, wire_udp(ep("203.0.113.10:7000"), ep("203.0.113.1:9")), NAT_EXTERNAL);
	answer = explained(d, UDP_OUT("192.168.1.2:5000", "203.0.113.10:7000"));
	assert_true(json_is_null(json_object_get(answer, "reply")));
	json_decref(answer);
	answer = explained(d, IN("udp", "203.0.113.10:7001", "203.0.113.1:9"));
	assert_number(json_object_get(answer, "reply"), "code", 3);
	json_decref(answer);
	set(d, "nat.unmatched", "drop");
	answer = explained(d, IN("udp", "203.0.113.10:7000", "203.0.113.1:9"));
	assert_true(json_is_null(json_object_get(answer, "reply")));
	json_decref(answer);
}

/* --- in words ------------------------------------------------------------------------------- */

static void assert_explained(struct daemon *d, const char *params, const char *text)
{
	json_t *answer = explained(d, params);

	assert_text(answer, "text", text);
	json_decref(answer);
}

static void test_explain_says_it_in_sentences(void **state)
{
	struct daemon *d = *state;

	set(d, "udp.ports", "preserve");
	set(d, "tcp.ports", "preserve");
	assert_explained(
		d, UDP_OUT("192.168.1.2:6789", "203.0.113.10:7890"),
		"A UDP datagram from 192.168.1.2:6789 to 203.0.113.10:7890, coming from the LAN, "
		"would go on as 203.0.113.1:6789 to 203.0.113.10:7890. Reason mapping-created: "
		"first packet of an internal endpoint: got an external endpoint (RFC 4787 REQ-1). "
		"It would make mapping 0 (192.168.1.2:6789 as 203.0.113.1:6789) and a new session "
		"in it. udp.mapping=endpoint-independent decided: remote part that a mapping is "
		"kept apart by (RFC 4787 REQ-1). The port is picked by udp.ports=preserve.");
	opened(d, "192.168.1.2:6789", "203.0.113.10:7890");
	assert_explained(
		d, UDP_OUT("192.168.1.2:6789", "203.0.113.10:7890"),
		"A UDP datagram from 192.168.1.2:6789 to 203.0.113.10:7890, coming from the LAN, "
		"would go on as 203.0.113.1:6789 to 203.0.113.10:7890. Reason translated: belonged "
		"to a known session (RFC 3022 4.1). It belongs to mapping 0 (192.168.1.2:6789 as "
		"203.0.113.1:6789) and its session 0.");
	assert_explained(
		d, IN("udp", "203.0.113.11:53", "203.0.113.1:6789"),
		"A UDP datagram from 203.0.113.11:53 to 203.0.113.1:6789, coming from the WAN, "
		"would be dropped. Reason filtered: inbound from a remote endpoint that filtering "
		"does not let in (RFC 4787 REQ-8). It meets mapping 0 (192.168.1.2:6789 as "
		"203.0.113.1:6789). udp.filtering=address-and-port-dependent decided: remotes that "
		"may send to a mapping (RFC 4787 REQ-8). Let the internal host send to this remote "
		"first, lead a port to it with nat.forwards, or let more remotes in by "
		"udp.filtering, tcp.filtering, icmp.filtering or other.filtering: with "
		"endpoint-independent everybody may send to a mapping.");
	assert_explained(
		d,
		"{\"protocol\":\"tcp\",\"source\":\"192.168.1.2:6789\",\"destination\":\"203.0.113."
		"10:80\"}",
		"A TCP segment (SYN) from 192.168.1.2:6789 to 203.0.113.10:80, coming from the "
		"LAN, would go on as 203.0.113.1:6789 to 203.0.113.10:80. Reason mapping-created: "
		"first packet of an internal endpoint: got an external endpoint (RFC 4787 REQ-1). "
		"It would make mapping 1 (192.168.1.2:6789 as 203.0.113.1:6789) and a new session "
		"in it. Its TCP state would go from CLOSED to INTERNAL_SYN. "
		"tcp.mapping=endpoint-independent decided: remote part that a mapping is kept "
		"apart by (RFC 5382 REQ-1). The port is picked by tcp.ports=preserve.");
	set(d, "nat.unmatched", "reject");
	assert_explained(
		d, IN("icmp", "203.0.113.10", "203.0.113.1:9"),
		"An ICMP Echo from 203.0.113.10 to 203.0.113.1:9, coming from the WAN, would be "
		"dropped. Reason unmatched-rejected: inbound to an external endpoint that stands "
		"for nobody, and refused openly (RFC 5382 REQ-4). nat.unmatched=reject decided: "
		"packets to an external endpoint that stands for nobody (RFC 5382 REQ-4). The NAT "
		"itself would answer with an ICMP error: port unreachable (code 3). Let an "
		"internal host send first, or lead the port to one: nat.forwards for a port, "
		"nat.dmz for all that is nobody's, nat.one-to-one for a whole address. "
		"nat.unmatched=drop would refuse such packets without a word.");
}

/* --- what cannot be asked, and what goes wrong ---------------------------------------------- */

static void test_explain_bad_params_are_refused(void **state)
{
	static const struct {
		const char *params, *part;
	} cases[] = {
		{ "{}", "protocol: udp, tcp, icmp or other is needed" },
		{ "{\"protocol\":\"sctp\"}", "protocol: udp, tcp, icmp or other" },
		{ "{\"protocol\":\"udp\"}", "source: an IPv4 address is needed, with its port" },
		{ UDP_OUT("192.168.1.2", "203.0.113.10:1"), "source: an IPv4 address with a port" },
		{ UDP_OUT("192.168.1.2:1", "203.0.113.10"), "destination: an IPv4 address with" },
		{ UDP_OUT("192.168.1.2:1", "[2001:db8::1]:1"), "destination: an IPv4 address" },
		{ "{\"protocol\":\"udp\",\"source\":7,\"destination\":\"203.0.113.10:1\"}",
		  "source: an" },
		{ "{\"protocol\":\"icmp\",\"source\":\"192.168.1.2\",\"destination\":\"203.0.113."
		  "10\"}",
		  "with the query's identifier" },
		{ "{\"protocol\":\"icmp\",\"source\":\"192.168.1.2:1\",\"destination\":\"203.0."
		  "113.10:1\"}",
		  "destination: an IPv4 address without a port" },
		{ IN("icmp", "203.0.113.10:1", "203.0.113.1:1"),
		  "source: an IPv4 address without" },
		{ "{\"protocol\":\"other\",\"source\":\"192.168.1.2\",\"destination\":\"203.0.113."
		  "10\"}",
		  "number: of an IP protocol" },
		{ "{\"protocol\":\"other\",\"number\":6,\"source\":\"192.168.1.2\","
		  "\"destination\":\"203.0.113.10\"}",
		  "none of udp, tcp and icmp" },
		{ "{\"protocol\":\"other\",\"number\":256}",
		  "number: a whole number from 0 to 255" },
		{ "{\"protocol\":\"udp\",\"number\":47,\"source\":\"192.168.1.2:1\","
		  "\"destination\":\"203.0.113.10:1\"}",
		  "goes with protocol other" },
		{ "{\"protocol\":\"udp\",\"from\":\"the "
		  "moon\",\"source\":\"192.168.1.2:1\",\"destination\":\"203.0.113.10:1\"}",
		  "from: internal or external is needed" },
		{ "{\"protocol\":\"udp\",\"from\":7,\"source\":\"192.168.1.2:1\",\"destination\":"
		  "\"203.0.113.10:1\"}",
		  "from: internal or external is needed" },
		{ "{\"protocol\":\"udp\",\"source\":\"192.168.1.2:1\",\"destination\":\"203.0.113."
		  "10:1\",\"flags\":\"syn\"}",
		  "flags: only tcp has them" },
		{ "{\"protocol\":\"tcp\",\"source\":\"192.168.1.2:1\",\"destination\":\"203.0.113."
		  "10:1\",\"flags\":\"syn,\"}",
		  "flags: one or more of syn, ack, fin and rst" },
		{ "{\"protocol\":\"tcp\",\"source\":\"192.168.1.2:1\",\"destination\":\"203.0.113."
		  "10:1\",\"flags\":\"\"}",
		  "flags: one or more" },
		{ "{\"protocol\":\"tcp\",\"source\":\"192.168.1.2:1\",\"destination\":\"203.0.113."
		  "10:1\",\"flags\":2}",
		  "flags: a string is needed" },
		{ "{\"protocol\":\"tcp\",\"source\":\"192.168.1.2:1\",\"destination\":\"203.0.113."
		  "10:1\",\"flags\":\"xyz,syn\"}",
		  "flags: one or more" },
		{ "{\"protocol\":\"tcp\",\"tuple\":1}", "no parameter 'tuple'" },
	};
	struct daemon *d = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_refused(d, "packets.explain", cases[i].params, RPC_INVALID_PARAMS,
			       cases[i].part);
}

static void assert_fails(struct daemon *d, const char *part)
{
	int descriptors = open_descriptors();

	assert_refused(d, "packets.explain", UDP_OUT("192.168.1.2:1", "203.0.113.10:1"), RPC_FAILED,
		       part);
	assert_int_equal(open_descriptors(), descriptors);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void test_explain_that_fails_names_why_and_leaves_nothing(void **state)
{
	struct daemon *d = *state;

	fork_does = REFUSE;
	assert_fails(d,
		     "Cannot allocate memory; the packet is tried out in a copy of natemd, which "
		     "needs memory and a process more");
	fork_does = DIE;
	assert_fails(d, "has died");
	fork_does = STAMMER;
	assert_fails(d, "has died");
	fork_does = HANG;
	clock_step = 2990;
	assert_fails(d, "Connection timed out; the copy of natemd that was to try it out hung");
	fork_does = COPY;
	clock_step = 0;
	json_decref(explained(d, UDP_OUT("192.168.1.2:1", "203.0.113.10:1")));
}

static volatile sig_atomic_t alarms;

static void count_alarm(int number)
{
	(void)number;
	alarms++;
}

static void test_explain_survives_signals(void **state)
{
	const struct sigaction count = { .sa_handler = count_alarm }; /* no SA_RESTART */
	const struct itimerval often = { { 0, 700 }, { 0, 700 } }, never = { { 0, 0 }, { 0, 0 } };
	struct sigaction before;
	struct daemon *d = *state;

	fill(d, 200);
	assert_int_equal(sigaction(SIGALRM, &count, &before), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
	for (int i = 0; i < 100 || (alarms < 20 && i < 10000); i++)
		json_decref(
			result(d, "packets.explain", UDP_OUT("192.168.1.2:1", "203.0.113.10:1")));
	assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
	assert_int_equal(sigaction(SIGALRM, &before, NULL), 0);
	assert_true(alarms >= 20);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		explain_test(test_explain_foretells_the_port_of_a_new_mapping),
		explain_test(test_explain_foretells_what_a_known_session_does),
		explain_test(test_explain_foretells_each_kind_of_filtering),
		explain_test(test_explain_foretells_hairpins),
		explain_test(test_explain_foretells_limits),
		explain_test(test_explain_foretells_what_rules_lead_where),
		explain_test(test_explain_of_a_fault_harms_nobody),
		explain_test(test_explain_foretells_icmp_and_other_protocols),
		explain_test(test_explain_of_a_connection_follows_its_states),
		explain_test(test_explain_of_segments_that_nobody_awaits),
		explain_test(test_explain_counts_what_is_over_as_gone),
		explain_test(test_explain_gives_ports_of_what_is_over),
		explain_test(test_explain_waits_for_all_that_is_due),
		explain_test(test_explain_tells_only_replies_to_the_packet),
		explain_test(test_explain_says_it_in_sentences),
		explain_test(test_explain_bad_params_are_refused),
		explain_test(test_explain_that_fails_names_why_and_leaves_nothing),
		explain_test(test_explain_survives_signals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
