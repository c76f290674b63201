/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mapping log: which records come of what happens, and where they go when the file cannot take
 * them, is moved away, or there is more than can be kept.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "nat/core/record.h"
#include "nat/daemon/eventlog.h"
#include "tests/unit/ask.h"

enum { TEXT = 16 * 1024 * 1024 };

struct site {
	struct lab *lab;
	struct eventlog log;
	char directory[40], path[64], moved[64], device[64];
	char *text; /* of the file read last */
	struct mono real;
};

static struct site *open_site(void)
{
	struct site *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->lab = lab_open_with(NULL);
	lab_set(s->lab, "nat.max-sessions", "6000");
	lab_set(s->lab, "nat.max-mappings", "6000");
	strcpy(s->directory, "/tmp/natem-log.XXXXXX");
	assert_non_null(mkdtemp(s->directory));
	snprintf(s->path, sizeof(s->path), "%s/log", s->directory);
	snprintf(s->moved, sizeof(s->moved), "%s/log.1", s->directory);
	snprintf(s->device, sizeof(s->device), "%s/dev", s->directory);
	s->text = malloc(TEXT);
	assert_non_null(s->text);
	eventlog_init(&s->log, s->device);
	s->real.ms = 1000000;
	return s;
}

static int setup(void **state)
{
	*state = open_site();
	return 0;
}

static int teardown(void **state)
{
	struct site *s = *state;

	eventlog_close(&s->log, &s->lab->nat, s->real);
	assert_int_equal(s->lab->nat.listeners.mappings, 0);
	assert_int_equal(s->lab->nat.listeners.sessions, 0);
	unlink(s->path);
	unlink(s->moved);
	unlink(s->device);
	assert_int_equal(rmdir(s->directory), 0);
	lab_close(s->lab);
	wire_free_all();
	free(s->text);
	free(s);
	return 0;
}

/* Put the log's knobs in force, as daemon_configure() does. */
static void use(struct site *s)
{
	struct eventlog_file fresh;

	assert_int_equal(eventlog_prepare(&s->log, &s->lab->options, &fresh), 0);
	eventlog_take(&s->log, &s->lab->nat);
	eventlog_use(&s->log, &s->lab->nat, &s->lab->options, &fresh, s->real);
}

static void log_to(struct site *s, const char *path)
{
	lab_set(s->lab, "log.file", path);
	use(s);
}

/* As much later as it takes for all to be written that can be. */
static void serve(struct site *s)
{
	for (int i = 0; i < 2000; i++) {
		struct mono due = eventlog_serve(&s->log, &s->lab->nat, s->real);

		if (due.ms == MONO_NEVER.ms)
			return;
		s->real = due.ms > s->real.ms ? due : s->real;
	}
}

/* The file, each line without its time; all times must be right now. */
static const char *content_of(struct site *s, const char *path)
{
	FILE *f = fopen(path, "r");
	char line[RECORD_LINE_MAX];
	int64_t ms;
	size_t used = 0;

	assert_non_null(f);
	s->text[0] = '\0';
	while (fgets(line, sizeof(line), f) != NULL) {
		char *rest = strchr(line, ' ');

		assert_non_null(rest);
		*rest++ = '\0';
		assert_int_equal(record_parse_time(line, &ms, NULL), 0);
		assert_in_range(time(NULL) - ms / 1000, 0, 100);
		used += (size_t)snprintf(s->text + used, TEXT - used, "%s", rest);
		assert_true(used < TEXT);
	}
	fclose(f);
	return s->text;
}

static void assert_content(struct site *s, const char *path, const char *wanted)
{
	serve(s);
	assert_string_equal(content_of(s, path), wanted);
}

static unsigned int lines_with(const char *text, const char *word)
{
	unsigned int count = 0;

	while ((text = strstr(text, word)) != NULL) {
		count++;
		text++;
	}
	return count;
}

/* --- which records -------------------------------------------------------------------------- */

