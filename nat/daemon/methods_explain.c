/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * methods_explain.c - what would become of a packet, and why: as JSON, and as a paragraph for people
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "nat/daemon/explain.h"
#include "nat/daemon/methods_parts.h"

/* --- the question -------------------------------------------------------------------------- */

static const struct {
	const char *name;
	uint8_t flag;
} tcp_flags[] = {
	{ "SYN", PACKET_TCP_SYN },
	{ "ACK", PACKET_TCP_ACK },
	{ "FIN", PACKET_TCP_FIN },
	{ "RST", PACKET_TCP_RST },
};

enum { TCP_FLAGS = sizeof(tcp_flags) / sizeof(tcp_flags[0]) };

static uint8_t flag_named(const char *name, size_t length)
{
	for (unsigned int i = 0; i < TCP_FLAGS; i++)
		if (strlen(tcp_flags[i].name) == length &&
		    strncasecmp(tcp_flags[i].name, name, length) == 0)
			return tcp_flags[i].flag;
	return 0;
}

/* "syn", "fin,ack", "syn|ack": one or more names; 0 if @text is anything else. */
static uint8_t read_flags(const char *text)
{
	uint8_t flags = 0;

	for (;;) {
		size_t length = strcspn(text, ",|+");
		uint8_t flag = flag_named(text, length);

		flags |= flag;
		if (flag == 0 || text[length] == '\0')
			return flag == 0 ? 0 : flags;
		text += length + 1;
	}
}

static bool read_protocol(json_t *params, struct explain_question *q, struct failure *failure)
{
	static const uint8_t numbers[] = { PACKET_UDP, PACKET_TCP, PACKET_ICMP };
	bool given = json_object_get(params, "number") != NULL;
	enum nat_protocol protocol = params_protocol(params);
	uint32_t number = params_number(params, "number");

	q->protocol = protocol == NAT_OTHER ? (uint8_t)number : numbers[protocol];
	if (given == (protocol == NAT_OTHER) &&
	    (protocol != NAT_OTHER || explain_protocol(q) == NAT_OTHER))
		return true;
	failure_set(failure, RPC_INVALID_PARAMS,
		    "number: of an IP protocol that is none of udp, tcp and icmp, such as 47; it "
		    "goes with protocol other, and with no other");
	return false;
}

/* An end as @q->protocol has it: of a query, only our own (@own) has an identifier. */
static bool read_end(json_t *params, const char *name, const struct explain_question *q, bool own,
		     struct endpoint *end, struct failure *failure)
{
	const char *text = json_string_value(json_object_get(params, name));
	bool ports = nat_has_ports(explain_protocol(q));
	bool number = ports || (explain_protocol(q) == NAT_ICMP && own);
	int err = number ? endpoint_parse(text, end) : addr_parse(text, &end->addr);

	if (err == 0 && addr_is_ip4(&end->addr))
		return true;
	failure_set(failure, RPC_INVALID_PARAMS, "%s: %s is needed", name,
		    ports ? "an IPv4 address with a port, such as 192.168.1.2:6789,"
		    : number
			    ? "an IPv4 address with the query's identifier, such as 192.168.1.2:77,"
			    : "an IPv4 address without a port, such as 192.168.1.2,");
	return false;
}

static bool read_tcp_flags(json_t *params, struct explain_question *q, struct failure *failure)
{
	const char *given = json_string_value(json_object_get(params, "flags"));

	if (given == NULL)
		return true;
	q->tcp_flags = read_flags(given);
	if (q->protocol == PACKET_TCP && q->tcp_flags != 0)
		return true;
	failure_set(failure, RPC_INVALID_PARAMS,
		    q->protocol != PACKET_TCP
			    ? "flags: only tcp has them"
			    : "flags: one or more of syn, ack, fin and rst is needed, such as "
			      "syn,ack");
	return false;
}

