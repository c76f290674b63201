/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/model/walk.h"

#include <inttypes.h>
#include <stdarg.h>

#include "nat/core/presets.h"

uint64_t walk_next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

struct maker {
	uint64_t random;
	enum walk_profile profile;
	const struct model *m;
	struct walk_step *step;
};

static unsigned int below(struct maker *k, unsigned int bound)
{
	return (unsigned int)(walk_next(&k->random) >> 33) % bound;
}

/* True @percent times of a hundred. */
static bool chance(struct maker *k, unsigned int percent)
{
	return below(k, 100) < percent;
}

#define PICK(k, list) (list)[below(k, sizeof(list) / sizeof((list)[0]))]

static void say(struct maker *k, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct maker *k, const char *format, ...)
{
	size_t used = strlen(k->step->text);
	va_list args;

	va_start(args, format);
	vsnprintf(k->step->text + used, WALK_TEXT_MAX - used, format, args);
	va_end(args);
}

/* --- knobs ---------------------------------------------------------------------------------- */

struct values {
	enum option_id id;
	const char *list[8];
};

/* Where the type alone does not say what is worth trying. */
static const struct values own_values[] = {
	{ OPT_NAT_EXTERNAL,
	  { "203.0.113.1", "203.0.113.1-203.0.113.2", "203.0.113.2", "203.0.113.1, 203.0.113.5",
	    "203.0.113.1-203.0.113.3", "203.0.113.1", "203.0.113.5" } },
	{ OPT_NAT_RESERVED_PORTS, { "none", "22,80", "5000-5003,1024", "47,1024-1029" } },
	{ OPT_NAT_FORWARDS,
	  { "none", "tcp:8080=192.168.1.2:80",
	    "udp:203.0.113.1:5000-5003=192.168.1.3:5000, tcp:80=192.168.1.9:80",
	    "udp:5000=192.168.1.2:5000, udp:5001=192.168.1.2:5000",
	    "tcp:5000-5009=192.168.1.4:5000, udp:203.0.113.2:80=192.168.1.4:80", "none" } },
	{ OPT_NAT_ONE_TO_ONE,
	  { "none", "203.0.113.5=192.168.1.9", "203.0.113.2=192.168.1.4, 203.0.113.5=192.168.1.9",
	    "none" } },
	{ OPT_NAT_DMZ, { "none", "192.168.1.4", "192.168.1.9", "none" } },
	{ OPT_NAT_EXEMPT,
	  { "none", "203.0.113.11", "198.51.100.0/24:53", "203.0.113.10:7000, 198.51.100.7", "none",
	    "none" } },
	{ OPT_NAT_INTERNAL,
	  { "192.168.1.0/24", "192.168.1.2-192.168.1.9", "192.168.1.2-192.168.1.3",
	    "192.168.0.0/16", "192.168.0.0-192.168.31.255" } },
	{ OPT_NAT_MAX_MAPPINGS, { "48", "40", "4", "12" } },
	{ OPT_NAT_MAX_SESSIONS, { "96", "14", "12", "10" } },
	{ OPT_NAT_MAX_RESTING_PORTS, { "65536", "1", "3", "20" } },
	{ OPT_NAT_BLOCK_SIZE, { "2", "8", "64", "512", "30000" } },
	{ OPT_NAT_BLOCK_OVERFLOW, { "0", "1", "3" } },
	{ OPT_UDP_PORT_TIMEOUTS, { "none", "53=1s", "53=10s,7000=2m", "7000=500ms", "80=20m" } },
	{ OPT_OTHER_PROTOCOLS, { "gre,esp,sctp", "gre", "none", "47,50,132,253" } },
	{ OPT_ICMP_ERROR_RATE, { "10", "0", "1", "3", "1000", "100000" } },
	{ OPT_FRAGMENTS_MAX_HELD, { "256", "1", "3", "16" } },
	{ OPT_FRAGMENTS_MAX_BYTES, { "1048576", "2048", "4096", "8192" } },
	{ OPT_FRAGMENTS_MAX_PER_SOURCE, { "32", "1", "4" } },
	{ OPT_FRAGMENTS_TIMEOUT, { "10s", "2s", "60s" } },
	{ OPT_TCP_SYN_HOLD, { "6s", "100ms", "1m" } },
	{ OPT_TCP_MAX_HELD_SYNS, { "256", "1", "2", "4" } },
	{ OPT_PCP_MIN_LIFETIME, { "120s", "1s", "10s" } },
	{ OPT_PCP_MAX_LIFETIME, { "24h", "120s", "2h" } },
};

static void pick_listed(struct maker *k, const char *const *list, char *value)
{
	unsigned int count = 0;

	while (count < 8 && list[count] != NULL)
		count++;
	snprintf(value, WALK_VALUE_MAX, "%s", list[below(k, count)]);
}

