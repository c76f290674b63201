/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * protocol.c - the tables themselves: types, then of each method parameters and result, then the
 * methods
 */
#include "nat/daemon/protocol.h"

#include "nat/daemon/methods_parts.h"
#include "nat/daemon/nattime.h"

/* A row leaves out what it does not have. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

#define ONE_OF(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* --- texts -------------------------------------------------------------------------------- */

static bool fits_address(const char *text)
{
	struct addr a;

	return addr_parse(text, &a) == 0;
}

static bool fits_endpoint(const char *text)
{
	struct endpoint e;

	return endpoint_parse(text, &e) == 0;
}

static const char *protocol_at(unsigned int n)
{
	return n < NAT_PROTOCOLS ? nat_protocol_name((enum nat_protocol)n) : NULL;
}

static const char *tcp_state_at(unsigned int n)
{
	return n < TCP_STATES ? tcp_state_name((enum tcp_state)n) : NULL;
}

static const char *reason_at(unsigned int n)
{
	return n < REASON_COUNT ? reason_spec((enum nat_reason)n)->name : NULL;
}

static const char *event_type_at(unsigned int n)
{
	return n < EVENT_TYPES ? event_type_name((enum event_type)n) : NULL;
}

static const struct type address = {
	"address",
	"an IPv4 address",
	.fits = fits_address,
	.needed = "an address is needed, such as 192.168.1.2",
};

static const struct type endpoint = {
	"endpoint",
	"ADDRESS:PORT; for ICMP queries the identifier takes the port's place, for other "
	"protocols their number",
	.fits = fits_endpoint,
	.needed = "an endpoint is needed, such as 203.0.113.1:40213",
};

static const struct type duration = {
	"duration",
	"a time, such as 300s, 5m or 2h4m; a bare number is seconds",
	.needed = "a time is needed, such as 300s, 5m or 2h4m",
};

static const struct type protocol = {
	"protocol",
	"of a mapping; other stands for all of other.protocols",
	.value_at = protocol_at,
};

static const struct type tcp_state = {
	"tcp-state",
	"as RFC 6146 names them, and TIME_WAIT",
	.value_at = tcp_state_at,
};

static const struct type reason = {
	"reason",
	"why a packet passed or was dropped: the name of its counter",
	.value_at = reason_at,
	.needed = "the name of a counter is needed; 'natem counters' lists them",
};

static const struct type event_type = {
	"event-type",
	"what kind of thing has happened",
	.value_at = event_type_at,
};

/* --- the status --------------------------------------------------------------------------- */

static const struct member usage_members[] = {
	{ "live", VALUE_INTEGER, "how many there are" },
	{ "limit", VALUE_INTEGER, "how many there may be" },
	{ "created", VALUE_INTEGER, "how many there ever were" },
	{ 0 },
};
static const struct type usage = { "usage", "how full a table is", usage_members };

static const struct member session_usage_members[] = {
	{ "live", VALUE_INTEGER, "how many there are" },
	{ "limit", VALUE_INTEGER, "how many there may be" },
	{ "created", VALUE_INTEGER, "how many there ever were" },
	{ "expired", VALUE_INTEGER, "how many were ended by their timer" },
	{ 0 },
};
static const struct type session_usage = {
	"session-usage",
	"how full the table of sessions is",
	session_usage_members,
};

static const struct member held_members[] = {
	{ "fragments", VALUE_INTEGER, "those that wait for the first of their datagram" },
	{ "syns", VALUE_INTEGER, "unsolicited ones that wait for their answer" },
	{ 0 },
};
static const struct type held = { "held", "packets that wait", held_members };

static const struct member pcp_members[] = {
	{ "leases", VALUE_INTEGER, "that there are now" },
	{ "granted", VALUE_INTEGER, "requests granted since the start" },
	{ "refused", VALUE_INTEGER, "requests refused; the host was told why" },
	{ "ignored", VALUE_INTEGER,
	  "what is no request, or comes from one of our own external addresses" },
	{ 0 },
};
static const struct type pcp = { "pcp", "what hosts asked for (RFC 6887)", pcp_members };

static const struct member own_packets_members[] = {
	{ "made", VALUE_INTEGER, "ICMP errors and resets" },
	{ "lost", VALUE_INTEGER, "not made, for want of room" },
	{ "sent", VALUE_INTEGER, "the system took them" },
	{ "failed", VALUE_INTEGER, "the system did not take them" },
	{ 0 },
};
static const struct type own_packets = {
	"own-packets",
	"packets of the NAT's own",
	own_packets_members,
};

static const struct member queue_members[] = {
	{ "number", VALUE_INTEGER, "of the NFQUEUE" },
	{ "packets", VALUE_INTEGER, "received" },
	{ "batches", VALUE_INTEGER, "they came in" },
	{ "overruns", VALUE_INTEGER, "times the kernel lost packets for want of room" },
	{ "lost_verdicts", VALUE_INTEGER, "that the kernel did not take" },
	{ 0 },
};
static const struct type queue = { "queue", "the way packets come", queue_members };

static const struct member log_members[] = {
	{ "file", VALUE_TEXT | VALUE_NULL, "log.file; null if there is none" },
	{ "written", VALUE_INTEGER, "records written to it" },
	{ "waiting", VALUE_INTEGER, "that are not written yet" },
	{ "lost", VALUE_INTEGER, "that could not be" },
	{ "errors", VALUE_INTEGER, "attempts to write that failed" },
	{ "failing", VALUE_BOOLEAN, "did the last one?" },
	{ "syslog", VALUE_BOOLEAN, "is the system's log told too?" },
	{ "syslog_sent", VALUE_INTEGER, "records sent there" },
	{ "syslog_lost", VALUE_INTEGER, "that it did not take" },
	{ 0 },
};
static const struct type mapping_log = { "log", "the mapping log", log_members };

