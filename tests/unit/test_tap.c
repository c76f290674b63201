/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tap and what is made of it: records, drops, and the texts of a subscription.
 */
#include "nat/daemon/tap.h"

#include <jansson.h>

#include "nat/daemon/daemon.h"
#include "nat/daemon/stream.h"
#include "tests/unit/lab.h"

/* What the methods beside this one would need of the daemon. */
int daemon_configure(struct daemon *d, const struct options *asked, char *why, size_t why_size)
{
	(void)d;
	(void)asked;
	(void)why;
	(void)why_size;
	return 0;
}

static const struct nat_outcome as_rewritten = {
	.verdict = NAT_REWRITTEN, .mapping = 3, .session = 5, .knob = OPT_NONE
};
static const struct nat_outcome as_dropped = {
	.verdict = NAT_DROPPED,
	.reason = REASON_FILTERED,
	.mapping = 3,
	.session = NAT_NONE,
	.knob = OPT_UDP_FILTERING,
};

static int setup(void **state)
{
	*state = calloc(1, sizeof(struct daemon));
	return *state != NULL ? 0 : -1;
}

static int teardown(void **state)
{
	struct daemon *d = *state;
	bool left = d->tap.ring != NULL;

	free(d->tap.ring);
	free(d);
	assert_false(left);
	wire_free_all();
	return 0;
}

/* A packet from inside to port @port, which is given the external address on its way. */
static void pass_one(struct tap *t, unsigned int port, const struct nat_outcome *outcome)
{
	struct endpoint to = ep_port(ep("203.0.113.10:1"), port), external = ep("203.0.113.1:4000");
	struct wire w = wire_udp(ep("192.168.1.2:6789"), to);
	struct packet pkt;

	packet_init(&pkt, w.at, w.len, w.len, false);
	if (tap_is_watched(t))
		tap_came(t, &pkt);
	assert_int_equal(packet_parse(&pkt), PACKET_OK);
	if (outcome->verdict == NAT_REWRITTEN)
		packet_set_source(&pkt, &external);
	tap_left(t, &pkt, NAT_INTERNAL, outcome);
}

/* --- the ring ------------------------------------------------------------------------------- */

static void test_nobody_looks_on_and_nothing_is_kept(void **state)
{
	struct daemon *d = *state;

	pass_one(&d->tap, 1, &as_rewritten);
	assert_null(d->tap.ring);
	assert_int_equal(d->tap.count, 0);
}

static void test_record_has_both_tuples(void **state)
{
	struct daemon *d = *state;
	const struct tap_record *record;
	struct tap_reader reader;
	struct tap_bytes bytes;
	uint64_t missed;

	assert_int_equal(tap_attach(&d->tap, &reader, 0), 0);
	assert_null(tap_read(&d->tap, &reader, &bytes, &missed));
	pass_one(&d->tap, 53, &as_rewritten);
	record = tap_read(&d->tap, &reader, &bytes, &missed);
	assert_non_null(record);
	assert_int_equal(missed, 0);
	assert_endpoint(record->source, "192.168.1.2:6789");
	assert_endpoint(record->destination, "203.0.113.10:53");
	assert_endpoint(record->new_source, "203.0.113.1:4000");
	assert_endpoint(record->new_destination, "203.0.113.10:53");
	assert_int_equal(record->head + record->bytes, 0);
	assert_int_equal(record->protocol, PACKET_UDP);
	assert_null(tap_read(&d->tap, &reader, &bytes, &missed));
	tap_detach(&d->tap);
}

static void test_bytes_are_kept_as_they_came_and_as_they_left(void **state)
{
	struct daemon *d = *state;
	const struct tap_record *record;
	struct tap_reader reader;
	struct tap_bytes bytes;
	struct packet pkt;
	uint64_t missed;

	assert_int_equal(tap_attach(&d->tap, &reader, 65535), 0);
	pass_one(&d->tap, 53, &as_rewritten);
	record = tap_read(&d->tap, &reader, &bytes, &missed);
	assert_int_equal(record->bytes, record->length);
	assert_int_equal(record->head, record->length < TAP_HEAD ? record->length : TAP_HEAD);
	packet_init(&pkt, (uint8_t *)bytes.head, record->head, record->head, false);
	assert_int_equal(packet_parse(&pkt), PACKET_OK);
	assert_endpoint(pkt.source, "192.168.1.2:6789");
	packet_init(&pkt, (uint8_t *)bytes.data, record->bytes, record->bytes, false);
	assert_int_equal(packet_parse(&pkt), PACKET_OK);
	assert_endpoint(pkt.source, "203.0.113.1:4000");
	tap_detach(&d->tap);
}

