/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/core/options.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/nearest.h"
#include "nat/core/arena.h"
#include "nat/core/fragment_store.h"
#include "nat/core/option_value.h"

/* clang-format off */
static const struct option_value mapping_values[] = {
	[MAPPING_ENDPOINT_INDEPENDENT] = { "endpoint-independent", "eim" },
	[MAPPING_ADDRESS_DEPENDENT] = { "address-dependent", "adm" },
	[MAPPING_ADDRESS_AND_PORT_DEPENDENT] = { "address-and-port-dependent", "apdm" },
	{ NULL, NULL },
};
static const struct option_value filtering_values[] = {
	[FILTERING_ADDRESS_AND_PORT_DEPENDENT] = { "address-and-port-dependent", "apdf" },
	[FILTERING_ADDRESS_DEPENDENT] = { "address-dependent", "adf" },
	[FILTERING_ENDPOINT_INDEPENDENT] = { "endpoint-independent", "eif" },
	{ NULL, NULL },
};
static const struct option_value tcp_filtering_values[] = {
	[FILTERING_ADDRESS_AND_PORT_DEPENDENT] = { "address-and-port-dependent", "apdf" },
	[FILTERING_ADDRESS_DEPENDENT] = { "address-dependent", "adf" },
	[FILTERING_ENDPOINT_INDEPENDENT] = { "endpoint-independent", "eif" },
	[FILTERING_CONNECTION_DEPENDENT] = { "connection-dependent", "cdf" },
	{ NULL, NULL },
};
static const struct option_value ports_values[] = {
	[PORTS_RANDOM] = { "random", NULL },
	[PORTS_PRESERVE] = { "preserve", NULL },
	[PORTS_SEQUENTIAL] = { "sequential", NULL },
	[PORTS_CONTIGUOUS] = { "contiguous", NULL },
	[PORTS_OVERLOAD] = { "overload", NULL },
	[PORTS_PRESERVE_ONLY] = { "preserve-only", NULL },
	{ NULL, NULL },
};
static const struct option_value random_values[] = {
	[RANDOM_SIMPLE] = { "simple", "1" },
	[RANDOM_REDRAW] = { "redraw", "2" },
	[RANDOM_HASH] = { "hash", "3" },
	[RANDOM_DOUBLE_HASH] = { "double-hash", "4" },
	[RANDOM_INCREMENTS] = { "increments", "5" },
	{ NULL, NULL },
};
static const struct option_value range_class_values[] = {
	[RANGE_KEEP] = { "keep", NULL },
	[RANGE_IGNORE] = { "ignore", NULL },
	[RANGE_LINUX] = { "linux", NULL },
	[RANGE_CISCO] = { "cisco", NULL },
	{ NULL, NULL },
};
static const struct option_value pooling_values[] = {
	[POOLING_PAIRED] = { "paired", NULL },
	[POOLING_SOFT_PAIRED] = { "soft-paired", NULL },
	[POOLING_ARBITRARY] = { "arbitrary", NULL },
	{ NULL, NULL },
};
static const struct option_value scope_values[] = {
	[SCOPE_PER_PROTOCOL] = { "per-protocol", NULL },
	[SCOPE_SHARED] = { "shared", NULL },
	{ NULL, NULL },
};
static const struct option_value hairpin_values[] = {
	[HAIRPIN_EXTERNAL_SOURCE] = { "external-source", NULL },
	[HAIRPIN_INTERNAL_SOURCE] = { "internal-source", NULL },
	[HAIRPIN_OFF] = { "off", NULL },
	{ NULL, NULL },
};
static const struct option_value unmatched_values[] = {
	[UNMATCHED_DROP] = { "drop", NULL },
	[UNMATCHED_ACCEPT] = { "accept", NULL },
	[UNMATCHED_REJECT] = { "reject", NULL },
	{ NULL, NULL },
};
static const struct option_value full_values[] = {
	[FULL_ICMP_PROHIBITED] = { "icmp13", NULL },
	[FULL_ICMP_UNREACHABLE] = { "icmp1", NULL },
	[FULL_DROP] = { "drop", NULL },
	{ NULL, NULL },
};
static const struct option_value blocks_values[] = {
	[BLOCKS_OFF] = { "off", NULL },
	[BLOCKS_DYNAMIC] = { "dynamic", NULL },
	[BLOCKS_DETERMINISTIC] = { "deterministic", NULL },
	{ NULL, NULL },
};
static const struct option_value refresh_values[] = {
	[REFRESH_OUTBOUND] = { "outbound", NULL },
	[REFRESH_INBOUND] = { "inbound", NULL },
	[REFRESH_BOTH] = { "both", NULL },
	{ NULL, NULL },
};
static const struct option_value syn_values[] = {
	[SYN_HOLD] = { "hold", NULL },
	[SYN_DROP] = { "drop", NULL },
	[SYN_RESET] = { "reset", NULL },
	[SYN_REJECT] = { "reject", NULL },
	{ NULL, NULL },
};
static const struct option_value non_syn_values[] = {
	[NON_SYN_DROP] = { "drop", NULL },
	[NON_SYN_RESET] = { "reset", NULL },
	[NON_SYN_PICK_UP] = { "pick-up", NULL },
	{ NULL, NULL },
};
static const struct option_value expiry_values[] = {
	[TCP_EXPIRY_SILENT] = { "silent", NULL },
	[TCP_EXPIRY_RESET] = { "reset", NULL },
	{ NULL, NULL },
};
static const struct option_value queries_values[] = {
	[QUERIES_COMMON] = { "common", NULL },
	[QUERIES_ECHO] = { "echo", NULL },
	[QUERIES_ALL] = { "all", NULL },
	[QUERIES_NONE] = { "none", NULL },
	{ NULL, NULL },
};
static const struct option_value errors_values[] = {
	[ERRORS_TRANSLATE] = { "translate", NULL },
	[ERRORS_DROP] = { "drop", NULL },
	{ NULL, NULL },
};
static const struct option_value mute_values[] = {
	[MUTE_NONE] = { "none", NULL },
	[MUTE_INTERNAL] = { "internal", NULL },
	[MUTE_EXTERNAL] = { "external", NULL },
	[MUTE_BOTH] = { "both", NULL },
	{ NULL, NULL },
};
static const struct option_value fragments_values[] = {
	[FRAGMENTS_ANY_ORDER] = { "any-order", NULL },
	[FRAGMENTS_IN_ORDER] = { "in-order", NULL },
	[FRAGMENTS_DROP] = { "drop", NULL },
	{ NULL, NULL },
};
static const struct option_value ip_id_values[] = {
	[IP_ID_REWRITE] = { "rewrite", NULL },
	[IP_ID_KEEP] = { "keep", NULL },
	{ NULL, NULL },
};
static const struct option_value port_zero_values[] = {
	[PORT_ZERO_DROP] = { "drop", NULL },
	[PORT_ZERO_TRANSLATE] = { "translate", NULL },
	{ NULL, NULL },
};
static const struct option_value switch_values[] = {
	[SWITCH_OFF] = { "off", NULL },
	[SWITCH_ON] = { "on", NULL },
	{ NULL, NULL },
};
/* clang-format on */

