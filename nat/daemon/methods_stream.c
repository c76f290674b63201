/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * methods_stream.c - subscriptions, and what was dropped last
 */
#include <string.h>

#include "nat/daemon/control.h"
#include "nat/daemon/methods_parts.h"
#include "nat/daemon/stream.h"

enum { SNAP_LEAST = 64, SNAP_MOST = 65535, DROPS_PER_PAGE = 16 };

static bool params_reason(json_t *params, struct stream_filter *filter, struct failure *failure)
{
	const json_t *given = json_object_get(params, "reason");
	const char *name = json_is_string(given) ? json_string_value(given) : "";

	if (given == NULL)
		return true;
	for (unsigned int i = 0; i < REASON_COUNT; i++) {
		if (strcmp(reason_spec((enum nat_reason)i)->name, name) != 0)
			continue;
		filter->has_reason = true;
		filter->reason = (enum nat_reason)i;
		return true;
	}
	failure_set(failure, RPC_INVALID_PARAMS,
		    "reason: '%.64s' is none; 'natem counters' lists them", name);
	return false;
}

static bool params_host(json_t *params, struct stream_filter *filter, struct failure *failure)
{
	const json_t *given = json_object_get(params, "host");

	if (given == NULL)
		return true;
	filter->has_host = true;
	if (json_is_string(given) && addr_parse(json_string_value(given), &filter->host) == 0)
		return true;
	failure_set(failure, RPC_INVALID_PARAMS, "host: an address is needed");
	return false;
}

static bool params_filter(json_t *params, struct stream_filter *filter, struct failure *failure)
{
	const json_t *drops = json_object_get(params, "drops");
	enum nat_protocol protocol = NAT_PROTOCOLS;
	uint32_t port = 0;

	*filter = (struct stream_filter){ .drops = json_is_true(drops) };
	if (drops != NULL && !json_is_boolean(drops)) {
		failure_set(failure, RPC_INVALID_PARAMS, "drops: true or false is needed");
		return false;
	}
	if (!params_number(params, "port", 0, UINT16_MAX, &port, failure) ||
	    !params_protocol(params, &protocol, failure) || !params_host(params, filter, failure) ||
	    !params_reason(params, filter, failure))
		return false;
	filter->has_port = json_object_get(params, "port") != NULL;
	filter->port = (uint16_t)port;
	filter->has_protocol = protocol != NAT_PROTOCOLS;
	filter->protocol = protocol;
	return true;
}

/* The one stream that the client who asks may have. */
static struct stream *free_stream(struct daemon *d, struct failure *failure)
{
	if (d->asking != NULL && d->asking->kind == STREAM_NONE)
		return d->asking;
	failure_set(failure, RPC_FAILED,
		    "this connection has a subscription already; open another for a second one");
	return NULL;
}

static json_t *subscribed(int err, struct failure *failure)
{
	if (err < 0)
		return failure_set(failure, RPC_FAILED, "no memory for what passes");
	return json_pack("{s:b}", "subscribed", 1);
}

json_t *method_trace_subscribe(struct daemon *d, json_t *params, struct failure *failure)
{
	static const char *const names[] = { "host", "port", "protocol", "reason", "drops", NULL };
	struct stream_filter filter;
	struct stream *stream;

	if (!params_only(params, names, failure) || !params_filter(params, &filter, failure))
		return NULL;
	stream = free_stream(d, failure);
	return stream != NULL ? subscribed(stream_trace(stream, d, &filter), failure) : NULL;
}

json_t *method_capture_start(struct daemon *d, json_t *params, struct failure *failure)
{
	static const char *const names[] = { "host",  "port",	 "protocol", "reason",
					     "drops", "snaplen", NULL };
	uint32_t snap = SNAP_MOST;
	struct stream_filter filter;
	struct stream *stream;

	if (!params_only(params, names, failure) ||
	    !params_number(params, "snaplen", SNAP_LEAST, SNAP_MOST, &snap, failure) ||
	    !params_filter(params, &filter, failure))
		return NULL;
	stream = free_stream(d, failure);
	return stream != NULL ? subscribed(stream_capture(stream, d, &filter, snap), failure)
			      : NULL;
}

json_t *method_events_subscribe(struct daemon *d, json_t *params, struct failure *failure)
{
	static const char *const names[] = { "from", NULL };
	struct stream *stream;
	uint32_t from = 0;

	if (!params_only(params, names, failure) ||
	    !params_number(params, "from", 1, UINT32_MAX, &from, failure))
		return NULL;
	stream = free_stream(d, failure);
	if (stream == NULL)
		return NULL;
	stream_events(stream, d, from);
	return subscribed(0, failure);
}

json_t *method_drops_list(struct daemon *d, json_t *params, struct failure *failure)
{
	static const char *const names[] = { "from", "limit", NULL };
	uint32_t from = 1, limit = DROPS_PER_PAGE;
	const struct tap_record *drop;
	json_t *drops;
	uint64_t next;

	if (!params_only(params, names, failure) ||
	    !params_number(params, "from", 1, UINT32_MAX, &from, failure) ||
	    !params_number(params, "limit", 1, TAP_DROPS, &limit, failure))
		return NULL;
	drops = json_array();
	for (next = from; limit > 0 && (drop = tap_drop_from(&d->tap, next)) != NULL; limit--) {
		json_array_append_new(drops, json_of_record(drop));
		next = drop->number + 1;
	}
	return json_pack("{s:o, s:o}", "drops", drops, "next", json_of_count(next));
}
