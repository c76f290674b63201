/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/cli/complete.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nat/cli/command.h"
#include "nat/core/presets.h"
#include "nat/core/reason.h"

enum { WORD_MAX = 128, ANSWERS_MAX = 512, WORDS_MAX = 64 };

static const char suffix[] = ".sock";

struct completion {
	const char *typed; /* what is there of the word */
	unsigned int count;
	char answers[ANSWERS_MAX][WORD_MAX]; /* each is given once */
};

static void offer(struct completion *c, const char *word, const char *meaning)
{
	if (strncmp(word, c->typed, strlen(c->typed)) != 0 || c->count == ANSWERS_MAX)
		return;
	for (unsigned int i = 0; i < c->count; i++)
		if (strcmp(c->answers[i], word) == 0)
			return;
	snprintf(c->answers[c->count++], WORD_MAX, "%s", word);
	printf("%s\t%s\n", word, meaning);
}

static void offer_files(void)
{
	puts(COMPLETE_FILES);
}

/* --- what capitals stand for ----------------------------------------------------------------- */

static void offer_keys(struct completion *c)
{
	for (unsigned int id = 0; id < OPTION_COUNT; id++)
		offer(c, option_spec((enum option_id)id)->key,
		      option_spec((enum option_id)id)->meaning);
}

/* @prefix: what stands before the name. */
static void offer_presets(struct completion *c, const char *prefix)
{
	char word[WORD_MAX];

	for (unsigned int i = 0; preset_spec(i) != NULL; i++) {
		snprintf(word, sizeof(word), "%s%s", prefix, preset_spec(i)->name);
		offer(c, word, preset_spec(i)->meaning);
	}
}

/* The default shows the form of values where there is no list of them. */
static void offer_values(struct completion *c, const struct option_spec *spec)
{
	char word[WORD_MAX];

	for (const struct option_value *v = spec->values; v != NULL && v->name != NULL; v++) {
		snprintf(word, sizeof(word), "%s=%s", spec->key, v->name);
		offer(c, word, strcmp(v->name, spec->initial) == 0 ? "the default" : "");
	}
	snprintf(word, sizeof(word), "%s=%s", spec->key, spec->initial);
	offer(c, word, "the default");
}

static void offer_assignments(struct completion *c)
{
	size_t length = strcspn(c->typed, "=");
	char word[WORD_MAX];

	for (unsigned int id = 0; id < OPTION_COUNT; id++) {
		const struct option_spec *spec = option_spec((enum option_id)id);

		snprintf(word, sizeof(word), "%s=", spec->key);
		if (c->typed[length] == '\0')
			offer(c, word, spec->meaning);
		else if (strncmp(word, c->typed, length + 1) == 0)
			offer_values(c, spec);
	}
	snprintf(word, sizeof(word), "%s=", presets_key);
	if (c->typed[length] == '\0')
		offer(c, word, "all knobs of a preset");
	else if (strncmp(word, c->typed, length + 1) == 0)
		offer_presets(c, word);
}

static void offer_protocols(struct completion *c)
{
	for (unsigned int p = 0; p < NAT_PROTOCOLS; p++)
		offer(c, nat_protocol_name((enum nat_protocol)p), "");
}

static void offer_reasons(struct completion *c, bool drops_only)
{
	for (unsigned int i = 0; i < REASON_COUNT; i++) {
		const struct reason_spec *reason = reason_spec((enum nat_reason)i);

		if (reason->drop || !drops_only)
			offer(c, reason->name, reason->explanation);
	}
}

static void offer_commands(struct completion *c)
{
	for (unsigned int i = 0; command_spec(i) != NULL; i++)
		offer(c, command_spec(i)->name, command_spec(i)->meaning);
}

static int is_socket(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return length > strlen(suffix) &&
	       strcmp(entry->d_name + length - strlen(suffix), suffix) == 0;
}

/* The labs whose sockets lie in @directory. */
static void offer_labs_in(struct completion *c, const char *directory, const char *prefix)
{
	struct dirent **entries;
	char word[WORD_MAX];
	int n = scandir(directory, &entries, is_socket, alphasort);

	for (int i = 0; i < n; i++) {
		const char *name = entries[i]->d_name;

		snprintf(word, sizeof(word), "%s%.*s", prefix, (int)(strlen(name) - strlen(suffix)),
			 name);
		offer(c, word, directory);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}

static void offer_labs(struct completion *c, const char *prefix)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	char directory[WORD_MAX];

	offer_labs_in(c, "/run/natem", prefix);
	if (runtime == NULL || *runtime == '\0')
		return;
	snprintf(directory, sizeof(directory), "%s/natem", runtime);
	offer_labs_in(c, directory, prefix);
}

