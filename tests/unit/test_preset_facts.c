/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is known of each device that has a preset, written from what is known and not from the
 * preset: its values are those of its sources, in their terms. A preset is read as it is in force,
 * with what it has from its base and from the defaults.
 */
#include "tests/unit/lab.h"

/* What is not given here, nobody says. */
struct facts {
	const char *preset;
	const char *same_as; /* another preset that it is until somebody knows better */
	/* Of UDP, TCP and ICMP. */
	const char *mapping[NAT_OTHER], *filtering[NAT_OTHER];
	const char *ports[NAT_OTHER], *overlap[NAT_OTHER];
	const char *hairpin;
	unsigned int timers_s[TIMEOUT_PORT];
	const char *more; /* "knob=value knob=value" */
};

#define EACH(value)                 \
	{                           \
		value, value, value \
	}
#define PORTS(value)               \
	{                          \
		value, value, NULL \
	}
#define UDP_S(s)  [TIMEOUT_UDP_UNREPLIED] = (s), [TIMEOUT_UDP] = (s)
#define ICMP_S(s) [TIMEOUT_ICMP] = (s)
#define TCP_S(established, transitory)                                                   \
	[TIMEOUT_TCP_ESTABLISHED] = (established), [TIMEOUT_TCP_OPENING] = (transitory), \
	[TIMEOUT_TCP_CLOSING] = (transitory), [TIMEOUT_TCP_RESET] = (transitory),        \
	[TIMEOUT_TCP_TIME_WAIT] = (transitory)
/* RFC 4787 REQ-5c, RFC 5382 REQ-5, RFC 5508 REQ-2. */
#define RFC_TIMERS UDP_S(300), TCP_S(7440, 240), ICMP_S(60)

/* clang-format off */
/* SYN_SENT 120; LAST_ACK, where both FINs were seen, 30; CLOSE, after a RST, 10. */
#define LINUX_TIMERS \
	[TIMEOUT_UDP_UNREPLIED] = 30, [TIMEOUT_UDP] = 120, \
	[TIMEOUT_TCP_ESTABLISHED] = 432000, [TIMEOUT_TCP_OPENING] = 120, \
	[TIMEOUT_TCP_CLOSING] = 30, [TIMEOUT_TCP_TIME_WAIT] = 120, [TIMEOUT_TCP_RESET] = 10, \
	ICMP_S(30)
/* The first packet and what goes both ways are 60; finwait is where both FINs were seen, closed
 * where both are acknowledged or a RST was seen. */
#define PF_TIMERS \
	UDP_S(60), [TIMEOUT_TCP_ESTABLISHED] = 86400, [TIMEOUT_TCP_OPENING] = 30, \
	[TIMEOUT_TCP_CLOSING] = 45, [TIMEOUT_TCP_TIME_WAIT] = 90, [TIMEOUT_TCP_RESET] = 90, \
	ICMP_S(20)
#define GCP_TIMERS \
	UDP_S(30), [TIMEOUT_TCP_ESTABLISHED] = 1200, [TIMEOUT_TCP_OPENING] = 30, \
	[TIMEOUT_TCP_CLOSING] = 30, [TIMEOUT_TCP_TIME_WAIT] = 120, [TIMEOUT_TCP_RESET] = 30, \
	ICMP_S(30)