static void test_a_mapping_is_two_records_and_no_destination(void **state)
{
	struct site *s = *state;
	struct nat *nat = &s->lab->nat;
	char wanted[400], at[ENDPOINT_TEXT_MAX];
	struct endpoint external;

	lab_set(s->lab, "udp.mapping", "apdm");
	log_to(s, s->path);
	external = lab_open(s->lab, NAT_UDP, H1, Y1, AT_S(1));
	endpoint_format(&external, at);
	nat_tick(nat, AT_S(301), 10);
	snprintf(wanted, sizeof(wanted),
		 "log-started - - - - -\n"
		 "mapping-created udp 192.168.1.2:5000 %s - -\n"
		 "mapping-ended udp 192.168.1.2:5000 %s expired 300.000\n",
		 at, at);
	assert_content(s, s->path, wanted);
	assert_int_equal(s->log.written, 3);
	assert_int_equal(nat->listeners.sessions, 0);
	assert_int_equal(s->log.lost, 0);
}

static void test_destinations_are_recorded_where_asked_for(void **state)
{
	struct site *s = *state;
	char wanted[600], at[ENDPOINT_TEXT_MAX];
	struct endpoint external;

	lab_set(s->lab, "log.destinations", "on");
	lab_set(s->lab, "udp.mapping", "apdm");
	log_to(s, s->path);
	external = lab_open(s->lab, NAT_UDP, H1, Y1, AT_S(1));
	endpoint_format(&external, at);
	nat_tick(&s->lab->nat, AT_S(301), 10);
	snprintf(wanted, sizeof(wanted),
		 "log-started - - - - -\n"
		 "mapping-created udp 192.168.1.2:5000 %s - - 203.0.113.10:7000\n"
		 "session-created udp 192.168.1.2:5000 %s - - 203.0.113.10:7000\n"
		 "session-ended udp 192.168.1.2:5000 %s expired 300.000 203.0.113.10:7000\n"
		 "mapping-ended udp 192.168.1.2:5000 %s expired 300.000 203.0.113.10:7000\n",
		 at, at, at, at);
	assert_content(s, s->path, wanted);
}

/* Whoever else listens to sessions, the log does not. */
static void test_sessions_that_others_listen_to_are_not_recorded(void **state)
{
	struct site *s = *state;

	log_to(s, s->path);
	s->lab->nat.listeners.sessions++;
	lab_open(s->lab, NAT_UDP, H1, Y1, AT_S(1));
	nat_tick(&s->lab->nat, AT_S(301), 10);
	serve(s);
	s->lab->nat.listeners.sessions--;
	content_of(s, s->path);
	assert_int_equal(lines_with(s->text, "session-"), 0);
	assert_int_equal(lines_with(s->text, "mapping-"), 2);
	assert_int_equal(lines_with(s->text, "203.0.113.10"), 0);
}

static void test_a_block_is_one_record_for_all_its_mappings(void **state)
{
	struct site *s = *state;
	struct endpoint external;
	char wanted[400];
	unsigned int first;

	lab_set(s->lab, "nat.blocks", "dynamic");
	log_to(s, s->path);
	for (unsigned int i = 0; i < 50; i++)
		external = lab_open(s->lab, NAT_UDP, ep_port(H1, 2000 + i), Y1, AT_S(1));
	first = 1024 + (external.port - 1024U) / 512 * 512;
	nat_tick(&s->lab->nat, AT_S(301), 1000);
	snprintf(wanted, sizeof(wanted),
		 "log-started - - - - -\n"
		 "block-allocated - 192.168.1.2 203.0.113.1:%u-%u - -\n"
		 "block-freed - 192.168.1.2 203.0.113.1:%u-%u - -\n",
		 first, first + 511, first, first + 511);
	assert_content(s, s->path, wanted);
}

/* More blocks at once than the ring of other events keeps. */
static void test_no_block_is_lost_where_many_go_at_once(void **state)
{
	struct site *s = *state;

	lab_set(s->lab, "nat.blocks", "dynamic");
	lab_set(s->lab, "nat.block-size", "16");
	log_to(s, s->path);
	for (unsigned int i = 0; i < 3 * EVENT_RING; i++) {
		struct endpoint host = { addr_from_ip4(0x0a000001 + i), 5000 };

		lab_open(s->lab, NAT_UDP, host, Y1, AT_S(1));
	}
	nat_tick(&s->lab->nat, AT_S(301), 10000);
	serve(s);
	content_of(s, s->path);
	assert_int_equal(lines_with(s->text, "block-allocated"), 3 * EVENT_RING);
	assert_int_equal(lines_with(s->text, "block-freed"), 3 * EVENT_RING);
	assert_int_equal(s->log.lost, 0);
}