static const struct member clock_members[] = {
	{ "frozen", VALUE_BOOLEAN, "does NAT time stand?" },
	{ "scale", VALUE_TEXT,
	  "how fast it runs, or will when it is resumed: 1 is real time, 60 a minute in a second" },
	{ "real_ms", VALUE_INTEGER, "real time since the daemon started" },
	{ "nat_ms", VALUE_INTEGER, "NAT time since then" },
	{ 0 },
};
static const struct type nat_clock = {
	"clock",
	"NAT time, by which mappings and sessions age",
	clock_members,
};

static const struct member status_result[] = {
	{ "version", VALUE_TEXT, "of the daemon" },
	{ "pid", VALUE_INTEGER, "its process" },
	{ "uptime_ms", VALUE_INTEGER, "how long it is up, in real time" },
	{ "lan", VALUE_TEXT, "its internal interface" },
	{ "wan", VALUE_TEXT, "its external interface" },
	{ "lan_address", VALUE_NULL,
	  "the first IPv4 address of lan, which hosts have for a gateway; null if it has none",
	  &address },
	{ "external", VALUE_LIST,
	  "its addresses: those of the pool, then those of one-to-one pairs", &address },
	{ "mappings", 0, "their table", &usage },
	{ "sessions", 0, "their table", &session_usage },
	{ "resting_ports", VALUE_INTEGER, "ports that were freed and are not given again yet" },
	{ "held", 0, "packets that wait", &held },
	{ "pcp", 0, "what hosts asked for", &pcp },
	{ "own_packets", 0, "packets of the NAT's own", &own_packets },
	{ "queue", 0, "the way packets come", &queue },
	{ "log", 0, "the mapping log", &mapping_log },
	{ "clock", 0, "as clock.get gives it", &nat_clock },
	{ 0 },
};

/* --- lists -------------------------------------------------------------------------------- */

static const struct member page_parameters[] = {
	{ "cursor", VALUE_INTEGER | VALUE_OPTIONAL, "where to go on", .most = UINT32_MAX,
	  .initial = "0" },
	{ "limit", VALUE_INTEGER | VALUE_OPTIONAL, "the most records wanted; there may be fewer",
	  .least = 1, .most = 1000, .initial = "1000" },
	{ 0 },
};

#define PAGE_NEXT                                                          \
	{                                                                  \
		"next", VALUE_INTEGER | VALUE_NULL,                        \
			"the cursor of the next page; null after the last" \
	}

static const struct member traffic_members[] = {
	{ "packets", VALUE_INTEGER, "how many" },
	{ "bytes", VALUE_INTEGER, "of IP, headers included" },
	{ 0 },
};
static const struct type traffic = { "traffic", "an amount of it, one way", traffic_members };

static const struct member mapping_members[] = {
	{ "id", VALUE_INTEGER, "record number, unique among living mappings" },
	{ "protocol", 0, "which", &protocol },
	{ "internal", 0, "the endpoint of the internal host", &endpoint },
	{ "external", 0, "the endpoint that stands for it", &endpoint },
	{ "remote", VALUE_NULL | VALUE_TEXT,
	  "what else it is kept apart by: null (endpoint-independent), an address or an endpoint" },
	{ "state", VALUE_NULL,
	  "of the session used last; null for other protocols than TCP, and where there is none",
	  &tcp_state },
	{ "sessions", VALUE_INTEGER, "how many remote endpoints it talks to" },
	{ "fixed", VALUE_BOOLEAN,
	  "was it made by a forward, a one-to-one pair or the DMZ? Then every remote may send "
	  "to it" },
	{ "lease_ms", VALUE_INTEGER | VALUE_NULL,
	  "how much longer its host has it by request, in NAT time; until then every remote may "
	  "send to it; null if the host did not ask or that is over" },
	{ "age_ms", VALUE_INTEGER, "since it was made, in NAT time" },
	{ "expires_in_ms", VALUE_INTEGER,
	  "until it ends if nothing comes, with its last session or its lease, in NAT time" },
	{ "outbound", 0, "over all sessions it has had", &traffic },
	{ "inbound", 0, "over all sessions it has had", &traffic },
	{ 0 },
};
static const struct type mapping = {
	"mapping",
	"an external endpoint that stands for an internal one",
	mapping_members,
};

static const struct member mappings_result[] = {
	{ "mappings", VALUE_LIST, "the page", &mapping },
	PAGE_NEXT,
	{ 0 },
};

static const struct member session_members[] = {
	{ "id", VALUE_INTEGER, "record number, unique among living sessions" },
	{ "protocol", 0, "which", &protocol },
	{ "internal", 0, "the endpoint of the internal host", &endpoint },
	{ "external", 0, "the endpoint that stands for it", &endpoint },
	{ "remote", VALUE_TEXT, "the remote endpoint; for ICMP queries the remote address" },
	{ "state", VALUE_NULL, "null for other protocols than TCP", &tcp_state },
	{ "mapping", VALUE_INTEGER, "id of its mapping" },
	{ "opened_by", VALUE_TEXT, "the side that sent the first packet",
	  .values = ONE_OF("internal", "external") },
	{ "age_ms", VALUE_INTEGER, "since it was made, in NAT time" },
	{ "expires_in_ms", VALUE_INTEGER, "until it ends if nothing comes, in NAT time" },
	{ "outbound", 0, "of this session alone", &traffic },
	{ "inbound", 0, "of this session alone", &traffic },
	{ 0 },
};
static const struct type session = {
	"session",
	"a mapping with one of its remote endpoints",
	session_members,
};

