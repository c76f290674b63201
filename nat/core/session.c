/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/core/session.h"

#include <string.h>

int session_table_init(struct session_table *t, uint32_t limit, struct mapping_table *mappings)
{
	int err;

	*t = (struct session_table){
		.mappings = mappings,
		.noted.record = NAT_NONE,
		.tracks.size = sizeof(struct tcp_track),
	};
	for (int i = 0; i < TIMEOUT_CLASSES; i++)
		t->expiry[i] = (struct session_list){ NAT_NONE, NAT_NONE };
	err = arena_init(&t->arena, sizeof(struct session), limit);
	if (err < 0)
		return err;
	err = session_table_set_limit(t, limit);
	if (err < 0)
		session_table_fini(t);
	return err;
}

void session_table_fini(struct session_table *t)
{
	index_fini(&t->by_internal);
	index_fini(&t->by_external);
	column_fini(&t->tracks);
	peers_fini(&t->peers);
	arena_fini(&t->arena);
}

int session_table_set_limit(struct session_table *t, uint32_t limit)
{
	int err = index_reserve(&t->by_internal, limit);

	if (err == 0)
		err = index_reserve(&t->by_external, limit);
	if (err == 0)
		err = column_reserve(&t->tracks, limit);
	if (err == 0)
		err = peers_reserve(t, limit);
	if (err == 0)
		err = arena_set_limit(&t->arena, limit);
	return err;
}

/* Is session @n that of @remote with a mapping whose endpoint on @side is @own? */
static bool is_between(const struct session_table *t, uint32_t n, enum nat_side side,
		       enum nat_protocol protocol, const struct endpoint *own,
		       const struct endpoint *remote)
{
	const struct session *s = session_at(t, n);
	const struct mapping *m = mapping_at(t->mappings, s->mapping);

	return m->protocol == protocol && endpoint_equal(&s->remote, remote) &&
	       endpoint_equal(side == NAT_INTERNAL ? &m->internal : &m->external, own);
}

static uint32_t find(const struct session_table *t, const struct index *ix, enum nat_side side,
		     enum nat_protocol protocol, const struct endpoint *own,
		     const struct endpoint *remote)
{
	uint32_t hash = session_hash(t, protocol, own, remote);
	uint32_t n;

	for (uint32_t i = index_first(ix, hash); (n = index_record(ix, hash, &i)) != NAT_NONE; i++)
		if (is_between(t, n, side, protocol, own, remote))
			return n;
	return NAT_NONE;
}

uint32_t session_find(const struct session_table *t, uint32_t hint, enum nat_side side,
		      enum nat_protocol protocol, const struct endpoint *own,
		      const struct endpoint *remote)
{
	if (arena_is_live(&t->arena, hint - 1) &&
	    is_between(t, hint - 1, side, protocol, own, remote))
		return hint - 1;
	return side == NAT_INTERNAL ? session_find_internal(t, protocol, own, remote)
				    : session_find_external(t, protocol, own, remote);
}

/* The session of @remote if it is the only one of @mapping. */
static uint32_t only_session(const struct session_table *t, uint32_t mapping,
			     const struct endpoint *remote)
{
	const struct mapping *m;

	if (mapping == NAT_NONE)
		return NAT_NONE;
	m = mapping_at(t->mappings, mapping);
	if (m->sessions != 1 || !endpoint_equal(&session_at(t, m->first_session)->remote, remote))
		return NAT_NONE;
	return m->first_session;
}

uint32_t session_find_internal(const struct session_table *t, enum nat_protocol protocol,
			       const struct endpoint *internal, const struct endpoint *remote)
{
	static const struct endpoint nowhere;
	uint32_t mapping = mapping_find_internal(t->mappings, protocol, internal, &nowhere);
	uint32_t n = only_session(t, mapping, remote);

	return n != NAT_NONE ? n
			     : find(t, &t->by_internal, NAT_INTERNAL, protocol, internal, remote);
}

uint32_t session_find_external(const struct session_table *t, enum nat_protocol protocol,
			       const struct endpoint *external, const struct endpoint *remote)
{
	uint32_t mapping = mapping_find_external(t->mappings, protocol, external);
	uint32_t n = only_session(t, mapping, remote);

	return n != NAT_NONE ? n
			     : find(t, &t->by_external, NAT_EXTERNAL, protocol, external, remote);
}

