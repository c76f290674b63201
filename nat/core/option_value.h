/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * option_value.h - the values of knobs, as text
 * Owns:       how a value of each type is read and written; knows types, not knobs.
 * Invariants: what option_value_format() writes, option_value_parse() reads back as the same.
 */
#ifndef CORE_OPTION_VALUE_H
#define CORE_OPTION_VALUE_H

#include "nat/core/options.h"

#define DAY_MS (24 * 60 * 60 * 1000LL)

/* Read @text as a value of @spec into its field of @o: 0, or -EINVAL with @o untouched. */
int option_value_parse(const struct option_spec *spec, const char *text, struct options *o);
/* Its text form into @buf (OPTIONS_TEXT_MAX bytes); returns @buf. */
const char *option_value_format(const struct option_spec *spec, const struct options *o, char *buf);
/* What a value may be, for people, into @buf (OPTIONS_TEXT_MAX bytes); returns @buf. */
const char *option_value_allowed(const struct option_spec *spec, char *buf);

/* One entry of nat.forwards, "tcp:8080=192.168.1.2:80"; 0 or -EINVAL. */
int option_parse_forward(const char *text, struct forward *forward);
/* The same as text, into @buf (OPTION_FORWARD_TEXT bytes); returns @buf. */
enum { OPTION_FORWARD_TEXT = 128 };
const char *option_format_forward(const struct forward *forward, char *buf);

#endif