static const struct member sessions_result[] = {
	{ "sessions", VALUE_LIST, "the page", &session },
	PAGE_NEXT,
	{ 0 },
};

static const struct member use_members[] = {
	{ "count", VALUE_INTEGER, "how many it has open" },
	{ "quota", VALUE_INTEGER | VALUE_NULL, "how many it may; null: no limit" },
	{ 0 },
};
static const struct type use = { "use", "what a host has open, of which quota", use_members };

static const struct member uses_members[] = {
	{ "all", 0, "of all protocols together", &use },
	{ "udp", 0, "of UDP", &use },
	{ "tcp", 0, "of TCP", &use },
	{ "icmp", 0, "of ICMP queries", &use },
	{ "other", 0, "of other protocols", &use },
	{ 0 },
};
static const struct type uses = { "uses", "the same by protocol", uses_members };

static const struct member block_members[] = {
	{ "external", 0, "its address", &address },
	{ "first", VALUE_INTEGER, "port", .most = UINT16_MAX },
	{ "last", VALUE_INTEGER, "port", .most = UINT16_MAX },
	{ 0 },
};
static const struct type block = { "block", "ports that are one host's", block_members };

static const struct member host_members[] = {
	{ "id", VALUE_INTEGER, "record number, unique among living hosts" },
	{ "address", 0, "the host", &address },
	{ "external", VALUE_NULL, "the address it is paired with, or that is its own; null if none",
	  &address },
	{ "mappings", 0, "how many", &uses },
	{ "sessions", 0, "how many", &uses },
	{ "blocks", VALUE_LIST, "of ports", &block },
	{ 0 },
};
static const struct type host = { "host", "an internal host that has anything open", host_members };

static const struct member hosts_result[] = {
	{ "hosts", VALUE_LIST, "the page", &host },
	PAGE_NEXT,
	{ 0 },
};

/* --- forwards ----------------------------------------------------------------------------- */

#define RULE_KINDS ONE_OF("udp", "tcp", "one-to-one", "dmz", "exempt")
#define RULE_KIND                                                                           \
	{                                                                                   \
		"kind", VALUE_TEXT, "udp and tcp: a forward of ports", .values = RULE_KINDS \
	}
#define RULE_MEMBERS                                                                               \
	RULE_KIND,                                                                                 \
		{ "external", VALUE_TEXT | VALUE_NULL,                                             \
		  "of a forward: a port or a range, of every external address or, as in "          \
		  "203.0.113.1:80, "                                                               \
		  "of one; of a pair: the address; else null" },                                   \
		{ "remote", VALUE_TEXT | VALUE_NULL,                                               \
		  "of exempt: addresses, with a port or without; else null" },                     \
	{                                                                                          \
		"internal", VALUE_TEXT | VALUE_NULL,                                               \
			"where it leads: an endpoint (of a range, where its first port leads) or " \
			"an address; "                                                             \
			"null of exempt"                                                           \
	}

static const struct member rule_members[] = { RULE_MEMBERS, { 0 } };
static const struct type rule = {
	"rule",
	"what leads in from outside, or out without translation",
	rule_members,
};

static const struct member forward_members[] = {
	RULE_MEMBERS,
	{ "sessions", VALUE_INTEGER | VALUE_NULL, "how many are open through it; null of exempt" },
	{ 0 },
};
static const struct type forward = { "forward", "a rule, and its use", forward_members };

static const struct member forwards_list_result[] = {
	{ "forwards", VALUE_LIST,
	  "the entries of nat.forwards, nat.one-to-one, nat.dmz and nat.exempt, in this order",
	  &forward },
	{ 0 },
};

#define RULE_PARAMETERS                                                                        \
	RULE_KIND,                                                                             \
		{ "external", VALUE_TEXT | VALUE_INTEGER | VALUE_OPTIONAL,                     \
		  "of a forward: a port or a range, alone or after an external address; of a " \
		  "pair: the "                                                                 \
		  "address" },                                                                 \
	{                                                                                      \
		"remote", VALUE_TEXT | VALUE_OPTIONAL,                                         \
			"of exempt: an address, a range a-b or a prefix a/len, alone or with " \
			":PORT"                                                                \
	}

static const struct member forwards_add_parameters[] = {
	RULE_PARAMETERS,
	{ "internal", VALUE_TEXT | VALUE_OPTIONAL,
	  "where it leads: of a forward an endpoint, of a pair and the DMZ an address" },
	{ 0 },
};
static const struct member forwards_add_result[] = {
	{ "added", 0, "as forwards.list shows it", &rule },
	{ 0 },
};

static const struct member forwards_del_parameters[] = { RULE_PARAMETERS, { 0 } };
static const struct member forwards_del_result[] = {
	{ "deleted", 0, "as forwards.list showed it", &rule },
	{ 0 },
};

/* --- who has a port ----------------------------------------------------------------------- */

static const struct member who_parameters[] = {
	{ "external", 0, "the endpoint asked about", &endpoint },
	{ "protocol", VALUE_OPTIONAL, "only this one", &protocol },
	{ 0 },
};

