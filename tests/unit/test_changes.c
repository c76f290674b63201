/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a change of knobs is told as: by type, and in words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "nat/core/presets.h"
#include "nat/daemon/changes.h"
#include "nat/daemon/events.h"

static int setup(void **state)
{
	struct daemon *d = calloc(1, sizeof(*d));

	assert_non_null(d);
	options_init(&d->asked);
	assert_int_equal(event_ring_init(&d->nat.events, EVENT_RING), 0);
	d->now.ms = 4711;
	*state = d;
	return 0;
}

static int teardown(void **state)
{
	struct daemon *d = *state;

	event_ring_fini(&d->nat.events);
	free(d);
	return 0;
}

/* Change one knob, or set a preset; how many events that made. */
static uint64_t change(struct daemon *d, const char *key, const char *value)
{
	struct options wanted = d->asked;
	uint64_t before = d->nat.events.count;
	char why[512];

	assert_int_equal(presets_set(&wanted, key, value, why, sizeof(why)), 0);
	d->preset = strcmp(key, presets_key) == 0 ? value : NULL;
	changes_tell(d, &wanted);
	d->preset = NULL;
	d->asked = wanted;
	return d->nat.events.count - before;
}

static void assert_told(const struct daemon *d, uint64_t back, enum event_type type,
			const char *wanted)
{
	const struct nat_event *event = event_from(&d->nat.events, d->nat.events.count - back);
	char text[EVENTS_TEXT_MAX];

	assert_non_null(event);
	assert_int_equal(event->type, type);
	assert_int_equal(event->at.ms, 4711);
	assert_string_equal(events_text(event, text), wanted);
}

static void test_knobs_are_told_as_such(void **state)
{
	struct daemon *d = *state;

	assert_int_equal(change(d, "udp.timeout", "100s"), 1);
	assert_told(d, 0, EVENT_OPTIONS_CHANGED, "knobs changed: udp.timeout");
	assert_int_equal(change(d, "udp.timeout", "100s"), 0);
}

static void test_a_preset_is_told_by_its_name(void **state)
{
	struct daemon *d = *state;

	assert_int_equal(change(d, "nat.preset", "full-cone"), 1);
	assert_told(d, 0, EVENT_PRESET_CHANGED,
		    "preset full-cone changed: udp.filtering and 2 more");
	assert_int_equal(change(d, "nat.preset", "full-cone"), 0);
}

static void test_rules_are_told_one_by_one(void **state)
{
	struct daemon *d = *state;

	assert_int_equal(change(d, "nat.forwards",
				"tcp:8080=192.168.1.2:80,"
				"udp:203.0.113.1:5000-5009=192.168.1.3:6000"),
			 2);
	assert_told(d, 1, EVENT_FORWARD_ADDED, "forward added: tcp 8080 leads to 192.168.1.2:80");
	assert_told(d, 0, EVENT_FORWARD_ADDED,
		    "forward added: udp 203.0.113.1:5000-5009 leads to 192.168.1.3:6000");
	/* One stays, one is changed. */
	assert_int_equal(change(d, "nat.forwards",
				"tcp:8080=192.168.1.2:80,"
				"udp:203.0.113.1:5000-5008=192.168.1.3:6000"),
			 2);
	assert_told(d, 1, EVENT_FORWARD_DELETED,
		    "forward deleted: udp 203.0.113.1:5000-5009 leads to 192.168.1.3:6000");
	assert_told(d, 0, EVENT_FORWARD_ADDED,
		    "forward added: udp 203.0.113.1:5000-5008 leads to 192.168.1.3:6000");
	assert_int_equal(change(d, "nat.one-to-one", "203.0.113.5=192.168.1.9"), 1);
	assert_told(d, 0, EVENT_FORWARD_ADDED,
		    "one-to-one added: 203.0.113.5 stands for 192.168.1.9");
	assert_int_equal(change(d, "nat.dmz", "192.168.1.4"), 1);
	assert_told(d, 0, EVENT_FORWARD_ADDED, "dmz added: 192.168.1.4");
	assert_int_equal(change(d, "nat.exempt", "198.51.100.0/24:53,198.51.100.7"), 2);
	assert_told(d, 1, EVENT_FORWARD_ADDED, "exempt added: 198.51.100.0-198.51.100.255:53");
	assert_told(d, 0, EVENT_FORWARD_ADDED, "exempt added: 198.51.100.7");
	assert_int_equal(change(d, "nat.dmz", "none"), 1);
	assert_told(d, 0, EVENT_FORWARD_DELETED, "dmz deleted: 192.168.1.4");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_knobs_are_told_as_such, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_preset_is_told_by_its_name, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rules_are_told_one_by_one, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