#define AT(m)	offsetof(struct options, m)
#define CHOICE	.type = OPTION_CHOICE, .unit = ""
#define SWITCH	.type = OPTION_CHOICE, .unit = "", .values = switch_values
#define TIMEOUT .type = OPTION_DURATION, .least = 100, .most = 365 * DAY_MS, .unit = "time"
/* One that is the same as another unless it is set. */
#define TIMEOUT_OR(name) \
	.type = OPTION_DURATION, .least = 100, .most = 365 * DAY_MS, .unit = "time", .word = name
/* Told in seconds. */
#define LIFETIME	     .type = OPTION_DURATION, .least = 1000, .most = 365 * DAY_MS, .unit = "time"
#define NUMBER(from, to, of) .type = OPTION_NUMBER, .least = from, .most = to, .unit = of
#define RECORDS		     .type = OPTION_NUMBER, .least = 1, .most = ARENA_MAX, .unit = "records"
#define QUOTA		     .type = OPTION_NUMBER, .least = 0, .most = ARENA_MAX

/* clang-format off */

/* What UDP, TCP and ICMP queries are each told; @P and @N their enumerators, @p their section. */
#define COMMON_KNOBS(P, N, p, filters, refreshes, range, range_of, eim, filtering_clause, overload_clause) \
	[OPT_##P##_MAPPING] = { p ".mapping", CHOICE, .offset = offsetof(struct options, protocol[N].mapping), \
		.values = mapping_values, .initial = "endpoint-independent", .clause = eim, \
		.meaning = "remote part that a mapping is kept apart by" }, \
	[OPT_##P##_FILTERING] = { p ".filtering", CHOICE, \
		.offset = offsetof(struct options, protocol[N].filtering), .values = filters, \
		.initial = "address-and-port-dependent", .clause = filtering_clause, \
		.meaning = "remotes that may send to a mapping" }, \
	[OPT_##P##_PORTS] = { p ".ports", CHOICE, .offset = offsetof(struct options, protocol[N].ports), \
		.values = ports_values, .initial = "random", .clause = "RFC 4787 4.2, RFC 7857 9", \
		.meaning = "how the external port (ICMP: identifier) is picked" }, \
	[OPT_##P##_RANDOM] = { p ".random", CHOICE, .offset = offsetof(struct options, protocol[N].random), \
		.values = random_values, .initial = "simple", .clause = "RFC 6056 3.3", \
		.meaning = "how a random port is drawn" }, \
	[OPT_##P##_PORT_OVERLAP] = { p ".port-overlap", SWITCH, \
		.offset = offsetof(struct options, protocol[N].overlap), .initial = "off", .clause = "RFC 7857 3", \
		.meaning = "hosts may share an external port towards different remotes" }, \
	[OPT_##P##_PORT_RANGE] = { p ".port-range", .type = OPTION_PORT_RANGE, \
		.offset = offsetof(struct options, protocol[N].port_range), .initial = range, .unit = "ports", \
		.clause = "RFC 6056 3.2", .meaning = range_of }, \
	[OPT_##P##_PORT_REUSE_DELAY] = { p ".port-reuse-delay", .type = OPTION_DURATION, \
		.offset = offsetof(struct options, protocol[N].reuse_delay_ms), .least = 0, .most = DAY_MS, \
		.initial = "0s", .unit = "time", .clause = "RFC 6888 REQ-8", \
		.meaning = "how long a freed port rests before it is given again" }, \
	[OPT_##P##_REFRESH] = { p ".refresh", CHOICE, .offset = offsetof(struct options, protocol[N].refresh), \
		.values = refresh_values, .initial = refreshes, .clause = "RFC 4787 REQ-6", \
		.meaning = "packets that restart the timer" }, \
	[OPT_##P##_KILL_ON_UNSOLICITED] = { p ".kill-on-unsolicited", SWITCH, \
		.offset = offsetof(struct options, protocol[N].kill_on_unsolicited), .initial = "off", \
		.clause = overload_clause, \
		.meaning = "fault: an inbound packet that is filtered ends the mapping" }, \
	[OPT_##P##_FRAGMENTS] = { p ".fragments", SWITCH, \
		.offset = offsetof(struct options, protocol[N].fragments), .initial = "on", \
		.clause = "RFC 4787 REQ-14", .meaning = "whether fragments pass" }, \
	[OPT_##P##_MAX_MAPPINGS_PER_HOST] = { p ".max-mappings-per-host", QUOTA, .unit = "mappings", \
		.offset = offsetof(struct options, protocol[N].max_mappings_per_host), .initial = "0", \
		.clause = "RFC 6888 REQ-4B", .meaning = "mappings of one host; 0 is no quota" }, \
	[OPT_##P##_MAX_SESSIONS_PER_HOST] = { p ".max-sessions-per-host", QUOTA, .unit = "sessions", \
		.offset = offsetof(struct options, protocol[N].max_sessions_per_host), .initial = "0", \
		.clause = "RFC 6888 REQ-5", .meaning = "sessions of one host; 0 is no quota" }, \
	[OPT_##P##_NEW_MAPPINGS_PER_SECOND] = { p ".new-mappings-per-second", QUOTA, .unit = "a second", \
		.offset = offsetof(struct options, protocol[N].new_mappings_per_second), .initial = "0", \
		.clause = "RFC 6888 REQ-4C", \
		.meaning = "new mappings of one host a second; 0 is no quota" }

