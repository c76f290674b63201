/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * methods_clock.c - NAT time, read and moved; each method answers with the clock as it is then
 */
#include <stdio.h>

#include "nat/daemon/methods_parts.h"

enum {
	/* Sessions removed before the answer. Should more be due, the loop removes them bit by bit;
	 * the lists leave them out and packets no longer find them. */
	EXPIRIES_PER_ADVANCE = 65536,
	EXPIRIES_AT_ONCE = 4096, /* then the log takes what it is to record of them */
	ADVANCE_DAYS_MOST = 3650,
};

#define ADVANCE_MOST_MS (ADVANCE_DAYS_MOST * 24 * 60 * 60 * 1000LL)

json_t *json_of_clock(const struct daemon *d)
{
	char scale[NATTIME_SCALE_TEXT];
	json_t *clock = json_object();

	member_put(clock, "frozen", json_boolean(d->time.frozen));
	member_put_text(clock, "scale", nattime_format_scale(d->time.scale, scale));
	member_put(clock, "real_ms", json_integer(d->real.ms - d->started.ms));
	member_put(clock, "nat_ms", json_integer(d->now.ms - d->started.ms));
	return clock;
}

json_t *method_clock_get(struct daemon *d, json_t *params, struct failure *failure)
{
	(void)params;
	(void)failure;
	return json_of_clock(d);
}

json_t *method_clock_advance(struct daemon *d, json_t *params, struct failure *failure)
{
	char number[NUMBER_TEXT];
	const char *text = text_of_json(json_object_get(params, "time"), number);
	int64_t ms;

	if (options_parse_duration(text, &ms) < 0 || ms < 1 || ms > ADVANCE_MOST_MS)
		return failure_set(failure, RPC_INVALID_PARAMS,
				   "time: '%.64s' is not allowed; allowed: a time from 1ms to "
				   "%dd, such as 300s, 5m or 2h4m",
				   text, ADVANCE_DAYS_MOST);
	nattime_advance(&d->time, ms);
	d->now = nattime_at(&d->time, d->real);
	for (int done = 0; done < EXPIRIES_PER_ADVANCE; done += EXPIRIES_AT_ONCE) {
		nat_tick(&d->nat, d->now, EXPIRIES_AT_ONCE);
		eventlog_take(&d->eventlog, &d->nat);
	}
	return json_of_clock(d);
}

json_t *method_clock_scale(struct daemon *d, json_t *params, struct failure *failure)
{
	const json_t *factor = json_object_get(params, "factor");
	char number[NUMBER_TEXT];
	const char *text = text_of_json(factor, number);
	uint32_t scale;

	if (json_is_real(factor)) {
		snprintf(number, sizeof(number), "%.15g", json_real_value(factor));
		text = number;
	}
	if (nattime_parse_scale(text, &scale) < 0)
		return failure_set(
			failure, RPC_INVALID_PARAMS,
			"factor: '%.64s' is not allowed; allowed: a number from 0.001 to "
			"%d, such as 60 or 0.5, with at most three decimals; 'natem clock "
			"freeze' stops the clock",
			text, NATTIME_SCALE_MOST / 1000);
	nattime_scale(&d->time, scale, d->real);
	return json_of_clock(d);
}

json_t *method_clock_freeze(struct daemon *d, json_t *params, struct failure *failure)
{
	(void)params;
	(void)failure;
	nattime_freeze(&d->time, d->real);
	return json_of_clock(d);
}

json_t *method_clock_resume(struct daemon *d, json_t *params, struct failure *failure)
{
	(void)params;
	(void)failure;
	nattime_resume(&d->time, d->real);
	return json_of_clock(d);
}
