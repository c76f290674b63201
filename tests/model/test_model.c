/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_model.c - the NAT and its reference model on the same random walk
 *
 * A run begins with knobs set at random and takes some hundred steps. Of every second run the
 * NAT's timer runs late: what is over must then change nothing but the time of its removal.
 * A run in which they differ is made as short as it goes and printed step by step.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "nat/core/prefetch.h"
#include "nat/core/presets.h"
#include "nat/core/steps.h"
#include "tests/model/compare.h"
#include "tests/model/walk.h"

enum { RUN_KNOBS = 2, RUN_LONGEST = 2000, SHRINK_PLAYS = 3000 };

struct run {
	uint64_t seed;
	enum walk_profile profile;
	bool late;
	uint32_t count;
	uint64_t steps[RUN_LONGEST];
	bool first[RUN_LONGEST]; /* sets the knobs it begins with */
};

/* One play of a run. */
struct play {
	const struct run *run;
	bool loud;
	struct nat nat;
	struct model *model;
	struct options options;
	int64_t now;
	uint32_t tag;
	struct said said;
	char why[COMPARE_TEXT];
};

enum { LEASE_RESULTS = LEASE_TAKEN + 1 };

static uint64_t reached[REASON_COUNT];
static uint64_t leases[LEASE_RESULTS];
static const char *const lease_names[LEASE_RESULTS] = { "granted", "foreign", "quota", "full",
							"taken" };

/* --- playing -------------------------------------------------------------------------------- */

static void set(struct options *o, const char *key, const char *value)
{
	char why[512];

	if (presets_set(o, key, value, why, sizeof(why)) != 0) {
		fprintf(stderr, "%s=%s: %s\n", key, value, why);
		abort();
	}
}

static void open_play(struct play *p, const struct run *run, bool loud)
{
	struct siphash_key key;

	p->run = run;
	p->loud = loud;
	p->now = 1000000;
	p->tag = 0;
	p->why[0] = '\0';
	p->said.output_count = p->said.release_count = 0;
	options_init(&p->options);
	set(&p->options, "nat.external", "203.0.113.1");
	set(&p->options, "nat.max-mappings", "48");
	set(&p->options, "nat.max-sessions", "96");
	if (rng_key(run->seed | 1, &key) != 0 || nat_init(&p->nat, &p->options, &key) != 0)
		abort();
	p->model = model_open(&p->options);
	p->model->now = p->now;
	p->model->late = run->late;
	compare_oracle(&p->model->oracle, &p->nat);
}

static void close_play(struct play *p)
{
	nat_fini(&p->nat);
	model_close(p->model);
	walk_free();
}

/* The NAT's timer runs until it has nothing left to do. */
static void tick(struct play *p)
{
	const struct mono now = { p->now };
	uint32_t before;

	do {
		before = p->nat.sessions.arena.live;
		nat_tick(&p->nat, now, MODEL_RECORDS);
		compare_collect(&p->nat, &p->said);
	} while (p->nat.sessions.arena.live != before);
	model_tick(p->model, p->now, true);
}

/* What the timer does but for sessions that are over. */
static void tick_late(struct play *p)
{
	const struct mono now = { p->now };

	p->nat.now = now;
	fragment_tick(&p->nat, now);
	unmatched_tick(&p->nat, now);
	ports_wake(&p->nat.ports, &p->nat.options, now);
	compare_collect(&p->nat, &p->said);
	model_tick(p->model, p->now, false);
}

/* Packets that were held count for the statistics when they are let go. */
static void note_releases(const struct said *said)
{
	for (uint32_t i = 0; i < said->release_count; i++)
		reached[said->releases[i].reason]++;
}

/* May the NAT's timer be late at this step? */
static bool is_late(const struct play *p, const struct walk_step *step)
{
	return p->run->late && (step->kind == WALK_PACKET || step->kind == WALK_LEASE);
}

static bool pass_time(struct play *p, const struct walk_step *step)
{
	bool late = is_late(p, step);

	p->now += step->wait_ms;
	p->model->oracle.reason = REASON_COUNT;
	p->model->oracle.chosen = NULL;
	if (late)
		tick_late(p);
	else
		tick(p);
	note_releases(&p->said);
	if (!compare_said(p->model, &p->said, p->run->late, p->why))
		return false;
	if (!late) {
		p->model->output_count = 0; /* whom nobody told of a time-out will not be told */
		return compare_tables(&p->nat, p->model, false, p->why) &&
		       compare_counters(&p->nat, p->model, p->why);
	}
	return true;
}

