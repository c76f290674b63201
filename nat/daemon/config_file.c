/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config_file.c - the configuration file, read and written
 *
 * inih splits the text; this adds what it keeps to itself: which line a value stands on, lines
 * that are too long for it (it would take their tail for a line of its own), NUL bytes (where it
 * would stop reading), and values that go on with an indented line.
 */
#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nat/core/presets.h"
#include "nat/daemon/config.h"

enum { KEY_MAX = 128 };

struct file {
	FILE *stream;
	struct options *options;
	char *text; /* of the line being read; owned, grown by getline() */
	size_t capacity;
	int line;				    /* its number */
	bool continued;				    /* it is indented: the value before goes on */
	char key[KEY_MAX], value[OPTIONS_TEXT_MAX]; /* read last */
	int wrong;				    /* first wrong line, 0 if there is none */
	char why[CONFIG_WHY_MAX];
};

static void blame_line(struct file *file, const char *why)
{
	if (file->wrong != 0)
		return;
	file->wrong = file->line;
	snprintf(file->why, sizeof(file->why), "%s", why);
}

/* The next line for inih, or NULL at the end. One that it cannot take is passed as empty. */
static char *read_text(char *buffer, int size, void *user)
{
	struct file *file = user;
	ssize_t length = getline(&file->text, &file->capacity, file->stream);

	if (length < 0)
		return NULL;
	file->line++;
	file->continued = isblank((unsigned char)file->text[0]);
	if (memchr(file->text, '\0', (size_t)length) != NULL) {
		blame_line(file, "not 'key = value': it has a NUL byte");
		return strcpy(buffer, "\n");
	}
	if (length >= size) {
		blame_line(file,
			   "too long; a list may go on in the next line, if that is indented");
		return strcpy(buffer, "\n");
	}
	return strcpy(buffer, file->text);
}

/* Append @value to the one before if it goes on from there, else start anew; false if too long. */
static bool join_value(struct file *file, const char *key, const char *value)
{
	size_t used = 0, left;

	if (file->continued && strcmp(key, file->key) == 0) {
		used = strlen(file->value);
		file->value[used++] = ' ';
	}
	left = sizeof(file->value) - used;
	return (size_t)snprintf(file->value + used, left, "%s", value) < left;
}

static int take_value(void *user, const char *section, const char *name, const char *value)
{
	struct file *file = user;
	char key[KEY_MAX], why[CONFIG_WHY_MAX];

	snprintf(key, sizeof(key), "%s%s%s", section, *section != '\0' ? "." : "", name);
	if (!join_value(file, key, value)) {
		blame_line(file, "too long a list, all its lines together");
		*file->value = '\0';
		return 0;
	}
	if (strcmp(key, presets_key) == 0 && *file->key != '\0' && strcmp(file->key, key) != 0) {
		blame_line(file, "a preset sets all knobs: it must be the first line of the file");
		return 0;
	}
	strcpy(file->key, key);
	if (presets_set(file->options, key, file->value, why, sizeof(why)) == 0)
		return 1;
	blame_line(file, why);
	return 0;
}

static int read_stream(struct file *file)
{
	int line = ini_parse_stream(read_text, file, take_value, file);

	free(file->text);
	if (ferror(file->stream))
		return -EIO;
	/* A line that inih itself could not make sense of, before any that we blame. */
	if (line > 0 && (file->wrong == 0 || line < file->wrong)) {
		file->wrong = line;
		snprintf(file->why, sizeof(file->why),
			 "not 'key = value', '[section]' or a comment");
	}
	return line < 0 || file->wrong != 0 ? -EINVAL : 0;
}

int config_read_file(struct options *o, const char *path, char *why, size_t why_size)
{
	struct options fresh = *o;
	struct file file = { .stream = fopen(path, "re"), .options = &fresh };
	int err;

	if (file.stream == NULL) {
		snprintf(why, why_size, "%s: %s", path, strerror(errno));
		return -EINVAL;
	}
	err = read_stream(&file);
	fclose(file.stream);
	if (err == -EIO) {
		snprintf(why, why_size, "%s: cannot be read (is it a directory?)", path);
		return -EINVAL;
	}
	if (err < 0) {
		snprintf(why, why_size, "%s:%d: %s", path, file.wrong, file.why);
		return -EINVAL;
	}
	*o = fresh;
	return 0;
}

/* "udp" of "udp.timeout" into @section; returns "timeout". */
static const char *split_key(const char *key, char section[16])
{
	const char *dot = strchr(key, '.');

	snprintf(section, 16, "%.*s", (int)(dot - key), key);
	return dot + 1;
}

/* A long list goes on in indented lines: the reader takes no long ones. */
static void print_value(const char *value)
{
	enum { WIDTH = 80 };

	while (strlen(value) > WIDTH) {
		const char *comma = memrchr(value, ',', WIDTH);

		if (comma == NULL)
			break;
		printf("%.*s\n\t", (int)(comma + 1 - value), value);
		value = comma + 1;
	}
	puts(value);
}

void config_print(const struct options *o)
{
	char value[OPTIONS_TEXT_MAX], section[16], last[16] = "";

	for (unsigned int id = 0; id < OPTION_COUNT; id++) {
		const struct option_spec *spec = option_spec((enum option_id)id);
		const char *name = split_key(spec->key, section);

		if (strcmp(section, last) != 0)
			printf("%s[%s]\n", id > 0 ? "\n" : "", section);
		strcpy(last, section);
		printf("; %s\n%s = ", spec->meaning, name);
		print_value(options_format(o, (enum option_id)id, value));
	}
}
