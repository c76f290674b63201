/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ask.h - hosts of the bench that ask for mappings: by nat_lease(), and by PCP byte by byte
 * Owns:       struct ask, what a PCP request says; struct told, what its answer says.
 * Invariants: uses nothing of pcp.c but the one call. After each request nat_invariants() holds, and an
 *             answer has the form that all of them have.
 */
#ifndef TESTS_UNIT_ASK_H
#define TESTS_UNIT_ASK_H

#include "nat/core/pcp.h"
#include "tests/unit/lab.h"

/* --- nat_lease() ---------------------------------------------------------------------------- */

/* A mapping for @seconds, anywhere; the nonce is all zero. */
static inline struct lease_request lease_of(enum nat_protocol protocol, struct endpoint internal,
					    int64_t seconds)
{
	return (struct lease_request){
		.protocol = protocol,
		.internal = internal,
		.lifetime_ms = seconds * 1000,
	};
}

static inline enum lease_result lab_request_lease(struct lab *lab, struct lease_request *r,
						  struct mono now)
{
	enum lease_result result = nat_lease(&lab->nat, r, now);

	assert_consistent(&lab->nat);
	return result;
}

/* One that must be granted; the external endpoint. */
static inline struct endpoint lab_lease(struct lab *lab, enum nat_protocol protocol,
					struct endpoint internal, int64_t seconds, struct mono now)
{
	struct lease_request r = lease_of(protocol, internal, seconds);

	assert_int_equal(lab_request_lease(lab, &r, now), LEASE_GRANTED);
	return r.external;
}

/* The live mapping of @internal that does not depend on the remote, or NAT_NONE. */
static inline uint32_t lab_mapping(const struct lab *lab, enum nat_protocol protocol,
				   struct endpoint internal)
{
	static const struct endpoint nowhere;

	return mapping_find_internal(&lab->nat.mappings, protocol, &internal, &nowhere);
}

static inline bool lab_is_leased(const struct lab *lab, enum nat_protocol protocol,
				 struct endpoint internal)
{
	uint32_t n = lab_mapping(lab, protocol, internal);

	return n != NAT_NONE && mapping_at(&lab->nat.mappings, n)->leased;
}

/* --- PCP ------------------------------------------------------------------------------------ */

enum { ASK_HEADER = 24, ASK_MAP = 60 };
enum { ASK_ANNOUNCE = 0, ASK_IS_MAP = 1, ASK_PEER = 2 };
enum { ASK_UDP = 17, ASK_TCP = 6 };

struct ask {
	unsigned int version, opcode, protocol;
	uint32_t lifetime;	  /* s */
	struct endpoint internal; /* its address is what the request says of its sender */
	struct endpoint external; /* suggested */
	uint32_t nonce;
	bool prefer_failure;
};

/* MAP as most ask: an hour for a UDP port, anywhere. */
static inline struct ask ask_map(struct endpoint internal)
{
	return (struct ask){
		.version = 2,
		.opcode = ASK_IS_MAP,
		.protocol = ASK_UDP,
		.lifetime = 3600,
		.internal = internal,
		.external = ep("0.0.0.0:0"),
		.nonce = 1,
	};
}

/* @w with an option of @length bytes behind it, padded to a multiple of four. */
static inline struct wire ask_option(struct wire w, unsigned int code, size_t length)
{
	struct wire more = wire_take(w.len + 4 + (length + 3) / 4 * 4);

	memcpy(more.at, w.at, w.len);
	more.at[w.len] = (uint8_t)code;
	wire_put16(more.at + w.len + 2, (unsigned int)length);
	return more;
}

static inline struct wire ask_wire(struct ask a)
{
	struct wire w = wire_take(a.opcode == ASK_ANNOUNCE ? ASK_HEADER : ASK_MAP);

	w.at[0] = (uint8_t)a.version;
	w.at[1] = (uint8_t)a.opcode;
	wire_put32(w.at + 4, a.lifetime);
	memcpy(w.at + 8, a.internal.addr.b, 16);
	if (a.opcode == ASK_ANNOUNCE)
		return w;
	wire_put32(w.at + 32, a.nonce);
	w.at[36] = (uint8_t)a.protocol;
	wire_put16(w.at + 40, a.internal.port);
	wire_put16(w.at + 42, a.external.port);
	memcpy(w.at + 44, a.external.addr.b, 16);
	return a.prefer_failure ? ask_option(w, 2, 0) : w;
}

struct told {
	struct wire wire; /* the answer; length 0: silence */
	unsigned int result;
	uint32_t lifetime, epoch;
	struct endpoint external; /* of a MAP; all zero and 0 if the answer has none */
};

/* What is answered to the bytes of @w from @client. */
static inline struct told ask_bytes(struct lab *lab, struct endpoint client, struct wire w,
				    struct mono now)
{
	struct wire before = wire_copy(w);
	uint8_t answer[PCP_MAX + 4];
	struct told t = { 0 };
	size_t length;

	memset(answer, 0xa5, sizeof(answer)); /* nothing of this may get out */
	length = pcp_answer(&lab->nat, &client.addr, w.at, w.len, answer, now);
	assert_true(wire_same(before, w));
	assert_in_range(length, 0, PCP_MAX);
	assert_int_equal(wire_get32(answer + PCP_MAX), 0xa5a5a5a5);
	assert_consistent(&lab->nat);
	t.wire = wire_take(length);
	if (length == 0)
		return t;
	memcpy(t.wire.at, answer, length);
	assert_true(length >= ASK_HEADER && length % 4 == 0);
	assert_int_equal(answer[0], 2);
	assert_int_equal(answer[1], w.at[1] | 0x80);
	assert_int_equal(answer[2], 0);
	for (size_t i = 12; i < ASK_HEADER; i++)
		assert_int_equal(answer[i], 0);
	t.result = answer[3];
	t.lifetime = wire_get32(answer + 4);
	t.epoch = wire_get32(answer + 8);
	if (length >= ASK_MAP) {
		memcpy(t.external.addr.b, answer + 44, 16);
		t.external.port = wire_get16(answer + 42);
	}
	return t;
}

/* The same for a request whose sender is who it says. */
static inline struct told ask(struct lab *lab, struct ask a, struct mono now)
{
	return ask_bytes(lab, a.internal, ask_wire(a), now);
}

/* One that must be granted; the external endpoint. */
static inline struct endpoint ask_granted(struct lab *lab, struct ask a, struct mono now)
{
	struct told t = ask(lab, a, now);

	assert_true(t.wire.len >= ASK_MAP);
	assert_int_equal(t.result, 0);
	return t.external;
}

#endif
