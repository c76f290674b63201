/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who had an endpoint at some time: from lines of the mapping log to the answer, and as a command. */
#include <time.h>

#include "nat/cli/history.h"
#include "tests/unit/command.h"

#define START "2026-11-24T14:00:00.000Z log-started - - - - -\n"
#define DAY   "2026-11-24T"
#define MADE  " mapping-created udp 192.168.1.2:6789 203.0.113.1:40213 - -\n"
#define ENDED " mapping-ended udp 192.168.1.2:6789 203.0.113.1:40213 expired "

/* --- helpers -------------------------------------------------------------------------------- */

struct file {
	char path[32];
};

static struct file write_bytes(const char *bytes, size_t size)
{
	struct file f = { "/tmp/natem-history.XXXXXX" };
	int fd = mkstemp(f.path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	close(fd);
	return f;
}

static struct history_question question_of(const char *external, const char *at)
{
	struct history_question q = { .protocol = NAT_PROTOCOLS };

	assert_int_equal(endpoint_parse(external, &q.external), 0);
	assert_int_equal(history_parse_when(at, 1795500000000, &q.from_ms, &q.to_ms), 0);
	return q;
}

/* The answer of logs with these bytes; NULL after the last. */
static json_t *answer_of(struct history_question q, const char *const *logs)
{
	struct history h;
	json_t *answer;

	history_init(&h, &q);
	for (; *logs != NULL; logs++) {
		struct file f = write_bytes(*logs, strlen(*logs));

		assert_int_equal(history_read(&h, f.path), 0);
		unlink(f.path);
	}
	answer = history_answer(&h);
	history_fini(&h);
	return answer;
}

static const char *member(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "-";
}

/* "mapping 192.168.1.2:6789 14:05:12.007 14:10:12.123 expired", one after the other with "; ". */
static void summarize(const json_t *answer, char *text, size_t size)
{
	const json_t *found = json_object_get(answer, "found"), *who;
	size_t i, used = 0;

	*text = '\0';
	json_array_foreach(found, i, who) {
		bool mapping = strcmp(member(who, "kind"), "mapping") == 0;
		bool inferred = json_is_true(json_object_get(who, "inferred"));
		const char *until = member(who, "until");

		used += (size_t)snprintf(text + used, size - used, "%s%s %s %s%.12s %.12s %s",
					 i > 0 ? "; " : "", member(who, "kind"),
					 member(who, mapping ? "internal" : "host"),
					 inferred ? "~" : "", member(who, "from") + 11,
					 *until != '-' ? until + 11 : "-", member(who, "cause"));
		assert_true(used < size);
	}
}

static void assert_found_in(const char *external, const char *at, const char *const *logs,
			    const char *wanted)
{
	json_t *answer = answer_of(question_of(external, at), logs);
	char text[1024];

	summarize(answer, text, sizeof(text));
	json_decref(answer);
	if (strcmp(text, wanted) != 0)
		fail_msg("%s at %s: '%s', not '%s'", external, at, text, wanted);
}

static void assert_found(const char *external, const char *at, const char *log, const char *wanted)
{
	const char *const logs[] = { log, NULL };

	assert_found_in(external, at, logs, wanted);
}

#define E "203.0.113.1:40213"

/* --- mappings ------------------------------------------------------------------------------- */

static void test_who_had_it_is_who_had_it_then(void **state)
{
	static const char log[] =
		START DAY "14:05:12.007Z" MADE DAY "14:10:12.123Z" ENDED "300.116\n";
	static const char had[] = "mapping 192.168.1.2:6789 14:05:12.007 14:10:12.123 expired";

	(void)state;
	assert_found(E, DAY "14:05:12.006Z", log, "");
	assert_found(E, DAY "14:05:12.007Z", log, had);
	assert_found(E, DAY "14:05:11Z", log, "");
	assert_found(E, DAY "14:05:12Z", log, had); /* in some part of that second */
	assert_found(E, DAY "14:07:00Z", log, had);
	assert_found(E, DAY "14:10:12.123Z", log, had);
	assert_found(E, DAY "14:10:12.124Z", log, "");
	assert_found(E, DAY "14:10:13Z", log, "");
	assert_found("203.0.113.1:40214", DAY "14:07:00Z", log, "");
	assert_found("203.0.113.2:40213", DAY "14:07:00Z", log, "");
}

static void test_what_has_not_ended_goes_on(void **state)
{
	static const char log[] = START DAY "14:05:12.007Z" MADE;

	(void)state;
	assert_found(E, "2027-01-01T00:00:00Z", log, "mapping 192.168.1.2:6789 14:05:12.007 - -");
}

static void test_one_after_the_other_has_it(void **state)
{
	static const char log[] = START DAY
		"14:01:00.000Z" MADE DAY "14:02:00.000Z" ENDED "60.000\n" DAY
		"14:03:00.000Z mapping-created udp 192.168.1.3:1 203.0.113.1:40213 - -\n" DAY
		"14:04:00.000Z mapping-ended udp 192.168.1.3:1 203.0.113.1:40213 flushed 60.000\n";

	(void)state;
	assert_found(E, DAY "14:01:30Z", log,
		     "mapping 192.168.1.2:6789 14:01:00.000 14:02:00.000 expired");
	assert_found(E, DAY "14:02:30Z", log, "");
	assert_found(E, DAY "14:03:30Z", log,
		     "mapping 192.168.1.3:1 14:03:00.000 14:04:00.000 flushed");
}

static void test_protocols_are_apart(void **state)
{
	static const char log[] =
		START DAY "14:01:00.000Z" MADE DAY
			  "14:01:00.000Z mapping-created tcp 192.168.1.3:1 203.0.113.1:40213 - -\n";
	const char *const logs[] = { log, NULL };
	struct history_question q = question_of(E, DAY "14:02:00Z");
	char text[256];
	json_t *answer;

	(void)state;
	assert_found(E, DAY "14:02:00Z", log,
		     "mapping 192.168.1.2:6789 14:01:00.000 - -; mapping 192.168.1.3:1 "
		     "14:01:00.000 - -");
	q.protocol = NAT_TCP;
	answer = answer_of(q, logs);
	summarize(answer, text, sizeof(text));
	assert_string_equal(text, "mapping 192.168.1.3:1 14:01:00.000 - -");
	json_decref(answer);
}

/* A daemon that died wrote no ends: the next one that starts ends all. */
static void test_a_start_ends_all_that_was_open(void **state)
{
	static const char crash[] =
		START DAY "14:05:12.007Z" MADE DAY "14:06:00.000Z log-started - - - - -\n";
	static const char stop[] =
		START DAY "14:05:12.007Z" MADE DAY "14:06:00.000Z log-stopped - - - - -\n";

	(void)state;
	assert_found(E, DAY "14:05:30Z", crash,
		     "mapping 192.168.1.2:6789 14:05:12.007 14:06:00.000 log-started");
	assert_found(E, DAY "14:06:01Z", crash, "");
	assert_found(E, DAY "14:05:30Z", stop,
		     "mapping 192.168.1.2:6789 14:05:12.007 14:06:00.000 log-stopped");
	assert_found(E, DAY "14:06:01Z", stop, "");
}

static void test_an_end_alone_tells_the_beginning_by_its_duration(void **state)
{
	static const char log[] = DAY "14:10:12.123Z" ENDED "300.116\n";
	static const char had[] = "mapping 192.168.1.2:6789 ~14:05:12.007 14:10:12.123 expired";

	(void)state;
	assert_found(E, DAY "14:05:12.006Z", log, "");
	assert_found(E, DAY "14:05:12.007Z", log, had);
	assert_found(E, DAY "14:11:00Z", log, "");
}

static void test_what_was_open_when_the_log_began_is_known(void **state)
{
	static const char log[] = START DAY
		"14:00:00.000Z mapping-created udp 192.168.1.2:6789 203.0.113.1:40213 "
		"open 100.000\n" DAY "14:00:00.001Z" MADE DAY "14:01:00.000Z" ENDED "160.000\n";

	(void)state;
	assert_found(E, DAY "14:00:30Z", log,
		     "mapping 192.168.1.2:6789 ~13:58:20.000 14:01:00.000 expired");
	assert_found(E, DAY "14:01:01Z", log, "");
}

/* Rotated files may be given in any order. */
static void test_files_come_in_any_order(void **state)
{
	static const char *const logs[][4] = {
		{ START DAY "14:05:12.007Z" MADE, DAY "14:10:12.123Z" ENDED "300.116\n",
		  DAY "14:20:00.000Z log-started - - - - -\n", NULL },
		{ DAY "14:20:00.000Z log-started - - - - -\n",
		  DAY "14:10:12.123Z" ENDED "300.116\n", START DAY "14:05:12.007Z" MADE, NULL },
	};

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_found_in(E, DAY "14:07:00Z", logs[i],
				"mapping 192.168.1.2:6789 14:05:12.007 14:10:12.123 expired");
		assert_found_in(E, DAY "14:11:00Z", logs[i], "");
	}
}

