/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * model_table.c - mappings, sessions and hosts, and how long they live
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tests/model/model.h"

void m_wrong(struct model *m, const char *format, ...)
{
	va_list args;

	if (m->wrong[0] != '\0')
		return;
	va_start(args, format);
	vsnprintf(m->wrong, sizeof(m->wrong), format, args);
	va_end(args);
}

struct m_mapping *m_mapping_at(struct model *m, uint32_t serial)
{
	for (uint32_t i = 0; i < m->mapping_count; i++)
		if (m->mappings[i].serial == serial)
			return &m->mappings[i];
	return NULL;
}

struct m_session *m_session_at(struct model *m, uint32_t serial)
{
	for (uint32_t i = 0; i < m->session_count; i++)
		if (m->sessions[i].serial == serial)
			return &m->sessions[i];
	return NULL;
}

/* Is it the one in the outcome of the real NAT? */
bool m_is_chosen(const struct model *m, const struct m_mapping *at)
{
	const struct mapping *chosen = m->oracle.chosen;

	return chosen != NULL && endpoint_equal(&chosen->internal, &at->internal) &&
	       endpoint_equal(&chosen->external, &at->external) &&
	       endpoint_equal(&m->oracle.chosen_remote, &at->remote);
}

/* --- hosts ---------------------------------------------------------------------------------- */

struct m_host *m_host_at(struct model *m, const struct addr *address)
{
	for (uint32_t i = 0; i < m->host_count; i++)
		if (addr_equal(&m->hosts[i].address, address))
			return &m->hosts[i];
	return NULL;
}

struct m_host *m_host_get(struct model *m, const struct addr *address)
{
	struct m_host *h = m_host_at(m, address);

	if (h != NULL)
		return h;
	h = &m->hosts[m->host_count++];
	*h = (struct m_host){ .address = *address };
	return h;
}

/* Mappings of a host; @protocol NAT_PROTOCOLS: all. */
static uint64_t count_mappings(const struct model *m, const struct addr *host,
			       enum nat_protocol protocol)
{
	uint64_t count = 0;

	for (uint32_t i = 0; i < m->mapping_count; i++)
		count += addr_equal(&m->mappings[i].internal.addr, host) &&
			 (protocol == NAT_PROTOCOLS || m->mappings[i].protocol == protocol);
	return count;
}

static uint64_t count_sessions(struct model *m, const struct addr *host, enum nat_protocol protocol)
{
	uint64_t count = 0;

	for (uint32_t i = 0; i < m->session_count; i++) {
		const struct m_mapping *of = m_mapping_at(m, m->sessions[i].mapping);

		count += addr_equal(&of->internal.addr, host) &&
			 (protocol == NAT_PROTOCOLS || of->protocol == protocol);
	}
	return count;
}

void m_host_forget_idle(struct model *m)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < m->host_count; i++)
		if (count_mappings(m, &m->hosts[i].address, NAT_PROTOCOLS) > 0)
			m->hosts[kept++] = m->hosts[i];
	m->host_count = kept;
}

/* A bucket of one second's worth, in thousandths of a token; a second later it is full. */
bool m_has_token(uint64_t *spent, int64_t *at, uint64_t rate, int64_t now, bool take)
{
	uint64_t back = (uint64_t)(now - *at) * rate;
	uint64_t left = now - *at >= 1000 || *spent < back ? 0 : *spent - back;

	if (take) {
		*spent = left + 1000;
		*at = now;
	}
	return left + 1000 <= rate * 1000;
}

static bool is_reached(uint64_t count, uint64_t quota)
{
	return quota != 0 && count >= quota;
}

static bool has_rate(const struct m_host *h, int which, uint64_t rate, int64_t now)
{
	uint64_t spent = h->rate[which].spent;
	int64_t at = h->rate[which].at;

	return rate == 0 || m_has_token(&spent, &at, rate, now, false);
}

enum nat_reason m_refuses_mapping(const struct model *m, const struct m_host *h,
				  enum nat_protocol protocol)
{
	const struct protocol_options *po = &m->o.protocol[protocol];

