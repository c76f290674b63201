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

#include <stdbool.h>
#include <stdint.h>

#include "common/addr.h"
#include "nat/core/tuple.h"

/* Which remote part is in a mapping's key (RFC 4787 section 4.1). */
enum mapping_behavior {
	MAPPING_ENDPOINT_INDEPENDENT,
	MAPPING_ADDRESS_DEPENDENT,
	MAPPING_ADDRESS_AND_PORT_DEPENDENT,
};

/* Which remotes may come in (RFC 4787 section 5); the last is TCP's only (RFC 5382 section 4.3). */
enum filtering_behavior {
	FILTERING_ADDRESS_AND_PORT_DEPENDENT,
	FILTERING_ADDRESS_DEPENDENT,
	FILTERING_ENDPOINT_INDEPENDENT,
	FILTERING_CONNECTION_DEPENDENT,
};

/* How an external port is picked (RFC 4787 section 4.2). */
enum ports_strategy {
	PORTS_RANDOM,
	PORTS_PRESERVE,
	PORTS_SEQUENTIAL,
	PORTS_CONTIGUOUS,
	PORTS_OVERLOAD,
	PORTS_PRESERVE_ONLY,
};

/* How a random port is drawn: the algorithms of RFC 6056 section 3.3 in their order. */
enum random_algorithm {
	RANDOM_SIMPLE,
	RANDOM_REDRAW,
	RANDOM_HASH,
	RANDOM_DOUBLE_HASH,
	RANDOM_INCREMENTS,
};

/* Which ranges of ports are not mixed (RFC 4787 REQ-3a, and what devices do). */
enum range_class { RANGE_KEEP, RANGE_IGNORE, RANGE_LINUX, RANGE_CISCO };

/* Whether a UDP and a TCP port of one host are one endpoint to the outside (RFC 7857 5, 6). */
enum protocol_scope { SCOPE_PER_PROTOCOL, SCOPE_SHARED };

/* Which external address a host gets (RFC 4787 section 4.1, REQ-2). */
enum pooling_behavior { POOLING_PAIRED, POOLING_SOFT_PAIRED, POOLING_ARBITRARY };

/* What a packet from one internal host to another's mapping becomes (RFC 4787 section 6). */
enum hairpin_behavior { HAIRPIN_EXTERNAL_SOURCE, HAIRPIN_INTERNAL_SOURCE, HAIRPIN_OFF };

/* What becomes of a packet to an external endpoint that stands for nobody. */
enum unmatched_behavior { UNMATCHED_DROP, UNMATCHED_ACCEPT, UNMATCHED_REJECT };

/* What an internal host is told when there is no room for its flow (RFC 5508 REQ-8, RFC 6888
 * REQ-11). */
enum full_behavior { FULL_ICMP_PROHIBITED, FULL_ICMP_UNREACHABLE, FULL_DROP };

/* How ports are divided among hosts (RFC 6888 REQ-14, RFC 7422). */
enum blocks_behavior { BLOCKS_OFF, BLOCKS_DYNAMIC, BLOCKS_DETERMINISTIC };

/* Which packets restart a mapping's timer (RFC 4787 REQ-6). */
enum refresh_behavior { REFRESH_OUTBOUND, REFRESH_INBOUND, REFRESH_BOTH };

/* What becomes of an inbound SYN that nobody asked for (RFC 5382 REQ-4). */
enum unsolicited_syn { SYN_HOLD, SYN_DROP, SYN_RESET, SYN_REJECT };

/* What becomes of an outbound segment of no known connection. */
enum non_syn { NON_SYN_DROP, NON_SYN_RESET, NON_SYN_PICK_UP };

/* What the ends of a connection are told when its timer runs out (RFC 5382 REQ-5). */
enum tcp_expiry { TCP_EXPIRY_SILENT, TCP_EXPIRY_RESET };

/* Which ICMP queries are translated (RFC 5508 REQ-10). */
enum icmp_queries { QUERIES_COMMON, QUERIES_ECHO, QUERIES_ALL, QUERIES_NONE };

enum icmp_errors { ERRORS_TRANSLATE, ERRORS_DROP };