static const struct member port_use_members[] = {
	{ "protocol", 0, "which", &protocol },
	{ "state", VALUE_TEXT,
	  "the first that holds; reserved: the router's own; resting: used not long ago; "
	  "shared: the other of UDP and TCP has it",
	  .values = ONE_OF("mapped", "forwarded", "reserved", "resting", "shared", "free") },
	{ "mappings", VALUE_LIST, "that have it now; several only where ports overlap", &mapping },
	{ "rule", VALUE_NULL, "what would lead a packet in if there were no mapping; or null",
	  &rule },
	{ "leads_to", VALUE_NULL, "where to; or null", &endpoint },
	{ "free_in_ms", VALUE_INTEGER | VALUE_NULL,
	  "until a resting port may be given again, in NAT time; else null" },
	{ 0 },
};
static const struct type port_use = { "port-use", "one protocol's use of a port",
				      port_use_members };

static const struct member port_block_members[] = {
	{ "kind", VALUE_TEXT,
	  "given to the host that has it; by the formula of RFC 7422, used or not; or for hosts "
	  "whose own is used up",
	  .values = ONE_OF("dynamic", "deterministic", "overflow") },
	{ "first", VALUE_INTEGER, "port", .most = UINT16_MAX },
	{ "last", VALUE_INTEGER, "port", .most = UINT16_MAX },
	{ "host", VALUE_NULL, "whose it is; null if nobody's", &address },
	{ 0 },
};
static const struct type port_block = {
	"port-block",
	"the block of ports that a port is in",
	port_block_members,
};

static const struct member who_result[] = {
	{ "external", 0, "what was asked for", &endpoint },
	{ "is_external", VALUE_BOOLEAN,
	  "is its address one of the NAT's? If not, the rest is empty" },
	{ "protocols", VALUE_LIST,
	  "udp, tcp, icmp, and other if the port is the number of one in other.protocols; or "
	  "the one that was asked for",
	  &port_use },
	{ "block", VALUE_NULL, "that the port is in; null if none", &port_block },
	{ 0 },
};

/* --- what would become of a packet --------------------------------------------------------- */

#define END_NEEDED "an IPv4 address is needed, with its port or identifier: 192.168.1.2:6789"

static const struct member explain_parameters[] = {
	{ "protocol", 0, "of the packet; icmp: an Echo", &protocol },
	{ "number", VALUE_INTEGER | VALUE_OPTIONAL, "of the IP protocol, with protocol other",
	  .most = UINT8_MAX },
	{ "source", VALUE_TEXT,
	  "as the packet comes: of UDP and TCP an endpoint; of ICMP an endpoint, with the "
	  "identifier, on the NAT's own side, and an address on the other; else an address",
	  .needed = END_NEEDED },
	{ "destination", VALUE_TEXT, "likewise", .needed = END_NEEDED },
	{ "from", VALUE_TEXT | VALUE_OPTIONAL, "the side it comes from: the LAN or the WAN",
	  .values = ONE_OF("internal", "external"), .initial = "\"internal\"" },
	{ "flags", VALUE_TEXT | VALUE_OPTIONAL,
	  "of TCP, one or more of syn, ack, fin and rst, as in syn,ack; without it ack where "
	  "there is a session, else syn" },
	{ 0 },
};

static const struct member tried_members[] = {
	{ "protocol", 0, "which", &protocol },
	{ "number", VALUE_INTEGER, "IP's, of the protocol", .most = UINT8_MAX },
	{ "source", VALUE_TEXT, "as it comes" },
	{ "destination", VALUE_TEXT, "as it comes" },
	{ "from", VALUE_TEXT, "the side it comes from", .values = ONE_OF("internal", "external") },
	{ "flags", VALUE_TEXT | VALUE_NULL, "of TCP, as in SYN,ACK; else null" },
	{ "type", VALUE_INTEGER | VALUE_NULL, "of ICMP; else null", .most = UINT8_MAX },
	{ 0 },
};
static const struct type tried = { "tried-packet", "the packet that was tried out", tried_members };

static const struct member ends_members[] = {
	{ "source", VALUE_TEXT, "as it goes on" },
	{ "destination", VALUE_TEXT, "as it goes on" },
	{ 0 },
};
static const struct type ends = { "packet-ends", "source and destination", ends_members };

static const struct member deciding_knob_members[] = {
	{ "key", VALUE_TEXT, "its name" },
	{ "value", VALUE_TEXT, "what it is set to" },
	{ "meaning", VALUE_TEXT, "one line" },
	{ "clause", VALUE_TEXT, "the RFC requirement, or empty" },
	{ 0 },
};
static const struct type deciding_knob = {
	"deciding-knob",
	"a knob that could have made another thing of the packet",
	deciding_knob_members,
};

static const struct member touched_mapping_members[] = {
	{ "id", VALUE_INTEGER, "record number" },
	{ "new", VALUE_BOOLEAN, "would it be made for the packet?" },
	{ "internal", 0, "the endpoint of the internal host", &endpoint },
	{ "external", 0, "the endpoint that stands for it", &endpoint },
	{ "fixed", VALUE_BOOLEAN, "by a forward, a one-to-one pair or the DMZ?" },
	{ "leased", VALUE_BOOLEAN, "has its host asked for it?" },
	{ 0 },
};
static const struct type touched_mapping = {
	"touched-mapping",
	"the mapping that a packet is about; of a hairpinned one, that of the host that gets it",
	touched_mapping_members,
};

static const struct member touched_session_members[] = {
	{ "id", VALUE_INTEGER, "record number" },
	{ "new", VALUE_BOOLEAN, "would it be made for the packet?" },
	{ "opened_by", VALUE_TEXT, "the side that sent the first packet",
	  .values = ONE_OF("internal", "external") },
	{ "remote", VALUE_TEXT, "the remote endpoint; for ICMP queries the remote address" },
	{ "tcp_before", VALUE_NULL, "null for other protocols than TCP", &tcp_state },
	{ "tcp_after", VALUE_NULL, "null for other protocols than TCP", &tcp_state },
	{ 0 },
};
static const struct type touched_session = {
	"touched-session",
	"the session that a packet is traffic of",
	touched_session_members,
};

