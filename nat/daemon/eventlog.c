/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/daemon/eventlog.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "nat/core/record.h"

enum {
	OPEN_STEPS = 512,      /* hosts, and mappings, of the start looked at in one go */
	WORTH_WRITING = 32768, /* bytes that do not wait for more */
};

/* The time outside: who had a port is asked by it, and NAT time may be another. */
static int64_t utc_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * INT64_C(1000) + ts.tv_nsec / 1000000;
}

/* --- the file ------------------------------------------------------------------------------- */

static uint64_t count_lines(const char *bytes, size_t size)
{
	const char *end = bytes + size;
	uint64_t lines = 0;

	while ((bytes = memchr(bytes, '\n', (size_t)(end - bytes))) != NULL) {
		lines++;
		bytes++;
	}
	return lines;
}

uint64_t eventlog_waiting(const struct eventlog *log)
{
	return log->used > 0 ? count_lines(log->buffer, log->used) : 0;
}

static int open_file(const char *path)
{
	/* Nobody but root and its group needs to know. A pipe must not keep us waiting. */
	int fd =
		open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);

	return fd < 0 ? -errno : fd;
}

/* A write has failed: told when it begins. */
static void note_failure(struct eventlog *log, int err, struct mono real)
{
	log->errors++;
	log->retry = mono_add_ms(real, EVENTLOG_RETRY_MS);
	if (!log->failing)
		log_error("log.file %s: %s; records wait, and those that find no room are lost, "
			  "until it can be written again",
			  log->path, strerror(err));
	log->failing = true;
}

static void note_success(struct eventlog *log)
{
	if (log->failing)
		log_info("log.file %s: written again; %" PRIu64 " records were lost in all",
			 log->path, log->lost);
	log->failing = false;
}

/* @size bytes went out, after those of the first record that had before. Whole records are forgotten;
 * of one that went in part, all of it is kept: it may have to go to another file. */
static void forget_written(struct eventlog *log, size_t size)
{
	size_t done = log->partial + size, whole = 0;
	const char *end = memrchr(log->buffer, '\n', done);

	if (end != NULL)
		whole = (size_t)(end + 1 - log->buffer);
	log->written += count_lines(log->buffer, whole);
	log->partial = done - whole;
	log->used -= whole;
	memmove(log->buffer, log->buffer + whole, log->used);
}

static void write_out(struct eventlog *log, struct mono real)
{
	log->flushed = real;
	while (log->used > 0) {
		ssize_t n = write(log->fd, log->buffer + log->partial, log->used - log->partial);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return; /* a pipe whose reader is slow: next time */
		if (n <= 0) {
			note_failure(log, n < 0 ? errno : ENOSPC, real);
			return;
		}
		forget_written(log, (size_t)n);
		note_success(log);
	}
}

/* Room for @size bytes in the buffer, if need be by writing, with the time of the last write. */
static bool make_room(struct eventlog *log, size_t size)
{
	if (log->used + size > EVENTLOG_BUFFER && !log->failing)
		write_out(log, log->flushed);
	return log->used + size <= EVENTLOG_BUFFER;
}

static void append(struct eventlog *log, const char *line, size_t length)
{
	memcpy(log->buffer + log->used, line, length);
	log->used += length;
}

static size_t format_lost(const struct eventlog *log, int64_t now_ms, char line[RECORD_LINE_MAX])
{
	const struct record r = { .utc_ms = now_ms,
				  .kind = RECORD_RECORDS_LOST,
				  .protocol = NAT_PROTOCOLS,
				  .count = log->untold,
				  .duration_ms = -1 };

	return record_format(&r, line);
}

/* Before the first record after those that were lost: there it is that they are missing. */
static void tell_lost(struct eventlog *log, int64_t now_ms)
{
	char line[RECORD_LINE_MAX];
	size_t length = format_lost(log, now_ms, line);

	if (!make_room(log, 2 * RECORD_LINE_MAX)) /* this one and the next */
		return;
	append(log, line, length);
	log->untold = 0;
}

