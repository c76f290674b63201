/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/cli/top_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "nat/cli/command.h"

static const char *const methods[TOP_LISTS] = { "mappings.list", "sessions.list", "hosts.list" };
static const char *const names[TOP_LISTS] = { "mappings", "sessions", "hosts" };

void top_table_init(struct top_table *t, enum top_list list)
{
	*t = (struct top_table){ .list = list };
}

void top_table_fini(struct top_table *t)
{
	free(t->rows);
	free(t->fresh);
	free(t->picked);
	*t = (struct top_table){ .list = t->list };
}

void top_table_clear(struct top_table *t)
{
	t->count = t->fresh_count = t->old = 0;
	t->cursor = 0;
	t->known = t->cut = false;
	t->clears++;
}

const char *top_table_method(const struct top_table *t)
{
	return methods[t->list];
}

size_t top_table_count(const struct top_table *t)
{
	return t->fresh_count + (t->count - t->old);
}

struct top_row *top_table_at(const struct top_table *t, size_t i)
{
	return i < t->fresh_count ? &t->fresh[i] : &t->rows[t->old + i - t->fresh_count];
}

/* --- one record ----------------------------------------------------------------------------- */

#define COPY(field, text) snprintf(field, sizeof(field), "%s", text)

static void read_use(const json_t *uses, uint64_t *count, uint64_t *quota)
{
	const json_t *all = json_object_get(uses, "all");

	*count = (uint64_t)command_number(all, "count");
	*quota = (uint64_t)command_number(all, "quota");
}

static void read_host(struct top_row *row, const json_t *record)
{
	static const char *const protocols[TOP_PROTOCOLS] = { "udp", "tcp", "icmp" };
	const json_t *mappings = json_object_get(record, "mappings"), *block;
	size_t i;

	COPY(row->internal, command_text(record, "address"));
	addr_parse(row->internal, &row->endpoint.addr);
	read_use(mappings, &row->mappings, &row->mapping_quota);
	read_use(json_object_get(record, "sessions"), &row->sessions, &row->session_quota);
	for (int p = 0; p < TOP_PROTOCOLS; p++)
		row->used[p] =
			(uint32_t)command_number(json_object_get(mappings, protocols[p]), "count");
	json_array_foreach(json_object_get(record, "blocks"), i, block)
		row->ports += (uint64_t)(command_number(block, "last") -
					 command_number(block, "first") + 1);
}

static void read_traffic(struct top_row *row, int way, const json_t *traffic)
{
	row->packets[way] = (uint64_t)command_number(traffic, "packets");
	row->bytes[way] = (uint64_t)command_number(traffic, "bytes");
}

static struct top_row read_row(const struct top_table *t, const json_t *record, int64_t now_ms)
{
	struct top_row row = { .since_ms = now_ms, .kind = command_kind(record) };

	row.id = (uint32_t)command_number(record, "id");
	COPY(row.external, command_text(record, "external"));
	if (t->list == TOP_HOSTS) {
		read_host(&row, record);
		return row;
	}
	row.mapping = (uint32_t)command_number(record, "mapping");
	COPY(row.protocol, command_text(record, "protocol"));
	COPY(row.internal, command_text(record, "internal"));
	endpoint_parse(row.internal, &row.endpoint);
	COPY(row.remote, command_text(record, "remote"));
	COPY(row.state, command_text(record, "state"));
	row.sessions = (uint64_t)command_number(record, "sessions");
	row.age_ms = command_number(record, "age_ms");
	row.left_ms = command_number(record, "expires_in_ms");
	read_traffic(&row, 0, json_object_get(record, "outbound"));
	read_traffic(&row, 1, json_object_get(record, "inbound"));
	return row;
}

/* --- rates ---------------------------------------------------------------------------------- */

/* Is @b the same as @a some time later, and not another that has its number now? */
static bool is_same(const struct top_row *a, const struct top_row *b)
{
	return a->id == b->id && strcmp(a->protocol, b->protocol) == 0 &&
	       strcmp(a->internal, b->internal) == 0 && strcmp(a->external, b->external) == 0 &&
	       strcmp(a->remote, b->remote) == 0 && a->bytes[0] <= b->bytes[0] &&
	       a->bytes[1] <= b->bytes[1];
}