static void pick_value(struct maker *k, enum option_id id, char *value)
{
	static const char *const ranges[] = { "1024-1031", "5000-5009",	 "1020-1040",  "600-1030",
					      "1-65535",   "1024-65535", "40000-40003" };
	static const char *const times[] = { "100ms", "1s", "5s", "30s", "2m", "10m", "2h" };
	static const char *const quotas[] = { "0", "0", "0", "1", "2", "5", "8" };
	const struct option_spec *spec = option_spec(id);
	unsigned int count = 0;

	for (size_t i = 0; i < sizeof(own_values) / sizeof(own_values[0]); i++)
		if (own_values[i].id == id) {
			pick_listed(k, own_values[i].list, value);
			return;
		}
	switch (spec->type) {
	case OPTION_CHOICE:
		while (spec->values[count].name != NULL)
			count++;
		snprintf(value, WALK_VALUE_MAX, "%s", spec->values[below(k, count)].name);
		return;
	case OPTION_NUMBER:
		snprintf(value, WALK_VALUE_MAX, "%s", PICK(k, quotas));
		if (spec->least > 0 && value[0] == '0')
			snprintf(value, WALK_VALUE_MAX, "%" PRId64, spec->least);
		return;
	case OPTION_DURATION:
		if (spec->word != NULL && chance(k, 40))
			snprintf(value, WALK_VALUE_MAX, "%s", spec->word);
		else if (spec->least == 0 && chance(k, 40))
			snprintf(value, WALK_VALUE_MAX, "0s");
		else
			snprintf(value, WALK_VALUE_MAX, "%s", PICK(k, times));
		return;
	case OPTION_PORT_RANGE:
		snprintf(value, WALK_VALUE_MAX, "%s", PICK(k, ranges));
		return;
	case OPTION_INTERFACE:
	case OPTION_ADDRESSES:
	case OPTION_SEED:
	case OPTION_PORT_LIST:
	case OPTION_FORWARDS:
	case OPTION_PAIRS:
	case OPTION_ADDRESS:
	case OPTION_ADDRESS_RANGE:
	case OPTION_REMOTES:
	case OPTION_PORT_TIMERS:
	case OPTION_PROTOCOLS:
	case OPTION_PATH:
		break;
	}
	snprintf(value, WALK_VALUE_MAX, "%s", spec->initial);
}

/* What a run of this profile is about; 0-terminated, as lan is never changed. */
static const enum option_id favourites[WALK_PROFILES][12] = {
	[WALK_TCP] = { OPT_TCP_FILTERING, OPT_TCP_REFRESH, OPT_TCP_STRICT_ESTABLISHED,
		       OPT_TCP_RST_CHECK, OPT_TCP_EXPIRY, OPT_TCP_UNSOLICITED_SYN, OPT_TCP_NON_SYN,
		       OPT_TCP_TIMEOUT_ESTABLISHED, OPT_TCP_TIMEOUT_TRANSITORY,
		       OPT_TCP_MAX_HELD_SYNS, OPT_NAT_UNMATCHED },
	[WALK_FRAGMENTS] = { OPT_FRAGMENTS_TIMEOUT, OPT_FRAGMENTS_MAX_HELD, OPT_FRAGMENTS_MAX_BYTES,
			     OPT_FRAGMENTS_MAX_PER_SOURCE, OPT_NAT_IP_ID, OPT_UDP_FILTERING },
	[WALK_ERRORS] = { OPT_ICMP_ERROR_CHECKS, OPT_ICMP_MUTE, OPT_ICMP_ERROR_RATE,
			  OPT_NAT_UNMATCHED, OPT_NAT_HAIRPIN, OPT_UDP_FILTERING, OPT_UDP_REFRESH,
			  OPT_NAT_ON_FULL, OPT_ICMP_QUERIES, OPT_UDP_MAPPING },
	[WALK_STATIC] = { OPT_NAT_FORWARDS, OPT_NAT_ONE_TO_ONE, OPT_NAT_DMZ, OPT_NAT_EXEMPT,
			  OPT_NAT_EXTERNAL, OPT_NAT_RESERVED_PORTS, OPT_NAT_UNMATCHED,
			  OPT_UDP_PORT_REUSE_DELAY, OPT_NAT_HAIRPIN, OPT_UDP_MAPPING,
			  OPT_TCP_MAPPING },
	[WALK_PORTS] = { OPT_UDP_PORTS, OPT_TCP_PORTS, OPT_UDP_PORT_RANGE, OPT_UDP_PORT_OVERLAP,
			 OPT_UDP_PARITY, OPT_UDP_RANGE_CLASS, OPT_NAT_BLOCKS, OPT_NAT_BLOCK_SIZE,
			 OPT_UDP_PORT_REUSE_DELAY, OPT_NAT_POOLING, OPT_UDP_MAPPING },
	/* No narrow ranges: blocks divide all ports. */
	[WALK_BLOCKS] = { OPT_NAT_BLOCKS, OPT_NAT_BLOCK_SIZE, OPT_NAT_BLOCKS_PER_HOST,
			  OPT_NAT_BLOCK_OVERFLOW, OPT_NAT_INTERNAL, OPT_NAT_POOLING, OPT_UDP_PORTS,
			  OPT_NAT_FORWARDS, OPT_UDP_PORT_REUSE_DELAY, OPT_NAT_REUSE_STATIC,
			  OPT_OTHER_PROTOCOLS, OPT_NAT_EXTERNAL },
	[WALK_LIMITS] = { OPT_NAT_MAX_SESSIONS_PER_MAPPING, OPT_NAT_MAX_SESSIONS_PER_HOST,
			  OPT_NAT_MAX_MAPPINGS_PER_HOST, OPT_NAT_NEW_MAPPINGS_PER_SECOND,
			  OPT_UDP_MAX_SESSIONS_PER_HOST, OPT_NAT_MAX_MAPPINGS, OPT_NAT_MAX_SESSIONS,
			  OPT_NAT_ON_FULL, OPT_UDP_REFRESH, OPT_TCP_FILTERING,
			  OPT_UDP_PORT_TIMEOUTS, OPT_ICMP_ERROR_RATE },
	[WALK_LEASES] = { OPT_NAT_PROTOCOL_SCOPE, OPT_UDP_PORT_OVERLAP, OPT_UDP_PORTS,
			  OPT_NAT_BLOCKS, OPT_UDP_FILTERING, OPT_UDP_MAPPING, OPT_NAT_FORWARDS,
			  OPT_NAT_EXTERNAL, OPT_UDP_PORT_REUSE_DELAY, OPT_NAT_MAX_MAPPINGS,
			  OPT_UDP_KILL_ON_UNSOLICITED, OPT_TCP_FILTERING },
	[WALK_FLOOD] = { OPT_FRAGMENTS_MAX_HELD, OPT_FRAGMENTS_TIMEOUT },
};