enum tcp_state session_tcp_state(const struct session_table *t, uint32_t n)
{
	if (mapping_at(t->mappings, session_at(t, n)->mapping)->protocol != NAT_TCP)
		return TCP_CLOSED;
	return (enum tcp_state)session_tcp(t, n)->state;
}

/* --- expiry lists -------------------------------------------------------------------------- */

static void expiry_append(struct session_table *t, uint32_t n)
{
	struct session *s = session_at(t, n);
	struct session_list *list = &t->expiry[s->class];

	s->expiry_previous = list->tail;
	s->expiry_next = NAT_NONE;
	if (list->tail != NAT_NONE)
		session_at(t, list->tail)->expiry_next = n;
	else
		list->head = n;
	list->tail = n;
}

static void expiry_unlink(struct session_table *t, const struct session *s)
{
	struct session_list *list = &t->expiry[s->class];

	if (s->expiry_previous != NAT_NONE)
		session_at(t, s->expiry_previous)->expiry_next = s->expiry_next;
	else
		list->head = s->expiry_next;
	if (s->expiry_next != NAT_NONE)
		session_at(t, s->expiry_next)->expiry_previous = s->expiry_previous;
	else
		list->tail = s->expiry_previous;
}

void session_touch(struct session_table *t, uint32_t n, enum timeout_class class, struct mono now)
{
	struct session *s = session_at(t, n);

	s->last_use = now;
	if (s->class == class && s->expiry_next == NAT_NONE)
		return; /* is the last already */
	expiry_unlink(t, s);
	s->class = (uint8_t) class;
	expiry_append(t, n);
}

static enum timeout_class class_of_port(const struct options *o, uint16_t port)
{
	for (uint32_t i = 0; i < o->port_timers.count; i++)
		if (o->port_timers.timers[i].port == port)
			return (enum timeout_class)(TIMEOUT_PORT + i);
	return TIMEOUT_UDP;
}

/* Of the lists that sessions may leave or enter, the one whose head was used first. */
static struct session_list *first_used(const struct session_table *t, struct session_list *lists)
{
	struct session_list *first = NULL;

	for (int class = TIMEOUT_UDP; class < TIMEOUT_CLASSES; class ++) {
		if ((class != TIMEOUT_UDP && class < TIMEOUT_PORT) || lists[class].head == NAT_NONE)
			continue;
		if (first == NULL || session_at(t, lists[class].head)->last_use.ms <
					     session_at(t, first->head)->last_use.ms)
			first = &lists[class];
	}
	return first;
}

/* In the order of their last use, so that each list is in that order again. */
void session_sort_ports(struct session_table *t, const struct options *o)
{
	struct session_list lists[TIMEOUT_CLASSES], *first;

	memcpy(lists, t->expiry, sizeof(lists));
	t->expiry[TIMEOUT_UDP] = (struct session_list){ NAT_NONE, NAT_NONE };
	for (int class = TIMEOUT_PORT; class < TIMEOUT_CLASSES; class ++)
		t->expiry[class] = t->expiry[TIMEOUT_UDP];
	while ((first = first_used(t, lists)) != NULL) {
		uint32_t n = first->head;
		struct session *s = session_at(t, n);

		first->head = s->expiry_next;
		if (s->class != TIMEOUT_UDP)
			s->class = (uint8_t)class_of_port(o, s->remote.port);
		expiry_append(t, n);
	}
}

/* --- sessions of a mapping ------------------------------------------------------------------ */

/* Those that keep the mapping alive come first, so that its head tells whether it lives. */
static void mapping_link(struct session_table *t, uint32_t n)
{
	struct session *s = session_at(t, n);
	struct mapping *m = mapping_at(t->mappings, s->mapping);
	struct session *first;

	m->sessions++;
	s->mapping_next = NAT_NONE;
	s->mapping_previous = n;
	if (m->first_session == NAT_NONE) {
		m->first_session = n;
		return;
	}
	first = session_at(t, m->first_session);
	s->mapping_previous = first->mapping_previous;
	first->mapping_previous = n;
	if (s->keeping) {
		s->mapping_next = m->first_session;
		m->first_session = n;
	} else {
		session_at(t, s->mapping_previous)->mapping_next = n;
	}
}

