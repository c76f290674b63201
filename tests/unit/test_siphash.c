/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The values below were made with CPython 3.11, whose bytes hash is SipHash-1-3 too: key 0 by
 * PYTHONHASHSEED=0. The first of all, with key and no bytes, is the published test vector.
 */
#include "tests/unit/lab.h"

static const struct siphash_key zero = { { 0, 0 } };

static uint8_t counting[64];

static void test_values_of_another_implementation(void **state)
{
	static const struct siphash_key published = { { 0x0706050403020100, 0x0f0e0d0c0b0a0908 } };
	uint8_t many[1000];

	(void)state;
	memset(many, 'x', sizeof(many));
	for (size_t i = 0; i < sizeof(counting); i++)
		counting[i] = (uint8_t)i;
	assert_true(siphash(&published, "", 0) == 0xabac0158050fc4dc);
	assert_true(siphash(&zero, "a", 1) == 0x407448d2b89b1813);
	assert_true(siphash(&zero, "natem", 5) == 0xe43d16082997887e);
	assert_true(siphash(&zero, "12345678", 8) == 0x3489982430560a87);
	assert_true(siphash(&zero, "123456789", 9) == 0x0fbc0f0007965fcf);
	assert_true(siphash(&zero, counting, 15) == 0xf30eb725bb91c9ea);
	assert_true(siphash(&zero, counting, 40) == 0x95bc321ab41d8206);
	assert_true(siphash(&zero, many, sizeof(many)) == 0x1b47c0cc4dd21f05);
}

static void test_length_counts_where_bytes_are_zero(void **state)
{
	static const uint8_t none[64];

	(void)state;
	for (size_t a = 0; a < sizeof(none); a++)
		for (size_t b = 0; b < a; b++)
			assert_true(siphash(&zero, none, a) != siphash(&zero, none, b));
}

static void test_place_in_memory_does_not_matter(void **state)
{
	uint8_t bytes[80];

	(void)state;
	for (size_t at = 0; at < 8; at++) {
		memset(bytes, 0xa5, sizeof(bytes));
		memcpy(bytes + at, counting, 40);
		assert_true(siphash(&zero, bytes + at, 40) == siphash(&zero, counting, 40));
	}
}

/* One bit of the key or of the bytes turns about half of the result. */
static void test_every_bit_of_input_reaches_half_of_the_output(void **state)
{
	struct siphash_key key = { { 0x1122334455667788, 0x99aabbccddeeff00 } };
	uint64_t whole = siphash(&key, counting, 24);
	unsigned int turned = 0, bits = 0;

	(void)state;
	for (size_t i = 0; i < 24 * 8; i++, bits++) {
		uint8_t bytes[24];

		memcpy(bytes, counting, 24);
		bytes[i / 8] ^= (uint8_t)(1 << (i % 8));
		turned += (unsigned int)__builtin_popcountll(siphash(&key, bytes, 24) ^ whole);
	}
	for (size_t i = 0; i < 128; i++, bits++) {
		struct siphash_key other = key;

		other.k[i / 64] ^= 1ULL << (i % 64);
		turned += (unsigned int)__builtin_popcountll(siphash(&other, counting, 24) ^ whole);
	}
	assert_in_range(turned, bits * 30, bits * 34);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values_of_another_implementation),
		cmocka_unit_test(test_length_counts_where_bytes_are_zero),
		cmocka_unit_test(test_place_in_memory_does_not_matter),
		cmocka_unit_test(test_every_bit_of_input_reaches_half_of_the_output),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