static const struct member reply_members[] = {
	{ "kind", VALUE_TEXT, "an ICMP error or a RST", .values = ONE_OF("icmp", "rst") },
	{ "type", VALUE_INTEGER | VALUE_NULL, "of ICMP; else null", .most = UINT8_MAX },
	{ "code", VALUE_INTEGER | VALUE_NULL, "of ICMP; else null", .most = UINT8_MAX },
	{ "destination", 0, "whom it is for: the sender of the packet", &address },
	{ 0 },
};
static const struct type reply = { "own-reply", "what the NAT itself says at once", reply_members };

static const struct member explain_result[] = {
	{ "packet", 0, "what was tried out", &tried },
	{ "verdict", VALUE_TEXT, "what would become of it; passed: it stays as it is",
	  .values = ONE_OF("rewritten", "passed", "dropped") },
	{ "after", VALUE_NULL, "its ends then; null if it is dropped", &ends },
	{ "reason", 0, "why", &reason },
	{ "meaning", VALUE_TEXT, "of the reason, one line" },
	{ "clause", VALUE_TEXT, "the RFC requirement, or empty" },
	{ "advice", VALUE_TEXT, "what to look at or change so that it passes; empty if it does" },
	{ "knob", VALUE_NULL, "that decided; null if none did", &deciding_knob },
	{ "mapping", VALUE_NULL, "that it is about; null if none", &touched_mapping },
	{ "session", VALUE_NULL, "that it is traffic of; null if none", &touched_session },
	{ "reply", VALUE_NULL, "what the NAT itself would answer its sender; null if nothing",
	  &reply },
	{ "text", VALUE_TEXT, "the same as a paragraph, for people" },
	{ 0 },
};

/* --- events and counters ------------------------------------------------------------------ */

static const struct member events_parameters[] = {
	{ "from", VALUE_INTEGER | VALUE_OPTIONAL, "number of the first event wanted", .least = 1,
	  .most = INT64_MAX, .initial = "1" },
	{ "limit", VALUE_INTEGER | VALUE_OPTIONAL, "the most events wanted", .least = 1,
	  .most = EVENT_RING, .initial = "256" },
	{ "flows", VALUE_BOOLEAN | VALUE_OPTIONAL,
	  "those of mappings, sessions and blocks, which are kept while somebody listens",
	  .initial = "false" },
	{ 0 },
};

static const struct member event_members[] = {
	{ "number", VALUE_INTEGER, "counts from 1 on; a gap before the first: older ones are lost",
	  .least = 1 },
	{ "age_ms", VALUE_INTEGER, "since then, in NAT time" },
	{ "type", 0, "what kind of thing", &event_type },
	{ "reason", VALUE_NULL, "the counter that began to rise, with limit-reached; else null",
	  &reason },
	{ "protocol", VALUE_NULL,
	  "of the first packet refused, of a forward, of a mapping; else null", &protocol },
	{ "knob", VALUE_TEXT | VALUE_NULL,
	  "the knob that refuses, or was changed, or that lists the rule; else null" },
	{ "preset", VALUE_TEXT | VALUE_NULL, "the one that was set; else null" },
	{ "host", VALUE_NULL,
	  "the internal host it is about (of several, the first that met the limit); or null",
	  &address },
	{ "external", VALUE_NULL,
	  "the ports it is about: the first of them; or that of a mapping; else null", &endpoint },
	{ "last", VALUE_INTEGER | VALUE_NULL, "the last port of a block; else null",
	  .most = UINT16_MAX },
	{ "internal", VALUE_NULL, "a mapping's internal endpoint; else null", &endpoint },
	{ "remote", VALUE_TEXT | VALUE_NULL,
	  "what a mapping is kept apart by; of a session, its remote endpoint; else null" },
	{ "mapping", VALUE_INTEGER | VALUE_NULL, "its id; else null" },
	{ "session", VALUE_INTEGER | VALUE_NULL, "its id; else null" },
	{ "cause", VALUE_TEXT | VALUE_NULL, "why a mapping or session ended; else null" },
	{ "duration_ms", VALUE_INTEGER | VALUE_NULL,
	  "how long it was there, in NAT time; else null" },
	{ "text", VALUE_TEXT, "the same as a sentence, for people" },
	{ 0 },
};
static const struct type event = { "event", "something that has happened", event_members };

static const struct member events_result[] = {
	{ "events", VALUE_LIST, "the oldest first", &event },
	{ "next", VALUE_INTEGER, "the from with which to ask for what comes after these",
	  .least = 1 },
	{ 0 },
};

static const struct member subscribed_result[] = {
	{ "subscribed", VALUE_TRUE, "what comes from now on are notifications" },
	{ 0 },
};

static const struct member missed_members[] = {
	{ "count", VALUE_INTEGER, "how many were not read in time", .least = 1 },
	{ 0 },
};

static const struct member events_subscribe_parameters[] = {
	{ "from", VALUE_INTEGER | VALUE_OPTIONAL,
	  "number of the first event wanted, of those that were before; without it, none of them",
	  .least = 1, .most = UINT32_MAX },
	{ "flows", VALUE_BOOLEAN | VALUE_OPTIONAL,
	  "mappings and sessions that begin and end from now on, instead; from means nothing then",
	  .initial = "false" },
	{ 0 },
};
static const struct notification events_missed = { "events.missed", "events that are lost",
						   missed_members, NULL };
