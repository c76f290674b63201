/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * forwards.add, .del and .list: what each kind takes, what it does to the knobs and to packets, and
 * what is refused with everything as it was.
 */
#include "tests/unit/methods.h"

static void assert_knob(struct daemon *d, const char *key, const char *wanted)
{
	char params[64];
	json_t *all;

	snprintf(params, sizeof(params), "{\"keys\":[\"%s\"]}", key);
	all = result(d, "options.get", params);
	assert_text(json_object_get(json_object_get(all, "options"), key), "value", wanted);
	json_decref(all);
}

/* What is answered, as text. */
static void assert_answers(struct daemon *d, const char *method, const char *params,
			   const char *wanted)
{
	json_t *value = result(d, method, params);
	char *text = json_dumps(value, JSON_COMPACT);

	assert_string_equal(text, wanted);
	free(text);
	json_decref(value);
}

static void add(struct daemon *d, const char *params)
{
	json_decref(result(d, "forwards.add", params));
}

#define TCP_8080 "{\"kind\":\"tcp\",\"external\":\"8080\",\"internal\":\"192.168.1.2:80\"}"
#define UDP_RANGE                                                   \
	"{\"kind\":\"udp\",\"external\":\"203.0.113.1:5000-5009\"," \
	"\"internal\":\"192.168.1.3:6000\"}"
#define ONE_TO_ONE                                               \
	"{\"kind\":\"one-to-one\",\"external\":\"203.0.113.5\"," \
	"\"internal\":\"192.168.1.9\"}"
#define DMZ    "{\"kind\":\"dmz\",\"internal\":\"192.168.1.2\"}"
#define EXEMPT "{\"kind\":\"exempt\",\"remote\":\"203.0.113.11\"}"

/* --- add and list --------------------------------------------------------------------------- */