static void put_in_file(struct eventlog *log, int64_t now_ms, const char *line, size_t length)
{
	if (log->untold > 0)
		tell_lost(log, now_ms);
	if (log->untold == 0 && make_room(log, length)) {
		append(log, line, length);
		return;
	}
	log->untold++;
	log->lost++;
}

/* --- the system's log ----------------------------------------------------------------------- */

static bool connect_socket(struct eventlog *log)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (log->socket >= 0)
		return true;
	log->socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (log->socket < 0)
		return false;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", log->socket_path);
	if (connect(log->socket, (struct sockaddr *)&address, sizeof(address)) == 0)
		return true;
	close(log->socket);
	log->socket = -1;
	return false;
}

static bool send_message(struct eventlog *log, const char *message, size_t length)
{
	if (!connect_socket(log))
		return false;
	if (send(log->socket, message, length, MSG_NOSIGNAL) >= 0)
		return true;
	if (errno != EAGAIN && errno != ENOBUFS) { /* whoever listened is gone */
		close(log->socket);
		log->socket = -1;
	}
	return false;
}

/* The record as syslog(3) would send it, which waits for a slow listener; this one does not. */
static void put_in_syslog(struct eventlog *log, int64_t now_ms, const char *line, size_t length)
{
	char message[RECORD_LINE_MAX + 64], when[32];
	time_t now = (time_t)(now_ms / 1000);
	struct tm tm;
	int size;

	strftime(when, sizeof(when), "%b %e %H:%M:%S", localtime_r(&now, &tm));
	size = snprintf(message, sizeof(message), "<%d>%s natemd[%d]: %.*s", LOG_DAEMON | LOG_INFO,
			when, (int)getpid(), (int)length - 1, line);
	if (send_message(log, message, (size_t)size)) {
		log->socket_sent++;
		log->socket_failing = false;
		return;
	}
	log->socket_lost++;
	if (!log->socket_failing)
		log_error("log.syslog: %s takes no record: %s; those are lost, until it does",
			  log->socket_path, strerror(errno));
	log->socket_failing = true;
}

/* --- records -------------------------------------------------------------------------------- */

static void put(struct eventlog *log, const struct record *r)
{
	char line[RECORD_LINE_MAX];
	size_t length;

	if (log->untold > 0 && !log->has_file) {
		length = format_lost(log, r->utc_ms, line);
		put_in_syslog(log, r->utc_ms, line, length);
		log->untold = 0;
	}
	length = record_format(r, line);
	if (log->has_file)
		put_in_file(log, r->utc_ms, line, length);
	if (log->has_syslog)
		put_in_syslog(log, r->utc_ms, line, length);
}

static struct record record_of(enum record_kind kind, int64_t now_ms)
{
	return (struct record){
		.utc_ms = now_ms, .kind = kind, .protocol = NAT_PROTOCOLS, .duration_ms = -1
	};
}

/* The kind of record that @type is; RECORD_KINDS: none. */
static enum record_kind kind_of(enum event_type type)
{
	switch (type) {
	case EVENT_MAPPING_CREATED:
		return RECORD_MAPPING_CREATED;
	case EVENT_MAPPING_ENDED:
		return RECORD_MAPPING_ENDED;
	case EVENT_SESSION_CREATED:
		return RECORD_SESSION_CREATED;
	case EVENT_SESSION_ENDED:
		return RECORD_SESSION_ENDED;
	case EVENT_BLOCK_ALLOCATED:
		return RECORD_BLOCK_ALLOCATED;
	case EVENT_BLOCK_FREED:
		return RECORD_BLOCK_FREED;
	case EVENT_OPTIONS_CHANGED:
	case EVENT_PRESET_CHANGED:
	case EVENT_FORWARD_ADDED:
	case EVENT_FORWARD_DELETED:
		return RECORD_OPTIONS_CHANGED;
	case EVENT_LIMIT_REACHED:
	case EVENT_BLOCK_OVERFLOW: /* its mapping is a record by itself */
	case EVENT_TYPES:
		break;
	}
	return RECORD_KINDS;
}