static void test_the_formula_is_recorded_instead_of_mappings(void **state)
{
	struct site *s = *state;

	lab_set(s->lab, "nat.blocks", "deterministic");
	lab_set(s->lab, "nat.block-overflow", "3");
	log_to(s, s->path);
	lab_open(s->lab, NAT_UDP, H1, Y1, AT_S(1));
	assert_content(s, s->path,
		       "log-started - - - - -\n"
		       "deterministic - 192.168.1.0-192.168.1.255 203.0.113.1 3 -\n");
}

static void test_a_change_of_knobs_is_recorded_with_the_formula(void **state)
{
	struct site *s = *state;
	const struct nat_event event = { .type = EVENT_OPTIONS_CHANGED, .knob = OPT_NAT_INTERNAL };

	log_to(s, s->path);
	lab_set(s->lab, "nat.blocks", "deterministic");
	event_add(&s->lab->nat.events, &event);
	assert_content(s, s->path,
		       "log-started - - - - -\n"
		       "options-changed - - - nat.internal -\n"
		       "deterministic - 192.168.1.0-192.168.1.255 203.0.113.1 0 -\n");
}

static void test_what_was_there_before_the_log_is_told(void **state)
{
	struct site *s = *state;
	unsigned int before = 0;

	for (unsigned int i = 0; i < 1500; i++)
		lab_open(s->lab, NAT_UDP, ep_port(H1, 2000 + i), Y1, AT_S(1));
	nat_tick(&s->lab->nat, AT_S(11), 1);
	log_to(s, s->path);
	lab_open(s->lab, NAT_TCP, H1, Y1, AT_S(12));
	serve(s);
	content_of(s, s->path);
	before = lines_with(s->text, "open 10.000") + lines_with(s->text, "open 11.000");
	assert_int_equal(before, 1500);
	assert_int_equal(lines_with(s->text, "mapping-created udp"), 1500);
	assert_int_equal(lines_with(s->text, "mapping-created tcp"), 1);
	assert_int_equal(lines_with(s->text, "log-started"), 1);
}

static void test_blocks_that_were_there_before_the_log_are_told(void **state)
{
	struct site *s = *state;

	lab_set(s->lab, "nat.blocks", "dynamic");
	lab_open(s->lab, NAT_UDP, H1, Y1, AT_S(1));
	log_to(s, s->path);
	serve(s);
	content_of(s, s->path);
	assert_int_equal(lines_with(s->text, "block-allocated - 192.168.1.2 203.0.113.1:"), 1);
	assert_int_equal(lines_with(s->text, " open -\n"), 1);
	assert_int_equal(lines_with(s->text, "mapping"), 0);
}

static void test_the_log_says_when_it_ends(void **state)
{
	struct site *s = *state;

	log_to(s, s->path);
	lab_set(s->lab, "log.file", "none");
	use(s);
	lab_open(s->lab, NAT_UDP, H1, Y1, AT_S(1));
	assert_int_equal(s->lab->nat.flows.count, 0); /* nobody listens */
	assert_content(s, s->path, "log-started - - - - -\nlog-stopped - - - - -\n");
	log_to(s, s->path); /* appends */
	serve(s);
	content_of(s, s->path);
	assert_int_equal(lines_with(s->text, "\n"), 4);
}

static void test_more_than_the_ring_keeps_is_told_as_lost(void **state)
{
	const struct nat_selection all = { .mapping = NAT_NONE, .protocol = NAT_PROTOCOLS };
	struct site *s = *state;
	char wanted[64];
	uint64_t made;

	log_to(s, s->path);
	serve(s);
	for (int i = 0; i < EVENT_FLOW_RING / 200 + 10; i++) {
		for (unsigned int port = 1; port <= 100; port++)
			lab_open(s->lab, NAT_UDP, ep_port(H1, port), Y1, AT_S(1));
		nat_flush(&s->lab->nat, &all, AT_S(1));
	}
	made = s->lab->nat.flows.count;
	serve(s);
	snprintf(wanted, sizeof(wanted), "records-lost - - - %u -\n",
		 (unsigned int)(made - EVENT_FLOW_RING));
	content_of(s, s->path);
	assert_int_equal(lines_with(s->text, wanted), 1);
	assert_int_equal(lines_with(s->text, "mapping-"), EVENT_FLOW_RING);
	assert_int_equal(s->log.lost, made - EVENT_FLOW_RING);
}