static const struct option_spec specs[OPTION_COUNT] = {
	[OPT_NAT_LAN] = { "nat.lan", .machine = true,
		.type = OPTION_INTERFACE, .offset = AT(lan),
		.initial = "lan", .meaning = "interface towards the internal hosts",
		.clause = "", .unit = "" },
	[OPT_NAT_WAN] = { "nat.wan", .machine = true,
		.type = OPTION_INTERFACE, .offset = AT(wan),
		.initial = "wan", .meaning = "interface towards the external world",
		.clause = "", .unit = "" },
	[OPT_NAT_EXTERNAL] = { "nat.external", .machine = true,
		.type = OPTION_ADDRESSES, .offset = AT(external),
		.initial = "auto", .clause = "RFC 6888 REQ-3",
		.meaning = "external addresses; auto takes those of nat.wan",
		.unit = "" },
	[OPT_NAT_POOLING] = { "nat.pooling", CHOICE, .offset = AT(pooling),
		.values = pooling_values, .initial = "paired", .clause = "RFC 4787 REQ-2",
		.meaning = "which external address the mappings of one host get" },
	[OPT_NAT_PROTOCOL_SCOPE] = { "nat.protocol-scope", CHOICE, .offset = AT(scope),
		.values = scope_values, .initial = "per-protocol", .clause = "RFC 7857 5, 6",
		.meaning = "whether UDP and TCP of one endpoint share their external endpoint" },
	[OPT_NAT_HAIRPIN] = { "nat.hairpin", CHOICE, .offset = AT(hairpin),
		.values = hairpin_values, .initial = "external-source", .clause = "RFC 4787 REQ-9",
		.meaning = "packets from one internal host to the mapping of another" },
	[OPT_NAT_UNMATCHED] = { "nat.unmatched", CHOICE, .offset = AT(unmatched),
		.values = unmatched_values, .initial = "drop", .clause = "RFC 5382 REQ-4",
		.meaning = "packets to an external endpoint that stands for nobody" },
	[OPT_NAT_RESERVED_PORTS] = { "nat.reserved-ports", .machine = true,
		.type = OPTION_PORT_LIST,
		.offset = AT(reserved), .initial = "none", .unit = "ports", .clause = "RFC 7422 2",
		.meaning = "external ports no mapping gets: the router's own services" },
	[OPT_NAT_FORWARDS] = { "nat.forwards", .machine = true,
		.type = OPTION_FORWARDS, .offset = AT(forwards),
		.initial = "none", .unit = "", .clause = "RFC 3022 2.2",
		.meaning = "external ports that always lead to an internal host" },
	[OPT_NAT_ONE_TO_ONE] = { "nat.one-to-one", .machine = true,
		.type = OPTION_PAIRS, .offset = AT(pairs),
		.initial = "none", .unit = "", .clause = "RFC 3022 2.1",
		.meaning = "external addresses that stand for one internal host each" },
	[OPT_NAT_DMZ] = { "nat.dmz", .machine = true,
		.type = OPTION_ADDRESS, .offset = AT(dmz),
		.initial = "none", .unit = "", .clause = "",
		.meaning = "internal host that gets the UDP and TCP that is for nobody else" },
	[OPT_NAT_EXEMPT] = { "nat.exempt", .machine = true,
		.type = OPTION_REMOTES, .offset = AT(exempt),
		.initial = "none", .unit = "", .clause = "RFC 6888 REQ-6",
		.meaning = "destinations whose packets are not translated" },
	[OPT_NAT_MAX_MAPPINGS] = { "nat.max-mappings", .machine = true, RECORDS, .offset = AT(max_mappings),
		.initial = "262144", .clause = "RFC 6888 REQ-5",
		.meaning = "mappings there may be at once" },
	[OPT_NAT_MAX_SESSIONS] = { "nat.max-sessions", .machine = true, RECORDS, .offset = AT(max_sessions),
		.initial = "262144", .clause = "RFC 6888 REQ-5",
		.meaning = "sessions there may be at once" },
	[OPT_NAT_MAX_MAPPINGS_PER_HOST] = { "nat.max-mappings-per-host", QUOTA, .unit = "mappings",
		.offset = AT(max_mappings_per_host), .initial = "0", .clause = "RFC 6888 REQ-4",
		.meaning = "mappings of one host, all protocols together; 0 is no quota" },
	[OPT_NAT_MAX_SESSIONS_PER_HOST] = { "nat.max-sessions-per-host", QUOTA, .unit = "sessions",
		.offset = AT(max_sessions_per_host), .initial = "0", .clause = "RFC 6888 REQ-5",
		.meaning = "sessions of one host, all protocols together; 0 is no quota" },
	[OPT_NAT_MAX_SESSIONS_PER_MAPPING] = { "nat.max-sessions-per-mapping", QUOTA, .unit = "sessions",
		.offset = AT(max_sessions_per_mapping), .initial = "0", .clause = "RFC 6888 REQ-5",
		.meaning = "sessions of one mapping; 0 is no quota" },
	[OPT_NAT_NEW_MAPPINGS_PER_SECOND] = { "nat.new-mappings-per-second", QUOTA, .unit = "a second",
		.offset = AT(new_mappings_per_second), .initial = "0", .clause = "RFC 6888 REQ-4C",
		.meaning = "new mappings of one host a second, all protocols; 0 is no quota" },
	[OPT_NAT_ON_FULL] = { "nat.on-full", CHOICE, .offset = AT(on_full),
		.values = full_values, .initial = "icmp13",
		.clause = "RFC 5508 REQ-8, RFC 6888 REQ-11B",
		.meaning = "what a host is told whose flow finds no room" },
	[OPT_NAT_BLOCKS] = { "nat.blocks", CHOICE, .offset = AT(blocks.behavior),
		.values = blocks_values, .initial = "off", .clause = "RFC 6888 REQ-14, RFC 7422",
		.meaning = "whether a host's ports come from blocks of its own" },
	[OPT_NAT_BLOCK_SIZE] = { "nat.block-size", NUMBER(1, 65535, "ports"),
		.offset = AT(blocks.size), .initial = "512", .clause = "RFC 6888 REQ-14",
		.meaning = "ports in a dynamic block" },
	[OPT_NAT_BLOCKS_PER_HOST] = { "nat.blocks-per-host", NUMBER(1, 8, "blocks"),
		.offset = AT(blocks.per_host), .initial = "1", .clause = "RFC 6888 REQ-4",
		.meaning = "dynamic blocks a host may have at once" },
	[OPT_NAT_BLOCK_OVERFLOW] = { "nat.block-overflow", NUMBER(0, 1024, "blocks"),
		.offset = AT(blocks.overflow), .initial = "0", .clause = "RFC 7422 2",
		.meaning = "deterministic: blocks of each address kept for hosts that need more" },
	[OPT_NAT_INTERNAL] = { "nat.internal", .machine = true,
		.type = OPTION_ADDRESS_RANGE,
		.offset = AT(blocks.internal), .initial = "192.168.1.0-192.168.1.255", .unit = "",
		.clause = "RFC 7422 2",
		.meaning = "deterministic: the internal hosts that have blocks" },
	[OPT_NAT_MAX_RESTING_PORTS] = { "nat.max-resting-ports", NUMBER(1, 16777216, "ports"),
		.offset = AT(max_resting_ports), .initial = "65536", .clause = "RFC 6888 REQ-8D",
		.meaning = "freed ports that may rest at once; beyond, the oldest is free early" },
	[OPT_NAT_REUSE_STATIC] = { "nat.reuse-static", SWITCH, .offset = AT(reuse_static),
		.initial = "off", .clause = "RFC 6888 REQ-8B",
		.meaning = "ports of deterministic blocks need no rest" },
	[OPT_NAT_REUSE_FILTERED] = { "nat.reuse-filtered", SWITCH, .offset = AT(reuse_filtered),
		.initial = "off", .clause = "RFC 6888 REQ-8C",
		.meaning = "ports need no rest where filtering depends on the remote" },
	[OPT_NAT_IP_ID] = { "nat.ip-id", CHOICE, .offset = AT(ip_id),
		.values = ip_id_values, .initial = "rewrite", .clause = "RFC 6864 5.3.1",
		.meaning = "whether datagrams that may be fragmented get an IP ID of ours" },
	[OPT_NAT_SEED] = { "nat.seed", .machine = true,
		.type = OPTION_SEED, .offset = AT(seed),
		.initial = "random", .clause = "RFC 6056 3.3",
		.meaning = "a number makes port choice repeatable",
		.unit = "" },

	COMMON_KNOBS(UDP, NAT_UDP, "udp", filtering_values, "outbound", "1024-65535",
		"external ports to pick from; those below 1024 keep to udp.range-class",
		"RFC 4787 REQ-1", "RFC 4787 REQ-8", "RFC 4787 REQ-11"),
	[OPT_UDP_PARITY] = { "udp.parity", SWITCH, .offset = AT(protocol[NAT_UDP].parity),
		.initial = "off", .clause = "RFC 4787 REQ-4, RFC 7857 8",
		.meaning = "an odd port gets an odd one, an even port an even one" },
	[OPT_UDP_RANGE_CLASS] = { "udp.range-class", CHOICE,
		.offset = AT(protocol[NAT_UDP].range_class), .values = range_class_values,
		.initial = "keep", .clause = "RFC 4787 REQ-3A",
		.meaning = "port classes: 1-1023 and the rest; linux 1-511, 600-1023; cisco 1-511, 512-1023" },
	[OPT_UDP_PORT_ZERO] = { "udp.port-zero", CHOICE, .offset = AT(port_zero),
		.values = port_zero_values, .initial = "drop", .clause = "RFC 4787 4.2.1",
		.meaning = "outbound packets from port 0" },
	[OPT_UDP_TIMEOUT] = { "udp.timeout", TIMEOUT, .offset = AT(timeout_ms[TIMEOUT_UDP]),
		.initial = "300s", .clause = "RFC 4787 REQ-5",
		.meaning = "silence after which a session ends" },
	[OPT_UDP_TIMEOUT_UNREPLIED] = { "udp.timeout-unreplied", TIMEOUT_OR("same"),
		.offset = AT(timeout_ms[TIMEOUT_UDP_UNREPLIED]), .initial = "same",
		.clause = "RFC 4787 REQ-5", .meaning = "silence after which a session ends that no answer came to" },
	[OPT_UDP_PORT_TIMEOUTS] = { "udp.port-timeouts", .type = OPTION_PORT_TIMERS,
		.offset = AT(port_timers), .initial = "none", .unit = "time",
		.clause = "RFC 4787 REQ-5A", .meaning = "silence after which a session with this remote port ends" },

	COMMON_KNOBS(TCP, NAT_TCP, "tcp", tcp_filtering_values, "both", "1024-65535",
		"external ports to pick from; those below 1024 keep to tcp.range-class",
		"RFC 5382 REQ-1", "RFC 5382 REQ-3", "RFC 5382 REQ-3"),
	[OPT_TCP_PARITY] = { "tcp.parity", SWITCH, .offset = AT(protocol[NAT_TCP].parity),
		.initial = "off", .clause = "RFC 7857 8",
		.meaning = "an odd port gets an odd one, an even port an even one" },
	[OPT_TCP_RANGE_CLASS] = { "tcp.range-class", CHOICE,
		.offset = AT(protocol[NAT_TCP].range_class), .values = range_class_values,
		.initial = "keep", .clause = "RFC 5382 REQ-7",
		.meaning = "port classes: 1-1023 and the rest; linux 1-511, 600-1023; cisco 1-511, 512-1023" },
	[OPT_TCP_REUSE_TRACKED] = { "tcp.reuse-tracked", SWITCH, .offset = AT(tcp.reuse_tracked),
		.initial = "off", .clause = "RFC 6888 REQ-8A",
		.meaning = "ports need no rest after connections that were seen to close" },
	[OPT_TCP_UNSOLICITED_SYN] = { "tcp.unsolicited-syn", CHOICE,
		.offset = AT(tcp.unsolicited_syn), .values = syn_values, .initial = "hold",
		.clause = "RFC 5382 REQ-4",
		.meaning = "inbound SYN nobody asked for; hold: ICMP error after tcp.syn-hold" },
	[OPT_TCP_SYN_HOLD] = { "tcp.syn-hold", .type = OPTION_DURATION, .least = 100,
		.most = 3600000, .unit = "time", .offset = AT(tcp.syn_hold_ms), .initial = "6s",
		.clause = "RFC 5382 REQ-4",
		.meaning = "how long an unsolicited SYN is left unanswered" },
	[OPT_TCP_MAX_HELD_SYNS] = { "tcp.max-held-syns", NUMBER(1, 65536, "SYNs"),
		.offset = AT(tcp.max_held_syns), .initial = "256", .clause = "RFC 5382 REQ-4A",
		.meaning = "unsolicited SYNs to keep for an answer; beyond, no answer" },
	[OPT_TCP_NON_SYN] = { "tcp.non-syn", CHOICE, .offset = AT(tcp.non_syn),
		.values = non_syn_values, .initial = "drop", .clause = "RFC 5382 5",
		.meaning = "outbound segment of no known connection that is no SYN" },
	[OPT_TCP_RST_CHECK] = { "tcp.rst-check", SWITCH, .offset = AT(tcp.rst_check),
		.initial = "on", .clause = "RFC 7857 2",
		.meaning = "a RST outside the receiver's window changes no state" },
	[OPT_TCP_STRICT_ESTABLISHED] = { "tcp.strict-established", SWITCH,
		.offset = AT(tcp.strict_established), .initial = "off", .clause = "RFC 5382 REQ-5",
		.meaning = "established only when both sides have sent an ACK, not only a SYN" },
	[OPT_TCP_EXPIRY] = { "tcp.expiry", CHOICE, .offset = AT(tcp.expiry),
		.values = expiry_values, .initial = "silent", .clause = "RFC 5382 REQ-5",
		.meaning = "what both ends are told when an established session times out" },
	[OPT_TCP_TIMEOUT_ESTABLISHED] = { "tcp.timeout-established", TIMEOUT,
		.offset = AT(timeout_ms[TIMEOUT_TCP_ESTABLISHED]), .initial = "7440s",
		.clause = "RFC 5382 REQ-5",
		.meaning = "silence after which an open connection ends" },
	[OPT_TCP_TIMEOUT_TRANSITORY] = { "tcp.timeout-transitory", TIMEOUT,
		.offset = AT(tcp.transitory_ms), .initial = "240s",
		.clause = "RFC 5382 REQ-5",
		.meaning = "silence after which one ends that opens or closes, unless set apart" },
	[OPT_TCP_TIMEOUT_OPENING] = { "tcp.timeout-opening", TIMEOUT_OR("transitory"),
		.offset = AT(timeout_ms[TIMEOUT_TCP_OPENING]), .initial = "transitory",
		.clause = "RFC 7857 2.1", .meaning = "silence after which a connection ends that is not open yet" },
	[OPT_TCP_TIMEOUT_CLOSING] = { "tcp.timeout-closing", TIMEOUT_OR("transitory"),
		.offset = AT(timeout_ms[TIMEOUT_TCP_CLOSING]), .initial = "transitory",
		.clause = "RFC 7857 2.1", .meaning = "silence after which a connection ends when both have sent FIN" },
	[OPT_TCP_TIMEOUT_RESET] = { "tcp.timeout-reset", TIMEOUT_OR("transitory"),
		.offset = AT(timeout_ms[TIMEOUT_TCP_RESET]), .initial = "transitory",
		.clause = "RFC 7857 2.2", .meaning = "silence after which a connection ends when one has sent RST" },
	[OPT_TCP_TIMEOUT_TIME_WAIT] = { "tcp.timeout-time-wait", TIMEOUT_OR("transitory"),
		.offset = AT(timeout_ms[TIMEOUT_TCP_TIME_WAIT]), .initial = "transitory",
		.clause = "RFC 5382 REQ-5",
		.meaning = "how long a connection is known after both FINs are acknowledged" },

	COMMON_KNOBS(ICMP, NAT_ICMP, "icmp", filtering_values, "outbound", "1-65535",
		"external identifiers to pick from",
		"RFC 5508 REQ-1", "RFC 5508 REQ-1", "RFC 5508 REQ-2"),
	[OPT_ICMP_QUERIES] = { "icmp.queries", CHOICE, .offset = AT(icmp.queries),
		.values = queries_values, .initial = "common", .clause = "RFC 5508 REQ-10",
		.meaning = "queries that are translated; common: Echo and Timestamp" },
	[OPT_ICMP_TIMEOUT] = { "icmp.timeout", TIMEOUT, .offset = AT(timeout_ms[TIMEOUT_ICMP]),
		.initial = "60s", .clause = "RFC 5508 REQ-2",
		.meaning = "silence after which a query session ends" },
	[OPT_ICMP_ERRORS] = { "icmp.errors", CHOICE, .offset = AT(icmp.errors),
		.values = errors_values, .initial = "translate", .clause = "RFC 5508 REQ-4, REQ-5",
		.meaning = "ICMP errors about known sessions" },
	[OPT_ICMP_ERROR_CHECKS] = { "icmp.error-checks", SWITCH, .offset = AT(icmp.error_checks),
		.initial = "on", .clause = "RFC 5508 REQ-3",
		.meaning = "whether errors with wrong checksums are dropped" },
	[OPT_ICMP_ERROR_RATE] = { "icmp.error-rate", NUMBER(0, 1000000, "a second"),
		.offset = AT(icmp.error_rate), .initial = "10", .clause = "RFC 5508 REQ-10",
		.meaning = "ICMP errors and RSTs of natem's own per second; 0 is none" },
	[OPT_ICMP_MUTE] = { "icmp.mute", CHOICE, .offset = AT(icmp.mute),
		.values = mute_values, .initial = "none", .clause = "RFC 5508 REQ-9",
		.meaning = "side that gets no ICMP errors of natem's own" },

	[OPT_OTHER_PROTOCOLS] = { "other.protocols", .type = OPTION_PROTOCOLS,
		.offset = AT(other), .initial = "none", .unit = "", .clause = "RFC 3022 2.1",
		.meaning = "IP protocols translated by address alone, one host per address" },
	[OPT_OTHER_FILTERING] = { "other.filtering", CHOICE,
		.offset = AT(protocol[NAT_OTHER].filtering), .values = filtering_values,
		.initial = "address-dependent", .clause = "",
		.meaning = "remotes that may send to such a mapping" },
	[OPT_OTHER_TIMEOUT] = { "other.timeout", TIMEOUT, .offset = AT(timeout_ms[TIMEOUT_OTHER]),
		.initial = "300s", .clause = "", .meaning = "silence after which such a session ends" },

	[OPT_FRAGMENTS_MODE] = { "fragments.mode", CHOICE, .offset = AT(fragments.mode),
		.values = fragments_values, .initial = "any-order", .clause = "RFC 4787 REQ-14",
		.meaning = "whether fragments may come before the first of their datagram" },
	[OPT_FRAGMENTS_TIMEOUT] = { "fragments.timeout", .type = OPTION_DURATION, .least = 2000,
		.most = 60000, .unit = "time", .offset = AT(fragments.timeout_ms),
		.initial = "10s", .clause = "RFC 6146 3.4",
		.meaning = "how long a datagram's fragments are waited for" },
	[OPT_FRAGMENTS_MAX_HELD] = { "fragments.max-held", NUMBER(1, FRAGMENT_HELD_MAX, "fragments"),
		.offset = AT(fragments.max_held), .initial = "256", .clause = "RFC 4787 REQ-14",
		.meaning = "fragments that may wait for their first at once" },
	[OPT_FRAGMENTS_MAX_BYTES] = { "fragments.max-bytes", NUMBER(2048, FRAGMENT_BYTES_MAX, "bytes"),
		.offset = AT(fragments.max_bytes), .initial = "1048576",
		.clause = "RFC 4787 REQ-14", .meaning = "bytes that fragments may take together while they wait" },
	[OPT_FRAGMENTS_MAX_PER_SOURCE] = { "fragments.max-per-source", NUMBER(1, FRAGMENT_HELD_MAX, "fragments"),
		.offset = AT(fragments.max_per_source), .initial = "32",
		.clause = "RFC 4787 REQ-14", .meaning = "fragments that may wait at once, from one address" },

	[OPT_PCP_SERVER] = { "pcp.server", SWITCH, .offset = AT(pcp.server), .initial = "off",
		.clause = "RFC 6888 REQ-9",
		.meaning = "whether hosts may ask for mappings, by PCP (UDP port 5351 of nat.lan)" },
	[OPT_PCP_MIN_LIFETIME] = { "pcp.min-lifetime", LIFETIME, .offset = AT(pcp.least_lifetime_ms),
		.initial = "120s", .clause = "RFC 6887 15",
		.meaning = "what a host gets that asks for a shorter time" },
	[OPT_PCP_MAX_LIFETIME] = { "pcp.max-lifetime", LIFETIME, .offset = AT(pcp.most_lifetime_ms),
		.initial = "86400s", .clause = "RFC 6887 15",
		.meaning = "what a host gets that asks for a longer time" },

	[OPT_LOG_FILE] = { "log.file", .machine = true, .type = OPTION_PATH, .offset = AT(log.file),
		.initial = "none", .unit = "", .clause = "RFC 6888 4",
		.meaning = "file that tells which host had which external port, and when" },
	[OPT_LOG_SYSLOG] = { "log.syslog", .machine = true, SWITCH, .offset = AT(log.syslog),
		.initial = "off", .clause = "RFC 6888 4",
		.meaning = "whether the system's log is told the same" },
	[OPT_LOG_DESTINATIONS] = { "log.destinations", .machine = true, SWITCH,
		.offset = AT(log.destinations), .initial = "off", .clause = "RFC 6888 REQ-12",
		.meaning = "whether both tell each session too, with its remote endpoint" },
};
/* clang-format on */

