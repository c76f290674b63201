/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/model/compare.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool differ(char *why, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool differ(char *why, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, COMPARE_TEXT, format, args);
	va_end(args);
	return false;
}

static const struct mapping *live_mapping(const struct nat *nat, uint32_t n)
{
	return arena_is_live(&nat->mappings.arena, n) ? mapping_at(&nat->mappings, n) : NULL;
}

static const struct session *live_session(const struct nat *nat, uint32_t n)
{
	return arena_is_live(&nat->sessions.arena, n) ? session_at(&nat->sessions, n) : NULL;
}

/* --- what the model may ask ----------------------------------------------------------------- */

/* The external endpoint of what a host has asked for. */
static bool ask_lease(const struct nat *nat, enum nat_protocol protocol,
		      const struct endpoint *internal, struct endpoint *external)
{
	for (uint32_t n = 0; n < nat->mappings.arena.used; n++) {
		const struct mapping *at = live_mapping(nat, n);

		if (at == NULL || !at->leased || at->protocol != protocol ||
		    !endpoint_equal(&at->internal, internal))
			continue;
		*external = at->external;
		return true;
	}
	return false;
}

static bool ask_external(const void *from, enum nat_protocol protocol,
			 const struct endpoint *internal, const struct endpoint *remote,
			 struct endpoint *external)
{
	const struct nat *nat = from;

	if (!addr_is_ip4(&remote->addr))
		return ask_lease(nat, protocol, internal, external);
	for (uint32_t n = 0; n < nat->sessions.arena.used; n++) {
		const struct session *s = live_session(nat, n);
		const struct mapping *of =
			s != NULL ? mapping_at(&nat->mappings, s->mapping) : NULL;

		if (of == NULL || of->protocol != protocol ||
		    !endpoint_equal(&of->internal, internal) || !endpoint_equal(&s->remote, remote))
			continue;
		*external = of->external;
		return true;
	}
	return false;
}

static bool ask_host(const void *from, const struct addr *address, struct m_host *host)
{
	const struct nat *nat = from;

	for (uint32_t n = 0; n < nat->hosts.arena.used; n++) {
		const struct host *h = host_at(&nat->hosts, n);

		if (!arena_is_live(&nat->hosts.arena, n) || !addr_equal(&h->address, address))
			continue;
		host->external = h->external;
		host->block_count = h->block_count;
		memcpy(host->blocks, h->blocks, sizeof(host->blocks));
		return true;
	}
	return false;
}

static bool is_same(const struct nat *nat, uint32_t n, const struct m_mapping *m)
{
	const struct mapping *at = mapping_at(&nat->mappings, n);
	const struct endpoint remote = mapping_remote(&nat->mappings, n);

	return at->protocol == m->protocol && endpoint_equal(&at->internal, &m->internal) &&
	       endpoint_equal(&at->external, &m->external) && endpoint_equal(&remote, &m->remote);
}

static bool ask_mapping(const void *from, const struct m_mapping *m)
{
	const struct nat *nat = from;

	for (uint32_t n = 0; n < nat->mappings.arena.used; n++)
		if (live_mapping(nat, n) != NULL && is_same(nat, n, m))
			return true;
	return false;
}

void compare_oracle(struct oracle *oracle, const struct nat *nat)
{
	*oracle = (struct oracle){
		.nat = nat, .external = ask_external, .host = ask_host, .mapping = ask_mapping
	};
}

/* --- packets -------------------------------------------------------------------------------- */

void compare_collect(struct nat *nat, struct said *said)
{
	const struct output *output;
	struct nat_release release;

	while (nat_next_release(nat, &release)) {
		struct m_release *r = &said->releases[said->release_count++ % MODEL_RECORDS];

		r->tag = release.tag;
		r->verdict = release.verdict;
		r->reason = release.reason;
		r->length = release.length < MODEL_PACKET ? release.length : MODEL_PACKET;
		memcpy(r->bytes, release.data, r->length);
	}
	said->full = said->full || nat->outputs.count + 2 > OUTPUT_RING;
	while ((output = nat_next_output(nat)) != NULL) {
		struct m_output *o = &said->outputs[said->output_count++ % MODEL_OUTPUTS];

		o->length = output->length;
		memcpy(o->data, output->data, output->length);
	}
}

