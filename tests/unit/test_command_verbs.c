/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The subcommands that steer: clock, preset, flush. What each word sends, prints and refuses.
 */
#include "nat/core/presets.h"
#include "nat/json/preset_list.h"
#include "tests/unit/command.h"

/* --- clock ---------------------------------------------------------------------------------- */

#define CLOCK_RESULT "{\"frozen\":false,\"scale\":\"0.5\",\"real_ms\":247000,\"nat_ms\":548000}"

static void test_clock_is_shown_as_it_is_then(void **state)
{
	struct bench *b = *state;

	SAY(b, "show");
	assert_prints(b, cmd_clock, CLOCK_RESULT,
		      "clock      runs\n"
		      "scale      0.5\n"
		      "NAT time   9m08s, 5m01s ahead\n"
		      "real time  4m07s since natemd started\n");
	assert_request(b, 0, "{\"id\":1,\"jsonrpc\":\"2.0\",\"method\":\"clock.get\"}");
	SAY(b, "freeze");
	assert_prints(b, cmd_clock,
		      "{\"frozen\":true,\"scale\":\"1\",\"real_ms\":60000,\"nat_ms\":60000}",
		      "clock      frozen\n"
		      "scale      1\n"
		      "NAT time   1m00s\n"
		      "real time  1m00s since natemd started\n");
}

static void test_clock_verbs_send_their_methods(void **state)
{
	static const struct {
		const char *words[3], *call;
	} cases[] = {
		{ { "advance", "301s" }, "clock.advance\",\"params\":{\"time\":\"301s\"}" },
		{ { "scale", "60" }, "clock.scale\",\"params\":{\"factor\":\"60\"}" },
		{ { "freeze" }, "clock.freeze\"" },
		{ { "resume" }, "clock.resume\"" },
	};
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char wanted[256];

		say(b, cases[i].words);
		assert_int_equal(run_with(b, cmd_clock, CLOCK_RESULT), CLIENT_OK);
		snprintf(wanted, sizeof(wanted), "{\"id\":%zu,\"jsonrpc\":\"2.0\",\"method\":\"%s}",
			 i + 1, cases[i].call);
		assert_request(b, 0, wanted);
	}
}

static void test_clock_as_json_is_the_result(void **state)
{
	struct bench *b = *state;

	SAY(b, "show");
	assert_prints_json(b, cmd_clock, CLOCK_RESULT);
}

static void test_clock_of_other_words_is_wrong_usage(void **state)
{
	struct bench *b = *state;

	SAY(b, "stop");
	assert_wrong_usage(b, cmd_clock,
			   "no 'stop'; it has advance, scale, freeze, resume and show");
	SAY(b, "advance");
	assert_wrong_usage(b, cmd_clock, "advance needs a time, such as 300s or 2h4m");
	SAY(b, "scale");
	assert_wrong_usage(b, cmd_clock, "scale needs a factor, such as 60 or 0.5");
	SAY(b, "freeze", "5s");
	assert_wrong_usage(b, cmd_clock, "freeze takes no '5s'");
	SAY(b, "show", "all");
	assert_wrong_usage(b, cmd_clock, "show takes no 'all'");
	SAY(b, "advance", "\xff");
	assert_wrong_usage(b, cmd_clock, "not UTF-8");
}

/* --- preset --------------------------------------------------------------------------------- */

static void test_preset_sets_all_knobs_of_it(void **state)
{
	struct bench *b = *state;

	SAY(b, "symmetric");
	assert_prints(b, cmd_preset, "{\"changed\":{\"udp.mapping\":\"x\"}}", "udp.mapping = x\n");
	assert_request(b, 0,
		       "{\"id\":1,\"jsonrpc\":\"2.0\",\"method\":\"options.set\",\"params\":"
		       "{\"options\":{\"nat.preset\":\"symmetric\"}}}");
	assert_prints_json(b, cmd_preset, "{\"changed\":{}}");
}

