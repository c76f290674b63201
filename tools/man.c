/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * man - makes a man page of its template
 *
 * A template is mdoc. A line @WORD@ in it becomes what the table of that name holds: the knobs, the
 * presets, the counters, the commands, the flags. So no page can tell of them what is not so.
 */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nat/cli/command.h"
#include "nat/core/presets.h"
#include "nat/core/reason.h"
#include "nat/daemon/config.h"

enum { LINE_MAX = 72, SECTION_MAX = 16 };

/* --- mdoc ------------------------------------------------------------------------------------ */

/* One character that is to appear as it is. */
static void put_char(char c)
{
	switch (c) {
	case '\\':
		fputs("\\e", stdout);
		break;
	case '-':
		fputs("\\-", stdout); /* not a hyphen: words can be copied and searched for */
		break;
	case '\'':
		fputs("\\(aq", stdout);
		break;
	case '`':
		fputs("\\(ga", stdout);
		break;
	case '^':
		fputs("\\(ha", stdout);
		break;
	case '~':
		fputs("\\(ti", stdout);
		break;
	default:
		putchar(c);
	}
}

static void put_word(const char *word, size_t length)
{
	if (length > 0 && *word == '.')
		fputs("\\&", stdout); /* no request */
	for (size_t i = 0; i < length; i++) {
		/* mdoc has macros for the names of systems; here they are words like others. */
		if (i > 0 && length - i >= 3 && strncmp(word + i, "BSD", 3) == 0)
			fputs("\\&", stdout);
		put_char(word[i]);
	}
}

/* Is a sentence over with this word? mdoc wants the next one on a line of its own. */
static bool ends_sentence(const char *word, size_t length)
{
	while (length > 0 && strchr(")\"'", word[length - 1]) != NULL)
		length--;
	return length > 1 && strchr(".!?", word[length - 1]) != NULL;
}

/* Names of programs and knobs are as they are, also where a sentence begins. */
static bool is_name(const char *word, size_t length)
{
	return strncmp(word, "natem", 5) == 0 || memchr(word, '.', length - 1) != NULL;
}

/* Running text of @length bytes, as lines; the first begins with a capital, if @capital. */
static void put_text(const char *text, size_t length, bool capital)
{
	size_t at = 0, word;

	for (const char *end = text + length; text < end; text += word) {
		text += strspn(text, " \n");
		word = strcspn(text, " \n");
		if (word > (size_t)(end - text))
			word = text < end ? (size_t)(end - text) : 0;
		if (word == 0)
			break;
		if (at > 0 && at + word >= LINE_MAX) {
			putchar('\n');
			at = 0;
		}
		if (at > 0)
			putchar(' ');
		if (capital && !is_name(text, word)) {
			putchar(toupper((unsigned char)*text));
			put_word(text + 1, word - 1);
		} else {
			put_word(text, word);
		}
		capital = false;
		at += word + 1;
		if (ends_sentence(text, word)) {
			putchar('\n');
			at = 0;
		}
	}
	if (at > 0)
		putchar('\n');
}

/* A remark as a sentence or several. */
static void put_sentence(const char *label, const char *text)
{
	char sentence[OPTIONS_TEXT_MAX + 64];
	size_t length = strlen(text);

	if (length == 0)
		return;
	snprintf(sentence, sizeof(sentence), "%s%s%s", label, text,
		 strchr(".!?", text[length - 1]) != NULL ? "" : ".");
	put_text(sentence, strlen(sentence), true);
}

/* Words of a command line: what is typed in bold, what it stands for in italics. */
static void put_usage(const char *usage)
{
	while (*usage != '\0') {
		bool name = isupper((unsigned char)*usage), typed = islower((unsigned char)*usage);
		size_t length = 1;

		typed = typed || *usage == '-' || isdigit((unsigned char)*usage);
		while ((name && isupper((unsigned char)usage[length])) ||
		       (typed && (islower((unsigned char)usage[length]) ||
				  isdigit((unsigned char)usage[length]) || usage[length] == '-')))
			length++;
		if (name || typed)
			printf("\\f%c", name ? 'I' : 'B');
		put_word(usage, length);
		if (name || typed)
			fputs("\\fR", stdout);
		usage += length;
	}
}

static void put_item(const char *usage)
{
	fputs(".It ", stdout);
	put_usage(usage);
	putchar('\n');
}