static void test_add_puts_an_entry_into_its_knob(void **state)
{
	static const struct {
		const char *params, *key, *value, *answer;
	} cases[] = {
		{ TCP_8080, "nat.forwards", "tcp:8080=192.168.1.2:80",
		  "{\"added\":{\"kind\":\"tcp\",\"external\":\"8080\",\"remote\":null,"
		  "\"internal\":\"192.168.1.2:80\"}}" },
		{ UDP_RANGE, "nat.forwards",
		  "tcp:8080=192.168.1.2:80,udp:203.0.113.1:5000-5009=192.168.1.3:6000",
		  "{\"added\":{\"kind\":\"udp\",\"external\":\"203.0.113.1:5000-5009\","
		  "\"remote\":null,\"internal\":\"192.168.1.3:6000\"}}" },
		{ ONE_TO_ONE, "nat.one-to-one", "203.0.113.5=192.168.1.9",
		  "{\"added\":{\"kind\":\"one-to-one\",\"external\":\"203.0.113.5\","
		  "\"remote\":null,\"internal\":\"192.168.1.9\"}}" },
		{ DMZ, "nat.dmz", "192.168.1.2",
		  "{\"added\":{\"kind\":\"dmz\",\"external\":null,\"remote\":null,"
		  "\"internal\":\"192.168.1.2\"}}" },
		{ EXEMPT, "nat.exempt", "203.0.113.11",
		  "{\"added\":{\"kind\":\"exempt\",\"external\":null,"
		  "\"remote\":\"203.0.113.11\",\"internal\":null}}" },
		{ "{\"kind\":\"exempt\",\"remote\":\"198.51.100.0/24:53\"}", "nat.exempt",
		  "203.0.113.11,198.51.100.0-198.51.100.255:53",
		  "{\"added\":{\"kind\":\"exempt\",\"external\":null,"
		  "\"remote\":\"198.51.100.0-198.51.100.255:53\",\"internal\":null}}" },
		{ "{\"kind\":\"tcp\",\"external\":81,\"internal\":\"192.168.1.2:81\"}",
		  "nat.forwards",
		  "tcp:8080=192.168.1.2:80,udp:203.0.113.1:5000-5009=192.168.1.3:6000,"
		  "tcp:81=192.168.1.2:81",
		  "{\"added\":{\"kind\":\"tcp\",\"external\":\"81\",\"remote\":null,"
		  "\"internal\":\"192.168.1.2:81\"}}" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_answers(*state, "forwards.add", cases[i].params, cases[i].answer);
		assert_knob(*state, cases[i].key, cases[i].value);
	}
}

static void test_list_has_all_kinds_in_the_order_of_the_knobs(void **state)
{
	assert_answers(*state, "forwards.list", "", "{\"forwards\":[]}");
	add(*state, EXEMPT);
	add(*state, DMZ);
	add(*state, ONE_TO_ONE);
	add(*state, UDP_RANGE);
	assert_answers(*state, "forwards.list", "",
		       "{\"forwards\":["
		       "{\"kind\":\"udp\",\"external\":\"203.0.113.1:5000-5009\",\"remote\":null,"
		       "\"internal\":\"192.168.1.3:6000\",\"sessions\":0},"
		       "{\"kind\":\"one-to-one\",\"external\":\"203.0.113.5\",\"remote\":null,"
		       "\"internal\":\"192.168.1.9\",\"sessions\":0},"
		       "{\"kind\":\"dmz\",\"external\":null,\"remote\":null,"
		       "\"internal\":\"192.168.1.2\",\"sessions\":0},"
		       "{\"kind\":\"exempt\",\"external\":null,\"remote\":\"203.0.113.11\","
		       "\"internal\":null,\"sessions\":null}]}");
}

static void knock(struct daemon *d, const char *remote, const char *external)
{
	assert_int_equal(pass(d, wire_udp(ep(remote), ep(external)), NAT_EXTERNAL).verdict,
			 NAT_REWRITTEN);
}

static void assert_sessions(struct daemon *d, const json_int_t *wanted, size_t count)
{
	json_t *list = result(d, "forwards.list", ""), *rules = json_object_get(list, "forwards");

	assert_int_equal(json_array_size(rules), count);
	for (size_t i = 0; i < count; i++)
		assert_number(json_array_get(rules, i), "sessions", wanted[i]);
	json_decref(list);
}

static void test_list_counts_live_sessions_through_each(void **state)
{
	struct daemon *d = *state;

	add(d, UDP_RANGE);
	add(d, "{\"kind\":\"udp\",\"external\":\"7000\",\"internal\":\"192.168.1.4:7000\"}");
	add(d, ONE_TO_ONE);
	add(d, DMZ);
	open_udp(d, "192.168.1.2:5000", "203.0.113.10:7000"); /* through none of them */
	knock(d, "203.0.113.10:9", "203.0.113.1:5003");
	knock(d, "203.0.113.11:9", "203.0.113.1:5003");
	knock(d, "203.0.113.10:9", "203.0.113.1:5004");
	knock(d, "203.0.113.10:9", "203.0.113.5:77");
	knock(d, "203.0.113.10:9", "203.0.113.1:88");
	assert_sessions(d, (json_int_t[]){ 3, 0, 1, 1 }, 4);
	d->now.ms += 200000;
	knock(d, "203.0.113.10:10", "203.0.113.1:7000");
	d->now.ms += 100000; /* the others are over, whether the timer has run or not */
	assert_sessions(d, (json_int_t[]){ 0, 1, 0, 0 }, 4);
}

/* What is forwarded goes there, and is marked in the tables. */
static void test_added_forward_leads_packets_there(void **state)
{
	struct daemon *d = *state;
	json_t *page;

	add(d, UDP_RANGE);
	knock(d, "203.0.113.10:9", "203.0.113.1:5003");
	page = result(d, "mappings.list", "");
	assert_text(first(page, "mappings"), "internal", "192.168.1.3:6003");
	assert_text(first(page, "mappings"), "external", "203.0.113.1:5003");
	assert_true(json_is_true(json_object_get(first(page, "mappings"), "fixed")));
	json_decref(page);
	page = result(d, "sessions.list", "");
	assert_text(first(page, "sessions"), "opened_by", "external");
	json_decref(page);
}

/* --- del ------------------------------------------------------------------------------------ */

static void test_del_takes_the_entry_out_and_leaves_the_others(void **state)
{
	struct daemon *d = *state;

	add(d, TCP_8080);
	add(d, UDP_RANGE);
	add(d,
	    "{\"kind\":\"tcp\",\"external\":\"203.0.113.1:81\",\"internal\":\"192.168.1.2:81\"}");
	add(d, ONE_TO_ONE);
	add(d, DMZ);
	add(d, EXEMPT);
	assert_answers(d, "forwards.del",
		       "{\"kind\":\"udp\",\"external\":\"203.0.113.1:5000-5009\"}",
		       "{\"deleted\":{\"kind\":\"udp\",\"external\":\"203.0.113.1:5000-5009\","
		       "\"remote\":null,\"internal\":\"192.168.1.3:6000\"}}");
	assert_knob(d, "nat.forwards", "tcp:8080=192.168.1.2:80,tcp:203.0.113.1:81=192.168.1.2:81");
	json_decref(result(d, "forwards.del", "{\"kind\":\"tcp\",\"external\":8080}"));
	assert_knob(d, "nat.forwards", "tcp:203.0.113.1:81=192.168.1.2:81");
	json_decref(
		result(d, "forwards.del", "{\"kind\":\"tcp\",\"external\":\"203.0.113.1:81\"}"));
	assert_knob(d, "nat.forwards", "none");
	json_decref(result(d, "forwards.del",
			   "{\"kind\":\"one-to-one\",\"external\":\"203.0.113.5\"}"));
	assert_knob(d, "nat.one-to-one", "none");
	json_decref(result(d, "forwards.del", "{\"kind\":\"dmz\"}"));
	assert_knob(d, "nat.dmz", "none");
	json_decref(
		result(d, "forwards.del", "{\"kind\":\"exempt\",\"remote\":\"203.0.113.11/32\"}"));
	assert_knob(d, "nat.exempt", "none");
}

/* Everybody may send to what a forward leads to: it ends with the forward. */
static void test_del_ends_what_went_through_it_and_nothing_else(void **state)
{
	struct daemon *d = *state;

	add(d, UDP_RANGE);
	add(d, "{\"kind\":\"udp\",\"external\":\"7000\",\"internal\":\"192.168.1.4:7000\"}");
	open_udp(d, "192.168.1.2:5000", "203.0.113.10:7000");
	knock(d, "203.0.113.10:9", "203.0.113.1:5003");
	knock(d, "203.0.113.10:9", "203.0.113.1:7000");
	assert_listed(d, 3);
	json_decref(result(d, "forwards.del",
			   "{\"kind\":\"udp\",\"external\":\"203.0.113.1:5000-5009\"}"));
	assert_listed(d, 2);
	knock(d, "203.0.113.10:9", "203.0.113.1:7000");
	assert_int_equal(
		pass(d, wire_udp(ep("203.0.113.10:9"), ep("203.0.113.1:5003")), NAT_EXTERNAL)
			.verdict,
		NAT_DROPPED);
}

/* The mapping that has the port of a new forward makes way, and no other. */
static void test_add_takes_its_port_from_whoever_has_it(void **state)
{
	struct daemon *d = *state;
	json_t *page;
	char params[256];

	open_udp(d, "192.168.1.2:5000", "203.0.113.10:7000");
	open_udp(d, "192.168.1.3:5000", "203.0.113.10:7000");
	page = result(d, "mappings.list", "");
	snprintf(params, sizeof(params),
		 "{\"kind\":\"udp\",\"external\":\"%s\",\"internal\":\"192.168.1.4:80\"}",
		 json_string_value(json_object_get(first(page, "mappings"), "external")));
	json_decref(page);
	add(d, params);
	page = result(d, "mappings.list", "");
	assert_int_equal(json_array_size(json_object_get(page, "mappings")), 1);
	assert_text(first(page, "mappings"), "internal", "192.168.1.3:5000");
	assert_true(json_is_false(json_object_get(first(page, "mappings"), "fixed")));
	json_decref(page);
}

/* --- refused -------------------------------------------------------------------------------- */

static void test_add_of_what_is_there_already_says_where_it_leads(void **state)
{
	static const struct {
		const char *params, *part;
	} cases[] = {
		{ TCP_8080, "tcp 8080 already leads to 192.168.1.2:80; 'natem forward del tcp "
			    "8080' ends that" },
		{ "{\"kind\":\"tcp\",\"external\":\"203.0.113.1:8000-9000\","
		  "\"internal\":\"192.168.1.3:80\"}",
		  "tcp 8080 already leads to 192.168.1.2:80" },
		{ "{\"kind\":\"udp\",\"external\":\"5009\",\"internal\":\"192.168.1.2:80\"}",
		  "udp 203.0.113.1:5000-5009 already leads to 192.168.1.3:6000" },
		{ ONE_TO_ONE, "one-to-one 203.0.113.5 already leads to 192.168.1.9" },
		{ "{\"kind\":\"one-to-one\",\"external\":\"203.0.113.6\","
		  "\"internal\":\"192.168.1.9\"}",
		  "one-to-one 203.0.113.5 already leads to 192.168.1.9" },
		{ "{\"kind\":\"dmz\",\"internal\":\"192.168.1.3\"}",
		  "dmz already leads to 192.168.1.2; 'natem forward del dmz' ends that" },
		{ EXEMPT, "exempt 203.0.113.11 already is there" },
	};
	struct daemon *d = *state;

	add(d, TCP_8080);
	add(d, UDP_RANGE);
	add(d, ONE_TO_ONE);
	add(d, DMZ);
	add(d, EXEMPT);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_refused(d, "forwards.add", cases[i].params, RPC_FAILED, cases[i].part);
	assert_knob(d, "nat.forwards",
		    "tcp:8080=192.168.1.2:80,udp:203.0.113.1:5000-5009=192.168.1.3:6000");
	/* The same port of the other protocol, or of another address, is another matter. */
	add(d, "{\"kind\":\"udp\",\"external\":\"8080\",\"internal\":\"192.168.1.2:80\"}");
	add(d,
	    "{\"kind\":\"udp\",\"external\":\"203.0.113.2:5000\",\"internal\":\"192.168.1.2:80\"}");
}

static void test_del_of_what_is_not_there_says_what_is(void **state)
{
	struct daemon *d = *state;

	assert_refused(d, "forwards.del", "{\"kind\":\"dmz\"}", RPC_FAILED,
		       "there is no forward 'dmz'; there are none");
	add(d, TCP_8080);
	add(d, DMZ);
	assert_refused(d, "forwards.del", "{\"kind\":\"udp\",\"external\":\"8080\"}", RPC_FAILED,
		       "there is no forward 'udp 8080'; there are: tcp 8080, dmz");
	/* Part of a forward is none. */
	assert_refused(d, "forwards.del", "{\"kind\":\"tcp\",\"external\":\"203.0.113.1:8080\"}",
		       RPC_FAILED, "no forward 'tcp 203.0.113.1:8080'");
	assert_refused(d, "forwards.del", "{\"kind\":\"exempt\",\"remote\":\"203.0.113.11\"}",
		       RPC_FAILED, "no forward 'exempt 203.0.113.11'");
	assert_knob(d, "nat.forwards", "tcp:8080=192.168.1.2:80");
}

static void test_contradictions_are_refused_with_both_names(void **state)
{
	struct daemon *d = *state;

	add(d, ONE_TO_ONE);
	assert_refused(d, "forwards.add",
		       "{\"kind\":\"tcp\",\"external\":\"203.0.113.5:80\","
		       "\"internal\":\"192.168.1.2:80\"}",
		       RPC_INVALID_PARAMS,
		       "nat.one-to-one and nat.forwards (tcp:203.0.113.5:80=192.168.1.2:80) both "
		       "use 203.0.113.5");
	json_decref(result(d, "options.set", "{\"options\":{\"nat.reserved-ports\":\"22\"}}"));
	assert_refused(d, "forwards.add",
		       "{\"kind\":\"tcp\",\"external\":\"20-25\",\"internal\":\"192.168.1.2:20\"}",
		       RPC_INVALID_PARAMS, "nat.reserved-ports and nat.forwards (");
	assert_knob(d, "nat.forwards", "none");
}

static void test_list_that_is_full_takes_no_more(void **state)
{
	struct daemon *d = *state;
	char params[128];

	for (int i = 0; i < OPTIONS_LIST_MAX; i++) {
		snprintf(params, sizeof(params),
			 "{\"kind\":\"tcp\",\"external\":\"203.0.113.1:%d\","
			 "\"internal\":\"192.168.1.2:%d\"}",
			 20000 + i, 30000 + i);
		add(d, params);
	}
	assert_refused(d, "forwards.add", TCP_8080, RPC_FAILED,
		       "nat.forwards has 64 entries already, as many as there may be");
	json_decref(
		result(d, "forwards.del", "{\"kind\":\"tcp\",\"external\":\"203.0.113.1:20063\"}"));
	add(d, TCP_8080);
}

static void test_bad_params_are_refused(void **state)
{
	static const struct {
		const char *method, *params, *part;
	} cases[] = {
		{ "forwards.add", "", "kind: udp, tcp, one-to-one, dmz or exempt is needed" },
		{ "forwards.add", "{\"kind\":7}", "kind: udp, tcp, one-to-one" },
		{ "forwards.add", "{\"kind\":\"icmp\"}", "is needed, not 'icmp'" },
		{ "forwards.del", "{\"kind\":\"tc\"}", "is needed, not 'tc'" },
		{ "forwards.add", "{\"kind\":\"tcp\"}", "external: missing; needed: a port or" },
		{ "forwards.add", "{\"kind\":\"tcp\",\"external\":\"80\"}",
		  "internal: missing; needed: address and port" },
		{ "forwards.add",
		  "{\"kind\":\"tcp\",\"external\":0,\"internal\":\"192.168.1.2:80\"}",
		  "external: '0' is not allowed" },
		{ "forwards.add",
		  "{\"kind\":\"tcp\",\"external\":\"80,81\",\"internal\":\"192.168.1.2:80\"}",
		  "external: '80,81' is not allowed" },
		{ "forwards.add",
		  "{\"kind\":\"tcp\",\"external\":\"80=1.1.1.1:1,tcp:81\","
		  "\"internal\":\"192.168.1.2:80\"}",
		  "external: '80=1.1.1.1:1,tcp:81' is not allowed" },
		{ "forwards.add",
		  "{\"kind\":\"tcp\",\"external\":\"80\",\"internal\":\"192.168.1.2\"}",
		  "internal: '192.168.1.2' is not allowed" },
		{ "forwards.add",
		  "{\"kind\":\"tcp\",\"external\":\"80\",\"internal\":\"192.168.1.2:80,tcp:81=192."
		  "168.1.2:81\"}",
		  "internal: '192.168.1.2:80,tcp:81" },
		{ "forwards.add",
		  "{\"kind\":\"tcp\",\"external\":\"80-90\",\"internal\":\"192.168.1.2:65530\"}",
		  "ends by port 65535" },
		{ "forwards.add",
		  "{\"kind\":\"one-to-one\",\"external\":\"80\",\"internal\":\"192.168.1.2\"}",
		  "external: '80' is not allowed; allowed: an IPv4 address" },
		{ "forwards.add",
		  "{\"kind\":\"one-to-one\",\"external\":\"203.0.113.5\",\"internal\":\"none\"}",
		  "internal: 'none' is not allowed" },
		{ "forwards.add", "{\"kind\":\"dmz\",\"internal\":\"none\"}",
		  "internal: 'none' is not allowed" },
		{ "forwards.add", "{\"kind\":\"dmz\",\"internal\":\"192.168.1.2:80\"}",
		  "internal: '192.168.1.2:80' is not allowed" },
		{ "forwards.add", "{\"kind\":\"exempt\",\"remote\":\"none\"}",
		  "remote: 'none' is not allowed" },
		{ "forwards.add", "{\"kind\":\"exempt\"}", "remote: missing" },
		{ "forwards.add",
		  "{\"kind\":\"dmz\",\"internal\":\"192.168.1.2\",\"external\":\"80\"}",
		  "external: dmz takes none here" },
		{ "forwards.del", "{\"kind\":\"dmz\",\"internal\":\"192.168.1.2\"}",
		  "no parameter 'internal'" },
		{ "forwards.del",
		  "{\"kind\":\"tcp\",\"external\":\"80\",\"internal\":\"192.168.1.2:80\"}",
		  "no parameter 'internal'" },
		{ "forwards.add", "{\"kind\":\"dmz\",\"internal\":\"192.168.1.2\",\"x\":1}",
		  "no parameter 'x'" },
	};
	struct daemon *d = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_refused(d, cases[i].method, cases[i].params, RPC_INVALID_PARAMS,
			       cases[i].part);
		assert_answers(d, "forwards.list", "", "{\"forwards\":[]}");
	}
}

