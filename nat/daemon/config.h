/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config.h - what the daemon is told at start
 * Owns:       the command line, the configuration file, and what `auto` and interface names
 *             stand for on this machine.
 * Invariants: a struct config from config_read() holds knobs that are valid and agree.
 */
#ifndef DAEMON_CONFIG_H
#define DAEMON_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/help.h"
#include "common/rpc.h"
#include "nat/core/options.h"

enum { CONFIG_WHY_MAX = 3072 }; /* longest error text, with its NUL */

struct config {
	struct options options; /* as asked for: nat.external may still be auto */
	uint16_t queue;
	uint16_t busy_poll_us; /* how long to look for another packet before sleeping */
	char socket[RPC_PATH_MAX];
	int ready_fd;	 /* -1: nobody waits */
	bool check_only; /* -n */
};

/* What the command line takes. */
extern const struct help_flag config_flags[];

enum config_result { CONFIG_RUN, CONFIG_DONE, CONFIG_WRONG };

/*
 * config_read() - command line and files, in the order given
 * Writes help, version and error messages itself. CONFIG_DONE: answered, exit 0.
 */
enum config_result config_read(struct config *config, int argc, char **argv);

/* Read one file into @o; 0, or -EINVAL with "FILE:LINE: what is wrong" in @why. */
int config_read_file(struct options *o, const char *path, char *why, size_t why_size);

/* Write all knobs to standard output as a file that config_read_file() reads back. */
void config_print(const struct options *o);

/* What the knobs mean here and now. */
struct config_resolved {
	struct options options; /* nat.external is a list */
	unsigned int lan, wan;	/* interface indexes */
};

/*
 * config_resolve() - look up interfaces and, for auto, the addresses of nat.wan
 * Return: 0; -ENODEV or -EADDRNOTAVAIL with what is missing, and what there is, in @why.
 */
int config_resolve(const struct options *o, struct config_resolved *resolved, char *why,
		   size_t why_size);

#endif