static void add_trend(struct top_row *row)
{
	if (row->trends == TOP_TREND)
		memmove(row->trend, row->trend + 1, sizeof(row->trend) - sizeof(row->trend[0]));
	else
		row->trends++;
	row->trend[row->trends - 1] = (float)(row->rate[0] + row->rate[1]);
}

/* What has come since @since_ms, when it was @since bytes. */
static void set_rates(struct top_row *row, const uint64_t since[2], int64_t since_ms)
{
	int64_t passed = row->since_ms - since_ms;

	if (passed < TOP_LEAST_MS) { /* one packet more or less would be all the difference */
		row->since_ms = since_ms;
		memcpy(row->since_bytes, since, sizeof(row->since_bytes));
		return;
	}
	for (int way = 0; way < 2; way++)
		row->rate[way] = (double)(row->bytes[way] - since[way]) * 8000 / (double)passed;
	memcpy(row->since_bytes, row->bytes, sizeof(row->since_bytes));
	add_trend(row);
}

/* @before: the same row in the last round; NULL: it was not there. */
static void follow(const struct top_table *t, struct top_row *row, const struct top_row *before)
{
	static const uint64_t nothing[2] = { 0, 0 };

	if (t->list == TOP_HOSTS) { /* their traffic is that of their mappings: top_table_join() */
		if (before != NULL && strcmp(before->internal, row->internal) == 0) {
			memcpy(row->trend, before->trend, sizeof(row->trend));
			row->trends = before->trends;
		}
		return;
	}
	if (before != NULL) {
		memcpy(row->trend, before->trend, sizeof(row->trend));
		memcpy(row->rate, before->rate, sizeof(row->rate));
		row->trends = before->trends;
		set_rates(row, before->since_bytes, before->since_ms);
	} else if (t->known) {
		/* All its traffic has come since the last round looked there. */
		set_rates(row, nothing, t->before_ms);
	} else {
		memcpy(row->since_bytes, row->bytes, sizeof(row->since_bytes));
	}
}

/* --- rounds --------------------------------------------------------------------------------- */

static _Noreturn void out_of_memory(void)
{
	log_error("out of memory");
	exit(EXIT_FAILURE);
}

static void append(struct top_table *t, const struct top_row *row)
{
	if (t->fresh_count == t->fresh_room) {
		t->fresh_room = t->fresh_room == 0 ? 64 : t->fresh_room * 2;
		t->fresh = realloc(t->fresh, t->fresh_room * sizeof(*t->fresh));
		if (t->fresh == NULL)
			out_of_memory();
	}
	t->fresh[t->fresh_count++] = *row;
}

/* Lists come in the order of their numbers, so that one pass joins a round with the one before. */
static const struct top_row *find_before(struct top_table *t, const struct top_row *row)
{
	while (t->old < t->count && t->rows[t->old].id < row->id)
		t->old++;
	if (t->old == t->count || t->rows[t->old].id != row->id)
		return NULL;
	t->old++;
	return t->list == TOP_HOSTS || is_same(&t->rows[t->old - 1], row) ? &t->rows[t->old - 1]
									  : NULL;
}

static void end_round(struct top_table *t, bool cut)
{
	struct top_row *rows = t->rows;
	size_t room = t->room;

	t->rows = t->fresh;
	t->count = t->fresh_count;
	t->room = t->fresh_room;
	t->fresh = rows;
	t->fresh_room = room;
	t->fresh_count = 0;
	t->old = 0;
	t->cursor = 0;
	t->before_ms = t->began_ms;
	t->known = !cut;
	t->cut = cut;
}

bool top_table_take(struct top_table *t, const json_t *page, int64_t now_ms)
{
	const json_t *next = json_object_get(page, "next"), *record;
	size_t i;

	if (t->cursor == 0)
		t->began_ms = now_ms;
	json_array_foreach(json_object_get(page, names[t->list]), i, record) {
		struct top_row row = read_row(t, record, now_ms);

		if (t->only && row.mapping != t->only_mapping)
			continue;
		if (t->fresh_count == TOP_ROWS_MOST) {
			end_round(t, true);
			return true;
		}
		follow(t, &row, find_before(t, &row));
		append(t, &row);
	}
	if (!json_is_integer(next)) {
		end_round(t, false);
		return true;
	}
	t->cursor = json_integer_value(next);
	return false;
}

/* --- what is shown -------------------------------------------------------------------------- */

static bool has_word(const struct top_row *row, const char *word)
{
	const char *const texts[] = { row->protocol, row->internal, row->external,
				      row->remote,   row->state,    row->kind };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (strcasestr(texts[i], word) != NULL)
			return true;
	return false;
}

