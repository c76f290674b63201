/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * natem - inspects and steers a running natemd
 * main.c reads the command line and hands over to a subcommand.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "nat/cli/command.h"
#include "nat/core/presets.h"

static const char flush_details[] =
	"  all                      every mapping there is\n"
	"  host ADDRESS             those of one internal host\n"
	"  protocol NAME            those of one protocol: udp, tcp, icmp or other\n"
	"  external ADDRESS:PORT    the one the world knows by that name\n"
	"  mapping ID               one, by the id that 'natem --json mappings' shows\n"
	"\n"
	"Two or more together remove what all of them hold for: flush host 192.168.1.2 protocol "
	"udp.\n"
	"Connections through a mapping that is gone hang, as after a restart of the NAT. What "
	"'natem\n"
	"forward' has set up stays: its mappings are made anew when a packet comes.";

static const char forward_details[] =
	"  list                              a table of all there are\n"
	"  add tcp|udp EXTERNAL INTERNAL     ports that lead to an internal host\n"
	"  add one-to-one ADDRESS INTERNAL   an external address that stands for one host, ports\n"
	"                                    untouched, ping included; the WAN interface must have "
	"it\n"
	"  add dmz INTERNAL                  the host that gets the TCP and UDP nobody else has\n"
	"  add exempt REMOTE                 destinations that are reached without translation\n"
	"  del ...                           the same words without INTERNAL\n"
	"\n"
	"  natem forward add tcp 8080 192.168.1.2:80\n"
	"  natem forward add udp 203.0.113.1:5000-5009 192.168.1.3:5000\n"
	"  natem forward add one-to-one 203.0.113.5 192.168.1.9\n"
	"  natem forward add exempt 198.51.100.0/24:53\n"
	"  natem forward del tcp 8080\n"
	"\n"
	"EXTERNAL is a port or a range of ports, of every external address or of the one before "
	"the\n"
	"colon; of a range, INTERNAL is where the first port leads, the others follow. What goes\n"
	"through a rule ends when it is deleted, and what is in the way of a new one when it is\n"
	"added. The knobs behind it are nat.forwards, nat.one-to-one, nat.dmz and nat.exempt.";

static const char who_details[] =
	"For each protocol: the mappings that have the port now, or who would get a packet to it: "
	"by\n"
	"a forward, a one-to-one pair or the DMZ; or whether it is reserved or rests after use. "
	"Where\n"
	"ports come in blocks, whose block it is in, also when nobody uses it.\n"
	"\n"
	"  --at TIME   who had it then, by the mapping log: 2026-11-24T14:05:12Z (or +08:00 for "
	"the Z),\n"
	"              14:05:12 (today), '5m ago'; UTC where no zone is given\n"
	"  --log FILE  read this log, no daemon needed; several for rotated ones, in any order, - "
	"for\n"
	"              standard input; without it the log.file of the daemon\n"
	"\n"
	"  natem who 203.0.113.1:6539 --at 14:05:12\n"
	"  zcat natem.log.2.gz | natem who 203.0.113.1:6539 udp --at 2026-11-24T14:05:12Z --log -";

static const char hosts_details[] =
	"MAPPINGS and SESSIONS are counts, with the quota after a slash where there is one: in "
	"all, and\n"
	"of each protocol that has any or has a quota. A host that has nothing open is not known.";

static const char events_details[] =
	"The last 256 are kept; with FROM, those from that number on. Their age is NAT time.\n"
	"\n"
	"  flows  the mappings and sessions that began and ended instead, of which the last 65536 "
	"are\n"
	"         kept while somebody listens to them: log.file or log.syslog (sessions only with\n"
	"         log.destinations); 256 of them at a time";

static const char clock_details[] =
	"  advance TIME  move it forward at once, by 301s or 2h4m; what is due then ends\n"
	"  scale FACTOR  let it run faster or slower: 60, 0.5; 1 is real speed\n"
	"  freeze        stop it: nothing ages\n"
	"  resume        let it run again, at the scale it has\n"
	"  show          how far it is and how fast\n"
	"\n"
	"NAT time is what mappings, sessions and leases age by, ports rest by, and the epoch that\n"
	"PCP tells hosts counts by. Nothing else is moved: the timers of the programs that talk\n"
	"through the NAT, and of their kernels, go by real time.";

