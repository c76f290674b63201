/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * methods_state.c - status and counters: how the daemon is doing
 */
#include <unistd.h>

#include "nat/daemon/methods_parts.h"

static json_t *json_usage(const struct arena *a)
{
	json_t *usage = json_object();

	member_put(usage, "live", json_of_count(a->live));
	member_put(usage, "limit", json_of_count(a->limit));
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

static json_t *json_pool(const struct ports *ports)
{
	json_t *pool = json_array();

	for (uint32_t i = 0; i < ports->count; i++)
		json_array_append_new(pool, json_of_addr(&ports->addresses[i]));
	return pool;
}

json_t *method_status(struct daemon *d, json_t *params, struct failure *failure)
{
	json_t *result;

	if (!params_none(params, failure))
		return NULL;
	result = json_object();
	member_put_text(result, "version", NATEM_VERSION);
	member_put(result, "pid", json_integer(getpid()));
	member_put(result, "uptime_ms", json_integer(d->real.ms - d->started.ms));
	member_put_text(result, "lan", d->asked.lan);
	member_put_text(result, "wan", d->asked.wan);
	member_put(result, "external", json_pool(&d->nat.ports));
	member_put(result, "mappings", json_usage(&d->nat.mappings.arena));
	member_put(result, "sessions", json_usage(&d->nat.sessions.arena));
	member_put(result, "queue", json_queue(&d->queue));
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
	return counter;
}

json_t *method_counters_get(struct daemon *d, json_t *params, struct failure *failure)
{
	json_t *counters;

	if (!params_none(params, failure))
		return NULL;
	counters = json_object();
	for (unsigned int i = 0; i < REASON_COUNT; i++) {
		const struct reason_spec *spec = reason_spec((enum nat_reason)i);

		member_put(counters, spec->name, json_counter(spec, d->nat.counters[i]));
	}
	return json_pack("{s:o}", "counters", counters);
}