static void test_lines_of_the_systems_log_are_records_too(void **state)
{
	static const char log[] = "Nov 24 14:05:12 router natemd[123]: " DAY "14:05:12.007Z" MADE
				  "Nov 24 14:05:13 router cron[7]: something else\n";

	(void)state;
	assert_found(E, DAY "14:07:00Z", log, "mapping 192.168.1.2:6789 14:05:12.007 - -");
}

/* --- blocks --------------------------------------------------------------------------------- */

static void test_a_block_stands_for_its_ports(void **state)
{
	static const char log[] = START DAY
		"14:01:00.000Z block-allocated - 192.168.1.3 203.0.113.1:1024-1535 - -\n" DAY
		"14:02:00.000Z block-freed - 192.168.1.3 203.0.113.1:1024-1535 - -\n";
	static const char had[] = "block 192.168.1.3 14:01:00.000 14:02:00.000 -";

	(void)state;
	assert_found("203.0.113.1:1024", DAY "14:01:30Z", log, had);
	assert_found("203.0.113.1:1535", DAY "14:01:30Z", log, had);
	assert_found("203.0.113.1:1536", DAY "14:01:30Z", log, "");
	assert_found("203.0.113.1:1023", DAY "14:01:30Z", log, "");
	assert_found("203.0.113.1:1100", DAY "14:02:01Z", log, "");
	assert_found("203.0.113.1:1100", DAY "14:00:59Z", log, "");
}