/* A text of help: paragraphs, and lines that stay as they are. */
static void put_help(const char *text)
{
	bool literal = false, asis;

	while (*text != '\0') {
		size_t length = help_paragraph(text, &asis);
		size_t indent = strspn(text, " ") < 2 ? strspn(text, " ") : 2;

		if (literal && !asis)
			puts(".Ed\n.Pp");
		if (asis && length > 0) {
			if (!literal)
				puts(".Bd -literal -offset indent");
			literal = true;
			put_word(text + indent, length - indent);
			putchar('\n');
		} else if (literal && asis && text[1] == ' ') {
			putchar('\n'); /* between two blocks of such lines */
		} else if (!asis) {
			if (!literal)
				puts(".Pp");
			literal = false;
			put_text(text, length, false);
		}
		text += length + (text[length] == '\n');
	}
	if (literal)
		puts(".Ed");
}

static void put_flags(const struct help_flag *flags)
{
	char words[64];

	puts(".Bl -tag -width Ds");
	for (const struct help_flag *f = flags; f->name != NULL; f++) {
		snprintf(words, sizeof(words), "%s%c%s--%s%s%s", f->letter != '\0' ? "-" : "",
			 f->letter != '\0' ? f->letter : ' ', f->letter != '\0' ? ", " : "",
			 f->name, f->argument != NULL ? " " : "",
			 f->argument != NULL ? f->argument : "");
		put_item(words + strspn(words, " "));
		put_sentence("", f->meaning);
	}
	puts(".El");
}

static void put_entries(const struct help_entry *entries)
{
	puts(".Bl -tag -width Ds");
	for (const struct help_entry *e = entries; e->words != NULL; e++) {
		put_item(e->words);
		put_sentence("", e->meaning);
	}
	puts(".El");
}

/* --- the tables ------------------------------------------------------------------------------ */

static void put_command_flags(void)
{
	put_flags(command_flags);
}

static void put_daemon_flags(void)
{
	put_flags(config_flags);
}

static void put_commands(void)
{
	char usage[256];

	puts(".Bl -tag -width Ds");
	for (unsigned int i = 0; command_spec(i) != NULL; i++) {
		const struct command *command = command_spec(i);

		snprintf(usage, sizeof(usage), "%s %s", command->name, command->arguments);
		usage[strcspn(usage, "\n")] = '\0';
		if (*command->arguments == '\0')
			usage[strlen(command->name)] = '\0';
		put_item(usage);
		put_sentence("", command->meaning);
		if (strstr(command->arguments, "FILTER") != NULL)
			puts("FILTER is any of");
		if (command->forms != NULL)
			put_entries(command->forms);
		if (command->flags != NULL)
			put_flags(command->flags);
		if (command->details != NULL)
			put_help(command->details);
	}
	puts(".El");
}

/* "udp" of "udp.timeout" into @section; returns "timeout". */
static const char *split_key(const char *key, char section[SECTION_MAX])
{
	const char *dot = strchr(key, '.');

	snprintf(section, SECTION_MAX, "%.*s", (int)(dot - key), key);
	return dot + 1;
}

static void put_knob(enum option_id id)
{
	const struct option_spec *spec = option_spec(id);
	char allowed[OPTIONS_TEXT_MAX];

	fputs(".It Cm ", stdout);
	put_word(spec->key, strlen(spec->key));
	fputs(" No = ", stdout);
	put_word(spec->initial, strlen(spec->initial));
	putchar('\n');
	put_sentence("", spec->meaning);
	put_sentence("Allowed: ", option_allowed(id, allowed));
	if (strcmp(spec->unit, "time") != 0) /* whose values carry theirs */
		put_sentence("Unit: ", spec->unit);
	put_sentence("See ", spec->clause);
	if (spec->machine)
		put_sentence("", "Presets leave it alone");
}

static void put_knobs(void)
{
	char section[SECTION_MAX], last[SECTION_MAX] = "";

	for (unsigned int id = 0; id < OPTION_COUNT; id++) {
		split_key(option_spec((enum option_id)id)->key, section);
		if (strcmp(section, last) != 0)
			printf("%s.Ss Section %s\n.Bl -tag -width Ds\n", id > 0 ? ".El\n" : "",
			       section);
		strcpy(last, section);
		put_knob((enum option_id)id);
	}
	puts(".El");
}

struct difference {
	const char *key;
	char value[OPTIONS_TEXT_MAX];
	bool told;
};

/* All that @preset sets differently from the defaults. */
static unsigned int find_differences(const char *preset, struct difference *differences)
{
	static struct options initial, o;
	char value[OPTIONS_TEXT_MAX], why[512];
	unsigned int n = 0;

	options_init(&initial);
	options_init(&o);
	if (presets_set(&o, presets_key, preset, why, sizeof(why)) < 0) {
		fprintf(stderr, "man: preset %s: %s\n", preset, why);
		exit(EXIT_FAILURE);
	}
	for (unsigned int id = 0; id < OPTION_COUNT; id++) {
		struct difference *d = &differences[n];

		options_format(&o, (enum option_id)id, d->value);
		d->key = option_spec((enum option_id)id)->key;
		d->told = false;
		if (strcmp(d->value, options_format(&initial, (enum option_id)id, value)) != 0)
			n++;
	}
	return n;
}

