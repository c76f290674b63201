/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/daemon/events.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "common/log.h"
#include "nat/core/presets.h"

static const char *knob_name(const struct nat_event *event)
{
	return event->knob != OPT_NONE ? option_spec(event->knob)->key : "no knob";
}

/* "knobs changed: udp.timeout and 2 more" */
static void knobs_text(const char *what, const struct nat_event *event, char buf[EVENTS_TEXT_MAX])
{
	int length = snprintf(buf, EVENTS_TEXT_MAX, "%s: %s", what, knob_name(event));

	if (event->last > 0)
		snprintf(buf + length, (size_t)(EVENTS_TEXT_MAX - length), " and %u more",
			 event->last);
}

/* "forward added: tcp 8080 leads to 192.168.1.2:80" */
static void rule_text(const struct nat_event *event, char buf[EVENTS_TEXT_MAX])
{
	const struct endpoint inside = { event->internal, event->internal_port };
	const char *what = event->type == EVENT_FORWARD_ADDED ? "added" : "deleted";
	char address[ADDR_TEXT_MAX] = "", internal[ENDPOINT_TEXT_MAX], first[ADDR_TEXT_MAX];
	char range[16], port[8] = "";

	endpoint_format(&inside, internal);
	if (addr_is_ip4(&event->external.addr))
		addr_format(&event->external.addr, address);
	snprintf(range, sizeof(range), event->last > event->external.port ? "%u-%u" : "%u",
		 event->external.port, event->last);
	if (event->knob == OPT_NAT_FORWARDS) {
		snprintf(buf, EVENTS_TEXT_MAX, "forward %s: %s %s%s%s leads to %s", what,
			 nat_protocol_name(event->protocol), address, *address ? ":" : "", range,
			 internal);
		return;
	}
	addr_format(&event->internal, internal);
	if (event->remote.port != 0)
		snprintf(port, sizeof(port), ":%u", event->remote.port);
	if (event->knob == OPT_NAT_ONE_TO_ONE)
		snprintf(buf, EVENTS_TEXT_MAX, "one-to-one %s: %s stands for %s", what, address,
			 internal);
	else if (event->knob == OPT_NAT_DMZ)
		snprintf(buf, EVENTS_TEXT_MAX, "dmz %s: %s", what, internal);
	else if (addr_equal(&event->remote.addr, &event->external.addr))
		snprintf(buf, EVENTS_TEXT_MAX, "exempt %s: %s%s", what, address, port);
	else
		snprintf(buf, EVENTS_TEXT_MAX, "exempt %s: %s-%s%s", what,
			 addr_format(&event->remote.addr, first), address, port);
}

/* "tcp 192.168.1.2:6789 is 203.0.113.1:40213" */
static void flow_text(const struct nat_event *event, char buf[EVENTS_TEXT_MAX])
{
	const struct endpoint inside = { event->internal, event->internal_port };
	bool ended = event->type == EVENT_MAPPING_ENDED || event->type == EVENT_SESSION_ENDED;
	bool session = event->session != NAT_NONE;
	char internal[ENDPOINT_TEXT_MAX], external[ENDPOINT_TEXT_MAX], remote[ENDPOINT_TEXT_MAX];
	int length =
		snprintf(buf, EVENTS_TEXT_MAX, "%s %s %s %s%s", nat_protocol_name(event->protocol),
			 endpoint_format(&inside, internal), ended ? "was" : "is",
			 endpoint_format(&event->external, external), session ? " towards " : "");

	if (session)
		length += snprintf(buf + length, (size_t)(EVENTS_TEXT_MAX - length), "%s",
				   endpoint_format(&event->remote, remote));
	if (ended)
		snprintf(buf + length, (size_t)(EVENTS_TEXT_MAX - length),
			 " for %" PRId64 ".%03d s: %s", event->duration_ms / 1000,
			 (int)(event->duration_ms % 1000), event_cause_name(event->cause));
}

const char *events_text(const struct nat_event *event, char buf[EVENTS_TEXT_MAX])
{
	char host[ADDR_TEXT_MAX] = "", external[ENDPOINT_TEXT_MAX], preset[64];
	const struct reason_spec *reason = reason_spec(event->reason);

	if (addr_is_ip4(&event->internal))
		addr_format(&event->internal, host);
	switch (event->type) {
	case EVENT_LIMIT_REACHED:
		snprintf(buf, EVENTS_TEXT_MAX, "limit reached%s%s, %s: %s: %s (%s)",
			 *host ? " by " : "", host, nat_protocol_name(event->protocol),
			 reason->name, reason->explanation, knob_name(event));
		break;
	case EVENT_BLOCK_ALLOCATED:
	case EVENT_BLOCK_FREED:
		snprintf(buf, EVENTS_TEXT_MAX, "ports %s-%u %s %s",
			 endpoint_format(&event->external, external), event->last,
			 event->type == EVENT_BLOCK_ALLOCATED ? "are a block of"
							      : "were a block of",
			 host);
		break;
	case EVENT_BLOCK_OVERFLOW:
		snprintf(buf, EVENTS_TEXT_MAX, "port %s, outside its block, went to %s",
			 endpoint_format(&event->external, external), host);
		break;
	case EVENT_OPTIONS_CHANGED:
		knobs_text("knobs changed", event, buf);
		break;
	case EVENT_PRESET_CHANGED:
		snprintf(preset, sizeof(preset), "preset %s changed",
			 preset_spec(event->preset)->name);
		knobs_text(preset, event, buf);
		break;
	case EVENT_FORWARD_ADDED:
	case EVENT_FORWARD_DELETED:
		rule_text(event, buf);
		break;
	case EVENT_MAPPING_CREATED:
	case EVENT_MAPPING_ENDED:
	case EVENT_SESSION_CREATED:
	case EVENT_SESSION_ENDED:
		flow_text(event, buf);
		break;
	case EVENT_TYPES:
		snprintf(buf, EVENTS_TEXT_MAX, "?");
		break;
	}
	return buf;
}

/* The time outside: who had a port is asked by it, and NAT time may be another. */
static const char *time_of_day(char *buf, size_t size)
{
	time_t now = time(NULL);
	struct tm tm;

	strftime(buf, size, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
	return buf;
}

void events_tell(struct daemon *d)
{
	const struct nat_event *event;
	char text[EVENTS_TEXT_MAX], when[32];

	while ((event = event_from(&d->nat.events, d->events_told + 1)) != NULL) {
		events_text(event, text);
		time_of_day(when, sizeof(when));
		if (event->type == EVENT_LIMIT_REACHED)
			log_warning("%s %s", when, text);
		else
			log_info("%s %s", when, text);
		d->events_told = event->number;
	}
}
