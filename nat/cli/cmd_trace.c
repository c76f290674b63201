/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_trace.c - packets as they pass: as lines, or as a file
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nat/cli/command.h"

/* --- which packets -------------------------------------------------------------------------- */

/* {@name: @word} into @params; false if the word cannot be. */
static bool add_word(json_t *params, const char *name, const char *word)
{
	size_t digits = strspn(word, "0123456789");

	if (strcmp(name, "port") != 0)
		return json_object_set_new(params, name, json_string(word)) == 0;
	return digits > 0 && digits < 6 && word[digits] == '\0' &&
	       json_object_set_new(params, name, json_integer(atoi(word))) == 0;
}

static bool takes_word(const char *name)
{
	static const char *const names[] = { "host", "port", "protocol", "reason" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

json_t *command_filter(const struct invocation *call, int first)
{
	json_t *params = json_object();

	for (int i = first; i < call->argc; i++) {
		const char *name = call->argv[i];

		if (strcmp(name, "drops") == 0) {
			json_object_set_new(params, name, json_true());
			continue;
		}
		if (!takes_word(name))
			command_misused(call,
					"no filter '%.64s'; there are host ADDRESS, port N, "
					"protocol udp|tcp|icmp|other, reason NAME and drops",
					name);
		else if (++i == call->argc)
			command_misused(call, "'%s' of what?", name);
		else if (!add_word(params, name, call->argv[i]))
			command_misused(call, "%s '%.64s': not %s", name, call->argv[i],
					strcmp(name, "port") == 0 ? "a number" : "UTF-8");
		else
			continue;
		json_decref(params);
		return NULL;
	}
	return params;
}

/* --- as lines ------------------------------------------------------------------------------- */

/* "04:30:00.123456" of "2026-11-24T04:30:00.123456Z" */
static void print_time(const json_t *packet)
{
	const char *time = strchr(command_text(packet, "time"), 'T');

	printf("%-15.15s", time != NULL ? time + 1 : "?");
}

/* "tcp SYN,ACK", "icmp 8/0", "udp" */
static void print_protocol(const json_t *packet)
{
	const json_t *icmp = json_object_get(packet, "icmp");
	const char *flags = command_text(packet, "flags");
	char what[48] = "";

	if (json_is_object(icmp))
		snprintf(what, sizeof(what), "%d/%d", (int)command_number(icmp, "type"),
			 (int)command_number(icmp, "code"));
	else if (json_is_integer(json_object_get(packet, "fragment_offset")))
		snprintf(what, sizeof(what), "frag@%d",
			 (int)command_number(packet, "fragment_offset"));
	else
		snprintf(what, sizeof(what), "%s", flags);
	printf(" %-5s %-8s", command_text(packet, "protocol"), what);
}

static bool same(const json_t *packet, const char *one, const char *other)
{
	return strcmp(command_text(packet, one), command_text(packet, other)) == 0;
}

static void print_ends(const json_t *packet)
{
	printf(" %s > %s", command_text(packet, "source"), command_text(packet, "destination"));
	if (!same(packet, "source", "new_source") ||
	    !same(packet, "destination", "new_destination"))
		printf(" => %s > %s", command_text(packet, "new_source"),
		       command_text(packet, "new_destination"));
}

static void print_drop(const json_t *packet)
{
	const char *knob = command_text(packet, "knob"), *clause = command_text(packet, "clause");

	if (strcmp(command_text(packet, "verdict"), "dropped") != 0)
		return;
	printf(" DROPPED%s%s%s%s%s", *knob || *clause ? " (" : "", knob,
	       *knob && *clause ? ", " : "", clause, *knob || *clause ? ")" : "");
}

/* "CLOSED>INTERNAL_SYN"; "ESTABLISHED" where it stays */
static void print_state(const json_t *packet)
{
	if (*command_text(packet, "tcp_before"))
		printf(" %s", command_text(packet, "tcp_before"));
	if (!same(packet, "tcp_before", "tcp_after"))
		printf(">%s", command_text(packet, "tcp_after"));
}

static void print_packet(const json_t *packet)
{
	const char *from = command_text(packet, "from");

	print_time(packet);
	printf(" %-3s", strcmp(from, "internal") == 0 ? "out" : *from ? "in" : "?");
	print_protocol(packet);
	if (*command_text(packet, "source"))
		print_ends(packet);
	print_state(packet);
	if (json_is_integer(json_object_get(packet, "mapping")))
		printf(" mapping %" JSON_INTEGER_FORMAT, command_number(packet, "mapping"));
	printf(" %s", command_text(packet, "reason"));
	print_drop(packet);
	putchar('\n');
}

/* A notification; true if it is a packet. */
static bool show(const struct invocation *call, const char *name, const json_t *params)
{
	bool packet = strcmp(name, "trace.packet") == 0;

	if (call->json) {
		if (!packet)
			fputs("{\"missed\":", stdout);
		json_dumpf(packet ? params : json_object_get(params, "count"), stdout,
			   JSON_COMPACT | JSON_ENCODE_ANY);
		puts(packet ? "" : "}");
	} else if (packet) {
		print_packet(params);
	} else {
		printf("... %" JSON_INTEGER_FORMAT " packets missed: they came faster than they "
		       "were read\n",
		       command_number(params, "count"));
	}
	return packet;
}

/* Until it ends; true if all that was wanted has come. */
static bool follow(const struct invocation *call, FILE *in)
{
	uint64_t packets = 0;
	char name[32];

	while (!client_is_ended() && (call->count == 0 || packets < call->count)) {
		json_t *params = client_next(in, name, sizeof(name));

		if (params == NULL)
			break;
		packets += show(call, name, params);
		json_decref(params);
		if (fflush(stdout) != 0)
			return true; /* the reader has gone */
	}
	return call->count > 0 && packets == call->count;
}

enum client_status cmd_trace(const struct invocation *call)
{
	json_t *params = command_filter(call, 0);
	enum client_status status;
	bool enough;
	FILE *in;

	if (params == NULL)
		return CLIENT_WRONG_USAGE;
	status = command_subscribe(call, "trace.subscribe", params, &in);
	if (status != CLIENT_OK)
		return status;
	enough = follow(call, in);
	status = command_unsubscribed(call, in);
	return enough ? CLIENT_OK : status;
}

/* --- as a file ------------------------------------------------------------------------------ */

enum { COPY_BYTES = 65536 };

static enum client_status cannot_write(const struct invocation *call, const char *path)
{
	snprintf(call->client->why, sizeof(call->client->why), "%s: %s", path, strerror(errno));
	return CLIENT_FAILED;
}

/* Until the daemon has closed the file, which it does when it is told that no more is wanted. */
static enum client_status copy(const struct invocation *call, FILE *in, FILE *out, const char *path)
{
	static char bytes[COPY_BYTES];

	ssize_t n = 1;

	while (n > 0) {
		n = read(fileno(in), bytes, sizeof(bytes));
		if (n < 0 && errno == EINTR)
			n = 1; /* a signal ends the reading, not the stream */
		else if (n > 0 &&
			 (fwrite(bytes, 1, (size_t)n, out) != (size_t)n || fflush(out) != 0))
			return cannot_write(call, path);
	}
	return CLIENT_OK;
}

enum client_status cmd_capture(const struct invocation *call)
{
	const char *path = call->argv[0];
	bool standard = strcmp(path, "-") == 0;
	json_t *params = command_filter(call, 1);
	enum client_status status;
	FILE *in, *out;

	if (params == NULL)
		return CLIENT_WRONG_USAGE;
	status = command_subscribe(call, "capture.start", params, &in);
	if (status != CLIENT_OK)
		return status;
	out = standard ? stdout : fopen(path, "we");
	status = out != NULL ? copy(call, in, out, path) : cannot_write(call, path);
	if (out != NULL && !standard && fclose(out) != 0 && status == CLIENT_OK)
		status = cannot_write(call, path);
	if (status == CLIENT_OK)
		return command_unsubscribed(call, in);
	fclose(in);
	client_close(call->client);
	return status;
}
