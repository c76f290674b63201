/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The subcommands, from their words to their text: a server in a thread gives canned answers, and
 * what goes to standard output is caught in a file without a name.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "nat/cli/command.h"
#include "tests/unit/sockets.h"

enum { REQUESTS = 4, REQUEST_SIZE = 512, OUTPUT_SIZE = 65536, PATIENCE_S = 5 };

typedef enum client_status subcommand(const struct invocation *call);

/* --- helpers -------------------------------------------------------------------------------- */

struct bench {
	struct client client;
	struct invocation call;
	char *words[8];
	char directory[40];
	char output[OUTPUT_SIZE]; /* of the last command */
	int descriptors;	  /* open before anything was */

	/* The server. */
	int listener; /* -1: none */
	pthread_t thread;
	bool running;
	const char *const *answers; /* ends with NULL */
	char requests[REQUESTS][REQUEST_SIZE];
	int received; /* requests; to be read when the thread has ended */
};

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	b->descriptors = open_descriptors();
	b->client.fd = b->listener = -1;
	b->call = (struct invocation){ .client = &b->client, .interval = 0.01, .argv = b->words };
	strcpy(b->directory, "/tmp/natem-command.XXXXXX");
	assert_non_null(mkdtemp(b->directory));
	snprintf(b->client.path, sizeof(b->client.path), "%s/c.sock", b->directory);
	*state = b;
	return 0;
}

static void stop_server(struct bench *b)
{
	if (b->running) {
		shutdown(b->listener, SHUT_RDWR); /* in case nobody came */
		pthread_join(b->thread, NULL);
		close(b->listener);
	}
	b->running = false;
	unlink(b->client.path);
}

/* Cleans up whatever state a failed test has left, and only then looks. */
static int teardown(void **state)
{
	struct bench *b = *state;
	int descriptors = b->descriptors;

	stop_server(b);
	assert_int_equal(b->client.fd, -1); /* a command leaves no connection behind */
	assert_int_equal(rmdir(b->directory), 0);
	free(b);
	assert_int_equal(open_descriptors(), descriptors);
	return 0;
}

/* One connection; after it nobody listens any more. */
static void *serve(void *data)
{
	const struct timeval patience = { .tv_sec = PATIENCE_S };
	struct bench *b = data;
	struct pollfd p = { .fd = b->listener, .events = POLLIN };
	int fd = poll(&p, 1, PATIENCE_S * 1000) == 1 ? accept(b->listener, NULL, NULL) : -1;

	if (fd < 0)
		return NULL;
	shutdown(b->listener, SHUT_RDWR);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	for (int i = 0; b->answers[i] != NULL && i < REQUESTS; i++) {
		if (!read_request(fd, b->requests[b->received], REQUEST_SIZE))
			break;
		b->received++;
		send(fd, b->answers[i], strlen(b->answers[i]), MSG_NOSIGNAL);
	}
	close(fd);
	return NULL;
}

static void start_server(struct bench *b, const char *const *answers)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	b->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(b->listener >= 0);
	strcpy(address.sun_path, b->client.path);
	assert_int_equal(bind(b->listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(b->listener, 4), 0);
	b->answers = answers;
	b->received = 0;
	assert_int_equal(pthread_create(&b->thread, NULL, serve, b), 0);
	b->running = true;
}

/* Nothing may fail while standard output is elsewhere: the test's own words would go there. */
static enum client_status caught(struct bench *b, subcommand *run)
{
	int file = memfd_create("output", MFD_CLOEXEC), saved = dup(STDOUT_FILENO);
	enum client_status status;
	ssize_t length;

	assert_true(file >= 0 && saved >= 0);
	fflush(stdout);
	dup2(file, STDOUT_FILENO);
	status = run(&b->call);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	length = pread(file, b->output, sizeof(b->output) - 1, 0);
	close(file);
	assert_true(length >= 0);
	b->output[length] = '\0';
	return status;
}

static enum client_status run_pages(struct bench *b, subcommand *run, const char *const *answers)
{
	enum client_status status;

	start_server(b, answers);
	status = caught(b, run);
	stop_server(b);
	return status;
}

/* Run a command whose request is answered with @result. */
static enum client_status run_with(struct bench *b, subcommand *run, const char *result)
{
	const char *answers[] = { NULL, NULL };
	enum client_status status;
	char *answer;

	assert_true(asprintf(&answer, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":%s}\n", result) >
		    0);
	answers[0] = answer;
	status = run_pages(b, run, answers);
	free(answer);
	return status;
}

