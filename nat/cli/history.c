/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/cli/history.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nat/core/ports.h"

/* A record about the endpoint, or one that ends all others. */
struct kept {
	int64_t utc_ms;
	size_t order; /* among all that were kept */
	enum record_kind kind;
	enum nat_protocol protocol;
	struct endpoint internal, external, remote;
	uint16_t last;
	char cause[32];
	int64_t duration_ms;
};

/* Who had it, and from when to when. */
struct holder {
	struct kept what;
	int64_t from_ms, until_ms;
	bool open;     /* no record ends it */
	bool inferred; /* no record begins it: it was there at from_ms at the latest, or reckoned so */
	char cause[32];
};

struct holders {
	struct holder *list; /* owned */
	size_t count;
};

/* --- reading -------------------------------------------------------------------------------- */

/* Whose is the endpoint by the formula? RFC 7422 section 2; nobody's, if the record makes no sense. */
static void work_out(const struct endpoint *external, const struct record *r, struct kept *k)
{
	char why[256], overflow[24];
	struct options o;
	struct ports ports;
	struct addr host;

	options_init(&o);
	snprintf(overflow, sizeof(overflow), "%llu", (unsigned long long)r->count);
	if (options_set(&o, "nat.internal", r->hosts, why, sizeof(why)) < 0 ||
	    options_set(&o, "nat.external", r->pool, why, sizeof(why)) < 0 ||
	    options_set(&o, "nat.block-overflow", overflow, why, sizeof(why)) < 0 ||
	    options_set(&o, "nat.blocks", "deterministic", why, sizeof(why)) < 0 ||
	    options_check(&o, why, sizeof(why)) < 0 || o.external.count == 0 ||
	    ports_init(&ports, &o) < 0)
		return;
	if (ports_deterministic_owner(&ports, &o, external, &host)) {
		struct port_range block = ports_block(
			&ports, (external->port - (uint32_t)PORTS_BLOCKS_FIRST) / ports.block_size);

		k->internal.addr = host;
		k->external = (struct endpoint){ external->addr, block.first };
		k->last = block.last;
	}
	ports_fini(&ports);
}

static bool is_about(const struct history *h, const struct record *r)
{
	const struct endpoint *e = &h->question.external;

	switch (r->kind) {
	case RECORD_LOG_STARTED:
	case RECORD_LOG_STOPPED:
	case RECORD_DETERMINISTIC:
	case RECORD_OPTIONS_CHANGED:
		return true;
	case RECORD_MAPPING_CREATED:
	case RECORD_MAPPING_ENDED:
		return endpoint_equal(&r->external, e) && (h->question.protocol == NAT_PROTOCOLS ||
							   h->question.protocol == r->protocol);
	case RECORD_BLOCK_ALLOCATED:
	case RECORD_BLOCK_FREED:
		return addr_equal(&r->external.addr, &e->addr) && e->port >= r->external.port &&
		       e->port <= r->last && h->question.protocol != NAT_OTHER;
	case RECORD_SESSION_CREATED: /* its mapping says all that is asked for */
	case RECORD_SESSION_ENDED:
	case RECORD_RECORDS_LOST:
	case RECORD_KINDS:
		break;
	}
	return false;
}

static int keep(struct history *h, const struct record *r)
{
	struct kept *k;

	if (h->count == h->room) {
		size_t room = h->room > 0 ? 2 * h->room : 64;

		k = reallocarray(h->kept, room, sizeof(*k));
		if (k == NULL)
			return -ENOMEM;
		h->kept = k;
		h->room = room;
	}
	k = &h->kept[h->count];
	*k = (struct kept){
		.utc_ms = r->utc_ms,
		.order = h->count++,
		.kind = r->kind,
		.protocol = r->protocol,
		.internal = r->internal,
		.external = r->external,
		.remote = r->remote,
		.last = r->last,
		.duration_ms = r->duration_ms,
	};
	snprintf(k->cause, sizeof(k->cause), "%s", r->cause != NULL ? r->cause : "");
	if (r->kind == RECORD_DETERMINISTIC)
		work_out(&h->question.external, r, k);
	return 0;
}

