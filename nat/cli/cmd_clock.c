/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_clock.c - NAT time, shown and moved; whatever is done, the clock is shown as it is then
 */
#include <stdio.h>
#include <string.h>

#include "nat/cli/command.h"

struct verb {
	const char *name, *method;
	const char *parameter; /* what its second word is, NULL if it takes none */
	const char *example;
};

static const struct verb verbs[] = {
	{ "show", "clock.get", NULL, "" },
	{ "advance", "clock.advance", "time", "300s or 2h4m" },
	{ "scale", "clock.scale", "factor", "60 or 0.5" },
	{ "freeze", "clock.freeze", NULL, "" },
	{ "resume", "clock.resume", NULL, "" },
};

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

void command_clock_offset(table_cell *cell, const json_t *clock)
{
	json_int_t ahead = command_number(clock, "nat_ms") - command_number(clock, "real_ms");
	table_cell amount;

	**cell = '\0';
	if (ahead == 0)
		return;
	table_duration(&amount, ahead > 0 ? ahead : -ahead);
	snprintf(*cell, sizeof(*cell), "%.32s %s", amount, ahead > 0 ? "ahead" : "behind");
}

static void print_clock(const struct invocation *call, const json_t *clock)
{
	table_cell real, nat, offset;

	(void)call;
	table_duration(&real, command_number(clock, "real_ms"));
	table_duration(&nat, command_number(clock, "nat_ms"));
	command_clock_offset(&offset, clock);
	printf("clock      %s\n",
	       json_is_true(json_object_get(clock, "frozen")) ? "frozen" : "runs");
	printf("scale      %s\n", command_text(clock, "scale"));
	printf("NAT time   %s%s%s\n", nat, *offset != '\0' ? ", " : "", offset);
	printf("real time  %s since natemd started\n", real);
}

enum client_status cmd_clock(const struct invocation *call)
{
	const struct verb *verb = find_verb(call->argv[0]);
	json_t *params = NULL;

	if (verb == NULL)
		return command_misused(call,
				       "clock has no '%.64s'; it has advance, scale, freeze, "
				       "resume and show",
				       call->argv[0]);
	if (verb->parameter == NULL && call->argc > 1)
		return command_misused(call, "clock %s takes no '%.64s'", verb->name,
				       call->argv[1]);
	if (verb->parameter != NULL) {
		if (call->argc < 2)
			return command_misused(call, "clock %s needs a %s, such as %s", verb->name,
					       verb->parameter, verb->example);
		params = json_pack("{s:s}", verb->parameter, call->argv[1]);
		if (params == NULL)
			return command_misused(call, "'%s': not UTF-8", call->argv[1]);
	}
	return command_show(call, verb->method, params, print_clock);
}
