/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * top.c - the live view: what is asked of the daemon when, and the keyboard beside it
 *
 * A refresh asks for the status, counters, ports and events, then for pages of the lists, each as
 * long as its share of time lasts; a list that is longer is gone on with in the next refresh. One
 * question is on its way at a time, and both its answer and the keyboard are waited for at once.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "nat/cli/command.h"
#include "nat/cli/feed.h"
#include "nat/cli/top.h"
#include "nat/cli/top_screen.h"

enum {
	SHARE_MS = 100, /* of a refresh, for the pages of one list */
	LATE_MS = 2000, /* after which one says that there is no answer */
};

/* What is asked in a refresh, in this order; then errands, between two refreshes. */
enum question {
	ASK_STATUS,
	ASK_OPTIONS,
	ASK_COUNTERS,
	ASK_EVENTS,
	ASK_MAPPINGS,
	ASK_HOSTS,
	ASK_SESSIONS,
	ASK_NOTHING,
	ASK_ERRAND,
};

struct talk {
	struct top *top;
	struct feed feed;
	enum question question; /* the one on its way, or the last */
	enum top_errand errand; /* with ASK_ERRAND */
	enum question next;	/* ASK_NOTHING: the refresh is over */
	unsigned int clears;	/* of the table that the question is about */
	int64_t asked_ms;	/* when the question was sent */
	int64_t list_ms;	/* when the first page of this refresh was asked for */
	int64_t due_ms;		/* the next refresh */
	sigset_t signals;	/* let through while one waits */
};

static volatile sig_atomic_t ended;

static void end(int signal)
{
	(void)signal;
	ended = 1;
}

/* From now on they come only while one waits; @before: what was let through. */
static void catch_signals(sigset_t *before)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	const struct sigaction action = { .sa_handler = end }; /* no SA_RESTART */
	sigset_t caught;

	sigemptyset(&caught);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		sigaction(signals[i], &action, NULL);
		sigaddset(&caught, signals[i]);
	}
	sigprocmask(SIG_BLOCK, &caught, before);
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* --- answers -------------------------------------------------------------------------------- */

static struct top_table *table_of(struct talk *talk, enum question question)
{
	return &talk->top->tables[question == ASK_MAPPINGS   ? TOP_MAPPINGS
				  : question == ASK_SESSIONS ? TOP_SESSIONS
							     : TOP_HOSTS];
}

/* The opened mapping as it is now; it may have gone, and its number be another's. */
static void follow_opened(struct top *t)
{
	const struct top_table *mappings = &t->tables[TOP_MAPPINGS];

	for (size_t i = 0; i < top_table_count(mappings); i++) {
		const struct top_row *row = top_table_at(mappings, i);

		if (row->id != t->mapping.id || strcmp(row->external, t->mapping.external) != 0 ||
		    strcmp(row->protocol, t->mapping.protocol) != 0)
			continue;
		t->mapping = *row;
		t->gone = false;
		return;
	}
	t->gone = mappings->known;
}

static void end_of_round(struct talk *talk)
{
	struct top *t = talk->top;

	if (talk->question == ASK_MAPPINGS) {
		top_head_rates(&t->head, &t->tables[TOP_MAPPINGS], t->now_ms);
		if (t->opened)
			follow_opened(t);
	} else if (talk->question == ASK_HOSTS) {
		top_table_join(&t->tables[TOP_HOSTS], &t->tables[TOP_MAPPINGS]);
		top_head_ports(&t->head, &t->tables[TOP_HOSTS]);
	}
}

/* A page; the next one too, unless the list is at its end or has had its time. */
static void take_page(struct talk *talk, const json_t *result)
{
	struct top *t = talk->top;
	struct top_table *table = table_of(talk, talk->question);
	int64_t share = top_intervals_ms[t->interval] / 5;
	bool over;

	if (talk->clears != table->clears) {
		talk->next = ASK_NOTHING; /* for this table another refresh is wanted already */
		return;
	}
	over = top_table_take(table, result, t->now_ms);
	if (over)
		end_of_round(talk);
	if (share > SHARE_MS)
		share = SHARE_MS;
	if (!over && t->now_ms - talk->list_ms < share) {
		talk->next = talk->question;
		return;
	}
	talk->list_ms = t->now_ms;
	talk->next = talk->question + 1;
	if (talk->next == ASK_SESSIONS && t->view != TOP_VIEW_SESSIONS)
		talk->next = ASK_NOTHING;
}

