/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "tests/unit/lab.h"

static struct addr address(const char *text)
{
	struct addr a;

	if (addr_parse(text, &a) != 0)
		fail_msg("'%s' is an address", text);
	return a;
}

static const char *text_of(struct addr a)
{
	static char buf[ADDR_TEXT_MAX];

	return addr_format(&a, buf);
}

static void test_ip4_lies_v4_mapped(void **state)
{
	static const uint8_t mapped[16] = {
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 168, 1, 2
	};
	struct addr a = addr_from_ip4(0xc0a80102);

	(void)state;
	assert_memory_equal(a.b, mapped, 16);
	assert_int_equal(addr_ip4(&a), 0xc0a80102);
	assert_true(addr_is_ip4(&a));
	a = addr_from_ip4(0xfffefdfc);
	assert_int_equal(addr_ip4(&a), 0xfffefdfc);
}

static void test_addresses_are_written_and_read_back(void **state)
{
	static const char *const texts[] = {
		"0.0.0.0",
		"1.2.3.4",
		"255.255.255.255",
		"192.168.1.2",
		"::",
		"::1",
		"2001:db8::1",
		"2001:db8:1:2:3:4:5:6",
		"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		"64:ff9b::c000:201",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_string_equal(text_of(address(texts[i])), texts[i]);
		assert_int_equal(strchr(texts[i], '.') != NULL,
				 addr_is_ip4(&(struct addr[]){ address(texts[i]) }[0]));
	}
	assert_string_equal(text_of(address("::ffff:10.0.0.1")), "10.0.0.1");
}

static void test_what_is_no_address_is_refused(void **state)
{
	static const char *const texts[] = {
		"",	     "1.2.3",	 "1.2.3.4.5",	"256.1.1.1",  "1.2.3.04",
		"1.2.3.4 ",  " 1.2.3.4", "1.2.3.-4",	"1.2.3.4:80", "example",
		"1.2.3.x",   ":::",	 "2001:db8::g", "[::1]",      "1.2.3.4\n",
		"0x1.2.3.4", "16909060",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct addr a = addr_from_ip4(42);

		assert_int_equal(addr_parse(texts[i], &a), -EINVAL);
		assert_int_equal(addr_ip4(&a), 42);
	}
}

static void test_order_is_that_of_unsigned_bytes(void **state)
{
	struct addr low = address("1.2.3.4"), high = address("200.2.3.4"),
		    v6 = address("2001:db8::1");

	(void)state;
	assert_true(addr_compare(&low, &high) < 0);
	assert_true(addr_compare(&high, &low) > 0);
	assert_int_equal(addr_compare(&low, &low), 0);
	assert_true(addr_compare(&low, &v6) < 0);
	assert_true(addr_equal(&low, &(struct addr[]){ address("1.2.3.4") }[0]));
	assert_false(addr_equal(&low, &high));
	low.b[0] = 1;
	assert_false(addr_is_ip4(&low));
}

static void test_rfc1812_unicast(void **state)
{
	static const struct {
		const char *text;
		bool unicast;
	} rows[] = {
		{ "0.0.0.0", false },	 { "0.255.255.255", false },
		{ "1.0.0.0", true },	 { "126.255.255.255", true },
		{ "127.0.0.0", false },	 { "127.255.255.255", false },
		{ "128.0.0.0", true },	 { "223.255.255.255", true },
		{ "224.0.0.0", false },	 { "239.255.255.255", false },
		{ "240.0.0.0", false },	 { "255.255.255.255", false },
		{ "192.168.1.2", true }, { "2001:db8::1", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct addr a = address(rows[i].text);

		if (addr_is_unicast(&a) != rows[i].unicast)
			fail_msg("%s", rows[i].text);
	}
}

static void test_endpoints_are_written_and_read_back(void **state)
{
	static const char *const texts[] = {
		"192.168.1.2:6789", "0.0.0.0:0", "255.255.255.255:65535",
		"[2001:db8::1]:80", "[::]:1",	 "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char buf[ENDPOINT_TEXT_MAX];
		struct endpoint e;

		assert_int_equal(endpoint_parse(texts[i], &e), 0);
		assert_string_equal(endpoint_format(&e, buf), texts[i]);
	}
}

static void test_what_is_no_endpoint_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"1.2.3.4",
		"1.2.3.4:",
		"1.2.3.4:65536",
		"1.2.3.4:-1",
		"1.2.3.4:+1",
		"1.2.3.4: 1",
		"1.2.3.4:1 ",
		"1.2.3.4:0x10",
		":80",
		"1.2.3:80",
		"[1.2.3.4]:80",
		"2001:db8::1",
		"2001:db8::1:80",
		"[2001:db8::1]",
		"[2001:db8::1]80",
		"[2001:db8::1:80",
		"2001:db8::1]:80",
		"[]:80",
		"[:80",
		"[[::1]]:80",
		"1.2.3.4:99999999999999999999",
		"[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.2555]:1",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct endpoint e = ep("9.9.9.9:9");

		if (endpoint_parse(texts[i], &e) != -EINVAL)
			fail_msg("'%s' was read", texts[i]);
		assert_endpoint(e, "9.9.9.9:9");
	}
}

