/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * presets.h - named sets of knobs
 * Owns:       the preset table: name, source, and the knobs that make it.
 * Invariants: every key and value in the table is one that options_set() takes.
 */
#ifndef CORE_PRESETS_H
#define CORE_PRESETS_H

#include "nat/core/options.h"

/* The key that sets all knobs of a preset, where a knob may be set: "nat.preset". */
extern const char presets_key[];

struct preset_spec {
	const char *name;
	const char *meaning; /* one line */
	const char *source;  /* where its knobs come from */
	const char *
		unverified; /* what of it was not seen in that source, or cannot be said in knobs */
};

/* The preset at @index, NULL past the last. */
const struct preset_spec *preset_spec(unsigned int index);

/*
 * presets_set() - set a knob, or with the key "nat.preset" all knobs of a preset
 * A preset leaves alone what describes the machine and its network: interfaces, addresses, what is
 * forwarded or exempt, table sizes, seed.
 * Return: as options_set(); on failure @o is untouched.
 */
int presets_set(struct options *o, const char *key, const char *value, char *why, size_t why_size);

#endif