static bool passes(const struct top_row *row, const char *filter)
{
	char words[128], *rest = words, *word;

	COPY(words, filter);
	while ((word = strsep(&rest, " ")) != NULL)
		if (*word != '\0' && !has_word(row, word))
			return false;
	return true;
}

struct ordering {
	enum top_order by;
	bool reverse;
};

/* What grows towards the end of the list. */
static double rank(const struct top_row *row, enum top_order by)
{
	switch (by) {
	case TOP_BY_RATE:
		return -(row->rate[0] + row->rate[1]);
	case TOP_BY_BYTES:
		return -(double)(row->bytes[0] + row->bytes[1]);
	case TOP_BY_AGE:
		return (double)row->age_ms;
	case TOP_BY_LEFT:
		return (double)row->left_ms;
	case TOP_BY_MAPPINGS:
		return -(double)row->mappings;
	case TOP_BY_SESSIONS:
		return -(double)row->sessions;
	case TOP_BY_HOST:
	case TOP_ORDERS:
		break;
	}
	return 0;
}

static int by_host(const struct top_row *a, const struct top_row *b)
{
	int order = addr_compare(&a->endpoint.addr, &b->endpoint.addr);

	return order != 0 ? order : a->endpoint.port - b->endpoint.port;
}

static int compare(const void *a, const void *b, void *data)
{
	const struct top_row *left = *(const struct top_row *const *)a;
	const struct top_row *right = *(const struct top_row *const *)b;
	const struct ordering *ordering = data;
	double x = rank(left, ordering->by), y = rank(right, ordering->by);
	int order = ordering->by == TOP_BY_HOST ? by_host(left, right) : (x > y) - (x < y);

	if (order == 0)
		return (left->id > right->id) - (left->id < right->id);
	return ordering->reverse ? -order : order;
}

size_t top_table_pick(struct top_table *t, const char *filter, enum top_order order, bool reverse)
{
	struct ordering ordering = { order, reverse };
	size_t count = top_table_count(t), picked = 0;

	if (t->picked_room < count) {
		free(t->picked);
		t->picked = malloc(count * sizeof(const struct top_row *));
		t->picked_room = count;
		if (t->picked == NULL)
			out_of_memory();
	}
	for (size_t i = 0; i < count; i++)
		if (passes(top_table_at(t, i), filter))
			t->picked[picked++] = top_table_at(t, i);
	if (picked > 0)
		qsort_r(t->picked, picked, sizeof(const struct top_row *), compare, &ordering);
	return picked;
}

void top_table_rates(const struct top_table *t, double rates[2])
{
	rates[0] = rates[1] = 0;
	for (size_t i = 0; i < top_table_count(t); i++)
		for (int way = 0; way < 2; way++)
			rates[way] += top_table_at(t, i)->rate[way];
}

/* --- hosts ---------------------------------------------------------------------------------- */

static void forget_traffic(struct top_table *hosts)
{
	for (size_t i = 0; i < top_table_count(hosts); i++) {
		struct top_row *host = top_table_at(hosts, i);

		for (int way = 0; way < 2; way++) {
			host->rate[way] = 0;
			host->packets[way] = host->bytes[way] = 0;
		}
	}
}

/* The host of a mapping; @hosts are picked by host. */
static struct top_row *find_host(const struct top_table *hosts, size_t count,
				 const struct top_row *mapping)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = addr_compare(&mapping->endpoint.addr,
					 &hosts->picked[middle]->endpoint.addr);

		if (order == 0)
			return (struct top_row *)(uintptr_t)hosts->picked[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

void top_table_join(struct top_table *hosts, const struct top_table *mappings)
{
	size_t count = top_table_pick(hosts, "", TOP_BY_HOST, false);

	forget_traffic(hosts);
	for (size_t i = 0; i < top_table_count(mappings); i++) {
		const struct top_row *mapping = top_table_at(mappings, i);
		struct top_row *host = find_host(hosts, count, mapping);

		for (int way = 0; way < 2 && host != NULL; way++) {
			host->rate[way] += mapping->rate[way];
			host->packets[way] += mapping->packets[way];
			host->bytes[way] += mapping->bytes[way];
		}
	}
	for (size_t i = 0; i < count; i++)
		add_trend(top_table_at(hosts, i));
}