/* --- the file ------------------------------------------------------------------------------- */

static void open_one(struct site *s, unsigned int port)
{
	lab_open(s->lab, NAT_UDP, ep_port(H1, port), Y1, AT_S(1));
}

static void test_records_wait_for_each_other_a_moment(void **state)
{
	struct site *s = *state;
	struct mono due;

	log_to(s, s->path);
	serve(s); /* at once: nothing was written for long */
	assert_int_equal(s->log.written, 1);
	open_one(s, 2000);
	due = eventlog_serve(&s->log, &s->lab->nat, s->real);
	assert_int_equal(due.ms, s->real.ms + EVENTLOG_PERIOD_MS);
	assert_int_equal(s->log.written, 1);
	assert_int_equal(eventlog_waiting(&s->log), 1);
	s->real.ms += EVENTLOG_PERIOD_MS - 1;
	eventlog_serve(&s->log, &s->lab->nat, s->real);
	assert_int_equal(s->log.written, 1);
	s->real.ms++;
	due = eventlog_serve(&s->log, &s->lab->nat, s->real);
	assert_int_equal(due.ms, MONO_NEVER.ms);
	assert_int_equal(s->log.written, 2);
}

static void test_a_file_that_is_moved_away_is_made_anew(void **state)
{
	struct site *s = *state;
	struct stat st;

	log_to(s, s->path);
	assert_int_equal(stat(s->path, &st), 0);
	assert_int_equal(st.st_mode & 07137, 0);
	open_one(s, 2000);
	assert_int_equal(rename(s->path, s->moved), 0);
	open_one(s, 2001); /* before the signal: still to the old one */
	eventlog_reopen(&s->log, &s->lab->nat, s->real);
	open_one(s, 2002);
	serve(s);
	content_of(s, s->moved);
	assert_int_equal(lines_with(s->text, "mapping-created"), 2);
	content_of(s, s->path);
	assert_int_equal(lines_with(s->text, "mapping-created udp 192.168.1.2:2002"), 1);
	assert_int_equal(lines_with(s->text, "\n"), 1);
}

static void test_a_file_that_cannot_be_made_anew_stays_in_use(void **state)
{
	struct site *s = *state;

	log_to(s, s->path);
	serve(s);
	assert_int_equal(rename(s->path, s->moved), 0);
	assert_int_equal(mkdir(s->path, 0700), 0);
	eventlog_reopen(&s->log, &s->lab->nat, s->real);
	assert_int_equal(rmdir(s->path), 0);
	open_one(s, 2000);
	serve(s);
	content_of(s, s->moved);
	assert_int_equal(lines_with(s->text, "mapping-created"), 1);
}

static void test_a_file_that_cannot_be_opened_is_refused(void **state)
{
	struct site *s = *state;
	struct eventlog_file fresh;

	log_to(s, s->path);
	lab_set(s->lab, "log.file", "/nonexistent/log");
	assert_int_equal(eventlog_prepare(&s->log, &s->lab->options, &fresh), -ENOENT);
	lab_set(s->lab, "log.file", s->directory);
	assert_int_equal(eventlog_prepare(&s->log, &s->lab->options, &fresh), -EISDIR);
	assert_true(s->log.has_file); /* the old one */
}