static enum option_id pick_knob(struct maker *k)
{
	const enum option_id *own = favourites[k->profile];
	unsigned int count = 0;

	while (count < 12 && own[count] != OPT_NAT_LAN)
		count++;
	if (count > 0 && chance(k, 60))
		return own[below(k, count)];
	for (;;) {
		enum option_id id = (enum option_id)below(k, OPTION_COUNT);
		enum option_type type = option_spec(id)->type;

		if (type != OPTION_INTERFACE && type != OPTION_SEED)
			return id;
	}
}

static void add_knob(struct maker *k, const char *key, const char *value)
{
	struct walk_knob *knob = &k->step->knobs[k->step->knob_count++];

	snprintf(knob->key, sizeof(knob->key), "%s", key);
	snprintf(knob->value, sizeof(knob->value), "%s", value);
	say(k, " %s=%s", key, value);
}

/* What must come together for some corners of leases: shared ports, and such as must rest. */
static void add_corner(struct maker *k)
{
	static const struct walk_knob corners[][3] = {
		{ { "udp.port-overlap", "on" },
		  { "udp.filtering", "address-and-port-dependent" },
		  { "udp.ports", "preserve" } },
		{ { "nat.protocol-scope", "shared" },
		  { "udp.filtering", "endpoint-independent" },
		  { "tcp.filtering", "endpoint-independent" } },
		{ { "udp.port-reuse-delay", "30s" },
		  { "udp.ports", "preserve" },
		  { "udp.filtering", "endpoint-independent" } },
	};
	const struct walk_knob *corner = PICK(k, corners);

	for (int i = 0; i < 3; i++)
		add_knob(k, corner[i].key, corner[i].value);
}

static void make_knobs(struct maker *k, unsigned int most)
{
	unsigned int count = 1 + below(k, most);

	k->step->kind = WALK_KNOBS;
	say(k, "set");
	if (chance(k, 8)) {
		unsigned int presets = 0;

		while (preset_spec(presets) != NULL)
			presets++;
		add_knob(k, presets_key, preset_spec(below(k, presets))->name);
		return;
	}
	if (k->profile == WALK_LEASES && chance(k, 30)) {
		add_corner(k);
		return;
	}
	for (unsigned int i = 0; i < count; i++) {
		char value[WALK_VALUE_MAX];
		enum option_id id = pick_knob(k);

		pick_value(k, id, value);
		if (id == OPT_NAT_MAX_SESSIONS && i + 1 < count) { /* never fewer than mappings */
			add_knob(k, option_spec(OPT_NAT_MAX_MAPPINGS)->key, "10");
			i++;
		}
		add_knob(k, option_spec(id)->key, value);
	}
}

/* --- endpoints ------------------------------------------------------------------------------ */

static struct endpoint internal_end(struct maker *k)
{
	static const uint8_t hosts[] = { 2, 2, 2, 3, 3, 4, 9 };
	static const uint16_t ports[] = { 5000, 5000, 5000, 5001, 5001,	 5002,	80,
					  81,	500,  700,  1000, 40000, 40001, 65535 };

	return (struct endpoint){ addr_from_ip4(0xc0a80100U | PICK(k, hosts)), PICK(k, ports) };
}