static void test_a_block_freed_was_somebodys_since_the_one_before(void **state)
{
	static const char log[] =
		DAY "14:00:00.000Z options-changed - - - udp.timeout -\n" DAY
		    "14:01:00.000Z block-freed - 192.168.1.3 203.0.113.1:1024-1535 - -\n" DAY
		    "14:02:00.000Z block-freed - 192.168.1.4 203.0.113.1:1024-1535 - -\n";

	(void)state;
	assert_found("203.0.113.1:1024", DAY "14:00:30Z", log,
		     "block 192.168.1.3 ~14:00:00.000 14:01:00.000 -");
}

static void test_the_formula_tells_the_host(void **state)
{
	static const char log[] = START DAY
		"14:00:00.000Z deterministic - 192.168.1.0-192.168.1.255 203.0.113.1 0 -\n" DAY
		"14:01:00.000Z options-changed - - - udp.timeout -\n" DAY
		"14:01:00.000Z deterministic - 192.168.1.0-192.168.1.255 203.0.113.1 0 -\n" DAY
		"14:02:00.000Z options-changed - - - nat.internal -\n" DAY
		"14:02:00.000Z deterministic - 192.168.2.0-192.168.2.255 203.0.113.1 0 -\n" DAY
		"14:03:00.000Z options-changed - - - nat.blocks -\n";

	(void)state;
	/* 64512 ports, 256 hosts: 252 each. */
	assert_found("203.0.113.1:1024", DAY "14:00:30Z", log,
		     "deterministic 192.168.1.0 14:00:00.000 14:02:00.000 options-changed");
	assert_found("203.0.113.1:1276", DAY "14:01:30Z", log,
		     "deterministic 192.168.1.1 14:00:00.000 14:02:00.000 options-changed");
	assert_found("203.0.113.1:65535", DAY "14:02:30Z", log,
		     "deterministic 192.168.2.255 14:02:00.000 14:03:00.000 options-changed");
	assert_found("203.0.113.1:1023", DAY "14:01:30Z", log, "");
	assert_found("203.0.113.1:65535", DAY "14:03:30Z", log, "");
}