	if (is_reached(count_mappings(m, &h->address, NAT_PROTOCOLS), m->o.max_mappings_per_host) ||
	    is_reached(count_mappings(m, &h->address, protocol), po->max_mappings_per_host))
		return REASON_HOST_QUOTA;
	if (m->late && m->oracle.reason == REASON_RATE_QUOTA)
		return REASON_RATE_QUOTA; /* it may remember what a forgotten host has done */
	if (!has_rate(h, NAT_PROTOCOLS, m->o.new_mappings_per_second, m->now) ||
	    !has_rate(h, (int)protocol, po->new_mappings_per_second, m->now))
		return REASON_RATE_QUOTA;
	return REASON_COUNT;
}

enum nat_reason m_refuses_host_session(const struct model *m, const struct addr *host,
				       enum nat_protocol protocol)
{
	struct model *model = (struct model *)m;

	if (is_reached(count_sessions(model, host, NAT_PROTOCOLS), m->o.max_sessions_per_host) ||
	    is_reached(count_sessions(model, host, protocol),
		       m->o.protocol[protocol].max_sessions_per_host))
		return REASON_HOST_QUOTA;
	return REASON_COUNT;
}

enum nat_reason m_refuses_session(struct model *m, uint32_t mapping)
{
	const struct m_mapping *of = m_mapping_at(m, mapping);
	uint64_t count = 0;

	for (uint32_t i = 0; i < m->session_count; i++)
		count += m->sessions[i].mapping == mapping;
	if (m->session_count >= m->o.max_sessions)
		return REASON_SESSIONS_FULL;
	if (is_reached(count, m->o.max_sessions_per_mapping))
		return REASON_MAPPING_QUOTA;
	return m_refuses_host_session(m, &of->internal.addr, of->protocol);
}

/* --- finding -------------------------------------------------------------------------------- */

uint32_t m_session_internal(struct model *m, enum nat_protocol protocol,
			    const struct endpoint *internal, const struct endpoint *remote)
{
	for (uint32_t i = 0; i < m->session_count; i++) {
		const struct m_mapping *of = m_mapping_at(m, m->sessions[i].mapping);

		if (of->protocol == protocol && endpoint_equal(&of->internal, internal) &&
		    endpoint_equal(&m->sessions[i].remote, remote))
			return m->sessions[i].serial;
	}
	return 0;
}

uint32_t m_session_external(struct model *m, enum nat_protocol protocol,
			    const struct endpoint *external, const struct endpoint *remote)
{
	for (uint32_t i = 0; i < m->session_count; i++) {
		const struct m_mapping *of = m_mapping_at(m, m->sessions[i].mapping);

		if (of->protocol == protocol && endpoint_equal(&of->external, external) &&
		    endpoint_equal(&m->sessions[i].remote, remote))
			return m->sessions[i].serial;
	}
	return 0;
}

uint32_t m_mapping_internal(struct model *m, enum nat_protocol protocol,
			    const struct endpoint *internal, const struct endpoint *part)
{
	for (uint32_t i = 0; i < m->mapping_count; i++) {
		const struct m_mapping *at = &m->mappings[i];

		if (at->protocol == protocol && !at->secondary &&
		    endpoint_equal(&at->internal, internal) && endpoint_equal(&at->remote, part))
			return at->serial;
	}
	return 0;
}

struct endpoint m_remote_part(enum mapping_behavior behavior, const struct endpoint *remote)
{
	struct endpoint part = { 0 };

	if (behavior != MAPPING_ENDPOINT_INDEPENDENT)
		part.addr = remote->addr;
	if (behavior == MAPPING_ADDRESS_AND_PORT_DEPENDENT)
		part.port = remote->port;
	return part;
}

/* --- adding --------------------------------------------------------------------------------- */