static struct endpoint remote_end(struct maker *k)
{
	static const uint32_t hosts[] = { 0xcb00710aU, 0xcb00710aU, 0xcb00710bU, 0xc6336407U };
	static const uint16_t ports[] = { 7000, 7000, 7001, 80, 53 };

	return (struct endpoint){ addr_from_ip4(PICK(k, hosts)), PICK(k, ports) };
}

static struct endpoint stray_external(struct maker *k)
{
	static const uint8_t hosts[] = { 1, 1, 1, 1, 1, 1, 1, 2, 3, 5 };
	static const uint16_t ports[] = { 5000, 5001, 80, 8080, 22, 1024, 1030, 40000, 500, 9 };

	return (struct endpoint){ addr_from_ip4(0xcb007100U | PICK(k, hosts)), PICK(k, ports) };
}

/* The mapping of @internal, if possible one that serves @remote; else any there is. */
static const struct m_mapping *known_mapping(struct maker *k, enum nat_protocol protocol,
					     const struct endpoint *internal,
					     const struct endpoint *remote)
{
	const struct m_mapping *best = NULL;

	for (uint32_t i = 0; i < k->m->mapping_count; i++) {
		const struct m_mapping *at = &k->m->mappings[i];

		if (at->protocol != protocol || !addr_equal(&at->internal.addr, &internal->addr))
			continue;
		if (best == NULL || (at->internal.port == internal->port &&
				     (best->internal.port != internal->port ||
				      addr_equal(&at->remote.addr, &remote->addr))))
			best = at;
	}
	return best;
}

static const struct m_session *known_session(struct maker *k, enum nat_protocol protocol,
					     const struct endpoint *internal,
					     const struct endpoint *remote,
					     const struct m_mapping **mapping)
{
	const struct m_session *any = NULL;

	*mapping = known_mapping(k, protocol, internal, remote);
	for (uint32_t i = 0; i < k->m->session_count && *mapping != NULL; i++) {
		if (k->m->sessions[i].mapping != (*mapping)->serial)
			continue;
		any = &k->m->sessions[i];
		if (addr_equal(&any->remote.addr, &remote->addr))
			break;
	}
	return any;
}

/* Where to send something that is to come in through a mapping. */
static struct endpoint external_end(struct maker *k, enum nat_protocol protocol,
				    const struct endpoint *remote)
{
	struct endpoint internal = internal_end(k);
	const struct m_mapping *at = known_mapping(k, protocol, &internal, remote);

	return at != NULL && chance(k, 88) ? at->external : stray_external(k);
}

/* --- packets -------------------------------------------------------------------------------- */

enum { GRE = 47 };

struct tcp_choice {
	struct wire_tcp head;
	unsigned int window, scale;
};

static void choose_tcp(struct maker *k, struct tcp_choice *c, enum nat_side from,
		       const struct m_session *s)
{
	static const uint8_t flags[] = { WIRE_SYN,
					 WIRE_SYN,
					 WIRE_SYN,
					 WIRE_SYN,
					 WIRE_SYN | WIRE_ACK,
					 WIRE_SYN | WIRE_ACK,
					 WIRE_ACK,
					 WIRE_ACK,
					 WIRE_ACK,
					 WIRE_ACK | WIRE_PSH,
					 WIRE_FIN | WIRE_ACK,
					 WIRE_FIN | WIRE_ACK,
					 WIRE_RST,
					 WIRE_RST | WIRE_ACK,
					 WIRE_FIN,
					 0,
					 WIRE_SYN | WIRE_FIN,
					 WIRE_SYN | WIRE_RST,
					 WIRE_FIN | WIRE_ACK | WIRE_RST };
	static const uint16_t windows[] = { 0, 100, 4000, 65535 };
	static const uint8_t scales[] = { 0, 2, 7, 14, 15, 255, 255 };
	enum nat_side to = from == NAT_INTERNAL ? NAT_EXTERNAL : NAT_INTERNAL;

	*c = (struct tcp_choice){ .head = { .flags = PICK(k, flags),
					    .seq = below(k, 3) * 1000,
					    .ack = below(k, 3) * 1000,
					    .payload = chance(k, 30) ? below(k, 100) : 0 },
				  .window = PICK(k, windows),
				  .scale = PICK(k, scales) };
	if (s != NULL && chance(k, 75)) {
		c->head.seq = chance(k, 70) ? s->end[from].sent : s->end[to].next;
		c->head.ack = chance(k, 85) ? s->end[to].sent : s->end[to].sent - 1;
	}
	if (s != NULL && chance(k, 8))
		c->head.seq = s->end[to].edge + below(k, 3) - 1;
	if (!(c->head.flags & WIRE_ACK) && !(c->head.flags & WIRE_RST))
		c->head.ack = 0;
	if (c->scale != 255)
		c->head.options = 4;
	else if (chance(k, 10))
		c->head.options = 8;
}

static struct wire make_tcp(struct maker *k, struct endpoint source, struct endpoint destination,
			    enum nat_side from, const struct m_session *s)
{
	struct tcp_choice c;
	struct wire w;
	uint8_t *tcp;

