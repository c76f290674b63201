/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The subcommands that explain: explain of packets and of reasons, counters --explain.
 */
#include "nat/core/reason.h"
#include "tests/unit/command.h"

/* --- explain: packets ----------------------------------------------------------------------- */

static void assert_asks(struct bench *b, const char *params)
{
	char wanted[512];

	assert_int_equal(run_with(b, cmd_explain, "{\"text\":\"x\"}"), CLIENT_OK);
	snprintf(wanted, sizeof(wanted),
		 "{\"id\":%d,\"jsonrpc\":\"2.0\",\"method\":\"packets.explain\",\"params\":%s}",
		 b->client.calls, params);
	assert_request(b, 0, wanted);
}

static void test_explain_asks_for_the_packet_of_its_words(void **state)
{
	static char flags[] = "syn,ack";
	struct bench *b = *state;

	SAY(b, "udp", "192.168.1.2:6789", "203.0.113.10:7890");
	assert_asks(b, "{\"destination\":\"203.0.113.10:7890\",\"from\":\"internal\","
		       "\"protocol\":\"udp\",\"source\":\"192.168.1.2:6789\"}");
	SAY(b, "other", "47", "192.168.1.2", "203.0.113.10");
	assert_asks(b, "{\"destination\":\"203.0.113.10\",\"from\":\"internal\",\"number\":47,"
		       "\"protocol\":\"other\",\"source\":\"192.168.1.2\"}");
	b->call.inbound = true;
	b->call.flags = flags;
	SAY(b, "tcp", "203.0.113.10:80", "203.0.113.1:81");
	assert_asks(b, "{\"destination\":\"203.0.113.1:81\",\"flags\":\"syn,ack\",\"from\":"
		       "\"external\",\"protocol\":\"tcp\",\"source\":\"203.0.113.10:80\"}");
}

static void test_explain_prints_paragraphs_and_what_to_do_apart(void **state)
{
	struct bench *b = *state;

	SAY(b, "udp", "192.168.1.2:6789", "203.0.113.10:7890");
	assert_prints(b, cmd_explain, "{\"text\":\"It would go on. It is known.\",\"advice\":\"\"}",
		      "It would go on. It is known.\n");
	assert_prints(
		b, cmd_explain,
		"{\"text\":\"It would be dropped, for a reason that is told in so many words that "
		"they need two lines. Let it in.\",\"advice\":\"Let it in.\"}",
		"It would be dropped, for a reason that is told in so many words that they need\n"
		"two lines.\n\nLet it in.\n");
	/* Should the two ever not fit together, nothing is lost. */
	assert_prints(b, cmd_explain, "{\"text\":\"It is.\",\"advice\":\"Let it in.\"}",
		      "It is.\n");
	assert_prints(b, cmd_explain, "{}", "");
}

static void test_explain_as_json_is_the_result(void **state)
{
	struct bench *b = *state;

	SAY(b, "icmp", "192.168.1.2:77", "203.0.113.10");
	assert_prints_json(b, cmd_explain, "{\"verdict\":\"passed\",\"text\":\"x\"}");
}

static void test_explain_of_other_words_is_wrong_usage(void **state)
{
	struct bench *b = *state;

	SAY(b, NULL);
	assert_wrong_usage(b, cmd_explain, "explain what? A packet, such as udp");
	SAY(b, "udp");
	assert_wrong_usage(b, cmd_explain, "explain udp needs SOURCE and DESTINATION");
	SAY(b, "udp", "192.168.1.2:1");
	assert_wrong_usage(b, cmd_explain, "needs SOURCE and DESTINATION, such as udp 192");
	SAY(b, "udp", "192.168.1.2:1", "203.0.113.10:1", "more");
	assert_wrong_usage(b, cmd_explain, "explain udp needs SOURCE and DESTINATION");
	SAY(b, "other", "192.168.1.2", "203.0.113.10");
	assert_wrong_usage(b, cmd_explain, "explain other needs NUMBER, SOURCE and DESTINATION");
	SAY(b, "other", "gre", "192.168.1.2", "203.0.113.10");
	assert_wrong_usage(b, cmd_explain, "'gre' is not the number of an IP protocol");
	SAY(b, "other", "1000", "192.168.1.2", "203.0.113.10");
	assert_wrong_usage(b, cmd_explain, "'1000' is not the number");
	SAY(b, "192.168.1.2:1", "203.0.113.10:1");
	assert_wrong_usage(b, cmd_explain, "'192.168.1.2:1' is no protocol: udp, tcp, icmp or");
	SAY(b, "udp", "\xff", "203.0.113.10:1");
	assert_wrong_usage(b, cmd_explain, "not UTF-8");
}