static bool read_question(json_t *params, struct explain_question *q, struct failure *failure)
{
	const char *from = json_string_value(json_object_get(params, "from"));

	*q = (struct explain_question){ 0 };
	q->from = strcmp(from, "internal") == 0 ? NAT_INTERNAL : NAT_EXTERNAL;
	if (!read_protocol(params, q, failure) ||
	    !read_end(params, "source", q, q->from == NAT_INTERNAL, &q->source, failure) ||
	    !read_end(params, "destination", q, q->from == NAT_EXTERNAL, &q->destination,
		      failure) ||
	    !read_tcp_flags(params, q, failure))
		return false;
	if (q->protocol == PACKET_ICMP)
		q->source.port = q->destination.port =
			q->from == NAT_INTERNAL ? q->source.port : q->destination.port;
	return true;
}

/* --- what has happened to the copy --------------------------------------------------------- */

/* What of the answer is new, seen from here, where nothing has happened. */
struct news {
	bool mapping, session;
};

static struct news find_news(const struct nat *nat, const struct explain_answer *a)
{
	uint32_t m = a->outcome.mapping, s = a->outcome.session;
	struct news news = { .mapping = true, .session = true };

	if (m != NAT_NONE && m < nat->mappings.arena.used &&
	    arena_is_live(&nat->mappings.arena, m)) {
		const struct mapping *now = mapping_at(&nat->mappings, m);

		news.mapping = now->created.ms != a->mapping.created.ms ||
			       now->protocol != a->mapping.protocol ||
			       !endpoint_equal(&now->internal, &a->mapping.internal) ||
			       !endpoint_equal(&now->external, &a->mapping.external);
	}
	if (s != NAT_NONE && s < nat->sessions.arena.used &&
	    arena_is_live(&nat->sessions.arena, s) &&
	    session_at(&nat->sessions, s)->number == a->session.number)
		news.session = false;
	return news;
}

/* As people write it: other protocols have no port, and a query's identifier is at our end. */
static const char *end_text(const struct explain_question *q, const struct endpoint *end, bool own,
			    char buf[ENDPOINT_TEXT_MAX])
{
	if (explain_protocol(q) == NAT_OTHER || (explain_protocol(q) == NAT_ICMP && !own))
		return addr_format(&end->addr, buf);
	return endpoint_format(end, buf);
}

struct ends {
	char source[ENDPOINT_TEXT_MAX], destination[ENDPOINT_TEXT_MAX];
};

static struct ends ends_of(const struct explain_question *q, const struct endpoint *source,
			   const struct endpoint *destination)
{
	struct ends ends;

	end_text(q, source, q->from == NAT_INTERNAL, ends.source);
	end_text(q, destination, q->from == NAT_EXTERNAL, ends.destination);
	return ends;
}

/* --- as a paragraph ------------------------------------------------------------------------ */

struct text {
	char bytes[3072];
	size_t length;
};

__attribute__((format(printf, 2, 3))) static void say(struct text *t, const char *format, ...)
{
	size_t room = sizeof(t->bytes) - t->length;
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vsnprintf(t->bytes + t->length, room, format, arguments);
	va_end(arguments);
	t->length += (size_t)n < room ? (size_t)n : room - 1;
}

static const char *flags_text(uint8_t flags, char buf[32])
{
	*buf = '\0';
	for (unsigned int i = 0; i < TCP_FLAGS; i++)
		if (flags & tcp_flags[i].flag)
			sprintf(buf + strlen(buf), "%s%s", *buf != '\0' ? "," : "",
				tcp_flags[i].name);
	return buf;
}

static void say_packet(struct text *t, const struct explain_question *q,
		       const struct explain_answer *a)
{
	struct ends ends = ends_of(q, &q->source, &q->destination);
	char flags[32];

	switch (explain_protocol(q)) {
	case NAT_UDP:
		say(t, "A UDP datagram");
		break;
	case NAT_TCP:
		say(t, "A TCP segment (%s)", flags_text(a->tcp_flags, flags));
		break;
	case NAT_ICMP:
		say(t, "An ICMP Echo%s", a->icmp_type == PACKET_ECHO_REPLY ? " Reply" : "");
		break;
	case NAT_OTHER:
	case NAT_PROTOCOLS:
		say(t, "A packet of IP protocol %u", q->protocol);
		break;
	}
	say(t, " from %s to %s, coming from the %s, ", ends.source, ends.destination,
	    q->from == NAT_INTERNAL ? "LAN" : "WAN");
}

