/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/daemon/stream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "nat/daemon/capture.h"
#include "nat/daemon/daemon.h"
#include "nat/daemon/events.h"
#include "nat/daemon/methods_parts.h"

enum { CHUNK_BYTES = 256 * 1024 }; /* after so many no further packet joins a piece */

/* --- subscribing ---------------------------------------------------------------------------- */

int stream_trace(struct stream *s, struct daemon *d, const struct stream_filter *filter)
{
	struct tap_reader reader;
	int err = tap_attach(&d->tap, &reader, 0);

	if (err < 0)
		return err;
	*s = (struct stream){ .kind = STREAM_TRACE, .filter = *filter, .reader = reader };
	return 0;
}

int stream_capture(struct stream *s, struct daemon *d, const struct stream_filter *filter,
		   uint32_t snap)
{
	struct tap_reader reader;
	int err = tap_attach(&d->tap, &reader, snap);

	if (err < 0)
		return err;
	*s = (struct stream){
		.kind = STREAM_CAPTURE, .filter = *filter, .reader = reader, .snap = snap
	};
	return 0;
}

void stream_events(struct stream *s, struct daemon *d, uint64_t from)
{
	uint64_t next = d->nat.events.count + 1;

	*s = (struct stream){ .kind = STREAM_EVENTS,
			      .event = from > 0 && from < next ? from : next };
}

void stream_flows(struct stream *s, struct daemon *d)
{
	*s = (struct stream){ .kind = STREAM_FLOWS, .event = d->nat.flows.count + 1 };
	d->nat.listeners.mappings++;
	d->nat.listeners.sessions++;
}

void stream_end(struct stream *s, struct daemon *d)
{
	if (s->kind == STREAM_FLOWS) {
		d->nat.listeners.mappings--;
		d->nat.listeners.sessions--;
	}
	if (s->kind == STREAM_TRACE || s->kind == STREAM_CAPTURE)
		tap_detach(&d->tap);
	*s = (struct stream){ .kind = STREAM_NONE };
}

bool stream_has_more(const struct stream *s, const struct daemon *d)
{
	switch (s->kind) {
	case STREAM_NONE:
		break;
	case STREAM_CAPTURE:
		return !s->begun || tap_has_more(&d->tap, &s->reader);
	case STREAM_TRACE:
		return tap_has_more(&d->tap, &s->reader);
	case STREAM_EVENTS:
		return event_from(&d->nat.events, s->event) != NULL;
	case STREAM_FLOWS:
		return event_from(&d->nat.flows, s->event) != NULL;
	}
	return false;
}

/* --- filter --------------------------------------------------------------------------------- */

static enum nat_protocol protocol_of(const struct tap_record *r)
{
	switch (r->protocol) {
	case PACKET_UDP:
		return NAT_UDP;
	case PACKET_TCP:
		return NAT_TCP;
	case PACKET_ICMP:
		return NAT_ICMP;
	default:
		return NAT_OTHER;
	}
}

static bool matches(const struct stream_filter *f, const struct tap_record *r)
{
	const struct endpoint *const ends[] = { &r->source, &r->destination, &r->new_source,
						&r->new_destination };
	bool host = !f->has_host, port = !f->has_port;

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]) && r->parsed; i++) {
		host = host || addr_equal(&ends[i]->addr, &f->host);
		port = port || ends[i]->port == f->port;
	}
	return host && port && (!f->drops || r->outcome.verdict == NAT_DROPPED) &&
	       (!f->has_protocol || (r->parsed && protocol_of(r) == f->protocol)) &&
	       (!f->has_reason || r->outcome.reason == f->reason);
}

/* --- as JSON -------------------------------------------------------------------------------- */

static const char *time_text(int64_t ns, char *buf, size_t size)
{
	const time_t seconds = (time_t)(ns / 1000000000);
	struct tm tm;
	size_t n = strftime(buf, size, "%Y-%m-%dT%H:%M:%S", gmtime_r(&seconds, &tm));

	snprintf(buf + n, size - n, ".%06dZ", (int)(ns % 1000000000 / 1000));
	return buf;
}

/* "SYN,ACK"; "" for none. */
static const char *flags_text(uint8_t flags, char buf[40])
{
	static const char *const names[] = {
		"FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"
	};
	size_t used = 0;

	*buf = '\0';
	for (int i = 0; i < 8; i++)
		if (flags >> i & 1)
			used += (size_t)snprintf(buf + used, 40 - used, "%s%s", used ? "," : "",
						 names[i]);
	return buf;
}

static const char *verdict_name(enum nat_verdict verdict)
{
	static const char *const names[] = {
		[NAT_PASS] = "passed",
		[NAT_REWRITTEN] = "rewritten",
		[NAT_DROPPED] = "dropped",
		[NAT_HELD] = "held",
	};

	return names[verdict];
}

static json_t *json_end(const struct tap_record *r, const struct endpoint *e)
{
	return r->parsed ? json_of_endpoint(e) : json_null();
}

static json_t *json_number_of(uint32_t n)
{
	return n != NAT_NONE ? json_integer(n) : json_null();
}

static void put_protocol(json_t *json, const struct tap_record *r)
{
	bool first = r->whole && (!r->fragment || r->fragment_offset == 0);
	char flags[40];

	member_put(json, "protocol",
		   r->parsed ? json_string(nat_protocol_name(protocol_of(r))) : json_null());
	member_put(json, "ip_protocol", r->parsed ? json_integer(r->protocol) : json_null());
	member_put(json, "flags",
		   first && r->protocol == PACKET_TCP ? json_string(flags_text(r->tcp_flags, flags))
						      : json_null());
	member_put(json, "icmp",
		   first && r->protocol == PACKET_ICMP
			   ? json_pack("{s:i, s:i}", "type", r->icmp_type, "code", r->icmp_code)
			   : json_null());
	member_put(json, "fragment_offset",
		   r->fragment ? json_integer(r->fragment_offset) : json_null());
}

