/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/daemon/nattime.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>

void nattime_init(struct nattime *t, struct mono real)
{
	*t = (struct nattime){ .real = real, .nat = real, .scale = NATTIME_REAL_SPEED };
}

struct mono nattime_at(const struct nattime *t, struct mono real)
{
	int64_t passed = real.ms - t->real.ms;

	if (t->frozen || passed <= 0)
		return t->nat;
	if (passed / 1000 >= INT64_MAX / t->scale)
		return MONO_NEVER;
	/* In two parts, so that the product does not run over: exact, rounded down. */
	return mono_add_ms(t->nat, passed / 1000 * t->scale + passed % 1000 * t->scale / 1000);
}

struct mono nattime_wake(const struct nattime *t, struct mono due)
{
	int64_t left = due.ms - t->nat.ms;

	if (mono_reached(t->nat, due))
		return t->real;
	if (t->frozen || due.ms == MONO_NEVER.ms || left / t->scale >= INT64_MAX / 1000 - 1)
		return MONO_NEVER;
	/* Rounded up: one millisecond early would find nothing due. */
	return mono_add_ms(t->real, left / t->scale * 1000 +
					    (left % t->scale * 1000 + t->scale - 1) / t->scale);
}

void nattime_advance(struct nattime *t, int64_t ms)
{
	t->nat = mono_add_ms(t->nat, ms);
}

/* Count from here on. */
static void rebase(struct nattime *t, struct mono real)
{
	t->nat = nattime_at(t, real);
	t->real = real;
}

void nattime_scale(struct nattime *t, uint32_t scale, struct mono real)
{
	rebase(t, real);
	t->scale = scale;
}

void nattime_freeze(struct nattime *t, struct mono real)
{
	rebase(t, real);
	t->frozen = true;
}

void nattime_resume(struct nattime *t, struct mono real)
{
	rebase(t, real);
	t->frozen = false;
}

/* The digits at @text, at most @most of them, as a number; moves @text past them. */
static uint32_t read_digits(const char **text, int most, int *count)
{
	uint32_t n = 0;

	for (*count = 0; *count < most && isdigit((unsigned char)**text); (*count)++)
		n = n * 10 + (uint32_t)(*(*text)++ - '0');
	return n;
}

int nattime_parse_scale(const char *text, uint32_t *scale)
{
	uint32_t whole, fraction = 0;
	int digits, places = 0;

	whole = read_digits(&text, 6, &digits);
	if (digits == 0)
		return -EINVAL;
	if (*text == '.') {
		text++;
		fraction = read_digits(&text, 3, &places);
		if (places == 0)
			return -EINVAL;
	}
	for (; places < 3; places++)
		fraction *= 10;
	whole = whole * 1000 + fraction;
	if (*text != '\0' || whole < NATTIME_SCALE_LEAST || whole > NATTIME_SCALE_MOST)
		return -EINVAL;
	*scale = whole;
	return 0;
}

const char *nattime_format_scale(uint32_t scale, char *buf)
{
	int length = snprintf(buf, NATTIME_SCALE_TEXT, "%u.%03u", scale / 1000, scale % 1000);

	while (buf[length - 1] == '0')
		buf[--length] = '\0';
	if (buf[length - 1] == '.')
		buf[--length] = '\0';
	return buf;
}
