/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * top_view.c - the screen of natem top
 *
 *	title | bars and sparklines | drops and event | tabs | titles | rows ... | message or keys
 *
 * A low screen leaves out from the top. Everything is drawn anew into curses' memory, and curses
 * sends what differs.
 */
#include <inttypes.h>
#include <ncurses.h>
#include <stdio.h>
#include <string.h>

#include "nat/cli/command.h"
#include "nat/cli/top_columns.h"
#include "nat/cli/top_screen.h"
#include "nat/cli/top_text.h"

enum {
	ALL_LINES = 18,
	FEW_LINES = 12,
	BARS = 3,
	BAR_WIDTH = 12,
	GAUGE_WIDTH = 43,
	ESCAPE_MS = 25,
	ADVICE_LINES = 5
};
/* --- the NAT as a whole --------------------------------------------------------------------- */

static void draw_title(const struct top *t, int y)
{
	table_cell up, notice = "";
	int x;

	table_duration(&up, t->head.uptime_ms);
	x = screen_say(y, 0, A_BOLD, "natem top");
	x += screen_say(y, x, A_NORMAL, "  %s  up %s  every %gs", t->head.external, up,
			top_intervals_ms[t->interval] / 1000.0);
	if (t->silent_ms > 0)
		snprintf(notice, sizeof(notice), "NO ANSWER for %ds", (int)(t->silent_ms / 1000));
	else if (t->paused)
		snprintf(notice, sizeof(notice), "PAUSED");
	else if (*t->head.clock != '\0')
		snprintf(notice, sizeof(notice), "%s", t->head.clock);
	if (*notice != '\0')
		screen_put(y, COLS - (int)strlen(notice) > x ? COLS - (int)strlen(notice) : x + 1,
			   COLS, A_BOLD, notice);
}

static short colour_of(uint64_t part, uint64_t whole)
{
	double share = whole > 0 ? (double)part / (double)whole : 0;

	return share >= 0.95 ? COLOUR_BAD : share >= 0.75 ? COLOUR_NEAR : COLOUR_GOOD;
}

static void draw_bar(int y, const char *name, uint64_t part, uint64_t whole)
{
	table_cell bar;
	int x = 10;

	top_bar(&bar, (double)part, (double)whole, BAR_WIDTH, screen_is_utf8());
	screen_put(y, 0, x, A_NORMAL, name);
	screen_put(y, x, BAR_WIDTH, screen_colour(colour_of(part, whole)), bar);
	screen_say(y, x + BAR_WIDTH + 1, A_NORMAL, "%" PRIu64 " of %" PRIu64, part, whole);
}

/* "in  1.2M bit/s ▁▂▃▅▇" in what is left of the line. */
static void draw_samples(int y, const char *name, const char *unit, const struct top_samples *s)
{
	table_cell rate, spark;
	int width = COLS - GAUGE_WIDTH - 20;

	if (width < 4)
		return;
	if (width > TOP_BAR_MOST)
		width = TOP_BAR_MOST;
	top_rate(&rate, top_samples_last(s));
	top_spark(&spark, s->values, s->count, 0, (unsigned int)width, screen_is_utf8());
	screen_say(y, GAUGE_WIDTH, A_NORMAL, "%-4s%6s %-7s", name, rate, unit);
	screen_put(y, GAUGE_WIDTH + 19, width, A_BOLD, spark);
}

static int draw_gauges(const struct top *t, int y)
{
	const struct top_head *h = &t->head;
	char ports[16];

	draw_bar(y, "mappings", h->mappings.live, h->mappings.limit);
	draw_samples(y, "all", "pkt/s", &h->packet_rate);
	draw_bar(y + 1, "sessions", h->sessions.live, h->sessions.limit);
	draw_samples(y + 1, "out", "bit/s", &h->out);
	snprintf(ports, sizeof(ports), "%s ports", h->ports.protocol);
	draw_bar(y + 2, strcmp(h->ports.protocol, "icmp") == 0 ? "icmp ids" : ports, h->ports.used,
		 h->ports.all);
	draw_samples(y + 2, "in", "bit/s", &h->in);
	return y + BARS;
}

