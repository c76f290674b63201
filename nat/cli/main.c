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
#include "common/nearest.h"
#include "nat/cli/command.h"
#include "nat/cli/complete.h"
#include "nat/core/presets.h"

static void print_version(void)
{
	puts("natem " NATEM_VERSION);
}

static void print_help(void)
{
	puts("Usage: natem [--lab NAME | -s PATH] [--json] COMMAND [ARGUMENT]...\n"
	     "\n"
	     "Inspects and steers a running natemd.\n");
	help_print_flags(command_flags);
	puts("\nCommands:");
	for (unsigned int i = 0; command_spec(i) != NULL; i++) {
		const struct command *command = command_spec(i);
		bool fits = strlen(command->arguments) <= 20;

		printf("  %-9s%-21s%s%s\n", command->name, command->arguments,
		       fits ? "" : "\n                                ", command->meaning);
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
	if (command->forms != NULL) {
		puts(strstr(command->arguments, "FILTER") != NULL ? "\nFILTER is any of" : "");
		help_print_entries(command->forms);
	}
	if (command->flags != NULL) {
		putchar('\n');
		help_print_flags(command->flags);
	}
	if (command->details != NULL) {
		putchar('\n');
		help_print_text(command->details);
	}
	if (command->run == cmd_set)
		print_presets("nat.preset=");
	if (command->run == cmd_preset)
		print_presets("");
}

static enum client_status usage_error(const char *format, const char *word)
{
	char message[256];

	snprintf(message, sizeof(message), format, word);
	log_error("%s; try 'natem --help'", message);
	return CLIENT_WRONG_USAGE;
}

static enum client_status no_command(const char *name)
{
	struct nearest nearest;

	nearest_init(&nearest, name, 0);
	for (unsigned int i = 0; command_spec(i) != NULL; i++)
		nearest_offer(&nearest, command_spec(i)->name);
	if (nearest.name == NULL)
		return usage_error("no command '%.64s'", name);
	log_error("no command '%.64s'; did you mean '%s'?", name, nearest.name);
	return CLIENT_WRONG_USAGE;
}

static int read_interval(const char *text, double *seconds)
{
	char *end;

	*seconds = strtod(text, &end);
	return end == text || *end != '\0' || !(*seconds >= 0.1) || *seconds > 3600 ? -EINVAL : 0;
}

static int read_count(const char *text, uint64_t *count)
{
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > 15 || text[digits] != '\0')
		return -EINVAL;
	*count = strtoull(text, NULL, 10);
	return *count > 0 ? 0 : -EINVAL;
}

static int set_path(struct client *client, const char *path)
{
	if (strlen(path) >= sizeof(client->path) || *path == '\0')
		return -EINVAL;
	strcpy(client->path, path);
	return 0;
}

enum {
	FLAG_LIST = 256,
	FLAG_COUNT,
	FLAG_EXPLAIN,
	FLAG_INTERVAL,
	FLAG_INBOUND,
	FLAG_FLAGS,
	FLAG_AT,
	FLAG_LOG
};

/* Flags that may stand before or after the command; those only after it are told apart by use. */
static const struct option flags[] = {
	{ "lab", required_argument, NULL, 'l' },
	{ "socket", required_argument, NULL, 's' },
	{ "json", no_argument, NULL, 'j' },
	{ "watch", optional_argument, NULL, 'w' },
	{ "list", no_argument, NULL, FLAG_LIST },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ "follow", no_argument, NULL, 'f' },
	{ "count", required_argument, NULL, FLAG_COUNT },
	{ "explain", no_argument, NULL, FLAG_EXPLAIN },
	{ "interval", required_argument, NULL, FLAG_INTERVAL },
	{ "inbound", no_argument, NULL, FLAG_INBOUND },
	{ "flags", required_argument, NULL, FLAG_FLAGS },
	{ "at", required_argument, NULL, FLAG_AT },
	{ "log", required_argument, NULL, FLAG_LOG },
	{ NULL, 0, NULL, 0 },
};

/* @word: what getopt has stumbled over, which is a letter of it, in optopt, if it has no "--". */
static enum client_status no_flag(const char *word)
{
	const char letter[] = { (char)optopt, '\0' };
	struct nearest nearest;
	char name[32];

	if (strncmp(word, "--", 2) != 0)
		return usage_error("no flag '-%s'", letter);
	if (optopt != 0)
		return usage_error("'%.64s': this flag takes no value", word);
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(word + 2, "="), word + 2);
	nearest_init(&nearest, name, 0);
	for (const struct option *f = flags; f->name != NULL; f++)
		nearest_offer(&nearest, f->name);
	if (nearest.name == NULL)
		return usage_error("no flag '%.64s'", word);
	log_error("no flag '--%s'; did you mean '--%s'?", name, nearest.name);
	return CLIENT_WRONG_USAGE;
}

struct request {
	struct invocation call;
	bool help, version, timed; /* timed: --interval was given */
};

/*
 * Flags of argv[1] on: up to the first word, or with @anywhere between the words too. Leaves optind
 * at the first word. CLIENT_OK or the error it has reported.
 */
