/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sockets.h - what tests on both ends of the control socket share
 */
#ifndef TESTS_UNIT_SOCKETS_H
#define TESTS_UNIT_SOCKETS_H

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <cmocka.h>

/* How many this process has open: none may be left behind. */
static inline int open_descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	int count = 0;

	assert_non_null(directory);
	while (readdir(directory) != NULL)
		count++;
	closedir(directory);
	return count;
}

/* One request into @line, without its newline; false at the end of the connection. */
static inline bool read_request(int fd, char *line, size_t size)
{
	size_t length = 0;
	char byte;

	while (recv(fd, &byte, 1, 0) == 1) {
		if (byte == '\n') {
			line[length] = '\0';
			return true;
		}
		if (length < size - 1)
			line[length++] = byte;
	}
	return false;
}

#endif