static void say_verdict(struct text *t, const struct explain_question *q,
			const struct explain_answer *a)
{
	const struct reason_spec *reason = reason_spec(a->outcome.reason);
	struct ends ends = ends_of(q, &a->source, &a->destination);

	switch (a->outcome.verdict) {
	case NAT_REWRITTEN:
		say(t, "would go on as %s to %s.", ends.source, ends.destination);
		break;
	case NAT_PASS:
		say(t, "would go on unchanged.");
		break;
	case NAT_DROPPED:
	case NAT_HELD:
		say(t, "would be dropped.");
		break;
	}
	say(t, " Reason %s: %s%s%s%s.", reason->name, reason->explanation,
	    *reason->clause != '\0' ? " (" : "", reason->clause,
	    *reason->clause != '\0' ? ")" : "");
}

/* Of other protocols the port is the number, which was said already. */
static void say_mapping(struct text *t, const struct explain_answer *a, bool new)
{
	const struct mapping *m = &a->mapping;
	char internal[ENDPOINT_TEXT_MAX], external[ENDPOINT_TEXT_MAX];

	if (m->protocol == NAT_OTHER) {
		addr_format(&m->internal.addr, internal);
		addr_format(&m->external.addr, external);
	} else {
		endpoint_format(&m->internal, internal);
		endpoint_format(&m->external, external);
	}
	say(t, " It %s mapping %u (%s as %s%s)",
	    new					  ? "would make"
	    : a->outcome.verdict == NAT_DROPPED	  ? "meets"
	    : a->outcome.reason == REASON_HAIRPIN ? "reaches"
						  : "belongs to",
	    a->outcome.mapping, internal, external,
	    m->fixed	? ", fixed by a rule"
	    : m->leased ? ", leased to its host"
			: "");
}

static void say_records(struct text *t, const struct explain_answer *a, const struct news *news)
{
	enum tcp_state before = a->outcome.tcp_before, after = a->outcome.tcp_after;

	if (a->outcome.mapping == NAT_NONE)
		return;
	say_mapping(t, a, news->mapping);
	if (a->outcome.verdict == NAT_DROPPED) {
		say(t, ".");
		return;
	}
	if (a->outcome.session == NAT_NONE) {
		say(t, " and would leave no session.");
		return;
	}
	say(t, news->session ? " and a new session in it." : " and its session %u.",
	    a->outcome.session);
	if (a->mapping.protocol != NAT_TCP)
		return;
	if (after == before)
		say(t, " Its TCP state would stay %s.", tcp_state_name(after));
	else
		say(t, " Its TCP state would go from %s to %s.", tcp_state_name(before),
		    tcp_state_name(after));
}

enum { VALUE_SHOWN = 48 }; /* a longer one, such as a list of forwards, is for `natem get` */

static void say_knob(struct text *t, const struct options *asked, enum option_id id)
{
	const struct option_spec *knob = option_spec(id);
	char value[OPTIONS_TEXT_MAX];

	say(t, " %s", knob->key);
	if (strlen(options_format(asked, id, value)) <= VALUE_SHOWN)
		say(t, "=%s", value);
}

