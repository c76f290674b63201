/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The subcommands, from their words to their text: a server in a thread gives canned answers, and
 * what goes to standard output is caught in a file without a name.
 */
#include <fcntl.h>

#include "nat/cli/list.h"
#include "tests/unit/command.h"

/* --- status --------------------------------------------------------------------------------- */

#define STATUS_RESULT                                                       \
	"{\"version\":\"0.1.0\",\"pid\":4242,\"uptime_ms\":247000,"         \
	"\"lan\":\"lan0\",\"wan\":\"wan0\","                                \
	"\"external\":[\"203.0.113.1\",\"203.0.113.2\"],"                   \
	"\"mappings\":{\"live\":3,\"limit\":65536},"                        \
	"\"sessions\":{\"live\":14,\"limit\":131072,"                       \
	"\"created\":20,\"expired\":6},"                                    \
	"\"queue\":{\"number\":7,\"packets\":12345678901,\"batches\":1000," \
	"\"overruns\":2,\"lost_verdicts\":0}}"

static void test_status_is_a_line_for_each_thing(void **state)
{
	struct bench *b = *state;

	assert_prints(b, cmd_status, STATUS_RESULT,
		      "natemd    0.1.0, pid 4242, up 4m07s\n"
		      "lan       lan0\n"
		      "wan       wan0\n"
		      "external  203.0.113.1, 203.0.113.2\n"
		      "mappings  3 of 65536\n"
		      "sessions  14 of 131072, 20 ever made, 6 timed out\n"
		      "queue     7: 12345678901 packets, 2 overruns\n");
	assert_request(b, 0, "{\"id\":1,\"jsonrpc\":\"2.0\",\"method\":\"status\"}");
}

static void test_status_tolerates_missing_members(void **state)
{
	struct bench *b = *state;

	assert_prints(b, cmd_status, "{}",
		      "natemd    , pid 0, up 0s\n"
		      "lan       \n"
		      "wan       \n"
		      "external  \n"
		      "mappings  0 of 0\n"
		      "sessions  0 of 0\n"
		      "queue     0: 0 packets, 0 overruns\n");
}

static void test_status_as_json_is_the_result(void **state)
{
	assert_prints_json(*state, cmd_status, STATUS_RESULT);
}

static void test_status_tells_of_what_waits_rests_and_is_sent(void **state)
{
	static const struct {
		const char *members, *lines;
	} cases[] = {
		{ "\"resting_ports\":0,\"held\":{\"fragments\":0,\"syns\":0},"
		  "\"own_packets\":{\"made\":0,\"lost\":0,\"sent\":0,\"failed\":0}",
		  "" },
		{ "\"resting_ports\":12,\"held\":{\"fragments\":3,\"syns\":0}",
		  "held      3 fragments, 0 unsolicited SYNs\nresting   12 ports\n" },
		{ "\"held\":{\"fragments\":0,\"syns\":1}",
		  "held      0 fragments, 1 unsolicited SYNs\n" },
		{ "\"pcp\":{\"leases\":0,\"granted\":0,\"refused\":0,\"ignored\":0}", "" },
		{ "\"pcp\":{\"leases\":2,\"granted\":5,\"refused\":1,\"ignored\":3}",
		  "pcp       2 leases; requests: 5 granted, 1 refused, 3 ignored\n" },
		{ "\"own_packets\":{\"made\":9,\"lost\":3,\"sent\":7,\"failed\":2}",
		  "own       9 packets made, 7 sent, 2 failed, 3 lost\n" },
	};
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char result[256], *queue;

		snprintf(result, sizeof(result), "{%s}", cases[i].members);
		assert_int_equal(run_with(b, cmd_status, result), CLIENT_OK);
		queue = strstr(b->output, "queue     0: 0 packets, 0 overruns\n");
		assert_non_null(queue);
		assert_string_equal(strchr(queue, '\n') + 1, cases[i].lines);
	}
}

static void test_status_tells_of_a_clock_that_is_not_real_time(void **state)
{
	static const struct {
		const char *clock, *line;
	} cases[] = {
		{ "\"frozen\":false,\"scale\":\"1\",\"real_ms\":5000,\"nat_ms\":5000", "" },
		{ "\"frozen\":true,\"scale\":\"1\",\"real_ms\":5000,\"nat_ms\":5000",
		  "clock     frozen, scale 1\n" },
		{ "\"frozen\":false,\"scale\":\"60\",\"real_ms\":5000,\"nat_ms\":5000",
		  "clock     runs, scale 60\n" },
		{ "\"frozen\":false,\"scale\":\"1\",\"real_ms\":5000,\"nat_ms\":306000",
		  "clock     runs, scale 1, 5m01s ahead\n" },
		{ "\"frozen\":true,\"scale\":\"1\",\"real_ms\":5000,\"nat_ms\":3000",
		  "clock     frozen, scale 1, 2s behind\n" },
	};
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char result[256], *queue;

		snprintf(result, sizeof(result), "{\"clock\":{%s}}", cases[i].clock);
		assert_int_equal(run_with(b, cmd_status, result), CLIENT_OK);
		queue = strstr(b->output, "queue     0: 0 packets, 0 overruns\n");
		assert_non_null(queue);
		assert_string_equal(strchr(queue, '\n') + 1, cases[i].line);
	}
}