/* "{udp,tcp}.refresh=both": what is alike in several sections is one line, as bash takes it. */
static void put_differences(struct difference *all, unsigned int n)
{
	char section[SECTION_MAX], line[OPTIONS_TEXT_MAX + 256];

	for (unsigned int i = 0; i < n; i++) {
		char sections[64];
		unsigned int alike = 0;
		size_t used = 0;
		const char *name = split_key(all[i].key, section);

		for (unsigned int j = i; j < n && !all[i].told; j++) {
			if (strcmp(split_key(all[j].key, section), name) != 0 ||
			    strcmp(all[j].value, all[i].value) != 0)
				continue;
			used += (size_t)snprintf(sections + used, sizeof(sections) - used, "%s%s",
						 alike > 0 ? "," : "", section);
			alike++;
			all[j].told = j > i;
		}
		if (alike == 0)
			continue;
		snprintf(line, sizeof(line), "%s%s%s.%s=%s", alike > 1 ? "{" : "", sections,
			 alike > 1 ? "}" : "", name, all[i].value);
		put_word(line, strlen(line));
		putchar('\n');
	}
}

static void put_presets(void)
{
	static struct difference differences[OPTION_COUNT + 1];

	puts(".Bl -tag -width Ds");
	for (unsigned int i = 0; preset_spec(i) != NULL; i++) {
		const struct preset_spec *preset = preset_spec(i);
		unsigned int n = find_differences(preset->name, differences);

		fputs(".It Cm ", stdout);
		put_word(preset->name, strlen(preset->name));
		putchar('\n');
		put_text(preset->meaning, strlen(preset->meaning), false); /* "pf of ..." */
		puts(".br");
		put_sentence("Source: ", preset->source);
		put_sentence("Unverified: ", preset->unverified);
		if (n == 0) {
			put_sentence("", "All knobs have their defaults");
			continue;
		}
		puts(".Bd -literal -offset indent");
		put_differences(differences, n);
		puts(".Ed");
	}
	puts(".El");
}

static void put_reasons(bool drop)
{
	puts(".Bl -tag -width Ds");
	for (unsigned int i = 0; i < REASON_COUNT; i++) {
		const struct reason_spec *reason = reason_spec((enum nat_reason)i);

		if (reason->drop != drop)
			continue;
		fputs(".It Cm ", stdout);
		put_word(reason->name, strlen(reason->name));
		putchar('\n');
		put_sentence("", reason->explanation);
		put_sentence("See ", reason->clause);
		put_sentence("", reason->advice);
	}
	puts(".El");
}

static void put_passes(void)
{
	put_reasons(false);
}

static void put_drops(void)
{
	put_reasons(true);
}

static void put_version(void)
{
	puts(".Os natem " NATEM_VERSION);
}

/* --- the template ---------------------------------------------------------------------------- */

static const struct {
	const char *line;
	void (*put)(void);
} tables[] = {
	{ "@VERSION@\n", put_version },
	{ "@NATEM-FLAGS@\n", put_command_flags },
	{ "@NATEMD-FLAGS@\n", put_daemon_flags },
	{ "@COMMANDS@\n", put_commands },
	{ "@KNOBS@\n", put_knobs },
	{ "@PRESETS@\n", put_presets },
	{ "@PASSES@\n", put_passes },
	{ "@DROPS@\n", put_drops },
};

/* A line of the template; false if it asks for a table that there is not. */
static bool put_line(const char *line)
{
	if (*line != '@') {
		fputs(line, stdout);
		return true;
	}
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		if (strcmp(tables[i].line, line) != 0)
			continue;
		tables[i].put();
		return true;
	}
	return false;
}

int main(int argc, char **argv)
{
	FILE *template = argc == 2 ? fopen(argv[1], "r") : NULL;
	char line[512];

	if (template == NULL) {
		fprintf(stderr, "usage: man TEMPLATE (of docs/man), which must be readable\n");
		return 2;
	}
	while (fgets(line, sizeof(line), template) != NULL) {
		if (put_line(line))
			continue;
		fprintf(stderr, "man: %s: no table %s", argv[1], line);
		return EXIT_FAILURE;
	}
	fclose(template);
	if (fflush(stdout) == 0 && !ferror(stdout))
		return EXIT_SUCCESS;
	fprintf(stderr, "man: cannot write the page: %s\n", strerror(errno));
	return EXIT_FAILURE;
}