static void say_knobs(struct text *t, const struct daemon *d, const struct explain_answer *a,
		      const struct news *news)
{
	const struct option_spec *knob;

	if (a->outcome.knob != OPT_NONE) {
		knob = option_spec(a->outcome.knob);
		say_knob(t, &d->asked, a->outcome.knob);
		say(t, " decided: %s%s%s%s.", knob->meaning, *knob->clause != '\0' ? " (" : "",
		    knob->clause, *knob->clause != '\0' ? ")" : "");
	}
	if (a->outcome.reason != REASON_MAPPING_CREATED || !news->mapping || a->mapping.fixed ||
	    a->mapping.protocol == NAT_OTHER || a->outcome.knob == OPT_NAT_PROTOCOL_SCOPE)
		return;
	say(t, " The %s is picked by", a->mapping.protocol == NAT_ICMP ? "identifier" : "port");
	say_knob(t, &d->asked, option_of(OPT_UDP_PORTS, (enum nat_protocol)a->mapping.protocol));
	say(t, ".");
}

/* A packet of our own, as its words: it is an ICMP error or a RST. */
static struct packet parse_reply(const struct explain_answer *a, uint8_t bytes[PACKET_MAKE_MAX])
{
	struct packet packet;

	memcpy(bytes, a->reply.data, a->reply.length);
	packet_init(&packet, bytes, a->reply.length, a->reply.length, false);
	packet_parse(&packet);
	return packet;
}

static void say_reply(struct text *t, const struct explain_answer *a)
{
	uint8_t bytes[PACKET_MAKE_MAX];
	struct packet reply;

	if (a->reply.length == 0)
		return;
	reply = parse_reply(a, bytes);
	if (reply.protocol == PACKET_TCP)
		say(t, " The NAT itself would answer with a RST.");
	else
		say(t, " The NAT itself would answer with an ICMP error: %s (code %u).",
		    reply.icmp_code == PACKET_HOST_UNREACHABLE	 ? "host unreachable"
		    : reply.icmp_code == PACKET_PORT_UNREACHABLE ? "port unreachable"
								 : "communication prohibited",
		    reply.icmp_code);
}

static json_t *json_text(const struct daemon *d, const struct explain_question *q,
			 const struct explain_answer *a, const struct news *news)
{
	const struct reason_spec *reason = reason_spec(a->outcome.reason);
	struct text t = { .length = 0 };

	say_packet(&t, q, a);
	say_verdict(&t, q, a);
	say_records(&t, a, news);
	say_knobs(&t, d, a, news);
	say_reply(&t, a);
	if (reason->drop)
		say(&t, " %s", reason->advice);
	return json_string(t.bytes);
}

/* --- as JSON ------------------------------------------------------------------------------- */

static json_t *json_ends(struct ends ends)
{
	json_t *json = json_object();

	member_put_text(json, "source", ends.source);
	member_put_text(json, "destination", ends.destination);
	return json;
}

static json_t *json_packet(const struct explain_question *q, const struct explain_answer *a)
{
	json_t *packet = json_ends(ends_of(q, &q->source, &q->destination));
	enum nat_protocol protocol = explain_protocol(q);
	char flags[32];

	member_put_text(packet, "protocol", nat_protocol_name(protocol));
	member_put(packet, "number", json_of_count(q->protocol));
	member_put_text(packet, "from", q->from == NAT_INTERNAL ? "internal" : "external");
	member_put(packet, "flags",
		   protocol == NAT_TCP ? json_string(flags_text(a->tcp_flags, flags))
				       : json_null());
	member_put(packet, "type",
		   protocol == NAT_ICMP ? json_of_count(a->icmp_type) : json_null());
	return packet;
}

static json_t *json_knob(const struct options *asked, enum option_id id)
{
	char value[OPTIONS_TEXT_MAX];
	json_t *knob;

	if (id == OPT_NONE)
		return json_null();
	knob = json_object();
	member_put_text(knob, "key", option_spec(id)->key);
	member_put_text(knob, "value", options_format(asked, id, value));
	member_put_text(knob, "meaning", option_spec(id)->meaning);
	member_put_text(knob, "clause", option_spec(id)->clause);
	return knob;
}