/* --- counters ------------------------------------------------------------------------------- */

#define COUNTERS_RESULT                                                                          \
	"{\"counters\":{"                                                                        \
	"\"outbound\":{\"value\":1200,\"drop\":false,\"meaning\":\"went out\",\"clause\":\"\"}," \
	"\"no-mapping\":{\"value\":7,\"drop\":true,\"meaning\":\"nobody asked\"}}}"

static void test_counters_are_a_table(void **state)
{
	struct bench *b = *state;

	assert_prints(b, cmd_counters, COUNTERS_RESULT,
		      "COUNTER    PACKETS VERDICT MEANING\n"
		      "outbound      1200 pass    went out\n"
		      "no-mapping       7 drop    nobody asked\n");
	assert_request(b, 0, "{\"id\":1,\"jsonrpc\":\"2.0\",\"method\":\"counters.get\"}");
}

static void test_counters_tolerate_missing_members(void **state)
{
	struct bench *b = *state;

	assert_prints(b, cmd_counters, "{\"counters\":{\"x\":{}}}",
		      "COUNTER PACKETS VERDICT MEANING\n"
		      "x             0 pass    \n");
	assert_prints(b, cmd_counters, "{}", "COUNTER PACKETS VERDICT MEANING\n");
}

static void test_counters_as_json_are_the_result(void **state)
{
	assert_prints_json(*state, cmd_counters, COUNTERS_RESULT);
}

/* --- options and get ------------------------------------------------------------------------ */

#define OPTIONS_RESULT                                                                    \
	"{\"options\":{"                                                                  \
	"\"nat.wan\":{\"value\":\"wan\",\"default\":\"wan\",\"meaning\":\"outer side\"}," \
	"\"udp.timeout\":{\"value\":\"30s\",\"default\":\"5m\",\"meaning\":\"of a session\"}}}"

static void test_options_are_a_table_in_which_a_default_is_an_equals_sign(void **state)
{
	struct bench *b = *state;

	assert_prints(b, cmd_options, OPTIONS_RESULT,
		      "KNOB        VALUE DEFAULT MEANING\n"
		      "nat.wan     wan   =       outer side\n"
		      "udp.timeout 30s   5m      of a session\n");
	assert_request(b, 0, "{\"id\":1,\"jsonrpc\":\"2.0\",\"method\":\"options.get\"}");
}

static void test_options_tolerate_missing_members(void **state)
{
	struct bench *b = *state;

	assert_prints(b, cmd_options, "{\"options\":{\"x\":{\"value\":\"1\"},\"y\":7}}",
		      "KNOB VALUE DEFAULT MEANING\n"
		      "x    1             \n"
		      "y          =       \n");
	assert_prints(b, cmd_options, "[]", "KNOB VALUE DEFAULT MEANING\n");
}

static void test_options_as_json_are_the_result(void **state)
{
	assert_prints_json(*state, cmd_options, OPTIONS_RESULT);
}

static void test_get_prints_the_value_alone(void **state)
{
	struct bench *b = *state;

	SAY(b, "udp.timeout");
	assert_prints(b, cmd_get, "{\"options\":{\"udp.timeout\":{\"value\":\"30s\"}}}", "30s\n");
	assert_request(b, 0,
		       "{\"id\":1,\"jsonrpc\":\"2.0\",\"method\":\"options.get\","
		       "\"params\":{\"keys\":[\"udp.timeout\"]}}");
}