	choose_tcp(k, &c, from, s);
	w = wire_tcp_with(source, destination, c.head);
	tcp = w.at + wire_header(w);
	wire_put16(tcp + 14, c.window);
	if (c.scale != 255) {
		tcp[20] = 3;
		tcp[21] = 3;
		tcp[22] = (uint8_t)c.scale;
	}
	wire_fix(w);
	say(k, " tcp flags %02x seq %" PRIu32 " ack %" PRIu32 " window %u", c.head.flags,
	    c.head.seq, c.head.ack, c.window);
	return w;
}

static unsigned int query_type(struct maker *k, enum nat_side from)
{
	static const uint8_t requests[] = { 8, 8, 8, 8, 13, 15, 17 };
	static const uint8_t replies[] = { 0, 0, 0, 0, 14, 16, 18 };

	return chance(k, 90) == (from == NAT_INTERNAL) ? PICK(k, requests) : PICK(k, replies);
}

static enum nat_protocol pick_protocol(struct maker *k)
{
	unsigned int dice = below(k, 100);

	if (k->profile == WALK_TCP ? dice < 80 : dice < 35)
		return NAT_TCP;
	return dice < 80 ? NAT_UDP : dice < 95 ? NAT_ICMP : NAT_OTHER;
}

static struct wire make_of(struct maker *k, enum nat_protocol protocol, struct endpoint source,
			   struct endpoint destination, enum nat_side from,
			   const struct m_session *s)
{
	static const uint8_t others[] = { GRE, GRE, 50, 132, 4 };
	struct wire w;

	switch (protocol) {
	case NAT_TCP:
		return make_tcp(k, source, destination, from, s);
	case NAT_UDP:
		w = wire_udp_with(source, destination, chance(k, 3) ? 4 : 0, below(k, 40));
		if (chance(k, 8))
			wire_put16(wire_check(w), 0);
		say(k, " udp");
		return w;
	case NAT_ICMP:
		w = wire_query(query_type(k, from), source, destination,
			       from == NAT_INTERNAL ? source.port : destination.port);
		say(k, " icmp type %u", w.at[20]);
		return w;
	case NAT_OTHER:
	case NAT_PROTOCOLS:
		break;
	}
	w = wire_ip(PICK(k, others), source, destination, 0, 12);
	wire_fix(w);
	say(k, " protocol %u", w.at[9]);
	return w;
}

/* Whom a packet is from and to, and the session it may belong to. */
static void choose_ends(struct maker *k, enum nat_protocol protocol, enum nat_side from,
			struct endpoint *source, struct endpoint *destination,
			const struct m_session **session)
{
	struct endpoint internal = internal_end(k), remote = remote_end(k);
	const struct m_mapping *at;

	*session = known_session(k, protocol, &internal, &remote, &at);
	if (from == NAT_EXTERNAL) {
		*source = *session != NULL && chance(k, 75) ? (*session)->remote : remote;
		*destination = at != NULL && chance(k, 90) ? at->external : stray_external(k);
		return;
	}
	*source = chance(k, 97) ? internal : stray_external(k);
	*destination = remote;
	if (*session != NULL && chance(k, 60)) { /* more of the same */
		*source = at->internal;
		*destination = (*session)->remote;
		return;
	}
	if (chance(k, k->profile == WALK_ERRORS || k->profile == WALK_STATIC ? 35 : 15)) {
		struct endpoint own = at != NULL ? at->external : remote;

		*destination = external_end(k, protocol, &own);
	}
}

static struct wire make_plain(struct maker *k, enum nat_side from)
{
	enum nat_protocol protocol = pick_protocol(k);
	struct endpoint source, destination;
	const struct m_session *session;
	struct wire w;

	choose_ends(k, protocol, from, &source, &destination, &session);
	w = make_of(k, protocol, source, destination, from, session);
	if (chance(k, 30)) { /* not atomic */
		wire_put16(w.at + 6, 0);
		wire_put16(w.at + 4, 1 + below(k, 3));
		wire_fix(w);
	}
	if (protocol == NAT_UDP && chance(k, 2))
		wire_put16(wire_check(w), 0x1234);
	k->step->partial = (protocol == NAT_UDP || protocol == NAT_TCP) && chance(k, 4);
	return w;
}

/* --- ICMP errors ---------------------------------------------------------------------------- */

static struct endpoint hop(struct maker *k)
{
	static const uint32_t hosts[] = { 0xc6336401U, 0xc6336401U, 0xcb00710aU, 0xcb007101U };

	return (struct endpoint){ .addr = addr_from_ip4(PICK(k, hosts)) };
}

/* A packet that the error may be about, as it looks on the side where the error comes from. */
static struct wire quote_for(struct maker *k, enum nat_side from, struct endpoint *answer_to)
{
	enum nat_protocol protocol = pick_protocol(k);
	struct endpoint internal = internal_end(k), remote = remote_end(k), peer;
	const struct m_mapping *at, *other;
	const struct m_session *s = known_session(k, protocol, &internal, &remote, &at);
	bool inner = from == NAT_INTERNAL || chance(k, 15);
	struct wire w;