static void test_endpoints_are_equal_in_both_parts(void **state)
{
	struct endpoint a = ep("1.2.3.4:5"), b = a;

	(void)state;
	assert_true(endpoint_equal(&a, &b));
	b.port = 6;
	assert_false(endpoint_equal(&a, &b));
	b = ep("1.2.3.5:5");
	assert_false(endpoint_equal(&a, &b));
}

static void test_ranges_are_read(void **state)
{
	static const struct {
		const char *text, *first, *last;
	} rows[] = {
		{ "203.0.113.1", "203.0.113.1", "203.0.113.1" },
		{ "203.0.113.1-203.0.113.9", "203.0.113.1", "203.0.113.9" },
		{ "203.0.113.1-203.0.113.1", "203.0.113.1", "203.0.113.1" },
		{ "203.0.113.77/24", "203.0.113.0", "203.0.113.255" },
		{ "203.0.113.9/31", "203.0.113.8", "203.0.113.9" },
		{ "203.0.113.9/32", "203.0.113.9", "203.0.113.9" },
		{ "203.0.113.9/1", "128.0.0.0", "255.255.255.255" },
		{ "203.0.113.9/0", "0.0.0.0", "255.255.255.255" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct addr_range r;

		assert_int_equal(addr_range_parse(rows[i].text, &r), 0);
		assert_string_equal(text_of(r.first), rows[i].first);
		assert_string_equal(text_of(r.last), rows[i].last);
	}
}

static void test_what_is_no_range_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"-",
		"/",
		"1.2.3.4-",
		"-1.2.3.4",
		"1.2.3.4/",
		"/24",
		"1.2.3.4/33",
		"1.2.3.4/-1",
		"1.2.3.4/2x",
		"1.2.3.4-1.2.3.3",
		"1.2.3.4-1.2.3.4-1.2.3.5",
		"1.2.3.4/24-1.2.3.5",
		"1.2.3.4-1.2.3.5/24",
		"::1",
		"::1-::2",
		"::1/64",
		"1.2.3.4-::1",
		"1.2.3.4 -1.2.3.5",
		"1111111111111111111111111111111111111111111111111/8",
		"1111111111111111111111111111111111111111111111111-1.2.3.4",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct addr_range r = { .first = addr_from_ip4(42), .last = addr_from_ip4(43) };

		if (addr_range_parse(texts[i], &r) != -EINVAL)
			fail_msg("'%s' was read", texts[i]);
		assert_int_equal(addr_ip4(&r.first), 42);
		assert_int_equal(addr_ip4(&r.last), 43);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ip4_lies_v4_mapped),
		cmocka_unit_test(test_addresses_are_written_and_read_back),
		cmocka_unit_test(test_what_is_no_address_is_refused),
		cmocka_unit_test(test_order_is_that_of_unsigned_bytes),
		cmocka_unit_test(test_rfc1812_unicast),
		cmocka_unit_test(test_endpoints_are_written_and_read_back),
		cmocka_unit_test(test_what_is_no_endpoint_is_refused),
		cmocka_unit_test(test_endpoints_are_equal_in_both_parts),
		cmocka_unit_test(test_ranges_are_read),
		cmocka_unit_test(test_what_is_no_range_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