static void test_get_prints_a_value_of_any_length(void **state)
{
	char result[4096], value[3000];
	struct bench *b = *state;

	SAY(b, "nat.external");
	memset(value, '1', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	snprintf(result, sizeof(result), "{\"options\":{\"nat.external\":{\"value\":\"%s\"}}}",
		 value);
	assert_int_equal(run_with(b, cmd_get, result), CLIENT_OK);
	assert_int_equal(strlen(b->output), sizeof(value));
}

static void test_get_as_json_is_the_result(void **state)
{
	struct bench *b = *state;

	SAY(b, "udp.timeout");
	assert_prints_json(b, cmd_get, "{\"options\":{\"udp.timeout\":{\"value\":\"30s\"}}}");
}

static void test_get_of_what_is_not_utf8_is_wrong_usage(void **state)
{
	struct bench *b = *state;

	SAY(b, "udp.\xff");
	assert_wrong_usage(b, cmd_get, "not UTF-8");
	SAY(b, "\xc3"); /* half a character */
	assert_wrong_usage(b, cmd_get, "not UTF-8");
}

/* --- set ------------------------------------------------------------------------------------ */

static void test_set_sends_all_words_in_one_request(void **state)
{
	struct bench *b = *state;

	SAY(b, "udp.timeout=30s", "nat.seed=7");
	assert_prints(b, cmd_set, "{\"changed\":{\"nat.seed\":\"7\",\"udp.timeout\":\"30s\"}}",
		      "nat.seed = 7\nudp.timeout = 30s\n");
	assert_int_equal(b->received, 1);
	assert_request(b, 0,
		       "{\"id\":1,\"jsonrpc\":\"2.0\",\"method\":\"options.set\",\"params\":"
		       "{\"options\":{\"nat.seed\":\"7\",\"udp.timeout\":\"30s\"}}}");
}

static void test_set_takes_all_after_the_first_equals_sign(void **state)
{
	struct bench *b = *state;

	SAY(b, "a==b=c", "empty=");
	assert_int_equal(run_with(b, cmd_set, "{}"), CLIENT_OK);
	assert_request(b, 0,
		       "{\"id\":1,\"jsonrpc\":\"2.0\",\"method\":\"options.set\",\"params\":"
		       "{\"options\":{\"a\":\"=b=c\",\"empty\":\"\"}}}");
}

static void test_set_of_one_knob_twice_takes_the_last(void **state)
{
	struct bench *b = *state;

	SAY(b, "nat.seed=1", "nat.seed=2");
	assert_int_equal(run_with(b, cmd_set, "{}"), CLIENT_OK);
	assert_request(b, 0,
		       "{\"id\":1,\"jsonrpc\":\"2.0\",\"method\":\"options.set\",\"params\":"
		       "{\"options\":{\"nat.seed\":\"2\"}}}");
}

static void test_set_without_effect_says_so(void **state)
{
	static const char *const results[] = { "{\"changed\":{}}", "{}" };
	struct bench *b = *state;

	SAY(b, "nat.seed=7");
	for (size_t i = 0; i < 2; i++)
		assert_prints(b, cmd_set, results[i],
			      "nothing changed: the knobs had these values already\n");
}

static void test_set_as_json_is_the_result(void **state)
{
	struct bench *b = *state;

	SAY(b, "nat.seed=7");
	assert_prints_json(b, cmd_set, "{\"changed\":{\"nat.seed\":\"7\"}}");
}

static void test_set_of_what_is_no_assignment_is_wrong_usage(void **state)
{
	struct bench *b = *state;

	SAY(b, "udp.timeout");
	assert_wrong_usage(b, cmd_set, "'udp.timeout': expected KEY=VALUE");
	SAY(b, "=30s");
	assert_wrong_usage(b, cmd_set, "'=30s': expected KEY=VALUE");
	SAY(b, "");
	assert_wrong_usage(b, cmd_set, "'': expected KEY=VALUE");
	SAY(b, "nat.seed=7", "30s");
	assert_wrong_usage(b, cmd_set, "'30s': expected KEY=VALUE");
}

static void test_set_of_what_is_not_utf8_is_wrong_usage(void **state)
{
	struct bench *b = *state;

	SAY(b, "nat.seed=\xff");
	assert_wrong_usage(b, cmd_set, "not UTF-8");
	SAY(b, "nat.\xff=7");
	assert_wrong_usage(b, cmd_set, "not UTF-8");
	SAY(b, "nat.seed=7", "nat.wan=\xe2\x82"); /* a character cut short */
	assert_wrong_usage(b, cmd_set, "not UTF-8");
}

static void test_set_that_is_refused_prints_nothing(void **state)
{
	static const char *const answers[] = {
		"{\"id\":1,\"error\":{\"code\":-32602,\"message\":\"udp.timeout: too short\"}}\n",
		NULL
	};
	struct bench *b = *state;

	SAY(b, "udp.timeout=1ms");
	assert_int_equal(run_pages(b, cmd_set, answers), CLIENT_WRONG_USAGE);
	assert_string_equal(b->output, "");
	assert_string_equal(b->client.why, "udp.timeout: too short");
}

/* --- mappings and sessions ------------------------------------------------------------------ */

#define MAPPING_OLD                                                                           \
	"{\"id\":4,\"protocol\":\"udp\",\"internal\":\"192.168.1.2:5000\","                   \
	"\"external\":\"203.0.113.1:40000\",\"remote\":null,\"state\":null,\"sessions\":2,"   \
	"\"age_ms\":90000,\"expires_in_ms\":30500,\"outbound\":{\"packets\":3,\"bytes\":84}," \
	"\"inbound\":{\"packets\":12,\"bytes\":1331}}"
#define MAPPING_NEW                                                                          \
	"{\"id\":1,\"protocol\":\"icmp\",\"internal\":\"192.168.1.3:7\","                    \
	"\"external\":\"203.0.113.1:8\",\"remote\":null,\"state\":null,\"sessions\":1,"      \
	"\"age_ms\":1000,\"expires_in_ms\":59000,\"outbound\":{\"packets\":1,\"bytes\":84}," \
	"\"inbound\":{\"packets\":0,\"bytes\":0}}"
#define MAPPING_DEPENDENT                                                                  \
	"{\"id\":2,\"protocol\":\"tcp\",\"internal\":\"192.168.1.2:80\","                  \
	"\"external\":\"203.0.113.1:81\",\"remote\":\"203.0.113.10:7000\",\"state\":null," \
	"\"sessions\":1,\"age_ms\":5000,\"expires_in_ms\":7440000,"                        \
	"\"outbound\":{\"packets\":1,\"bytes\":40},\"inbound\":{\"packets\":1,\"bytes\":40}}"
#define SESSION                                                                         \
	"{\"id\":2,\"mapping\":1,\"protocol\":\"tcp\",\"internal\":\"192.168.1.2:80\"," \
	"\"external\":\"203.0.113.1:81\",\"remote\":\"203.0.113.10:7000\","             \
	"\"state\":\"established\",\"age_ms\":5000,\"expires_in_ms\":7440000,"          \
	"\"outbound\":{\"packets\":1,\"bytes\":40},\"inbound\":{\"packets\":1,\"bytes\":40}}"

#define HEAD	 "PROTO INTERNAL         EXTERNAL          STATE SESS LEFT  OUT      IN\n"
#define LINE_OLD "udp   192.168.1.2:5000 203.0.113.1:40000 -        2  31s 3/84 12/1.3K\n"
#define LINE_NEW "icmp  192.168.1.3:7    203.0.113.1:8     -        1  59s 1/84     0/0\n"

static void test_mappings_are_a_table_with_the_oldest_first(void **state)
{
	struct bench *b = *state;

	assert_prints(b, cmd_mappings, "{\"mappings\":[" MAPPING_NEW "," MAPPING_OLD "]}",
		      HEAD LINE_OLD LINE_NEW);
	assert_prints(b, cmd_mappings, "{\"mappings\":[" MAPPING_OLD "," MAPPING_NEW "]}",
		      HEAD LINE_OLD LINE_NEW);
	assert_request(b, 0,
		       "{\"id\":2,\"jsonrpc\":\"2.0\",\"method\":\"mappings.list\","
		       "\"params\":{\"cursor\":0}}");
}

static void test_remote_column_is_there_when_one_mapping_has_a_remote(void **state)
{
	struct bench *b = *state;

	assert_prints(
		b, cmd_mappings, "{\"mappings\":[" MAPPING_NEW "," MAPPING_DEPENDENT "]}",
		"PROTO INTERNAL       EXTERNAL       REMOTE            STATE SESS  LEFT  OUT   IN\n"
		"tcp   192.168.1.2:80 203.0.113.1:81 203.0.113.10:7000 -        1 2h04m 1/40 1/40\n"
		"icmp  192.168.1.3:7  203.0.113.1:8  any               -        1   59s 1/84  "
		"0/0\n");
}

#define MAPPING_FIXED                                                                      \
	"{\"id\":3,\"protocol\":\"udp\",\"internal\":\"192.168.1.3:6003\","                \
	"\"external\":\"203.0.113.1:5003\",\"remote\":null,\"state\":null,\"sessions\":1," \
	"\"fixed\":true,\"age_ms\":2000,\"expires_in_ms\":30000,"                          \
	"\"outbound\":{\"packets\":0,\"bytes\":0},\"inbound\":{\"packets\":1,\"bytes\":40}}"

static void test_kind_column_is_there_when_one_mapping_is_fixed(void **state)
{
	struct bench *b = *state;

	assert_prints(b, cmd_mappings, "{\"mappings\":[" MAPPING_NEW "," MAPPING_FIXED "]}",
		      "PROTO INTERNAL         EXTERNAL         KIND  STATE SESS LEFT  OUT   IN\n"
		      "udp   192.168.1.3:6003 203.0.113.1:5003 fixed -        1  30s  0/0 1/40\n"
		      "icmp  192.168.1.3:7    203.0.113.1:8    -     -        1  59s 1/84  0/0\n");
}

#define MAPPING_LEASED                                                                     \
	"{\"id\":4,\"protocol\":\"udp\",\"internal\":\"192.168.1.3:6003\","                \
	"\"external\":\"203.0.113.1:5003\",\"remote\":null,\"state\":null,\"sessions\":0," \
	"\"fixed\":false,\"lease_ms\":30000,\"age_ms\":2000,\"expires_in_ms\":30000,"      \
	"\"outbound\":{\"packets\":0,\"bytes\":0},\"inbound\":{\"packets\":0,\"bytes\":0}}"

static void test_kind_column_is_there_when_one_mapping_is_leased(void **state)
{
	struct bench *b = *state;

	assert_prints(b, cmd_mappings, "{\"mappings\":[" MAPPING_NEW "," MAPPING_LEASED "]}",
		      "PROTO INTERNAL         EXTERNAL         KIND   STATE SESS LEFT  OUT  IN\n"
		      "udp   192.168.1.3:6003 203.0.113.1:5003 leased -        0  30s  0/0 0/0\n"
		      "icmp  192.168.1.3:7    203.0.113.1:8    -      -        1  59s 1/84 0/0\n");
}

static void test_mappings_that_are_none_are_a_head_alone(void **state)
{
	struct bench *b = *state;

	assert_prints(b, cmd_mappings, "{\"mappings\":[]}",
		      "PROTO INTERNAL EXTERNAL STATE SESS LEFT OUT IN\n");
}

static void test_mappings_tolerate_missing_members(void **state)
{
	struct bench *b = *state;

	assert_prints(b, cmd_mappings, "{\"mappings\":[{}]}",
		      "PROTO INTERNAL EXTERNAL STATE SESS LEFT OUT  IN\n"
		      "                        -        0   0s 0/0 0/0\n");
	assert_prints(b, cmd_mappings, "7", "PROTO INTERNAL EXTERNAL STATE SESS LEFT OUT IN\n");
}

static void test_mappings_of_several_pages_are_sorted_together(void **state)
{
	static const char *const answers[] = {
		"{\"id\":1,\"result\":{\"mappings\":[" MAPPING_NEW "],\"next\":1000}}\n",
		"{\"id\":2,\"result\":{\"mappings\":[" MAPPING_OLD "],\"next\":null}}\n", NULL
	};
	struct bench *b = *state;

	assert_int_equal(run_pages(b, cmd_mappings, answers), CLIENT_OK);
	assert_string_equal(b->output, HEAD LINE_OLD LINE_NEW);
	assert_request(b, 1,
		       "{\"id\":2,\"jsonrpc\":\"2.0\",\"method\":\"mappings.list\","
		       "\"params\":{\"cursor\":1000}}");
}

static void test_mappings_of_which_a_page_fails_are_not_printed_in_part(void **state)
{
	static const char *const answers[] = {
		"{\"id\":1,\"result\":{\"mappings\":[" MAPPING_NEW "],\"next\":1000}}\n",
		"{\"id\":2,\"error\":{\"code\":-32000,\"message\":\"no memory\"}}\n", NULL
	};
	struct bench *b = *state;

	assert_int_equal(run_pages(b, cmd_mappings, answers), CLIENT_FAILED);
	assert_string_equal(b->output, "");
	assert_string_equal(b->client.why, "no memory");
}

static void test_mappings_as_json_are_the_list(void **state)
{
	assert_prints_json(*state, cmd_mappings,
			   "{\"mappings\":[" MAPPING_NEW "," MAPPING_OLD "]}");
}

static const char *const three_pages[] = {
	"{\"id\":1,\"result\":{\"mappings\":[" MAPPING_NEW "," MAPPING_FIXED "],\"next\":7}}\n",
	"{\"id\":2,\"result\":{\"mappings\":[],\"next\":9}}\n",
	"{\"id\":3,\"result\":{\"mappings\":[" MAPPING_OLD "],\"next\":null}}\n", NULL
};

static void test_json_of_several_pages_is_one_document_on_one_line(void **state)
{
	struct bench *b = *state;

	b->call.json = true;
	assert_int_equal(run_pages(b, cmd_mappings, three_pages), CLIENT_OK);
	assert_string_equal(b->output,
			    "{\"mappings\":[" MAPPING_NEW "," MAPPING_FIXED "," MAPPING_OLD "]}\n");
	assert_request(b, 1,
		       "{\"id\":2,\"jsonrpc\":\"2.0\",\"method\":\"mappings.list\","
		       "\"params\":{\"cursor\":7}}");
}

static void test_json_whose_first_pages_are_empty_starts_with_no_comma(void **state)
{
	static const char *const answers[] = {
		"{\"id\":1,\"result\":{\"sessions\":[],\"next\":7}}\n",
		"{\"id\":2,\"result\":{\"next\":9}}\n",
		"{\"id\":3,\"result\":{\"sessions\":[1,2],\"next\":null}}\n", NULL
	};
	struct bench *b = *state;

	b->call.json = true;
	assert_int_equal(run_pages(b, cmd_sessions, answers), CLIENT_OK);
	assert_string_equal(b->output, "{\"sessions\":[1,2]}\n");
}

static void test_json_of_which_a_page_fails_is_cut_short(void **state)
{
	static const struct {
		const char *third, *why;
	} cases[] = {
		{ "{\"id\":3,\"error\":{\"code\":-32000,\"message\":\"no memory\"}}\n",
		  "no memory; the list is incomplete" },
		{ NULL, "(has it just ended?); the list is incomplete" },
	};
	struct bench *b = *state;

	b->call.json = true;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *answers[] = { three_pages[0], three_pages[1], cases[i].third, NULL };

		assert_int_equal(run_pages(b, cmd_mappings, answers), CLIENT_FAILED);
		assert_string_equal(b->output,
				    "{\"mappings\":[" MAPPING_NEW "," MAPPING_FIXED "\n");
		assert_why(b, cases[i].why);
	}
}

