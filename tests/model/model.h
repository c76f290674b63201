/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * model.h - a second NAT, slow and obvious
 * Owns:       lists of everything, walked from end to end for every question. No hashing, no
 *             index, no timer wheel; of core it knows the options, the enums and the reasons.
 * Invariants: what is over is gone before anything else happens, so nothing depends on when a
 *             timer ran. Where the real NAT may choose (a port, an IP ID, a block), the model
 *             takes its choice from struct oracle and says in `wrong` if it was no legal one.
 */
#ifndef TESTS_MODEL_MODEL_H
#define TESTS_MODEL_MODEL_H

#include "nat/core/nat.h"
#include "tests/model/bytes.h"

enum {
	MODEL_RECORDS = 512,
	MODEL_RESTING = 4096,
	MODEL_IDS = 2048,
	MODEL_OUTPUTS = 1024,
	MODEL_HELD_BYTES = 120, /* of a held SYN */
	MODEL_PACKET = 2048,
	MODEL_WRONG = 512,
};

struct m_host {
	struct addr address;
	struct addr external; /* paired with; all zero: with none yet */
	uint32_t block_count;
	struct endpoint blocks[HOST_BLOCKS];
	struct {
		uint64_t spent;
		int64_t at;
	} rate[NAT_PROTOCOLS + 1]; /* the last: of all protocols together */
};

struct m_mapping {
	uint32_t serial; /* never 0, never used again */
	enum nat_protocol protocol;
	bool fixed, secondary, holds_port, lingering;
	bool borrowed; /* made by a stranger by means of its sibling */
	bool leased;   /* its host has asked for it, and has it until lease_end */
	uint8_t nonce[LEASE_NONCE];
	int64_t lease_end;
	/* One that had the same port ended before it, and would have left the port to rest, or
	 * free: the real NAT may not have noticed, and take that one for the last. */
	bool left_to_rest, left_free;
	struct endpoint internal, external, remote;
	struct traffic past[2];
};

struct m_end { /* of a TCP connection */
	bool spoke, acked, opening_ack, fin, fin_acked;
	uint32_t initial, sent, next, edge, after_fin;
	unsigned int scale;
};

struct m_session {
	uint32_t serial, mapping;
	struct endpoint remote;
	enum timeout_class class;
	uint64_t order; /* of its last use among all */
	int64_t last_use;
	bool keeping, replied, inbound;
	enum tcp_state state;
	struct m_end end[2];
	struct traffic traffic[2];
};

/* A port that its mapping has left. When exactly, the real NAT may know only later. */
struct m_resting {
	enum nat_protocol protocol;
	struct endpoint external;
	bool rests;    /* else it is free, once the real NAT has noticed */
	bool maybe;    /* it may have made way for others */
	bool others;   /* one that had it too may be the one it rests after */
	int64_t from;  /* at the earliest */
	int64_t until; /* at the latest; INT64_MAX: not noticed yet */
};

struct m_sequence {
	enum nat_protocol protocol;
	struct addr address;
	int32_t next; /* -1: anywhere */
};

struct m_pair { /* the address that a host without a pair gets */
	struct addr host, external;
};

struct m_syn {
	struct endpoint external, remote;
	int64_t since;
	size_t length;
	uint8_t bytes[MODEL_HELD_BYTES];
};

struct m_held {
	uint32_t tag;
	size_t length;
	uint8_t bytes[MODEL_PACKET];
};

struct m_datagram {
	uint32_t serial;
	enum nat_side side;
	unsigned int protocol, id;
	struct addr source, destination;
	int64_t since;
	enum datagram_state state;
	unsigned int total, top; /* units; 0: not known yet. top: end of the furthest */
	bool seen[8192];
	struct addr new_source, new_destination;
	int new_id;
	uint32_t sessions[2]; /* that count its pieces: as sent by each side; 0: none */
	struct m_held *held;  /* owned */
	uint32_t held_count;
};

