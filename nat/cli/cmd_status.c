/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>

#include "nat/cli/command.h"
#include "nat/cli/table.h"

/* What hosts asked for, if any did. */
static void print_pcp(const json_t *pcp)
{
	json_int_t leases = command_number(pcp, "leases");
	json_int_t granted = command_number(pcp, "granted");
	json_int_t refused = command_number(pcp, "refused");
	json_int_t ignored = command_number(pcp, "ignored");

	if (leases + granted + refused + ignored > 0)
		printf("pcp       %" JSON_INTEGER_FORMAT " leases; requests: %" JSON_INTEGER_FORMAT
		       " granted, %" JSON_INTEGER_FORMAT " refused, %" JSON_INTEGER_FORMAT
		       " ignored\n",
		       leases, granted, refused, ignored);
}

/* The mapping log, if there is one. */
static void print_log(const json_t *log)
{
	const char *file = command_text(log, "file");
	bool failing = json_is_true(json_object_get(log, "failing"));

	if (*file != '\0')
		printf("log       %s: %" JSON_INTEGER_FORMAT
		       " records written, %" JSON_INTEGER_FORMAT " wait, %" JSON_INTEGER_FORMAT
		       " lost%s\n",
		       file, command_number(log, "written"), command_number(log, "waiting"),
		       command_number(log, "lost"), failing ? "; it cannot be written now" : "");
	if (json_is_true(json_object_get(log, "syslog")))
		printf("syslog    %" JSON_INTEGER_FORMAT " records sent, %" JSON_INTEGER_FORMAT
		       " lost\n",
		       command_number(log, "syslog_sent"), command_number(log, "syslog_lost"));
}

static void print_usage(const char *title, const json_t *usage)
{
	json_int_t created = command_number(usage, "created");
	json_int_t expired = command_number(usage, "expired");

	printf("%-10s%" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT, title,
	       command_number(usage, "live"), command_number(usage, "limit"));
	if (created > 0)
		printf(", %" JSON_INTEGER_FORMAT " ever made", created);
	if (expired > 0)
		printf(", %" JSON_INTEGER_FORMAT " timed out", expired);
	putchar('\n');
}

static void print_external(const json_t *addresses)
{
	const json_t *address;
	size_t i;

	printf("%-10s", "external");
	json_array_foreach(addresses, i, address)
		printf("%s%s", i > 0 ? ", " : "", json_string_value(address));
	putchar('\n');
}

/* Only where it is not real time: who has forgotten that it is frozen must be told. */
static void print_clock(const json_t *clock)
{
	bool frozen = json_is_true(json_object_get(clock, "frozen"));
	const char *scale = command_text(clock, "scale");
	table_cell offset;

	command_clock_offset(&offset, clock);
	if (!frozen && *offset == '\0' && (*scale == '\0' || strcmp(scale, "1") == 0))
		return;
	printf("clock     %s, scale %s%s%s\n", frozen ? "frozen" : "runs", scale,
	       *offset != '\0' ? ", " : "", offset);
}

/* What waits or rests, and what the NAT has sent itself: only if there is any. */
static void print_asides(const json_t *status)
{
	const json_t *held = json_object_get(status, "held");
	const json_t *own = json_object_get(status, "own_packets");
	json_int_t resting = command_number(status, "resting_ports");

	if (command_number(held, "fragments") + command_number(held, "syns") > 0)
		printf("held      %" JSON_INTEGER_FORMAT " fragments, %" JSON_INTEGER_FORMAT
		       " unsolicited SYNs\n",
		       command_number(held, "fragments"), command_number(held, "syns"));
	print_pcp(json_object_get(status, "pcp"));
	if (resting > 0)
		printf("resting   %" JSON_INTEGER_FORMAT " ports\n", resting);
	if (command_number(own, "made") + command_number(own, "lost") > 0)
		printf("own       %" JSON_INTEGER_FORMAT " packets made, %" JSON_INTEGER_FORMAT
		       " sent, %" JSON_INTEGER_FORMAT " failed, %" JSON_INTEGER_FORMAT " lost\n",
		       command_number(own, "made"), command_number(own, "sent"),
		       command_number(own, "failed"), command_number(own, "lost"));
}

static void print_status(const struct invocation *call, const json_t *status)
{
	const json_t *queue = json_object_get(status, "queue");
	table_cell uptime;

	(void)call;
	table_duration(&uptime, command_number(status, "uptime_ms"));
	printf("natemd    %s, pid %" JSON_INTEGER_FORMAT ", up %s\n",
	       command_text(status, "version"), command_number(status, "pid"), uptime);
	printf("lan       %s\nwan       %s\n", command_text(status, "lan"),
	       command_text(status, "wan"));
	print_external(json_object_get(status, "external"));
	print_usage("mappings", json_object_get(status, "mappings"));
	print_usage("sessions", json_object_get(status, "sessions"));
	printf("queue     %" JSON_INTEGER_FORMAT ": %" JSON_INTEGER_FORMAT
	       " packets, %" JSON_INTEGER_FORMAT " overruns\n",
	       command_number(queue, "number"), command_number(queue, "packets"),
	       command_number(queue, "overruns"));
	print_asides(status);
	print_log(json_object_get(status, "log"));
	print_clock(json_object_get(status, "clock"));
}

enum client_status cmd_status(const struct invocation *call)
{
	return command_show(call, "status", NULL, print_status);
}