enum { LONG_PAGE = LIST_TOGETHER / 2 + 1 };

/* The answer @page: LONG_PAGE mappings whose age is @page in the thousands, else mixed up. */
static char *long_page(int page)
{
	char *answer = malloc(LONG_PAGE * 128 + 128), *at = answer;

	assert_non_null(answer);
	at += sprintf(at, "{\"id\":1,\"result\":{\"next\":%d,\"mappings\":[", page);
	for (int i = 0; i < LONG_PAGE; i++)
		at += sprintf(at, "%s{\"internal\":\"%d\",\"age_ms\":%d}", i > 0 ? "," : "",
			      10000 * page + i * 7 % LONG_PAGE, 10000 * page + i * 7 % LONG_PAGE);
	strcpy(at, "]}}\n");
	return answer;
}

#define LONG_HEAD "PROTO INTERNAL EXTERNAL KIND REMOTE STATE SESS LEFT OUT  IN\n"

/* The rows of one part: those of page 2, which are older, then those of page 1. */
static const char *assert_first_part(const char *output)
{
	assert_memory_equal(output, LONG_HEAD, strlen(LONG_HEAD));
	output += strlen(LONG_HEAD);
	for (int i = 0; i < 2 * LONG_PAGE; i++) {
		int page = 2 - i / LONG_PAGE, age = 10000 * page + LONG_PAGE - 1 - i % LONG_PAGE;
		char line[128];

		snprintf(line, sizeof(line),
			 "      %-8d          -    any    -        0   0s 0/0 0/0\n", age);
		assert_memory_equal(output, line, strlen(line));
		output += strlen(line);
	}
	return output;
}

