/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The subcommands about who has what: forward, who, hosts, events.
 */
#include "tests/unit/command.h"

/* --- forward -------------------------------------------------------------------------------- */

#define FORWARDS_RESULT                                                                         \
	"{\"forwards\":["                                                                       \
	"{\"kind\":\"tcp\",\"external\":\"8080\",\"remote\":null,"                              \
	"\"internal\":\"192.168.1.2:80\",\"sessions\":12},"                                     \
	"{\"kind\":\"one-to-one\",\"external\":\"203.0.113.5\",\"remote\":null,"                \
	"\"internal\":\"192.168.1.9\",\"sessions\":0},"                                         \
	"{\"kind\":\"dmz\",\"external\":null,\"remote\":null,\"internal\":\"192.168.1.2\","     \
	"\"sessions\":1},"                                                                      \
	"{\"kind\":\"exempt\",\"external\":null,\"remote\":\"203.0.113.11\",\"internal\":null," \
	"\"sessions\":null}]}"

static void test_forward_list_is_a_table(void **state)
{
	struct bench *b = *state;

	SAY(b, "list");
	assert_prints(b, cmd_forward, FORWARDS_RESULT,
		      "KIND       EXTERNAL     INTERNAL       SESS\n"
		      "tcp        8080         192.168.1.2:80   12\n"
		      "one-to-one 203.0.113.5  192.168.1.9       0\n"
		      "dmz        any          192.168.1.2       1\n"
		      "exempt     203.0.113.11 -                 -\n");
	assert_request(b, 0, "{\"id\":1,\"jsonrpc\":\"2.0\",\"method\":\"forwards.list\"}");
	assert_prints(b, cmd_forward, "{\"forwards\":[]}", "KIND EXTERNAL INTERNAL SESS\n");
	assert_prints_json(b, cmd_forward, FORWARDS_RESULT);
}

static void test_forward_add_and_del_send_their_words(void **state)
{
	static const struct {
		const char *words[5], *call;
	} cases[] = {
		{ { "add", "tcp", "8080", "192.168.1.2:80" },
		  "forwards.add\",\"params\":{\"external\":\"8080\",\"internal\":\"192.168.1.2:"
		  "80\","
		  "\"kind\":\"tcp\"}" },
		{ { "add", "udp", "203.0.113.1:5000-5009", "192.168.1.3:5000" },
		  "forwards.add\",\"params\":{\"external\":\"203.0.113.1:5000-5009\","
		  "\"internal\":\"192.168.1.3:5000\",\"kind\":\"udp\"}" },
		{ { "add", "one-to-one", "203.0.113.5", "192.168.1.9" },
		  "forwards.add\",\"params\":{\"external\":\"203.0.113.5\","
		  "\"internal\":\"192.168.1.9\",\"kind\":\"one-to-one\"}" },
		{ { "add", "dmz", "192.168.1.2" },
		  "forwards.add\",\"params\":{\"internal\":\"192.168.1.2\",\"kind\":\"dmz\"}" },
		{ { "add", "exempt", "203.0.113.11" },
		  "forwards.add\",\"params\":{\"kind\":\"exempt\",\"remote\":\"203.0.113.11\"}" },
		{ { "del", "tcp", "8080" },
		  "forwards.del\",\"params\":{\"external\":\"8080\",\"kind\":\"tcp\"}" },
		{ { "del", "one-to-one", "203.0.113.5" },
		  "forwards.del\",\"params\":{\"external\":\"203.0.113.5\","
		  "\"kind\":\"one-to-one\"}" },
		{ { "del", "dmz" }, "forwards.del\",\"params\":{\"kind\":\"dmz\"}" },
		{ { "del", "exempt", "203.0.113.11" },
		  "forwards.del\",\"params\":{\"kind\":\"exempt\",\"remote\":\"203.0.113.11\"}" },
	};
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char wanted[256];

		say(b, cases[i].words);
		assert_int_equal(run_with(b, cmd_forward, "{}"), CLIENT_OK);
		snprintf(wanted, sizeof(wanted), "{\"id\":%zu,\"jsonrpc\":\"2.0\",\"method\":\"%s}",
			 i + 1, cases[i].call);
		assert_request(b, 0, wanted);
	}
}