static void mapping_unlink(struct session_table *t, uint32_t n)
{
	const struct session *s = session_at(t, n);
	struct mapping *m = mapping_at(t->mappings, s->mapping);

	m->sessions--;
	if (m->first_session == n)
		m->first_session = s->mapping_next;
	else
		session_at(t, s->mapping_previous)->mapping_next = s->mapping_next;
	if (s->mapping_next != NAT_NONE)
		session_at(t, s->mapping_next)->mapping_previous = s->mapping_previous;
	else if (m->first_session != NAT_NONE)
		session_at(t, m->first_session)->mapping_previous = s->mapping_previous;
}

void session_keep(struct session_table *t, uint32_t n)
{
	struct session *s = session_at(t, n);

	if (s->keeping)
		return;
	mapping_unlink(t, n);
	s->keeping = true;
	mapping_link(t, n);
}

bool session_several_keep(const struct session_table *t, uint32_t mapping)
{
	uint32_t first = mapping_at(t->mappings, mapping)->first_session, second;

	if (first == NAT_NONE)
		return false;
	second = session_at(t, first)->mapping_next;
	return second != NAT_NONE && session_at(t, second)->keeping;
}

/* --- indexes -------------------------------------------------------------------------------- */

static struct tuple_hashes hashes_of(const struct session_table *t, uint32_t n)
{
	const struct session *s = session_at(t, n);
	const struct mapping *m = mapping_at(t->mappings, s->mapping);
	enum nat_protocol protocol = (enum nat_protocol)m->protocol;

	return (struct tuple_hashes){
		.internal = session_hash(t, protocol, &m->internal, &s->remote),
		.external = session_hash(t, protocol, &m->external, &s->remote),
	};
}

static void add_to_indexes(struct session_table *t, uint32_t n)
{
	const struct tuple_hashes hashes = hashes_of(t, n);

	index_add(&t->by_internal, hashes.internal, n);
	index_add(&t->by_external, hashes.external, n);
	session_at(t, n)->indexed = true;
}

/* Session @n is about to be one more of its mapping's. With a second one the mapping no longer leads to
 * the first. */
static void make_findable(struct session_table *t, uint32_t n)
{
	const struct mapping *m = mapping_at(t->mappings, session_at(t, n)->mapping);

	if (m->sessions == 0 && m->leads)
		return;
	if (m->sessions == 1 && !session_at(t, m->first_session)->indexed)
		add_to_indexes(t, m->first_session);
	add_to_indexes(t, n);
}

static void remove_from_indexes(struct session_table *t, uint32_t n)
{
	struct tuple_hashes hashes;

	if (!session_at(t, n)->indexed)
		return;
	hashes = t->noted.record == n ? t->noted.hashes : hashes_of(t, n);
	index_remove(&t->by_internal, hashes.internal, n);
	index_remove(&t->by_external, hashes.external, n);
}

/* --- adding and removing ------------------------------------------------------------------- */

uint32_t session_add(struct session_table *t, uint32_t mapping, const struct endpoint *remote,
		     enum timeout_class class, bool keeping, struct mono now)
{
	const struct mapping *m = mapping_at(t->mappings, mapping);
	enum nat_protocol protocol = (enum nat_protocol)m->protocol;
	uint32_t n = arena_take(&t->arena);
	struct session *s;

	if (n == NAT_NONE)
		return NAT_NONE;
	s = session_at(t, n);
	s->mapping = mapping;
	s->remote = *remote;
	s->class = (uint8_t) class;
	s->keeping = keeping;
	s->created = s->last_use = now;
	s->number = (uint32_t)++t->created;
	if (protocol == NAT_TCP)
		memset(session_tcp(t, n), 0, sizeof(struct tcp_track));
	arena_publish(&t->arena, n);
	make_findable(t, n);
	peers_add(t, n);
	mapping_link(t, n);
	expiry_append(t, n);
	return n;
}

void session_remove(struct session_table *t, uint32_t n)
{
	const struct session *s = session_at(t, n);
	const struct mapping *m = mapping_at(t->mappings, s->mapping);

	if (m->sessions > 1 || m->leased)
		for (int side = 0; side < 2; side++)
			mapping_add_past(t->mappings, s->mapping, (enum nat_side)side,
					 &s->traffic[side]);
	expiry_unlink(t, s);
	peers_remove(t, n);
	remove_from_indexes(t, n);
	mapping_unlink(t, n);
	if (t->noted.record == n)
		t->noted.record = NAT_NONE;
	arena_give_back(&t->arena, n);
}
