/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * options.h - the knobs
 * Owns:       the knob table (key, type, values, default, unit, meaning, RFC clause) and the
 *             struct that holds one value of each. Configuration file, -o, `natem get` and `set`,
 *             help texts and the JSON schema are all made from that table.
 * Invariants: a struct options that came from options_init() and options_set() is valid knob by
 *             knob; options_check() says whether the knobs also agree with each other.
 */
#ifndef CORE_OPTIONS_H
#define CORE_OPTIONS_H

#include <stdint.h>

#include "common/addr.h"
#include "nat/core/tuple.h"

/* Which remote part is in a mapping's key (RFC 4787 section 4.1). */
enum mapping_behavior {
	MAPPING_ENDPOINT_INDEPENDENT,
	MAPPING_ADDRESS_DEPENDENT,
	MAPPING_ADDRESS_AND_PORT_DEPENDENT,
};

/* Which remotes may come in (RFC 4787 section 5). */
enum filtering_behavior {
	FILTERING_ADDRESS_AND_PORT_DEPENDENT,
	FILTERING_ADDRESS_DEPENDENT,
	FILTERING_ENDPOINT_INDEPENDENT,
};

/* How an external port is picked (RFC 4787 section 4.2, RFC 6056). */
enum ports_strategy { PORTS_RANDOM, PORTS_PRESERVE, PORTS_SEQUENTIAL };

/* Which external address a host gets (RFC 4787 section 4.1, REQ-2). */
enum pooling_behavior { POOLING_PAIRED, POOLING_SOFT_PAIRED, POOLING_ARBITRARY };

/* Which packets restart a mapping's timer (RFC 4787 REQ-6). */
enum refresh_behavior { REFRESH_OUTBOUND, REFRESH_INBOUND, REFRESH_BOTH };

/* Sessions age in classes; all of one class have one timeout. */
enum timeout_class {
	TIMEOUT_UDP,
	TIMEOUT_TCP_ESTABLISHED,
	TIMEOUT_TCP_TRANSITORY,
	TIMEOUT_ICMP,
	TIMEOUT_CLASSES
};

enum {
	OPTIONS_INTERFACE_MAX = 16,  /* an interface name with its NUL (IFNAMSIZ) */
	OPTIONS_EXTERNAL_MAX = 64,   /* ranges in nat.external */
	OPTIONS_ADDRESSES_MAX = 256, /* addresses in those ranges together */
	OPTIONS_TEXT_MAX = 2560,     /* longest text form of a value, with its NUL */
};

struct port_range {
	uint16_t first, last; /* both included */
};

/* External addresses; none means auto: the addresses of the WAN interface. */
struct external_list {
	uint32_t count;
	struct addr_range ranges[OPTIONS_EXTERNAL_MAX];
};

struct protocol_options {
	enum mapping_behavior mapping;
	enum filtering_behavior filtering;
	enum ports_strategy ports;
	enum refresh_behavior refresh;
	struct port_range port_range;
};

struct options {
	char lan[OPTIONS_INTERFACE_MAX], wan[OPTIONS_INTERFACE_MAX];
	struct external_list external;
	enum pooling_behavior pooling;
	uint64_t max_mappings, max_sessions;
	uint64_t seed; /* 0: random */
	struct protocol_options protocol[NAT_PROTOCOLS];
	int64_t timeout_ms[TIMEOUT_CLASSES];
};

enum option_id {
	OPT_NAT_LAN,
	OPT_NAT_WAN,
	OPT_NAT_EXTERNAL,
	OPT_NAT_POOLING,
	OPT_NAT_MAX_MAPPINGS,
	OPT_NAT_MAX_SESSIONS,
	OPT_NAT_SEED,
	OPT_UDP_MAPPING,
	OPT_UDP_FILTERING,
	OPT_UDP_PORTS,
	OPT_UDP_PORT_RANGE,
	OPT_UDP_REFRESH,
	OPT_UDP_TIMEOUT,
	OPT_TCP_MAPPING,
	OPT_TCP_FILTERING,
	OPT_TCP_PORTS,
	OPT_TCP_PORT_RANGE,
	OPT_TCP_TIMEOUT_ESTABLISHED,
	OPT_TCP_TIMEOUT_TRANSITORY,
	OPT_ICMP_MAPPING,
	OPT_ICMP_FILTERING,
	OPT_ICMP_PORTS,
	OPT_ICMP_TIMEOUT,
	OPTION_COUNT,
	OPT_NONE = OPTION_COUNT
};

enum option_type {
	OPTION_INTERFACE,
	OPTION_ADDRESSES,
	OPTION_CHOICE,
	OPTION_NUMBER,
	OPTION_SEED,
	OPTION_DURATION,
	OPTION_PORT_RANGE,
};

/* One value of an OPTION_CHOICE; its place in the list is the enumerator. */
struct option_value {
	const char *name;
	const char *brief; /* short form, NULL if it has none */
};

struct option_spec {
	const char *key; /* "udp.mapping" */
	enum option_type type;
	size_t offset;			   /* in struct options */
	const struct option_value *values; /* OPTION_CHOICE: ends with a NULL name; else NULL */
	const char *initial;		   /* default, in text form */
	int64_t least, most;		   /* OPTION_NUMBER, and OPTION_DURATION in ms */
	const char *unit;		   /* "" where it has none */
	const char *meaning;		   /* one line */
	const char *clause;		   /* RFC requirement, or "" */
};

const struct option_spec *option_spec(enum option_id id);

/* All defaults. */
void options_init(struct options *o);

/*
 * options_set() - set one knob from text
 * @why: on failure gets one sentence that names the knob, the value and what is allowed
 * Return: 0, -ENOENT (no such knob) or -EINVAL (not a value of it), with @o untouched.
 */
int options_set(struct options *o, const char *key, const char *value, char *why, size_t why_size);

/* A time as a knob takes it: "300s", "2h4m", "500ms"; a bare number is seconds. 0 or -EINVAL. */
int options_parse_duration(const char *text, int64_t *ms);

/* Do the knobs agree? 0, or -EINVAL with both names and the reason in @why. */
int options_check(const struct options *o, char *why, size_t why_size);

/* Text form of one value into @buf (OPTIONS_TEXT_MAX bytes); options_set() reads it back. */
const char *options_format(const struct options *o, enum option_id id, char *buf);

/* "endpoint-independent, address-dependent, ..." or "a duration from 1s to 365d": what a value
 * may be, into @buf (OPTIONS_TEXT_MAX bytes). */
const char *option_allowed(enum option_id id, char *buf);

/* The knob of @protocol that stands where @udp_knob stands for UDP: OPT_UDP_MAPPING, _FILTERING
 * or _PORTS. */
enum option_id option_of(enum option_id udp_knob, enum nat_protocol protocol);

#endif