static const struct notification events_event = {
	"events.event",
	"something has happened",
	event_members,
	&events_missed,
};

/* --- packets ------------------------------------------------------------------------------- */

#define FILTER_PARAMETERS                                                                        \
	{ "host", VALUE_OPTIONAL, "packets that have this address, before or after", &address }, \
		{ "port", VALUE_INTEGER | VALUE_OPTIONAL, "likewise this port",                  \
		  .most = UINT16_MAX },                                                          \
		{ "protocol", VALUE_OPTIONAL, "of this protocol", &protocol },                   \
		{ "reason", VALUE_OPTIONAL, "of this reason", &reason },                         \
	{                                                                                        \
		"drops", VALUE_BOOLEAN | VALUE_OPTIONAL, "only those that were dropped",         \
			.initial = "false"                                                       \
	}

static const struct member trace_parameters[] = { FILTER_PARAMETERS, { 0 } };

static const struct member capture_parameters[] = {
	FILTER_PARAMETERS,
	{ "snaplen", VALUE_INTEGER | VALUE_OPTIONAL, "the most bytes of a packet", .least = 64,
	  .most = UINT16_MAX, .initial = "65535" },
	{ 0 },
};

static const struct member icmp_members[] = {
	{ "type", VALUE_INTEGER, "of the message", .most = UINT8_MAX },
	{ "code", VALUE_INTEGER, "of the message", .most = UINT8_MAX },
	{ 0 },
};
static const struct type icmp = { "icmp", "what an ICMP message is", icmp_members };

static const struct member packet_members[] = {
	{ "number", VALUE_INTEGER,
	  "counts the packets that passed while anybody was subscribed; of drops.list, all drops",
	  .least = 1 },
	{ "time", VALUE_TEXT, "time of day, UTC" },
	{ "from", VALUE_TEXT | VALUE_NULL, "the side it came from; null: neither",
	  .values = ONE_OF("internal", "external") },
	{ "protocol", VALUE_NULL,
	  "null where it could not be taken apart, as are the ends and what follows from them",
	  &protocol },
	{ "ip_protocol", VALUE_INTEGER | VALUE_NULL, "the number in the IP header",
	  .most = UINT8_MAX },
	{ "flags", VALUE_TEXT | VALUE_NULL,
	  "of TCP, such as SYN,ACK; else, and where its header could not be taken apart, null" },
	{ "icmp", VALUE_NULL, "of ICMP; else null", &icmp },
	{ "fragment_offset", VALUE_INTEGER | VALUE_NULL,
	  "in bytes; null of what is no fragment. Fragments but the first have port 0",
	  .most = UINT16_MAX },
	{ "length", VALUE_INTEGER, "bytes of IP, header included" },
	{ "source", VALUE_NULL, "as it came; of a held fragment that goes on, as it goes",
	  &endpoint },
	{ "destination", VALUE_NULL, "likewise", &endpoint },
	{ "new_source", VALUE_NULL, "as it left", &endpoint },
	{ "new_destination", VALUE_NULL, "likewise", &endpoint },
	{ "tcp_before", VALUE_NULL, "state of its connection; null where it is traffic of none",
	  &tcp_state },
	{ "tcp_after", VALUE_NULL, "the same afterwards", &tcp_state },
	{ "verdict", VALUE_TEXT, "passed: unchanged; held: what becomes of it comes later",
	  .values = ONE_OF("rewritten", "passed", "dropped", "held") },
	{ "reason", 0, "why", &reason },
	{ "clause", VALUE_TEXT, "the RFC clause, or empty" },
	{ "knob", VALUE_TEXT | VALUE_NULL, "the knob that decided; null if none did" },
	{ "mapping", VALUE_INTEGER | VALUE_NULL, "id of its mapping, or null" },
	{ "session", VALUE_INTEGER | VALUE_NULL, "id of its session, or null" },
	{ 0 },
};
static const struct type packet = { "packet", "what became of a packet", packet_members };

static const struct notification trace_missed = {
	"trace.missed",
	"packets that passed and are not shown",
	missed_members,
	NULL,
};
static const struct notification trace_packet = {
	"trace.packet",
	"a packet has passed",
	packet_members,
	&trace_missed,
};

static const struct member drops_parameters[] = {
	{ "from", VALUE_INTEGER | VALUE_OPTIONAL, "number of the first wanted", .least = 1,
	  .most = UINT32_MAX, .initial = "1" },
	{ "limit", VALUE_INTEGER | VALUE_OPTIONAL, "the most wanted", .least = 1, .most = TAP_DROPS,
	  .initial = "16" },
	{ 0 },
};
static const struct member drops_result[] = {
	{ "drops", VALUE_LIST, "the oldest first", &packet },
	{ "next", VALUE_INTEGER, "the from with which to ask for what comes after these",
	  .least = 1 },
	{ 0 },
};

static const struct member sample_members[] = {
	{ "suffix", VALUE_TEXT, "of the family's name: _total, _bucket, ...; or empty" },
	{ "labels", VALUE_TEXT | VALUE_MAP, "what tells it from the others of its family" },
	{ "value", VALUE_NUMBER, "as it is now" },
	{ 0 },
};
static const struct type sample = { "sample", "one figure", sample_members };

static const struct member family_members[] = {
	{ "name", VALUE_TEXT, "such as natem_packets" },
	{ "type", VALUE_TEXT, "as OpenMetrics has it",
	  .values = ONE_OF("counter", "gauge", "histogram", "info") },
	{ "unit", VALUE_TEXT, "seconds, bytes or empty" },
	{ "help", VALUE_TEXT, "one line" },
	{ "samples", VALUE_LIST, "its figures", &sample },
	{ 0 },
};
static const struct type family = { "family", "figures of one kind", family_members };

