/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/daemon/config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "nat/core/presets.h"

/* --- command line -------------------------------------------------------------------------- */

const struct help_flag config_flags[] = {
	{ 'c', "config", "FILE", "read knobs from FILE ([section] and key = value lines)" },
	{ 'o', "option", "KEY=VALUE",
	  "set a knob; -c and -o are taken in the order given, and what comes later wins" },
	{ '\0', "queue", "N", "NFQUEUE number, 0 to 65535 (default 0)" },
	{ '\0', "busy-poll", "USEC",
	  "look for the next packet so long before going to sleep, 0 to 1000 microseconds "
	  "(default 50): 0 saves processor time, more saves time on the way" },
	{ '\0', "socket", "PATH", "control socket (default: the one of lab 'natem')" },
	{ '\0', "ready-fd", "N", "write a newline to descriptor N when ready" },
	{ 'n', "check", NULL, "check the configuration, print it whole and exit" },
	{ 'h', "help", NULL, "flags, knobs and presets" },
	{ 'V', "version", NULL, "the version" },
	{ '\0', NULL, NULL, NULL },
};

static void print_help(void)
{
	char allowed[OPTIONS_TEXT_MAX];

	puts("Usage: natemd [-c FILE] [-o KEY=VALUE]... [--queue N] [--busy-poll USEC]\n"
	     "              [--socket PATH] [--ready-fd N] [-n]\n"
	     "\n"
	     "A NAT in userspace: takes packets from an NFQUEUE, rewrites them by its table,\n"
	     "and can be told to be any kind of NAT. Runs until SIGINT or SIGTERM; SIGHUP opens\n"
	     "the mapping log (log.file) anew, after it was moved away.\n");
	help_print_flags(config_flags);
	puts("\n"
	     "Exit status: 0 done, 1 failed at run time, 2 wrong usage or configuration.\n"
	     "\n"
	     "Knobs (KEY = default: meaning; what is allowed):");
	for (unsigned int id = 0; id < OPTION_COUNT; id++) {
		const struct option_spec *spec = option_spec((enum option_id)id);

		printf("  %s = %s\n      %s%s%s%s\n      %s\n", spec->key, spec->initial,
		       spec->meaning, *spec->clause ? " [" : "", spec->clause,
		       *spec->clause ? "]" : "", option_allowed((enum option_id)id, allowed));
	}
	puts("\nPresets (-o nat.preset=NAME, before other knobs: it sets all but the machine's "
	     "own):");
	for (unsigned int i = 0; preset_spec(i) != NULL; i++)
		printf("  %-24s%s [%s]\n", preset_spec(i)->name, preset_spec(i)->meaning,
		       preset_spec(i)->source);
}

static enum config_result wrong(const char *message)
{
	log_error("%s", message);
	return CONFIG_WRONG;
}

static int read_number(const char *text, long most, long *value)
{
	char *end;

	errno = 0;
	*value = strtol(text, &end, 10);
	return errno != 0 || end == text || *end != '\0' || *value < 0 || *value > most ? -EINVAL
											: 0;
}

static int read_assignment(struct options *o, const char *text, char *why, size_t why_size)
{
	const char *equals = strchr(text, '=');
	char key[128];

	if (equals == NULL || equals == text || (size_t)(equals - text) >= sizeof(key)) {
		snprintf(why, why_size, "-o '%.64s': expected KEY=VALUE", text);
		return -EINVAL;
	}
	snprintf(key, sizeof(key), "%.*s", (int)(equals - text), text);
	return presets_set(o, key, equals + 1, why, why_size);
}

enum { FLAG_QUEUE = 256, FLAG_BUSY_POLL, FLAG_SOCKET, FLAG_READY };

enum { BUSY_POLL_US = 50, BUSY_POLL_US_MAX = 1000 };

