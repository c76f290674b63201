/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/core/options.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nat/core/arena.h"

static const struct option_value mapping_values[] = {
	[MAPPING_ENDPOINT_INDEPENDENT] = { "endpoint-independent", "eim" },
	[MAPPING_ADDRESS_DEPENDENT] = { "address-dependent", "adm" },
	[MAPPING_ADDRESS_AND_PORT_DEPENDENT] = { "address-and-port-dependent", "apdm" },
	{ NULL, NULL },
};
static const struct option_value filtering_values[] = {
	[FILTERING_ADDRESS_AND_PORT_DEPENDENT] = { "address-and-port-dependent", "apdf" },
	[FILTERING_ADDRESS_DEPENDENT] = { "address-dependent", "adf" },
	[FILTERING_ENDPOINT_INDEPENDENT] = { "endpoint-independent", "eif" },
	{ NULL, NULL },
};
static const struct option_value ports_values[] = {
	[PORTS_RANDOM] = { "random", NULL },
	[PORTS_PRESERVE] = { "preserve", NULL },
	[PORTS_SEQUENTIAL] = { "sequential", NULL },
	{ NULL, NULL },
};
static const struct option_value pooling_values[] = {
	[POOLING_PAIRED] = { "paired", NULL },
	[POOLING_SOFT_PAIRED] = { "soft-paired", NULL },
	[POOLING_ARBITRARY] = { "arbitrary", NULL },
	{ NULL, NULL },
};
static const struct option_value refresh_values[] = {
	[REFRESH_OUTBOUND] = { "outbound", NULL },
	[REFRESH_INBOUND] = { "inbound", NULL },
	[REFRESH_BOTH] = { "both", NULL },
	{ NULL, NULL },
};

#define DAY_MS	(24 * 60 * 60 * 1000LL)
#define AT(m)	offsetof(struct options, m)
#define CHOICE	.type = OPTION_CHOICE, .unit = ""
#define TIMEOUT .type = OPTION_DURATION, .least = 100, .most = 365 * DAY_MS, .unit = "time"
#define RECORDS .type = OPTION_NUMBER, .least = 1, .most = ARENA_MAX, .unit = "records"

