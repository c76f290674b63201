/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/core/steps.h"

/* Address-dependent: is there a living session with that address, whatever its port? */
static bool has_peer(struct nat *nat, uint32_t mapping, const struct endpoint *remote,
		     struct mono now)
{
	uint32_t n;

	while ((n = peers_find(&nat->sessions, mapping, remote)) != NAT_NONE) {
		if (!session_is_expired(session_at(&nat->sessions, n), &nat->options, now))
			return true;
		/* Not the last that keeps the mapping: the caller found the mapping alive. */
		lifetime_remove_session(nat, n);
	}
	return false;
}

bool filter_admits(struct nat *nat, uint32_t m, const struct endpoint *remote, struct mono now)
{
	enum nat_protocol protocol = (enum nat_protocol)mapping_at(&nat->mappings, m)->protocol;

	switch (nat->options.protocol[protocol].filtering) {
	case FILTERING_ENDPOINT_INDEPENDENT:
		return true;
	case FILTERING_ADDRESS_DEPENDENT:
		return has_peer(nat, m, remote, now);
	case FILTERING_ADDRESS_AND_PORT_DEPENDENT:
	case FILTERING_CONNECTION_DEPENDENT:
		return false; /* a session would have been found */
	}
	return false;
}
