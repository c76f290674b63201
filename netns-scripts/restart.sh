#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# restart.sh - start a lab's natemd again with the options it had
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lib.sh"

usage() {
	cat <<-EOF
	usage: restart.sh [--lab NAME]

	Stops natemd in the router of lab NAME (default: \$NATEM_LAB, or natem) if it still runs, and
	starts it again with the options it was started with: its table is empty then, and what "natem
	set" changed is lost. Works after a crash too; the log in $run_dir/NAME.log goes on.

	Exit status: 0 done, 1 failed, 2 wrong usage.
	EOF
}

read_options "$@"
no_words
need_root "$@"
need_lab
[[ -s $run_dir/$lab.args ]] ||
	fail "lab '$lab' never had a natemd; build it anew: $(call netns-scripts/setup.sh)"

end_processes daemon_pid
rm -f "$run_dir/$lab.sock" # a daemon that crashed leaves it behind
mapfile -d '' -t command <"$run_dir/$lab.args"
cd "${command[0]}"
daemon_start "${command[@]:1}"
log "natemd runs again in lab '$lab', process $(daemon_pid), with the options it was started with"
