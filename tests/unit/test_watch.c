/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Watching, in a child process: into a pipe, or on a pseudo-terminal whose other end the test
 * holds. The test waits for what it wants to see, at most PATIENCE_MS.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "nat/cli/watch.h"

enum { PATIENCE_MS = 5000, LONG = 3600 /* s; an interval that does not pass */ };

/* --- helpers -------------------------------------------------------------------------------- */

/* What is drawn first, second, ...; the last again and again. */
struct script {
	const char *texts[4];	   /* ends with NULL */
	enum client_status status; /* of a text that starts with '!', which is a reason */
	double interval;
	bool plain, ignore_pipe;
	bool deaf;	      /* standard input is at its end */
	const char *terminal; /* TERM; NULL: xterm */
};

struct watcher {
	struct client client;
	pid_t pid;	       /* of the child; 0: none */
	int out;	       /* what it writes: a pipe's end, or the terminal's master */
	int slave;	       /* the terminal itself, -1: a pipe */
	int life;	       /* at its end when the child has ended */
	struct termios before; /* the terminal as it was */
	char seen[65536];      /* all that came, control sequences and all */
	size_t length;
};

static int setup(void **state)
{
	struct watcher *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->out = w->slave = w->life = -1;
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct watcher *w = *state;

	if (w->pid > 0) {
		kill(w->pid, SIGKILL);
		waitpid(w->pid, NULL, 0);
	}
	close(w->out);
	close(w->slave);
	close(w->life);
	free(w);
	return 0;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

struct drawing {
	const struct script *script;
	struct client *client;
	int turn;
};

static enum client_status draw(void *data, FILE *out)
{
	struct drawing *d = data;
	const char *text = d->script->texts[d->turn];

	if (d->script->texts[d->turn + 1] != NULL)
		d->turn++;
	if (*text == '!') {
		snprintf(d->client->why, sizeof(d->client->why), "%s", text + 1);
		return d->script->status;
	}
	if (*text == '#') {
		raise(SIGTERM);
		return CLIENT_FAILED; /* as a call that the signal has interrupted */
	}
	if (*text == '@')
		fprintf(out, "%lld\n", (long long)now_ms());
	else
		fputs(text, out);
	return CLIENT_OK;
}

static _Noreturn void watch(struct watcher *w, const struct script *script, int out)
{
	struct drawing drawing = { .script = script, .client = &w->client };
	enum client_status status;

	if (w->slave >= 0) {
		setsid();
		ioctl(out, TIOCSCTTY, 0);
	}
	dup2(script->deaf ? open("/dev/null", O_RDONLY | O_CLOEXEC) : out, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	close(w->out);
	signal(SIGPIPE, script->ignore_pipe ? SIG_IGN : SIG_DFL);
	setenv("TERM", script->terminal != NULL ? script->terminal : "xterm", 1);
	unsetenv("LINES");
	unsetenv("COLUMNS");
	signal(SIGSEGV, SIG_DFL); /* cmocka would go on with the next test */
	alarm(2 * PATIENCE_MS / 1000);
	status = watch_run(draw, &drawing, &w->client, script->interval, script->plain);
	fflush(stdout);
	_exit((int)status);
}

static void start(struct watcher *w, const struct script *script, int out)
{
	int life[2];

	assert_int_equal(pipe2(life, O_CLOEXEC), 0);
	fflush(NULL);
	w->pid = fork();
	assert_true(w->pid >= 0);
	if (w->pid == 0) {
		close(life[0]);
		watch(w, script, out);
	}
	close(life[1]);
	w->life = life[0];
}

static void start_on_pipe(struct watcher *w, const struct script *script)
{
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	w->out = ends[0];
	start(w, script, ends[1]);
	close(ends[1]);
}

static void start_on_terminal(struct watcher *w, const struct script *script)
{
	const struct winsize size = { .ws_row = 10, .ws_col = 40 };

	w->out = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (w->out < 0 || grantpt(w->out) < 0 || unlockpt(w->out) < 0) {
		print_message("no pseudo-terminal: %s\n", strerror(errno));
		skip();
	}
	w->slave = open(ptsname(w->out), O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(w->slave >= 0);
	assert_int_equal(ioctl(w->slave, TIOCSWINSZ, &size), 0);
	assert_int_equal(tcgetattr(w->slave, &w->before), 0);
	start(w, script, w->slave);
}

/* Take what comes within @ms; false if nothing does, or at the end. */
static bool take(struct watcher *w, int ms)
{
	struct pollfd p = { .fd = w->out, .events = POLLIN };
	ssize_t n;

	if (poll(&p, 1, ms) != 1)
		return false;
	n = read(w->out, w->seen + w->length, sizeof(w->seen) - 1 - w->length);
	if (n <= 0)
		return false;
	w->length += (size_t)n;
	w->seen[w->length] = '\0';
	return true;
}

static void await(struct watcher *w, const char *text)
{
	int64_t end = now_ms() + PATIENCE_MS;

	while (strstr(w->seen, text) == NULL)
		if (now_ms() > end || !take(w, PATIENCE_MS))
			fail_msg("'%s' did not come, but: %s", text, w->seen);
}

static void forget(struct watcher *w)
{
	w->length = 0;
	*w->seen = '\0';
}

static void type(struct watcher *w, const char *keys)
{
	assert_int_equal(write(w->out, keys, strlen(keys)), strlen(keys));
}

/* Has it ended within @ms? What it writes meanwhile is taken, so that it is never held up. */
static bool has_ended(struct watcher *w, int ms)
{
	struct pollfd p[] = { { .fd = w->life }, { .fd = w->out, .events = POLLIN } };

	if (poll(p, 2, ms) > 0 && (p[1].revents & POLLIN))
		take(w, 0);
	return (p[0].revents & POLLHUP) != 0;
}

/* The way it ended, as waitpid() says it. */
static int ending(struct watcher *w)
{
	int64_t limit = now_ms() + PATIENCE_MS;
	int status;

	while (!has_ended(w, 10))
		if (now_ms() > limit)
			fail_msg("it does not end; it wrote: %s", w->seen);
	assert_int_equal(waitpid(w->pid, &status, 0), w->pid);
	w->pid = 0;
	while (take(w, 0))
		;
	return status;
}

static void assert_ends_with(struct watcher *w, enum client_status wanted)
{
	int status = ending(w);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), wanted);
}

/* A signal that comes between two waits is seen after the second: it is sent until heard. */
static void signal_until_it_ends(struct watcher *w, int number)
{
	int64_t limit = now_ms() + PATIENCE_MS;

	do
		kill(w->pid, number);
	while (!has_ended(w, 10) && now_ms() < limit);
}

static void assert_terminal_as_before(const struct watcher *w)
{
	struct termios after;

	assert_int_equal(tcgetattr(w->slave, &after), 0);
	assert_int_equal(after.c_iflag, w->before.c_iflag);
	assert_int_equal(after.c_oflag, w->before.c_oflag);
	assert_int_equal(after.c_cflag, w->before.c_cflag);
	assert_int_equal(after.c_lflag, w->before.c_lflag);
	assert_memory_equal(after.c_cc, w->before.c_cc, sizeof(after.c_cc));
}

/* xterm's other screen was entered, and left again at the end. */
static void assert_screen_left(const struct watcher *w)
{
	const char *entered = strstr(w->seen, "\033[?1049h"), *left = NULL;

	for (const char *at = w->seen; (at = strstr(at, "\033[?1049l")) != NULL; at++)
		left = at;
	assert_non_null(entered);
	assert_non_null(left);
	assert_true(left > entered);
}

/* --- plain ---------------------------------------------------------------------------------- */

static void test_plain_texts_follow_one_another_until_one_fails(void **state)
{
	const struct script script = { { "one\n", "two\n", "!gone", NULL },
				       .status = CLIENT_FAILED,
				       .interval = 0.01 };
	struct watcher *w = *state;

	start_on_pipe(w, &script);
	assert_ends_with(w, CLIENT_FAILED);
	assert_string_equal(w->seen, "one\ntwo\n");
}

static void test_plain_ends_with_the_status_of_the_failure(void **state)
{
	const struct script script = { { "!wrong", NULL },
				       .status = CLIENT_WRONG_USAGE,
				       .interval = 0.01 };
	struct watcher *w = *state;

	start_on_pipe(w, &script);
	assert_ends_with(w, CLIENT_WRONG_USAGE);
	assert_string_equal(w->seen, "");
}

static void test_plain_waits_the_interval(void **state)
{
	const struct script script = { { "@", "@", "!enough", NULL },
				       .status = CLIENT_FAILED,
				       .interval = 0.15 };
	struct watcher *w = *state;
	long long first, second;

	start_on_pipe(w, &script);
	assert_ends_with(w, CLIENT_FAILED);
	assert_int_equal(sscanf(w->seen, "%lld\n%lld\n", &first, &second), 2);
	assert_true(second - first >= 149);
}

/* Each text can be read when it is drawn, not when a buffer is full. */
static void test_plain_text_comes_before_the_interval_is_over(void **state)
{
	const struct script script = { { "one\n", NULL }, .status = CLIENT_OK, .interval = LONG };
	struct watcher *w = *state;

	start_on_pipe(w, &script);
	await(w, "one\n");
	signal_until_it_ends(w, SIGTERM);
	assert_ends_with(w, CLIENT_OK);
	assert_string_equal(w->seen, "one\n");
}

static void test_plain_ends_well_on_signals(void **state)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	const struct script script = { { "one\n", NULL }, .status = CLIENT_OK, .interval = 0.05 };
	struct watcher *w = *state;

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		forget(w);
		start_on_pipe(w, &script);
		await(w, "one\n");
		signal_until_it_ends(w, signals[i]);
		assert_ends_with(w, CLIENT_OK);
		close(w->out);
		close(w->life);
		w->out = w->life = -1;
	}
}