static void test_long_table_comes_in_parts_under_one_head(void **state)
{
	struct bench *b = *state;
	char *first = long_page(1), *second = long_page(2);
	const char *answers[] = { first, second, three_pages[2], NULL };

	assert_int_equal(run_pages(b, cmd_mappings, answers), CLIENT_OK);
	free(first);
	free(second);
	assert_string_equal(assert_first_part(b->output),
			    "udp   192.168.1.2:5000 203.0.113.1:40000 -    any    -        2  31s "
			    "3/84 12/1.3K\n");
}

static void test_long_table_that_ends_with_a_part_has_nothing_after_it(void **state)
{
	struct bench *b = *state;
	char *first = long_page(1), *second = long_page(2);
	const char *answers[] = { first, second, "{\"id\":3,\"result\":{\"next\":null}}\n", NULL };

	assert_int_equal(run_pages(b, cmd_mappings, answers), CLIENT_OK);
	free(first);
	free(second);
	assert_string_equal(assert_first_part(b->output), "");
}

static void test_long_table_that_fails_keeps_what_was_printed(void **state)
{
	struct bench *b = *state;
	char *first = long_page(1), *second = long_page(2);
	const char *answers[] = { first, second, NULL };

	assert_int_equal(run_pages(b, cmd_mappings, answers), CLIENT_FAILED);
	free(first);
	free(second);
	assert_string_equal(assert_first_part(b->output), "");
	assert_why(b, "(has it just ended?); the list is incomplete");
}