const struct option_spec *option_spec(enum option_id id)
{
	return &specs[id];
}

enum option_id option_of(enum option_id udp_knob, enum nat_protocol protocol)
{
	static const enum option_id first[NAT_OTHER] = { OPT_UDP_MAPPING, OPT_TCP_MAPPING,
							 OPT_ICMP_MAPPING };

	if (protocol == NAT_OTHER)
		return udp_knob == OPT_UDP_FILTERING ? OPT_OTHER_FILTERING : OPT_OTHER_PROTOCOLS;
	return (enum option_id)(first[protocol] + (udp_knob - OPT_UDP_MAPPING));
}

bool options_is_paired(const struct options *o, const struct addr *external)
{
	for (uint32_t i = 0; i < o->pairs.count; i++)
		if (addr_equal(&o->pairs.pairs[i].external, external))
			return true;
	return false;
}

bool options_is_reserved(const struct options *o, struct port_range ports)
{
	for (uint32_t i = 0; i < o->reserved.count; i++)
		if (o->reserved.ranges[i].first <= ports.last &&
		    ports.first <= o->reserved.ranges[i].last)
			return true;
	return false;
}

int64_t options_timeout_ms(const struct options *o, enum timeout_class class)
{
	unsigned int timer = class - TIMEOUT_PORT;

	switch (class) {
	case TIMEOUT_UDP:
	case TIMEOUT_TCP_ESTABLISHED:
	case TIMEOUT_ICMP:
	case TIMEOUT_OTHER:
		return o->timeout_ms[class];
	case TIMEOUT_UDP_UNREPLIED:
		return o->timeout_ms[o->timeout_ms[class] != 0 ? class : TIMEOUT_UDP];
	case TIMEOUT_TCP_OPENING:
	case TIMEOUT_TCP_CLOSING:
	case TIMEOUT_TCP_RESET:
	case TIMEOUT_TCP_TIME_WAIT:
		return o->timeout_ms[class] != 0 ? o->timeout_ms[class] : o->tcp.transitory_ms;
	case TIMEOUT_PORT:
	case TIMEOUT_CLASSES:
		break;
	}
	/* A session whose entry is gone from the list ages like any other. */
	return timer < o->port_timers.count ? o->port_timers.timers[timer].timeout_ms
					    : o->timeout_ms[TIMEOUT_UDP];
}