/* Towards which side no ICMP error of our own goes (RFC 5508 REQ-9). */
enum icmp_mute { MUTE_NONE, MUTE_INTERNAL, MUTE_EXTERNAL, MUTE_BOTH };

enum fragments_mode { FRAGMENTS_ANY_ORDER, FRAGMENTS_IN_ORDER, FRAGMENTS_DROP };

enum ip_id_behavior { IP_ID_REWRITE, IP_ID_KEEP };

enum port_zero { PORT_ZERO_DROP, PORT_ZERO_TRANSLATE };

enum option_switch { SWITCH_OFF, SWITCH_ON };

enum {
	OPTIONS_INTERFACE_MAX = 16,   /* an interface name with its NUL (IFNAMSIZ) */
	OPTIONS_EXTERNAL_MAX = 64,    /* ranges in nat.external */
	OPTIONS_ADDRESSES_MAX = 4096, /* addresses in those ranges together */
	OPTIONS_LIST_MAX = 64,	      /* entries of any other list */
	OPTIONS_PORT_TIMERS = 8,      /* entries of udp.port-timeouts */
	OPTIONS_PATH_MAX = 256,	      /* path of a file, with its NUL */
	OPTIONS_TEXT_MAX = 4608,      /* longest text form of a value, with its NUL */
};

/* Sessions age in classes; all of one class have one timeout. */
enum timeout_class {
	TIMEOUT_UDP,
	TIMEOUT_UDP_UNREPLIED,
	TIMEOUT_TCP_ESTABLISHED,
	TIMEOUT_TCP_OPENING,
	TIMEOUT_TCP_CLOSING,
	TIMEOUT_TCP_RESET,
	TIMEOUT_TCP_TIME_WAIT,
	TIMEOUT_ICMP,
	TIMEOUT_OTHER,
	TIMEOUT_PORT, /* first of those by remote port */
	TIMEOUT_CLASSES = TIMEOUT_PORT + OPTIONS_PORT_TIMERS
};

struct port_range {
	uint16_t first, last; /* both included */
};

/* External addresses; none means auto: the addresses of the WAN interface. */
struct external_list {
	uint32_t count;
	struct addr_range ranges[OPTIONS_EXTERNAL_MAX];
};

struct port_list {
	uint32_t count;
	struct port_range ranges[OPTIONS_LIST_MAX];
};

/* Ports of one external address, or of each, that always lead to an internal host. */
struct forward {
	uint32_t protocol; /* NAT_UDP or NAT_TCP */
	bool any_address;
	struct addr external; /* unless any_address */
	struct port_range ports;
	struct endpoint internal; /* where the first port leads; the others follow */
};

struct forward_list {
	uint32_t count;
	struct forward forwards[OPTIONS_LIST_MAX];
};

/* One external address that stands for one internal host, ports untouched (Basic NAT). */
struct address_pair {
	struct addr external, internal;
};

struct pair_list {
	uint32_t count;
	struct address_pair pairs[OPTIONS_LIST_MAX];
};

/* Remote addresses, all their ports (port 0) or one. */
struct remote_range {
	struct addr_range addresses;
	uint16_t port;
};

struct remote_list {
	uint32_t count;
	struct remote_range ranges[OPTIONS_LIST_MAX];
};

struct port_timer {
	uint16_t port;
	int64_t timeout_ms;
};

struct port_timer_list {
	uint32_t count;
	struct port_timer timers[OPTIONS_PORT_TIMERS];
};

/* IP protocols, a bit each. */
struct protocol_set {
	uint64_t bits[256 / 64];
};

struct protocol_options {
	enum mapping_behavior mapping;
	enum filtering_behavior filtering;
	enum ports_strategy ports;
	enum random_algorithm random;
	enum option_switch overlap, parity, kill_on_unsolicited, fragments;
	enum range_class range_class;
	enum refresh_behavior refresh;
	struct port_range port_range;
	int64_t reuse_delay_ms;
	/* 0: no quota */
	uint64_t max_mappings_per_host, max_sessions_per_host, new_mappings_per_second;
};

