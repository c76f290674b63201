/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * watch.h - the same text again and again, in place
 * Owns:       the terminal's screen while it runs.
 * Invariants: the terminal is left as it was found, whatever ends the watching.
 */
#ifndef CLI_WATCH_H
#define CLI_WATCH_H

#include <stdbool.h>
#include <stdio.h>

#include "nat/cli/client.h"

/* Writes the text once; a failure leaves its reason in the client. */
typedef enum client_status watch_draw(void *data, FILE *out);

/*
 * watch_run() - draw every @interval seconds until q, SIGINT or SIGTERM
 * On a terminal the screen is redrawn in place, and a daemon that does not answer is waited for;
 * elsewhere, or if @plain, texts follow one another and the first failure ends it.
 */
enum client_status watch_run(watch_draw *draw, void *data, struct client *client, double interval,
			     bool plain);

#endif