static void test_forward_says_what_was_added_or_deleted(void **state)
{
	static const struct {
		const char *verb, *result, *text;
	} cases[] = {
		{ "add",
		  "{\"added\":{\"kind\":\"tcp\",\"external\":\"8080\",\"remote\":null,"
		  "\"internal\":\"192.168.1.2:80\"}}",
		  "added: tcp 8080 to 192.168.1.2:80\n" },
		{ "del",
		  "{\"deleted\":{\"kind\":\"dmz\",\"external\":null,\"remote\":null,"
		  "\"internal\":\"192.168.1.2\"}}",
		  "deleted: dmz to 192.168.1.2\n" },
		{ "add",
		  "{\"added\":{\"kind\":\"exempt\",\"external\":null,"
		  "\"remote\":\"203.0.113.11\",\"internal\":null}}",
		  "added: exempt 203.0.113.11\n" },
	};
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (*cases[i].verb == 'a')
			SAY(b, "add", "exempt", "203.0.113.11");
		else
			SAY(b, "del", "dmz");
		assert_prints(b, cmd_forward, cases[i].result, cases[i].text);
	}
}

static void test_forward_of_other_words_is_wrong_usage(void **state)
{
	static const struct {
		const char *words[6], *why;
	} cases[] = {
		{ { "remove" }, "no 'remove'; it has list, add and del" },
		{ { "list", "tcp" }, "forward list takes no 'tcp'" },
		{ { "add" }, "forward add what? tcp, udp, one-to-one, dmz or exempt" },
		{ { "del" }, "forward del what?" },
		{ { "add", "icmp", "1", "2" },
		  "forward add has no 'icmp'; it has tcp, udp, one-to-one, dmz and exempt" },
		{ { "add", "tcp", "8080" },
		  "takes 2 words after that, as in: natem forward add tcp 8080 192.168.1.2:80" },
		{ { "del", "tcp" }, "takes 1 word after that, as in: natem forward del tcp 8080" },
		{ { "del", "tcp", "8080", "192.168.1.2:80" }, "takes 1 word after that" },
		{ { "del", "dmz", "192.168.1.2" },
		  "takes 0 words after that, as in: natem forward del dmz" },
		{ { "add", "dmz" },
		  "takes 1 word after that, as in: natem forward add dmz 192.168.1.2" },
		{ { "add", "dmz", "\xff" }, "not UTF-8" },
	};
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		say(b, cases[i].words);
		assert_wrong_usage(b, cmd_forward, cases[i].why);
	}
}

/* --- who ------------------------------------------------------------------------------------ */

#define NOBODY(protocol, state)                                                   \
	"{\"protocol\":\"" protocol "\",\"state\":\"" state "\",\"mappings\":[]," \
	"\"rule\":null,\"leads_to\":null,\"free_in_ms\":57000}"
#define LED(protocol, kind, external, to)                                               \
	"{\"protocol\":\"" protocol "\",\"state\":\"forwarded\",\"mappings\":[],"       \
	"\"rule\":{\"kind\":\"" kind "\",\"external\":" external "},\"leads_to\":\"" to \
	"\",\"free_in_ms\":null}"
#define MAPPED                                                                          \
	"{\"protocol\":\"udp\",\"state\":\"mapped\",\"mappings\":["                     \
	"{\"id\":4,\"internal\":\"192.168.1.2:5000\",\"remote\":null,\"sessions\":2,"   \
	"\"age_ms\":247000},"                                                           \
	"{\"id\":5,\"internal\":\"192.168.1.3:5000\",\"remote\":\"203.0.113.10:7000\"," \
	"\"sessions\":1,\"fixed\":true,\"age_ms\":1000}],\"rule\":null,\"leads_to\":null}"
