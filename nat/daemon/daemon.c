/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/daemon/daemon.h"

#include <stdio.h>
#include <string.h>

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