static void offer_placeholder(struct completion *c, const char *name)
{
	if (strcmp(name, "KEY") == 0)
		offer_keys(c);
	else if (strcmp(name, "KEY=VALUE") == 0)
		offer_assignments(c);
	else if (strcmp(name, "PRESET") == 0)
		offer_presets(c, "");
	else if (strcmp(name, "PROTO") == 0)
		offer_protocols(c);
	else if (strcmp(name, "REASON") == 0)
		offer_reasons(c, false);
	else if (strcmp(name, "DROP-REASON") == 0)
		offer_reasons(c, true);
	else if (strcmp(name, "COMMAND") == 0)
		offer_commands(c);
	else if (strcmp(name, "FILE") == 0 || strcmp(name, "PATH") == 0)
		offer_files();
}

/* --- flags ----------------------------------------------------------------------------------- */

/* "--watch" of "watch[=SECONDS]". */
static void write_flag(const struct help_flag *flag, char word[WORD_MAX])
{
	snprintf(word, WORD_MAX, "--%.*s", (int)strcspn(flag->name, "["), flag->name);
}

/* The flag that @word is, with or without "=" and its argument; NULL for none. */
static const struct help_flag *find_flag(const struct help_flag *flags, const char *word)
{
	char name[WORD_MAX];

	for (const struct help_flag *f = flags; f != NULL && f->name != NULL; f++) {
		write_flag(f, name);
		if (strncmp(word, name, strlen(name)) == 0 && strchr("=", word[strlen(name)]))
			return f;
		if (word[0] == '-' && f->letter != '\0' && word[1] == f->letter && word[2] == '\0')
			return f;
	}
	return NULL;
}

static const struct help_flag *flag_of(const struct command *command, const char *word)
{
	const struct help_flag *flag = find_flag(command_flags, word);

	return flag == NULL && command != NULL ? find_flag(command->flags, word) : flag;
}

static void offer_flags(struct completion *c, const struct help_flag *flags)
{
	char word[WORD_MAX];

	for (const struct help_flag *f = flags; f != NULL && f->name != NULL; f++) {
		write_flag(f, word);
		offer(c, word, f->meaning);
	}
}

/* @prefix: "--lab=", or nothing. */
static void offer_argument(struct completion *c, const struct help_flag *flag, const char *prefix)
{
	if (flag->letter == 'l')
		offer_labs(c, prefix);
	else if (*prefix == '\0' && flag->argument != NULL)
		offer_placeholder(c, flag->argument);
}

static void complete_flag(struct completion *c, const struct command *command)
{
	const char *equals = strchr(c->typed, '=');
	const struct help_flag *flag = flag_of(command, c->typed);
	char prefix[WORD_MAX];

	if (equals != NULL && flag != NULL && equals - c->typed < WORD_MAX - 1) {
		snprintf(prefix, sizeof(prefix), "%.*s", (int)(equals + 1 - c->typed), c->typed);
		offer_argument(c, flag, prefix);
		return;
	}
	if (command != NULL)
		offer_flags(c, command->flags);
	offer_flags(c, command_flags);
}

/* --- words ----------------------------------------------------------------------------------- */

/* The next word of @form into @token, without brackets and dots; NULL at the end or at a "|". */
static const char *next_token(const char *form, char token[WORD_MAX])
{
	size_t length;

	form += strspn(form, " ");
	length = strcspn(form, " ");
	if (length == 0 || *form == '|')
		return NULL;
	snprintf(token, WORD_MAX, "%.*s", (int)length, form + strspn(form, "["));
	token[strcspn(token, "].")] = '\0';
	return form + length;
}

static bool is_typed(const char *token)
{
	return islower((unsigned char)*token);
}

/* One of "tcp|udp", from @token on; what is left behind it. */
static const char *next_choice(const char *token, char choice[WORD_MAX])
{
	size_t length = strcspn(token, "|");

	snprintf(choice, WORD_MAX, "%.*s", (int)length, token);
	return token + length + (token[length] == '|');
}

static bool token_takes(const char *token, const char *word)
{
	char choice[WORD_MAX];

	while (*token != '\0') {
		token = next_choice(token, choice);
		if (!is_typed(choice) || strcmp(choice, word) == 0)
			return true;
	}
	return false;
}

