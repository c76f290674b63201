/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * docs/control-protocol.md beside the protocol's table. Of a method's section the end is made from
 * the table, from "Parameters:" on; what stands before it is written by hand. The chapters on
 * notifications, types and errors are made from it whole.
 *
 * test_docs_protocol write   makes them anew; a method without a section gets one. Run from the root
 *                            of the tree.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nat/daemon/protocol.h"

static const char path[] = "docs/control-protocol.md";

/* A double of the one in main.c; nothing here calls it. */
int daemon_configure(struct daemon *d, const struct options *asked, char *why, size_t why_size)
{
	(void)d;
	(void)asked;
	(void)why;
	(void)why_size;
	return 0;
}

/* --- what a value is, in words -------------------------------------------------------------- */

static void write_values(FILE *out, const struct member *m)
{
	for (unsigned int n = 0; protocol_value(m, n) != NULL; n++)
		fprintf(out, "%s`%s`", n > 0 ? ", " : "", protocol_value(m, n));
}

static void write_integer(FILE *out, const struct member *m)
{
	fputs("whole number", out);
	if (m->most != 0)
		fprintf(out, ", %" PRId64 " to %" PRId64, m->least, m->most);
	else if (m->least != 0 && m->least != INT64_MIN)
		fprintf(out, ", %" PRId64 " or more", m->least);
}

static void write_kind(FILE *out, const struct member *m)
{
	static const struct {
		unsigned int bit;
		const char *words;
	} kinds[] = {
		{ VALUE_BOOLEAN, "true or false" },
		{ VALUE_TRUE, "true" },
		{ VALUE_NUMBER, "number" },
		{ VALUE_INTEGER, NULL },
		{ VALUE_TEXT, "string" },
		{ VALUE_OBJECT, "object" },
		{ VALUE_NULL, "null" },
	};
	const char *between = "";

	if (m->value & VALUE_LIST)
		fputs("array: ", out);
	if (m->value & VALUE_MAP)
		fputs("object of: ", out);
	if (m->type != NULL) {
		fprintf(out, "[%s](#%s)", m->type->name, m->type->name);
		between = " or ";
	}
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!(m->value & kinds[i].bit))
			continue;
		fputs(between, out);
		between = " or ";
		if (kinds[i].bit == VALUE_INTEGER)
			write_integer(out, m);
		else if (kinds[i].bit == VALUE_TEXT && m->values != NULL)
			write_values(out, m);
		else
			fputs(kinds[i].words, out);
	}
	if (m->initial != NULL)
		fprintf(out, "; default %s", m->initial);
	else if (m->value & VALUE_OPTIONAL)
		fputs("; optional", out);
}

static void write_members(FILE *out, const char *title, const struct member *m)
{
	fprintf(out, "| %s | what it is | meaning |\n|---|---|---|\n", title);
	for (; m->name != NULL; m++) {
		fprintf(out, "| `%s` | ", m->name);
		write_kind(out, m);
		fprintf(out, " | %s |\n", m->meaning);
	}
}

/* --- types ---------------------------------------------------------------------------------- */

enum { TYPES = 128, NAME = 64 };

struct types {
	const struct type *types[TYPES];
	unsigned int count;
};

/* The types of @members and of their members, each once, in the order in which they are met. */
static void collect(struct types *t, const struct member *members)
{
	for (const struct member *m = members; m->name != NULL; m++) {
		unsigned int n = 0;

		while (n < t->count && t->types[n] != m->type)
			n++;
		if (m->type == NULL || n < t->count)
			continue;
		assert_true(t->count < TYPES);
		t->types[t->count++] = m->type;
		if (m->type->members != NULL)
			collect(t, m->type->members);
	}
}