const char *options_format(const struct options *o, enum option_id id, char *buf)
{
	return option_value_format(&specs[id], o, buf);
}

const char *option_allowed(enum option_id id, char *buf)
{
	return option_value_allowed(&specs[id], buf);
}

/* --- the set as a whole -------------------------------------------------------------------- */

void options_init(struct options *o)
{
	memset(o, 0, sizeof(*o));
	/* Other protocols have no ports: the one a mapping has is the protocol's number. */
	o->protocol[NAT_OTHER].port_range = (struct port_range){ .first = 1, .last = UINT8_MAX };
	o->protocol[NAT_OTHER].fragments = SWITCH_ON;
	o->protocol[NAT_ICMP].range_class = RANGE_IGNORE; /* no identifier is privileged */
	for (unsigned int id = 0; id < OPTION_COUNT; id++)
		if (option_value_parse(&specs[id], specs[id].initial, o) < 0)
			abort(); /* the table contradicts itself */
}

static void explain_unknown(const char *key, char *why, size_t why_size)
{
	struct nearest nearest;

	nearest_init(&nearest, key, 4); /* keys are long; further off is no help */
	for (unsigned int id = 0; id < OPTION_COUNT; id++)
		nearest_offer(&nearest, specs[id].key);
	if (nearest.name != NULL)
		snprintf(why, why_size, "no knob '%.64s'; did you mean '%s'?", key, nearest.name);
	else
		snprintf(why, why_size, "no knob '%.64s'; 'natem options' lists them", key);
}