/* Is nothing but capitals left of a form? Then its meaning is that of the word before. */
static bool all_filled_in(const char *form)
{
	char token[WORD_MAX];

	while ((form = next_token(form, token)) != NULL)
		if (is_typed(token))
			return false;
	return true;
}

static void offer_token(struct completion *c, const char *token, const char *rest,
			const char *meaning)
{
	char choice[WORD_MAX];

	while (*token != '\0') {
		token = next_choice(token, choice);
		if (is_typed(choice))
			offer(c, choice, all_filled_in(rest) ? meaning : "");
		else
			offer_placeholder(c, choice);
	}
}

/*
 * Follow one form along @count words, and offer what comes next in it. Return: the words it has,
 * if that is no more than there are and they agree; else 0.
 */
static int follow_form(struct completion *c, const struct help_entry *form, char *const *words,
		       int count)
{
	const char *at = form->words;
	char token[WORD_MAX];

	for (int used = 0;; used++) {
		at = next_token(at, token);
		while (at != NULL && strncmp(token, "--", 2) == 0)
			at = next_token(at, token);
		if (at == NULL)
			return used;
		if (used == count) {
			offer_token(c, token, at, form->meaning);
			return 0;
		}
		if (!token_takes(token, words[used]))
			return 0;
	}
}

/* The ways to go on after @count words of @command. */
static void complete_forms(struct completion *c, const struct command *command,
			   const struct help_entry *forms, char *const *words, int count)
{
	int used = 0;

	for (const struct help_entry *f = forms; f->words != NULL; f++) {
		int here = follow_form(c, f, words, count);

		used = here > used ? here : used;
	}
	/* One is complete, and another may follow. */
	if (used > 0 && command->most < 0)
		complete_forms(c, command, forms, words + used, count - used);
}

/* A command without forms has those that its usage line tells, between "|". */
static void complete_usage(struct completion *c, const struct command *command, char *const *words,
			   int count)
{
	struct help_entry forms[WORDS_MAX] = { { NULL, NULL } };
	int n = 0;

	for (const char *at = command->arguments; at != NULL && n < WORDS_MAX - 1; n++) {
		forms[n] = (struct help_entry){ at, "" };
		at = strstr(at, " | ");
		at = at != NULL ? at + strlen(" | ") : NULL;
	}
	complete_forms(c, command, forms, words, count);
}

static void complete_words(struct completion *c, const struct command *command, char *const *words,
			   int count)
{
	const char *at = command->arguments;
	char token[WORD_MAX];

	if (command->forms == NULL) {
		complete_usage(c, command, words, count);
		return;
	}
	/* What stands before the FILTER that the forms are of. */
	if (strstr(at, "FILTER") != NULL) {
		while ((at = next_token(at, token)) != NULL && strcmp(token, "FILTER") != 0) {
			if (count == 0) {
				offer_token(c, token, "", "");
				return;
			}
			words++;
			count--;
		}
	}
	complete_forms(c, command, command->forms, words, count);
}

void complete_print(int count, char *const *words)
{
	static char nothing[] = "";
	struct completion c = { .typed = count > 0 ? words[count - 1] : nothing };
	const struct help_flag *waiting = NULL; /* for its argument */
	const struct command *command = NULL;
	bool help = false;
	char *plain[WORDS_MAX];
	int n = 0;

	for (int i = 0; i < count - 1; i++) {
		const struct help_flag *flag = flag_of(command, words[i]);

		if (waiting != NULL || flag != NULL) {
			bool argument = waiting == NULL && flag->argument != NULL;

			waiting = argument && strchr(words[i], '=') == NULL ? flag : NULL;
		} else if (command == NULL && !help && strcmp(words[i], "help") == 0) {
			help = true;
		} else if (command == NULL && words[i][0] != '-') {
			command = command_find(words[i]);
			if (command == NULL)
				return;
		} else if (words[i][0] != '-' && n < WORDS_MAX) {
			plain[n++] = words[i];
		}
	}
	if (waiting != NULL)
		offer_argument(&c, waiting, "");
	else if (c.typed[0] == '-')
		complete_flag(&c, command);
	else if (command != NULL && !help)
		complete_words(&c, command, plain, n);
	else if (command == NULL)
		offer_commands(&c);
	if (command == NULL && !help && waiting == NULL)
		offer(&c, "help", "what there is; of a command, what it does");
}