	peer = s != NULL && chance(k, 80) ? s->remote : remote;
	if (protocol == NAT_ICMP || protocol == NAT_OTHER)
		peer.port = protocol == NAT_ICMP && at != NULL ? at->external.port : 0;
	if (chance(k, 40)) { /* of another host of ours */
		struct endpoint else_end = internal_end(k);

		other = known_mapping(k, protocol, &else_end, &peer);
		peer = other != NULL ? other->external : peer;
	}
	if (at != NULL)
		internal = inner ? at->internal : at->external;
	*answer_to = inner ? peer : internal;
	w = inner ? make_of(k, protocol, peer, internal, NAT_EXTERNAL, NULL)
		  : make_of(k, protocol, internal, peer, NAT_INTERNAL, NULL);
	if (inner && from == NAT_EXTERNAL)
		answer_to->addr = addr_from_ip4(0xcb007101U);
	return w;
}

static struct wire make_error(struct maker *k, enum nat_side from)
{
	static const uint8_t types[] = { 3, 3, 3, 3, 11, 12, 5, 4 };
	struct endpoint to, source;
	struct wire about, w;
	size_t quote;

	say(k, " error about");
	about = quote_for(k, from, &to);
	if (chance(k, 5))
		wire_put16(about.at + 6, chance(k, 50) ? 0x2000 : 0x2004);
	quote = chance(k, 40) ? 28 : chance(k, 8) ? below(k, 30) : about.len;
	if (quote > about.len)
		quote = about.len;
	if (chance(k, 5))
		about.at[10] ^= 1;
	source = from == NAT_EXTERNAL ? hop(k) : internal_end(k);
	w = wire_error_with(PICK(k, types), below(k, 16), source, to, about, quote);
	if (chance(k, 5))
		w.at[22] ^= 1;
	if (chance(k, 30)) {
		wire_put16(w.at + 6, 0);
		wire_fix(w);
	}
	say(k, " type %u quote %zu", w.at[20], quote);
	return w;
}

/* --- fragments ------------------------------------------------------------------------------ */

static struct wire make_piece(struct maker *k, enum nat_side from)
{
	static const uint8_t protocols[] = { 17, 17, 17, 17, 6, 6, 1, GRE };
	static const uint8_t offsets[] = { 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5 };
	unsigned int protocol = PICK(k, protocols), offset = PICK(k, offsets);
	unsigned int ids = k->profile == WALK_FLOOD ? 3000 : 2;
	unsigned int id = 1 + below(k, ids), length;
	struct endpoint internal = { addr_from_ip4(chance(k, 80) ? 0xc0a80102U : 0xc0a80103U),
				     5000 };
	struct endpoint remote = { addr_from_ip4(0xcb00710aU), 7000 }, external;
	const struct m_mapping *at;
	bool more = chance(k, 60);
	struct wire w;

	if (k->profile == WALK_FLOOD && chance(k, 85)) {
		offset = 1 + below(k, 4);
		protocol = 17;
	}
	at = known_mapping(k, protocol == 17 ? NAT_UDP : NAT_TCP, &internal, &remote);
	external =
		at != NULL ? at->external : (struct endpoint){ addr_from_ip4(0xcb007101U), 5000 };
	length = offset == 0 ? 8 + 8 * below(k, 3) : 8 * (1 + below(k, 2));
	if (protocol == 6 && offset == 0)
		length = 16 + 8 * below(k, 2);
	if (!more && chance(k, 50))
		length -= below(k, 7);
	if (chance(k, 6))
		length += 600;
	if (chance(k, 2))
		offset = 8191 - below(k, 4);
	w = from == NAT_INTERNAL
		    ? wire_ip(protocol, internal, chance(k, 15) ? external : remote, 0, length)
		    : wire_ip(protocol, remote, external, 0, length);
	if (offset == 0 && length >= 8) {
		wire_put16(w.at + 20, from == NAT_INTERNAL ? internal.port : remote.port);
		wire_put16(w.at + 22, from == NAT_INTERNAL ? remote.port : external.port);
		wire_put16(w.at + 24, length);
		if (protocol == 1) {
			w.at[20] = from == NAT_INTERNAL ? 8 : 0;
			w.at[21] = 0;
			wire_put16(w.at + 24, 5000);
		}
		if (protocol == 6 && length >= 16) {
			w.at[32] = 0x50;
			w.at[33] = WIRE_SYN;
		}
	}
	wire_put16(w.at + 4, id);
	wire_put16(w.at + 6, offset | (more ? 0x2000U : 0));
	wire_fix(w);
	say(k, " fragment protocol %u id %u offset %u length %u%s", protocol, id, offset * 8,
	    length, more ? " more" : "");
	return w;
}

/* --- packets that are none ------------------------------------------------------------------ */

static struct wire spoil(struct maker *k, struct wire w)
{
	size_t at;

