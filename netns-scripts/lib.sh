# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# lib.sh - what the lab's scripts share; sourced, never run
#
# A lab NAME owns the namespaces NAME-HOST and the files /run/natem/NAME.*: a name holds no dot,
# so that one lab's files are never taken for another's.
set -euo pipefail

PATH=$PATH:/usr/sbin:/sbin # plain su leaves them out, and iptables with them
checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
# shellcheck disable=SC2034 # for the scripts that source this; tests name a build of their own
build_dir=$checkout/${NATEM_BUILD:-build}
run_dir=/run/natem
lab=${NATEM_LAB:-natem}

log() { printf '%s\n' "$*"; }
err() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
fail() { err "$@"; exit 1; }
misuse() { err "$*; --help tells more"; exit 2; }

# Call it as: need_value "$@", with the option first.
need_value() { (($# > 1)) || misuse "$1 needs a value"; }

# Options that every script has; the words after them are left in `words`.
read_options() {
	while (($#)); do
		case $1 in
		--lab) need_value "$@"; lab=$2; shift 2 ;;
		-h | --help) usage; exit 0 ;;
		-*) misuse "unknown option '$1'" ;;
		*) break ;;
		esac
	done
	check_lab_name
	words=("$@")
}

no_words() { ((${#words[@]} == 0)) || misuse "unknown argument '${words[0]}'"; }

# The limit keeps every name that is made of it legal: socket path, namespace, tmux session.
check_lab_name() {
	local LC_ALL=C # elsewhere [a-z] may hold capitals
	[[ $lab =~ ^[a-z0-9][a-z0-9-]{0,31}$ ]] ||
		misuse "'$lab' is no lab name: up to 32 of a-z, 0-9 and -, with no - in front"
}

# Go on as root, with the script's own arguments.
need_root() {
	((EUID != 0)) || return 0
	command -v sudo >/dev/null ||
		fail "this needs root, and sudo is not installed: run it again in a root shell (su -)"
	exec sudo -- bash "$0" "$@"
}

# Poll until the command succeeds: wait_for SECONDS COMMAND...
wait_for() {
	local deadline=$((SECONDS + $1))

	shift
	until "$@"; do
		((SECONDS < deadline)) || return 1
		sleep 0.05
	done
}

# A program of the checkout, as the user would type it here for this lab.
call() {
	local line=$1

	[[ $PWD == "$checkout" ]] || line=$checkout/$line
	[[ $lab == natem ]] || line+=" --lab $lab"
	printf '%s' "$line"
}

host_exists() { [[ -e /run/netns/$lab-$1 ]]; }

# The lab's hosts, one a line. The whole name counts: lab "a" is not to find the hosts of lab "a-b".
lab_hosts() { ip netns list | sed -nE "s/^$lab-((client|router|server)[0-9]*)( .*)?$/\1/p" | sort -V; }

need_lab() {
	host_exists router || fail "no lab '$lab' is up; this brings it up: $(call netns-scripts/setup.sh)"
}

in_host() {
	local host=$1

	shift
	ip netns exec "$lab-$host" "$@"
}

prints_nothing() { [[ -z $("$@") ]]; }

# End the processes whose ids the command prints: ask them first, then force those that stay.
end_processes() {
	local signal pids

	for signal in TERM KILL; do
		mapfile -t pids < <("$@")
		((${#pids[@]} == 0)) || kill -s "$signal" "${pids[@]}" 2>/dev/null || true
		if wait_for 5 prints_nothing "$@"; then return 0; fi
	done
	fail "these processes do not end: $("$@" | paste -sd ' ')"
}

# natemd's process id, if it still runs. The file alone proves nothing: ids are used again.
daemon_pid() {
	[[ -e $run_dir/$lab.pid ]] || return 0
	ip netns pids "$lab-router" | grep -xF -- "$(<"$run_dir/$lab.pid")" || true
}

# Start natemd, given as its whole command line, in the router, and return when it is ready.
daemon_start() {
	local log=$run_dir/$lab.log ready

	printf '%(%F %T)T: starting natemd\n' >>"$log"
	printf '%s\0' "$PWD" "$@" >"$run_dir/$lab.args" # for restart.sh; file names may be relative
	# Descriptor 3 carries a newline when natemd is ready. If it ends before, we read the end of file.
	exec {ready}< <(
		printf '%s\n' "$BASHPID" >"$run_dir/$lab.pid"
		exec setsid ip netns exec "$lab-router" "$@" --ready-fd 3 \
			3>&1 >>"$log" 2>&1 </dev/null
	)
	if ! read -r -t 10 -u "$ready"; then
		err "natemd did not start; the end of its log:"
		tail -n 10 "$log" >&2
		return 1
	fi
	exec {ready}<&-
}