/* Every record that is read is whole and in order, however often the ring went round; who reads too
 * late is told how many are gone. */
static void run_round(struct tap *t, uint32_t snap, unsigned int every)
{
	struct tap_reader reader;
	struct tap_bytes bytes;
	uint64_t missed, seen = 0, lost = 0;
	const uint64_t before = t->count;

	assert_int_equal(tap_attach(t, &reader, snap), 0);
	for (unsigned int i = 1; i <= 60000; i++) {
		const struct tap_record *record;

		pass_one(t, i, &as_rewritten);
		if (i % every != 0)
			continue;
		while ((record = tap_read(t, &reader, &bytes, &missed)) != NULL) {
			lost += missed;
			seen++;
			assert_int_equal(record->number, before + seen + lost);
			assert_int_equal(record->destination.port, seen + lost);
		}
	}
	assert_int_equal(seen + lost, 60000);
	if (every == 1)
		assert_int_equal(lost, 0);
	else
		assert_true(lost > 0 && seen > 0);
	tap_detach(t);
}

static void test_ring_goes_round(void **state)
{
	struct daemon *d = *state;

	run_round(&d->tap, 0, 1);
	run_round(&d->tap, 77, 1);
	run_round(&d->tap, 0, 30000);
	run_round(&d->tap, 100, 30000);
}

static void test_each_reader_has_its_own_place(void **state)
{
	struct daemon *d = *state;
	struct tap_reader one, other;
	struct tap_bytes bytes;
	uint64_t missed;

	assert_int_equal(tap_attach(&d->tap, &one, 0), 0);
	pass_one(&d->tap, 1, &as_rewritten);
	assert_int_equal(tap_attach(&d->tap, &other, 0), 0);
	pass_one(&d->tap, 2, &as_rewritten);
	assert_int_equal(tap_read(&d->tap, &other, &bytes, &missed)->destination.port, 2);
	assert_int_equal(tap_read(&d->tap, &one, &bytes, &missed)->destination.port, 1);
	tap_detach(&d->tap);
	assert_non_null(d->tap.ring);
	assert_int_equal(tap_read(&d->tap, &one, &bytes, &missed)->destination.port, 2);
	tap_detach(&d->tap);
}

static void test_last_drops_are_kept_always(void **state)
{
	struct daemon *d = *state;
	const struct tap_record *drop;
	uint64_t next = 1;

	assert_null(tap_drop_from(&d->tap, 1));
	for (unsigned int i = 1; i <= TAP_DROPS + 7; i++)
		pass_one(&d->tap, i, &as_dropped);
	for (unsigned int i = 8; i <= TAP_DROPS + 7; i++) {
		drop = tap_drop_from(&d->tap, next);
		assert_int_equal(drop->number, i);
		assert_int_equal(drop->destination.port, i);
		assert_int_equal(drop->outcome.reason, REASON_FILTERED);
		next = drop->number + 1;
	}
	assert_null(tap_drop_from(&d->tap, next));
}

static void test_packet_that_is_none_is_not_parsed(void **state)
{
	struct daemon *d = *state;
	uint8_t bytes[3] = { 0 };
	struct packet pkt;

	packet_init(&pkt, bytes, sizeof(bytes), sizeof(bytes), false);
	assert_int_not_equal(packet_parse(&pkt), PACKET_OK);
	tap_left(&d->tap, &pkt, NAT_NOWHERE, &as_dropped);
	assert_false(tap_drop_from(&d->tap, 1)->parsed);
}

/* --- what a subscriber is sent -------------------------------------------------------------- */

static json_t *next_packet(struct stream *s, struct daemon *d)
{
	json_t *line, *params;
	size_t length;
	char *text = stream_next(s, d, &length);

	if (text == NULL)
		return NULL;
	assert_int_equal(text[length - 1], '\n');
	line = json_loadb(text, length, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(line, "method")), "trace.packet");
	params = json_incref(json_object_get(line, "params"));
	json_decref(line);
	free(text);
	return params;
}