static void tell_outcome(const struct nat_outcome *real, struct wire after)
{
	char a[ENDPOINT_TEXT_MAX], b[ENDPOINT_TEXT_MAX];
	struct endpoint source, destination;

	printf("#       %s", reason_spec(real->reason)->name);
	if (real->verdict == NAT_REWRITTEN && after.len >= wire_header(after) + 8) {
		source = wire_source(after);
		destination = wire_destination(after);
		printf(": %s > %s", endpoint_format(&source, a), endpoint_format(&destination, b));
	}
	printf("\n");
}

static bool play_packet(struct play *p, const struct walk_step *step)
{
	struct wire copy = wire_copy(step->packet);
	struct bytes bytes = { .at = copy.at, .partial = step->partial };
	struct oracle *oracle = &p->model->oracle;
	struct nat_outcome real;
	struct m_outcome wanted;
	struct packet pkt;
	const struct prefetch_packet coming = { &pkt, step->from };
	struct prefetch prefetch;

	packet_init(&pkt, step->packet.at, step->packet.len, step->original, step->partial);
	pkt.tag = ++p->tag;
	if (p->tag % 2 == 0) /* a hint must not matter */
		prefetch_start(&prefetch, &p->nat, &coming, 1);
	real = nat_process(&p->nat, &pkt, step->from, (struct mono){ p->now });
	compare_collect(&p->nat, &p->said);
	oracle->verdict = real.verdict;
	oracle->reason = real.reason;
	oracle->id = step->packet.len >= 6 ? wire_get16(step->packet.at + 4) : 0;
	if (real.mapping != NAT_NONE && arena_is_live(&p->nat.mappings.arena, real.mapping)) {
		oracle->chosen = mapping_at(&p->nat.mappings, real.mapping);
		oracle->chosen_remote = mapping_remote(&p->nat.mappings, real.mapping);
	}
	wanted = model_process(p->model, &bytes, copy.len, step->original, p->tag, step->from);
	oracle->chosen = NULL;
	reached[real.reason]++;
	if (p->loud)
		tell_outcome(&real, step->packet);
	if (p->model->wrong[0] != '\0') {
		snprintf(p->why, sizeof(p->why), "choice: %s", p->model->wrong);
		return false;
	}
	if (!compare_outcome(&p->nat, p->model, &real, &wanted, p->why))
		return false;
	if (memcmp(copy.at, step->packet.at, copy.len) != 0) {
		size_t at = 0;

		while (copy.at[at] == step->packet.at[at])
			at++;
		for (size_t i = 0; p->loud && i < copy.len; i++)
			printf("%s%02x/%02x", i % 10 == 0 ? "\n#  " : " ", step->packet.at[i],
			       copy.at[i]);
		if (p->loud)
			printf(" (real/wanted)\n");
		snprintf(p->why, sizeof(p->why), "bytes: %s, from byte %zu: %02x, wanted %02x",
			 reason_spec(real.reason)->name, at, step->packet.at[at], copy.at[at]);
		return false;
	}
	return true;
}

static bool has_rates(const struct options *o, enum nat_protocol protocol)
{
	return o->new_mappings_per_second != 0 ||
	       o->protocol[protocol].new_mappings_per_second != 0;
}

static bool play_lease(struct play *p, const struct walk_step *step)
{
	struct lease_request real = step->lease, wanted = step->lease;
	enum lease_result got = nat_lease(&p->nat, &real, (struct mono){ p->now }), want;
	char a[ENDPOINT_TEXT_MAX], b[ENDPOINT_TEXT_MAX];

	compare_collect(&p->nat, &p->said);
	p->model->oracle.verdict = NAT_DROPPED;
	if (got == LEASE_QUOTA && has_rates(&p->options, real.protocol))
		p->model->oracle.reason = REASON_RATE_QUOTA; /* perhaps: nobody tells which quota */
	want = model_lease(p->model, &wanted);
	leases[got]++;
	endpoint_format(&real.external, a);
	if (p->loud)
		printf("#       %s: %s\n", lease_names[got], a);
	if (p->model->wrong[0] != '\0')
		snprintf(p->why, sizeof(p->why), "choice: %s", p->model->wrong);
	else if (got != want)
		snprintf(p->why, sizeof(p->why), "asked: %s, wanted %s", lease_names[got],
			 lease_names[want]);
	else if (!endpoint_equal(&real.external, &wanted.external))
		snprintf(p->why, sizeof(p->why), "given: %s, wanted %s", a,
			 endpoint_format(&wanted.external, b));
	else
		return true;
	return false;
}

