/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * log.h - log lines
 * Owns:       the form of a message to the person who runs the program: one line on standard
 *             error, "PROGRAM: error: TEXT".
 * Invariants: never called per packet; core does not log, it returns a reason.
 */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO };

/* @name: the program's, kept (not copied) for the life of the process. */
void log_open(const char *name, enum log_level most);

__attribute__((format(printf, 1, 2))) void log_error(const char *format, ...);
__attribute__((format(printf, 1, 2))) void log_warning(const char *format, ...);
__attribute__((format(printf, 1, 2))) void log_info(const char *format, ...);

#endif
