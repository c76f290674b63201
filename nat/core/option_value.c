/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/core/option_value.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- single values ------------------------------------------------------------------------- */

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

/* "300s", "2h4m", "500ms"; a bare number is seconds. */
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
	do {
		if (!isdigit((unsigned char)*text))
			return -EINVAL;
		errno = 0;
		n = strtoull(text, &end, 10);
		unit = unit_ms(end, &length);
		if (errno != 0 || unit == 0 || n > (uint64_t)(INT64_MAX - sum) / (uint64_t)unit)
			return -EINVAL;
		sum += (int64_t)n * unit;
		text = end + length;
	} while (*text != '\0');
	*ms = sum;
	return 0;
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

/* "none", or a path that is the same wherever the daemon runs and stands on one line of a file. */
static int parse_path(const char *text, char *path)
{
	size_t length = strlen(text);

	if (strcmp(text, "none") == 0)
		length = 0;
	else if (*text != '/' || length >= OPTIONS_PATH_MAX)
		return -EINVAL;
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)text[i] <= ' ' || text[i] == ';' || text[i] == 0x7f)
			return -EINVAL;
	memset(path, 0, OPTIONS_PATH_MAX);
	memcpy(path, text, length);
	return 0;
}

static bool ranges_overlap(const struct addr_range *a, const struct addr_range *b)
{
	return addr_compare(&a->first, &b->last) <= 0 && addr_compare(&b->first, &a->last) <= 0;
}

/* "80" or "5000-5009". */
static int parse_ports(const char *text, struct port_range *range)
{
	uint64_t port;

	if (parse_unsigned(text, &port) < 0)
		return parse_port_range(text, range);
	if (port == 0 || port > UINT16_MAX)
		return -EINVAL;
	*range = (struct port_range){ .first = (uint16_t)port, .last = (uint16_t)port };
	return 0;
}

/* Any address that may stand for a host. */
static int parse_host(const char *text, struct addr *a)
{
	return addr_parse(text, a) < 0 || !addr_is_ip4(a) || !addr_is_unicast(a) ? -EINVAL : 0;
}

/* Split @text at the first @mark: the left part into @left, the right part returned or NULL. */
static const char *split(const char *text, char mark, char *left, size_t size)
{
	const char *at = strchr(text, mark);

	if (at == NULL || (size_t)(at - text) >= size)
		return NULL;
	snprintf(left, size, "%.*s", (int)(at - text), text);
	return at + 1;
}

/* "8080", "5000-5009", or either after an external address and a colon. */
static int parse_forward_external(const char *text, struct forward *f)
{
	char address[ADDR_TEXT_MAX];
	const char *ports = split(text, ':', address, sizeof(address));

	f->any_address = ports == NULL;
	if (f->any_address)
		return parse_ports(text, &f->ports);
	return parse_host(address, &f->external) < 0 ? -EINVAL : parse_ports(ports, &f->ports);
}

int option_parse_forward(const char *text, struct forward *forward)
{
	struct forward f = { 0 };
	char protocol[8], external[64];
	const char *rest = split(text, ':', protocol, sizeof(protocol)), *internal;

	if (rest == NULL)
		return -EINVAL;
	if (strcmp(protocol, "tcp") == 0)
		f.protocol = NAT_TCP;
	else if (strcmp(protocol, "udp") != 0)
		return -EINVAL;
	internal = split(rest, '=', external, sizeof(external));
	if (internal == NULL || parse_forward_external(external, &f) < 0 ||
	    endpoint_parse(internal, &f.internal) < 0 || !addr_is_ip4(&f.internal.addr) ||
	    !addr_is_unicast(&f.internal.addr) || f.internal.port == 0 ||
	    f.internal.port + (f.ports.last - f.ports.first) > UINT16_MAX)
		return -EINVAL;
	*forward = f;
	return 0;
}

/* --- lists --------------------------------------------------------------------------------- */