/* "drops     12/s  filtered 3/s, no-mapping 40 (5s ago)" */
static void draw_drops(const struct top *t, int y)
{
	const struct top_head *h = &t->head;
	table_cell rate, ago;
	int x;

	top_rate(&rate, h->drop_rate);
	x = screen_say(y, 0, h->drop_rate > 0 ? screen_colour(COLOUR_BAD) | A_BOLD : A_NORMAL,
		       "drops     %s/s", rate);
	for (unsigned int i = 0; i < h->drop_count && h->drops[i].last_ms >= 0; i++) {
		const struct top_drop *drop = &h->drops[i];

		top_rate(&rate, drop->rate);
		table_duration(&ago, t->now_ms - drop->last_ms);
		x += screen_say(y, x, A_NORMAL, drop->rate > 0 ? "%s %s %s/s" : "%s %s %s ago",
				i == 0 ? " " : ",", drop->name, drop->rate > 0 ? rate : ago);
		if (x >= COLS - 12)
			break;
	}
	if (h->drop_count == 0 || h->drops[0].last_ms < 0)
		screen_say(y, x, A_NORMAL, "  none since you are here");
}

static void draw_event(const struct top *t, int y)
{
	const struct top_head *h = &t->head;
	table_cell age;

	if (*h->event == '\0') {
		screen_say(y, 0, A_NORMAL, "event     none yet");
		return;
	}
	table_duration(&age, h->event_age_ms + (t->paused ? 0 : t->now_ms - h->event_ms));
	screen_say(y, 0, A_NORMAL, "event     %s ago: %s", age, h->event);
}

/* --- the list ------------------------------------------------------------------------------- */

static void draw_tabs(const struct top *t, int y)
{
	static const char *const names[TOP_VIEWS] = { "m mappings", "s sessions", "h hosts",
						      "d drops" };
	int x = 0;

	for (int i = 0; i < TOP_VIEWS; i++) {
		bool here = i == (int)t->view && !t->opened;

		x += screen_say(y, x, here ? A_REVERSE | A_BOLD : A_NORMAL, here ? "[%s]" : " %s ",
				names[i]);
	}
	if (t->view != TOP_VIEW_DROPS)
		x += screen_say(y, x + 1, A_NORMAL, "by %s%s", top_order_names[t->order[t->view]],
				t->reverse[t->view] ? ", reversed" : "") +
		     1;
	if (*t->filter != '\0' && !t->opened && t->view != TOP_VIEW_DROPS)
		screen_say(y, x + 1, A_BOLD, "filter: %s", t->filter);
}

/* How many of how many, at the end of the tabs' line. */
static void draw_count(struct top *t, int y, size_t rows)
{
	const struct top_table *table = top_shown(t);
	uint64_t all = t->view == TOP_VIEW_MAPPINGS ? t->head.mappings.live : t->head.sessions.live;
	char text[64];

	if (t->view == TOP_VIEW_HOSTS && table->cut) /* nobody says how many there are */
		snprintf(text, sizeof(text), " first %zu", top_table_count(table));
	else if (table == NULL || t->view == TOP_VIEW_HOSTS || t->opened)
		snprintf(text, sizeof(text), " %zu", rows);
	else if (table->cut || (!table->known && top_table_count(table) < all))
		snprintf(text, sizeof(text), " first %zu of %" PRIu64, top_table_count(table), all);
	else
		snprintf(text, sizeof(text), " %zu", rows);
	screen_put(y, COLS - (int)strlen(text), COLS, A_NORMAL, text);
}

/* What the opened mapping is, instead of the tabs. */
static void draw_opened(const struct top *t, int y)
{
	const struct top_row *m = &t->mapping;
	table_cell left;

	table_duration(&left, m->left_ms);
	if (t->gone)
		screen_say(y, 0, A_REVERSE | A_BOLD, "[mapping %u]  has ended  (Esc: back)", m->id);
	else
		screen_say(y, 0, A_REVERSE | A_BOLD,
			   "[mapping %u] %s %s is seen as %s%s%s, %s left", m->id, m->protocol,
			   m->internal, m->external, *m->kind != '\0' ? ", " : "", m->kind, left);
}