static void take_errand(struct talk *talk, const json_t *result)
{
	struct top *t = talk->top;
	json_int_t flushed = command_number(result, "flushed");
	size_t changed = json_object_size(json_object_get(result, "changed"));

	if (talk->errand == TOP_FLUSH) {
		snprintf(t->message, sizeof(t->message), "%d mapping%s flushed", (int)flushed,
			 flushed == 1 ? "" : "s");
	} else if (talk->errand == TOP_SET_PRESET) {
		snprintf(t->message, sizeof(t->message), "preset %s: %zu knob%s changed",
			 command_text(json_array_get(t->presets, t->preset), "name"), changed,
			 changed == 1 ? "" : "s");
	} else {
		json_decref(t->presets);
		t->presets = json_incref(json_object_get(result, "presets"));
		t->mode = TOP_MODE_PRESETS;
		return;
	}
	t->refresh = true; /* show what came of it */
}

static void take_result(struct talk *talk, const json_t *result)
{
	struct top *t = talk->top;

	talk->next = talk->question < ASK_NOTHING ? talk->question + 1 : ASK_NOTHING;
	switch (talk->question) {
	case ASK_STATUS:
		top_head_status(&t->head, result, t->now_ms);
		break;
	case ASK_OPTIONS:
		top_head_options(&t->head, result);
		break;
	case ASK_COUNTERS:
		top_head_drops(&t->head, result, t->now_ms);
		break;
	case ASK_EVENTS:
		top_head_events(&t->head, result, t->now_ms);
		talk->list_ms = t->now_ms;
		break;
	case ASK_MAPPINGS:
	case ASK_HOSTS:
	case ASK_SESSIONS:
		take_page(talk, result);
		break;
	case ASK_ERRAND:
		take_errand(talk, result);
		break;
	case ASK_NOTHING:
		break;
	}
}

/* Only an errand can be refused. A refresh that is goes on with the next interval. */
static void take_refusal(struct talk *talk, const json_t *error)
{
	const char *message = command_text(error, "message");

	talk->next = ASK_NOTHING;
	snprintf(talk->top->message, sizeof(talk->top->message), "%s",
		 *message != '\0' ? message : "refused");
	talk->top->failed = true;
}

/* --- questions ------------------------------------------------------------------------------ */

static enum client_status send_errand(struct talk *talk)
{
	static const char *const methods[] = { NULL, "mappings.flush", "presets.list",
					       "options.set" };
	struct top *t = talk->top;
	json_t *params = t->errand_params;

	talk->question = ASK_ERRAND;
	talk->errand = t->errand;
	t->errand = TOP_NO_ERRAND;
	t->errand_params = NULL;
	t->failed = false;
	return feed_ask(&talk->feed, methods[talk->errand], params);
}

static enum client_status send_question(struct talk *talk)
{
	const struct top_table *table;

	switch (talk->question) {
	case ASK_STATUS:
		return feed_ask(&talk->feed, "status", NULL);
	case ASK_OPTIONS:
		return feed_ask(&talk->feed, "options.get",
				json_pack("{s:[s,s,s]}", "keys", "udp.port-range", "tcp.port-range",
					  "icmp.port-range"));
	case ASK_COUNTERS:
		return feed_ask(&talk->feed, "counters.get", NULL);
	case ASK_EVENTS:
		return feed_ask(&talk->feed, "events.list",
				json_pack("{s:I}", "from", talk->top->head.event_next));
	case ASK_MAPPINGS:
	case ASK_HOSTS:
	case ASK_SESSIONS:
		break;
	case ASK_NOTHING:
	case ASK_ERRAND:
		return CLIENT_OK;
	}
	table = table_of(talk, talk->question);
	talk->clears = table->clears;
	return feed_ask(&talk->feed, top_table_method(table),
			json_pack("{s:I}", "cursor", table->cursor));
}

/* Ask what is next, if it is time: what a person wants, then what the refresh still needs. */
static enum client_status ask(struct talk *talk)
{
	struct top *t = talk->top;

	if (talk->feed.asked)
		return CLIENT_OK;
	talk->asked_ms = t->now_ms;
	if (t->errand != TOP_NO_ERRAND)
		return send_errand(talk);
	if (talk->next == ASK_NOTHING) {
		if (!t->refresh && (t->paused || t->now_ms < talk->due_ms))
			return CLIENT_OK;
		talk->next = ASK_STATUS;
		talk->due_ms = t->now_ms + top_intervals_ms[t->interval];
		t->refresh = false;
	}
	talk->question = talk->next;
	return send_question(talk);
}

/* An answer, if one has come. */
static enum client_status hear(struct talk *talk, bool *refreshed)
{
	json_t *answer, *result;
	enum question before = talk->next;
	enum client_status status = feed_read(&talk->feed, &answer);

