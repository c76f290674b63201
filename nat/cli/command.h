/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * command.h - the subcommands
 * Owns:       what a subcommand is given and gives back, and their table (commands.c), from which help
 *             is made.
 * Invariants: a subcommand writes its answer to standard output only when it succeeded. A list is
 *             written while it comes: what is there of it when it fails stays.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdbool.h>

#include "common/help.h"
#include "nat/cli/client.h"
#include "nat/cli/table.h"

enum { COMMAND_LOGS = 64 };

struct invocation {
	struct client *client; /* path set, not connected */
	bool json;
	bool watch;			/* redraw until told to stop */
	bool list;			/* --list */
	bool follow;			/* --follow */
	uint64_t count;			/* --count: end after so many; 0: never */
	bool explain;			/* --explain */
	bool inbound;			/* --inbound */
	char *flags;			/* --flags: of a TCP segment; NULL: not given */
	double interval;		/* seconds between redraws, or two readings */
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
	bool follows;	       /* takes --follow */
	bool counts;	       /* takes --count */
	bool explains;	       /* takes --explain and --interval */
	bool tries;	       /* takes --inbound and --flags */
	bool looks_back;       /* takes --at and --log */
	enum client_status (*run)(const struct invocation *call);
	const struct help_flag *flags; /* its own; NULL for none */
	/* The ways to call it, or if @arguments has a FILTER, what that may be; for completion too.
	 * Capitals stand for what is to be filled in, "tcp|udp" for one of them. NULL: what
	 * @arguments says is all. */
	const struct help_entry *forms;
	const char *details; /* more of its help, as help_print_text() takes it; NULL for none */
};

/* Flags of every subcommand. */
extern const struct help_flag command_flags[];

/* The table's row at @index, NULL past the last; and the one of @name, NULL if there is none. */
const struct command *command_spec(unsigned int index);
const struct command *command_find(const char *name);

enum client_status cmd_status(const struct invocation *call);
enum client_status cmd_mappings(const struct invocation *call);
enum client_status cmd_sessions(const struct invocation *call);
enum client_status cmd_top(const struct invocation *call);
enum client_status cmd_draw(const struct invocation *call);
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
enum client_status cmd_metrics(const struct invocation *call);
enum client_status cmd_trace(const struct invocation *call);
enum client_status cmd_capture(const struct invocation *call);
enum client_status cmd_explain(const struct invocation *call);
enum client_status cmd_clock(const struct invocation *call);
enum client_status cmd_describe(const struct invocation *call);

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

/* Connect and subscribe to @method; what comes is read from @in. A signal then ends that. @params: as above */
enum client_status command_subscribe(const struct invocation *call, const char *method,
				     json_t *params, FILE **in);
/* The stream has ended: CLIENT_OK if that is what was wanted. */
enum client_status command_unsubscribed(const struct invocation *call, FILE *in);

/* The words of @call from @first on as a filter of packets: host ADDRESS, port N, protocol NAME, reason NAME, drops. NULL
 * with the reason in the client. */
json_t *command_filter(const struct invocation *call, int first);

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