/* Text cut to fit must not become an entry that nobody gave. */
static void test_long_text_is_refused_whole(void **state)
{
	struct daemon *d = *state;
	char zeros[3000], params[4096];

	memset(zeros, '0', sizeof(zeros) - 1);
	zeros[sizeof(zeros) - 1] = '\0';
	snprintf(params, sizeof(params),
		 "{\"kind\":\"tcp\",\"external\":\"1%s\",\"internal\":\"192.168.1.2:80\"}", zeros);
	assert_refused(d, "forwards.add", params, RPC_INVALID_PARAMS, "external: '1000");
	snprintf(params, sizeof(params),
		 "{\"kind\":\"tcp\",\"external\":\"1\",\"internal\":\"192.168.1.2:80%s\"}", zeros);
	assert_refused(d, "forwards.add", params, RPC_INVALID_PARAMS, "internal: '192.168.1.2:80");
	snprintf(params, sizeof(params), "{\"kind\":\"exempt\",\"remote\":\"203.0.113.11:53%s\"}",
		 zeros);
	assert_refused(d, "forwards.add", params, RPC_INVALID_PARAMS, "remote: '203.0.113.11");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		methods_test(test_add_puts_an_entry_into_its_knob),
		methods_test(test_list_has_all_kinds_in_the_order_of_the_knobs),
		methods_test(test_list_counts_live_sessions_through_each),
		methods_test(test_added_forward_leads_packets_there),
		methods_test(test_del_takes_the_entry_out_and_leaves_the_others),
		methods_test(test_del_ends_what_went_through_it_and_nothing_else),
		methods_test(test_add_takes_its_port_from_whoever_has_it),
		methods_test(test_add_of_what_is_there_already_says_where_it_leads),
		methods_test(test_del_of_what_is_not_there_says_what_is),
		methods_test(test_contradictions_are_refused_with_both_names),
		methods_test(test_list_that_is_full_takes_no_more),
		methods_test(test_bad_params_are_refused),
		methods_test(test_long_text_is_refused_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