/* Which end of what it is ordered by is on top. */
static const char *order_mark(bool reverse)
{
	if (screen_is_utf8())
		return reverse ? "▲" : "▼";
	return reverse ? "^" : "v";
}

static void draw_titles(const struct top *t, const struct table *table, int y)
{
	const struct top_column *columns = top_columns(t->view);
	char title[32];
	int x = 0;

	for (unsigned int i = 0; i < table->width; i++) {
		bool ordered = t->view != TOP_VIEW_DROPS && columns[i].order == t->order[t->view];
		int width = table->widths[i];

		if (table->columns[i].hidden)
			continue;
		snprintf(title, sizeof(title), "%s%s", columns[i].title,
			 !ordered ? "" : order_mark(t->reverse[t->view]));
		screen_put(y, columns[i].right ? x + width - table_columns_of(title) : x, width,
			   ordered ? A_BOLD | A_UNDERLINE : A_BOLD, title);
		x += width + 1;
	}
}

static void draw_row(const struct table *table, size_t row, int y, bool selected)
{
	attr_t attributes = selected ? A_REVERSE : A_NORMAL;
	int x = 0;

	for (int i = 0; i < COLS && selected; i++)
		screen_put(y, i, 1, attributes, " ");
	for (unsigned int i = 0; i < table->width; i++) {
		const char *text = table->cells[row * table->width + i];
		int width = table->widths[i], gap = width - table_columns_of(text);

		if (table->columns[i].hidden)
			continue;
		screen_put(y, table->columns[i].right && gap > 0 ? x + gap : x, width, attributes,
			   text);
		x += width + 1;
	}
}

/* Scroll so that the selected row is among the @page rows that are shown. */
static size_t scroll_to_selected(struct top *t, size_t count, size_t selected, size_t page)
{
	size_t *first = &t->first[t->view];

	if (*first + page > count)
		*first = count > page ? count - page : 0;
	if (selected < *first)
		*first = selected;
	if (selected >= *first + page)
		*first = selected - page + 1;
	t->page = page;
	return *first;
}

static void say_empty(struct top *t, int y)
{
	const struct top_table *table = top_shown(t);

	if (table == NULL)
		screen_say(y, 0, A_NORMAL, "nothing was dropped so far");
	else if (!table->known && top_table_count(table) == 0)
		screen_say(y, 0, A_NORMAL, "...");
	else if (*t->filter != '\0' && !t->opened)
		screen_say(y, 0, A_NORMAL, "nothing has '%s' in it; Esc clears the filter",
			   t->filter);
	else
		screen_say(y, 0, A_NORMAL,
			   t->opened ? "no session"
				     : "nothing yet: what hosts send makes mappings");
}

/* The chosen reason in full, above the last line. */
static void draw_advice(const struct top_drop *drop)
{
	char text[900];

	snprintf(text, sizeof(text), "%s: %s%s%s%s. %s", drop->name, drop->meaning,
		 *drop->clause != '\0' ? " (" : "", drop->clause, *drop->clause != '\0' ? ")" : "",
		 drop->advice);
	screen_wrap(LINES - 1 - ADVICE_LINES, ADVICE_LINES, text);
}

static void draw_list(struct top *t, int y)
{
	size_t selected, count = top_rows(t, &selected);
	bool advice = t->view == TOP_VIEW_DROPS && count > 0 && LINES >= ALL_LINES;
	int room = LINES - y - 3 - (advice ? ADVICE_LINES + 1 : 0);
	size_t page = room > 1 ? (size_t)room : 1;
	size_t first = scroll_to_selected(t, count, selected, page);
	struct table table;

	if (t->opened)
		draw_opened(t, y);
	else
		draw_tabs(t, y);
	draw_count(t, y, count);
	top_columns_init(&table, t->view);
	for (size_t i = first; i < count && i < first + page; i++) {
		if (t->view == TOP_VIEW_DROPS)
			top_columns_add_drop(&table, &t->head.drops[i], t->now_ms);
		else
			top_columns_add(&table, t->view, top_shown(t)->picked[i], screen_is_utf8());
	}
	top_columns_fit(&table, t->view, t->view == TOP_VIEW_DROPS ? TOP_ORDERS : t->order[t->view],
			COLS);
	draw_titles(t, &table, y + 1);
	for (size_t i = 0; i < table.rows; i++)
		draw_row(&table, i, y + 2 + (int)i, first + i == selected);
	if (count == 0)
		say_empty(t, y + 2);
	if (advice)
		draw_advice(&t->head.drops[selected]);
	table_fini(&table);
}

