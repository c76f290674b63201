/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/cli/top_head.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nat/cli/command.h"

static const char *const protocols[TOP_PROTOCOLS] = { "udp", "tcp", "icmp" };

void top_head_init(struct top_head *h)
{
	*h = (struct top_head){ .event_next = 1, .ports.protocol = protocols[0] };
}

void top_samples_add(struct top_samples *s, double value)
{
	if (s->count == TOP_SAMPLES)
		memmove(s->values, s->values + 1, sizeof(s->values) - sizeof(s->values[0]));
	else
		s->count++;
	s->values[s->count - 1] = (float)value;
}

double top_samples_last(const struct top_samples *s)
{
	return s->count > 0 ? (double)s->values[s->count - 1] : 0;
}

/* --- status --------------------------------------------------------------------------------- */

static struct top_usage read_usage(const json_t *status, const char *name)
{
	const json_t *usage = json_object_get(status, name);

	return (struct top_usage){
		.live = (uint64_t)command_number(usage, "live"),
		.limit = (uint64_t)command_number(usage, "limit"),
	};
}

static void read_external(struct top_head *h, const json_t *addresses)
{
	const char *first = json_string_value(json_array_get(addresses, 0));

	h->externals = json_array_size(addresses);
	if (h->externals > 1)
		snprintf(h->external, sizeof(h->external), "%s and %" PRIu64 " more", first,
			 h->externals - 1);
	else
		snprintf(h->external, sizeof(h->external), "%s", first != NULL ? first : "none");
}

/* Who has forgotten that the clock stands must be told. */
static void read_clock(struct top_head *h, const json_t *clock)
{
	const char *scale = command_text(clock, "scale");

	h->clock[0] = '\0';
	if (json_is_true(json_object_get(clock, "frozen")))
		snprintf(h->clock, sizeof(h->clock), "clock frozen");
	else if (*scale != '\0' && strcmp(scale, "1") != 0)
		snprintf(h->clock, sizeof(h->clock), "clock scale %.40s", scale);
}

static void count_packets(struct top_head *h, uint64_t packets, int64_t now_ms)
{
	if (h->counted && now_ms - h->packets_ms < TOP_LEAST_MS)
		return;
	if (h->counted && packets >= h->packets)
		top_samples_add(&h->packet_rate, (double)(packets - h->packets) * 1000 /
							 (double)(now_ms - h->packets_ms));
	h->counted = true;
	h->packets = packets;
	h->packets_ms = now_ms;
}

void top_head_status(struct top_head *h, const json_t *status, int64_t now_ms)
{
	const json_t *queue = json_object_get(status, "queue");

	h->mappings = read_usage(status, "mappings");
	h->sessions = read_usage(status, "sessions");
	h->resting = (uint64_t)command_number(status, "resting_ports");
	h->uptime_ms = command_number(status, "uptime_ms");
	read_external(h, json_object_get(status, "external"));
	read_clock(h, json_object_get(status, "clock"));
	count_packets(h, (uint64_t)command_number(queue, "packets"), now_ms);
}

/* --- ports ---------------------------------------------------------------------------------- */

/* "1024-65535" */
static uint64_t range_size(const char *text)
{
	unsigned int first, last;

	if (sscanf(text, "%u-%u", &first, &last) != 2 || last < first)
		return 0;
	return (uint64_t)last - first + 1;
}

void top_head_options(struct top_head *h, const json_t *result)
{
	const json_t *options = json_object_get(result, "options");
	char key[32];

	for (int p = 0; p < TOP_PROTOCOLS; p++) {
		snprintf(key, sizeof(key), "%s.port-range", protocols[p]);
		h->range[p] = range_size(command_text(json_object_get(options, key), "value"));
	}
}

static double share(const struct top_ports *ports)
{
	return ports->all > 0 ? (double)ports->used / (double)ports->all : 0;
}

void top_head_rates(struct top_head *h, const struct top_table *mappings, int64_t now_ms)
{
	double rates[2];

	if (h->out.count > 0 && now_ms - h->rates_ms < TOP_LEAST_MS)
		return;
	top_table_rates(mappings, rates);
	top_samples_add(&h->out, rates[0]);
	top_samples_add(&h->in, rates[1]);
	h->rates_ms = now_ms;
}

void top_head_ports(struct top_head *h, const struct top_table *hosts)
{
	struct top_ports fullest = { protocols[0], 0, h->range[0] * h->externals };

	for (int p = 0; p < TOP_PROTOCOLS; p++) {
		struct top_ports ports = { protocols[p], 0, h->range[p] * h->externals };

		for (size_t i = 0; i < top_table_count(hosts); i++)
			ports.used += top_table_at(hosts, i)->used[p];
		if (p == 0 || share(&ports) > share(&fullest))
			fullest = ports;
	}
	h->ports = fullest;
}

/* --- events and drops ----------------------------------------------------------------------- */

void top_head_events(struct top_head *h, const json_t *result, int64_t now_ms)
{
	const json_t *events = json_object_get(result, "events");
	const json_t *last = json_array_get(events, json_array_size(events) - 1);

	h->event_next = command_number(result, "next");
	if (last == NULL)
		return;
	snprintf(h->event, sizeof(h->event), "%s", command_text(last, "text"));
	h->event_age_ms = command_number(last, "age_ms");
	h->event_ms = now_ms;
}

static struct top_drop *find_drop(struct top_head *h, const char *name)
{
	for (unsigned int i = 0; i < h->drop_count; i++)
		if (strcmp(h->drops[i].name, name) == 0)
			return &h->drops[i];
	if (h->drop_count == TOP_DROPS)
		return NULL;
	h->drops[h->drop_count] = (struct top_drop){ .last_ms = -1 };
	snprintf(h->drops[h->drop_count].name, sizeof(h->drops[0].name), "%s", name);
	return &h->drops[h->drop_count++];
}

static int latest_first(const void *a, const void *b)
{
	const struct top_drop *left = a, *right = b;

	if (left->last_ms != right->last_ms)
		return (left->last_ms < right->last_ms) - (left->last_ms > right->last_ms);
	if (left->count != right->count)
		return (left->count < right->count) - (left->count > right->count);
	return strcmp(left->name, right->name);
}

void top_head_drops(struct top_head *h, const json_t *result, int64_t now_ms)
{
	double seconds = (double)(now_ms - h->drops_ms) / 1000;
	json_t *counter;
	const char *name;

	if (h->drops_known && now_ms - h->drops_ms < TOP_LEAST_MS)
		return;
	h->drop_rate = 0;
	json_object_foreach(json_object_get(result, "counters"), name, counter) {
		uint64_t count = (uint64_t)command_number(counter, "value");
		struct top_drop *drop;

		if (!json_is_true(json_object_get(counter, "drop")) || count == 0)
			continue;
		drop = find_drop(h, name);
		if (drop == NULL)
			break;
		snprintf(drop->meaning, sizeof(drop->meaning), "%s",
			 command_text(counter, "meaning"));
		snprintf(drop->clause, sizeof(drop->clause), "%s", command_text(counter, "clause"));
		snprintf(drop->advice, sizeof(drop->advice), "%s", command_text(counter, "advice"));
		drop->rate = 0;
		if (h->drops_known && count > drop->count) {
			drop->last_ms = now_ms;
			drop->rate = (double)(count - drop->count) / seconds;
		}
		drop->count = count;
		h->drop_rate += drop->rate;
	}
	h->drops_known = true;
	h->drops_ms = now_ms;
	qsort(h->drops, h->drop_count, sizeof(h->drops[0]), latest_first);
}