static const struct member metrics_result[] = {
	{ "families", VALUE_LIST, "all there are", &family },
	{ 0 },
};

static const struct member counter_members[] = {
	{ "value", VALUE_INTEGER, "packets" },
	{ "drop", VALUE_BOOLEAN, "did they end here?" },
	{ "meaning", VALUE_TEXT, "one line" },
	{ "clause", VALUE_TEXT, "the RFC requirement, or empty" },
	{ "advice", VALUE_TEXT,
	  "what to look at or change so that they pass; of drops never empty" },
	{ 0 },
};
static const struct type counter = { "counter", "packets of one reason", counter_members };

static const struct member counters_result[] = {
	{ "counters", VALUE_MAP, "by the name of their reason", &counter },
	{ 0 },
};

/* --- knobs -------------------------------------------------------------------------------- */

static const struct member options_get_parameters[] = {
	{ "keys", VALUE_TEXT | VALUE_LIST | VALUE_OPTIONAL, "names of knobs; without them, all",
	  .needed = "an array of knob names is needed" },
	{ 0 },
};

static const struct member option_members[] = {
	{ "value", VALUE_TEXT, "as it is now" },
	{ "default", VALUE_TEXT, "as it is at the start" },
	{ "allowed", VALUE_TEXT, "what a value may be, in words" },
	{ "unit", VALUE_TEXT, "of the value" },
	{ "meaning", VALUE_TEXT, "one line" },
	{ "clause", VALUE_TEXT, "the RFC requirement, or empty" },
	{ 0 },
};
static const struct type option = { "option", "a knob", option_members };

static const struct member options_get_result[] = {
	{ "options", VALUE_MAP, "by the name of the knob", &option },
	{ 0 },
};

static const struct member options_set_parameters[] = {
	{ "options", VALUE_TEXT | VALUE_INTEGER | VALUE_MAP,
	  "new values by the name of the knob, as options.get gives them; they count in order",
	  .least = INT64_MIN,
	  .needed = "an object of KEY: VALUE is needed, each value a string or a whole number" },
	{ 0 },
};
static const struct member options_set_result[] = {
	{ "changed", VALUE_TEXT | VALUE_MAP, "the knobs whose value differs now, with that value" },
	{ 0 },
};

static const struct member preset_members[] = {
	{ "name", VALUE_TEXT, "what nat.preset is set to" },
	{ "meaning", VALUE_TEXT, "one line" },
	{ "source", VALUE_TEXT, "where its knobs come from" },
	{ "unverified", VALUE_TEXT, "what of it was not seen there, or cannot be said in knobs" },
	{ "options", VALUE_TEXT | VALUE_MAP, "each knob that it sets, with its value" },
	{ 0 },
};
static const struct type preset = { "preset", "a named set of knobs", preset_members };

static const struct member presets_result[] = {
	{ "presets", VALUE_LIST, "all there are", &preset },
	{ 0 },
};

/* --- changes of the table and of time ----------------------------------------------------- */

static const struct member flush_parameters[] = {
	{ "all", VALUE_TRUE | VALUE_OPTIONAL, "every mapping; with no other parameter",
	  .needed = "true is needed, and no other parameter with it" },
	{ "host", VALUE_OPTIONAL, "those of this internal host", &address,
	  .needed = "an internal address is needed, such as 192.168.1.2" },
	{ "protocol", VALUE_OPTIONAL, "those of this protocol", &protocol },
	{ "external", VALUE_OPTIONAL, "those that this endpoint stands for", &endpoint },
	{ "mapping", VALUE_INTEGER | VALUE_OPTIONAL, "the one of this id", .most = NAT_NONE - 1 },
	{ 0 },
};
static const struct member flush_result[] = {
	{ "flushed", VALUE_INTEGER, "how many mappings went" },
	{ 0 },
};

static const struct member advance_parameters[] = {
	{ "time", VALUE_INTEGER, "how far, from 1ms to 3650d", &duration, .least = INT64_MIN },
	{ 0 },
};
static const struct member scale_parameters[] = {
	{ "factor", VALUE_NUMBER | VALUE_TEXT,
	  "from 0.001 to 10000, with at most three decimals; 1 is real time",
	  .needed = "a number is needed, such as 60 or 0.5" },
	{ 0 },
};

/* --- the protocol itself ------------------------------------------------------------------ */

static const struct member described_method_members[] = {
	{ "meaning", VALUE_TEXT, "one line" },
	{ "params", VALUE_OBJECT, "JSON Schema of what may be given" },
	{ "result", VALUE_OBJECT, "JSON Schema of what is answered" },
	{ "errors", VALUE_INTEGER | VALUE_LIST, "codes of its own errors", .least = RPC_PARSE_ERROR,
	  .most = -1 },
	{ "failure", VALUE_TEXT | VALUE_NULL, "when the answer is error -32000; null: never" },
	{ "notifications", VALUE_TEXT | VALUE_LIST,
	  "names of those that come after the answer, again and again" },
	{ 0 },
};
static const struct type described_method = {
	"method",
	"one that can be called",
	described_method_members,
};

static const struct member described_notification_members[] = {
	{ "meaning", VALUE_TEXT, "one line" },
	{ "params", VALUE_OBJECT, "JSON Schema of what it carries" },
	{ 0 },
};
static const struct type described_notification = {
	"notification",
	"what a stream sends",
	described_notification_members,
};

