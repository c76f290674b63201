/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * commands.c - the table of subcommands, and the texts of their help
 */
#include <string.h>

#include "nat/cli/command.h"

static const struct help_entry flush_forms[] = {
	{ "all", "every mapping there is" },
	{ "host ADDRESS", "those of one internal host" },
	{ "protocol PROTO", "those of one protocol: udp, tcp, icmp or other" },
	{ "external ADDRESS:PORT", "the one the world knows by that name" },
	{ "mapping ID", "one, by the id that 'natem --json mappings' shows" },
	{ NULL, NULL },
};

static const char flush_details[] =
	"Two or more together remove what all of them hold for: flush host 192.168.1.2 "
	"protocol udp. Connections through a mapping that is gone hang, as after a restart "
	"of the NAT. What 'natem forward' has set up stays: its mappings are made anew when "
	"a packet comes.";

static const struct help_entry forward_forms[] = {
	{ "list", "a table of all there are" },
	{ "add tcp|udp EXTERNAL INTERNAL", "ports that lead to an internal host" },
	{ "add one-to-one ADDRESS INTERNAL",
	  "an external address that stands for one host, ports untouched, ping included; the WAN "
	  "interface must have it" },
	{ "add dmz INTERNAL", "the host that gets the TCP and UDP nobody else has" },
	{ "add exempt REMOTE", "destinations that are reached without translation" },
	{ "del tcp|udp EXTERNAL", "such ports lead there no longer" },
	{ "del one-to-one ADDRESS", "the address stands for that host no longer" },
	{ "del dmz", "TCP and UDP that is for nobody leads nowhere again" },
	{ "del exempt REMOTE", "the destinations are translated again" },
	{ NULL, NULL },
};

static const char forward_details[] =
	"  natem forward add tcp 8080 192.168.1.2:80\n"
	"  natem forward add udp 203.0.113.1:5000-5009 192.168.1.3:5000\n"
	"  natem forward add one-to-one 203.0.113.5 192.168.1.9\n"
	"  natem forward add exempt 198.51.100.0/24:53\n"
	"  natem forward del tcp 8080\n\n"
	"EXTERNAL is a port or a range of ports, of every external address or of the one "
	"before the colon; of a range, INTERNAL is where the first port leads, the others "
	"follow. What goes through a rule ends when it is deleted, and what is in the way "
	"of a new one when it is added. The knobs behind it are nat.forwards, "
	"nat.one-to-one, nat.dmz and nat.exempt.";

static const char who_details[] =
	"For each protocol: the mappings that have the port now, or who would get a packet "
	"to it: by a forward, a one-to-one pair or the DMZ; or whether it is reserved or "
	"rests after use. Where ports come in blocks, whose block it is in, also when "
	"nobody uses it.\n"
	"\n"
	"With --at, who had it then, by the mapping log (log.file). The time is "
	"2026-11-24T14:05:12Z (or +08:00 for the Z), 14:05:12 (today), or '5m ago': UTC where "
	"no zone is given. With --log no daemon is needed.";

static const char hosts_details[] =
	"MAPPINGS and SESSIONS are counts, with the quota after a slash where there is one: "
	"in all, and of each protocol that has any or has a quota. A host that has nothing "
	"open is not known.";

static const struct help_entry filter_forms[] = {
	{ "host ADDRESS", "packets that have this address, before or after" },
	{ "port N", "likewise the port, or the identifier of a ping" },
	{ "protocol PROTO", "udp, tcp, icmp or other" },
	{ "reason REASON", "one reason: 'natem counters' lists them" },
	{ "drops", "only what was dropped" },
	{ NULL, NULL },
};

static const char trace_details[] =
	"Of several filters, all must hold. A line a packet: time of day (UTC), way, protocol, who "
	"to whom as it came, and after => as it left; TCP state before > after; mapping; reason. A "
	"drop has the knob that decided and the RFC. Packets never wait for this: if they come "
	"faster than they are read, a line says how many were missed. Ctrl-C ends.";

static const char capture_details[] =
	"Of several filters, all must hold. Writes until Ctrl-C. The file has two interfaces, lan "
	"and wan: each packet is there as it came and as it left, with a comment that names "
	"reason, "
	"mapping and session; a dropped one only as it came. FILE - is standard output:\n\n"
	"  natem capture - | wireshark -k -i -";

static const char events_details[] =
	"The last 256 are kept; with FROM, those from that number on. Their age is NAT time.\n"
	"\n"
	"With the word flows, the mappings, sessions and blocks that began and ended instead, "
	"of which the last 65536 are kept while somebody listens: log.file or log.syslog "
	"(to sessions only with log.destinations); 256 of them at a time.";

static const struct help_entry clock_forms[] = {
	{ "advance TIME", "move it forward at once, by 301s or 2h4m; what is due then ends" },
	{ "scale FACTOR", "let it run faster or slower: 60, 0.5; 1 is real speed" },
	{ "freeze", "stop it: nothing ages" },
	{ "resume", "let it run again, at the scale it has" },
	{ "show", "how far it is and how fast" },
	{ NULL, NULL },
};

static const char clock_details[] =
	"NAT time is what mappings, sessions and leases age by, ports rest by, and the "
	"epoch that PCP tells hosts counts by. Nothing else is moved: the timers of the "
	"programs that talk through the NAT, and of their kernels, go by real time.";

static const char describe_details[] =
	"Of each method the parameters (>) and the members of the result (<), with a question "
	"mark where they may be left out; then the notifications, the types that have a name, and "
	"the error codes. With --json the same as JSON Schema, for programs.";

static const struct help_entry preset_forms[] = {
	{ "NAME", "the kind of NAT to be from now on" },
	{ "--list", "a table of all, whether a daemon runs or not" },
	{ NULL, NULL },
};

