/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * top_keys.c - what each key does
 */
#include <ncurses.h>
#include <stdio.h>
#include <string.h>

#include "nat/cli/command.h"
#include "nat/cli/top.h"
#include "nat/core/presets.h"

enum { KEY_ESCAPE = 27, KEY_RUBOUT = 127, KEY_CTRL_H = 8, KEY_CTRL_U = 21, KEY_RETURN = 13 };

const int top_intervals_ms[TOP_INTERVALS] = { 200, 500, 1000, 2000, 5000, 10000, 30000, 60000 };

const char *const top_order_names[TOP_ORDERS] = {
	"rate", "bytes", "age", "time left", "mappings", "sessions", "address",
};

static bool is_enter(int key)
{
	return key == KEY_ENTER || key == '\n' || key == KEY_RETURN;
}

/* --- what is shown -------------------------------------------------------------------------- */

struct top_table *top_shown(struct top *t)
{
	static const enum top_list lists[TOP_VIEWS] = { TOP_MAPPINGS, TOP_SESSIONS, TOP_HOSTS };

	return t->view == TOP_VIEW_DROPS ? NULL : &t->tables[lists[t->view]];
}

bool top_has_order(enum top_view view, enum top_order order)
{
	bool host = view == TOP_VIEW_HOSTS;

	switch (order) {
	case TOP_BY_RATE:
	case TOP_BY_BYTES:
	case TOP_BY_HOST:
		return view != TOP_VIEW_DROPS;
	case TOP_BY_AGE:
	case TOP_BY_LEFT:
		return view == TOP_VIEW_MAPPINGS || view == TOP_VIEW_SESSIONS;
	case TOP_BY_SESSIONS:
		return host || view == TOP_VIEW_MAPPINGS;
	case TOP_BY_MAPPINGS:
		return host;
	case TOP_ORDERS:
		break;
	}
	return false;
}

static size_t place_of(const struct top_row *const *rows, size_t count, uint32_t id, size_t other)
{
	for (size_t i = 0; i < count; i++)
		if (rows[i]->id == id)
			return i;
	return other;
}

size_t top_rows(struct top *t, size_t *selected)
{
	struct top_table *table = top_shown(t);
	size_t count = table != NULL ? top_table_pick(table, t->opened ? "" : t->filter,
						      t->order[t->view], t->reverse[t->view])
				     : t->head.drop_count;
	size_t *place = &t->place[t->view];

	if (!t->chosen[t->view])
		*place = 0;
	else if (table != NULL)
		*place = place_of(table->picked, count, t->selected[t->view], *place);
	if (*place >= count)
		*place = count > 0 ? count - 1 : 0;
	if (table != NULL && t->chosen[t->view] && count > 0)
		t->selected[t->view] = table->picked[*place]->id;
	*selected = *place;
	return count;
}

static const struct top_row *selected_row(struct top *t)
{
	size_t place, count = top_rows(t, &place);
	const struct top_table *table = top_shown(t);

	return table != NULL && count > 0 ? table->picked[place] : NULL;
}

static void say(struct top *t, bool failed, const char *text)
{
	snprintf(t->message, sizeof(t->message), "%s", text);
	t->failed = failed;
}

/* --- moving --------------------------------------------------------------------------------- */

static void select_place(struct top *t, size_t place)
{
	const struct top_table *table = top_shown(t);
	size_t before, count = top_rows(t, &before);

	if (count == 0)
		return;
	if (place >= count)
		place = count - 1;
	/* The first row is whichever is first, until somebody moves away from it. */
	t->chosen[t->view] = place > 0;
	t->place[t->view] = place;
	if (table != NULL)
		t->selected[t->view] = table->picked[place]->id;
}

static bool move_selection(struct top *t, int key)
{
	size_t place, count = top_rows(t, &place), page = t->page > 1 ? t->page - 1 : 1;

	switch (key) {
	case KEY_UP:
	case 'k':
		select_place(t, place > 0 ? place - 1 : 0);
		return true;
	case KEY_DOWN:
	case 'j':
		select_place(t, place + 1);
		return true;
	case KEY_PPAGE:
		select_place(t, place > page ? place - page : 0);
		return true;
	case KEY_NPAGE:
		select_place(t, place + page);
		return true;
	case KEY_HOME:
	case 'g':
		select_place(t, 0);
		return true;
	case KEY_END:
	case 'G':
		select_place(t, count > 0 ? count - 1 : 0);
		return true;
	default:
		return false;
	}
}