/* clang-format off */
static const struct option_spec specs[OPTION_COUNT] = {
	[OPT_NAT_LAN] = { "nat.lan", .type = OPTION_INTERFACE, .offset = AT(lan),
		.initial = "lan", .meaning = "interface towards the internal hosts",
		.clause = "", .unit = "" },
	[OPT_NAT_WAN] = { "nat.wan", .type = OPTION_INTERFACE, .offset = AT(wan),
		.initial = "wan", .meaning = "interface towards the external world",
		.clause = "", .unit = "" },
	[OPT_NAT_EXTERNAL] = { "nat.external", .type = OPTION_ADDRESSES, .offset = AT(external),
		.initial = "auto", .clause = "RFC 6888 REQ-3",
		.meaning = "external addresses; auto takes those of nat.wan",
		.unit = "" },
	[OPT_NAT_POOLING] = { "nat.pooling", CHOICE, .offset = AT(pooling),
		.values = pooling_values, .initial = "paired", .clause = "RFC 4787 REQ-2",
		.meaning = "which external address the mappings of one host get" },
	[OPT_NAT_MAX_MAPPINGS] = { "nat.max-mappings", RECORDS, .offset = AT(max_mappings),
		.initial = "262144", .clause = "RFC 6888 REQ-5",
		.meaning = "mappings there may be at once" },
	[OPT_NAT_MAX_SESSIONS] = { "nat.max-sessions", RECORDS, .offset = AT(max_sessions),
		.initial = "262144", .clause = "RFC 6888 REQ-5",
		.meaning = "sessions there may be at once" },
	[OPT_NAT_SEED] = { "nat.seed", .type = OPTION_SEED, .offset = AT(seed),
		.initial = "random", .clause = "RFC 6056 3.3",
		.meaning = "a number makes port choice repeatable",
		.unit = "" },

	[OPT_UDP_MAPPING] = { "udp.mapping", CHOICE, .offset = AT(protocol[NAT_UDP].mapping),
		.values = mapping_values, .initial = "endpoint-independent",
		.clause = "RFC 4787 REQ-1",
		.meaning = "remote part that a mapping is kept apart by" },
	[OPT_UDP_FILTERING] = { "udp.filtering", CHOICE, .offset = AT(protocol[NAT_UDP].filtering),
		.values = filtering_values, .initial = "address-and-port-dependent",
		.clause = "RFC 4787 REQ-8",
		.meaning = "remotes that may send to a mapping" },
	[OPT_UDP_PORTS] = { "udp.ports", CHOICE, .offset = AT(protocol[NAT_UDP].ports),
		.values = ports_values, .initial = "random", .clause = "RFC 7857 9",
		.meaning = "how the external port is picked" },
	[OPT_UDP_PORT_RANGE] = { "udp.port-range", .type = OPTION_PORT_RANGE,
		.offset = AT(protocol[NAT_UDP].port_range),
		.initial = "1024-65535", .unit = "ports", .clause = "RFC 6056 3.2",
		.meaning = "external ports to pick from" },
	[OPT_UDP_REFRESH] = { "udp.refresh", CHOICE, .offset = AT(protocol[NAT_UDP].refresh),
		.values = refresh_values, .initial = "outbound", .clause = "RFC 4787 REQ-6",
		.meaning = "packets that restart the timer" },
	[OPT_UDP_TIMEOUT] = { "udp.timeout", TIMEOUT, .offset = AT(timeout_ms[TIMEOUT_UDP]),
		.initial = "300s", .clause = "RFC 4787 REQ-5",
		.meaning = "silence after which a UDP session ends" },

	[OPT_TCP_MAPPING] = { "tcp.mapping", CHOICE, .offset = AT(protocol[NAT_TCP].mapping),
		.values = mapping_values, .initial = "endpoint-independent",
		.clause = "RFC 5382 REQ-1",
		.meaning = "remote part that a mapping is kept apart by" },
	[OPT_TCP_FILTERING] = { "tcp.filtering", CHOICE, .offset = AT(protocol[NAT_TCP].filtering),
		.values = filtering_values, .initial = "address-and-port-dependent",
		.clause = "RFC 5382 REQ-3",
		.meaning = "remotes that may connect to a mapping" },
	[OPT_TCP_PORTS] = { "tcp.ports", CHOICE, .offset = AT(protocol[NAT_TCP].ports),
		.values = ports_values, .initial = "random", .clause = "RFC 7857 9",
		.meaning = "how the external port is picked" },
	[OPT_TCP_PORT_RANGE] = { "tcp.port-range", .type = OPTION_PORT_RANGE,
		.offset = AT(protocol[NAT_TCP].port_range),
		.initial = "1024-65535", .unit = "ports", .clause = "RFC 6056 3.2",
		.meaning = "external ports to pick from" },
	[OPT_TCP_TIMEOUT_ESTABLISHED] = { "tcp.timeout-established", TIMEOUT,
		.offset = AT(timeout_ms[TIMEOUT_TCP_ESTABLISHED]),
		.initial = "7440s", .clause = "RFC 5382 REQ-5",
		.meaning = "silence after which an open connection is forgotten" },
	[OPT_TCP_TIMEOUT_TRANSITORY] = { "tcp.timeout-transitory", TIMEOUT,
		.offset = AT(timeout_ms[TIMEOUT_TCP_TRANSITORY]),
		.initial = "240s", .clause = "RFC 5382 REQ-5",
		.meaning = "the same while opening, closing, reset and in TIME_WAIT" },

	[OPT_ICMP_MAPPING] = { "icmp.mapping", CHOICE, .offset = AT(protocol[NAT_ICMP].mapping),
		.values = mapping_values, .initial = "endpoint-independent",
		.clause = "RFC 5508 REQ-1a",
		.meaning = "remote part that a mapping is kept apart by" },
	[OPT_ICMP_FILTERING] = { "icmp.filtering", CHOICE,
		.offset = AT(protocol[NAT_ICMP].filtering),
		.values = filtering_values, .initial = "address-and-port-dependent",
		.clause = "RFC 5508 REQ-1",
		.meaning = "remotes whose replies may come in" },
	[OPT_ICMP_PORTS] = { "icmp.ports", CHOICE, .offset = AT(protocol[NAT_ICMP].ports),
		.values = ports_values, .initial = "random", .clause = "RFC 7857 9",
		.meaning = "how the external identifier is picked" },
	[OPT_ICMP_TIMEOUT] = { "icmp.timeout", TIMEOUT, .offset = AT(timeout_ms[TIMEOUT_ICMP]),
		.initial = "60s", .clause = "RFC 5508 REQ-2",
		.meaning = "silence after which a query session ends" },
};
/* clang-format on */

const struct option_spec *option_spec(enum option_id id)
{
	return &specs[id];
}

enum option_id option_of(enum option_id udp_knob, enum nat_protocol protocol)
{
	static const enum option_id first[NAT_PROTOCOLS] = { OPT_UDP_MAPPING, OPT_TCP_MAPPING,
							     OPT_ICMP_MAPPING };

