/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stream.h - what a client has asked to be told as it happens
 * Owns:       a client's subscription: to packets, to their bytes, or to events; and the text
 *             or bytes that it is sent.
 * Invariants: made when the client can take more, never while a packet waits for its verdict, and
 *             at most STREAM_BATCH records at a time. Who falls behind is told what was missed.
 */
#ifndef DAEMON_STREAM_H
#define DAEMON_STREAM_H

#include <jansson.h>

#include "nat/daemon/tap.h"

struct daemon;

enum { STREAM_BATCH = 32 };

enum stream_kind { STREAM_NONE, STREAM_TRACE, STREAM_CAPTURE, STREAM_EVENTS, STREAM_FLOWS };

/* Which packets; all that is set must hold. */
struct stream_filter {
	bool drops, has_host, has_port, has_protocol, has_reason;
	struct addr host; /* any of the four ends, before or after */
	uint16_t port;	  /* likewise */
	enum nat_protocol protocol;
	enum nat_reason reason;
};

struct stream {
	enum stream_kind kind;
	struct stream_filter filter;
	struct tap_reader reader; /* trace, capture */
	uint64_t missed;	  /* capture: in all */
	uint64_t event;		  /* events, flows: number of the next */
	uint32_t snap;
	bool begun, finished; /* capture: head and tail of the file are out */
};

/* Subscribe: 0, or -ENOMEM with @s untouched; @s must be of STREAM_NONE. */
int stream_trace(struct stream *s, struct daemon *d, const struct stream_filter *filter);
int stream_capture(struct stream *s, struct daemon *d, const struct stream_filter *filter,
		   uint32_t snap);
/* @from: number of the first event wanted, 0: the next. Flows are told of from now on. */
void stream_events(struct stream *s, struct daemon *d, uint64_t from);
void stream_flows(struct stream *s, struct daemon *d);
/* The client is gone. */
void stream_end(struct stream *s, struct daemon *d);

/* Is there anything to send? */
bool stream_has_more(const struct stream *s, const struct daemon *d);

/*
 * stream_next() - the next piece for the client
 * Return: owned by the caller, @length bytes; NULL if nothing of what happened concerns the client.
 */
char *stream_next(struct stream *s, struct daemon *d, size_t *length);
/* What ends the stream when the client has said that it wants no more; NULL: nothing. */
char *stream_last(struct stream *s, size_t *length);

/* A packet as trace shows it; owned by the caller. */
json_t *json_of_record(const struct tap_record *record);

#endif