static int by_name(const void *a, const void *b)
{
	const struct type *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

static struct types all_types(void)
{
	struct types t = { .count = 0 };
	const struct method *m;

	for (unsigned int n = 0; (m = protocol_method(n)) != NULL; n++) {
		collect(&t, m->parameters);
		collect(&t, m->result);
		for (const struct notification *s = m->stream; s != NULL; s = s->also)
			collect(&t, s->parameters);
	}
	qsort(t.types, t.count, sizeof(t.types[0]), by_name);
	return t;
}

static void write_type(FILE *out, const struct type *type)
{
	const struct member values = { .type = type };

	fprintf(out, "### %s\n\n%c%s%s", type->name, type->meaning[0] & ~0x20, type->meaning + 1,
		protocol_value(&values, 0) != NULL ? ": " : ".");
	if (protocol_value(&values, 0) != NULL) {
		write_values(out, &values);
		fputs(".", out);
	}
	fputs("\n\n", out);
	if (type->members == NULL)
		return;
	write_members(out, "member", type->members);
	fputs("\n", out);
}

/* --- sections and chapters ------------------------------------------------------------------ */

/* What is made has its text here, owned by the caller. */
#define made(text, call)                                     \
	do {                                                 \
		size_t size_;                                \
		FILE *out = open_memstream(&(text), &size_); \
                                                             \
		assert_non_null(out);                        \
		call;                                        \
		fclose(out);                                 \
	} while (0)

/* A heading's anchor has no dots. */
static const char *anchor(const char *name, char text[NAME])
{
	char *at = text;

	for (; *name != '\0' && at < text + NAME - 1; name++)
		if (*name != '.')
			*at++ = *name;
	*at = '\0';
	return text;
}

static void write_method(FILE *out, const struct method *m)
{
	char name[NAME];

	if (m->parameters->name == NULL) {
		fputs("Parameters: none. ", out);
	} else {
		fputs("Parameters:\n\n", out);
		write_members(out, "parameter", m->parameters);
		fputs("\n", out);
	}
	fputs("Result:\n\n", out);
	write_members(out, "member", m->result);
	fprintf(out, "\nErrors: %d", RPC_INVALID_PARAMS);
	if (m->failure != NULL)
		fprintf(out, "; %d when %s", RPC_FAILED, m->failure);
	fputs(".\n\n", out);
	for (const struct notification *s = m->stream; s != NULL; s = s->also)
		fprintf(out, "%s[%s](#notification-%s)%s",
			s == m->stream ? "Notifications: " : ", ", s->name, anchor(s->name, name),
			s->also == NULL ? ".\n\n" : "");
}

static void write_notifications(FILE *out)
{
	const struct method *m;

	fputs("## Notifications\n\nWhat a stream sends: an object with `jsonrpc`, `method` and "
	      "`params`, and no `id`.\n\n",
	      out);
	for (unsigned int n = 0; (m = protocol_method(n)) != NULL; n++)
		for (const struct notification *s = m->stream; s != NULL; s = s->also) {
			fprintf(out, "### Notification %s\n\nAfter `%s`: %s.\n\n", s->name, m->name,
				s->meaning);
			write_members(out, "member", s->parameters);
			fputs("\n", out);
		}
}

/* All that follows the methods. */
static void write_rest(FILE *out)
{
	const struct error_code *error;
	struct types t = all_types();

	write_notifications(out);
	fputs("## Types\n\n", out);
	for (unsigned int n = 0; n < t.count; n++)
		write_type(out, t.types[n]);
	fputs("## Errors\n\n| code | meaning |\n|---|---|\n", out);
	for (unsigned int n = 0; (error = protocol_error(n)) != NULL; n++)
		fprintf(out, "| %d | %s |\n", error->code, error->meaning);
}

/* --- the document --------------------------------------------------------------------------- */

/* A whole file, owned by the caller. */
static char *read_file(void)
{
	char *text = calloc(1, 256 * 1024);
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	assert_in_range(fread(text, 1, 256 * 1024 - 1, f), 1, 256 * 1024 - 2);
	fclose(f);
	return text;
}

/* Where the section of @m begins and, in @end, where the next heading does; NULL if there is none. */
static const char *find_section(const char *text, const struct method *m, const char **end)
{
	char heading[80];
	const char *at, *next;

	snprintf(heading, sizeof(heading), "### `%s`\n", m->name);
	at = strstr(text, heading);
	if (at == NULL)
		return NULL;
	next = strstr(at + 1, "\n##");
	*end = next != NULL ? next + 1 : at + strlen(at);
	return at;
}

/* Where the chapters that are made whole begin. */
static const char *find_rest(const char *text)
{
	static const char *const chapters[] = { "## Notifications\n", "## Types\n", "## Errors\n" };
	const char *at = NULL;

	for (size_t i = 0; at == NULL && i < sizeof(chapters) / sizeof(chapters[0]); i++)
		at = strstr(text, chapters[i]);
	return at != NULL ? at : text + strlen(text);
}

static void assert_same(const char *name, const char *wanted, const char *found, size_t length)
{
	if (strlen(wanted) == length && memcmp(wanted, found, length) == 0)
		return;
	fail_msg("%s: '%s' is not as the table has it ('make protocol' makes it so):\n%s", path,
		 name, wanted);
}

static void test_section_of_each_method_ends_as_the_table_has_it(void **state)
{
	char *text = read_file(), *wanted = NULL;
	const struct method *m;

	(void)state;
	for (unsigned int n = 0; (m = protocol_method(n)) != NULL; n++) {
		const char *end, *at = find_section(text, m, &end);

		if (at == NULL)
			fail_msg("%s has no section '%s'", path, m->name);
		at = strstr(at, "\nParameters:");
		if (at == NULL || at > end)
			fail_msg("%s: '%s' has no parameters", path, m->name);
		made(wanted, write_method(out, m));
		assert_same(m->name, wanted, at + 1, (size_t)(end - at - 1));
		free(wanted);
	}
	free(text);
}

static void test_there_is_a_section_for_nothing_else(void **state)
{
	char *text = read_file();
	unsigned int methods = 0, headings = 0;

	(void)state;
	while (protocol_method(methods) != NULL)
		methods++;
	for (const char *at = text; (at = strstr(at, "\n### `")) != NULL; at++)
		headings++;
	assert_int_equal(headings, methods);
	free(text);
}

static void test_types_errors_and_notifications_are_as_the_table_has_them(void **state)
{
	char *text = read_file(), *wanted = NULL;
	const char *rest = find_rest(text);

	(void)state;
	made(wanted, write_rest(out));
	assert_same("Types, errors and notifications", wanted, rest, strlen(rest));
	free(wanted);
	free(text);
}

/* Two of the same name would be one for whoever reads the description. */
static void test_names_of_types_are_unique(void **state)
{
	struct types t = all_types();

	(void)state;
	for (unsigned int n = 1; n < t.count; n++)
		assert_string_not_equal(t.types[n - 1]->name, t.types[n]->name);
}

/* --- writing -------------------------------------------------------------------------------- */

/* The text up to the end of @m's section, from @from on, with what is made of it made anew. */
static const char *write_section(FILE *out, const char *from, const struct method *m)
{
	const char *end, *section = find_section(from, m, &end);
	const char *block = strstr(section, "\nParameters:");

	block = block != NULL && block < end ? block + 1 : end;
	fprintf(out, "%.*s", (int)(block - from), from);
	write_method(out, m);
	return end;
}

/* The method whose section is the next in @text; NULL after the last. */
static const struct method *next_method(const char *text)
{
	const struct method *m, *first = NULL;
	const char *least = NULL, *end;

	for (unsigned int n = 0; (m = protocol_method(n)) != NULL; n++) {
		const char *at = find_section(text, m, &end);

		if (at == NULL || (least != NULL && at > least))
			continue;
		least = at;
		first = m;
	}
	return first;
}

/* The document as it should be. */
static void write_document(FILE *out, const char *text)
{
	const char *at = text, *end;
	const struct method *m;

	while ((m = next_method(at)) != NULL)
		at = write_section(out, at, m);
	fprintf(out, "%.*s", (int)(find_rest(at) - at), at);
	for (unsigned int n = 0; (m = protocol_method(n)) != NULL; n++) {
		if (find_section(text, m, &end) != NULL)
			continue;
		fprintf(out, "### `%s`\n\n%c%s.\n\n", m->name, m->meaning[0] & ~0x20,
			m->meaning + 1);
		write_method(out, m);
	}
	write_rest(out);
}

static int rewrite(void)
{
	char *text = read_file(), *wanted = NULL;
	FILE *f;

	made(wanted, write_document(out, text));
	f = fopen(path, "w");
	if (f == NULL || fputs(wanted, f) == EOF || fclose(f) != 0) {
		perror(path);
		return 1;
	}
	free(wanted);
	free(text);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_section_of_each_method_ends_as_the_table_has_it),
		cmocka_unit_test(test_there_is_a_section_for_nothing_else),
		cmocka_unit_test(test_types_errors_and_notifications_are_as_the_table_has_them),
		cmocka_unit_test(test_names_of_types_are_unique),
	};

	if (argc == 2 && strcmp(argv[1], "write") == 0)
		return rewrite();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