static const struct facts known[] = {
	{ .preset = "home", .mapping = EACH("eim"), .filtering = EACH("apdf"),
	  .ports = EACH("random"), .overlap = EACH("off"), .hairpin = "external-source",
	  .timers_s = { RFC_TIMERS },
	  .more = "udp.port-range=1024-65535 tcp.port-range=1024-65535 udp.range-class=keep "
		  "nat.pooling=paired nat.protocol-scope=per-protocol nat.blocks=off "
		  "udp.refresh=outbound udp.port-reuse-delay=0s tcp.port-reuse-delay=0s "
		  "tcp.unsolicited-syn=hold tcp.syn-hold=6s nat.on-full=icmp13 "
		  "icmp.errors=translate fragments.mode=any-order nat.ip-id=rewrite" },
	{ .preset = "full-cone", .mapping = EACH("eim"), .filtering = EACH("eif") },
	{ .preset = "restricted-cone", .mapping = EACH("eim"), .filtering = EACH("adf") },
	{ .preset = "port-restricted-cone", .mapping = EACH("eim"), .filtering = EACH("apdf") },
	{ .preset = "symmetric", .mapping = EACH("apdm"), .filtering = EACH("apdf") },

	{ .preset = "linux-masquerade", .mapping = EACH("eim"), .filtering = EACH("apdf"),
	  .ports = EACH("preserve"), .overlap = EACH("on"), .hairpin = "off",
	  .timers_s = { LINUX_TIMERS },
	  .more = "udp.range-class=linux tcp.range-class=linux udp.port-range=1-65535 "
		  "tcp.port-range=1-65535 icmp.port-range=1-65535 tcp.non-syn=pick-up" },
	{ .preset = "linux-masquerade-random", .mapping = EACH("apdm"), .filtering = EACH("apdf"),
	  .ports = EACH("random"), .overlap = EACH("on"), .hairpin = "off",
	  .timers_s = { LINUX_TIMERS },
	  .more = "udp.range-class=linux tcp.range-class=linux udp.port-range=1-65535 "
		  "tcp.port-range=1-65535 tcp.non-syn=pick-up" },
	{ .preset = "docker-bridge", .same_as = "linux-masquerade" },
	{ .preset = "pf", .mapping = EACH("apdm"), .filtering = EACH("apdf"),
	  .ports = EACH("random"), .overlap = EACH("on"), .hairpin = "off",
	  .timers_s = { PF_TIMERS },
	  .more = "udp.port-range=50001-65535 tcp.port-range=50001-65535 icmp.port-range=1-65535 "
		  "udp.random=simple tcp.random=simple nat.pooling=soft-paired" },
	{ .preset = "pf-static-port", .mapping = EACH("eim"), .filtering = EACH("apdf"),
	  .ports = EACH("preserve-only"), .overlap = EACH("on"), .hairpin = "off",
	  .timers_s = { PF_TIMERS },
	  .more = "udp.port-range=1-65535 tcp.port-range=1-65535" },
	{ .preset = "pf-endpoint-independent", .mapping = { "eim", "apdm", "apdm" },
	  .filtering = EACH("apdf"), .ports = EACH("random"), .hairpin = "off",
	  .timers_s = { PF_TIMERS },
	  .more = "udp.port-range=50001-65535 tcp.port-range=50001-65535" },
	/* Initial 300; dead, by two FINs, 10; closed by one side, as by a RST, 90. */
	{ .preset = "ipfw", .mapping = EACH("eim"), .filtering = EACH("apdf"),
	  .ports = EACH("preserve"), .overlap = EACH("on"), .hairpin = "off",
	  .timers_s = { UDP_S(60), [TIMEOUT_TCP_ESTABLISHED] = 86400, [TIMEOUT_TCP_OPENING] = 300,
			[TIMEOUT_TCP_CLOSING] = 10, [TIMEOUT_TCP_TIME_WAIT] = 10,
			[TIMEOUT_TCP_RESET] = 90, ICMP_S(60) } },
	{ .preset = "cisco-ios-pat", .mapping = EACH("eim"), .filtering = EACH("apdf"),
	  .ports = EACH("preserve"), .hairpin = "off",
	  .timers_s = { UDP_S(300), TCP_S(86400, 60), ICMP_S(60) },
	  .more = "udp.range-class=cisco tcp.range-class=cisco udp.port-range=1-65535 "
		  "tcp.port-range=1-65535 udp.port-timeouts=53=60s" },
	{ .preset = "cgn-rfc6888", .mapping = EACH("eim"), .filtering = EACH("eif"),
	  .ports = EACH("random"), .overlap = EACH("off"), .hairpin = "external-source",
	  .timers_s = { RFC_TIMERS },
	  .more = "nat.blocks=dynamic nat.pooling=paired udp.port-reuse-delay=120s "
		  "tcp.port-reuse-delay=120s icmp.port-reuse-delay=120s nat.on-full=icmp1" },
	{ .preset = "vpp-nat44-ed", .mapping = EACH("apdm"), .filtering = EACH("apdf"),
	  .overlap = EACH("on"), .hairpin = "external-source", .timers_s = { RFC_TIMERS } },
	{ .preset = "windows-winnat", .mapping = EACH("eim"), .filtering = PORTS("adf"),
	  .hairpin = "off", .timers_s = { UDP_S(120), TCP_S(1800, 120), ICMP_S(30) },
	  .more = "udp.refresh=outbound" },
	{ .preset = "windows-ics", .same_as = "windows-winnat" },
	{ .preset = "aws-nat-gw", .mapping = EACH("apdm"), .filtering = EACH("apdf"),
	  .hairpin = "off", .timers_s = { UDP_S(350), TCP_S(350, 350), ICMP_S(350) },
	  .more = "udp.port-range=1024-65535 tcp.port-range=1024-65535 tcp.non-syn=reset "
		  "fragments.mode=any-order udp.fragments=on tcp.fragments=off icmp.fragments=off" },
	{ .preset = "gcp-nat-eim", .mapping = EACH("eim"), .filtering = EACH("apdf"),
	  .hairpin = "off", .timers_s = { GCP_TIMERS },
	  .more = "nat.blocks=dynamic nat.block-size=64 nat.blocks-per-host=1" },
	{ .preset = "gcp-nat-dynamic", .mapping = EACH("apdm"), .filtering = EACH("apdf"),
	  .hairpin = "off", .timers_s = { GCP_TIMERS },
	  .more = "nat.blocks=dynamic nat.block-size=32 nat.blocks-per-host=8" },
	{ .preset = "azure-nat-gw", .mapping = EACH("apdm"), .filtering = EACH("apdf"),
	  .ports = PORTS("random"), .overlap = PORTS("on"), .hairpin = "off",
	  .timers_s = { UDP_S(240), [TIMEOUT_TCP_ESTABLISHED] = 240 },
	  .more = "udp.port-range=1024-65535 tcp.port-range=1024-65535 udp.port-reuse-delay=65s "
		  "tcp.port-reuse-delay=65s tcp.non-syn=reset icmp.queries=none "
		  "fragments.mode=drop" },
	{ .preset = "home-full-cone", .mapping = EACH("eim"), .filtering = EACH("eif"),
	  .ports = EACH("preserve"), .overlap = EACH("off"), .hairpin = "external-source",
	  .timers_s = { RFC_TIMERS } },
	{ .preset = "einat", .mapping = EACH("eim"), .filtering = EACH("eif"),
	  .ports = EACH("preserve"), .overlap = EACH("off"), .hairpin = "external-source",
	  .timers_s = { [TIMEOUT_UDP_UNREPLIED] = 120, [TIMEOUT_UDP] = 300, TCP_S(7440, 240),
			ICMP_S(300) },
	  .more = "nat.on-full=drop udp.refresh=outbound icmp.refresh=both udp.range-class=ignore "
		  "tcp.range-class=ignore tcp.unsolicited-syn=drop fragments.mode=in-order" },
	{ .preset = "libslirp", .mapping = { "eim", "apdm", NULL },
	  .filtering = { "eif", NULL, NULL }, .ports = PORTS("random"), .hairpin = "off",
	  .timers_s = { UDP_S(240) }, .more = "udp.port-timeouts=53=10s" },
	{ .preset = "passt", .mapping = { "apdm", "apdm", NULL }, .filtering = PORTS("apdf"),
	  .ports = { "preserve", "random", NULL }, .hairpin = "off",
	  .timers_s = { UDP_S(180), [TIMEOUT_TCP_ESTABLISHED] = 7200, [TIMEOUT_TCP_OPENING] = 10,
			[TIMEOUT_TCP_CLOSING] = 60, ICMP_S(60) } },

	{ .preset = "behave-strict", .mapping = EACH("eim"), .filtering = EACH("eif"),
	  .ports = EACH("random"), .overlap = EACH("off"), .hairpin = "external-source",
	  .timers_s = { RFC_TIMERS }, .more = "udp.range-class=keep tcp.range-class=keep" },
	{ .preset = "symmetric-hard", .mapping = EACH("apdm"), .filtering = EACH("apdf"),
	  .ports = EACH("random"), .hairpin = "off",
	  .timers_s = { UDP_S(120), TCP_S(7440, 240), ICMP_S(60) } },
	/* RFC 4787 REQ-3, REQ-9a, REQ-12b, REQ-14; RFC 5382 REQ-4; RFC 5508 REQ-8; RFC 6864. */
	{ .preset = "bad-box", .ports = EACH("overload"), .hairpin = "internal-source",
	  .more = "icmp.errors=drop fragments.mode=drop tcp.unsolicited-syn=reset "
		  "nat.on-full=drop nat.ip-id=keep udp.kill-on-unsolicited=on "
		  "tcp.kill-on-unsolicited=on icmp.kill-on-unsolicited=on" },
};
/* clang-format on */