static void test_preset_list_is_a_table_and_needs_no_daemon(void **state)
{
	struct bench *b = *state;
	char *line = b->output;

	b->call.list = true;
	assert_int_equal(caught(b, cmd_preset), CLIENT_OK);
	assert_memory_equal(line, "PRESET ", 7);
	for (unsigned int i = 0; preset_spec(i) != NULL; i++) {
		const struct preset_spec *spec = preset_spec(i);
		char source[1024];
		size_t length;

		line = strchr(line, '\n') + 1;
		length = (size_t)(strchr(line, '\n') - line);
		assert_memory_equal(line, spec->name, strlen(spec->name));
		assert_true(line[strlen(spec->name)] == ' ');
		snprintf(source, sizeof(source), " %s%s", spec->source,
			 *spec->unverified != '\0' ? " (*)" : "");
		if (strlen(source) < TABLE_CELL) /* a longer one is cut */
			assert_memory_equal(line + length - strlen(source), source, strlen(source));
	}
	assert_string_equal(strchr(line, '\n'),
			    "\n(*) not all of it was seen there; --json says what was not.\n");
}

static void test_preset_list_as_json_is_what_the_daemon_gives(void **state)
{
	json_t *wanted = preset_list(), *printed;
	struct bench *b = *state;

	b->call.list = b->call.json = true;
	assert_int_equal(caught(b, cmd_preset), CLIENT_OK);
	assert_ptr_equal(strchr(b->output, '\n'), b->output + strlen(b->output) - 1);
	printed = json_loads(b->output, 0, NULL);
	assert_true(json_equal(printed, wanted));
	json_decref(printed);
	json_decref(wanted);
}

#define PRESET(name, udp, tcp, icmp, filtering)                                                   \
	"{\"name\":\"" name "\",\"source\":\"a book\",\"options\":{\"udp.mapping\":\"" udp        \
	"\",\"tcp.mapping\":\"" tcp "\",\"icmp.mapping\":\"" icmp "\","                           \
	"\"udp.filtering\":\"" filtering "\",\"tcp.filtering\":\"" filtering "\","                \
	"\"icmp.filtering\":\"" filtering "\",\"udp.ports\":\"random\",\"tcp.ports\":\"random\"," \
	"\"icmp.ports\":\"preserve\",\"nat.hairpin\":\"off\",\"udp.timeout\":\"30s\","            \
	"\"tcp.timeout-established\":\"7440s\",\"tcp.timeout-transitory\":\"240s\","              \
	"\"tcp.timeout-opening\":\"6s\",\"tcp.timeout-closing\":\"transitory\","                  \
	"\"icmp.timeout\":\"60s\"}}"
#define EIM  "endpoint-independent"
#define APDM "address-and-port-dependent"

static enum client_status show_presets(const struct invocation *call)
{
	json_t *list = json_loads(
		"{\"presets\":[" PRESET("a", EIM, EIM, EIM, EIM) "," PRESET(
			"b", EIM, APDM, EIM, APDM) "," PRESET("c", EIM, APDM, "new", APDM) ",{}]}",
		0, NULL);

	(void)call;
	command_print_presets(list);
	json_decref(list);
	return CLIENT_OK;
}

/* The words of line @n of the output, one blank between them. */
static const char *words_of_line(struct bench *b, int n)
{
	static char words[512];
	const char *line = b->output;
	size_t used = 0;

	for (; n > 0; n--)
		line = strchr(line, '\n') + 1;
	for (; *line != '\n' && used + 1 < sizeof(words); line++)
		if (*line != ' ' || (used > 0 && words[used - 1] != ' '))
			words[used++] = *line;
	words[used] = '\0';
	return words;
}

static void test_preset_table_tells_protocols_apart_only_where_they_differ(void **state)
{
	static const char *const mappings[] = { "eim", "udp,icmp:eim tcp:apdm",
						"udp:eim tcp:apdm icmp:new" };
	static const char *const filterings[] = { "eif", "apdf", "apdf" };
	struct bench *b = *state;
	bool hairpin;

	assert_int_equal(caught(b, show_presets), CLIENT_OK);
	hairpin = strstr(b->output, " HAIRPIN ") != NULL; /* where there is that knob */
	for (int i = 0; i < 3; i++) {
		char wanted[256];

		snprintf(wanted, sizeof(wanted),
			 "%c %s %s udp,tcp:random icmp:preserve %s30s 7440s/6s/240s 60s a book",
			 'a' + i, mappings[i], filterings[i], hairpin ? "off " : "");
		assert_string_equal(words_of_line(b, i + 1), wanted);
	}
}