static void test_plain_ends_well_on_a_signal_while_it_draws(void **state)
{
	const struct script script = { { "one\n", "#", NULL }, .interval = 0.01 };
	struct watcher *w = *state;

	start_on_pipe(w, &script);
	assert_ends_with(w, CLIENT_OK);
	assert_string_equal(w->seen, "one\n");
}

/* Its end would be read as a key again and again, without waiting. */
static void test_terminal_without_a_keyboard_is_written_to_plainly(void **state)
{
	const struct script script = {
		{ "one\n", "!gone", NULL }, .status = CLIENT_FAILED, .interval = 0.01, .deaf = true
	};
	struct watcher *w = *state;

	start_on_terminal(w, &script);
	assert_ends_with(w, CLIENT_FAILED);
	assert_string_equal(w->seen, "one\r\n");
}

static void test_plain_ends_when_the_reader_has_gone(void **state)
{
	struct script script = { { "one\n", NULL }, .status = CLIENT_FAILED, .interval = 0.01 };
	struct watcher *w = *state;
	int status;

	for (int ignored = 0; ignored < 2; ignored++) {
		forget(w);
		script.ignore_pipe = ignored;
		start_on_pipe(w, &script);
		await(w, "one\n");
		close(w->out);
		w->out = -1;
		status = ending(w);
		if (ignored)
			assert_true(WIFEXITED(status) && WEXITSTATUS(status) == CLIENT_OK);
		else
			assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
		close(w->life);
		w->life = -1;
	}
}