/* --- other screens -------------------------------------------------------------------------- */

static void draw_help(void)
{
	static const char *const lines[] = {
		"m s h d     mappings, sessions, hosts, the last drops",
		"Up Down     choose a row; also j k, PgUp PgDn, Home End",
		"Enter       the sessions of that mapping; of a host, its mappings",
		"Esc         back; clears the filter",
		"o < >       order by the next, or the one before; r turns it round",
		"/           filter: every word must be somewhere in a row (tcp 192.168.1.2:)",
		"space       pause, and go on",
		"+ -         refresh less often, or more often",
		"f           flush the mapping: it ends with its sessions",
		"p           turn the NAT into another kind: choose a preset",
		"q           quit",
		"",
		"Rates are in bits a second of IP, headers included, between two refreshes;",
		"bytes since the mapping was made. AGE and LEFT are NAT time (natem clock).",
		"Ports: those of the protocol that has used most, of all external addresses.",
		"A long list takes several refreshes: 'first N of M' says how far it is.",
	};

	screen_say(0, 0, A_BOLD, "natem top: keys");
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		screen_say((int)i + 1 + (LINES > 20), 0, A_NORMAL, "  %s", lines[i]);
	screen_say(LINES - 1, 0, A_NORMAL, "any key: back");
}

static void draw_presets(const struct top *t)
{
	int page = LINES > 4 ? LINES - 3 : 1;
	size_t first = t->preset >= (size_t)page ? t->preset - (size_t)page + 1 : 0;
	size_t count = json_array_size(t->presets);

	screen_say(0, 0, A_BOLD, "turn the NAT into which kind? (%zu of %zu)", t->preset + 1,
		   count);
	for (int i = 0; i < page && first + (size_t)i < count; i++) {
		const json_t *preset = json_array_get(t->presets, first + (size_t)i);
		bool here = first + (size_t)i == t->preset;

		screen_say(i + 1, 0, here ? A_REVERSE : A_NORMAL, "%s %-24s %s", here ? ">" : " ",
			   command_text(preset, "name"), command_text(preset, "meaning"));
	}
	screen_say(LINES - 1, 0, A_NORMAL, "Enter: put it in force   Esc: leave it");
}

static void draw_foot(const struct top *t)
{
	const struct top_row *m = &t->flushing;
	int y = LINES - 1;

	if (t->mode == TOP_MODE_CONFIRM)
		screen_say(y, 0, A_REVERSE | A_BOLD, "Flush %s %s = %s with its sessions? (y/n)",
			   m->protocol, m->internal, m->external);
	else if (t->mode == TOP_MODE_FILTER)
		screen_say(y, 0, A_REVERSE | A_BOLD, "filter (Enter: keep, Esc: drop): %s_",
			   t->filter);
	else if (*t->message != '\0')
		screen_say(y, 0, t->failed ? A_BOLD | screen_colour(COLOUR_BAD) : A_BOLD, "%s%s",
			   t->failed ? "failed: " : "", t->message);
	else
		screen_say(
			y, 0, A_NORMAL,
			"Enter open  o order  / filter  space pause  f flush  p preset  ? help  q "
			"quit");
}

void top_view_draw(struct top *t)
{
	int y = 0;

	erase();
	if (t->mode == TOP_MODE_HELP) {
		draw_help();
	} else if (t->mode == TOP_MODE_PRESETS) {
		draw_presets(t);
	} else {
		if (LINES >= FEW_LINES)
			draw_title(t, y++);
		if (LINES >= ALL_LINES)
			y = draw_gauges(t, y);
		if (LINES >= FEW_LINES) {
			draw_drops(t, y++);
			draw_event(t, y++);
		}
		draw_list(t, y);
		draw_foot(t);
	}
	refresh();
}
