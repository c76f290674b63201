/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/daemon/daemon.h"

#include <stdio.h>
#include <string.h>

int daemon_configure(struct daemon *d, const struct options *asked, char *why, size_t why_size)
{
	struct config_resolved resolved;
	struct siphash_key key;
	int err = config_resolve(asked, &resolved, why, why_size);

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
	return 0;
}
