/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * methods_forward.c - forwards, one-to-one pairs, the DMZ host and exempt destinations, one by one
 *
 * Each is an entry of a list knob. Here they are one list of rules, in the order of the knobs; a
 * rule's place in it counts from 0. Rules are read and written as the text of their entry, so that
 * what an entry may be is said in one place, the knob's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nat/core/option_value.h"
#include "nat/daemon/methods_parts.h"

/* What a rule is called, which knob has it, and what it is told by. */
struct kind {
	const char *name;
	enum option_id knob;
	bool external, internal, remote;
};

static const struct kind kinds[] = {
	{ "udp", OPT_NAT_FORWARDS, .external = true, .internal = true },
	{ "tcp", OPT_NAT_FORWARDS, .external = true, .internal = true },
	{ "one-to-one", OPT_NAT_ONE_TO_ONE, .external = true, .internal = true },
	{ "dmz", OPT_NAT_DMZ, .internal = true },
	{ "exempt", OPT_NAT_EXEMPT, .remote = true },
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

/* A rule, its parts as text; "" where it has none. */
struct rule {
	const struct kind *kind;
	char entry[OPTION_FORWARD_TEXT]; /* as in its knob */
	char external[OPTION_FORWARD_TEXT], internal[OPTION_FORWARD_TEXT];
	char remote[OPTION_FORWARD_TEXT];
};

static const struct kind *find_kind(const char *name, size_t length)
{
	for (int i = 0; i < KINDS; i++)
		if (strlen(kinds[i].name) == length && strncmp(kinds[i].name, name, length) == 0)
			return &kinds[i];
	return NULL;
}

/* --- entries ------------------------------------------------------------------------------- */

/* "tcp:8080=192.168.1.2:80" and the like, taken apart. */
static void take_apart(enum option_id knob, const char *entry, size_t length, struct rule *rule)
{
	const char *from, *equals;

	memset(rule, 0, sizeof(*rule));
	snprintf(rule->entry, sizeof(rule->entry), "%.*s", (int)length, entry);
	from = rule->entry;
	for (int i = 0; i < KINDS && rule->kind == NULL; i++)
		if (kinds[i].knob == knob)
			rule->kind = &kinds[i];
	if (knob == OPT_NAT_FORWARDS) {
		rule->kind = find_kind(from, strcspn(from, ":"));
		from = strchr(from, ':') + 1;
	}
	equals = strchr(from, '=');
	if (rule->kind->external) {
		snprintf(rule->external, sizeof(rule->external), "%.*s", (int)(equals - from),
			 from);
		strcpy(rule->internal, equals + 1);
	} else {
		strcpy(rule->kind->internal ? rule->internal : rule->remote, from);
	}
}

/* Entry @place of what @knob lists; false if it has fewer, which are then taken off @place. */
static bool entry_at(const struct options *o, enum option_id knob, uint32_t *place,
		     struct rule *rule)
{
	char text[OPTIONS_TEXT_MAX], *rest = text, *entry;

	if (strcmp(options_format(o, knob, text), "none") == 0)
		return false;
	while ((entry = strsep(&rest, ",")) != NULL) {
		if ((*place)-- > 0)
			continue;
		take_apart(knob, entry, strlen(entry), rule);
		return true;
	}
	return false;
}

static bool rule_at(const struct options *o, uint32_t place, struct rule *rule)
{
	return entry_at(o, OPT_NAT_FORWARDS, &place, rule) ||
	       entry_at(o, OPT_NAT_ONE_TO_ONE, &place, rule) ||
	       entry_at(o, OPT_NAT_DMZ, &place, rule) || entry_at(o, OPT_NAT_EXEMPT, &place, rule);
}

/* @text as an entry of @knob, in the form the knob gives it back; false if it is not just one. */
static bool read_entry(enum option_id knob, const char *text, struct rule *rule)
{
	char back[OPTIONS_TEXT_MAX], why[CONFIG_WHY_MAX];
	struct options one = { 0 };

	if (strpbrk(text, ", \t") != NULL ||
	    options_set(&one, option_spec(knob)->key, text, why, sizeof(why)) < 0 ||
	    strcmp(options_format(&one, knob, back), "none") == 0)
		return false;
	take_apart(knob, back, strlen(back), rule);
	return true;
}

/* --- JSON ---------------------------------------------------------------------------------- */

static json_t *json_text_or_null(const char *text)
{
	return *text != '\0' ? json_string(text) : json_null();
}

static json_t *json_rule(const struct rule *rule)
{
	json_t *json = json_object();

	member_put_text(json, "kind", rule->kind->name);
	member_put(json, "external", json_text_or_null(rule->external));
	member_put(json, "remote", json_text_or_null(rule->remote));
	member_put(json, "internal", json_text_or_null(rule->internal));
	return json;
}

json_t *json_of_rule(const struct options *o, uint32_t place)
{
	struct rule rule;

	return rule_at(o, place, &rule) ? json_rule(&rule) : NULL;
}

/* --- which rule ---------------------------------------------------------------------------- */

uint32_t rule_of_dmz(const struct options *o)
{
	return addr_is_ip4(&o->dmz) ? o->forwards.count + o->pairs.count : NAT_NONE;
}

/* The rule that mapping @m was made from: NAT_NONE if it is there no more. */
static uint32_t rule_of_mapping(const struct options *o, const struct mapping *m)
{
	struct endpoint internal;
	uint32_t place = nat_rule_of(o, (enum nat_protocol)m->protocol, &m->external, &internal);

	if (place == NAT_NONE) {
		internal = (struct endpoint){ .addr = o->dmz, .port = m->external.port };
		place = rule_of_dmz(o);
	}
	return endpoint_equal(&internal, &m->internal) ? place : NAT_NONE;
}

/* --- list ---------------------------------------------------------------------------------- */

enum { RULES_MAX = 3 * OPTIONS_LIST_MAX + 1 };

/* Live sessions through each rule, in one walk through the mappings. */
static void count_sessions(const struct daemon *d, uint32_t counts[RULES_MAX])
{
	const struct nat *nat = &d->nat;

	for (uint32_t n = 0; n < nat->mappings.arena.used; n++) {
		const struct mapping *m = mapping_at(&nat->mappings, n);
		uint32_t place;

		if (!arena_is_live(&nat->mappings.arena, n) || !m->fixed)
			continue;
		place = rule_of_mapping(&nat->options, m);
		if (place != NAT_NONE)
			counts[place] += live_sessions(d, m);
	}
}

json_t *method_forwards_list(struct daemon *d, json_t *params, struct failure *failure)
{
	uint32_t counts[RULES_MAX] = { 0 };
	json_t *rules, *rule;

	(void)params;
	(void)failure;
	count_sessions(d, counts);
	rules = json_array();
	for (uint32_t i = 0; (rule = json_of_rule(&d->asked, i)) != NULL; i++) {
		bool counted = json_is_null(json_object_get(rule, "remote"));

		member_put(rule, "sessions", counted ? json_of_count(counts[i]) : json_null());
		json_array_append_new(rules, rule);
	}
	return json_pack("{s:o}", "forwards", rules);
}

/* --- what is asked for --------------------------------------------------------------------- */

/* Stands for an end that was not given. */
#define ANY_HOST     "192.0.2.1"
#define ANY_ENDPOINT ANY_HOST ":1"

static const char *given(json_t *params, const char *name, char number[NUMBER_TEXT])
{
	const char *text = text_of_json(json_object_get(params, name), number);

	return text != NULL ? text : "";
}

static bool refuse(struct failure *failure, const char *name, const char *value,
		   const char *allowed)
{
	if (*value == '\0')
		failure_set(failure, RPC_INVALID_PARAMS, "%s: missing; needed: %s", name, allowed);
	else
		failure_set(failure, RPC_INVALID_PARAMS, "%s: '%.64s' is not allowed; allowed: %s",
			    name, value, allowed);
	return false;
}

static bool read_joined(const struct kind *kind, const char *external, const char *internal,
			struct rule *rule)
{
	bool forward = kind->knob == OPT_NAT_FORWARDS;
	char text[OPTION_FORWARD_TEXT];
	int length = snprintf(text, sizeof(text), "%s%s%s=%s", forward ? kind->name : "",
			      forward ? ":" : "", external, internal);

	return (size_t)length < sizeof(text) && read_entry(kind->knob, text, rule);
}

/* A forward or a pair: first the external end alone, so that it is known which is wrong. */
static bool read_ends(json_t *params, const struct kind *kind, bool whole, struct rule *rule,
		      struct failure *failure)
{
	bool pair = kind->knob == OPT_NAT_ONE_TO_ONE;
	char number[NUMBER_TEXT], other[NUMBER_TEXT];
	const char *external = given(params, "external", number);
	const char *internal = given(params, "internal", other);

	if (!read_joined(kind, external, pair ? ANY_HOST : ANY_ENDPOINT, rule))
		return refuse(failure, "external", external,
			      pair ? "an IPv4 address, such as 203.0.113.5"
				   : "a port or a range of ports, alone or after an external "
				     "address, such as 8080, 5000-5009 or 203.0.113.1:8080");
	if (!whole)
		return true;
	if (!read_joined(kind, external, internal, rule))
		return refuse(failure, "internal", internal,
			      pair ? "the IPv4 address of an internal host, such as 192.168.1.9"
				   : "address and port of an internal host, such as "
				     "192.168.1.2:80; a range begins there and ends by port 65535");
	return true;
}

/*
 * The rule that @params describe. @whole: with its internal end; without, all but that is read, as
 * it is enough to name one.
 */
static bool read_rule(json_t *params, bool whole, struct rule *rule, struct failure *failure)
{
	static const char *const parts[] = { "external", "internal", "remote" };
	const char *name = json_string_value(json_object_get(params, "kind"));
	const struct kind *kind = find_kind(name, strlen(name));
	char number[NUMBER_TEXT];

	if (kind->knob == OPT_NAT_DMZ && !whole)
		take_apart(kind->knob, "", 0, rule); /* there is only one */
	else if (kind->external && !read_ends(params, kind, whole, rule, failure))
		return false;
	else if (kind->remote && !read_entry(kind->knob, given(params, "remote", number), rule))
		return refuse(failure, "remote", given(params, "remote", number),
			      "an address, a range a-b or a prefix a/len, alone or with :PORT, "
			      "such as 203.0.113.11 or 198.51.100.0/24:53");
	else if (kind->knob == OPT_NAT_DMZ &&
		 !read_entry(kind->knob, given(params, "internal", number), rule))
		return refuse(failure, "internal", given(params, "internal", number),
			      "the IPv4 address of an internal host, such as 192.168.1.2");
	for (int i = 0; i < 3; i++) {
		bool has = i == 0 ? kind->external : i == 1 ? kind->internal : kind->remote;

		if (has || json_object_get(params, parts[i]) == NULL)
			continue;
		failure_set(failure, RPC_INVALID_PARAMS, "%s: %s takes none here", parts[i],
			    kind->name);
		return false;
	}
	return true;
}

/* The words that name a rule: "tcp 8080", "exempt 203.0.113.11", "dmz". */
static const char *rule_name(const struct rule *rule, char name[2 * OPTION_FORWARD_TEXT])
{
	const char *part = rule->kind->external ? rule->external : rule->remote;

	snprintf(name, 2 * OPTION_FORWARD_TEXT, "%s%s%s", rule->kind->name,
		 *part != '\0' ? " " : "", part);
	return name;
}

/* --- changes ------------------------------------------------------------------------------- */

/* Put @text in force as the value of @knob. */
static bool put_in_force(struct daemon *d, enum option_id knob, const char *text,
			 struct failure *failure)
{
	struct options wanted = d->asked;

	failure->code = RPC_INVALID_PARAMS;
	if (options_set(&wanted, option_spec(knob)->key, text, failure->why, sizeof(failure->why)) <
		    0 ||
	    options_check(&wanted, failure->why, sizeof(failure->why)) < 0)
		return false;
	failure->code = RPC_FAILED;
	return daemon_configure(d, &wanted, failure->why, sizeof(failure->why)) == 0;
}

/* May @a and @b not both be there? The knob says so of any two; it lets one exempt what is exempt
 * already, which is no use. */
static bool exclude_each_other(const struct rule *a, const struct rule *b)
{
	enum option_id knob = b->kind->knob;
	char both[2 * OPTION_FORWARD_TEXT + 1], why[CONFIG_WHY_MAX];
	struct options scratch = { 0 };

	if (a->kind->knob != knob)
		return false;
	if (knob == OPT_NAT_DMZ)
		return true;
	if (knob == OPT_NAT_EXEMPT)
		return strcmp(a->entry, b->entry) == 0;
	snprintf(both, sizeof(both), "%s,%s", a->entry, b->entry);
	return options_set(&scratch, option_spec(knob)->key, both, why, sizeof(why)) < 0;
}

/* Is there one already that leaves no room for @rule? Then say which, and how to be rid of it. */
static bool is_taken(const struct daemon *d, const struct rule *rule, struct failure *failure)
{
	char name[2 * OPTION_FORWARD_TEXT];
	struct rule other;

	for (uint32_t i = 0; rule_at(&d->asked, i, &other); i++) {
		if (!exclude_each_other(&other, rule))
			continue;
		rule_name(&other, name);
		failure_set(failure, RPC_FAILED,
			    "%s already %s%s; 'natem forward del %s' ends that", name,
			    *other.internal != '\0' ? "leads to " : "is there", other.internal,
			    name);
		return true;
	}
	return false;
}

json_t *method_forwards_add(struct daemon *d, json_t *params, struct failure *failure)
{
	char text[OPTIONS_TEXT_MAX + OPTION_FORWARD_TEXT + 1], before[OPTIONS_TEXT_MAX];
	struct rule rule;
	const char *key;

	if (!read_rule(params, true, &rule, failure) || is_taken(d, &rule, failure))
		return NULL;
	key = option_spec(rule.kind->knob)->key;
	options_format(&d->asked, rule.kind->knob, before);
	if (strcmp(before, "none") == 0)
		strcpy(text, rule.entry);
	else
		snprintf(text, sizeof(text), "%s,%s", before, rule.entry);
	for (uint32_t commas = 0, i = 0; text[i] != '\0'; i++)
		if (text[i] == ',' && ++commas == OPTIONS_LIST_MAX)
			return failure_set(failure, RPC_FAILED,
					   "%s has %d entries already, as many as there may be; "
					   "'natem forward del' makes room, and ranges need less",
					   key, OPTIONS_LIST_MAX);
	if (!put_in_force(d, rule.kind->knob, text, failure))
		return NULL;
	return json_pack("{s:o}", "added", json_rule(&rule));
}

/* No rule is called @name: say which there are. */
static json_t *no_such_rule(const struct daemon *d, const char *name, struct failure *failure)
{
	char each[2 * OPTION_FORWARD_TEXT];
	struct rule rule;
	size_t used;

	failure_set(failure, RPC_FAILED, "there is no forward '%s'; there %s", name,
		    rule_at(&d->asked, 0, &rule) ? "are: " : "are none");
	used = strlen(failure->why);
	for (uint32_t i = 0; rule_at(&d->asked, i, &rule) && used < sizeof(failure->why); i++)
		used += (size_t)snprintf(failure->why + used, sizeof(failure->why) - used, "%s%s",
					 i > 0 ? ", " : "", rule_name(&rule, each));
	return NULL;
}

json_t *method_forwards_del(struct daemon *d, json_t *params, struct failure *failure)
{
	char name[2 * OPTION_FORWARD_TEXT], each[2 * OPTION_FORWARD_TEXT], text[OPTIONS_TEXT_MAX];
	struct rule asked, rule, found = { 0 };
	size_t used = 0;

	if (!read_rule(params, false, &asked, failure))
		return NULL;
	rule_name(&asked, name);
	strcpy(text, "none");
	for (uint32_t i = 0; rule_at(&d->asked, i, &rule); i++) {
		if (rule.kind->knob != asked.kind->knob)
			continue;
		if (strcmp(rule_name(&rule, each), name) == 0)
			found = rule;
		else
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s",
						 used > 0 ? "," : "", rule.entry);
	}
	if (found.kind == NULL)
		return no_such_rule(d, name, failure);
	if (!put_in_force(d, asked.kind->knob, text, failure))
		return NULL;
	return json_pack("{s:o}", "deleted", json_rule(&found));
}
