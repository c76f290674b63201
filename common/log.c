/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/log.h"

#include <stdarg.h>
#include <stdio.h>

/* The one file-level state of the program: who speaks, and how much (style guide). */
static const char *program = "natem";
static enum log_level level = LOG_LEVEL_INFO;

void log_open(const char *name, enum log_level most)
{
	program = name;
	level = most;
}

/* One write per line, so that lines of several writers to one file stay whole. */
static void write_line(const char *kind, const char *format, va_list args)
{
	char line[1024];

	vsnprintf(line, sizeof(line), format, args);
	fprintf(stderr, "%s: %s%s\n", program, kind, line);
}

void log_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	write_line("error: ", format, args);
	va_end(args);
}

void log_warning(const char *format, ...)
{
	va_list args;

	if (level < LOG_LEVEL_WARNING)
		return;
	va_start(args, format);
	write_line("warning: ", format, args);
	va_end(args);
}

void log_info(const char *format, ...)
{
	va_list args;

	if (level < LOG_LEVEL_INFO)
		return;
	va_start(args, format);
	write_line("", format, args);
	va_end(args);
}