/* Full: what came waits, what finds no room is counted, and all goes on when there is room. */
static void test_a_full_disk_loses_no_more_than_must_be_and_says_so(void **state)
{
	struct site *s = *state;
	unsigned int lost;
	char wanted[64];

	assert_int_equal(symlink("/dev/full", s->path), 0);
	log_to(s, s->path);
	open_one(s, 2000);
	eventlog_serve(&s->log, &s->lab->nat, s->real);
	assert_true(s->log.failing);
	assert_int_equal(s->log.errors, 1);
	assert_int_equal(s->log.lost, 0);
	assert_int_equal(eventlog_waiting(&s->log), 2);
	/* Not tried again before its time. */
	s->real.ms += EVENTLOG_RETRY_MS - 1;
	assert_int_equal(eventlog_serve(&s->log, &s->lab->nat, s->real).ms, s->real.ms + 1);
	assert_int_equal(s->log.errors, 1);
	s->real.ms++;
	eventlog_serve(&s->log, &s->lab->nat, s->real);
	assert_int_equal(s->log.errors, 2);
	for (unsigned int i = 0; i < 5000; i++)
		open_one(s, 2001 + i);
	eventlog_serve(&s->log, &s->lab->nat, s->real);
	lost = (unsigned int)s->log.lost;
	assert_in_range(lost, 1000, 4000);
	assert_int_equal(eventlog_waiting(&s->log) + lost, 5002);
	/* Room again. */
	assert_int_equal(unlink(s->path), 0);
	eventlog_reopen(&s->log, &s->lab->nat, s->real);
	open_one(s, 1999);
	serve(s);
	assert_false(s->log.failing);
	content_of(s, s->path);
	snprintf(wanted, sizeof(wanted), "records-lost - - - %u -\n", lost);
	assert_int_equal(lines_with(s->text, wanted), 1);
	assert_int_equal(lines_with(s->text, "mapping-created"), 5002 - lost);
	assert_int_equal(lines_with(s->text, "log-started"), 1);
	assert_int_equal(s->log.lost, lost);
}

/* A pipe that is full takes a part of a record: it goes on there, or whole to another file. */
static void fill_pipe(struct site *s, int *reader)
{
	assert_int_equal(mkfifo(s->path, 0600), 0);
	*reader = open(s->path, O_RDONLY | O_NONBLOCK);
	assert_true(*reader >= 0);
	assert_true(fcntl(*reader, F_SETPIPE_SZ, 4096) >= 0);
	log_to(s, s->path);
	for (unsigned int i = 0; i < 400; i++)
		open_one(s, 2000 + i);
	s->real.ms += 1000;
	eventlog_serve(&s->log, &s->lab->nat, s->real);
	assert_false(s->log.failing);
	assert_true(s->log.used > 4096);
}

static size_t drain(int reader, char *to, size_t used)
{
	ssize_t n;

	while ((n = read(reader, to + used, TEXT - used - 1)) > 0)
		used += (size_t)n;
	to[used] = '\0';
	return used;
}

static void test_records_stay_whole_where_writes_do_not(void **state)
{
	struct site *s = *state;
	size_t used = 0;
	int reader;

	fill_pipe(s, &reader);
	assert_true(s->log.partial > 0);
	for (int i = 0; i < 100 && s->log.used > 0; i++) {
		used = drain(reader, s->text, used);
		s->real.ms += 100;
		eventlog_serve(&s->log, &s->lab->nat, s->real);
	}
	drain(reader, s->text, used);
	close(reader);
	assert_int_equal(lines_with(s->text, "\n"), 401);
	for (unsigned int i = 0; i < 400; i++) {
		char wanted[64];

		snprintf(wanted, sizeof(wanted), "Z mapping-created udp 192.168.1.2:%u 203.",
			 2000 + i);
		assert_int_equal(lines_with(s->text, wanted), 1);
	}
}

static void test_half_a_record_begins_anew_in_another_file(void **state)
{
	struct site *s = *state;
	char *first = malloc(TEXT);
	unsigned int whole;
	int reader;

	assert_non_null(first);
	fill_pipe(s, &reader);
	assert_true(s->log.partial > 0);
	assert_int_equal(unlink(s->path), 0);
	eventlog_reopen(&s->log, &s->lab->nat, s->real);
	drain(reader, first, 0);
	close(reader);
	serve(s);
	whole = lines_with(first, "\n");
	content_of(s, s->path); /* each line begins with a time */
	assert_int_equal(lines_with(s->text, "mapping-created") + whole, 401);
	free(first);
}

/* --- the system's log ----------------------------------------------------------------------- */

static int listen_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void test_the_systems_log_gets_each_record_with_our_name(void **state)
{
	struct site *s = *state;
	int fd = listen_at(s->device);
	char message[RECORD_LINE_MAX], who[32];
	ssize_t length;

	lab_set(s->lab, "log.syslog", "on");
	use(s);
	open_one(s, 2000);
	serve(s);
	assert_true(recv(fd, message, sizeof(message), 0) > 0);
	length = recv(fd, message, sizeof(message) - 1, 0);
	assert_true(length > 0);
	message[length] = '\0';
	snprintf(who, sizeof(who), " natemd[%d]: 2", (int)getpid());
	assert_memory_equal(message, "<30>", 4);
	assert_non_null(strstr(message, who));
	assert_non_null(strstr(message, "Z mapping-created udp 192.168.1.2:2000 203.0.113.1:"));
	assert_string_equal(message + length - 4, " - -");
	assert_int_equal(s->log.socket_sent, 2);
	close(fd);
}

