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

static const struct command commands[] = {
	{ "status", "", "version, interfaces, use of tables and queue", 0, 0, false, cmd_status },
	{ "mappings", "[--watch[=SECONDS]]",
	  "which external endpoint stands for which internal one", 0, 0, true, cmd_mappings },
	{ "sessions", "[--watch[=SECONDS]]", "each mapping with each of its remote endpoints", 0, 0,
	  true, cmd_sessions },
	{ "counters", "", "packets by what became of them, and why", 0, 0, false, cmd_counters },
	{ "options", "", "all knobs with value, default and meaning", 0, 0, false, cmd_options },
	{ "get", "KEY", "the value of one knob", 1, 1, false, cmd_get },
	{ "set", "KEY=VALUE...", "change knobs, all or none; nat.preset=NAME for a whole set", 1,
	  -1, false, cmd_set },
};

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
	for (int i = 0; i < COMMANDS; i++)
		printf("  %-9s%-21s%s\n", commands[i].name, commands[i].arguments,
		       commands[i].meaning);
	puts("\nExit status: 0 done, 1 failed, 2 wrong usage, knob or value.");
}

static void print_command_help(const struct command *command)
{
	printf("Usage: natem [--lab NAME | -s PATH] [--json] %s%s%s\n\n%s\n", command->name,
	       *command->arguments ? " " : "", command->arguments, command->meaning);
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

/* Flags that may stand before or after the command; those only after it are told apart by use. */
static const struct option flags[] = {
	{ "lab", required_argument, NULL, 'l' },
	{ "socket", required_argument, NULL, 's' },
	{ "json", no_argument, NULL, 'j' },
	{ "watch", optional_argument, NULL, 'w' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

struct request {
	struct invocation call;
	bool help, version;
};

/* Flags from argv[optind] on, up to the first word; CLIENT_OK or the error it has reported. */
static enum client_status read_flags(struct request *r, int argc, char **argv)
{
	int flag;

	while ((flag = getopt_long(argc, argv, "+l:s:jw::hV", flags, NULL)) != -1) {
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
		log_error("usage: natem %s %s", command->name, command->arguments);
		return CLIENT_WRONG_USAGE;
	}
	if (call->watch && !command->watches)
		return usage_error("'%s' has no --watch", command->name);
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

int main(int argc, char **argv)
{
	static struct client client = { .fd = -1 };
	struct request request = { .call = { .client = &client, .interval = 1 } };
	const struct command *command;
	enum client_status status;

	log_open("natem", LOG_LEVEL_INFO);
	status = default_path(&client);
	if (status == CLIENT_OK)
		status = read_flags(&request, argc, argv);
	if (status != CLIENT_OK)
		return status;
	if (request.version) {
		puts("natem " NATEM_VERSION);
		return finish();
	}
	if (request.help || (optind < argc && strcmp(argv[optind], "help") == 0)) {
		print_help();
		return finish();
	}
	if (optind == argc)
		return usage_error("%s", "no command given");
	command = find_command(argv[optind]);
	if (command == NULL)
		return usage_error("no command '%s'", argv[optind]);
	optind++;
	status = read_flags(&request, argc, argv);
	if (status != CLIENT_OK)
		return status;
	if (request.help) {
		print_command_help(command);
		return finish();
	}
	request.call.argc = argc - optind;
	request.call.argv = argv + optind;
	status = run(command, &request.call);
	if (status != CLIENT_OK)
		return status;
	return finish();
}
