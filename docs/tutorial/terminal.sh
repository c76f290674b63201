#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# terminal.sh - a shell in a host of the lab, in this directory, with the host's name as its prompt
# shellcheck source-path=SCRIPTDIR source=../../netns-scripts/lib.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../../netns-scripts/lib.sh"

usage() {
	cat <<-EOF
	usage: terminal.sh [--lab NAME] HOST [PROMPT]

	Opens a shell in HOST (client, client2 ..., router or server) of lab NAME (default: \$NATEM_LAB,
	or natem), where natem, the lab's scripts and the tutorial's programs are at
	hand. PROMPT is its name, if it is to
	be another than HOST. Ctrl-d ends it.

	Exit status: that of the shell; 1 no such lab, 2 wrong usage.
	EOF
}

read_options "$@"
((${#words[@]} == 1 || ${#words[@]} == 2)) || misuse "say a host, and a prompt if you like"
need_root "$@"
need_lab
host=${words[0]}
name=${words[1]-$host}
host_exists "$host" || misuse "lab '$lab' has no host '$host'; it has: $(lab_hosts | paste -sd ' ')"
cd "$checkout/docs/tutorial"
exec ip netns exec "$lab-$host" env PATH="$build_dir:$checkout/netns-scripts:$PATH" NATEM_LAB="$lab" \
	NATEM_SOCKET="$run_dir/$lab.sock" TERMINAL="$name" PS1="$name\$ " bash --norc --noprofile -i
