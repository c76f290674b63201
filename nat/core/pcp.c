/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/core/pcp.h"

#include <endian.h>
#include <string.h>

/* RFC 6887 sections 7.1 to 7.3, 11.1: offsets in a message, requests and answers alike. */
enum {
	VERSION = 0,
	OPCODE = 1, /* its uppermost bit: an answer */
	RESULT = 3, /* of an answer */
	LIFETIME = 4,
	CLIENT = 8, /* of a request */
	EPOCH = 8,  /* of an answer */
	HEADER = 24,
	MAP_NONCE = HEADER,
	MAP_PROTOCOL = 36,
	MAP_INTERNAL_PORT = 40,
	MAP_EXTERNAL_PORT = 42,
	MAP_EXTERNAL = 44,
	MAP_END = 60,
	OPTION_HEADER = 4, /* code, reserved, length of what follows */
	OPTION_LENGTH = 2,
};

enum { VERSION_2 = 2, ANSWER_BIT = 0x80 };
enum { OPCODE_ANNOUNCE = 0, OPCODE_MAP = 1 };
enum { OPTION_PREFER_FAILURE = 2, OPTION_OPTIONAL = 128 /* from here on nobody must know them */ };

/* RFC 6887 section 7.4; what the NAT cannot say is left out. */
enum result {
	SUCCESS = 0,
	UNSUPP_VERSION = 1,
	NOT_AUTHORIZED = 2,
	MALFORMED_REQUEST = 3,
	UNSUPP_OPCODE = 4,
	UNSUPP_OPTION = 5,
	MALFORMED_OPTION = 6,
	NO_RESOURCES = 8,
	UNSUPP_PROTOCOL = 9,
	USER_EX_QUOTA = 10,
	CANNOT_PROVIDE_EXTERNAL = 11,
	ADDRESS_MISMATCH = 12,
};

/* How long an error is good for, in seconds: what asking again may change, and what not. */
enum { SOON = 30, NOT_SOON = 1800 };

struct message {
	const uint8_t *at;
	size_t length;
	bool prefer_failure;
};

static uint16_t get16(const uint8_t *at)
{
	uint16_t value;

	memcpy(&value, at, sizeof(value));
	return be16toh(value);
}

static uint32_t get32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return be32toh(value);
}

static void put16(uint8_t *at, uint16_t value)
{
	value = htobe16(value);
	memcpy(at, &value, sizeof(value));
}

static void put32(uint8_t *at, uint32_t value)
{
	value = htobe32(value);
	memcpy(at, &value, sizeof(value));
}

/* --- reading -------------------------------------------------------------------------------- */

/* RFC 6887 section 7.3: each option once at most, and those that must be known are. */
static enum result read_options(struct message *m, size_t at)
{
	while (at < m->length) {
		const uint8_t *option = m->at + at;
		/* The message's length and @at are multiples of four: a header is always whole. */
		size_t length = get16(option + OPTION_LENGTH);

		at += OPTION_HEADER + (length + 3) / 4 * 4;
		if (at > m->length)
			return MALFORMED_OPTION;
		if (option[0] >= OPTION_OPTIONAL)
			continue;
		if (option[0] != OPTION_PREFER_FAILURE || m->at[OPCODE] != OPCODE_MAP)
			return UNSUPP_OPTION;
		if (length != 0 || m->prefer_failure)
			return MALFORMED_OPTION;
		m->prefer_failure = true;
	}
	return SUCCESS;
}

/* RFC 6887 section 8.2. */
static enum result read_message(struct message *m, const struct addr *client)
{
	size_t options = m->at[OPCODE] == OPCODE_MAP ? MAP_END : HEADER;

	if (m->at[VERSION] != VERSION_2)
		return UNSUPP_VERSION;
	if (m->length < HEADER || m->length > PCP_MAX || m->length % 4 != 0)
		return MALFORMED_REQUEST;
	if (m->at[OPCODE] != OPCODE_MAP && m->at[OPCODE] != OPCODE_ANNOUNCE)
		return UNSUPP_OPCODE;
	if (m->length < options)
		return MALFORMED_REQUEST;
	/* Another NAT on the way would have changed the one and not the other. */
	if (memcmp(m->at + CLIENT, client->b, sizeof(client->b)) != 0)
		return ADDRESS_MISMATCH;
	return read_options(m, options);
}

/* --- MAP ------------------------------------------------------------------------------------ */

static int64_t lifetime_ms(const struct options *o, uint32_t seconds)
{
	int64_t ms = (int64_t)seconds * 1000;

	if (seconds == 0)
		return 0;
	if (ms < o->pcp.least_lifetime_ms)
		return o->pcp.least_lifetime_ms;
	return ms < o->pcp.most_lifetime_ms ? ms : o->pcp.most_lifetime_ms;
}