static const char preset_details[] =
	"  --list  a table of all, whether a daemon runs or not\n"
	"\n"
	"In the table MAPPING and FILTERING are eim, adm, apdm (endpoint-independent,\n"
	"address-dependent, address-and-port-dependent mapping) and eif, adf, apdf (filtering);\n"
	"UDP, TCP and ICMP the times after which a silent session ends, for TCP that of an open\n"
	"connection and that of any other. Where protocols differ, each stands by its name.\n"
	"With --json every knob of every preset.\n"
	"\n"
	"What describes the machine stays as it is: interfaces, external addresses, table sizes,\n"
	"seed. Mappings and sessions that are open go on.";

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
	{ .name = "events", .arguments = "[flows] [FROM]", .run = cmd_events, .most = 2,
	  .meaning = "what has happened: limits reached, blocks given, knobs changed",
	  .details = events_details },
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
	  .lists = true, .details = preset_details },
	{ .name = "forward", .run = cmd_forward, .least = 1, .most = 4,
	  .arguments = "list | add KIND ... | del KIND ...",
	  .meaning = "forward ports, pair addresses, name a DMZ host, exempt destinations",
	  .details = forward_details },
	{ .name = "flush", .run = cmd_flush, .least = 1, .most = -1,
	  .arguments = "all | host ADDRESS | protocol NAME | external ADDRESS:PORT | mapping ID",
	  .meaning = "remove mappings with their sessions", .details = flush_details },
	{ .name = "clock", .run = cmd_clock, .least = 1, .most = 2,
	  .arguments = "advance TIME | scale FACTOR | freeze | resume | show",
	  .meaning = "the time that mappings and sessions age by", .details = clock_details },
};
/* clang-format on */

enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static void print_help(void)
{
	puts("Usage: natem [--lab NAME | -s PATH] [--json] COMMAND [ARGUMENT]...\n"
	     "\n"
	     "Inspects and steers a running natemd.\n"
	     "\n"
	     "  -l, --lab NAME     the lab whose daemon is meant (default natem)\n"
	     "  -s, --socket PATH  the daemon's control socket (default: $NATEM_SOCKET, or the "
	     "lab's)\n"
	     "  -j, --json         answer as JSON, on one line\n"
	     "  -h, --help         this text; after a COMMAND, about that\n"
	     "  -V, --version      the version\n"
	     "\n"
	     "Commands:");
	for (int i = 0; i < COMMANDS; i++) {
		bool fits = strlen(commands[i].arguments) <= 20;

		printf("  %-9s%-21s%s%s\n", commands[i].name, commands[i].arguments,
		       fits ? "" : "\n                                ", commands[i].meaning);
	}
	puts("\nExit status: 0 done, 1 failed, 2 wrong usage, knob or value.");
}

static void print_presets(const char *prefix)
{
	puts("\nPresets set all knobs, the timers among them, but those that describe the machine "
	     "and\n"
	     "its network: interfaces, addresses, forwards, exempt destinations, table sizes, "
	     "seed:");
	for (unsigned int i = 0; preset_spec(i) != NULL; i++)
		printf("  %s%-24s%s\n", prefix, preset_spec(i)->name, preset_spec(i)->meaning);
	puts("\n'natem options' lists the knobs; natemd --help also what each may be.");
}

static void print_command_help(const struct command *command)
{
	printf("Usage: natem [--lab NAME | -s PATH] [--json] %s%s%s\n\n%s\n", command->name,
	       *command->arguments ? " " : "", command->arguments, command->meaning);
	if (command->details != NULL)
		printf("\n%s\n", command->details);
	if (command->run == cmd_set)
		print_presets("nat.preset=");
	if (command->run == cmd_preset)
		print_presets("");
	if (command->watches)
		puts("\n  -w, --watch[=SECONDS]  redraw in place every SECONDS (default 1); q or "
		     "Ctrl-C ends");
}

static enum client_status usage_error(const char *format, const char *word)
{
	char message[256];

	snprintf(message, sizeof(message), format, word);
	log_error("%s; try 'natem --help'", message);
	return CLIENT_WRONG_USAGE;
}

