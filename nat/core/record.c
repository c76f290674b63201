/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/core/record.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FIELDS_LEAST = 7, FIELDS_MOST = 8 };

const char *record_kind_name(enum record_kind kind)
{
	static const char *const names[RECORD_KINDS] = {
		[RECORD_LOG_STARTED] = "log-started",
		[RECORD_LOG_STOPPED] = "log-stopped",
		[RECORD_MAPPING_CREATED] = "mapping-created",
		[RECORD_MAPPING_ENDED] = "mapping-ended",
		[RECORD_SESSION_CREATED] = "session-created",
		[RECORD_SESSION_ENDED] = "session-ended",
		[RECORD_BLOCK_ALLOCATED] = "block-allocated",
		[RECORD_BLOCK_FREED] = "block-freed",
		[RECORD_DETERMINISTIC] = "deterministic",
		[RECORD_OPTIONS_CHANGED] = "options-changed",
		[RECORD_RECORDS_LOST] = "records-lost",
	};

	return names[kind];
}

/* --- time ----------------------------------------------------------------------------------- */

const char *record_format_time(int64_t utc_ms, char buf[RECORD_TIME_MAX])
{
	int64_t ms = (utc_ms % 1000 + 1000) % 1000;
	time_t seconds = (time_t)((utc_ms - ms) / 1000);
	struct tm tm;
	size_t used = strftime(buf, RECORD_TIME_MAX, "%Y-%m-%dT%H:%M:%S", gmtime_r(&seconds, &tm));

	snprintf(buf + used, RECORD_TIME_MAX - used, ".%03dZ", (int)ms);
	return buf;
}

/* @count digits at @*text, which is moved past them; -1 if there are not so many. */
static int digits(const char **text, int count)
{
	int value = 0;

	for (int i = 0; i < count; i++) {
		if (!isdigit((unsigned char)**text))
			return -1;
		value = 10 * value + *(*text)++ - '0';
	}
	return value;
}

/* "Z", or how far east: "+08:00". The rest of the text must be that. */
static int parse_zone(const char *text, int64_t *east_ms)
{
	int sign = *text == '-' ? -1 : 1, hours, minutes;

	*east_ms = 0;
	if (strcmp(text, "Z") == 0)
		return 0;
	if (*text != '+' && *text != '-')
		return -EINVAL;
	text++;
	hours = digits(&text, 2);
	if (*text == ':')
		text++;
	minutes = digits(&text, 2);
	if (hours < 0 || hours > 14 || minutes < 0 || minutes > 59 || *text != '\0')
		return -EINVAL;
	*east_ms = sign * (hours * 60 + minutes) * INT64_C(60000);
	return 0;
}

/* ".5", ".123": as milliseconds; further digits are left out. */
static int parse_fraction(const char **text, int64_t *ms)
{
	int scale = 100;

	*ms = 0;
	if (!isdigit((unsigned char)*++*text))
		return -EINVAL;
	for (; isdigit((unsigned char)**text); ++*text, scale /= 10)
		*ms += (**text - '0') * scale;
	return 0;
}

int record_parse_time(const char *text, int64_t *utc_ms, int64_t *span_ms)
{
	struct tm tm = { 0 }, back;
	int64_t ms = 0, east;
	bool whole;
	time_t t;

	tm.tm_year = digits(&text, 4) - 1900;
	if (*text != '-')
		return -EINVAL;
	text++;
	tm.tm_mon = digits(&text, 2) - 1;
	if (*text != '-')
		return -EINVAL;
	text++;
	tm.tm_mday = digits(&text, 2);
	if (*text != 'T' && *text != ' ')
		return -EINVAL;
	text++;
	tm.tm_hour = digits(&text, 2);
	if (*text != ':')
		return -EINVAL;
	text++;
	tm.tm_min = digits(&text, 2);
	if (*text != ':')
		return -EINVAL;
	text++;
	tm.tm_sec = digits(&text, 2);
	whole = *text != '.';
	if ((!whole && parse_fraction(&text, &ms) < 0) || parse_zone(text, &east) < 0)
		return -EINVAL;
	back = tm;
	t = timegm(&back);
	/* A 30th of February is taken for a day of March: what comes back must be what was there. */
	if (tm.tm_year < 70 || back.tm_mon != tm.tm_mon || back.tm_mday != tm.tm_mday ||
	    back.tm_hour != tm.tm_hour || back.tm_min != tm.tm_min || back.tm_sec != tm.tm_sec)
		return -EINVAL;
	*utc_ms = (int64_t)t * 1000 + ms - east;
	if (span_ms != NULL)
		*span_ms = whole ? 1000 : 1;
	return 0;
}

/* --- writing -------------------------------------------------------------------------------- */

static bool is_block(enum record_kind kind)
{
	return kind == RECORD_BLOCK_ALLOCATED || kind == RECORD_BLOCK_FREED;
}

static bool is_flow(enum record_kind kind)
{
	return kind == RECORD_MAPPING_CREATED || kind == RECORD_MAPPING_ENDED ||
	       kind == RECORD_SESSION_CREATED || kind == RECORD_SESSION_ENDED;
}

/* A mapping has one only where it is kept apart by it. */
static bool needs_remote(enum record_kind kind)
{
	return kind == RECORD_SESSION_CREATED || kind == RECORD_SESSION_ENDED;
}

static void format_ends(const struct record *r, char *internal, char *external)
{
	char text[ENDPOINT_TEXT_MAX];

	strcpy(internal, "-");
	strcpy(external, "-");
	if (is_flow(r->kind)) {
		endpoint_format(&r->internal, internal);
		endpoint_format(&r->external, external);
	} else if (is_block(r->kind)) {
		addr_format(&r->internal.addr, internal);
		sprintf(external, "%s-%u", endpoint_format(&r->external, text), r->last);
	}
}

