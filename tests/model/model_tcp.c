/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * model_tcp.c - the TCP machine as tables say it (RFC 6146 section 3.5.2.2, RFC 7857 section 2)
 *
 * Each row: in this state, of this event, from this side, the next state and what becomes of the
 * timer. The first row that fits is taken.
 */
#include "tests/model/model.h"

enum event {
	OPEN = 1, /* SYN, neither ACK nor RST: a connection begins */
	SYN = 2,  /* with whatever else */
	FIN = 4,
	RST = 8,
	ACKED = 16, /* both FINs are acknowledged by now */
	READY = 32, /* both sides have sent an ACK (tcp.strict-established) */
	ANY = 64,
};

enum { EITHER = -1, KEEP = TIMEOUT_CLASSES };

#define EST	TIMEOUT_TCP_ESTABLISHED
#define OPENING TIMEOUT_TCP_OPENING
#define CLOSING TIMEOUT_TCP_CLOSING
#define RESET	TIMEOUT_TCP_RESET
#define WAIT	TIMEOUT_TCP_TIME_WAIT
#define IN	NAT_INTERNAL
#define EX	NAT_EXTERNAL

struct row {
	enum tcp_state state;
	unsigned int event; /* all of its bits */
	int from;
	enum tcp_state next;
	int timer;
};

static const struct row rows[] = {
	{ TCP_CLOSED, SYN, IN, TCP_INTERNAL_SYN, OPENING },
	{ TCP_CLOSED, SYN, EX, TCP_EXTERNAL_SYN, OPENING },
	{ TCP_CLOSED, ANY, EITHER, TCP_CLOSED, KEEP },

	{ TCP_INTERNAL_SYN, RST, EITHER, TCP_TRANS, KEEP },
	{ TCP_INTERNAL_SYN, SYN, EX, TCP_ESTABLISHED, EST },
	{ TCP_INTERNAL_SYN, SYN, IN, TCP_INTERNAL_SYN, OPENING },
	{ TCP_INTERNAL_SYN, ANY, EITHER, TCP_INTERNAL_SYN, KEEP },

	{ TCP_EXTERNAL_SYN, RST, EITHER, TCP_TRANS, KEEP },
	{ TCP_EXTERNAL_SYN, SYN, IN, TCP_ESTABLISHED, EST },
	{ TCP_EXTERNAL_SYN, ANY, EITHER, TCP_EXTERNAL_SYN, KEEP },

	{ TCP_ESTABLISHED, RST, EITHER, TCP_TRANS, RESET },
	{ TCP_ESTABLISHED, FIN, IN, TCP_INTERNAL_FIN, KEEP },
	{ TCP_ESTABLISHED, FIN, EX, TCP_EXTERNAL_FIN, KEEP },
	{ TCP_ESTABLISHED, ANY, EITHER, TCP_ESTABLISHED, EST },

	{ TCP_INTERNAL_FIN, RST, EITHER, TCP_TRANS, RESET },
	{ TCP_INTERNAL_FIN, FIN | ACKED, EX, TCP_TIME_WAIT, WAIT },
	{ TCP_INTERNAL_FIN, FIN, EX, TCP_BOTH_FIN, CLOSING },
	{ TCP_INTERNAL_FIN, ANY, EITHER, TCP_INTERNAL_FIN, EST },

	{ TCP_EXTERNAL_FIN, RST, EITHER, TCP_TRANS, RESET },
	{ TCP_EXTERNAL_FIN, FIN | ACKED, IN, TCP_TIME_WAIT, WAIT },
	{ TCP_EXTERNAL_FIN, FIN, IN, TCP_BOTH_FIN, CLOSING },
	{ TCP_EXTERNAL_FIN, ANY, EITHER, TCP_EXTERNAL_FIN, EST },

	{ TCP_BOTH_FIN, OPEN, IN, TCP_INTERNAL_SYN, OPENING },
	{ TCP_BOTH_FIN, OPEN, EX, TCP_EXTERNAL_SYN, OPENING },
	{ TCP_BOTH_FIN, ACKED, EITHER, TCP_TIME_WAIT, WAIT },
	{ TCP_BOTH_FIN, ANY, EITHER, TCP_BOTH_FIN, KEEP },

	{ TCP_TIME_WAIT, OPEN, IN, TCP_INTERNAL_SYN, OPENING },
	{ TCP_TIME_WAIT, OPEN, EX, TCP_EXTERNAL_SYN, OPENING },
	{ TCP_TIME_WAIT, ANY, EITHER, TCP_TIME_WAIT, KEEP },

	{ TCP_TRANS, RST, EITHER, TCP_TRANS, KEEP },
	{ TCP_TRANS, OPEN, IN, TCP_INTERNAL_SYN, OPENING },
	{ TCP_TRANS, OPEN, EX, TCP_EXTERNAL_SYN, KEEP },
	{ TCP_TRANS, ANY, EITHER, TCP_ESTABLISHED, EST },
};

/* Where tcp.strict-established is on, these two states wait for the ACKs of both. */
static const struct row strict_rows[] = {
	{ TCP_INTERNAL_SYN, RST, EITHER, TCP_TRANS, KEEP },
	{ TCP_INTERNAL_SYN, READY | FIN, IN, TCP_INTERNAL_FIN, EST },
	{ TCP_INTERNAL_SYN, READY | FIN, EX, TCP_EXTERNAL_FIN, EST },
	{ TCP_INTERNAL_SYN, READY, EITHER, TCP_ESTABLISHED, EST },
	{ TCP_INTERNAL_SYN, SYN, EITHER, TCP_INTERNAL_SYN, OPENING },
	{ TCP_INTERNAL_SYN, ANY, EITHER, TCP_INTERNAL_SYN, KEEP },

	{ TCP_EXTERNAL_SYN, RST, EITHER, TCP_TRANS, KEEP },
	{ TCP_EXTERNAL_SYN, READY | FIN, IN, TCP_INTERNAL_FIN, EST },
	{ TCP_EXTERNAL_SYN, READY | FIN, EX, TCP_EXTERNAL_FIN, EST },
	{ TCP_EXTERNAL_SYN, READY, EITHER, TCP_ESTABLISHED, EST },
	{ TCP_EXTERNAL_SYN, SYN, IN, TCP_EXTERNAL_SYN, OPENING },
	{ TCP_EXTERNAL_SYN, ANY, EITHER, TCP_EXTERNAL_SYN, KEEP },
};

