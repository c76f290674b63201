/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * methods.h - a daemon without sockets, asked through methods_answer()
 * Owns:       what the tests of the methods share: the daemon and its clock, packets through its
 *             NAT, requests, and the ways to look at an answer.
 */
#ifndef TESTS_METHODS_H
#define TESTS_METHODS_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "nat/core/presets.h"
#include "nat/daemon/methods.h"
#include "nat/daemon/protocol.h"
#include "tests/unit/wire.h"

/*
 * A double of the one in main.c, which asks the machine what its interfaces are: here there are
 * lan, wan and wan2, and auto stands for 203.0.113.1.
 */
int daemon_configure(struct daemon *d, const struct options *asked, char *why, size_t why_size)
{
	struct options resolved = *asked;
	struct addr only = addr_from_ip4(0xcb007101);
	int err;

	if (strcmp(asked->lan, "lan") != 0 || strncmp(asked->wan, "wan", 3) != 0) {
		snprintf(why, why_size, "no such interface in the double");
		return -ENODEV;
	}
	if (resolved.external.count == 0)
		resolved.external =
			(struct external_list){ .count = 1, .ranges = { { only, only } } };
	err = nat_configure(&d->nat, &resolved);
	if (err < 0)
		return err;
	d->asked = *asked;
	return 0;
}

static inline int methods_setup(void **state)
{
	struct daemon *d = calloc(1, sizeof(*d));
	struct options resolved;
	struct siphash_key key;
	char why[256];

	assert_non_null(d);
	options_init(&d->asked);
	assert_int_equal(options_set(&d->asked, "nat.max-mappings", "3000", why, sizeof(why)), 0);
	assert_int_equal(options_set(&d->asked, "nat.max-sessions", "6000", why, sizeof(why)), 0);
	resolved = d->asked;
	assert_int_equal(options_set(&resolved, "nat.external", "203.0.113.1", why, sizeof(why)),
			 0);
	assert_int_equal(rng_key(4787, &key), 0);
	assert_int_equal(nat_init(&d->nat, &resolved, &key), 0);
	d->queue.number = 7;
	d->started = (struct mono){ .ms = 1000 };
	d->real = d->now = (struct mono){ .ms = 5000 };
	nattime_init(&d->time, d->real);
	*state = d;
	return 0;
}

static inline int methods_teardown(void **state)
{
	struct daemon *d = *state;

	nat_fini(&d->nat);
	free(d);
	wire_free_all();
	return 0;
}

static inline struct nat_outcome pass(struct daemon *d, struct wire w, enum nat_side from)
{
	struct packet pkt;

	packet_init(&pkt, w.at, w.len, w.len, false);
	return nat_process(&d->nat, &pkt, from, d->now);
}

static inline void open_udp(struct daemon *d, const char *internal, const char *remote)
{
	assert_int_equal(pass(d, wire_udp(ep(internal), ep(remote)), NAT_INTERNAL).verdict,
			 NAT_REWRITTEN);
}

/* @count mappings, each of another internal endpoint. */
static inline void fill(struct daemon *d, int count)
{
	for (int i = 0; i < count; i++) {
		char internal[32];

		snprintf(internal, sizeof(internal), "192.168.%d.%d:5000", i / 200, i % 200 + 2);
		open_udp(d, internal, "203.0.113.10:7000");
	}
}

static inline json_t *answer(struct daemon *d, const char *line)
{
	/* Of exactly that length, so that a sanitizer sees a read past the end. */
	size_t length = strlen(line);
	char *copy = malloc(length + 1);
	json_t *response;

	assert_non_null(copy);
	memcpy(copy, line, length);
	response = methods_answer(d, copy, length);
	free(copy);
	return response;
}