size_t record_format(const struct record *r, char line[RECORD_LINE_MAX])
{
	char when[RECORD_TIME_MAX], internal[ENDPOINT_TEXT_MAX], external[ENDPOINT_TEXT_MAX + 8];
	char remote[ENDPOINT_TEXT_MAX + 1] = "", count[24], duration[32] = "-";
	const char *cause = r->cause != NULL ? r->cause : "-";
	int length;

	format_ends(r, internal, external);
	if (r->kind == RECORD_RECORDS_LOST || r->kind == RECORD_DETERMINISTIC) {
		snprintf(count, sizeof(count), "%" PRIu64, r->count);
		cause = count;
	}
	if (r->duration_ms >= 0)
		snprintf(duration, sizeof(duration), "%" PRId64 ".%03d", r->duration_ms / 1000,
			 (int)(r->duration_ms % 1000));
	if (addr_is_ip4(&r->remote.addr)) {
		*remote = ' ';
		endpoint_format(&r->remote, remote + 1);
	}
	length = snprintf(line, RECORD_LINE_MAX, "%s %s %s %s %s %s %s%s\n",
			  record_format_time(r->utc_ms, when), record_kind_name(r->kind),
			  r->protocol < NAT_PROTOCOLS ? nat_protocol_name(r->protocol) : "-",
			  r->hosts != NULL ? r->hosts : internal,
			  r->pool != NULL ? r->pool : external, cause, duration, remote);
	return (size_t)length < RECORD_LINE_MAX ? (size_t)length : 0;
}

/* --- reading -------------------------------------------------------------------------------- */

/* Split @line at single blanks; how many fields, 0 if too many or one is empty. */
static int split(char *line, char *fields[FIELDS_MOST])
{
	char *field;
	int count = 0;

	while ((field = strsep(&line, " ")) != NULL) {
		if (count == FIELDS_MOST || *field == '\0')
			return 0;
		fields[count++] = field;
	}
	return count;
}

static bool parse_kind(const char *text, enum record_kind *kind)
{
	for (int i = 0; i < RECORD_KINDS; i++) {
		if (strcmp(text, record_kind_name((enum record_kind)i)) != 0)
			continue;
		*kind = (enum record_kind)i;
		return true;
	}
	return false;
}

static bool parse_protocol(const char *text, struct record *r)
{
	for (int i = 0; i < NAT_PROTOCOLS; i++) {
		if (strcmp(text, nat_protocol_name((enum nat_protocol)i)) != 0)
			continue;
		r->protocol = (enum nat_protocol)i;
		return is_flow(r->kind);
	}
	r->protocol = NAT_PROTOCOLS;
	return strcmp(text, "-") == 0 && !is_flow(r->kind);
}

/* Digits alone, at most @most. */
static bool parse_count(const char *text, uint64_t most, uint64_t *count)
{
	size_t length = strspn(text, "0123456789");

	if (length == 0 || length > 19 || text[length] != '\0')
		return false;
	*count = strtoull(text, NULL, 10);
	return *count <= most;
}

/* "203.0.113.1:1024-1535" */
static bool parse_block(char *text, struct record *r)
{
	char *dash = strchr(text, '-');
	uint64_t last;

	if (dash == NULL)
		return false;
	*dash = '\0';
	if (endpoint_parse(text, &r->external) < 0 || !parse_count(dash + 1, UINT16_MAX, &last))
		return false;
	r->last = (uint16_t)last;
	return r->last >= r->external.port;
}

static bool parse_ends(char *internal, char *external, struct record *r)
{
	if (is_flow(r->kind)) {
		if (endpoint_parse(internal, &r->internal) < 0 ||
		    endpoint_parse(external, &r->external) < 0)
			return false;
		r->last = r->external.port;
		return true;
	}
	if (is_block(r->kind))
		return addr_parse(internal, &r->internal.addr) == 0 && parse_block(external, r);
	if (r->kind == RECORD_DETERMINISTIC) {
		r->hosts = internal;
		r->pool = external;
		return true;
	}
	return strcmp(internal, "-") == 0 && strcmp(external, "-") == 0;
}

/* "300.000" or "-" */
static bool parse_duration(char *text, struct record *r)
{
	char *point = strchr(text, '.');
	uint64_t seconds, ms;

	r->duration_ms = -1;
	if (strcmp(text, "-") == 0)
		return true;
	if (point == NULL || strlen(point) != 4)
		return false;
	*point = '\0';
	if (!parse_count(text, INT64_MAX / 1000 - 1, &seconds) || !parse_count(point + 1, 999, &ms))
		return false;
	r->duration_ms = (int64_t)(seconds * 1000 + ms);
	return true;
}

int record_parse(char *line, struct record *r)
{
	char *fields[FIELDS_MOST];
	int count = split(line, fields);

	*r = (struct record){ .protocol = NAT_PROTOCOLS };
	if (count < FIELDS_LEAST || record_parse_time(fields[0], &r->utc_ms, NULL) < 0 ||
	    !parse_kind(fields[1], &r->kind) || !parse_protocol(fields[2], r) ||
	    !parse_ends(fields[3], fields[4], r) || !parse_duration(fields[6], r))
		return -EINVAL;
	if (strcmp(fields[5], "-") != 0)
		r->cause = fields[5];
	if ((r->kind == RECORD_RECORDS_LOST || r->kind == RECORD_DETERMINISTIC) &&
	    !parse_count(fields[5], INT64_MAX, &r->count))
		return -EINVAL;
	if (count == FIELDS_LEAST)
		return needs_remote(r->kind) ? -EINVAL : 0;
	return is_flow(r->kind) ? endpoint_parse(fields[7], &r->remote) : -EINVAL;
}
