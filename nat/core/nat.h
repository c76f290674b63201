/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nat.h - the one door to the NAT
 * Owns:       struct nat, from which every table below hangs, and the way in: packets and time.
 * Invariants: no system call, no clock, no global, no allocation per packet. The same options,
 *             packets and times in the same order give the same bytes and tables (with nat.seed).
 *             Each packet counts under exactly one reason.
 *
 * The way of a packet: nat.c takes it apart and checks what it is; outbound.c, inbound.c or
 * hairpin.c find or make its mapping and session and rewrite it; icmp_error.c does the same for an
 * ICMP error and the packet it quotes, fragment.c for a datagram in pieces.
 *
 * After every nat_process() and nat_tick(): nat_next_release() for packets that were held, and
 * nat_next_output() for packets of the NAT's own. Whoever listens to flows reads event_from() of their
 * ring then.
 */
#ifndef CORE_NAT_H
#define CORE_NAT_H

#include "common/clock.h"
#include "common/packet.h"
#include "common/rng.h"
#include "nat/core/bucket.h"
#include "nat/core/event.h"
#include "nat/core/fragment_store.h"
#include "nat/core/histogram.h"
#include "nat/core/hold.h"
#include "nat/core/host.h"
#include "nat/core/ip_id.h"
#include "nat/core/lease.h"
#include "nat/core/mapping.h"
#include "nat/core/options.h"
#include "nat/core/output.h"
#include "nat/core/ports.h"
#include "nat/core/reason.h"
#include "nat/core/session.h"

enum nat_verdict {
	NAT_PASS,      /* let it go on unchanged */
	NAT_REWRITTEN, /* let it go on with its new bytes */
	NAT_DROPPED,
	NAT_HELD, /* neither yet: nat_next_release() will say, with the packet's tag */
};

struct nat_outcome {
	enum nat_verdict verdict;
	enum nat_reason reason;
	uint32_t mapping, session; /* record numbers, NAT_NONE if none was touched */
	enum option_id knob;	   /* the knob that decided, OPT_NONE if none did */
	/* Of its session, where it is one of TCP that the packet is traffic of; else both CLOSED. */
	enum tcp_state tcp_before, tcp_after;
};

struct nat {
	struct options options;
	struct rng rng;
	struct ports ports;
	struct host_table hosts;
	struct mapping_table mappings;
	struct session_table sessions;
	struct lease_table leases;
	struct fragment_store fragments;
	struct hold held_syns;
	struct output_ring outputs;
	struct event_ring events;
	struct event_ring flows; /* mappings and sessions, while there are listeners */
	struct {
		uint32_t mappings, sessions; /* how many listen to events of each */
	} listeners;
	struct ip_ids ip_ids;
	struct bucket answers; /* rate of our own answers */
	struct mono now;       /* the last time given */
	struct limit limits[REASON_COUNT][NAT_PROTOCOLS];
	uint64_t counters[REASON_COUNT];
	struct histogram sizes[2]; /* bytes of packets, by the side they came from */
	struct histogram lifetimes[NAT_PROTOCOLS]; /* seconds of NAT time, of mappings that ended */
	struct {
		/* PCP requests; ignored: no requests, or from an external address of ours */
		uint64_t granted, refused, ignored;
	} asked;
	/* Sessions that the packet at hand is traffic of, by side sent from; NAT_NONE. Two if it
	 * is hairpinned. */
	uint32_t counted[2];
	enum tcp_state tcp_before, tcp_after; /* of the packet at hand, as in its outcome */
};

/* A packet that was held. */
struct nat_release {
	uint32_t tag; /* of its struct packet */
	enum nat_verdict verdict;
	enum nat_reason reason;
	enum nat_side from;
	const uint8_t *data; /* its bytes now, borrowed until the next packet or tick */
	size_t length;
};

/*
 * nat_init() - an empty NAT; @nat stays where it is until nat_fini()
 * @options: checked, and with nat.external resolved to at least one address
 * @key:     secret for hashes and port choice (rng_key())
 * Return: 0 or -ENOMEM.
 */
int nat_init(struct nat *nat, const struct options *options, const struct siphash_key *key);
void nat_fini(struct nat *nat);

/*
 * nat_configure() - change knobs while running (RFC 4787 REQ-11 as a test tool)
 * Existing mappings stay, except those on an external address that is no longer ours, those that a
 * rule led to which is gone, and those in the way of a new rule.
 * Return: 0, or -ENOMEM with the old options still in force.
 */
int nat_configure(struct nat *nat, const struct options *options);

/* Start the random stream anew from @key; the hashes keep the key they had. */
void nat_reseed(struct nat *nat, const struct siphash_key *key);

/*
 * nat_process() - translate one packet in place
 * @pkt:  from packet_init(); not parsed yet
 * @from: the side it comes from
 * @now:  never before the last one given
 */
struct nat_outcome nat_process(struct nat *nat, struct packet *pkt, enum nat_side from,
			       struct mono now);

/* Expire at most @budget sessions and leases that are due, and what else is; returns when to call
 * again. */
struct mono nat_tick(struct nat *nat, struct mono now, unsigned int budget);

/*
 * nat_lease() - an internal host asks for a mapping, renews it or ends its lease (RFC 6888 REQ-9)
 * @request: gets the external endpoint of the mapping that was granted
 * @now:     never before the last one given
 * Outputs and releases are to be taken afterwards, as after a packet.
 */
enum lease_result nat_lease(struct nat *nat, struct lease_request *request, struct mono now);

/* Mappings for which all that is given here holds. */
struct nat_selection {
	uint32_t mapping;		 /* record number, or NAT_NONE */
	enum nat_protocol protocol;	 /* NAT_PROTOCOLS: any */
	const struct addr *host;	 /* internal address, or NULL */
	const struct endpoint *external; /* or NULL */
};

/* Remove the mappings of @which with their sessions, in two walks through all there are. Returns
 * how many were removed that had not ended at @now anyway. It may make more events than their ring has
 * room for: who listens does it in parts. */
uint32_t nat_flush(struct nat *nat, const struct nat_selection *which, struct mono now);

/* The first walk: what has ended anyway. */
void nat_flush_begin(struct nat *nat, struct mono now);
/* Some of the second, from record *@at on, which is moved on; how many were removed. It is through when
 * *@at is nat->mappings.arena.used. */
uint32_t nat_flush_some(struct nat *nat, const struct nat_selection *which, uint32_t *at);

/* The next held packet whose fate is decided; false if there is none. */
bool nat_next_release(struct nat *nat, struct nat_release *release);

/* The next packet of our own to send, borrowed until the next call; NULL if there is none. */
const struct output *nat_next_output(struct nat *nat);

/* Is @address one of the NAT's external ones, of the pool or of a one-to-one pair? */
bool nat_is_external(const struct nat *nat, const struct addr *address);

/*
 * nat_rule_of() - the forward or one-to-one pair of @o that leads from @external inwards
 * @internal: gets where it leads
 * Return: its place in nat.forwards or, counted on from there, in nat.one-to-one; or NAT_NONE.
 */
uint32_t nat_rule_of(const struct options *o, enum nat_protocol protocol,
		     const struct endpoint *external, struct endpoint *internal);

/* When mapping @n ends if nothing comes: with its longest session, or its lease. */
struct mono nat_mapping_expiry(const struct nat *nat, uint32_t n);
/* The session of mapping @n that was used last; NAT_NONE if it has none. */
uint32_t nat_mapping_latest(const struct nat *nat, uint32_t n);

#endif
