/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * methods_parts.h - what the rooms behind the method table share
 * Owns:       the call from the table to a method, and the reading of parameters and making of
 *             values that all methods need. Nothing but methods*.c includes it.
 * Invariants: a method that fails has changed nothing, and says why in its failure.
 */
#ifndef DAEMON_METHODS_PARTS_H
#define DAEMON_METHODS_PARTS_H

#include "nat/daemon/methods.h"

/* Why a method failed: its code and message go into the error response. */
struct failure {
	enum rpc_code code;
	char why[CONFIG_WHY_MAX];
};

/* The result, owned by the caller, or NULL with @failure filled. */
typedef json_t *method_run(struct daemon *d, json_t *params, struct failure *failure);

/* methods_state.c */
method_run method_status, method_counters_get, method_events_list;
/* methods_table.c */
method_run method_mappings_list, method_sessions_list, method_hosts_list, method_mappings_flush;
/* methods_forward.c */
method_run method_forwards_add, method_forwards_del, method_forwards_list;
/* methods_who.c */
method_run method_ports_who;
/* methods_knobs.c */
method_run method_options_get, method_options_set, method_presets_list;

/* methods_clock.c */
method_run method_clock_get, method_clock_advance, method_clock_scale, method_clock_freeze,
	method_clock_resume;

/* --- values -------------------------------------------------------------------------------- */

json_t *json_of_count(uint64_t n);
json_t *json_of_endpoint(const struct endpoint *e);
json_t *json_of_addr(const struct addr *a);
json_t *json_of_clock(const struct daemon *d); /* methods_clock.c */
/* NULL if it is over; methods_table.c. */
json_t *json_of_mapping(const struct daemon *d, uint32_t n);
/* As events.list and streams give it; methods_state.c. */
json_t *json_of_event(const struct daemon *d, const struct nat_event *event);
/* The forward, pair, DMZ or exemption at @place of all; NULL past the last; methods_forward.c. */
json_t *json_of_rule(const struct options *o, uint32_t place);

/* Add a member; @value is taken. */
void member_put(json_t *object, const char *name, json_t *value);
void member_put_text(json_t *object, const char *name, const char *text);

/* --- questions ----------------------------------------------------------------------------- */

/* Sessions of @m that are not over; methods_table.c. */
uint32_t live_sessions(const struct daemon *d, const struct mapping *m);
/* Place of the DMZ among the rules, after those of nat_rule_of(): NAT_NONE if there is none;
 * methods_forward.c. */
uint32_t rule_of_dmz(const struct options *o);

/* --- parameters ---------------------------------------------------------------------------- */

enum { NUMBER_TEXT = 32 };

/* Fill @failure; always NULL, to be returned. */
__attribute__((format(printf, 3, 4))) json_t *
failure_set(struct failure *failure, enum rpc_code code, const char *format, ...);

/* Parameters of these names only (the last is NULL): a misspelt one is an error, not a default. */
bool params_only(json_t *params, const char *const *names, struct failure *failure);
/* None at all. */
bool params_none(json_t *params, struct failure *failure);
/* An optional whole number from @least to @most; @value is untouched where it is not given. */
bool params_number(json_t *params, const char *name, json_int_t least, json_int_t most,
		   uint32_t *value, struct failure *failure);
/* An optional protocol's name as "protocol"; @protocol is untouched where it is not given. */
bool params_protocol(json_t *params, enum nat_protocol *protocol, struct failure *failure);

/* A string, or a whole number as its text in @number, as knobs take both; NULL if it is neither. */
const char *text_of_json(const json_t *value, char number[NUMBER_TEXT]);

#endif
