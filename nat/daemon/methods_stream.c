/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * methods_stream.c - subscriptions, and what was dropped last
 */
#include "nat/daemon/methods_parts.h"
#include "nat/daemon/stream.h"

static struct stream_filter filter_of(json_t *params)
{
	const char *host = json_string_value(json_object_get(params, "host"));
	const char *reason = json_string_value(json_object_get(params, "reason"));
	const char *nearest; /* not wanted: the table has seen that there is one */
	struct stream_filter filter = {
		.drops = json_is_true(json_object_get(params, "drops")),
		.has_host = host != NULL,
		.has_port = json_object_get(params, "port") != NULL,
		.port = (uint16_t)params_number(params, "port"),
		.has_protocol = params_protocol(params) != NAT_PROTOCOLS,
		.protocol = params_protocol(params),
		.has_reason = reason != NULL,
	};

	if (host != NULL)
		addr_parse(host, &filter.host);
	if (reason != NULL)
		filter.reason = reason_find(reason, &nearest);
	return filter;
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
	const struct stream_filter filter = filter_of(params);
	struct stream *stream = free_stream(d, failure);

	return stream != NULL ? subscribed(stream_trace(stream, d, &filter), failure) : NULL;
}

json_t *method_capture_start(struct daemon *d, json_t *params, struct failure *failure)
{
	const struct stream_filter filter = filter_of(params);
	const uint32_t snap = params_number(params, "snaplen");
	struct stream *stream = free_stream(d, failure);

	return stream != NULL ? subscribed(stream_capture(stream, d, &filter, snap), failure)
			      : NULL;
}

json_t *method_events_subscribe(struct daemon *d, json_t *params, struct failure *failure)
{
	struct stream *stream = free_stream(d, failure);

	if (stream == NULL)
		return NULL;
	if (json_is_true(json_object_get(params, "flows")))
		stream_flows(stream, d);
	else
		stream_events(stream, d, params_number(params, "from"));
	return subscribed(0, failure);
}

json_t *method_drops_list(struct daemon *d, json_t *params, struct failure *failure)
{
	uint32_t limit = params_number(params, "limit");
	uint64_t next = params_number(params, "from");
	const struct tap_record *drop;
	json_t *drops = json_array();

	(void)failure;
	for (; limit > 0 && (drop = tap_drop_from(&d->tap, next)) != NULL; limit--) {
		json_array_append_new(drops, json_of_record(drop));
		next = drop->number + 1;
	}
	return json_pack("{s:o, s:o}", "drops", drops, "next", json_of_count(next));
}