static const struct option flags[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "option", required_argument, NULL, 'o' },
	{ "queue", required_argument, NULL, FLAG_QUEUE },
	{ "busy-poll", required_argument, NULL, FLAG_BUSY_POLL },
	{ "socket", required_argument, NULL, FLAG_SOCKET },
	{ "ready-fd", required_argument, NULL, FLAG_READY },
	{ "check", no_argument, NULL, 'n' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

/* One flag of the command line; 0, or -EINVAL with the message in @why. */
static int read_flag(struct config *config, int flag, const char *argument, char *why, size_t size)
{
	long number;

	switch (flag) {
	case 'c':
		return config_read_file(&config->options, argument, why, size);
	case 'o':
		return read_assignment(&config->options, argument, why, size);
	case 'n':
		config->check_only = true;
		return 0;
	case FLAG_QUEUE:
		if (read_number(argument, UINT16_MAX, &number) == 0) {
			config->queue = (uint16_t)number;
			return 0;
		}
		snprintf(why, size, "--queue '%.64s': expected a number from 0 to 65535", argument);
		return -EINVAL;
	case FLAG_BUSY_POLL:
		if (read_number(argument, BUSY_POLL_US_MAX, &number) == 0) {
			config->busy_poll_us = (uint16_t)number;
			return 0;
		}
		snprintf(why, size, "--busy-poll '%.64s': expected microseconds from 0 to %d",
			 argument, BUSY_POLL_US_MAX);
		return -EINVAL;
	case FLAG_READY:
		if (read_number(argument, INT32_MAX, &number) == 0 &&
		    fcntl((int)number, F_GETFD) >= 0) {
			config->ready_fd = (int)number;
			return 0;
		}
		snprintf(why, size, "--ready-fd '%.64s': expected the number of an open descriptor",
			 argument);
		return -EINVAL;
	case FLAG_SOCKET:
		if (*argument != '\0' && strlen(argument) < sizeof(config->socket)) {
			strcpy(config->socket, argument);
			return 0;
		}
		snprintf(why, size, "--socket: a path of 1 to %zu characters is needed",
			 sizeof(config->socket) - 1);
		return -EINVAL;
	default:
		snprintf(why, size, "try 'natemd --help'"); /* getopt has named the flag */
		return -EINVAL;
	}
}

enum config_result config_read(struct config *config, int argc, char **argv)
{
	char why[CONFIG_WHY_MAX];
	int flag;

	*config = (struct config){ .ready_fd = -1, .busy_poll_us = BUSY_POLL_US };
	options_init(&config->options);
	if (rpc_socket_path("natem", config->socket) < 0)
		*config->socket = '\0';
	while ((flag = getopt_long(argc, argv, "c:o:nhV", flags, NULL)) != -1) {
		if (flag == 'h') {
			print_help();
			return CONFIG_DONE;
		}
		if (flag == 'V') {
			puts("natemd " NATEM_VERSION);
			return CONFIG_DONE;
		}
		if (read_flag(config, flag, optarg, why, sizeof(why)) < 0)
			return wrong(why);
	}
	if (optind < argc) {
		snprintf(why, sizeof(why), "'%.64s' is not an option; try 'natemd --help'",
			 argv[optind]);
		return wrong(why);
	}
	if (*config->socket == '\0')
		return wrong("XDG_RUNTIME_DIR is too long for a socket path; use --socket");
	if (options_check(&config->options, why, sizeof(why)) < 0)
		return wrong(why);
	if (config->check_only) {
		config_print(&config->options);
		return CONFIG_DONE;
	}
	return CONFIG_RUN;
}

/* --- what it means here -------------------------------------------------------------------- */

static void name_interfaces(char *text, size_t size)
{
	struct if_nameindex *all = if_nameindex();
	size_t used = 0;

	*text = '\0';
	for (struct if_nameindex *i = all; i != NULL && i->if_index != 0 && used < size; i++)
		used += (size_t)snprintf(text + used, size - used, "%s%s", i > all ? ", " : "",
					 i->if_name);
	if_freenameindex(all);
}

static int find_interface(const char *key, const char *name, unsigned int *index, char *why,
			  size_t why_size)
{
	char all[512];

	*index = if_nametoindex(name);
	if (*index != 0)
		return 0;
	name_interfaces(all, sizeof(all));
	snprintf(why, why_size, "%s: no interface '%s' in this network namespace; there are: %s",
		 key, name, all);
	return -ENODEV;
}

static int addresses_of(const char *interface, struct external_list *list, char *why,
			size_t why_size)
{
	struct ifaddrs *all;

	if (getifaddrs(&all) < 0)
		return -errno;
	for (struct ifaddrs *a = all; a != NULL && list->count < OPTIONS_EXTERNAL_MAX;
	     a = a->ifa_next) {
		struct sockaddr_in in4;
		struct addr address;

		if (a->ifa_addr == NULL || a->ifa_addr->sa_family != AF_INET ||
		    strcmp(a->ifa_name, interface) != 0)
			continue;
		memcpy(&in4, a->ifa_addr, sizeof(in4));
		address = addr_from_ip4(ntohl(in4.sin_addr.s_addr));
		list->ranges[list->count++] = (struct addr_range){ address, address };
	}
	freeifaddrs(all);
	if (list->count > 0)
		return 0;
	snprintf(why, why_size,
		 "nat.external is auto, but interface '%s' has no IPv4 address; give it one, or "
		 "set nat.external",
		 interface);
	return -EADDRNOTAVAIL;
}

int config_resolve(const struct options *o, struct config_resolved *resolved, char *why,
		   size_t why_size)
{
	int err;

	resolved->options = *o;
	err = find_interface("nat.lan", o->lan, &resolved->lan, why, why_size);
	if (err == 0)
		err = find_interface("nat.wan", o->wan, &resolved->wan, why, why_size);
	if (err == 0 && o->external.count == 0)
		err = addresses_of(o->wan, &resolved->options.external, why, why_size);
	return err;
}