static struct options with_preset(const char *name)
{
	struct options o;

	options_init(&o);
	lab_value(&o, presets_key, name);
	return o;
}

static enum option_id knob_of(const char *key)
{
	for (unsigned int id = 0; id < OPTION_COUNT; id++)
		if (strcmp(option_spec((enum option_id)id)->key, key) == 0)
			return (enum option_id)id;
	fail_msg("no knob '%s'", key);
	return OPT_NONE;
}

/* Setting what is wanted must change nothing, however it is written. */
static void check_value(const struct options *o, const char *preset, const char *key,
			const char *wanted)
{
	struct options same = *o;
	char text[OPTIONS_TEXT_MAX];

	lab_value(&same, key, wanted);
	if (memcmp(&same, o, sizeof(same)) != 0)
		fail_msg("%s: %s is %s, not %s", preset, key, options_format(o, knob_of(key), text),
			 wanted);
}

static void check_protocols(const struct options *o, const char *preset, enum option_id udp_knob,
			    const char *const wanted[NAT_OTHER])
{
	for (int p = 0; p < NAT_OTHER; p++)
		if (wanted[p] != NULL)
			check_value(o, preset,
				    option_spec(option_of(udp_knob, (enum nat_protocol)p))->key,
				    wanted[p]);
}

/* The knob that says so first; it may be left to another. */
static const char *timer_name(int class)
{
	static const enum option_id knobs[TIMEOUT_PORT] = {
		[TIMEOUT_UDP] = OPT_UDP_TIMEOUT,
		[TIMEOUT_UDP_UNREPLIED] = OPT_UDP_TIMEOUT_UNREPLIED,
		[TIMEOUT_TCP_ESTABLISHED] = OPT_TCP_TIMEOUT_ESTABLISHED,
		[TIMEOUT_TCP_OPENING] = OPT_TCP_TIMEOUT_OPENING,
		[TIMEOUT_TCP_CLOSING] = OPT_TCP_TIMEOUT_CLOSING,
		[TIMEOUT_TCP_RESET] = OPT_TCP_TIMEOUT_RESET,
		[TIMEOUT_TCP_TIME_WAIT] = OPT_TCP_TIMEOUT_TIME_WAIT,
		[TIMEOUT_ICMP] = OPT_ICMP_TIMEOUT,
		[TIMEOUT_OTHER] = OPT_OTHER_TIMEOUT,
	};

	return option_spec(knobs[class])->key;
}