uint32_t m_add_mapping(struct model *m, const struct m_mapping *wanted)
{
	const struct protocol_options *po = &m->o.protocol[wanted->protocol];
	struct m_host *h = m_host_get(m, &wanted->internal.addr);
	struct m_mapping *at;
	bool secondary =
		m_mapping_internal(m, wanted->protocol, &wanted->internal, &wanted->remote) != 0;

	if (m->o.new_mappings_per_second != 0)
		m_has_token(&h->rate[NAT_PROTOCOLS].spent, &h->rate[NAT_PROTOCOLS].at,
			    m->o.new_mappings_per_second, m->now, true);
	if (po->new_mappings_per_second != 0)
		m_has_token(&h->rate[wanted->protocol].spent, &h->rate[wanted->protocol].at,
			    po->new_mappings_per_second, m->now, true);
	at = &m->mappings[m->mapping_count++];
	*at = *wanted;
	at->serial = ++m->serial;
	at->secondary = secondary;
	return at->serial;
}

/* The timer of a remote port, 0 if it has none. */
static int64_t port_timeout(const struct options *o, uint16_t port)
{
	for (uint32_t i = 0; i < o->port_timers.count; i++)
		if (o->port_timers.timers[i].port == port)
			return o->port_timers.timers[i].timeout_ms;
	return 0;
}

void m_forget_port_timers(struct model *m)
{
	for (uint32_t i = 0; i < m->session_count; i++)
		if (m->sessions[i].class == TIMEOUT_PORT &&
		    port_timeout(&m->o, m->sessions[i].remote.port) == 0)
			m->sessions[i].class = TIMEOUT_UDP;
}

static enum timeout_class class_of_first(const struct options *o, enum nat_protocol protocol,
					 uint16_t port)
{
	if (protocol == NAT_TCP)
		return TIMEOUT_TCP_OPENING;
	if (protocol == NAT_ICMP)
		return TIMEOUT_ICMP;
	if (protocol == NAT_OTHER)
		return TIMEOUT_OTHER;
	if (port_timeout(o, port) != 0)
		return TIMEOUT_PORT; /* which one, its remote port tells */
	return o->timeout_ms[TIMEOUT_UDP_UNREPLIED] == 0 ? TIMEOUT_UDP : TIMEOUT_UDP_UNREPLIED;
}

static void use(struct model *m, struct m_session *s, enum timeout_class class)
{
	s->class = class;
	s->last_use = m->now;
	s->order = ++m->order;
}

uint32_t m_add_session(struct model *m, uint32_t mapping, const struct endpoint *remote,
		       enum nat_side opener)
{
	const struct m_mapping *of = m_mapping_at(m, mapping);
	struct m_session *s;

	if (m_session_external(m, of->protocol, &of->external, remote) != 0)
		m_wrong(m, "two sessions have one external endpoint and remote");
	if (m_session_internal(m, of->protocol, &of->internal, remote) != 0)
		m_wrong(m, "two sessions have one internal endpoint and remote");
	s = &m->sessions[m->session_count++];
	*s = (struct m_session){
		.serial = ++m->serial,
		.mapping = mapping,
		.remote = *remote,
		.inbound = opener == NAT_EXTERNAL,
		.keeping = opener == NAT_INTERNAL || of->fixed || of->protocol != NAT_TCP,
	};
	use(m, s, class_of_first(&m->o, of->protocol, remote->port));
	return s->serial;
}

/* --- removing ------------------------------------------------------------------------------- */

static bool was_closed(const struct m_session *s)
{
	return s->state == TCP_BOTH_FIN || s->state == TCP_TIME_WAIT || s->state == TCP_TRANS;
}

static void remove_session(struct model *m, uint32_t serial)
{
	struct m_session *s = m_session_at(m, serial);
	struct m_mapping *of = m_mapping_at(m, s->mapping);
	size_t after = m->session_count - (size_t)(s - m->sessions) - 1;

	for (int side = 0; side < 2; side++) {
		of->past[side].packets += s->traffic[side].packets;
		of->past[side].bytes += s->traffic[side].bytes;
	}
	of->lingering = of->lingering || !was_closed(s);
	memmove(s, s + 1, after * sizeof(*s));
	m->session_count--;
}

