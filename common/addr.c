/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool addr_is_unicast(const struct addr *a)
{
	uint8_t top = a->b[12];

	return addr_is_ip4(a) && top != 0 && top != 127 && top < 224;
}

const char *addr_format(const struct addr *a, char *buf)
{
	if (addr_is_ip4(a))
		inet_ntop(AF_INET, a->b + 12, buf, ADDR_TEXT_MAX);
	else
		inet_ntop(AF_INET6, a->b, buf, ADDR_TEXT_MAX);
	return buf;
}

const char *endpoint_format(const struct endpoint *e, char *buf)
{
	char text[ADDR_TEXT_MAX];
	const char *form = addr_is_ip4(&e->addr) ? "%s:%u" : "[%s]:%u";

	snprintf(buf, ENDPOINT_TEXT_MAX, form, addr_format(&e->addr, text), e->port);
	return buf;
}

int addr_parse(const char *text, struct addr *a)
{
	struct in_addr in4;
	struct in6_addr in6;

	if (inet_pton(AF_INET, text, &in4) == 1) {
		*a = addr_from_ip4(ntohl(in4.s_addr));
		return 0;
	}
	if (inet_pton(AF_INET6, text, &in6) == 1) {
		memcpy(a->b, in6.s6_addr, sizeof(a->b));
		return 0;
	}
	return -EINVAL;
}

/* A decimal number from 0 to @max that fills the whole string. */
static int parse_number(const char *text, unsigned long max, unsigned long *value)
{
	char *end;
	unsigned long n;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno != 0 || *end != '\0' || n > max)
		return -EINVAL;
	*value = n;
	return 0;
}

int endpoint_parse(const char *text, struct endpoint *e)
{
	char host[ADDR_TEXT_MAX];
	const char *start = text, *end, *colon = strrchr(text, ':');
	struct addr addr;
	unsigned long port;

	if (colon == NULL || parse_number(colon + 1, UINT16_MAX, &port) < 0)
		return -EINVAL;
	end = colon;
	if (*text == '[') {
		start = text + 1;
		if (end == start || *--end != ']')
			return -EINVAL;
	}
	if ((size_t)(end - start) >= sizeof(host))
		return -EINVAL;
	memcpy(host, start, (size_t)(end - start));
	host[end - start] = '\0';
	if (addr_parse(host, &addr) < 0 || addr_is_ip4(&addr) == (*text == '['))
		return -EINVAL;
	*e = (struct endpoint){ .addr = addr, .port = (uint16_t)port };
	return 0;
}

/* Split @text at @sep into @left (ADDR_TEXT_MAX bytes) and the rest; NULL if it does not split. */
static const char *split_at(const char *text, char sep, char *left)
{
	const char *at = strchr(text, sep);

	if (at == NULL || (size_t)(at - text) >= ADDR_TEXT_MAX)
		return NULL;
	memcpy(left, text, (size_t)(at - text));
	left[at - text] = '\0';
	return at + 1;
}

int addr_range_parse(const char *text, struct addr_range *r)
{
	char left[ADDR_TEXT_MAX];
	const char *right;
	struct addr first, last;
	unsigned long bits;

	if ((right = split_at(text, '/', left)) != NULL) {
		if (addr_parse(left, &first) < 0 || !addr_is_ip4(&first) ||
		    parse_number(right, 32, &bits) < 0)
			return -EINVAL;
		uint32_t host_part = (uint32_t)((1ULL << (32 - bits)) - 1);

		last = addr_from_ip4(addr_ip4(&first) | host_part);
		first = addr_from_ip4(addr_ip4(&first) & ~host_part);
	} else if ((right = split_at(text, '-', left)) != NULL) {
		if (addr_parse(left, &first) < 0 || addr_parse(right, &last) < 0)
			return -EINVAL;
	} else {
		if (addr_parse(text, &first) < 0)
			return -EINVAL;
		last = first;
	}
	if (!addr_is_ip4(&first) || !addr_is_ip4(&last) || addr_compare(&first, &last) > 0)
		return -EINVAL;
	*r = (struct addr_range){ .first = first, .last = last };
	return 0;
}