/* What stands in a line of the system's log before the record: " natemd[123]: ". */
static char *skip_prefix(char *line)
{
	char *name = strstr(line, " natemd["), *end = name != NULL ? strstr(name, "]: ") : NULL;

	return end != NULL ? end + 3 : line;
}

static int take_line(struct history *h, char *line)
{
	struct record r;

	if (record_parse(skip_prefix(line), &r) < 0) {
		h->damaged++;
		return 0;
	}
	h->records++;
	if (r.utc_ms < h->first_ms)
		h->first_ms = r.utc_ms;
	if (r.utc_ms > h->last_ms)
		h->last_ms = r.utc_ms;
	if (r.kind == RECORD_RECORDS_LOST)
		h->lost += r.count;
	return is_about(h, &r) ? keep(h, &r) : 0;
}

/* The next line into @line, without its newline: false at the end. @whole: it fits, has no NUL byte and
 * was finished; however long it is, all of it is taken. */
static bool read_line(FILE *f, char *line, size_t size, bool *whole)
{
	size_t used = 0;
	int c;

	*whole = true;
	while ((c = getc_unlocked(f)) != EOF && c != '\n') {
		*whole = *whole && c != '\0' && used + 1 < size;
		if (*whole)
			line[used++] = (char)c;
	}
	line[used] = '\0';
	*whole = *whole && c == '\n';
	return c != EOF || used > 0;
}

static int read_lines(struct history *h, FILE *f)
{
	char line[RECORD_LINE_MAX + 256]; /* with what a system's log puts before it */
	bool whole;
	int err = 0;

	while (err == 0 && read_line(f, line, sizeof(line), &whole)) {
		if (whole)
			err = take_line(h, line);
		else
			h->damaged++;
	}
	return err == 0 && ferror(f) ? -EIO : err;
}

int history_read(struct history *h, const char *path)
{
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	int err;

	if (f == NULL)
		return -errno;
	errno = 0;
	err = read_lines(h, f);
	if (err == -EIO && errno == EISDIR)
		err = -EISDIR;
	if (f != stdin)
		fclose(f);
	return err;
}

void history_init(struct history *h, const struct history_question *question)
{
	*h = (struct history){ .question = *question, .first_ms = INT64_MAX, .last_ms = INT64_MIN };
}

void history_fini(struct history *h)
{
	free(h->kept);
	h->kept = NULL;
}

/* --- from records to holders ---------------------------------------------------------------- */

