/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the daemon is told at start: files good and bad, the command line, what -n prints, and
 * what knobs mean on this machine.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/log.h"
#include "nat/core/presets.h"
#include "nat/daemon/config.h"

/* --- helpers -------------------------------------------------------------------------------- */

/* A directory of its own for each test, with one file in it. */
struct desk {
	char directory[32], file[48], stolen[48];
	struct options options;
	char why[CONFIG_WHY_MAX];
};

static int setup(void **state)
{
	struct desk *desk = calloc(1, sizeof(*desk));

	assert_non_null(desk);
	strcpy(desk->directory, "/tmp/natem-config.XXXXXX");
	assert_non_null(mkdtemp(desk->directory));
	snprintf(desk->file, sizeof(desk->file), "%s/c.ini", desk->directory);
	snprintf(desk->stolen, sizeof(desk->stolen), "%s/out", desk->directory);
	options_init(&desk->options);
	*state = desk;
	return 0;
}

static int teardown(void **state)
{
	struct desk *desk = *state;

	unlink(desk->file);
	unlink(desk->stolen);
	rmdir(desk->directory);
	free(desk);
	return 0;
}

static void write_bytes(const struct desk *desk, const char *bytes, size_t length)
{
	FILE *f = fopen(desk->file, "we");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, length, f), length);
	assert_int_equal(fclose(f), 0);
}

static int read_bytes(struct desk *desk, const char *bytes, size_t length)
{
	write_bytes(desk, bytes, length);
	*desk->why = '\0';
	return config_read_file(&desk->options, desk->file, desk->why, sizeof(desk->why));
}

static int read_text(struct desk *desk, const char *text)
{
	return read_bytes(desk, text, strlen(text));
}