static void check_timers(const struct options *o, const struct facts *facts)
{
	for (int class = 0; class < TIMEOUT_PORT; class ++) {
		int64_t ms = options_timeout_ms(o, (enum timeout_class) class);

		if (facts->timers_s[class] != 0 && ms != facts->timers_s[class] * 1000LL)
			fail_msg("%s: %s is %lld ms, not %u s", facts->preset, timer_name(class),
				 (long long)ms, facts->timers_s[class]);
	}
}

static void check_more(const struct options *o, const struct facts *facts)
{
	char copy[512], *rest = copy, *key;

	if (facts->more == NULL)
		return;
	assert_in_range(strlen(facts->more), 1, sizeof(copy) - 1);
	strcpy(copy, facts->more);
	while ((key = strsep(&rest, " ")) != NULL) {
		char *value = strchr(key, '=');

		assert_non_null(value);
		*value++ = '\0';
		check_value(o, facts->preset, key, value);
	}
}

static void test_presets_are_what_is_known_of_their_devices(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		const struct facts *facts = &known[i];
		struct options o = with_preset(facts->preset);

		check_protocols(&o, facts->preset, OPT_UDP_MAPPING, facts->mapping);
		check_protocols(&o, facts->preset, OPT_UDP_FILTERING, facts->filtering);
		check_protocols(&o, facts->preset, OPT_UDP_PORTS, facts->ports);
		check_protocols(&o, facts->preset, OPT_UDP_PORT_OVERLAP, facts->overlap);
		if (facts->hairpin != NULL)
			check_value(&o, facts->preset, "nat.hairpin", facts->hairpin);
		check_timers(&o, facts);
		check_more(&o, facts);
	}
}