#define LEASED                                                                        \
	"{\"protocol\":\"udp\",\"state\":\"mapped\",\"mappings\":["                   \
	"{\"id\":6,\"internal\":\"192.168.1.2:5000\",\"remote\":null,\"sessions\":0," \
	"\"fixed\":false,\"lease_ms\":1000,\"age_ms\":1000}],\"rule\":null,\"leads_to\":null}"
#define WHO(entries, block)                                                               \
	"{\"external\":\"203.0.113.1:8080\",\"is_external\":true,\"protocols\":[" entries \
	"],\"block\":" block "}"

static void test_who_is_a_line_for_each_that_has_it(void **state)
{
	static const struct {
		const char *result, *text;
	} cases[] = {
		{ WHO(MAPPED "," NOBODY("tcp", "free"), "null"),
		  "udp    192.168.1.2:5000, mapping 4 for 4m07s, 2 sessions\n"
		  "udp    192.168.1.3:5000 towards 203.0.113.10:7000, fixed mapping 5 for 1s, 1 "
		  "session\n"
		  "tcp    nobody\n" },
		{ WHO(LEASED, "null"), "udp    192.168.1.2:5000, mapping 6 for 1s, leased for "
				       "another 1s, 0 sessions\n" },
		{ WHO(NOBODY("udp", "reserved") "," NOBODY("tcp", "resting"), "null"),
		  "udp    the router itself: nat.reserved-ports\n"
		  "tcp    nobody, and nobody will for 57s: it rests\n" },
		{ WHO(NOBODY("tcp", "shared"), "null"),
		  "tcp    nobody: udp has it for both, nat.protocol-scope is shared\n" },
		{ WHO(LED("tcp", "tcp", "\"8080\"", "192.168.1.2:80"), "null"),
		  "tcp    192.168.1.2:80, by forward tcp 8080\n" },
		{ WHO(LED("icmp", "one-to-one", "\"203.0.113.1\"", "192.168.1.9:8080"), "null"),
		  "icmp   192.168.1.9:8080, by one-to-one 203.0.113.1\n" },
		{ WHO(LED("udp", "dmz", "null", "192.168.1.7:8080"), "null"),
		  "udp    192.168.1.7:8080, by dmz\n" },
		{ WHO("", "{\"kind\":\"dynamic\",\"first\":7680,\"last\":8191,"
			  "\"host\":\"192.168.1.2\"}"),
		  "block  7680-8191 of 192.168.1.2, dynamic\n" },
		{ WHO("", "{\"kind\":\"dynamic\",\"first\":7680,\"last\":8191,\"host\":null}"),
		  "block  7680-8191, nobody's\n" },
		{ WHO("", "{\"kind\":\"overflow\",\"first\":7680,\"last\":8191,\"host\":null}"),
		  "block  7680-8191, for hosts whose own is used up\n" },
		{ "{\"external\":\"203.0.113.2:80\",\"is_external\":false,\"protocols\":[],"
		  "\"block\":null}",
		  "nobody: 203.0.113.2:80 is at none of the NAT's external addresses, which "
		  "'natem status' lists\n" },
	};
	struct bench *b = *state;

	SAY(b, "203.0.113.1:8080");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_prints(b, cmd_who, cases[i].result, cases[i].text);
	assert_request(b, 0,
		       "{\"id\":11,\"jsonrpc\":\"2.0\",\"method\":\"ports.who\",\"params\":"
		       "{\"external\":\"203.0.113.1:8080\"}}");
	assert_prints_json(b, cmd_who, WHO(MAPPED, "null"));
}