int options_set(struct options *o, const char *key, const char *value, char *why, size_t why_size)
{
	char allowed[OPTIONS_TEXT_MAX];

	for (unsigned int id = 0; id < OPTION_COUNT; id++) {
		if (strcmp(specs[id].key, key) != 0)
			continue;
		if (option_value_parse(&specs[id], value, o) == 0)
			return 0;
		snprintf(why, why_size, "%s: '%.64s' is not allowed; allowed: %s", key, value,
			 option_allowed((enum option_id)id, allowed));
		return -EINVAL;
	}
	explain_unknown(key, why, why_size);
	return -ENOENT;
}

/* Both names, their values, and why; always -EINVAL. */
static int contradict(char *why, size_t why_size, const char *a, const char *a_value, const char *b,
		      const char *b_value, const char *reason)
{
	snprintf(why, why_size, "%s=%s and %s=%s contradict each other: %s", a, a_value, b, b_value,
		 reason);
	return -EINVAL;
}

/* A shared port has no one to give a stranger's packet to (RFC 7857 section 3). */
static int check_overlap(const struct options *o, char *why, size_t why_size)
{
	char value[OPTIONS_TEXT_MAX];

	for (int p = 0; p < NAT_OTHER; p++) {
		enum option_id overlap = option_of(OPT_UDP_PORT_OVERLAP, (enum nat_protocol)p);
		enum option_id other = option_of(OPT_UDP_FILTERING, (enum nat_protocol)p);

		if (o->protocol[p].overlap == SWITCH_OFF)
			continue;
		if (o->protocol[p].ports == PORTS_OVERLOAD)
			return contradict(why, why_size, specs[overlap].key, "on",
					  specs[option_of(OPT_UDP_PORTS, (enum nat_protocol)p)].key,
					  "overload",
					  "under the one hosts share a port, under the other the "
					  "newest takes it from the others");
		if (o->protocol[p].filtering != FILTERING_ENDPOINT_INDEPENDENT)
			continue;
		snprintf(
			why, why_size,
			"%s=on and %s=%.32s contradict each other; a port that several hosts share "
			"leads to one of them only for a remote it was used with",
			specs[overlap].key, specs[other].key, options_format(o, other, value));
		return -EINVAL;
	}
	return 0;
}