static bool compare_releases(const struct model *m, const struct said *said, char *why)
{
	if (m->release_count != said->release_count)
		return differ(why, "releases: %u, wanted %u", said->release_count,
			      m->release_count);
	for (uint32_t i = 0; i < m->release_count; i++) {
		const struct m_release *a = &said->releases[i], *b = &m->releases[i];

		if (a->tag != b->tag || a->verdict != b->verdict || a->reason != b->reason)
			return differ(why, "releases: tag %u %s, wanted tag %u %s", a->tag,
				      reason_spec(a->reason)->name, b->tag,
				      reason_spec(b->reason)->name);
		if (a->length != b->length || memcmp(a->bytes, b->bytes, a->length) != 0)
			return differ(why, "release bytes: of tag %u", a->tag);
	}
	return true;
}

static const char *name_output(const struct m_output *o, char *buf)
{
	struct addr from = addr_from_ip4((uint32_t)o->data[12] << 24 | (uint32_t)o->data[13] << 16 |
					 (uint32_t)o->data[14] << 8 | o->data[15]);
	char text[ADDR_TEXT_MAX];

	snprintf(buf, 128, "protocol %u from %s, %zu bytes", o->data[9], addr_format(&from, text),
		 o->length);
	return buf;
}

static void take_output(struct m_output *list, uint32_t *count, uint32_t i)
{
	memmove(&list[i], &list[i + 1], (*count - i - 1) * sizeof(*list));
	(*count)--;
}

static bool same_output(const struct m_output *a, const struct m_output *b)
{
	return a->length == b->length && memcmp(a->data, b->data, a->length) == 0;
}

/* Of a connection that timed out? If its mapping did as well, it depends on which was met first
 * whether its ends were told. */
static bool is_optional(const struct model *m, const struct m_output *o, bool late)
{
	return late && m->o.tcp.expiry == TCP_EXPIRY_RESET && o->length == 40 &&
	       o->data[9] == BYTES_TCP && o->data[33] == BYTES_RST;
}

/* The first that is the same as @real; where the timer is @late, if possible one that must be said. */
static uint32_t find_output(const struct model *m, const struct m_output *real, bool late)
{
	uint32_t found = m->output_count;

	for (uint32_t i = 0; i < m->output_count; i++)
		if (same_output(&m->outputs[i], real) &&
		    (found == m->output_count || (late && m->outputs[found].optional)))
			found = i;
	return found;
}

/* In one order where the timers ran first; else in any, and a time-out may be told later. */
static bool compare_outputs(struct model *m, struct said *said, bool late, char *why)
{
	char a[128];
	uint32_t i;

	while (said->output_count > 0) {
		i = find_output(m, &said->outputs[0], late);
		if (i == m->output_count && is_optional(m, &said->outputs[0], late)) {
			take_output(said->outputs, &said->output_count, 0);
			continue;
		}
		if (i == m->output_count || (!late && i != 0))
			return differ(why, "output: %s, wanted %s",
				      name_output(&said->outputs[0], a),
				      m->output_count == 0 ? "none" : "another");
		take_output(m->outputs, &m->output_count, i);
		take_output(said->outputs, &said->output_count, 0);
	}
	for (i = 0; i < m->output_count;) {
		if (!late || !m->outputs[i].optional)
			return differ(why, "output: none, wanted %s",
				      name_output(&m->outputs[i], a));
		i++;
	}
	return true;
}

bool compare_said(struct model *m, struct said *said, bool late, char *why)
{
	bool same = compare_releases(m, said, why);

	if (said->full)
		m->output_count = said->output_count = 0;
	said->full = false;
	same = same && compare_outputs(m, said, late, why);
	m->release_count = said->release_count = 0;
	return same;
}

bool compare_outcome(const struct nat *nat, struct model *m, const struct nat_outcome *real,
		     const struct m_outcome *wanted, char *why)
{
	const struct m_mapping *mapping = m_mapping_at(m, wanted->mapping);
	const struct m_session *session = m_session_at(m, wanted->session);

	if (real->verdict != wanted->verdict || real->reason != wanted->reason)
		return differ(why, "outcome: %s, wanted %s", reason_spec(real->reason)->name,
			      reason_spec(wanted->reason)->name);
	if (real->verdict != NAT_REWRITTEN)
		return true;
	if ((mapping != NULL) != (real->mapping != NAT_NONE) ||
	    (session != NULL) != (real->session != NAT_NONE))
		return differ(why, "outcome: %s names other records",
			      reason_spec(real->reason)->name);
	if (mapping != NULL && !is_same(nat, real->mapping, mapping))
		return differ(why, "outcome: %s names another mapping",
			      reason_spec(real->reason)->name);
	if (session != NULL &&
	    !endpoint_equal(&session_at(&nat->sessions, real->session)->remote, &session->remote))
		return differ(why, "outcome: %s names another session",
			      reason_spec(real->reason)->name);
	return true;
}

/* --- tables --------------------------------------------------------------------------------- */