struct tcp_options {
	enum unsolicited_syn unsolicited_syn;
	enum non_syn non_syn;
	enum tcp_expiry expiry;
	enum option_switch strict_established, reuse_tracked, rst_check;
	int64_t transitory_ms, syn_hold_ms;
	uint64_t max_held_syns;
};

struct icmp_options {
	enum icmp_errors errors;
	enum option_switch error_checks;
	enum icmp_queries queries;
	enum icmp_mute mute;
	uint64_t error_rate; /* a second; 0: none */
};

struct fragment_options {
	enum fragments_mode mode;
	int64_t timeout_ms;
	uint64_t max_held, max_bytes, max_per_source;
};

struct block_options {
	enum blocks_behavior behavior;
	uint64_t size, per_host;    /* dynamic */
	uint64_t overflow;	    /* deterministic: RFC 7422's D */
	struct addr_range internal; /* deterministic: RFC 7422's I */
};

struct pcp_options {
	enum option_switch server;
	int64_t least_lifetime_ms, most_lifetime_ms;
};

struct log_options {
	char file[OPTIONS_PATH_MAX]; /* "": none */
	enum option_switch syslog, destinations;
};

struct options {
	char lan[OPTIONS_INTERFACE_MAX], wan[OPTIONS_INTERFACE_MAX];
	struct external_list external;
	enum pooling_behavior pooling;
	enum protocol_scope scope;
	enum hairpin_behavior hairpin;
	enum unmatched_behavior unmatched;
	enum full_behavior on_full;
	enum ip_id_behavior ip_id;
	struct port_list reserved;
	struct forward_list forwards;
	struct pair_list pairs;
	struct addr dmz; /* all zero: none */
	struct remote_list exempt;
	uint64_t max_mappings, max_sessions;
	/* 0: no quota */
	uint64_t max_mappings_per_host, max_sessions_per_host, max_sessions_per_mapping;
	uint64_t new_mappings_per_second;
	uint64_t max_resting_ports;
	enum option_switch reuse_static, reuse_filtered;
	struct block_options blocks;
	uint64_t seed; /* 0: random */
	struct protocol_options protocol[NAT_PROTOCOLS];
	struct tcp_options tcp;
	struct icmp_options icmp;
	struct fragment_options fragments;
	struct pcp_options pcp;
	struct log_options log;
	struct protocol_set other;
	enum port_zero port_zero;
	struct port_timer_list port_timers;
	int64_t timeout_ms[TIMEOUT_PORT]; /* 0: that of another class, see options_timeout_ms() */
};

/* clang-format off */
/* The knobs that UDP, TCP and ICMP all have, in one order: option_of() counts on it. */
#define OPTIONS_OF(P) \
	OPT_##P##_MAPPING, OPT_##P##_FILTERING, OPT_##P##_PORTS, OPT_##P##_RANDOM, \
	OPT_##P##_PORT_OVERLAP, OPT_##P##_PORT_RANGE, OPT_##P##_PORT_REUSE_DELAY, \
	OPT_##P##_REFRESH, OPT_##P##_KILL_ON_UNSOLICITED, OPT_##P##_FRAGMENTS, \
	OPT_##P##_MAX_MAPPINGS_PER_HOST, OPT_##P##_MAX_SESSIONS_PER_HOST, \
	OPT_##P##_NEW_MAPPINGS_PER_SECOND
/* clang-format on */

