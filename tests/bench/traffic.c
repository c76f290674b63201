/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * traffic.c - makes and measures the traffic of the benchmarks
 * In batches, so that the tool is not the limit; every command ends by itself.
 */
#include "tests/bench/traffic.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { SECOND = 1000000000, SOCKET_BUFFER = 32 * 1024 * 1024 };

/* --- what the commands share --------------------------------------------------------------- */

int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * SECOND + t.tv_nsec;
}

_Noreturn void die(const char *what, const char *advice)
{
	fprintf(stderr, "traffic: %s: %s%s%s\n", what, strerror(errno), advice != NULL ? "; " : "",
		advice != NULL ? advice : "");
	exit(1);
}

int open_socket(int type, int64_t timeout_ns)
{
	const struct timeval timeout = { .tv_sec = timeout_ns / SECOND,
					 .tv_usec = timeout_ns % SECOND / 1000 };
	const int size = SOCKET_BUFFER;
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, type == SOCK_RAW ? IPPROTO_RAW : 0);

	if (fd < 0)
		die("cannot open a socket",
		    errno == EPERM ? "run it as root" : "raise the limit: ulimit -n");
	/* Beyond the system's limit only with the privilege; less is no error. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (timeout_ns > 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) < 0)
		die("cannot set a time-out", NULL);
	return fd;
}

void bind_socket(int fd, const struct sockaddr_in *at)
{
	const int yes = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (bind(fd, (const struct sockaddr *)at, sizeof(*at)) < 0)
		die("cannot listen at --at", "take an address of this host and a free port");
}

struct sockaddr_in port_after(const struct sockaddr_in *base, int64_t n)
{
	struct sockaddr_in next = *base;

	next.sin_port = htons((uint16_t)(ntohs(base->sin_port) + n));
	return next;
}

void print_rate(const char *what, int64_t count, int64_t ns)
{
	const double seconds = (double)ns / SECOND;

	printf("{\"%s\": %lld, \"seconds\": %.6f, \"per_second\": %.1f", what, (long long)count,
	       seconds, seconds > 0 ? (double)count / seconds : 0);
}

/* --- options ------------------------------------------------------------------------------- */

enum kind { ADDRESS, NUMBER, SECONDS };

static const struct option_row {
	const char *name;
	enum kind kind;
	size_t field;
	int64_t least, most, otherwise; /* of SECONDS in milliseconds */
	const char *meaning;
} option_rows[] = {
#define FIELD(f) offsetof(struct traffic, f)
	{ "to", ADDRESS, FIELD(to), 0, 0, 0, "whom to send to" },
	{ "at", ADDRESS, FIELD(at), 0, 0, 0, "where to listen; for fresh the first source" },
	{ "size", NUMBER, FIELD(size), 36, 65535, 64, "bytes of a packet with its IP header" },
	{ "flows", NUMBER, FIELD(flows), 1, 10000, 1, "sockets that send in turn" },
	{ "count", NUMBER, FIELD(count), 1, 4000000, 10000, "packets, or round trips at most" },
	{ "rate", NUMBER, FIELD(rate), 0, 10000000, 0, "packets a second; 0: all it can" },
	{ "ports", NUMBER, FIELD(ports), 1, 64000, 1, "ports in a row, from the given one on" },
	{ "addresses", NUMBER, FIELD(addresses), 1, 250, 1, "addresses in a row, likewise" },
	{ "in-flight", NUMBER, FIELD(in_flight), 1, 1000, 32, "connections at once" },
	{ "seconds", SECONDS, FIELD(seconds_ns), 1, 120000, 1000, "how long" },
	{ "warm-up", SECONDS, FIELD(warm_up_ns), 0, 10000, 0, "before that, not counted" },
	{ "idle", SECONDS, FIELD(idle_ns), 1, 120000, 10000, "nothing for so long is the end" },
};

enum { OPTIONS = sizeof(option_rows) / sizeof(option_rows[0]) };

static const struct command_row {
	const char *name;
	int (*run)(const struct traffic *t);
	const char *needed, *options; /* names, each with a blank before and behind it */
	const char *meaning;
} command_rows[] = {
	{ "flood", traffic_flood, " to ", " size flows seconds ",
	  "UDP as fast as it goes, from as many sockets as there are flows" },
	{ "fresh", traffic_fresh, " to at ", " size count rate ports addresses ",
	  "UDP, each packet from another port or address than all before; needs root" },
	{ "sink", traffic_sink, " at ", " seconds warm-up idle ",
	  "counts the UDP packets that arrive, from the first one on" },
	{ "connect", traffic_connect, " to ", " ports in-flight seconds ",
	  "TCP: connect, one byte each way, close, and again" },
	{ "accept", traffic_accept, " at ", " ports idle ", "the other side of connect" },
	{ "round-trip", traffic_round_trip, " to ", " size count seconds ",
	  "UDP: one packet there and back, and again; how long it takes" },
	{ "echo", traffic_echo, " at ", " idle ", "the other side of round-trip" },
};