/* --- views ---------------------------------------------------------------------------------- */

static void close_mapping(struct top *t)
{
	if (!t->opened)
		return;
	t->opened = false;
	t->tables[TOP_SESSIONS].only = false;
	top_table_clear(&t->tables[TOP_SESSIONS]);
	t->chosen[TOP_VIEW_SESSIONS] = false;
	t->view = t->opened_from;
}

static void show(struct top *t, enum top_view view)
{
	close_mapping(t);
	t->view = view;
	t->refresh = true;
}

static void find_mapping(struct top *t, uint32_t id)
{
	const struct top_table *mappings = &t->tables[TOP_MAPPINGS];

	for (size_t i = 0; i < top_table_count(mappings); i++)
		if (top_table_at(mappings, i)->id == id)
			t->mapping = *top_table_at(mappings, i);
}

/* The sessions of the selected mapping, or of that of the selected session. */
static void open_mapping(struct top *t, const struct top_row *row)
{
	struct top_table *sessions = &t->tables[TOP_SESSIONS];
	bool of_session = t->view == TOP_VIEW_SESSIONS;

	t->mapping = *row;
	t->gone = false;
	if (of_session) {
		t->mapping.id = row->mapping;
		t->mapping.remote[0] = '\0';
		find_mapping(t, row->mapping);
	}
	t->opened_from = t->view;
	t->opened = true;
	t->view = TOP_VIEW_SESSIONS;
	t->chosen[TOP_VIEW_SESSIONS] = false;
	top_table_clear(sessions);
	sessions->only = true;
	sessions->only_mapping = t->mapping.id;
	t->refresh = true;
}

static void open_selected(struct top *t)
{
	const struct top_row *row = selected_row(t);

	if (row == NULL || t->opened)
		return;
	if (t->view == TOP_VIEW_HOSTS) {
		snprintf(t->filter, sizeof(t->filter), "%s:", row->internal);
		show(t, TOP_VIEW_MAPPINGS);
	} else {
		open_mapping(t, row);
	}
}

static void change_order(struct top *t, int step)
{
	enum top_order *order = &t->order[t->view];

	for (int i = 0; i < TOP_ORDERS; i++) {
		*order = (enum top_order)(((int)*order + step + TOP_ORDERS) % TOP_ORDERS);
		if (top_has_order(t->view, *order))
			return;
	}
}

/* --- what changes the NAT ------------------------------------------------------------------- */

static void ask_flush(struct top *t)
{
	const struct top_row *row = selected_row(t);

	if (t->opened)
		t->flushing = t->mapping;
	else if (row == NULL || t->view == TOP_VIEW_HOSTS) {
		say(t, true, "flush which? Choose a mapping, in view m or s");
		return;
	} else {
		t->flushing = *row;
		if (t->view == TOP_VIEW_SESSIONS)
			t->flushing.id = row->mapping;
	}
	t->mode = TOP_MODE_CONFIRM;
}

static void set_errand(struct top *t, enum top_errand errand, json_t *params)
{
	json_decref(t->errand_params);
	t->errand = errand;
	t->errand_params = params;
}

/* By all that it is known by: its number alone may be another's by now. */
static void flush(struct top *t)
{
	const struct top_row *row = &t->flushing;

	set_errand(t, TOP_FLUSH,
		   json_pack("{s:I, s:s, s:s}", "mapping", (json_int_t)row->id, "protocol",
			     row->protocol, "external", row->external));
}

static void press_confirm(struct top *t, int key)
{
	if (key == 'y' || key == 'Y')
		flush(t);
	else if (key != 'n' && key != 'N' && key != KEY_ESCAPE)
		return;
	t->mode = TOP_MODE_LIST;
}

