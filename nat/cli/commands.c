/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * commands.c - the table of subcommands, and the texts of their help
 */
#include <string.h>

#include "nat/cli/command.h"

static const struct help_flag watch_flags[] = {
	{ 'w', "watch[=SECONDS]", NULL,
	  "redraw in place every SECONDS (default 1); q or Ctrl-C ends" },
	{ '\0', NULL, NULL, NULL },
};

static const struct help_flag events_flags[] = {
	{ 'f', "follow", NULL, "after those, what happens from then on, until Ctrl-C" },
	{ '\0', NULL, NULL, NULL },
};

static const struct help_flag trace_flags[] = {
	{ '\0', "count", "N", "end after N packets" },
	{ '\0', NULL, NULL, NULL },
};

static const struct help_flag who_flags[] = {
	{ '\0', "at", "TIME", "who had it then" },
	{ '\0', "log", "FILE",
	  "read this log; several for rotated ones, in any order; - for standard input" },
	{ '\0', NULL, NULL, NULL },
};

static const struct help_flag counters_flags[] = {
	{ '\0', "explain", NULL, "how fast each rises too, and the RFC clause" },
	{ '\0', "interval", "SECONDS", "between two readings, from 0.1 to 3600 (default 1)" },
	{ '\0', NULL, NULL, NULL },
};

static const struct help_flag explain_flags[] = {
	{ '\0', "inbound", NULL, "the packet comes from the WAN" },
	{ '\0', "flags", "LIST",
	  "of a TCP segment: one or more of syn, ack, fin and rst, as in syn,ack (default: ack "
	  "where there is a session, else syn)" },
	{ '\0', "list", NULL, "a table of all reasons" },
	{ '\0', NULL, NULL, NULL },
};

static const struct help_flag preset_flags[] = {
	{ '\0', "list", NULL, "a table of all, whether a daemon runs or not" },
	{ '\0', NULL, NULL, NULL },
};

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

static const char top_details[] =
	"Mappings, sessions, hosts and drops on the whole screen, refreshed every SECONDS (0.2 to "
	"60, default 1). Keys, of which ? shows all: m s h d choose what is listed, o the order, / "
	"a filter, Enter opens a mapping, f flushes it, p changes the preset, space pauses, q "
	"quits.\n\n"
	"NO_COLOR in the environment takes the colours away; nothing is said by colour alone.";

static const char draw_details[] =
	"Each line is a mapping: the client's port, the external endpoint that stands for it, and "
	"the remote endpoint, with a line for each further one. The arrow's head is where the "
	"first "
	"packet went: to the server, or to the router if it was let in from outside. Drawn with "
	"line "
	"characters where the locale is UTF-8. With --json, the mappings with their sessions in "
	"place of their number.";

static const char hosts_details[] =
	"MAPPINGS and SESSIONS are counts, with the quota after a slash where there is one: "
	"in all, and of each protocol that has any or has a quota. A host that has nothing "
	"open is not known.";

/* What FILTER stands for. */
static const struct help_entry filter_forms[] = {
	{ "host ADDRESS", "packets that have this address, before or after" },
	{ "port N", "likewise the port, or the identifier of a ping" },
	{ "protocol PROTO", "one protocol: udp, tcp, icmp or other" },
	{ "reason REASON", "one reason: 'natem counters' lists them" },
	{ "drops", "only what was dropped" },
	{ NULL, NULL },
};

static const struct help_entry explain_forms[] = {
	{ "udp|tcp SOURCE DESTINATION", "a datagram, or a segment, from one endpoint to another" },
	{ "icmp ADDRESS:ID ADDRESS",
	  "an Echo of that identifier; with --inbound the identifier stands with DESTINATION" },
	{ "other NUMBER ADDRESS ADDRESS", "a packet of another IP protocol" },
	{ "REASON", "what a counter or a drop means, and what to change; needs no daemon" },
	{ NULL, NULL },
};

static const char explain_details[] =
	"  natem explain udp 192.168.1.2:6789 203.0.113.10:7890\n"
	"  natem explain tcp 203.0.113.10:4321 203.0.113.1:80 --inbound\n"
	"  natem explain icmp 192.168.1.2:77 203.0.113.10\n"
	"  natem explain filtered\n\n"
	"SOURCE and DESTINATION are those of the packet as it comes: from the LAN or, with "
	"--inbound, from the WAN to an external address. The answer is what would happen to it "
	"now, to the port that a new mapping would get, and nothing changes by it: a copy of "
	"natemd tries it out.";

static const char counters_details[] =
	"With --explain the counters are read twice, to tell how fast they rise, and the RFC "
	"clause of each is shown. 'natem explain NAME' tells what to do about one.";

static const char metrics_details[] =
	"For a collector of text files, as node_exporter has one, once a minute:\n\n"
	"  natem metrics >natem.prom.new && mv natem.prom.new natem.prom\n\n"
	"With --json the same by families and samples.";

