/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * model_lease.c - a host asks for a mapping, renews it or ends its lease (RFC 6887 sections 11, 15)
 */
#include <string.h>

#include "tests/model/model_steps.h"

bool m_is_met(const struct endpoint *wished, const struct endpoint *external)
{
	if (addr_is_ip4(&wished->addr) && !addr_equal(&wished->addr, &external->addr))
		return false;
	return wished->port == 0 || wished->port == external->port;
}

/* Two that let everybody in cannot have one external endpoint. */
static bool is_anothers(const struct model *m, const struct m_mapping *at)
{
	for (uint32_t i = 0; i < m->mapping_count; i++)
		if (m->mappings[i].serial != at->serial && m->mappings[i].leased &&
		    m->mappings[i].protocol == at->protocol &&
		    endpoint_equal(&m->mappings[i].external, &at->external))
			return true;
	return false;
}

/* The host has the mapping already, by a lease or by what it has sent. */
static enum lease_result ask_again(const struct model *m, const struct m_mapping *at,
				   const struct lease_request *r)
{
	if (at->leased && memcmp(at->nonce, r->nonce, LEASE_NONCE) != 0)
		return LEASE_FOREIGN;
	if (r->lifetime_ms == 0)
		return LEASE_GRANTED;
	if (r->exactly && !m_is_met(&r->external, &at->external))
		return LEASE_TAKEN;
	return is_anothers(m, at) ? LEASE_FULL : LEASE_GRANTED;
}

static enum lease_result ask_first(struct model *m, const struct lease_request *r,
				   uint32_t *mapping)
{
	struct m_mapping wanted = { .protocol = r->protocol, .internal = r->internal };
	static const struct endpoint nowhere;

	switch (m_make_mapping(m, &wanted, &nowhere, r, mapping)) {
	case REASON_COUNT:
		return LEASE_GRANTED;
	case REASON_TUPLE_TAKEN:
		return LEASE_TAKEN;
	case REASON_NO_BLOCK:
		return LEASE_FOREIGN;
	case REASON_HOST_QUOTA:
	case REASON_RATE_QUOTA:
	case REASON_BLOCK_EXHAUSTED:
		return LEASE_QUOTA;
	default:
		return LEASE_FULL;
	}
}

enum lease_result model_lease(struct model *m, struct lease_request *request)
{
	static const struct endpoint nowhere;
	uint32_t n = m_mapping_internal(m, request->protocol, &request->internal, &nowhere);
	enum lease_result result = LEASE_GRANTED;
	struct m_mapping *at;

	if (n != 0)
		result = ask_again(m, m_mapping_at(m, n), request);
	else if (request->lifetime_ms != 0)
		result = ask_first(m, request, &n);
	if (result != LEASE_GRANTED || n == 0)
		return result;
	at = m_mapping_at(m, n);
	if (request->lifetime_ms == 0) {
		m->noticed = !m->late; /* it may take sessions for alive that are over */
		if (at->leased)
			m_end_lease(m, n);
		m->noticed = true;
		return LEASE_GRANTED;
	}
	at->leased = true;
	at->borrowed = false; /* its host wants it */
	memcpy(at->nonce, request->nonce, LEASE_NONCE);
	at->lease_end = m->now + request->lifetime_ms;
	request->external = at->external;
	return LEASE_GRANTED;
}
