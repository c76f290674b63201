/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_who_at.c - who had an external port at some time, by the mapping log and without a daemon
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "nat/cli/command.h"
#include "nat/cli/history.h"
#include "nat/core/options.h"

static void print_holder(const json_t *who)
{
	const char *kind = command_text(who, "kind"), *remote = command_text(who, "remote");
	const char *until = command_text(who, "until"), *cause = command_text(who, "cause");
	bool inferred = json_is_true(json_object_get(who, "inferred"));

	if (strcmp(kind, "mapping") == 0)
		printf("%-6s %s%s%s", command_text(who, "protocol"), command_text(who, "internal"),
		       *remote != '\0' ? " towards " : "", remote);
	else
		printf("%-6s %" JSON_INTEGER_FORMAT "-%" JSON_INTEGER_FORMAT " of %s%s", "block",
		       command_number(who, "first"), command_number(who, "last"),
		       command_text(who, "host"),
		       strcmp(kind, "deterministic") == 0 ? ", deterministic" : "");
	printf(", from %s%s", inferred ? "about " : "", command_text(who, "from"));
	if (*until == '\0')
		puts(" on");
	else
		printf(" to %s%s%s\n", until, *cause != '\0' ? ": " : "", cause);
}

/* What must be known to believe the answer. */
static void print_doubts(const json_t *answer)
{
	const char *at = command_text(answer, "at"), *first = command_text(answer, "first");
	const char *last = command_text(answer, "last");
	json_int_t damaged = command_number(answer, "damaged");
	json_int_t lost = command_number(answer, "lost");

	/* Times of one form are in the order of their letters. */
	if (*first == '\0')
		puts("there is no record at all in this log");
	else if (strcmp(at, first) < 0)
		printf("the log begins later, %s: it cannot tell\n", first);
	else if (strcmp(at, last) > 0)
		printf("the last record is of %s\n", last);
	if (damaged > 0)
		printf("%" JSON_INTEGER_FORMAT " line%s left out: damaged, or no record\n", damaged,
		       damaged == 1 ? "" : "s");
	if (lost > 0)
		printf("%" JSON_INTEGER_FORMAT " record%s could not be written and %s missing\n",
		       lost, lost == 1 ? "" : "s", lost == 1 ? "is" : "are");
}

static void print_answer(const struct invocation *call, const json_t *answer)
{
	const json_t *found = json_object_get(answer, "found"), *who;
	size_t i;

	if (call->json) {
		json_dumpf(answer, stdout, JSON_COMPACT);
		putchar('\n');
		return;
	}
	json_array_foreach(found, i, who)
		print_holder(who);
	if (json_array_size(found) == 0)
		puts("nobody, by this log");
	print_doubts(answer);
}

/* The file that the daemon writes, into @path. */
static enum client_status ask_for_log(const struct invocation *call, char path[OPTIONS_PATH_MAX])
{
	enum client_status status = client_open(call->client);
	const char *value;
	json_t *result;

	if (status != CLIENT_OK)
		return status;
	status = client_call(call->client, "options.get", json_pack("{s:[s]}", "keys", "log.file"),
			     &result);
	client_close(call->client);
	if (status != CLIENT_OK)
		return status;
	value = command_text(json_object_get(json_object_get(result, "options"), "log.file"),
			     "value");
	snprintf(path, OPTIONS_PATH_MAX, "%s", value);
	json_decref(result);
	if (strcmp(path, "none") != 0)
		return CLIENT_OK;
	snprintf(call->client->why, sizeof(call->client->why),
		 "this natemd writes no mapping log; 'natem set log.file=PATH' lets it, and --log "
		 "FILE names one that is there");
	return CLIENT_FAILED;
}

static enum client_status read_log(const struct invocation *call, struct history *h,
				   const char *path)
{
	int err = history_read(h, path);

	if (err == 0)
		return CLIENT_OK;
	snprintf(call->client->why, sizeof(call->client->why), "%.512s: %s", path, strerror(-err));
	return CLIENT_FAILED;
}

static enum client_status read_logs(const struct invocation *call, struct history *h)
{
	enum client_status status = CLIENT_OK;
	char path[OPTIONS_PATH_MAX];

	if (call->log_count == 0) {
		status = ask_for_log(call, path);
		return status == CLIENT_OK ? read_log(call, h, path) : status;
	}
	for (int i = 0; i < call->log_count && status == CLIENT_OK; i++)
		status = read_log(call, h, call->logs[i]);
	return status;
}

static bool read_protocol(const char *name, enum nat_protocol *protocol)
{
	for (int i = 0; i < NAT_PROTOCOLS; i++) {
		if (strcmp(name, nat_protocol_name((enum nat_protocol)i)) != 0)
			continue;
		*protocol = (enum nat_protocol)i;
		return true;
	}
	return false;
}

enum client_status command_who_at(const struct invocation *call)
{
	struct history_question question = { .protocol = NAT_PROTOCOLS };
	int64_t now_ms = (int64_t)time(NULL) * 1000;
	enum client_status status;
	struct history history;
	json_t *answer;

	if (endpoint_parse(call->argv[0], &question.external) < 0)
		return command_misused(call,
				       "'%.64s': an endpoint is needed, such as "
				       "203.0.113.1:40213",
				       call->argv[0]);
	if (call->argc > 1 && !read_protocol(call->argv[1], &question.protocol))
		return command_misused(call, "'%.64s': udp, tcp, icmp or other is needed",
				       call->argv[1]);
	if (history_parse_when(call->at, now_ms, &question.from_ms, &question.to_ms) < 0)
		return command_misused(call,
				       "--at '%.64s': a time is needed, such as "
				       "2026-11-24T14:05:12Z, 14:05:12 (today, UTC) or '5m ago'",
				       call->at);
	history_init(&history, &question);
	status = read_logs(call, &history);
	if (status == CLIENT_OK) {
		answer = history_answer(&history);
		print_answer(call, answer);
		json_decref(answer);
	}
	history_fini(&history);
	return status;
}