	return (enum option_id)(first[protocol] + (udp_knob - OPT_UDP_MAPPING));
}

/* --- reading a value ----------------------------------------------------------------------- */

static int parse_unsigned(const char *text, uint64_t *value)
{
	char *end;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	*value = strtoull(text, &end, 10);
	return errno != 0 || *end != '\0' ? -EINVAL : 0;
}

static int parse_choice(const struct option_spec *spec, const char *text, unsigned int *value)
{
	for (unsigned int i = 0; spec->values[i].name != NULL; i++) {
		const struct option_value *v = &spec->values[i];

		if (strcmp(text, v->name) == 0 || (v->brief && strcmp(text, v->brief) == 0)) {
			*value = i;
			return 0;
		}
	}
	return -EINVAL;
}

/* Milliseconds in one @unit that starts at @text, and its length; 0 if it is none. */
static int64_t unit_ms(const char *text, size_t *length)
{
	static const struct {
		const char *name;
		int64_t ms;
	} units[] = {
		{ "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", DAY_MS }
	};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		*length = strlen(units[i].name);
		if (strncmp(text, units[i].name, *length) == 0)
			return units[i].ms;
	}
	return 0;
}

int options_parse_duration(const char *text, int64_t *ms)
{
	int64_t sum = 0, unit;
	uint64_t n;
	size_t length;
	char *end;

	if (parse_unsigned(text, &n) == 0) {
		*ms = n > INT64_MAX / 1000 ? INT64_MAX : (int64_t)n * 1000;
		return 0;
	}
	while (*text != '\0') {
		if (!isdigit((unsigned char)*text))
			return -EINVAL;
		errno = 0;
		n = strtoull(text, &end, 10);
		unit = unit_ms(end, &length);
		if (errno != 0 || unit == 0 || n > (uint64_t)(INT64_MAX - sum) / (uint64_t)unit)
			return -EINVAL;
		sum += (int64_t)n * unit;
		text = end + length;
	}
	*ms = sum;
	return sum > 0 ? 0 : -EINVAL;
}

static int parse_port_range(const char *text, struct port_range *range)
{
	const char *dash = strchr(text, '-');
	uint64_t first, last;
	char left[8];

	if (dash == NULL || (size_t)(dash - text) >= sizeof(left))
		return -EINVAL;
	snprintf(left, sizeof(left), "%.*s", (int)(dash - text), text);
	if (parse_unsigned(left, &first) < 0 || parse_unsigned(dash + 1, &last) < 0)
		return -EINVAL;
	if (first == 0 || last > UINT16_MAX || first > last)
		return -EINVAL;
	*range = (struct port_range){ .first = (uint16_t)first, .last = (uint16_t)last };
	return 0;
}

static int parse_interface(const char *text, char *name)
{
	size_t length = strlen(text);

	if (length == 0 || length >= OPTIONS_INTERFACE_MAX || strpbrk(text, "/ \t\n") != NULL)
		return -EINVAL;
	memcpy(name, text, length + 1);
	return 0;
}

static bool ranges_overlap(const struct addr_range *a, const struct addr_range *b)
{
	return addr_compare(&a->first, &b->last) <= 0 && addr_compare(&b->first, &a->last) <= 0;
}

static int add_range(struct external_list *list, const char *text)
{
	struct addr_range range;
	uint64_t total = 0;

	if (list->count == OPTIONS_EXTERNAL_MAX || addr_range_parse(text, &range) < 0 ||
	    !addr_is_unicast(&range.first) || !addr_is_unicast(&range.last))
		return -EINVAL;
	for (uint32_t i = 0; i < list->count; i++)
		if (ranges_overlap(&list->ranges[i], &range))
			return -EINVAL;
	list->ranges[list->count++] = range;
	for (uint32_t i = 0; i < list->count; i++)
		total += (uint64_t)addr_ip4(&list->ranges[i].last) -
			 addr_ip4(&list->ranges[i].first) + 1;
	return total > OPTIONS_ADDRESSES_MAX ? -EINVAL : 0;
}

static int parse_addresses(const char *text, struct external_list *out)
{
	struct external_list list = { 0 };
	char copy[OPTIONS_TEXT_MAX], *rest = copy, *word;

	if (strcmp(text, "auto") == 0) {
		*out = list;
		return 0;
	}
	if (strlen(text) >= sizeof(copy))
		return -EINVAL;
	strcpy(copy, text);
	while ((word = strsep(&rest, ", ")) != NULL)
		if (*word != '\0' && add_range(&list, word) < 0)
			return -EINVAL;
	if (list.count == 0)
		return -EINVAL;
	*out = list;
	return 0;
}