static const char *name_mapping(const struct m_mapping *m, char *buf)
{
	char internal[ENDPOINT_TEXT_MAX], external[ENDPOINT_TEXT_MAX];

	snprintf(buf, 160, "%s %s = %s", nat_protocol_name(m->protocol),
		 endpoint_format(&m->internal, internal), endpoint_format(&m->external, external));
	return buf;
}

static void add_traffic(struct traffic *sum, const struct traffic *more)
{
	sum->packets += more->packets;
	sum->bytes += more->bytes;
}

/* All traffic of a mapping; how much of it is past depends on what has been noticed. */
static struct traffic real_traffic(const struct nat *nat, uint32_t mapping, int side)
{
	struct traffic sum = mapping_past(&nat->mappings, mapping)[side];

	for (uint32_t n = mapping_at(&nat->mappings, mapping)->first_session; n != NAT_NONE;
	     n = session_at(&nat->sessions, n)->mapping_next)
		add_traffic(&sum, &session_at(&nat->sessions, n)->traffic[side]);
	return sum;
}

static struct traffic model_traffic(const struct model *m, const struct m_mapping *at, int side)
{
	struct traffic sum = at->past[side];

	for (uint32_t i = 0; i < m->session_count; i++)
		if (m->sessions[i].mapping == at->serial)
			add_traffic(&sum, &m->sessions[i].traffic[side]);
	return sum;
}

/* One that is over may only not have been noticed yet. */
static bool is_leased(const struct nat *nat, uint32_t n)
{
	return mapping_at(&nat->mappings, n)->leased &&
	       lease_at(&nat->leases, n)->end.ms > nat->now.ms;
}

static bool compare_lease(const struct nat *nat, uint32_t n, const struct m_mapping *wanted,
			  char *why)
{
	const struct lease *lease = lease_at(&nat->leases, n);
	char name[160];

	name_mapping(wanted, name);
	if (is_leased(nat, n) != wanted->leased)
		return differ(why, "lease: %s: %d, wanted %d", name, is_leased(nat, n),
			      wanted->leased);
	if (!wanted->leased)
		return true;
	if (lease->end.ms != wanted->lease_end)
		return differ(why, "lease: %s: ends at %" PRId64 ", wanted %" PRId64, name,
			      lease->end.ms, wanted->lease_end);
	if (memcmp(lease->nonce, wanted->nonce, LEASE_NONCE) != 0)
		return differ(why, "lease: %s: nonce", name);
	return true;
}

/* All of them together, and since when none was lost. */
static bool compare_leases(const struct nat *nat, const struct model *m, bool late, char *why)
{
	uint32_t leased = 0, wanted = 0;

	for (uint32_t n = 0; n < nat->mappings.arena.used && late; n++)
		leased += live_mapping(nat, n) != NULL && is_leased(nat, n);
	if (!late)
		leased = nat->leases.count;
	for (uint32_t i = 0; i < m->mapping_count; i++)
		wanted += m->mappings[i].leased;
	if (leased != wanted)
		return differ(why, "leases: %u, wanted %u", leased, wanted);
	if (nat->leases.epoch.ms != m->epoch)
		return differ(why, "epoch: %" PRId64 ", wanted %" PRId64, nat->leases.epoch.ms,
			      m->epoch);
	return true;
}

static bool compare_mapping(const struct nat *nat, const struct model *m, uint32_t n,
			    const struct m_mapping *wanted, char *why)
{
	const struct mapping *at = mapping_at(&nat->mappings, n);
	char name[160];

	name_mapping(wanted, name);
	if (at->fixed != wanted->fixed || at->secondary != wanted->secondary)
		return differ(why, "mapping: %s: fixed %d, secondary %d, wanted %d and %d", name,
			      at->fixed, at->secondary, wanted->fixed, wanted->secondary);
	if (nat_mapping_expiry(nat, n).ms != model_mapping_expiry(m, wanted))
		return differ(why, "mapping: %s: ends at %" PRId64 ", wanted %" PRId64, name,
			      nat_mapping_expiry(nat, n).ms, model_mapping_expiry(m, wanted));
	if (!compare_lease(nat, n, wanted, why))
		return false;
	for (int side = 0; side < 2; side++) {
		struct traffic a = real_traffic(nat, n, side), b = model_traffic(m, wanted, side);

		if (a.packets != b.packets || a.bytes != b.bytes)
			return differ(why, "mapping: %s: traffic of side %d", name, side);
	}
	return true;
}

