/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * help.h - texts of help, as --help prints them
 * Owns:       the form of flags, of words with a meaning, and of running text, on 80 columns. The
 *             man pages and the completion are made from the same tables.
 */
#ifndef COMMON_HELP_H
#define COMMON_HELP_H

/* A flag of the command line; a table of them ends with a NULL name. */
struct help_flag {
	char letter;	      /* NUL: it has none */
	const char *name;     /* without the dashes */
	const char *argument; /* what follows it, NULL for nothing */
	const char *meaning;  /* one line, however long */
};

/* Words and what they do; a table of them ends with NULL words. */
struct help_entry {
	const char *words, *meaning;
};

/* To standard output, meanings in a column of their own and wrapped. */
void help_print_flags(const struct help_flag *flags);
void help_print_entries(const struct help_entry *entries);
/* Paragraphs, wrapped anew; lines that begin with a blank stay as they are. */
void help_print_text(const char *text);

#endif