static void test_a_formula_of_nonsense_is_nobodys(void **state)
{
	static const char log[] =
		DAY "14:00:00.000Z deterministic - nonsense 203.0.113.1 0 -\n" DAY
		    "14:00:00.000Z deterministic - 10.0.0.0-10.255.255.255 203.0.113.1 0 -\n" DAY
		    "14:00:00.000Z deterministic - 10.0.0.0-10.0.0.255 auto 9999999 -\n";

	(void)state;
	assert_found("203.0.113.1:1024", DAY "14:00:30Z", log, "");
}

/* --- damage --------------------------------------------------------------------------------- */

static void test_damaged_lines_are_counted_and_left_out(void **state)
{
	static const char damaged[] = START DAY "14:05:1\n" DAY "14:05:12.007Z" MADE "\n\0\n" DAY
						"14:06:00.000Z mapping-cre\0\n" DAY
						"14:06:00.000Z log-stopped - - - - -\0 - -\n" DAY
						"14:10:12.123Z records-lost - - - 17 -\n" DAY
						"14:10:12.123Z mapping-ended udp 192.1";
	struct history_question q = question_of(E, DAY "14:07:00Z");
	struct file f = write_bytes(damaged, sizeof(damaged) - 1);
	struct history h;
	json_t *answer;
	char text[256];

	(void)state;
	history_init(&h, &q);
	assert_int_equal(history_read(&h, f.path), 0);
	unlink(f.path);
	answer = history_answer(&h);
	history_fini(&h);
	summarize(answer, text, sizeof(text));
	assert_string_equal(text, "mapping 192.168.1.2:6789 14:05:12.007 - -");
	assert_int_equal(json_integer_value(json_object_get(answer, "records")), 3);
	assert_int_equal(json_integer_value(json_object_get(answer, "damaged")), 6);
	assert_int_equal(json_integer_value(json_object_get(answer, "lost")), 17);
	assert_string_equal(member(answer, "first"), "2026-11-24T14:00:00.000Z");
	assert_string_equal(member(answer, "last"), "2026-11-24T14:10:12.123Z");
	assert_string_equal(member(answer, "at"), "2026-11-24T14:07:00.000Z");
	json_decref(answer);
}

/* A line without an end takes no more memory than any, and what follows it counts. */
static void test_a_line_as_long_as_a_file_is_one_damaged_line(void **state)
{
	enum { LENGTH = 8 * 1024 * 1024 };
	static const char rest[] = "\n" DAY "14:05:12.007Z" MADE;
	struct history_question q = question_of(E, DAY "14:07:00Z");
	char *bytes = malloc(LENGTH + sizeof(rest));
	struct history h;
	struct file f;

	(void)state;
	assert_non_null(bytes);
	memset(bytes, 'x', LENGTH);
	memcpy(bytes + LENGTH, rest, sizeof(rest));
	f = write_bytes(bytes, LENGTH + sizeof(rest) - 1);
	free(bytes);
	history_init(&h, &q);
	assert_int_equal(history_read(&h, f.path), 0);
	unlink(f.path);
	assert_int_equal(h.damaged, 1);
	assert_int_equal(h.records, 1);
	assert_int_equal(h.count, 1);
	history_fini(&h);
}