/* On a screen the newest come first: of all there are. */
static void test_watched_table_is_in_order_however_long(void **state)
{
	struct bench *b = *state;
	char *first = long_page(1), *second = long_page(2);
	const char *answers[] = { second, first, three_pages[0], three_pages[2], NULL };
	const char *line;

	b->call.watch = true;
	assert_int_equal(run_pages(b, cmd_mappings, answers), CLIENT_FAILED);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	free(first);
	free(second);
	line = strchr(b->output, '\n') + 1;
	assert_memory_equal(line, "icmp  192.168.1.3:7", strlen("icmp  192.168.1.3:7"));
	line = strchr(line, '\n') + 1;
	assert_memory_equal(line, "udp   192.168.1.3:6003", strlen("udp   192.168.1.3:6003"));
	line = strchr(line, '\n') + 1;
	assert_memory_equal(line, "      10000 ", strlen("      10000 "));
	assert_non_null(strstr(line, "udp   192.168.1.2:5000"));
	assert_null(strstr(line, "PROTO"));
}

static enum client_status into_full_device(const struct invocation *call)
{
	int saved = dup(STDOUT_FILENO), full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	enum client_status status;

	fflush(stdout);
	dup2(full, STDOUT_FILENO);
	status = cmd_mappings(call);
	fflush(stdout); /* what is left fails too: nothing of it is for the test's own output */
	clearerr(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	close(full);
	return status;
}

static void test_list_ends_when_nobody_takes_what_is_written(void **state)
{
	struct bench *b = *state;
	char *first = long_page(1), *second = long_page(2);
	const char *answers[] = { first, second, three_pages[0], NULL };

	for (int json = 0; json < 2; json++) {
		b->call.json = json;
		assert_int_equal(run_pages(b, into_full_device, answers), CLIENT_FAILED);
		assert_int_equal(b->received, json ? 1 : 2);
		assert_why(b, "cannot write the answer: No space left on device");
	}
	free(first);
	free(second);
}

static void test_sessions_are_a_table_without_a_count_of_sessions(void **state)
{
	struct bench *b = *state;

	assert_prints(b, cmd_sessions, "{\"sessions\":[" SESSION "]}",
		      "PROTO INTERNAL       EXTERNAL       REMOTE            STATE        LEFT  "
		      "OUT   IN\n"
		      "tcp   192.168.1.2:80 203.0.113.1:81 203.0.113.10:7000 established 2h04m "
		      "1/40 1/40\n");
	assert_request(b, 0,
		       "{\"id\":1,\"jsonrpc\":\"2.0\",\"method\":\"sessions.list\","
		       "\"params\":{\"cursor\":0}}");
}

static void test_sessions_as_json_are_the_list(void **state)
{
	assert_prints_json(*state, cmd_sessions, "{\"sessions\":[" SESSION "]}");
}

/* Watching puts its own handlers on some signals; the test's own end needs the usual ones. */
static enum client_status watched(struct bench *b, subcommand *run, const char *result)
{
	enum client_status status;