void m_remove_mapping(struct model *m, uint32_t serial)
{
	struct m_mapping gone, *at;

	for (uint32_t i = 0; i < m->session_count;)
		if (m->sessions[i].mapping == serial)
			remove_session(m, m->sessions[i].serial);
		else
			i++;
	at = m_mapping_at(m, serial);
	gone = *at;
	if (gone.leased) /* it would have lived on */
		m->epoch = m->now;
	memmove(at, at + 1, (m->mapping_count - (size_t)(at - m->mappings) - 1) * sizeof(*at));
	m->mapping_count--;
	for (uint32_t i = 0; i < m->mapping_count && gone.holds_port; i++) {
		at = &m->mappings[i];
		if (!at->borrowed || at->protocol == gone.protocol ||
		    !m_share_ports(&m->o, at->protocol, gone.protocol) ||
		    !endpoint_equal(&at->external, &gone.external))
			continue;
		at->holds_port = false; /* its port is that of the one that goes */
		m_remove_mapping(m, at->serial);
		break;
	}
	if (gone.holds_port)
		m_release_port(m, &gone);
	m_host_forget_idle(m);
}

static bool any_keeps(const struct model *m, uint32_t mapping)
{
	for (uint32_t i = 0; i < m->session_count; i++)
		if (m->sessions[i].mapping == mapping && m->sessions[i].keeping)
			return true;
	return false;
}

/* What is left is a mapping like any other. */
void m_end_lease(struct model *m, uint32_t serial)
{
	m_mapping_at(m, serial)->leased = false;
	if (!any_keeps(m, serial))
		m_remove_mapping(m, serial);
}

uint32_t model_flush(struct model *m, const struct nat_selection *which)
{
	uint32_t before = m->mapping_count;

	for (uint32_t i = 0; i < m->mapping_count;) {
		const struct m_mapping *at = &m->mappings[i];

		if ((which->protocol != NAT_PROTOCOLS && which->protocol != at->protocol) ||
		    (which->host != NULL && !addr_equal(which->host, &at->internal.addr)) ||
		    (which->external != NULL && !endpoint_equal(which->external, &at->external))) {
			i++;
			continue;
		}
		m_remove_mapping(m, at->serial);
		i = 0; /* another may have gone along */
	}
	return before - m->mapping_count;
}

/* --- time ----------------------------------------------------------------------------------- */

static int64_t timeout_of(const struct options *o, const struct m_session *s)
{
	int64_t own = s->class < TIMEOUT_PORT ? o->timeout_ms[s->class] : 0;

	if (s->class == TIMEOUT_PORT)
		own = port_timeout(o, s->remote.port);
	if (own != 0)
		return own;
	/* One that is not set is the same as another. */
	return s->class == TIMEOUT_UDP_UNREPLIED || s->class == TIMEOUT_PORT
		       ? o->timeout_ms[TIMEOUT_UDP]
		       : o->tcp.transitory_ms;
}

int64_t model_session_expiry(const struct model *m, const struct m_session *s)
{
	return s->last_use + timeout_of(&m->o, s);
}

static int64_t own_expiry(const struct model *m, const struct m_mapping *mapping)
{
	int64_t last = mapping->leased ? mapping->lease_end : INT64_MIN;

	for (uint32_t i = 0; i < m->session_count; i++) {
		const struct m_session *s = &m->sessions[i];

		if (s->mapping == mapping->serial && s->keeping &&
		    model_session_expiry(m, s) > last)
			last = model_session_expiry(m, s);
	}
	return last;
}

/* What is borrowed ends with its lender. */
int64_t model_mapping_expiry(const struct model *m, const struct m_mapping *mapping)
{
	int64_t last = own_expiry(m, mapping);

	for (uint32_t i = 0; i < m->mapping_count && mapping->borrowed; i++) {
		const struct m_mapping *lender = &m->mappings[i];

		if (lender->serial != mapping->serial && !lender->borrowed && lender->holds_port &&
		    m_share_ports(&m->o, lender->protocol, mapping->protocol) &&
		    endpoint_equal(&lender->external, &mapping->external) &&
		    own_expiry(m, lender) < last)
			last = own_expiry(m, lender);
	}
	return last;
}