static void put_flow(struct eventlog *log, const struct nat_event *event, int64_t now_ms)
{
	struct record r = record_of(kind_of(event->type), now_ms);
	bool session = event->session != NAT_NONE;
	bool block = event->type == EVENT_BLOCK_ALLOCATED || event->type == EVENT_BLOCK_FREED;

	if (r.kind == RECORD_KINDS || event->in_block || (session && !log->destinations))
		return;
	r.internal = (struct endpoint){ event->internal, event->internal_port };
	r.external = event->external;
	r.last = event->last;
	if (event->cause != CAUSE_NONE) {
		r.cause = event_cause_name(event->cause);
		r.duration_ms = event->duration_ms;
	}
	if (!block)
		r.protocol = event->protocol;
	if (log->destinations)
		r.remote = event->remote;
	put(log, &r);
}

/* Who has which block by the formula, so that it can be told without this NAT (RFC 7422 section 3). */
static void put_formula(struct eventlog *log, const struct nat *nat, int64_t now_ms)
{
	char hosts[OPTIONS_TEXT_MAX], pool[OPTIONS_TEXT_MAX];
	struct record r = record_of(RECORD_DETERMINISTIC, now_ms);

	if (nat->options.blocks.behavior != BLOCKS_DETERMINISTIC)
		return;
	r.hosts = options_format(&nat->options, OPT_NAT_INTERNAL, hosts);
	r.pool = options_format(&nat->options, OPT_NAT_EXTERNAL, pool);
	r.count = nat->options.blocks.overflow;
	put(log, &r);
}

/* Knobs were changed: what was true of blocks may be so no more. */
static void put_change(struct eventlog *log, const struct nat *nat, const struct nat_event *event,
		       int64_t now_ms)
{
	struct record r = record_of(kind_of(event->type), now_ms);

	if (r.kind != RECORD_OPTIONS_CHANGED)
		return;
	r.cause = option_spec(event->knob)->key;
	put(log, &r);
	put_formula(log, nat, now_ms);
}

/* --- what was there before ------------------------------------------------------------------ */

static void put_open_blocks(struct eventlog *log, const struct nat *nat, int64_t now_ms)
{
	const struct host *host = host_at(&nat->hosts, log->open_hosts);

	if (!arena_is_live(&nat->hosts.arena, log->open_hosts))
		return;
	for (uint32_t i = 0; i < host->block_count; i++) {
		struct record r = record_of(RECORD_BLOCK_ALLOCATED, now_ms);

		r.internal.addr = host->address;
		r.external = host->blocks[i];
		r.last = (uint16_t)(r.external.port + nat->ports.block_size - 1);
		r.cause = "open";
		put(log, &r);
	}
}

static void put_open_mapping(struct eventlog *log, const struct nat *nat, int64_t now_ms)
{
	const struct mapping *m = mapping_at(&nat->mappings, log->open_mappings);
	struct record r = record_of(RECORD_MAPPING_CREATED, now_ms);

	if (!arena_is_live(&nat->mappings.arena, log->open_mappings) || m->in_block ||
	    m->created.ms > log->began.ms)
		return;
	r.protocol = (enum nat_protocol)m->protocol;
	r.internal = m->internal;
	r.external = m->external;
	if (log->destinations)
		r.remote = mapping_remote(&nat->mappings, log->open_mappings);
	r.cause = "open";
	r.duration_ms = nat->now.ms - m->created.ms;
	put(log, &r);
}

static bool has_more_open(const struct eventlog *log, const struct nat *nat)
{
	return log->open_hosts < nat->hosts.arena.used ||
	       log->open_mappings < nat->mappings.arena.used;
}

