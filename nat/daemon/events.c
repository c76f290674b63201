/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/daemon/events.h"

#include <stdio.h>
#include <time.h>

#include "common/log.h"

static const char *knob_name(const struct nat_event *event)
{
	return event->knob != OPT_NONE ? option_spec(event->knob)->key : "no knob";
}

const char *events_text(const struct nat_event *event, char buf[EVENTS_TEXT_MAX])
{
	char host[ADDR_TEXT_MAX] = "", external[ENDPOINT_TEXT_MAX];
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
		snprintf(buf, EVENTS_TEXT_MAX, "knobs changed: %s", knob_name(event));
		if (event->last > 0)
			snprintf(buf, EVENTS_TEXT_MAX, "knobs changed: %s and %u more",
				 knob_name(event), event->last);
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