_Static_assert(sizeof(enum mapping_behavior) == sizeof(unsigned int), "a choice fits its field");

/* Read @text as a value of @spec into its field of @o; @o is untouched on failure. */
static int parse_value(const struct option_spec *spec, const char *text, struct options *o)
{
	void *field = (char *)o + spec->offset;
	unsigned int choice;
	uint64_t number;
	int64_t ms;

	switch (spec->type) {
	case OPTION_INTERFACE:
		return parse_interface(text, field);
	case OPTION_ADDRESSES:
		return parse_addresses(text, field);
	case OPTION_PORT_RANGE:
		return parse_port_range(text, field);
	case OPTION_CHOICE:
		if (parse_choice(spec, text, &choice) < 0)
			return -EINVAL;
		memcpy(field, &choice, sizeof(choice));
		return 0;
	case OPTION_NUMBER:
		if (parse_unsigned(text, &number) < 0 || number < (uint64_t)spec->least ||
		    number > (uint64_t)spec->most)
			return -EINVAL;
		memcpy(field, &number, sizeof(number));
		return 0;
	case OPTION_SEED:
		number = 0;
		if (strcmp(text, "random") != 0 && (parse_unsigned(text, &number) < 0 || !number))
			return -EINVAL;
		memcpy(field, &number, sizeof(number));
		return 0;
	case OPTION_DURATION:
		if (options_parse_duration(text, &ms) < 0 || ms < spec->least || ms > spec->most)
			return -EINVAL;
		memcpy(field, &ms, sizeof(ms));
		return 0;
	}
	return -EINVAL;
}

/* --- writing a value ----------------------------------------------------------------------- */

static const char *format_duration(int64_t ms, char *buf)
{
	if (ms % 1000 == 0)
		snprintf(buf, OPTIONS_TEXT_MAX, "%" PRId64 "s", ms / 1000);
	else
		snprintf(buf, OPTIONS_TEXT_MAX, "%" PRId64 "ms", ms);
	return buf;
}

static const char *format_addresses(const struct external_list *list, char *buf)
{
	char first[ADDR_TEXT_MAX], last[ADDR_TEXT_MAX];
	size_t used = 0;

	if (list->count == 0)
		return strcpy(buf, "auto");
	for (uint32_t i = 0; i < list->count; i++) {
		const struct addr_range *r = &list->ranges[i];
		bool one = addr_equal(&r->first, &r->last);

		used += (size_t)snprintf(buf + used, OPTIONS_TEXT_MAX - used, "%s%s%s%s",
					 i > 0 ? "," : "", addr_format(&r->first, first),
					 one ? "" : "-", one ? "" : addr_format(&r->last, last));
	}
	return buf;
}

const char *options_format(const struct options *o, enum option_id id, char *buf)
{
	const struct option_spec *spec = &specs[id];
	const void *field = (const char *)o + spec->offset;
	const struct port_range *range = field;
	unsigned int choice;
	uint64_t number;
	int64_t ms;

	switch (spec->type) {
	case OPTION_INTERFACE:
		return strcpy(buf, field);
	case OPTION_ADDRESSES:
		return format_addresses(field, buf);
	case OPTION_PORT_RANGE:
		snprintf(buf, OPTIONS_TEXT_MAX, "%u-%u", range->first, range->last);
		return buf;
	case OPTION_CHOICE:
		memcpy(&choice, field, sizeof(choice));
		return strcpy(buf, spec->values[choice].name);
	case OPTION_SEED:
	case OPTION_NUMBER:
		memcpy(&number, field, sizeof(number));
		if (spec->type == OPTION_SEED && number == 0)
			return strcpy(buf, "random");
		snprintf(buf, OPTIONS_TEXT_MAX, "%" PRIu64, number);
		return buf;
	case OPTION_DURATION:
		memcpy(&ms, field, sizeof(ms));
		return format_duration(ms, buf);
	}
	return strcpy(buf, "");
}

static const char *allowed_choices(const struct option_value *values, char *buf)
{
	size_t used = 0;

	for (unsigned int i = 0; values[i].name != NULL; i++) {
		used += (size_t)snprintf(buf + used, OPTIONS_TEXT_MAX - used, "%s%s",
					 i > 0 ? ", " : "", values[i].name);
		if (values[i].brief != NULL)
			used += (size_t)snprintf(buf + used, OPTIONS_TEXT_MAX - used, " (%s)",
						 values[i].brief);
	}
	return buf;
}