static bool play_knobs(struct play *p, const struct walk_step *step)
{
	struct options fresh = p->options;
	char why[512];

	for (uint32_t i = 0; i < step->knob_count; i++)
		set(&fresh, step->knobs[i].key, step->knobs[i].value);
	if (options_check(&fresh, why, sizeof(why)) != 0) {
		if (p->loud)
			printf("#       refused: %s\n", why);
		return true;
	}
	p->options = fresh;
	if (nat_configure(&p->nat, &fresh) != 0)
		abort();
	model_configure(p->model, &fresh);
	tick(p); /* a shorter time-out may be over already */
	return true;
}

static bool play_step(struct play *p, const struct walk_step *step)
{
	bool late = is_late(p, step);
	struct siphash_key key;

	if (!pass_time(p, step))
		return false;
	switch (step->kind) {
	case WALK_PACKET:
		if (!play_packet(p, step))
			return false;
		break;
	case WALK_KNOBS:
		if (!play_knobs(p, step))
			return false;
		break;
	case WALK_FLUSH: {
		uint32_t real = nat_flush(&p->nat, &step->flush, (struct mono){ p->now });
		uint32_t wanted = model_flush(p->model, &step->flush);

		if (real != wanted) {
			snprintf(p->why, sizeof(p->why), "flushed: %u, wanted %u", real, wanted);
			return false;
		}
		break;
	}
	case WALK_RESEED:
		if (rng_key(p->run->seed + 2, &key) == 0)
			nat_reseed(&p->nat, &key);
		break;
	case WALK_LEASE:
		if (!play_lease(p, step))
			return false;
		break;
	case WALK_TICK:
		break;
	}
	note_releases(&p->said);
	return compare_said(p->model, &p->said, late, p->why) &&
	       compare_tables(&p->nat, p->model, late, p->why) &&
	       compare_counters(&p->nat, p->model, p->why);
}

/* Number of the step at which they differ, or the count of steps. */
static uint32_t play(struct play *p, const struct run *run, bool loud)
{
	struct walk_step step;
	uint32_t i;

	open_play(p, run, loud);
	for (i = 0; i < run->count; i++) {
		walk_make(&step, run->steps[i], run->profile, run->first[i], p->model);
		if (loud)
			printf("# %4u: +%" PRId64 " ms: %s\n", i, step.wait_ms, step.text);
		if (!play_step(p, &step))
			break;
		if (i % 64 == 63)
			walk_free();
		wire_free_all();
	}
	wire_free_all();
	close_play(p);
	return i;
}

/* --- making runs shorter -------------------------------------------------------------------- */

static void take_out(struct run *run, uint32_t from, uint32_t count)
{
	uint32_t after = run->count - from - count;

	memmove(&run->steps[from], &run->steps[from + count], after * sizeof(run->steps[0]));
	memmove(&run->first[from], &run->first[from + count], after * sizeof(run->first[0]));
	run->count -= count;
}

/* Do two differences have the same kind, and for outcomes the same reasons? */
static bool is_alike(const char *a, const char *b)
{
	size_t kind = strcspn(a, ":");

	if (strncmp(a, "outcome:", 8) == 0)
		return strcmp(a, b) == 0;
	return strncmp(a, b, kind + 1) == 0;
}

static void shrink(struct play *p, struct run *run)
{
	struct run *best = malloc(sizeof(*best)), *trial = malloc(sizeof(*trial));
	char why[COMPARE_TEXT];
	uint32_t plays = 0;

	if (best == NULL || trial == NULL)
		abort();
	*best = *run;
	memcpy(why, p->why, sizeof(why));
	for (uint32_t size = best->count / 2; size > 0; size /= 2) {
		for (uint32_t from = 0; from + size <= best->count && plays < SHRINK_PLAYS;
		     plays++) {
			uint32_t at;

			*trial = *best;
			take_out(trial, from, size);
			at = play(p, trial, false);
			if (at < trial->count && is_alike(p->why, why)) {
				trial->count = at + 1;
				*best = *trial;
			} else {
				from += size;
			}
		}
	}
	*run = *best;
	free(best);
	free(trial);
}

/* --- runs ----------------------------------------------------------------------------------- */