static void assert_member(const json_t *object, const char *name, const char *text)
{
	assert_string_equal(json_string_value(json_object_get(object, name)), text);
}

/* The last drop: the first seven bytes of a header of that protocol, from no side we know. */
static json_t *drop_half(struct tap *t, uint8_t protocol)
{
	struct wire w = wire_tcp(ep("192.168.1.2:6789"), ep("203.0.113.10:53"), PACKET_TCP_SYN);
	struct packet pkt;

	w = wire_cut(w, wire_header(w) + 7);
	wire_put16(w.at + 2, (unsigned int)w.len);
	w.at[9] = protocol;
	packet_init(&pkt, w.at, w.len, w.len, false);
	tap_left(t, &pkt, NAT_NOWHERE, &as_dropped);
	return json_of_record(tap_drop_from(t, t->drop_count));
}

static void test_half_a_packet_has_its_addresses_and_no_more(void **state)
{
	static const uint8_t protocols[] = { PACKET_UDP, PACKET_TCP, PACKET_ICMP };
	struct daemon *d = *state;

	for (size_t i = 0; i < sizeof(protocols); i++) {
		json_t *packet = drop_half(&d->tap, protocols[i]);

		assert_int_equal(json_integer_value(json_object_get(packet, "ip_protocol")),
				 protocols[i]);
		assert_member(packet, "source", "192.168.1.2:0");
		assert_member(packet, "new_destination", "203.0.113.10:0");
		assert_true(json_is_null(json_object_get(packet, "flags")));
		assert_true(json_is_null(json_object_get(packet, "icmp")));
		json_decref(packet);
	}
}

static void test_trace_names_what_happened(void **state)
{
	struct stream_filter all = { 0 };
	struct daemon *d = *state;
	struct stream s = { 0 };
	json_t *packet;

	assert_int_equal(stream_trace(&s, d, &all), 0);
	assert_false(stream_has_more(&s, d));
	pass_one(&d->tap, 53, &as_dropped);
	assert_true(stream_has_more(&s, d));
	packet = next_packet(&s, d);
	assert_member(packet, "verdict", "dropped");
	assert_member(packet, "reason", "filtered");
	assert_member(packet, "knob", "udp.filtering");
	assert_member(packet, "from", "internal");
	assert_member(packet, "source", "192.168.1.2:6789");
	assert_int_equal(json_integer_value(json_object_get(packet, "mapping")), 3);
	assert_true(json_is_null(json_object_get(packet, "session")));
	json_decref(packet);
	assert_false(stream_has_more(&s, d));
	stream_end(&s, d);
}

/* Is a packet of outcome @outcome to port 53 shown with @filter? */
static bool is_shown(struct daemon *d, const struct stream_filter *filter,
		     const struct nat_outcome *outcome)
{
	struct stream s = { 0 };
	json_t *packet;

	assert_int_equal(stream_trace(&s, d, filter), 0);
	pass_one(&d->tap, 53, outcome);
	packet = next_packet(&s, d);
	json_decref(packet);
	assert_false(stream_has_more(&s, d));
	stream_end(&s, d);
	return packet != NULL;
}

static void test_filters(void **state)
{
	struct daemon *d = *state;
	struct stream_filter f = { .drops = true };
	static const char *const hosts[] = { "192.168.1.2:1", "203.0.113.10:1", "203.0.113.1:1" };

	assert_true(is_shown(d, &f, &as_dropped));
	assert_false(is_shown(d, &f, &as_rewritten));
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		f = (struct stream_filter){ .has_host = true, .host = ep(hosts[i]).addr };
		assert_true(is_shown(d, &f, &as_rewritten));
	}
	f.host = ep("192.168.1.3:1").addr;
	assert_false(is_shown(d, &f, &as_rewritten));
	f = (struct stream_filter){ .has_port = true, .port = 4000 };
	assert_true(is_shown(d, &f, &as_rewritten));
	assert_false(is_shown(d, &f, &as_dropped)); /* it never had that port */
	f = (struct stream_filter){ .has_protocol = true, .protocol = NAT_UDP };
	assert_true(is_shown(d, &f, &as_rewritten));
	f.protocol = NAT_TCP;
	assert_false(is_shown(d, &f, &as_rewritten));
	f = (struct stream_filter){ .has_reason = true, .reason = REASON_FILTERED };
	assert_true(is_shown(d, &f, &as_dropped));
	assert_false(is_shown(d, &f, &as_rewritten));
}