enum option_id {
	OPT_NAT_LAN,
	OPT_NAT_WAN,
	OPT_NAT_EXTERNAL,
	OPT_NAT_POOLING,
	OPT_NAT_PROTOCOL_SCOPE,
	OPT_NAT_HAIRPIN,
	OPT_NAT_UNMATCHED,
	OPT_NAT_RESERVED_PORTS,
	OPT_NAT_FORWARDS,
	OPT_NAT_ONE_TO_ONE,
	OPT_NAT_DMZ,
	OPT_NAT_EXEMPT,
	OPT_NAT_MAX_MAPPINGS,
	OPT_NAT_MAX_SESSIONS,
	OPT_NAT_MAX_MAPPINGS_PER_HOST,
	OPT_NAT_MAX_SESSIONS_PER_HOST,
	OPT_NAT_MAX_SESSIONS_PER_MAPPING,
	OPT_NAT_NEW_MAPPINGS_PER_SECOND,
	OPT_NAT_ON_FULL,
	OPT_NAT_BLOCKS,
	OPT_NAT_BLOCK_SIZE,
	OPT_NAT_BLOCKS_PER_HOST,
	OPT_NAT_BLOCK_OVERFLOW,
	OPT_NAT_INTERNAL,
	OPT_NAT_MAX_RESTING_PORTS,
	OPT_NAT_REUSE_STATIC,
	OPT_NAT_REUSE_FILTERED,
	OPT_NAT_IP_ID,
	OPT_NAT_SEED,
	OPTIONS_OF(UDP),
	OPT_UDP_PARITY,
	OPT_UDP_RANGE_CLASS,
	OPT_UDP_PORT_ZERO,
	OPT_UDP_TIMEOUT,
	OPT_UDP_TIMEOUT_UNREPLIED,
	OPT_UDP_PORT_TIMEOUTS,
	OPTIONS_OF(TCP),
	OPT_TCP_PARITY,
	OPT_TCP_RANGE_CLASS,
	OPT_TCP_REUSE_TRACKED,
	OPT_TCP_UNSOLICITED_SYN,
	OPT_TCP_SYN_HOLD,
	OPT_TCP_MAX_HELD_SYNS,
	OPT_TCP_NON_SYN,
	OPT_TCP_RST_CHECK,
	OPT_TCP_STRICT_ESTABLISHED,
	OPT_TCP_EXPIRY,
	OPT_TCP_TIMEOUT_ESTABLISHED,
	OPT_TCP_TIMEOUT_TRANSITORY,
	OPT_TCP_TIMEOUT_OPENING,
	OPT_TCP_TIMEOUT_CLOSING,
	OPT_TCP_TIMEOUT_RESET,
	OPT_TCP_TIMEOUT_TIME_WAIT,
	OPTIONS_OF(ICMP),
	OPT_ICMP_QUERIES,
	OPT_ICMP_TIMEOUT,
	OPT_ICMP_ERRORS,
	OPT_ICMP_ERROR_CHECKS,
	OPT_ICMP_ERROR_RATE,
	OPT_ICMP_MUTE,
	OPT_OTHER_PROTOCOLS,
	OPT_OTHER_FILTERING,
	OPT_OTHER_TIMEOUT,
	OPT_FRAGMENTS_MODE,
	OPT_FRAGMENTS_TIMEOUT,
	OPT_FRAGMENTS_MAX_HELD,
	OPT_FRAGMENTS_MAX_BYTES,
	OPT_FRAGMENTS_MAX_PER_SOURCE,
	OPT_PCP_SERVER,
	OPT_PCP_MIN_LIFETIME,
	OPT_PCP_MAX_LIFETIME,
	OPT_LOG_FILE,
	OPT_LOG_SYSLOG,
	OPT_LOG_DESTINATIONS,
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
	OPTION_PORT_LIST,
	OPTION_FORWARDS,
	OPTION_PAIRS,
	OPTION_ADDRESS,
	OPTION_ADDRESS_RANGE,
	OPTION_REMOTES,
	OPTION_PORT_TIMERS,
	OPTION_PROTOCOLS,
	OPTION_PATH,
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
	const char *word;		   /* OPTION_DURATION: what 0 is called; NULL: a time */
	const char *unit;		   /* "" where it has none */
	const char *meaning;		   /* one line */
	const char *clause;		   /* RFC requirement, or "" */
	bool machine; /* describes the machine and its network: presets leave it alone */
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

/* Does a one-to-one pair have the external address for itself? */
bool options_is_paired(const struct options *o, const struct addr *external);
/* Is any of @ports in nat.reserved-ports? */
bool options_is_reserved(const struct options *o, struct port_range ports);

/* How long sessions of @class live without a packet that restarts their timer. */
int64_t options_timeout_ms(const struct options *o, enum timeout_class class);

/* The knob of @protocol that stands where @udp_knob stands for UDP, one of OPTIONS_OF(). */
enum option_id option_of(enum option_id udp_knob, enum nat_protocol protocol);

#endif
