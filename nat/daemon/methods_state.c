/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * methods_state.c - status, counters and events: how the daemon is doing
 */
#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "nat/core/presets.h"
#include "nat/daemon/events.h"
#include "nat/daemon/methods_parts.h"

static json_t *json_usage(const struct arena *a, uint64_t created)
{
	json_t *usage = json_object();

	member_put(usage, "live", json_of_count(a->live));
	member_put(usage, "limit", json_of_count(a->limit));
	member_put(usage, "created", json_of_count(created));
	return usage;
}

static json_t *json_queue(const struct queue *q)
{
	json_t *queue = json_object();

	member_put(queue, "number", json_of_count(q->number));
	member_put(queue, "packets", json_of_count(q->packets));
	member_put(queue, "batches", json_of_count(q->batches));
	member_put(queue, "overruns", json_of_count(q->overruns));
	member_put(queue, "lost_verdicts", json_of_count(q->lost_verdicts));
	return queue;
}

/* Those of the pool, then those that are one host's own. */
static json_t *json_external(const struct nat *nat)
{
	const struct pair_list *pairs = &nat->options.pairs;
	json_t *addresses = json_array();

	for (uint32_t i = 0; i < nat->ports.count; i++)
		json_array_append_new(addresses, json_of_addr(&nat->ports.addresses[i]));
	for (uint32_t i = 0; i < pairs->count; i++)
		json_array_append_new(addresses, json_of_addr(&pairs->pairs[i].external));
	return addresses;
}

static json_t *json_held(const struct nat *nat)
{
	json_t *held = json_object();

	member_put(held, "fragments", json_of_count(nat->fragments.held_count));
	member_put(held, "syns", json_of_count(nat->held_syns.count));
	return held;
}

/* Packets of the NAT's own: made, and what became of them. */
static json_t *json_own(const struct daemon *d)
{
	json_t *own = json_object();

	member_put(own, "made", json_of_count(d->nat.outputs.made));
	member_put(own, "lost", json_of_count(d->nat.outputs.lost));
	member_put(own, "sent", json_of_count(d->sender.sent));
	member_put(own, "failed", json_of_count(d->sender.failed));
	return own;
}

uint64_t resting_ports(const struct ports *ports)
{
	uint64_t count = 0;

	for (int p = 0; p < NAT_OTHER; p++)
		count += ports->resting[p].count;
	return count;
}

static json_t *json_pcp(const struct nat *nat)
{
	json_t *pcp = json_object();

	member_put(pcp, "leases", json_of_count(nat->leases.count));
	member_put(pcp, "granted", json_of_count(nat->asked.granted));
	member_put(pcp, "refused", json_of_count(nat->asked.refused));
	member_put(pcp, "ignored", json_of_count(nat->asked.ignored));
	return pcp;
}

/* What hosts call the router; null where the interface has no address. The NAT itself needs none. */
static json_t *json_lan_address(const char *interface)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = { 0 };
	struct sockaddr_in in4;
	struct addr address;
	int err = -1;

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	if (fd >= 0) {
		err = ioctl(fd, SIOCGIFADDR, &request);
		close(fd);
	}
	if (err < 0)
		return json_null();
	memcpy(&in4, &request.ifr_addr, sizeof(in4));
	address = addr_from_ip4(ntohl(in4.sin_addr.s_addr));
	return json_of_addr(&address);
}

/* The mapping log. */
static json_t *json_log(const struct eventlog *log)
{
	json_t *json = json_object();

	member_put(json, "file", log->has_file ? json_string(log->path) : json_null());
	member_put(json, "written", json_of_count(log->written));
	member_put(json, "waiting", json_of_count(eventlog_waiting(log)));
	member_put(json, "lost", json_of_count(log->lost));
	member_put(json, "errors", json_of_count(log->errors));
	member_put(json, "failing", json_boolean(log->failing));
	member_put(json, "syslog", json_boolean(log->has_syslog));
	member_put(json, "syslog_sent", json_of_count(log->socket_sent));
	member_put(json, "syslog_lost", json_of_count(log->socket_lost));
	return json;
}

json_t *method_status(struct daemon *d, json_t *params, struct failure *failure)
{
	json_t *result, *sessions;

	(void)params;
	(void)failure;
	sessions = json_usage(&d->nat.sessions.arena, d->nat.sessions.created);
	member_put(sessions, "expired", json_of_count(d->nat.sessions.expired));
	result = json_object();
	member_put_text(result, "version", NATEM_VERSION);
	member_put(result, "pid", json_integer(getpid()));
	member_put(result, "uptime_ms", json_integer(d->real.ms - d->started.ms));
	member_put_text(result, "lan", d->asked.lan);
	member_put_text(result, "wan", d->asked.wan);
	member_put(result, "lan_address", json_lan_address(d->asked.lan));
	member_put(result, "external", json_external(&d->nat));
	member_put(result, "mappings", json_usage(&d->nat.mappings.arena, d->nat.mappings.created));
	member_put(result, "sessions", sessions);
	member_put(result, "resting_ports", json_of_count(resting_ports(&d->nat.ports)));
	member_put(result, "held", json_held(&d->nat));
	member_put(result, "pcp", json_pcp(&d->nat));
	member_put(result, "own_packets", json_own(d));
	member_put(result, "queue", json_queue(&d->queue));
	member_put(result, "log", json_log(&d->eventlog));
	member_put(result, "clock", json_of_clock(d));
	return result;
}