struct m_release {
	uint32_t tag;
	enum nat_verdict verdict;
	enum nat_reason reason;
	size_t length;
	uint8_t bytes[MODEL_PACKET];
};

struct m_output {
	bool optional; /* of a time-out that the real NAT may not have met */
	size_t length;
	uint8_t data[BYTES_OUTPUT];
};

struct m_id {
	struct addr source, destination;
	unsigned int protocol, id;
};

/* What the real NAT did. */
struct oracle {
	const void *nat;
	/* The external endpoint by which @internal and @remote talk; false if they do not. With
	 * @remote all zero: the one that @internal has asked for. */
	bool (*external)(const void *nat, enum nat_protocol protocol,
			 const struct endpoint *internal, const struct endpoint *remote,
			 struct endpoint *external);
	/* What is known of a host; false if nothing is. */
	bool (*host)(const void *nat, const struct addr *address, struct m_host *host);
	/* Is that mapping there? */
	bool (*mapping)(const void *nat, const struct m_mapping *m);
	const struct mapping *chosen;  /* the mapping in its outcome; NULL: none */
	struct endpoint chosen_remote; /* the remote part of its key */
	enum nat_verdict verdict;
	enum nat_reason reason;
	int id; /* IP ID of the packet as it is now */
};

struct model {
	struct options o;
	int64_t now, epoch; /* epoch: when a lease was last lost before its time */
	bool late; /* the real NAT's timer is: it may know of things, and of hosts, that are over */
	bool noticed; /* the real NAT knows of what ends now */
	uint32_t serial;
	uint64_t order;
	uint32_t host_count, mapping_count, session_count, resting_count, sequence_count,
		pair_count;
	struct m_host hosts[MODEL_RECORDS];
	struct m_mapping mappings[MODEL_RECORDS];
	struct m_session sessions[MODEL_RECORDS];
	struct m_resting resting[MODEL_RESTING];
	struct m_sequence sequences[MODEL_RECORDS];
	struct m_pair pairs[MODEL_RECORDS];
	struct m_syn *syns;	       /* owned */
	struct m_datagram **datagrams; /* owned, as what they point to */
	uint32_t syn_count, datagram_count;
	struct m_id ids[MODEL_IDS]; /* ring */
	uint32_t id_count;
	uint32_t carried[2]; /* sessions that the last packet belonged to, by side; 0: none */
	uint64_t answers_spent;
	int64_t answers_at;
	uint64_t counters[REASON_COUNT];
	struct m_output outputs[MODEL_OUTPUTS];
	uint32_t output_count;
	struct m_release *releases; /* owned */
	uint32_t release_count, release_room;
	struct oracle oracle;
	char wrong[MODEL_WRONG]; /* the first thing the real NAT may not have done */
};

struct m_outcome {
	enum nat_verdict verdict;
	enum nat_reason reason;
	uint32_t mapping, session; /* serials, 0: none */
};

struct model *model_open(const struct options *o);
void model_close(struct model *m);
void model_configure(struct model *m, const struct options *o);
/* Sessions that are due are over; the real NAT may not know yet. */
void model_advance(struct model *m, int64_t now);
/* So is all else; by now the real NAT knows. */
void model_tick(struct model *m, int64_t now, bool sessions_too);
struct m_outcome model_process(struct model *m, struct bytes *pkt, size_t captured, size_t original,
			       uint32_t tag, enum nat_side from);
/* A host asks; in @request the external endpoint that it gets. */
enum lease_result model_lease(struct model *m, struct lease_request *request);
uint32_t model_flush(struct model *m, const struct nat_selection *which);

int64_t model_session_expiry(const struct model *m, const struct m_session *s);
int64_t model_mapping_expiry(const struct model *m, const struct m_mapping *mapping);

/* --- shared by the model's files ------------------------------------------------------------ */

void m_wrong(struct model *m, const char *format, ...) __attribute__((format(printf, 2, 3)));

