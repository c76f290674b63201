/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * top.h - made-up answers for the model of natem top
 * Owns:       records and pages as the daemon would send them.
 */
#ifndef TESTS_TOP_H
#define TESTS_TOP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nat/cli/top.h"

/* A mapping of 192.168.1.HOST:PORT with so many bytes each way. */
static inline json_t *mapping(int id, int host, int port, int out, int in)
{
	char internal[32], external[32];
	json_t *m;

	snprintf(internal, sizeof(internal), "192.168.1.%d:%d", host, port);
	snprintf(external, sizeof(external), "203.0.113.1:%d", 40000 + port);
	m = json_pack("{s:i, s:s, s:s, s:s, s:n, s:s, s:i, s:b, s:n, s:i, s:i, s:{s:i, s:i}, "
		      "s:{s:i, s:i}}",
		      "id", id, "protocol", "tcp", "internal", internal, "external", external,
		      "remote", "state", "ESTABLISHED", "sessions", 1, "fixed", 0, "lease_ms",
		      "age_ms", 1000 * id, "expires_in_ms", 9000 - 1000 * id, "outbound", "packets",
		      1, "bytes", out, "inbound", "packets", 1, "bytes", in);
	assert_non_null(m);
	return m;
}

/* @next: -1 for the last. The records are taken. */
static inline json_t *page_of(const char *name, json_t *records, int next)
{
	return json_pack("{s:o, s:o}", name, records, "next",
			 next < 0 ? json_null() : json_integer(next));
}

/* Give @t a page; is the round over? */
static inline bool take(struct top_table *t, json_t *page, int64_t now_ms)
{
	bool over = top_table_take(t, page, now_ms);

	json_decref(page);
	return over;
}

#endif
