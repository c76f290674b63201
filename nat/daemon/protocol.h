/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * protocol.h - the control protocol as a table
 * Owns:       every method with its parameters, result and failures, the types that these are made
 *             of, and the notifications that a stream sends. Nothing else says what they are: the
 *             daemon checks parameters by it, system.describe and docs/control-protocol.md are
 *             made from it, and tests hold every result against it.
 * Invariants: a method is called with parameters that fit its table, defaults filled in. A result
 *             has the members of its table and no others.
 *
 * A new method is a row in the table of methods, a table of its parameters and one of its result.
 */
#ifndef DAEMON_PROTOCOL_H
#define DAEMON_PROTOCOL_H

#include "common/rpc.h"
#include "nat/daemon/daemon.h"

enum {
	PROTOCOL_VERSION = 1
}; /* rises when something that was there is no more, or means another thing */

/* What a value may be: bits, of which one must hold. */
enum value {
	VALUE_NULL = 1 << 0,
	VALUE_BOOLEAN = 1 << 1,
	VALUE_TRUE = 1 << 2,	/* nothing but true */
	VALUE_INTEGER = 1 << 3, /* a whole number */
	VALUE_NUMBER = 1 << 4,	/* with decimals or without */
	VALUE_TEXT = 1 << 5,
	VALUE_OBJECT = 1 << 6, /* of members that no table knows */
	VALUE_ANY = (1 << 7) - 1,
	/* Not what it is, but how many. */
	VALUE_LIST = 1 << 7,	/* an array of these */
	VALUE_MAP = 1 << 8,	/* an object of these, under names that differ */
	VALUE_OPTIONAL = 1 << 9 /* may be left out */
};

/* What goes by a name of its own, because several have it. */
struct type {
	const char *name;	      /* "mapping" */
	const char *meaning;	      /* one line */
	const struct member *members; /* of an object; else it is text: */
	const char *needed; /* what that must be, in words: "a time is needed, such as 5m" */
	bool (*fits)(const char *text);		 /* NULL: any does, or one of these: */
	const char *(*value_at)(unsigned int n); /* NULL past the last */
};

/* A parameter, or a member of an object. A table of them ends with one that has no name. */
struct member {
	const char *name;
	unsigned int value; /* enum value */
	const char *meaning;
	const struct type *type;   /* it may be this too */
	int64_t least, most;	   /* of a whole number; most 0: there is no limit */
	const char *const *values; /* texts that it may be, up to NULL; without them, any */
	const char *initial; /* of a parameter that is not given, as JSON; NULL: it stays away */
	const char *needed;  /* what it must be, where value and type do not say that well */
};

/* What a stream sends, without being asked anew. */
struct notification {
	const char *name, *meaning;
	const struct member *parameters;
	const struct notification *also; /* another that the same stream sends; NULL: none */
};

/* Why a method failed: its code and message go into the error response. */
struct failure {
	enum rpc_code code;
	char why[CONFIG_WHY_MAX];
};

/* The result, owned by the caller, or NULL with @failure filled. @params is an object. */
typedef json_t *method_run(struct daemon *d, json_t *params, struct failure *failure);

struct method {
	const char *name;		   /* noun.verb */
	const char *meaning;		   /* one line */
	const struct member *parameters;   /* what it takes */
	const struct member *result;	   /* what it answers: an object's members */
	const char *failure;		   /* when it answers RPC_FAILED; NULL: never */
	const struct notification *stream; /* what comes after its answer; NULL for nothing */
	method_run *run;
};

struct error_code {
	enum rpc_code code;
	const char *meaning;
};

/* The rows of the tables; NULL past the last. */
const struct method *protocol_method(unsigned int n);
const struct error_code *protocol_error(unsigned int n);
/* The texts that @m may be, where they can be counted. */
const char *protocol_value(const struct member *m, unsigned int n);

/*
 * protocol_check() - does @object have what @members say, and nothing else?
 * Return: false with @failure filled, which names the first that is wrong.
 */
bool protocol_check(const struct member *members, json_t *object, struct failure *failure);
/* Add to @params what was not given and has a default. */
void protocol_complete(const struct member *members, json_t *params);

#endif