/* Some of what was there when the log began. All of it at once could keep packets waiting. */
static void put_open(struct eventlog *log, const struct nat *nat)
{
	int64_t now_ms = has_more_open(log, nat) ? utc_ms() : 0;

	for (int i = 0; i < OPEN_STEPS && log->open_hosts < nat->hosts.arena.used; i++) {
		put_open_blocks(log, nat, now_ms);
		log->open_hosts++;
	}
	for (int i = 0; i < OPEN_STEPS && log->open_mappings < nat->mappings.arena.used; i++) {
		put_open_mapping(log, nat, now_ms);
		log->open_mappings++;
	}
	if (!has_more_open(log, nat))
		log->open_hosts = log->open_mappings = NAT_NONE;
}

/* --- events --------------------------------------------------------------------------------- */

static bool is_on(const struct eventlog *log)
{
	return log->has_file || log->has_syslog;
}

/* Those before it that are gone are lost. */
static const struct nat_event *next_flow(struct eventlog *log, const struct nat *nat)
{
	const struct nat_event *event = event_from(&nat->flows, log->next_flow);

	if (event == NULL)
		return NULL;
	log->untold += event->number - log->next_flow;
	log->lost += event->number - log->next_flow;
	log->next_flow = event->number + 1;
	return event;
}

/* Changes of knobs are taken as soon as they are made: what that ring loses is no record. */
static const struct nat_event *next_event(struct eventlog *log, const struct nat *nat)
{
	const struct nat_event *event = event_from(&nat->events, log->next_event);

	if (event != NULL)
		log->next_event = event->number + 1;
	return event;
}

void eventlog_take(struct eventlog *log, struct nat *nat)
{
	const struct nat_event *event;
	int64_t now_ms;

	if (!is_on(log) ||
	    (log->next_event > nat->events.count && log->next_flow > nat->flows.count))
		return;
	now_ms = utc_ms();
	while ((event = next_flow(log, nat)) != NULL)
		put_flow(log, event, now_ms);
	while ((event = next_event(log, nat)) != NULL)
		put_change(log, nat, event, now_ms);
}

struct mono eventlog_serve(struct eventlog *log, struct nat *nat, struct mono real)
{
	if (!is_on(log))
		return MONO_NEVER;
	if (log->failing && mono_reached(real, log->retry))
		write_out(log, real); /* there may be room again for what comes */
	eventlog_take(log, nat);
	if (log->open_mappings != NAT_NONE)
		put_open(log, nat);
	if (log->has_file && log->untold > 0 && !log->failing)
		tell_lost(log, utc_ms());
	if (log->used > 0 && !log->failing &&
	    (log->used >= WORTH_WRITING ||
	     mono_reached(real, mono_add_ms(log->flushed, EVENTLOG_PERIOD_MS))))
		write_out(log, real);
	if (log->open_mappings != NAT_NONE)
		return real; /* on with that at once, after the packets */
	if (log->used == 0)
		return MONO_NEVER;
	return log->failing ? log->retry : mono_add_ms(log->flushed, EVENTLOG_PERIOD_MS);
}

/* --- opening and closing -------------------------------------------------------------------- */

void eventlog_init(struct eventlog *log, const char *socket_path)
{
	*log = (struct eventlog){ .fd = -1, .socket = -1, .socket_path = socket_path };
}

/* The last words, and whatever still waits as far as it goes. */
static void stop(struct eventlog *log, struct nat *nat, struct mono real)
{
	const struct record r = record_of(RECORD_LOG_STOPPED, utc_ms());

	if (!is_on(log))
		return;
	eventlog_take(log, nat);
	put(log, &r);
	if (log->has_file) {
		write_out(log, real);
		log->lost += eventlog_waiting(log);
		if (log->used > 0)
			log_error("log.file %s: closed without %" PRIu64
				  " records that it took no more",
				  log->path, eventlog_waiting(log));
		close(log->fd);
		free(log->buffer);
	}
	if (log->socket >= 0)
		close(log->socket);
	nat->listeners.mappings--;
	nat->listeners.sessions -= log->destinations;
	log->has_file = log->has_syslog = log->failing = log->socket_failing = false;
	log->socket = log->fd = -1;
	log->used = log->partial = 0;
	log->untold = 0;
	log->buffer = NULL;
}

