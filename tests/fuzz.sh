#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# fuzz.sh - run each fuzzer for a while, and keep what makes it crash
#
# tests/fuzz/corpus/NAME/ is where fuzz_NAME starts from; it works on a copy, so that a run
# leaves the sources as they are. What crashes stays under build/fuzz/crashes.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
	cat <<-EOF
	usage: tests/fuzz.sh SECONDS FUZZER...

	Runs each fuzzer for SECONDS and prints one line for it. An input that crashes one is kept in
	build/fuzz/crashes, and is to become a unit test; "FUZZER FILE" runs it again.

	Exit status: 0 none crashed, 1 one did or did not run, 2 wrong usage.
	EOF
}

[[ ${1:-} != -h && ${1:-} != --help ]] || { usage; exit 0; }
[[ ${1:-} =~ ^[1-9][0-9]*$ && $# -gt 1 ]] || { usage >&2; exit 2; }
seconds=$1 failed=0
shift
crashes=${NATEM_BUILD:-build}/fuzz/crashes
mkdir -p "$crashes"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM

# The last figure that libFuzzer gave for $1 (cov, runs ...), or a dash.
figure() { grep -oE "$1[: ]+[0-9]+" "$log" | tail -1 | grep -oE '[0-9]+$' || echo -; }

run_fuzzer() {
	local fuzzer=$1 name=${1##*/} status=0 kept runs=- coverage=-
	local seeds=tests/fuzz/corpus/${name#fuzz_} corpus=$scratch/$name log=$scratch/$name.log

	mkdir -p "$corpus"
	[[ ! -d $seeds ]] || cp -r "$seeds/." "$corpus/"
	touch "$scratch/start"
	"$fuzzer" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
		-artifact_prefix="$crashes/$name-" "$corpus" >"$log" 2>&1 </dev/null || status=$?
	runs=$(figure 'stat::number_of_executed_units') coverage=$(figure cov)
	if ((status == 0)) && [[ $runs != - ]]; then
		printf '%-20s ok       %s runs, coverage %s\n' "$name" "$runs" "$coverage"
		return
	fi
	failed=1
	kept=$(find "$crashes" -name "$name-*" -newer "$scratch/start" | head -1)
	tail -40 "$log"
	printf '%-20s FAILED   exit status %d, %s\n' "$name" "$status" \
		"${kept:-no input kept: it did not run as a fuzzer}"
}

for fuzzer; do
	run_fuzzer "$fuzzer"
done
exit "$failed"