/* An external endpoint may have one meaning only. */
static int check_forwards(const struct options *o, char *why, size_t why_size)
{
	char text[OPTION_FORWARD_TEXT], address[ADDR_TEXT_MAX];

	for (uint32_t i = 0; i < o->forwards.count; i++) {
		const struct forward *f = &o->forwards.forwards[i];

		if (!f->any_address && options_is_paired(o, &f->external)) {
			snprintf(why, why_size,
				 "nat.one-to-one and nat.forwards (%s) both use %s; a one-to-one "
				 "address has no ports left to forward",
				 option_format_forward(f, text),
				 addr_format(&f->external, address));
			return -EINVAL;
		}
		if (options_is_reserved(o, f->ports)) {
			snprintf(why, why_size,
				 "nat.reserved-ports and nat.forwards (%s) both use a port; it is "
				 "either the router's own or forwarded",
				 option_format_forward(f, text));
			return -EINVAL;
		}
	}
	return 0;
}

static uint64_t addresses_in(const struct addr_range *range)
{
	return (uint64_t)addr_ip4(&range->last) - addr_ip4(&range->first) + 1;
}

/* Blocks divide all ports from 1024 on, and a port in them is any of the block. */
static int check_block_ports(const struct options *o, char *why, size_t why_size)
{
	char value[OPTIONS_TEXT_MAX];
	const char *blocks = blocks_values[o->blocks.behavior].name;

	for (int p = 0; p < NAT_OTHER; p++) {
		const struct protocol_options *po = &o->protocol[p];
		enum option_id ports = option_of(OPT_UDP_PORTS, (enum nat_protocol)p);
		enum option_id range = option_of(OPT_UDP_PORT_RANGE, (enum nat_protocol)p);

		if (po->ports == PORTS_OVERLOAD || po->ports == PORTS_PRESERVE_ONLY)
			return contradict(why, why_size, "nat.blocks", blocks, specs[ports].key,
					  ports_values[po->ports].name,
					  "a port that is always kept is in no block of its host");
		if (po->port_range.first > 1024 || po->port_range.last < UINT16_MAX)
			return contradict(why, why_size, "nat.blocks", blocks, specs[range].key,
					  options_format(o, range, value),
					  "blocks divide all ports from 1024 to 65535");
	}
	return 0;
}