/* --- explain: reasons ----------------------------------------------------------------------- */

static void test_explain_of_a_reason_needs_no_daemon(void **state)
{
	struct bench *b = *state;

	SAY(b, "filtered");
	assert_int_equal(caught(b, cmd_explain), CLIENT_OK);
	assert_string_equal(
		b->output,
		"filtered (dropped): inbound from a remote endpoint that filtering does not let\n"
		"in (RFC 4787 REQ-8).\n"
		"\n"
		"Let the internal host send to this remote first, lead a port to it with\n"
		"nat.forwards, or let more remotes in by udp.filtering, tcp.filtering,\n"
		"icmp.filtering or other.filtering: with endpoint-independent everybody may send\n"
		"to a mapping.\n");
	SAY(b, "translated");
	assert_int_equal(caught(b, cmd_explain), CLIENT_OK);
	assert_string_equal(b->output,
			    "translated (let pass): belonged to a known session (RFC 3022 4.1).\n");
}

/* Whole, whatever is in the table. */
static void test_explain_prints_every_reason_whole(void **state)
{
	struct bench *b = *state;

	for (unsigned int i = 0; i < REASON_COUNT; i++) {
		const struct reason_spec *spec = reason_spec((enum nat_reason)i);
		size_t words = strlen(spec->advice);

		SAY(b, spec->name);
		assert_int_equal(caught(b, cmd_explain), CLIENT_OK);
		for (char *c = b->output; *c != '\0'; c++)
			*c = (char)(*c == '\n' ? ' ' : *c);
		assert_non_null(strstr(b->output, spec->explanation));
		assert_non_null(strstr(b->output, spec->clause));
		assert_true(strlen(b->output) > words);
		assert_memory_equal(b->output + strlen(b->output) - words - 1, spec->advice, words);
	}
}

static void test_explain_of_a_reason_as_json(void **state)
{
	struct bench *b = *state;
	json_t *printed;

	b->call.json = true;
	SAY(b, "no-mapping");
	assert_int_equal(caught(b, cmd_explain), CLIENT_OK);
	printed = json_loads(b->output, 0, NULL);
	assert_string_equal(command_text(printed, "reason"), "no-mapping");
	assert_string_equal(command_text(printed, "clause"), "RFC 3022 2.2");
	assert_true(json_is_true(json_object_get(printed, "drop")));
	assert_string_equal(command_text(printed, "advice"),
			    reason_spec(REASON_NO_MAPPING)->advice);
	json_decref(printed);
	b->call.list = true;
	SAY(b, NULL);
	assert_int_equal(caught(b, cmd_explain), CLIENT_OK);
	printed = json_loads(b->output, 0, NULL);
	assert_int_equal(json_array_size(json_object_get(printed, "reasons")), REASON_COUNT);
	json_decref(printed);
}

static void test_explain_list_has_every_reason(void **state)
{
	struct bench *b = *state;
	char *line;

	b->call.list = true;
	SAY(b, NULL);
	assert_int_equal(caught(b, cmd_explain), CLIENT_OK);
	assert_memory_equal(b->output, "REASON ", 7);
	line = b->output;
	for (unsigned int i = 0; i < REASON_COUNT; i++) {
		const struct reason_spec *spec = reason_spec((enum nat_reason)i);

		line = strchr(line, '\n') + 1;
		assert_memory_equal(line, spec->name, strlen(spec->name));
		assert_memory_equal(strchr(line, '\n') - strlen(spec->explanation),
				    spec->explanation, strlen(spec->explanation));
	}
	assert_string_equal(strchr(line, '\n'), "\n");
	SAY(b, "filtered");
	assert_wrong_usage(b, cmd_explain, "explain --list takes no 'filtered'");
}