static json_t *json_counter(const struct reason_spec *spec, uint64_t value)
{
	json_t *counter = json_object();

	member_put(counter, "value", json_of_count(value));
	member_put(counter, "drop", json_boolean(spec->drop));
	member_put_text(counter, "meaning", spec->explanation);
	member_put_text(counter, "clause", spec->clause);
	member_put_text(counter, "advice", spec->advice);
	return counter;
}

json_t *method_counters_get(struct daemon *d, json_t *params, struct failure *failure)
{
	json_t *counters = json_object();

	(void)params;
	(void)failure;
	for (unsigned int i = 0; i < REASON_COUNT; i++) {
		const struct reason_spec *spec = reason_spec((enum nat_reason)i);

		member_put(counters, spec->name, json_counter(spec, d->nat.counters[i]));
	}
	return json_pack("{s:o}", "counters", counters);
}

/* Which members an event has; the others are null. */
struct shape {
	bool flow, session, rule, knobs, limit, block;
};

static struct shape shape_of(const struct nat_event *event)
{
	enum event_type t = event->type;
	bool session = t == EVENT_SESSION_CREATED || t == EVENT_SESSION_ENDED;

	return (struct shape){
		.flow = session || t == EVENT_MAPPING_CREATED || t == EVENT_MAPPING_ENDED,
		.session = session,
		.rule = t == EVENT_FORWARD_ADDED || t == EVENT_FORWARD_DELETED,
		.knobs = t == EVENT_OPTIONS_CHANGED || t == EVENT_PRESET_CHANGED,
		.limit = t == EVENT_LIMIT_REACHED,
		.block = t == EVENT_BLOCK_ALLOCATED || t == EVENT_BLOCK_FREED,
	};
}

static json_t *json_of_some_endpoint(const struct endpoint *e)
{
	if (!addr_is_ip4(&e->addr))
		return json_null();
	return e->port != 0 ? json_of_endpoint(e) : json_of_addr(&e->addr);
}

/* What only flows have. */
static void put_flow(json_t *json, const struct nat_event *event, const struct shape *s)
{
	const struct endpoint internal = { event->internal, event->internal_port };
	bool ended = event->type == EVENT_MAPPING_ENDED || event->type == EVENT_SESSION_ENDED;

	member_put(json, "internal", s->flow ? json_of_endpoint(&internal) : json_null());
	member_put(json, "remote", s->flow ? json_of_some_endpoint(&event->remote) : json_null());
	member_put(json, "mapping", s->flow ? json_of_count(event->mapping) : json_null());
	member_put(json, "session", s->session ? json_of_count(event->session) : json_null());
	member_put(json, "cause",
		   event->cause != CAUSE_NONE ? json_string(event_cause_name(event->cause))
					      : json_null());
	member_put(json, "duration_ms", ended ? json_integer(event->duration_ms) : json_null());
}

json_t *json_of_event(const struct daemon *d, const struct nat_event *event)
{
	const struct shape s = shape_of(event);
	bool forward = s.rule && event->knob == OPT_NAT_FORWARDS;
	bool ports = s.block || s.flow || event->type == EVENT_BLOCK_OVERFLOW;
	char text[EVENTS_TEXT_MAX];
	json_t *json = json_object();

	member_put(json, "number", json_of_count(event->number));
	member_put(json, "age_ms", json_integer(d->now.ms - event->at.ms));
	member_put_text(json, "type", event_type_name(event->type));
	member_put(json, "reason",
		   s.limit ? json_string(reason_spec(event->reason)->name) : json_null());
	member_put(json, "protocol",
		   s.limit || s.flow || forward ? json_string(nat_protocol_name(event->protocol))
						: json_null());
	member_put(json, "knob",
		   (s.limit || s.knobs || s.rule) && event->knob != OPT_NONE
			   ? json_string(option_spec(event->knob)->key)
			   : json_null());
	member_put(json, "preset",
		   event->type == EVENT_PRESET_CHANGED
			   ? json_string(preset_spec(event->preset)->name)
			   : json_null());
	member_put(json, "host",
		   addr_is_ip4(&event->internal) ? json_of_addr(&event->internal) : json_null());
	member_put(json, "external", ports ? json_of_endpoint(&event->external) : json_null());
	member_put(json, "last", s.block ? json_of_count(event->last) : json_null());
	put_flow(json, event, &s);
	member_put_text(json, "text", events_text(event, text));
	return json;
}

json_t *method_events_list(struct daemon *d, json_t *params, struct failure *failure)
{
	const json_t *flows = json_object_get(params, "flows");
	const struct event_ring *ring = json_is_true(flows) ? &d->nat.flows : &d->nat.events;
	/* Flows may be more than fit 32 bits. */
	uint64_t next = (uint64_t)json_integer_value(json_object_get(params, "from"));
	uint32_t limit = params_number(params, "limit");
	const struct nat_event *event;
	json_t *events = json_array();

	(void)failure;
	for (; limit > 0 && (event = event_from(ring, next)) != NULL; limit--) {
		json_array_append_new(events, json_of_event(d, event));
		next = event->number + 1;
	}
	return json_pack("{s:o, s:o}", "events", events, "next", json_of_count(next));
}
