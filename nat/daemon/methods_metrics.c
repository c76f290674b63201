/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * methods_metrics.c - all figures at once, by families as OpenMetrics has them
 */
#include <stdio.h>

#include "nat/daemon/methods_parts.h"

/* A family that is put together: add() fills the samples of the last one that family() began. */
struct families {
	json_t *all, *samples; /* samples: borrowed */
};

static void family(struct families *f, const char *name, const char *type, const char *unit,
		   const char *help)
{
	json_t *one = json_pack("{s:s, s:s, s:s, s:s, s:[]}", "name", name, "type", type, "unit",
				unit, "help", help, "samples");

	f->samples = json_object_get(one, "samples");
	json_array_append_new(f->all, one);
}

/* @labels is taken; NULL for none. */
static void add_value(struct families *f, const char *suffix, json_t *labels, json_t *value)
{
	json_array_append_new(f->samples,
			      json_pack("{s:s, s:o, s:o}", "suffix", suffix, "labels",
					labels != NULL ? labels : json_object(), "value", value));
}

static void add(struct families *f, const char *suffix, json_t *labels, uint64_t value)
{
	add_value(f, suffix, labels, json_of_count(value));
}

static json_t *label(const char *name, const char *value)
{
	return json_pack("{s:s}", name, value);
}

static void add_histogram(struct families *f, const char *name, const char *value,
			  const struct histogram *h, unsigned int first, unsigned int last)
{
	uint64_t count = 0;
	char bound[24];

	for (unsigned int n = 0; n < HISTOGRAM_BUCKETS; n++) {
		count += h->buckets[n];
		if (n < first || n > last)
			continue;
		snprintf(bound, sizeof(bound), "%llu.0", (unsigned long long)histogram_bound(n));
		add(f, "_bucket", json_pack("{s:s, s:s}", name, value, "le", bound), count);
	}
	add(f, "_bucket", json_pack("{s:s, s:s}", name, value, "le", "+Inf"), count);
	add(f, "_sum", label(name, value), h->sum);
	add(f, "_count", label(name, value), count);
}

/* --- the families --------------------------------------------------------------------------- */

static void add_packets(struct families *f, const struct nat *nat)
{
	family(f, "natem_packets", "counter", "", "packets by what became of them");
	for (unsigned int i = 0; i < REASON_COUNT; i++) {
		const struct reason_spec *spec = reason_spec((enum nat_reason)i);

		add(f, "_total",
		    json_pack("{s:s, s:s}", "reason", spec->name, "drop",
			      spec->drop ? "true" : "false"),
		    nat->counters[i]);
	}
	family(f, "natem_packet_size_bytes", "histogram", "bytes",
	       "sizes of packets, IP header included, by the side they came from");
	add_histogram(f, "from", "internal", &nat->sizes[NAT_INTERNAL], 5, 16);
	add_histogram(f, "from", "external", &nat->sizes[NAT_EXTERNAL], 5, 16);
}

static void add_tables(struct families *f, const struct nat *nat)
{
	const struct {
		const char *name;
		const struct arena *arena;
	} tables[] = { { "mappings", &nat->mappings.arena },
		       { "sessions", &nat->sessions.arena },
		       { "hosts", &nat->hosts.arena } };

	family(f, "natem_table_records", "gauge", "", "records that there are");
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		add(f, "", label("table", tables[i].name), tables[i].arena->live);
	add(f, "", label("table", "leases"), nat->leases.count);
	family(f, "natem_table_limit_records", "gauge", "", "records that there may be");
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		add(f, "", label("table", tables[i].name), tables[i].arena->limit);
	family(f, "natem_created", "counter", "", "records ever made");
	add(f, "_total", label("table", "mappings"), nat->mappings.created);
	add(f, "_total", label("table", "sessions"), nat->sessions.created);
	family(f, "natem_sessions_expired", "counter", "", "sessions ended by their timer");
	add(f, "_total", NULL, nat->sessions.expired);
	family(f, "natem_mapping_lifetime_seconds", "histogram", "seconds",
	       "NAT time from the beginning of a mapping to its end, of those that ended");
	for (int p = 0; p < NAT_PROTOCOLS; p++)
		add_histogram(f, "protocol", nat_protocol_name((enum nat_protocol)p),
			      &nat->lifetimes[p], 0, HISTOGRAM_BUCKETS - 2);
	family(f, "natem_resting_ports", "gauge", "", "freed ports that are not given again yet");
	add(f, "", NULL, resting_ports(&nat->ports));
}