static void say(struct bench *b, const char *const *words)
{
	for (b->call.argc = 0; words[b->call.argc] != NULL; b->call.argc++)
		b->words[b->call.argc] = (char *)(uintptr_t)words[b->call.argc];
}

#define SAY(b, ...) say(b, (const char *const[]){ __VA_ARGS__, NULL })

static void assert_prints(struct bench *b, subcommand *run, const char *result, const char *wanted)
{
	assert_int_equal(run_with(b, run, result), CLIENT_OK);
	assert_string_equal(b->output, wanted);
}

/* --json gives the result as it came, on one line. */
static void assert_prints_json(struct bench *b, subcommand *run, const char *result)
{
	json_t *wanted = json_loads(result, 0, NULL), *printed;

	b->call.json = true;
	assert_non_null(wanted);
	assert_int_equal(run_with(b, run, result), CLIENT_OK);
	assert_ptr_equal(strchr(b->output, '\n'), b->output + strlen(b->output) - 1);
	printed = json_loads(b->output, 0, NULL);
	assert_non_null(printed);
	assert_true(json_equal(printed, wanted));
	json_decref(printed);
	json_decref(wanted);
}

static void assert_request(const struct bench *b, int i, const char *wanted)
{
	json_t *request = json_loads(b->requests[i], 0, NULL);
	char *text = json_dumps(request, JSON_COMPACT | JSON_SORT_KEYS);

	assert_in_range(i, 0, b->received - 1);
	assert_non_null(text);
	assert_string_equal(text, wanted);
	free(text);
	json_decref(request);
}

static void assert_why(const struct bench *b, const char *part)
{
	if (strstr(b->client.why, part) == NULL)
		fail_msg("'%s' is not in: %s", part, b->client.why);
}

/* It failed before anything was sent: nobody listens. */
static void assert_wrong_usage(struct bench *b, subcommand *run, const char *why)
{
	assert_int_equal(caught(b, run), CLIENT_WRONG_USAGE);
	assert_string_equal(b->output, "");
	assert_why(b, why);
}

/* --- status --------------------------------------------------------------------------------- */

#define STATUS_RESULT                                                       \
	"{\"version\":\"0.1.0\",\"pid\":4242,\"uptime_ms\":247000,"         \
	"\"lan\":\"lan0\",\"wan\":\"wan0\","                                \
	"\"external\":[\"203.0.113.1\",\"203.0.113.2\"],"                   \
	"\"mappings\":{\"live\":3,\"limit\":65536},"                        \
	"\"sessions\":{\"live\":14,\"limit\":131072},"                      \
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
		      "sessions  14 of 131072\n"
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

/* --- flush ---------------------------------------------------------------------------------- */

static void test_flush_sends_its_selectors_and_says_how_many(void **state)
{
	static const struct {
		const char *words[5], *params;
	} cases[] = {
		{ { "all" }, "{\"all\":true}" },
		{ { "host", "192.168.1.2" }, "{\"host\":\"192.168.1.2\"}" },
		{ { "protocol", "udp" }, "{\"protocol\":\"udp\"}" },
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
	assert_wrong_usage(b, cmd_flush,
			   "no 'everything'; it has all, host ADDRESS, protocol udp|tcp|icmp, "
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
		       "\"params\":{\"cursor\":0,\"limit\":1000}}");
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
		       "\"params\":{\"cursor\":1000,\"limit\":1000}}");
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
		       "\"params\":{\"cursor\":0,\"limit\":1000}}");
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

static subcommand *const all[] = { cmd_status, cmd_counters, cmd_options,  cmd_get,
				   cmd_set,    cmd_mappings, cmd_sessions, show_clock };

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

#define command_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		command_test(test_status_is_a_line_for_each_thing),
		command_test(test_status_tolerates_missing_members),
		command_test(test_status_as_json_is_the_result),
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
		command_test(test_clock_is_shown_as_it_is_then),
		command_test(test_clock_verbs_send_their_methods),
		command_test(test_clock_as_json_is_the_result),
		command_test(test_clock_of_other_words_is_wrong_usage),
		command_test(test_flush_sends_its_selectors_and_says_how_many),
		command_test(test_flush_of_other_words_is_wrong_usage),
		command_test(test_mappings_are_a_table_with_the_oldest_first),
		command_test(test_remote_column_is_there_when_one_mapping_has_a_remote),
		command_test(test_mappings_that_are_none_are_a_head_alone),
		command_test(test_mappings_tolerate_missing_members),
		command_test(test_mappings_of_several_pages_are_sorted_together),
		command_test(test_mappings_of_which_a_page_fails_are_not_printed_in_part),
		command_test(test_mappings_as_json_are_the_list),
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
