/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/daemon/changes.h"

#include <string.h>

#include "nat/core/presets.h"

/* --- rules ---------------------------------------------------------------------------------- */

static struct nat_event event_of_forward(const struct forward *f)
{
	struct nat_event event = {
		.knob = OPT_NAT_FORWARDS,
		.protocol = (enum nat_protocol)f->protocol,
		.external = { .port = f->ports.first },
		.last = f->ports.last,
		.internal = f->internal.addr,
		.internal_port = f->internal.port,
	};

	if (!f->any_address)
		event.external.addr = f->external;
	return event;
}

static struct nat_event event_of_remote(const struct remote_range *r)
{
	return (struct nat_event){
		.knob = OPT_NAT_EXEMPT,
		.protocol = NAT_PROTOCOLS,
		.remote = { .addr = r->addresses.first, .port = r->port },
		.external = { .addr = r->addresses.last },
	};
}

/* Rule @place of all in @o, as an event that wants a type and a time; false past the last. */
static bool rule_at(const struct options *o, uint32_t place, struct nat_event *event)
{
	if (place < o->forwards.count) {
		*event = event_of_forward(&o->forwards.forwards[place]);
		return true;
	}
	place -= o->forwards.count;
	if (place < o->pairs.count) {
		*event = (struct nat_event){
			.knob = OPT_NAT_ONE_TO_ONE,
			.protocol = NAT_PROTOCOLS,
			.external = { .addr = o->pairs.pairs[place].external },
			.internal = o->pairs.pairs[place].internal,
		};
		return true;
	}
	place -= o->pairs.count;
	if (addr_is_ip4(&o->dmz) && place-- == 0) {
		*event = (struct nat_event){ .knob = OPT_NAT_DMZ,
					     .protocol = NAT_PROTOCOLS,
					     .internal = o->dmz };
		return true;
	}
	if (place >= o->exempt.count)
		return false;
	*event = event_of_remote(&o->exempt.ranges[place]);
	return true;
}

static bool same_rule(const struct nat_event *a, const struct nat_event *b)
{
	return a->knob == b->knob && a->protocol == b->protocol && a->last == b->last &&
	       endpoint_equal(&a->external, &b->external) &&
	       endpoint_equal(&a->remote, &b->remote) && addr_equal(&a->internal, &b->internal) &&
	       a->internal_port == b->internal_port;
}

static bool has_rule(const struct options *o, const struct nat_event *rule)
{
	struct nat_event other;

	for (uint32_t i = 0; rule_at(o, i, &other); i++)
		if (same_rule(rule, &other))
			return true;
	return false;
}

/* Those of @from that @to has not. */
static void tell_rules(struct daemon *d, const struct options *from, const struct options *to,
		       enum event_type type)
{
	struct nat_event event;

	for (uint32_t i = 0; rule_at(from, i, &event); i++) {
		if (has_rule(to, &event))
			continue;
		event.at = d->now;
		event.type = type;
		event_add(&d->nat.events, &event);
	}
}

/* --- knobs ---------------------------------------------------------------------------------- */

static bool lists_rules(enum option_id id)
{
	return id == OPT_NAT_FORWARDS || id == OPT_NAT_ONE_TO_ONE || id == OPT_NAT_DMZ ||
	       id == OPT_NAT_EXEMPT;
}

void changes_tell(struct daemon *d, const struct options *asked)
{
	bool preset = d->preset != NULL;
	struct nat_event event = {
		.at = d->now,
		.type = preset ? EVENT_PRESET_CHANGED : EVENT_OPTIONS_CHANGED,
		.protocol = NAT_PROTOCOLS,
		.knob = OPT_NONE,
	};
	char old[OPTIONS_TEXT_MAX], new[OPTIONS_TEXT_MAX];

	while (preset && strcmp(preset_spec(event.preset)->name, d->preset) != 0)
		event.preset++;
	for (unsigned int i = 0; i < OPTION_COUNT; i++) {
		enum option_id id = (enum option_id)i;

		if (lists_rules(id) ||
		    strcmp(options_format(&d->asked, id, old), options_format(asked, id, new)) == 0)
			continue;
		if (event.knob == OPT_NONE)
			event.knob = id;
		else
			event.last++;
	}
	if (event.knob != OPT_NONE)
		event_add(&d->nat.events, &event);
	tell_rules(d, &d->asked, asked, EVENT_FORWARD_DELETED);
	tell_rules(d, asked, &d->asked, EVENT_FORWARD_ADDED);
}