bool m_is_chosen(const struct model *m, const struct m_mapping *at);

/* May everybody send to it, whatever filtering says? */
static inline bool m_is_open(const struct m_mapping *at)
{
	return at->fixed || at->leased;
}

/* model_table.c */
struct m_mapping *m_mapping_at(struct model *m, uint32_t serial); /* NULL if it is gone */
struct m_session *m_session_at(struct model *m, uint32_t serial);
struct m_host *m_host_at(struct model *m, const struct addr *address);
struct m_host *m_host_get(struct model *m, const struct addr *address);
void m_host_forget_idle(struct model *m);
uint32_t m_session_internal(struct model *m, enum nat_protocol protocol,
			    const struct endpoint *internal, const struct endpoint *remote);
uint32_t m_session_external(struct model *m, enum nat_protocol protocol,
			    const struct endpoint *external, const struct endpoint *remote);
uint32_t m_mapping_internal(struct model *m, enum nat_protocol protocol,
			    const struct endpoint *internal, const struct endpoint *part);
struct endpoint m_remote_part(enum mapping_behavior behavior, const struct endpoint *remote);
uint32_t m_add_mapping(struct model *m, const struct m_mapping *wanted);
uint32_t m_add_session(struct model *m, uint32_t mapping, const struct endpoint *remote,
		       enum nat_side opener);
void m_remove_mapping(struct model *m, uint32_t serial);
void m_end_lease(struct model *m, uint32_t serial);
void m_account(struct model *m, uint32_t session, const struct bytes *pkt, enum nat_side from);
/* Sessions whose remote port has no timer of its own any more age like any other. */
void m_forget_port_timers(struct model *m);
/* REASON_COUNT, or why there may not be one more. */
enum nat_reason m_refuses_mapping(const struct model *m, const struct m_host *h,
				  enum nat_protocol protocol);
enum nat_reason m_refuses_session(struct model *m, uint32_t mapping);
enum nat_reason m_refuses_host_session(const struct model *m, const struct addr *host,
				       enum nat_protocol protocol);
bool m_has_token(uint64_t *spent, int64_t *at, uint64_t rate, int64_t now, bool take);

/* model_tcp.c: true if the timer is to be restarted as @class. */
bool m_tcp(const struct options *o, struct m_session *s, const struct bytes *pkt,
	   enum nat_side from, enum timeout_class *class);

/* model_ports.c */
bool m_in_pool(const struct options *o, const struct addr *address);
bool m_is_external(const struct options *o, const struct addr *address);
uint32_t m_pool_count(const struct options *o);
bool m_share_ports(const struct options *o, enum nat_protocol a, enum nat_protocol b);
bool m_is_fixed_port(const struct options *o, enum nat_protocol protocol,
		     const struct endpoint *external);
bool m_is_resting(const struct model *m, enum nat_protocol protocol,
		  const struct endpoint *external);
bool m_was_unmatched(enum nat_reason reason);
void m_release_port(struct model *m, const struct m_mapping *mapping);
/* REASON_MAPPING_CREATED, or why there is no port. @wish: NULL for a packet's */
enum nat_reason m_pick(struct model *m, enum nat_protocol protocol, const struct endpoint *internal,
		       const struct endpoint *remote, const struct lease_request *wish,
		       struct endpoint *external);
/* The address of a forward that names none; false if the pool is empty. */
bool m_paired_address(struct model *m, const struct addr *host, const struct addr *chosen,
		      struct addr *external);
void m_ports_tick(struct model *m, bool noticed);
void m_ports_configure(struct model *m, const struct options *o);

/* model_fragment.c */
struct m_outcome m_fragment(struct model *m, struct bytes *pkt, uint32_t tag, enum nat_side from);
void m_fragment_tick(struct model *m);
void m_fragment_close(struct model *m);

/* model.c */
struct m_outcome m_whole(struct model *m, struct bytes *pkt, enum nat_side from);

#endif