static void test_explain_of_no_reason_asks_what_was_meant(void **state)
{
	static char flags[] = "syn";
	struct bench *b = *state;

	SAY(b, "fitered");
	assert_wrong_usage(b, cmd_explain, "no reason 'fitered'; did you mean 'filtered'?");
	SAY(b, "nothing-like-it");
	assert_wrong_usage(b, cmd_explain, "'natem explain --list' lists them");
	b->call.flags = flags;
	SAY(b, "filtered");
	assert_wrong_usage(b, cmd_explain, "--inbound and --flags are for packets");
}

/* --- counters ------------------------------------------------------------------------------- */

#define COUNTERS(id, n, m)                                                                       \
	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"result\":{\"counters\":{"                          \
	"\"translated\":{\"value\":" n ",\"drop\":false,\"meaning\":\"known\",\"clause\":\"\"}," \
	"\"filtered\":{\"value\":" m                                                             \
	",\"drop\":true,\"meaning\":\"not let in\",\"clause\":\"RFC 4787 REQ-8\"}}}}\n"

static void test_counters_explained_tell_how_fast_they_rise(void **state)
{
	static const char *const answers[] = { COUNTERS("1", "100", "7"),
					       COUNTERS("2", "1000100", "7"), NULL };
	struct bench *b = *state;
	int rate = -1;

	b->call.explain = true;
	assert_int_equal(run_pages(b, cmd_counters, answers), CLIENT_OK);
	assert_int_equal(b->received, 2);
	assert_request(b, 1, "{\"id\":2,\"jsonrpc\":\"2.0\",\"method\":\"counters.get\"}");
	assert_int_equal(sscanf(b->output,
				"COUNTER PACKETS RATE/S VERDICT CLAUSE MEANING translated 1000100 "
				"%d pass - known filtered 7 0 drop RFC 4787 REQ-8 not let in",
				&rate),
			 1);
	/* A million packets in a hundredth of a second, or a little more. */
	assert_in_range(rate, 100000, 100000000);
	assert_non_null(strstr(b->output, "  0 drop    RFC 4787 REQ-8 not let in\n"));
}

static void test_counters_explained_as_json_have_rates(void **state)
{
	static const char *const answers[] = { COUNTERS("1", "5", "9"), COUNTERS("2", "5", "8"),
					       NULL };
	struct bench *b = *state;
	json_t *printed, *counters;

	b->call.explain = b->call.json = true;
	assert_int_equal(run_pages(b, cmd_counters, answers), CLIENT_OK);
	printed = json_loads(b->output, 0, NULL);
	counters = json_object_get(printed, "counters");
	assert_in_range(command_number(printed, "interval_ms"), 10, PATIENCE_S * 1000);
	assert_true(json_real_value(
			    json_object_get(json_object_get(counters, "translated"), "rate")) == 0);
	assert_true(json_real_value(
			    json_object_get(json_object_get(counters, "filtered"), "rate")) < 0);
	json_decref(printed);
}

static void test_counters_explained_fail_with_the_second_reading(void **state)
{
	static const char *const answers[] = { COUNTERS("1", "5", "9"), NULL };
	struct bench *b = *state;

	b->call.explain = true;
	assert_int_equal(run_pages(b, cmd_counters, answers), CLIENT_FAILED);
	assert_string_equal(b->output, "");
	assert_int_equal(caught(b, cmd_counters), CLIENT_FAILED); /* nobody listens */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		command_test(test_explain_asks_for_the_packet_of_its_words),
		command_test(test_explain_prints_paragraphs_and_what_to_do_apart),
		command_test(test_explain_as_json_is_the_result),
		command_test(test_explain_of_other_words_is_wrong_usage),
		command_test(test_explain_of_a_reason_needs_no_daemon),
		command_test(test_explain_prints_every_reason_whole),
		command_test(test_explain_of_a_reason_as_json),
		command_test(test_explain_list_has_every_reason),
		command_test(test_explain_of_no_reason_asks_what_was_meant),
		command_test(test_counters_explained_tell_how_fast_they_rise),
		command_test(test_counters_explained_as_json_have_rates),
		command_test(test_counters_explained_fail_with_the_second_reading),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