/* What lay under @fd goes to the desk's other file until give_back(). */
static int steal(const struct desk *desk, int fd)
{
	int kept = dup(fd), file = open(desk->stolen, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(kept >= 0 && file >= 0);
	fflush(stdout);
	assert_true(dup2(file, fd) >= 0);
	close(file);
	return kept;
}

/* End steal(): the text that was written meanwhile, into @text. */
static void give_back(const struct desk *desk, int fd, int kept, char *text, size_t size)
{
	FILE *f;

	fflush(stdout);
	assert_true(dup2(kept, fd) >= 0);
	close(kept);
	f = fopen(desk->stolen, "re");
	assert_non_null(f);
	text[fread(text, 1, size - 1, f)] = '\0';
	fclose(f);
}

static void print_to(const struct desk *desk, const struct options *o, char *text, size_t size)
{
	int kept = steal(desk, STDOUT_FILENO);

	config_print(o);
	give_back(desk, STDOUT_FILENO, kept, text, size);
}

/* The command line "natemd" and up to 15 words, ended by NULL; messages go into desk->why. */
static enum config_result command_line(struct desk *desk, struct config *config, ...)
{
	char words[16][256], *argv[17];
	enum config_result result;
	va_list args;
	const char *word;
	int argc = 0, kept;

	va_start(args, config);
	for (word = "natemd"; word != NULL; word = va_arg(args, const char *)) {
		assert_in_range(argc, 0, 15);
		snprintf(words[argc], sizeof(words[argc]), "%s", word);
		argv[argc] = words[argc];
		argc++;
	}
	va_end(args);
	argv[argc] = NULL;
	optind = 0; /* glibc: start anew */
	kept = steal(desk, STDERR_FILENO);
	result = config_read(config, argc, argv);
	give_back(desk, STDERR_FILENO, kept, desk->why, sizeof(desk->why));
	return result;
}

static void assert_value(const struct options *o, enum option_id id, const char *wanted)
{
	char text[OPTIONS_TEXT_MAX];

	assert_string_equal(options_format(o, id, text), wanted);
}

static void assert_contains(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("'%s' is not in: %s", part, text);
}

static void assert_same_options(const struct options *a, const struct options *b)
{
	for (unsigned int id = 0; id < OPTION_COUNT; id++) {
		char text[OPTIONS_TEXT_MAX];

		assert_value(a, (enum option_id)id, options_format(b, (enum option_id)id, text));
	}
}

/* The file is refused, the message begins with FILE:@line and names @part; no knob has changed. */
static void assert_bad_bytes(struct desk *desk, const char *bytes, size_t length, int line,
			     const char *part)
{
	struct options before = desk->options;
	char where[64];

	assert_int_equal(read_bytes(desk, bytes, length), -EINVAL);
	snprintf(where, sizeof(where), "%s:%d: ", desk->file, line);
	if (strncmp(desk->why, where, strlen(where)) != 0)
		fail_msg("'%s' does not begin with '%s'", desk->why, where);
	assert_contains(desk->why, part);
	assert_memory_equal(&before, &desk->options, sizeof(before));
}

static void assert_bad(struct desk *desk, const char *text, int line, const char *part)
{
	assert_bad_bytes(desk, text, strlen(text), line, part);
}

/* --- good files ----------------------------------------------------------------------------- */

static void test_file_sets_knobs_by_section_and_name(void **state)
{
	struct desk *desk = *state;

	assert_int_equal(read_text(desk, "[udp]\nmapping = adm\ntimeout=120s\n\n"
					 "[tcp]\nfiltering: eif\n"),
			 0);
	assert_value(&desk->options, OPT_UDP_MAPPING, "address-dependent");
	assert_value(&desk->options, OPT_UDP_TIMEOUT, "120s");
	assert_value(&desk->options, OPT_TCP_FILTERING, "endpoint-independent");
	assert_value(&desk->options, OPT_TCP_MAPPING, "endpoint-independent");
}

static void test_file_takes_a_whole_key_before_the_first_section(void **state)
{
	struct desk *desk = *state;

	assert_int_equal(read_text(desk, "udp.mapping = adm\n"), 0);
	assert_value(&desk->options, OPT_UDP_MAPPING, "address-dependent");
}

static void test_file_takes_a_preset(void **state)
{
	struct desk *desk = *state;

	assert_int_equal(read_text(desk, "[nat]\npreset = symmetric\n[udp]\ntimeout = 9s\n"), 0);
	assert_value(&desk->options, OPT_UDP_MAPPING, "address-and-port-dependent");
	assert_value(&desk->options, OPT_UDP_TIMEOUT, "9s");
}

static void test_file_that_is_empty_changes_nothing(void **state)
{
	struct desk *desk = *state;
	struct options before = desk->options;

	assert_int_equal(read_text(desk, ""), 0);
	assert_int_equal(read_text(desk, "\n\n  \n\t\n"), 0);
	assert_memory_equal(&before, &desk->options, sizeof(before));
}

static void test_file_comments_are_no_knobs(void **state)
{
	struct desk *desk = *state;

	assert_int_equal(read_text(desk, "; one\n# two\n[udp] ; three\n  ; four\n"
					 "mapping = adm ; five\n#timeout = 1s\n"),
			 0);
	assert_value(&desk->options, OPT_UDP_MAPPING, "address-dependent");
	assert_value(&desk->options, OPT_UDP_TIMEOUT, "300s");
}

static void test_file_with_crlf_line_ends_is_read(void **state)
{
	struct desk *desk = *state;

	assert_int_equal(read_text(desk, "[udp]\r\nmapping = adm\r\n\r\ntimeout = 5s\r\n"), 0);
	assert_value(&desk->options, OPT_UDP_MAPPING, "address-dependent");
	assert_value(&desk->options, OPT_UDP_TIMEOUT, "5s");
	assert_bad(desk, "[udp]\r\n\r\nmapping = bad\r\n", 3, "'bad' is not allowed");
}

static void test_file_last_line_needs_no_newline(void **state)
{
	struct desk *desk = *state;

	assert_int_equal(read_text(desk, "[udp]\nmapping = adm"), 0);
	assert_value(&desk->options, OPT_UDP_MAPPING, "address-dependent");
	assert_bad(desk, "[udp]\nmapping = bad", 2, "'bad' is not allowed");
}

static void test_file_may_begin_with_a_byte_order_mark(void **state)
{
	struct desk *desk = *state;

	assert_int_equal(read_text(desk, "\xef\xbb\xbf[udp]\nmapping = adm\n"), 0);
	assert_value(&desk->options, OPT_UDP_MAPPING, "address-dependent");
}

static void test_file_later_of_two_equal_keys_wins(void **state)
{
	struct desk *desk = *state;

	assert_int_equal(read_text(desk, "[udp]\nmapping = adm\nmapping = apdm\n"), 0);
	assert_value(&desk->options, OPT_UDP_MAPPING, "address-and-port-dependent");
	assert_int_equal(read_text(desk, "[udp]\ntimeout = 1s\n[tcp]\n[udp]\ntimeout = 2s\n"), 0);
	assert_value(&desk->options, OPT_UDP_TIMEOUT, "2s");
}

/* A line that begins with a space goes on with the value of the line before (inih). */
static void test_file_indented_line_goes_on_with_the_list(void **state)
{
	struct desk *desk = *state;

	assert_int_equal(read_text(desk, "[nat]\nexternal = 203.0.113.1,\n"
					 "\t203.0.113.2,\n    203.0.113.5-203.0.113.7\n"
					 "pooling = arbitrary\n"),
			 0);
	assert_value(&desk->options, OPT_NAT_EXTERNAL,
		     "203.0.113.1,203.0.113.2,203.0.113.5-203.0.113.7");
	assert_value(&desk->options, OPT_NAT_POOLING, "arbitrary");
}

static void test_file_indented_first_key_of_a_section_is_a_key(void **state)
{
	struct desk *desk = *state;

	assert_int_equal(read_text(desk, "[udp]\n  mapping = adm\n"), 0);
	assert_value(&desk->options, OPT_UDP_MAPPING, "address-dependent");
}

/* --- bad files ------------------------------------------------------------------------------ */

static void test_file_missing_is_named(void **state)
{
	struct desk *desk = *state;

	assert_int_equal(config_read_file(&desk->options, desk->file, desk->why, sizeof(desk->why)),
			 -EINVAL);
	assert_contains(desk->why, desk->file);
	assert_contains(desk->why, "No such file");
}

static void test_file_that_is_a_directory_is_refused(void **state)
{
	struct desk *desk = *state;

	assert_int_equal(
		config_read_file(&desk->options, desk->directory, desk->why, sizeof(desk->why)),
		-EINVAL);
	assert_contains(desk->why, desk->directory);
	assert_contains(desk->why, "directory");
}

static void test_file_unreadable_is_refused(void **state)
{
	struct desk *desk = *state;
	int err;

	write_bytes(desk, "[udp]\nmapping = adm\n", 20);
	assert_int_equal(chmod(desk->file, 0), 0);
	assert_int_equal(chmod(desk->directory, 0755), 0);
	if (geteuid() == 0 && seteuid(65534) < 0)
		skip();
	err = config_read_file(&desk->options, desk->file, desk->why, sizeof(desk->why));
	if (getuid() == 0)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(err, -EINVAL);
	assert_contains(desk->why, desk->file);
	assert_contains(desk->why, "Permission denied");
}

static void test_file_unknown_knob_is_named_with_the_nearest(void **state)
{
	struct desk *desk = *state;

	assert_bad(desk, "[udp]\nmapping = adm\nmaping = adm\n", 3,
		   "no knob 'udp.maping'; did you mean 'udp.mapping'?");
	assert_bad(desk, "\n\nudp.maping = adm\n", 3, "did you mean 'udp.mapping'?");
}

static void test_file_unknown_section_is_refused(void **state)
{
	struct desk *desk = *state;

	assert_bad(desk, "[sctp]\nmapping = adm\n", 2, "no knob 'sctp.mapping'");
	assert_bad(desk, "[UDP]\nmapping = adm\n", 2, "no knob 'UDP.mapping'");
	assert_bad(desk, "[]\nmapping = adm\n", 2, "no knob 'mapping'");
}

static void test_file_bad_value_is_named_with_what_is_allowed(void **state)
{
	struct desk *desk = *state;

	assert_bad(desk, "[udp]\nmapping = cone\n", 2,
		   "udp.mapping: 'cone' is not allowed; allowed: endpoint-independent (eim), "
		   "address-dependent (adm), address-and-port-dependent (apdm)");
	assert_bad(desk, "[udp]\ntimeout = \n", 2, "udp.timeout: ''");
	assert_bad(desk, "[udp]\ntimeout = -1s\n", 2, "udp.timeout: '-1s'");
	assert_bad(desk, "[udp]\ntimeout = 99999999999999999999s\n", 2, "udp.timeout");
	assert_bad(desk, "[udp]\nport-range = 0-65536\n", 2, "udp.port-range");
	assert_bad(desk, "[nat]\nexternal = 10.0.0.1-\n", 2, "nat.external");
	assert_bad(desk, "[nat]\npreset = cone\n", 2, "there are: home, full-cone");
}

static void test_file_line_that_is_nothing_is_refused(void **state)
{
	struct desk *desk = *state;

	assert_bad(desk, "[udp]\nmapping\n", 2, "key = value");
	assert_bad(desk, "[udp\nmapping = adm\n", 1, "key = value");
	assert_bad(desk, "hello\n", 1, "key = value");
}

static void test_file_first_wrong_line_is_reported(void **state)
{
	struct desk *desk = *state;

	assert_bad(desk, "[udp]\nmapping = one\ntimeout = two\n", 2, "'one'");
	assert_bad(desk, "[udp]\nmapping = one\nnothing\n", 2, "'one'");
}

static void test_file_line_that_is_nothing_is_not_blamed_for_a_later_one(void **state)
{
	struct desk *desk = *state;

	assert_bad(desk, "[udp]\nnothing\nmapping = bad\n", 2, "key = value");
	assert_null(strstr(desk->why, "bad"));
}

/* A preset sets all knobs: further down it would undo the lines above it without a word. */
static void test_file_preset_must_come_first(void **state)
{
	struct desk *desk = *state;

	assert_bad(desk, "[udp]\ntimeout = 45s\n[nat]\npreset = symmetric\n", 4, "first line");
	assert_int_equal(read_text(desk, "[nat]\npreset = symmetric\n[udp]\ntimeout = 45s\n"), 0);
	assert_value(&desk->options, OPT_UDP_MAPPING, "address-and-port-dependent");
	assert_value(&desk->options, OPT_UDP_TIMEOUT, "45s");
}

static void test_file_sets_all_or_nothing(void **state)
{
	struct desk *desk = *state;

	assert_bad(desk, "[udp]\nmapping = adm\n[tcp]\nmapping = adm\n[icmp]\nmapping = x\n", 6,
		   "icmp.mapping");
	assert_value(&desk->options, OPT_UDP_MAPPING, "endpoint-independent");
}

static void test_file_indented_line_is_no_key(void **state)
{
	struct desk *desk = *state;

	assert_bad(desk, "[udp]\nmapping = adm\n  timeout = 5s\n", 3, "timeout = 5s");
}

static void test_file_line_too_long_is_refused_with_its_number(void **state)
{
	struct desk *desk = *state;
	char text[9000] = "[nat]\npooling = arbitrary\nexternal = 203.0.113.1";

	for (int i = 2; i < 200; i++)
		sprintf(text + strlen(text), ", 203.0.113.%d", i);
	strcat(text, "\n[udp]\nmapping = adm\n");
	assert_int_equal(read_text(desk, text), -EINVAL);
	/* Read whole, or refused where it stands: never read in part. */
	assert_bad(desk, text, 3, "too long");
}

/* Whole or not at all: a list that is cut somewhere would be another list. */
static void test_file_list_of_many_lines_is_never_read_in_part(void **state)
{
	struct desk *desk = *state;
	char text[16384] = "[nat]\nexternal = 203.0.113.1,\n";

	for (int i = 2; i < 62; i += 2)
		sprintf(text + strlen(text), "\t203.0.113.%d, %150s203.0.113.%d,\n", i, "", i + 1);
	if (read_text(desk, text) != 0)
		assert_contains(desk->why, "too long");
	else
		assert_int_equal(desk->options.external.count, 61);
}

/* What lies past the end of the reader's buffer must not be taken for a line of its own. */
static void test_file_tail_of_a_long_line_is_no_line(void **state)
{
	struct desk *desk = *state;

	for (int length = 150; length < 450; length++) {
		char text[600] = "[udp]\n; ";

		memset(text + strlen(text), 'x', (size_t)length);
		strcat(text, "mapping = adm\n");
		read_text(desk, text);
		assert_value(&desk->options, OPT_UDP_MAPPING, "endpoint-independent");
	}
}

static void test_file_number_of_a_line_after_a_long_one_is_right(void **state)
{
	struct desk *desk = *state;
	char text[2000] = "[udp]\n; ";

	memset(text + strlen(text), 'x', 1500);
	strcat(text, "\nmapping = bad\n");
	assert_int_equal(read_text(desk, text), -EINVAL);
	/* The comment itself may be too long for a line. */
	if (strstr(desk->why, "too long") == NULL)
		assert_bad(desk, text, 3, "'bad'");
	else
		assert_bad(desk, text, 2, "too long");
}

static void test_file_of_binary_garbage_is_refused(void **state)
{
	struct desk *desk = *state;
	char bytes[4096];
	uint32_t x = 4787;

	for (int round = 0; round < 200; round++) {
		struct options before = desk->options;

		for (size_t i = 0; i < sizeof(bytes); i++) {
			x = x * 1664525 + 1013904223;
			bytes[i] = (char)(x >> 24);
		}
		assert_int_equal(read_bytes(desk, bytes, sizeof(bytes)), -EINVAL);
		assert_contains(desk->why, desk->file);
		assert_memory_equal(&before, &desk->options, sizeof(before));
	}
}

static void test_file_with_a_nul_byte_is_refused(void **state)
{
	static const char whole[] = "[udp]\nmapping = adm\0garbage\n";
	static const char hidden[] = "[udp]\n\0mapping = bad\ntimeout = 5s\n";
	struct desk *desk = *state;

	assert_bad_bytes(desk, whole, sizeof(whole) - 1, 2, "NUL");
	assert_bad_bytes(desk, hidden, sizeof(hidden) - 1, 2, "NUL");
}

/* --- what is printed ------------------------------------------------------------------------ */

/* Printed, read back into defaults, the same; printed again, the same text. */
static void assert_round_trip(struct desk *desk, const struct options *o)
{
	static char first[65536], second[65536];
	struct options fresh;

	print_to(desk, o, first, sizeof(first));
	options_init(&desk->options);
	if (read_text(desk, first) != 0)
		fail_msg("%s", desk->why);
	fresh = desk->options;
	assert_same_options(&fresh, o);
	print_to(desk, &fresh, second, sizeof(second));
	assert_string_equal(first, second);
}

static void test_print_reads_back_for_every_preset(void **state)
{
	struct desk *desk = *state;

	for (unsigned int i = 0; preset_spec(i) != NULL; i++) {
		struct options o;

		options_init(&o);
		assert_int_equal(presets_set(&o, presets_key, preset_spec(i)->name, desk->why,
					     sizeof(desk->why)),
				 0);
		assert_round_trip(desk, &o);
	}
}

/* A value of the knob other than its default. */
static const char *other_value(const struct option_spec *spec)
{
	switch (spec->type) {
	case OPTION_INTERFACE:
		return strcmp(spec->key, "nat.lan") == 0 ? "br-lan.100" : "eth0";
	case OPTION_ADDRESSES:
		return "203.0.113.1,203.0.113.4-203.0.113.9,198.51.100.0/28";
	case OPTION_CHOICE:
		return spec->values[strcmp(spec->initial, spec->values[0].name) == 0].name;
	case OPTION_NUMBER:
		return spec->most < 77 ? "7" : spec->least > 77 ? "7777" : "77";
	case OPTION_SEED:
		return "18446744073709551615";
	case OPTION_DURATION:
		return spec->most < 3600001 ? "5s" : "1h1ms";
	case OPTION_PORT_RANGE:
		return "1-65534";
	case OPTION_PORT_LIST:
		return "22,5000-5010";
	case OPTION_FORWARDS:
		return "tcp:8080=192.168.1.2:80,udp:203.0.113.1:5000-5009=192.168.1.3:6000";
	case OPTION_PAIRS:
		return "203.0.113.5=192.168.1.9";
	case OPTION_ADDRESS:
		return "192.168.1.2";
	case OPTION_ADDRESS_RANGE:
		return "10.0.0.0-10.0.3.255";
	case OPTION_REMOTES:
		return "203.0.113.11,198.51.100.0-198.51.100.255:53";
	case OPTION_PORT_TIMERS:
		return "53=10s,123=30s";
	case OPTION_PROTOCOLS:
		return "gre,esp,99";
	case OPTION_PATH:
		return "/var/log/natem/mappings.log";
	}
	return "";
}

static void test_print_reads_back_when_no_knob_has_its_default(void **state)
{
	struct desk *desk = *state;
	struct options o;

	options_init(&o);
	for (unsigned int id = 0; id < OPTION_COUNT; id++) {
		const struct option_spec *spec = option_spec((enum option_id)id);
		char text[OPTIONS_TEXT_MAX];

		if (options_set(&o, spec->key, other_value(spec), desk->why, sizeof(desk->why)) < 0)
			fail_msg("%s", desk->why);
		assert_string_not_equal(options_format(&o, (enum option_id)id, text),
					spec->initial);
	}
	assert_round_trip(desk, &o);
}

static void test_print_reads_back_the_longest_list_of_addresses(void **state)
{
	struct desk *desk = *state;
	char list[OPTIONS_TEXT_MAX] = "";
	struct options o;

	for (int i = 0; i < OPTIONS_EXTERNAL_MAX; i++)
		sprintf(list + strlen(list), "%s203.100.%d.200-203.100.%d.203", i > 0 ? "," : "",
			i + 100, i + 100);
	options_init(&o);
	if (options_set(&o, "nat.external", list, desk->why, sizeof(desk->why)) != 0)
		fail_msg("%s", desk->why);
	assert_round_trip(desk, &o);
}

static void test_print_names_every_knob_and_its_meaning(void **state)
{
	static char text[65536];
	struct desk *desk = *state;

	print_to(desk, &desk->options, text, sizeof(text));
	for (unsigned int id = 0; id < OPTION_COUNT; id++) {
		const struct option_spec *spec = option_spec((enum option_id)id);
		char line[128];

		snprintf(line, sizeof(line), "\n%s = ", strchr(spec->key, '.') + 1);
		assert_contains(text, line);
		assert_contains(text, spec->meaning);
	}
	assert_memory_equal(text, "[nat]\n", 6);
	assert_contains(text, "\n\n[udp]\n");
	assert_contains(text, "\n\n[tcp]\n");
	assert_contains(text, "\n\n[icmp]\n");
}

/* --- command line --------------------------------------------------------------------------- */

static void test_command_line_empty_means_defaults(void **state)
{
	struct desk *desk = *state;
	struct config config;
	char socket[RPC_PATH_MAX];

	assert_int_equal(command_line(desk, &config, NULL), CONFIG_RUN);
	assert_same_options(&config.options, &desk->options);
	assert_int_equal(config.queue, 0);
	assert_int_equal(config.busy_poll_us, 50);
	assert_int_equal(config.ready_fd, -1);
	assert_false(config.check_only);
	assert_int_equal(rpc_socket_path("natem", socket), 0);
	assert_string_equal(config.socket, socket);
}

static void test_command_line_takes_every_flag(void **state)
{
	struct desk *desk = *state;
	struct config config;

	assert_int_equal(command_line(desk, &config, "--queue", "65535", "--socket", "/x/y.sock",
				      "--ready-fd", "1", "--option", "udp.timeout=7s",
				      "-oudp.mapping=adm", "--busy-poll", "1000", NULL),
			 CONFIG_RUN);
	assert_int_equal(config.busy_poll_us, 1000);
	assert_int_equal(config.queue, 65535);
	assert_int_equal(config.ready_fd, 1);
	assert_string_equal(config.socket, "/x/y.sock");
	assert_value(&config.options, OPT_UDP_TIMEOUT, "7s");
	assert_value(&config.options, OPT_UDP_MAPPING, "address-dependent");
}

static void test_command_line_later_wins_over_earlier(void **state)
{
	struct desk *desk = *state;
	struct config config;

	write_bytes(desk, "[udp]\ntimeout = 1s\n", 19);
	assert_int_equal(
		command_line(desk, &config, "-c", desk->file, "-o", "udp.timeout=2s", NULL),
		CONFIG_RUN);
	assert_value(&config.options, OPT_UDP_TIMEOUT, "2s");
	assert_int_equal(
		command_line(desk, &config, "-o", "udp.timeout=2s", "--config", desk->file, NULL),
		CONFIG_RUN);
	assert_value(&config.options, OPT_UDP_TIMEOUT, "1s");
	assert_int_equal(
		command_line(desk, &config, "-o", "udp.mapping=adm", "-o", "nat.preset=home", NULL),
		CONFIG_RUN);
	assert_value(&config.options, OPT_UDP_MAPPING, "endpoint-independent");
}

/* Refused, with @part in the message. */
#define assert_wrong(desk, part, ...)                                                            \
	do {                                                                                     \
		struct config config_;                                                           \
		assert_int_equal(command_line(desk, &config_, __VA_ARGS__, NULL), CONFIG_WRONG); \
		assert_contains((desk)->why, part);                                              \
	} while (0)

static void test_command_line_bad_queue_is_refused(void **state)
{
	static const char *const numbers[] = {
		"-1", "65536", "x", "", "1x", "0x10", "1.5", "99999999999999999999", " ",
	};
	struct desk *desk = *state;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		assert_wrong(desk, "expected a number from 0 to 65535", "--queue", numbers[i]);
	assert_wrong(desk, "--queue '-1'", "--queue", "-1");
}

static void test_command_line_bad_busy_poll_is_refused(void **state)
{
	static const char *const numbers[] = { "-1", "1001", "x", "", "5us", "99999999999" };
	struct desk *desk = *state;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		assert_wrong(desk, "expected microseconds from 0 to 1000", "--busy-poll",
			     numbers[i]);
}

static void test_command_line_bad_ready_fd_is_refused(void **state)
{
	static const char *const numbers[] = { "-1", "x", "", "3 ", "99999999999" };
	struct desk *desk = *state;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		assert_wrong(desk, "--ready-fd", "--ready-fd", numbers[i]);
}

/* The daemon's own descriptors will have these numbers: writing there would break it. */
static void test_command_line_ready_fd_that_is_not_open_is_refused(void **state)
{
	struct desk *desk = *state;

	assert_wrong(desk, "--ready-fd", "--ready-fd", "500");
}

static void test_command_line_bad_socket_path_is_refused(void **state)
{
	struct desk *desk = *state;
	char path[RPC_PATH_MAX + 1];
	struct config config;

	memset(path, 'a', sizeof(path));
	path[0] = '/';
	path[RPC_PATH_MAX - 1] = '\0';
	assert_int_equal(command_line(desk, &config, "--socket", path, NULL), CONFIG_RUN);
	assert_string_equal(config.socket, path);
	path[RPC_PATH_MAX - 1] = 'a';
	path[RPC_PATH_MAX] = '\0';
	assert_wrong(desk, "a path of 1 to 107 characters", "--socket", path);
	assert_wrong(desk, "a path of 1 to 107 characters", "--socket", "");
}

static void test_command_line_bad_assignment_is_refused(void **state)
{
	struct desk *desk = *state;
	char key[200];

	assert_wrong(desk, "expected KEY=VALUE", "-o", "udp.mapping");
	assert_wrong(desk, "expected KEY=VALUE", "-o", "=adm");
	assert_wrong(desk, "expected KEY=VALUE", "-o", "");
	memset(key, 'k', sizeof(key));
	strcpy(key + sizeof(key) - 3, "=1");
	assert_wrong(desk, "expected KEY=VALUE", "-o", key);
	assert_wrong(desk, "did you mean 'udp.mapping'?", "-o", "udp.maping=adm");
	assert_wrong(desk, "'x' is not allowed", "-o", "udp.mapping=x");
	assert_wrong(desk, "no preset 'x'", "-o", "nat.preset=x");
}

static void test_command_line_bad_file_is_refused(void **state)
{
	struct desk *desk = *state;

	assert_wrong(desk, "/nonexistent.ini: No such file", "-c", "/nonexistent.ini");
	write_bytes(desk, "[udp]\nx = y\n", 12);
	assert_wrong(desk, ":2: no knob 'udp.x'", "-c", desk->file);
}

static void test_command_line_unknown_flag_or_word_is_refused(void **state)
{
	struct desk *desk = *state;

	assert_wrong(desk, "natemd --help", "--bogus");
	assert_wrong(desk, "--bogus", "--bogus");
	assert_wrong(desk, "natemd --help", "-x");
	assert_wrong(desk, "natemd --help", "--queue");
	assert_wrong(desk, "'word' is not an option", "word");
}

static void test_command_line_knobs_must_agree(void **state)
{
	struct desk *desk = *state;

	assert_wrong(desk, "nat.lan and nat.wan are both 'x'", "-o", "nat.lan=x", "-o",
		     "nat.wan=x");
	assert_wrong(desk, "nat.max-sessions (1) is below nat.max-mappings", "-o",
		     "nat.max-sessions=1");
	assert_wrong(desk, "both 'x'", "-n", "-o", "nat.lan=x", "-o", "nat.wan=x");
}

/* The same as command_line() with one word more, and what it prints goes into @text. */
static enum config_result printing_line(struct desk *desk, const char *word, const char *assignment,
					char *text, size_t size)
{
	struct desk other = *desk;
	struct config config;
	enum config_result result;
	int kept;

	strcpy(other.stolen, desk->file);
	kept = steal(&other, STDOUT_FILENO);
	result = command_line(desk, &config, word, assignment != NULL ? "-o" : NULL, assignment,
			      NULL);
	give_back(&other, STDOUT_FILENO, kept, text, size);
	return result;
}

static void test_command_line_check_prints_the_configuration(void **state)
{
	static char text[65536], wanted[65536];
	struct desk *desk = *state;

	assert_int_equal(printing_line(desk, "-n", "nat.preset=symmetric", text, sizeof(text)),
			 CONFIG_DONE);
	assert_string_equal(desk->why, "");
	assert_int_equal(
		presets_set(&desk->options, presets_key, "symmetric", desk->why, sizeof(desk->why)),
		0);
	print_to(desk, &desk->options, wanted, sizeof(wanted));
	assert_string_equal(text, wanted);
}

static void test_command_line_help_names_everything(void **state)
{
	static const char *const names[] = { "--config", "--option",   "--queue",
					     "--socket", "--ready-fd", "--check",
					     "--help",	 "--version",  "--busy-poll" };
	static char text[65536];
	struct desk *desk = *state;

	assert_int_equal(printing_line(desk, "--help", NULL, text, sizeof(text)), CONFIG_DONE);
	for (unsigned int id = 0; id < OPTION_COUNT; id++)
		assert_contains(text, option_spec((enum option_id)id)->key);
	for (unsigned int i = 0; preset_spec(i) != NULL; i++)
		assert_contains(text, preset_spec(i)->name);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_contains(text, names[i]);
}

static void test_command_line_version_is_printed(void **state)
{
	char text[256];

	assert_int_equal(printing_line(*state, "-V", NULL, text, sizeof(text)), CONFIG_DONE);
	assert_string_equal(text, "natemd " NATEM_VERSION "\n");
}

/* --- what it means here --------------------------------------------------------------------- */

static int resolve(struct desk *desk, const char *lan, const char *wan, const char *external,
		   struct config_resolved *resolved)
{
	strcpy(desk->options.lan, lan);
	strcpy(desk->options.wan, wan);
	assert_int_equal(
		options_set(&desk->options, "nat.external", external, desk->why, sizeof(desk->why)),
		0);
	*desk->why = '\0';
	return config_resolve(&desk->options, resolved, desk->why, sizeof(desk->why));
}

static void test_resolve_missing_interface_names_those_there_are(void **state)
{
	struct config_resolved resolved;
	struct desk *desk = *state;

	assert_int_equal(resolve(desk, "nosuch0", "lo", "auto", &resolved), -ENODEV);
	assert_contains(desk->why, "nat.lan: no interface 'nosuch0'");
	assert_contains(desk->why, "there are: ");
	assert_contains(desk->why, "lo");
	assert_int_equal(resolve(desk, "lo", "nosuch1", "auto", &resolved), -ENODEV);
	assert_contains(desk->why, "nat.wan: no interface 'nosuch1'");
}

static void test_resolve_auto_takes_the_addresses_of_wan(void **state)
{
	struct config_resolved resolved;
	struct desk *desk = *state;

	if (resolve(desk, "lo", "lo", "auto", &resolved) == -EADDRNOTAVAIL)
		skip(); /* a namespace whose lo is down */
	assert_in_range(resolved.options.external.count, 1, OPTIONS_EXTERNAL_MAX);
	assert_int_equal(addr_ip4(&resolved.options.external.ranges[0].first), 0x7f000001);
	assert_true(resolved.wan > 0 && resolved.wan == resolved.lan);
	assert_int_equal(desk->options.external.count, 0);
}

static void test_resolve_list_stays_as_it_is(void **state)
{
	struct config_resolved resolved;
	struct desk *desk = *state;

	assert_int_equal(resolve(desk, "lo", "lo", "203.0.113.5-203.0.113.9", &resolved), 0);
	assert_value(&resolved.options, OPT_NAT_EXTERNAL, "203.0.113.5-203.0.113.9");
}

#define config_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		config_test(test_file_sets_knobs_by_section_and_name),
		config_test(test_file_takes_a_whole_key_before_the_first_section),
		config_test(test_file_takes_a_preset),
		config_test(test_file_that_is_empty_changes_nothing),
		config_test(test_file_comments_are_no_knobs),
		config_test(test_file_with_crlf_line_ends_is_read),
		config_test(test_file_last_line_needs_no_newline),
		config_test(test_file_may_begin_with_a_byte_order_mark),
		config_test(test_file_later_of_two_equal_keys_wins),
		config_test(test_file_indented_line_goes_on_with_the_list),
		config_test(test_file_indented_first_key_of_a_section_is_a_key),
		config_test(test_file_missing_is_named),
		config_test(test_file_that_is_a_directory_is_refused),
		config_test(test_file_unreadable_is_refused),
		config_test(test_file_unknown_knob_is_named_with_the_nearest),
		config_test(test_file_unknown_section_is_refused),
		config_test(test_file_bad_value_is_named_with_what_is_allowed),
		config_test(test_file_line_that_is_nothing_is_refused),
		config_test(test_file_first_wrong_line_is_reported),
		config_test(test_file_line_that_is_nothing_is_not_blamed_for_a_later_one),
		config_test(test_file_preset_must_come_first),
		config_test(test_file_sets_all_or_nothing),
		config_test(test_file_indented_line_is_no_key),
		config_test(test_file_line_too_long_is_refused_with_its_number),
		config_test(test_file_list_of_many_lines_is_never_read_in_part),
		config_test(test_file_tail_of_a_long_line_is_no_line),
		config_test(test_file_number_of_a_line_after_a_long_one_is_right),
		config_test(test_file_of_binary_garbage_is_refused),
		config_test(test_file_with_a_nul_byte_is_refused),
		config_test(test_print_reads_back_for_every_preset),
		config_test(test_print_reads_back_when_no_knob_has_its_default),
		config_test(test_print_reads_back_the_longest_list_of_addresses),
		config_test(test_print_names_every_knob_and_its_meaning),
		config_test(test_command_line_empty_means_defaults),
		config_test(test_command_line_takes_every_flag),
		config_test(test_command_line_later_wins_over_earlier),
		config_test(test_command_line_bad_queue_is_refused),
		config_test(test_command_line_bad_busy_poll_is_refused),
		config_test(test_command_line_bad_ready_fd_is_refused),
		config_test(test_command_line_ready_fd_that_is_not_open_is_refused),
		config_test(test_command_line_bad_socket_path_is_refused),
		config_test(test_command_line_bad_assignment_is_refused),
		config_test(test_command_line_bad_file_is_refused),
		config_test(test_command_line_unknown_flag_or_word_is_refused),
		config_test(test_command_line_knobs_must_agree),
		config_test(test_command_line_check_prints_the_configuration),
		config_test(test_command_line_help_names_everything),
		config_test(test_command_line_version_is_printed),
		config_test(test_resolve_missing_interface_names_those_there_are),
		config_test(test_resolve_auto_takes_the_addresses_of_wan),
		config_test(test_resolve_list_stays_as_it_is),
	};

	log_open("natemd", LOG_LEVEL_INFO);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