static void test_plain_on_a_terminal_writes_no_control_sequence(void **state)
{
	const struct script script = { { "one\n", "two\n", "!gone", NULL },
				       .status = CLIENT_FAILED,
				       .interval = 0.01,
				       .plain = true };
	struct watcher *w = *state;

	start_on_terminal(w, &script);
	assert_ends_with(w, CLIENT_FAILED);
	assert_string_equal(w->seen, "one\r\ntwo\r\n");
	assert_terminal_as_before(w);
}

static void test_terminal_of_an_unknown_kind_is_written_to_plainly(void **state)
{
	const struct script script = { { "one\n", "!gone", NULL },
				       .status = CLIENT_FAILED,
				       .interval = 0.01,
				       .terminal = "no-such-terminal" };
	struct watcher *w = *state;

	start_on_terminal(w, &script);
	assert_ends_with(w, CLIENT_FAILED);
	assert_string_equal(w->seen, "one\r\n");
	assert_terminal_as_before(w);
}

/* --- on a screen ---------------------------------------------------------------------------- */

static void test_screen_shows_the_text_and_q_ends_it(void **state)
{
	const struct script script = { { "first\nsecond\n", NULL },
				       .status = CLIENT_FAILED,
				       .interval = LONG };
	struct watcher *w = *state;

	start_on_terminal(w, &script);
	await(w, "first");
	await(w, "second");
	type(w, "q");
	assert_ends_with(w, CLIENT_OK);
	assert_screen_left(w);
	assert_terminal_as_before(w);
}