static enum result read_map(const struct message *m, const struct options *o,
			    const struct addr *client, struct lease_request *r)
{
	static const struct addr none;
	const struct addr any_ip4 = addr_from_ip4(0);
	unsigned int protocol = m->at[MAP_PROTOCOL];

	*r = (struct lease_request){
		.protocol = protocol == PACKET_UDP ? NAT_UDP : NAT_TCP,
		.internal = { .addr = *client, .port = get16(m->at + MAP_INTERNAL_PORT) },
		.external = { .port = get16(m->at + MAP_EXTERNAL_PORT) },
		.exactly = m->prefer_failure,
		.lifetime_ms = lifetime_ms(o, get32(m->at + LIFETIME)),
	};
	memcpy(r->nonce, m->at + MAP_NONCE, LEASE_NONCE);
	memcpy(r->external.addr.b, m->at + MAP_EXTERNAL, sizeof(r->external.addr.b));
	/* All protocols, or all ports of one, would be another kind of mapping. */
	if ((protocol != PACKET_UDP && protocol != PACKET_TCP) || r->internal.port == 0)
		return UNSUPP_PROTOCOL;
	if (addr_equal(&r->external.addr, &any_ip4))
		r->external.addr = none;
	if (!addr_is_ip4(&r->external.addr) && !addr_equal(&r->external.addr, &none)) {
		if (r->exactly && r->lifetime_ms > 0)
			return CANNOT_PROVIDE_EXTERNAL;
		r->external.addr = none; /* an IPv6 one is no help */
	}
	return SUCCESS;
}

static enum result result_of(enum lease_result result)
{
	switch (result) {
	case LEASE_GRANTED:
		return SUCCESS;
	case LEASE_FOREIGN:
		return NOT_AUTHORIZED;
	case LEASE_QUOTA:
		return USER_EX_QUOTA;
	case LEASE_FULL:
		return NO_RESOURCES;
	case LEASE_TAKEN:
		return CANNOT_PROVIDE_EXTERNAL;
	}
	return NO_RESOURCES;
}

/* A millisecond of a lifetime cannot be told: it is rounded down, so that the host renews in time. */
static enum result serve_map(struct nat *nat, const struct message *m, const struct addr *client,
			     uint8_t *answer, uint32_t *lifetime, struct mono now)
{
	struct lease_request request;
	enum result result = read_map(m, &nat->options, client, &request);

	if (result == SUCCESS)
		result = result_of(nat_lease(nat, &request, now));
	if (result != SUCCESS)
		return result;
	*lifetime = (uint32_t)(request.lifetime_ms / 1000);
	if (request.lifetime_ms == 0)
		return SUCCESS; /* the rest is what was asked */
	put16(answer + MAP_EXTERNAL_PORT, request.external.port);
	memcpy(answer + MAP_EXTERNAL, request.external.addr.b, sizeof(request.external.addr.b));
	return SUCCESS;
}

/* --- answering ------------------------------------------------------------------------------ */

static uint32_t lifetime_of_error(enum result result)
{
	return result == NO_RESOURCES || result == USER_EX_QUOTA ||
			       result == CANNOT_PROVIDE_EXTERNAL
		       ? SOON
		       : NOT_SOON;
}

/* An error has all of the request behind its header, as far as it fits (RFC 6887 section 8.2). */
static size_t copy_request(const struct message *m, uint8_t *answer)
{
	size_t length = m->length < PCP_MAX ? (m->length + 3) / 4 * 4 : PCP_MAX;

	if (length < HEADER)
		length = HEADER;
	memset(answer, 0, length);
	memcpy(answer, m->at, m->length < length ? m->length : length);
	return length;
}

/* A success has what was asked, and the options that were obeyed. */
static size_t success_length(const struct message *m, uint8_t *answer)
{
	if (m->at[OPCODE] != OPCODE_MAP)
		return HEADER;
	memset(answer + MAP_PROTOCOL + 1, 0, 3);
	if (!m->prefer_failure)
		return MAP_END;
	memcpy(answer + MAP_END, (const uint8_t[OPTION_HEADER]){ OPTION_PREFER_FAILURE },
	       OPTION_HEADER);
	return MAP_END + OPTION_HEADER;
}

void pcp_start(struct nat *nat, struct mono now)
{
	nat->leases.epoch = now;
}

size_t pcp_answer(struct nat *nat, const struct addr *client, const uint8_t *request, size_t length,
		  uint8_t *answer, struct mono now)
{
	struct message m = { .at = request, .length = length };
	uint32_t lifetime = 0;
	enum result result;

	/* Too short to be answered, an answer itself, or from one of our own addresses. */
	if (length < 2 || (request[OPCODE] & ANSWER_BIT) || nat_is_external(nat, client)) {
		nat->asked.ignored++;
		return 0;
	}
	length = copy_request(&m, answer);
	result = read_message(&m, client);
	if (result == SUCCESS && m.at[OPCODE] == OPCODE_MAP)
		result = serve_map(nat, &m, client, answer, &lifetime, now);
	if (result == SUCCESS) {
		length = success_length(&m, answer);
		nat->asked.granted++;
	} else {
		lifetime = lifetime_of_error(result);
		nat->asked.refused++;
	}
	memset(answer, 0, HEADER);
	answer[VERSION] = VERSION_2;
	answer[OPCODE] = (uint8_t)(request[OPCODE] | ANSWER_BIT);
	answer[RESULT] = (uint8_t)result;
	put32(answer + LIFETIME, lifetime);
	put32(answer + EPOCH, (uint32_t)((now.ms - nat->leases.epoch.ms) / 1000));
	return length;
}