static void test_other_peoples_records_are_not_kept(void **state)
{
	struct history_question q = question_of(E, DAY "14:07:00Z");
	struct file f = { "/tmp/natem-history.XXXXXX" };
	FILE *out = fdopen(mkstemp(f.path), "w");
	struct history h;

	(void)state;
	assert_non_null(out);
	for (int i = 0; i < 100000; i++)
		fprintf(out,
			DAY "14:05:12.007Z mapping-created udp 192.168.1.2:%d 203.0.113.1:%d - -\n",
			i % 60000 + 1, i % 40000 + 1);
	fprintf(out, DAY "14:05:12.007Z" MADE);
	fclose(out);
	history_init(&h, &q);
	assert_int_equal(history_read(&h, f.path), 0);
	unlink(f.path);
	assert_int_equal(h.records, 100001);
	assert_int_equal(h.count, 1);
	history_fini(&h);
}

static void test_files_that_cannot_be_read_say_so(void **state)
{
	struct history_question q = question_of(E, DAY "14:07:00Z");
	struct history h;

	(void)state;
	history_init(&h, &q);
	assert_int_equal(history_read(&h, "/nonexistent"), -ENOENT);
	assert_int_equal(history_read(&h, "/tmp"), -EISDIR);
	history_fini(&h);
}

/* --- when ----------------------------------------------------------------------------------- */

static void test_when_as_people_say_it(void **state)
{
	static const int64_t now = 1795529112000; /* 2026-11-24T14:05:12Z */
	static const struct {
		const char *text;
		int64_t from, to;
	} good[] = {
		{ "2026-11-24T14:05:12Z", 1795529112000, 1795529112999 },
		{ "2026-11-24 14:05:12", 1795529112000, 1795529112999 },
		{ "2026-11-24T14:05:12.250", 1795529112250, 1795529112250 },
		{ "2026-11-24T22:05:12+08:00", 1795529112000, 1795529112999 },
		{ "14:05:10", 1795529110000, 1795529110999 },
		{ "14:05:10.5Z", 1795529110500, 1795529110500 },
		{ "5m ago", 1795528812000, 1795528812000 },
		{ "2h4m ago", 1795521672000, 1795521672000 },
	};
	static const char *const bad[] = { "",
					   "now",
					   "yesterday",
					   "14:05",
					   "5m",
					   "5x ago",
					   " ago",
					   "2026-11-24",
					   "-5m ago",
					   "2026-11-24T14:05:12Zago",
					   "999999999999999h ago",
					   "14:05:10.000000000000000000000000000000000000000000" };
	int64_t from, to;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (history_parse_when(good[i].text, now, &from, &to) < 0)
			fail_msg("refused: '%s'", good[i].text);
		assert_int_equal(from, good[i].from);
		assert_int_equal(to, good[i].to);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (history_parse_when(bad[i], now, &from, &to) == 0)
			fail_msg("taken: '%s'", bad[i]);
}

/* --- the command ---------------------------------------------------------------------------- */

static void test_command_reads_logs_without_a_daemon(void **state)
{
	static const char log[] = START "broken\n" DAY "14:05:12.007Z" MADE DAY
					"14:10:12.123Z records-lost - - - 1 -\n";
	struct bench *b = *state;
	struct file f = write_bytes(log, sizeof(log) - 1);
	json_t *answer;

	SAY(b, E);
	b->call.at = DAY "14:07:00Z";
	b->call.logs[b->call.log_count++] = f.path;
	assert_int_equal(caught(b, cmd_who), CLIENT_OK);
	assert_string_equal(b->output, "udp    192.168.1.2:6789, from 2026-11-24T14:05:12.007Z on\n"
				       "1 line left out: damaged, or no record\n"
				       "1 record could not be written and is missing\n");
	b->call.at = DAY "13:00:00Z";
	assert_int_equal(caught(b, cmd_who), CLIENT_OK);
	assert_memory_equal(b->output,
			    "nobody, by this log\n"
			    "the log begins later, 2026-11-24T14:00:00.000Z: it cannot tell\n",
			    80);
	b->call.json = true;
	assert_int_equal(caught(b, cmd_who), CLIENT_OK);
	answer = json_loads(b->output, 0, NULL);
	assert_non_null(answer);
	assert_int_equal(json_array_size(json_object_get(answer, "found")), 0);
	json_decref(answer);
	unlink(f.path);
	assert_int_equal(caught(b, cmd_who), CLIENT_FAILED);
	assert_why(b, "No such file");
	b->call.log_count = 0;
}