static void press_presets(struct top *t, int key)
{
	size_t count = json_array_size(t->presets);

	if ((key == KEY_DOWN || key == 'j') && t->preset + 1 < count)
		t->preset++;
	else if ((key == KEY_UP || key == 'k') && t->preset > 0)
		t->preset--;
	else if (key == KEY_HOME || key == 'g')
		t->preset = 0;
	else if ((key == KEY_END || key == 'G') && count > 0)
		t->preset = count - 1;
	else if (is_enter(key) && t->preset < count) {
		const char *name = command_text(json_array_get(t->presets, t->preset), "name");

		set_errand(t, TOP_SET_PRESET, json_pack("{s:{s:s}}", "options", presets_key, name));
		t->mode = TOP_MODE_LIST;
	} else if (key == KEY_ESCAPE || key == 'q' || key == 'p') {
		t->mode = TOP_MODE_LIST;
	}
}

/* --- the filter ----------------------------------------------------------------------------- */

static void press_filter(struct top *t, int key)
{
	size_t length = strlen(t->filter);

	if (is_enter(key)) {
		t->mode = TOP_MODE_LIST;
	} else if (key == KEY_ESCAPE) {
		strcpy(t->filter, t->filter_before);
		t->mode = TOP_MODE_LIST;
	} else if (key == KEY_BACKSPACE || key == KEY_RUBOUT || key == KEY_CTRL_H) {
		if (length > 0)
			t->filter[length - 1] = '\0';
	} else if (key == KEY_CTRL_U) {
		t->filter[0] = '\0';
	} else if (key >= ' ' && key < KEY_RUBOUT && length + 1 < sizeof(t->filter)) {
		t->filter[length] = (char)key;
		t->filter[length + 1] = '\0';
	}
}

static void begin_filter(struct top *t)
{
	if (t->view == TOP_VIEW_DROPS || t->opened) {
		say(t, true, "there is nothing to filter here: views m, s and h have filters");
		return;
	}
	strcpy(t->filter_before, t->filter);
	t->mode = TOP_MODE_FILTER;
}

/* --- all keys ------------------------------------------------------------------------------- */

static void go_back(struct top *t)
{
	if (t->opened)
		close_mapping(t);
	else
		t->filter[0] = '\0';
	t->refresh = true;
}

static void change_interval(struct top *t, int step)
{
	if (step > 0 ? t->interval + 1 < TOP_INTERVALS : t->interval > 0)
		t->interval = (unsigned int)((int)t->interval + step);
}

static void press_choice(struct top *t, int key)
{
	switch (key) {
	case 'o':
	case '>':
		change_order(t, 1);
		break;
	case '<':
		change_order(t, -1);
		break;
	case 'r':
		t->reverse[t->view] = !t->reverse[t->view];
		break;
	case ' ':
		t->paused = !t->paused;
		t->refresh = !t->paused;
		break;
	case '+':
	case '=':
		change_interval(t, 1);
		break;
	case '-':
		change_interval(t, -1);
		break;
	case '/':
		begin_filter(t);
		break;
	default:
		break;
	}
}

static void press_list(struct top *t, int key)
{
	t->message[0] = '\0';
	if (move_selection(t, key))
		return;
	if (is_enter(key))
		open_selected(t);
	else if (key == KEY_ESCAPE)
		go_back(t);
	else if (key == 'm')
		show(t, TOP_VIEW_MAPPINGS);
	else if (key == 's')
		show(t, TOP_VIEW_SESSIONS);
	else if (key == 'h')
		show(t, TOP_VIEW_HOSTS);
	else if (key == 'd')
		show(t, TOP_VIEW_DROPS);
	else if (key == 'f')
		ask_flush(t);
	else if (key == 'p')
		set_errand(t, TOP_GET_PRESETS, NULL);
	else if (key == '?')
		t->mode = TOP_MODE_HELP;
	else if (key == 'q')
		t->quit = true;
	else
		press_choice(t, key);
}

void top_keys_press(struct top *t, int key)
{
	if (key == KEY_RESIZE)
		return;
	switch (t->mode) {
	case TOP_MODE_LIST:
		press_list(t, key);
		break;
	case TOP_MODE_FILTER:
		press_filter(t, key);
		break;
	case TOP_MODE_CONFIRM:
		press_confirm(t, key);
		break;
	case TOP_MODE_PRESETS:
		press_presets(t, key);
		break;
	case TOP_MODE_HELP:
		t->mode = TOP_MODE_LIST; /* any key */
		break;
	}
}
