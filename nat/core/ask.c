/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ask.c - a host asks for a mapping, instead of getting one with its first packet
 *
 * What it gets is a mapping like any other, endpoint-independent whatever the knobs say, with a lease:
 * it obeys the same quotas, pool and blocks, and a forward that leads to the host is what it gets.
 */
#include <string.h>

#include "nat/core/steps.h"

static const struct endpoint nowhere;

static bool is_refused_by_quota(enum nat_reason reason)
{
	return reason == REASON_HOST_QUOTA || reason == REASON_RATE_QUOTA ||
	       reason == REASON_BLOCK_EXHAUSTED;
}

static enum lease_result result_of(enum nat_reason reason)
{
	if (reason == REASON_TUPLE_TAKEN)
		return LEASE_TAKEN;
	if (reason == REASON_NO_BLOCK)
		return LEASE_FOREIGN;
	return is_refused_by_quota(reason) ? LEASE_QUOTA : LEASE_FULL;
}

/* Where ports overlap, a mapping may share its endpoint; but only one of them can let everybody in. */
static bool another_is_leased(struct nat *nat, uint32_t mapping, struct mono now)
{
	const struct mapping *m = mapping_at(&nat->mappings, mapping);
	const struct endpoint external = m->external;
	uint32_t n = lifetime_leased_external(nat, (enum nat_protocol)m->protocol, &external, now);

	return n != NAT_NONE && n != mapping;
}

/* May the mapping that is there have the lease? */
static enum lease_result admit_known(struct nat *nat, uint32_t mapping,
				     const struct lease_request *r, struct mono now)
{
	const struct mapping *m = mapping_at(&nat->mappings, mapping);

	if (m->leased && memcmp(lease_at(&nat->leases, mapping)->nonce, r->nonce, LEASE_NONCE) != 0)
		return LEASE_FOREIGN;
	if (r->lifetime_ms == 0)
		return LEASE_GRANTED;
	if (r->exactly && !wish_is_met(&r->external, &m->external))
		return LEASE_TAKEN;
	return m->leased || !another_is_leased(nat, mapping, now) ? LEASE_GRANTED : LEASE_FULL;
}

static uint32_t make_mapping(struct nat *nat, const struct lease_request *r, struct mono now,
			     enum lease_result *result)
{
	struct mapping wanted = {
		.protocol = (uint8_t)r->protocol,
		.behavior = MAPPING_ENDPOINT_INDEPENDENT,
		.internal = r->internal,
		.created = now,
	};
	const struct wish wish = { .external = r->external, .exactly = r->exactly };
	struct nat_outcome refused;
	uint32_t n;

	n = outbound_make_mapping(nat, &wanted, &nowhere, &wish, now, &refused);
	if (n == NAT_NONE && lifetime_make_room(nat, now))
		n = outbound_make_mapping(nat, &wanted, &nowhere, &wish, now, &refused);
	*result = n != NAT_NONE ? LEASE_GRANTED : result_of(refused.reason);
	return n;
}

static void grant(struct nat *nat, uint32_t mapping, const struct lease_request *r, struct mono end)
{
	struct mapping *m = mapping_at(&nat->mappings, mapping);

	if (m->leased) {
		lease_renew(&nat->leases, mapping, end);
		return;
	}
	lease_add(&nat->leases, mapping, r->nonce, end);
	m->leased = true;
	m->borrowed = false; /* its host wants it */
}

enum lease_result nat_lease(struct nat *nat, struct lease_request *request, struct mono now)
{
	uint32_t n = mapping_find_internal(&nat->mappings, request->protocol, &request->internal,
					   &nowhere);
	enum lease_result result = LEASE_GRANTED;

	nat->now = now;
	n = lifetime_live_mapping(nat, n, now);
	if (n != NAT_NONE)
		result = admit_known(nat, n, request, now);
	else if (request->lifetime_ms > 0)
		n = make_mapping(nat, request, now, &result);
	if (result != LEASE_GRANTED)
		return result;
	if (request->lifetime_ms == 0) {
		if (n != NAT_NONE && mapping_at(&nat->mappings, n)->leased)
			lifetime_end_lease(nat, n, CAUSE_RELEASED);
		return LEASE_GRANTED;
	}
	grant(nat, n, request, mono_add_ms(now, request->lifetime_ms));
	request->external = mapping_at(&nat->mappings, n)->external;
	return LEASE_GRANTED;
}