static void test_command_asks_the_daemon_for_its_log(void **state)
{
	struct bench *b = *state;
	struct file f = write_bytes(START, strlen(START));
	char result[200];

	SAY(b, E, "tcp");
	b->call.at = DAY "14:07:00Z";
	snprintf(result, sizeof(result), "{\"options\":{\"log.file\":{\"value\":\"%s\"}}}", f.path);
	assert_prints(b, cmd_who, result,
		      "nobody, by this log\nthe last record is of 2026-11-24T14:00:00.000Z\n");
	assert_request(b, 0,
		       "{\"id\":1,\"jsonrpc\":\"2.0\",\"method\":\"options.get\","
		       "\"params\":{\"keys\":[\"log.file\"]}}");
	unlink(f.path);
	assert_int_equal(run_with(b, cmd_who, "{\"options\":{\"log.file\":{\"value\":\"none\"}}}"),
			 CLIENT_FAILED);
	assert_why(b, "writes no mapping log; 'natem set log.file=PATH'");
}

static void test_command_names_what_is_wrong(void **state)
{
	struct bench *b = *state;

	SAY(b, E);
	b->call.logs[b->call.log_count++] = "/nonexistent";
	assert_wrong_usage(b, cmd_who, "--log needs --at TIME");
	b->call.at = "noon";
	assert_wrong_usage(b, cmd_who, "--at 'noon': a time is needed, such as 2026-");
	b->call.at = "14:05:12";
	SAY(b, E, "sctp");
	assert_wrong_usage(b, cmd_who, "'sctp': udp, tcp, icmp or other");
	SAY(b, "203.0.113.1");
	assert_wrong_usage(b, cmd_who, "'203.0.113.1': an endpoint is needed");
	b->call.log_count = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_had_it_is_who_had_it_then),
		cmocka_unit_test(test_what_has_not_ended_goes_on),
		cmocka_unit_test(test_one_after_the_other_has_it),
		cmocka_unit_test(test_protocols_are_apart),
		cmocka_unit_test(test_a_start_ends_all_that_was_open),
		cmocka_unit_test(test_an_end_alone_tells_the_beginning_by_its_duration),
		cmocka_unit_test(test_what_was_open_when_the_log_began_is_known),
		cmocka_unit_test(test_files_come_in_any_order),
		cmocka_unit_test(test_lines_of_the_systems_log_are_records_too),
		cmocka_unit_test(test_a_block_stands_for_its_ports),
		cmocka_unit_test(test_a_block_freed_was_somebodys_since_the_one_before),
		cmocka_unit_test(test_the_formula_tells_the_host),
		cmocka_unit_test(test_a_formula_of_nonsense_is_nobodys),
		cmocka_unit_test(test_damaged_lines_are_counted_and_left_out),
		cmocka_unit_test(test_a_line_as_long_as_a_file_is_one_damaged_line),
		cmocka_unit_test(test_other_peoples_records_are_not_kept),
		cmocka_unit_test(test_files_that_cannot_be_read_say_so),
		cmocka_unit_test(test_when_as_people_say_it),
		command_test(test_command_reads_logs_without_a_daemon),
		command_test(test_command_asks_the_daemon_for_its_log),
		command_test(test_command_names_what_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
