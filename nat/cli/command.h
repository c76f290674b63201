/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * command.h - the subcommands
 * Owns:       what a subcommand is given and gives back; main.c holds their table.
 * Invariants: a subcommand writes its answer to standard output only when it succeeded. A list is
 *             written while it comes: what is there of it when it fails stays.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdbool.h>

#include "nat/cli/client.h"
#include "nat/cli/table.h"

enum { COMMAND_LOGS = 64 };

struct invocation {
	struct client *client; /* path set, not connected */
	bool json;
	bool watch;			/* redraw until told to stop */
	bool list;			/* --list */
	double interval;		/* seconds between redraws */
	const char *at;			/* --at, NULL if not given */
	const char *logs[COMMAND_LOGS]; /* each --log */
	int log_count;
	int argc; /* words after the subcommand's flags */
	char **argv;
};

struct command {
	const char *name;
	const char *arguments; /* for the usage line */
	const char *meaning;   /* one line */
	int least, most;       /* words it takes; most -1: any number */
	bool watches;	       /* takes --watch */
	bool lists;	       /* takes --list */
	bool looks_back;       /* takes --at and --log */
	enum client_status (*run)(const struct invocation *call);
	const char *details; /* more of its help, whole lines; NULL for none */
};

enum client_status cmd_status(const struct invocation *call);
enum client_status cmd_mappings(const struct invocation *call);
enum client_status cmd_sessions(const struct invocation *call);
enum client_status cmd_hosts(const struct invocation *call);
enum client_status cmd_who(const struct invocation *call);
enum client_status cmd_events(const struct invocation *call);
enum client_status cmd_forward(const struct invocation *call);
enum client_status cmd_counters(const struct invocation *call);
enum client_status cmd_options(const struct invocation *call);
enum client_status cmd_get(const struct invocation *call);
enum client_status cmd_set(const struct invocation *call);
enum client_status cmd_preset(const struct invocation *call);
enum client_status cmd_flush(const struct invocation *call);
enum client_status cmd_clock(const struct invocation *call);

/*
 * command_show() - call @method and print its result: as JSON if asked to, else with @print
 * @params: taken; NULL for none
 * On failure nothing is printed, and the reason is in call->client->why.
 */
enum client_status command_show(const struct invocation *call, const char *method, json_t *params,
				void (*print)(const struct invocation *call, const json_t *result));

/* `who` with --at. */
enum client_status command_who_at(const struct invocation *call);

/* What options.set has changed. */
void command_print_changes(const struct invocation *call, const json_t *result);

/* The table of presets.list or preset_list(). */
void command_print_presets(const json_t *list);

/* Leave a reason in the client; always CLIENT_WRONG_USAGE, to be returned. */
__attribute__((format(printf, 2, 3))) enum client_status
command_misused(const struct invocation *call, const char *format, ...);

/* What the clock of clock.get or status shows besides real time: "5m01s ahead", or "". */
void command_clock_offset(table_cell *cell, const json_t *clock);

/* Borrowed string or number of an object's member; "" or 0 where it is not there. */
const char *command_text(const json_t *object, const char *name);
/* Why a mapping of mappings.list or who is not its host's by its packets alone: "fixed", "leased", "". */
const char *command_kind(const json_t *mapping);
json_int_t command_number(const json_t *object, const char *name);

#endif
