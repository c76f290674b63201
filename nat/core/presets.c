/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/core/presets.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const char presets_key[] = "nat.preset";

struct knob {
	const char *key, *value;
};

struct preset {
	struct preset_spec spec;
	struct knob knobs[8]; /* where it differs from home; ends with a NULL key */
};

#define FILTER(value)                                           \
	{ "udp.filtering", value }, { "tcp.filtering", value }, \
	{                                                       \
		"icmp.filtering", value                         \
	}
#define MAP(value)                                          \
	{ "udp.mapping", value }, { "tcp.mapping", value }, \
	{                                                   \
		"icmp.mapping", value                       \
	}

/* The popular names are those of RFC 3489 section 5, in the terms of RFC 4787. */
/* clang-format off */
static const struct preset presets[] = {
	{ { "home", "what the RFCs ask of a home router; the default",
	    "RFC 4787, RFC 5382, RFC 5508" }, { { NULL, NULL } } },
	{ { "full-cone", "anyone may send to a mapping", "RFC 3489 section 5" },
	  { FILTER("eif") } },
	{ { "restricted-cone", "only addresses that were sent to may answer, from any port",
	    "RFC 3489 section 5" }, { FILTER("adf") } },
	{ { "port-restricted-cone", "only endpoints that were sent to may answer",
	    "RFC 3489 section 5" }, { FILTER("apdf") } },
	{ { "symmetric", "another external port for every remote endpoint",
	    "RFC 3489 section 5" }, { MAP("apdm"), FILTER("apdf") } },
};
/* clang-format on */

const struct preset_spec *preset_spec(unsigned int index)
{
	return index < sizeof(presets) / sizeof(presets[0]) ? &presets[index].spec : NULL;
}

static const struct preset *find(const char *name)
{
	for (unsigned int i = 0; preset_spec(i) != NULL; i++)
		if (strcmp(presets[i].spec.name, name) == 0)
			return &presets[i];
	return NULL;
}

static void explain_unknown(const char *name, char *why, size_t why_size)
{
	size_t used = (size_t)snprintf(why, why_size, "no preset '%.64s'; there are:", name);

	for (unsigned int i = 0; preset_spec(i) != NULL && used < why_size; i++)
		used += (size_t)snprintf(why + used, why_size - used, "%s %s", i > 0 ? "," : "",
					 preset_spec(i)->name);
}

/* What describes the machine stays as it is in @from. */
static void keep_machine(struct options *o, const struct options *from)
{
	char value[OPTIONS_TEXT_MAX], why[256];

	for (unsigned int id = 0; id < OPTION_COUNT; id++) {
		const struct option_spec *spec = option_spec((enum option_id)id);

		if (spec->machine)
			options_set(o, spec->key, options_format(from, (enum option_id)id, value),
				    why, sizeof(why));
	}
}

int presets_set(struct options *o, const char *key, const char *value, char *why, size_t why_size)
{
	const struct preset *preset;
	struct options fresh;

	if (strcmp(key, presets_key) != 0)
		return options_set(o, key, value, why, why_size);
	preset = find(value);
	if (preset == NULL) {
		explain_unknown(value, why, why_size);
		return -EINVAL;
	}
	options_init(&fresh);
	keep_machine(&fresh, o);
	for (const struct knob *k = preset->knobs; k->key != NULL; k++) {
		int err = options_set(&fresh, k->key, k->value, why, why_size);

		if (err < 0)
			return err;
	}
	*o = fresh;
	return 0;
}