/* RST to both ends, as each expects it. */
static void tell_ends(struct model *m, const struct m_session *s)
{
	const struct m_mapping *of = m_mapping_at(m, s->mapping);
	const struct bytes_reset resets[2] = {
		{ s->remote, of->internal, s->end[NAT_INTERNAL].next, 0, BYTES_RST },
		{ of->external, s->remote, s->end[NAT_EXTERNAL].next, 0, BYTES_RST },
	};

	for (int i = 0; i < 2 && m->output_count < MODEL_OUTPUTS; i++) {
		struct m_output *out;

		/* A hairpinned connection has a session at each end, which tells that end. */
		if (m_is_external(&m->o, &resets[i].to.addr))
			continue;
		out = &m->outputs[m->output_count++];
		out->optional = true;
		out->length = bytes_reset(out->data, &resets[i]);
	}
}

static void end_session(struct model *m, struct m_session *s)
{
	uint32_t mapping = s->mapping;

	if (s->class == TIMEOUT_TCP_ESTABLISHED && m->o.tcp.expiry == TCP_EXPIRY_RESET)
		tell_ends(m, s);
	remove_session(m, s->serial);
	if (!m_mapping_at(m, mapping)->leased && !any_keeps(m, mapping))
		m_remove_mapping(m, mapping);
}

/* The session that is due first; of several at the same time, by class and last use. */
static struct m_session *first_session(struct model *m)
{
	struct m_session *first = NULL;

	for (uint32_t i = 0; i < m->session_count; i++) {
		struct m_session *s = &m->sessions[i];
		int64_t due = model_session_expiry(m, s), best;

		best = first != NULL ? model_session_expiry(m, first) : INT64_MAX;
		if (first == NULL || due < best ||
		    (due == best && (s->class < first->class ||
				     (s->class == first->class && s->order < first->order))))
			first = s;
	}
	return first;
}

static struct m_mapping *first_lease(struct model *m)
{
	struct m_mapping *first = NULL;

	for (uint32_t i = 0; i < m->mapping_count; i++)
		if (m->mappings[i].leased &&
		    (first == NULL || m->mappings[i].lease_end < first->lease_end))
			first = &m->mappings[i];
	return first;
}

/* One after the other as they are due. */
void model_advance(struct model *m, int64_t now)
{
	m->noticed = false;
	for (;;) {
		struct m_session *session = first_session(m);
		struct m_mapping *lease = first_lease(m);
		int64_t over = session != NULL ? model_session_expiry(m, session) : INT64_MAX;
		int64_t end = lease != NULL ? lease->lease_end : INT64_MAX;

		if (over > now && end > now)
			break;
		m->now = over <= end ? over : end;
		if (over <= end)
			end_session(m, session);
		else
			m_end_lease(m, lease->serial);
	}
	m->noticed = true;
	m->now = now;
}

/* --- a packet of a session ------------------------------------------------------------------ */

void m_account(struct model *m, uint32_t session, const struct bytes *pkt, enum nat_side from)
{
	struct m_session *s = m_session_at(m, session);
	enum nat_protocol protocol = m_mapping_at(m, s->mapping)->protocol;
	enum refresh_behavior refresh = m->o.protocol[protocol].refresh;
	enum timeout_class class;

	s->traffic[from].packets++;
	s->traffic[from].bytes += pkt->length;
	if (from == NAT_INTERNAL && !(pkt->flags & BYTES_RST))
		m_mapping_at(m, s->mapping)->borrowed = false; /* its host has used it */
	if (!s->replied && s->inbound == (from == NAT_INTERNAL)) {
		s->replied = true;
		if (s->class == TIMEOUT_UDP_UNREPLIED)
			use(m, s, TIMEOUT_UDP);
	}
	if (protocol == NAT_TCP) {
		if (m_tcp(&m->o, s, pkt, from, &class))
			use(m, s, class);
		if (from == NAT_INTERNAL && !(pkt->flags & BYTES_RST))
			s->keeping = true;
		return;
	}
	if (refresh == REFRESH_BOTH || (refresh == REFRESH_OUTBOUND) == (from == NAT_INTERNAL))
		use(m, s, s->class);
}