static void test_a_systems_log_that_is_gone_loses_records_until_it_is_back(void **state)
{
	struct site *s = *state;
	int fd;

	lab_set(s->lab, "log.syslog", "on");
	use(s);
	open_one(s, 2000);
	serve(s);
	assert_int_equal(s->log.socket_lost, 2);
	fd = listen_at(s->device);
	open_one(s, 2001);
	serve(s);
	assert_int_equal(s->log.socket_sent, 1);
	close(fd); /* the one that was connected is gone */
	unlink(s->device);
	open_one(s, 2002);
	serve(s);
	fd = listen_at(s->device);
	open_one(s, 2003);
	serve(s);
	assert_int_equal(s->log.socket_sent, 2);
	assert_int_equal(s->log.socket_lost, 3);
	close(fd);
}

static void test_the_systems_log_is_told_what_the_ring_has_lost(void **state)
{
	struct site *s = *state;
	const struct nat_event event = { .type = EVENT_MAPPING_ENDED,
					 .session = NAT_NONE,
					 .in_block = true }; /* no record of its own */
	int fd = listen_at(s->device);
	char message[RECORD_LINE_MAX];
	ssize_t length;

	lab_set(s->lab, "log.syslog", "on");
	use(s);
	assert_true(recv(fd, message, sizeof(message), 0) > 0);
	for (int i = 0; i < EVENT_FLOW_RING + 7; i++)
		event_add(&s->lab->nat.flows, &event);
	open_one(s, 2000); /* one more gone, but not this one */
	serve(s);
	length = recv(fd, message, sizeof(message) - 1, 0);
	assert_true(length > 0);
	message[length] = '\0';
	assert_non_null(strstr(message, "Z records-lost - - - 8 -"));
	assert_int_equal(s->log.lost, 8);
	close(fd);
}

/* One that does not read keeps no packet waiting. */
static void test_a_systems_log_that_does_not_read_loses_records(void **state)
{
	struct site *s = *state;
	int fd = listen_at(s->device);

	lab_set(s->lab, "log.syslog", "on");
	use(s);
	for (unsigned int i = 0; i < 2000; i++)
		open_one(s, 2000 + i);
	serve(s);
	assert_true(s->log.socket_lost > 0);
	assert_int_equal(s->log.socket_lost + s->log.socket_sent, 2001);
	close(fd);
}

#define site_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		site_test(test_a_mapping_is_two_records_and_no_destination),
		site_test(test_destinations_are_recorded_where_asked_for),
		site_test(test_sessions_that_others_listen_to_are_not_recorded),
		site_test(test_a_block_is_one_record_for_all_its_mappings),
		site_test(test_no_block_is_lost_where_many_go_at_once),
		site_test(test_the_formula_is_recorded_instead_of_mappings),
		site_test(test_a_change_of_knobs_is_recorded_with_the_formula),
		site_test(test_what_was_there_before_the_log_is_told),
		site_test(test_blocks_that_were_there_before_the_log_are_told),
		site_test(test_the_log_says_when_it_ends),
		site_test(test_more_than_the_ring_keeps_is_told_as_lost),
		site_test(test_records_wait_for_each_other_a_moment),
		site_test(test_a_file_that_is_moved_away_is_made_anew),
		site_test(test_a_file_that_cannot_be_made_anew_stays_in_use),
		site_test(test_a_file_that_cannot_be_opened_is_refused),
		site_test(test_a_full_disk_loses_no_more_than_must_be_and_says_so),
		site_test(test_records_stay_whole_where_writes_do_not),
		site_test(test_half_a_record_begins_anew_in_another_file),
		site_test(test_the_systems_log_gets_each_record_with_our_name),
		site_test(test_a_systems_log_that_is_gone_loses_records_until_it_is_back),
		site_test(test_the_systems_log_is_told_what_the_ring_has_lost),
		site_test(test_a_systems_log_that_does_not_read_loses_records),
	};

	signal(SIGPIPE, SIG_IGN); /* as natemd does */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