	b->call.watch = true;
	status = run_with(b, run, result); /* the second time nobody listens */
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	return status;
}

static void test_watched_mappings_have_the_newest_first(void **state)
{
	struct bench *b = *state;

	assert_int_equal(
		watched(b, cmd_mappings, "{\"mappings\":[" MAPPING_OLD "," MAPPING_NEW "]}"),
		CLIENT_FAILED);
	assert_why(b, "Connection refused");
	assert_string_equal(b->output, HEAD LINE_NEW LINE_OLD);
}

static void test_watched_mappings_as_json_are_a_line_each_time(void **state)
{
	struct bench *b = *state;

	b->call.json = true;
	assert_int_equal(watched(b, cmd_mappings, "{\"mappings\":[1]}"), CLIENT_FAILED);
	assert_string_equal(b->output, "{\"mappings\":[1]}\n");
}

/* --- what all have in common ---------------------------------------------------------------- */

static enum client_status show_clock(const struct invocation *call)
{
	static char show[] = "show", *words[] = { show };
	struct invocation clock = *call;

	clock.argc = 1;
	clock.argv = words;
	return cmd_clock(&clock);
}

static enum client_status show_events(const struct invocation *call)
{
	struct invocation events = *call;

	events.argc = 0;
	return cmd_events(&events);
}

static subcommand *const all[] = { cmd_status, cmd_counters, cmd_options,  cmd_get,
				   cmd_set,    cmd_mappings, cmd_sessions, cmd_hosts,
				   cmd_who,    show_clock,   show_events };

static void test_no_daemon_is_a_failure_that_prints_nothing(void **state)
{
	struct bench *b = *state;

	SAY(b, "nat.seed=7");
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		*b->client.why = '\0';
		assert_int_equal(caught(b, all[i]), CLIENT_FAILED);
		assert_string_equal(b->output, "");
		assert_why(b, "No such file");
		assert_int_equal(b->client.fd, -1);
	}
}

static void test_answer_that_is_none_is_a_failure_that_prints_nothing(void **state)
{
	static const char *const answers[] = { "garbage\n", NULL };
	struct bench *b = *state;

	SAY(b, "nat.seed=7");
	for (int json = 0; json < 2; json++) {
		b->call.json = json;
		for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
			assert_int_equal(run_pages(b, all[i], answers), CLIENT_FAILED);
			assert_string_equal(b->output, "");
			assert_why(b, "not an answer of natemd");
			assert_int_equal(b->client.fd, -1);
		}
	}
}

static int printed;

static void print_nothing(const struct invocation *call, const json_t *result)
{
	(void)call;
	assert_int_equal(json_integer_value(result), 42);
	printed++;
}

static enum client_status show(const struct invocation *call)
{
	return command_show(call, "a.method", json_pack("{s:i}", "n", 1), print_nothing);
}

