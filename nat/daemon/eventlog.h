/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * eventlog.h - the mapping log: who had which external port, and when (RFC 6888 section 4)
 * Owns:       the file of log.file with the records that wait for it, and the socket to the system's log.
 * Invariants: a block of ports is one record, and what comes out of it none; other mappings are two. No
 *             destination is recorded unless log.destinations says so (RFC 6888 REQ-12). What cannot
 *             be written is counted, and told: in the log itself, in natemd's own, in `status`.
 *
 * Records are taken from the ring of flows after each batch of packets, and written together: at once
 * where the last time is long ago, else a moment later. A file that takes no more (a full disk) is tried
 * again every second; meanwhile records wait, until there is no room for more.
 */
#ifndef DAEMON_EVENTLOG_H
#define DAEMON_EVENTLOG_H

#include <stddef.h>

#include "nat/core/nat.h"

enum {
	EVENTLOG_BUFFER = 256 * 1024, /* bytes of records that may wait */
	EVENTLOG_PERIOD_MS = 100,     /* how long a record waits for others at most */
	EVENTLOG_RETRY_MS = 1000,     /* until a file that has failed is tried again */
};

struct eventlog {
	bool has_file, has_syslog; /* is it written there? */
	bool destinations;
	char path[OPTIONS_PATH_MAX];
	int fd;	      /* of the file */
	char *buffer; /* owned; EVENTLOG_BUFFER bytes, records that wait for the file */
	size_t used;
	size_t partial;	     /* bytes of the first record that are written already */
	bool failing;	     /* the last write was none */
	struct mono retry;   /* real time: when it is tried again */
	struct mono flushed; /* real time: the last write */
	uint64_t untold;     /* records lost since the log last said so */
	/* Ever: records written to the file, lost, and attempts that failed. */
	uint64_t written, lost, errors;
	int socket;		 /* to the system's log; -1 while it is not connected */
	const char *socket_path; /* borrowed */
	bool socket_failing;
	uint64_t socket_sent, socket_lost;
	uint64_t next_event, next_flow; /* numbers of what is to be read next in each ring */
	/* What was there when the log began is told bit by bit: which host, which mapping is next. */
	uint32_t open_hosts, open_mappings;
	struct mono began; /* NAT time */
};

/* A file that was opened for what is to be in force soon. */
struct eventlog_file {
	int fd; /* -1: none, or the one that is in use */
};

/* Nothing is logged yet. @socket_path: of the system's log, "/dev/log"; kept. */
void eventlog_init(struct eventlog *log, const char *socket_path);
/* Write what waits, as far as that goes at once, and close. */
void eventlog_close(struct eventlog *log, struct nat *nat, struct mono real);

/* Open what @o asks for and @log has not; 0, or -errno. */
int eventlog_prepare(const struct eventlog *log, const struct options *o,
		     struct eventlog_file *fresh);
/* It is not needed after all. */
void eventlog_drop(struct eventlog_file *fresh);
/* Log as @o says from now on; @fresh is taken. */
void eventlog_use(struct eventlog *log, struct nat *nat, const struct options *o,
		  struct eventlog_file *fresh, struct mono real);

/* The file was moved away, or is to be: write to one of its name. Where there can be none, the old one
 * stays in use, and that is told. */
void eventlog_reopen(struct eventlog *log, struct nat *nat, struct mono real);

/* Take the events there are as records; for whoever makes many of them at once. */
void eventlog_take(struct eventlog *log, struct nat *nat);
/* The same, and write what is due; returns when to call again, in real time. */
struct mono eventlog_serve(struct eventlog *log, struct nat *nat, struct mono real);

/* How many records wait for the file. */
uint64_t eventlog_waiting(const struct eventlog *log);

#endif
