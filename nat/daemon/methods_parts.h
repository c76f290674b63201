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
#include "nat/daemon/protocol.h"

/* methods_state.c */
method_run method_status, method_counters_get, method_events_list;
/* methods_table.c */
method_run method_mappings_list, method_sessions_list, method_hosts_list, method_mappings_flush;
/* methods_forward.c */
method_run method_forwards_add, method_forwards_del, method_forwards_list;
/* methods_who.c */
method_run method_ports_who;
/* methods_explain.c */
method_run method_packets_explain;
/* methods_knobs.c */
method_run method_options_get, method_options_set, method_presets_list;

/* methods_describe.c */
method_run method_system_describe;
/* methods_stream.c */
method_run method_trace_subscribe, method_capture_start, method_events_subscribe, method_drops_list;
/* methods_metrics.c */
method_run method_metrics_get;
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
json_t *json_of_event(const struct daemon *d, const struct nat_event *event); /* methods_state.c */
/* The forward, pair, DMZ or exemption at @place of all; NULL past the last; methods_forward.c. */
json_t *json_of_rule(const struct options *o, uint32_t place);

/* Add a member; @value is taken. */
void member_put(json_t *object, const char *name, json_t *value);
void member_put_text(json_t *object, const char *name, const char *text);

/* --- questions ----------------------------------------------------------------------------- */

uint64_t resting_ports(const struct ports *ports); /* methods_state.c */
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

/*
 * The table has been asked whether they fit, so reading them cannot fail. A whole number; 0 where it
 * is not given and has no default. The table keeps it within 32 bits.
 */
uint32_t params_number(json_t *params, const char *name);
/* "protocol"; NAT_PROTOCOLS where it is not given. */
enum nat_protocol params_protocol(json_t *params);

/* A string, or a whole number as its text in @number, as knobs take both; NULL if it is neither. */
const char *text_of_json(const json_t *value, char number[NUMBER_TEXT]);

#endif