static void test_show_calls_the_method_and_gives_its_result_to_print(void **state)
{
	struct bench *b = *state;

	printed = 0;
	assert_int_equal(run_with(b, show, "42"), CLIENT_OK);
	assert_int_equal(printed, 1);
	assert_request(b, 0,
		       "{\"id\":1,\"jsonrpc\":\"2.0\",\"method\":\"a.method\","
		       "\"params\":{\"n\":1}}");
	b->call.json = true;
	assert_int_equal(run_with(b, show, "[42]"), CLIENT_OK);
	assert_int_equal(printed, 1);
	assert_string_equal(b->output, "[42]\n");
}

static void test_show_without_a_daemon_prints_nothing(void **state)
{
	struct bench *b = *state;

	printed = 0;
	assert_int_equal(caught(b, show), CLIENT_FAILED);
	assert_int_equal(printed, 0);
}

static void test_text_and_number_of_what_is_not_there(void **state)
{
	json_t *object = json_pack("{s:s, s:i, s:n}", "s", "text", "n", 7, "null");

	(void)state;
	assert_string_equal(command_text(object, "s"), "text");
	assert_string_equal(command_text(object, "n"), "");
	assert_string_equal(command_text(object, "null"), "");
	assert_string_equal(command_text(object, "x"), "");
	assert_string_equal(command_text(NULL, "x"), "");
	assert_int_equal(command_number(object, "n"), 7);
	assert_int_equal(command_number(object, "s"), 0);
	assert_int_equal(command_number(object, "null"), 0);
	assert_int_equal(command_number(object, "x"), 0);
	assert_int_equal(command_number(NULL, "x"), 0);
	json_decref(object);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		command_test(test_status_is_a_line_for_each_thing),
		command_test(test_status_tolerates_missing_members),
		command_test(test_status_as_json_is_the_result),
		command_test(test_status_tells_of_what_waits_rests_and_is_sent),
		command_test(test_status_tells_of_a_clock_that_is_not_real_time),
		command_test(test_counters_are_a_table),
		command_test(test_counters_tolerate_missing_members),
		command_test(test_counters_as_json_are_the_result),
		command_test(test_options_are_a_table_in_which_a_default_is_an_equals_sign),
		command_test(test_options_tolerate_missing_members),
		command_test(test_options_as_json_are_the_result),
		command_test(test_get_prints_the_value_alone),
		command_test(test_get_prints_a_value_of_any_length),
		command_test(test_get_as_json_is_the_result),
		command_test(test_get_of_what_is_not_utf8_is_wrong_usage),
		command_test(test_set_sends_all_words_in_one_request),
		command_test(test_set_takes_all_after_the_first_equals_sign),
		command_test(test_set_of_one_knob_twice_takes_the_last),
		command_test(test_set_without_effect_says_so),
		command_test(test_set_as_json_is_the_result),
		command_test(test_set_of_what_is_no_assignment_is_wrong_usage),
		command_test(test_set_of_what_is_not_utf8_is_wrong_usage),
		command_test(test_set_that_is_refused_prints_nothing),
		command_test(test_mappings_are_a_table_with_the_oldest_first),
		command_test(test_remote_column_is_there_when_one_mapping_has_a_remote),
		command_test(test_kind_column_is_there_when_one_mapping_is_fixed),
		command_test(test_kind_column_is_there_when_one_mapping_is_leased),
		command_test(test_mappings_that_are_none_are_a_head_alone),
		command_test(test_mappings_tolerate_missing_members),
		command_test(test_mappings_of_several_pages_are_sorted_together),
		command_test(test_mappings_of_which_a_page_fails_are_not_printed_in_part),
		command_test(test_mappings_as_json_are_the_list),
		command_test(test_json_of_several_pages_is_one_document_on_one_line),
		command_test(test_json_whose_first_pages_are_empty_starts_with_no_comma),
		command_test(test_json_of_which_a_page_fails_is_cut_short),
		command_test(test_long_table_comes_in_parts_under_one_head),
		command_test(test_long_table_that_ends_with_a_part_has_nothing_after_it),
		command_test(test_long_table_that_fails_keeps_what_was_printed),
		command_test(test_watched_table_is_in_order_however_long),
		command_test(test_list_ends_when_nobody_takes_what_is_written),
		command_test(test_sessions_are_a_table_without_a_count_of_sessions),
		command_test(test_sessions_as_json_are_the_list),
		command_test(test_watched_mappings_have_the_newest_first),
		command_test(test_watched_mappings_as_json_are_a_line_each_time),
		command_test(test_no_daemon_is_a_failure_that_prints_nothing),
		command_test(test_answer_that_is_none_is_a_failure_that_prints_nothing),
		command_test(test_show_calls_the_method_and_gives_its_result_to_print),
		command_test(test_show_without_a_daemon_prints_nothing),
		command_test(test_text_and_number_of_what_is_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