static void test_who_takes_a_protocol(void **state)
{
	struct bench *b = *state;

	SAY(b, "203.0.113.1:8080", "tcp");
	assert_int_equal(run_with(b, cmd_who, "{}"), CLIENT_OK);
	assert_request(b, 0,
		       "{\"id\":1,\"jsonrpc\":\"2.0\",\"method\":\"ports.who\",\"params\":"
		       "{\"external\":\"203.0.113.1:8080\",\"protocol\":\"tcp\"}}");
	SAY(b, "\xff");
	assert_wrong_usage(b, cmd_who, "not UTF-8");
	SAY(b, "203.0.113.1:8080", "\xff");
	assert_wrong_usage(b, cmd_who, "not UTF-8");
}

/* --- hosts ---------------------------------------------------------------------------------- */

#define USE(count, quota) "{\"count\":" count ",\"quota\":" quota "}"
#define HOSTS_RESULT                                                                                                                                                               \
	"{\"hosts\":["                                                                                                                                                             \
	"{\"id\":0,\"address\":\"192.168.1.10\",\"external\":null,"                                                                                                                \
	"\"mappings\":{\"all\":" USE("1", "null") ",\"udp\":" USE("0", "null") ",\"tcp\":" USE(                                                                                    \
		"1",                                                                                                                                                               \
		"null") "},"                                                                                                                                                       \
			"\"sessions\":{\"all\":" USE("1", "null") ",\"udp\":" USE(                                                                                                 \
				"0",                                                                                                                                               \
				"null") ",\"tcp\":" USE("1",                                                                                                                       \
							"null") "},\"blocks\":[]},"                                                                                                \
								"{\"id\":1,\"address\":\"192.168."                                                                                 \
								"1.9\",\"external\":\"203.0.113."                                                                                  \
								"1\","                                                                                                             \
								"\"mappings\":{\"all\":" USE("4", "100") ",\"udp\":" USE("3", "10") ",\"tcp\":" USE("1", "null") ",\"icmp\":" USE( \
									"0",                                                                                                       \
									"5") "},"                                                                                                  \
									     "\"sessions\":{"                                                                                      \
									     "\"all\":" USE("7", "null") ",\"udp\":" USE(                                                          \
										     "7",                                                                                          \
										     "null") "},"                                                                                  \
											     "\"b"                                                                                 \
											     "loc"                                                                                 \
											     "ks"                                                                                  \
											     "\":"                                                                                 \
											     "[{"                                                                                  \
											     "\"e"                                                                                 \
											     "xte"                                                                                 \
											     "rna"                                                                                 \
											     "l\""                                                                                 \
											     ":\""                                                                                 \
											     "203"                                                                                 \
											     ".0."                                                                                 \
											     "113"                                                                                 \
											     ".1"                                                                                  \
											     "\","                                                                                 \
											     "\"f"                                                                                 \
											     "irs"                                                                                 \
											     "t\""                                                                                 \
											     ":10"                                                                                 \
											     "24,"                                                                                 \
											     "\"l"                                                                                 \
											     "ast"                                                                                 \
											     "\":"                                                                                 \
											     "153"                                                                                 \
											     "5},"                                                                                 \
											     "{\""                                                                                 \
											     "ext"                                                                                 \
											     "ern"                                                                                 \
											     "al"                                                                                  \
											     "\":"                                                                                 \
											     "\"2"                                                                                 \
											     "03."                                                                                 \
											     "0."                                                                                  \
											     "113"                                                                                 \
											     ".2"                                                                                  \
											     "\","                                                                                 \
											     "\"f"                                                                                 \
											     "irs"                                                                                 \
											     "t\""                                                                                 \
											     ":20"                                                                                 \
											     "48,"                                                                                 \
											     "\"l"                                                                                 \
											     "ast"                                                                                 \
											     "\":"                                                                                 \
											     "255"                                                                                 \
											     "9}]"                                                                                 \
											     "}]}"

