/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/daemon/daemon.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "nat/core/pcp.h"
#include "nat/daemon/changes.h"

static int prepare_pcp(const struct daemon *d, const struct options *o, struct pcp_socket *fresh,
		       char *why, size_t why_size)
{
	int err = pcp_socket_prepare(&d->pcp, o, fresh);

	if (err == -EADDRINUSE)
		snprintf(why, why_size,
			 "pcp.server=on: another process has UDP port %d on '%s'; end that one, or "
			 "set pcp.server=off (after nat.preset=NAME, where a preset turns it on)",
			 PCP_PORT, o->lan);
	else if (err < 0)
		snprintf(why, why_size, "pcp.server: no socket on '%s': %s", o->lan,
			 strerror(-err));
	return err;
}

static int prepare_log(const struct daemon *d, const struct options *o, struct eventlog_file *fresh,
		       char *why, size_t why_size)
{
	int err = eventlog_prepare(&d->eventlog, o, fresh);

	if (err < 0)
		snprintf(why, why_size,
			 "log.file: cannot write to %s: %s; its directory must be there",
			 o->log.file, strerror(-err));
	return err;
}

static void use_pcp(struct daemon *d, const struct pcp_socket *fresh)
{
	if (pcp_socket_replace(&d->pcp, fresh))
		pcp_start(&d->nat, d->now);
}

int daemon_open_pcp(struct daemon *d, struct loop *loop, char *why, size_t why_size)
{
	struct pcp_socket fresh;
	int err;

	d->pcp = (struct pcp_socket){ .loop = loop };
	err = prepare_pcp(d, &d->nat.options, &fresh, why, why_size);
	if (err == 0)
		use_pcp(d, &fresh);
	return err;
}

int daemon_open_log(struct daemon *d, char *why, size_t why_size)
{
	struct eventlog_file fresh;
	int err;

	eventlog_init(&d->eventlog, "/dev/log");
	err = prepare_log(d, &d->nat.options, &fresh, why, why_size);
	if (err == 0)
		eventlog_use(&d->eventlog, &d->nat, &d->nat.options, &fresh, d->real);
	return err;
}

int daemon_configure(struct daemon *d, const struct options *asked, char *why, size_t why_size)
{
	struct config_resolved resolved;
	struct pcp_socket fresh;
	struct eventlog_file file;
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
	err = prepare_log(d, asked, &file, why, why_size);
	if (err < 0)
		return err;
	err = prepare_pcp(d, asked, &fresh, why, why_size);
	if (err < 0)
		goto drop_file;
	nat_tick(&d->nat, d->now, 0); /* what the change ends, ends now */
	err = nat_configure(&d->nat, &resolved.options);
	if (err < 0) {
		pcp_socket_drop(&d->pcp, &fresh);
		snprintf(why, why_size, "no memory for tables of that size");
		goto drop_file;
	}
	use_pcp(d, &fresh);
	if (asked->seed != d->asked.seed)
		nat_reseed(&d->nat, &key);
	d->queue.lan = resolved.lan;
	d->queue.wan = resolved.wan;
	changes_tell(d, asked);
	d->asked = *asked;
	eventlog_take(&d->eventlog,
		      &d->nat); /* the old one has what ended; the new one begins after */
	eventlog_use(&d->eventlog, &d->nat, asked, &file, d->real);
	return 0;

drop_file:
	eventlog_drop(&file);
	return err;
}