static void test_preset_of_other_words_is_wrong_usage(void **state)
{
	struct bench *b = *state;

	assert_wrong_usage(b, cmd_preset, "preset needs a name; 'natem preset --list' shows");
	SAY(b, "\xff");
	assert_wrong_usage(b, cmd_preset, "not UTF-8");
	SAY(b, "home");
	b->call.list = true;
	assert_wrong_usage(b, cmd_preset, "--list takes no 'home'");
}

/* --- flush ---------------------------------------------------------------------------------- */

static void test_flush_sends_its_selectors_and_says_how_many(void **state)
{
	static const struct {
		const char *words[5], *params;
	} cases[] = {
		{ { "all" }, "{\"all\":true}" },
		{ { "host", "192.168.1.2" }, "{\"host\":\"192.168.1.2\"}" },
		{ { "protocol", "other" }, "{\"protocol\":\"other\"}" },
		{ { "external", "203.0.113.1:5" }, "{\"external\":\"203.0.113.1:5\"}" },
		{ { "mapping", "12" }, "{\"mapping\":12}" },
		{ { "protocol", "tcp", "host", "all" }, "{\"host\":\"all\",\"protocol\":\"tcp\"}" },
	};
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char wanted[256];

		say(b, cases[i].words);
		assert_prints(b, cmd_flush, "{\"flushed\":3}", "3 mappings flushed\n");
		snprintf(wanted, sizeof(wanted),
			 "{\"id\":%zu,\"jsonrpc\":\"2.0\",\"method\":\"mappings.flush\","
			 "\"params\":%s}",
			 i + 1, cases[i].params);
		assert_request(b, 0, wanted);
	}
	assert_prints(b, cmd_flush, "{\"flushed\":1}", "1 mapping flushed\n");
	assert_prints(b, cmd_flush, "{\"flushed\":0}", "0 mappings flushed\n");
	assert_prints_json(b, cmd_flush, "{\"flushed\":3}");
}

static void test_flush_of_other_words_is_wrong_usage(void **state)
{
	struct bench *b = *state;

	SAY(b, "everything");
	assert_wrong_usage(
		b, cmd_flush,
		"no 'everything'; it has all, host ADDRESS, protocol udp|tcp|icmp|other, "
		"external ADDRESS:PORT and mapping ID");
	SAY(b, "all", "host", "192.168.1.2");
	assert_wrong_usage(b, cmd_flush, "'all' goes with nothing else");
	SAY(b, "host", "192.168.1.2", "all");
	assert_wrong_usage(b, cmd_flush, "'all' goes with nothing else");
	SAY(b, "host");
	assert_wrong_usage(b, cmd_flush, "'host' of what?");
	SAY(b, "protocol", "udp", "mapping");
	assert_wrong_usage(b, cmd_flush, "'mapping' of what?");
	SAY(b, "host", "192.168.1.2", "host", "192.168.1.3");
	assert_wrong_usage(b, cmd_flush, "'host' is given twice");
	SAY(b, "mapping", "1x");
	assert_wrong_usage(b, cmd_flush, "mapping '1x': not a number");
	SAY(b, "mapping", "-1");
	assert_wrong_usage(b, cmd_flush, "not a number");
	SAY(b, "mapping", "99999999999");
	assert_wrong_usage(b, cmd_flush, "not a number");
	SAY(b, "host", "\xff");
	assert_wrong_usage(b, cmd_flush, "not UTF-8");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		command_test(test_clock_is_shown_as_it_is_then),
		command_test(test_clock_verbs_send_their_methods),
		command_test(test_clock_as_json_is_the_result),
		command_test(test_clock_of_other_words_is_wrong_usage),
		command_test(test_preset_sets_all_knobs_of_it),
		command_test(test_preset_list_is_a_table_and_needs_no_daemon),
		command_test(test_preset_list_as_json_is_what_the_daemon_gives),
		command_test(test_preset_table_tells_protocols_apart_only_where_they_differ),
		command_test(test_preset_of_other_words_is_wrong_usage),
		command_test(test_flush_sends_its_selectors_and_says_how_many),
		command_test(test_flush_of_other_words_is_wrong_usage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