static const char trace_details[] =
	"Of several filters, all must hold.\n\n"
	"A line a packet: time of day (UTC), way, protocol, who "
	"to whom as it came, and after => as it left; TCP state before > after; mapping; reason. A "
	"drop has the knob that decided and the RFC. Packets never wait for this: if they come "
	"faster than they are read, a line says how many were missed. Ctrl-C ends.";

static const char capture_details[] =
	"Of several filters, all must hold.\n\n"
	"Writes until Ctrl-C. The file has two interfaces, lan "
	"and wan: each packet is there as it came and as it left, with a comment that names "
	"reason, "
	"mapping and session; a dropped one only as it came. FILE - is standard output:\n\n"
	"  natem capture - | wireshark -k -i -";

static const char events_details[] =
	"The last 256 are kept; with FROM, those from that number on. Their age is NAT time.\n"
	"\n"
	"With the word flows, the mappings, sessions and blocks that began and ended instead, "
	"of which the last 65536 are kept while somebody listens: log.file or log.syslog "
	"(to sessions only with log.destinations); 256 of them at a time. With --follow as well, "
	"what begins and ends from now on, which is listening too.";

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
	  .meaning = "which external endpoint stands for which internal one", .watches = true, .flags = watch_flags },
	{ .name = "sessions", .arguments = "[--watch[=SECONDS]]", .run = cmd_sessions,
	  .meaning = "each mapping with each of its remote endpoints", .watches = true, .flags = watch_flags },
	{ .name = "hosts", .arguments = "[--watch[=SECONDS]]", .run = cmd_hosts,
	  .meaning = "internal hosts: what they use, of which quota", .watches = true, .flags = watch_flags,
	  .details = hosts_details },
	{ .name = "top", .arguments = "[SECONDS]", .run = cmd_top, .most = 1,
	  .meaning = "all of this live, on the whole screen", .details = top_details },
	{ .name = "draw", .arguments = "[--watch[=SECONDS]]", .run = cmd_draw, .watches = true,
	  .flags = watch_flags,
	  .meaning = "client, router and server as a picture, a line for each mapping",
	  .details = draw_details },
	{ .name = "who", .run = cmd_who, .least = 1, .most = 2,
	  .arguments = "ADDRESS:PORT [PROTO] [--at TIME [--log FILE]...]", .looks_back = true,
	  .flags = who_flags,
	  .meaning = "who has this external port, or had it", .details = who_details },
	{ .name = "events", .arguments = "[flows] [FROM] [--follow]", .run = cmd_events, .most = 2,
	  .meaning = "what has happened: limits reached, blocks given, knobs changed",
	  .follows = true, .flags = events_flags, .details = events_details },
	{ .name = "trace", .arguments = "[FILTER]... [--count=N]", .run = cmd_trace, .most = -1,
	  .meaning = "what becomes of each packet, and why, as it passes", .counts = true, .flags = trace_flags,
	  .forms = filter_forms, .details = trace_details },
	{ .name = "capture", .arguments = "FILE [FILTER]...", .run = cmd_capture,
	  .least = 1, .most = -1, .meaning = "packets before and after, into a pcapng file",
	  .forms = filter_forms, .details = capture_details },
	{ .name = "counters", .arguments = "[--explain]", .run = cmd_counters,
	  .meaning = "packets by what became of them, and why", .explains = true, .flags = counters_flags,
	  .details = counters_details },
	{ .name = "metrics", .arguments = "", .run = cmd_metrics,
	  .meaning = "all figures as OpenMetrics text, for Prometheus and its like",
	  .details = metrics_details },
	{ .name = "explain", .run = cmd_explain, .most = 4, .lists = true, .tries = true, .flags = explain_flags,
	  .arguments = "PROTO SOURCE DESTINATION | REASON | --list",
	  .meaning = "what would become of a packet, and why; or what a reason means",
	  .forms = explain_forms, .details = explain_details },
	{ .name = "options", .arguments = "", .run = cmd_options,
	  .meaning = "all knobs with value, default and meaning" },
	{ .name = "get", .arguments = "KEY", .run = cmd_get, .least = 1, .most = 1,
	  .meaning = "the value of one knob" },
	{ .name = "set", .arguments = "KEY=VALUE...", .run = cmd_set, .least = 1, .most = -1,
	  .meaning = "change knobs, all or none" },
	{ .name = "preset", .arguments = "PRESET | --list", .run = cmd_preset, .most = 1,
	  .meaning = "turn the NAT into another kind, or list the kinds there are",
	  .lists = true, .flags = preset_flags, .details = preset_details },
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
	{ 'l', "lab", "NAME", "the lab whose daemon is meant (default: $NATEM_LAB, or natem)" },
	{ 's', "socket", "PATH",
	  "the daemon's control socket (default: $NATEM_SOCKET, or the lab's)" },
	{ 'j', "json", NULL, "answer as JSON, on one line" },
	{ 'h', "help", NULL, "what there is; after a COMMAND, about that" },
	{ 'V', "version", NULL, "the version" },
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