enum { COMMANDS = sizeof(command_rows) / sizeof(command_rows[0]) };

static bool holds(const char *names, const char *name)
{
	char word[32];

	snprintf(word, sizeof(word), " %s ", name);
	return strstr(names, word) != NULL;
}

static void usage(void)
{
	puts("usage: traffic COMMAND --OPTION VALUE...\n"
	     "\n"
	     "Makes and measures the traffic of natem's benchmarks; prints one line of JSON.\n");
	for (int i = 0; i < COMMANDS; i++) {
		const struct command_row *c = &command_rows[i];

		printf("  %-10s %s\n", c->name, c->meaning);
		printf("             needs:%s takes:%s\n", c->needed, c->options);
	}
	puts("\nOptions (ADDRESS is IPv4:PORT):");
	for (int i = 0; i < OPTIONS; i++) {
		const struct option_row *o = &option_rows[i];

		if (o->kind == ADDRESS)
			printf("  --%-10s ADDRESS  %s\n", o->name, o->meaning);
		else if (o->kind == NUMBER)
			printf("  --%-10s N        %s: %lld to %lld (%lld)\n", o->name, o->meaning,
			       (long long)o->least, (long long)o->most, (long long)o->otherwise);
		else
			printf("  --%-10s SECONDS  %s: at most %lld (%g)\n", o->name, o->meaning,
			       (long long)o->most / 1000, (double)o->otherwise / 1000);
	}
	puts("\nExit status: 0 done, 1 failed, 2 wrong usage.");
}

static _Noreturn void misuse(const char *what, const char *word)
{
	fprintf(stderr, "traffic: %s '%s'; --help tells more\n", what, word);
	exit(2);
}

static struct sockaddr_in parse_address(const char *word)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	const char *colon = strrchr(word, ':');
	char text[INET_ADDRSTRLEN], *end;
	long port;

	if (colon == NULL || (size_t)(colon - word) >= sizeof(text))
		misuse("no ADDRESS:PORT:", word);
	memcpy(text, word, (size_t)(colon - word));
	text[colon - word] = '\0';
	port = strtol(colon + 1, &end, 10);
	if (inet_pton(AF_INET, text, &at.sin_addr) != 1 || end == colon + 1 || *end != '\0' ||
	    port < 1 || port > UINT16_MAX)
		misuse("no ADDRESS:PORT:", word);
	at.sin_port = htons((uint16_t)port);
	return at;
}

static void parse_number(const struct option_row *o, const char *word, int64_t *field)
{
	char *end;
	double value = strtod(word, &end) * (o->kind == SECONDS ? 1000 : 1);

	if (end == word || *end != '\0' || !(value >= (double)o->least) ||
	    value > (double)o->most) {
		fprintf(stderr, "traffic: --%s cannot be '%s'; --help tells its limits\n", o->name,
			word);
		exit(2);
	}
	*field = (int64_t)value;
}

static const struct option_row *find_option(const struct command_row *c, const char *word)
{
	for (int i = 0; i < OPTIONS; i++)
		if (strncmp(word, "--", 2) == 0 && strcmp(word + 2, option_rows[i].name) == 0 &&
		    (holds(c->needed, word + 2) || holds(c->options, word + 2)))
			return &option_rows[i];
	misuse("no option of this command:", word);
}

static void parse(struct traffic *t, const struct command_row *c, char **words)
{
	char seen[256] = " ";

	for (int i = 0; i < OPTIONS; i++)
		if (option_rows[i].kind != ADDRESS)
			*(int64_t *)((char *)t + option_rows[i].field) = option_rows[i].otherwise;
	for (; *words != NULL; words += 2) {
		const struct option_row *o = find_option(c, words[0]);
		void *field = (char *)t + o->field;

		if (words[1] == NULL)
			misuse("a value is missing after", words[0]);
		if (o->kind == ADDRESS)
			*(struct sockaddr_in *)field = parse_address(words[1]);
		else
			parse_number(o, words[1], field);
		if (!holds(seen, o->name))
			strcat(strcat(seen, o->name), " ");
	}
	for (int i = 0; i < OPTIONS; i++)
		if (holds(c->needed, option_rows[i].name) && !holds(seen, option_rows[i].name))
			misuse("this command needs the option", option_rows[i].name);
	t->seconds_ns *= SECOND / 1000;
	t->warm_up_ns *= SECOND / 1000;
	t->idle_ns *= SECOND / 1000;
}

int main(int argc, char **argv)
{
	struct rlimit files;
	struct traffic t = { 0 };

	if (argc < 2)
		misuse("say a command, after", argv[0]);
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			usage();
			return 0;
		}
	}
	for (int i = 0; i < COMMANDS; i++) {
		if (strcmp(argv[1], command_rows[i].name) != 0)
			continue;
		parse(&t, &command_rows[i], argv + 2);
		if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
			files.rlim_cur = files.rlim_max;
			setrlimit(RLIMIT_NOFILE, &files);
		}
		return command_rows[i].run(&t);
	}
	misuse("there is no command", argv[1]);
}