	say(k, " spoilt");
	switch (below(k, 10)) {
	case 0:
		return wire_cut(w, below(k, (unsigned int)w.len + 1));
	case 1:
		w.at[0] = (uint8_t)(below(k, 16) << 4 | (w.at[0] & 15));
		return w;
	case 2:
		w.at[0] = (uint8_t)(0x40 | below(k, 16));
		return w;
	case 3:
		wire_put16(w.at + 2, below(k, 80));
		return w;
	case 4:
		k->step->original = w.len + below(k, 3);
		return w;
	case 5: /* padded by the link */
		at = w.len;
		w = wire_cut(w, w.len); /* a copy of the same length */
		{
			struct wire longer = wire_take(at + 6);

			memcpy(longer.at, w.at, at);
			k->step->original = longer.len;
			return longer;
		}
	case 6:
		wire_put32(w.at + (chance(k, 50) ? 12 : 16),
			   chance(k, 50) ? 0xe0000001U : 0x7f000001U);
		wire_fix(w);
		return w;
	case 7: /* to or from nobody's port */
		if (w.len >= 24)
			wire_put16(w.at + 20 + 2 * below(k, 2), 0);
		return w;
	case 8:
		if (w.len > 32)
			w.at[32] = (uint8_t)(below(k, 16) << 4);
		return w;
	default:
		at = below(k, (unsigned int)w.len);
		w.at[at] ^= (uint8_t)(1U << below(k, 8));
		return w;
	}
}

static struct wire with_options(struct maker *k)
{
	static const uint8_t options[] = { 1, 7, 68, 131, 148, 0 };
	struct wire w = wire_udp_with(internal_end(k), remote_end(k), 8, 10);

	w.at[20] = PICK(k, options);
	w.at[21] = (uint8_t)below(k, 9);
	wire_fix(w);
	say(k, " udp with options");
	return w;
}

/* --- steps ---------------------------------------------------------------------------------- */

static void say_ends(struct maker *k)
{
	char a[ENDPOINT_TEXT_MAX], b[ENDPOINT_TEXT_MAX];
	struct wire w = k->step->packet;
	struct endpoint source, destination;

	if (w.len < 28 || w.at[0] >> 4 != 4 || wire_header(w) < 20 || w.len < wire_header(w) + 8)
		return;
	source = wire_source(w);
	destination = wire_destination(w);
	say(k, " %s > %s", endpoint_format(&source, a), endpoint_format(&destination, b));
}

static void make_packet(struct maker *k)
{
	static const uint8_t pieces[WALK_PROFILES] = { 8, 2, 65, 3, 5, 2, 2, 2, 2, 95 };
	static const uint8_t errors[WALK_PROFILES] = { 10, 8, 5, 45, 8, 3, 3, 3, 8, 0 };
	struct walk_step *step = k->step;
	unsigned int dice = below(k, 100);

	step->kind = WALK_PACKET;
	step->from = chance(k, 55) ? NAT_INTERNAL : NAT_EXTERNAL;
	say(k, step->from == NAT_INTERNAL ? "out" : "in");
	step->original = SIZE_MAX;
	if (dice < pieces[k->profile])
		step->packet = make_piece(k, step->from);
	else if (dice < (unsigned int)pieces[k->profile] + errors[k->profile])
		step->packet = make_error(k, step->from);
	else if (chance(k, 1))
		step->packet = with_options(k);
	else
		step->packet = make_plain(k, step->from);
	if (chance(k, 3) && !step->partial)
		step->packet = spoil(k, step->packet);
	if (chance(k, 1) && chance(k, 20))
		step->from = NAT_NOWHERE;
	if (step->original == SIZE_MAX)
		step->original = step->packet.len;
	say_ends(k);
	if (step->partial)
		say(k, " partial");
}

static void make_flush(struct maker *k)
{
	struct walk_step *step = k->step;

	step->kind = WALK_FLUSH;
	step->flush = (struct nat_selection){ .mapping = NAT_NONE, .protocol = NAT_PROTOCOLS };
	say(k, "flush");
	if (chance(k, 50))
		step->flush.protocol = pick_protocol(k);
	step->flush_host = internal_end(k).addr;
	if (chance(k, 60))
		step->flush.host = &step->flush_host;
	if (chance(k, 30) && k->m->mapping_count > 0) {
		step->flush_external = k->m->mappings[below(k, k->m->mapping_count)].external;
		step->flush.external = &step->flush_external;
	}
}

/* One that has a lease, from a random place on; NULL if there is none. */
static const struct m_mapping *first_leased(struct maker *k)
{
	const struct model *m = k->m;
	uint32_t from = m->mapping_count > 0 ? below(k, m->mapping_count) : 0;

	for (uint32_t i = 0; i < m->mapping_count; i++)
		if (m->mappings[(from + i) % m->mapping_count].leased)
			return &m->mappings[(from + i) % m->mapping_count];
	return NULL;
}

/* What a host would like to have: nothing special, or what it, somebody else or nobody has. */
static struct endpoint wished_end(struct maker *k, const struct lease_request *r)
{
	const struct model *m = k->m;
	struct endpoint wished = stray_external(k), mine = remote_end(k);