static void test_screen_is_drawn_again_after_the_interval(void **state)
{
	const struct script script = { { "aaaa\n", "bbbb\n", "cccc\n", NULL },
				       .status = CLIENT_OK,
				       .interval = 0.01 };
	struct watcher *w = *state;

	start_on_terminal(w, &script);
	await(w, "aaaa");
	await(w, "bbbb");
	await(w, "cccc");
	type(w, "q");
	assert_ends_with(w, CLIENT_OK);
}

static void test_screen_is_drawn_again_at_another_key(void **state)
{
	const struct script script = { { "aaaa\n", "bbbb\n", NULL },
				       .status = CLIENT_OK,
				       .interval = LONG };
	struct watcher *w = *state;

	start_on_terminal(w, &script);
	await(w, "aaaa");
	type(w, " ");
	await(w, "bbbb");
	assert_null(strstr(w->seen, "gone"));
	type(w, "q");
	assert_ends_with(w, CLIENT_OK);
	assert_terminal_as_before(w);
}

static void test_screen_ends_well_on_signals(void **state)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	const struct script script = { { "text\n", NULL }, .status = CLIENT_OK, .interval = 0.05 };
	struct watcher *w = *state;

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		forget(w);
		start_on_terminal(w, &script);
		await(w, "text");
		signal_until_it_ends(w, signals[i]);
		assert_ends_with(w, CLIENT_OK);
		assert_screen_left(w);
		assert_terminal_as_before(w);
		close(w->out);
		close(w->slave);
		close(w->life);
		w->out = w->slave = w->life = -1;
	}
}

static void test_screen_ends_well_on_the_interrupt_key(void **state)
{
	const struct script script = { { "text\n", NULL }, .status = CLIENT_OK, .interval = 0.05 };
	struct watcher *w = *state;

	start_on_terminal(w, &script);
	await(w, "text");
	type(w, "\003");
	assert_ends_with(w, CLIENT_OK);
	assert_screen_left(w);
	assert_terminal_as_before(w);
}

static void test_screen_waits_for_a_daemon_that_fails(void **state)
{
	const struct script script = { { "aaaa\n", "!it-is-gone", "bbbb\n", NULL },
				       .status = CLIENT_FAILED,
				       .interval = 0.01 };
	struct watcher *w = *state;

	start_on_terminal(w, &script);
	await(w, "aaaa");
	await(w, "it-is-gone");
	await(w, "q to quit");
	await(w, "bbbb");
	type(w, "q");
	assert_ends_with(w, CLIENT_OK);
	assert_terminal_as_before(w);
}