const char *option_allowed(enum option_id id, char *buf)
{
	const struct option_spec *spec = &specs[id];
	char least[OPTIONS_TEXT_MAX], most[OPTIONS_TEXT_MAX];

	switch (spec->type) {
	case OPTION_INTERFACE:
		return strcpy(buf, "an interface name of 1 to 15 characters");
	case OPTION_ADDRESSES:
		snprintf(buf, OPTIONS_TEXT_MAX,
			 "auto, or IPv4 addresses, ranges a-b and prefixes a/len, none twice, "
			 "separated by commas, at most %d addresses",
			 OPTIONS_ADDRESSES_MAX);
		return buf;
	case OPTION_PORT_RANGE:
		return strcpy(buf, "a range FIRST-LAST within 1-65535");
	case OPTION_CHOICE:
		return allowed_choices(spec->values, buf);
	case OPTION_SEED:
		return strcpy(buf, "random, or a number from 1 on");
	case OPTION_NUMBER:
		snprintf(buf, OPTIONS_TEXT_MAX, "a number from %" PRId64 " to %" PRId64,
			 spec->least, spec->most);
		return buf;
	case OPTION_DURATION:
		format_duration(spec->least, least);
		format_duration(spec->most, most);
		snprintf(buf, OPTIONS_TEXT_MAX,
			 "a time from %.16s to %.16s, such as 300s, 5m or 2h4m", least, most);
		return buf;
	}
	return strcpy(buf, "");
}

/* --- the set as a whole -------------------------------------------------------------------- */

void options_init(struct options *o)
{
	memset(o, 0, sizeof(*o));
	/* Identifiers have no knob for their range: all but 0, which some stacks treat apart. */
	o->protocol[NAT_ICMP].port_range = (struct port_range){ .first = 1, .last = UINT16_MAX };
	for (unsigned int id = 0; id < OPTION_COUNT; id++)
		if (parse_value(&specs[id], specs[id].initial, o) < 0)
			abort(); /* the table contradicts itself */
}

/* How many letters to change, add or take out to turn @a into @b (Levenshtein); 99 if long. */
static unsigned int edit_distance(const char *a, const char *b)
{
	unsigned int row[32];
	size_t width = strlen(b);

	if (width >= 32)
		return 99;
	for (size_t j = 0; j <= width; j++)
		row[j] = (unsigned int)j;
	for (size_t i = 0; a[i] != '\0'; i++) {
		unsigned int diagonal = row[0];

		row[0] = (unsigned int)i + 1;
		for (size_t j = 1; j <= width; j++) {
			unsigned int change = diagonal + (a[i] != b[j - 1]);
			unsigned int best = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;

			diagonal = row[j];
			row[j] = change < best ? change : best;
		}
	}
	return row[width];
}

static void explain_unknown(const char *key, char *why, size_t why_size)
{
	const char *nearest = NULL;
	unsigned int best = 5; /* further off is no help */

	for (unsigned int id = 0; id < OPTION_COUNT; id++) {
		unsigned int distance = edit_distance(key, specs[id].key);

		if (distance < best) {
			best = distance;
			nearest = specs[id].key;
		}
	}
	if (nearest != NULL)
		snprintf(why, why_size, "no knob '%.64s'; did you mean '%s'?", key, nearest);
	else
		snprintf(why, why_size, "no knob '%.64s'; 'natem options' lists them", key);
}

int options_set(struct options *o, const char *key, const char *value, char *why, size_t why_size)
{
	char allowed[OPTIONS_TEXT_MAX];

	for (unsigned int id = 0; id < OPTION_COUNT; id++) {
		if (strcmp(specs[id].key, key) != 0)
			continue;
		if (parse_value(&specs[id], value, o) == 0)
			return 0;
		snprintf(why, why_size, "%s: '%.64s' is not allowed; allowed: %s", key, value,
			 option_allowed((enum option_id)id, allowed));
		return -EINVAL;
	}
	explain_unknown(key, why, why_size);
	return -ENOENT;
}

int options_check(const struct options *o, char *why, size_t why_size)
{
	if (strcmp(o->lan, o->wan) == 0) {
		snprintf(why, why_size, "nat.lan and nat.wan are both '%s'; a router has two sides",
			 o->lan);
		return -EINVAL;
	}
	if (o->max_sessions < o->max_mappings) {
		snprintf(why, why_size,
			 "nat.max-sessions (%" PRIu64 ") is below nat.max-mappings (%" PRIu64
			 "); every mapping has a session",
			 o->max_sessions, o->max_mappings);
		return -EINVAL;
	}
	return 0;
}