static void add_waiting(struct families *f, const struct nat *nat)
{
	family(f, "natem_held_packets", "gauge", "", "packets that wait for what decides on them");
	add(f, "", label("kind", "fragment"), nat->fragments.held_count);
	add(f, "", label("kind", "syn"), nat->held_syns.count);
	family(f, "natem_pcp_requests", "counter", "", "requests of hosts for mappings (RFC 6887)");
	add(f, "_total", label("result", "granted"), nat->asked.granted);
	add(f, "_total", label("result", "refused"), nat->asked.refused);
	add(f, "_total", label("result", "ignored"), nat->asked.ignored);
	family(f, "natem_events", "counter", "", "events that 'natem events' tells of");
	add(f, "_total", NULL, nat->events.count);
}

static void add_own(struct families *f, const struct daemon *d)
{
	family(f, "natem_own_packets", "counter", "",
	       "ICMP errors and resets of the NAT's own, by what became of them");
	add(f, "_total", label("result", "sent"), d->sender.sent);
	add(f, "_total", label("result", "failed"), d->sender.failed);
	add(f, "_total", label("result", "lost"), d->nat.outputs.lost);
}

static void add_queue(struct families *f, const struct queue *q)
{
	struct queue_account account;

	family(f, "natem_queue_packets", "counter", "", "packets received from the kernel");
	add(f, "_total", NULL, q->packets);
	family(f, "natem_queue_batches", "counter", "", "receives that they came in");
	add(f, "_total", NULL, q->batches);
	family(f, "natem_queue_overruns", "counter", "",
	       "times the kernel lost packets for want of room in the socket");
	add(f, "_total", NULL, q->overruns);
	family(f, "natem_queue_lost_verdicts", "counter", "", "verdicts the kernel did not take");
	add(f, "_total", NULL, q->lost_verdicts);
	if (!queue_account(q, &account))
		return;
	family(f, "natem_queue_waiting_packets", "gauge", "",
	       "packets in the kernel's queue, held ones among them");
	add(f, "", NULL, account.waiting);
	family(f, "natem_queue_kernel_drops", "counter", "",
	       "packets that the kernel dropped: the queue was full, or the socket");
	add(f, "_total", label("at", "queue"), account.dropped);
	add(f, "_total", label("at", "socket"), account.user_dropped);
}

static void add_time(struct families *f, const struct daemon *d)
{
	family(f, "natem_uptime_seconds", "gauge", "seconds", "real time since the start");
	add_value(f, "", NULL, json_real((double)(d->real.ms - d->started.ms) / 1000));
	family(f, "natem_nat_time_seconds", "counter", "seconds",
	       "NAT time since the start, by which mappings age");
	add_value(f, "_total", NULL, json_real((double)(d->now.ms - d->started.ms) / 1000));
	family(f, "natem_build", "info", "", "which natemd this is");
	add(f, "_info", label("version", NATEM_VERSION), 1);
}

json_t *method_metrics_get(struct daemon *d, json_t *params, struct failure *failure)
{
	struct families f = { .all = json_array() };

	(void)params;
	(void)failure;
	add_packets(&f, &d->nat);
	add_tables(&f, &d->nat);
	add_waiting(&f, &d->nat);
	add_own(&f, d);
	add_queue(&f, &d->queue);
	add_time(&f, d);
	return json_pack("{s:o}", "families", f.all);
}