/* Call @method with @params as JSON text ("" for none): the response, owned by the caller. */
static inline json_t *call(struct daemon *d, const char *method, const char *params)
{
	static char line[RPC_LINE_MAX];
	json_t *response;

	snprintf(line, sizeof(line), "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\"%s%s}", method,
		 *params != '\0' ? ",\"params\":" : "", params);
	response = answer(d, line);
	if (response == NULL)
		fail_msg("no answer to: %.200s", line);
	assert_int_equal(json_integer_value(json_object_get(response, "id")), 1);
	return response;
}

/* @result is what the protocol says that @method answers, with every member and no other. */
static inline void assert_conforms(const char *method, json_t *result)
{
	const struct method *m = protocol_method(0);
	struct failure failure;

	for (unsigned int n = 1; m != NULL && strcmp(m->name, method) != 0; n++)
		m = protocol_method(n);
	assert_non_null(m);
	if (!protocol_check(m->result, result, &failure))
		fail_msg("%s, in the answer: %s", method, failure.why);
}

/* The result, which must be there; owned by the caller. */
static inline json_t *result(struct daemon *d, const char *method, const char *params)
{
	json_t *response = call(d, method, params);
	json_t *value = json_incref(json_object_get(response, "result"));

	if (value == NULL)
		fail_msg("%s %s: %s", method, params,
			 json_string_value(
				 json_object_get(json_object_get(response, "error"), "message")));
	assert_null(json_object_get(response, "error"));
	assert_conforms(method, value);
	json_decref(response);
	return value;
}

static inline void assert_code(json_t *response, int code, const char *part)
{
	json_t *error = json_object_get(response, "error");
	const char *message = json_string_value(json_object_get(error, "message"));

	assert_null(json_object_get(response, "result"));
	assert_int_equal(json_integer_value(json_object_get(error, "code")), code);
	if (message == NULL || strstr(message, part) == NULL)
		fail_msg("'%s' is not in: %s", part, message != NULL ? message : "(nothing)");
	json_decref(response);
}

/* Refused with @code, with @part in the message. */
static inline void assert_refused(struct daemon *d, const char *method, const char *params,
				  int code, const char *part)
{
	assert_code(call(d, method, params), code, part);
}

/* @object has exactly the members of @format, an example of json_unpack() that fits. */
#define assert_shape(object, ...)                                              \
	do {                                                                   \
		json_error_t error_;                                           \
		if (json_unpack_ex(object, &error_, JSON_STRICT, __VA_ARGS__)) \
			fail_msg("%s", error_.text);                           \
	} while (0)

static inline void assert_text(const json_t *object, const char *name, const char *wanted)
{
	assert_non_null(json_object_get(object, name));
	assert_string_equal(json_string_value(json_object_get(object, name)), wanted);
}

static inline void assert_number(const json_t *object, const char *name, json_int_t wanted)
{
	assert_true(json_is_integer(json_object_get(object, name)));
	assert_int_equal(json_integer_value(json_object_get(object, name)), wanted);
}

static inline json_t *first(json_t *page, const char *name)
{
	return json_array_get(json_object_get(page, name), 0);
}

/* How many mappings and how many sessions the lists show. */
/* How many records @method lists under @name, on all its pages. */
static inline size_t listed(struct daemon *d, const char *method, const char *name)
{
	json_int_t cursor = 0;
	size_t count = 0;

	for (bool more = true; more;) {
		char params[64];
		json_t *page, *next;

		snprintf(params, sizeof(params), "{\"cursor\":%lld}", (long long)cursor);
		page = result(d, method, params);
		count += json_array_size(json_object_get(page, name));
		next = json_object_get(page, "next");
		more = !json_is_null(next);
		assert_true(!more || json_integer_value(next) > cursor);
		cursor = json_integer_value(next);
		json_decref(page);
	}
	return count;
}

static inline void assert_listed(struct daemon *d, size_t count)
{
	assert_int_equal(listed(d, "mappings.list", "mappings"), count);
	assert_int_equal(listed(d, "sessions.list", "sessions"), count);
}

#define methods_test(f) cmocka_unit_test_setup_teardown(f, methods_setup, methods_teardown)

#endif
