/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * netns.h - a test in a child process with a network namespace of its own, which ends with it.
 * Where such a namespace cannot be made, the test is skipped.
 */
#ifndef TESTS_UNIT_NETNS_H
#define TESTS_UNIT_NETNS_H

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/lab.h"

enum { IMPOSSIBLE = 77 }; /* a child's exit status */

/* In a child a failure is told by its end: cmocka's asserts would go on in the parent's place. */
#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "# %s:%d: %s is not so (errno: %s)\n", __FILE__, __LINE__, \
				#condition, strerror(errno));                                      \
			_exit(EXIT_FAILURE);                                                       \
		}                                                                                  \
	} while (0)

static inline _Noreturn void give_up(const char *what)
{
	fprintf(stderr, "# %s: %s\n", what, strerror(errno));
	_exit(IMPOSSIBLE);
}

static inline void write_map(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		give_up(path);
	close(fd);
}

/* A network namespace in which we may do all; without root, by a user namespace. */
static inline void enter_namespace(void)
{
	unsigned int uid = geteuid(), gid = getegid();
	char map[64];

	if (uid == 0) {
		if (unshare(CLONE_NEWNET) < 0)
			give_up("no network namespace");
		return;
	}
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		give_up("no user namespace");
	write_map("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "0 %u 1", uid);
	write_map("/proc/self/uid_map", map);
	snprintf(map, sizeof(map), "0 %u 1", gid);
	write_map("/proc/self/gid_map", map);
}

/* cmocka catches these, and would go on with the next test, in the child as well. */
static inline void let_crash(void)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGSYS };

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		signal(signals[i], SIG_DFL);
}

/* Run @body in a child; it ends by returning, or by CHECK() or give_up(). */
static inline void in_child(void (*body)(void))
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		let_crash();
		alarm(10);
		body();
		_exit(EXIT_SUCCESS);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == IMPOSSIBLE)
		skip();
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), EXIT_SUCCESS);
}

#endif