static const struct command *find_command(const char *name)
{
	for (int i = 0; i < COMMANDS; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static int read_interval(const char *text, double *seconds)
{
	char *end;

	*seconds = strtod(text, &end);
	return end == text || *end != '\0' || !(*seconds >= 0.1) || *seconds > 3600 ? -EINVAL : 0;
}

static int set_path(struct client *client, const char *path)
{
	if (strlen(path) >= sizeof(client->path) || *path == '\0')
		return -EINVAL;
	strcpy(client->path, path);
	return 0;
}

enum { FLAG_LIST = 256, FLAG_AT, FLAG_LOG };

/* Flags that may stand before or after the command; those only after it are told apart by use. */
static const struct option flags[] = {
	{ "lab", required_argument, NULL, 'l' },      { "socket", required_argument, NULL, 's' },
	{ "json", no_argument, NULL, 'j' },	      { "watch", optional_argument, NULL, 'w' },
	{ "list", no_argument, NULL, FLAG_LIST },     { "at", required_argument, NULL, FLAG_AT },
	{ "log", required_argument, NULL, FLAG_LOG }, { "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },	      { NULL, 0, NULL, 0 },
};

struct request {
	struct invocation call;
	bool help, version;
};

/*
 * Flags of argv[1] on: up to the first word, or with @anywhere between the words too. Leaves optind
 * at the first word. CLIENT_OK or the error it has reported.
 */
static enum client_status read_flags(struct request *r, int argc, char **argv, bool anywhere)
{
	const char *letters = anywhere ? "l:s:jw::hV" : "+l:s:jw::hV";
	int flag;

	optind = 0; /* getopt starts anew */
	while ((flag = getopt_long(argc, argv, letters, flags, NULL)) != -1) {
		switch (flag) {
		case 'l':
			if (rpc_socket_path(optarg, r->call.client->path) < 0)
				return usage_error("'%s' is not the name of a lab", optarg);
			break;
		case 's':
			if (set_path(r->call.client, optarg) < 0)
				return usage_error("'%s' is not a socket path", optarg);
			break;
		case 'j':
			r->call.json = true;
			break;
		case 'w':
			r->call.watch = true;
			if (optarg != NULL && read_interval(optarg, &r->call.interval) < 0)
				return usage_error("--watch=%s: from 0.1 to 3600 seconds", optarg);
			break;
		case FLAG_LIST:
			r->call.list = true;
			break;
		case FLAG_AT:
			r->call.at = optarg;
			break;
		case FLAG_LOG:
			if (r->call.log_count == COMMAND_LOGS)
				return usage_error("--log %s: one too many; cat them into --log -",
						   optarg);
			r->call.logs[r->call.log_count++] = optarg;
			break;
		case 'h':
			r->help = true;
			break;
		case 'V':
			r->version = true;
			break;
		default:
			fputs("try 'natem --help'\n", stderr); /* getopt has named the flag */
			return CLIENT_WRONG_USAGE;
		}
	}
	return CLIENT_OK;
}

static enum client_status run(const struct command *command, const struct invocation *call)
{
	enum client_status status;

	if (call->argc < command->least || (command->most >= 0 && call->argc > command->most)) {
		log_error("too few or too many words; usage: natem %s%s%s", command->name,
			  *command->arguments ? " " : "", command->arguments);
		return CLIENT_WRONG_USAGE;
	}
	if (call->watch && !command->watches)
		return usage_error("'%s' has no --watch", command->name);
	if (call->list && !command->lists)
		return usage_error("'%s' has no --list", command->name);
	if ((call->at != NULL || call->log_count > 0) && !command->looks_back)
		return usage_error("'%s' has no --at and no --log", command->name);
	status = command->run(call);
	if (status != CLIENT_OK)
		log_error("%s", call->client->why);
	return status;
}

/* Everything is said; was it heard? */
static enum client_status finish(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return CLIENT_OK;
	log_error("cannot write the answer: %s", strerror(errno));
	return CLIENT_FAILED;
}

static enum client_status default_path(struct client *client)
{
	const char *given = getenv("NATEM_SOCKET");

	if (given == NULL || *given == '\0')
		rpc_socket_path("natem", client->path);
	else if (set_path(client, given) < 0)
		return usage_error("NATEM_SOCKET=%s is not a socket path", given);
	return CLIENT_OK;
}

/* @argv: what follows the command's name, with a place for getopt's program name in front. */
static enum client_status run_command(struct request *r, const char *name, int argc, char **argv)
{
	static char program[] = "natem";
	const struct command *command = find_command(name);
	enum client_status status;

	if (command == NULL)
		return usage_error("no command '%s'", name);
	argv[0] = program;
	status = read_flags(r, argc, argv, true);
	if (status != CLIENT_OK)
		return status;
	if (r->help) {
		print_command_help(command);
		return CLIENT_OK;
	}
	r->call.argc = argc - optind;
	r->call.argv = argv + optind;
	return run(command, &r->call);
}

static enum client_status run_words(struct request *r, int argc, char **argv)
{
	const char *word = argc > 0 ? argv[0] : NULL;

	if (r->version) {
		puts("natem " NATEM_VERSION);
		return CLIENT_OK;
	}
	if (word != NULL && strcmp(word, "help") == 0 && argc > 1) {
		r->help = true; /* "help COMMAND" is "COMMAND --help" */
		argc--;
		argv++;
		word = argv[0];
	} else if (r->help || (word != NULL && strcmp(word, "help") == 0)) {
		print_help();
		return CLIENT_OK;
	}
	if (word == NULL)
		return usage_error("%s", "no command given");
	return run_command(r, word, argc, argv);
}

int main(int argc, char **argv)
{
	static struct client client = { .fd = -1 };
	static char program[] = "natem";
	struct request request = { .call = { .client = &client, .interval = 1 } };
	enum client_status status;

	log_open(program, LOG_LEVEL_INFO);
	argv[0] = program; /* whom getopt's messages come from */
	status = default_path(&client);
	if (status == CLIENT_OK)
		status = read_flags(&request, argc, argv, false);
	if (status == CLIENT_OK)
		status = run_words(&request, argc - optind, argv + optind);
	if (status != CLIENT_OK)
		return status;
	return finish();
}