static void make_run(struct run *run, uint64_t seed)
{
	uint64_t random = seed;
	uint64_t dice = walk_next(&random);

	run->seed = seed;
	run->profile = (enum walk_profile)(dice % (WALK_PROFILES * 16));
	if (run->profile >= WALK_PROFILES) /* seldom a flood: it is long */
		run->profile = (enum walk_profile)(run->profile % WALK_FLOOD);
	run->late = dice >> 40 & 1;
	run->count = run->profile == WALK_FLOOD ? RUN_LONGEST : 100 + (uint32_t)(dice >> 32) % 500;
	for (uint32_t i = 0; i < run->count; i++) {
		run->steps[i] = walk_next(&random);
		run->first[i] = i < RUN_KNOBS;
	}
}

static void report(struct play *p, struct run *run, uint32_t at)
{
	printf("not ok 1 - the NAT and its model agree\n");
	printf("# seed %" PRIu64 ", step %u: %s\n", run->seed, at, p->why);
	run->count = at + 1;
	shrink(p, run);
	printf("# again: test_model --run %" PRIu64 "\n# the shortest found%s:\n", run->seed,
	       run->late ? ", the NAT's timer late" : "");
	play(p, run, true);
	printf("#       %s\n", p->why);
}

struct arguments {
	uint64_t seed, steps;
	bool one, progress, statistics;
};

static bool read_number(const char *text, uint64_t *number)
{
	char *end;

	errno = 0;
	*number = strtoull(text, &end, 10);
	return errno == 0 && *text != '\0' && *end == '\0';
}

static bool read_arguments(int argc, char **argv, struct arguments *a)
{
	const char *seed = getenv("NATEM_MODEL_SEED"), *steps = getenv("NATEM_MODEL_STEPS");

	*a = (struct arguments){ .seed = 1, .steps = 100000 };
	if ((seed != NULL && !read_number(seed, &a->seed)) ||
	    (steps != NULL && !read_number(steps, &a->steps)))
		return false;
	for (int i = 1; i < argc; i++) {
		bool value = i + 1 < argc;

		if (strcmp(argv[i], "--progress") == 0)
			a->progress = true;
		else if (strcmp(argv[i], "--statistics") == 0)
			a->statistics = true;
		else if (strcmp(argv[i], "--steps") == 0 && value)
			value = read_number(argv[++i], &a->steps), a->steps += !value;
		else if (strcmp(argv[i], "--seed") == 0 && value &&
			 read_number(argv[i + 1], &a->seed))
			i++;
		else if (strcmp(argv[i], "--run") == 0 && value &&
			 read_number(argv[i + 1], &a->seed))
			a->one = ++i > 0;
		else
			return false;
	}
	return true;
}

static void print_progress(uint64_t done, uint64_t all, uint64_t runs)
{
	printf("# %" PRIu64 " of %" PRIu64 " steps, %" PRIu64 " runs\n", done, all, runs);
	fflush(stdout);
}

static void print_statistics(void)
{
	for (int i = 0; i < REASON_COUNT; i++)
		printf("# %10" PRIu64 " %s\n", reached[i], reason_spec((enum nat_reason)i)->name);
	for (int i = 0; i < LEASE_RESULTS; i++)
		printf("# %10" PRIu64 " lease %s\n", leases[i], lease_names[i]);
}

int main(int argc, char **argv)
{
	struct play *p = calloc(1, sizeof(*p));
	struct run *run = calloc(1, sizeof(*run));
	uint64_t done = 0, runs = 0, told = 0;
	struct arguments a;
	bool differ;
	uint32_t at;

	if (p == NULL || run == NULL)
		abort();
	if (!read_arguments(argc, argv, &a)) {
		fprintf(stderr, "usage: test_model [--seed N] [--steps N] [--run N] [--progress] "
				"[--statistics]\n");
		return 2;
	}
	printf("1..1\n# seed %" PRIu64 ", %" PRIu64 " steps\n", a.seed, a.steps);
	do {
		make_run(run, a.one ? a.seed : a.seed * 1000003 + runs);
		at = play(p, run, false);
		done += at;
		runs++;
		if (at < run->count)
			break;
		if (a.progress && done - told >= 100000) {
			told = done;
			print_progress(done, a.steps, runs);
		}
	} while (done < a.steps && !a.one);
	differ = at < run->count; /* a report makes the run shorter */
	if (differ)
		report(p, run, at);
	else
		printf("ok 1 - the NAT and its model agree\n");
	if (a.statistics)
		print_statistics();
	free(run);
	free(p);
	return differ;
}
