#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# exec.sh - run a program in a host of a lab
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage() {
	cat <<-EOF
	usage: exec.sh [--lab NAME] HOST COMMAND [ARGUMENT...]

	Runs COMMAND in HOST of lab NAME (default: natem), with the input, output and exit status that
	are its own. HOST is client, client2 ..., router or server.

	  exec.sh client ping 203.0.113.10
	  exec.sh server tcpdump -n -i eth0

	Exit status: that of COMMAND; 1 no such lab, 2 wrong usage.
	EOF
}

args=("$@")
while (($#)); do
	case $1 in
	--lab) need_value "$@"; lab=$2; shift 2 ;;
	-h | --help) usage; exit 0 ;;
	-*) misuse "unknown option '$1'" ;;
	*) break ;;
	esac
done
check_lab_name
(($# > 1)) || misuse "say a host and a command"
need_root "${args[@]}"
need_lab
host=$1
shift
host_exists "$host" || misuse "lab '$lab' has no host '$host'; it has: $(lab_hosts | paste -sd ' ')"
exec ip netns exec "$lab-$host" "$@"
