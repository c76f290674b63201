#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# teardown.sh - take a lab down: its processes, namespaces and files
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lib.sh"

usage() {
	cat <<-EOF
	usage: teardown.sh [--lab NAME]

	Ends every process in the hosts of lab NAME (default: \$NATEM_LAB, or natem), natemd included,
	closes its chats, and removes its namespaces and its files in $run_dir. A lab that is half
	built or already down is fine too.

	Exit status: 0 done, 1 failed, 2 wrong usage.
	EOF
}

lab_pids() {
	local host

	for host in "${hosts[@]}"; do
		ip netns pids "$lab-$host"
	done
}

close_chats() {
	local socket

	for socket in "$run_dir/$lab".*.tmux; do
		[[ ! -S $socket ]] || tmux -S "$socket" kill-server 2>/dev/null || true
	done
}

read_options "$@"
no_words
need_root "$@"

mapfile -t hosts < <(lab_hosts)
if ((${#hosts[@]} == 0)) && [[ -z $(compgen -G "$run_dir/$lab.*") ]]; then
	log "lab '$lab' is not up: nothing to take down"
	exit 0
fi
close_chats
end_processes lab_pids
for host in "${hosts[@]}"; do
	ip netns del "$lab-$host"
done
rm -f "$run_dir/$lab".*
log "lab '$lab' is down"