static void test_presets_without_facts_are_another_that_has_some(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		struct options o = with_preset(known[i].preset), other;

		if (known[i].same_as == NULL)
			continue;
		other = with_preset(known[i].same_as);
		assert_memory_equal(&o, &other, sizeof(o));
	}
}

static void test_every_preset_has_its_facts(void **state)
{
	unsigned int count = 0;

	(void)state;
	for (; preset_spec(count) != NULL; count++) {
		assert_in_range(count, 0, sizeof(known) / sizeof(known[0]) - 1);
		assert_string_equal(known[count].preset, preset_spec(count)->name);
	}
	assert_int_equal(count, sizeof(known) / sizeof(known[0]));
}

/* A popular name says how a NAT maps and filters; in all else it is what the RFCs ask. */
static void test_popular_names_say_nothing_else(void **state)
{
	static const char *const names[] = { "full-cone", "restricted-cone", "port-restricted-cone",
					     "symmetric" };
	struct options home = with_preset("home");

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct options o = with_preset(names[i]);

		for (int p = 0; p < NAT_OTHER; p++) {
			o.protocol[p].mapping = home.protocol[p].mapping;
			o.protocol[p].filtering = home.protocol[p].filtering;
		}
		assert_memory_equal(&o, &home, sizeof(o));
	}
}

/* RFC 6888 REQ-4: each subscriber has an end. */
static void test_carrier_grade_limits_each_host(void **state)
{
	struct options o = with_preset("cgn-rfc6888");

	(void)state;
	assert_true(o.max_mappings_per_host > 0);
	assert_true(o.max_sessions_per_host >= o.max_mappings_per_host);
	assert_true(o.blocks.size * o.blocks.per_host >= o.max_mappings_per_host);
}

/* RFC 4787 REQ-5, RFC 5382 REQ-5, RFC 5508 REQ-2. */
static void test_bad_box_forgets_sooner_than_the_rfcs_allow(void **state)
{
	struct options o = with_preset("bad-box");

	(void)state;
	assert_true(options_timeout_ms(&o, TIMEOUT_UDP) < 120000);
	assert_true(options_timeout_ms(&o, TIMEOUT_UDP_UNREPLIED) < 120000);
	assert_true(options_timeout_ms(&o, TIMEOUT_TCP_OPENING) < 240000);
	assert_true(options_timeout_ms(&o, TIMEOUT_TCP_CLOSING) < 240000);
	assert_true(options_timeout_ms(&o, TIMEOUT_TCP_RESET) < 240000);
	assert_true(options_timeout_ms(&o, TIMEOUT_ICMP) < 60000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_presets_are_what_is_known_of_their_devices),
		cmocka_unit_test(test_presets_without_facts_are_another_that_has_some),
		cmocka_unit_test(test_every_preset_has_its_facts),
		cmocka_unit_test(test_popular_names_say_nothing_else),
		cmocka_unit_test(test_carrier_grade_limits_each_host),
		cmocka_unit_test(test_bad_box_forgets_sooner_than_the_rfcs_allow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