void eventlog_close(struct eventlog *log, struct nat *nat, struct mono real)
{
	stop(log, nat, real);
}

static bool wants_file(const struct options *o)
{
	return *o->log.file != '\0';
}

static bool is_other_file(const struct eventlog *log, const struct options *o)
{
	return !log->has_file || strcmp(log->path, o->log.file) != 0;
}

int eventlog_prepare(const struct eventlog *log, const struct options *o,
		     struct eventlog_file *fresh)
{
	int fd;

	fresh->fd = -1;
	if (!wants_file(o) || !is_other_file(log, o))
		return 0;
	fd = open_file(o->log.file);
	if (fd < 0)
		return fd;
	fresh->fd = fd;
	return 0;
}

void eventlog_drop(struct eventlog_file *fresh)
{
	if (fresh->fd >= 0)
		close(fresh->fd);
	fresh->fd = -1;
}

static void begin(struct eventlog *log, struct nat *nat)
{
	const struct record r = record_of(RECORD_LOG_STARTED, utc_ms());

	log->next_event = nat->events.count + 1;
	log->next_flow = nat->flows.count + 1;
	log->open_hosts = log->open_mappings = 0;
	log->began = nat->now;
	put(log, &r);
	put_formula(log, nat, r.utc_ms);
}

/* Is all as @o says already? */
static bool is_as(const struct eventlog *log, const struct options *o)
{
	return log->has_syslog == (o->log.syslog == SWITCH_ON) &&
	       log->destinations == (o->log.destinations == SWITCH_ON) &&
	       log->has_file == wants_file(o) && (!log->has_file || !is_other_file(log, o));
}

/* Write to @fd, which is @path, from now on. */
static void start_file(struct eventlog *log, int fd, const char *path, struct mono real)
{
	log->buffer = malloc(EVENTLOG_BUFFER);
	if (log->buffer == NULL) {
		log_error("log.file %s: no memory for its buffer; it is not written", path);
		close(fd);
		return;
	}
	snprintf(log->path, sizeof(log->path), "%s", path);
	log->has_file = true;
	log->fd = fd;
	log->flushed.ms = real.ms - EVENTLOG_PERIOD_MS; /* the first record need not wait */
}

void eventlog_use(struct eventlog *log, struct nat *nat, const struct options *o,
		  struct eventlog_file *fresh, struct mono real)
{
	int fd = fresh->fd;

	fresh->fd = -1;
	if (is_as(log, o))
		return;
	if (log->has_file && !is_other_file(log, o))
		fd = dup(log->fd); /* the same file goes on under other rules */
	stop(log, nat, real);
	if (fd >= 0)
		start_file(log, fd, o->log.file, real);
	log->has_syslog = o->log.syslog == SWITCH_ON;
	log->destinations = o->log.destinations == SWITCH_ON;
	if (!is_on(log))
		return;
	nat->listeners.mappings++;
	nat->listeners.sessions += log->destinations;
	begin(log, nat);
}

void eventlog_reopen(struct eventlog *log, struct nat *nat, struct mono real)
{
	int fd;

	if (!log->has_file) {
		log_info("SIGHUP: there is no log.file to open anew");
		return;
	}
	eventlog_take(log, nat);
	write_out(log, real); /* what came before the signal goes where it was meant to */
	fd = open_file(log->path);
	if (fd < 0) {
		log_error("log.file %s: cannot be opened anew: %s; the old one stays in use",
			  log->path, strerror(-fd));
		return;
	}
	close(log->fd);
	log->fd = fd;
	log->partial = 0;
	log_info("log.file %s: opened anew", log->path);
	write_out(log, real);
}