static const char preset_details[] =
	"In the table MAPPING and FILTERING are eim, adm, apdm (endpoint-independent, "
	"address-dependent, address-and-port-dependent mapping) and eif, adf, apdf "
	"(filtering); UDP, TCP and ICMP the times after which a silent session ends, for "
	"TCP that of an open connection and that of any other. Where protocols differ, each "
	"stands by its name. With --json every knob of every preset.\n\n"
	"What describes the machine stays as it is: interfaces, external addresses, table "
	"sizes, seed. Mappings and sessions that are open go on.";

/* clang-format off */
static const struct command commands[] = {
	{ .name = "status", .arguments = "", .run = cmd_status,
	  .meaning = "version, interfaces, use of tables and queue" },
	{ .name = "mappings", .arguments = "[--watch[=SECONDS]]", .run = cmd_mappings,
	  .meaning = "which external endpoint stands for which internal one", .watches = true },
	{ .name = "sessions", .arguments = "[--watch[=SECONDS]]", .run = cmd_sessions,
	  .meaning = "each mapping with each of its remote endpoints", .watches = true },
	{ .name = "hosts", .arguments = "[--watch[=SECONDS]]", .run = cmd_hosts,
	  .meaning = "internal hosts: what they use, of which quota", .watches = true,
	  .details = hosts_details },
	{ .name = "who", .run = cmd_who, .least = 1, .most = 2,
	  .arguments = "ADDRESS:PORT [PROTO] [--at TIME [--log FILE]...]", .looks_back = true,
	  .meaning = "who has this external port, or had it", .details = who_details },
	{ .name = "events", .arguments = "[flows] [FROM] [--follow]", .run = cmd_events, .most = 2,
	  .meaning = "what has happened: limits reached, blocks given, knobs changed",
	  .follows = true, .details = events_details },
	{ .name = "trace", .arguments = "[FILTER]... [--count=N]", .run = cmd_trace, .most = -1,
	  .meaning = "what becomes of each packet, and why, as it passes", .counts = true,
	  .forms = filter_forms, .details = trace_details },
	{ .name = "capture", .arguments = "FILE [FILTER]...", .run = cmd_capture,
	  .least = 1, .most = -1, .meaning = "packets before and after, into a pcapng file",
	  .forms = filter_forms, .details = capture_details },
	{ .name = "counters", .arguments = "", .run = cmd_counters,
	  .meaning = "packets by what became of them, and why" },
	{ .name = "options", .arguments = "", .run = cmd_options,
	  .meaning = "all knobs with value, default and meaning" },
	{ .name = "get", .arguments = "KEY", .run = cmd_get, .least = 1, .most = 1,
	  .meaning = "the value of one knob" },
	{ .name = "set", .arguments = "KEY=VALUE...", .run = cmd_set, .least = 1, .most = -1,
	  .meaning = "change knobs, all or none" },
	{ .name = "preset", .arguments = "NAME | --list", .run = cmd_preset, .most = 1,
	  .meaning = "turn the NAT into another kind, or list the kinds there are",
	  .lists = true, .forms = preset_forms, .details = preset_details },
	{ .name = "forward", .run = cmd_forward, .least = 1, .most = 4,
	  .arguments = "list | add KIND ... | del KIND ...",
	  .meaning = "forward ports, pair addresses, name a DMZ host, exempt destinations",
	  .forms = forward_forms, .details = forward_details },
	{ .name = "flush", .run = cmd_flush, .least = 1, .most = -1,
	  .arguments = "all | host ADDRESS | protocol PROTO | external ADDRESS:PORT | mapping ID",
	  .meaning = "remove mappings with their sessions", .forms = flush_forms, .details = flush_details },
	{ .name = "clock", .run = cmd_clock, .least = 1, .most = 2,
	  .arguments = "advance TIME | scale FACTOR | freeze | resume | show",
	  .meaning = "the time that mappings and sessions age by", .forms = clock_forms, .details = clock_details },
	{ .name = "describe", .arguments = "", .run = cmd_describe,
	  .meaning = "the control protocol: methods, what they take and answer",
	  .details = describe_details },
};
/* clang-format on */

const struct help_flag command_flags[] = {
	{ 'l', "lab", "NAME", "the lab whose daemon is meant (default natem)" },
	{ 's', "socket", "PATH",
	  "the daemon's control socket (default: $NATEM_SOCKET, or the lab's)" },
	{ 'j', "json", NULL, "answer as JSON, on one line" },
	{ 'h', "help", NULL, "this text; after a COMMAND, about that" },
	{ 'V', "version", NULL, "the version" },
	{ '\0', NULL, NULL, NULL },
};

const struct help_flag command_watch_flags[] = {
	{ 'w', "watch[=SECONDS]", NULL,
	  "redraw in place every SECONDS (default 1); q or Ctrl-C ends" },
	{ '\0', NULL, NULL, NULL },
};

const struct help_flag command_follow_flags[] = {
	{ 'f', "follow", NULL, "after those, what happens from then on, until Ctrl-C" },
	{ '\0', NULL, NULL, NULL },
};

const struct help_flag command_back_flags[] = {
	{ '\0', "at", "TIME", "who had it then" },
	{ '\0', "log", "FILE",
	  "read this log; several for rotated ones, in any order; - for standard input" },
	{ '\0', NULL, NULL, NULL },
};

const struct help_flag command_count_flags[] = {
	{ '\0', "count", "N", "end after N packets" },
	{ '\0', NULL, NULL, NULL },
};

const struct command *command_spec(unsigned int index)
{
	return index < sizeof(commands) / sizeof(commands[0]) ? &commands[index] : NULL;
}

const struct command *command_find(const char *name)
{
	for (unsigned int i = 0; command_spec(i) != NULL; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}