static const struct member described_error_members[] = {
	{ "code", VALUE_INTEGER, "in the error object", .least = RPC_PARSE_ERROR, .most = -1 },
	{ "meaning", VALUE_TEXT, "one line" },
	{ 0 },
};
static const struct type described_error = { "error", "an error code", described_error_members };

static const struct member describe_result[] = {
	{ "protocol", VALUE_INTEGER,
	  "its version; rises when something that was there is no more, or means another thing",
	  .least = 1 },
	{ "version", VALUE_TEXT, "of the daemon" },
	{ "methods", VALUE_MAP, "by name", &described_method },
	{ "notifications", VALUE_MAP, "by name", &described_notification },
	{ "errors", VALUE_LIST, "every code there is", &described_error },
	{ "types", VALUE_OBJECT | VALUE_MAP,
	  "JSON Schema of what has a name of its own; a $ref leads here" },
	{ 0 },
};

static const struct member nothing[] = { { 0 } };

/* --- methods ------------------------------------------------------------------------------ */

static const char one_stream[] = "the connection has a subscription already, or there is no memory";

static const char taken[] =
	"one that is there leaves no room for it, or the machine does not allow it";

static const struct method methods[] = {
	{ "status", "version, interfaces, table use, queue figures", nothing, status_result,
	  .run = method_status },
	{ "mappings.list", "a page of the mapping table", page_parameters, mappings_result,
	  .run = method_mappings_list },
	{ "sessions.list", "a page of the session table", page_parameters, sessions_result,
	  .run = method_sessions_list },
	{ "hosts.list", "a page of the internal hosts and what they use", page_parameters,
	  hosts_result, .run = method_hosts_list },
	{ "ports.who", "who has an external port", who_parameters, who_result,
	  .run = method_ports_who },
	{ "packets.explain", "what would become of a packet, and why", explain_parameters,
	  explain_result, .run = method_packets_explain,
	  .failure = "the copy of the daemon that it takes could not be made" },
	{ "events.list", "what has happened: limits, blocks, knobs, forwards", events_parameters,
	  events_result, .run = method_events_list },
	{ "events.subscribe", "tell what happens from now on", events_subscribe_parameters,
	  subscribed_result, .run = method_events_subscribe, .failure = one_stream,
	  .stream = &events_event },
	{ "trace.subscribe", "tell what becomes of each packet from now on", trace_parameters,
	  subscribed_result, .run = method_trace_subscribe, .failure = one_stream,
	  .stream = &trace_packet },
	{ "capture.start", "packets before and after, as a pcapng file", capture_parameters,
	  subscribed_result, .run = method_capture_start, .failure = one_stream },
	{ "drops.list", "the packets that were dropped last, and why", drops_parameters,
	  drops_result, .run = method_drops_list },
	{ "metrics.get", "all figures, by families as OpenMetrics has them", nothing,
	  metrics_result, .run = method_metrics_get },
	{ "counters.get", "packets by reason, with what each means", nothing, counters_result,
	  .run = method_counters_get },
	{ "options.get", "knobs with value, default and meaning", options_get_parameters,
	  options_get_result, .run = method_options_get },
	{ "options.set", "change knobs, all or none", options_set_parameters, options_set_result,
	  .run = method_options_set,
	  .failure = "the machine does not allow it: no such interface, no such address" },
	{ "presets.list", "the presets with their knobs and sources", nothing, presets_result,
	  .run = method_presets_list },
	{ "forwards.list", "forwards, one-to-one pairs, DMZ host and exempt destinations", nothing,
	  forwards_list_result, .run = method_forwards_list },
	{ "forwards.add", "one more of those", forwards_add_parameters, forwards_add_result,
	  .run = method_forwards_add, .failure = taken },
	{ "forwards.del", "one less", forwards_del_parameters, forwards_del_result,
	  .run = method_forwards_del, .failure = "there is none of that name" },
	{ "mappings.flush", "remove mappings with their sessions", flush_parameters, flush_result,
	  .run = method_mappings_flush,
	  .failure = "there is no mapping of that id for which the rest holds" },
	{ "clock.get", "NAT time: how far, how fast, or frozen", nothing, clock_members,
	  .run = method_clock_get },
	{ "clock.advance", "move NAT time forward at once", advance_parameters, clock_members,
	  .run = method_clock_advance },
	{ "clock.scale", "let NAT time run faster or slower", scale_parameters, clock_members,
	  .run = method_clock_scale },
	{ "clock.freeze", "stop NAT time", nothing, clock_members, .run = method_clock_freeze },
	{ "clock.resume", "let NAT time run again", nothing, clock_members,
	  .run = method_clock_resume },
	{ "system.describe", "this protocol, for programs", nothing, describe_result,
	  .run = method_system_describe },
};

static const struct error_code errors[] = {
	{ RPC_PARSE_ERROR, "not JSON" },
	{ RPC_INVALID_REQUEST,
	  "JSON, but not a JSON-RPC 2.0 request with an object as params; or longer than 64 KiB" },
	{ RPC_METHOD_NOT_FOUND, "no such method; the message names those there are" },
	{ RPC_INVALID_PARAMS,
	  "a parameter is unknown, missing or wrong; the message says which, and what is allowed" },
	{ RPC_FAILED, "understood, but it could not be done; the message says why" },
};

const struct method *protocol_method(unsigned int n)
{
	return n < sizeof(methods) / sizeof(methods[0]) ? &methods[n] : NULL;
}

const struct error_code *protocol_error(unsigned int n)
{
	return n < sizeof(errors) / sizeof(errors[0]) ? &errors[n] : NULL;
}
