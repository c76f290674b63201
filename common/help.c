/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/help.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { COLUMNS = 80, WORDS_MAX = 64 };

/* Print @length bytes of words from column @at on, further lines from @indent on. */
static void print_wrapped(const char *text, size_t length, size_t at, size_t indent)
{
	const char *end = text + length;
	bool first = true;

	while (text < end) {
		size_t word = strcspn(text, " \n");

		if (word > (size_t)(end - text))
			word = (size_t)(end - text);
		if (word > 0 && !first && at + 1 + word > COLUMNS) {
			printf("\n%*s", (int)indent, "");
			at = indent;
		} else if (word > 0 && !first) {
			putchar(' ');
			at++;
		}
		printf("%.*s", (int)word, text);
		at += word;
		first = first && word == 0;
		text += word < (size_t)(end - text) ? word + 1 : word;
	}
	putchar('\n');
}

static void print_entry(const char *words, size_t width, const char *meaning)
{
	printf("  %-*s  ", (int)width, words);
	print_wrapped(meaning, strlen(meaning), width + 4, width + 4);
}

static const char *flag_words(const struct help_flag *flag, char words[WORDS_MAX])
{
	char letter[5] = "    ";

	if (flag->letter != '\0')
		snprintf(letter, sizeof(letter), "-%c, ", flag->letter);
	snprintf(words, WORDS_MAX, "%s--%s%s%s", letter, flag->name,
		 flag->argument != NULL ? " " : "", flag->argument != NULL ? flag->argument : "");
	return words;
}

void help_print_flags(const struct help_flag *flags)
{
	char words[WORDS_MAX];
	size_t width = 0;

	for (const struct help_flag *f = flags; f->name != NULL; f++)
		if (strlen(flag_words(f, words)) > width)
			width = strlen(words);
	for (const struct help_flag *f = flags; f->name != NULL; f++)
		print_entry(flag_words(f, words), width, f->meaning);
}

void help_print_entries(const struct help_entry *entries)
{
	size_t width = 0;

	for (const struct help_entry *e = entries; e->words != NULL; e++)
		if (strlen(e->words) > width)
			width = strlen(e->words);
	for (const struct help_entry *e = entries; e->words != NULL; e++)
		print_entry(e->words, width, e->meaning);
}

/* The length of a paragraph: up to an empty line or one that begins with a blank. */
static size_t paragraph(const char *text)
{
	size_t length = strcspn(text, "\n");

	while (text[length] == '\n' && text[length + 1] != '\n' && text[length + 1] != ' ' &&
	       text[length + 1] != '\0')
		length += 1 + strcspn(text + length + 1, "\n");
	return length;
}

void help_print_text(const char *text)
{
	while (*text != '\0') {
		bool asis = *text == ' ' || *text == '\n';
		size_t length = asis ? strcspn(text, "\n") : paragraph(text);

		if (asis)
			printf("%.*s\n", (int)length, text);
		else
			print_wrapped(text, length, 0, 0);
		text += length + (text[length] == '\n');
	}
}