static enum client_status read_flags(struct request *r, int argc, char **argv, bool anywhere)
{
	const char *letters = anywhere ? ":l:s:jw::fhV" : "+:l:s:jw::fhV";
	int flag;

	optind = 0; /* getopt starts anew; the ":" leaves the words to us */
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
		case 'f':
			r->call.follow = true;
			break;
		case FLAG_COUNT:
			if (read_count(optarg, &r->call.count) < 0)
				return usage_error("--count=%s: a number from 1 on", optarg);
			break;
		case FLAG_LIST:
			r->call.list = true;
			break;
		case FLAG_EXPLAIN:
			r->call.explain = true;
			break;
		case FLAG_INTERVAL:
			r->timed = true;
			if (read_interval(optarg, &r->call.interval) < 0)
				return usage_error("--interval=%s: from 0.1 to 3600 seconds",
						   optarg);
			break;
		case FLAG_INBOUND:
			r->call.inbound = true;
			break;
		case FLAG_FLAGS:
			r->call.flags = optarg;
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
		case ':':
			return usage_error("'%s' wants a word after it", argv[optind - 1]);
		default:
			return no_flag(argv[optind - 1]);
		}
	}
	return CLIENT_OK;
}

static enum client_status run(const struct command *command, const struct invocation *call)
{
	enum client_status status;

	if (call->argc < command->least || (command->most >= 0 && call->argc > command->most)) {
		log_error("too %s words; usage: natem %s%s%s",
			  call->argc < command->least ? "few" : "many", command->name,
			  *command->arguments ? " " : "", command->arguments);
		return CLIENT_WRONG_USAGE;
	}
	if (call->watch && !command->watches)
		return usage_error("'%s' has no --watch", command->name);
	if (call->list && !command->lists)
		return usage_error("'%s' has no --list", command->name);
	if ((call->at != NULL || call->log_count > 0) && !command->looks_back)
		return usage_error("'%s' has no --at and no --log", command->name);
	if (call->follow && !command->follows)
		return usage_error("'%s' has no --follow", command->name);
	if (call->count > 0 && !command->counts)
		return usage_error("'%s' has no --count", command->name);
	if (call->explain && !command->explains)
		return usage_error("'%s' has no --explain", command->name);
	if (call->inbound && !command->tries)
		return usage_error("'%s' has no --inbound", command->name);
	if (call->flags != NULL && !command->tries)
		return usage_error("'%s' has no --flags", command->name);
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

static const char *environment(const char *name, const char *otherwise)
{
	const char *value = getenv(name);

	return value != NULL && *value != '\0' ? value : otherwise;
}

static enum client_status default_path(struct client *client)
{
	const char *path = environment("NATEM_SOCKET", NULL);
	const char *lab = environment("NATEM_LAB", "natem");

	if (path != NULL && set_path(client, path) < 0)
		return usage_error("NATEM_SOCKET=%s is not a socket path", path);
	if (path == NULL && rpc_socket_path(lab, client->path) < 0)
		return usage_error("NATEM_LAB=%s is not the name of a lab", lab);
	return CLIENT_OK;
}

/* @argv: the command's name, where getopt expects the program's, and what follows it. */
static enum client_status run_command(struct request *r, const char *name, int argc, char **argv)
{
	const struct command *command = command_find(name);
	enum client_status status;

	if (command == NULL)
		return no_command(name);
	status = read_flags(r, argc, argv, true);
	if (status != CLIENT_OK)
		return status;
	if (r->version) {
		print_version();
		return CLIENT_OK;
	}
	if (r->help) {
		print_command_help(command);
		return CLIENT_OK;
	}
	if (r->timed && !r->call.explain)
		return usage_error("%s", "--interval goes with --explain");
	r->call.argc = argc - optind;
	r->call.argv = argv + optind;
	return run(command, &r->call);
}

/* "help help" and "help --help" are help. */
static bool asks_help(const char *word)
{
	return strcmp(word, "help") == 0 || *word == '-';
}

static enum client_status run_words(struct request *r, int argc, char **argv)
{
	const char *word = argc > 0 ? argv[0] : NULL;

	if (r->version) {
		print_version();
		return CLIENT_OK;
	}
	if (word != NULL && strcmp(word, "help") == 0 && argc > 1 && !asks_help(argv[1])) {
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
	if (strcmp(word, "complete") == 0) { /* for the shells' completion; no help tells of it */
		complete_print(argc - 1, argv + 1);
		return CLIENT_OK;
	}
	return run_command(r, word, argc, argv);
}

int main(int argc, char **argv)
{
	static struct client client = { .fd = -1 };
	struct request request = { .call = { .client = &client, .interval = 1 } };
	enum client_status status;

	log_open("natem", LOG_LEVEL_INFO);
	status = default_path(&client);
	if (status == CLIENT_OK)
		status = read_flags(&request, argc, argv, false);
	if (status == CLIENT_OK)
		status = run_words(&request, argc - optind, argv + optind);
	if (status != CLIENT_OK)
		return status;
	return finish();
}