static int compare(const void *left, const void *right)
{
	const struct kept *a = left, *b = right;

	if (a->utc_ms != b->utc_ms)
		return a->utc_ms < b->utc_ms ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

/* One has a beginning and an end for the same thing, which is a block, a formula or a mapping. */
static enum record_kind family(enum record_kind kind)
{
	if (kind == RECORD_BLOCK_FREED)
		return RECORD_BLOCK_ALLOCATED;
	return kind == RECORD_MAPPING_ENDED ? RECORD_MAPPING_CREATED : kind;
}

/* The remote is not told of every record: log.destinations may have been switched in between. */
static bool is_same(const struct kept *a, const struct kept *b)
{
	return family(a->kind) == family(b->kind) && a->protocol == b->protocol &&
	       a->last == b->last && endpoint_equal(&a->internal, &b->internal) &&
	       endpoint_equal(&a->external, &b->external) &&
	       (endpoint_equal(&a->remote, &b->remote) || !addr_is_ip4(&a->remote.addr) ||
		!addr_is_ip4(&b->remote.addr));
}

static struct holder *find_open(const struct holders *all, const struct kept *k)
{
	for (size_t i = all->count; i > 0; i--)
		if (all->list[i - 1].open && is_same(&all->list[i - 1].what, k))
			return &all->list[i - 1];
	return NULL;
}

static void end(struct holder *who, const struct kept *k, const char *cause)
{
	who->open = false;
	who->until_ms = k->utc_ms;
	snprintf(who->cause, sizeof(who->cause), "%s", cause);
}

static void end_all(struct holders *all, const struct kept *k, bool formulas)
{
	for (size_t i = 0; i < all->count; i++)
		if (all->list[i].open &&
		    (!formulas || all->list[i].what.kind == RECORD_DETERMINISTIC))
			end(&all->list[i], k, record_kind_name(k->kind));
}

static struct holder *begin(struct holders *all, const struct kept *k)
{
	struct holder *who = &all->list[all->count++]; /* there is room for one a record */
	bool before = k->kind == RECORD_MAPPING_ENDED || k->kind == RECORD_BLOCK_FREED ||
		      *k->cause != '\0';

	*who = (struct holder){ .what = *k,
				.from_ms = k->utc_ms,
				.until_ms = INT64_MAX,
				.open = true,
				.inferred = before };
	if (before && k->duration_ms >= 0)
		who->from_ms -= k->duration_ms;
	return who;
}

/* The formula that is told again with every change of knobs goes on if it gives the same. */
static void begin_formula(struct holders *all, const struct kept *k)
{
	for (size_t i = 0; i < all->count; i++)
		if (all->list[i].what.kind == k->kind && all->list[i].until_ms == k->utc_ms &&
		    strcmp(all->list[i].cause, record_kind_name(RECORD_OPTIONS_CHANGED)) == 0 &&
		    is_same(&all->list[i].what, k)) {
			all->list[i].open = true;
			all->list[i].until_ms = INT64_MAX;
			return;
		}
	if (addr_is_ip4(&k->internal.addr))
		begin(all, k)->inferred = false;
}

/* A block that was freed, and nothing tells since when the host had it: since the log began, at most. */
static void end_unknown(const struct history *h, struct holders *all, const struct kept *k)
{
	struct holder *who = begin(all, k);

	if (k->duration_ms < 0) {
		who->from_ms = h->first_ms;
		for (size_t i = 0; i + 1 < all->count; i++)
			if (family(all->list[i].what.kind) == RECORD_BLOCK_ALLOCATED &&
			    all->list[i].until_ms < k->utc_ms &&
			    all->list[i].until_ms > who->from_ms)
				who->from_ms = all->list[i].until_ms;
	}
	end(who, k, k->cause);
}

static void apply(const struct history *h, struct holders *all, const struct kept *k)
{
	struct holder *who = find_open(all, k);

	switch (k->kind) {
	case RECORD_LOG_STARTED:
	case RECORD_LOG_STOPPED:
		end_all(all, k, false);
		break;
	case RECORD_OPTIONS_CHANGED:
		end_all(all, k, true);
		break;
	case RECORD_DETERMINISTIC:
		begin_formula(all, k);
		break;
	case RECORD_MAPPING_CREATED:
	case RECORD_BLOCK_ALLOCATED:
		if (who == NULL) /* else it is told twice: it was open when the log began */
			begin(all, k);
		break;
	case RECORD_MAPPING_ENDED:
	case RECORD_BLOCK_FREED:
		if (who != NULL)
			end(who, k, k->cause);
		else
			end_unknown(h, all, k);
		break;
	case RECORD_SESSION_CREATED:
	case RECORD_SESSION_ENDED:
	case RECORD_RECORDS_LOST:
	case RECORD_KINDS:
		break;
	}
}

/* --- the answer ----------------------------------------------------------------------------- */

static json_t *json_time(int64_t ms)
{
	char text[RECORD_TIME_MAX];

	return json_string(record_format_time(ms, text));
}

static json_t *json_holder(const struct holder *who)
{
	const struct kept *k = &who->what;
	bool mapping = family(k->kind) == RECORD_MAPPING_CREATED;
	char internal[ENDPOINT_TEXT_MAX], remote[ENDPOINT_TEXT_MAX];
	json_t *json = json_object();

	json_object_set_new(json, "kind",
			    json_string(mapping				  ? "mapping"
					: k->kind == RECORD_DETERMINISTIC ? "deterministic"
									  : "block"));
	json_object_set_new(json, "protocol",
			    mapping ? json_string(nat_protocol_name(k->protocol)) : json_null());
	json_object_set_new(json, "host", json_string(addr_format(&k->internal.addr, internal)));
	json_object_set_new(json, "internal",
			    mapping ? json_string(endpoint_format(&k->internal, internal))
				    : json_null());
	json_object_set_new(json, "first", json_integer(k->external.port));
	json_object_set_new(json, "last", json_integer(k->last));
	json_object_set_new(json, "remote",
			    addr_is_ip4(&k->remote.addr)
				    ? json_string(endpoint_format(&k->remote, remote))
				    : json_null());
	json_object_set_new(json, "from", json_time(who->from_ms));
	json_object_set_new(json, "inferred", json_boolean(who->inferred));
	json_object_set_new(json, "until", who->open ? json_null() : json_time(who->until_ms));
	json_object_set_new(json, "cause",
			    who->open || *who->cause == '\0' ? json_null()
							     : json_string(who->cause));
	return json;
}

static json_t *json_found(struct history *h, struct holders *all)
{
	json_t *found = json_array();

	qsort(h->kept, h->count, sizeof(*h->kept), compare);
	for (size_t i = 0; i < h->count; i++)
		apply(h, all, &h->kept[i]);
	for (size_t i = 0; i < all->count; i++)
		if (all->list[i].from_ms <= h->question.to_ms &&
		    all->list[i].until_ms >= h->question.from_ms)
			json_array_append_new(found, json_holder(&all->list[i]));
	return found;
}

json_t *history_answer(struct history *h)
{
	struct holders all = { .list = calloc(h->count + 1, sizeof(*all.list)) };
	bool any = h->first_ms <= h->last_ms;
	char external[ENDPOINT_TEXT_MAX];
	json_t *answer = json_object();

	if (all.list == NULL)
		abort(); /* as jansson's own */
	json_object_set_new(answer, "external",
			    json_string(endpoint_format(&h->question.external, external)));
	json_object_set_new(answer, "at", json_time(h->question.from_ms));
	json_object_set_new(answer, "found", json_found(h, &all));
	json_object_set_new(answer, "records", json_integer((json_int_t)h->records));
	json_object_set_new(answer, "damaged", json_integer((json_int_t)h->damaged));
	json_object_set_new(answer, "lost", json_integer((json_int_t)h->lost));
	json_object_set_new(answer, "first", any ? json_time(h->first_ms) : json_null());
	json_object_set_new(answer, "last", any ? json_time(h->last_ms) : json_null());
	free(all.list);
	return answer;
}

/* --- time ----------------------------------------------------------------------------------- */

int history_parse_when(const char *text, int64_t now_ms, int64_t *from_ms, int64_t *to_ms)
{
	const char *ago = strstr(text, " ago");
	char whole[64], today[RECORD_TIME_MAX];
	int64_t span;

	if (ago != NULL && ago[4] == '\0' && (size_t)(ago - text) < sizeof(whole)) {
		snprintf(whole, sizeof(whole), "%.*s", (int)(ago - text), text);
		if (options_parse_duration(whole, &span) < 0 || span > now_ms)
			return -EINVAL;
		*from_ms = *to_ms = now_ms - span;
		return 0;
	}
	if (strlen(text) > 40)
		return -EINVAL;
	record_format_time(now_ms, today);
	snprintf(whole, sizeof(whole), "%.*s%s", strchr(text, '-') == NULL ? 11 : 0, today, text);
	if (record_parse_time(whole, from_ms, &span) < 0) {
		strcat(whole, "Z");
		if (record_parse_time(whole, from_ms, &span) < 0)
			return -EINVAL;
	}
	*to_ms = *from_ms + span - 1;
	return 0;
}