/* One external endpoint for both needs one range for both. */
static int check_scope(const struct options *o, char *why, size_t why_size)
{
	const struct port_range *udp = &o->protocol[NAT_UDP].port_range;
	const struct port_range *tcp = &o->protocol[NAT_TCP].port_range;
	char value[OPTIONS_TEXT_MAX];

	if (o->scope == SCOPE_PER_PROTOCOL)
		return 0;
	if (udp->first != tcp->first || udp->last != tcp->last)
		return contradict(why, why_size, "nat.protocol-scope", "shared", "tcp.port-range",
				  options_format(o, OPT_TCP_PORT_RANGE, value),
				  "UDP and TCP that share their ports need one range, the same in "
				  "udp.port-range");
	for (int p = 0; p < NAT_ICMP; p++)
		if (o->protocol[p].ports == PORTS_OVERLOAD)
			return contradict(why, why_size, "nat.protocol-scope", "shared",
					  specs[option_of(OPT_UDP_PORTS, (enum nat_protocol)p)].key,
					  "overload",
					  "a port taken from another host would be half of a pair");
	return 0;
}

/* Is any port of UDP and TCP left that is not reserved? */
static int check_reserved(const struct options *o, char *why, size_t why_size)
{
	char value[OPTIONS_TEXT_MAX];

	for (int p = 0; p < NAT_ICMP; p++) {
		struct port_range range = o->protocol[p].port_range;
		uint32_t left = (uint32_t)range.last - range.first + 1;

		for (uint32_t i = 0; i < o->reserved.count; i++) {
			const struct port_range *r = &o->reserved.ranges[i];
			uint32_t first = r->first > range.first ? r->first : range.first;
			uint32_t last = r->last < range.last ? r->last : range.last;

			left -= last >= first ? last - first + 1 : 0;
		}
		if (left == 0) {
			enum option_id id = option_of(OPT_UDP_PORT_RANGE, (enum nat_protocol)p);

			return contradict(why, why_size, "nat.reserved-ports", "(these)",
					  specs[id].key, options_format(o, id, value),
					  "no port is left");
		}
	}
	return 0;
}

/* Each host of nat.internal must have a port at least (RFC 7422 section 2). */
static int check_blocks(const struct options *o, char *why, size_t why_size)
{
	uint64_t hosts = addresses_in(&o->blocks.internal), addresses = 0;
	char internal[OPTIONS_TEXT_MAX];

	if (o->blocks.behavior == BLOCKS_OFF)
		return 0;
	if (check_block_ports(o, why, why_size) < 0)
		return -EINVAL;
	if (o->blocks.behavior == BLOCKS_DETERMINISTIC && o->pooling != POOLING_PAIRED)
		return contradict(why, why_size, "nat.blocks", "deterministic", "nat.pooling",
				  pooling_values[o->pooling].name,
				  "the formula says which external address a host has");
	for (uint32_t i = 0; i < o->external.count; i++)
		addresses += addresses_in(&o->external.ranges[i]);
	if (o->blocks.behavior == BLOCKS_DYNAMIC || addresses == 0 ||
	    (hosts + addresses - 1) / addresses + o->blocks.overflow <= 65536 - 1024)
		return 0;
	snprintf(why, why_size,
		 "nat.internal=%.64s and nat.external (%" PRIu64
		 " addresses) contradict each other "
		 "under nat.blocks=deterministic; there is less than a port for each of %" PRIu64
		 " hosts",
		 options_format(o, OPT_NAT_INTERNAL, internal), addresses, hosts);
	return -EINVAL;
}

static int check_ports(const struct options *o, char *why, size_t why_size)
{
	for (int p = 0; p < NAT_ICMP; p++) {
		const struct protocol_options *po = &o->protocol[p];

		if (po->range_class == RANGE_IGNORE || po->port_range.last >= 1024)
			continue;
		snprintf(why, why_size,
			 "%s=%u-%u and %s contradict each other; a port from 1024 on must stay "
			 "there, unless the latter is ignore",
			 specs[option_of(OPT_UDP_PORT_RANGE, (enum nat_protocol)p)].key,
			 po->port_range.first, po->port_range.last,
			 specs[p == NAT_UDP ? OPT_UDP_RANGE_CLASS : OPT_TCP_RANGE_CLASS].key);
		return -EINVAL;
	}
	return 0;
}

static int check_lifetimes(const struct options *o, char *why, size_t why_size)
{
	char least[OPTIONS_TEXT_MAX], most[OPTIONS_TEXT_MAX];

	if (o->pcp.least_lifetime_ms <= o->pcp.most_lifetime_ms)
		return 0;
	return contradict(
		why, why_size, specs[OPT_PCP_MIN_LIFETIME].key,
		options_format(o, OPT_PCP_MIN_LIFETIME, least), specs[OPT_PCP_MAX_LIFETIME].key,
		options_format(o, OPT_PCP_MAX_LIFETIME, most), "no lifetime is left between them");
}

int options_check(const struct options *o, char *why, size_t why_size)
{
	if (strcmp(o->lan, o->wan) == 0) {
		snprintf(why, why_size, "nat.lan and nat.wan are both '%s'; a router has two sides",
			 o->lan);
		return -EINVAL;
	}
	if (check_overlap(o, why, why_size) < 0 || check_forwards(o, why, why_size) < 0 ||
	    check_ports(o, why, why_size) < 0 || check_blocks(o, why, why_size) < 0 ||
	    check_scope(o, why, why_size) < 0 || check_reserved(o, why, why_size) < 0 ||
	    check_lifetimes(o, why, why_size) < 0)
		return -EINVAL;
	if (o->max_sessions < o->max_mappings) {
		snprintf(why, why_size,
			 "nat.max-sessions (%" PRIu64 ") is below nat.max-mappings (%" PRIu64
			 "); every mapping has a session",
			 o->max_sessions, o->max_mappings);
		return -EINVAL;
	}
	return 0;
}