	if (chance(k, 30))
		return (struct endpoint){ 0 };
	if (chance(k, 25))
		wished = external_end(k, r->protocol, &mine);
	else if (m->resting_count > 0 && chance(k, 40))
		wished = m->resting[below(k, m->resting_count)].external;
	else if (m->mapping_count > 0 && chance(k, 40)) /* beside another, perhaps in its block */
		wished = m->mappings[below(k, m->mapping_count)].external;
	if (chance(k, 30))
		wished.port = (uint16_t)(wished.port + below(k, 5) - 2);
	if (chance(k, 25))
		wished.addr = (struct addr){ 0 };
	else if (chance(k, 8))
		wished.port = 0;
	return wished;
}

static int64_t pick_lifetime(struct maker *k)
{
	unsigned int dice = below(k, 100);

	if (dice < 18)
		return 0;
	if (dice < 55)
		return 1 + below(k, 400);
	return dice < 80 ? 1 + below(k, 30000) : 1 + below(k, 4000000);
}

static void make_lease(struct maker *k)
{
	struct lease_request *r = &k->step->lease;
	const struct m_mapping *again = first_leased(k);
	char internal[ENDPOINT_TEXT_MAX], external[ENDPOINT_TEXT_MAX];

	k->step->kind = WALK_LEASE;
	r->protocol = chance(k, 60) ? NAT_UDP : NAT_TCP;
	r->internal = internal_end(k);
	if (k->m->mapping_count > 0 &&
	    chance(k, 25)) /* what it has by its packets, or its sibling */
		r->internal = k->m->mappings[below(k, k->m->mapping_count)].internal;
	if (again != NULL && chance(k, 45)) { /* renewed, or ended */
		r->protocol = again->protocol;
		r->internal = again->internal;
	}
	if (r->internal.port == 0) /* which nobody may ask for */
		r->internal.port = 5000;
	r->external = wished_end(k, r);
	r->nonce[LEASE_NONCE - 1] = chance(k, 85) ? 1 : (uint8_t)below(k, 3);
	r->exactly = chance(k, 30);
	r->lifetime_ms = pick_lifetime(k);
	say(k, "ask for %s %s, as %s%s, nonce %u, %" PRId64 " ms", nat_protocol_name(r->protocol),
	    endpoint_format(&r->internal, internal), endpoint_format(&r->external, external),
	    r->exactly ? " exactly" : "", r->nonce[LEASE_NONCE - 1], r->lifetime_ms);
}

/* Until just before, at or just after something is due. */
static int64_t wait_for_due(struct maker *k)
{
	const struct model *m = k->m;
	int64_t due = m->now;

	if (m->syn_count > 0 && chance(k, 30))
		due = m->syns[below(k, m->syn_count)].since + m->o.tcp.syn_hold_ms;
	else if (m->datagram_count > 0 && chance(k, 30))
		due = m->datagrams[0]->since + m->o.fragments.timeout_ms;
	else if (first_leased(k) != NULL && chance(k, k->profile == WALK_LEASES ? 60 : 20))
		due = first_leased(k)->lease_end;
	else if (m->session_count > 0)
		due = model_session_expiry(m, &m->sessions[below(k, m->session_count)]);
	due += (int64_t)below(k, 3) - 1 - m->now;
	return due > 0 && due < 20000000 ? due : 0;
}

static int64_t pick_wait(struct maker *k)
{
	unsigned int dice = below(k, 100);

	if (chance(k, k->profile == WALK_LEASES ? 12 : 5))
		return wait_for_due(k);

	if (k->profile == WALK_FLOOD)
		return below(k, 3);
	if (k->profile == WALK_FRAGMENTS && dice < 92)
		return below(k, 200);
	if (dice < 40)
		return 0;
	if (dice < 80)
		return below(k, 60);
	if (dice < 92)
		return below(k, 2000);
	if (dice < 97)
		return below(k, 60000);
	return dice < 99 || chance(k, 60) ? below(k, 600000) : below(k, 10000000);
}

void walk_make(struct walk_step *step, uint64_t seed, enum walk_profile profile, bool first,
	       const struct model *m)
{
	struct maker k = { .random = seed, .profile = profile, .m = m, .step = step };
	unsigned int dice;

	memset(step, 0, sizeof(*step));
	if (first) {
		make_knobs(&k, WALK_KNOBS_MAX);
		return;
	}
	step->wait_ms = pick_wait(&k);
	dice = below(&k, 1000);
	if (dice < 12) {
		make_knobs(&k, 3);
	} else if (dice < 16) {
		make_flush(&k);
	} else if (dice < 18) {
		step->kind = WALK_RESEED;
		say(&k, "reseed");
	} else if (dice < 40) {
		step->kind = WALK_TICK;
		say(&k, "tick");
	} else if (dice < (profile == WALK_LEASES ? 340U : 65U)) {
		make_lease(&k);
	} else {
		make_packet(&k);
	}
}

void walk_free(void)
{
	wire_free_all();
}
