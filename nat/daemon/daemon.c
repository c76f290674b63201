/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/daemon/daemon.h"

#include <stdio.h>
#include <string.h>

#include "common/log.h"

int daemon_configure(struct daemon *d, const struct options *asked, char *why, size_t why_size)
{
	struct config_resolved resolved;
	struct siphash_key key;
	int err = config_resolve(asked, &resolved, why, why_size);

	/* With the addresses known, the knobs may turn out to contradict each other. */
	if (err == 0)
		err = options_check(&resolved.options, why, why_size);
	if (err < 0)
		return err;
	err = rng_key(asked->seed, &key);
	if (err < 0) {
		snprintf(why, why_size, "no random numbers from the kernel: %s", strerror(-err));
		return err;
	}
	err = nat_configure(&d->nat, &resolved.options);
	if (err < 0) {
		snprintf(why, why_size, "no memory for tables of that size");
		return err;
	}
	if (asked->seed != d->asked.seed)
		nat_reseed(&d->nat, &key);
	d->queue.lan = resolved.lan;
	d->queue.wan = resolved.wan;
	d->asked = *asked;
	/* With its time, so that a log of blocks can be read later (RFC 7422 section 3). */
	event_add(&d->nat.events,
		  &(struct nat_event){ .at = d->now, .type = EVENT_OPTIONS_CHANGED });
	return 0;
}

const char *daemon_event_text(const struct nat_event *event, char *buf, size_t size)
{
	char host[ADDR_TEXT_MAX] = "", external[ENDPOINT_TEXT_MAX];
	const struct reason_spec *reason = reason_spec(event->reason);

	if (addr_is_ip4(&event->internal))
		addr_format(&event->internal, host);
	switch (event->type) {
	case EVENT_LIMIT_REACHED:
		snprintf(buf, size, "limit reached%s%s: %s: %s", *host ? " by " : "", host,
			 reason->name, reason->explanation);
		break;
	case EVENT_BLOCK_ALLOCATED:
	case EVENT_BLOCK_FREED:
		snprintf(buf, size, "ports %s-%u %s %s",
			 endpoint_format(&event->external, external), event->last,
			 event->type == EVENT_BLOCK_ALLOCATED ? "are a block of"
							      : "were a block of",
			 host);
		break;
	case EVENT_BLOCK_OVERFLOW:
		snprintf(buf, size, "port %s, outside its block, went to %s",
			 endpoint_format(&event->external, external), host);
		break;
	case EVENT_OPTIONS_CHANGED:
		snprintf(buf, size, "knobs changed");
		break;
	case EVENT_TYPES:
		snprintf(buf, size, "?");
		break;
	}
	return buf;
}

void daemon_tell_events(struct daemon *d)
{
	const struct nat_event *event;
	char text[256];

	while ((event = event_from(&d->nat.events, d->events_told + 1)) != NULL) {
		if (event->type == EVENT_LIMIT_REACHED)
			log_warning("%s", daemon_event_text(event, text, sizeof(text)));
		else
			log_info("%s", daemon_event_text(event, text, sizeof(text)));
		d->events_told = event->number;
	}
}