static const struct row *find_row(const struct row *table, size_t count, enum tcp_state state,
				  unsigned int events, enum nat_side from)
{
	for (size_t i = 0; i < count; i++)
		if (table[i].state == state && (table[i].event & events) == table[i].event &&
		    (table[i].from == EITHER || table[i].from == (int)from))
			return &table[i];
	return NULL;
}

/* --- sequence numbers ----------------------------------------------------------------------- */

static bool is_before(uint32_t a, uint32_t b)
{
	return a != b && b - a <= 0x80000000U;
}

/* A RST must lie in what its receiver takes, or acknowledge what it has sent (RFC 9293 3.10.7). */
static bool reset_is_good(const struct m_end *receiver, const struct bytes *pkt)
{
	if (receiver->acked)
		return !is_before(pkt->seq, receiver->next) && !is_before(receiver->edge, pkt->seq);
	if (receiver->spoke)
		return (pkt->flags & BYTES_ACK) && is_before(receiver->initial, pkt->ack) &&
		       !is_before(receiver->sent, pkt->ack);
	return true;
}

static uint32_t length_of(const struct bytes *pkt)
{
	return pkt->payload + !!(pkt->flags & BYTES_SYN) + !!(pkt->flags & BYTES_FIN);
}

static void hear(struct m_end *from, struct m_end *to, const struct bytes *pkt)
{
	uint32_t after = pkt->seq + length_of(pkt), window = pkt->window;

	if (!from->spoke || is_before(from->sent, after))
		from->sent = after;
	from->spoke = true;
	if (pkt->flags & BYTES_SYN) { /* its numbers start anew */
		from->initial = pkt->seq;
		from->sent = after;
		from->scale = pkt->scale;
	} else if (from->scale != BYTES_NO_SCALE && to->scale != BYTES_NO_SCALE) {
		window <<= from->scale;
	}
	if (pkt->flags & BYTES_FIN) {
		from->fin = true;
		from->after_fin = after;
	}
	if (!(pkt->flags & BYTES_ACK))
		return;
	if (!from->acked || is_before(from->next, pkt->ack))
		from->next = pkt->ack;
	if (!from->acked || is_before(from->edge, pkt->ack + window))
		from->edge = pkt->ack + window;
	from->acked = from->opening_ack = true;
	if (to->fin && !is_before(pkt->ack, to->after_fin))
		to->fin_acked = true;
}

static bool is_over(enum tcp_state state)
{
	return state == TCP_CLOSED || state == TCP_BOTH_FIN || state == TCP_TIME_WAIT ||
	       state == TCP_TRANS;
}

static unsigned int events_of(const struct m_session *s, const struct bytes *pkt)
{
	unsigned int events = ANY;

	if (bytes_opens(pkt))
		events |= OPEN;
	if (pkt->flags & BYTES_SYN)
		events |= SYN;
	if (pkt->flags & BYTES_FIN)
		events |= FIN;
	if (pkt->flags & BYTES_RST)
		events |= RST;
	if (s->end[0].fin_acked && s->end[1].fin_acked)
		events |= ACKED;
	if (s->end[0].opening_ack && s->end[1].opening_ack)
		events |= READY;
	return events;
}

static bool has_no_fin(enum tcp_state state)
{
	return state == TCP_INTERNAL_SYN || state == TCP_EXTERNAL_SYN || state == TCP_ESTABLISHED;
}

bool m_tcp(const struct options *o, struct m_session *s, const struct bytes *pkt,
	   enum nat_side from, enum timeout_class *class)
{
	const enum nat_side to = from == NAT_INTERNAL ? NAT_EXTERNAL : NAT_INTERNAL;
	const struct row *row = NULL;
	enum tcp_state before = s->state;
	unsigned int events;

	if ((pkt->flags & BYTES_RST) && o->tcp.rst_check == SWITCH_ON &&
	    !reset_is_good(&s->end[to], pkt))
		return false;
	if (bytes_opens(pkt) && is_over(s->state))
		s->end[0] = s->end[1] = (struct m_end){ 0 };
	hear(&s->end[from], &s->end[to], pkt);
	events = events_of(s, pkt);
	if (o->tcp.strict_established == SWITCH_ON)
		row = find_row(strict_rows, sizeof(strict_rows) / sizeof(rows[0]), s->state, events,
			       from);
	if (row == NULL)
		row = find_row(rows, sizeof(rows) / sizeof(rows[0]), s->state, events, from);
	s->state = row->next;
	if (has_no_fin(s->state))
		for (int i = 0; i < 2; i++)
			s->end[i].fin = s->end[i].fin_acked = false;
	if (row->timer == KEEP)
		return false;
	*class = (enum timeout_class)row->timer;
	/* A new state or timer counts always, the rest as far as that direction refreshes. */
	return s->state != before || *class != s->class ||
	       o->protocol[NAT_TCP].refresh == REFRESH_BOTH ||
	       (o->protocol[NAT_TCP].refresh == REFRESH_OUTBOUND) == (from == NAT_INTERNAL);
}