	if (status != CLIENT_OK || answer == NULL)
		return status;
	result = json_object_get(answer, "result");
	if (talk->question == ASK_ERRAND) {
		if (result != NULL)
			take_errand(talk, result);
		else
			take_refusal(talk, json_object_get(answer, "error"));
		talk->next = before; /* the refresh goes on */
	} else if (result != NULL) {
		take_result(talk, result);
	} else {
		take_refusal(talk, json_object_get(answer, "error"));
	}
	*refreshed = talk->question == ASK_ERRAND || talk->next == ASK_NOTHING;
	json_decref(answer);
	return CLIENT_OK;
}

/* --- the loop ------------------------------------------------------------------------------- */

/*
 * Waits for a key or an answer, at most until the next refresh or the next word about silence.
 * Return: has the daemon said something, or ended?
 */
static bool wait_for_either(struct talk *talk)
{
	const struct top *t = talk->top;
	struct pollfd ready[] = { { .fd = STDIN_FILENO, .events = POLLIN },
				  { .fd = talk->feed.client->fd, .events = POLLIN } };
	int64_t left = talk->due_ms - t->now_ms;
	struct timespec ts;

	if (talk->feed.asked || t->paused || left > 1000)
		left = 1000;
	if (left < 0)
		left = 0;
	ts = (struct timespec){ .tv_sec = left / 1000, .tv_nsec = left % 1000 * 1000000 };
	if (ppoll(ready, 2, &ts, &talk->signals) <= 0)
		return false;
	if (ready[0].revents & (POLLHUP | POLLERR | POLLNVAL))
		ended = 1; /* the terminal is gone */
	return ready[1].revents != 0;
}

static bool press_keys(struct top *t)
{
	bool pressed = false;
	int key;

	while (!t->quit && (key = getch()) != ERR) {
		top_keys_press(t, key);
		pressed = true;
	}
	return pressed;
}

/* What is late is told; when it comes after all, that is taken back. */
static bool watch_silence(struct talk *talk)
{
	int64_t before = talk->top->silent_ms, silent = talk->top->now_ms - talk->asked_ms;

	talk->top->silent_ms = talk->feed.asked && silent >= LATE_MS ? silent : 0;
	return talk->top->silent_ms / 1000 != before / 1000;
}

static enum client_status run(struct talk *talk)
{
	struct top *t = talk->top;
	enum client_status status = CLIENT_OK;
	bool draw = true, heard;

	while (status == CLIENT_OK && !ended && !t->quit) {
		t->now_ms = now_ms();
		status = ask(talk);
		if (draw)
			top_view_draw(t);
		if (status != CLIENT_OK)
			break;
		heard = wait_for_either(talk);
		t->now_ms = now_ms();
		draw = press_keys(t);
		if (heard) {
			bool refreshed = false;

			status = hear(talk, &refreshed);
			draw |= refreshed;
		}
		draw |= watch_silence(talk);
	}
	return status;
}

static void top_fini(struct top *t)
{
	for (int i = 0; i < TOP_LISTS; i++)
		top_table_fini(&t->tables[i]);
	json_decref(t->presets);
	json_decref(t->errand_params);
}

static bool read_seconds(const char *text, double *seconds)
{
	char *rest;

	*seconds = strtod(text, &rest);
	return rest != text && *rest == '\0' && *seconds >= 0.2 && *seconds <= 60;
}

/* The interval that is nearest to what was asked for. */
static unsigned int choose_interval(double seconds)
{
	unsigned int i = 0;

	while (i + 1 < TOP_INTERVALS && top_intervals_ms[i] < seconds * 1000)
		i++;
	return i;
}

enum client_status cmd_top(const struct invocation *call)
{
	static struct top top; /* large, and all zero */
	struct talk talk = { .top = &top, .question = ASK_NOTHING, .next = ASK_NOTHING };
	double seconds = call->interval;
	enum client_status status;

	if (call->argc > 0 && !read_seconds(call->argv[0], &seconds))
		return command_misused(call, "'%.40s': from 0.2 to 60 seconds", call->argv[0]);
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return command_misused(call, "top needs a terminal; 'natem mappings' writes the "
					     "same anywhere, 'natem --json mappings' for programs");
	status = client_open(call->client);
	if (status != CLIENT_OK)
		return status;
	top.interval = choose_interval(seconds);
	top.refresh = true;
	top_head_init(&top.head);
	for (int i = 0; i < TOP_LISTS; i++)
		top_table_init(&top.tables[i], (enum top_list)i);
	feed_init(&talk.feed, call->client);
	catch_signals(&talk.signals);
	if (screen_open() < 0) {
		status = command_misused(call,
					 "this terminal (TERM=%.40s) is not known: set TERM, "
					 "or use 'natem mappings'",
					 getenv("TERM") != NULL ? getenv("TERM") : "");
	} else {
		status = run(&talk);
		screen_close();
	}
	feed_fini(&talk.feed);
	client_close(call->client);
	top_fini(&top);
	return status;
}