static json_t *json_state(const struct tap_record *r, enum tcp_state state)
{
	bool known = r->protocol == PACKET_TCP && r->outcome.session != NAT_NONE;

	return known ? json_string(tcp_state_name(state)) : json_null();
}

json_t *json_of_record(const struct tap_record *r)
{
	static const char *const sides[] = {
		[NAT_INTERNAL] = "internal", [NAT_EXTERNAL] = "external"
	};
	const struct nat_outcome *o = &r->outcome;
	char time[48];
	json_t *json = json_object();

	member_put(json, "number", json_of_count(r->number));
	member_put_text(json, "time", time_text(r->time_ns, time, sizeof(time)));
	member_put(json, "from",
		   r->from != NAT_NOWHERE ? json_string(sides[r->from]) : json_null());
	put_protocol(json, r);
	member_put(json, "length", json_integer(r->length));
	member_put(json, "source", json_end(r, &r->source));
	member_put(json, "destination", json_end(r, &r->destination));
	member_put(json, "new_source", json_end(r, &r->new_source));
	member_put(json, "new_destination", json_end(r, &r->new_destination));
	member_put(json, "tcp_before", json_state(r, o->tcp_before));
	member_put(json, "tcp_after", json_state(r, o->tcp_after));
	member_put_text(json, "verdict", verdict_name(o->verdict));
	member_put_text(json, "reason", reason_spec(o->reason)->name);
	member_put_text(json, "clause", reason_spec(o->reason)->clause);
	member_put(json, "knob",
		   o->knob != OPT_NONE ? json_string(option_spec(o->knob)->key) : json_null());
	member_put(json, "mapping", json_number_of(o->mapping));
	member_put(json, "session", json_number_of(o->session));
	return json;
}

/* A notification as a line of @out; @params is taken. */
static void put_line(FILE *out, const char *method, json_t *params)
{
	json_t *line =
		json_pack("{s:s, s:s, s:o}", "jsonrpc", "2.0", "method", method, "params", params);

	json_dumpf(line, out, JSON_COMPACT);
	fputc('\n', out);
	json_decref(line);
}

static void put_missed(FILE *out, const char *method, uint64_t missed)
{
	if (missed > 0)
		put_line(out, method, json_pack("{s:o}", "count", json_of_count(missed)));
}

/* --- what is next --------------------------------------------------------------------------- */

/* Its filter lets only some through; @last: missed after those. */
static void put_packets(struct stream *s, struct daemon *d, FILE *out)
{
	const struct tap_record *record;
	struct tap_bytes bytes;
	uint64_t missed;

	for (int i = 0; i < STREAM_BATCH; i++) {
		record = tap_read(&d->tap, &s->reader, &bytes, &missed);
		if (record == NULL)
			break;
		put_missed(out, "trace.missed", missed);
		if (matches(&s->filter, record))
			put_line(out, "trace.packet", json_of_record(record));
	}
}

static void put_captured(struct stream *s, struct daemon *d, FILE *out)
{
	const struct tap_record *record;
	struct tap_bytes bytes;
	uint64_t missed;

	if (!s->begun)
		capture_begin(out, s->snap, d->asked.lan, d->asked.wan);
	s->begun = true;
	for (int i = 0; i < STREAM_BATCH && ftell(out) < CHUNK_BYTES; i++) {
		record = tap_read(&d->tap, &s->reader, &bytes, &missed);
		if (record == NULL)
			break;
		s->missed += missed;
		if (matches(&s->filter, record))
			capture_packet(out, record, &bytes, s->snap);
	}
}

static void put_events(struct stream *s, struct daemon *d, const struct event_ring *ring, FILE *out)
{
	for (int i = 0; i < STREAM_BATCH; i++) {
		const struct nat_event *event = event_from(ring, s->event);

		if (event == NULL)
			break;
		put_missed(out, "events.missed", event->number - s->event);
		s->event = event->number + 1;
		put_line(out, "events.event", json_of_event(d, event));
	}
}

/* What was written to @out, or NULL; both are closed. */
static char *taken(FILE *out, char **text, size_t *length)
{
	bool failed = ferror(out) != 0;

	if (fclose(out) == 0 && !failed && *length > 0)
		return *text;
	free(*text);
	return NULL;
}

char *stream_next(struct stream *s, struct daemon *d, size_t *length)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, length);

	if (out == NULL)
		return NULL; /* it will be told how many it has missed */
	switch (s->kind) {
	case STREAM_NONE:
		break;
	case STREAM_TRACE:
		put_packets(s, d, out);
		break;
	case STREAM_CAPTURE:
		put_captured(s, d, out);
		break;
	case STREAM_EVENTS:
		put_events(s, d, &d->nat.events, out);
		break;
	case STREAM_FLOWS:
		put_events(s, d, &d->nat.flows, out);
		break;
	}
	return taken(out, &text, length);
}

char *stream_last(struct stream *s, size_t *length)
{
	char *text = NULL;
	FILE *out;

	if (s->kind != STREAM_CAPTURE || s->finished)
		return NULL;
	s->finished = true;
	out = open_memstream(&text, length);
	if (out == NULL)
		return NULL;
	capture_end(out, s->missed);
	return taken(out, &text, length);
}