static void test_who_falls_behind_is_told(void **state)
{
	struct stream_filter all = { 0 };
	struct daemon *d = *state;
	struct stream s = { 0 };
	uint64_t missed;
	size_t length;
	json_t *line;
	char *text;

	assert_int_equal(stream_trace(&s, d, &all), 0);
	for (unsigned int i = 0; i < 60000; i++)
		pass_one(&d->tap, 53, &as_rewritten);
	text = stream_next(&s, d, &length);
	line = json_loadb(text, length, JSON_DISABLE_EOF_CHECK, NULL);
	assert_member(line, "method", "trace.missed");
	missed = (uint64_t)json_integer_value(
		json_object_get(json_object_get(line, "params"), "count"));
	assert_in_range(missed, 1000, 59999);
	json_decref(line);
	/* What follows are the packets after those, and no more than may be sent at once. */
	line = json_loads(strchr(text, '\n') + 1, JSON_DISABLE_EOF_CHECK, NULL);
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(line, "params"), "number")),
		missed + 1);
	json_decref(line);
	assert_in_range(length, 1, 64 * 1024);
	free(text);
	stream_end(&s, d);
}

static void test_events_are_told_from_where_one_asks(void **state)
{
	const struct nat_event event = { .type = EVENT_BLOCK_FREED, .knob = OPT_NONE };
	struct daemon *d = *state;
	struct stream s = { 0 };
	size_t length;
	char *text;

	assert_int_equal(event_ring_init(&d->nat.events, EVENT_RING), 0);
	for (int i = 0; i < 3; i++)
		event_add(&d->nat.events, &event);
	stream_events(&s, d, 0);
	assert_false(stream_has_more(&s, d));
	stream_events(&s, d, 2);
	text = stream_next(&s, d, &length);
	assert_non_null(text);
	assert_non_null(memmem(text, length, "\"number\":2", 10));
	assert_non_null(memmem(text, length, "\"number\":3", 10));
	free(text);
	assert_false(stream_has_more(&s, d));
	for (int i = 0; i < EVENT_RING + 5; i++)
		event_add(&d->nat.events, &event);
	text = stream_next(&s, d, &length);
	assert_non_null(memmem(text, length, "\"events.missed\",\"params\":{\"count\":5}", 35));
	free(text);
	stream_end(&s, d);
	event_ring_fini(&d->nat.events);
}

static void test_flows_are_written_down_while_somebody_listens(void **state)
{
	const struct nat_event event = { .type = EVENT_MAPPING_ENDED, .cause = CAUSE_EXPIRED };
	struct daemon *d = *state;
	struct stream s = { 0 };
	size_t length;
	char *text;

	assert_int_equal(event_ring_init(&d->nat.flows, 16), 0);
	event_add(&d->nat.flows, &event);
	stream_flows(&s, d);
	assert_int_equal(d->nat.listeners.mappings, 1);
	assert_int_equal(d->nat.listeners.sessions, 1);
	assert_false(stream_has_more(&s, d)); /* what was before is not told */
	event_add(&d->nat.flows, &event);
	text = stream_next(&s, d, &length);
	assert_non_null(memmem(text, length, "\"number\":2", 10));
	assert_non_null(memmem(text, length, "expired", 7));
	free(text);
	stream_end(&s, d);
	assert_int_equal(d->nat.listeners.mappings, 0);
	assert_int_equal(d->nat.listeners.sessions, 0);
	event_ring_fini(&d->nat.flows);
}

#define tap_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		tap_test(test_nobody_looks_on_and_nothing_is_kept),
		tap_test(test_record_has_both_tuples),
		tap_test(test_bytes_are_kept_as_they_came_and_as_they_left),
		tap_test(test_ring_goes_round),
		tap_test(test_each_reader_has_its_own_place),
		tap_test(test_last_drops_are_kept_always),
		tap_test(test_packet_that_is_none_is_not_parsed),
		tap_test(test_trace_names_what_happened),
		tap_test(test_half_a_packet_has_its_addresses_and_no_more),
		tap_test(test_filters),
		tap_test(test_who_falls_behind_is_told),
		tap_test(test_events_are_told_from_where_one_asks),
		tap_test(test_flows_are_written_down_while_somebody_listens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