static bool compare_session(const struct nat *nat, const struct model *m, uint32_t n,
			    const struct m_mapping *of, char *why)
{
	const struct session *s = session_at(&nat->sessions, n);
	enum tcp_state state = session_tcp_state(&nat->sessions, n);
	const struct m_session *wanted = NULL;
	char name[160], remote[ENDPOINT_TEXT_MAX];

	name_mapping(of, name);
	endpoint_format(&s->remote, remote);
	for (uint32_t i = 0; i < m->session_count; i++)
		if (m->sessions[i].mapping == of->serial &&
		    endpoint_equal(&m->sessions[i].remote, &s->remote))
			wanted = &m->sessions[i];
	if (wanted == NULL)
		return differ(why, "session: %s with %s is not to be there", name, remote);
	if (session_expiry(s, &nat->options).ms != model_session_expiry(m, wanted))
		return differ(why, "session: %s with %s: ends at %" PRId64 ", wanted %" PRId64,
			      name, remote, session_expiry(s, &nat->options).ms,
			      model_session_expiry(m, wanted));
	if (state != wanted->state)
		return differ(why, "session: %s with %s: %s, wanted %s", name, remote,
			      tcp_state_name(state), tcp_state_name(wanted->state));
	if (s->keeping != wanted->keeping || s->replied != wanted->replied ||
	    s->inbound != wanted->inbound)
		return differ(why, "session: %s with %s: keeping, replied or inbound", name,
			      remote);
	if (memcmp(s->traffic, wanted->traffic, sizeof(s->traffic)) != 0)
		return differ(why, "session: %s with %s: traffic", name, remote);
	return true;
}

/* Left out where the NAT has only not noticed yet that it is over. */
static bool is_over(const struct nat *nat, uint32_t mapping, bool late)
{
	return late && nat_mapping_expiry(nat, mapping).ms <= nat->now.ms;
}

/* Where ports overlap, two may have the same endpoints; their sessions tell them apart, or that one
 * has a lease. */
static bool has_same_session(const struct nat *nat, const struct model *m, const struct mapping *at,
			     const struct m_mapping *here)
{
	const struct session *s;

	for (uint32_t n = at->first_session; n != NAT_NONE; n = s->mapping_next) {
		s = session_at(&nat->sessions, n);
		for (uint32_t i = 0; i < m->session_count; i++)
			if (m->sessions[i].mapping == here->serial &&
			    endpoint_equal(&m->sessions[i].remote, &s->remote))
				return true;
	}
	return false;
}

bool compare_tables(struct nat *nat, struct model *m, bool late, char *why)
{
	const struct m_mapping *wanted[MODEL_RECORDS] = { NULL };
	uint32_t mappings = 0, sessions = 0;
	char name[160];

	for (uint32_t n = 0; n < nat->mappings.arena.used; n++) {
		const struct mapping *at = live_mapping(nat, n);
		struct m_mapping here;

		if (at == NULL || is_over(nat, n, late))
			continue;
		here = (struct m_mapping){ .protocol = (enum nat_protocol)at->protocol,
					   .internal = at->internal,
					   .external = at->external };
		for (uint32_t i = 0; i < m->mapping_count && wanted[n] == NULL; i++)
			if (is_same(nat, n, &m->mappings[i]) &&
			    ((is_leased(nat, n) && m->mappings[i].leased) ||
			     has_same_session(nat, m, at, &m->mappings[i])))
				wanted[n] = &m->mappings[i];
		if (wanted[n] == NULL)
			return differ(why, "mapping: %s is not to be there",
				      name_mapping(&here, name));
		if (!compare_mapping(nat, m, n, wanted[n], why))
			return false;
		mappings++;
	}
	if (mappings != m->mapping_count)
		return differ(why, "mappings: %u, wanted %u", mappings, m->mapping_count);
	for (uint32_t n = 0; n < nat->sessions.arena.used; n++) {
		const struct session *s = live_session(nat, n);

		if (s == NULL || wanted[s->mapping] == NULL ||
		    (late && session_expiry(s, &nat->options).ms <= nat->now.ms))
			continue;
		if (!compare_session(nat, m, n, wanted[s->mapping], why))
			return false;
		sessions++;
	}
	if (sessions != m->session_count)
		return differ(why, "sessions: %u, wanted %u", sessions, m->session_count);
	return compare_leases(nat, m, late, why);
}

bool compare_counters(const struct nat *nat, const struct model *m, char *why)
{
	for (int reason = 0; reason < REASON_COUNT; reason++)
		if (nat->counters[reason] != m->counters[reason])
			return differ(why, "counter: %s %" PRIu64 ", wanted %" PRIu64,
				      reason_spec((enum nat_reason)reason)->name,
				      nat->counters[reason], m->counters[reason]);
	return true;
}