static void test_hosts_are_a_table_by_address(void **state)
{
	struct bench *b = *state;

	assert_prints(b, cmd_hosts, HOSTS_RESULT,
		      "HOST         EXTERNAL    MAPPINGS                         SESSIONS "
		      "BLOCKS\n"
		      "192.168.1.9  203.0.113.1 4/100: udp 3/10, tcp 1, icmp 0/5 7: udp 7 "
		      "1024-1535, 203.0.113.2:2048-2559\n"
		      "192.168.1.10 -           1: tcp 1                         1: tcp 1 \n");
	assert_request(b, 0,
		       "{\"id\":1,\"jsonrpc\":\"2.0\",\"method\":\"hosts.list\","
		       "\"params\":{\"cursor\":0}}");
	assert_prints(b, cmd_hosts, "{\"hosts\":[]}", "HOST EXTERNAL MAPPINGS SESSIONS\n");
	assert_prints(b, cmd_hosts, "{\"hosts\":[{}]}",
		      "HOST EXTERNAL MAPPINGS SESSIONS\n"
		      "     -        0        0\n");
	assert_prints_json(b, cmd_hosts, HOSTS_RESULT);
}

/* --- events --------------------------------------------------------------------------------- */

static void test_events_are_a_line_each(void **state)
{
	struct bench *b = *state;

	assert_prints(b, cmd_events,
		      "{\"events\":[{\"number\":7,\"age_ms\":247000,\"text\":\"knobs changed\"},"
		      "{\"number\":1000008,\"age_ms\":0,\"text\":\"limit reached\"}],\"next\":9}",
		      "NUMBER      AGE  EVENT\n"
		      "     7    4m07s  knobs changed\n"
		      "1000008       0s  limit reached\n");
	assert_request(b, 0,
		       "{\"id\":1,\"jsonrpc\":\"2.0\",\"method\":\"events.list\","
		       "\"params\":{\"from\":1}}");
	SAY(b, "12");
	assert_prints(b, cmd_events, "{\"events\":[]}", "NUMBER      AGE  EVENT\n");
	assert_request(b, 0,
		       "{\"id\":2,\"jsonrpc\":\"2.0\",\"method\":\"events.list\","
		       "\"params\":{\"from\":12}}");
	assert_prints_json(b, cmd_events, "{\"events\":[],\"next\":1}");
}

static void test_events_of_flows_are_asked_for_by_that_word(void **state)
{
	struct bench *b = *state;

	SAY(b, "flows");
	assert_prints(b, cmd_events, "{\"events\":[]}", "NUMBER      AGE  EVENT\n");
	assert_request(b, 0,
		       "{\"id\":1,\"jsonrpc\":\"2.0\",\"method\":\"events.list\","
		       "\"params\":{\"flows\":true,\"from\":1}}");
	SAY(b, "flows", "70000000000");
	assert_prints(b, cmd_events, "{\"events\":[]}", "NUMBER      AGE  EVENT\n");
	assert_request(b, 0,
		       "{\"id\":2,\"jsonrpc\":\"2.0\",\"method\":\"events.list\","
		       "\"params\":{\"flows\":true,\"from\":70000000000}}");
	SAY(b, "7", "flows");
	assert_wrong_usage(b, cmd_events, "'flows': not the number of an event");
}

static void test_events_from_what_is_no_number_is_wrong_usage(void **state)
{
	static const char *const words[] = { "", "-1", "1x", "9999999999999999999" };
	struct bench *b = *state;

	for (size_t i = 0; i < 4; i++) {
		SAY(b, words[i]);
		assert_wrong_usage(b, cmd_events, "not the number of an event");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		command_test(test_forward_list_is_a_table),
		command_test(test_forward_add_and_del_send_their_words),
		command_test(test_forward_says_what_was_added_or_deleted),
		command_test(test_forward_of_other_words_is_wrong_usage),
		command_test(test_who_is_a_line_for_each_that_has_it),
		command_test(test_who_takes_a_protocol),
		command_test(test_hosts_are_a_table_by_address),
		command_test(test_events_are_a_line_each),
		command_test(test_events_of_flows_are_asked_for_by_that_word),
		command_test(test_events_from_what_is_no_number_is_wrong_usage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
