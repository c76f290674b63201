#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# exec.sh - run a program in a host of a lab
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lib.sh"

usage() {
	cat <<-EOF
	usage: exec.sh [--lab NAME] HOST COMMAND [ARGUMENT...]

	Runs COMMAND in HOST of lab NAME (default: \$NATEM_LAB, or natem), with the input,
	output and exit status that are its own. HOST is client, client2 ..., router or server.

	  exec.sh client ping 203.0.113.10
	  exec.sh server tcpdump -n -i eth0

	Exit status: that of COMMAND; 1 no such lab, 2 wrong usage.
	EOF
}

read_options "$@"
((${#words[@]} > 1)) || misuse "say a host and a command"
need_root "$@"
need_lab
host=${words[0]}
host_exists "$host" || misuse "lab '$lab' has no host '$host'; it has: $(lab_hosts | paste -sd ' ')"
exec ip netns exec "$lab-$host" "${words[@]:1}"