static json_t *json_mapping(const struct explain_answer *a, const struct news *news)
{
	json_t *mapping;

	if (a->outcome.mapping == NAT_NONE)
		return json_null();
	mapping = json_object();
	member_put(mapping, "id", json_of_count(a->outcome.mapping));
	member_put(mapping, "new", json_boolean(news->mapping));
	member_put(mapping, "internal", json_of_endpoint(&a->mapping.internal));
	member_put(mapping, "external", json_of_endpoint(&a->mapping.external));
	member_put(mapping, "fixed", json_boolean(a->mapping.fixed));
	member_put(mapping, "leased", json_boolean(a->mapping.leased));
	return mapping;
}

static json_t *json_state(const struct explain_answer *a, enum tcp_state state)
{
	return a->mapping.protocol == NAT_TCP ? json_string(tcp_state_name(state)) : json_null();
}

static json_t *json_session(const struct explain_answer *a, const struct news *news)
{
	bool icmp = a->mapping.protocol == NAT_ICMP;
	json_t *session;

	if (a->outcome.session == NAT_NONE)
		return json_null();
	session = json_object();
	member_put(session, "id", json_of_count(a->outcome.session));
	member_put(session, "new", json_boolean(news->session));
	member_put_text(session, "opened_by", a->session.inbound ? "external" : "internal");
	member_put(session, "remote",
		   icmp ? json_of_addr(&a->session.remote.addr)
			: json_of_endpoint(&a->session.remote));
	member_put(session, "tcp_before", json_state(a, a->outcome.tcp_before));
	member_put(session, "tcp_after", json_state(a, a->outcome.tcp_after));
	return session;
}

static json_t *json_reply(const struct explain_answer *a)
{
	uint8_t bytes[PACKET_MAKE_MAX];
	struct packet packet;
	json_t *reply;

	if (a->reply.length == 0)
		return json_null();
	packet = parse_reply(a, bytes);
	reply = json_object();
	member_put_text(reply, "kind", packet.protocol == PACKET_TCP ? "rst" : "icmp");
	member_put(reply, "type",
		   packet.protocol == PACKET_ICMP ? json_of_count(packet.icmp_type) : json_null());
	member_put(reply, "code",
		   packet.protocol == PACKET_ICMP ? json_of_count(packet.icmp_code) : json_null());
	member_put(reply, "destination", json_of_addr(&packet.destination.addr));
	return reply;
}

static const char *verdict_name(enum nat_verdict verdict)
{
	switch (verdict) {
	case NAT_REWRITTEN:
		return "rewritten";
	case NAT_PASS:
		return "passed";
	case NAT_DROPPED:
	case NAT_HELD:
		break;
	}
	return "dropped";
}

static json_t *json_explanation(const struct daemon *d, const struct explain_question *q,
				const struct explain_answer *a)
{
	const struct reason_spec *reason = reason_spec(a->outcome.reason);
	struct news news = find_news(&d->nat, a);
	json_t *result = json_object();

	member_put(result, "packet", json_packet(q, a));
	member_put_text(result, "verdict", verdict_name(a->outcome.verdict));
	member_put(result, "after",
		   reason->drop ? json_null() : json_ends(ends_of(q, &a->source, &a->destination)));
	member_put_text(result, "reason", reason->name);
	member_put_text(result, "meaning", reason->explanation);
	member_put_text(result, "clause", reason->clause);
	member_put_text(result, "advice", reason->advice);
	member_put(result, "knob", json_knob(&d->asked, a->outcome.knob));
	member_put(result, "mapping", json_mapping(a, &news));
	member_put(result, "session", json_session(a, &news));
	member_put(result, "reply", json_reply(a));
	member_put(result, "text", json_text(d, q, a, &news));
	return result;
}

json_t *method_packets_explain(struct daemon *d, json_t *params, struct failure *failure)
{
	struct explain_question question;
	struct explain_answer answer;

	if (!read_question(params, &question, failure))
		return NULL;
	failure->code = RPC_FAILED;
	if (explain_packet(&d->nat, &question, d->now, &answer, failure->why,
			   sizeof(failure->why)) < 0)
		return NULL;
	return json_explanation(d, &question, &answer);
}