/* Call @add for each entry of a list of words; "none" (or @empty) is the empty list. */
static int parse_list(const char *text, const char *empty, void *list,
		      int (*add)(void *list, const char *word))
{
	char copy[OPTIONS_TEXT_MAX], *rest = copy, *word;
	bool any = false;

	if (strcmp(text, empty) == 0)
		return 0;
	if (strlen(text) >= sizeof(copy))
		return -EINVAL;
	strcpy(copy, text);
	while ((word = strsep(&rest, ", \t")) != NULL) {
		if (*word == '\0')
			continue;
		if (add(list, word) < 0)
			return -EINVAL;
		any = true;
	}
	return any ? 0 : -EINVAL;
}

static int add_external(void *to, const char *text)
{
	struct external_list *list = to;
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

static bool ports_meet(const struct port_range *a, const struct port_range *b)
{
	return a->first <= b->last && b->first <= a->last;
}

static int add_ports(void *to, const char *text)
{
	struct port_list *list = to;
	struct port_range range;

	if (list->count == OPTIONS_LIST_MAX || parse_ports(text, &range) < 0)
		return -EINVAL;
	for (uint32_t i = 0; i < list->count; i++)
		if (ports_meet(&list->ranges[i], &range))
			return -EINVAL;
	list->ranges[list->count++] = range;
	return 0;
}

/* Do two forwards claim one external endpoint? */
static bool forwards_meet(const struct forward *a, const struct forward *b)
{
	if (a->protocol != b->protocol || !ports_meet(&a->ports, &b->ports))
		return false;
	return a->any_address || b->any_address || addr_equal(&a->external, &b->external);
}

static int add_forward(void *to, const char *text)
{
	struct forward_list *list = to;
	struct forward f;

	if (list->count == OPTIONS_LIST_MAX || option_parse_forward(text, &f) < 0)
		return -EINVAL;
	for (uint32_t i = 0; i < list->count; i++)
		if (forwards_meet(&list->forwards[i], &f))
			return -EINVAL;
	list->forwards[list->count++] = f;
	return 0;
}

static int add_pair(void *to, const char *text)
{
	struct pair_list *list = to;
	struct address_pair pair;
	char external[ADDR_TEXT_MAX];
	const char *internal = split(text, '=', external, sizeof(external));

	if (list->count == OPTIONS_LIST_MAX || internal == NULL ||
	    parse_host(external, &pair.external) < 0 || parse_host(internal, &pair.internal) < 0)
		return -EINVAL;
	for (uint32_t i = 0; i < list->count; i++)
		if (addr_equal(&list->pairs[i].external, &pair.external) ||
		    addr_equal(&list->pairs[i].internal, &pair.internal))
			return -EINVAL;
	list->pairs[list->count++] = pair;
	return 0;
}

static int add_remote(void *to, const char *text)
{
	struct remote_list *list = to;
	struct remote_range remote = { 0 };
	char addresses[2 * ADDR_TEXT_MAX];
	const char *port = split(text, ':', addresses, sizeof(addresses));
	uint64_t number = 0;

	if (list->count == OPTIONS_LIST_MAX ||
	    addr_range_parse(port != NULL ? addresses : text, &remote.addresses) < 0)
		return -EINVAL;
	if (port != NULL &&
	    (parse_unsigned(port, &number) < 0 || number == 0 || number > UINT16_MAX))
		return -EINVAL;
	remote.port = (uint16_t)number;
	list->ranges[list->count++] = remote;
	return 0;
}

static int add_port_timer(void *to, const char *text)
{
	struct port_timer_list *list = to;
	char port[8];
	const char *time = split(text, '=', port, sizeof(port));
	uint64_t number;
	int64_t ms;

	if (list->count == OPTIONS_PORT_TIMERS || time == NULL ||
	    parse_unsigned(port, &number) < 0 || number == 0 || number > UINT16_MAX ||
	    options_parse_duration(time, &ms) < 0 || ms < 100 || ms > 365 * DAY_MS)
		return -EINVAL;
	for (uint32_t i = 0; i < list->count; i++)
		if (list->timers[i].port == number)
			return -EINVAL;
	list->timers[list->count++] =
		(struct port_timer){ .port = (uint16_t)number, .timeout_ms = ms };
	return 0;
}

/* Protocols people know by name (IANA); any other goes by its number. */
static const struct {
	const char *name;
	uint8_t number;
} protocol_names[] = { { "ipip", 4 }, { "gre", 47 }, { "esp", 50 }, { "ah", 51 }, { "sctp", 132 } };

enum { PROTOCOL_NAMES = sizeof(protocol_names) / sizeof(protocol_names[0]) };

static int add_protocol(void *to, const char *text)
{
	struct protocol_set *set = to;
	uint64_t number = 0;

	if (parse_unsigned(text, &number) < 0)
		for (int i = 0; i < PROTOCOL_NAMES; i++)
			if (strcmp(text, protocol_names[i].name) == 0)
				number = protocol_names[i].number;
	if (number == 0 || number > UINT8_MAX || number == 1 || number == 6 || number == 17)
		return -EINVAL; /* those three have tables of their own */
	set->bits[number / 64] |= 1ULL << (number % 64);
	return 0;
}

/* Read a list into @size bytes of @list, which start as all zero; kept only if all is right. */
#define PARSE_LIST(type, empty, add)                          \
	do {                                                  \
		type list_ = { 0 };                           \
		if (parse_list(text, empty, &list_, add) < 0) \
			return -EINVAL;                       \
		memcpy(field, &list_, sizeof(list_));         \
		return 0;                                     \
	} while (0)

static int parse_lists(const struct option_spec *spec, const char *text, void *field)
{
	if (spec->type == OPTION_ADDRESSES)
		PARSE_LIST(struct external_list, "auto", add_external);
	if (spec->type == OPTION_PORT_LIST)
		PARSE_LIST(struct port_list, "none", add_ports);
	if (spec->type == OPTION_FORWARDS)
		PARSE_LIST(struct forward_list, "none", add_forward);
	if (spec->type == OPTION_PAIRS)
		PARSE_LIST(struct pair_list, "none", add_pair);
	if (spec->type == OPTION_REMOTES)
		PARSE_LIST(struct remote_list, "none", add_remote);
	if (spec->type == OPTION_PORT_TIMERS)
		PARSE_LIST(struct port_timer_list, "none", add_port_timer);
	PARSE_LIST(struct protocol_set, "none", add_protocol);
}

/* --- reading ------------------------------------------------------------------------------- */

static int parse_address(const char *text, struct addr *field)
{
	struct addr address = { { 0 } };

	if (strcmp(text, "none") != 0 && parse_host(text, &address) < 0)
		return -EINVAL;
	*field = address;
	return 0;
}

static int parse_number(const struct option_spec *spec, const char *text, void *field)
{
	uint64_t number;

	if (parse_unsigned(text, &number) < 0 || number < (uint64_t)spec->least ||
	    number > (uint64_t)spec->most)
		return -EINVAL;
	memcpy(field, &number, sizeof(number));
	return 0;
}

static int parse_seed(const char *text, void *field)
{
	uint64_t number = 0;

	if (strcmp(text, "random") != 0 && (parse_unsigned(text, &number) < 0 || number == 0))
		return -EINVAL;
	memcpy(field, &number, sizeof(number));
	return 0;
}

static int parse_time(const struct option_spec *spec, const char *text, void *field)
{
	int64_t ms = 0;

	if (spec->word == NULL || strcmp(text, spec->word) != 0)
		if (options_parse_duration(text, &ms) < 0 || ms < spec->least || ms > spec->most)
			return -EINVAL;
	memcpy(field, &ms, sizeof(ms));
	return 0;
}

_Static_assert(sizeof(enum mapping_behavior) == sizeof(unsigned int), "a choice fits its field");

int option_value_parse(const struct option_spec *spec, const char *text, struct options *o)
{
	void *field = (char *)o + spec->offset;
	unsigned int choice;

	switch (spec->type) {
	case OPTION_INTERFACE:
		return parse_interface(text, field);
	case OPTION_PATH:
		return parse_path(text, field);
	case OPTION_PORT_RANGE:
		return parse_port_range(text, field);
	case OPTION_ADDRESS:
		return parse_address(text, field);
	case OPTION_ADDRESS_RANGE:
		return addr_range_parse(text, field);
	case OPTION_CHOICE:
		if (parse_choice(spec, text, &choice) < 0)
			return -EINVAL;
		memcpy(field, &choice, sizeof(choice));
		return 0;
	case OPTION_NUMBER:
		return parse_number(spec, text, field);
	case OPTION_SEED:
		return parse_seed(text, field);
	case OPTION_DURATION:
		return parse_time(spec, text, field);
	case OPTION_ADDRESSES:
	case OPTION_PORT_LIST:
	case OPTION_FORWARDS:
	case OPTION_PAIRS:
	case OPTION_REMOTES:
	case OPTION_PORT_TIMERS:
	case OPTION_PROTOCOLS:
		return parse_lists(spec, text, field);
	}
	return -EINVAL;
}

/* --- writing ------------------------------------------------------------------------------- */

static const char *format_duration(int64_t ms, char *buf)
{
	if (ms % 1000 == 0)
		snprintf(buf, OPTIONS_TEXT_MAX, "%" PRId64 "s", ms / 1000);
	else
		snprintf(buf, OPTIONS_TEXT_MAX, "%" PRId64 "ms", ms);
	return buf;
}

static const char *format_range(const struct addr_range *r, char buf[2 * ADDR_TEXT_MAX])
{
	char last[ADDR_TEXT_MAX];

	addr_format(&r->first, buf);
	if (!addr_equal(&r->first, &r->last)) {
		strcat(buf, "-");
		strcat(buf, addr_format(&r->last, last));
	}
	return buf;
}

static const char *format_ports(const struct port_range *r, char buf[16])
{
	snprintf(buf, 16, r->first == r->last ? "%u" : "%u-%u", r->first, r->last);
	return buf;
}

const char *option_format_forward(const struct forward *f, char *buf)
{
	char address[ADDR_TEXT_MAX] = "", internal[ENDPOINT_TEXT_MAX], ports[16];

	if (!f->any_address)
		addr_format(&f->external, address);
	snprintf(buf, OPTION_FORWARD_TEXT, "%s:%s%s%s=%s",
		 nat_protocol_name((enum nat_protocol)f->protocol), address,
		 f->any_address ? "" : ":", format_ports(&f->ports, ports),
		 endpoint_format(&f->internal, internal));
	return buf;
}

static const char *format_pair(const struct address_pair *p, char *buf)
{
	char external[ADDR_TEXT_MAX], internal[ADDR_TEXT_MAX];

	snprintf(buf, OPTION_FORWARD_TEXT, "%s=%s", addr_format(&p->external, external),
		 addr_format(&p->internal, internal));
	return buf;
}

static const char *format_remote(const struct remote_range *r, char *buf)
{
	char range[2 * ADDR_TEXT_MAX];

	format_range(&r->addresses, range);
	if (r->port != 0)
		snprintf(buf, OPTION_FORWARD_TEXT, "%s:%u", range, r->port);
	else
		snprintf(buf, OPTION_FORWARD_TEXT, "%s", range);
	return buf;
}

static const char *format_port_timer(const struct port_timer *t, char *buf)
{
	char time[OPTIONS_TEXT_MAX];

	snprintf(buf, OPTION_FORWARD_TEXT, "%u=%.32s", t->port,
		 format_duration(t->timeout_ms, time));
	return buf;
}

/* Entry @i of a list, into @buf (OPTION_FORWARD_TEXT bytes); NULL past the last, or for no list. */
static const char *format_entry(enum option_type type, const void *field, uint32_t i, char *buf)
{
	const struct external_list *addresses = field;
	const struct port_list *ports = field;
	const struct forward_list *forwards = field;
	const struct pair_list *pairs = field;
	const struct remote_list *remotes = field;
	const struct port_timer_list *timers = field;

	/* All of them begin with how many there are. */
	if (i >= addresses->count)
		return NULL;
	switch (type) {
	case OPTION_ADDRESSES:
		return format_range(&addresses->ranges[i], buf);
	case OPTION_PORT_LIST:
		return format_ports(&ports->ranges[i], buf);
	case OPTION_FORWARDS:
		return option_format_forward(&forwards->forwards[i], buf);
	case OPTION_PAIRS:
		return format_pair(&pairs->pairs[i], buf);
	case OPTION_REMOTES:
		return format_remote(&remotes->ranges[i], buf);
	case OPTION_PORT_TIMERS:
		return format_port_timer(&timers->timers[i], buf);
	case OPTION_INTERFACE:
	case OPTION_CHOICE:
	case OPTION_NUMBER:
	case OPTION_SEED:
	case OPTION_DURATION:
	case OPTION_PORT_RANGE:
	case OPTION_ADDRESS:
	case OPTION_ADDRESS_RANGE:
	case OPTION_PROTOCOLS:
	case OPTION_PATH:
		break;
	}
	return NULL;
}

static const char *format_list(const struct option_spec *spec, const void *field, char *buf)
{
	char entry[OPTION_FORWARD_TEXT];
	size_t used = 0;

	strcpy(buf, spec->type == OPTION_ADDRESSES ? "auto" : "none");
	for (uint32_t i = 0; format_entry(spec->type, field, i, entry) != NULL; i++)
		used += (size_t)snprintf(buf + used, OPTIONS_TEXT_MAX - used, "%s%s",
					 i > 0 ? "," : "", entry);
	return buf;
}

static const char *format_protocols(const struct protocol_set *set, char *buf)
{
	size_t used = 0;

	strcpy(buf, "none");
	for (unsigned int n = 0; n <= UINT8_MAX; n++) {
		char text[8];

		if (!(set->bits[n / 64] & 1ULL << (n % 64)))
			continue;
		snprintf(text, sizeof(text), "%u", n);
		for (int i = 0; i < PROTOCOL_NAMES; i++)
			if (protocol_names[i].number == n)
				strcpy(text, protocol_names[i].name);
		used += (size_t)snprintf(buf + used, OPTIONS_TEXT_MAX - used, "%s%s",
					 used > 0 ? "," : "", text);
	}
	return buf;
}

static const char *format_address(const struct addr *a, char *buf)
{
	return addr_is_ip4(a) ? addr_format(a, buf) : strcpy(buf, "none");
}

static const char *format_number(const struct option_spec *spec, const void *field, char *buf)
{
	uint64_t number;

	memcpy(&number, field, sizeof(number));
	if (spec->type == OPTION_SEED && number == 0)
		return strcpy(buf, "random");
	snprintf(buf, OPTIONS_TEXT_MAX, "%" PRIu64, number);
	return buf;
}

const char *option_value_format(const struct option_spec *spec, const struct options *o, char *buf)
{
	const void *field = (const char *)o + spec->offset;
	const struct port_range *range = field;
	unsigned int choice;
	int64_t ms;

	switch (spec->type) {
	case OPTION_INTERFACE:
		return strcpy(buf, field);
	case OPTION_PATH:
		return strcpy(buf, *(const char *)field != '\0' ? field : "none");
	case OPTION_PORT_RANGE:
		snprintf(buf, OPTIONS_TEXT_MAX, "%u-%u", range->first, range->last);
		return buf;
	case OPTION_ADDRESS:
		return format_address(field, buf);
	case OPTION_ADDRESS_RANGE:
		return format_range(field, buf);
	case OPTION_CHOICE:
		memcpy(&choice, field, sizeof(choice));
		return strcpy(buf, spec->values[choice].name);
	case OPTION_SEED:
	case OPTION_NUMBER:
		return format_number(spec, field, buf);
	case OPTION_DURATION:
		memcpy(&ms, field, sizeof(ms));
		return ms == 0 && spec->word != NULL ? strcpy(buf, spec->word)
						     : format_duration(ms, buf);
	case OPTION_PROTOCOLS:
		return format_protocols(field, buf);
	case OPTION_ADDRESSES:
	case OPTION_PORT_LIST:
	case OPTION_FORWARDS:
	case OPTION_PAIRS:
	case OPTION_REMOTES:
	case OPTION_PORT_TIMERS:
		return format_list(spec, field, buf);
	}
	return strcpy(buf, "");
}

/* --- what is allowed ----------------------------------------------------------------------- */

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

static const char *allowed_duration(const struct option_spec *spec, char *buf)
{
	char least[OPTIONS_TEXT_MAX], most[OPTIONS_TEXT_MAX];

	format_duration(spec->least, least);
	format_duration(spec->most, most);
	snprintf(buf, OPTIONS_TEXT_MAX, "%s%sa time from %.16s to %.16s, such as 300s, 5m or 2h4m",
		 spec->word != NULL ? spec->word : "", spec->word != NULL ? ", or " : "", least,
		 most);
	return buf;
}

static const char *allowed_addresses(char *buf)
{
	snprintf(buf, OPTIONS_TEXT_MAX,
		 "auto, or IPv4 addresses, ranges a-b and prefixes a/len, none twice, "
		 "separated by commas, at most %d addresses",
		 OPTIONS_ADDRESSES_MAX);
	return buf;
}

const char *option_value_allowed(const struct option_spec *spec, char *buf)
{
	switch (spec->type) {
	case OPTION_INTERFACE:
		return strcpy(buf, "an interface name of 1 to 15 characters");
	case OPTION_PATH:
		return strcpy(buf, "none, or a path from / on of at most 255 characters, without "
				   "blanks and semicolons");
	case OPTION_ADDRESSES:
		return allowed_addresses(buf);
	case OPTION_PORT_RANGE:
		return strcpy(buf, "a range FIRST-LAST within 1-65535");
	case OPTION_PORT_LIST:
		return strcpy(buf, "none, or ports and ranges FIRST-LAST, none twice, separated by "
				   "commas");
	case OPTION_FORWARDS:
		return strcpy(buf, "none, or forwards such as tcp:8080=192.168.1.2:80 or "
				   "udp:203.0.113.1:5000-5009=192.168.1.2:5000, no external port "
				   "twice, separated by commas, at most 64");
	case OPTION_PAIRS:
		return strcpy(buf, "none, or pairs EXTERNAL=INTERNAL of addresses, none twice, "
				   "separated by commas");
	case OPTION_ADDRESS:
		return strcpy(buf, "none, or an IPv4 address");
	case OPTION_ADDRESS_RANGE:
		return strcpy(buf, "IPv4 addresses as a range a-b or a prefix a/len");
	case OPTION_REMOTES:
		return strcpy(buf, "none, or addresses, ranges a-b and prefixes a/len, each with "
				   ":PORT or without, separated by commas");
	case OPTION_PORT_TIMERS:
		return strcpy(buf, "none, or up to 8 of PORT=TIME such as 53=10s, separated by "
				   "commas");
	case OPTION_PROTOCOLS:
		return strcpy(buf, "none, or ipip, gre, esp, ah, sctp and protocol numbers "
				   "(not 1, 6, 17), separated by commas");
	case OPTION_CHOICE:
		return allowed_choices(spec->values, buf);
	case OPTION_SEED:
		return strcpy(buf, "random, or a number from 1 on");
	case OPTION_NUMBER:
		snprintf(buf, OPTIONS_TEXT_MAX, "a number from %" PRId64 " to %" PRId64,
			 spec->least, spec->most);
		return buf;
	case OPTION_DURATION:
		return allowed_duration(spec, buf);
	}
	return strcpy(buf, "");
}