static void test_screen_too_short_for_the_text_says_how_much_is_left(void **state)
{
	const struct script script = { { "l1\nl2\nl3\nl4\nl5\nl6\nl7\nl8\nl9\nl10\nl11\nl12\n",
					 NULL },
				       .status = CLIENT_OK,
				       .interval = LONG };
	struct watcher *w = *state;

	start_on_terminal(w, &script);
	await(w, "... 3 more");
	assert_non_null(strstr(w->seen, "l9"));
	assert_null(strstr(w->seen, "l10"));
	type(w, "q");
	assert_ends_with(w, CLIENT_OK);
}

static void test_screen_just_long_enough_shows_all(void **state)
{
	const struct script script = { { "l1\nl2\nl3\nl4\nl5\nl6\nl7\nl8\nl9\nl10\n", NULL },
				       .status = CLIENT_OK,
				       .interval = LONG };
	struct watcher *w = *state;

	start_on_terminal(w, &script);
	await(w, "l10");
	assert_null(strstr(w->seen, "more"));
	type(w, "q");
	assert_ends_with(w, CLIENT_OK);
}

static void test_screen_too_narrow_for_a_line_keeps_lines_apart(void **state)
{
	const struct script script = { { "wide-0123456789-0123456789-0123456789-TOO-LONG\nnext\n",
					 NULL },
				       .status = CLIENT_OK,
				       .interval = LONG };
	struct watcher *w = *state;

	start_on_terminal(w, &script);
	await(w, "next");
	assert_non_null(strstr(w->seen, "wide-0123456789"));
	assert_null(strstr(w->seen, "TOO-LONG"));
	type(w, "q");
	assert_ends_with(w, CLIENT_OK);
}

static void test_screen_that_grows_is_drawn_again(void **state)
{
	const struct winsize size = { .ws_row = 20, .ws_col = 40 };
	const struct script script = { { "l1\nl2\nl3\nl4\nl5\nl6\nl7\nl8\nl9\nl10\nl11\nl12\n",
					 NULL },
				       .status = CLIENT_OK,
				       .interval = 0.05 };
	struct watcher *w = *state;

	start_on_terminal(w, &script);
	await(w, "... 3 more");
	assert_int_equal(ioctl(w->slave, TIOCSWINSZ, &size), 0);
	await(w, "l12");
	type(w, "q");
	assert_ends_with(w, CLIENT_OK);
	assert_terminal_as_before(w);
}

#define watch_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		watch_test(test_plain_texts_follow_one_another_until_one_fails),
		watch_test(test_plain_ends_with_the_status_of_the_failure),
		watch_test(test_plain_waits_the_interval),
		watch_test(test_plain_text_comes_before_the_interval_is_over),
		watch_test(test_plain_ends_well_on_signals),
		watch_test(test_plain_ends_well_on_a_signal_while_it_draws),
		watch_test(test_terminal_without_a_keyboard_is_written_to_plainly),
		watch_test(test_plain_ends_when_the_reader_has_gone),
		watch_test(test_plain_on_a_terminal_writes_no_control_sequence),
		watch_test(test_terminal_of_an_unknown_kind_is_written_to_plainly),
		watch_test(test_screen_shows_the_text_and_q_ends_it),
		watch_test(test_screen_is_drawn_again_after_the_interval),
		watch_test(test_screen_is_drawn_again_at_another_key),
		watch_test(test_screen_ends_well_on_signals),
		watch_test(test_screen_ends_well_on_the_interrupt_key),
		watch_test(test_screen_waits_for_a_daemon_that_fails),
		watch_test(test_screen_too_short_for_the_text_says_how_much_is_left),
		watch_test(test_screen_just_long_enough_shows_all),
		watch_test(test_screen_too_narrow_for_a_line_keeps_lines_apart),
		watch_test(test_screen_that_grows_is_drawn_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
