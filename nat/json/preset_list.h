/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * preset_list.h - the presets as JSON
 * Owns:       the form in which both programs tell of presets: the daemon over its socket, the
 *             command also where no daemon runs.
 * Invariants: made from the knob table and the presets alone; nothing is typed here a second time.
 */
#ifndef JSON_PRESET_LIST_H
#define JSON_PRESET_LIST_H

#include <jansson.h>

/* {"presets": [{"name", "meaning", "source", "unverified", "options": {KEY: VALUE, ...}}]}, owned by the caller.
 * The options are all that a preset sets, in the order of the knob table. */
json_t *preset_list(void);

#endif
