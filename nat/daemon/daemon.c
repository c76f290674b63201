/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/daemon/daemon.h"

#include <stdio.h>
#include <string.h>

/* With its time, so that a log of blocks can be read later (RFC 7422 section 3). */
static void report_change(struct daemon *d, const struct options *asked)
{
	struct nat_event event = { .at = d->now, .type = EVENT_OPTIONS_CHANGED, .knob = OPT_NONE };
	char old[OPTIONS_TEXT_MAX], new[OPTIONS_TEXT_MAX];

	for (unsigned int i = 0; i < OPTION_COUNT; i++) {
		enum option_id id = (enum option_id)i;

		if (strcmp(options_format(&d->asked, id, old), options_format(asked, id, new)) == 0)
			continue;
		if (event.knob == OPT_NONE)
			event.knob = id;
		else
			event.last++;
	}
	if (event.knob != OPT_NONE)
		event_add(&d->nat.events, &event);
}

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
	report_change(d, asked);
	d->asked = *asked;
	return 0;
}
